/* The messages of the ORTC task, each with its function and its event, as an event and as a record: what was sent
   arrives; and what is wrong is refused. */

#include "nonsense.h"
#include "ortc.h"

#define IS_TEXT(text, len, expected) CHECK((len) == strlen(expected) && strcmp(text, expected) == 0)
#define IS_NO_TEXT(text, len) CHECK((text) == NULL && (len) == 0)

/* Each structure as a program begins with it. */
#define INIT(structure) (memset(&(structure), 0, sizeof(structure)), (structure).struct_size = sizeof(structure))

static void ice_parameters(pair pair) {
    saltyrtc_error *error = NULL;
    saltyrtc_ice_parameters parameters;
    saltyrtc_event *event;
    INIT(parameters);
    parameters.username_fragment = "abcd";
    parameters.password = "a password and more";
    parameters.password_len = 10;
    OK(saltyrtc_client_send_ice_parameters(pair.initiator, &parameters, false, &error));
    event = TAKE(pair.responder, SALTYRTC_EVENT_KIND_ICE_PARAMETERS);
    IS_NO_TEXT(event->message_label, event->message_label_len);
    IS_TEXT(event->username_fragment, event->username_fragment_len, "abcd");
    IS_TEXT(event->password, event->password_len, "a password");
    CHECK(event->ice_role == SALTYRTC_ICE_ROLE_NONE && !event->ice_lite);
    CHECK(event->payload == SALTYRTC_PAYLOAD_MSGPACK);
    /* The message as a whole is one that can be sent. */
    OK(saltyrtc_client_send_ortc_message(pair.responder, event->data, event->data_len, &error));
    saltyrtc_event_free(event);
    event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_ICE_PARAMETERS);
    IS_TEXT(event->password, event->password_len, "a password");
    saltyrtc_event_free(event);
    parameters.label = "main";
    parameters.role = SALTYRTC_ICE_ROLE_CONTROLLED;
    parameters.ice_lite = true;
    OK(saltyrtc_client_send_ice_parameters(pair.responder, &parameters, false, &error));
    event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_ICE_PARAMETERS);
    IS_TEXT(event->message_label, event->message_label_len, "main");
    CHECK(event->ice_role == SALTYRTC_ICE_ROLE_CONTROLLED && event->ice_lite);
    saltyrtc_event_free(event);
    OK(saltyrtc_client_send_ice_parameters(pair.initiator, &parameters, true, &error));
    event = TAKE(pair.responder, SALTYRTC_EVENT_KIND_ICE_PARAMETERS);
    IS_TEXT(event->message_label, event->message_label_len, "handover");
    saltyrtc_event_free(event);

    IS_NULL("client", saltyrtc_client_send_ice_parameters(NULL, &parameters, false, &error));
    IS_NULL("parameters", saltyrtc_client_send_ice_parameters(pair.initiator, NULL, false, &error));
    parameters.label = "handover";
    IS_BAD("reserved", saltyrtc_client_send_ice_parameters(pair.initiator, &parameters, false, &error));
    parameters.label = NOT_UTF8;
    IS_BAD("parameters.label",
           saltyrtc_client_send_ice_parameters(pair.initiator, &parameters, false, &error));
    parameters.label = NULL;
    parameters.role = 3;
    IS_BAD("parameters.role",
           saltyrtc_client_send_ice_parameters(pair.initiator, &parameters, false, &error));
    parameters.role = 0;
    parameters.password = NULL;
    parameters.password_len = 0;
    IS_NULL("parameters.password",
            saltyrtc_client_send_ice_parameters(pair.initiator, &parameters, false, &error));
    parameters.username_fragment = NULL;
    IS_NULL("parameters.username_fragment",
            saltyrtc_client_send_ice_parameters(pair.initiator, &parameters, false, &error));
    parameters.struct_size = 0;
    IS_BAD("struct_size",
           saltyrtc_client_send_ice_parameters(pair.initiator, &parameters, false, &error));
    checked("ICE parameters");
}

static saltyrtc_ice_candidate host_candidate(void) {
    saltyrtc_ice_candidate candidate;
    memset(&candidate, 0, sizeof candidate);
    candidate.foundation = "1";
    candidate.ip = "192.0.2.1";
    candidate.priority = UINT32_MAX;
    candidate.candidate_type = SALTYRTC_CANDIDATE_TYPE_HOST;
    candidate.port = 65535;
    return candidate;
}

