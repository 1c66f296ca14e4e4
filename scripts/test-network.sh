#!/usr/bin/env bash
# Peers in a small Internet of network namespaces: tests/rtc_network/README.md. Needs root or sudo.
#
# Arguments: names of tests, as in test_topology or test_peers.Peers.test_relay_only_uses_nothing_but_the_relay.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PATH:/usr/sbin:/sbin

missing() {
    echo "test-network: $1 is missing: run 'make test-tools'" >&2
    exit 1
}

for program in ip nft sysctl tinyproxy microsocks turnserver turnutils_uclient openssl node chromium python3; do
    command -v $program >/dev/null || missing $program
done
if [ ! -c /dev/net/tun ]; then
    echo "test-network: there is no /dev/net/tun: load the kernel module tun" >&2
    exit 1
fi

as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "test-network: not root, and there is no sudo: network namespaces need one of them" >&2
        exit 1
    fi
    as_root=(sudo --preserve-env=CARGO_TARGET_DIR,PATH,SALTYRTC_UNIT_TESTS)
fi
# Containers often have root, but no right to make networks.
probe=saltyrtc-test-$$-probe
works=yes
problem=$("${as_root[@]}" sh -ec "
    ip netns add $probe
    ip netns exec $probe ip link add one type veth peer name two
    ip netns exec $probe nft 'add table ip nat; add chain ip nat out { type nat hook postrouting priority srcnat; }'
" 2>&1) || works=no
"${as_root[@]}" ip netns delete $probe 2>/dev/null || true
if [ $works = no ]; then
    echo "test-network: no network namespaces with NAT can be made here: $problem" >&2
    echo "test-network: they need CAP_SYS_ADMIN and CAP_NET_ADMIN, and the kernel modules veth and nf_tables" >&2
    exit 1
fi

scripts/build-peers.sh rtc_peer ortc_middle link
SALTYRTC_UNIT_TESTS=$(cargo test --locked --quiet --lib --no-run --message-format=json |
    python3 -c 'import json, sys
print(next(part["executable"] for part in map(json.loads, sys.stdin) if part.get("executable")))')
export SALTYRTC_UNIT_TESTS
for directory in tests/interop/js examples-web; do
    npm ci --prefix $directory --prefer-offline --no-audit --no-fund --silent
done

cd tests/rtc_network
exec "${as_root[@]}" python3 -B -m unittest "${@:-discover}" --failfast
