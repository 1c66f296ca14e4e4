#!/usr/bin/env bash
# The Swift compiler, from the packages of Debian 13, unpacked into build/swift-toolchain (2.5 GB): no package of this
# system is touched, and nobody has to be root. Prints where it is. scripts/in-swift.sh runs something in it.
set -euo pipefail
cd "$(dirname "$0")/.."

tree=$PWD/build/swift-toolchain
if [ ! -e "$tree/complete" ]; then
    echo "install-swift: getting Swift for the tests of the Swift package (some 500 MB, once)" >&2
    scripts/unpack-debian.sh "$tree" trixie "$(dpkg --print-architecture 2>/dev/null || echo unknown)" \
        swiftlang libc6-dev libstdc++-14-dev bash coreutils base-files || {
        echo "install-swift: install Swift 6 by other means, and name its bin directory by SWIFT" >&2
        exit 1
    }
    # What there is of the system around it, when it runs.
    mkdir -p "$tree"/{dev,proc,tmp,work}
    : >"$tree/complete"
fi
echo "$tree"
