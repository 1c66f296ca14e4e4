//! Every order in which the events of a handover can happen, between two clients that have met,
//! compared with the table in `handover.rs`. From inside, because a session without its handshake makes
//! this a hundred times faster.
//!
//! The orders are explored as a graph: what a client has become depends only on what it was given, in
//! which order, so two orders that differ only in which of the two clients was first meet in one state.

mod model;

use std::collections::{HashSet, VecDeque};
use std::sync::OnceLock;
use std::time::Instant;

use bytes::Bytes;
use model::{Model, Tag};

use super::server_messages::{AuthenticatedServer, seal};
use super::stage::Stage;
use super::*;
use crate::crypto::{KeyPair, OsRandom, SecretKey, SharedKey};
use crate::protocol::message::{Disconnected, Payload};
use crate::protocol::{Address, ChannelTransmit, CloseCode, NonceStreams, Task, Transmit};
use crate::task::webrtc::Options;
use crate::task::{Ortc, TaskEvent, WebRtc};

const A: usize = 0;
const B: usize = 1;

/// The task that runs. With ORTC one side is told to send messages as they are, the other to cut them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    WebRtc,
    Ortc,
}

impl Kind {
    fn task(self) -> Box<dyn Task<TaskEvent>> {
        let options = Options::default();
        match self {
            Self::WebRtc => Box::new(WebRtc::v1(options).unwrap()),
            Self::Ortc => Box::new(Ortc::new(options).unwrap()),
        }
    }

    fn max_message_size(self, side: usize) -> usize {
        if self == Self::Ortc && side == B { 1200 } else { 0 }
    }
}

/// What may happen in the runs of one exploration.
#[derive(Debug, Clone, Copy)]
struct Scenario {
    task: Kind,
    /// How many messages each side sends.
    messages: [u8; 2],
    /// Which sides hand over.
    hand_over: [bool; 2],
    /// Whether the end of the data channel is noticed at some time, by each side for itself.
    channel_dies: bool,
    /// Which WebSockets break.
    socket_dies: [bool; 2],
    /// Which sides close the connection.
    close: [bool; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Action {
    Send(usize),
    HandOver(usize),
    Close(usize),
    /// The next thing from the server arrives.
    Socket(usize),
    /// The next thing on the data channel arrives.
    Channel(usize),
    ChannelDies(usize),
    /// Nothing else happens until timers run out.
    TimePasses,
    /// The WebSocket of one side breaks, and that many of the last messages on it get lost.
    SocketDies(usize, usize),
}

#[derive(Debug, Clone)]
enum Wire {
    Peer(Bytes, Tag),
    /// 'disconnected'.
    Disconnected,
    /// The server's answer to a close frame.
    Closed(CloseCode),
    /// The data channel was closed properly.
    End,
}

impl Wire {
    fn tag(&self) -> (u8, Option<Tag>) {
        match self {
            Self::Peer(_, tag) => (0, Some(*tag)),
            Self::Disconnected => (1, None),
            Self::Closed(_) => (2, None),
            Self::End => (3, None),
        }
    }
}

/// One client, and what the table says about it.
struct Side {
    client: Client<TaskEvent>,
    server: NonceStreams,
    down: VecDeque<Wire>,
    channel: VecDeque<Wire>,
    /// The server has a connection to it.
    connected: bool,
    /// It has a socket.
    socket: bool,
    /// Its end of the data channel is not closed.
    channel_open: bool,
    history: Vec<Action>,
    sent: u8,
    refused: usize,
    got: Vec<u8>,
    handed_over: usize,
    left: usize,
    closed: Option<Closed>,
    close_codes: Vec<CloseCode>,
    model: Model,
}

struct Keys {
    pairs: [KeyPair; 2],
    session: SharedKey,
    server: SharedKey,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let pair = |n| KeyPair::from_secret(SecretKey::from_bytes(&[n; 32]));
        let key = |n| SharedKey::new(pair(n).public(), pair(n + 1).secret());
        Keys { pairs: [pair(1), pair(2)], session: key(3), server: key(5) }
    })
}

const ADDRESSES: [Address; 2] = [Address::INITIATOR, Address(2)];

