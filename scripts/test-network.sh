#!/usr/bin/env bash
# Peers in a small Internet of network namespaces: tests/rtc_network/README.md. Needs root or sudo.
#
# Arguments: names of tests, as in test_topology or test_peers.Peers.test_relay_only_uses_nothing_but_the_relay.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() {
    echo "test-network: $1 is missing: run 'make test-tools'" >&2
    exit 1
}

for program in ip nft sysctl turnserver turnutils_uclient openssl node chromium python3; do
    PATH=$PATH:/usr/sbin:/sbin command -v $program >/dev/null || missing $program
done
if [ ! -c /dev/net/tun ]; then
    echo "test-network: there is no /dev/net/tun: load the kernel module tun" >&2
    exit 1
fi

cargo build --locked --quiet --bin saltyrtc-server --lib
libraries=$(realpath "${CARGO_TARGET_DIR:-target}/debug")
mkdir -p build
"${CC:-cc}" -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror -g -Iinclude -o build/rtc_peer \
    tests/rtc_network/rtc_peer.c "$libraries/libsaltyrtc.a" -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
for directory in tests/interop/js examples-web; do
    npm ci --prefix $directory --prefer-offline --no-audit --no-fund --silent
done

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo --preserve-env=CARGO_TARGET_DIR,PATH)
cd tests/rtc_network
exec "${as_root[@]}" python3 -B -m unittest --failfast "${@:-discover}"
