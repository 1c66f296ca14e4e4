/* What is secret is nowhere in the process once it was freed: not on the heap, not on the stack of the caller, and not on
   those of the library's threads. Not for valgrind, whose own memory would be searched, too. */

#include <fcntl.h>
#include <unistd.h>

#include "support.h"

/* A secret, and its hexadecimal text, each byte changed, so that the test itself is not found. */
typedef struct hidden {
    const char *what;
    uint8_t bytes[SALTYRTC_KEY_BYTES];
    uint8_t hex[2 * SALTYRTC_KEY_BYTES];
} hidden;

enum { CHANGE = 0xa5 };

/* Overwrites memory, which a compiler must not leave out because nobody reads it. */
static void forget(void *memory, size_t size) {
    volatile uint8_t *bytes = (volatile uint8_t *)memory;
    size_t i;
    for (i = 0; i < size; i++) bytes[i] = 0;
}

/* Hides a secret, and overwrites it. */
static hidden hide(const char *what, uint8_t *secret) {
    static const char DIGITS[] = "0123456789abcdef";
    hidden hidden;
    size_t i;
    hidden.what = what;
    for (i = 0; i < SALTYRTC_KEY_BYTES; i++) {
        hidden.bytes[i] = secret[i] ^ CHANGE;
        hidden.hex[2 * i] = (uint8_t)DIGITS[secret[i] >> 4] ^ CHANGE;
        hidden.hex[2 * i + 1] = (uint8_t)DIGITS[secret[i] & 15] ^ CHANGE;
    }
    forget(secret, SALTYRTC_KEY_BYTES);
    return hidden;
}

static bool is_at(const uint8_t *memory, const uint8_t *changed, size_t size) {
    size_t i;
    for (i = 0; i < size; i++) {
        if ((memory[i] ^ CHANGE) != changed[i]) return false;
    }
    return true;
}

/* Half of a secret is found, too. */
static int count(const uint8_t *memory, size_t size, const uint8_t *changed, size_t changed_size) {
    const size_t half = changed_size / 2;
    int found = 0;
    size_t i;
    for (i = 0; i + half <= size; i++) {
        found += is_at(memory + i, changed, half) || is_at(memory + i, changed + half, half);
    }
    return found;
}

/* Reads all memory that the process can write to. The last bytes of each piece are looked at again with the next one. */
static int search(const hidden *secrets, size_t secrets_count, bool expected) {
    enum { PIECE = 1 << 20, AGAIN = 2 * SALTYRTC_KEY_BYTES };
    static uint8_t buffer[PIECE + AGAIN];
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    const int memory = open("/proc/self/mem", O_RDONLY);
    int found = 0;
    CHECK(maps != NULL && memory >= 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long start, end;
        char access[8];
        CHECK(sscanf(line, "%lx-%lx %7s", &start, &end, access) == 3);
        if (access[1] != 'w') continue;
        while (start < end) {
            const size_t size = end - start < sizeof buffer ? end - start : sizeof buffer;
            const ssize_t got = pread(memory, buffer, size, (off_t)start);
            size_t i;
            if (got <= 0) break;
            /* What this function has read is in its buffer. */
            if ((uintptr_t)buffer < start + size && start < (uintptr_t)buffer + sizeof buffer) {
                const uintptr_t from = (uintptr_t)buffer > start ? (uintptr_t)buffer : start;
                const uintptr_t to = (uintptr_t)buffer + sizeof buffer < start + size ? (uintptr_t)buffer + sizeof buffer
                                                                                       : start + size;
                memset(buffer + (from - start), 0, to - from);
            }
            for (i = 0; i < secrets_count; i++) {
                const int times = count(buffer, (size_t)got, secrets[i].bytes, sizeof secrets[i].bytes) +
                                  count(buffer, (size_t)got, secrets[i].hex, sizeof secrets[i].hex);
                if (times != 0 && !expected) fprintf(stderr, "%s: %d times in %lx of %s", secrets[i].what, times, start, line);
                found += times;
            }
            start += size < sizeof buffer ? size : (size_t)PIECE;
        }
    }
    fclose(maps);
    close(memory);
    forget(buffer, sizeof buffer);
    return found;
}