impl Side {
    /// A client with a session.
    fn new(kind: Kind, side: usize) -> Self {
        let keys = keys();
        let peer = *keys.pairs[1 - side].public();
        let role = match side {
            A => RoleConfig::Initiator { responder: PeerAuth::Trusted(peer) },
            _ => RoleConfig::Responder { initiator: peer, token: None },
        };
        let mut task = kind.task();
        let data = task.data();
        task.start(role.role(), &data).unwrap();
        let config =
            ClientConfig { tasks: vec![task], ..ClientConfig::new(role, keys.pairs[side].clone()) };
        let mut client = Client::new(config, Box::new(OsRandom)).unwrap();
        client.signalling.stage = Stage::OnPath;
        let nonces = || NonceStreams::new(&mut OsRandom);
        let address = ADDRESSES[side];
        client.signalling.server =
            Some(AuthenticatedServer { nonces: nonces(), key: keys.server.clone(), address });
        client.signalling.begin_session(
            ADDRESSES[1 - side],
            nonces(),
            keys.session.clone(),
            peer,
            0,
        );
        Self {
            client,
            server: nonces(),
            down: VecDeque::new(),
            channel: VecDeque::new(),
            connected: true,
            socket: true,
            channel_open: true,
            history: Vec::new(),
            sent: 0,
            refused: 0,
            got: Vec::new(),
            handed_over: 0,
            left: 0,
            closed: None,
            close_codes: Vec::new(),
            model: Model::default(),
        }
    }

    fn did(&self, what: fn(&Action) -> bool) -> bool {
        self.history.iter().any(what)
    }
}

/// Two clients that have met, and can hand over to a data channel.
#[cfg(feature = "webrtc")]
pub(crate) fn met() -> [Client<TaskEvent>; 2] {
    [A, B].map(|side| Side::new(Kind::WebRtc, side).client)
}

struct World {
    scenario: Scenario,
    now: Instant,
    sides: [Side; 2],
    trail: Vec<Action>,
}

type Key = [(Past, Vec<(u8, Option<Tag>)>, Vec<(u8, Option<Tag>)>); 2];

/// What a client is because of.
#[derive(PartialEq, Eq, Hash)]
enum Past {
    Session(Vec<Action>),
    /// The session is over, so that the past counts only as far as it is looked at: messages (sent,
    /// refused, got), whether the peer left, whether all has ended, whether there is a socket, the
    /// server's connection, a channel, and whether the application has still to close.
    Over([usize; 3], [bool; 6]),
}

impl World {
    fn new(scenario: Scenario) -> Self {
        let sides = [A, B].map(|side| Side::new(scenario.task, side));
        Self { scenario, now: Instant::now(), sides, trail: Vec::new() }
    }

    /// Two worlds with the same key are the same.
    fn key(&self) -> Key {
        let queue = |queue: &VecDeque<Wire>| queue.iter().map(Wire::tag).collect();
        self.sides.each_ref().map(|side| (side.past(), queue(&side.down), queue(&side.channel)))
    }

    fn enabled(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        for x in [A, B] {
            let side = &self.sides[x];
            if !side.down.is_empty() {
                actions.push(Action::Socket(x));
            }
            if !side.channel.is_empty() {
                actions.push(Action::Channel(x));
            }
            let application = side.closed.is_none() && side.left == 0;
            if application && side.sent < self.scenario.messages[x] {
                actions.push(Action::Send(x));
            }
            let hand_over = self.scenario.hand_over[x] && side.channel_open;
            if application && hand_over && !side.did(|a| matches!(a, Action::HandOver(_))) {
                actions.push(Action::HandOver(x));
            }
            if self.scenario.close[x] && !side.did(|a| matches!(a, Action::Close(_))) {
                actions.push(Action::Close(x));
            }
            if self.scenario.channel_dies && side.channel_open {
                actions.push(Action::ChannelDies(x));
            }
            if self.scenario.socket_dies[x] && side.socket {
                let under_way = self.sides[1 - x].down.iter().rev();
                let lost = under_way.take_while(|wire| matches!(wire, Wire::Peer(..))).count();
                let lost = if side.connected { lost } else { 0 };
                actions.extend((0..=lost).map(|lost| Action::SocketDies(x, lost)));
            }
        }
        if actions.is_empty() && self.sides.iter().any(|s| s.client.poll_timeout().is_some()) {
            actions.push(Action::TimePasses);
        }
        actions
    }

