/*
 * The counterpart of rtc_peer with GStreamer's webrtcbin, through the functions for a WebRTC of one's own.
 * README.md has its command line and its events.
 *
 * Everything happens in the main thread: what comes on threads of webrtcbin is passed on to it, in order.
 */
#include "watched.h"

#include <glib-unix.h>
#include <gst/gst.h>
#include <gst/sdp/sdp.h>
#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>

#include "../../examples-c/gstreamer_certificate.h"

enum {
    ANSWER_MS = 10000, /* how long the peer may take to answer our good-bye */
    GRACE_MS = 1000,   /* how long our answer may take to get to the peer, which may not be there any more */
    MAX_MESSAGE = 16 << 20
};

/* A channel of the application. */
typedef struct {
    GstWebRTCDataChannel *channel;
    saltyrtc_secure_channel *secure;
    saltyrtc_chunker *chunker;
    saltyrtc_unchunker *unchunker;
} secure_channel;

typedef struct {
    watched common;
    GMainLoop *loop;
    unsigned run; /* which connection it is */
    GstElement *webrtc;
    bool uses_rsa; /* the certificate that webrtcbin makes by itself */
    struct certificate certificate;
    GstWebRTCDataChannel *signalling;
    secure_channel out, in;
    size_t max_message_size; /* that the peer takes */
    bool client_closed;
    outcome end;
    uint8_t *message, *sealed;
} peer;

static peer the_peer;

/* ---- From the threads of webrtcbin to the main thread ---- */

typedef struct {
    unsigned run;
    void (*then)(GstWebRTCDataChannel *channel, GBytes *bytes);
    GstWebRTCDataChannel *channel;
    GBytes *bytes;
} happening;

static gboolean happen(gpointer data) {
    happening *it = data;
    /* What is left of an earlier connection is of no interest. */
    if (it->run == the_peer.run) {
        it->then(it->channel, it->bytes);
        close_if_done(&the_peer.common);
    }
    return G_SOURCE_REMOVE;
}

static void forget(gpointer data) {
    happening *it = data;
    g_clear_object(&it->channel);
    g_clear_pointer(&it->bytes, g_bytes_unref);
    g_free(it);
}

static void pass_on(void (*then)(GstWebRTCDataChannel *, GBytes *), GstWebRTCDataChannel *channel, GBytes *bytes) {
    happening *it = g_new0(happening, 1);
    it->run = the_peer.run;
    it->then = then;
    it->channel = channel != NULL ? g_object_ref(channel) : NULL;
    it->bytes = bytes != NULL ? g_bytes_ref(bytes) : NULL;
    g_idle_add_full(G_PRIORITY_DEFAULT, happen, it, forget);
}

/* ---- The channels of the application ---- */

static secure_channel *channel_of(GstWebRTCDataChannel *channel) {
    return channel == the_peer.out.channel ? &the_peer.out : &the_peer.in;
}

static void send_message(secure_channel *channel, const uint8_t *data, size_t size) {
    const size_t capacity = the_peer.common.message_size + SALTYRTC_SECURE_CHANNEL_OVERHEAD;
    size_t sealed;
    CALL(saltyrtc_secure_channel_encrypt(channel->secure, data, size, the_peer.sealed, capacity, &sealed, &error));
    CALL(saltyrtc_chunker_add(channel->chunker, the_peer.sealed, sealed, the_peer.max_message_size, &error));
    for (;;) {
        uint8_t *chunk = g_malloc(the_peer.max_message_size);
        GError *problem = NULL;
        size_t len;
        CALL(saltyrtc_chunker_next(channel->chunker, chunk, the_peer.max_message_size, &len, &error));
        GBytes *bytes = g_bytes_new_take(chunk, len);
        if (len > 0 && !gst_webrtc_data_channel_send_data_full(channel->channel, bytes, &problem)) {
            fail(problem->message);
        }
        g_bytes_unref(bytes);
        if (len == 0) {
            return;
        }
    }
}

static void send_on(GstWebRTCDataChannel *channel, GBytes *nothing) {
    direction *out = &the_peer.common.out;
    (void)nothing;
    /* The message that opens the channel counts, too. */
    while (the_peer.out.secure != NULL && out->done < out->expected) {
        guint64 buffered;
        g_object_get(channel, "buffered-amount", &buffered, NULL);
        if (buffered > HIGH_WATER) {
            return;
        }
        const size_t size = next_message(&the_peer.common, the_peer.message);
        send_message(&the_peer.out, the_peer.message, size);
        out->done += size;
        progress(&the_peer.common);
    }
}

