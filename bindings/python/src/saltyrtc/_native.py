"""The shared library: where it is, whether it is the right one, and how values get in and out of it."""

from __future__ import annotations

import array
import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, NoReturn, Optional, Sequence, Tuple, Union

from ._enums import ABI_VERSION, KEY_BYTES, Status
from .errors import error_from_status

if TYPE_CHECKING:
    from typing_extensions import Buffer

    BytesLike = Union[bytes, bytearray, memoryview, Buffer]
else:
    BytesLike = Union[bytes, bytearray, memoryview]

def _refuse_where_it_does_not_work() -> None:
    gil = getattr(sys, "_is_gil_enabled", None)
    if gil is not None and not gil():
        raise ImportError(
            "saltyrtc has not been tested on a Python that runs without its global lock: "
            "use a build with it, or start Python with PYTHON_GIL=1"
        )


def _find() -> Path:
    """The library that came with this package, or the one that SALTYRTC_LIBRARY names."""
    chosen = os.environ.get("SALTYRTC_LIBRARY")
    if chosen:
        return Path(chosen)
    name = {"win32": "saltyrtc.dll", "darwin": "libsaltyrtc.dylib"}.get(sys.platform, "libsaltyrtc.so")
    return Path(__file__).parent / "_lib" / name


class Library:
    """The library, loaded once per process."""

    def __init__(self) -> None:
        path = _find()
        try:
            self.functions = ctypes.CDLL(str(path))
        except OSError as error:
            raise ImportError(
                f"saltyrtc cannot load its library {path}: {error}. Install the package again; "
                "from a source tree, `pip install bindings/python` builds it, which needs Rust"
            ) from error
        version = self.functions.saltyrtc_abi_version
        version.restype = ctypes.c_uint32
        if version() != ABI_VERSION:
            raise ImportError(
                f"{path} has version {version()} of the binary interface, and this package is for version "
                f"{ABI_VERSION}: install both from the same release"
            )
        self.functions.saltyrtc_error_message.restype = ctypes.c_char_p
        self.functions.saltyrtc_error_message.argtypes = [ctypes.c_void_p]
        self.functions.saltyrtc_error_free.restype = None
        self.functions.saltyrtc_error_free.argtypes = [ctypes.c_void_p]

    def declare(self, prototypes: Dict[str, Tuple[Any, List[Any], bool]]) -> None:
        """Tells ctypes the types of all functions."""
        for name, (result, arguments, only_on_unix) in prototypes.items():
            if only_on_unix and sys.platform == "win32":
                continue
            try:
                function = getattr(self.functions, name)
            except AttributeError:
                raise ImportError(
                    f"{_find()} is older than this package: it has no {name}. Install both from the same release"
                ) from None
            function.restype = result
            function.argtypes = arguments


_refuse_where_it_does_not_work()
library = Library()


def take_text(error: ctypes.c_void_p) -> Optional[str]:
    """The text of an error of the library, which is freed."""
    if not error.value:
        return None
    text: bytes = library.functions.saltyrtc_error_message(error) or b""
    library.functions.saltyrtc_error_free(error)
    error.value = None
    return text.decode("utf-8", "replace")


def fail(status: int, error: ctypes.c_void_p) -> NoReturn:
    """Raises the exception for a status."""
    raise error_from_status(status, take_text(error))


def too_small(status: int, error: ctypes.c_void_p, needed: int) -> int:
    """The capacity to try again with, or the exception, if that was not the problem."""
    if status != Status.BUFFER_TOO_SMALL:
        fail(status, error)
    take_text(error)
    return needed


def in_bytes(data: Optional[BytesLike]) -> Tuple[Any, int]:
    """A pointer to the bytes, and how many there are. Nothing is copied if that can be avoided."""
    if type(data) is bytes:
        return data, len(data)
    if data is None:
        return None, 0
    view = memoryview(data)
    if not view.contiguous:
        copy = view.tobytes()
        return copy, len(copy)
    size = view.nbytes
    if size == 0:
        return None, 0
    if view.readonly:
        # ctypes takes addresses of what can be written only; and of bytes.
        if type(view.obj) is bytes and size == len(view.obj):
            return view.obj, size
        return view.tobytes(), size
    return ctypes.byref(ctypes.c_char.from_buffer(view.cast("B"))), size


def in_key(name: str, key: Optional[BytesLike]) -> Optional[bytes]:
    """A key or token, after a look at its size: the library cannot see it."""
    if key is None:
        return None
    data = bytes(key)
    if len(data) != KEY_BYTES:
        raise ValueError(f"{name} has {len(data)} bytes, and has to have {KEY_BYTES}")
    return data


def in_text(name: str, text: Optional[str]) -> Optional[bytes]:
    """A name, URL or path: it ends with a NUL in C, so it cannot have one."""
    if text is None:
        return None
    if "\0" in text:
        raise ValueError(f"{name} must not contain a NUL character")
    return text.encode()


def in_text_bytes(text: Optional[str]) -> Tuple[Optional[bytes], int]:
    """A text of any content."""
    if text is None:
        return None, 0
    data = text.encode()
    return data, len(data)


def in_numbers(element: Any, numbers: Sequence[int]) -> Tuple[Any, int]:
    """An array of numbers."""
    highest = (1 << 8 * ctypes.sizeof(element)) - 1
    for number in numbers:
        if not 0 <= number <= highest:
            raise ValueError(f"{number} is not a number from 0 to {highest}")
    code = {1: "B", 2: "H", 4: "I", 8: "Q"}[ctypes.sizeof(element)]
    data = array.array(code, numbers).tobytes()
    return data, len(numbers)


def out_bytes(buffer: Any, length: int) -> bytes:
    """What the library wrote."""
    return bytes(memoryview(buffer)[:length])
