/**
 * @file
 * libsaltyrtc: end-to-end encrypted signalling over a server that nobody has to trust.
 *
 * Two programs that share nothing but an invitation (a short URI, usually shown as a QR code) find
 * each other over a SaltyRTC server and get an encrypted, authenticated channel. The initiator makes a
 * configuration with saltyrtc_config_new_initiator and shows saltyrtc_config_invitation; the responder
 * makes one with saltyrtc_config_new_responder. Both add the same task, make a client with
 * saltyrtc_client_new, and exchange data after the event PEER_HANDSHAKE_DONE.
 *
 * What holds for all functions, if they do not say otherwise:
 *
 * Arguments. Pointers must not be NULL, if it is not said that they may. Texts are UTF-8 and end with
 * a NUL. Bytes are a pointer and a length; the pointer may be NULL if the length is 0. Inputs are
 * copied. Wrong arguments give a status and a text that names the argument.
 *
 * Results. Functions return a saltyrtc_status: 0 is success, and errors are negative. If `error` is
 * not NULL, it is set to NULL or, on failure, to an error that the caller frees with
 * saltyrtc_error_free. Outputs are set to 0 or NULL first, and get a value only on success.
 *
 * Buffers. Functions that fill a buffer take it with its capacity in bytes, and set the length output
 * (may be NULL) to the bytes that are needed, which for a text include the NUL. If the buffer is
 * NULL or too small they fail with SALTYRTC_STATUS_BUFFER_TOO_SMALL: so call with NULL and 0 to ask.
 *
 * Enumerations and structures grow at the end only. Numbers are never used for something else.
 *
 * Threads. Functions can be called by any thread, with the same handle too, but for configurations,
 * which are for one thread at a time. No function waits for the network or for other threads, but
 * saltyrtc_client_next_event, saltyrtc_client_free, saltyrtc_server_stop and saltyrtc_shutdown.
 * Callbacks are called by threads of the library. After fork() only the parent can use the library.
 *
 * Memory. What a function hands out is freed with the function that is named there, and only that.
 *
 * Sections of this file:
 * - Results and errors
 * - Versions
 * - Keys
 * - Invitations
 * - Settings of a client
 * - Events
 * - Clients
 * - The session with the peer
 * - Sending
 * - Built-in WebRTC: settings
 * - Built-in WebRTC: channels
 * - Built-in WebRTC: figures
 * - WebRTC of the application: offers, answers, candidates
 * - WebRTC of the application: handover
 * - WebRTC of the application: secure data channels
 * - Chunking
 * - Embedded server
 * - Log messages
 * - The end of the process
 */

#ifndef SALTYRTC_H
#define SALTYRTC_H

/* Generated from the Rust sources by cbindgen: change those, not this file. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the functions of a shared library need on Windows. Define SALTYRTC_STATIC before this header to
   link the static library there. */
#ifndef SALTYRTC_API
#if defined(_WIN32) && !defined(SALTYRTC_STATIC)
#define SALTYRTC_API __declspec(dllimport)
#else
#define SALTYRTC_API
#endif
#endif

/* What is there on Unix only: functions that give a file descriptor. */
#if !defined(_WIN32) && !defined(SALTYRTC_UNIX)
#define SALTYRTC_UNIX
#endif

/** The version of this header. Compare with saltyrtc_version(), the version of the library. */
#define SALTYRTC_VERSION "0.1.0"
#define SALTYRTC_VERSION_MAJOR 0
#define SALTYRTC_VERSION_MINOR 1
#define SALTYRTC_VERSION_PATCH 0
/** The version as a number: major * 65536 + minor * 256 + patch. See saltyrtc_version_number(). */
#define SALTYRTC_VERSION_NUMBER 256
/** The version of the binary interface. See saltyrtc_abi_version(). */
#define SALTYRTC_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

/* =================================================================================================
 * Results and errors
 * ================================================================================================= */

/**
 * What came of a call: 0 is success, everything else is negative. A number is never used for something
 * else later, and new ones may appear: treat those that you do not know as errors.
 */
enum saltyrtc_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Success.
     */
    SALTYRTC_STATUS_OK = 0,
    /**
     * An argument is NULL that must not be.
     */
    SALTYRTC_STATUS_NULL_ARGUMENT = -1,
    /**
     * An argument makes no sense.
     */
    SALTYRTC_STATUS_BAD_ARGUMENT = -2,
    /**
     * The buffer is NULL or too small. The length output says how many bytes are needed.
     */
    SALTYRTC_STATUS_BUFFER_TOO_SMALL = -3,
    /**
     * A function that waits was called from a callback, where waiting would never end.
     */
    SALTYRTC_STATUS_WOULD_DEADLOCK = -4,
    /**
     * The function is for clients without callback, and this one has a callback.
     */
    SALTYRTC_STATUS_HAS_CALLBACK = -5,
    /**
     * Nothing happened in the time given.
     */
    SALTYRTC_STATUS_TIMEOUT = -6,
    /**
     * There will be no more events: the last one, CLOSED, was taken.
     */
    SALTYRTC_STATUS_NO_MORE_EVENTS = -7,
    /**
     * What was asked for is not there, for example the token of an invitation without one.
     */
    SALTYRTC_STATUS_NOT_PRESENT = -8,
    /**
     * The bytes or digits are not a key.
     */
    SALTYRTC_STATUS_BAD_KEY = -9,
    /**
     * The text is not the URL of a server.
     */
    SALTYRTC_STATUS_BAD_URL = -10,
    /**
     * The text is not an invitation.
     */
    SALTYRTC_STATUS_BAD_INVITATION = -11,
    /**
     * The bytes are not the MessagePack that is needed here.
     */
    SALTYRTC_STATUS_BAD_MSGPACK = -12,
    /**
     * The certificate or its private key cannot be used.
     */
    SALTYRTC_STATUS_BAD_CERTIFICATE = -13,
    /**
     * The settings do not go together. The text says which.
     */
    SALTYRTC_STATUS_BAD_CONFIG = -14,
    /**
     * The process has set a receiver for log messages (a tracing subscriber in Rust) of its own.
     */
    SALTYRTC_STATUS_LOG_TAKEN = -15,
    /**
     * The operating system has no more of something: threads, file descriptors.
     */
    SALTYRTC_STATUS_OUT_OF_RESOURCES = -16,
    /**
     * The bytes are not a chunk, or contradict the chunks before.
     */
    SALTYRTC_STATUS_BAD_CHUNK = -17,
    /**
     * The connection is closed or being closed.
     */
    SALTYRTC_STATUS_CLOSED = -100,
    /**
     * There is no authenticated peer (yet, or any more).
     */
    SALTYRTC_STATUS_NO_PEER = -101,
    /**
     * Too much is waiting to be sent. A WRITABLE event follows when there is room again.
     */
    SALTYRTC_STATUS_QUEUE_FULL = -102,
    /**
     * The message is larger than allowed.
     */
    SALTYRTC_STATUS_TOO_LARGE = -103,
    /**
     * The two clients agreed on another task.
     */
    SALTYRTC_STATUS_OTHER_TASK = -104,
    /**
     * The call is for the other role.
     */
    SALTYRTC_STATUS_OTHER_ROLE = -105,
    /**
     * The data was not encrypted for this session, or was changed on its way.
     */
    SALTYRTC_STATUS_DECRYPTION_FAILED = -106,
    /**
     * The two clients did not agree on handing the signalling over to a data channel.
     */
    SALTYRTC_STATUS_NO_HANDOVER = -107,
    /**
     * The signalling was handed over to a data channel already.
     */
    SALTYRTC_STATUS_HANDED_OVER = -108,
    /**
     * The messages of the data channel are too small to carry the signalling.
     */
    SALTYRTC_STATUS_CHANNEL_TOO_NARROW = -109,
    /**
     * The client has no built-in WebRTC (saltyrtc_config_add_rtc_task), or has ended.
     */
    SALTYRTC_STATUS_NO_RTC = -110,
    /**
     * The channel is not open: not yet, not any more, or there never was one with this number.
     */
    SALTYRTC_STATUS_CHANNEL_NOT_OPEN = -111,
    /**
     * There are too many channels.
     */
    SALTYRTC_STATUS_TOO_MANY_CHANNELS = -112,
    /**
     * The connection to the server could not be made.
     */
    SALTYRTC_STATUS_CONNECT_FAILED = -200,
    /**
     * The connection to the server broke.
     */
    SALTYRTC_STATUS_CONNECTION_LOST = -201,
    /**
     * The server is shutting down.
     */
    SALTYRTC_STATUS_SERVER_GOING_AWAY = -202,
    /**
     * The server closed the connection without a better reason.
     */
    SALTYRTC_STATUS_SERVER_CLOSED = -203,
    /**
     * The handshake with the server took too long.
     */
    SALTYRTC_STATUS_SERVER_HANDSHAKE_TIMEOUT = -204,
    /**
     * The server gave up waiting for this client.
     */
    SALTYRTC_STATUS_SERVER_TIMEOUT = -205,
    /**
     * The server does not have the expected permanent key.
     */
    SALTYRTC_STATUS_SERVER_KEY_MISMATCH = -206,
    /**
     * The server does not speak this version of the protocol.
     */
    SALTYRTC_STATUS_NO_SUBPROTOCOL = -207,
    /**
     * All responder addresses of the path are in use.
     */
    SALTYRTC_STATUS_PATH_FULL = -208,
    /**
     * The server broke the protocol.
     */
    SALTYRTC_STATUS_SERVER_PROTOCOL_ERROR = -209,
    /**
     * The server or the peer had an internal error.
     */
    SALTYRTC_STATUS_REMOTE_INTERNAL_ERROR = -210,
    /**
     * A message was larger than the server accepts.
     */
    SALTYRTC_STATUS_MESSAGE_TOO_BIG = -211,
    /**
     * The peer closed the connection.
     */
    SALTYRTC_STATUS_PEER_CLOSED = -300,
    /**
     * The peer left the path.
     */
    SALTYRTC_STATUS_PEER_LEFT = -301,
    /**
     * The two clients have no task in common.
     */
    SALTYRTC_STATUS_NO_SHARED_TASK = -302,
    /**
     * The peer broke the protocol.
     */
    SALTYRTC_STATUS_PEER_PROTOCOL_ERROR = -303,
    /**
     * The server or the peer found an error in what this client sent.
     */
    SALTYRTC_STATUS_ACCUSED_OF_PROTOCOL_ERROR = -304,
    /**
     * The handshake with the peer took too long.
     */
    SALTYRTC_STATUS_PEER_HANDSHAKE_TIMEOUT = -305,
    /**
     * Responder: the initiator dropped this client.
     */
    SALTYRTC_STATUS_DROPPED_BY_INITIATOR = -306,
    /**
     * Initiator: another initiator with the same key took the path.
     */
    SALTYRTC_STATUS_REPLACED_BY_INITIATOR = -307,
    /**
     * The initiator could not decrypt the responder's first message: the token or a stored key is not
     * the right one.
     */
    SALTYRTC_STATUS_INITIATOR_COULD_NOT_DECRYPT = -308,
    /**
     * A message of the peer was larger than this client accepts.
     */
    SALTYRTC_STATUS_RECEIVED_TOO_BIG = -309,
    /**
     * This client has used up the sequence numbers of the protocol.
     */
    SALTYRTC_STATUS_SEQUENCE_NUMBERS_USED_UP = -310,
    /**
     * The data channel that carried the signalling was closed or broke, or the connection under it was
     * lost for good. Meet the peer again over the server, with a new client.
     */
    SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST = -311,
    /**
     * Only one of the two clients handed the signalling over to the data channel.
     */
    SALTYRTC_STATUS_HANDOVER_TIMEOUT = -312,
    /**
     * The address cannot be listened on.
     */
    SALTYRTC_STATUS_LISTEN_FAILED = -400,
    /**
     * A mistake in the library itself. The text says where; please report it.
     */
    SALTYRTC_STATUS_PANIC = -900,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_status saltyrtc_status;
