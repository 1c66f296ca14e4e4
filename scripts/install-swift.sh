#!/usr/bin/env bash
# The Swift compiler, from the packages of Debian 13, unpacked into build/swift-toolchain (2.5 GB): no package of this
# system is touched, and nobody has to be root. Prints where it is. scripts/in-swift.sh runs something in it.
#
# The mirror is the one that apt uses here. Where there is no apt, or another Swift is wanted, that can be named by SWIFT.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=trixie
packages=(swiftlang libc6-dev libstdc++-14-dev bash coreutils base-files)

tree=$PWD/build/swift-toolchain
if [ -e "$tree/complete" ]; then
    echo "$tree"
    exit
fi

fail() {
    echo "install-swift: $*" >&2
    exit 1
}
command -v apt-get >/dev/null || fail "no apt-get here: install Swift 6 by other means, and name it by SWIFT"

# Debian's main archive, in the order in which apt has it: in the one form of its sources or the other.
uri=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN)/$(LABEL)' 'Created-By: Packages' 2>/dev/null |
    sed -n 's|/* Debian/Debian$||p' | head -n 1)
[ -n "$uri" ] || fail "apt has no lists of Debian's archive here: run 'apt-get update' as root, or name a Swift by SWIFT"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e $keyring ] || fail "there is no $keyring: install debian-archive-keyring"

echo "install-swift: getting Swift for the tests of the Swift package (some 500 MB, once)" >&2
rm -rf "$tree"
apt=$tree/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
echo "deb [signed-by=$keyring] $uri $suite main" >"$apt/sources.list"
: >"$apt/status"
options=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$apt/lists" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache"
    -o APT::Sandbox::User= -o Debug::NoLocking=1 -o APT::Install-Recommends=false -o Acquire::Languages=none -q=2)
apt-get "${options[@]}" update >&2
apt-get "${options[@]}" --download-only -y install "${packages[@]}" >&2

# As Debian has them; the packages of its base would otherwise make directories of them.
root=$tree/root
for directory in bin sbin lib lib64; do
    mkdir -p "$root/usr/$directory"
    ln -s usr/$directory "$root/$directory"
done
mkdir -p "$root"/{dev,proc,tmp,work}
export root
# shellcheck disable=SC2016 # a program of the inner shell
find "$apt/cache/archives" -name '*.deb' -printf '%s %p\0' | sort -znr | sed -z 's/^[0-9]* //' |
    xargs -0 -n 1 -P "$(nproc)" sh -c 'dpkg-deb --fsys-tarfile "$1" |
        tar -x -C "$root" --keep-directory-symlink --no-same-owner --exclude="./usr/share/doc/*" --exclude="./usr/share/man/*"' -
rm -rf "$apt/cache" "$apt/lists"
: >"$tree/complete"
echo "$tree"
