# Builds with a sanitizer of the compiler; sourced by test-races.sh and sanitize.sh. Sanitizers are still unstable options
# of it: RUSTC_BOOTSTRAP lets the ordinary compiler take them, so that no second Rust is needed whose version nobody chose.
#
# CARGO_PROFILE_DEV_DEBUG=1 adds the numbers of lines to what is found.

# use_sanitizer <thread or address> [crates]: what cargo builds from now on with "${sanitized[@]}" is built with it. The
# crates are those of the standard library that are needed besides the usual ones.
#
# Status 3: not to be had here, which was said.
use_sanitizer() {
    local rust short
    rust=$(rustc --print sysroot)
    target=$(rustc --version --verbose | sed -n 's/^host: //p')
    sanitized=(--locked --target "$target")
    suppressions=$PWD/tests/sanitizers/$1.supp
    case $1 in
    thread)
        short=tsan
        # Races are only seen in what is built with it, so the standard library is, too. Its sources come from rustup.
        if [ ! -d "$rust/lib/rustlib/src/rust/library" ]; then
            if ! command -v rustup >/dev/null || ! rustup --quiet component add rust-src; then
                echo "NOT RUN: it builds the standard library, whose sources are not in $rust, and which rustup cannot get" \
                    "(rustup component add rust-src)"
                return 3
            fi
        fi
        sanitized+=("-Zbuild-std=core,alloc,std,panic_unwind${2:+,$2}" -Zbuild-std-features=panic-unwind)
        export TSAN_OPTIONS="exitcode=66 second_deadlock_stack=1 suppressions=$suppressions"
        ;;
    address)
        short=asan
        export ASAN_OPTIONS="exitcode=66 detect_stack_use_after_return=1 strict_string_checks=1"
        export LSAN_OPTIONS="suppressions=$suppressions print_suppressions=0"
        ;;
    esac
    # For programs in C: what the C compiler's own runtime lacks is in Rust's.
    runtime=$rust/lib/rustlib/$target/lib/librustc-stable_rt.$short.a
    if [ ! -f "$runtime" ]; then
        echo "there is no $runtime" >&2
        return 1
    fi
    # Of its own, as everything in there is built another way.
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/sanitize/$1
    export RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=$1 CARGO_INCREMENTAL=0
    export CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-0}
    out=build/sanitize/$1
    mkdir -p "$out"
}

# link_library: programs find the library that was built
link_library() {
    libraries=$(realpath "$CARGO_TARGET_DIR/$target/debug")
    ln -sf libsaltyrtc.so "$libraries/$(readelf -d "$libraries/libsaltyrtc.so" |
        sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"
}

# c_test <sanitizer> <file in tests/c>: compiles and runs it, and says how it ended
c_test() {
    local name compiler=("${CC:-gcc}" -std=c99)
    name=$(basename "${2%.*}")
    [[ $2 != *.cpp ]] || compiler=("${CXX:-g++}" -std=c++17)
    "${compiler[@]}" -D_POSIX_C_SOURCE=200809L -g -O1 "-fsanitize=$1" -Iinclude -c -o "$out/$name.o" "$2"
    "${CC:-gcc}" -o "$out/$name" "$out/$name.o" -L"$libraries" -Wl,-rpath,"$libraries" -lsaltyrtc \
        -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive -Wl,--export-dynamic -lstdc++ -lpthread -ldl -lm -lrt
    if timeout --signal=KILL "${TEST_TIMEOUT:-600}" "$out/$name" >"$out/$name.log" 2>&1; then
        echo "ok      $name"
    else
        echo "FAILED  $name (exit status $?)"
        sed 's/^/        /' "$out/$name.log"
        return 1
    fi
}
