//! The initiator: many may knock, one is let in (protocol, *Client Handshake*, *Path Cleaning*).
//!
//! Every responder that is not authenticated yet is a [`PendingResponder`]. Whatever a responder does wrong
//! costs it its place on the path and nobody else anything.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::config::PeerAuth;
use super::end::EndReason;
use super::event::{Event, PeerLeft};
use super::fault::ProtocolFault;
use super::pending::{Fault, HELD_MESSAGE_SIZE, NextMessage, PendingResponder};
use super::server_messages::seal;
use super::session::Session;
use super::signalling::Signalling;
use crate::crypto::{AuthToken, KeyPair, PublicKey, SharedKey};
use crate::protocol::message::{
    Close, InitiatorAuth, Key, Notification, ResponderAuth, TaskData, Token,
};
use crate::protocol::{
    Address, CheckedNonce, CloseCode, DropReason, Nonce, NonceStreams, ResponderAddress, Role,
    SequenceExhausted, TaskOutput,
};

/// How long the server may take, after it could not deliver a message, to say that the receiver has left.
pub(super) const UNREACHABLE_GRACE: Duration = Duration::from_secs(1);
/// The pause after a failed handshake attempt, against guessing.
pub(super) const ATTEMPT_PAUSE: Duration = Duration::from_secs(1);
/// With this many responders on the path the oldest silent one is dropped.
pub(super) const CONGESTED_PATH: usize = ResponderAddress::COUNT - 1;
#[derive(Debug)]
pub(super) struct Initiator {
    /// What a first message has to be sealed with. `None` once a token was used.
    auth: Option<PeerAuth>,
    pending: BTreeMap<ResponderAddress, PendingResponder>,
    /// Counts responders, to know which one came first.
    arrivals: u64,
    /// No new handshake attempt is looked at before this.
    pause_until: Option<Instant>,
    /// Responders that were forgotten because a message did not reach them, and until when the server may say that
    /// they have left. Who has not is to learn that it was forgotten.
    unreachable: BTreeMap<ResponderAddress, Instant>,
}

impl Initiator {
    pub(super) fn new(auth: PeerAuth) -> Self {
        Self {
            auth: Some(auth),
            pending: BTreeMap::new(),
            arrivals: 0,
            pause_until: None,
            unreachable: BTreeMap::new(),
        }
    }

    /// The server is authenticated, and these responders are on the path.
    pub(super) fn start(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        now: Instant,
        responders: impl IntoIterator<Item = ResponderAddress>,
    ) {
        // Spec: P-166 P-167 ('server-auth' Message)
        for address in responders {
            self.add_responder(signalling, now, address, true);
        }
    }

    pub(super) fn can_rejoin(&self) -> bool {
        self.auth.is_some()
    }

    /// Lets one more responder introduce itself, with `token`.
    pub(super) fn arm_token(&mut self, token: AuthToken) {
        self.auth = Some(PeerAuth::Token(token));
    }

    /// Lets the owner of `key` in without a token.
    pub(super) fn trust(&mut self, key: PublicKey) {
        self.auth = Some(PeerAuth::Trusted(key));
    }

    /// Somebody is in the middle of a handshake.
    pub(super) fn handshaking(&self) -> bool {
        self.pending.values().any(|responder| responder.spoke.is_some())
    }

