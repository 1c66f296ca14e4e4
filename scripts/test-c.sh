#!/usr/bin/env bash
# The C ABI, as C and C++ programs see it: the header on its own, the exported symbols, the tests in
# tests/c and the examples in examples-c. Tests run under valgrind.
#
# Arguments: the names of tests to run in place of all, without directory and ending.
# CC and CXX choose the compilers; the header is read by clang, too.
set -uo pipefail
cd "$(dirname "$0")/.."

CC=${CC:-gcc}
CXX=${CXX:-g++}
# The longest that one test may take, in seconds. Valgrind is slow, and machines are. The tests
# themselves wait for nothing longer than 120 seconds.
TEST_TIMEOUT=${TEST_TIMEOUT:-600}
WARNINGS=(-Wall -Wextra -Wpedantic -Wconversion -Werror)
VALGRIND=(valgrind --quiet --fair-sched=try --leak-check=full --show-leak-kinds=all
    --num-callers=30 --suppressions=tests/c/valgrind.supp
    --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99)

out=build/c
log=$out/log
passed=0
failed=0

# check <what> <command…>
check() {
    local what=$1
    shift
    if "$@" >"$log" 2>&1; then
        echo "ok      $what"
        passed=$((passed + 1))
    else
        local status=$?
        echo "FAILED  $what (exit status $status)"
        sed 's/^/        /' "$log"
        failed=$((failed + 1))
        return 1
    fi
}

missing() {
    echo "test-c: $1 is missing: run 'make test-tools'" >&2
    exit 1
}

command -v "$CC" >/dev/null || missing "$CC"
command -v "$CXX" >/dev/null || missing "$CXX"
command -v valgrind >/dev/null || missing valgrind
command -v clang >/dev/null || missing clang

