/* What the C tests share: checks, waiting, a server, clients of each kind, and counts of what a process
   has. Valid as C99 and as C++11. */

#ifndef SUPPORT_H
#define SUPPORT_H

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "events.h"

/* Nothing is waited for longer than this. It is only reached when something is broken. */
enum { LIMIT_S = 120, LIMIT_MS = LIMIT_S * 1000 };

static const char RELAYED_DATA[] = "v0.relayed-data.tasks.saltyrtc.org";

/* ---- Checks ---- */

static inline void fail_at(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: not true: %s\n", file, line, what);
    exit(1);
}

/* A text and its length, for functions that take both. */
#define TEXT(text) (text), strlen(text)

#define CHECK(condition) ((condition) ? (void)0 : fail_at(__FILE__, __LINE__, #condition))

/* Says what was just checked. */
static inline void checked(const char *what) {
    printf("ok  %s\n", what);
    fflush(stdout);
}

/* What errors are set to before a call, to see that the call sets them. */
static saltyrtc_error *const NOT_SET = (saltyrtc_error *)(uintptr_t)0x5a5a;

static inline void check_ok(saltyrtc_status status, saltyrtc_error *error, const char *file, int line,
                            const char *call) {
    if (status != SALTYRTC_STATUS_OK) {
        fprintf(stderr, "%s:%d: %s: %s: %s\n", file, line, call, saltyrtc_status_name(status),
                error == NOT_SET ? "no text" : saltyrtc_error_message(error));
        exit(1);
    }
    if (error != NULL && error != NOT_SET) {
        fail_at(file, line, "a call that succeeds sets the error to NULL");
    }
}

