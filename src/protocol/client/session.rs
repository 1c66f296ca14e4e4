//! The relation to the authenticated peer, while a task runs.

use std::time::Instant;

use bytes::Bytes;

use super::WhenPeerLeaves;
use super::bundle::Bundle;
use super::core::Core;
use super::event::{Closed, ClosedBy, EndReason, Event, PeerLeft};
use super::handover::{HANDOVER, Handover};
use crate::crypto::{Content, Implementation, OpenError, PublicKey, SharedKey};
use crate::protocol::message::{Application, Close, Fields, TaskData, TaskMessage};
use crate::protocol::{Address, CloseCode, Link, Nonce, Role, SecureChannel};

/// Everything about the authenticated peer. Thrown away as a whole when the peer is gone.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) address: Address,
    pub(super) link: Link,
    /// Between the two session keys.
    pub(super) key: SharedKey,
    pub(super) peer_key: PublicKey,
    /// Which of our tasks was chosen. It was started.
    pub(super) task: usize,
    /// Waits to be sent with more of its kind.
    pub(super) bundle: Option<Bundle>,
    /// If the two clients agreed on one.
    pub(super) handover: Option<Handover>,
}

/// What a valid message of the peer turned out to be.
enum Received {
    Event(Event),
    /// The task keeps it to itself.
    Nothing,
    Close(CloseCode),
    /// The signalling goes on over the data channel.
    Handover,
}

/// Where a message came from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    WebSocket,
    Channel,
}

impl Core {
    /// Both clients have authenticated each other, and the task `task` was started.
    pub(super) fn begin_session(
        &mut self,
        address: Address,
        link: Link,
        key: SharedKey,
        peer_key: PublicKey,
        task: usize,
    ) {
        let handover = self.tasks[task].signalling_channel().map(|channel| {
            // Spec: W-002 (Secure Data Channel (Terminology))
            // Spec: W-015 (Secure Data Channel)
            // Spec: W-028 (Signalling Channel Handover)
            let secure = SecureChannel::for_signalling(channel.id, &key, &mut *self.random.0);
            Handover::new(channel, secure, self.limits.max_message_size)
        });
        let bundle = None;
        // Spec: P-274 ('auth' Message)
        self.session = Some(Session { address, link, key, peer_key, task, bundle, handover });
    }

    /// Tells the application of the peer.
    pub(super) fn announce_peer(&mut self, task_data: TaskData) {
        let Some(session) = &self.session else { return };
        let (address, peer_key) = (session.address, session.peer_key);
        let task = self.tasks[session.task].name().to_owned();
        self.event(Event::PeerHandshakeDone { address, peer_key, task, task_data });
    }

    /// A message of the authenticated peer, over the WebSocket.
    pub(super) fn handle_session_message(
        &mut self,
        now: Instant,
        nonce: &Nonce,
        nonce_bytes: &[u8; Nonce::BYTES],
        data: &[u8],
    ) {
        match self.read_session_message(nonce, nonce_bytes, data) {
            Ok(Received::Handover) => self.peer_handed_over(now),
            result => self.handle_received(result),
        }
    }

    /// The content of a message of the authenticated peer, over the data channel.
    pub(super) fn handle_channel_plain(&mut self, plain: Vec<u8>) {
        // Spec: W-057 (Client-to-Client Messages)
        let result = self.interpret(plain.into(), Way::Channel);
        self.handle_received(result);
    }

    fn handle_received(&mut self, received: Result<Received, String>) {
        match received {
            Ok(Received::Event(event)) => self.event(event),
            Ok(Received::Nothing | Received::Handover) => {}
            Ok(Received::Close(code)) => self.peer_closed(code),
            Err(text) => self.peer_broke_the_protocol(text),
        }
    }

    fn read_session_message(
        &mut self,
        nonce: &Nonce,
        nonce_bytes: &[u8; Nonce::BYTES],
        data: &[u8],
    ) -> Result<Received, String> {
        let Some(session) = &self.session else { return Err("there is no session".into()) };
        // Spec: R-016 (Receiving a Message)
        let checked = session.link.check(nonce).map_err(|error| error.to_string())?;
        let plain = self.open(session, nonce_bytes, data).map_err(|error| error.to_string())?;
        let received = self.interpret(plain.into(), Way::WebSocket)?;
        if let Some(session) = &mut self.session {
            session.link.commit(checked);
        }
        Ok(received)
    }

    /// Opens a message of the peer that came over the WebSocket.
    ///
    /// What kind it is of stands inside. So one that may carry bulk data is opened as such, and once more if
    /// it turns out to be signalling, which no other implementation of NaCl has a say in.
    fn open(
        &self,
        session: &Session,
        nonce: &[u8; Nonce::BYTES],
        sealed: &[u8],
    ) -> Result<Vec<u8>, OpenError> {
        let Some(data_type) = self.tasks[session.task].data_type() else {
            return session.key.open(nonce, sealed);
        };
        let plain = session.key.for_content(Content::RelayedData).open(nonce, sealed)?;
        let is_data = || Fields::parse(&plain).is_ok_and(|fields| fields.kind() == data_type);
        match Content::RelayedData.implementation(plain.len()) {
            Implementation::Vectorised if !is_data() => session.key.open(nonce, sealed),
            _ => Ok(plain),
        }
    }

