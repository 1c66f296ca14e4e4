//! Events for C: converts an event of the library to the fields that its kind has.

use std::ffi::c_char;
use std::ptr;

use super::*;
use crate::client::{Closed, ClosedBy, Event, PeerLeft};
use crate::ffi::declare;
use crate::ffi::status::saltyrtc_retry;
use crate::protocol::message::{Payload, TaskData};
use crate::protocol::{ChannelTransmit, DropReason};
use crate::task::webrtc::{Candidate, SessionDescription};
use crate::task::{
    ChannelEvent, ChannelFailure, ChannelMessageError, ChannelOpenError, ConnectionEvent,
    ConnectionFailure, ConnectionProblem, ConnectionState, Reliability, TaskEvent,
};

/// An event with all that it points to. The first field is what C gets to see.
#[repr(C)]
#[derive(Debug)]
pub(in crate::ffi) struct OwnedEvent {
    fields: Fields,
    /// Not changed any more: the fields point into it.
    content: Content,
}

/// What an event is made of.
#[derive(Debug)]
pub(in crate::ffi) enum Content {
    Client(Event),
    Posted(Posted),
}

impl From<Event> for Content {
    fn from(event: Event) -> Self {
        Self::Client(event)
    }
}

/// The fields of an event. They point into the event that they were made of, which has to stay where it is,
/// and into what is kept here.
#[repr(C)]
#[derive(Debug)]
pub(in crate::ffi) struct Fields {
    pub(super) flat: saltyrtc_event,
    pub(super) texts: Texts,
    candidates: Vec<saltyrtc_candidate>,
    pub(super) ice_candidates: Vec<saltyrtc_ice_candidate>,
    pub(super) fingerprints: Vec<saltyrtc_dtls_fingerprint>,
}

/// Texts for C: with a NUL at the end, and perhaps others before.
#[derive(Debug, Default)]
pub(super) struct Texts(Vec<Box<[u8]>>);

/// A text and its length, without the NUL at the end.
pub(super) type Text = (*const c_char, usize);

impl Texts {
    /// Keeps a copy of `text`. The pointer stays right as long as this is there.
    pub(super) fn add(&mut self, text: &str) -> Text {
        let mut copy = Vec::with_capacity(text.len() + 1);
        copy.extend_from_slice(text.as_bytes());
        copy.push(0);
        // The text itself does not move when the list does.
        self.0.push(copy.into_boxed_slice());
        (self.0.last().map_or(ptr::null(), |text| text.as_ptr().cast()), text.len())
    }

    /// Keeps a copy of `bytes`.
    pub(super) fn add_bytes(&mut self, bytes: &[u8]) -> &[u8] {
        self.0.push(bytes.into());
        self.0.last().map_or(&[], |bytes| bytes)
    }

    pub(super) fn add_optional(&mut self, text: Option<&str>) -> Text {
        text.map_or((ptr::null(), 0), |text| self.add(text))
    }
}

impl OwnedEvent {
    /// Boxed, so that the pointers into it stay right.
    pub(in crate::ffi) fn new(token: u64, content: impl Into<Content>) -> Box<Self> {
        let content = content.into();
        let mut owned = Box::new(Self { fields: Fields::none(token), content });
        let Self { fields, content } = &mut *owned;
        fields.fill(content);
        owned
    }

    pub(in crate::ffi) fn as_ptr(&self) -> *const saltyrtc_event {
        ptr::from_ref(self).cast()
    }

    /// Gives the event to C, which gives it back to saltyrtc_event_free.
    pub(in crate::ffi) fn into_raw(self: Box<Self>) -> *mut saltyrtc_event {
        Box::into_raw(self).cast()
    }
}

impl Fields {
    fn none(token: u64) -> Self {
        let struct_size = size_of::<saltyrtc_event>();
        let flat = saltyrtc_event { struct_size, token, ..declare::zeroed() };
        Self {
            flat,
            texts: Texts::default(),
            candidates: Vec::new(),
            ice_candidates: Vec::new(),
            fingerprints: Vec::new(),
        }
    }

    /// Of an event of a client.
    pub(in crate::ffi) fn of_client(token: u64, event: &Event) -> Self {
        let mut fields = Self::none(token);
        fields.set(event);
        fields.check();
        fields
    }

    pub(in crate::ffi) fn of(token: u64, content: &Content) -> Self {
        let mut fields = Self::none(token);
        fields.fill(content);
        fields
    }

    pub(in crate::ffi) const fn get(&self) -> &saltyrtc_event {
        &self.flat
    }

