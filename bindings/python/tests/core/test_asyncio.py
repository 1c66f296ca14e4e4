"""Clients for asyncio: relayed data, custom tasks, application messages, trust, waiting and not waiting."""

import asyncio
import gc
import sys
import warnings

import pytest
import saltyrtc
from saltyrtc import EventKind, Status
from support import CUSTOM, LIMIT, Proxy, asynchronous, initiator, pair

MESSAGES = [
    b"bytes", bytearray(b"bytearray"), memoryview(b"memoryview"), memoryview(bytearray(b"abcdef"))[1:3],
    memoryview(b"abcdef")[::2], b"", "text", "", "a\0b", "Grüße 🧂", {"map": [1, None, True]}, [1.5], 7, None, False,
]


def as_received(message):
    return bytes(message) if isinstance(message, (bytearray, memoryview)) else message


@asynchronous
async def test_hello(server):
    async with initiator(server) as alice:
        assert "waiting" in repr(alice)
        async with saltyrtc.Responder(str(alice.invitation)) as bob:
            of_bob, of_alice = await asyncio.gather(alice.connected(), bob.connected())
            assert (of_bob.peer_key, of_alice.peer_key) == (bob.public_key, alice.public_key)
            assert of_alice.address == 1 and of_bob.address >= 2
            assert alice.server_verified and bob.server_verified
            await alice.send("Hello")
            await bob.send("Hello, too")
            assert [await bob.receive(), await alice.receive()] == ["Hello", "Hello, too"]
        # Bob has closed: that is how a conversation ends.
        assert [message async for message in alice] == []
        assert alice.ended.status == Status.PEER_CLOSED and alice.ended.close_code == 1001
        assert alice.ended.closed_by == saltyrtc.ClosedBy.PEER
        with pytest.raises(saltyrtc.NotPossible):
            await alice.receive()
        with pytest.raises(saltyrtc.PeerFailed):
            await alice.send("anybody?")
    assert bob.ended.status == Status.CLOSED and "closed" in repr(bob)


@asynchronous
async def test_all_kinds_of_messages(server):
    async with pair(server) as (alice, bob):
        for target, source in ((alice, bob), (alice.application, bob.application)):
            for message in MESSAGES:
                await target.send(message)
            received = [await source.receive() for _ in MESSAGES]
            assert received == [as_received(message) for message in MESSAGES]
            assert [type(message) for message in received] == [type(as_received(message)) for message in MESSAGES]
        with pytest.raises(TypeError):
            await alice.send(object())


@asynchronous
async def test_what_was_sent_before_the_end_arrives(server):
    async with initiator(server) as alice:
        async with saltyrtc.Responder(alice.invitation) as bob:
            await bob.connected()
            for number in range(500):
                await bob.send(number)
        assert [message async for message in alice] == list(range(500))


@asynchronous
async def test_draining(server):
    async with pair(server) as (alice, bob):
        await alice.drain()
        count = 0
        with pytest.raises(saltyrtc.QueueFull):
            while True:
                alice.send_nowait(count.to_bytes(4, "big") * 5000)
                count += 1

        async def receive():
            for number in range(count):
                assert await bob.receive() == number.to_bytes(4, "big") * 5000

        receiving = asyncio.ensure_future(receive())
        for amount in (100_000, 0):
            await alice.drain(amount)
            assert alice.buffered_amount <= amount
        await receiving
        # The end of the connection is one, too.
        with pytest.raises(saltyrtc.QueueFull):
            while True:
                alice.send_nowait(bytes(20_000))
        draining = asyncio.ensure_future(alice.drain())
        await asyncio.sleep(0)
        await bob.close()
        await draining


@asynchronous
async def test_custom_task(server):
    tasks = [saltyrtc.CustomTask(CUSTOM, {"colour": "white"}), saltyrtc.RelayedData()]
    other = [saltyrtc.RelayedData(), saltyrtc.CustomTask(CUSTOM)]
    async with pair(server, tasks=tasks, responder={"tasks": other}) as (alice, bob):
        assert alice.session.task == bob.session.task == CUSTOM
        assert (alice.session.task_data, bob.session.task_data) == (None, {"colour": "white"})
        await bob.send({"type": "move", "from": "e2", "to": "e4"})
        assert await alice.receive() == {"type": "move", "from": "e2", "to": "e4"}
        for wrong in ({"from": "e2"}, {"type": "close"}, [1]):
            with pytest.raises(saltyrtc.InvalidArgument):
                await alice.send(wrong)
        await alice.application.send("of the application")
        assert await bob.application.receive() == "of the application"


