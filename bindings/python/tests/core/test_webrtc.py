"""Channels of the built-in WebRTC, and WebRTC of the program's own."""

import asyncio

import pytest
import saltyrtc
from saltyrtc import ConnectionState, Status
from support import LIMIT, WEBRTC, asynchronous, pair


@asynchronous
async def test_channels(server):
    async with pair(server, tasks=WEBRTC) as (alice, bob):
        channel = await alice.open_channel("files", protocol="v1")
        other = await bob.accept_channel()
        assert (other.label, other.protocol, other.opened_by_peer) == ("files", "v1", True)
        assert (channel.label, channel.protocol, channel.opened_by_peer) == ("files", "v1", False)
        assert channel.is_open and "files" in repr(channel)
        for message in (b"bytes", "text", bytearray(100_000), memoryview(b"abc")):
            await channel.send(message)
        assert [await other.receive() for _ in range(4)] == [b"bytes", b"text", bytes(100_000), b"abc"]
        await other.send(b"back")
        assert await channel.receive() == b"back"
        await asyncio.gather(alice.handed_over(), bob.handed_over())
        assert alice.connection_state == ConnectionState.CONNECTED
        stats = alice.stats()
        assert stats.bytes_sent > 100_000 and stats.channels == 1 and "127.0.0.1" in stats.local_address
        assert stats.local_type == saltyrtc.CandidateType.HOST and stats.state == ConnectionState.CONNECTED
        await channel.close()
        assert [message async for message in other] == []
        with pytest.raises(saltyrtc.NotPossible) as info:
            await channel.send(b"late")
        assert info.value.status == Status.CHANNEL_NOT_OPEN
        # Independent of channels, and after the handover.
        await alice.application.send({"over": "the connection"})
        assert await bob.application.receive() == {"over": "the connection"}
        with pytest.raises(saltyrtc.NotPossible, match="open_channel"):
            await alice.send("not with this task")
    assert [it async for it in alice.channels()] == []


@asynchronous
@pytest.mark.parametrize("roles", ("auto auto", "client auto", "auto server", "server client"))
async def test_channels_by_way_of_ortc(server, roles):
    def task(role, tasks):
        role = saltyrtc.DtlsRole[role.upper()]
        return [saltyrtc.WebRTC(addresses=["127.0.0.1"], tasks=tasks, dtls_role=role)]

    one, two = roles.split()
    options = {"tasks": task(two, saltyrtc.RtcTasks.WEBRTC_THEN_ORTC)}
    async with pair(server, tasks=task(one, saltyrtc.RtcTasks.ORTC_THEN_WEBRTC), responder=options) as (alice, bob):
        assert alice.session.task == bob.session.task == "v0.ortc.tasks.saltyrtc.org"
        channel = await bob.open_channel("files")
        other = await alice.accept_channel()
        await channel.send(bytes(100_000))
        assert await other.receive() == bytes(100_000)
        await asyncio.gather(alice.handed_over(), bob.handed_over())


@asynchronous
async def test_plain_unreliable_and_negotiated_channels(server):
    tasks = [saltyrtc.WebRTC(addresses=["127.0.0.1"], plain_labels=["plain"], negotiated_ids=[7])]
    async with pair(server, tasks=tasks) as (alice, bob):
        plain = await alice.open_channel("plain", plain=True)
        other = await bob.accept_channel()
        await plain.send("text stays text")
        await plain.send(b"bytes")
        assert [await other.receive(), await other.receive()] == ["text stays text", b"bytes"]
        one, two = await asyncio.gather(alice.open_channel("n", negotiated_id=7), bob.open_channel("n", negotiated_id=7))
        await one.send(b"negotiated")
        assert await two.receive() == b"negotiated"
        for options in ({"max_retransmits": 3}, {"max_lifetime": 1.5, "ordered": False}):
            channel = await alice.open_channel("lossy", **options)
            other = await bob.accept_channel()
            await channel.send(b"datagram")
            assert await other.receive() == b"datagram"
        with pytest.raises(ValueError):
            await alice.open_channel("both", max_retransmits=1, max_lifetime=1.0)


