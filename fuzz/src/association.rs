//! Two associations, and a network between them that does what an input says.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use saltyrtc::rtc::association::{
    Association, AssociationEvent, ChannelConfig, ChannelId, DtlsRole, MessageKind, Reliability,
    SctpConfig,
};
use saltyrtc::rtc::certificate::Certificate;

use crate::input::{Action, Input};

/// Datagrams on their way in one direction, at most.
const FLYING: usize = 400;
/// Once the network is good, all is over within so many datagrams and timers.
const STEPS: usize = 100_000;
/// What is not delivered by then is lost.
const PATIENCE: Duration = Duration::from_secs(300);

/// Making one takes longer than anything else.
static CERTIFICATES: LazyLock<[Certificate; 2]> =
    LazyLock::new(|| [0, 1].map(|_| Certificate::generate().expect("a certificate")));

/// What one end sends on a channel, from its opening until it is closed.
struct Outgoing {
    /// Identifies it among all that there have been.
    stream: u32,
    accepted: u32,
}

/// What one end gets on a channel.
struct Incoming {
    config: ChannelConfig,
    /// This end is closing it, and throws away what still comes.
    closing: bool,
    stream: Option<u32>,
    next: u32,
    received: HashSet<u32>,
}

struct End {
    association: Association,
    takes_events: bool,
    connected: bool,
    /// It told that it is over.
    over: bool,
    outgoing: BTreeMap<ChannelId, Outgoing>,
    incoming: BTreeMap<ChannelId, Incoming>,
    /// What comes to it.
    flying: VecDeque<Vec<u8>>,
}

/// The two ends.
pub struct Scene {
    mark: fn(&str),
    now: Instant,
    ends: [End; 2],
    streams: u32,
    /// Somebody has written into the handshake.
    disturbed: bool,
}

fn config(choice: u8, end: usize) -> ChannelConfig {
    let reliability = match choice >> 1 & 3 {
        0 | 1 => Reliability::Reliable,
        2 => Reliability::MaxRetransmits(u16::from(choice >> 6)),
        _ => Reliability::MaxLifetime(Duration::from_millis(100)),
    };
    // The same at both ends.
    let negotiated = (choice & 16 != 0).then(|| 100 + u16::from(choice & 15));
    let label = if negotiated.is_none() { format!("{end}") } else { String::new() };
    let ordered = choice & 1 == 0;
    ChannelConfig { label, ordered, reliability, negotiated, ..ChannelConfig::default() }
}

impl Scene {
    /// Two ends before the handshake, or after it.
    pub fn new(input: &mut Input<'_>, mark: fn(&str)) -> Self {
        let kind = input.byte();
        let now = Instant::now();
        let small = SctpConfig {
            max_message_size: 2000,
            remote_max_message_size: 2000,
            send_buffer: 10_000,
            receive_buffer: 10_000,
            ..SctpConfig::default()
        };
        let limits = if kind & 2 == 0 { SctpConfig::default() } else { small };
        let end = |this: usize, role| End {
            association: Association::new(
                now,
                role,
                &CERTIFICATES[this],
                vec![CERTIFICATES[1 - this].fingerprint()],
                &limits,
            ),
            takes_events: true,
            connected: false,
            over: false,
            outgoing: BTreeMap::new(),
            incoming: BTreeMap::new(),
            flying: VecDeque::new(),
        };
        let ends = [end(0, DtlsRole::Client), end(1, DtlsRole::Server)];
        let mut scene = Self { mark, now, ends, streams: 0, disturbed: false };
        scene.drain();
        if kind & 1 == 0 {
            scene.run(usize::MAX, Duration::from_secs(5), |scene| {
                scene.ends.iter().all(|end| end.connected)
            });
            assert!(scene.ends.iter().all(|end| end.connected), "nothing was in the way");
        }
        scene
    }

    fn drain(&mut self) {
        for this in 0..2 {
            loop {
                while self.ends[this].takes_events
                    && let Some(event) = self.ends[this].association.poll_event()
                {
                    self.tell(this, event);
                }
                let Some(datagram) = self.ends[this].association.poll_transmit() else { break };
                assert!(datagram.len() <= 1200);
                let there = &mut self.ends[1 - this].flying;
                if there.len() < FLYING {
                    there.push_back(datagram);
                }
            }
        }
    }

