"""The clients for asyncio."""

from __future__ import annotations

import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Iterable, Optional, Type, TypeVar, Union

from . import _functions as native
from ._config import Config, Options, Settings
from ._enums import ConnectionState, Status
from ._hub import Hub, LoopSignal, until
from ._layout import Event
from ._native import BytesLike
from ._network import address_list
from ._peer import PENDING, ChannelCore, EndOfMessages, Inbox, PeerCore
from ._values import ConnectionStats, Session, SignallingChannel
from .errors import NotPossible, SaltyRTCError
from .invitation import Invitation

if TYPE_CHECKING:
    from typing_extensions import Unpack

_P = TypeVar("_P", bound="Peer")
_C = TypeVar("_C", bound="Channel")


class Application:
    """Application messages: independent of the task, and of whether the signalling was handed over."""

    def __init__(self, started: Callable[[], PeerCore]) -> None:
        # A method of the client, which lives as long as its parts are used.
        self._started = started

    async def send(self, message: Any) -> None:
        """Sends `bytes`, `str`, or another value of MessagePack; waits while too much waits to be sent."""
        core = self._started()
        await until(core.writable, core.try_send_application, message)

    async def receive(self) -> Any:
        """The next application message. Raises `SaltyRTCError` when there are no more."""
        core = self._started()
        return await _receive(core, core.application)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        core = self._started()
        return await _next(core, core.application)


async def _next(core: PeerCore, inbox: Inbox) -> Any:
    # Most of the time, there is one already.
    if inbox.messages:
        return inbox.take()
    try:
        return await until(inbox.readable, core.try_receive, inbox)
    except EndOfMessages:
        raise StopAsyncIteration from None


async def _receive(core: PeerCore, inbox: Inbox) -> Any:
    try:
        return await until(inbox.readable, core.try_receive, inbox)
    except EndOfMessages:
        raise _no_more("the connection is closed") from None


def _no_more(text: str) -> NotPossible:
    return NotPossible(Status.CLOSED, text + ": there are no more messages")


