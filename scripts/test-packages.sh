#!/usr/bin/env bash
# The packages of the server: what is in them, and that they can be installed, upgraded, removed and purged in a Debian
# system that is thrown away afterwards (scripts/in-system.sh), under its systemd. Needs root or sudo for that.
#
# The program in them is the one that other tests use, which is not optimised.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "test-packages: $*" >&2
    exit 1
}

for program in lintian rpm openssl; do
    command -v $program >/dev/null || fail "$program is missing: run 'make test-tools'"
done
[ -x /lib/systemd/systemd ] || fail "systemd is missing: run 'make test-tools'"

cargo build --locked --quiet --bin saltyrtc-server
export DEBFULLNAME='The packager' DEBEMAIL=packager@saltyrtc.org
out=build/test-packages
rm -rf "$out"
mkdir -p "$out"
# An upgrade is from the first to the second one.
for revision in 1 2; do
    REVISION=$revision scripts/build-packages.sh "${CARGO_TARGET_DIR:-target}/debug/saltyrtc-server" >/dev/null
    mv build/packages/*.deb "$out/$revision.deb"
    mv build/packages/*.rpm "$out/$revision.rpm"
done

# It is no package of Debian's own, whose first version answers a request for one.
lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$out/1.deb"

files='/etc/saltyrtc-server/config.toml
/usr/bin/saltyrtc-server
/usr/lib/systemd/system/saltyrtc-server.service
/usr/lib/systemd/system/saltyrtc-server.socket
/usr/lib/sysusers.d/saltyrtc-server.conf
/usr/share/bash-completion/completions/saltyrtc-server
/usr/share/doc/saltyrtc-server/examples/haproxy.cfg
/usr/share/doc/saltyrtc-server/examples/saltyrtc-server.grafana.json
/usr/share/doc/saltyrtc-server/examples/saltyrtc-server.rules.yml
/usr/share/doc/saltyrtc-server/operating.md
/usr/share/doc/saltyrtc-server/third-party-notices.txt.gz
/usr/share/fish/vendor_completions.d/saltyrtc-server.fish'
debian='/usr/share/doc/saltyrtc-server/changelog.Debian.gz
/usr/share/doc/saltyrtc-server/changelog.gz
/usr/share/doc/saltyrtc-server/copyright
/usr/share/man/man1/saltyrtc-server.1.gz
/usr/share/zsh/vendor-completions/_saltyrtc-server'
rpm='/usr/share/doc/saltyrtc-server/changelog
/usr/share/licenses/saltyrtc-server/LICENSE-APACHE
/usr/share/licenses/saltyrtc-server/LICENSE-MIT
/usr/share/man/man1/saltyrtc-server.1
/usr/share/zsh/site-functions/_saltyrtc-server'
diff <(printf '%s\n' "$files" "$debian" | sort) <(dpkg-deb -c "$out/1.deb" | sed -n 's/.* \.\(\/.*[^/]\)$/\1/p' | sort) ||
    fail "the files of the .deb are not those that are expected (above: < expected, > there)"
diff <(printf '%s\n' "$files" "$rpm" | sort) <(rpm -qpl "$out/1.rpm" | sort) ||
    fail "the files of the .rpm are not those that are expected (above: < expected, > there)"
[ "$(rpm -qpc "$out/1.rpm")" = /etc/saltyrtc-server/config.toml ] || fail "the .rpm knows its configuration"
[ "$(dpkg-deb -I "$out/1.deb" conffiles)" = /etc/saltyrtc-server/config.toml ] || fail "the .deb knows its configuration"
for needed in '^libc\.so\.6(GLIBC' '^systemd$'; do
    grep -q "$needed" <<<"$(rpm -qp --requires "$out/1.rpm")" || fail "the .rpm needs $needed"
done
dpkg-deb -f "$out/1.deb" Depends | grep -q 'libc6 (>= .*systemd' || fail "the .deb names what it needs"
sh -n <(rpm -qp --scripts "$out/1.rpm" | sed 's/^[a-z]* scriptlet.*//') || fail "the scripts of the .rpm are none"

# What the page for operators says is what is done.
steps=$(sed -n '/^### Packages/,/^### /p' docs/operating.md | sed -n '/^```sh/,/^```/p' | sed -e '/^```/d' -e 's/ *#.*//')
grep -v -e '^apt ' -e '^editor ' <<<"$steps" >"$out/steps"
[ "$(wc -l <"$out/steps")" -ge 4 ] || fail "the steps in docs/operating.md are not understood: $steps"
if ! scripts/in-system.sh scripts/packages-in-system.sh "$out"; then
    cat "$out/output" "$out/console" >&2
    [ ! -e "$out/log" ] || sed 's/^/server: /' "$out/log" >&2
    fail "see above"
fi
# What package managers and the system keep for themselves.
own='^/(var/(lib/(dpkg|systemd)|log|cache/man)|root/\.rpmdb)/'
user='^/etc/((passwd|group|shadow|gshadow)-?|\.pwd\.lock|machine-id)$'
left=$(grep -vE -e "$own" -e "$user" "$out/changed" || true)
[ -z "$left" ] || fail "the packages leave something behind: $left"
