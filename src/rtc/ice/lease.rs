//! How long a TURN server keeps an address for us (RFC 8656 section 8): what it says counts, and it is asked for
//! more in time.
//!
//! The crate for TURN takes no refresh of less than ten minutes for one. So it is told that the address stays for
//! good, and asking for more is done here.

use std::time::{Duration, Instant};

use turn_client_proto::stun::auth::{LongTermClientAuth, LongTermClientValidation};
use turn_client_proto::stun::types::attribute::ErrorCode;
use turn_client_proto::stun::types::message::{Message, MessageClass, MessageWriteVec};
use turn_client_proto::stun::types::prelude::{MessageWrite, MessageWriteExt};
use turn_client_proto::types::TurnCredentials;
use turn_client_proto::types::attribute::{Lifetime, XorRelayedAddress};
use turn_client_proto::types::message::{ALLOCATE, REFRESH};

use super::net::quiet;

/// What is asked for, in seconds. Most servers give less.
const WANTED: u32 = 1800;

/// What the crate for TURN is told, in seconds: longer than any program runs.
const FOR_GOOD: u32 = i32::MAX as u32;

/// More is asked for this long before the end, or after half of a short time.
const AHEAD: Duration = Duration::from_secs(60);

/// The time between two requests at least, whatever the server says.
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// The pause after a request that was refused.
const AFTER_REFUSAL: Duration = Duration::from_secs(5);

/// The first and the longest time after which a request is sent again over UDP.
const REPEATS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));

/// Nonces that the server may replace one after another.
const MAX_NONCES: u32 = 8;

/// The time that a server has given.
pub(super) struct Lease {
    auth: LongTermClientAuth,
    /// Packets may get lost, so that requests have to be repeated.
    lossy: bool,
    expires: Instant,
    /// When to ask for more.
    refresh: Instant,
    request: Option<Request>,
    /// When the last request was made, and how many of them had an outdated nonce.
    asked: Option<Instant>,
    nonces: u32,
    refused: Option<u16>,
}

/// One that was not answered yet.
struct Request {
    id: [u8; 12],
    message: Vec<u8>,
    next: Option<Instant>,
    interval: Duration,
}

/// What an answer of the server means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is to a request of somebody else.
    NotOurs,
    /// It has been dealt with.
    Taken,
    /// The server does not know the address any more.
    Gone,
}

impl Lease {
    pub(super) fn new(now: Instant, credentials: TurnCredentials, lossy: bool) -> Self {
        let mut auth = LongTermClientAuth::new();
        auth.set_credentials(credentials.into());
        let (expires, refresh) = (now, now);
        let (request, asked, nonces, refused) = (None, None, 0, None);
        Self { auth, lossy, expires, refresh, request, asked, nonces, refused }
    }

    /// Takes the answer to a request for an address, and learns how to authenticate. Returns what to give to the
    /// crate instead, if the server has given an address.
    pub(super) fn begin(&mut self, now: Instant, packet: &[u8]) -> Option<Vec<u8>> {
        quiet(|| {
            let message = Message::from_bytes(packet).ok()?;
            if message.method() != ALLOCATE {
                return None;
            }
            let validation = self.auth.validate_incoming_message(&message).ok()?;
            if !matches!(validation, LongTermClientValidation::Validated(_))
                || !message.has_class(MessageClass::Success)
            {
                return None;
            }
            let lifetime = message.attribute::<Lifetime>().ok()?.seconds();
            self.extend(now, lifetime);
            let id = message.transaction_id();
            let mut answer = Message::builder(message.get_type(), id, MessageWriteVec::new());
            for n in 0.. {
                let Ok(address) = message.nth_attribute::<XorRelayedAddress>(n) else { break };
                answer.add_attribute(&XorRelayedAddress::new(address.addr(id), id)).ok()?;
            }
            answer.add_attribute(&Lifetime::new(FOR_GOOD)).ok()?;
            Some(self.auth.sign_outgoing_message(answer).ok()?.finish())
        })
    }

