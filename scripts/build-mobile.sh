#!/usr/bin/env bash
# The shared library as apps of phones get it: client, tasks and C ABI without the server, in the profile `mobile` of
# Cargo.toml. It is left in build/mobile/<target>. On Linux only, where one can be told from the other by its size; for
# Android the linker of the NDK takes the same options, for iOS see scripts/build-xcframework.sh.
#
# Arguments: targets of Rust, in place of those whose size is limited.
# MOBILE_BUDGET: the most bytes that one may have, in place of 4 MB.
set -euo pipefail
cd "$(dirname "$0")/.."

MOBILE_BUDGET=${MOBILE_BUDGET:-4000000}
host=$(rustc --version --verbose | sed -n 's/^host: //p')
rust=$(rustc --print sysroot)
targets=("$@")
[ $# != 0 ] || targets=(x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu)
directory=${CARGO_TARGET_DIR:-target}

# Frame pointers take the place of tables that are larger.
export RUSTFLAGS="-Cforce-frame-pointers=yes"

status=0
for target in "${targets[@]}"; do
    # clang links for every target, with the lld of Rust, which packs relocations and merges functions that are the same.
    link=(-Clink-arg=-fuse-ld=lld "-Clink-arg=-B$rust/lib/rustlib/$host/bin/gcc-ld"
        -Clink-arg=-Wl,-z,pack-relative-relocs,--icf=all)
    name=${target//-/_}
    export "CARGO_TARGET_${name^^}_LINKER=clang"
    if [ "$target" != "$host" ]; then
        if [ ! -d "$rust/lib/rustlib/$target" ] && ! problem=$(rustup --quiet target add "$target" 2>&1); then
            echo "build-mobile: $target is NOT BUILT: Rust has no standard library for it here: $problem" >&2
            continue
        fi
        link+=("-Clink-arg=--target=$target")
    fi
    cargo rustc --locked --quiet --profile mobile --target "$target" --lib --crate-type cdylib \
        --no-default-features --features client,webrtc,capi,vectorised -- "${link[@]}"
    mkdir -p "build/mobile/$target"
    cp "$directory/$target/mobile/libsaltyrtc.so" "build/mobile/$target/"
    size=$(stat --format=%s "build/mobile/$target/libsaltyrtc.so")
    if [ "$size" -le "$MOBILE_BUDGET" ]; then
        echo "ok      $target: $size bytes, of $MOBILE_BUDGET"
        # It is what it should be, and can be loaded.
        [ "$target" != "$host" ] || python3 - "build/mobile/$target/libsaltyrtc.so" <<'END'
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
has = {name: bool(library.saltyrtc_has_feature(name.encode())) for name in ("webrtc", "server")}
assert has == {"webrtc": True, "server": False}, has
END
    else
        echo "FAILED  $target: $size bytes, more than $MOBILE_BUDGET: what fills it, cargo-bloat tells" >&2
        status=1
    fi
done
exit $status
