// libsaltyrtc for C++17, the part for WebRTC, in the style of saltyrtc.hpp: the built-in WebRTC with its
// channels, tasks for applications that bring their own WebRTC implementation, secure data channels, and
// chunking.

#ifndef SALTYRTC_WEBRTC_HPP
#define SALTYRTC_WEBRTC_HPP

#include "saltyrtc.hpp"

namespace saltyrtc {

using Ids = std::vector<std::uint16_t>;

/// The settings of the built-in WebRTC.
class RtcConfig {
public:
    RtcConfig()
        : handle_(detail::make<saltyrtc_rtc_config, saltyrtc_rtc_config_free>(
              saltyrtc_rtc_config_new)) {}

    RtcConfig &add_ice_server(const std::string &url) {
        return set(saltyrtc_rtc_config_add_ice_server, url.c_str(), none, none);
    }
    RtcConfig &add_ice_server(const std::string &url, const std::string &username,
                              const std::string &password) {
        return set(saltyrtc_rtc_config_add_ice_server, url.c_str(), username.c_str(),
                   password.c_str());
    }
    RtcConfig &relay_only(bool only) { return set(saltyrtc_rtc_config_set_relay_only, only); }
    RtcConfig &max_message_size(std::size_t size) {
        return set(saltyrtc_rtc_config_set_max_message_size, size);
    }
    RtcConfig &max_buffered(std::size_t size) {
        return set(saltyrtc_rtc_config_set_max_buffered, size);
    }
    RtcConfig &negotiated_ids(const Ids &ids) {
        return set(saltyrtc_rtc_config_set_negotiated_ids, ids.data(), ids.size());
    }
    RtcConfig &tasks(saltyrtc_rtc_tasks tasks) { return set(saltyrtc_rtc_config_set_tasks, tasks); }
    RtcConfig &dtls_role(saltyrtc_dtls_role role) {
        return set(saltyrtc_rtc_config_set_dtls_role, role);
    }
    RtcConfig &handover(bool wanted) { return set(saltyrtc_rtc_config_set_handover, wanted); }
    RtcConfig &add_plain_label(std::string_view label) {
        return set(saltyrtc_rtc_config_add_plain_label, label.data(), label.size());
    }
    RtcConfig &add_address(const std::string &address) {
        return set(saltyrtc_rtc_config_add_address, address.c_str());
    }
    RtcConfig &disconnected_timeout(Milliseconds time) {
        return set(saltyrtc_rtc_config_set_disconnected_timeout, detail::timeout(time));
    }
    RtcConfig &unreachable_timeout(Milliseconds time) {
        return set(saltyrtc_rtc_config_set_unreachable_timeout, detail::timeout(time));
    }
    RtcConfig &setup_timeout(Milliseconds time) {
        return set(saltyrtc_rtc_config_set_setup_timeout, detail::timeout(time));
    }
    RtcConfig &ports(std::uint16_t first, std::uint16_t last) {
        return set(saltyrtc_rtc_config_set_ports, first, last);
    }

    /// Adds the task with these settings to those of a client.
    void add_to(Config &config) const {
        detail::call(saltyrtc_config_add_rtc_task, config.get(), get());
    }

    saltyrtc_rtc_config *get() const noexcept { return handle_.get(); }

private:
    static constexpr const char *none = nullptr;

    template <typename Function, typename... Arguments>
    RtcConfig &set(Function function, Arguments... arguments) {
        detail::call(function, get(), arguments...);
        return *this;
    }

    detail::Owner<saltyrtc_rtc_config, saltyrtc_rtc_config_free> handle_;
};

/// The options of a new channel. The default is a reliable, ordered, secure channel.
struct ChannelOptions {
    std::string label;
    std::string protocol;
    saltyrtc_reliability reliability = SALTYRTC_RELIABILITY_RELIABLE;
    /// How many times, or for how many milliseconds, a message is retransmitted at most.
    std::uint32_t reliability_limit = 0;
    bool ordered = true;
    bool secure = true;
    /// The id, if both clients open the channel themselves.
    std::optional<std::uint16_t> negotiated = std::nullopt;
};

/// A channel of the built-in WebRTC: a client, which it does not own, and a number.
class Channel {
public:
    /// An existing channel, with the number that its events have.
    Channel(ClientRef client, std::uint32_t number) noexcept : client_(client), number_(number) {}

