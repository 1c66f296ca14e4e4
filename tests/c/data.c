/* Everything that goes between two clients, and what else they can do with each other: data of every
   type and size, custom tasks, encryption, tokens, trust, invitations and keys. */

#include "proxy.h"
#include "support.h"

static void expect_data(saltyrtc_client *client, saltyrtc_event_kind kind, saltyrtc_payload payload,
                        const void *data, size_t len) {
    saltyrtc_event *event = TAKE(client, kind);
    CHECK(event->payload == payload && event->data_len == len);
    CHECK(len == 0 || memcmp(event->data, data, len) == 0);
    saltyrtc_event_free(event);
}

static void versions_and_constants(void) {
    CHECK(saltyrtc_has_feature("server") && saltyrtc_has_feature("webrtc"));
    CHECK(!saltyrtc_has_feature("serve") && !saltyrtc_has_feature(""));
    CHECK(wrong_not_built() == NULL);
    char number[32];
    snprintf(number, sizeof number, "%d.%d.%d", SALTYRTC_VERSION_MAJOR, SALTYRTC_VERSION_MINOR,
             SALTYRTC_VERSION_PATCH);
    CHECK(strcmp(number, SALTYRTC_VERSION) == 0);
    CHECK(strcmp(saltyrtc_version(), SALTYRTC_VERSION) == 0);
    CHECK(saltyrtc_version_number() == SALTYRTC_VERSION_NUMBER);
    CHECK(SALTYRTC_VERSION_NUMBER == SALTYRTC_VERSION_MAJOR * 65536 + SALTYRTC_VERSION_MINOR * 256 +
                                         SALTYRTC_VERSION_PATCH);
    CHECK(saltyrtc_abi_version() == SALTYRTC_ABI_VERSION);
    CHECK(saltyrtc_key_bytes() == SALTYRTC_KEY_BYTES);
    CHECK(saltyrtc_key_hex_bytes() == SALTYRTC_KEY_HEX_BYTES);
    CHECK(saltyrtc_invitation_bytes() == SALTYRTC_INVITATION_BYTES);
    CHECK(saltyrtc_encryption_overhead() == SALTYRTC_ENCRYPTION_OVERHEAD);
    checked("versions and constants");
}

static void keys(void) {
    saltyrtc_error *error = NULL;
    uint8_t public_key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    uint8_t computed[SALTYRTC_KEY_BYTES], other[SALTYRTC_KEY_BYTES];
    char hex[SALTYRTC_KEY_HEX_BYTES];
    size_t len = 0, i;
    OK(saltyrtc_key_pair_generate(public_key, secret_key, &error));
    OK(saltyrtc_public_key_from_secret(secret_key, computed, &error));
    CHECK(memcmp(public_key, computed, sizeof public_key) == 0);
    /* In place, too. */
    memcpy(other, secret_key, sizeof other);
    OK(saltyrtc_public_key_from_secret(other, other, &error));
    CHECK(memcmp(public_key, other, sizeof public_key) == 0);
    OK(saltyrtc_key_pair_generate(computed, other, &error));
    CHECK(memcmp(public_key, computed, sizeof public_key) != 0);
    CHECK(memcmp(secret_key, other, sizeof secret_key) != 0);
    OK(saltyrtc_key_to_hex(public_key, hex, sizeof hex, &len, &error));
    CHECK(len == SALTYRTC_KEY_HEX_BYTES && strspn(hex, "0123456789abcdef") == 64);
    OK(saltyrtc_key_from_hex(hex, computed, &error));
    CHECK(memcmp(public_key, computed, sizeof public_key) == 0);
    for (i = 0; hex[i] != '\0'; i++) {
        if (hex[i] >= 'a') {
            hex[i] = (char)(hex[i] - 'a' + 'A');
        }
    }
    OK(saltyrtc_key_from_hex(hex, computed, &error));
    CHECK(memcmp(public_key, computed, sizeof public_key) == 0);
    checked("keys");
}

