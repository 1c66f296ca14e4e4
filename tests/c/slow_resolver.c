/* saltyrtc_shutdown says so if a thread of the library is still there, because the system takes long to
   resolve the name of a server; a program that unloaded the library then would crash. */

#include <netdb.h>
#include <sched.h>

#include "support.h"

static bool asked, answered;

static void say(bool *what) {
    lock();
    *what = true;
    unlock();
}

/* In place of the one of the system. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **result) {
    (void)name;
    (void)service;
    (void)hints;
    (void)result;
    say(&asked);
    AWAIT(answered);
    return EAI_FAIL;
}

int main(void) {
    saltyrtc_error *error = NULL;
    saltyrtc_config *config = NULL;
    saltyrtc_client *client = NULL;
    const int threads = running_threads();
    OK(saltyrtc_config_new_initiator("ws://server.example:8765", NULL, &config, &error));
    OK(saltyrtc_config_add_relayed_data_task(config, &error));
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &client, &error));
    saltyrtc_config_free(config);
    AWAIT(asked);
    FAILS(SALTYRTC_STATUS_TIMEOUT, "name", saltyrtc_shutdown(0, &error));
    say(&answered);
    OK(saltyrtc_shutdown(LIMIT_MS, &error));
    /* It has left the library, and is about to be gone. */
    while (running_threads() > threads) {
        CHECK(sched_yield() == 0);
    }
    saltyrtc_client_free(client);
    checked("a thread that cannot be stopped is not passed over in silence");
    return 0;
}
