/* Measures how fast events are taken that wait already: `waiting WAY CLIENTS`. Of each of so many clients 1000
   messages of 64 bytes wait. WAY is one (saltyrtc_client_next_event), events (saltyrtc_queue_next_events) or
   records (saltyrtc_queue_read).

   Prints how many events it took, the seconds, and the seconds of processor time of the thread. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "saltyrtc.h"

static void check(saltyrtc_status status, saltyrtc_error *error, int line) {
    if (status != SALTYRTC_STATUS_OK) {
        fprintf(stderr, "pull.c:%d: %s: %s\n", line, saltyrtc_status_name((int32_t)status),
                saltyrtc_error_message(error));
        exit(1);
    }
}

enum { EACH = 1000, SIZE = 64, MOST_CLIENTS = 1000 };

#define OK(call)                                                                                     \
    do {                                                                                             \
        saltyrtc_error *error = NULL;                                                                \
        const saltyrtc_status status_ = (call);                                                      \
        check(status_, error, __LINE__);                                                             \
    } while (0)

static void fail(const char *what) {
    fprintf(stderr, "pull: %s\n", what);
    exit(1);
}

static double seconds(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time) != 0) {
        fail("no clock");
    }
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- What is measured ---- */

static struct {
    uint64_t expected, received;
    /* The number of the next message of each client. */
    uint64_t next[MOST_CLIENTS];
    double begin, thread_begin;
} count;

static void start_clock(void) {
    count.begin = seconds(CLOCK_MONOTONIC);
    count.thread_begin = seconds(CLOCK_THREAD_CPUTIME_ID);
}

/* Every event comes through here, with what of it a program would look at. */
static void got(uint64_t token, int32_t kind, const uint8_t *data, size_t len) {
    uint64_t number;
    if (kind != SALTYRTC_EVENT_KIND_DATA) {
        return;
    }
    memcpy(&number, data, sizeof number);
    if (len != SIZE || number != count.next[token]) {
        fail("another message was expected");
    }
    count.next[token]++;
    count.received++;
}

static bool done(void) { return count.received == count.expected; }

static void report(void) {
    printf("%" PRIu64 " %.6f %.6f\n", count.received, seconds(CLOCK_MONOTONIC) - count.begin,
           seconds(CLOCK_THREAD_CPUTIME_ID) - count.thread_begin);
}

/* ---- Clients ---- */

static saltyrtc_server *server;
static char url[64];

static void start_server(void) {
    saltyrtc_server_config *config = NULL;
    OK(saltyrtc_server_config_new("127.0.0.1", 0, &config, &error));
    OK(saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_CONNECTIONS_PER_ADDRESS, SALTYRTC_NO_LIMIT, &error));
    OK(saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_ACCEPT_RATE, SALTYRTC_NO_LIMIT, &error));
    /* The sender is not to be slowed down by what the receiver has not read yet. */
    OK(saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_QUEUE_BYTES, 256u << 20, &error));
    OK(saltyrtc_server_start(config, &server, &error));
    saltyrtc_server_config_free(config);
    OK(saltyrtc_server_url(server, url, sizeof url, NULL, &error));
}

