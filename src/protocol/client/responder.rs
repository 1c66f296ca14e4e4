//! The responder: introduces itself to the initiator of its path (protocol, *Client Handshake*).

use std::time::Instant;

use super::config::LONGEST_TIMEOUT;
use super::end::{Closed, ClosedBy, EndReason};
use super::event::{Event, PeerLeft};
use super::fault::ProtocolFault;
use super::initiator::UNREACHABLE_GRACE;
use super::server_messages::seal;
use super::signalling::Signalling;
use crate::crypto::{AuthToken, KeyPair, PublicKey, SharedKey};
use crate::protocol::message::{
    Close, Fields, InitiatorAuth, Key, Notification, ResponderAuth, Token,
};
use crate::protocol::{Address, CheckedNonce, CloseCode, Nonce, NonceStreams, Role, TaskOutput};

/// How many times as long as the rest of the handshake a responder waits for the first answer. With the default of 60
/// seconds that is longer than an initiator needs for a full path.
const FIRST_ANSWER: u32 = 5;

#[derive(Debug)]
pub(super) struct Responder {
    initiator: PublicKey,
    /// Kept until the initiator is authenticated, so that the handshake can be repeated with a new
    /// initiator that knows it.
    token: Option<AuthToken>,
    /// The initiator knows our permanent key, so no token is needed.
    trusted: bool,
    /// An initiator is on the path.
    present: bool,
    /// There was an initiator before the present one while we were connected. If the present one throws
    /// us out, it may have read a message that was meant for its predecessor.
    initiator_replaced: bool,
    /// An initiator was on the path at some time.
    was_present: bool,
    /// The present initiator was on the path before us. It may not know yet that somebody else had our address then,
    /// and may still be talking to that one.
    was_first: bool,
    /// The initiator was forgotten because a message did not reach it, and until when the server may say that it has
    /// left. If it has not, it counts on a session that is gone.
    unreachable: Option<Instant>,
    handshake: Option<Handshake>,
}

/// A handshake with the initiator in progress.
#[derive(Debug)]
struct Handshake {
    nonces: NonceStreams,
    state: NextMessage,
    deadline: Instant,
    /// What is wrong with the last message that was perhaps for somebody who had our address before us.
    disturbed: Option<String>,
}

/// Which message comes next.
#[derive(Debug)]
enum NextMessage {
    /// 'key'. Holds our session key pair.
    Key { session: KeyPair },
    /// 'auth', or 'close' if no task is shared.
    Auth { key: SharedKey },
}

/// What a message of the initiator led to.
enum Step {
    Continue(Handshake),
    Done,
    NoSharedTask,
}

/// What is wrong with a message of the initiator.
struct Fault {
    text: String,
    /// The message may have been meant for a client that had our address before us (perhaps ourselves, before
    /// we reconnected), so connecting again may help.
    stale: bool,
}

impl Fault {
    fn stale(text: impl Into<String>) -> Self {
        Self { text: text.into(), stale: true }
    }
}

impl<T: Into<String>> From<T> for Fault {
    fn from(text: T) -> Self {
        Self { text: text.into(), stale: false }
    }
}

impl Responder {
    pub(super) fn new(initiator: PublicKey, token: Option<AuthToken>) -> Self {
        Self {
            initiator,
            trusted: token.is_none(),
            token,
            present: false,
            initiator_replaced: false,
            was_present: false,
            was_first: false,
            unreachable: None,
            handshake: None,
        }
    }

    /// The server is authenticated.
    pub(super) fn start(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        now: Instant,
        initiator_connected: bool,
    ) {
        (self.present, self.was_present) = (initiator_connected, initiator_connected);
        self.was_first = initiator_connected;
        // Spec: P-169 ('server-auth' Message)
        self.begin(signalling, now);
    }

