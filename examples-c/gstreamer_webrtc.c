/*
 * gstreamer_webrtc: a chat over a data channel of GStreamer's webrtcbin. SaltyRTC carries the signalling,
 * end-to-end encrypted: over a server at first, over a data channel of its own once there is one.
 *
 *     gstreamer_webrtc initiate [SERVER-URL]
 *     gstreamer_webrtc join INVITATION
 *
 * The initiator prints an invitation. Lines typed are sent, lines received are printed, and the end of the
 * input (Ctrl-D) closes. Without SERVER-URL the initiator runs a server of its own, which can be reached on
 * this machine only.
 *
 * There are three kinds of threads: the main thread runs a GLib main loop, the library calls on_event,
 * send_signalling and close_signalling on a thread of its own, and the signals and promises of webrtcbin
 * come on its threads. Both sides can be called by any thread, so they mostly call each other directly; what
 * touches the input, or asks webrtcbin while it holds its lock, goes through the main loop. At the end
 * webrtcbin is stopped first, which waits for its threads, and then the client is freed.
 *
 * Compile it with: pkg-config saltyrtc gstreamer-webrtc-1.0 gstreamer-sdp-1.0 libcrypto
 */
#include <saltyrtc.h>

#include <glib-unix.h>
#include <gst/gst.h>
#include <gst/sdp/sdp.h>
#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "gstreamer_certificate.h"

enum {
    CHAT_ID = 1,            /* the data channel of the chat, on both sides: not for the task */
    END = 4,                /* the message that is no line: there are no more */
    LINE_BYTES = 4096,      /* of a message: too few to need chunks */
    HIGH_WATER = 64 * 1024, /* so many bytes wait to be sent: no more lines are read… */
    LOW_WATER = 16 * 1024,  /* … until it is so few */
    CLOSE_MS = 3000         /* how long the data channel may take to close at the end */
};

struct app {
    gboolean initiator;
    saltyrtc_client *client;
    saltyrtc_secure_channel *secure;
    GMainLoop *loop;
    GstElement *webrtc;
    struct certificate certificate;
    GstWebRTCDataChannel *signalling, *chat;
    gboolean signalling_open, client_closed, input_over, failed;
    /* Used by the main thread only. */
    guint input;
    char line[LINE_BYTES];
    size_t line_length;
};

static void fail(const char *what, saltyrtc_error *error) {
    g_printerr("%s%s\n", what, error ? saltyrtc_error_message(error) : "");
    exit(1);
}

static void check(saltyrtc_status status, saltyrtc_error **error) {
    if (status != SALTYRTC_STATUS_OK) fail("", *error);
}

static void complain(const char *what, saltyrtc_status status, saltyrtc_error *error) {
    if (status == SALTYRTC_STATUS_OK) return;
    g_printerr("* %s: %s\n", what, saltyrtc_error_message(error));
    saltyrtc_error_free(error);
}

static void give_up(struct app *app, const char *why) {
    g_printerr("* %s\n", why);
    saltyrtc_client_close(app->client, NULL);
}

/* ---- The end ---- */

static gboolean quit(gpointer user_data) {
    g_main_loop_quit(((struct app *)user_data)->loop);
    return G_SOURCE_REMOVE;
}

/* Ends when the client is closed and its last words have gone out, which the closed channel shows. */
static gboolean quit_if_over(gpointer user_data) {
    struct app *app = user_data;
    if (app->client_closed && app->signalling_open) g_timeout_add(CLOSE_MS, quit, app);
    else if (app->client_closed) quit(app);
    return G_SOURCE_REMOVE;
}

/* ---- The signalling: between the library and webrtcbin ---- */

static void send_signalling(saltyrtc_client *client, const uint8_t *data, size_t size, void *user_data) {
    struct app *app = user_data;
    GBytes *bytes = g_bytes_new(data, size);
    if (!gst_webrtc_data_channel_send_data_full(app->signalling, bytes, NULL)) {
        saltyrtc_client_transport_closed(client, NULL);
    }
    g_bytes_unref(bytes);
}

