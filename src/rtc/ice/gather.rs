//! Candidates from servers: which are asked, and what came of it.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::net::{can_reach, normalise, with_scope};
use super::relay::{Carrier, Relay, RelayOutput, RelayState};
use super::server::Host;
use super::server_reflexive::{Outcome, Query};
use super::{
    MAX_SERVERS, Output, Policy, RelayProtocol, Server, ServerTransport, SocketId, StreamId,
};
use crate::crypto::RandomSource;

/// Allocations at one time: each socket of this host may want one on each server.
const MAX_RELAYS: usize = 16;

/// Allocations on one server over UDP at a time, and how many sockets try to get one: with many addresses of
/// this host most of them are of no use.
const MAX_RELAYS_OF_SERVER: usize = 4;
const MAX_TRIES_OF_SERVER: usize = 8;

/// Addresses of one server that are tried.
const MAX_ADDRESSES: usize = 8;

/// Stands for the address of a server that only a proxy knows: nothing is ever sent to it (RFC 7600 section 4.8).
const NOWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 8);

/// A socket of the driver.
#[derive(Debug, Clone, Copy)]
pub(super) struct Socket {
    pub(super) id: SocketId,
    /// As the driver gave it, with the scope.
    pub(super) bound: SocketAddr,
    /// As candidates have it.
    pub(super) address: SocketAddr,
}

/// A candidate that a server has led to.
pub(super) enum Gathered {
    ServerReflexive {
        base: SocketAddr,
        address: SocketAddr,
    },
    Relayed {
        local: SocketAddr,
        address: SocketAddr,
    },
    /// The TURN server takes it back.
    RelayLost {
        local: SocketAddr,
        address: SocketAddr,
    },
}

pub(super) struct Gatherer {
    servers: Vec<KnownServer>,
    policy: Policy,
    queries: Vec<Query>,
    pub(super) relays: Vec<Relay>,
    next_stream: u32,
    started: bool,
}

struct KnownServer {
    server: Server,
    lookup: Lookup,
    /// How many of its addresses have been tried with a connection.
    tried: usize,
}

enum Lookup {
    Needed,
    Asked,
    Done(Vec<IpAddr>),
}

impl Gatherer {
    pub(super) fn new(servers: Vec<Server>, policy: Policy) -> Self {
        let servers = servers.into_iter().take(MAX_SERVERS).map(|server| {
            let lookup = match server.host() {
                Host::Ip(ip) => Lookup::Done(vec![*ip]),
                Host::Name(_) if server.is_by_name() => Lookup::Done(vec![NOWHERE.into()]),
                Host::Name(_) => Lookup::Needed,
            };
            KnownServer { server, lookup, tried: 0 }
        });
        Self {
            servers: servers.collect(),
            policy,
            queries: Vec::new(),
            relays: Vec::new(),
            next_stream: 0,
            started: false,
        }
    }

    pub(super) fn has_started(&self) -> bool {
        self.started
    }

    /// Whether there may be more to come.
    pub(super) fn is_pending(&self) -> bool {
        !self.started
            || self.servers.iter().any(|server| matches!(server.lookup, Lookup::Asked))
            || self.queries.iter().any(|query| query.outcome() == Outcome::Pending)
            || self.relays.iter().any(|relay| {
                matches!(relay.state(), RelayState::Connecting | RelayState::Allocating)
            })
    }

    /// Asks the servers, again those that have not given an address, or may give another one by now.
    pub(super) fn start(
        &mut self,
        now: Instant,
        sockets: &[Socket],
        random: &mut dyn RandomSource,
        output: &mut VecDeque<Output>,
    ) {
        self.started = true;
        self.relays.retain(|relay| relay.state() != RelayState::Ended);
        for query in &mut self.queries {
            query.restart(now, random);
        }
        for server in &mut self.servers {
            server.tried = 0;
            let stun = server.server.transport() == ServerTransport::Stun;
            if stun && self.policy == Policy::RelayOnly {
                // It would not be asked anything.
                continue;
            }
            if let (Lookup::Needed, Host::Name(name)) = (&server.lookup, server.server.host()) {
                server.lookup = Lookup::Asked;
                output.push_back(Output::Resolve { name: name.clone(), mdns: false });
            }
        }
        self.ask(now, sockets, random, output);
    }

