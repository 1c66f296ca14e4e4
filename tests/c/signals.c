/* Signals are for the threads of the program: those of the library block them. */

#include <ctype.h>
#include <signal.h>
#include <unistd.h>

#include "support.h"

/* The signals that a thread causes itself by a fault: blocking these would hide what happened. */
static bool is_fault(int signal) {
    return signal == SIGABRT || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
           signal == SIGSEGV || signal == SIGSYS || signal == SIGTRAP;
}

/* What a thread of this process blocks, as the system says. */
static unsigned long long blocked_by(const char *thread) {
    char path[300], line[200];
    unsigned long long blocked = 0;
    bool found = false;
    FILE *file;
    CHECK(snprintf(path, sizeof path, "/proc/self/task/%s/status", thread) > 0);
    file = fopen(path, "r");
    CHECK(file != NULL);
    while (!found && fgets(line, sizeof line, file) != NULL) {
        found = sscanf(line, "SigBlk: %llx", &blocked) == 1;
    }
    CHECK(fclose(file) == 0);
    CHECK(found);
    return blocked;
}

/* All threads but the first one are the library's. */
static void check_threads(int least) {
    char own[32];
    const struct dirent *entry;
    DIR *threads = opendir("/proc/self/task");
    int count = 0;
    CHECK(threads != NULL);
    CHECK(snprintf(own, sizeof own, "%ld", (long)getpid()) > 0);
    while ((entry = readdir(threads)) != NULL) {
        unsigned long long blocked;
        int signal;
        if (!isdigit((unsigned char)entry->d_name[0]) || strcmp(entry->d_name, own) == 0) {
            continue;
        }
        blocked = blocked_by(entry->d_name);
        for (signal = 1; signal < 32; signal++) {
            /* These two cannot be blocked. */
            if (signal != SIGKILL && signal != SIGSTOP) {
                CHECK((blocked >> (signal - 1) & 1) == (is_fault(signal) ? 0 : 1));
            }
        }
        count++;
    }
    CHECK(closedir(threads) == 0);
    CHECK(count >= least);
}

int main(void) {
    static const int SIGNALS[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM, SIGPROF, SIGPIPE};
    saltyrtc_error *error = NULL;
    test_server server;
    static watch watched_one;
    saltyrtc_client *client;
    saltyrtc_config *config = NULL;
    sigset_t before, after, wanted;
    char url[64];
    size_t i;
    int n;

    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &before) == 0);
    start_server(&server);
    memset(&watched_one, 0, sizeof watched_one);
    /* By name, so that there is a thread that resolves it. */
    CHECK(snprintf(url, sizeof url, "ws://localhost:%u", (unsigned)server.port) > 0);
    OK(saltyrtc_config_new_initiator(url, NULL, &config, &error));
    client = watched(&watched_one, with_relayed_data(config));
    AWAIT(watched_one.seen[SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE] == 1);
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &after) == 0);
    for (n = 1; n < 32; n++) {
        CHECK(sigismember(&before, n) == sigismember(&after, n));
    }
    checked("the thread that makes a client blocks what it did before");

    /* One worker, one for names, one for callbacks. */
    check_threads(3);
    checked("each thread of the library blocks all signals but faults");

    CHECK(sigemptyset(&wanted) == 0);
    for (i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++) {
        CHECK(sigaddset(&wanted, SIGNALS[i]) == 0);
    }
    CHECK(pthread_sigmask(SIG_BLOCK, &wanted, NULL) == 0);
    for (n = 0; n < 100; n++) {
        for (i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++) {
            int signal = 0;
            CHECK(kill(getpid(), SIGNALS[i]) == 0);
            CHECK(sigwait(&wanted, &signal) == 0);
            CHECK(signal == SIGNALS[i]);
        }
    }
    checked("who blocks a signal after making a client, and waits for it, gets it");

    saltyrtc_client_free(client);
    end_server(&server);
    end_library();
    return 0;
}
