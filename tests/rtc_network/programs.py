"""Where the programs under test are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

SERVER = TARGET / "debug/saltyrtc-server"
# Made by scripts/build-peers.sh.
PEERS = ROOT / "build"
RTC_PEER = PEERS / "rtc_peer"
