/* Every function with NULL for each of its pointers, and with what makes no sense: each call gives the
   status that the header says, and a text that names the argument, and resets its outputs. */

#include "nonsense.h"

/* Not a public key: nobody can have made it. */
static const uint8_t ZERO_KEY[SALTYRTC_KEY_BYTES] = {0};

static void errors(void) {
    saltyrtc_error *error = NULL;
    CHECK(saltyrtc_error_status(NULL) == SALTYRTC_STATUS_OK);
    CHECK(strcmp(saltyrtc_error_message(NULL), "") == 0);
    saltyrtc_error_free(NULL);
    /* A call that fails without anywhere to put the error. */
    CHECK(saltyrtc_client_close(NULL, NULL) == SALTYRTC_STATUS_NULL_ARGUMENT);
    CHECK(saltyrtc_client_close(NULL, &error) == SALTYRTC_STATUS_NULL_ARGUMENT);
    CHECK(saltyrtc_error_status(error) == SALTYRTC_STATUS_NULL_ARGUMENT);
    saltyrtc_error_free(error);
    CHECK(strcmp(saltyrtc_status_name(0), "ok") == 0);
    CHECK(strcmp(saltyrtc_status_name(1), saltyrtc_status_name(INT32_MIN)) == 0);
    CHECK(strcmp(saltyrtc_status_name(INT32_MAX), "unknown status") == 0);
    checked("errors");
}

static void freeing_nothing(void) {
    saltyrtc_invitation_free(NULL);
    saltyrtc_config_free(NULL);
    saltyrtc_event_free(NULL);
    saltyrtc_client_free(NULL);
    saltyrtc_server_config_free(NULL);
    saltyrtc_server_free(NULL);
    saltyrtc_chunker_free(NULL);
    saltyrtc_unchunker_free(NULL);
    checked("freeing NULL");
}

static void keys(void) {
    saltyrtc_error *error = NULL;
    uint8_t public_key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    /* 64 digits, with a wrong one at the end. */
    static const char no_digit[] = "000000000000000000000000000000000000000000000000000000000000000g";
    static const char *const not_hex[] = {"", "00", no_digit, "0x", " ", "\xc3\xa4"};
    size_t i;
    memset(public_key, BEFORE_BYTE, sizeof public_key);
    memset(secret_key, BEFORE_BYTE, sizeof secret_key);
    IS_NULL("public_key", saltyrtc_key_pair_generate(NULL, secret_key, &error));
    CHECK(all_bytes_are(secret_key, sizeof secret_key, 0));
    IS_NULL("secret_key", saltyrtc_key_pair_generate(public_key, NULL, &error));
    CHECK(all_bytes_are(public_key, sizeof public_key, 0));
    FILLS_KEY("secret_key", "public_key", saltyrtc_public_key_from_secret, secret_key);
    FILLS_TEXT("key", saltyrtc_key_to_hex, public_key);
    FILLS_KEY("hex", "key", saltyrtc_key_from_hex, no_digit);
    for (i = 0; i < sizeof not_hex / sizeof not_hex[0]; i++) {
        memset(public_key, BEFORE_BYTE, sizeof public_key);
        FAILS(SALTYRTC_STATUS_BAD_KEY, "hex", saltyrtc_key_from_hex(not_hex[i], public_key, &error));
        CHECK(all_bytes_are(public_key, sizeof public_key, 0));
    }
    IS_BAD("hex", saltyrtc_key_from_hex(NOT_UTF8, public_key, &error));
    checked("keys");
}

static const char *const BAD_URLS[] = {
    "",           "example.com",         "https://example.com", "wss://",          "wss://:1",
    "wss://a:0",  "wss://a:65536",       "wss://a:b",           "wss://a/path",    "wss://a?query",
    "wss://a#f",  "wss://user@a",        "wss://[::1",          "wss://exa mple",  "wss://\xc3\xa4",
    "ws//a",      "wss://256.1.1.1:1:1", "wss://a\nb",          "\xf0\x9f\xa7\x82"};

