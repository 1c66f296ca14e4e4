#!/usr/bin/env bash
# Run by scripts/test-packages.sh in a system that is thrown away: here are the packages 1 and 2, and the steps that
# docs/operating.md names.
set -euo pipefail

check() {
    local what=$1
    shift
    echo "$what"
    "$@" || {
        echo "NOT TRUE: $what ($*: status $?)"
        exit 1
    }
}

# quietly <command…>: what it says matters only if it fails
quietly() {
    local said
    said=$("$@" 2>&1) || {
        printf '%s\n' "$said" "$*: exit status $?"
        exit 1
    }
}

not() {
    ! "$@"
}

config=/etc/saltyrtc-server/config.toml
unit=saltyrtc-server.service
log=$PWD/log
# There is no journal.
mkdir -p /run/systemd/system/$unit.d
printf '[Service]\nStandardError=append:%s\n' "$log" >/run/systemd/system/$unit.d/log.conf

state() {
    [ "$(systemctl is-active $unit) $(systemctl is-enabled $unit 2>/dev/null)" = "$1" ]
}

pid() {
    systemctl show --property MainPID --value $unit
}

runs_as_its_user() {
    [ "$(stat --format %U "/proc/$(pid)")" = saltyrtc-server ]
}

certificate() {
    openssl req -x509 -newkey ed25519 -nodes -days 2 -subj "/CN=$1" -keyout certificate.key -out certificate.pem 2>/dev/null
    chgrp saltyrtc-server certificate.key
    chmod 640 certificate.key
}

serves() {
    openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null | openssl x509 -noout -subject | grep -q "CN = $1\$"
}

# logged <text>: waits until the log has it
logged() {
    timeout 60 grep -q -m 1 "$1" <(exec tail -n +1 -f "$log")
}

set_up() {
    (
        # The first steps of docs/operating.md; between them, the operator edits the configuration.
        . <(sed '/^systemctl/d' "$here/steps")
        certificate "$1"
        sed -i -e "s|^# No default. Example: \(tls[a-z]* = .*/etc/saltyrtc-server/certificate\..*\)|\1|" \
            -e 's|^#key = .*|key = ["/etc/saltyrtc-server/permanent.key"]|' $config
        quietly bash -e <(grep ^systemctl "$here/steps")
    )
}
here=$PWD

echo "--- Debian"
# Without what other packages do whenever something is installed, as an index of all manual pages.
dpkg=(dpkg --no-triggers)
quietly "${dpkg[@]}" -i 1.deb
check "there is a user" getent passwd saltyrtc-server
check "a new server does not run" state "inactive disabled"
check "systemd finds nothing wrong" systemd-analyze verify /usr/lib/systemd/system/saltyrtc-server.{service,socket}
set_up one
check "it runs after the steps" state "active enabled"
check "its user is its own" runs_as_its_user
check "it is ready" saltyrtc-server healthcheck
check "it serves TLS at a low port" serves one

first=$(pid)
(cd /etc/saltyrtc-server && certificate two)
quietly systemctl reload $unit
check "it reloads" logged "reload done"
check "the new certificate is in use" serves two
check "the process is the same" [ "$(pid)" = "$first" ]

cp $config edited
quietly "${dpkg[@]}" -i 2.deb
check "the upgrade keeps what was edited" cmp edited $config
check "the upgrade keeps it running" state "active enabled"
check "the new program runs" [ "$(pid)" != "$first" ]
check "the new program serves" serves two

quietly systemctl disable --now $unit
quietly "${dpkg[@]}" -i 2.deb
check "what was stopped and disabled stays so" state "inactive disabled"
quietly systemctl enable --now $unit
quietly "${dpkg[@]}" -r saltyrtc-server
check "what is removed does not run" not pgrep -x saltyrtc-server
check "the configuration is still there" cmp edited $config
quietly "${dpkg[@]}" -i 2.deb
check "installed again, it runs again" state "active enabled"

quietly "${dpkg[@]}" -P saltyrtc-server
check "what is purged does not run" not pgrep -x saltyrtc-server
check "the configuration is gone" [ ! -e $config ]
check "what the operator made is still there" [ -e /etc/saltyrtc-server/permanent.key ]
check "nothing starts it any more" [ -z "$(find /etc/systemd -name 'saltyrtc-server*')" ]
rm -r /etc/saltyrtc-server

echo "--- RPM"
# As on the systems that packages of this kind are for: what is new is disabled.
mkdir -p /run/systemd/system-preset
echo 'disable *' >/run/systemd/system-preset/99-default.preset
# Debian's rpm knows nothing of what dpkg has installed.
rpm=(rpm --nodeps --force-debian)
quietly "${rpm[@]}" -i 1.rpm
check "a new server does not run" state "inactive disabled"
set_up three
check "it runs after the steps" state "active enabled"
check "it serves TLS at a low port" serves three
first=$(pid)
cp $config edited
quietly "${rpm[@]}" -U 2.rpm
check "the upgrade keeps what was edited" cmp edited $config
check "the upgrade keeps it running" state "active enabled"
check "the new program runs" [ "$(pid)" != "$first" ]
quietly "${rpm[@]}" -e saltyrtc-server
check "what is removed does not run" not pgrep -x saltyrtc-server
check "nothing starts it any more" [ -z "$(find /etc/systemd -name 'saltyrtc-server*')" ]
check "what was edited is kept" cmp edited $config.rpmsave
rm -r /etc/saltyrtc-server
check "its directories are gone" [ -z "$(find /usr/share /etc -maxdepth 3 -name 'saltyrtc-server*')" ]