    /// Takes the addresses of a host. Returns whether it was asked for.
    pub(super) fn handle_resolved(
        &mut self,
        now: Instant,
        name: &str,
        ips: &[IpAddr],
        sockets: &[Socket],
        random: &mut dyn RandomSource,
        output: &mut VecDeque<Output>,
    ) {
        for server in &mut self.servers {
            let asked = matches!(server.lookup, Lookup::Asked);
            if !asked || *server.server.host() != Host::Name(name.to_owned()) {
                continue;
            }
            if ips.is_empty() {
                // The next restart asks again.
                server.lookup = Lookup::Needed;
                output.push_back(Output::ServerFailed {
                    url: server.server.url().to_owned(),
                    problem: format!("the name {name} of the ICE server has no address"),
                });
            } else {
                let ips = ips.iter().map(IpAddr::to_canonical).take(MAX_ADDRESSES);
                server.lookup = Lookup::Done(ips.collect());
            }
        }
        self.ask(now, sockets, random, output);
    }

    /// Asks all servers whose address is known, for all sockets, unless that has been done.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        sockets: &[Socket],
        random: &mut dyn RandomSource,
        output: &mut VecDeque<Output>,
    ) {
        if !self.started {
            return;
        }
        for index in 0..self.servers.len() {
            let known = &self.servers[index];
            let Lookup::Done(ips) = &known.lookup else { continue };
            let port = known.server.port();
            match known.server.transport() {
                ServerTransport::Stun => {
                    if self.policy == Policy::RelayOnly {
                        continue;
                    }
                    for socket in sockets {
                        let asked = |query: &Query| {
                            (query.server_index, query.socket) == (index, socket.id)
                        };
                        if let Some(ip) = reachable(socket, ips)
                            && !self.queries.iter().any(asked)
                        {
                            let server = SocketAddr::new(ip, port);
                            self.queries.push(Query::new(now, socket.id, server, index, random));
                        }
                    }
                }
                ServerTransport::TurnUdp => self.ask_relay(now, index, sockets),
                ServerTransport::TurnTcp | ServerTransport::TurnTls => {
                    self.connect(now, index, output);
                }
            }
        }
    }

    /// Asks a TURN server over UDP, for the first sockets that have a chance.
    fn ask_relay(&mut self, now: Instant, index: usize, sockets: &[Socket]) {
        let known = &self.servers[index];
        let Lookup::Done(ips) = &known.lookup else { return };
        let port = known.server.port();
        for socket in sockets {
            let of_server = self.relays.iter().filter(|relay| relay.server_index == index);
            let (tries, alive) = of_server.fold((0, 0), |(tries, alive), relay| {
                (tries + 1, alive + usize::from(relay.state() != RelayState::Ended))
            });
            let all = self.relays.iter().filter(|relay| relay.state() != RelayState::Ended).count();
            if tries >= MAX_TRIES_OF_SERVER || alive >= MAX_RELAYS_OF_SERVER || all >= MAX_RELAYS {
                return;
            }
            // One allocation is all that a server gives to one socket (RFC 8656 section 5).
            let asked = |relay: &Relay| {
                let same = |ip| relay.server == SocketAddr::new(ip, port);
                relay.link == Carrier::Udp(socket.id)
                    && (relay.server_index == index || ips.iter().copied().any(same))
            };
            if let Some(ip) = reachable(socket, ips)
                && !self.relays.iter().any(asked)
            {
                let (server, config) = (SocketAddr::new(ip, port), &known.server);
                let relay = Relay::udp(now, socket.id, socket.address, server, index, config);
                self.relays.push(relay);
            }
        }
    }

    /// Has a connection opened to the next address of a server, unless there is one already.
    fn connect(&mut self, now: Instant, index: usize, output: &mut VecDeque<Output>) {
        let asked =
            |relay: &Relay| relay.server_index == index && relay.state() != RelayState::Ended;
        if self.relays.iter().any(asked) || self.relays.len() >= MAX_RELAYS {
            return;
        }
        let known = &mut self.servers[index];
        let Lookup::Done(ips) = &known.lookup else { return };
        let Some(ip) = ips.get(known.tried) else { return };
        known.tried += 1;
        let to = SocketAddr::new(*ip, known.server.port());
        let stream = StreamId(self.next_stream);
        self.next_stream += 1;
        let protocol = match known.server.transport() {
            ServerTransport::TurnTls => RelayProtocol::Tls,
            _ => RelayProtocol::Tcp,
        };
        let (host, tls_server_name) =
            (known.server.host().to_string(), known.server.tls_server_name());
        self.relays.push(Relay::stream(now, stream, protocol, to, index, &known.server));
        output.push_back(Output::Connect { stream, to, host, tls_server_name });
    }

    /// The relay with this address of a TURN server.
    pub(super) fn relay_at(&mut self, relayed: SocketAddr) -> Option<&mut Relay> {
        self.relays.iter_mut().find(|relay| relay.relayed().contains(&relayed))
    }

    pub(super) fn relay_of_stream(&mut self, stream: StreamId) -> Option<&mut Relay> {
        self.relays.iter_mut().find(|relay| match relay.link {
            Carrier::Stream(id, _) => id == stream && relay.state() != RelayState::Ended,
            Carrier::Udp(_) => false,
        })
    }

    pub(super) fn relay_of_socket(
        &mut self,
        socket: SocketId,
        server: SocketAddr,
    ) -> Option<&mut Relay> {
        self.relays
            .iter_mut()
            .find(|relay| (relay.link, relay.server) == (Carrier::Udp(socket), server))
    }

    /// A connection is closed, or could not be opened.
    pub(super) fn handle_closed(
        &mut self,
        now: Instant,
        stream: StreamId,
        why: Option<&str>,
        output: &mut VecDeque<Output>,
    ) -> Vec<Gathered> {
        let Some(relay) = self.relay_of_stream(stream) else { return Vec::new() };
        let index = relay.server_index;
        let (was, server) = (relay.state(), relay.server);
        let lost = relay.lost();
        relay.end();
        let tried = self.servers[index].tried;
        if was != RelayState::Allocated {
            self.connect(now, index, output);
        }
        if self.servers[index].tried == tried {
            let known = &self.servers[index].server;
            let server = match server.ip() == NOWHERE {
                true => format!("{}:{}", known.host(), known.port()),
                false => server.to_string(),
            };
            let mut problem = match was {
                RelayState::Connecting => format!("no connection to the TURN server {server}"),
                _ => format!("the TURN server {server} closed the connection"),
            };
            if let Some(why) = why {
                problem = format!("{problem}: {why}");
            }
            let url = known.url().to_owned();
            output.push_back(Output::ServerFailed { url, problem });
        }
        lost
    }

    /// A socket is gone, and all that went through it. So are the connections from its address: nothing
    /// else tells for many minutes that nobody answers on them.
    pub(super) fn remove_socket(
        &mut self,
        socket: &Socket,
        output: &mut VecDeque<Output>,
    ) -> Vec<Gathered> {
        self.queries.retain(|query| query.socket != socket.id);
        let gone = |relay: &Relay| match relay.link {
            Carrier::Udp(id) => id == socket.id,
            Carrier::Stream(..) => normalise(relay.local()).ip() == socket.address.ip(),
        };
        let mut lost = Vec::new();
        for relay in self.relays.iter().filter(|relay| gone(relay)) {
            lost.extend(relay.lost());
            if let Carrier::Stream(stream, _) = relay.link {
                output.push_back(Output::Disconnect { stream });
            }
        }
        self.relays.retain(|relay| !gone(relay));
        lost
    }

    /// The addresses of this host have changed: servers that could not be reached may be reached now.
    pub(super) fn retry(&mut self) {
        for server in &mut self.servers {
            server.tried = 0;
        }
    }

    /// What has been gathered so far, for a restart.
    pub(super) fn gathered(&self, sockets: &[Socket]) -> Vec<Gathered> {
        let reflexive = self.queries.iter().filter_map(|query| {
            let Outcome::Found(address) = query.outcome() else { return None };
            let base = sockets.iter().find(|socket| socket.id == query.socket)?.address;
            Some(Gathered::ServerReflexive { base, address })
        });
        let relayed = self.relays.iter().flat_map(|relay| {
            let local = relay.local();
            let relayed = relay.relayed().iter();
            let relayed = relayed.map(move |&address| Gathered::Relayed { local, address });
            relay.reflexive().into_iter().chain(relayed)
        });
        reflexive.chain(relayed).collect()
    }

    /// Takes a STUN packet that came to a socket. `None`: no STUN server sent it.
    pub(super) fn handle_answer(
        &mut self,
        now: Instant,
        socket: &Socket,
        from: SocketAddr,
        packet: &[u8],
    ) -> Option<Option<Gathered>> {
        let query =
            self.queries.iter_mut().find(|query| query.is_answer(socket.id, from, packet))?;
        let address = query.handle_answer(now, packet);
        Some(address.map(|address| Gathered::ServerReflexive { base: socket.address, address }))
    }

    pub(super) fn poll_timeout(&self, connected: bool) -> Option<Instant> {
        let queries = self.queries.iter().filter_map(|query| query.poll_timeout(!connected));
        queries.chain(self.relays.iter().filter_map(Relay::poll_timeout)).min()
    }

    /// Does what is due.
    pub(super) fn drive(
        &mut self,
        now: Instant,
        connected: bool,
        sockets: &[Socket],
        output: &mut VecDeque<Output>,
    ) -> Vec<Gathered> {
        let find = |id| sockets.iter().find(|socket| socket.id == id);
        for query in &mut self.queries {
            let Some(data) = query.drive(now, !connected) else {
                continue;
            };
            if let Some(socket) = find(query.socket) {
                let to = with_scope(query.server, socket.bound);
                output.push_back(Output::Transmit { socket: socket.id, to, data });
            }
        }
        let mut gathered = Vec::new();
        let mut results = Vec::new();
        let mut failed: Vec<(usize, String, bool)> = Vec::new();
        for relay in &mut self.relays {
            let (lost, was) = (relay.lost(), relay.state());
            relay.drive(now, &mut results);
            for result in results.drain(..) {
                match result {
                    RelayOutput::Send(data) => output.push_back(transmit(relay, data)),
                    RelayOutput::Allocated(address) => {
                        gathered.extend(relay.reflexive());
                        gathered.push(Gathered::Relayed { local: relay.local(), address });
                    }
                    RelayOutput::Ended(problem) => {
                        let index = relay.server_index;
                        // For several sockets once.
                        failed.retain(|(other, ..)| *other != index);
                        failed.push((index, problem, was == RelayState::Allocated));
                        if let Carrier::Stream(stream, _) = relay.link {
                            output.push_back(Output::Disconnect { stream });
                        }
                        gathered.extend(lost.iter().map(Gathered::copy));
                    }
                }
            }
        }
        for (index, problem, lost) in failed {
            if self.servers[index].server.transport() == ServerTransport::TurnUdp && !lost {
                self.ask_relay(now, index, sockets);
            }
            let alive =
                |relay: &Relay| relay.server_index == index && relay.state() != RelayState::Ended;
            // That it does not answer one of many addresses is no problem.
            if lost || !self.relays.iter().any(alive) {
                let url = self.servers[index].server.url().to_owned();
                output.push_back(Output::ServerFailed { url, problem });
            }
        }
        gathered
    }
}

