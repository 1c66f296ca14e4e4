//! What both roles share: the connection to the server, the queues in both directions, and the end.

use std::collections::VecDeque;

use bytes::Bytes;

use super::config::{ChannelDriver, ClientConfig, LONGEST_TIMEOUT, WhenPeerLeaves};
use super::end::{Closed, ClosedBy, EndReason};
use super::event::Event;
use super::handover::Handover;
use super::server_handshake::ServerHandshake;
use super::server_messages::{AuthenticatedServer, seal};
use super::session::Session;
use super::stage::Stage;
use crate::crypto::{KeyPair, PublicKey, RandomSource, SharedKey};
use crate::protocol::message::{DropResponder, TaskData};
use crate::protocol::{
    Address, ChannelTransmit, CloseCode, DropReason, NonceStreams, ResponderAddress, SecureChannel,
    SequenceExhausted, Task, TaskOutput, Transmit,
};

/// How many events may wait for the application before nothing more is read.
const MAX_EVENTS: usize = 1024;

/// How many bytes may wait to be sent beyond what the application may queue. A message of the server leads to
/// answers of some 200 bytes at most, so this much waits only if the server goes on sending without reading.
const MAX_ANSWERS: usize = 1 << 18;

/// The mark for [`Event::LowWater`].
#[derive(Debug)]
struct LowWater {
    bytes: usize,
    /// More than that waits, or did since the last time that it fell to the mark.
    above: bool,
    /// The event waits to be taken.
    told: bool,
}

#[derive(Debug)]
pub(super) struct Signalling<E> {
    pub(super) permanent_key: KeyPair,
    pub(super) tasks: Vec<Box<dyn Task<E>>>,
    pub(super) settings: Settings,
    pub(super) random: Random,
    pub(super) server: Option<AuthenticatedServer>,
    /// The authenticated peer.
    pub(super) session: Option<Session>,
    /// For the WebSocket.
    queue: VecDeque<Queued>,
    /// How many places in it were ever reserved.
    reservations: u64,
    /// How many sessions there ever were.
    sessions: u64,
    queue_size: usize,
    /// How far the end of the WebSocket is.
    socket: Socket,
    /// For the data channel, if the driver polls it.
    channel_queue: VecDeque<ChannelTransmit>,
    /// Bytes for the data channel that wait, there or in the events.
    channel_size: usize,
    /// A close of the data channel is on its way to a driver that will say when it is done.
    channel_closing: bool,
    /// While the good-bye is held back: how many entries of `queue` and of `channel_queue` are before it and
    /// may be taken.
    before_goodbye: Option<(usize, usize)>,
    /// A message was refused for want of room, and an event is due when there is room.
    pub(super) sender_waits: bool,
    low_water: Option<LowWater>,
    events: VecDeque<Event<E>>,
    /// How many events there have ever been.
    events_added: u64,
    /// Bytes of payload in the events.
    events_size: usize,
    /// How far the client is.
    pub(super) stage: Stage,
}

/// The settings that outlive the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) max_message_size: usize,
    pub(super) max_queue_size: usize,
    pub(super) peer_handshake_timeout: std::time::Duration,
    pub(super) when_peer_leaves: WhenPeerLeaves,
    pub(super) channel_driver: ChannelDriver,
}

impl Settings {
    /// The driver asks what is to be done with the data channel of the signalling.
    pub(super) const fn polls_channel(&self) -> bool {
        matches!(self.channel_driver, ChannelDriver::Polled)
    }

    /// How many bytes that came over the data channel may wait. A driver that asks whether to read never gets
    /// there, because it is told to stop at half of that and has read far less than the other half by then.
    pub(super) const fn max_waiting(&self) -> usize {
        self.max_queue_size.saturating_mul(2).saturating_add(self.max_message_size)
    }
}