class Peer:
    """What `Initiator` and `Responder` have in common: a connection to a peer.

    As an asynchronous iterator, it gives the messages of the task: what the peer has sent with `send`. The iterator
    ends when one of the two has closed the connection, and raises a `SaltyRTCError` when it ended in another way.

    Messages that nobody takes wait. If more than a mebibyte, or a thousand, wait, the client takes nothing more from
    the network until some were taken: the peer then waits in its `send`.

    Not for several threads: all calls belong into the event loop in which the client was entered.
    """

    _core: Optional[PeerCore] = None

    def __init__(self, config: Config, settings: Settings, on_event: Optional[Callable[[Event], None]]) -> None:
        self._config = config
        self._settings = settings
        self._on_event = on_event

    # --- Beginning and end ---

    async def __aenter__(self: _P) -> _P:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    def start(self) -> None:
        """Begins to connect to the server, as `async with` does. Call `close` in the end."""
        if self._core is not None:
            raise RuntimeError("this client was started before: make a new one")
        hub = Hub.of_running_loop()
        core = PeerCore(self._config, self._settings, lambda: LoopSignal(hub.loop), self._on_event)
        hub.add(core)
        self._core = core
        self._hub = hub

    async def close(self) -> None:
        """Closes the connection, as the end of `async with` does: everything that was sent before is delivered first,
        and the peer is informed. Messages that arrive from now on are thrown away.

        If this is cancelled, the connection is closed in the background.
        """
        core = self._core
        if core is None or core.ended is not None:
            return
        core.close()
        try:
            await until(core.changed, core.try_ended)
        except BaseException:
            core.end(NotPossible(Status.CLOSED, "the client was closed without waiting for the end"))
            raise

    async def wait_closed(self) -> SaltyRTCError:
        """Waits for the end of the connection, and returns why it ended, without raising it."""
        core = self._started()
        ended: SaltyRTCError = await until(core.changed, core.try_ended)
        return ended

    def __del__(self) -> None:
        core = self._core
        if core is not None and core.ended is None:
            warnings.warn(f"{self!r} was not closed", ResourceWarning, source=self)
            core.free()

    # --- The peer ---

    async def connected(self) -> Session:
        """Waits until the peer is there and authenticated. Raises `SaltyRTCError` if the client ends before.

        Time is not limited: use `asyncio.timeout` or `asyncio.wait_for`.
        """
        core = self._started()
        session: Session = await until(core.changed, core.try_connected)
        return session

    async def send(self, message: Any) -> None:
        """Sends a message with the task that was agreed on.

        * With `RelayedData`: `bytes` and the like, `str`, or another value of MessagePack.
        * With `CustomTask`: a `dict` with the key "type".
        * With `OwnWebRTC`: a `Description` or `Candidate`.
        * With `ORTC`: a `dict` in the form of the specification of the task.

        While too much waits to be sent, it waits for room. If it is cancelled, or raises, nothing was sent.
        """
        core = self._started()
        if core.try_send(message) is PENDING:
            await until(core.writable, core.try_send, message)

    def send_nowait(self, message: Any) -> None:
        """As `send`, but raises `QueueFull` in place of waiting."""
        self._started().send(message)

    @property
    def buffered_amount(self) -> int:
        """How many bytes of messages wait to be sent, without those on channels."""
        return self._started().buffered_amount()

    async def drain(self, amount: int = 0) -> None:
        """Waits until no more than `amount` bytes (at least 0) of messages wait to be sent, or the connection has ended."""
        core = self._started()
        await until(core.drained, core.try_drain, amount)

    async def receive(self) -> Any:
        """The next message. Raises `SaltyRTCError` when there are no more, also if the end was a friendly one."""
        core = self._started()
        return await _receive(core, core.inbox)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        core = self._started()
        # Most of the time, there is one already: then without another coroutine.
        if core.inbox.messages:
            return core.inbox.take()
        return await _next(core, core.inbox)

    @property
    def application(self) -> Application:
        """Application messages, which do not belong to the task."""
        return Application(self._started)

    async def trust(self) -> bytes:
        """Trusts the authenticated peer: it can come back without a token, if it trusts this client too.

        Returns the peer's public key. To trust it with other clients too, store the key, and give it as
        `trusted_peer`, together with the `keys` of this client.
        """
        return self._started().trust()

    # --- Channels of the built-in WebRTC ---

    async def open_channel(
        self,
        label: str = "",
        *,
        protocol: str = "",
        max_retransmits: Optional[int] = None,
        max_lifetime: Optional[float] = None,
        ordered: bool = True,
        plain: bool = False,
        negotiated_id: Optional[int] = None,
    ) -> Channel:
        """Opens a channel, and waits until messages can be sent on it. Needs the task `WebRTC`.

        It is reliable, unless `max_retransmits` (0 to 65535) or `max_lifetime` (seconds) is given. With `plain`,
        messages are encrypted by WebRTC only, and not also with the keys of the two peers; both have to say so. With
        `negotiated_id`, both peers open the channel themselves.
        """
        channel = self._started().open_channel(
            label, protocol, max_retransmits, max_lifetime, ordered, plain, negotiated_id
        )
        try:
            await until(channel.changed, channel.try_open)
        except BaseException:
            channel.close()
            raise
        return Channel(self, channel)

    async def accept_channel(self) -> Channel:
        """The next channel that the peer opens. Raises `SaltyRTCError` when there are no more."""
        core = self._started()
        try:
            return Channel(self, await until(core.incoming.readable, core.try_accept))
        except EndOfMessages:
            raise NotPossible(Status.CLOSED, "the connection is closed: there are no more channels") from None

    async def channels(self) -> AsyncIterator[Channel]:
        """The channels that the peer opens, until the end of the connection."""
        core = self._started()
        while True:
            try:
                channel = await until(core.incoming.readable, core.try_accept)
            except EndOfMessages:
                return
            yield Channel(self, channel)

    @property
    def connection_state(self) -> ConnectionState:
        """The state of the connection to the peer, with the built-in WebRTC."""
        return self._started().connection_state

    async def wait_connection_state(self, *states: ConnectionState) -> ConnectionState:
        """Waits until the connection to the peer is in one of these states. Raises `SaltyRTCError` if the client ends."""
        core = self._started()
        state: ConnectionState = await until(core.changed, core.try_connection_state, states)
        return state

    def stats(self) -> ConnectionStats:
        """Statistics of the connection to the peer, with the built-in WebRTC."""
        return self._started().stats()

    def restart_ice(self) -> None:
        """Initiator: looks for a new path to the peer. That happens by itself when addresses of this host change."""
        native.client_restart_ice(self._started().require())

    def set_addresses(self, addresses: Iterable[str]) -> None:
        """Uses these addresses of this host with the built-in WebRTC and no others, in place of those of `WebRTC` or of
        an earlier call; `[]` stands for all addresses of this host.

        It can be called at any time, also before there is a peer. The connection goes on over the addresses that stay,
        and the peer is told of new ones. An address that this host does not have yet is tried again later, and at once
        after `network_changed`. Raises `NotPossible` without `WebRTC`, and `InvalidArgument`.
        """
        native.client_set_addresses(self._started().require(), address_list(addresses))

    # --- WebRTC of the program ---

    def signalling_channel(self) -> SignallingChannel:
        """How to create the data channel for `hand_over`: together with the peer connection, before the offer."""
        return SignallingChannel(*native.client_signalling_channel(self._started().require()))

    def hand_over(self, max_message_size: int, send: Callable[[bytes], None], close: Callable[[], None]) -> None:
        """Hands the signalling over to a data channel of the program, once the channel is open.

        `send` has to send one binary message on it, and `close` to close it once everything was delivered; both are
        called in the event loop, and must not wait. `max_message_size` is the largest message in bytes, 0 if there is
        no limit. Pass everything that arrives on the channel to `transport_receive`, also before this call, and
        call `transport_closed` when the channel is closed.
        """
        self._started().hand_over(max_message_size, send, close)

    def transport_receive(self, data: BytesLike) -> None:
        """A message that arrived on the data channel of the signalling."""
        self._started().transport_receive(data)

    def transport_closed(self) -> None:
        """The data channel of the signalling is closed, or could not be opened."""
        self._started().transport_closed()

    async def handed_over(self) -> None:
        """Waits until the signalling was handed over, by the built-in WebRTC or with `hand_over`."""
        core = self._started()
        await until(core.changed, core.try_handed_over)

    # --- Keys and state ---

    def encrypt(self, data: BytesLike) -> bytes:
        """Encrypts data for the peer with the keys of this session, to be sent in another way. Not protected against
        replay."""
        return native.client_encrypt(self._started().require(), data)

    def decrypt(self, data: BytesLike) -> bytes:
        """Decrypts what the peer has encrypted with `encrypt` in this session."""
        return native.client_decrypt(self._started().require(), data)

    @property
    def public_key(self) -> bytes:
        """The public permanent key of this client, 32 bytes."""
        return native.config_public_key(self._config.handle)

    @property
    def session(self) -> Optional[Session]:
        """The authenticated peer, if there is one at the moment."""
        return self._core.session if self._core is not None else None

    @property
    def server_verified(self) -> bool:
        """Whether the server proved that it has the key that this client knows."""
        return self._started().server_verified

    @property
    def ended(self) -> Optional[SaltyRTCError]:
        """Why the connection has ended; `None` if it has not."""
        return self._core.ended if self._core is not None else None

    @property
    def ended_well(self) -> bool:
        """Whether the connection has ended because one of the two peers wanted it."""
        return self._core is not None and self._core.ended_well()

    def _secure_channel(self, id: int) -> int:
        return native.secure_channel_new(self._started().require(), id)

    def _started(self) -> PeerCore:
        if self._core is None:
            raise NotPossible(Status.CLOSED, "the client is not connected: use `async with`")
        return self._core

    def __repr__(self) -> str:
        core = self._core
        if core is None:
            state = "not started"
        elif core.ended is not None:
            state = "closed"
        elif core.session is not None:
            state = f"connected to {core.session.peer_key.hex()[:8]}…"
        else:
            state = "waiting for the peer"
        return f"<saltyrtc.{type(self).__name__} {state}>"


