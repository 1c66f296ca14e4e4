//! One connection to the peer with everything on it: sockets, the channel of the signalling, and the
//! channels of the application.

mod config;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::channels::{Channel, ChannelOptions, Channels, Sealing};
use super::config::RtcStats;
use super::goodbye::Undelivered;
use super::sockets::{Arrival, Io};
use crate::chunking::{Chunker, Mode, Unchunker, UnchunkerLimits};
use crate::protocol::{
    BROWSER_MAX_MESSAGE_SIZE, ChannelTransmit, SecureChannel, SecureReceiver, SignallingChannel,
};
use crate::rtc::association::{AssociationEvent, ChannelConfig, ChannelId, MessageKind};
use crate::rtc::connection::{Connection, ConnectionOutput, DescriptionError};
use crate::rtc::ice;
use crate::task::ortc::{Labelled, OrtcMessage};
use crate::task::webrtc::{Candidate, SdpType};
use crate::task::{
    ChannelEvent, ChannelFailure, ChannelMessageError, Client as Machine, ConnectionEvent,
    ConnectionFailure, ConnectionProblem, ConnectionState, Reliability, TaskEvent,
};

/// The largest chunk of a secure channel, in bytes, whatever the peer takes: what every browser takes as one
/// message.
const MAX_CHUNK: usize = BROWSER_MAX_MESSAGE_SIZE;

/// Bytes of one channel that may wait within the association. The rest waits in the queue of the
/// channel, so that all channels get their turn.
const MAX_IN_ASSOCIATION: usize = 512 * 1024;

/// Bytes that may wait within the association over all channels: less than what it takes.
const MAX_IN_ASSOCIATION_TOTAL: usize = 1 << 20;

/// How many events are taken from the association in a row, before they are passed on to the application.
const EVENTS: usize = 1024;

/// The most problems that the application is told of for one connection, since a peer can cause any number
/// of them.
const MAX_PROBLEMS: usize = 32;

/// An incomplete message on an unreliable channel is given up if none of its chunks came for this long.
const MAX_AGE: Duration = Duration::from_secs(60);
/// How often to look for such messages, which takes time for each channel.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(10);
/// The same for a reliable channel. Nothing stays missing there, so only a dead connection leads to it.
const MAX_AGE_RELIABLE: Duration = Duration::from_secs(3600);

/// Makes the encryption for a data channel with an id; `None` if the client has no peer any more.
pub(super) type Keys<'a> = &'a dyn Fn(u16) -> Option<SecureChannel>;

/// What a session has for the peer that goes over the signalling.
#[derive(Debug)]
pub(super) enum Signal {
    Offer(String),
    Answer(String),
    Candidates(Vec<Option<Candidate>>),
    Ortc(OrtcMessage),
}

/// A channel of the application that exists in the association.
struct Open {
    channel: Arc<Channel>,
    receiver: Option<Receiver>,
}

/// The receiving half of a secure channel.
struct Receiver {
    unchunker: Unchunker,
    secure: SecureReceiver,
    /// Messages may also come as they are, without the header of a chunk.
    takes_whole: bool,
    /// The most bytes that a message may have, encrypted.
    limit: usize,
}

/// One connection to the peer, with everything on it.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) io: Io,
    channels: Arc<Channels>,
    plain_labels: Arc<[String]>,
    signalling: Option<SignallingChannel>,
    /// The two sides exchange parameters, and no SDP.
    pub(super) ortc: bool,
    /// The channel of the signalling, while it exists.
    signalling_id: Option<ChannelId>,
    /// The channels that were opened before there was an association have been added to it.
    prepared: bool,
    waiting: Vec<(u32, ChannelOptions)>,
    open: HashMap<ChannelId, Open>,
    ids: HashMap<u32, ChannelId>,
    /// Channels with something to send.
    active: Vec<u32>,
    /// Bytes of incomplete messages of all secure channels.
    incomplete: usize,
    /// When incomplete messages were last checked for their age.
    last_expiry: Instant,
    /// What waits to go over the signalling.
    pub(super) signals: VecDeque<Signal>,
    /// For the application.
    pub(super) events: Vec<TaskEvent>,
    problems: usize,
    /// Our end of the signalling channel has just opened.
    pub(super) signalling_opened: bool,
    /// The signalling channel is gone.
    pub(super) signalling_closed: bool,
    /// Messages that came over it.
    pub(super) signalling_messages: Vec<Bytes>,
}

