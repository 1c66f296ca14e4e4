#!/usr/bin/env bash
# What is published of the Python package, in build/python/dist: wheels for Linux that need glibc 2.17, and an sdist that
# builds the library with Rust.
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
ls -l "$out/dist"
