//! Events.

use std::ffi::{CString, c_char};
use std::mem::size_of;
use std::ptr;

use super::error::{c_text, silent_entry};
use super::status::saltyrtc_status;
use crate::client::{Closed, ClosedBy, Event, PeerLeft};
use crate::protocol::ChannelTransmit;
use crate::protocol::message::{Payload, TaskData};
use crate::task::TaskEvent;

/// What happened. New kinds may appear: ignore those that you do not know.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum saltyrtc_event_kind {
    /// Something that this version of the interface has no kind for. Never sent by this version.
    Unknown = 0,
    /// The server accepted this client. Fields: address (our own), peer_present, server_verified.
    ServerHandshakeDone = 1,
    /// Initiator: a responder is on the path, not authenticated yet. Fields: address.
    ResponderJoined = 2,
    /// Initiator: a responder that was not authenticated left the path. Fields: address.
    ResponderLeft = 3,
    /// Responder: an initiator came onto the path, not authenticated yet.
    InitiatorJoined = 4,
    /// Initiator: the token was used and is worthless now, whatever comes of it. To let another
    /// responder in, call saltyrtc_client_issue_token.
    TokenUsed = 5,
    /// Initiator: a responder failed to authenticate itself and was dropped; the client goes on
    /// waiting. Fields: address, close_code, text.
    ResponderFailed = 6,
    /// The two clients have authenticated each other, and the task runs: data can be sent. Fields:
    /// address (the peer's), peer_key, task, and as data what the peer's task told (a MessagePack map;
    /// payload NONE if nothing).
    PeerHandshakeDone = 7,
    /// Data of the Relayed Data task. Fields: payload, data, data_len.
    Data = 8,
    /// The peer's application sent this beside the task. Fields: payload, data, data_len.
    Application = 9,
    /// A message of a custom task. Fields: data and data_len, a MessagePack map with the key "type".
    TaskMessage = 10,
    /// A message of this client was lost, because the receiver is not reachable any more. Fields:
    /// address (the receiver's).
    SendError = 11,
    /// The peer is not there any more; if it comes back there is a new handshake. Fields: address,
    /// peer_left, can_rejoin.
    PeerLeft = 12,
    /// There is room again after SALTYRTC_STATUS_QUEUE_FULL.
    Writable = 13,
    /// The connection has ended; this is the last event. Fields: status and text (why), closed_by,
    /// close_code, retryable.
    Closed = 14,
    /// Both clients have handed the signalling over to the data channel. The connection to the server is
    /// closed now, which ends nothing any more; the end of the data channel does.
    HandedOver = 15,
    /// These bytes are to be sent over the data channel that the signalling was handed over to, as one
    /// binary message. Fields: data and data_len.
    TransportSend = 16,
    /// The data channel that the signalling was handed over to is to be closed, after everything that
    /// was given to it before.
    TransportClose = 17,
}

/// Of what type data is.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum saltyrtc_payload {
    /// There is no data.
    None = 0,
    /// Bytes, as they were sent.
    Bytes = 1,
    /// Text in UTF-8, as it was sent, without a NUL at the end.
    Text = 2,
    /// Any other MessagePack value, serialised.
    Msgpack = 3,
}

/// Who ended a connection.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum saltyrtc_closed_by {
    /// Nobody did: the connection broke, or never came to be.
    Network = 0,
    /// This client: asked to, or because of an error that it found.
    Us = 1,
    /// The other client.
    Peer = 2,
    /// The server, or the initiator by way of the server.
    Server = 3,
}

/// How the client knows that its peer left.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum saltyrtc_peer_left {
    /// The server says that the peer disconnected.
    Disconnected = 0,
    /// A message could not be delivered to the peer.
    Unreachable = 1,
    /// Somebody else has the peer's address now; maybe the peer itself, coming back.
    Replaced = 2,
    /// This client dropped it with saltyrtc_client_drop_responder.
    Dropped = 3,
}

