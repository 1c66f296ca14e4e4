#!/usr/bin/env bash
# Builds the C examples that the Python package meets in its tests. Arguments: the shared library, and where to put them.
set -euo pipefail
cd "$(dirname "$0")/.."
library=$1
out=$2

mkdir -p "$out"
ln -sf "$library" "$out/libsaltyrtc.so"
soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
ln -sf "$library" "$out/$soname"
for example in chat send_file server trusted; do
    "${CC:-cc}" -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -O1 -g -Iinclude -o "$out/$example" \
        "examples-c/$example.c" -L"$out" -Wl,-rpath,"$out" -lsaltyrtc -lpthread
done