    static Channel open(ClientRef client, const ChannelOptions &options) {
        saltyrtc_channel_options c_options{};
        c_options.struct_size = sizeof c_options;
        c_options.label = options.label.c_str();
        c_options.label_len = options.label.size();
        c_options.protocol = options.protocol.c_str();
        c_options.protocol_len = options.protocol.size();
        c_options.reliability = static_cast<std::int32_t>(options.reliability);
        c_options.reliability_limit = options.reliability_limit;
        c_options.unordered = !options.ordered;
        c_options.plain = !options.secure;
        c_options.negotiated = options.negotiated.has_value();
        c_options.id = options.negotiated.value_or(0);
        std::uint32_t number = 0;
        detail::call(saltyrtc_client_open_channel, client.get(), &c_options, &number);
        return Channel(client, number);
    }

    void send_bytes(std::string_view data) const {
        call(saltyrtc_client_channel_send_bytes, detail::data(data), data.size());
    }
    void send_bytes(const Bytes &data) const {
        call(saltyrtc_client_channel_send_bytes, data.data(), data.size());
    }
    void send_text(std::string_view text) const {
        call(saltyrtc_client_channel_send_text, text.data(), text.size());
    }

    /// Like those above, but false where they throw SALTYRTC_STATUS_QUEUE_FULL: nothing was sent, and the event
    /// CHANNEL_LOW_WATER follows when there is room. Every other failure throws.
    bool try_send_bytes(std::string_view data) const {
        return try_call(saltyrtc_client_channel_send_bytes, detail::data(data), data.size());
    }
    bool try_send_bytes(const Bytes &data) const {
        return try_call(saltyrtc_client_channel_send_bytes, data.data(), data.size());
    }
    bool try_send_text(std::string_view text) const {
        return try_call(saltyrtc_client_channel_send_text, text.data(), text.size());
    }

    std::size_t buffered_amount() const {
        std::size_t amount = 0;
        call(saltyrtc_client_channel_buffered_amount, &amount);
        return amount;
    }
    void set_low_water(std::size_t bytes) const {
        call(saltyrtc_client_channel_set_low_water, bytes);
    }
    void close() const { call(saltyrtc_client_channel_close); }

    std::uint32_t number() const noexcept { return number_; }

private:
    template <typename Function, typename... Arguments>
    void call(Function function, Arguments... arguments) const {
        detail::call(function, client_.get(), number_, arguments...);
    }

    template <typename Function, typename... Arguments>
    bool try_call(Function function, Arguments... arguments) const {
        return detail::try_call(function, client_.get(), number_, arguments...);
    }

    ClientRef client_;
    std::uint32_t number_;
};

inline void restart_ice(ClientRef client) { detail::call(saltyrtc_client_restart_ice, client.get()); }

/// Uses these addresses of the host and no others, for example "192.0.2.7,2001:db8::7". Empty: all of them.
inline void set_addresses(ClientRef client, const std::string &addresses) {
    detail::call(saltyrtc_client_set_addresses, client.get(), addresses.c_str());
}

inline saltyrtc_rtc_stats rtc_stats(ClientRef client) {
    saltyrtc_rtc_stats stats{};
    stats.struct_size = sizeof stats;
    detail::call(saltyrtc_client_rtc_stats, client.get(), &stats);
    return stats;
}

/// What the tasks have in common whose data channels are those of the application: the handover to one of
/// them. See WebRtcTask, and OrtcTask in saltyrtc_ortc.hpp.
class DataChannelTask {
public:
    /// How to create the data channel for the handover.
    struct SignallingChannel {
        std::uint16_t id;
        std::string_view label;
        std::string_view protocol;
    };