static void opened(GstWebRTCDataChannel *channel, GBytes *nothing) {
    secure_channel *ours = channel_of(channel);
    int id;
    (void)nothing;
    if (ours->secure != NULL) {
        return;
    }
    g_object_get(channel, "id", &id, NULL);
    CALL(saltyrtc_secure_channel_new(the_peer.common.client, (uint16_t)id, &ours->secure, &error));
    CALL(saltyrtc_chunker_new(SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED, &ours->chunker, &error));
    CALL(saltyrtc_unchunker_new(SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED, MAX_MESSAGE, 2 * MAX_MESSAGE, 60000, 0,
                                &ours->unchunker, &error));
    if (ours == &the_peer.out) {
        send_on(channel, NULL);
    }
}

/* A message without the encryption. */
static void message(GstWebRTCDataChannel *channel, const uint8_t *data, size_t size) {
    if (channel == the_peer.out.channel) {
        answered(&the_peer.common, data, size);
        gst_webrtc_data_channel_close(channel);
        return;
    }
    const bool all = received(&the_peer.common, data, size);
    progress(&the_peer.common);
    if (all) {
        send_message(&the_peer.in, (const uint8_t *)ALL_RIGHT, strlen(ALL_RIGHT));
        the_peer.common.in.acknowledged = true;
        event_number("received", "bytes", the_peer.common.in.done);
    }
}

static void chunk(GstWebRTCDataChannel *channel, GBytes *bytes) {
    secure_channel *ours = channel_of(channel);
    gsize size;
    size_t len;
    const uint8_t *data = g_bytes_get_data(bytes, &size);
    CALL(saltyrtc_unchunker_add(ours->unchunker, data, size, &len, &error));
    if (len == 0) {
        return;
    }
    uint8_t *sealed = g_malloc(len), *opened = g_malloc(len);
    CALL(saltyrtc_unchunker_next(ours->unchunker, sealed, len, &len, &error));
    CALL(saltyrtc_secure_channel_decrypt(ours->secure, sealed, len, opened, len, &len, &error));
    message(channel, opened, len);
    g_free(opened);
    g_free(sealed);
}

static void ended(GstWebRTCDataChannel *channel, GBytes *nothing) {
    (void)nothing;
    channel_closed(channel == the_peer.out.channel ? &the_peer.common.out : &the_peer.common.in, NULL);
}

static void on_open(GstWebRTCDataChannel *channel, gpointer data) {
    (void)data;
    pass_on(opened, channel, NULL);
}

static void on_message(GstWebRTCDataChannel *channel, GBytes *bytes, gpointer data) {
    (void)data;
    pass_on(chunk, channel, bytes);
}

static void on_low(GstWebRTCDataChannel *channel, gpointer data) {
    (void)data;
    pass_on(send_on, channel, NULL);
}

static void on_close(GstWebRTCDataChannel *channel, gpointer data) {
    (void)data;
    pass_on(ended, channel, NULL);
}

static void watch_channel(GstWebRTCDataChannel *channel) {
    g_object_set(channel, "buffered-amount-low-threshold", (guint64)LOW_WATER, NULL);
    g_signal_connect(channel, "on-message-data", G_CALLBACK(on_message), NULL);
    g_signal_connect(channel, "on-buffered-amount-low", G_CALLBACK(on_low), NULL);
    g_signal_connect(channel, "on-close", G_CALLBACK(on_close), NULL);
}

/* The peer has opened a channel. */
static void joined(GstWebRTCDataChannel *channel, GBytes *nothing) {
    char *label = NULL;
    gboolean ordered;
    int retransmits, lifetime;
    (void)nothing;
    g_object_get(channel, "label", &label, "ordered", &ordered, "max-retransmits", &retransmits,
                 "max-packet-lifetime", &lifetime, NULL);
    if (the_peer.in.channel != NULL || the_peer.common.in.expected == 0 || g_strcmp0(label, LABEL) != 0 || !ordered ||
        retransmits != -1 || lifetime != -1) {
        fail("the peer opened a channel that it was not to open");
    }
    g_free(label);
    the_peer.in.channel = g_object_ref(channel);
    opened(channel, NULL);
}

static void on_channel(GstElement *webrtc, GstWebRTCDataChannel *channel, gpointer data) {
    (void)webrtc;
    (void)data;
    watch_channel(channel);
    pass_on(joined, channel, NULL);
}

