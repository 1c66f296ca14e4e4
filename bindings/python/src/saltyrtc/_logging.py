"""The messages of the library, for the module logging: taken by a thread of Python, so that none of the library ever
runs Python code."""

from __future__ import annotations

import logging
import threading
import traceback
from typing import Optional

from ._enums import EventKind, LogLevel
from ._layout import Event
from ._queue import EventQueue
from . import _functions as native

LEVELS = {
    LogLevel.ERROR: logging.ERROR,
    LogLevel.WARN: logging.WARNING,
    LogLevel.INFO: logging.INFO,
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.TRACE: 5,
}
#: How many messages wait at most; more are dropped, and counted.
CAPACITY = 4096

_lock = threading.Lock()
_thread: Optional[_Thread] = None


class _Thread(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="saltyrtc-log", daemon=True)
        self.queue = EventQueue()
        self.queue.others = self
        self.ends = False

    def run(self) -> None:
        while not self.ends:
            self.queue.dispatch(self.queue.read(-1))

    def on_message(self, kind: int, channel: int, payload: int, data: bytes) -> None:
        """There are none."""

    def on_other(self, event: Event) -> None:
        if event.kind != EventKind.LOG:
            return
        logger = logging.getLogger((event.log_target or "saltyrtc").replace("::", "."))
        try:
            logger.log(LEVELS.get(event.log_level, logging.DEBUG), "%s", event.text)
            if event.dropped:
                logger.warning("%d messages of the library were dropped, because they came too fast", event.dropped)
        except Exception:
            # Of a filter of the program, for example: as logging does it with handlers. The next message may work.
            if logging.raiseExceptions:
                traceback.print_exc()


def set_log_level(level: LogLevel) -> None:
    """From which level on the messages of the library get into the module logging, for the whole process. The loggers
    are `saltyrtc` and those below it. Before this is called, there are none. `LogLevel.OFF` ends it.

    The messages never contain secrets or application data.
    """
    global _thread
    with _lock:
        if level == LogLevel.OFF:
            _stop()
            return
        if _thread is None:
            _thread = _Thread()
            native.queue_set_log(_thread.queue.handle, level, CAPACITY)
            _thread.start()
        else:
            native.queue_set_log(_thread.queue.handle, level, CAPACITY)


def stop() -> None:
    """Ends the thread, if there is one."""
    with _lock:
        _stop()


def _stop() -> None:
    global _thread
    thread, _thread = _thread, None
    if thread is not None:
        thread.ends = True
        thread.queue.wake()
        thread.join()
        # Not by the thread itself: it may see that it is to end before it is woken, which needs the queue.
        thread.queue.close()