    pub(super) fn handle_notification(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        now: Instant,
        notification: Notification,
    ) -> Result<(), ProtocolFault> {
        match notification {
            Notification::NewResponder(address) => {
                self.unreachable.remove(&address);
                let is_peer = |session: &Session| session.address == address.into();
                // Spec: P-182 ('new-responder' Message)
                if signalling.session.as_ref().is_some_and(is_peer) {
                    signalling.lose_peer(PeerLeft::Replaced, self.can_rejoin());
                }
                let is_last = self.auth.is_none() || signalling.peer_stays();
                if signalling.session.is_some() && is_last {
                    signalling.send_drop(address, DropReason::DroppedByInitiator);
                } else if signalling.running() {
                    // Spec: P-181 P-183 ('new-responder' Message)
                    self.add_responder(signalling, now, address, false);
                }
            }
            Notification::Disconnected(address) => {
                if let Ok(address) = ResponderAddress::try_from(address) {
                    self.unreachable.remove(&address);
                }
                self.forget(signalling, address, PeerLeft::Disconnected);
            }
            Notification::SendError(error) => {
                let own = signalling.server.as_ref().map(|server| server.address);
                if Some(error.source()) != own
                    || ResponderAddress::try_from(error.destination()).is_err()
                {
                    return Err(ProtocolFault::ForeignSendError);
                }
                // It may be late, and about somebody who had the address before.
                let nonces = self.nonces_of(signalling, error.destination());
                if nonces.is_some_and(|nonces| nonces.has_sent(error.sequence())) {
                    // Spec: P-210 ('send-error' Message)
                    signalling.event(Event::SendError(error.destination()));
                    if let Ok(address) = ResponderAddress::try_from(error.destination()) {
                        self.unreachable.insert(address, now + UNREACHABLE_GRACE);
                    }
                    self.forget(signalling, error.destination(), PeerLeft::Unreachable);
                }
            }
            Notification::NewInitiator => return Err(ProtocolFault::OtherRole("new-initiator")),
        }
        Ok(())
    }