    fn fill(&mut self, content: &Content) {
        match content {
            Content::Client(event) => self.set(event),
            Content::Posted(posted) => self.set_posted(posted),
        }
        self.check();
    }

    fn check(&self) {
        debug_assert_eq!(self.flat.wrong_field(), None, "{:?}", self.flat.kind);
    }

    fn set(&mut self, event: &Event) {
        let Self { flat, texts, candidates, .. } = self;
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
                flat.status = failure(*reason);
                flat.close_code = reason.close_code().code();
                (flat.text, flat.text_len) = texts.add(why);
                saltyrtc_event_kind::ResponderFailed
            }
            Event::PeerHandshakeDone { address, peer_key, task, task_data } => {
                flat.address = address.0;
                flat.peer_key = peer_key.as_bytes().as_ptr();
                (flat.task, flat.task_len) = texts.add(task);
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
            Event::Task(TaskEvent::Ortc(message)) => return self.set_ortc(message),
            Event::Task(TaskEvent::Connection(ConnectionEvent::State(state))) => {
                flat.connection_state = state.into();
                if let ConnectionState::Failed(why) = state {
                    flat.status = connection_failure(why);
                }
                (flat.text, flat.text_len) = texts.add(&state.to_string());
                saltyrtc_event_kind::ConnectionState
            }
            Event::Task(TaskEvent::Connection(ConnectionEvent::Problem(problem))) => {
                flat.status = connection_problem(problem);
                (flat.text, flat.text_len) = texts.add(&problem.to_string());
                saltyrtc_event_kind::ConnectionProblem
            }
            Event::Task(TaskEvent::Channel(event)) => flat.set_channel_event(event, texts),
            Event::HandedOver => saltyrtc_event_kind::HandedOver,
            Event::SignallingChannel(ChannelTransmit::Message(message)) => {
                flat.set_data(saltyrtc_payload::Bytes, message);
                saltyrtc_event_kind::TransportSend
            }
            Event::SignallingChannel(ChannelTransmit::Close) => saltyrtc_event_kind::TransportClose,
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
            Event::LowWater => saltyrtc_event_kind::LowWater,
            Event::Closed(closed) => {
                (flat.text, flat.text_len) = texts.add(&closed.to_string());
                flat.set_closed(closed);
                saltyrtc_event_kind::Closed
            }
        };
    }
}

/// What a responder did wrong that was dropped for this reason.
fn failure(reason: DropReason) -> saltyrtc_status {
    match reason {
        DropReason::ProtocolError => saltyrtc_status::PeerProtocolError,
        DropReason::InternalError => saltyrtc_status::RemoteInternalError,
        // For a responder that the application drops there is no such event: this one took too long.
        DropReason::DroppedByInitiator => saltyrtc_status::PeerHandshakeTimeout,
        DropReason::InitiatorCouldNotDecrypt => saltyrtc_status::InitiatorCouldNotDecrypt,
    }
}

/// Why a connection to the peer does not work any more.
fn connection_failure(why: &ConnectionFailure) -> saltyrtc_status {
    match why {
        ConnectionFailure::NoCommonCertificate(_)
        | ConnectionFailure::NoPeerCertificate
        | ConnectionFailure::OtherPeerCertificate => saltyrtc_status::PeerCertificate,
        ConnectionFailure::Description(_) => saltyrtc_status::PeerDescription,
        ConnectionFailure::OwnCertificate(_)
        | ConnectionFailure::NoAnswer
        | ConnectionFailure::Dtls(_)
        | ConnectionFailure::Sctp(_) => saltyrtc_status::RtcFailed,
    }
}

/// What cannot be used.
fn connection_problem(what: &ConnectionProblem) -> saltyrtc_status {
    match what {
        ConnectionProblem::IceServer { .. } => saltyrtc_status::IceServerUnusable,
        ConnectionProblem::Candidate(_) => saltyrtc_status::PeerCandidate,
        ConnectionProblem::Description(_) => saltyrtc_status::PeerDescription,
        ConnectionProblem::Handover(_) => saltyrtc_status::NoHandover,
        ConnectionProblem::TooManyChannels => saltyrtc_status::TooManyChannels,
        ConnectionProblem::PortsInUse { .. } | ConnectionProblem::AddressesLeftOut { .. } => {
            saltyrtc_status::OutOfResources
        }
    }
}