impl Session {
    pub(super) fn new(
        now: Instant,
        connection: Connection,
        io: Io,
        channels: Arc<Channels>,
        plain_labels: Arc<[String]>,
        signalling: Option<SignallingChannel>,
        ortc: bool,
    ) -> Self {
        Self {
            connection,
            io,
            channels,
            plain_labels,
            signalling,
            ortc,
            signalling_id: None,
            prepared: false,
            waiting: Vec::new(),
            open: HashMap::new(),
            ids: HashMap::new(),
            active: Vec::new(),
            incomplete: 0,
            last_expiry: now,
            signals: VecDeque::new(),
            events: Vec::new(),
            problems: 0,
            signalling_opened: false,
            signalling_closed: false,
            signalling_messages: Vec::new(),
        }
    }

    /// Looks at the addresses of the host. Returns whether they have changed.
    pub(super) fn scan(&mut self, now: Instant) -> bool {
        let changes = self.io.scan(now);
        let changed = !changes.added.is_empty() || !changes.removed.is_empty();
        // The new ones first, so that there is always something to find a path with.
        for (id, address) in changes.added {
            self.connection.add_socket(now, id, address);
        }
        for id in changes.removed {
            self.connection.remove_socket(now, id);
        }
        if let (Some(address), Some(ports)) = (changes.full, self.io.ports()) {
            self.problem(ConnectionProblem::PortsInUse { address, ports });
        }
        if let Some((used, left_out)) = changes.left_out {
            self.problem(ConnectionProblem::AddressesLeftOut { used, left_out });
        }
        changed
    }

    /// Says what the peer has to know first, in parameters.
    pub(super) fn describe(&mut self, now: Instant) {
        self.signals.extend(self.connection.describe(now).into_iter().map(Signal::Ortc));
    }

    /// Makes an offer if that is possible now, or restarts ICE in another way, and has it sent.
    pub(super) fn offer(&mut self, now: Instant) {
        if self.ortc {
            self.signals.extend(self.connection.restart_parameters(now).map(Signal::Ortc));
            return;
        }
        if let Some(sdp) = self.connection.create_offer(now) {
            self.signals.push_back(Signal::Offer(sdp));
        }
    }

    /// Tells the application that something cannot be used. The text goes to the application and not into
    /// the log, as it may quote the peer.
    pub(super) fn problem(&mut self, problem: ConnectionProblem) {
        tracing::debug!("something about the connection to the peer cannot be used");
        if self.problems < MAX_PROBLEMS {
            self.problems += 1;
            self.events.push(TaskEvent::Connection(ConnectionEvent::Problem(problem)));
        }
    }

    /// Gives up if it depends on this description of the peer, which cannot be used, and lets the peer know.
    /// A connection that was described before goes on, unless the peer wants it no more.
    pub(super) fn refuse_description(
        &mut self,
        now: Instant,
        kind: Option<SdpType>,
        error: &DescriptionError,
    ) {
        let state = self.connection.state();
        let unsecured = matches!(state, ConnectionState::New | ConnectionState::Connecting)
            || *state == ConnectionState::Unreachable;
        let given_up = error.is_rejection() && unsecured;
        let needed = !self.connection.is_described() && error.is_fatal();
        let over = state.is_end();
        let text = error.to_string();
        self.problem(ConnectionProblem::Description(text.clone()));
        if over || !(given_up || needed) {
            return;
        }
        self.connection.fail(now, ConnectionFailure::Description(text));
        // Who rejects knows it, and ORTC has no such message.
        if let Some(kind) = kind.filter(|_| !error.is_rejection()) {
            let sdp = self.connection.rejection();
            self.signals.push_back(match kind {
                SdpType::Offer => Signal::Answer(sdp),
                _ => Signal::Offer(sdp),
            });
        }
    }

