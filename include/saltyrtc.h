/**
 * @file
 * libsaltyrtc: end-to-end encrypted signalling over a server that nobody has to trust.
 *
 * Two programs that share nothing but an invitation (a short URI, usually shown as a QR code) find
 * each other over a SaltyRTC server and set up an encrypted, authenticated channel. The initiator
 * creates a configuration with saltyrtc_config_new_initiator and shows its invitation
 * (saltyrtc_config_invitation); the responder creates one from the invitation with
 * saltyrtc_config_new_responder. Both add the same task, create a client with saltyrtc_client_new, and
 * exchange data after the event PEER_HANDSHAKE_DONE. The protocol is specified at
 * https://github.com/saltyrtc/saltyrtc-meta.
 *
 * The following holds for every function whose description does not say otherwise.
 *
 * Arguments. Pointers must not be NULL, except those that are marked SALTYRTC_NULLABLE. Texts are UTF-8.
 * Names, URLs and paths end with a NUL; a text for the peer has a length in bytes, as bytes have, and may
 * contain NULs. What has a length may be NULL if the length is 0. The library copies what it is given.
 * For a wrong argument there is a status, and an error text that names the argument.
 *
 * Results. Functions return a saltyrtc_status: 0 is success, and errors are negative. If `error` is not
 * NULL, the function sets it to NULL on success and to an error on failure; the caller frees the error
 * with saltyrtc_error_free. Outputs are set to 0 or NULL when the call begins, and to their values only
 * if it succeeds.
 *
 * Buffers. A function that fills a buffer takes its capacity in bytes, and sets the length output (which
 * may be NULL) to the number of bytes needed; for a text, that includes the NUL. If the buffer is NULL
 * or too small, the function fails with SALTYRTC_STATUS_BUFFER_TOO_SMALL. To learn the size, call it
 * with NULL and 0.
 *
 * Growth. Later versions add enumerators, and fields at the end of structures that begin with
 * struct_size; other structures stay as they are, and no number changes its meaning. The program sets
 * struct_size to the sizeof of the structure in the header that it was compiled with, which may be
 * smaller or larger than in the library that it runs with:
 * - Input: what the program does not know is 0, which is the default. If the program is newer than the
 *   library and sets a field that the library does not know, the call fails with
 *   SALTYRTC_STATUS_BAD_ARGUMENT.
 * - Output: the library writes the fields that lie within struct_size as a whole, and sets the rest of
 *   the structure to 0. struct_size itself does not change.
 * - Events belong to the library: see saltyrtc_event.
 *
 * Threads. Every function can be called from any thread, also for the same handle at the same time; only
 * configurations must not be used by two threads at once. Nothing blocks except
 * saltyrtc_client_next_event, saltyrtc_queue_next_events, saltyrtc_queue_read, saltyrtc_client_free,
 * saltyrtc_server_stop and saltyrtc_shutdown. Callbacks run on threads of the library, which
 * block all signals. In the child of a fork() while there are such threads (before saltyrtc_shutdown),
 * functions fail with SALTYRTC_STATUS_FORKED, and those that free a client, a server or a queue do nothing;
 * a child that calls exec, or that was forked before the first client or server, is not concerned.
 *
 * Memory. What a function creates has to be freed with the function that its description names.
 *
 * Sections of this file:
 * - Results and errors
 * - Versions
 * - Keys
 * - Invitations
 * - Settings of a client
 * - Events
 * - Event queues
 * - Clients
 * - The session of a client
 * - Sending
 * - Built-in WebRTC: settings
 * - Built-in WebRTC: channels
 * - Built-in WebRTC: statistics
 * - WebRTC of the application: offers, answers, candidates
 * - WebRTC of the application: handover
 * - WebRTC of the application: secure data channels
 * - ORTC of the application
 * - Chunking
 * - Embedded server
 * - Log messages
 * - Network
 * - Shutdown
 */

#ifndef SALTYRTC_H
#define SALTYRTC_H

/* Generated from src/ffi by tests/header: change that, not this file. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How functions of a shared library are declared on Windows. To link the static library there, define
   SALTYRTC_STATIC before including this header. */
#ifndef SALTYRTC_API
#if defined(_WIN32) && !defined(SALTYRTC_STATIC)
#define SALTYRTC_API __declspec(dllimport)
#else
#define SALTYRTC_API
#endif
#endif

/* An enumeration is an int32_t in memory. Where the language can say so (C++, C23, Swift) it is a type of its
   own, elsewhere a number. Later versions have more values: clang is told. */
#if defined(__has_attribute)
#if __has_attribute(enum_extensibility)
#define SALTYRTC_OPEN __attribute__((enum_extensibility(open)))
#endif
#endif
#ifndef SALTYRTC_OPEN
#define SALTYRTC_OPEN
#endif
#if defined(__cplusplus) || defined(__swift__) || \
    (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)
#define SALTYRTC_ENUM(name) enum SALTYRTC_OPEN name : int32_t
#define SALTYRTC_ENUM_TYPE(name) typedef enum name name
#else
#define SALTYRTC_ENUM(name) enum SALTYRTC_OPEN name
#define SALTYRTC_ENUM_TYPE(name) typedef int32_t name
#endif

/* Pointers that may be NULL. All others must not be, and clang is told that, too: it assumes it of all but
   pointers to pointers. */
#if defined(__clang__)
#define SALTYRTC_NULLABLE _Nullable
#define SALTYRTC_NONNULL _Nonnull
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wnullability-extension"
#pragma clang assume_nonnull begin
#else
#define SALTYRTC_NULLABLE
#define SALTYRTC_NONNULL
#endif

/** The version of this header. Compare with saltyrtc_version(), the version of the library. */
#define SALTYRTC_VERSION "0.1.0"
/** The first part of the version. */
#define SALTYRTC_VERSION_MAJOR 0
/** The second part of the version. */
#define SALTYRTC_VERSION_MINOR 1
/** The third part of the version. */
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
 * Whether, and when, it helps to create a new client with the same settings after one has ended. After a
 * session this is for peers that trust each other (saltyrtc_client_trust_peer): a token that was used is of
 * no use any more.
 */
SALTYRTC_ENUM(saltyrtc_retry) {
    /**
     * Not before somebody has changed something.
     */
    SALTYRTC_RETRY_NEVER = 0,
    /**
     * After a pause, for example of a second, and after a longer one each time.
     */
    SALTYRTC_RETRY_LATER = 1,
    /**
     * At once; and if that fails, later.
     */
    SALTYRTC_RETRY_AT_ONCE = 2,
};
SALTYRTC_ENUM_TYPE(saltyrtc_retry);

/**
 * The result of a call, or the reason of an event: 0 is success, errors are negative. Later
 * versions may add numbers; treat those that you do not know as errors.
 *
 * -1 to -99 are about how the library is used, -100 to -199 about what a client cannot do at the
 * moment, -200 to -299 about the network and the server, -300 to -399 about the peer, and -400 to
 * -499 about the embedded server. What a client can end with says whether to try again then
 * (saltyrtc_status_retry).
 */
SALTYRTC_ENUM(saltyrtc_status) {
    /**
     * Success.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_OK = 0,
    /**
     * An argument is NULL but must not be.
     */
    SALTYRTC_STATUS_NULL_ARGUMENT = -1,
    /**
     * An argument has a value that is not allowed.
     */
    SALTYRTC_STATUS_BAD_ARGUMENT = -2,
    /**
     * The buffer is NULL or too small. The length output is the number of bytes needed.
     */
    SALTYRTC_STATUS_BUFFER_TOO_SMALL = -3,
    /**
     * A function that blocks was called in a callback, where it would block for ever.
     */
    SALTYRTC_STATUS_WOULD_DEADLOCK = -4,
    /**
     * The function is for clients without a callback, and this client has one.
     */
    SALTYRTC_STATUS_HAS_CALLBACK = -5,
    /**
     * The time given is over.
     */
    SALTYRTC_STATUS_TIMEOUT = -6,
    /**
     * The last event, CLOSED, was taken: there will be no more.
     */
    SALTYRTC_STATUS_NO_MORE_EVENTS = -7,
    /**
     * There is no such thing, for example no token in the invitation.
     */
    SALTYRTC_STATUS_NOT_PRESENT = -8,
    /**
     * The bytes or digits are not a valid key.
     */
    SALTYRTC_STATUS_BAD_KEY = -9,
    /**
     * The text is not a valid URL of a server, or the host in it is none.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_BAD_URL = -10,
    /**
     * The text is not a valid invitation.
     */
    SALTYRTC_STATUS_BAD_INVITATION = -11,
    /**
     * The bytes are not valid MessagePack, or not of the type that is needed.
     */
    SALTYRTC_STATUS_BAD_MSGPACK = -12,
    /**
     * The certificate or its private key cannot be used.
     */
    SALTYRTC_STATUS_BAD_CERTIFICATE = -13,
    /**
     * The settings contradict each other. The text says which.
     */
    SALTYRTC_STATUS_BAD_CONFIG = -14,
    /**
     * The program is written in Rust and has set a receiver for log messages (a tracing
     * subscriber) itself.
     */
    SALTYRTC_STATUS_LOG_TAKEN = -15,
    /**
     * The operating system has no threads, file descriptors or ports left.
     */
    SALTYRTC_STATUS_OUT_OF_RESOURCES = -16,
    /**
     * The bytes are not a valid chunk, or contradict earlier chunks.
     */
    SALTYRTC_STATUS_BAD_CHUNK = -17,
    /**
     * The function is for clients without a queue, and the events of this client go to one.
     */
    SALTYRTC_STATUS_HAS_QUEUE = -18,
    /**
     * The library was built without this part (saltyrtc_has_feature), or the system does not have
     * such a thing.
     */
    SALTYRTC_STATUS_NOT_BUILT = -19,
    /**
     * The process is the child of a fork() at a time when the library was in use: its threads are in
     * the parent only.
     */
    SALTYRTC_STATUS_FORKED = -20,
    /**
     * The connection is closed, or is being closed.
     */
    SALTYRTC_STATUS_CLOSED = -100,
    /**
     * There is no authenticated peer: not yet, or not any more.
     */
    SALTYRTC_STATUS_NO_PEER = -101,
    /**
     * Too much is waiting to be sent. An event follows when there is room again: WRITABLE, or
     * CHANNEL_LOW_WATER for a channel of the built-in WebRTC.
     */
    SALTYRTC_STATUS_QUEUE_FULL = -102,
    /**
     * The message is larger than allowed.
     */
    SALTYRTC_STATUS_TOO_LARGE = -103,
    /**
     * The two clients have agreed on another task.
     */
    SALTYRTC_STATUS_OTHER_TASK = -104,
    /**
     * Only a client of the other role can do this.
     */
    SALTYRTC_STATUS_OTHER_ROLE = -105,
    /**
     * The data was not encrypted by the peer in this session, or was modified.
     */
    SALTYRTC_STATUS_DECRYPTION_FAILED = -106,
    /**
     * The two clients have not agreed on a handover of the signalling to a data channel.
     */
    SALTYRTC_STATUS_NO_HANDOVER = -107,
    /**
     * The signalling has been handed over to a data channel already.
     */
    SALTYRTC_STATUS_HANDED_OVER = -108,
    /**
     * The maximum message size of the data channel is too small for the signalling.
     */
    SALTYRTC_STATUS_CHANNEL_TOO_NARROW = -109,
    /**
     * The client does not use the built-in WebRTC (saltyrtc_config_add_rtc_task), or has ended.
     */
    SALTYRTC_STATUS_NO_RTC = -110,
    /**
     * The channel is not open: not yet, not any more, or it never existed.
     */
    SALTYRTC_STATUS_CHANNEL_NOT_OPEN = -111,
    /**
     * No more channels can be opened.
     */
    SALTYRTC_STATUS_TOO_MANY_CHANNELS = -112,
    /**
     * The connection to the server could not be established.
     *
     * Try again: later.
     */
    SALTYRTC_STATUS_CONNECT_FAILED = -200,
    /**
     * The connection to the server was lost.
     *
     * Try again: at once.
     */
    SALTYRTC_STATUS_CONNECTION_LOST = -201,
    /**
     * The server is shutting down.
     *
     * Try again: later.
     */
    SALTYRTC_STATUS_SERVER_GOING_AWAY = -202,
    /**
     * The server closed the connection for another reason.
     *
     * Try again: later.
     */
    SALTYRTC_STATUS_SERVER_CLOSED = -203,
    /**
     * The handshake with the server took too long.
     *
     * Try again: later.
     */
    SALTYRTC_STATUS_SERVER_HANDSHAKE_TIMEOUT = -204,
    /**
     * The server closed the connection because this client did not answer in time.
     *
     * Try again: at once.
     */
    SALTYRTC_STATUS_SERVER_TIMEOUT = -205,
    /**
     * The server did not prove that it has the expected permanent key.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_SERVER_KEY_MISMATCH = -206,
    /**
     * The server does not speak this version of the protocol.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_NO_SUBPROTOCOL = -207,
    /**
     * There are as many responders on the path as there can be.
     *
     * Try again: later.
     */
    SALTYRTC_STATUS_PATH_FULL = -208,
    /**
     * The server violated the protocol.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_SERVER_PROTOCOL_ERROR = -209,
    /**
     * The server or the peer had an internal error.
     *
     * Try again: later.
     */
    SALTYRTC_STATUS_REMOTE_INTERNAL_ERROR = -210,
    /**
     * This client sent a message larger than the server accepts.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_MESSAGE_TOO_BIG = -211,
    /**
     * Built-in WebRTC: an ICE server cannot be used.
     */
    SALTYRTC_STATUS_ICE_SERVER_UNUSABLE = -212,
    /**
     * The TLS certificate of the server is not trusted, or there are no root certificates to trust.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_SERVER_CERTIFICATE = -213,
    /**
     * No TLS connection to the server, for example because it does not speak TLS.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_TLS_FAILED = -214,
    /**
     * There is something else than a SaltyRTC server at this address.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_NOT_A_SALTYRTC_SERVER = -215,
    /**
     * The server, or a proxy in front of it, cannot take the connection now.
     *
     * Try again: later.
     */
    SALTYRTC_STATUS_SERVER_BUSY = -216,
    /**
     * The proxy on the way to the server refuses to connect to it.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_PROXY_REFUSED = -217,
    /**
     * The peer closed the connection.
     *
     * Try again: later.
     */
    SALTYRTC_STATUS_PEER_CLOSED = -300,
    /**
     * The peer left the signalling path.
     *
     * Try again: at once.
     */
    SALTYRTC_STATUS_PEER_LEFT = -301,
    /**
     * The two clients have no task in common.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_NO_SHARED_TASK = -302,
    /**
     * The peer violated the protocol.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_PEER_PROTOCOL_ERROR = -303,
    /**
     * The server or the peer closed the connection because this client, it says, violated the
     * protocol.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_ACCUSED_OF_PROTOCOL_ERROR = -304,
    /**
     * The handshake with the peer took too long.
     *
     * Try again: later.
     */
    SALTYRTC_STATUS_PEER_HANDSHAKE_TIMEOUT = -305,
    /**
     * Responder: the initiator dropped this client.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_DROPPED_BY_INITIATOR = -306,
    /**
     * Initiator: another initiator with the same permanent key has taken over the path.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_REPLACED_BY_INITIATOR = -307,
    /**
     * The initiator could not decrypt the responder's first message: the token, or a stored key,
     * is the wrong one.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_INITIATOR_COULD_NOT_DECRYPT = -308,
    /**
     * A message from the peer was larger than this client accepts.
     *
     * Try again: never.
     */
    SALTYRTC_STATUS_RECEIVED_TOO_BIG = -309,
    /**
     * All sequence numbers of this connection or channel are used up.
     *
     * Try again: at once.
     */
    SALTYRTC_STATUS_SEQUENCE_NUMBERS_USED_UP = -310,
    /**
     * The data channel that carried the signalling was closed or lost. To reach the peer again,
     * create a new client, which connects to the server.
     *
     * Try again: at once.
     */
    SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST = -311,
    /**
     * Only one of the two clients handed the signalling over to the data channel in time.
     *
     * Try again: later.
     */
    SALTYRTC_STATUS_HANDOVER_TIMEOUT = -312,
    /**
     * Built-in WebRTC: the peer did not accept the channel.
     */
    SALTYRTC_STATUS_CHANNEL_REFUSED = -313,
    /**
     * Built-in WebRTC: the connection to the peer failed.
     */
    SALTYRTC_STATUS_RTC_FAILED = -314,
    /**
     * Built-in WebRTC: the certificate of the peer cannot be used, or is not the one that was
     * announced.
     */
    SALTYRTC_STATUS_PEER_CERTIFICATE = -315,
    /**
     * Built-in WebRTC: the connection to the peer was made anew, and the channels of the old one are
     * gone.
     */
    SALTYRTC_STATUS_RTC_REPLACED = -316,
    /**
     * Built-in WebRTC: a candidate of the peer cannot be used.
     */
    SALTYRTC_STATUS_PEER_CANDIDATE = -317,
    /**
     * Built-in WebRTC: an offer or answer of the peer cannot be used.
     */
    SALTYRTC_STATUS_PEER_DESCRIPTION = -318,
    /**
     * Responder: the handshake with the initiator went wrong, perhaps because one of the two took what
     * was still under way from an earlier connection for a part of it.
     *
     * Try again: later.
     */
    SALTYRTC_STATUS_HANDSHAKE_DISTURBED = -319,
    /**
     * Responder: the server could not deliver a message to the initiator, which has not left and may not
     * know that its peer has forgotten it.
     *
     * Try again: at once.
     */
    SALTYRTC_STATUS_PEER_UNREACHABLE = -320,
    /**
     * The server cannot listen on this address.
     */
    SALTYRTC_STATUS_LISTEN_FAILED = -400,
    /**
     * A bug in the library. Please report the text.
     */
    SALTYRTC_STATUS_PANIC = -900,
};
SALTYRTC_ENUM_TYPE(saltyrtc_status);

