//! Real client machines and a real server machine, connected in memory under a virtual clock.
//!
//! Each client has one connection at a time: two queues, in order, with a delay. Nothing happens by
//! itself; [`Pair::step`] delivers the next message or lets the next timer run out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use saltyrtc::crypto::RandomSource;
use saltyrtc::protocol::client::{ClientState, Closed, SocketEnd};
use saltyrtc::protocol::server::{ClientId, Path, PathConfig};
use saltyrtc::protocol::{CloseCode, SUBPROTOCOL, Transmit};
use saltyrtc::task::{Client, ClientConfig, Event};

use super::keys;
use super::random::Seeded;

/// The delay of a connection in one direction, unless a test sets another.
pub const DELAY: Duration = Duration::from_millis(10);

/// No test needs more steps than this; a simulation that does is going round in circles.
const MAX_STEPS: usize = 100_000;

/// What travels over a WebSocket.
#[derive(Debug, Clone, PartialEq)]
pub enum Wire {
    /// The answer to the WebSocket handshake.
    Opened,
    Message(Bytes),
    Text,
    Ping,
    Pong,
    Close(Option<u16>),
}

/// The number of a client in a [`Pair`].
pub type Id = usize;

/// One client and its connection.
pub struct Node {
    pub client: Client,
    /// The server's name for the connection; `None` once the server knows that it is over.
    connection: Option<ClientId>,
    /// The client still has a socket.
    open: bool,
    /// The client sent or got a close frame: it sends nothing more.
    closing: bool,
    pub delay: Duration,
    up: VecDeque<(Instant, Wire)>,
    down: VecDeque<(Instant, Wire)>,
    /// Events, with the time since the start of the test at which they happened.
    pub events: Vec<(Duration, Event)>,
    /// What the client sends to other clients gets lost.
    pub mute: bool,
    /// The application takes its events at once. If not, they wait in the client.
    pub takes_events: bool,
    /// What the client sent so far.
    pub sent: Vec<Transmit>,
}

pub struct Pair {
    start: Instant,
    pub now: Instant,
    pub path: Path,
    pub nodes: Vec<Node>,
    seeds: Seeded,
}

impl Pair {
    pub fn new() -> Self {
        Self::with_server(PathConfig {
            permanent_keys: vec![keys::server_keys()],
            ..PathConfig::default()
        })
    }

    pub fn with_server(config: PathConfig) -> Self {
        Self::with_random(config, 1, Box::new(Seeded::new(2)))
    }

    pub fn with_random(config: PathConfig, seed: u64, server: Box<dyn RandomSource>) -> Self {
        let start = Instant::now();
        let path = Path::new(keys::path(), Arc::new(config), server);
        Self { start, now: start, path, nodes: Vec::new(), seeds: Seeded::new(seed) }
    }

    /// Two clients that have met: (pair, initiator, responder).
    pub fn met(initiator: ClientConfig, responder: ClientConfig) -> (Self, Id, Id) {
        let mut pair = Self::new();
        let initiator = pair.connect(initiator);
        let responder = pair.connect(responder);
        pair.settle();
        assert!(pair.in_task(initiator) && pair.in_task(responder), "{}", pair.report());
        (pair, initiator, responder)
    }

    /// Two clients with a token that have met.
    pub fn met_with_token() -> (Self, Id, Id) {
        Self::met(keys::initiator_with_token(), keys::responder_with_token())
    }

    /// Two clients that trust each other and have met.
    pub fn met_with_trust() -> (Self, Id, Id) {
        Self::met(keys::initiator_with_trust(), keys::responder_with_trust())
    }

    /// A new client that connects now. The server accepts it at once; the client hears of that, and
    /// then of everything the server says, one delay later.
    pub fn connect(&mut self, config: ClientConfig) -> Id {
        let seed = self.seeds.next();
        self.connect_with(config, Box::new(Seeded::new(seed)), DELAY)
    }

    pub fn connect_with(
        &mut self,
        config: ClientConfig,
        random: Box<dyn RandomSource>,
        delay: Duration,
    ) -> Id {
        let client = Client::new(config, random).expect("the configuration is good");
        self.nodes.push(Node {
            client,
            connection: Some(self.path.connect(self.now, SUBPROTOCOL)),
            open: true,
            closing: false,
            delay,
            up: VecDeque::new(),
            down: VecDeque::from([(self.now + delay, Wire::Opened)]),
            events: Vec::new(),
            mute: false,
            takes_events: true,
            sent: Vec::new(),
        });
        self.pump();
        self.nodes.len() - 1
    }

    /// The time since the start.
    pub fn time(&self) -> Duration {
        self.now - self.start
    }

    pub fn client(&mut self, id: Id) -> &mut Client {
        &mut self.nodes[id].client
    }

    /// Lets the application of a client do something, and queues what comes of it.
    pub fn act<T>(&mut self, id: Id, action: impl FnOnce(&mut Client, Instant) -> T) -> T {
        let result = action(&mut self.nodes[id].client, self.now);
        self.pump();
        result
    }

