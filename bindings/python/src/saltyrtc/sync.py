"""Clients without an event loop: the same as in `saltyrtc`, with functions that block.

    with saltyrtc.sync.Responder(invitation) as peer:
        peer.connected(timeout=60)
        peer.send("Hello")
        for message in peer:
            print(message)

A client can be used by several threads at once: one may receive while another sends. There is no thread behind it:
those who wait take the events themselves. So while nobody waits, messages wait in the library, and then at the peer.

All functions that wait take a `timeout` in seconds, and raise `WaitTimeout` (a `TimeoutError`) when it is over; `None`,
which is the default, is no limit. Then nothing was done.
"""

from __future__ import annotations

import os
import select
import sys
import threading
import time
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Optional, Type, TypeVar, Union

from . import _functions as native
from ._config import Config, Options, Settings
from ._enums import ConnectionState, Status
from ._layout import Event
from ._native import BytesLike
from ._network import address_list
from ._peer import PENDING, ChannelCore, EndOfMessages, PeerCore, Signal
from ._queue import EventQueue
from ._values import ConnectionStats, Session, SignallingChannel
from .errors import NotPossible, SaltyRTCError, WaitTimeout
from .invitation import Invitation

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Application", "Channel", "Initiator", "Peer", "Responder"]

_T = TypeVar("_T")
_P = TypeVar("_P", bound="Peer")
_C = TypeVar("_C", bound="Channel")

#: Where no descriptor can be watched, Ctrl-C is noticed after so many milliseconds.
SLICE_MS = 200
#: The longest time to wait at once, in seconds. Who wants more waits several times.
LONGEST = 86_400.0


