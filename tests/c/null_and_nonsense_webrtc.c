/* The second half of null_and_nonsense.c: chunking, and everything about WebRTC. */

#include "nonsense.h"

static void chunking(void) {
    static const int32_t modes[] = {-1, 2, INT32_MIN, INT32_MAX};
    const int32_t mode = SALTYRTC_CHUNKING_MODE_RELIABLE_ORDERED;
    const uint8_t *const text = (const uint8_t *)"text";
    saltyrtc_error *error = NULL;
    saltyrtc_chunker *chunker = (saltyrtc_chunker *)BEFORE;
    saltyrtc_unchunker *unchunker = (saltyrtc_unchunker *)BEFORE;
    uint8_t buffer[8];
    size_t len = 99, i;
    uint64_t given_up = 99;
    for (i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        IS_BAD("mode", saltyrtc_chunker_new(modes[i], &chunker, &error));
        IS_BAD("mode", saltyrtc_unchunker_new(modes[i], 1, 1, 1, 0, &unchunker, &error));
    }
    CHECK(chunker == NULL && unchunker == NULL);
    IS_NULL("out", saltyrtc_chunker_new(mode, NULL, &error));
    IS_NULL("out", saltyrtc_unchunker_new(mode, 1, 1, 1, 0, NULL, &error));
    unchunker = (saltyrtc_unchunker *)BEFORE;
    IS_BAD("max_message_size", saltyrtc_unchunker_new(mode, 0, 1, 1, 0, &unchunker, &error));
    CHECK(unchunker == NULL);
    IS_BAD("max_total_size", saltyrtc_unchunker_new(mode, 1, 0, 1, 0, &unchunker, &error));
    IS_BAD("max_age_ms", saltyrtc_unchunker_new(mode, 1, 1, 0, 0, &unchunker, &error));

    IS_NULL("chunker", saltyrtc_chunker_add(NULL, text, 4, 10, &error));
    IS_NULL("chunker", saltyrtc_chunker_next(NULL, buffer, sizeof buffer, &len, &error));
    CHECK(len == 0);
    OK(saltyrtc_chunker_new(mode, &chunker, &error));
    IS_NULL("message", saltyrtc_chunker_add(chunker, NULL, 4, 10, &error));
    IS_BAD("message", saltyrtc_chunker_add(chunker, NULL, 0, 10, &error));
    IS_BAD("message", saltyrtc_chunker_add(chunker, text, SIZE_MAX, 10, &error));
    IS_BAD("chunk_size", saltyrtc_chunker_add(chunker, text, 4, 0, &error));
    IS_BAD("chunk_size", saltyrtc_chunker_add(chunker, text, 4, 1, &error));
    OK(saltyrtc_chunker_next(chunker, NULL, 0, NULL, &error));
    OK(saltyrtc_chunker_add(chunker, text, 4, SIZE_MAX, &error));
    OK(saltyrtc_chunker_next(chunker, buffer, sizeof buffer, &len, &error));
    CHECK(len == 5 && memcmp(buffer, "\7text", 5) == 0);
    saltyrtc_chunker_free(chunker);

    len = 99;
    IS_NULL("unchunker", saltyrtc_unchunker_add(NULL, buffer, 5, &len, &error));
    CHECK(len == 0);
    len = 99;
    IS_NULL("unchunker", saltyrtc_unchunker_next(NULL, buffer, sizeof buffer, &len, &error));
    CHECK(len == 0);
    IS_NULL("unchunker", saltyrtc_unchunker_expire(NULL, &given_up, &error));
    CHECK(given_up == 0);
    OK(saltyrtc_unchunker_new(mode, SIZE_MAX, SIZE_MAX, UINT32_MAX, UINT32_MAX, &unchunker, &error));
    IS_NULL("chunk", saltyrtc_unchunker_add(unchunker, NULL, 5, &len, &error));
    IS_BAD("chunk", saltyrtc_unchunker_add(unchunker, buffer, SIZE_MAX, &len, &error));
    FAILS(SALTYRTC_STATUS_BAD_CHUNK, "data", saltyrtc_unchunker_add(unchunker, NULL, 0, &len, &error));
    OK(saltyrtc_unchunker_next(unchunker, NULL, 0, NULL, &error));
    OK(saltyrtc_unchunker_expire(unchunker, NULL, &error));
    OK(saltyrtc_unchunker_add(unchunker, buffer, 5, NULL, &error));
    OK(saltyrtc_unchunker_next(unchunker, buffer, sizeof buffer, NULL, &error));
    CHECK(memcmp(buffer, "text", 4) == 0);
    saltyrtc_unchunker_free(unchunker);
    checked("chunking");
}

