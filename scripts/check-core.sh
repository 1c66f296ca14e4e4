#!/usr/bin/env bash
# The core and the state machines of WebRTC must not depend on a runtime, sockets or TLS, and the library
# not on what only the server program needs.
set -euo pipefail
cd "$(dirname "$0")/.."

# Fails if the library, with these features, depends on a crate whose name matches. `why` is what is wrong then.
must_not_depend() {
    local features=$1 crates=$2 why=$3 tree found
    tree=$(cargo tree --locked --no-default-features --features "$features" \
        --edges normal --target all --prefix none --format '{p}')
    if found=$(grep -E "^($crates) " <<<"$tree"); then
        echo "$why, but depends on:" >&2
        sort -u <<<"$found" >&2
        exit 1
    fi
}

runtime='tokio|tokio-[a-z]+|tungstenite|rustls|mio|socket2|quinn-udp|if-addrs|futures[a-z-]*'
must_not_depend '' "$runtime|ring" 'The core must do no I/O'
# `ring` makes certificates.
must_not_depend rtc "$runtime" 'The feature rtc must do no I/O'
must_not_depend client,server,capi 'clap[a-z_]*|toml|tracing-subscriber|listenfd|rustix|signal-hook-registry' \
    'The library must not need crates of the program saltyrtc-server'
must_not_depend all,audited-only dryoc 'A build with audited-only must not have the other implementation of NaCl'
# The whole tree first: grep -q ends at the first match, and cargo would complain.
default_tree=$(cargo tree --locked --edges normal --prefix none --format '{p}')
if ! grep -q '^dryoc ' <<<"$default_tree"; then
    echo "The default features should have dryoc: what is said about audited-only looks for the wrong crate." >&2
    exit 1
fi

# It has to build like that, too.
cargo check --locked --quiet --lib --no-default-features
cargo check --locked --quiet --lib --no-default-features --features rtc