static void ice_candidates(pair pair) {
    saltyrtc_error *error = NULL;
    saltyrtc_ice_candidate candidate = host_candidate(), none;
    const saltyrtc_ice_candidate *seen;
    saltyrtc_event *event;
    int32_t i;
    OK(saltyrtc_client_send_ice_candidate(pair.initiator, &candidate, false, &error));
    event = TAKE(pair.responder, SALTYRTC_EVENT_KIND_ICE_CANDIDATES);
    CHECK(event->ice_candidates_len == 1);
    seen = event->ice_candidates;
    IS_NO_TEXT(seen->label, seen->label_len);
    IS_TEXT(seen->foundation, seen->foundation_len, "1");
    IS_TEXT(seen->ip, seen->ip_len, "192.0.2.1");
    IS_NO_TEXT(seen->related_address, seen->related_address_len);
    CHECK(seen->priority == UINT32_MAX && seen->port == 65535 && seen->related_port == 0);
    CHECK(seen->protocol == SALTYRTC_ICE_PROTOCOL_UDP && !seen->complete);
    CHECK(seen->candidate_type == SALTYRTC_CANDIDATE_TYPE_HOST);
    saltyrtc_event_free(event);

    /* What came can be sent as it is; all types and protocols. Those of other tests may come as one message. */
    candidate.related_address = "10.0.0.1";
    candidate.related_port = 9;
    candidate.label = "main";
    for (i = 0; i < 4; i++) {
        candidate.candidate_type = i + 1;
        candidate.protocol = i;
        OK(saltyrtc_client_send_ice_candidate(pair.responder, &candidate, false, &error));
        event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_ICE_CANDIDATES);
        OK(saltyrtc_client_send_ice_candidate(pair.initiator, event->ice_candidates, false, &error));
        saltyrtc_event_free(event);
        event = TAKE(pair.responder, SALTYRTC_EVENT_KIND_ICE_CANDIDATES);
        seen = event->ice_candidates;
        CHECK(event->ice_candidates_len == 1 && seen->candidate_type == i + 1 && seen->protocol == i);
        IS_TEXT(seen->label, seen->label_len, "main");
        IS_TEXT(seen->related_address, seen->related_address_len, "10.0.0.1");
        CHECK(seen->related_port == 9);
        saltyrtc_event_free(event);
    }

    memset(&none, 0, sizeof none);
    none.complete = true;
    OK(saltyrtc_client_send_ice_candidate(pair.initiator, &none, true, &error));
    event = TAKE(pair.responder, SALTYRTC_EVENT_KIND_ICE_CANDIDATES);
    seen = event->ice_candidates;
    CHECK(event->ice_candidates_len == 1 && seen->complete && seen->foundation == NULL);
    IS_TEXT(seen->label, seen->label_len, "handover");
    saltyrtc_event_free(event);

    IS_NULL("client", saltyrtc_client_send_ice_candidate(NULL, &candidate, false, &error));
    IS_NULL("candidate", saltyrtc_client_send_ice_candidate(pair.initiator, NULL, false, &error));
    candidate = host_candidate();
    candidate.label = NOT_UTF8;
    IS_BAD("candidate.label",
           saltyrtc_client_send_ice_candidate(pair.initiator, &candidate, false, &error));
    candidate = host_candidate();
    candidate.foundation = NULL;
    IS_NULL("candidate.foundation",
            saltyrtc_client_send_ice_candidate(pair.initiator, &candidate, false, &error));
    candidate = host_candidate();
    candidate.ip = NULL;
    IS_NULL("candidate.ip",
            saltyrtc_client_send_ice_candidate(pair.initiator, &candidate, false, &error));
    candidate = host_candidate();
    candidate.candidate_type = SALTYRTC_CANDIDATE_TYPE_NONE;
    IS_BAD("candidate.candidate_type",
           saltyrtc_client_send_ice_candidate(pair.initiator, &candidate, false, &error));
    candidate.candidate_type = 5;
    IS_BAD("candidate.candidate_type",
           saltyrtc_client_send_ice_candidate(pair.initiator, &candidate, false, &error));
    candidate = host_candidate();
    candidate.protocol = 4;
    IS_BAD("candidate.protocol",
           saltyrtc_client_send_ice_candidate(pair.initiator, &candidate, false, &error));
    checked("ICE candidates");
}

