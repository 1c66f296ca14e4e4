/*
 * send_file: files of any size from one machine to another, over WebRTC, with nothing in the middle
 * that could read or change them.
 *
 *     send_file send FILE... [OPTION]...                  invites a peer, and sends files
 *     send_file receive INVITATION [DIR] [OPTION]...      receives files
 *     send_file serve DIR [FILE...] [OPTION]...           invites a peer; sends, receives, and chats
 *     send_file join INVITATION DIR [FILE...] [OPTION]... joins; sends, receives, and chats
 *
 *     --server URL       the signalling server; without it, the program that invites runs its own, which
 *                        can be reached on this machine only
 *     --server-key HEX   the server's permanent key
 *     --ca FILE          trust the certificates in FILE for the server too
 *     --ice URL[,USER,PASSWORD]   a STUN or TURN server; can be given several times
 *     --relay            use TURN only, which hides our addresses from the peer
 *     --keys FILE        remember the peer, so that both can be restarted without an invitation
 *     --page URL         also print the link to a web page (examples-web) with the invitation
 *
 * A transfer that was interrupted continues where it stopped when the same file is sent to the same
 * directory again. Existing files are never overwritten. When the connection is lost, both programs try to
 * reach each other again until they are stopped with Ctrl-C; so does a sender with --keys whose peer has said
 * goodbye, and without --keys it ends. With `serve` and `join`, typed lines are chat,
 * `/send FILE` sends another file, and the end of the input ends the program.
 *
 * The peer can also be a browser: see examples-web. The protocol is in examples-web/PROTOCOL.md.
 */
#define _FILE_OFFSET_BITS 64

#include <saltyrtc.h>

#include <poll.h>
#include <signal.h>
#include <stdbool.h>

#include "file_keys.h"
#include "file_transfers.h"

enum { MAX_ICE_SERVERS = 8, FIRST_RETRY_MS = 500, LAST_RETRY_MS = 30000, GOODBYE_MS = 5000 };
enum { PATIENCE_MS = 25000, LINE_BYTES = 4096 };

struct options {
    bool invites, chats, ends_when_sent, ends_with_peer, relay_only;
    const char *invitation, *server_url, *server_key, *ca, *page;
    const char *ice[MAX_ICE_SERVERS];
    int ice_count;
};

struct program {
    struct options options;
    struct keys keys;
    struct transfers files;
    saltyrtc_server *server;
    saltyrtc_config *config;
    saltyrtc_client *client; /* NULL while there is none */
    bool served, met;        /* the server, the peer: once at least */
    bool trusts, refused;    /* with stored keys: no token; one of the two ways in was the wrong one */
    bool can_say, ending, over, keeps_input;
    int status;
    int64_t retry_at, deadline, lost_at; /* 0: none */
    int retry_ms;
    char input[LINE_BYTES + 1];
    size_t input_size;
};

static int stop_pipe[2];

static void on_signal(int signal) {
    char byte = 0;
    (void)signal;
    if (write(stop_pipe[1], &byte, 1) != 1) abort();
}

/* --- Configuration --- */

/* Copies up to the next comma, and goes behind it. Returns NULL if there is nothing left. */
static const char *next_field(const char **text, char *field, size_t capacity) {
    if (!*text) return NULL;
    size_t size = strcspn(*text, ",");
    if (size >= capacity) fail("--ice: this is too long", "");
    memcpy(field, *text, size);
    field[size] = '\0';
    *text = (*text)[size] ? *text + size + 1 : NULL;
    return field;
}

static void add_rtc(saltyrtc_config *config, const struct options *options) {
    char url[256], user[512], password[512];
    saltyrtc_rtc_config *rtc;
    saltyrtc_error *error;
    check(saltyrtc_rtc_config_new(&rtc, &error), &error);
    for (int i = 0; i < options->ice_count; i++) {
        const char *text = options->ice[i];
        const char *first = next_field(&text, url, sizeof url);
        const char *second = next_field(&text, user, sizeof user);
        const char *third = text;
        if (third && strlen(third) >= sizeof password) fail("--ice: this is too long", "");
        /* A password may have commas in it. */
        if (third) third = strcpy(password, third);
        check(saltyrtc_rtc_config_add_ice_server(rtc, first, second, third, &error), &error);
    }
    check(saltyrtc_rtc_config_set_relay_only(rtc, options->relay_only, &error), &error);
    check(saltyrtc_config_add_rtc_task(config, rtc, &error), &error);
    saltyrtc_rtc_config_free(rtc);
}

