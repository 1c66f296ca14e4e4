/* What goes wrong, and what the application is told: exactly one final event, with the right status and
   a text that says what to do; and nothing left behind. */

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy.h"
#include "support.h"
#include "test_certificate.h"

static void wrong_token(const test_server *server) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    uint8_t public_key[SALTYRTC_KEY_BYTES], token[SALTYRTC_KEY_BYTES];
    saltyrtc_client *initiator = pull_client(initiator_config(server, invitation));
    saltyrtc_client *wrong, *right;
    saltyrtc_config *config = responder_config(invitation);
    saltyrtc_event *event;
    OK(saltyrtc_key_pair_generate(public_key, token, &error));
    OK(saltyrtc_config_set_token(config, token, &error));
    wrong = pull_client(config);
    CHECK_END(wrong, SALTYRTC_STATUS_INITIATOR_COULD_NOT_DECRYPT, "ask for a new invitation");
    /* The initiator is told, and goes on waiting for the right one. */
    event = TAKE(initiator, SALTYRTC_EVENT_KIND_RESPONDER_FAILED);
    CHECK(event->close_code == 3005 && event->address >= 2 && event->text[0] != '\0');
    CHECK(event->status == SALTYRTC_STATUS_INITIATOR_COULD_NOT_DECRYPT);
    saltyrtc_event_free(event);
    right = pull_client(responder_config(invitation));
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(wrong);
    saltyrtc_client_free(right);
    checked("wrong token");
}

/* Only one of the two has stored the other's key, or a wrong one. */
static void wrong_trusted_key(const test_server *server) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    uint8_t other_key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    saltyrtc_config *config = initiator_config(server, NULL);
    saltyrtc_client *initiator, *responder;
    OK(saltyrtc_key_pair_generate(other_key, secret_key, &error));
    OK(saltyrtc_config_set_trusted_peer(config, other_key, &error));
    OK(saltyrtc_config_invitation(config, invitation, sizeof invitation, NULL, &error));
    initiator = pull_client(config);
    responder = pull_client(responder_config(invitation));
    CHECK_END(responder, SALTYRTC_STATUS_INITIATOR_COULD_NOT_DECRYPT, "stored");
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_RESPONDER_FAILED);
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    checked("wrong trusted key");
}

