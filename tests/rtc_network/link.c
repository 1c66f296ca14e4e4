/*
 * A network link: link TAP1 TAP2 [--delay=MS] [--loss=PERCENT] [--rate=MBIT] [--queue=MS] [--seed=NUMBER]
 *
 * Makes two TAP devices and carries Ethernet frames between them. Each way they take this delay, and so many of them
 * are lost. With a rate, one after the other goes out at so many megabits (10^6 bits of frames) per second, and what
 * would have to wait longer than the queue (default 50 ms) for its turn is dropped, as by any router. The kernel's
 * netem does the same, but many kernels come without it.
 *
 * Prints "ready" once the devices are there, and runs until its input ends. A line "down" on it loses whatever comes
 * from then on, until a line "up". It also ends when one of the devices is gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    LARGEST_FRAME = 65536,
    /* On the way, each way. No router keeps more either. */
    MAX_FRAMES = 1 << 14,
    SECOND = 1000000000,
    MILLISECOND = 1000000
};

typedef struct {
    int64_t arrival; /* by the monotonic clock, in nanoseconds, as all times here */
    size_t size;
    uint8_t *data;
} frame;

/* From one device to the other. The delay is constant, so that the order stays. */
typedef struct {
    int from, to;
    int64_t free_at; /* when the last frame will have gone out */
    uint64_t random;
    size_t first, count;
    frame frames[MAX_FRAMES];
} way;

static struct {
    double delay_ms, loss_percent, rate_mbit, queue_ms, seed;
} options = {0, 0, 0, 50, 0};

static bool down;
static way ways[2];

static void fail(const char *what) {
    fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

static int open_tap(const char *name) {
    struct ifreq request;
    const int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    memset(&request, 0, sizeof request);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &request) != 0) {
        fail(name);
    }
    return tap;
}

/* From 0 to below 1 (SplitMix64). */
static double chance(way *way) {
    uint64_t z = way->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (double)((z ^ z >> 31) >> 11) / (double)(UINT64_C(1) << 53);
}

static void add(way *way, int64_t at, const uint8_t *data, size_t size) {
    frame *frame = &way->frames[(way->first + way->count) % MAX_FRAMES];
    const bool lost = chance(way) < options.loss_percent / 100;
    if (down || way->count == MAX_FRAMES) {
        return;
    }
    if (options.rate_mbit > 0) {
        const int64_t begin = way->free_at > at ? way->free_at : at;
        if ((double)(begin - at) > options.queue_ms * MILLISECOND) {
            return;
        }
        at = way->free_at = begin + (int64_t)((double)size * 8000 / options.rate_mbit);
    }
    /* It is lost on the way: it took its time to go out. */
    if (lost) {
        return;
    }
    frame->arrival = at + (int64_t)(options.delay_ms * MILLISECOND);
    frame->size = size;
    frame->data = malloc(size);
    if (frame->data == NULL) {
        fail("a frame");
    }
    memcpy(frame->data, data, size);
    way->count++;
}

/* Errors of a device are those of one that is down: nothing comes, and what is sent is lost. */
static void take_frames(way *way) {
    static uint8_t data[LARGEST_FRAME];
    ssize_t size;
    while ((size = read(way->from, data, sizeof data)) > 0) {
        add(way, now(), data, (size_t)size);
    }
}

static void deliver_frames(way *way, int64_t until) {
    while (way->count > 0 && way->frames[way->first].arrival <= until) {
        frame *frame = &way->frames[way->first];
        if (write(way->to, frame->data, frame->size) < 0 && errno == EINTR) {
            continue;
        }
        free(frame->data);
        way->first = (way->first + 1) % MAX_FRAMES;
        way->count--;
    }
}

/* Returns false at the end of the input. */
static bool obey(void) {
    static char line[16];
    static size_t length;
    char data[64];
    const ssize_t size = read(STDIN_FILENO, data, sizeof data);
    for (ssize_t i = 0; i < size; i++) {
        if (data[i] != '\n') {
            line[length] = data[i];
            length += length < sizeof line - 1;
            continue;
        }
        line[length] = '\0';
        length = 0;
        if (strcmp(line, "down") != 0 && strcmp(line, "up") != 0) {
            fprintf(stderr, "link: neither up nor down: %s\n", line);
            exit(2);
        }
        down = strcmp(line, "down") == 0;
    }
    return size > 0;
}

/* How long until the next frame has arrived; NULL: for ever, if there is none. */
static const struct timespec *wait_time(void) {
    static struct timespec result;
    int64_t next = INT64_MAX;
    for (int i = 0; i < 2; i++) {
        if (ways[i].count > 0 && ways[i].frames[ways[i].first].arrival < next) {
            next = ways[i].frames[ways[i].first].arrival;
        }
    }
    if (next == INT64_MAX) {
        return NULL;
    }
    const int64_t left = next - now();
    result.tv_sec = left > 0 ? left / SECOND : 0;
    result.tv_nsec = left > 0 ? left % SECOND : 0;
    return &result;
}

static void run(void) {
    for (;;) {
        struct pollfd inputs[] = {{STDIN_FILENO, POLLIN, 0}, {ways[0].from, POLLIN, 0}, {ways[1].from, POLLIN, 0}};
        if (ppoll(inputs, 3, wait_time(), NULL) < 0 && errno != EINTR) {
            fail("ppoll");
        }
        if (inputs[0].revents != 0 && !obey()) {
            return;
        }
        if ((inputs[1].revents | inputs[2].revents) & POLLERR) {
            return; /* a device is gone, with its namespace */
        }
        for (int i = 0; i < 2; i++) {
            take_frames(&ways[i]);
        }
        const int64_t until = now();
        for (int i = 0; i < 2; i++) {
            deliver_frames(&ways[i], until);
        }
    }
}

static void read_option(const char *argument) {
    static const struct {
        const char *name;
        double *value;
    } known[] = {{"--delay=", &options.delay_ms},
                 {"--loss=", &options.loss_percent},
                 {"--rate=", &options.rate_mbit},
                 {"--queue=", &options.queue_ms},
                 {"--seed=", &options.seed}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const size_t length = strlen(known[i].name);
        char *end;
        if (strncmp(argument, known[i].name, length) == 0) {
            *known[i].value = strtod(argument + length, &end);
            if (end != argument + length && *end == '\0' && *known[i].value >= 0) {
                return;
            }
        }
    }
    fprintf(stderr, "link: unknown option, or not a number: %s\n", argument);
    exit(2);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: link TAP1 TAP2 [--delay=MS] [--loss=PERCENT] [--rate=MBIT] [--queue=MS] [--seed=N]\n");
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        read_option(argv[i]);
    }
    /* To be on time, also when the machine has much to do: the kernel would let us wait 50 µs longer. */
    prctl(PR_SET_TIMERSLACK, 1UL);
    setpriority(PRIO_PROCESS, 0, -20);
    for (int i = 0; i < 2; i++) {
        ways[i].from = ways[1 - i].to = open_tap(argv[1 + i]);
        ways[i].random = (uint64_t)options.seed * 2 + (uint64_t)i;
    }
    puts("ready");
    fflush(stdout);
    run();
    return 0;
}