/**
 * The name of a status in a few words, for example "buffer too small"; for a number that is none,
 * "unknown status". The text is static. `status` is one of saltyrtc_status.
 */
SALTYRTC_API
const char *saltyrtc_status_name(int32_t status);

/**
 * Whether, and when, to try again when a client has ended with `status`, which is one of saltyrtc_status. For
 * any other number: SALTYRTC_RETRY_NEVER. The field `retryable` of the event CLOSED is true if it is not that.
 */
SALTYRTC_API
saltyrtc_retry saltyrtc_status_retry(int32_t status);

/**
 * Why a call failed: a status, and a text that says what happened and what to do about it.
 *
 * A function that takes a `saltyrtc_error **` stores an error there if it fails, unless it is NULL.
 * The caller frees it.
 */
typedef struct saltyrtc_error saltyrtc_error;

/**
 * The status that the failed function returned. `error` may be NULL: there is no error, and the status
 * is SALTYRTC_STATUS_OK.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_error_status(const struct saltyrtc_error *SALTYRTC_NULLABLE error);

/**
 * What happened and what to do about it, in English. `error` may be NULL: the text is empty then. The
 * text is valid until the error is freed. It never contains secrets or application data.
 */
SALTYRTC_API
const char *saltyrtc_error_message(const struct saltyrtc_error *SALTYRTC_NULLABLE error);

/**
 * Frees an error. Does nothing if it is NULL.
 */
