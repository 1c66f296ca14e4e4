"""The settings of a client, from Python values."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Sequence, TypedDict, Union

from . import _functions as native
from ._enums import WhenPeerLeaves
from ._native import BytesLike
from .invitation import Invitation
from .keys import Key, KeyPair, key_from
from .tasks import RelayedData, Task

Certificates = Union[str, "os.PathLike[str]", BytesLike]


class Options(TypedDict, total=False):
    """What clients take by name."""

    tasks: Sequence[Task]
    """What the two can do with each other, in the order of preference. Default: `RelayedData`."""
    keys: KeyPair
    """The permanent keys of this client; new ones if not given. Two clients must not use the same keys at the same
    time."""
    trusted_peer: Key
    """The public key of a peer, stored when this client trusted it, in place of a token."""
    token: Key
    """A random secret of 32 bytes (`new_token`), in place of the initiator's new one or that of the invitation."""
    server_key: Key
    """The public key that the server has to prove to have. A responder has it from the invitation."""
    rejoin: bool
    """Whether the client stays when its peer leaves, so that the peer can come back. Default: it closes."""
    tls_certificates: Sequence[Certificates]
    """Root certificates to trust for `wss`, in PEM or DER: bytes, or the path of a file."""
    system_roots: bool
    """Whether the root certificates of the operating system are trusted too. Default: yes."""
    proxy: Optional[str]
    """The proxy on the way to the server, and to TURN servers over TCP and TLS: `http://host:port`, `https://…` or
    `socks5://…`, with `user:password@` in front of the host if it asks for that. Default: none."""
    environment_proxy: bool
    """Whether the proxy is the one in `HTTPS_PROXY` or `ALL_PROXY`, as far as `NO_PROXY` does not say otherwise. Default: no."""
    connect_timeout: float
    """How long connecting to the server may take, in seconds. Default: 10."""
    response_timeout: float
    """How long the server may show no sign of life when one is due, in seconds: after something was sent to it, or
    when a ping is overdue (`ping_interval`). Default: 30."""
    server_handshake_timeout: float
    """How long the handshake with the server may take, in seconds. Default: 30."""
    peer_handshake_timeout: float
    """How long the handshake with a peer may take, in seconds from its first message. Default: 60."""
    ping_interval: int
    """The interval, in seconds, at which the server is asked to send pings; 0 for none, which is the default."""
    max_message_size: int
    """The largest message on the wire in either direction, in bytes, at least 4096. Default: 1 MiB."""
    max_queue_size: int
    """How many bytes may wait in each direction. Default: 4 MiB."""


@dataclass
class Settings:
    """`Options` with their defaults."""

    tasks: Sequence[Task] = (RelayedData(),)
    keys: Optional[KeyPair] = None
    trusted_peer: Optional[Key] = None
    token: Optional[Key] = field(default=None, repr=False)
    server_key: Optional[Key] = None
    rejoin: bool = False
    tls_certificates: Sequence[Certificates] = ()
    system_roots: bool = True
    proxy: Optional[str] = None
    environment_proxy: bool = False
    connect_timeout: Optional[float] = None
    response_timeout: Optional[float] = None
    server_handshake_timeout: Optional[float] = None
    peer_handshake_timeout: Optional[float] = None
    ping_interval: int = 0
    max_message_size: Optional[int] = None
    max_queue_size: Optional[int] = None

    def secret(self) -> Optional[bytes]:
        return None if self.keys is None else self.keys.secret

    def apply(self, config: int) -> None:
        """Sets everything in a configuration of the library."""
        if self.server_key is not None:
            native.config_set_server_key(config, key_from(self.server_key))
        if self.trusted_peer is not None:
            native.config_set_trusted_peer(config, key_from(self.trusted_peer))
        if self.token is not None:
            native.config_set_token(config, key_from(self.token))
        for task in self.tasks:
            task.add_to(config)
        for certificates in self.tls_certificates:
            native.config_add_tls_certificates(config, read_certificates(certificates))
        native.config_set_system_roots(config, self.system_roots)
        if self.environment_proxy:
            native.config_use_environment_proxy(config)
        if self.proxy is not None:
            native.config_set_proxy(config, self.proxy)
        for set_timeout, seconds in (
            (native.config_set_connect_timeout, self.connect_timeout),
            (native.config_set_response_timeout, self.response_timeout),
            (native.config_set_server_handshake_timeout, self.server_handshake_timeout),
            (native.config_set_peer_handshake_timeout, self.peer_handshake_timeout),
        ):
            if seconds is not None:
                set_timeout(config, round(seconds * 1000))
        native.config_set_ping_interval(config, self.ping_interval)
        if self.max_message_size is not None:
            native.config_set_max_message_size(config, self.max_message_size)
        if self.max_queue_size is not None:
            native.config_set_max_queue_size(config, self.max_queue_size)
        leaves = WhenPeerLeaves.WAIT if self.rejoin else WhenPeerLeaves.CLOSE
        native.config_set_when_peer_leaves(config, leaves)


class Config:
    """A configuration of the library, which owns its handle."""

    def __init__(self, handle: int, settings: Settings) -> None:
        self.handle = handle
        settings.apply(handle)

    @classmethod
    def initiator(cls, server: str, settings: Settings) -> Config:
        return cls(native.config_new_initiator(server, settings.secret()), settings)

    @classmethod
    def responder(cls, invitation: Union[str, Invitation], settings: Settings) -> Config:
        return cls(native.config_new_responder(str(invitation), settings.secret()), settings)

    def __del__(self) -> None:
        handle, self.handle = getattr(self, "handle", 0), 0
        if handle:
            native.config_free(handle)


def read_certificates(certificates: Certificates) -> BytesLike:
    """PEM or DER, or the file that has it."""
    if isinstance(certificates, (str, os.PathLike)):
        return Path(certificates).read_bytes()
    return certificates
