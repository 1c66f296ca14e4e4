/*
 * Our secret key and the peer's public key, optionally stored in a file (one line each), with which both can
 * meet again after a restart without another invitation. Ours is stored before it is used, and the peer's before it is
 * relied on, so that a program that is killed in between still has what the other one knows it by.
 */
#ifndef FILE_KEYS_H
#define FILE_KEYS_H

#include <saltyrtc.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct keys {
    const char *path; /* NULL: not kept */
    int paired;
    uint8_t secret_key[SALTYRTC_KEY_BYTES], peer_key[SALTYRTC_KEY_BYTES];
};

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s%s\n", what, why);
    exit(1);
}

static void check(saltyrtc_status status, saltyrtc_error **error) {
    if (status != SALTYRTC_STATUS_OK) fail("", saltyrtc_error_message(*error));
}

static void keys_new(struct keys *keys) {
    uint8_t public_key[SALTYRTC_KEY_BYTES];
    saltyrtc_error *error;
    keys->paired = 0;
    check(saltyrtc_key_pair_generate(public_key, keys->secret_key, &error), &error);
}

/* Replaces the file as a whole. Returns 0 if that was not possible. */
static int keys_write(const struct keys *keys) {
    char secret_hex[SALTYRTC_KEY_HEX_BYTES], peer_hex[SALTYRTC_KEY_HEX_BYTES] = "-", path[4096];
    saltyrtc_error *error;
    if (!keys->path) return 1;
    check(saltyrtc_key_to_hex(keys->secret_key, secret_hex, sizeof secret_hex, NULL, &error), &error);
    if (keys->paired) check(saltyrtc_key_to_hex(keys->peer_key, peer_hex, sizeof peer_hex, NULL, &error), &error);
    int size = snprintf(path, sizeof path, "%s.new", keys->path);
    if (size < 0 || (size_t)size >= sizeof path) return 0;
    /* Nobody else may read it. */
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
    if (!file) return 0;
    int written = fprintf(file, "%s\n%s\n", secret_hex, peer_hex) > 0 && fflush(file) == 0 && fsync(descriptor) == 0;
    return fclose(file) == 0 && written && rename(path, keys->path) == 0;
}

static void keys_load(struct keys *keys) {
    char secret_hex[SALTYRTC_KEY_HEX_BYTES], peer_hex[SALTYRTC_KEY_HEX_BYTES];
    FILE *file = keys->path ? fopen(keys->path, "r") : NULL;
    if (!file) {
        if (keys->path && errno != ENOENT) fail(keys->path, ": cannot be read");
        keys_new(keys);
        if (!keys_write(keys)) fail(keys->path, ": cannot be written");
        return;
    }
    int fields = fscanf(file, "%64s %64s", secret_hex, peer_hex);
    fclose(file);
    keys->paired = fields == 2 && strcmp(peer_hex, "-") != 0;
    if (fields != 2 || saltyrtc_key_from_hex(secret_hex, keys->secret_key, NULL) != SALTYRTC_STATUS_OK ||
        (keys->paired && saltyrtc_key_from_hex(peer_hex, keys->peer_key, NULL) != SALTYRTC_STATUS_OK)) {
        fail(keys->path, " is damaged: delete it on both sides and use a new invitation");
    }
}

/* The peer has proved to have this key. Returns 0 if that could not be stored. */
static int keys_store(struct keys *keys, const uint8_t *peer_key) {
    memcpy(keys->peer_key, peer_key, SALTYRTC_KEY_BYTES);
    keys->paired = 1;
    return keys_write(keys);
}

#endif
