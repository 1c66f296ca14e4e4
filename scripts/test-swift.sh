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
scripts/build-examples.sh "$library" "$out/programs"

# Our certificate with its key, and the certificate of somebody else.
for name in own other; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj "/CN=$name" \
        -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
        -out "$out/programs/$name.pem" -keyout "$out/programs/$name.key" 2>/dev/null
done

swift() {
    scripts/build-swift.sh "$library" "$@"
}

swift build --quiet --build-tests >"$out/build.log" 2>&1 || { cat "$out/build.log"; exit 1; }
# Thousands of clients are connected at once.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
swift test --skip-build --disable-xctest "$@" >"$out/test.log" 2>&1 || { grep -vE '(started|passed)\b|Passing' "$out/test.log"; exit 1; }
echo "ok  $(grep -o 'Test run with.*' "$out/test.log")"
[ $# = 0 ] || exit 0

# A library with another binary interface is refused, and it is said why.
cat >"$out/other-abi.c" <<'END'
unsigned int saltyrtc_abi_version(void) { return 99; }
END
"${CC:-cc}" -shared -fPIC -o "$out/other-abi.so" "$out/other-abi.c"
if text=$(scripts/in-swift.sh env LD_LIBRARY_PATH="$out/lib" LD_PRELOAD="$out/other-abi.so" \
    "$out/package/debug/saltyrtc-test-peer" version 2>&1) || ! grep -q 'version 99 of the binary interface' <<<"$text"; then
    echo "test-swift: a library of another ABI was not refused: $text" >&2
    exit 1
fi
echo "ok  a library of another ABI is refused"

# The programs of README.md, as they stand there.
scripts/swift-readme.py extract "$out/readme"
# shellcheck disable=SC2016 # a program of the inner shell
scripts/in-swift.sh env LD_LIBRARY_PATH="$out/lib" bash -c '
    set -euo pipefail
    out=$1 include=$2 module=$PWD/bindings/swift/Sources/CSaltyRTC
    # Two at once.
    for program in "$out"/readme/*; do
        [ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n
        (
            cd "$program"
            swiftc -swift-version 6 -warnings-as-errors -I "$out/package/debug/Modules" -I "$module" -Xcc -I"$include" \
                main.swift "$out"/package/debug/SaltyRTC.build/*.o -L "$out/lib" -o program
            timeout 120 ./program >output
        ) &
    done
    while [ -n "$(jobs -p)" ]; do wait -n; done
' - "$out" "$PWD/include"
scripts/swift-readme.py compare "$out/readme"

# Data races in Swift: all tests but those with programs that are not built for it, and those with a thousand clients and
# 100 MiB. (The library is not built for it either, so it is left out, with its threads; test-races.sh does that.)
export SWIFT_SCRATCH=$out/tsan TSAN_OPTIONS="ignore_noninstrumented_modules=1 report_thread_leaks=0 exitcode=66"
swift build --quiet --build-tests --sanitize=thread >"$out/build.log" 2>&1 || { cat "$out/build.log"; exit 1; }
swift test --skip-build --disable-xctest --sanitize=thread \
    --skip CProgramTests --skip aThousandClients --skip aHundredMebibytes --skip aProcessThatIsKilled >"$out/tsan.log" 2>&1 ||
    { grep -vE '(started|passed)\b|Passing' "$out/tsan.log"; exit 1; }
echo "ok  $(grep -o 'Test run with.*' "$out/tsan.log") under ThreadSanitizer"
