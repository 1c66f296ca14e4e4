/* Structures and the table of event kinds: what the description for machines says about them is so, and
   programs that were compiled with the header of another version get along with this library. */

#include <stddef.h>

#include "rtc.h"

static void descriptions(void) {
    const char *wrong = wrong_layout();
    CHECK(wrong == NULL || (fprintf(stderr, "%s\n", wrong), false));
    wrong = wrong_status_name();
    CHECK(wrong == NULL || (fprintf(stderr, "%s\n", wrong), false));
    CHECK(strcmp(saltyrtc_event_kind_name(SALTYRTC_EVENT_KIND_CHANNEL_OPENED), "channel opened") == 0);
    CHECK(strcmp(saltyrtc_event_kind_name(-1), "unknown event kind") == 0);
    CHECK(strcmp(saltyrtc_event_kind_name(EVENT_KINDS), "unknown event kind") == 0);
    CHECK(strcmp(saltyrtc_event_kind_name(INT32_MIN), "unknown event kind") == 0);
    checked("descriptions");
}

/* The check that all tests put their events through is one that can fail. */
static void wrong_events_are_noticed(void) {
    saltyrtc_event event;
    memset(&event, 0, sizeof event);
    event.kind = SALTYRTC_EVENT_KIND_SEND_ERROR;
    CHECK(strcmp(wrong_event_field(&event), " address ") == 0);
    event.address = 2;
    CHECK(wrong_event_field(&event) == NULL);
    event.opened_by_peer = true;
    CHECK(strcmp(wrong_event_field(&event), " opened_by_peer ") == 0);
    event.opened_by_peer = false;
    event.status = SALTYRTC_STATUS_TIMEOUT;
    CHECK(strcmp(wrong_event_field(&event), " status ") == 0);
    event.kind = (saltyrtc_event_kind)EVENT_KINDS;
    CHECK(strcmp(wrong_event_field(&event), " kind ") == 0);
    checked("wrong events are noticed");
}

/* Whether an event has a field, as programs ask that may run with an older library. */
#define HAS(event, type, field) (offsetof(saltyrtc_event, field) + sizeof(type) <= (event)->struct_size)

static void events_can_grow(const test_server *server) {
    saltyrtc_event *event, older;
    saltyrtc_client *client = pull_client(initiator_config(server, NULL));
    event = TAKE(client, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    CHECK(event->struct_size == sizeof *event);
    CHECK(HAS(event, saltyrtc_event_kind, kind) && HAS(event, bool, opened_by_peer));
    /* A library without the last field says so. */
    older = *event;
    older.struct_size = offsetof(saltyrtc_event, opened_by_peer);
    CHECK(HAS(&older, bool, plain) && !HAS(&older, bool, opened_by_peer));
    /* What can never move. */
    CHECK(offsetof(saltyrtc_event, struct_size) == 0);
    CHECK(offsetof(saltyrtc_event, kind) == offsetof(saltyrtc_event, token) + sizeof(uint64_t));
    CHECK(sizeof event->kind == 4 && sizeof event->status == 4 && sizeof event->payload == 4);
    /* Fields that the kind does not have. */
    CHECK(event->status == SALTYRTC_STATUS_OK && event->text == NULL && event->close_code == 0);
    CHECK(event->peer_key == NULL && event->task == NULL && event->data == NULL);
    CHECK(event->payload == SALTYRTC_PAYLOAD_NONE && event->data_len == 0 && !event->retryable);
    CHECK(!event->can_rejoin && event->closed_by == SALTYRTC_CLOSED_BY_NETWORK);
    saltyrtc_event_free(event);
    saltyrtc_client_free(client);
    checked("events can grow");
}

/* Options in memory that ends where the program says that they end, which valgrind watches. */
static saltyrtc_channel_options *options_of(size_t size, const char *label) {
    const saltyrtc_channel_options options = labelled(label);
    saltyrtc_channel_options *memory = (saltyrtc_channel_options *)calloc(1, size);
    CHECK(memory != NULL);
    memcpy(memory, &options, size < sizeof options ? size : sizeof options);
    memcpy(memory, &size, sizeof size);
    return memory;
}

static void inputs_of_other_sizes(pair pair) {
    /* Programs that know only some of the fields, and programs that know more. */
    static const size_t sizes[] = {sizeof(size_t),
                                   offsetof(saltyrtc_channel_options, protocol),
                                   offsetof(saltyrtc_channel_options, reliability),
                                   offsetof(saltyrtc_channel_options, unordered),
                                   sizeof(saltyrtc_channel_options),
                                   sizeof(saltyrtc_channel_options) + sizeof(size_t),
                                   sizeof(saltyrtc_channel_options) + 64};
    saltyrtc_error *error = NULL;
    saltyrtc_channel_options *options;
    uint32_t channel = 99;
    size_t i, newer = sizeof *options + 64;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const char *label = sizes[i] > sizeof(size_t) ? "other size" : "";
        const saltyrtc_channel_options expected = labelled(label);
        options = options_of(sizes[i], label);
        channel = open_channel(pair.initiator, options);
        CHECK(opened(pair.initiator, &expected, false) == channel);
        CHECK(opened(pair.responder, &expected, true) != 0);
        free(options);
    }
    /* What is not known here must not be wanted: neither the first byte of it nor the last. */
    for (i = sizeof *options; i < newer; i += 63) {
        options = options_of(newer, "newer");
        ((uint8_t *)options)[i] = 1;
        FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "later version",
              saltyrtc_client_open_channel(pair.initiator, options, &channel, &error));
        CHECK(channel == 0);
        free(options);
    }
    checked("inputs of other sizes");
}