@asynchronous
async def test_the_end_of_the_connection_ends_channels(server):
    async with pair(server, tasks=WEBRTC) as (alice, bob):
        channel = await alice.open_channel("one")
        other = await bob.accept_channel()
        await channel.send(b"last words")
        await alice.close()
        assert [message async for message in other] == [b"last words"]
        with pytest.raises(saltyrtc.SaltyRTCError):
            await other.send(b"late")
        with pytest.raises(saltyrtc.SaltyRTCError):
            await bob.open_channel("late")


@asynchronous
async def test_addresses_that_the_program_knows(server):
    async with pair(server, tasks=WEBRTC) as (alice, bob):
        channel = await alice.open_channel("moving")
        other = await bob.accept_channel()
        # One that this host does not have is no harm.
        bob.set_addresses(["127.0.0.2", "2001:db8::7"])
        while not bob.stats().local_address.startswith("127.0.0.2:"):
            await channel.send(b"where?")
            assert await other.receive() == b"where?"
            await other.send(b"here")
            assert await channel.receive() == b"here"
        for wrong in (["localhost"], ["127.0.0.1,"], ["224.0.0.251"]):
            with pytest.raises(saltyrtc.InvalidArgument):
                alice.set_addresses(wrong)
        with pytest.raises(TypeError, match="list"):
            alice.set_addresses("127.0.0.1")
        with pytest.raises(ValueError, match="empty"):
            alice.set_addresses([""])
        assert bob.stats().local_address.startswith("127.0.0.2:")
    with pytest.raises(saltyrtc.SaltyRTCError):
        alice.set_addresses([])
    async with pair(server) as (alice, _):
        with pytest.raises(saltyrtc.NotPossible) as info:
            alice.set_addresses(["127.0.0.1"])
        assert info.value.status == Status.NO_RTC


@asynchronous
async def test_opening_can_be_cancelled(server):
    async with pair(server, tasks=WEBRTC) as (alice, bob):
        for _ in range(5):
            opening = asyncio.ensure_future(alice.open_channel("never"))
            await asyncio.sleep(0)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
        channel = await alice.open_channel("then")
        while (other := await bob.accept_channel()).label != "then":
            pass
        await channel.send(b"works")
        assert await other.receive() == b"works"


@asynchronous
async def test_descriptions_and_candidates(server):
    async with pair(server, tasks=[saltyrtc.OwnWebRTC(exclude=[0, 1, 2])]) as (alice, bob):
        sent = [
            saltyrtc.Description("offer", "v=0\r\n"),
            saltyrtc.Candidate("candidate:1 1 udp 1 192.0.2.1 5 typ host", "0", 0, "user"),
            saltyrtc.Candidate("", "0"),
            saltyrtc.Candidate(None),
        ]
        for it in sent:
            await alice.send(it)
        assert [await bob.receive() for _ in sent] == sent
        await bob.send(saltyrtc.Description("answer", "v=0\r\n"))
        assert await alice.receive() == saltyrtc.Description("answer", "v=0\r\n")
        with pytest.raises(saltyrtc.NotPossible) as info:
            await bob.send(saltyrtc.Description("offer", "v=0\r\n"))
        assert info.value.status == Status.OTHER_ROLE
        with pytest.raises(TypeError):
            await alice.send("text")
        assert "v=0" not in repr(sent[0])


