/* Events as records: what they say, in buffers of any size. */

#include "queue.h"

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
                CHECK(record.closed_by == SALTYRTC_CLOSED_BY_PEER && record.flags == SALTYRTC_RECORD_FLAG_RETRYABLE);
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
    free_both(pair);
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
    free_both(large);
    free_both(small);
    saltyrtc_queue_free(queue);
    checked("large events wait for nobody, and nobody waits for them");
}

int main(void) {
    test_server server;
    start_server(&server);
    records_are_the_events(&server);
    nothing_is_lost_in_a_small_buffer(&server);
    large_events_wait_for_nobody(&server);
    end_server(&server);
    end_library();
    return 0;
}
