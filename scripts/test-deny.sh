#!/usr/bin/env bash
# Checks the dependencies: licences, duplicates, where they come from, known security problems.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo deny --locked check licenses bans sources

# The database of advisories is on the network and changes without us. A machine without a network
# cannot check it; that is said, and is not an error of the library.
if reason=$(cargo deny --locked fetch db 2>&1); then
    cargo deny --locked check --disable-fetch advisories
else
    echo "NOT CHECKED: security advisories, because their database cannot be reached:" >&2
    printf '%s\n' "$reason" | sed 's/^/    /' >&2
fi
