"""Lines for people: on a terminal, progress is one line that is drawn again; otherwise, a line for every tenth."""

from __future__ import annotations

import sys
import time

REDRAW_SECONDS = 0.2
BAR_WIDTH = 24

_drawn = False


def say(text: str) -> None:
    """A line that is not a result."""
    clear()
    print(f"* {text}", file=sys.stderr, flush=True)


def result(text: str) -> None:
    """A line for people and programs."""
    clear()
    print(text, flush=True)


def clear() -> None:
    """To be called before anything else is printed."""
    global _drawn
    if _drawn:
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()
        _drawn = False


def bytes_text(size: float) -> str:
    """A size for people."""
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    unit = 0
    while size >= 1024 and unit < len(units) - 1:
        size /= 1024
        unit += 1
    return f"{size:.{1 if unit else 0}f} {units[unit]}"


class Progress:
    """Of one file."""

    def __init__(self, name: str, size: int, start: int) -> None:
        self.name = name
        self.size = size
        self.start = start
        self.since = self.drawn = time.monotonic()
        self.tenths = start * 10 // size if size else 0

    def set(self, done: int) -> None:
        """So many bytes of the file are there."""
        now = time.monotonic()
        part = done / self.size if self.size else 1.0
        if sys.stderr.isatty():
            if now - self.drawn < REDRAW_SECONDS:
                return
        elif int(part * 10) <= self.tenths:
            return
        self.drawn, self.tenths = now, int(part * 10)
        passed = now - self.since
        self.draw(done, part, (done - self.start) / passed if passed > 0 else 0.0)

    def draw(self, done: int, part: float, rate: float) -> None:
        global _drawn
        seconds = int((self.size - done) / rate + 0.999) if rate > 0 else None
        left = "" if seconds is None else f", {_time_text(seconds)} left"
        text = f"{bytes_text(done)}, {bytes_text(rate)}/s{left}"
        if sys.stderr.isatty():
            bar = ("#" * int(part * BAR_WIDTH)).ljust(BAR_WIDTH, ".")
            sys.stderr.write(f"\r\033[K{self.name[:24]} {part:4.0%} [{bar}] {text}")
            sys.stderr.flush()
            _drawn = True
        else:
            print(f"* {self.name}: {part:.0%}, {text}", file=sys.stderr, flush=True)


def _time_text(seconds: int) -> str:
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds // 60 % 60:02} min"
    return f"{seconds // 60}:{seconds % 60:02}"


