//! Runs the connection to the peer next to the driver of the WebSocket, for as long as the client lives.
//!
//! It is one task that owns everything about the connection. The state machine of the client is locked
//! for moments; what the application wants comes by way of [`Channels`].

mod descriptions;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::beginnings::Beginnings;
use super::channels::{ChannelLimits, ChannelOptions, Channels, Command};
use super::config::{RtcConfig, RtcTasks};
use super::goodbye::Goodbye;
use super::session::{Session, Signal, closed};
use super::sockets::{Io, IoConfig};
use super::task::{Inbox, Item, Task};
use crate::client::network;
use crate::client::shared::{By, Shared};
use crate::protocol::client::{ClientState, SendFailure};
use crate::protocol::{BROWSER_MAX_MESSAGE_SIZE, Role, SecureChannel, SignallingChannel};
use crate::rtc::connection::{Connection, ConnectionConfig};
use crate::rtc::ice::{self, ServerTransport};
use crate::task::ortc::{self, Ortc, OrtcSendFailure};
use crate::task::webrtc::{
    self, OptionsError, SdpType, SessionDescription, WebRtc, WebRtcSendFailure,
};
use crate::task::{
    ChannelFailure, Client as Machine, ConnectionEvent, ConnectionFailure, ConnectionProblem,
    ConnectionState, TaskEvent,
};
use crate::transport::{Proxy, Roots, has_proxy};

/// The most bytes that we take as one message of SCTP: what browsers take.
const MAX_SCTP_MESSAGE: usize = BROWSER_MAX_MESSAGE_SIZE;

/// How long to wait before trying again to send something that found no room.
const RETRY: Duration = Duration::from_millis(50);

/// How many turns in a row the engine takes before it lets the other tasks of the runtime go on.
const TURNS: usize = 16;

/// Owns the connection of one client to its peer, and runs it.
pub(crate) struct Engine {
    shared: Arc<Shared>,
    channels: Arc<Channels>,
    inbox: Inbox,
    config: ConnectionConfig,
    io: IoConfig,
    plain_labels: Arc<[String]>,
    peer: Option<Peer>,
    /// Tells when the application says that the network has changed.
    network: watch::Receiver<u64>,
    /// It has, and nobody has looked yet.
    network_changed: bool,
}

/// What an engine is made of, once there is a client for it.
#[derive(Debug)]
pub(crate) struct EngineParts {
    config: RtcConfig,
    inbox: Inbox,
    channels: Arc<Channels>,
}

impl EngineParts {
    /// The tasks for the client, most wanted first, and the rest for the engine.
    pub(crate) fn new(config: RtcConfig) -> Result<(Vec<Task>, Self), OptionsError> {
        let channels = Arc::new(Channels::new(ChannelLimits {
            max_message_size: config.max_message_size,
            max_buffered: config.max_buffered,
            max_channels: config.max_channels,
        }));
        let inbox = Inbox::default();
        let webrtc = WebRtc::v1(config.options.clone())?;
        let ortc = Ortc::new(config.options.clone()).map_err(|_| OptionsError::ChannelId)?;
        let webrtc = || Task::new(webrtc.clone(), inbox.clone(), channels.clone());
        let ortc = || Task::new(ortc.clone(), inbox.clone(), channels.clone());
        let tasks = match config.tasks {
            RtcTasks::WebRtc => vec![webrtc()],
            RtcTasks::Ortc => vec![ortc()],
            RtcTasks::WebRtcThenOrtc => vec![webrtc(), ortc()],
            RtcTasks::OrtcThenWebRtc => vec![ortc(), webrtc()],
        };
        Ok((tasks, Self { config, inbox, channels }))
    }

    /// How many tasks lead to the engine.
    pub(crate) fn tasks(&self) -> usize {
        match self.config.tasks {
            RtcTasks::WebRtc | RtcTasks::Ortc => 1,
            RtcTasks::WebRtcThenOrtc | RtcTasks::OrtcThenWebRtc => 2,
        }
    }

    /// What the application shares with the engine.
    pub(crate) fn channels(&self) -> Arc<Channels> {
        self.channels.clone()
    }
}

/// The peer, from its handshake until it leaves.
struct Peer {
    initiator: bool,
    epoch: u32,
    signalling: Option<SignallingChannel>,
    /// The two sides exchange parameters, and no SDP.
    ortc: bool,
    session: Option<Session>,
    /// Channels that the application opened before there was a connection.
    waiting: Vec<(u32, ChannelOptions)>,
    /// We have handed the signalling over to the data channel. The peer may not have yet.
    handed_over: bool,
    /// Set while the client is closing.
    closing: Option<Goodbye>,
    /// The shutdown of the association has begun.
    shut_down: bool,
    /// How often the peer has begun anew.
    beginnings: Beginnings,
    /// What the peer has sent since it wanted to begin anew too soon, in order.
    held: VecDeque<Item>,
}

