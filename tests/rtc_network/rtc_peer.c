/* A peer with the built-in WebRTC, made to be watched: README.md has its command line and its events. */

#include "watched.h"

typedef struct {
    watched common;
    uint32_t out, in; /* the channels; 0: none yet */
    uint8_t *message;
    char local[64], remote[64]; /* the path that was told last */
} peer;

static saltyrtc_rtc_config *rtc;

/* ---- The path ---- */

static const char *state_name(saltyrtc_connection_state state) {
    switch (state) {
    case SALTYRTC_CONNECTION_STATE_NEW: return "new";
    case SALTYRTC_CONNECTION_STATE_CONNECTING: return "connecting";
    case SALTYRTC_CONNECTION_STATE_CONNECTED: return "connected";
    case SALTYRTC_CONNECTION_STATE_DISCONNECTED: return "disconnected";
    case SALTYRTC_CONNECTION_STATE_UNREACHABLE: return "unreachable";
    case SALTYRTC_CONNECTION_STATE_FAILED: return "failed";
    case SALTYRTC_CONNECTION_STATE_CLOSED: return "closed";
    default: return "unknown";
    }
}

static const char *type_name(saltyrtc_candidate_type type) {
    switch (type) {
    case SALTYRTC_CANDIDATE_TYPE_HOST: return "host";
    case SALTYRTC_CANDIDATE_TYPE_SERVER_REFLEXIVE: return "srflx";
    case SALTYRTC_CANDIDATE_TYPE_PEER_REFLEXIVE: return "prflx";
    case SALTYRTC_CANDIDATE_TYPE_RELAYED: return "relay";
    default: return "none";
    }
}

static const char *relay_name(saltyrtc_relay_protocol protocol) {
    switch (protocol) {
    case SALTYRTC_RELAY_PROTOCOL_UDP: return "udp";
    case SALTYRTC_RELAY_PROTOCOL_TCP: return "tcp";
    case SALTYRTC_RELAY_PROTOCOL_TLS: return "tls";
    default: return "none";
    }
}

/* Tells the path in use: always, or only if it is another one than before. */
static void path(peer *peer, bool always) {
    saltyrtc_rtc_stats stats;
    memset(&stats, 0, sizeof stats);
    stats.struct_size = sizeof stats;
    CALL(saltyrtc_client_rtc_stats(peer->common.client, &stats, &error));
    if (stats.local_type == SALTYRTC_CANDIDATE_TYPE_NONE) {
        return;
    }
    if (!always && strcmp(peer->local, stats.local_address) == 0 &&
        strcmp(peer->remote, stats.remote_address) == 0) {
        return;
    }
    memcpy(peer->local, stats.local_address, sizeof peer->local);
    memcpy(peer->remote, stats.remote_address, sizeof peer->remote);
    printf("{\"event\": \"path\", \"local\": \"%s\", \"remote\": \"%s\", \"relay_protocol\": \"%s\", "
           "\"local_address\": \"%s\", \"remote_address\": \"%s\", \"rtt_ms\": %.3f}\n",
           type_name(stats.local_type), type_name(stats.remote_type), relay_name(stats.relay_protocol),
           stats.local_address, stats.remote_address, (double)stats.round_trip_time_us / 1000);
    fflush(stdout);
}

static void progress_and_path(peer *peer) {
    if (progress(&peer->common)) {
        path(peer, false);
    }
}

/* ---- The channels ---- */

static void send_on(peer *peer) {
    direction *out = &peer->common.out;
    size_t buffered = 0, size;
    if (peer->out == 0 || out->closed) {
        return;
    }
    while (out->done < out->expected) {
        CALL(saltyrtc_client_channel_buffered_amount(peer->common.client, peer->out, &buffered, &error));
        if (buffered > HIGH_WATER) {
            return;
        }
        size = next_message(&peer->common, peer->message);
        CALL(saltyrtc_client_channel_send_bytes(peer->common.client, peer->out, peer->message, size, &error));
        out->done += size;
        progress_and_path(peer);
    }
}

static void open_channel(peer *peer) {
    saltyrtc_channel_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.label = LABEL;
    CALL(saltyrtc_client_open_channel(peer->common.client, &options, &peer->out, &error));
}

static void opened(peer *peer, const saltyrtc_event *event) {
    if (!event->opened_by_peer) {
        CALL(saltyrtc_client_channel_set_low_water(peer->common.client, event->channel, LOW_WATER, &error));
        send_on(peer);
        return;
    }
    if (peer->in != 0 || peer->common.in.expected == 0 || strcmp(event->label, LABEL) != 0 || event->plain ||
        event->unordered || event->reliability != SALTYRTC_RELIABILITY_RELIABLE) {
        fail("the peer opened a channel that it was not to open");
    }
    peer->in = event->channel;
}