SALTYRTC_API
void saltyrtc_error_free(struct saltyrtc_error *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Versions
 * ================================================================================================= */

/**
 * The version of the library that the program runs with, for example "1.2.3". The text is static. The
 * version of the header is SALTYRTC_VERSION.
 */
SALTYRTC_API
const char *saltyrtc_version(void);

/**
 * The version of the library that the program runs with, as a number: major * 65536 + minor * 256 +
 * patch. That of the header is SALTYRTC_VERSION_NUMBER.
 */
SALTYRTC_API
uint32_t saltyrtc_version_number(void);

/**
 * The version of the binary interface of the library that the program runs with; that of the header is
 * SALTYRTC_ABI_VERSION. Programs that load the library at run time, such as bindings, should refuse to
 * work if the two differ. It changes together with the SONAME of the shared library.
 */
SALTYRTC_API
uint32_t saltyrtc_abi_version(void);

/**
 * Whether the library that the program runs with was built with a part that can be left out:
 *
 * - "server": the embedded server.
 * - "webrtc": the built-in WebRTC.
 * - "vectorised": the faster encryption of bulk data, which was not audited.
 *
 * All functions are there in every build. Those of a part that is not built in fail with
 * SALTYRTC_STATUS_NOT_BUILT. For a name that this version does not know it is false.
 */
SALTYRTC_API
bool saltyrtc_has_feature(const char *name);

/* =================================================================================================
 * Keys
 * ================================================================================================= */

/**
 * The size of a public key, a secret key, and an authentication token, in bytes.
 */
#define SALTYRTC_KEY_BYTES 32

/**
 * The size of a key or token as hexadecimal text, in bytes, including the NUL at the end.
 */
#define SALTYRTC_KEY_HEX_BYTES 65

/**
 * SALTYRTC_KEY_BYTES, for programs that cannot use macros.
 */
SALTYRTC_API
size_t saltyrtc_key_bytes(void);

/**
 * SALTYRTC_KEY_HEX_BYTES, for programs that cannot use macros.
 */
SALTYRTC_API
size_t saltyrtc_key_hex_bytes(void);

/**
 * Generates a key pair. Each of the two outputs has SALTYRTC_KEY_BYTES bytes.
 *
 * Whoever has the secret key can take its owner's place, for as long as peers trust it: store it where
 * nobody else can read it, and overwrite the memory after use. The public key can be computed from it.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_key_pair_generate(uint8_t *public_key,
                                           uint8_t *secret_key,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Computes the public key that belongs to a secret key. Both have SALTYRTC_KEY_BYTES bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_public_key_from_secret(const uint8_t *secret_key,
                                                uint8_t *public_key,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Converts a key or token to text: 64 lowercase hexadecimal digits and a NUL, SALTYRTC_KEY_HEX_BYTES
 * bytes in all.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_key_to_hex(const uint8_t *key,
                                    char *SALTYRTC_NULLABLE hex,
                                    size_t hex_capacity,
                                    size_t *SALTYRTC_NULLABLE hex_len,
                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Converts 64 hexadecimal digits, in upper or lower case, to a key or token of SALTYRTC_KEY_BYTES
 * bytes.
 *
 * Fails with SALTYRTC_STATUS_BAD_KEY.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_key_from_hex(const char *hex,
                                      uint8_t *key,
                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Invitations
 * ================================================================================================= */

/**
 * A buffer of this size in bytes is large enough for the URI of any invitation.
 */
#define SALTYRTC_INVITATION_BYTES 512

/**
 * SALTYRTC_INVITATION_BYTES, for programs that cannot use macros.
 */
SALTYRTC_API
size_t saltyrtc_invitation_bytes(void);

/**
 * What a responder has to know to reach an initiator: the server, keys, and usually a token. It never
 * changes, so several threads can use it at once. Freeing it overwrites the token.
 */
typedef struct saltyrtc_invitation saltyrtc_invitation;

/**
 * Parses the URI of an invitation: `wss://host:port/<initiator's key>?<server's key>#<token>`. The
 * port, the server's key and the token are optional.
 *
 * `*out` has to be freed with saltyrtc_invitation_free. Fails with SALTYRTC_STATUS_BAD_INVITATION.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_parse(const char *uri,
                                          struct saltyrtc_invitation *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Creates an invitation from its parts: the server's URL (`wss://host:port` or `ws://host:port`), the
 * initiator's public permanent key, the server's public permanent key, and a token. `server_key` may be
 * NULL if it is not known, and `token` may be NULL if the initiator trusts the responder's key. Keys
 * and tokens have SALTYRTC_KEY_BYTES bytes.
 *
 * For the invitation of a client of this process, see saltyrtc_config_invitation and
 * saltyrtc_client_invitation.
 *
 * `*out` has to be freed with saltyrtc_invitation_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_new(const char *server_url,
                                        const uint8_t *initiator_key,
                                        const uint8_t *SALTYRTC_NULLABLE server_key,
                                        const uint8_t *SALTYRTC_NULLABLE token,
                                        struct saltyrtc_invitation *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Frees an invitation. Does nothing if it is NULL.
 */
SALTYRTC_API
void saltyrtc_invitation_free(struct saltyrtc_invitation *SALTYRTC_NULLABLE invitation);

/**
 * The URI of the invitation. SALTYRTC_INVITATION_BYTES bytes are always enough.
 *
 * With a token in it, the URI is a secret between the two: show or send it to the responder only.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_uri(const struct saltyrtc_invitation *invitation,
                                        char *SALTYRTC_NULLABLE uri,
                                        size_t uri_capacity,
                                        size_t *SALTYRTC_NULLABLE uri_len,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The URI as a QR code for a terminal with light text on a dark background: lines of UTF-8 text made
 * of half blocks. For a host name of up to 60 characters, these are 33 lines of 65 columns at most.
 *
 * With a token in it, the QR code is as secret as the URI.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_qr_code(const struct saltyrtc_invitation *invitation,
                                            char *SALTYRTC_NULLABLE code,
                                            size_t code_capacity,
                                            size_t *SALTYRTC_NULLABLE code_len,
                                            struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The server's URL: `wss://host:port` or `ws://host:port`, without the port if it is the default one.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_server_url(const struct saltyrtc_invitation *invitation,
                                               char *SALTYRTC_NULLABLE url,
                                               size_t url_capacity,
                                               size_t *SALTYRTC_NULLABLE url_len,
                                               struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The initiator's public permanent key, which is also the signalling path. It has SALTYRTC_KEY_BYTES
 * bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_initiator_key(const struct saltyrtc_invitation *invitation,
                                                  uint8_t *key,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The server's public permanent key. It has SALTYRTC_KEY_BYTES bytes. Fails with
 * SALTYRTC_STATUS_NOT_PRESENT if the invitation does not have it.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_server_key(const struct saltyrtc_invitation *invitation,
                                               uint8_t *key,
                                               struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The token, a secret of SALTYRTC_KEY_BYTES bytes. Fails with SALTYRTC_STATUS_NOT_PRESENT if the
 * invitation has none because the initiator trusts the responder's key.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_token(const struct saltyrtc_invitation *invitation,
                                          uint8_t *token,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Whether the invitation has the server's key, and whether it has a token. `has_server_key` and
 * `has_token` may be NULL.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_flags(const struct saltyrtc_invitation *invitation,
                                          bool *SALTYRTC_NULLABLE has_server_key,
                                          bool *SALTYRTC_NULLABLE has_token,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Settings of a client
 * ================================================================================================= */

/**
 * The settings of a client. saltyrtc_client_new copies them, so one configuration can be used for
 * several clients, and can be freed right after the call.
 *
 * Must not be used by two threads at once. Freeing it overwrites secret keys and tokens.
 */
typedef struct saltyrtc_config saltyrtc_config;

/**
 * What a client does when its authenticated peer leaves the signalling path.
 */
SALTYRTC_ENUM(saltyrtc_when_peer_leaves) {
    /**
     * It stays on the path, so that the peer can come back. This is the default.
     */
    SALTYRTC_WHEN_PEER_LEAVES_WAIT = 0,
    /**
     * It closes the connection.
     */
    SALTYRTC_WHEN_PEER_LEAVES_CLOSE = 1,
};
SALTYRTC_ENUM_TYPE(saltyrtc_when_peer_leaves);

/**
 * Creates the settings of an initiator, the client that invites another. They contain a new random
 * token, which is part of the invitation (saltyrtc_config_invitation) and admits one responder.
 *
 * `server_url` is `wss://host:port` or `ws://host:port`. `secret_key` is the permanent secret key of
 * this client (SALTYRTC_KEY_BYTES bytes). `secret_key` may be NULL: a new key pair is generated for
 * this configuration then. Two clients must not use the same key at the same time.
 *
 * `*out` has to be freed with saltyrtc_config_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_new_initiator(const char *server_url,
                                              const uint8_t *SALTYRTC_NULLABLE secret_key,
                                              struct saltyrtc_config *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Creates the settings of a responder, the client that was invited, from the URI of the invitation.
 *
 * `secret_key` is the permanent secret key of this client (SALTYRTC_KEY_BYTES bytes). `secret_key` may
 * be NULL: a new key pair is generated then, which is of use only if the invitation has a token.
 *
 * `*out` has to be freed with saltyrtc_config_free. Fails with SALTYRTC_STATUS_BAD_INVITATION.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_new_responder(const char *invitation_uri,
                                              const uint8_t *SALTYRTC_NULLABLE secret_key,
                                              struct saltyrtc_config *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Frees a configuration; this does not affect clients that were created with it. Does nothing if it is
 * NULL.
 */
SALTYRTC_API
void saltyrtc_config_free(struct saltyrtc_config *SALTYRTC_NULLABLE config);

/**
 * The public permanent key of the client. It has SALTYRTC_KEY_BYTES bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_public_key(const struct saltyrtc_config *config,
                                           uint8_t *key,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Initiator: the URI of the invitation for the responder. It contains the token, unless a peer is
 * trusted (saltyrtc_config_set_trusted_peer), and the server's key if that was set before
 * (saltyrtc_config_set_server_key). SALTYRTC_INVITATION_BYTES bytes are always enough.
 *
 * With a token in it, the URI is a secret between the two: show or send it to the responder only.
 * Fails with SALTYRTC_STATUS_OTHER_ROLE for a responder.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_invitation(const struct saltyrtc_config *config,
                                           char *SALTYRTC_NULLABLE uri,
                                           size_t uri_capacity,
                                           size_t *SALTYRTC_NULLABLE uri_len,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sets the public permanent key of the server (SALTYRTC_KEY_BYTES bytes). The client then refuses a
 * server that does not prove that it has this key. `key` may be NULL: then it is not known, which is
 * the default for an initiator; a responder takes the key from the invitation.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_server_key(struct saltyrtc_config *config,
                                               const uint8_t *SALTYRTC_NULLABLE key,
                                               struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Trusts a peer by its public permanent key (SALTYRTC_KEY_BYTES bytes), which this client has stored
 * when it was connected to that peer, in place of a token. Works only if the peer trusts this client's
 * key in the same way.
 *
 * For a responder, the key has to be that of the initiator in the invitation.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_trusted_peer(struct saltyrtc_config *config,
                                                 const uint8_t *key,
                                                 struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sets the token (SALTYRTC_KEY_BYTES bytes), in place of the random one (initiator) or that of the
 * invitation (responder). A token must be random, for example the secret key of
 * saltyrtc_key_pair_generate, and must be used for one pair of clients only.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_token(struct saltyrtc_config *config,
                                          const uint8_t *token,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Adds the Relayed Data task: all data goes over the server.
 *
 * Every client needs at least one task. The two clients use the first of the initiator's tasks that
 * the responder has too: so tasks are added in the order of preference.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_relayed_data_task(struct saltyrtc_config *config,
                                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Adds a task that the application implements itself. The library negotiates the task by its name and
 * carries its messages (saltyrtc_client_send_task_message, and the event TASK_MESSAGE).
 *
 * `name` has 1 to 255 bytes and should be as specific as a domain name, for example
 * `v1.chess.tasks.example.org`. `data` is a MessagePack map, which the peer gets with its event
 * PEER_HANDSHAKE_DONE; NULL and 0 if there is nothing to tell the peer.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_custom_task(struct saltyrtc_config *config,
                                                const char *name,
                                                const uint8_t *SALTYRTC_NULLABLE data,
                                                size_t data_len,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Trusts additional root certificates for `wss`: one or more in PEM, or one in DER. The certificate of a
 * server itself can be given, too; its name and its dates are checked. Its key may be RSA with 2048 to 8192
 * bits, ECDSA with P-256 or P-384, or Ed25519. See also saltyrtc_config_set_system_roots.
 *
 * Fails with SALTYRTC_STATUS_BAD_CERTIFICATE.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_tls_certificates(struct saltyrtc_config *config,
                                                     const uint8_t *SALTYRTC_NULLABLE certificates,
                                                     size_t certificates_len,
                                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Whether the root certificates of the operating system are trusted for `wss`, in addition to those of
 * saltyrtc_config_add_tls_certificates. Default: true.
 *
 * On Android these are the certificates that came with the system, without what the owner of the device
 * added or switched off. On the systems of Apple, the system judges the certificates of servers itself.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_system_roots(struct saltyrtc_config *config,
                                                 bool use_system_roots,
                                                 struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sets the proxy on the way to the server, and to TURN servers over TCP and TLS: `http://host:port` (with CONNECT), `https://host:port` (the same over
 * TLS) or `socks5://host:port`. If the proxy wants to know who asks, `user:password@` is in front of the host,
 * with special characters percent-encoded. `proxy_url` may be NULL: there is none, which is the default.
 *
 * Fails with SALTYRTC_STATUS_BAD_URL. What the proxy refuses ends a client with
 * SALTYRTC_STATUS_PROXY_REFUSED, and a text with the status that it gave. If it is the way to a TURN server that the
 * proxy refuses, that is a CONNECTION_PROBLEM with such a text.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_proxy(struct saltyrtc_config *config,
                                          const char *SALTYRTC_NULLABLE proxy_url,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Takes the proxy on the way to the server, and to TURN servers over TCP and TLS, from the environment, in place of one
 * that was set before: for `wss` and `turns` from `HTTPS_PROXY`, otherwise from `ALL_PROXY`, unless the server is in the list `NO_PROXY`. Names in small
 * letters go first.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_use_environment_proxy(struct saltyrtc_config *config,
                                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The most time, in milliseconds, that connecting to the server may take: resolving its name, TCP, TLS
 * and WebSocket together. Default: 10 s.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_connect_timeout(struct saltyrtc_config *config,
                                                    uint32_t timeout_ms,
                                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The most time, in milliseconds, that the SaltyRTC handshake with the server may take. Default: 30 s.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_server_handshake_timeout(struct saltyrtc_config *config,
                                                             uint32_t timeout_ms,
                                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The most time, in milliseconds, that the handshake with a peer may take, counted from the peer's
 * first message. Default: 60 s. A responder waits five times as long for that message, as an initiator looks
 * at one responder per second if others fail.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_peer_handshake_timeout(struct saltyrtc_config *config,
                                                           uint32_t timeout_ms,
                                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The most time, in milliseconds, that the server may show no sign of life when one is due: after something
 * was sent to it, or when a ping is overdue that it was asked to send (saltyrtc_config_set_ping_interval). Then the
 * client ends with SALTYRTC_STATUS_CONNECTION_LOST. Half of that time before, it sends a ping itself.
 * Default: 30 s.
 *
 * With a ping interval a dead network is noticed within both times together, and without one only if something was
 * sent. While the application takes no events, or has paused them, nothing is noticed.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_response_timeout(struct saltyrtc_config *config,
                                                     uint32_t timeout_ms,
                                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The interval, in seconds, at which the server is asked to send WebSocket pings; 0 for no pings.
 * Default: 0. With pings a dead network is noticed also when nothing is sent
 * (saltyrtc_config_set_response_timeout).
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_ping_interval(struct saltyrtc_config *config,
                                                  uint32_t interval_s,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The largest message on the wire in either direction, in bytes; at least 4096. Default: 1 MiB, which
 * is the limit of most servers.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_max_message_size(struct saltyrtc_config *config,
                                                     size_t size,
                                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * How many bytes may wait in each direction. If more would wait to be sent, sending fails with
 * SALTYRTC_STATUS_QUEUE_FULL; if more wait in events that the application has not taken yet, the
 * client reads nothing more from the network. An empty queue takes a message of any size. Default: 4
 * MiB.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_max_queue_size(struct saltyrtc_config *config,
                                                   size_t size,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * What the client does when its authenticated peer leaves the path. `when_peer_leaves` is one of
 * saltyrtc_when_peer_leaves.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_when_peer_leaves(struct saltyrtc_config *config,
                                                     int32_t when_peer_leaves,
                                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Events
 * ================================================================================================= */

/**
 * What happened, and with it, which fields of saltyrtc_event have a meaning: all others are 0,
 * false or NULL. Later versions may have more kinds, so ignore those that you do not know.
 */
SALTYRTC_ENUM(saltyrtc_event_kind) {
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
     * Initiator: a responder that was not authenticated left the path, or was dropped from it without
     * having failed: it was silent for too long, or another one is the peer.
     *
     * Fields: address.
     */
    SALTYRTC_EVENT_KIND_RESPONDER_LEFT = 3,
    /**
     * Responder: an initiator came onto the path. It is not authenticated yet.
     */
    SALTYRTC_EVENT_KIND_INITIATOR_JOINED = 4,
    /**
     * Initiator: a responder has used the token, which is invalid from now on, even if the
     * handshake with that responder fails. To let another responder in, call
     * saltyrtc_client_issue_token.
     */
    SALTYRTC_EVENT_KIND_TOKEN_USED = 5,
    /**
     * Initiator: a responder failed to authenticate itself and was dropped from the path. The
     * client keeps waiting for others.
     *
     * Fields: address, status (what it did wrong), close_code (what it was dropped with), text,
     * text_len.
     */
    SALTYRTC_EVENT_KIND_RESPONDER_FAILED = 6,
    /**
     * The two clients have authenticated each other, and the task runs: data can be sent.
     *
     * Fields: address (the peer's), peer_key, task, task_len, payload (NONE if the peer's task has
     * no data for ours), data (a MessagePack map), data_len.
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
     * Fields: status (why; OK if this client was asked to close), text, text_len, closed_by,
     * close_code, retryable.
     */
    SALTYRTC_EVENT_KIND_CLOSED = 14,
    /**
     * WebRTC task: the initiator's offer.
     *
     * Fields: sdp_type, sdp, sdp_len.
     */
    SALTYRTC_EVENT_KIND_OFFER = 15,
    /**
     * WebRTC task: the responder's answer.
     *
     * Fields: sdp_type, sdp, sdp_len.
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
     * Fields: connection_state, status (why, if it is FAILED), text, text_len.
     */
    SALTYRTC_EVENT_KIND_CONNECTION_STATE = 21,
    /**
     * Built-in WebRTC: something cannot be used, for example an ICE server or a candidate of the
     * peer. The connection goes on without it.
     *
     * Fields: status (what cannot be used), text, text_len.
     */
    SALTYRTC_EVENT_KIND_CONNECTION_PROBLEM = 22,
    /**
     * Built-in WebRTC: a channel is open, whichever of the two clients opened it.
     *
     * Fields: channel, label, label_len, channel_protocol, channel_protocol_len, unordered,
     * reliability, reliability_limit, plain, opened_by_peer.
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
     * Fields: channel, status (why; OK if one of the two clients closed it), text (NULL if one of
     * the two clients closed it), text_len.
     */
    SALTYRTC_EVENT_KIND_CHANNEL_CLOSED = 26,
    /**
     * On a queue with saltyrtc_queue_set_log: a message for the log.
     *
     * Fields: log_level, log_target, text, text_len, dropped.
     */
    SALTYRTC_EVENT_KIND_LOG = 27,
    /**
     * After saltyrtc_client_set_low_water: the amount of data that waits to be sent has fallen to the
     * mark.
     */
    SALTYRTC_EVENT_KIND_LOW_WATER = 28,
    /**
     * After saltyrtc_server_stop_on_queue: the server has stopped; or, with SALTYRTC_STATUS_TIMEOUT, it
     * has not in time, and goes on with it.
     *
     * Fields: status (OK or TIMEOUT).
     */
    SALTYRTC_EVENT_KIND_SERVER_STOPPED = 29,
    /**
     * ORTC task: a valid message from the peer for which there is no kind of its own: 'rtp-capabilities'.
     *
     * Fields: payload (MSGPACK), data (a map with the key "type"; with the fields that the task
     * knows), data_len.
     */
    SALTYRTC_EVENT_KIND_ORTC_MESSAGE = 30,
    /**
     * ORTC task: the parameters of the peer's ICE transport.
     *
     * Fields: message_label, message_label_len, username_fragment, username_fragment_len,
     * password, password_len, ice_lite, ice_role, payload (MSGPACK), data (the whole message, as
     * saltyrtc_client_send_ortc_message takes it), data_len.
     */
    SALTYRTC_EVENT_KIND_ICE_PARAMETERS = 31,
    /**
     * ORTC task: ICE candidates of the peer.
     *
     * Fields: ice_candidates, ice_candidates_len, payload (MSGPACK), data (the whole message, as
     * saltyrtc_client_send_ortc_message takes it), data_len.
     */
    SALTYRTC_EVENT_KIND_ICE_CANDIDATES = 32,
    /**
     * ORTC task: the parameters of the peer's DTLS transport.
     *
     * Fields: message_label, message_label_len, dtls_role, fingerprints, fingerprints_len, payload
     * (MSGPACK), data (the whole message, as saltyrtc_client_send_ortc_message takes it),
     * data_len.
     */
    SALTYRTC_EVENT_KIND_DTLS_PARAMETERS = 33,
    /**
     * ORTC task: the capabilities of the peer's SCTP transport.
     *
     * Fields: message_label, message_label_len, max_message_size, payload (MSGPACK), data (the
     * whole message, as saltyrtc_client_send_ortc_message takes it), data_len.
     */
    SALTYRTC_EVENT_KIND_SCTP_CAPABILITIES = 34,
    /**
     * ORTC task: a data channel of the peer.
     *
     * Fields: message_label, message_label_len, channel_id, label (that of the channel),
     * label_len, channel_protocol, channel_protocol_len, unordered, max_packet_lifetime,
     * has_max_packet_lifetime, max_retransmits, has_max_retransmits, payload (MSGPACK), data (the
     * whole message, as saltyrtc_client_send_ortc_message takes it), data_len.
     */
    SALTYRTC_EVENT_KIND_DATA_CHANNEL_PARAMETERS = 35,
};
SALTYRTC_ENUM_TYPE(saltyrtc_event_kind);

/**
 * The name of an event kind in a few words, for example "peer handshake done"; for a number that is
 * none, "unknown event kind". The text is static. `kind` is one of saltyrtc_event_kind.
 */
SALTYRTC_API
const char *saltyrtc_event_kind_name(int32_t kind);

/**
 * The state of the built-in WebRTC's connection to the peer.
 */
SALTYRTC_ENUM(saltyrtc_connection_state) {
    /**
     * The two clients have not exchanged their addresses yet.
     */
    SALTYRTC_CONNECTION_STATE_NEW = 0,
    /**
     * ICE is looking for a path to the peer, or DTLS is negotiating keys.
     */
    SALTYRTC_CONNECTION_STATE_CONNECTING = 1,
    /**
     * Channels can be used.
     */
    SALTYRTC_CONNECTION_STATE_CONNECTED = 2,
    /**
     * The peer has not answered for a while. The connection may recover by itself; what is sent on
     * channels waits.
     */
    SALTYRTC_CONNECTION_STATE_DISCONNECTED = 3,
    /**
     * No path to the peer was found, or it was lost for 30 seconds
     * (saltyrtc_rtc_config_set_unreachable_timeout). Before the handover,
     * the initiator can try again with saltyrtc_client_restart_ice. After the handover, no way to
     * reach the peer is left, and the client closes (SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST).
     */
    SALTYRTC_CONNECTION_STATE_UNREACHABLE = 4,
    /**
     * The connection has failed for good.
     */
    SALTYRTC_CONNECTION_STATE_FAILED = 5,
    /**
     * The connection has ended: the peer closed it, or left.
     */
    SALTYRTC_CONNECTION_STATE_CLOSED = 6,
};
SALTYRTC_ENUM_TYPE(saltyrtc_connection_state);

/**
 * How long the delivery of a message on a channel is attempted.
 */
SALTYRTC_ENUM(saltyrtc_reliability) {
    /**
     * Until it has arrived.
     */
    SALTYRTC_RELIABILITY_RELIABLE = 0,
    /**
     * It is retransmitted a limited number of times.
     */
    SALTYRTC_RELIABILITY_MAX_RETRANSMITS = 1,
    /**
     * It is retransmitted for a limited time.
     */
    SALTYRTC_RELIABILITY_MAX_LIFETIME = 2,
};
SALTYRTC_ENUM_TYPE(saltyrtc_reliability);

/**
 * The type of data.
 */
SALTYRTC_ENUM(saltyrtc_payload) {
    /**
     * There is no data.
     */
    SALTYRTC_PAYLOAD_NONE = 0,
    /**
     * Bytes.
     */
    SALTYRTC_PAYLOAD_BYTES = 1,
    /**
     * Text in UTF-8, without a NUL at the end. It may contain NULs.
     */
    SALTYRTC_PAYLOAD_TEXT = 2,
    /**
     * Another MessagePack value, serialised.
     */
    SALTYRTC_PAYLOAD_MSGPACK = 3,
};
SALTYRTC_ENUM_TYPE(saltyrtc_payload);

/**
 * Who ended a connection.
 */
SALTYRTC_ENUM(saltyrtc_closed_by) {
    /**
     * Nobody: it was lost, or could not be established.
     */
    SALTYRTC_CLOSED_BY_NETWORK = 0,
    /**
     * This client, because it was asked to, or because it found an error.
     */
    SALTYRTC_CLOSED_BY_US = 1,
    /**
     * The peer.
     */
    SALTYRTC_CLOSED_BY_PEER = 2,
    /**
     * The server; or the initiator, which had the server drop this responder.
     */
    SALTYRTC_CLOSED_BY_SERVER = 3,
};
SALTYRTC_ENUM_TYPE(saltyrtc_closed_by);

/**
 * How the client learned that its peer is gone.
 */
SALTYRTC_ENUM(saltyrtc_peer_left) {
    /**
     * The server said that the peer disconnected.
     */
    SALTYRTC_PEER_LEFT_DISCONNECTED = 0,
    /**
     * A message could not be delivered to the peer.
     */
    SALTYRTC_PEER_LEFT_UNREACHABLE = 1,
    /**
     * Another client has taken its place: it has the peer's address on the path now, or has authenticated
     * itself while the peer was there. It may be the same peer, coming back.
     */
    SALTYRTC_PEER_LEFT_REPLACED = 2,
    /**
     * This client dropped the peer with saltyrtc_client_drop_responder.
     */
    SALTYRTC_PEER_LEFT_DROPPED = 3,
};
SALTYRTC_ENUM_TYPE(saltyrtc_peer_left);

/**
 * The level of a log message.
 */
SALTYRTC_ENUM(saltyrtc_log_level) {
    /**
     * No messages.
     */
    SALTYRTC_LOG_LEVEL_OFF = 0,
    /**
     * Something failed.
     */
    SALTYRTC_LOG_LEVEL_ERROR = 1,
    /**
     * Something may be wrong.
     */
    SALTYRTC_LOG_LEVEL_WARN = 2,
    /**
     * Information for operators.
     */
    SALTYRTC_LOG_LEVEL_INFO = 3,
    /**
     * Information that helps to find bugs.
     */
    SALTYRTC_LOG_LEVEL_DEBUG = 4,
    /**
     * Everything.
     */
    SALTYRTC_LOG_LEVEL_TRACE = 5,
};
SALTYRTC_ENUM_TYPE(saltyrtc_log_level);

/**
 * The type of an ICE candidate, or of the address that one end of a path has.
 */
SALTYRTC_ENUM(saltyrtc_candidate_type) {
    /**
     * There is no path.
     */
    SALTYRTC_CANDIDATE_TYPE_NONE = 0,
    /**
     * An address of the host itself.
     */
    SALTYRTC_CANDIDATE_TYPE_HOST = 1,
    /**
     * The outer address of a NAT, as a STUN server saw it.
     */
    SALTYRTC_CANDIDATE_TYPE_SERVER_REFLEXIVE = 2,
    /**
     * The outer address of a NAT, as the other client saw it.
     */
    SALTYRTC_CANDIDATE_TYPE_PEER_REFLEXIVE = 3,
    /**
     * An address of a TURN server.
     */
    SALTYRTC_CANDIDATE_TYPE_RELAYED = 4,
};
SALTYRTC_ENUM_TYPE(saltyrtc_candidate_type);

/**
 * An ICE candidate of the peer. Texts end with a NUL; what the peer wrote may contain others.
 */
typedef struct saltyrtc_candidate {
    /**
     * The candidate-attribute, for example "candidate:1 1 udp …". An empty text means that there are
     * no more candidates of this generation; NULL, that there are no more candidates at all.
     */
    const char *SALTYRTC_NULLABLE candidate;
    /**
     * The size of the candidate-attribute in bytes, without the NUL at the end.
     */
    size_t candidate_len;
    /**
     * The identification tag of the media description; NULL if it is not given.
     */
    const char *SALTYRTC_NULLABLE sdp_mid;
    /**
     * The size of the tag in bytes, likewise.
     */
    size_t sdp_mid_len;
    /**
     * The ICE user name fragment; NULL if it is not given.
     */
    const char *SALTYRTC_NULLABLE username_fragment;
    /**
     * The size of the fragment in bytes, likewise.
     */
    size_t username_fragment_len;
    /**
     * The index of the media description, 0 to 65535; -1 if it is not given.
     */
    int32_t sdp_m_line_index;
} saltyrtc_candidate;

/**
 * Which side of ICE decides about the path.
 */
SALTYRTC_ENUM(saltyrtc_ice_role) {
    /**
     * The sender does not say.
     */
    SALTYRTC_ICE_ROLE_NONE = 0,
    /**
     * "controlling".
     */
    SALTYRTC_ICE_ROLE_CONTROLLING = 1,
    /**
     * "controlled".
     */
    SALTYRTC_ICE_ROLE_CONTROLLED = 2,
};
SALTYRTC_ENUM_TYPE(saltyrtc_ice_role);

/**
 * How a candidate is reached, and with TCP, who opens the connection.
 */
SALTYRTC_ENUM(saltyrtc_ice_protocol) {
    /**
     * "udp".
     */
    SALTYRTC_ICE_PROTOCOL_UDP = 0,
    /**
     * "tcp", "active".
     */
    SALTYRTC_ICE_PROTOCOL_TCP_ACTIVE = 1,
    /**
     * "tcp", "passive".
     */
    SALTYRTC_ICE_PROTOCOL_TCP_PASSIVE = 2,
    /**
     * "tcp", "so": both at the same time.
     */
    SALTYRTC_ICE_PROTOCOL_TCP_SIMULTANEOUS_OPEN = 3,
};
SALTYRTC_ENUM_TYPE(saltyrtc_ice_protocol);

/**
 * Who begins the handshake of DTLS.
 */
SALTYRTC_ENUM(saltyrtc_dtls_role) {
    /**
     * "auto": what the roles of ICE say. The controlling side is the server.
     */
    SALTYRTC_DTLS_ROLE_AUTO = 0,
    /**
     * "client": who says this begins.
     */
    SALTYRTC_DTLS_ROLE_CLIENT = 1,
    /**
     * "server": who says this waits.
     */
    SALTYRTC_DTLS_ROLE_SERVER = 2,
};
SALTYRTC_ENUM_TYPE(saltyrtc_dtls_role);

/**
 * An ICE candidate of the ORTC task: an RTCIceCandidate of the ORTC API. In an event, texts end with a NUL, and
 * what the peer wrote may contain others. To send one, set all bytes to 0, and then the fields that differ;
 * a text with the length 0 ends with a NUL.
 */
typedef struct saltyrtc_ice_candidate {
    /**
     * Which of several transports it is of; NULL if there is one only.
     */
    const char *SALTYRTC_NULLABLE label;
    /**
     * The size of the label in bytes, without the NUL at the end.
     */
    size_t label_len;
    /**
     * Candidates with the same foundation were found in the same way.
     */
    const char *SALTYRTC_NULLABLE foundation;
    /**
     * The size of the foundation in bytes, likewise.
     */
    size_t foundation_len;
    /**
     * The IP address, or a name that stands for one.
     */
    const char *SALTYRTC_NULLABLE ip;
    /**
     * The size of the address in bytes, likewise.
     */
    size_t ip_len;
    /**
     * The address that it was found from; NULL if it is not given.
     */
    const char *SALTYRTC_NULLABLE related_address;
    /**
     * The size of that address in bytes, likewise.
     */
    size_t related_address_len;
    /**
     * The higher, the more wanted.
     */
    uint32_t priority;
    /**
     * How it was found. One of saltyrtc_candidate_type, but not NONE.
     */
    int32_t candidate_type;
    /**
     * One of saltyrtc_ice_protocol.
     */
    int32_t protocol;
    /**
     * The port.
     */
    uint16_t port;
    /**
     * The port that it was found from. It is sent with a related address only.
     */
    uint16_t related_port;
    /**
     * This is no candidate: there are no more. Only the label has a meaning then.
     */
    bool complete;
} saltyrtc_ice_candidate;

/**
 * The hash of a certificate: an RTCDtlsFingerprint of the ORTC API. Texts as in saltyrtc_ice_candidate.
 */
typedef struct saltyrtc_dtls_fingerprint {
    /**
     * The name of the hash function, for example "sha-256".
     */
    const char *SALTYRTC_NULLABLE algorithm;
    /**
     * The size of the name in bytes, without the NUL at the end.
     */
    size_t algorithm_len;
    /**
     * The hash, in hexadecimal digits with colons between the bytes.
     */
    const char *SALTYRTC_NULLABLE value;
    /**
     * The size of the hash in bytes of text, likewise.
     */
    size_t value_len;
} saltyrtc_dtls_fingerprint;

/**
 * An event. Which fields it has depends on its kind and is written there, in saltyrtc_event_kind;
 * all other fields are 0, false or NULL.
 *
 * An event that is passed to a callback is valid until the callback returns, with everything that
 * it points to. An event that was taken with saltyrtc_client_next_event or
 * saltyrtc_queue_next_events is valid until saltyrtc_event_free. Events must not be modified.
 *
 * All texts end with a NUL. Those that a peer chose may contain others, so they have a length.
 *
 * A program that may run with an older library than it was compiled for must not read fields
 * beyond struct_size.
 */
typedef struct saltyrtc_event {
    /**
     * The size of this structure in the library, in bytes.
     */
    size_t struct_size;
    /**
     * Which client it is of: what was given to saltyrtc_client_new_on_queue, or else 0.
     */
    uint64_t token;
    /**
     * What happened.
     */
    saltyrtc_event_kind kind;
    /**
     * The reason.
     */
    saltyrtc_status status;
    /**
     * What happened and what to do about it, in English.
     */
    const char *SALTYRTC_NULLABLE text;
    /**
     * The size of the text in bytes, without the NUL at the end.
     */
    size_t text_len;
    /**
     * Who ended the connection.
     */
    saltyrtc_closed_by closed_by;
    /**
     * The close code of WebSocket or SaltyRTC, 1000 to 4999; 0 if there was none.
     */
    uint16_t close_code;
    /**
     * Whether a new client with the same configuration may succeed.
     */
    bool retryable;
    /**
     * Whether a client of the other role is on the path already.
     */
    bool peer_present;
    /**
     * Whether the server proved that it has the permanent key that this client knows.
     */
    bool server_verified;
    /**
     * Whether a new handshake with the peer that left can succeed, as it can if both clients trust
     * each other (saltyrtc_client_trust_peer). If not: as the initiator, issue a new token
     * (saltyrtc_client_issue_token); as the responder, create a new client with a new invitation.
     */
    bool can_rejoin;
    /**
     * An address on the path: 1 is the initiator, 2 to 255 are responders.
     */
    uint8_t address;
    /**
     * How the client learned that the peer is gone.
     */
    saltyrtc_peer_left peer_left;
    /**
     * The public permanent key of the peer: SALTYRTC_KEY_BYTES bytes. To trust the peer later,
     * store it.
     */
    const uint8_t *SALTYRTC_NULLABLE peer_key;
    /**
     * The name of the task.
     */
    const char *SALTYRTC_NULLABLE task;
    /**
     * The size of the name in bytes, without the NUL at the end.
     */
    size_t task_len;
    /**
     * The type of the data.
     */
    saltyrtc_payload payload;
    /**
     * The data. May be NULL only if data_len is 0.
     */
    const uint8_t *SALTYRTC_NULLABLE data;
    /**
     * The size of the data in bytes.
     */
    size_t data_len;
    /**
     * The RTCSdpType of the description: "offer", "pranswer", "answer" or "rollback".
     */
    const char *SALTYRTC_NULLABLE sdp_type;
    /**
     * The session description; NULL with a "rollback" that has none.
     */
    const char *SALTYRTC_NULLABLE sdp;
    /**
     * The size of the session description in bytes, without the NUL at the end.
     */
    size_t sdp_len;
    /**
     * The candidates, in the order in which to add them.
     */
    const struct saltyrtc_candidate *SALTYRTC_NULLABLE candidates;
    /**
     * The number of candidates.
     */
    size_t candidates_len;
    /**
     * The state of the connection to the peer.
     */
    saltyrtc_connection_state connection_state;
    /**
     * The number of a channel.
     */
    uint32_t channel;
    /**
     * The label of a channel.
     */
    const char *SALTYRTC_NULLABLE label;
    /**
     * The size of the label in bytes, without the NUL at the end.
     */
    size_t label_len;
    /**
     * The subprotocol of a channel.
     */
    const char *SALTYRTC_NULLABLE channel_protocol;
    /**
     * The size of the name of the subprotocol in bytes, without the NUL at the end.
     */
    size_t channel_protocol_len;
    /**
     * How long delivery is attempted.
     */
    saltyrtc_reliability reliability;
    /**
     * With MAX_RETRANSMITS, the number of retransmissions; with MAX_LIFETIME, milliseconds.
     */
    uint32_t reliability_limit;
    /**
     * Whether messages may arrive in another order than they were sent in.
     */
    bool unordered;
    /**
     * Whether messages are encrypted by WebRTC only, and not also with the keys of the two
     * clients.
     */
    bool plain;
    /**
     * Whether the peer opened the channel.
     */
    bool opened_by_peer;
    /**
     * The level of the log message.
     */
    saltyrtc_log_level log_level;
    /**
     * The part of the library that logs. NUL-terminated.
     */
    const char *SALTYRTC_NULLABLE log_target;
    /**
     * How many log messages before this one were dropped, because too many waited.
     */
    uint64_t dropped;
    /**
     * Which of several transports or channels a message of ORTC is about; NULL if the peer does not say.
     */
    const char *SALTYRTC_NULLABLE message_label;
    /**
     * The size of the label in bytes, without the NUL at the end.
     */
    size_t message_label_len;
    /**
     * The username fragment of ICE.
     */
    const char *SALTYRTC_NULLABLE username_fragment;
    /**
     * The size of the username fragment in bytes, without the NUL at the end.
     */
    size_t username_fragment_len;
    /**
     * The password of ICE.
     */
    const char *SALTYRTC_NULLABLE password;
    /**
     * The size of the password in bytes, without the NUL at the end.
     */
    size_t password_len;
    /**
     * The candidates of ORTC, in the order in which to add them.
     */
    const struct saltyrtc_ice_candidate *SALTYRTC_NULLABLE ice_candidates;
    /**
     * The number of candidates.
     */
    size_t ice_candidates_len;
    /**
     * The hashes of the peer's certificates.
     */
    const struct saltyrtc_dtls_fingerprint *SALTYRTC_NULLABLE fingerprints;
    /**
     * The number of hashes.
     */
    size_t fingerprints_len;
    /**
     * The role of the peer in ICE.
     */
    saltyrtc_ice_role ice_role;
    /**
     * The role of the peer in DTLS.
     */
    saltyrtc_dtls_role dtls_role;
    /**
     * The largest message that the peer's SCTP transport takes, in bytes; 0 if it takes messages of any
     * size.
     */
    uint32_t max_message_size;
    /**
     * For how many milliseconds it is tried to deliver a message on a channel.
     */
    uint32_t max_packet_lifetime;
    /**
     * How many times it is tried again to deliver a message on a channel.
     */
    uint32_t max_retransmits;
    /**
     * The id of a channel, 0 to 65535.
     */
    uint16_t channel_id;
    /**
     * Whether max_packet_lifetime is given.
     */
    bool has_max_packet_lifetime;
    /**
     * Whether max_retransmits is given.
     */
    bool has_max_retransmits;
    /**
     * Whether the peer only answers checks (ICE lite).
     */
    bool ice_lite;
} saltyrtc_event;

/**
 * Frees an event that was taken with saltyrtc_client_next_event or saltyrtc_queue_next_events; not one
 * that was passed to a callback. Does nothing if it is NULL.
 */
SALTYRTC_API
void saltyrtc_event_free(struct saltyrtc_event *SALTYRTC_NULLABLE event);

/**
 * Frees `count` events that were taken with saltyrtc_queue_next_events, and sets the pointers to NULL;
 * those that are NULL already are left out. The array itself stays the caller's. Does nothing if it is
 * NULL.
 */
SALTYRTC_API
void saltyrtc_events_free(struct saltyrtc_event *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE events,
                          size_t count);

/* =================================================================================================
 * Event queues
 * ================================================================================================= */

/**
 * An event in a buffer that saltyrtc_queue_read has filled: the fields of saltyrtc_event as numbers of
 * fixed width, in the same places on every system.
 *
 * What is a pointer there is a pair here: the place of the bytes in the buffer, counted from its
 * beginning, and their number. The place is 0 for what is NULL there. Texts are UTF-8 and do not end
 * with a NUL. Bytes have no particular alignment.
 */
typedef struct saltyrtc_record {
    /**
     * The size of this structure in the library, in bytes: so far behind this record is the next one. It
     * is a multiple of 8, and 8 bytes at least are added when the structure grows.
     */
    uint32_t record_size;
    /**
     * One of saltyrtc_event_kind.
     */
    int32_t kind;
    /**
     * Which client it is of: what was given to saltyrtc_client_new_on_queue.
     */
    uint64_t token;
    /**
     * The fields that are true, a sum of saltyrtc_record_flag.
     */
    uint32_t flags;
    /**
     * One of saltyrtc_status.
     */
    int32_t status;
    /**
     * One of saltyrtc_closed_by.
     */
    int32_t closed_by;
    /**
     * The close code.
     */
    uint32_t close_code;
    /**
     * An address on the path.
     */
    uint32_t address;
    /**
     * One of saltyrtc_peer_left.
     */
    int32_t peer_left;
    /**
     * One of saltyrtc_payload.
     */
    int32_t payload;
    /**
     * One of saltyrtc_connection_state.
     */
    int32_t connection_state;
    /**
     * The number of a channel.
     */
    uint32_t channel;
    /**
     * One of saltyrtc_reliability.
     */
    int32_t reliability;
    /**
     * With MAX_RETRANSMITS, the number of retransmissions; with MAX_LIFETIME, milliseconds.
     */
    uint32_t reliability_limit;
    /**
     * Where the text is.
     */
    uint32_t text_offset;
    /**
     * Its size in bytes.
     */
    uint32_t text_len;
    /**
     * Where the public key of the peer is.
     */
    uint32_t peer_key_offset;
    /**
     * SALTYRTC_KEY_BYTES, or 0 if there is none.
     */
    uint32_t peer_key_len;
    /**
     * Where the name of the task is.
     */
    uint32_t task_offset;
    /**
     * Its size in bytes.
     */
    uint32_t task_len;
    /**
     * Where the data is.
     */
    uint32_t data_offset;
    /**
     * Its size in bytes.
     */
    uint32_t data_len;
    /**
     * Where the type of the description is.
     */
    uint32_t sdp_type_offset;
    /**
     * Its size in bytes.
     */
    uint32_t sdp_type_len;
    /**
     * Where the session description is.
     */
    uint32_t sdp_offset;
    /**
     * Its size in bytes.
     */
    uint32_t sdp_len;
    /**
     * Where the candidates are: an array of saltyrtc_record_candidate.
     */
    uint32_t candidates_offset;
    /**
     * How many candidates there are.
     */
    uint32_t candidates_len;
    /**
     * Where the label of the channel is.
     */
    uint32_t label_offset;
    /**
     * Its size in bytes.
     */
    uint32_t label_len;
    /**
     * Where the subprotocol of the channel is.
     */
    uint32_t channel_protocol_offset;
    /**
     * Its size in bytes.
     */
    uint32_t channel_protocol_len;
    /**
     * How many log messages were dropped before this one.
     */
    uint64_t dropped;
    /**
     * One of saltyrtc_log_level.
     */
    int32_t log_level;
    /**
     * Where the name of the part of the library is that logs.
     */
    uint32_t log_target_offset;
    /**
     * Its size in bytes.
     */
    uint32_t log_target_len;
    /**
     * One of saltyrtc_ice_role.
     */
    int32_t ice_role;
    /**
     * Where the label of the message is.
     */
    uint32_t message_label_offset;
    /**
     * Its size in bytes.
     */
    uint32_t message_label_len;
    /**
     * Where the username fragment of ICE is.
     */
    uint32_t username_fragment_offset;
    /**
     * Its size in bytes.
     */
    uint32_t username_fragment_len;
    /**
     * Where the password of ICE is.
     */
    uint32_t password_offset;
    /**
     * Its size in bytes.
     */
    uint32_t password_len;
    /**
     * Where the candidates of ORTC are: an array of saltyrtc_record_ice_candidate.
     */
    uint32_t ice_candidates_offset;
    /**
     * How many candidates there are.
     */
    uint32_t ice_candidates_len;
    /**
     * Where the hashes of certificates are: an array of saltyrtc_record_dtls_fingerprint.
     */
    uint32_t fingerprints_offset;
    /**
     * How many hashes there are.
     */
    uint32_t fingerprints_len;
    /**
     * One of saltyrtc_dtls_role.
     */
    int32_t dtls_role;
    /**
     * The largest message that the peer's SCTP transport takes, in bytes.
     */
    uint32_t max_message_size;
    /**
     * For how many milliseconds it is tried to deliver a message on a channel.
     */
    uint32_t max_packet_lifetime;
    /**
     * How many times it is tried again to deliver a message on a channel.
     */
    uint32_t max_retransmits;
    /**
     * The id of a channel.
     */
    uint32_t channel_id;
    /**
     * 0.
     */
    uint32_t reserved;
} saltyrtc_record;

/**
 * What can be true in an event: the fields of saltyrtc_event of these names.
 */
SALTYRTC_ENUM(saltyrtc_record_flag) {
    /**
     * Whether a new client with the same configuration may succeed.
     */
    SALTYRTC_RECORD_FLAG_RETRYABLE = 1,
    /**
     * Whether a client of the other role is on the path already.
     */
    SALTYRTC_RECORD_FLAG_PEER_PRESENT = 2,
    /**
     * Whether the server proved that it has the permanent key that this client knows.
     */
    SALTYRTC_RECORD_FLAG_SERVER_VERIFIED = 4,
    /**
     * Whether a new handshake with the peer that left can succeed.
     */
    SALTYRTC_RECORD_FLAG_CAN_REJOIN = 8,
    /**
     * Whether messages may arrive in another order than they were sent in.
     */
    SALTYRTC_RECORD_FLAG_UNORDERED = 16,
    /**
     * Whether messages are encrypted by WebRTC only.
     */
    SALTYRTC_RECORD_FLAG_PLAIN = 32,
    /**
     * Whether the peer opened the channel.
     */
    SALTYRTC_RECORD_FLAG_OPENED_BY_PEER = 64,
    /**
     * Whether max_packet_lifetime is given.
     */
    SALTYRTC_RECORD_FLAG_HAS_MAX_PACKET_LIFETIME = 128,
    /**
     * Whether max_retransmits is given.
     */
    SALTYRTC_RECORD_FLAG_HAS_MAX_RETRANSMITS = 256,
    /**
     * Whether the peer only answers checks (ICE lite).
     */
    SALTYRTC_RECORD_FLAG_ICE_LITE = 512,
};
SALTYRTC_ENUM_TYPE(saltyrtc_record_flag);

/**
 * A candidate in a buffer that saltyrtc_queue_read has filled: the fields of saltyrtc_candidate. Places
 * are counted from the beginning of the buffer.
 */
typedef struct saltyrtc_record_candidate {
    /**
     * Where the candidate-attribute is.
     */
    uint32_t candidate_offset;
    /**
     * Its size in bytes.
     */
    uint32_t candidate_len;
    /**
     * Where the identification tag of the media description is.
     */
    uint32_t sdp_mid_offset;
    /**
     * Its size in bytes.
     */
    uint32_t sdp_mid_len;
    /**
     * Where the ICE user name fragment is.
     */
    uint32_t username_fragment_offset;
    /**
     * Its size in bytes.
     */
    uint32_t username_fragment_len;
    /**
     * The index of the media description, 0 to 65535; -1 if it is not given.
     */
    int32_t sdp_m_line_index;
    /**
     * 0.
     */
    uint32_t reserved;
} saltyrtc_record_candidate;

/**
 * A candidate of ORTC in a buffer that saltyrtc_queue_read has filled: the fields of saltyrtc_ice_candidate.
 * Places are counted from the beginning of the buffer.
 */
typedef struct saltyrtc_record_ice_candidate {
    /**
     * Where the label is.
     */
    uint32_t label_offset;
    /**
     * Its size in bytes.
     */
    uint32_t label_len;
    /**
     * Where the foundation is.
     */
    uint32_t foundation_offset;
    /**
     * Its size in bytes.
     */
    uint32_t foundation_len;
    /**
     * Where the IP address is.
     */
    uint32_t ip_offset;
    /**
     * Its size in bytes.
     */
    uint32_t ip_len;
    /**
     * Where the related address is.
     */
    uint32_t related_address_offset;
    /**
     * Its size in bytes.
     */
    uint32_t related_address_len;
    /**
     * The higher, the more wanted.
     */
    uint32_t priority;
    /**
     * One of saltyrtc_candidate_type.
     */
    int32_t candidate_type;
    /**
     * One of saltyrtc_ice_protocol.
     */
    int32_t protocol;
    /**
     * The port.
     */
    uint32_t port;
    /**
     * The related port.
     */
    uint32_t related_port;
    /**
     * 1 if this is no candidate, as there are no more; otherwise 0.
     */
    uint32_t complete;
} saltyrtc_record_ice_candidate;

/**
 * The hash of a certificate in a buffer that saltyrtc_queue_read has filled: the fields of
 * saltyrtc_dtls_fingerprint. Places are counted from the beginning of the buffer.
 */
typedef struct saltyrtc_record_dtls_fingerprint {
    /**
     * Where the name of the hash function is.
     */
    uint32_t algorithm_offset;
    /**
     * Its size in bytes.
     */
    uint32_t algorithm_len;
    /**
     * Where the hash is.
     */
    uint32_t value_offset;
    /**
     * Its size in bytes.
     */
    uint32_t value_len;
} saltyrtc_record_dtls_fingerprint;

/**
 * A queue of events, which many clients can have in common (saltyrtc_client_new_on_queue): one thread, or
 * one file descriptor in an event loop, is enough for all of them.
 *
 * A queue is fair: while several clients have events, each gets its turns, in which 64 of its events are
 * taken at most. Events of one client come in order. They wait in the client until they are taken, and
 * while too many wait there, this client reads nothing more from the network; others are not affected.
 */
typedef struct saltyrtc_queue saltyrtc_queue;

/**
 * Creates an event queue. It has to be freed with saltyrtc_queue_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_queue_new(struct saltyrtc_queue *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Frees a queue. Does nothing if it is NULL.
 *
 * The clients that are still on it are closed (saltyrtc_client_close), and there are no more events of
 * them; they can be used until they are freed, and have to be. A thread that is blocked in
 * saltyrtc_queue_next_events or saltyrtc_queue_read returns with SALTYRTC_STATUS_NO_MORE_EVENTS; but no
 * thread may call a function for the queue any more. The descriptor of saltyrtc_queue_fd is closed.
 */
SALTYRTC_API
void saltyrtc_queue_free(struct saltyrtc_queue *SALTYRTC_NULLABLE queue);

/**
 * Takes the next events of all clients on the queue: as many as there are, and `capacity` at most, which
 * has to be at least 1. `events` is an array of so many pointers, of which the first `*count` are set.
 * Each event has to be freed with saltyrtc_event_free, or all with saltyrtc_events_free.
 *
 * If there is no event, it blocks until there is one, for `timeout_ms` milliseconds at most: 0 does not
 * block, and a negative number blocks without a limit. If several threads wait, each event goes to one
 * of them.
 *
 * Returns with `*count` 0 if it was woken (saltyrtc_queue_wake). Fails with SALTYRTC_STATUS_TIMEOUT if
 * there was no event; and with SALTYRTC_STATUS_WOULD_DEADLOCK if it is called from a callback, of any
 * client, and `timeout_ms` is not 0.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_queue_next_events(struct saltyrtc_queue *queue,
                                           int64_t timeout_ms,
                                           struct saltyrtc_event *SALTYRTC_NULLABLE *SALTYRTC_NONNULL events,
                                           size_t capacity,
                                           size_t *count,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Takes the next events of all clients on the queue, like saltyrtc_queue_next_events, and puts them into
 * a buffer of `capacity` bytes: as many as there are and fit. It is for languages in which it is dear to
 * follow pointers; C programs do not need it.
 *
 * The buffer begins with an array of `*count` saltyrtc_record. Their texts and bytes are behind them in
 * the buffer. To look at the records where they are, align the buffer like a uint64_t.
 *
 * If the first event does not fit, it fails with SALTYRTC_STATUS_BUFFER_TOO_SMALL, and `needed` (may be
 * NULL) is set to a capacity that is enough for it. The event is not lost: it waits, and is the next one. If
 * the buffer is NULL, it has 0 bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_queue_read(struct saltyrtc_queue *queue,
                                    int64_t timeout_ms,
                                    uint8_t *SALTYRTC_NULLABLE buffer,
                                    size_t capacity,
                                    size_t *count,
                                    size_t *SALTYRTC_NULLABLE needed,
                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Has the log messages of the library put onto the queue, as events of the kind LOG with the token 0: an
 * alternative to saltyrtc_log_set_callback, whose callback comes on any thread. It replaces what was set
 * for this queue before.
 *
 * `level` is one of saltyrtc_log_level: only messages of this level, and of the more important levels
 * with lower numbers, are put there; SALTYRTC_LOG_LEVEL_OFF for none. `capacity`, which has to be at least
 * 1, is how many of them wait at most: while so many do, others are dropped, and the next one that is not
 * says how many. Messages never contain secrets or application data.
 *
 * Fails with SALTYRTC_STATUS_LOG_TAKEN if the program is written in Rust and has set a tracing
 * subscriber itself, which receives the messages then.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_queue_set_log(struct saltyrtc_queue *queue,
                                       int32_t level,
                                       size_t capacity,
                                       struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Makes one call of saltyrtc_queue_next_events or saltyrtc_queue_read return without an event: one that
 * is blocked, or else the next one. Call it as often as there are threads to be woken.
 *
 * It can be called from any thread, and from callbacks.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_queue_wake(struct saltyrtc_queue *queue,
                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * A file descriptor for poll, select and event loops: it is readable exactly while
 * saltyrtc_queue_next_events and saltyrtc_queue_read would not block. Do not read from it, write to it,
 * or close it; saltyrtc_queue_free closes it. Unix only: elsewhere it fails with
 * SALTYRTC_STATUS_NOT_BUILT.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_queue_fd(struct saltyrtc_queue *queue,
                                  int *fd,
                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Clients
 * ================================================================================================= */

/**
 * Frees the user data of a callback. It is called exactly once, when the callback will not be called
 * any more.
 */
typedef void (*saltyrtc_user_data_free)(void *SALTYRTC_NULLABLE user_data);

/**
 * A connection to a server and, through it, to a peer. Its functions can be called from any thread at
 * any time until saltyrtc_client_free is called, and not after that.
 */
typedef struct saltyrtc_client saltyrtc_client;

/**
 * Receives the events of a client. The callbacks of all clients are called one after another, on one
 * thread of the library named "saltyrtc-events", with no lock held.
 *
 * A callback can call every function of the library, for any client, except that functions that would
 * block fail with SALTYRTC_STATUS_WOULD_DEADLOCK. A callback should return quickly, because all others
 * wait for it, and must not throw exceptions. The event is valid until the callback returns.
 */
typedef void (*saltyrtc_event_callback)(struct saltyrtc_client *client,
                                        const struct saltyrtc_event *event,
                                        void *SALTYRTC_NULLABLE user_data);

/**
 * Creates a client, which starts to connect to the server at once. Everything else is reported by
 * events, the last of which is CLOSED.
 *
 * Events are passed to the callback; `*out` is set before it is called for the first time. If the
 * callback is NULL, take the events with saltyrtc_client_next_event. Either way, events wait until
 * they are delivered, and while too many wait, the client reads nothing more from the network.
 *
 * `user_data` (may be NULL) is passed to the callback. `user_data_free` (may be NULL) is called with
 * it exactly once: when the client was freed and its last callback has returned, or before this
 * function returns if it fails.
 *
 * `*out` has to be freed with saltyrtc_client_free. Fails with SALTYRTC_STATUS_BAD_CONFIG if the
 * settings contradict each other.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_new(const struct saltyrtc_config *config,
                                    saltyrtc_event_callback SALTYRTC_NULLABLE callback,
                                    void *SALTYRTC_NULLABLE user_data,
                                    saltyrtc_user_data_free SALTYRTC_NULLABLE user_data_free,
                                    struct saltyrtc_client *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Creates a client like saltyrtc_client_new does, whose events go to a queue: take them with
 * saltyrtc_queue_next_events or saltyrtc_queue_read. Each has the `token` in it, a number of the
 * program's choice that says which client it is of.
 *
 * `*out` is set before an event of the client can be taken, by another thread too, and has to be freed
 * with saltyrtc_client_free. Fails with SALTYRTC_STATUS_BAD_CONFIG if the settings contradict each other.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_new_on_queue(const struct saltyrtc_config *config,
                                             struct saltyrtc_queue *queue,
                                             uint64_t token,
                                             struct saltyrtc_client *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Frees a client. Its connection is closed in the background, like saltyrtc_client_close does, but
 * there are no more events. Does nothing if the client is NULL.
 *
 * On a queue, no event of the client is taken any more once this function has returned, and those that
 * wait are gone: whatever other threads do with the queue meanwhile, and whatever waits, a client can be
 * freed. An event that a thread has taken before is that thread's own.
 *
 * If the application carries the signalling itself (saltyrtc_client_hand_over), closing takes events,
 * so the peer is not informed: to do so, call saltyrtc_client_close first and wait for CLOSED.
 *
 * Blocks while a callback of this client runs, and none runs afterwards: do not hold a lock that the
 * callback needs. Called from a callback of this client, it returns at once, and that callback is the
 * last one.
 *
 * A thread that is blocked in saltyrtc_client_next_event returns with SALTYRTC_STATUS_NO_MORE_EVENTS;
 * but no thread may call a function for the client any more. To end a thread that takes events in a
 * loop, call saltyrtc_client_close, let the thread take events until there are no more, and then free
 * the client. The descriptor of saltyrtc_client_event_fd is closed.
 */
SALTYRTC_API
void saltyrtc_client_free(struct saltyrtc_client *SALTYRTC_NULLABLE client);

/**
 * Whether the events of a client without a callback stay with it for now: then they cannot be taken, and
 * the descriptor does not tell of them. While too many wait, the client reads nothing more from the
 * network, so that the peer has to wait. It is for programs that share a queue between clients and have
 * no more room for what one of them gets.
 *
 * The end gets through: once the connection has ended, for whatever reason, the client is not paused any
 * more, and what waits comes, with CLOSED at its end. (What waits is limited.) But while so much waits that
 * the client reads nothing more from the server, it cannot see that the peer or the server closes.
 *
 * What another thread is just taking can still come. Fails with SALTYRTC_STATUS_HAS_CALLBACK if the client
 * has a callback.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_pause_events(struct saltyrtc_client *client,
                                             bool paused,
                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Closes the connection: everything that was sent before is delivered first, and the peer is informed.
 * Nothing more can be sent. The function returns at once, and the event CLOSED follows when the
 * connection is closed. Does nothing if it is called again.
 *
 * What waits on channels of the built-in WebRTC is delivered as long as the peer keeps receiving: for
 * a minute at most, with no pause longer than three seconds. What the peer has not received by then is
 * lost.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_close(struct saltyrtc_client *client,
                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Takes the next event of a client that has neither a callback nor a queue.
 *
 * If there is none, it blocks until there is one, for `timeout_ms` milliseconds at most: 0 does not
 * block, and a negative number blocks without a limit. If several threads wait, each event goes to one
 * of them. `*out` has to be freed with saltyrtc_event_free.
 *
 * Fails with SALTYRTC_STATUS_TIMEOUT if there was no event; with SALTYRTC_STATUS_NO_MORE_EVENTS after
 * CLOSED was taken; with SALTYRTC_STATUS_HAS_CALLBACK or SALTYRTC_STATUS_HAS_QUEUE if the events go
 * elsewhere; and with SALTYRTC_STATUS_WOULD_DEADLOCK if it is called from a callback, of any client, and
 * `timeout_ms` is not 0.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_next_event(struct saltyrtc_client *client,
                                           int64_t timeout_ms,
                                           struct saltyrtc_event *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * A file descriptor for poll, select and event loops: it is readable exactly while events wait that
 * saltyrtc_client_next_event can take. Do not read from it, write to it, or close it;
 * saltyrtc_client_free closes it. Unix only: elsewhere it fails with SALTYRTC_STATUS_NOT_BUILT.
 *
 * Fails with SALTYRTC_STATUS_HAS_CALLBACK or SALTYRTC_STATUS_HAS_QUEUE if the client has a callback or a
 * queue.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_event_fd(struct saltyrtc_client *client,
                                         int *fd,
                                         struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * The session of a client
 * ================================================================================================= */

/**
 * How many bytes encrypted data of saltyrtc_client_encrypt is longer than the data.
 */
#define SALTYRTC_ENCRYPTION_OVERHEAD 40

/**
 * SALTYRTC_ENCRYPTION_OVERHEAD, for programs that cannot use macros.
 */
SALTYRTC_API
size_t saltyrtc_encryption_overhead(void);

/**
 * The state of a client.
 */
SALTYRTC_ENUM(saltyrtc_state) {
    /**
     * The connection has ended, or is being closed.
     */
    SALTYRTC_STATE_CLOSED = 0,
    /**
     * The client is connecting to the server.
     */
    SALTYRTC_STATE_CONNECTING = 1,
    /**
     * The handshake with the server is in progress.
     */
    SALTYRTC_STATE_SERVER_HANDSHAKE = 2,
    /**
     * The handshake with the server is complete, and there is no peer.
     */
    SALTYRTC_STATE_WAITING_FOR_PEER = 3,
    /**
     * A handshake with a peer is in progress.
     */
    SALTYRTC_STATE_PEER_HANDSHAKE = 4,
    /**
     * The peer is authenticated, and the task runs.
     */
    SALTYRTC_STATE_TASK = 5,
};
SALTYRTC_ENUM_TYPE(saltyrtc_state);

/**
 * The state of the client. It may change at any time, also before the caller looks at the result.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_state(const struct saltyrtc_client *client,
                                      saltyrtc_state *state,
                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The signalling path, which is the initiator's public permanent key: SALTYRTC_KEY_BYTES bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_path(const struct saltyrtc_client *client,
                                     uint8_t *path,
                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The public permanent key of this client: SALTYRTC_KEY_BYTES bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_public_key(const struct saltyrtc_client *client,
                                           uint8_t *key,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The public permanent key of the authenticated peer: SALTYRTC_KEY_BYTES bytes. To trust the peer
 * later, store it (saltyrtc_config_set_trusted_peer). Fails with SALTYRTC_STATUS_NO_PEER.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_peer_key(const struct saltyrtc_client *client,
                                         uint8_t *key,
                                         struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The name of the task that the two clients agreed on: 256 bytes at most, including the NUL. Fails
 * with SALTYRTC_STATUS_NO_PEER.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_task(const struct saltyrtc_client *client,
                                     char *SALTYRTC_NULLABLE name,
                                     size_t name_capacity,
                                     size_t *SALTYRTC_NULLABLE name_len,
                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The URI of an invitation to the path of this client, with a token of saltyrtc_client_issue_token
 * (SALTYRTC_KEY_BYTES bytes). `token` may be NULL: the invitation is without one then.
 * SALTYRTC_INVITATION_BYTES bytes are always enough.
 *
 * With a token in it, the URI is a secret between the two: show or send it to the responder only.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_invitation(const struct saltyrtc_client *client,
                                           const uint8_t *SALTYRTC_NULLABLE token,
                                           char *SALTYRTC_NULLABLE uri,
                                           size_t uri_capacity,
                                           size_t *SALTYRTC_NULLABLE uri_len,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Initiator: issues a new random token (SALTYRTC_KEY_BYTES bytes), which admits one more responder.
 * For new handshakes, it replaces the previous token or the trusted key. A peer that is authenticated
 * already stays until another one takes its place.
 *
 * Fails with SALTYRTC_STATUS_OTHER_ROLE and SALTYRTC_STATUS_CLOSED.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_issue_token(struct saltyrtc_client *client,
                                            uint8_t *token,
                                            struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Trusts the authenticated peer: it can come back to this client with its permanent key and without a
 * token. Works only if the peer does the same.
 *
 * To trust the peer with other clients too, store its key (saltyrtc_config_set_trusted_peer). Fails
 * with SALTYRTC_STATUS_NO_PEER.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_trust_peer(struct saltyrtc_client *client,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Initiator: drops a responder from the path, which may be the authenticated peer. `address` is 2 to
 * 255. `close_code` tells the responder why: 3001 (it violated the protocol), 3002 (an internal
 * error), 3004 (it is not wanted) or 3005 (its first message could not be decrypted).
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_drop_responder(struct saltyrtc_client *client,
                                               uint8_t address,
                                               int32_t close_code,
                                               struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Encrypts data for the peer with the keys of this session, to be sent in another way than by this
 * library.
 *
 * The buffer needs SALTYRTC_ENCRYPTION_OVERHEAD bytes more than the data. There is no protection
 * against replay: whoever transports the data can deliver it twice. Fails with
 * SALTYRTC_STATUS_NO_PEER.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_encrypt(struct saltyrtc_client *client,
                                        const uint8_t *SALTYRTC_NULLABLE data,
                                        size_t data_len,
                                        uint8_t *SALTYRTC_NULLABLE encrypted,
                                        size_t encrypted_capacity,
                                        size_t *SALTYRTC_NULLABLE encrypted_len,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Decrypts data that the peer encrypted with saltyrtc_client_encrypt in this session.
 *
 * The buffer needs SALTYRTC_ENCRYPTION_OVERHEAD bytes less than the encrypted data. Fails with
 * SALTYRTC_STATUS_DECRYPTION_FAILED if the data is not from the peer or from another session, or was
 * modified; and with SALTYRTC_STATUS_NO_PEER.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_decrypt(struct saltyrtc_client *client,
                                        const uint8_t *SALTYRTC_NULLABLE encrypted,
                                        size_t encrypted_len,
                                        uint8_t *SALTYRTC_NULLABLE data,
                                        size_t data_capacity,
                                        size_t *SALTYRTC_NULLABLE data_len,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Sending
 * ================================================================================================= */

/**
 * Sends bytes with the Relayed Data task. The peer gets an event DATA.
 *
 * Like all functions that send, it puts a copy of the message into the queue and returns. If it fails,
 * nothing is sent: with SALTYRTC_STATUS_NO_PEER before PEER_HANDSHAKE_DONE and after PEER_LEFT; with
 * SALTYRTC_STATUS_CLOSED; with SALTYRTC_STATUS_TOO_LARGE; with SALTYRTC_STATUS_OTHER_TASK; and with
 * SALTYRTC_STATUS_QUEUE_FULL, after which an event WRITABLE follows.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_bytes(struct saltyrtc_client *client,
                                           const uint8_t *SALTYRTC_NULLABLE data,
                                           size_t data_len,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends text with the Relayed Data task: `text_len` bytes of UTF-8, which may contain NULs. Otherwise
 * like saltyrtc_client_send_bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_text(struct saltyrtc_client *client,
                                          const char *SALTYRTC_NULLABLE text,
                                          size_t text_len,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends a serialised MessagePack value of any type with the Relayed Data task; otherwise like
 * saltyrtc_client_send_bytes. Fails also with SALTYRTC_STATUS_BAD_MSGPACK if the bytes are not exactly
 * one value.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_msgpack(struct saltyrtc_client *client,
                                             const uint8_t *SALTYRTC_NULLABLE data,
                                             size_t data_len,
                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * How many bytes of messages wait to be sent, including what encryption adds: those that the operating
 * system has not taken. This is about all that is sent with the functions of this section, and not about
 * channels of the built-in WebRTC. 0 once the client is closed.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_buffered_amount(const struct saltyrtc_client *client,
                                                size_t *amount,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sets the low-water mark of a client in bytes. From now on there is an event LOW_WATER whenever the
 * number of bytes that wait to be sent (saltyrtc_client_buffered_amount) falls from above the mark to the
 * mark or below it; with 0, when all was taken. Without a mark there are no such events. SIZE_MAX is a mark
 * that is never reached.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_set_low_water(struct saltyrtc_client *client,
                                              size_t bytes,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends bytes to the peer's application independently of the task. The peer gets an event APPLICATION.
 * Fails like saltyrtc_client_send_bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_application_bytes(struct saltyrtc_client *client,
                                                       const uint8_t *SALTYRTC_NULLABLE data,
                                                       size_t data_len,
                                                       struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends text to the peer's application: `text_len` bytes of UTF-8, which may contain NULs. Otherwise
 * like saltyrtc_client_send_application_bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_application_text(struct saltyrtc_client *client,
                                                      const char *SALTYRTC_NULLABLE text,
                                                      size_t text_len,
                                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends a serialised MessagePack value of any type to the peer's application; otherwise like
 * saltyrtc_client_send_application_bytes. Fails also with SALTYRTC_STATUS_BAD_MSGPACK.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_application_msgpack(struct saltyrtc_client *client,
                                                         const uint8_t *SALTYRTC_NULLABLE data,
                                                         size_t data_len,
                                                         struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends a message of a custom task (saltyrtc_config_add_custom_task): a serialised MessagePack map
 * whose keys are texts, one of them "type", whose value is a text other than "application" and
 * "close". The peer gets an event TASK_MESSAGE. Fails like saltyrtc_client_send_bytes, and with
 * SALTYRTC_STATUS_BAD_MSGPACK.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_task_message(struct saltyrtc_client *client,
                                                  const uint8_t *SALTYRTC_NULLABLE message,
                                                  size_t message_len,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Built-in WebRTC: settings
 * ================================================================================================= */

/**
 * The settings of the built-in WebRTC. saltyrtc_config_add_rtc_task copies them into the configuration
 * of a client, so they can be used for several clients, and can be freed right after the call.
 *
 * Must not be used by two threads at once.
 */
typedef struct saltyrtc_rtc_config saltyrtc_rtc_config;

/**
 * Creates settings without ICE servers, which are enough for two clients in one network.
 *
 * `*out` has to be freed with saltyrtc_rtc_config_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_new(struct saltyrtc_rtc_config *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Frees the settings. Does nothing if they are NULL.
 */
SALTYRTC_API
void saltyrtc_rtc_config_free(struct saltyrtc_rtc_config *SALTYRTC_NULLABLE config);

/**
 * Adds an ICE server: a STUN server, which helps to find a path through NATs, or a TURN server, which
 * relays the connection if there is no other path.
 *
 * `url` is "stun:host:port", "turn:host:port", "turn:host:port?transport=tcp" or "turns:host:port";
 * the port is optional. `username` and `password` may be NULL; they are for TURN. For TURN over TLS,
 * the same root certificates are trusted as for the connection to the SaltyRTC server.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_add_ice_server(struct saltyrtc_rtc_config *config,
                                                   const char *url,
                                                   const char *SALTYRTC_NULLABLE username,
                                                   const char *SALTYRTC_NULLABLE password,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Whether only paths through TURN servers are used, which hides the addresses of this host from the
 * peer. Default: false.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_relay_only(struct saltyrtc_rtc_config *config,
                                                   bool relay_only,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The largest message on a secure channel in either direction, in bytes. Default: 16 MiB. Plain
 * channels have the limit of WebRTC: 256 KiB for messages to this client, and what the peer announces
 * for messages to the peer.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_max_message_size(struct saltyrtc_rtc_config *config,
                                                         size_t bytes,
                                                         struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * How many bytes may wait to be sent on a channel. If more would wait, sending fails with
 * SALTYRTC_STATUS_QUEUE_FULL; but a channel on which nothing waits takes a message of any size.
 * Default: 4 MiB.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_max_buffered(struct saltyrtc_rtc_config *config,
                                                     size_t bytes,
                                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Reserves ids (0 to 65534) for the negotiated channels of the application (see
 * saltyrtc_channel_options). They replace those that were set before; NULL and 0 for none.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_negotiated_ids(struct saltyrtc_rtc_config *config,
                                                       const uint16_t *SALTYRTC_NULLABLE ids,
                                                       size_t ids_len,
                                                       struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Whether the signalling is handed over to the connection between the two clients as soon as there is
 * one. The server is not needed any more after that. Default: true.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_handover(struct saltyrtc_rtc_config *config,
                                                 bool handover,
                                                 struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The tasks that the built-in WebRTC is added with.
 */
SALTYRTC_ENUM(saltyrtc_rtc_tasks) {
    /**
     * WebRTC. This is the default, and what other implementations have.
     */
    SALTYRTC_RTC_TASKS_WEBRTC = 0,
    /**
     * ORTC.
     */
    SALTYRTC_RTC_TASKS_ORTC = 1,
    /**
     * Both, with WebRTC preferred.
     */
    SALTYRTC_RTC_TASKS_WEBRTC_THEN_ORTC = 2,
    /**
     * Both, with ORTC preferred.
     */
    SALTYRTC_RTC_TASKS_ORTC_THEN_WEBRTC = 3,
};
SALTYRTC_ENUM_TYPE(saltyrtc_rtc_tasks);

/**
 * Which tasks are added: WebRTC (v1.webrtc.tasks.saltyrtc.org), ORTC (v0.ortc.tasks.saltyrtc.org), or both.
 * They differ in how the two clients describe the connection to each other, and for the application in the
 * name of the task only. `tasks` is one of saltyrtc_rtc_tasks.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_tasks(struct saltyrtc_rtc_config *config,
                                              int32_t tasks,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Which side of the DTLS handshake this client is. `role` is one of saltyrtc_dtls_role. Default: AUTO, which is
 * right for all peers that know how to agree. A peer that insists on the same role cannot be connected to
 * (event CONNECTION_PROBLEM with SALTYRTC_STATUS_PEER_DESCRIPTION). With the WebRTC task, the initiator always
 * leaves it to the responder, as WebRTC prescribes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_dtls_role(struct saltyrtc_rtc_config *config,
                                                  int32_t role,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Makes channels with this label (`label_len` bytes of UTF-8) plain, and not secure, if the peer opens
 * them. Can be called for several labels.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_add_plain_label(struct saltyrtc_rtc_config *config,
                                                    const char *SALTYRTC_NULLABLE label,
                                                    size_t label_len,
                                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Uses this address of the host, for example "192.0.2.7", and no addresses that were not added. Can be
 * called several times. Default: all addresses of the host. saltyrtc_client_set_addresses replaces them later.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_add_address(struct saltyrtc_rtc_config *config,
                                                const char *address,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Uses only UDP ports from `first` to `last`; each address of the host needs one. Default: any port.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_ports(struct saltyrtc_rtc_config *config,
                                              uint16_t first,
                                              uint16_t last,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * For how long the peer may show no sign of life before the connection is DISCONNECTED, which may pass: what is sent
 * waits. In milliseconds, at least 1000. Default: 7000.
 *
 * The shorter of this time and that of saltyrtc_rtc_config_set_unreachable_timeout decides how often the peer is asked
 * for a sign of life: about three times within it, so every 2.5 s by default.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_disconnected_timeout(struct saltyrtc_rtc_config *config,
                                                             uint32_t timeout_ms,
                                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * For how long the peer may show no sign of life before it is UNREACHABLE, which after the handover is the end of the
 * client (SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST). In milliseconds, from 1000 to 30000: nobody may be sent to for longer
 * without its consent (RFC 7675). Default: 30000.
 *
 * With a short time the end of a peer is noticed soon that said no good-bye, because it crashed or lost its network. But an
 * interruption that takes longer ends the connection, which would have recovered (a lift, a tunnel, another Wi-Fi), and
 * a phone is kept awake by what is sent more often. Within one building 3000 are enough; with phones on the move 15000 and
 * more are advisable. A path to the peer is looked for until there has been no news of addresses for this time, but for 10 s
 * at least.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_unreachable_timeout(struct saltyrtc_rtc_config *config,
                                                            uint32_t timeout_ms,
                                                            struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * How long it may take until channels can be used, from the handshake with the peer on, or from its first offer. After
 * that the connection is FAILED (SALTYRTC_STATUS_RTC_FAILED), on either side; saltyrtc_client_restart_ice begins anew, and so
 * does the initiator when the addresses of its host change. In milliseconds, at least 1000. Default: 120000, in which
 * a connection gets through bad networks.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_setup_timeout(struct saltyrtc_rtc_config *config,
                                                      uint32_t timeout_ms,
                                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Adds the WebRTC task, implemented by the built-in WebRTC, after the tasks that were added before. No
 * other WebRTC task can be added to the same configuration.
 *
 * After the handshake with the peer, the client connects to the peer directly and hands the signalling
 * over (events CONNECTION_STATE and HANDED_OVER). Either client can open channels
 * (saltyrtc_client_open_channel, and the event CHANNEL_OPENED).
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_rtc_task(struct saltyrtc_config *config,
                                             const struct saltyrtc_rtc_config *rtc,
                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Built-in WebRTC: channels
 * ================================================================================================= */

/**
 * The options of a new channel. Set all bytes to 0, then struct_size, and then the options that
 * differ from the default, which is a reliable, ordered, secure channel.
 */
typedef struct saltyrtc_channel_options {
    /**
     * sizeof(saltyrtc_channel_options).
     */
    size_t struct_size;
    /**
     * The label, which the application chooses. NULL is an empty one.
     */
    const char *SALTYRTC_NULLABLE label;
    /**
     * The size of the label in bytes. With 0, the label ends with a NUL.
     */
    size_t label_len;
    /**
     * The name of the subprotocol on the channel. NULL is an empty one.
     */
    const char *SALTYRTC_NULLABLE protocol;
    /**
     * The size of the name in bytes. With 0, the name ends with a NUL.
     */
    size_t protocol_len;
    /**
     * One of saltyrtc_reliability.
     */
    int32_t reliability;
    /**
     * With MAX_RETRANSMITS: how many times a message is retransmitted at most, up to 65535. With
     * MAX_LIFETIME: for how many milliseconds. Otherwise 0.
     */
    uint32_t reliability_limit;
    /**
     * Whether messages may arrive in another order than they were sent in.
     */
    bool unordered;
    /**
     * Whether messages are encrypted by WebRTC only, and not also with the keys of the two
     * clients. The peer has to use the same setting. Messages then have the size limit of WebRTC.
     */
    bool plain;
    /**
     * Whether both clients open the channel themselves, with the same `id`. Otherwise one client
     * opens it, and the other is informed.
     */
    bool negotiated;
    /**
     * With `negotiated`: the id, one of those of saltyrtc_rtc_config_set_negotiated_ids.
     */
    uint16_t id;
} saltyrtc_channel_options;

/**
 * Opens a channel to the peer, and sets `*channel` to its number, which does not have to be freed and
 * which this client uses for no other channel. The event CHANNEL_OPENED says that messages can be
 * sent, CHANNEL_CLOSED that the channel could not be opened. Can be called as soon as there is a peer,
 * before there is a connection to it.
 *
 * Fails with SALTYRTC_STATUS_NO_RTC, SALTYRTC_STATUS_NO_PEER, and SALTYRTC_STATUS_TOO_MANY_CHANNELS.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_open_channel(struct saltyrtc_client *client,
                                             const struct saltyrtc_channel_options *options,
                                             uint32_t *channel,
                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends bytes on a channel. The peer gets an event CHANNEL_MESSAGE. For a secure channel, the calling
 * thread encrypts them.
 *
 * If it fails, nothing is sent: with SALTYRTC_STATUS_CHANNEL_NOT_OPEN, with SALTYRTC_STATUS_TOO_LARGE,
 * and with SALTYRTC_STATUS_QUEUE_FULL, after which an event CHANNEL_LOW_WATER follows.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_send_bytes(struct saltyrtc_client *client,
                                                   uint32_t channel,
                                                   const uint8_t *SALTYRTC_NULLABLE data,
                                                   size_t data_len,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends text on a channel: `text_len` bytes of UTF-8, which may contain NULs. The peer gets them as
 * bytes if the channel is secure. Otherwise like saltyrtc_client_channel_send_bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_send_text(struct saltyrtc_client *client,
                                                  uint32_t channel,
                                                  const char *SALTYRTC_NULLABLE text,
                                                  size_t text_len,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * How many bytes wait to be sent on a channel, including what encryption adds. Fails with
 * SALTYRTC_STATUS_CHANNEL_NOT_OPEN.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_buffered_amount(const struct saltyrtc_client *client,
                                                        uint32_t channel,
                                                        size_t *amount,
                                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sets the low-water mark of a channel in bytes. Whenever the number of bytes that wait to be sent
 * falls to the mark or below it, there is an event CHANNEL_LOW_WATER. Default: 0. Fails with
 * SALTYRTC_STATUS_CHANNEL_NOT_OPEN.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_set_low_water(struct saltyrtc_client *client,
                                                      uint32_t channel,
                                                      size_t bytes,
                                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Closes a channel after everything that waits was sent. An event CHANNEL_CLOSED follows when the peer
 * has closed it too. Fails with SALTYRTC_STATUS_CHANNEL_NOT_OPEN.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_close(struct saltyrtc_client *client,
                                              uint32_t channel,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Initiator: restarts ICE, which looks for a new path to the peer with the addresses that both hosts
 * have now. The library does so by itself when the addresses of this host change. Fails with
 * SALTYRTC_STATUS_OTHER_ROLE for a responder, SALTYRTC_STATUS_NO_RTC, and SALTYRTC_STATUS_NO_PEER.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_restart_ice(struct saltyrtc_client *client,
                                            struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Uses these addresses of this host for the connection to the peer and no others, in place of those of
 * saltyrtc_rtc_config_add_address or of an earlier call. For apps whose system tells them the addresses but
 * does not let the library list them.
 *
 * `addresses` is a list with commas, for example "192.0.2.7,2001:db8::7"; an empty text stands for all
 * addresses of the host. Both roles can call it at any time, also before there is a peer. The client goes on
 * with the addresses that stay and tells the peer of the new ones; those that are not in the list any more
 * are given up. An address that this host does not have yet is tried again now and then, and at once after
 * saltyrtc_network_changed. Fails with SALTYRTC_STATUS_NO_RTC.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_set_addresses(struct saltyrtc_client *client,
                                              const char *addresses,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Built-in WebRTC: statistics
 * ================================================================================================= */

/**
 * How packets get to the TURN server of this client.
 */
SALTYRTC_ENUM(saltyrtc_relay_protocol) {
    /**
     * This client uses none.
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
SALTYRTC_ENUM_TYPE(saltyrtc_relay_protocol);

/**
 * Statistics of the connection to the peer. Set struct_size before the call.
 */
typedef struct saltyrtc_rtc_stats {
    /**
     * sizeof(saltyrtc_rtc_stats).
     */
    size_t struct_size;
    /**
     * The state of the connection.
     */
    saltyrtc_connection_state state;
    /**
     * The type of this client's address on the path in use.
     */
    saltyrtc_candidate_type local_type;
    /**
     * The type of the peer's address.
     */
    saltyrtc_candidate_type remote_type;
    /**
     * How packets get to the TURN server of this client.
     */
    saltyrtc_relay_protocol relay_protocol;
    /**
     * Address and port of this client, for example "192.0.2.1:5000" or "[2001:db8::1]:5000".
     * NUL-terminated; empty if there is no path.
     */
    char local_address[64];
    /**
     * Address and port of the peer, in the same form.
     */
    char remote_address[64];
    /**
     * The round-trip time of the last check of the path in microseconds; 0 if it is not known.
     */
    uint64_t round_trip_time_us;
    /**
     * How many bytes of UDP payload were sent to the peer, including encryption, headers, and
     * retransmissions.
     */
    uint64_t bytes_sent;
    /**
     * How many bytes of UDP payload were received from the peer, likewise.
     */
    uint64_t bytes_received;
    /**
     * The number of open channels, without that of the signalling.
     */
    size_t channels;
} saltyrtc_rtc_stats;

/**
 * Gets statistics of the connection to the peer. Set `stats->struct_size` before the call. Fails with
 * SALTYRTC_STATUS_NO_RTC.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_rtc_stats(const struct saltyrtc_client *client,
                                          struct saltyrtc_rtc_stats *stats,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * WebRTC of the application: offers, answers, candidates
 * ================================================================================================= */

/**
 * Adds the WebRTC task (v1.webrtc.tasks.saltyrtc.org) for an application that brings its own WebRTC
 * implementation, after the tasks that were added before.
 *
 * The library carries offers, answers and candidates (saltyrtc_client_send_offer,
 * saltyrtc_client_send_answer, saltyrtc_client_send_candidate, and the events OFFER, ANSWER and
 * CANDIDATES); the application establishes the connection. `exclude` are `exclude_len` ids of data
 * channels (0 to 65534) that the application uses itself, so that none of them is chosen for the
 * signalling; NULL and 0 for none. `handover` says whether the signalling may be handed over to a data
 * channel (saltyrtc_client_hand_over).
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_webrtc_task(struct saltyrtc_config *config,
                                                const uint16_t *SALTYRTC_NULLABLE exclude,
                                                size_t exclude_len,
                                                bool handover,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Adds the first version of the WebRTC task (v0.webrtc.tasks.saltyrtc.org), for old peers that know no
 * other. Add it after saltyrtc_config_add_webrtc_task.
 *
 * `max_packet_size` is the largest message on a data channel in bytes; with 0, messages are not
 * chunked. Of the values of the two clients, the lower one is used. Otherwise like
 * saltyrtc_config_add_webrtc_task.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_webrtc_v0_task(struct saltyrtc_config *config,
                                                   const uint16_t *SALTYRTC_NULLABLE exclude,
                                                   size_t exclude_len,
                                                   bool handover,
                                                   uint32_t max_packet_size,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Initiator: sends an offer to the responder, which gets an event OFFER.
 *
 * `sdp_type` is the RTCSdpType: "offer", or "rollback" to withdraw an offer. `sdp` may be NULL with
 * "rollback" only; otherwise it is the session description, `sdp_len` bytes of UTF-8. Fails like
 * saltyrtc_client_send_bytes, and with SALTYRTC_STATUS_OTHER_ROLE.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_offer(struct saltyrtc_client *client,
                                           const char *sdp_type,
                                           const char *SALTYRTC_NULLABLE sdp,
                                           size_t sdp_len,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Responder: sends an answer to the initiator, which gets an event ANSWER. `sdp_type` is "answer",
 * "pranswer" or "rollback". `sdp` may be NULL with "rollback" only. Otherwise like
 * saltyrtc_client_send_offer.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_answer(struct saltyrtc_client *client,
                                            const char *sdp_type,
                                            const char *SALTYRTC_NULLABLE sdp,
                                            size_t sdp_len,
                                            struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends an ICE candidate to the peer, which gets it with an event CANDIDATES. Candidates that follow
 * each other within 10 ms are sent as one message.
 *
 * The arguments are the fields of saltyrtc_candidate. `candidate` may be NULL or an empty text: there
 * are no more candidates then. `sdp_mid` and `username_fragment` may be NULL (with the length 0), and
 * `sdp_m_line_index` may be -1, if they are not given. Fails like saltyrtc_client_send_bytes.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_candidate(struct saltyrtc_client *client,
                                               const char *SALTYRTC_NULLABLE candidate,
                                               size_t candidate_len,
                                               const char *SALTYRTC_NULLABLE sdp_mid,
                                               size_t sdp_mid_len,
                                               int32_t sdp_m_line_index,
                                               const char *SALTYRTC_NULLABLE username_fragment,
                                               size_t username_fragment_len,
                                               struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * WebRTC of the application: handover
 * ================================================================================================= */

/**
 * How to create the data channel that the signalling is handed over to. Both clients create it
 * together with their peer connections, before the offer: with this `id`, `label` and `protocol`, with
 * `negotiated` and `ordered` true, and with no other options.
 *
 * `*label` and `*protocol` are set to static texts. `label` and `protocol` may be NULL. Fails with
 * SALTYRTC_STATUS_NO_PEER, and with SALTYRTC_STATUS_NO_HANDOVER if the two clients have not agreed on
 * a handover.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_signalling_channel(const struct saltyrtc_client *client,
                                                   uint16_t *id,
                                                   const char *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE label,
                                                   const char *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE protocol,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Has to send one binary message on the data channel of the signalling. The data is valid until the
 * function returns. If it cannot be sent, call saltyrtc_client_transport_closed.
 */
typedef void (*saltyrtc_transport_send)(struct saltyrtc_client *client,
                                        const uint8_t *data,
                                        size_t data_len,
                                        void *SALTYRTC_NULLABLE user_data);

/**
 * Has to close the data channel of the signalling, once everything that was sent on it is delivered.
 */
typedef void (*saltyrtc_transport_close)(struct saltyrtc_client *client,
                                         void *SALTYRTC_NULLABLE user_data);

/**
 * Hands the signalling over to a data channel. Call it when the channel that
 * saltyrtc_client_signalling_channel describes is open; the peer does the same. When both have done
 * so, there is an event HANDED_OVER, the connection to the server is closed, and the signalling goes
 * over the data channel, encrypted as before.
 *
 * `max_message_size` is the largest message of the peer connection in bytes (maxMessageSize of its
 * SCTP transport); 0 if there is no limit. `send` and `close` are called on the same thread and under
 * the same conditions as the callback of the client. If both are NULL, there are events TRANSPORT_SEND
 * and TRANSPORT_CLOSE instead; for a client without a callback, both have to be NULL. `user_data` (may
 * be NULL) is passed to the two functions. `user_data_free` (may be NULL) is called with it exactly
 * once: when the client is freed, when the signalling is handed over again with another peer, or
 * before this function returns if it fails.
 *
 * Pass everything that arrives on the channel to saltyrtc_client_transport_receive, also before this
 * call, and call saltyrtc_client_transport_closed when the channel is closed.
 *
 * Fails with SALTYRTC_STATUS_NO_PEER; with SALTYRTC_STATUS_CLOSED; with SALTYRTC_STATUS_NO_HANDOVER if
 * the two clients have not agreed on a handover; with SALTYRTC_STATUS_CHANNEL_TOO_NARROW; and with
 * SALTYRTC_STATUS_HANDED_OVER if it was called before.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_hand_over(struct saltyrtc_client *client,
                                          size_t max_message_size,
                                          saltyrtc_transport_send SALTYRTC_NULLABLE send,
                                          saltyrtc_transport_close SALTYRTC_NULLABLE close,
                                          void *SALTYRTC_NULLABLE user_data,
                                          saltyrtc_user_data_free SALTYRTC_NULLABLE user_data_free,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Passes a message that arrived on the data channel of the signalling to the library: every message,
 * as a whole, and in the order of arrival. Messages that arrive before both clients have handed over
 * wait.
 *
 * The result is reported by events, as for messages that arrive over the server; this includes what is
 * wrong with a message. Does nothing if there is no peer.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_transport_receive(struct saltyrtc_client *client,
                                                  const uint8_t *SALTYRTC_NULLABLE data,
                                                  size_t data_len,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Informs the library that the data channel of the signalling is closed, could not be opened, or
 * cannot be used any more.
 *
 * Before either client has handed over, nothing is lost: the signalling continues over the server, and
 * the application can try another channel. After that, the connection ends with an event CLOSED.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_transport_closed(struct saltyrtc_client *client,
                                                 struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * WebRTC of the application: secure data channels
 * ================================================================================================= */

/**
 * Encrypts and decrypts the messages of one data channel of the application with the keys of the
 * session. Both clients create one for each data channel, and a new one for a new data channel that
 * reuses an id.
 *
 * It can be used after the session has ended and the client was freed.
 */
typedef struct saltyrtc_secure_channel saltyrtc_secure_channel;

/**
 * How many bytes an encrypted message of saltyrtc_secure_channel_encrypt is longer than the message.
 */
#define SALTYRTC_SECURE_CHANNEL_OVERHEAD 40

/**
 * SALTYRTC_SECURE_CHANNEL_OVERHEAD, for programs that cannot use macros.
 */
SALTYRTC_API
size_t saltyrtc_secure_channel_overhead(void);

/**
 * Creates a secure channel for the data channel with the id `id` (0 to 65534).
 *
 * `*out` has to be freed with saltyrtc_secure_channel_free. Fails with SALTYRTC_STATUS_NO_PEER and
 * SALTYRTC_STATUS_CLOSED.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_secure_channel_new(struct saltyrtc_client *client,
                                            uint16_t id,
                                            struct saltyrtc_secure_channel *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                            struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Frees a secure channel. Does nothing if it is NULL. Its key is overwritten as soon as nothing else
 * uses the same key.
 */
SALTYRTC_API
void saltyrtc_secure_channel_free(struct saltyrtc_secure_channel *SALTYRTC_NULLABLE channel);

/**
 * Encrypts a message that is to be sent on the data channel.
 *
 * The buffer needs SALTYRTC_SECURE_CHANNEL_OVERHEAD bytes more than the data. Each call uses up a
 * sequence number, even if the result is never sent. An encrypted message that is too large for the
 * data channel has to be chunked in unreliable/unordered mode (saltyrtc_chunker).
 */
SALTYRTC_API
saltyrtc_status saltyrtc_secure_channel_encrypt(struct saltyrtc_secure_channel *channel,
                                                const uint8_t *SALTYRTC_NULLABLE data,
                                                size_t data_len,
                                                uint8_t *SALTYRTC_NULLABLE encrypted,
                                                size_t encrypted_capacity,
                                                size_t *SALTYRTC_NULLABLE encrypted_len,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Decrypts a message that arrived on the data channel. A chunked message has to be reassembled first
 * (saltyrtc_unchunker).
 *
 * The buffer needs SALTYRTC_SECURE_CHANNEL_OVERHEAD bytes less than the encrypted message. Messages
 * may be lost and may arrive in any order. Fails with SALTYRTC_STATUS_DECRYPTION_FAILED if the peer
 * did not encrypt the message for this channel, which does not affect other messages. If the buffer is
 * too small, call it again with the same message.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_secure_channel_decrypt(struct saltyrtc_secure_channel *channel,
                                                const uint8_t *SALTYRTC_NULLABLE encrypted,
                                                size_t encrypted_len,
                                                uint8_t *SALTYRTC_NULLABLE data,
                                                size_t data_capacity,
                                                size_t *SALTYRTC_NULLABLE data_len,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * ORTC of the application
 * ================================================================================================= */

/**
 * Adds the ORTC task (v0.ortc.tasks.saltyrtc.org) for an application that brings its own ORTC
 * implementation, after the tasks that were added before.
 *
 * The library carries the parameters, capabilities and candidates of the application's objects. There are a
 * function and an event for each of them (saltyrtc_client_send_ice_parameters,
 * saltyrtc_client_send_ice_candidate, saltyrtc_client_send_dtls_parameters,
 * saltyrtc_client_send_sctp_capabilities, saltyrtc_client_send_data_channel_parameters), and one function for
 * all that the task knows (saltyrtc_client_send_ortc_message), RTP capabilities included. The application
 * establishes the connection. `exclude` are `exclude_len` ids of data channels (0 to 65534) that the application uses
 * itself, so that none of them is chosen for the signalling; NULL and 0 for none. `handover` says whether
 * the signalling may be handed over to a data channel (saltyrtc_client_hand_over).
 */
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_ortc_task(struct saltyrtc_config *config,
                                              const uint16_t *SALTYRTC_NULLABLE exclude,
                                              size_t exclude_len,
                                              bool handover,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends any message of the ORTC task to the peer, which gets the event that is there for it; for
 * 'rtp-capabilities', which is for stacks that have media, ORTC_MESSAGE.
 *
 * `message` is a MessagePack map of `message_len` bytes, in the form of the specification of the task:
 * with the key "type", for example "ice-parameters", and the other fields of that message. It is
 * validated as the peer does it, fields that the task does not know are left out, and with a mistake
 * nothing is sent (SALTYRTC_STATUS_BAD_ARGUMENT). ICE candidates that follow each other within 10 ms are
 * sent as one message.
 *
 * A message in which all that can have a label has the label "handover" is about a transport that the
 * application makes for the channel of the signalling alone; a label "handover" beside others is refused. Fails
 * like saltyrtc_client_send_bytes, and with that label with SALTYRTC_STATUS_NO_HANDOVER if the clients did not
 * agree on a handover.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_ortc_message(struct saltyrtc_client *client,
                                                  const uint8_t *SALTYRTC_NULLABLE message,
                                                  size_t message_len,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The parameters of an ICE transport: an RTCIceParameters of the ORTC API, and the role. Set all bytes to 0,
 * then struct_size, and then the fields that differ. A text with the length 0 ends with a NUL.
 */
typedef struct saltyrtc_ice_parameters {
    /**
     * sizeof(saltyrtc_ice_parameters).
     */
    size_t struct_size;
    /**
     * Which of several transports it is; NULL if there is one only.
     */
    const char *SALTYRTC_NULLABLE label;
    /**
     * The size of the label in bytes.
     */
    size_t label_len;
    /**
     * The username fragment.
     */
    const char *SALTYRTC_NULLABLE username_fragment;
    /**
     * The size of the username fragment in bytes.
     */
    size_t username_fragment_len;
    /**
     * The password.
     */
    const char *SALTYRTC_NULLABLE password;
    /**
     * The size of the password in bytes.
     */
    size_t password_len;
    /**
     * The role of this client's transport. One of saltyrtc_ice_role.
     */
    int32_t role;
    /**
     * Whether this client's transport only answers checks (ICE lite).
     */
    bool ice_lite;
} saltyrtc_ice_parameters;

/**
 * The parameters of a DTLS transport: an RTCDtlsParameters of the ORTC API. Otherwise like
 * saltyrtc_ice_parameters.
 */
typedef struct saltyrtc_dtls_parameters {
    /**
     * sizeof(saltyrtc_dtls_parameters).
     */
    size_t struct_size;
    /**
     * Which of several transports it is; NULL if there is one only.
     */
    const char *SALTYRTC_NULLABLE label;
    /**
     * The size of the label in bytes.
     */
    size_t label_len;
    /**
     * The hashes of the certificates of this client, at least one.
     */
    const struct saltyrtc_dtls_fingerprint *SALTYRTC_NULLABLE fingerprints;
    /**
     * The number of hashes.
     */
    size_t fingerprints_len;
    /**
     * The role of this client's transport. One of saltyrtc_dtls_role.
     */
    int32_t role;
} saltyrtc_dtls_parameters;

/**
 * The capabilities of an SCTP transport: an RTCSctpCapabilities of the ORTC API. Otherwise like
 * saltyrtc_ice_parameters.
 */
typedef struct saltyrtc_sctp_capabilities {
    /**
     * sizeof(saltyrtc_sctp_capabilities).
     */
    size_t struct_size;
    /**
     * Which of several transports it is; NULL if there is one only.
     */
    const char *SALTYRTC_NULLABLE label;
    /**
     * The size of the label in bytes.
     */
    size_t label_len;
    /**
     * The largest message that the transport takes, in bytes: up to 65535; 0 if it takes messages of any
     * size.
     */
    uint32_t max_message_size;
} saltyrtc_sctp_capabilities;

/**
 * What a data channel is like: an RTCDataChannelParameters of the ORTC API. Otherwise like
 * saltyrtc_ice_parameters.
 */
typedef struct saltyrtc_data_channel_parameters {
    /**
     * sizeof(saltyrtc_data_channel_parameters).
     */
    size_t struct_size;
    /**
     * Which of several channels it is, in messages; NULL if there is one only. Not the label of the channel.
     */
    const char *SALTYRTC_NULLABLE label;
    /**
     * The size of the label in bytes.
     */
    size_t label_len;
    /**
     * The label of the channel; NULL if it has none.
     */
    const char *SALTYRTC_NULLABLE channel_label;
    /**
     * The size of the label of the channel in bytes.
     */
    size_t channel_label_len;
    /**
     * The name of the subprotocol on the channel; NULL if it has none.
     */
    const char *SALTYRTC_NULLABLE channel_protocol;
    /**
     * The size of the name in bytes.
     */
    size_t channel_protocol_len;
    /**
     * For how many milliseconds it is tried to deliver a message, if it is given.
     */
    uint32_t max_packet_lifetime;
    /**
     * How many times it is tried again to deliver a message, if it is given.
     */
    uint32_t max_retransmits;
    /**
     * The id of the channel.
     */
    uint16_t id;
    /**
     * Whether max_packet_lifetime is given.
     */
    bool has_max_packet_lifetime;
    /**
     * Whether max_retransmits is given.
     */
    bool has_max_retransmits;
    /**
     * Whether messages may arrive in another order than they were sent in.
     */
    bool unordered;
} saltyrtc_data_channel_parameters;

/**
 * Sends the parameters of an ICE transport to the peer, which gets an event ICE_PARAMETERS.
 * `for_handover`, and how it fails, are as with saltyrtc_client_send_ortc_message.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_ice_parameters(struct saltyrtc_client *client,
                                                    const struct saltyrtc_ice_parameters *parameters,
                                                    bool for_handover,
                                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends an ICE candidate to the peer, which gets it with an event ICE_CANDIDATES; candidates that follow
 * each other within 10 ms are sent as one message. `for_handover`, and how it fails, are as with
 * saltyrtc_client_send_ortc_message.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_ice_candidate(struct saltyrtc_client *client,
                                                   const struct saltyrtc_ice_candidate *candidate,
                                                   bool for_handover,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends the parameters of a DTLS transport to the peer, which gets an event DTLS_PARAMETERS.
 * `for_handover`, and how it fails, are as with saltyrtc_client_send_ortc_message.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_dtls_parameters(struct saltyrtc_client *client,
                                                     const struct saltyrtc_dtls_parameters *parameters,
                                                     bool for_handover,
                                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends the capabilities of an SCTP transport to the peer, which gets an event SCTP_CAPABILITIES.
 * `for_handover`, and how it fails, are as with saltyrtc_client_send_ortc_message.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_sctp_capabilities(struct saltyrtc_client *client,
                                                       const struct saltyrtc_sctp_capabilities *capabilities,
                                                       bool for_handover,
                                                       struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Sends what a data channel is like to the peer, which gets an event DATA_CHANNEL_PARAMETERS.
 * `for_handover`, and how it fails, are as with saltyrtc_client_send_ortc_message.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_data_channel_parameters(struct saltyrtc_client *client,
                                                             const struct saltyrtc_data_channel_parameters *parameters,
                                                             bool for_handover,
                                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Chunking
 * ================================================================================================= */

/**
 * What the transport of the chunks guarantees. Both ends have to use the same mode.
 */
SALTYRTC_ENUM(saltyrtc_chunking_mode) {
    /**
     * Each chunk arrives exactly once and in order, and chunks of different messages are not
     * mixed. The header has 1 byte. Peers that implement version 1.0 of the chunking specification
     * do not know this mode.
     */
    SALTYRTC_CHUNKING_MODE_RELIABLE_ORDERED = 0,
    /**
     * Chunks may be lost, reordered and duplicated, and chunks of different messages may be mixed.
     * The header has 9 bytes. This mode works for reliable transports too.
     */
    SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED = 1,
};
SALTYRTC_ENUM_TYPE(saltyrtc_chunking_mode);

/**
 * Splits messages into chunks, for transports that limit the size of a message, such as data channels.
 * Each data channel needs one of its own.
 */
typedef struct saltyrtc_chunker saltyrtc_chunker;

/**
 * Creates a chunker. `mode` is one of saltyrtc_chunking_mode. Message ids start at 0.
 *
 * `*out` has to be freed with saltyrtc_chunker_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_chunker_new(int32_t mode,
                                     struct saltyrtc_chunker *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Frees a chunker, and the chunks in it that were not taken. Does nothing if it is NULL.
 */
SALTYRTC_API
void saltyrtc_chunker_free(struct saltyrtc_chunker *SALTYRTC_NULLABLE chunker);

/**
 * Adds a message, which must not be empty. Take its chunks with saltyrtc_chunker_next; those of
 * messages that were added before come first.
 *
 * `chunk_size` is the size of each chunk in bytes, including the header; the last chunk may be
 * smaller. It has to be at least 10, or 2 in reliable/ordered mode. Fails with
 * SALTYRTC_STATUS_TOO_LARGE if there would be more than 2^32 chunks.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_chunker_add(struct saltyrtc_chunker *chunker,
                                     const uint8_t *SALTYRTC_NULLABLE message,
                                     size_t message_len,
                                     size_t chunk_size,
                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Takes the next chunk. If there is none, it succeeds with `*chunk_len` 0; chunks are never empty. If
 * the buffer is too small for the chunk, the chunk is not taken.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_chunker_next(struct saltyrtc_chunker *chunker,
                                      uint8_t *SALTYRTC_NULLABLE chunk,
                                      size_t chunk_capacity,
                                      size_t *SALTYRTC_NULLABLE chunk_len,
                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Reassembles messages from chunks. Each data channel needs one of its own.
 */
typedef struct saltyrtc_unchunker saltyrtc_unchunker;

/**
 * Creates an unchunker. `mode` is one of saltyrtc_chunking_mode. The other arguments limit the memory
 * that a peer can make it use; all but `remembered` must not be 0:
 *
 * - `max_message_size`: the largest message, in bytes.
 * - `max_total_size`: the memory for all incomplete messages together, in bytes. It includes about 500
 *   bytes for each message and 100 bytes for each chunk that arrived early. If there is no room, the
 *   messages that got no new chunk for the longest time are discarded.
 * - `max_age_ms`: a message that gets no new chunk for this time, in milliseconds, is discarded.
 * - `remembered`: the number of complete messages that are remembered, for `max_age_ms` at most, so
 *   that late duplicates of their chunks are not taken for new messages. Use 0 if the transport does
 *   not duplicate, like data channels.
 *
 * `*out` has to be freed with saltyrtc_unchunker_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_unchunker_new(int32_t mode,
                                       size_t max_message_size,
                                       size_t max_total_size,
                                       uint32_t max_age_ms,
                                       uint32_t remembered,
                                       struct saltyrtc_unchunker *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                       struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Frees an unchunker and everything in it. Does nothing if it is NULL.
 */
SALTYRTC_API
void saltyrtc_unchunker_free(struct saltyrtc_unchunker *SALTYRTC_NULLABLE unchunker);

/**
 * Adds a chunk. If it completes a message, `*message_len` is set to the size of the message in bytes,
 * and otherwise to 0. `message_len` may be NULL. Take a complete message with saltyrtc_unchunker_next
 * before adding the next chunk, or this fails with SALTYRTC_STATUS_BAD_ARGUMENT and the chunk is not
 * added.
 *
 * Fails with SALTYRTC_STATUS_BAD_CHUNK if the chunk is invalid, and with SALTYRTC_STATUS_TOO_LARGE if
 * its message exceeds a limit; the other chunks of that message are then ignored without an error. The
 * unchunker can be used after both, and other messages are not affected. In reliable/ordered mode, an
 * invalid chunk discards the message that is being received.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_unchunker_add(struct saltyrtc_unchunker *unchunker,
                                       const uint8_t *SALTYRTC_NULLABLE chunk,
                                       size_t chunk_len,
                                       size_t *SALTYRTC_NULLABLE message_len,
                                       struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Takes the complete message. If there is none, it succeeds with `*message_len` 0. If the buffer is
 * too small for the message, the message is not taken.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_unchunker_next(struct saltyrtc_unchunker *unchunker,
                                        uint8_t *SALTYRTC_NULLABLE message,
                                        size_t message_capacity,
                                        size_t *SALTYRTC_NULLABLE message_len,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Discards messages that are too old. Adding a chunk does so too, so this is needed only to free
 * memory while no chunks arrive. `*given_up` is set to the number of messages that were discarded so
 * far, for any reason. `given_up` may be NULL.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_unchunker_expire(struct saltyrtc_unchunker *unchunker,
                                          uint64_t *SALTYRTC_NULLABLE given_up,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Embedded server
 * ================================================================================================= */

/**
 * The settings of a server. saltyrtc_server_start copies them. Must not be used by two threads at
 * once.
 */
typedef struct saltyrtc_server_config saltyrtc_server_config;

/**
 * A running server. Its functions can be called from any thread at any time until saltyrtc_server_free
 * is called, and not after that.
 */
typedef struct saltyrtc_server saltyrtc_server;

/**
 * Creates the settings of a server that listens on an IP address (for example "127.0.0.1", "::1",
 * "0.0.0.0" for all IPv4 addresses, or "::" for all addresses) and a port. With port 0, the operating
 * system chooses one (saltyrtc_server_port). Without further settings, the server uses `ws` without
 * TLS and has no permanent key.
 *
 * For a proxy on the same host, the address can be "unix:" and the path of a Unix socket, with port 0. The server makes
 * the file, for its owner and its group (permissions 0660), replaces one that a server left which was killed, and
 * removes it when it stops. Not on Windows.
 *
 * `*out` has to be freed with saltyrtc_server_config_free.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_new(const char *address,
                                           uint16_t port,
                                           struct saltyrtc_server_config *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Frees the settings of a server. Does nothing if they are NULL.
 */
SALTYRTC_API
void saltyrtc_server_config_free(struct saltyrtc_server_config *SALTYRTC_NULLABLE config);

/**
 * Adds a permanent secret key of the server (SALTYRTC_KEY_BYTES bytes). The first one is the primary
 * key. Clients that know a public key of the server can verify that they are connected to it.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_add_permanent_key(struct saltyrtc_server_config *config,
                                                         const uint8_t *secret_key,
                                                         struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Makes the server use `wss`, with a certificate chain, that of the server first, and the private key
 * of the server, both in PEM. They are checked when the server starts.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_set_tls(struct saltyrtc_server_config *config,
                                               const uint8_t *SALTYRTC_NULLABLE certificates,
                                               size_t certificates_len,
                                               const uint8_t *SALTYRTC_NULLABLE private_key,
                                               size_t private_key_len,
                                               struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Whether initiators may drop responders with the close code 3006 (no shared task). The protocol does
 * not allow it, but some older clients do it. Default: false.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_set_accept_no_shared_task(struct saltyrtc_server_config *config,
                                                                 bool accept,
                                                                 struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Starts a server, which runs on threads of the library. It is listening when this function returns.
 *
 * `*out` has to be freed with saltyrtc_server_free. Fails with SALTYRTC_STATUS_LISTEN_FAILED, with
 * SALTYRTC_STATUS_BAD_CERTIFICATE, and with SALTYRTC_STATUS_BAD_CONFIG if a limit is too small.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_start(const struct saltyrtc_server_config *config,
                                      struct saltyrtc_server *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The port that the server is listening on; 0 if that is a Unix socket.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_port(const struct saltyrtc_server *server,
                                     uint16_t *port,
                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The IP address and port that the server is listening on, for example "127.0.0.1:8765" or
 * "[::1]:8765"; or "unix:" and the path of the Unix socket.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_address(const struct saltyrtc_server *server,
                                        char *SALTYRTC_NULLABLE address,
                                        size_t address_capacity,
                                        size_t *SALTYRTC_NULLABLE address_len,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * The URL of the server for clients on the same host, for example "ws://127.0.0.1:8765", as
 * saltyrtc_config_new_initiator takes it. It contains the IP address also with TLS, for which the
 * certificate may not be valid. Empty for a Unix socket, which clients reach through a proxy only.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_url(const struct saltyrtc_server *server,
                                    char *SALTYRTC_NULLABLE url,
                                    size_t url_capacity,
                                    size_t *SALTYRTC_NULLABLE url_len,
                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Stops a server gracefully: it stops listening, delivers what waits for its clients, and closes their
 * connections with 1001. Blocks until that is done, for `timeout_ms` milliseconds at most. Called again, it
 * waits again.
 *
 * Fails with SALTYRTC_STATUS_TIMEOUT if it was not done in time, and continues in the background; and
 * with SALTYRTC_STATUS_WOULD_DEADLOCK in a callback.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_stop(struct saltyrtc_server *server,
                                     uint32_t timeout_ms,
                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Like saltyrtc_server_stop, but returns at once. The end is an event SERVER_STOPPED on the queue, with
 * `token`, and SALTYRTC_STATUS_OK; or with SALTYRTC_STATUS_TIMEOUT if the server has not stopped after
 * `deadline_ms` milliseconds, in which case it continues in the background. Each call leads to one event,
 * unless the queue is freed before. The server still has to be freed, which can be done at any time.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_stop_on_queue(struct saltyrtc_server *server,
                                              uint32_t deadline_ms,
                                              struct saltyrtc_queue *queue,
                                              uint64_t token,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/**
 * Frees a server. If it is still running, it stops at once and drops its connections. Does nothing if
 * it is NULL.
 */
SALTYRTC_API
void saltyrtc_server_free(struct saltyrtc_server *SALTYRTC_NULLABLE server);

/**
 * The value that switches an optional limit off.
 */
#define SALTYRTC_NO_LIMIT 18446744073709551615ULL

/**
 * A limit of the embedded server. Limits that are marked with (*) are optional: SALTYRTC_NO_LIMIT
 * switches them off. Later versions may have more limits.
 */
SALTYRTC_ENUM(saltyrtc_limit) {
    /**
     * (*) The number of connections. More are closed before TLS. Default: 16384.
     */
    SALTYRTC_LIMIT_CONNECTIONS = 0,
    /**
     * (*) The number of connections from one IPv4 address or one IPv6 /64 network. Default: 4096.
     */
    SALTYRTC_LIMIT_CONNECTIONS_PER_ADDRESS = 1,
    /**
     * (*) The number of connections on one path. More are closed with 3000. Default: 1024.
     */
    SALTYRTC_LIMIT_CONNECTIONS_PER_PATH = 2,
    /**
     * (*) The number of new connections per second from one address, after a burst of 4096.
     * Default: 200.
     */
    SALTYRTC_LIMIT_ACCEPT_RATE = 3,
    /**
     * The time, in milliseconds, from the TCP connection to the authentication of the client.
     * Default: 30000.
     */
    SALTYRTC_LIMIT_HANDSHAKE_TIME = 4,
    /**
     * (*) The time, in milliseconds, without a message from or to a client, after which it is
     * closed with 3008. Default: no limit.
     */
    SALTYRTC_LIMIT_IDLE_TIME = 5,
    /**
     * (*) The time, in milliseconds, in which a client has to receive at least some of the data
     * that waits for it; otherwise its connection is dropped. Default: 60000.
     */
    SALTYRTC_LIMIT_STALL_TIME = 6,
    /**
     * The time, in milliseconds, to answer a ping, after which the client is closed with 3008.
     * Default: 30000.
     */
    SALTYRTC_LIMIT_PONG_TIME = 7,
    /**
     * The time, in milliseconds, for closing a connection, after which it is dropped. Default:
     * 5000.
     */
    SALTYRTC_LIMIT_CLOSE_TIME = 8,
    /**
     * The time, in milliseconds, for stopping the server, after which all connections are dropped.
     * Default: 8000.
     */
    SALTYRTC_LIMIT_SHUTDOWN_TIME = 9,
    /**
     * The size of a message in bytes, at least 1024. A client that sends more is closed with 1009.
     * Default: 1 MiB.
     */
    SALTYRTC_LIMIT_MESSAGE_SIZE = 10,
    /**
     * How many bytes of relayed messages may wait for one client, at least 1024; or 0 for one
     * message of any size. The sender of a message that does not fit gets a SEND_ERROR. Default: 4
     * MiB.
     */
    SALTYRTC_LIMIT_QUEUE_BYTES = 11,
    /**
     * (*) The time, in milliseconds, without traffic after which TCP checks whether a client is
     * still there; a multiple of 1000. Default: 300000.
     */
    SALTYRTC_LIMIT_TCP_KEEPALIVE = 12,
    /**
     * (*) How many bytes may wait for all clients together. Default: 512 MiB.
     */
    SALTYRTC_LIMIT_ALL_QUEUES_BYTES = 13,
};
SALTYRTC_ENUM_TYPE(saltyrtc_limit);

/**
 * Sets a limit of a server. `limit` is one of saltyrtc_limit, which says what the unit of `value` is.
 *
 * Fails with SALTYRTC_STATUS_BAD_ARGUMENT if there is no such limit, or the value is too large for it.
 * Values that are too small are found when the server starts (SALTYRTC_STATUS_BAD_CONFIG).
 */
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_set_limit(struct saltyrtc_server_config *config,
                                                 int32_t limit,
                                                 uint64_t value,
                                                 struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Log messages
 * ================================================================================================= */

/**
 * Receives log messages. `level` is one of saltyrtc_log_level, and `target` is the part of the library
 * that logs. The texts are valid until the callback returns.
 *
 * It is called on the thread that logs, which can be any thread, and on several threads at once. The
 * library may hold locks at that time: functions that are called from a log callback fail with
 * SALTYRTC_STATUS_WOULD_DEADLOCK, and nothing of the library may be freed there. A log callback must
 * not throw exceptions.
 */
typedef void (*saltyrtc_log_callback)(int32_t level,
                                      const char *target,
                                      const char *message,
                                      void *SALTYRTC_NULLABLE user_data);

/**
 * Sets the callback that receives the log messages of the library, for the whole process; NULL for
 * none. It replaces the previous one.
 *
 * `level` is one of saltyrtc_log_level: only messages of this level, and of the more important levels
 * with lower numbers, are passed to the callback. Messages never contain secrets or application data.
 * `user_data` (may be NULL) is passed to the callback. `user_data_free` (may be NULL) is called with
 * it exactly once: when the callback was replaced and its last call has returned, which may be after
 * the call that replaces it returns, or before this function returns if it fails.
 *
 * Fails with SALTYRTC_STATUS_LOG_TAKEN if the program is written in Rust and has set a tracing
 * subscriber itself, which receives the messages then.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_log_set_callback(int32_t level,
                                          saltyrtc_log_callback SALTYRTC_NULLABLE callback,
                                          void *SALTYRTC_NULLABLE user_data,
                                          saltyrtc_user_data_free SALTYRTC_NULLABLE user_data_free,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Network
 * ================================================================================================= */

/**
 * Tells the library that the network of this host has changed: for applications that the operating system
 * tells so, as Android and iOS do when a phone moves from WLAN to mobile data.
 *
 * It is for all clients, of both roles, and returns at once. The built-in WebRTC looks at the addresses of
 * the host; and each client that is connected to a server sends it a ping, and is closed with
 * SALTYRTC_STATUS_CONNECTION_LOST if nothing comes from there within 5 seconds, or within 1 second if the system
 * would send to it from another address now. Without this call they find out too, but later.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_network_changed(struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

/* =================================================================================================
 * Shutdown
 * ================================================================================================= */

/**
 * Stops all threads of the library, so that a program can exit cleanly or unload the library. Blocks
 * for `timeout_ms` milliseconds at most, plus about 100 milliseconds, until
 *
 * - connections that are being closed (saltyrtc_client_close, saltyrtc_client_free) are closed;
 * - the operating system has resolved the names of servers, if it is doing so;
 * - the running callback has returned, and all events that wait were passed to callbacks.
 *
 * Open connections are dropped: their clients get CLOSED with SALTYRTC_STATUS_CONNECTION_LOST, and
 * still have to be freed. Embedded servers stop at once. The library can be used again, which starts
 * new threads. Must not be called while another thread creates clients or servers.
 *
 * Fails with SALTYRTC_STATUS_TIMEOUT if not everything has ended in time, and with
 * SALTYRTC_STATUS_WOULD_DEADLOCK in a callback.
 */
SALTYRTC_API
saltyrtc_status saltyrtc_shutdown(uint32_t timeout_ms,
                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);

#ifdef __cplusplus
} // extern "C"
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#pragma clang diagnostic pop
#endif

#endif /* SALTYRTC_H */
