//! One client of a path.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::client_id::ClientId;
use super::config::PathConfig;
use super::notice::Notice;
use super::outbox::{Outbox, RELAY_OVERHEAD};
use crate::crypto::{KeyPair, PublicKey, RandomSource, SharedKey};
use crate::protocol::message::ServerHello;
use crate::protocol::{Address, NonceStreams, Role, SequenceExhausted};

/// How far a client is.
pub(super) enum Stage {
    /// Nothing came yet: the next message is 'client-hello' or, from the initiator, 'client-auth'.
    New,
    /// 'client-hello' came.
    Introduced { key: PublicKey, shared: SharedKey },
    /// 'client-auth' came: the client is on the path.
    Authenticated { address: Address, shared: SharedKey },
    /// A close is queued. Nothing of the client counts any more. What waits in front of the close is for the address
    /// that it had, if it had one.
    Closing { had: Option<(Address, SharedKey)> },
}

/// The pings that a client asked for.
pub(super) struct Ping {
    interval: Duration,
    sent: Instant,
    /// When the next ping is due or, while one is unanswered, when the patience ends. `None` if that
    /// is further away than time goes.
    pub(super) due: Option<Instant>,
    pub(super) unanswered: bool,
}

impl Ping {
    /// Pings every `seconds`; `None` for 0.
    pub(super) fn new(now: Instant, seconds: u64) -> Option<Self> {
        let interval = Duration::from_secs(seconds);
        let due = now.checked_add(interval);
        // Spec: P-133 ('client-auth' Message)
        (seconds > 0).then_some(Self { interval, sent: now, due, unanswered: false })
    }

    /// A ping is sent now, and has to be answered within `timeout`.
    pub(super) fn ping(&mut self, now: Instant, timeout: Duration) {
        (self.sent, self.due, self.unanswered) = (now, now.checked_add(timeout), true);
    }

    /// A pong came. Without a ping before it means nothing.
    pub(super) fn pong(&mut self, now: Instant) {
        if self.unanswered {
            self.unanswered = false;
            self.due = self.sent.checked_add(self.interval).map(|due| due.max(now));
        }
    }

    /// The client could not answer so far, or its answer could not be seen: it has `timeout` from now on.
    pub(super) fn excuse(&mut self, now: Instant, timeout: Duration) {
        if self.unanswered {
            self.due = now.checked_add(timeout);
        }
    }
}

/// What became of a client whose message did not fit into the queue of its receiver: nothing of it is
/// looked at until it does.
pub(super) struct Pause {
    /// Whose queue is full.
    pub(super) receiver: ClientId,
    /// When to look whether the receiver stands still.
    pub(super) check: Option<Instant>,
    /// When the client gets the next sign of life.
    pub(super) sign: Instant,
    /// The message that did not fit, and those that were read already behind it.
    pub(super) held: Held,
}

/// Messages that were read and cannot go on. They count among the bytes that wait for all clients.
pub(super) struct Held {
    messages: VecDeque<Bytes>,
    all: Arc<AtomicUsize>,
}

impl Held {
    pub(super) fn new(first: Bytes, all: Arc<AtomicUsize>) -> Self {
        let mut held = Self { messages: VecDeque::new(), all };
        held.push(first);
        held
    }

    pub(super) fn push(&mut self, message: Bytes) {
        self.all.fetch_add(message.len() + RELAY_OVERHEAD, Ordering::Relaxed);
        self.messages.push_back(message);
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let message = self.messages.pop_front()?;
        self.all.fetch_sub(message.len() + RELAY_OVERHEAD, Ordering::Relaxed);
        Some(message)
    }

