/* The whole way in C: an embedded server, an initiator with a callback, a responder that takes its
   events, data in both directions, and an end with nothing left behind. */

#include <poll.h>
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

/* What the callback of the initiator has seen. */
typedef struct initiator {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    saltyrtc_client *client;
    bool ready;
    bool closed;
    saltyrtc_status closed_status;
    char received[32];
    int freed;
} initiator;

static void on_event(saltyrtc_client *client, const saltyrtc_event *event, void *user_data) {
    initiator *self = (initiator *)user_data;
    saltyrtc_error *error = NULL;
    saltyrtc_event *none = NULL;

    CHECK(event->struct_size == sizeof *event);
    check_event(event);
    /* Waiting is refused here; asking is not, but is for clients without callback. */
    CHECK(saltyrtc_shutdown(1, NULL) == SALTYRTC_STATUS_WOULD_DEADLOCK);
    CHECK(saltyrtc_client_next_event(client, 0, &none, NULL) == SALTYRTC_STATUS_HAS_CALLBACK);

    CHECK(pthread_mutex_lock(&self->mutex) == 0);
    CHECK(client == self->client || self->client == NULL);
    switch (event->kind) {
    case SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE:
        CHECK(event->address == 1 && event->server_verified);
        break;
    case SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE:
        CHECK(strcmp(event->task, "v0.relayed-data.tasks.saltyrtc.org") == 0);
        CHECK(event->peer_key != NULL && event->address >= 2);
        self->ready = true;
        /* Every function can be called here. */
        OK(saltyrtc_client_send_text(client, "hello", 5, &error));
        break;
    case SALTYRTC_EVENT_KIND_DATA:
        CHECK(event->payload == SALTYRTC_PAYLOAD_BYTES && event->data_len < sizeof self->received);
        memcpy(self->received, event->data, event->data_len);
        break;
    case SALTYRTC_EVENT_KIND_CLOSED:
        self->closed = true;
        self->closed_status = event->status;
        CHECK(event->text != NULL && event->text[0] != '\0');
        break;
    default:
        break;
    }
    CHECK(pthread_cond_broadcast(&self->changed) == 0);
    CHECK(pthread_mutex_unlock(&self->mutex) == 0);
}

static void on_free(void *user_data) {
    ((initiator *)user_data)->freed++;
}

/* Takes events until one of the kind comes. */
static saltyrtc_event *wait_for(saltyrtc_client *client, saltyrtc_event_kind kind) {
    for (;;) {
        saltyrtc_error *error = NULL;
        saltyrtc_event *event = NULL;
        OK(saltyrtc_client_next_event(client, WAIT_MS, &event, &error));
        if (event->kind == kind) {
            return event;
        }
        CHECK(event->kind != SALTYRTC_EVENT_KIND_CLOSED);
        saltyrtc_event_free(event);
    }
}

static bool readable(int fd) {
    struct pollfd poll_fd = {fd, POLLIN, 0};
    return poll(&poll_fd, 1, 0) == 1;
}

/* The numbers of the header have to be those of the library. */
static void versions(void) {
    CHECK(strcmp(saltyrtc_version(), SALTYRTC_VERSION) == 0);
    CHECK(saltyrtc_version_number() == SALTYRTC_VERSION_NUMBER);
    CHECK(saltyrtc_abi_version() == SALTYRTC_ABI_VERSION);
    CHECK(saltyrtc_key_bytes() == SALTYRTC_KEY_BYTES);
    CHECK(saltyrtc_key_hex_bytes() == SALTYRTC_KEY_HEX_BYTES);
    CHECK(saltyrtc_invitation_bytes() == SALTYRTC_INVITATION_BYTES);
    CHECK(saltyrtc_encryption_overhead() == SALTYRTC_ENCRYPTION_OVERHEAD);
}

