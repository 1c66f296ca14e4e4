/* Event queues: the events of many clients by one call, in records too, with threads, descriptors, and
   clients that are freed at any moment. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <poll.h>
#include <sched.h>

#include "support.h"

static bool readable(int fd) {
    struct pollfd poll_fd;
    poll_fd.fd = fd;
    poll_fd.events = POLLIN;
    poll_fd.revents = 0;
    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLIN) != 0;
}

static saltyrtc_queue *new_queue(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = NULL;
    OK(saltyrtc_queue_new(&queue, &error));
    return queue;
}

static int queue_fd(saltyrtc_queue *queue) {
    saltyrtc_error *error = NULL;
    int fd = -1;
    OK(saltyrtc_queue_fd(queue, &fd, &error));
    CHECK(fd >= 0);
    return fd;
}

/* A client with the Relayed Data task. Frees the configuration. */
static saltyrtc_client *on_queue(saltyrtc_queue *queue, uint64_t token, saltyrtc_config *config) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = NULL;
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    OK(saltyrtc_client_new_on_queue(config, queue, token, &client, &error));
    saltyrtc_config_free(config);
    return client;
}

/* One event. */
static saltyrtc_event *take_one(saltyrtc_queue *queue) {
    saltyrtc_error *error = NULL;
    saltyrtc_event *event = NULL;
    size_t count = 0;
    OK(saltyrtc_queue_next_events(queue, LIMIT_MS, &event, 1, &count, &error));
    CHECK(count == 1 && event != NULL);
    return event;
}

static void check_empty(saltyrtc_queue *queue) {
    saltyrtc_error *error = NULL;
    saltyrtc_event *none = NULL;
    uint64_t buffer[256];
    size_t count = 9, needed = 9;
    FAILS(SALTYRTC_STATUS_TIMEOUT, "time", saltyrtc_queue_next_events(queue, 0, &none, 1, &count, &error));
    CHECK(count == 0 && none == NULL);
    count = 9;
    FAILS(SALTYRTC_STATUS_TIMEOUT, "time",
          saltyrtc_queue_read(queue, 0, (uint8_t *)buffer, sizeof buffer, &count, &needed, &error));
    CHECK(count == 0 && needed == 0);
}

/* Takes events until one of this kind comes from this client. Those of others may come in between. */
static void skip_to(saltyrtc_queue *queue, uint64_t token, saltyrtc_event_kind kind) {
    bool found = false;
    while (!found) {
        saltyrtc_event *event = take_one(queue);
        found = event->token == token && event->kind == kind;
        CHECK(found || event->token != token || event->kind != SALTYRTC_EVENT_KIND_CLOSED);
        saltyrtc_event_free(event);
    }
}

/* A pair of which the responder is on the queue, and the initiator has a queue of its own. */
static pair half_on_queue(const test_server *server, saltyrtc_queue *queue, uint64_t token) {
    char invitation[SALTYRTC_INVITATION_BYTES];
    pair pair;
    pair.initiator = pull_client(initiator_config(server, invitation));
    pair.responder = on_queue(queue, token, responder_config(invitation));
    SKIP_TO(pair.initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    skip_to(queue, token, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    return pair;
}

static void free_pair(pair pair) {
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
}

/* Has the initiator send messages with their numbers and close. When this returns, all of it has arrived: the
   events of so many messages wait, and CLOSED is there or is about to come. */
static void arrived(pair pair, uint32_t messages) {
    saltyrtc_error *error = NULL;
    const time_t begin = time(NULL);
    uint32_t i;
    for (i = 0; i < messages; i++) {
        OK(saltyrtc_client_send_bytes(pair.initiator, (const uint8_t *)&i, sizeof i, &error));
    }
    OK(saltyrtc_client_close(pair.initiator, &error));
    CHECK_END(pair.initiator, SALTYRTC_STATUS_OK, "closed");
    while (state_of(pair.responder) != SALTYRTC_STATE_CLOSED) {
        CHECK(time(NULL) - begin < LIMIT_S);
        CHECK(sched_yield() == 0);
    }
}

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
    free_pair(pair);
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
        free_pair(pairs[i]);
    }
    saltyrtc_queue_free(queue);
    checked("clients take turns");
}

/* ---- Records ---- */

