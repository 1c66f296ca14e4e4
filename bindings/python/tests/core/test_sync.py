"""Clients without an event loop."""

import gc
import threading
import warnings

import pytest
import saltyrtc
from saltyrtc import Status
from support import CUSTOM, LIMIT, WEBRTC, in_thread, sync_pair


def test_hello(server):
    with sync_pair(server) as (alice, bob):
        assert alice.session.peer_key == bob.public_key
        for message in ("text", b"bytes", {"map": [1]}, "a\0b"):
            alice.send(message)
            assert bob.receive(LIMIT) == message
        alice.application.send("application")
        assert bob.application.receive(LIMIT) == "application"
        assert bob.decrypt(alice.encrypt(b"else")) == b"else"
        bob.send("bye")
        bob.drain(timeout=LIMIT)
        assert bob.buffered_amount == 0
        bob.close()
        assert list(alice) == ["bye"]
        assert alice.ended.status == Status.PEER_CLOSED
        with pytest.raises(saltyrtc.PeerFailed):
            alice.send("anybody?")


def test_timeouts_are_what_they_say(server):
    with sync_pair(server) as (alice, bob):
        for timeout in (0, 0.01):
            with pytest.raises(TimeoutError) as info:
                bob.receive(timeout)
            assert isinstance(info.value, saltyrtc.WaitTimeout) and info.value.status == Status.TIMEOUT
        alice.send("late")
        assert bob.receive(LIMIT) == "late"
    with saltyrtc.sync.Initiator(server.url) as lonely:
        with pytest.raises(saltyrtc.WaitTimeout):
            lonely.connected(0.01)


def test_one_thread_sends_and_another_receives(server):
    with sync_pair(server, max_queue_size=1 << 16) as (alice, bob):
        def send(peer):
            for number in range(3000):
                peer.send(number.to_bytes(4, "big") + bytes(100))

        def receive(peer):
            return [int.from_bytes(peer.receive(LIMIT)[:4], "big") for _ in range(3000)]

        jobs = [in_thread(send, alice), in_thread(send, bob), in_thread(receive, alice), in_thread(receive, bob)]
        assert [job() for job in jobs] == [None, None, list(range(3000)), list(range(3000))]


def test_many_threads_wait_at_once(server):
    with sync_pair(server) as (alice, bob):
        jobs = [in_thread(bob.receive, LIMIT) for _ in range(8)]
        for number in range(8):
            alice.send(number)
        assert sorted(job() for job in jobs) == list(range(8))


def test_closing_ends_those_who_wait(server):
    with sync_pair(server) as (alice, bob):
        waits = threading.Event()

        def receive():
            waits.set()
            with pytest.raises(saltyrtc.SaltyRTCError):
                bob.receive(LIMIT)

        job = in_thread(receive)
        waits.wait(LIMIT)
        bob.close()
        job()


def test_channels(server):
    with sync_pair(server, tasks=WEBRTC) as (alice, bob):
        job = in_thread(lambda: bob.accept_channel(LIMIT))
        with alice.open_channel("label", protocol="protocol", timeout=LIMIT) as channel:
            other = job()
            assert (other.label, other.protocol) == ("label", "protocol")
            channel.send("text")
            channel.send(bytearray(b"bytes"))
            assert [other.receive(LIMIT), other.receive(LIMIT)] == [b"text", b"bytes"]
            channel.drain(timeout=LIMIT)
            assert channel.buffered_amount == 0
            alice.handed_over(LIMIT)
            closing = in_thread(lambda: list(other))
        assert closing() == []
        # Two threads: closing waits for the other side.
        assert alice.wait_connection_state(saltyrtc.ConnectionState.CONNECTED, timeout=LIMIT)
        assert alice.stats().bytes_sent > 0


def test_addresses_that_the_program_knows(server):
    with sync_pair(server, tasks=WEBRTC) as (alice, bob):
        channel = alice.open_channel("moving", timeout=LIMIT)
        other = bob.accept_channel(LIMIT)
        alice.set_addresses(["127.0.0.2"])
        while not alice.stats().local_address.startswith("127.0.0.2:"):
            channel.send(b"where?", LIMIT)
            assert other.receive(LIMIT) == b"where?"
            other.send(b"here", LIMIT)
            assert channel.receive(LIMIT) == b"here"
        with pytest.raises(saltyrtc.InvalidArgument):
            bob.set_addresses(["localhost"])


def test_a_channel_that_the_peer_has_just_closed_can_be_closed(server):
    with sync_pair(server, tasks=WEBRTC) as (alice, bob):
        channel = alice.open_channel("once", timeout=LIMIT)
        bob.accept_channel(LIMIT).close()
        # Until the library knows. Nobody has taken the event that says so.
        with pytest.raises(saltyrtc.NotPossible, match="not open"):
            while True:
                channel.buffered_amount  # noqa: B018
        channel.close()


def test_custom_task_and_trust(server):
    with sync_pair(server, tasks=[saltyrtc.CustomTask(CUSTOM)], rejoin=True) as (alice, bob):
        alice.send({"type": "move"})
        assert bob.receive(LIMIT) == {"type": "move"}
        assert alice.trust() == bob.public_key
        alice.drop_responder(alice.session.address)
        assert bob.wait_closed(LIMIT).status == Status.DROPPED_BY_INITIATOR
        with saltyrtc.sync.Responder(alice.invite_again(), tasks=[saltyrtc.CustomTask(CUSTOM)]) as carol:
            carol.connected(LIMIT)
            carol.send({"type": "hello"})
            assert alice.receive(LIMIT) == {"type": "hello"}


def test_what_was_not_closed_is_told(server):
    client = saltyrtc.sync.Initiator(server.url)
    client.start()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del client
        gc.collect()
    assert [it for it in caught if it.category is ResourceWarning]


def test_misuse_is_told(server):
    client = saltyrtc.sync.Initiator(server.url)
    with pytest.raises(saltyrtc.NotPossible, match="with"):
        client.receive(0)
    with client:
        with pytest.raises(RuntimeError, match="before"):
            client.start()