    fn tell(&mut self, this: usize, event: AssociationEvent) {
        let end = &mut self.ends[this];
        assert!(!end.over, "{event:?} after the end");
        match event {
            AssociationEvent::Connected => {
                assert!(!std::mem::replace(&mut end.connected, true), "twice");
                (self.mark)("connected");
            }
            AssociationEvent::ChannelOpened { id, config, by_peer } => {
                if by_peer {
                    (self.mark)("channel opened by the peer");
                    self.open(this, id, config);
                }
            }
            AssociationEvent::Message { id, data, .. } => {
                assert!(end.connected);
                (self.mark)("message");
                end.incoming.get_mut(&id).expect("a channel that is open").take(&data);
            }
            AssociationEvent::ChannelClosed { id, error } => {
                assert!(error.is_none_or(|error| !error.to_string().is_empty()));
                (self.mark)("channel closed");
                end.outgoing.remove(&id).expect("once for every channel");
                end.incoming.remove(&id);
            }
            AssociationEvent::LowWater { .. } => (self.mark)("low water"),
            AssociationEvent::Failed(failure) => {
                assert!(!failure.to_string().is_empty());
                if !end.connected {
                    (self.mark)("failed in the handshake");
                }
                end.end();
            }
            AssociationEvent::Ended => {
                (self.mark)("ended");
                end.end();
            }
        }
    }

    /// The channel `id` is there at this end.
    fn open(&mut self, this: usize, id: ChannelId, config: ChannelConfig) {
        self.streams += 1;
        let outgoing = Outgoing { stream: self.streams, accepted: 0 };
        let before = self.ends[this].outgoing.insert(id, outgoing);
        assert!(before.is_none(), "channel {id} is open already");
        let incoming =
            Incoming { config, closing: false, stream: None, next: 0, received: HashSet::new() };
        self.ends[this].incoming.insert(id, incoming);
    }

    fn deliver(&mut self, to: usize, datagram: &[u8]) {
        self.ends[to].association.handle_datagram(self.now, datagram);
        self.drain();
    }

    fn take_flying(&mut self, to: usize, number: u8) -> Option<Vec<u8>> {
        let flying = &mut self.ends[to].flying;
        let at = usize::from(number) % flying.len().max(1);
        flying.remove(at)
    }

    /// A network without faults, for some time, or until `done`.
    fn run(&mut self, steps: usize, time: Duration, done: impl Fn(&Self) -> bool) {
        let until = self.now + time;
        for _ in 0..steps.min(STEPS) {
            if done(self) {
                return;
            }
            if let Some(to) = (0..2).find(|to| !self.ends[*to].flying.is_empty()) {
                let datagram = self.take_flying(to, 0).expect("it was just seen");
                self.deliver(to, &datagram);
                continue;
            }
            let due = self.ends.iter().filter_map(|end| end.association.poll_timeout()).min();
            let Some(due) = due.filter(|due| *due <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(due);
            self.handle_timeouts();
        }
        assert!(steps < STEPS, "they never come to rest");
    }

    fn handle_timeouts(&mut self) {
        for this in 0..2 {
            self.ends[this].association.handle_timeout(self.now);
        }
        self.drain();
    }

    fn send(&mut self, this: usize, number: u8, size: usize) {
        let end = &mut self.ends[this];
        let at = usize::from(number) % end.outgoing.len().max(1);
        let Some((id, outgoing)) = end.outgoing.iter_mut().nth(at) else { return };
        let numbers = [outgoing.stream, outgoing.accepted].map(u32::to_be_bytes).concat();
        let mut message = numbers;
        message.resize(8 + size, outgoing.accepted as u8);
        if end.association.send(self.now, *id, MessageKind::Binary, message.into()).is_ok() {
            outgoing.accepted += 1;
        }
    }

    fn command(&mut self, this: usize, number: u8, variant: u8) {
        let now = self.now;
        let end = &mut self.ends[this];
        let at = usize::from(number) % end.outgoing.len().max(1);
        let id = end.outgoing.keys().nth(at).copied();
        match (variant >> 1, id) {
            (0..=2, Some(id)) => {
                end.association.close(now, id);
                end.incoming.get_mut(&id).expect("a channel that is open").closing = true;
            }
            (3, Some(id)) => end.association.set_low_water(now, id, usize::from(number) * 100),
            (4, _) => end.association.shutdown(now),
            (5, _) => end.association.abort(now),
            (6, _) => end.association.path_changed(now),
            _ => end.takes_events ^= true,
        }
    }

    /// One thing that happens.
    pub fn act(&mut self, action: Action<'_>) {
        let Action { what, number, data } = action;
        let variant = what >> 4;
        let this = usize::from(variant & 1);
        match what & 15 {
            // Arrives, in order or not, and perhaps twice.
            0 | 1 => {
                if let Some(datagram) = self.take_flying(this, if variant < 8 { 0 } else { number })
                {
                    self.deliver(this, &datagram);
                    if variant & 4 != 0 {
                        (self.mark)("datagram twice");
                        self.deliver(this, &datagram);
                    }
                }
            }
            2 => {
                (self.mark)("datagram lost");
                self.take_flying(this, number);
            }
            3 => {
                if let Some(mut datagram) = self.take_flying(this, number) {
                    for change in data.chunks_exact(2) {
                        let index = usize::from(change[0]) % datagram.len();
                        datagram[index] ^= change[1];
                    }
                    self.disturb();
                    self.deliver(this, &datagram);
                }
            }
            4 => {
                self.disturb();
                self.deliver(this, data);
            }
            5 => {
                // A record of a handshake, whose lengths are right.
                let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, number];
                record.extend((data.len() as u16).to_be_bytes());
                record.extend(data);
                self.disturb();
                self.deliver(this, &record);
            }
            6 => {
                self.now += Duration::from_millis(u64::from(number) * 20);
                self.handle_timeouts();
            }
            7 | 8 => {
                let config = config(number, this);
                if let Ok(id) = self.ends[this].association.open(self.now, config.clone()) {
                    self.open(this, id, config);
                }
            }
            9 | 10 => self.send(this, number, data.len()),
            11 => self.send(this, number, usize::from(number) * 40),
            12 => self.command(this, number, variant),
            _ => {
                let time = Duration::from_millis(u64::from(number) * 10);
                self.run(1 + usize::from(number) * 4, time, |_| false);
            }
        }
        self.drain();
    }