    /// Takes what arrived at the sockets, and does what is due. Returns whether there may be more.
    pub(super) fn receive(&mut self, now: Instant) -> bool {
        let connection = &mut self.connection;
        let more = self.io.receive(|socket, from, datagram| {
            connection.handle_datagram(now, socket, from, datagram);
        });
        while let Some(arrival) = self.io.next_arrival() {
            match arrival {
                Arrival::StreamOpen(id, local) => connection.handle_stream_open(now, id, local),
                Arrival::StreamData(id, data) => connection.handle_stream_data(now, id, &data),
                Arrival::StreamClosed(id, error) => {
                    connection.handle_stream_closed(now, id, error.as_deref());
                }
                Arrival::Resolved { name, addresses } => {
                    connection.handle_resolved(now, &name, &addresses);
                }
            }
        }
        if connection.poll_timeout().is_some_and(|at| at <= now) {
            connection.handle_timeout(now);
        }
        more
    }

    /// Opens a channel of the application, as soon as that is possible.
    pub(super) fn open(&mut self, number: u32, options: ChannelOptions) {
        self.waiting.push((number, options));
    }

    /// Opens what waits to be opened: the channel of the signalling first, so that nothing else takes
    /// its id.
    pub(super) fn prepare(&mut self, now: Instant, keys: Keys<'_>) {
        let Some(association) = self.connection.association() else { return };
        if !std::mem::replace(&mut self.prepared, true)
            && let Some(signalling) = &self.signalling
        {
            // Spec: W-022 (Signalling Channel Handover)
            match association.open(now, config::of_signalling(signalling)) {
                Ok(id) => self.signalling_id = Some(id),
                Err(error) => self.problem(ConnectionProblem::Handover(error.to_string())),
            }
        }
        let mut has_room = || self.connection.association().is_some_and(|it| it.has_room());
        if self.waiting.is_empty() || !has_room() {
            return;
        }
        for (number, options) in std::mem::take(&mut self.waiting) {
            let Some(channel) = self.channels.channel(number) else { continue };
            if channel.closing() {
                self.gone(number, None);
                continue;
            }
            let Some(association) = self.connection.association() else { return };
            let reliable = options.reliability == Reliability::Reliable;
            match association.open(now, config::of_application(options)) {
                Ok(id) => self.attach(keys, id, channel, reliable),
                Err(error) => self.gone(number, Some(ChannelFailure::NotOpened(error))),
            }
        }
    }

    /// Sets up what is needed here for a channel that the association has.
    fn attach(&mut self, keys: Keys<'_>, id: ChannelId, channel: Arc<Channel>, reliable: bool) {
        let number = channel.number;
        let remote_max = self.connection.remote_max_message_size();
        let max_transmit = match remote_max {
            0 => MAX_CHUNK,
            limit => limit,
        };
        let (secure, receiver) = if channel.secure {
            let Some(secure) = keys(id.get()) else {
                // The session has just ended, and the rest is about to.
                return self.gone(number, None);
            };
            let (sender, receiver) = secure.split();
            let mode = Mode::UnreliableUnordered;
            let limit = self.channels.limits().max_message_size + SecureChannel::OVERHEAD;
            let limits = UnchunkerLimits {
                max_message_size: limit,
                max_total_size: limit.saturating_mul(2),
                max_age: if reliable { MAX_AGE_RELIABLE } else { MAX_AGE },
                // SCTP delivers nothing twice, so there are no duplicates to recognise.
                remembered: 0,
            };
            let unchunker = Unchunker::new(mode, limits);
            let receiver = Receiver { unchunker, secure: receiver, takes_whole: self.ortc, limit };
            // A peer that sets no limit gets messages as they are.
            let chunker = (!self.ortc || remote_max > 0).then(|| Chunker::new(mode));
            (Some((sender, chunker)), Some(receiver))
        } else {
            (None, None)
        };
        let max_transmit = if channel.secure { max_transmit.min(MAX_CHUNK) } else { max_transmit };
        channel.open(Sealing { max_transmit, secure });
        self.ids.insert(number, id);
        self.open.insert(id, Open { channel, receiver });
    }

    /// A channel is gone, and its number stands for nothing from now on.
    fn gone(&mut self, channel: u32, error: Option<ChannelFailure>) {
        self.channels.remove(channel);
        self.active.retain(|number| *number != channel);
        self.events.push(TaskEvent::Channel(ChannelEvent::Closed { channel, error }));
    }

