// libsaltyrtc for C++17: what saltyrtc.h declares, with objects that free themselves, std::function for
// events, std::chrono for time-outs, and exceptions. Header only. Everything is described in saltyrtc.h.
// The part for WebRTC is in saltyrtc_webrtc.hpp, that for ORTC in saltyrtc_ortc.hpp.
//
// Objects are move-only. One that was moved from can only be destroyed or assigned to; a Client that was is
// empty, as one that was made without settings. Failures throw
// saltyrtc::Error, which carries the status.

#ifndef SALTYRTC_HPP
#define SALTYRTC_HPP

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saltyrtc.h"
#include "saltyrtc_names.hpp"

namespace saltyrtc {

/// A call failed. what() says what happened and what to do about it.
class Error : public std::runtime_error {
public:
    Error(saltyrtc_status status, const char *message)
        : std::runtime_error(message), status_(status) {}

    saltyrtc_status status() const noexcept { return status_; }
    /// In a few words.
    std::string_view name() const noexcept { return saltyrtc::name(status_); }

private:
    saltyrtc_status status_;
};

/// Whether to try again with a new client that has the same settings, for the status of a CLOSED event.
inline saltyrtc_retry retry(saltyrtc_status status) noexcept {
    return saltyrtc_status_retry(static_cast<std::int32_t>(status));
}

/// A public key, a secret key or a token.
using Key = std::array<std::uint8_t, SALTYRTC_KEY_BYTES>;
using Bytes = std::vector<std::uint8_t>;
using Milliseconds = std::chrono::milliseconds;

namespace detail {

/// Where a C function puts its error.
class ErrorOut {
public:
    ErrorOut() = default;
    ErrorOut(const ErrorOut &) = delete;
    ErrorOut &operator=(const ErrorOut &) = delete;
    ~ErrorOut() { saltyrtc_error_free(error_); }

    saltyrtc_error **out() noexcept { return &error_; }

    void check(saltyrtc_status status) const {
        if (status != SALTYRTC_STATUS_OK) {
            throw Error(status, error_ ? saltyrtc_error_message(error_)
                                       : saltyrtc_status_name(static_cast<std::int32_t>(status)));
        }
    }

private:
    saltyrtc_error *error_ = nullptr;
};

/// Calls a C function with the arguments and an error.
template <typename Function, typename... Arguments>
void call(Function function, Arguments... arguments) {
    ErrorOut error;
    error.check(function(arguments..., error.out()));
}

/// The same for a function that sends: false where the queue is full, so that nothing was sent.
template <typename Function, typename... Arguments>
bool try_call(Function function, Arguments... arguments) {
    ErrorOut error;
    const saltyrtc_status status = function(arguments..., error.out());
    if (status == SALTYRTC_STATUS_QUEUE_FULL) {
        return false;
    }
    error.check(status);
    return true;
}

/// Calls a C function that fills a buffer: once to learn the size, then again until it fits.
template <typename Buffer, typename Function> Buffer filled(Function function) {
    Buffer buffer;
    for (;;) {
        ErrorOut error;
        std::size_t needed = 0;
        const saltyrtc_status status = function(buffer.data(), buffer.size(), &needed, error.out());
        if (status != SALTYRTC_STATUS_BUFFER_TOO_SMALL) {
            error.check(status);
            buffer.resize(needed);
            return buffer;
        }
        buffer.resize(needed);
    }
}

template <typename Function> std::string text(Function function) {
    std::string text = filled<std::string>(function);
    text.pop_back(); // The NUL.
    return text;
}

inline const std::uint8_t *data(std::string_view bytes) {
    return reinterpret_cast<const std::uint8_t *>(bytes.data());
}

/// A time-out for C, limited to what C can express.
inline std::uint32_t timeout(Milliseconds time) {
    constexpr auto most = std::numeric_limits<std::uint32_t>::max();
    if (time.count() < 0) {
        return 0;
    }
    return time.count() > static_cast<Milliseconds::rep>(most)
               ? most
               : static_cast<std::uint32_t>(time.count());
}

/// Owns a handle of C.
template <typename Handle, void (*Free)(Handle *)> struct Deleter {
    void operator()(Handle *handle) const noexcept { Free(handle); }
};

template <typename Handle, void (*Free)(Handle *)>
using Owner = std::unique_ptr<Handle, Deleter<Handle, Free>>;

template <typename Handle, void (*Free)(Handle *), typename Function, typename... Arguments>
Owner<Handle, Free> make(Function function, Arguments... arguments) {
    Handle *handle = nullptr;
    call(function, arguments..., &handle);
    return Owner<Handle, Free>(handle);
}

} // namespace detail

/// A key pair. Whoever has the secret key can take its owner's place.
struct KeyPair {
    Key public_key;
    Key secret_key;