static void dtls_parameters(pair pair) {
    saltyrtc_error *error = NULL;
    saltyrtc_dtls_fingerprint fingerprints[2];
    saltyrtc_dtls_parameters parameters;
    saltyrtc_event *event;
    int32_t role;
    memset(fingerprints, 0, sizeof fingerprints);
    fingerprints[0].algorithm = "sha-256";
    fingerprints[0].value = "AA:BB";
    fingerprints[1].algorithm = "sha-512 and more";
    fingerprints[1].algorithm_len = 7;
    fingerprints[1].value = "CC";
    INIT(parameters);
    parameters.fingerprints = fingerprints;
    parameters.fingerprints_len = 2;
    for (role = 0; role < 3; role++) {
        parameters.role = role;
        OK(saltyrtc_client_send_dtls_parameters(pair.responder, &parameters, false, &error));
        event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_DTLS_PARAMETERS);
        CHECK((int32_t)event->dtls_role == role && event->fingerprints_len == 2);
        IS_TEXT(event->fingerprints[0].algorithm, event->fingerprints[0].algorithm_len, "sha-256");
        IS_TEXT(event->fingerprints[0].value, event->fingerprints[0].value_len, "AA:BB");
        IS_TEXT(event->fingerprints[1].algorithm, event->fingerprints[1].algorithm_len, "sha-512");
        IS_TEXT(event->fingerprints[1].value, event->fingerprints[1].value_len, "CC");
        IS_NO_TEXT(event->message_label, event->message_label_len);
        saltyrtc_event_free(event);
    }
    parameters.label = "main";
    OK(saltyrtc_client_send_dtls_parameters(pair.responder, &parameters, false, &error));
    event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_DTLS_PARAMETERS);
    IS_TEXT(event->message_label, event->message_label_len, "main");
    saltyrtc_event_free(event);

    IS_NULL("client", saltyrtc_client_send_dtls_parameters(NULL, &parameters, false, &error));
    IS_NULL("parameters", saltyrtc_client_send_dtls_parameters(pair.initiator, NULL, false, &error));
    parameters.role = 3;
    IS_BAD("parameters.role",
           saltyrtc_client_send_dtls_parameters(pair.initiator, &parameters, false, &error));
    parameters.role = 0;
    fingerprints[1].value = NULL;
    IS_NULL("parameters.fingerprints",
            saltyrtc_client_send_dtls_parameters(pair.initiator, &parameters, false, &error));
    parameters.fingerprints_len = 0;
    IS_BAD("at least one",
           saltyrtc_client_send_dtls_parameters(pair.initiator, &parameters, false, &error));
    parameters.fingerprints_len = SIZE_MAX;
    IS_BAD("parameters.fingerprints",
           saltyrtc_client_send_dtls_parameters(pair.initiator, &parameters, false, &error));
    parameters.fingerprints = NULL;
    FAILS(SALTYRTC_STATUS_NULL_ARGUMENT, "parameters.fingerprints",
          saltyrtc_client_send_dtls_parameters(pair.initiator, &parameters, false, &error));
    checked("DTLS parameters");
}

static void sctp_capabilities(pair pair) {
    static const uint32_t sizes[] = {0, 1, 65535};
    saltyrtc_error *error = NULL;
    saltyrtc_sctp_capabilities capabilities;
    saltyrtc_event *event;
    size_t i;
    INIT(capabilities);
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        capabilities.max_message_size = sizes[i];
        capabilities.label = i == 0 ? NULL : "main";
        OK(saltyrtc_client_send_sctp_capabilities(pair.initiator, &capabilities, false, &error));
        event = TAKE(pair.responder, SALTYRTC_EVENT_KIND_SCTP_CAPABILITIES);
        CHECK(event->max_message_size == sizes[i]);
        CHECK(i == 0 ? event->message_label == NULL : strcmp(event->message_label, "main") == 0);
        saltyrtc_event_free(event);
    }
    IS_NULL("client", saltyrtc_client_send_sctp_capabilities(NULL, &capabilities, false, &error));
    IS_NULL("capabilities", saltyrtc_client_send_sctp_capabilities(pair.initiator, NULL, false, &error));
    capabilities.max_message_size = 65536;
    IS_BAD("65535", saltyrtc_client_send_sctp_capabilities(pair.initiator, &capabilities, false, &error));
    checked("SCTP capabilities");
}

