#!/usr/bin/env bash
# What is published of the Python package, in build/python/dist: wheels for Linux that need glibc 2.17 or musl 1.2, and an
# sdist that builds the library with Rust. All of them are tried, those for other processors in an emulator. Debian has
# no Python for musl: there, programs in C try the library of the wheel.
#
# Arguments: the targets of Rust, in place of all.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/versions.sh
. scripts/versions.sh
root=$PWD
out=$root/build/python
package=bindings/python
[ $# != 0 ] || set -- x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu x86_64-unknown-linux-musl

# A linker for older systems and other machines, and what says for which systems a wheel is.
tools=$out/wheel-tools
if [ ! -x "$tools/bin/auditwheel" ]; then
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check \
        "ziglang==$ZIGLANG" cargo-zigbuild==0.24.1 auditwheel==6.8.2 build==1.6.1 hatchling==1.27.0
fi
export PATH=$tools/bin:$PATH

# What was installed works, without a look at anything that is here.
program='import asyncio, platform, saltyrtc
with saltyrtc.Server() as server, saltyrtc.sync.Initiator(server.url) as alice:
    with saltyrtc.sync.Responder(alice.invitation) as bob:
        alice.connected(60)
        alice.send("relayed")
        assert bob.receive(60) == "relayed"
async def main():
    tasks = [saltyrtc.WebRTC(addresses=["127.0.0.1"])]
    async with saltyrtc.Server() as server, saltyrtc.Initiator(server.url, tasks=tasks) as alice:
        async with saltyrtc.Responder(alice.invitation, tasks=tasks) as bob:
            await alice.connected()
            channel, other = await asyncio.gather(alice.open_channel("direct"), bob.accept_channel())
            await channel.send(b"direct")
            assert await other.receive() == b"direct"
asyncio.run(asyncio.wait_for(main(), 120))
print("    works on", platform.machine(), "with", *platform.libc_ver())'
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT

# try <what> <command of Python…>
try() {
    local what=$1
    shift
    echo "ok  $what"
    (cd "$built" && env -u SALTYRTC_LIBRARY -u PYTHONPATH "$@" -W error -c "$program") || {
        echo "build-wheels: $what does not work" >&2
        exit 1
    }
}

# unpacked <directory> <architecture> <packages of Debian…>: fails if they are not to be had here
unpacked() {
    local status=0
    scripts/unpack-debian.sh "$1" bookworm "${@:2}" || status=$?
    [ $status = 0 ] || [ $status = 3 ] || exit $status
    return $status
}

# try_musl <wheel> <processor>
try_musl() {
    local tree=$root/build/musl libraries=$built/musl/saltyrtc/_lib test
    unpacked "$tree" "$(dpkg --print-architecture)" musl || {
        echo "build-wheels: NOT TRIED: $1, since there is no Debian to get musl from"
        return
    }
    python3 -m zipfile -e "$1" "$built/musl"
    [ "$(readelf -d "$libraries/libsaltyrtc.so" | grep -c NEEDED)" = 1 ] || {
        echo "build-wheels: the library of $1 needs more than musl" >&2
        exit 1
    }
    ln -s libsaltyrtc.so "$libraries/$(readelf -d "$libraries/libsaltyrtc.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"
    for test in pull queue_records rtc; do
        # Without what zig adds to look for errors, which needs a newer musl.
        "$tools/bin/python" -m ziglang cc -target "$2-linux-musl" -dynamic -O1 -fno-sanitize=undefined -w -std=c99 \
            -D_POSIX_C_SOURCE=200809L -Iinclude -o "$built/$test" "tests/c/$test.c" -L"$libraries" -lsaltyrtc
        "$tree/lib/ld-musl-$2.so.1" --library-path "$libraries:$tree/usr/lib/$2-linux-musl" "$built/$test" >"$built/log" || {
            cat "$built/log"
            echo "build-wheels: tests/c/$test.c fails with the library of $1" >&2
            exit 1
        }
    done
    echo "ok  $(basename "$1")"
    "$tree/lib/ld-musl-$2.so.1" 2>&1 | sed -n 's/^Version/    works with musl/p'
}

# try_emulated <wheel> <processor, as Rust and qemu call it> <architecture, as Debian calls it>
try_emulated() {
    local tree=$root/build/debian-$3 qemu=$root/build/qemu
    unpacked "$tree" "$3" python3.11 && unpacked "$qemu" "$(dpkg --print-architecture)" qemu-user-static || {
        echo "build-wheels: NOT TRIED: $1, since there is no Debian to get an emulator and a Python for it from"
        return
    }
    python3 -m zipfile -e "$1" "$built/$2"
    # shellcheck disable=SC2016 # a program of the other shell
    try "$(basename "$1")" sh -c 'PYTHONPATH=$0 exec "$@"' "$built/$2" \
        "$qemu/usr/bin/qemu-$2-static" -L "$tree" "$tree/usr/bin/python3.11"
}

rm -rf "$out/dist"
for target in "$@"; do
    rustup --quiet target add "$target"
    processor=${target%%-*}
    # For musl, a shared library is made only if it is not linked with a static one.
    case $target in
    *-musl) platform=musllinux_1_2_$processor flags=-Ctarget-feature=-crt-static zig=$target ;;
    *) platform=manylinux_2_17_$processor flags= zig=$target.2.17 ;;
    esac
    env ${flags:+"RUSTFLAGS=$flags"} CARGO_PROFILE_RELEASE_STRIP=true cargo zigbuild --locked --release --lib \
        --no-default-features --features client,server,webrtc,capi --target "$zig"
    SALTYRTC_LIBRARY=$(realpath "${CARGO_TARGET_DIR:-target}")/$target/release/libsaltyrtc.so \
        SALTYRTC_WHEEL_PLATFORM=$platform \
        "$tools/bin/python" -m build --wheel --no-isolation --outdir "$out/dist" $package >/dev/null
    wheel=$(echo "$out"/dist/*"$platform".whl)
    # The name says for which systems it is; the symbols that the library needs have to say the same. Those of musl have no
    # versions.
    [[ $target == *-musl ]] || "$tools/bin/auditwheel" show "$wheel" | tr '\n' ' ' | grep -q "$platform" || {
        echo "build-wheels: $wheel needs a newer system than its name says:" >&2
        "$tools/bin/auditwheel" show "$wheel" >&2
        exit 1
    }
    case $target in
    "$(uname -m)"-*-musl) try_musl "$wheel" "$processor" ;;
    *-musl) echo "build-wheels: NOT TRIED: $wheel, which is for another processor" ;;
    "$(uname -m)"-*)
        python3 -m venv "$built/$processor"
        "$built/$processor/bin/python" -m pip install --quiet --disable-pip-version-check "$wheel"
        try "$(basename "$wheel")" "$built/$processor/bin/python"
        ;;
    x86_64-*) try_emulated "$wheel" x86_64 amd64 ;;
    aarch64-*) try_emulated "$wheel" aarch64 arm64 ;;
    *) echo "build-wheels: NOT TRIED: $wheel, for whose processor there is no emulator" ;;
    esac
done
"$tools/bin/python" -m build --sdist --no-isolation --outdir "$out/dist" $package >/dev/null

# The sdist builds, and a checkout does, far from all that is here, as pip does it for those who have no wheel. How fast
# what comes of it is does not matter here.
for source in "$out"/dist/*.tar.gz ./$package; do
    rm -rf "$built/venv"
    python3 -m venv "$built/venv"
    env -u SALTYRTC_LIBRARY CARGO_TARGET_DIR="$built/target" CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
        CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256 \
        "$built/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$source"
    try "pip install ${source#"$root/"}" "$built/venv/bin/python"
done
ls -l "$out/dist"
