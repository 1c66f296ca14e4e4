/* For tests that call functions with NULL and with nonsense. Valid as C99 and as C++11. */

#ifndef NONSENSE_H
#define NONSENSE_H

#include "support.h"

/* What outputs are before a call. */
static void *const BEFORE = (void *)(uintptr_t)0x7777;
enum { BEFORE_BYTE = 0x77 };

static const char NOT_UTF8[] = "\xff\xfe";

#define IS_NULL(argument, call) FAILS(SALTYRTC_STATUS_NULL_ARGUMENT, argument " must not be NULL", call)
#define IS_BAD(argument, call) FAILS(SALTYRTC_STATUS_BAD_ARGUMENT, argument, call)

/* A function that fills a text buffer, with a handle as its first argument. */
#define FILLS_TEXT(handle_name, function, handle)                                               \
    do {                                                                                        \
        char text_[1024], small_[4] = {1, 1, 1, 1};                                             \
        size_t len_ = 99, needed_ = 0;                                                          \
        memset(text_, BEFORE_BYTE, sizeof text_);                                               \
        IS_NULL(handle_name, function(NULL, text_, sizeof text_, &len_, &error));               \
        CHECK(text_[0] == '\0' && text_[1] == BEFORE_BYTE && len_ == 0);                        \
        FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",                                       \
              function(handle, NULL, 0, &needed_, &error));                                     \
        CHECK(needed_ > 0);                                                                     \
        FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",                                       \
              function(handle, NULL, sizeof text_, &len_, &error));                             \
        FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",                                       \
              function(handle, small_, 2, NULL, &error));                                       \
        CHECK(small_[0] == '\0' && small_[1] == 1 && small_[2] == 1);                           \
        FAILS(SALTYRTC_STATUS_BUFFER_TOO_SMALL, "buffer",                                       \
              function(handle, text_, needed_ - 1, &len_, &error));                             \
        CHECK(len_ == needed_ && text_[0] == '\0');                                             \
        OK(function(handle, text_, needed_, &len_, &error));                                    \
        CHECK(len_ == needed_ && strlen(text_) + 1 == needed_);                                 \
        CHECK(function(handle, text_, needed_, NULL, NULL) == SALTYRTC_STATUS_OK);              \
        CHECK(function(NULL, NULL, 0, NULL, NULL) == SALTYRTC_STATUS_NULL_ARGUMENT);            \
    } while (0)

/* A function that fills a key, with a handle as its first argument. */
#define FILLS_KEY(handle_name, key_name, function, handle)                                      \
    do {                                                                                        \
        uint8_t key_[SALTYRTC_KEY_BYTES + 1];                                                   \
        memset(key_, BEFORE_BYTE, sizeof key_);                                                 \
        IS_NULL(handle_name, function(NULL, key_, &error));                                     \
        CHECK(all_bytes_are(key_, SALTYRTC_KEY_BYTES, 0));                                      \
        CHECK(key_[SALTYRTC_KEY_BYTES] == BEFORE_BYTE);                                         \
        IS_NULL(key_name, function(handle, NULL, &error));                                      \
        CHECK(function(NULL, NULL, NULL) == SALTYRTC_STATUS_NULL_ARGUMENT);                     \
    } while (0)

#endif