static GstWebRTCDataChannel *make_channel(const char *label, GstStructure *options) {
    GstWebRTCDataChannel *channel = NULL;
    g_signal_emit_by_name(the_peer.webrtc, "create-data-channel", label, options, &channel);
    if (options != NULL) {
        gst_structure_free(options);
    }
    if (channel == NULL) {
        fail("webrtcbin makes no data channel");
    }
    return channel;
}

/* ---- The channel of the signalling ---- */

static void signalling_opened(GstWebRTCDataChannel *channel, GBytes *nothing) {
    GstWebRTCSCTPTransport *sctp = NULL;
    guint64 size;
    (void)channel;
    (void)nothing;
    g_object_get(the_peer.webrtc, "sctp-transport", &sctp, NULL);
    g_object_get(sctp, "max-message-size", &size, NULL);
    g_object_unref(sctp);
    the_peer.max_message_size = (size_t)MIN(size, MAX_MESSAGE);
    CALL(saltyrtc_client_hand_over(the_peer.common.client, the_peer.max_message_size, NULL, NULL, NULL, NULL, &error));
    say(&the_peer.common, 2);
    if (the_peer.common.out.expected > 0) {
        GstWebRTCDataChannelState state;
        the_peer.out.channel = make_channel(LABEL, NULL);
        watch_channel(the_peer.out.channel);
        g_signal_connect(the_peer.out.channel, "on-open", G_CALLBACK(on_open), NULL);
        /* It may have opened before anybody listened. */
        g_object_get(the_peer.out.channel, "ready-state", &state, NULL);
        if (state == GST_WEBRTC_DATA_CHANNEL_STATE_OPEN) {
            pass_on(opened, the_peer.out.channel, NULL);
        }
    }
}

static void signalling_message(GstWebRTCDataChannel *channel, GBytes *bytes) {
    gsize size;
    const uint8_t *data = g_bytes_get_data(bytes, &size);
    (void)channel;
    CALL(saltyrtc_client_transport_receive(the_peer.common.client, data, size, &error));
}

static void signalling_closed(GstWebRTCDataChannel *channel, GBytes *nothing) {
    (void)channel;
    (void)nothing;
    g_clear_object(&the_peer.signalling);
    CALL(saltyrtc_client_transport_closed(the_peer.common.client, &error));
    if (the_peer.client_closed) {
        g_main_loop_quit(the_peer.loop);
    }
}

static void on_signalling_open(GstWebRTCDataChannel *channel, gpointer data) {
    (void)data;
    pass_on(signalling_opened, channel, NULL);
}

static void on_signalling_message(GstWebRTCDataChannel *channel, GBytes *bytes, gpointer data) {
    (void)data;
    pass_on(signalling_message, channel, bytes);
}

static void on_signalling_close(GstWebRTCDataChannel *channel, gpointer data) {
    (void)data;
    pass_on(signalling_closed, channel, NULL);
}

static void send_signalling(const saltyrtc_event *message) {
    if (the_peer.signalling != NULL) {
        GBytes *bytes = g_bytes_new(message->data, message->data_len);
        gst_webrtc_data_channel_send_data_full(the_peer.signalling, bytes, NULL);
        g_bytes_unref(bytes);
    }
}

static gboolean quit(gpointer data) {
    (void)data;
    g_main_loop_quit(the_peer.loop);
    return G_SOURCE_REMOVE;
}

static gboolean unanswered(gpointer data) {
    (void)data;
    event("unanswered");
    the_peer.end = FAILED;
    return quit(NULL);
}

/* webrtcbin loses messages, sent or received, just before a channel is closed. So whoever says good-bye leaves it
   to the other one, which has nothing more to say, to close the channel. */
static void last_event(const saltyrtc_event *last) {
    the_peer.client_closed = true;
    the_peer.end = client_closed(&the_peer.common, last);
    if (the_peer.signalling == NULL || the_peer.end != OVER) {
        g_main_loop_quit(the_peer.loop);
        return;
    }
    if (the_peer.common.closing) {
        g_timeout_add(ANSWER_MS, unanswered, NULL);
    } else {
        gst_webrtc_data_channel_close(the_peer.signalling);
        g_timeout_add(GRACE_MS, quit, NULL);
    }
}

/* ---- The connection ---- */

