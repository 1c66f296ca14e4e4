/*
 * trusted: pair once, and meet again without a token as long as both keep their files.
 *
 *     trusted FILE initiate SERVER-URL [MEETINGS]
 *     trusted FILE join [INVITATION] [stay]
 *
 * The first time, the initiator prints an invitation, and the responder joins with it. Both store in FILE what
 * they need to meet again, and in an order in which each of the two can be killed at any moment: neither ever
 * needs a second invitation. They also find each other again after one of them has lost its connection, or the
 * server was away. The initiator runs until it is stopped, or for a number of meetings; the responder says hello,
 * waits for the answer, and leaves, or stays.
 */
#include <saltyrtc.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void check(saltyrtc_status status, saltyrtc_error **error) {
    if (status == SALTYRTC_STATUS_OK) return;
    fprintf(stderr, "%s\n", saltyrtc_error_message(*error));
    exit(1);
}

/*
 * How far the two have got, from the view of this side. PAIRING: only the token will do. MET (responder): the peer
 * knows our key, unless it was killed before it could store it; so the token stays for that case. PAIRED: the peer
 * has stored our key, as it has let us in with it; or (initiator) we have stored its key.
 */
enum stage { NEW, PAIRING, MET, PAIRED };
static const char *const stage_names[] = {"new", "pairing", "met", "paired"};

/* What is in the file: four words, "-" for none. */
struct memory {
    const char *path;
    enum stage stage;
    uint8_t secret_key[SALTYRTC_KEY_BYTES];
    char token[SALTYRTC_KEY_HEX_BYTES];
    char peer[SALTYRTC_INVITATION_BYTES]; /* its key, or (responder) an invitation without a token */
};

static void damaged(const struct memory *memory) {
    fprintf(stderr, "%s is damaged: delete it on both sides and pair again\n", memory->path);
    exit(1);
}

static void cannot(const char *path) {
    perror(path);
    exit(1);
}

static void load(struct memory *memory) {
    char stage[8], hex[SALTYRTC_KEY_HEX_BYTES];
    uint8_t public_key[SALTYRTC_KEY_BYTES];
    saltyrtc_error *error;
    FILE *file = fopen(memory->path, "r");
    if (!file && errno != ENOENT) cannot(memory->path);
    if (!file) {
        check(saltyrtc_key_pair_generate(public_key, memory->secret_key, &error), &error);
        return;
    }
    if (fscanf(file, "%7s %64s %64s %511s", stage, hex, memory->token, memory->peer) != 4) damaged(memory);
    fclose(file);
    memory->stage = PAIRING;
    while (memory->stage < PAIRED && strcmp(stage, stage_names[memory->stage]) != 0) memory->stage++;
    if (strcmp(stage, stage_names[memory->stage]) != 0) damaged(memory);
    if (saltyrtc_key_from_hex(hex, memory->secret_key, NULL) != SALTYRTC_STATUS_OK) damaged(memory);
}

/* A directory entry is on the disk when its directory is. */
static void sync_directory_of(const char *path) {
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", path);
    int directory = open(dirname(copy), O_RDONLY);
    if (directory < 0 || fsync(directory) != 0) cannot(path);
    close(directory);
}

/* After this, the file has the new content, also if the power fails; before, the old one; and never a mixture.
   Nobody else may read it: it has the secret key. */
static void store(const struct memory *memory) {
    char hex[SALTYRTC_KEY_HEX_BYTES], path[4096];
    saltyrtc_error *error;
    check(saltyrtc_key_to_hex(memory->secret_key, hex, sizeof hex, NULL, &error), &error);
    snprintf(path, sizeof path, "%s.new", memory->path);
    umask(077);
    FILE *file = fopen(path, "w");
    if (!file || fprintf(file, "%s\n%s\n%s\n%s\n", stage_names[memory->stage], hex, memory->token, memory->peer) < 0 ||
        fflush(file) != 0 || fsync(fileno(file)) != 0 || fclose(file) != 0 || rename(path, memory->path) != 0) {
        cannot(path);
    }
    sync_directory_of(memory->path);
}

static saltyrtc_client *connect_client(saltyrtc_config *config) {
    saltyrtc_client *client;
    saltyrtc_error *error;
    check(saltyrtc_config_add_relayed_data_task(config, &error), &error);
    check(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error), &error);
    saltyrtc_config_free(config);
    return client;
}

static void use_token(saltyrtc_config *config, const struct memory *memory) {
    uint8_t token[SALTYRTC_KEY_BYTES];
    saltyrtc_error *error;
    if (saltyrtc_key_from_hex(memory->token, token, NULL) != SALTYRTC_STATUS_OK) damaged(memory);
    check(saltyrtc_config_set_token(config, token, &error), &error);
}

