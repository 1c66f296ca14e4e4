#!/usr/bin/env bash
# Changes the checks that security rests on, one after the other, and looks whether a test notices (.cargo/mutants.toml).
# What nobody noticed is in build/mutants.out/missed.txt.
#
# Arguments: files in place of all; then options of cargo mutants, as --list.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/versions.sh
. scripts/versions.sh

scripts/cargo-tool.sh cargo-mutants "$MIN_CARGO_MUTANTS" 'mutants of the security checks'
mkdir -p build
# Files that an option names would be added to those of the configuration.
files=
while [[ ${1:-} == src/* ]]; do
    files+="\"$1\", "
    shift
done
config=.cargo/mutants.toml
if [ -n "$files" ]; then
    config=build/mutants.toml
    sed -e '/^    "src\//d' -e "s|^examine_globs = \[|&$files|" .cargo/mutants.toml >$config
fi
# In a copy of the tree, whose place is another one each time.
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=1 CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/mutants
exec cargo mutants --config "$config" --output build "$@"
