// What the tests of the C++ wrapper share besides support.h.

#ifndef SUPPORT_HPP
#define SUPPORT_HPP

#include <chrono>
#include <string>
#include <type_traits>

#include "support.h"

#include "saltyrtc.hpp"

/// Whether the function throws an error with this status, and a text that has the word in it.
template <typename Function> void fails(saltyrtc_status expected, const char *word, Function function) {
    try {
        function();
    } catch (const saltyrtc::Error &error) {
        CHECK(error.status() == expected);
        CHECK(std::string(error.what()).find(word) != std::string::npos);
        return;
    }
    fail_at(__FILE__, __LINE__, "an exception is thrown");
}

/// The next event of this kind. Those before it are left out, the end of the client excepted.
inline saltyrtc::Event wait_for(saltyrtc::Client &client, saltyrtc_event_kind kind) {
    for (;;) {
        auto event = client.next_event(std::chrono::milliseconds(LIMIT_MS));
        CHECK(event.has_value());
        if (event->kind() == kind) {
            return std::move(*event);
        }
        CHECK(event->kind() != SALTYRTC_EVENT_KIND_CLOSED);
    }
}

template <typename Type> constexpr bool moves_only() {
    return std::is_nothrow_move_constructible_v<Type> && std::is_nothrow_move_assignable_v<Type> &&
           !std::is_copy_constructible_v<Type> && !std::is_copy_assignable_v<Type>;
}

#endif
