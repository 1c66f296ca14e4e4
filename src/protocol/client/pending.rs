//! A responder that is not authenticated (yet), as its initiator sees it.
//!
//! One that was on the path before the initiator may have had another initiator, and may not know yet that there is a
//! new one. What it has sent to that one reaches the new one, all of it with the same cookie. So such a message is no
//! reason to turn the responder away: what it sends with another cookie is its first message.

use std::time::{Duration, Instant};

use super::signalling::Signalling;
use crate::crypto::{PublicKey, RandomSource, SharedKey};
use crate::protocol::message::MessageError;
use crate::protocol::{
    Address, CheckedNonce, Cookie, DropReason, Nonce, NonceError, NonceStreams, ResponderAddress,
    SequenceExhausted, TaskOutput,
};

/// A responder that has not sent anything for this long is dropped.
pub(super) const SILENT_RESPONDER_TIMEOUT: Duration = Duration::from_secs(60);
/// After the last message for a previous initiator, a responder has this long to send the first one for us: a round
/// trip, as it answers 'new-initiator' with it.
pub(super) const STALE_TIMEOUT: Duration = Duration::from_secs(2);
/// A responder sends two messages ('token' and 'key') before it waits for an answer. During the pause
/// after a failed attempt that is what is kept for it, and each has to be of a reasonable size.
pub(super) const HELD_MESSAGES: usize = 2;
pub(super) const HELD_MESSAGE_SIZE: usize = 4096;

/// A responder that is not authenticated (yet).
#[derive(Debug)]
pub(super) struct PendingResponder {
    pub(super) arrival: u64,
    pub(super) arrived: Instant,
    /// When the first message came.
    pub(super) spoke: Option<Instant>,
    /// When the first message was looked at.
    pub(super) started: Option<Instant>,
    /// Messages that wait for the end of the pause, oldest first.
    pub(super) held: Vec<Vec<u8>>,
    pub(super) nonces: NonceStreams,
    pub(super) state: NextMessage,
    /// It was on the path before us, so that it may be talking to somebody who was here before.
    was_here: bool,
    /// What it said to that one, as far as is known.
    stale: Option<Stale>,
}

/// Messages that may have been for a previous initiator.
#[derive(Debug, Clone)]
struct Stale {
    cookie: Cookie,
    last: Instant,
    /// What is wrong with them, if they were for us.
    fault: Fault,
}

/// Which message comes next.
#[derive(Debug)]
pub(super) enum NextMessage {
    /// 'token', or 'key' if the peer is trusted.
    First,
    /// 'key', after a 'token'.
    Key { permanent: PublicKey },
    /// 'auth'.
    Auth { permanent: PublicKey, key: SharedKey },
}

/// What a responder did wrong.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) reason: DropReason,
    pub(super) text: String,
}

impl Fault {
    pub(super) fn protocol(text: impl ToString) -> Self {
        Self { reason: DropReason::ProtocolError, text: text.to_string() }
    }

    pub(super) fn could_not_decrypt(text: &str) -> Self {
        Self { reason: DropReason::InitiatorCouldNotDecrypt, text: text.to_owned() }
    }
}

impl From<MessageError> for Fault {
    fn from(error: MessageError) -> Self {
        Self::protocol(error)
    }
}

impl From<NonceError> for Fault {
    fn from(error: NonceError) -> Self {
        Self::protocol(error)
    }
}

impl PendingResponder {
    pub(super) fn new(
        arrival: u64,
        arrived: Instant,
        nonces: NonceStreams,
        was_here: bool,
    ) -> Self {
        Self {
            arrival,
            arrived,
            spoke: None,
            started: None,
            held: Vec::new(),
            nonces,
            state: NextMessage::First,
            was_here,
            stale: None,
        }
    }

