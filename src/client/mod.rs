//! The client for programs: a connection in the background and a handle to it.
//!
//! [`Client::connect`] returns at once; everything that happens is an [`Event`], in order, the last
//! one being [`Event::Closed`]. Sending never waits: it takes the message, or says why not.
//!
//! The connection runs on the library's own runtime. The futures here can be awaited on any
//! executor.

#[cfg(feature = "webrtc")]
mod channels;
mod config;
#[cfg(feature = "webrtc")]
mod engine;
mod websocket;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use crate::protocol::client::{
    ClientConfig, ClientState, Closed, ClosedBy, ConfigError, EndReason, Event, PeerAuth, PeerLeft,
    RoleConfig, SendFailure, WhenPeerLeaves,
};
pub use crate::transport::{Certificates, Roots, TlsError};
pub use config::Config;
#[cfg(feature = "webrtc")]
pub use engine::{ChannelError, ChannelOptions, RtcConfig, RtcStats};

#[cfg(feature = "webrtc")]
use engine::{Channels, Engine};
use tokio::sync::Notify;

use crate::crypto::{AuthToken, OpenError, OsRandom, PublicKey};
use crate::protocol::client::Client as Machine;
use crate::protocol::message::{Payload, TaskMessage};
use crate::protocol::{
    DropReason, Invitation, ResponderAddress, SecureChannel, SignallingChannel, Transmit,
};
use crate::task::relayed_data;
use crate::task::webrtc::{self, Candidate, SessionDescription};

/// The longest that it may take to send what was queued before a close, and to get the other side's
/// answer to it.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A client: the handle of a connection. Cheap to clone; all clones are the same connection, and can
/// be used from any thread. When the last one is dropped the connection is closed properly in the
/// background.
#[derive(Debug, Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

/// Shared by the handles; closes the connection when the last of them is dropped.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    /// What invitations are made of: without a token.
    invitation: Invitation,
    /// The channels of the built-in WebRTC engine, if there is one.
    #[cfg(feature = "webrtc")]
    channels: Option<Arc<Channels>>,
}

/// Shared by the handles and the driver.
pub(crate) struct Shared {
    machine: Mutex<Machine>,
    /// Wakes the writing half of the driver: the machine has something to transmit.
    wake_writer: Notify,
    /// Wakes the reading half: the machine has room for input again.
    wake_reader: Notify,
    /// Tells the driver that the machine closes the WebSocket now, or the connection as a whole.
    closing: Notify,
    /// Wakes a WebRTC engine: the machine has something for the data channel that carries the
    /// signalling, has room for more from it, or has closed.
    wake_channel: Notify,
    /// Wakes those who wait for events.
    wake_application: Notify,
    /// Called after events were added, with no lock held.
    on_events: Box<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared(…)")
    }
}

