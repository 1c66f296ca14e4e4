#!/usr/bin/env bash
# Checks the dependencies: licences, duplicates, where they come from, known security problems.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo deny --locked check licenses bans sources
# Packages that nobody gets may have other licences, and several versions of a crate.
for package in fuzz benches/rtc-others; do
    cargo deny --locked --manifest-path $package/Cargo.toml --config "$PWD/deny.toml" check sources
done

# The database of advisories is on the network and changes without us. A machine without a network
# cannot check it; that is said, and is not an error of the library.
if reason=$(cargo deny --locked fetch db 2>&1); then
    # Not those of benches/rtc-others: what the library is compared with is not ours to mend.
    for package in . fuzz; do
        cargo deny --locked --manifest-path $package/Cargo.toml --config "$PWD/deny.toml" check --disable-fetch advisories
    done
else
    echo "NOT CHECKED: security advisories, because their database cannot be reached:" >&2
    printf '%s\n' "$reason" | sed 's/^/    /' >&2
fi
