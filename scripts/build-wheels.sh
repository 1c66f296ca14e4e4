#!/usr/bin/env bash
# What is published of the Python package, in build/python/dist: wheels for Linux that need glibc 2.17, and an sdist that
# builds the library with Rust, which is tried.
#
# Arguments: the targets of Rust, in place of all.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
out=$root/build/python
package=bindings/python
[ $# != 0 ] || set -- x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu

# A linker for older systems and other machines, and what says for which systems a wheel is.
tools=$out/wheel-tools
if [ ! -x "$tools/bin/auditwheel" ]; then
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check \
        ziglang==0.17.1 cargo-zigbuild==0.24.1 auditwheel==6.8.2 build==1.6.1 hatchling==1.27.0
fi
export PATH=$tools/bin:$PATH

rm -rf "$out/dist"
for target in "$@"; do
    rustup --quiet target add "$target"
    CARGO_PROFILE_RELEASE_STRIP=true cargo zigbuild --locked --release --lib --no-default-features \
        --features client,server,webrtc,capi --target "$target.2.17"
    platform=manylinux_2_17_${target%%-*}
    SALTYRTC_LIBRARY=$(realpath "${CARGO_TARGET_DIR:-target}")/$target/release/libsaltyrtc.so \
        SALTYRTC_WHEEL_PLATFORM=$platform \
        "$tools/bin/python" -m build --wheel --no-isolation --outdir "$out/dist" $package >/dev/null
    wheel=$(echo "$out"/dist/*"$platform".whl)
    # The name says for which systems it is; the symbols that the library needs have to say the same.
    "$tools/bin/auditwheel" show "$wheel" | tr '\n' ' ' | grep -q "manylinux_2_17_${target%%-*}" || {
        echo "build-wheels: $wheel needs a newer system than its name says:" >&2
        "$tools/bin/auditwheel" show "$wheel" >&2
        exit 1
    }
done
"$tools/bin/python" -m build --sdist --no-isolation --outdir "$out/dist" $package >/dev/null

# The sdist builds, and a checkout does, far from all that is here, as pip does it for those who have no wheel; and what
# comes of it works. How fast it is does not matter here.
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
for source in "$out"/dist/*.tar.gz ./$package; do
    rm -rf "$built/venv"
    python3 -m venv "$built/venv"
    env -u SALTYRTC_LIBRARY CARGO_TARGET_DIR="$built/target" CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
        CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256 \
        "$built/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$source"
    (cd "$built" && "$built/venv/bin/python" -W error -c 'import saltyrtc
with saltyrtc.Server() as server, saltyrtc.sync.Initiator(server.url) as alice:
    with saltyrtc.sync.Responder(alice.invitation) as bob:
        alice.connected(60)
        alice.send("built from source")
        assert bob.receive(60) == "built from source"') || {
        echo "build-wheels: what 'pip install $source' has built does not work" >&2
        exit 1
    }
    echo "ok  pip install ${source#"$root/"}"
done
ls -l "$out/dist"