    /// What the content of a message of the peer says.
    fn interpret(&mut self, plain: Bytes, way: Way) -> Result<Received, String> {
        let Some(session) = &self.session else { return Err("there is no session".into()) };
        let fields = Fields::parse(&plain).map_err(|error| error.to_string())?;
        if let Some(handover) = &session.handover {
            // Some peers say it twice, the second time perhaps over the channel.
            if fields.kind() == HANDOVER {
                return Ok(Received::Handover);
            }
            // Spec: W-032 W-034 (Signalling Channel Handover)
            // Spec: W-092 W-093 ('handover' Message)
            if handover.received && way == Way::WebSocket {
                return Err("it went on over the server after its 'handover'".into());
            }
        }
        match fields.kind() {
            // Spec: P-278 P-279 P-283 ('application' Message)
            "application" => Application::from_fields(&plain, fields)
                .map(|message| Received::Event(Event::Application(message.data)))
                .map_err(|error| error.to_string()),
            // Spec: R-017 (Receiving a Message)
            "close" => Close::from_fields(fields)
                .map(|message| Received::Close(message.reason))
                .map_err(|error| error.to_string()),
            _ => {
                let message = TaskMessage::from_parsed(plain.clone());
                // Spec: P-297 (Tasks)
                let event = self.tasks[session.task].handle_message(message)?;
                Ok(event.map_or(Received::Nothing, |event| Received::Event(Event::Task(event))))
            }
        }
    }

    /// The peer asked to end the connection (protocol, *'close' Message*).
    pub(super) fn peer_closed(&mut self, code: CloseCode) {
        let reason = match code {
            CloseCode::NoSharedTask => EndReason::NoSharedTask,
            CloseCode::ProtocolError => EndReason::AccusedOfProtocolError,
            code => EndReason::PeerClosed(code),
        };
        let closed =
            Closed { by: ClosedBy::Peer, code: Some(code.code()), reason, retryable: false };
        // Spec: P-293 ('close' Message)
        self.finish_as(closed, CloseCode::GoingAway);
    }

    /// The authenticated peer made a mistake: tell it, and end the connection.
    pub(super) fn peer_broke_the_protocol(&mut self, text: String) {
        // The text is for the application: it may quote the peer, which does not belong into a log.
        tracing::warn!("the peer broke the protocol");
        // Spec: P-227 P-228 (Client-to-Client Messages)
        self.close_session(EndReason::PeerProtocolError(text), CloseCode::ProtocolError);
    }

    /// Sends 'close' with `code` to the peer if there is one, then ends the connection normally.
    pub(super) fn close_session(&mut self, reason: EndReason, code: CloseCode) {
        // Spec: P-286 ('close' Message)
        if self.session.is_some() {
            self.flush_bundle();
            // Spec: P-285 ('close' Message)
            // Fails only if the connection is over anyway.
            let _ = self.send_to_peer(&Close { reason: code }.serialise());
        }
        self.closed_by_us(reason, code);
    }

    /// Ends the connection normally, after the peer was told with `code` why.
    pub(super) fn closed_by_us(&mut self, reason: EndReason, code: CloseCode) {
        let retryable = reason == EndReason::HandoverTimeout;
        let closed = Closed { by: ClosedBy::Us, code: Some(code.code()), reason, retryable };
        // Spec: P-290 ('close' Message)
        self.finish_as(closed, CloseCode::GoingAway);
    }

    /// Forgets everything about the authenticated peer.
    pub(super) fn end_session(&mut self) -> Option<Session> {
        let session = self.session.take()?;
        self.tasks[session.task].stop();
        Some(session)
    }

    /// The authenticated peer is gone: forgets everything about it and tells the application.
    pub(super) fn lose_peer(&mut self, how: PeerLeft, can_rejoin: bool) {
        if self.limits.engine {
            // Its task tells the engine, which then has no use for what waits.
            self.channel_gone();
        } else {
            self.close_channel();
        }
        // Spec: P-203 ('disconnected' Message)
        let Some(session) = self.end_session() else { return };
        // Spec: P-206 ('disconnected' Message)
        self.event(Event::PeerLeft { address: session.address, how, can_rejoin });
        // Spec: P-204 ('disconnected' Message)
        // Spec: P-211 ('send-error' Message)
        if self.limits.when_peer_leaves == WhenPeerLeaves::Close {
            self.finish(EndReason::PeerLeft, CloseCode::GoingAway);
        }
    }
}

/// The address that a peer of the role `role` must have sent from.
pub(super) fn is_peer(address: Address, role: Role) -> bool {
    // Spec: P-067 P-071 (Receiving a Signalling Message)
    address.role() == Some(role.peer())
}
