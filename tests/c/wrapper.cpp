// The C++ wrapper where smoke_cpp.cpp does not look: what exceptions say, what moving does, and when
// functions and what they hold are destroyed.

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support.hpp"

using namespace std::chrono_literals;

namespace {

static_assert(moves_only<saltyrtc::Invitation>());
static_assert(moves_only<saltyrtc::Config>());
static_assert(moves_only<saltyrtc::Event>());
static_assert(moves_only<saltyrtc::Client>());
static_assert(moves_only<saltyrtc::Queue>());
static_assert(moves_only<saltyrtc::ServerConfig>());
static_assert(moves_only<saltyrtc::Server>());

saltyrtc::Config config_of(const saltyrtc::Server &server) {
    auto config = saltyrtc::Config::initiator(server.url());
    config.add_relayed_data_task();
    return config;
}

void exceptions() {
    fails(SALTYRTC_STATUS_BAD_URL, "server_url", [] { saltyrtc::Config::initiator("http://a"); });
    fails(SALTYRTC_STATUS_BAD_INVITATION, "invitation", [] { saltyrtc::Invitation("ws://a"); });
    fails(SALTYRTC_STATUS_BAD_KEY, "hex", [] { saltyrtc::key_from_hex("0"); });
    fails(SALTYRTC_STATUS_BAD_ARGUMENT, "address", [] { saltyrtc::ServerConfig("localhost"); });
    auto config = saltyrtc::Config::initiator("ws://127.0.0.1:1");
    fails(SALTYRTC_STATUS_BAD_ARGUMENT, "timeout_ms", [&] { config.connect_timeout(0ms); });
    fails(SALTYRTC_STATUS_BAD_CONFIG, "task", [&] { saltyrtc::Client client(config); });
    // Any exception of the standard library's is caught as such.
    try {
        saltyrtc::key_from_hex("");
        CHECK(!"an exception is thrown");
    } catch (const std::exception &error) {
        CHECK(error.what()[0] != '\0');
    }
    checked("exceptions");
}

void moving(const saltyrtc::Server &server) {
    saltyrtc::Client first(config_of(server));
    saltyrtc::Client second(std::move(first));
    CHECK(second.next_event(20s)->kind() == SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    CHECK(second->state() == SALTYRTC_STATE_WAITING_FOR_PEER);
    // Assigning frees what was there before, and leaves a working client.
    second = saltyrtc::Client(config_of(server));
    auto event = second.next_event(20s);
    CHECK(event && (*event)->address == 1);
    CHECK(second->state() == SALTYRTC_STATE_WAITING_FOR_PEER);
    // One that was moved from can be used again after an assignment.
    first = std::move(second);
    CHECK(first->state() == SALTYRTC_STATE_WAITING_FOR_PEER);
    // In containers.
    std::vector<saltyrtc::Client> clients;
    for (int i = 0; i < 5; i++) {
        clients.emplace_back(config_of(server));
    }
    for (auto &client : clients) {
        CHECK(client.next_event(20s)->kind() == SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    }
    // Events outlive their client.
    std::optional<saltyrtc::Event> last;
    {
        saltyrtc::Client client(config_of(server));
        client->close();
        // It can have met the server before that.
        while (auto event = client.next_event()) {
            last = std::move(event);
        }
    }
    CHECK(last->kind_name() == "closed");
    CHECK(last->kind() == SALTYRTC_EVENT_KIND_CLOSED && last->text() == "closed as requested");
    checked("moving");
}

void empty_client(const saltyrtc::Server &server) {
    saltyrtc::Client client;
    CHECK(!client);
    fails(SALTYRTC_STATUS_NULL_ARGUMENT, "client", [&] { client->send_text("nobody"); });
    fails(SALTYRTC_STATUS_NULL_ARGUMENT, "client", [&] { client.next_event(0ms); });
    client = saltyrtc::Client(config_of(server));
    CHECK(client);
    saltyrtc::Client other(std::move(client));
    CHECK(other && !client);
    fails(SALTYRTC_STATUS_NULL_ARGUMENT, "client", [&] { client->state(); });
    checked("empty client");
}

void end_and_time_out(const saltyrtc::Server &server) {
    saltyrtc::Client client(config_of(server));
    CHECK(client.next_event(20s)->kind() == SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    auto event = client.next_event(0ms);
    CHECK(!event && event.timed_out() && !event.ended());
    client->close();
    event = client.next_event();
    CHECK(event && !event.timed_out() && !event.ended());
    event = client.next_event(0ms);
    CHECK(!event && !event.timed_out() && event.ended());
    checked("end and time-out");
}

void full_queue(const saltyrtc::Server &server) {
    auto config = config_of(server);
    config.max_queue_size(1 << 20);
    saltyrtc::Client initiator(config);
    saltyrtc::Client responder(
        saltyrtc::Config::responder(config.invitation()).add_relayed_data_task());
    fails(SALTYRTC_STATUS_NO_PEER, "", [&] { responder->try_send_text("too early"); });
    wait_for(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    wait_for(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    // The responder takes nothing, so that in the end nothing goes; until then there may be room again for each of these.
    const std::string block(100'000, 'x');
    int sent = 0;
    for (bool full = false; !full;) {
        if (initiator->try_send_bytes(block) || initiator->try_send_text(block)) {
            sent++;
            continue;
        }
        try {
            initiator->send_bytes(block);
            sent++;
        } catch (const saltyrtc::Error &error) {
            CHECK(error.status() == SALTYRTC_STATUS_QUEUE_FULL);
            full = true;
        }
    }
    // What was said to be sent arrives, and nothing else.
    for (; sent > 0; sent--) {
        CHECK(wait_for(responder, SALTYRTC_EVENT_KIND_DATA).data() == block);
    }
    wait_for(initiator, SALTYRTC_EVENT_KIND_WRITABLE);
    CHECK(initiator->try_send_text("room again"));
    CHECK(wait_for(responder, SALTYRTC_EVENT_KIND_DATA).data() == "room again");
    checked("full queue");
}

void names() {
    CHECK(saltyrtc::name(SALTYRTC_STATUS_QUEUE_FULL) ==
          saltyrtc_status_name(SALTYRTC_STATUS_QUEUE_FULL));
    CHECK(saltyrtc::name(SALTYRTC_EVENT_KIND_CLOSED) == "closed");
    CHECK(saltyrtc::name(SALTYRTC_STATE_WAITING_FOR_PEER) == "waiting for peer");
    CHECK(saltyrtc::name(SALTYRTC_CLOSED_BY_PEER) == "peer");
    CHECK(saltyrtc::name(SALTYRTC_RETRY_AT_ONCE) == "at once");
    CHECK(saltyrtc::name(SALTYRTC_DTLS_ROLE_AUTO) == "auto");
    CHECK(saltyrtc::retry(SALTYRTC_STATUS_PEER_CLOSED) == SALTYRTC_RETRY_LATER);
    CHECK(saltyrtc::retry(SALTYRTC_STATUS_PROXY_REFUSED) == SALTYRTC_RETRY_NEVER);
    CHECK(saltyrtc::name(static_cast<saltyrtc_state>(99)) == "unknown");
    const saltyrtc::Error error(SALTYRTC_STATUS_TIMEOUT, "in vain");
    CHECK(error.name() == saltyrtc_status_name(SALTYRTC_STATUS_TIMEOUT));
    checked("names");
}

// Under the lock of support.h.
struct Counts {
    int alive = 0;
    int events = 0;
};

class Counted {
public:
    explicit Counted(Counts &counts) : counts_(counts) { change(1); }
    Counted(const Counted &other) : counts_(other.counts_) { change(1); }
    Counted &operator=(const Counted &) = delete;
    ~Counted() { change(-1); }
    void event() const {
        lock();
        CHECK(counts_.alive > 0);
        counts_.events++;
        unlock();
    }

private:
    void change(int by) const {
        lock();
        counts_.alive += by;
        unlock();
    }

    Counts &counts_;
};

void lifetime_of_functions(const saltyrtc::Server &server) {
    Counts counts;
    {
        const Counted counted(counts);
        const saltyrtc::Client client(config_of(server),
                                      [counted](saltyrtc::ClientRef, const saltyrtc::EventView &event) {
                                          check_event(&*event);
                                          counted.event();
                                      });
        AWAIT(counts.events == 1);
        CHECK(counts.alive == 2);
    }
    CHECK(counts.alive == 0);

    // A client that is destroyed by its own function: what the function holds stays until it returns.
    {
        std::unique_ptr<saltyrtc::Client> client;
        bool ready = false;
        const Counted counted(counts);
        auto made = std::make_unique<saltyrtc::Client>(
            config_of(server), [&, counted](saltyrtc::ClientRef, const saltyrtc::EventView &event) {
                AWAIT(ready);
                client.reset();
                check_event(&*event);
                CHECK(event.kind() == SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
                counted.event();
            });
        client = std::move(made);
        lock();
        ready = true;
        unlock();
        AWAIT(counts.events == 2 && counts.alive == 1);
        CHECK(client == nullptr);
    }
    CHECK(counts.alive == 0);
    checked("functions live as long as their client");
}

void queues(const saltyrtc::Server &server) {
    saltyrtc::Queue queue;
    std::vector<saltyrtc::Client> clients;
    auto config = config_of(server);
    clients.emplace_back(config, queue, 17);
    clients.emplace_back(saltyrtc::Config::responder(config.invitation()).add_relayed_data_task(), queue, 18);
    fails(SALTYRTC_STATUS_HAS_QUEUE, "queue", [&] { clients[0].next_event(0ms); });
    fails(SALTYRTC_STATUS_BAD_ARGUMENT, "capacity", [&] { queue.next_events(0ms, 0); });
    std::string received;
    int closed = 0;
    while (closed < 2) {
        for (const auto &event : queue.next_events(20s)) {
            check_event(&*event);
            CHECK(event.token() == 17 || event.token() == 18);
            switch (event.kind()) {
            case SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE:
                if (event.token() == 17) {
                    clients[0]->send_text("one");
                    clients[0]->send_text("two");
                }
                break;
            case SALTYRTC_EVENT_KIND_DATA:
                CHECK(event.token() == 18);
                received += event.data();
                if (received == "onetwo") {
                    clients[1]->close();
                }
                break;
            case SALTYRTC_EVENT_KIND_CLOSED:
                closed++;
                break;
            default:
                break;
            }
        }
    }
    CHECK(queue.next_events(0ms).empty());
    queue.wake();
    CHECK(queue.next_events().empty());
    CHECK(queue.fd() >= 0);
    queue.set_log(SALTYRTC_LOG_LEVEL_DEBUG, 1);
    clients.emplace_back(config_of(server), queue, 19);
    clients.back()->close();
    CHECK(queue.next_events(20s, 1).size() == 1);
    // A queue may go before its clients, which are closed then.
    clients.emplace_back(config_of(server), queue, 20);
    queue = saltyrtc::Queue();
    CHECK(clients.back()->state() == SALTYRTC_STATE_CLOSED);
    checked("queues");
}

} // namespace

int main() {
    {
        saltyrtc::Server server(saltyrtc::ServerConfig("127.0.0.1"));
        exceptions();
        names();
        moving(server);
        empty_client(server);
        end_and_time_out(server);
        full_queue(server);
        queues(server);
        lifetime_of_functions(server);
        saltyrtc::Queue queue;
        server.stop(20s, queue, 9);
        const auto events = queue.next_events(20s, 1);
        CHECK(events.size() == 1 && events.front().token() == 9);
        CHECK(events.front().kind() == SALTYRTC_EVENT_KIND_SERVER_STOPPED);
        server.stop(20s);
    }
    saltyrtc::shutdown(20s);
    return 0;
}
