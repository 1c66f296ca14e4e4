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
scripts/stage-kotlin-library.sh "$library" "$out/libraries"
scripts/build-python-programs.sh "$library" "$out/programs"
scripts/kotlin-readme.py $package/tests/target/readme

export SALTYRTC_TEST_PROGRAMS=$out/programs
# Not for what is in the artefacts.
unset SALTYRTC_LIBRARY
mvn --batch-mode --quiet --no-transfer-progress --file $package/pom.xml -Dsaltyrtc.libraries="$out/libraries" verify "$@"
scripts/kotlin-report.py $package/tests/target/surefire-reports
