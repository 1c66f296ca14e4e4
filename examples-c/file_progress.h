/* The progress of the transfers: on a terminal, one line that is redrawn; otherwise, a line for every tenth. */
#ifndef FILE_PROGRESS_H
#define FILE_PROGRESS_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "file_protocol.h"
#include "terminal.h"

enum { REDRAW_MS = 200 };

struct progress {
    const char *name;
    uint64_t size, start, bytes;
    int64_t since;
    int told; /* tenths */
};

/* The file that the line on the terminal is about. */
static struct {
    int terminal, shown;
    int64_t drawn;
} progress_line;

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* To be called before anything else is printed. */
static void progress_clear(void) {
    if (!progress_line.shown) return;
    fputs("\r\033[K", stderr);
    progress_line.shown = 0;
}

static const char *bytes_text(double bytes, char *text, size_t capacity) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    int unit = 0;
    for (; bytes >= 1024 && unit < 6; unit++) bytes /= 1024;
    snprintf(text, capacity, "%.*f %s", unit > 0, bytes, units[unit]);
    return text;
}

static void progress_begin(struct progress *progress, const char *name, uint64_t size, uint64_t start) {
    progress->name = name;
    progress->size = size;
    progress->start = progress->bytes = start;
    progress->since = now_ms();
    progress->told = size > 0 ? (int)((double)start / (double)size * 10) : 0;
}

static void progress_draw(const struct progress *progress, double part, double rate) {
    enum { WIDTH = 24 };
    char done[24], speed[24], left[32] = "", name[25];
    double wait = rate > 0 ? (double)(progress->size - progress->bytes) / rate + 0.999 : 1e9;
    int seconds = wait < 1e9 ? (int)wait : -1;
    if (seconds >= 3600) {
        snprintf(left, sizeof left, ", %d h %02d min left", seconds / 3600, seconds / 60 % 60);
    } else if (seconds >= 0) {
        snprintf(left, sizeof left, ", %d:%02d left", seconds / 60, seconds % 60);
    }
    bytes_text((double)progress->bytes, done, sizeof done);
    bytes_text(rate, speed, sizeof speed);
    int percent = (int)(part * 100);
    if (progress_line.terminal) {
        char bar[WIDTH + 4] = "[", line[256];
        size_t room = terminal_size(2).columns - 1; /* a line that is full goes on in the next one */
        memset(bar + 1, '.', WIDTH);
        memset(bar + 1, '#', (size_t)(part * WIDTH));
        strcpy(bar + 1 + WIDTH, "] ");
        safe_text((const uint8_t *)progress->name, strlen(progress->name), name, sizeof name);
        int length = snprintf(line, sizeof line, "%s %3d%% %s%s, %s/s%s", name, percent, bar, done, speed, left);
        if ((size_t)length > room) {
            length = snprintf(line, sizeof line, "%s %3d%% %s, %s/s%s", name, percent, done, speed, left);
        }
        if ((size_t)length > room) {
            /* Not within a character. */
            while (room > 0 && ((unsigned char)line[room] & 0xc0) == 0x80) room--;
            line[room] = '\0';
        }
        fprintf(stderr, "\r\033[K%s", line);
        progress_line.shown = 1;
    } else {
        fprintf(stderr, "* %s: %d%%, %s, %s/s%s\n", progress->name, percent, done, speed, left);
    }
    fflush(stderr);
}

static void progress_set(struct progress *progress, uint64_t bytes) {
    int64_t now = now_ms();
    progress->bytes = bytes;
    double part = progress->size > 0 ? (double)bytes / (double)progress->size : 1;
    int tenths = (int)(part * 10);
    if (progress_line.terminal ? now - progress_line.drawn < REDRAW_MS : tenths <= progress->told) return;
    progress_line.drawn = now;
    progress->told = tenths;
    double seconds = (double)(now - progress->since) / 1000;
    progress_draw(progress, part, seconds > 0 ? (double)(bytes - progress->start) / seconds : 0);
}

#endif