static void invitations(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_invitation *invitation = (saltyrtc_invitation *)BEFORE;
    uint8_t key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    char hex[SALTYRTC_KEY_HEX_BYTES], uri[SALTYRTC_INVITATION_BYTES];
    bool has_server_key = true, has_token = true;
    size_t i;
    OK(saltyrtc_key_pair_generate(key, secret_key, &error));
    OK(saltyrtc_key_to_hex(key, hex, sizeof hex, NULL, &error));

    IS_NULL("uri", saltyrtc_invitation_parse(NULL, &invitation, &error));
    CHECK(invitation == NULL);
    IS_NULL("out", saltyrtc_invitation_parse("wss://a", NULL, &error));
    IS_BAD("uri", saltyrtc_invitation_parse(NOT_UTF8, &invitation, &error));
    for (i = 0; i < sizeof BAD_URLS / sizeof BAD_URLS[0]; i++) {
        invitation = (saltyrtc_invitation *)BEFORE;
        FAILS(SALTYRTC_STATUS_BAD_INVITATION, "invitation",
              saltyrtc_invitation_parse(BAD_URLS[i], &invitation, &error));
        CHECK(invitation == NULL);
    }
    {
        /* Each part wrong in turn. */
        static const char *const endings[] = {"x", "?00", "#00", "?00#00", "/", "%20"};
        static const char *const words[] = {"initiator", "server", "token", "server", "initiator",
                                            "initiator"};
        for (i = 0; i < sizeof endings / sizeof endings[0]; i++) {
            snprintf(uri, sizeof uri, "wss://a/%s%s", hex, endings[i]);
            FAILS(SALTYRTC_STATUS_BAD_INVITATION, words[i],
                  saltyrtc_invitation_parse(uri, &invitation, &error));
        }
        snprintf(uri, sizeof uri, "wss://a/");
        FAILS(SALTYRTC_STATUS_BAD_INVITATION, "initiator",
              saltyrtc_invitation_parse(uri, &invitation, &error));
    }

    invitation = (saltyrtc_invitation *)BEFORE;
    IS_NULL("server_url", saltyrtc_invitation_new(NULL, key, NULL, NULL, &invitation, &error));
    CHECK(invitation == NULL);
    IS_NULL("initiator_key", saltyrtc_invitation_new("wss://a", NULL, NULL, NULL, &invitation, &error));
    IS_NULL("out", saltyrtc_invitation_new("wss://a", key, NULL, NULL, NULL, &error));
    FAILS(SALTYRTC_STATUS_BAD_KEY, "initiator_key",
          saltyrtc_invitation_new("wss://a", ZERO_KEY, NULL, NULL, &invitation, &error));
    FAILS(SALTYRTC_STATUS_BAD_KEY, "server_key",
          saltyrtc_invitation_new("wss://a", key, ZERO_KEY, NULL, &invitation, &error));
    IS_BAD("server_url", saltyrtc_invitation_new(NOT_UTF8, key, NULL, NULL, &invitation, &error));
    for (i = 0; i < sizeof BAD_URLS / sizeof BAD_URLS[0]; i++) {
        FAILS(SALTYRTC_STATUS_BAD_URL, "server_url",
              saltyrtc_invitation_new(BAD_URLS[i], key, NULL, NULL, &invitation, &error));
    }

    OK(saltyrtc_invitation_new("wss://example.com", key, NULL, NULL, &invitation, &error));
    FILLS_TEXT("invitation", saltyrtc_invitation_uri, invitation);
    FILLS_TEXT("invitation", saltyrtc_invitation_server_url, invitation);
    FILLS_KEY("invitation", "key", saltyrtc_invitation_initiator_key, invitation);
    FILLS_KEY("invitation", "key", saltyrtc_invitation_server_key, invitation);
    FILLS_KEY("invitation", "token", saltyrtc_invitation_token, invitation);
    FAILS(SALTYRTC_STATUS_NOT_PRESENT, "server key",
          saltyrtc_invitation_server_key(invitation, secret_key, &error));
    CHECK(all_bytes_are(secret_key, sizeof secret_key, 0));
    FAILS(SALTYRTC_STATUS_NOT_PRESENT, "token",
          saltyrtc_invitation_token(invitation, secret_key, &error));
    IS_NULL("invitation", saltyrtc_invitation_flags(NULL, &has_server_key, &has_token, &error));
    CHECK(!has_server_key && !has_token);
    OK(saltyrtc_invitation_flags(invitation, NULL, NULL, &error));
    {
        char code[16] = "x";
        size_t len = 99;
        IS_NULL("invitation", saltyrtc_invitation_qr_code(NULL, code, sizeof code, &len, &error));
        CHECK(code[0] == '\0' && len == 0);
        FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",
              saltyrtc_invitation_qr_code(invitation, code, sizeof code, &len, &error));
        CHECK(len > 1000 && code[0] == '\0');
    }
    saltyrtc_invitation_free(invitation);
    checked("invitations");
}