    /// Whether the initiator may throw us out with `code` by mistake, now that there is no session.
    pub(super) fn may_be_mistaken(&self, code: Option<u16>) -> bool {
        let is = |known: CloseCode| code == Some(known.code());
        // A token allows a single try. An initiator that trusts our key has no reason to accuse us, and may
        // have dropped us only because it did not know yet that our previous connection is gone.
        let mistaken = (self.handshake.is_some() && is(CloseCode::ProtocolError))
            || is(CloseCode::DroppedByInitiator);
        self.initiator_replaced || (self.trusted && mistaken)
    }

    pub(super) fn can_rejoin(&self) -> bool {
        self.trusted || self.token.is_some()
    }

    /// The initiator knows our permanent key from now on.
    pub(super) fn trust(&mut self, signalling: &mut Signalling<impl TaskOutput>, now: Instant) {
        self.trust_later();
        if signalling.session.is_none() && self.handshake.is_none() {
            self.begin(signalling, now);
        }
    }

    /// Like [`trust`](Self::trust), before the server is authenticated.
    pub(super) fn trust_later(&mut self) {
        self.trusted = true;
        self.token = None;
    }

    pub(super) fn handshaking(&self) -> bool {
        self.handshake.is_some()
    }

    /// Sends 'token' and 'key', if an initiator is there and would understand them.
    fn begin(&mut self, signalling: &mut Signalling<impl TaskOutput>, now: Instant) {
        // Spec: P-239 ('token' Message)
        if !self.present || !self.can_rejoin() || !signalling.running() {
            return;
        }
        // Spec: P-012 (Client's Session Key)
        // Spec: P-248 ('key' Message)
        let session = KeyPair::generate(&mut *signalling.random.0);
        let mut nonces = NonceStreams::new(&mut *signalling.random.0);
        let own = own_address(signalling);
        let mut nonce = || {
            // Spec: P-046 (Sending a Signalling Message)
            nonces
                .next_nonce(own, Address::INITIATOR)
                .expect("a counter that starts below 2^32 has room for two messages")
        };
        // Spec: P-240 ('token' Message)
        if let Some(token) = &self.token {
            let nonce = nonce().to_bytes();
            let mut message = nonce.to_vec();
            // Spec: P-241 ('token' Message)
            let plain = Token { key: *signalling.permanent_key.public() }.serialise();
            // Spec: P-244 ('token' Message)
            token.seal_onto(&mut message, &nonce, &plain);
            signalling.transmit(message);
        }
        let key = SharedKey::new(&self.initiator, signalling.permanent_key.secret());
        let plain = Key { key: *session.public() }.serialise();
        // Spec: P-246 ('key' Message)
        signalling.transmit(seal(&nonce(), &key, &plain));
        // Others may be before us, and each costs the initiator a second.
        let timeout = signalling.settings.peer_handshake_timeout.saturating_mul(FIRST_ANSWER);
        let deadline = now + timeout.min(LONGEST_TIMEOUT);
        let state = NextMessage::Key { session };
        self.handshake = Some(Handshake { nonces, state, deadline, disturbed: None });
    }

    pub(super) fn handle_notification(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        now: Instant,
        notification: Notification,
    ) -> Result<(), ProtocolFault> {
        match notification {
            Notification::NewInitiator => {
                self.unreachable = None;
                self.initiator_replaced = self.was_present;
                (self.present, self.was_present, self.was_first) = (true, true, false);
                // Spec: P-174 ('new-initiator' Message)
                self.handshake = None;
                signalling.lose_peer(PeerLeft::Replaced, self.can_rejoin());
                if signalling.running() {
                    signalling.event(Event::InitiatorJoined);
                }
                // Spec: P-175 ('new-initiator' Message)
                self.begin(signalling, now);
            }
            Notification::Disconnected(_) => {
                self.unreachable = None;
                self.initiator_left(signalling, PeerLeft::Disconnected)
            }
            Notification::SendError(error) => {
                if error.source() != own_address(signalling)
                    || error.destination() != Address::INITIATOR
                {
                    return Err(ProtocolFault::ForeignSendError);
                }
                // It may be late, and about a previous initiator.
                let session = signalling.session.as_ref().map(|session| &session.nonces);
                let nonces = session.or(self.handshake.as_ref().map(|handshake| &handshake.nonces));
                if nonces.is_some_and(|nonces| nonces.has_sent(error.sequence())) {
                    signalling.event(Event::SendError(error.destination()));
                    self.unreachable = Some(now + UNREACHABLE_GRACE);
                    self.initiator_left(signalling, PeerLeft::Unreachable);
                }
            }
            Notification::NewResponder(_) => {
                return Err(ProtocolFault::OtherRole("new-responder"));
            }
        }
        Ok(())
    }