#else
typedef int32_t saltyrtc_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The name of a status in a few words, for example "buffer too small". Never NULL; static. Any number
 * can be given.
 */
SALTYRTC_API
const char *saltyrtc_status_name(int32_t status);

/**
 * Why a call failed: a status, and a text that says what happened and what to do.
 *
 * Functions that take a `saltyrtc_error **` store one there if they fail, to be freed by the caller;
 * NULL there means that the caller does not want to know. Can be used by any thread.
 */
typedef struct saltyrtc_error saltyrtc_error;

/**
 * The status that the failed function returned. SALTYRTC_STATUS_OK if `error` is NULL.
 */
SALTYRTC_API saltyrtc_status saltyrtc_error_status(const struct saltyrtc_error *error);

/**
 * What happened, in English. Valid until the error is freed. An empty text if `error` is NULL.
 *
 * The text never holds secrets or application data.
 */
SALTYRTC_API const char *saltyrtc_error_message(const struct saltyrtc_error *error);

/**
 * Frees an error. NULL is fine.
 */
SALTYRTC_API void saltyrtc_error_free(struct saltyrtc_error *error);

/* =================================================================================================
 * Versions
 * ================================================================================================= */

/**
 * The version of the library at run time, for example "1.2.3". Never NULL; static.
 *
 * Compare with SALTYRTC_VERSION, the version of the header.
 */
SALTYRTC_API const char *saltyrtc_version(void);

/**
 * The version of the library at run time as a number that grows with each release:
 * major * 65536 + minor * 256 + patch. The twin of SALTYRTC_VERSION_NUMBER.
 */
SALTYRTC_API uint32_t saltyrtc_version_number(void);

/**
 * The version of the binary interface at run time, the twin of SALTYRTC_ABI_VERSION. Programs that
 * load the library at run time, such as bindings, should refuse to work if the two differ. It changes
 * only when the name of the shared library (its SONAME) does.
 */
SALTYRTC_API
uint32_t saltyrtc_abi_version(void);

/* =================================================================================================
 * Keys
 * ================================================================================================= */

/**
 * Bytes in a public key, a secret key and an authentication token.
 */
#define SALTYRTC_KEY_BYTES 32

/**
 * Bytes in the hexadecimal form of a key or token, with the NUL at the end.
 */
#define SALTYRTC_KEY_HEX_BYTES 65

/**
 * The twin of SALTYRTC_KEY_BYTES.
 */
SALTYRTC_API size_t saltyrtc_key_bytes(void);

/**
 * The twin of SALTYRTC_KEY_HEX_BYTES.
 */
SALTYRTC_API size_t saltyrtc_key_hex_bytes(void);

/**
 * Makes a new key pair: SALTYRTC_KEY_BYTES bytes for each of the two outputs.
 *
 * The secret key identifies its owner for as long as peers trust it: store it where nobody else can
 * read it, and overwrite the memory after use. The public key can be computed from it.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_key_pair_generate(uint8_t *public_key,
                                           uint8_t *secret_key,
                                           struct saltyrtc_error **error);

/**
 * Computes the public key that goes with a secret key; SALTYRTC_KEY_BYTES bytes each.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_public_key_from_secret(const uint8_t *secret_key,
                                                uint8_t *public_key,
                                                struct saltyrtc_error **error);

/**
 * Writes a key or token as 64 lowercase hexadecimal digits and a NUL: SALTYRTC_KEY_HEX_BYTES bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_key_to_hex(const uint8_t *key,
                                    char *hex,
                                    size_t hex_capacity,
                                    size_t *hex_len,
                                    struct saltyrtc_error **error);

/**
 * Reads a key or token of 64 hexadecimal digits of either case into SALTYRTC_KEY_BYTES bytes.
 *
 * Fails with SALTYRTC_STATUS_BAD_KEY.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_key_from_hex(const char *hex,
                                      uint8_t *key,
                                      struct saltyrtc_error **error);

/* =================================================================================================
 * Invitations
 * ================================================================================================= */

/**
 * Bytes that the URI of any invitation fits in, with the NUL at the end.
 */
#define SALTYRTC_INVITATION_BYTES 512

/**
 * The twin of SALTYRTC_INVITATION_BYTES.
 */
SALTYRTC_API size_t saltyrtc_invitation_bytes(void);

/**
 * All that a responder has to know to reach an initiator: server, keys, and maybe a token. Never
 * changes, so it can be used by several threads at once. Freeing it overwrites the token.
 */
typedef struct saltyrtc_invitation saltyrtc_invitation;

/**
 * Reads the URI of an invitation: `wss://host:port/<initiator's key>?<server's key>#<token>`, where
 * port, server key and token may be missing.
 *
 * `*out` has to be freed with saltyrtc_invitation_free. Fails with SALTYRTC_STATUS_BAD_INVITATION.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_parse(const char *uri,
                                          struct saltyrtc_invitation **out,
                                          struct saltyrtc_error **error);

/**
 * Makes an invitation of its parts: a server's URL (`wss://host:port` or `ws://host:port`), the
 * initiator's public permanent key, the server's public permanent key (NULL if it is not known), and
 * a token (NULL if the initiator trusts the responder's key). Keys have SALTYRTC_KEY_BYTES bytes.
 *
 * Clients make their own invitations: see saltyrtc_config_invitation and saltyrtc_client_invitation.
 *
 * `*out` has to be freed with saltyrtc_invitation_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_new(const char *server_url,
                                        const uint8_t *initiator_key,
                                        const uint8_t *server_key,
                                        const uint8_t *token,
                                        struct saltyrtc_invitation **out,
                                        struct saltyrtc_error **error);

/**
 * Frees an invitation. NULL is fine.
 */
SALTYRTC_API void saltyrtc_invitation_free(struct saltyrtc_invitation *invitation);

/**
 * The URI of the invitation; SALTYRTC_INVITATION_BYTES bytes are always enough.
 *
 * With a token the URI is a secret: show or send it to the responder only.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_uri(const struct saltyrtc_invitation *invitation,
                                        char *uri,
                                        size_t uri_capacity,
                                        size_t *uri_len,
                                        struct saltyrtc_error **error);

/**
 * The URI as a QR code for a terminal with light text on a dark background: lines of UTF-8 text with
 * half blocks, 33 lines of 65 columns at most if the host has up to 60 characters.
 *
 * With a token it is a secret, as the URI is.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_qr_code(const struct saltyrtc_invitation *invitation,
                                            char *code,
                                            size_t code_capacity,
                                            size_t *code_len,
                                            struct saltyrtc_error **error);

/**
 * The server's URL: `wss://host:port` or `ws://host:port`, without the port if it is the usual one.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_server_url(const struct saltyrtc_invitation *invitation,
                                               char *url,
                                               size_t url_capacity,
                                               size_t *url_len,
                                               struct saltyrtc_error **error);

/**
 * The initiator's public permanent key, which is the signalling path: SALTYRTC_KEY_BYTES bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_initiator_key(const struct saltyrtc_invitation *invitation,
                                                  uint8_t *key,
                                                  struct saltyrtc_error **error);

/**
 * The server's public permanent key: SALTYRTC_KEY_BYTES bytes. Fails with SALTYRTC_STATUS_NOT_PRESENT
 * if the invitation has none.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_server_key(const struct saltyrtc_invitation *invitation,
                                               uint8_t *key,
                                               struct saltyrtc_error **error);

/**
 * The token, a secret: SALTYRTC_KEY_BYTES bytes. Fails with SALTYRTC_STATUS_NOT_PRESENT if the
 * invitation has none, which means that the initiator trusts the responder's key.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_token(const struct saltyrtc_invitation *invitation,
                                          uint8_t *token,
                                          struct saltyrtc_error **error);

/**
 * Whether the invitation has a server key and a token. Either output may be NULL.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_flags(const struct saltyrtc_invitation *invitation,
                                          bool *has_server_key,
                                          bool *has_token,
                                          struct saltyrtc_error **error);

/* =================================================================================================
 * Settings of a client
 * ================================================================================================= */

/**
 * The settings of a client. The client copies them when it is made (saltyrtc_client_new), so one
 * configuration can make several clients, and can be freed right after.
 *
 * To be used by one thread at a time. Freeing it overwrites secret keys and tokens.
 */
typedef struct saltyrtc_config saltyrtc_config;

/**
 * What a client does when its authenticated peer leaves the path.
 */
enum saltyrtc_when_peer_leaves
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Stay on the path, so that the peer can join again. The default.
     */
    SALTYRTC_WHEN_PEER_LEAVES_WAIT = 0,
    /**
     * Close the connection.
     */
    SALTYRTC_WHEN_PEER_LEAVES_CLOSE = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_when_peer_leaves saltyrtc_when_peer_leaves;
#else
typedef int32_t saltyrtc_when_peer_leaves;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The settings of an initiator: the client that invites. A token is drawn, which is part of the
 * invitation (saltyrtc_config_invitation) and lets one responder in.
 *
 * `server_url` is `wss://host:port` or `ws://host:port`. `secret_key` is the permanent secret key of
 * this client (SALTYRTC_KEY_BYTES bytes); NULL makes a new key pair for this configuration. No two
 * clients may use the same key at the same time.
 *
 * `*out` has to be freed with saltyrtc_config_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_new_initiator(const char *server_url,
                                              const uint8_t *secret_key,
                                              struct saltyrtc_config **out,
                                              struct saltyrtc_error **error);

/**
 * The settings of a responder: the client that was invited, with the URI of the invitation.
 *
 * `secret_key` is the permanent secret key of this client (SALTYRTC_KEY_BYTES bytes); NULL makes a new
 * key pair, which only makes sense if the invitation has a token.
 *
 * `*out` has to be freed with saltyrtc_config_free. Fails with SALTYRTC_STATUS_BAD_INVITATION.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_new_responder(const char *invitation_uri,
                                              const uint8_t *secret_key,
                                              struct saltyrtc_config **out,
                                              struct saltyrtc_error **error);

/**
 * Frees a configuration. Clients that were made with it are not affected. NULL is fine.
 */
SALTYRTC_API void saltyrtc_config_free(struct saltyrtc_config *config);