enum { SECRETS = 5 };

/* On a frame of its own, which is given back. */
static void use(hidden *secrets) {
    saltyrtc_error *error = NULL;
    saltyrtc_server_config *server_config = NULL;
    saltyrtc_server *server = NULL;
    saltyrtc_config *initiator = NULL, *responder = NULL;
    saltyrtc_invitation *parsed = NULL;
    pair pair;
    char url[64], invitation[SALTYRTC_INVITATION_BYTES], qr_code[8192], hex[SALTYRTC_KEY_HEX_BYTES];
    uint8_t public_key[SALTYRTC_KEY_BYTES], keys[3][SALTYRTC_KEY_BYTES], tokens[2][SALTYRTC_KEY_BYTES];
    int i;
    for (i = 0; i < 3; i++) {
        OK(saltyrtc_key_pair_generate(public_key, keys[i], &error));
        OK(saltyrtc_key_to_hex(keys[i], hex, sizeof hex, NULL, &error));
        OK(saltyrtc_key_from_hex(hex, keys[i], &error));
        OK(saltyrtc_public_key_from_secret(keys[i], public_key, &error));
    }
    OK(saltyrtc_server_config_new("127.0.0.1", 0, &server_config, &error));
    OK(saltyrtc_server_config_add_permanent_key(server_config, keys[2], &error));
    OK(saltyrtc_server_start(server_config, &server, &error));
    saltyrtc_server_config_free(server_config);
    OK(saltyrtc_server_url(server, url, sizeof url, NULL, &error));

    OK(saltyrtc_config_new_initiator(url, keys[0], &initiator, &error));
    OK(saltyrtc_config_set_server_key(initiator, public_key, &error));
    OK(saltyrtc_config_invitation(initiator, invitation, sizeof invitation, NULL, &error));
    OK(saltyrtc_config_new_responder(invitation, keys[1], &responder, &error));
    OK(saltyrtc_invitation_parse(invitation, &parsed, &error));
    OK(saltyrtc_invitation_qr_code(parsed, qr_code, sizeof qr_code, NULL, &error));
    OK(saltyrtc_invitation_token(parsed, tokens[0], &error));
    saltyrtc_invitation_free(parsed);
    pair.initiator = pull_client(initiator);
    pair.responder = pull_client(responder);
    SKIP_TO(pair.initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    SKIP_TO(pair.responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    OK(saltyrtc_client_issue_token(pair.initiator, tokens[1], &error));
    OK(saltyrtc_client_invitation(pair.initiator, tokens[1], invitation, sizeof invitation, NULL, &error));
    /* With everything still in use, each secret is somewhere: the search finds what is there. */
    secrets[0] = hide("the initiator's permanent key", keys[0]);
    secrets[1] = hide("the responder's permanent key", keys[1]);
    secrets[2] = hide("the server's permanent key", keys[2]);
    secrets[3] = hide("the token", tokens[0]);
    secrets[4] = hide("the second token", tokens[1]);
    forget(invitation, sizeof invitation);
    forget(hex, sizeof hex);
    CHECK(search(secrets, SECRETS, true) >= 3);
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    saltyrtc_server_free(server);
}

/* Each call on its own, before others overwrite what it has left on the stack. */
static void use_one(void) {
    saltyrtc_error *error = NULL;
    hidden key;
    uint8_t public_key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    OK(saltyrtc_key_pair_generate(public_key, secret_key, &error));
    key = hide("a generated key", secret_key);
    CHECK(search(&key, 1, false) == 0);
    OK(saltyrtc_key_pair_generate(public_key, secret_key, &error));
    OK(saltyrtc_public_key_from_secret(secret_key, public_key, &error));
    key = hide("a key whose public key was computed", secret_key);
    CHECK(search(&key, 1, false) == 0);
}

int main(void) {
    hidden secrets[SECRETS];
    use_one();
    checked("no call leaves a key behind");
    use(secrets);
    end_library();
    CHECK(search(secrets, SECRETS, false) == 0);
    checked("no secret is left in memory");
    return 0;
}
