"""The receiver is slow: then the sender waits, and nothing piles up or gets lost."""

import asyncio

import pytest
import saltyrtc
from saltyrtc import Status
from support import LIMIT, asynchronous, in_thread, pair, sync_pair, watch


@asynchronous
async def test_cancelling_a_send_that_waits(server):
    async with pair(server, max_queue_size=1 << 16) as (alice, bob):
        sent = 0
        # Nobody receives: after a while there is no room.
        while True:
            try:
                alice.send_nowait(sent.to_bytes(4, "big") + bytes(20_000))
                sent += 1
            except saltyrtc.QueueFull as error:
                assert error.status == Status.QUEUE_FULL
                waiting = asyncio.ensure_future(alice.send(b"never sent"))
                await asyncio.sleep(0)
                if waiting.cancel():
                    break
                sent += 1
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await_last = asyncio.ensure_future(alice.send("last"))
        received = []
        async for message in bob:
            if message == "last":
                break
            received.append(message)
        await await_last
        assert len(received) == sent
        numbers = [int.from_bytes(message[:4], "big") for message in received if message != b"never sent"]
        assert numbers == sorted(numbers)


@asynchronous
async def test_the_receiver_is_slow_and_memory_does_not_grow(server):
    async with pair(server) as (alice, bob):
        total, size = 400, 100_000
        inbox = watch(bob._core, bob._core.inbox)

        async def send():
            for number in range(total):
                await alice.send(number.to_bytes(4, "big") + bytes(size))

        sending = asyncio.ensure_future(send())
        await inbox.paused.wait()
        assert not sending.done(), "40 MB have nowhere to wait"
        for number in range(total):
            inbox.look()
            message = await bob.receive()
            assert int.from_bytes(message[:4], "big") == number and len(message) == size + 4
        await sending
        assert inbox.largest < 8 << 20


@asynchronous
async def test_back_pressure_of_channels(server):
    async with pair(server, tasks=[saltyrtc.WebRTC(addresses=["127.0.0.1"], max_buffered=1 << 20)]) as (alice, bob):
        channel = await alice.open_channel("bulk")
        other = await bob.accept_channel()
        total, size = 600, 65_000

        async def send():
            for number in range(total):
                await channel.send(number.to_bytes(4, "big") + bytes(size))
            await channel.drain()
            assert channel.buffered_amount == 0

        inbox = watch(bob._core, other._core.inbox)
        sending = asyncio.ensure_future(send())
        await inbox.paused.wait()
        assert not sending.done(), "39 MB have nowhere to wait"
        for number in range(total):
            inbox.look()
            assert int.from_bytes((await other.receive())[:4], "big") == number
        await sending
        assert inbox.largest < 8 << 20


def test_a_sender_waits_for_a_slow_receiver(server):
    with sync_pair(server) as (alice, bob):
        def send():
            for number in range(300):
                alice.send(number.to_bytes(4, "big") + bytes(100_000))

        job = in_thread(send)
        assert [int.from_bytes(bob.receive(LIMIT)[:4], "big") for _ in range(300)] == list(range(300))
        job()
