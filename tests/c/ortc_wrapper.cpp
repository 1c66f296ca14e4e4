// The C++ wrapper for ORTC: two clients in one program, whose ORTC implementations are played by the test.

#include <string>

#include "support.hpp"

#include "saltyrtc_ortc.hpp"

namespace {

using saltyrtc::OrtcTask;

const char NAME[] = "v0.ortc.tasks.saltyrtc.org";

void each_message(const OrtcTask &from, saltyrtc::Client &to) {
    saltyrtc::IceParameters ice{"abcd", std::string("pass\0word", 9)};
    from.send(ice);
    auto event = wait_for(to, SALTYRTC_EVENT_KIND_ICE_PARAMETERS);
    CHECK(std::string(event->username_fragment) == "abcd" && event->message_label == nullptr);
    CHECK(std::string(event->password, event->password_len) == ice.password);
    CHECK(event->ice_role == SALTYRTC_ICE_ROLE_NONE && !event->ice_lite);
    ice.label = "main";
    ice.role = SALTYRTC_ICE_ROLE_CONTROLLING;
    ice.ice_lite = true;
    from.send(ice);
    event = wait_for(to, SALTYRTC_EVENT_KIND_ICE_PARAMETERS);
    CHECK(std::string(event->message_label) == "main" && event->ice_lite);
    CHECK(event->ice_role == SALTYRTC_ICE_ROLE_CONTROLLING);
    from.send(ice, true);
    event = wait_for(to, SALTYRTC_EVENT_KIND_ICE_PARAMETERS);
    CHECK(std::string(event->message_label) == "handover");

    saltyrtc::IceCandidate candidate;
    candidate.foundation = "1";
    candidate.ip = "192.0.2.1";
    candidate.port = 5000;
    candidate.type = SALTYRTC_CANDIDATE_TYPE_SERVER_REFLEXIVE;
    candidate.protocol = SALTYRTC_ICE_PROTOCOL_TCP_PASSIVE;
    candidate.related_address = "10.0.0.1";
    candidate.related_port = 9;
    from.send(candidate);
    from.end_candidates();
    event = wait_for(to, SALTYRTC_EVENT_KIND_ICE_CANDIDATES);
    const saltyrtc_ice_candidate &seen = event->ice_candidates[0];
    CHECK(std::string(seen.foundation) == "1" && std::string(seen.ip) == "192.0.2.1");
    CHECK(seen.port == 5000 && std::string(seen.related_address) == "10.0.0.1" && seen.related_port == 9);
    CHECK(seen.candidate_type == SALTYRTC_CANDIDATE_TYPE_SERVER_REFLEXIVE);
    CHECK(seen.protocol == SALTYRTC_ICE_PROTOCOL_TCP_PASSIVE && !seen.complete);
    // If the two were too far apart for one message.
    if (event->ice_candidates_len == 1) {
        event = wait_for(to, SALTYRTC_EVENT_KIND_ICE_CANDIDATES);
    }
    CHECK(event->ice_candidates[event->ice_candidates_len - 1].complete);

    saltyrtc::DtlsParameters dtls;
    dtls.role = SALTYRTC_DTLS_ROLE_CLIENT;
    fails(SALTYRTC_STATUS_BAD_ARGUMENT, "at least one", [&] { from.send(dtls); });
    dtls.fingerprints = {{"sha-256", "AA:BB"}, {"sha-512", "CC"}};
    from.send(dtls);
    event = wait_for(to, SALTYRTC_EVENT_KIND_DTLS_PARAMETERS);
    CHECK(event->dtls_role == SALTYRTC_DTLS_ROLE_CLIENT && event->fingerprints_len == 2);
    CHECK(std::string(event->fingerprints[1].algorithm) == "sha-512");
    CHECK(std::string(event->fingerprints[1].value) == "CC");

    from.send(saltyrtc::SctpCapabilities{65535});
    event = wait_for(to, SALTYRTC_EVENT_KIND_SCTP_CAPABILITIES);
    CHECK(event->max_message_size == 65535);
    // What came can be sent as it is.
    from.send_message(event.data());
    CHECK(wait_for(to, SALTYRTC_EVENT_KIND_SCTP_CAPABILITIES)->max_message_size == 65535);
    fails(SALTYRTC_STATUS_BAD_ARGUMENT, "message", [&] { from.send_message(""); });

    saltyrtc::DataChannelParameters channel;
    channel.id = 7;
    channel.channel_label = "files";
    channel.channel_protocol = "v1";
    channel.ordered = false;
    channel.max_retransmits = 3;
    from.send(channel);
    event = wait_for(to, SALTYRTC_EVENT_KIND_DATA_CHANNEL_PARAMETERS);
    CHECK(event->channel_id == 7 && std::string(event->label) == "files");
    CHECK(std::string(event->channel_protocol) == "v1" && event->unordered);
    CHECK(event->has_max_retransmits && event->max_retransmits == 3 && !event->has_max_packet_lifetime);
}

void of_the_application(const saltyrtc::Server &server) {
    auto initiator_config = saltyrtc::Config::initiator(server.url());
    OrtcTask::add_to(initiator_config, {0, 1}, true);
    auto responder_config = saltyrtc::Config::responder(initiator_config.invitation());
    OrtcTask::add_to(responder_config, {2}, true);
    saltyrtc::Client initiator(initiator_config), responder(responder_config);
    const auto met = wait_for(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    CHECK(std::string(met->task) == NAME);
    wait_for(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    const OrtcTask ours(*initiator), theirs(*responder);
    each_message(ours, responder);
    each_message(theirs, initiator);

    const auto channel = ours.signalling_channel();
    CHECK(channel.id == 3 && channel.label == "v1.saltyrtc.org" && channel.protocol == "v1.saltyrtc.org");
    ours.hand_over(1200);
    theirs.hand_over(0);
    wait_for(initiator, SALTYRTC_EVENT_KIND_HANDED_OVER);
    wait_for(responder, SALTYRTC_EVENT_KIND_HANDED_OVER);
    ours.send(saltyrtc::SctpCapabilities{1});
    theirs.transport_receive(wait_for(initiator, SALTYRTC_EVENT_KIND_TRANSPORT_SEND).data());
    CHECK(wait_for(responder, SALTYRTC_EVENT_KIND_SCTP_CAPABILITIES)->max_message_size == 1);
    checked("ORTC of the application");
}

// The settings of the built-in engine: the task, and the role in DTLS.
void built_in(const saltyrtc::Server &server) {
    saltyrtc::RtcConfig rtc;
    rtc.add_address("127.0.0.1").tasks(SALTYRTC_RTC_TASKS_ORTC).dtls_role(SALTYRTC_DTLS_ROLE_CLIENT);
    auto initiator_config = saltyrtc::Config::initiator(server.url());
    rtc.add_to(initiator_config);
    auto responder_config = saltyrtc::Config::responder(initiator_config.invitation());
    rtc.dtls_role(SALTYRTC_DTLS_ROLE_SERVER).add_to(responder_config);
    saltyrtc::Client initiator(initiator_config), responder(responder_config);
    CHECK(std::string(wait_for(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE)->task) == NAME);
    wait_for(initiator, SALTYRTC_EVENT_KIND_HANDED_OVER);
    wait_for(responder, SALTYRTC_EVENT_KIND_HANDED_OVER);
    const auto ours = saltyrtc::Channel::open(*initiator, {});
    wait_for(initiator, SALTYRTC_EVENT_KIND_CHANNEL_OPENED);
    ours.send_text("hello");
    CHECK(wait_for(responder, SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE).data() == "hello");
    checked("built-in, with ORTC");
}

} // namespace

int main() {
    {
        saltyrtc::Server server(saltyrtc::ServerConfig("127.0.0.1"));
        of_the_application(server);
        built_in(server);
        server.stop(std::chrono::seconds(20));
    }
    saltyrtc::shutdown(std::chrono::seconds(20));
    return 0;
}