/// Why a channel is closed that neither client has closed.
fn channel_failure(why: &ChannelFailure) -> saltyrtc_status {
    match why {
        ChannelFailure::NotOpened(error) => match error {
            ChannelOpenError::Ended => saltyrtc_status::PeerClosed,
            ChannelOpenError::TooManyChannels => saltyrtc_status::TooManyChannels,
            ChannelOpenError::QueueFull => saltyrtc_status::QueueFull,
            ChannelOpenError::IdInUse
            | ChannelOpenError::IdOutOfRange
            | ChannelOpenError::TextTooLong => saltyrtc_status::BadArgument,
        },
        ChannelFailure::PeerAllowsFewer => saltyrtc_status::TooManyChannels,
        ChannelFailure::Refused => saltyrtc_status::ChannelRefused,
        ChannelFailure::Message(error) => match error {
            ChannelMessageError::Chunk(error) if !error.is_limit() => saltyrtc_status::BadChunk,
            ChannelMessageError::Sealed(_) => saltyrtc_status::DecryptionFailed,
            ChannelMessageError::Chunk(_)
            | ChannelMessageError::TooLarge { .. }
            | ChannelMessageError::TooManyIncomplete => saltyrtc_status::ReceivedTooBig,
        },
        ChannelFailure::Connection(why) => connection_failure(why),
        ChannelFailure::ConnectionEnded => saltyrtc_status::PeerClosed,
        ChannelFailure::ConnectionReplaced => saltyrtc_status::RtcReplaced,
        ChannelFailure::PeerLeft => saltyrtc_status::PeerLeft,
    }
}

fn candidate(candidate: Option<&Candidate>, texts: &mut Texts) -> saltyrtc_candidate {
    let mut add = |text: Option<&str>| texts.add_optional(text);
    let (attribute, candidate_len) = add(candidate.map(|it| it.candidate.as_str()));
    let (sdp_mid, sdp_mid_len) = add(candidate.and_then(|it| it.sdp_mid.as_deref()));
    let (username_fragment, username_fragment_len) =
        add(candidate.and_then(|it| it.username_fragment.as_deref()));
    saltyrtc_candidate {
        candidate: attribute,
        candidate_len,
        sdp_mid,
        sdp_mid_len,
        username_fragment,
        username_fragment_len,
        sdp_m_line_index: candidate.and_then(|it| it.sdp_m_line_index).map_or(-1, i32::from),
    }
}

impl saltyrtc_event {
    fn set_description(&mut self, description: &SessionDescription, texts: &mut Texts) {
        (self.sdp_type, _) = texts.add(description.kind().name());
        (self.sdp, self.sdp_len) = texts.add_optional(description.sdp());
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
                (self.label, self.label_len) = texts.add(label);
                (self.channel_protocol, self.channel_protocol_len) = texts.add(protocol);
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
                if let Some(why) = error {
                    self.status = channel_failure(why);
                    (self.text, self.text_len) = texts.add(&why.to_string());
                }
                saltyrtc_event_kind::ChannelClosed
            }
        }
    }

    fn set_closed(&mut self, closed: &Closed) {
        self.status = (&closed.reason).into();
        self.close_code = closed.code.unwrap_or(0);
        self.retryable = self.status.retry() != saltyrtc_retry::Never;
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

    pub(super) fn set_data(&mut self, payload: saltyrtc_payload, data: &[u8]) {
        self.payload = payload;
        self.data = data.as_ptr();
        self.data_len = data.len();
    }
}

