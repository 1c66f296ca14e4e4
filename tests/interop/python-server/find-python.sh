#!/bin/sh
# Prints the first Python that can run the reference server (3.7 to 3.9), and fails if there is none.
# SALTYRTC_INTEROP_PYTHON names one by hand.
for python in ${SALTYRTC_INTEROP_PYTHON:-pypy3 python3.9 python3.8 python3.7 python3}; do
    # Version managers put programs into the path that only say that the version is not selected.
    if "$python" -c 'import sys, venv; sys.exit(not (3, 7) <= sys.version_info[:2] <= (3, 9))' 2>/dev/null; then
        echo "$python"
        exit 0
    fi
done
echo "No Python 3.7, 3.8 or 3.9 found (CPython or PyPy, with the venv module): saltyrtc.server 5.0.1 does not run with later versions." >&2
exit 1
