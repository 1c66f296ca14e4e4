/*
 * All transfers of a program. Each file has a channel of its own, and a new one whenever the connection was
 * lost. Files are sent one after another, and received as they come.
 */
#ifndef FILE_TRANSFERS_H
#define FILE_TRANSFERS_H

#include <saltyrtc.h>

#include "file_incoming.h"
#include "file_outgoing.h"

enum { MAX_INCOMING = 16, MESSAGES_AT_ONCE = 64 };

/* A file that was received, in case that the sender did not get to know. */
struct finished {
    struct finished *next;
    uint64_t size;
    uint8_t hash[SHA256_BYTES];
    char path[PATH_BYTES];
};

struct transfers {
    saltyrtc_client *client;
    int connected;
    const char *directory; /* NULL: no files are taken */
    struct outgoing *outgoing;
    struct incoming incoming[MAX_INCOMING];
    struct finished *finished;
    unsigned sent, received, failed;
};

/* Texts for people, one line each. */
static void say(const char *format, ...) {
    va_list arguments;
    progress_clear();
    fputs("* ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* Results, for people and programs. */
static void result(const char *format, ...) {
    va_list arguments;
    progress_clear();
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    fputc('\n', stdout);
    fflush(stdout);
}

/* Returns 0 if it has to be tried again once there is room. */
static int send_message(const struct transfers *all, uint32_t channel, const uint8_t *data, size_t size) {
    saltyrtc_error *error;
    saltyrtc_status status = saltyrtc_client_channel_send_bytes(all->client, channel, data, size, &error);
    /* If the channel is gone, an event says so. */
    if (status != SALTYRTC_STATUS_OK && status != SALTYRTC_STATUS_QUEUE_FULL &&
        status != SALTYRTC_STATUS_CHANNEL_NOT_OPEN) {
        say("not sent: %s", saltyrtc_error_message(error));
    }
    saltyrtc_error_free(error);
    return status != SALTYRTC_STATUS_QUEUE_FULL;
}

/* The other side closes the channel when it gets this. */
static void send_failed(const struct transfers *all, uint32_t channel, const char *why) {
    uint8_t message[1 + REASON_BYTES];
    send_message(all, channel, message, write_failed(message, why));
}

/* --- Sending --- */

static void out_failed(struct transfers *all, struct outgoing *out, const char *why) {
    result("not sent: %s: %s", out->name, why);
    out->state = OUT_FAILED;
    outgoing_close(out);
    all->failed++;
}

static void out_offer(struct transfers *all, struct outgoing *out) {
    uint8_t message[OFFER_BYTES];
    saltyrtc_client_channel_set_low_water(all->client, out->channel, LOW_WATER, NULL);
    send_message(all, out->channel, message, write_offer(message, out->size, out->hash, out->name));
    out->state = OUT_OFFERED;
}

/* Sends until enough is waiting. Returns 1 if there is more to do at once. */
static int out_send(struct transfers *all, struct outgoing *out) {
    static uint8_t message[1 + DATA_BYTES] = {MSG_DATA};
    size_t waiting = 0;
    for (int i = 0; out->sent < out->size; i++) {
        if (saltyrtc_client_channel_buffered_amount(all->client, out->channel, &waiting, NULL)) return 0;
        if (waiting >= HIGH_WATER) break;
        if (i == MESSAGES_AT_ONCE) return 1;
        size_t size = DATA_BYTES;
        const char *why = outgoing_read(out, out->sent, message + 1, &size);
        if (why) {
            send_failed(all, out->channel, "the sender cannot read the file any more");
            out_failed(all, out, why);
            return 0;
        }
        if (!send_message(all, out->channel, message, 1 + size)) break;
        out->sent += size;
    }
    uint64_t here = out->sent - out->start;
    progress_set(&out->progress, out->sent - (waiting < here ? waiting : here));
    return 0;
}

static void out_message(struct transfers *all, struct outgoing *out, const uint8_t *data, size_t size) {
    char why[REASON_BYTES + 1];
    if (out->state == OUT_DONE || out->state == OUT_FAILED) return;
    if (out->state == OUT_OFFERED && size == 9 && data[0] == MSG_ACCEPT && get_number(data + 1) <= out->size) {
        out->start = out->sent = get_number(data + 1);
        out->state = OUT_RUNNING;
        progress_begin(&out->progress, out->name, out->size, out->start);
        if (out->start > 0) say("%s: the other side has %" PRIu64 " bytes already", out->name, out->start);
    } else if (out->state == OUT_RUNNING && size == 1 && data[0] == MSG_RECEIVED && out->sent == out->size) {
        out->state = OUT_DONE;
        outgoing_close(out);
        all->sent++;
        result("sent: %s: %" PRIu64 " bytes, %" PRIu64 " of them this time", out->name, out->size,
               out->size - out->start);
        saltyrtc_client_channel_close(all->client, out->channel, NULL);
    } else if (size > 0 && data[0] == MSG_FAILED) {
        out_failed(all, out, read_failed(data, size, why, sizeof why));
        saltyrtc_client_channel_close(all->client, out->channel, NULL);
    } else {
        send_failed(all, out->channel, "this message is not allowed here");
        out_failed(all, out, "the other side does not keep to the protocol");
    }
}

/* Brings a file on its way. Returns 1 if there is more to do at once. */
static int out_step(struct transfers *all, struct outgoing *out, int is_first) {
    const char *why = NULL;
    if (out->state == OUT_NEW) {
        why = outgoing_open(out);
    } else if (out->state == OUT_HASHING) {
        why = outgoing_hash(out);
        if (out->state == OUT_READY) say("%s: read, ready to be sent", out->name);
    } else if (out->state == OUT_READY && is_first && all->connected) {
        saltyrtc_channel_options options;
        memset(&options, 0, sizeof options);
        options.struct_size = sizeof options;
        options.label = FILE_LABEL;
        options.protocol = FILE_PROTOCOL;
        why = outgoing_open(out);
        if (!why && out->state == OUT_READY) {
            /* If that is not possible, the connection is just ending. */
            if (saltyrtc_client_open_channel(all->client, &options, &out->channel, NULL)) return 0;
            out->has_channel = 1;
            out->state = OUT_OPENING;
        }
    } else {
        return out->state == OUT_RUNNING && out_send(all, out);
    }
    if (why) out_failed(all, out, why);
    return 1;
}

static void transfers_send(struct transfers *all, const char *path) {
    struct outgoing **end = &all->outgoing;
    while (*end) end = &(*end)->next;
    *end = outgoing_new(path);
}

/* Whether all files are there, without reading them, which takes its time. */
static int transfers_open(struct transfers *all) {
    for (struct outgoing *out = all->outgoing; out; out = out->next) {
        if (out->state == OUT_NEW) out_step(all, out, 0);
    }
    return all->failed == 0;
}

/* --- Receiving --- */

static void in_failed(struct transfers *all, struct incoming *in, const char *why) {
    if (in->state != IN_NEW) result("not received: %s: %s", in->offer.name, why);
    incoming_close(in);
    in->state = IN_OVER;
    all->failed++;
}

static void in_refuse(struct transfers *all, struct incoming *in, const char *why) {
    send_failed(all, in->channel, why);
    in_failed(all, in, why);
}

static void in_send_received(struct transfers *all, struct incoming *in) {
    static const uint8_t received = MSG_RECEIVED;
    in->state = IN_OVER;
    incoming_close(in);
    send_message(all, in->channel, &received, 1);
}

static void in_send_accept(struct transfers *all, const struct incoming *in, uint64_t offset) {
    uint8_t message[9] = {MSG_ACCEPT};
    put_number(message + 1, offset);
    send_message(all, in->channel, message, sizeof message);
}

static void in_finish(struct transfers *all, struct incoming *in) {
    const char *why = incoming_finish(in, all->directory);
    if (why) {
        in_refuse(all, in, why);
        return;
    }
    struct finished *finished = (struct finished *)calloc(1, sizeof *finished);
    if (!finished) abort();
    finished->size = in->offer.size;
    memcpy(finished->hash, in->offer.hash, SHA256_BYTES);
    strcpy(finished->path, in->path);
    finished->next = all->finished;
    all->finished = finished;
    all->received++;
    result("received: %s: %" PRIu64 " bytes, %" PRIu64 " of them this time", in->path, in->offer.size,
           in->offer.size - in->start);
    in_send_received(all, in);
}

/* The same size and hash are the same file. */
static const struct finished *find_finished(const struct transfers *all, const struct offer *offer) {
    struct stat status;
    for (const struct finished *at = all->finished; at; at = at->next) {
        if (at->size == offer->size && memcmp(at->hash, offer->hash, SHA256_BYTES) == 0 &&
            stat(at->path, &status) == 0 && (uint64_t)status.st_size == at->size) {
            return at;
        }
    }
    return NULL;
}

static void in_offer(struct transfers *all, struct incoming *in, const uint8_t *data, size_t size) {
    struct offer offer;
    const char *why = NULL;
    if (!all->directory) {
        why = "this program takes no files at the moment";
    } else if (!read_offer(&offer, data, size)) {
        why = "this is not an offer";
    } else if (find_finished(all, &offer)) {
        say("%s is here already", find_finished(all, &offer)->path);
        in->offer = offer;
        in->bytes = in->start = offer.size;
        in_send_accept(all, in, offer.size);
        in_send_received(all, in);
        return;
    }
    for (int i = 0; !why && i < MAX_INCOMING; i++) {
        struct incoming *other = &all->incoming[i];
        if ((other->state == IN_VERIFYING || other->state == IN_RUNNING) &&
            memcmp(other->offer.hash, offer.hash, SHA256_BYTES) == 0) {
            why = "this file is being received already";
        }
    }
    if (!why) why = incoming_offer(in, all->directory, data, size);
    if (why) in_refuse(all, in, why);
}

static void in_verify(struct transfers *all, struct incoming *in) {
    const char *why = incoming_verify(in);
    if (why) in_refuse(all, in, why);
    if (in->state != IN_RUNNING) return;
    if (in->damaged) say("%s: what was there of it was damaged; once more from the beginning", in->offer.name);
    say("%s: %" PRIu64 " bytes, of which %" PRIu64 " are here already", in->offer.name, in->offer.size, in->start);
    in_send_accept(all, in, in->start);
    if (in->bytes == in->offer.size) in_finish(all, in);
}

static void in_message(struct transfers *all, struct incoming *in, const uint8_t *data, size_t size) {
    char text[REASON_BYTES + 1];
    if (in->state == IN_OVER) {
        if (size > 0 && data[0] == MSG_FAILED) saltyrtc_client_channel_close(all->client, in->channel, NULL);
    } else if (in->state == IN_NEW && size > 0 && data[0] == MSG_OFFER) {
        in_offer(all, in, data, size);
    } else if (in->state == IN_RUNNING && size > 0 && data[0] == MSG_DATA) {
        const char *why = incoming_data(in, data + 1, size - 1);
        if (why) in_refuse(all, in, why);
        else if (in->bytes == in->offer.size) in_finish(all, in);
    } else if (size > 0 && data[0] == MSG_FAILED) {
        in_failed(all, in, read_failed(data, size, text, sizeof text));
        saltyrtc_client_channel_close(all->client, in->channel, NULL);
    } else {
        in_refuse(all, in, "this message is not allowed here");
    }
}

/* --- Both --- */

static struct outgoing *find_outgoing(const struct transfers *all, uint32_t channel) {
    struct outgoing *out = all->outgoing;
    while (out && (!out->has_channel || out->channel != channel)) out = out->next;
    return out;
}

static struct incoming *find_incoming(struct transfers *all, uint32_t channel) {
    for (int i = 0; i < MAX_INCOMING; i++) {
        struct incoming *in = &all->incoming[i];
        if (in->state != IN_UNUSED && in->channel == channel) return in;
    }
    return NULL;
}

static void take_channel(struct transfers *all, const saltyrtc_event *event) {
    if (strcmp(event->label, FILE_LABEL) != 0 || strcmp(event->channel_protocol, FILE_PROTOCOL) != 0) {
        saltyrtc_client_channel_close(all->client, event->channel, NULL);
        return;
    }
    for (int i = 0; i < MAX_INCOMING; i++) {
        struct incoming *in = &all->incoming[i];
        if (in->state != IN_UNUSED) continue;
        in->state = IN_NEW;
        in->channel = event->channel;
        in->file = -1;
        return;
    }
    send_failed(all, event->channel, "these are too many files at once");
}

/* What happened to the channels. */
static void transfers_event(struct transfers *all, const saltyrtc_event *event) {
    struct outgoing *out = find_outgoing(all, event->channel);
    struct incoming *in = find_incoming(all, event->channel);
    switch (event->kind) {
    case SALTYRTC_EVENT_KIND_CHANNEL_OPENED:
        if (out) out_offer(all, out);
        else if (event->opened_by_peer) take_channel(all, event);
        break;
    case SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE:
        if (out) out_message(all, out, event->data, event->data_len);
        else if (in) in_message(all, in, event->data, event->data_len);
        break;
    case SALTYRTC_EVENT_KIND_CHANNEL_CLOSED:
        if (out) outgoing_again(out);
        if (in) {
            incoming_close(in);
            in->state = IN_UNUSED;
        }
        break;
    default: /* low water: transfers_step goes on */
        break;
    }
}

/* Does a bit of what there is to do. Returns 1 if there is more to do at once. */
static int transfers_step(struct transfers *all) {
    int more = 0, is_first = 1;
    for (struct outgoing *out = all->outgoing; out; out = out->next) {
        int over = out->state == OUT_DONE || out->state == OUT_FAILED;
        if (!over) more |= out_step(all, out, is_first);
        is_first = is_first && over;
    }
    for (int i = 0; i < MAX_INCOMING; i++) {
        struct incoming *in = &all->incoming[i];
        if (in->state != IN_VERIFYING) continue;
        in_verify(all, in);
        more = 1;
    }
    return more;
}

/* There is no connection any more. What was received is kept. */
static void transfers_disconnected(struct transfers *all) {
    all->connected = 0;
    for (struct outgoing *out = all->outgoing; out; out = out->next) outgoing_again(out);
    for (int i = 0; i < MAX_INCOMING; i++) {
        struct incoming *in = &all->incoming[i];
        if (in->state == IN_UNUSED) continue;
        incoming_close(in);
        in->state = IN_UNUSED;
    }
}

/* How many files are not over yet; `*channels` is how many channels there are. */
static unsigned transfers_pending(const struct transfers *all, unsigned *channels) {
    unsigned pending = 0;
    *channels = 0;
    for (const struct outgoing *out = all->outgoing; out; out = out->next) {
        pending += out->state != OUT_DONE && out->state != OUT_FAILED;
        *channels += out->has_channel != 0;
    }
    for (int i = 0; i < MAX_INCOMING; i++) {
        const struct incoming *in = &all->incoming[i];
        pending += in->state == IN_VERIFYING || in->state == IN_RUNNING;
        *channels += in->state != IN_UNUSED;
    }
    return pending;
}

static void transfers_free(struct transfers *all) {
    transfers_disconnected(all);
    while (all->outgoing) {
        struct outgoing *next = all->outgoing->next;
        outgoing_free(all->outgoing);
        all->outgoing = next;
    }
    while (all->finished) {
        struct finished *next = all->finished->next;
        free(all->finished);
        all->finished = next;
    }
}

#endif