    static KeyPair generate() {
        KeyPair pair{};
        detail::call(saltyrtc_key_pair_generate, pair.public_key.data(), pair.secret_key.data());
        return pair;
    }

    static KeyPair from_secret(const Key &secret_key) {
        KeyPair pair{{}, secret_key};
        detail::call(saltyrtc_public_key_from_secret, secret_key.data(), pair.public_key.data());
        return pair;
    }
};

inline std::string to_hex(const Key &key) {
    return detail::text([&](char *buffer, std::size_t capacity, std::size_t *len,
                            saltyrtc_error **error) {
        return saltyrtc_key_to_hex(key.data(), buffer, capacity, len, error);
    });
}

inline Key key_from_hex(const std::string &hex) {
    Key key{};
    detail::call(saltyrtc_key_from_hex, hex.c_str(), key.data());
    return key;
}

/// What a responder has to know to reach an initiator.
class Invitation {
public:
    /// Parses the URI.
    explicit Invitation(const std::string &uri)
        : handle_(detail::make<saltyrtc_invitation, saltyrtc_invitation_free>(
              saltyrtc_invitation_parse, uri.c_str())) {}

    Invitation(const std::string &server_url, const Key &initiator_key,
               const std::optional<Key> &server_key, const std::optional<Key> &token)
        : handle_(detail::make<saltyrtc_invitation, saltyrtc_invitation_free>(
              saltyrtc_invitation_new, server_url.c_str(), initiator_key.data(),
              server_key ? server_key->data() : nullptr, token ? token->data() : nullptr)) {}

    std::string uri() const { return text(saltyrtc_invitation_uri); }
    std::string qr_code() const { return text(saltyrtc_invitation_qr_code); }
    std::string server_url() const { return text(saltyrtc_invitation_server_url); }

    Key initiator_key() const { return key(saltyrtc_invitation_initiator_key).value(); }
    std::optional<Key> server_key() const { return key(saltyrtc_invitation_server_key); }
    std::optional<Key> token() const { return key(saltyrtc_invitation_token); }

    saltyrtc_invitation *get() const noexcept { return handle_.get(); }

private:
    template <typename Function> std::string text(Function function) const {
        return detail::text([&](char *buffer, std::size_t capacity, std::size_t *len,
                                saltyrtc_error **error) {
            return function(get(), buffer, capacity, len, error);
        });
    }

    template <typename Function> std::optional<Key> key(Function function) const {
        Key key{};
        detail::ErrorOut error;
        const saltyrtc_status status = function(get(), key.data(), error.out());
        if (status == SALTYRTC_STATUS_NOT_PRESENT) {
            return std::nullopt;
        }
        error.check(status);
        return key;
    }

    detail::Owner<saltyrtc_invitation, saltyrtc_invitation_free> handle_;
};

/// The settings of a client.
class Config {
public:
    /// Without a secret key, a new key pair is generated.
    static Config initiator(const std::string &server_url,
                            const std::optional<Key> &secret_key = std::nullopt) {
        return Config(make(saltyrtc_config_new_initiator, server_url, secret_key));
    }

    static Config responder(const std::string &invitation_uri,
                            const std::optional<Key> &secret_key = std::nullopt) {
        return Config(make(saltyrtc_config_new_responder, invitation_uri, secret_key));
    }

    Key public_key() const {
        Key key{};
        detail::call(saltyrtc_config_public_key, get(), key.data());
        return key;
    }

    /// Initiator: the URI for the responder. It is a secret if there is a token in it.
    std::string invitation() const {
        return detail::text([&](char *buffer, std::size_t capacity, std::size_t *len,
                                saltyrtc_error **error) {
            return saltyrtc_config_invitation(get(), buffer, capacity, len, error);
        });
    }

