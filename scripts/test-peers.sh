#!/usr/bin/env bash
# The built-in WebRTC against itself and against GStreamer's: tests/rtc_peers/README.md.
#
# Arguments: names of tests, as in test_meetings.Meetings.test_the_responder_closes.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v python3 >/dev/null || ! pkg-config --exists gstreamer-webrtc-1.0 gstreamer-sdp-1.0 libcrypto; then
    echo "test-peers: Python or the development files of GStreamer's WebRTC or of OpenSSL are missing: run 'make test-tools'" >&2
    exit 1
fi
scripts/build-peers.sh
cd tests/rtc_peers
exec python3 -B -m unittest "${@:-discover}" --failfast
