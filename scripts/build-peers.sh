#!/usr/bin/env bash
# Builds the watched peers (tests/rtc_network/README.md) and the server that they meet at.
#
# Arguments: which ones, in place of all: rtc_peer, gst_peer.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --locked --quiet --bin saltyrtc-server --lib
library=${CARGO_TARGET_DIR:-target}/debug/libsaltyrtc.a
mkdir -p build
[ $# != 0 ] || set -- rtc_peer gst_peer
for peer in "$@"; do
    packages=()
    if [ "$peer" = gst_peer ]; then
        # As system headers: our warnings are not for them.
        read -ra packages < <(pkg-config --cflags --libs gstreamer-webrtc-1.0 gstreamer-sdp-1.0 libcrypto | sed 's/-I/-isystem /g')
    fi
    "${CC:-cc}" -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Wconversion -Werror -O1 -g -Iinclude \
        -o "build/$peer" "tests/rtc_network/$peer.c" "${packages[@]}" "$library" -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
done
