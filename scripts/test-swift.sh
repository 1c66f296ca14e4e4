#!/usr/bin/env bash
# The Swift package: builds it with the library, and runs its tests, with the C examples and processes of its own on the
# other side; the programs in its README.md; and a smaller set of tests under ThreadSanitizer.
#
# Arguments: options of `swift test`, for example --filter, which leave out everything else. SWIFT: see
# scripts/in-swift.sh. SALTYRTC_LIBRARY: a library, in place of one that is built.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/build/swift
package=bindings/swift
mkdir -p "$out"

bindings/generate.py --check

# What the compiler cannot check is promised in one file only.
if grep -rnE '@unchecked|nonisolated\(unsafe\)|@preconcurrency' $package/Sources $package/Examples |
    grep -v '^[^:]*/Unchecked.swift:'; then
    echo "test-swift: promises to the compiler outside of Unchecked.swift" >&2
    exit 1
fi

library=${SALTYRTC_LIBRARY:-}
if [ -z "$library" ]; then
    cargo build --locked --quiet --lib
    library=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/libsaltyrtc.so
fi
scripts/build-python-programs.sh "$library" "$out/programs"

# Our certificate with its key, and the certificate of somebody else.
for name in own other; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj "/CN=$name" \
        -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
        -out "$out/programs/$name.pem" -keyout "$out/programs/$name.key" 2>/dev/null
done

swift() {
    scripts/build-swift.sh "$library" "$@"
}

swift build --quiet --build-tests
# Thousands of clients are connected at once.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
swift test --skip-build --disable-xctest "$@"
[ $# = 0 ] || exit 0