/* webrtcbin loses messages, sent or received, just before a channel is closed. So whoever says good-bye, with
   the last message of the library, leaves it to the other one to close the channel: see the CLOSED event. */
static void close_signalling(saltyrtc_client *client G_GNUC_UNUSED, void *user_data G_GNUC_UNUSED) {}

static size_t max_message_size(GstElement *webrtc) {
    GstWebRTCSCTPTransport *sctp = NULL;
    guint64 size = 0;
    g_object_get(webrtc, "sctp-transport", &sctp, NULL);
    if (sctp) g_object_get(sctp, "max-message-size", &size, NULL);
    g_clear_object(&sctp);
    return (size_t)MIN(size, SIZE_MAX);
}

static gboolean hand_over(gpointer user_data) {
    struct app *app = user_data;
    saltyrtc_error *error;
    app->signalling_open = TRUE;
    g_printerr("* connected, end-to-end encrypted\n");
    complain("the signalling stays on the server",
             saltyrtc_client_hand_over(app->client, max_message_size(app->webrtc), send_signalling,
                                       close_signalling, app, NULL, &error),
             error);
    return G_SOURCE_REMOVE;
}

/* Here webrtcbin holds its lock: asking it for anything would never end. */
static void on_signalling_open(GstWebRTCDataChannel *channel G_GNUC_UNUSED, struct app *app) {
    g_idle_add(hand_over, app);
}

static void on_signalling_message(GstWebRTCDataChannel *channel G_GNUC_UNUSED, GBytes *message,
                                  struct app *app) {
    gsize size;
    const uint8_t *data = g_bytes_get_data(message, &size);
    saltyrtc_client_transport_receive(app->client, data, size, NULL);
}

static void on_signalling_close(GstWebRTCDataChannel *channel G_GNUC_UNUSED, struct app *app) {
    saltyrtc_client_transport_closed(app->client, NULL);
    app->signalling_open = FALSE;
    g_idle_add(quit_if_over, app);
}

/* ---- The chat ---- */

static void send_line(struct app *app) {
    uint8_t sealed[LINE_BYTES + SALTYRTC_SECURE_CHANNEL_OVERHEAD];
    size_t size;
    saltyrtc_error *error;
    GError *problem = NULL;
    check(saltyrtc_secure_channel_encrypt(app->secure, (const uint8_t *)app->line, app->line_length, sealed,
                                          sizeof sealed, &size, &error),
          &error);
    app->line_length = 0;
    GBytes *bytes = g_bytes_new(sealed, size);
    if (!gst_webrtc_data_channel_send_data_full(app->chat, bytes, &problem)) {
        g_printerr("* not sent: %s\n", problem ? problem->message : "the channel is closed");
        g_clear_error(&problem);
    }
    g_bytes_unref(bytes);
}

/* Reads what is there, at most one line: there may not be room for more. */
static gboolean on_input(gint fd, GIOCondition condition G_GNUC_UNUSED, gpointer user_data) {
    struct app *app = user_data;
    guint64 waiting;
    char byte;
    ssize_t count;
    while ((count = read(fd, &byte, 1)) == 1 && byte != '\n') {
        app->line[app->line_length++] = byte;
        if (app->line_length == LINE_BYTES) break;
    }
    if (count == 1 || app->line_length > 0) send_line(app);
    if (count != 1) {
        app->input = 0;
        app->input_over = TRUE;
        app->line[app->line_length++] = END;
        send_line(app);
        return G_SOURCE_REMOVE;
    }
    g_object_get(app->chat, "buffered-amount", &waiting, NULL);
    if (waiting < HIGH_WATER) return G_SOURCE_CONTINUE;
    app->input = 0;
    return G_SOURCE_REMOVE;
}

static gboolean read_input(gpointer user_data) {
    struct app *app = user_data;
    if (app->input == 0 && !app->input_over) {
        app->input = g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, on_input, app);
    }
    return G_SOURCE_REMOVE;
}

