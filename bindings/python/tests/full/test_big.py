"""100 MiB over a WebRTC channel, between two processes, with equal hashes."""

import asyncio
import hashlib
import os
import sys

import saltyrtc
from programs import Program
from support import WEBRTC, asynchronous

SIZE = 100 << 20
PIECE = 256 << 10

RECEIVER = """
import asyncio, hashlib, sys
import saltyrtc

async def main():
    digest, size = hashlib.sha256(), 0
    async with saltyrtc.Responder(sys.argv[1], tasks=[saltyrtc.WebRTC(addresses=["127.0.0.1"])]) as peer:
        async for channel in peer.channels():
            async for piece in channel:
                digest.update(piece)
                size += len(piece)
            break
    print(size, digest.hexdigest())

asyncio.run(main())
"""


@asynchronous
async def test_a_hundred_mebibytes(server):
    digest = hashlib.sha256()
    async with saltyrtc.Initiator(server.url, tasks=WEBRTC) as peer:
        with Program(sys.executable, "-c", RECEIVER, peer.invitation) as receiver:
            await peer.connected()
            async with await peer.open_channel("bulk") as channel:
                for _ in range(SIZE // PIECE):
                    piece = os.urandom(PIECE)
                    digest.update(piece)
                    await channel.send(piece)
            loop = asyncio.get_running_loop()
            assert await loop.run_in_executor(None, receiver.line) == f"{SIZE} {digest.hexdigest()}"
            await loop.run_in_executor(None, receiver.ends)