/* The record with this number. The size of records is the library's. */
static saltyrtc_record record_at(const uint8_t *buffer, size_t number) {
    saltyrtc_record record;
    uint32_t size;
    memcpy(&size, buffer, sizeof size);
    CHECK(size >= sizeof record && size % 8 == 0);
    memcpy(&record, buffer + number * size, sizeof record);
    CHECK(record.record_size == size);
    return record;
}

static bool has_text(const uint8_t *buffer, uint32_t offset, uint32_t len, const char *text) {
    return offset != 0 && len == strlen(text) && memcmp(buffer + offset, text, len) == 0;
}

/* What a client says, in records and in events. */
static void records_are_the_events(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    char invitation[SALTYRTC_INVITATION_BYTES];
    uint64_t memory[512];
    const uint8_t *buffer = (const uint8_t *)memory;
    const uint64_t token = 0x0102030405060708u;
    saltyrtc_client *initiator = pull_client(initiator_config(server, invitation));
    saltyrtc_client *responder;
    uint8_t key[SALTYRTC_KEY_BYTES];
    saltyrtc_record record;
    size_t count = 0, i, seen = 0;
    bool done = false;
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    responder = on_queue(queue, token, responder_config(invitation));
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    OK(saltyrtc_client_path(initiator, key, &error));
    while (!done) {
        OK(saltyrtc_queue_read(queue, LIMIT_MS, (uint8_t *)memory, sizeof memory, &count, NULL, &error));
        CHECK(count > 0);
        for (i = 0; i < count; i++) {
            record = record_at(buffer, i);
            CHECK(record.token == token);
            if (record.kind == SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE) {
                CHECK(record.flags == ((uint32_t)SALTYRTC_RECORD_FLAG_SERVER_VERIFIED |
                                       (uint32_t)SALTYRTC_RECORD_FLAG_PEER_PRESENT));
                CHECK(record.address >= 2 && record.text_offset == 0 && record.text_len == 0);
            }
            if (record.kind == SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE) {
                CHECK(record.address == 1 && record.payload == SALTYRTC_PAYLOAD_NONE);
                CHECK(has_text(buffer, record.task_offset, record.task_len, RELAYED_DATA));
                CHECK(record.peer_key_len == SALTYRTC_KEY_BYTES);
                CHECK(memcmp(buffer + record.peer_key_offset, key, sizeof key) == 0);
                CHECK(i == count - 1);
                done = true;
            }
        }
    }
    OK(saltyrtc_client_send_text(initiator, TEXT(""), &error));
    OK(saltyrtc_client_send_text(initiator, TEXT("text"), &error));
    OK(saltyrtc_client_close(initiator, &error));
    for (done = false; !done;) {
        /* Anywhere in memory. */
        uint8_t *shifted = (uint8_t *)memory + seen + 1;
        OK(saltyrtc_queue_read(queue, LIMIT_MS, shifted, sizeof memory - 8, &count, NULL, &error));
        for (i = 0; i < count; i++) {
            record = record_at(shifted, i);
            if (seen < 2) {
                CHECK(record.kind == SALTYRTC_EVENT_KIND_DATA && record.payload == SALTYRTC_PAYLOAD_TEXT);
                CHECK(has_text(shifted, record.data_offset, record.data_len, seen == 0 ? "" : "text"));
            } else {
                CHECK(record.kind == SALTYRTC_EVENT_KIND_CLOSED && !done);
                CHECK(record.status == SALTYRTC_STATUS_PEER_CLOSED && record.close_code == 1001);
                CHECK(record.closed_by == SALTYRTC_CLOSED_BY_PEER && record.flags == 0);
                CHECK(record.text_offset != 0 && record.text_len > 10);
                done = true;
            }
            seen++;
        }
    }
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    saltyrtc_queue_free(queue);
    checked("records say what events say");
}

