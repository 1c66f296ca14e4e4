#!/usr/bin/env bash
# Measures the bindings against C. Arguments: those of benches/bindings/run.py.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/build/python
package=bindings/python

cargo build --locked --quiet --release --lib
library=$(realpath "${CARGO_TARGET_DIR:-target}")/release/libsaltyrtc.so
mkdir -p "$out/bench"
for name in libsaltyrtc.so "$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"; do
    ln -sf "$library" "$out/bench/$name"
done
"${CC:-cc}" -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -O2 -Iinclude -o "$out/bench/peer" \
    benches/bindings/peer.c -L"$out/bench" -Wl,-rpath,"$out/bench" -lsaltyrtc -lpthread
rm -rf "$out/bench/venv"
python3 -m venv "$out/bench/venv"
"$out/bench/venv/bin/python" -m pip install --quiet --disable-pip-version-check hatchling==1.27.0
SALTYRTC_LIBRARY=$library "$out/bench/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --no-build-isolation $package

# Kotlin: with the library of this build, whatever is in the artefacts.
kotlin=$PWD/build/kotlin
mkdir -p "$kotlin"
mvn --batch-mode --quiet --no-transfer-progress --file bindings/kotlin/pom.xml -DskipTests -Ddokka.skip=true \
    -DincludeScope=test -Dmdep.outputFile="$kotlin/bench-classpath" \
    package org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath
java="java -Dsaltyrtc.library=$library -cp $PWD/bindings/kotlin/tests/target/test-classes:$(cat "$kotlin/bench-classpath")"

# Swift: in the tree of its compiler, which has the libraries that it needs.
swift=$PWD/build/swift
SWIFT_PACKAGE=benches/bindings/peer-swift SWIFT_SCRATCH=$swift/bench \
    scripts/build-swift.sh "$library" build --quiet --configuration release
in_swift="scripts/in-swift.sh env LD_LIBRARY_PATH=$swift/lib $swift/bench/release/peer"

benches/bindings/run.py "$@" "$out/bench/peer" "$out/bench/venv/bin/python" "Kotlin, a flow=$java org.saltyrtc.bench.PeerKt" \
    "Swift, a sequence=$in_swift"
