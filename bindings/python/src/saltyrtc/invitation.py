"""Invitations: what a responder has to know to reach an initiator."""

from __future__ import annotations

from typing import List, Optional

from . import _functions as native
from .keys import Key, key_from, optional_key

__all__ = ["Invitation"]


class Invitation:
    """The server, the initiator's public key, and usually the server's public key and a token.

    With a token in it, an invitation is a secret between two people: `str()` gives all of it, `repr()` does not show
    the token. It never changes.
    """

    __slots__ = ("_uri", "_server_url", "_initiator_key", "_server_key", "_token")

    def __init__(self, uri: str) -> None:
        """From its URI: `wss://host:port/<initiator's key>?<server's key>#<token>`. Raises `InvalidArgument`."""
        handle = native.invitation_parse(uri)
        try:
            has_server_key, has_token = native.invitation_flags(handle)
            self._uri = native.invitation_uri(handle)
            self._server_url = native.invitation_server_url(handle)
            self._initiator_key = native.invitation_initiator_key(handle)
            self._server_key = native.invitation_server_key(handle) if has_server_key else None
            self._token = native.invitation_token(handle) if has_token else None
        finally:
            native.invitation_free(handle)

    @classmethod
    def from_parts(
        cls, server_url: str, initiator_key: Key, *, server_key: Optional[Key] = None, token: Optional[Key] = None
    ) -> Invitation:
        """From the server's URL and keys."""
        handle = native.invitation_new(
            server_url, key_from(initiator_key), optional_key(server_key), optional_key(token)
        )
        try:
            return cls(native.invitation_uri(handle))
        finally:
            native.invitation_free(handle)

    @property
    def uri(self) -> str:
        """All of it, as text."""
        return self._uri

    @property
    def server_url(self) -> str:
        """The server: `wss://host:port` or `ws://host:port`, without the port if it is the default one."""
        return self._server_url

    @property
    def initiator_key(self) -> bytes:
        """The initiator's public permanent key, 32 bytes. It is also the signalling path."""
        return self._initiator_key

    @property
    def server_key(self) -> Optional[bytes]:
        """The server's public permanent key, 32 bytes, or `None` if it is not known."""
        return self._server_key

    @property
    def token(self) -> Optional[bytes]:
        """The token, a secret of 32 bytes; `None` if the initiator trusts the responder's key instead."""
        return self._token

    def qr(self) -> str:
        """A QR code for a terminal with light text on a dark background: lines made of half blocks."""
        handle = native.invitation_parse(self._uri)
        try:
            return native.invitation_qr_code(handle)
        finally:
            native.invitation_free(handle)

    def qr_svg(self, *, module: int = 8) -> str:
        """A QR code as an SVG document: black on white, each module `module` pixels wide."""
        rows = _modules(self.qr())
        size = len(rows)
        path = "".join(
            f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, light in enumerate(row) if not light
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" width="{size * module}" '
            f'height="{size * module}" shape-rendering="crispEdges" role="img">'
            f'<title>SaltyRTC invitation</title><rect width="{size}" height="{size}" fill="#fff"/>'
            f'<path d="{path}" fill="#000"/></svg>\n'
        )

    def __str__(self) -> str:
        return self._uri

    def __repr__(self) -> str:
        token = "with a token" if self._token else "without a token"
        return f"<Invitation to {self._server_url}/{self._initiator_key.hex()[:8]}… {token}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Invitation) and self._uri == other._uri

    def __hash__(self) -> int:
        return hash(self._uri)


#: What a half block shows: whether the module above is light, and the one below.
_BLOCKS = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}


def _modules(code: str) -> List[List[bool]]:
    """The rows of modules of a code for the terminal, true where it is light."""
    lines = code.splitlines()
    width = max(len(line) for line in lines)
    rows: List[List[bool]] = []
    for line in lines:
        pairs = [_BLOCKS[block] for block in line.ljust(width)]
        rows.append([above for above, _ in pairs])
        rows.append([below for _, below in pairs])
    # An odd number of modules leaves half a line at the end.
    return rows[:width]
