"""Where the programs under test are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# As in the Makefile, which runs in the root: the tests do not.
TARGET = ROOT / (os.environ.get("CARGO_TARGET_DIR") or "target")

SERVER = TARGET / "debug/saltyrtc-server"
# Made by scripts/build-peers.sh.
PEERS = ROOT / "build"
RTC_PEER = PEERS / "rtc_peer"
ORTC_MIDDLE = PEERS / "ortc_middle"
LINK = PEERS / "link"
# Found by scripts/test-network.sh.
UNIT_TESTS = os.environ.get("SALTYRTC_UNIT_TESTS")
# Run by Python, with this in the environment.
CLIENT = Path(__file__).resolve().with_name("client.py")
PYTHON_ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT / "bindings/python/src"),
    "SALTYRTC_LIBRARY": str(TARGET / "debug/libsaltyrtc.so"),
}
# A program that runs another one.
WITHOUT_NETLINK = Path(__file__).resolve().with_name("without_netlink.py")