/* The channel has opened, or has sent most of what it had. */
static void on_chat_writable(GstWebRTCDataChannel *channel G_GNUC_UNUSED, struct app *app) {
    g_idle_add(read_input, app);
}

static void on_chat_message(GstWebRTCDataChannel *channel G_GNUC_UNUSED, GBytes *message, struct app *app) {
    uint8_t line[LINE_BYTES];
    gsize size;
    size_t length;
    saltyrtc_error *error;
    const uint8_t *sealed = g_bytes_get_data(message, &size);
    saltyrtc_status status =
        saltyrtc_secure_channel_decrypt(app->secure, sealed, size, line, sizeof line, &length, &error);
    complain("a message cannot be read", status, error);
    if (status != SALTYRTC_STATUS_OK) return;
    if (length == 1 && line[0] == END) saltyrtc_client_close(app->client, NULL);
    else g_print("%.*s\n", (int)length, (const char *)line);
}

/* ---- The connection ---- */

static GstWebRTCDataChannel *open_channel(struct app *app, const char *label, const char *protocol, int id) {
    GstWebRTCDataChannel *channel = NULL;
    GstStructure *options =
        gst_structure_new("options", "ordered", G_TYPE_BOOLEAN, TRUE, "negotiated", G_TYPE_BOOLEAN, TRUE, "id",
                          G_TYPE_INT, id, "protocol", G_TYPE_STRING, protocol, NULL);
    g_signal_emit_by_name(app->webrtc, "create-data-channel", label, options, &channel);
    gst_structure_free(options);
    if (!channel) fail("webrtcbin makes no data channel: is the SCTP plug-in of GStreamer installed?", NULL);
    return channel;
}

/* The promise of an offer or answer: it becomes ours, and the peer gets it. */
static void on_description(GstPromise *promise, gpointer user_data) {
    struct app *app = user_data;
    const char *name = app->initiator ? "offer" : "answer";
    GstWebRTCSessionDescription *description = NULL;
    saltyrtc_error *error;
    const GstStructure *reply = gst_promise_get_reply(promise);
    if (reply) gst_structure_get(reply, name, GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &description, NULL);
    gst_promise_unref(promise);
    if (!description) {
        give_up(app, "webrtcbin makes no session description");
        return;
    }
    certificate_describe(&app->certificate, description->sdp);
    g_signal_emit_by_name(app->webrtc, "set-local-description", description, NULL);
    char *sdp = gst_sdp_message_as_text(description->sdp);
    gst_webrtc_session_description_free(description);
    complain("the description was not sent",
             app->initiator ? saltyrtc_client_send_offer(app->client, name, sdp, strlen(sdp), &error)
                            : saltyrtc_client_send_answer(app->client, name, sdp, strlen(sdp), &error),
             error);
    g_free(sdp);
}

static void create_description(struct app *app) {
    g_signal_emit_by_name(app->webrtc, app->initiator ? "create-offer" : "create-answer", NULL,
                          gst_promise_new_with_change_func(on_description, app, NULL));
}

static void on_ice_candidate(GstElement *webrtc G_GNUC_UNUSED, guint index, char *candidate, struct app *app) {
    saltyrtc_error *error;
    complain("a candidate was not sent",
             saltyrtc_client_send_candidate(app->client, candidate, strlen(candidate), NULL, 0,
                                            (int32_t)index, NULL, 0, &error),
             error);
}

static void on_connection_state(GstElement *webrtc, GParamSpec *property G_GNUC_UNUSED, struct app *app) {
    GstWebRTCPeerConnectionState state;
    g_object_get(webrtc, "connection-state", &state, NULL);
    if (state != GST_WEBRTC_PEER_CONNECTION_STATE_FAILED) return;
    saltyrtc_client_transport_closed(app->client, NULL);
    give_up(app, "the connection to the peer is lost");
}

