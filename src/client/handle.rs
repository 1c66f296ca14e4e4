//! The handle of a client, for programs.

use std::sync::Arc;
use std::time::Instant;

use super::config::Config;
#[cfg(feature = "webrtc")]
use super::engine::{Channels, Engine};
use super::shared::{By, Listener, Shared};
use super::websocket;
use crate::crypto::{AuthToken, OpenError, OsRandom, PublicKey};
use crate::protocol::client::{ClientState, ConfigError, Outgoing, SendFailure};
use crate::protocol::message::{Payload, TaskMessage};
use crate::protocol::{DropReason, Invitation, ResponderAddress, SecureChannel, SignallingChannel};
use crate::task::ortc::{self, OrtcMessage, OrtcSendFailure};
use crate::task::webrtc::{self, Candidate, SessionDescription, WebRtcSendFailure};
use crate::task::{Client as Machine, Event, RelayedData};

/// A client: the handle of a connection. Cheap to clone; all clones are the same connection, and can
/// be used from any thread. When the last one is dropped the connection is closed properly in the
/// background.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) handle: Arc<Handle>,
}

/// Shared by the handles; closes the connection when the last of them is dropped.
#[derive(Debug)]
pub(super) struct Handle {
    shared: Arc<Shared>,
    /// What invitations are made of: without a token.
    invitation: Invitation,
    /// The channels of the built-in WebRTC engine, if there is one.
    #[cfg(feature = "webrtc")]
    pub(super) channels: Option<Arc<Channels>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.with(By::Application, Machine::close);
    }
}

impl Client {
    /// Starts to connect, and returns at once. Events tell what comes of it.
    ///
    /// # Errors
    ///
    /// If the configuration makes no sense.
    pub fn connect(config: Config) -> Result<Self, ConfigError> {
        Self::connect_with(config, Box::new(()))
    }

