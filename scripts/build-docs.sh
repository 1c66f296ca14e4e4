#!/usr/bin/env bash
# The pages of this repository as a book, with the reference of the C header beside it, in build/docs/book.
#
# The book is made by mdBook. No Debian package has it; cargo builds it in half a minute without optimisation, which a
# book of this size does not need, and without its web server. Doxygen is Debian's.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/versions.sh
. scripts/versions.sh

command -v doxygen >/dev/null || {
    echo "build-docs: doxygen is missing: run 'make test-tools', or install it by other means" >&2
    exit 1
}
mdbook=build/tools/bin/mdbook
if [ "$($mdbook --version 2>/dev/null)" != "mdbook v$MDBOOK" ]; then
    echo "Building mdBook $MDBOOK into build/tools. This takes half a minute, once."
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --no-default-features --features search --no-track --force \
        --root build/tools --version "$MDBOOK" mdbook
fi

# The links between pages, and from pages to sources, are those of the tree. So the book is made from a copy of it.
out=build/docs
rm -rf $out
mkdir -p $out/tree
cp docs/book.toml $out
git ls-files --cached --others --exclude-standard -z |
    xargs -0 sh -c 'for file; do if [ -e "$file" ]; then cp --parents --no-dereference "$file" "$0"; fi; done' $out/tree
cp docs/SUMMARY.md $out/tree
$mdbook build $out

doxygen docs/Doxyfile
echo "$out/book/index.html"