    /// The nonces of the responder at `address`, if there is one.
    fn nonces_of<'a>(
        &'a self,
        signalling: &'a Signalling<impl TaskOutput>,
        address: Address,
    ) -> Option<&'a NonceStreams> {
        match &signalling.session {
            Some(session) if session.address == address => Some(&session.nonces),
            _ => {
                let address = ResponderAddress::try_from(address).ok()?;
                self.pending.get(&address).map(|responder| &responder.nonces)
            }
        }
    }

    /// Deletes everything about the responder at `address`.
    fn forget(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        address: Address,
        how: PeerLeft,
    ) {
        if let Ok(address) = ResponderAddress::try_from(address)
            && self.pending.remove(&address).is_some()
        {
            signalling.event(Event::ResponderLeft(address));
        }
        if signalling.session.as_ref().is_some_and(|session| session.address == address) {
            signalling.lose_peer(how, self.can_rejoin());
        }
    }

    fn add_responder(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        now: Instant,
        address: ResponderAddress,
        was_here: bool,
    ) {
        // Who counts on a token has nothing to say to us that it said before.
        let was_here = was_here && matches!(self.auth, Some(PeerAuth::Trusted(_)));
        // Spec: P-037 (Sending a Signalling Message)
        let nonces = NonceStreams::new(&mut *signalling.random.0);
        let responder = PendingResponder::new(self.arrivals, now, nonces, was_here);
        self.arrivals += 1;
        self.pending.insert(address, responder);
        signalling.event(Event::ResponderJoined(address));
        // Spec: P-106 (Path Cleaning)
        if self.pending.len() >= CONGESTED_PATH {
            let others = self.pending.iter().filter(|(other, _)| **other != address);
            let oldest_silent = others
                .filter(|(_, responder)| responder.spoke.is_none())
                .min_by_key(|(_, responder)| responder.arrival);
            if let Some((&address, _)) = oldest_silent {
                self.drop_pending(signalling, address, DropReason::DroppedByInitiator);
            }
        }
    }

    fn drop_pending(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        address: ResponderAddress,
        reason: DropReason,
    ) {
        // Spec: P-189 ('drop-responder' Message)
        signalling.send_drop(address, reason);
        if self.pending.remove(&address).is_some() {
            signalling.event(Event::ResponderLeft(address));
        }
    }

    /// Drops a responder that is authenticated, but comes too late or has no task of ours: the peer stays.
    fn turn_away(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        address: ResponderAddress,
    ) -> Option<PendingResponder> {
        signalling.send_drop(address, DropReason::DroppedByInitiator);
        signalling.event(Event::ResponderLeft(address));
        None
    }

    /// Drops a responder at the wish of the application.
    pub(super) fn drop_responder(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        address: ResponderAddress,
        reason: DropReason,
    ) {
        self.drop_pending(signalling, address, reason);
        if signalling.session.as_ref().is_some_and(|session| session.address == address.into()) {
            signalling.lose_peer(PeerLeft::Dropped, self.can_rejoin());
        }
    }

    /// A message from a responder that is not the authenticated peer.
    pub(super) fn handle_message(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        now: Instant,
        address: ResponderAddress,
        message: &[u8],
    ) {
        // Those who waited for the end of the pause come first, even if the timer is late.
        self.end_pause(signalling, now);
        let paused = self.pause_until.is_some();
        let Some(responder) = self.pending.get_mut(&address) else {
            tracing::debug!(%address, "ignoring a message from an unknown responder");
            return;
        };
        responder.spoke.get_or_insert(now);
        if responder.is_stale(now, message) {
            return;
        }
        if responder.begins_anew(message) {
            responder.held.clear();
        }
        let first = matches!(responder.state, NextMessage::First);
        let too_large = responder.may_be_late() && message.len() > HELD_MESSAGE_SIZE;
        let waiting = first && (paused || !responder.held.is_empty());
        if !waiting && !too_large {
            self.process(signalling, now, address, message);
        } else if too_large || !responder.hold(message) {
            // Nothing was tried, so this does not make the pause longer: who floods the path must
            // not be able to keep the others waiting for ever.
            let fault = Fault::protocol("it sent more than 'token' and 'key' before an answer");
            if !responder.excuse(now, message, &fault) {
                self.fail(signalling, address, fault);
            }
        }
    }

    fn process(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        now: Instant,
        address: ResponderAddress,
        message: &[u8],
    ) {
        // Spec: P-238 (Client Handshake)
        // Taken out: a responder that fails is already forgotten.
        let Some(mut responder) = self.pending.remove(&address) else { return };
        responder.started.get_or_insert(now);
        let again = responder.may_be_late().then(|| responder.again(&mut *signalling.random.0));
        match self.advance(signalling, address, responder, message) {
            Ok(Some(responder)) => {
                self.pending.insert(address, responder);
            }
            Ok(None) => {}
            Err(fault) => {
                let excused =
                    again.and_then(|mut it| it.excuse(now, message, &fault).then_some(it));
                match excused {
                    Some(responder) => {
                        self.pending.insert(address, responder);
                    }
                    None => self.fail(signalling, address, fault),
                }
                // Spec: P-237 (Client Handshake)
                self.pause_until = Some(now + ATTEMPT_PAUSE);
            }
        }
    }

    /// A responder failed to authenticate itself, and is dropped.
    fn fail(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        address: ResponderAddress,
        fault: Fault,
    ) {
        let Fault { reason, text } = fault;
        // The text is for the application: it may quote the responder, which does not belong into a log.
        let code = reason.close_code();
        tracing::warn!(%address, %code, "a responder failed to authenticate itself");
        // Spec: P-224 P-225 (Client-to-Client Messages)
        self.pending.remove(&address);
        signalling.send_drop(address, reason);
        signalling.event(Event::ResponderFailed { address, reason, text });
    }

    /// Takes a responder one message further. `None` means that it is the peer now, or that the
    /// connection has ended.
    fn advance(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        address: ResponderAddress,
        responder: PendingResponder,
        message: &[u8],
    ) -> Result<Option<PendingResponder>, Fault> {
        let (nonce, nonce_bytes, data) =
            Nonce::split(message).ok_or_else(|| Fault::protocol("the message is too short"))?;
        let checked = responder.nonces.check(&nonce)?;
        // Spec: P-092 (Decrypting a Message)
        match &responder.state {
            NextMessage::First => match &self.auth {
                Some(PeerAuth::Token(token)) => {
                    // Spec: P-235 (Client Handshake)
                    // Spec: P-243 ('token' Message)
                    let plain = token.open(nonce_bytes, data).map_err(|_| {
                        Fault::could_not_decrypt(
                            "its first message was not sealed with the token: its token is wrong, \
                             or it counts on a stored key",
                        )
                    })?;
                    // Spec: P-245 ('token' Message)
                    // Good for one decrypted message, whatever is in it.
                    self.auth = None;
                    signalling.event(Event::TokenUsed);
                    let permanent = Token::parse(&plain)?.key;
                    Ok(Some(responder.next(checked, NextMessage::Key { permanent })))
                }
                // Spec: P-234 (Client Handshake)
                Some(PeerAuth::Trusted(permanent)) => {
                    let permanent = *permanent;
                    Self::key_message(
                        signalling,
                        address,
                        responder,
                        checked,
                        nonce_bytes,
                        data,
                        permanent,
                    )
                }
                None => Err(Fault::could_not_decrypt(
                    "it wants to use the token, which was used before",
                )),
            },
            NextMessage::Key { permanent } => {
                let permanent = *permanent;
                Self::key_message(
                    signalling,
                    address,
                    responder,
                    checked,
                    nonce_bytes,
                    data,
                    permanent,
                )
            }
            NextMessage::Auth { .. } => {
                self.auth_message(signalling, address, responder, checked, &nonce, data)
            }
        }
    }

    /// 'key': the responder's session key. Answered with ours.
    fn key_message(
        signalling: &mut Signalling<impl TaskOutput>,
        address: ResponderAddress,
        responder: PendingResponder,
        checked: CheckedNonce,
        nonce_bytes: &[u8; Nonce::BYTES],
        data: &[u8],
        permanent: PublicKey,
    ) -> Result<Option<PendingResponder>, Fault> {
        let permanent_key = SharedKey::new(&permanent, signalling.permanent_key.secret());
        // Spec: P-253 ('key' Message)
        let plain = permanent_key.open(nonce_bytes, data).map_err(|_| {
            Fault::could_not_decrypt(
                "its 'key' message could not be decrypted: it has another permanent key, or does \
                 not know that it is trusted",
            )
        })?;
        let their_session_key = Key::parse(&plain, &permanent)?.key;
        // Spec: P-010 P-011 (Client's Session Key)
        // Spec: P-249 ('key' Message)
        // Drawn at random, so it is not the permanent one.
        let session = KeyPair::generate(&mut *signalling.random.0);
        let key = SharedKey::new(&their_session_key, session.secret());
        // Spec: P-252 ('key' Message)
        let mut responder = responder.next(checked, NextMessage::Auth { permanent, key });

        // Spec: P-247 P-250 ('key' Message)
        let reply = Key { key: *session.public() }.serialise();
        match responder.next_nonce(signalling, address) {
            Ok(nonce) => {
                // Spec: P-254 ('key' Message)
                signalling.transmit(seal(&nonce, &permanent_key, &reply));
                Ok(Some(responder))
            }
            Err(SequenceExhausted) => {
                signalling.sequence_numbers_used_up();
                Ok(None)
            }
        }
    }

    /// 'auth': the responder proves that it reads what we send, and offers its tasks.
    fn auth_message(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        address: ResponderAddress,
        responder: PendingResponder,
        checked: CheckedNonce,
        nonce: &Nonce,
        data: &[u8],
    ) -> Result<Option<PendingResponder>, Fault> {
        let NextMessage::Auth { permanent, key } = responder.state else {
            return Err(Fault::protocol("'auth' comes too early"));
        };
        let mut nonces = responder.nonces;
        let plain = key.open(&nonce.to_bytes(), data).map_err(Fault::protocol)?;
        let auth = ResponderAuth::parse(&plain)?;
        // Spec: P-263 ('auth' Message)
        if auth.your_cookie != nonces.own_cookie() {
            return Err(Fault::protocol("'auth' does not repeat our cookie"));
        }
        let Some((task, task_data)) = choose_task(signalling, &auth) else {
            // Spec: P-266 ('auth' Message)
            // Authenticated, but with nothing to talk about.
            if signalling.session.is_some() {
                return Ok(self.turn_away(signalling, address));
            }
            let close = Close { reason: CloseCode::NoSharedTask }.serialise();
            let own =
                signalling.server.as_ref().map_or(Address::INITIATOR, |server| server.address);
            let nonce = nonces.next_nonce(own, address.into());
            // Fails only if that was the end already.
            let _ = signalling.transmit_sealed(nonce.map(|nonce| seal(&nonce, &key, &close)));
            // Spec: P-267 P-268 ('auth' Message)
            signalling.closed_by_us(EndReason::NoSharedTask, CloseCode::NoSharedTask);
            return Ok(None);
        };
        // Spec: P-271 ('auth' Message)
        signalling.tasks[task].check(&task_data).map_err(Fault::protocol)?;
        if let Some(old) = signalling.session.as_ref().map(|session| session.address) {
            if signalling.peer_stays() {
                return Ok(self.turn_away(signalling, address));
            }
            // It may be the peer itself, whose old connection has died without a word.
            signalling.lose_peer(PeerLeft::Replaced, self.can_rejoin());
            if let Ok(old) = ResponderAddress::try_from(old) {
                signalling.send_drop(old, DropReason::DroppedByInitiator);
            }
        }
        signalling.tasks[task].start(Role::Initiator, &task_data).map_err(Fault::protocol)?;
        nonces.commit(checked);
        // Spec: P-256 ('auth' Message)
        let reply = InitiatorAuth {
            your_cookie: nonce.cookie,
            // Spec: P-259 ('auth' Message)
            task: signalling.tasks[task].name().to_owned(),
            data: signalling.tasks[task].data(),
        };
        signalling.begin_session(address.into(), nonces, key, permanent, task);
        if signalling.send_to_peer(&reply.serialise()).is_err() {
            return Ok(None);
        }
        // Spec: P-273 ('auth' Message)
        while let Some((&other, _)) = self.pending.first_key_value() {
            self.drop_pending(signalling, other, DropReason::DroppedByInitiator);
        }
        signalling.announce_peer(task_data);
        Ok(None)
    }

    pub(super) fn next_timeout(&self, handshake_timeout: Duration) -> Option<Instant> {
        let held = self.pending.values().any(|responder| !responder.held.is_empty());
        let pause = self.pause_until.filter(|_| held);
        let pending = self.pending.values().filter_map(|c| c.deadline(handshake_timeout));
        pending.chain(pause).chain(self.unreachable.values().copied()).min()
    }

    pub(super) fn handle_timeout(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        now: Instant,
    ) {
        let timeout = signalling.settings.peer_handshake_timeout;
        // Spec: P-105 P-108 (Path Cleaning)
        let late: Vec<(ResponderAddress, bool)> = (self.pending.iter())
            .filter(|(_, responder)| responder.deadline(timeout).is_some_and(|at| at <= now))
            .map(|(&address, responder)| (address, responder.spoke.is_some()))
            .collect();
        for (address, spoke) in late {
            let reason = DropReason::DroppedByInitiator;
            let verdict = self.pending.get(&address).and_then(|responder| responder.verdict(now));
            if let Some(fault) = verdict {
                self.fail(signalling, address, fault);
            } else if spoke {
                let text = "it did not complete the handshake in time".to_owned();
                self.fail(signalling, address, Fault { reason, text });
            } else {
                self.drop_pending(signalling, address, reason);
            }
        }
        while let Some((&address, _)) = self.unreachable.iter().find(|(_, until)| **until <= now) {
            self.unreachable.remove(&address);
            // With a reason that says to come back.
            signalling.send_drop(address, DropReason::InternalError);
        }
        self.end_pause(signalling, now);
    }

    fn end_pause(&mut self, signalling: &mut Signalling<impl TaskOutput>, now: Instant) {
        if self.pause_until.is_some_and(|until| until <= now) {
            self.pause_until = None;
            self.process_held(signalling, now);
        }
    }

    /// Looks at what came in during the pause, until somebody fails again.
    fn process_held(&mut self, signalling: &mut Signalling<impl TaskOutput>, now: Instant) {
        while self.pause_until.is_none() && signalling.running() {
            // At random: whoever is dropped can be back at once, and would be first again and again.
            let waiting = self.pending.iter_mut().filter(|(_, c)| !c.held.is_empty());
            let mut waiting: Vec<_> = waiting.collect();
            if waiting.is_empty() {
                return;
            }
            let random = u64::from_be_bytes(signalling.random.0.array()) % waiting.len() as u64;
            let (&address, responder) = waiting.swap_remove(random as usize);
            for message in std::mem::take(&mut responder.held) {
                let stale = |responder: &mut PendingResponder| responder.is_stale(now, &message);
                if !self.pending.get_mut(&address).is_some_and(stale) {
                    self.process(signalling, now, address, &message);
                }
            }
        }
    }
}

/// The first of our tasks that the responder offers, and what its task has to say.
fn choose_task(
    signalling: &Signalling<impl TaskOutput>,
    auth: &ResponderAuth,
) -> Option<(usize, TaskData)> {
    // Spec: P-265 ('auth' Message)
    signalling.tasks.iter().enumerate().find_map(|(index, task)| {
        let (_, data) = auth.tasks.iter().find(|(name, _)| name == task.name())?;
        Some((index, data.clone()))
    })
}