#[cfg(test)]
pub(in crate::ffi) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::client::EndReason;
    use crate::crypto::{KeyPair, OsRandom};
    use crate::ffi::declare::CEnum;
    use crate::protocol::message::TaskMessage;
    use crate::protocol::{Address, ResponderAddress};
    use crate::task::ConnectionState;
    use crate::task::webrtc::SdpType;

    const MAP: [u8; 8] = [0x81, 0xa4, b't', b'y', b'p', b'e', 0xa1, b'x'];

    /// Events of every kind, with as many fields set as there can be, and with as few.
    pub(in crate::ffi) fn contents() -> Vec<Content> {
        let mut contents: Vec<_> = events().into_iter().map(Content::Client).collect();
        for dropped in [0, u64::MAX] {
            let (level, text) = (saltyrtc_log_level::Warn, "it is\0late".into());
            let target = "saltyrtc::client";
            contents.push(Content::Posted(Posted::Log { level, target, text, dropped }));
        }
        for status in [saltyrtc_status::Ok, saltyrtc_status::Timeout] {
            contents.push(Content::Posted(Posted::ServerStopped { status }));
        }
        contents
    }

    /// Those of clients.
    fn events() -> Vec<Event> {
        let initiator = Address(1);
        let responder = ResponderAddress::new(2).unwrap();
        let task = |event| Event::Task(event);
        let channel = |event| task(TaskEvent::Channel(event));
        let opened = |reliability| {
            channel(ChannelEvent::Opened {
                channel: 1,
                label: "label".into(),
                protocol: String::new(),
                ordered: false,
                reliability,
                secure: false,
                by_peer: true,
            })
        };
        let message = |text, data| channel(ChannelEvent::Message { channel: 1, text, data });
        let mut events = vec![
            Event::ServerHandshakeDone {
                address: initiator,
                peer_present: true,
                server_verified: true,
            },
            Event::ServerHandshakeDone {
                address: responder.into(),
                peer_present: false,
                server_verified: false,
            },
            Event::ResponderJoined(responder),
            Event::ResponderLeft(responder),
            Event::InitiatorJoined,
            Event::TokenUsed,
            Event::Application(Payload::from_bytes(b"")),
            task(TaskEvent::Data(Payload::from_text("text"))),
            task(TaskEvent::Message(TaskMessage::from_msgpack(MAP.to_vec()).unwrap())),
            task(TaskEvent::Offer(SessionDescription::new(SdpType::Offer, "v=0"))),
            task(TaskEvent::Answer(SessionDescription::rollback())),
            task(TaskEvent::Candidates(Vec::new())),
            task(TaskEvent::Candidates(vec![None])),
            task(TaskEvent::Connection(ConnectionEvent::State(ConnectionState::New))),
            task(TaskEvent::Connection(ConnectionEvent::State(ConnectionState::Closed))),
            task(TaskEvent::Connection(ConnectionEvent::Problem(
                ConnectionProblem::TooManyChannels,
            ))),
            opened(Reliability::Reliable),
            opened(Reliability::MaxRetransmits(0)),
            opened(Reliability::MaxLifetime(Duration::from_secs(1))),
            message(true, b"text".as_slice().into()),
            message(false, Default::default()),
            channel(ChannelEvent::LowWater { channel: 1 }),
            channel(ChannelEvent::Closed { channel: 1, error: None }),
            channel(ChannelEvent::Closed { channel: 1, error: Some(ChannelFailure::Refused) }),
            task(TaskEvent::Connection(ConnectionEvent::State(ConnectionState::Failed(
                ConnectionFailure::NoAnswer,
            )))),
            Event::HandedOver,
            Event::SignallingChannel(ChannelTransmit::Message(b"sealed".as_slice().into())),
            Event::SignallingChannel(ChannelTransmit::Close),
            Event::SendError(initiator),
            Event::PeerLeft { address: initiator, how: PeerLeft::Disconnected, can_rejoin: false },
            Event::PeerLeft { address: initiator, how: PeerLeft::Dropped, can_rejoin: true },
            Event::Writable,
            Event::LowWater,
        ];
        events.extend(super::super::ortc::tests::messages().map(|it| task(TaskEvent::Ortc(it))));
        for task_data in [TaskData::NIL, TaskData::from_map(MAP.to_vec()).unwrap()] {
            events.push(Event::PeerHandshakeDone {
                address: initiator,
                peer_key: *KeyPair::generate(&mut OsRandom).public(),
                task: "v1.example.org".into(),
                task_data,
            });
        }
        for code in [3001, 3002, 3004, 3005] {
            let reason = DropReason::from_code(code).unwrap();
            let text = "why".into();
            events.push(Event::ResponderFailed { address: responder, reason, text });
        }
        for (by, code, reason) in [
            (ClosedBy::Us, None, EndReason::Requested),
            (ClosedBy::Server, Some(3000), EndReason::PathFull),
        ] {
            events.push(Event::Closed(Closed { by, code, reason }));
        }
        events
    }

    #[test]
    fn every_event_has_the_fields_of_its_kind_and_no_others() {
        let mut missing = saltyrtc_event_kind::ALL.to_vec();
        missing.retain(|kind| *kind != saltyrtc_event_kind::Unknown);
        for content in contents() {
            let said = format!("{content:?}");
            // In builds with debug assertions, making one would fail already.
            let event = *Fields::of(7, &content).get();
            assert_eq!(event.wrong_field(), None, "{said}");
            missing.retain(|kind| *kind != event.kind);
        }
        assert_eq!(missing, [], "kinds that no event was made of");
    }

    #[test]
    fn a_field_too_few_or_too_many_is_noticed() {
        let mut event = *Fields::of_client(7, &Event::SendError(Address(1))).get();
        event.address = 0;
        assert_eq!(event.wrong_field(), Some("address"));
        event.address = 1;
        event.task = c"task".as_ptr();
        assert_eq!(event.wrong_field(), Some("task"));
        event.kind = saltyrtc_event_kind::PeerHandshakeDone;
        assert_eq!(event.wrong_field(), Some("peer_key"));
    }
}
