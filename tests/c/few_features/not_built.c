/* A library that was built with as little as can be: what is not in it says so, and the rest works. Run by
   scripts/test-c.sh with such a library. */

#include "../support.h"

static void nothing_is_built_in(void) {
    const char *wrong;
    CHECK(!saltyrtc_has_feature("server") && !saltyrtc_has_feature("webrtc"));
    CHECK(!saltyrtc_has_feature("vectorised"));
    wrong = wrong_not_built();
    if (wrong != NULL) {
        fprintf(stderr, "%s does not say that it is not built in\n", wrong);
        abort();
    }
    checked("every function of what is not built in");
}

/* As everywhere: outputs are reset, and there is a text. */
static void outputs_and_texts(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_server_config *config = (saltyrtc_server_config *)(void *)&error;
    char url[4] = "abc";
    size_t len = 99;
    uint16_t port = 99;
    FAILS(SALTYRTC_STATUS_NOT_BUILT, "embedded server",
          saltyrtc_server_config_new("127.0.0.1", 0, &config, &error));
    CHECK(config == NULL);
    FAILS(SALTYRTC_STATUS_NOT_BUILT, "feature server", saltyrtc_server_port(NULL, &port, &error));
    CHECK(port == 0);
    FAILS(SALTYRTC_STATUS_NOT_BUILT, "server", saltyrtc_server_url(NULL, url, sizeof url, &len, &error));
    CHECK(url[0] == '\0' && url[1] == 'b' && len == 0);
    FAILS(SALTYRTC_STATUS_NOT_BUILT, "built-in WebRTC", saltyrtc_client_restart_ice(NULL, &error));
    checked("outputs and texts");
}

static void the_rest_works(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_config *config = NULL;
    saltyrtc_client *client = NULL;
    uint8_t ours[SALTYRTC_KEY_BYTES], its[SALTYRTC_KEY_BYTES];
    OK(saltyrtc_config_new_initiator("ws://127.0.0.1:9", NULL, &config, &error));
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    OK(saltyrtc_config_public_key(config, ours, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    saltyrtc_config_free(config);
    OK(saltyrtc_client_public_key(client, its, &error));
    CHECK(memcmp(ours, its, sizeof ours) == 0);
    OK(saltyrtc_client_close(client, &error));
    SKIP_TO(client, SALTYRTC_EVENT_KIND_CLOSED);
    saltyrtc_client_free(client);
    OK(saltyrtc_shutdown(LIMIT_MS, &error));
    checked("a client");
}

int main(void) {
    nothing_is_built_in();
    outputs_and_texts();
    the_rest_works();
    return 0;
}
