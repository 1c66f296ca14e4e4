#!/usr/bin/env bash
# The reference of the Python package, from its docstrings, in build/python/docs. Arguments: a library, in place of one
# that is built.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=build/python/tools
if [ ! -x $tools/bin/pdoc ]; then
    rm -rf $tools
    python3 -m venv $tools
    $tools/bin/python -m pip install --quiet --disable-pip-version-check --requirement bindings/python/requirements-test.txt
fi
library=${1:-}
if [ -z "$library" ]; then
    cargo build --locked --quiet --lib
    library=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/libsaltyrtc.so
fi
rm -rf build/python/docs
SALTYRTC_LIBRARY=$library PYTHONPATH=bindings/python/src PYTHONDONTWRITEBYTECODE=1 \
    $tools/bin/pdoc --docformat markdown --output-directory build/python/docs saltyrtc
echo "build/python/docs/saltyrtc.html"