impl Shared {
    fn new(machine: Machine, on_events: Box<dyn Fn() + Send + Sync>) -> Self {
        Self {
            machine: Mutex::new(machine),
            wake_writer: Notify::new(),
            wake_reader: Notify::new(),
            closing: Notify::new(),
            wake_channel: Notify::new(),
            wake_application: Notify::new(),
            on_events,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        // The machine upholds its invariants between any two of its own lines that can panic.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `act` work on the machine, then wakes whoever has to do with the outcome.
    fn with<T>(&self, act: impl FnOnce(&mut Machine) -> T) -> T {
        let result = self.with_machine(act);
        self.wake_channel.notify_one();
        result
    }

    fn with_machine<T>(&self, act: impl FnOnce(&mut Machine) -> T) -> T {
        let (result, events) = self.without_announcement(act);
        if events {
            self.announce_events();
        }
        result
    }

    /// Lets `act` work on the machine. Also returns whether there are events, which whoever waits for them
    /// does not learn: for those who are taking events, and may hold a lock that announcing them needs.
    fn without_announcement<T>(&self, act: impl FnOnce(&mut Machine) -> T) -> (T, bool) {
        let (result, closed, events) = {
            let mut machine = self.lock();
            let running = |machine: &Machine| machine.state() != ClientState::Closed;
            let leaves = Machine::is_leaving;
            let closes = |machine: &Machine| machine.socket_closes() && !machine.holds_goodbye();
            let (was_running, left, closed) =
                (running(&machine), leaves(&machine), closes(&machine));
            let result = act(&mut machine);
            if was_running && !running(&machine) {
                // Under the lock: the driver counts down when it has ended, which it may do at once.
                crate::runtime::closing();
            }
            let closed = !left && leaves(&machine) || !closed && closes(&machine);
            (result, closed, machine.has_events())
        };
        self.wake_writer.notify_one();
        if closed {
            self.closing.notify_one();
            // Whatever waits for the application, the server's answer is to be read.
            self.wake_reader.notify_one();
        }
        (result, events)
    }

    fn poll_transmit(&self) -> Option<Transmit> {
        let mut machine = self.lock();
        let had_events = machine.has_events();
        let transmit = machine.poll_transmit();
        let writable = !had_events && machine.has_events();
        drop(machine);
        if writable {
            self.announce_events();
        }
        transmit
    }

    /// Lets the WebRTC engine work on the machine. Unlike [`with`](Self::with) this does not wake the
    /// engine itself.
    #[cfg(feature = "webrtc")]
    pub(crate) fn act<T>(&self, act: impl FnOnce(&mut Machine) -> T) -> T {
        self.with_machine(act)
    }

    /// Lets the WebRTC engine look at the machine.
    #[cfg(feature = "webrtc")]
    pub(crate) fn inspect<T>(&self, look: impl FnOnce(&Machine) -> T) -> T {
        look(&self.lock())
    }

    /// Tells the application what the WebRTC engine has to say.
    #[cfg(feature = "webrtc")]
    pub(crate) fn tell(&self, events: Vec<crate::task::TaskEvent>) {
        if events.is_empty() {
            return;
        }
        let mut machine = self.lock();
        events.into_iter().for_each(|event| machine.push_task_event(event));
        let any = machine.has_events();
        drop(machine);
        if any {
            self.announce_events();
        }
    }

    /// Resolves when the machine has changed, or may have.
    #[cfg(feature = "webrtc")]
    pub(crate) async fn channel_woken(&self) {
        self.wake_channel.notified().await;
    }

    /// The driver or the engine is about to be no more. Says nothing new if the machine has ended.
    pub(crate) fn abandon(&self) {
        let text = if std::thread::panicking() {
            "of a mistake in the library itself"
        } else {
            "the library was shut down"
        };
        self.with(|machine| machine.abandon(text.into()));
    }

    fn announce_events(&self) {
        self.wake_application.notify_one();
        (self.on_events)();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.with(Machine::close);
    }
}

impl Client {
    /// Starts to connect. What comes of it is told by events.
    ///
    /// # Errors
    ///
    /// If the configuration makes no sense.
    pub fn connect(config: Config) -> Result<Self, ConfigError> {
        Self::connect_with(config, Box::new(|| {}))
    }

    /// Like [`connect`](Self::connect). `on_events` is called whenever events were added, from any
    /// thread, with no lock held; it has to be quick and must not call back into the client.
    pub(crate) fn connect_with(
        config: Config,
        on_events: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let invitation = config.invitation_with(None);
        let Config { server, roots, connect_timeout, protocol, .. } = config;
        #[cfg(feature = "webrtc")]
        let (rtc, rtc_roots) = (config.rtc, roots.clone());
        let max_message_size = protocol.max_message_size;
        let machine = Machine::new(protocol, Box::new(OsRandom))?;
        let target = websocket::Target {
            server,
            path: *machine.path(),
            roots,
            connect_timeout,
            max_message_size,
        };
        let shared = Arc::new(Shared::new(machine, on_events));
        let driver = websocket::Driver::new(shared.clone());
        let runtime = crate::runtime::handle();
        runtime.spawn(driver.run(target));
        #[cfg(feature = "webrtc")]
        let channels = rtc.map(|seed| {
            let channels = seed.channels();
            runtime.spawn(Engine::new(shared.clone(), seed, rtc_roots).run());
            channels
        });
        Ok(Self {
            handle: Arc::new(Handle {
                shared,
                invitation,
                #[cfg(feature = "webrtc")]
                channels,
            }),
        })
    }

    fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    /// The next event. `None` after [`Event::Closed`] was taken. If several tasks wait, each event goes
    /// to one of them.
    pub async fn next_event(&self) -> Option<Event> {
        loop {
            // Taken before looking, so that an event in between is not missed.
            let woken = self.shared().wake_application.notified();
            match self.poll_event() {
                Poll::Event(event) => return Some(event),
                Poll::Ended => {
                    // The others who wait have to learn it too.
                    self.shared().wake_application.notify_one();
                    return None;
                }
                Poll::Nothing => woken.await,
            }
        }
    }

    /// The next event, if there is one already.
    pub fn try_next_event(&self) -> Option<Event> {
        match self.poll_event() {
            Poll::Event(event) => Some(event),
            Poll::Nothing | Poll::Ended => None,
        }
    }

    fn poll_event(&self) -> Poll {
        let shared = self.shared();
        let mut machine = shared.lock();
        if !machine.has_events() {
            return if machine.ended() { Poll::Ended } else { Poll::Nothing };
        }
        let had_room = machine.has_room();
        let event = if machine.has_waiting_input() {
            // With room for more, what waited in the machine may be looked at now, and lead to anything.
            drop(machine);
            let (event, _) = shared.without_announcement(Machine::poll_event);
            shared.wake_channel.notify_one();
            machine = shared.lock();
            event
        } else {
            machine.poll_event()
        };
        if !had_room && machine.has_room() {
            shared.wake_reader.notify_one();
            shared.wake_channel.notify_one();
        }
        // After the last one, the others who wait have to learn that nothing will follow.
        let more = machine.has_events() || machine.ended();
        drop(machine);
        if more {
            shared.wake_application.notify_one();
        }
        event.map_or(Poll::Nothing, Poll::Event)
    }

    /// Whether [`Event::Closed`] was taken: nothing will ever follow.
    pub fn ended(&self) -> bool {
        self.shared().lock().ended()
    }

    /// Whether events wait to be taken.
    pub fn has_events(&self) -> bool {
        self.shared().lock().has_events()
    }

    /// How far the client is.
    pub fn state(&self) -> ClientState {
        self.shared().lock().state()
    }

    /// The name of the task that runs with the authenticated peer.
    pub fn task(&self) -> Option<String> {
        self.shared().lock().task().map(str::to_owned)
    }

    /// The public permanent key of the authenticated peer: what to store to trust it.
    pub fn peer_key(&self) -> Option<PublicKey> {
        self.shared().lock().peer_key().copied()
    }

    /// The signalling path: the initiator's public permanent key.
    pub fn path(&self) -> PublicKey {
        self.handle.invitation.initiator_key
    }

    /// The invitation to the path of this client, with a token that the caller knows or without.
    pub fn invitation(&self, token: Option<AuthToken>) -> Invitation {
        Invitation { token, ..self.handle.invitation.clone() }
    }

    /// Sends data with the Relayed Data task, as a MessagePack value of the caller's.
    pub fn send_data(&self, payload: &Payload) -> Result<(), SendFailure> {
        // Spec: R-013 (Sending a Message)
        self.shared().with(|machine| relayed_data::send(machine, payload))
    }

    /// Sends bytes with the Relayed Data task.
    pub fn send_bytes(&self, bytes: &[u8]) -> Result<(), SendFailure> {
        self.send_data(&Payload::from_bytes(bytes))
    }

    /// Sends text with the Relayed Data task.
    pub fn send_text(&self, text: &str) -> Result<(), SendFailure> {
        self.send_data(&Payload::from_text(text))
    }

    /// Sends something to the peer's application beside the task, whatever the task is.
    pub fn send_application(&self, payload: Payload) -> Result<(), SendFailure> {
        self.shared().with(|machine| machine.send_application(payload))
    }

    /// Sends a message of a custom task.
    ///
    /// # Errors
    ///
    /// [`SendFailure::OtherTask`] if Relayed Data or WebRTC runs, which have no messages but their own.
    pub fn send_task_message(&self, message: &TaskMessage) -> Result<(), SendFailure> {
        self.shared().with(|machine| machine.send_task_message(message))
    }

    /// Encrypts for the peer, for use outside of the connection; see
    /// [`encrypt_for_peer`](Machine::encrypt_for_peer).
    pub fn encrypt_for_peer(&self, plain: &[u8]) -> Result<Vec<u8>, SendFailure> {
        self.shared().lock().encrypt_for_peer(plain)
    }

    /// Decrypts what the peer encrypted with [`encrypt_for_peer`](Self::encrypt_for_peer).
    pub fn decrypt_from_peer(
        &self,
        sealed: &[u8],
    ) -> Result<Result<Vec<u8>, OpenError>, SendFailure> {
        self.shared().lock().decrypt_from_peer(sealed)
    }

    /// Initiator: lets one more responder in, with a new token. See
    /// [`issue_token`](Machine::issue_token).
    pub fn issue_token(&self) -> Result<AuthToken, SendFailure> {
        self.shared().with(Machine::issue_token)
    }

    /// Goes on without tokens, with the authenticated peer. See [`trust_peer`](Machine::trust_peer).
    pub fn trust_peer(&self) -> Result<(), SendFailure> {
        self.shared().with(|machine| machine.trust_peer(Instant::now()))
    }

    /// Initiator: drops a responder from the path.
    pub fn drop_responder(
        &self,
        address: ResponderAddress,
        reason: DropReason,
    ) -> Result<(), SendFailure> {
        self.shared().with(|machine| machine.drop_responder(address, reason))
    }

    /// Sends an offer to the responder. See [`webrtc::send_offer`].
    pub fn send_offer(&self, description: &SessionDescription) -> Result<(), SendFailure> {
        self.shared().with(|machine| webrtc::send_offer(machine, description))
    }

    /// Sends an answer to the initiator. See [`webrtc::send_answer`].
    pub fn send_answer(&self, description: &SessionDescription) -> Result<(), SendFailure> {
        self.shared().with(|machine| webrtc::send_answer(machine, description))
    }

    /// Sends ICE candidates, which may wait up to 10 ms for more. `None` says that there are no more.
    /// See [`webrtc::send_candidates`].
    pub fn send_candidates(&self, candidates: &[Option<Candidate>]) -> Result<(), SendFailure> {
        self.shared().with(|machine| webrtc::send_candidates(machine, Instant::now(), candidates))
    }

    /// The data channel to hand the signalling over to. See
    /// [`signalling_channel`](Machine::signalling_channel).
    pub fn signalling_channel(&self) -> Result<SignallingChannel, SendFailure> {
        self.shared().lock().signalling_channel()
    }

    /// Our end of the data channel [`signalling_channel`](Self::signalling_channel) is open: hands the
    /// signalling over to it. What is to be sent over it from then on is in events,
    /// [`Event::Channel`]; take them as fast as others. See [`hand_over`](Machine::hand_over).
    pub fn hand_over(&self, max_message_size: usize) -> Result<(), SendFailure> {
        self.shared().with(|machine| machine.hand_over(Instant::now(), max_message_size))
    }

    /// A binary message came over the data channel for the signalling. It may come before
    /// [`hand_over`](Self::hand_over) is called.
    ///
    /// If false comes back, more has come than the application took as events: if the transport can
    /// make the peer wait, it should. See [`wants_channel_input`](Machine::wants_channel_input).
    pub fn channel_receive(&self, message: &[u8]) -> bool {
        self.shared().with(|machine| {
            machine.handle_channel_message(Instant::now(), message);
            machine.wants_channel_input()
        })
    }

    /// The data channel for the signalling is closed, broke, or could not be opened. See
    /// [`handle_channel_closed`](Machine::handle_channel_closed).
    pub fn channel_closed(&self) {
        self.shared().with(Machine::handle_channel_closed);
    }

    /// Whether both clients have handed the signalling over.
    pub fn handed_over(&self) -> bool {
        self.shared().lock().handed_over()
    }

    /// Encryption for a data channel of the application's own. See
    /// [`secure_channel`](Machine::secure_channel).
    pub fn secure_channel(&self, id: u16) -> Result<SecureChannel, SendFailure> {
        self.shared().lock().secure_channel(id)
    }

    /// Ends the connection: sends what is waiting, tells the peer, and closes. Returns at once;
    /// [`Event::Closed`] comes when it is done. Nothing can be sent any more.
    ///
    /// The channels of the built-in WebRTC are emptied first, as long as the peer goes on taking: it may
    /// pause for three seconds, and take a minute in all. What it has not got by then is lost.
    pub fn close(&self) {
        self.shared().with(Machine::close);
    }
}

enum Poll {
    Event(Event),
    Nothing,
    Ended,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::crypto::KeyPair;
    use crate::protocol::ServerUrl;
    use crate::protocol::client::SocketEnd;
    use crate::task::RelayedData;

    /// Several tasks wait, and the last event goes to one of them.
    #[tokio::test]
    async fn the_end_is_told_to_everybody_who_waits() {
        let server = ServerUrl::parse("ws://127.0.0.1:1").unwrap();
        let config = Config::initiator(server, KeyPair::generate(&mut OsRandom));
        let config = config.with_task(RelayedData);
        let invitation = config.invitation_with(None);
        // Without a driver, so that the end is announced once.
        let machine = Machine::new(config.protocol, Box::new(OsRandom)).unwrap();
        let shared = Arc::new(Shared::new(machine, Box::new(|| {})));
        let client = Client {
            handle: Arc::new(Handle {
                shared,
                invitation,
                #[cfg(feature = "webrtc")]
                channels: None,
            }),
        };
        let end = async {
            client.shared().with(|machine| machine.handle_socket_end(SocketEnd::TooBig));
            crate::runtime::closed();
        };
        let all = async { tokio::join!(client.next_event(), client.next_event(), end) };
        let (first, second, ()) = tokio::time::timeout(Duration::from_secs(60), all)
            .await
            .expect("nobody waits for ever");
        assert!(matches!(first.or(second), Some(Event::Closed(_))));
    }
}
