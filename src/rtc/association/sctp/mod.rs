//! SCTP (RFC 8831 section 5): `sctp-proto`, and around it what data channels need besides.
//!
//! Every packet is looked into on its way in ([`inbound`]) and out ([`outbound`]). Messages wait in the
//! [`outbox`] before `sctp-proto` gets them, and in the [`arrivals`] after it had them, so that it holds
//! few: its work for a packet grows with what it holds.

mod arrivals;
mod flight;
mod governor;
mod inbound;
mod outbound;
mod outbox;
mod packet;
mod resets;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sctp_proto::{
    Association, AssociationError, ClientConfig, Endpoint, EndpointConfig, Event, ServerConfig,
    StreamEvent, TransportConfig,
};

pub(super) use self::arrivals::Arrival;
use self::arrivals::Arrivals;
use self::flight::Flight;
use self::governor::Governor;
use self::outbox::{Outbox, Outgoing};
use self::packet::Sack;
use self::resets::Resets;
use super::config::{Reliability, SctpConfig};

/// The most that DTLS adds to a packet: 13 bytes of header, 8 of nonce, 16 of authentication tag, and
/// 3 to keep the packet size a multiple of four.
const DTLS_OVERHEAD: usize = 40;
/// The retransmission timeout at first, at least, and at most. More than the least would be a peer that
/// acknowledges late (200 ms, RFC 9260 section 6.2), less than the most lets data flow soon after an
/// interruption.
const RTO: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_millis(400), Duration::from_millis(2500)];
/// How long the DTLS server waits for the peer to begin. Most do at once; some leave it to the other.
const PATIENCE: Duration = Duration::from_millis(500);
/// How many bytes SCTP may hold beyond the receive buffer: what comes on a channel that we have closed
/// stays with it until the peer has closed it, too.
const UNWANTED: usize = 32 << 20;
/// How many bytes may leave at once, some 32 packets. Twice of what was acknowledged is always allowed.
const BURST: usize = 36_000;
/// How many packets may wait to be sent. They are lost if there are more, like on any way.
const MAX_PACKETS: usize = 8192;

/// What has happened.
#[derive(Debug)]
pub(super) enum SctpEvent {
    Connected,
    /// The association is over. `Some`: because of an error.
    Ended(Option<String>),
    /// Our direction of a stream is closed.
    StreamClosed(u16),
    /// The peer does not close a stream.
    ResetRefused(u16),
    /// What waits on a stream has fallen to its low-water mark.
    Low(u16),
    /// What waits on all streams has fallen to three quarters of what can.
    TotalLow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// DTLS is not through.
    Idle,
    /// The peer is to begin, until then.
    Waiting(Instant),
    Connecting,
    Established,
    Over,
}

/// Something that is repeated at intervals that double.
#[derive(Clone, Copy)]
struct Repeated {
    at: Instant,
    interval: Duration,
    count: u32,
}

impl Repeated {
    fn new(now: Instant) -> Self {
        Self { at: now + RTO[1], interval: RTO[1], count: 0 }
    }

    fn again(self, now: Instant) -> Self {
        let interval = (self.interval * 2).min(RTO[2]);
        Self { at: now + interval, interval, count: self.count + 1 }
    }
}

/// What the peer has said about itself in its INIT or INIT ACK.
#[derive(Clone, Copy)]
struct Peer {
    tag: u32,
    /// How many streams it lets us use.
    streams: u16,
}

/// An SCTP association.
pub(super) struct Sctp {
    endpoint: Endpoint,
    association: Option<Association>,
    /// `None` before there is one.
    transport: Arc<TransportConfig>,
    phase: Phase,
    now: Instant,
    /// The clock of `sctp-proto` shows the second when ours shows the first.
    clocks: (Instant, Instant),
    /// Whether we begin.
    initiator: bool,
    /// Our verification tag.
    tag: Option<u32>,
    peer: Option<Peer>,
    /// The ports and the peer's verification tag.
    like: [u8; 8],

