//! An ICE agent between a peer and servers that know all passwords, and do what an input says.

mod stun;
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../../tests/rtc_ice/turn_server.rs"]
mod turn_server;

use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use saltyrtc::rtc::ice::{
    Agent, AgentConfig, Credentials, IceState, LEAST_DATAGRAM, LargestDatagram, Output, Path,
    Received, Server, SocketId, StreamId,
};

use crate::input::{Action, Input};
use crate::keys::Counter;
use stun::Check;
use turn_server::{Client, PASSWORD, Sent, TurnServer, USER, cut_message};

const SOCKET: SocketId = SocketId(0);
const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 1000);
const SERVER: &str = "203.0.113.9:3478";
/// Checks of the agent and packets of the server that wait, at most.
const WAITING: usize = 64;
/// Packets that the agent may send for one that it gets, unless timers were due.
const MOST_ANSWERS: usize = 8;
/// What is not authenticated at the end of a check and of an answer.
const FINGERPRINT_BYTES: usize = 8;
/// Timers of an agent without a peer until it has given up, at most.
const TIMERS: usize = 20_000;

/// The agent and its world.
pub struct Scene {
    mark: fn(&str),
    now: Instant,
    agent: Agent,
    theirs: Credentials,
    /// How often the peer has restarted.
    restarts: u8,
    server: TurnServer,
    /// What the server has sent: to the socket, or over the connection.
    flying: VecDeque<(Option<StreamId>, Vec<u8>)>,
    /// Checks of the agent: where they went, from the socket or through the server.
    checks: Vec<(SocketAddr, Option<SocketAddr>, Vec<u8>)>,
    streams: Vec<(StreamId, Vec<u8>)>,
    /// Addresses of the peer that it has shown to be at: with a check, or with an answer.
    proved: HashSet<SocketAddr>,
    answered: HashSet<SocketAddr>,
    candidates: usize,
    number: u64,
    /// Datagrams and messages that the agent has sent since something was put in.
    sent: usize,
    socket: bool,
}

fn credentials(restarts: u8) -> Credentials {
    Credentials::new(&format!("peer{restarts}"), &"p".repeat(22 + usize::from(restarts % 8)))
        .expect("good ones")
}

/// The address of the peer with this number.
fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 1 + number % 4], 2000 + u16::from(number % 3)))
}

/// An address that the TURN server may have given to the agent.
fn relayed(number: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 9], 50_000 + u16::from(number >> 6 & 1)))
}

impl Scene {
    /// An agent with a socket. The first byte of the input says what kind.
    pub fn new(input: &mut Input<'_>, mark: fn(&str)) -> Self {
        let kind = input.byte();
        let now = Instant::now();
        let urls = ["turn:203.0.113.9", "turn:turn.example.org?transport=tcp", "stun:203.0.113.9"];
        let chosen = urls.into_iter().enumerate().filter(|(n, _)| kind >> n & 1 != 0);
        let servers = chosen.filter_map(|(_, url)| {
            Server::new(url, USER, PASSWORD).or_else(|_| Server::new(url, "", "")).ok()
        });
        let config = AgentConfig {
            servers: servers.collect(),
            controlling: kind & 8 != 0,
            ..AgentConfig::default()
        };
        let mut agent = Agent::new(now, config, Box::new(Counter(0)));
        agent.add_socket(now, SOCKET, LOCAL).expect("a good address");
        agent.gather(now);
        let mut scene = Self {
            mark,
            now,
            agent,
            theirs: credentials(0),
            restarts: 0,
            server: TurnServer::new(SERVER),
            flying: VecDeque::new(),
            checks: Vec::new(),
            streams: Vec::new(),
            proved: HashSet::new(),
            answered: HashSet::new(),
            candidates: 0,
            number: 0,
            sent: 0,
            socket: true,
        };
        if kind & 16 == 0 {
            let _ = scene.agent.set_remote(now, scene.theirs.clone());
        }
        scene.drain();
        scene
    }

