//! Two clients that lose their connections at any moment and come back, with strangers in between, and what has to
//! hold meanwhile: messages arrive in order, once, and in the session that they were sent in, and who ends may come
//! back.

use std::time::Duration;

use saltyrtc::protocol::client::EndReason;
use saltyrtc::protocol::message::Payload;
use saltyrtc::task::{Event, TaskEvent, relayed_data};

use super::keys;
use super::pair::{Id, Pair};
use super::random::Seeded;

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

/// The two clients, the strangers and the server.
pub struct World {
    /// Names the run.
    name: String,
    /// A number below the given one: what happens next.
    choose: Box<dyn FnMut(usize) -> usize>,
    /// For what the clients themselves choose.
    seeds: Seeded,
    pair: Pair,
    /// The present client of each of the two.
    present: [Option<Id>; 2],
    /// Clients that are gone without the server knowing.
    ghosts: Vec<Id>,
    /// For each client: the number of the next message in the present session.
    next: Vec<u64>,
    inboxes: Vec<Inbox>,
    /// Messages that have arrived.
    pub delivered: usize,
}

impl World {
    /// Nobody is there yet. All that happens is chosen by `choose`.
    pub fn new(name: String, seed: u64, choose: impl FnMut(usize) -> usize + 'static) -> Self {
        let pair = Pair::with_random(
            saltyrtc::protocol::server::PathConfig::default(),
            seed,
            Box::new(Seeded::new(seed ^ 0xabcd)),
        );
        let (choose, seeds) = (Box::new(choose), Seeded::new(!seed));
        let (ghosts, next, inboxes) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, choose, seeds, pair, present: [None; 2], ghosts, next, inboxes, delivered: 0 }
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.choose)(limit)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
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
        let delay = Duration::from_millis(1 + self.below(60) as u64);
        let random = Box::new(Seeded::new(self.seeds.next()));
        self.next.push(0);
        self.inboxes.push(Inbox::default());
        self.pair.connect_with(config, random, delay)
    }

    /// Sends so many numbered messages, if there is somebody to send to.
    fn send(&mut self, who: usize, count: usize) {
        let Some(id) = self.present[who] else { return };
        for _ in 0..count {
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

    /// One thing that happens.
    pub fn act(&mut self) {
        let who = self.below(2);
        match self.below(20) {
            0..=5 => {
                let time = self.below(400) as u64;
                self.pair.advance(Duration::from_millis(time));
            }
            6..=12 => {
                let count = self.below(4);
                self.send(who, count);
            }
            13 if self.one_in(2) => {
                if let Some(id) = self.present[who].take() {
                    self.pair.sever(id);
                }
            }
            14 if self.one_in(2) => {
                if let Some(id) = self.present[who].take() {
                    self.pair.vanish(id);
                    self.ghosts.push(id);
                }
            }
            15 if !self.ghosts.is_empty() => {
                let ghost = self.below(self.ghosts.len());
                self.pair.notice(self.ghosts.swap_remove(ghost));
            }
            16 if self.one_in(3) => {
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
                        assert!(!inbox.in_session, "{}: a session in a session", self.name);
                        (inbox.in_session, inbox.last) = (true, None);
                    }
                    Event::PeerLeft { .. } => {
                        inbox.in_session = false;
                        self.next[id] = 0;
                    }
                    Event::Task(TaskEvent::Data(payload)) => {
                        assert!(inbox.in_session, "{}: data without a session", self.name);
                        let bytes = payload.as_bytes().unwrap();
                        let number = |n: usize| {
                            u64::from_be_bytes(bytes[8 * n..8 * n + 8].try_into().unwrap())
                        };
                        let now = (number(0), number(1), number(2));
                        // The first of a session, or the next one of the same session.
                        match inbox.last {
                            None => assert_eq!(now.2, 0, "{}", self.name),
                            Some((client, session, n)) => {
                                assert_eq!(now, (client, session, n + 1), "{}", self.name);
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
                "{}: {closed:?}\n{}",
                self.name,
                self.pair.report()
            );
            *present = None;
        }
    }

    /// The connections work from now on.
    pub fn calm_down(&mut self) {
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
        panic!("{}: they did not find each other:\n{}", self.name, self.pair.report());
    }

    /// The two are in the task with each other, not with ghosts.
    pub fn exchange(&mut self) {
        let [Some(initiator), Some(responder)] = self.present else { unreachable!() };
        for (from, to) in [(initiator, responder), (responder, initiator)] {
            let before = self.inboxes[to].last;
            self.send(usize::from(from == responder), 1);
            self.pair.advance(Duration::from_secs(1));
            self.check();
            let last = self.inboxes[to].last;
            assert_ne!(last, before, "{}", self.name);
            assert_eq!(last.map(|(client, ..)| client), Some(from as u64), "{}", self.name);
        }
    }
}