class _Pump:
    """Takes the events of one client. Of the threads that wait, one takes them for all."""

    def __init__(self, config: Config, settings: Settings, on_event: Optional[Callable[[Event], None]]) -> None:
        # Functions that do not wait can be called in `on_event`, which is called with the lock.
        self.lock = threading.RLock()
        self._news = threading.Condition(self.lock)
        self._pumping = False
        self._dispatcher: Optional[int] = None
        self._process = os.getpid()
        self._queue = EventQueue()
        self.core = PeerCore(config, settings, Signal, on_event)
        self.core.handle, token = self._queue.new_client(config.handle, self.core)
        self.core.forget = lambda: self._forget(token)
        self.core.pause = lambda paused: native.client_pause_events(self.core.handle, paused)
        self.core.wake = self._queue.wake
        self._poll: Optional[select.poll] = None
        if sys.platform != "win32":
            self._poll = select.poll()
            self._poll.register(self._queue.fileno(), select.POLLIN)

    def call(self, function: Callable[[PeerCore], _T]) -> _T:
        """For what does not wait."""
        with self.lock:
            return function(self.core)

    def _forget(self, token: int) -> None:
        self._queue.targets.pop(token, None)

    def until(self, timeout: Optional[float], attempt: Callable[..., Any], *arguments: Any) -> Any:
        """The answer of an attempt, which is made again whenever there were events."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self.lock:
            while True:
                result = attempt(*arguments)
                if result is not PENDING:
                    return result
                self.refuse_in_on_event()
                if self.is_forked():
                    # This says so. Events come to the parent only.
                    self._queue.read(0)
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    # What has arrived counts, whether or not there was time to wait for it.
                    if self._pumping or not self._take(0):
                        raise WaitTimeout(Status.TIMEOUT, f"nothing came of it within {timeout} seconds")
                elif self._pumping:
                    self._news.wait(None if left is None else min(left, LONGEST))
                else:
                    self._take(left)

    def _take(self, left: Optional[float]) -> int:
        """Waits for events, and gives them out. Called with the lock, and waits without."""
        self._pumping = True
        try:
            self.lock.release()
            try:
                count = self._read(left)
            finally:
                self.lock.acquire()
            self._dispatcher = threading.get_ident()
            self._queue.dispatch(count)
            return count
        finally:
            self._dispatcher = None
            self._pumping = False
            self._news.notify_all()

    def is_forked(self) -> bool:
        """Whether this is a child of the process that has the client."""
        return os.getpid() != self._process

    def refuse_in_on_event(self) -> None:
        """The thread that gives out the events cannot wait for one."""
        if self._dispatcher == threading.get_ident():
            raise NotPossible(
                Status.WOULD_DEADLOCK, "a function that waits was called in on_event: call it after on_event has returned"
            )

    def _read(self, left: Optional[float]) -> int:
        if self._queue.has_more:
            return self._queue.read(0)
        timeout = -1 if left is None else max(0, -(-int(min(left, LONGEST) * 1_000_000) // 1000))
        if self._poll is None:
            return self._queue.read(min(timeout, SLICE_MS) if timeout >= 0 else SLICE_MS)
        # Signals interrupt this, and not a function of the library.
        return self._queue.read(0) if self._poll.poll(timeout) else 0

    def free(self) -> None:
        """Ends it at once. The descriptor of the queue stays until nobody watches it any more."""
        with self.lock:
            self.core.end(NotPossible(Status.CLOSED, "the client was closed without waiting for the end"))
            if self._queue.handle:
                self._queue.wake()
            # Threads are not forked.
            while self._pumping and not self.is_forked():
                self._news.wait()
            self._queue.close()


class Peer:
    """What `Initiator` and `Responder` have in common: as `saltyrtc.Peer`."""

    _pump: Optional[_Pump] = None

    def __init__(self, config: Config, settings: Settings, on_event: Optional[Callable[[Event], None]]) -> None:
        self._config = config
        self._settings = settings
        self._on_event = on_event

    def __enter__(self: _P) -> _P:
        self.start()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begins to connect to the server, as `with` does. Call `close` in the end."""
        if self._pump is not None:
            raise RuntimeError("this client was started before: make a new one")
        self._pump = _Pump(self._config, self._settings, self._on_event)

    def close(self, timeout: Optional[float] = None) -> None:
        """Closes the connection: everything that was sent before is delivered first, and the peer is informed. Messages
        that arrive from now on are thrown away. If the time is over before, it is closed in the background."""
        pump = self._pump
        if pump is None:
            return
        pump.refuse_in_on_event()
        try:
            if not pump.is_forked():
                with pump.lock:
                    pump.core.close()
                pump.until(timeout, pump.core.try_ended)
        except WaitTimeout:
            pass
        finally:
            pump.free()

    def wait_closed(self, timeout: Optional[float] = None) -> SaltyRTCError:
        """Waits for the end of the connection, and returns why it ended, without raising it."""
        ended: SaltyRTCError = self._until(timeout, lambda core: core.try_ended())
        return ended

    def connected(self, timeout: Optional[float] = None) -> Session:
        """Waits until the peer is there and authenticated. Raises `SaltyRTCError` if the client ends before."""
        session: Session = self._until(timeout, lambda core: core.try_connected())
        return session

    def send(self, message: Any, timeout: Optional[float] = None) -> None:
        """Sends a message with the task that was agreed on; waits while too much waits to be sent."""
        self._until(timeout, lambda core: core.try_send(message))

    @property
    def buffered_amount(self) -> int:
        """How many bytes of messages wait to be sent, without those on channels."""
        return self._call(lambda core: core.buffered_amount())

    def drain(self, amount: int = 0, timeout: Optional[float] = None) -> None:
        """Waits until no more than `amount` bytes (at least 0) of messages wait to be sent, or the connection has ended."""
        self._until(timeout, lambda core: core.try_drain(amount))

    def receive(self, timeout: Optional[float] = None) -> Any:
        """The next message. Raises `SaltyRTCError` when there are no more, also if the end was a friendly one."""
        try:
            return self._until(timeout, lambda core: core.try_receive(core.inbox))
        except EndOfMessages:
            raise NotPossible(Status.CLOSED, "the connection is closed: there are no more messages") from None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self._until(None, lambda core: core.try_receive(core.inbox))
        except EndOfMessages:
            raise StopIteration from None

    @property
    def application(self) -> Application:
        """Application messages, which do not belong to the task."""
        return Application(self._started)

    def trust(self) -> bytes:
        """Trusts the authenticated peer, and returns its public key, to be stored and given as `trusted_peer`."""
        return self._call(lambda core: core.trust())

    def open_channel(
        self,
        label: str = "",
        *,
        protocol: str = "",
        max_retransmits: Optional[int] = None,
        max_lifetime: Optional[float] = None,
        ordered: bool = True,
        plain: bool = False,
        negotiated_id: Optional[int] = None,
        timeout: Optional[float] = None,
    ) -> Channel:
        """Opens a channel, and waits until messages can be sent on it: as `saltyrtc.Peer.open_channel`."""
        core = self._call(
            lambda core: core.open_channel(
                label, protocol, max_retransmits, max_lifetime, ordered, plain, negotiated_id
            )
        )
        try:
            self._until(timeout, lambda _: core.try_open())
        except BaseException:
            self._call(lambda _: core.close())
            raise
        return Channel(self._started, core)

    def accept_channel(self, timeout: Optional[float] = None) -> Channel:
        """The next channel that the peer opens. Raises `SaltyRTCError` when there are no more."""
        try:
            return Channel(self._started, self._until(timeout, lambda core: core.try_accept()))
        except EndOfMessages:
            raise NotPossible(Status.CLOSED, "the connection is closed: there are no more channels") from None

    def channels(self) -> Iterator[Channel]:
        """The channels that the peer opens, until the end of the connection."""
        while True:
            try:
                core = self._until(None, lambda core: core.try_accept())
            except EndOfMessages:
                return
            yield Channel(self._started, core)

    @property
    def connection_state(self) -> ConnectionState:
        """The state of the connection to the peer, with the built-in WebRTC, as far as events were taken."""
        return self._call(lambda core: core.connection_state)

    def wait_connection_state(self, *states: ConnectionState, timeout: Optional[float] = None) -> ConnectionState:
        """Waits until the connection to the peer is in one of these states."""
        state: ConnectionState = self._until(timeout, lambda core: core.try_connection_state(states))
        return state

    def stats(self) -> ConnectionStats:
        """Statistics of the connection to the peer, with the built-in WebRTC."""
        return self._call(lambda core: core.stats())

    def restart_ice(self) -> None:
        """Initiator: looks for a new path to the peer."""
        self._call(lambda core: native.client_restart_ice(core.require()))

    def set_addresses(self, addresses: Iterable[str]) -> None:
        """Uses these addresses of this host with the built-in WebRTC and no others: as `saltyrtc.Peer.set_addresses`."""
        self._call(lambda core: native.client_set_addresses(core.require(), address_list(addresses)))

    def signalling_channel(self) -> SignallingChannel:
        """How to create the data channel for `hand_over`: as `saltyrtc.Peer.signalling_channel`."""
        return SignallingChannel(*self._call(lambda core: native.client_signalling_channel(core.require())))

    def hand_over(self, max_message_size: int, send: Callable[[bytes], None], close: Callable[[], None]) -> None:
        """Hands the signalling over to a data channel of the program: as `saltyrtc.Peer.hand_over`. The two
        functions are called by a thread that waits, and must not call this client."""
        self._call(lambda core: core.hand_over(max_message_size, send, close))

    def transport_receive(self, data: BytesLike) -> None:
        """A message that arrived on the data channel of the signalling."""
        self._call(lambda core: core.transport_receive(data))

    def transport_closed(self) -> None:
        """The data channel of the signalling is closed, or could not be opened."""
        self._call(lambda core: core.transport_closed())

    def handed_over(self, timeout: Optional[float] = None) -> None:
        """Waits until the signalling was handed over."""
        self._until(timeout, lambda core: core.try_handed_over())

    def encrypt(self, data: BytesLike) -> bytes:
        """Encrypts data for the peer with the keys of this session, to be sent in another way."""
        return self._call(lambda core: native.client_encrypt(core.require(), data))

    def decrypt(self, data: BytesLike) -> bytes:
        """Decrypts what the peer has encrypted with `encrypt` in this session."""
        return self._call(lambda core: native.client_decrypt(core.require(), data))

    @property
    def public_key(self) -> bytes:
        """The public permanent key of this client, 32 bytes."""
        return native.config_public_key(self._config.handle)

    @property
    def session(self) -> Optional[Session]:
        """The authenticated peer, if there is one, as far as events were taken."""
        return self._pump.core.session if self._pump is not None else None

    @property
    def server_verified(self) -> bool:
        """Whether the server proved that it has the key that this client knows, as far as events were taken."""
        return self._call(lambda core: core.server_verified)

    @property
    def ended(self) -> Optional[SaltyRTCError]:
        """Why the connection has ended; `None` if it has not, as far as events were taken."""
        return self._pump.core.ended if self._pump is not None else None

    def _secure_channel(self, id: int) -> int:
        return self._call(lambda core: native.secure_channel_new(core.require(), id))

    def _started(self) -> _Pump:
        if self._pump is None:
            raise NotPossible(Status.CLOSED, "the client is not connected: use it in a `with` block")
        return self._pump

    def _until(self, timeout: Optional[float], attempt: Callable[[PeerCore], Any]) -> Any:
        pump = self._started()
        return pump.until(timeout, attempt, pump.core)

    def _call(self, function: Callable[[PeerCore], _T]) -> _T:
        return self._started().call(function)

    def __del__(self) -> None:
        pump = self._pump
        if pump is not None and pump.core.ended is None:
            warnings.warn(f"{self!r} was not closed", ResourceWarning, source=self)
            pump.core.free()

    def __repr__(self) -> str:
        core = self._pump.core if self._pump is not None else None
        state = "not started" if core is None else "closed" if core.ended is not None else "open"
        return f"<saltyrtc.sync.{type(self).__name__} {state}>"