/* Only when asked for, libnice notices that the peer is gone. */
static void notice_loss(GstElement *webrtc) {
    GObject *ice = NULL, *agent = NULL;
    g_object_get(webrtc, "ice-agent", &ice, NULL);
    if (ice) g_object_get(ice, "agent", &agent, NULL);
    if (agent) g_object_set(agent, "keepalive-conncheck", TRUE, NULL);
    g_clear_object(&agent);
    g_clear_object(&ice);
}

/* Makes the peer connection with its two data channels, which both sides know without negotiation. */
static void start_webrtc(struct app *app) {
    uint16_t id;
    const char *label, *protocol;
    saltyrtc_error *error;
    check(saltyrtc_secure_channel_new(app->client, CHAT_ID, &app->secure, &error), &error);
    check(saltyrtc_client_signalling_channel(app->client, &id, &label, &protocol, &error), &error);
    g_signal_connect(app->webrtc, "on-ice-candidate", G_CALLBACK(on_ice_candidate), app);
    g_signal_connect(app->webrtc, "notify::connection-state", G_CALLBACK(on_connection_state), app);
    notice_loss(app->webrtc);
    gst_element_set_state(app->webrtc, GST_STATE_PLAYING); /* or there are no data channels to be had */
    app->signalling = open_channel(app, label, protocol, id);
    g_signal_connect(app->signalling, "on-open", G_CALLBACK(on_signalling_open), app);
    g_signal_connect(app->signalling, "on-message-data", G_CALLBACK(on_signalling_message), app);
    g_signal_connect(app->signalling, "on-close", G_CALLBACK(on_signalling_close), app);
    app->chat = open_channel(app, "chat", "", CHAT_ID);
    g_object_set(app->chat, "buffered-amount-low-threshold", (guint64)LOW_WATER, NULL);
    g_signal_connect(app->chat, "on-open", G_CALLBACK(on_chat_writable), app);
    g_signal_connect(app->chat, "on-message-data", G_CALLBACK(on_chat_message), app);
    g_signal_connect(app->chat, "on-buffered-amount-low", G_CALLBACK(on_chat_writable), app);
    if (app->initiator) create_description(app);
}

static void use_description(struct app *app, GstWebRTCSDPType type, const char *text) {
    GstSDPMessage *sdp;
    if (!text || gst_sdp_message_new_from_text(text, &sdp) != GST_SDP_OK) {
        give_up(app, "the peer sent no session description");
        return;
    }
    GstWebRTCSessionDescription *description = gst_webrtc_session_description_new(type, sdp);
    /* webrtcbin does these things one after another: an answer can be asked for at once. */
    g_signal_emit_by_name(app->webrtc, "set-remote-description", description, NULL);
    gst_webrtc_session_description_free(description);
    if (type == GST_WEBRTC_SDP_TYPE_OFFER) create_description(app);
}

static void on_event(saltyrtc_client *client, const saltyrtc_event *event, void *user_data) {
    struct app *app = user_data;
    switch (event->kind) {
    case SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE:
        app->client = client; /* saltyrtc_client_new may not have returned yet */
        start_webrtc(app);
        break;
    case SALTYRTC_EVENT_KIND_OFFER: use_description(app, GST_WEBRTC_SDP_TYPE_OFFER, event->sdp); break;
    case SALTYRTC_EVENT_KIND_ANSWER: use_description(app, GST_WEBRTC_SDP_TYPE_ANSWER, event->sdp); break;
    case SALTYRTC_EVENT_KIND_CANDIDATES:
        for (size_t i = 0; i < event->candidates_len; i++) {
            const char *candidate = event->candidates[i].candidate;
            /* Without text: there are no more, which webrtcbin does not need to know. */
            if (!candidate || !*candidate) continue;
            /* There is one media description, the one of the data channels. */
            g_signal_emit_by_name(app->webrtc, "add-ice-candidate", 0U, candidate);
        }
        break;
    case SALTYRTC_EVENT_KIND_HANDED_OVER: g_printerr("* the signalling needs no server any more\n"); break;
    case SALTYRTC_EVENT_KIND_RESPONDER_FAILED: g_printerr("* turned away: %s\n", event->text); break;
    case SALTYRTC_EVENT_KIND_CLOSED:
        g_printerr("* %s\n", event->text);
        if (event->status == SALTYRTC_STATUS_PEER_CLOSED && app->signalling) {
            gst_webrtc_data_channel_close(app->signalling);
        }
        /* A browser closes the channel right after its good-bye, which webrtcbin may lose then. */
        app->failed = !app->input_over && event->status != SALTYRTC_STATUS_OK &&
                      event->status != SALTYRTC_STATUS_PEER_CLOSED;
        app->client_closed = TRUE;
        g_idle_add(quit_if_over, app); /* this was the last event */
        break;
    default: break;
    }
}

