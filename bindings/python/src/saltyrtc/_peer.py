"""What a client knows, and what it can do without waiting. `saltyrtc._asyncio` and `saltyrtc.sync` add how to
wait. Nothing here knows of event loops or threads.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
from collections import deque
from typing import Any, Callable, Deque, Dict, Optional, Tuple

from . import _functions as native
from . import msgpack
from ._config import Config, Settings
from ._enums import (
    CandidateType,
    ClosedBy,
    ConnectionState,
    EventKind,
    Payload,
    RelayProtocol,
    Reliability,
    Status,
)
from ._layout import ChannelOptions, Event
from ._low_water import LowWater
from ._native import BytesLike, in_text
from ._send import can_be_handed_over, channel_send_bytes, send_application, send_nothing, send_relayed, sender_for
from ._values import ConnectionStats, Session
from .errors import NotPossible, QueueFull, SaltyRTCError, error_from_status
from .invitation import Invitation
from .tasks import Candidate, Description, WebRTC

log = logging.getLogger("saltyrtc")


class _Pending:
    """That the answer is not there yet."""


PENDING = _Pending()

# As plain numbers: each message is compared with them.
BYTES, TEXT = int(Payload.BYTES), int(Payload.TEXT)
CHANNEL_MESSAGE, APPLICATION = int(EventKind.CHANNEL_MESSAGE), int(EventKind.APPLICATION)

#: If so many bytes, or messages, wait for the program, the client takes nothing more from the network …
HIGH_BYTES, HIGH_MESSAGES = 1 << 20, 1024
#: … until so few wait.
LOW_BYTES, LOW_MESSAGES = 1 << 18, 256
#: What a message costs besides its content, in bytes.
MESSAGE_COST = 64


class Signal:
    """Somebody may wait for this. Overridden by those who know how to wait."""

    def fire(self) -> None:
        """Wakes who waits."""


class Inbox:
    """Messages that the program has not taken yet."""

    __slots__ = ("messages", "size", "full", "readable", "_peer")

    def __init__(self, peer: PeerCore) -> None:
        self.messages: Deque[Tuple[Any, int]] = deque()
        self.size = 0
        self.full = False
        self.readable = peer.new_signal()
        self._peer = peer

    def put(self, value: Any, size: int) -> None:
        size += MESSAGE_COST
        messages = self.messages
        messages.append((value, size))
        self.size += size
        if len(messages) == 1:
            # Those who wait look at all that is there.
            self.readable.fire()
        elif (self.size > HIGH_BYTES or len(messages) >= HIGH_MESSAGES) and not self.full:
            self.full = True
            self._peer.inbox_is_full(1)

    def take(self) -> Any:
        """The next message. There has to be one."""
        value, size = self.messages.popleft()
        self.size -= size
        if self.full and self.size <= LOW_BYTES and len(self.messages) <= LOW_MESSAGES:
            self.full = False
            self._peer.inbox_is_full(-1)
        return value

    def discard(self) -> None:
        """Throws away what nobody will take."""
        self.messages.clear()
        self.size = 0
        if self.full:
            self.full = False
            self._peer.inbox_is_full(-1)


class ChannelCore:
    """A channel of the built-in WebRTC."""

    def __init__(self, peer: PeerCore, number: int) -> None:
        self.peer = peer
        self.number = number
        self.inbox = Inbox(peer)
        self.changed = peer.new_signal()
        self.opened: Optional[Event] = None
        self.is_open = False
        self.closing = False
        self.error: Optional[SaltyRTCError] = None
        self.ended = False
        self.low_water = LowWater(self.buffered_amount, self.set_low_water, self.wake)

    def end(self, error: Optional[SaltyRTCError]) -> None:
        """This was its last event. An error is why, if neither side closed it."""
        self.is_open = False
        self.ended = True
        self.error = error
        if self.closing:
            self.inbox.discard()
        self.changed.fire()
        self.inbox.readable.fire()

    def require(self) -> int:
        if self.error is not None:
            raise again(self.error)
        if self.ended or self.closing:
            raise NotPossible(Status.CHANNEL_NOT_OPEN, "the channel is closed")
        return self.peer.require()

    def send(self, data: Any) -> None:
        handle = self.require()
        if type(data) is bytes and channel_send_bytes(handle, self.number, data, len(data), None) == 0:
            return
        if isinstance(data, str):
            native.client_channel_send_text(handle, self.number, data)
        else:
            native.client_channel_send_bytes(handle, self.number, data)

    def try_send(self, data: Any) -> Any:
        try:
            self.send(data)
        except QueueFull:
            return PENDING
        return None

    def try_open(self) -> Any:
        if self.is_open:
            return None
        if self.error is not None:
            raise again(self.error)
        if self.ended:
            raise NotPossible(Status.CHANNEL_NOT_OPEN, "the channel was closed before it was open")
        return PENDING

    def try_receive(self) -> Any:
        if self.inbox.messages:
            return self.inbox.take()
        if self.ended or self.closing:
            if self.error is not None:
                raise again(self.error)
            raise EndOfMessages
        return PENDING

    def buffered_amount(self) -> int:
        if self.ended or not self.peer.handle:
            return 0
        return native.client_channel_buffered_amount(self.peer.handle, self.number)

    def set_low_water(self, size: int) -> None:
        if not self.ended and not self.closing:
            native.client_channel_set_low_water(self.require(), self.number, size)

    def wake(self) -> None:
        """Those who wait look once more."""
        self.changed.fire()
        self.peer.wake()

    def try_drain(self, amount: int) -> Any:
        return None if self.low_water.is_reached(amount) else PENDING

    def close(self) -> None:
        """Closes it after everything that waits was sent. What arrives from now on is thrown away."""
        # Also of a channel that has ended: what nobody will take must not keep the client waiting.
        self.inbox.discard()
        if self.closing or self.ended:
            return
        handle = self.peer.handle
        self.closing = True
        if handle:
            # The peer may have closed it, and the event that says so is still to come.
            with contextlib.suppress(NotPossible):
                native.client_channel_close(handle, self.number)
        self.changed.fire()
        self.inbox.readable.fire()

    def try_closed(self) -> Any:
        return None if self.ended else PENDING


class EndOfMessages(Exception):
    """There are no more, and that is no error."""


class PeerCore:
    """One client of the library."""

    def __init__(
        self,
        config: Config,
        settings: Settings,
        new_signal: Callable[[], Signal],
        on_event: Optional[Callable[[Event], None]],
    ) -> None:
        self.config = config
        self.settings = settings
        self.new_signal = new_signal
        self.on_event = on_event
        self.handle = 0
        self.pause: Callable[[bool], None] = lambda paused: None
        self.forget: Callable[[], None] = lambda: None
        # Makes those wait who are not woken by signals look once more.
        self.wake: Callable[[], None] = lambda: None
        self.full = 0
        self.closing = False
        self.ended: Optional[SaltyRTCError] = None
        self.served = False
        self.server_verified = False
        self.session: Optional[Session] = None
        self.own_address: Optional[int] = None
        self.connection_state = ConnectionState.NEW
        self.handed_over = False
        self.transport: Optional[Tuple[Callable[[bytes], None], Callable[[], None]]] = None
        self.changed = new_signal()
        self.writable = new_signal()
        self.drained = new_signal()
        self.inbox = Inbox(self)
        self.application = Inbox(self)
        self.channels: Dict[int, ChannelCore] = {}
        self.incoming = Inbox(self)
        self.low_water = LowWater(self.buffered_amount, self.set_low_water, self._wake_drained)
        self._sender: Callable[[int, Any], None] = send_relayed
        self._handlers: Dict[int, Callable[[Event], None]] = {
            EventKind.SERVER_HANDSHAKE_DONE: self._server_handshake_done,
            EventKind.PEER_HANDSHAKE_DONE: self._peer_handshake_done,
            EventKind.PEER_LEFT: self._peer_left,
            EventKind.WRITABLE: lambda event: self.writable.fire(),
            EventKind.LOW_WATER: self._low_water,
            EventKind.CLOSED: self._closed,
            EventKind.OFFER: self._description,
            EventKind.ANSWER: self._description,
            EventKind.CANDIDATES: self._candidates,
            EventKind.ORTC_MESSAGE: self._ortc_message,
            EventKind.ICE_PARAMETERS: self._ortc_message,
            EventKind.ICE_CANDIDATES: self._ortc_message,
            EventKind.DTLS_PARAMETERS: self._ortc_message,
            EventKind.SCTP_CAPABILITIES: self._ortc_message,
            EventKind.DATA_CHANNEL_PARAMETERS: self._ortc_message,
            EventKind.HANDED_OVER: self._handed_over,
            EventKind.TRANSPORT_SEND: self._transport_send,
            EventKind.TRANSPORT_CLOSE: self._transport_close,
            EventKind.CONNECTION_STATE: self._connection_state,
            EventKind.CHANNEL_OPENED: self._channel_opened,
            EventKind.CHANNEL_LOW_WATER: self._channel_low_water,
            EventKind.CHANNEL_CLOSED: self._channel_closed,
        }

    # --- What arrives ---

    def on_message(self, kind: int, channel: int, payload: int, data: bytes) -> None:
        """A message of the peer."""
        if self.closing:
            return
        value: Any = data
        if payload == TEXT:
            value = data.decode()
        elif payload != BYTES:
            value = msgpack.decode_any(data)
        if kind == CHANNEL_MESSAGE:
            target = self.channels.get(channel)
            if target is not None and not target.closing:
                target.inbox.put(value, len(data))
        elif kind == APPLICATION:
            self.application.put(value, len(data))
        else:
            self.inbox.put(value, len(data))

    def on_other(self, event: Event) -> None:
        """Anything but a message."""
        handler = self._handlers.get(event.kind)
        if handler is not None:
            handler(event)
        if self.on_event is not None:
            try:
                self.on_event(event)
            except Exception:
                log.exception("on_event failed")

    def _server_handshake_done(self, event: Event) -> None:
        self.served = True
        self.own_address = event.address
        self.server_verified = event.server_verified
        self.changed.fire()

    def _peer_handshake_done(self, event: Event) -> None:
        data = msgpack.decode_any(event.data) if event.payload == Payload.MSGPACK else None
        self.session = Session(event.peer_key or b"", event.address, event.task or "", data)
        self.handed_over = False
        self.connection_state = ConnectionState.NEW
        self._sender = sender_for(self.session.task, self.settings.tasks)
        for signal in (self.changed, self.writable, self.incoming.readable):
            signal.fire()

    def _peer_left(self, event: Event) -> None:
        self.session = None
        self._end_channels(NotPossible(Status.CHANNEL_NOT_OPEN, "the peer left"))
        self.changed.fire()
        self.writable.fire()

    def _closed(self, event: Event) -> None:
        self.end(
            error_from_status(
                event.status,
                event.text,
                close_code=event.close_code,
                closed_by=ClosedBy(event.closed_by),
                retryable=event.retryable,
            )
            if event.status != Status.OK
            else NotPossible(
                Status.CLOSED, event.text, close_code=event.close_code, closed_by=ClosedBy(event.closed_by)
            )
        )

    def end(self, why: SaltyRTCError) -> None:
        """There is nothing more to come. The client of the library is freed."""
        if self.ended is not None:
            return
        self.ended = why
        self.session = None
        clean = self.ended_well()
        self._end_channels(None if clean else why)
        if self.closing:
            for inbox in self._inboxes():
                inbox.discard()
        self.free()
        for signal in (self.changed, self.writable, self.drained, *(inbox.readable for inbox in self._inboxes())):
            signal.fire()

    def _inboxes(self) -> Tuple[Inbox, ...]:
        return self.inbox, self.application, self.incoming

    def free(self) -> None:
        """Frees the client of the library, which closes the connection in the background if it is open."""
        handle, self.handle = self.handle, 0
        if handle:
            self.forget()
            native.client_free(handle)

    def ended_well(self) -> bool:
        """Whether one of the two peers wanted the end."""
        ended = self.ended
        return ended is not None and ended.status in (Status.CLOSED, Status.PEER_CLOSED)

    def _wake_drained(self) -> None:
        self.drained.fire()
        self.wake()

    def _low_water(self, event: Event) -> None:
        self.low_water.was_reached()
        self.drained.fire()

    def _description(self, event: Event) -> None:
        self.inbox.put(Description(event.sdp_type or "", event.sdp), len(event.sdp or ""))

    def _candidates(self, event: Event) -> None:
        for candidate in event.candidates:
            self.inbox.put(Candidate(*candidate), len(candidate[0] or ""))

    def _ortc_message(self, event: Event) -> None:
        self.inbox.put(msgpack.decode_any(event.data), len(event.data))

    def _handed_over(self, event: Event) -> None:
        self.handed_over = True
        self.changed.fire()

    def _transport_send(self, event: Event) -> None:
        if self.transport is not None:
            self._call_transport(self.transport[0], event.data)

    def _transport_close(self, event: Event) -> None:
        if self.transport is not None:
            self._call_transport(self.transport[1])

    def _call_transport(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception:
            log.exception("the data channel of the signalling failed")
            self.transport_closed()

    def _connection_state(self, event: Event) -> None:
        self.connection_state = ConnectionState(event.connection_state)
        if self.connection_state == ConnectionState.CLOSED:
            self._end_channels(NotPossible(Status.CHANNEL_NOT_OPEN, "the connection to the peer has ended"))
        self.changed.fire()

    def _channel_opened(self, event: Event) -> None:
        channel = self.channels.get(event.channel)
        if channel is None:
            channel = self.channels[event.channel] = ChannelCore(self, event.channel)
            self.incoming.put(channel, 0)
        channel.opened = event
        channel.is_open = True
        channel.changed.fire()

    def _channel_low_water(self, event: Event) -> None:
        channel = self.channels.get(event.channel)
        if channel is not None:
            channel.low_water.was_reached()
            channel.changed.fire()

    def _channel_closed(self, event: Event) -> None:
        channel = self.channels.pop(event.channel, None)
        if channel is not None:
            channel.end(error_from_status(event.status, event.text) if event.status != Status.OK else None)

    def _end_channels(self, why: Optional[SaltyRTCError]) -> None:
        channels, self.channels = self.channels, {}
        for channel in channels.values():
            channel.end(why)

    # --- Back-pressure ---

    def inbox_is_full(self, change: int) -> None:
        """One inbox more, or less, in which too much waits."""
        self.full += change
        if self.handle and self.full == (1 if change > 0 else 0):
            self.pause(self.full > 0)

    # --- What the program does ---

    def require(self) -> int:
        """The client of the library, if there is one."""
        if self.handle:
            return self.handle
        if self.ended is not None:
            raise again(self.ended)
        raise NotPossible(Status.CLOSED, "the client is not connected: use it in a `with` or `async with` block")

    def send(self, value: Any) -> None:
        """Puts a message into the queue. Raises `QueueFull` and other `SaltyRTCError`s."""
        self._sender(self.require(), value)

    def try_send(self, value: Any) -> Any:
        try:
            self._sender(self.require(), value)
        except QueueFull:
            return PENDING
        return None

    def try_send_application(self, value: Any) -> Any:
        try:
            send_application(self.require(), value)
        except QueueFull:
            return PENDING
        return None

    def buffered_amount(self) -> int:
        return native.client_buffered_amount(self.handle) if self.handle else 0

    def set_low_water(self, amount: int) -> None:
        if self.handle:
            native.client_set_low_water(self.handle, amount)

    def try_drain(self, amount: int) -> Any:
        return None if self.low_water.is_reached(amount) else PENDING

    def try_connected(self) -> Any:
        if self.session is not None:
            return self.session
        if self.ended is not None:
            raise again(self.ended)
        return PENDING

    def try_receive(self, inbox: Inbox) -> Any:
        if inbox.messages:
            return inbox.take()
        if self.closing:
            raise EndOfMessages
        if self.ended is None:
            if not self.handle:
                self.require()
            return PENDING
        if self.ended_well():
            raise EndOfMessages
        raise again(self.ended)

    def try_handed_over(self) -> Any:
        if self.handed_over:
            return None
        if self.ended is not None:
            raise again(self.ended)
        if self.session is not None and not can_be_handed_over(self.session.task, self.settings.tasks):
            raise NotPossible(Status.NO_HANDOVER, "the task that was agreed on has no data channels")
        return PENDING

    def try_connection_state(self, states: Tuple[ConnectionState, ...]) -> Any:
        if self.connection_state in states:
            return self.connection_state
        if self.ended is not None:
            raise again(self.ended)
        self._require_rtc()
        return PENDING

    def try_accept(self) -> Any:
        if self.incoming.messages:
            return self.incoming.take()
        if self.ended is not None or self.closing:
            if self.closing or self.ended_well():
                raise EndOfMessages
            assert self.ended is not None
            raise again(self.ended)
        self._require_rtc()
        return PENDING

    def _require_rtc(self) -> None:
        """Nobody waits for what only the built-in WebRTC brings, if it is not there."""
        if self.session is not None:
            possible = self._sender is send_nothing
        else:
            possible = any(isinstance(task, WebRTC) for task in self.settings.tasks)
        if not possible:
            raise NotPossible(
                Status.NO_RTC, "the two clients have not agreed on the built-in WebRTC: give both tasks=[WebRTC()]"
            )

    def try_ended(self) -> Any:
        return self.ended if self.ended is not None else PENDING

    def close(self) -> None:
        """Begins to close. What arrives from now on is thrown away."""
        if self.closing:
            return
        self.closing = True
        for inbox in self._inboxes():
            inbox.discard()
        for channel in list(self.channels.values()):
            channel.inbox.discard()
        if self.handle:
            native.client_close(self.handle)
        for inbox in self._inboxes():
            inbox.readable.fire()
        self.changed.fire()

    def open_channel(
        self,
        label: str,
        protocol: str,
        max_retransmits: Optional[int],
        max_lifetime: Optional[float],
        ordered: bool,
        plain: bool,
        negotiated_id: Optional[int],
    ) -> ChannelCore:
        """Asks for a channel."""
        if max_retransmits is not None and max_lifetime is not None:
            raise ValueError("only one of max_retransmits and max_lifetime can be given")
        reliability, limit = Reliability.RELIABLE, 0
        if max_retransmits is not None:
            reliability, limit = Reliability.MAX_RETRANSMITS, max_retransmits
        elif max_lifetime is not None:
            reliability, limit = Reliability.MAX_LIFETIME, round(max_lifetime * 1000)
        options = ChannelOptions(
            struct_size=ctypes.sizeof(ChannelOptions),
            label=in_text("label", label),
            protocol=in_text("protocol", protocol),
            reliability=reliability,
            reliability_limit=limit,
            unordered=not ordered,
            plain=plain,
            negotiated=negotiated_id is not None,
            id=negotiated_id or 0,
        )
        number = native.client_open_channel(self.require(), options)
        channel = self.channels[number] = ChannelCore(self, number)
        return channel

    def stats(self) -> ConnectionStats:
        stats = native.client_rtc_stats(self.require())
        return ConnectionStats(
            state=ConnectionState(stats.state),
            local_type=CandidateType(stats.local_type),
            remote_type=CandidateType(stats.remote_type),
            relay_protocol=RelayProtocol(stats.relay_protocol),
            local_address=stats.local_address.decode(),
            remote_address=stats.remote_address.decode(),
            round_trip_time=stats.round_trip_time_us / 1e6 if stats.round_trip_time_us else None,
            bytes_sent=stats.bytes_sent,
            bytes_received=stats.bytes_received,
            channels=stats.channels,
        )

    def own_invitation(self) -> Invitation:
        return Invitation(native.config_invitation(self.config.handle))

    def invite_again(self) -> Invitation:
        handle = self.require()
        return Invitation(native.client_invitation(handle, native.client_issue_token(handle)))

    def trust(self) -> bytes:
        handle = self.require()
        key = native.client_peer_key(handle)
        native.client_trust_peer(handle)
        return key

    def hand_over(self, max_message_size: int, send: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self.transport = (send, close)
        try:
            native.client_hand_over(self.require(), max_message_size)
        except SaltyRTCError:
            self.transport = None
            raise

    def transport_receive(self, data: BytesLike) -> None:
        if self.handle:
            native.client_transport_receive(self.handle, data)

    def transport_closed(self) -> None:
        if self.handle:
            native.client_transport_closed(self.handle)


def again(error: SaltyRTCError) -> SaltyRTCError:
    """The same error, to be raised once more: with a traceback of its own."""
    return type(error)(
        error.status,
        error.text,
        close_code=error.close_code,
        closed_by=error.closed_by,
        retryable=error.retryable,
    )
