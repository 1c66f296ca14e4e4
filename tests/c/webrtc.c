/* The WebRTC task with a WebRTC implementation of the program's own. The data channel between the two
   programs is played by the test: what one client sends there is given to the other. */

#include "support.h"

static const char WEBRTC[] = "v1.webrtc.tasks.saltyrtc.org";
static const char WEBRTC_V0[] = "v0.webrtc.tasks.saltyrtc.org";

static saltyrtc_client *webrtc_client(saltyrtc_config *config, const uint16_t *exclude,
                                      size_t exclude_len, bool handover) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = NULL;
    OK(saltyrtc_config_add_webrtc_task(config, exclude, exclude_len, handover, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    saltyrtc_config_free(config);
    return client;
}

static pair webrtc_pair(const test_server *server, bool handover) {
    static const uint16_t low[] = {0, 1, 3}, high[] = {2, 65534};
    char invitation[SALTYRTC_INVITATION_BYTES];
    pair pair;
    saltyrtc_event *event;
    pair.initiator = webrtc_client(initiator_config(server, invitation), low, 3, handover);
    pair.responder = webrtc_client(responder_config(invitation), high, 2, true);
    event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    CHECK(strcmp(event->task, WEBRTC) == 0);
    saltyrtc_event_free(event);
    SKIP_TO(pair.responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    return pair;
}

static void free_pair(pair pair) {
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
}

static void expect_description(saltyrtc_client *client, saltyrtc_event_kind kind, const char *type,
                               const char *sdp) {
    saltyrtc_event *event = TAKE(client, kind);
    CHECK(strcmp(event->sdp_type, type) == 0);
    CHECK(sdp == NULL ? event->sdp == NULL : strcmp(event->sdp, sdp) == 0);
    CHECK(event->sdp_len == (sdp == NULL ? 0 : strlen(sdp)));
    saltyrtc_event_free(event);
}

static void descriptions(const test_server *server) {
    saltyrtc_error *error = NULL;
    pair pair = webrtc_pair(server, true);
    saltyrtc_client *initiator = pair.initiator, *responder = pair.responder;
    OK(saltyrtc_client_send_offer(initiator, "offer", TEXT("v=0"), &error));
    expect_description(responder, SALTYRTC_EVENT_KIND_OFFER, "offer", "v=0");
    OK(saltyrtc_client_send_answer(responder, "pranswer", TEXT("v=1"), &error));
    expect_description(initiator, SALTYRTC_EVENT_KIND_ANSWER, "pranswer", "v=1");
    OK(saltyrtc_client_send_answer(responder, "answer", TEXT("v=2"), &error));
    expect_description(initiator, SALTYRTC_EVENT_KIND_ANSWER, "answer", "v=2");
    OK(saltyrtc_client_send_offer(initiator, "rollback", NULL, 0, &error));
    expect_description(responder, SALTYRTC_EVENT_KIND_OFFER, "rollback", NULL);
    FAILS(SALTYRTC_STATUS_OTHER_ROLE, "role",
          saltyrtc_client_send_offer(responder, "offer", TEXT("v=0"), &error));
    FAILS(SALTYRTC_STATUS_OTHER_ROLE, "role",
          saltyrtc_client_send_answer(initiator, "answer", TEXT("v=0"), &error));
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "sdp_type",
          saltyrtc_client_send_offer(initiator, "sdp", TEXT("v=0"), &error));
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "answer",
          saltyrtc_client_send_offer(initiator, "answer", TEXT("v=0"), &error));
    FAILS(SALTYRTC_STATUS_NULL_ARGUMENT, "sdp",
          saltyrtc_client_send_offer(initiator, "offer", NULL, 0, &error));
    free_pair(pair);
    checked("offers and answers");
}