impl<E> From<&ClientConfig<E>> for Settings {
    fn from(config: &ClientConfig<E>) -> Self {
        Self {
            max_message_size: config.max_message_size,
            max_queue_size: config.max_queue_size,
            peer_handshake_timeout: config.peer_handshake_timeout.min(LONGEST_TIMEOUT),
            when_peer_leaves: config.when_peer_leaves,
            channel_driver: config.channel_driver,
        }
    }
}

/// What is for the WebSocket.
#[derive(Debug)]
enum Queued {
    Ready(Transmit),
    /// A message that is being sealed. Nothing overtakes it.
    Reserved(u64),
}

/// How far the end of the WebSocket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Socket {
    Open,
    /// A close is in the queue, or was.
    Closing,
    Gone,
}

pub(super) struct Random(pub(super) Box<dyn RandomSource>);

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random(…)")
    }
}

impl<E: TaskOutput> Signalling<E> {
    pub(super) fn new(
        permanent_key: KeyPair,
        tasks: Vec<Box<dyn Task<E>>>,
        settings: Settings,
        random: Box<dyn RandomSource>,
        handshake: Box<ServerHandshake>,
    ) -> Self {
        Self {
            permanent_key,
            tasks,
            settings,
            random: Random(random),
            server: None,
            session: None,
            queue: VecDeque::new(),
            reservations: 0,
            sessions: 0,
            queue_size: 0,
            socket: Socket::Open,
            channel_queue: VecDeque::new(),
            channel_size: 0,
            channel_closing: false,
            before_goodbye: None,
            sender_waits: false,
            low_water: None,
            events: VecDeque::new(),
            events_added: 0,
            events_size: 0,
            stage: Stage::Connecting(handshake),
        }
    }

    pub(super) fn running(&self) -> bool {
        !matches!(self.stage, Stage::Closing(_) | Stage::Closed)
    }

    pub(super) fn event(&mut self, event: Event<E>) {
        self.events_size += event.payload_size();
        self.events_added += 1;
        self.events.push_back(event);
    }

    pub(super) fn poll_event(&mut self) -> Option<Event<E>> {
        let event = self.events.pop_front()?;
        self.events_size -= event.payload_size();
        match (&event, &mut self.low_water) {
            (Event::SignallingChannel(transmit), _) => self.channel_taken(transmit),
            (Event::LowWater, Some(mark)) => mark.told = false,
            _ => {}
        }
        Some(event)
    }

    pub(super) fn next_event(&self) -> Option<&Event<E>> {
        self.events.front()
    }

    pub(super) const fn events_added(&self) -> u64 {
        self.events_added
    }

    pub(super) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    pub(super) fn ended(&self) -> bool {
        matches!(self.stage, Stage::Closed) && self.events.is_empty()
    }

    /// Whether there is room for what a message may lead to.
    pub(super) fn has_room(&self) -> bool {
        self.events.len() < MAX_EVENTS && self.events_size <= self.settings.max_queue_size
    }

    pub(super) fn wants_input(&self) -> bool {
        // While closing, what arrives is thrown away, and the server's close frame is waited for.
        self.has_room() || self.socket_closes()
    }

    /// The WebSocket is being closed, or gone.
    pub(super) fn socket_closes(&self) -> bool {
        self.socket != Socket::Open
    }

    /// Queues a finished message. Nothing follows a close.
    pub(super) fn transmit(&mut self, message: Vec<u8>) {
        if !self.running() || self.socket_closes() {
            return;
        }
        let limit = self.settings.max_queue_size.max(self.settings.max_message_size);
        if self.queue_size > limit.saturating_add(MAX_ANSWERS) {
            let reason = EndReason::ServerProtocolError("it does not read our answers".into());
            return self.finish(reason, CloseCode::ProtocolError);
        }
        self.queue_size += message.len();
        self.queue.push_back(Queued::Ready(Transmit::Message(Bytes::from(message))));
        self.more_waits();
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        if !self.has_transmits() {
            return None;
        }
        if let Some((count, _)) = &mut self.before_goodbye {
            *count -= 1;
        }
        let Some(Queued::Ready(transmit)) = self.queue.pop_front() else { return None };
        if let Transmit::Message(message) = &transmit {
            self.queue_size -= message.len();
            self.less_waits();
        }
        Some(transmit)
    }