static void talk(void) {
    saltyrtc_error *error = NULL;
    uint8_t public_key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    char url[64], invitation[SALTYRTC_INVITATION_BYTES];
    saltyrtc_server_config *server_config = NULL;
    saltyrtc_server *server = NULL;
    saltyrtc_config *config = NULL;
    saltyrtc_client *responder = NULL;
    saltyrtc_event *event = NULL;
    int fd = -1;
    initiator self;

    OK(saltyrtc_key_pair_generate(public_key, secret_key, &error));
    OK(saltyrtc_server_config_new("127.0.0.1", 0, &server_config, &error));
    OK(saltyrtc_server_config_add_permanent_key(server_config, secret_key, &error));
    OK(saltyrtc_server_start(server_config, &server, &error));
    saltyrtc_server_config_free(server_config);
    OK(saltyrtc_server_url(server, url, sizeof url, NULL, &error));

    memset(&self, 0, sizeof self);
    CHECK(pthread_mutex_init(&self.mutex, NULL) == 0);
    CHECK(pthread_cond_init(&self.changed, NULL) == 0);
    OK(saltyrtc_config_new_initiator(url, NULL, &config, &error));
    OK(saltyrtc_config_set_server_key(config, public_key, &error));
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    OK(saltyrtc_config_invitation(config, invitation, sizeof invitation, NULL, &error));
    OK(saltyrtc_client_new(config, on_event, &self, on_free, &self.client, &error));
    saltyrtc_config_free(config);

    OK(saltyrtc_config_new_responder(invitation, NULL, &config, &error));
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &responder, &error));
    saltyrtc_config_free(config);
    OK(saltyrtc_client_event_fd(responder, &fd, &error));

    saltyrtc_event_free(wait_for(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE));
    event = wait_for(responder, SALTYRTC_EVENT_KIND_DATA);
    CHECK(event->payload == SALTYRTC_PAYLOAD_TEXT);
    CHECK(event->data_len == 5 && memcmp(event->data, "hello", 5) == 0);
    saltyrtc_event_free(event);

    /* Nothing more is there, and the descriptor knows. */
    CHECK(saltyrtc_client_next_event(responder, 0, &event, NULL) == SALTYRTC_STATUS_TIMEOUT);
    CHECK(event == NULL && !readable(fd));
    OK(saltyrtc_client_send_bytes(responder, (const uint8_t *)"world", 5, &error));
    CHECK(pthread_mutex_lock(&self.mutex) == 0);
    while (self.received[0] == '\0') {
        CHECK(pthread_cond_wait(&self.changed, &self.mutex) == 0);
    }
    CHECK(self.ready && strcmp(self.received, "world") == 0);
    CHECK(pthread_mutex_unlock(&self.mutex) == 0);

    OK(saltyrtc_client_close(self.client, &error));
    {
        struct pollfd poll_fd = {fd, POLLIN, 0};
        CHECK(poll(&poll_fd, 1, WAIT_MS) == 1);
    }
    event = wait_for(responder, SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(event->status == SALTYRTC_STATUS_PEER_CLOSED);
    CHECK(event->closed_by == SALTYRTC_CLOSED_BY_PEER && event->close_code == 1001);
    saltyrtc_event_free(event);
    CHECK(!readable(fd));
    CHECK(saltyrtc_client_next_event(responder, -1, &event, NULL) == SALTYRTC_STATUS_NO_MORE_EVENTS);
    CHECK(saltyrtc_client_send_text(responder, "late", 4, NULL) == SALTYRTC_STATUS_CLOSED);

    CHECK(pthread_mutex_lock(&self.mutex) == 0);
    while (!self.closed) {
        CHECK(pthread_cond_wait(&self.changed, &self.mutex) == 0);
    }
    CHECK(self.closed_status == SALTYRTC_STATUS_OK);
    CHECK(pthread_mutex_unlock(&self.mutex) == 0);

    CHECK(self.freed == 0);
    saltyrtc_client_free(self.client);
    CHECK(self.freed == 1);
    saltyrtc_client_free(responder);
    OK(saltyrtc_server_stop(server, WAIT_MS, &error));
    saltyrtc_server_free(server);
    CHECK(pthread_cond_destroy(&self.changed) == 0);
    CHECK(pthread_mutex_destroy(&self.mutex) == 0);
}

/* User data is freed also if there is nothing to keep it for; the error says which argument. */
static void failing(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = NULL;
    initiator self;
    memset(&self, 0, sizeof self);
    CHECK(saltyrtc_client_new(NULL, on_event, &self, on_free, &client, &error) ==
          SALTYRTC_STATUS_NULL_ARGUMENT);
    CHECK(self.freed == 1 && client == NULL);
    CHECK(saltyrtc_error_status(error) == SALTYRTC_STATUS_NULL_ARGUMENT);
    CHECK(strstr(saltyrtc_error_message(error), "config") != NULL);
    saltyrtc_error_free(error);
}

int main(void) {
    saltyrtc_error *error = NULL;
    versions();
    talk();
    failing();
    OK(saltyrtc_shutdown(WAIT_MS, &error));
    /* The library can be used again. */
    talk();
    OK(saltyrtc_shutdown(WAIT_MS, &error));
    return 0;
}
