/* Clients without callback: their descriptor in poll(2), waiting by several threads, time-outs, and
   the end of it all. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support.h"

static bool readable(int fd, int timeout_ms) {
    struct pollfd poll_fd;
    poll_fd.fd = fd;
    poll_fd.events = POLLIN;
    poll_fd.revents = 0;
    return poll(&poll_fd, 1, timeout_ms) == 1 && (poll_fd.revents & POLLIN) != 0;
}

static int event_fd(saltyrtc_client *client) {
    saltyrtc_error *error = NULL;
    int fd = -1, again = -1;
    OK(saltyrtc_client_event_fd(client, &fd, &error));
    OK(saltyrtc_client_event_fd(client, &again, &error));
    CHECK(fd >= 0 && again == fd);
    return fd;
}

/* What is there, without waiting: SALTYRTC_EVENT_KIND_UNKNOWN for nothing. */
static saltyrtc_event_kind take_now(saltyrtc_client *client) {
    saltyrtc_event *event = NULL;
    saltyrtc_event_kind kind = SALTYRTC_EVENT_KIND_UNKNOWN;
    if (saltyrtc_client_next_event(client, 0, &event, NULL) == SALTYRTC_STATUS_OK) {
        kind = event->kind;
        saltyrtc_event_free(event);
    }
    return kind;
}

static void readable_exactly_while_events_wait(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_event *event = NULL;
    pair pair = connected_pair(server);
    const int fd = event_fd(pair.responder);
    int i;
    CHECK(!readable(fd, 0) && take_now(pair.responder) == SALTYRTC_EVENT_KIND_UNKNOWN);
    FAILS(SALTYRTC_STATUS_TIMEOUT, "time",
          saltyrtc_client_next_event(pair.responder, 0, &event, &error));
    for (i = 0; i < 10; i++) {
        OK(saltyrtc_client_send_text(pair.initiator, TEXT("1"), &error));
        CHECK(readable(fd, LIMIT_MS));
        /* Still: looking takes nothing away. */
        CHECK(readable(fd, 0));
        CHECK(take_now(pair.responder) == SALTYRTC_EVENT_KIND_DATA);
        CHECK(!readable(fd, 0));
    }
    /* Several at once: until the last one is taken. */
    OK(saltyrtc_client_send_text(pair.initiator, TEXT("1"), &error));
    OK(saltyrtc_client_send_text(pair.initiator, TEXT("2"), &error));
    OK(saltyrtc_client_close(pair.initiator, &error));
    for (i = 0;; i++) {
        saltyrtc_event_kind kind;
        CHECK(readable(fd, LIMIT_MS));
        kind = take_now(pair.responder);
        if (kind == SALTYRTC_EVENT_KIND_CLOSED) {
            break;
        }
        CHECK(kind == SALTYRTC_EVENT_KIND_DATA);
    }
    CHECK(i == 2 && !readable(fd, 0));
    FAILS(SALTYRTC_STATUS_NO_MORE_EVENTS, "ended",
          saltyrtc_client_next_event(pair.responder, -1, &event, &error));
    FAILS(SALTYRTC_STATUS_NO_MORE_EVENTS, "ended",
          saltyrtc_client_next_event(pair.responder, 0, &event, &error));
    CHECK(event == NULL && !readable(fd, 0));
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    checked("the descriptor is readable exactly while events wait");
}

