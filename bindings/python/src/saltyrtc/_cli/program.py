"""The command line, and what the three commands do."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, AsyncIterator, Awaitable, Callable, List, Optional, Set

from .. import (
    CandidateType,
    ConnectionState,
    Event,
    EventKind,
    IceServer,
    Initiator,
    Invitation,
    KeyPair,
    Options,
    Peer,
    RelayedData,
    Responder,
    SaltyRTCError,
    Server,
    Session,
    Status,
    WebRTC,
    __version__,
    key_from,
    new_token,
)
from .files import Failed, Receiver, send_file
from .progress import clear, result, say
from .protocol import safe_text

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.5, 30.0
#: After so many seconds without the peer, it is looked for at the server.
PATIENCE_SECONDS = 25.0


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs the command; returns its exit status."""
    options = parser().parse_args(arguments)
    try:
        return asyncio.run(Program(options).run())
    except KeyboardInterrupt:
        return 130
    except (SaltyRTCError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        clear()


def parser() -> argparse.ArgumentParser:
    out = argparse.ArgumentParser(
        prog="saltyrtc", description="Talk and send files, end-to-end encrypted, by invitation."
    )
    out.add_argument("--version", action="version", version=f"saltyrtc {__version__}")
    commands = out.add_subparsers(dest="command", required=True)

    chat = commands.add_parser("chat", help="talk to somebody: invite, or join with an invitation")
    chat.add_argument("invitation", nargs="?", help="join whoever has made it; without it, you invite")
    chat.add_argument("--dir", type=Path, help="take files, and put them there; `/send FILE` sends one")
    send = commands.add_parser("send", help="invite somebody, and send files")
    send.add_argument("files", nargs="+", type=Path, metavar="FILE")
    receive = commands.add_parser("receive", help="receive files from somebody who has invited you")
    receive.add_argument("invitation")
    receive.add_argument("dir", nargs="?", type=Path, default=Path("."), help="where to put them (default: here)")

    for command in (chat, send, receive):
        command.add_argument("--ca", type=Path, action="append", default=[], help="trust the certificates in this file too")
        command.add_argument("--ice", action="append", default=[], metavar="URL[,USER,PASSWORD]",
                             help="a STUN or TURN server; can be given several times")
        command.add_argument("--relay", action="store_true", help="use TURN only, which hides your addresses")
        command.add_argument("--keys", type=Path, metavar="FILE",
                             help="remember the peer, so that both can be restarted without an invitation")
    for command in (chat, send):
        command.add_argument("--server", help="the signalling server; without it, this program runs its own, for this "
                             "machine only")
        command.add_argument("--server-key", metavar="HEX", help="the server's permanent key")
        command.add_argument("--page", metavar="URL", help="also print the link to a web page with the invitation")
        command.add_argument("--svg", type=Path, metavar="FILE", help="also write the QR code as a picture")
    return out


@dataclass
class Keys:
    """Our secret key and the peer's public key, one per line in a file that nobody else can read. Ours is stored before it is
    used, so that a program that is killed before it has stored the peer's still has what the peer knows it by."""

    path: Optional[Path]
    own: KeyPair = field(default_factory=KeyPair.generate)
    peer: Optional[bytes] = None

    @classmethod
    def load(cls, path: Optional[Path]) -> Keys:
        if path is None or not path.exists():
            keys = cls(path)
            keys.write()
            return keys
        try:
            own, peer = path.read_text().split()
            return cls(path, KeyPair(own), None if peer == "-" else key_from(peer))
        except ValueError:
            raise ValueError(f"{path} is damaged: delete it on both sides and use a new invitation") from None

    def store(self, peer: bytes) -> None:
        self.peer = peer
        self.write()

    def write(self) -> None:
        """Replaces the file as a whole."""
        if self.path is None:
            return
        new = self.path.with_name(self.path.name + ".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"{self.own.secret.hex()}\n{self.peer.hex() if self.peer is not None else '-'}\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path)


class Program:
    """One run of the command."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.invitation: Optional[str] = getattr(options, "invitation", None)
        self.server_url: Optional[str] = getattr(options, "server", None)
        self.server_key: Optional[bytes] = None
        self.keys = Keys.load(options.keys)
        self.served = self.met = False
        # With stored keys no token is needed; one of the two ways in was the wrong one.
        self.trusts, self.refused = self.keys.peer is not None, False
        # For the first meeting: the invitation is shown before there is a client.
        self.token = new_token()
        if self.invitation is None and options.keys is not None and self.server_url is None:
            raise ValueError("--keys needs --server: the server of this program is another one each time")

    async def run(self) -> int:
        command: Callable[[], Awaitable[int]] = getattr(self, self.options.command)
        async with contextlib.AsyncExitStack() as stack:
            if self.invitation is None:
                if self.server_url is None:
                    server = await stack.enter_async_context(Server())
                    self.server_url, self.server_key = server.url, server.public_key
                elif self.options.server_key:
                    self.server_key = key_from(self.options.server_key)
                self.show_invitation()
            return await command()

    # --- Connections ---

    def client(self) -> Peer:
        """A new client. It trusts the peer if it has met it before."""
        servers: List[IceServer] = []
        for text in self.options.ice:
            # A password may have commas in it.
            url, user, password = (text.split(",", 2) + [None, None])[:3]
            servers.append(IceServer(url, user, password))
        rtc = WebRTC(ice_servers=servers, relay_only=self.options.relay)
        options: Options = {
            "keys": self.keys.own,
            "tls_certificates": self.options.ca,
            "tasks": [rtc, RelayedData()] if self.options.command == "chat" else [rtc],
        }
        if self.trusts:
            options["trusted_peer"] = self.keys.peer or Invitation(self.invitation or "").initiator_key
        if self.server_key is not None:
            options["server_key"] = self.server_key
        if self.invitation is not None:
            return Responder(self.invitation, on_event=self.on_event, **options)
        assert self.server_url is not None
        if not self.trusts:
            options["token"] = self.token
        return Initiator(self.server_url, on_event=self.on_event, **options)

    def show_invitation(self) -> None:
        client = self.client()
        assert isinstance(client, Initiator)
        invitation = client.invitation
        print(invitation.qr(), file=sys.stderr)
        if self.options.svg:
            self.options.svg.write_text(invitation.qr_svg())
        result(invitation.uri)
        if self.options.page:
            # The fragment of the link, which no web server gets to see.
            result(f"{self.options.page}#{invitation.uri.replace('#', '%23')}")
        say("this is the invitation: it is a secret, and it is good for one person" if invitation.token
            else "this is for the one who was here before")

    def on_event(self, event: Event) -> None:
        if event.kind == EventKind.SERVER_HANDSHAKE_DONE:
            self.served = True
            say("waiting for the other side")
        elif event.kind == EventKind.RESPONDER_FAILED:
            say(f"somebody was turned away: {event.text}")
        elif event.kind == EventKind.CONNECTION_PROBLEM:
            say(event.text or "")

    async def meet(self, peer: Peer) -> Session:
        """Waits for the peer, and remembers it."""
        session = await peer.connected()
        say("the other side is there" + (", known from before" if self.trusts else ""))
        self.met, self.refused = True, False
        if self.keys.peer is None:
            self.keys.store(session.peer_key)
        if not self.trusts:
            await peer.trust()
            self.trusts = True
        return session

    def try_other_way_in(self, error: SaltyRTCError) -> bool:
        """Who joins with stored keys has two ways in: the peer knows our key, or the token is good. The peer may have been
        killed before it could store the one, and we, before we knew that it had."""
        if error.status != Status.INITIATOR_COULD_NOT_DECRYPT or self.invitation is None:
            return False
        if self.keys.path is None or self.refused or Invitation(self.invitation).token is None:
            return False
        self.trusts, self.refused = not self.trusts, True
        return True

    async def over_connections(self, use: Callable[[Peer], Awaitable[None]]) -> None:
        """Runs something over a connection, and once more over the next one when the connection was lost."""
        wait = FIRST_RETRY_SECONDS
        while True:
            async with self.client() as peer:
                try:
                    await self.meet(peer)
                    wait = FIRST_RETRY_SECONDS
                    await peer.wait_connection_state(ConnectionState.CONNECTED)
                    say(f"connected, end-to-end encrypted: {path_text(peer)}")
                    await use(peer)
                    return
                except SaltyRTCError as error:
                    # What failed is one thing, and why the connection ended is another.
                    why = await end_of(peer) or error
            if not self.may_come_back(why):
                raise why
            say(f"{why.text}; trying again")
            await asyncio.sleep(wait)
            wait = min(wait * 2, LAST_RETRY_SECONDS)

    def may_come_back(self, error: SaltyRTCError) -> bool:
        lost = error.status in (Status.PEER_LEFT, Status.SIGNALLING_CHANNEL_LOST)
        meant = error.status == Status.PEER_CLOSED
        return self.try_other_way_in(error) or self.served and not meant and (error.retryable or lost and self.met)

    # --- chat ---

    async def chat(self) -> int:
        receiver = Receiver(self.options.dir)
        async with self.client() as peer:
            try:
                session = await self.meet(peer)
            except SaltyRTCError as error:
                if self.try_other_way_in(error):
                    return await self.chat()
                raise
            relayed = "relayed-data" in session.task
            if not relayed:
                await peer.wait_connection_state(ConnectionState.CONNECTED)
            say("connected, end-to-end encrypted" + ("" if relayed else f": {path_text(peer)}"))
            jobs = {asyncio.ensure_future(self.hear(peer if relayed else peer.application))}
            if not relayed:
                jobs.add(asyncio.ensure_future(receiver.run(peer)))
            talk = asyncio.ensure_future(self.talk(peer, peer if relayed else peer.application))
            try:
                await asyncio.wait({talk, *jobs}, return_when=asyncio.FIRST_COMPLETED)
                ended = await peer.wait_closed() if not talk.done() else None
            finally:
                for job in (talk, *jobs):
                    job.cancel()
                await asyncio.gather(talk, *jobs, return_exceptions=True)
        if ended is None:
            say("closed")
            return 0
        say(ended.text)
        return 0 if ended.status in (Status.CLOSED, Status.PEER_CLOSED) else 1

    async def hear(self, source: Any) -> None:
        with contextlib.suppress(SaltyRTCError):
            async for message in source:
                if isinstance(message, (str, bytes)):
                    result(safe_text(message))

    async def talk(self, peer: Peer, target: Any) -> None:
        files: Set["asyncio.Task[None]"] = set()
        async for line in lines_of_input():
            if line.startswith("/send "):
                files.add(asyncio.ensure_future(self.send_one(peer, Path(line[len("/send ") :]))))
            elif line:
                await target.send(line)
        await asyncio.gather(*files)

    async def send_one(self, peer: Peer, path: Path) -> None:
        try:
            await send_file(peer, path)
        except (OSError, Failed, SaltyRTCError) as why:
            result(f"not sent: {path.name}: {why}")

    # --- send and receive ---

    async def send(self) -> int:
        failed = 0
        waiting: List[Path] = []
        for path in self.options.files:
            if path.is_file():
                waiting.append(path)
            else:
                failed += 1
                result(f"not sent: {path.name}: it is not a file")
        if not waiting:
            return 1

        async def use(peer: Peer) -> None:
            nonlocal failed
            while waiting:
                try:
                    await send_file(peer, waiting[0])
                except (OSError, Failed) as why:
                    if isinstance(why, SaltyRTCError):
                        raise
                    failed += 1
                    result(f"not sent: {waiting[0].name}: {why}")
                waiting.pop(0)

        await self.over_connections(use)
        return 1 if failed else 0

    async def receive(self) -> int:
        directory: Path = self.options.dir
        if not os.access(directory, os.W_OK | os.X_OK):
            raise OSError(f"{directory}: no files can be put there")
        receiver = Receiver(directory)
        await self.over_connections(receiver.run)
        unfinished = not receiver.received
        say("the other side has closed the connection" + ("; nothing was received as a whole" if unfinished else ""))
        return 1 if receiver.failed or unfinished else 0


async def end_of(peer: Peer) -> Optional[SaltyRTCError]:
    """Why the connection has ended. If it was only interrupted, it gets some time: the peer may be at the server again."""
    try:
        return await asyncio.wait_for(peer.wait_closed(), PATIENCE_SECONDS)
    except asyncio.TimeoutError:
        return None


def path_text(peer: Peer) -> str:
    """How the peer is reached."""
    kinds = {
        CandidateType.NONE: "no path any more",
        CandidateType.SERVER_REFLEXIVE: "through a NAT",
        CandidateType.PEER_REFLEXIVE: "through a NAT",
        CandidateType.RELAYED: "through a TURN server",
    }
    return kinds.get(peer.stats().local_type, "directly")


async def lines_of_input() -> AsyncIterator[str]:
    """The lines of the standard input. A thread reads them, because not all kinds of input can be watched."""
    loop = asyncio.get_running_loop()
    lines: "asyncio.Queue[Optional[str]]" = asyncio.Queue()

    def read() -> None:
        # Not sys.stdin, which has a lock that a thread must not hold when the interpreter ends.
        rest = b""
        with contextlib.suppress(RuntimeError):
            while part := os.read(0, 1 << 16):
                *whole, rest = (rest + part).split(b"\n")
                for line in whole:
                    loop.call_soon_threadsafe(lines.put_nowait, line.decode("utf-8", "replace"))
            if rest:
                loop.call_soon_threadsafe(lines.put_nowait, rest.decode("utf-8", "replace"))
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="input", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line