/**
 * The public permanent key of the client: SALTYRTC_KEY_BYTES bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_public_key(const struct saltyrtc_config *config,
                                           uint8_t *key,
                                           struct saltyrtc_error **error);

/**
 * Initiator: the URI of the invitation for the responder, with the token unless a peer is trusted.
 * Set the server's key before, so that it is part of it. SALTYRTC_INVITATION_BYTES bytes are enough.
 *
 * With a token the URI is a secret: show or send it to the responder only. Fails with
 * SALTYRTC_STATUS_OTHER_ROLE for a responder.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_invitation(const struct saltyrtc_config *config,
                                           char *uri,
                                           size_t uri_capacity,
                                           size_t *uri_len,
                                           struct saltyrtc_error **error);

/**
 * Sets the server's public permanent key (SALTYRTC_KEY_BYTES bytes): a server that does not prove to
 * have it is refused. NULL for a server whose key is not known, which is the default of initiators;
 * responders have it from the invitation.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_server_key(struct saltyrtc_config *config,
                                               const uint8_t *key,
                                               struct saltyrtc_error **error);

/**
 * Sets the public permanent key (SALTYRTC_KEY_BYTES bytes) of the peer, which this client has stored
 * and which has stored ours: no token is used then. Both clients have to do this, or neither.
 *
 * For a responder the key has to be the one of the invitation.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_trusted_peer(struct saltyrtc_config *config,
                                                 const uint8_t *key,
                                                 struct saltyrtc_error **error);

/**
 * Sets the token (SALTYRTC_KEY_BYTES bytes), in place of the one that was drawn (initiator) or that
 * was in the invitation (responder). A token may be used for one pair of clients only: draw it at
 * random, for example as the secret key of saltyrtc_key_pair_generate.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_token(struct saltyrtc_config *config,
                                          const uint8_t *token,
                                          struct saltyrtc_error **error);

/**
 * Adds the Relayed Data task, after those that were added before: the order is the order of
 * preference. At least one task is needed.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_relayed_data_task(struct saltyrtc_config *config,
                                                      struct saltyrtc_error **error);

/**
 * Adds a task of the application's own: the library negotiates its name, and passes its messages
 * through (saltyrtc_client_send_task_message and the TASK_MESSAGE event).
 *
 * `name` has 1 to 255 bytes and should be as specific as a domain name, for example
 * `v1.chess.tasks.example.org`. `data` is a MessagePack map that the peer gets in its
 * PEER_HANDSHAKE_DONE event; NULL and 0 for none.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_custom_task(struct saltyrtc_config *config,
                                                const char *name,
                                                const uint8_t *data,
                                                size_t data_len,
                                                struct saltyrtc_error **error);

/**
 * Adds certificates to those that a `wss` server's certificate may come from: one or more in PEM, or
 * one in DER. See also saltyrtc_config_set_system_roots.
 *
 * Fails with SALTYRTC_STATUS_BAD_CERTIFICATE.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_tls_certificates(struct saltyrtc_config *config,
                                                     const uint8_t *certificates,
                                                     size_t certificates_len,
                                                     struct saltyrtc_error **error);

/**
 * Whether a `wss` server's certificate may come from the certificates that the operating system
 * trusts. Default: true. With false, only those of saltyrtc_config_add_tls_certificates count.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_system_roots(struct saltyrtc_config *config,
                                                 bool use_system_roots,
                                                 struct saltyrtc_error **error);

/**
 * The longest that connecting may take, in milliseconds: name, TCP, TLS and WebSocket. Default: 10 s.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_connect_timeout(struct saltyrtc_config *config,
                                                    uint32_t timeout_ms,
                                                    struct saltyrtc_error **error);

/**
 * The longest that the handshake with the server may take, in milliseconds. Default: 30 s.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_server_handshake_timeout(struct saltyrtc_config *config,
                                                             uint32_t timeout_ms,
                                                             struct saltyrtc_error **error);

/**
 * The longest that the handshake with a peer may take from its first message on, in milliseconds.
 * Default: 60 s.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_peer_handshake_timeout(struct saltyrtc_config *config,
                                                           uint32_t timeout_ms,
                                                           struct saltyrtc_error **error);

/**
 * Seconds between the WebSocket pings that the server is asked to send; 0 for none. Default: 0.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_ping_interval(struct saltyrtc_config *config,
                                                  uint32_t interval_s,
                                                  struct saltyrtc_error **error);

/**
 * The most bytes that a message may have on the wire, in both directions; at least 4096. Default:
 * 1 MiB, which is what most servers accept.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_max_message_size(struct saltyrtc_config *config,
                                                     size_t size,
                                                     struct saltyrtc_error **error);

/**
 * The most bytes that may wait to be sent; beyond it, sending fails with SALTYRTC_STATUS_QUEUE_FULL.
 * As many bytes of received data may wait in events; beyond it, nothing more is read from the
 * network. One message is always taken. Default: 4 MiB.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_max_queue_size(struct saltyrtc_config *config,
                                                   size_t size,
                                                   struct saltyrtc_error **error);

/**
 * What to do when the authenticated peer leaves the path: a saltyrtc_when_peer_leaves.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_when_peer_leaves(struct saltyrtc_config *config,
                                                     int32_t when_peer_leaves,
                                                     struct saltyrtc_error **error);

/* =================================================================================================
 * Events
 * ================================================================================================= */

/**
 * What happened, and with it, which fields of saltyrtc_event have a meaning: all others are 0,
 * false or NULL. Later versions may have more kinds, so ignore those that you do not know.
 */
enum saltyrtc_event_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Something that this version of the interface has no kind for. Never sent by this version.
     */
    SALTYRTC_EVENT_KIND_UNKNOWN = 0,
    /**
     * The server accepted this client.
     *
     * Fields: address (this client's own), peer_present, server_verified.
     */
    SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE = 1,
    /**
     * Initiator: a responder came onto the path. It is not authenticated yet.
     *
     * Fields: address.
     */
    SALTYRTC_EVENT_KIND_RESPONDER_JOINED = 2,
    /**
     * Initiator: a responder that was not authenticated left the path.
     *
     * Fields: address.
     */
    SALTYRTC_EVENT_KIND_RESPONDER_LEFT = 3,
    /**
     * Responder: an initiator came onto the path. It is not authenticated yet.
     */
    SALTYRTC_EVENT_KIND_INITIATOR_JOINED = 4,
    /**
     * Initiator: a responder has used the token, which is invalid from now on, even if the handshake
     * with that responder fails. To let another responder in, call saltyrtc_client_issue_token.
     */
    SALTYRTC_EVENT_KIND_TOKEN_USED = 5,
    /**
     * Initiator: a responder failed to authenticate itself and was dropped from the path. The client
     * keeps waiting for others.
     *
     * Fields: address, status (what it did wrong), close_code (what it was dropped with), text.
     */
    SALTYRTC_EVENT_KIND_RESPONDER_FAILED = 6,
    /**
     * The two clients have authenticated each other, and the task runs: data can be sent.
     *
     * Fields: address (the peer's), peer_key, task, payload (NONE if the peer's task has no data
     * for ours), data (a MessagePack map), data_len.
     */
    SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE = 7,
    /**
     * Relayed Data task: a message from the peer.
     *
     * Fields: payload, data, data_len.
     */
    SALTYRTC_EVENT_KIND_DATA = 8,
    /**
     * A message from the peer's application that does not belong to the task.
     *
     * Fields: payload, data, data_len.
     */
    SALTYRTC_EVENT_KIND_APPLICATION = 9,
    /**
     * Custom task: a message from the peer.
     *
     * Fields: payload (MSGPACK), data (a map with the key "type"), data_len.
     */
    SALTYRTC_EVENT_KIND_TASK_MESSAGE = 10,
    /**
     * A message of this client was lost, because the receiver cannot be reached any more.
     *
     * Fields: address (the receiver's).
     */
    SALTYRTC_EVENT_KIND_SEND_ERROR = 11,
    /**
     * The peer is not there any more. If it comes back, there is a new handshake.
     *
     * Fields: address, peer_left, can_rejoin.
     */
    SALTYRTC_EVENT_KIND_PEER_LEFT = 12,
    /**
     * After SALTYRTC_STATUS_QUEUE_FULL: there is room in the queue again.
     */
    SALTYRTC_EVENT_KIND_WRITABLE = 13,
    /**
     * The connection has ended. This is the last event.
     *
     * Fields: status (why; OK if this client was asked to close), text, closed_by, close_code,
     * retryable.
     */
    SALTYRTC_EVENT_KIND_CLOSED = 14,
    /**
     * WebRTC task: the initiator's offer.
     *
     * Fields: sdp_type, sdp.
     */
    SALTYRTC_EVENT_KIND_OFFER = 15,
    /**
     * WebRTC task: the responder's answer.
     *
     * Fields: sdp_type, sdp.
     */
    SALTYRTC_EVENT_KIND_ANSWER = 16,
    /**
     * WebRTC task: ICE candidates of the peer.
     *
     * Fields: candidates, candidates_len.
     */
    SALTYRTC_EVENT_KIND_CANDIDATES = 17,
    /**
     * Both clients have handed the signalling over to a data channel. The connection to the server
     * is closed now.
     */
    SALTYRTC_EVENT_KIND_HANDED_OVER = 18,
    /**
     * Send this as one binary message on the data channel of the signalling; see
     * saltyrtc_client_hand_over.
     *
     * Fields: payload (BYTES), data, data_len.
     */
    SALTYRTC_EVENT_KIND_TRANSPORT_SEND = 19,
    /**
     * Close the data channel of the signalling once everything that was sent on it is delivered.
     */
    SALTYRTC_EVENT_KIND_TRANSPORT_CLOSE = 20,
    /**
     * Built-in WebRTC: the state of the connection to the peer has changed.
     *
     * Fields: connection_state, text.
     */
    SALTYRTC_EVENT_KIND_CONNECTION_STATE = 21,
    /**
     * Built-in WebRTC: something cannot be used, for example an ICE server or a candidate of the peer.
     * The connection goes on without it.
     *
     * Fields: text.
     */
    SALTYRTC_EVENT_KIND_CONNECTION_PROBLEM = 22,
    /**
     * Built-in WebRTC: a channel is open, whichever of the two clients opened it.
     *
     * Fields: channel, label, channel_protocol, unordered, reliability, reliability_limit, plain,
     * opened_by_peer.
     */
    SALTYRTC_EVENT_KIND_CHANNEL_OPENED = 23,
    /**
     * Built-in WebRTC: a message on a channel.
     *
     * Fields: channel, payload, data, data_len.
     */
    SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE = 24,
    /**
     * Built-in WebRTC: the amount of data that waits to be sent on a channel has fallen to the
     * low-water mark; or, after SALTYRTC_STATUS_QUEUE_FULL, there is room again.
     *
     * Fields: channel.
     */
    SALTYRTC_EVENT_KIND_CHANNEL_LOW_WATER = 25,
    /**
     * Built-in WebRTC: a channel was closed, or could not be opened. This is its last event.
     *
     * Fields: channel, text (why; NULL if one of the two clients closed it).
     */
    SALTYRTC_EVENT_KIND_CHANNEL_CLOSED = 26,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_event_kind saltyrtc_event_kind;
#else
typedef int32_t saltyrtc_event_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The name of an event kind in a few words, for example "peer handshake done". Never NULL; static. Any
 * number can be given: what is not a kind is an "unknown event kind".
 */
SALTYRTC_API
const char *saltyrtc_event_kind_name(int32_t kind);

/**
 * How the connection of the built-in WebRTC to the peer is doing.
 */
enum saltyrtc_connection_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The two sides have not told each other yet how they can be reached.
     */
    SALTYRTC_CONNECTION_STATE_NEW = 0,
    /**
     * A path to the peer is looked for, or the keys are being agreed on.
     */
    SALTYRTC_CONNECTION_STATE_CONNECTING = 1,
    /**
     * Channels can be used.
     */
    SALTYRTC_CONNECTION_STATE_CONNECTED = 2,
    /**
     * The peer has not answered for a while. This may pass by itself; channels keep what is sent.
     */
    SALTYRTC_CONNECTION_STATE_DISCONNECTED = 3,
    /**
     * No path to the peer was found, or it was lost for 30 seconds and longer. Before the handover the
     * initiator can try again with saltyrtc_client_restart_ice; after it there is no way left to the
     * peer, and the client is closed (SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST).
     */
    SALTYRTC_CONNECTION_STATE_UNREACHABLE = 4,
    /**
     * The connection cannot be used any more.
     */
    SALTYRTC_CONNECTION_STATE_FAILED = 5,
    /**
     * It has ended: the peer closed it, or left.
     */
    SALTYRTC_CONNECTION_STATE_CLOSED = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_connection_state saltyrtc_connection_state;