    outbox: Outbox,
    flight: Flight,
    governor: Governor,
    /// The peer's last SACK had gaps.
    gaps: bool,
    /// SCTP does not send all that it was given.
    waits: bool,
    /// How many bytes may be given to SCTP now.
    allowance: usize,
    /// How many bytes were acknowledged since there was an allowance, and when that was.
    acknowledged: usize,
    allowed: Instant,
    /// SCTP is not asked for packets before then.
    rests: Instant,
    /// When sending goes on by itself.
    continues: Option<Instant>,
    /// A closed window is probed.
    probe: Option<Repeated>,
    /// The last packet with DATA.
    last_data: Option<Bytes>,
    /// The streams with messages that are on their way and may get lost.
    unreliable: BTreeSet<u16>,
    /// Streams to be opened that SCTP was not told of.
    opening: BTreeSet<u16>,
    /// Streams to be reset that SCTP was not told of.
    resets: BTreeSet<u16>,
    /// Those that it was told of, before it has asked the peer.
    resetting: BTreeSet<u16>,
    reset: Resets,
    /// How many times the peer has closed a stream that the owner does not know of: what the owner sends until
    /// then is for nobody, and not for the next one who uses the stream.
    unheard: BTreeMap<u16, usize>,
    /// The streams that the peer does not reset.
    refused: BTreeSet<u16>,
    shutting_down: bool,
    /// The peer's SHUTDOWN, while there is something to be sent.
    shutdown: Option<Bytes>,

    arrivals: Arrivals,
    /// The last SACK; `None` before the first.
    sack: Option<Sack>,
    /// Everything up to here has arrived, if no SACK says more.
    cumulative: u32,
    /// The highest TSN that has arrived.
    highest: u32,
    /// How many bytes of incomplete messages SCTP has.
    incomplete: usize,
    /// In how many pieces.
    pieces: usize,
    /// How many packets with DATA came since SCTP was asked for packets.
    unanswered: usize,
    /// How many SACKs were sent.
    sacks: u32,
    /// The peer is told again that the window is open.
    update: Option<Repeated>,

    events: VecDeque<SctpEvent>,
    packets: VecDeque<Bytes>,
    mtu: usize,
    /// It is not known yet how large packets may be. What was to happen meanwhile.
    waiting: Option<Waiting>,
    receive_buffer: usize,
}

impl Sctp {
    /// `initiator`: whether this side begins.
    pub(super) fn new(now: Instant, config: &SctpConfig, mtu: usize, initiator: bool) -> Self {
        let mtu = packet_size(mtu);
        let receive_buffer = config
            .receive_buffer
            .max(config.max_message_size.saturating_mul(2))
            .min(u32::MAX as usize - UNWANTED);
        let [initial, least, most] = RTO.map(|time| time.as_millis() as u64);
        let transport = TransportConfig::default()
            .with_max_receive_buffer_size((receive_buffer + UNWANTED) as u32)
            // Checked by the association, which knows what is a channel's message.
            .with_max_receive_message_size(u32::MAX)
            .with_max_send_message_size(u32::MAX)
            // It is for ICE to find out that the peer cannot be reached any more.
            .with_max_init_retransmits(None)
            .with_max_data_retransmits(None)
            .with_rto_initial_ms(initial)
            .with_rto_min_ms(least)
            .with_rto_max_ms(most)
            .with_local_port(config.port)
            .with_remote_port(config.remote_port);
        let transport = Arc::new(transport);
        Self {
            endpoint: endpoint(&transport, mtu),
            association: None,
            transport,
            phase: Phase::Idle,
            now,
            clocks: (now, now),
            initiator,
            tag: None,
            peer: None,
            like: [0; 8],
            outbox: Outbox::new(
                config.send_buffer.max(2),
                channel_send_limit(config),
                config.send_buffer / 4 * 3,
            ),
            flight: Flight::default(),
            governor: Governor::default(),
            gaps: false,
            waits: false,
            allowance: BURST,
            acknowledged: 0,
            allowed: now,
            rests: now,
            continues: None,
            probe: None,
            last_data: None,
            unreliable: BTreeSet::new(),
            opening: BTreeSet::new(),
            resets: BTreeSet::new(),
            resetting: BTreeSet::new(),
            reset: Resets::default(),
            unheard: BTreeMap::new(),
            refused: BTreeSet::new(),
            shutting_down: false,
            shutdown: None,
            arrivals: Arrivals::new(receive_buffer),
            sack: None,
            cumulative: 0,
            highest: 0,
            incomplete: 0,
            pieces: 0,
            unanswered: 0,
            sacks: 0,
            update: None,
            events: VecDeque::new(),
            packets: VecDeque::new(),
            mtu,
            waiting: None,
            receive_buffer,
        }
    }

