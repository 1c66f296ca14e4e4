"""What goes wrong, and what the program is told: the scenarios of tests/c/errors.c, each as the right exception."""

import asyncio
import contextlib
import gc
import ssl
import subprocess

import pytest
import saltyrtc
from saltyrtc import ClosedBy, EventKind, Limit, Retry, Status
from support import Proxy, asynchronous, closed_port, initiator, pair


async def end_of(peer):
    return await peer.wait_closed()


@asynchronous
async def test_wrong_token(server):
    failed = asyncio.Queue()
    async with initiator(
        server, on_event=lambda event: event.kind == EventKind.RESPONDER_FAILED and failed.put_nowait(event)
    ) as alice:
        async with saltyrtc.Responder(alice.invitation, token=saltyrtc.new_token()) as wrong:
            with pytest.raises(saltyrtc.PeerFailed, match="ask for a new invitation") as info:
                await wrong.connected()
            assert info.value.status == Status.INITIATOR_COULD_NOT_DECRYPT and info.value.close_code == 3005
        event = await failed.get()
        assert event.close_code == 3005 and event.address >= 2 and event.text
        # Alice goes on waiting for the right one.
        async with saltyrtc.Responder(alice.invitation):
            await alice.connected()


@asynchronous
async def test_wrong_trusted_key(server):
    async with initiator(server, trusted_peer=saltyrtc.KeyPair.generate().public) as alice:
        async with saltyrtc.Responder(alice.invitation, trusted_peer=alice.public_key) as bob:
            with pytest.raises(saltyrtc.PeerFailed, match="stored") as info:
                await bob.connected()
            assert info.value.status == Status.INITIATOR_COULD_NOT_DECRYPT


@asynchronous
async def test_wrong_server_key(server):
    async with initiator(server, server_key=saltyrtc.KeyPair.generate().public) as alice:
        with pytest.raises(ConnectionError, match="check the server's address") as info:
            await alice.connected()
        assert info.value.status == Status.SERVER_KEY_MISMATCH and info.value.retry == Retry.NEVER
    # Who does not know the key is told that nothing was verified.
    served = asyncio.Event()
    async with saltyrtc.Initiator(
        server.url, on_event=lambda event: event.kind == EventKind.SERVER_HANDSHAKE_DONE and served.set()
    ) as alice:
        await served.wait()
        assert not alice.server_verified


async def cannot_connect(url, match, status=Status.CONNECT_FAILED, **options):
    async with saltyrtc.Initiator(url, **options) as alice:
        with pytest.raises(saltyrtc.ConnectionFailed, match=match) as info:
            await alice.connected()
        error = info.value
        assert (error.status, error.closed_by, error.close_code) == (status, ClosedBy.NETWORK, None)
        assert error.retryable == (status == Status.CONNECT_FAILED)


@asynchronous
async def test_nobody_there():
    await cannot_connect(f"ws://127.0.0.1:{closed_port()}", "refused")
    # RFC 6761: no name in .invalid exists.
    await cannot_connect("ws://nobody.invalid", "nobody.invalid")
    async with quiet_server() as port:
        await cannot_connect(f"ws://127.0.0.1:{port}", "did not answer", connect_timeout=0.1)


@contextlib.asynccontextmanager
async def quiet_server(answer=b""):
    """Somebody who listens, and says this to everybody."""
    writers = []

    async def serve(reader, writer):
        writers.append(writer)
        await reader.read(1)
        if answer:
            writer.write(answer)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
        await listener.wait_closed()


