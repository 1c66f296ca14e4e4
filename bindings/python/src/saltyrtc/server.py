"""The signalling server, inside of a program: for demos, tests and local networks."""

from __future__ import annotations

import asyncio
import warnings
from types import TracebackType
from typing import Mapping, Optional, Sequence, Tuple, Type, TypeVar

from . import _functions as native
from ._config import Certificates, read_certificates
from ._enums import NO_LIMIT, EventKind, Limit, Status
from ._hub import Hub
from ._layout import Event
from .errors import NotPossible
from .keys import KeyPair

__all__ = ["Server"]

_S = TypeVar("_S", bound="Server")


class _Stopped:
    """Waits for the event that a server has stopped."""

    def __init__(self, future: "asyncio.Future[None]") -> None:
        self.future = future

    def on_message(self, kind: int, channel: int, payload: int, data: bytes) -> None:
        """There are none."""

    def on_other(self, event: Event) -> None:
        if event.kind == EventKind.SERVER_STOPPED and not self.future.done():
            self.future.set_result(None)


class Server:
    """A server that runs on threads of the library, in a `with` or an `async with` block.

        with saltyrtc.Server() as server:
            print(server.url)
    """

    def __init__(
        self,
        address: str = "127.0.0.1",
        port: int = 0,
        *,
        keys: Optional[Sequence[KeyPair]] = None,
        tls: Optional[Tuple[Certificates, Certificates]] = None,
        limits: Optional[Mapping[Limit, Optional[int]]] = None,
        accept_no_shared_task: bool = False,
    ) -> None:
        """Listens in the block.

        * `address`: an IP address of this host; `0.0.0.0` and `::` are all of them. Or `unix:` and the path of a Unix
          socket, for a proxy on the same host.
        * `port`: with 0, the operating system chooses one.
        * `keys`: permanent keys of the server, the primary one first; a new one if not given, none if empty.
        * `tls`: the certificate chain and the private key, in PEM: bytes, or paths of files. Without it, the server
          uses `ws`.
        * `limits`: see `Limit`, which has the units; `None` switches an optional limit off.
        * `accept_no_shared_task`: whether initiators may drop responders with 3006, as some older clients do.

        Raises `InvalidArgument`.
        """
        self._handle = 0
        self._stopped = False
        self._keys = [KeyPair.generate()] if keys is None else list(keys)
        self._config = native.server_config_new(address, port)
        try:
            for pair in self._keys:
                native.server_config_add_permanent_key(self._config, pair.secret)
            if tls is not None:
                native.server_config_set_tls(self._config, read_certificates(tls[0]), read_certificates(tls[1]))
            for limit, value in (limits or {}).items():
                native.server_config_set_limit(self._config, limit, NO_LIMIT if value is None else value)
            native.server_config_set_accept_no_shared_task(self._config, accept_no_shared_task)
        except BaseException:
            self._free_config()
            raise

    def start(self) -> None:
        """Begins to listen, as the block does. Raises `ServerFailed`. Call `stop` in the end."""
        if self._handle or self._stopped:
            raise RuntimeError("this server was started before: make a new one")
        self._handle = native.server_start(self._config)

    def stop(self, timeout: float = 8.0) -> None:
        """Delivers what waits for clients, and closes their connections. Blocks, for `timeout` seconds at most; what is
        not done by then is dropped."""
        handle, self._handle = self._handle, 0
        self._stopped = True
        if handle:
            try:
                native.server_stop(handle, round(timeout * 1000))
            except TimeoutError:
                pass
            finally:
                native.server_free(handle)

    async def stop_async(self, timeout: float = 8.0) -> None:
        """As `stop`, without blocking the event loop. If it is cancelled, connections are dropped."""
        if not self._handle:
            self._stopped = True
            return
        hub = Hub.of_running_loop()
        handle, self._handle = self._handle, 0
        self._stopped = True
        stopped = _Stopped(hub.loop.create_future())
        token = hub.queue.new_token(stopped)
        try:
            native.server_stop_on_queue(handle, round(timeout * 1000), hub.queue.handle, token)
            await stopped.future
        finally:
            hub.remove(token)
            native.server_free(handle)

    def __enter__(self: _S) -> _S:
        self.start()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.stop()

    async def __aenter__(self: _S) -> _S:
        # Before there is something that only a loop of asyncio can stop.
        Hub.running_loop()
        self.start()
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.stop_async()

    @property
    def url(self) -> str:
        """For clients on the same host, for example `ws://127.0.0.1:8765`; empty for a Unix socket."""
        return native.server_url(self._running())

    @property
    def port(self) -> int:
        """The port that it is listening on; 0 if that is a Unix socket."""
        return native.server_port(self._running())

    @property
    def address(self) -> str:
        """Address and port that it is listening on, for example `127.0.0.1:8765` or `[::1]:8765`; or `unix:` and a path."""
        return native.server_address(self._running())

    @property
    def public_key(self) -> Optional[bytes]:
        """The primary public key, for the `server_key` of clients; `None` if the server has none."""
        return self._keys[0].public if self._keys else None

    def _running(self) -> int:
        if not self._handle:
            raise NotPossible(Status.CLOSED, "the server is not running: use it in a `with` or `async with` block")
        return self._handle

    def _free_config(self) -> None:
        config, self._config = self._config, 0
        if config:
            native.server_config_free(config)

    def __del__(self) -> None:
        if getattr(self, "_config", 0):
            self._free_config()
        if getattr(self, "_handle", 0):
            warnings.warn(f"{self!r} was not stopped", ResourceWarning, source=self)
            handle, self._handle = self._handle, 0
            native.server_free(handle)

    def __repr__(self) -> str:
        return f"<saltyrtc.Server at {self.address}>" if self._handle else "<saltyrtc.Server stopped>"
