"""What can go wrong. All exceptions of this package are `SaltyRTCError`, and say what to do about it.

===================== =====================================================================================
`InvalidArgument`     a value that the library does not take (also a `ValueError`)
`NotPossible`         what the client cannot do at the moment: there is no peer, the channel is closed …
`QueueFull`           too much waits to be sent; only from functions that do not wait (a `NotPossible`)
`ConnectionFailed`    the network and the server (also a `ConnectionError`)
`PeerFailed`          the peer: it left, it could not be authenticated, it broke the protocol
`ServerFailed`        the embedded server (also an `OSError`)
`WaitTimeout`         the time given to a function of `saltyrtc.sync` is over (also a `TimeoutError`)
`InternalError`       a bug in the library: please report the text
===================== =====================================================================================
"""

from __future__ import annotations

from typing import Optional, Type

from ._enums import STATUS_TEXTS, ClosedBy, Retry, Status

__all__ = [
    "ConnectionFailed",
    "InternalError",
    "InvalidArgument",
    "NotPossible",
    "PeerFailed",
    "QueueFull",
    "SaltyRTCError",
    "ServerFailed",
    "WaitTimeout",
]


class SaltyRTCError(Exception):
    """Why something did not work."""

    status: Status
    """What it is, as a number with a name."""
    text: str
    """What happened and what to do about it, in English. Never contains secrets."""
    close_code: Optional[int]
    """The close code of WebSocket or SaltyRTC (1000 to 4999), if a connection ended with one."""
    closed_by: Optional[ClosedBy]
    """Who ended the connection, if that is what happened."""
    retryable: bool
    """Whether the same may succeed with a new client."""

    def __init__(
        self,
        status: Status,
        text: Optional[str] = None,
        *,
        close_code: Optional[int] = None,
        closed_by: Optional[ClosedBy] = None,
        retryable: bool = False,
    ) -> None:
        self.status = status
        self.text = text or STATUS_TEXTS.get(int(status), "unknown status")
        self.close_code = close_code
        self.closed_by = closed_by
        self.retryable = retryable
        super().__init__(self.text)

    @property
    def retry(self) -> Retry:
        """Whether, and when, to try again with a new client, after the end of one."""
        from . import _functions as native  # which raises what is defined here

        return Retry(native.status_retry(int(self.status)))

    def __str__(self) -> str:
        code = f", {self.close_code}" if self.close_code else ""
        return f"{self.text} ({self.status.name}{code})"

    def __reduce__(self) -> "tuple[object, ...]":
        values = (type(self), self.status, self.text, self.close_code, self.closed_by, self.retryable)
        return _rebuild, values


def _rebuild(
    kind: Type[SaltyRTCError],
    status: Status,
    text: str,
    close_code: Optional[int],
    closed_by: Optional[ClosedBy],
    retryable: bool,
) -> SaltyRTCError:
    return kind(status, text, close_code=close_code, closed_by=closed_by, retryable=retryable)


class InvalidArgument(SaltyRTCError, ValueError):
    """A value that the library does not take."""


class NotPossible(SaltyRTCError):
    """The client cannot do that at the moment, or not any more."""


class QueueFull(NotPossible):
    """Too much waits to be sent. Functions that wait do not raise it."""


class ConnectionFailed(SaltyRTCError, ConnectionError):
    """The network or the server."""


class PeerFailed(SaltyRTCError):
    """The peer."""


class ServerFailed(SaltyRTCError, OSError):
    """The embedded server."""


class WaitTimeout(SaltyRTCError, TimeoutError):
    """The time is over."""


class InternalError(SaltyRTCError):
    """A bug in the library."""


def _class_of(status: Status) -> Type[SaltyRTCError]:
    if status == Status.QUEUE_FULL:
        return QueueFull
    if status == Status.TIMEOUT:
        return WaitTimeout
    if status == Status.PANIC:
        return InternalError
    if status in (Status.FORKED, Status.NOT_BUILT, Status.OUT_OF_RESOURCES, Status.WOULD_DEADLOCK):
        # Not the fault of a value.
        return NotPossible
    ranges = ((-99, InvalidArgument), (-199, NotPossible), (-299, ConnectionFailed), (-399, PeerFailed))
    for lowest, kind in ranges:
        if status >= lowest:
            return kind
    return ServerFailed if status >= -499 else InternalError


def error_from_status(
    status: int,
    text: Optional[str] = None,
    *,
    close_code: Optional[int] = None,
    closed_by: Optional[ClosedBy] = None,
    retryable: bool = False,
) -> SaltyRTCError:
    """The exception for a status of the library."""
    known = Status(status)
    kind = _class_of(known)
    return kind(known, text, close_code=close_code or None, closed_by=closed_by, retryable=retryable)