/// An event. Fields that the kind does not name are 0, false or NULL.
///
/// In a callback, the event and all that it points to are valid until the callback returns. An event
/// of saltyrtc_client_next_event is valid until saltyrtc_event_free. It is read only.
///
/// Fields are only ever added at the end: a field is there if it lies within struct_size bytes, which
/// matters if the program may run with an older library than it was compiled for.
#[repr(C)]
#[derive(Debug)]
pub struct saltyrtc_event {
    /// Bytes of this structure in the library.
    pub struct_size: usize,
    /// What happened; it says which fields are used.
    pub kind: saltyrtc_event_kind,
    /// Why the connection ended: SALTYRTC_STATUS_OK if this client was asked to close.
    pub status: saltyrtc_status,
    /// What happened and what to do, in English. NUL-terminated.
    pub text: *const c_char,
    /// Who ended the connection.
    pub closed_by: saltyrtc_closed_by,
    /// The close code of the WebSocket or of the protocol (1000 to 4999); 0 if there was none.
    pub close_code: u16,
    /// Whether connecting again in the same way may help.
    pub retryable: bool,
    /// Whether somebody of the other role is on the path already.
    pub peer_present: bool,
    /// Whether the server proved to have the permanent key that this client knows.
    pub server_verified: bool,
    /// Whether a new handshake with the peer that left can succeed. If not: issue a new token
    /// (initiator), trust the peer (both), or use a new invitation (responder).
    pub can_rejoin: bool,
    /// An address on the path: 1 is the initiator, 2 to 255 are responders.
    pub address: u8,
    /// How the client knows that the peer left.
    pub peer_left: saltyrtc_peer_left,
    /// The public permanent key of the peer, SALTYRTC_KEY_BYTES bytes. Store it to trust the peer.
    pub peer_key: *const u8,
    /// The name of the task. NUL-terminated.
    pub task: *const c_char,
    /// Of what type the data is.
    pub payload: saltyrtc_payload,
    /// Data; see payload. Not NULL if data_len is not 0.
    pub data: *const u8,
    /// Bytes of data.
    pub data_len: usize,
}

/// An event with all that it points to. The first field is what C gets to see.
#[repr(C)]
#[derive(Debug)]
pub(super) struct OwnedEvent {
    flat: saltyrtc_event,
    /// Not changed any more: `flat` points into it, and so does it into the two texts.
    event: Event,
    text: Option<CString>,
    task: Option<CString>,
}

impl OwnedEvent {
    /// Boxed, so that the pointers into it stay right.
    pub(super) fn new(event: Event) -> Box<Self> {
        let flat = saltyrtc_event {
            struct_size: size_of::<saltyrtc_event>(),
            kind: saltyrtc_event_kind::Unknown,
            status: saltyrtc_status::Ok,
            text: ptr::null(),
            closed_by: saltyrtc_closed_by::Network,
            close_code: 0,
            retryable: false,
            peer_present: false,
            server_verified: false,
            can_rejoin: false,
            address: 0,
            peer_left: saltyrtc_peer_left::Disconnected,
            peer_key: ptr::null(),
            task: ptr::null(),
            payload: saltyrtc_payload::None,
            data: ptr::null(),
            data_len: 0,
        };
        let mut owned = Box::new(Self { flat, event, text: None, task: None });
        owned.fill();
        owned
    }

    pub(super) fn as_ptr(&self) -> *const saltyrtc_event {
        ptr::from_ref(self).cast()
    }

    /// Gives the event to C, which gives it back to saltyrtc_event_free.
    pub(super) fn into_raw(self: Box<Self>) -> *mut saltyrtc_event {
        Box::into_raw(self).cast()
    }