    SignallingChannel signalling_channel() const {
        std::uint16_t id = 0;
        const char *label = nullptr, *protocol = nullptr;
        call(saltyrtc_client_signalling_channel, &id, &label, &protocol);
        return {id, label, protocol};
    }

    /// How the library uses that channel. An exception that these functions throw ends the program.
    struct Transport {
        /// Sends one message, which is valid until the function returns.
        std::function<void(ClientRef client, std::string_view message)> send;
        std::function<void(ClientRef client)> close;
    };

    /// For a client with a callback: the functions are called on the same thread as the callback, and are
    /// destroyed with the client.
    void hand_over(std::size_t max_message_size, Transport transport) const {
        // The library frees it, also if the call fails.
        call(saltyrtc_client_hand_over, max_message_size, send_message, close_channel,
             static_cast<void *>(new Transport(std::move(transport))), delete_transport);
    }
    /// For a client whose events are taken with next_event: TRANSPORT_SEND and TRANSPORT_CLOSE are events.
    void hand_over(std::size_t max_message_size) const {
        call(saltyrtc_client_hand_over, max_message_size, saltyrtc_transport_send{},
             saltyrtc_transport_close{}, static_cast<void *>(nullptr), saltyrtc_user_data_free{});
    }

    void transport_receive(std::string_view message) const {
        call(saltyrtc_client_transport_receive, detail::data(message), message.size());
    }
    void transport_closed() const { call(saltyrtc_client_transport_closed); }

protected:
    explicit DataChannelTask(ClientRef client) noexcept : client_(client) {}

    static constexpr const char *none = nullptr;

    template <typename Function, typename... Arguments>
    void call(Function function, Arguments... arguments) const {
        detail::call(function, client_.get(), arguments...);
    }

private:
    static void send_message(saltyrtc_client *client, const std::uint8_t *data, std::size_t size,
                             void *transport) noexcept {
        static_cast<Transport *>(transport)->send(
            ClientRef(client), {reinterpret_cast<const char *>(data), size});
    }
    static void close_channel(saltyrtc_client *client, void *transport) noexcept {
        static_cast<Transport *>(transport)->close(ClientRef(client));
    }
    static void delete_transport(void *transport) noexcept {
        delete static_cast<Transport *>(transport);
    }

    ClientRef client_;
};

/// The WebRTC task of a client, which it does not own, for an application that brings its own WebRTC
/// implementation.
class WebRtcTask : public DataChannelTask {
public:
    explicit WebRtcTask(ClientRef client) noexcept : DataChannelTask(client) {}

    /// Adds the task to the settings of a client. `exclude` are ids of data channels of the application.
    static void add_to(Config &config, const Ids &exclude, bool handover) {
        detail::call(saltyrtc_config_add_webrtc_task, config.get(), exclude.data(), exclude.size(),
                     handover);
    }
    /// The first version of the task, for old peers.
    static void add_v0_to(Config &config, const Ids &exclude, bool handover,
                          std::uint32_t max_packet_size) {
        detail::call(saltyrtc_config_add_webrtc_v0_task, config.get(), exclude.data(),
                     exclude.size(), handover, max_packet_size);
    }

    void send_offer(const std::string &sdp) const {
        call(saltyrtc_client_send_offer, "offer", sdp.c_str(), sdp.size());
    }
    void roll_back_offer() const {
        call(saltyrtc_client_send_offer, "rollback", none, std::size_t{0});
    }
    /// `type` is "answer" or "pranswer".
    void send_answer(const std::string &type, const std::string &sdp) const {
        call(saltyrtc_client_send_answer, type.c_str(), sdp.c_str(), sdp.size());
    }
    void roll_back_answer() const {
        call(saltyrtc_client_send_answer, "rollback", none, std::size_t{0});
    }