static void configurations(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_config *config = (saltyrtc_config *)BEFORE, *responder = NULL;
    saltyrtc_client *client = (saltyrtc_client *)BEFORE;
    uint8_t key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    char uri[SALTYRTC_INVITATION_BYTES], long_name[257];
    static const uint8_t empty_map[] = {0x80}, number[] = {1}, cut_map[] = {0x81, 0xa1};
    static const uint8_t number_key[] = {0x81, 1, 2}, two_maps[] = {0x80, 0x80};
    static const uint8_t no_certificate[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    size_t i;
    OK(saltyrtc_key_pair_generate(key, secret_key, &error));

    IS_NULL("server_url", saltyrtc_config_new_initiator(NULL, NULL, &config, &error));
    CHECK(config == NULL);
    IS_NULL("out", saltyrtc_config_new_initiator("wss://a", NULL, NULL, &error));
    IS_BAD("server_url", saltyrtc_config_new_initiator(NOT_UTF8, NULL, &config, &error));
    for (i = 0; i < sizeof BAD_URLS / sizeof BAD_URLS[0]; i++) {
        config = (saltyrtc_config *)BEFORE;
        FAILS(SALTYRTC_STATUS_BAD_URL, "server_url",
              saltyrtc_config_new_initiator(BAD_URLS[i], NULL, &config, &error));
        CHECK(config == NULL);
    }
    config = (saltyrtc_config *)BEFORE;
    IS_NULL("invitation_uri", saltyrtc_config_new_responder(NULL, NULL, &config, &error));
    CHECK(config == NULL);
    IS_NULL("out", saltyrtc_config_new_responder("wss://a", NULL, NULL, &error));
    IS_BAD("invitation_uri", saltyrtc_config_new_responder(NOT_UTF8, NULL, &config, &error));
    FAILS(SALTYRTC_STATUS_BAD_INVITATION, "invitation",
          saltyrtc_config_new_responder("wss://a", NULL, &config, &error));

    OK(saltyrtc_config_new_initiator("ws://127.0.0.1:1", secret_key, &config, &error));
    FILLS_KEY("config", "key", saltyrtc_config_public_key, config);
    FILLS_TEXT("config", saltyrtc_config_invitation, config);
    OK(saltyrtc_config_invitation(config, uri, sizeof uri, NULL, &error));
    OK(saltyrtc_config_new_responder(uri, NULL, &responder, &error));
    FAILS(SALTYRTC_STATUS_OTHER_ROLE, "initiator",
          saltyrtc_config_invitation(responder, uri, sizeof uri, NULL, &error));
    CHECK(uri[0] == '\0');

    IS_NULL("config", saltyrtc_config_set_server_key(NULL, key, &error));
    OK(saltyrtc_config_set_server_key(config, NULL, &error));
    FAILS(SALTYRTC_STATUS_BAD_KEY, "key", saltyrtc_config_set_server_key(config, ZERO_KEY, &error));
    IS_NULL("config", saltyrtc_config_set_trusted_peer(NULL, key, &error));
    IS_NULL("key", saltyrtc_config_set_trusted_peer(config, NULL, &error));
    FAILS(SALTYRTC_STATUS_BAD_KEY, "key", saltyrtc_config_set_trusted_peer(config, ZERO_KEY, &error));
    {
        uint8_t other[SALTYRTC_KEY_BYTES];
        OK(saltyrtc_key_pair_generate(other, secret_key, &error));
        IS_BAD("key", saltyrtc_config_set_trusted_peer(responder, other, &error));
    }
    IS_NULL("config", saltyrtc_config_set_token(NULL, key, &error));
    IS_NULL("token", saltyrtc_config_set_token(config, NULL, &error));
    IS_NULL("config", saltyrtc_config_set_system_roots(NULL, true, &error));

    IS_NULL("config", saltyrtc_config_add_relayed_data_task(NULL, &error));
    IS_NULL("config", saltyrtc_config_add_custom_task(NULL, "x", NULL, 0, &error));
    IS_NULL("name", saltyrtc_config_add_custom_task(config, NULL, NULL, 0, &error));
    IS_NULL("data", saltyrtc_config_add_custom_task(config, "x", NULL, 1, &error));
    IS_BAD("name", saltyrtc_config_add_custom_task(config, NOT_UTF8, NULL, 0, &error));
    IS_BAD("name", saltyrtc_config_add_custom_task(config, "", NULL, 0, &error));
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[256] = '\0';
    IS_BAD("name", saltyrtc_config_add_custom_task(config, long_name, NULL, 0, &error));
    FAILS(SALTYRTC_STATUS_BAD_MSGPACK, "data",
          saltyrtc_config_add_custom_task(config, "x", number, sizeof number, &error));
    FAILS(SALTYRTC_STATUS_BAD_MSGPACK, "data",
          saltyrtc_config_add_custom_task(config, "x", cut_map, sizeof cut_map, &error));
    FAILS(SALTYRTC_STATUS_BAD_MSGPACK, "data",
          saltyrtc_config_add_custom_task(config, "x", number_key, sizeof number_key, &error));
    FAILS(SALTYRTC_STATUS_BAD_MSGPACK, "data",
          saltyrtc_config_add_custom_task(config, "x", two_maps, sizeof two_maps, &error));
    IS_BAD("data", saltyrtc_config_add_custom_task(config, "x", empty_map, SIZE_MAX, &error));

    IS_NULL("config", saltyrtc_config_add_tls_certificates(NULL, number, 1, &error));
    IS_NULL("certificates", saltyrtc_config_add_tls_certificates(config, NULL, 1, &error));
    FAILS(SALTYRTC_STATUS_BAD_CERTIFICATE, "certificates",
          saltyrtc_config_add_tls_certificates(config, NULL, 0, &error));
    FAILS(SALTYRTC_STATUS_BAD_CERTIFICATE, "certificates",
          saltyrtc_config_add_tls_certificates(config, number, sizeof number, &error));
    FAILS(SALTYRTC_STATUS_BAD_CERTIFICATE, "certificates",
          saltyrtc_config_add_tls_certificates(config, no_certificate, sizeof no_certificate - 1,
                                               &error));

    IS_NULL("config", saltyrtc_config_set_proxy(NULL, "http://h", &error));
    OK(saltyrtc_config_set_proxy(config, "socks5://user:password@[::1]:1080", &error));
    OK(saltyrtc_config_set_proxy(config, NULL, &error));
    IS_NULL("config", saltyrtc_config_use_environment_proxy(NULL, &error));
    OK(saltyrtc_config_use_environment_proxy(config, &error));
    OK(saltyrtc_config_set_proxy(config, NULL, &error));
    IS_NULL("config", saltyrtc_config_set_connect_timeout(NULL, 1, &error));
    IS_BAD("timeout_ms", saltyrtc_config_set_connect_timeout(config, 0, &error));
    OK(saltyrtc_config_set_connect_timeout(config, UINT32_MAX, &error));
    IS_NULL("config", saltyrtc_config_set_server_handshake_timeout(NULL, 1, &error));
    IS_BAD("timeout_ms", saltyrtc_config_set_server_handshake_timeout(config, 0, &error));
    IS_NULL("config", saltyrtc_config_set_peer_handshake_timeout(NULL, 1, &error));
    IS_BAD("timeout_ms", saltyrtc_config_set_peer_handshake_timeout(config, 0, &error));
    IS_NULL("config", saltyrtc_config_set_response_timeout(NULL, 1, &error));
    IS_BAD("timeout_ms", saltyrtc_config_set_response_timeout(config, 0, &error));
    OK(saltyrtc_config_set_response_timeout(config, UINT32_MAX, &error));
    IS_NULL("config", saltyrtc_config_set_ping_interval(NULL, 1, &error));
    OK(saltyrtc_config_set_ping_interval(config, UINT32_MAX, &error));
    OK(saltyrtc_config_set_ping_interval(config, 0, &error));
    IS_NULL("config", saltyrtc_config_set_max_message_size(NULL, 4096, &error));
    IS_BAD("size", saltyrtc_config_set_max_message_size(config, 4095, &error));
    OK(saltyrtc_config_set_max_message_size(config, 4096, &error));
    IS_NULL("config", saltyrtc_config_set_max_queue_size(NULL, 1, &error));
    IS_BAD("size", saltyrtc_config_set_max_queue_size(config, 0, &error));
    IS_NULL("config", saltyrtc_config_set_when_peer_leaves(NULL, 0, &error));
    IS_BAD("when_peer_leaves", saltyrtc_config_set_when_peer_leaves(config, 2, &error));
    IS_BAD("when_peer_leaves", saltyrtc_config_set_when_peer_leaves(config, -1, &error));
    IS_BAD("when_peer_leaves", saltyrtc_config_set_when_peer_leaves(config, INT32_MIN, &error));

    /* What does not go together. */
    IS_NULL("config", saltyrtc_client_new(NULL, NULL, NULL, NULL, &client, &error));
    CHECK(client == NULL);
    IS_NULL("out", saltyrtc_client_new(config, NULL, NULL, NULL, NULL, &error));
    client = (saltyrtc_client *)BEFORE;
    FAILS(SALTYRTC_STATUS_BAD_CONFIG, "task", saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    CHECK(client == NULL);
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    FAILS(SALTYRTC_STATUS_BAD_CONFIG, "twice", saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    saltyrtc_config_free(config);
    saltyrtc_config_free(responder);

    OK(saltyrtc_config_new_initiator("wss://127.0.0.1:1", NULL, &config, &error));
    with_relayed_data(config);
    OK(saltyrtc_config_set_system_roots(config, false, &error));
    FAILS(SALTYRTC_STATUS_BAD_CONFIG, "certificates",
          saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    saltyrtc_config_free(config);
    OK(saltyrtc_config_new_initiator("ws://127.0.0.1:1", NULL, &config, &error));
    with_relayed_data(config);
    OK(saltyrtc_config_public_key(config, key, &error));
    OK(saltyrtc_config_set_trusted_peer(config, key, &error));
    FAILS(SALTYRTC_STATUS_BAD_CONFIG, "own key",
          saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    saltyrtc_config_free(config);
    checked("configurations");
}

/* The functions that send: `function` with bytes that it takes. */
#define SENDS_BYTES(argument, function, client, good, good_len)                                 \
    do {                                                                                        \
        IS_NULL("client", function(NULL, good, good_len, &error));                              \
        IS_NULL(argument, function(client, NULL, 1, &error));                                   \
        IS_BAD(argument, function(client, good, SIZE_MAX, &error));                             \
    } while (0)

static void queues(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = (saltyrtc_queue *)BEFORE;
    saltyrtc_client *client = (saltyrtc_client *)BEFORE;
    saltyrtc_event *event = (saltyrtc_event *)BEFORE;
    saltyrtc_config *config = with_relayed_data(initiator_config(server, NULL));
    size_t count = 99, needed = 99;
    uint8_t buffer[8];
    int fd = 99;

    IS_NULL("out", saltyrtc_queue_new(NULL, &error));
    OK(saltyrtc_queue_new(&queue, &error));
    IS_NULL("queue", saltyrtc_queue_next_events(NULL, -1, &event, 1, &count, &error));
    CHECK(count == 0 && event == BEFORE);
    IS_NULL("events", saltyrtc_queue_next_events(queue, -1, NULL, 1, &count, &error));
    IS_BAD("capacity", saltyrtc_queue_next_events(queue, -1, &event, 0, &count, &error));
    IS_NULL("count", saltyrtc_queue_next_events(queue, -1, &event, 1, NULL, &error));
    count = 99;
    IS_NULL("queue", saltyrtc_queue_read(NULL, -1, buffer, sizeof buffer, &count, &needed, &error));
    CHECK(count == 0 && needed == 0);
    IS_NULL("count", saltyrtc_queue_read(queue, -1, buffer, sizeof buffer, NULL, &needed, &error));
    IS_NULL("queue", saltyrtc_queue_wake(NULL, &error));
    IS_NULL("queue", saltyrtc_queue_fd(NULL, &fd, &error));
    CHECK(fd == -1);
    IS_NULL("fd", saltyrtc_queue_fd(queue, NULL, &error));
    IS_NULL("config", saltyrtc_client_new_on_queue(NULL, queue, 1, &client, &error));
    CHECK(client == NULL);
    IS_NULL("queue", saltyrtc_client_new_on_queue(config, NULL, 1, &client, &error));
    IS_NULL("out", saltyrtc_client_new_on_queue(config, queue, 1, NULL, &error));
    CHECK(saltyrtc_queue_wake(NULL, NULL) == SALTYRTC_STATUS_NULL_ARGUMENT);
    saltyrtc_config_free(config);
    OK(saltyrtc_config_new_initiator(server->url, NULL, &config, &error));
    FAILS(SALTYRTC_STATUS_BAD_CONFIG, "task",
          saltyrtc_client_new_on_queue(config, queue, 1, &client, &error));
    CHECK(client == NULL);
    saltyrtc_config_free(config);
    saltyrtc_queue_free(queue);
    checked("queues");
}

static void clients(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_event *event = (saltyrtc_event *)BEFORE;
    saltyrtc_state state = SALTYRTC_STATE_TASK;
    uint8_t key[SALTYRTC_KEY_BYTES], buffer[64], sealed[64];
    char uri[SALTYRTC_INVITATION_BYTES];
    static const uint8_t good[] = {0x81, 0xa4, 't', 'y', 'p', 'e', 0xa1, 'x'};
    static const uint8_t two_values[] = {1, 2}, cut[] = {0x92, 1}, reserved[] = {0xc1};
    static const uint8_t no_type[] = {0x80};
    static const uint8_t close_type[] = {0x81, 0xa4, 't', 'y', 'p', 'e', 0xa5, 'c', 'l', 'o', 's', 'e'};
    size_t len = 99, i;
    int fd = 99;
    pair pair = connected_pair(server);
    saltyrtc_client *client = pair.initiator;

    IS_NULL("client", saltyrtc_client_close(NULL, &error));
    IS_NULL("client", saltyrtc_client_pause_events(NULL, true, &error));
    IS_NULL("client", saltyrtc_client_next_event(NULL, 0, &event, &error));
    CHECK(event == NULL);
    IS_NULL("out", saltyrtc_client_next_event(client, -1, NULL, &error));
    IS_NULL("client", saltyrtc_client_event_fd(NULL, &fd, &error));
    CHECK(fd == -1);
    IS_NULL("fd", saltyrtc_client_event_fd(client, NULL, &error));
    IS_NULL("client", saltyrtc_client_state(NULL, &state, &error));
    CHECK(state == SALTYRTC_STATE_CLOSED);
    IS_NULL("state", saltyrtc_client_state(client, NULL, &error));
    FILLS_KEY("client", "path", saltyrtc_client_path, client);
    FILLS_KEY("client", "key", saltyrtc_client_public_key, client);
    FILLS_KEY("client", "key", saltyrtc_client_peer_key, client);
    FILLS_TEXT("client", saltyrtc_client_task, client);

    IS_NULL("client", saltyrtc_client_invitation(NULL, NULL, uri, sizeof uri, &len, &error));
    CHECK(uri[0] == '\0' && len == 0);
    FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",
          saltyrtc_client_invitation(client, NULL, NULL, sizeof uri, &len, &error));
    CHECK(len > 64);
    FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",
          saltyrtc_client_invitation(client, NULL, uri, len - 1, NULL, &error));
    CHECK(uri[0] == '\0');

    FILLS_KEY("client", "token", saltyrtc_client_issue_token, client);
    FAILS(SALTYRTC_STATUS_OTHER_ROLE, "role", saltyrtc_client_issue_token(pair.responder, key, &error));
    IS_NULL("client", saltyrtc_client_trust_peer(NULL, &error));
    IS_NULL("client", saltyrtc_client_drop_responder(NULL, 2, 3004, &error));
    IS_BAD("address", saltyrtc_client_drop_responder(client, 0, 3004, &error));
    IS_BAD("address", saltyrtc_client_drop_responder(client, 1, 3004, &error));
    IS_BAD("close_code", saltyrtc_client_drop_responder(client, 2, 3000, &error));
    IS_BAD("close_code", saltyrtc_client_drop_responder(client, 2, 3003, &error));
    IS_BAD("close_code", saltyrtc_client_drop_responder(client, 2, -1, &error));
    IS_BAD("close_code", saltyrtc_client_drop_responder(client, 2, INT32_MAX, &error));
    FAILS(SALTYRTC_STATUS_OTHER_ROLE, "role",
          saltyrtc_client_drop_responder(pair.responder, 2, 3004, &error));

    SENDS_BYTES("data", saltyrtc_client_send_bytes, client, good, sizeof good);
    SENDS_BYTES("data", saltyrtc_client_send_msgpack, client, good, sizeof good);
    SENDS_BYTES("data", saltyrtc_client_send_application_bytes, client, good, sizeof good);
    SENDS_BYTES("data", saltyrtc_client_send_application_msgpack, client, good, sizeof good);
    SENDS_BYTES("message", saltyrtc_client_send_task_message, client, good, sizeof good);
    IS_NULL("client", saltyrtc_client_send_text(NULL, TEXT("x"), &error));
    IS_NULL("text", saltyrtc_client_send_text(client, NULL, 1, &error));
    IS_BAD("text", saltyrtc_client_send_text(client, TEXT(NOT_UTF8), &error));
    IS_NULL("client", saltyrtc_client_send_application_text(NULL, TEXT("x"), &error));
    IS_NULL("text", saltyrtc_client_send_application_text(client, NULL, 1, &error));
    IS_BAD("text", saltyrtc_client_send_application_text(client, TEXT(NOT_UTF8), &error));
    {
        const uint8_t *const wrong[] = {NULL, two_values, cut, reserved};
        const size_t wrong_len[] = {0, sizeof two_values, sizeof cut, sizeof reserved};
        for (i = 0; i < 4; i++) {
            FAILS(SALTYRTC_STATUS_BAD_MSGPACK, "data",
                  saltyrtc_client_send_msgpack(client, wrong[i], wrong_len[i], &error));
            FAILS(SALTYRTC_STATUS_BAD_MSGPACK, "data",
                  saltyrtc_client_send_application_msgpack(client, wrong[i], wrong_len[i], &error));
            FAILS(SALTYRTC_STATUS_BAD_MSGPACK, "message",
                  saltyrtc_client_send_task_message(client, wrong[i], wrong_len[i], &error));
        }
    }
    FAILS(SALTYRTC_STATUS_BAD_MSGPACK, "message",
          saltyrtc_client_send_task_message(client, no_type, sizeof no_type, &error));
    FAILS(SALTYRTC_STATUS_BAD_MSGPACK, "message",
          saltyrtc_client_send_task_message(client, close_type, sizeof close_type, &error));
    FAILS(SALTYRTC_STATUS_OTHER_TASK, RELAYED_DATA,
          saltyrtc_client_send_task_message(client, good, sizeof good, &error));

    IS_NULL("client", saltyrtc_client_encrypt(NULL, good, 1, buffer, sizeof buffer, &len, &error));
    CHECK(len == 0);
    IS_NULL("data", saltyrtc_client_encrypt(client, NULL, 1, buffer, sizeof buffer, &len, &error));
    IS_BAD("data", saltyrtc_client_encrypt(client, good, SIZE_MAX, buffer, sizeof buffer, &len, &error));
    FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",
          saltyrtc_client_encrypt(client, good, 8, NULL, 0, &len, &error));
    CHECK(len == 8 + SALTYRTC_ENCRYPTION_OVERHEAD);
    FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",
          saltyrtc_client_encrypt(client, good, 8, buffer, len - 1, NULL, &error));
    OK(saltyrtc_client_encrypt(client, good, 8, sealed, sizeof sealed, &len, &error));
    IS_NULL("client", saltyrtc_client_decrypt(NULL, sealed, len, buffer, sizeof buffer, &len, &error));
    CHECK(len == 0);
    IS_NULL("encrypted",
            saltyrtc_client_decrypt(pair.responder, NULL, 1, buffer, sizeof buffer, &len, &error));
    for (i = 0; i < 8 + SALTYRTC_ENCRYPTION_OVERHEAD; i++) {
        /* Too short, down to nothing. */
        FAILS(SALTYRTC_STATUS_DECRYPTION_FAILED, "",
              saltyrtc_client_decrypt(pair.responder, sealed, i, buffer, sizeof buffer, &len, &error));
        CHECK(len == 0);
    }
    memset(buffer, BEFORE_BYTE, sizeof buffer);
    FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",
          saltyrtc_client_decrypt(pair.responder, sealed, 8 + SALTYRTC_ENCRYPTION_OVERHEAD, buffer, 7,
                                  &len, &error));
    CHECK(len == 8 && all_bytes_are(buffer, sizeof buffer, BEFORE_BYTE));

    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    checked("clients");
}

