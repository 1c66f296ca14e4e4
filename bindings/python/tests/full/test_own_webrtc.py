"""The example with aiortc as the stack: on its own, and with the one in C that has GStreamer."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest
import saltyrtc
from programs import Program, c_program
from support import asynchronous

EXAMPLE = Path(__file__).parents[2] / "examples/aiortc_channel.py"
#: What the C program sends as its last message.
END = "\x04"


def test_aiortc():
    with Program(sys.executable, EXAMPLE) as program:
        program.ends()
        lines = [line for line in program.seen if line.startswith("stdout: ")]
    assert sorted(lines) == sorted(
        f"stdout: {line}" for line in ("Hello, Bob", "Hello, Alice", "heard", "heard", "PEER_CLOSED")
    )


@pytest.fixture
def example():
    spec = importlib.util.spec_from_file_location("aiortc_channel", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("invites", ("aiortc", "gstreamer"))
@asynchronous
async def test_gstreamer(server, example, invites):
    loop = asyncio.get_running_loop()
    tasks = [saltyrtc.OwnWebRTC(exclude=[example.CHAT_ID])]
    if invites == "aiortc":
        peer = saltyrtc.Initiator(server.url, tasks=tasks)
        program = c_program("gstreamer_webrtc", "join", peer.invitation)
    else:
        program = c_program("gstreamer_webrtc", "initiate", server.url)
    with program:
        if invites == "gstreamer":
            peer = saltyrtc.Responder(await loop.run_in_executor(None, program.line, "ws://"), tasks=tasks)
        async with peer:
            await peer.connected()
            connection = example.Connection(peer)
            negotiating = asyncio.ensure_future(connection.negotiate())
            if invites == "aiortc":
                await connection.offer()
            await connection.hand_over()
            await loop.run_in_executor(None, program.told, "needs no server any more")
            connection.say("from aiortc")
            await loop.run_in_executor(None, program.line, "from aiortc")
            program.type("from GStreamer\n")
            assert await connection.lines.get() == "from GStreamer"
            program.end_of_input()
            assert await connection.lines.get() == END
            await peer.close()
            await negotiating
            await connection.rtc.close()
        await loop.run_in_executor(None, program.ends)
