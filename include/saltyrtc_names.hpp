// The names of the enumerations of saltyrtc.h, for logs and messages: saltyrtc::name(SALTYRTC_STATE_TASK) is
// "task". Part of saltyrtc.hpp, which includes it.

#ifndef SALTYRTC_NAMES_HPP
#define SALTYRTC_NAMES_HPP

#include <cstdint>
#include <string_view>

#include "saltyrtc.h"

namespace saltyrtc {

/// A name in a few words, "unknown" for a number that has none. The text is static.
inline std::string_view name(saltyrtc_status status) noexcept {
    return saltyrtc_status_name(static_cast<std::int32_t>(status));
}

inline std::string_view name(saltyrtc_event_kind kind) noexcept {
    return saltyrtc_event_kind_name(static_cast<std::int32_t>(kind));
}

inline std::string_view name(saltyrtc_state value) noexcept {
    switch (value) {
    case SALTYRTC_STATE_CLOSED:
        return "closed";
    case SALTYRTC_STATE_CONNECTING:
        return "connecting";
    case SALTYRTC_STATE_SERVER_HANDSHAKE:
        return "server handshake";
    case SALTYRTC_STATE_WAITING_FOR_PEER:
        return "waiting for peer";
    case SALTYRTC_STATE_PEER_HANDSHAKE:
        return "peer handshake";
    case SALTYRTC_STATE_TASK:
        return "task";
    }
    return "unknown";
}

inline std::string_view name(saltyrtc_closed_by value) noexcept {
    switch (value) {
    case SALTYRTC_CLOSED_BY_NETWORK:
        return "network";
    case SALTYRTC_CLOSED_BY_US:
        return "us";
    case SALTYRTC_CLOSED_BY_PEER:
        return "peer";
    case SALTYRTC_CLOSED_BY_SERVER:
        return "server";
    }
    return "unknown";
}

inline std::string_view name(saltyrtc_peer_left value) noexcept {
    switch (value) {
    case SALTYRTC_PEER_LEFT_DISCONNECTED:
        return "disconnected";
    case SALTYRTC_PEER_LEFT_UNREACHABLE:
        return "unreachable";
    case SALTYRTC_PEER_LEFT_REPLACED:
        return "replaced";
    case SALTYRTC_PEER_LEFT_DROPPED:
        return "dropped";
    }
    return "unknown";
}

inline std::string_view name(saltyrtc_retry value) noexcept {
    switch (value) {
    case SALTYRTC_RETRY_NEVER:
        return "never";
    case SALTYRTC_RETRY_LATER:
        return "later";
    case SALTYRTC_RETRY_AT_ONCE:
        return "at once";
    }
    return "unknown";
}

inline std::string_view name(saltyrtc_connection_state value) noexcept {
    switch (value) {
    case SALTYRTC_CONNECTION_STATE_NEW:
        return "new";
    case SALTYRTC_CONNECTION_STATE_CONNECTING:
        return "connecting";
    case SALTYRTC_CONNECTION_STATE_CONNECTED:
        return "connected";
    case SALTYRTC_CONNECTION_STATE_DISCONNECTED:
        return "disconnected";
    case SALTYRTC_CONNECTION_STATE_UNREACHABLE:
        return "unreachable";
    case SALTYRTC_CONNECTION_STATE_FAILED:
        return "failed";
    case SALTYRTC_CONNECTION_STATE_CLOSED:
        return "closed";
    }
    return "unknown";
}

inline std::string_view name(saltyrtc_payload value) noexcept {
    switch (value) {
    case SALTYRTC_PAYLOAD_NONE:
        return "none";
    case SALTYRTC_PAYLOAD_BYTES:
        return "bytes";
    case SALTYRTC_PAYLOAD_TEXT:
        return "text";
    case SALTYRTC_PAYLOAD_MSGPACK:
        return "msgpack";
    }
    return "unknown";
}

inline std::string_view name(saltyrtc_candidate_type value) noexcept {
    switch (value) {
    case SALTYRTC_CANDIDATE_TYPE_NONE:
        return "none";
    case SALTYRTC_CANDIDATE_TYPE_HOST:
        return "host";
    case SALTYRTC_CANDIDATE_TYPE_SERVER_REFLEXIVE:
        return "server reflexive";
    case SALTYRTC_CANDIDATE_TYPE_PEER_REFLEXIVE:
        return "peer reflexive";
    case SALTYRTC_CANDIDATE_TYPE_RELAYED:
        return "relayed";
    }
    return "unknown";
}

inline std::string_view name(saltyrtc_relay_protocol value) noexcept {
    switch (value) {
    case SALTYRTC_RELAY_PROTOCOL_NONE:
        return "none";
    case SALTYRTC_RELAY_PROTOCOL_UDP:
        return "udp";
    case SALTYRTC_RELAY_PROTOCOL_TCP:
        return "tcp";
    case SALTYRTC_RELAY_PROTOCOL_TLS:
        return "tls";
    }
    return "unknown";
}

inline std::string_view name(saltyrtc_log_level value) noexcept {
    switch (value) {
    case SALTYRTC_LOG_LEVEL_OFF:
        return "off";
    case SALTYRTC_LOG_LEVEL_ERROR:
        return "error";
    case SALTYRTC_LOG_LEVEL_WARN:
        return "warn";
    case SALTYRTC_LOG_LEVEL_INFO:
        return "info";
    case SALTYRTC_LOG_LEVEL_DEBUG:
        return "debug";
    case SALTYRTC_LOG_LEVEL_TRACE:
        return "trace";
    }
    return "unknown";
}

} // namespace saltyrtc

#endif // SALTYRTC_NAMES_HPP
