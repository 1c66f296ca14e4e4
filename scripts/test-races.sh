#!/usr/bin/env bash
# Data races, by ThreadSanitizer: tests/c programs with many threads, against a library that is built with it, the
# standard library included. Where the sources of that cannot be had, nothing is tested: it says so, and that is no failure.
#
# Arguments: the names of tests to run in place of the usual ones, without directory and ending.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/sanitizer.sh
. scripts/sanitizer.sh

tests=("$@")
[ $# = 0 ] && tests=(queue queue_threads queue_records queue_log queue_pause pull callback_threads concurrency
    free_in_callback lifetime fork)

status=0
use_sanitizer thread || status=$?
[ $status != 3 ] || exit 0
[ $status = 0 ] || exit $status
# No more than these tests need.
cargo build "${sanitized[@]}" --quiet --lib --no-default-features --features client,server,capi
link_library
failed=0
for name in "${tests[@]}"; do
    c_test thread "tests/c/$name.c" || failed=1
done
exit $failed
