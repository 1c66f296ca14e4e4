//! Events.

use std::ffi::{CString, c_char};
use std::mem::size_of;
use std::ptr;

use crate::client::{Closed, ClosedBy, Event, PeerLeft};
use crate::ffi::error::{c_text, silent_entry};
use crate::ffi::status::saltyrtc_status;
use crate::ffi::webrtc::saltyrtc_candidate;
use crate::protocol::ChannelTransmit;
use crate::protocol::message::{Payload, TaskData};
use crate::task::webrtc::{Candidate, SessionDescription};
use crate::task::{ChannelEvent, ConnectionEvent, ConnectionState, Reliability, TaskEvent};

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
    /// WebRTC task: the initiator's offer. Fields: sdp_type, sdp.
    Offer = 15,
    /// WebRTC task: the responder's answer. Fields: sdp_type, sdp.
    Answer = 16,
    /// WebRTC task: ICE candidates of the peer. Fields: candidates, candidates_len.
    Candidates = 17,
    /// Both clients have handed the signalling over to a data channel; the connection to the server
    /// ends.
    HandedOver = 18,
    /// Send this as one binary message on the data channel of the signalling: see
    /// saltyrtc_client_hand_over. Fields: data, data_len.
    TransportSend = 19,
    /// Close the data channel of the signalling, after what was sent was delivered.
    TransportClose = 20,
    /// Built-in WebRTC: the connection to the peer is doing differently now. Fields: connection_state,
    /// text.
    ConnectionState = 21,
    /// Built-in WebRTC: something is of no use, an ICE server or a candidate of the peer for example, and
    /// the connection goes on without it. Fields: text.
    ConnectionProblem = 22,
    /// Built-in WebRTC: a channel can be used, opened by this client or by the peer. Fields: channel,
    /// label, channel_protocol, unordered, reliability, reliability_limit, plain, opened_by_peer.
    ChannelOpened = 23,
    /// Built-in WebRTC: a message on a channel. Fields: channel, payload, data, data_len.
    ChannelMessage = 24,
    /// Built-in WebRTC: what waits to be sent on a channel has fallen to its low-water mark; or, after
    /// SALTYRTC_STATUS_QUEUE_FULL, there is room again. Fields: channel.
    ChannelLowWater = 25,
    /// Built-in WebRTC: a channel is closed, or could not be opened; nothing follows for it. Fields:
    /// channel, text (why; NULL if one of the two sides just closed it).
    ChannelClosed = 26,
}

/// How the connection of the built-in WebRTC to the peer is doing.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum saltyrtc_connection_state {
    /// The two sides have not told each other yet how they can be reached.
    New = 0,
    /// A path to the peer is looked for, or the keys are being agreed on.
    Connecting = 1,
    /// Channels can be used.
    Connected = 2,
    /// The peer has not answered for a while. This may pass by itself; channels keep what is sent.
    Disconnected = 3,
    /// No path to the peer was found, or it was lost for 30 seconds and longer. Before the handover the
    /// initiator can try again with saltyrtc_client_restart_ice; after it there is no way left to the
    /// peer, and the client is closed (SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST).
    Unreachable = 4,
    /// The connection cannot be used any more.
    Failed = 5,
    /// It has ended: the peer closed it, or left.
    Closed = 6,
}

impl From<&ConnectionState> for saltyrtc_connection_state {
    fn from(state: &ConnectionState) -> Self {
        match state {
            ConnectionState::New => Self::New,
            ConnectionState::Connecting => Self::Connecting,
            ConnectionState::Connected => Self::Connected,
            ConnectionState::Disconnected => Self::Disconnected,
            ConnectionState::Unreachable => Self::Unreachable,
            ConnectionState::Failed(_) => Self::Failed,
            ConnectionState::Closed => Self::Closed,
        }
    }
}

/// How hard messages of a channel are tried to be delivered.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum saltyrtc_reliability {
    /// Until they have arrived.
    Reliable = 0,
    /// They are sent again so many times at most.
    MaxRetransmits = 1,
    /// They are sent again no longer than so many milliseconds.
    MaxLifetime = 2,
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
    /// The RTCSdpType: "offer", "pranswer", "answer" or "rollback". NUL-terminated.
    pub sdp_type: *const c_char,
    /// The session description. NUL-terminated; NULL if a "rollback" has none.
    pub sdp: *const c_char,
    /// Candidates, in the order in which to add them.
    pub candidates: *const saltyrtc_candidate,
    /// How many candidates there are.
    pub candidates_len: usize,
    /// How the connection to the peer is doing.
    pub connection_state: saltyrtc_connection_state,
    /// The number of a channel.
    pub channel: u32,
    /// The name of a channel. NUL-terminated.
    pub label: *const c_char,
    /// What is spoken on a channel. NUL-terminated.
    pub channel_protocol: *const c_char,
    /// Whether messages can get lost.
    pub reliability: saltyrtc_reliability,
    /// With MAX_RETRANSMITS a number, with MAX_LIFETIME milliseconds.
    pub reliability_limit: u32,
    /// Whether messages may arrive in another order than they were sent in.
    pub unordered: bool,
    /// Whether messages are encrypted by WebRTC only, and not with the keys of the two clients inside of
    /// that.
    pub plain: bool,
    /// Whether the peer opened the channel.
    pub opened_by_peer: bool,
}

/// An event with all that it points to. The first field is what C gets to see.
#[repr(C)]
#[derive(Debug)]
pub(super) struct OwnedEvent {
    flat: saltyrtc_event,
    /// Not changed any more: `flat` points into it, the texts and the candidates.
    event: Event,
    texts: Texts,
    candidates: Vec<saltyrtc_candidate>,
}

