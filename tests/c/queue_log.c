/* Log messages on a queue. */

#include "queue.h"

/* A server and a client that connects and closes: the library has something to say about that. Afterwards
   no thread of the library is left that could log more. */
static void something_to_log(void) {
    saltyrtc_error *error = NULL;
    test_server server;
    saltyrtc_client *client;
    start_server(&server);
    client = pull_client(initiator_config(&server, NULL));
    SKIP_TO(client, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    OK(saltyrtc_client_close(client, &error));
    CHECK_END(client, SALTYRTC_STATUS_OK, "closed");
    saltyrtc_client_free(client);
    end_server(&server);
    end_library();
}

/* Takes all that waits, and counts the messages. None has been dropped before the first `whole` of them. */
static int drain(saltyrtc_queue *queue, int whole, uint64_t *dropped) {
    saltyrtc_event *event = NULL;
    size_t count = 0;
    int messages = 0;
    *dropped = 0;
    while (saltyrtc_queue_next_events(queue, 0, &event, 1, &count, NULL) == SALTYRTC_STATUS_OK) {
        CHECK(count == 1 && event->kind == SALTYRTC_EVENT_KIND_LOG && event->token == 0);
        CHECK(event->text[0] != '\0' && strlen(event->text) == event->text_len);
        CHECK(strncmp(event->log_target, "saltyrtc", 8) == 0);
        CHECK(event->log_level >= SALTYRTC_LOG_LEVEL_ERROR && event->log_level <= SALTYRTC_LOG_LEVEL_TRACE);
        CHECK(messages >= whole || event->dropped == 0);
        *dropped += event->dropped;
        messages++;
        saltyrtc_event_free(event);
    }
    return messages;
}

static void messages_wait_and_are_dropped(void) {
    enum { CAPACITY = 3 };
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    const int fd = queue_fd(queue);
    uint64_t dropped = 0;
    OK(saltyrtc_queue_set_log(queue, SALTYRTC_LOG_LEVEL_TRACE, CAPACITY, &error));
    something_to_log();
    something_to_log();
    CHECK(readable(fd));
    CHECK(drain(queue, CAPACITY, &dropped) == CAPACITY && dropped == 0);
    CHECK(!readable(fd));
    /* The next one says what was lost. */
    OK(saltyrtc_queue_set_log(queue, SALTYRTC_LOG_LEVEL_TRACE, 1, &error));
    something_to_log();
    CHECK(drain(queue, 0, &dropped) == 1 && dropped > 0);
    /* A queue takes only what it asked for, and nothing when it asks for nothing. */
    OK(saltyrtc_queue_set_log(queue, SALTYRTC_LOG_LEVEL_ERROR, 100, &error));
    something_to_log();
    CHECK(drain(queue, 100, &dropped) == 0);
    OK(saltyrtc_queue_set_log(queue, SALTYRTC_LOG_LEVEL_OFF, 100, &error));
    something_to_log();
    CHECK(drain(queue, 100, &dropped) == 0);
    saltyrtc_queue_free(queue);
    checked("log messages wait on a queue, and are counted when they are too many");
}

typedef struct counter {
    int messages;
    int freed;
} counter;

static void on_log(int32_t level, const char *target, const char *message, void *user_data) {
    counter *self = (counter *)user_data;
    (void)level;
    CHECK(target[0] != '\0' && message[0] != '\0');
    lock();
    self->messages++;
    unlock();
}

static void on_log_free(void *user_data) {
    counter *self = (counter *)user_data;
    lock();
    self->freed++;
    unlock();
}

/* Two queues and a callback get the same messages. */
static void everybody_gets_messages(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *first = new_queue(), *second = new_queue();
    counter self = {0, 0};
    uint64_t dropped = 0;
    int messages;
    OK(saltyrtc_queue_set_log(first, SALTYRTC_LOG_LEVEL_DEBUG, 10000, &error));
    OK(saltyrtc_log_set_callback(SALTYRTC_LOG_LEVEL_DEBUG, on_log, &self, on_log_free, &error));
    OK(saltyrtc_queue_set_log(second, SALTYRTC_LOG_LEVEL_ERROR, 10000, &error));
    OK(saltyrtc_queue_set_log(second, SALTYRTC_LOG_LEVEL_DEBUG, 10000, &error));
    something_to_log();
    messages = drain(first, 10000, &dropped);
    CHECK(messages > 0 && drain(second, 10000, &dropped) == messages);
    CHECK(read_count(&self.messages) == messages && self.freed == 0);
    /* With messages that wait. */
    something_to_log();
    saltyrtc_queue_free(first);
    OK(saltyrtc_log_set_callback(SALTYRTC_LOG_LEVEL_OFF, NULL, NULL, NULL, &error));
    CHECK(self.freed == 1);
    CHECK(drain(second, 10000, &dropped) > 0);
    saltyrtc_queue_free(second);
    checked("queues and the callback get the same messages");
}

/* Events of clients come in between, in records too, and log messages have turns like anybody else. */
static void messages_among_events(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    saltyrtc_client *client;
    uint64_t buffer[512];
    size_t count = 0, i;
    int messages = 0;
    bool closed = false;
    OK(saltyrtc_queue_set_log(queue, SALTYRTC_LOG_LEVEL_DEBUG, 10000, &error));
    client = on_queue(queue, 5, initiator_config(server, NULL));
    OK(saltyrtc_client_close(client, &error));
    while (!closed) {
        OK(saltyrtc_queue_read(queue, LIMIT_MS, (uint8_t *)buffer, sizeof buffer, &count, NULL, &error));
        for (i = 0; i < count; i++) {
            const uint8_t *bytes = (const uint8_t *)buffer;
            const saltyrtc_record record = record_at(bytes, i);
            if (record.kind == SALTYRTC_EVENT_KIND_LOG) {
                CHECK(record.token == 0 && record.dropped == 0 && record.log_level == SALTYRTC_LOG_LEVEL_DEBUG);
                CHECK(record.text_offset != 0 && record.text_len > 0);
                CHECK(record.log_target_offset != 0 && record.log_target_len > 8);
                CHECK(memcmp(bytes + record.log_target_offset, "saltyrtc", 8) == 0);
                messages++;
            } else {
                CHECK(record.token == 5 && record.log_target_offset == 0);
                closed = record.kind == SALTYRTC_EVENT_KIND_CLOSED;
            }
        }
    }
    CHECK(messages > 0);
    saltyrtc_client_free(client);
    saltyrtc_queue_free(queue);
    checked("log messages among events");
}

static void nonsense(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    FAILS(SALTYRTC_STATUS_NULL_ARGUMENT, "queue",
          saltyrtc_queue_set_log(NULL, SALTYRTC_LOG_LEVEL_WARN, 1, &error));
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "level", saltyrtc_queue_set_log(queue, 6, 1, &error));
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "level", saltyrtc_queue_set_log(queue, -1, 1, &error));
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "capacity",
          saltyrtc_queue_set_log(queue, SALTYRTC_LOG_LEVEL_WARN, 0, &error));
    saltyrtc_queue_free(queue);
    checked("nonsense");
}

int main(void) {
    test_server server;
    messages_wait_and_are_dropped();
    everybody_gets_messages();
    nonsense();
    start_server(&server);
    messages_among_events(&server);
    end_server(&server);
    end_library();
    return 0;
}