    fn act(&mut self, action: Action) {
        self.trail.push(action);
        let now = self.now;
        let mut tag = Tag::Close(CloseCode::GoingAway);
        let x = match action {
            Action::Send(x) => {
                let side = &mut self.sides[x];
                tag = Tag::Application(side.sent);
                let result = side.client.send_application(Payload::from_bytes(&[side.sent]));
                assert_eq!(result.is_ok(), side.model.session(), "{:?}", self.trail);
                side.sent += 1;
                if result.is_err() {
                    side.refused += 1;
                }
                x
            }
            Action::HandOver(x) => {
                tag = Tag::Handover;
                let side = &mut self.sides[x];
                let result = side.client.hand_over(now, self.scenario.task.max_message_size(x));
                assert_eq!(result.is_ok(), side.model.session(), "{:?}", self.trail);
                side.model.own = side.model.own || result.is_ok();
                x
            }
            Action::Close(x) => {
                let side = &mut self.sides[x];
                side.client.close();
                side.model.ends(EndReason::Requested);
                x
            }
            Action::Socket(x) => {
                let side = &mut self.sides[x];
                match side.down.pop_front() {
                    Some(Wire::Peer(message, tag)) => {
                        side.client.handle_message(now, &message);
                        side.model.message(tag);
                    }
                    Some(Wire::Disconnected) => {
                        let nonce = side.server.next_nonce(Address::SERVER, ADDRESSES[x]).unwrap();
                        let plain = Disconnected { id: ADDRESSES[1 - x] }.serialise();
                        let message = seal(&nonce, &keys().server, &plain);
                        side.client.handle_message(now, &message);
                        side.model.disconnected();
                    }
                    Some(Wire::Closed(code)) => {
                        side.socket = false;
                        side.client.handle_socket_end(SocketEnd::CloseFrame(Some(code.code())));
                    }
                    Some(Wire::End) | None => unreachable!("only channels have this"),
                }
                x
            }
            Action::Channel(x) => {
                let side = &mut self.sides[x];
                match side.channel.pop_front() {
                    Some(Wire::Peer(message, tag)) => {
                        side.client.handle_channel_message(now, &message);
                        side.model.channel_message(tag);
                    }
                    Some(Wire::End) => self.channel_ends(x),
                    wire => unreachable!("not {wire:?} on a channel"),
                }
                x
            }
            Action::ChannelDies(x) => {
                self.sides[x].channel.clear();
                self.channel_ends(x);
                x
            }
            Action::TimePasses => return self.time_passes(),
            Action::SocketDies(x, lost) => {
                for _ in 0..lost {
                    self.sides[1 - x].down.pop_back();
                }
                self.disconnect(x);
                let side = &mut self.sides[x];
                side.down.clear();
                side.socket = false;
                side.client.handle_socket_end(SocketEnd::Lost("cut".into()));
                side.model.socket_end(EndReason::ConnectionLost("cut".into()));
                x
            }
        };
        self.sides[x].history.push(action);
        self.pump(x, tag);
        self.check();
    }

    fn channel_ends(&mut self, x: usize) {
        let side = &mut self.sides[x];
        side.channel_open = false;
        side.client.handle_channel_closed();
        side.model.channel_end();
    }

    /// The server has no connection to this side any more, and says so.
    fn disconnect(&mut self, x: usize) {
        if std::mem::take(&mut self.sides[x].connected) && self.sides[1 - x].connected {
            self.sides[1 - x].down.push_back(Wire::Disconnected);
        }
    }

    /// The application of this side closes its end of the data channel.
    fn close_channel(&mut self, x: usize) {
        if std::mem::take(&mut self.sides[x].channel_open) {
            self.sides[x].channel.clear();
            if self.sides[1 - x].channel_open {
                self.sides[1 - x].channel.push_back(Wire::End);
            }
        }
    }

    /// Does what the client wants done. `tag` is what it says, if it says something.
    fn pump(&mut self, x: usize, tag: Tag) {
        while let Some(transmit) = self.sides[x].client.poll_transmit() {
            match transmit {
                Transmit::Message(message) => {
                    let own = self.sides[x].model.own;
                    assert!(!own || tag == Tag::Handover, "not over the server: {:?}", self.trail);
                    let peer = &mut self.sides[1 - x];
                    if peer.connected {
                        peer.down.push_back(Wire::Peer(message, tag));
                    }
                }
                Transmit::Close(code) => {
                    self.sides[x].close_codes.push(code);
                    self.disconnect(x);
                    self.sides[x].down.push_back(Wire::Closed(code));
                }
                Transmit::Ping | Transmit::Pong => unreachable!("for servers"),
            }
        }
        while let Some(event) = self.sides[x].client.poll_event() {
            assert!(self.sides[x].closed.is_none(), "{event:?} after the last: {:?}", self.trail);
            match event {
                Event::Application(payload) => {
                    self.sides[x].got.push(payload.as_bytes().unwrap()[0]);
                }
                Event::SignallingChannel(transmit) => {
                    assert!(self.sides[x].model.own, "it is ours to use: {:?}", self.trail);
                    match transmit {
                        ChannelTransmit::Message(message) => {
                            let open = self.sides[x].channel_open && self.sides[1 - x].channel_open;
                            if open {
                                self.sides[1 - x].channel.push_back(Wire::Peer(message, tag));
                            }
                        }
                        ChannelTransmit::Close => self.close_channel(x),
                    }
                }
                Event::HandedOver => self.sides[x].handed_over += 1,
                Event::PeerLeft { .. } => {
                    self.sides[x].left += 1;
                    // It takes down its peer connection.
                    self.close_channel(x);
                }
                Event::Closed(closed) => {
                    self.sides[x].closed = Some(closed);
                    self.close_channel(x);
                }
                event => panic!("unexpected {event:?}: {:?}", self.trail),
            }
        }
    }

