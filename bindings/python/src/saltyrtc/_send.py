"""What `send` does: one function for each task, with the client of the library and a message."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence, cast

from . import _functions as native
from . import msgpack
from ._enums import Status
from ._native import BytesLike, library
from .errors import NotPossible
from .tasks import ORTC, Candidate, CustomTask, Description, OwnWebRTC, Task

RELAYED_DATA_NAME = "v0.relayed-data.tasks.saltyrtc.org"
ORTC_NAME = "v0.ortc.tasks.saltyrtc.org"


def sender_for(name: str, tasks: Sequence[Task]) -> Callable[[int, Any], None]:
    """The function for the task that was agreed on."""
    if name == RELAYED_DATA_NAME:
        return send_relayed
    if name == ORTC_NAME and any(isinstance(task, ORTC) for task in tasks):
        return _send_ortc
    if any(isinstance(task, CustomTask) and task.name == name for task in tasks):
        return _send_task_message
    if any(isinstance(task, OwnWebRTC) for task in tasks):
        return _send_signalling
    return send_nothing


def can_be_handed_over(name: str, tasks: Sequence[Task]) -> bool:
    """Whether the task that was agreed on is one that has data channels."""
    return sender_for(name, tasks) in (send_nothing, _send_signalling, _send_ortc)


# Without what is needed for an error, which is as much as the call itself.
_send_bytes = library.functions.saltyrtc_client_send_bytes
channel_send_bytes = library.functions.saltyrtc_client_channel_send_bytes


def send_relayed(handle: int, value: Any) -> None:
    if type(value) is bytes and _send_bytes(handle, value, len(value), None) == 0:
        return
    # Also what failed just now: once more, to get to know why. (Nothing was sent.)
    if isinstance(value, (bytes, bytearray, memoryview)):
        native.client_send_bytes(handle, cast(BytesLike, value))
    elif isinstance(value, str):
        native.client_send_text(handle, value)
    else:
        native.client_send_msgpack(handle, msgpack.encode(value))


def send_application(handle: int, value: Any) -> None:
    if isinstance(value, (bytes, bytearray, memoryview)):
        native.client_send_application_bytes(handle, cast(BytesLike, value))
    elif isinstance(value, str):
        native.client_send_application_text(handle, value)
    else:
        native.client_send_application_msgpack(handle, msgpack.encode(value))


def _send_task_message(handle: int, value: Any) -> None:
    native.client_send_task_message(handle, msgpack.encode(value))


def _send_ortc(handle: int, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise TypeError("the ORTC task carries dictionaries with a \"type\" only")
    native.client_send_ortc_message(handle, msgpack.encode(dict(cast("Mapping[str, Any]", value))))


def _send_signalling(handle: int, value: Any) -> None:
    if isinstance(value, Candidate):
        index = -1 if value.sdp_m_line_index is None else value.sdp_m_line_index
        native.client_send_candidate(handle, value.candidate, value.sdp_mid, index, value.username_fragment)
    elif not isinstance(value, Description):
        raise TypeError("the WebRTC task carries Description and Candidate objects only")
    elif value.type in ("answer", "pranswer"):
        native.client_send_answer(handle, value.type, value.sdp)
    else:
        native.client_send_offer(handle, value.type, value.sdp)


def send_nothing(handle: int, value: Any) -> None:
    raise NotPossible(
        Status.OTHER_TASK,
        "the two clients have agreed on the built-in WebRTC: send on a channel (open_channel), or an application "
        "message (application.send)",
    )
