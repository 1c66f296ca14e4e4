/*
 * trusted: pair once, and meet again without a token as long as both keep their files.
 *
 *     trusted FILE initiate SERVER-URL [MEETINGS]
 *     trusted FILE join [INVITATION] [stay]
 *
 * The first time, the initiator prints an invitation, and the responder joins with it. Both then store in
 * FILE what they need to meet again: their own secret key, and the public key of the other. From then on,
 * neither needs an invitation, and they find each other again after one of them was restarted or has lost
 * its connection. The initiator runs until it is stopped, or for a number of meetings; the responder says
 * hello, waits for the answer, and leaves, or stays.
 */
#include <saltyrtc.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void check(saltyrtc_status status, saltyrtc_error **error) {
    if (status == SALTYRTC_STATUS_OK) return;
    fprintf(stderr, "%s\n", saltyrtc_error_message(*error));
    exit(1);
}

/* What is in the file: two lines. */
struct memory {
    const char *path;
    int paired;
    uint8_t secret_key[SALTYRTC_KEY_BYTES];
    char peer[SALTYRTC_INVITATION_BYTES]; /* a key, or an invitation without a token */
};

static void damaged(const struct memory *memory) {
    fprintf(stderr, "%s is damaged: delete it on both sides and pair again\n", memory->path);
    exit(1);
}

static void load(struct memory *memory) {
    char hex[SALTYRTC_KEY_HEX_BYTES];
    uint8_t public_key[SALTYRTC_KEY_BYTES];
    saltyrtc_error *error;
    FILE *file = fopen(memory->path, "r");
    if (!file && errno != ENOENT) {
        perror(memory->path);
        exit(1);
    }
    if (!file) {
        check(saltyrtc_key_pair_generate(public_key, memory->secret_key, &error), &error);
        return;
    }
    if (fscanf(file, "%64s %511s", hex, memory->peer) != 2) damaged(memory);
    fclose(file);
    if (saltyrtc_key_from_hex(hex, memory->secret_key, NULL) != SALTYRTC_STATUS_OK) damaged(memory);
    memory->paired = 1;
}

/* Nobody else may read the file: it has the secret key. */
static void store(struct memory *memory) {
    char hex[SALTYRTC_KEY_HEX_BYTES];
    saltyrtc_error *error;
    check(saltyrtc_key_to_hex(memory->secret_key, hex, sizeof hex, NULL, &error), &error);
    umask(077);
    FILE *file = fopen(memory->path, "w");
    if (!file || fprintf(file, "%s\n%s\n", hex, memory->peer) < 0 || fclose(file) != 0) {
        perror(memory->path);
        exit(1);
    }
    memory->paired = 1;
}

static saltyrtc_client *connect_client(saltyrtc_config *config) {
    saltyrtc_client *client;
    saltyrtc_error *error;
    check(saltyrtc_config_add_relayed_data_task(config, &error), &error);
    check(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error), &error);
    saltyrtc_config_free(config);
    return client;
}

static saltyrtc_client *initiate(struct memory *memory, const char *server_url) {
    saltyrtc_config *config;
    saltyrtc_error *error;
    check(saltyrtc_config_new_initiator(server_url, memory->secret_key, &config, &error), &error);
    if (memory->paired) {
        uint8_t peer_key[SALTYRTC_KEY_BYTES];
        if (saltyrtc_key_from_hex(memory->peer, peer_key, NULL) != SALTYRTC_STATUS_OK) damaged(memory);
        check(saltyrtc_config_set_trusted_peer(config, peer_key, &error), &error);
    } else {
        char uri[SALTYRTC_INVITATION_BYTES];
        check(saltyrtc_config_invitation(config, uri, sizeof uri, NULL, &error), &error);
        printf("invitation: %s\n", uri);
        fflush(stdout);
    }
    return connect_client(config);
}

static saltyrtc_client *join(struct memory *memory, const char *invitation) {
    saltyrtc_config *config;
    saltyrtc_error *error;
    if (!memory->paired && !invitation) {
        fprintf(stderr, "an invitation is needed the first time\n");
        exit(2);
    }
    /* An invitation without a token says that the initiator knows our key. */
    const char *uri = memory->paired ? memory->peer : invitation;
    check(saltyrtc_config_new_responder(uri, memory->secret_key, &config, &error), &error);
    return connect_client(config);
}

