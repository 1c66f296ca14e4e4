#!/usr/bin/env bash
# Data races, by ThreadSanitizer: tests/c programs with many threads, against a library that is built with it, the
# standard library included. The sanitizer is still an unstable option of the compiler: RUSTC_BOOTSTRAP lets the ordinary
# one take it, so that no second Rust is needed whose version nobody chose.
#
# The sources of the standard library come from rustup. Where they cannot be had, nothing is tested: it says so, and that
# is no failure.
#
# Arguments: the names of tests to run in place of the usual ones, without directory and ending.
# CARGO_PROFILE_DEV_DEBUG=1 adds the numbers of lines to what is found.
set -euo pipefail
cd "$(dirname "$0")/.."

CC=${CC:-gcc}
TEST_TIMEOUT=${TEST_TIMEOUT:-600}
tests=("$@")
[ $# = 0 ] && tests=(queue queue_threads queue_records queue_log queue_pause pull callback_threads concurrency
    free_in_callback lifetime fork)

not_run() {
    echo "test-races: NOT RUN: $*"
    exit 0
}

rust=$(rustc --print sysroot)
if [ ! -d "$rust/lib/rustlib/src/rust/library" ]; then
    command -v rustup >/dev/null ||
        not_run "it builds the standard library, whose sources are not in $rust, and there is no rustup to get them"
    rustup --quiet component add rust-src ||
        not_run "it builds the standard library, whose sources rustup cannot get (rustup component add rust-src)"
fi
target=$(rustc --version --verbose | sed -n 's/^host: //p')
# What the compiler's own runtime lacks is in Rust's.
runtime=$rust/lib/rustlib/$target/lib/librustc-stable_rt.tsan.a
if [ ! -f "$runtime" ]; then
    echo "test-races: there is no $runtime" >&2
    exit 1
fi

# No more than these tests need: it is not shared with anything else.
directory=${CARGO_TARGET_DIR:-target}/races
RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=thread CARGO_TARGET_DIR=$directory CARGO_INCREMENTAL=0 \
    CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-0} cargo build --locked --quiet --lib \
    --no-default-features --features client,server,capi --target "$target" \
    -Zbuild-std=core,alloc,std,panic_unwind -Zbuild-std-features=panic-unwind
libraries=$(realpath "$directory/$target/debug")
ln -sf libsaltyrtc.so "$libraries/$(readelf -d "$libraries/libsaltyrtc.so" |
    sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"

out=build/races
mkdir -p "$out"
failed=0
for name in "${tests[@]}"; do
    "$CC" -std=c99 -D_POSIX_C_SOURCE=200809L -g -O1 -fsanitize=thread -Iinclude -c -o "$out/$name.o" "tests/c/$name.c"
    "$CC" -o "$out/$name" "$out/$name.o" -L"$libraries" -Wl,-rpath,"$libraries" -lsaltyrtc \
        -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive -Wl,--export-dynamic -lstdc++ -lpthread -ldl -lm -lrt
    if TSAN_OPTIONS="exitcode=66 second_deadlock_stack=1 suppressions=$PWD/tests/c/tsan.supp" \
        timeout "$TEST_TIMEOUT" "$out/$name" >"$out/$name.log" 2>&1; then
        echo "ok      $name"
    else
        echo "FAILED  $name (exit status $?)"
        sed 's/^/        /' "$out/$name.log"
        failed=1
    fi
done
exit $failed
