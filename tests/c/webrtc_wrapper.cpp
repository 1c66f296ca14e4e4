// The C++ wrapper for WebRTC: two clients in one program, with the built-in one, and with one of the
// application's own, which here is nothing but a function call to the other side.

#include <sched.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

#include "saltyrtc_webrtc.hpp"

using namespace std::chrono_literals;

namespace {

static_assert(moves_only<saltyrtc::RtcConfig>());
static_assert(moves_only<saltyrtc::SecureChannel>());
static_assert(moves_only<saltyrtc::Chunker>());
static_assert(moves_only<saltyrtc::Unchunker>());

std::string text(const saltyrtc::Bytes &bytes) { return std::string(bytes.begin(), bytes.end()); }

void built_in(const saltyrtc::Server &server) {
    saltyrtc::RtcConfig rtc;
    rtc.add_address("127.0.0.1").max_message_size(100000).max_buffered(1 << 20).negotiated_ids({7});
    rtc.disconnected_timeout(1s).unreachable_timeout(30s).setup_timeout(60s);
    rtc.handover(true).relay_only(false).ports(1024, 65535).add_plain_label("plain");
    rtc.add_ice_server("stun:127.0.0.1:1").add_ice_server("turn:127.0.0.1:1", "user", "password");
    fails(SALTYRTC_STATUS_BAD_URL, "url", [&] { rtc.add_ice_server("http://a"); });

    auto initiator_config = saltyrtc::Config::initiator(server.url());
    rtc.add_to(initiator_config);
    auto responder_config = saltyrtc::Config::responder(initiator_config.invitation());
    rtc.add_to(responder_config);
    saltyrtc::Client initiator(initiator_config), responder(responder_config);
    fails(SALTYRTC_STATUS_NO_PEER, "peer", [&] { saltyrtc::restart_ice(*initiator); });
    saltyrtc::set_addresses(*initiator, "127.0.0.1");
    fails(SALTYRTC_STATUS_BAD_ARGUMENT, "home", [&] { saltyrtc::set_addresses(*initiator, "home"); });
    wait_for(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    wait_for(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);

    saltyrtc::ChannelOptions options;
    options.label = "chat";
    options.protocol = "lines";
    options.ordered = false;
    options.reliability = SALTYRTC_RELIABILITY_MAX_RETRANSMITS;
    options.reliability_limit = 9;
    const auto ours = saltyrtc::Channel::open(*initiator, options);
    CHECK(wait_for(initiator, SALTYRTC_EVENT_KIND_CHANNEL_OPENED)->channel == ours.number());
    const auto opened = wait_for(responder, SALTYRTC_EVENT_KIND_CHANNEL_OPENED);
    CHECK(std::string(opened->label) == "chat" && std::string(opened->channel_protocol) == "lines");
    CHECK(opened->unordered && !opened->plain && opened->opened_by_peer);
    CHECK(opened->reliability == SALTYRTC_RELIABILITY_MAX_RETRANSMITS && opened->reliability_limit == 9);
    const saltyrtc::Channel theirs(*responder, opened->channel);

    ours.set_low_water(1000);
    ours.send_text("hello");
    CHECK(wait_for(responder, SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE).data() == "hello");
    theirs.send_bytes(saltyrtc::Bytes{1, 2, 3});
    theirs.send_bytes("four");
    CHECK(wait_for(initiator, SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE).data() == "\1\2\3");
    CHECK(wait_for(initiator, SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE).data() == "four");
    // Nobody says when that comes true.
    while (ours.buffered_amount() > 0) {
        CHECK(sched_yield() == 0);
    }
    fails(SALTYRTC_STATUS_TOO_LARGE, "100000", [&] { ours.send_bytes(saltyrtc::Bytes(100001)); });

    const auto stats = saltyrtc::rtc_stats(*initiator);
    CHECK(stats.state == SALTYRTC_CONNECTION_STATE_CONNECTED && stats.channels == 1);
    CHECK(std::string(stats.remote_address).rfind("127.0.0.1:", 0) == 0 && stats.bytes_sent > 0);

    options = saltyrtc::ChannelOptions();
    options.negotiated = 7;
    const auto seven = saltyrtc::Channel::open(*initiator, options);
    CHECK(wait_for(initiator, SALTYRTC_EVENT_KIND_CHANNEL_OPENED)->channel == seven.number());

    ours.close();
    CHECK(wait_for(responder, SALTYRTC_EVENT_KIND_CHANNEL_CLOSED)->channel == theirs.number());
    fails(SALTYRTC_STATUS_CHANNEL_NOT_OPEN, "open", [&] { ours.send_text("too late"); });
    checked("built-in WebRTC");
}

// The side of a client that is used by its callback: what has happened so far, under the lock of support.h.
struct Side {
    std::string offer, answer, candidate;
    std::optional<std::string> message;
    bool no_more_candidates = false;
    bool peer = false;
    bool handed_over = false;
    bool closed = false;
};

void note(Side &side, const saltyrtc::EventView &event) {
    check_event(&*event);
    lock();
    switch (event.kind()) {
    case SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE: side.peer = true; break;
    case SALTYRTC_EVENT_KIND_OFFER: side.offer = event->sdp; break;
    case SALTYRTC_EVENT_KIND_ANSWER: side.answer = event->sdp; break;
    case SALTYRTC_EVENT_KIND_CANDIDATES:
        for (std::size_t i = 0; i < event->candidates_len; i++) {
            if (event->candidates[i].candidate == nullptr) {
                side.no_more_candidates = true;
            } else {
                side.candidate = event->candidates[i].candidate;
            }
        }
        break;
    case SALTYRTC_EVENT_KIND_HANDED_OVER: side.handed_over = true; break;
    case SALTYRTC_EVENT_KIND_APPLICATION: side.message = std::string(event.data()); break;
    case SALTYRTC_EVENT_KIND_CLOSED: side.closed = true; break;
    default: break;
    }
    unlock();
}

void of_the_application(const saltyrtc::Server &server) {
    Side one, other;
    auto initiator_config = saltyrtc::Config::initiator(server.url());
    saltyrtc::WebRtcTask::add_to(initiator_config, {0, 1}, true);
    saltyrtc::WebRtcTask::add_v0_to(initiator_config, {0, 1}, true, 16384);
    auto responder_config = saltyrtc::Config::responder(initiator_config.invitation());
    saltyrtc::WebRtcTask::add_to(responder_config, {2}, true);
    saltyrtc::Client initiator(initiator_config,
                               [&](saltyrtc::ClientRef, const saltyrtc::EventView &event) { note(one, event); });
    saltyrtc::Client responder(responder_config,
                               [&](saltyrtc::ClientRef, const saltyrtc::EventView &event) { note(other, event); });
    AWAIT(one.peer && other.peer);

    const saltyrtc::WebRtcTask ours(*initiator), theirs(*responder);
    fails(SALTYRTC_STATUS_OTHER_ROLE, "initiator", [&] { theirs.send_offer("v=0"); });
    ours.send_offer("v=0 offer");
    AWAIT(other.offer == "v=0 offer");
    theirs.send_answer("answer", "v=0 answer");
    AWAIT(one.answer == "v=0 answer");
    ours.send_candidate("candidate:1", "0", std::uint16_t{0}, "fragment");
    ours.end_candidates();
    AWAIT(other.candidate == "candidate:1" && other.no_more_candidates);

    const auto channel = ours.signalling_channel();
    CHECK(channel.id == 3 && theirs.signalling_channel().id == 3);
    CHECK(channel.label == "saltyrtc-signaling" && channel.protocol == "v1.saltyrtc.org");

    // What the functions hold lives as long as their client.
    const auto held = std::make_shared<int>(0);
    const auto transport = [&held](const saltyrtc::WebRtcTask &to) {
        return saltyrtc::WebRtcTask::Transport{
            [held, to](saltyrtc::ClientRef, std::string_view message) { to.transport_receive(message); },
            [held, to](saltyrtc::ClientRef) { to.transport_closed(); }};
    };
    ours.hand_over(65536, transport(theirs));
    theirs.hand_over(65536, transport(ours));
    AWAIT(one.handed_over && other.handed_over);
    fails(SALTYRTC_STATUS_HANDED_OVER, "handed over", [&] { ours.hand_over(65536, transport(theirs)); });
    CHECK(held.use_count() == 5);
    initiator->send_application_text("through the channel");
    AWAIT(other.message == "through the channel");

    saltyrtc::SecureChannel sends(*initiator, 5), receives(*responder, 5), wrong(*responder, 6);
    const auto encrypted = sends.encrypt("a secret");
    CHECK(encrypted.size() == 8 + saltyrtc_secure_channel_overhead());
    fails(SALTYRTC_STATUS_DECRYPTION_FAILED, "", [&] { wrong.decrypt("of nobody"); });
    CHECK(text(receives.decrypt(encrypted)) == "a secret");
    CHECK(receives.decrypt(sends.encrypt("")).empty());

    initiator->close();
    AWAIT(one.closed && other.closed);
    {
        const auto gone = std::move(initiator);
    }
    CHECK(held.use_count() == 3);
    checked("WebRTC of the application");
}

void chunks() {
    constexpr auto mode = SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED;
    saltyrtc::Chunker chunker(mode);
    saltyrtc::Unchunker unchunker(mode, 1000, 100000, 60s, 10);
    CHECK(chunker.next().empty());
    chunker.add("a message", 14);
    chunker.add("another one", 100);
    const auto first = chunker.next(), second = chunker.next(), another = chunker.next();
    CHECK(first.size() == 14 && second.size() == 13 && another.size() == 20 && chunker.next().empty());
    CHECK(!unchunker.add(second));
    const auto text = [](const saltyrtc::Bytes &bytes) { return std::string(bytes.begin(), bytes.end()); };
    CHECK(text(unchunker.add(another).value()) == "another one");
    CHECK(text(unchunker.add(first).value()) == "a message");
    CHECK(!unchunker.add(first) && unchunker.expire() == 0);
    fails(SALTYRTC_STATUS_BAD_CHUNK, "data", [&] { unchunker.add({}); });
    fails(SALTYRTC_STATUS_BAD_ARGUMENT, "message", [&] { chunker.add("", 100); });
    fails(SALTYRTC_STATUS_BAD_ARGUMENT, "max_age_ms",
          [&] { saltyrtc::Unchunker(mode, 1, 1, saltyrtc::Milliseconds(-1), 0); });
    checked("chunks");
}

} // namespace

int main() {
    {
        saltyrtc::Server server(saltyrtc::ServerConfig("127.0.0.1"));
        chunks();
        built_in(server);
        of_the_application(server);
        server.stop(20s);
    }
    saltyrtc::shutdown(20s);
    return 0;
}
