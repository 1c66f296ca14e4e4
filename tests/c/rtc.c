/* The built-in WebRTC: two clients connect to each other over loopback, and use channels. */

#include "rtc.h"

static void expect_message(saltyrtc_client *client, uint32_t channel, saltyrtc_payload payload,
                           const void *data, size_t len) {
    saltyrtc_event *event = TAKE(client, SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE);
    CHECK(event->channel == channel && event->payload == payload && event->data_len == len);
    CHECK(len == 0 || memcmp(event->data, data, len) == 0);
    saltyrtc_event_free(event);
}

static void channels(const test_server *server) {
    saltyrtc_error *error = NULL;
    pair pair = rtc_pair(server);
    saltyrtc_client *a = pair.initiator, *b = pair.responder;
    saltyrtc_channel_options options = labelled("first\0of all");
    uint32_t here, there, plain_here, plain_there;
    size_t amount = 99, large = 1024 * 1024, i;
    uint8_t *data = (uint8_t *)malloc(large);
    saltyrtc_rtc_stats stats;
    CHECK(data != NULL);

    /* Secure, announced to the peer, opened before there is a connection. */
    options.label_len = sizeof "first\0of all" - 1;
    options.protocol = "p";
    here = open_channel(a, &options);
    FAILS(SALTYRTC_STATUS_CHANNEL_NOT_OPEN, "open",
          saltyrtc_client_channel_send_text(a, here, TEXT("too early"), &error));
    CHECK(opened(a, &options, false) == here);
    there = opened(b, &options, true);
    OK(saltyrtc_client_channel_send_bytes(a, here, (const uint8_t *)"hello", 5, &error));
    expect_message(b, there, SALTYRTC_PAYLOAD_BYTES, "hello", 5);
    OK(saltyrtc_client_channel_send_bytes(b, there, NULL, 0, &error));
    expect_message(a, here, SALTYRTC_PAYLOAD_BYTES, "", 0);
    for (i = 0; i < large; i++) {
        data[i] = (uint8_t)(i * 7 + i / 256);
    }
    OK(saltyrtc_client_channel_set_low_water(a, here, 1000, &error));
    OK(saltyrtc_client_channel_send_bytes(a, here, data, large, &error));
    expect_message(b, there, SALTYRTC_PAYLOAD_BYTES, data, large);
    SKIP_TO(a, SALTYRTC_EVENT_KIND_CHANNEL_LOW_WATER);
    OK(saltyrtc_client_channel_buffered_amount(a, here, &amount, &error));
    CHECK(amount <= 1000);
    FAILS(SALTYRTC_STATUS_TOO_LARGE, "limit",
          saltyrtc_client_channel_send_bytes(a, here, data, 17 * 1024 * 1024, &error));

    /* Plain, with loss allowed. */
    options = labelled("plain");
    options.plain = options.unordered = true;
    options.reliability = SALTYRTC_RELIABILITY_MAX_RETRANSMITS;
    options.reliability_limit = 3;
    plain_here = open_channel(b, &options);
    CHECK(opened(b, &options, false) == plain_here);
    plain_there = opened(a, &options, true);
    OK(saltyrtc_client_channel_send_text(b, plain_here, "gr\xc3\xbc\xc3\x9f\0", 7, &error));
    expect_message(a, plain_there, SALTYRTC_PAYLOAD_TEXT, "gr\xc3\xbc\xc3\x9f\0", 7);

    /* Negotiated: both open it. */
    options = labelled("both");
    options.negotiated = true;
    options.id = 5;
    i = open_channel(a, &options);
    there = open_channel(b, &options);
    CHECK(opened(a, &options, false) == i && opened(b, &options, false) == there);
    OK(saltyrtc_client_channel_send_text(a, (uint32_t)i, TEXT("x"), &error));
    expect_message(b, there, SALTYRTC_PAYLOAD_BYTES, "x", 1);

    /* Figures. */
    memset(&stats, 0, sizeof stats);
    stats.struct_size = sizeof stats;
    OK(saltyrtc_client_rtc_stats(a, &stats, &error));
    CHECK(stats.state == SALTYRTC_CONNECTION_STATE_CONNECTED && stats.channels == 3);
    CHECK(stats.local_type == SALTYRTC_CANDIDATE_TYPE_HOST);
    CHECK(stats.remote_type == SALTYRTC_CANDIDATE_TYPE_HOST ||
          stats.remote_type == SALTYRTC_CANDIDATE_TYPE_PEER_REFLEXIVE);
    CHECK(stats.relay_protocol == SALTYRTC_RELAY_PROTOCOL_NONE);
    CHECK(strncmp(stats.local_address, "127.0.0.1:", 10) == 0);
    CHECK(strncmp(stats.remote_address, "127.0.0.1:", 10) == 0);
    CHECK(stats.bytes_sent > large && stats.bytes_received > 0);

    /* One channel is closed, the others go on. */
    OK(saltyrtc_client_channel_close(a, here, &error));
    for (i = 0; i < 2; i++) {
        saltyrtc_event *event = TAKE(i == 0 ? a : b, SALTYRTC_EVENT_KIND_CHANNEL_CLOSED);
        CHECK(event->status == SALTYRTC_STATUS_OK && event->text == NULL);
        saltyrtc_event_free(event);
    }
    FAILS(SALTYRTC_STATUS_CHANNEL_NOT_OPEN, "open",
          saltyrtc_client_channel_send_text(a, here, TEXT("too late"), &error));
    OK(saltyrtc_client_restart_ice(a, &error));
    FAILS(SALTYRTC_STATUS_OTHER_ROLE, "initiator", saltyrtc_client_restart_ice(b, &error));
    OK(saltyrtc_client_channel_send_text(a, plain_there, TEXT("still here"), &error));
    expect_message(b, plain_here, SALTYRTC_PAYLOAD_TEXT, "still here", 10);
    free(data);

    OK(saltyrtc_client_close(a, &error));
    CHECK_END(b, SALTYRTC_STATUS_PEER_CLOSED, "closed");
    CHECK_END(a, SALTYRTC_STATUS_OK, "");
    free_pair(pair);
    checked("channels");
}