static void on_description(GstPromise *promise, gpointer data) {
    const char *name = the_peer.common.initiator ? "offer" : "answer";
    GstWebRTCSessionDescription *description = NULL;
    const GstStructure *reply = gst_promise_get_reply(promise);
    (void)data;
    if (reply != NULL) {
        gst_structure_get(reply, name, GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &description, NULL);
    }
    gst_promise_unref(promise);
    if (description == NULL) {
        fail("webrtcbin makes no session description");
    }
    if (!the_peer.uses_rsa) {
        certificate_describe(&the_peer.certificate, description->sdp);
    }
    g_signal_emit_by_name(the_peer.webrtc, "set-local-description", description, NULL);
    char *sdp = gst_sdp_message_as_text(description->sdp);
    gst_webrtc_session_description_free(description);
    if (the_peer.common.initiator) {
        CALL(saltyrtc_client_send_offer(the_peer.common.client, name, sdp, strlen(sdp), &error));
    } else {
        CALL(saltyrtc_client_send_answer(the_peer.common.client, name, sdp, strlen(sdp), &error));
    }
    g_free(sdp);
}

static void describe(void) {
    g_signal_emit_by_name(the_peer.webrtc, the_peer.common.initiator ? "create-offer" : "create-answer", NULL,
                          gst_promise_new_with_change_func(on_description, NULL, NULL));
}

static void on_candidate(GstElement *webrtc, guint index, char *candidate, gpointer data) {
    (void)webrtc;
    (void)data;
    CALL(saltyrtc_client_send_candidate(the_peer.common.client, candidate, strlen(candidate), NULL, 0,
                                        (int32_t)index, NULL, 0, &error));
}

/* The certificate that is this property of the DTLS transport. */
static X509 *certificate_of(GstWebRTCDTLSTransport *dtls, const char *property) {
    char *pem = NULL;
    g_object_get(dtls, property, &pem, NULL);
    BIO *bio = BIO_new_mem_buf(pem != NULL ? pem : "", -1);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (x509 == NULL) {
        fail("webrtcbin has no certificate");
    }
    BIO_free(bio);
    g_free(pem);
    return x509;
}

/* Whether this is the certificate whose fingerprint is in our description. */
static bool described(const X509 *x509) {
    GstWebRTCSessionDescription *description = NULL;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    GString *line = g_string_new("\na=fingerprint:sha-256");
    X509_digest(x509, EVP_sha256(), digest, &size);
    for (unsigned int i = 0; i < size; i++) {
        g_string_append_printf(line, "%c%02X", i == 0 ? ' ' : ':', digest[i]);
    }
    g_string_append(line, "\r\n");
    g_object_get(the_peer.webrtc, "local-description", &description, NULL);
    char *sdp = gst_sdp_message_as_text(description->sdp);
    const bool found = strstr(sdp, line->str) != NULL;
    g_free(sdp);
    gst_webrtc_session_description_free(description);
    g_string_free(line, TRUE);
    return found;
}

/* Tells which certificates were used in the handshake. */
static void tell_certificates(void) {
    GstWebRTCSCTPTransport *sctp = NULL;
    GstWebRTCDTLSTransport *dtls = NULL;
    g_object_get(the_peer.webrtc, "sctp-transport", &sctp, NULL);
    g_object_get(sctp, "transport", &dtls, NULL);
    X509 *ours = certificate_of(dtls, "certificate"), *of_peer = certificate_of(dtls, "remote-certificate");
    printf("{\"event\": \"certificates\", \"ours\": \"%s\", \"of_peer\": \"%s\", \"described\": %s}\n",
           EVP_PKEY_get0_type_name(X509_get0_pubkey(ours)), EVP_PKEY_get0_type_name(X509_get0_pubkey(of_peer)),
           described(ours) ? "true" : "false");
    fflush(stdout);
    X509_free(of_peer);
    X509_free(ours);
    g_object_unref(dtls);
    g_object_unref(sctp);
}

static void state_changed(GstWebRTCDataChannel *nothing, GBytes *nothing_either) {
    static const char *const names[] = {"new", "connecting", "connected", "disconnected", "failed", "closed"};
    GstWebRTCPeerConnectionState state;
    (void)nothing;
    (void)nothing_either;
    g_object_get(the_peer.webrtc, "connection-state", &state, NULL);
    event_text("state", "state", (guint)state < G_N_ELEMENTS(names) ? names[state] : "unknown");
    if (state == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED) {
        tell_certificates();
    }
    if (state == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED && !the_peer.client_closed) {
        the_peer.end = lost(&the_peer.common, "the connection has failed");
        g_main_loop_quit(the_peer.loop);
    }
}