static void asked_for_when_events_wait_already(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = pull_client(initiator_config(server, NULL));
    const int before = open_descriptors();
    int fd;
    SKIP_TO(client, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    OK(saltyrtc_client_close(client, &error));
    fd = event_fd(client);
    CHECK(readable(fd, LIMIT_MS));
    CHECK_END(client, SALTYRTC_STATUS_OK, "closed");
    saltyrtc_client_free(client);
    /* Closed with the client: both ends of it, and the connection. */
    CHECK(open_descriptors() < before + 2);
    checked("the descriptor can be asked for at any time");
}

/* One loop for several clients, as an application would have it. */
static void several_clients_in_one_loop(const test_server *server) {
    enum { CLIENTS = 6 };
    saltyrtc_error *error = NULL;
    saltyrtc_client *clients[CLIENTS];
    struct pollfd fds[CLIENTS];
    int closed = 0, i;
    for (i = 0; i < CLIENTS; i++) {
        clients[i] = pull_client(initiator_config(server, NULL));
        fds[i].fd = event_fd(clients[i]);
        fds[i].events = POLLIN;
    }
    while (closed < CLIENTS) {
        CHECK(poll(fds, CLIENTS, LIMIT_MS) > 0);
        for (i = 0; i < CLIENTS; i++) {
            if (fds[i].revents != 0) {
                const saltyrtc_event_kind kind = take_now(clients[i]);
                if (kind == SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE) {
                    OK(saltyrtc_client_close(clients[i], &error));
                } else {
                    CHECK(kind == SALTYRTC_EVENT_KIND_CLOSED);
                    closed++;
                }
            }
        }
    }
    for (i = 0; i < CLIENTS; i++) {
        saltyrtc_client_free(clients[i]);
    }
    checked("several clients in one poll loop");
}

/* ---- Several threads ---- */

typedef struct consumers {
    saltyrtc_client *client;
    int data;
    int closed;
    int ended;
    /* The thread that is about to wait. */
    long waiting;
} consumers;

static void *consume(void *argument) {
    consumers *self = (consumers *)argument;
    for (;;) {
        saltyrtc_event *event = NULL;
        const saltyrtc_status status = saltyrtc_client_next_event(self->client, -1, &event, NULL);
        lock();
        if (status == SALTYRTC_STATUS_OK) {
            self->data += event->kind == SALTYRTC_EVENT_KIND_DATA;
            self->closed += event->kind == SALTYRTC_EVENT_KIND_CLOSED;
            saltyrtc_event_free(event);
        } else {
            CHECK(status == SALTYRTC_STATUS_NO_MORE_EVENTS && event == NULL);
            self->ended++;
        }
        unlock();
        if (status != SALTYRTC_STATUS_OK) {
            return NULL;
        }
    }
}

static void each_event_goes_to_one_thread(const test_server *server) {
    enum { THREADS = 4, MESSAGES = 100 };
    saltyrtc_error *error = NULL;
    pair pair = connected_pair(server);
    pthread_t threads[THREADS];
    consumers self;
    int i;
    memset(&self, 0, sizeof self);
    self.client = pair.responder;
    for (i = 0; i < THREADS; i++) {
        threads[i] = start_thread(consume, &self);
    }
    for (i = 0; i < MESSAGES; i++) {
        OK(saltyrtc_client_send_text(pair.initiator, TEXT("x"), &error));
    }
    AWAIT(self.data == MESSAGES);
    OK(saltyrtc_client_close(pair.initiator, &error));
    for (i = 0; i < THREADS; i++) {
        join(threads[i]);
    }
    CHECK(self.data == MESSAGES && self.closed == 1 && self.ended == THREADS);
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    checked("each event goes to one of several threads, and all learn of the end");
}

static void *wait_for_ever(void *argument) {
    consumers *self = (consumers *)argument;
    saltyrtc_event *event = NULL;
    lock();
    self->waiting = syscall(SYS_gettid);
    unlock();
    CHECK(saltyrtc_client_next_event(self->client, -1, &event, NULL) ==
          SALTYRTC_STATUS_NO_MORE_EVENTS);
    CHECK(event == NULL);
    return NULL;
}

/* Whether a thread sleeps in a futex, which is what condition variables wait with. */
static bool sleeps(long thread) {
    char path[64];
    long number = -1;
    FILE *file;
    snprintf(path, sizeof path, "/proc/self/task/%ld/syscall", thread);
    file = fopen(path, "r");
    CHECK(file != NULL);
    if (fscanf(file, "%ld", &number) != 1) {
        number = -1; /* "running" */
    }
    CHECK(fclose(file) == 0);
    return number == SYS_futex;
}

/* Nothing else can be called with a client while it is freed, so the thread has to be in there. */
static void freed_while_a_thread_waits(const test_server *server) {
    int i;
    for (i = 0; i < 10; i++) {
        consumers self;
        pthread_t thread;
        const time_t begin = time(NULL);
        memset(&self, 0, sizeof self);
        self.client = pull_client(initiator_config(server, NULL));
        SKIP_TO(self.client, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
        thread = start_thread(wait_for_ever, &self);
        AWAIT(self.waiting != 0);
        while (!sleeps(self.waiting)) {
            CHECK(time(NULL) - begin < LIMIT_S);
            sched_yield();
        }
        saltyrtc_client_free(self.client);
        join(thread);
    }
    checked("freeing a client wakes the thread that waits for its events");
}

static void time_outs_are_kept(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_event *event = NULL;
    struct timespec begin, end;
    int64_t took;
    saltyrtc_client *client = pull_client(initiator_config(server, NULL));
    SKIP_TO(client, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &begin) == 0);
    FAILS(SALTYRTC_STATUS_TIMEOUT, "time", saltyrtc_client_next_event(client, 50, &event, &error));
    CHECK(clock_gettime(CLOCK_MONOTONIC, &end) == 0);
    took = (int64_t)(end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
    CHECK(took >= 49 && took < LIMIT_MS && event == NULL);
    /* More than any clock can count is for ever, or until something comes. */
    OK(saltyrtc_client_close(client, &error));
    OK(saltyrtc_client_next_event(client, INT64_MAX, &event, &error));
    CHECK(event->kind == SALTYRTC_EVENT_KIND_CLOSED);
    saltyrtc_event_free(event);
    FAILS(SALTYRTC_STATUS_NO_MORE_EVENTS, "ended",
          saltyrtc_client_next_event(client, INT64_MIN, &event, &error));
    saltyrtc_client_free(client);
    checked("time-outs are kept");
}

static void events_outlive_their_client(const test_server *server) {
    pair pair = connected_pair(server);
    saltyrtc_error *error = NULL;
    saltyrtc_event *event;
    OK(saltyrtc_client_send_text(pair.initiator, TEXT("still here"), &error));
    event = TAKE(pair.responder, SALTYRTC_EVENT_KIND_DATA);
    saltyrtc_client_free(pair.responder);
    saltyrtc_client_free(pair.initiator);
    CHECK(event->data_len == 10 && memcmp(event->data, "still here", 10) == 0);
    saltyrtc_event_free(event);
    checked("events outlive their client");
}

static void not_for_clients_with_callback(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_event *event = (saltyrtc_event *)&error;
    watch self;
    int fd = 0;
    saltyrtc_client *client;
    memset(&self, 0, sizeof self);
    client = watched(&self, with_relayed_data(initiator_config(server, NULL)));
    FAILS(SALTYRTC_STATUS_HAS_CALLBACK, "callback",
          saltyrtc_client_next_event(client, -1, &event, &error));
    FAILS(SALTYRTC_STATUS_HAS_CALLBACK, "callback", saltyrtc_client_event_fd(client, &fd, &error));
    FAILS(SALTYRTC_STATUS_HAS_CALLBACK, "callback", saltyrtc_client_pause_events(client, true, &error));
    CHECK(event == NULL && fd == -1);
    saltyrtc_client_free(client);
    CHECK(self.freed == 1);
    checked("pulling is not for clients with a callback");
}

int main(void) {
    test_server server;
    start_server(&server);
    readable_exactly_while_events_wait(&server);
    asked_for_when_events_wait_already(&server);
    several_clients_in_one_loop(&server);
    each_event_goes_to_one_thread(&server);
    freed_while_a_thread_waits(&server);
    time_outs_are_kept(&server);
    events_outlive_their_client(&server);
    not_for_clients_with_callback(&server);
    end_server(&server);
    end_library();
    return 0;
}