    pub fn in_task(&self, id: Id) -> bool {
        self.nodes[id].client.state() == ClientState::Task
    }

    /// The connection breaks: what is under way is lost, and both ends hear of it.
    pub fn sever(&mut self, id: Id) {
        self.vanish(id);
        self.notice(id);
    }

    /// The client is gone without the server noticing; see [`notice`](Self::notice).
    pub fn vanish(&mut self, id: Id) {
        let node = &mut self.nodes[id];
        node.up.clear();
        node.down.clear();
        if std::mem::take(&mut node.open) {
            node.client.handle_socket_end(SocketEnd::Lost("cut".into()));
        }
        self.pump();
    }

    /// The server hears that the connection of a client is gone.
    pub fn notice(&mut self, id: Id) {
        if let Some(connection) = self.nodes[id].connection.take() {
            self.path.handle_closed(self.now, connection);
        }
        self.pump();
    }

    /// Sends something down the connection of a client that the server did not send.
    pub fn inject_down(&mut self, id: Id, wire: Wire) {
        let at = self.now + self.nodes[id].delay;
        self.nodes[id].down.push_back((at, wire));
    }

    /// Sends something up the connection of a client that the client did not send.
    pub fn inject_up(&mut self, id: Id, wire: Wire) {
        let at = self.now + self.nodes[id].delay;
        self.nodes[id].up.push_back((at, wire));
    }

    /// When the next delivery is due.
    fn next_delivery(&self) -> Option<Instant> {
        let queues = self.nodes.iter().flat_map(|node| {
            let down = node.down.front().filter(|(_, wire)| node.reads(wire));
            [node.up.front(), down]
        });
        queues.flatten().map(|(at, _)| *at).min()
    }

    fn next_timeout(&self) -> Option<Instant> {
        let clients = self.nodes.iter().filter_map(|node| node.client.poll_timeout());
        clients.chain(self.path.poll_timeout()).min()
    }

    /// Does what is due next. `false` if nothing will ever happen any more.
    pub fn step(&mut self) -> bool {
        let due = self.next_delivery().into_iter().chain(self.next_timeout()).min();
        let Some(due) = due else { return false };
        self.now = self.now.max(due);
        self.deliver();
        self.run_timers();
        true
    }

    fn run_timers(&mut self) {
        let now = self.now;
        for node in &mut self.nodes {
            if node.client.poll_timeout().is_some_and(|at| at <= now) {
                node.client.handle_timeout(now);
                let next = node.client.poll_timeout();
                assert!(next.is_none_or(|at| at > now), "a timer that is due for ever");
            }
        }
        if self.path.poll_timeout().is_some_and(|at| at <= now) {
            self.path.handle_timeout(now);
        }
        self.pump();
    }

    /// Delivers everything that has arrived, the oldest first.
    fn deliver(&mut self) {
        for id in 0..self.nodes.len() {
            while let Some(wire) = self.nodes[id].arrived_up(self.now) {
                self.at_server(id, wire);
            }
            while let Some(wire) = self.nodes[id].arrived_down(self.now) {
                self.at_client(id, wire);
            }
        }
    }

    fn at_server(&mut self, id: Id, wire: Wire) {
        let Some(connection) = self.nodes[id].connection else { return };
        match wire {
            Wire::Message(message) => self.path.handle_message(self.now, connection, message),
            Wire::Text => self.path.handle_text(self.now, connection),
            Wire::Pong => self.path.handle_pong(self.now, connection),
            Wire::Close(code) => {
                self.nodes[id].connection = None;
                self.path.handle_closed(self.now, connection);
                self.inject_down(id, Wire::Close(code));
            }
            Wire::Opened | Wire::Ping => unreachable!("only servers send {wire:?}"),
        }
        self.pump();
    }

    fn at_client(&mut self, id: Id, wire: Wire) {
        let now = self.now;
        let node = &mut self.nodes[id];
        if !node.open {
            return;
        }
        match wire {
            Wire::Opened => node.client.handle_connected(now),
            Wire::Message(message) => node.client.handle_message(now, &message),
            Wire::Text => node.client.handle_text(),
            Wire::Ping => self.inject_up(id, Wire::Pong),
            Wire::Pong => unreachable!("servers send no pongs"),
            Wire::Close(code) => {
                node.client.handle_socket_end(SocketEnd::CloseFrame(code));
                node.open = false;
                if !std::mem::replace(&mut node.closing, true) {
                    self.inject_up(id, Wire::Close(code));
                }
            }
        }
        self.pump();
    }

