/* A peer with the built-in WebRTC, made to be watched: README.md has its command line and its events. */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saltyrtc.h"

enum { PATTERN_BYTES = 8, HIGH_WATER = 1 << 20, LOW_WATER = 256 * 1024, PROGRESS = 1 << 20 };

static const char LABEL[] = "test";
static const char ALL_RIGHT[] = "ok";

/* One direction: what is sent on our channel, or received on the peer's. */
typedef struct {
    uint32_t channel; /* 0: none yet */
    uint64_t expected;
    uint64_t done;
    bool acknowledged; /* "ok" was received, or sent */
    bool closed;
} direction;

typedef struct {
    saltyrtc_client *client;
    bool initiator;
    bool handed_over;
    bool closing;
    direction out, in;
    uint64_t progress; /* when to tell next, in bytes sent and received */
    size_t message_size;
    uint8_t *message;
    char local[64], remote[64]; /* the path that was told last */
} peer;

/* ---- Events ---- */

static void print_text(const char *text) {
    putchar('"');
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < 0x20) {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

static void event(const char *name) {
    printf("{\"event\": \"%s\"}\n", name);
    fflush(stdout);
}

static void event_text(const char *name, const char *key, const char *text) {
    flockfile(stdout);
    printf("{\"event\": \"%s\", \"%s\": ", name, key);
    print_text(text);
    puts("}");
    fflush(stdout);
    funlockfile(stdout);
}

static void event_bytes(const char *name, uint64_t bytes) {
    printf("{\"event\": \"%s\", \"bytes\": %" PRIu64 "}\n", name, bytes);
    fflush(stdout);
}

static void fail(const char *text) {
    event_text("failed", "text", text);
    exit(1);
}

static void check(saltyrtc_status status, saltyrtc_error *error) {
    if (status != SALTYRTC_STATUS_OK) {
        fail(saltyrtc_error_message(error));
    }
}

/* A call that has to succeed. */
#define CALL(call)                              \
    do {                                        \
        saltyrtc_error *error = NULL;           \
        const saltyrtc_status status_ = (call); \
        check(status_, error);                  \
    } while (0)

static const char *state_name(saltyrtc_connection_state state) {
    switch (state) {
    case SALTYRTC_CONNECTION_STATE_NEW: return "new";
    case SALTYRTC_CONNECTION_STATE_CONNECTING: return "connecting";
    case SALTYRTC_CONNECTION_STATE_CONNECTED: return "connected";
    case SALTYRTC_CONNECTION_STATE_DISCONNECTED: return "disconnected";
    case SALTYRTC_CONNECTION_STATE_UNREACHABLE: return "unreachable";
    case SALTYRTC_CONNECTION_STATE_FAILED: return "failed";
    case SALTYRTC_CONNECTION_STATE_CLOSED: return "closed";
    default: return "unknown";
    }
}

static const char *type_name(saltyrtc_candidate_type type) {
    switch (type) {
    case SALTYRTC_CANDIDATE_TYPE_HOST: return "host";
    case SALTYRTC_CANDIDATE_TYPE_SERVER_REFLEXIVE: return "srflx";
    case SALTYRTC_CANDIDATE_TYPE_PEER_REFLEXIVE: return "prflx";
    case SALTYRTC_CANDIDATE_TYPE_RELAYED: return "relay";
    default: return "none";
    }
}

static const char *relay_name(saltyrtc_relay_protocol protocol) {
    switch (protocol) {
    case SALTYRTC_RELAY_PROTOCOL_UDP: return "udp";
    case SALTYRTC_RELAY_PROTOCOL_TCP: return "tcp";
    case SALTYRTC_RELAY_PROTOCOL_TLS: return "tls";
    default: return "none";
    }
}

/* Tells the path in use: always, or only if it is another one than before. */
static void path(peer *peer, bool always) {
    saltyrtc_rtc_stats stats;
    memset(&stats, 0, sizeof stats);
    stats.struct_size = sizeof stats;
    CALL(saltyrtc_client_rtc_stats(peer->client, &stats, &error));
    if (stats.local_type == SALTYRTC_CANDIDATE_TYPE_NONE) {
        return;
    }
    if (!always && strcmp(peer->local, stats.local_address) == 0 &&
        strcmp(peer->remote, stats.remote_address) == 0) {
        return;
    }
    memcpy(peer->local, stats.local_address, sizeof peer->local);
    memcpy(peer->remote, stats.remote_address, sizeof peer->remote);
    printf("{\"event\": \"path\", \"local\": \"%s\", \"remote\": \"%s\", \"relay_protocol\": \"%s\", "
           "\"local_address\": \"%s\", \"remote_address\": \"%s\", \"rtt_ms\": %.3f}\n",
           type_name(stats.local_type), type_name(stats.remote_type), relay_name(stats.relay_protocol),
           stats.local_address, stats.remote_address, (double)stats.round_trip_time_us / 1000);
    fflush(stdout);
}

static void progress(peer *peer) {
    const uint64_t done = peer->out.done + peer->in.done;
    if (done < peer->progress) {
        return;
    }
    peer->progress = done - done % PROGRESS + PROGRESS;
    path(peer, false);
    printf("{\"event\": \"progress\", \"sent\": %" PRIu64 ", \"received\": %" PRIu64 "}\n", peer->out.done,
           peer->in.done);
    fflush(stdout);
}

/* ---- The pattern ---- */

static uint8_t pattern(uint64_t offset) {
    return (uint8_t)(offset / PATTERN_BYTES >> 8 * (PATTERN_BYTES - 1 - offset % PATTERN_BYTES));
}

static void send_on(peer *peer) {
    direction *out = &peer->out;
    size_t buffered = 0, size, i;
    if (out->channel == 0 || out->closed) {
        return;
    }
    while (out->done < out->expected) {
        CALL(saltyrtc_client_channel_buffered_amount(peer->client, out->channel, &buffered, &error));
        if (buffered > HIGH_WATER) {
            return;
        }
        size = peer->message_size;
        if (size > out->expected - out->done) {
            size = (size_t)(out->expected - out->done);
        }
        for (i = 0; i < size; i++) {
            peer->message[i] = pattern(out->done + i);
        }
        CALL(saltyrtc_client_channel_send_bytes(peer->client, out->channel, peer->message, size, &error));
        out->done += size;
        progress(peer);
    }
}

static void received(peer *peer, const saltyrtc_event *message) {
    direction *in = &peer->in;
    size_t i;
    if (message->data_len > in->expected - in->done) {
        fail("more bytes came than the peer was to send");
    }
    for (i = 0; i < message->data_len; i++) {
        if (message->data[i] != pattern(in->done + i)) {
            char text[100];
            snprintf(text, sizeof text, "byte %" PRIu64 " is wrong", in->done + i);
            fail(text);
        }
    }
    in->done += message->data_len;
    progress(peer);
    if (in->done == in->expected) {
        CALL(saltyrtc_client_channel_send_text(peer->client, in->channel, ALL_RIGHT, &error));
        in->acknowledged = true;
        event_bytes("received", in->done);
    }
}

/* ---- What happens ---- */

static void open_channel(peer *peer) {
    saltyrtc_channel_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.label = LABEL;
    CALL(saltyrtc_client_open_channel(peer->client, &options, &peer->out.channel, &error));
}

static void opened(peer *peer, const saltyrtc_event *event) {
    if (!event->opened_by_peer) {
        CALL(saltyrtc_client_channel_set_low_water(peer->client, event->channel, LOW_WATER, &error));
        send_on(peer);
        return;
    }
    if (peer->in.channel != 0 || peer->in.expected == 0 || strcmp(event->label, LABEL) != 0 || event->plain ||
        event->unordered || event->reliability != SALTYRTC_RELIABILITY_RELIABLE) {
        fail("the peer opened a channel that it was not to open");
    }
    peer->in.channel = event->channel;
}

static void message(peer *peer, const saltyrtc_event *event) {
    if (event->channel == peer->in.channel) {
        received(peer, event);
    } else if (event->data_len == strlen(ALL_RIGHT) && memcmp(event->data, ALL_RIGHT, event->data_len) == 0 &&
               peer->out.done == peer->out.expected) {
        peer->out.acknowledged = true;
        event_bytes("sent", peer->out.done);
        CALL(saltyrtc_client_channel_close(peer->client, peer->out.channel, &error));
    } else {
        fail("the peer answered with something else than 'ok'");
    }
}

static void channel_closed(peer *peer, const saltyrtc_event *event) {
    direction *way = event->channel == peer->out.channel ? &peer->out : &peer->in;
    if (!way->acknowledged) {
        fail(event->text != NULL ? event->text : "the peer closed a channel too early");
    }
    way->closed = true;
}

/* Whether everything was sent and received in this direction; at the end the channel is closed, too. */
static bool complete(const direction *way) {
    return way->expected == 0 || way->acknowledged;
}

static bool over(const direction *way) {
    return way->expected == 0 || way->closed;
}

static int client_closed(const peer *peer, const saltyrtc_event *event) {
    /* The peer may close the client as soon as it knows that the channels are closed, before we do. */
    const bool well = complete(&peer->out) && complete(&peer->in) &&
                      event->status == (peer->initiator ? SALTYRTC_STATUS_OK : SALTYRTC_STATUS_PEER_CLOSED);
    event_text(well ? "closed" : "failed", "text", event->text != NULL ? event->text : "");
    return well ? 0 : 1;
}

static int run(peer *peer) {
    for (;;) {
        saltyrtc_event *taken = NULL;
        CALL(saltyrtc_client_next_event(peer->client, -1, &taken, &error));
        switch (taken->kind) {
        case SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE:
            event("peer");
            break;
        case SALTYRTC_EVENT_KIND_CONNECTION_STATE:
            event_text("state", "state", state_name(taken->connection_state));
            if (taken->connection_state == SALTYRTC_CONNECTION_STATE_CONNECTED) {
                path(peer, true);
                if (peer->out.expected > 0 && peer->out.channel == 0) {
                    open_channel(peer);
                }
            } else if (taken->connection_state == SALTYRTC_CONNECTION_STATE_FAILED) {
                fail(taken->text != NULL ? taken->text : "the connection has failed");
            }
            break;
        case SALTYRTC_EVENT_KIND_CONNECTION_PROBLEM:
            event_text("problem", "text", taken->text);
            break;
        case SALTYRTC_EVENT_KIND_HANDED_OVER:
            peer->handed_over = true;
            event("handover");
            break;
        case SALTYRTC_EVENT_KIND_CHANNEL_OPENED:
            opened(peer, taken);
            break;
        case SALTYRTC_EVENT_KIND_CHANNEL_LOW_WATER:
            send_on(peer);
            break;
        case SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE:
            message(peer, taken);
            break;
        case SALTYRTC_EVENT_KIND_CHANNEL_CLOSED:
            channel_closed(peer, taken);
            break;
        case SALTYRTC_EVENT_KIND_CLOSED: {
            const int status = client_closed(peer, taken);
            saltyrtc_event_free(taken);
            return status;
        }
        default:
            break;
        }
        saltyrtc_event_free(taken);
        if (peer->initiator && peer->handed_over && over(&peer->out) && over(&peer->in) && !peer->closing) {
            peer->closing = true;
            CALL(saltyrtc_client_close(peer->client, &error));
        }
    }
}

/* ---- The command line ---- */

/* Log lines come from threads of the library, and standard output has whole lines only. */
static void log_line(int32_t level, const char *target, const char *message, void *user_data) {
    static const char restart[] = "ICE restart";
    const bool *verbose = (const bool *)user_data;
    if (strncmp(message, restart, strlen(restart)) == 0) {
        event("restart");
    }
    if (*verbose) {
        fprintf(stderr, "%d %s: %s\n", (int)level, target, message);
    }
}

static void usage(const char *text, const char *what) {
    fprintf(stderr, "rtc_peer: %s: %s\n", text, what);
    exit(2);
}

static uint64_t number(const char *text) {
    char *end;
    unsigned long long value;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        usage("not a number of bytes", text);
    }
    return value;
}