    pub(super) fn has_transmits(&self) -> bool {
        let held_back = self.before_goodbye.is_some_and(|(count, _)| count == 0);
        !held_back && matches!(self.queue.front(), Some(Queued::Ready(_)))
    }

    /// Takes a place in the queue for a message of `size` bytes, which is to be [filled](Self::fill).
    pub(super) fn reserve(&mut self, size: usize) -> u64 {
        self.reservations += 1;
        self.queue_size += size;
        self.queue.push_back(Queued::Reserved(self.reservations));
        self.more_waits();
        self.reservations
    }

    /// Puts the message into its place, which is gone if the WebSocket is.
    pub(super) fn fill(&mut self, id: u64, message: Vec<u8>) {
        let is_it = |queued: &&mut Queued| matches!(queued, Queued::Reserved(it) if *it == id);
        // From the end: a place that is still empty was taken a moment ago.
        if let Some(place) = self.queue.iter_mut().rev().find(is_it) {
            *place = Queued::Ready(Transmit::Message(Bytes::from(message)));
        }
    }

    /// Queues something for the data channel.
    pub(super) fn transmit_channel(&mut self, transmit: ChannelTransmit) {
        match &transmit {
            ChannelTransmit::Message(message) => self.channel_size += message.len(),
            ChannelTransmit::Close => self.channel_closing = self.settings.polls_channel(),
        }
        self.more_waits();
        if self.settings.polls_channel() {
            self.channel_queue.push_back(transmit);
        } else {
            self.event(Event::SignallingChannel(transmit));
        }
    }

    pub(super) fn poll_channel_transmit(&mut self) -> Option<ChannelTransmit> {
        if let Some((_, count)) = &mut self.before_goodbye {
            *count = count.checked_sub(1)?;
        }
        let transmit = self.channel_queue.pop_front()?;
        self.channel_taken(&transmit);
        Some(transmit)
    }

    pub(super) fn has_channel_transmits(&self) -> bool {
        let held_back = self.before_goodbye.is_some_and(|(_, count)| count == 0);
        !held_back && !self.channel_queue.is_empty()
    }

    /// Holds back what is queued from now on until [`release_goodbye`](Self::release_goodbye), if the driver is
    /// one that calls it.
    pub(super) fn hold_goodbye(&mut self) {
        if self.settings.polls_channel() && self.session.is_some() {
            self.before_goodbye = Some((self.queue.len(), self.channel_queue.len()));
        }
    }

    pub(super) const fn holds_goodbye(&self) -> bool {
        self.before_goodbye.is_some()
    }

    pub(super) fn release_goodbye(&mut self) {
        self.before_goodbye = None;
    }

    fn channel_taken(&mut self, transmit: &ChannelTransmit) {
        if let ChannelTransmit::Message(message) = transmit {
            self.channel_size -= message.len();
            self.less_waits();
        }
    }

    /// Forgets what was to be done with the data channel, which is gone.
    pub(super) fn channel_gone(&mut self) {
        for transmit in std::mem::take(&mut self.channel_queue) {
            self.channel_taken(&transmit);
        }
        self.channel_closing = false;
        self.try_end();
    }