static void on_state(GstElement *webrtc, GParamSpec *property, gpointer data) {
    (void)webrtc;
    (void)property;
    (void)data;
    pass_on(state_changed, NULL, NULL);
}

/* Only when asked for, libnice notices that the peer is gone; and sooner if a check is not repeated as often as for
   a peer that was never reached. */
static void notice_loss(void) {
    GObject *ice = NULL, *agent = NULL;
    g_object_get(the_peer.webrtc, "ice-agent", &ice, NULL);
    g_object_get(ice, "agent", &agent, NULL);
    g_object_set(agent, "keepalive-conncheck", TRUE, "stun-max-retransmissions", 4U, NULL);
    g_object_unref(agent);
    g_object_unref(ice);
}

static void start_webrtc(void) {
    uint16_t id;
    const char *label, *protocol;
    CALL(saltyrtc_client_signalling_channel(the_peer.common.client, &id, &label, &protocol, &error));
    the_peer.webrtc = gst_element_factory_make("webrtcbin", NULL);
    if (the_peer.webrtc == NULL) {
        fail("the plug-ins webrtc and nice of GStreamer are not installed");
    }
    gst_object_ref_sink(the_peer.webrtc);
    if (!the_peer.uses_rsa) {
        if (!certificate_make(&the_peer.certificate)) {
            fail("OpenSSL makes no certificate");
        }
        certificate_use(&the_peer.certificate, the_peer.webrtc);
    }
    g_signal_connect(the_peer.webrtc, "on-ice-candidate", G_CALLBACK(on_candidate), NULL);
    g_signal_connect(the_peer.webrtc, "on-data-channel", G_CALLBACK(on_channel), NULL);
    g_signal_connect(the_peer.webrtc, "notify::connection-state", G_CALLBACK(on_state), NULL);
    notice_loss();
    gst_element_set_state(the_peer.webrtc, GST_STATE_PLAYING); /* or there are no data channels to be had */
    the_peer.signalling =
        make_channel(label, gst_structure_new("options", "ordered", G_TYPE_BOOLEAN, TRUE, "negotiated", G_TYPE_BOOLEAN,
                                              TRUE, "id", G_TYPE_INT, id, "protocol", G_TYPE_STRING, protocol, NULL));
    g_signal_connect(the_peer.signalling, "on-open", G_CALLBACK(on_signalling_open), NULL);
    g_signal_connect(the_peer.signalling, "on-message-data", G_CALLBACK(on_signalling_message), NULL);
    g_signal_connect(the_peer.signalling, "on-close", G_CALLBACK(on_signalling_close), NULL);
    if (the_peer.common.initiator) {
        event_text("offer", "by", "us");
        describe();
    }
}

static void free_channel(secure_channel *channel) {
    saltyrtc_secure_channel_free(channel->secure);
    saltyrtc_chunker_free(channel->chunker);
    saltyrtc_unchunker_free(channel->unchunker);
    g_clear_object(&channel->channel);
    memset(channel, 0, sizeof *channel);
}

/* Without this, stopping would wait for ever for a peer that is gone to take what is being sent. */
static void give_up_sending(void) {
    GstIterator *encoders =
        gst_bin_iterate_all_by_element_factory_name(GST_BIN(the_peer.webrtc), "sctpenc");
    GValue encoder = G_VALUE_INIT, pad = G_VALUE_INIT;
    while (gst_iterator_next(encoders, &encoder) == GST_ITERATOR_OK) {
        GstIterator *pads = gst_element_iterate_sink_pads(g_value_get_object(&encoder));
        while (gst_iterator_next(pads, &pad) == GST_ITERATOR_OK) {
            gst_pad_send_event(g_value_get_object(&pad), gst_event_new_flush_start());
            g_value_reset(&pad);
        }
        gst_iterator_free(pads);
        g_value_reset(&encoder);
    }
    gst_iterator_free(encoders);
}

static void stop_webrtc(void) {
    if (the_peer.webrtc == NULL) {
        return;
    }
    if (the_peer.end == AGAIN) {
        give_up_sending();
    }
    /* This waits for the threads of webrtcbin. */
    gst_element_set_state(the_peer.webrtc, GST_STATE_NULL);
    g_clear_object(&the_peer.signalling);
    free_channel(&the_peer.out);
    free_channel(&the_peer.in);
    g_clear_object(&the_peer.webrtc);
    certificate_clear(&the_peer.certificate);
}