    fn initiator_left(&mut self, signalling: &mut Signalling<impl TaskOutput>, how: PeerLeft) {
        let was_present = std::mem::take(&mut self.present);
        // Spec: P-205 ('disconnected' Message)
        // Spec: P-212 ('send-error' Message)
        self.handshake = None;
        let can_rejoin = self.can_rejoin();
        if signalling.session.is_some() {
            signalling.lose_peer(how, can_rejoin);
        } else if was_present {
            signalling.event(Event::PeerLeft { address: Address::INITIATOR, how, can_rejoin });
        }
    }

    /// A message from the initiator, which is not authenticated yet.
    pub(super) fn handle_message(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        now: Instant,
        message: &[u8],
    ) {
        let Some(handshake) = self.handshake.take() else {
            tracing::debug!("ignoring a message from an initiator that was not announced");
            return;
        };
        match self.advance(signalling, now, handshake, message) {
            Ok(Step::Continue(handshake)) => self.handshake = Some(handshake),
            // The token did its work; from here on only a stored key helps.
            Ok(Step::Done) => self.token = None,
            Ok(Step::NoSharedTask) => {
                let code = CloseCode::NoSharedTask;
                let reason = EndReason::NoSharedTask;
                let by = ClosedBy::Peer;
                let closed = Closed { by, code: Some(code.code()), reason };
                signalling.finish_as(closed, CloseCode::GoingAway);
            }
            Err(Fault { text, stale: true }) => {
                leave(signalling, EndReason::HandshakeDisturbed(text));
            }
            Err(Fault { text, stale: false }) => {
                leave(signalling, EndReason::PeerProtocolError(text));
            }
        }
    }

    fn advance(
        &self,
        signalling: &mut Signalling<impl TaskOutput>,
        now: Instant,
        mut handshake: Handshake,
        message: &[u8],
    ) -> Result<Step, Fault> {
        let (nonce, _, data) = Nonce::split(message).ok_or("the message is too short")?;
        let check = |nonces: &NonceStreams| {
            nonces.check(&nonce).map_err(|error| Fault::stale(error.to_string()))
        };
        match handshake.state {
            NextMessage::Key { ref session } => {
                let read = check(&handshake.nonces).and_then(|checked| {
                    Ok((checked, self.key_message(signalling, &nonce, data, session)?))
                });
                let (checked, key) = match read {
                    Err(Fault { text, stale: true }) if self.was_first => {
                        // No attempt, as it cannot be for us. If nothing else comes, the initiator is to blame.
                        let patience = now + signalling.settings.peer_handshake_timeout;
                        let deadline = handshake.deadline.min(patience);
                        let disturbed = Some(text);
                        return Ok(Step::Continue(Handshake { deadline, disturbed, ..handshake }));
                    }
                    read => read?,
                };
                handshake.nonces.commit(checked);
                let auth = ResponderAuth {
                    // Spec: P-257 ('auth' Message)
                    your_cookie: nonce.cookie,
                    // Spec: P-258 ('auth' Message)
                    tasks: signalling
                        .tasks
                        .iter()
                        .map(|t| (t.name().to_owned(), t.data()))
                        .collect(),
                };
                let reply = handshake
                    .nonces
                    .next_nonce(own_address(signalling), Address::INITIATOR)
                    .map_err(|_| "sequence numbers are used up")?;
                // Spec: P-255 P-275 ('auth' Message)
                signalling.transmit(seal(&reply, &key, &auth.serialise()));
                let deadline = now + signalling.settings.peer_handshake_timeout;
                let state = NextMessage::Auth { key };
                Ok(Step::Continue(Handshake { state, deadline, disturbed: None, ..handshake }))
            }
            NextMessage::Auth { key } => {
                let checked = check(&handshake.nonces)?;
                self.auth_message(signalling, handshake.nonces, checked, key, &nonce, data)
            }
        }
    }

