"""The end of the interpreter, and processes that were forked."""

from __future__ import annotations

import atexit
import os
from typing import Tuple, cast

from ._logging import stop as stop_logging
from ._native import library
from ._queue import the_end

#: How long connections that are being closed get at the end of the program, in milliseconds.
GOODBYE_MS = 1000


def register() -> None:
    """To be called once."""
    atexit.register(_at_exit, os.getpid())


def _is_main_interpreter() -> bool:
    # Others share the library with it, and end while it goes on.
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            module = __import__(name)
        except ImportError:
            continue
        return _number(module.get_current()) == _number(module.get_main())
    return True


def _number(interpreter: object) -> object:
    # Some versions give the number together with who owns it.
    return cast("Tuple[object, ...]", interpreter)[0] if isinstance(interpreter, tuple) else interpreter


def _at_exit(process: int) -> None:
    if os.getpid() != process or not _is_main_interpreter():
        return
    stop_logging()
    the_end.set()
    # What could not be done in time is given up: there is nobody left to tell.
    library.functions.saltyrtc_shutdown(GOODBYE_MS, None)