static void use_description(GstWebRTCSDPType type, const char *text) {
    GstSDPMessage *sdp;
    if (text == NULL || gst_sdp_message_new_from_text(text, &sdp) != GST_SDP_OK) {
        fail("the peer sent no session description");
    }
    GstWebRTCSessionDescription *description = gst_webrtc_session_description_new(type, sdp);
    /* webrtcbin does these things one after another: an answer can be asked for at once. */
    g_signal_emit_by_name(the_peer.webrtc, "set-remote-description", description, NULL);
    gst_webrtc_session_description_free(description);
    if (type == GST_WEBRTC_SDP_TYPE_OFFER) {
        event_text("offer", "by", "peer");
        describe();
    }
}

static void use_candidates(const saltyrtc_event *candidates) {
    for (size_t i = 0; i < candidates->candidates_len; i++) {
        const char *candidate = candidates->candidates[i].candidate;
        /* Without text: there are no more, which webrtcbin does not need to know. */
        if (candidate != NULL && *candidate != '\0') {
            /* There is one media description, the one of the data channels. */
            g_signal_emit_by_name(the_peer.webrtc, "add-ice-candidate", 0U, candidate);
        }
    }
}

static void client_event(const saltyrtc_event *taken) {
    switch (taken->kind) {
    case SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE:
        peer_is_there(&the_peer.common, taken);
        start_webrtc();
        break;
    case SALTYRTC_EVENT_KIND_OFFER: use_description(GST_WEBRTC_SDP_TYPE_OFFER, taken->sdp); break;
    case SALTYRTC_EVENT_KIND_ANSWER: use_description(GST_WEBRTC_SDP_TYPE_ANSWER, taken->sdp); break;
    case SALTYRTC_EVENT_KIND_CANDIDATES: use_candidates(taken); break;
    case SALTYRTC_EVENT_KIND_APPLICATION: hear(&the_peer.common, taken); break;
    case SALTYRTC_EVENT_KIND_HANDED_OVER: handed_over(&the_peer.common); break;
    case SALTYRTC_EVENT_KIND_TRANSPORT_SEND: send_signalling(taken); break;
    case SALTYRTC_EVENT_KIND_CLOSED: last_event(taken); break;
    default: break;
    }
}

static gboolean on_client_events(gint fd, GIOCondition condition, gpointer data) {
    saltyrtc_event *taken = NULL;
    (void)fd;
    (void)condition;
    (void)data;
    while (saltyrtc_client_next_event(the_peer.common.client, 0, &taken, NULL) == SALTYRTC_STATUS_OK) {
        client_event(taken);
        saltyrtc_event_free(taken);
    }
    close_if_done(&the_peer.common);
    return G_SOURCE_CONTINUE;
}

static void run(void) {
    saltyrtc_config *config = configuration(&the_peer.common);
    int fd;
    CALL(saltyrtc_config_add_webrtc_task(config, NULL, 0, true, &error));
    the_peer.run++;
    the_peer.client_closed = false;
    connect_client(&the_peer.common, config);
    CALL(saltyrtc_client_event_fd(the_peer.common.client, &fd, &error));
    const guint events = g_unix_fd_add(fd, G_IO_IN, on_client_events, NULL);
    g_main_loop_run(the_peer.loop);
    g_source_remove(events);
    stop_webrtc();
    saltyrtc_client_free(the_peer.common.client);
}

static bool gst_option(char *argument) {
    if (strcmp(argument, "--rsa") == 0) {
        the_peer.uses_rsa = true;
        return true;
    }
    return false;
}

int main(int argc, char **argv) {
    gst_init(NULL, NULL);
    read_options(&the_peer.common, argc, argv, gst_option);
    the_peer.message = g_malloc(the_peer.common.message_size);
    the_peer.sealed = g_malloc(MAX(the_peer.common.message_size, sizeof ALL_RIGHT) + SALTYRTC_SECURE_CHANNEL_OVERHEAD);
    the_peer.loop = g_main_loop_new(NULL, FALSE);
    watch_log(&the_peer.common);
    do {
        run();
    } while (the_peer.end == AGAIN);
    g_main_loop_unref(the_peer.loop);
    CALL(saltyrtc_shutdown(10000, &error));
    g_free(the_peer.sealed);
    g_free(the_peer.message);
    return the_peer.end == OVER ? 0 : 1;
}
