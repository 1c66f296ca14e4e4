"""For programs with a WebRTC stack of their own: encryption of their data channels, and chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Union

from . import _functions as native
from ._enums import ChunkingMode
from ._native import BytesLike

if TYPE_CHECKING:
    from . import sync
    from ._asyncio import Peer


class SecureChannel:
    """Encrypts and decrypts the messages of one data channel of the program with the keys of the session.

    Both peers make one for each data channel, and a new one for a new channel that reuses an id. It can be used after
    the session has ended.
    """

    def __init__(self, peer: Union[Peer, sync.Peer], id: int) -> None:
        """`id` is that of the data channel, 0 to 65534. Raises `NotPossible` without an authenticated peer."""
        self._handle = 0
        self._handle = peer._secure_channel(id)  # pyright: ignore[reportPrivateUsage]

    def encrypt(self, data: BytesLike) -> bytes:
        """A message for the data channel. Each call uses up a sequence number, even if the result is never sent."""
        return native.secure_channel_encrypt(self._handle, data)

    def decrypt(self, data: BytesLike) -> bytes:
        """A message from the data channel; messages may be lost and come in any order. Raises `NotPossible` with the
        status `DECRYPTION_FAILED`, which does not affect other messages."""
        return native.secure_channel_decrypt(self._handle, data)

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", 0), 0
        if handle:
            native.secure_channel_free(handle)


class Chunker:
    """Splits messages into chunks, for data channels that limit the size of a message. Each channel needs its own."""

    def __init__(self, mode: ChunkingMode = ChunkingMode.UNRELIABLE_UNORDERED) -> None:
        self._handle = 0
        self._handle = native.chunker_new(mode)

    def split(self, message: BytesLike, chunk_size: int) -> List[bytes]:
        """The chunks of a message, which must not be empty, of at most `chunk_size` bytes each (at least 10)."""
        native.chunker_add(self._handle, message, chunk_size)
        chunks: List[bytes] = []
        while chunk := native.chunker_next(self._handle):
            chunks.append(chunk)
        return chunks

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", 0), 0
        if handle:
            native.chunker_free(handle)


class Unchunker:
    """Puts messages together again. Each channel needs its own."""

    def __init__(
        self,
        mode: ChunkingMode = ChunkingMode.UNRELIABLE_UNORDERED,
        *,
        max_message_size: int = 1 << 24,
        max_total_size: int = 1 << 26,
        max_age: float = 60.0,
        remembered: int = 0,
    ) -> None:
        """The limits are for the memory that a peer can make it use.

        * `max_message_size`, `max_total_size`: of a message, and of all incomplete messages, in bytes.
        * `max_age`: a message that gets no new chunk for so many seconds is thrown away.
        * `remembered`: how many complete messages are remembered, if the transport duplicates.
        """
        self._handle = 0
        self._handle = native.unchunker_new(
            mode, max_message_size, max_total_size, round(max_age * 1000), remembered
        )

    def add(self, chunk: BytesLike) -> Optional[bytes]:
        """Adds a chunk; returns the message if that completes one. Raises `InvalidArgument` if the chunk is none."""
        if native.unchunker_add(self._handle, chunk) == 0:
            return None
        return native.unchunker_next(self._handle)

    def expire(self) -> int:
        """Throws away messages that are too old; returns how many were thrown away so far, for any reason."""
        return native.unchunker_expire(self._handle)

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", 0), 0
        if handle:
            native.unchunker_free(handle)
