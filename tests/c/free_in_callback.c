/* Freeing and closing clients at every moment: in their own callback at each kind of event, in the
   callback of another client, by another thread while the callback runs, and in each state. User data
   is freed exactly once, and no callback comes afterwards. */

#include "proxy.h"
#include "support.h"

static const char TASK_NAME[] = "v0.test.tasks.example.org";

/* The MessagePack map {"type": "x"}. */
static const uint8_t TASK_MESSAGE[] = {0x81, 0xa4, 't', 'y', 'p', 'e', 0xa1, 'x'};

/* ---- Each kind of event ---- */

static void free_when(watch *self, saltyrtc_client *client, const saltyrtc_event *event) {
    if (event->kind == self->when) {
        const size_t size = event->struct_size;
        saltyrtc_client_free(client);
        /* What the callback got stays until it returns. */
        CHECK(event->kind == self->when && event->struct_size == size);
        CHECK(read_count(&self->freed) == 0);
    }
}

static void expect_free(watch *self, saltyrtc_event_kind kind) {
    memset(self, 0, sizeof *self);
    self->act = free_when;
    self->when = kind;
}

/* It was freed, by its callback, at the event that it was to be freed at. */
static void await_free(watch *self, const char *what) {
    AWAIT(self->freed == 1);
    CHECK(self->seen[self->when] == 1);
    checked(what);
}

static saltyrtc_config *with_custom_task(saltyrtc_config *config) {
    saltyrtc_error *error = NULL;
    OK(saltyrtc_config_add_custom_task(config, TASK_NAME, NULL, 0, &error));
    return config;
}