    fn drain(&mut self) {
        self.sent = 0;
        let mut outputs = 0;
        while let Some(output) = self.agent.poll_output() {
            outputs += 1;
            assert!(outputs < 2000, "outputs without end");
            self.output(output);
        }
        let _ = (self.agent.poll_timeout(), self.agent.stats());
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Transmit { socket, to, data } => {
                assert!(socket == SOCKET && self.socket && data.len() <= 1500);
                self.sent += 1;
                if to == self.server.address {
                    return self.serve(Client::Udp(LOCAL), None, &data);
                }
                self.remember_check(to, None, data);
            }
            Output::StreamTransmit { stream, data } => {
                self.sent += 1;
                let known = self.streams.iter_mut().find(|(id, _)| *id == stream);
                let (_, bytes) = known.expect("a connection that was asked for");
                bytes.extend(data);
                let mut messages = Vec::new();
                while let Some(message) = cut_message(bytes) {
                    messages.push(message);
                }
                for message in messages {
                    self.serve(Client::Stream(stream.0 as usize), Some(stream), &message);
                }
            }
            Output::Connect { stream, .. } => {
                assert!(self.streams.iter().all(|(id, _)| *id != stream), "never twice");
                self.streams.push((stream, Vec::new()));
            }
            Output::Disconnect { .. } | Output::Resolve { .. } | Output::EndOfCandidates => {}
            Output::Data(_) => (self.mark)("data over a connection"),
            Output::Candidate(line) => {
                self.candidates += 1;
                assert!(line.contains("candidate:"));
            }
            Output::State(state) => self.state(state),
            Output::Path(Some(Path::Direct { socket, to })) => {
                assert!(socket == SOCKET && self.answered.contains(&to), "nobody answered at {to}");
                (self.mark)("direct path");
            }
            Output::Path(Some(Path::Relayed)) => (self.mark)("relayed path"),
            Output::Path(None) => (self.mark)("path lost"),
            Output::RestartAdvised => (self.mark)("restart advised"),
            Output::LargestDatagram(LargestDatagram::Known(size)) => {
                assert!((LEAST_DATAGRAM..=1200).contains(&size));
            }
            Output::LargestDatagram(LargestDatagram::Unknown) => {}
            Output::ServerFailed { problem, .. } => {
                assert!(!problem.is_empty());
                (self.mark)("server failed");
            }
        }
    }

    fn state(&self, state: IceState) {
        match state {
            IceState::Connected => {
                assert!(!self.answered.is_empty(), "nobody has answered");
                (self.mark)("connected");
            }
            IceState::Disconnected => (self.mark)("disconnected"),
            IceState::Failed => (self.mark)("failed"),
            IceState::New | IceState::Checking => {}
        }
    }

    fn remember_check(&mut self, to: SocketAddr, relayed: Option<SocketAddr>, data: Vec<u8>) {
        if stun::is_check(&data) {
            if self.checks.len() == WAITING {
                self.checks.remove(0);
            }
            self.checks.push((to, relayed, data));
        }
    }

    /// The TURN server gets a message, which is always a good one.
    fn serve(&mut self, client: Client, stream: Option<StreamId>, message: &[u8]) {
        self.server.set_time(self.now);
        for sent in self.server.handle_client(client, message) {
            match sent {
                Sent::ToClient(_, data) => self.flying.push_back((stream, data)),
                Sent::ToPeer { relayed, to, data } => self.remember_check(to, Some(relayed), data),
            }
        }
        self.flying.truncate(WAITING);
    }

    /// A packet gets to the agent: at its socket, or at the address that it has at the server.
    fn receive(&mut self, from: SocketAddr, relayed: Option<SocketAddr>, packet: &[u8]) {
        if let Some(relayed) = relayed {
            let sent = self.server.handle_peer(relayed, from, packet);
            if let Some(Sent::ToClient(client, data)) = sent {
                let stream = match client {
                    Client::Udp(_) => None,
                    Client::Stream(number) => Some(StreamId(number as u32)),
                };
                self.hand_over(stream, &data);
            }
            return;
        }
        // What is due has nothing to do with the packet.
        self.agent.handle_timeout(self.now);
        self.drain();
        let received = self.agent.handle_packet(self.now, SOCKET, from, packet);
        if let Received::Data(range) = received {
            assert!(packet.get(range).is_some());
            assert!(
                self.proved.contains(&from) || from == self.server.address,
                "{from} is unknown"
            );
            (self.mark)("data");
        }
        self.drain();
        assert!(self.sent <= MOST_ANSWERS, "{} packets for one", self.sent);
    }

    /// Something of the server gets to the agent.
    fn hand_over(&mut self, stream: Option<StreamId>, data: &[u8]) {
        match stream {
            None => {
                let received =
                    self.agent.handle_packet(self.now, SOCKET, self.server.address, data);
                if let Received::Data(range) = received {
                    assert!(data.get(range).is_some());
                    (self.mark)("relayed data");
                }
            }
            Some(stream) => {
                for piece in data.chunks(7) {
                    self.agent.handle_stream(self.now, stream, piece);
                }
            }
        }
        self.drain();
    }

    /// The peer answers one of the checks of the agent.
    fn answer(&mut self, number: u8, variant: u8, flaw: &[u8]) {
        if self.checks.is_empty() {
            return;
        }
        let at = self.checks.len() - 1 - usize::from(number) % self.checks.len();
        let (to, relayed, check) = self.checks[at].clone();
        let seen = match (relayed, variant) {
            (_, 1) => SocketAddr::from(([203, 0, 113, number], 77)),
            (Some(relayed), _) => relayed,
            (None, _) => LOCAL,
        };
        let mut packet = stun::answer(&check, seen, &self.theirs, variant == 2);
        let good = change(&mut packet, flaw);
        let from = if variant == 3 { address(number) } else { to };
        if good && variant != 2 && from == to {
            self.answered.insert(from);
            self.proved.insert(from);
        }
        self.receive(from, relayed, &packet);
    }

    /// The peer checks.
    fn check(&mut self, number: u8, variant: u8, flaw: &[u8]) {
        self.number += 1;
        let controlling = self.agent.is_controlling() == (variant & 4 != 0);
        let check = Check {
            controlling,
            nominates: variant & 1 != 0 && controlling,
            tie_breaker: if variant & 8 != 0 { 0xff } else { 1 },
            number: self.number,
        };
        let mut packet = check.packet(self.agent.local_credentials(), &self.theirs);
        let from = address(number);
        if change(&mut packet, flaw) {
            self.proved.insert(from);
        }
        self.receive(from, (variant & 2 != 0).then_some(relayed(number)), &packet);
    }

    fn candidate(&mut self, number: u8, variant: u8, data: &[u8]) {
        let text = String::from_utf8_lossy(data);
        let address = address(number);
        let (ip, port) = (address.ip(), address.port());
        let line = match variant {
            0 => format!("candidate:1 1 udp 2130706431 {ip} {port} typ host"),
            1 => {
                format!("candidate:2 1 udp 1677729535 {ip} {port} typ relay raddr 0.0.0.0 rport 0")
            }
            2 => format!("candidate:3 1 udp 2130706431 {number}.local {port} typ host"),
            3 => format!("candidate:1 1 udp {text}"),
            _ => text.into_owned(),
        };
        let _ = self.agent.add_remote_candidate(self.now, &line);
    }

    /// The server behaves otherwise from now on.
    fn change_server(&mut self, number: u8, variant: u8) {
        let server = &mut self.server;
        match variant {
            0 => server.forget(),
            1 => server.stale_nonce = true,
            2 => server.refuse = [None, Some(486), Some(403), Some(300)][usize::from(number & 3)],
            3 => server.refuse_refresh = [None, Some(437)][usize::from(number & 1)],
            _ => server.max_lifetime = u32::from(number) * 10,
        }
    }

    fn stream(&mut self, number: u8, variant: u8, data: &[u8]) {
        let Some((stream, _)) = self.streams.get(usize::from(number)) else { return };
        match variant {
            0 => self.agent.handle_connected(self.now, *stream, LOCAL),
            1 => self.agent.handle_closed(self.now, *stream, None),
            _ => self.agent.handle_stream(self.now, *stream, data),
        }
    }

    fn restart(&mut self, variant: u8) {
        if variant & 1 == 0 {
            (self.mark)(match self.agent.state() {
                IceState::Connected => "restart while connected",
                _ => "restart",
            });
            self.agent.restart(self.now);
            self.drain();
        }
        if variant & 2 == 0 {
            self.restarts = self.restarts.wrapping_add(1);
            self.theirs = credentials(self.restarts);
        }
        if variant & 4 == 0 {
            let _ = self.agent.set_remote(self.now, self.theirs.clone());
        }
    }

    fn wait(&mut self, time: Option<Duration>) {
        let due = self.agent.poll_timeout();
        self.now = match time {
            Some(time) => self.now + time,
            None => due.unwrap_or(self.now).max(self.now),
        };
        self.agent.handle_timeout(self.now);
        self.drain();
    }

    /// One thing that happens.
    pub fn act(&mut self, action: Action<'_>) {
        let Action { what, number, data } = action;
        let variant = what >> 4;
        match what & 15 {
            0 | 1 => self.answer(number, variant, data),
            2 | 3 => self.check(number, variant, data),
            4 => self.candidate(number, variant, data),
            5 => {
                if let Some((stream, packet)) = self.flying.pop_front() {
                    let mut packet = packet;
                    change(&mut packet, data);
                    self.hand_over(stream, &packet);
                }
            }
            6 => _ = self.flying.pop_front(),
            7 => {
                let ip = address(number).ip();
                let server = self.server.address.ip();
                self.agent.handle_resolved(self.now, "turn.example.org", &[server]);
                self.agent.handle_resolved(self.now, &format!("{number}.local"), &[ip]);
                self.agent.handle_resolved(self.now, &String::from_utf8_lossy(data), &[ip]);
            }
            8 => self.stream(number, variant, data),
            9 if variant == 0 => self.wait(None),
            9 => self.wait(Some(Duration::from_millis(u64::from(number) * 50))),
            10 => self.restart(variant),
            11 => {
                let relayed = (number & 128 != 0).then_some(relayed(number));
                self.receive(address(number), relayed, &[&[22 + variant], data].concat());
            }
            12 => {
                let _ = self.agent.send(self.now, &[&[22], data].concat());
            }
            13 => self.raw(number, variant, data),
            14 => self.change_server(number, variant),
            _ if variant == 0 => {
                self.agent.remove_socket(self.now, SOCKET);
                self.socket = false;
            }
            _ => {
                let _ = self.agent.add_socket(self.now, SOCKET, LOCAL);
                self.socket = true;
            }
        }
        self.drain();
    }

    /// Any packet, or one with a header of STUN that fits.
    fn raw(&mut self, number: u8, variant: u8, data: &[u8]) {
        let from = if number & 128 != 0 { self.server.address } else { address(number) };
        if variant == 0 {
            return self.receive(from, None, data);
        }
        let data = &data[..data.len() & !3];
        let mut packet = vec![variant & 1, 1, 0, data.len() as u8, 0x21, 0x12, 0xa4, 0x42];
        packet.extend([number; 12]);
        packet.extend(data);
        self.receive(from, None, &packet);
    }

    /// The peer is gone: the agent gives up in the end, and says nothing once it is closed.
    pub fn end(mut self) {
        let (mut timers, mut idle) = (0, 0);
        while self.agent.state() != IceState::Failed
            && self.agent.remote_credentials().is_some()
            && self.agent.poll_timeout().is_some()
        {
            let before = self.now;
            self.wait(None);
            idle = if self.now == before { idle + 1 } else { 0 };
            assert!(idle < 5, "a timer that is due for ever");
            timers += 1;
            assert!(timers < TIMERS, "it never gives up");
        }
        self.agent.close(self.now);
        while self.agent.poll_output().is_some() {}
        self.agent.handle_timeout(self.now + Duration::from_secs(1));
        let packet = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[0; 12]].concat();
        self.agent.handle_packet(self.now, SOCKET, address(0), &packet);
        assert_eq!((self.agent.poll_output(), self.agent.poll_timeout()), (None, None));
    }
}

/// Changes bytes of a packet, or cuts it. Whether it is as it was, but for what comes behind its integrity.
fn change(packet: &mut Vec<u8>, flaw: &[u8]) -> bool {
    let before = packet.clone();
    for change in flaw.chunks_exact(2) {
        let index = usize::from(change[0]) % packet.len().max(1);
        match packet.get_mut(index) {
            Some(_) if change[1] == 0 => packet.truncate(index),
            Some(byte) => *byte ^= change[1],
            None => {}
        }
    }
    packet.starts_with(&before[..before.len().saturating_sub(FINGERPRINT_BYTES)])
}
