/*
 * The messages that send_file and the page in examples-web exchange on the channel of a file: see
 * examples-web/PROTOCOL.md. Nothing here reads, writes or sends.
 */
#ifndef FILE_PROTOCOL_H
#define FILE_PROTOCOL_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sha256.h"

#define FILE_LABEL "file"
#define FILE_PROTOCOL "v1.file.saltyrtc.org"

enum { MSG_OFFER = 1, MSG_ACCEPT = 2, MSG_DATA = 3, MSG_RECEIVED = 4, MSG_FAILED = 5 };

enum {
    NAME_BYTES = 255,
    DATA_BYTES = 65000,
    REASON_BYTES = 1000,
    OFFER_HEADER = 1 + 8 + SHA256_BYTES,
    OFFER_BYTES = OFFER_HEADER + NAME_BYTES,
    HIGH_WATER = 1024 * 1024, /* sending pauses when so many bytes wait */
    LOW_WATER = 256 * 1024    /* and continues when so few do */
};

struct offer {
    uint64_t size;
    uint8_t hash[SHA256_BYTES];
    char name[NAME_BYTES + 1]; /* safe: not a path, nothing that a terminal obeys */
};

static inline void put_number(uint8_t *to, uint64_t number) {
    for (int i = 0; i < 8; i++) to[i] = (uint8_t)(number >> (56 - 8 * i));
}

static inline uint64_t get_number(const uint8_t *from) {
    uint64_t number = 0;
    for (int i = 0; i < 8; i++) number = number << 8 | from[i];
    return number;
}

/* The bytes of the character of UTF-8 at the beginning of a text, or 0 if there is none, or one that
   does something to a terminal. */
static size_t printable(const uint8_t *text, size_t size) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (size == 0 || text[0] < 0x20 || text[0] == 0x7f) return 0;
    if (text[0] < 0x80) return 1;
    size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : text[0] >= 0xc0 ? 2 : 0;
    if (length == 0 || length > size) return 0;
    uint32_t code = text[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (text[i] & 0x3fU);
    }
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
    /* Controls, and what turns the direction of the text around, which makes names lie. */
    if (code < 0xa0 || code == 0x200e || code == 0x200f) return 0;
    if ((code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)) return 0;
    return length;
}

/* What the peer says, with `_` for everything that is not to be printed, cut to the capacity. */
static const char *safe_text(const uint8_t *text, size_t size, char *safe, size_t capacity) {
    size_t used = 0;
    while (size > 0) {
        size_t length = printable(text, size);
        size_t taken = length > 0 ? length : 1;
        if (used + taken >= capacity) break;
        if (length > 0) memcpy(safe + used, text, length);
        else safe[used] = '_';
        used += taken;
        text += taken;
        size -= taken;
    }
    safe[used] = '\0';
    return safe;
}

/* Only what follows the last slash of either kind. Hidden files are the receiver's own affair. */
static void safe_name(const uint8_t *name, size_t size, char *safe, size_t capacity) {
    for (size_t i = size; i > 0; i--) {
        if (name[i - 1] != '/' && name[i - 1] != '\\') continue;
        name += i;
        size -= i;
        break;
    }
    safe_text(name, size, safe, capacity);
    if (safe[0] == '\0' || strcmp(safe, ".") == 0 || strcmp(safe, "..") == 0) strcpy(safe, "file");
    if (safe[0] == '.') safe[0] = '_';
}

/* Returns 0 if this is no offer. */
static int read_offer(struct offer *offer, const uint8_t *data, size_t size) {
    if (size <= OFFER_HEADER || size > OFFER_BYTES || data[0] != MSG_OFFER) return 0;
    offer->size = get_number(data + 1);
    memcpy(offer->hash, data + 9, SHA256_BYTES);
    safe_name(data + OFFER_HEADER, size - OFFER_HEADER, offer->name, sizeof offer->name);
    return 1;
}

/* Returns the size. The name is cut if it is too long, but not within a character. */
static size_t write_offer(uint8_t *to, uint64_t file_size, const uint8_t *hash, const char *name) {
    size_t size = strlen(name);
    if (size > NAME_BYTES) {
        size = NAME_BYTES;
        while (size > 1 && (name[size] & 0xc0) == 0x80) size--;
    }
    to[0] = MSG_OFFER;
    put_number(to + 1, file_size);
    memcpy(to + 9, hash, SHA256_BYTES);
    memcpy(to + OFFER_HEADER, name, size);
    return OFFER_HEADER + size;
}

static size_t write_failed(uint8_t *to, const char *why) {
    size_t size = strlen(why);
    if (size > REASON_BYTES) size = REASON_BYTES;
    to[0] = MSG_FAILED;
    memcpy(to + 1, why, size);
    return 1 + size;
}

/* Why the other side failed. */
static const char *read_failed(const uint8_t *data, size_t size, char *why, size_t capacity) {
    if (size <= 1) return "no reason was given";
    return safe_text(data + 1, size - 1, why, capacity);
}

#endif
