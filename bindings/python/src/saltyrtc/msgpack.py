"""MessagePack, as far as messages need it: small enough to read, without a dependency.

=================== =========================================================================
MessagePack         Python
=================== =========================================================================
nil, bool           `None`, `bool`
integer             `int`, from -2**63 to 2**64 - 1
float               `float` (written with 64 bits)
str                 `str`
bin                 `bytes` (written from `bytearray` and `memoryview` too)
array               `list` (written from `tuple` too)
map                 `dict`; keys that cannot be keys in Python, such as arrays, are refused
extension           `Extension`
=================== =========================================================================
"""

from __future__ import annotations

import struct
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple, cast

__all__ = ["Extension", "Raw", "decode", "encode"]

#: Deeper values are refused, so that a peer cannot make a program run out of stack.
MAX_DEPTH = 64


class Extension(NamedTuple):
    """A value of an extension type."""

    code: int
    """-128 to 127; those below 0 are the specification's."""
    data: bytes


class Raw(NamedTuple):
    """A MessagePack value that Python has no form for, serialised: a map whose keys are arrays, for example."""

    data: bytes


def encode(value: Any) -> bytes:
    """The value in MessagePack. Raises `TypeError` for a type that it has none for, and `ValueError`."""
    out: List[bytes] = []
    _write(value, out.append, 0)
    return b"".join(out)


def decode(data: "bytes | bytearray | memoryview") -> Any:
    """The value of exactly one MessagePack value. Raises `ValueError` for everything else."""
    reader = _Reader(bytes(data))
    value = reader.value(0)
    if reader.at != len(reader.data):
        raise ValueError(f"{len(reader.data) - reader.at} bytes follow the MessagePack value")
    return value


def decode_any(data: bytes) -> Any:
    """As `decode`, but what has no form in Python becomes `Raw`."""
    try:
        return decode(data)
    except ValueError:
        return Raw(data)


def _sized(size: int, formats: Tuple[Tuple[int, int, str], ...]) -> bytes:
    """The head of something with a size: of (lowest size that is too large, first byte, format), the first that fits."""
    for limit, first, code in formats:
        if size < limit:
            return struct.pack(">B" + code, first, size) if code else bytes((first | size,))
    raise ValueError("too large for MessagePack")


_UNSIGNED = ((1 << 8, 0xCC, "B"), (1 << 16, 0xCD, "H"), (1 << 32, 0xCE, "I"), (1 << 64, 0xCF, "Q"))
_SIGNED = ((1 << 7, 0xD0, "b"), (1 << 15, 0xD1, "h"), (1 << 31, 0xD2, "i"), (1 << 63, 0xD3, "q"))
_TEXT = ((32, 0xA0, ""), (1 << 8, 0xD9, "B"), (1 << 16, 0xDA, "H"), (1 << 32, 0xDB, "I"))
_BYTES = ((1 << 8, 0xC4, "B"), (1 << 16, 0xC5, "H"), (1 << 32, 0xC6, "I"))
_LIST = ((16, 0x90, ""), (1 << 16, 0xDC, "H"), (1 << 32, 0xDD, "I"))
_MAP = ((16, 0x80, ""), (1 << 16, 0xDE, "H"), (1 << 32, 0xDF, "I"))
_EXTENSION = ((1 << 8, 0xC7, "B"), (1 << 16, 0xC8, "H"), (1 << 32, 0xC9, "I"))
_FIXED_EXTENSION = {1: 0xD4, 2: 0xD5, 4: 0xD6, 8: 0xD7, 16: 0xD8}


