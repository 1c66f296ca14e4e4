#!/bin/sh
# Installs the foreign implementations that the interoperability tests run against, and runs the tests.
# Arguments go to the test program, for instance the name of a test.
set -eu
cd "$(dirname "$0")/.."

install_packages() {
    if ! command -v apt-get >/dev/null; then
        echo "Please install: $*" >&2
        return 1
    fi
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get install -y --no-install-recommends "$@" || {
        $sudo apt-get update
        $sudo apt-get install -y --no-install-recommends "$@"
    }
}

packages=
command -v npm >/dev/null || packages="$packages nodejs npm"
[ -n "${SALTYRTC_INTEROP_CHROMIUM:-}" ] || command -v chromium >/dev/null || packages="$packages chromium"
# shellcheck disable=SC2086 # a list of words
[ -z "$packages" ] || install_packages $packages

npm ci --prefix tests/interop/js --prefer-offline --no-audit --no-fund
npm ci --prefix examples-web --prefer-offline --no-audit --no-fund

python=$(scripts/install-python-server.sh)
if [ "$python" = none ]; then
    echo "The tests with the Python server are NOT RUN." >&2
fi
export SALTYRTC_INTEROP_PYTHON="$python"

# The examples that meet the page in Chromium.
if ! pkg-config --exists gstreamer-webrtc-1.0 gstreamer-sdp-1.0 libcrypto; then
    echo "test-interop: the development files of GStreamer's WebRTC or of OpenSSL are missing: run 'make test-tools'" >&2
    exit 1
fi
cargo build --locked --quiet --lib
mkdir -p build/interop
# shellcheck disable=SC2046 # lists of words
compile() {
    example=$1
    shift
    "${CC:-cc}" -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -O2 -g -Iinclude \
        -o "build/interop/$example" "examples-c/$example.c" "${CARGO_TARGET_DIR:-target}/debug/libsaltyrtc.a" "$@" \
        $(scripts/static-libs.sh)
}
compile send_file
# shellcheck disable=SC2046 # a list of words
compile gstreamer_webrtc $(pkg-config --cflags --libs gstreamer-webrtc-1.0 gstreamer-sdp-1.0 libcrypto)

cargo test --locked --test interop -- "$@"
