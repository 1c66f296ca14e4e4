#!/usr/bin/env bash
# Has Swift do something with the package in bindings/swift, next to a library that is not installed. Arguments: the shared
# library, and the arguments of `swift`, for example `build`. What is built gets into
# build/swift/package, or the directory SWIFT_SCRATCH. SWIFT_PACKAGE: another package that uses it.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
library=$(realpath "$1")
shift
out=$root/build/swift

# As `make install` would have it: pkg-config says where header and library are.
mkdir -p "$out/lib/pkgconfig"
ln -sf "$library" "$out/lib/libsaltyrtc.so"
soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
ln -sf "$library" "$out/lib/$soname"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
sed -e "s|@PREFIX@|$out|" -e "s|@LIBDIR@|$out/lib|" -e "s|@INCLUDEDIR@|$root/include|" -e "s|@VERSION@|$version|" \
    -e '/^Libs.private/d' -e 's|@DATADIR@||' saltyrtc.pc.in >"$out/lib/pkgconfig/saltyrtc.pc"

command=$1
shift
exec scripts/in-swift.sh env PKG_CONFIG_PATH="$out/lib/pkgconfig" LD_LIBRARY_PATH="$out/lib" \
    SALTYRTC_TEST_PROGRAMS="$out/programs" \
    swift "$command" --package-path "${SWIFT_PACKAGE:-bindings/swift}" --scratch-path "${SWIFT_SCRATCH:-$out/package}" "$@"