    Config &server_key(const std::optional<Key> &key) {
        return set(saltyrtc_config_set_server_key, key ? key->data() : nullptr);
    }
    Config &trusted_peer(const Key &key) {
        return set(saltyrtc_config_set_trusted_peer, key.data());
    }
    Config &token(const Key &token) { return set(saltyrtc_config_set_token, token.data()); }

    Config &add_relayed_data_task() { return set(saltyrtc_config_add_relayed_data_task); }
    /// `data` is a MessagePack map, or empty.
    Config &add_custom_task(const std::string &name, std::string_view data = {}) {
        return set(saltyrtc_config_add_custom_task, name.c_str(), detail::data(data), data.size());
    }

    /// In PEM or DER.
    Config &add_tls_certificates(std::string_view certificates) {
        return set(saltyrtc_config_add_tls_certificates, detail::data(certificates),
                   certificates.size());
    }
    Config &system_roots(bool use) { return set(saltyrtc_config_set_system_roots, use); }

    Config &proxy(const std::string &url) { return set(saltyrtc_config_set_proxy, url.c_str()); }
    Config &environment_proxy() { return set(saltyrtc_config_use_environment_proxy); }

    Config &connect_timeout(Milliseconds time) {
        return set(saltyrtc_config_set_connect_timeout, detail::timeout(time));
    }
    Config &response_timeout(Milliseconds time) {
        return set(saltyrtc_config_set_response_timeout, detail::timeout(time));
    }
    Config &server_handshake_timeout(Milliseconds time) {
        return set(saltyrtc_config_set_server_handshake_timeout, detail::timeout(time));
    }
    Config &peer_handshake_timeout(Milliseconds time) {
        return set(saltyrtc_config_set_peer_handshake_timeout, detail::timeout(time));
    }
    Config &ping_interval(std::chrono::duration<std::uint32_t> interval) {
        return set(saltyrtc_config_set_ping_interval, interval.count());
    }
    Config &max_message_size(std::size_t size) {
        return set(saltyrtc_config_set_max_message_size, size);
    }
    Config &max_queue_size(std::size_t size) {
        return set(saltyrtc_config_set_max_queue_size, size);
    }
    Config &when_peer_leaves(saltyrtc_when_peer_leaves what) {
        return set(saltyrtc_config_set_when_peer_leaves, static_cast<std::int32_t>(what));
    }

    saltyrtc_config *get() const noexcept { return handle_.get(); }

private:
    using Handle = detail::Owner<saltyrtc_config, saltyrtc_config_free>;

    explicit Config(Handle handle) : handle_(std::move(handle)) {}

    template <typename Function>
    static Handle make(Function function, const std::string &text, const std::optional<Key> &key) {
        return detail::make<saltyrtc_config, saltyrtc_config_free>(
            function, text.c_str(), key ? key->data() : nullptr);
    }

    template <typename Function, typename... Arguments>
    Config &set(Function function, Arguments... arguments) {
        detail::call(function, get(), arguments...);
        return *this;
    }

    Handle handle_;
};

/// An event, without owning it: in a callback it is valid until the callback returns.
class EventView {
public:
    explicit EventView(const saltyrtc_event *event) noexcept : event_(event) {}

    saltyrtc_event_kind kind() const noexcept { return event_->kind; }
    /// The kind in a few words, for example "peer handshake done".
    std::string_view kind_name() const noexcept {
        return saltyrtc_event_kind_name(static_cast<std::int32_t>(event_->kind));
    }
    /// Of a client on a queue: which one.
    std::uint64_t token() const noexcept { return event_->token; }
    /// All fields; saltyrtc_event_kind says which of them an event has.
    const saltyrtc_event &operator*() const noexcept { return *event_; }
    const saltyrtc_event *operator->() const noexcept { return event_; }

