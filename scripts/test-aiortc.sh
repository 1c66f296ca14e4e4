#!/usr/bin/env bash
# The built-in engine with the ORTC task against a peer made of aiortc, PyNaCl and websockets: tests/rtc_aiortc.
#
# Arguments go to the test program, for instance the name of a test.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=tests/rtc_aiortc/requirements.txt
venv=build/aiortc
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    echo "test-aiortc: Python or its module venv is missing: run 'make test-tools'" >&2
    exit 1
fi
if ! cmp -s "$requirements" "$venv/installed.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" "$venv/installed.txt"
fi
SALTYRTC_AIORTC_PYTHON=$PWD/$venv/bin/python exec cargo test --locked --test rtc_aiortc -- "$@"