class Initiator(Peer):
    """The client that invites another: as `saltyrtc.Initiator`. `on_event` is called by a thread that waits; it may
    call what does not wait itself."""

    def __init__(
        self,
        server: str,
        *,
        on_event: Optional[Callable[[Event], None]] = None,
        **options: Unpack[Options],
    ) -> None:
        settings = Settings(**options)
        super().__init__(Config.initiator(server, settings), settings, on_event)

    @property
    def invitation(self) -> Invitation:
        """What the responder needs. With a token in it, it is a secret between the two."""
        return Invitation(native.config_invitation(self._config.handle))

    def invite_again(self) -> Invitation:
        """An invitation with a new token, which admits one more responder."""
        return self._call(lambda core: core.invite_again())

    def drop_responder(self, address: int, close_code: int = 3004) -> None:
        """Drops a responder from the path; it may be the authenticated peer. `address` is 2 to 255."""
        self._call(lambda core: native.client_drop_responder(core.require(), address, close_code))


class Responder(Peer):
    """The client that was invited: as `saltyrtc.Responder`."""

    def __init__(
        self,
        invitation: Union[str, Invitation],
        *,
        on_event: Optional[Callable[[Event], None]] = None,
        **options: Unpack[Options],
    ) -> None:
        settings = Settings(**options)
        super().__init__(Config.responder(invitation, settings), settings, on_event)


