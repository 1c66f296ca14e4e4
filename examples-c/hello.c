/*
 * hello: the whole of SaltyRTC in one process. A server on a free loopback port, an initiator, a
 * responder that gets the initiator's invitation, a message each way, and a clean end. Every event is
 * printed, so that you can watch the protocol happen.
 *
 *     cc hello.c -lsaltyrtc -o hello && ./hello
 *
 * Runs on its own.
 */
#include <saltyrtc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(saltyrtc_status status, saltyrtc_error **error) {
    if (status == SALTYRTC_STATUS_OK) return;
    fprintf(stderr, "%s: %s\n", saltyrtc_status_name(status), saltyrtc_error_message(*error));
    exit(1);
}

static void print(const char *who, const saltyrtc_event *event) {
    printf("%-9s  ", who);
    switch (event->kind) {
    case SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE:
        printf("the server accepted us at address %d%s\n", event->address,
               event->server_verified ? ", and proved to have its key" : "");
        break;
    case SALTYRTC_EVENT_KIND_RESPONDER_JOINED:
        printf("a responder came to address %d\n", event->address);
        break;
    case SALTYRTC_EVENT_KIND_INITIATOR_JOINED:
        printf("the initiator came\n");
        break;
    case SALTYRTC_EVENT_KIND_TOKEN_USED:
        printf("the token was used, and nobody can use it again\n");
        break;
    case SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE:
        printf("the peer is who it should be; task %s\n", event->task);
        break;
    case SALTYRTC_EVENT_KIND_DATA:
        printf("received: %.*s\n", (int)event->data_len, (const char *)event->data);
        break;
    case SALTYRTC_EVENT_KIND_CLOSED:
        printf("%s (close code %d)\n", event->text, event->close_code);
        break;
    default:
        printf("%s\n", saltyrtc_event_kind_name((int32_t)event->kind));
    }
}

static void say(saltyrtc_client *client, const char *text) {
    saltyrtc_error *error;
    check(saltyrtc_client_send_text(client, text, strlen(text), &error), &error);
}

/* Prints the events of a client up to the first one of a kind. */
static void wait_for(saltyrtc_client *client, const char *who, saltyrtc_event_kind kind) {
    saltyrtc_event_kind seen;
    do {
        saltyrtc_event *event;
        saltyrtc_error *error;
        check(saltyrtc_client_next_event(client, -1, &event, &error), &error);
        print(who, event);
        seen = event->kind;
        saltyrtc_event_free(event);
        if (seen == SALTYRTC_EVENT_KIND_CLOSED && kind != SALTYRTC_EVENT_KIND_CLOSED) exit(1);
    } while (seen != kind);
}

/* Adds the task, creates the client, and frees the configuration, which is not needed any more. */
static saltyrtc_client *connect_client(saltyrtc_config *config) {
    saltyrtc_client *client;
    saltyrtc_error *error;
    check(saltyrtc_config_add_relayed_data_task(config, &error), &error);
    check(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error), &error);
    saltyrtc_config_free(config);
    return client;
}

int main(void) {
    saltyrtc_error *error;
    uint8_t server_key[SALTYRTC_KEY_BYTES], public_key[SALTYRTC_KEY_BYTES];
    uint8_t secret_key[SALTYRTC_KEY_BYTES];

    /* A server, with a permanent key so that nobody can take its place. */
    saltyrtc_server_config *server_config;
    saltyrtc_server *server;
    char url[64];
    check(saltyrtc_server_config_new("127.0.0.1", 0, &server_config, &error), &error);
    check(saltyrtc_key_pair_generate(server_key, secret_key, &error), &error);
    check(saltyrtc_server_config_add_permanent_key(server_config, secret_key, &error), &error);
    check(saltyrtc_server_start(server_config, &server, &error), &error);
    saltyrtc_server_config_free(server_config);
    check(saltyrtc_server_url(server, url, sizeof url, NULL, &error), &error);
    printf("server     listens at %s\n", url);

    /* The initiator. Its invitation names the server and both keys, and holds the token. */
    saltyrtc_config *config;
    char invitation[SALTYRTC_INVITATION_BYTES];
    check(saltyrtc_key_pair_generate(public_key, secret_key, &error), &error);
    check(saltyrtc_config_new_initiator(url, secret_key, &config, &error), &error);
    check(saltyrtc_config_set_server_key(config, server_key, &error), &error);
    check(saltyrtc_config_invitation(config, invitation, sizeof invitation, NULL, &error), &error);
    saltyrtc_client *initiator = connect_client(config);
    printf("initiator  invites with %s\n", invitation);

    /* The responder. In real life, it gets the invitation as a QR code or in another safe way. */
    check(saltyrtc_key_pair_generate(public_key, secret_key, &error), &error);
    check(saltyrtc_config_new_responder(invitation, secret_key, &config, &error), &error);
    saltyrtc_client *responder = connect_client(config);

    wait_for(initiator, "initiator", SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    wait_for(responder, "responder", SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);

    say(initiator, "Hello, responder!");
    wait_for(responder, "responder", SALTYRTC_EVENT_KIND_DATA);
    say(responder, "Hello, initiator!");
    wait_for(initiator, "initiator", SALTYRTC_EVENT_KIND_DATA);

    check(saltyrtc_client_close(initiator, &error), &error);
    wait_for(initiator, "initiator", SALTYRTC_EVENT_KIND_CLOSED);
    wait_for(responder, "responder", SALTYRTC_EVENT_KIND_CLOSED);

    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    saltyrtc_server_free(server);
    saltyrtc_shutdown(5000, NULL);
    return 0;
}
