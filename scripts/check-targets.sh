#!/usr/bin/env bash
# The library compiles for systems that the tests do not run on: iOS, Android, Windows. It is checked and not linked, so
# nothing of these systems is needed but their standard library of Rust. The C code of dependencies is compiled by zig.
#
# Where rustup cannot add that standard library, the target is not checked: it says so, and that is no failure.
#
# Arguments: the targets of Rust, in place of all.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/versions.sh
. scripts/versions.sh
[ $# != 0 ] || set -- aarch64-apple-ios aarch64-linux-android x86_64-pc-windows-gnu

out=$PWD/build/targets
zig=$out/zig-$ZIGLANG
if [ ! -e "$zig/complete" ]; then
    rm -rf "$zig"
    python3 -m venv "$zig"
    "$zig/bin/python" -m pip install --quiet --disable-pip-version-check "ziglang==$ZIGLANG"
    : >"$zig/complete"
fi

# What zig calls a system whose headers it has, and whose C code is like that of the target.
zig_target() {
    case $1 in
    aarch64-apple-*) echo aarch64-macos ;;
    aarch64-linux-android) echo aarch64-linux-musl ;;
    x86_64-pc-windows-gnu) echo x86_64-windows-gnu ;;
    *)
        echo "check-targets: there is no compiler for $1" >&2
        return 1
        ;;
    esac
}

# Programs that stand for the compiler and the archiver of a target, without the options that name it in other words.
tools_for() {
    local system
    system=$(zig_target "$1")
    cat >"$out/cc-$1" <<END
#!/usr/bin/env bash
arguments=()
while [ \$# != 0 ]; do
    case \$1 in
    --target=* | -m*-version-min=*) ;;
    -arch | -isysroot | -target) shift ;;
    *) arguments+=("\$1") ;;
    esac
    shift
done
exec "$zig/bin/python" -m ziglang cc -target $system "\${arguments[@]}"
END
    printf '#!/bin/sh\nexec "%s" -m ziglang ar "$@"\n' "$zig/bin/python" >"$out/ar-$1"
    chmod +x "$out/cc-$1" "$out/ar-$1"
}

installed=$(rustc --print sysroot)/lib/rustlib
mkdir -p "$out/no-sdk"
for target in "$@"; do
    if [ ! -d "$installed/$target/lib" ] && ! { command -v rustup && rustup --quiet target add "$target"; } >/dev/null; then
        echo "check-targets: NOT CHECKED: $target, whose standard library rustup cannot add (rustup target add $target)"
        continue
    fi
    tools_for "$target"
    variable=${target//-/_}
    env "CC_$variable=$out/cc-$target" "AR_$variable=$out/ar-$target" SDKROOT="$out/no-sdk" \
        cargo rustc --locked --quiet --lib --profile check --no-default-features \
        --features client,server,webrtc,capi,vectorised --target "$target" -- -D warnings
    echo "ok  $target"
done