    /// The channel has something to send, or is to be closed.
    pub(super) fn activate(&mut self, number: u32) {
        if !self.active.contains(&number) {
            self.active.push(number);
        }
    }

    /// Takes events from the association. Returns whether there may be more.
    pub(super) fn take_events(&mut self, now: Instant, keys: Keys<'_>) -> bool {
        for _ in 0..EVENTS {
            let Some(event) = self.connection.poll_association() else { return false };
            match event {
                AssociationEvent::Message { id, kind, data } => self.message(now, id, kind, data),
                AssociationEvent::ChannelOpened { id, config, by_peer } => {
                    self.opened(now, keys, id, &config, by_peer);
                }
                AssociationEvent::ChannelClosed { id, error } => self.closed(id, error),
                AssociationEvent::Connected
                | AssociationEvent::LowWater { .. }
                | AssociationEvent::Failed(_)
                | AssociationEvent::Ended => {}
            }
        }
        true
    }

    fn opened(
        &mut self,
        now: Instant,
        keys: Keys<'_>,
        id: ChannelId,
        config: &ChannelConfig,
        by_peer: bool,
    ) {
        if self.signalling_id == Some(id) {
            self.signalling_opened = true;
            return;
        }
        if by_peer {
            let secure = !self.plain_labels.contains(&config.label);
            match self.channels.add(secure) {
                Ok(channel) => {
                    let reliable = config.reliability == Reliability::Reliable;
                    self.attach(keys, id, channel, reliable);
                }
                Err(_) => {
                    if let Some(association) = self.connection.association() {
                        association.close(now, id);
                    }
                    return self.problem(ConnectionProblem::TooManyChannels);
                }
            }
        }
        let Some(open) = self.open.get(&id) else { return };
        let channel = &open.channel;
        self.events.push(TaskEvent::Channel(ChannelEvent::Opened {
            channel: channel.number,
            label: config.label.clone(),
            protocol: config.protocol.clone(),
            ordered: config.ordered,
            reliability: config.reliability,
            secure: channel.secure,
            by_peer,
        }));
    }

    fn closed(&mut self, id: ChannelId, error: Option<ChannelFailure>) {
        if self.signalling_id == Some(id) {
            self.signalling_id = None;
            self.signalling_closed = true;
        } else if let Some(open) = self.open.remove(&id) {
            let number = open.channel.number;
            self.ids.remove(&number);
            if let Some(receiver) = open.receiver {
                self.incomplete -= receiver.unchunker.memory();
            }
            self.gone(number, error);
        }
    }

    fn message(&mut self, now: Instant, id: ChannelId, kind: MessageKind, data: Bytes) {
        if self.signalling_id == Some(id) {
            return self.signalling_messages.push(data);
        }
        let Some(open) = self.open.get_mut(&id) else { return };
        let channel = open.channel.number;
        let event = match &mut open.receiver {
            None => {
                let text = kind == MessageKind::Text && std::str::from_utf8(&data).is_ok();
                ChannelEvent::Message { channel, text, data }
            }
            Some(receiver) => {
                let before = receiver.unchunker.memory();
                let result = receiver.receive(now, &data);
                self.incomplete = self.incomplete - before + receiver.unchunker.memory();
                // Twice the largest message, for all channels together.
                let limit = self.channels.limits().max_message_size.saturating_mul(2) + MAX_CHUNK;
                let result = if self.incomplete > limit {
                    Err(ChannelMessageError::TooManyIncomplete)
                } else {
                    result
                };
                match result {
                    Ok(Some(data)) => ChannelEvent::Message { channel, text: false, data },
                    Ok(None) => return,
                    Err(error) => return self.refuse(now, id, error),
                }
            }
        };
        self.events.push(TaskEvent::Channel(event));
    }

    /// Closes a channel because of what the peer sent.
    fn refuse(&mut self, now: Instant, id: ChannelId, error: ChannelMessageError) {
        if let Some(association) = self.connection.association() {
            association.close(now, id);
        }
        self.closed(id, Some(ChannelFailure::Message(error)));
    }