/* The token is stored before anybody sees it: as long as nobody has paired, the invitation stays good. */
static void new_token(struct memory *memory) {
    uint8_t public_key[SALTYRTC_KEY_BYTES], token[SALTYRTC_KEY_BYTES];
    saltyrtc_error *error;
    check(saltyrtc_key_pair_generate(public_key, token, &error), &error);
    check(saltyrtc_key_to_hex(token, memory->token, sizeof memory->token, NULL, &error), &error);
    strcpy(memory->peer, "-");
    memory->stage = PAIRING;
    store(memory);
}

static saltyrtc_client *initiate(struct memory *memory, const char *server_url) {
    saltyrtc_config *config;
    saltyrtc_error *error;
    check(saltyrtc_config_new_initiator(server_url, memory->secret_key, &config, &error), &error);
    if (memory->stage == PAIRED) {
        uint8_t peer_key[SALTYRTC_KEY_BYTES];
        if (saltyrtc_key_from_hex(memory->peer, peer_key, NULL) != SALTYRTC_STATUS_OK) damaged(memory);
        check(saltyrtc_config_set_trusted_peer(config, peer_key, &error), &error);
    } else {
        char uri[SALTYRTC_INVITATION_BYTES];
        if (memory->stage == NEW) new_token(memory);
        use_token(config, memory);
        check(saltyrtc_config_invitation(config, uri, sizeof uri, NULL, &error), &error);
        printf("invitation: %s\n", uri);
        fflush(stdout);
    }
    return connect_client(config);
}

/* What is in the invitation, with and without the token, is stored before it is used. */
static void take_invitation(struct memory *memory, const char *uri) {
    uint8_t token[SALTYRTC_KEY_BYTES], initiator_key[SALTYRTC_KEY_BYTES], server_key[SALTYRTC_KEY_BYTES];
    char url[SALTYRTC_INVITATION_BYTES];
    saltyrtc_invitation *invitation, *without_token;
    saltyrtc_error *error;
    check(saltyrtc_invitation_parse(uri, &invitation, &error), &error);
    check(saltyrtc_invitation_token(invitation, token, &error), &error);
    check(saltyrtc_invitation_initiator_key(invitation, initiator_key, &error), &error);
    check(saltyrtc_invitation_server_url(invitation, url, sizeof url, NULL, &error), &error);
    int has_key = saltyrtc_invitation_server_key(invitation, server_key, NULL) == SALTYRTC_STATUS_OK;
    check(saltyrtc_invitation_new(url, initiator_key, has_key ? server_key : NULL, NULL, &without_token, &error),
          &error);
    check(saltyrtc_invitation_uri(without_token, memory->peer, sizeof memory->peer, NULL, &error), &error);
    check(saltyrtc_key_to_hex(token, memory->token, sizeof memory->token, NULL, &error), &error);
    saltyrtc_invitation_free(invitation);
    saltyrtc_invitation_free(without_token);
    memory->stage = PAIRING;
    store(memory);
}

/* An invitation without a token says that the initiator knows our key. */
static saltyrtc_client *join(struct memory *memory, int with_token) {
    saltyrtc_config *config;
    saltyrtc_error *error;
    check(saltyrtc_config_new_responder(memory->peer, memory->secret_key, &config, &error), &error);
    if (with_token) use_token(config, memory);
    return connect_client(config);
}

static saltyrtc_status send_text(saltyrtc_client *client, const char *text, saltyrtc_error **error) {
    return saltyrtc_client_send_text(client, text, strlen(text), error);
}

/* The peer has proved who it is. First it is stored what is known now, and then it is made use of. */
static void remember(saltyrtc_client *client, struct memory *memory, const uint8_t *peer_key, int with_token) {
    saltyrtc_error *error;
    saltyrtc_status status;
    if (peer_key) check(saltyrtc_key_to_hex(peer_key, memory->peer, sizeof memory->peer, NULL, &error), &error);
    memory->stage = peer_key || !with_token ? PAIRED : MET;
    if (memory->stage == PAIRED) strcpy(memory->token, "-");
    store(memory);
    status = saltyrtc_client_trust_peer(client, &error);
    /* It may have gone since, which one of the next events tells. */
    if (status == SALTYRTC_STATUS_CLOSED || status == SALTYRTC_STATUS_NO_PEER) saltyrtc_error_free(error);
    else check(status, &error);
}

struct session {
    int initiator, stay, with_token;
    int met, answered; /* the peer was there; it has answered */
    long *meetings;
};

