#!/usr/bin/env bash
# The Kotlin artefacts: built as they would be published, with sources, documentation and list of contents, and tested.
#
# Arguments: options of Maven, for example -Dtest=PeersTest. SALTYRTC_LIBRARY: a library, in place of one that is built.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/versions.sh
. scripts/versions.sh
package=bindings/kotlin
out=$PWD/build/kotlin

bindings/generate.py --check
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
for pom in $package/pom.xml $package/*/pom.xml; do
    grep -q "<version>$version</version>" "$pom" || { echo "test-kotlin: $pom is not of version $version" >&2; exit 1; }
done

library=${SALTYRTC_LIBRARY:-}
if [ -z "$library" ]; then
    cargo build --locked --quiet --lib
    library=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/libsaltyrtc.so
fi
# What another build has left there must not get into this one.
rm -rf $package/saltyrtc-native/target $package/tests/target/surefire-reports
scripts/stage-kotlin-library.sh "$library" "$out/libraries"
scripts/build-examples.sh "$library" "$out/programs"
scripts/kotlin-readme.py $package/tests/target/readme

maven=(mvn --batch-mode -Dstyle.color=never --quiet --no-transfer-progress --file $package/pom.xml)

# The AAR, with a stand-in for the library: building that for Android takes Android's own tools.
mkdir -p "$out/android/arm64-v8a"
[ -e "$out/android/arm64-v8a/libsaltyrtc.so" ] ||
    echo 'int stand_in;' | "${CC:-cc}" -shared -Wl,-z,max-page-size=16384 -x c -o "$out/android/arm64-v8a/libsaltyrtc.so" -
"${maven[@]}" --projects saltyrtc-native -Dsaltyrtc.android="$out/android" package
mv $package/saltyrtc-native/target/*.aar "$out/saltyrtc-native.aar"
rm -rf $package/saltyrtc-native/target

export SALTYRTC_TEST_PROGRAMS=$out/programs SALTYRTC_TEST_AAR=$out/saltyrtc-native.aar
# Not for what is in the artefacts.
unset SALTYRTC_LIBRARY
"${maven[@]}" -Dsaltyrtc.libraries="$out/libraries" verify "$@"
scripts/kotlin-report.py $package/tests/target/surefire-reports