    void send_candidate(const std::string &candidate, const std::optional<std::string> &sdp_mid,
                        std::optional<std::uint16_t> sdp_m_line_index,
                        const std::optional<std::string> &username_fragment = std::nullopt) const {
        call(saltyrtc_client_send_candidate, candidate.c_str(), candidate.size(),
             sdp_mid ? sdp_mid->c_str() : none, sdp_mid ? sdp_mid->size() : 0,
             sdp_m_line_index ? std::int32_t{*sdp_m_line_index} : -1,
             username_fragment ? username_fragment->c_str() : none,
             username_fragment ? username_fragment->size() : 0);
    }
    /// There are no more candidates.
    void end_candidates() const {
        constexpr std::size_t empty = 0;
        call(saltyrtc_client_send_candidate, none, empty, none, empty, std::int32_t{-1}, none,
             empty);
    }
};

/// Encrypts what an application sends on a data channel of its own.
class SecureChannel {
public:
    /// `id` is that of the data channel.
    SecureChannel(ClientRef client, std::uint16_t id)
        : handle_(detail::make<saltyrtc_secure_channel, saltyrtc_secure_channel_free>(
              saltyrtc_secure_channel_new, client.get(), id)) {}

    Bytes encrypt(std::string_view data) {
        Bytes encrypted(data.size() + saltyrtc_secure_channel_overhead());
        std::size_t size = 0;
        detail::call(saltyrtc_secure_channel_encrypt, handle_.get(), detail::data(data),
                     data.size(), encrypted.data(), encrypted.size(), &size);
        return encrypted;
    }

    Bytes decrypt(std::string_view encrypted) {
        return detail::filled<Bytes>([&](auto... buffer) {
            return saltyrtc_secure_channel_decrypt(handle_.get(), detail::data(encrypted),
                                                   encrypted.size(), buffer...);
        });
    }
    Bytes decrypt(const Bytes &encrypted) {
        return decrypt(std::string_view(reinterpret_cast<const char *>(encrypted.data()),
                                        encrypted.size()));
    }

private:
    detail::Owner<saltyrtc_secure_channel, saltyrtc_secure_channel_free> handle_;
};

/// Splits messages into chunks.
class Chunker {
public:
    explicit Chunker(saltyrtc_chunking_mode mode)
        : handle_(detail::make<saltyrtc_chunker, saltyrtc_chunker_free>(
              saltyrtc_chunker_new, static_cast<std::int32_t>(mode))) {}

    void add(std::string_view message, std::size_t chunk_size) {
        detail::call(saltyrtc_chunker_add, handle_.get(), detail::data(message), message.size(),
                     chunk_size);
    }

    /// Empty if there is no more.
    Bytes next() {
        return detail::filled<Bytes>([&](auto... buffer) {
            return saltyrtc_chunker_next(handle_.get(), buffer...);
        });
    }

private:
    detail::Owner<saltyrtc_chunker, saltyrtc_chunker_free> handle_;
};

/// Reassembles messages from chunks.
class Unchunker {
public:
    Unchunker(saltyrtc_chunking_mode mode, std::size_t max_message_size, std::size_t max_total_size,
              Milliseconds max_age, std::uint32_t remembered)
        : handle_(detail::make<saltyrtc_unchunker, saltyrtc_unchunker_free>(
              saltyrtc_unchunker_new, static_cast<std::int32_t>(mode), max_message_size,
              max_total_size, detail::timeout(max_age), remembered)) {}

    /// The message, if this chunk completes it.
    std::optional<Bytes> add(const std::uint8_t *chunk, std::size_t size) {
        std::size_t len = 0;
        detail::call(saltyrtc_unchunker_add, handle_.get(), chunk, size, &len);
        if (len == 0) {
            return std::nullopt;
        }
        Bytes message(len);
        detail::call(saltyrtc_unchunker_next, handle_.get(), message.data(), len, &len);
        return message;
    }

    std::optional<Bytes> add(const Bytes &chunk) { return add(chunk.data(), chunk.size()); }

    /// Discards messages that are too old. Returns how many were discarded so far.
    std::uint64_t expire() {
        std::uint64_t given_up = 0;
        detail::call(saltyrtc_unchunker_expire, handle_.get(), &given_up);
        return given_up;
    }

private:
    detail::Owner<saltyrtc_unchunker, saltyrtc_unchunker_free> handle_;
};

} // namespace saltyrtc

#endif // SALTYRTC_WEBRTC_HPP
