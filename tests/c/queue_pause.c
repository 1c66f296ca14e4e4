/* Clients that keep their events for now: others go on, and the end gets through. */

#include "queue.h"

static void wait_until_readable(int fd) {
    struct pollfd poll_fd;
    poll_fd.fd = fd;
    poll_fd.events = POLLIN;
    CHECK(poll(&poll_fd, 1, LIMIT_MS) == 1);
}

static void send_numbers(saltyrtc_client *client, uint32_t from, uint32_t to) {
    saltyrtc_error *error = NULL;
    for (; from < to; from++) {
        OK(saltyrtc_client_send_bytes(client, (const uint8_t *)&from, sizeof from, &error));
    }
}

static void take_numbers(saltyrtc_queue *queue, uint64_t token, uint32_t from, uint32_t to) {
    for (; from < to; from++) {
        saltyrtc_event *event = take_one(queue);
        CHECK(event->token == token && event->kind == SALTYRTC_EVENT_KIND_DATA);
        CHECK(event->data_len == sizeof from && memcmp(event->data, &from, sizeof from) == 0);
        saltyrtc_event_free(event);
    }
}

/* The events of a paused client stay with it; those of others come. */
static void a_paused_client_keeps_its_events(const test_server *server) {
    enum { MESSAGES = 200, ROUNDS = 50 };
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    const int fd = queue_fd(queue);
    pair paused = half_on_queue(server, queue, 1), other = half_on_queue(server, queue, 2);
    uint32_t i;
    send_numbers(paused.initiator, 0, MESSAGES / 2);
    wait_until_readable(fd);
    OK(saltyrtc_client_pause_events(paused.responder, true, &error));
    OK(saltyrtc_client_pause_events(paused.responder, true, &error));
    CHECK(!readable(fd));
    check_empty(queue);
    /* More comes for it, while another goes on. */
    send_numbers(paused.initiator, MESSAGES / 2, MESSAGES);
    for (i = 0; i < ROUNDS; i++) {
        send_numbers(other.initiator, i, i + 1);
        take_numbers(queue, 2, i, i + 1);
    }
    CHECK(!readable(fd));
    /* It can do everything else. */
    OK(saltyrtc_client_send_text(paused.responder, TEXT("x"), &error));
    SKIP_TO(paused.initiator, SALTYRTC_EVENT_KIND_DATA);
    OK(saltyrtc_client_pause_events(paused.responder, false, &error));
    OK(saltyrtc_client_pause_events(paused.responder, false, &error));
    take_numbers(queue, 1, 0, MESSAGES);
    CHECK(!readable(fd));
    /* Paused with nothing to keep. */
    OK(saltyrtc_client_pause_events(paused.responder, true, &error));
    send_numbers(paused.initiator, 0, 1);
    send_numbers(other.initiator, 0, 1);
    take_numbers(queue, 2, 0, 1);
    OK(saltyrtc_client_pause_events(paused.responder, false, &error));
    take_numbers(queue, 1, 0, 1);
    /* Freed while it is paused. */
    send_numbers(paused.initiator, 0, 1);
    OK(saltyrtc_client_pause_events(paused.responder, true, &error));
    free_both(paused);
    free_both(other);
    check_empty(queue);
    saltyrtc_queue_free(queue);
    checked("a paused client keeps its events");
}

/* A thread that waits is woken by the events of a client that is paused no more. */
static void *take_in_thread(void *queue) { return take_one((saltyrtc_queue *)queue); }

static void the_end_of_a_pause_wakes(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    pair pair = half_on_queue(server, queue, 1);
    saltyrtc_event *event;
    void *taken = NULL;
    pthread_t thread;
    send_numbers(pair.initiator, 0, 1);
    wait_until_readable(queue_fd(queue));
    OK(saltyrtc_client_pause_events(pair.responder, true, &error));
    thread = start_thread(take_in_thread, queue);
    OK(saltyrtc_client_pause_events(pair.responder, false, &error));
    CHECK(pthread_join(thread, &taken) == 0);
    event = (saltyrtc_event *)taken;
    CHECK(event->kind == SALTYRTC_EVENT_KIND_DATA);
    saltyrtc_event_free(event);
    free_both(pair);
    saltyrtc_queue_free(queue);
    checked("the end of a pause wakes who waits");
}

/* Whoever ends it: what was kept comes, and CLOSED behind it. */
static void the_end_gets_through(const test_server *server) {
    int by_peer;
    for (by_peer = 0; by_peer < 2; by_peer++) {
        saltyrtc_error *error = NULL;
        saltyrtc_queue *queue = new_queue();
        pair pair = half_on_queue(server, queue, 1);
        saltyrtc_event *event;
        OK(saltyrtc_client_pause_events(pair.responder, true, &error));
        send_numbers(pair.initiator, 0, 10);
        if (by_peer) {
            OK(saltyrtc_client_close(pair.initiator, &error));
            take_numbers(queue, 1, 0, 10);
        } else {
            OK(saltyrtc_client_close(pair.responder, &error));
        }
        do {
            event = take_one(queue);
            CHECK(!by_peer || event->kind == SALTYRTC_EVENT_KIND_CLOSED);
            CHECK(event->kind == SALTYRTC_EVENT_KIND_CLOSED || event->kind == SALTYRTC_EVENT_KIND_DATA);
            if (event->kind == SALTYRTC_EVENT_KIND_CLOSED) {
                CHECK(event->status == (by_peer ? SALTYRTC_STATUS_PEER_CLOSED : SALTYRTC_STATUS_OK));
                saltyrtc_event_free(event);
                break;
            }
            saltyrtc_event_free(event);
        } while (true);
        /* There is nothing to keep any more. */
        OK(saltyrtc_client_pause_events(pair.responder, true, &error));
        check_empty(queue);
        free_both(pair);
        saltyrtc_queue_free(queue);
    }
    checked("the end gets through to a paused client");
}

int main(void) {
    test_server server;
    start_server(&server);
    a_paused_client_keeps_its_events(&server);
    the_end_of_a_pause_wakes(&server);
    the_end_gets_through(&server);
    end_server(&server);
    end_library();
    return 0;
}