static void outputs_of_other_sizes(pair pair) {
    enum { GUARD = 32, BEFORE = 0x55 };
    const size_t step = sizeof(size_t), most = sizeof(saltyrtc_rtc_stats) + 64;
    saltyrtc_error *error = NULL;
    saltyrtc_rtc_stats *stats;
    size_t size, guard;
    for (size = step; size <= most; size += step) {
        /* Once with bytes behind it that have to stay, and once with nothing, which valgrind watches. */
        for (guard = 0; guard <= GUARD; guard += GUARD) {
            uint8_t *memory = (uint8_t *)malloc(size + guard);
            CHECK(memory != NULL);
            memset(memory, BEFORE, size + guard);
            memcpy(memory, &size, sizeof size);
            stats = (saltyrtc_rtc_stats *)memory;
            OK(saltyrtc_client_rtc_stats(pair.initiator, stats, &error));
            CHECK(memcmp(memory, &size, sizeof size) == 0);
            CHECK(all_bytes_are(memory + size, guard, BEFORE));
            if (size >= offsetof(saltyrtc_rtc_stats, local_type)) {
                CHECK(stats->state == SALTYRTC_CONNECTION_STATE_CONNECTED);
            }
            /* A text that does not fit as a whole is not there. */
            if (size >= offsetof(saltyrtc_rtc_stats, remote_address)) {
                CHECK(strncmp(stats->local_address, "127.0.0.1:", 10) == 0);
            } else if (size > offsetof(saltyrtc_rtc_stats, local_address)) {
                CHECK(stats->local_address[0] == 0);
            }
            if (size >= sizeof *stats) {
                CHECK(stats->bytes_sent > 0 && stats->channels > 0);
                CHECK(all_bytes_are(memory + sizeof *stats, size - sizeof *stats, 0));
            }
            free(memory);
        }
    }
    checked("outputs of other sizes");
}

int main(void) {
    test_server server;
    pair pair;
    descriptions();
    wrong_events_are_noticed();
    start_server(&server);
    events_can_grow(&server);
    pair = rtc_pair(&server);
    inputs_of_other_sizes(pair);
    outputs_of_other_sizes(pair);
    free_pair(pair);
    end_server(&server);
    end_library();
    return 0;
}
