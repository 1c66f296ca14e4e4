#!/usr/bin/env bash
# Builds the C examples that the bindings meet in their tests. Arguments: the shared library, and where to put them.
set -euo pipefail
cd "$(dirname "$0")/.."
library=$1
out=$2

mkdir -p "$out"
ln -sf "$library" "$out/libsaltyrtc.so"
soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
ln -sf "$library" "$out/$soname"
for example in chat send_file server trusted gstreamer_webrtc; do
    # What else an example is linked with, it says itself. As system headers: our warnings are not for them.
    packages=$(sed -n 's/^ \* Compile it with: pkg-config saltyrtc //p' "examples-c/$example.c")
    flags=()
    if [ -n "$packages" ]; then
        # shellcheck disable=SC2046,SC2086 # lists of words
        flags=($(pkg-config --cflags --libs $packages | sed 's/-I/-isystem /g'))
    fi
    "${CC:-cc}" -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -O1 -g -Iinclude -o "$out/$example" \
        "examples-c/$example.c" "${flags[@]}" -L"$out" -Wl,-rpath,"$out" -lsaltyrtc -lpthread
done
