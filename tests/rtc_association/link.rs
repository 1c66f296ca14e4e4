//! Two associations and the network between them, on a clock of its own.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use saltyrtc::rtc::association::{
    Association, AssociationEvent, ChannelConfig, ChannelId, DtlsRole, SctpConfig,
};
use saltyrtc::rtc::certificate::Certificate;
use saltyrtc::task::ChannelFailure;

/// What happens to datagrams.
#[derive(Clone, Copy)]
pub struct Network {
    /// The time from one end to the other.
    pub delay: Duration,
    /// Of a thousand datagrams so many get lost,
    pub lost: u64,
    /// so many arrive twice,
    pub repeated: u64,
    /// and so many are late by up to three times the delay.
    pub late: u64,
}

impl Network {
    pub const GOOD: Self = Self { delay: Duration::from_millis(5), lost: 0, repeated: 0, late: 0 };
    pub const BAD: Self =
        Self { delay: Duration::from_millis(20), lost: 50, repeated: 50, late: 100 };
}

/// Seeded random numbers (xorshift).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 8
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// One end.
pub struct End {
    pub association: Association,
    pub events: VecDeque<AssociationEvent>,
    /// Whether events are taken.
    pub takes_events: bool,
}

impl End {
    /// Takes the next event and fails if it is not the expected kind.
    pub fn event(&mut self) -> AssociationEvent {
        self.events.pop_front().expect("an event")
    }

    /// Takes the next event, which must be the opening of a channel.
    pub fn opened(&mut self) -> (ChannelId, ChannelConfig, bool) {
        match self.event() {
            AssociationEvent::ChannelOpened { id, config, by_peer } => (id, config, by_peer),
            other => panic!("not the opening of a channel: {other:?}"),
        }
    }

    /// Takes the next event, which must be a message.
    pub fn message(&mut self) -> (ChannelId, Vec<u8>) {
        match self.event() {
            AssociationEvent::Message { id, data, .. } => (id, data.to_vec()),
            other => panic!("not a message: {other:?}"),
        }
    }

    /// Takes the next event, which must be the end of a channel.
    pub fn closed(&mut self) -> (ChannelId, Option<ChannelFailure>) {
        match self.event() {
            AssociationEvent::ChannelClosed { id, error } => (id, error),
            other => panic!("not the end of a channel: {other:?}"),
        }
    }
}

/// What limits the datagrams of end 0.
pub struct Bottleneck {
    /// In bits per second.
    rate: usize,
    /// What would wait longer gets lost.
    queue: Duration,
    /// When all is through that is in the queue.
    free: Option<Instant>,
    /// The longest that something has waited in the queue.
    pub longest: Duration,
}

impl Bottleneck {
    pub fn new(rate: usize, queue: Duration) -> Self {
        Self { rate, queue, free: None, longest: Duration::ZERO }
    }

    /// When a datagram is through, unless it gets lost. With the headers of IP and UDP.
    fn pass(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        let begin = self.free.map_or(now, |free| free.max(now));
        if begin - now > self.queue {
            return None;
        }
        self.longest = self.longest.max(begin - now);
        let end = begin + Duration::from_secs_f64((bytes + 28) as f64 * 8.0 / self.rate as f64);
        self.free = Some(end);
        Some(end)
    }
}

/// Two ends; 0 is the DTLS client.
pub struct Pair {
    pub now: Instant,
    pub ends: [End; 2],
    pub network: Network,
    pub random: Random,
    /// Nothing arrives while this holds.
    pub cut: bool,
    pub bottleneck: Option<Bottleneck>,
    /// A damaged copy of the datagram with this number arrives before it, except if it has one of these in it.
    pub garbles: Option<(usize, Vec<Vec<u8>>)>,
    /// Datagrams that are larger are lost.
    pub carries: usize,
    /// Datagrams that the ends have sent.
    datagrams: usize,
    /// The largest datagram seen.
    pub largest: usize,
    on_the_way: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    sent: u64,
}

impl Pair {
    pub fn new(network: Network, seed: u64) -> Self {
        Self::with_config(network, seed, [&SctpConfig::default(), &SctpConfig::default()])
    }

    pub fn with_config(network: Network, seed: u64, configs: [&SctpConfig; 2]) -> Self {
        let certificates = [0, 1].map(|_| Certificate::generate().expect("a certificate"));
        let now = Instant::now();
        let end = |this: usize, role| End {
            association: Association::new(
                now,
                role,
                &certificates[this],
                vec![certificates[1 - this].fingerprint()],
                configs[this],
            ),
            events: VecDeque::new(),
            takes_events: true,
        };
        Self::from_ends(now, network, seed, [end(0, DtlsRole::Client), end(1, DtlsRole::Server)])
    }

