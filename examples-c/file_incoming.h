/*
 * A file that is being received. Until it is complete and its hash is verified, it is a hidden file in the
 * directory, named after the hash, which is kept if the transfer is interrupted. A second hidden file
 * records every few megabytes how much was received and the hash of it, so that a transfer never continues
 * on bytes that have changed in the meantime.
 *
 * Functions return NULL, or a text for both people that says what went wrong.
 */
#ifndef FILE_INCOMING_H
#define FILE_INCOMING_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "file_progress.h"
#include "file_protocol.h"

enum { PATH_BYTES = 4096, STEP_BYTES = 1 << 20, CHECKPOINT_BYTES = 4 << 20 };

enum incoming_state {
    IN_UNUSED,
    IN_NEW,       /* the channel is there, and no offer yet */
    IN_VERIFYING, /* what is there of the file */
    IN_RUNNING,
    IN_OVER /* the channel is still there */
};

struct incoming {
    enum incoming_state state;
    uint32_t channel;
    struct offer offer;
    int file;
    uint64_t bytes, start, checkpoint;
    uint8_t checkpoint_hash[SHA256_BYTES];
    struct sha256 hash;
    struct progress progress;
    int damaged; /* what was there of the file was not what had been received */
    char part[PATH_BYTES], check[PATH_BYTES], path[PATH_BYTES];
    char why[256];
};

static const char *incoming_problem(struct incoming *in, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(in->why, sizeof in->why, format, arguments);
    va_end(arguments);
    return in->why;
}

/* Returns 0 if the path is too long. */
static int make_path(char *path, const char *directory, const char *format, ...) {
    va_list arguments;
    int used = snprintf(path, PATH_BYTES, "%s/", directory);
    if (used < 0 || used >= PATH_BYTES) return 0;
    va_start(arguments, format);
    int more = vsnprintf(path + used, (size_t)(PATH_BYTES - used), format, arguments);
    va_end(arguments);
    return more >= 0 && more < PATH_BYTES - used;
}

static void hash_to_hex(const uint8_t *hash, char *hex) {
    for (int i = 0; i < SHA256_BYTES; i++) snprintf(hex + 2 * i, 3, "%02x", hash[i]);
}

/* How much of the file is there, as was noted the last time. */
static void incoming_read_checkpoint(struct incoming *in) {
    char hex[2 * SHA256_BYTES + 1];
    in->checkpoint = 0;
    FILE *file = fopen(in->check, "r");
    if (!file) return;
    if (fscanf(file, "%" SCNu64 " %64s", &in->checkpoint, hex) != 2 || strlen(hex) != sizeof hex - 1) {
        in->checkpoint = 0;
    }
    fclose(file);
    for (int i = 0; in->checkpoint > 0 && i < SHA256_BYTES; i++) {
        unsigned byte;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) in->checkpoint = 0;
        else in->checkpoint_hash[i] = (uint8_t)byte;
    }
    if (in->checkpoint > in->offer.size) in->checkpoint = 0;
}

/* If this fails, more will have to be sent again: no reason to give up. */
static void incoming_write_checkpoint(struct incoming *in) {
    char hex[2 * SHA256_BYTES + 1], temporary[PATH_BYTES + 1];
    sha256_end(&in->hash, in->checkpoint_hash);
    in->checkpoint = in->bytes;
    hash_to_hex(in->checkpoint_hash, hex);
    snprintf(temporary, sizeof temporary, "%s~", in->check);
    FILE *file = fopen(temporary, "w");
    if (!file) return;
    int written = fprintf(file, "%" PRIu64 " %s\n", in->bytes, hex) > 0;
    /* All or nothing: the program may be killed at any time. */
    if (fclose(file) != 0 || !written || rename(temporary, in->check) != 0) remove(temporary);
}

static void incoming_forget(struct incoming *in) {
    remove(in->part);
    remove(in->check);
    in->checkpoint = in->bytes;
}

/* The channel is gone, or the transfer is over. */
static void incoming_close(struct incoming *in) {
    if (in->file < 0) return;
    if (in->state == IN_RUNNING && in->bytes > in->checkpoint) incoming_write_checkpoint(in);
    if (in->state == IN_RUNNING && in->bytes == 0) incoming_forget(in);
    close(in->file);
    in->file = -1;
}

