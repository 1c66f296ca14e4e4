"""Nobody waits for ever: whoever waits at the same time, in the wrong place, or in the wrong process."""

import asyncio
import math
import threading

import pytest
import saltyrtc
from saltyrtc import EventKind, Status
from support import LIMIT, WEBRTC, asynchronous, in_thread, initiator, pair, sync_pair, watch


def fill(send):
    """Sends until there is no room. Returns how many were sent."""
    count = 0
    with pytest.raises(saltyrtc.QueueFull):
        while True:
            send(bytes(20_000))
            count += 1
    return count


async def take(source, count):
    for _ in range(count):
        await source.receive()


@asynchronous
async def test_several_drain_at_once(server):
    async with pair(server) as (alice, bob):
        count = fill(alice.send_nowait)
        # There is one mark for all: the last one must not take it away from the others.
        draining = [asyncio.ensure_future(alice.drain(amount)) for amount in (0, 50_000, 200_000)]
        await asyncio.sleep(0)
        await take(bob, count)
        await asyncio.gather(*draining)
        assert alice.buffered_amount == 0


@asynchronous
async def test_several_drain_a_channel_at_once(server):
    async with pair(server, tasks=WEBRTC) as (alice, bob):
        channel = await alice.open_channel()
        other = await bob.accept_channel()
        count = fill(channel.send_nowait)
        draining = [asyncio.ensure_future(channel.drain(amount)) for amount in (0, 50_000, 200_000)]
        await asyncio.sleep(0)
        await take(other, count)
        await asyncio.gather(*draining)
        assert channel.buffered_amount == 0


def test_several_threads_drain_at_once(server):
    with sync_pair(server) as (alice, bob):
        count = fill(lambda data: alice._call(lambda core: core.send(data)))
        draining = [in_thread(alice.drain, amount, LIMIT) for amount in (0, 50_000, 200_000)]
        for _ in range(count):
            bob.receive(LIMIT)
        for job in draining:
            job()
        assert alice.buffered_amount == 0


@asynchronous
async def test_less_than_nothing_never_waits(server):
    async with pair(server, tasks=WEBRTC) as (alice, bob):
        channel = await alice.open_channel()
        for drain in (alice.drain, channel.drain):
            with pytest.raises(ValueError, match="at least 0, not -1"):
                await drain(-1)


def test_who_drains_less_is_woken_when_the_mark_was_late():
    """What waits is sent between the look and the new mark, so that there is no event for it."""
    from saltyrtc._low_water import LowWater

    amounts, marks, woken = [50_000, 50_000, 150_000, 0], [], []
    low_water = LowWater(lambda: amounts.pop(0), marks.append, lambda: woken.append(True))
    assert not low_water.is_reached(0) and marks == [0]
    assert low_water.is_reached(100_000) and marks == [0, 100_000] and woken
    # The one who waits for 0 looks again.
    amounts[:] = [20_000, 20_000]
    assert not low_water.is_reached(0) and marks == [0, 100_000, 0]


@asynchronous
async def test_what_a_closed_channel_got_does_not_stop_the_others(server):
    async with pair(server, tasks=WEBRTC) as (alice, bob):
        channel = await alice.open_channel()
        other = await bob.accept_channel()
        inbox = watch(bob._core, other._core.inbox)
        for number in range(2000):
            await channel.send(b"nobody takes this")
        await inbox.paused.wait()
        # The end comes while the messages wait.
        bob._core.channels.pop(other._core.number).end(None)
        await other.close()
        assert bob._core.full == 0 and not other._core.inbox.messages
        await alice.application.send("can be heard")
        assert await bob.application.receive() == "can be heard"


@asynchronous
async def test_channels_that_nobody_accepts_make_the_peer_wait(server):
    async with pair(server, tasks=WEBRTC) as (alice, bob):
        core = alice._core
        waiting = watch(core, core.incoming)
        for number in range(2000):
            core.on_other(saltyrtc.Event(EventKind.CHANNEL_OPENED, channel=number + 1, opened_by_peer=True))
            core.on_other(saltyrtc.Event(EventKind.CHANNEL_CLOSED, channel=number + 1))
        assert waiting.paused.is_set()
        for _ in range(2000):
            await alice.accept_channel()
        assert core.full == 0


@asynchronous
async def test_channels_without_webrtc_do_not_come(server):
    tasks = [saltyrtc.RelayedData(), *WEBRTC]
    async with initiator(server, tasks=tasks) as alice:
        # While there is no peer, channels may still come.
        waiting = [
            asyncio.ensure_future(alice.accept_channel()),
            asyncio.ensure_future(alice.wait_connection_state(saltyrtc.ConnectionState.CONNECTED)),
        ]
        async with saltyrtc.Responder(alice.invitation) as bob:
            for it in (*waiting, bob.accept_channel(), bob.wait_connection_state(saltyrtc.ConnectionState.CONNECTED)):
                with pytest.raises(saltyrtc.NotPossible, match="WebRTC") as info:
                    await it
                assert info.value.status == Status.NO_RTC
            for peer in (alice, bob):
                with pytest.raises(saltyrtc.NotPossible) as info:
                    await peer.handed_over()
                assert info.value.status == Status.NO_HANDOVER