    /// The data, as bytes or text.
    std::string_view data() const noexcept {
        return event_->data_len == 0
                   ? std::string_view()
                   : std::string_view(reinterpret_cast<const char *>(event_->data),
                                      event_->data_len);
    }
    /// What happened and what to do about it.
    std::string_view text() const noexcept { return {event_->text, event_->text_len}; }
    std::string_view task() const noexcept { return {event_->task, event_->task_len}; }
    std::optional<Key> peer_key() const {
        if (event_->peer_key == nullptr) {
            return std::nullopt;
        }
        Key key{};
        for (std::size_t i = 0; i < key.size(); i++) {
            key[i] = event_->peer_key[i];
        }
        return key;
    }

private:
    const saltyrtc_event *event_;
};

/// An event of Client::next_event or Queue::next_events.
class Event : public EventView {
public:
    explicit Event(saltyrtc_event *event) noexcept : EventView(event), handle_(event) {}

private:
    detail::Owner<saltyrtc_event, saltyrtc_event_free> handle_;
};

/// What Client::next_event gives: an event; or none, because there was none in the given time, or because the
/// client has ended.
class NextEvent : public std::optional<Event> {
public:
    static NextEvent timeout() noexcept { return NextEvent(false); }
    static NextEvent end() noexcept { return NextEvent(true); }
    explicit NextEvent(Event event) noexcept : std::optional<Event>(std::move(event)) {}

    /// CLOSED was taken already: no event will ever follow.
    bool ended() const noexcept { return ended_; }
    /// There was no event in the given time; later there may be one.
    bool timed_out() const noexcept { return !has_value() && !ended_; }

private:
    explicit NextEvent(bool ended) noexcept : ended_(ended) {}

    bool ended_ = false;
};

/// Takes the events of many clients: one thread, or one descriptor in an event loop, is enough for all of
/// them. Destroying it closes the clients that are still on it.
class Queue {
public:
    Queue()
        : handle_(detail::make<saltyrtc_queue, saltyrtc_queue_free>(saltyrtc_queue_new)) {}

    /// The next events, `most` of them at most; none if there were none in the given time, or if it was woken.
    std::vector<Event> next_events(Milliseconds time, std::size_t most = 64) {
        return next_events_in(time.count() < 0 ? 0 : static_cast<std::int64_t>(time.count()), most);
    }

    /// Waits for the next events; none if it was woken.
    std::vector<Event> next_events(std::size_t most = 64) { return next_events_in(-1, most); }

    /// Makes one call of next_events return without an event: one that waits, or else the next one.
    void wake() const { detail::call(saltyrtc_queue_wake, handle_.get()); }

    /// Has log messages come as events, of which `capacity` wait at most.
    void set_log(saltyrtc_log_level level, std::size_t capacity) const {
        detail::call(saltyrtc_queue_set_log, handle_.get(), static_cast<std::int32_t>(level), capacity);
    }

    /// Readable exactly while next_events would not wait. Unix only.
    int fd() const {
        int fd = -1;
        detail::call(saltyrtc_queue_fd, handle_.get(), &fd);
        return fd;
    }

    saltyrtc_queue *get() const noexcept { return handle_.get(); }

private:
    std::vector<Event> next_events_in(std::int64_t milliseconds, std::size_t most) {
        std::vector<saltyrtc_event *> taken(most);
        std::vector<Event> events;
        events.reserve(most);
        std::size_t count = 0;
        detail::ErrorOut error;
        const saltyrtc_status status = saltyrtc_queue_next_events(
            handle_.get(), milliseconds, taken.data(), taken.size(), &count, error.out());
        if (status != SALTYRTC_STATUS_TIMEOUT) {
            error.check(status);
        }
        for (std::size_t i = 0; i < count; i++) {
            events.emplace_back(taken[i]);
        }
        return events;
    }

    detail::Owner<saltyrtc_queue, saltyrtc_queue_free> handle_;
};

/// A client, without owning it: what callbacks get.
class ClientRef {
public:
    explicit ClientRef(saltyrtc_client *client) noexcept : client_(client) {}

    void send_bytes(std::string_view data) const {
        call(saltyrtc_client_send_bytes, detail::data(data), data.size());
    }
    void send_bytes(const Bytes &data) const {
        call(saltyrtc_client_send_bytes, data.data(), data.size());
    }
    void send_text(std::string_view text) const {
        call(saltyrtc_client_send_text, text.data(), text.size());
    }
    void send_msgpack(std::string_view value) const {
        call(saltyrtc_client_send_msgpack, detail::data(value), value.size());
    }
    void send_application_bytes(std::string_view data) const {
        call(saltyrtc_client_send_application_bytes, detail::data(data), data.size());
    }
    void send_application_text(std::string_view text) const {
        call(saltyrtc_client_send_application_text, text.data(), text.size());
    }
    void send_application_msgpack(std::string_view value) const {
        call(saltyrtc_client_send_application_msgpack, detail::data(value), value.size());
    }
    void send_task_message(std::string_view map) const {
        call(saltyrtc_client_send_task_message, detail::data(map), map.size());
    }

