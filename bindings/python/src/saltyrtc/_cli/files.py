"""Sending and receiving files. What was interrupted goes on where it stopped; existing files are never overwritten."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from pathlib import Path
from typing import IO, Any, Dict, List, Optional, Set

from .. import Channel, Peer, SaltyRTCError
from . import protocol
from .progress import Progress, bytes_text, result, say
from .protocol import Offer, Violation

#: How much is read at once to find the hash of a file, in bytes.
HASH_STEP = 1 << 20
#: After so many bytes, it is noted how much of a file was received.
CHECKPOINT_BYTES = 4 << 20


class Refused(Exception):
    """The transfer is over, for a reason that the other side is told."""


class Failed(Exception):
    """The other side says that the transfer is over."""


def hash_file(path: Path) -> bytes:
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(HASH_STEP):
            digest.update(part)
    return digest.digest()


async def send_file(peer: Peer, path: Path) -> None:
    """Sends a file on a channel of its own. Raises `OSError`, `Failed`, and `SaltyRTCError` if the connection is lost."""
    digest = await asyncio.to_thread(hash_file, path)
    offer = Offer(path.stat().st_size, digest, path.name)
    async with await peer.open_channel(protocol.LABEL, protocol=protocol.PROTOCOL) as channel:
        await channel.send(protocol.write_offer(offer))
        try:
            start = protocol.read_accept(_unless_failed(await channel.receive()), offer.size)
            if start:
                say(f"{path.name}: the other side has {start} bytes already")
            await _send_content(channel, path, offer, start)
        except Violation as why:
            await channel.send(protocol.write_failed(str(why)))
            raise Failed("the other side does not keep to the protocol") from None
    result(f"sent: {path.name}: {offer.size} bytes, {offer.size - start} of them this time")


async def _send_content(channel: Channel, path: Path, offer: Offer, start: int) -> None:
    progress = Progress(path.name, offer.size, start)
    # The other side may fail in the middle.
    answer = asyncio.ensure_future(channel.receive())
    try:
        with path.open("rb") as file:
            file.seek(start)
            sent = start
            while sent < offer.size and not answer.done():
                part = file.read(min(protocol.DATA_BYTES, offer.size - sent))
                if not part:
                    raise OSError("it has become shorter")
                await channel.send(bytes((protocol.DATA,)) + part)
                sent += len(part)
                waiting = channel.buffered_amount
                progress.set(max(start, sent - waiting))
                if waiting > protocol.HIGH_WATER:
                    await channel.drain(protocol.LOW_WATER)
        message = _unless_failed(await answer)
        if message != bytes((protocol.RECEIVED,)) or sent < offer.size:
            raise Violation("this message is not allowed here")
    finally:
        answer.cancel()


def _unless_failed(message: Any) -> bytes:
    data = message.encode() if isinstance(message, str) else bytes(message)
    if data[:1] == bytes((protocol.FAILED,)):
        raise Failed(protocol.read_failed(data))
    return data


class Incoming:
    """A file that is being received: until it is complete, a hidden file that is named after its hash. A second one
    notes how much there is, and the hash of that, so that nothing goes on from bytes that have changed."""

    def __init__(self, directory: Path, offer: Offer) -> None:
        self.offer = offer
        self.directory = directory
        name = offer.digest.hex()
        self.part = directory / f".{name}.part"
        self.check = directory / f".{name}.check"
        self.hash = hashlib.sha256()
        self.bytes = 0
        self.noted = 0
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            self.file: IO[bytes] = os.fdopen(os.open(self.part, flags, 0o666), "r+b")
        except OSError as error:
            raise Refused(f"the file cannot be made: {error.strerror}") from error
        _lock(self.file)

    def verify(self) -> int:
        """How much of the file is there already."""
        try:
            number, digest = self.check.read_text().split()
            noted = min(int(number), self.offer.size)
        except (OSError, ValueError):
            noted, digest = 0, ""
        while self.bytes < noted and (part := self.file.read(min(HASH_STEP, noted - self.bytes))):
            self.hash.update(part)
            self.bytes += len(part)
        if self.bytes < noted or noted and self.hash.hexdigest() != digest:
            say(f"{self.offer.name}: what was there of it was damaged; once more from the beginning")
            self.hash, self.bytes = hashlib.sha256(), 0
        self.file.seek(self.bytes)
        self.file.truncate()
        room, needed = shutil.disk_usage(self.directory).free, self.offer.size - self.bytes
        if room < needed:
            raise Refused(f"the disk of the receiver is too full: it has room for {bytes_text(room)}, and needs "
                          f"{bytes_text(needed)}")
        self.noted = self.bytes
        return self.bytes

    def add(self, data: bytes) -> None:
        if not 0 < len(data) <= protocol.DATA_BYTES:
            raise Refused("the data has a wrong size")
        if len(data) > self.offer.size - self.bytes:
            raise Refused("this is more than the file has")
        try:
            self.file.write(data)
        except OSError as error:
            raise Refused(f"the receiver cannot write the file: {error.strerror}") from error
        self.hash.update(data)
        self.bytes += len(data)
        if self.bytes - self.noted >= CHECKPOINT_BYTES:
            self.note()

    def note(self) -> None:
        """If that fails, more will have to be sent again: no reason to give up."""
        temporary = self.check.with_name(self.check.name + "~")
        try:
            self.file.flush()
            temporary.write_text(f"{self.bytes} {self.hash.hexdigest()}\n")
            # All or nothing: the program may be killed at any time.
            os.replace(temporary, self.check)
            self.noted = self.bytes
        except OSError:
            pass

    def finish(self) -> Path:
        """All bytes are there. Returns where the file is."""
        if self.hash.digest() != self.offer.digest:
            self.forget()
            raise Refused("the hash of what was received is wrong")
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
            # Where open files cannot be renamed.
            self.file.close()
            path = self.free_name()
            os.replace(self.part, path)
        except OSError as error:
            raise Refused(f"the receiver cannot write the file: {error.strerror}") from error
        self.check.unlink(missing_ok=True)
        self.noted = self.bytes
        return path

    def free_name(self) -> Path:
        """A name that no file has yet; an empty file with it is made."""
        name = Path(self.offer.name)
        for number in range(10000):
            suffix = f" ({number})" if number else ""
            path = self.directory / f"{name.stem}{suffix}{name.suffix}"
            try:
                path.open("xb").close()
                return path
            except FileExistsError:
                continue
        raise Refused("no name could be found for the file")

    def forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.check.unlink(missing_ok=True)
        self.noted = self.bytes

    def close(self) -> None:
        """What is there is kept for the next time."""
        if self.file.closed:
            return
        if self.bytes > self.noted:
            self.note()
        self.file.close()
        if self.bytes == 0 and self.part.exists() and self.part.stat().st_size == 0:
            self.forget()


def _lock(file: IO[bytes]) -> None:
    """Ours alone."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise Refused("another program is receiving this file") from error


