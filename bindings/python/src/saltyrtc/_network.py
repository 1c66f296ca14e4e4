"""What the program knows of the network."""

from __future__ import annotations

from typing import Iterable

from . import _functions as native


def network_changed() -> None:
    """Tells the library that the network of this host has changed: for programs that the operating system tells so.

    It is for all clients of the process, and returns at once. Each client asks its server for a sign of life, and ends
    with `ConnectionFailed` if there is none within 5 seconds, or within one if the system would send to it from another
    address now; the built-in WebRTC looks at the addresses of this host. Without this call they find out too, but later.
    """
    native.network_changed()


def address_list(addresses: Iterable[str]) -> str:
    """Addresses in the form that the library takes."""
    if isinstance(addresses, str):
        # Its characters would be taken for addresses.
        raise TypeError(f"addresses have to be a list, not a text: [{addresses!r}]")
    each = list(addresses)
    if "" in each:
        raise ValueError("an address is empty: for all addresses of this host, give an empty list")
    return ",".join(each)