/* One of the two takes a channel for a secure one, and the other sends in the clear. */
static void a_channel_that_fails(const test_server *server) {
    saltyrtc_error *error = NULL;
    pair pair = rtc_pair(server);
    saltyrtc_channel_options options = labelled("plain");
    uint32_t here = open_channel(pair.initiator, &options), there;
    saltyrtc_event *event;
    CHECK(opened(pair.initiator, &options, false) == here);
    options.plain = true;
    there = opened(pair.responder, &options, true);
    OK(saltyrtc_client_channel_send_text(pair.responder, there, TEXT("in the clear"), &error));
    event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_CHANNEL_CLOSED);
    CHECK(event->channel == here && event->status == SALTYRTC_STATUS_BAD_CHUNK);
    CHECK(event->text_len > 0 && strlen(event->text) == event->text_len);
    saltyrtc_event_free(event);
    event = TAKE(pair.responder, SALTYRTC_EVENT_KIND_CHANNEL_CLOSED);
    CHECK(event->channel == there && event->status == SALTYRTC_STATUS_OK);
    saltyrtc_event_free(event);
    free_pair(pair);
    checked("a channel that fails");
}

/* While the receiver takes no events, the sender is stopped, and told when there is room again. All
   messages arrive complete and in order. */
static void back_pressure(const test_server *server) {
    enum { SIZE = 20 * 1024, LIMIT = 5000, MORE = 100 };
    saltyrtc_error *error = NULL;
    pair pair = rtc_pair(server);
    saltyrtc_channel_options options = labelled("bulk");
    uint32_t here = open_channel(pair.initiator, &options), there;
    uint8_t *data = (uint8_t *)calloc(1, SIZE);
    int sent = 0, received = 0, end = LIMIT;
    CHECK(data != NULL);
    CHECK(opened(pair.initiator, &options, false) == here);
    there = opened(pair.responder, &options, true);
    while (received < end) {
        while (sent < end) {
            saltyrtc_status status;
            memcpy(data, &sent, sizeof sent);
            status = saltyrtc_client_channel_send_bytes(pair.initiator, here, data, SIZE, NULL);
            if (status != SALTYRTC_STATUS_OK) {
                CHECK(status == SALTYRTC_STATUS_QUEUE_FULL);
                break;
            }
            sent++;
        }
        /* It was stopped: some more, and that is all. */
        CHECK(sent < LIMIT);
        end = end == LIMIT ? sent + MORE : end;
        while (received < sent) {
            saltyrtc_event *event = TAKE(pair.responder, SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE);
            CHECK(event->channel == there && event->data_len == SIZE);
            CHECK(memcmp(event->data, &received, sizeof received) == 0);
            saltyrtc_event_free(event);
            received++;
        }
        if (sent < end) {
            SKIP_TO(pair.initiator, SALTYRTC_EVENT_KIND_CHANNEL_LOW_WATER);
        }
    }
    OK(saltyrtc_client_close(pair.responder, &error));
    CHECK_END(pair.initiator, SALTYRTC_STATUS_PEER_CLOSED, "closed");
    free(data);
    free_pair(pair);
    checked("back-pressure");
}

/* Whichever part of a client the library ends first. */
static void shut_down_after_the_handover(void) {
    int i;
    for (i = 0; i < 5; i++) {
        test_server server;
        pair pair;
        start_server(&server);
        pair = rtc_pair(&server);
        SKIP_TO(pair.initiator, SALTYRTC_EVENT_KIND_HANDED_OVER);
        SKIP_TO(pair.responder, SALTYRTC_EVENT_KIND_HANDED_OVER);
        end_server(&server);
        end_library();
        CHECK_END(pair.initiator, SALTYRTC_STATUS_CONNECTION_LOST, "shut down");
        CHECK_END(pair.responder, SALTYRTC_STATUS_CONNECTION_LOST, "shut down");
        free_pair(pair);
    }
    checked("the library is shut down");
}