class Application:
    """Application messages: independent of the task, and of whether the signalling was handed over."""

    def __init__(self, started: Callable[[], _Pump]) -> None:
        # A method of the client, which lives as long as its parts are used.
        self._started = started

    def send(self, message: Any, timeout: Optional[float] = None) -> None:
        """Sends `bytes`, `str`, or another value of MessagePack; waits while too much waits to be sent."""
        pump = self._started()
        pump.until(timeout, pump.core.try_send_application, message)

    def receive(self, timeout: Optional[float] = None) -> Any:
        """The next application message. Raises `SaltyRTCError` when there are no more."""
        pump = self._started()
        try:
            return pump.until(timeout, pump.core.try_receive, pump.core.application)
        except EndOfMessages:
            raise NotPossible(Status.CLOSED, "the connection is closed: there are no more messages") from None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        pump = self._started()
        try:
            return pump.until(None, pump.core.try_receive, pump.core.application)
        except EndOfMessages:
            raise StopIteration from None


class Channel:
    """A data channel of the built-in WebRTC: as `saltyrtc.Channel`."""

    def __init__(self, started: Callable[[], _Pump], core: ChannelCore) -> None:
        self._started = started
        self._core = core

    @property
    def label(self) -> str:
        """What the side that opened the channel calls it."""
        return (self._core.opened.label if self._core.opened else None) or ""

    @property
    def protocol(self) -> str:
        """The subprotocol, as the side that opened the channel calls it."""
        return (self._core.opened.channel_protocol if self._core.opened else None) or ""

    def send(self, data: Union[str, BytesLike], timeout: Optional[float] = None) -> None:
        """Sends a message; waits while too much waits to be sent."""
        self._started().until(timeout, self._core.try_send, data)

    def receive(self, timeout: Optional[float] = None) -> Union[bytes, str]:
        """The next message. Raises `SaltyRTCError` when there are no more."""
        try:
            message: Union[bytes, str] = self._started().until(timeout, self._core.try_receive)
            return message
        except EndOfMessages:
            raise NotPossible(Status.CLOSED, "the channel is closed: there are no more messages") from None

    def __iter__(self) -> Iterator[Union[bytes, str]]:
        return self

    def __next__(self) -> Union[bytes, str]:
        try:
            message: Union[bytes, str] = self._started().until(None, self._core.try_receive)
            return message
        except EndOfMessages:
            raise StopIteration from None

    @property
    def buffered_amount(self) -> int:
        """How many bytes wait to be sent, including what encryption adds."""
        return self._started().call(lambda _: self._core.buffered_amount())

    def drain(self, amount: int = 0, timeout: Optional[float] = None) -> None:
        """Waits until no more than `amount` bytes (at least 0) wait to be sent."""
        self._started().until(timeout, self._core.try_drain, amount)

    def close(self, timeout: Optional[float] = None) -> None:
        """Closes the channel after everything that waits was sent; waits until the peer has closed it too."""
        self._started().call(lambda _: self._core.close())
        self._started().until(timeout, self._core.try_closed)

    def __enter__(self: _C) -> _C:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<saltyrtc.sync.Channel {self.label!r}>"
