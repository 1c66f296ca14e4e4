/* Closing and freeing in every state of a client, with and without callback. The proxy keeps it there. */

#include <sched.h>

#include "proxy.h"
#include "support.h"

/* What is done with a client in a state. */
typedef enum way { FREE, CLOSE_AND_FREE, CLOSE_TWICE_AND_WAIT, WAYS } way;

/* States are polled: there is no event for each of them. */
static void await_state(saltyrtc_client *client, saltyrtc_state wanted) {
    const time_t begin = time(NULL);
    while (state_of(client) != wanted) {
        CHECK(time(NULL) - begin < LIMIT_S);
        sched_yield();
    }
}

/* Ends a client, whose last event comes when `release` lets it, if it is not NULL. */
static void end_client(saltyrtc_client *client, watch *watch, way way, proxy *release) {
    saltyrtc_error *error = NULL;
    if (way != FREE) {
        OK(saltyrtc_client_close(client, &error));
        CHECK(state_of(client) == SALTYRTC_STATE_CLOSED);
        FAILS(SALTYRTC_STATUS_CLOSED, "closed", saltyrtc_client_send_text(client, TEXT("x"), &error));
    }
    if (way == CLOSE_TWICE_AND_WAIT) {
        OK(saltyrtc_client_close(client, &error));
        if (release != NULL) {
            set_proxy(release, PROXY_OPEN);
        }
        if (watch == NULL) {
            CHECK_END(client, SALTYRTC_STATUS_OK, "closed as requested");
        } else {
            AWAIT(watch->seen[SALTYRTC_EVENT_KIND_CLOSED] == 1);
        }
        OK(saltyrtc_client_close(client, &error));
    }
    saltyrtc_client_free(client);
    CHECK(watch == NULL || watch->freed == 1);
}

static saltyrtc_client *make(saltyrtc_config *config, watch *watch) {
    if (watch == NULL) {
        return pull_client(config);
    }
    memset(watch, 0, sizeof *watch);
    return watched(watch, with_relayed_data(config));
}

/* The server's answers are held back from the beginning, or after the HTTP response. */
static void before_the_server_is_authenticated(const test_server *server, watch *watch, way way,
                                               proxy_mode mode, saltyrtc_state state) {
    proxy proxy;
    saltyrtc_client *client;
    start_proxy(&proxy, server, mode);
    client = make(initiator_config(&proxy.server, NULL), watch);
    await_state(client, state);
    end_client(client, watch, way, mode == PROXY_HELD ? NULL : &proxy);
    end_proxy(&proxy);
}

static void alone(const test_server *server, watch *watch, way way) {
    saltyrtc_client *client = make(initiator_config(server, NULL), watch);
    await_state(client, SALTYRTC_STATE_WAITING_FOR_PEER);
    end_client(client, watch, way, NULL);
}

/* The responder has said what it has to say, and the initiator does not hear it. */
static void while_the_peer_is_being_authenticated(const test_server *server, watch *watch, way way) {
    char by_proxy[SALTYRTC_INVITATION_BYTES], invitation[SALTYRTC_INVITATION_BYTES];
    proxy proxy;
    saltyrtc_client *initiator, *client;
    start_proxy(&proxy, server, PROXY_OPEN);
    initiator = pull_client(initiator_config(&proxy.server, by_proxy));
    SKIP_TO(initiator, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    set_proxy(&proxy, PROXY_HELD);
    invite_at(server, by_proxy, invitation);
    client = make(responder_config(invitation), watch);
    await_state(client, SALTYRTC_STATE_PEER_HANDSHAKE);
    end_client(client, watch, way, NULL);
    set_proxy(&proxy, PROXY_CUT);
    saltyrtc_client_free(initiator);
    end_proxy(&proxy);
}

static void with_a_peer(const test_server *server, watch *watch, way way) {
    char invitation[SALTYRTC_INVITATION_BYTES];
    saltyrtc_client *client = make(initiator_config(server, invitation), watch);
    saltyrtc_client *peer = pull_client(responder_config(invitation));
    await_state(client, SALTYRTC_STATE_TASK);
    end_client(client, watch, way, NULL);
    CHECK_END(peer, SALTYRTC_STATUS_PEER_CLOSED, "the peer closed");
    saltyrtc_client_free(peer);
}

/* Closed by the other side, before or after the last event was taken. */
static void already_closed(const test_server *server, watch *watch, way way) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    saltyrtc_client *client = make(initiator_config(server, invitation), watch);
    saltyrtc_client *peer = pull_client(responder_config(invitation));
    SKIP_TO(peer, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    OK(saltyrtc_client_close(peer, &error));
    await_state(client, SALTYRTC_STATE_CLOSED);
    if (way != FREE) {
        OK(saltyrtc_client_close(client, &error));
        if (watch == NULL) {
            CHECK_END(client, SALTYRTC_STATUS_PEER_CLOSED, "the peer closed");
        } else {
            AWAIT(watch->seen[SALTYRTC_EVENT_KIND_CLOSED] == 1);
        }
        OK(saltyrtc_client_close(client, &error));
    }
    saltyrtc_client_free(client);
    CHECK(watch == NULL || watch->freed == 1);
    saltyrtc_client_free(peer);
}

int main(void) {
    test_server server;
    watch self;
    int i;
    start_server(&server);
    for (i = 0; i < 2 * WAYS; i++) {
        const way how = (way)(i / 2);
        watch *watch = i % 2 == 0 ? NULL : &self;
        before_the_server_is_authenticated(&server, watch, how, PROXY_HELD, SALTYRTC_STATE_CONNECTING);
        before_the_server_is_authenticated(&server, watch, how, PROXY_ONLY_HTTP,
                                           SALTYRTC_STATE_SERVER_HANDSHAKE);
        alone(&server, watch, how);
        while_the_peer_is_being_authenticated(&server, watch, how);
        with_a_peer(&server, watch, how);
        already_closed(&server, watch, how);
    }
    checked("freed, closed and freed, and closed twice, in every state");
    end_server(&server);
    end_library();
    return 0;
}
