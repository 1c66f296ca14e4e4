"""What programs say to each other on the channel of a file: examples-web/PROTOCOL.md. Nothing here reads or sends."""

from __future__ import annotations

import re
import struct
import unicodedata
from dataclasses import dataclass
from typing import Union

LABEL, PROTOCOL = "file", "v1.file.saltyrtc.org"
OFFER, ACCEPT, DATA, RECEIVED, FAILED = range(1, 6)

NAME_BYTES, DATA_BYTES, REASON_BYTES = 255, 65000, 1000
#: Sending pauses when so many bytes wait, and goes on when so few do.
HIGH_WATER, LOW_WATER = 1 << 20, 1 << 18

_OFFER = struct.Struct(">BQ32s")
_ACCEPT = struct.Struct(">BQ")


class Violation(Exception):
    """The peer does not keep to the protocol."""


@dataclass(frozen=True)
class Offer:
    """A file: its size and hash are what it is; the name is for people."""

    size: int
    digest: bytes
    name: str


def write_offer(offer: Offer) -> bytes:
    name = offer.name.encode("utf-8", "surrogateescape")
    if len(name) > NAME_BYTES:
        # Not within a character.
        name = name[:NAME_BYTES].decode("utf-8", "ignore").encode()
    return _OFFER.pack(OFFER, offer.size, offer.digest) + name


def read_offer(message: bytes) -> Offer:
    if not _OFFER.size < len(message) <= _OFFER.size + NAME_BYTES or message[0] != OFFER:
        raise Violation("this is not an offer")
    _, size, digest = _OFFER.unpack_from(message)
    return Offer(size, digest, safe_name(message[_OFFER.size :]))


def write_accept(offset: int) -> bytes:
    return _ACCEPT.pack(ACCEPT, offset)


def read_accept(message: bytes, size: int) -> int:
    if len(message) != _ACCEPT.size or message[0] != ACCEPT:
        raise Violation("this message is not allowed here")
    offset: int = _ACCEPT.unpack(message)[1]
    if offset > size:
        raise Violation("this is more than the file has")
    return offset


def write_failed(why: str) -> bytes:
    return bytes((FAILED,)) + why.encode()[:REASON_BYTES]


def read_failed(message: bytes) -> str:
    return safe_text(message[1 : REASON_BYTES + 1]) or "no reason was given"


#: What turns the direction of the text around, which makes names lie; and separators of lines.
_MISLEADING = re.compile("[\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def safe_text(text: Union[str, bytes]) -> str:
    """What the peer says, with `_` for everything that a terminal would obey."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace").replace("\ufffd", "_")
    return "".join("_" if unicodedata.category(c) in ("Cc", "Cs") or _MISLEADING.match(c) else c for c in text)


def safe_name(name: bytes) -> str:
    """Only what follows the last slash of either kind, and never a hidden file."""
    safe = safe_text(re.split(rb"[/\\]", name)[-1])
    if safe in ("", ".", ".."):
        return "file"
    return "_" + safe[1:] if safe.startswith(".") else safe
