/* What the tests of event queues share. Valid as C99 and as C++11. */

#ifndef QUEUE_H
#define QUEUE_H

#include <poll.h>
#include <sched.h>

#include "support.h"

static inline bool readable(int fd) {
    struct pollfd poll_fd;
    poll_fd.fd = fd;
    poll_fd.events = POLLIN;
    poll_fd.revents = 0;
    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLIN) != 0;
}

static inline saltyrtc_queue *new_queue(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = NULL;
    OK(saltyrtc_queue_new(&queue, &error));
    return queue;
}

static inline int queue_fd(saltyrtc_queue *queue) {
    saltyrtc_error *error = NULL;
    int fd = -1;
    OK(saltyrtc_queue_fd(queue, &fd, &error));
    CHECK(fd >= 0);
    return fd;
}

/* A client with the Relayed Data task. Frees the configuration. */
static inline saltyrtc_client *on_queue(saltyrtc_queue *queue, uint64_t token, saltyrtc_config *config) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = NULL;
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    OK(saltyrtc_client_new_on_queue(config, queue, token, &client, &error));
    saltyrtc_config_free(config);
    return client;
}

/* One event. */
static inline saltyrtc_event *take_one(saltyrtc_queue *queue) {
    saltyrtc_error *error = NULL;
    saltyrtc_event *event = NULL;
    size_t count = 0;
    OK(saltyrtc_queue_next_events(queue, LIMIT_MS, &event, 1, &count, &error));
    CHECK(count == 1 && event != NULL);
    return event;
}

static inline void check_empty(saltyrtc_queue *queue) {
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
static inline void skip_to(saltyrtc_queue *queue, uint64_t token, saltyrtc_event_kind kind) {
    bool found = false;
    while (!found) {
        saltyrtc_event *event = take_one(queue);
        found = event->token == token && event->kind == kind;
        CHECK(found || event->token != token || event->kind != SALTYRTC_EVENT_KIND_CLOSED);
        saltyrtc_event_free(event);
    }
}

/* A pair of which the responder is on the queue, and the initiator has a queue of its own. */
static inline pair half_on_queue(const test_server *server, saltyrtc_queue *queue, uint64_t token) {
    char invitation[SALTYRTC_INVITATION_BYTES];
    pair pair;
    pair.initiator = pull_client(initiator_config(server, invitation));
    pair.responder = on_queue(queue, token, responder_config(invitation));
    SKIP_TO(pair.initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    skip_to(queue, token, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    return pair;
}

static inline void free_both(pair pair) {
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
}

/* Has the initiator send messages with their numbers and close. When this returns, all of it has arrived: the
   events of so many messages wait, and CLOSED is there or is about to come. */
static inline void arrived(pair pair, uint32_t messages) {
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

/* The record with this number. The size of records is the library's. */
static inline saltyrtc_record record_at(const uint8_t *buffer, size_t number) {
    saltyrtc_record record;
    uint32_t size;
    memcpy(&size, buffer, sizeof size);
    CHECK(size >= sizeof record && size % 8 == 0);
    memcpy(&record, buffer + number * size, sizeof record);
    CHECK(record.record_size == size);
    return record;
}

static inline bool has_text(const uint8_t *buffer, uint32_t offset, uint32_t len, const char *text) {
    return offset != 0 && len == strlen(text) && memcmp(buffer + offset, text, len) == 0;
}

#endif
