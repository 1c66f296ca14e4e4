/* An event queue from which several threads take, while clients come and go. For race detectors, too. */

#include "queue.h"

enum { TAKERS = 4, ROUNDS = 30, AT_ONCE = 4 };

typedef struct crowd {
    saltyrtc_queue *queue;
    /* Under the lock. Clients with smaller tokens were freed. */
    uint64_t freed;
    uint64_t events;
    uint64_t logged;
    int data;
    bool stop;
} crowd;

/* No event of a client that was freed before the call began. */
static void check_token(crowd *self, uint64_t token, uint64_t freed, int32_t kind) {
    CHECK(token >= freed || kind == SALTYRTC_EVENT_KIND_LOG);
    lock();
    self->events += kind != SALTYRTC_EVENT_KIND_LOG;
    self->logged += kind == SALTYRTC_EVENT_KIND_LOG;
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
    /* Messages are logged with all kinds of locks held, and while events are taken. */
    OK(saltyrtc_queue_set_log(self.queue, SALTYRTC_LOG_LEVEL_TRACE, 100, &error));
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
    CHECK(self.events > 0 && self.logged > 0);
    saltyrtc_queue_free(self.queue);
    checked("clients are freed while threads take events");
}

int main(void) {
    test_server server;
    start_server(&server);
    clients_are_freed_while_threads_take(&server);
    end_server(&server);
    end_library();
    return 0;
}