    /// Compares the clients with the table.
    #[track_caller]
    fn check(&self) {
        for (x, side) in self.sides.iter().enumerate() {
            let Side { model, client, .. } = side;
            let context = || format!("side {x} {model:?} after {:?}", self.trail);
            let state = match () {
                () if model.end.is_some() => ClientState::Closed,
                () if model.left => ClientState::WaitingForPeer,
                () => ClientState::Task,
            };
            assert_eq!(client.state(), state, "{}", context());
            assert_eq!(side.got, (0..model.got).collect::<Vec<u8>>(), "{}", context());
            assert_eq!(side.left, usize::from(model.left), "{}", context());
            if model.session() {
                assert_eq!(client.handed_over(), model.both(), "{}", context());
                let codes = if model.both() { &[CloseCode::Handover][..] } else { &[] };
                assert_eq!(side.close_codes, codes, "{}", context());
                assert_eq!(side.handed_over, usize::from(model.both()), "{}", context());
            }
            if let Some(closed) = &side.closed {
                assert_eq!(Some(&closed.reason), model.end.as_ref(), "{}", context());
            }
            assert!(side.handed_over <= 1 && side.close_codes.len() <= 1, "{}", context());
        }
    }

    /// Nothing is under way any more.
    fn time_passes(&mut self) {
        for x in [A, B] {
            let one_sided = |model: &Model| model.session() && model.own != model.peers;
            self.sides[x].history.push(Action::TimePasses);
            let deadline = self.sides[x].client.poll_timeout();
            assert_eq!(deadline.is_some(), one_sided(&self.sides[x].model), "{:?}", self.trail);
            if let Some(deadline) = deadline {
                assert_eq!(deadline, self.now + HANDOVER_TIMEOUT);
                self.sides[x].client.handle_timeout(deadline);
                self.sides[x].model.ends(EndReason::HandoverTimeout);
                self.pump(x, Tag::Close(CloseCode::Timeout));
                self.check();
            }
        }
    }

    /// The run is over: nothing will happen any more.
    fn judge(&self) {
        let context = || format!("{:?} after {:?}", self.scenario, self.trail);
        for x in [A, B] {
            let (side, peer) = (&self.sides[x], &self.sides[1 - x]);
            // An end was told, in full.
            assert_eq!(side.closed.is_some(), side.model.end.is_some(), "{}", context());
            // Only who was told of an end can have lost something.
            let told = |side: &Side| side.closed.is_some() || side.left > 0;
            let accepted = peer.client_accepted();
            if side.got.len() < accepted {
                assert!(told(peer), "side {x} lost something: {}", context());
            }
            // An end of one is not hidden from the other.
            if told(peer) {
                assert!(told(side), "side {x} waits for ever: {}", context());
            }
        }
    }
}

impl Side {
    fn past(&self) -> Past {
        if self.model.session() {
            return Past::Session(self.history.clone());
        }
        let closed = self.closed.is_some() || self.model.end.is_some();
        let messages = [self.sent.into(), self.refused, self.got.len()];
        let (socket, channel) = (self.socket, self.channel_open);
        let may_close = !self.did(|action| matches!(action, Action::Close(_)));
        let rest = [self.left > 0, closed, socket, self.connected, channel, may_close];
        Past::Over(messages, rest)
    }

    fn client_accepted(&self) -> usize {
        usize::from(self.sent) - self.refused
    }
}

