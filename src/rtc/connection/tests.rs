//! Two connections in one thread, over a network in memory with a virtual clock.

mod exchange;
mod narrow;
mod roles;

use std::time::Duration;

use super::super::association::{AssociationEvent, ChannelConfig, ChannelId, MessageKind};
use super::*;
use crate::task::ConnectionFailure;

/// One side: a connection and its sockets.
struct Side {
    connection: Connection,
    sockets: Vec<(SocketId, SocketAddr)>,
    /// For the other side, in order.
    candidates: Vec<Option<Candidate>>,
    states: Vec<ConnectionState>,
    problems: Vec<String>,
    association: Vec<AssociationEvent>,
}

type Filter = Box<dyn Fn(&[u8]) -> bool>;

struct Net {
    now: Instant,
    sides: [Side; 2],
    /// Whether candidates are brought to the other side.
    trickle: bool,
    /// Whether parameters are exchanged, and no SDP.
    ortc: bool,
    /// Which datagrams arrive.
    passes: Filter,
    /// Whether fragments arrive of those that do not.
    fragments: bool,
}

const SETUP_TIMEOUT: Duration = Duration::from_secs(120);

const A: usize = 0;
const B: usize = 1;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn side(now: Instant, offerer: bool, socket: &str) -> Side {
    let config = ConnectionConfig {
        ice_servers: Vec::new(),
        ice_policy: ice::Policy::All,
        offerer,
        dtls_role: None,
        max_message_size: 262_144,
        ice_timeouts: ice::Timeouts::default(),
        setup_timeout: SETUP_TIMEOUT,
    };
    let mut side = Side {
        connection: Connection::with_new_certificate(now, config).unwrap(),
        sockets: Vec::new(),
        candidates: Vec::new(),
        states: Vec::new(),
        problems: Vec::new(),
        association: Vec::new(),
    };
    side.add_socket(now, 0, socket);
    side
}

impl Side {
    fn add_socket(&mut self, now: Instant, id: u32, local: &str) {
        self.sockets.push((SocketId(id), address(local)));
        self.connection.add_socket(now, SocketId(id), address(local));
    }

    fn remove_socket(&mut self, now: Instant, id: u32) {
        self.sockets.retain(|(known, _)| *known != SocketId(id));
        self.connection.remove_socket(now, SocketId(id));
    }

    fn state(&self) -> &ConnectionState {
        self.connection.state()
    }

    /// What it wants to send: from, to, datagram.
    fn output(&mut self, now: Instant) -> Vec<(SocketAddr, SocketAddr, Vec<u8>)> {
        let mut packets = Vec::new();
        self.association.extend(std::iter::from_fn(|| self.connection.poll_association()));
        let of = |sockets: &[(SocketId, SocketAddr)], id: SocketId| {
            sockets.iter().find(|(known, _)| *known == id).map(|(_, address)| *address)
        };
        match self.connection.direct_path() {
            Some((socket, to)) => {
                let mut sent = 0;
                while let Some(datagram) = self.connection.poll_datagram() {
                    sent += datagram.len();
                    if let Some(from) = of(&self.sockets, socket) {
                        packets.push((from, to, datagram));
                    }
                }
                self.connection.count_sent(now, sent);
            }
            None => self.connection.send_relayed(now),
        }
        while let Some(event) = self.connection.poll_event() {
            match event {
                ConnectionOutput::State(state) => self.states.push(state),
                ConnectionOutput::Candidate(candidate) => self.candidates.push(candidate),
                ConnectionOutput::Problem(problem) => self.problems.push(problem.to_string()),
                ConnectionOutput::Io(Output::Transmit { socket, to, data }) => {
                    if let Some(from) = of(&self.sockets, socket) {
                        packets.push((from, to, data));
                    }
                }
                ConnectionOutput::Io(output) => {
                    panic!("there are no servers and no names: {output:?}")
                }
            }
        }
        packets
    }

    fn open(&mut self, now: Instant) -> ChannelId {
        let config = ChannelConfig { negotiated: Some(7), ..ChannelConfig::default() };
        self.connection.association().unwrap().open(now, config).unwrap()
    }

    fn send(&mut self, now: Instant, id: ChannelId, text: &'static str) {
        let association = self.connection.association().unwrap();
        association.send(now, id, MessageKind::Text, text.into()).unwrap();
    }

    fn received(&self, text: &str) -> bool {
        self.association.iter().any(|event| {
            matches!(event, AssociationEvent::Message { data, .. } if data == text.as_bytes())
        })
    }
}

