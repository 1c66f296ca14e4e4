//! What the authenticated peer says.

use bytes::Bytes;

use super::end::{Closed, ClosedBy, EndReason};
use super::event::Event;
use super::handover::HANDOVER;
use super::session::Session;
use super::signalling::Signalling;
use crate::crypto::{Content, Implementation, OpenError};
use crate::protocol::message::{Application, Close, Fields, TaskMessage};
use crate::protocol::{CloseCode, Nonce, TaskOutput};

/// What a valid message of the peer turned out to be.
pub(super) enum Received<E> {
    Event(Event<E>),
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

impl<E: TaskOutput> Signalling<E> {
    /// The content of a message of the authenticated peer, over the data channel.
    pub(super) fn handle_channel_plain(&mut self, plain: Vec<u8>) {
        // Spec: W-057 (Client-to-Client Messages)
        let result = self.interpret(plain.into(), Way::Channel);
        self.handle_received(result);
    }

    pub(super) fn handle_received(&mut self, received: Result<Received<E>, String>) {
        match received {
            Ok(Received::Event(event)) => self.event(event),
            Ok(Received::Nothing | Received::Handover) => {}
            Ok(Received::Close(code)) => self.peer_closed(code),
            Err(text) => self.peer_broke_the_protocol(text),
        }
    }

    pub(super) fn read_session_message(
        &mut self,
        nonce: &Nonce,
        nonce_bytes: &[u8; Nonce::BYTES],
        data: &[u8],
    ) -> Result<Received<E>, String> {
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
    /// What kind of message it is shows only inside the box. So one that may carry bulk data is opened as such,
    /// and opened again if it turns out to be signalling: only the audited implementation of NaCl may say what
    /// that is.
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
    fn interpret(&mut self, plain: Bytes, way: Way) -> Result<Received<E>, String> {
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
}
