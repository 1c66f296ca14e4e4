// What the tests of the C++ wrapper share besides support.h.

#ifndef SUPPORT_HPP
#define SUPPORT_HPP

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

template <typename Type> constexpr bool moves_only() {
    return std::is_nothrow_move_constructible_v<Type> && std::is_nothrow_move_assignable_v<Type> &&
           !std::is_copy_constructible_v<Type> && !std::is_copy_assignable_v<Type>;
}

#endif
