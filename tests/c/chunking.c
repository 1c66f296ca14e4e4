/* Messages in chunks: both modes, the examples of the specification, order, loss and duplicates, what a
   peer may do wrong, and limits. */

#include "support.h"

enum {
    MESSAGES = 40,
    CHUNK_SIZE = 100,
    /* Of the largest message in these tests. */
    MESSAGE_SIZE = 2000,
    /* Enough for all chunks of the messages. */
    TOTAL_SIZE = 500000,
    CHUNKS_MAX = MESSAGES * (MESSAGE_SIZE / (CHUNK_SIZE - 9) + 1),
    MINUTE_MS = 60000
};

static saltyrtc_chunker *new_chunker(saltyrtc_chunking_mode mode) {
    saltyrtc_error *error = NULL;
    saltyrtc_chunker *chunker = NULL;
    OK(saltyrtc_chunker_new(mode, &chunker, &error));
    return chunker;
}

static saltyrtc_unchunker *new_unchunker(saltyrtc_chunking_mode mode) {
    saltyrtc_error *error = NULL;
    saltyrtc_unchunker *unchunker = NULL;
    OK(saltyrtc_unchunker_new(mode, MESSAGE_SIZE, TOTAL_SIZE, MINUTE_MS, 1000, &unchunker, &error));
    return unchunker;
}

static void expect_chunk(saltyrtc_chunker *chunker, const void *expected, size_t expected_len) {
    saltyrtc_error *error = NULL;
    uint8_t chunk[CHUNK_SIZE];
    size_t len = 99;
    OK(saltyrtc_chunker_next(chunker, chunk, sizeof chunk, &len, &error));
    /* Nothing may be NULL, which memcmp does not take. */
    CHECK(len == expected_len && (len == 0 || memcmp(chunk, expected, len) == 0));
}

/* Adds a chunk that completes nothing. */
static void add(saltyrtc_unchunker *unchunker, const void *chunk, size_t chunk_len) {
    saltyrtc_error *error = NULL;
    size_t len = 99;
    OK(saltyrtc_unchunker_add(unchunker, (const uint8_t *)chunk, chunk_len, &len, &error));
    CHECK(len == 0);
    OK(saltyrtc_unchunker_next(unchunker, NULL, 0, &len, &error));
    CHECK(len == 0);
}

/* Adds a chunk that completes a message. */
static void completes(saltyrtc_unchunker *unchunker, const void *chunk, size_t chunk_len,
                      const void *expected, size_t expected_len) {
    saltyrtc_error *error = NULL;
    uint8_t message[MESSAGE_SIZE];
    size_t len = 0;
    OK(saltyrtc_unchunker_add(unchunker, (const uint8_t *)chunk, chunk_len, &len, &error));
    CHECK(len == expected_len);
    OK(saltyrtc_unchunker_next(unchunker, message, sizeof message, &len, &error));
    CHECK(len == expected_len && (len == 0 || memcmp(message, expected, len) == 0));
    OK(saltyrtc_unchunker_next(unchunker, message, sizeof message, &len, &error));
    CHECK(len == 0);
}