static void add_certificates(saltyrtc_config *config, const char *path) {
    static uint8_t bytes[1 << 16];
    saltyrtc_error *error;
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (!file || size == 0 || !feof(file)) fail(path, ": the certificates cannot be read");
    fclose(file);
    check(saltyrtc_config_add_tls_certificates(config, bytes, size, &error), &error);
}

/* A server of our own, for when none was given. */
static saltyrtc_server *start_server(char *url, size_t capacity, uint8_t *server_key) {
    uint8_t secret_key[SALTYRTC_KEY_BYTES];
    saltyrtc_server_config *config;
    saltyrtc_server *server;
    saltyrtc_error *error;
    check(saltyrtc_server_config_new("127.0.0.1", 0, &config, &error), &error);
    check(saltyrtc_key_pair_generate(server_key, secret_key, &error), &error);
    check(saltyrtc_server_config_add_permanent_key(config, secret_key, &error), &error);
    check(saltyrtc_server_start(config, &server, &error), &error);
    saltyrtc_server_config_free(config);
    check(saltyrtc_server_url(server, url, capacity, NULL, &error), &error);
    return server;
}

static void show_invitation(const struct program *program) {
    char uri[SALTYRTC_INVITATION_BYTES];
    saltyrtc_invitation *invitation;
    saltyrtc_error *error;
    size_t size = 0;
    check(saltyrtc_config_invitation(program->config, uri, sizeof uri, NULL, &error), &error);
    check(saltyrtc_invitation_parse(uri, &invitation, &error), &error);
    saltyrtc_invitation_qr_code(invitation, NULL, 0, &size, NULL);
    char *code = (char *)malloc(size);
    if (!code) abort();
    check(saltyrtc_invitation_qr_code(invitation, code, size, NULL, &error), &error);
    fprintf(stderr, "%s\n", code);
    if (terminal_too_low(2, code)) say("the code is higher than this terminal: make it larger, or scroll up");
    free(code);
    saltyrtc_invitation_free(invitation);
    result("%s", uri);
    if (program->options.page) {
        /* The fragment of the link, which no web server gets to see. */
        char *token = strchr(uri, '#');
        if (token) *token = '\0';
        result("%s#%s%s%s", program->options.page, uri, token ? "%23" : "", token ? token + 1 : "");
    }
    say(program->keys.paired ? "this is for the one who was here before"
                             : "this is the invitation: it is a secret, and it is good for one person");
}

static void configure(struct program *program) {
    const struct options *options = &program->options;
    struct keys *keys = &program->keys;
    uint8_t server_key[SALTYRTC_KEY_BYTES], initiator_key[SALTYRTC_KEY_BYTES];
    const char *url = options->server_url;
    char own_url[64];
    saltyrtc_invitation *invitation;
    saltyrtc_error *error;
    keys_load(keys);
    if (options->invites) {
        if (!url) {
            program->server = start_server(own_url, sizeof own_url, server_key);
            url = own_url;
        } else if (options->server_key) {
            check(saltyrtc_key_from_hex(options->server_key, server_key, &error), &error);
        }
        check(saltyrtc_config_new_initiator(url, keys->secret_key, &program->config, &error), &error);
        if (program->server || options->server_key) {
            check(saltyrtc_config_set_server_key(program->config, server_key, &error), &error);
        }
    } else {
        check(saltyrtc_invitation_parse(options->invitation, &invitation, &error), &error);
        check(saltyrtc_invitation_initiator_key(invitation, initiator_key, &error), &error);
        saltyrtc_invitation_free(invitation);
        /* Somebody else knows us by another key. */
        if (keys->paired && memcmp(keys->peer_key, initiator_key, SALTYRTC_KEY_BYTES) != 0) keys_new(keys);
        check(saltyrtc_config_new_responder(options->invitation, keys->secret_key, &program->config, &error), &error);
    }
    program->trusts = keys->paired;
    if (program->trusts) check(saltyrtc_config_set_trusted_peer(program->config, keys->peer_key, &error), &error);
    if (options->ca) add_certificates(program->config, options->ca);
    add_rtc(program->config, options);
}