/// What follows a turn.
enum Next {
    Turn,
    Wait(Option<Instant>),
    End,
}

impl Engine {
    pub(crate) fn new(shared: Arc<Shared>, parts: EngineParts, roots: Roots, proxy: Proxy) -> Self {
        let EngineParts { config, inbox, channels } = parts;
        let ice_servers = config.ice_servers.into_iter().map(|server| match server.connection() {
            Some((host, port)) => {
                let tls = server.transport() == ServerTransport::TurnTls;
                if has_proxy(&proxy, tls, &host, port) { server.by_name() } else { server }
            }
            None => server,
        });
        let connection = ConnectionConfig {
            ice_servers: ice_servers.collect(),
            ice_policy: config.ice_policy,
            offerer: false,
            dtls_role: config.dtls_role,
            max_message_size: MAX_SCTP_MESSAGE,
            ice_timeouts: ice::Timeouts {
                disconnected: config.disconnected_timeout,
                failed: config.unreachable_timeout,
            },
            setup_timeout: config.setup_timeout,
        };
        Self {
            shared,
            channels,
            inbox,
            config: connection,
            io: IoConfig { addresses: config.addresses, ports: config.ports, roots, proxy },
            plain_labels: config.plain_labels.into(),
            peer: None,
            network: network::changes(),
            network_changed: false,
        }
    }

    /// Runs until the client has ended.
    pub(crate) async fn run(mut self) {
        let mut turns = 0;
        loop {
            match self.turn(Instant::now()) {
                Next::End => break,
                Next::Turn => {
                    turns += 1;
                    if turns % TURNS == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                Next::Wait(deadline) => {
                    turns = 0;
                    self.wait(deadline).await;
                }
            }
        }
        if let Some(session) = self.peer.as_mut().and_then(|peer| peer.session.as_mut()) {
            session.abort(Instant::now());
        }
    }

    async fn wait(&mut self, deadline: Option<Instant>) {
        let Self { shared, channels, peer, network, network_changed, .. } = self;
        let mut session = peer.as_mut().and_then(|peer| peer.session.as_mut());
        let ready = poll_fn(|cx| match &mut session {
            Some(session) => session.poll_ready(cx),
            None => std::task::Poll::Pending,
        });
        let due = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = ready => {}
            () = channels.wake.notified() => {}
            () = shared.wake_engine.notified() => {}
            () = due => {}
            () = network::changed(network) => *network_changed = true,
        }
    }

    /// Does everything that there is to do.
    fn turn(&mut self, now: Instant) -> Next {
        // In this order: a command may be about a peer that has just come, but an item never depends on
        // a command.
        let commands = self.channels.take_commands();
        // First of all, so that a peer that has just come hears of no others.
        if let Some(addresses) = self.channels.take_addresses() {
            self.set_addresses(addresses);
        }
        self.take_held(now);
        for item in self.inbox.take() {
            self.handle_in_order(now, item);
        }
        for command in commands {
            self.command(now, command);
        }
        let (over, has_room) =
            self.shared.with(By::Engine, |machine| (machine.over(), machine.has_room()));
        let Some(peer) = &mut self.peer else {
            release_goodbye(&self.shared);
            return if over { Next::End } else { Next::Wait(None) };
        };
        let Some(session) = &mut peer.session else {
            return if over { Next::End } else { Next::Wait(None) };
        };
        if over && peer.closing.is_none() {
            return Next::End;
        }

        let mut more = session.receive(now);
        if std::mem::take(&mut self.network_changed) {
            session.io.look_again();
        }
        if session.io.is_scan_due(now) && session.scan(now) && peer.initiator {
            let failed = ConnectionState::Failed(ConnectionFailure::NoAnswer);
            if *session.connection.state() == failed && !peer.handed_over {
                // There was no way to the peer in time, and now there may be one.
                self.begin(now);
                return Next::Turn;
            }
            session.connection.want_restart();
        }
        session.expire(now);
        let shared = &self.shared;
        let (channels, epoch) = (&*self.channels, peer.epoch);
        let keys = |id| -> Option<SecureChannel> {
            with_peer(shared, channels, epoch, |machine| machine.secure_channel(id).ok())?
        };
        session.prepare(now, &keys);
        // Before the application hears of an answer: what it answers does not wait to be sent any more.
        session.flush(now);
        // While the application takes no events, the peer has to wait. What there is at the end goes to the
        // application all the same: it is not much, and the end itself comes behind it.
        let mut drained = false;
        if peer.closing.is_some() || has_room || session.is_cut_off() {
            drained = !session.take_events(now, &keys);
            more |= !drained;
            // Before what came over the channel of the signalling is looked at: it may be the last.
            tell(shared, std::mem::take(&mut session.events));
        }
        if session.lost() {
            // The application hears of it before the client ends because of it.
            session.distribute();
            tell(shared, std::mem::take(&mut session.events));
        }
        let signalled = peer.signal(now, shared, channels, drained);
        let session = peer.session.as_mut().expect("it was there");
        session.transmit(now);
        session.distribute();
        peer.restart(now);
        let sent = peer.send_signals(now, shared, channels);
        let session = peer.session.as_mut().expect("it was there");
        session.transmit(now);
        // What goes by way of a relay is sent only now.
        session.distribute();
        more |= sent && !session.signals.is_empty();

        self.channels.set_stats(session.stats());
        tell(shared, std::mem::take(&mut session.events));
        if signalled == Closing::Over {
            session.abort(now);
            self.channels.set_stats(session.stats());
            self.peer = None;
            shared.with(By::Engine, |machine| machine.handle_channel_closed());
            return Next::Turn;
        }
        if more || !self.inbox.is_empty() {
            return Next::Turn;
        }
        let retry = (!sent).then_some(now + RETRY);
        let closing = peer.closing.as_ref().map(|closing| closing.next(now));
        let held = (!peer.held.is_empty()).then(|| peer.beginnings.wait(now)).flatten();
        let deadline =
            [session.poll_timeout(now), retry, closing, held].into_iter().flatten().min();
        if deadline.is_some_and(|at| at <= now) { Next::Turn } else { Next::Wait(deadline) }
    }

