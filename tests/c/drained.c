/* What does not block: events tell when a client has sent what it had to send, and when a server has
   stopped. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "queue.h"

#define IS_NULL(name, call) FAILS(SALTYRTC_STATUS_NULL_ARGUMENT, name, (call))

enum { MESSAGE = 1024, MESSAGES = 20 };

static size_t waits(const saltyrtc_client *client) {
    saltyrtc_error *error = NULL;
    size_t amount = 99;
    OK(saltyrtc_client_buffered_amount(client, &amount, &error));
    return amount;
}

static void low_water(const test_server *server) {
    saltyrtc_error *error = NULL;
    const pair both = connected_pair(server);
    static uint8_t message[MESSAGE];
    saltyrtc_event *event;
    int sent = 0, received = 0, round;
    CHECK(waits(both.initiator) == 0);
    OK(saltyrtc_client_set_low_water(both.initiator, 0, &error));
    for (round = 0; round < 2; round++) {
        for (sent = 0; sent < MESSAGES; sent++) {
            OK(saltyrtc_client_send_bytes(both.initiator, message, MESSAGE, &error));
        }
        /* It may have been sent faster than the program added to it. */
        do {
            event = TAKE(both.initiator, SALTYRTC_EVENT_KIND_LOW_WATER);
            check_event(event);
            saltyrtc_event_free(event);
        } while (waits(both.initiator) > 0);
        /* A connection whose server answers stays. */
        OK(saltyrtc_network_changed(&error));
        for (received = 0; received < MESSAGES; received++) {
            SKIP_TO(both.responder, SALTYRTC_EVENT_KIND_DATA);
        }
    }
    saltyrtc_client_free(both.initiator);
    saltyrtc_client_free(both.responder);
    checked("an event when nothing waits to be sent any more");
}

static void expect_stopped(saltyrtc_queue *queue, uint64_t token, saltyrtc_status status) {
    saltyrtc_event *event = take_one(queue);
    check_event(event);
    CHECK(event->kind == SALTYRTC_EVENT_KIND_SERVER_STOPPED);
    CHECK(event->token == token && event->status == status);
    saltyrtc_event_free(event);
}

static void stopped(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    saltyrtc_queue *freed = new_queue();
    saltyrtc_client *client;
    test_server server;
    start_server(&server);
    client = pull_client(initiator_config(&server, NULL));
    SKIP_TO(client, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    OK(saltyrtc_server_stop_on_queue(server.handle, LIMIT_MS, freed, 1, &error));
    saltyrtc_queue_free(freed);
    OK(saltyrtc_server_stop_on_queue(server.handle, LIMIT_MS, queue, 2, &error));
    expect_stopped(queue, 2, SALTYRTC_STATUS_OK);
    CHECK_END(client, SALTYRTC_STATUS_SERVER_GOING_AWAY, "server");
    /* It has stopped: whoever asks again hears so. */
    OK(saltyrtc_server_stop_on_queue(server.handle, 0, queue, UINT64_MAX, &error));
    expect_stopped(queue, UINT64_MAX, SALTYRTC_STATUS_OK);
    OK(saltyrtc_server_stop(server.handle, 0, &error));
    saltyrtc_server_free(server.handle);
    saltyrtc_client_free(client);
    check_empty(queue);
    saltyrtc_queue_free(queue);
    checked("an event when a server has stopped");
}

/* A client that opens a WebSocket and says nothing more, so that the server waits for its part of the end. */
static int silent_client(const test_server *server) {
    static const char request[] =
        "GET /0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef HTTP/1.1\r\n"
        "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: v1.saltyrtc.org\r\n\r\n";
    struct sockaddr_in address;
    char answer[12];
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server->port);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(send(fd, request, sizeof request - 1, 0) == (ssize_t)(sizeof request - 1));
    CHECK(recv(fd, answer, sizeof answer, MSG_WAITALL) == (ssize_t)sizeof answer);
    CHECK(memcmp(answer, "HTTP/1.1 101", sizeof answer) == 0);
    return fd;
}

static void not_in_time(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    test_server server;
    int fd;
    start_server(&server);
    fd = silent_client(&server);
    OK(saltyrtc_server_stop_on_queue(server.handle, 1, queue, 3, &error));
    expect_stopped(queue, 3, SALTYRTC_STATUS_TIMEOUT);
    FAILS(SALTYRTC_STATUS_TIMEOUT, "still", saltyrtc_server_stop(server.handle, 0, &error));
    OK(saltyrtc_server_stop_on_queue(server.handle, LIMIT_MS, queue, 4, &error));
    CHECK(close(fd) == 0);
    expect_stopped(queue, 4, SALTYRTC_STATUS_OK);
    OK(saltyrtc_server_stop(server.handle, 0, &error));
    saltyrtc_server_free(server.handle);
    check_empty(queue);
    saltyrtc_queue_free(queue);
    checked("an event when a server has not stopped in time");
}

int main(void) {
    saltyrtc_error *error = NULL;
    test_server server;
    size_t amount = 99;
    pair both;
    IS_NULL("client", saltyrtc_client_buffered_amount(NULL, &amount, &error));
    CHECK(amount == 0);
    IS_NULL("client", saltyrtc_client_set_low_water(NULL, 0, &error));
    start_server(&server);
    both = connected_pair(&server);
    IS_NULL("amount", saltyrtc_client_buffered_amount(both.initiator, NULL, &error));
    saltyrtc_client_free(both.initiator);
    saltyrtc_client_free(both.responder);
    IS_NULL("server", saltyrtc_server_stop_on_queue(NULL, 0, NULL, 0, &error));
    IS_NULL("queue", saltyrtc_server_stop_on_queue(server.handle, 0, NULL, 0, &error));
    low_water(&server);
    end_server(&server);
    stopped();
    not_in_time();
    end_library();
    return 0;
}
