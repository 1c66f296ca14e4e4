#!/usr/bin/env bash
# Packages of the server for Debian and for systems with RPM, in build/packages: this puts together what is in them, and
# Cargo.toml has the rest.
#
# DEBFULLNAME and DEBEMAIL, which Debian's tools know, are who makes the packages. REVISION counts packages of the same
# version. Arguments: a program to put in, in place of one that is built; then they are not made small.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/versions.sh
. scripts/versions.sh

if [ -z "${DEBEMAIL:-}" ]; then
    echo "build-packages: set DEBEMAIL (and DEBFULLNAME) to whom people can write about these packages" >&2
    exit 1
fi
maintainer="${DEBFULLNAME:-${DEBEMAIL%@*}} <$DEBEMAIL>"
revision=${REVISION:-1}
scripts/cargo-tool.sh cargo-deb "$MIN_CARGO_DEB" 'packages of the server for Debian' --no-default-features
scripts/cargo-tool.sh cargo-generate-rpm "$MIN_CARGO_GENERATE_RPM" 'packages of the server for systems with RPM'

out=build/packages
program=${1:-}
deb_size=() rpm_size=()
if [ -n "$program" ]; then
    deb_size=(--fast) rpm_size=(--payload-compress none)
else
    cargo build --locked --release --no-default-features --features server-bin --bin saltyrtc-server
    program=${CARGO_TARGET_DIR:-target}/release/saltyrtc-server
fi
rm -rf "$out"
mkdir -p "$out/program"
strip -o "$out/program/saltyrtc-server" "$program"
program=$out/program/saltyrtc-server
scripts/third-party-notices.py | gzip -9n >"$out/third-party-notices.txt.gz"

# stage <directory> <where zsh looks for completions>
stage() {
    local root=$PWD/$out/$1
    local doc=$root/usr/share/doc/saltyrtc-server
    make -s install-server "TARGET=$out/program" "DESTDIR=$root" PREFIX=/usr "ZSHCOMPDIR=$2"
    mkdir -p "$root/etc/saltyrtc-server" "$doc/examples"
    "$program" default-config >"$root/etc/saltyrtc-server/config.toml"
    cp docs/operating.md "$out/third-party-notices.txt.gz" "$doc"
    cp CHANGELOG.md "$doc/changelog"
    cp dist/haproxy/haproxy.cfg dist/prometheus/saltyrtc-server.rules.yml "$doc/examples"
    cp dist/grafana/saltyrtc-server.json "$doc/examples/saltyrtc-server.grafana.json"
}

stage debian /usr/share/zsh/vendor-completions
# As Debian wants it: its own names of licences, and none that it has anyway.
cat >"$out/licence" <<END
Upstream-Name: libsaltyrtc
Comment:
 The program is linked with crates of others, whose licences are in
 /usr/share/doc/saltyrtc-server/third-party-notices.txt.gz.

Files: *
$(sed -n '1s/ (c)/:/p' LICENSE-MIT)
License: Expat or Apache-2.0

License: Expat
$(sed -e 1,2d -e 's/^$/./' -e 's/^/ /' LICENSE-MIT)

License: Apache-2.0
 The Apache License, version 2.0, is in /usr/share/common-licenses/Apache-2.0.
END
stage rpm /usr/share/zsh/site-functions
mkdir -p "$out/rpm/usr/share/licenses/saltyrtc-server"
cp LICENSE-* "$out/rpm/usr/share/licenses/saltyrtc-server"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
cat >"$out/changelog" <<END
saltyrtc-server ($version-$revision) unstable; urgency=medium

  * What changed is in changelog.gz.

 -- $maintainer  $(date --utc --rfc-email -d "@$SOURCE_DATE_EPOCH")
END

cargo deb --quiet --no-build --no-strip --maintainer "$maintainer" --deb-revision "$revision" --output "$out/" "${deb_size[@]}"
cargo generate-rpm --set-metadata "vendor = \"$maintainer\"" --set-metadata "release = \"$revision\"" --output "$out/" \
    "${rpm_size[@]}"
