"""What clients tell about their peer and the connection to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from ._enums import CandidateType, ConnectionState, RelayProtocol


@dataclass(frozen=True)
class Session:
    """The peer that was authenticated, and what was agreed with it."""

    peer_key: bytes
    """The public permanent key of the peer, 32 bytes."""
    address: int
    """The peer's address on the path: 1 is the initiator, 2 to 255 are responders."""
    task: str
    """The name of the task."""
    task_data: Any
    """What the peer's task has to say: a `dict`, or `None`."""


@dataclass(frozen=True)
class SignallingChannel:
    """How to create the data channel that the signalling is handed over to: negotiated and ordered, with these values."""

    id: int
    label: str
    protocol: str


@dataclass(frozen=True)
class ConnectionStats:
    """The connection to the peer, with the built-in WebRTC."""

    state: ConnectionState
    local_type: CandidateType
    """The type of this client's address on the path in use."""
    remote_type: CandidateType
    """The type of the peer's address."""
    relay_protocol: RelayProtocol
    """How packets get to the TURN server of this client."""
    local_address: str
    """Address and port of this client; empty if there is no path."""
    remote_address: str
    """Address and port of the peer."""
    round_trip_time: Optional[float]
    """Of the last check of the path, in seconds; `None` if it is not known."""
    bytes_sent: int
    """How many bytes of UDP payload were sent, with everything that WebRTC adds."""
    bytes_received: int
    """How many bytes of UDP payload were received."""
    channels: int
    """How many channels are open, without that of the signalling."""
