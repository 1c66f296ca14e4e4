// libsaltyrtc for C++17, the part for ORTC, in the style of saltyrtc.hpp: the task for applications that bring
// their own ORTC implementation. (The built-in WebRTC can use that task, too: RtcConfig::tasks.)

#ifndef SALTYRTC_ORTC_HPP
#define SALTYRTC_ORTC_HPP

#include "saltyrtc_webrtc.hpp"

namespace saltyrtc {

/// Which of several transports or channels something belongs to.
using Label = std::optional<std::string>;

/// An RTCIceParameters of the ORTC API, and the role.
struct IceParameters {
    std::string username_fragment;
    std::string password;
    bool ice_lite = false;
    saltyrtc_ice_role role = SALTYRTC_ICE_ROLE_NONE;
    Label label = std::nullopt;
};

/// An RTCIceCandidate of the ORTC API.
struct IceCandidate {
    std::string foundation;
    std::uint32_t priority = 0;
    std::string ip;
    std::uint16_t port = 0;
    saltyrtc_candidate_type type = SALTYRTC_CANDIDATE_TYPE_HOST;
    saltyrtc_ice_protocol protocol = SALTYRTC_ICE_PROTOCOL_UDP;
    std::optional<std::string> related_address = std::nullopt;
    std::uint16_t related_port = 0;
    Label label = std::nullopt;
};

/// An RTCDtlsFingerprint of the ORTC API.
struct DtlsFingerprint {
    std::string algorithm;
    std::string value;
};

/// An RTCDtlsParameters of the ORTC API.
struct DtlsParameters {
    saltyrtc_dtls_role role = SALTYRTC_DTLS_ROLE_AUTO;
    std::vector<DtlsFingerprint> fingerprints;
    Label label = std::nullopt;
};

/// An RTCSctpCapabilities of the ORTC API.
struct SctpCapabilities {
    /// 0: messages of any size.
    std::uint32_t max_message_size = 0;
    Label label = std::nullopt;
};

/// An RTCDataChannelParameters of the ORTC API.
struct DataChannelParameters {
    std::uint16_t id = 0;
    std::string channel_label;
    std::string channel_protocol;
    bool ordered = true;
    std::optional<std::uint32_t> max_packet_lifetime = std::nullopt;
    std::optional<std::uint32_t> max_retransmits = std::nullopt;
    /// Not that of the channel.
    Label label = std::nullopt;
};

/// The ORTC task of a client, which it does not own, for an application that brings its own ORTC implementation.
/// The events have what the functions take: see saltyrtc_event_kind.
class OrtcTask : public DataChannelTask {
public:
    explicit OrtcTask(ClientRef client) noexcept : DataChannelTask(client) {}

    /// Adds the task to the settings of a client. `exclude` are ids of data channels of the application.
    static void add_to(Config &config, const Ids &exclude, bool handover) {
        detail::call(saltyrtc_config_add_ortc_task, config.get(), exclude.data(), exclude.size(),
                     handover);
    }

    // `for_handover`: about a transport that is made for the channel of the signalling alone. The label is
    // "handover" then, whatever is given.

    void send(const IceParameters &parameters, bool for_handover = false) const {
        auto c = labelled<saltyrtc_ice_parameters>(parameters.label);
        set(c.username_fragment, c.username_fragment_len, parameters.username_fragment);
        set(c.password, c.password_len, parameters.password);
        c.role = parameters.role;
        c.ice_lite = parameters.ice_lite;
        call(saltyrtc_client_send_ice_parameters, &c, for_handover);
    }

    void send(const IceCandidate &candidate, bool for_handover = false) const {
        saltyrtc_ice_candidate c{};
        set(c.label, c.label_len, candidate.label);
        set(c.foundation, c.foundation_len, candidate.foundation);
        set(c.ip, c.ip_len, candidate.ip);
        set(c.related_address, c.related_address_len, candidate.related_address);
        c.priority = candidate.priority;
        c.candidate_type = candidate.type;
        c.protocol = candidate.protocol;
        c.port = candidate.port;
        c.related_port = candidate.related_port;
        call(saltyrtc_client_send_ice_candidate, &c, for_handover);
    }
    /// There are no more candidates.
    void end_candidates(const Label &label = std::nullopt, bool for_handover = false) const {
        saltyrtc_ice_candidate c{};
        set(c.label, c.label_len, label);
        c.complete = true;
        call(saltyrtc_client_send_ice_candidate, &c, for_handover);
    }

    void send(const DtlsParameters &parameters, bool for_handover = false) const {
        std::vector<saltyrtc_dtls_fingerprint> fingerprints;
        for (const auto &fingerprint : parameters.fingerprints) {
            saltyrtc_dtls_fingerprint c{};
            set(c.algorithm, c.algorithm_len, fingerprint.algorithm);
            set(c.value, c.value_len, fingerprint.value);
            fingerprints.push_back(c);
        }
        auto c = labelled<saltyrtc_dtls_parameters>(parameters.label);
        c.fingerprints = fingerprints.data();
        c.fingerprints_len = fingerprints.size();
        c.role = parameters.role;
        call(saltyrtc_client_send_dtls_parameters, &c, for_handover);
    }

    void send(const SctpCapabilities &capabilities, bool for_handover = false) const {
        auto c = labelled<saltyrtc_sctp_capabilities>(capabilities.label);
        c.max_message_size = capabilities.max_message_size;
        call(saltyrtc_client_send_sctp_capabilities, &c, for_handover);
    }

    void send(const DataChannelParameters &parameters, bool for_handover = false) const {
        auto c = labelled<saltyrtc_data_channel_parameters>(parameters.label);
        set(c.channel_label, c.channel_label_len, parameters.channel_label);
        set(c.channel_protocol, c.channel_protocol_len, parameters.channel_protocol);
        c.id = parameters.id;
        c.unordered = !parameters.ordered;
        c.has_max_packet_lifetime = parameters.max_packet_lifetime.has_value();
        c.max_packet_lifetime = parameters.max_packet_lifetime.value_or(0);
        c.has_max_retransmits = parameters.max_retransmits.has_value();
        c.max_retransmits = parameters.max_retransmits.value_or(0);
        call(saltyrtc_client_send_data_channel_parameters, &c, for_handover);
    }

    /// Any message of the task, as MessagePack: for RTP capabilities, and for what came with an event.
    void send_message(std::string_view message) const {
        call(saltyrtc_client_send_ortc_message, detail::data(message), message.size());
    }

private:
    // Texts may have any bytes in them, so each has its length; and an empty one still has an address.
    static void set(const char *&to, std::size_t &size, const std::string &text) noexcept {
        to = text.c_str();
        size = text.size();
    }
    static void set(const char *&to, std::size_t &size,
                    const std::optional<std::string> &text) noexcept {
        if (text) {
            set(to, size, *text);
        }
    }

    /// A structure of C, with its size and its label.
    template <typename Structure> static Structure labelled(const Label &label) noexcept {
        Structure structure{};
        structure.struct_size = sizeof structure;
        set(structure.label, structure.label_len, label);
        return structure;
    }
};

} // namespace saltyrtc

#endif // SALTYRTC_ORTC_HPP
