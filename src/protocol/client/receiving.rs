//! What the authenticated peer says.

use super::end::{Closed, ClosedBy, EndReason};
use super::event::Event;
use super::fault::ProtocolFault;
use super::handover::HANDOVER;
use super::incoming::{Opened, Unopened, parse};
use super::session::Session;
use super::signalling::Signalling;
use crate::protocol::message::{Application, Close, TaskMessage};
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
        // Spec: W-057 O-063 (Client-to-Client Messages)
        let result = parse(plain).and_then(|message| self.interpret(message, Way::Channel));
        self.handle_received(result);
    }

    pub(super) fn handle_received(&mut self, received: Result<Received<E>, ProtocolFault>) {
        match received {
            Ok(Received::Event(event)) => self.event(event),
            Ok(Received::Nothing | Received::Handover) => {}
            Ok(Received::Close(code)) => self.peer_closed(code),
            Err(fault) => self.peer_broke_the_protocol(&fault),
        }
    }

    /// Looks at the nonce of a message of the authenticated peer.
    pub(super) fn check_session_message(&mut self, nonce: &Nonce) -> Option<Unopened> {
        let session = self.session.as_ref()?;
        // Spec: R-016 (Receiving a Message)
        match session.nonces.check(nonce) {
            Ok(checked) => Some(Unopened {
                session: session.id,
                checked,
                key: session.key.clone(),
                data_type: self.tasks[session.task].data_type(),
            }),
            Err(error) => {
                self.peer_broke_the_protocol(&error.into());
                None
            }
        }
    }

    /// A message of the peer was opened. `None` if it is of a session that has ended.
    pub(super) fn read_session_message(
        &mut self,
        message: Opened,
    ) -> Option<Result<Received<E>, ProtocolFault>> {
        let is_current = |session: &Session| session.id == message.session;
        if !self.running() || !self.session.as_ref().is_some_and(is_current) {
            return None;
        }
        let received = message.content.and_then(|message| self.interpret(message, Way::WebSocket));
        if let (Ok(_), Some(session)) = (&received, &mut self.session) {
            session.nonces.commit(message.checked);
        }
        Some(received)
    }

    /// What a message of the peer says.
    fn interpret(&mut self, message: TaskMessage, way: Way) -> Result<Received<E>, ProtocolFault> {
        let Some(session) = &self.session else { return Ok(Received::Nothing) };
        if let Some(handover) = &session.handover {
            // Some peers say it twice, the second time perhaps over the channel.
            if message.kind() == HANDOVER {
                return Ok(Received::Handover);
            }
            // Spec: W-032 W-034 O-042 O-044 (Signalling Channel Handover)
            // Spec: W-092 W-093 O-126 O-127 ('handover' Message)
            if handover.received && way == Way::WebSocket {
                return Err(ProtocolFault::AfterHandover);
            }
        }
        Ok(match message.kind() {
            // Spec: P-278 P-279 P-283 ('application' Message)
            "application" => {
                Received::Event(Event::Application(Application::from_message(&message)?.data))
            }
            // Spec: R-017 (Receiving a Message)
            "close" => Received::Close(Close::from_fields(message.fields())?.reason),
            _ => {
                // Spec: P-297 (Tasks)
                let event = self.tasks[session.task].handle_message(message)?;
                event.map_or(Received::Nothing, |event| Received::Event(Event::Task(event)))
            }
        })
    }

    /// The peer asked to end the connection (protocol, *'close' Message*).
    pub(super) fn peer_closed(&mut self, code: CloseCode) {
        let reason = match code {
            CloseCode::NoSharedTask => EndReason::NoSharedTask,
            CloseCode::ProtocolError => EndReason::AccusedOfProtocolError,
            code => EndReason::PeerClosed(code),
        };
        let closed = Closed { by: ClosedBy::Peer, code: Some(code.code()), reason };
        // Spec: P-293 ('close' Message)
        self.finish_as(closed, CloseCode::GoingAway);
    }
}