    /// What the clock of `sctp-proto` shows.
    fn its_now(&self) -> Instant {
        self.clocks.1 + self.now.saturating_duration_since(self.clocks.0)
    }

    /// Runs the timers and lets what follows happen now.
    pub(super) fn advance(&mut self, now: Instant) {
        self.now = now;
        if matches!(self.phase, Phase::Waiting(until) if until <= now) {
            self.initiate();
        }
        let its_now = self.its_now();
        if let Some(association) = &mut self.association
            && association.poll_timeout().is_some_and(|at| at <= its_now)
        {
            association.handle_timeout(its_now);
            self.drain();
        }
        if self.continues.is_some_and(|at| at <= now) {
            self.continues = None;
        }
        self.repeat();
    }

    /// There is another way to the peer.
    pub(super) fn path_changed(&mut self) {
        if self.phase != Phase::Established {
            return;
        }
        // What got lost would be sent again later: so it is later.
        let latest = self.its_now() + RTO[2];
        while let Some(association) = &mut self.association
            && let Some(at) = association.poll_timeout().filter(|at| *at <= latest)
        {
            self.clocks.1 += at.saturating_duration_since(self.its_now());
            self.advance(self.now);
        }
        self.send_sack();
        self.probe_now();
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let its = self.association.as_ref().and_then(Association::poll_timeout);
        let its = its.map(|at| self.clocks.0 + at.saturating_duration_since(self.clocks.1));
        let begin = match self.phase {
            Phase::Over => return None,
            Phase::Waiting(until) => Some(until),
            _ => None,
        };
        let repeated = [self.probe, self.update].map(|it| it.map(|it| it.at));
        [its, begin, self.continues].into_iter().chain(repeated).flatten().min()
    }

    pub(super) fn poll_event(&mut self) -> Option<SctpEvent> {
        if let Some(stream) = self.outbox.poll_low() {
            return Some(SctpEvent::Low(stream));
        }
        if self.outbox.poll_total_low() {
            return Some(SctpEvent::TotalLow);
        }
        self.events.pop_front()
    }

    /// Begins only when it is known how large packets may be.
    pub(super) fn await_mtu(&mut self) {
        if self.phase == Phase::Idle {
            self.waiting.get_or_insert_default();
        }
    }

    /// How large the datagrams may be that packets become.
    pub(super) fn set_mtu(&mut self, datagram: usize) {
        let Some(waiting) = self.waiting.take() else { return };
        self.mtu = self.mtu.min(packet_size(datagram));
        self.endpoint = endpoint(&self.transport, self.mtu);
        if waiting.connects {
            self.connect();
        }
        for packet in waiting.packets {
            self.handle_packet(&packet);
        }
    }

    pub(super) fn largest_datagram(&self) -> usize {
        self.mtu + DTLS_OVERHEAD
    }