    /// Goes on with these addresses of the host, for this peer and those to come.
    fn set_addresses(&mut self, addresses: Vec<IpAddr>) {
        if let Some(session) = self.peer.as_mut().and_then(|peer| peer.session.as_mut()) {
            session.io.set_addresses(addresses.clone());
        }
        self.io.addresses = addresses;
    }

    /// Does what the state machine of the client tells.
    fn handle(&mut self, now: Instant, item: Item) {
        match item {
            Item::Start { role, epoch, signalling, ortc } => {
                self.drop_peer(now);
                let initiator = role == Role::Initiator;
                self.peer = Some(Peer {
                    initiator,
                    epoch,
                    signalling,
                    ortc,
                    session: None,
                    waiting: Vec::new(),
                    handed_over: false,
                    closing: None,
                    shut_down: false,
                    beginnings: Beginnings::default(),
                    held: VecDeque::new(),
                });
                if initiator || ortc {
                    self.begin(now);
                }
            }
            Item::Offer(description) => self.offer(now, &description),
            Item::Answer(description) => self.answer(now, &description),
            Item::Candidates(candidates) => {
                let session = self.peer.as_mut().and_then(|peer| peer.session.as_mut());
                if let Some(session) = session {
                    for candidate in &candidates {
                        session.connection.handle_candidate(now, candidate.as_ref());
                    }
                }
            }
            Item::Ortc(message) => self.parameters(now, &message),
            Item::Stop => self.stop(now),
        }
    }

    /// Makes a connection, in place of the one that there may be. The initiator offers it, or both describe it.
    fn begin(&mut self, now: Instant) {
        self.begin_knowing(now, false);
    }

    /// The same; `known` says whether the new connection begins with what the peer has said to the old one.
    fn begin_knowing(&mut self, now: Instant, known: bool) {
        let Some(peer) = &mut self.peer else { return };
        let mut old = peer.session.take();
        if let Some(old) = &mut old {
            old.end_channels(peer.epoch, &ChannelFailure::ConnectionReplaced);
            old.abort(now);
            let events = std::mem::take(&mut old.events);
            tell(&self.shared, events);
        }
        let config = ConnectionConfig { offerer: peer.initiator, ..self.config.clone() };
        let mut connection = match Connection::with_new_certificate(now, config) {
            Ok(connection) => connection,
            Err(error) => {
                let failure = ConnectionFailure::OwnCertificate(error.to_string());
                let state = ConnectionState::Failed(failure);
                return tell(
                    &self.shared,
                    vec![TaskEvent::Connection(ConnectionEvent::State(state))],
                );
            }
        };
        if let (true, Some(old)) = (known, &mut old) {
            connection.take_over(&mut old.connection);
        }
        // Its sockets are free now for the new one.
        drop(old);
        let mut session = Session::new(
            now,
            connection,
            Io::new(self.io.clone()),
            self.channels.clone(),
            self.plain_labels.clone(),
            peer.signalling,
            peer.ortc,
        );
        session.scan(now);
        for (number, options) in peer.waiting.drain(..) {
            session.open(number, options);
        }
        if peer.ortc {
            session.describe(now);
        } else if peer.initiator {
            session.offer(now);
        }
        peer.session = Some(session);
    }