/// Texts for C.
#[derive(Debug, Default)]
struct Texts(Vec<CString>);

impl Texts {
    /// Keeps a copy of `text`. The pointer stays right as long as this is there.
    fn add(&mut self, text: &str) -> *const c_char {
        self.0.push(c_text(text));
        // The text itself does not move when the list does.
        self.0.last().map_or(ptr::null(), |text| text.as_ptr())
    }

    fn add_optional(&mut self, text: Option<&str>) -> *const c_char {
        text.map_or(ptr::null(), |text| self.add(text))
    }
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
            sdp_type: ptr::null(),
            sdp: ptr::null(),
            candidates: ptr::null(),
            candidates_len: 0,
            connection_state: saltyrtc_connection_state::New,
            channel: 0,
            label: ptr::null(),
            channel_protocol: ptr::null(),
            reliability: saltyrtc_reliability::Reliable,
            reliability_limit: 0,
            unordered: false,
            plain: false,
            opened_by_peer: false,
        };
        let texts = Texts::default();
        let mut owned = Box::new(Self { flat, event, texts, candidates: Vec::new() });
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
        let Self { flat, event, texts, candidates } = self;
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
                flat.text = texts.add(why);
                saltyrtc_event_kind::ResponderFailed
            }
            Event::PeerHandshakeDone { address, peer_key, task, task_data } => {
                flat.address = address.0;
                flat.peer_key = peer_key.as_bytes().as_ptr();
                flat.task = texts.add(task);
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
            Event::Task(TaskEvent::Offer(description)) => {
                flat.set_description(description, texts);
                saltyrtc_event_kind::Offer
            }
            Event::Task(TaskEvent::Answer(description)) => {
                flat.set_description(description, texts);
                saltyrtc_event_kind::Answer
            }
            Event::Task(TaskEvent::Candidates(list)) => {
                candidates.extend(list.iter().map(|it| candidate(it.as_ref(), texts)));
                flat.candidates = candidates.as_ptr();
                flat.candidates_len = candidates.len();
                saltyrtc_event_kind::Candidates
            }
            Event::Task(TaskEvent::Connection(ConnectionEvent::State(state))) => {
                flat.connection_state = (&*state).into();
                flat.text = texts.add(&state.to_string());
                saltyrtc_event_kind::ConnectionState
            }
            Event::Task(TaskEvent::Connection(ConnectionEvent::Problem(problem))) => {
                flat.text = texts.add(problem);
                saltyrtc_event_kind::ConnectionProblem
            }
            Event::Task(TaskEvent::Channel(event)) => flat.set_channel_event(event, texts),
            Event::HandedOver => saltyrtc_event_kind::HandedOver,
            Event::Channel(ChannelTransmit::Message(message)) => {
                flat.set_data(saltyrtc_payload::Bytes, message);
                saltyrtc_event_kind::TransportSend
            }
            Event::Channel(ChannelTransmit::Close) => saltyrtc_event_kind::TransportClose,
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
            Event::Closed(closed) => {
                flat.text = texts.add(&closed.to_string());
                flat.set_closed(closed);
                saltyrtc_event_kind::Closed
            }
        };
    }
}

fn candidate(candidate: Option<&Candidate>, texts: &mut Texts) -> saltyrtc_candidate {
    saltyrtc_candidate {
        candidate: texts.add_optional(candidate.map(|it| it.candidate.as_str())),
        sdp_mid: texts.add_optional(candidate.and_then(|it| it.sdp_mid.as_deref())),
        username_fragment: texts
            .add_optional(candidate.and_then(|it| it.username_fragment.as_deref())),
        sdp_m_line_index: candidate.and_then(|it| it.sdp_m_line_index).map_or(-1, i32::from),
    }
}

impl saltyrtc_event {
    fn set_description(&mut self, description: &SessionDescription, texts: &mut Texts) {
        self.sdp_type = texts.add(description.kind().name());
        self.sdp = texts.add_optional(description.sdp());
    }

    fn set_channel_event(
        &mut self,
        event: &ChannelEvent,
        texts: &mut Texts,
    ) -> saltyrtc_event_kind {
        match event {
            ChannelEvent::Opened {
                channel,
                label,
                protocol,
                ordered,
                reliability,
                secure,
                by_peer,
            } => {
                self.channel = *channel;
                self.label = texts.add(label);
                self.channel_protocol = texts.add(protocol);
                self.unordered = !ordered;
                self.plain = !secure;
                self.opened_by_peer = *by_peer;
                (self.reliability, self.reliability_limit) = match reliability {
                    Reliability::Reliable => (saltyrtc_reliability::Reliable, 0),
                    Reliability::MaxRetransmits(times) => {
                        (saltyrtc_reliability::MaxRetransmits, (*times).into())
                    }
                    Reliability::MaxLifetime(time) => {
                        let time = time.as_millis().try_into().unwrap_or(u32::MAX);
                        (saltyrtc_reliability::MaxLifetime, time)
                    }
                };
                saltyrtc_event_kind::ChannelOpened
            }
            ChannelEvent::Message { channel, text, data } => {
                self.channel = *channel;
                let payload = if *text { saltyrtc_payload::Text } else { saltyrtc_payload::Bytes };
                self.set_data(payload, data);
                saltyrtc_event_kind::ChannelMessage
            }
            ChannelEvent::LowWater { channel } => {
                self.channel = *channel;
                saltyrtc_event_kind::ChannelLowWater
            }
            ChannelEvent::Closed { channel, error } => {
                self.channel = *channel;
                self.text = texts.add_optional(error.as_deref());
                saltyrtc_event_kind::ChannelClosed
            }
        }
    }

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