impl Net {
    fn new() -> Self {
        let now = Instant::now();
        let sides = [side(now, true, "192.0.2.1:1000"), side(now, false, "192.0.2.2:2000")];
        Self {
            now,
            sides,
            trickle: true,
            ortc: false,
            passes: Box::new(|_| true),
            fragments: false,
        }
    }

    /// Brings everything to where it belongs until both have nothing more to say.
    fn settle(&mut self) {
        loop {
            let mut packets = Vec::new();
            for index in [A, B] {
                let side = &mut self.sides[index];
                let sent = side.output(self.now);
                let fragments = self.fragments && side.connection.may_fragment();
                packets.extend(sent.into_iter().filter(|it| fragments || (self.passes)(&it.2)));
            }
            let mut any = !packets.is_empty();
            for (from, to, datagram) in packets {
                for side in &mut self.sides {
                    if let Some((id, _)) = side.sockets.iter().find(|(_, local)| *local == to) {
                        side.connection.handle_datagram(self.now, *id, from, &datagram);
                    }
                }
            }
            for index in [A, B] {
                for candidate in std::mem::take(&mut self.sides[index].candidates) {
                    if self.trickle {
                        let other = &mut self.sides[1 - index].connection;
                        match self.ortc {
                            true => exchange::carry(self.now, candidate.as_ref(), other),
                            false => other.handle_candidate(self.now, candidate.as_ref()),
                        }
                        any = true;
                    }
                }
            }
            if !any {
                return;
            }
        }
    }

    /// Lets the time pass until `done`, or for `limit`.
    fn run(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            self.settle();
            if done(self) {
                return true;
            }
            let next =
                self.sides.iter_mut().filter_map(|side| side.connection.poll_timeout()).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return false;
            };
            // Time-outs of the past are done at once, but the clock has to go on.
            self.now = next.max(self.now + Duration::from_millis(1));
            for side in &mut self.sides {
                side.connection.handle_timeout(self.now);
            }
        }
    }

    fn negotiate(&mut self) {
        let offer = self.sides[A].connection.create_offer(self.now).unwrap();
        let answer = self.sides[B].connection.handle_offer(self.now, &offer).unwrap();
        self.sides[A].connection.handle_answer(self.now, &answer).unwrap();
    }

    fn both(&self, state: &ConnectionState) -> bool {
        self.sides.iter().all(|side| side.state() == state)
    }

    /// Connected, with a channel.
    fn connected() -> (Self, ChannelId) {
        let mut net = Self::new();
        net.negotiate();
        assert!(net.run(Duration::from_secs(5), |net| net.both(&ConnectionState::Connected)));
        let now = net.now;
        let id = net.sides[A].open(now);
        assert_eq!(net.sides[B].open(now), id);
        net.exchange(id, "first");
        (net, id)
    }

    /// A message each way.
    fn exchange(&mut self, id: ChannelId, text: &'static str) {
        let now = self.now;
        self.sides.iter_mut().for_each(|side| side.send(now, id, text));
        let arrived = self
            .run(Duration::from_secs(60), |net| net.sides.iter().all(|side| side.received(text)));
        assert!(arrived, "{text} did not arrive: {:?}", self.sides.each_ref().map(Side::state));
    }
}

#[test]
fn two_sides_connect_and_exchange_messages() {
    let (net, _) = Net::connected();
    for side in &net.sides {
        assert_eq!(side.states, [ConnectionState::Connecting, ConnectionState::Connected]);
        assert_eq!(side.problems, Vec::<String>::new());
        assert!(side.connection.ice_stats().bytes_sent > 0);
    }
}

/// The answer can be overtaken by the candidates.
#[test]
fn candidates_may_come_before_the_description() {
    let mut net = Net::new();
    let offer = net.sides[A].connection.create_offer(net.now).unwrap();
    net.sides[A].output(net.now);
    for candidate in std::mem::take(&mut net.sides[A].candidates) {
        net.sides[B].connection.handle_candidate(net.now, candidate.as_ref());
    }
    let answer = net.sides[B].connection.handle_offer(net.now, &offer).unwrap();
    net.sides[B].output(net.now);
    for candidate in std::mem::take(&mut net.sides[B].candidates) {
        net.sides[A].connection.handle_candidate(net.now, candidate.as_ref());
    }
    net.sides[A].connection.handle_answer(net.now, &answer).unwrap();
    assert!(net.run(Duration::from_secs(5), |net| net.both(&ConnectionState::Connected)));
}