/* --- One connection after another --- */

static void finish(struct program *program, int status) {
    program->status = status;
    program->over = true;
}

static void connect_client(struct program *program) {
    saltyrtc_error *error;
    program->retry_at = 0;
    check(saltyrtc_client_new(program->config, NULL, NULL, NULL, &program->client, &error), &error);
    program->files.client = program->client;
}

static void disconnected(struct program *program) {
    transfers_disconnected(&program->files);
    program->can_say = program->keeps_input = false;
    program->lost_at = 0;
}

/* The connection is gone; there will be another one. */
static void retry(struct program *program) {
    disconnected(program);
    saltyrtc_client_free(program->client);
    program->client = program->files.client = NULL;
    program->retry_at = now_ms() + program->retry_ms;
    program->retry_ms = program->retry_ms * 2 < LAST_RETRY_MS ? program->retry_ms * 2 : LAST_RETRY_MS;
}

/* Says goodbye. The files that are being received are kept for the next time. */
static void end(struct program *program, int status) {
    if (program->ending) return;
    program->ending = true;
    program->status = status;
    program->deadline = now_ms() + GOODBYE_MS;
    if (program->client) saltyrtc_client_close(program->client, NULL);
    else finish(program, status);
}

/* Who joins with stored keys has two ways in: the peer knows our key, or the token is good. The peer may have been killed
   before it could store the one, and we, before we knew that it had. */
static bool try_other_way_in(struct program *program) {
    uint8_t token[SALTYRTC_KEY_BYTES], initiator_key[SALTYRTC_KEY_BYTES];
    saltyrtc_invitation *invitation;
    saltyrtc_error *error;
    if (program->options.invites || !program->keys.path || program->refused) return false;
    check(saltyrtc_invitation_parse(program->options.invitation, &invitation, &error), &error);
    check(saltyrtc_invitation_initiator_key(invitation, initiator_key, &error), &error);
    saltyrtc_status has_token = saltyrtc_invitation_token(invitation, token, NULL);
    saltyrtc_invitation_free(invitation);
    if (has_token != SALTYRTC_STATUS_OK) return false;
    if (program->trusts) check(saltyrtc_config_set_token(program->config, token, &error), &error);
    else check(saltyrtc_config_set_trusted_peer(program->config, initiator_key, &error), &error);
    program->trusts = !program->trusts;
    program->refused = true;
    return true;
}

/* All that was to be done is done, or nothing more can come of it. */
static int outcome(const struct program *program) {
    const struct transfers *files = &program->files;
    unsigned channels, pending = transfers_pending(files, &channels);
    bool idle = program->options.ends_with_peer && files->received == 0;
    return files->failed > 0 || pending > 0 || idle;
}

static void closed(struct program *program, const saltyrtc_event *event) {
    const char *unfinished = "";
    bool gone = event->status == SALTYRTC_STATUS_PEER_CLOSED || event->status == SALTYRTC_STATUS_PEER_LEFT ||
                event->status == SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST;
    int status = outcome(program);
    if (program->ending) {
        finish(program, program->status);
    } else if (event->status == SALTYRTC_STATUS_PEER_CLOSED && program->options.ends_with_peer) {
        if (status && program->files.received == 0) unfinished = "; nothing was received as a whole";
        finish(program, status);
    } else if (event->status == SALTYRTC_STATUS_PEER_CLOSED && program->options.ends_when_sent && !program->keys.path) {
        /* Without stored keys it cannot come back as the one that we know, nor can anybody else. */
        unfinished = "; not all was sent. The invitation is used up: start again for another one";
        finish(program, 1);
    } else if (event->status == SALTYRTC_STATUS_INITIATOR_COULD_NOT_DECRYPT && try_other_way_in(program)) {
        say("trying with %s", program->trusts ? "what is stored" : "the token");
        retry(program);
        return;
    } else if (program->served && (event->retryable || (gone && program->met))) {
        say("%s; trying again", event->text);
        retry(program);
        return;
    } else {
        finish(program, 1);
    }
    say("%s%s", event->text, unfinished);
}

