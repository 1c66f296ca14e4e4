"""Many messages, and many clients."""

import asyncio
import resource
import sys
from pathlib import Path

import saltyrtc
from programs import Program
from support import asynchronous, pair, watch

MESSAGES = 100_000
CLIENTS = 1000
ROUNDS = 3


@asynchronous
async def test_a_hundred_thousand_messages_each_way(server):
    async with pair(server) as (alice, bob):
        inbox = watch(bob._core, bob._core.inbox)

        async def send(peer):
            for number in range(MESSAGES):
                await peer.send(number.to_bytes(8, "big") * 8)

        async def receive(peer, begin=None):
            if begin is not None:
                await begin.wait()
            number = 0
            async for message in peer:
                assert message == number.to_bytes(8, "big") * 8
                number += 1
                inbox.look()
                if number == MESSAGES:
                    return

        # Bob takes nothing until Alice's messages have nowhere to wait.
        await asyncio.gather(send(alice), receive(bob, inbox.paused), send(bob), receive(alice))
        assert inbox.largest < 4 << 20


@asynchronous
async def test_a_thousand_clients_in_one_process():
    # For the others, and the server: the limit is that of the program with the thousand.
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    limits = {saltyrtc.Limit.ACCEPT_RATE: None}
    with saltyrtc.Server(limits=limits) as server:
        with Program(sys.executable, Path(__file__).parent / "crowd.py", CLIENTS, ROUNDS) as program:
            program.type(f"{server.url} {server.public_key.hex()}\n")
            loop = asyncio.get_running_loop()
            for _ in range(ROUNDS):
                invitations = [await loop.run_in_executor(None, program.line, "ws://") for _ in range(CLIENTS)]

                async def answer(invitation):
                    async with saltyrtc.Responder(invitation) as peer:
                        async for message in peer:
                            await peer.send(message)

                await asyncio.gather(*map(answer, invitations))
            sizes = list(map(int, (await loop.run_in_executor(None, program.line, "sizes")).split()[1:]))
            await loop.run_in_executor(None, program.ends)
    # What the first round needs is kept for the next.
    assert sizes[-1] < sizes[0] * 1.1 + (4 << 20), sizes


