/* Two clients with the ORTC task, for tests. Valid as C99 and as C++11. */

#ifndef ORTC_H
#define ORTC_H

#include "support.h"

static const char ORTC[] = "v0.ortc.tasks.saltyrtc.org";

static inline saltyrtc_client *ortc_client(saltyrtc_config *config, uint16_t excluded, bool handover) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = NULL;
    OK(saltyrtc_config_add_ortc_task(config, &excluded, 1, handover, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    saltyrtc_config_free(config);
    return client;
}

static inline pair ortc_pair(const test_server *server, bool handover) {
    char invitation[SALTYRTC_INVITATION_BYTES];
    pair pair;
    saltyrtc_event *event;
    pair.initiator = ortc_client(initiator_config(server, invitation), 0, handover);
    pair.responder = ortc_client(responder_config(invitation), 1, true);
    event = TAKE(pair.initiator, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    CHECK(strcmp(event->task, ORTC) == 0);
    saltyrtc_event_free(event);
    SKIP_TO(pair.responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    return pair;
}

static inline void free_pair(pair pair) {
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
}

#endif