    /// Both clients have authenticated each other, and the task `task` was started.
    pub(super) fn begin_session(
        &mut self,
        address: Address,
        nonces: NonceStreams,
        key: SharedKey,
        peer_key: PublicKey,
        task: usize,
    ) {
        let handover = self.tasks[task].signalling_channel().map(|channel| {
            // Spec: W-002 (Secure Data Channel (Terminology))
            // Spec: O-002 (Wrapped Data Channel (Terminology))
            // Spec: W-015 (Secure Data Channel)
            // Spec: W-028 (Signalling Channel Handover)
            // Spec: O-038 (Signalling Channel Handover)
            let secure = SecureChannel::for_signalling(channel.id, &key, &mut *self.random.0);
            Handover::new(channel, secure, self.settings.max_message_size)
        });
        let bundle = None;
        // Spec: P-274 ('auth' Message)
        self.sessions += 1;
        let id = self.sessions;
        self.session = Some(Session { id, address, nonces, key, peer_key, task, bundle, handover });
    }

    /// Tells the application of the peer.
    pub(super) fn announce_peer(&mut self, task_data: TaskData) {
        let Some(session) = &self.session else { return };
        let (address, peer_key) = (session.address, session.peer_key);
        let task = self.tasks[session.task].name().to_owned();
        self.event(Event::PeerHandshakeDone { address, peer_key, task, task_data });
    }

    pub(super) fn handover(&mut self) -> Option<&mut Handover> {
        self.session.as_mut()?.handover.as_mut()
    }

    /// Whether nobody can take the peer's place, however well authenticated: the client ends with its peer, or
    /// the two go over to a data channel.
    pub(super) fn peer_stays(&self) -> bool {
        let handover = self.session.as_ref().and_then(|session| session.handover.as_ref());
        self.settings.when_peer_leaves == WhenPeerLeaves::Close
            || handover.is_some_and(|handover| handover.sent || handover.received)
    }

    /// Both clients have handed over, so that the channel is all that counts.
    pub(super) fn handed_over(&self) -> bool {
        let handover = self.session.as_ref().and_then(|session| session.handover.as_ref());
        handover.is_some_and(Handover::both)
    }

    /// Closes the data channel, after everything that was sent before, if we have handed over to it.
    pub(super) fn close_channel(&mut self) {
        if self.handover().is_some_and(|handover| std::mem::replace(&mut handover.dead, true)) {
            return;
        }
        if self.handover().is_some_and(|handover| handover.sent) {
            self.transmit_channel(ChannelTransmit::Close);
        }
    }

    /// Forgets everything about the authenticated peer.
    pub(super) fn end_session(&mut self) -> Option<Session> {
        let session = self.session.take()?;
        self.tasks[session.task].stop();
        Some(session)
    }

    /// Bytes that wait for more.
    pub(super) fn bundled(&self) -> usize {
        let bundle = self.session.as_ref().and_then(|session| session.bundle.as_ref());
        bundle.map_or(0, |bundle| bundle.size())
    }