static void peer_is_there(struct program *program, const saltyrtc_event *event) {
    saltyrtc_error *error;
    saltyrtc_status status;
    say("the other side is there%s", program->trusts ? ", known from before" : "");
    program->met = program->can_say = true;
    program->refused = false;
    program->retry_ms = FIRST_RETRY_MS;
    if (!program->keys.paired && !keys_store(&program->keys, event->peer_key)) {
        say("%s cannot be written", program->keys.path);
    }
    if (program->trusts) return;
    status = saltyrtc_client_trust_peer(program->client, &error);
    /* It may have gone since, which one of the next events tells. */
    if (status == SALTYRTC_STATUS_CLOSED || status == SALTYRTC_STATUS_NO_PEER) saltyrtc_error_free(error);
    else check(status, &error);
    check(saltyrtc_config_set_trusted_peer(program->config, event->peer_key, &error), &error);
    program->trusts = true;
}

static void connection_state(struct program *program, const saltyrtc_event *event) {
    static const char *const kinds[] = {"", "directly", "through a NAT", "through a NAT", "through a TURN server"};
    const char *kind;
    saltyrtc_rtc_stats stats;
    switch (event->connection_state) {
    case SALTYRTC_CONNECTION_STATE_CONNECTED:
        memset(&stats, 0, sizeof stats);
        stats.struct_size = sizeof stats;
        saltyrtc_client_rtc_stats(program->client, &stats, NULL);
        kind = stats.local_type > 0 && stats.local_type < 5 ? kinds[stats.local_type] : "no path any more";
        say("connected, end-to-end encrypted: %s", kind);
        program->files.connected = 1;
        program->lost_at = 0;
        break;
    case SALTYRTC_CONNECTION_STATE_DISCONNECTED:
        say("%s", event->text);
        /* If the other side was restarted, it waits at the server. */
        program->lost_at = now_ms() + PATIENCE_MS;
        break;
    case SALTYRTC_CONNECTION_STATE_UNREACHABLE:
    case SALTYRTC_CONNECTION_STATE_FAILED:
        say("%s", event->text);
        if (program->ending) finish(program, program->status);
        else retry(program);
        break;
    case SALTYRTC_CONNECTION_STATE_CLOSED:
        transfers_disconnected(&program->files);
        break;
    default:
        break;
    }
}

static void on_event(struct program *program, const saltyrtc_event *event) {
    char text[LINE_BYTES + 1];
    switch (event->kind) {
    case SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE:
        program->served = true;
        say("waiting for the other side");
        break;
    case SALTYRTC_EVENT_KIND_RESPONDER_FAILED:
        say("somebody was turned away: %s", event->text);
        break;
    case SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE:
        peer_is_there(program, event);
        break;
    case SALTYRTC_EVENT_KIND_PEER_LEFT:
        say("the other side has left");
        disconnected(program);
        break;
    case SALTYRTC_EVENT_KIND_CONNECTION_STATE:
        connection_state(program, event);
        break;
    case SALTYRTC_EVENT_KIND_CONNECTION_PROBLEM:
        say("%s", event->text);
        break;
    case SALTYRTC_EVENT_KIND_APPLICATION:
        if (event->payload != SALTYRTC_PAYLOAD_TEXT) break;
        result("peer: %s", safe_text(event->data, event->data_len, text, sizeof text));
        break;
    case SALTYRTC_EVENT_KIND_WRITABLE:
        program->keeps_input = false;
        break;
    case SALTYRTC_EVENT_KIND_CLOSED:
        closed(program, event);
        break;
    default:
        transfers_event(&program->files, event);
        break;
    }
}