/* URL[,USER,PASSWORD] */
static void add_ice_server(saltyrtc_rtc_config *rtc, char *text) {
    char *user = strchr(text, ','), *password = NULL;
    if (user != NULL) {
        *user++ = '\0';
        password = strchr(user, ',');
        if (password == NULL) {
            usage("a user without a password", user);
        }
        *password++ = '\0';
    }
    CALL(saltyrtc_rtc_config_add_ice_server(rtc, text, user, password, &error));
}

static void add_certificates(saltyrtc_config *config, const char *name) {
    static uint8_t pem[65536];
    FILE *file = fopen(name, "rb");
    size_t len;
    if (file == NULL) {
        usage(name, strerror(errno));
    }
    len = fread(pem, 1, sizeof pem, file);
    fclose(file);
    CALL(saltyrtc_config_add_tls_certificates(config, pem, len, &error));
}

/* What follows the equals sign if the argument is this option. */
static char *value_of(char *argument, const char *option) {
    const size_t len = strlen(option);
    return strncmp(argument, option, len) == 0 && argument[len] == '=' ? argument + len + 1 : NULL;
}

int main(int argc, char **argv) {
    static peer peer;
    static bool verbose;
    const char *server = NULL, *server_key = NULL, *invitation = NULL, *ca = NULL, *role = "";
    saltyrtc_rtc_config *rtc = NULL;
    saltyrtc_config *config = NULL;
    int i, status;

    peer.message_size = 65536;
    peer.progress = PROGRESS;
    CALL(saltyrtc_rtc_config_new(&rtc, &error));
    for (i = 1; i < argc; i++) {
        char *value;
        if ((value = value_of(argv[i], "--role")) != NULL) {
            role = value;
        } else if ((value = value_of(argv[i], "--server")) != NULL) {
            server = value;
        } else if ((value = value_of(argv[i], "--server-key")) != NULL) {
            server_key = value;
        } else if ((value = value_of(argv[i], "--invitation")) != NULL) {
            invitation = value;
        } else if ((value = value_of(argv[i], "--ice")) != NULL) {
            add_ice_server(rtc, value);
        } else if ((value = value_of(argv[i], "--ca")) != NULL) {
            ca = value;
        } else if ((value = value_of(argv[i], "--send")) != NULL) {
            peer.out.expected = number(value);
        } else if ((value = value_of(argv[i], "--receive")) != NULL) {
            peer.in.expected = number(value);
        } else if ((value = value_of(argv[i], "--message-size")) != NULL) {
            peer.message_size = (size_t)number(value);
        } else if (strcmp(argv[i], "--relay-only") == 0) {
            CALL(saltyrtc_rtc_config_set_relay_only(rtc, true, &error));
        } else if (strcmp(argv[i], "--verbose") == 0) {
            verbose = true;
        } else {
            usage("unknown option", argv[i]);
        }
    }
    peer.initiator = strcmp(role, "initiator") == 0;
    if (!peer.initiator && strcmp(role, "responder") != 0) {
        usage("neither initiator nor responder", role);
    }
    if ((peer.initiator ? server : invitation) == NULL) {
        usage("missing", peer.initiator ? "--server" : "--invitation");
    }
    peer.message = (uint8_t *)malloc(peer.message_size);
    if (peer.message_size == 0 || peer.message == NULL) {
        usage("cannot be", "--message-size");
    }

    if (peer.initiator) {
        CALL(saltyrtc_config_new_initiator(server, NULL, &config, &error));
    } else {
        CALL(saltyrtc_config_new_responder(invitation, NULL, &config, &error));
    }
    if (server_key != NULL) {
        uint8_t key[SALTYRTC_KEY_BYTES];
        CALL(saltyrtc_key_from_hex(server_key, key, &error));
        CALL(saltyrtc_config_set_server_key(config, key, &error));
    }
    CALL(saltyrtc_log_set_callback(verbose ? SALTYRTC_LOG_LEVEL_DEBUG : SALTYRTC_LOG_LEVEL_INFO, log_line, &verbose,
                                   NULL, &error));
    if (ca != NULL) {
        add_certificates(config, ca);
    }
    CALL(saltyrtc_config_add_rtc_task(config, rtc, &error));
    if (peer.initiator) {
        char uri[SALTYRTC_INVITATION_BYTES];
        CALL(saltyrtc_config_invitation(config, uri, sizeof uri, NULL, &error));
        event_text("invitation", "uri", uri);
    }
    CALL(saltyrtc_client_new(config, NULL, NULL, NULL, &peer.client, &error));
    saltyrtc_config_free(config);
    saltyrtc_rtc_config_free(rtc);
    status = run(&peer);
    saltyrtc_client_free(peer.client);
    CALL(saltyrtc_shutdown(10000, &error));
    free(peer.message);
    return status;
}
