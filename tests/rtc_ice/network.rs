//! Two agents and what is between them: NATs, servers, delay and loss, on a clock of its own.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use saltyrtc::crypto::OsRandom;
use saltyrtc::rtc::ice::{
    Agent, AgentConfig, IceState, LargestDatagram, Output, Path, Received, SocketId, StreamId,
};

use crate::turn_server::{Client, Sent, TurnServer, cut_message};

/// From one host to another one.
const LATENCY: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NatKind {
    /// One port outside for each port inside; lets in what comes from where something was sent to.
    PortRestricted,
    /// One port outside for each destination.
    Symmetric,
}

pub(crate) struct Nat {
    kind: NatKind,
    outside: IpAddr,
    next_port: u16,
    mappings: HashMap<(SocketAddr, Option<SocketAddr>), u16>,
    sent_to: HashSet<(u16, SocketAddr)>,
}

impl Nat {
    pub(crate) fn new(kind: NatKind, outside: &str) -> Self {
        Self {
            kind,
            outside: outside.parse().unwrap(),
            next_port: 20_000,
            mappings: HashMap::new(),
            sent_to: HashSet::new(),
        }
    }

    /// Its mappings end, and others will have other ports.
    pub(crate) fn forget(&mut self) {
        self.mappings.clear();
    }

    fn out(&mut self, from: SocketAddr, to: SocketAddr) -> SocketAddr {
        let key = (from, (self.kind == NatKind::Symmetric).then_some(to));
        let next_port = &mut self.next_port;
        let port = *self.mappings.entry(key).or_insert_with(|| {
            *next_port += 1;
            *next_port
        });
        self.sent_to.insert((port, to));
        SocketAddr::new(self.outside, port)
    }

    fn back(&self, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        let (key, _) = self.mappings.iter().find(|(_, port)| **port == to.port())?;
        self.sent_to.contains(&(to.port(), from)).then_some(key.0)
    }
}

pub(crate) struct Host {
    pub(crate) agent: Agent,
    pub(crate) nat: Option<Nat>,
    pub(crate) sockets: Vec<(SocketId, SocketAddr)>,
    /// What the agent has put out, in order.
    pub(crate) candidates: Vec<String>,
    pub(crate) ended: bool,
    pub(crate) states: Vec<(Instant, IceState)>,
    pub(crate) paths: Vec<Option<Path>>,
    pub(crate) restarts_advised: usize,
    pub(crate) largest: Vec<LargestDatagram>,
    pub(crate) received: Vec<Vec<u8>>,
    pub(crate) questions: Vec<(String, bool)>,
    pub(crate) problems: Vec<String>,
    pub(crate) connects: Vec<(StreamId, SocketAddr, Option<String>)>,
    pub(crate) disconnects: Vec<StreamId>,
    /// Candidates and the end of them that the peer has not got yet.
    pub(crate) unsent: VecDeque<Option<String>>,
    /// Connections that are open, by number, and what came over them to the server.
    streams: Vec<(StreamId, Vec<u8>)>,
    /// The link that its IPv6 address belongs to.
    scope: u32,
    /// Whether its packets get out.
    pub(crate) connected: bool,
}

enum Target {
    Host(usize, SocketAddr),
    Relay,
    Server(Client),
    Stream(usize, StreamId),
}

struct Packet {
    at: Instant,
    from: SocketAddr,
    to: SocketAddr,
    target: Option<Target>,
    data: Vec<u8>,
}

