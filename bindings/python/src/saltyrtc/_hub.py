"""How clients share an asyncio loop: one queue, one descriptor and no thread for all of them."""

from __future__ import annotations

import asyncio
import threading
import weakref
from typing import Any, Callable, List, Optional

from . import _functions as native
from ._peer import PENDING, PeerCore, Signal
from ._queue import EventQueue


class LoopSignal(Signal):
    """Wakes tasks of one loop."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: List[asyncio.Future[None]] = []

    def fire(self) -> None:
        waiting = self._waiting
        if waiting:
            self._waiting = []
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    async def wait(self) -> None:
        """Waits until it fires next."""
        future = self._loop.create_future()
        self._waiting.append(future)
        try:
            await future
        except BaseException:
            if future in self._waiting:
                self._waiting.remove(future)
            raise


class Hub:
    """The queue of a loop, for as long as there are clients in it."""

    _hubs: "weakref.WeakValueDictionary[int, Hub]" = weakref.WeakValueDictionary()

    @staticmethod
    def running_loop() -> asyncio.AbstractEventLoop:
        """The loop that runs. Without one, the exception says what to do."""
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "saltyrtc.Initiator, Responder and Server (as `async with`) need a running asyncio event loop. "
                "In a program for trio, or without an event loop, use saltyrtc.sync, in a thread"
            ) from None

    @classmethod
    def of_running_loop(cls) -> Hub:
        loop = cls.running_loop()
        hub = cls._hubs.get(id(loop))
        if hub is None or hub.loop is not loop or not hub.queue.handle:
            hub = cls._hubs[id(loop)] = cls(loop)
        return hub

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.queue = EventQueue()
        self._thread: Optional[threading.Thread] = None
        self._read = threading.Semaphore(0)
        try:
            self._fd = self.queue.fileno()
            loop.add_reader(self._fd, self._on_readable)
        except (NotImplementedError, AttributeError):
            # The loop of Windows cannot watch descriptors, and there are none.
            self._thread = threading.Thread(target=self._pull, name="saltyrtc", daemon=True)
            self._thread.start()

    def add(self, core: PeerCore) -> None:
        """Connects a client."""
        core.handle, token = self.queue.new_client(core.config.handle, core)
        core.forget = lambda: self.remove(token)
        core.pause = lambda paused: native.client_pause_events(core.handle, paused)

    def remove(self, token: int) -> None:
        """Nothing more is wanted with this token."""
        self.queue.targets.pop(token, None)
        if not self.queue.targets and not self.loop.is_closed():
            # Later: this may be called while events are given out, or by the garbage collector in any thread.
            self.loop.call_soon_threadsafe(self.close_if_idle)

    def close_if_idle(self) -> None:
        """The last client is gone: the loop has nothing to watch any more."""
        if self.queue.targets or not self.queue.handle:
            return
        if self._thread is None:
            self.loop.remove_reader(self._fd)
            self.queue.close()
        else:
            # First the wake-up: the thread closes the queue when it sees that it is to end.
            self.queue.wake()
            self._thread = None
            self._read.release()

    def _on_readable(self) -> None:
        if self.queue.handle:
            try:
                self.queue.dispatch(self.queue.read(0))
            finally:
                if self.queue.has_more and not self.loop.is_closed():
                    # Interrupted, by Ctrl-C for example: no descriptor tells of the others.
                    self.loop.call_soon(self._on_readable)

    def _pull(self) -> None:
        """The thread, where the loop cannot watch a descriptor: it waits for events, and the loop gives them out."""
        while self._thread is not None:
            count = self.queue.read(-1)
            try:
                self.loop.call_soon_threadsafe(self._take_from_thread, count)
            except RuntimeError:
                break  # The loop is closed.
            self._read.acquire()
        self.queue.close()

    def _take_from_thread(self, count: int) -> None:
        try:
            self.queue.dispatch(count)
        finally:
            self._read.release()


async def until(signal: Signal, attempt: Callable[..., Any], *arguments: Any) -> Any:
    """The answer of an attempt, which is made again whenever the signal fires."""
    while True:
        result = attempt(*arguments)
        if result is not PENDING:
            return result
        assert isinstance(signal, LoopSignal)
        await signal.wait()