    /// Like those above, but false where they throw SALTYRTC_STATUS_QUEUE_FULL: nothing was sent, and the event
    /// WRITABLE follows when there is room. Every other failure throws.
    bool try_send_bytes(std::string_view data) const {
        return try_call(saltyrtc_client_send_bytes, detail::data(data), data.size());
    }
    bool try_send_bytes(const Bytes &data) const {
        return try_call(saltyrtc_client_send_bytes, data.data(), data.size());
    }
    bool try_send_text(std::string_view text) const {
        return try_call(saltyrtc_client_send_text, text.data(), text.size());
    }
    bool try_send_msgpack(std::string_view value) const {
        return try_call(saltyrtc_client_send_msgpack, detail::data(value), value.size());
    }
    bool try_send_application_bytes(std::string_view data) const {
        return try_call(saltyrtc_client_send_application_bytes, detail::data(data), data.size());
    }
    bool try_send_application_text(std::string_view text) const {
        return try_call(saltyrtc_client_send_application_text, text.data(), text.size());
    }
    bool try_send_application_msgpack(std::string_view value) const {
        return try_call(saltyrtc_client_send_application_msgpack, detail::data(value), value.size());
    }
    bool try_send_task_message(std::string_view map) const {
        return try_call(saltyrtc_client_send_task_message, detail::data(map), map.size());
    }

    /// Closes the connection. The event CLOSED follows when that is done.
    void close() const { call(saltyrtc_client_close); }

    saltyrtc_state state() const {
        saltyrtc_state state = SALTYRTC_STATE_CLOSED;
        call(saltyrtc_client_state, &state);
        return state;
    }
    Key path() const { return key(saltyrtc_client_path); }
    Key public_key() const { return key(saltyrtc_client_public_key); }
    Key peer_key() const { return key(saltyrtc_client_peer_key); }
    std::string task() const {
        return detail::text([&](char *buffer, std::size_t capacity, std::size_t *len,
                                saltyrtc_error **error) {
            return saltyrtc_client_task(client_, buffer, capacity, len, error);
        });
    }
    std::string invitation(const std::optional<Key> &token = std::nullopt) const {
        return detail::text([&](char *buffer, std::size_t capacity, std::size_t *len,
                                saltyrtc_error **error) {
            return saltyrtc_client_invitation(client_, token ? token->data() : nullptr, buffer,
                                              capacity, len, error);
        });
    }

    /// How many bytes wait to be sent, and the mark for the event LOW_WATER.
    std::size_t buffered_amount() const {
        std::size_t amount = 0;
        call(saltyrtc_client_buffered_amount, &amount);
        return amount;
    }
    void set_low_water(std::size_t bytes) const { call(saltyrtc_client_set_low_water, bytes); }

    Key issue_token() const { return key(saltyrtc_client_issue_token); }
    void trust_peer() const { call(saltyrtc_client_trust_peer); }
    void drop_responder(std::uint8_t address, std::int32_t close_code) const {
        call(saltyrtc_client_drop_responder, address, close_code);
    }

    Bytes encrypt(std::string_view data) const {
        return detail::filled<Bytes>([&](std::uint8_t *buffer, std::size_t capacity,
                                         std::size_t *len, saltyrtc_error **error) {
            return saltyrtc_client_encrypt(client_, detail::data(data), data.size(), buffer,
                                           capacity, len, error);
        });
    }
    Bytes decrypt(const Bytes &encrypted) const {
        return detail::filled<Bytes>([&](std::uint8_t *buffer, std::size_t capacity,
                                         std::size_t *len, saltyrtc_error **error) {
            return saltyrtc_client_decrypt(client_, encrypted.data(), encrypted.size(), buffer,
                                           capacity, len, error);
        });
    }

    saltyrtc_client *get() const noexcept { return client_; }

private:
    template <typename Function, typename... Arguments>
    void call(Function function, Arguments... arguments) const {
        detail::call(function, client_, arguments...);
    }