/* Messages of many sizes through buffers of many sizes. */
static void nothing_is_lost_in_a_small_buffer(const test_server *server) {
    enum { MESSAGES = 120, LARGEST = 30000, GUARD = 64 };
    static uint8_t message[LARGEST];
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    pair pair = half_on_queue(server, queue, 7);
    size_t capacity = 0, count = 0, needed = 0, i, too_small = 0;
    uint32_t number, next = 0;
    const int fd = queue_fd(queue);
    bool done = false;
    for (number = 0; number < MESSAGES; number++) {
        const size_t len = 4 + (number * 7919u) % (number % 10 == 0 ? LARGEST - 4 : 300);
        memset(message, (int)(number % 251), len);
        memcpy(message, &number, sizeof number);
        OK(saltyrtc_client_send_bytes(pair.initiator, message, len, &error));
    }
    arrived(pair, 0);
    while (!done) {
        /* Allocated exactly, so that valgrind sees the end of it. */
        uint8_t *buffer = (uint8_t *)malloc(capacity + GUARD);
        saltyrtc_status status;
        CHECK(buffer != NULL && (next == MESSAGES || readable(fd)));
        memset(buffer, 0x5a, capacity + GUARD);
        status = saltyrtc_queue_read(queue, LIMIT_MS, buffer, capacity, &count, &needed, NULL);
        CHECK(all_bytes_are(buffer + capacity, GUARD, 0x5a));
        if (status == SALTYRTC_STATUS_BUFFER_TOO_SMALL) {
            const size_t enough = needed;
            CHECK(count == 0 && enough > capacity && all_bytes_are(buffer, capacity, 0x5a));
            /* It says so as often as it is asked. */
            FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "larger",
                  saltyrtc_queue_read(queue, -1, buffer, capacity, &count, &needed, &error));
            FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "larger",
                  saltyrtc_queue_read(queue, -1, NULL, 100000, &count, &needed, &error));
            CHECK(needed == enough);
            capacity = enough;
            too_small++;
        } else {
            CHECK(status == SALTYRTC_STATUS_OK && count >= 1 && needed == 0);
            for (i = 0; i < count; i++) {
                const saltyrtc_record record = record_at(buffer, i);
                if (record.kind == SALTYRTC_EVENT_KIND_CLOSED) {
                    CHECK(next == MESSAGES && i == count - 1);
                    done = true;
                    break;
                }
                CHECK(record.kind == SALTYRTC_EVENT_KIND_DATA && record.token == 7);
                CHECK(record.data_offset >= count * record.record_size);
                CHECK((size_t)record.data_offset + record.data_len <= capacity);
                memcpy(&number, buffer + record.data_offset, sizeof number);
                CHECK(number == next);
                CHECK(record.data_len == 4 + (number * 7919u) % (number % 10 == 0 ? LARGEST - 4 : 300));
                CHECK(all_bytes_are(buffer + record.data_offset + 4, record.data_len - 4, (int)(number % 251)));
                next++;
            }
            /* Sometimes much too small, sometimes with room for several. */
            capacity = next % 3 == 0 ? 1 : next % 3 == 1 ? sizeof(saltyrtc_record) : 3000;
        }
        free(buffer);
    }
    CHECK(too_small > 10 && !readable(fd));
    free_pair(pair);
    saltyrtc_queue_free(queue);
    checked("a buffer that is too small loses nothing");
}

/* A client with large events gets its turn in a small buffer, and leaves the others theirs. */
static void large_events_wait_for_nobody(const test_server *server) {
    enum { MESSAGES = 30, SIZE = 2000 };
    static uint8_t message[SIZE];
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    pair large = half_on_queue(server, queue, 1), small = half_on_queue(server, queue, 2);
    uint64_t memory[(SIZE + 2 * sizeof(saltyrtc_record)) / 8];
    size_t count = 0, i;
    int left[2] = {MESSAGES + 1, MESSAGES + 1};
    int since[2] = {0, 0};
    for (i = 0; i < MESSAGES; i++) {
        OK(saltyrtc_client_send_bytes(large.initiator, message, SIZE, &error));
    }
    arrived(large, 0);
    arrived(small, MESSAGES);
    while (left[0] + left[1] > 0) {
        OK(saltyrtc_queue_read(queue, LIMIT_MS, (uint8_t *)memory, sizeof memory, &count, NULL, &error));
        CHECK(count >= 1);
        since[0]++;
        since[1]++;
        for (i = 0; i < count; i++) {
            const saltyrtc_record record = record_at((const uint8_t *)memory, i);
            left[record.token - 1]--;
            since[record.token - 1] = 0;
        }
        /* CLOSED may still be about to come. */
        CHECK((left[0] <= 1 || since[0] <= 2) && (left[1] <= 1 || since[1] <= 2));
    }
    check_empty(queue);
    free_pair(large);
    free_pair(small);
    saltyrtc_queue_free(queue);
    checked("large events wait for nobody, and nobody waits for them");
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
    free_pair(pair);
    saltyrtc_queue_free(NULL);
    checked("freeing a queue closes its clients, which stay what they are");
}

/* ---- Many threads ---- */

enum { TAKERS = 4, ROUNDS = 30, AT_ONCE = 4 };

