/* A server that is gone while something is written to it, with TLS, does not end the program. Rust programs
   ignore SIGPIPE from the start; C programs are ended by it. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

enum { ATTEMPTS = 5 };

/* Answers a TLS client with something else, and resets the connection: so that the client's TLS alert is
   written to nobody. */
static void *refuse(void *argument) {
    static const char answer[] = "this is not TLS\r\n";
    const int listener = *(int *)argument;
    int i;
    for (i = 0; i < ATTEMPTS; i++) {
        char first;
        const int fd = accept(listener, NULL, NULL);
        CHECK(fd >= 0);
        CHECK(recv(fd, &first, 1, 0) == 1);
        CHECK(send(fd, answer, sizeof answer, MSG_NOSIGNAL) == (ssize_t)sizeof answer);
        CHECK(shutdown(fd, SHUT_WR) == 0);
        /* The rest of the client's first message was not read, which makes it a reset. */
        CHECK(close(fd) == 0);
    }
    return NULL;
}

int main(void) {
    saltyrtc_error *error = NULL;
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    pthread_t thread;
    char url[64];
    int listener, i;

    CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(listener >= 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    CHECK(snprintf(url, sizeof url, "wss://127.0.0.1:%d", ntohs(address.sin_port)) > 0);
    CHECK(pthread_create(&thread, NULL, refuse, &listener) == 0);

    for (i = 0; i < ATTEMPTS; i++) {
        saltyrtc_config *config = NULL;
        saltyrtc_client *client = NULL;
        saltyrtc_event *event = NULL;
        OK(saltyrtc_config_new_initiator(url, NULL, &config, &error));
        OK(saltyrtc_config_add_relayed_data_task(config, &error));
        OK(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
        saltyrtc_config_free(config);
        OK(saltyrtc_client_next_event(client, LIMIT_MS, &event, &error));
        CHECK(event->kind == SALTYRTC_EVENT_KIND_CLOSED);
        /* What comes first: the answer, or the end of the connection. */
        CHECK(event->status == SALTYRTC_STATUS_TLS_FAILED || event->status == SALTYRTC_STATUS_CONNECT_FAILED);
        saltyrtc_event_free(event);
        saltyrtc_client_free(client);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(close(listener) == 0);
    OK(saltyrtc_shutdown(LIMIT_MS, &error));
    checked("a server that is gone does not end the program");
    return 0;
}