int main(int argc, char **argv) {
    static const char usage[] = "usage: gstreamer_webrtc initiate [SERVER-URL]\n"
                                "       gstreamer_webrtc join INVITATION";
    const uint16_t exclude[] = {CHAT_ID};
    uint8_t public_key[SALTYRTC_KEY_BYTES], secret_key[SALTYRTC_KEY_BYTES];
    char url[64], invitation[SALTYRTC_INVITATION_BYTES];
    static struct app app;
    saltyrtc_server_config *server_config;
    saltyrtc_server *server = NULL;
    saltyrtc_config *config;
    saltyrtc_error *error;

    setlocale(LC_CTYPE, ""); /* or g_print shows a question mark for each byte beyond ASCII */
    gst_init(&argc, &argv);
    app.initiator = argc > 1 && strcmp(argv[1], "initiate") == 0;
    if (app.initiator ? argc > 3 : argc != 3 || strcmp(argv[1], "join") != 0) fail(usage, NULL);
    app.loop = g_main_loop_new(NULL, FALSE);
    app.webrtc = gst_element_factory_make("webrtcbin", NULL);
    if (!app.webrtc) fail("the plug-ins webrtc and nice of GStreamer are not installed", NULL);
    if (!certificate_make(&app.certificate)) fail("OpenSSL makes no certificate", NULL);
    certificate_use(&app.certificate, app.webrtc);

    check(saltyrtc_key_pair_generate(public_key, secret_key, &error), &error);
    if (app.initiator) {
        if (argc == 2) {
            check(saltyrtc_server_config_new("127.0.0.1", 0, &server_config, &error), &error);
            check(saltyrtc_server_start(server_config, &server, &error), &error);
            saltyrtc_server_config_free(server_config);
            check(saltyrtc_server_url(server, url, sizeof url, NULL, &error), &error);
        }
        check(saltyrtc_config_new_initiator(server ? url : argv[2], secret_key, &config, &error), &error);
        check(saltyrtc_config_invitation(config, invitation, sizeof invitation, NULL, &error), &error);
        g_print("%s\n", invitation);
    } else {
        check(saltyrtc_config_new_responder(argv[2], secret_key, &config, &error), &error);
    }
    check(saltyrtc_config_add_webrtc_task(config, exclude, G_N_ELEMENTS(exclude), true, &error), &error);
    check(saltyrtc_config_set_when_peer_leaves(config, SALTYRTC_WHEN_PEER_LEAVES_CLOSE, &error), &error);
    check(saltyrtc_client_new(config, on_event, &app, NULL, &app.client, &error), &error);
    saltyrtc_config_free(config);

    g_main_loop_run(app.loop);

    gst_element_set_state(app.webrtc, GST_STATE_NULL);
    saltyrtc_client_free(app.client);
    saltyrtc_secure_channel_free(app.secure);
    g_clear_object(&app.signalling);
    g_clear_object(&app.chat);
    gst_object_unref(app.webrtc);
    certificate_clear(&app.certificate);
    g_main_loop_unref(app.loop);
    if (server) saltyrtc_server_stop(server, 5000, NULL);
    saltyrtc_server_free(server);
    saltyrtc_shutdown(5000, NULL);
    return app.failed;
}