    fn disturb(&mut self) {
        self.disturbed |= self.ends.iter().any(|end| !end.connected);
    }

    /// The network is good from now on: whatever was taken arrives, unless the association has failed.
    pub fn end(mut self) {
        self.ends.iter_mut().for_each(|end| end.takes_events = true);
        self.drain();
        self.run(STEPS, PATIENCE, |scene| {
            let ends = &scene.ends;
            let rest = ends.iter().all(|end| {
                end.connected && end.flying.is_empty() && end.association.unacknowledged() == 0
            });
            rest || ends.iter().all(|end| end.over)
        });
        self.drain();
        for end in &self.ends {
            assert_eq!(end.over, end.association.has_ended());
            assert!(!end.over || end.association.poll_timeout().is_none());
        }
        if self.ends.iter().any(|end| end.over) || self.disturbed {
            return;
        }
        assert!(self.ends.iter().all(|end| end.connected), "the handshake was not finished");
        for [from, to] in [[0, 1], [1, 0]] {
            for (id, outgoing) in &self.ends[from].outgoing {
                let incoming = self.ends[to].incoming.get(id);
                let all = |incoming: &&Incoming| incoming.is_reliable() && !incoming.closing;
                let Some(incoming) = incoming.filter(all) else { continue };
                if outgoing.accepted > 0 {
                    assert_eq!(incoming.stream, Some(outgoing.stream));
                    assert_eq!(incoming.received.len(), outgoing.accepted as usize);
                    (self.mark)("everything has arrived");
                }
            }
        }
    }
}

impl End {
    fn end(&mut self) {
        self.over = true;
        assert!(self.outgoing.is_empty(), "a channel was not closed");
    }
}

impl Incoming {
    fn is_reliable(&self) -> bool {
        self.config.reliability == Reliability::Reliable
    }

    fn take(&mut self, data: &[u8]) {
        let (head, filling) = data.split_first_chunk::<8>().expect("the two numbers");
        let number =
            |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().expect("four bytes"));
        let (stream, number) = (number(0), number(4));
        assert_eq!(*self.stream.get_or_insert(stream), stream, "of another channel");
        assert!(filling.iter().all(|byte| *byte == number as u8), "the content has changed");
        assert!(self.received.insert(number), "twice");
        if self.config.ordered {
            let in_order =
                if self.is_reliable() { number == self.next } else { number >= self.next };
            assert!(in_order, "{number} in place of {}", self.next);
            self.next = number + 1;
        }
    }
}
