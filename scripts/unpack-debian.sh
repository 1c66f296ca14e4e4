#!/usr/bin/env bash
# Packages of Debian with all that they depend on, unpacked into a directory of their own: of any suite and architecture.
# No package of this system is touched, and nobody has to be root. Does nothing if it was done before.
#
# Arguments: directory suite architecture package…
# Ends with status 3 if they are not to be had here at all: this is not Debian, or the suite has no such package.
set -euo pipefail
# apt wants the whole path.
tree=$(realpath -m "$1") suite=$2 architecture=$3
shift 3

wanted="$suite $architecture $*"
[ "$(cat "$tree/unpacked" 2>/dev/null)" != "$wanted" ] || exit 0

not_here() {
    echo "unpack-debian: $*" >&2
    exit 3
}

command -v apt-get >/dev/null || not_here "there is no apt-get"
# Debian's main archive, from the mirror that apt uses for this system.
release=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || not_here "this is not Debian"
# shellcheck disable=SC2016 # names of apt's
mirror=$(apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    sed -n "s/ $release main\$//p" | head -n 1)
[ -n "$mirror" ] || not_here "apt has no source for $release, from which the mirror could be taken"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e $keyring ] || not_here "there is no $keyring"

rm -rf "$tree"
apt=$tree/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
echo "deb [signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
: >"$apt/status"
options=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$apt/lists" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache"
    -o "APT::Architecture=$architecture" -o "APT::Architectures::=$architecture" -o APT::Sandbox::User=
    -o Debug::NoLocking=1 -o APT::Install-Recommends=false -o Acquire::Languages=none -o APT::Update::Error-Mode=any -q=2)
apt-get "${options[@]}" update >&2
for package in "$@"; do
    apt-cache "${options[@]}" show "$package" >/dev/null 2>&1 || not_here "$suite has no $package for $architecture"
done
apt-get "${options[@]}" --download-only -y install "$@" >&2

# As Debian has them: packages of its base would otherwise make directories of them.
for directory in bin sbin lib lib64; do
    mkdir -p "$tree/usr/$directory"
    ln -s "usr/$directory" "$tree/$directory"
done
export tree
# The large ones first, as many at once as there are processors.
# shellcheck disable=SC2016 # a program of the inner shell
find "$apt/cache/archives" -name '*.deb' -printf '%s %p\0' | sort -znr | sed -z 's/^[0-9]* //' |
    xargs -0 -n 1 -P "$(nproc)" bash -euo pipefail -c 'dpkg-deb --fsys-tarfile "$1" |
        tar -x -C "$tree" --keep-directory-symlink --no-same-owner --exclude="./usr/share/doc/*" \
            --exclude="./usr/share/man/*" --exclude="./usr/share/locale/*"' -
rm -rf "$apt"
echo "$wanted" >"$tree/unpacked"