/* Not all at once, so that nothing else has to wait. Returns 1 if there may be more. */
static int take_events(struct program *program) {
    for (int i = 0; i < 256; i++) {
        saltyrtc_event *event;
        saltyrtc_client *client = program->client;
        if (!client || saltyrtc_client_next_event(client, 0, &event, NULL) != SALTYRTC_STATUS_OK) return 0;
        on_event(program, event);
        saltyrtc_event_free(event);
    }
    return 1;
}

/* --- Chat --- */

/* Returns 0 if the line has to be tried again later. */
static int take_line(struct program *program, const char *line) {
    static const char send[] = "/send ";
    saltyrtc_error *error;
    if (strncmp(line, send, sizeof send - 1) == 0) {
        transfers_send(&program->files, line + sizeof send - 1);
        return 1;
    }
    if (line[0] == '\0') return 1;
    if (!program->can_say) {
        say("nobody is there to hear it: %s", line);
        return 1;
    }
    saltyrtc_status status =
        saltyrtc_client_send_application_text(program->client, line, strlen(line), &error);
    if (status == SALTYRTC_STATUS_QUEUE_FULL) program->keeps_input = true;
    else if (status != SALTYRTC_STATUS_OK) say("not sent: %s", saltyrtc_error_message(error));
    saltyrtc_error_free(error);
    return status != SALTYRTC_STATUS_QUEUE_FULL;
}

static void take_lines(struct program *program) {
    char *text = program->input;
    for (;;) {
        char *end = (char *)memchr(text, '\n', program->input_size);
        size_t size = end ? (size_t)(end - text) + 1 : program->input_size;
        if (!end && program->input_size < LINE_BYTES) return;
        text[end ? size - 1 : size] = '\0';
        if (!take_line(program, text)) {
            if (end) *end = '\n';
            return;
        }
        program->input_size -= size;
        memmove(text, text + size, program->input_size);
    }
}

static void read_input(struct program *program) {
    ssize_t count = read(0, program->input + program->input_size, LINE_BYTES - program->input_size);
    if (count > 0) {
        program->input_size += (size_t)count;
        take_lines(program);
        return;
    }
    program->input[program->input_size] = '\0';
    if (program->input_size > 0) take_line(program, program->input);
    end(program, outcome(program));
}

/* --- The loop --- */

static int wait_ms(int64_t at) {
    int64_t left = at - now_ms();
    return left <= 0 ? 0 : left < 60000 ? (int)left : 60000;
}

static void run(struct program *program) {
    struct transfers *files = &program->files;
    while (!program->over) {
        unsigned channels;
        int more = transfers_step(files);
        bool reads = program->options.chats && !program->ending && !program->keeps_input;
        struct pollfd fds[3] = {{stop_pipe[0], POLLIN, 0}, {-1, POLLIN, 0}, {reads ? 0 : -1, POLLIN, 0}};
        int timeout = more ? 0 : -1;
        int64_t at = program->deadline ? program->deadline : program->retry_at ? program->retry_at : program->lost_at;
        if (program->client) saltyrtc_client_event_fd(program->client, &fds[1].fd, NULL);
        if (at && !more) timeout = wait_ms(at);
        if (poll(fds, 3, timeout) < 0) {
            if (errno == EINTR) continue;
            fail("poll: ", strerror(errno));
        }
        if (fds[0].revents) {
            char byte;
            if (read(stop_pipe[0], &byte, 1) != 1) abort();
            end(program, 1);
        }
        if (fds[1].revents) take_events(program);
        if (fds[2].revents) read_input(program);
        if (!program->keeps_input) take_lines(program);
        if (program->retry_at && now_ms() >= program->retry_at && !program->ending) connect_client(program);
        if (program->lost_at && now_ms() >= program->lost_at && !program->ending) {
            say("the other side is lost; trying again");
            retry(program);
        }
        if (program->options.ends_when_sent && transfers_pending(files, &channels) == 0 && !program->ending) {
            /* The other side closes the channel of a file that failed, but need not. */
            if (channels == 0) end(program, outcome(program));
            else if (!program->deadline) program->deadline = now_ms() + GOODBYE_MS;
        }
        if (program->deadline && now_ms() >= program->deadline) {
            if (program->ending) finish(program, program->status);
            program->deadline = 0;
            end(program, outcome(program));
        }
    }
}

