#!/usr/bin/env bash
# Runs a command where there is a Swift compiler: in the tree of scripts/install-swift.sh, in which this repository and the
# directory of Cargo's results are where they are outside. The command starts in the current directory.
#
# SWIFT: the bin directory of a Swift that is installed here already, in place of the tree.
set -euo pipefail
repository=$(realpath "$(dirname "$0")/..")

if [ -n "${SWIFT:-}" ]; then
    PATH=$SWIFT:$PATH exec "$@"
fi
root=$("$repository/scripts/install-swift.sh")
target=$(realpath "${CARGO_TARGET_DIR:-$repository/target}")

# A mount namespace of its own. Where this is not root, it gets to be in a namespace of users.
if [ "$(id -u)" = 0 ]; then
    become=()
else
    become=(--user --map-root-user)
fi
# shellcheck disable=SC2016 # a program of the inner shell
exec unshare "${become[@]}" --mount --pid --fork --kill-child bash -c '
    set -euo pipefail
    root=$1 directory=$2
    shift 2
    while [ "$1" != -- ]; do
        mkdir -p "$root$1"
        mount --bind "$1" "$root$1"
        shift
    done
    shift
    if [ -d /etc/ssl ]; then
        mkdir -p "$root/etc/ssl"
        mount --bind /etc/ssl "$root/etc/ssl"
    fi
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    PATH=$PATH:/usr/sbin:/sbin exec chroot "$root" /usr/bin/env HOME=/tmp PATH=/usr/libexec/swift/bin:/usr/bin:/bin \
        bash -c "cd \"\$1\" && shift && exec \"\$@\"" - "$directory" "$@"
' - "$root" "$PWD" "$repository" "$target" -- "$@"
