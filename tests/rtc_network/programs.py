"""Where the programs under test are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

SERVER = TARGET / "debug/saltyrtc-server"
# Made by scripts/test-network.sh.
RTC_PEER = ROOT / "build/rtc_peer"
