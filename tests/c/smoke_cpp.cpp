// The C++ wrapper: the same way as in smoke.c, with objects.

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "support.hpp"

using namespace std::chrono_literals;

static_assert(std::is_move_constructible_v<saltyrtc::Client>);
static_assert(!std::is_copy_constructible_v<saltyrtc::Client>);
static_assert(std::is_base_of_v<std::runtime_error, saltyrtc::Error>);

namespace {

template <typename Function> saltyrtc_status status_of(Function function) {
    try {
        function();
        return SALTYRTC_STATUS_OK;
    } catch (const saltyrtc::Error &error) {
        CHECK(error.what()[0] != '\0');
        return error.status();
    }
}

void talk() {
    const auto keys = saltyrtc::KeyPair::generate();
    CHECK(saltyrtc::KeyPair::from_secret(keys.secret_key).public_key == keys.public_key);
    CHECK(saltyrtc::key_from_hex(saltyrtc::to_hex(keys.public_key)) == keys.public_key);

    saltyrtc::Server server(saltyrtc::ServerConfig("127.0.0.1").add_permanent_key(keys.secret_key));
    CHECK(server.url() == "ws://127.0.0.1:" + std::to_string(server.port()));

    auto config = saltyrtc::Config::initiator(server.url());
    config.server_key(keys.public_key).add_relayed_data_task();
    const saltyrtc::Invitation invitation(config.invitation());
    CHECK(invitation.uri() == config.invitation());
    CHECK(invitation.server_url() == server.url());
    CHECK(invitation.initiator_key() == config.public_key());
    CHECK(invitation.server_key() == keys.public_key);
    CHECK(invitation.token().has_value());
    CHECK(!invitation.qr_code().empty());
    const saltyrtc::Invitation without(server.url(), config.public_key(), std::nullopt, std::nullopt);
    CHECK(!without.token() && !without.server_key());

    std::promise<std::string> answer;
    std::promise<void> closed;
    saltyrtc::Client initiator(config, [&](saltyrtc::ClientRef client,
                                           const saltyrtc::EventView &event) {
        check_event(&*event);
        if (event.kind() == SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE) {
            client.send_text("hello");
        } else if (event.kind() == SALTYRTC_EVENT_KIND_DATA) {
            answer.set_value(std::string(event.data()));
        } else if (event.kind() == SALTYRTC_EVENT_KIND_CLOSED) {
            closed.set_value();
        }
    });

    auto responder_config = saltyrtc::Config::responder(invitation.uri());
    responder_config.add_relayed_data_task().connect_timeout(60s);
    saltyrtc::Client first(responder_config);
    saltyrtc::Client responder(std::move(first));
    const auto ready = wait_for(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    CHECK(ready.peer_key() == config.public_key());
    CHECK(responder->peer_key() == config.public_key());
    CHECK(ready.task() == responder->task());
    CHECK(wait_for(responder, SALTYRTC_EVENT_KIND_DATA).data() == "hello");
    CHECK(!responder.next_event(0ms).has_value());
    responder->send_bytes("world");
    CHECK(answer.get_future().get() == "world");

    const auto sealed = initiator->encrypt("by another way");
    const auto opened = responder->decrypt(sealed);
    CHECK(std::string(opened.begin(), opened.end()) == "by another way");
    CHECK(status_of([&] { responder->decrypt(saltyrtc::Bytes(sealed.begin(), sealed.end() - 1)); }) ==
          SALTYRTC_STATUS_DECRYPTION_FAILED);

    responder->close();
    const auto end = wait_for(responder, SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(end->status == SALTYRTC_STATUS_OK && end->closed_by == SALTYRTC_CLOSED_BY_US);
    CHECK(!responder.next_event().has_value());
    closed.get_future().get();
    server.stop(20s);
}

// The function is destroyed exactly once, whether the client comes to be or not.
void functions_are_destroyed() {
    const auto alive = std::make_shared<int>(1);
    auto config = saltyrtc::Config::initiator("ws://127.0.0.1:1");
    const auto on_event = [alive](saltyrtc::ClientRef, const saltyrtc::EventView &) {};
    CHECK(alive.use_count() == 2);
    CHECK(status_of([&] { saltyrtc::Client(config, on_event); }) == SALTYRTC_STATUS_BAD_CONFIG);
    CHECK(alive.use_count() == 2);
    config.add_relayed_data_task();
    {
        const saltyrtc::Client client(config, on_event);
        CHECK(alive.use_count() == 3);
    }
    CHECK(alive.use_count() == 2);
}

} // namespace

int main() {
    talk();
    // After the library has logged something to nobody.
    std::atomic<int> messages{0};
    saltyrtc::set_log(SALTYRTC_LOG_LEVEL_INFO,
                      [&](saltyrtc_log_level level, std::string_view target, std::string_view text) {
                          CHECK(level <= SALTYRTC_LOG_LEVEL_INFO && !text.empty());
                          CHECK(target.substr(0, 8) == "saltyrtc");
                          CHECK(saltyrtc_shutdown(0, nullptr) == SALTYRTC_STATUS_WOULD_DEADLOCK);
                          messages++;
                      });
    { const saltyrtc::Server server{saltyrtc::ServerConfig("127.0.0.1")}; }
    CHECK(messages > 0);
    saltyrtc::set_log(SALTYRTC_LOG_LEVEL_OFF, nullptr);
    functions_are_destroyed();
    CHECK(status_of([] { saltyrtc::Config::responder("nonsense"); }) ==
          SALTYRTC_STATUS_BAD_INVITATION);
    saltyrtc::shutdown(20s);
    return 0;
}