@asynchronous
async def test_events(server):
    seen = []
    async with initiator(server, on_event=seen.append) as alice:
        async with saltyrtc.Responder(alice.invitation) as bob:
            await asyncio.gather(alice.connected(), bob.connected())
        await alice.wait_closed()
    kinds = [event.kind for event in seen]
    assert kinds[0] == EventKind.SERVER_HANDSHAKE_DONE and kinds[-1] == EventKind.CLOSED
    for kind in (EventKind.RESPONDER_JOINED, EventKind.TOKEN_USED, EventKind.PEER_HANDSHAKE_DONE):
        assert kind in kinds
    done = seen[kinds.index(EventKind.PEER_HANDSHAKE_DONE)]
    assert done.peer_key == bob.public_key and "relayed" in done.task and done.address >= 2
    assert "closed" in seen[-1].text


@asynchronous
async def test_an_event_function_that_fails_is_logged(server, caplog):
    def fail(event):
        raise ArithmeticError("a bug of the program")

    async with initiator(server, on_event=fail) as alice:
        async with saltyrtc.Responder(alice.invitation) as bob:
            await asyncio.gather(alice.connected(), bob.connected())
    assert "a bug of the program" in caplog.text


@asynchronous
async def test_trusted_peers_meet_again(server):
    keys = saltyrtc.KeyPair.generate(), saltyrtc.KeyPair.generate()
    async with pair(server, keys=keys[0], responder={"keys": keys[1]}) as (alice, bob):
        stored = await alice.trust(), await bob.trust()
        assert stored == (keys[1].public, keys[0].public)
    # As after a restart: all that is left are the keys.
    async with pair(
        server, keys=keys[0], trusted_peer=stored[0].hex(), responder={"keys": keys[1], "trusted_peer": stored[1]}
    ) as (alice, bob):
        assert alice.invitation.token is None
        await alice.send("again")
        assert await bob.receive() == "again"


@asynchronous
async def test_a_peer_comes_back(server):
    left = asyncio.Event()
    keys = saltyrtc.KeyPair.generate()
    async with Proxy(server) as proxy, initiator(
        server, rejoin=True, on_event=lambda event: event.kind == EventKind.PEER_LEFT and left.set()
    ) as alice:
        by_proxy = saltyrtc.Invitation.from_parts(
            proxy.url, alice.public_key, server_key=server.public_key, token=alice.invitation.token
        )
        async with saltyrtc.Responder(by_proxy, keys=keys) as bob:
            await asyncio.gather(alice.connected(), bob.connected())
            await alice.trust()
            key = await bob.trust()
            # It vanishes without a word.
            proxy.cut()
            await left.wait()
            with pytest.raises(saltyrtc.NotPossible) as info:
                await alice.send("nobody")
            assert info.value.status == Status.NO_PEER
            with pytest.raises(saltyrtc.ConnectionFailed) as info:
                [message async for message in bob]
            assert info.value.status == Status.CONNECTION_LOST and info.value.retryable
        invitation = saltyrtc.Invitation.from_parts(server.url, key)
        async with saltyrtc.Responder(invitation, keys=keys, trusted_peer=key) as again:
            await again.connected()
            assert (await alice.connected()).peer_key == keys.public
            await alice.send("welcome back")
            assert await again.receive() == "welcome back"


@asynchronous
async def test_a_network_that_has_changed(server):
    async with Proxy(server) as proxy, saltyrtc.Initiator(proxy.url) as alice:
        async with saltyrtc.Responder(alice.invitation) as bob:
            await asyncio.gather(alice.connected(), bob.connected())
            assert not proxy.pinged.is_set()
            saltyrtc.network_changed()
            await proxy.pinged.wait()
            # The server has answered, so it is still the same connection.
            await alice.send("still there")
            assert await bob.receive() == "still there"


@asynchronous
async def test_another_responder_with_a_new_token(server):
    async with initiator(server, rejoin=True) as alice:
        async with saltyrtc.Responder(alice.invitation) as bob:
            await asyncio.gather(alice.connected(), bob.connected())
            alice.drop_responder(alice.session.address)
            assert (await bob.wait_closed()).status == Status.DROPPED_BY_INITIATOR
        invitation = alice.invite_again()
        assert invitation.token != alice.invitation.token
        async with saltyrtc.Responder(invitation) as carol:
            await carol.connected()
            await carol.send("I am Carol")
            assert await alice.receive() == "I am Carol"


@asynchronous
async def test_encrypt_and_decrypt(server):
    async with pair(server) as (alice, bob):
        secret = alice.encrypt(bytearray(b"in another way"))
        assert bob.decrypt(memoryview(secret)) == b"in another way"
        with pytest.raises(saltyrtc.NotPossible) as info:
            bob.decrypt(secret[:-1] + b"\0")
        assert info.value.status == Status.DECRYPTION_FAILED