@asynchronous
async def test_a_server_of_another_kind():
    async with quiet_server(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as port:
        await cannot_connect(f"ws://127.0.0.1:{port}", "404", Status.NOT_A_SALTYRTC_SERVER)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Our certificate with its key, and the certificate of somebody else."""
    out = []
    for name in ("own", "other"):
        files = [tmp_path_factory.mktemp("tls") / f"{name}.{part}" for part in ("pem", "key")]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
             "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
             "-out", files[0], "-keyout", files[1]],
            check=True, capture_output=True)
        out.append(files)
    return out


@asynchronous
async def test_certificates(certificates):
    own, other = certificates
    async with saltyrtc.Server(tls=(own[0], own[1].read_bytes())) as server:
        assert server.url.startswith("wss://")
        await cannot_connect(server.url, "certificate", Status.SERVER_CERTIFICATE)
        await cannot_connect(server.url, "certificate", Status.SERVER_CERTIFICATE, system_roots=False, tls_certificates=[other[0]])
        der = ssl.PEM_cert_to_DER_cert(own[0].read_text())
        for trusted in ([other[0], str(own[0])], [own[0].read_bytes()], [der]):
            async with pair(server, system_roots=False, tls_certificates=trusted) as (alice, bob):
                await alice.send("over TLS")
                assert await bob.receive() == "over TLS"
        await cannot_connect(f"ws://127.0.0.1:{server.port}", "TLS", Status.NOT_A_SALTYRTC_SERVER)
    async with saltyrtc.Server() as server:
        await cannot_connect(f"wss://127.0.0.1:{server.port}", "TLS", Status.TLS_FAILED)
    with pytest.raises(saltyrtc.SaltyRTCError) as info:
        saltyrtc.Server(tls=(other[0], own[1])).start()
    assert info.value.status == Status.BAD_CERTIFICATE


@asynchronous
async def test_a_server_that_is_stopped():
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(saltyrtc.Server())
        alice, bob = await stack.enter_async_context(pair(server))
        await server.stop_async()
        await server.stop_async()
        for peer in (alice, bob):
            with pytest.raises(saltyrtc.ConnectionFailed, match="connect again") as info:
                await peer.receive()
            error = info.value
            assert (error.status, error.close_code) == (Status.SERVER_GOING_AWAY, 1001)
            assert error.closed_by == ClosedBy.SERVER and error.retryable and error.retry == Retry.LATER


@asynchronous
async def test_a_connection_that_is_cut(server):
    async with Proxy(server) as proxy:
        served = asyncio.Event()
        async with saltyrtc.Initiator(
            proxy.url, on_event=lambda event: event.kind == EventKind.SERVER_HANDSHAKE_DONE and served.set()
        ) as alice:
            await served.wait()
            proxy.cut()
            error = await alice.wait_closed()
            assert error.status == Status.CONNECTION_LOST and "broke" in error.text
            assert error.retryable and error.retry == Retry.AT_ONCE
            assert error.closed_by == ClosedBy.NETWORK


@asynchronous
async def test_a_server_that_is_gone_at_once():
    server = saltyrtc.Server()
    server.start()
    async with initiator(server) as alice, saltyrtc.Responder(alice.invitation):
        await alice.connected()
        with pytest.warns(ResourceWarning, match="not stopped"):
            del server
            gc.collect()
        with pytest.raises(saltyrtc.ConnectionFailed) as info:
            await alice.receive()
        assert info.value.status == Status.CONNECTION_LOST and info.value.retryable


@asynchronous
async def test_a_peer_that_closes(server):
    async with pair(server) as (alice, bob):
        await bob.close()
        error = await alice.wait_closed()
        assert (error.status, error.close_code, error.closed_by) == (Status.PEER_CLOSED, 1001, ClosedBy.PEER)
        assert error.retry == Retry.LATER
        # It is no failure: an iteration ends, and who wants one more message is told.
        assert alice.ended_well and [message async for message in alice] == []
        with pytest.raises(saltyrtc.NotPossible, match="no more messages"):
            await alice.receive()


@asynchronous
async def test_a_peer_that_vanishes(server):
    async with Proxy(server) as proxy, initiator(server) as alice:
        through = saltyrtc.Invitation.from_parts(
            proxy.url, alice.public_key, server_key=server.public_key, token=alice.invitation.token
        )
        async with saltyrtc.Responder(through):
            await alice.connected()
            proxy.cut()
            with pytest.raises(saltyrtc.PeerFailed, match="left") as info:
                await alice.receive()
            assert info.value.status == Status.PEER_LEFT


@asynchronous
async def test_those_who_are_too_slow(server):
    async with Proxy(server, only_http=True) as proxy:
        async with saltyrtc.Initiator(proxy.url, server_handshake_timeout=0.1) as alice:
            with pytest.raises(saltyrtc.ConnectionFailed, match="try again") as info:
                await alice.connected()
            assert info.value.status == Status.SERVER_HANDSHAKE_TIMEOUT
    served = asyncio.Event()
    async with Proxy(server) as proxy, saltyrtc.Initiator(
        proxy.url, on_event=lambda event: event.kind == EventKind.SERVER_HANDSHAKE_DONE and served.set()
    ) as alice:
        await served.wait()
        proxy.hold()
        direct = saltyrtc.Invitation.from_parts(server.url, alice.public_key, token=alice.invitation.token)
        async with saltyrtc.Responder(direct, peer_handshake_timeout=0.1) as bob:
            with pytest.raises(saltyrtc.PeerFailed, match="try again") as info:
                await bob.connected()
            assert info.value.status == Status.PEER_HANDSHAKE_TIMEOUT
        proxy.cut()


@asynchronous
async def test_no_shared_task(server):
    async with initiator(server) as alice:
        tasks = [saltyrtc.CustomTask("v1.go.tasks.example.org")]
        async with saltyrtc.Responder(alice.invitation, tasks=tasks) as bob:
            for peer in (alice, bob):
                with pytest.raises(saltyrtc.PeerFailed, match="add a task") as info:
                    await peer.connected()
                assert info.value.status == Status.NO_SHARED_TASK


@asynchronous
async def test_two_initiators_with_the_same_key(server):
    keys = saltyrtc.KeyPair.generate()
    served = asyncio.Event()
    async with initiator(
        server, keys=keys, on_event=lambda event: event.kind == EventKind.SERVER_HANDSHAKE_DONE and served.set()
    ) as first:
        await served.wait()
        async with initiator(server, keys=keys):
            with pytest.raises(saltyrtc.PeerFailed, match="one place at a time") as info:
                await first.connected()
            assert info.value.status == Status.REPLACED_BY_INITIATOR


@asynchronous
async def test_too_large(server):
    async with pair(server, max_message_size=4096) as (alice, bob):
        with pytest.raises(saltyrtc.NotPossible) as info:
            await alice.send(bytes(8000))
        assert info.value.status == Status.TOO_LARGE
    async with pair(server, responder={"max_message_size": 4096}) as (alice, bob):
        await alice.send(bytes(8000))
        with pytest.raises(saltyrtc.PeerFailed, match="send smaller messages") as info:
            await bob.receive()
        assert info.value.status == Status.RECEIVED_TOO_BIG
    async with saltyrtc.Server(limits={Limit.MESSAGE_SIZE: 4096, Limit.IDLE_TIME: None}) as narrow:
        async with pair(narrow) as (alice, bob):
            await alice.send(bytes(8000))
            with pytest.raises(saltyrtc.ConnectionFailed, match="send smaller messages") as info:
                await alice.receive()
            assert (info.value.status, info.value.close_code) == (Status.MESSAGE_TOO_BIG, 1009)


def test_servers():
    with saltyrtc.Server() as server:
        assert server.port and server.address == f"127.0.0.1:{server.port}" and str(server.port) in server.url
        assert len(server.public_key) == 32
        with pytest.raises(OSError) as info:
            saltyrtc.Server(port=server.port).start()
        assert isinstance(info.value, saltyrtc.ServerFailed) and info.value.status == Status.LISTEN_FAILED
        with pytest.raises(RuntimeError):
            server.start()
    with pytest.raises(saltyrtc.NotPossible, match="with"):
        server.url  # noqa: B018
    assert saltyrtc.Server(keys=[]).public_key is None
    for wrong in ({"address": "nowhere"}, {"limits": {99: 1}}, {"tls": (b"no certificate", b"no key")}):
        with pytest.raises(saltyrtc.SaltyRTCError):
            saltyrtc.Server(**wrong).start()
    with pytest.warns(ResourceWarning, match="not stopped"):
        server = saltyrtc.Server()
        server.start()
        del server
        gc.collect()