#else
typedef int32_t saltyrtc_connection_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How hard messages of a channel are tried to be delivered.
 */
enum saltyrtc_reliability
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Until they have arrived.
     */
    SALTYRTC_RELIABILITY_RELIABLE = 0,
    /**
     * They are sent again so many times at most.
     */
    SALTYRTC_RELIABILITY_MAX_RETRANSMITS = 1,
    /**
     * They are sent again no longer than so many milliseconds.
     */
    SALTYRTC_RELIABILITY_MAX_LIFETIME = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_reliability saltyrtc_reliability;
#else
typedef int32_t saltyrtc_reliability;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Of what type data is.
 */
enum saltyrtc_payload
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * There is no data.
     */
    SALTYRTC_PAYLOAD_NONE = 0,
    /**
     * Bytes, as they were sent.
     */
    SALTYRTC_PAYLOAD_BYTES = 1,
    /**
     * Text in UTF-8, as it was sent, without a NUL at the end.
     */
    SALTYRTC_PAYLOAD_TEXT = 2,
    /**
     * Any other MessagePack value, serialised.
     */
    SALTYRTC_PAYLOAD_MSGPACK = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_payload saltyrtc_payload;
#else
typedef int32_t saltyrtc_payload;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Who ended a connection.
 */
enum saltyrtc_closed_by
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nobody did: the connection broke, or never came to be.
     */
    SALTYRTC_CLOSED_BY_NETWORK = 0,
    /**
     * This client: asked to, or because of an error that it found.
     */
    SALTYRTC_CLOSED_BY_US = 1,
    /**
     * The other client.
     */
    SALTYRTC_CLOSED_BY_PEER = 2,
    /**
     * The server, or the initiator by way of the server.
     */
    SALTYRTC_CLOSED_BY_SERVER = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_closed_by saltyrtc_closed_by;
#else
typedef int32_t saltyrtc_closed_by;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How the client knows that its peer left.
 */
enum saltyrtc_peer_left
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The server says that the peer disconnected.
     */
    SALTYRTC_PEER_LEFT_DISCONNECTED = 0,
    /**
     * A message could not be delivered to the peer.
     */
    SALTYRTC_PEER_LEFT_UNREACHABLE = 1,
    /**
     * Somebody else has the peer's address now; maybe the peer itself, coming back.
     */
    SALTYRTC_PEER_LEFT_REPLACED = 2,
    /**
     * This client dropped it with saltyrtc_client_drop_responder.
     */
    SALTYRTC_PEER_LEFT_DROPPED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_peer_left saltyrtc_peer_left;
#else
typedef int32_t saltyrtc_peer_left;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * An ICE candidate of the peer.
 */
typedef struct saltyrtc_candidate {
    /**
     * The candidate-attribute, for example "candidate:1 1 udp …"; an empty text if the candidates of
     * a generation have ended; NULL if the candidates have ended altogether.
     */
    const char *candidate;
    /**
     * The identification of the media description; NULL if there is none.
     */
    const char *sdp_mid;
    /**
     * The ICE user name fragment; NULL if there is none.
     */
    const char *username_fragment;
    /**
     * The index of the media description, 0 to 65535; -1 if there is none.
     */
    int32_t sdp_m_line_index;
} saltyrtc_candidate;

/**
 * An event. Fields that the kind does not name are 0, false or NULL.
 *
 * In a callback, the event and all that it points to are valid until the callback returns. An event
 * of saltyrtc_client_next_event is valid until saltyrtc_event_free. It is read only.
 *
 * Fields are only ever added at the end: a field is there if it lies within struct_size bytes, which
 * matters if the program may run with an older library than it was compiled for.
 */
typedef struct saltyrtc_event {
    /**
     * Bytes of this structure in the library.
     */
    size_t struct_size;
    /**
     * What happened; it says which fields are used.
     */
    saltyrtc_event_kind kind;
    /**
     * Why the connection ended: SALTYRTC_STATUS_OK if this client was asked to close.
     */
    saltyrtc_status status;
    /**
     * What happened and what to do, in English. NUL-terminated.
     */
    const char *text;
    /**
     * Who ended the connection.
     */
    saltyrtc_closed_by closed_by;
    /**
     * The close code of the WebSocket or of the protocol (1000 to 4999); 0 if there was none.
     */
    uint16_t close_code;
    /**
     * Whether connecting again in the same way may help.
     */
    bool retryable;
    /**
     * Whether somebody of the other role is on the path already.
     */
    bool peer_present;
    /**
     * Whether the server proved to have the permanent key that this client knows.
     */
    bool server_verified;
    /**
     * Whether a new handshake with the peer that left can succeed. If not: issue a new token
     * (initiator), trust the peer (both), or use a new invitation (responder).
     */
    bool can_rejoin;
    /**
     * An address on the path: 1 is the initiator, 2 to 255 are responders.
     */
    uint8_t address;
    /**
     * How the client knows that the peer left.
     */
    saltyrtc_peer_left peer_left;
    /**
     * The public permanent key of the peer, SALTYRTC_KEY_BYTES bytes. Store it to trust the peer.
     */
    const uint8_t *peer_key;
    /**
     * The name of the task. NUL-terminated.
     */
    const char *task;
    /**
     * Of what type the data is.
     */
    saltyrtc_payload payload;
    /**
     * Data; see payload. Not NULL if data_len is not 0.
     */
    const uint8_t *data;
    /**
     * Bytes of data.
     */
    size_t data_len;
    /**
     * The RTCSdpType: "offer", "pranswer", "answer" or "rollback". NUL-terminated.
     */
    const char *sdp_type;
    /**
     * The session description. NUL-terminated; NULL if a "rollback" has none.
     */
    const char *sdp;
    /**
     * Candidates, in the order in which to add them.
     */
    const struct saltyrtc_candidate *candidates;
    /**
     * How many candidates there are.
     */
    size_t candidates_len;
    /**
     * How the connection to the peer is doing.
     */
    saltyrtc_connection_state connection_state;
    /**
     * The number of a channel.
     */
    uint32_t channel;
    /**
     * The name of a channel. NUL-terminated.
     */
    const char *label;
    /**
     * What is spoken on a channel. NUL-terminated.
     */
    const char *channel_protocol;
    /**
     * Whether messages can get lost.
     */
    saltyrtc_reliability reliability;
    /**
     * With MAX_RETRANSMITS a number, with MAX_LIFETIME milliseconds.
     */
    uint32_t reliability_limit;
    /**
     * Whether messages may arrive in another order than they were sent in.
     */
    bool unordered;
    /**
     * Whether messages are encrypted by WebRTC only, and not with the keys of the two clients inside of
     * that.
     */
    bool plain;
    /**
     * Whether the peer opened the channel.
     */
    bool opened_by_peer;
} saltyrtc_event;

/**
 * Frees an event of saltyrtc_client_next_event (not one that a callback got). NULL is fine.
 */
SALTYRTC_API void saltyrtc_event_free(struct saltyrtc_event *event);

/* =================================================================================================
 * Clients
 * ================================================================================================= */

/**
 * Frees the user data of a callback. Called exactly once, after the last call of the callback.
 */
typedef void (*saltyrtc_user_data_free)(void *user_data);

/**
 * A connection to a server and, through it, to a peer. All functions can be called by any thread at
 * any time, but nothing may be called with a client once saltyrtc_client_free was called.
 */
typedef struct saltyrtc_client saltyrtc_client;

/**
 * Gets the events of a client: all callbacks of all clients are called one after another by one
 * thread of the library, named "saltyrtc-events", with no lock held.
 *
 * Every function of the library can be called from a callback, with any client, but those that wait
 * return SALTYRTC_STATUS_WOULD_DEADLOCK there. A callback should not take long, since all others
 * wait for it. It must not throw exceptions. The event is valid until the callback returns.
 */
typedef void (*saltyrtc_event_callback)(struct saltyrtc_client *client,
                                        const struct saltyrtc_event *event,
                                        void *user_data);

/**
 * Makes a client and starts to connect. What comes of it is told by events, the last one being
 * CLOSED.
 *
 * With a callback, it is called with each event; `*out` is set before the first call. Without (NULL),
 * take the events with saltyrtc_client_next_event. In both cases events wait in the client until
 * they are delivered, and if too many wait nothing more is read from the network.
 *
 * `user_data` is for the callback. `user_data_free` (may be NULL) is called with it exactly once: when
 * the client is freed and its last callback has returned, or before this function returns if it
 * fails.
 *
 * `*out` has to be freed with saltyrtc_client_free. Fails with SALTYRTC_STATUS_BAD_CONFIG if the
 * settings do not go together.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_new(const struct saltyrtc_config *config,
                                    saltyrtc_event_callback callback,
                                    void *user_data,
                                    saltyrtc_user_data_free user_data_free,
                                    struct saltyrtc_client **out,
                                    struct saltyrtc_error **error);

/**
 * Frees a client: the connection is closed in the background, as by saltyrtc_client_close, but
 * without further events. NULL is fine. If the application carries the signalling
 * (saltyrtc_client_hand_over) the peer is not told, as that takes events: call saltyrtc_client_close
 * before, and wait for CLOSED.
 *
 * Waits until no callback of this client runs; none runs afterwards. So do not hold a lock that the
 * callback takes. In a callback of the same client it returns at once, and that callback is the last.
 * A thread that waits in saltyrtc_client_next_event is woken and gets
 * SALTYRTC_STATUS_NO_MORE_EVENTS. But it must not be about to call it: to end such a thread, call
 * saltyrtc_client_close, have the thread take events until there are no more, and free the client
 * after that. The event descriptor is closed.
 */
SALTYRTC_API
void saltyrtc_client_free(struct saltyrtc_client *client);

/**
 * Ends the connection: sends what is waiting, tells the peer, and closes. Returns at once; the CLOSED
 * event comes when it is done. Nothing can be sent any more. Does nothing the second time.
 *
 * The channels of the built-in WebRTC are emptied first, as long as the peer goes on taking: it may pause
 * for three seconds, and take a minute in all. What it has not got by then is lost.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_close(struct saltyrtc_client *client,
                                      struct saltyrtc_error **error);

/**
 * Takes the next event of a client without a callback.
 *
 * Waits at most `timeout_ms` milliseconds: 0 does not wait, a negative number waits for ever. If several
 * threads wait, each event goes to one of them. `*out` has to be freed with saltyrtc_event_free.
 *
 * Fails with SALTYRTC_STATUS_TIMEOUT; with SALTYRTC_STATUS_NO_MORE_EVENTS once CLOSED was taken; with
 * SALTYRTC_STATUS_HAS_CALLBACK; and with SALTYRTC_STATUS_WOULD_DEADLOCK in a callback of any client,
 * unless `timeout_ms` is 0.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_next_event(struct saltyrtc_client *client,
                                           int64_t timeout_ms,
                                           struct saltyrtc_event **out,
                                           struct saltyrtc_error **error);

#if defined(SALTYRTC_UNIX)
/**
 * A file descriptor for poll, select and event loops, of a client without a callback: it is readable
 * exactly while events wait. Do not read from it, and do not close it: take the events with
 * saltyrtc_client_next_event. It is closed by saltyrtc_client_free. Unix only.
 *
 * Fails with SALTYRTC_STATUS_HAS_CALLBACK.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_event_fd(struct saltyrtc_client *client,
                                         int *fd,
                                         struct saltyrtc_error **error);
#endif

/* =================================================================================================
 * The session with the peer
 * ================================================================================================= */

