/* The ORTC task with an ORTC implementation of the program's own. The objects of ORTC are played by the test: their
   parameters are MessagePack that was written down. (ortc_messages.c has the functions for single messages.) */

#include "ortc.h"

#define SCTP_TYPE "\xa4type\xb1sctp-capabilities"
#define SCTP_SIZE "\xac" "capabilities\x81\xaemaxMessageSize\xcd\x40\x00"
/* {"type": "sctp-capabilities", "capabilities": {"maxMessageSize": 16384}} */
static const char SCTP[] = "\x82" SCTP_TYPE SCTP_SIZE;
/* The same with "label": "handover". */
static const char SCTP_FOR_HANDOVER[] = "\x83" SCTP_TYPE SCTP_SIZE "\xa5label\xa8handover";
/* The same with a field that the task does not know. */
static const char SCTP_WITH_MORE[] = "\x83" SCTP_TYPE SCTP_SIZE "\xa4more\xc0";
/* Without the capabilities. */
static const char SCTP_WITHOUT[] = "\x81" SCTP_TYPE;

#define CANDIDATES "\x82\xa4type\xae" "ice-candidates\xaa" "candidates"
#define CANDIDATE "\xa9" "candidate\x81\xa8" "complete\xc3"
/* {"type": "ice-candidates", "candidates": [{"candidate": {"complete": true}}]} */
static const char COMPLETE[] = CANDIDATES "\x91\x81" CANDIDATE;
/* The same with "label": "handover" in the item. */
static const char COMPLETE_FOR_HANDOVER[] = CANDIDATES "\x91\x82" CANDIDATE "\xa5label\xa8handover";
/* Two items, and only one of them has the label. */
static const char TWO_LABELS[] = CANDIDATES "\x92\x82" CANDIDATE "\xa5label\xa8handover\x81" CANDIDATE;

/* {"type": "rtp-capabilities", "capabilities": [{"capabilities": {"fecMechanisms": []}}]} */
static const char RTP[] = "\x82\xa4type\xb0" "rtp-capabilities\xac" "capabilities\x91"
                          "\x81\xac" "capabilities\x81\xad" "fecMechanisms\x90";

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static void expect(saltyrtc_client *client, saltyrtc_event_kind kind, const uint8_t *data, size_t len) {
    saltyrtc_event *event = TAKE(client, kind);
    CHECK(event->payload == SALTYRTC_PAYLOAD_MSGPACK);
    CHECK(event->data_len == len && memcmp(event->data, data, len) == 0);
    saltyrtc_event_free(event);
}

static void messages(const test_server *server) {
    saltyrtc_error *error = NULL;
    pair pair = ortc_pair(server, true);
    saltyrtc_client *ends[2];
    int i;
    ends[0] = pair.initiator;
    ends[1] = pair.responder;
    for (i = 0; i < 2; i++) {
        OK(saltyrtc_client_send_ortc_message(ends[i], BYTES(SCTP), &error));
        expect(ends[1 - i], SALTYRTC_EVENT_KIND_SCTP_CAPABILITIES, BYTES(SCTP));
        OK(saltyrtc_client_send_ortc_message(ends[i], BYTES(SCTP_WITH_MORE), &error));
        expect(ends[1 - i], SALTYRTC_EVENT_KIND_SCTP_CAPABILITIES, BYTES(SCTP));
        OK(saltyrtc_client_send_ortc_message(ends[i], BYTES(SCTP_FOR_HANDOVER), &error));
        expect(ends[1 - i], SALTYRTC_EVENT_KIND_SCTP_CAPABILITIES, BYTES(SCTP_FOR_HANDOVER));
        OK(saltyrtc_client_send_ortc_message(ends[i], BYTES(COMPLETE), &error));
        expect(ends[1 - i], SALTYRTC_EVENT_KIND_ICE_CANDIDATES, BYTES(COMPLETE));
        OK(saltyrtc_client_send_ortc_message(ends[i], BYTES(COMPLETE_FOR_HANDOVER), &error));
        expect(ends[1 - i], SALTYRTC_EVENT_KIND_ICE_CANDIDATES, BYTES(COMPLETE_FOR_HANDOVER));
        OK(saltyrtc_client_send_ortc_message(ends[i], BYTES(RTP), &error));
        expect(ends[1 - i], SALTYRTC_EVENT_KIND_ORTC_MESSAGE, BYTES(RTP));
    }
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "reserved",
          saltyrtc_client_send_ortc_message(pair.initiator, BYTES(TWO_LABELS), &error));
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "capabilities",
          saltyrtc_client_send_ortc_message(pair.initiator, BYTES(SCTP_WITHOUT), &error));
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "message",
          saltyrtc_client_send_ortc_message(pair.initiator, NULL, 0, &error));
    FAILS(SALTYRTC_STATUS_NULL_ARGUMENT, "message",
          saltyrtc_client_send_ortc_message(pair.initiator, NULL, 1, &error));
    FAILS(SALTYRTC_STATUS_OTHER_TASK, "ortc",
          saltyrtc_client_send_offer(pair.initiator, "offer", TEXT("v=0"), &error));
    free_pair(pair);
    checked("messages of ORTC");
}

