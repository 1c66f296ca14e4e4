/* A thousand clients are made, connected and freed, in every way there is. Nothing is left of them: no
   memory (valgrind looks), no file descriptor, no thread. */

#include <sched.h>

#include "support.h"

enum { CLIENTS = 1000, AT_ONCE = 10 };

/* Makes a few clients, alternately with and without callback, and frees them at a moment that differs
   from round to round. (Whole handshakes are what takes time under valgrind.) */
static void one_round(const test_server *server, int round) {
    saltyrtc_error *error = NULL;
    watch watches[AT_ONCE];
    saltyrtc_client *clients[AT_ONCE];
    char invitation[SALTYRTC_INVITATION_BYTES];
    int i;
    memset(watches, 0, sizeof watches);
    for (i = 0; i < AT_ONCE; i += 2) {
        clients[i] = watched(&watches[i], with_relayed_data(initiator_config(server, invitation)));
        clients[i + 1] = pull_client(responder_config(invitation));
    }
    for (i = 0; i < AT_ONCE; i += 2) {
        switch (round % 8) {
        case 4:
        case 5:
            AWAIT(watches[i].seen[SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE] == 1);
            break;
        case 6:
            SKIP_TO(clients[i + 1], SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
            OK(saltyrtc_client_send_text(clients[i + 1], TEXT("x"), &error));
            AWAIT(watches[i].seen[SALTYRTC_EVENT_KIND_DATA] == 1);
            break;
        case 7:
            SKIP_TO(clients[i + 1], SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
            OK(saltyrtc_client_close(clients[i + 1], &error));
            CHECK_END(clients[i + 1], SALTYRTC_STATUS_OK, "closed");
            AWAIT(watches[i].seen[SALTYRTC_EVENT_KIND_CLOSED] == 1);
            break;
        default:
            /* Wherever it is. */
            break;
        }
        saltyrtc_client_free(clients[i]);
        saltyrtc_client_free(clients[i + 1]);
        CHECK(watches[i].freed == 1);
    }
}

/* Those of the library have left it when it says that it is at its end, and are about to be gone. */
static void wait_until_threads_are_gone(int remaining) {
    while (running_threads() > remaining) {
        CHECK(sched_yield() == 0);
    }
}

int main(void) {
    test_server server;
    /* What the C library and valgrind keep to themselves is there already. */
    const int threads_before = running_threads();
    int i, threads, descriptors_before, at_first = 0;
    /* The first use leaves two descriptors behind for good: those through which the runtime would hear of
       signals. They do not become more. */
    start_server(&server);
    end_server(&server);
    end_library();
    wait_until_threads_are_gone(threads_before);
    descriptors_before = open_descriptors();
    start_server(&server);
    for (i = 0; i < CLIENTS / AT_ONCE; i++) {
        one_round(&server, i);
        /* Connections close in the background, so how many descriptors there are is not certain. */
        threads = running_threads();
        if (i == 0) {
            at_first = threads;
        }
        /* One more may be there to look something up for a moment. */
        CHECK(threads <= at_first + AT_ONCE);
        CHECK(open_descriptors() < descriptors_before + 10 * AT_ONCE + 20);
    }
    checked("1000 clients");
    end_server(&server);
    end_library();
    wait_until_threads_are_gone(threads_before);
    CHECK(open_descriptors() == descriptors_before);
    checked("no threads and no descriptors are left");
    return 0;
}
