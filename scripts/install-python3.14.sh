#!/usr/bin/env bash
# Python 3.14, which Debian 12 does not have, from the packages of a later Debian: in build/python-3.14, with the C library
# and everything else that it needs. Prints its path.
#
# Ends with status 3 if it is not to be had here (see unpack-debian.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

tree=$PWD/build/python-3.14
python=$tree/usr/bin/python3.14
if [ ! -e "$tree/complete" ]; then
    rm -rf "$tree"
    echo "install-python3.14: getting Python 3.14 for the tests (some 20 MB, once)" >&2
    scripts/unpack-debian.sh "$tree" forky "$(dpkg --print-architecture 2>/dev/null || echo unknown)" \
        python3.14-venv patchelf
    # It runs with the libraries that were made for it, and so do the virtual environments that are made with it.
    loader=$(echo "$tree"/lib*/ld-linux*)
    libraries=$(dirname "$(realpath "$loader")")
    "$loader" --library-path "$libraries" "$tree/usr/bin/patchelf" --no-sort \
        --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$python"
    # Debian's pip, with which virtual environments begin, is not in the directory of the installed system.
    sed -i "s|'/usr/share/python-wheels/'|'$tree/usr/share/python-wheels/'|" "$tree"/usr/lib/python3.14/_sysconfigdata_*.py
    "$python" -c 'import ctypes, ensurepip, ssl, sys, venv; assert sys.version_info[:2] == (3, 14)'
    : >"$tree/complete"
fi
echo "$python"
