/* Many pairs of clients at once, made, used and freed by several threads and by callbacks. Callbacks
   never run at the same time, no message gets lost or out of order, and everything is freed once. */

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);          \
            exit(1);                                                                           \
        }                                                                                      \
    } while (0)

static void check_ok(saltyrtc_status status, saltyrtc_error **error, int line) {
    if (status != SALTYRTC_STATUS_OK) {
        fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, line, saltyrtc_status_name(status),
                saltyrtc_error_message(*error));
        exit(1);
    }
}

#define OK(call) check_ok((call), &error, __LINE__)

enum { WAIT_MS = 20000, THREADS = 3, ROUNDS = 2, MESSAGES = 50 };

static char url[64];

/* Only the event thread touches this, without a lock: race detectors would tell. */
static bool in_callback;

typedef struct side {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t received;
    bool ready, done, freed;
    bool free_in_callback;
} side;

static void set(side *self, bool *what) {
    CHECK(pthread_mutex_lock(&self->mutex) == 0);
    CHECK(!*what);
    *what = true;
    CHECK(pthread_cond_broadcast(&self->changed) == 0);
    CHECK(pthread_mutex_unlock(&self->mutex) == 0);
}

static void await_flag(side *self, const bool *what) {
    CHECK(pthread_mutex_lock(&self->mutex) == 0);
    while (!*what) {
        CHECK(pthread_cond_wait(&self->changed, &self->mutex) == 0);
    }
    CHECK(pthread_mutex_unlock(&self->mutex) == 0);
}

static void on_free(void *user_data) {
    side *self = (side *)user_data;
    set(self, &self->freed);
}

static void on_event(saltyrtc_client *client, const saltyrtc_event *event, void *user_data) {
    side *self = (side *)user_data;
    check_event(event);
    CHECK(!in_callback);
    in_callback = true;
    if (event->kind == SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE) {
        set(self, &self->ready);
    } else if (event->kind == SALTYRTC_EVENT_KIND_DATA) {
        CHECK(event->data_len == sizeof self->received);
        CHECK(memcmp(event->data, &self->received, sizeof self->received) == 0);
        if (++self->received == MESSAGES) {
            set(self, &self->done);
        }
    } else if (event->kind == SALTYRTC_EVENT_KIND_CLOSED) {
        if (self->received != MESSAGES) {
            fprintf(stderr, "closed too early: %s\n", event->text);
            exit(1);
        }
        if (self->free_in_callback) {
            saltyrtc_client_free(client);
        }
    } else {
        /* Nobody leaves without saying so. If the word got lost, CLOSED would never come. */
        CHECK(event->kind != SALTYRTC_EVENT_KIND_PEER_LEFT);
        CHECK(event->kind != SALTYRTC_EVENT_KIND_RESPONDER_FAILED);
    }
    in_callback = false;
}

static void init(side *self, bool free_in_callback) {
    memset(self, 0, sizeof *self);
    CHECK(pthread_mutex_init(&self->mutex, NULL) == 0);
    CHECK(pthread_cond_init(&self->changed, NULL) == 0);
    self->free_in_callback = free_in_callback;
}

static void destroy(side *self) {
    CHECK(pthread_cond_destroy(&self->changed) == 0);
    CHECK(pthread_mutex_destroy(&self->mutex) == 0);
}

static saltyrtc_client *start(saltyrtc_config *config, side *self) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = NULL;
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    /* Under valgrind on a busy machine, connecting takes its time. */
    OK(saltyrtc_config_set_connect_timeout(config, 120000, &error));
    OK(saltyrtc_config_set_server_handshake_timeout(config, 120000, &error));
    OK(saltyrtc_config_set_peer_handshake_timeout(config, 120000, &error));
    OK(saltyrtc_client_new(config, on_event, self, on_free, &client, &error));
    saltyrtc_config_free(config);
    return client;
}

static void *talk(void *unused) {
    int round;
    for (round = 0; round < ROUNDS; round++) {
        saltyrtc_error *error = NULL;
        char invitation[SALTYRTC_INVITATION_BYTES];
        saltyrtc_config *config = NULL;
        saltyrtc_client *alice, *bob;
        side alices, bobs;
        uint32_t i;

        init(&alices, false);
        init(&bobs, true);
        OK(saltyrtc_config_new_initiator(url, NULL, &config, &error));
        OK(saltyrtc_config_invitation(config, invitation, sizeof invitation, NULL, &error));
        alice = start(config, &alices);
        OK(saltyrtc_config_new_responder(invitation, NULL, &config, &error));
        bob = start(config, &bobs);
        await_flag(&alices, &alices.ready);
        await_flag(&bobs, &bobs.ready);
        for (i = 0; i < MESSAGES; i++) {
            OK(saltyrtc_client_send_bytes(alice, (const uint8_t *)&i, sizeof i, &error));
            OK(saltyrtc_client_send_bytes(bob, (const uint8_t *)&i, sizeof i, &error));
        }
        await_flag(&alices, &alices.done);
        await_flag(&bobs, &bobs.done);
        /* Bob is told by Alice's end, and freed in his last callback. */
        saltyrtc_client_free(alice);
        CHECK(alices.freed);
        await_flag(&bobs, &bobs.freed);
        destroy(&alices);
        /* The flag was set under the mutex, which may still be about to be unlocked. */
        CHECK(pthread_mutex_lock(&bobs.mutex) == 0);
        CHECK(pthread_mutex_unlock(&bobs.mutex) == 0);
        destroy(&bobs);
    }
    return unused;
}

int main(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_server_config *config = NULL;
    saltyrtc_server *server = NULL;
    pthread_t threads[THREADS];
    int i;
    OK(saltyrtc_server_config_new("127.0.0.1", 0, &config, &error));
    OK(saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_HANDSHAKE_TIME, 120000, &error));
    OK(saltyrtc_server_start(config, &server, &error));
    saltyrtc_server_config_free(config);
    OK(saltyrtc_server_url(server, url, sizeof url, NULL, &error));
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, talk, NULL) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    OK(saltyrtc_server_stop(server, WAIT_MS, &error));
    saltyrtc_server_free(server);
    OK(saltyrtc_shutdown(WAIT_MS, &error));
    return 0;
}