static void invitations(void) {
    saltyrtc_error *error = NULL;
    uint8_t key[SALTYRTC_KEY_BYTES], server_key[SALTYRTC_KEY_BYTES], token[SALTYRTC_KEY_BYTES];
    uint8_t out[SALTYRTC_KEY_BYTES];
    char uri[SALTYRTC_INVITATION_BYTES], again[SALTYRTC_INVITATION_BYTES], url[64], host[254];
    char longest_url[300], *code;
    bool has_server_key = false, has_token = false;
    size_t len = 0;
    saltyrtc_invitation *invitation = NULL;
    OK(saltyrtc_key_pair_generate(key, token, &error));
    OK(saltyrtc_key_pair_generate(server_key, out, &error));
    OK(saltyrtc_invitation_new("wss://Example.com:443", key, server_key, token, &invitation, &error));
    OK(saltyrtc_invitation_uri(invitation, uri, sizeof uri, &len, &error));
    CHECK(len == strlen(uri) + 1 && strncmp(uri, "wss://example.com/", 18) == 0);
    saltyrtc_invitation_free(invitation);
    OK(saltyrtc_invitation_parse(uri, &invitation, &error));
    OK(saltyrtc_invitation_uri(invitation, again, sizeof again, NULL, &error));
    CHECK(strcmp(uri, again) == 0);
    OK(saltyrtc_invitation_server_url(invitation, url, sizeof url, NULL, &error));
    CHECK(strcmp(url, "wss://example.com") == 0);
    OK(saltyrtc_invitation_initiator_key(invitation, out, &error));
    CHECK(memcmp(out, key, sizeof out) == 0);
    OK(saltyrtc_invitation_server_key(invitation, out, &error));
    CHECK(memcmp(out, server_key, sizeof out) == 0);
    OK(saltyrtc_invitation_token(invitation, out, &error));
    CHECK(memcmp(out, token, sizeof out) == 0);
    OK(saltyrtc_invitation_flags(invitation, &has_server_key, &has_token, &error));
    CHECK(has_server_key && has_token);
    CHECK(saltyrtc_invitation_qr_code(invitation, NULL, 0, &len, NULL) ==
          SALTYRTC_STATUS_BUFFER_TOO_SMALL);
    code = (char *)malloc(len);
    CHECK(code != NULL);
    OK(saltyrtc_invitation_qr_code(invitation, code, len, NULL, &error));
    CHECK(strlen(code) + 1 == len && strstr(code, "\n") != NULL && strstr(code, "\xe2\x96") != NULL);
    free(code);
    saltyrtc_invitation_free(invitation);

    /* The longest host there can be fits. */
    memset(host, 'a', sizeof host);
    host[63] = host[127] = host[191] = '.';
    host[253] = '\0';
    snprintf(longest_url, sizeof longest_url, "wss://%s:65535", host);
    OK(saltyrtc_invitation_new(longest_url, key, server_key, token, &invitation, &error));
    OK(saltyrtc_invitation_uri(invitation, uri, sizeof uri, NULL, &error));
    saltyrtc_invitation_free(invitation);

    OK(saltyrtc_invitation_new("ws://[::1]:80", key, NULL, NULL, &invitation, &error));
    OK(saltyrtc_invitation_flags(invitation, &has_server_key, &has_token, &error));
    CHECK(!has_server_key && !has_token);
    OK(saltyrtc_invitation_server_url(invitation, url, sizeof url, NULL, &error));
    CHECK(strcmp(url, "ws://[::1]") == 0);
    saltyrtc_invitation_free(invitation);
    checked("invitations");
}