static void webrtc(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = pull_client(initiator_config(server, NULL));
    saltyrtc_config *config = initiator_config(server, NULL);
    saltyrtc_secure_channel *channel = (saltyrtc_secure_channel *)BEFORE;
    const uint8_t *const text = (const uint8_t *)"text";
    uint8_t buffer[64];
    uint16_t id = 99;
    const char *label = (const char *)BEFORE;
    size_t len = 99;
    IS_NULL("config", saltyrtc_config_add_webrtc_task(NULL, NULL, 0, true, &error));
    IS_NULL("exclude", saltyrtc_config_add_webrtc_task(config, NULL, 1, true, &error));
    IS_BAD("exclude", saltyrtc_config_add_webrtc_task(config, &id, SIZE_MAX, true, &error));
    IS_BAD("exclude", saltyrtc_config_add_webrtc_task(config, (const uint16_t *)(const void *)1, 1, true,
                                                      &error));
    IS_NULL("config", saltyrtc_config_add_webrtc_v0_task(NULL, NULL, 0, true, 0, &error));
    IS_NULL("exclude", saltyrtc_config_add_webrtc_v0_task(config, NULL, 1, true, 0, &error));
    IS_NULL("config", saltyrtc_config_add_ortc_task(NULL, NULL, 0, true, &error));
    IS_NULL("exclude", saltyrtc_config_add_ortc_task(config, NULL, 1, true, &error));
    IS_BAD("exclude", saltyrtc_config_add_ortc_task(config, &id, SIZE_MAX, true, &error));
    IS_NULL("client", saltyrtc_client_send_ortc_message(NULL, (const uint8_t *)"\x80", 1, &error));
    IS_BAD("message", saltyrtc_client_send_ortc_message(client, (const uint8_t *)"\x80", 1, &error));
    IS_BAD("message", saltyrtc_client_send_ortc_message(client, (const uint8_t *)"\x80", SIZE_MAX,
                                                        &error));
    IS_NULL("client", saltyrtc_client_send_offer(NULL, "offer", TEXT("v=0"), &error));
    IS_NULL("sdp_type", saltyrtc_client_send_offer(client, NULL, TEXT("v=0"), &error));
    IS_BAD("sdp_type", saltyrtc_client_send_offer(client, NOT_UTF8, TEXT("v=0"), &error));
    IS_NULL("sdp", saltyrtc_client_send_offer(client, "offer", NULL, 0, &error));
    IS_BAD("sdp", saltyrtc_client_send_offer(client, "offer", TEXT(NOT_UTF8), &error));
    IS_NULL("client", saltyrtc_client_send_answer(NULL, "answer", TEXT("v=0"), &error));
    IS_NULL("sdp_type", saltyrtc_client_send_answer(client, NULL, TEXT("v=0"), &error));
    IS_NULL("client", saltyrtc_client_send_candidate(NULL, NULL, 0, NULL, 0, -1, NULL, 0, &error));
    IS_NULL("sdp", saltyrtc_client_send_offer(client, "rollback", NULL, 1, &error));
    IS_NULL("candidate", saltyrtc_client_send_candidate(client, NULL, 1, NULL, 0, -1, NULL, 0, &error));
    IS_BAD("candidate",
           saltyrtc_client_send_candidate(client, TEXT(NOT_UTF8), NULL, 0, -1, NULL, 0, &error));
    IS_BAD("sdp_mid",
           saltyrtc_client_send_candidate(client, "", 0, TEXT(NOT_UTF8), -1, NULL, 0, &error));
    IS_BAD("username_fragment",
           saltyrtc_client_send_candidate(client, "", 0, NULL, 0, 0, TEXT(NOT_UTF8), &error));
    IS_NULL("client", saltyrtc_client_signalling_channel(NULL, &id, &label, NULL, &error));
    CHECK(id == 0 && label == NULL);
    IS_NULL("id", saltyrtc_client_signalling_channel(client, NULL, NULL, NULL, &error));
    IS_NULL("client", saltyrtc_client_hand_over(NULL, 0, NULL, NULL, NULL, NULL, &error));
    FAILS(SALTYRTC_STATUS_NO_PEER, "peer",
          saltyrtc_client_hand_over(client, 0, NULL, NULL, NULL, NULL, &error));
    IS_NULL("client", saltyrtc_client_transport_receive(NULL, text, 4, &error));
    IS_NULL("data", saltyrtc_client_transport_receive(client, NULL, 4, &error));
    OK(saltyrtc_client_transport_receive(client, NULL, 0, &error));
    IS_NULL("client", saltyrtc_client_transport_closed(NULL, &error));
    OK(saltyrtc_client_transport_closed(client, &error));
    IS_NULL("out", saltyrtc_secure_channel_new(client, 0, NULL, &error));
    IS_NULL("client", saltyrtc_secure_channel_new(NULL, 0, &channel, &error));
    CHECK(channel == NULL);
    IS_NULL("channel",
            saltyrtc_secure_channel_encrypt(NULL, text, 4, buffer, sizeof buffer, &len, &error));
    CHECK(len == 0);
    len = 99;
    IS_NULL("channel",
            saltyrtc_secure_channel_decrypt(NULL, text, 4, buffer, sizeof buffer, &len, &error));
    CHECK(len == 0);
    saltyrtc_secure_channel_free(NULL);
    saltyrtc_config_free(config);
    saltyrtc_client_free(client);
    checked("WebRTC");
}

