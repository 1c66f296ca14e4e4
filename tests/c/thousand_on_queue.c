/* A thousand clients at once in one process, on one queue, taken by one thread: with no more file descriptors
   than their sockets need. */

#include <sys/resource.h>

#include "queue.h"

/* So many are connecting at a time. */
enum { MOST_CLIENTS = 1000, AT_ONCE = 50 };

static int clients_count = MOST_CLIENTS;
static saltyrtc_client *clients[MOST_CLIENTS];
static bool connected[MOST_CLIENTS], closed[MOST_CLIENTS];

static void limit_descriptors(int limit) {
    struct rlimit old, new_limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
    new_limit = old;
    new_limit.rlim_cur = (rlim_t)limit;
    CHECK(limit > 0 && (old.rlim_max == RLIM_INFINITY || new_limit.rlim_cur <= old.rlim_max));
    CHECK(setrlimit(RLIMIT_NOFILE, &new_limit) == 0);
}

/* Takes events until so many of a kind have come, no more than one of each client. */
static void take_of_each(saltyrtc_queue *queue, saltyrtc_event_kind kind, int expected, bool *seen) {
    saltyrtc_error *error = NULL;
    while (expected > 0) {
        saltyrtc_event *events[100];
        size_t count = 0, i;
        OK(saltyrtc_queue_next_events(queue, LIMIT_MS, events, 100, &count, &error));
        for (i = 0; i < count; i++) {
            CHECK(events[i]->token < (uint64_t)clients_count);
            if (events[i]->kind == kind) {
                CHECK(!seen[events[i]->token]);
                seen[events[i]->token] = true;
                expected--;
            } else {
                CHECK(events[i]->kind != SALTYRTC_EVENT_KIND_CLOSED);
            }
        }
        saltyrtc_events_free(events, count);
    }
}

static void one_round(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_queue *queue = new_queue();
    const int fd = queue_fd(queue);
    int i, wave;
    memset(connected, 0, sizeof connected);
    memset(closed, 0, sizeof closed);
    for (wave = 0; wave < clients_count; wave += AT_ONCE) {
        for (i = wave; i < wave + AT_ONCE; i++) {
            clients[i] = on_queue(queue, (uint64_t)i, initiator_config(server, NULL));
        }
        take_of_each(queue, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE, AT_ONCE, connected);
    }
    CHECK(!readable(fd));
    /* Half of them are closed and say so; half are freed with the queue. */
    for (i = 0; i < clients_count / 2; i++) {
        OK(saltyrtc_client_close(clients[i], &error));
    }
    take_of_each(queue, SALTYRTC_EVENT_KIND_CLOSED, clients_count / 2, closed);
    for (i = 0; i < clients_count; i += 2) {
        saltyrtc_client_free(clients[i]);
    }
    saltyrtc_queue_free(queue);
    for (i = 1; i < clients_count; i += 2) {
        saltyrtc_client_free(clients[i]);
    }
}

int main(void) {
    test_server server;
    saltyrtc_server_config *config = NULL;
    saltyrtc_error *error = NULL;
    const char *preloaded = getenv("LD_PRELOAD");
    int descriptors, i;
    if (preloaded != NULL && strstr(preloaded, "valgrind") != NULL) {
        /* Which takes a hundred times as long, and would see nothing else with more. */
        clients_count = 100;
    }
    /* The first use leaves two descriptors behind for good. */
    start_server(&server);
    end_server(&server);
    end_library();
    descriptors = open_descriptors();
    for (i = 0; i < 2; i++) {
        OK(saltyrtc_server_config_new("127.0.0.1", 0, &config, &error));
        OK(saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_CONNECTIONS_PER_ADDRESS,
                                            SALTYRTC_NO_LIMIT, &error));
        OK(saltyrtc_server_config_set_limit(config, SALTYRTC_LIMIT_ACCEPT_RATE, SALTYRTC_NO_LIMIT, &error));
        start_configured_server(&server, config);
        /* A socket for each client, and one at the server; and a few for the server itself, the threads of the
           library, and the queue. */
        limit_descriptors(descriptors + 2 * clients_count + 16);
        one_round(&server);
        end_server(&server);
        end_library();
        CHECK(open_descriptors() == descriptors);
    }
    checked("a thousand clients on one queue");
    return 0;
}