/* Takes events until all have come, however they are bundled. */
static void expect_candidates(saltyrtc_client *client, const char *const *texts, size_t count) {
    size_t i = 0;
    while (i < count) {
        saltyrtc_event *event = TAKE(client, SALTYRTC_EVENT_KIND_CANDIDATES);
        size_t j;
        CHECK(event->candidates_len > 0);
        for (j = 0; j < event->candidates_len; i++, j++) {
            const saltyrtc_candidate *candidate = &event->candidates[j];
            CHECK(i < count);
            if (texts[i] == NULL) {
                CHECK(candidate->candidate == NULL && candidate->sdp_mid == NULL);
                CHECK(candidate->username_fragment == NULL && candidate->sdp_m_line_index == -1);
            } else {
                CHECK(strcmp(candidate->candidate, texts[i]) == 0);
                CHECK(candidate->candidate_len == strlen(texts[i]) && candidate->sdp_mid_len == 4);
                CHECK(strcmp(candidate->sdp_mid, "data") == 0);
                CHECK(candidate->username_fragment == NULL);
                CHECK(candidate->sdp_m_line_index == (int32_t)i);
            }
        }
        saltyrtc_event_free(event);
    }
}

static void candidates(const test_server *server) {
    static const char *const texts[] = {"candidate:1", "candidate:2", "", NULL};
    const size_t count = sizeof texts / sizeof *texts;
    saltyrtc_error *error = NULL;
    pair pair = webrtc_pair(server, true);
    size_t i;
    for (i = 0; i < count; i++) {
        OK(saltyrtc_client_send_candidate(
            pair.responder, texts[i], texts[i] ? strlen(texts[i]) : 0, texts[i] ? "data" : NULL,
            texts[i] ? 4 : 0, texts[i] ? (int32_t)i : -1, NULL, 0, &error));
    }
    expect_candidates(pair.initiator, texts, count);
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "sdp_m_line_index",
          saltyrtc_client_send_candidate(pair.initiator, "x", 1, NULL, 0, 65536, NULL, 0, &error));
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "sdp_m_line_index",
          saltyrtc_client_send_candidate(pair.initiator, "x", 1, NULL, 0, -2, NULL, 0, &error));
    free_pair(pair);
    checked("candidates");
}

/* Gives `to` what `from` wants to have sent on the data channel, until an event of the kind `until` of
   `to`, which is to be freed. */
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
            } else if (event->kind == SALTYRTC_EVENT_KIND_TRANSPORT_CLOSE) {
                OK(saltyrtc_client_transport_closed(to, &error));
            }
            saltyrtc_event_free(event);
        }
    }
}

static void handover_by_events(const test_server *server) {
    saltyrtc_error *error = NULL;
    pair pair = webrtc_pair(server, true);
    saltyrtc_client *initiator = pair.initiator, *responder = pair.responder;
    const char *label = NULL, *protocol = NULL;
    uint16_t id = 0;
    saltyrtc_event *event;
    OK(saltyrtc_client_signalling_channel(initiator, &id, &label, &protocol, &error));
    CHECK(id == 4 && strcmp(label, "saltyrtc-signaling") == 0);
    CHECK(strcmp(protocol, "v1.saltyrtc.org") == 0);
    id = 0;
    OK(saltyrtc_client_signalling_channel(responder, &id, NULL, NULL, &error));
    CHECK(id == 4);

    OK(saltyrtc_client_hand_over(initiator, 100, NULL, NULL, NULL, NULL, &error));
    FAILS(SALTYRTC_STATUS_HANDED_OVER, "already",
          saltyrtc_client_hand_over(initiator, 100, NULL, NULL, NULL, NULL, &error));
    OK(saltyrtc_client_hand_over(responder, 0, NULL, NULL, NULL, NULL, &error));
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_HANDED_OVER);
    SKIP_TO(responder, SALTYRTC_EVENT_KIND_HANDED_OVER);

    /* Longer than one message of the data channel. */
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    OK(saltyrtc_client_send_application_text(initiator, TEXT(text), &error));
    event = carry(initiator, responder, SALTYRTC_EVENT_KIND_APPLICATION);
    CHECK(event->data_len == strlen(text) && memcmp(event->data, text, event->data_len) == 0);
    saltyrtc_event_free(event);
    OK(saltyrtc_client_send_offer(initiator, "offer", TEXT("v=3"), &error));
    event = carry(initiator, responder, SALTYRTC_EVENT_KIND_OFFER);
    CHECK(strcmp(event->sdp, "v=3") == 0);
    saltyrtc_event_free(event);

    /* Closing goes over the channel too. */
    OK(saltyrtc_client_close(responder, &error));
    event = carry(responder, initiator, SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(event->status == SALTYRTC_STATUS_PEER_CLOSED);
    saltyrtc_event_free(event);
    free_pair(pair);
    checked("handover by events");
}