/**
 * Bytes that saltyrtc_client_encrypt adds.
 */
#define SALTYRTC_ENCRYPTION_OVERHEAD 40

/**
 * The twin of SALTYRTC_ENCRYPTION_OVERHEAD.
 */
SALTYRTC_API size_t saltyrtc_encryption_overhead(void);

/**
 * How far a client is.
 */
enum saltyrtc_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The connection is over or ending.
     */
    SALTYRTC_STATE_CLOSED = 0,
    /**
     * The connection to the server is being made.
     */
    SALTYRTC_STATE_CONNECTING = 1,
    /**
     * The handshake with the server is going on.
     */
    SALTYRTC_STATE_SERVER_HANDSHAKE = 2,
    /**
     * The server is authenticated, and no peer is there.
     */
    SALTYRTC_STATE_WAITING_FOR_PEER = 3,
    /**
     * A handshake with a peer is going on.
     */
    SALTYRTC_STATE_PEER_HANDSHAKE = 4,
    /**
     * The peer is authenticated, and the task runs.
     */
    SALTYRTC_STATE_TASK = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_state saltyrtc_state;
#else
typedef int32_t saltyrtc_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How far the client is. It may be further when the caller looks at it.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_state(const struct saltyrtc_client *client,
                                      saltyrtc_state *state,
                                      struct saltyrtc_error **error);

/**
 * The signalling path: the initiator's public permanent key, SALTYRTC_KEY_BYTES bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_path(const struct saltyrtc_client *client,
                                     uint8_t *path,
                                     struct saltyrtc_error **error);

/**
 * The public permanent key of the authenticated peer, SALTYRTC_KEY_BYTES bytes: what to store to trust
 * it. Fails with SALTYRTC_STATUS_NO_PEER.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_peer_key(const struct saltyrtc_client *client,
                                         uint8_t *key,
                                         struct saltyrtc_error **error);

/**
 * The name of the task that runs with the authenticated peer, 256 bytes at most with the NUL. Fails
 * with SALTYRTC_STATUS_NO_PEER.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_task(const struct saltyrtc_client *client,
                                     char *name,
                                     size_t name_capacity,
                                     size_t *name_len,
                                     struct saltyrtc_error **error);

/**
 * The URI of the invitation to the path of this client, with a token of saltyrtc_client_issue_token
 * (SALTYRTC_KEY_BYTES bytes) or without (NULL). SALTYRTC_INVITATION_BYTES bytes are enough.
 *
 * With a token the URI is a secret: show or send it to the responder only.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_invitation(const struct saltyrtc_client *client,
                                           const uint8_t *token,
                                           char *uri,
                                           size_t uri_capacity,
                                           size_t *uri_len,
                                           struct saltyrtc_error **error);

/**
 * Initiator: draws a new token (SALTYRTC_KEY_BYTES bytes), which lets one more responder in. The
 * previous token, or the trusted key, is not accepted any more in new handshakes; a peer that is
 * authenticated stays until the new one takes its place.
 *
 * Fails with SALTYRTC_STATUS_OTHER_ROLE and SALTYRTC_STATUS_CLOSED.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_issue_token(struct saltyrtc_client *client,
                                            uint8_t *token,
                                            struct saltyrtc_error **error);

/**
 * Goes on without tokens: the authenticated peer can come back to this client with its permanent key
 * alone. The peer has to do the same, or its first message cannot be decrypted.
 *
 * For later clients, store the peer's key: saltyrtc_config_set_trusted_peer. Fails with
 * SALTYRTC_STATUS_NO_PEER.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_trust_peer(struct saltyrtc_client *client,
                                           struct saltyrtc_error **error);

/**
 * Initiator: drops a responder from the path, the authenticated peer included. `address` is 2 to 255.
 * `close_code` is what the responder gets to see: 3001 (it broke the protocol), 3002 (an internal
 * error), 3004 (it is not wanted) or 3005 (its first message could not be decrypted).
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_drop_responder(struct saltyrtc_client *client,
                                               uint8_t address,
                                               int32_t close_code,
                                               struct saltyrtc_error **error);

/**
 * Encrypts for the peer with the keys of this session, for another way to the peer.
 *
 * The buffer needs SALTYRTC_ENCRYPTION_OVERHEAD bytes more than the data. Nothing keeps somebody from
 * giving the peer the same data twice. Fails with SALTYRTC_STATUS_NO_PEER.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_encrypt(struct saltyrtc_client *client,
                                        const uint8_t *data,
                                        size_t data_len,
                                        uint8_t *encrypted,
                                        size_t encrypted_capacity,
                                        size_t *encrypted_len,
                                        struct saltyrtc_error **error);

/**
 * Decrypts what the peer encrypted with saltyrtc_client_encrypt in this session.
 *
 * The buffer needs SALTYRTC_ENCRYPTION_OVERHEAD bytes less than the encrypted data. Fails with
 * SALTYRTC_STATUS_DECRYPTION_FAILED if it is not from the peer, was changed, or is from another
 * session; and with SALTYRTC_STATUS_NO_PEER.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_decrypt(struct saltyrtc_client *client,
                                        const uint8_t *encrypted,
                                        size_t encrypted_len,
                                        uint8_t *data,
                                        size_t data_capacity,
                                        size_t *data_len,
                                        struct saltyrtc_error **error);

/* =================================================================================================
 * Sending
 * ================================================================================================= */

/**
 * Sends bytes with the Relayed Data task. The peer gets a DATA event.
 *
 * This and the other functions that send copy the message, put it into the queue, and return. They
 * fail with SALTYRTC_STATUS_NO_PEER before PEER_HANDSHAKE_DONE and after PEER_LEFT,
 * SALTYRTC_STATUS_CLOSED, SALTYRTC_STATUS_TOO_LARGE, SALTYRTC_STATUS_OTHER_TASK, and
 * SALTYRTC_STATUS_QUEUE_FULL, after which a WRITABLE event follows. Nothing is sent then.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_bytes(struct saltyrtc_client *client,
                                           const uint8_t *data,
                                           size_t data_len,
                                           struct saltyrtc_error **error);

/**
 * Sends text (UTF-8) with the Relayed Data task; otherwise like saltyrtc_client_send_bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_text(struct saltyrtc_client *client,
                                          const char *text,
                                          struct saltyrtc_error **error);

/**
 * Sends any serialised MessagePack value with the Relayed Data task; otherwise like
 * saltyrtc_client_send_bytes. Fails with SALTYRTC_STATUS_BAD_MSGPACK if it is not exactly one value.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_msgpack(struct saltyrtc_client *client,
                                             const uint8_t *data,
                                             size_t data_len,
                                             struct saltyrtc_error **error);

/**
 * Sends bytes to the peer's application beside the task, whatever the task is. The peer gets an
 * APPLICATION event. Fails like saltyrtc_client_send_bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_application_bytes(struct saltyrtc_client *client,
                                                       const uint8_t *data,
                                                       size_t data_len,
                                                       struct saltyrtc_error **error);

/**
 * Sends text (UTF-8) to the peer's application; like saltyrtc_client_send_application_bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_application_text(struct saltyrtc_client *client,
                                                      const char *text,
                                                      struct saltyrtc_error **error);

/**
 * Sends any serialised MessagePack value to the peer's application; like
 * saltyrtc_client_send_application_bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_application_msgpack(struct saltyrtc_client *client,
                                                         const uint8_t *data,
                                                         size_t data_len,
                                                         struct saltyrtc_error **error);

/**
 * Sends a message of a custom task: a serialised MessagePack map with text keys, among them "type"
 * with a text that the peer's task knows ("application" and "close" are not allowed). The peer gets a
 * TASK_MESSAGE event. Fails like saltyrtc_client_send_bytes, and with SALTYRTC_STATUS_BAD_MSGPACK.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_task_message(struct saltyrtc_client *client,
                                                  const uint8_t *message,
                                                  size_t message_len,
                                                  struct saltyrtc_error **error);

/* =================================================================================================
 * Built-in WebRTC: settings
 * ================================================================================================= */

/**
 * The settings of the built-in WebRTC engine. They are copied when they are added to a configuration
 * (saltyrtc_config_add_rtc_task), so they can be used several times, and freed right after.
 *
 * To be used by one thread at a time.
 */
typedef struct saltyrtc_rtc_config saltyrtc_rtc_config;

/**
 * Settings with no ICE servers: enough for two clients in one network.
 *
 * `*out` has to be freed with saltyrtc_rtc_config_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_new(struct saltyrtc_rtc_config **out,
                                        struct saltyrtc_error **error);

/**
 * Frees the settings. NULL is fine.
 */
SALTYRTC_API void saltyrtc_rtc_config_free(struct saltyrtc_rtc_config *config);

/**
 * Adds a server that finds paths through NATs (STUN), or relays what finds no other path (TURN).
 *
 * `url` is "stun:host:port", "turn:host:port", "turn:host:port?transport=tcp" or "turns:host:port"; the
 * port can be left out. `username` and `password` are for TURN; NULL for none. TURN over TLS trusts the
 * certificates that the client trusts.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_add_ice_server(struct saltyrtc_rtc_config *config,
                                                   const char *url,
                                                   const char *username,
                                                   const char *password,
                                                   struct saltyrtc_error **error);

/**
 * Whether only paths through TURN servers may be used, which hides the addresses of this host from the
 * peer. Default: false.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_relay_only(struct saltyrtc_rtc_config *config,
                                                   bool relay_only,
                                                   struct saltyrtc_error **error);

/**
 * The most bytes that a message on a secure channel may have, sent or received. Default: 16 MiB. Plain
 * channels take what WebRTC takes: 256 KiB to this client, what the peer says to the peer.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_max_message_size(struct saltyrtc_rtc_config *config,
                                                         size_t bytes,
                                                         struct saltyrtc_error **error);

/**
 * The most bytes that may wait to be sent on a channel. Beyond it sending fails until there is room,
 * except that one message is always taken. Default: 4 MiB.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_max_buffered(struct saltyrtc_rtc_config *config,
                                                     size_t bytes,
                                                     struct saltyrtc_error **error);

/**
 * The ids (0 to 65534) that the application wants for negotiated channels of its own
 * (saltyrtc_channel_options). Replaces those that were set before; NULL and 0 for none.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_negotiated_ids(struct saltyrtc_rtc_config *config,
                                                       const uint16_t *ids,
                                                       size_t ids_len,
                                                       struct saltyrtc_error **error);

/**
 * Whether the signalling moves to the connection of the two clients once there is one; then the server
 * is not needed any more. Default: true.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_handover(struct saltyrtc_rtc_config *config,
                                                 bool handover,
                                                 struct saltyrtc_error **error);

/**
 * Channels with this label that the peer opens are plain, not secure. Can be called several times.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_add_plain_label(struct saltyrtc_rtc_config *config,
                                                    const char *label,
                                                    struct saltyrtc_error **error);

/**
 * Uses only this address of the host, for example "192.0.2.7". Can be called several times. Default:
 * all addresses that the host has.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_add_address(struct saltyrtc_rtc_config *config,
                                                const char *address,
                                                struct saltyrtc_error **error);

/**
 * Uses only UDP ports from `first` to `last`, one for each address. Default: any.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_ports(struct saltyrtc_rtc_config *config,
                                              uint16_t first,
                                              uint16_t last,
                                              struct saltyrtc_error **error);

/**
 * Adds the WebRTC task with the built-in engine, after the tasks that were added before. No other
 * WebRTC task can be added to the same configuration.
 *
 * After the handshake with the peer the client makes a connection to it by itself, hands the signalling
 * over, and carries the channels that either side opens (saltyrtc_client_open_channel; events
 * CONNECTION_STATE and CHANNEL_OPENED).
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_rtc_task(struct saltyrtc_config *config,
                                             const struct saltyrtc_rtc_config *rtc,
                                             struct saltyrtc_error **error);

/* =================================================================================================
 * Built-in WebRTC: channels
 * ================================================================================================= */