@asynchronous
async def test_a_channel_tells_each_time_why_it_ended(server):
    async with pair(server, tasks=WEBRTC) as (alice, bob):
        channel = await alice.open_channel()
        why = saltyrtc.PeerFailed(Status.PEER_PROTOCOL_ERROR, "why")
        alice._core.channels.pop(channel._core.number).end(why)
        seen = []
        for use in (channel.receive, channel.receive, lambda: channel.send(b"late")):
            with pytest.raises(saltyrtc.PeerFailed, match="why") as info:
                await use()
            seen.append(info.value)
        # Each with a traceback of its own.
        assert len({id(error) for error in seen}) == 3 and why.__traceback__ is None


@asynchronous
async def test_an_exception_in_between_loses_no_events(server):
    """As Ctrl-C does it, or sys.exit() in on_event."""
    async with pair(server) as (alice, bob):
        queue, inbox = bob._hub.queue, bob._core.inbox

        class Interrupt(BaseException):
            pass

        loop = asyncio.get_running_loop()
        loop.remove_reader(bob._hub._fd)
        for number in range(10):
            await alice.send(number)
        put, interrupted = bob._core.on_message, []

        def interrupt(*message):
            put(*message)
            if len(inbox.messages) == 3:
                interrupted.append(True)
                raise Interrupt

        bob._core.on_message = interrupt
        while not interrupted:
            try:
                # Of this loop, without its descriptor.
                await loop.run_in_executor(None, lambda: None)
                bob._hub._on_readable()
            except Interrupt:
                pass
        del bob._core.on_message
        loop.add_reader(bob._hub._fd, bob._hub._on_readable)
        assert [await bob.receive() for _ in range(10)] == list(range(10))
        assert not queue.has_more


def test_an_event_does_not_show_what_peers_send():
    event = saltyrtc.Event(EventKind.OFFER, sdp="a=ice-pwd:secret", data=b"secret", text="what happened")
    assert "secret" not in repr(event) and "what happened" in repr(event)


def test_on_event_may_call_what_does_not_wait(server):
    """It is called with the lock of the client."""
    trusted, errors = [], []

    def on_event(event):
        if event.kind == EventKind.PEER_HANDSHAKE_DONE:
            trusted.append(alice.trust())
            alice.send("welcome")
            for waits in (alice.receive, alice.close, alice.wait_closed):
                with pytest.raises(saltyrtc.NotPossible, match="on_event") as info:
                    waits()
                errors.append(info.value.status)

    def meet():
        with alice, saltyrtc.sync.Responder(alice.invitation) as bob:
            alice.connected(LIMIT)
            assert bob.receive(LIMIT) == "welcome"
            bob.send("thanks")
            assert alice.receive(LIMIT) == "thanks"
            return bob.public_key

    alice = saltyrtc.sync.Initiator(server.url, on_event=on_event)
    assert trusted == [] and in_thread(meet)() == trusted[0]
    assert errors == [Status.WOULD_DEADLOCK] * 3


@pytest.mark.parametrize("timeout", (math.inf, 1e12, threading.TIMEOUT_MAX * 2))
def test_time_outs_without_end(server, timeout):
    with sync_pair(server) as (alice, bob):
        jobs = [in_thread(bob.receive, timeout) for _ in range(2)]
        alice.send("hello")
        alice.send("hello")
        assert [job() for job in jobs] == ["hello", "hello"]


def test_without_a_loop_of_asyncio_no_server_is_left_behind():
    running = saltyrtc.Server()
    with pytest.raises(RuntimeError, match="saltyrtc.sync"):
        running.__aenter__().send(None)
    assert "stopped" in repr(running)
    running.start()
    with pytest.raises(RuntimeError, match="saltyrtc.sync"):
        running.stop_async().send(None)
    assert running.port
    running.stop()


@asynchronous
async def test_closing_while_a_send_waits(server):
    async with pair(server, max_queue_size=1 << 16) as (alice, bob):
        fill(alice.send_nowait)
        sending = asyncio.ensure_future(alice.send(bytes(20_000)))
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(alice.close())
        await bob.close()
        await closing
        # Either there was room in time, or it fails.
        (result,) = await asyncio.gather(sending, return_exceptions=True)
        assert result is None or isinstance(result, saltyrtc.SaltyRTCError)


@asynchronous
async def test_closing_while_everybody_waits(server):
    async with initiator(server, tasks=WEBRTC) as alice:
        waiting = [
            asyncio.ensure_future(it)
            for it in (
                alice.connected(), alice.receive(), alice.application.receive(), alice.accept_channel(),
                alice.handed_over(), alice.wait_connection_state(saltyrtc.ConnectionState.CONNECTED),
            )
        ]
        await asyncio.sleep(0)
        await alice.close()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(it) for it in results] == [saltyrtc.NotPossible] * len(waiting)