    fn problem(&mut self, problem: ConnectionProblem) {
        match self.peer.as_mut().and_then(|peer| peer.session.as_mut()) {
            Some(session) => session.problem(problem),
            None => {
                tell(&self.shared, vec![TaskEvent::Connection(ConnectionEvent::Problem(problem))]);
            }
        }
    }

    fn command(&mut self, now: Instant, command: Command) {
        let Some(peer) = &mut self.peer else { return };
        match (command, &mut peer.session) {
            (Command::Open(number, options), Some(session)) => session.open(number, options),
            (Command::Open(number, options), None) => peer.waiting.push((number, options)),
            (Command::Flush(number), Some(session)) => session.activate(number),
            (Command::RestartIce, Some(session)) if !session.connection.state().is_end() => {
                // It is promised with the addresses of now, and the system may not have told of them.
                session.io.look_again();
                session.connection.want_restart();
            }
            // After the handover the end of the connection is the end of the client.
            (Command::RestartIce, _) if !peer.handed_over => self.begin(now),
            (Command::Flush(_) | Command::RestartIce, _) => {}
        }
    }

    /// The peer is gone, or the client is closing.
    fn stop(&mut self, now: Instant) {
        let closing =
            self.shared.with(By::Engine, |machine| machine.state() == ClientState::Closed);
        if closing {
            // What the application sent before it closed, perhaps since this turn began.
            self.channels.end();
            for command in self.channels.take_commands() {
                self.command(now, command);
            }
        }
        match &mut self.peer {
            // What was sent, the 'close' included, is still to be delivered.
            Some(peer) if closing && peer.session.is_some() => {
                let by_peer = self.shared.with(By::Engine, |machine| machine.is_closed_by_peer());
                if by_peer && let Some(session) = &mut peer.session {
                    // The peer ended with its good-bye, and takes nothing more.
                    session.stop_sending();
                }
                peer.closing = Some(match by_peer {
                    true => Goodbye::of_peer(now),
                    false => Goodbye::ours(now, peer.handed_over),
                });
            }
            _ => self.drop_peer(now),
        }
    }

    fn drop_peer(&mut self, now: Instant) {
        let Some(peer) = self.peer.take() else { return };
        let events = match peer.session {
            Some(mut session) => {
                session.end_channels(peer.epoch, &ChannelFailure::PeerLeft);
                session.abort(now);
                self.channels.set_stats(session.stats());
                session.events
            }
            None => Vec::new(),
        };
        tell(&self.shared, events);
        // Those that waited for a connection.
        tell(&self.shared, closed(self.channels.remove_all(peer.epoch), &ChannelFailure::PeerLeft));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.channels.end();
        // Also after a panic: otherwise the client would wait for the engine to release its good-bye.
        self.shared.abandon();
    }
}

/// Whether the closing of a client has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    No,
    Over,
}

impl Peer {
    /// Carries messages between the state machine of the client and the signalling channel, and closes the
    /// connection when the client closes. `drained` says that everything was taken that the peer has sent.
    /// The end of the connection is reported only then, because it comes after those messages.
    fn signal(
        &mut self,
        now: Instant,
        shared: &Shared,
        channels: &Channels,
        drained: bool,
    ) -> Closing {
        let Some(session) = &mut self.session else { return Closing::No };
        let epoch = self.epoch;
        let messages = std::mem::take(&mut session.signalling_messages);
        let opened = std::mem::take(&mut session.signalling_opened);
        let lost = drained && session.lost();
        let closed = std::mem::take(&mut session.signalling_closed) || lost;
        if opened {
            let max = match session.connection.remote_max_message_size() {
                0 if !session.ortc => MAX_SCTP_MESSAGE,
                max => max,
            };
            match with_peer(shared, channels, epoch, |machine| machine.hand_over(now, max)) {
                Some(Ok(())) => self.handed_over = true,
                Some(Err(error)) => {
                    session.problem(ConnectionProblem::Handover(error.to_string()));
                }
                None => {}
            }
        }
        if !messages.is_empty() {
            with_peer(shared, channels, epoch, |machine| {
                for message in &messages {
                    machine.handle_channel_message(now, message);
                }
            });
        }
        let usable = matches!(
            session.connection.state(),
            ConnectionState::Connected | ConnectionState::Disconnected
        );
        let parts = match &mut self.closing {
            Some(closing) => !usable || closing.may_be_said(now, session.undelivered()),
            None => false,
        };
        if parts {
            // Last of all, because the peer ends with it and takes nothing that comes later.
            release_goodbye(shared);
        }
        if self.handed_over {
            send_signalling(now, shared, session);
        }
        if let Some(closing) = &mut self.closing {
            let (over, waits) = shared
                .with(By::Engine, |machine| (machine.over(), machine.has_channel_transmits()));
            if closed {
                closing.answered();
            }
            if parts && !waits && (self.handed_over || over) {
                closing.said(now);
                if !closing.is_patient(now) && !std::mem::replace(&mut self.shut_down, true) {
                    session.shutdown(now);
                }
            }
            let over = !usable || closing.is_over(now, session.undelivered());
            return if over { Closing::Over } else { Closing::No };
        }
        if drained && session.connection.state().is_end() {
            let failure = match session.connection.state() {
                ConnectionState::Failed(why) => ChannelFailure::Connection(why.clone()),
                _ => ChannelFailure::ConnectionEnded,
            };
            session.end_channels(self.epoch, &failure);
        }
        if closed && self.handed_over {
            with_peer(shared, channels, epoch, Machine::handle_channel_closed);
        }
        Closing::No
    }

