//! Asking a STUN server where the packets of a socket come from (RFC 8489 section 3, RFC 8445 section
//! 5.1.1.2).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use turn_client_proto::stun::types::attribute::XorMappedAddress;
use turn_client_proto::stun::types::message::{BINDING, Message};

use super::SocketId;
use super::net::{normalise, quiet};
use crate::crypto::RandomSource;

/// The time to the first repetition; it doubles with each.
const FIRST_INTERVAL: Duration = Duration::from_millis(500);
/// How often to ask before giving up, 7.5 seconds after the first time.
const ATTEMPTS: u32 = 4;
/// How often a NAT is reminded of an address that was found, until there is a path.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One question, of one socket to one server.
pub(super) struct Query {
    pub(super) socket: SocketId,
    pub(super) server: SocketAddr,
    /// Index of the server in the configuration.
    pub(super) server_index: usize,
    transaction: [u8; 12],
    sent: u32,
    next: Instant,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Pending,
    Found(SocketAddr),
    Failed,
}

impl Query {
    pub(super) fn new(
        now: Instant,
        socket: SocketId,
        server: SocketAddr,
        server_index: usize,
        random: &mut dyn RandomSource,
    ) -> Self {
        let transaction = random.array();
        let outcome = Outcome::Pending;
        Self { socket, server, server_index, transaction, sent: 0, next: now, outcome }
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Asks again, forgetting the result so far: it may be outdated.
    pub(super) fn restart(&mut self, now: Instant, random: &mut dyn RandomSource) {
        (self.transaction, self.sent, self.next) = (random.array(), 0, now);
        self.outcome = Outcome::Pending;
    }

    /// When to call [`Query::drive`] next. `keep_alive`: there is no path yet.
    pub(super) fn poll_timeout(&self, keep_alive: bool) -> Option<Instant> {
        match self.outcome {
            Outcome::Pending => Some(self.next),
            Outcome::Found(_) if keep_alive => Some(self.next),
            Outcome::Found(_) | Outcome::Failed => None,
        }
    }

    /// Does what is due. Returns the packet to send, if any.
    pub(super) fn drive(&mut self, now: Instant, keep_alive: bool) -> Option<Vec<u8>> {
        if self.poll_timeout(keep_alive).is_none_or(|at| at > now) {
            return None;
        }
        if self.outcome == Outcome::Pending {
            if self.sent == ATTEMPTS {
                self.outcome = Outcome::Failed;
                return None;
            }
            self.next = now + FIRST_INTERVAL * 2u32.pow(self.sent);
            self.sent += 1;
        } else {
            self.next = now + KEEP_ALIVE;
        }
        let mut request = Vec::with_capacity(20);
        request.extend([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
        request.extend(self.transaction);
        Some(request)
    }

    /// Whether a STUN packet, of at least 20 bytes, is the answer.
    pub(super) fn is_answer(&self, socket: SocketId, from: SocketAddr, packet: &[u8]) -> bool {
        (socket, from) == (self.socket, self.server) && packet[8..20] == self.transaction
    }

    /// Takes the answer. Returns the address if it is news.
    pub(super) fn handle_answer(&mut self, now: Instant, packet: &[u8]) -> Option<SocketAddr> {
        let answer = quiet(|| {
            let message = Message::from_bytes(packet).ok().filter(Message::is_response)?;
            let binding = message.method() == BINDING;
            binding.then(|| {
                let mapped = message.attribute::<XorMappedAddress>().ok();
                mapped.map(|mapped| normalise(mapped.addr(message.transaction_id())))
            })
        });
        // Without an address it is a refusal.
        let Some(address) = answer? else {
            self.outcome = Outcome::Failed;
            return None;
        };
        if self.outcome == Outcome::Pending {
            self.outcome = Outcome::Found(address);
            self.next = now + KEEP_ALIVE;
            return Some(address);
        }
        None
    }
}
