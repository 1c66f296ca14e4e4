/*
 * What the watched peers have in common, whatever WebRTC they have: the command line, the events, the pattern,
 * the messages of the application, and when it is over. README.md says what all of it means.
 */
#ifndef WATCHED_H
#define WATCHED_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saltyrtc.h"

enum { PATTERN_BYTES = 8, HIGH_WATER = 1 << 20, LOW_WATER = 256 * 1024 };

static const char LABEL[] = "test";
static const char ALL_RIGHT[] = "ok";

/* One direction: what is sent on our channel, or received on the peer's. */
typedef struct {
    uint64_t expected, done;
    bool acknowledged; /* "ok" was received, or sent */
    bool closed;
} direction;

typedef struct {
    /* The command line. */
    const char *program, *server, *server_key, *ca;
    char invitation[SALTYRTC_INVITATION_BYTES]; /* the responder's; without a token once it was used */
    uint8_t secret_key[SALTYRTC_KEY_BYTES], peer_key[SALTYRTC_KEY_BYTES];
    bool initiator, trusts, stays, lingers, verbose;
    bool closes; /* this side closes the client, not the other one */
    uint64_t send, receive;
    unsigned messages;
    size_t message_size;
    /* The connection: from here on it is set back before another one. */
    saltyrtc_client *client;
    bool handed_over, closing;
    direction out, in;
    uint64_t progress; /* when to tell next, in bytes sent and received */
    uint64_t progress_step;
    unsigned said, heard; /* messages of the application */
} watched;

/* What is to be done after the last event of a client. */
typedef enum { OVER, FAILED, AGAIN } outcome;

/* ---- Events ---- */