pub(crate) struct Network {
    pub(crate) now: Instant,
    pub(crate) hosts: Vec<Host>,
    pub(crate) server: TurnServer,
    /// Of a thousand packets, how many are lost.
    pub(crate) loss: u32,
    /// Addresses that nothing comes from or gets to.
    pub(crate) blocked: Vec<SocketAddr>,
    random: u64,
    flying: VecDeque<Packet>,
    /// Changes a byte of a packet that the server sends: the number of the packet, and of the byte.
    pub(crate) corrupt: Option<(usize, usize)>,
    server_packets: usize,
    /// The largest datagram that gets anywhere, in bytes of UDP payload.
    pub(crate) largest: usize,
    /// Datagrams that hosts have sent, and those of them that are STUN.
    pub(crate) datagrams: usize,
    pub(crate) checks: usize,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self {
            now: Instant::now(),
            hosts: Vec::new(),
            server: TurnServer::new("203.0.113.10:3478"),
            loss: 0,
            blocked: Vec::new(),
            random: 0x9e37_79b9_7f4a_7c15,
            flying: VecDeque::new(),
            corrupt: None,
            server_packets: 0,
            largest: 1472,
            datagrams: 0,
            checks: 0,
        }
    }

    /// Adds a host with one socket.
    pub(crate) fn add(&mut self, config: AgentConfig, address: &str, nat: Option<Nat>) -> usize {
        let mut agent = Agent::new(self.now, config, Box::new(OsRandom));
        let address: SocketAddr = address.parse().unwrap();
        agent.add_socket(self.now, SocketId(0), address).unwrap();
        let scope = match address {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(address) => address.scope_id(),
        };
        let address = SocketAddr::new(address.ip(), address.port());
        self.hosts.push(Host {
            agent,
            nat,
            sockets: vec![(SocketId(0), address)],
            candidates: Vec::new(),
            ended: false,
            states: Vec::new(),
            paths: Vec::new(),
            restarts_advised: 0,
            largest: Vec::new(),
            received: Vec::new(),
            questions: Vec::new(),
            problems: Vec::new(),
            connects: Vec::new(),
            disconnects: Vec::new(),
            unsent: VecDeque::new(),
            streams: Vec::new(),
            scope,
            connected: true,
        });
        self.hosts.len() - 1
    }

    fn lose(&mut self) -> bool {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % 1000 < u64::from(self.loss)
    }

    fn fly(&mut self, from: SocketAddr, to: SocketAddr, target: Option<Target>, data: Vec<u8>) {
        let at = self.now + LATENCY;
        self.flying.push_back(Packet { at, from, to, target, data });
    }

    /// Does all that the agents want now.
    pub(crate) fn drain(&mut self) {
        for index in 0..self.hosts.len() {
            while let Some(output) = self.hosts[index].agent.poll_output() {
                self.handle_output(index, output);
            }
        }
    }

    fn handle_output(&mut self, index: usize, output: Output) {
        let now = self.now;
        let host = &mut self.hosts[index];
        match output {
            Output::Transmit { socket, to, data } => {
                let from = host.sockets.iter().find(|(id, _)| *id == socket).unwrap().1;
                assert!(data.len() <= 1500);
                self.datagrams += 1;
                self.checks += usize::from(data[0] < 4);
                let to = check_scope(host.scope, to);
                self.send(index, from, to, data);
            }
            Output::StreamTransmit { stream, data } => {
                let number = host.streams.iter().position(|(id, _)| *id == stream).unwrap();
                host.streams[number].1.extend(data);
                while let Some(message) = cut_message(&mut self.hosts[index].streams[number].1) {
                    let client = Client::Stream(index * 1000 + number);
                    let to = self.server.address;
                    self.fly(to, to, Some(Target::Server(client)), message);
                }
            }
            Output::Connect { stream, to, tls_server_name, .. } => {
                host.connects.push((stream, to, tls_server_name));
            }
            Output::Disconnect { stream } => host.disconnects.push(stream),
            Output::Resolve { name, mdns } => host.questions.push((name, mdns)),
            Output::Data(data) => host.received.push(data),
            Output::Candidate(candidate) => {
                host.candidates.push(candidate.clone());
                host.unsent.push_back(Some(candidate));
            }
            Output::EndOfCandidates => {
                assert!(!host.ended);
                host.ended = true;
                host.unsent.push_back(None);
            }
            Output::State(state) => host.states.push((now, state)),
            Output::Path(path) => host.paths.push(path),
            Output::LargestDatagram(largest) => host.largest.push(largest),
            Output::RestartAdvised => host.restarts_advised += 1,
            Output::ServerFailed { problem, .. } => host.problems.push(problem),
        }
    }

    /// Sends a datagram of a host.
    pub(crate) fn send(&mut self, index: usize, from: SocketAddr, to: SocketAddr, data: Vec<u8>) {
        let blocked = [from, to].iter().any(|address| self.blocked.contains(address));
        if blocked || data.len() > self.largest || !self.hosts[index].connected || self.lose() {
            return;
        }
        let from = match &mut self.hosts[index].nat {
            Some(nat) => nat.out(from, to),
            None => from,
        };
        self.fly(from, to, None, data);
    }

    /// The other end of a connection says that it is open.
    pub(crate) fn accept(&mut self, index: usize, stream: StreamId) {
        let local = self.hosts[index].sockets[0].1;
        self.hosts[index].streams.push((stream, Vec::new()));
        self.hosts[index].agent.handle_connected(self.now, stream, local);
    }

    fn find(&self, from: SocketAddr, to: SocketAddr) -> Option<Target> {
        if to == self.server.address {
            return Some(Target::Server(Client::Udp(from)));
        }
        if self.server.owns(to) {
            return Some(Target::Relay);
        }
        for (index, host) in self.hosts.iter().enumerate() {
            let to = match &host.nat {
                Some(nat) if nat.outside == to.ip() => nat.back(from, to),
                Some(_) => None,
                None => Some(to),
            };
            if let Some(to) = to
                && host.sockets.iter().any(|(_, address)| *address == to)
            {
                return Some(Target::Host(index, to));
            }
        }
        None
    }

    fn deliver(&mut self, packet: Packet) {
        self.server.set_time(self.now);
        let target = packet.target.or_else(|| self.find(packet.from, packet.to));
        match target {
            None => {}
            Some(Target::Host(index, to)) => {
                let host = &mut self.hosts[index];
                if !host.connected {
                    return;
                }
                let socket = host.sockets.iter().find(|(_, address)| *address == to).unwrap().0;
                let received =
                    host.agent.handle_packet(self.now, socket, packet.from, &packet.data);
                if let Received::Data(range) = received {
                    host.received.push(packet.data[range].to_vec());
                }
            }
            Some(Target::Server(client)) => {
                for sent in quiet(|| self.server.handle_client(client, &packet.data)) {
                    self.send_of_server(sent);
                }
            }
            Some(Target::Relay) => {
                let sent = quiet(|| self.server.handle_peer(packet.to, packet.from, &packet.data));
                if let Some(sent) = sent {
                    self.send_of_server(sent);
                }
            }
            Some(Target::Stream(index, stream)) => {
                // In pieces, as connections have it.
                for piece in packet.data.chunks(7) {
                    self.hosts[index].agent.handle_stream(self.now, stream, piece);
                }
            }
        }
    }

    fn send_of_server(&mut self, mut sent: Sent) {
        let address = self.server.address;
        if let Sent::ToClient(_, data) = &mut sent {
            if let Some((packet, byte)) = self.corrupt
                && packet == self.server_packets
                && let Some(byte) = data.get_mut(byte)
            {
                *byte ^= 0x55;
            }
            self.server_packets += 1;
        }
        match sent {
            Sent::ToClient(Client::Udp(to), data) => {
                if !self.lose() {
                    self.fly(address, to, None, data);
                }
            }
            Sent::ToClient(Client::Stream(number), data) => {
                let (index, number) = (number / 1000, number % 1000);
                let stream = self.hosts[index].streams[number].0;
                self.fly(address, address, Some(Target::Stream(index, stream)), data);
            }
            Sent::ToPeer { relayed, to, data } => self.fly(relayed, to, None, data),
        }
    }

    /// Gives each host the credentials of the other one.
    pub(crate) fn exchange_credentials(&mut self) {
        let [a, b] = &mut self.hosts[..] else { panic!("two hosts") };
        a.agent.set_remote(self.now, b.agent.local_credentials().clone()).unwrap();
        b.agent.set_remote(self.now, a.agent.local_credentials().clone()).unwrap();
    }

    /// Gives each host the candidates of the other one that it has not got yet.
    pub(crate) fn exchange_candidates(&mut self) {
        for (from, to) in [(0, 1), (1, 0)] {
            while let Some(candidate) = self.hosts[from].unsent.pop_front() {
                let text = candidate.unwrap_or_default();
                self.hosts[to].agent.add_remote_candidate(self.now, &text).unwrap();
            }
        }
    }

    /// Lets time go on to the next thing that happens, at most until `end`. The candidates are trickled
    /// if `trickle`.
    fn step(&mut self, end: Instant, trickle: bool) {
        self.drain();
        if trickle {
            self.exchange_candidates();
            self.drain();
        }
        let timeouts = self.hosts.iter_mut().filter_map(|host| host.agent.poll_timeout());
        let next = timeouts.chain(self.flying.front().map(|packet| packet.at)).min();
        // An agent that wants to be called at once, for ever, would stop the clock.
        let next = next.map_or(end, |at| at.max(self.now + Duration::from_micros(100)));
        self.now = next.min(end);
        while self.flying.front().is_some_and(|packet| packet.at <= self.now) {
            let packet = self.flying.pop_front().unwrap();
            self.deliver(packet);
            self.drain();
        }
        for host in &mut self.hosts {
            if host.agent.poll_timeout().is_some_and(|at| at <= self.now) {
                host.agent.handle_timeout(self.now);
            }
        }
        self.drain();
    }

    pub(crate) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.step(end, true);
        }
    }

    pub(crate) fn run_without_trickling(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.step(end, false);
        }
    }

    /// Runs until something is the case; fails if it is not within a minute.
    pub(crate) fn run_until(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> Duration {
        let start = self.now;
        self.drain();
        while !done(self) {
            assert!(self.now - start < Duration::from_secs(60), "not within a minute: {what}");
            self.step(start + Duration::from_secs(60), true);
        }
        self.now - start
    }

    pub(crate) fn run_until_connected(&mut self) -> Duration {
        self.run_until("both are connected", |network| {
            network.hosts.iter().all(|host| host.agent.state() == IceState::Connected)
        })
    }

    pub(crate) fn state(&self, index: usize) -> IceState {
        self.hosts[index].agent.state()
    }

    /// Sends a packet of DTLS from each to the other one, and checks that it arrives.
    pub(crate) fn check_data(&mut self) {
        for (from, to) in [(0, 1), (1, 0)] {
            // All lengths modulo four; the first byte is that of DTLS application data.
            for length in 1..=9 {
                let data = vec![23; length];
                self.hosts[from].agent.send(self.now, &data).unwrap();
            }
            self.hosts[to].received.clear();
            self.run(Duration::from_millis(100));
            let lengths = self.hosts[to].received.iter().map(Vec::len);
            assert_eq!(lengths.collect::<Vec<_>>(), (1..=9).collect::<Vec<_>>());
        }
    }
}

/// Link-local addresses mean nothing without the link. Returns the address as others see it.
fn check_scope(scope: u32, to: SocketAddr) -> SocketAddr {
    if let SocketAddr::V6(to) = to {
        assert_eq!(to.scope_id(), if to.ip().is_unicast_link_local() { scope } else { 0 });
    }
    SocketAddr::new(to.ip(), to.port())
}

/// What the server of the tests logs is not what is looked for.
fn quiet<R>(call: impl FnOnce() -> R) -> R {
    tracing::dispatcher::with_default(&tracing::Dispatch::none(), call)
}
