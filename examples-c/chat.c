/*
 * chat: two people, one line at a time.
 *
 *     chat initiate [--server URL] [--server-key HEX] [--ca FILE]
 *     chat join INVITATION [--ca FILE]
 *
 * The initiator prints an invitation, as text and as a QR code. Once the other one is there, typed lines are
 * sent, received lines are printed (on a terminal, marked as the peer's, above the line that is being typed), and the end of the input (Ctrl-D) ends the chat; before that, Ctrl-C does.
 * Without --server, the initiator runs its own server, which can be reached on this machine only.
 */
#include <saltyrtc.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"

/* From the callback, which runs on a thread of the library, to the main loop. */
enum news { PEER_READY = 'r', ROOM_TO_SEND = 's', ENDED_WELL = 'e', ENDED_BADLY = 'b' };

static void fail(const char *what, saltyrtc_error *error) {
    fprintf(stderr, "%s%s\n", what, error ? saltyrtc_error_message(error) : "");
    saltyrtc_error_free(error);
    exit(1);
}

static void check(saltyrtc_status status, saltyrtc_error **error) {
    if (status != SALTYRTC_STATUS_OK) fail("", *error);
}

static void tell(int pipe_end, enum news news) {
    char byte = (char)news;
    if (write(pipe_end, &byte, 1) != 1) abort();
}

/*
 * Shows a line. On a terminal, it comes above the line that is being typed, which stays whole: the rows for it are
 * made below, then moved above the cursor. What the terminal would take for a command is not shown.
 */
static void show_line(FILE *to, const char *mark, const char *text, size_t size) {
    size_t columns = terminal_size(fileno(to)).columns, width = strlen(mark), rows;
    if (!isatty(fileno(to))) {
        fprintf(to, "%.*s\n", (int)size, text);
        fflush(to);
        return;
    }
    for (size_t i = 0; i < size; i++) width += ((unsigned char)text[i] & 0xc0) != 0x80;
    rows = width > columns ? (width + columns - 1) / columns : 1;
    for (size_t i = 0; i < rows; i++) fputs("\033D", to);
    fprintf(to, "\033[%zuA\0337\r\033[%zuL%s", rows, rows, mark);
    for (size_t i = 0; i < size; i++) {
        int is_control = (unsigned char)text[i] < ' ' || text[i] == 0x7f;
        fputc(is_control ? '_' : text[i], to);
    }
    fprintf(to, "\0338\033[%zuB", rows);
    fflush(to);
}