/* The initiator is watched, and the responder does what makes the event come. */
static void free_initiator_at(const test_server *server, saltyrtc_event_kind kind, const char *what) {
    saltyrtc_error *error = NULL;
    char invitation[SALTYRTC_INVITATION_BYTES];
    watch self;
    saltyrtc_config *config;
    saltyrtc_client *responder = NULL;
    expect_free(&self, kind);
    watched(&self, with_relayed_data(with_custom_task(initiator_config(server, invitation))));
    config = responder_config(invitation);
    if (kind == SALTYRTC_EVENT_KIND_TASK_MESSAGE) {
        with_custom_task(config);
    } else {
        with_relayed_data(config);
    }
    if (kind == SALTYRTC_EVENT_KIND_RESPONDER_FAILED) {
        uint8_t public_key[SALTYRTC_KEY_BYTES], token[SALTYRTC_KEY_BYTES];
        OK(saltyrtc_key_pair_generate(public_key, token, &error));
        OK(saltyrtc_config_set_token(config, token, &error));
    }
    OK(saltyrtc_client_new(config, NULL, NULL, NULL, &responder, &error));
    saltyrtc_config_free(config);
    switch (kind) {
    case SALTYRTC_EVENT_KIND_DATA:
        SKIP_TO(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
        OK(saltyrtc_client_send_text(responder, TEXT("x"), &error));
        break;
    case SALTYRTC_EVENT_KIND_APPLICATION:
        SKIP_TO(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
        OK(saltyrtc_client_send_application_text(responder, TEXT("x"), &error));
        break;
    case SALTYRTC_EVENT_KIND_TASK_MESSAGE:
        SKIP_TO(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
        OK(saltyrtc_client_send_task_message(responder, TASK_MESSAGE, sizeof TASK_MESSAGE, &error));
        break;
    case SALTYRTC_EVENT_KIND_CLOSED:
        SKIP_TO(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
        OK(saltyrtc_client_close(responder, &error));
        break;
    default:
        break;
    }
    await_free(&self, what);
    saltyrtc_client_free(responder);
}

/* The responder is on the path, but does not learn that the initiator is there, and says nothing. */
static void free_at_responder_left(const test_server *server) {
    char invitation[SALTYRTC_INVITATION_BYTES], by_proxy[SALTYRTC_INVITATION_BYTES];
    watch self;
    proxy proxy;
    saltyrtc_config *config = with_relayed_data(initiator_config(server, invitation));
    saltyrtc_client *responder;
    start_proxy(&proxy, server, PROXY_OPEN);
    invite_at(&proxy.server, invitation, by_proxy);
    responder = pull_client(responder_config(by_proxy));
    SKIP_TO(responder, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    set_proxy(&proxy, PROXY_HELD);
    expect_free(&self, SALTYRTC_EVENT_KIND_RESPONDER_LEFT);
    watched(&self, config);
    AWAIT(self.seen[SALTYRTC_EVENT_KIND_RESPONDER_JOINED] == 1 ||
          self.seen[SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE] == 1);
    set_proxy(&proxy, PROXY_CUT);
    await_free(&self, "freed at RESPONDER_LEFT");
    saltyrtc_client_free(responder);
    end_proxy(&proxy);
}

/* The watched client is a responder. */
static void free_at_initiator_joined(const test_server *server) {
    char invitation[SALTYRTC_INVITATION_BYTES];
    watch self;
    saltyrtc_config *config = initiator_config(server, invitation);
    saltyrtc_client *initiator;
    expect_free(&self, SALTYRTC_EVENT_KIND_INITIATOR_JOINED);
    watched(&self, with_relayed_data(responder_config(invitation)));
    AWAIT(self.seen[SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE] == 1);
    initiator = pull_client(config);
    await_free(&self, "freed at INITIATOR_JOINED");
    saltyrtc_client_free(initiator);
}

static void free_at_peer_left(const test_server *server) {
    char invitation[SALTYRTC_INVITATION_BYTES], by_proxy[SALTYRTC_INVITATION_BYTES];
    watch self;
    proxy proxy;
    saltyrtc_client *responder;
    start_proxy(&proxy, server, PROXY_OPEN);
    expect_free(&self, SALTYRTC_EVENT_KIND_PEER_LEFT);
    watched(&self, with_relayed_data(initiator_config(server, invitation)));
    invite_at(&proxy.server, invitation, by_proxy);
    responder = pull_client(responder_config(by_proxy));
    SKIP_TO(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
    AWAIT(self.seen[SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE] == 1);
    set_proxy(&proxy, PROXY_CUT);
    await_free(&self, "freed at PEER_LEFT");
    saltyrtc_client_free(responder);
    end_proxy(&proxy);
}

/* Sends until there is no room, again and again; to a peer that does not read, if there is a proxy. */
static void flood(watch *self, saltyrtc_client *client, const saltyrtc_event *event) {
    static const uint8_t data[20000] = {0};
    saltyrtc_status status = SALTYRTC_STATUS_OK;
    if (event->kind == SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE && self->more != NULL) {
        set_proxy((proxy *)self->more, PROXY_HELD);
    }
    if (event->kind == SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE ||
        (event->kind == SALTYRTC_EVENT_KIND_WRITABLE && self->when != event->kind)) {
        while (status == SALTYRTC_STATUS_OK) {
            status = saltyrtc_client_send_bytes(client, data, sizeof data, NULL);
        }
        CHECK(status == SALTYRTC_STATUS_QUEUE_FULL || status == SALTYRTC_STATUS_NO_PEER);
    }
    free_when(self, client, event);
}

static void free_at_writable(const test_server *server) {
    char invitation[SALTYRTC_INVITATION_BYTES];
    saltyrtc_error *error = NULL;
    watch self;
    saltyrtc_config *config = with_relayed_data(initiator_config(server, invitation));
    saltyrtc_client *responder;
    expect_free(&self, SALTYRTC_EVENT_KIND_WRITABLE);
    self.act = flood;
    OK(saltyrtc_config_set_max_queue_size(config, 1, &error));
    watched(&self, config);
    responder = pull_client(responder_config(invitation));
    await_free(&self, "freed at WRITABLE");
    saltyrtc_client_free(responder);
}

/* A responder that does not read, and a server that neither keeps much for it nor waits for long. */
static void free_at_send_error(void) {
    char invitation[SALTYRTC_INVITATION_BYTES], by_proxy[SALTYRTC_INVITATION_BYTES];
    saltyrtc_error *error = NULL;
    saltyrtc_server_config *server_config = NULL;
    test_server server;
    watch self;
    proxy proxy;
    saltyrtc_config *config;
    saltyrtc_client *responder;
    OK(saltyrtc_server_config_new("127.0.0.1", 0, &server_config, &error));
    OK(saltyrtc_server_config_set_limit(server_config, SALTYRTC_LIMIT_QUEUE_BYTES, 4096, &error));
    OK(saltyrtc_server_config_set_limit(server_config, SALTYRTC_LIMIT_STALL_TIME, 3000, &error));
    start_configured_server(&server, server_config);
    start_proxy(&proxy, &server, PROXY_OPEN);
    expect_free(&self, SALTYRTC_EVENT_KIND_SEND_ERROR);
    self.act = flood;
    self.more = &proxy;
    config = with_relayed_data(initiator_config(&server, invitation));
    OK(saltyrtc_config_set_max_queue_size(config, 1, &error));
    watched(&self, config);
    invite_at(&proxy.server, invitation, by_proxy);
    responder = pull_client(responder_config(by_proxy));
    await_free(&self, "freed at SEND_ERROR");
    set_proxy(&proxy, PROXY_CUT);
    saltyrtc_client_free(responder);
    end_proxy(&proxy);
    end_server(&server);
}

/* ---- Other places ---- */

static void free_other_when(watch *self, saltyrtc_client *client, const saltyrtc_event *event) {
    (void)client;
    if (event->kind == self->when) {
        saltyrtc_client_free(self->other);
    }
}

static void freed_in_the_callback_of_another(const test_server *server) {
    watch self, other;
    saltyrtc_client *client;
    memset(&self, 0, sizeof self);
    memset(&other, 0, sizeof other);
    self.act = free_other_when;
    self.when = SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE;
    /* Its callback ran before, or never will. */
    self.other = watched(&other, with_relayed_data(initiator_config(server, NULL)));
    client = watched(&self, with_relayed_data(initiator_config(server, NULL)));
    AWAIT(self.events == 1);
    CHECK(read_count(&other.freed) == 1);
    saltyrtc_client_free(client);
    CHECK(self.freed == 1);
    checked("freed in the callback of another client");
}

/* Clients that free another client when their own user data is freed. */
static void free_other_on_free(void *user_data) {
    watch *self = (watch *)user_data;
    saltyrtc_client_free(self->other);
    on_free(user_data);
}

static void freed_when_user_data_is_freed(const test_server *server) {
    saltyrtc_error *error = NULL;
    watch self, other;
    saltyrtc_client *client = NULL;
    saltyrtc_config *config = with_relayed_data(initiator_config(server, NULL));
    memset(&self, 0, sizeof self);
    memset(&other, 0, sizeof other);
    self.other = watched(&other, with_relayed_data(initiator_config(server, NULL)));
    OK(saltyrtc_client_new(config, on_event, &self, free_other_on_free, &client, &error));
    saltyrtc_config_free(config);
    AWAIT(self.events == 1);
    saltyrtc_client_free(client);
    CHECK(self.freed == 1 && other.freed == 1);
    checked("freed when the user data of another client is freed");
}

/* While events come in, after a different number of them each time. */
static void freed_while_the_callback_runs(const test_server *server) {
    enum { TIMES = 20 };
    saltyrtc_error *error = NULL;
    int i, j;
    for (i = 0; i < TIMES; i++) {
        char invitation[SALTYRTC_INVITATION_BYTES];
        watch self;
        saltyrtc_client *client, *responder;
        memset(&self, 0, sizeof self);
        client = watched(&self, with_relayed_data(initiator_config(server, invitation)));
        responder = pull_client(responder_config(invitation));
        SKIP_TO(responder, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE);
        for (j = 0; j < TIMES; j++) {
            OK(saltyrtc_client_send_text(responder, TEXT("x"), &error));
        }
        AWAIT(self.seen[SALTYRTC_EVENT_KIND_DATA] >= i);
        /* From now on every callback finds out that the user data was freed. */
        saltyrtc_client_free(client);
        CHECK(read_count(&self.freed) == 1);
        saltyrtc_client_free(responder);
    }
    checked("freed by another thread while the callback runs");
}

/* Each callback makes the next client and frees its own. */
typedef struct chain {
    const test_server *server;
    int made;
    int freed;
} chain;

enum { CHAIN = 10 };

static void on_chain_freed(void *user_data) {
    chain *self = (chain *)user_data;
    lock();
    self->freed++;
    unlock();
}

static void on_chain_event(saltyrtc_client *client, const saltyrtc_event *event, void *user_data) {
    chain *self = (chain *)user_data;
    check_event(event);
    CHECK(event->kind == SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    if (read_count(&self->made) < CHAIN) {
        saltyrtc_error *error = NULL;
        saltyrtc_client *next = NULL;
        saltyrtc_config *config = with_relayed_data(initiator_config(self->server, NULL));
        lock();
        self->made++;
        unlock();
        OK(saltyrtc_client_new(config, on_chain_event, self, on_chain_freed, &next, &error));
        saltyrtc_config_free(config);
    }
    saltyrtc_client_free(client);
}

static void made_in_a_callback(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *first = NULL;
    saltyrtc_config *config = with_relayed_data(initiator_config(server, NULL));
    chain chain = {server, 1, 0};
    OK(saltyrtc_client_new(config, on_chain_event, &chain, on_chain_freed, &first, &error));
    saltyrtc_config_free(config);
    AWAIT(chain.freed == CHAIN);
    CHECK(chain.made == CHAIN);
    checked("made and freed in callbacks");
}

/* Back and forth, each message being sent in a callback. */
static void answer(watch *self, saltyrtc_client *client, const saltyrtc_event *event) {
    saltyrtc_error *error = NULL;
    (void)self;
    if (event->kind == SALTYRTC_EVENT_KIND_DATA) {
        const uint8_t next = (uint8_t)(event->data[0] + 1);
        if (next == 100) {
            OK(saltyrtc_client_close(client, &error));
        } else {
            OK(saltyrtc_client_send_bytes(client, &next, 1, &error));
        }
    } else if (event->kind == SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE && event->address != 1) {
        OK(saltyrtc_client_send_bytes(client, (const uint8_t *)"", 1, &error));
    }
}

static void sent_in_callbacks(const test_server *server) {
    char invitation[SALTYRTC_INVITATION_BYTES];
    watch initiator, responder;
    saltyrtc_client *clients[2];
    memset(&initiator, 0, sizeof initiator);
    memset(&responder, 0, sizeof responder);
    initiator.act = responder.act = answer;
    clients[0] = watched(&initiator, with_relayed_data(initiator_config(server, invitation)));
    clients[1] = watched(&responder, with_relayed_data(responder_config(invitation)));
    AWAIT(initiator.seen[SALTYRTC_EVENT_KIND_CLOSED] == 1 &&
          responder.seen[SALTYRTC_EVENT_KIND_CLOSED] == 1);
    CHECK(initiator.seen[SALTYRTC_EVENT_KIND_DATA] == 50);
    CHECK(responder.seen[SALTYRTC_EVENT_KIND_DATA] == 50);
    saltyrtc_client_free(clients[0]);
    saltyrtc_client_free(clients[1]);
    CHECK(initiator.freed == 1 && responder.freed == 1);
    checked("sent in callbacks");
}

/* ---- What must not be done in a callback ---- */

static void try_to_wait(watch *self, saltyrtc_client *client, const saltyrtc_event *event) {
    saltyrtc_error *error = NULL;
    saltyrtc_event *none = (saltyrtc_event *)&error;
    saltyrtc_server *server = (saltyrtc_server *)self->more;
    (void)event;
    FAILS(SALTYRTC_STATUS_WOULD_DEADLOCK, "callback",
          saltyrtc_client_next_event(self->other, -1, &none, &error));
    CHECK(none == NULL);
    FAILS(SALTYRTC_STATUS_WOULD_DEADLOCK, "callback",
          saltyrtc_client_next_event(self->other, 1, &none, &error));
    FAILS(SALTYRTC_STATUS_WOULD_DEADLOCK, "callback", saltyrtc_shutdown(1, &error));
    FAILS(SALTYRTC_STATUS_WOULD_DEADLOCK, "callback", saltyrtc_server_stop(server, 1, &error));
    FAILS(SALTYRTC_STATUS_HAS_CALLBACK, "callback",
          saltyrtc_client_next_event(client, 0, &none, &error));
    /* Asking is fine. */
    CHECK(saltyrtc_client_next_event(self->other, 0, &none, NULL) != SALTYRTC_STATUS_WOULD_DEADLOCK);
    saltyrtc_event_free(none);
}

static void waiting_in_a_callback_is_refused(const test_server *server) {
    watch self;
    saltyrtc_client *client;
    memset(&self, 0, sizeof self);
    self.act = try_to_wait;
    self.other = pull_client(initiator_config(server, NULL));
    self.more = server->handle;
    client = watched(&self, with_relayed_data(initiator_config(server, NULL)));
    AWAIT(self.events == 1);
    saltyrtc_client_free(client);
    saltyrtc_client_free(self.other);
    checked("waiting in a callback is refused");
}

/* What a log callback gets when it uses the library. Called by several threads. */
typedef struct log_watch {
    int calls;
    watch user_data;
} log_watch;

static void on_log(int32_t level, const char *target, const char *message, void *user_data) {
    log_watch *self = (log_watch *)user_data;
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = (saltyrtc_client *)&error;
    CHECK(level >= SALTYRTC_LOG_LEVEL_ERROR && level <= SALTYRTC_LOG_LEVEL_TRACE);
    CHECK(strncmp(target, "saltyrtc", 8) == 0 && message != NULL);
    lock();
    memset(&self->user_data, 0, sizeof self->user_data);
    unlock();
    FAILS(SALTYRTC_STATUS_WOULD_DEADLOCK, "log callback",
          saltyrtc_client_new(NULL, NULL, NULL, NULL, &client, &error));
    CHECK(client == NULL);
    lock();
    self->calls++;
    unlock();
}

static void using_the_library_in_a_log_callback_is_refused(const test_server *server) {
    saltyrtc_error *error = NULL;
    log_watch log;
    saltyrtc_client *client;
    memset(&log, 0, sizeof log);
    OK(saltyrtc_log_set_callback(SALTYRTC_LOG_LEVEL_TRACE, on_log, &log, NULL, &error));
    client = pull_client(initiator_config(server, NULL));
    SKIP_TO(client, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE);
    saltyrtc_client_free(client);
    AWAIT(log.calls > 0);
    OK(saltyrtc_log_set_callback(SALTYRTC_LOG_LEVEL_OFF, NULL, NULL, NULL, &error));
    /* A call that has begun may still run. */
    end_library();
    checked("using the library in a log callback is refused");
}

static void user_data_is_freed_if_there_will_be_no_callback(const test_server *server) {
    saltyrtc_error *error = NULL;
    saltyrtc_client *client = NULL;
    saltyrtc_config *config = initiator_config(server, NULL);
    watch self;
    memset(&self, 0, sizeof self);
    FAILS(SALTYRTC_STATUS_BAD_CONFIG, "task",
          saltyrtc_client_new(config, on_event, &self, on_free, &client, &error));
    CHECK(self.freed == 1 && client == NULL);
    memset(&self, 0, sizeof self);
    FAILS(SALTYRTC_STATUS_NULL_ARGUMENT, "config",
          saltyrtc_client_new(NULL, on_event, &self, on_free, &client, &error));
    CHECK(self.freed == 1 && client == NULL);
    memset(&self, 0, sizeof self);
    FAILS(SALTYRTC_STATUS_NULL_ARGUMENT, "out",
          saltyrtc_client_new(config, NULL, &self, on_free, NULL, &error));
    CHECK(self.freed == 1);
    memset(&self, 0, sizeof self);
    FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, "level",
          saltyrtc_log_set_callback(99, on_log, &self, on_free, &error));
    CHECK(self.freed == 1);
    memset(&self, 0, sizeof self);
    OK(saltyrtc_log_set_callback(SALTYRTC_LOG_LEVEL_ERROR, NULL, &self, on_free, &error));
    CHECK(self.freed == 1);
    /* Without callback, it is freed with the client. */
    memset(&self, 0, sizeof self);
    with_relayed_data(config);
    OK(saltyrtc_client_new(config, NULL, &self, on_free, &client, &error));
    CHECK(self.freed == 0);
    saltyrtc_client_free(client);
    CHECK(self.freed == 1);
    saltyrtc_config_free(config);
    checked("user data is freed if there will be no callback");
}

int main(void) {
    test_server server;
    start_server(&server);
    free_initiator_at(&server, SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE,
                      "freed at SERVER_HANDSHAKE_DONE");
    free_initiator_at(&server, SALTYRTC_EVENT_KIND_RESPONDER_JOINED, "freed at RESPONDER_JOINED");
    free_at_responder_left(&server);
    free_at_initiator_joined(&server);
    free_initiator_at(&server, SALTYRTC_EVENT_KIND_TOKEN_USED, "freed at TOKEN_USED");
    free_initiator_at(&server, SALTYRTC_EVENT_KIND_RESPONDER_FAILED, "freed at RESPONDER_FAILED");
    free_initiator_at(&server, SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE,
                      "freed at PEER_HANDSHAKE_DONE");
    free_initiator_at(&server, SALTYRTC_EVENT_KIND_DATA, "freed at DATA");
    free_initiator_at(&server, SALTYRTC_EVENT_KIND_APPLICATION, "freed at APPLICATION");
    free_initiator_at(&server, SALTYRTC_EVENT_KIND_TASK_MESSAGE, "freed at TASK_MESSAGE");
    free_at_send_error();
    free_at_peer_left(&server);
    free_at_writable(&server);
    free_initiator_at(&server, SALTYRTC_EVENT_KIND_CLOSED, "freed at CLOSED");
    freed_in_the_callback_of_another(&server);
    freed_when_user_data_is_freed(&server);
    freed_while_the_callback_runs(&server);
    made_in_a_callback(&server);
    sent_in_callbacks(&server);
    waiting_in_a_callback_is_refused(&server);
    user_data_is_freed_if_there_will_be_no_callback(&server);
    end_server(&server);
    start_server(&server);
    using_the_library_in_a_log_callback_is_refused(&server);
    saltyrtc_server_free(server.handle);
    end_library();
    return 0;
}