static saltyrtc_status send_text(saltyrtc_client *client, const char *text, saltyrtc_error **error) {
    return saltyrtc_client_send_text(client, text, strlen(text), error);
}

/* The peer is there. The first time, store its key, and have the library trust it. */
static void peer_is_there(saltyrtc_client *client, struct memory *memory, int initiator,
                          const uint8_t *peer_key) {
    saltyrtc_error *error;
    saltyrtc_status status;
    printf("connected%s\n", memory->paired ? " without a token" : "");
    if (!memory->paired) {
        if (initiator) {
            check(saltyrtc_key_to_hex(peer_key, memory->peer, sizeof memory->peer, NULL, &error), &error);
        } else {
            check(saltyrtc_client_invitation(client, NULL, memory->peer, sizeof memory->peer, NULL, &error),
                  &error);
        }
        store(memory);
        status = saltyrtc_client_trust_peer(client, &error);
        /* It may have gone since, which one of the next events tells. */
        if (status == SALTYRTC_STATUS_CLOSED || status == SALTYRTC_STATUS_NO_PEER) saltyrtc_error_free(error);
        else check(status, &error);
    }
    if (!initiator) check(send_text(client, "hello", &error), &error);
}

/* Runs a client until its connection has ended. Returns why. */
static saltyrtc_status run(saltyrtc_client *client, struct memory *memory, int initiator, int stay,
                           long *meetings) {
    saltyrtc_status end = SALTYRTC_STATUS_OK;
    saltyrtc_event *event;
    while (saltyrtc_client_next_event(client, -1, &event, NULL) == SALTYRTC_STATUS_OK) {
        if (event->kind == SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE) {
            peer_is_there(client, memory, initiator, event->peer_key);
        } else if (event->kind == SALTYRTC_EVENT_KIND_DATA) {
            printf("received: %.*s\n", (int)event->data_len, (const char *)event->data);
            if (initiator) {
                send_text(client, "hello yourself", NULL);
            } else if (!stay) {
                saltyrtc_client_close(client, NULL);
            }
        } else if (event->kind == SALTYRTC_EVENT_KIND_PEER_LEFT) {
            printf("the other one left\n");
            if (initiator && --*meetings == 0) saltyrtc_client_close(client, NULL);
        } else if (event->kind == SALTYRTC_EVENT_KIND_CLOSED) {
            printf("%s\n", event->text);
            end = event->status;
        }
        fflush(stdout);
        saltyrtc_event_free(event);
    }
    saltyrtc_client_free(client);
    return end;
}

int main(int argc, char **argv) {
    int initiator = argc >= 4 && strcmp(argv[2], "initiate") == 0;
    if (argc < 3 || (!initiator && strcmp(argv[2], "join") != 0)) {
        fprintf(stderr, "usage: trusted FILE initiate SERVER-URL [MEETINGS]\n"
                        "       trusted FILE join [INVITATION] [stay]\n");
        return 2;
    }
    struct memory memory = {argv[1], 0, {0}, ""};
    load(&memory);
    saltyrtc_status end;
    if (initiator) {
        long meetings = argc > 4 ? strtol(argv[4], NULL, 10) : -1;
        do {
            /* When the responder says goodbye the connection is over, and the next one begins. */
            end = run(initiate(&memory, argv[3]), &memory, 1, 1, &meetings);
        } while (end == SALTYRTC_STATUS_PEER_CLOSED && --meetings != 0);
    } else {
        int stay = strcmp(argv[argc - 1], "stay") == 0;
        long meetings = 0;
        end = run(join(&memory, argc > 3 + stay ? argv[3] : NULL), &memory, 0, stay, &meetings);
    }
    saltyrtc_shutdown(5000, NULL);
    return end == SALTYRTC_STATUS_OK || end == SALTYRTC_STATUS_PEER_CLOSED ? 0 : 1;
}