static void wrong_server_key(const test_server *server) {
    saltyrtc_error *error = NULL;
    uint8_t other_key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    saltyrtc_config *config = initiator_config(server, NULL);
    saltyrtc_client *client;
    OK(saltyrtc_key_pair_generate(other_key, secret_key, &error));
    OK(saltyrtc_config_set_server_key(config, other_key, &error));
    client = pull_client(config);
    CHECK_END(client, SALTYRTC_STATUS_SERVER_KEY_MISMATCH, "check the server's address");
    saltyrtc_client_free(client);
    /* Who does not know the key is told that nothing was verified. */
    {
        saltyrtc_event *event;
        OK(saltyrtc_config_new_initiator(server->url, NULL, &config, &error));
        client = pull_client(config);
        event = TAKE(client, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
        CHECK(!event->server_verified);
        saltyrtc_event_free(event);
        saltyrtc_client_free(client);
    }
    checked("wrong server key");
}

/* A client of a URL ends like this. */
static void cannot_connect(const char *url, uint32_t timeout_ms, saltyrtc_status status, const char *word,
                           const char *what) {
    saltyrtc_error *error = NULL;
    saltyrtc_config *config = NULL;
    saltyrtc_client *client;
    saltyrtc_event *event;
    OK(saltyrtc_config_new_initiator(url, NULL, &config, &error));
    OK(saltyrtc_config_set_connect_timeout(config, timeout_ms, &error));
    client = pull_client(config);
    event = take_event(client);
    CHECK(event->kind == SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(event->status == status);
    CHECK(event->retryable == (saltyrtc_status_retry(status) != SALTYRTC_RETRY_NEVER));
    CHECK(event->closed_by == SALTYRTC_CLOSED_BY_NETWORK && event->close_code == 0);
    if (strstr(event->text, word) == NULL) {
        fprintf(stderr, "'%s' does not have the word '%s'\n", event->text, word);
        exit(1);
    }
    saltyrtc_event_free(event);
    CHECK(saltyrtc_client_next_event(client, -1, &event, NULL) == SALTYRTC_STATUS_NO_MORE_EVENTS);
    saltyrtc_client_free(client);
    checked(what);
}

static void nobody_there(void) {
    char url[64];
    int fd = tcp_socket(0, true);
    const int port = local_port(fd);
    snprintf(url, sizeof url, "ws://127.0.0.1:%d", port);
    /* Listens, but never says a word. */
    cannot_connect(url, 100, SALTYRTC_STATUS_CONNECT_FAILED, "did not answer", "a server that does not answer");
    close(fd);
    cannot_connect(url, LIMIT_MS, SALTYRTC_STATUS_CONNECT_FAILED, "refused", "refused connection");
    /* RFC 6761: no name in .invalid exists. */
    cannot_connect("ws://nobody.invalid", LIMIT_MS, SALTYRTC_STATUS_CONNECT_FAILED,
                   "nobody.invalid", "unknown host");
}

/* Answers the upgrade with something else. */
static void *say_no(void *argument) {
    static const char answer[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    const int listener = *(int *)argument;
    const int fd = accept(listener, NULL, NULL);
    char request[4096];
    CHECK(fd >= 0);
    CHECK(recv(fd, request, sizeof request, 0) > 0);
    CHECK(send_all(fd, answer, sizeof answer - 1));
    close(fd);
    return NULL;
}

static void another_server(void) {
    char url[64];
    int fd = tcp_socket(0, true);
    pthread_t thread = start_thread(say_no, &fd);
    snprintf(url, sizeof url, "ws://127.0.0.1:%d", (int)local_port(fd));
    cannot_connect(url, LIMIT_MS, SALTYRTC_STATUS_NOT_A_SALTYRTC_SERVER, "404", "a server of another kind");
    join(thread);
    close(fd);
}

static void certificates(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_server_config *server_config = NULL;
    test_server server;
    saltyrtc_config *config;
    saltyrtc_client *client;
    const uint8_t *own = (const uint8_t *)TEST_CERTIFICATE, *other = (const uint8_t *)OTHER_CERTIFICATE;
    const size_t own_len = sizeof TEST_CERTIFICATE - 1, other_len = sizeof OTHER_CERTIFICATE - 1;
    char url[64];
    OK(saltyrtc_server_config_new("127.0.0.1", 0, &server_config, &error));
    OK(saltyrtc_server_config_set_tls(server_config, own, own_len, (const uint8_t *)TEST_PRIVATE_KEY,
                                      sizeof TEST_PRIVATE_KEY - 1, &error));
    start_configured_server(&server, server_config);
    CHECK(strncmp(server.url, "wss://", 6) == 0);

    /* Trusted neither by the system nor by us; by somebody else only; by us. */
    cannot_connect(server.url, LIMIT_MS, SALTYRTC_STATUS_SERVER_CERTIFICATE,
                   "certificate", "a certificate that the system does not trust");
    config = initiator_config(&server, NULL);
    OK(saltyrtc_config_set_system_roots(config, false, &error));
    OK(saltyrtc_config_add_tls_certificates(config, other, other_len, &error));
    client = pull_client(config);
    CHECK_END(client, SALTYRTC_STATUS_SERVER_CERTIFICATE, "certificate");
    saltyrtc_client_free(client);
    checked("a certificate that somebody else trusts");

    config = initiator_config(&server, NULL);
    OK(saltyrtc_config_set_system_roots(config, false, &error));
    OK(saltyrtc_config_add_tls_certificates(config, other, other_len, &error));
    OK(saltyrtc_config_add_tls_certificates(config, own, own_len, &error));
    client = pull_client(config);
    SKIP_TO(client, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    saltyrtc_client_free(client);
    checked("a certificate that is trusted");

    /* The wrong scheme, each way. */
    snprintf(url, sizeof url, "ws://127.0.0.1:%d", (int)server.port);
    cannot_connect(url, LIMIT_MS, SALTYRTC_STATUS_NOT_A_SALTYRTC_SERVER, "TLS", "ws to a server that speaks wss");
    end_server(&server);
    start_server(&server);
    snprintf(url, sizeof url, "wss://127.0.0.1:%d", (int)server.port);
    cannot_connect(url, LIMIT_MS, SALTYRTC_STATUS_TLS_FAILED, "TLS", "wss to a server that speaks ws");
    end_server(&server);
}

static void server_goes_away(void) {
    saltyrtc_error *error = NULL;
    test_server server;
    proxy proxy;
    pair pair;
    saltyrtc_client *client;
    saltyrtc_event *event;
    start_server(&server);
    pair = connected_pair(&server);
    OK(saltyrtc_server_stop(server.handle, LIMIT_MS, &error));
    OK(saltyrtc_server_stop(server.handle, LIMIT_MS, &error));
    event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(event->closed_by == SALTYRTC_CLOSED_BY_SERVER && event->close_code == 1001);
    CHECK(event->status == SALTYRTC_STATUS_SERVER_GOING_AWAY && event->retryable);
    saltyrtc_event_free(event);
    CHECK_END(pair.responder, SALTYRTC_STATUS_SERVER_GOING_AWAY, "connect again");
    saltyrtc_server_free(server.handle);
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    checked("a server that is stopped");

    start_server(&server);
    start_proxy(&proxy, &server, PROXY_OPEN);
    client = pull_client(initiator_config(&proxy.server, NULL));
    SKIP_TO(client, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    set_proxy(&proxy, PROXY_CUT);
    event = TAKE(client, SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(event->status == SALTYRTC_STATUS_CONNECTION_LOST && event->retryable);
    CHECK(event->closed_by == SALTYRTC_CLOSED_BY_NETWORK && strstr(event->text, "broke") != NULL);
    saltyrtc_event_free(event);
    CHECK(saltyrtc_client_next_event(client, -1, &event, NULL) == SALTYRTC_STATUS_NO_MORE_EVENTS);
    saltyrtc_client_free(client);
    end_proxy(&proxy);
    checked("a connection that is cut");

    pair = connected_pair(&server);
    saltyrtc_server_free(server.handle);
    event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(event->status == SALTYRTC_STATUS_CONNECTION_LOST && event->retryable);
    saltyrtc_event_free(event);
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    checked("a server that is freed");
}

static void peer_goes_away(const test_server *server) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES], by_proxy[SALTYRTC_INVITATION_BYTES];
    proxy proxy;
    pair pair = connected_pair(server);
    saltyrtc_config *config;
    saltyrtc_event *event;
    saltyrtc_client_free(pair.responder);
    event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(event->status == SALTYRTC_STATUS_PEER_CLOSED && event->close_code == 1001);
    CHECK(event->closed_by == SALTYRTC_CLOSED_BY_PEER);
    saltyrtc_event_free(event);
    saltyrtc_client_free(pair.initiator);
    checked("a peer that closes");

    start_proxy(&proxy, server, PROXY_OPEN);
    config = initiator_config(server, invitation);
    invite_at(&proxy.server, invitation, by_proxy);
    OK(saltyrtc_config_set_when_peer_leaves(config, SALTYRTC_WHEN_PEER_LEAVES_CLOSE, &error));
    pair.initiator = pull_client(config);
    pair.responder = pull_client(responder_config(by_proxy));
    SKIP_TO(pair.initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    set_proxy(&proxy, PROXY_CUT);
    CHECK_END(pair.initiator, SALTYRTC_STATUS_PEER_LEFT, "left");
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    end_proxy(&proxy);
    checked("a peer that vanishes");
}

static void too_slow(const test_server *server) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES], by_proxy[SALTYRTC_INVITATION_BYTES];
    proxy proxy;
    saltyrtc_config *config;
    saltyrtc_client *client, *initiator;
    start_proxy(&proxy, server, PROXY_ONLY_HTTP);
    config = initiator_config(&proxy.server, NULL);
    OK(saltyrtc_config_set_server_handshake_timeout(config, 100, &error));
    client = pull_client(config);
    CHECK_END(client, SALTYRTC_STATUS_SERVER_HANDSHAKE_TIMEOUT, "try again");
    saltyrtc_client_free(client);
    end_proxy(&proxy);
    checked("a server that does not do its handshake");

    start_proxy(&proxy, server, PROXY_OPEN);
    config = initiator_config(&proxy.server, by_proxy);
    invite_at(server, by_proxy, invitation);
    initiator = pull_client(config);
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    set_proxy(&proxy, PROXY_HELD);
    config = responder_config(invitation);
    OK(saltyrtc_config_set_peer_handshake_timeout(config, 100, &error));
    client = pull_client(config);
    CHECK_END(client, SALTYRTC_STATUS_PEER_HANDSHAKE_TIMEOUT, "try again");
    saltyrtc_client_free(client);
    set_proxy(&proxy, PROXY_CUT);
    saltyrtc_client_free(initiator);
    end_proxy(&proxy);
    checked("a peer that does not do its handshake");
}

static void no_shared_task(const test_server *server) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    saltyrtc_client *initiator = pull_client(initiator_config(server, invitation));
    saltyrtc_client *responder = NULL;
    saltyrtc_config *config = responder_config(invitation);
    OK(saltyrtc_config_add_custom_task(config, "v1.go.tasks.example.org", NULL, 0, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &responder, &error));
    saltyrtc_config_free(config);
    CHECK_END(responder, SALTYRTC_STATUS_NO_SHARED_TASK, "add a task");
    CHECK_END(initiator, SALTYRTC_STATUS_NO_SHARED_TASK, "add a task");
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    checked("no shared task");
}

static void same_key_twice(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_config *config = with_relayed_data(initiator_config(server, NULL));
    saltyrtc_client *first = NULL, *second = NULL;
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &first, &error));
    SKIP_TO(first, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &second, &error));
    saltyrtc_config_free(config);
    CHECK_END(first, SALTYRTC_STATUS_REPLACED_BY_INITIATOR, "one place at a time");
    SKIP_TO(second, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    saltyrtc_client_free(first);
    saltyrtc_client_free(second);
    checked("two initiators with the same key");
}

