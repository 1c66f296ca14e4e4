#!/usr/bin/env bash
# Builds a command of cargo into cargo's bin directory, unless it is there in this version or a later one.
#
# Arguments: name version what-for [features of the tool]
set -euo pipefail
name=$1 version=$2 purpose=$3
shift 3

has=$(cargo "${name#cargo-}" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1) || true
[ "$(printf '%s\n%s\n' "$version" "${has:-0}" | sort -V | head -n 1)" != "$version" ] || exit 0
echo "Building $name $version ($purpose) into cargo's bin directory."
echo "This takes one or two minutes, once."
# Quick to build, and quick enough.
env -u CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG=0 \
    cargo install --quiet --locked --debug --version "$version" "$name" "$@"