mkdir -p "$out" "$out/few"
library=${CARGO_TARGET_DIR:-target}/debug/libsaltyrtc.so
# The library with as little as can be, first: what comes after this runs with the whole one.
if [ $# = 0 ]; then
    cargo build --locked --quiet --lib --no-default-features --features capi || exit 1
    cp "$library" "$out/few/libsaltyrtc.so"
fi
cargo build --locked --quiet --lib || exit 1
library=$(realpath "$library")
# What programs are linked with is the name with the version of the ABI in it.
soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
if [ -z "$soname" ]; then
    echo "test-c: $library has no SONAME" >&2
    exit 1
fi
ln -sf "$library" "$out/$soname"
ln -sf "$soname" "$out/libsaltyrtc.so"
ln -sf libsaltyrtc.so "$out/few/$soname"

# exported_symbols <library>
exported_symbols() {
    local foreign
    nm -D --defined-only --format=posix "$1" | cut -d' ' -f1 | sort >"$out/exported"
    foreign=$(grep -v '^saltyrtc_' "$out/exported")
    if [ -n "$foreign" ]; then
        echo "exported, but not of this library:"
        echo "$foreign"
        return 1
    fi
    # What the header declares is what the library has.
    grep -v '^ \*\|^    ' include/saltyrtc.h | grep -o 'saltyrtc_[a-z0-9_]*(' | tr -d '(' | sort -u >"$out/declared"
    diff "$out/declared" "$out/exported"
}

# Each function of the header is called by some test.
every_function_is_called() {
    local function missing=0
    while read -r function; do
        # As a call, or as the argument of a macro that calls it.
        if ! grep -q "\b$function[(,]" tests/c/*.c tests/c/[!g]*.h; then
            echo "no test in tests/c calls $function"
            missing=1
        fi
    done <"$out/declared"
    return $missing
}

compilers=("$CC" "$CXX" clang clang++)

header_alone() {
    local language=c header=include/saltyrtc.h
    [[ $1 == *++* ]] && language=c++
    # It includes the others.
    [[ $2 == c++17 ]] && header=include/saltyrtc_ortc.hpp
    # Included by a file, as programs do it: and twice, which must do no harm.
    printf '#include "%s"\n#include "%s"\n' "${header#include/}" "${header#include/}" |
        "$1" "-std=$2" "${WARNINGS[@]}" -Iinclude -fsyntax-only -x $language -
}

# Swift's importer is clang, in C. There every enumeration is a type that has the size of an int32_t.
header_for_swift() {
    printf '%s\n' '#include "saltyrtc.h"' 'saltyrtc_state state = SALTYRTC_STATE_TASK;' \
        '_Static_assert(_Generic(state, enum saltyrtc_state: 1, default: 0), "no enumeration");' \
        '_Static_assert(sizeof(saltyrtc_state) == 4 && sizeof(saltyrtc_status) == 4, "of another size");' |
        clang -std=gnu11 -D__swift__=1 -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c -
}

header_without_null() {
    local call='#include "saltyrtc.h"
saltyrtc_status call(saltyrtc_client *client);
saltyrtc_status call(saltyrtc_client *client) { return saltyrtc_client_close(%s, NULL); }
'
    # shellcheck disable=SC2059 # it is a format
    printf "$call" client | clang "${WARNINGS[@]}" -Iinclude -fsyntax-only -x c - || return 1
    # shellcheck disable=SC2059
    ! printf "$call" NULL | clang "${WARNINGS[@]}" -Iinclude -fsyntax-only -x c -
}

link=(-L"$out" -Wl,-rpath,"$PWD/$out" -lsaltyrtc -lpthread)

compile_as_c() {
    local packages flags=()
    # What else an example is linked with, it says itself.
    packages=$(sed -n 's/^ \* Compile it with: pkg-config saltyrtc //p' "$1")
    if [ -n "$packages" ]; then
        # shellcheck disable=SC2046,SC2086 # lists of words; as system headers: our warnings are not for them
        flags=($(pkg-config --cflags --libs $packages | sed 's/-I/-isystem /g')) || return 1
    fi
    "$CC" -std=c99 -D_POSIX_C_SOURCE=200809L "${WARNINGS[@]}" -g -Iinclude -o "$2" "$1" "${flags[@]}" "${link[@]}"
}

compile_with_few() {
    "$CC" -std=c99 -D_POSIX_C_SOURCE=200809L "${WARNINGS[@]}" -g -Iinclude -o "$2" "$1" \
        -L"$out/few" -Wl,-rpath,"$PWD/$out/few" -lsaltyrtc -lpthread
}

# compile_as_cpp <standard> <source> <program>
compile_as_cpp() {
    "$CXX" -x c++ "-std=$1" "${WARNINGS[@]}" -g -Iinclude -o "$3" "$2" "${link[@]}"
}

run() {
    timeout "$TEST_TIMEOUT" "$1"
}

run_under_valgrind() {
    # A test that hangs is ended before valgrind lists all that is still there.
    timeout --signal=KILL "$TEST_TIMEOUT" "${VALGRIND[@]}" "$1"
}

if [ $# = 0 ]; then
    # All functions are there in every build.
    for built in "$out/few/libsaltyrtc.so" "$library"; do
        check "exported symbols of $built" exported_symbols "$built"
    done
    check "every function is called by a test" every_function_is_called
    for compiler in "${compilers[@]}"; do
        standards=(c99 c17)
        [[ $compiler == *++* ]] && standards=(c++11 c++17)
        for standard in "${standards[@]}"; do
            check "header with $compiler -std=$standard" header_alone "$compiler" "$standard"
        done
    done
    check "header as Swift reads it" header_for_swift
    check "clang notices a NULL that must not be" header_without_null
    few=tests/c/few_features/not_built.c
    check "compile $few" compile_with_few "$few" "$out/not_built.test" &&
        check "run $few" run_under_valgrind "$out/not_built.test"
fi

wanted() {
    local name=$1
    shift
    [ $# = 0 ] && return 0
    for other in "$@"; do
        [ "$other" = "$name" ] && return 0
    done
    return 1
}

# test_source <source> <program>
test_source() {
    local source=$1 program=$2
    case $source in
    *.c) check "compile $source" compile_as_c "$source" "$program" || return ;;
    *) check "compile $source" compile_as_cpp c++17 "$source" "$program" || return ;;
    esac
    if [[ $source == tests/c/*.c ]]; then
        # C programs are C++ programs, too: the same test without valgrind, at full speed.
        check "compile $source as C++" compile_as_cpp c++11 "$source" "$program++" || return
        check "run $source as C++" run "$program++"
    fi
    # One of them says that it is not for valgrind. Examples are run here only if they need no arguments and end by
    # themselves, which they say.
    if grep -q 'Not for valgrind' "$source"; then
        check "run $source" run "$program"
    elif [[ $source == tests/c/* ]] || grep -q 'Runs on its own' "$source"; then
        check "run $source" run_under_valgrind "$program"
    fi
}

# Valgrind runs one thread of a program at a time, so that a program is kept busy by one processor: as many programs at
# once as there are processors. Each has its own log, and says at its end what passed.
processors=$(nproc)
beside() {
    local name=$1
    shift
    while [ "$(jobs -pr | wc -l)" -ge "$processors" ]; do
        wait -n
    done
    (
        log=$out/$name.log passed=0 failed=0
        : >"$out/$name.counts"
        "$@" >"$out/$name.out" 2>&1
        echo "$passed $failed" >"$out/$name.counts"
        cat "$out/$name.out"
    ) &
    started+=("$name")
}
started=()

# test_sources <file…>: those that are wanted, each beside others
test_sources() {
    local source name
    for source in "$@"; do
        name=${source//\//-}
        ! wanted "$(basename "${source%.*}")" "${only[@]}" || beside "$name" test_source "$source" "$out/$name.test"
    done
}

run_examples() {
    check "run the examples" timeout $((5 * TEST_TIMEOUT)) scripts/test-examples.py "$out"
}

shopt -s nullglob
only=("$@")
test_sources examples-c/*.c examples-c/*.cpp
wait
# The examples that talk to each other, and to people. These are many tests in one, and each step of each of
# them has a limit of its own.
! wanted examples "$@" || beside examples run_examples
# What is installed has the server in it.
! wanted installed "$@" || cargo build --locked --quiet --bin saltyrtc-server || exit 1
! wanted installed "$@" || beside installed check "programs with the installed library" scripts/test-install.py "$out/installed"
test_sources tests/c/*.c tests/c/*.cpp
wait

for name in "${started[@]}"; do
    if ! read -r ok bad <"$out/$name.counts"; then
        echo "FAILED  $name ended without a word"
        bad=1 ok=0
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