static void servers(const test_server *running) {
    saltyrtc_error *error = NULL;
    saltyrtc_server_config *config = (saltyrtc_server_config *)BEFORE;
    saltyrtc_server *server = (saltyrtc_server *)BEFORE;
    uint16_t port = 99;
    static const uint8_t byte[] = {1};
    static const char *const not_addresses[] = {"", "localhost", "127.0.0.1:1", "[::1]", "256.0.0.1", "*", "unix:"};
    size_t i;
    IS_NULL("address", saltyrtc_server_config_new(NULL, 0, &config, &error));
    CHECK(config == NULL);
    IS_NULL("out", saltyrtc_server_config_new("127.0.0.1", 0, NULL, &error));
    IS_BAD("address", saltyrtc_server_config_new(NOT_UTF8, 0, &config, &error));
    for (i = 0; i < sizeof not_addresses / sizeof not_addresses[0]; i++) {
        config = (saltyrtc_server_config *)BEFORE;
        IS_BAD("address", saltyrtc_server_config_new(not_addresses[i], 0, &config, &error));
        CHECK(config == NULL);
    }

    IS_BAD("port", saltyrtc_server_config_new("unix:/tmp/socket", 1, &config, &error));

    OK(saltyrtc_server_config_new("127.0.0.1", running->port, &config, &error));
    IS_NULL("config", saltyrtc_server_config_add_permanent_key(NULL, ZERO_KEY, &error));
    IS_NULL("secret_key", saltyrtc_server_config_add_permanent_key(config, NULL, &error));
    IS_NULL("config", saltyrtc_server_config_set_tls(NULL, byte, 1, byte, 1, &error));
    IS_NULL("certificates", saltyrtc_server_config_set_tls(config, NULL, 1, byte, 1, &error));
    IS_NULL("private_key", saltyrtc_server_config_set_tls(config, byte, 1, NULL, 1, &error));
    IS_NULL("config", saltyrtc_server_config_set_limit(NULL, SALTYRTC_LIMIT_CONNECTIONS, 1, &error));
    IS_BAD("limit", saltyrtc_server_config_set_limit(config, -1, 1, &error));
    IS_BAD("limit", saltyrtc_server_config_set_limit(config, 1 << 30, 1, &error));
    IS_BAD("value", saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_HANDSHAKE_TIME,
                                                     SALTYRTC_NO_LIMIT, &error));
    IS_BAD("value", saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_ACCEPT_RATE,
                                                     SALTYRTC_NO_LIMIT - 1, &error));
    OK(saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_IDLE_TIME, SALTYRTC_NO_LIMIT, &error));
    IS_NULL("config", saltyrtc_server_config_set_accept_no_shared_task(NULL, true, &error));
    OK(saltyrtc_server_config_set_accept_no_shared_task(config, true, &error));

    IS_NULL("config", saltyrtc_server_start(NULL, &server, &error));
    CHECK(server == NULL);
    IS_NULL("out", saltyrtc_server_start(config, NULL, &error));
    FAILS(SALTYRTC_STATUS_LISTEN_FAILED, "another port", saltyrtc_server_start(config, &server, &error));
    CHECK(server == NULL);
    OK(saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_MESSAGE_SIZE, 1023, &error));
    FAILS(SALTYRTC_STATUS_BAD_CONFIG, "message", saltyrtc_server_start(config, &server, &error));
    OK(saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_MESSAGE_SIZE, 1024, &error));
    OK(saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_CONNECTIONS, 0, &error));
    FAILS(SALTYRTC_STATUS_BAD_CONFIG, "connection", saltyrtc_server_start(config, &server, &error));
    OK(saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_CONNECTIONS, 1, &error));
    OK(saltyrtc_server_config_set_tls(config, byte, 1, byte, 1, &error));
    FAILS(SALTYRTC_STATUS_BAD_CERTIFICATE, "certificate", saltyrtc_server_start(config, &server, &error));
    saltyrtc_server_config_free(config);

    IS_NULL("server", saltyrtc_server_port(NULL, &port, &error));
    CHECK(port == 0);
    IS_NULL("port", saltyrtc_server_port(running->handle, NULL, &error));
    FILLS_TEXT("server", saltyrtc_server_address, running->handle);
    FILLS_TEXT("server", saltyrtc_server_url, running->handle);
    IS_NULL("server", saltyrtc_server_stop(NULL, 0, &error));
    checked("servers");
}

static void log_nothing(int32_t level, const char *target, const char *message, void *user_data) {
    (void)level;
    (void)target;
    (void)message;
    (void)user_data;
}

static void logs(void) {
    saltyrtc_error *error = NULL;
    IS_BAD("level", saltyrtc_log_set_callback(-1, log_nothing, NULL, NULL, &error));
    IS_BAD("level", saltyrtc_log_set_callback(6, log_nothing, NULL, NULL, &error));
    IS_BAD("level", saltyrtc_log_set_callback(INT32_MAX, NULL, NULL, NULL, &error));
    OK(saltyrtc_log_set_callback(SALTYRTC_LOG_LEVEL_OFF, log_nothing, NULL, NULL, &error));
    OK(saltyrtc_log_set_callback(SALTYRTC_LOG_LEVEL_OFF, NULL, NULL, NULL, &error));
    checked("log");
}

int main(void) {
    test_server server;
    start_server(&server);
    errors();
    freeing_nothing();
    keys();
    invitations();
    configurations();
    queues(&server);
    clients(&server);
    servers(&server);
    logs();
    end_server(&server);
    end_library();
    return 0;
}
