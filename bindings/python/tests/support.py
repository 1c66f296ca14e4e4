"""Helpers of the tests. Nothing here sleeps: everything waits for an event, and LIMIT ends what does not come."""

import asyncio
import contextlib
import functools
import socket
import threading

import saltyrtc

LIMIT = 120.0  # seconds; longer than anything takes

CUSTOM = "v1.chess.tasks.example.org"
WEBRTC = [saltyrtc.WebRTC(addresses=["127.0.0.1"])]


def asynchronous(function):
    """A test that is a coroutine."""

    @functools.wraps(function)
    def run(*arguments, **named):
        async def limited():
            await asyncio.wait_for(function(*arguments, **named), LIMIT)

        asyncio.run(limited())

    return run


def initiator(server, **options):
    options.setdefault("server_key", server.public_key)
    return saltyrtc.Initiator(server.url, **options)


@contextlib.asynccontextmanager
async def pair(server, *, responder=None, **options):
    """Two peers that are connected to each other."""
    async with initiator(server, **options) as alice:
        async with saltyrtc.Responder(alice.invitation, **{**options, **(responder or {})}) as bob:
            await asyncio.gather(alice.connected(), bob.connected())
            yield alice, bob


@contextlib.contextmanager
def sync_pair(server, **options):
    """The same without an event loop."""
    options.setdefault("server_key", server.public_key)
    with saltyrtc.sync.Initiator(server.url, **options) as alice:
        invitation = alice.invitation
        del options["server_key"]
        with saltyrtc.sync.Responder(invitation, **options) as bob:
            alice.connected(LIMIT)
            bob.connected(LIMIT)
            yield alice, bob


def in_thread(function, *arguments):
    """Runs it in a thread; returns a function that waits for it, and gives its result or raises its exception."""
    outcome = []

    def run():
        try:
            outcome.append((function(*arguments), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()

    def result():
        thread.join(LIMIT)
        assert not thread.is_alive(), "the thread does not end"
        value, error = outcome[0]
        if error is not None:
            raise error
        return value

    return result


class watch:
    """How much waits in an inbox at most, and when the client is told to take nothing more from the network."""

    def __init__(self, core, inbox):
        self.largest = 0
        self.paused = asyncio.Event()
        self._core, self._pause = core, core.pause
        core.pause = self._on_pause
        self._inbox = inbox

    def look(self):
        self.largest = max(self.largest, self._inbox.size)

    def _on_pause(self, paused):
        self.look()
        if paused:
            self.paused.set()
        self._pause(paused)


class Proxy:
    """Between clients and a server: it can cut connections, stop passing on what comes from the server, and tell when a
    client sends a ping (of WebSocket) while it has nothing else to send."""

    def __init__(self, server, *, only_http=False):
        self.target = server.port
        self.only_http = only_http
        self.passes = asyncio.Event()
        self.passes.set()
        self.pinged = asyncio.Event()
        self.writers = set()
        self.tasks = set()

    async def __aenter__(self):
        self.listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self.listener.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *error):
        self.listener.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.cut()
        await self.listener.wait_closed()

    def cut(self):
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    def hold(self):
        """Nothing from the server gets to clients from now on."""
        self.passes.clear()

    async def _accept(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self.writers |= {writer, up_writer}
        await asyncio.gather(
            self._copy(reader, up_writer, False), self._copy(up_reader, writer, True), return_exceptions=True
        )

    async def _copy(self, reader, writer, from_server):
        head = b""
        while data := await reader.read(1 << 16):
            if not from_server:
                if data[0] == 0x89:
                    self.pinged.set()
            else:
                await self.passes.wait()
                if self.only_http:
                    head += data
                    end = head.find(b"\r\n\r\n")
                    if end < 0:
                        continue
                    data = head[: end + 4]
                    self.passes.clear()
            writer.write(data)
            await writer.drain()
        if not writer.is_closing():
            writer.write_eof()


def closed_port():
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
