//! Everything at once, for long: channels of all kinds that are opened, used and closed from both sides, over a
//! network that loses, repeats and delays, between owners who pause.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use saltyrtc::rtc::association::{
    AssociationEvent, ChannelConfig, ChannelId, MessageKind, Reliability, SendError,
};
use saltyrtc::task::ChannelOpenError;

use super::link::{Network, Pair, Random};

/// One direction of a channel.
#[derive(Default)]
struct Direction {
    sent: u32,
    arrived: BTreeSet<u32>,
    last: Option<u32>,
}

/// A channel as both ends see it.
struct Channel {
    id: ChannelId,
    config: ChannelConfig,
    opener: usize,
    /// From the opener, and to it.
    directions: [Direction; 2],
    /// Which end knows that it is open, which has closed it, and which knows that it is closed.
    open: [bool; 2],
    closing: [bool; 2],
    closed: [bool; 2],
}

impl Channel {
    fn direction(&mut self, from: usize) -> &mut Direction {
        &mut self.directions[usize::from(from != self.opener)]
    }

    /// Whether all that was sent from an end has arrived.
    fn is_complete(&mut self, from: usize) -> bool {
        let direction = self.direction(from);
        direction.arrived.len() == direction.sent as usize
    }
}

struct Medley {
    pair: Pair,
    random: Random,
    channels: Vec<Channel>,
    /// The numbers of the channels that an end has under an id.
    by_id: [BTreeMap<ChannelId, usize>; 2],
    messages: usize,
}

/// The bytes of a message after its two numbers.
fn filler(channel: usize, number: u32) -> u8 {
    (channel as u32).wrapping_mul(31).wrapping_add(number) as u8
}

impl Medley {
    fn new(network: Network, seed: u64) -> Self {
        Self {
            pair: Pair::connected(network, seed),
            random: Random::new(seed + 1000),
            channels: Vec::new(),
            by_id: Default::default(),
            messages: 0,
        }
    }

    fn open(&mut self) {
        let opener = self.random.below(2) as usize;
        let reliability = match self.random.below(6) {
            0 => Reliability::MaxRetransmits(0),
            1 => Reliability::MaxRetransmits(2),
            2 => Reliability::MaxLifetime(Duration::from_millis(self.random.below(300))),
            _ => Reliability::Reliable,
        };
        let config = ChannelConfig {
            label: self.channels.len().to_string(),
            ordered: self.random.below(2) == 0,
            reliability,
            ..ChannelConfig::default()
        };
        let id = match self.pair.ends[opener].association.open(self.pair.now, config.clone()) {
            Ok(id) => id,
            Err(ChannelOpenError::QueueFull) => return,
            Err(error) => panic!("{error}"),
        };
        let other = self.by_id[opener].insert(id, self.channels.len());
        assert!(other.is_none_or(|other| self.channels[other].closed[opener]), "{id} is in use");
        self.channels.push(Channel {
            id,
            config,
            opener,
            directions: Default::default(),
            open: [false; 2],
            closing: [false; 2],
            closed: [false; 2],
        });
    }

    /// A channel that an end may send on.
    fn usable(&mut self) -> Option<(usize, usize)> {
        let end = self.random.below(2) as usize;
        let usable: Vec<usize> = (0..self.channels.len())
            .filter(|number| {
                let channel = &self.channels[*number];
                (channel.open[end] || channel.opener == end)
                    && !channel.closing[end]
                    && !channel.closed[end]
            })
            .collect();
        let index = self.random.below(usable.len().max(1) as u64) as usize;
        Some((end, *usable.get(index)?))
    }

