#!/usr/bin/env bash
# Builds the libraries that `make bench-rtc` compares the built-in WebRTC with, in target/rtc-others. What
# cannot be built here is left out, which is not an error: the program that measures says so.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}/rtc-others

packages=()

# need <command that succeeds if it is there> <Debian package>
need() {
    bash -c "$1" >/dev/null 2>&1 || packages+=("$2")
}

# All for libdatachannel. Its bindings are made from its header with libclang.
need 'command -v cmake' cmake
need 'command -v c++' g++
need 'command -v make' make
need '[ -e /usr/include/openssl/ssl.h ]' libssl-dev
need 'ls /usr/lib/llvm-*/lib/libclang.so* /usr/lib/*/libclang*.so*' libclang-dev

if [ ${#packages[@]} -gt 0 ]; then
    echo "libdatachannel needs these Debian packages, which are not installed: ${packages[*]}"
    sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo)
    if command -v apt-get >/dev/null; then
        echo "Installing them with apt-get${sudo:+ (through sudo)}."
        "${sudo[@]}" apt-get update -q=2 &&
            "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q=2 --no-install-recommends \
                -o Dpkg::Use-Pty=0 "${packages[@]}" >/dev/null ||
            echo "That did not work." >&2
    fi
fi

for name in webrtc-rs libdatachannel; do
    echo "Building $name (some minutes, once)."
    if ! log=$(cargo build --locked --quiet --release --manifest-path benches/rtc-others/Cargo.toml \
        --target-dir "$target" --features "$name" --bin "$name" 2>&1); then
        rm -f "$target/release/$name"
        printf '%s\n' "$log" | tail -n 20 >&2
        echo "NOT BUILT: $name. The comparison goes on without it." >&2
    fi
done