    /// Restarts ICE, if that is wanted and possible. After the handover a new offer travels over the
    /// connection itself, so it needs a path that works. While there is none, both sides go on sending checks
    /// from all their addresses, new ones included, which can find a path without any signalling.
    fn restart(&mut self, now: Instant) {
        let Some(session) = &mut self.session else { return };
        let state = session.connection.state();
        // A peer that has not heard of the path could not answer.
        let usable = *state == ConnectionState::Connected && session.connection.peer_knows_path();
        let possible = !self.handed_over || usable;
        if possible && session.connection.take_restart(now) {
            session.offer(now);
            session.distribute();
        }
    }

    /// Sends descriptions and candidates. Returns whether all were sent.
    fn send_signals(&mut self, now: Instant, shared: &Shared, channels: &Channels) -> bool {
        let Some(session) = &mut self.session else { return true };
        while let Some(signal) = session.signals.front() {
            let description = |kind, sdp: &String| SessionDescription::new(kind, sdp);
            let result = with_peer(shared, channels, self.epoch, |machine| match signal {
                Signal::Offer(sdp) => {
                    webrtc::send_offer(machine, &description(SdpType::Offer, sdp))
                }
                Signal::Answer(sdp) => {
                    webrtc::send_answer(machine, &description(SdpType::Answer, sdp))
                }
                Signal::Candidates(candidates) => webrtc::send_candidates(machine, now, candidates),
                Signal::Ortc(message) => match ortc::send(machine, now, message) {
                    Err(OrtcSendFailure::Message(failure)) => Err(failure.into()),
                    result => {
                        result.expect("the engine sets no label, and makes no empty list");
                        Ok(())
                    }
                },
            });
            match result {
                Some(Err(WebRtcSendFailure::Message(SendFailure::QueueFull))) => return false,
                Some(Err(error)) => tracing::debug!(%error, "the peer could not be told"),
                Some(Ok(())) | None => {}
            }
            session.signals.pop_front();
        }
        if self.handed_over {
            send_signalling(now, shared, session);
        }
        true
    }
}

/// Does something about the peer `epoch` of the engine, unless the machine has another one by now, of which
/// the engine is about to learn: what was the old one's would be taken for the new one's.
fn with_peer<T>(
    shared: &Shared,
    channels: &Channels,
    epoch: u32,
    work: impl FnOnce(&mut Machine) -> T,
) -> Option<T> {
    shared.with(By::Engine, |machine| channels.is_latest(epoch).then(|| work(machine)))
}

/// Tells the application of these events.
fn tell(shared: &Shared, events: Vec<TaskEvent>) {
    if !events.is_empty() {
        shared.with(By::Engine, |machine| {
            events.into_iter().for_each(|event| machine.push_task_event(event));
        });
    }
}

/// Lets the machine say good-bye, if it waits for that.
fn release_goodbye(shared: &Shared) {
    shared.with(By::Engine, Machine::release_goodbye);
}

/// Sends what the state machine has for the peer over the channel of the signalling.
fn send_signalling(now: Instant, shared: &Shared, session: &mut Session) {
    shared.with(By::Engine, |machine| {
        if machine.has_channel_transmits() {
            session.send_signalling(now, machine);
        }
    });
}

#[cfg(test)]
mod tests;
