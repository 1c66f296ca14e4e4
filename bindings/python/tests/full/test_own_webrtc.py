"""The example with aiortc as the stack."""

import sys
from pathlib import Path

from programs import Program

EXAMPLE = Path(__file__).parents[2] / "examples/aiortc_channel.py"


def test_aiortc():
    with Program(sys.executable, EXAMPLE) as program:
        program.ends()
        lines = [line for line in program.seen if line.startswith("stdout: ")]
    assert sorted(lines) == sorted(
        f"stdout: {line}" for line in ("Hello, Bob", "Hello, Alice", "heard", "heard", "PEER_CLOSED")
    )
