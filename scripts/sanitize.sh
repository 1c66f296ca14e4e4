#!/usr/bin/env bash
# The tests in Rust and in C with a sanitizer: thread (data races) or address (memory errors and leaks). Takes about an hour
# each; what is found is printed, and fails the test in which it was.
#
# Arguments: thread or address; then `rust` or `c` in place of both; then names of tests in place of all: `lib` or those of
# `cargo test --test`, or files in tests/c.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/sanitizer.sh
. scripts/sanitizer.sh

sanitizer=$1 parts=${2:-rust c}
shift $(($# > 1 ? 2 : 1))
use_sanitizer "$sanitizer" proc_macro,test

# Measure the memory of a process, which the sanitizer multiplies; or move so much that it takes longer with the sanitizer
# than tests wait for anything.
skipped=(--skip memory:: --skip messages_of_any_size_arrive_complete --skip a_slow_receiver_slows_its_sender_down)

failed=0
if [[ $parts == *rust* ]]; then
    wanted=(--lib --bins --tests)
    if [ $# != 0 ]; then
        wanted=("${@/#/--test=}")
        wanted=("${wanted[@]/%--test=lib/--lib}")
    fi
    cargo test "${sanitized[@]}" "${wanted[@]}" --no-fail-fast -- "${skipped[@]}" || failed=1
fi
if [[ $parts == *c* ]]; then
    cargo build "${sanitized[@]}" --quiet --lib
    link_library
    # Two wait until no more threads run than before, and the sanitizer has started one meanwhile. One looks for secrets in all
    # memory, of which a sanitizer has terabytes.
    GLOBIGNORE=tests/c/slow_resolver.c:tests/c/thousand_clients.c:tests/c/secrets.c
    sources=(tests/c/*.c tests/c/*.cpp)
    [ $# = 0 ] || sources=("${@/#/tests/c/}")
    for source in "${sources[@]}"; do
        c_test "$sanitizer" "$source" || failed=1
    done
fi
exit $failed