static void too_large(void) {
    static const uint8_t data[8000] = {0};
    saltyrtc_error *error = NULL;
    saltyrtc_server_config *server_config = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    test_server server;
    saltyrtc_config *config;
    saltyrtc_event *event;
    pair pair;
    OK(saltyrtc_server_config_new("127.0.0.1", 0, &server_config, &error));
    OK(saltyrtc_server_config_set_limit(server_config, SALTYRTC_LIMIT_MESSAGE_SIZE, 4096, &error));
    start_configured_server(&server, server_config);
    pair = connected_pair(&server);
    OK(saltyrtc_client_send_bytes(pair.initiator, data, sizeof data, &error));
    event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(event->status == SALTYRTC_STATUS_MESSAGE_TOO_BIG && event->close_code == 1009);
    CHECK(strstr(event->text, "send smaller messages") != NULL);
    saltyrtc_event_free(event);
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    end_server(&server);
    checked("too large for the server");

    start_server(&server);
    pair.initiator = pull_client(initiator_config(&server, invitation));
    config = responder_config(invitation);
    OK(saltyrtc_config_set_max_message_size(config, 4096, &error));
    pair.responder = pull_client(config);
    SKIP_TO(pair.initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    OK(saltyrtc_client_send_bytes(pair.initiator, data, sizeof data, &error));
    CHECK_END(pair.responder, SALTYRTC_STATUS_RECEIVED_TOO_BIG, "send smaller messages");
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    end_server(&server);
    checked("too large for the receiver");
}

/* A server for a proxy on the same host, and a second one in the same place. */
static void unix_socket(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_server_config *config = NULL;
    saltyrtc_server *second = NULL;
    struct sockaddr_un place;
    test_server server;
    char address[sizeof place.sun_path + 8], found[sizeof address];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memset(&place, 0, sizeof place);
    place.sun_family = AF_UNIX;
    snprintf(address, sizeof address, "unix:/tmp/saltyrtc-c-%ld", (long)getpid());
    memcpy(place.sun_path, address + 5, strlen(address + 5) + 1);
    OK(saltyrtc_server_config_new(address, 0, &config, &error));
    start_configured_server(&server, config);
    CHECK(server.url[0] == '\0' && server.port == 0);
    OK(saltyrtc_server_address(server.handle, found, sizeof found, NULL, &error));
    CHECK(strcmp(found, address) == 0);
    CHECK(connect(fd, (struct sockaddr *)&place, sizeof place) == 0);
    close(fd);
    OK(saltyrtc_server_config_new(address, 0, &config, &error));
    CHECK(saltyrtc_server_start(config, &second, &error) == SALTYRTC_STATUS_LISTEN_FAILED);
    CHECK(strstr(saltyrtc_error_message(error), "another path") != NULL);
    saltyrtc_error_free(error);
    saltyrtc_server_config_free(config);
    CHECK(access(place.sun_path, F_OK) == 0);
    end_server(&server);
    CHECK(access(place.sun_path, F_OK) != 0);
    checked("a Unix socket");
}

int main(void) {
    test_server server;
    start_server(&server);
    wrong_token(&server);
    wrong_trusted_key(&server);
    wrong_server_key(&server);
    nobody_there();
    another_server();
    certificates();
    server_goes_away();
    peer_goes_away(&server);
    too_slow(&server);
    no_shared_task(&server);
    same_key_twice(&server);
    too_large();
    unix_socket();
    end_server(&server);
    end_library();
    return 0;
}