    template <typename Function, typename... Arguments>
    bool try_call(Function function, Arguments... arguments) const {
        return detail::try_call(function, client_, arguments...);
    }

    template <typename Function> Key key(Function function) const {
        Key key{};
        call(function, key.data());
        return key;
    }

    saltyrtc_client *client_;
};

/// Receives the events of a client, on the event thread of the library. It may be called before the
/// constructor of Client has returned, so use the client that is passed to it. An exception that it throws
/// ends the program.
using OnEvent = std::function<void(ClientRef client, const EventView &event)>;

/// A connection. Destroying it waits until its callback has returned, except in that callback itself.
class Client {
public:
    /// No client, to be assigned to. What is called on it throws SALTYRTC_STATUS_NULL_ARGUMENT.
    Client() noexcept : ref_(nullptr) {}

    Client(Client &&other) noexcept
        : handle_(std::move(other.handle_)), ref_(std::exchange(other.ref_, ClientRef(nullptr))) {}

    Client &operator=(Client &&other) noexcept {
        handle_ = std::move(other.handle_);
        ref_ = std::exchange(other.ref_, ClientRef(nullptr));
        return *this;
    }

    /// Whether there is one.
    explicit operator bool() const noexcept { return handle_ != nullptr; }

    /// A client whose events are taken with next_event.
    explicit Client(const Config &config) : Client(config, nullptr, nullptr, nullptr) {}

    /// A client whose events are passed to a function, which is destroyed after its last call.
    Client(const Config &config, OnEvent on_event)
        : Client(config, call_function, new OnEvent(std::move(on_event)), delete_function) {}

    /// A client whose events go to a queue, with the token in each.
    Client(const Config &config, const Queue &queue, std::uint64_t token)
        : Client(detail::make<saltyrtc_client, saltyrtc_client_free>(
              saltyrtc_client_new_on_queue, config.get(), queue.get(), token)) {}

    ClientRef ref() const noexcept { return ClientRef(handle_.get()); }
    ClientRef operator*() const noexcept { return ref(); }

    /// What can be done with a client: client->send_text("hello").
    const ClientRef *operator->() const noexcept { return &ref_; }

    /// The next event. Without one, ended() tells the end from a time-out.
    NextEvent next_event(Milliseconds time) {
        return next_event_in(time.count() < 0 ? 0 : static_cast<std::int64_t>(time.count()));
    }

    /// Waits for the next event; nothing if CLOSED was taken already.
    NextEvent next_event() { return next_event_in(-1); }

    /// Readable exactly while events wait. Unix only.
    int event_fd() const {
        int fd = -1;
        detail::call(saltyrtc_client_event_fd, handle_.get(), &fd);
        return fd;
    }

private:
    using Handle = detail::Owner<saltyrtc_client, saltyrtc_client_free>;

    explicit Client(Handle handle) : handle_(std::move(handle)), ref_(handle_.get()) {}

    Client(const Config &config, saltyrtc_event_callback callback, void *user_data,
           saltyrtc_user_data_free user_data_free)
        : Client(detail::make<saltyrtc_client, saltyrtc_client_free>(
              saltyrtc_client_new, config.get(), callback, user_data, user_data_free)) {}

    static void call_function(saltyrtc_client *client, const saltyrtc_event *event,
                              void *function) noexcept {
        (*static_cast<OnEvent *>(function))(ClientRef(client), EventView(event));
    }

    static void delete_function(void *function) noexcept {
        delete static_cast<OnEvent *>(function);
    }

    NextEvent next_event_in(std::int64_t milliseconds) {
        saltyrtc_event *event = nullptr;
        detail::ErrorOut error;
        const saltyrtc_status status =
            saltyrtc_client_next_event(handle_.get(), milliseconds, &event, error.out());
        if (status == SALTYRTC_STATUS_TIMEOUT) {
            return NextEvent::timeout();
        }
        if (status == SALTYRTC_STATUS_NO_MORE_EVENTS) {
            return NextEvent::end();
        }
        error.check(status);
        return NextEvent(Event(event));
    }