/**
 * How a channel is to be. Set all bytes to 0, then struct_size and what is wanted: that makes a
 * reliable, ordered, secure channel.
 */
typedef struct saltyrtc_channel_options {
    /**
     * sizeof(saltyrtc_channel_options), so that fields can be added later.
     */
    size_t struct_size;
    /**
     * A name of the application's choice. NULL is an empty one.
     */
    const char *label;
    /**
     * The name of what is spoken on the channel. NULL is an empty one.
     */
    const char *protocol;
    /**
     * One of saltyrtc_reliability.
     */
    int32_t reliability;
    /**
     * With MAX_RETRANSMITS: how often a message is sent again at most (up to 65535). With MAX_LIFETIME:
     * how many milliseconds long. Otherwise 0.
     */
    uint32_t reliability_limit;
    /**
     * Whether messages may arrive in another order than they were sent in.
     */
    bool unordered;
    /**
     * Whether messages are encrypted by WebRTC only, and not with the keys of the two clients inside of
     * that. The peer has to do the same. Messages then have the size limit of WebRTC.
     */
    bool plain;
    /**
     * Whether both sides open the channel with `id`, in place of one side announcing it to the other.
     */
    bool negotiated;
    /**
     * With `negotiated`: 0 to 65534, one of those of saltyrtc_rtc_config_set_negotiated_ids.
     */
    uint16_t id;
} saltyrtc_channel_options;

/**
 * Opens a channel to the peer. `*channel` becomes its number, which this client never uses again: there
 * is nothing to free. A CHANNEL_OPENED event says that messages can be sent; CHANNEL_CLOSED that it
 * came to nothing. Can be called as soon as there is a peer, also before there is a connection.
 *
 * Fails with SALTYRTC_STATUS_NO_RTC without the built-in WebRTC, SALTYRTC_STATUS_NO_PEER, and
 * SALTYRTC_STATUS_TOO_MANY_CHANNELS.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_open_channel(struct saltyrtc_client *client,
                                             const struct saltyrtc_channel_options *options,
                                             uint32_t *channel,
                                             struct saltyrtc_error **error);

/**
 * Sends bytes on a channel. The peer gets a CHANNEL_MESSAGE event. On a secure channel they are
 * encrypted here, by the calling thread.
 *
 * Fails with SALTYRTC_STATUS_CHANNEL_NOT_OPEN, SALTYRTC_STATUS_TOO_LARGE, and
 * SALTYRTC_STATUS_QUEUE_FULL, after which a CHANNEL_LOW_WATER event follows. Nothing is sent then.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_send_bytes(struct saltyrtc_client *client,
                                                   uint32_t channel,
                                                   const uint8_t *data,
                                                   size_t data_len,
                                                   struct saltyrtc_error **error);

/**
 * Sends text (UTF-8) on a channel; on a secure channel the peer gets it as bytes. Otherwise like
 * saltyrtc_client_channel_send_bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_send_text(struct saltyrtc_client *client,
                                                  uint32_t channel,
                                                  const char *text,
                                                  struct saltyrtc_error **error);

/**
 * Bytes that wait to be sent on a channel, encryption included. Fails with
 * SALTYRTC_STATUS_CHANNEL_NOT_OPEN.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_buffered_amount(const struct saltyrtc_client *client,
                                                        uint32_t channel,
                                                        size_t *amount,
                                                        struct saltyrtc_error **error);

/**
 * Sets the low-water mark of a channel, in bytes (0 at first): whenever what waits to be sent falls from
 * above to it, there is a CHANNEL_LOW_WATER event. Fails with SALTYRTC_STATUS_CHANNEL_NOT_OPEN.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_set_low_water(struct saltyrtc_client *client,
                                                      uint32_t channel,
                                                      size_t bytes,
                                                      struct saltyrtc_error **error);

/**
 * Closes a channel, once everything was sent that waits. A CHANNEL_CLOSED event follows when the peer
 * has closed it too. Fails with SALTYRTC_STATUS_CHANNEL_NOT_OPEN.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_close(struct saltyrtc_client *client,
                                              uint32_t channel,
                                              struct saltyrtc_error **error);

/**
 * Initiator: looks for a path to the peer again, with all addresses that both sides have now. The
 * library does so by itself when the addresses of this host change. Fails with
 * SALTYRTC_STATUS_OTHER_ROLE for a responder, SALTYRTC_STATUS_NO_RTC and SALTYRTC_STATUS_NO_PEER.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_restart_ice(struct saltyrtc_client *client,
                                            struct saltyrtc_error **error);

/* =================================================================================================
 * Built-in WebRTC: figures
 * ================================================================================================= */

/**
 * How one side of a path is reached.
 */
enum saltyrtc_candidate_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * There is no path.
     */
    SALTYRTC_CANDIDATE_TYPE_NONE = 0,
    /**
     * An interface of the host.
     */
    SALTYRTC_CANDIDATE_TYPE_HOST = 1,
    /**
     * The outside of a NAT, as a STUN server saw it.
     */
    SALTYRTC_CANDIDATE_TYPE_SERVER_REFLEXIVE = 2,
    /**
     * The outside of a NAT, as the other side saw it.
     */
    SALTYRTC_CANDIDATE_TYPE_PEER_REFLEXIVE = 3,
    /**
     * A TURN server.
     */
    SALTYRTC_CANDIDATE_TYPE_RELAYED = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_candidate_type saltyrtc_candidate_type;
#else
typedef int32_t saltyrtc_candidate_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How packets get to the TURN server of this side.
 */
enum saltyrtc_relay_protocol
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * This side uses none.
     */
    SALTYRTC_RELAY_PROTOCOL_NONE = 0,
    /**
     * UDP.
     */
    SALTYRTC_RELAY_PROTOCOL_UDP = 1,
    /**
     * TCP.
     */
    SALTYRTC_RELAY_PROTOCOL_TCP = 2,
    /**
     * TLS over TCP.
     */
    SALTYRTC_RELAY_PROTOCOL_TLS = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_relay_protocol saltyrtc_relay_protocol;
#else
typedef int32_t saltyrtc_relay_protocol;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Figures of the connection to the peer. Set struct_size before the call.
 */
typedef struct saltyrtc_rtc_stats {
    /**
     * sizeof(saltyrtc_rtc_stats), so that fields can be added later.
     */
    size_t struct_size;
    /**
     * How the connection is doing.
     */
    saltyrtc_connection_state state;
    /**
     * How this side is reached on the path in use.
     */
    saltyrtc_candidate_type local_type;
    /**
     * How the peer is reached.
     */
    saltyrtc_candidate_type remote_type;
    /**
     * How packets get to the TURN server of this side.
     */
    saltyrtc_relay_protocol relay_protocol;
    /**
     * Address and port of this side, for example "192.0.2.1:5000" or "[2001:db8::1]:5000";
     * NUL-terminated, empty if there is no path.
     */
    char local_address[64];
    /**
     * Address and port of the peer, likewise.
     */
    char remote_address[64];
    /**
     * How long the last check of the path took to be answered, in microseconds; 0 if not known.
     */
    uint64_t round_trip_time_us;
    /**
     * Bytes sent to the peer, as UDP payload: encryption, headers and what was sent again included.
     */
    uint64_t bytes_sent;
    /**
     * Bytes received from the peer, likewise.
     */
    uint64_t bytes_received;
    /**
     * How many channels of the application are open.
     */
    size_t channels;
} saltyrtc_rtc_stats;

/**
 * Figures of the connection to the peer. Set `stats->struct_size` before the call. Fails with
 * SALTYRTC_STATUS_NO_RTC without the built-in WebRTC.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_rtc_stats(const struct saltyrtc_client *client,
                                          struct saltyrtc_rtc_stats *stats,
                                          struct saltyrtc_error **error);

/* =================================================================================================
 * WebRTC of the application: offers, answers, candidates
 * ================================================================================================= */

/**
 * Adds the WebRTC task (v1.webrtc.tasks.saltyrtc.org) for an application with a WebRTC implementation
 * of its own, after the tasks that were added before.
 *
 * The library carries offers, answers and candidates (saltyrtc_client_send_offer and the functions
 * after it; events OFFER, ANSWER, CANDIDATES); the application makes the connection. `exclude` are
 * `exclude_len` ids of data channels (0 to 65534) that the application uses itself and that must not be
 * used for the signalling; NULL and 0 for none. `handover` is whether the signalling may be handed over
 * to a data channel (saltyrtc_client_hand_over).
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_webrtc_task(struct saltyrtc_config *config,
                                                const uint16_t *exclude,
                                                size_t exclude_len,
                                                bool handover,
                                                struct saltyrtc_error **error);

/**
 * Adds the first version of the WebRTC task (v0.webrtc.tasks.saltyrtc.org), which some old peers
 * speak and nothing else. Add it after saltyrtc_config_add_webrtc_task.
 *
 * `max_packet_size` is the most bytes that a message on a data channel may have; 0 if messages are not
 * to be chunked. The lower one of the two clients counts. Otherwise like
 * saltyrtc_config_add_webrtc_task.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_webrtc_v0_task(struct saltyrtc_config *config,
                                                   const uint16_t *exclude,
                                                   size_t exclude_len,
                                                   bool handover,
                                                   uint32_t max_packet_size,
                                                   struct saltyrtc_error **error);

/**
 * Sends an offer to the responder, which gets an OFFER event. Initiator only.
 *
 * `sdp_type` is the RTCSdpType: "offer", or "rollback" to take an offer back. `sdp` is the session
 * description; NULL is allowed with "rollback" only. Fails like saltyrtc_client_send_bytes, and with
 * SALTYRTC_STATUS_OTHER_ROLE.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_offer(struct saltyrtc_client *client,
                                           const char *sdp_type,
                                           const char *sdp,
                                           struct saltyrtc_error **error);

/**
 * Sends an answer to the initiator, which gets an ANSWER event. Responder only. `sdp_type` is "answer",
 * "pranswer" or "rollback"; otherwise like saltyrtc_client_send_offer.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_answer(struct saltyrtc_client *client,
                                            const char *sdp_type,
                                            const char *sdp,
                                            struct saltyrtc_error **error);

/**
 * Sends an ICE candidate to the peer, which gets it in a CANDIDATES event. Candidates that are sent in
 * quick succession (10 ms) become one message.
 *
 * `candidate` is NULL, or an empty text, when there are no more; then the other arguments can be NULL
 * and -1. `sdp_mid` and `username_fragment` can be NULL, `sdp_m_line_index` -1 (none) to 65535. Fails
 * like saltyrtc_client_send_bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_candidate(struct saltyrtc_client *client,
                                               const char *candidate,
                                               const char *sdp_mid,
                                               int32_t sdp_m_line_index,
                                               const char *username_fragment,
                                               struct saltyrtc_error **error);

/* =================================================================================================
 * WebRTC of the application: handover
 * ================================================================================================= */

