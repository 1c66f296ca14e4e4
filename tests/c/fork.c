/* fork(): the child of a process that uses the library gets a status for everything it tries, frees what it
   likes without harm to the parent, and can use the library if it was not in use. */

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue.h"

/* What the parent has. Not on the stack, so that it counts as reachable in the child. */
static test_server server;
static pair both;
static saltyrtc_queue *queue;
static saltyrtc_client *queued;
static saltyrtc_event *event;
static saltyrtc_config *config;

/* Ends a child as a success, without anything of the parent being torn down in it. */
static void end_child(void) {
    fflush(stdout);
    execlp("true", "true", (char *)NULL);
    _exit(1);
}

/* Runs something in a child, which has to end well. */
static void in_child(void (*run)(void)) {
    int status = -1;
    pid_t child;
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        run();
        end_child();
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void exchange(const pair *pair) {
    saltyrtc_error *error = NULL;
    OK(saltyrtc_client_send_text(pair->initiator, TEXT("there"), &error));
    OK(saltyrtc_client_send_text(pair->responder, TEXT("and back"), &error));
    SKIP_TO(pair->responder, SALTYRTC_EVENT_KIND_DATA);
    SKIP_TO(pair->initiator, SALTYRTC_EVENT_KIND_DATA);
}

/* The whole of a program. */
static void use_the_library(void) {
    test_server own;
    pair pair;
    start_server(&own);
    pair = connected_pair(&own);
    exchange(&pair);
    saltyrtc_client_free(pair.initiator);
    saltyrtc_client_free(pair.responder);
    end_server(&own);
    end_library();
}

#define FORKED(call) FAILS(SALTYRTC_STATUS_FORKED, "forked", (call))

static void everything_fails(void) {
    saltyrtc_error *error = NULL;
    uint8_t key[SALTYRTC_KEY_BYTES], secret[SALTYRTC_KEY_BYTES];
    saltyrtc_config *other_config = NULL;
    saltyrtc_client *other = NULL;
    saltyrtc_server_config *server_config = NULL;
    saltyrtc_event *none = NULL;
    saltyrtc_state state = SALTYRTC_STATE_CLOSED;
    uint64_t buffer[256];
    size_t count = 0, needed = 0;
    uint16_t port = 0;
    int fd = -1;
    FORKED(saltyrtc_key_pair_generate(key, secret, &error));
    FORKED(saltyrtc_config_new_initiator(server.url, NULL, &other_config, &error));
    FORKED(saltyrtc_config_set_ping_interval(config, 1, &error));
    FORKED(saltyrtc_client_new(config, NULL, NULL, NULL, &other, &error));
    FORKED(saltyrtc_client_new_on_queue(config, queue, 1, &other, &error));
    FORKED(saltyrtc_client_state(both.initiator, &state, &error));
    FORKED(saltyrtc_client_send_text(both.initiator, TEXT("from nobody"), &error));
    FORKED(saltyrtc_client_next_event(both.initiator, -1, &none, &error));
    FORKED(saltyrtc_client_event_fd(both.initiator, &fd, &error));
    FORKED(saltyrtc_client_close(both.initiator, &error));
    FORKED(saltyrtc_queue_next_events(queue, -1, &none, 1, &count, &error));
    FORKED(saltyrtc_queue_read(queue, -1, (uint8_t *)buffer, sizeof buffer, &count, &needed, &error));
    FORKED(saltyrtc_queue_wake(queue, &error));
    FORKED(saltyrtc_server_config_new("127.0.0.1", 0, &server_config, &error));
    FORKED(saltyrtc_server_port(server.handle, &port, &error));
    FORKED(saltyrtc_server_stop(server.handle, LIMIT_MS, &error));
    FORKED(saltyrtc_network_changed(&error));
    FORKED(saltyrtc_shutdown(LIMIT_MS, &error));
    CHECK(other == NULL && other_config == NULL && server_config == NULL && none == NULL && fd == -1);
    /* What needs no status still works. */
    CHECK(strcmp(saltyrtc_status_name(SALTYRTC_STATUS_FORKED), "unknown status") != 0);
}

static void everything_is_freed(void) {
    saltyrtc_client_free(both.initiator);
    saltyrtc_client_free(both.responder);
    saltyrtc_client_free(queued);
    saltyrtc_queue_free(queue);
    saltyrtc_server_free(server.handle);
    saltyrtc_event_free(event);
    saltyrtc_config_free(config);
}

static void in_a_child_of_the_child(void) { in_child(everything_fails); }

static int forks;

/* Forks in a callback. The child comes back from it, and ends with its only thread. */
static void fork_in_callback(watch *watch, saltyrtc_client *client, const saltyrtc_event *seen) {
    saltyrtc_error *error = NULL;
    int status = -1;
    pid_t child;
    (void)watch;
    if (seen->kind != SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE) {
        return;
    }
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        FORKED(saltyrtc_client_send_text(client, TEXT("from nobody"), &error));
        saltyrtc_client_free(client);
        return;
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    lock();
    forks++;
    unlock();
}

int main(void) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    static watch watched_one;
    saltyrtc_client *pushed, *other;

    /* The library was loaded, and has done something, but has no threads. */
    OK(saltyrtc_queue_new(&queue, &error));
    saltyrtc_queue_free(queue);
    in_child(use_the_library);
    checked("a child that was forked before the library was in use can use it");

    start_server(&server);
    both = connected_pair(&server);
    queue = new_queue();
    config = initiator_config(&server, NULL);
    queued = on_queue(queue, 7, initiator_config(&server, NULL));
    OK(saltyrtc_client_send_text(both.initiator, TEXT("taken before"), &error));
    event = TAKE(both.responder, SALTYRTC_EVENT_KIND_DATA);
    in_child(everything_fails);
    in_child(in_a_child_of_the_child);
    exchange(&both);
    checked("in another child every call fails, and the parent does not notice");
    in_child(everything_is_freed);
    exchange(&both);
    CHECK(memcmp(event->data, "taken before", 12) == 0);
    checked("what a child frees stays with the parent");

    memset(&watched_one, 0, sizeof watched_one);
    watched_one.act = fork_in_callback;
    pushed = watched(&watched_one, with_relayed_data(initiator_config(&server, invitation)));
    other = pull_client(responder_config(invitation));
    SKIP_TO(other, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    AWAIT(forks == 1);
    OK(saltyrtc_client_send_text(other, TEXT("still there"), &error));
    AWAIT(watched_one.seen[SALTYRTC_EVENT_KIND_DATA] == 1);
    checked("a fork in a callback");

    saltyrtc_client_free(pushed);
    saltyrtc_client_free(other);
    saltyrtc_client_free(both.initiator);
    saltyrtc_client_free(both.responder);
    saltyrtc_client_free(queued);
    saltyrtc_queue_free(queue);
    saltyrtc_event_free(event);
    saltyrtc_config_free(config);
    end_server(&server);
    end_library();
    in_child(use_the_library);
    checked("a child that was forked after a shutdown can use the library");
    use_the_library();
    end_library();
    return 0;
}
