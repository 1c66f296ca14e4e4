"""One side of the measurement of the bindings, in Python: as peer.c, with the ways `asyncio` and `sync` to receive, and
`send-asyncio` and `send-sync` to send."""

import asyncio
import sys
import time

import saltyrtc

MESSAGE = bytes(64)


class Got:
    """What was measured so far."""

    count = 0

    def begin(self):
        self.at, self.thread, self.process = time.monotonic(), time.thread_time(), time.process_time()

    def show(self):
        print(self.count, time.monotonic() - self.at, time.thread_time() - self.thread, time.process_time() - self.process)


async def receive(invitation):
    got = Got()
    async with saltyrtc.Responder(invitation) as peer:
        await peer.receive()
        got.begin()
        got.count = 1
        async for _ in peer:
            got.count += 1
        got.show()


def receive_sync(invitation):
    got = Got()
    with saltyrtc.sync.Responder(invitation) as peer:
        peer.receive()
        got.begin()
        got.count = 1
        for _ in peer:
            got.count += 1
        got.show()


async def send(count):
    got = Got()
    async with saltyrtc.Server(keys=[]) as server:
        async with saltyrtc.Initiator(server.url) as peer:
            print(peer.invitation, flush=True)
            await peer.connected()
            got.begin()
            for got.count in range(1, count + 1):
                await peer.send(MESSAGE)
        got.show()


def send_sync(count):
    got = Got()
    with saltyrtc.Server(keys=[]) as server:
        with saltyrtc.sync.Initiator(server.url) as peer:
            print(peer.invitation, flush=True)
            peer.connected()
            got.begin()
            for got.count in range(1, count + 1):
                peer.send(MESSAGE)
        got.show()


way, argument = sys.argv[1:]
if way == "asyncio":
    asyncio.run(receive(argument))
elif way == "sync":
    receive_sync(argument)
elif way == "send-asyncio":
    asyncio.run(send(int(argument)))
else:
    send_sync(int(argument))