    /// Takes from all machines what they have to send and to tell.
    fn pump(&mut self) {
        let time = self.time();
        let now = self.now;
        while let Some(ready) = self.path.poll_ready() {
            while let Some(transmit) = self.path.poll_transmit(ready) {
                let node = self.nodes.iter_mut().find(|node| node.connection == Some(ready));
                let Some(node) = node else { continue };
                let wire = match transmit {
                    Transmit::Message(message) => Wire::Message(message),
                    Transmit::Ping => Wire::Ping,
                    // A sign of life, for drivers.
                    Transmit::Pong => continue,
                    Transmit::Close(code) => Wire::Close(Some(code.code())),
                };
                node.down.push_back((now + node.delay, wire));
            }
        }
        while self.path.poll_event().is_some() {}
        for node in &mut self.nodes {
            while let Some(transmit) = node.client.poll_transmit() {
                node.sent.push(transmit.clone());
                if node.closing || !node.open {
                    continue;
                }
                let wire = match transmit {
                    Transmit::Message(message) if node.mute && message[17] != 0 => continue,
                    Transmit::Message(message) => Wire::Message(message),
                    Transmit::Ping | Transmit::Pong => unreachable!("for servers"),
                    Transmit::Close(code) => {
                        node.closing = true;
                        Wire::Close(Some(code.code()))
                    }
                };
                node.up.push_back((now + node.delay, wire));
            }
            if node.takes_events {
                node.take_events(time);
            }
        }
    }

    /// Lets the application of a client take all events that wait.
    pub fn take_waiting_events(&mut self, id: Id) {
        let time = self.time();
        self.nodes[id].take_events(time);
    }

    /// Goes on until `done`.
    pub fn run_until(&mut self, mut done: impl FnMut(&Self) -> bool) {
        for _ in 0..MAX_STEPS {
            if done(self) {
                return;
            }
            if !self.step() {
                break;
            }
        }
        assert!(done(self), "it never came to that:\n{}", self.report());
    }

    /// Goes on until nothing is under way. Timers run out only if they are due before that.
    pub fn settle(&mut self) {
        self.run_until(|pair| pair.next_delivery().is_none());
    }

    /// Lets time pass, with everything that happens in it.
    pub fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        for _ in 0..MAX_STEPS {
            let due = self.next_delivery().into_iter().chain(self.next_timeout()).min();
            match due {
                Some(due) if due <= until => self.step(),
                _ => {
                    self.now = until;
                    return;
                }
            };
        }
        panic!("too much happens:\n{}", self.report());
    }

    /// The events of a client so far, without the time.
    pub fn events(&self, id: Id) -> Vec<Event> {
        self.nodes[id].events.iter().map(|(_, event)| event.clone()).collect()
    }

    /// Takes the events of a client so far.
    pub fn take_events(&mut self, id: Id) -> Vec<Event> {
        std::mem::take(&mut self.nodes[id].events).into_iter().map(|(_, event)| event).collect()
    }

    /// When the first event happened that `is` describes, since the start.
    pub fn time_of(&self, id: Id, is: impl Fn(&Event) -> bool) -> Duration {
        let event = self.nodes[id].events.iter().find(|(_, event)| is(event));
        event.unwrap_or_else(|| panic!("no such event:\n{}", self.report())).0
    }

    /// How the connection of a client ended, which it has to have.
    pub fn closed(&self, id: Id) -> Closed {
        match self.nodes[id].events.last() {
            Some((_, Event::Closed(closed))) => closed.clone(),
            _ => panic!("client {id} is not closed:\n{}", self.report()),
        }
    }

    /// The close codes that a client put on its WebSocket.
    pub fn close_codes(&self, id: Id) -> Vec<CloseCode> {
        let close = |transmit: &Transmit| match transmit {
            Transmit::Close(code) => Some(*code),
            _ => None,
        };
        self.nodes[id].sent.iter().filter_map(close).collect()
    }

    /// What happened, for failing tests.
    pub fn report(&self) -> String {
        let mut text = format!("at {:?}\n", self.time());
        for (id, node) in self.nodes.iter().enumerate() {
            text += &format!("client {id}: {:?}\n", node.client.state());
            for (time, event) in &node.events {
                text += &format!("  {time:?} {event:?}\n");
            }
        }
        text
    }
}

impl Node {
    /// Whether the client takes `wire` from its socket now.
    fn reads(&self, wire: &Wire) -> bool {
        !matches!(wire, Wire::Message(_)) || self.client.wants_input()
    }

    fn arrived_up(&mut self, now: Instant) -> Option<Wire> {
        let arrived = self.up.front().is_some_and(|(at, _)| *at <= now);
        if arrived { self.up.pop_front().map(|(_, wire)| wire) } else { None }
    }

    fn arrived_down(&mut self, now: Instant) -> Option<Wire> {
        let first = self.down.front();
        let arrived = first.is_some_and(|(at, wire)| *at <= now && self.reads(wire));
        if arrived { self.down.pop_front().map(|(_, wire)| wire) } else { None }
    }

    fn take_events(&mut self, time: Duration) {
        while let Some(event) = self.client.poll_event() {
            self.events.push((time, event));
        }
    }

    /// Messages that are under way to the client.
    pub fn under_way(&self) -> usize {
        self.down.len()
    }
}