/**
 * The data channel to hand the signalling over to. Both clients make it when they make their peer
 * connections, before the offer: with this `id`, `label` and `protocol`, with `negotiated` and
 * `ordered` true, and with nothing else set.
 *
 * `label` and `protocol` become texts that stay valid for ever; each may be NULL. Fails with
 * SALTYRTC_STATUS_NO_PEER, and with SALTYRTC_STATUS_NO_HANDOVER if the two clients did not agree on a
 * handover.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_signalling_channel(const struct saltyrtc_client *client,
                                                   uint16_t *id,
                                                   const char **label,
                                                   const char **protocol,
                                                   struct saltyrtc_error **error);

/**
 * Sends one binary message on the data channel of the signalling. The data is valid until the function
 * returns. If it cannot be sent, call saltyrtc_client_transport_closed.
 */
typedef void (*saltyrtc_transport_send)(struct saltyrtc_client *client,
                                        const uint8_t *data,
                                        size_t data_len,
                                        void *user_data);

/**
 * Closes the data channel of the signalling, after what was sent was delivered.
 */
typedef void (*saltyrtc_transport_close)(struct saltyrtc_client *client, void *user_data);

/**
 * Hands the signalling over to a data channel. Call it when the channel of
 * saltyrtc_client_signalling_channel is open; the peer does the same. When both have done so there is a
 * HANDED_OVER event, the connection to the server ends, and everything goes over the data channel,
 * encrypted as before.
 *
 * `max_message_size` is the most bytes that a message of the peer connection may have (maxMessageSize
 * of its SCTP transport); 0 if it has no limit. `send` and `close` do what is to be done with the
 * channel; they are called like the callback of the client, by the same thread. Without them (both
 * NULL; always so with a client that has no callback) there are TRANSPORT_SEND and TRANSPORT_CLOSE
 * events. `user_data` is for the functions; `user_data_free` (may be NULL) is called with it exactly
 * once: when the client is freed, when the signalling with another peer is handed over, or before this
 * function returns if it fails.
 *
 * Give the library what arrives on the channel with saltyrtc_client_transport_receive, also before this
 * call, and say with saltyrtc_client_transport_closed when the channel is gone.
 *
 * Fails with SALTYRTC_STATUS_NO_PEER, SALTYRTC_STATUS_CLOSED, SALTYRTC_STATUS_NO_HANDOVER if the two
 * clients did not agree on it, and SALTYRTC_STATUS_HANDED_OVER the second time.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_hand_over(struct saltyrtc_client *client,
                                          size_t max_message_size,
                                          saltyrtc_transport_send send,
                                          saltyrtc_transport_close close,
                                          void *user_data,
                                          saltyrtc_user_data_free user_data_free,
                                          struct saltyrtc_error **error);

/**
 * A message arrived on the data channel of the signalling. Order and boundaries of the messages have
 * to be kept. Messages that arrive before the peer's handover, or before this client's, wait.
 *
 * What comes of it, also of a wrong message, is told by events, as with messages that come over the
 * server. Does nothing if there is no peer.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_transport_receive(struct saltyrtc_client *client,
                                                  const uint8_t *data,
                                                  size_t data_len,
                                                  struct saltyrtc_error **error);

/**
 * The data channel of the signalling is closed, could not be opened, or is of no use any more.
 *
 * Before either client has handed over, nothing is lost: the signalling goes on over the server, and
 * another channel can be tried. Afterwards the connection ends with a CLOSED event.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_transport_closed(struct saltyrtc_client *client,
                                                 struct saltyrtc_error **error);

/* =================================================================================================
 * WebRTC of the application: secure data channels
 * ================================================================================================= */

/**
 * Encrypts and decrypts the messages of one data channel of the application with the keys of the
 * session. Each data channel has one of its own, at both ends; never use one for two channels, not
 * even one after the other with the same id.
 *
 * It can be used by any thread, and goes on working when the session has ended or the client was freed.
 */
typedef struct saltyrtc_secure_channel saltyrtc_secure_channel;

/**
 * Bytes that saltyrtc_secure_channel_encrypt adds.
 */
#define SALTYRTC_SECURE_CHANNEL_OVERHEAD 40

/**
 * The twin of SALTYRTC_SECURE_CHANNEL_OVERHEAD.
 */
SALTYRTC_API size_t saltyrtc_secure_channel_overhead(void);

/**
 * Makes the secure channel for the data channel with the id `id` (0 to 65534).
 *
 * `*out` has to be freed with saltyrtc_secure_channel_free. Fails with SALTYRTC_STATUS_NO_PEER and
 * SALTYRTC_STATUS_CLOSED.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_secure_channel_new(struct saltyrtc_client *client,
                                            uint16_t id,
                                            struct saltyrtc_secure_channel **out,
                                            struct saltyrtc_error **error);

/**
 * Frees a secure channel. NULL is fine. Overwrites its key, unless others have it too.
 */
SALTYRTC_API void saltyrtc_secure_channel_free(struct saltyrtc_secure_channel *channel);

/**
 * Encrypts a message that is about to be sent on the data channel.
 *
 * The buffer needs SALTYRTC_SECURE_CHANNEL_OVERHEAD bytes more than the data. Every call uses up a
 * number, also if the result is not sent. Peers expect messages larger than their data channel takes
 * to be chunked after this, in unreliable/unordered mode (saltyrtc_chunker).
 */
SALTYRTC_API
saltyrtc_status saltyrtc_secure_channel_encrypt(struct saltyrtc_secure_channel *channel,
                                                const uint8_t *data,
                                                size_t data_len,
                                                uint8_t *encrypted,
                                                size_t encrypted_capacity,
                                                size_t *encrypted_len,
                                                struct saltyrtc_error **error);

/**
 * Decrypts a message that arrived on the data channel, put together again if it was chunked.
 *
 * The buffer needs SALTYRTC_SECURE_CHANNEL_OVERHEAD bytes less than the encrypted data. Messages can be
 * lost and can arrive in any order. Fails with SALTYRTC_STATUS_DECRYPTION_FAILED if the message is not
 * one of the peer's for this channel; those after it are not affected. If the buffer is too small, the
 * same message can be given again.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_secure_channel_decrypt(struct saltyrtc_secure_channel *channel,
                                                const uint8_t *encrypted,
                                                size_t encrypted_len,
                                                uint8_t *data,
                                                size_t data_capacity,
                                                size_t *data_len,
                                                struct saltyrtc_error **error);

/* =================================================================================================
 * Chunking
 * ================================================================================================= */

/**
 * What the transport of chunks is like. Both ends have to use the same mode.
 */
enum saltyrtc_chunking_mode
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Chunks arrive in order, each once, and messages are not interleaved. Headers have 1 byte. Peers
     * that know only version 1.0 of the chunking specification cannot use it.
     */
    SALTYRTC_CHUNKING_MODE_RELIABLE_ORDERED = 0,
    /**
     * Chunks may be lost, reordered and duplicated, and messages interleaved. Headers have 9 bytes.
     * Right for reliable transports too.
     */
    SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_chunking_mode saltyrtc_chunking_mode;
#else
typedef int32_t saltyrtc_chunking_mode;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Splits messages into chunks, for transports that limit the size of messages, such as data channels.
 * Use one for each direction of each channel.
 */
typedef struct saltyrtc_chunker saltyrtc_chunker;

/**
 * Makes a chunker; `mode` is a saltyrtc_chunking_mode. Message ids start with 0.
 *
 * `*out` has to be freed with saltyrtc_chunker_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_chunker_new(int32_t mode,
                                     struct saltyrtc_chunker **out,
                                     struct saltyrtc_error **error);

/**
 * Frees a chunker with the chunks that were not taken. NULL is fine.
 */
SALTYRTC_API void saltyrtc_chunker_free(struct saltyrtc_chunker *chunker);

/**
 * Adds a message, which must not be empty. saltyrtc_chunker_next gives its chunks, after those of
 * messages that were added before.
 *
 * Chunks have `chunk_size` bytes, header included (10 at least, or 2 in reliable/ordered mode); the
 * last one may have less. Fails with SALTYRTC_STATUS_TOO_LARGE if there would be more than 2^32
 * chunks.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_chunker_add(struct saltyrtc_chunker *chunker,
                                     const uint8_t *message,
                                     size_t message_len,
                                     size_t chunk_size,
                                     struct saltyrtc_error **error);

/**
 * Takes the next chunk. Success with `*chunk_len` 0 means that there is none: chunks are never empty.
 * A chunk for which the buffer is too small stays the next one.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_chunker_next(struct saltyrtc_chunker *chunker,
                                      uint8_t *chunk,
                                      size_t chunk_capacity,
                                      size_t *chunk_len,
                                      struct saltyrtc_error **error);

/**
 * Puts chunks together to messages. Use one for each direction of each channel.
 */
typedef struct saltyrtc_unchunker saltyrtc_unchunker;

/**
 * Makes an unchunker; `mode` is a saltyrtc_chunking_mode. The rest bounds what a peer can make it keep,
 * and must not be 0, but for the last one:
 *
 * `max_message_size`: bytes in the largest message. `max_total_size`: bytes of memory for all
 * messages that are not complete, book-keeping included (some 500 bytes for each message and 100 for
 * each chunk that is early); without room, the messages are given up that had nothing new for the
 * longest time. `max_age_ms`: milliseconds without a new chunk after which a message is given up.
 * `remembered`: how many complete messages are remembered (for `max_age_ms` at most), so that late
 * duplicates are not taken for new messages; 0 is right if the transport makes no duplicates, as data
 * channels.
 *
 * `*out` has to be freed with saltyrtc_unchunker_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_unchunker_new(int32_t mode,
                                       size_t max_message_size,
                                       size_t max_total_size,
                                       uint32_t max_age_ms,
                                       uint32_t remembered,
                                       struct saltyrtc_unchunker **out,
                                       struct saltyrtc_error **error);

/**
 * Frees an unchunker with all that it keeps. NULL is fine.
 */
SALTYRTC_API void saltyrtc_unchunker_free(struct saltyrtc_unchunker *unchunker);

/**
 * Adds a chunk. `*message_len` (NULL is fine) becomes 0, or, if a message is complete now, the number
 * of its bytes: take it with saltyrtc_unchunker_next before the next chunk is added, or that fails
 * with SALTYRTC_STATUS_BAD_ARGUMENT and is to be repeated.
 *
 * Fails with SALTYRTC_STATUS_BAD_CHUNK if the chunk breaks the rules, and with
 * SALTYRTC_STATUS_TOO_LARGE, once, if its message is over a limit; the rest of that message is
 * ignored. Other messages lose nothing, and the unchunker can go on. In reliable/ordered mode a bad
 * chunk ends the message that is being received; otherwise it changes nothing.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_unchunker_add(struct saltyrtc_unchunker *unchunker,
                                       const uint8_t *chunk,
                                       size_t chunk_len,
                                       size_t *message_len,
                                       struct saltyrtc_error **error);

/**
 * Takes the message that is complete. Success with `*message_len` 0 means that there is none. A
 * message for which the buffer is too small stays.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_unchunker_next(struct saltyrtc_unchunker *unchunker,
                                        uint8_t *message,
                                        size_t message_capacity,
                                        size_t *message_len,
                                        struct saltyrtc_error **error);

/**
 * Gives up messages that are too old, which otherwise happens with the next chunk: call it now and
 * then to have the memory back although none comes. `*given_up` (NULL is fine) becomes the number of
 * messages that were given up so far, for whatever reason.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_unchunker_expire(struct saltyrtc_unchunker *unchunker,
                                          uint64_t *given_up,
                                          struct saltyrtc_error **error);

/* =================================================================================================
 * Embedded server
 * ================================================================================================= */

