"""A thousand clients in one process that may have 1,024 descriptors: a program for test_many.py.

Reads a line with the URL and key of a server, and one line for each client with an invitation if it is to join; says
what it has. Arguments: how many clients, and how many rounds.
"""

import asyncio
import gc
import os
import resource
import sys

import saltyrtc


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


async def round_of(server, key, count):
    """Connects them all, has each say something to its peer and hear the answer, and closes them."""
    peers = [saltyrtc.Initiator(server, server_key=key) for _ in range(count)]
    for peer in peers:
        peer.start()
    print("\n".join(str(peer.invitation) for peer in peers), flush=True)
    await asyncio.gather(*(peer.connected() for peer in peers))
    hubs = {peer._hub for peer in peers}
    assert len(hubs) == 1
    most = descriptors()
    for number, peer in enumerate(peers):
        await peer.send(number)
    assert await asyncio.gather(*(peer.receive() for peer in peers)) == list(range(count))
    await asyncio.gather(*(peer.close() for peer in peers))
    return most


async def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
    server, key = sys.stdin.readline().split()
    count, rounds = map(int, sys.argv[1:])
    before = descriptors()
    sizes = []
    for _ in range(rounds):
        most = await round_of(server, key, count)
        await asyncio.sleep(0)
        gc.collect()
        sizes.append(memory())
    # The runtime of the library keeps a few.
    assert descriptors() < before + 16, (before, descriptors())
    assert count < most < count + 24, most
    print("sizes", *sizes, flush=True)


asyncio.run(main())
