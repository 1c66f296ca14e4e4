#!/usr/bin/env bash
# Builds the crate from its package, as those do who get it from the registry: nothing but what is packed, in another
# directory, with the dependencies of the registry and without a network.
set -euo pipefail
cd "$(dirname "$0")/.."
# Shared with everything else, so that the dependencies need not be built once more.
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR=$target CARGO_NET_OFFLINE=true

fail() {
    echo "test-package: $*" >&2
    exit 1
}

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
# What is built below is what is verified.
cargo package --locked --quiet --allow-dirty --no-verify
# Always the same directory, or each run would leave another build of the library in the shared one.
elsewhere=${TMPDIR:-/tmp}/saltyrtc-package-$(cksum <<<"$target" | cut -d ' ' -f 1)
rm -rf "$elsewhere"
mkdir -m 700 "$elsewhere"
trap 'rm -rf "$elsewhere"' EXIT
tar -xf "$target/package/saltyrtc-$version.crate" -C "$elsewhere"
package=$elsewhere/saltyrtc-$version

# A dependency that is a folder here would be another one there, or none.
dependencies() {
    sed -n '/^\[\[package\]\]/,$p' "$1/Cargo.lock"
}
diff <(dependencies .) <(dependencies "$package") ||
    fail "who builds the package gets other dependencies than those that are tested (above: < here, > there)"
cargo metadata --no-deps --format-version 1 | grep -q '"path":"' &&
    fail "Cargo.toml has dependencies that are folders: nobody has these who gets the package"
for file in README.md LICENSE-APACHE LICENSE-MIT include/saltyrtc.h; do
    [ -s "$package/$file" ] || fail "$file is not in the package"
done

cd "$package"
# The library, which other files than those of this build are made for; and that all programs compile.
cargo rustc --locked --quiet --lib --crate-type rlib
cargo check --locked --quiet --bins
