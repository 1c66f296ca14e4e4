"""The queue of events of many clients, and who gets which event."""

from __future__ import annotations

import ctypes
import os
import threading
from ctypes import byref, c_size_t, c_void_p
from typing import Dict, Optional, Protocol, Tuple

from . import _functions as native
from ._enums import EventKind, Status
from ._layout import Event, decode_event, message_struct
from ._native import library, take_text, too_small

#: The first size of the buffer for events, in bytes, and the largest that is kept.
BUFFER_BYTES = 1 << 18

MESSAGES = frozenset(
    (EventKind.DATA, EventKind.APPLICATION, EventKind.TASK_MESSAGE, EventKind.CHANNEL_MESSAGE)
)

#: Set when the interpreter ends, and with it the connections.
the_end = threading.Event()


def _park_at_the_end() -> None:
    """Daemon threads are about to be frozen anyway. They must not get to hear, and to print, what the end does."""
    if the_end.is_set() and threading.current_thread() is not threading.main_thread():
        threading.Event().wait()


class Target(Protocol):
    """Who gets the events of a client."""

    def on_message(self, kind: int, channel: int, payload: int, data: bytes) -> None: ...

    def on_other(self, event: Event) -> None: ...


class EventQueue:
    """A queue of the library. Not for several threads at once, but for `wake`, and `read` while others add clients."""

    def __init__(self) -> None:
        self.handle = native.queue_new()
        self.targets: Dict[int, Target] = {}
        # Who gets what no client is the source of.
        self.others: Optional[Target] = None
        self._process = os.getpid()
        self._next_token = 1
        # Of the events that were read last: how many there are, and how many were given out.
        self._count = 0
        self._given = 0
        self._buffer = bytearray(BUFFER_BYTES)
        self._pointer = (ctypes.c_char * BUFFER_BYTES).from_buffer(self._buffer)

    def fileno(self) -> int:
        """A descriptor that is readable exactly while events wait. Unix only."""
        return native.queue_fd(self.handle)

    def new_client(self, config: int, target: Target) -> Tuple[int, int]:
        """A client, which starts to connect at once, and its token."""
        token = self.new_token(target)
        try:
            return native.client_new_on_queue(config, self.handle, token), token
        except BaseException:
            del self.targets[token]
            raise

    def new_token(self, target: Target) -> int:
        """A number for what is to come to this target."""
        token = self._next_token
        self._next_token += 1
        self.targets[token] = target
        return token

    def wake(self) -> None:
        """Makes a `read` that waits, or the next one, return at once. From any thread."""
        if self.handle and os.getpid() == self._process:
            native.queue_wake(self.handle)

    @property
    def has_more(self) -> bool:
        """Whether there are events that were read and not given out, because an exception came in between."""
        return self._given < self._count

    def read(self, timeout_ms: int) -> int:
        """Takes as many events as fit, and returns how many; waits for the first one. `dispatch` them next."""
        if self.has_more:
            return self._count
        count, needed, error = c_size_t(), c_size_t(), c_void_p()
        while True:
            status = library.functions.saltyrtc_queue_read(
                self.handle, timeout_ms, self._pointer, len(self._buffer), byref(count), byref(needed), byref(error)
            )
            _park_at_the_end()
            if status == Status.OK:
                self._count, self._given = count.value, 0
                return count.value
            if status == Status.TIMEOUT:
                take_text(error)
                return 0
            size = too_small(status, error, needed.value)
            self._resize(size)

    def _resize(self, size: int) -> None:
        self._buffer = bytearray(size)
        self._pointer = (ctypes.c_char * size).from_buffer(self._buffer)

    def dispatch(self, count: int) -> None:
        """Gives the events that `read` has taken to those whom they are for."""
        if count == 0:
            return
        targets = self.targets
        with memoryview(self._buffer) as view:
            stride: int = int.from_bytes(view[:4], "little")
            first = self._given
            records = message_struct(stride).iter_unpack(view[first * stride : count * stride])
            for index, (kind, token, payload, channel, offset, size) in enumerate(records, first):
                self._given = index + 1
                target = targets.get(token, self.others)
                if target is None:
                    continue
                if kind in MESSAGES:
                    target.on_message(kind, channel, payload, view[offset : offset + size].tobytes())
                else:
                    target.on_other(decode_event(view, index * stride))
        if len(self._buffer) > BUFFER_BYTES:
            self._resize(BUFFER_BYTES)

    def close(self) -> None:
        """Frees the queue. No thread may be reading."""
        handle, self.handle = self.handle, 0
        if handle and os.getpid() == self._process:
            native.queue_free(handle)

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            self.close()
