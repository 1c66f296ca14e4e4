/*
 * ortc_channel: a data channel between two clients that agree on ORTC. Both offer the task of ORTC and that of WebRTC
 * with the built-in engine, so that each of them could talk to clients that have one of the two only; nothing else
 * in this program depends on which one it is. Server and clients are in one process, the connection between the
 * clients is a real one.
 *
 *     cc ortc_channel.c -lsaltyrtc -o ortc_channel && ./ortc_channel
 *
 * Runs on its own.
 */
#include <saltyrtc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char LABEL[] = "greetings";

static void check(saltyrtc_status status, saltyrtc_error **error) {
    if (status == SALTYRTC_STATUS_OK) return;
    fprintf(stderr, "%s: %s\n", saltyrtc_status_name(status), saltyrtc_error_message(*error));
    exit(1);
}

static void print(const char *who, const saltyrtc_event *event) {
    printf("%-9s  ", who);
    switch (event->kind) {
    case SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE:
        printf("the peer is who it should be; task %s\n", event->task);
        break;
    case SALTYRTC_EVENT_KIND_CONNECTION_STATE:
        printf("%s\n", event->text);
        break;
    case SALTYRTC_EVENT_KIND_CHANNEL_OPENED:
        printf("the channel \"%s\" is open\n", event->label);
        break;
    case SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE:
        printf("received: %.*s\n", (int)event->data_len, (const char *)event->data);
        break;
    case SALTYRTC_EVENT_KIND_CLOSED:
        printf("%s (close code %d)\n", event->text, event->close_code);
        break;
    default:
        printf("%s\n", saltyrtc_event_kind_name((int32_t)event->kind));
    }
}

/* Prints the events of a client up to the first one of a kind. Returns the channel that it is about. */
static uint32_t wait_for(saltyrtc_client *client, const char *who, saltyrtc_event_kind kind) {
    for (;;) {
        saltyrtc_event *event;
        saltyrtc_error *error;
        check(saltyrtc_client_next_event(client, -1, &event, &error), &error);
        print(who, event);
        const saltyrtc_event_kind seen = event->kind;
        const uint32_t channel = event->channel;
        saltyrtc_event_free(event);
        if (seen == kind) return channel;
        if (seen == SALTYRTC_EVENT_KIND_CLOSED) exit(1);
    }
}

/* Adds both tasks, creates the client, and frees the configuration, which is not needed any more. */
static saltyrtc_client *connect_client(saltyrtc_config *config) {
    saltyrtc_client *client;
    saltyrtc_rtc_config *rtc;
    saltyrtc_error *error;
    check(saltyrtc_rtc_config_new(&rtc, &error), &error);
    check(saltyrtc_rtc_config_set_tasks(rtc, SALTYRTC_RTC_TASKS_ORTC_THEN_WEBRTC, &error), &error);
    check(saltyrtc_config_add_rtc_task(config, rtc, &error), &error);
    saltyrtc_rtc_config_free(rtc);
    check(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error), &error);
    saltyrtc_config_free(config);
    return client;
}

static void say(saltyrtc_client *client, uint32_t channel, const char *text) {
    saltyrtc_error *error;
    check(saltyrtc_client_channel_send_bytes(client, channel, (const uint8_t *)text, strlen(text), &error),
          &error);
}

int main(void) {
    saltyrtc_error *error;
    uint8_t server_key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    saltyrtc_server_config *server_config;
    saltyrtc_server *server;
    char url[64], invitation[SALTYRTC_INVITATION_BYTES];
    saltyrtc_config *config;

    check(saltyrtc_server_config_new("127.0.0.1", 0, &server_config, &error), &error);
    check(saltyrtc_key_pair_generate(server_key, secret_key, &error), &error);
    check(saltyrtc_server_config_add_permanent_key(server_config, secret_key, &error), &error);
    check(saltyrtc_server_start(server_config, &server, &error), &error);
    saltyrtc_server_config_free(server_config);
    check(saltyrtc_server_url(server, url, sizeof url, NULL, &error), &error);

    /* Keys of their own for each client: NULL makes new ones. */
    check(saltyrtc_config_new_initiator(url, NULL, &config, &error), &error);
    check(saltyrtc_config_set_server_key(config, server_key, &error), &error);
    check(saltyrtc_config_invitation(config, invitation, sizeof invitation, NULL, &error), &error);
    saltyrtc_client *initiator = connect_client(config);
    check(saltyrtc_config_new_responder(invitation, NULL, &config, &error), &error);
    saltyrtc_client *responder = connect_client(config);

    /* The signalling goes over the connection too, and the server could be switched off. */
    wait_for(initiator, "initiator", SALTYRTC_EVENT_KIND_HANDED_OVER);
    wait_for(responder, "responder", SALTYRTC_EVENT_KIND_HANDED_OVER);

    saltyrtc_channel_options options;
    uint32_t here, there;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.label = LABEL;
    options.label_len = strlen(LABEL);
    check(saltyrtc_client_open_channel(initiator, &options, &here, &error), &error);
    wait_for(initiator, "initiator", SALTYRTC_EVENT_KIND_CHANNEL_OPENED);
    there = wait_for(responder, "responder", SALTYRTC_EVENT_KIND_CHANNEL_OPENED);

    say(initiator, here, "Hello, responder!");
    wait_for(responder, "responder", SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE);
    say(responder, there, "Hello, initiator!");
    wait_for(initiator, "initiator", SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE);

    check(saltyrtc_client_close(initiator, &error), &error);
    wait_for(initiator, "initiator", SALTYRTC_EVENT_KIND_CLOSED);
    wait_for(responder, "responder", SALTYRTC_EVENT_KIND_CLOSED);
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    saltyrtc_server_free(server);
    saltyrtc_shutdown(5000, NULL);
    return 0;
}
