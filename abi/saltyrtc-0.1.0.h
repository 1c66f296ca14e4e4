#ifndef SALTYRTC_H
#define SALTYRTC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifndef SALTYRTC_API
#if defined(_WIN32) && !defined(SALTYRTC_STATIC)
#define SALTYRTC_API __declspec(dllimport)
#else
#define SALTYRTC_API
#endif
#endif
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
#define SALTYRTC_VERSION "0.1.0"
#define SALTYRTC_VERSION_MAJOR 0
#define SALTYRTC_VERSION_MINOR 1
#define SALTYRTC_VERSION_PATCH 0
#define SALTYRTC_VERSION_NUMBER 256
#define SALTYRTC_ABI_VERSION 1
#ifdef __cplusplus
extern "C" {
#endif
SALTYRTC_ENUM(saltyrtc_retry) {
    SALTYRTC_RETRY_NEVER = 0,
    SALTYRTC_RETRY_LATER = 1,
    SALTYRTC_RETRY_AT_ONCE = 2,
};
SALTYRTC_ENUM_TYPE(saltyrtc_retry);
SALTYRTC_ENUM(saltyrtc_status) {
    SALTYRTC_STATUS_OK = 0,
    SALTYRTC_STATUS_NULL_ARGUMENT = -1,
    SALTYRTC_STATUS_BAD_ARGUMENT = -2,
    SALTYRTC_STATUS_BUFFER_TOO_SMALL = -3,
    SALTYRTC_STATUS_WOULD_DEADLOCK = -4,
    SALTYRTC_STATUS_HAS_CALLBACK = -5,
    SALTYRTC_STATUS_TIMEOUT = -6,
    SALTYRTC_STATUS_NO_MORE_EVENTS = -7,
    SALTYRTC_STATUS_NOT_PRESENT = -8,
    SALTYRTC_STATUS_BAD_KEY = -9,
    SALTYRTC_STATUS_BAD_URL = -10,
    SALTYRTC_STATUS_BAD_INVITATION = -11,
    SALTYRTC_STATUS_BAD_MSGPACK = -12,
    SALTYRTC_STATUS_BAD_CERTIFICATE = -13,
    SALTYRTC_STATUS_BAD_CONFIG = -14,
    SALTYRTC_STATUS_LOG_TAKEN = -15,
    SALTYRTC_STATUS_OUT_OF_RESOURCES = -16,
    SALTYRTC_STATUS_BAD_CHUNK = -17,
    SALTYRTC_STATUS_HAS_QUEUE = -18,
    SALTYRTC_STATUS_NOT_BUILT = -19,
    SALTYRTC_STATUS_FORKED = -20,
    SALTYRTC_STATUS_CLOSED = -100,
    SALTYRTC_STATUS_NO_PEER = -101,
    SALTYRTC_STATUS_QUEUE_FULL = -102,
    SALTYRTC_STATUS_TOO_LARGE = -103,
    SALTYRTC_STATUS_OTHER_TASK = -104,
    SALTYRTC_STATUS_OTHER_ROLE = -105,
    SALTYRTC_STATUS_DECRYPTION_FAILED = -106,
    SALTYRTC_STATUS_NO_HANDOVER = -107,
    SALTYRTC_STATUS_HANDED_OVER = -108,
    SALTYRTC_STATUS_CHANNEL_TOO_NARROW = -109,
    SALTYRTC_STATUS_NO_RTC = -110,
    SALTYRTC_STATUS_CHANNEL_NOT_OPEN = -111,
    SALTYRTC_STATUS_TOO_MANY_CHANNELS = -112,
    SALTYRTC_STATUS_CONNECT_FAILED = -200,
    SALTYRTC_STATUS_CONNECTION_LOST = -201,
    SALTYRTC_STATUS_SERVER_GOING_AWAY = -202,
    SALTYRTC_STATUS_SERVER_CLOSED = -203,
    SALTYRTC_STATUS_SERVER_HANDSHAKE_TIMEOUT = -204,
    SALTYRTC_STATUS_SERVER_TIMEOUT = -205,
    SALTYRTC_STATUS_SERVER_KEY_MISMATCH = -206,
    SALTYRTC_STATUS_NO_SUBPROTOCOL = -207,
    SALTYRTC_STATUS_PATH_FULL = -208,
    SALTYRTC_STATUS_SERVER_PROTOCOL_ERROR = -209,
    SALTYRTC_STATUS_REMOTE_INTERNAL_ERROR = -210,
    SALTYRTC_STATUS_MESSAGE_TOO_BIG = -211,
    SALTYRTC_STATUS_ICE_SERVER_UNUSABLE = -212,
    SALTYRTC_STATUS_SERVER_CERTIFICATE = -213,
    SALTYRTC_STATUS_TLS_FAILED = -214,
    SALTYRTC_STATUS_NOT_A_SALTYRTC_SERVER = -215,
    SALTYRTC_STATUS_SERVER_BUSY = -216,
    SALTYRTC_STATUS_PROXY_REFUSED = -217,
    SALTYRTC_STATUS_PEER_CLOSED = -300,
    SALTYRTC_STATUS_PEER_LEFT = -301,
    SALTYRTC_STATUS_NO_SHARED_TASK = -302,
    SALTYRTC_STATUS_PEER_PROTOCOL_ERROR = -303,
    SALTYRTC_STATUS_ACCUSED_OF_PROTOCOL_ERROR = -304,
    SALTYRTC_STATUS_PEER_HANDSHAKE_TIMEOUT = -305,
    SALTYRTC_STATUS_DROPPED_BY_INITIATOR = -306,
    SALTYRTC_STATUS_REPLACED_BY_INITIATOR = -307,
    SALTYRTC_STATUS_INITIATOR_COULD_NOT_DECRYPT = -308,
    SALTYRTC_STATUS_RECEIVED_TOO_BIG = -309,
    SALTYRTC_STATUS_SEQUENCE_NUMBERS_USED_UP = -310,
    SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST = -311,
    SALTYRTC_STATUS_HANDOVER_TIMEOUT = -312,
    SALTYRTC_STATUS_CHANNEL_REFUSED = -313,
    SALTYRTC_STATUS_RTC_FAILED = -314,
    SALTYRTC_STATUS_PEER_CERTIFICATE = -315,
    SALTYRTC_STATUS_RTC_REPLACED = -316,
    SALTYRTC_STATUS_PEER_CANDIDATE = -317,
    SALTYRTC_STATUS_PEER_DESCRIPTION = -318,
    SALTYRTC_STATUS_HANDSHAKE_DISTURBED = -319,
    SALTYRTC_STATUS_PEER_UNREACHABLE = -320,
    SALTYRTC_STATUS_LISTEN_FAILED = -400,
    SALTYRTC_STATUS_PANIC = -900,
};
SALTYRTC_ENUM_TYPE(saltyrtc_status);
SALTYRTC_API
const char *saltyrtc_status_name(int32_t status);
SALTYRTC_API
saltyrtc_retry saltyrtc_status_retry(int32_t status);
typedef struct saltyrtc_error saltyrtc_error;
SALTYRTC_API
saltyrtc_status saltyrtc_error_status(const struct saltyrtc_error *SALTYRTC_NULLABLE error);
SALTYRTC_API
const char *saltyrtc_error_message(const struct saltyrtc_error *SALTYRTC_NULLABLE error);
SALTYRTC_API
void saltyrtc_error_free(struct saltyrtc_error *SALTYRTC_NULLABLE error);
SALTYRTC_API
const char *saltyrtc_version(void);
SALTYRTC_API
uint32_t saltyrtc_version_number(void);
SALTYRTC_API
uint32_t saltyrtc_abi_version(void);
SALTYRTC_API
bool saltyrtc_has_feature(const char *name);
#define SALTYRTC_KEY_BYTES 32
#define SALTYRTC_KEY_HEX_BYTES 65
SALTYRTC_API
size_t saltyrtc_key_bytes(void);
SALTYRTC_API
size_t saltyrtc_key_hex_bytes(void);
SALTYRTC_API
saltyrtc_status saltyrtc_key_pair_generate(uint8_t *public_key,
                                           uint8_t *secret_key,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_public_key_from_secret(const uint8_t *secret_key,
                                                uint8_t *public_key,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_key_to_hex(const uint8_t *key,
                                    char *SALTYRTC_NULLABLE hex,
                                    size_t hex_capacity,
                                    size_t *SALTYRTC_NULLABLE hex_len,
                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_key_from_hex(const char *hex,
                                      uint8_t *key,
                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
#define SALTYRTC_INVITATION_BYTES 512
SALTYRTC_API
size_t saltyrtc_invitation_bytes(void);
typedef struct saltyrtc_invitation saltyrtc_invitation;
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_parse(const char *uri,
                                          struct saltyrtc_invitation *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_new(const char *server_url,
                                        const uint8_t *initiator_key,
                                        const uint8_t *SALTYRTC_NULLABLE server_key,
                                        const uint8_t *SALTYRTC_NULLABLE token,
                                        struct saltyrtc_invitation *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
void saltyrtc_invitation_free(struct saltyrtc_invitation *SALTYRTC_NULLABLE invitation);
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_uri(const struct saltyrtc_invitation *invitation,
                                        char *SALTYRTC_NULLABLE uri,
                                        size_t uri_capacity,
                                        size_t *SALTYRTC_NULLABLE uri_len,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_qr_code(const struct saltyrtc_invitation *invitation,
                                            char *SALTYRTC_NULLABLE code,
                                            size_t code_capacity,
                                            size_t *SALTYRTC_NULLABLE code_len,
                                            struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_server_url(const struct saltyrtc_invitation *invitation,
                                               char *SALTYRTC_NULLABLE url,
                                               size_t url_capacity,
                                               size_t *SALTYRTC_NULLABLE url_len,
                                               struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_initiator_key(const struct saltyrtc_invitation *invitation,
                                                  uint8_t *key,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_server_key(const struct saltyrtc_invitation *invitation,
                                               uint8_t *key,
                                               struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_token(const struct saltyrtc_invitation *invitation,
                                          uint8_t *token,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_invitation_flags(const struct saltyrtc_invitation *invitation,
                                          bool *SALTYRTC_NULLABLE has_server_key,
                                          bool *SALTYRTC_NULLABLE has_token,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
typedef struct saltyrtc_config saltyrtc_config;
SALTYRTC_ENUM(saltyrtc_when_peer_leaves) {
    SALTYRTC_WHEN_PEER_LEAVES_WAIT = 0,
    SALTYRTC_WHEN_PEER_LEAVES_CLOSE = 1,
};
SALTYRTC_ENUM_TYPE(saltyrtc_when_peer_leaves);
SALTYRTC_API
saltyrtc_status saltyrtc_config_new_initiator(const char *server_url,
                                              const uint8_t *SALTYRTC_NULLABLE secret_key,
                                              struct saltyrtc_config *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_new_responder(const char *invitation_uri,
                                              const uint8_t *SALTYRTC_NULLABLE secret_key,
                                              struct saltyrtc_config *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
void saltyrtc_config_free(struct saltyrtc_config *SALTYRTC_NULLABLE config);
SALTYRTC_API
saltyrtc_status saltyrtc_config_public_key(const struct saltyrtc_config *config,
                                           uint8_t *key,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_invitation(const struct saltyrtc_config *config,
                                           char *SALTYRTC_NULLABLE uri,
                                           size_t uri_capacity,
                                           size_t *SALTYRTC_NULLABLE uri_len,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_server_key(struct saltyrtc_config *config,
                                               const uint8_t *SALTYRTC_NULLABLE key,
                                               struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_trusted_peer(struct saltyrtc_config *config,
                                                 const uint8_t *key,
                                                 struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_token(struct saltyrtc_config *config,
                                          const uint8_t *token,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_relayed_data_task(struct saltyrtc_config *config,
                                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_custom_task(struct saltyrtc_config *config,
                                                const char *name,
                                                const uint8_t *SALTYRTC_NULLABLE data,
                                                size_t data_len,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_tls_certificates(struct saltyrtc_config *config,
                                                     const uint8_t *SALTYRTC_NULLABLE certificates,
                                                     size_t certificates_len,
                                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_system_roots(struct saltyrtc_config *config,
                                                 bool use_system_roots,
                                                 struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_proxy(struct saltyrtc_config *config,
                                          const char *SALTYRTC_NULLABLE proxy_url,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_use_environment_proxy(struct saltyrtc_config *config,
                                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_connect_timeout(struct saltyrtc_config *config,
                                                    uint32_t timeout_ms,
                                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_server_handshake_timeout(struct saltyrtc_config *config,
                                                             uint32_t timeout_ms,
                                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_peer_handshake_timeout(struct saltyrtc_config *config,
                                                           uint32_t timeout_ms,
                                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_response_timeout(struct saltyrtc_config *config,
                                                     uint32_t timeout_ms,
                                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_ping_interval(struct saltyrtc_config *config,
                                                  uint32_t interval_s,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_max_message_size(struct saltyrtc_config *config,
                                                     size_t size,
                                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_max_queue_size(struct saltyrtc_config *config,
                                                   size_t size,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_set_when_peer_leaves(struct saltyrtc_config *config,
                                                     int32_t when_peer_leaves,
                                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_ENUM(saltyrtc_event_kind) {
    SALTYRTC_EVENT_KIND_UNKNOWN = 0,
    SALTYRTC_EVENT_KIND_SERVER_HANDSHAKE_DONE = 1,
    SALTYRTC_EVENT_KIND_RESPONDER_JOINED = 2,
    SALTYRTC_EVENT_KIND_RESPONDER_LEFT = 3,
    SALTYRTC_EVENT_KIND_INITIATOR_JOINED = 4,
    SALTYRTC_EVENT_KIND_TOKEN_USED = 5,
    SALTYRTC_EVENT_KIND_RESPONDER_FAILED = 6,
    SALTYRTC_EVENT_KIND_PEER_HANDSHAKE_DONE = 7,
    SALTYRTC_EVENT_KIND_DATA = 8,
    SALTYRTC_EVENT_KIND_APPLICATION = 9,
    SALTYRTC_EVENT_KIND_TASK_MESSAGE = 10,
    SALTYRTC_EVENT_KIND_SEND_ERROR = 11,
    SALTYRTC_EVENT_KIND_PEER_LEFT = 12,
    SALTYRTC_EVENT_KIND_WRITABLE = 13,
    SALTYRTC_EVENT_KIND_CLOSED = 14,
    SALTYRTC_EVENT_KIND_OFFER = 15,
    SALTYRTC_EVENT_KIND_ANSWER = 16,
    SALTYRTC_EVENT_KIND_CANDIDATES = 17,
    SALTYRTC_EVENT_KIND_HANDED_OVER = 18,
    SALTYRTC_EVENT_KIND_TRANSPORT_SEND = 19,
    SALTYRTC_EVENT_KIND_TRANSPORT_CLOSE = 20,
    SALTYRTC_EVENT_KIND_CONNECTION_STATE = 21,
    SALTYRTC_EVENT_KIND_CONNECTION_PROBLEM = 22,
    SALTYRTC_EVENT_KIND_CHANNEL_OPENED = 23,
    SALTYRTC_EVENT_KIND_CHANNEL_MESSAGE = 24,
    SALTYRTC_EVENT_KIND_CHANNEL_LOW_WATER = 25,
    SALTYRTC_EVENT_KIND_CHANNEL_CLOSED = 26,
    SALTYRTC_EVENT_KIND_LOG = 27,
    SALTYRTC_EVENT_KIND_LOW_WATER = 28,
    SALTYRTC_EVENT_KIND_SERVER_STOPPED = 29,
    SALTYRTC_EVENT_KIND_ORTC_MESSAGE = 30,
    SALTYRTC_EVENT_KIND_ICE_PARAMETERS = 31,
    SALTYRTC_EVENT_KIND_ICE_CANDIDATES = 32,
    SALTYRTC_EVENT_KIND_DTLS_PARAMETERS = 33,
    SALTYRTC_EVENT_KIND_SCTP_CAPABILITIES = 34,
    SALTYRTC_EVENT_KIND_DATA_CHANNEL_PARAMETERS = 35,
};
SALTYRTC_ENUM_TYPE(saltyrtc_event_kind);
SALTYRTC_API
const char *saltyrtc_event_kind_name(int32_t kind);
SALTYRTC_ENUM(saltyrtc_connection_state) {
    SALTYRTC_CONNECTION_STATE_NEW = 0,
    SALTYRTC_CONNECTION_STATE_CONNECTING = 1,
    SALTYRTC_CONNECTION_STATE_CONNECTED = 2,
    SALTYRTC_CONNECTION_STATE_DISCONNECTED = 3,
    SALTYRTC_CONNECTION_STATE_UNREACHABLE = 4,
    SALTYRTC_CONNECTION_STATE_FAILED = 5,
    SALTYRTC_CONNECTION_STATE_CLOSED = 6,
};
SALTYRTC_ENUM_TYPE(saltyrtc_connection_state);
SALTYRTC_ENUM(saltyrtc_reliability) {
    SALTYRTC_RELIABILITY_RELIABLE = 0,
    SALTYRTC_RELIABILITY_MAX_RETRANSMITS = 1,
    SALTYRTC_RELIABILITY_MAX_LIFETIME = 2,
};
SALTYRTC_ENUM_TYPE(saltyrtc_reliability);
SALTYRTC_ENUM(saltyrtc_payload) {
    SALTYRTC_PAYLOAD_NONE = 0,
    SALTYRTC_PAYLOAD_BYTES = 1,
    SALTYRTC_PAYLOAD_TEXT = 2,
    SALTYRTC_PAYLOAD_MSGPACK = 3,
};
SALTYRTC_ENUM_TYPE(saltyrtc_payload);
SALTYRTC_ENUM(saltyrtc_closed_by) {
    SALTYRTC_CLOSED_BY_NETWORK = 0,
    SALTYRTC_CLOSED_BY_US = 1,
    SALTYRTC_CLOSED_BY_PEER = 2,
    SALTYRTC_CLOSED_BY_SERVER = 3,
};
SALTYRTC_ENUM_TYPE(saltyrtc_closed_by);
SALTYRTC_ENUM(saltyrtc_peer_left) {
    SALTYRTC_PEER_LEFT_DISCONNECTED = 0,
    SALTYRTC_PEER_LEFT_UNREACHABLE = 1,
    SALTYRTC_PEER_LEFT_REPLACED = 2,
    SALTYRTC_PEER_LEFT_DROPPED = 3,
};
SALTYRTC_ENUM_TYPE(saltyrtc_peer_left);
SALTYRTC_ENUM(saltyrtc_log_level) {
    SALTYRTC_LOG_LEVEL_OFF = 0,
    SALTYRTC_LOG_LEVEL_ERROR = 1,
    SALTYRTC_LOG_LEVEL_WARN = 2,
    SALTYRTC_LOG_LEVEL_INFO = 3,
    SALTYRTC_LOG_LEVEL_DEBUG = 4,
    SALTYRTC_LOG_LEVEL_TRACE = 5,
};
SALTYRTC_ENUM_TYPE(saltyrtc_log_level);
SALTYRTC_ENUM(saltyrtc_candidate_type) {
    SALTYRTC_CANDIDATE_TYPE_NONE = 0,
    SALTYRTC_CANDIDATE_TYPE_HOST = 1,
    SALTYRTC_CANDIDATE_TYPE_SERVER_REFLEXIVE = 2,
    SALTYRTC_CANDIDATE_TYPE_PEER_REFLEXIVE = 3,
    SALTYRTC_CANDIDATE_TYPE_RELAYED = 4,
};
SALTYRTC_ENUM_TYPE(saltyrtc_candidate_type);
typedef struct saltyrtc_candidate {
    const char *SALTYRTC_NULLABLE candidate;
    size_t candidate_len;
    const char *SALTYRTC_NULLABLE sdp_mid;
    size_t sdp_mid_len;
    const char *SALTYRTC_NULLABLE username_fragment;
    size_t username_fragment_len;
    int32_t sdp_m_line_index;
} saltyrtc_candidate;
SALTYRTC_ENUM(saltyrtc_ice_role) {
    SALTYRTC_ICE_ROLE_NONE = 0,
    SALTYRTC_ICE_ROLE_CONTROLLING = 1,
    SALTYRTC_ICE_ROLE_CONTROLLED = 2,
};
SALTYRTC_ENUM_TYPE(saltyrtc_ice_role);
SALTYRTC_ENUM(saltyrtc_ice_protocol) {
    SALTYRTC_ICE_PROTOCOL_UDP = 0,
    SALTYRTC_ICE_PROTOCOL_TCP_ACTIVE = 1,
    SALTYRTC_ICE_PROTOCOL_TCP_PASSIVE = 2,
    SALTYRTC_ICE_PROTOCOL_TCP_SIMULTANEOUS_OPEN = 3,
};
SALTYRTC_ENUM_TYPE(saltyrtc_ice_protocol);
SALTYRTC_ENUM(saltyrtc_dtls_role) {
    SALTYRTC_DTLS_ROLE_AUTO = 0,
    SALTYRTC_DTLS_ROLE_CLIENT = 1,
    SALTYRTC_DTLS_ROLE_SERVER = 2,
};
SALTYRTC_ENUM_TYPE(saltyrtc_dtls_role);
typedef struct saltyrtc_ice_candidate {
    const char *SALTYRTC_NULLABLE label;
    size_t label_len;
    const char *SALTYRTC_NULLABLE foundation;
    size_t foundation_len;
    const char *SALTYRTC_NULLABLE ip;
    size_t ip_len;
    const char *SALTYRTC_NULLABLE related_address;
    size_t related_address_len;
    uint32_t priority;
    int32_t candidate_type;
    int32_t protocol;
    uint16_t port;
    uint16_t related_port;
    bool complete;
} saltyrtc_ice_candidate;
typedef struct saltyrtc_dtls_fingerprint {
    const char *SALTYRTC_NULLABLE algorithm;
    size_t algorithm_len;
    const char *SALTYRTC_NULLABLE value;
    size_t value_len;
} saltyrtc_dtls_fingerprint;
typedef struct saltyrtc_event {
    size_t struct_size;
    uint64_t token;
    saltyrtc_event_kind kind;
    saltyrtc_status status;
    const char *SALTYRTC_NULLABLE text;
    size_t text_len;
    saltyrtc_closed_by closed_by;
    uint16_t close_code;
    bool retryable;
    bool peer_present;
    bool server_verified;
    bool can_rejoin;
    uint8_t address;
    saltyrtc_peer_left peer_left;
    const uint8_t *SALTYRTC_NULLABLE peer_key;
    const char *SALTYRTC_NULLABLE task;
    size_t task_len;
    saltyrtc_payload payload;
    const uint8_t *SALTYRTC_NULLABLE data;
    size_t data_len;
    const char *SALTYRTC_NULLABLE sdp_type;
    const char *SALTYRTC_NULLABLE sdp;
    size_t sdp_len;
    const struct saltyrtc_candidate *SALTYRTC_NULLABLE candidates;
    size_t candidates_len;
    saltyrtc_connection_state connection_state;
    uint32_t channel;
    const char *SALTYRTC_NULLABLE label;
    size_t label_len;
    const char *SALTYRTC_NULLABLE channel_protocol;
    size_t channel_protocol_len;
    saltyrtc_reliability reliability;
    uint32_t reliability_limit;
    bool unordered;
    bool plain;
    bool opened_by_peer;
    saltyrtc_log_level log_level;
    const char *SALTYRTC_NULLABLE log_target;
    uint64_t dropped;
    const char *SALTYRTC_NULLABLE message_label;
    size_t message_label_len;
    const char *SALTYRTC_NULLABLE username_fragment;
    size_t username_fragment_len;
    const char *SALTYRTC_NULLABLE password;
    size_t password_len;
    const struct saltyrtc_ice_candidate *SALTYRTC_NULLABLE ice_candidates;
    size_t ice_candidates_len;
    const struct saltyrtc_dtls_fingerprint *SALTYRTC_NULLABLE fingerprints;
    size_t fingerprints_len;
    saltyrtc_ice_role ice_role;
    saltyrtc_dtls_role dtls_role;
    uint32_t max_message_size;
    uint32_t max_packet_lifetime;
    uint32_t max_retransmits;
    uint16_t channel_id;
    bool has_max_packet_lifetime;
    bool has_max_retransmits;
    bool ice_lite;
} saltyrtc_event;
SALTYRTC_API
void saltyrtc_event_free(struct saltyrtc_event *SALTYRTC_NULLABLE event);
SALTYRTC_API
void saltyrtc_events_free(struct saltyrtc_event *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE events,
                          size_t count);
typedef struct saltyrtc_record {
    uint32_t record_size;
    int32_t kind;
    uint64_t token;
    uint32_t flags;
    int32_t status;
    int32_t closed_by;
    uint32_t close_code;
    uint32_t address;
    int32_t peer_left;
    int32_t payload;
    int32_t connection_state;
    uint32_t channel;
    int32_t reliability;
    uint32_t reliability_limit;
    uint32_t text_offset;
    uint32_t text_len;
    uint32_t peer_key_offset;
    uint32_t peer_key_len;
    uint32_t task_offset;
    uint32_t task_len;
    uint32_t data_offset;
    uint32_t data_len;
    uint32_t sdp_type_offset;
    uint32_t sdp_type_len;
    uint32_t sdp_offset;
    uint32_t sdp_len;
    uint32_t candidates_offset;
    uint32_t candidates_len;
    uint32_t label_offset;
    uint32_t label_len;
    uint32_t channel_protocol_offset;
    uint32_t channel_protocol_len;
    uint64_t dropped;
    int32_t log_level;
    uint32_t log_target_offset;
    uint32_t log_target_len;
    int32_t ice_role;
    uint32_t message_label_offset;
    uint32_t message_label_len;
    uint32_t username_fragment_offset;
    uint32_t username_fragment_len;
    uint32_t password_offset;
    uint32_t password_len;
    uint32_t ice_candidates_offset;
    uint32_t ice_candidates_len;
    uint32_t fingerprints_offset;
    uint32_t fingerprints_len;
    int32_t dtls_role;
    uint32_t max_message_size;
    uint32_t max_packet_lifetime;
    uint32_t max_retransmits;
    uint32_t channel_id;
    uint32_t reserved;
} saltyrtc_record;
SALTYRTC_ENUM(saltyrtc_record_flag) {
    SALTYRTC_RECORD_FLAG_RETRYABLE = 1,
    SALTYRTC_RECORD_FLAG_PEER_PRESENT = 2,
    SALTYRTC_RECORD_FLAG_SERVER_VERIFIED = 4,
    SALTYRTC_RECORD_FLAG_CAN_REJOIN = 8,
    SALTYRTC_RECORD_FLAG_UNORDERED = 16,
    SALTYRTC_RECORD_FLAG_PLAIN = 32,
    SALTYRTC_RECORD_FLAG_OPENED_BY_PEER = 64,
    SALTYRTC_RECORD_FLAG_HAS_MAX_PACKET_LIFETIME = 128,
    SALTYRTC_RECORD_FLAG_HAS_MAX_RETRANSMITS = 256,
    SALTYRTC_RECORD_FLAG_ICE_LITE = 512,
};
SALTYRTC_ENUM_TYPE(saltyrtc_record_flag);
typedef struct saltyrtc_record_candidate {
    uint32_t candidate_offset;
    uint32_t candidate_len;
    uint32_t sdp_mid_offset;
    uint32_t sdp_mid_len;
    uint32_t username_fragment_offset;
    uint32_t username_fragment_len;
    int32_t sdp_m_line_index;
    uint32_t reserved;
} saltyrtc_record_candidate;
typedef struct saltyrtc_record_ice_candidate {
    uint32_t label_offset;
    uint32_t label_len;
    uint32_t foundation_offset;
    uint32_t foundation_len;
    uint32_t ip_offset;
    uint32_t ip_len;
    uint32_t related_address_offset;
    uint32_t related_address_len;
    uint32_t priority;
    int32_t candidate_type;
    int32_t protocol;
    uint32_t port;
    uint32_t related_port;
    uint32_t complete;
} saltyrtc_record_ice_candidate;
typedef struct saltyrtc_record_dtls_fingerprint {
    uint32_t algorithm_offset;
    uint32_t algorithm_len;
    uint32_t value_offset;
    uint32_t value_len;
} saltyrtc_record_dtls_fingerprint;
typedef struct saltyrtc_queue saltyrtc_queue;
SALTYRTC_API
saltyrtc_status saltyrtc_queue_new(struct saltyrtc_queue *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
void saltyrtc_queue_free(struct saltyrtc_queue *SALTYRTC_NULLABLE queue);
SALTYRTC_API
saltyrtc_status saltyrtc_queue_next_events(struct saltyrtc_queue *queue,
                                           int64_t timeout_ms,
                                           struct saltyrtc_event *SALTYRTC_NULLABLE *SALTYRTC_NONNULL events,
                                           size_t capacity,
                                           size_t *count,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_queue_read(struct saltyrtc_queue *queue,
                                    int64_t timeout_ms,
                                    uint8_t *SALTYRTC_NULLABLE buffer,
                                    size_t capacity,
                                    size_t *count,
                                    size_t *SALTYRTC_NULLABLE needed,
                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_queue_set_log(struct saltyrtc_queue *queue,
                                       int32_t level,
                                       size_t capacity,
                                       struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_queue_wake(struct saltyrtc_queue *queue,
                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_queue_fd(struct saltyrtc_queue *queue,
                                  int *fd,
                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
typedef void (*saltyrtc_user_data_free)(void *SALTYRTC_NULLABLE user_data);
typedef struct saltyrtc_client saltyrtc_client;
typedef void (*saltyrtc_event_callback)(struct saltyrtc_client *client,
                                        const struct saltyrtc_event *event,
                                        void *SALTYRTC_NULLABLE user_data);
SALTYRTC_API
saltyrtc_status saltyrtc_client_new(const struct saltyrtc_config *config,
                                    saltyrtc_event_callback SALTYRTC_NULLABLE callback,
                                    void *SALTYRTC_NULLABLE user_data,
                                    saltyrtc_user_data_free SALTYRTC_NULLABLE user_data_free,
                                    struct saltyrtc_client *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_new_on_queue(const struct saltyrtc_config *config,
                                             struct saltyrtc_queue *queue,
                                             uint64_t token,
                                             struct saltyrtc_client *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
void saltyrtc_client_free(struct saltyrtc_client *SALTYRTC_NULLABLE client);
SALTYRTC_API
saltyrtc_status saltyrtc_client_pause_events(struct saltyrtc_client *client,
                                             bool paused,
                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_close(struct saltyrtc_client *client,
                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_next_event(struct saltyrtc_client *client,
                                           int64_t timeout_ms,
                                           struct saltyrtc_event *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_event_fd(struct saltyrtc_client *client,
                                         int *fd,
                                         struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
#define SALTYRTC_ENCRYPTION_OVERHEAD 40
SALTYRTC_API
size_t saltyrtc_encryption_overhead(void);
SALTYRTC_ENUM(saltyrtc_state) {
    SALTYRTC_STATE_CLOSED = 0,
    SALTYRTC_STATE_CONNECTING = 1,
    SALTYRTC_STATE_SERVER_HANDSHAKE = 2,
    SALTYRTC_STATE_WAITING_FOR_PEER = 3,
    SALTYRTC_STATE_PEER_HANDSHAKE = 4,
    SALTYRTC_STATE_TASK = 5,
};
SALTYRTC_ENUM_TYPE(saltyrtc_state);
SALTYRTC_API
saltyrtc_status saltyrtc_client_state(const struct saltyrtc_client *client,
                                      saltyrtc_state *state,
                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_path(const struct saltyrtc_client *client,
                                     uint8_t *path,
                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_public_key(const struct saltyrtc_client *client,
                                           uint8_t *key,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_peer_key(const struct saltyrtc_client *client,
                                         uint8_t *key,
                                         struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_task(const struct saltyrtc_client *client,
                                     char *SALTYRTC_NULLABLE name,
                                     size_t name_capacity,
                                     size_t *SALTYRTC_NULLABLE name_len,
                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_invitation(const struct saltyrtc_client *client,
                                           const uint8_t *SALTYRTC_NULLABLE token,
                                           char *SALTYRTC_NULLABLE uri,
                                           size_t uri_capacity,
                                           size_t *SALTYRTC_NULLABLE uri_len,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_issue_token(struct saltyrtc_client *client,
                                            uint8_t *token,
                                            struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_trust_peer(struct saltyrtc_client *client,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_drop_responder(struct saltyrtc_client *client,
                                               uint8_t address,
                                               int32_t close_code,
                                               struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_encrypt(struct saltyrtc_client *client,
                                        const uint8_t *SALTYRTC_NULLABLE data,
                                        size_t data_len,
                                        uint8_t *SALTYRTC_NULLABLE encrypted,
                                        size_t encrypted_capacity,
                                        size_t *SALTYRTC_NULLABLE encrypted_len,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_decrypt(struct saltyrtc_client *client,
                                        const uint8_t *SALTYRTC_NULLABLE encrypted,
                                        size_t encrypted_len,
                                        uint8_t *SALTYRTC_NULLABLE data,
                                        size_t data_capacity,
                                        size_t *SALTYRTC_NULLABLE data_len,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_bytes(struct saltyrtc_client *client,
                                           const uint8_t *SALTYRTC_NULLABLE data,
                                           size_t data_len,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_text(struct saltyrtc_client *client,
                                          const char *SALTYRTC_NULLABLE text,
                                          size_t text_len,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_msgpack(struct saltyrtc_client *client,
                                             const uint8_t *SALTYRTC_NULLABLE data,
                                             size_t data_len,
                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_buffered_amount(const struct saltyrtc_client *client,
                                                size_t *amount,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_set_low_water(struct saltyrtc_client *client,
                                              size_t bytes,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_application_bytes(struct saltyrtc_client *client,
                                                       const uint8_t *SALTYRTC_NULLABLE data,
                                                       size_t data_len,
                                                       struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_application_text(struct saltyrtc_client *client,
                                                      const char *SALTYRTC_NULLABLE text,
                                                      size_t text_len,
                                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_application_msgpack(struct saltyrtc_client *client,
                                                         const uint8_t *SALTYRTC_NULLABLE data,
                                                         size_t data_len,
                                                         struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_task_message(struct saltyrtc_client *client,
                                                  const uint8_t *SALTYRTC_NULLABLE message,
                                                  size_t message_len,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
typedef struct saltyrtc_rtc_config saltyrtc_rtc_config;
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_new(struct saltyrtc_rtc_config *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
void saltyrtc_rtc_config_free(struct saltyrtc_rtc_config *SALTYRTC_NULLABLE config);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_add_ice_server(struct saltyrtc_rtc_config *config,
                                                   const char *url,
                                                   const char *SALTYRTC_NULLABLE username,
                                                   const char *SALTYRTC_NULLABLE password,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_relay_only(struct saltyrtc_rtc_config *config,
                                                   bool relay_only,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_max_message_size(struct saltyrtc_rtc_config *config,
                                                         size_t bytes,
                                                         struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_max_buffered(struct saltyrtc_rtc_config *config,
                                                     size_t bytes,
                                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_negotiated_ids(struct saltyrtc_rtc_config *config,
                                                       const uint16_t *SALTYRTC_NULLABLE ids,
                                                       size_t ids_len,
                                                       struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_handover(struct saltyrtc_rtc_config *config,
                                                 bool handover,
                                                 struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_ENUM(saltyrtc_rtc_tasks) {
    SALTYRTC_RTC_TASKS_WEBRTC = 0,
    SALTYRTC_RTC_TASKS_ORTC = 1,
    SALTYRTC_RTC_TASKS_WEBRTC_THEN_ORTC = 2,
    SALTYRTC_RTC_TASKS_ORTC_THEN_WEBRTC = 3,
};
SALTYRTC_ENUM_TYPE(saltyrtc_rtc_tasks);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_tasks(struct saltyrtc_rtc_config *config,
                                              int32_t tasks,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_dtls_role(struct saltyrtc_rtc_config *config,
                                                  int32_t role,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_add_plain_label(struct saltyrtc_rtc_config *config,
                                                    const char *SALTYRTC_NULLABLE label,
                                                    size_t label_len,
                                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_add_address(struct saltyrtc_rtc_config *config,
                                                const char *address,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_ports(struct saltyrtc_rtc_config *config,
                                              uint16_t first,
                                              uint16_t last,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_disconnected_timeout(struct saltyrtc_rtc_config *config,
                                                             uint32_t timeout_ms,
                                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_unreachable_timeout(struct saltyrtc_rtc_config *config,
                                                            uint32_t timeout_ms,
                                                            struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_rtc_config_set_setup_timeout(struct saltyrtc_rtc_config *config,
                                                      uint32_t timeout_ms,
                                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_rtc_task(struct saltyrtc_config *config,
                                             const struct saltyrtc_rtc_config *rtc,
                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
typedef struct saltyrtc_channel_options {
    size_t struct_size;
    const char *SALTYRTC_NULLABLE label;
    size_t label_len;
    const char *SALTYRTC_NULLABLE protocol;
    size_t protocol_len;
    int32_t reliability;
    uint32_t reliability_limit;
    bool unordered;
    bool plain;
    bool negotiated;
    uint16_t id;
} saltyrtc_channel_options;
SALTYRTC_API
saltyrtc_status saltyrtc_client_open_channel(struct saltyrtc_client *client,
                                             const struct saltyrtc_channel_options *options,
                                             uint32_t *channel,
                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_send_bytes(struct saltyrtc_client *client,
                                                   uint32_t channel,
                                                   const uint8_t *SALTYRTC_NULLABLE data,
                                                   size_t data_len,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_send_text(struct saltyrtc_client *client,
                                                  uint32_t channel,
                                                  const char *SALTYRTC_NULLABLE text,
                                                  size_t text_len,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_buffered_amount(const struct saltyrtc_client *client,
                                                        uint32_t channel,
                                                        size_t *amount,
                                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_set_low_water(struct saltyrtc_client *client,
                                                      uint32_t channel,
                                                      size_t bytes,
                                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_channel_close(struct saltyrtc_client *client,
                                              uint32_t channel,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_restart_ice(struct saltyrtc_client *client,
                                            struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_set_addresses(struct saltyrtc_client *client,
                                              const char *addresses,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_ENUM(saltyrtc_relay_protocol) {
    SALTYRTC_RELAY_PROTOCOL_NONE = 0,
    SALTYRTC_RELAY_PROTOCOL_UDP = 1,
    SALTYRTC_RELAY_PROTOCOL_TCP = 2,
    SALTYRTC_RELAY_PROTOCOL_TLS = 3,
};
SALTYRTC_ENUM_TYPE(saltyrtc_relay_protocol);
typedef struct saltyrtc_rtc_stats {
    size_t struct_size;
    saltyrtc_connection_state state;
    saltyrtc_candidate_type local_type;
    saltyrtc_candidate_type remote_type;
    saltyrtc_relay_protocol relay_protocol;
    char local_address[64];
    char remote_address[64];
    uint64_t round_trip_time_us;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    size_t channels;
} saltyrtc_rtc_stats;
SALTYRTC_API
saltyrtc_status saltyrtc_client_rtc_stats(const struct saltyrtc_client *client,
                                          struct saltyrtc_rtc_stats *stats,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_webrtc_task(struct saltyrtc_config *config,
                                                const uint16_t *SALTYRTC_NULLABLE exclude,
                                                size_t exclude_len,
                                                bool handover,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_webrtc_v0_task(struct saltyrtc_config *config,
                                                   const uint16_t *SALTYRTC_NULLABLE exclude,
                                                   size_t exclude_len,
                                                   bool handover,
                                                   uint32_t max_packet_size,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_offer(struct saltyrtc_client *client,
                                           const char *sdp_type,
                                           const char *SALTYRTC_NULLABLE sdp,
                                           size_t sdp_len,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_answer(struct saltyrtc_client *client,
                                            const char *sdp_type,
                                            const char *SALTYRTC_NULLABLE sdp,
                                            size_t sdp_len,
                                            struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
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
SALTYRTC_API
saltyrtc_status saltyrtc_client_signalling_channel(const struct saltyrtc_client *client,
                                                   uint16_t *id,
                                                   const char *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE label,
                                                   const char *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE protocol,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
typedef void (*saltyrtc_transport_send)(struct saltyrtc_client *client,
                                        const uint8_t *data,
                                        size_t data_len,
                                        void *SALTYRTC_NULLABLE user_data);
typedef void (*saltyrtc_transport_close)(struct saltyrtc_client *client,
                                         void *SALTYRTC_NULLABLE user_data);
SALTYRTC_API
saltyrtc_status saltyrtc_client_hand_over(struct saltyrtc_client *client,
                                          size_t max_message_size,
                                          saltyrtc_transport_send SALTYRTC_NULLABLE send,
                                          saltyrtc_transport_close SALTYRTC_NULLABLE close,
                                          void *SALTYRTC_NULLABLE user_data,
                                          saltyrtc_user_data_free SALTYRTC_NULLABLE user_data_free,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_transport_receive(struct saltyrtc_client *client,
                                                  const uint8_t *SALTYRTC_NULLABLE data,
                                                  size_t data_len,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_transport_closed(struct saltyrtc_client *client,
                                                 struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
typedef struct saltyrtc_secure_channel saltyrtc_secure_channel;
#define SALTYRTC_SECURE_CHANNEL_OVERHEAD 40
SALTYRTC_API
size_t saltyrtc_secure_channel_overhead(void);
SALTYRTC_API
saltyrtc_status saltyrtc_secure_channel_new(struct saltyrtc_client *client,
                                            uint16_t id,
                                            struct saltyrtc_secure_channel *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                            struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
void saltyrtc_secure_channel_free(struct saltyrtc_secure_channel *SALTYRTC_NULLABLE channel);
SALTYRTC_API
saltyrtc_status saltyrtc_secure_channel_encrypt(struct saltyrtc_secure_channel *channel,
                                                const uint8_t *SALTYRTC_NULLABLE data,
                                                size_t data_len,
                                                uint8_t *SALTYRTC_NULLABLE encrypted,
                                                size_t encrypted_capacity,
                                                size_t *SALTYRTC_NULLABLE encrypted_len,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_secure_channel_decrypt(struct saltyrtc_secure_channel *channel,
                                                const uint8_t *SALTYRTC_NULLABLE encrypted,
                                                size_t encrypted_len,
                                                uint8_t *SALTYRTC_NULLABLE data,
                                                size_t data_capacity,
                                                size_t *SALTYRTC_NULLABLE data_len,
                                                struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_config_add_ortc_task(struct saltyrtc_config *config,
                                              const uint16_t *SALTYRTC_NULLABLE exclude,
                                              size_t exclude_len,
                                              bool handover,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_ortc_message(struct saltyrtc_client *client,
                                                  const uint8_t *SALTYRTC_NULLABLE message,
                                                  size_t message_len,
                                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
typedef struct saltyrtc_ice_parameters {
    size_t struct_size;
    const char *SALTYRTC_NULLABLE label;
    size_t label_len;
    const char *SALTYRTC_NULLABLE username_fragment;
    size_t username_fragment_len;
    const char *SALTYRTC_NULLABLE password;
    size_t password_len;
    int32_t role;
    bool ice_lite;
} saltyrtc_ice_parameters;
typedef struct saltyrtc_dtls_parameters {
    size_t struct_size;
    const char *SALTYRTC_NULLABLE label;
    size_t label_len;
    const struct saltyrtc_dtls_fingerprint *SALTYRTC_NULLABLE fingerprints;
    size_t fingerprints_len;
    int32_t role;
} saltyrtc_dtls_parameters;
typedef struct saltyrtc_sctp_capabilities {
    size_t struct_size;
    const char *SALTYRTC_NULLABLE label;
    size_t label_len;
    uint32_t max_message_size;
} saltyrtc_sctp_capabilities;
typedef struct saltyrtc_data_channel_parameters {
    size_t struct_size;
    const char *SALTYRTC_NULLABLE label;
    size_t label_len;
    const char *SALTYRTC_NULLABLE channel_label;
    size_t channel_label_len;
    const char *SALTYRTC_NULLABLE channel_protocol;
    size_t channel_protocol_len;
    uint32_t max_packet_lifetime;
    uint32_t max_retransmits;
    uint16_t id;
    bool has_max_packet_lifetime;
    bool has_max_retransmits;
    bool unordered;
} saltyrtc_data_channel_parameters;
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_ice_parameters(struct saltyrtc_client *client,
                                                    const struct saltyrtc_ice_parameters *parameters,
                                                    bool for_handover,
                                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_ice_candidate(struct saltyrtc_client *client,
                                                   const struct saltyrtc_ice_candidate *candidate,
                                                   bool for_handover,
                                                   struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_dtls_parameters(struct saltyrtc_client *client,
                                                     const struct saltyrtc_dtls_parameters *parameters,
                                                     bool for_handover,
                                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_sctp_capabilities(struct saltyrtc_client *client,
                                                       const struct saltyrtc_sctp_capabilities *capabilities,
                                                       bool for_handover,
                                                       struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_client_send_data_channel_parameters(struct saltyrtc_client *client,
                                                             const struct saltyrtc_data_channel_parameters *parameters,
                                                             bool for_handover,
                                                             struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_ENUM(saltyrtc_chunking_mode) {
    SALTYRTC_CHUNKING_MODE_RELIABLE_ORDERED = 0,
    SALTYRTC_CHUNKING_MODE_UNRELIABLE_UNORDERED = 1,
};
SALTYRTC_ENUM_TYPE(saltyrtc_chunking_mode);
typedef struct saltyrtc_chunker saltyrtc_chunker;
SALTYRTC_API
saltyrtc_status saltyrtc_chunker_new(int32_t mode,
                                     struct saltyrtc_chunker *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
void saltyrtc_chunker_free(struct saltyrtc_chunker *SALTYRTC_NULLABLE chunker);
SALTYRTC_API
saltyrtc_status saltyrtc_chunker_add(struct saltyrtc_chunker *chunker,
                                     const uint8_t *SALTYRTC_NULLABLE message,
                                     size_t message_len,
                                     size_t chunk_size,
                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_chunker_next(struct saltyrtc_chunker *chunker,
                                      uint8_t *SALTYRTC_NULLABLE chunk,
                                      size_t chunk_capacity,
                                      size_t *SALTYRTC_NULLABLE chunk_len,
                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
typedef struct saltyrtc_unchunker saltyrtc_unchunker;
SALTYRTC_API
saltyrtc_status saltyrtc_unchunker_new(int32_t mode,
                                       size_t max_message_size,
                                       size_t max_total_size,
                                       uint32_t max_age_ms,
                                       uint32_t remembered,
                                       struct saltyrtc_unchunker *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                       struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
void saltyrtc_unchunker_free(struct saltyrtc_unchunker *SALTYRTC_NULLABLE unchunker);
SALTYRTC_API
saltyrtc_status saltyrtc_unchunker_add(struct saltyrtc_unchunker *unchunker,
                                       const uint8_t *SALTYRTC_NULLABLE chunk,
                                       size_t chunk_len,
                                       size_t *SALTYRTC_NULLABLE message_len,
                                       struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_unchunker_next(struct saltyrtc_unchunker *unchunker,
                                        uint8_t *SALTYRTC_NULLABLE message,
                                        size_t message_capacity,
                                        size_t *SALTYRTC_NULLABLE message_len,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_unchunker_expire(struct saltyrtc_unchunker *unchunker,
                                          uint64_t *SALTYRTC_NULLABLE given_up,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
typedef struct saltyrtc_server_config saltyrtc_server_config;
typedef struct saltyrtc_server saltyrtc_server;
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_new(const char *address,
                                           uint16_t port,
                                           struct saltyrtc_server_config *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                           struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
void saltyrtc_server_config_free(struct saltyrtc_server_config *SALTYRTC_NULLABLE config);
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_add_permanent_key(struct saltyrtc_server_config *config,
                                                         const uint8_t *secret_key,
                                                         struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_set_tls(struct saltyrtc_server_config *config,
                                               const uint8_t *SALTYRTC_NULLABLE certificates,
                                               size_t certificates_len,
                                               const uint8_t *SALTYRTC_NULLABLE private_key,
                                               size_t private_key_len,
                                               struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_set_accept_no_shared_task(struct saltyrtc_server_config *config,
                                                                 bool accept,
                                                                 struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_server_start(const struct saltyrtc_server_config *config,
                                      struct saltyrtc_server *SALTYRTC_NULLABLE *SALTYRTC_NONNULL out,
                                      struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_server_port(const struct saltyrtc_server *server,
                                     uint16_t *port,
                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_server_address(const struct saltyrtc_server *server,
                                        char *SALTYRTC_NULLABLE address,
                                        size_t address_capacity,
                                        size_t *SALTYRTC_NULLABLE address_len,
                                        struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_server_url(const struct saltyrtc_server *server,
                                    char *SALTYRTC_NULLABLE url,
                                    size_t url_capacity,
                                    size_t *SALTYRTC_NULLABLE url_len,
                                    struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_server_stop(struct saltyrtc_server *server,
                                     uint32_t timeout_ms,
                                     struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_server_stop_on_queue(struct saltyrtc_server *server,
                                              uint32_t deadline_ms,
                                              struct saltyrtc_queue *queue,
                                              uint64_t token,
                                              struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
void saltyrtc_server_free(struct saltyrtc_server *SALTYRTC_NULLABLE server);
#define SALTYRTC_NO_LIMIT 18446744073709551615ULL
SALTYRTC_ENUM(saltyrtc_limit) {
    SALTYRTC_LIMIT_CONNECTIONS = 0,
    SALTYRTC_LIMIT_CONNECTIONS_PER_ADDRESS = 1,
    SALTYRTC_LIMIT_CONNECTIONS_PER_PATH = 2,
    SALTYRTC_LIMIT_ACCEPT_RATE = 3,
    SALTYRTC_LIMIT_HANDSHAKE_TIME = 4,
    SALTYRTC_LIMIT_IDLE_TIME = 5,
    SALTYRTC_LIMIT_STALL_TIME = 6,
    SALTYRTC_LIMIT_PONG_TIME = 7,
    SALTYRTC_LIMIT_CLOSE_TIME = 8,
    SALTYRTC_LIMIT_SHUTDOWN_TIME = 9,
    SALTYRTC_LIMIT_MESSAGE_SIZE = 10,
    SALTYRTC_LIMIT_QUEUE_BYTES = 11,
    SALTYRTC_LIMIT_TCP_KEEPALIVE = 12,
    SALTYRTC_LIMIT_ALL_QUEUES_BYTES = 13,
};
SALTYRTC_ENUM_TYPE(saltyrtc_limit);
SALTYRTC_API
saltyrtc_status saltyrtc_server_config_set_limit(struct saltyrtc_server_config *config,
                                                 int32_t limit,
                                                 uint64_t value,
                                                 struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
typedef void (*saltyrtc_log_callback)(int32_t level,
                                      const char *target,
                                      const char *message,
                                      void *SALTYRTC_NULLABLE user_data);
SALTYRTC_API
saltyrtc_status saltyrtc_log_set_callback(int32_t level,
                                          saltyrtc_log_callback SALTYRTC_NULLABLE callback,
                                          void *SALTYRTC_NULLABLE user_data,
                                          saltyrtc_user_data_free SALTYRTC_NULLABLE user_data_free,
                                          struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_network_changed(struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
SALTYRTC_API
saltyrtc_status saltyrtc_shutdown(uint32_t timeout_ms,
                                  struct saltyrtc_error *SALTYRTC_NULLABLE *SALTYRTC_NULLABLE error);
#ifdef __cplusplus
}
#endif
#if defined(__clang__)
#pragma clang assume_nonnull end
#pragma clang diagnostic pop
#endif
#endif
