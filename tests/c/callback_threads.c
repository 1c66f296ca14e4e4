/* All callbacks of all clients run on one thread, one after another, and never under a lock of the
   library: every function can be called with every client meanwhile. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/prctl.h>

#include "support.h"

enum { PAIRS = 4, MESSAGES = 25 };

/* Under the lock. */
static bool inside = false;
static bool thread_known = false;
static pthread_t thread;
static int callbacks = 0;

static void on_one_thread(watch *self, saltyrtc_client *client, const saltyrtc_event *event) {
    saltyrtc_error *error = NULL;
    uint8_t path[SALTYRTC_KEY_BYTES];
    char name[17] = "";
    lock();
    CHECK(!inside);
    inside = true;
    callbacks++;
    if (!thread_known) {
        thread = pthread_self();
        thread_known = true;
    }
    CHECK(pthread_equal(thread, pthread_self()));
    unlock();
    CHECK(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "saltyrtc-events") == 0);
    /* With its own client and with another one. */
    OK(saltyrtc_client_path(client, path, &error));
    if (self->other != NULL) {
        OK(saltyrtc_client_path(self->other, path, &error));
    }
    if (event->kind == SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE) {
        int i;
        for (i = 0; i < MESSAGES; i++) {
            OK(saltyrtc_client_send_text(client, TEXT("x"), &error));
        }
    }
    lock();
    CHECK(inside && pthread_equal(thread, pthread_self()));
    inside = false;
    unlock();
}

static void one_after_another(const test_server *server) {
    watch watches[2 * PAIRS];
    saltyrtc_client *clients[2 * PAIRS];
    int i, seen = 0;
    memset(watches, 0, sizeof watches);
    for (i = 0; i < 2 * PAIRS; i += 2) {
        char invitation[SALTYRTC_INVITATION_BYTES];
        watches[i].act = watches[i + 1].act = on_one_thread;
        clients[i] = watched(&watches[i], with_relayed_data(initiator_config(server, invitation)));
        watches[i + 1].other = clients[i];
        clients[i + 1] = watched(&watches[i + 1], with_relayed_data(responder_config(invitation)));
    }
    for (i = 0; i < 2 * PAIRS; i++) {
        AWAIT(watches[i].seen[SALTYRTC_EVENT_KIND_DATA] == MESSAGES);
    }
    /* Those whose callbacks use other clients first. */
    for (i = 1; i < 2 * PAIRS; i += 2) {
        saltyrtc_client_free(clients[i]);
    }
    for (i = 0; i < 2 * PAIRS; i += 2) {
        saltyrtc_client_free(clients[i]);
    }
    for (i = 0; i < 2 * PAIRS; i++) {
        CHECK(watches[i].freed == 1);
        seen += watches[i].events;
    }
    CHECK(seen == callbacks && thread_known && !pthread_equal(thread, pthread_self()));
    checked("callbacks of all clients run on one thread, one after another");
}

/* A slow callback of one client does not keep another client from sending and connecting. */
typedef struct blocking {
    bool entered;
    bool go_on;
} blocking;

static void block(watch *self, saltyrtc_client *client, const saltyrtc_event *event) {
    blocking *gate = (blocking *)self->more;
    (void)client;
    (void)event;
    lock();
    gate->entered = true;
    unlock();
    AWAIT(gate->go_on);
}

static void only_callbacks_wait_for_callbacks(const test_server *server) {
    saltyrtc_error *error = NULL;
    blocking gate = {false, false};
    watch self;
    saltyrtc_client *client;
    pair pair;
    memset(&self, 0, sizeof self);
    self.act = block;
    self.more = &gate;
    client = watched(&self, with_relayed_data(initiator_config(server, NULL)));
    AWAIT(gate.entered);
    /* With a callback that does not return: everything else goes on, with that client too. */
    pair = connected_pair(server);
    OK(saltyrtc_client_send_text(pair.initiator, TEXT("x"), &error));
    SKIP_TO(pair.responder, SALTYRTC_EVENT_KIND_DATA);
    CHECK(state_of(client) == SALTYRTC_STATE_WAITING_FOR_PEER);
    OK(saltyrtc_client_close(client, &error));
    CHECK(state_of(client) == SALTYRTC_STATE_CLOSED);
    lock();
    gate.go_on = true;
    unlock();
    AWAIT(self.seen[SALTYRTC_EVENT_KIND_CLOSED] == 1);
    saltyrtc_client_free(client);
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    CHECK(self.freed == 1 && self.events == 2);
    checked("a slow callback keeps only other callbacks waiting");
}

int main(void) {
    test_server server;
    start_server(&server);
    one_after_another(&server);
    only_callbacks_wait_for_callbacks(&server);
    end_server(&server);
    end_library();
    /* The thread of the callbacks is a new one then. */
    thread_known = false;
    callbacks = 0;
    start_server(&server);
    one_after_another(&server);
    end_server(&server);
    end_library();
    return 0;
}