static void each_type(const test_server *server) {
    static const uint8_t bytes[] = {0, 1, 0xff, 0};
    static const char text[] = "text \xc3\xa4\xe2\x82\xac\xf0\x9f\xa7\x82";
    static const uint8_t value[] = {0x93, 1, 0xc0, 0xa1, 'x'}, nil[] = {0xc0};
    static const uint8_t bytes_value[] = {0xc4, 1, 7}, text_value[] = {0xa1, 'x'};
    saltyrtc_error *error = NULL;
    pair pair = connected_pair(server);
    saltyrtc_client *from = pair.initiator, *to = pair.responder;
    int i;
    for (i = 0; i < 2; i++) {
        const saltyrtc_event_kind data = SALTYRTC_EVENT_KIND_DATA;
        const saltyrtc_event_kind application = SALTYRTC_EVENT_KIND_APPLICATION;
        OK(saltyrtc_client_send_bytes(from, bytes, sizeof bytes, &error));
        expect_data(to, data, SALTYRTC_PAYLOAD_BYTES, bytes, sizeof bytes);
        OK(saltyrtc_client_send_bytes(from, NULL, 0, &error));
        expect_data(to, data, SALTYRTC_PAYLOAD_BYTES, NULL, 0);
        OK(saltyrtc_client_send_text(from, TEXT(text), &error));
        expect_data(to, data, SALTYRTC_PAYLOAD_TEXT, text, strlen(text));
        OK(saltyrtc_client_send_text(from, TEXT(""), &error));
        expect_data(to, data, SALTYRTC_PAYLOAD_TEXT, NULL, 0);
        OK(saltyrtc_client_send_text(from, NULL, 0, &error));
        expect_data(to, data, SALTYRTC_PAYLOAD_TEXT, NULL, 0);
        OK(saltyrtc_client_send_text(from, "a\0b", 3, &error));
        expect_data(to, data, SALTYRTC_PAYLOAD_TEXT, "a\0b", 3);
        OK(saltyrtc_client_send_msgpack(from, value, sizeof value, &error));
        expect_data(to, data, SALTYRTC_PAYLOAD_MSGPACK, value, sizeof value);
        OK(saltyrtc_client_send_msgpack(from, nil, sizeof nil, &error));
        expect_data(to, data, SALTYRTC_PAYLOAD_MSGPACK, nil, sizeof nil);
        /* Bytes and texts are what they are, however they were sent. */
        OK(saltyrtc_client_send_msgpack(from, bytes_value, sizeof bytes_value, &error));
        expect_data(to, data, SALTYRTC_PAYLOAD_BYTES, "\7", 1);
        OK(saltyrtc_client_send_msgpack(from, text_value, sizeof text_value, &error));
        expect_data(to, data, SALTYRTC_PAYLOAD_TEXT, "x", 1);

        OK(saltyrtc_client_send_application_bytes(from, bytes, sizeof bytes, &error));
        expect_data(to, application, SALTYRTC_PAYLOAD_BYTES, bytes, sizeof bytes);
        OK(saltyrtc_client_send_application_bytes(from, NULL, 0, &error));
        expect_data(to, application, SALTYRTC_PAYLOAD_BYTES, NULL, 0);
        OK(saltyrtc_client_send_application_text(from, TEXT(text), &error));
        expect_data(to, application, SALTYRTC_PAYLOAD_TEXT, text, strlen(text));
        OK(saltyrtc_client_send_application_text(from, "a\0b", 3, &error));
        expect_data(to, application, SALTYRTC_PAYLOAD_TEXT, "a\0b", 3);
        OK(saltyrtc_client_send_application_msgpack(from, value, sizeof value, &error));
        expect_data(to, application, SALTYRTC_PAYLOAD_MSGPACK, value, sizeof value);
        from = pair.responder;
        to = pair.initiator;
    }
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    checked("data of each type in both directions");
}