    /// The same before its next message, without nonces, as none was used.
    pub(super) fn again(&self, random: &mut dyn RandomSource) -> Self {
        let Self { arrival, arrived, spoke, started, was_here, .. } = *self;
        let stale = self.stale.clone();
        let new = Self::new(arrival, arrived, NonceStreams::new(random), was_here);
        Self { spoke, started, stale, ..new }
    }

    /// Whether the first message is still to come, and there may be some for a previous initiator before it.
    pub(super) fn may_be_late(&self) -> bool {
        self.was_here && matches!(self.state, NextMessage::First)
    }

    /// Whether a message belongs to those that were not for us.
    pub(super) fn is_stale(&mut self, now: Instant, message: &[u8]) -> bool {
        let cookie = cookie(message);
        let stale = self.stale.as_mut().filter(|_| matches!(self.state, NextMessage::First));
        match stale.filter(|stale| Some(stale.cookie) == cookie) {
            Some(stale) => {
                stale.last = now;
                true
            }
            None => false,
        }
    }

    /// A message cannot be a first one for us. Says whether that may be because it was not for us: if so, all with
    /// its cookie are ignored from now on.
    pub(super) fn excuse(&mut self, now: Instant, message: &[u8], fault: &Fault) -> bool {
        let (None, true, Some(cookie)) = (&self.stale, self.may_be_late(), cookie(message)) else {
            return false;
        };
        self.stale = Some(Stale { cookie, last: now, fault: fault.clone() });
        self.held.clear();
        true
    }

    /// Keeps a message until the end of the pause, if there is room for it.
    pub(super) fn hold(&mut self, message: &[u8]) -> bool {
        let room = self.held.len() < HELD_MESSAGES && message.len() <= HELD_MESSAGE_SIZE;
        if room {
            self.held.push(message.to_vec());
        }
        room
    }

    /// It has begun anew, so what is held is not for us.
    pub(super) fn begins_anew(&self, message: &[u8]) -> bool {
        self.may_be_late() && self.held.first().is_some_and(|held| cookie(held) != cookie(message))
    }

    /// What it did wrong, if there was nothing but messages that were perhaps for a previous initiator.
    pub(super) fn verdict(&self, now: Instant) -> Option<Fault> {
        let over = self.silence_ends().is_some_and(|end| end <= now);
        self.stale.as_ref().filter(|_| over).map(|stale| stale.fault.clone())
    }

    /// When it will have had its time to begin with us.
    fn silence_ends(&self) -> Option<Instant> {
        let waits = matches!(self.state, NextMessage::First) && self.held.is_empty();
        self.stale.as_ref().filter(|_| waits).map(|stale| stale.last + STALE_TIMEOUT)
    }

    /// The responder after a message that was found to be good.
    pub(super) fn next(mut self, checked: CheckedNonce, state: NextMessage) -> Self {
        self.nonces.commit(checked);
        self.state = state;
        self
    }

    pub(super) fn next_nonce(
        &mut self,
        signalling: &Signalling<impl TaskOutput>,
        address: ResponderAddress,
    ) -> Result<Nonce, SequenceExhausted> {
        let own = signalling.server.as_ref().map_or(Address::INITIATOR, |server| server.address);
        // Spec: P-045 (Sending a Signalling Message)
        self.nonces.next_nonce(own, address.into())
    }

    /// When the responder will have taken too long. Waiting for the end of a pause is not its fault.
    pub(super) fn deadline(&self, handshake_timeout: Duration) -> Option<Instant> {
        let handshake = match (self.spoke, self.started) {
            // Spec: P-107 (Path Cleaning)
            (None, _) => Some(self.arrived + SILENT_RESPONDER_TIMEOUT),
            (Some(_), None) => None,
            (Some(_), Some(started)) => Some(started + handshake_timeout),
        };
        handshake.into_iter().chain(self.silence_ends()).min()
    }
}

fn cookie(message: &[u8]) -> Option<Cookie> {
    Nonce::split(message).map(|(nonce, ..)| nonce.cookie)
}