class Initiator(Peer):
    """The client that invites another."""

    def __init__(
        self,
        server: str,
        *,
        on_event: Optional[Callable[[Event], None]] = None,
        **options: Unpack[Options],
    ) -> None:
        """Nothing is connected before `async with`.

        * `server`: `wss://host:port` or `ws://host:port`.
        * `on_event`: a function that is called with every `Event` that is not a message.
        * `options`: see `Options`.

        Raises `InvalidArgument`.
        """
        settings = Settings(**options)
        super().__init__(Config.initiator(server, settings), settings, on_event)

    @property
    def invitation(self) -> Invitation:
        """What the responder needs. With a token in it, it is a secret between the two."""
        return Invitation(native.config_invitation(self._config.handle))

    def invite_again(self) -> Invitation:
        """An invitation with a new token, which admits one more responder. An authenticated peer stays until then."""
        return self._started().invite_again()

    def drop_responder(self, address: int, close_code: int = 3004) -> None:
        """Drops a responder from the path; it may be the authenticated peer. `address` is 2 to 255."""
        native.client_drop_responder(self._started().require(), address, close_code)


class Responder(Peer):
    """The client that was invited."""

    def __init__(
        self,
        invitation: Union[str, Invitation],
        *,
        on_event: Optional[Callable[[Event], None]] = None,
        **options: Unpack[Options],
    ) -> None:
        """As `Initiator`, with an invitation in place of a server. A `server_key` replaces the invitation's."""
        settings = Settings(**options)
        super().__init__(Config.responder(invitation, settings), settings, on_event)