    /// Hands what waits in the queues of the channels to the association.
    pub(super) fn flush(&mut self, now: Instant) {
        // Channels that the association does not have yet are flushed once it has them.
        let find = |number| {
            let id = *self.ids.get(&number)?;
            Some((number, id, self.open.get(&id)?.channel.clone()))
        };
        let mut channels: Vec<_> =
            std::mem::take(&mut self.active).into_iter().filter_map(find).collect();
        let Some(association) = self.connection.association() else { return };
        let mut total: usize =
            channels.iter().map(|(_, id, _)| association.buffered_amount(*id)).sum();
        if !channels.is_empty() {
            // Each time another channel comes first, so that all get their share of the room.
            channels.rotate_left(1);
        }
        for (number, id, channel) in channels {
            let others = total - association.buffered_amount(id);
            let high = MAX_IN_ASSOCIATION.min(MAX_IN_ASSOCIATION_TOTAL.saturating_sub(others));
            let flushed = channel.flush(self.channels.limits(), high, association, now, id);
            total = others + flushed.in_association;
            if flushed.close {
                association.close(now, id);
            } else if flushed.more {
                self.active.push(number);
            }
            if flushed.low_water {
                self.events.push(TaskEvent::Channel(ChannelEvent::LowWater { channel: number }));
            }
        }
    }

    /// Drops what the channels have to send, because the peer takes nothing any more.
    pub(super) fn stop_sending(&mut self) {
        self.active.clear();
    }

    /// Sends what the state machine has for the peer over the channel of the signalling.
    pub(super) fn send_signalling(&mut self, now: Instant, machine: &mut Machine) {
        let Some(id) = self.signalling_id else { return };
        let Some(association) = self.connection.association() else { return };
        // A message of the application can be so large that there is no room beside it.
        while association.buffered_amount(id) < MAX_IN_ASSOCIATION && association.has_room() {
            match machine.poll_channel_transmit() {
                Some(ChannelTransmit::Message(message)) => {
                    if let Err(error) = association.send(now, id, MessageKind::Binary, message) {
                        tracing::debug!(%error, "a message of the signalling was not sent");
                    }
                }
                // `shutdown` closes the channel, when the good-bye was delivered.
                Some(ChannelTransmit::Close) => {}
                None => return,
            }
        }
    }

    /// Sends all datagrams that the association has, as far as the socket takes them.
    pub(super) fn transmit(&mut self, now: Instant) {
        if self.io.congested() && !self.io.flush() {
            return;
        }
        self.io.allow_fragments(self.connection.may_fragment());
        match self.connection.direct_path() {
            Some((socket, to)) => {
                let connection = &mut self.connection;
                let sent = self.io.send(socket, to, || connection.poll_datagram());
                if sent > 0 {
                    self.connection.count_sent(now, sent);
                }
            }
            None => self.connection.send_relayed(now),
        }
    }

    /// Distributes the events of the connection.
    pub(super) fn distribute(&mut self) {
        self.io.allow_fragments(self.connection.may_fragment());
        let mut candidates = Vec::new();
        while let Some(event) = self.connection.poll_event() {
            match event {
                ConnectionOutput::State(state) => {
                    if state == ConnectionState::Disconnected {
                        self.connection.want_restart();
                    }
                    self.events.push(TaskEvent::Connection(ConnectionEvent::State(state)));
                }
                ConnectionOutput::Candidate(candidate) => candidates.push(candidate),
                ConnectionOutput::Problem(problem) => self.problem(problem),
                ConnectionOutput::Io(output) => self.io.perform(output),
            }
        }
        if candidates.is_empty() {
            return;
        }
        if !self.ortc {
            return self.signals.push_back(Signal::Candidates(candidates));
        }
        let item = |candidate: &Option<Candidate>| match candidate {
            None => Some(Labelled::none(None)),
            Some(it) => {
                Connection::ice_candidate(it).map(|candidate| Labelled::none(Some(candidate)))
            }
        };
        let items: Vec<_> = candidates.iter().filter_map(item).collect();
        if !items.is_empty() {
            self.signals.push_back(Signal::Ortc(OrtcMessage::IceCandidates(items)));
        }
    }