/* Runs a client until its connection has ended. Returns why. */
static saltyrtc_status run(saltyrtc_client *client, struct memory *memory, struct session *session) {
    saltyrtc_status end = SALTYRTC_STATUS_OK;
    saltyrtc_event *event;
    while (saltyrtc_client_next_event(client, -1, &event, NULL) == SALTYRTC_STATUS_OK) {
        if (event->kind == SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE) {
            printf("connected%s\n", session->with_token ? "" : " without a token");
            if (memory->stage != PAIRED) {
                remember(client, memory, session->initiator ? event->peer_key : NULL, session->with_token);
            }
            session->met = 1;
            session->with_token = 0; /* From now on, it comes back with its key. */
            if (!session->initiator) send_text(client, "hello", NULL);
        } else if (event->kind == SALTYRTC_EVENT_KIND_DATA) {
            printf("received: %.*s\n", (int)event->data_len, (const char *)event->data);
            session->answered = 1;
            if (session->initiator) {
                send_text(client, "hello yourself", NULL);
            } else if (!session->stay) {
                saltyrtc_client_close(client, NULL);
            }
        } else if (event->kind == SALTYRTC_EVENT_KIND_PEER_LEFT) {
            printf("the other one left\n");
            if (session->initiator && --*session->meetings == 0) saltyrtc_client_close(client, NULL);
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

/* How many milliseconds to wait before the next client, or -1 if there is no use in another one. `attempts` counts
   those in a row that came to nothing. Random, so that thousands whose server was away do not come all at once. */
static int pause_after(saltyrtc_status end, int *attempts) {
    saltyrtc_retry retry = saltyrtc_status_retry(end);
    if (retry == SALTYRTC_RETRY_NEVER) return -1;
    if (retry == SALTYRTC_RETRY_AT_ONCE && *attempts == 0) {
        ++*attempts;
        return 0;
    }
    int longest = 1000 << (*attempts < 6 ? *attempts : 6);
    ++*attempts;
    return longest / 2 + rand() % (longest / 2);
}

static void wait_ms(int pause) {
    printf("trying again in %d ms\n", pause);
    fflush(stdout);
    poll(NULL, 0, pause);
}

static saltyrtc_status initiate_again_and_again(struct memory *memory, const char *server_url, long meetings) {
    int attempts = 0;
    for (;;) {
        int with_token = memory->stage != PAIRED;
        struct session session = {1, 1, with_token, 0, 0, &meetings};
        saltyrtc_status end = run(initiate(memory, server_url), memory, &session);
        if (end == SALTYRTC_STATUS_OK) return end;
        if (session.met) attempts = 0;
        /* When the responder says good-bye, nothing is wrong, and the next meeting may come at any time. */
        int pause = end == SALTYRTC_STATUS_PEER_CLOSED ? 0 : pause_after(end, &attempts);
        if (pause < 0 || (end == SALTYRTC_STATUS_PEER_CLOSED && --meetings == 0)) return end;
        if (pause > 0) wait_ms(pause);
    }
}

static saltyrtc_status join_again_and_again(struct memory *memory, int stay) {
    int attempts = 0, refused = 0;
    int with_token = memory->stage == PAIRING;
    for (;;) {
        struct session session = {0, stay, with_token, 0, 0, NULL};
        saltyrtc_status end = run(join(memory, with_token), memory, &session);
        int pause;
        if (end == SALTYRTC_STATUS_OK || (session.answered && !stay)) return end;
        if (session.met) {
            attempts = refused = 0;
            with_token = 0;
        }
        if (end == SALTYRTC_STATUS_INITIATOR_COULD_NOT_DECRYPT && memory->stage != PAIRED && !refused) {
            /* The peer was killed before it could store our key, or we were, before we knew that it had. */
            with_token = !with_token;
            refused = 1;
            pause = 0;
        } else {
            pause = pause_after(end, &attempts);
        }
        if (pause < 0) return end;
        if (pause > 0) wait_ms(pause);
    }
}

int main(int argc, char **argv) {
    int initiator = argc >= 4 && strcmp(argv[2], "initiate") == 0;
    if (argc < 3 || (!initiator && strcmp(argv[2], "join") != 0)) {
        fprintf(stderr, "usage: trusted FILE initiate SERVER-URL [MEETINGS]\n"
                        "       trusted FILE join [INVITATION] [stay]\n");
        return 2;
    }
    struct memory memory = {argv[1], NEW, {0}, "-", "-"};
    load(&memory);
    srand((unsigned)time(NULL) ^ (unsigned)getpid());
    saltyrtc_status end;
    if (initiator) {
        end = initiate_again_and_again(&memory, argv[3], argc > 4 ? strtol(argv[4], NULL, 10) : -1);
    } else {
        int stay = strcmp(argv[argc - 1], "stay") == 0;
        if (argc > 3 + stay) {
            take_invitation(&memory, argv[3]);
        } else if (memory.stage == NEW) {
            fprintf(stderr, "an invitation is needed the first time\n");
            return 2;
        }
        end = join_again_and_again(&memory, stay);
    }
    saltyrtc_shutdown(5000, NULL);
    return end == SALTYRTC_STATUS_OK || end == SALTYRTC_STATUS_PEER_CLOSED ? 0 : 1;
}