def _write(value: Any, put: Callable[[bytes], None], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"the value is nested more than {MAX_DEPTH} deep")
    if value is None:
        put(b"\xc0")
    elif isinstance(value, bool):
        put(b"\xc3" if value else b"\xc2")
    elif isinstance(value, int):
        _write_int(value, put)
    elif isinstance(value, float):
        put(struct.pack(">Bd", 0xCB, value))
    elif isinstance(value, str):
        text = value.encode()
        put(_sized(len(text), _TEXT))
        put(text)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(cast(bytes, value))
        put(_sized(len(data), _BYTES))
        put(data)
    elif isinstance(value, Raw):
        put(value.data)
    elif isinstance(value, Extension):
        size = len(value.data)
        put(bytes((_FIXED_EXTENSION[size],)) if size in _FIXED_EXTENSION else _sized(size, _EXTENSION))
        put(struct.pack(">b", value.code))
        put(bytes(value.data))
    elif isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        put(_sized(len(items), _LIST))
        for item in items:
            _write(item, put, depth + 1)
    elif isinstance(value, dict):
        entries = cast("Dict[object, object]", value)
        put(_sized(len(entries), _MAP))
        for key, item in entries.items():
            _write(key, put, depth + 1)
            _write(item, put, depth + 1)
    else:
        raise TypeError(f"MessagePack has no form for {type(value).__name__}")


def _write_int(value: int, put: Callable[[bytes], None]) -> None:
    if -32 <= value < 128:
        put(struct.pack(">b" if value < 0 else ">B", value))
        return
    for limit, first, code in _UNSIGNED if value >= 0 else _SIGNED:
        if (value < limit) if value >= 0 else (value >= -limit):
            put(struct.pack(">B" + code, first, value))
            return
    raise ValueError("an integer of more than 64 bits has no form in MessagePack")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            raise ValueError("the MessagePack value is cut off")
        part = self.data[self.at : end]
        self.at = end
        return part

    def number(self, code: str) -> Any:
        return struct.unpack(">" + code, self.take(struct.calcsize(">" + code)))[0]

    def claims(self, values: int) -> None:
        """A number of values is a claim, for which nothing may be reserved before it is seen to be possible."""
        if values > len(self.data) - self.at:
            raise ValueError("the MessagePack value is cut off")

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError(f"the MessagePack value is nested more than {MAX_DEPTH} deep")
        first = self.take(1)[0]
        if first < 0x80:
            return first
        if first >= 0xE0:
            return first - 0x100
        if first < 0x90:
            return self.map(first & 0x0F, depth)
        if first < 0xA0:
            return self.list(first & 0x0F, depth)
        if first < 0xC0:
            return self.text(first & 0x1F)
        return self.other(first, depth)

    def other(self, first: int, depth: int) -> Any:
        if first in _CONSTANTS:
            return _CONSTANTS[first]
        if first in _NUMBERS:
            return self.number(_NUMBERS[first])
        if first in _SIZED:
            kind, code = _SIZED[first]
            size = self.number(code)
            if kind == "map":
                return self.map(size, depth)
            if kind == "list":
                return self.list(size, depth)
            if kind == "extension":
                return Extension(self.number("b"), self.take(size))
            return self.text(size) if kind == "text" else self.take(size)
        if 0xD4 <= first <= 0xD8:
            return Extension(self.number("b"), self.take(1 << (first - 0xD4)))
        raise ValueError(f"0x{first:02x} is no MessagePack")

    def text(self, size: int) -> str:
        # UnicodeDecodeError is a ValueError.
        return self.take(size).decode()

    def list(self, size: int, depth: int) -> List[Any]:
        self.claims(size)
        return [self.value(depth + 1) for _ in range(size)]

    def map(self, size: int, depth: int) -> Dict[Any, Any]:
        self.claims(2 * size)
        out: Dict[Any, Any] = {}
        for _ in range(size):
            key = self.value(depth + 1)
            if isinstance(key, (list, dict)):
                raise ValueError("the MessagePack map has a key that is an array or a map")
            out[key] = self.value(depth + 1)
        return out


_CONSTANTS: Dict[int, Any] = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {
    **{0xCA: "f", 0xCB: "d"},
    **{first: code for _, first, code in _UNSIGNED},
    **{first: code for _, first, code in _SIGNED},
}
_SIZED = {
    first: (kind, code)
    for kind, formats in (
        ("text", _TEXT), ("bytes", _BYTES), ("list", _LIST), ("map", _MAP), ("extension", _EXTENSION),
    )
    for _, first, code in formats
    if code
}