typedef struct crowd {
    saltyrtc_queue *queue;
    /* Under the lock. Clients with smaller tokens were freed. */
    uint64_t freed;
    uint64_t events;
    int data;
    bool stop;
} crowd;

/* No event of a client that was freed before the call began. */
static void check_token(crowd *self, uint64_t token, uint64_t freed, int32_t kind) {
    CHECK(token >= freed);
    lock();
    self->events++;
    self->data += kind == SALTYRTC_EVENT_KIND_DATA;
    unlock();
}

static bool begin_call(crowd *self, uint64_t *freed) {
    bool stop;
    lock();
    *freed = self->freed;
    stop = self->stop;
    unlock();
    return !stop;
}

static void *take_events(void *argument) {
    crowd *self = (crowd *)argument;
    uint64_t freed;
    while (begin_call(self, &freed)) {
        saltyrtc_event *events[5];
        size_t count = 0, i;
        CHECK(saltyrtc_queue_next_events(self->queue, -1, events, 5, &count, NULL) == SALTYRTC_STATUS_OK);
        for (i = 0; i < count; i++) {
            check_token(self, events[i]->token, freed, (int32_t)events[i]->kind);
        }
        saltyrtc_events_free(events, count);
    }
    return NULL;
}

static void *take_records(void *argument) {
    crowd *self = (crowd *)argument;
    uint64_t freed;
    while (begin_call(self, &freed)) {
        uint64_t buffer[200];
        size_t count = 0, i;
        CHECK(saltyrtc_queue_read(self->queue, -1, (uint8_t *)buffer, sizeof buffer, &count, NULL, NULL) ==
              SALTYRTC_STATUS_OK);
        for (i = 0; i < count; i++) {
            const saltyrtc_record record = record_at((const uint8_t *)buffer, i);
            check_token(self, record.token, freed, record.kind);
        }
    }
    return NULL;
}

/* Clients come and go while threads take their events: those of a client that was freed are never taken. */
static void clients_are_freed_while_threads_take(const test_server *server) {
    saltyrtc_error *error = NULL;
    crowd self;
    pthread_t threads[TAKERS];
    uint64_t token = 0;
    int round, i, before;
    memset(&self, 0, sizeof self);
    self.queue = new_queue();
    for (i = 0; i < TAKERS; i++) {
        threads[i] = start_thread(i % 2 == 0 ? take_events : take_records, &self);
    }
    for (round = 0; round < ROUNDS; round++) {
        char invitation[SALTYRTC_INVITATION_BYTES];
        saltyrtc_client *initiators[AT_ONCE], *responders[AT_ONCE];
        for (i = 0; i < AT_ONCE; i++) {
            /* Freed wherever it is, with and without events that wait. */
            initiators[i] = on_queue(self.queue, token++, initiator_config(server, invitation));
            responders[i] = on_queue(self.queue, token++, responder_config(invitation));
        }
        if (round % 3 == 0) {
            before = read_count(&self.data);
            for (i = 0; i < AT_ONCE; i++) {
                while (saltyrtc_client_send_text(initiators[i], TEXT("x"), NULL) == SALTYRTC_STATUS_NO_PEER) {
                    CHECK(sched_yield() == 0);
                }
                OK(saltyrtc_client_send_text(initiators[i], TEXT("y"), &error));
            }
            if (round % 2 == 0) {
                AWAIT(self.data == before + 2 * AT_ONCE);
            }
        }
        for (i = 0; i < AT_ONCE; i++) {
            saltyrtc_client_free(initiators[i]);
            saltyrtc_client_free(responders[i]);
            lock();
            self.freed += 2;
            unlock();
        }
    }
    lock();
    self.stop = true;
    unlock();
    for (i = 0; i < TAKERS; i++) {
        OK(saltyrtc_queue_wake(self.queue, &error));
    }
    for (i = 0; i < TAKERS; i++) {
        join(threads[i]);
    }
    CHECK(self.events > 0);
    saltyrtc_queue_free(self.queue);
    checked("clients are freed while threads take events");
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
    records_are_the_events(&server);
    nothing_is_lost_in_a_small_buffer(&server);
    large_events_wait_for_nobody(&server);
    events_of_freed_clients_are_gone(&server);
    each_wake_wakes_one_thread();
    freeing_a_queue_closes_its_clients(&server);
    clients_are_freed_while_threads_take(&server);
    not_in_callbacks_and_not_elsewhere(&server);
    end_server(&server);
    end_library();
    return 0;
}
