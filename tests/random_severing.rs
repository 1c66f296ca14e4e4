//! Clients that lose their connections at any moment and come back: whatever happens, they find each
//! other again, and no message arrives twice or in the wrong order.

mod support;

use std::time::Duration;

use saltyrtc::protocol::client::EndReason;
use saltyrtc::protocol::message::Payload;
use saltyrtc::task::{Event, TaskEvent, relayed_data};
use support::keys;
use support::pair::{Id, Pair};
use support::random::Seeded;

const SEEDS: u64 = 150;
const ACTIONS: usize = 150;
const INITIATOR: usize = 0;
const RESPONDER: usize = 1;

/// What is known about the messages that a client received in its present session.
#[derive(Default)]
struct Inbox {
    /// Events that were looked at.
    seen: usize,
    in_session: bool,
    /// Who sends (client, and session of that client), and the number of the last message.
    last: Option<(u64, u64, u64)>,
}

struct World {
    seed: u64,
    random: Seeded,
    pair: Pair,
    /// The present client of each of the two.
    present: [Option<Id>; 2],
    /// Clients that are gone without the server knowing.
    ghosts: Vec<Id>,
    /// For each client: the number of the next message in the present session.
    next: Vec<u64>,
    inboxes: Vec<Inbox>,
    delivered: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let pair = Pair::with_random(
            saltyrtc::protocol::server::PathConfig::default(),
            seed,
            Box::new(Seeded::new(seed ^ 0xabcd)),
        );
        let random = Seeded::new(seed);
        let (ghosts, next, inboxes) = (Vec::new(), Vec::new(), Vec::new());
        Self { seed, random, pair, present: [None; 2], ghosts, next, inboxes, delivered: 0 }
    }

    fn connect(&mut self, who: usize) {
        if self.present[who].is_some() {
            return;
        }
        let config = if who == INITIATOR {
            keys::initiator_with_trust()
        } else {
            keys::responder_with_trust()
        };
        self.present[who] = Some(self.add(config));
    }

    fn add(&mut self, config: saltyrtc::task::ClientConfig) -> Id {
        let delay = Duration::from_millis(1 + self.random.below(60) as u64);
        let random = Box::new(Seeded::new(self.random.next()));
        self.next.push(0);
        self.inboxes.push(Inbox::default());
        self.pair.connect_with(config, random, delay)
    }

    /// Sends some numbered messages, if there is somebody to send to.
    fn send(&mut self, who: usize) {
        let Some(id) = self.present[who] else { return };
        for _ in 0..self.random.below(4) {
            if self.pair.in_task(id) {
                let session = self.sessions(id);
                let numbers = [id as u64, session, self.next[id]].map(u64::to_be_bytes).concat();
                self.next[id] += 1;
                let payload = Payload::from_bytes(&numbers);
                self.pair.act(id, |client, _| relayed_data::send(client, &payload)).unwrap();
            }
        }
    }

    /// How many sessions a client has had.
    fn sessions(&self, id: Id) -> u64 {
        let begins =
            |(_, event): &&(Duration, Event)| matches!(event, Event::PeerHandshakeDone { .. });
        self.pair.nodes[id].events.iter().filter(begins).count() as u64
    }

    fn act(&mut self) {
        let who = self.random.below(2);
        match self.random.below(20) {
            0..=5 => {
                let time = self.random.below(400) as u64;
                self.pair.advance(Duration::from_millis(time));
            }
            6..=12 => self.send(who),
            13 if self.random.one_in(2) => {
                if let Some(id) = self.present[who].take() {
                    self.pair.sever(id);
                }
            }
            14 if self.random.one_in(2) => {
                if let Some(id) = self.present[who].take() {
                    self.pair.vanish(id);
                    self.ghosts.push(id);
                }
            }
            15 if !self.ghosts.is_empty() => {
                let ghost = self.random.below(self.ghosts.len());
                self.pair.notice(self.ghosts.swap_remove(ghost));
            }
            16 if self.random.one_in(3) => {
                self.add(keys::responder(keys::pair(9), Some(keys::wrong_token())));
            }
            _ => self.connect(who),
        }
        self.check();
    }

    /// Looks at what the clients told since the last time.
    fn check(&mut self) {
        for id in 0..self.pair.nodes.len() {
            let events = &self.pair.nodes[id].events;
            let inbox = &mut self.inboxes[id];
            for (_, event) in &events[inbox.seen..] {
                match event {
                    Event::PeerHandshakeDone { .. } => {
                        assert!(!inbox.in_session, "seed {}: a session in a session", self.seed);
                        (inbox.in_session, inbox.last) = (true, None);
                    }
                    Event::PeerLeft { .. } => {
                        inbox.in_session = false;
                        self.next[id] = 0;
                    }
                    Event::Task(TaskEvent::Data(payload)) => {
                        assert!(inbox.in_session, "seed {}: data without a session", self.seed);
                        let bytes = payload.as_bytes().unwrap();
                        let number = |n: usize| {
                            u64::from_be_bytes(bytes[8 * n..8 * n + 8].try_into().unwrap())
                        };
                        let now = (number(0), number(1), number(2));
                        // The first of a session, or the next one of the same session.
                        match inbox.last {
                            None => assert_eq!(now.2, 0, "seed {}", self.seed),
                            Some((client, session, n)) => {
                                assert_eq!(now, (client, session, n + 1), "seed {}", self.seed);
                            }
                        }
                        inbox.last = Some(now);
                        self.delivered += 1;
                    }
                    _ => {}
                }
            }
            inbox.seen = events.len();
        }
        for present in &mut self.present {
            let Some(id) = *present else { continue };
            let Some((_, Event::Closed(closed))) = self.pair.nodes[id].events.last() else {
                continue;
            };
            // Messages that cross may cost a client its connection, but then it may come back. That it
            // cannot know if it was dropped: the initiator may have a peer that left without anybody
            // noticing, or it meant somebody who had the address before.
            let dropped = matches!(
                closed.reason,
                EndReason::DroppedByInitiator | EndReason::InitiatorCouldNotDecrypt
            );
            assert!(
                closed.retryable() || dropped,
                "seed {}: {closed:?}\n{}",
                self.seed,
                self.pair.report()
            );
            *present = None;
        }
    }

    /// The connections work from now on.
    fn calm_down(&mut self) {
        for ghost in std::mem::take(&mut self.ghosts) {
            self.pair.notice(ghost);
        }
        for _ in 0..10 {
            self.connect(INITIATOR);
            self.connect(RESPONDER);
            self.pair.advance(Duration::from_secs(5));
            self.check();
            if let [Some(initiator), Some(responder)] = self.present
                && self.pair.in_task(initiator)
                && self.pair.in_task(responder)
            {
                return;
            }
        }
        panic!("seed {}: they did not find each other:\n{}", self.seed, self.pair.report());
    }
}

/// Covers P-016 P-037 P-174 P-175 P-182 P-203 P-205 P-212.
#[test]
fn clients_find_each_other_again_and_messages_keep_their_order() {
    let mut delivered = 0;
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..ACTIONS {
            world.act();
        }
        world.calm_down();
        // They are in the task with each other, not with ghosts.
        let [Some(initiator), Some(responder)] = world.present else { unreachable!() };
        for (from, to) in [(initiator, responder), (responder, initiator)] {
            let before = world.inboxes[to].last;
            let first = world.next[from];
            while world.next[from] == first {
                world.send(usize::from(from == responder));
            }
            world.pair.advance(Duration::from_secs(1));
            world.check();
            let last = world.inboxes[to].last;
            assert_ne!(last, before);
            assert_eq!(last.map(|(client, ..)| client), Some(from as u64), "seed {seed}");
        }
        delivered += world.delivered;
    }
    assert!(delivered > 10 * SEEDS as usize, "hardly anything was sent: {delivered}");
}
