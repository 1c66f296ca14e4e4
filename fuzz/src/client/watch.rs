//! What a client may do, whatever happens to it.

use std::collections::HashMap;

use saltyrtc::protocol::client::ClientState;
use saltyrtc::protocol::message::Payload;
use saltyrtc::protocol::{ChannelTransmit, Nonce, Role, Transmit};
use saltyrtc::task::{Client, Event};

/// Looks at everything that a client says and tells.
#[derive(Default)]
pub struct Watch {
    /// It was told that the connection has ended.
    pub closed: bool,
    /// It has closed the WebSocket.
    pub socket_closed: bool,
    /// It has closed the data channel for the signalling, or that of the present session is gone.
    pub channel_closed: bool,
    /// The address of the peer, if there is one.
    pub peer: Option<u8>,
    pub handed_over: bool,
    /// The last number, for each receiver and cookie.
    sequences: HashMap<(u8, [u8; 16]), u64>,
}

impl Watch {
    /// There is an authenticated peer, as far as the application knows.
    pub const fn in_session(&self) -> bool {
        self.peer.is_some()
    }

    /// The client said this over the WebSocket.
    pub fn transmit(&mut self, transmit: &Transmit, role: Role) {
        assert!(!self.socket_closed, "{transmit:?} after the close");
        match transmit {
            Transmit::Message(message) => {
                let (nonce, ..) = Nonce::split(message).expect("a whole message");
                let (from, to) = (nonce.source.0, nonce.destination.0);
                let right = match role {
                    Role::Initiator => from <= 1 && to != 1,
                    Role::Responder => from != 1 && to <= 1,
                };
                assert!(right, "from {from} to {to}");
                let number = nonce.sequence.get();
                let before = self.sequences.insert((to, nonce.cookie.0), number);
                assert!(before.is_none_or(|before| number == before + 1), "{before:?}, {number}");
            }
            Transmit::Ping | Transmit::Pong => panic!("{transmit:?} is for servers"),
            Transmit::Close(_) => self.socket_closed = true,
        }
    }

    /// The client told this.
    pub fn event<'a>(&mut self, event: &'a Event, role: Role) -> Option<&'a ChannelTransmit> {
        assert!(!self.closed, "{event:?} after the end");
        let initiator = role == Role::Initiator;
        match event {
            Event::Closed(closed) => {
                assert!(!closed.to_string().is_empty());
                (self.closed, self.peer) = (true, None);
            }
            Event::PeerHandshakeDone { address, .. } => {
                assert!(!self.in_session(), "a session in a session");
                self.peer = Some(address.0);
                (self.handed_over, self.channel_closed) = (false, false);
            }
            Event::PeerLeft { .. } => {
                assert!(!initiator || self.in_session(), "left without having been there");
                assert!(!self.handed_over, "the server says nothing any more");
                self.peer = None;
            }
            Event::Application(payload) => {
                assert!(self.in_session());
                let _ = (payload.as_text(), payload.as_bytes());
            }
            Event::Task(_) => assert!(self.in_session()),
            Event::HandedOver => {
                assert!(self.in_session() && !self.handed_over);
                self.handed_over = true;
            }
            Event::SignallingChannel(transmit) => {
                assert!(!self.channel_closed, "the channel is closed");
                self.channel_closed = *transmit == ChannelTransmit::Close;
                return Some(transmit);
            }
            Event::ResponderJoined(_)
            | Event::ResponderLeft(_)
            | Event::ResponderFailed { .. }
            | Event::TokenUsed => assert!(initiator),
            Event::InitiatorJoined => assert!(!initiator),
            _ => {}
        }
        None
    }

    /// What holds between any two things that happen, if all events were taken.
    pub fn check(&self, client: &mut Client) {
        assert_eq!(self.closed, client.ended());
        if self.closed {
            assert!(client.over() && client.state() == ClientState::Closed);
            assert!(client.poll_timeout().is_none() && client.poll_transmit().is_none());
            assert!(client.poll_channel_transmit().is_none());
            assert!(client.send_application(Payload::from_text("")).is_err());
        }
        let running = client.state() != ClientState::Closed;
        assert_eq!(self.in_session() && running, client.peer_key().is_some());
    }
}
