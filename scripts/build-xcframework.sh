#!/usr/bin/env bash
# Builds bindings/swift/CSaltyRTC.xcframework: the static library for iOS, its simulator and macOS, with the header, a
# module map and a privacy manifest; then a zip of it, and the checksum that a Package.swift needs which names the zip by
# its URL. On a Mac, with Xcode and Rust with rustup. (The tests run on Linux, so they cannot run this.)
#
# FEATURES: Cargo features, in place of those of an app, which has no server: client,webrtc,capi,vectorised.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(uname -s)" != Darwin ]; then
    echo "build-xcframework: this needs a Mac with Xcode" >&2
    exit 1
fi

features=${FEATURES:-client,webrtc,capi,vectorised}
framework=bindings/swift/CSaltyRTC.xcframework
out=build/xcframework
target=${CARGO_TARGET_DIR:-target}
# As in Package.swift.
export IPHONEOS_DEPLOYMENT_TARGET=16.0 MACOSX_DEPLOYMENT_TARGET=13.0
# The folders of this machine are nobody's business, and the result is the same on every other.
export RUSTFLAGS="--remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo ${RUSTFLAGS:-}"

triples=(aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios aarch64-apple-darwin x86_64-apple-darwin)
rustup target add "${triples[@]}"
for triple in "${triples[@]}"; do
    cargo rustc --locked --profile mobile --lib --crate-type staticlib --target "$triple" \
        --no-default-features --features "$features"
done

rm -rf "$out" "$framework"
mkdir -p "$out"/{headers,ios,simulator,macos}
cp include/saltyrtc.h "$out/headers/"
cat >"$out/headers/module.modulemap" <<'END'
module CSaltyRTC {
    header "saltyrtc.h"
    link framework "Security"
    link framework "SystemConfiguration"
    export *
}
END
cp "$target/aarch64-apple-ios/mobile/libsaltyrtc.a" "$out/ios/"
# One file for both kinds of processors, as an XCFramework has one library per platform.
lipo -create -output "$out/simulator/libsaltyrtc.a" \
    "$target"/{aarch64-apple-ios-sim,x86_64-apple-ios}/mobile/libsaltyrtc.a
lipo -create -output "$out/macos/libsaltyrtc.a" \
    "$target"/{aarch64-apple-darwin,x86_64-apple-darwin}/mobile/libsaltyrtc.a
for library in "$out"/*/libsaltyrtc.a; do
    strip -S "$library"
done

arguments=()
for platform in ios simulator macos; do
    arguments+=(-library "$out/$platform/libsaltyrtc.a" -headers "$out/headers")
done
xcodebuild -create-xcframework "${arguments[@]}" -output "$framework"
cp bindings/swift/PrivacyInfo.xcprivacy "$framework/"

ditto -c -k --sequesterRsrc --keepParent "$framework" "$out/CSaltyRTC.xcframework.zip"
echo "$framework"
echo "$out/CSaltyRTC.xcframework.zip, checksum $(swift package compute-checksum "$out/CSaltyRTC.xcframework.zip")"