/* The first message. What is there of the file is to be verified next. */
static const char *incoming_offer(struct incoming *in, const char *directory, const uint8_t *data, size_t size) {
    char hex[2 * SHA256_BYTES + 1];
    if (!read_offer(&in->offer, data, size)) return "this is not an offer";
    hash_to_hex(in->offer.hash, hex);
    if (!make_path(in->part, directory, ".%s.part", hex) || !make_path(in->check, directory, ".%s.check", hex)) {
        return "the path of the directory is too long";
    }
    in->file = open(in->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (in->file < 0) return incoming_problem(in, "the file cannot be made: %s", strerror(errno));
    /* Ours alone, and not just completed by another program that had it before. */
    struct flock lock;
    struct stat opened, named;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (fcntl(in->file, F_SETLK, &lock) != 0 || fstat(in->file, &opened) != 0 || stat(in->part, &named) != 0 ||
        opened.st_ino != named.st_ino) {
        return "another program is receiving this file";
    }
    incoming_read_checkpoint(in);
    sha256_begin(&in->hash);
    in->bytes = 0;
    in->damaged = 0;
    in->state = IN_VERIFYING;
    return NULL;
}

static const char *incoming_start(struct incoming *in) {
    struct statvfs disk;
    if (ftruncate(in->file, (off_t)in->bytes) != 0) {
        return incoming_problem(in, "the file cannot be written: %s", strerror(errno));
    }
    if (fstatvfs(in->file, &disk) == 0) {
        double available = (double)disk.f_bavail * (double)disk.f_frsize;
        double needed = (double)(in->offer.size - in->bytes);
        char has[24], needs[24];
        if (available < needed) {
            return incoming_problem(in, "the disk of the receiver is too full: it has room for %s, and needs %s",
                                    bytes_text(available, has, sizeof has),
                                    bytes_text(needed, needs, sizeof needs));
        }
    }
    in->checkpoint = in->start = in->bytes;
    in->state = IN_RUNNING;
    progress_begin(&in->progress, in->offer.name, in->offer.size, in->bytes);
    return NULL;
}

/* Verifies a bit more of what is there. The state is IN_RUNNING once that is done. */
static const char *incoming_verify(struct incoming *in) {
    static uint8_t buffer[STEP_BYTES];
    uint8_t hash[SHA256_BYTES];
    if (in->bytes < in->checkpoint) {
        uint64_t left = in->checkpoint - in->bytes;
        ssize_t count = pread(in->file, buffer, left < sizeof buffer ? (size_t)left : sizeof buffer, (off_t)in->bytes);
        if (count > 0) {
            sha256_add(&in->hash, buffer, (size_t)count);
            in->bytes += (uint64_t)count;
            return NULL;
        }
    } else {
        sha256_end(&in->hash, hash);
        if (in->bytes == 0 || memcmp(hash, in->checkpoint_hash, sizeof hash) == 0) return incoming_start(in);
    }
    /* Shorter than it was, or something else. */
    in->damaged = 1;
    in->bytes = 0;
    sha256_begin(&in->hash);
    return incoming_start(in);
}

static const char *incoming_data(struct incoming *in, const uint8_t *data, size_t size) {
    if (size == 0 || size > DATA_BYTES) return "the data has a wrong size";
    if (size > in->offer.size - in->bytes) return "this is more than the file has";
    for (size_t written = 0; written < size;) {
        ssize_t count = pwrite(in->file, data + written, size - written, (off_t)(in->bytes + written));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return incoming_problem(in, "the receiver cannot write the file: %s", strerror(errno));
        written += (size_t)count;
    }
    sha256_add(&in->hash, data, size);
    in->bytes += size;
    if (in->bytes - in->checkpoint >= CHECKPOINT_BYTES) incoming_write_checkpoint(in);
    progress_set(&in->progress, in->bytes);
    return NULL;
}

/* Makes an empty file with a name that no file has yet. */
static const char *incoming_choose_name(struct incoming *in, const char *directory) {
    const char *name = in->offer.name, *dot = strrchr(name, '.');
    /* With room for a number. */
    int ending = dot && dot != name && strlen(dot) <= 32 ? (int)strlen(dot) : 0;
    int stem = (int)strlen(name) - ending;
    if (stem > NAME_BYTES - 48) {
        for (stem = NAME_BYTES - 48; (name[stem] & 0xc0) == 0x80;) stem--;
    }
    const char *end = name + strlen(name) - ending;
    for (int number = 0; number < 10000; number++) {
        char suffix[16] = "";
        if (number > 0) snprintf(suffix, sizeof suffix, " (%d)", number);
        if (!make_path(in->path, directory, "%.*s%s%s", stem, name, suffix, end)) break;
        int file = open(in->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0) {
            close(file);
            return NULL;
        }
        if (errno != EEXIST) return incoming_problem(in, "the file cannot be made: %s", strerror(errno));
    }
    return "no name could be found for the file";
}

/* All bytes are there. */
static const char *incoming_finish(struct incoming *in, const char *directory) {
    uint8_t hash[SHA256_BYTES];
    sha256_end(&in->hash, hash);
    if (memcmp(hash, in->offer.hash, sizeof hash) != 0) {
        incoming_forget(in);
        return "the hash of what was received is wrong";
    }
    if (fsync(in->file) != 0) return incoming_problem(in, "the receiver cannot write the file: %s", strerror(errno));
    const char *why = incoming_choose_name(in, directory);
    if (why) return why;
    if (rename(in->part, in->path) != 0) {
        why = incoming_problem(in, "the file cannot be renamed: %s", strerror(errno));
        remove(in->path);
        return why;
    }
    remove(in->check);
    return NULL;
}

#endif
