/* Two clients with the built-in WebRTC, and their channels. Valid as C99 and as C++11. */

#ifndef RTC_H
#define RTC_H

#include "support.h"

static inline saltyrtc_rtc_config *rtc_config(void) {
    static const uint16_t ids[] = {5};
    saltyrtc_error *error = NULL;
    saltyrtc_rtc_config *config = NULL;
    OK(saltyrtc_rtc_config_new(&config, &error));
    OK(saltyrtc_rtc_config_add_address(config, "127.0.0.1", &error));
    OK(saltyrtc_rtc_config_set_negotiated_ids(config, ids, 1, &error));
    OK(saltyrtc_rtc_config_add_plain_label(config, TEXT("plain"), &error));
    OK(saltyrtc_rtc_config_set_max_buffered(config, 256 * 1024, &error));
    return config;
}

static inline saltyrtc_client *rtc_client(saltyrtc_config *config, saltyrtc_rtc_config *rtc) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = NULL;
    OK(saltyrtc_config_add_rtc_task(config, rtc, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    saltyrtc_config_free(config);
    saltyrtc_rtc_config_free(rtc);
    return client;
}

static inline pair rtc_pair(const test_server *server) {
    char invitation[SALTYRTC_INVITATION_BYTES];
    pair pair;
    pair.initiator = rtc_client(initiator_config(server, invitation), rtc_config());
    pair.responder = rtc_client(responder_config(invitation), rtc_config());
    SKIP_TO(pair.initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    SKIP_TO(pair.responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    return pair;
}

static inline void free_pair(pair pair) {
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
}

static inline saltyrtc_channel_options labelled(const char *label) {
    saltyrtc_channel_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.label = label;
    return options;
}

static inline uint32_t open_channel(saltyrtc_client *client, const saltyrtc_channel_options *options) {
    saltyrtc_error *error = NULL;
    uint32_t channel = 0;
    OK(saltyrtc_client_open_channel(client, options, &channel, &error));
    CHECK(channel != 0);
    return channel;
}

/* Whether a text of an event is that of the options: NULL is an empty one, and with the length 0 it ends with
   a NUL. */
static inline bool is_text(const char *text, size_t len, const char *expected, size_t expected_len) {
    expected = expected ? expected : "";
    expected_len = expected_len ? expected_len : strlen(expected);
    return len == expected_len && memcmp(text, expected, len) == 0 && text[len] == '\0';
}

/* The channel with this label, once it is open. */
static inline uint32_t opened(saltyrtc_client *client, const saltyrtc_channel_options *options, bool by_peer) {
    saltyrtc_event *event = TAKE(client, SALTYRTC_EVENT_KIND_CHANNEL_OPENED);
    const uint32_t channel = event->channel;
    CHECK(is_text(event->label, event->label_len, options->label, options->label_len));
    CHECK(is_text(event->channel_protocol, event->channel_protocol_len, options->protocol,
                  options->protocol_len));
    CHECK(event->unordered == options->unordered && event->plain == options->plain);
    CHECK((int32_t)event->reliability == options->reliability);
    CHECK(event->reliability_limit == options->reliability_limit);
    CHECK(event->opened_by_peer == by_peer);
    saltyrtc_event_free(event);
    return channel;
}

#endif
