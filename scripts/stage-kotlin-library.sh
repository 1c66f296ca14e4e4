#!/usr/bin/env bash
# Puts a library of this platform where the Kotlin artefacts take theirs from, without what only debuggers need.
# Arguments: the library, and the folder with one for each platform.
set -euo pipefail
machine=$(uname -m)
case $machine in
    x86_64) platform=linux-x86-64 ;;
    *) platform=linux-$machine ;;
esac
mkdir -p "$2/$platform"
staged=$2/$platform/libsaltyrtc.so
# Maven packs it again if it is newer.
if [ ! "$staged" -nt "$1" ]; then
    strip -o "$staged" "$1"
fi