    /// 'key': the initiator's session key.
    fn key_message(
        &self,
        signalling: &Signalling<impl TaskOutput>,
        nonce: &Nonce,
        data: &[u8],
        session: &KeyPair,
    ) -> Result<SharedKey, Fault> {
        let plain = SharedKey::new(&self.initiator, signalling.permanent_key.secret())
            .open(&nonce.to_bytes(), data)
            .map_err(|_| Fault::stale("its 'key' message could not be decrypted"))?;
        let key = Key::parse(&plain, &self.initiator).map_err(|error| error.to_string())?.key;
        Ok(SharedKey::new(&key, session.secret()))
    }

    /// 'auth': the initiator proves that it reads what we send, and names the task it chose. Or
    /// 'close', if it could not choose one.
    fn auth_message(
        &self,
        signalling: &mut Signalling<impl TaskOutput>,
        mut nonces: NonceStreams,
        checked: CheckedNonce,
        key: SharedKey,
        nonce: &Nonce,
        data: &[u8],
    ) -> Result<Step, Fault> {
        let plain = key
            .open(&nonce.to_bytes(), data)
            .map_err(|_| Fault::stale("its 'auth' message could not be decrypted"))?;
        let fields = Fields::parse(&plain).map_err(|error| error.to_string())?;
        if fields.kind() == "close" {
            let close = Close::from_fields(fields).map_err(|error| error.to_string())?;
            if close.reason != CloseCode::NoSharedTask {
                return Err(format!("'close' with {} comes before 'auth'", close.reason).into());
            }
            return Ok(Step::NoSharedTask);
        }
        let offered = signalling.tasks.iter().map(|task| task.name());
        let auth = InitiatorAuth::parse(&plain, offered).map_err(|error| error.to_string())?;
        if auth.your_cookie != nonces.own_cookie() {
            return Err("'auth' does not repeat our cookie".into());
        }
        let task = signalling.tasks.iter().position(|task| task.name() == auth.task);
        let task = task.ok_or("'auth' names a task that was not offered")?;
        signalling.tasks[task]
            .start(Role::Responder, &auth.data)
            .map_err(|error| error.to_string())?;
        nonces.commit(checked);
        let address = Address::INITIATOR;
        signalling.begin_session(address, nonces, key, self.initiator, task);
        signalling.announce_peer(auth.data);
        Ok(Step::Done)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let handshake = self.handshake.as_ref().map(|handshake| handshake.deadline);
        handshake.into_iter().chain(self.unreachable).min()
    }

    pub(super) fn handle_timeout(
        &mut self,
        signalling: &mut Signalling<impl TaskOutput>,
        now: Instant,
    ) {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.unreachable) {
            self.unreachable = None;
            signalling.finish(EndReason::PeerUnreachable, CloseCode::GoingAway);
        } else if is_due(self.handshake.as_ref().map(|handshake| handshake.deadline)) {
            match self.handshake.take().and_then(|handshake| handshake.disturbed) {
                Some(text) => leave(signalling, EndReason::HandshakeDisturbed(text)),
                None => signalling.finish(EndReason::PeerHandshakeTimeout, CloseCode::Timeout),
            }
        }
    }
}

/// Leaves an initiator that is not authenticated.
fn leave(signalling: &mut Signalling<impl TaskOutput>, reason: EndReason) {
    // The reason is for the application: it may quote the initiator.
    tracing::warn!("the initiator broke the protocol");
    let code = CloseCode::ProtocolError;
    let closed = Closed { by: ClosedBy::Us, code: Some(code.code()), reason };
    // Spec: P-226 (Client-to-Client Messages)
    signalling.finish_as(closed, code);
}

fn own_address(signalling: &Signalling<impl TaskOutput>) -> Address {
    signalling.server.as_ref().map_or(Address::SERVER, |server| server.address)
}
