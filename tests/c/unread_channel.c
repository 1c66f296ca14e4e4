/* A client whose events nobody takes: its peer gives up in the end, and the end gets through. */

#include "queue.h"
#include "rtc.h"

/* Nobody takes what comes on a channel. The peer cannot send more, gives up in the end and closes. */
static void an_unread_channel_does_not_hold_up_the_end(const test_server *server) {
    /* More than all of the receiver keeps. */
    enum { SIZE = 16 * 1024, MESSAGES = 512 };
    static uint8_t message[SIZE];
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    char invitation[SALTYRTC_INVITATION_BYTES];
    saltyrtc_channel_options options = labelled("unread");
    saltyrtc_config *config;
    saltyrtc_rtc_config *rtc = rtc_config();
    saltyrtc_client *initiator, *responder = NULL;
    uint32_t channel, sent, received = 0;
    bool closed = false;
    OK(saltyrtc_rtc_config_set_max_buffered(rtc, 2 * MESSAGES * SIZE, &error));
    initiator = rtc_client(initiator_config(server, invitation), rtc);
    rtc = rtc_config();
    config = responder_config(invitation);
    OK(saltyrtc_config_set_max_queue_size(config, 256 * 1024, &error));
    OK(saltyrtc_config_add_rtc_task(config, rtc, &error));
    OK(saltyrtc_client_new_on_queue(config, queue, 1, &responder, &error));
    saltyrtc_config_free(config);
    saltyrtc_rtc_config_free(rtc);
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_HANDED_OVER);
    skip_to(queue, 1, SALTYRTC_EVENT_KIND_HANDED_OVER);
    channel = open_channel(initiator, &options);
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_CHANNEL_OPENED);
    skip_to(queue, 1, SALTYRTC_EVENT_KIND_CHANNEL_OPENED);
    OK(saltyrtc_client_pause_events(responder, true, &error));
    for (sent = 0; sent < MESSAGES; sent++) {
        memcpy(message, &sent, sizeof sent);
        OK(saltyrtc_client_channel_send_bytes(initiator, channel, message, SIZE, &error));
    }
    OK(saltyrtc_client_close(initiator, &error));
    while (!closed) {
        saltyrtc_event *event = take_one(queue);
        CHECK(event->token == 1);
        if (event->kind == SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE) {
            CHECK(event->data_len == SIZE && memcmp(event->data, &received, sizeof received) == 0);
            received++;
        }
        closed = event->kind == SALTYRTC_EVENT_KIND_CLOSED;
        saltyrtc_event_free(event);
    }
    /* Or else the client was not paused. */
    CHECK(received > 0 && received < sent);
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    saltyrtc_queue_free(queue);
    checked("an unread channel does not hold up the end");
}

int main(void) {
    test_server server;
    start_server(&server);
    an_unread_channel_does_not_hold_up_the_end(&server);
    end_server(&server);
    end_library();
    return 0;
}