@asynchronous
async def test_cancelling_loses_nothing(server):
    async with pair(server) as (alice, bob):
        for _ in range(20):
            waiting = asyncio.ensure_future(bob.receive())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(bob.receive(), 0.01)
        for number in range(100):
            await alice.send(number)
        # Cancelled in the middle of the stream, at any place.
        received = []
        while len(received) < 100:
            waiting = asyncio.ensure_future(bob.receive())
            await asyncio.sleep(0)
            waiting.cancel()
            try:
                received.append(await waiting)
            except asyncio.CancelledError:
                received.append(await bob.receive())
        assert received == list(range(100))


@asynchronous
async def test_both_send_at_once(server):
    async with pair(server) as (alice, bob):
        async def send(peer):
            for number in range(2000):
                await peer.send(number)

        async def receive(peer):
            assert [await peer.receive() for _ in range(2000)] == list(range(2000))

        await asyncio.gather(send(alice), send(bob), receive(alice), receive(bob))


@asynchronous
async def test_closing_with_messages_that_nobody_takes(server):
    async with initiator(server) as alice:
        async with saltyrtc.Responder(alice.invitation) as bob:
            await asyncio.gather(alice.connected(), bob.connected())
            for _ in range(100):
                bob.send_nowait(bytes(20_000))
            # Far more than an inbox takes, and Alice does not look at it.
            await alice.close()
            assert alice.ended.status == Status.CLOSED
            await bob.wait_closed()


@asynchronous
async def test_an_exception_in_the_block_closes_too(server):
    async with initiator(server) as alice:
        with pytest.raises(ZeroDivisionError):
            async with saltyrtc.Responder(alice.invitation) as bob:
                await bob.connected()
                raise ZeroDivisionError
        assert bob.ended is not None
        assert (await alice.wait_closed()).status == Status.PEER_CLOSED


@asynchronous
async def test_closing_can_be_cancelled(server):
    async with initiator(server) as alice:
        await alice.close()
        await alice.close()
    async with initiator(server) as alice:
        closing = asyncio.ensure_future(alice.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        assert alice.ended is not None


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there are no TaskGroups")
@asynchronous
async def test_task_groups_and_timeouts(server):
    async with pair(server) as (alice, bob):
        with pytest.raises(ExceptionGroup) as info:  # noqa: F821
            async with asyncio.TaskGroup() as group:
                hearing = group.create_task(bob.receive())

                async def fail():
                    raise LookupError

                group.create_task(fail())
        assert info.group_contains(LookupError) and hearing.cancelled()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await bob.receive()
        await alice.send("still there")
        assert await bob.receive() == "still there"


@asynchronous
async def test_misuse_is_told(server):
    idle = initiator(server)
    with pytest.raises(saltyrtc.NotPossible, match="async with"):
        await idle.send("nobody")
    assert idle.ended is None and "not started" in repr(idle)
    async with initiator(server) as alice:
        with pytest.raises(saltyrtc.NotPossible) as info:
            await alice.send("nobody")
        assert info.value.status == Status.NO_PEER
        with pytest.raises(RuntimeError, match="before"):
            alice.start()
        with pytest.raises(saltyrtc.NotPossible) as info:
            await alice.open_channel("no WebRTC")
        assert info.value.status == Status.NO_RTC


def test_without_a_loop_it_says_what_to_do(server):
    with pytest.raises(RuntimeError, match="saltyrtc.sync"):
        initiator(server).start()


def test_what_was_not_closed_is_told(server):
    async def forget():
        client = initiator(server)
        client.start()
        await asyncio.sleep(0)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(forget())
        for _ in range(3):
            gc.collect()
    assert [str(it.message) for it in caught if it.category is ResourceWarning and "Initiator" in str(it.message)]


def test_loops_one_after_another(server):
    @asynchronous
    async def meet():
        async with pair(server) as (alice, bob):
            await alice.send("hello")
            assert await bob.receive() == "hello"

    for _ in range(5):
        meet()


def test_loops_in_several_threads(server):
    from support import in_thread

    @asynchronous
    async def meet():
        async with pair(server) as (alice, bob):
            for number in range(200):
                await alice.send(number)
                assert await bob.receive() == number

    for result in [in_thread(meet) for _ in range(4)]:
        result()


@asynchronous
async def test_a_loop_that_cannot_watch_descriptors(server, monkeypatch):
    """As that of Windows: a thread waits in place of the loop."""
    loop = asyncio.get_running_loop()

    def cannot(*_):
        raise NotImplementedError

    monkeypatch.setattr(loop, "add_reader", cannot)
    try:
        async with pair(server) as (alice, bob):
            monkeypatch.undo()
            assert alice._hub._thread is not None
            for number in range(1000):
                await alice.send(number)
            assert [await bob.receive() for _ in range(1000)] == list(range(1000))
            thread = alice._hub._thread
    finally:
        monkeypatch.undo()
    await asyncio.get_running_loop().run_in_executor(None, thread.join, LIMIT)
    assert not thread.is_alive()