static void remark(const char *text) {
    char line[512];
    int size = snprintf(line, sizeof line, "* %s", text);
    show_line(stderr, "", line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
}

static void on_event(saltyrtc_client *client, const saltyrtc_event *event, void *user_data) {
    int news = *(int *)user_data;
    (void)client;
    switch (event->kind) {
    case SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE:
        remark("connected, end-to-end encrypted");
        tell(news, PEER_READY);
        break;
    case SALTYRTC_EVENT_KIND_DATA:
        show_line(stdout, "peer: ", (const char *)event->data, event->data_len);
        break;
    case SALTYRTC_EVENT_KIND_RESPONDER_FAILED:
        remark("somebody was turned away:");
        remark(event->text);
        break;
    case SALTYRTC_EVENT_KIND_WRITABLE:
        tell(news, ROOM_TO_SEND);
        break;
    case SALTYRTC_EVENT_KIND_CLOSED:
        remark(event->text);
        tell(news, event->status == SALTYRTC_STATUS_OK || event->status == SALTYRTC_STATUS_PEER_CLOSED
                       ? ENDED_WELL
                       : ENDED_BADLY);
        break;
    default:
        break;
    }
}

/* Sends the next line of the input. Returns 0 if it has to be tried again later. */
static int send_line(saltyrtc_client *client, const char *line) {
    saltyrtc_error *error;
    saltyrtc_status status = saltyrtc_client_send_text(client, line, strlen(line), &error);
    if (status == SALTYRTC_STATUS_OK) return 1;
    if (status != SALTYRTC_STATUS_QUEUE_FULL) {
        fprintf(stderr, "* not sent: %s\n", saltyrtc_error_message(error));
    }
    saltyrtc_error_free(error);
    return status != SALTYRTC_STATUS_QUEUE_FULL;
}

/* Sends all whole lines in `text` and keeps the rest. Returns 0 if there is no room for more. */
static int send_lines(saltyrtc_client *client, char *text, size_t *length, size_t capacity) {
    for (;;) {
        char *end = memchr(text, '\n', *length);
        size_t size = end ? (size_t)(end - text) + 1 : *length;
        if (!end && *length < capacity) return 1;
        text[end ? size - 1 : size] = '\0';
        if (!send_line(client, text)) {
            if (end) *end = '\n';
            return 0;
        }
        *length -= size;
        memmove(text, text + size, *length);
    }
}

static int chat(saltyrtc_client *client, int news) {
    enum { CAPACITY = 4096 };
    char text[CAPACITY + 1];
    size_t length = 0;
    int can_send = 0, input_open = 1;
    for (;;) {
        struct pollfd fds[2] = {{news, POLLIN, 0}, {can_send && input_open ? 0 : -1, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR) return 1;
        if (fds[0].revents) {
            char byte;
            if (read(news, &byte, 1) != 1) return 1;
            if (byte == ENDED_WELL || byte == ENDED_BADLY) return byte == ENDED_BADLY;
            can_send = send_lines(client, text, &length, CAPACITY);
        } else if (fds[1].revents) {
            ssize_t count = read(0, text + length, CAPACITY - length);
            if (count > 0) {
                length += (size_t)count;
                can_send = send_lines(client, text, &length, CAPACITY);
            } else {
                text[length] = '\0';
                if (length > 0) send_line(client, text);
                input_open = 0;
                saltyrtc_client_close(client, NULL);
            }
        }
    }
}

static void add_certificates(saltyrtc_config *config, const char *path) {
    static uint8_t bytes[1 << 16];
    saltyrtc_error *error;
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (!file || size == 0 || !feof(file)) fail("cannot read the file given with --ca", NULL);
    fclose(file);
    check(saltyrtc_config_add_tls_certificates(config, bytes, size, &error), &error);
}

static void show_invitation(const saltyrtc_config *config) {
    char uri[SALTYRTC_INVITATION_BYTES];
    saltyrtc_invitation *invitation;
    saltyrtc_error *error;
    size_t size = 0;
    check(saltyrtc_config_invitation(config, uri, sizeof uri, NULL, &error), &error);
    check(saltyrtc_invitation_parse(uri, &invitation, &error), &error);
    saltyrtc_invitation_qr_code(invitation, NULL, 0, &size, NULL);
    char *code = malloc(size);
    if (!code) abort();
    check(saltyrtc_invitation_qr_code(invitation, code, size, NULL, &error), &error);
    fprintf(stderr, "%s\n", code);
    if (terminal_too_low(2, code)) {
        fprintf(stderr, "* the code is higher than this terminal: make it larger, or scroll up\n");
    }
    free(code);
    saltyrtc_invitation_free(invitation);
    printf("%s\n", uri);
    fflush(stdout);
    fprintf(stderr, "* this is the invitation: it is a secret, and it is good for one person\n");
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

int main(int argc, char **argv) {
    static const char usage[] = "usage: chat initiate [--server URL] [--server-key HEX] [--ca FILE]\n"
                                "       chat join INVITATION [--ca FILE]";
    const char *server_url = NULL, *server_key_hex = NULL, *ca = NULL, *invitation = NULL;
    if (argc < 2) fail(usage, NULL);
    int initiate = strcmp(argv[1], "initiate") == 0;
    int next = 2;
    if (!initiate) {
        if (strcmp(argv[1], "join") != 0 || argc < 3) fail(usage, NULL);
        invitation = argv[next++];
    }
    for (; next + 1 < argc; next += 2) {
        if (strcmp(argv[next], "--ca") == 0) ca = argv[next + 1];
        else if (initiate && strcmp(argv[next], "--server") == 0) server_url = argv[next + 1];
        else if (initiate && strcmp(argv[next], "--server-key") == 0) server_key_hex = argv[next + 1];
        else fail(usage, NULL);
    }
    if (next != argc) fail(usage, NULL);

    uint8_t public_key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    uint8_t server_key[SALTYRTC_KEY_BYTES];
    char own_url[64];
    saltyrtc_server *server = NULL;
    saltyrtc_config *config;
    saltyrtc_client *client;
    saltyrtc_error *error;
    int news[2];
    if (pipe(news) != 0) abort();
    check(saltyrtc_key_pair_generate(public_key, secret_key, &error), &error);
    if (initiate) {
        if (!server_url) {
            server = start_server(own_url, sizeof own_url, server_key);
            server_url = own_url;
        } else if (server_key_hex) {
            check(saltyrtc_key_from_hex(server_key_hex, server_key, &error), &error);
        }
        check(saltyrtc_config_new_initiator(server_url, secret_key, &config, &error), &error);
        if (server || server_key_hex) {
            check(saltyrtc_config_set_server_key(config, server_key, &error), &error);
        }
        show_invitation(config);
    } else {
        check(saltyrtc_config_new_responder(invitation, secret_key, &config, &error), &error);
    }
    if (ca) add_certificates(config, ca);
    check(saltyrtc_config_add_relayed_data_task(config, &error), &error);
    check(saltyrtc_config_set_when_peer_leaves(config, SALTYRTC_WHEN_PEER_LEAVES_CLOSE, &error), &error);
    check(saltyrtc_client_new(config, on_event, &news[1], NULL, &client, &error), &error);
    saltyrtc_config_free(config);

    int result = chat(client, news[0]);

    saltyrtc_client_free(client);
    if (server) saltyrtc_server_stop(server, 5000, NULL);
    saltyrtc_server_free(server);
    saltyrtc_shutdown(5000, NULL);
    close(news[0]);
    close(news[1]);
    return result;
}