static void rtc(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = pull_client(initiator_config(server, NULL));
    saltyrtc_config *config = initiator_config(server, NULL);
    saltyrtc_rtc_config *rtc = NULL;
    saltyrtc_channel_options options;
    saltyrtc_rtc_stats stats;
    uint16_t id = 65535;
    uint32_t channel = 99;
    size_t amount = 99;
    IS_NULL("out", saltyrtc_rtc_config_new(NULL, &error));
    OK(saltyrtc_rtc_config_new(&rtc, &error));
    IS_NULL("config", saltyrtc_rtc_config_add_ice_server(NULL, "stun:a", NULL, NULL, &error));
    IS_NULL("url", saltyrtc_rtc_config_add_ice_server(rtc, NULL, NULL, NULL, &error));
    FAILS(SALTYRTC_STATUS_BAD_URL, "url",
          saltyrtc_rtc_config_add_ice_server(rtc, "http://a", NULL, NULL, &error));
    IS_BAD("username", saltyrtc_rtc_config_add_ice_server(rtc, "stun:a", NOT_UTF8, NULL, &error));
    IS_BAD("password", saltyrtc_rtc_config_add_ice_server(rtc, "stun:a", NULL, NOT_UTF8, &error));
    IS_NULL("config", saltyrtc_rtc_config_set_relay_only(NULL, true, &error));
    OK(saltyrtc_rtc_config_set_relay_only(rtc, true, &error));
    IS_NULL("config", saltyrtc_rtc_config_set_max_message_size(NULL, 1, &error));
    IS_BAD("bytes", saltyrtc_rtc_config_set_max_message_size(rtc, 0, &error));
    OK(saltyrtc_rtc_config_set_max_message_size(rtc, SIZE_MAX, &error));
    IS_NULL("config", saltyrtc_rtc_config_set_max_buffered(NULL, 1, &error));
    OK(saltyrtc_rtc_config_set_max_buffered(rtc, 0, &error));
    IS_NULL("config", saltyrtc_rtc_config_set_negotiated_ids(NULL, NULL, 0, &error));
    IS_NULL("ids", saltyrtc_rtc_config_set_negotiated_ids(rtc, NULL, 1, &error));
    IS_BAD("ids", saltyrtc_rtc_config_set_negotiated_ids(rtc, &id, 1, &error));
    IS_NULL("config", saltyrtc_rtc_config_set_handover(NULL, false, &error));
    OK(saltyrtc_rtc_config_set_handover(rtc, false, &error));
    IS_NULL("config", saltyrtc_rtc_config_set_tasks(NULL, SALTYRTC_RTC_TASKS_ORTC, &error));
    IS_BAD("tasks", saltyrtc_rtc_config_set_tasks(rtc, 4, &error));
    IS_BAD("tasks", saltyrtc_rtc_config_set_tasks(rtc, -1, &error));
    OK(saltyrtc_rtc_config_set_tasks(rtc, SALTYRTC_RTC_TASKS_ORTC_THEN_WEBRTC, &error));
    IS_NULL("config", saltyrtc_rtc_config_set_dtls_role(NULL, SALTYRTC_DTLS_ROLE_CLIENT, &error));
    IS_BAD("role", saltyrtc_rtc_config_set_dtls_role(rtc, 3, &error));
    IS_BAD("role", saltyrtc_rtc_config_set_dtls_role(rtc, -1, &error));
    OK(saltyrtc_rtc_config_set_dtls_role(rtc, SALTYRTC_DTLS_ROLE_SERVER, &error));
    IS_NULL("config", saltyrtc_rtc_config_add_plain_label(NULL, TEXT("x"), &error));
    IS_NULL("label", saltyrtc_rtc_config_add_plain_label(rtc, NULL, 1, &error));
    IS_NULL("config", saltyrtc_rtc_config_add_address(NULL, "::1", &error));
    IS_NULL("address", saltyrtc_rtc_config_add_address(rtc, NULL, &error));
    IS_BAD("address", saltyrtc_rtc_config_add_address(rtc, "localhost", &error));
    IS_BAD("address", saltyrtc_rtc_config_add_address(rtc, "0.0.0.0", &error));
    IS_NULL("config", saltyrtc_rtc_config_set_ports(NULL, 1, 2, &error));
    IS_BAD("first", saltyrtc_rtc_config_set_ports(rtc, 0, 2, &error));
    IS_BAD("first", saltyrtc_rtc_config_set_ports(rtc, 3, 2, &error));
    IS_NULL("config", saltyrtc_rtc_config_set_disconnected_timeout(NULL, 1000, &error));
    IS_BAD("timeout_ms", saltyrtc_rtc_config_set_disconnected_timeout(rtc, 999, &error));
    IS_NULL("config", saltyrtc_rtc_config_set_unreachable_timeout(NULL, 1000, &error));
    IS_BAD("timeout_ms", saltyrtc_rtc_config_set_unreachable_timeout(rtc, 999, &error));
    IS_BAD("timeout_ms", saltyrtc_rtc_config_set_unreachable_timeout(rtc, 30001, &error));
    IS_NULL("config", saltyrtc_rtc_config_set_setup_timeout(NULL, 1000, &error));
    IS_BAD("timeout_ms", saltyrtc_rtc_config_set_setup_timeout(rtc, 999, &error));
    IS_NULL("config", saltyrtc_config_add_rtc_task(NULL, rtc, &error));
    IS_NULL("rtc", saltyrtc_config_add_rtc_task(config, NULL, &error));
    saltyrtc_rtc_config_free(rtc);
    saltyrtc_rtc_config_free(NULL);

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    IS_NULL("client", saltyrtc_client_open_channel(NULL, &options, &channel, &error));
    CHECK(channel == 0);
    IS_NULL("channel", saltyrtc_client_open_channel(client, &options, NULL, &error));
    IS_NULL("options", saltyrtc_client_open_channel(client, NULL, &channel, &error));
    options.struct_size--;
    IS_BAD("struct_size", saltyrtc_client_open_channel(client, &options, &channel, &error));
    options.struct_size = 0;
    IS_BAD("struct_size", saltyrtc_client_open_channel(client, &options, &channel, &error));
    options.struct_size = SIZE_MAX;
    IS_BAD("struct_size", saltyrtc_client_open_channel(client, &options, &channel, &error));
    options.struct_size = sizeof options;
    options.label = NOT_UTF8;
    IS_BAD("options.label", saltyrtc_client_open_channel(client, &options, &channel, &error));
    options.label = NULL;
    options.protocol = NOT_UTF8;
    IS_BAD("options.protocol", saltyrtc_client_open_channel(client, &options, &channel, &error));
    options.protocol = NULL;
    options.reliability = 3;
    IS_BAD("options.reliability", saltyrtc_client_open_channel(client, &options, &channel, &error));
    options.reliability = SALTYRTC_RELIABILITY_MAX_RETRANSMITS;
    options.reliability_limit = 65536;
    IS_BAD("options.reliability_limit",
           saltyrtc_client_open_channel(client, &options, &channel, &error));
    IS_NULL("client", saltyrtc_client_channel_send_bytes(NULL, 1, NULL, 0, &error));
    IS_NULL("data", saltyrtc_client_channel_send_bytes(client, 1, NULL, 1, &error));
    IS_NULL("client", saltyrtc_client_channel_send_text(NULL, 1, TEXT("x"), &error));
    IS_NULL("text", saltyrtc_client_channel_send_text(client, 1, NULL, 1, &error));
    IS_NULL("client", saltyrtc_client_channel_buffered_amount(NULL, 1, &amount, &error));
    CHECK(amount == 0);
    IS_NULL("amount", saltyrtc_client_channel_buffered_amount(client, 1, NULL, &error));
    IS_NULL("client", saltyrtc_client_channel_set_low_water(NULL, 1, 1, &error));
    IS_NULL("client", saltyrtc_client_channel_close(NULL, 1, &error));
    IS_NULL("client", saltyrtc_client_restart_ice(NULL, &error));
    IS_NULL("client", saltyrtc_client_set_addresses(NULL, "::1", &error));
    IS_NULL("addresses", saltyrtc_client_set_addresses(client, NULL, &error));
    IS_BAD("addresses", saltyrtc_client_set_addresses(client, NOT_UTF8, &error));
    IS_BAD("addresses", saltyrtc_client_set_addresses(client, "::1,localhost", &error));
    IS_BAD("addresses", saltyrtc_client_set_addresses(client, "127.0.0.1,", &error));
    IS_BAD("addresses", saltyrtc_client_set_addresses(client, "224.0.0.251", &error));
    memset(&stats, 0, sizeof stats);
    IS_BAD("struct_size", saltyrtc_client_rtc_stats(client, &stats, &error));
    stats.struct_size = SIZE_MAX;
    IS_BAD("struct_size", saltyrtc_client_rtc_stats(client, &stats, &error));
    CHECK(stats.struct_size == SIZE_MAX && stats.channels == 0);
    stats.struct_size = sizeof stats;
    IS_NULL("client", saltyrtc_client_rtc_stats(NULL, &stats, &error));
    IS_NULL("stats", saltyrtc_client_rtc_stats(client, NULL, &error));
    saltyrtc_config_free(config);
    saltyrtc_client_free(client);
    checked("built-in WebRTC");
}

int main(void) {
    test_server server;
    start_server(&server);
    chunking();
    webrtc(&server);
    rtc(&server);
    end_server(&server);
    end_library();
    return 0;
}
