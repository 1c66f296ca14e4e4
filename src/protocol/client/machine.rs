//! The state machine as a whole: who gets what comes in.

use std::time::Instant;

use super::config::{ClientConfig, ConfigError, LONGEST_TIMEOUT, RoleConfig};
use super::end::{EndReason, SocketEnd};
use super::event::Event;
use super::fault::ProtocolFault;
use super::incoming::{Opened, Unopened};
use super::initiator::Initiator;
use super::outgoing::{Outgoing, Reservation, Sealed};
use super::responder::Responder;
use super::send_failure::SendFailure;
use super::server_handshake::{HandshakeFailure, ServerHandshake, Step};
use super::session::Session;
use super::signalling::Signalling;
use super::stage::Stage;
use super::state::ClientState;
use crate::crypto::{NONCE_BYTES, OpenError, PublicKey, RandomSource};
use crate::protocol::message::{Notification, Payload, ServerAuthRole, TaskMessage};
use crate::protocol::{Address, CloseCode, Nonce, ResponderAddress, Role, TaskOutput, Transmit};

/// The client state machine. See the [module documentation](super). `E` is what tasks have to tell.
#[derive(Debug)]
pub struct Client<E> {
    pub(super) path: PublicKey,
    pub(super) signalling: Signalling<E>,
    pub(super) role: RoleState,
}

#[derive(Debug)]
pub(super) enum RoleState {
    Initiator(Initiator),
    Responder(Responder),
}

impl RoleState {
    /// A handshake with a peer is going on.
    fn handshaking(&self) -> bool {
        match self {
            Self::Initiator(initiator) => initiator.handshaking(),
            Self::Responder(responder) => responder.handshaking(),
        }
    }
}

impl<E: TaskOutput> Client<E> {
    /// A client whose WebSocket is not open yet.
    ///
    /// # Errors
    ///
    /// If the configuration makes no sense; see [`ConfigError`].
    pub fn new(
        config: ClientConfig<E>,
        mut random: Box<dyn RandomSource>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let handshake = ServerHandshake::new(
            config.role.role(),
            config.server_key,
            config.ping_interval,
            &mut *random,
            config.server_handshake_timeout.min(LONGEST_TIMEOUT),
        );
        let path = *config.path();
        let settings = (&config).into();
        let role = match config.role {
            RoleConfig::Initiator { responder } => RoleState::Initiator(Initiator::new(responder)),
            RoleConfig::Responder { initiator, token } => {
                RoleState::Responder(Responder::new(initiator, token))
            }
        };
        Ok(Self {
            path,
            signalling: Signalling::new(
                config.permanent_key,
                config.tasks,
                settings,
                random,
                Box::new(handshake),
            ),
            role,
        })
    }

    /// Our role.
    pub const fn role(&self) -> Role {
        match self.role {
            RoleState::Initiator(_) => Role::Initiator,
            RoleState::Responder(_) => Role::Responder,
        }
    }

    /// The signalling path: the initiator's public permanent key.
    pub const fn path(&self) -> &PublicKey {
        &self.path
    }

    /// How far the client is.
    pub fn state(&self) -> ClientState {
        match &self.signalling.stage {
            Stage::Connecting(_) => ClientState::Connecting,
            Stage::ServerHandshake(_) => ClientState::ServerHandshake,
            Stage::OnPath if self.signalling.session.is_some() => ClientState::Task,
            Stage::OnPath if self.role.handshaking() => ClientState::PeerHandshake,
            Stage::OnPath => ClientState::WaitingForPeer,
            Stage::Closing(_) | Stage::Closed => ClientState::Closed,
        }
    }

    /// The name of the task that runs with the authenticated peer.
    pub fn task(&self) -> Option<&str> {
        self.signalling.session.as_ref().map(|session| self.signalling.tasks[session.task].name())
    }

    /// The public permanent key of this client.
    pub fn public_key(&self) -> &PublicKey {
        self.signalling.permanent_key.public()
    }

    /// The public permanent key of the authenticated peer.
    pub fn peer_key(&self) -> Option<&PublicKey> {
        self.signalling.session.as_ref().map(|session| &session.peer_key)
    }

