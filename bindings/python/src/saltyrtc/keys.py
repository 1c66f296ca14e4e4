"""Key pairs, and keys as text."""

from __future__ import annotations

from typing import Optional, Union

from . import _functions as native
from ._native import BytesLike

__all__ = ["KeyPair", "key_from", "new_token"]

Key = Union[str, BytesLike]


def key_from(key: Key) -> bytes:
    """The 32 bytes of a key or token, which may be given as 64 hexadecimal digits. Raises `InvalidArgument`."""
    if isinstance(key, str):
        return native.key_from_hex(key)
    return bytes(key)


def optional_key(key: Optional[Key]) -> Optional[bytes]:
    """`key_from`, of what may be missing."""
    return None if key is None else key_from(key)


def new_token() -> bytes:
    """A random token: a secret of 32 bytes that admits one responder, once."""
    return native.key_pair_generate()[1]


class KeyPair:
    """The permanent key pair of a client or a server.

    The secret key is not shown by `repr()`, cannot be pickled, and is overwritten when the object goes away; copies
    that `secret` gave out are not.
    """

    __slots__ = ("_public", "_secret")

    def __init__(self, secret: Key) -> None:
        """From the secret key: 32 bytes, or 64 hexadecimal digits."""
        self._secret = bytearray(key_from(secret))
        self._public = native.public_key_from_secret(self._secret)

    @classmethod
    def generate(cls) -> KeyPair:
        """A new pair."""
        return cls(native.key_pair_generate()[1])

    @property
    def public(self) -> bytes:
        """The public key: 32 bytes. Peers store it in order to trust its owner."""
        return self._public

    @property
    def secret(self) -> bytes:
        """The secret key: 32 bytes. Whoever has it can take the owner's place, so store it where nobody else can read it."""
        return bytes(self._secret)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyPair) and self._public == other._public

    def __hash__(self) -> int:
        return hash(self._public)

    def __repr__(self) -> str:
        return f"<KeyPair with the public key {self._public.hex()}>"

    def __reduce__(self) -> str:
        raise TypeError("a KeyPair is not pickled, because it is a secret: store `secret` where nobody else can read it")

    def __del__(self) -> None:
        secret = getattr(self, "_secret", None)
        if secret is not None:
            secret[:] = bytes(len(secret))
