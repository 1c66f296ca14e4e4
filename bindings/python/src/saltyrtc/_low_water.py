"""Waiting until little enough waits to be sent."""

from __future__ import annotations

from typing import Callable


class LowWater:
    """The low-water mark, of which there is one, for all those who wait, each for an amount of its own."""

    __slots__ = ("_buffered_amount", "_set", "_wake", "_mark")

    def __init__(
        self, buffered_amount: Callable[[], int], set_mark: Callable[[int], None], wake: Callable[[], None]
    ) -> None:
        self._buffered_amount = buffered_amount
        self._set = set_mark
        self._wake = wake
        self._mark = -1

    def is_reached(self, amount: int) -> bool:
        """Whether no more than this waits to be sent. If not, there is an event when it is worth asking again."""
        if amount < 0:
            raise ValueError(f"amount has to be at least 0, not {amount}: never does less than nothing wait")
        if self._buffered_amount() <= amount:
            return True
        if amount > self._mark:
            # The first that is reached. The others set theirs when they are woken then.
            self._mark = amount
            self._set(amount)
            if self._buffered_amount() <= amount:
                # There is no event about what was sent before the mark was set, neither for the others.
                self._mark = -1
                self._wake()
                return True
        return False

    def was_reached(self) -> None:
        """There was the event. Those who wait are woken next."""
        self._mark = -1