    /// Gives up incomplete messages that are too old, every now and then.
    pub(super) fn expire(&mut self, now: Instant) {
        if now < self.last_expiry + EXPIRY_INTERVAL {
            return;
        }
        self.last_expiry = now;
        for receiver in self.open.values_mut().filter_map(|open| open.receiver.as_mut()) {
            let before = receiver.unchunker.memory();
            receiver.unchunker.expire(now);
            self.incomplete = self.incomplete - before + receiver.unchunker.memory();
        }
    }

    /// The figures.
    pub(super) fn stats(&self) -> RtcStats {
        let ice::IceStats { path, bytes_sent, bytes_received, .. } = self.connection.ice_stats();
        let state = self.connection.state().clone();
        RtcStats { state, path, bytes_sent, bytes_received, channels: self.open.len() }
    }

    /// When something is due.
    pub(super) fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        let expiry = (self.incomplete > 0).then_some(self.last_expiry + EXPIRY_INTERVAL);
        let all = [self.connection.poll_timeout(), self.io.next_scan(now), expiry];
        all.into_iter().flatten().min()
    }

    /// Ready when something arrived.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.io.poll_ready(cx)
    }

    /// Whether nothing more comes from the peer than what is here already.
    pub(super) fn is_cut_off(&mut self) -> bool {
        self.lost() || self.connection.association().is_some_and(|it| it.has_ended())
    }

    /// The channels of the application end with the connection.
    pub(super) fn end_channels(&mut self, epoch: u32, error: &ChannelFailure) {
        self.open.clear();
        self.ids.clear();
        self.active.clear();
        self.waiting.clear();
        self.incomplete = 0;
        self.events.extend(closed(self.channels.remove_all(epoch), error));
    }

    /// Whether nothing reaches the peer over the connection, for good or until a restart.
    pub(super) fn lost(&self) -> bool {
        let state = self.connection.state();
        state.is_end() || *state == ConnectionState::Unreachable
    }

    /// Closes the signalling channel, and then the association, which first delivers what was sent before.
    pub(super) fn shutdown(&mut self, now: Instant) {
        if let Some(association) = self.connection.association() {
            if let Some(id) = self.signalling_id {
                association.close(now, id);
            }
            association.shutdown(now);
        }
    }

    /// What was sent and the peer has not acknowledged yet.
    pub(super) fn undelivered(&mut self) -> Undelivered {
        let find = |number| Some(&self.open.get(self.ids.get(number)?)?.channel);
        let queued = self.active.iter().filter_map(find).map(|channel| channel.queued()).sum();
        let association = self.connection.association();
        Undelivered { queued, sent: association.map_or(0, |it| it.unacknowledged()) }
    }

    /// Ends at once, without delivering what waits. The peer is told if there is a path to it.
    pub(super) fn abort(&mut self, now: Instant) {
        // No orderly shutdown: this side is about to be gone, and the peer would wait for its answers.
        if let Some(association) = self.connection.association() {
            association.abort(now);
        }
        self.transmit(now);
        self.connection.close(now);
        self.distribute();
    }
}

impl Receiver {
    fn receive(
        &mut self,
        now: Instant,
        chunk: &Bytes,
    ) -> Result<Option<Bytes>, ChannelMessageError> {
        let whole = self.takes_whole && self.secure.is_message(chunk);
        let sealed = match whole {
            true if chunk.len() > self.limit => {
                let (size, limit) = (chunk.len(), self.limit);
                return Err(ChannelMessageError::TooLarge { size, limit });
            }
            true => Some(chunk.clone()),
            false => self.unchunker.add_bytes(now, chunk).map_err(ChannelMessageError::Chunk)?,
        };
        let Some(sealed) = sealed else { return Ok(None) };
        self.secure.decrypt(sealed).map(Some).map_err(ChannelMessageError::Sealed)
    }
}

/// The events of the end of channels.
pub(super) fn closed(channels: Vec<u32>, error: &ChannelFailure) -> Vec<TaskEvent> {
    let event =
        |channel| TaskEvent::Channel(ChannelEvent::Closed { channel, error: Some(error.clone()) });
    channels.into_iter().map(event).collect()
}
