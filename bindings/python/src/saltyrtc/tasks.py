"""What two clients can do with each other. They use the first of the initiator's tasks that the responder has too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Sequence, Tuple, Union

from . import _functions as native
from . import msgpack
from ._enums import DtlsRole, RtcTasks

__all__ = ["Candidate", "CustomTask", "Description", "IceServer", "ORTC", "OwnWebRTC", "RelayedData", "Task", "WebRTC"]


@dataclass(frozen=True)
class RelayedData:
    """All data goes over the server, end-to-end encrypted. Messages are values of MessagePack: `bytes`, `str`, `dict` …"""

    def add_to(self, config: int) -> None:
        native.config_add_relayed_data_task(config)


@dataclass(frozen=True)
class IceServer:
    """A STUN server, which helps to find a path through NATs, or a TURN server, which relays if there is no other."""

    url: str
    """`stun:host:port`, `turn:host:port`, `turn:host:port?transport=tcp` or `turns:host:port`; the port is optional."""
    username: Optional[str] = None
    password: Optional[str] = field(default=None, repr=False)


@dataclass(frozen=True)
class WebRTC:
    """The built-in WebRTC: a direct connection to the peer, with data channels. No other library is needed."""

    ice_servers: Sequence[Union[str, IceServer]] = ()
    relay_only: bool = False
    """Use TURN servers only, which hides the addresses of this host from the peer."""
    max_message_size: Optional[int] = None
    """The largest message on a secure channel in either direction, in bytes; 16 MiB if not given."""
    max_buffered: Optional[int] = None
    """How many bytes may wait to be sent on a channel; 4 MiB if not given."""
    negotiated_ids: Sequence[int] = ()
    """Ids (0 to 65534) of channels that both peers open themselves."""
    handover: bool = True
    """Hand the signalling over to the connection, so that the server is not needed any more."""
    plain_labels: Sequence[str] = ()
    """Channels of the peer with these labels are not encrypted a second time."""
    addresses: Sequence[str] = ()
    """Use these addresses of the host only."""
    ports: Optional[Tuple[int, int]] = None
    """Use UDP ports from the first to the last of these only."""
    tasks: RtcTasks = RtcTasks.WEBRTC
    """The task of WebRTC, that of ORTC, or both. They are alike but for the name of the task."""
    dtls_role: DtlsRole = DtlsRole.AUTO
    """For peers that can be one of the two only. The initiator of WebRTC always leaves it to the responder."""
    disconnected_timeout: Optional[float] = None
    """Without a sign of life of the peer for so many seconds, what is sent waits. At least 1; 7 if not given."""
    unreachable_timeout: Optional[float] = None
    """Without a sign of life of the peer for so many seconds, it is unreachable, which ends the client after the handover.
    From 1 to 30; 30 if not given. Shorter times notice the end of a peer sooner, and end connections that would recover."""
    setup_timeout: Optional[float] = None
    """So many seconds the connection may take until channels can be used. At least 1; 120 if not given."""

    def add_to(self, config: int) -> None:
        rtc = native.rtc_config_new()
        try:
            for server in self.ice_servers:
                if isinstance(server, str):
                    server = IceServer(server)
                native.rtc_config_add_ice_server(rtc, server.url, server.username, server.password)
            native.rtc_config_set_relay_only(rtc, self.relay_only)
            if self.max_message_size is not None:
                native.rtc_config_set_max_message_size(rtc, self.max_message_size)
            if self.max_buffered is not None:
                native.rtc_config_set_max_buffered(rtc, self.max_buffered)
            native.rtc_config_set_negotiated_ids(rtc, self.negotiated_ids)
            native.rtc_config_set_handover(rtc, self.handover)
            for label in self.plain_labels:
                native.rtc_config_add_plain_label(rtc, label)
            for address in self.addresses:
                native.rtc_config_add_address(rtc, address)
            if self.ports is not None:
                native.rtc_config_set_ports(rtc, *self.ports)
            native.rtc_config_set_tasks(rtc, self.tasks)
            native.rtc_config_set_dtls_role(rtc, self.dtls_role)
            for set_timeout, seconds in (
                (native.rtc_config_set_disconnected_timeout, self.disconnected_timeout),
                (native.rtc_config_set_unreachable_timeout, self.unreachable_timeout),
                (native.rtc_config_set_setup_timeout, self.setup_timeout),
            ):
                if seconds is not None:
                    set_timeout(rtc, round(seconds * 1000))
            native.config_add_rtc_task(config, rtc)
        finally:
            native.rtc_config_free(rtc)


@dataclass(frozen=True)
class CustomTask:
    """A task of your own: the library negotiates it by its name and carries its messages, which are `dict`s with a "type"."""

    name: str
    """As specific as a domain name, for example `v1.chess.tasks.example.org`."""
    data: Optional[Mapping[str, Any]] = None
    """What the peer gets with the handshake (`task_data`)."""

    def add_to(self, config: int) -> None:
        data = None if self.data is None else msgpack.encode(dict(self.data))
        native.config_add_custom_task(config, self.name, data)


@dataclass(frozen=True)
class OwnWebRTC:
    """WebRTC with a stack of your own, such as aiortc: the library carries `Description` and `Candidate`
    objects, and hands the signalling over to a data channel of the stack."""

    exclude: Sequence[int] = ()
    """Ids of data channels (0 to 65534) that the program uses itself."""
    handover: bool = True
    v0: bool = False
    """Also the first version of the task, for old peers that know no other."""
    v0_max_packet_size: int = 0
    """With `v0`: the largest message on a data channel in bytes; with 0, messages are not chunked."""

    def add_to(self, config: int) -> None:
        native.config_add_webrtc_task(config, self.exclude, self.handover)
        if self.v0:
            native.config_add_webrtc_v0_task(config, self.exclude, self.handover, self.v0_max_packet_size)


@dataclass(frozen=True)
class ORTC:
    """ORTC with a stack of your own: the library carries the parameters, capabilities and candidates of its objects,
    and hands the signalling over to a data channel of the stack.

    Messages are `dict`s in the form of the specification of the task, with a "type": "ice-parameters", for example.
    They are checked on both sides. One with the label "handover" is about a transport that the program makes for the
    signalling alone. Candidates that follow each other closely arrive in one message.
    """

    exclude: Sequence[int] = ()
    """Ids of data channels (0 to 65534) that the program uses itself."""
    handover: bool = True

    def add_to(self, config: int) -> None:
        native.config_add_ortc_task(config, self.exclude, self.handover)


Task = Union[RelayedData, WebRTC, CustomTask, OwnWebRTC, ORTC]


@dataclass(frozen=True)
class Description:
    """A session description, for `OwnWebRTC`. Only initiators send offers, only responders send answers."""

    type: str
    """`offer`, `answer`, `pranswer` or `rollback`."""
    sdp: Optional[str] = field(default=None, repr=False)
    """`None` with a `rollback` only."""


@dataclass(frozen=True)
class Candidate:
    """An ICE candidate, for `OwnWebRTC`."""

    candidate: Optional[str]
    """The candidate-attribute. Empty: no more of this generation; `None`: no more at all."""
    sdp_mid: Optional[str] = None
    sdp_m_line_index: Optional[int] = None
    username_fragment: Optional[str] = None