impl Gatherer {
    /// Gives back what servers have allocated, and closes the connections to them.
    pub(super) fn close(&mut self, now: Instant, output: &mut VecDeque<Output>) {
        let mut results = Vec::new();
        for mut relay in self.relays.drain(..) {
            if relay.state() == RelayState::Ended {
                continue;
            }
            relay.delete(now);
            // The TURN client spaces its requests out; the last one need not wait.
            relay.drive(now + Duration::from_millis(100), &mut results);
            for result in results.drain(..) {
                if let RelayOutput::Send(data) = result {
                    output.push_back(transmit(&relay, data));
                }
            }
            if let Carrier::Stream(stream, _) = relay.link {
                output.push_back(Output::Disconnect { stream });
            }
        }
        self.queries.clear();
    }
}

impl Gathered {
    pub(super) fn is_reflexive(&self, seen: SocketAddr) -> bool {
        matches!(self, Self::ServerReflexive { address, .. } if *address == seen)
    }

    fn copy(&self) -> Self {
        match *self {
            Self::ServerReflexive { base, address } => Self::ServerReflexive { base, address },
            Self::Relayed { local, address } => Self::Relayed { local, address },
            Self::RelayLost { local, address } => Self::RelayLost { local, address },
        }
    }
}

/// A message for a TURN server.
pub(super) fn transmit(relay: &Relay, data: Vec<u8>) -> Output {
    match relay.link {
        Carrier::Udp(socket) => Output::Transmit { socket, to: relay.server, data },
        Carrier::Stream(stream, _) => Output::StreamTransmit { stream, data },
    }
}

/// The first address that a socket can send to.
fn reachable(socket: &Socket, ips: &[IpAddr]) -> Option<IpAddr> {
    ips.iter().copied().find(|ip| can_reach(socket.address.ip(), *ip))
}

impl Relay {
    /// Every TURN server is a STUN server: with the relayed address it tells the one outside of the NAT
    /// (RFC 8445 section 5.1.1.2).
    fn reflexive(&self) -> Option<Gathered> {
        let base = normalise(self.local());
        self.mapped().map(|address| Gathered::ServerReflexive { base, address })
    }

    fn lost(&self) -> Vec<Gathered> {
        let local = normalise(self.local());
        self.relayed().iter().map(|&address| Gathered::RelayLost { local, address }).collect()
    }
}
