#!/usr/bin/env bash
# Builds the watched peers (tests/rtc_network/README.md), the server that they meet at, and the link between them.
#
# Arguments: which ones, in place of all: rtc_peer, ortc_middle, gst_peer, link.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p build
[ $# != 0 ] || set -- rtc_peer ortc_middle gst_peer link

# compile <program> <options…>
compile() {
    "${CC:-cc}" -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Wconversion -Werror -O1 -g -Iinclude \
        -o "build/$1" "tests/rtc_network/$1.c" "${@:2}"
}

# compile_peer <program> <packages…>
compile_peer() {
    local options=()
    if [ $# -gt 1 ]; then
        # As system headers: our warnings are not for them.
        read -ra options < <(pkg-config --cflags --libs "${@:2}" | sed 's/-I/-isystem /g')
    fi
    # Each call but the first finds everything built.
    cargo build --locked --quiet --bin saltyrtc-server --lib
    # shellcheck disable=SC2046 # a list of words
    compile "$1" "${options[@]}" "${CARGO_TARGET_DIR:-target}/debug/libsaltyrtc.a" $(scripts/static-libs.sh)
}

for program in "$@"; do
    case $program in
    link) compile link ;;
    gst_peer) compile_peer gst_peer gstreamer-webrtc-1.0 gstreamer-sdp-1.0 libcrypto ;;
    *) compile_peer "$program" ;;
    esac
done