#[test]
fn a_new_offer_restarts_ice_and_nothing_else() {
    let (mut net, id) = Net::connected();
    let credentials = |net: &Net| {
        net.sides
            .each_ref()
            .map(|side| side.connection.agent.local_credentials().ufrag().to_owned())
    };
    let before = credentials(&net);
    net.negotiate();
    let after = credentials(&net);
    assert!(before[A] != after[A] && before[B] != after[B]);
    net.exchange(id, "after the restart");
    for side in &net.sides {
        assert_eq!(side.states.last(), Some(&ConnectionState::Connected));
        assert!(
            !side.association.iter().any(|e| matches!(e, AssociationEvent::ChannelClosed { .. }))
        );
    }
}

/// The signalling may depend on the path: without any, a new address has to be enough.
#[test]
fn a_change_of_address_is_survived_without_signalling() {
    for moving in [A, B] {
        let (mut net, id) = Net::connected();
        net.trickle = false;
        let now = net.now;
        net.sides[moving].add_socket(now, 1, "198.51.100.1:3000");
        net.sides[moving].remove_socket(now, 0);
        net.exchange(id, "from another address");
        let time = net.now - now;
        assert!(time < Duration::from_secs(2), "{time:?}");
        assert!(net.run(Duration::from_secs(30), |net| net.both(&ConnectionState::Connected)));
        // And afterwards, with signalling again, by a restart.
        net.trickle = true;
        net.negotiate();
        net.exchange(id, "after the restart");
    }
}

#[test]
fn a_peer_that_falls_silent_is_noticed() {
    let (mut net, _) = Net::connected();
    net.sides[B].sockets.clear();
    let silent = |net: &Net| *net.sides[A].state() == ConnectionState::Disconnected;
    assert!(net.run(Duration::from_secs(10), silent));
    let lost = |net: &Net| *net.sides[A].state() == ConnectionState::Unreachable;
    assert!(net.run(Duration::from_secs(40), lost));
}

#[test]
fn only_one_offer_waits_for_an_answer() {
    let mut net = Net::new();
    let first = net.sides[A].connection.create_offer(net.now).unwrap();
    assert_eq!(net.sides[A].connection.create_offer(net.now), None);
    assert!(!net.sides[A].connection.take_restart(net.now), "not before the answer");
    let answer = net.sides[B].connection.handle_offer(net.now, &first).unwrap();
    assert_eq!(net.sides[B].connection.create_offer(net.now), None, "the other side makes them");
    net.sides[A].connection.handle_answer(net.now, &answer).unwrap();
    assert!(net.sides[A].connection.take_restart(net.now));
    assert!(!net.sides[A].connection.take_restart(net.now));
    let again = net.sides[A].connection.handle_answer(net.now, &answer);
    assert_eq!(again, Err(DescriptionError::Unexpected));
}

/// The application of a peer may never answer: then it is offered again when there is a reason to.
#[test]
fn an_offer_that_is_not_answered_does_not_block_for_ever() {
    let (mut net, id) = Net::connected();
    let offers = [0, 10, 30].map(|seconds| {
        net.run(Duration::from_secs(seconds), |_| false);
        net.sides[A].connection.want_restart();
        assert!(net.sides[A].connection.take_restart(net.now), "after {seconds} s");
        net.sides[A].connection.create_offer(net.now).unwrap()
    });
    net.exchange(id, "by the old path");
    let mut ufrags = offers.iter().map(|offer| offer.lines().find(|line| line.contains("ufrag")));
    let ufrag = ufrags.next().unwrap();
    assert!(ufrags.all(|other| other == ufrag), "an answer to one is an answer to all");

    // The peer has slept, and answers all of them.
    let answers =
        offers.map(|offer| net.sides[B].connection.handle_offer(net.now, &offer).unwrap());
    let [first, second, third] = answers;
    net.sides[A].connection.handle_answer(net.now, &first).unwrap();
    net.exchange(id, "by the new path");
    net.sides[A].connection.handle_answer(net.now, &second).unwrap();

    // One that comes later still is not taken for the answer to the next offer.
    let offer = net.sides[A].connection.create_offer(net.now).unwrap();
    net.sides[A].connection.handle_answer(net.now, &third).unwrap();
    assert_eq!(net.sides[A].connection.create_offer(net.now), None, "there is no answer yet");
    let answer = net.sides[B].connection.handle_offer(net.now, &offer).unwrap();
    net.sides[A].connection.handle_answer(net.now, &answer).unwrap();
    net.exchange(id, "by the newest path");
    let again = net.sides[A].connection.handle_answer(net.now, &answer);
    assert_eq!(again, Err(DescriptionError::Unexpected));
    assert!(net.sides.iter().all(|side| side.problems.is_empty()));
}