/* --- The command line --- */

static void usage(void) {
    fail("usage: send_file send FILE... [OPTION]...\n"
         "       send_file receive INVITATION [DIR] [OPTION]...\n"
         "       send_file serve DIR [FILE...] [OPTION]...\n"
         "       send_file join INVITATION DIR [FILE...] [OPTION]...\n"
         "options: [--server URL] [--server-key HEX] [--page URL] if you invite,\n"
         "         [--ca FILE] [--ice URL[,USER,PASSWORD]]... [--relay] [--keys FILE]",
         "");
}

/* Returns how many arguments it takes: 0 if this is no option. */
static int take_option(struct program *program, char **argument) {
    struct options *options = &program->options;
    if (strncmp(argument[0], "--", 2) != 0) return 0;
    if (strcmp(argument[0], "--relay") == 0) {
        options->relay_only = true;
        return 1;
    }
    if (!argument[1]) usage();
    if (strcmp(argument[0], "--ca") == 0) options->ca = argument[1];
    else if (strcmp(argument[0], "--keys") == 0) program->keys.path = argument[1];
    else if (strcmp(argument[0], "--ice") == 0 && options->ice_count < MAX_ICE_SERVERS) {
        options->ice[options->ice_count++] = argument[1];
    } else if (options->invites && strcmp(argument[0], "--server") == 0) options->server_url = argument[1];
    else if (options->invites && strcmp(argument[0], "--server-key") == 0) options->server_key = argument[1];
    else if (options->invites && strcmp(argument[0], "--page") == 0) options->page = argument[1];
    else usage();
    return 2;
}

static void take_arguments(struct program *program, char **argument) {
    struct options *options = &program->options;
    struct transfers *files = &program->files;
    if (!argument[0]) usage();
    const char *mode = *argument++;
    bool sends = strcmp(mode, "send") == 0, receives = strcmp(mode, "receive") == 0;
    bool serves = strcmp(mode, "serve") == 0, joins = strcmp(mode, "join") == 0;
    if (!sends && !receives && !serves && !joins) usage();
    options->invites = sends || serves;
    options->chats = serves || joins;
    options->ends_when_sent = sends;
    options->ends_with_peer = receives;
    while (*argument) {
        int taken = take_option(program, argument);
        if (taken > 0) {
            argument += taken;
            continue;
        }
        if (!options->invites && !options->invitation) options->invitation = *argument;
        else if (!sends && !files->directory) files->directory = *argument;
        else if (!receives) transfers_send(files, *argument);
        else usage();
        argument++;
    }
    if (receives && !files->directory) files->directory = ".";
    if (!options->invites && !options->invitation) usage();
    if (sends ? !files->outgoing : !files->directory) usage();
    if (program->keys.path && options->invites && !options->server_url) {
        fail("--keys needs --server: the server of this program is another one each time", "");
    }
    if (files->directory && access(files->directory, W_OK | X_OK) != 0) fail(files->directory, ": no files can be put there");
}

int main(int argc, char **argv) {
    static struct program program;
    struct sigaction action;
    (void)argc;
    progress_line.terminal = isatty(2);
    program.retry_ms = FIRST_RETRY_MS;
    take_arguments(&program, argv + 1);
    /* A file that cannot be sent at all should not wait for the other side to say so. */
    if (program.options.ends_when_sent && !transfers_open(&program.files)) return 1;
    if (pipe(stop_pipe) != 0) fail("pipe: ", strerror(errno));
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND; /* the second Ctrl-C ends at once */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a limit on files is an error as others */

    configure(&program);
    if (program.options.invites) show_invitation(&program);
    connect_client(&program);
    run(&program);

    transfers_free(&program.files);
    saltyrtc_client_free(program.client);
    saltyrtc_config_free(program.config);
    if (program.server) saltyrtc_server_stop(program.server, 5000, NULL);
    saltyrtc_server_free(program.server);
    saltyrtc_shutdown(5000, NULL);
    progress_clear();
    close(stop_pipe[0]);
    close(stop_pipe[1]);
    return program.status;
}