class Channel:
    """A data channel of the built-in WebRTC: an asynchronous iterator of its messages, and a context manager.

    On a secure channel, which is the default, all messages are `bytes`; on a plain one, texts are `str`.
    """

    def __init__(self, peer: Peer, core: ChannelCore) -> None:
        self._peer = peer
        self._core = core

    @property
    def label(self) -> str:
        """What the side that opened the channel calls it."""
        return (self._core.opened.label if self._core.opened else None) or ""

    @property
    def protocol(self) -> str:
        """The subprotocol, as the side that opened the channel calls it."""
        return (self._core.opened.channel_protocol if self._core.opened else None) or ""

    @property
    def opened_by_peer(self) -> bool:
        """Whether the peer opened the channel."""
        return self._core.opened is not None and self._core.opened.opened_by_peer

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._core.is_open and not self._core.closing

    async def send(self, data: Union[str, BytesLike]) -> None:
        """Sends a message; waits while too much waits to be sent. If it is cancelled, or raises, nothing was sent."""
        if self._core.try_send(data) is PENDING:
            await until(self._core.changed, self._core.try_send, data)

    def send_nowait(self, data: Union[str, BytesLike]) -> None:
        """As `send`, but raises `QueueFull` in place of waiting."""
        self._core.send(data)

    async def receive(self) -> Union[bytes, str]:
        """The next message. Raises `SaltyRTCError` when there are no more."""
        try:
            message: Union[bytes, str] = await until(self._core.inbox.readable, self._core.try_receive)
            return message
        except EndOfMessages:
            raise _no_more("the channel is closed") from None

    def __aiter__(self) -> AsyncIterator[Union[bytes, str]]:
        return self

    async def __anext__(self) -> Union[bytes, str]:
        if self._core.inbox.messages:
            taken: Union[bytes, str] = self._core.inbox.take()
            return taken
        try:
            message: Union[bytes, str] = await until(self._core.inbox.readable, self._core.try_receive)
            return message
        except EndOfMessages:
            raise StopAsyncIteration from None

    @property
    def buffered_amount(self) -> int:
        """How many bytes wait to be sent, including what encryption adds."""
        return self._core.buffered_amount()

    async def drain(self, amount: int = 0) -> None:
        """Waits until no more than `amount` bytes (at least 0) wait to be sent."""
        await until(self._core.changed, self._core.try_drain, amount)

    async def close(self) -> None:
        """Closes the channel after everything that waits was sent; waits until the peer has closed it too."""
        self._core.close()
        await until(self._core.changed, self._core.try_closed)

    async def __aenter__(self: _C) -> _C:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<saltyrtc.Channel {self.label!r} {'open' if self.is_open else 'closed'}>"
