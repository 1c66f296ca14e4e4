#!/usr/bin/env bash
# The Dockerfile builds a program that runs in an image without anything else. Where a container engine is at hand, it
# builds the image. Elsewhere its step is run in a plain directory, with what the image would be given, for the C library
# of Alpine; without optimisation, which is not what is tested.
set -euo pipefail
cd "$(dirname "$0")/.."
dockerfile=dist/docker/Dockerfile

fail() {
    echo "test-docker: $*" >&2
    exit 1
}

bases=$(sed -n 's/^FROM \([^ ]*\).*/\1/p' $dockerfile | grep -vx scratch)
grep -qvE '@sha256:[0-9a-f]{64}$' <<<"$bases" && fail "a base image without a digest: $bases"

for engine in docker podman; do
    # Without its registry an engine has no base image.
    if command -v $engine >/dev/null && $engine info >/dev/null 2>&1 && $engine pull --quiet "$bases" >/dev/null; then
        $engine build --quiet -f $dockerfile -t saltyrtc-server-test . >/dev/null
        trap '$engine image rm saltyrtc-server-test >/dev/null' EXIT
        $engine run --rm saltyrtc-server-test version >/dev/null
        exit
    fi
done

target=$(uname -m)-unknown-linux-musl
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    rustup --quiet target add "$target" >/dev/null || {
        echo "test-docker: NOT RUN: Rust has no standard library for $target here, and rustup cannot add it"
        exit 0
    }
fi
built=$(realpath -m "${CARGO_TARGET_DIR:-target}")
# Always the same directory, or each run would leave another build of the library in the shared one.
work=${TMPDIR:-/tmp}/saltyrtc-docker-$(cksum <<<"$built" | cut -d ' ' -f 1)
rm -rf "$work"
mkdir -m 700 "$work"
trap 'rm -rf "$work"' EXIT
# What the engine would be given: all that .dockerignore does not name.
mkdir "$work/build"
tar -c --anchored --exclude-from=<(sed 's|^|./|' .dockerignore) . | tar -x -C "$work/build"
# Its command, of several lines, without the one that makes the program smaller.
step=$(sed -n '/^RUN cargo build/,/[^\\]$/p' $dockerfile | sed -e 's/^RUN //' -e 's/\\$//' | tr -d '\n' | sed 's/ *&& strip .*//')
case $step in
*--locked*--bin\ saltyrtc-server) ;;
*) fail "what the Dockerfile runs is not understood: $step" ;;
esac
(
    cd "$work/build"
    export CARGO_TARGET_DIR=$built CARGO_BUILD_TARGET=$target
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
    export "CC_${target//-/_}=musl-gcc"
    $step --quiet
)
program=$built/$target/release/saltyrtc-server
# The image has no loader and no library.
if readelf --program-headers "$program" | grep -q INTERP; then
    fail "the program needs a loader, which the image does not have"
fi
# Alone in a directory, as in the image; who is not root has no chroot.
mkdir -m 755 "$work/image"
cp "$program" "$work/image/"
cd "$work/image"
if [ "$(id -u)" = 0 ]; then
    chroot . /saltyrtc-server version >/dev/null
    chroot --userspec=65532:65532 . /saltyrtc-server default-config >/dev/null
else
    env -i ./saltyrtc-server version >/dev/null
fi
