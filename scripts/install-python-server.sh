#!/bin/sh
# Installs the reference server, saltyrtc.server for Python, in tests/interop/python-server/.venv, and prints
# the Python that it runs with: "none" if there is no suitable one, which is not an error.
set -eu
cd "$(dirname "$0")/../tests/interop/python-server"

install_packages() {
    if ! command -v apt-get >/dev/null; then
        echo "Please install: $*" >&2
        return 1
    fi
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get install -y --no-install-recommends "$@" >&2 || {
        $sudo apt-get update >&2
        $sudo apt-get install -y --no-install-recommends "$@" >&2
    }
}

# It needs an old Python and loads libsodium at run time. Newer systems have no such Python.
if ! python=$(./find-python.sh 2>/dev/null); then
    install_packages pypy3 pypy3-venv || true
    python=$(./find-python.sh) || python=none
fi
if [ "$python" != none ] && ! cmp -s requirements.txt .venv/installed.txt; then
    ldconfig -p | grep -q libsodium.so || install_packages libsodium23
    rm -rf .venv
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt >&2
    cp requirements.txt .venv/installed.txt
fi
echo "$python"