    pub fn from_ends(now: Instant, network: Network, seed: u64, ends: [End; 2]) -> Self {
        Self {
            now,
            ends,
            network,
            random: Random::new(seed),
            cut: false,
            bottleneck: None,
            garbles: None,
            carries: usize::MAX,
            datagrams: 0,
            largest: 0,
            on_the_way: BTreeMap::new(),
            sent: 0,
        }
    }

    /// A connected pair without events.
    pub fn connected(network: Network, seed: u64) -> Self {
        let mut pair = Self::new(network, seed);
        pair.connect();
        pair
    }

    pub fn connect(&mut self) {
        self.run_until(|pair| pair.ends.iter().all(|end| !end.events.is_empty()));
        for end in &mut self.ends {
            assert_eq!(end.event(), AssociationEvent::Connected);
        }
    }

    /// Puts a datagram on its way to an end.
    pub fn inject(&mut self, to: usize, datagram: Vec<u8>) {
        self.sent += 1;
        self.on_the_way.insert((self.now + self.network.delay, self.sent), (to, datagram));
    }

    /// Collects what the ends have to say.
    fn collect(&mut self) {
        for from in 0..2 {
            loop {
                if self.ends[from].takes_events {
                    while let Some(event) = self.ends[from].association.poll_event() {
                        self.ends[from].events.push_back(event);
                    }
                }
                let Some(datagram) = self.ends[from].association.poll_transmit() else {
                    break;
                };
                self.largest = self.largest.max(datagram.len());
                let Network { delay, lost, repeated, late } = self.network;
                let fate = self.random.below(1000);
                if fate < lost || datagram.len() > self.carries {
                    continue;
                }
                let mut through = Some(self.now);
                if let Some(bottleneck) = self.bottleneck.as_mut().filter(|_| from == 0) {
                    through = bottleneck.pass(self.now, datagram.len());
                }
                let Some(through) = through else { continue };
                let mut arrival = through + delay;
                if self.random.below(1000) < late {
                    arrival += delay.mul_f64(self.random.below(3000) as f64 / 1000.0);
                }
                self.datagrams += 1;
                if let Some((number, spared)) = &self.garbles
                    && *number == self.datagrams
                    && !spared.iter().any(|it| datagram.windows(it.len()).any(|part| part == it))
                {
                    let mut copy = datagram.clone();
                    let place = self.random.below(copy.len() as u64) as usize;
                    copy[place] ^= 1 << self.random.below(8);
                    self.sent += 1;
                    self.on_the_way.insert((arrival, self.sent), (1 - from, copy));
                }
                if fate >= 1000 - repeated {
                    self.sent += 1;
                    let again = arrival + delay.mul_f64(self.random.below(2000) as f64 / 1000.0);
                    self.on_the_way.insert((again, self.sent), (1 - from, datagram.clone()));
                }
                self.sent += 1;
                self.on_the_way.insert((arrival, self.sent), (1 - from, datagram));
            }
        }
    }

    /// Lets the next thing happen. `false` if nothing ever will.
    fn step(&mut self, latest: Instant) -> bool {
        self.collect();
        let arrival = self.on_the_way.keys().next().map(|(time, _)| *time);
        let timeouts = [0, 1].map(|end| self.ends[end].association.poll_timeout());
        let next = timeouts.into_iter().flatten().chain(arrival).min();
        let Some(next) = next.filter(|next| *next <= latest) else {
            self.now = latest;
            return false;
        };
        self.now = self.now.max(next);
        if arrival.is_some_and(|arrival| arrival <= self.now) {
            let (_, (to, datagram)) = self.on_the_way.pop_first().expect("a datagram");
            if !self.cut {
                self.ends[to].association.handle_datagram(self.now, &datagram);
            }
        }
        for (end, timeout) in timeouts.into_iter().enumerate() {
            if timeout.is_some_and(|timeout| timeout <= self.now) {
                self.ends[end].association.handle_timeout(self.now);
            }
        }
        self.collect();
        true
    }

    /// Runs until something holds; fails after half an hour (on the pair's clock).
    pub fn run_until(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        let latest = self.now + Duration::from_secs(1800);
        self.collect();
        while !done(self) {
            assert!(self.step(latest), "nothing happens any more");
        }
    }

    /// Runs for some time.
    pub fn run_for(&mut self, time: Duration) {
        let latest = self.now + time;
        while self.step(latest) {}
    }

    /// Runs until an end has so many events.
    pub fn run_until_events(&mut self, end: usize, count: usize) {
        self.run_until(|pair| pair.ends[end].events.len() >= count);
    }
}