static inline void print_text(const char *text) {
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

/* Other threads print too, and lines must stay whole. */
static inline void event(const char *name) {
    printf("{\"event\": \"%s\"}\n", name);
    fflush(stdout);
}

static inline void event_text(const char *name, const char *key, const char *text) {
    flockfile(stdout);
    printf("{\"event\": \"%s\", \"%s\": ", name, key);
    print_text(text);
    puts("}");
    fflush(stdout);
    funlockfile(stdout);
}

static inline void event_number(const char *name, const char *key, uint64_t number) {
    printf("{\"event\": \"%s\", \"%s\": %" PRIu64 "}\n", name, key, number);
    fflush(stdout);
}

static inline void fail(const char *text) {
    event_text("failed", "text", text);
    exit(1);
}

static inline void check(saltyrtc_status status, saltyrtc_error *error) {
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

/* Tells the progress. Returns whether it did. */
static inline bool progress(watched *peer) {
    const uint64_t done = peer->out.done + peer->in.done;
    if (done < peer->progress) {
        return false;
    }
    peer->progress = done - done % peer->progress_step + peer->progress_step;
    printf("{\"event\": \"progress\", \"sent\": %" PRIu64 ", \"received\": %" PRIu64 "}\n", peer->out.done,
           peer->in.done);
    fflush(stdout);
    return true;
}

/* ---- The pattern ---- */

static inline uint8_t pattern(uint64_t offset) {
    return (uint8_t)(offset / PATTERN_BYTES >> 8 * (PATTERN_BYTES - 1 - offset % PATTERN_BYTES));
}

/* Makes the next message to send. Returns its bytes: 0 if there is none. */
static inline size_t next_message(const watched *peer, uint8_t *message) {
    const direction *out = &peer->out;
    size_t size = peer->message_size, i;
    if (size > out->expected - out->done) {
        size = (size_t)(out->expected - out->done);
    }
    for (i = 0; i < size; i++) {
        message[i] = pattern(out->done + i);
    }
    return size;
}

/* Checks what the peer sent. Returns whether that was all, and "ok" is to be sent. */
static inline bool received(watched *peer, const uint8_t *data, size_t size) {
    direction *in = &peer->in;
    size_t i;
    if (size > in->expected - in->done) {
        fail("more bytes came than the peer was to send");
    }
    for (i = 0; i < size; i++) {
        if (data[i] != pattern(in->done + i)) {
            char text[100];
            snprintf(text, sizeof text, "byte %" PRIu64 " is wrong", in->done + i);
            fail(text);
        }
    }
    in->done += size;
    return in->done == in->expected;
}

/* Checks what came on the channel that we send on. */
static inline void answered(watched *peer, const uint8_t *data, size_t size) {
    if (size != strlen(ALL_RIGHT) || memcmp(data, ALL_RIGHT, size) != 0 || peer->out.done != peer->out.expected) {
        fail("the peer answered with something else than 'ok'");
    }
    peer->out.acknowledged = true;
    event_number("sent", "bytes", peer->out.done);
}

/* ---- Messages of the application ---- */

/* Sends the messages of another third. */
static inline void say(watched *peer, unsigned thirds) {
    for (; peer->said < peer->messages * thirds / 3; peer->said++) {
        char text[16];
        snprintf(text, sizeof text, "%u", peer->said);
        CALL(saltyrtc_client_send_application_text(peer->client, text, strlen(text), &error));
    }
}

/* Each comes once, and in order. */
static inline void hear(watched *peer, const saltyrtc_event *message) {
    char text[16];
    snprintf(text, sizeof text, "%u", peer->heard);
    if (message->payload != SALTYRTC_PAYLOAD_TEXT || message->data_len != strlen(text) ||
        memcmp(message->data, text, message->data_len) != 0 || peer->heard == peer->messages) {
        fail("a message of the peer's application is not the next one");
    }
    event_number("message", "number", peer->heard++);
}

/* ---- The connection ---- */

/* Things to connect with. The task is still to be added. */
static inline saltyrtc_config *configuration(const watched *peer) {
    saltyrtc_config *config = NULL;
    if (peer->initiator) {
        CALL(saltyrtc_config_new_initiator(peer->server, peer->secret_key, &config, &error));
        if (peer->trusts) {
            CALL(saltyrtc_config_set_trusted_peer(config, peer->peer_key, &error));
        }
    } else {
        CALL(saltyrtc_config_new_responder(peer->invitation, peer->secret_key, &config, &error));
    }
    if (peer->server_key != NULL) {
        uint8_t key[SALTYRTC_KEY_BYTES];
        CALL(saltyrtc_key_from_hex(peer->server_key, key, &error));
        CALL(saltyrtc_config_set_server_key(config, key, &error));
    }
    if (peer->ca != NULL) {
        static uint8_t pem[65536];
        FILE *file = fopen(peer->ca, "rb");
        size_t len;
        if (file == NULL) {
            fail("the file of --ca cannot be read");
        }
        len = fread(pem, 1, sizeof pem, file);
        fclose(file);
        CALL(saltyrtc_config_add_tls_certificates(config, pem, len, &error));
    }
    return config;
}

/* Connects, and frees the configuration. */
static inline void connect_client(watched *peer, saltyrtc_config *config) {
    peer->handed_over = peer->closing = false;
    memset(&peer->out, 0, sizeof peer->out);
    memset(&peer->in, 0, sizeof peer->in);
    peer->out.expected = peer->send;
    peer->in.expected = peer->receive;
    peer->progress = peer->progress_step;
    peer->said = peer->heard = 0;
    if (peer->initiator && !peer->trusts) {
        char uri[SALTYRTC_INVITATION_BYTES];
        CALL(saltyrtc_config_invitation(config, uri, sizeof uri, NULL, &error));
        event_text("invitation", "uri", uri);
    }
    CALL(saltyrtc_client_new(config, NULL, NULL, NULL, &peer->client, &error));
    saltyrtc_config_free(config);
}

/* The peer is there. From now on both know each other by their keys. */
static inline void peer_is_there(watched *peer, const saltyrtc_event *happened) {
    char hex[SALTYRTC_KEY_HEX_BYTES], uri[SALTYRTC_INVITATION_BYTES];
    memcpy(peer->peer_key, happened->peer_key, sizeof peer->peer_key);
    CALL(saltyrtc_client_trust_peer(peer->client, &error));
    CALL(saltyrtc_client_invitation(peer->client, NULL, uri, sizeof uri, NULL, &error));
    CALL(saltyrtc_key_to_hex(peer->peer_key, hex, sizeof hex, NULL, &error));
    if (!peer->initiator) {
        memcpy(peer->invitation, uri, sizeof uri);
    }
    flockfile(stdout);
    printf("{\"event\": \"peer\", \"key\": \"%s\", \"trusted\": %s, \"uri\": ", hex, peer->trusts ? "true" : "false");
    print_text(uri);
    puts("}");
    fflush(stdout);
    funlockfile(stdout);
    peer->trusts = true;
    say(peer, 1);
}

static inline void handed_over(watched *peer) {
    peer->handed_over = true;
    event("handover");
    say(peer, 3);
}

static inline void channel_closed(direction *way, const char *why) {
    if (!way->acknowledged) {
        fail(why != NULL ? why : "the peer closed a channel too early");
    }
    way->closed = true;
}

/* Whether everything was sent and received in this direction; at the end the channel is closed, too. */
static inline bool complete(const direction *way) {
    return way->expected == 0 || way->acknowledged;
}

static inline bool closed(const direction *way) {
    return way->expected == 0 || way->closed;
}

/* Closes the client if everything is done, and we are to. */
static inline void close_if_done(watched *peer) {
    if (peer->closes && peer->handed_over && closed(&peer->out) && closed(&peer->in) &&
        peer->heard == peer->messages && !peer->closing) {
        peer->closing = true;
        CALL(saltyrtc_client_close(peer->client, &error));
    }
}

/* The peer is gone without a word. If that is not the end, another connection is to be made. */
static inline outcome lost(const watched *peer, const char *why) {
    event_text(peer->stays ? "lost" : "failed", "text", why);
    while (peer->lingers) {
        pause();
    }
    return peer->stays ? AGAIN : FAILED;
}

/* The last event of a client. */
static inline outcome client_closed(const watched *peer, const saltyrtc_event *last) {
    /* The peer may close the client as soon as it knows that the channels are closed, before we do. */
    const bool well = complete(&peer->out) && complete(&peer->in) && peer->heard == peer->messages &&
                      last->status == (peer->closes ? SALTYRTC_STATUS_OK : SALTYRTC_STATUS_PEER_CLOSED);
    const char *text = last->text != NULL ? last->text : "";
    if (!well && peer->stays && last->status == SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST) {
        return lost(peer, text);
    }
    event_text(well ? "closed" : "failed", "text", text);
    return well ? OVER : FAILED;
}

/* ---- The command line ---- */

static inline void usage(const watched *peer, const char *text, const char *what) {
    fprintf(stderr, "%s: %s: %s\n", peer->program, text, what);
    exit(2);
}

static inline uint64_t number(const watched *peer, const char *text) {
    char *end;
    unsigned long long value;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        usage(peer, "not a number", text);
    }
    return value;
}

/* What follows the equals sign if the argument is this option. */
static inline char *value_of(char *argument, const char *option) {
    const size_t len = strlen(option);
    return strncmp(argument, option, len) == 0 && argument[len] == '=' ? argument + len + 1 : NULL;
}

static inline bool is_initiator(const watched *peer, const char *role) {
    if (strcmp(role, "initiator") != 0 && strcmp(role, "responder") != 0) {
        usage(peer, "neither initiator nor responder", role);
    }
    return strcmp(role, "initiator") == 0;
}

/* Reads the command line. Options that are not for all peers are given to `other`, which returns whether it
   knows them. */
static inline void read_options(watched *peer, int argc, char **argv, bool (*other)(char *argument)) {
    const char *role = "", *closer = "initiator";
    uint8_t public_key[SALTYRTC_KEY_BYTES];
    char *value;
    int i;
    peer->program = argv[0];
    peer->message_size = 65536;
    peer->progress_step = 1 << 20;
    CALL(saltyrtc_key_pair_generate(public_key, peer->secret_key, &error));
    for (i = 1; i < argc; i++) {
        if ((value = value_of(argv[i], "--role")) != NULL) {
            role = value;
        } else if ((value = value_of(argv[i], "--server")) != NULL) {
            peer->server = value;
        } else if ((value = value_of(argv[i], "--server-key")) != NULL) {
            peer->server_key = value;
        } else if ((value = value_of(argv[i], "--invitation")) != NULL) {
            snprintf(peer->invitation, sizeof peer->invitation, "%s", value);
        } else if ((value = value_of(argv[i], "--key")) != NULL) {
            CALL(saltyrtc_key_from_hex(value, peer->secret_key, &error));
        } else if ((value = value_of(argv[i], "--trust")) != NULL) {
            CALL(saltyrtc_key_from_hex(value, peer->peer_key, &error));
            peer->trusts = true;
        } else if ((value = value_of(argv[i], "--ca")) != NULL) {
            peer->ca = value;
        } else if ((value = value_of(argv[i], "--send")) != NULL) {
            peer->send = number(peer, value);
        } else if ((value = value_of(argv[i], "--receive")) != NULL) {
            peer->receive = number(peer, value);
        } else if ((value = value_of(argv[i], "--messages")) != NULL) {
            peer->messages = (unsigned)number(peer, value);
        } else if ((value = value_of(argv[i], "--message-size")) != NULL) {
            peer->message_size = (size_t)number(peer, value);
        } else if ((value = value_of(argv[i], "--close")) != NULL) {
            closer = value;
        } else if ((value = value_of(argv[i], "--progress")) != NULL) {
            peer->progress_step = number(peer, value);
        } else if (strcmp(argv[i], "--stay") == 0) {
            peer->stays = true;
        } else if (strcmp(argv[i], "--linger") == 0) {
            peer->lingers = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            peer->verbose = true;
        } else if (!other(argv[i])) {
            usage(peer, "unknown option", argv[i]);
        }
    }
    peer->initiator = is_initiator(peer, role);
    peer->closes = is_initiator(peer, closer) == peer->initiator;
    if (peer->initiator ? peer->server == NULL : peer->invitation[0] == '\0') {
        usage(peer, "missing", peer->initiator ? "--server" : "--invitation");
    }
    if (peer->message_size == 0 || peer->progress_step == 0) {
        usage(peer, "cannot be 0", peer->message_size == 0 ? "--message-size" : "--progress");
    }
}

/* Log lines come from threads of the library, and standard output has whole lines only. */
static inline void log_line(int32_t level, const char *target, const char *message, void *user_data) {
    static const char restart[] = "ICE restart";
    const watched *peer = (const watched *)user_data;
    if (strncmp(message, restart, strlen(restart)) == 0) {
        event("restart");
    }
    if (peer->verbose) {
        fprintf(stderr, "%d %s: %s\n", (int)level, target, message);
    }
}

static inline void watch_log(watched *peer) {
    CALL(saltyrtc_log_set_callback(peer->verbose ? SALTYRTC_LOG_LEVEL_DEBUG : SALTYRTC_LOG_LEVEL_INFO, log_line, peer,
                                   NULL, &error));
}

#endif
