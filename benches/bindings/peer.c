/*
 * One side of the measurement of the bindings, in C: `peer send COUNT`, `peer pull INVITATION`, `peer queue INVITATION`.
 *
 * The sender runs the server too, prints an invitation, and then sends COUNT messages of 64 bytes and closes. A
 * receiver takes them, event by event from its client or in batches from a queue, and prints how many it got, the
 * seconds from the first to the last, the processor time of the thread that takes them and that of the process, in
 * seconds.
 */
#include <saltyrtc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIZE = 64, BATCH = 256 };

static void check(saltyrtc_status status, saltyrtc_error *error) {
    if (status == SALTYRTC_STATUS_OK) return;
    fprintf(stderr, "%s\n", saltyrtc_error_message(error));
    exit(1);
}

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct {
    long count;
    double begin, last, thread, process;
} got;

static void on_data(void) {
    if (got.count == 0) {
        got.begin = seconds(CLOCK_MONOTONIC);
        got.thread = seconds(CLOCK_THREAD_CPUTIME_ID);
        got.process = seconds(CLOCK_PROCESS_CPUTIME_ID);
    }
    got.count++;
}

static void print_result(void) {
    printf("%ld %f %f %f\n", got.count, seconds(CLOCK_MONOTONIC) - got.begin,
           seconds(CLOCK_THREAD_CPUTIME_ID) - got.thread, seconds(CLOCK_PROCESS_CPUTIME_ID) - got.process);
}

static saltyrtc_event *next_event(saltyrtc_client *client) {
    saltyrtc_event *event;
    saltyrtc_error *error;
    check(saltyrtc_client_next_event(client, -1, &event, &error), error);
    return event;
}

static void wait_for(saltyrtc_client *client, saltyrtc_event_kind kind) {
    saltyrtc_event_kind seen;
    do {
        saltyrtc_event *event = next_event(client);
        seen = event->kind;
        saltyrtc_event_free(event);
        if (seen == SALTYRTC_EVENT_KIND_CLOSED && kind != seen) exit(1);
    } while (seen != kind);
}

static void send_messages(long count) {
    saltyrtc_error *error;
    saltyrtc_server_config *server_config;
    saltyrtc_server *server;
    saltyrtc_config *config;
    saltyrtc_client *client;
    char url[64], invitation[SALTYRTC_INVITATION_BYTES];
    uint8_t message[SIZE] = {0};
    long i;
    check(saltyrtc_server_config_new("127.0.0.1", 0, &server_config, &error), error);
    check(saltyrtc_server_start(server_config, &server, &error), error);
    check(saltyrtc_server_url(server, url, sizeof url, NULL, &error), error);
    check(saltyrtc_config_new_initiator(url, NULL, &config, &error), error);
    check(saltyrtc_config_add_relayed_data_task(config, &error), error);
    check(saltyrtc_config_invitation(config, invitation, sizeof invitation, NULL, &error), error);
    check(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error), error);
    printf("%s\n", invitation);
    fflush(stdout);
    wait_for(client, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    for (i = 0; i < count; i++) {
        saltyrtc_status status;
        while ((status = saltyrtc_client_send_bytes(client, message, sizeof message, &error)) ==
               SALTYRTC_STATUS_QUEUE_FULL) {
            saltyrtc_error_free(error);
            wait_for(client, SALTYRTC_EVENT_KIND_WRITABLE);
        }
        check(status, error);
        on_data();
    }
    check(saltyrtc_client_close(client, &error), error);
    wait_for(client, SALTYRTC_EVENT_KIND_CLOSED);
    print_result();
    saltyrtc_client_free(client);
    check(saltyrtc_server_stop(server, 5000, &error), error);
    saltyrtc_server_free(server);
}

static saltyrtc_config *responder(const char *invitation) {
    saltyrtc_error *error;
    saltyrtc_config *config;
    check(saltyrtc_config_new_responder(invitation, NULL, &config, &error), error);
    check(saltyrtc_config_add_relayed_data_task(config, &error), error);
    return config;
}

static void pull(const char *invitation) {
    saltyrtc_error *error;
    saltyrtc_client *client;
    int open = 1;
    check(saltyrtc_client_new(responder(invitation), NULL, NULL, NULL, &client, &error), error);
    while (open) {
        saltyrtc_event *event = next_event(client);
        if (event->kind == SALTYRTC_EVENT_KIND_DATA) on_data();
        open = event->kind != SALTYRTC_EVENT_KIND_CLOSED;
        saltyrtc_event_free(event);
    }
    print_result();
    saltyrtc_client_free(client);
}

static void queue(const char *invitation) {
    static saltyrtc_event *events[BATCH];
    saltyrtc_error *error;
    saltyrtc_queue *queue;
    saltyrtc_client *client;
    size_t count, i;
    int open = 1;
    check(saltyrtc_queue_new(&queue, &error), error);
    check(saltyrtc_client_new_on_queue(responder(invitation), queue, 1, &client, &error), error);
    while (open) {
        check(saltyrtc_queue_next_events(queue, -1, events, BATCH, &count, &error), error);
        for (i = 0; i < count; i++) {
            if (events[i]->kind == SALTYRTC_EVENT_KIND_DATA) on_data();
            if (events[i]->kind == SALTYRTC_EVENT_KIND_CLOSED) open = 0;
        }
        saltyrtc_events_free(events, count);
    }
    print_result();
    saltyrtc_client_free(client);
    saltyrtc_queue_free(queue);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    if (strcmp(argv[1], "send") == 0) send_messages(atol(argv[2]));
    else if (strcmp(argv[1], "pull") == 0) pull(argv[2]);
    else if (strcmp(argv[1], "queue") == 0) queue(argv[2]);
    else return 2;
    return saltyrtc_shutdown(5000, NULL);
}