/* Covers C-024. */
static void example_of_reliable_ordered_mode(void) {
    static const uint8_t message[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t first[] = {6, 1, 2, 3, 4, 5}, second[] = {7, 6, 7, 8};
    saltyrtc_error *error = NULL;
    saltyrtc_chunker *chunker = new_chunker(SALTYRTC_CHUNKING_MODE_RELIABLE_ORDERED);
    saltyrtc_unchunker *unchunker = new_unchunker(SALTYRTC_CHUNKING_MODE_RELIABLE_ORDERED);
    OK(saltyrtc_chunker_add(chunker, message, sizeof message, 6, &error));
    expect_chunk(chunker, first, sizeof first);
    expect_chunk(chunker, second, sizeof second);
    expect_chunk(chunker, NULL, 0);
    add(unchunker, first, sizeof first);
    completes(unchunker, second, sizeof second, message, sizeof message);
    saltyrtc_chunker_free(chunker);
    saltyrtc_unchunker_free(unchunker);
    checked("example of reliable/ordered mode");
}

/* Covers C-025. */
static void example_of_unreliable_unordered_mode(void) {
    static const uint8_t message[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t first[] = {0, 0, 0, 0, 42, 0, 0, 0, 0, 1, 2, 3};
    static const uint8_t second[] = {0, 0, 0, 0, 42, 0, 0, 0, 1, 4, 5, 6};
    static const uint8_t third[] = {1, 0, 0, 0, 42, 0, 0, 0, 2, 7, 8};
    saltyrtc_error *error = NULL;
    uint8_t chunk[CHUNK_SIZE];
    size_t len, i;
    saltyrtc_chunker *chunker = new_chunker(SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED);
    saltyrtc_unchunker *unchunker = new_unchunker(SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED);
    /* The ids count from 0: this is message 42. */
    for (i = 0; i < 42; i++) {
        OK(saltyrtc_chunker_add(chunker, message, 1, 12, &error));
        OK(saltyrtc_chunker_next(chunker, chunk, sizeof chunk, &len, &error));
        CHECK(len == 10 && chunk[0] == 1 && chunk[4] == i);
    }
    OK(saltyrtc_chunker_add(chunker, message, sizeof message, 12, &error));
    expect_chunk(chunker, first, sizeof first);
    expect_chunk(chunker, second, sizeof second);
    expect_chunk(chunker, third, sizeof third);
    add(unchunker, third, sizeof third);
    add(unchunker, first, sizeof first);
    add(unchunker, first, sizeof first);
    completes(unchunker, second, sizeof second, message, sizeof message);
    add(unchunker, second, sizeof second);
    saltyrtc_chunker_free(chunker);
    saltyrtc_unchunker_free(unchunker);
    checked("example of unreliable/unordered mode");
}

static uint8_t byte_of(size_t message, size_t at) { return (uint8_t)(message * 7 + at * 31); }

static size_t size_of(size_t message) { return 1 + (message * 53) % MESSAGE_SIZE; }

/* Many messages, shuffled, with duplicates and losses: those without losses arrive, once. */
static void any_order(void) {
    static uint8_t chunks[2 * CHUNKS_MAX][CHUNK_SIZE];
    static size_t sizes[2 * CHUNKS_MAX];
    bool lost[MESSAGES] = {false}, arrived[MESSAGES] = {false};
    uint8_t message[MESSAGE_SIZE];
    size_t count = 0, len = 0, i, at;
    uint64_t given_up = 99, random = 1;
    saltyrtc_error *error = NULL;
    saltyrtc_chunker *chunker = new_chunker(SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED);
    saltyrtc_unchunker *unchunker = new_unchunker(SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED);
    /* All at once: the chunks come message by message. */
    for (i = 0; i < MESSAGES; i++) {
        for (at = 0; at < size_of(i); at++) {
            message[at] = byte_of(i, at);
        }
        OK(saltyrtc_chunker_add(chunker, message, size_of(i), CHUNK_SIZE, &error));
    }
    for (;;) {
        OK(saltyrtc_chunker_next(chunker, chunks[count], CHUNK_SIZE, &sizes[count], &error));
        if (sizes[count] == 0) {
            break;
        }
        CHECK(sizes[count] > 9 && count < CHUNKS_MAX);
        if (count % 50 == 49) {
            lost[chunks[count][4]] = true;
        } else {
            count++;
        }
    }
    memcpy(chunks[count], chunks[0], count * CHUNK_SIZE);
    memcpy(&sizes[count], &sizes[0], count * sizeof sizes[0]);
    count *= 2;
    while (count > 0) {
        /* Takes any of those that are left. */
        random = random * 6364136223846793005u + 1442695040888963407u;
        i = (size_t)(random >> 33) % count;
        OK(saltyrtc_unchunker_add(unchunker, chunks[i], sizes[i], &len, &error));
        if (len > 0) {
            const size_t id = chunks[i][4];
            CHECK(id < MESSAGES && !arrived[id] && !lost[id] && len == size_of(id));
            arrived[id] = true;
            OK(saltyrtc_unchunker_next(unchunker, message, sizeof message, &len, &error));
            for (at = 0; at < len; at++) {
                CHECK(message[at] == byte_of(id, at));
            }
        }
        count--;
        memcpy(chunks[i], chunks[count], CHUNK_SIZE);
        sizes[i] = sizes[count];
    }
    for (i = 0; i < MESSAGES; i++) {
        CHECK(arrived[i] != lost[i]);
    }
    OK(saltyrtc_unchunker_expire(unchunker, &given_up, &error));
    CHECK(given_up == 0);
    saltyrtc_chunker_free(chunker);
    saltyrtc_unchunker_free(unchunker);
    checked("any order, with duplicates and losses");
}

static void bad_chunks(void) {
    static const struct {
        const char *chunk;
        size_t len;
        const char *word;
    } bad[] = {
        {"", 0, "no data"},
        {"\0\0\0\0\0\0\0\0", 8, "no data"},
        {"\0\0\0\0\0\0\0\0\1", 9, "no data"},
        {"\x08\0\0\0\0\0\0\0\1x", 10, "upper five bits"},
        {"\x80\0\0\0\0\0\0\0\1x", 10, "upper five bits"},
        {"\x06\0\0\0\0\0\0\0\1x", 10, "mode"},
        {"\x02\0\0\0\0\0\0\0\1x", 10, "mode"},
        {"\x04\0\0\0\0\0\0\0\1x", 10, "mode"},
        {"\0\0\0\0\0\0\0\0\3x", 10, "ends with chunk 2"},
        {"\1\0\0\0\0\0\0\0\1x", 10, "ends with chunk 1"},
        {"\0\0\0\0\0\xff\xff\xff\xffx", 10, "ends with chunk 2"},
        {"\0\0\0\0\0\0\0\0\0y", 10, "came twice"},
    };
    saltyrtc_error *error = NULL;
    uint64_t given_up = 99;
    size_t i, len;
    saltyrtc_unchunker *unchunker = new_unchunker(SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED);
    add(unchunker, "\0\0\0\0\0\0\0\0\0a", 10);
    add(unchunker, "\1\0\0\0\0\0\0\0\2c", 10);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        len = 99;
        FAILS(SALTYRTC_STATUS_BAD_CHUNK, bad[i].word,
              saltyrtc_unchunker_add(unchunker, (const uint8_t *)bad[i].chunk, bad[i].len, &len,
                                     &error));
        CHECK(len == 0);
    }
    /* They changed nothing. */
    completes(unchunker, "\0\0\0\0\0\0\0\0\1b", 10, "abc", 3);
    saltyrtc_unchunker_free(unchunker);

    unchunker = new_unchunker(SALTYRTC_CHUNKING_MODE_RELIABLE_ORDERED);
    add(unchunker, "\6begin", 6);
    FAILS(SALTYRTC_STATUS_BAD_CHUNK, "mode",
          saltyrtc_unchunker_add(unchunker, (const uint8_t *)"\0wrong", 6, &len, &error));
    add(unchunker, "\7end", 4);
    completes(unchunker, "\7next", 5, "next", 4);
    OK(saltyrtc_unchunker_expire(unchunker, &given_up, &error));
    CHECK(given_up == 1);
    saltyrtc_unchunker_free(unchunker);
    checked("bad chunks");
}

static void limits(void) {
    static uint8_t large[MESSAGE_SIZE + 1];
    uint8_t chunk[CHUNK_SIZE] = {0};
    saltyrtc_error *error = NULL;
    uint64_t given_up = 0;
    size_t len, i, refused = 0;
    saltyrtc_chunker *chunker = new_chunker(SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED);
    saltyrtc_unchunker *unchunker = new_unchunker(SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED);
    OK(saltyrtc_chunker_add(chunker, large, sizeof large, CHUNK_SIZE, &error));
    for (;;) {
        OK(saltyrtc_chunker_next(chunker, chunk, sizeof chunk, &len, &error));
        if (len == 0) {
            break;
        }
        if (saltyrtc_unchunker_add(unchunker, chunk, len, &len, &error) != SALTYRTC_STATUS_OK) {
            CHECK(saltyrtc_error_status(error) == SALTYRTC_STATUS_TOO_LARGE);
            refused++;
        }
        CHECK(len == 0);
        saltyrtc_error_free(error);
    }
    CHECK(refused == 1);
    /* The beginnings of many messages, of which the oldest are given up. */
    for (i = 0; i < 2000; i++) {
        memset(chunk, 0, 10);
        chunk[3] = (uint8_t)(i >> 8);
        chunk[4] = (uint8_t)i;
        chunk[2] = 1;
        add(unchunker, chunk, 10);
    }
    OK(saltyrtc_unchunker_expire(unchunker, &given_up, &error));
    CHECK(given_up > 1000);
    /* The last one is still here. */
    chunk[0] = 1;
    chunk[8] = 1;
    completes(unchunker, chunk, 10, "\0\0", 2);
    saltyrtc_unchunker_free(unchunker);

    /* The clock is read: after a millisecond the first chunk is forgotten. */
    OK(saltyrtc_unchunker_new(SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED, 10, 1000, 1, 0, &unchunker,
                              &error));
    add(unchunker, "\0\0\0\0\0\0\0\0\0a", 10);
    do {
        OK(saltyrtc_unchunker_expire(unchunker, &given_up, &error));
    } while (given_up == 0);
    CHECK(given_up == 1);
    add(unchunker, "\1\0\0\0\0\0\0\0\1b", 10);
    saltyrtc_chunker_free(chunker);
    saltyrtc_unchunker_free(unchunker);
    checked("limits");
}

/* Neither a chunk nor a message is lost because a buffer is too small. */
static void buffers(void) {
    uint8_t buffer[12];
    size_t len = 0;
    saltyrtc_error *error = NULL;
    saltyrtc_chunker *chunker = new_chunker(SALTYRTC_CHUNKING_MODE_RELIABLE_ORDERED);
    saltyrtc_unchunker *unchunker = new_unchunker(SALTYRTC_CHUNKING_MODE_RELIABLE_ORDERED);
    OK(saltyrtc_chunker_add(chunker, (const uint8_t *)"twelve chars", 12, 13, &error));
    FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",
          saltyrtc_chunker_next(chunker, NULL, 0, &len, &error));
    CHECK(len == 13);
    FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",
          saltyrtc_chunker_next(chunker, buffer, sizeof buffer, NULL, &error));
    expect_chunk(chunker, "\7twelve chars", 13);
    OK(saltyrtc_unchunker_add(unchunker, (const uint8_t *)"\7twelve chars", 13, NULL, &error));
    /* The next chunk has to wait, and is not lost. */
    len = 99;
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "unchunker",
          saltyrtc_unchunker_add(unchunker, (const uint8_t *)"\7more", 5, &len, &error));
    CHECK(len == 0);
    FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",
          saltyrtc_unchunker_next(unchunker, buffer, 11, &len, &error));
    CHECK(len == 12);
    OK(saltyrtc_unchunker_next(unchunker, buffer, 12, &len, &error));
    CHECK(len == 12 && memcmp(buffer, "twelve chars", 12) == 0);
    completes(unchunker, "\7more", 5, "more", 4);
    /* What is left is freed with the handle. */
    OK(saltyrtc_chunker_add(chunker, (const uint8_t *)"left", 4, 3, &error));
    OK(saltyrtc_unchunker_add(unchunker, (const uint8_t *)"\7left", 5, NULL, &error));
    saltyrtc_chunker_free(chunker);
    saltyrtc_unchunker_free(unchunker);
    checked("buffers");
}

int main(void) {
    example_of_reliable_ordered_mode();
    example_of_unreliable_unordered_mode();
    any_order();
    bad_chunks();
    limits();
    buffers();
    return 0;
}