static void sizes(const test_server *server) {
    enum { LIMIT = 65536 };
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    saltyrtc_config *config = initiator_config(server, invitation);
    saltyrtc_client *initiator, *responder;
    uint8_t *data = (uint8_t *)malloc(LIMIT);
    size_t size = LIMIT, i;
    CHECK(data != NULL);
    for (i = 0; i < LIMIT; i++) {
        data[i] = (uint8_t)(i * 31);
    }
    OK(saltyrtc_config_set_max_message_size(config, LIMIT, &error));
    OK(saltyrtc_config_set_max_queue_size(config, 1, &error));
    initiator = pull_client(config);
    responder = pull_client(responder_config(invitation));
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    SKIP_TO(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    FAILS(SALTYRTC_STATUS_TOO_LARGE, "several messages",
          saltyrtc_client_send_bytes(initiator, data, LIMIT, &error));
    FAILS(SALTYRTC_STATUS_TOO_LARGE, "65536",
          saltyrtc_client_send_application_bytes(initiator, data, LIMIT, &error));
    /* The largest that is taken arrives whole. */
    while (saltyrtc_client_send_bytes(initiator, data, size, NULL) == SALTYRTC_STATUS_TOO_LARGE) {
        size--;
        CHECK(size > LIMIT - 200);
    }
    expect_data(responder, SALTYRTC_EVENT_KIND_DATA, SALTYRTC_PAYLOAD_BYTES, data, size);
    /* The queue takes what fits, and tells when there is room again. Nothing is lost or mixed up. */
    {
        int sent = 0, full = 0;
        while (full < 5) {
            const saltyrtc_status status = saltyrtc_client_send_bytes(initiator, data, (size_t)sent, NULL);
            if (status == SALTYRTC_STATUS_OK) {
                sent++;
            } else {
                CHECK(status == SALTYRTC_STATUS_QUEUE_FULL);
                full++;
                SKIP_TO(initiator, SALTYRTC_EVENT_KIND_WRITABLE);
            }
        }
        CHECK(sent >= full);
        for (i = 0; i < (size_t)sent; i++) {
            expect_data(responder, SALTYRTC_EVENT_KIND_DATA, SALTYRTC_PAYLOAD_BYTES, data, i);
        }
    }
    free(data);
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    checked("sizes, and a queue that is full");
}

static void custom_tasks(const test_server *server) {
    static const char name[] = "v1.chess.tasks.example.org";
    static const uint8_t of_initiator[] = {0x81, 0xa1, 'a', 1}, of_responder[] = {0x81, 0xa1, 'b', 2};
    static const uint8_t move[] = {0x82, 0xa4, 't', 'y', 'p', 'e', 0xa4, 'm', 'o', 'v', 'e', 0xa2, 't',
                                   'o',  0xa2, 'e', '4'};
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES], task[256];
    saltyrtc_config *config = initiator_config(server, invitation);
    saltyrtc_client *initiator = NULL, *responder = NULL;
    saltyrtc_event *event;
    size_t len = 0;
    /* The responder's order counts, and what only one of them knows does not. */
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    OK(saltyrtc_config_add_custom_task(config, name, of_initiator, sizeof of_initiator, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &initiator, &error));
    saltyrtc_config_free(config);
    config = responder_config(invitation);
    OK(saltyrtc_config_add_custom_task(config, "v1.go.tasks.example.org", NULL, 0, &error));
    OK(saltyrtc_config_add_custom_task(config, name, of_responder, sizeof of_responder, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &responder, &error));
    saltyrtc_config_free(config);
    event = TAKE(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    CHECK(strcmp(event->task, name) == 0 && event->payload == SALTYRTC_PAYLOAD_MSGPACK);
    CHECK(event->data_len == sizeof of_responder &&
          memcmp(event->data, of_responder, sizeof of_responder) == 0);
    saltyrtc_event_free(event);
    event = TAKE(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    CHECK(event->data_len == sizeof of_initiator &&
          memcmp(event->data, of_initiator, sizeof of_initiator) == 0);
    saltyrtc_event_free(event);
    OK(saltyrtc_client_task(responder, task, sizeof task, &len, &error));
    CHECK(strcmp(task, name) == 0 && len == sizeof name);
    OK(saltyrtc_client_send_task_message(initiator, move, sizeof move, &error));
    expect_data(responder, SALTYRTC_EVENT_KIND_TASK_MESSAGE, SALTYRTC_PAYLOAD_MSGPACK, move, sizeof move);
    OK(saltyrtc_client_send_task_message(responder, move, sizeof move, &error));
    expect_data(initiator, SALTYRTC_EVENT_KIND_TASK_MESSAGE, SALTYRTC_PAYLOAD_MSGPACK, move, sizeof move);
    FAILS(SALTYRTC_STATUS_OTHER_TASK, name, saltyrtc_client_send_text(initiator, TEXT("x"), &error));
    OK(saltyrtc_client_send_application_text(initiator, TEXT("x"), &error));
    expect_data(responder, SALTYRTC_EVENT_KIND_APPLICATION, SALTYRTC_PAYLOAD_TEXT, "x", 1);
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    checked("custom tasks");
}

static void encryption(const test_server *server) {
    static const uint8_t plain[] = "by another way";
    saltyrtc_error *error = NULL;
    pair pair = connected_pair(server), stranger = connected_pair(server);
    uint8_t sealed[sizeof plain + SALTYRTC_ENCRYPTION_OVERHEAD], again[sizeof sealed], out[sizeof plain];
    uint8_t nothing[SALTYRTC_ENCRYPTION_OVERHEAD];
    size_t len = 0, i;
    OK(saltyrtc_client_encrypt(pair.initiator, plain, sizeof plain, sealed, sizeof sealed, &len, &error));
    CHECK(len == sizeof sealed);
    OK(saltyrtc_client_decrypt(pair.responder, sealed, sizeof sealed, out, sizeof out, &len, &error));
    CHECK(len == sizeof plain && memcmp(out, plain, sizeof plain) == 0);
    /* Each time differently. */
    OK(saltyrtc_client_encrypt(pair.initiator, plain, sizeof plain, again, sizeof again, NULL, &error));
    CHECK(memcmp(sealed, again, sizeof sealed) != 0);
    OK(saltyrtc_client_encrypt(pair.responder, NULL, 0, nothing, sizeof nothing, &len, &error));
    CHECK(len == sizeof nothing);
    OK(saltyrtc_client_decrypt(pair.initiator, nothing, sizeof nothing, NULL, 0, &len, &error));
    CHECK(len == 0);
    FAILS(SALTYRTC_STATUS_DECRYPTION_FAILED, "",
          saltyrtc_client_decrypt(stranger.responder, sealed, sizeof sealed, out, sizeof out, &len, &error));
    for (i = 0; i < sizeof sealed; i += 7) {
        sealed[i] ^= 1;
        FAILS(SALTYRTC_STATUS_DECRYPTION_FAILED, "",
              saltyrtc_client_decrypt(pair.responder, sealed, sizeof sealed, out, sizeof out, &len,
                                      &error));
        CHECK(len == 0);
        sealed[i] ^= 1;
    }
    OK(saltyrtc_client_close(pair.initiator, &error));
    FAILS(SALTYRTC_STATUS_CLOSED, "closed",
          saltyrtc_client_encrypt(pair.initiator, plain, 1, sealed, sizeof sealed, &len, &error));
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    saltyrtc_client_free(stranger.initiator);
    saltyrtc_client_free(stranger.responder);
    checked("encryption");
}

/* One responder after the other, each with a token of its own, on the same connection. */
static void tokens(const test_server *server) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    uint8_t token[SALTYRTC_KEY_BYTES];
    saltyrtc_client *initiator = pull_client(initiator_config(server, invitation));
    saltyrtc_client *responder, *next;
    saltyrtc_event *event;
    responder = pull_client(responder_config(invitation));
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_TOKEN_USED);
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    SKIP_TO(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    OK(saltyrtc_client_issue_token(initiator, token, &error));
    CHECK(!all_bytes_are(token, sizeof token, 0));
    OK(saltyrtc_client_invitation(initiator, token, invitation, sizeof invitation, NULL, &error));
    /* The old peer stays until it is dropped. */
    OK(saltyrtc_client_send_text(initiator, TEXT("still"), &error));
    expect_data(responder, SALTYRTC_EVENT_KIND_DATA, SALTYRTC_PAYLOAD_TEXT, "still", 5);
    OK(saltyrtc_client_drop_responder(initiator, 2, 3004, &error));
    CHECK_END(responder, SALTYRTC_STATUS_DROPPED_BY_INITIATOR, "dropped");
    next = pull_client(responder_config(invitation));
    event = TAKE(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    CHECK(event->address >= 2);
    saltyrtc_event_free(event);
    SKIP_TO(next, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    OK(saltyrtc_client_send_text(next, TEXT("x"), &error));
    expect_data(initiator, SALTYRTC_EVENT_KIND_DATA, SALTYRTC_PAYLOAD_TEXT, "x", 1);
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    saltyrtc_client_free(next);
    checked("new tokens, and dropping a responder");
}

/* The initiator stays connected; the responder loses its connection, and comes back with its key. */
static void trust(const test_server *server) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES], by_proxy[SALTYRTC_INVITATION_BYTES];
    uint8_t public_key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES], key[SALTYRTC_KEY_BYTES];
    saltyrtc_client *initiator = pull_client(initiator_config(server, invitation));
    saltyrtc_client *responder;
    saltyrtc_config *config = NULL;
    saltyrtc_event *event;
    proxy proxy;
    OK(saltyrtc_key_pair_generate(public_key, secret_key, &error));
    FAILS(SALTYRTC_STATUS_NO_PEER, "peer", saltyrtc_client_trust_peer(initiator, &error));
    FAILS(SALTYRTC_STATUS_NO_PEER, "peer", saltyrtc_client_peer_key(initiator, key, &error));
    FAILS(SALTYRTC_STATUS_NO_PEER, "peer", saltyrtc_client_send_text(initiator, TEXT("x"), &error));

    start_proxy(&proxy, server, PROXY_OPEN);
    invite_at(&proxy.server, invitation, by_proxy);
    OK(saltyrtc_config_new_responder(by_proxy, secret_key, &config, &error));
    responder = pull_client(config);
    SKIP_TO(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    event = TAKE(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    CHECK(memcmp(event->peer_key, public_key, sizeof public_key) == 0);
    saltyrtc_event_free(event);
    OK(saltyrtc_client_peer_key(initiator, key, &error));
    CHECK(memcmp(key, public_key, sizeof key) == 0);
    OK(saltyrtc_client_trust_peer(initiator, &error));
    OK(saltyrtc_client_trust_peer(responder, &error));
    set_proxy(&proxy, PROXY_CUT);
    event = TAKE(responder, SALTYRTC_EVENT_KIND_CLOSED);
    CHECK(event->status == SALTYRTC_STATUS_CONNECTION_LOST && event->retryable);
    CHECK(event->closed_by == SALTYRTC_CLOSED_BY_NETWORK);
    saltyrtc_event_free(event);
    saltyrtc_client_free(responder);
    end_proxy(&proxy);
    event = TAKE(initiator, SALTYRTC_EVENT_KIND_PEER_LEFT);
    CHECK(event->can_rejoin && event->peer_left == SALTYRTC_PEER_LEFT_DISCONNECTED);
    saltyrtc_event_free(event);

    /* An invitation without token. */
    OK(saltyrtc_client_invitation(initiator, NULL, invitation, sizeof invitation, NULL, &error));
    CHECK(strchr(invitation, '#') == NULL);
    OK(saltyrtc_config_new_responder(invitation, secret_key, &config, &error));
    responder = pull_client(config);
    event = TAKE(initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    CHECK(memcmp(event->peer_key, public_key, sizeof public_key) == 0);
    saltyrtc_event_free(event);
    SKIP_TO(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    OK(saltyrtc_client_send_text(responder, TEXT("back"), &error));
    expect_data(initiator, SALTYRTC_EVENT_KIND_DATA, SALTYRTC_PAYLOAD_TEXT, "back", 4);
    saltyrtc_client_free(initiator);
    saltyrtc_client_free(responder);
    checked("a trusted peer joins again");
}

/* Both know each other from before. */
static void stored_keys(const test_server *server) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    uint8_t keys[2][SALTYRTC_KEY_BYTES], secret_keys[2][SALTYRTC_KEY_BYTES], path[SALTYRTC_KEY_BYTES];
    saltyrtc_config *config = NULL;
    saltyrtc_client *clients[2];
    int i;
    for (i = 0; i < 2; i++) {
        OK(saltyrtc_key_pair_generate(keys[i], secret_keys[i], &error));
    }
    OK(saltyrtc_config_new_initiator(server->url, secret_keys[0], &config, &error));
    OK(saltyrtc_config_set_trusted_peer(config, keys[1], &error));
    OK(saltyrtc_config_invitation(config, invitation, sizeof invitation, NULL, &error));
    CHECK(strchr(invitation, '#') == NULL);
    clients[0] = pull_client(config);
    OK(saltyrtc_config_new_responder(invitation, secret_keys[1], &config, &error));
    OK(saltyrtc_config_set_trusted_peer(config, keys[0], &error));
    clients[1] = pull_client(config);
    for (i = 0; i < 2; i++) {
        SKIP_TO(clients[i], SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
        OK(saltyrtc_client_path(clients[i], path, &error));
        CHECK(memcmp(path, keys[0], sizeof path) == 0);
        OK(saltyrtc_client_public_key(clients[i], path, &error));
        CHECK(memcmp(path, keys[i], sizeof path) == 0);
    }
    saltyrtc_client_free(clients[0]);
    saltyrtc_client_free(clients[1]);
    checked("two clients that have stored each other's key");
}

int main(void) {
    test_server server;
    versions_and_constants();
    keys();
    invitations();
    start_server(&server);
    each_type(&server);
    sizes(&server);
    custom_tasks(&server);
    encryption(&server);
    tokens(&server);
    trust(&server);
    stored_keys(&server);
    end_server(&server);
    end_library();
    return 0;
}
