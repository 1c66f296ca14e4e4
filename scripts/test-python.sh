#!/usr/bin/env bash
# The Python package: its wheel, installed into a fresh environment of each Python that is at hand, passes its tests. One
# of them, which comes last, runs all tests; the others run those in tests/core.
#
# Arguments: options of pytest, for the last one. PYTHONS: the Pythons, in place of those that are found.
# SALTYRTC_LIBRARY: a library, in place of one that is built.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
# shellcheck source=scripts/versions.sh
. scripts/versions.sh
package=bindings/python
out=$root/build/python
mkdir -p "$out"

bindings/generate.py --check

# The newest Python, from packages of Debian where the system has none.
newest=python3.14
if [ -z "${PYTHONS:-}" ] && ! $newest -c 'import ensurepip, venv, ctypes, ssl' 2>/dev/null; then
    status=0
    installed=$(scripts/install-$newest.sh) || status=$?
    case $status in
    0) newest=$installed ;;
    3) echo "test-python: NOT RUN with $newest, which is not installed and cannot be had here" ;;
    *) exit $status ;;
    esac
fi

# Pythons that are new enough, one for each minor version and implementation.
find_pythons() {
    local candidates=(python3 pypy3 python3.9 python3.10 python3.11 python3.12 python3.13 "$newest")
    candidates+=("${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3)
    local python version seen=" "
    for python in "${candidates[@]}"; do
        python=$(command -v "$python") || continue
        # shellcheck disable=SC2016 # a program of Python's
        version=$("$python" -c 'import sys
assert sys.version_info >= tuple(map(int, sys.argv[1].split(".")))
import ensurepip, venv, ctypes, ssl
print("%s%d.%d" % (sys.implementation.name, *sys.version_info[:2]))' "$MIN_PYTHON" 2>/dev/null) || continue
        [[ $seen == *" $version "* ]] && continue
        seen+="$version "
        echo "$python"
    done
}

# The one that runs everything is the first that is found.
read -ra pythons <<<"${PYTHONS:-$(find_pythons | tr '\n' ' ')}"
if [ ${#pythons[@]} = 0 ]; then
    echo "test-python: there is no Python $MIN_PYTHON or later with venv: run 'make test-tools'" >&2
    exit 1
fi
main=${pythons[0]}

# environment <directory> <python> <packages…>: made anew; pip keeps what it has downloaded.
environment() {
    rm -rf "$1"
    "$2" -m venv "$1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check "${@:3}"
}

tools=$out/tools
if ! cmp -s $package/requirements-test.txt "$tools/installed.txt"; then
    environment "$tools" "$main" --requirement $package/requirements-test.txt
    cp $package/requirements-test.txt "$tools/installed.txt"
fi

library=${SALTYRTC_LIBRARY:-}
if [ -z "$library" ]; then
    cargo build --locked --quiet --lib
    library=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/libsaltyrtc.so
fi
rm -rf "$out/wheel"
SALTYRTC_LIBRARY=$library "$tools/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps \
    --no-build-isolation --wheel-dir "$out/wheel" $package
wheel=$(echo "$out"/wheel/*.whl)
echo "ok  $(basename "$wheel")"

(cd $package && "$tools/bin/mypy" && PYRIGHT_PYTHON_IGNORE_WARNINGS=1 "$tools/bin/pyright" --pythonpath "$tools/bin/python")

# What no test may find by accident: Rust, the sources, and a library that is not the wheel's.
run_tests() {
    local python=$1
    shift
    (cd $package/tests && env -u SALTYRTC_LIBRARY -u PYTHONPATH PATH="/usr/local/bin:/usr/bin:/bin" \
        PYTHONDONTWRITEBYTECODE=1 SALTYRTC_TEST_PROGRAMS="$out/programs" \
        "$python" -X dev -W error -m pytest -q -p no:cacheprovider "$@")
}

pytest=$(grep ^pytest= $package/requirements-test.txt)

describe() {
    "$1" -c 'import platform as p; print(p.python_implementation(), p.python_version())'
}

# test_core <python> <environment>: what it says gets into <environment>.log
test_core() {
    environment "$2" "$1" "$pytest" "$wheel" && run_tests "$2/bin/python" core
}

# As many at once as there are processors, and no more than two, so that none has to wait too long for another.
jobs=()
finish() {
    local pid name python status=0
    IFS=: read -r pid name python <<<"${jobs[0]}"
    jobs=("${jobs[@]:1}")
    wait "$pid" || status=$?
    echo "--- $(describe "$python"): tests/core"
    if [ $status != 0 ]; then
        cat "$name.log"
        return $status
    fi
    tail -n 1 "$name.log"
}
for python in "${pythons[@]:1}"; do
    [ ${#jobs[@]} -lt 2 ] || finish
    name=$out/venv-$(describe "$python" | tr ' ' '-')
    test_core "$python" "$name" >"$name.log" 2>&1 &
    jobs+=("$!:$name:$python")
done
while [ ${#jobs[@]} != 0 ]; do
    finish
done

scripts/build-examples.sh "$library" "$out/programs"
for page in tests/interop/js examples-web; do
    [ -d $page/node_modules ] || npm ci --prefix $page --prefer-offline --no-audit --no-fund
done
environment "$out/venv" "$main" --requirement $package/requirements-full.txt "$pytest" "$wheel"
echo "--- $(describe "$main"): all tests"
# Fifty ends of the interpreter: ten for each of five states.
export SALTYRTC_TEST_EXITS=10
run_tests "$out/venv/bin/python" "${@:-.}"
