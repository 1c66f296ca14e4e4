/*
 * Somebody in the middle of two peers with the ORTC task, who passes on what they say with another fingerprint of
 * the certificate: what a connection must not come of. It has no ORTC of its own.
 *
 * ortc_middle --server=URL --server-key=HEX --invitation=URI
 *
 * It is the responder of the invitation, and prints another one for the peer behind it (event "invitation"). When both
 * are there it tells so ("between"), and it ends when both have left.
 */

#include <pthread.h>

#include "watched.h"

typedef struct {
    saltyrtc_client *from, *to;
} direction_of_two;

static bool no_other_option(char *argument) {
    (void)argument;
    return false;
}

static saltyrtc_client *connect_to(const watched *options) {
    saltyrtc_config *config = configuration(options);
    saltyrtc_client *client = NULL;
    if (options->initiator) {
        char uri[SALTYRTC_INVITATION_BYTES];
        CALL(saltyrtc_config_invitation(config, uri, sizeof uri, NULL, &error));
        event_text("invitation", "uri", uri);
    }
    CALL(saltyrtc_config_add_ortc_task(config, NULL, 0, false, &error));
    CALL(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    saltyrtc_config_free(config);
    return client;
}

static void wait_for_peer(saltyrtc_client *client) {
    bool there = false;
    while (!there) {
        saltyrtc_event *taken = NULL;
        CALL(saltyrtc_client_next_event(client, -1, &taken, &error));
        there = taken->kind == SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE;
        if (taken->kind == SALTYRTC_EVENT_KIND_CLOSED) {
            fail(taken->text);
        }
        saltyrtc_event_free(taken);
    }
}

/* The parameters with another first digit in every hash. */
static void pass_on_changed(saltyrtc_client *to, const saltyrtc_event *event) {
    saltyrtc_dtls_fingerprint fingerprints[4];
    char values[4][256];
    saltyrtc_dtls_parameters parameters;
    size_t i;
    if (event->fingerprints_len > 4) {
        fail("more hashes than were thought of");
    }
    for (i = 0; i < event->fingerprints_len; i++) {
        fingerprints[i] = event->fingerprints[i];
        snprintf(values[i], sizeof values[i], "%s", event->fingerprints[i].value);
        values[i][0] = values[i][0] == '0' ? '1' : '0';
        fingerprints[i].value = values[i];
    }
    memset(&parameters, 0, sizeof parameters);
    parameters.struct_size = sizeof parameters;
    parameters.fingerprints = fingerprints;
    parameters.fingerprints_len = event->fingerprints_len;
    parameters.role = event->dtls_role;
    CALL(saltyrtc_client_send_dtls_parameters(to, &parameters, false, &error));
}

static void *pass_on(void *argument) {
    const direction_of_two *way = (const direction_of_two *)argument;
    for (;;) {
        saltyrtc_event *taken = NULL;
        CALL(saltyrtc_client_next_event(way->from, -1, &taken, &error));
        switch (taken->kind) {
        case SALTYRTC_EVENT_KIND_DTLS_PARAMETERS:
            pass_on_changed(way->to, taken);
            break;
        case SALTYRTC_EVENT_KIND_ICE_PARAMETERS:
        case SALTYRTC_EVENT_KIND_ICE_CANDIDATES:
        case SALTYRTC_EVENT_KIND_SCTP_CAPABILITIES:
            CALL(saltyrtc_client_send_ortc_message(way->to, taken->data, taken->data_len, &error));
            break;
        case SALTYRTC_EVENT_KIND_CLOSED:
            saltyrtc_event_free(taken);
            return NULL;
        default:
            break;
        }
        saltyrtc_event_free(taken);
    }
}

int main(int argc, char **argv) {
    static watched front, back;
    direction_of_two there, back_again;
    pthread_t thread;
    char role[] = "--role=responder", *arguments[8];
    int i;
    if (argc > 6) {
        return 2;
    }
    for (i = 0; i < argc; i++) {
        arguments[i] = argv[i];
    }
    arguments[argc] = role;
    read_options(&front, argc + 1, arguments, no_other_option);
    back = front;
    back.initiator = true;
    there.to = back_again.from = connect_to(&back);
    wait_for_peer(there.to);
    there.from = back_again.to = connect_to(&front);
    wait_for_peer(there.from);
    event("between");
    if (pthread_create(&thread, NULL, pass_on, &back_again) != 0) {
        fail("no thread can be made");
    }
    pass_on(&there);
    pthread_join(thread, NULL);
    saltyrtc_client_free(there.to);
    saltyrtc_client_free(there.from);
    return 0;
}