    /// The next thing to do with the WebSocket.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.signalling.poll_transmit()
    }

    /// The next thing to tell the application.
    pub fn poll_event(&mut self) -> Option<Event<E>> {
        let event = self.signalling.poll_event();
        // There may be room again for what waits.
        self.signalling.take_arrivals();
        event
    }

    /// What [`poll_event`](Self::poll_event) would give.
    pub fn next_event(&self) -> Option<&Event<E>> {
        self.signalling.next_event()
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something.
    pub fn has_transmits(&self) -> bool {
        self.signalling.has_transmits()
    }

    /// How many events there have ever been, including those that were taken.
    pub fn events_added(&self) -> u64 {
        self.signalling.events_added()
    }

    /// Whether events wait to be taken.
    pub fn has_events(&self) -> bool {
        self.signalling.has_events()
    }

    /// Whether the connection is over and [`Event::Closed`] was taken: nothing will ever follow.
    pub fn ended(&self) -> bool {
        self.signalling.ended()
    }

    /// Whether there is room for what a message may lead to. While there is none, a driver stops
    /// reading from the socket, so that an application that is slow to take events slows its peer
    /// down instead of filling the memory.
    pub fn wants_input(&self) -> bool {
        self.signalling.wants_input()
    }

    /// Whether there is room for more events. Unlike [`wants_input`](Self::wants_input) this is also about
    /// what does not come from the socket, which may be gone after the handover.
    pub fn has_room(&self) -> bool {
        self.signalling.has_room()
    }

    /// How many bytes of messages wait to be sent: what no driver has taken yet, encryption included.
    pub fn buffered_amount(&self) -> usize {
        self.signalling.waiting()
    }

    /// From now on [`Event::LowWater`] comes each time that [`buffered_amount`](Self::buffered_amount)
    /// falls from above `bytes` to `bytes` or less. A second one does not come before the first was taken.
    pub fn set_low_water(&mut self, bytes: usize) {
        self.signalling.set_low_water(bytes);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), unless something else happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.signalling.stage {
            Stage::ServerHandshake(handshake) => return handshake.deadline,
            Stage::OnPath => {}
            Stage::Connecting(_) | Stage::Closing(_) | Stage::Closed => return None,
        }
        let role = match &self.role {
            RoleState::Initiator(initiator) => {
                initiator.next_timeout(self.signalling.settings.peer_handshake_timeout)
            }
            RoleState::Responder(responder) => responder.next_timeout(),
        };
        let signalling = [self.signalling.bundle_due(), self.signalling.handover_deadline()];
        signalling.into_iter().chain([role]).flatten().min()
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &self.signalling.stage {
            Stage::ServerHandshake(handshake) => {
                if handshake.deadline.is_some_and(|deadline| deadline <= now) {
                    self.signalling.finish(EndReason::ServerHandshakeTimeout, CloseCode::Timeout);
                }
                return;
            }
            Stage::OnPath => {}
            Stage::Connecting(_) | Stage::Closing(_) | Stage::Closed => return,
        }
        if self.signalling.bundle_due().is_some_and(|due| due <= now) {
            self.signalling.flush_bundle();
        }
        if self.signalling.handover_deadline().is_some_and(|deadline| deadline <= now) {
            return self.signalling.handover_timed_out();
        }
        match &mut self.role {
            RoleState::Initiator(initiator) => initiator.handle_timeout(&mut self.signalling, now),
            RoleState::Responder(responder) => responder.handle_timeout(&mut self.signalling, now),
        }
    }

    /// The WebSocket is open as of `now`. The server speaks first.
    pub fn handle_connected(&mut self, now: Instant) {
        match std::mem::replace(&mut self.signalling.stage, Stage::OnPath) {
            Stage::Connecting(mut handshake) => {
                handshake.start(now);
                self.signalling.stage = Stage::ServerHandshake(handshake);
            }
            stage => self.signalling.stage = stage,
        }
    }

    /// A binary message arrived.
    pub fn handle_message(&mut self, now: Instant, message: &[u8]) {
        if let Some(unopened) = self.look_at(now, message) {
            self.handle_opened(now, unopened.open(message));
        }
    }

    /// The first step of [`handle_message`](Self::handle_message): looks at the message. If it is one of
    /// the authenticated peer it is to be [opened](Unopened::open), and given to
    /// [`handle_opened`](Self::handle_opened) before the next one is looked at.
    pub fn look_at(&mut self, now: Instant, message: &[u8]) -> Option<Unopened> {
        if !self.signalling.running() {
            return None;
        }
        let Some((nonce, nonce_bytes, data)) = Nonce::split(message) else {
            self.server_broke_the_protocol("a message has no more than 24 bytes".into());
            return None;
        };
        match std::mem::replace(&mut self.signalling.stage, Stage::OnPath) {
            Stage::OnPath => {}
            // Spec: P-066 P-070 (Receiving a Signalling Message)
            Stage::Connecting(handshake) | Stage::ServerHandshake(handshake)
                if nonce.source == Address::SERVER =>
            {
                self.server_handshake(now, *handshake, &nonce, nonce_bytes, data);
                return None;
            }
            stage => {
                tracing::warn!(source = %nonce.source, "ignoring a message before 'server-auth'");
                self.signalling.stage = stage;
                return None;
            }
        }
        let server = self.signalling.server.as_ref()?;
        // Spec: P-059 (Receiving a Signalling Message)
        if nonce.destination != server.address {
            let text =
                format!("a message for {} was sent to {}", nonce.destination, server.address);
            self.server_broke_the_protocol(text);
            return None;
        }
        if nonce.source == Address::SERVER {
            self.notification(now, &nonce, nonce_bytes, data);
        } else if !is_peer(nonce.source, self.role()) {
            // Spec: P-068 P-069 P-072 P-073 (Receiving a Signalling Message)
            tracing::warn!(source = %nonce.source, "ignoring a message from this source");
        } else if self.signalling.session.as_ref().is_some_and(|s| s.address == nonce.source) {
            return self.signalling.check_session_message(&nonce);
        } else {
            match &mut self.role {
                RoleState::Initiator(initiator) => {
                    if let Ok(address) = ResponderAddress::try_from(nonce.source) {
                        initiator.handle_message(&mut self.signalling, now, address, message);
                    }
                }
                RoleState::Responder(responder) => {
                    responder.handle_message(&mut self.signalling, now, message);
                }
            }
        }
        None
    }

    /// A message of the peer was opened. If the peer has left meanwhile, it is too late.
    pub fn handle_opened(&mut self, now: Instant, message: Opened) {
        self.signalling.handle_session_message(now, message);
    }

    /// A text message arrived, which SaltyRTC does not have.
    pub fn handle_text(&mut self) {
        self.server_broke_the_protocol("it sent a text message".into());
    }

    /// The WebSocket is gone. Emits [`Event::Closed`], once.
    pub fn handle_socket_end(&mut self, end: SocketEnd) {
        let mistaken = match &self.role {
            RoleState::Responder(responder) => {
                self.signalling.session.is_none() && responder.may_be_mistaken(end.code())
            }
            RoleState::Initiator(_) => false,
        };
        self.signalling.socket_gone(end.closed(self.role(), mistaken));
    }

    fn server_handshake(
        &mut self,
        now: Instant,
        handshake: ServerHandshake,
        nonce: &Nonce,
        nonce_bytes: &[u8; Nonce::BYTES],
        data: &[u8],
    ) {
        match handshake.handle(&self.signalling.permanent_key, nonce, nonce_bytes, data) {
            Ok(Step::Continue(handshake, messages)) => {
                self.signalling.stage = Stage::ServerHandshake(handshake);
                messages.into_iter().for_each(|message| self.signalling.transmit(message));
            }
            Ok(Step::Done { server, auth, server_verified }) => {
                let address = server.address;
                // Spec: P-170 ('server-auth' Message)
                self.signalling.server = Some(server);
                let peer_present = match &auth {
                    ServerAuthRole::Initiator { responders } => !responders.is_empty(),
                    ServerAuthRole::Responder { initiator_connected } => *initiator_connected,
                };
                self.signalling.event(Event::ServerHandshakeDone {
                    address,
                    peer_present,
                    server_verified,
                });
                match (&mut self.role, auth) {
                    (RoleState::Initiator(initiator), ServerAuthRole::Initiator { responders }) => {
                        initiator.start(&mut self.signalling, now, responders)
                    }
                    (
                        RoleState::Responder(responder),
                        ServerAuthRole::Responder { initiator_connected },
                    ) => responder.start(&mut self.signalling, now, initiator_connected),
                    _ => unreachable!("'server-auth' was parsed for our role"),
                }
            }
            Err(HandshakeFailure::Protocol(text)) => self.server_broke_the_protocol(text),
            Err(HandshakeFailure::ServerKey(text)) => {
                let reason = EndReason::ServerKey(text.into());
                self.signalling.finish(reason, CloseCode::ProtocolError);
            }
        }
    }

    fn notification(
        &mut self,
        now: Instant,
        nonce: &Nonce,
        nonce_bytes: &[u8; Nonce::BYTES],
        data: &[u8],
    ) {
        let role = self.role();
        let result = self.read_notification(nonce, nonce_bytes, data, role).and_then(|message| {
            match (&mut self.role, message) {
                (RoleState::Initiator(initiator), Some(message)) => {
                    initiator.handle_notification(&mut self.signalling, now, message)
                }
                (RoleState::Responder(responder), Some(message)) => {
                    responder.handle_notification(&mut self.signalling, now, message)
                }
                (_, None) => Ok(()),
            }
        });
        if let Err(fault) = result {
            self.server_broke_the_protocol(fault.to_string());
        }
    }

    fn read_notification(
        &mut self,
        nonce: &Nonce,
        nonce_bytes: &[u8; Nonce::BYTES],
        data: &[u8],
        role: Role,
    ) -> Result<Option<Notification>, ProtocolFault> {
        let Some(server) = &mut self.signalling.server else { return Ok(None) };
        let checked = server.nonces.check(nonce)?;
        // Spec: P-084 (Receiving a Signalling Message)
        let plain = server.key.open(nonce_bytes, data)?;
        let message = Notification::parse(&plain, role)?;
        server.nonces.commit(checked);
        Ok(Some(message))
    }

    /// An error in what the server itself sent ends the connection; no responder is to blame.
    fn server_broke_the_protocol(&mut self, text: String) {
        if self.signalling.running() && !self.signalling.socket_closes() {
            tracing::warn!(%text, "the server broke the protocol");
            // Spec: P-104 (Client-to-Server Messages)
            self.signalling.finish(EndReason::ServerProtocolError(text), CloseCode::ProtocolError);
        }
    }

    /// Sends something to the peer's application beside the task (protocol, *'application' Message*).
    pub fn send_application(&mut self, data: Payload) -> Result<(), SendFailure> {
        self.send(Outgoing::application(&data))
    }

    /// Sends a message of the task that runs. The peer's task has to know it.
    ///
    /// # Errors
    ///
    /// [`SendFailure::OtherTask`] if the task has functions of its own for what can be sent, as Relayed
    /// Data and WebRTC have.
    pub fn send_task_message(&mut self, message: &TaskMessage) -> Result<(), SendFailure> {
        self.send(Outgoing::task_message(message))
    }

    /// Sends a message to the peer.
    pub fn send(&mut self, message: Outgoing) -> Result<(), SendFailure> {
        match self.reserve(&message)? {
            Some(place) => {
                self.fill(place.seal(message));
                Ok(())
            }
            None => self.send_over_channel(&message),
        }
    }

    /// The first step of [`send`](Self::send): gives the message its place among the others, and its
    /// number. Then it can be [sealed](Reservation::seal), and [`fill`](Self::fill) puts it into its place;
    /// until then nothing that comes after it is sent. `None` if it is for
    /// [`send_over_channel`](Self::send_over_channel).
    pub fn reserve(&mut self, message: &Outgoing) -> Result<Option<Reservation>, SendFailure> {
        self.admit(message)?;
        self.signalling.place(message)
    }

    /// Puts a sealed message into its place.
    pub fn fill(&mut self, sealed: Sealed) {
        self.signalling.fill_place(sealed);
    }

    /// Sends a message over the data channel that the signalling was handed over to.
    pub fn send_over_channel(&mut self, message: &Outgoing) -> Result<(), SendFailure> {
        self.admit(message)?;
        self.signalling.send_over_channel(message.plain())
    }

    /// Whether a message can be sent now. What waits to be sent before it goes ahead.
    fn admit(&mut self, message: &Outgoing) -> Result<(), SendFailure> {
        let task = &self.signalling.tasks[self.need_session()?.task];
        message.check_task(task.name(), task.has_free_messages())?;
        self.signalling.admit(message.plain().len())?;
        self.signalling.flush_bundle();
        Ok(())
    }

    /// Sends a serialised message of a task that has checked that it runs.
    pub(crate) fn send_signalling(&mut self, message: &[u8]) -> Result<(), SendFailure> {
        self.send(Outgoing::new(message))
    }

    /// Sends `items` to the peer's task, as the array `field` of a message of the type `kind`. What is
    /// sent so within 10 ms becomes one message, unless another message to the peer comes in between,
    /// which it will not overtake. `items` are sent together or, after an error, not at all.
    pub(crate) fn send_bundled(
        &mut self,
        now: Instant,
        kind: &'static str,
        field: &'static str,
        items: &[Payload],
    ) -> Result<(), SendFailure> {
        self.need_session()?;
        self.signalling.send_bundled(now, kind, field, items)
    }

    /// Tells the application something that did not come with a message of the peer, in order with
    /// everything else.
    #[allow(dead_code, reason = "for the built-in WebRTC engine, which can be left out")]
    pub(crate) fn push_task_event(&mut self, event: E) {
        if self.signalling.running() {
            self.signalling.event(Event::Task(event));
        }
    }

    pub(super) fn need_session(&self) -> Result<&Session, SendFailure> {
        if !self.signalling.running() {
            return Err(SendFailure::Closed);
        }
        self.signalling.session.as_ref().ok_or(SendFailure::NoPeer)
    }

    /// Encrypts `plain` for the peer with the session keys, for use outside of the signalling channel:
    /// a random nonce (24 bytes) and the box (16 bytes longer than `plain`).
    ///
    /// The box proves that one of the two clients made it in this session, and no more. Both directions
    /// have the same key, as have the messages of the signalling channel: whoever carries the data can
    /// deliver it twice, or hand it back to the one who made it. So put into `plain` who it is for, what
    /// it is, and a number.
    pub fn encrypt_for_peer(&mut self, plain: &[u8]) -> Result<Vec<u8>, SendFailure> {
        self.need_session()?;
        let nonce: [u8; NONCE_BYTES] = self.signalling.random.0.array();
        let mut sealed = nonce.to_vec();
        self.need_session()?.key.seal_onto(&mut sealed, &nonce, plain);
        Ok(sealed)
    }

    /// Decrypts what the peer encrypted with [`encrypt_for_peer`](Self::encrypt_for_peer), which says
    /// what this does not protect from.
    ///
    /// # Errors
    ///
    /// If there is no session; the inner error if it was not encrypted with this session's keys.
    pub fn decrypt_from_peer(
        &self,
        sealed: &[u8],
    ) -> Result<Result<Vec<u8>, OpenError>, SendFailure> {
        let session = self.need_session()?;
        Ok(match sealed.split_first_chunk::<NONCE_BYTES>() {
            Some((nonce, data)) => session.key.open(nonce, data),
            None => Err(OpenError),
        })
    }

    /// Whether the WebSocket is closed or about to be: by the end of the connection or by the handover.
    pub fn socket_closes(&self) -> bool {
        self.signalling.socket_closes()
    }

    /// Whether [`Event::Closed`] waits to be taken or was: there is nothing left for a driver to do.
    pub fn over(&self) -> bool {
        self.signalling.over()
    }

    /// Whether [`close`](Self::close) was called, and the good-bye (the 'close' message) waits for
    /// [`release_goodbye`](Self::release_goodbye).
    pub fn holds_goodbye(&self) -> bool {
        self.signalling.holds_goodbye()
    }

    /// Whether the connection is ending or has ended, and all that remains is to close the WebSocket or the
    /// data channel that carries it.
    pub fn is_leaving(&self) -> bool {
        !self.signalling.running() && !self.signalling.holds_goodbye()
    }

    /// Lets the good-bye go out: the driver has delivered everything that was to arrive before it, or gives up
    /// on that.
    pub fn release_goodbye(&mut self) {
        self.signalling.release_goodbye();
    }

    /// The driver gives up: ends the connection at once, whatever carries it. `text` says
    /// why, if the connection was not ending already.
    pub fn abandon(&mut self, text: String) {
        self.signalling.abandon(SocketEnd::Lost(text).closed(self.role(), false));
    }

    /// Ends the connection: tells the peer if there is one, then closes what carries the signalling.
    /// What was sent before is sent first. [`Event::Closed`] follows once it is gone.
    ///
    /// With [`ChannelDriver::Polled`](super::ChannelDriver::Polled) the good-bye to a peer, and what follows,
    /// waits until the driver calls [`release_goodbye`](Self::release_goodbye). A peer ends when it gets the
    /// good-bye, and other data channels may still have messages on their way to it.
    // Spec: R-005 (Client-to-Client Messages)
    pub fn close(&mut self) {
        if self.signalling.running() {
            self.signalling.flush_bundle();
            self.signalling.hold_goodbye();
            // Spec: P-288 ('close' Message)
            self.signalling.close_session(EndReason::Requested, CloseCode::GoingAway);
        }
    }
}

/// Whether a peer of somebody of the role `role` can have this address.
fn is_peer(address: Address, role: Role) -> bool {
    // Spec: P-067 P-071 (Receiving a Signalling Message)
    address.role() == Some(role.peer())
}