    fn send(&mut self) {
        let Some((end, number)) = self.usable() else { return };
        for _ in 0..self.random.below(30) {
            let size = match self.random.below(8) {
                0 => self.random.below(60_000),
                1 => 1000 + self.random.below(400),
                2 => 0,
                _ => self.random.below(200),
            };
            let channel = &mut self.channels[number];
            let id = channel.id;
            let sent = channel.direction(end).sent;
            let mut data = Vec::from((number as u32).to_be_bytes());
            data.extend(sent.to_be_bytes());
            data.resize(8 + size as usize, filler(number, sent));
            let client = &mut self.pair.ends[end].association;
            match client.send(self.pair.now, id, MessageKind::Binary, Bytes::from(data)) {
                Ok(()) => channel.direction(end).sent += 1,
                Err(SendError::QueueFull) => return,
                // Closed by the peer, which its owner has not seen yet.
                Err(SendError::NotOpen) if channel.closing[1 - end] => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn close(&mut self) {
        let Some((end, number)) = self.usable() else { return };
        self.close_one(end, number);
    }

    fn close_one(&mut self, end: usize, number: usize) {
        self.pair.ends[end].association.close(self.pair.now, self.channels[number].id);
        self.channels[number].closing[end] = true;
    }

    /// Looks at what has happened.
    fn look(&mut self) {
        for end in 0..2 {
            while let Some(event) = self.pair.ends[end].events.pop_front() {
                self.look_at(end, event);
            }
        }
    }

    fn look_at(&mut self, end: usize, event: AssociationEvent) {
        match event {
            AssociationEvent::ChannelOpened { id, config, by_peer } => {
                let number: usize = config.label.parse().expect("a number");
                let channel = &mut self.channels[number];
                assert_eq!((id, by_peer), (channel.id, channel.opener != end));
                assert_eq!((config.ordered, config.reliability), {
                    (channel.config.ordered, channel.config.reliability)
                });
                assert!(!channel.open[end] && !channel.closed[end], "{number} is opened once");
                channel.open[end] = true;
                self.by_id[end].insert(id, number);
            }
            AssociationEvent::Message { id, data, .. } => self.arrived(end, id, &data),
            AssociationEvent::ChannelClosed { id, error } => {
                let number = self.by_id[end].remove(&id).expect("a channel");
                assert_eq!(error, None, "end {end}: channel {number} {id}");
                let channel = &mut self.channels[number];
                channel.closed[end] = true;
                if channel.config.reliability == Reliability::Reliable && !channel.closing[end] {
                    assert!(channel.is_complete(1 - end), "channel {number} before it was closed");
                }
            }
            AssociationEvent::LowWater { .. } => {}
            other => panic!("end {end}: {other:?}"),
        }
    }

    fn arrived(&mut self, end: usize, id: ChannelId, data: &[u8]) {
        self.messages += 1;
        let word = |at| u32::from_be_bytes(data[at..at + 4].try_into().expect("four bytes"));
        let (number, index) = (word(0) as usize, word(4));
        assert_eq!(self.by_id[end].get(&id), Some(&number), "end {end}: for another channel");
        let filler = filler(number, index);
        assert!(data[8..].iter().all(|byte| *byte == filler), "damaged");
        let config = self.channels[number].config.clone();
        let direction = self.channels[number].direction(1 - end);
        assert!(index < direction.sent, "never sent");
        assert!(direction.arrived.insert(index), "channel {number}: {index} arrived twice");
        if config.ordered {
            // Before the peer knows the channel, messages are in order in any case.
            assert!(direction.last < Some(index), "channel {number}: {index} comes late");
            if config.reliability == Reliability::Reliable {
                assert_eq!(direction.last.map_or(0, |last| last + 1), index, "channel {number}");
            }
        }
        direction.last = Some(index);
    }

    fn run(&mut self, rounds: usize) {
        for _ in 0..rounds {
            let open = self.channels.iter().filter(|one| one.closed != [true; 2]).count();
            match self.random.below(20) {
                0..=3 if open < 30 => self.open(),
                4..=5 if open > 10 => self.close(),
                6 => {
                    let end = self.random.below(2) as usize;
                    self.pair.ends[end].takes_events ^= true;
                }
                7 => self.pair.cut = self.random.below(4) == 0,
                8 => {
                    let end = self.random.below(2) as usize;
                    self.pair.ends[end].association.path_changed(self.pair.now);
                }
                _ => self.send(),
            }
            self.pair.run_for(Duration::from_millis(self.random.below(40)));
            self.look();
        }
        self.end();
    }

    /// Everything arrives, then everything is closed.
    fn end(&mut self) {
        self.pair.cut = false;
        self.pair.ends.iter_mut().for_each(|end| end.takes_events = true);
        self.until("everything arrives", |medley| {
            medley.channels.iter_mut().all(|one| {
                one.config.reliability != Reliability::Reliable
                    || (0..2).all(|end| one.closing != [false; 2] || one.is_complete(end))
            })
        });
        self.until("nothing waits", |medley| {
            medley.pair.ends.iter().all(|end| end.association.unacknowledged() == 0)
        });
        for end in 0..2 {
            for channel in &self.channels {
                let waiting = self.pair.ends[end].association.buffered_amount(channel.id);
                assert_eq!(waiting, 0, "on channel {}", channel.config.label);
            }
        }
        for number in 0..self.channels.len() {
            if self.channels[number].closing == [false; 2] {
                let end = self.random.below(2) as usize;
                self.close_one(end, number);
            }
        }
        self.until("everything is closed", |medley| {
            medley.channels.iter().all(|one| one.closed == [true; 2])
        });
        self.pair.ends[0].association.shutdown(self.pair.now);
        self.pair.run_for(Duration::from_secs(10));
        for end in &mut self.pair.ends {
            assert_eq!(end.events.pop_back(), Some(AssociationEvent::Ended));
        }
        self.look();
    }

    fn until(&mut self, what: &str, done: impl Fn(&mut Self) -> bool) {
        let latest = self.pair.now + Duration::from_secs(120);
        while !done(self) {
            assert!(self.pair.now < latest, "{what}");
            self.pair.run_for(Duration::from_millis(20));
            self.look();
        }
    }
}

#[test]
fn everything_at_once() {
    for seed in 1..=14_u64 {
        let network = Network {
            delay: Duration::from_millis(20),
            lost: [100, 10, 0][seed as usize % 3],
            repeated: [100, 0][seed as usize % 2],
            late: [100, 0][seed as usize / 2 % 2],
        };
        let mut medley = Medley::new(network, seed);
        medley.run(1000);
        assert!(medley.messages > 100, "seed {seed}");
    }
}
