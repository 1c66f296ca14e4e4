#!/usr/bin/env bash
# The core (no features) must not depend on a runtime, sockets or TLS.
set -euo pipefail
cd "$(dirname "$0")/.."

tree=$(cargo tree --locked --no-default-features --edges normal --target all --prefix none --format '{p}')
if found=$(grep -E '^(tokio|tokio-[a-z]+|tungstenite|rustls|ring|mio|socket2|futures[a-z-]*) ' <<<"$tree"); then
    echo "The core must do no I/O, but depends on:" >&2
    sort -u <<<"$found" >&2
    exit 1
fi

# The library must not depend on what only the server program needs.
tree=$(cargo tree --locked --no-default-features --features client,server,capi --edges normal --target all --prefix none --format '{p}')
if found=$(grep -E '^(clap[a-z_]*|toml|tracing-subscriber|listenfd|rustix|signal-hook-registry) ' <<<"$tree"); then
    echo "The library must not depend on crates of the program saltyrtc-server, but does on:" >&2
    sort -u <<<"$found" >&2
    exit 1
fi