static void message(peer *peer, const saltyrtc_event *event) {
    watched *common = &peer->common;
    if (event->channel != peer->in) {
        answered(common, event->data, event->data_len);
        CALL(saltyrtc_client_channel_close(common->client, peer->out, &error));
        return;
    }
    const bool all = received(common, event->data, event->data_len);
    progress_and_path(peer);
    if (all) {
        CALL(saltyrtc_client_channel_send_text(common->client, peer->in, ALL_RIGHT, strlen(ALL_RIGHT), &error));
        common->in.acknowledged = true;
        event_number("received", "bytes", common->in.done);
    }
}

/* ---- What happens ---- */

/* Returns whether the connection is lost. */
static bool connection_state(peer *peer, const saltyrtc_event *event) {
    event_text("state", "state", state_name(event->connection_state));
    switch (event->connection_state) {
    case SALTYRTC_CONNECTION_STATE_CONNECTED:
        path(peer, true);
        say(&peer->common, 2);
        if (peer->common.out.expected > 0 && peer->out == 0) {
            open_channel(peer);
        }
        return false;
    case SALTYRTC_CONNECTION_STATE_FAILED:
        return true;
    case SALTYRTC_CONNECTION_STATE_UNREACHABLE:
        return peer->common.stays;
    default:
        return false;
    }
}

static outcome run(peer *peer) {
    watched *common = &peer->common;
    for (;;) {
        saltyrtc_event *taken = NULL;
        CALL(saltyrtc_client_next_event(common->client, -1, &taken, &error));
        switch (taken->kind) {
        case SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE:
            peer_is_there(common, taken);
            break;
        case SALTYRTC_EVENT_KIND_APPLICATION:
            hear(common, taken);
            break;
        case SALTYRTC_EVENT_KIND_CONNECTION_STATE:
            if (connection_state(peer, taken)) {
                const outcome end = lost(common, taken->text != NULL ? taken->text : "the connection has failed");
                saltyrtc_event_free(taken);
                return end;
            }
            break;
        case SALTYRTC_EVENT_KIND_CONNECTION_PROBLEM:
            event_text("problem", "text", taken->text);
            break;
        case SALTYRTC_EVENT_KIND_HANDED_OVER:
            handed_over(common);
            break;
        case SALTYRTC_EVENT_KIND_CHANNEL_OPENED:
            opened(peer, taken);
            break;
        case SALTYRTC_EVENT_KIND_CHANNEL_LOW_WATER:
            send_on(peer);
            break;
        case SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE:
            message(peer, taken);
            break;
        case SALTYRTC_EVENT_KIND_CHANNEL_CLOSED:
            /* With a peer that is lost go its channels. */
            if (!common->stays || taken->text == NULL) {
                channel_closed(taken->channel == peer->out ? &common->out : &common->in, taken->text);
            }
            break;
        case SALTYRTC_EVENT_KIND_CLOSED: {
            const outcome end = client_closed(common, taken);
            saltyrtc_event_free(taken);
            return end;
        }
        default:
            break;
        }
        saltyrtc_event_free(taken);
        close_if_done(common);
    }
}

/* ---- The command line ---- */

/* URL[,USER,PASSWORD] */
static bool add_ice_server(char *text) {
    char *user = strchr(text, ','), *password = NULL;
    if (user != NULL) {
        *user++ = '\0';
        password = strchr(user, ',');
        if (password == NULL) {
            return false;
        }
        *password++ = '\0';
    }
    CALL(saltyrtc_rtc_config_add_ice_server(rtc, text, user, password, &error));
    return true;
}

static bool set_dtls_role(const char *name) {
    static const char *const names[] = {"auto", "client", "server"};
    int32_t role;
    for (role = 0; role < 3; role++) {
        if (strcmp(name, names[role]) == 0) {
            CALL(saltyrtc_rtc_config_set_dtls_role(rtc, role, &error));
            return true;
        }
    }
    return false;
}

static bool rtc_option(char *argument) {
    char *value = value_of(argument, "--ice");
    if (value != NULL) {
        return add_ice_server(value);
    }
    if (strcmp(argument, "--ortc") == 0) {
        CALL(saltyrtc_rtc_config_set_tasks(rtc, SALTYRTC_RTC_TASKS_ORTC, &error));
        return true;
    }
    if ((value = value_of(argument, "--dtls")) != NULL) {
        return set_dtls_role(value);
    }
    if (strcmp(argument, "--relay-only") == 0) {
        CALL(saltyrtc_rtc_config_set_relay_only(rtc, true, &error));
        return true;
    }
    return false;
}

int main(int argc, char **argv) {
    static peer peer;
    outcome end;
    CALL(saltyrtc_rtc_config_new(&rtc, &error));
    read_options(&peer.common, argc, argv, rtc_option);
    peer.message = (uint8_t *)malloc(peer.common.message_size);
    watch_log(&peer.common);
    do {
        saltyrtc_config *config = configuration(&peer.common);
        CALL(saltyrtc_config_add_rtc_task(config, rtc, &error));
        peer.out = peer.in = 0;
        connect_client(&peer.common, config);
        end = run(&peer);
        saltyrtc_client_free(peer.common.client);
    } while (end == AGAIN);
    saltyrtc_rtc_config_free(rtc);
    CALL(saltyrtc_shutdown(10000, &error));
    free(peer.message);
    return end == OVER ? 0 : 1;
}
