/* A file that is to be sent. */
#ifndef FILE_OUTGOING_H
#define FILE_OUTGOING_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_progress.h"
#include "file_protocol.h"

enum outgoing_state {
    OUT_NEW,
    OUT_HASHING,
    OUT_READY, /* to be offered, if there is a connection */
    OUT_OPENING,
    OUT_OFFERED,
    OUT_RUNNING,
    OUT_DONE,
    OUT_FAILED
};

struct outgoing {
    struct outgoing *next;
    enum outgoing_state state;
    char *path;
    const char *name;
    int file;
    time_t modified;
    uint64_t size, sent, start;
    uint8_t hash[SHA256_BYTES];
    struct sha256 hashing;
    struct progress progress;
    uint32_t channel;
    int has_channel; /* also when it is over, until the channel is closed */
};

static void outgoing_close(struct outgoing *out) {
    if (out->file >= 0) close(out->file);
    out->file = -1;
}

static void outgoing_free(struct outgoing *out) {
    outgoing_close(out);
    free(out->path);
    free(out);
}

static struct outgoing *outgoing_new(const char *path) {
    struct outgoing *out = (struct outgoing *)calloc(1, sizeof *out);
    char *copy = (char *)malloc(strlen(path) + 1);
    if (!out || !copy) abort();
    const char *slash = strrchr(strcpy(copy, path), '/');
    out->path = copy;
    out->name = slash ? slash + 1 : copy;
    out->file = -1;
    return out;
}

/* Opens the file. If it is the same as the last time, its hash is known: the state is OUT_READY, or
   OUT_HASHING. Returns why it does not work, or NULL. */
static const char *outgoing_open(struct outgoing *out) {
    struct stat status;
    int known = out->state != OUT_NEW;
    /* Not blocking: a pipe would wait for its other end. */
    out->file = open(out->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (out->file < 0 || fstat(out->file, &status) != 0) return strerror(errno);
    if (!S_ISREG(status.st_mode)) return "it is not a file";
    if (known && out->size == (uint64_t)status.st_size && out->modified == status.st_mtime) {
        out->state = OUT_READY;
        return NULL;
    }
    out->size = (uint64_t)status.st_size;
    out->modified = status.st_mtime;
    out->sent = 0;
    sha256_begin(&out->hashing);
    out->state = OUT_HASHING;
    return NULL;
}

static const char *outgoing_read(struct outgoing *out, uint64_t at, uint8_t *buffer, size_t *size) {
    if (*size > out->size - at) *size = (size_t)(out->size - at);
    ssize_t count;
    do count = pread(out->file, buffer, *size, (off_t)at);
    while (count < 0 && errno == EINTR);
    if (count < 0) return strerror(errno);
    if (count == 0 && *size > 0) return "it has become shorter";
    *size = (size_t)count;
    return NULL;
}

/* Hashes a bit more. The state is OUT_READY once that is done. */
static const char *outgoing_hash(struct outgoing *out) {
    static uint8_t buffer[1 << 20];
    size_t size = sizeof buffer;
    const char *why = outgoing_read(out, out->sent, buffer, &size);
    if (why) return why;
    sha256_add(&out->hashing, buffer, size);
    out->sent += size;
    if (out->sent == out->size) {
        sha256_end(&out->hashing, out->hash);
        out->state = OUT_READY;
        outgoing_close(out);
    }
    return NULL;
}

/* The channel is gone: another one is needed. */
static void outgoing_again(struct outgoing *out) {
    out->has_channel = 0;
    outgoing_close(out);
    if (out->state == OUT_OPENING || out->state == OUT_OFFERED || out->state == OUT_RUNNING) {
        out->state = OUT_READY;
    }
}

#endif