/// A peer that dies before it answers the offer of a restart is as dead as any other one.
#[test]
fn a_peer_that_dies_during_a_restart_is_noticed() {
    let (mut net, _) = Net::connected();
    net.sides[A].connection.create_offer(net.now).unwrap();
    net.sides[B].sockets.clear();
    let lost = |net: &Net| *net.sides[A].state() == ConnectionState::Unreachable;
    assert!(net.run(Duration::from_secs(31), lost));
}

/// The side that did not move learns from the path that it is time for a restart.
#[test]
fn a_peer_that_has_moved_is_a_reason_for_a_restart() {
    for moving in [A, B] {
        let (mut net, id) = Net::connected();
        net.run(Duration::from_secs(10), |_| false);
        assert!(!net.sides[A].connection.take_restart(net.now));
        net.trickle = false;
        let now = net.now;
        net.sides[moving].add_socket(now, 1, "198.51.100.1:3000");
        net.sides[moving].remove_socket(now, 0);
        net.run(Duration::from_secs(4), |_| false);
        assert!(net.both(&ConnectionState::Connected));
        assert_eq!(net.sides[A].connection.take_restart(net.now), moving == B);
        assert!(!net.sides[B].connection.take_restart(net.now), "it makes no offers");
        net.exchange(id, "from another address");
    }
}

/// An offer over the connection can arrive before the peer has a path again, which it needs for the answer.
#[test]
fn a_restart_keeps_the_way_to_a_peer_without_a_path() {
    let (mut net, id) = Net::connected();
    let now = net.now;
    let offer = net.sides[A].connection.create_offer(now).unwrap();
    net.sides[B].add_socket(now, 1, "198.51.100.1:3000");
    net.sides[B].remove_socket(now, 0);
    assert_eq!(net.sides[B].connection.direct_path(), None);
    let answer = net.sides[B].connection.handle_offer(now, &offer).unwrap();
    let answers = |net: &Net| net.sides[B].connection.direct_path().is_some();
    assert!(net.run(Duration::from_secs(5), answers), "the answer has no way");
    net.sides[A].connection.handle_answer(net.now, &answer).unwrap();
    net.exchange(id, "after the restart");
}

/// The side that names the path uses it at once, and the other one when it has heard of that.
#[test]
fn it_is_known_whether_the_peer_knows_the_path() {
    let (mut net, _) = Net::connected();
    assert!(net.run(Duration::from_secs(5), |net| net.sides[A].connection.peer_knows_path()));
    let now = net.now;
    net.sides[B].add_socket(now, 1, "198.51.100.1:3000");
    net.sides[B].remove_socket(now, 0);
    let new = |net: &Net| {
        let path = net.sides[A].connection.direct_path();
        path.is_some_and(|(_, to)| to == address("198.51.100.1:3000"))
    };
    assert!(net.run(Duration::from_secs(5), new));
    assert!(!net.sides[A].connection.peer_knows_path());
    assert_eq!(net.sides[B].connection.direct_path(), None, "nobody has told");
    assert!(net.run(Duration::from_secs(5), |net| net.sides[A].connection.peer_knows_path()));
    assert!(net.sides[B].connection.direct_path().is_some());
}

#[test]
fn descriptions_that_contradict_are_refused_and_change_nothing() {
    let (mut net, id) = Net::connected();
    let offer = net.sides[A].connection.create_offer(net.now).unwrap();
    let other = Certificate::generate().unwrap().fingerprint().to_string();
    let ours = net.sides[A].connection.certificate.fingerprint().to_string();
    let cases = [
        (offer.replace(&ours, &other), DescriptionError::OtherAssociation),
        (offer.replace("sctp-port:5000", "sctp-port:5001"), DescriptionError::OtherAssociation),
        (offer.replace("setup:actpass", "setup:active"), DescriptionError::Setup),
        (offer.replace(&ours, "sha-1 AA:BB"), DescriptionError::Fingerprint),
    ];
    for (sdp, expected) in cases {
        assert_eq!(net.sides[B].connection.handle_offer(net.now, &sdp), Err(expected));
    }
    assert!(matches!(
        net.sides[B].connection.handle_offer(net.now, "v=1"),
        Err(DescriptionError::Sdp(_))
    ));
    let answer = net.sides[B].connection.handle_offer(net.now, &offer).unwrap();
    let wrong = answer.replace("setup:active", "setup:actpass");
    let refused = net.sides[A].connection.handle_answer(net.now, &wrong);
    assert_eq!(refused, Err(DescriptionError::Setup));
    net.sides[A].connection.handle_answer(net.now, &answer).unwrap();
    net.exchange(id, "still there");
}

