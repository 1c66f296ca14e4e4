/* Event queues: the events of many clients by one call, the descriptor, and clients that are freed at any
   moment. */

#include "queue.h"

static void one_queue_for_two_clients(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    char invitation[SALTYRTC_INVITATION_BYTES];
    /* Tokens are the program's: any number. */
    const uint64_t tokens[2] = {0, UINT64_MAX};
    saltyrtc_client *clients[2];
    saltyrtc_event *event;
    int closed = 0;
    clients[0] = on_queue(queue, tokens[0], initiator_config(server, invitation));
    clients[1] = on_queue(queue, tokens[1], responder_config(invitation));
    skip_to(queue, tokens[0], SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    OK(saltyrtc_client_send_text(clients[0], TEXT("hello"), &error));
    skip_to(queue, tokens[1], SALTYRTC_EVENT_KIND_DATA);
    OK(saltyrtc_client_send_text(clients[1], TEXT("and back"), &error));
    event = take_one(queue);
    CHECK(event->token == tokens[0] && event->kind == SALTYRTC_EVENT_KIND_DATA);
    CHECK(event->data_len == 8 && memcmp(event->data, "and back", 8) == 0);
    saltyrtc_event_free(event);
    OK(saltyrtc_client_close(clients[0], &error));
    while (closed < 2) {
        event = take_one(queue);
        closed += event->kind == SALTYRTC_EVENT_KIND_CLOSED;
        saltyrtc_event_free(event);
    }
    /* A queue does not end with its clients. */
    check_empty(queue);
    saltyrtc_client_free(clients[0]);
    saltyrtc_client_free(clients[1]);
    saltyrtc_queue_free(queue);
    checked("two clients on one queue");
}

static void readable_exactly_while_a_call_would_return(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    const int fd = queue_fd(queue);
    saltyrtc_event *event = NULL;
    size_t count = 9;
    int messages;
    pair pair;
    CHECK(!readable(fd) && queue_fd(queue) == fd);
    pair = half_on_queue(server, queue, 1);
    CHECK(!readable(fd));
    arrived(pair, 3);
    for (messages = 0; messages < 3; messages++) {
        CHECK(readable(fd));
        event = take_one(queue);
        CHECK(event->kind == SALTYRTC_EVENT_KIND_DATA);
        saltyrtc_event_free(event);
    }
    skip_to(queue, 1, SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(!readable(fd));
    event = NULL;
    /* A call that would return without an event would return. */
    OK(saltyrtc_queue_wake(queue, &error));
    OK(saltyrtc_queue_wake(queue, &error));
    CHECK(readable(fd));
    event = NULL;
    OK(saltyrtc_queue_next_events(queue, -1, &event, 1, &count, &error));
    CHECK(count == 0 && event == NULL && readable(fd));
    count = 9;
    OK(saltyrtc_queue_read(queue, -1, NULL, 0, &count, NULL, &error));
    CHECK(count == 0 && !readable(fd));
    check_empty(queue);
    free_both(pair);
    saltyrtc_queue_free(queue);
    checked("the descriptor is readable exactly while a call would return");
}

/* ---- Fairness ---- */

static void clients_take_turns(const test_server *server) {
    /* More than the turn of a client has. */
    enum { MANY = 300, FEW = 3, CAPACITY = 1000, TURN = 64 };
    static saltyrtc_event *events[CAPACITY];
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    pair pairs[3];
    const uint32_t messages[3] = {MANY, FEW, MANY};
    uint32_t next[3] = {0, 0, 0};
    size_t count = 0, i, turn = 0, in_turn = 0;
    for (i = 0; i < 3; i++) {
        pairs[i] = half_on_queue(server, queue, i);
    }
    for (i = 0; i < 3; i++) {
        arrived(pairs[i], messages[i]);
    }
    OK(saltyrtc_queue_next_events(queue, -1, events, CAPACITY, &count, &error));
    CHECK(count >= MANY + FEW + MANY);
    for (i = 0; i < count; i++) {
        const uint64_t token = events[i]->token;
        bool alone;
        CHECK(token < 3);
        alone = next[(token + 1) % 3] == messages[(token + 1) % 3] &&
                next[(token + 2) % 3] == messages[(token + 2) % 3];
        if (i == 0 || token != events[i - 1]->token) {
            /* They come round, and the last has not to wait for all of the first. */
            CHECK(turn >= 3 || token == turn);
            turn++;
            in_turn = 0;
        }
        in_turn++;
        CHECK(in_turn <= TURN || alone);
        if (events[i]->kind == SALTYRTC_EVENT_KIND_CLOSED) {
            CHECK(next[token] == messages[token]);
        } else {
            uint32_t number;
            CHECK(events[i]->kind == SALTYRTC_EVENT_KIND_DATA && events[i]->data_len == sizeof number);
            memcpy(&number, events[i]->data, sizeof number);
            CHECK(number == next[token]);
            next[token]++;
        }
    }
    CHECK(turn > 3 && next[0] == MANY && next[1] == FEW && next[2] == MANY);
    saltyrtc_events_free(events, count);
    CHECK(all_bytes_are(events, sizeof events, 0));
    saltyrtc_events_free(events, CAPACITY);
    saltyrtc_events_free(NULL, 5);
    for (i = 0; i < 3; i++) {
        free_both(pairs[i]);
    }
    saltyrtc_queue_free(queue);
    checked("clients take turns");
}

/* ---- Freeing ---- */

static void events_of_freed_clients_are_gone(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    const int fd = queue_fd(queue);
    pair first = half_on_queue(server, queue, 1), second = half_on_queue(server, queue, 2);
    saltyrtc_event *events[2] = {NULL, NULL};
    size_t count = 0;
    arrived(first, 5);
    arrived(second, 5);
    OK(saltyrtc_queue_next_events(queue, 0, events, 2, &count, &error));
    CHECK(count == 2 && events[0]->token == 1);
    saltyrtc_client_free(first.responder);
    /* What was taken before is the program's. */
    CHECK(events[1]->kind == SALTYRTC_EVENT_KIND_DATA && events[1]->data_len == 4);
    saltyrtc_events_free(events, count);
    CHECK(readable(fd));
    OK(saltyrtc_queue_next_events(queue, 0, events, 2, &count, &error));
    CHECK(count == 2 && events[0]->token == 2 && events[1]->token == 2);
    saltyrtc_events_free(events, count);
    saltyrtc_client_free(second.responder);
    CHECK(!readable(fd));
    check_empty(queue);
    saltyrtc_client_free(first.initiator);
    saltyrtc_client_free(second.initiator);
    saltyrtc_queue_free(queue);
    checked("a client is freed together with its events that wait");
}

typedef struct waiter {
    saltyrtc_queue *queue;
    saltyrtc_status status;
    int returned;
} waiter;

static void *wait_with_events(void *argument) {
    waiter *self = (waiter *)argument;
    saltyrtc_event *event = NULL;
    size_t count = 9;
    const saltyrtc_status status = saltyrtc_queue_next_events(self->queue, -1, &event, 1, &count, NULL);
    CHECK(count == 0 && event == NULL);
    lock();
    self->status = status;
    self->returned++;
    unlock();
    return NULL;
}

static void *wait_with_records(void *argument) {
    waiter *self = (waiter *)argument;
    uint64_t buffer[256];
    size_t count = 9;
    const saltyrtc_status status =
        saltyrtc_queue_read(self->queue, -1, (uint8_t *)buffer, sizeof buffer, &count, NULL, NULL);
    CHECK(count == 0);
    lock();
    self->status = status;
    self->returned++;
    unlock();
    return NULL;
}

static void each_wake_wakes_one_thread(void) {
    enum { THREADS = 4 };
    saltyrtc_error *error = NULL;
    waiter self;
    pthread_t threads[THREADS];
    int i;
    memset(&self, 0, sizeof self);
    self.queue = new_queue();
    for (i = 0; i < THREADS; i++) {
        threads[i] = start_thread(i % 2 == 0 ? wait_with_events : wait_with_records, &self);
    }
    for (i = 1; i <= THREADS; i++) {
        /* Whether it waits already or not. */
        OK(saltyrtc_queue_wake(self.queue, &error));
        AWAIT(self.returned == i);
        CHECK(self.status == SALTYRTC_STATUS_OK);
    }
    for (i = 0; i < THREADS; i++) {
        join(threads[i]);
    }
    saltyrtc_queue_free(self.queue);
    checked("each wake-up is for one thread");
}

static void freeing_a_queue_closes_its_clients(const test_server *server) {
    saltyrtc_error *error = NULL;
    waiter self;
    pthread_t thread;
    pair pair;
    char invitation[SALTYRTC_INVITATION_BYTES];
    memset(&self, 0, sizeof self);
    self.queue = new_queue();
    pair = half_on_queue(server, self.queue, 1);
    thread = start_thread(wait_with_events, &self);
    /* The thread waits, or is about to: another wakes it for certain only if it is in there. So it is woken
       once, and the next call is made by this thread. */
    OK(saltyrtc_queue_wake(self.queue, &error));
    join(thread);
    CHECK(self.status == SALTYRTC_STATUS_OK);
    OK(saltyrtc_client_send_text(pair.initiator, TEXT("waits"), &error));
    saltyrtc_queue_free(self.queue);
    CHECK(state_of(pair.responder) == SALTYRTC_STATE_CLOSED);
    FAILS(SALTYRTC_STATUS_CLOSED, "closed", saltyrtc_client_send_text(pair.responder, TEXT("x"), &error));
    OK(saltyrtc_client_invitation(pair.responder, NULL, invitation, sizeof invitation, NULL, &error));
    CHECK_END(pair.initiator, SALTYRTC_STATUS_PEER_CLOSED, "closed");
    free_both(pair);
    saltyrtc_queue_free(NULL);
    checked("freeing a queue closes its clients, which stay what they are");
}

/* ---- What is not allowed ---- */

static void wait_in_callback(watch *self, saltyrtc_client *client, const saltyrtc_event *event) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = (saltyrtc_queue *)self->more;
    saltyrtc_event *taken = NULL;
    size_t count = 9;
    (void)client;
    if (event->kind != SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE) {
        return;
    }
    FAILS(SALTYRTC_STATUS_WOULD_DEADLOCK, "callback",
          saltyrtc_queue_next_events(queue, -1, &taken, 1, &count, &error));
    FAILS(SALTYRTC_STATUS_WOULD_DEADLOCK, "callback",
          saltyrtc_queue_read(queue, 1, NULL, 0, &count, NULL, &error));
    /* Without waiting it is fine. */
    FAILS(SALTYRTC_STATUS_TIMEOUT, "time", saltyrtc_queue_next_events(queue, 0, &taken, 1, &count, &error));
    OK(saltyrtc_queue_wake(queue, &error));
}

static void not_in_callbacks_and_not_elsewhere(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_event *event = NULL;
    size_t count = 9;
    int fd = 0;
    watch self;
    saltyrtc_client *client;
    memset(&self, 0, sizeof self);
    self.more = new_queue();
    self.act = wait_in_callback;
    client = watched(&self, with_relayed_data(initiator_config(server, NULL)));
    OK(saltyrtc_queue_next_events((saltyrtc_queue *)self.more, -1, &event, 1, &count, &error));
    CHECK(count == 0);
    saltyrtc_client_free(client);
    client = on_queue((saltyrtc_queue *)self.more, 1, initiator_config(server, NULL));
    FAILS(SALTYRTC_STATUS_HAS_QUEUE, "queue", saltyrtc_client_next_event(client, -1, &event, &error));
    FAILS(SALTYRTC_STATUS_HAS_QUEUE, "queue", saltyrtc_client_event_fd(client, &fd, &error));
    CHECK(event == NULL && fd == -1);
    saltyrtc_client_free(client);
    saltyrtc_queue_free((saltyrtc_queue *)self.more);
    checked("no callback waits for a queue, and a client on a queue is not asked itself");
}

int main(void) {
    test_server server;
    start_server(&server);
    one_queue_for_two_clients(&server);
    readable_exactly_while_a_call_would_return(&server);
    clients_take_turns(&server);
    events_of_freed_clients_are_gone(&server);
    each_wake_wakes_one_thread();
    freeing_a_queue_closes_its_clients(&server);
    not_in_callbacks_and_not_elsewhere(&server);
    end_server(&server);
    end_library();
    return 0;
}