    /// DTLS is through.
    pub(super) fn connect(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            waiting.connects = true;
            return;
        }
        if self.initiator {
            self.initiate();
        } else {
            self.phase = Phase::Waiting(self.now + PATIENCE);
        }
    }

    fn initiate(&mut self) {
        self.phase = Phase::Connecting;
        let mut config = ClientConfig::new();
        config.transport = Arc::clone(&self.transport);
        // Its timer runs from what the system's clock shows.
        self.clocks = (self.now, Instant::now());
        match self.endpoint.connect(config, SOMEWHERE) {
            Ok((_, association)) => self.association = Some(association),
            Err(error) => self.ended(Some(error.to_string())),
        }
    }

    /// DTLS begins anew, before there was an association.
    pub(super) fn start_over(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            *waiting = Waiting::default();
        }
        if self.phase != Phase::Over {
            self.begin_anew();
            (self.phase, self.tag, self.peer) = (Phase::Idle, None, None);
            self.packets.clear();
        }
    }

    /// Forgets that we have begun: the peer has, too.
    fn begin_anew(&mut self) {
        self.endpoint = endpoint(&self.transport, self.mtu);
        self.association = None;
        self.clocks = (self.now, self.now);
    }

    fn ended(&mut self, error: Option<String>) {
        if self.phase != Phase::Over {
            self.phase = Phase::Over;
            self.events.push_back(SctpEvent::Ended(error));
        }
    }

    /// How much has arrived and was not taken.
    pub(super) fn ready(&self) -> usize {
        self.arrivals.len()
    }

    /// Takes what has arrived, in the order that it did.
    pub(super) fn next_arrival(&mut self) -> Option<Arrival> {
        let arrival = self.arrivals.pop();
        if let Some(Arrival::Reset(stream)) = &arrival
            && let Some(count) = self.unheard.get_mut(stream)
        {
            *count -= 1;
            if *count == 0 {
                self.unheard.remove(stream);
                self.outbox.unblock();
            }
        }
        arrival
    }

    /// A stream will be used.
    pub(super) fn open(&mut self, stream: u16) {
        self.opening.insert(stream);
        self.open_streams();
    }

    /// Lets SCTP know of the streams that are to be used: it answers resets only of those that it knows.
    pub(super) fn open_streams(&mut self) {
        if self.phase != Phase::Established {
            return;
        }
        if let Some(association) = &mut self.association {
            self.opening.retain(|stream| {
                association.stream(*stream).is_err()
                    && association.open_stream(*stream, Default::default()).is_err()
            });
        }
    }

    /// Queues a message. `false`: there is no room.
    pub(super) fn send(
        &mut self,
        stream: u16,
        ppid: u32,
        payload: Bytes,
        unordered: bool,
        reliability: Reliability,
    ) -> bool {
        let message = Outgoing { ppid, payload, unordered, reliability, since: self.now };
        self.outbox.push(stream, message)
    }

    /// Queues a small message that has to arrive and cannot be put off: there is always room for it.
    pub(super) fn send_at_once(&mut self, stream: u16, ppid: u32, payload: Bytes) {
        let reliability = Reliability::Reliable;
        let message = Outgoing { ppid, payload, unordered: false, reliability, since: self.now };
        self.outbox.add(stream, message);
    }

    /// Ends our direction of a stream, and throws away what waits there.
    pub(super) fn reset(&mut self, stream: u16) {
        self.outbox.clear(stream);
        if !self.unheard.contains_key(&stream) {
            self.resets.insert(stream);
        }
    }

    /// The peer has closed its direction of a stream, and SCTP closes ours. Throws away what waits there. Returns
    /// whether ours is closed already.
    pub(super) fn closed_by_peer(&mut self, stream: u16) -> bool {
        self.outbox.clear(stream);
        self.reset.is_done(stream)
    }

    pub(super) fn buffered_amount(&self, stream: u16) -> usize {
        self.outbox.amount(stream)
    }

    /// How many bytes wait on all streams.
    pub(super) fn total_buffered_amount(&self) -> usize {
        self.outbox.total()
    }

    pub(super) fn set_low_water(&mut self, stream: u16, bytes: usize) {
        self.outbox.set_low_water(stream, bytes);
    }

    /// How many streams the peer lets us use; `None` before there is an association.
    pub(super) fn max_streams(&self) -> Option<u16> {
        Some(self.peer?.streams)
    }

    /// How many packets the peer has not acknowledged, or would be needed for what waits.
    pub(super) fn unacknowledged(&self) -> usize {
        self.flight.len() + self.outbox.messages() + self.outbox.total().div_ceil(self.payload())
    }

    /// The TSN of the oldest chunk that the peer has not acknowledged.
    pub(super) fn oldest_unacknowledged(&self) -> Option<u32> {
        self.flight.oldest()
    }

    /// Ends the association once everything has been delivered.
    pub(super) fn shutdown(&mut self) {
        self.shutting_down = true;
    }

    /// Ends the association at once.
    pub(super) fn abort(&mut self) {
        if self.phase == Phase::Established {
            self.packets.push_back(packet::abort(&self.like));
        }
        self.phase = Phase::Over;
    }

    /// The most bytes of a message that fit into a packet.
    fn payload(&self) -> usize {
        self.mtu - packet::HEADER - packet::DATA_HEADER
    }

    /// Deals with what SCTP reports, and takes its messages.
    fn drain(&mut self) {
        let mut readable = BTreeSet::new();
        loop {
            let Some(association) = &mut self.association else { return };
            let Some(event) = association.poll() else {
                // A message that arrives late lets many others through.
                let Some(stream) = readable.pop_first() else { return };
                while self.read(stream) {}
                continue;
            };
            match event {
                Event::Connected => {
                    self.phase = Phase::Established;
                    self.events.push_back(SctpEvent::Connected);
                    self.open_streams();
                }
                Event::HandshakeFailed { reason } => self.ended(Some(reason.to_string())),
                Event::AssociationLost { reason } => self.lost(&reason),
                Event::Stream(StreamEvent::Opened { .. }) => {
                    while association.accept_stream().is_some() {}
                }
                Event::Stream(StreamEvent::Readable { id }) => {
                    self.read(id);
                    readable.insert(id);
                }
                Event::Stream(StreamEvent::Finished { id }) => {
                    while self.read(id) {}
                    self.resetting.remove(&id);
                    self.resets.remove(&id);
                    *self.unheard.entry(id).or_default() += 1;
                    self.arrivals.push(Arrival::Reset(id));
                }
                Event::Stream(StreamEvent::ResetComplete { id }) => {
                    self.resetting.remove(&id);
                    self.open_streams();
                }
                Event::Stream(StreamEvent::ResetFailed { id, .. }) => {
                    self.resetting.remove(&id);
                    self.refused.insert(id);
                    self.events.push_back(SctpEvent::ResetRefused(id));
                }
                _ => {}
            }
        }
    }

    /// Takes a message of a stream. Returns whether there was one.
    fn read(&mut self, stream: u16) -> bool {
        let association = self.association.as_mut();
        let message = association.and_then(|it| it.stream(stream).ok()?.read().ok()?);
        let Some(message) = message else { return false };
        let pieces = message.chunks.len();
        if pieces > 1 {
            self.pieces = self.pieces.saturating_sub(pieces);
        }
        let mut payload = vec![0; message.len()];
        // It is as large as the message.
        let _ = message.read(&mut payload);
        self.arrivals.push(Arrival::Message(stream, message.ppi as u32, payload));
        true
    }

    fn lost(&mut self, reason: &AssociationError) {
        let in_order = self.shutting_down || self.shutdown.is_some();
        self.ended((!in_order).then(|| {
            match reason {
            AssociationError::ReceiveBufferExhausted => {
                "the peer sent more than it may on channels that are closed, or parts of messages \
                 without the rest"
                    .to_owned()
            }
            _ => "the peer does not keep to the protocol".to_owned(),
        }
        }));
    }
}