/// Explores everything. Gives the number of states, and of ways on from them.
fn explore(scenario: Scenario) -> (usize, usize) {
    let mut seen = HashSet::new();
    let mut ways = 0;
    let mut scripts = vec![Vec::new()];
    while let Some(script) = scripts.pop() {
        let mut world = World::new(scenario);
        script.iter().for_each(|action| world.act(*action));
        while seen.insert(world.key()) {
            let actions = world.enabled();
            let Some((first, others)) = actions.split_first() else {
                world.judge();
                break;
            };
            ways += actions.len();
            for other in others {
                scripts.push([&world.trail[..], &[*other]].concat());
            }
            world.act(*first);
        }
    }
    (seen.len(), ways)
}

/// Explores all `scenarios`, of which there are `states` states and more, with each task.
#[track_caller]
fn explore_all(states: usize, scenarios: impl IntoIterator<Item = Scenario> + Clone) {
    for task in [Kind::WebRtc, Kind::Ortc] {
        let (mut seen, mut ways) = (0, 0);
        for scenario in scenarios.clone() {
            let (more_seen, more_ways) = explore(Scenario { task, ..scenario });
            (seen, ways) = (seen + more_seen, ways + more_ways);
        }
        assert!(seen >= states && ways >= seen, "only {seen} states and {ways} ways between them");
    }
}

const BOTH: [bool; 2] = [true, true];
const ONE: [[bool; 2]; 2] = [[true, false], [false, true]];
const HANDOVER: Scenario = Scenario {
    task: Kind::WebRtc,
    messages: [1, 1],
    hand_over: BOTH,
    channel_dies: false,
    socket_dies: [false, false],
    close: [false, false],
};
/// A message of one of the two sides.
const FEW: [[u8; 2]; 2] = [[1, 0], [0, 1]];

/// Covers W-022 W-029 W-030 W-031 W-032 W-033 W-034 W-035 W-056 W-087 W-088 W-090 W-092.
/// Covers O-029 O-039 O-040 O-041 O-025 O-042 O-043 O-044 O-045 O-062 O-121 O-122 O-125 O-126.
#[test]
fn every_order_in_which_both_hand_over() {
    explore_all(5000, [HANDOVER]);
    explore_all(4000, [[2, 0], [0, 2]].map(|messages| Scenario { messages, ..HANDOVER }));
    // Also over the data channel it is signalling.
    let [audited, vectorised] = crate::crypto::count::boxes();
    assert!(audited > 0 && vectorised == 0, "{audited} {vectorised}");
}

/// Covers W-036 W-087.
/// Covers O-046 O-121.
#[test]
fn every_order_in_which_one_or_none_hands_over() {
    let scenario = Scenario { messages: [2, 2], ..HANDOVER };
    explore_all(500, ONE.map(|hand_over| Scenario { hand_over, ..scenario }));
    let hand_over = [false, false];
    explore_all(100, [Scenario { hand_over, channel_dies: true, ..HANDOVER }]);
}

/// Covers W-031 W-036.
/// Covers O-041 O-025 O-046.
#[test]
fn every_order_in_which_the_channel_dies() {
    explore_all(2000, FEW.map(|messages| Scenario { messages, channel_dies: true, ..HANDOVER }));
    let scenario = Scenario { channel_dies: true, ..HANDOVER };
    explore_all(250, ONE.map(|hand_over| Scenario { hand_over, messages: [1, 0], ..scenario }));
}

#[test]
fn every_order_in_which_sockets_die() {
    for socket_dies in [ONE[0], ONE[1], BOTH] {
        let scenario = Scenario { socket_dies, ..HANDOVER };
        explore_all(1000, FEW.map(|messages| Scenario { messages, ..scenario }));
    }
}

#[test]
fn every_order_in_which_channel_and_sockets_die() {
    let scenario = Scenario { channel_dies: true, ..HANDOVER };
    let all = [ONE[0], ONE[1], BOTH].map(|socket_dies| Scenario { socket_dies, ..scenario });
    explore_all(500, all.map(|scenario| Scenario { messages: [0, 0], ..scenario }));
    explore_all(1500, [Scenario { messages: [1, 0], ..all[0] }]);
}

/// Covers W-095.
/// Covers O-129.
#[test]
fn every_order_in_which_clients_close() {
    for close in [ONE[0], ONE[1]] {
        let scenario = Scenario { close, ..HANDOVER };
        explore_all(1500, FEW.map(|messages| Scenario { messages, ..scenario }));
    }
    let scenario = Scenario { close: BOTH, messages: [0, 0], ..HANDOVER };
    explore_all(500, [ONE[0], BOTH].map(|socket_dies| Scenario { socket_dies, ..scenario }));
    explore_all(200, [Scenario { channel_dies: true, ..scenario }]);
}
