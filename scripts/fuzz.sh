#!/usr/bin/env bash
# Runs the fuzz targets, from the inputs in fuzz/corpus (scripts/fuzz-corpus.py) and what was found before (build/fuzz).
#
# A target says which states it has to reach (fuzz/src/reached.rs), so that inputs which get stuck early are a failure too.
#
# Arguments: how many seconds for each target, then the names of targets in place of all. What fails is left in
# build/fuzz/failures, and `scripts/fuzz.sh 0 TARGET FILE` runs it again.
#
# The edges of the library are counted with the ordinary compiler (scripts/fuzz-rustc.sh), so that no other Rust is
# needed than for the rest. SANITIZER=address adds that sanitizer, for which the compiler has to be a nightly one.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
host=$(rustc --version --verbose | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing" RUSTC_WRAPPER=$PWD/scripts/fuzz-rustc.sh
[ -z "${SANITIZER:-}" ] || RUSTFLAGS+=" -Zsanitizer=$SANITIZER"

# Optimised, and with what the library asserts about itself.
export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true
directory=${CARGO_TARGET_DIR:-target}/fuzz
cargo build --locked --quiet --release --manifest-path fuzz/Cargo.toml --features webrtc,server,capi --target "$host" \
    --target-dir "$directory"
programs=$directory/$host/release

if [ $# = 2 ] && [ -f "$2" ]; then
    exec "$programs/$1" "$2"
fi
targets=("$@")
if [ $# = 0 ]; then
    for source in fuzz/fuzz_targets/*.rs; do
        targets+=("$(basename "$source" .rs)")
    done
fi

out=build/fuzz
mkdir -p "$out/failures"
# run <target>: what it found new is kept beside the committed inputs. Some inputs are slow, none takes seconds.
run() {
    local found=$out/corpus/$1 seeds=$out/seeds/$1 log=$out/$1.log
    mkdir -p "$found"
    rm -rf "$seeds"
    scripts/fuzz-corpus.py unpack "$1" "$seeds"
    if "$programs/$1" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
        -dict=fuzz/dictionary.txt -artifact_prefix="$out/failures/$1-" "$found" "$seeds" >"$log" 2>&1; then
        local missing
        missing=$(comm -23 <(sed -n 's/^to reach: //p' "$log" | sort -u) <(sed -n 's/^reached: //p' "$log" | sort -u))
        if [ -n "$missing" ]; then
            echo "FAILED  $1: no input leads to these states:"
            sed 's/^/        /' <<<"$missing"
            return 1
        fi
        echo "ok      $1: $(sed -n 's/^stat::number_of_executed_units: //p' "$log") runs," \
            "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1) edges"
    else
        echo "FAILED  $1"
        sed 's/^/        /' "$log" | tail -n 60
        return 1
    fi
}
export -f run
export seconds out programs
printf '%s\0' "${targets[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -euo pipefail -c 'run "$1"' -