    fn extend(&mut self, now: Instant, seconds: u32) {
        let lifetime = Duration::from_secs(seconds.into());
        let ahead = AHEAD.min(lifetime / 2);
        self.expires = now + lifetime;
        self.refresh = now + (lifetime - ahead).max(MIN_PAUSE);
        (self.request, self.nonces, self.refused) = (None, 0, None);
    }

    /// Takes a message of the server, which has given an address.
    pub(super) fn handle(&mut self, now: Instant, packet: &[u8]) -> Answer {
        // All answers begin with this byte. What the peer sends is far more, and does not.
        if packet.first() != Some(&1) {
            return Answer::NotOurs;
        }
        quiet(|| {
            let Ok(message) = Message::from_bytes(packet) else { return Answer::NotOurs };
            let error = message.has_class(MessageClass::Error);
            let code = error.then(|| message.attribute::<ErrorCode>().ok()).flatten();
            let code = code.map(|code| code.code());
            let ours =
                self.request.as_ref().is_some_and(|ours| packet.get(8..20) == Some(&ours.id));
            if !ours {
                // Somebody could have made it up, and the server is to say it on a request of ours.
                let recent = self.asked.is_some_and(|at| now < at + MIN_PAUSE);
                if code == Some(ErrorCode::ALLOCATION_MISMATCH) && self.request.is_none() && !recent
                {
                    self.refresh = now;
                }
                return Answer::NotOurs;
            }
            match self.auth.validate_incoming_message(&message) {
                Ok(LongTermClientValidation::ResendRequest(_)) if self.nonces < MAX_NONCES => {
                    self.nonces += 1;
                    (self.request, self.refresh) = (None, now);
                }
                Ok(LongTermClientValidation::Validated(_)) => match code {
                    Some(ErrorCode::ALLOCATION_MISMATCH) => return Answer::Gone,
                    None if message.has_class(MessageClass::Success) => {
                        if let Ok(lifetime) = message.attribute::<Lifetime>() {
                            self.extend(now, lifetime.seconds());
                        }
                    }
                    // The address stays until the time that was given is over.
                    _ => {
                        self.refused = code;
                        (self.request, self.refresh) = (None, now + AFTER_REFUSAL);
                    }
                },
                // Not from the server, as far as can be told.
                _ => {}
            }
            Answer::Taken
        })
    }

    /// No more time is needed.
    pub(super) fn release(&mut self) {
        (self.request, self.refresh) = (None, self.expires);
    }

    /// Why the server gave no more time, if it said so.
    pub(super) fn refused(&self) -> Option<u16> {
        self.refused
    }

    pub(super) fn has_expired(&self, now: Instant) -> bool {
        self.expires <= now
    }

    /// What to send to the server now.
    pub(super) fn drive(&mut self, now: Instant) -> Option<Vec<u8>> {
        if let Some(request) = &mut self.request {
            request.next.filter(|at| *at <= now)?;
            request.interval = (request.interval * 2).min(REPEATS.1);
            request.next = Some(now + request.interval);
            return Some(request.message.clone());
        }
        if now < self.refresh || self.has_expired(now) {
            return None;
        }
        let message = quiet(|| {
            let mut message = Message::builder_request(REFRESH, MessageWriteVec::new());
            message.add_attribute(&Lifetime::new(WANTED)).ok()?;
            Some(self.auth.sign_outgoing_message(message).ok()?.finish())
        })?;
        let id = *message.get(8..)?.first_chunk()?;
        let next = self.lossy.then_some(now + REPEATS.0);
        self.request = Some(Request { id, message: message.clone(), next, interval: REPEATS.0 });
        self.asked = Some(now);
        Some(message)
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        let next = match &self.request {
            Some(request) => request.next,
            None => Some(self.refresh),
        };
        next.map_or(self.expires, |at| at.min(self.expires))
    }
}