class Receiver:
    """Takes the files that a peer offers, over one connection after another."""

    def __init__(self, directory: Optional[Path]) -> None:
        self.directory = directory
        self.received: List[Path] = []
        self.failed = 0
        self._finished: Dict[bytes, Path] = {}
        self._running: Set[bytes] = set()

    async def run(self, peer: Peer) -> None:
        """Takes channels until the end of the connection."""
        transfers: Set["asyncio.Task[None]"] = set()
        try:
            async for channel in peer.channels():
                transfer = asyncio.ensure_future(self._take(channel))
                transfers.add(transfer)
                transfer.add_done_callback(transfers.discard)
        finally:
            for transfer in transfers:
                transfer.cancel()
            await asyncio.gather(*transfers, return_exceptions=True)

    async def _take(self, channel: Channel) -> None:
        if (channel.label, channel.protocol) != (protocol.LABEL, protocol.PROTOCOL):
            await channel.close()
            return
        try:
            await self._receive(channel)
            # The sender closes the channel.
            async for _ in channel:
                break
        except Failed as why:
            self.failed += 1
            result(f"not received: {why}")
        except (Refused, Violation) as why:
            self.failed += 1
            result(f"not received: {why}")
            await channel.send(protocol.write_failed(str(why)))
            # FAILED has to arrive before the channel is closed: the sender does that, after what it was sending.
            async for _ in channel:
                pass
        except SaltyRTCError:
            return  # Another connection will go on with it.
        if channel.is_open:
            await channel.close()

    async def _receive(self, channel: Channel) -> None:
        if self.directory is None:
            raise Refused("this program takes no files at the moment")
        offer = protocol.read_offer(_unless_failed(await channel.receive()))
        here = self._finished.get(offer.digest)
        if here is not None and here.is_file() and here.stat().st_size == offer.size:
            say(f"{here} is here already")
            await channel.send(protocol.write_accept(offer.size))
            await channel.send(bytes((protocol.RECEIVED,)))
            return
        if offer.digest in self._running:
            raise Refused("this file is being received already")
        self._running.add(offer.digest)
        try:
            await self._receive_content(channel, Incoming(self.directory, offer))
        finally:
            self._running.discard(offer.digest)

    async def _receive_content(self, channel: Channel, incoming: Incoming) -> None:
        offer = incoming.offer
        try:
            start = await asyncio.to_thread(incoming.verify)
            say(f"{offer.name}: {offer.size} bytes, of which {start} are here already")
            await channel.send(protocol.write_accept(start))
            progress = Progress(offer.name, offer.size, start)
            while incoming.bytes < offer.size:
                message = _unless_failed(await channel.receive())
                if message[:1] != bytes((protocol.DATA,)):
                    raise Violation("this message is not allowed here")
                incoming.add(message[1:])
                progress.set(incoming.bytes)
            path = incoming.finish()
        finally:
            incoming.close()
        self._finished[offer.digest] = path
        self.received.append(path)
        result(f"received: {path}: {offer.size} bytes, {offer.size - start} of them this time")
        await channel.send(bytes((protocol.RECEIVED,)))
