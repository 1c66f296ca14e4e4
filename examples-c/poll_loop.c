/*
 * poll_loop: a client in the poll(2) loop of an application, next to whatever else the application
 * waits for. Here, that is a timer that ticks ten times; each tick is sent to the peer, which counts
 * them. There are no callbacks, no threads of our own, and no locks.
 *
 *     poll_loop
 *
 * Runs on its own.
 */
#include <saltyrtc.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TICKS = 10, TICK_MS = 20 };

static void check(saltyrtc_status status, saltyrtc_error **error) {
    if (status == SALTYRTC_STATUS_OK) return;
    fprintf(stderr, "%s\n", saltyrtc_error_message(*error));
    exit(1);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One side of the connection, and what it knows. */
struct side {
    const char *name;
    saltyrtc_client *client;
    int connected, closed, received;
};

/* Takes all events that wait. Called when the descriptor of the client is readable. */
static void take_events(struct side *side) {
    saltyrtc_event *event;
    while (saltyrtc_client_next_event(side->client, 0, &event, NULL) == SALTYRTC_STATUS_OK) {
        if (event->kind == SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE) {
            side->connected = 1;
            printf("%s: connected\n", side->name);
        } else if (event->kind == SALTYRTC_EVENT_KIND_DATA) {
            side->received++;
            printf("%s: received %.*s\n", side->name, (int)event->data_len, (const char *)event->data);
        } else if (event->kind == SALTYRTC_EVENT_KIND_CLOSED) {
            side->closed = 1;
            printf("%s: %s\n", side->name, event->text);
        }
        saltyrtc_event_free(event);
    }
}

static void connect_side(struct side *side, saltyrtc_config *config, struct pollfd *fd) {
    saltyrtc_error *error;
    check(saltyrtc_config_add_relayed_data_task(config, &error), &error);
    check(saltyrtc_client_new(config, NULL, NULL, NULL, &side->client, &error), &error);
    check(saltyrtc_client_event_fd(side->client, &fd->fd, &error), &error);
    fd->events = POLLIN;
    saltyrtc_config_free(config);
}

int main(void) {
    struct side sides[2] = {{"initiator", NULL, 0, 0, 0}, {"responder", NULL, 0, 0, 0}};
    struct pollfd fds[2];
    uint8_t public_key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    char url[64], invitation[SALTYRTC_INVITATION_BYTES];
    saltyrtc_server_config *server_config;
    saltyrtc_server *server;
    saltyrtc_config *config;
    saltyrtc_error *error;

    check(saltyrtc_server_config_new("127.0.0.1", 0, &server_config, &error), &error);
    check(saltyrtc_server_start(server_config, &server, &error), &error);
    saltyrtc_server_config_free(server_config);
    check(saltyrtc_server_url(server, url, sizeof url, NULL, &error), &error);

    check(saltyrtc_key_pair_generate(public_key, secret_key, &error), &error);
    check(saltyrtc_config_new_initiator(url, secret_key, &config, &error), &error);
    check(saltyrtc_config_invitation(config, invitation, sizeof invitation, NULL, &error), &error);
    connect_side(&sides[0], config, &fds[0]);
    check(saltyrtc_key_pair_generate(public_key, secret_key, &error), &error);
    check(saltyrtc_config_new_responder(invitation, secret_key, &config, &error), &error);
    connect_side(&sides[1], config, &fds[1]);

    int ticks = 0;
    int64_t next_tick = now_ms() + TICK_MS;
    while (!sides[0].closed || !sides[1].closed) {
        int64_t wait = next_tick - now_ms();
        if (poll(fds, 2, wait > 0 ? (int)wait : 0) < 0) break;
        for (int i = 0; i < 2; i++) {
            if (fds[i].revents) take_events(&sides[i]);
        }
        if (now_ms() < next_tick) continue;
        next_tick += TICK_MS;
        if (sides[0].connected && ticks < TICKS) {
            char text[24];
            snprintf(text, sizeof text, "tick %d", ++ticks);
            check(saltyrtc_client_send_text(sides[0].client, text, strlen(text), &error), &error);
            if (ticks == TICKS) saltyrtc_client_close(sides[0].client, NULL);
        }
    }

    saltyrtc_client_free(sides[0].client);
    saltyrtc_client_free(sides[1].client);
    saltyrtc_server_free(server);
    saltyrtc_shutdown(5000, NULL);
    return sides[1].received == TICKS ? 0 : 1;
}