    /// Like [`connect`](Self::connect), with somebody who is told of new events, on any thread.
    pub(crate) fn connect_with(
        config: Config,
        listener: Box<dyn Listener>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let invitation = config.invitation_with(None);
        let Config { server, roots, proxy, connect_timeout, response_timeout, protocol, .. } =
            config;
        #[cfg(feature = "webrtc")]
        let (rtc, rtc_roots, rtc_proxy) = (config.rtc, roots.clone(), proxy.clone());
        let (max_message_size, ping_interval) = (protocol.max_message_size, protocol.ping_interval);
        let machine = Machine::new(protocol, Box::new(OsRandom))?;
        let target = websocket::Target {
            server,
            path: *machine.path(),
            roots,
            proxy,
            connect_timeout,
            response_timeout,
            ping_interval,
            max_message_size,
        };
        let shared = Arc::new(Shared::new(machine, listener));
        let driver = websocket::Driver::new(shared.clone());
        let runtime = crate::runtime::handle();
        runtime.spawn(driver.run(target));
        #[cfg(feature = "webrtc")]
        let channels = rtc.map(|parts| {
            let channels = parts.channels();
            runtime.spawn(Engine::new(shared.clone(), parts, rtc_roots, rtc_proxy).run());
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

    fn machine<T>(&self, work: impl FnOnce(&mut Machine) -> T) -> T {
        self.shared().with(By::Application, work)
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
        let poll = |machine: &mut Machine| match machine.poll_event() {
            // After the last one, the others who wait have to learn that nothing will follow.
            Some(event) => (Poll::Event(event), machine.has_events() || machine.ended()),
            None if machine.ended() => (Poll::Ended, false),
            None => (Poll::Nothing, false),
        };
        let (polled, others) = self.shared().with(By::EventTaker, poll);
        if others {
            self.shared().wake_application.notify_one();
        }
        polled
    }

    /// Takes events under one lock, as long as they are wanted.
    #[cfg(feature = "capi")]
    pub(crate) fn take_events(&self, taker: &mut impl EventTaker) {
        self.shared().with(By::EventTaker, |machine| {
            while machine.next_event().is_some_and(|event| taker.wants(event))
                && let Some(event) = machine.poll_event()
            {
                taker.take(event);
            }
            taker.left(match machine.has_events() {
                true => Left::Events,
                false if machine.ended() => Left::End,
                false => Left::Nothing,
            });
        });
    }

    /// Whether [`Event::Closed`] was taken: nothing will ever follow.
    pub fn ended(&self) -> bool {
        self.machine(|machine| machine.ended())
    }

    /// Whether events wait to be taken.
    pub fn has_events(&self) -> bool {
        self.machine(|machine| machine.has_events())
    }

    /// How far the client is.
    pub fn state(&self) -> ClientState {
        self.machine(|machine| machine.state())
    }

    /// The name of the task that runs with the authenticated peer.
    pub fn task(&self) -> Option<String> {
        self.machine(|machine| machine.task().map(str::to_owned))
    }

    /// The public permanent key of the authenticated peer: what to store to trust it.
    pub fn peer_key(&self) -> Option<PublicKey> {
        self.machine(|machine| machine.peer_key().copied())
    }

    /// The public permanent key of this client.
    pub fn public_key(&self) -> PublicKey {
        self.machine(|machine| *machine.public_key())
    }

    /// The signalling path: the initiator's public permanent key.
    pub fn path(&self) -> PublicKey {
        self.handle.invitation.initiator_key
    }

    /// The invitation to the path of this client: with `token`, which only the caller knows, or without one
    /// if the initiator trusts the key of the responder.
    pub fn invitation(&self, token: Option<AuthToken>) -> Invitation {
        Invitation { token, ..self.handle.invitation.clone() }
    }

    /// How many bytes of messages wait to be sent: those that the operating system has not taken, except for
    /// the next few of them. What encryption adds is included. 0 once the client has ended.
    pub fn buffered_amount(&self) -> usize {
        self.machine(|machine| machine.buffered_amount())
    }

    /// From now on there is an [`Event::LowWater`] each time that [`buffered_amount`](Self::buffered_amount)
    /// falls from above `bytes` to `bytes` or less.
    pub fn set_low_water(&self, bytes: usize) {
        self.machine(|machine| machine.set_low_water(bytes));
    }

    /// Sends a message: seals it on the thread of the caller, while others use the client.
    fn send(&self, message: Outgoing) -> Result<(), SendFailure> {
        // In one go for the data channel: between two looks at the machine the peer may be another one.
        let place = self.machine(|machine| match machine.reserve(&message)? {
            Some(place) => Ok(Some(place)),
            None => machine.send_over_channel(&message).map(|()| None),
        })?;
        let Some(place) = place else { return Ok(()) };
        let unfilled = Unfilled(self.shared());
        let sealed = place.seal(message);
        self.machine(|machine| machine.fill(sealed));
        std::mem::forget(unfilled);
        Ok(())
    }

    /// Sends data with the Relayed Data task, as a MessagePack value of the caller's.
    pub fn send_data(&self, payload: &Payload) -> Result<(), SendFailure> {
        // Spec: R-013 (Sending a Message)
        self.send(RelayedData::outgoing(payload))
    }

    /// Sends bytes with the Relayed Data task.
    pub fn send_bytes(&self, bytes: &[u8]) -> Result<(), SendFailure> {
        self.send(RelayedData::outgoing_bytes(bytes))
    }

    /// Sends text with the Relayed Data task.
    pub fn send_text(&self, text: &str) -> Result<(), SendFailure> {
        self.send(RelayedData::outgoing_text(text))
    }

    /// Sends something to the peer's application beside the task, whatever the task is.
    pub fn send_application(&self, payload: Payload) -> Result<(), SendFailure> {
        self.send(Outgoing::application(&payload))
    }

    /// Sends a message of a custom task.
    ///
    /// # Errors
    ///
    /// [`SendFailure::OtherTask`] if Relayed Data or WebRTC runs, which have no messages but their own.
    pub fn send_task_message(&self, message: &TaskMessage) -> Result<(), SendFailure> {
        self.send(Outgoing::task_message(message))
    }

    /// Encrypts for the peer, for use outside of the connection; see
    /// [`encrypt_for_peer`](Machine::encrypt_for_peer).
    pub fn encrypt_for_peer(&self, plain: &[u8]) -> Result<Vec<u8>, SendFailure> {
        self.machine(|machine| machine.encrypt_for_peer(plain))
    }

    /// Decrypts what the peer encrypted with [`encrypt_for_peer`](Self::encrypt_for_peer).
    pub fn decrypt_from_peer(
        &self,
        sealed: &[u8],
    ) -> Result<Result<Vec<u8>, OpenError>, SendFailure> {
        self.machine(|machine| machine.decrypt_from_peer(sealed))
    }

    /// Initiator: lets one more responder in, with a new token. See
    /// [`issue_token`](Machine::issue_token).
    pub fn issue_token(&self) -> Result<AuthToken, SendFailure> {
        self.machine(Machine::issue_token)
    }

    /// Goes on without tokens, with the authenticated peer. See [`trust_peer`](Machine::trust_peer).
    pub fn trust_peer(&self) -> Result<(), SendFailure> {
        self.machine(|machine| machine.trust_peer(Instant::now()))
    }

    /// Initiator: drops a responder from the path.
    pub fn drop_responder(
        &self,
        address: ResponderAddress,
        reason: DropReason,
    ) -> Result<(), SendFailure> {
        self.machine(|machine| machine.drop_responder(address, reason))
    }

    /// Sends an offer to the responder. See [`webrtc::send_offer`].
    pub fn send_offer(&self, description: &SessionDescription) -> Result<(), WebRtcSendFailure> {
        self.machine(|machine| webrtc::send_offer(machine, description))
    }

    /// Sends an answer to the initiator. See [`webrtc::send_answer`].
    pub fn send_answer(&self, description: &SessionDescription) -> Result<(), WebRtcSendFailure> {
        self.machine(|machine| webrtc::send_answer(machine, description))
    }

    /// Sends ICE candidates, which may wait up to 10 ms for more. `None` says that there are no more.
    /// See [`webrtc::send_candidates`].
    pub fn send_candidates(
        &self,
        candidates: &[Option<Candidate>],
    ) -> Result<(), WebRtcSendFailure> {
        self.machine(|machine| webrtc::send_candidates(machine, Instant::now(), candidates))
    }

    /// Sends a message of the ORTC task to the peer. See [`ortc::send`].
    pub fn send_ortc(&self, message: &OrtcMessage) -> Result<(), OrtcSendFailure> {
        self.machine(|machine| ortc::send(machine, Instant::now(), message))
    }

    /// Sends a message of the ORTC task about the transport of the signalling channel. See
    /// [`ortc::send_for_handover`].
    pub fn send_ortc_for_handover(&self, message: OrtcMessage) -> Result<(), OrtcSendFailure> {
        self.machine(|machine| ortc::send_for_handover(machine, Instant::now(), message))
    }

    /// The data channel to hand the signalling over to. See
    /// [`signalling_channel`](Machine::signalling_channel).
    pub fn signalling_channel(&self) -> Result<SignallingChannel, SendFailure> {
        self.machine(|machine| machine.signalling_channel())
    }

    /// Our end of the data channel [`signalling_channel`](Self::signalling_channel) is open: hands the
    /// signalling over to it. What is to be sent over it from then on is in events,
    /// [`Event::SignallingChannel`]; take them as fast as others. See [`hand_over`](Machine::hand_over).
    pub fn hand_over(&self, max_message_size: usize) -> Result<(), SendFailure> {
        self.machine(|machine| machine.hand_over(Instant::now(), max_message_size))
    }

    /// A binary message came over the data channel for the signalling. It may come before
    /// [`hand_over`](Self::hand_over) is called.
    ///
    /// If false comes back, more has come than the application took as events: if the transport can
    /// make the peer wait, it should. See [`wants_channel_input`](Machine::wants_channel_input).
    pub fn channel_receive(&self, message: &[u8]) -> bool {
        self.machine(|machine| {
            machine.handle_channel_message(Instant::now(), message);
            machine.wants_channel_input()
        })
    }

    /// The data channel for the signalling is closed, broke, or could not be opened. See
    /// [`handle_channel_closed`](Machine::handle_channel_closed).
    pub fn channel_closed(&self) {
        self.machine(Machine::handle_channel_closed);
    }

    /// Whether both clients have handed the signalling over.
    pub fn handed_over(&self) -> bool {
        self.machine(|machine| machine.handed_over())
    }

    /// Encryption for a data channel of the application's own. See
    /// [`secure_channel`](Machine::secure_channel).
    pub fn secure_channel(&self, id: u16) -> Result<SecureChannel, SendFailure> {
        self.machine(|machine| machine.secure_channel(id))
    }

    /// Ends the connection: sends what is waiting, tells the peer, and closes. Returns at once;
    /// [`Event::Closed`] comes when it is done. Nothing can be sent any more.
    ///
    /// The channels of the built-in WebRTC are emptied first, as long as the peer goes on taking: it may
    /// pause for three seconds, and take a minute in all. What it has not got by then is lost.
    pub fn close(&self) {
        self.machine(Machine::close);
    }
}

/// Ends the connection if a panic happens while a message is sealed: its place in the queue would stay
/// empty, and nothing behind it would ever be sent. Without a panic it is forgotten and never dropped.
struct Unfilled<'a>(&'a Shared);

impl Drop for Unfilled<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Takes many events at once. The lock of the machine is held meanwhile, which it must not take; nor may it
/// wait or log.
#[cfg(feature = "capi")]
pub(crate) trait EventTaker {
    /// Whether it takes the next event.
    fn wants(&mut self, event: &Event) -> bool;

    fn take(&mut self, event: Event);

    /// The last that it is told.
    fn left(&mut self, left: Left);
}

/// What is left after events were taken.
#[cfg(feature = "capi")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// More events.
    Events,
    /// Nothing at the moment.
    Nothing,
    /// Nothing, for good: [`Event::Closed`] was taken.
    End,
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
        let shared = Arc::new(Shared::new(machine, Box::new(())));
        let client = Client {
            handle: Arc::new(Handle {
                shared,
                invitation,
                #[cfg(feature = "webrtc")]
                channels: None,
            }),
        };
        let end = async {
            client.machine(|machine| machine.handle_socket_end(SocketEnd::TooBig));
            crate::runtime::closed();
        };
        let all = async { tokio::join!(client.next_event(), client.next_event(), end) };
        let (first, second, ()) = tokio::time::timeout(Duration::from_secs(60), all)
            .await
            .expect("nobody waits for ever");
        assert!(matches!(first.or(second), Some(Event::Closed(_))));
    }
}