/* More comes over the channel than there is room for. Taking an event makes room for the next message, and with it
   comes another event. */
static void more_than_there_is_room_for(const test_server *server) {
    enum { COUNT = 1500 };
    saltyrtc_error *error = NULL;
    pair pair = webrtc_pair(server, true);
    saltyrtc_event *event;
    char text[16];
    int i;
    OK(saltyrtc_client_hand_over(pair.initiator, 0, NULL, NULL, NULL, NULL, &error));
    OK(saltyrtc_client_hand_over(pair.responder, 0, NULL, NULL, NULL, NULL, &error));
    SKIP_TO(pair.initiator, SALTYRTC_EVENT_KIND_HANDED_OVER);
    SKIP_TO(pair.responder, SALTYRTC_EVENT_KIND_HANDED_OVER);
    for (i = 0; i < COUNT; i++) {
        sprintf(text, "%d", i);
        OK(saltyrtc_client_send_application_text(pair.responder, TEXT(text), &error));
        event = TAKE(pair.responder, SALTYRTC_EVENT_KIND_TRANSPORT_SEND);
        OK(saltyrtc_client_transport_receive(pair.initiator, event->data, event->data_len, &error));
        saltyrtc_event_free(event);
    }
    for (i = 0; i < COUNT; i++) {
        sprintf(text, "%d", i);
        event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_APPLICATION);
        CHECK(event->data_len == strlen(text) && memcmp(event->data, text, event->data_len) == 0);
        saltyrtc_event_free(event);
    }
    free_pair(pair);
    checked("more messages over the channel than there is room for");
}

/* A client whose data channel is played by functions. */
typedef struct end {
    watch events;
    struct end *other;
    saltyrtc_client *client;
    int sent, closed, freed;
} end;

static void send_on_channel(saltyrtc_client *client, const uint8_t *data, size_t data_len,
                            void *user_data) {
    end *self = (end *)user_data;
    saltyrtc_error *error = NULL;
    CHECK(self->client == client && data_len > 9);
    OK(saltyrtc_client_transport_receive(self->other->client, data, data_len, &error));
    lock();
    CHECK(self->freed == 0 && self->closed == 0);
    self->sent++;
    unlock();
}

static void close_channel(saltyrtc_client *client, void *user_data) {
    end *self = (end *)user_data;
    saltyrtc_error *error = NULL;
    CHECK(self->client == client);
    OK(saltyrtc_client_transport_closed(self->other->client, &error));
    lock();
    self->closed++;
    unlock();
}

static void free_channel(void *user_data) {
    end *self = (end *)user_data;
    lock();
    self->freed++;
    unlock();
}