/* Events of the one would never get to the other. */
static void two_kinds_of_webrtc(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = NULL;
    saltyrtc_config *config = initiator_config(server, NULL);
    saltyrtc_rtc_config *rtc = rtc_config();
    OK(saltyrtc_config_add_rtc_task(config, rtc, &error));
    OK(saltyrtc_config_add_webrtc_v0_task(config, NULL, 0, true, 0, &error));
    FAILS(SALTYRTC_STATUS_BAD_CONFIG, "only one",
          saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    CHECK(client == NULL);
    saltyrtc_rtc_config_free(rtc);
    saltyrtc_config_free(config);
    checked("two kinds of WebRTC");
}

/* What is no TURN server, namely the other one. The connection goes on without it. */
static void an_ice_server_of_no_use(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_rtc_config *config = rtc_config();
    char invitation[SALTYRTC_INVITATION_BYTES], url[128];
    saltyrtc_client *initiator, *responder;
    saltyrtc_event *event;
    snprintf(url, sizeof url, "turn:%s?transport=tcp", server->url + strlen("ws://"));
    OK(saltyrtc_rtc_config_add_ice_server(config, url, "user", "password", &error));
    initiator = rtc_client(initiator_config(server, invitation), config);
    responder = rtc_client(responder_config(invitation), rtc_config());
    event = TAKE(initiator, SALTYRTC_EVENT_KIND_CONNECTION_PROBLEM);
    CHECK(event->status == SALTYRTC_STATUS_ICE_SERVER_UNUSABLE);
    CHECK(strstr(event->text, "turn:127.0.0.1") != NULL);
    saltyrtc_event_free(event);
    SKIP_TO(responder, SALTYRTC_EVENT_KIND_HANDED_OVER);
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    checked("an ICE server of no use");
}

static void without_rtc(const test_server *server) {
    saltyrtc_error *error = NULL;
    pair pair = connected_pair(server);
    saltyrtc_channel_options options = labelled("x");
    uint32_t channel = 99;
    FAILS(SALTYRTC_STATUS_NO_RTC, "built-in",
          saltyrtc_client_open_channel(pair.initiator, &options, &channel, &error));
    CHECK(channel == 0);
    FAILS(SALTYRTC_STATUS_NO_RTC, "built-in", saltyrtc_client_restart_ice(pair.initiator, &error));
    FAILS(SALTYRTC_STATUS_NO_RTC, "built-in",
          saltyrtc_client_set_addresses(pair.initiator, "127.0.0.1", &error));
    free_pair(pair);
    checked("a client without the built-in WebRTC");
}

/* The answers to what is sent come from another address, as soon as there is a path from there. */
static void use_address(pair pair, bool initiator, uint32_t here, uint32_t there, const char *address) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *mover = initiator ? pair.initiator : pair.responder;
    saltyrtc_rtc_stats stats;
    size_t len = strlen(address);
    OK(saltyrtc_client_set_addresses(mover, address, &error));
    do {
        OK(saltyrtc_client_channel_send_text(pair.initiator, here, TEXT("where?"), &error));
        expect_message(pair.responder, there, SALTYRTC_PAYLOAD_BYTES, "where?", 6);
        OK(saltyrtc_client_channel_send_text(pair.responder, there, TEXT("here"), &error));
        expect_message(pair.initiator, here, SALTYRTC_PAYLOAD_BYTES, "here", 4);
        memset(&stats, 0, sizeof stats);
        stats.struct_size = sizeof stats;
        OK(saltyrtc_client_rtc_stats(mover, &stats, &error));
    } while (strncmp(stats.local_address, address, len) != 0 || stats.local_address[len] != ':');
}

/* The program knows the addresses, and the library does not have to find out. */
static void addresses_of_the_program(const test_server *server) {
    saltyrtc_error *error = NULL;
    pair pair = rtc_pair(server);
    saltyrtc_channel_options options = labelled("moving");
    uint32_t here = open_channel(pair.initiator, &options), there;
    CHECK(opened(pair.initiator, &options, false) == here);
    there = opened(pair.responder, &options, true);
    use_address(pair, false, here, there, "127.0.0.2");
    use_address(pair, true, here, there, "127.0.0.3");
    /* An address that this host does not have is no harm. */
    OK(saltyrtc_client_set_addresses(pair.initiator, " 127.0.0.3, 2001:db8::7", &error));
    use_address(pair, false, here, there, "127.0.0.1");
    OK(saltyrtc_client_close(pair.initiator, &error));
    CHECK_END(pair.responder, SALTYRTC_STATUS_PEER_CLOSED, "closed");
    FAILS(SALTYRTC_STATUS_NO_RTC, "ended",
          saltyrtc_client_set_addresses(pair.responder, "127.0.0.1", &error));
    free_pair(pair);
    checked("addresses of the program");
}

int main(void) {
    test_server server;
    start_server(&server);
    channels(&server);
    a_channel_that_fails(&server);
    an_ice_server_of_no_use(&server);
    back_pressure(&server);
    addresses_of_the_program(&server);
    two_kinds_of_webrtc(&server);
    without_rtc(&server);
    end_server(&server);
    shut_down_after_the_handover();
    end_library();
    return 0;
}