    Handle handle_;
    ClientRef ref_;
};

/// The settings of a server.
class ServerConfig {
public:
    /// With port 0, the operating system chooses one. Or `unix:` and the path of a Unix socket.
    explicit ServerConfig(const std::string &address, std::uint16_t port = 0)
        : handle_(detail::make<saltyrtc_server_config, saltyrtc_server_config_free>(
              saltyrtc_server_config_new, address.c_str(), port)) {}

    ServerConfig &add_permanent_key(const Key &secret_key) {
        return set(saltyrtc_server_config_add_permanent_key, secret_key.data());
    }
    /// Both in PEM.
    ServerConfig &tls(std::string_view certificates, std::string_view private_key) {
        return set(saltyrtc_server_config_set_tls, detail::data(certificates),
                   certificates.size(), detail::data(private_key), private_key.size());
    }
    /// Times are in milliseconds; SALTYRTC_NO_LIMIT switches an optional limit off.
    ServerConfig &limit(saltyrtc_limit limit, std::uint64_t value) {
        return set(saltyrtc_server_config_set_limit, static_cast<std::int32_t>(limit), value);
    }
    ServerConfig &accept_no_shared_task(bool accept) {
        return set(saltyrtc_server_config_set_accept_no_shared_task, accept);
    }

    saltyrtc_server_config *get() const noexcept { return handle_.get(); }

private:
    template <typename Function, typename... Arguments>
    ServerConfig &set(Function function, Arguments... arguments) {
        detail::call(function, get(), arguments...);
        return *this;
    }

    detail::Owner<saltyrtc_server_config, saltyrtc_server_config_free> handle_;
};

/// A running server. Destroying it drops its connections; stop() closes them gracefully.
class Server {
public:
    explicit Server(const ServerConfig &config)
        : handle_(detail::make<saltyrtc_server, saltyrtc_server_free>(saltyrtc_server_start,
                                                                      config.get())) {}

    std::uint16_t port() const {
        std::uint16_t port = 0;
        detail::call(saltyrtc_server_port, handle_.get(), &port);
        return port;
    }
    std::string address() const { return text(saltyrtc_server_address); }
    std::string url() const { return text(saltyrtc_server_url); }

    void stop(Milliseconds time) {
        detail::call(saltyrtc_server_stop, handle_.get(), detail::timeout(time));
    }
    /// Returns at once: an event on the queue tells of the end, with the token in it.
    void stop(Milliseconds time, const Queue &queue, std::uint64_t token) {
        detail::call(saltyrtc_server_stop_on_queue, handle_.get(), detail::timeout(time), queue.get(),
                     token);
    }

private:
    template <typename Function> std::string text(Function function) const {
        return detail::text([&](char *buffer, std::size_t capacity, std::size_t *len,
                                saltyrtc_error **error) {
            return function(handle_.get(), buffer, capacity, len, error);
        });
    }

    detail::Owner<saltyrtc_server, saltyrtc_server_free> handle_;
};

/// Receives log messages, on any thread and on several at once. It must not call the library.
using OnLog = std::function<void(saltyrtc_log_level level, std::string_view target,
                                 std::string_view message)>;

namespace detail {

inline void call_log(std::int32_t level, const char *target, const char *message,
                     void *function) noexcept {
    (*static_cast<OnLog *>(function))(static_cast<saltyrtc_log_level>(level), target, message);
}

inline void delete_log(void *function) noexcept { delete static_cast<OnLog *>(function); }

} // namespace detail

/// Sets the function that receives the log messages of the whole process; an empty function for none.
inline void set_log(saltyrtc_log_level level, OnLog on_log) {
    const auto number = static_cast<std::int32_t>(level);
    if (on_log) {
        detail::call(saltyrtc_log_set_callback, number, detail::call_log,
                     static_cast<void *>(new OnLog(std::move(on_log))), detail::delete_log);
    } else {
        detail::call(saltyrtc_log_set_callback, number, saltyrtc_log_callback{},
                     static_cast<void *>(nullptr), saltyrtc_user_data_free{});
    }
}

/// Tells all clients that the network of this host has changed.
inline void network_changed() { detail::call(saltyrtc_network_changed); }

/// Stops all threads of the library. Destroy clients and servers before.
inline void shutdown(Milliseconds time) {
    detail::call(saltyrtc_shutdown, detail::timeout(time));
}

} // namespace saltyrtc

#endif // SALTYRTC_HPP