static void handover_by_functions(const test_server *server) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    saltyrtc_config *config[2];
    end ends[2];
    int i;
    memset(ends, 0, sizeof ends);
    config[0] = initiator_config(server, invitation);
    config[1] = responder_config(invitation);
    for (i = 0; i < 2; i++) {
        ends[i].other = &ends[1 - i];
        OK(saltyrtc_config_add_webrtc_task(config[i], NULL, 0, true, &error));
        ends[i].client = watched(&ends[i].events, config[i]);
    }
    AWAIT(ends[0].events.seen[SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE] == 1 &&
          ends[1].events.seen[SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE] == 1);
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "both",
          saltyrtc_client_hand_over(ends[0].client, 0, send_on_channel, NULL, &ends[0], free_channel,
                                    &error));
    CHECK(ends[0].freed == 1);
    ends[0].freed = 0;
    for (i = 0; i < 2; i++) {
        OK(saltyrtc_client_hand_over(ends[i].client, 1200, send_on_channel, close_channel, &ends[i],
                                     free_channel, &error));
    }
    AWAIT(ends[0].events.seen[SALTYRTC_EVENT_KIND_HANDED_OVER] == 1 &&
          ends[1].events.seen[SALTYRTC_EVENT_KIND_HANDED_OVER] == 1);
    OK(saltyrtc_client_send_application_text(ends[0].client, TEXT("over the channel"), &error));
    AWAIT(ends[1].events.seen[SALTYRTC_EVENT_KIND_APPLICATION] == 1);
    CHECK(read_count(&ends[0].sent) == 1);
    OK(saltyrtc_client_close(ends[0].client, &error));
    AWAIT(ends[0].events.seen[SALTYRTC_EVENT_KIND_CLOSED] == 1 &&
          ends[1].events.seen[SALTYRTC_EVENT_KIND_CLOSED] == 1);
    CHECK(read_count(&ends[0].closed) == 1);
    for (i = 0; i < 2; i++) {
        CHECK(ends[i].events.seen[SALTYRTC_EVENT_KIND_TRANSPORT_SEND] == 0);
        saltyrtc_client_free(ends[i].client);
        CHECK(read_count(&ends[i].freed) == 1);
    }
    checked("handover by functions");
}

static void a_channel_that_dies(const test_server *server) {
    saltyrtc_error *error = NULL;
    pair pair = webrtc_pair(server, true);
    saltyrtc_event *event;
    /* Before the handover nothing is lost. */
    OK(saltyrtc_client_transport_closed(pair.initiator, &error));
    OK(saltyrtc_client_send_application_text(pair.initiator, TEXT("still here"), &error));
    SKIP_TO(pair.responder, SALTYRTC_EVENT_KIND_APPLICATION);
    OK(saltyrtc_client_hand_over(pair.initiator, 0, NULL, NULL, NULL, NULL, &error));
    OK(saltyrtc_client_transport_closed(pair.initiator, &error));
    event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(event->status == SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST);
    saltyrtc_event_free(event);
    free_pair(pair);
    checked("a data channel that dies");
}

static void no_handover(const test_server *server) {
    saltyrtc_error *error = NULL;
    uint16_t id = 7;
    pair pair = webrtc_pair(server, false);
    FAILS(SALTYRTC_STATUS_NO_HANDOVER, "agree",
          saltyrtc_client_signalling_channel(pair.responder, &id, NULL, NULL, &error));
    CHECK(id == 0);
    FAILS(SALTYRTC_STATUS_NO_HANDOVER, "agree",
          saltyrtc_client_hand_over(pair.responder, 0, NULL, NULL, NULL, NULL, &error));
    free_pair(pair);
    pair = connected_pair(server);
    FAILS(SALTYRTC_STATUS_OTHER_TASK, "task",
          saltyrtc_client_send_offer(pair.initiator, "offer", TEXT("v=0"), &error));
    free_pair(pair);
    checked("no handover");
}