static saltyrtc_client *initiator(char *invitation) {
    saltyrtc_config *config = NULL;
    saltyrtc_client *client = NULL;
    OK(saltyrtc_config_new_initiator(url, NULL, &config, &error));
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    OK(saltyrtc_config_invitation(config, invitation, SALTYRTC_INVITATION_BYTES, NULL, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    saltyrtc_config_free(config);
    return client;
}

static void skip_to(saltyrtc_client *client, saltyrtc_event_kind kind) {
    bool found = false;
    while (!found) {
        saltyrtc_event *event = NULL;
        OK(saltyrtc_client_next_event(client, 60000, &event, &error));
        found = event->kind == kind;
        if (!found && event->kind == SALTYRTC_EVENT_KIND_CLOSED) {
            fail(event->text);
        }
        saltyrtc_event_free(event);
    }
}

static void send_all(saltyrtc_client *client, uint64_t messages, size_t size) {
    uint8_t *message = (uint8_t *)calloc(1, size);
    uint64_t i;
    for (i = 0; i < messages;) {
        saltyrtc_status status;
        memcpy(message, &i, sizeof i);
        status = saltyrtc_client_send_bytes(client, message, size, NULL);
        if (status == SALTYRTC_STATUS_QUEUE_FULL) {
            skip_to(client, SALTYRTC_EVENT_KIND_WRITABLE);
        } else if (status == SALTYRTC_STATUS_OK) {
            i++;
        } else {
            fail(saltyrtc_status_name((int32_t)status));
        }
    }
    free(message);
}

/* ---- Ways of taking events ---- */

static void take_one(saltyrtc_client *client, uint64_t token) {
    saltyrtc_event *event = NULL;
    OK(saltyrtc_client_next_event(client, 60000, &event, &error));
    got(token, (int32_t)event->kind, event->data, event->data_len);
    saltyrtc_event_free(event);
}

static void take_events(saltyrtc_queue *queue) {
    saltyrtc_event *events[256];
    size_t len = 0, i;
    OK(saltyrtc_queue_next_events(queue, 60000, events, 256, &len, &error));
    for (i = 0; i < len; i++) {
        got(events[i]->token, (int32_t)events[i]->kind, events[i]->data, events[i]->data_len);
    }
    saltyrtc_events_free(events, len);
}

static void take_records(saltyrtc_queue *queue) {
    static uint64_t memory[64 * 1024 / 8];
    const uint8_t *buffer = (const uint8_t *)memory, *next = buffer;
    size_t len = 0, i;
    OK(saltyrtc_queue_read(queue, 60000, (uint8_t *)memory, sizeof memory, &len, NULL, &error));
    for (i = 0; i < len; i++) {
        const saltyrtc_record *record = (const saltyrtc_record *)(const void *)next;
        got(record->token, record->kind, buffer + record->data_offset, record->data_len);
        next += record->record_size;
    }
}

/* ---- Events that wait ---- */

/* A responder, on a queue if there is one. */
static saltyrtc_client *responder(const char *invitation, saltyrtc_queue *queue, uint64_t token) {
    saltyrtc_config *config = NULL;
    saltyrtc_client *client = NULL;
    OK(saltyrtc_config_new_responder(invitation, NULL, &config, &error));
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    if (queue == NULL) {
        OK(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    } else {
        OK(saltyrtc_client_new_on_queue(config, queue, token, &client, &error));
    }
    saltyrtc_config_free(config);
    return client;
}

static void wait_until_arrived(saltyrtc_client *sender, saltyrtc_client *receiver) {
    saltyrtc_state state = SALTYRTC_STATE_TASK;
    OK(saltyrtc_client_close(sender, &error));
    skip_to(sender, SALTYRTC_EVENT_KIND_CLOSED);
    saltyrtc_client_free(sender);
    while (state != SALTYRTC_STATE_CLOSED) {
        OK(saltyrtc_client_state(receiver, &state, &error));
        sched_yield();
    }
}

int main(int argc, char **argv) {
    const char *way = argc == 3 ? argv[1] : "";
    const int clients = argc == 3 ? atoi(argv[2]) : 0;
    const bool one = strcmp(way, "one") == 0, records = strcmp(way, "records") == 0;
    saltyrtc_client **receivers = (saltyrtc_client **)calloc((size_t)clients + 1, sizeof *receivers);
    saltyrtc_queue *queue = NULL;
    int i;
    if (clients < 1 || clients > MOST_CLIENTS || !(one || records || strcmp(way, "events") == 0)) {
        fail("usage: waiting one|events|records CLIENTS");
    }
    start_server();
    if (!one) {
        OK(saltyrtc_queue_new(&queue, &error));
    }
    for (i = 0; i < clients; i++) {
        char invitation[SALTYRTC_INVITATION_BYTES];
        saltyrtc_client *sender = initiator(invitation);
        receivers[i] = responder(invitation, queue, (uint64_t)i);
        skip_to(sender, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
        send_all(sender, EACH, SIZE);
        wait_until_arrived(sender, receivers[i]);
    }
    count.expected = (uint64_t)clients * EACH;
    start_clock();
    for (i = 0; one && i < clients; i++) {
        while (count.next[i] < EACH) {
            take_one(receivers[i], (uint64_t)i);
        }
    }
    while (!done()) {
        if (records) {
            take_records(queue);
        } else {
            take_events(queue);
        }
    }
    report();
    for (i = 0; i < clients; i++) {
        saltyrtc_client_free(receivers[i]);
    }
    free(receivers);
    saltyrtc_queue_free(queue);
    saltyrtc_server_free(server);
    saltyrtc_shutdown(5000, NULL);
    return 0;
}