    /// Takes those that are behind its own ones.
    pub(super) fn append(&mut self, mut behind: Self) {
        self.messages.append(&mut behind.messages);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

/// One client of a path.
pub(super) struct Client {
    pub(super) state: Stage,
    pub(super) nonces: NonceStreams,
    /// The server's session key for this client.
    pub(super) session: KeyPair,
    /// The negotiated WebSocket subprotocol.
    pub(super) subprotocol: String,
    pub(super) outbox: Outbox,
    /// The client is in the list for `poll_ready`.
    pub(super) ready: bool,
    /// When the handshake has to be over.
    pub(super) handshake_end: Option<Instant>,
    pub(super) ping: Option<Ping>,
    pub(super) pause: Option<Pause>,
    /// Nothing is read from the client for want of memory: when it gets its next sign of life.
    pub(super) held_back: Option<Instant>,
    /// When a message came or went last.
    pub(super) active: Instant,
    /// When to look whether the client is idle.
    pub(super) idle_check: Option<Instant>,
    /// The configuration that the path had when the client came.
    pub(super) config: Arc<PathConfig>,
}

impl Client {
    /// A client that is greeted with 'server-hello'.
    pub(super) fn new(
        random: &mut dyn RandomSource,
        subprotocol: &str,
        since: Instant,
        config: Arc<PathConfig>,
    ) -> Self {
        let mut client = Self {
            state: Stage::New,
            // Spec: P-036 (Sending a Signalling Message)
            nonces: NonceStreams::new(random),
            // Spec: P-003 (Server's Session Key)
            // Spec: P-110 ('server-hello' Message)
            session: KeyPair::generate(random),
            subprotocol: subprotocol.to_owned(),
            outbox: Outbox::new(since, config.queued.clone()),
            ready: false,
            handshake_end: since.checked_add(config.handshake_timeout),
            ping: None,
            pause: None,
            held_back: None,
            active: since,
            idle_check: config.idle_timeout.and_then(|timeout| since.checked_add(timeout)),
            config,
        };
        // Spec: P-109 P-111 ('server-hello' Message)
        let hello = ServerHello { key: *client.session.public() };
        // New streams have all their numbers ahead of them.
        if let Ok(nonce) = client.nonces.next_nonce(Address::SERVER, Address::SERVER) {
            // Spec: P-114 ('server-hello' Message)
            client.outbox.own([&nonce.to_bytes()[..], &hello.serialise()].concat());
        }
        client
    }

    /// The address of the client: the server's own until it has one.
    pub(super) fn address(&self) -> Address {
        match self.state {
            Stage::Authenticated { address, .. } => address,
            _ => Address::SERVER,
        }
    }

    /// The role of an authenticated client.
    pub(super) fn role(&self) -> Option<Role> {
        self.address().role()
    }

    pub(super) fn is_closing(&self) -> bool {
        matches!(self.state, Stage::Closing { .. })
    }

    /// The client cannot show that it is alive.
    pub(super) fn is_not_read(&self) -> bool {
        self.pause.is_some() || self.held_back.is_some()
    }

    /// When the client needs attention next.
    pub(super) fn timeout(&self) -> Option<Instant> {
        let ping = self.ping.as_ref().and_then(|ping| ping.due);
        let check = self.pause.as_ref().and_then(|pause| pause.check);
        let sign = self.pause.as_ref().map(|pause| pause.sign);
        let times = [self.handshake_end, ping, self.idle_check, check, sign, self.held_back];
        times.into_iter().flatten().min()
    }

    /// Whether the client has been idle for too long. If not, it is looked at again later: messages
    /// only note the time, and set no timer. Who waits for others, or takes its time with what waits for
    /// it, is not idle.
    pub(super) fn is_idle(&mut self, now: Instant) -> bool {
        if self.idle_check.is_none_or(|check| check > now) {
            return false;
        }
        if self.is_not_read() || self.outbox.has_relays() {
            self.active = now;
        }
        let idle_at = self.config.idle_timeout.and_then(|timeout| self.active.checked_add(timeout));
        self.idle_check = idle_at;
        idle_at.is_some_and(|at| at <= now)
    }

    /// Nothing of the client counts any more.
    pub(super) fn set_closing(&mut self) {
        let had = match std::mem::replace(&mut self.state, Stage::New) {
            Stage::Authenticated { address, shared } => Some((address, shared)),
            Stage::Closing { had } => had,
            Stage::New | Stage::Introduced { .. } => None,
        };
        self.state = Stage::Closing { had };
    }

    /// Seals a notice for the client. It gets the next sequence number, so it has to go out next.
    pub(super) fn seal(&mut self, notice: Notice) -> Result<Bytes, SequenceExhausted> {
        let (Stage::Authenticated { address, shared }
        | Stage::Closing { had: Some((address, shared)) }) = &self.state
        else {
            unreachable!("only clients with an address are told of others")
        };
        // Spec: P-040 (Sending a Signalling Message)
        let nonce = self.nonces.next_nonce(Address::SERVER, *address)?.to_bytes();
        let mut message = nonce.to_vec();
        // Spec: P-176 ('new-initiator' Message)
        // Spec: P-184 ('new-responder' Message)
        // Spec: P-207 ('disconnected' Message)
        // Spec: P-213 ('send-error' Message)
        shared.seal_onto(&mut message, &nonce, &notice.serialise());
        Ok(message.into())
    }
}
