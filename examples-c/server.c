/*
 * server: a signalling server inside a program. It prints its URL and its public permanent key, and runs
 * until its input ends (Ctrl-D).
 *
 *     server [ADDRESS [PORT]]
 */
#include <saltyrtc.h>
#include <stdio.h>
#include <stdlib.h>

static void check(saltyrtc_status status, saltyrtc_error **error) {
    if (status == SALTYRTC_STATUS_OK) return;
    fprintf(stderr, "%s\n", saltyrtc_error_message(*error));
    exit(1);
}

int main(int argc, char **argv) {
    const char *address = argc > 1 ? argv[1] : "127.0.0.1";
    uint16_t port = argc > 2 ? (uint16_t)strtoul(argv[2], NULL, 10) : 0;
    uint8_t public_key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    char url[128], hex[SALTYRTC_KEY_HEX_BYTES];
    saltyrtc_server_config *config;
    saltyrtc_server *server;
    saltyrtc_error *error;

    check(saltyrtc_server_config_new(address, port, &config, &error), &error);
    check(saltyrtc_key_pair_generate(public_key, secret_key, &error), &error);
    check(saltyrtc_server_config_add_permanent_key(config, secret_key, &error), &error);
    check(saltyrtc_server_start(config, &server, &error), &error);
    saltyrtc_server_config_free(config);

    check(saltyrtc_server_url(server, url, sizeof url, NULL, &error), &error);
    check(saltyrtc_key_to_hex(public_key, hex, sizeof hex, NULL, &error), &error);
    printf("%s\n%s\n", url, hex);
    fflush(stdout);
    while (getchar() != EOF) {
    }

    check(saltyrtc_server_stop(server, 5000, &error), &error);
    saltyrtc_server_free(server);
    saltyrtc_shutdown(5000, NULL);
    return 0;
}
