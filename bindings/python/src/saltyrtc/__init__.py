"""Two programs that share nothing but a short invitation find each other, and get an end-to-end encrypted channel.

They meet on a signalling server that neither of them has to trust (the SaltyRTC protocol). Data can be relayed through
the server, or go over a direct WebRTC connection, which is built in.

    import asyncio, saltyrtc

    async def main():
        async with saltyrtc.Initiator("wss://signalling.example.org") as peer:
            print(peer.invitation.qr())      # for the other side to scan
            await peer.connected()
            await peer.send("Hello")
            async for message in peer:
                print(message)

    asyncio.run(main())

* `Initiator` and `Responder` are the two sides, for asyncio; `saltyrtc.sync` has the same without an
  event loop.
* `tasks` says what the two do with each other: `RelayedData` (the default), `WebRTC`,
  `CustomTask`, or `OwnWebRTC` or `ORTC` with a stack of your own.
* `Server` is the signalling server, inside of your program.
* What can go wrong is in `saltyrtc.errors`.

Times are in seconds, sizes in bytes. Keys are `bytes` of 32 bytes, or text of 64 hexadecimal digits.
"""

from ._asyncio import Application, Channel, Initiator, Peer, Responder
from ._chunking import Chunker, SecureChannel, Unchunker
from ._config import Options
from ._enums import (
    VERSION,
    CandidateType,
    ChunkingMode,
    ClosedBy,
    ConnectionState,
    DtlsRole,
    EventKind,
    Limit,
    LogLevel,
    PeerLeft,
    RelayProtocol,
    Retry,
    RtcTasks,
    Status,
)
from ._layout import Event
from ._logging import set_log_level
from ._network import network_changed
from ._values import ConnectionStats, Session, SignallingChannel
from .errors import (
    ConnectionFailed,
    InternalError,
    InvalidArgument,
    NotPossible,
    PeerFailed,
    QueueFull,
    SaltyRTCError,
    ServerFailed,
    WaitTimeout,
)
from .invitation import Invitation
from .keys import KeyPair, key_from, new_token
from .server import Server
from .tasks import ORTC, Candidate, CustomTask, Description, IceServer, OwnWebRTC, RelayedData, Task, WebRTC
from . import _exit, errors, msgpack, sync

__version__ = VERSION

__all__ = [
    "Application",
    "Candidate",
    "CandidateType",
    "Channel",
    "Chunker",
    "ChunkingMode",
    "ClosedBy",
    "ConnectionFailed",
    "ConnectionState",
    "ConnectionStats",
    "CustomTask",
    "Description",
    "DtlsRole",
    "Event",
    "EventKind",
    "IceServer",
    "Initiator",
    "InternalError",
    "InvalidArgument",
    "Invitation",
    "KeyPair",
    "Limit",
    "LogLevel",
    "NotPossible",
    "ORTC",
    "Options",
    "OwnWebRTC",
    "Peer",
    "PeerFailed",
    "PeerLeft",
    "QueueFull",
    "RelayProtocol",
    "RelayedData",
    "Responder",
    "Retry",
    "RtcTasks",
    "SaltyRTCError",
    "SecureChannel",
    "Server",
    "ServerFailed",
    "Session",
    "SignallingChannel",
    "Status",
    "Task",
    "Unchunker",
    "WaitTimeout",
    "WebRTC",
    "errors",
    "key_from",
    "msgpack",
    "network_changed",
    "new_token",
    "set_log_level",
    "sync",
]

_exit.register()