    fn fill(&mut self) {
        let Self { flat, event, text, task: task_name } = self;
        flat.kind = match event {
            Event::ServerHandshakeDone { address, peer_present, server_verified } => {
                flat.address = address.0;
                flat.peer_present = *peer_present;
                flat.server_verified = *server_verified;
                saltyrtc_event_kind::ServerHandshakeDone
            }
            Event::ResponderJoined(address) => {
                flat.address = address.get();
                saltyrtc_event_kind::ResponderJoined
            }
            Event::ResponderLeft(address) => {
                flat.address = address.get();
                saltyrtc_event_kind::ResponderLeft
            }
            Event::InitiatorJoined => saltyrtc_event_kind::InitiatorJoined,
            Event::TokenUsed => saltyrtc_event_kind::TokenUsed,
            Event::ResponderFailed { address, reason, text: why } => {
                flat.address = address.get();
                flat.close_code = reason.close_code().code();
                flat.text = text.insert(c_text(why)).as_ptr();
                saltyrtc_event_kind::ResponderFailed
            }
            Event::PeerHandshakeDone { address, peer_key, task, task_data } => {
                flat.address = address.0;
                flat.peer_key = peer_key.as_bytes().as_ptr();
                flat.task = task_name.insert(c_text(task)).as_ptr();
                flat.set_task_data(task_data);
                saltyrtc_event_kind::PeerHandshakeDone
            }
            Event::Application(payload) => {
                flat.set_payload(payload);
                saltyrtc_event_kind::Application
            }
            Event::Task(TaskEvent::Data(payload)) => {
                flat.set_payload(payload);
                saltyrtc_event_kind::Data
            }
            Event::Task(TaskEvent::Message(message)) => {
                flat.set_data(saltyrtc_payload::Msgpack, message.as_msgpack());
                saltyrtc_event_kind::TaskMessage
            }
            // Tasks that cannot be added to a configuration by way of the C ABI.
            Event::Task(_) => saltyrtc_event_kind::Unknown,
            Event::SendError(address) => {
                flat.address = address.0;
                saltyrtc_event_kind::SendError
            }
            Event::PeerLeft { address, how, can_rejoin } => {
                flat.address = address.0;
                flat.can_rejoin = *can_rejoin;
                flat.peer_left = match how {
                    PeerLeft::Disconnected => saltyrtc_peer_left::Disconnected,
                    PeerLeft::Unreachable => saltyrtc_peer_left::Unreachable,
                    PeerLeft::Replaced => saltyrtc_peer_left::Replaced,
                    PeerLeft::Dropped => saltyrtc_peer_left::Dropped,
                };
                saltyrtc_event_kind::PeerLeft
            }
            Event::Writable => saltyrtc_event_kind::Writable,
            Event::HandedOver => saltyrtc_event_kind::HandedOver,
            Event::Channel(ChannelTransmit::Message(message)) => {
                flat.set_data(saltyrtc_payload::Bytes, message);
                saltyrtc_event_kind::TransportSend
            }
            Event::Channel(ChannelTransmit::Close) => saltyrtc_event_kind::TransportClose,
            Event::Closed(closed) => {
                flat.text = text.insert(c_text(&closed.to_string())).as_ptr();
                flat.set_closed(closed);
                saltyrtc_event_kind::Closed
            }
        };
    }
}

impl saltyrtc_event {
    fn set_closed(&mut self, closed: &Closed) {
        self.status = (&closed.reason).into();
        self.close_code = closed.code.unwrap_or(0);
        self.retryable = closed.retryable;
        self.closed_by = match closed.by {
            ClosedBy::Us => saltyrtc_closed_by::Us,
            ClosedBy::Peer => saltyrtc_closed_by::Peer,
            ClosedBy::Server => saltyrtc_closed_by::Server,
            ClosedBy::Network => saltyrtc_closed_by::Network,
        };
    }

    fn set_task_data(&mut self, data: &TaskData) {
        if let Some(map) = data.as_map() {
            self.set_data(saltyrtc_payload::Msgpack, map);
        }
    }

    fn set_payload(&mut self, payload: &Payload) {
        if let Some(bytes) = payload.as_bytes() {
            self.set_data(saltyrtc_payload::Bytes, bytes);
        } else if let Some(text) = payload.as_text() {
            self.set_data(saltyrtc_payload::Text, text.as_bytes());
        } else {
            self.set_data(saltyrtc_payload::Msgpack, payload.as_msgpack());
        }
    }

    fn set_data(&mut self, payload: saltyrtc_payload, data: &[u8]) {
        self.payload = payload;
        self.data = data.as_ptr();
        self.data_len = data.len();
    }
}

/// Frees an event of saltyrtc_client_next_event (not one that a callback got). NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_event_free(event: *mut saltyrtc_event) {
    if !event.is_null() {
        silent_entry(|| drop(Box::from_raw(event.cast::<OwnedEvent>())));
    }
}