@asynchronous
async def test_messages_of_ortc(server):
    tasks = [saltyrtc.ORTC(exclude=[0, 1])]
    capabilities = {"type": "sctp-capabilities", "capabilities": {"maxMessageSize": 16384}}
    parameters = {
        "type": "ice-parameters",
        "parameters": {"usernameFragment": "abcd", "password": "0123456789abcdef01234567", "iceLite": False},
    }
    candidate = {"foundation": "1", "priority": 1, "ip": "192.0.2.1", "protocol": "udp", "port": 9, "type": "host"}
    messages = (
        capabilities,
        {**capabilities, "label": "handover"},
        parameters,
        {"type": "ice-candidates", "candidates": [{"candidate": candidate}, {"candidate": {"complete": True}}]},
        {"type": "ice-candidates", "candidates": [{"candidate": candidate, "label": "handover"}]},
        {
            "type": "dtls-parameters",
            "parameters": {"role": "auto", "fingerprints": [{"algorithm": "sha-256", "value": "AA:BB"}]},
            "label": "main",
        },
        {"type": "dc-parameters", "parameters": {"id": 3, "label": "files", "ordered": True}},
        {"type": "rtp-capabilities", "capabilities": [{"capabilities": {"fecMechanisms": ["red"]}}]},
    )
    async with pair(server, tasks=tasks) as (alice, bob):
        assert alice.session.task == bob.session.task == "v0.ortc.tasks.saltyrtc.org"
        assert alice.signalling_channel().id == 2
        for one, other in ((alice, bob), (bob, alice)):
            for message in messages:
                await one.send(message)
                assert await other.receive() == message
            await one.send({**capabilities, "more": None})
            assert await other.receive() == capabilities
        mixed = [{"candidate": candidate, "label": label} for label in ("handover", "main")]
        for wrong in (
            {"type": "sctp-capabilities"},
            {"type": "unknown"},
            {"type": "ice-candidates", "candidates": mixed},
            {"type": "ice-candidates", "candidates": [7]},
            {},
        ):
            with pytest.raises(saltyrtc.InvalidArgument):
                await alice.send(wrong)
        for wrong in ("text", b"bytes", [1]):
            with pytest.raises(TypeError, match="dictionaries"):
                await alice.send(wrong)
    async with pair(server, tasks=[saltyrtc.ORTC(handover=False)]) as (alice, bob):
        with pytest.raises(saltyrtc.NotPossible) as info:
            await alice.send({**capabilities, "label": "handover"})
        assert info.value.status == Status.NO_HANDOVER


@asynchronous
@pytest.mark.parametrize(
    ("task", "message"),
    (
        (saltyrtc.OwnWebRTC(exclude=[0, 1]), saltyrtc.Description("offer", "over the data channel")),
        (saltyrtc.ORTC(exclude=[0, 1]), {"type": "sctp-capabilities", "capabilities": {"maxMessageSize": 1200}}),
    ),
)
async def test_handover_to_a_channel_of_the_program(server, task, message):
    async with pair(server, tasks=[task]) as (alice, bob):
        channel = alice.signalling_channel()
        assert channel == bob.signalling_channel() and channel.id not in (0, 1) and channel.label
        loop = asyncio.get_running_loop()
        closed = []
        for one, two in ((alice, bob), (bob, alice)):
            one.hand_over(
                16384,
                lambda data, to=two: loop.call_soon(to.transport_receive, data),
                lambda of=(one, two): closed.append(of) or [loop.call_soon(it.transport_closed) for it in of],
            )
        await asyncio.gather(alice.handed_over(), bob.handed_over())
        await alice.send(message)
        assert await bob.receive() == message
        await bob.application.send(bytes(100_000))
        assert await alice.application.receive() == bytes(100_000)
        secure = saltyrtc.SecureChannel(alice, 5), saltyrtc.SecureChannel(bob, 5)
        encrypted = secure[0].encrypt(b"for channel 5")
        with pytest.raises(saltyrtc.NotPossible):
            saltyrtc.SecureChannel(bob, 6).decrypt(encrypted)
        assert secure[1].decrypt(encrypted) == b"for channel 5"
        await alice.close()
        assert (await bob.wait_closed()).status == Status.PEER_CLOSED
        assert closed


@asynchronous
async def test_a_channel_that_breaks_ends_the_signalling(server):
    async with pair(server, tasks=[saltyrtc.OwnWebRTC()]) as (alice, bob):
        loop = asyncio.get_running_loop()
        works = True

        def send(data):
            if not works:
                raise OSError("the data channel is gone")
            loop.call_soon(alice.transport_receive, data)

        alice.hand_over(0, lambda data: loop.call_soon(bob.transport_receive, data), lambda: None)
        bob.hand_over(0, send, lambda: None)
        await asyncio.gather(alice.handed_over(), bob.handed_over())
        works = False
        await bob.application.send("into the void")
        assert (await asyncio.wait_for(bob.wait_closed(), LIMIT)).status == Status.SIGNALLING_CHANNEL_LOST