/// Whoever answers with another certificate than the one that was announced is not the peer.
#[test]
fn another_certificate_than_the_announced_one_fails() {
    let mut net = Net::new();
    let offer = net.sides[A].connection.create_offer(net.now).unwrap();
    let ours = net.sides[A].connection.certificate.fingerprint().to_string();
    let other = Certificate::generate().unwrap().fingerprint().to_string();
    let offer = offer.replace(&ours, &other);
    let answer = net.sides[B].connection.handle_offer(net.now, &offer).unwrap();
    net.sides[A].connection.handle_answer(net.now, &answer).unwrap();
    let failed = |net: &Net| matches!(net.sides[B].state(), ConnectionState::Failed(_));
    assert!(net.run(Duration::from_secs(60), failed));
    assert!(!net.sides[B].states.contains(&ConnectionState::Connected));
}

/// The first byte of what is DTLS (RFC 7983).
fn is_dtls(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(20..=63))
}

/// Both sides learn in the same time that nothing will come of it, whatever does not get through.
#[test]
fn both_sides_give_up_in_time() {
    let cases: [(Filter, ConnectionState); 3] = [
        (Box::new(|_| false), ConnectionState::Unreachable),
        (Box::new(|datagram| !is_dtls(datagram)), ConnectionState::Connecting),
        // Of DTLS the handshake.
        (Box::new(|it| !is_dtls(it) || it[0] == 22), ConnectionState::Connecting),
    ];
    let failed = ConnectionState::Failed(ConnectionFailure::NoAnswer);
    for (passes, before) in cases {
        let mut net = Net::new();
        net.passes = passes;
        net.negotiate();
        let second = Duration::from_secs(1);
        net.run(SETUP_TIMEOUT - second, |_| false);
        assert!(net.both(&before), "{:?}", net.sides.each_ref().map(Side::state));
        net.run(second, |_| false);
        assert!(net.both(&failed), "{:?}", net.sides.each_ref().map(Side::state));
        let now = net.now;
        assert!(net.sides.iter_mut().all(|side| side.connection.poll_timeout().is_none()));
        assert_eq!(net.sides[A].connection.create_offer(now), None);
    }
}

#[test]
fn a_side_without_an_answer_gives_up_in_time() {
    let mut net = Net::new();
    net.sides[A].connection.create_offer(net.now).unwrap();
    net.run(SETUP_TIMEOUT, |_| false);
    let failed = ConnectionState::Failed(ConnectionFailure::NoAnswer);
    assert_eq!(*net.sides[A].state(), failed);
}

/// Once it was connected, there is no time limit but that of ICE.
#[test]
fn the_time_limit_is_for_the_beginning() {
    let (mut net, id) = Net::connected();
    net.run(2 * SETUP_TIMEOUT, |_| false);
    net.exchange(id, "still there");
}

#[test]
fn hostile_candidates_do_no_harm() {
    let mut net = Net::new();
    net.negotiate();
    let long = "x".repeat(100_000);
    for text in
        ["candidate:", "nonsense", "\0", "candidate:1 1 UDP 99999999999 1.2.3 0 typ host", &long]
    {
        let candidate = Candidate { candidate: text.into(), ..Candidate::default() };
        net.sides[A].connection.handle_candidate(net.now, Some(&candidate));
    }
    let other = Candidate {
        candidate: "candidate:1 1 UDP 1 192.0.2.9 9 typ host".into(),
        sdp_mid: Some("another section".into()),
        ..Candidate::default()
    };
    net.sides[A].connection.handle_candidate(net.now, Some(&other));
    assert!(net.run(Duration::from_secs(5), |net| net.both(&ConnectionState::Connected)));
    assert!(!net.sides[A].problems.is_empty());
    assert!(net.sides[A].problems.iter().all(|text| text.len() < 200));
}

/// Its shutdown crosses the good-bye of a peer that takes no part in it any more.
#[test]
fn a_side_that_shuts_down_does_not_wait_for_one_that_is_gone() {
    let (mut net, _) = Net::connected();
    let now = net.now;
    net.sides[A].connection.association().unwrap().shutdown(now);
    net.sides[B].connection.association().unwrap().abort(now);
    let ended = |net: &Net| *net.sides[A].state() == ConnectionState::Closed;
    assert!(net.run(Duration::from_millis(100), ended), "{:?}", net.sides[A].states);
}
