/*
 * cpp_hello: what hello.c does, with the C++ header. A server on a free loopback port, an initiator
 * with a function for its events, a responder that takes its events, a message each way, and a clean
 * end.
 *
 *     c++ -std=c++17 cpp_hello.cpp -lsaltyrtc -o cpp_hello && ./cpp_hello
 *
 * Runs on its own.
 */
#include <saltyrtc.hpp>

#include <chrono>
#include <exception>
#include <future>
#include <iostream>
#include <stdexcept>

using namespace std::chrono_literals;

/// Takes events up to the first one of the kind.
static saltyrtc::Event wait_for(saltyrtc::Client &client, saltyrtc_event_kind kind) {
    while (auto event = client.next_event()) {
        if (event->kind() == kind) return std::move(*event);
    }
    throw std::runtime_error("the connection ended too early");
}

static void hello() {
    // A server, with a permanent key so that nobody can take its place.
    const auto server_keys = saltyrtc::KeyPair::generate();
    saltyrtc::Server server(saltyrtc::ServerConfig("127.0.0.1").add_permanent_key(server_keys.secret_key));
    std::cout << "server     listens at " << server.url() << '\n';

    // The initiator. Its function is called on a thread of the library, and sets the promise when it is done.
    auto config = saltyrtc::Config::initiator(server.url());
    config.server_key(server_keys.public_key).add_relayed_data_task();
    std::promise<void> closed;
    const saltyrtc::Client initiator(config, [&](saltyrtc::ClientRef client,
                                                 const saltyrtc::EventView &event) {
        if (event.kind() == SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE) {
            client.send_text("Hello, responder!");
        } else if (event.kind() == SALTYRTC_EVENT_KIND_DATA) {
            std::cout << "initiator  received: " << event.data() << std::endl;
            client.close();
        } else if (event.kind() == SALTYRTC_EVENT_KIND_CLOSED) {
            closed.set_value();
        }
    });

    // The responder. In real life, it gets the invitation as a QR code or in another safe way.
    auto invited = saltyrtc::Config::responder(config.invitation());
    saltyrtc::Client responder(invited.add_relayed_data_task());
    const auto event = wait_for(responder, SALTYRTC_EVENT_KIND_DATA);
    std::cout << "responder  received: " << event.data() << std::endl;
    responder->send_text("Hello, initiator!");

    const auto end = wait_for(responder, SALTYRTC_EVENT_KIND_CLOSED);
    closed.get_future().wait();
    std::cout << "responder  " << end.text() << '\n';
}

int main() {
    try {
        hello();
        saltyrtc::shutdown(5s);
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
