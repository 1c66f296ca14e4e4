/* When clients are freed and the library is shut down: who waits for whom, which callback is the last,
   and when user data is freed. */

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

/* The error is read after the call, wherever the compiler evaluates arguments. */
static void check_ok(saltyrtc_status status, saltyrtc_error **error, int line) {
    if (status != SALTYRTC_STATUS_OK) {
        fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, line, saltyrtc_status_name(status),
                saltyrtc_error_message(*error));
        exit(1);
    }
}

#define OK(call) check_ok((call), &error, __LINE__)

enum { WAIT_MS = 20000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* Counts that are reached step by step, by several threads. */
static void raise_count(int *count) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    (*count)++;
    CHECK(pthread_cond_broadcast(&changed) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static void await_count(const int *count, int value) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    while (*count < value) {
        CHECK(pthread_cond_wait(&changed, &mutex) == 0);
    }
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static int read_count(const int *count) {
    int value;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    value = *count;
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    return value;
}

typedef struct counts {
    saltyrtc_client *other;
    int entered;
    int let_go;
    int left;
    int closed;
    saltyrtc_status closed_status;
    int freed;
} counts;

static void on_free(void *user_data) {
    raise_count(&((counts *)user_data)->freed);
}

/* A client of an initiator, alone on its path. */
static saltyrtc_client *start(const char *url, saltyrtc_event_callback callback, counts *user_data) {
    saltyrtc_error *error = NULL;
    saltyrtc_config *config = NULL;
    saltyrtc_client *client = NULL;
    OK(saltyrtc_config_new_initiator(url, NULL, &config, &error));
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    OK(saltyrtc_client_new(config, callback, user_data, callback ? on_free : NULL, &client, &error));
    saltyrtc_config_free(config);
    return client;
}

static void free_in_callback(saltyrtc_client *client, const saltyrtc_event *event, void *user_data) {
    counts *self = (counts *)user_data;
    saltyrtc_client_free(client);
    /* The event and the user data are there until we return. */
    check_event(event);
    CHECK(event->kind == SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE && event->address == 1);
    CHECK(read_count(&self->freed) == 0);
    raise_count(&self->entered);
}

static void freed_by_its_own_callback(const char *url) {
    counts self;
    memset(&self, 0, sizeof self);
    start(url, free_in_callback, &self);
    await_count(&self.freed, 1);
    CHECK(read_count(&self.entered) == 1);
}

static void wait_in_callback(saltyrtc_client *client, const saltyrtc_event *event, void *user_data) {
    counts *self = (counts *)user_data;
    (void)client;
    check_event(event);
    raise_count(&self->entered);
    await_count(&self->let_go, 1);
    raise_count(&self->left);
}

static void *free_elsewhere(void *user_data) {
    counts *self = (counts *)user_data;
    saltyrtc_client_free(self->other);
    /* The callback has returned, and nothing comes afterwards. */
    CHECK(read_count(&self->left) == 1);
    CHECK(read_count(&self->freed) == 1);
    return NULL;
}

static void freeing_waits_for_the_callback(const char *url) {
    counts self;
    pthread_t thread;
    memset(&self, 0, sizeof self);
    self.other = start(url, wait_in_callback, &self);
    await_count(&self.entered, 1);
    CHECK(pthread_create(&thread, NULL, free_elsewhere, &self) == 0);
    CHECK(read_count(&self.freed) == 0);
    raise_count(&self.let_go);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(self.entered == 1);
}

static void free_other(saltyrtc_client *client, const saltyrtc_event *event, void *user_data) {
    counts *self = (counts *)user_data;
    saltyrtc_event *none = NULL;
    check_event(event);
    if (event->kind == SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE) {
        /* Also of a client without callback; and asking is allowed, but not waiting. */
        CHECK(saltyrtc_client_next_event(self->other, 1, &none, NULL) ==
              SALTYRTC_STATUS_WOULD_DEADLOCK);
        CHECK(saltyrtc_client_next_event(self->other, 0, &none, NULL) !=
              SALTYRTC_STATUS_WOULD_DEADLOCK);
        saltyrtc_event_free(none);
        saltyrtc_client_free(self->other);
        CHECK(saltyrtc_client_close(client, NULL) == SALTYRTC_STATUS_OK);
    } else if (event->kind == SALTYRTC_EVENT_KIND_CLOSED) {
        raise_count(&self->closed);
    }
}

static void freed_by_the_callback_of_another_client(const char *url) {
    counts self;
    saltyrtc_client *client;
    memset(&self, 0, sizeof self);
    self.other = start(url, NULL, NULL);
    client = start(url, free_other, &self);
    await_count(&self.closed, 1);
    CHECK(self.freed == 0);
    saltyrtc_client_free(client);
    CHECK(self.freed == 1);
}

static void *wait_for_ever(void *user_data) {
    counts *self = (counts *)user_data;
    for (;;) {
        saltyrtc_event *event = NULL;
        const saltyrtc_status status = saltyrtc_client_next_event(self->other, -1, &event, NULL);
        if (status != SALTYRTC_STATUS_OK) {
            CHECK(status == SALTYRTC_STATUS_NO_MORE_EVENTS && event == NULL);
            return NULL;
        }
        saltyrtc_event_free(event);
        raise_count(&self->entered);
    }
}

static void waiting_ends_with_the_connection(const char *url) {
    counts self;
    pthread_t thread;
    memset(&self, 0, sizeof self);
    self.other = start(url, NULL, NULL);
    CHECK(pthread_create(&thread, NULL, wait_for_ever, &self) == 0);
    /* The only event there is. The thread may or may not wait for the next one already. */
    await_count(&self.entered, 1);
    CHECK(saltyrtc_client_close(self.other, NULL) == SALTYRTC_STATUS_OK);
    CHECK(pthread_join(thread, NULL) == 0);
    saltyrtc_client_free(self.other);
}

static void count_events(saltyrtc_client *client, const saltyrtc_event *event, void *user_data) {
    counts *self = (counts *)user_data;
    (void)client;
    check_event(event);
    if (event->kind == SALTYRTC_EVENT_KIND_CLOSED) {
        self->closed_status = event->status;
        raise_count(&self->closed);
    }
    raise_count(&self->entered);
}

static void shutting_down_cuts_what_is_open(const char *url) {
    saltyrtc_error *error = NULL;
    saltyrtc_event *event = NULL;
    saltyrtc_state state = SALTYRTC_STATE_TASK;
    counts self;
    saltyrtc_client *push, *pull;
    memset(&self, 0, sizeof self);
    push = start(url, count_events, &self);
    pull = start(url, NULL, NULL);
    await_count(&self.entered, 1);
    OK(saltyrtc_client_next_event(pull, WAIT_MS, &event, &error));
    saltyrtc_event_free(event);
    OK(saltyrtc_shutdown(WAIT_MS, &error));
    CHECK(self.closed == 1 && self.closed_status == SALTYRTC_STATUS_CONNECTION_LOST);
    OK(saltyrtc_client_next_event(pull, -1, &event, &error));
    CHECK(event->kind == SALTYRTC_EVENT_KIND_CLOSED && event->retryable);
    CHECK(event->closed_by == SALTYRTC_CLOSED_BY_NETWORK);
    CHECK(strstr(event->text, "shut down") != NULL);
    saltyrtc_event_free(event);
    OK(saltyrtc_client_state(pull, &state, &error));
    CHECK(state == SALTYRTC_STATE_CLOSED);
    saltyrtc_client_free(pull);
    saltyrtc_client_free(push);
    CHECK(self.freed == 1);
}

static void shutting_down_does_not_wait_for_ever(const char *url) {
    saltyrtc_error *error = NULL;
    counts self;
    saltyrtc_client *client;
    memset(&self, 0, sizeof self);
    client = start(url, wait_in_callback, &self);
    await_count(&self.entered, 1);
    CHECK(saltyrtc_shutdown(1, &error) == SALTYRTC_STATUS_TIMEOUT);
    saltyrtc_error_free(error);
    raise_count(&self.let_go);
    OK(saltyrtc_shutdown(WAIT_MS, &error));
    CHECK(read_count(&self.left) >= 1);
    saltyrtc_client_free(client);
    CHECK(self.freed == 1);
}

static saltyrtc_server *serve(char *url, size_t capacity) {
    saltyrtc_error *error = NULL;
    saltyrtc_server_config *config = NULL;
    saltyrtc_server *server = NULL;
    OK(saltyrtc_server_config_new("127.0.0.1", 0, &config, &error));
    OK(saltyrtc_server_start(config, &server, &error));
    saltyrtc_server_config_free(config);
    OK(saltyrtc_server_url(server, url, capacity, NULL, &error));
    return server;
}

int main(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_server *server;
    char url[64];
    int i;
    /* Nothing to shut down. */
    OK(saltyrtc_shutdown(0, &error));
    server = serve(url, sizeof url);
    for (i = 0; i < 10; i++) {
        freed_by_its_own_callback(url);
        freeing_waits_for_the_callback(url);
        freed_by_the_callback_of_another_client(url);
        waiting_ends_with_the_connection(url);
    }
    shutting_down_cuts_what_is_open(url);
    saltyrtc_server_free(server);
    server = serve(url, sizeof url);
    shutting_down_does_not_wait_for_ever(url);
    saltyrtc_server_free(server);
    OK(saltyrtc_shutdown(WAIT_MS, &error));
    return 0;
}