/**
 * The settings of a server. saltyrtc_server_start copies them. To be used by one thread at a time.
 */
typedef struct saltyrtc_server_config saltyrtc_server_config;

/**
 * A running server. All functions can be called by any thread at any time, but nothing may be called
 * with a server once saltyrtc_server_free was called.
 */
typedef struct saltyrtc_server saltyrtc_server;

/**
 * The settings of a server that listens on an IP address (for example "127.0.0.1", "::1", "0.0.0.0"
 * for all IPv4 addresses, or "::" for all) and a port; with port 0 the system picks one, see
 * saltyrtc_server_port. Without further settings the server speaks plain `ws` and has no permanent key.
 *
 * `*out` has to be freed with saltyrtc_server_config_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_new(const char *address,
                                           uint16_t port,
                                           struct saltyrtc_server_config **out,
                                           struct saltyrtc_error **error);

/**
 * Frees the settings of a server. NULL is fine.
 */
SALTYRTC_API void saltyrtc_server_config_free(struct saltyrtc_server_config *config);

/**
 * Adds a permanent secret key (SALTYRTC_KEY_BYTES bytes) of the server; the first one is the primary.
 * Clients that know the public key can be sure of the server.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_add_permanent_key(struct saltyrtc_server_config *config,
                                                         const uint8_t *secret_key,
                                                         struct saltyrtc_error **error);

/**
 * Makes the server speak `wss`, with this certificate (and those that lead to a trusted one after it)
 * and its private key, both in PEM. Whether they can be used shows when the server starts.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_set_tls(struct saltyrtc_server_config *config,
                                               const uint8_t *certificates,
                                               size_t certificates_len,
                                               const uint8_t *private_key,
                                               size_t private_key_len,
                                               struct saltyrtc_error **error);

/**
 * Whether initiators may drop responders with the code 3006 (no shared task), which the protocol does
 * not allow but some older clients send. Default: false.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_set_accept_no_shared_task(struct saltyrtc_server_config *config,
                                                                 bool accept,
                                                                 struct saltyrtc_error **error);

/**
 * Starts a server. It listens when this returns, and runs on threads of the library.
 *
 * `*out` has to be freed with saltyrtc_server_free. Fails with SALTYRTC_STATUS_LISTEN_FAILED,
 * SALTYRTC_STATUS_BAD_CERTIFICATE, or SALTYRTC_STATUS_BAD_CONFIG if a limit is too small.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_start(const struct saltyrtc_server_config *config,
                                      struct saltyrtc_server **out,
                                      struct saltyrtc_error **error);

/**
 * The port that the server listens on.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_port(const struct saltyrtc_server *server,
                                     uint16_t *port,
                                     struct saltyrtc_error **error);

/**
 * The IP address and port that the server listens on, for example "127.0.0.1:8765" or "[::1]:8765".
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_address(const struct saltyrtc_server *server,
                                        char *address,
                                        size_t address_capacity,
                                        size_t *address_len,
                                        struct saltyrtc_error **error);

/**
 * The URL for clients on the same machine, for example "ws://127.0.0.1:8765": what
 * saltyrtc_config_new_initiator takes. With TLS it has the IP address too, which the certificate may
 * not be for.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_url(const struct saltyrtc_server *server,
                                    char *url,
                                    size_t url_capacity,
                                    size_t *url_len,
                                    struct saltyrtc_error **error);

/**
 * Stops a server properly: it listens no more, sends what waits for clients, and closes their
 * connections with 1001. Waits until that is done, at most `timeout_ms` milliseconds. Does nothing the
 * second time.
 *
 * Fails with SALTYRTC_STATUS_TIMEOUT if it was not done in time, but goes on in the background then;
 * and with SALTYRTC_STATUS_WOULD_DEADLOCK in a callback.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_stop(struct saltyrtc_server *server,
                                     uint32_t timeout_ms,
                                     struct saltyrtc_error **error);

/**
 * Frees a server. If it still runs it is stopped at once, and its connections are cut. NULL is fine.
 */
SALTYRTC_API
void saltyrtc_server_free(struct saltyrtc_server *server);

/**
 * For limits that may be switched off: no limit.
 */
#define SALTYRTC_NO_LIMIT UINT64_MAX

/**
 * What a server puts up with. Those marked with (*) can be switched off with SALTYRTC_NO_LIMIT. New
 * limits may appear.
 */
enum saltyrtc_limit
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * (*) Connections at once; more are closed before TLS. Default: 65536.
     */
    SALTYRTC_LIMIT_CONNECTIONS = 0,
    /**
     * (*) Connections at once from one IPv4 address or IPv6 /64 network. Default: 4096.
     */
    SALTYRTC_LIMIT_CONNECTIONS_PER_ADDRESS = 1,
    /**
     * (*) Connections at once on one path; more are closed with 3000. Default: 1024.
     */
    SALTYRTC_LIMIT_CONNECTIONS_PER_PATH = 2,
    /**
     * (*) Connections per second from one address, after a burst of 4096. Default: 200.
     */
    SALTYRTC_LIMIT_ACCEPT_RATE = 3,
    /**
     * Milliseconds from TCP connection to authentication. Default: 30000.
     */
    SALTYRTC_LIMIT_HANDSHAKE_TIME = 4,
    /**
     * (*) Milliseconds without a message from or to a client; then it is closed with 3008. Default: no
     * limit.
     */
    SALTYRTC_LIMIT_IDLE_TIME = 5,
    /**
     * (*) Milliseconds that a connection may take none of the data that waits for it; then it is cut.
     * Default: 60000.
     */
    SALTYRTC_LIMIT_STALL_TIME = 6,
    /**
     * Milliseconds that a client may take to answer a ping; then it is closed with 3008. Default: 30000.
     */
    SALTYRTC_LIMIT_PONG_TIME = 7,
    /**
     * Milliseconds that a connection may take to close; then it is cut. Default: 5000.
     */
    SALTYRTC_LIMIT_CLOSE_TIME = 8,
    /**
     * Milliseconds that a shutdown may take; then all connections are cut. Default: 8000.
     */
    SALTYRTC_LIMIT_SHUTDOWN_TIME = 9,
    /**
     * Bytes of a message, at least 1024; clients that send more are closed with 1009. Default: 1 MiB.
     */
    SALTYRTC_LIMIT_MESSAGE_SIZE = 10,
    /**
     * Bytes of relayed messages that may wait for one client, at least 1024 (or 0 for one message of
     * any size); the sender of one that does not fit is told that it was not sent. Default: 4 MiB.
     */
    SALTYRTC_LIMIT_QUEUE_BYTES = 11,
    /**
     * (*) Milliseconds without traffic after which it is checked whether a client is still there; full
     * seconds. Default: 300000.
     */
    SALTYRTC_LIMIT_TCP_KEEPALIVE = 12,
    /**
     * (*) Bytes that may wait for all clients together. Default: 512 MiB.
     */
    SALTYRTC_LIMIT_ALL_QUEUES_BYTES = 13,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_limit saltyrtc_limit;
#else
typedef int32_t saltyrtc_limit;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Sets a limit (one of saltyrtc_limit) of a server. Units are in the description of the limit.
 *
 * Fails with SALTYRTC_STATUS_BAD_ARGUMENT if there is no such limit or the value is too large for it.
 * Values with which nothing would work show when the server starts.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_set_limit(struct saltyrtc_server_config *config,
                                                 int32_t limit,
                                                 uint64_t value,
                                                 struct saltyrtc_error **error);

/* =================================================================================================
 * Log messages
 * ================================================================================================= */

/**
 * How important a log message is.
 */
enum saltyrtc_log_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No messages at all.
     */
    SALTYRTC_LOG_LEVEL_OFF = 0,
    /**
     * Something does not work.
     */
    SALTYRTC_LOG_LEVEL_ERROR = 1,
    /**
     * Something may not work.
     */
    SALTYRTC_LOG_LEVEL_WARN = 2,
    /**
     * What an operator wants to know.
     */
    SALTYRTC_LOG_LEVEL_INFO = 3,
    /**
     * What helps to find mistakes.
     */
    SALTYRTC_LOG_LEVEL_DEBUG = 4,
    /**
     * Everything.
     */
    SALTYRTC_LOG_LEVEL_TRACE = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum saltyrtc_log_level saltyrtc_log_level;
#else
typedef int32_t saltyrtc_log_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Gets log messages. `level` is a saltyrtc_log_level; `target` is the part of the library; both texts
 * are NUL-terminated UTF-8 and valid until the callback returns.
 *
 * Called by the thread that logs, which may be any, and by several threads at once. The library may
 * hold locks meanwhile, so calling it from here fails with SALTYRTC_STATUS_WOULD_DEADLOCK, and
 * nothing may be freed here. Must not throw exceptions.
 */
typedef void (*saltyrtc_log_callback)(int32_t level,
                                      const char *target,
                                      const char *message,
                                      void *user_data);

/**
 * Sets who gets the log messages of the library, for the whole process; NULL for nobody.
 *
 * `level` is a saltyrtc_log_level: less important messages are left out. Messages never hold secrets
 * or application data. The previous callback may still be running in another thread when this
 * returns; `user_data_free` (may be NULL) is called exactly once, after the last call of the callback
 * that goes with it has returned, or before this function returns if it fails.
 *
 * Fails with SALTYRTC_STATUS_LOG_TAKEN if the program is written in Rust and has set its own
 * subscriber, which gets the messages then.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_log_set_callback(int32_t level,
                                          saltyrtc_log_callback callback,
                                          void *user_data,
                                          saltyrtc_user_data_free user_data_free,
                                          struct saltyrtc_error **error);

/* =================================================================================================
 * The end of the process
 * ================================================================================================= */

/**
 * Stops all threads of the library, so that a program can end or unload it with nothing left behind.
 * Waits at most `timeout_ms` milliseconds (and a moment) for
 *
 * - connections that are being closed (saltyrtc_client_close, saltyrtc_client_free);
 * - the system, if it is looking for the name of a server;
 * - the callback that is running, and those with the events that are there already.
 *
 * Connections that are open are cut: their clients get CLOSED with SALTYRTC_STATUS_CONNECTION_LOST
 * and have to be freed as always. Embedded servers stop at once. The next use of the library starts
 * its threads again. Not to be called while another thread makes clients or servers.
 *
 * Fails with SALTYRTC_STATUS_TIMEOUT if not everything ended in time, and with
 * SALTYRTC_STATUS_WOULD_DEADLOCK in a callback.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_shutdown(uint32_t timeout_ms,
                                  struct saltyrtc_error **error);

#ifdef __cplusplus
} // extern "C"
#endif

#endif /* SALTYRTC_H */
