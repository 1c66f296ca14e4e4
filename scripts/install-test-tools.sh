#!/usr/bin/env bash
# Installs what `make test` needs besides Rust, a C compiler and Python. Can be run again and again;
# says nothing if nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/versions.sh
. scripts/versions.sh

fail() {
    echo "install-test-tools: $*" >&2
    exit 1
}

packages=()
reasons=()

# need <command that succeeds if it is there> <Debian package> <what the tests need it for>
need() {
    if ! bash -c "$1" >/dev/null 2>&1; then
        packages+=("$2")
        reasons+=("    $2: $3")
    fi
}

need 'command -v c++' g++ 'the C++ tests of the header'
need 'command -v abidiff' abigail-tools 'the comparison of the ABI with that of releases'
need 'command -v clang++' clang 'the header as clang and Swift read it'
need 'command -v aarch64-linux-gnu-gcc' 'gcc-aarch64-linux-gnu' 'the library for phones'
need '[ -e /usr/aarch64-linux-gnu/lib/libc.so.6 ]' libc6-dev-arm64-cross 'the library for phones'
need 'command -v pkg-config' pkg-config 'the test of the installed library'
need 'command -v cmake' cmake 'the CMake package of the installed library'
need 'pkg-config --exists libuv' libuv1-dev 'the guide: a program with the loop of libuv'
need 'pkg-config --exists glib-2.0' libglib2.0-dev 'the guide: a program with the loop of GLib'
need 'command -v doxygen' doxygen 'the reference of the C header'
need 'command -v linkchecker' linkchecker 'the links of the documentation'
need 'command -v valgrind' valgrind 'memory errors in the C tests'
need 'PATH=$PATH:/usr/sbin command -v haproxy' haproxy 'the test of several servers behind a load balancer'
need 'command -v prometheus && command -v promtool' prometheus 'the alerts and the dashboard for the server'
need 'command -v musl-gcc' musl-tools 'the steps of the Dockerfile'
need 'command -v lintian' lintian 'the packages of the server'
need 'command -v rpm' rpm 'the packages of the server'
need '[ -x /lib/systemd/systemd ]' systemd 'the packages of the server'
need 'command -v chrt' util-linux 'the soak of the server'
need 'command -v git' git 'the database of security advisories for the dependencies'
need 'command -v node' nodejs 'JavaScript peers'
need 'command -v npm' npm 'JavaScript peers, from their registry'
need 'command -v chromium' chromium 'JavaScript peers in a real browser'
need 'python3 -m venv --help && python3 -c "import ensurepip"' python3-venv 'Python peers, from their registry'
need 'PATH=$PATH:/usr/sbin command -v ip' iproute2 'networks of their own for WebRTC peers'
need 'PATH=$PATH:/usr/sbin command -v nft' nftables 'NATs in these networks'
need 'PATH=$PATH:/usr/sbin command -v sysctl' procps 'routers in these networks'
need 'command -v turnserver' coturn 'a TURN server in these networks'
need 'PATH=$PATH:/usr/sbin command -v tinyproxy' tinyproxy-bin 'an HTTP proxy in these networks'
need 'PATH=$PATH:/usr/sbin command -v microsocks' microsocks 'a SOCKS proxy in these networks'
need 'command -v openssl' openssl 'certificates of servers'
need 'pkg-config --exists gstreamer-webrtc-1.0' libgstreamer-plugins-bad1.0-dev 'the example with the WebRTC of GStreamer'
need '[ -e "$(pkg-config --variable=pluginsdir gstreamer-1.0)/libgstwebrtc.so" ]' gstreamer1.0-plugins-bad 'the WebRTC of GStreamer'
need '[ -e "$(pkg-config --variable=pluginsdir gstreamer-1.0)/libgstnice.so" ]' gstreamer1.0-nice 'the ICE of GStreamer'
need 'pkg-config --exists libcrypto' libssl-dev 'the certificate for the WebRTC of GStreamer'
need 'command -v javac' openjdk-17-jdk-headless 'the Kotlin artefacts'
need 'command -v mvn' maven 'the Kotlin artefacts'
need 'command -v pypy3' pypy3 'Python peers that need Python 3.9'
need 'pypy3 -m venv --help && pypy3 -c "import ensurepip"' pypy3-venv 'Python peers that need Python 3.9'
need 'pkg-config --exists libsodium || [ -e /usr/include/sodium.h ]' libsodium-dev 'the crypto of the Python peers'

if [ ${#packages[@]} -gt 0 ]; then
    echo "The tests need these Debian packages, which are not installed:"
    printf '%s\n' "${reasons[@]}"
    command -v apt-get >/dev/null || fail "no apt-get here: install what is listed above by other means, then run this again"
    sudo=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "not root, and there is no sudo: run 'apt-get install ${packages[*]}' as root"
        sudo=(sudo)
    fi
    echo "Installing them with apt-get${sudo:+ (through sudo)}."
    "${sudo[@]}" apt-get update -q=2
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q=2 --no-install-recommends -o Dpkg::Use-Pty=0 "${packages[@]}" >/dev/null
fi

# Parts of the Rust installation, which a minimal one leaves out.
for component in rustfmt clippy; do
    program=cargo-${component/rustfmt/fmt}
    if ! command -v "$program" >/dev/null; then
        command -v rustup >/dev/null || fail "$program is missing and there is no rustup to install it: install the $component of your Rust"
        echo "Adding $component to Rust with rustup: make lint needs it."
        rustup --quiet component add "$component"
    fi
done

# at_least <version> <lowest version>
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

scripts/cargo-tool.sh cargo-deny "$MIN_CARGO_DENY" 'licences and security of the dependencies'
scripts/cargo-tool.sh cargo-deb "$MIN_CARGO_DEB" 'packages of the server for Debian' --no-default-features
scripts/cargo-tool.sh cargo-generate-rpm "$MIN_CARGO_GENERATE_RPM" 'packages of the server for systems with RPM'

# check_version <tool> <command that prints its version> <lowest version>
check_version() {
    local version
    version=$($2 2>&1 | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1) || true
    at_least "${version:-0}" "$3" || fail "$1 is ${version:-of an unknown version}, the tests need $3 or later"
}

check_version node 'node --version' "$MIN_NODE"
check_version python3 'python3 --version' "$MIN_PYTHON"
check_version pypy3 'pypy3 --version' "$MIN_PYPY"
check_version valgrind 'valgrind --version' "$MIN_VALGRIND"
check_version cargo-deny 'cargo deny --version' "$MIN_CARGO_DENY"