static void data_channel_parameters(pair pair) {
    saltyrtc_error *error = NULL;
    saltyrtc_data_channel_parameters parameters;
    saltyrtc_event *event;
    INIT(parameters);
    OK(saltyrtc_client_send_data_channel_parameters(pair.initiator, &parameters, false, &error));
    event = TAKE(pair.responder, SALTYRTC_EVENT_KIND_DATA_CHANNEL_PARAMETERS);
    IS_NO_TEXT(event->message_label, event->message_label_len);
    IS_TEXT(event->label, event->label_len, "");
    IS_TEXT(event->channel_protocol, event->channel_protocol_len, "");
    CHECK(event->channel_id == 0 && !event->unordered);
    CHECK(!event->has_max_packet_lifetime && !event->has_max_retransmits);
    saltyrtc_event_free(event);
    parameters.label = "a";
    parameters.channel_label = "b";
    parameters.channel_protocol = "c";
    parameters.id = 65535;
    parameters.unordered = true;
    parameters.has_max_packet_lifetime = true;
    parameters.max_packet_lifetime = UINT32_MAX;
    parameters.has_max_retransmits = true;
    OK(saltyrtc_client_send_data_channel_parameters(pair.responder, &parameters, false, &error));
    event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_DATA_CHANNEL_PARAMETERS);
    IS_TEXT(event->message_label, event->message_label_len, "a");
    IS_TEXT(event->label, event->label_len, "b");
    IS_TEXT(event->channel_protocol, event->channel_protocol_len, "c");
    CHECK(event->channel_id == 65535 && event->unordered);
    CHECK(event->has_max_packet_lifetime && event->max_packet_lifetime == UINT32_MAX);
    CHECK(event->has_max_retransmits && event->max_retransmits == 0);
    saltyrtc_event_free(event);
    IS_NULL("client", saltyrtc_client_send_data_channel_parameters(NULL, &parameters, false, &error));
    IS_NULL("parameters",
            saltyrtc_client_send_data_channel_parameters(pair.initiator, NULL, false, &error));
    parameters.channel_label = NOT_UTF8;
    IS_BAD("parameters.channel_label",
           saltyrtc_client_send_data_channel_parameters(pair.initiator, &parameters, false, &error));
    parameters.channel_label = NULL;
    parameters.channel_protocol = NOT_UTF8;
    IS_BAD("parameters.channel_protocol",
           saltyrtc_client_send_data_channel_parameters(pair.initiator, &parameters, false, &error));
    checked("data channel parameters");
}

static bool text_is(const uint8_t *buffer, uint32_t offset, uint32_t len, const char *expected) {
    return offset != 0 && len == strlen(expected) && memcmp(buffer + offset, expected, len) == 0;
}

/* The next record of this kind, alone in the buffer. */
static saltyrtc_record next_record(saltyrtc_queue *queue, uint8_t *buffer, size_t capacity, int32_t kind) {
    saltyrtc_error *error = NULL;
    saltyrtc_record record;
    do {
        size_t count = 0;
        /* Each message is sent when the one before it has come, so there is one event at a time. */
        OK(saltyrtc_queue_read(queue, LIMIT_MS, buffer, capacity, &count, NULL, &error));
        CHECK(count >= 1);
        memcpy(&record, buffer + (count - 1) * sizeof record, sizeof record);
    } while (record.kind != kind);
    return record;
}