    /// Bytes that wait to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.queue_size + self.channel_size + self.bundled()
    }

    pub(super) fn set_low_water(&mut self, bytes: usize) {
        let told = self.low_water.as_ref().is_some_and(|mark| mark.told);
        self.low_water = Some(LowWater { bytes, above: self.waiting() > bytes, told });
    }

    /// More waits than before.
    fn more_waits(&mut self) {
        let waiting = self.waiting();
        if let Some(mark) = &mut self.low_water {
            mark.above |= waiting > mark.bytes;
        }
    }

    /// Less waits than before.
    fn less_waits(&mut self) {
        if !self.running() {
            return;
        }
        let waiting = self.waiting();
        if self.sender_waits && waiting <= self.settings.max_queue_size / 2 {
            self.sender_waits = false;
            self.event(Event::Writable);
        }
        if let Some(mark) = &mut self.low_water
            && mark.above
            && waiting <= mark.bytes
        {
            mark.above = false;
            if !std::mem::replace(&mut mark.told, true) {
                self.event(Event::LowWater);
            }
        }
    }

    /// Sends a message to the server.
    pub(super) fn send_to_server(&mut self, plain: &[u8]) {
        let Some(server) = &mut self.server else { return };
        match server.nonces.next_nonce(server.address, Address::SERVER) {
            Ok(nonce) => {
                let message = seal(&nonce, &server.key, plain);
                self.transmit(message);
            }
            Err(SequenceExhausted) => self.sequence_numbers_used_up(),
        }
    }

    /// Asks the server to drop a responder.
    pub(super) fn send_drop(&mut self, id: ResponderAddress, reason: DropReason) {
        tracing::debug!(%id, reason = %reason.close_code(), "dropping a responder");
        // Spec: P-198 ('drop-responder' Message)
        self.send_to_server(&DropResponder { id, reason: Some(reason) }.serialise());
    }

    /// The protocol has no more numbers for messages to somebody (protocol, *Sending a Signalling
    /// Message*).
    pub(super) fn sequence_numbers_used_up(&mut self) {
        // Spec: P-052 (Sending a Signalling Message)
        self.finish(EndReason::SequenceNumbersUsedUp, CloseCode::ProtocolError);
    }

    /// Closes the WebSocket with `code`, after everything that was queued before.
    pub(super) fn close_socket(&mut self, code: CloseCode) {
        if self.socket == Socket::Open {
            self.socket = Socket::Closing;
            self.queue.push_back(Queued::Ready(Transmit::Close(code)));
        }
    }

    /// Ends the connection from this side: closes the WebSocket with `code`, after everything that
    /// was queued before.
    pub(super) fn finish(&mut self, reason: EndReason, code: CloseCode) {
        self.finish_as(Closed { by: ClosedBy::Us, code: Some(code.code()), reason }, code);
    }

    /// Ends the connection like [`finish`](Self::finish), with something else for the application.
    pub(super) fn finish_as(&mut self, closed: Closed, code: CloseCode) {
        if !self.running() {
            return;
        }
        tracing::debug!(%code, by = ?closed.by, "closing");
        // Spec: W-095 O-129 ('close' Message)
        self.close_channel();
        // Spec: P-289 P-292 ('close' Message)
        self.end_session();
        self.server = None;
        self.close_socket(code);
        self.stage = Stage::Closing(closed);
        self.try_end();
    }

    /// The socket is gone. `closed` is why, as far as the socket knows.
    pub(super) fn socket_gone(&mut self, closed: Closed) {
        self.socket = Socket::Gone;
        self.queue.clear();
        self.queue_size = 0;
        if self.running() && !self.handed_over() {
            self.close_channel();
            self.end_session();
            // Spec: P-016 (Address)
            self.server = None;
            self.stage = Stage::Closing(closed);
        }
        // After the handover somebody may wait for the room that what is lost has taken.
        self.less_waits();
        self.try_end();
    }

    /// The driver is gone: neither the socket nor the data channel will be served again.
    pub(super) fn abandon(&mut self, closed: Closed) {
        if self.running() {
            self.end_session();
            self.server = None;
            self.stage = Stage::Closing(closed);
        }
        self.socket = Socket::Gone;
        self.queue.clear();
        self.queue_size = 0;
        self.release_goodbye();
        self.channel_gone();
    }

    /// Tells the application of the end, once there is nothing left to wait for.
    fn try_end(&mut self) {
        if self.socket != Socket::Gone || self.channel_closing {
            return;
        }
        match std::mem::replace(&mut self.stage, Stage::Closed) {
            // Spec: P-299 (Errors)
            Stage::Closing(closed) => self.event(Event::Closed(closed)),
            stage => self.stage = stage,
        }
    }

    /// Whether the connection is ending because of the peer's 'close'.
    pub(super) fn closing_by_peer(&self) -> bool {
        matches!(&self.stage, Stage::Closing(closed) if closed.by == ClosedBy::Peer)
    }

    /// Whether [`Event::Closed`] is there, or was.
    pub(super) const fn over(&self) -> bool {
        matches!(self.stage, Stage::Closed)
    }
}