static void old_version(const test_server *server) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    static const uint16_t none[] = {65535};
    saltyrtc_config *config = initiator_config(server, invitation);
    saltyrtc_client *initiator = NULL, *responder = NULL;
    saltyrtc_event *event;
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "65535",
          saltyrtc_config_add_webrtc_task(config, none, 1, true, &error));
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "packet",
          saltyrtc_config_add_webrtc_v0_task(config, NULL, 0, true, 9, &error));
    OK(saltyrtc_config_add_webrtc_task(config, NULL, 0, true, &error));
    OK(saltyrtc_config_add_webrtc_v0_task(config, NULL, 0, true, 16384, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &initiator, &error));
    saltyrtc_config_free(config);
    config = responder_config(invitation);
    OK(saltyrtc_config_add_webrtc_v0_task(config, NULL, 0, true, 0, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &responder, &error));
    saltyrtc_config_free(config);
    event = TAKE(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    CHECK(strcmp(event->task, WEBRTC_V0) == 0);
    saltyrtc_event_free(event);
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    checked("version 0 of the task");
}

static void secure_channels(const test_server *server) {
    saltyrtc_error *error = NULL;
    pair pair = webrtc_pair(server, true);
    saltyrtc_secure_channel *here = NULL, *there = NULL, *other = NULL, *none = NULL;
    uint8_t sealed[100], plain[100];
    size_t sealed_len = 0, plain_len = 0, i;
    CHECK(saltyrtc_secure_channel_overhead() == SALTYRTC_SECURE_CHANNEL_OVERHEAD);
    OK(saltyrtc_secure_channel_new(pair.initiator, 7, &here, &error));
    OK(saltyrtc_secure_channel_new(pair.responder, 7, &there, &error));
    OK(saltyrtc_secure_channel_new(pair.responder, 8, &other, &error));
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "65534",
          saltyrtc_secure_channel_new(pair.responder, 65535, &none, &error));
    CHECK(none == NULL);
    /* They outlive the clients. */
    free_pair(pair);
    OK(saltyrtc_secure_channel_encrypt(here, (const uint8_t *)"hello", 5, sealed, sizeof sealed,
                                       &sealed_len, &error));
    CHECK(sealed_len == 5 + SALTYRTC_SECURE_CHANNEL_OVERHEAD);
    FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",
          saltyrtc_secure_channel_decrypt(there, sealed, sealed_len, plain, 4, &plain_len, &error));
    CHECK(plain_len == 5);
    for (i = 0; i < sealed_len; i++) {
        sealed[i] ^= 1;
        FAILS(SALTYRTC_STATUS_DECRYPTION_FAILED, "",
              saltyrtc_secure_channel_decrypt(there, sealed, sealed_len, plain, sizeof plain,
                                              &plain_len, &error));
        sealed[i] ^= 1;
    }
    OK(saltyrtc_secure_channel_decrypt(there, sealed, sealed_len, plain, sizeof plain, &plain_len,
                                       &error));
    CHECK(plain_len == 5 && memcmp(plain, "hello", 5) == 0);
    FAILS(SALTYRTC_STATUS_DECRYPTION_FAILED, "",
          saltyrtc_secure_channel_decrypt(there, sealed, sealed_len, plain, sizeof plain, &plain_len,
                                          &error));
    FAILS(SALTYRTC_STATUS_DECRYPTION_FAILED, "",
          saltyrtc_secure_channel_decrypt(other, sealed, sealed_len, plain, sizeof plain, &plain_len,
                                          &error));
    FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",
          saltyrtc_secure_channel_encrypt(here, plain, 61, sealed, sizeof sealed, &sealed_len, &error));
    saltyrtc_secure_channel_free(here);
    saltyrtc_secure_channel_free(there);
    saltyrtc_secure_channel_free(other);
    checked("secure channels");
}

int main(void) {
    test_server server;
    start_server(&server);
    descriptions(&server);
    candidates(&server);
    handover_by_events(&server);
    more_than_there_is_room_for(&server);
    handover_by_functions(&server);
    a_channel_that_dies(&server);
    no_handover(&server);
    old_version(&server);
    secure_channels(&server);
    end_server(&server);
    end_library();
    return 0;
}