/* A call that has to succeed. It uses a variable `error`, which is NULL afterwards. */
#define OK(call)                                                                                \
    do {                                                                                        \
        saltyrtc_status status_;                                                                \
        error = NOT_SET;                                                                        \
        status_ = (call);                                                                       \
        check_ok(status_, error, __FILE__, __LINE__, #call);                                    \
        error = NULL;                                                                           \
    } while (0)

static inline void check_failure(saltyrtc_status status, saltyrtc_status expected,
                                 saltyrtc_error *error, const char *word, const char *file, int line,
                                 const char *call) {
    const char *text = error == NOT_SET ? "" : saltyrtc_error_message(error);
    if (status != expected || error == NULL || error == NOT_SET ||
        saltyrtc_error_status(error) != expected || strstr(text, word) == NULL) {
        fprintf(stderr, "%s:%d: %s: '%s' with the text '%s'; not '%s' with the word '%s'\n", file, line,
                call, saltyrtc_status_name(status), text, saltyrtc_status_name(expected), word);
        exit(1);
    }
    saltyrtc_error_free(error);
}

/* A call that has to fail with a status, and with a text that has a word in it. Uses `error` too. */
#define FAILS(expected, word, call)                                                             \
    do {                                                                                        \
        saltyrtc_status status_;                                                                \
        error = NOT_SET;                                                                        \
        status_ = (call);                                                                       \
        check_failure(status_, (expected), error, (word), __FILE__, __LINE__, #call);           \
        error = NULL;                                                                           \
    } while (0)

static inline bool all_bytes_are(const void *memory, size_t size, int value) {
    const uint8_t *bytes = (const uint8_t *)memory;
    size_t i;
    for (i = 0; i < size; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

/* ---- Waiting for other threads: one lock and one condition for everything ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static inline void lock(void) { CHECK(pthread_mutex_lock(&mutex) == 0); }

/* Whatever was changed, those who wait look at it. */
static inline void unlock(void) {
    CHECK(pthread_cond_broadcast(&changed) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

/* With the lock held. */
static inline void wait_for_change(const struct timespec *deadline, const char *file, int line,
                                   const char *what) {
    const int result = pthread_cond_timedwait(&changed, &mutex, deadline);
    if (result != 0) {
        fprintf(stderr, "%s:%d: did not become true: %s\n", file, line, what);
        exit(1);
    }
}

static inline struct timespec limit(void) {
    struct timespec time;
    CHECK(clock_gettime(CLOCK_REALTIME, &time) == 0);
    time.tv_sec += LIMIT_S;
    return time;
}

/* Waits until a condition on what is changed under the lock becomes true. */
#define AWAIT(condition)                                                                        \
    do {                                                                                        \
        const struct timespec deadline_ = limit();                                              \
        lock();                                                                                 \
        while (!(condition)) {                                                                  \
            wait_for_change(&deadline_, __FILE__, __LINE__, #condition);                        \
        }                                                                                       \
        unlock();                                                                               \
    } while (0)

static inline int read_count(const int *count) {
    int value;
    lock();
    value = *count;
    unlock();
    return value;
}

static inline pthread_t start_thread(void *(*run)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run, argument) == 0);
    return thread;
}

static inline void join(pthread_t thread) { CHECK(pthread_join(thread, NULL) == 0); }

/* ---- A server ---- */

typedef struct test_server {
    saltyrtc_server *handle;
    char url[64];
    uint8_t key[SALTYRTC_KEY_BYTES];
    uint16_t port;
} test_server;

static inline void start_configured_server(test_server *server, saltyrtc_server_config *config) {
    saltyrtc_error *error = NULL;
    uint8_t secret_key[SALTYRTC_KEY_BYTES];
    OK(saltyrtc_key_pair_generate(server->key, secret_key, &error));
    OK(saltyrtc_server_config_add_permanent_key(config, secret_key, &error));
    OK(saltyrtc_server_start(config, &server->handle, &error));
    saltyrtc_server_config_free(config);
    OK(saltyrtc_server_url(server->handle, server->url, sizeof server->url, NULL, &error));
    OK(saltyrtc_server_port(server->handle, &server->port, &error));
}

static inline void start_server(test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_server_config *config = NULL;
    OK(saltyrtc_server_config_new("127.0.0.1", 0, &config, &error));
    start_configured_server(server, config);
}

static inline void end_server(test_server *server) {
    saltyrtc_error *error = NULL;
    OK(saltyrtc_server_stop(server->handle, LIMIT_MS, &error));
    saltyrtc_server_free(server->handle);
    server->handle = NULL;
}

static inline void end_library(void) {
    saltyrtc_error *error = NULL;
    OK(saltyrtc_shutdown(LIMIT_MS, &error));
}

/* ---- Clients ---- */

/* An initiator with the server's key. `invitation` has SALTYRTC_INVITATION_BYTES bytes. */
static inline saltyrtc_config *initiator_config(const test_server *server, char *invitation) {
    saltyrtc_error *error = NULL;
    saltyrtc_config *config = NULL;
    OK(saltyrtc_config_new_initiator(server->url, NULL, &config, &error));
    OK(saltyrtc_config_set_server_key(config, server->key, &error));
    if (invitation != NULL) {
        OK(saltyrtc_config_invitation(config, invitation, SALTYRTC_INVITATION_BYTES, NULL, &error));
    }
    return config;
}

static inline saltyrtc_config *responder_config(const char *invitation) {
    saltyrtc_error *error = NULL;
    saltyrtc_config *config = NULL;
    OK(saltyrtc_config_new_responder(invitation, NULL, &config, &error));
    return config;
}

/* A client without callback, and with the Relayed Data task. Frees the configuration. */
static inline saltyrtc_client *pull_client(saltyrtc_config *config) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = NULL;
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    saltyrtc_config_free(config);
    return client;
}

/* The next event of a client without callback. */
static inline saltyrtc_event *take_event(saltyrtc_client *client) {
    saltyrtc_error *error = NULL;
    saltyrtc_event *event = NULL;
    OK(saltyrtc_client_next_event(client, LIMIT_MS, &event, &error));
    return event;
}

static inline saltyrtc_event *take_event_of_kind(saltyrtc_client *client, saltyrtc_event_kind kind,
                                                 const char *file, int line) {
    for (;;) {
        saltyrtc_event *event = take_event(client);
        if (event->kind == kind) {
            return event;
        }
        if (event->kind == SALTYRTC_EVENT_KIND_CLOSED) {
            fprintf(stderr, "%s:%d: closed instead of event %d: %s\n", file, line, (int)kind,
                    event->text);
            exit(1);
        }
        saltyrtc_event_free(event);
    }
}

/* Takes events until one of the kind comes, which is to be freed; and the same without wanting it. */
#define TAKE(client, kind) take_event_of_kind((client), (kind), __FILE__, __LINE__)
#define SKIP_TO(client, kind) saltyrtc_event_free(TAKE(client, kind))

/* Takes all events to the end, and checks why it ended. */
static inline void check_end(saltyrtc_client *client, saltyrtc_status expected, const char *word,
                             const char *file, int line) {
    saltyrtc_event *event = take_event_of_kind(client, SALTYRTC_EVENT_KIND_CLOSED, file, line);
    saltyrtc_event *none = NULL;
    if (event->status != expected || strstr(event->text, word) == NULL) {
        fprintf(stderr, "%s:%d: closed with '%s': '%s'; not '%s' with the word '%s'\n", file, line,
                saltyrtc_status_name(event->status), event->text, saltyrtc_status_name(expected), word);
        exit(1);
    }
    saltyrtc_event_free(event);
    /* There is exactly one. */
    if (saltyrtc_client_next_event(client, -1, &none, NULL) != SALTYRTC_STATUS_NO_MORE_EVENTS) {
        fail_at(file, line, "nothing comes after CLOSED");
    }
}

#define CHECK_END(client, expected, word) check_end((client), (expected), (word), __FILE__, __LINE__)

/* Two clients without callbacks that have authenticated each other. */
typedef struct pair {
    saltyrtc_client *initiator;
    saltyrtc_client *responder;
} pair;

static inline pair connected_pair(const test_server *server) {
    char invitation[SALTYRTC_INVITATION_BYTES];
    pair pair;
    pair.initiator = pull_client(initiator_config(server, invitation));
    pair.responder = pull_client(responder_config(invitation));
    SKIP_TO(pair.initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    SKIP_TO(pair.responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    return pair;
}

/* What a callback has seen. Changed under the lock. */
typedef struct watch {
    saltyrtc_client *client;
    /* How many events of each kind. */
    int seen[EVENT_KINDS];
    int events;
    int freed;
    /* Called for each event before it is counted, with no lock held. May be NULL. */
    void (*act)(struct watch *watch, saltyrtc_client *client, const saltyrtc_event *event);
    /* For `act`. */
    saltyrtc_event_kind when;
    saltyrtc_client *other;
    void *more;
} watch;

static inline void on_event(saltyrtc_client *client, const saltyrtc_event *event, void *user_data) {
    watch *self = (watch *)user_data;
    check_event(event);
    CHECK(event->kind > 0 && (int)event->kind < EVENT_KINDS);
    lock();
    CHECK(self->freed == 0);
    CHECK(self->client == NULL || self->client == client);
    CHECK(self->seen[SALTYRTC_EVENT_KIND_CLOSED] == 0);
    unlock();
    if (self->act != NULL) {
        self->act(self, client, event);
    }
    lock();
    self->seen[event->kind]++;
    self->events++;
    unlock();
}

static inline void on_free(void *user_data) {
    watch *self = (watch *)user_data;
    lock();
    self->freed++;
    CHECK(self->freed == 1);
    unlock();
}

/* A client whose callback is watched. `config` is used as it is, and freed. */
static inline saltyrtc_client *watched(watch *watch, saltyrtc_config *config) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = NULL;
    OK(saltyrtc_client_new(config, on_event, watch, on_free, &client, &error));
    saltyrtc_config_free(config);
    return client;
}

static inline saltyrtc_config *with_relayed_data(saltyrtc_config *config) {
    saltyrtc_error *error = NULL;
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    return config;
}

static inline saltyrtc_state state_of(const saltyrtc_client *client) {
    saltyrtc_error *error = NULL;
    saltyrtc_state state = SALTYRTC_STATE_CLOSED;
    OK(saltyrtc_client_state(client, &state, &error));
    return state;
}

/* ---- What a process has ---- */

static inline int count_entries(const char *directory) {
    DIR *entries = opendir(directory);
    int count = 0;
    CHECK(entries != NULL);
    while (readdir(entries) != NULL) {
        count++;
    }
    CHECK(closedir(entries) == 0);
    return count;
}

static inline int open_descriptors(void) { return count_entries("/proc/self/fd"); }

static inline int running_threads(void) { return count_entries("/proc/self/task"); }

#endif