static void records(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = NULL;
    saltyrtc_client *initiator, *responder = NULL;
    saltyrtc_config *config;
    saltyrtc_ice_parameters ice;
    saltyrtc_dtls_parameters dtls;
    saltyrtc_dtls_fingerprint fingerprint;
    saltyrtc_ice_candidate candidate = host_candidate();
    saltyrtc_data_channel_parameters channel;
    saltyrtc_record record;
    saltyrtc_record_ice_candidate packed;
    saltyrtc_record_dtls_fingerprint packed_fingerprint;
    char invitation[SALTYRTC_INVITATION_BYTES];
    uint64_t memory[512];
    uint8_t *const buffer = (uint8_t *)memory;
    OK(saltyrtc_queue_new(&queue, &error));
    initiator = ortc_client(initiator_config(server, invitation), 0, true);
    config = responder_config(invitation);
    OK(saltyrtc_config_add_ortc_task(config, NULL, 0, true, &error));
    OK(saltyrtc_client_new_on_queue(config, queue, 7, &responder, &error));
    saltyrtc_config_free(config);
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);

    INIT(ice);
    ice.username_fragment = "abcd";
    ice.password = "secret";
    ice.ice_lite = true;
    ice.role = SALTYRTC_ICE_ROLE_CONTROLLING;
    ice.label = "main";
    OK(saltyrtc_client_send_ice_parameters(initiator, &ice, false, &error));
    record = next_record(queue, buffer, sizeof memory, SALTYRTC_EVENT_KIND_ICE_PARAMETERS);
    CHECK(text_is(buffer, record.message_label_offset, record.message_label_len, "main"));
    CHECK(text_is(buffer, record.username_fragment_offset, record.username_fragment_len, "abcd"));
    CHECK(text_is(buffer, record.password_offset, record.password_len, "secret"));
    CHECK(record.flags == (uint32_t)SALTYRTC_RECORD_FLAG_ICE_LITE);
    CHECK(record.ice_role == SALTYRTC_ICE_ROLE_CONTROLLING);
    CHECK(record.data_offset != 0 && record.payload == SALTYRTC_PAYLOAD_MSGPACK);

    candidate.related_address = "10.0.0.1";
    candidate.related_port = 9;
    candidate.protocol = SALTYRTC_ICE_PROTOCOL_TCP_ACTIVE;
    OK(saltyrtc_client_send_ice_candidate(initiator, &candidate, false, &error));
    record = next_record(queue, buffer, sizeof memory, SALTYRTC_EVENT_KIND_ICE_CANDIDATES);
    CHECK(record.ice_candidates_len == 1 && record.candidates_len == 0);
    memcpy(&packed, buffer + record.ice_candidates_offset, sizeof packed);
    CHECK(packed.label_offset == 0 && packed.complete == 0);
    CHECK(text_is(buffer, packed.foundation_offset, packed.foundation_len, "1"));
    CHECK(text_is(buffer, packed.ip_offset, packed.ip_len, "192.0.2.1"));
    CHECK(text_is(buffer, packed.related_address_offset, packed.related_address_len, "10.0.0.1"));
    CHECK(packed.priority == UINT32_MAX && packed.port == 65535 && packed.related_port == 9);
    CHECK(packed.candidate_type == SALTYRTC_CANDIDATE_TYPE_HOST);
    CHECK(packed.protocol == SALTYRTC_ICE_PROTOCOL_TCP_ACTIVE);

    memset(&fingerprint, 0, sizeof fingerprint);
    fingerprint.algorithm = "sha-256";
    fingerprint.value = "AA:BB";
    INIT(dtls);
    dtls.fingerprints = &fingerprint;
    dtls.fingerprints_len = 1;
    dtls.role = SALTYRTC_DTLS_ROLE_SERVER;
    OK(saltyrtc_client_send_dtls_parameters(initiator, &dtls, false, &error));
    record = next_record(queue, buffer, sizeof memory, SALTYRTC_EVENT_KIND_DTLS_PARAMETERS);
    CHECK(record.dtls_role == SALTYRTC_DTLS_ROLE_SERVER && record.fingerprints_len == 1);
    memcpy(&packed_fingerprint, buffer + record.fingerprints_offset, sizeof packed_fingerprint);
    CHECK(text_is(buffer, packed_fingerprint.algorithm_offset, packed_fingerprint.algorithm_len, "sha-256"));
    CHECK(text_is(buffer, packed_fingerprint.value_offset, packed_fingerprint.value_len, "AA:BB"));

    INIT(channel);
    channel.id = 7;
    channel.channel_label = "channel";
    channel.has_max_retransmits = true;
    channel.max_retransmits = 3;
    OK(saltyrtc_client_send_data_channel_parameters(initiator, &channel, false, &error));
    record = next_record(queue, buffer, sizeof memory, SALTYRTC_EVENT_KIND_DATA_CHANNEL_PARAMETERS);
    CHECK(record.channel_id == 7 && record.max_retransmits == 3);
    CHECK(record.flags == (uint32_t)SALTYRTC_RECORD_FLAG_HAS_MAX_RETRANSMITS);
    CHECK(text_is(buffer, record.label_offset, record.label_len, "channel"));
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    saltyrtc_queue_free(queue);
    checked("records");
}

/* There is no peer to send anything to. */
static void without_a_peer(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = ortc_client(initiator_config(server, NULL), 0, true);
    saltyrtc_sctp_capabilities capabilities;
    INIT(capabilities);
    FAILS(SALTYRTC_STATUS_NO_PEER, "peer",
          saltyrtc_client_send_sctp_capabilities(client, &capabilities, false, &error));
    FAILS(SALTYRTC_STATUS_NO_PEER, "peer",
          saltyrtc_client_send_sctp_capabilities(client, &capabilities, true, &error));
    saltyrtc_client_free(client);
    checked("no peer");
}

int main(void) {
    test_server server;
    pair pair;
    start_server(&server);
    pair = ortc_pair(&server, true);
    ice_parameters(pair);
    ice_candidates(pair);
    dtls_parameters(pair);
    sctp_capabilities(pair);
    data_channel_parameters(pair);
    free_pair(pair);
    records(&server);
    without_a_peer(&server);
    end_server(&server);
    end_library();
    return 0;
}
