#!/usr/bin/env bash
# The compiler for scripts/fuzz.sh: counts the edges of the library, and of what parses for it, with its ordinary
# passes, as cargo-fuzz has it do. Not those of cryptography: they would take most of the time, and lead a fuzzer to
# nothing.
set -euo pipefail

flags=()
# What runs while cargo builds is for no target, and could not be linked.
if [[ " $* " == *" --target "* ]]; then
    case ${CARGO_PKG_NAME:-} in
    saltyrtc | saltyrtc-fuzz | dimpl | httparse | is | rmp | stun-* | toml* | tungstenite | turn-* | winnow)
        flags=(-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
            -Cllvm-args=-sanitizer-coverage-trace-compares)
        ;;
    esac
fi
exec "$@" "${flags[@]}"