/// What happens when it is known how large packets may be.
#[derive(Default)]
struct Waiting {
    /// DTLS is through.
    connects: bool,
    /// The peer has begun.
    packets: Vec<Bytes>,
}

/// The most packets of a peer that wait for that: it repeats what is not answered.
const MAX_WAITING: usize = 4;

/// The largest packet that fits into a datagram, encrypted.
fn packet_size(datagram: usize) -> usize {
    (datagram - DTLS_OVERHEAD) & !3
}

/// SCTP has no addresses within DTLS, but `sctp-proto` wants one.
const SOMEWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);

fn endpoint(transport: &Arc<TransportConfig>, mtu: usize) -> Endpoint {
    let mut config = EndpointConfig::new();
    config.max_payload_size((mtu - packet::HEADER - packet::DATA_HEADER) as u32);
    let mut server = ServerConfig::new();
    server.transport = Arc::clone(transport);
    Endpoint::new(Arc::new(config), Some(Arc::new(server)))
}

/// How many bytes are left on a channel when it has room again, unless its owner says.
pub(super) fn default_low_water(config: &SctpConfig) -> usize {
    channel_send_limit(config) / 2
}

/// The highest low-water mark: what waits falls to this whenever a channel was full.
pub(super) fn max_low_water(config: &SctpConfig) -> usize {
    channel_send_limit(config) - 1
}

/// How many bytes one channel may have waiting: half of all, so that another one has room.
fn channel_send_limit(config: &SctpConfig) -> usize {
    (config.send_buffer / 2).max(1)
}