/* Gives `to` what `from` wants to have sent on the data channel, until an event of the kind `until` of `to`. */
static saltyrtc_event *carry(saltyrtc_client *from, saltyrtc_client *to, saltyrtc_event_kind until) {
    saltyrtc_error *error = NULL;
    for (;;) {
        saltyrtc_event *event = NULL;
        if (saltyrtc_client_next_event(to, 0, &event, NULL) == SALTYRTC_STATUS_OK) {
            if (event->kind == until) {
                return event;
            }
            saltyrtc_event_free(event);
        }
        if (saltyrtc_client_next_event(from, 10, &event, NULL) == SALTYRTC_STATUS_OK) {
            if (event->kind == SALTYRTC_EVENT_KIND_TRANSPORT_SEND) {
                OK(saltyrtc_client_transport_receive(to, event->data, event->data_len, &error));
            }
            saltyrtc_event_free(event);
        }
    }
}

static void handover(const test_server *server) {
    saltyrtc_error *error = NULL;
    pair pair = ortc_pair(server, true);
    const char *label = NULL, *protocol = NULL;
    uint16_t id = 0;
    saltyrtc_event *event;
    OK(saltyrtc_client_signalling_channel(pair.initiator, &id, &label, &protocol, &error));
    CHECK(id == 2 && strcmp(label, "v1.saltyrtc.org") == 0);
    CHECK(strcmp(protocol, "v1.saltyrtc.org") == 0);
    /* One of the transports takes messages of any size, the other one does not. */
    OK(saltyrtc_client_hand_over(pair.initiator, 0, NULL, NULL, NULL, NULL, &error));
    OK(saltyrtc_client_hand_over(pair.responder, 1200, NULL, NULL, NULL, NULL, &error));
    SKIP_TO(pair.initiator, SALTYRTC_EVENT_KIND_HANDED_OVER);
    SKIP_TO(pair.responder, SALTYRTC_EVENT_KIND_HANDED_OVER);
    OK(saltyrtc_client_send_ortc_message(pair.initiator, BYTES(SCTP), &error));
    event = carry(pair.initiator, pair.responder, SALTYRTC_EVENT_KIND_SCTP_CAPABILITIES);
    CHECK(event->data_len == sizeof SCTP - 1);
    saltyrtc_event_free(event);
    OK(saltyrtc_client_send_ortc_message(pair.responder, BYTES(SCTP), &error));
    event = carry(pair.responder, pair.initiator, SALTYRTC_EVENT_KIND_SCTP_CAPABILITIES);
    CHECK(event->data_len == sizeof SCTP - 1);
    saltyrtc_event_free(event);
    OK(saltyrtc_client_close(pair.responder, &error));
    event = carry(pair.responder, pair.initiator, SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(event->status == SALTYRTC_STATUS_PEER_CLOSED);
    saltyrtc_event_free(event);
    free_pair(pair);

    pair = ortc_pair(server, false);
    FAILS(SALTYRTC_STATUS_NO_HANDOVER, "handover",
          saltyrtc_client_send_ortc_message(pair.responder, BYTES(SCTP_FOR_HANDOVER), &error));
    free_pair(pair);
    checked("handover with ORTC");
}

static void no_channel_has_the_id_65535(const test_server *server) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    const uint16_t id = 65535;
    saltyrtc_config *config = initiator_config(server, invitation);
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "exclude",
          saltyrtc_config_add_ortc_task(config, &id, 1, true, &error));
    saltyrtc_config_free(config);
    checked("ids of data channels");
}

int main(void) {
    test_server server;
    start_server(&server);
    messages(&server);
    handover(&server);
    no_channel_has_the_id_65535(&server);
    end_server(&server);
    end_library();
    return 0;
}
