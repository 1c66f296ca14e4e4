//! The agent: what is known of both sides, and what follows from it.

mod packets;
mod paths;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use is::Candidate;

use super::candidate::{CandidateError, CandidateHost, RemoteCandidate, is_usable};
use super::checks::Checks;
use super::credentials::Credentials;
use super::gather::{Gathered, Gatherer, Socket};
use super::net::normalise;
use super::path_mtu::Search;
use super::{AgentConfig, IceState, MAX_SOCKETS, Output, Path, Policy, SocketId, Timeouts};
use crate::crypto::RandomSource;

/// Names for multicast DNS that the peer can have looked up between two restarts.
const MAX_NAMES: usize = 32;

/// Addresses that are used of those that a name has.
const MAX_ADDRESSES: usize = 4;

/// An ICE agent. The module says what it does.
///
/// After anything was put in, [`Agent::poll_output`] has to be called until it returns `None`, and then
/// [`Agent::poll_timeout`]. Times must not go back.
pub struct Agent {
    policy: Policy,
    timeouts: Timeouts,
    random: Box<dyn RandomSource>,
    tie_breaker: u64,
    sockets: Vec<Socket>,
    gatherer: Gatherer,
    current: Checks,
    /// The checks before the last restart, which keep their path alive until there is a new one.
    previous: Option<Checks>,
    /// Names of candidates of the peer.
    names: Vec<Name>,
    local_ended: bool,
    state: IceState,
    /// The local and the remote address in use, and what that means for the driver.
    pair: Option<(SocketAddr, SocketAddr)>,
    path: Option<Path>,
    /// When the peer last agreed to be sent to, since there was a path at all.
    consent: Option<Instant>,
    /// Looks for the largest datagram that the path carries.
    search: Option<Search>,
    closed: bool,
    output: VecDeque<Output>,
    bytes_sent: u64,
    bytes_received: u64,
}

/// A name of the peer for multicast DNS.
struct Name {
    name: String,
    ips: Option<Vec<IpAddr>>,
    candidates: Vec<RemoteCandidate>,
}

/// Why a socket cannot be used for ICE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketError {
    /// Nobody can be reached at this address: it is unspecified (`0.0.0.0`), multicast, automatic IPv4
    /// (`169.254.0.0/16`), or its port is 0. Sockets have to be bound to the address of an interface.
    Address,
    /// There is a socket with this name, or this address.
    Duplicate,
    /// There are as many as the agent takes.
    TooMany,
}

impl std::fmt::Display for SocketError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Address => "the socket is not bound to an address that a peer can reach",
            Self::Duplicate => "there is a socket with this name or address already",
            Self::TooMany => "there are too many sockets",
        })
    }
}

impl std::error::Error for SocketError {}

/// The peer has new credentials: [`Agent::restart`] has to come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartNeeded;

impl std::fmt::Display for RestartNeeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the peer has restarted ICE, and this side has not")
    }
}

impl std::error::Error for RestartNeeded {}

/// Credentials and addresses are not shown.
impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Agent {
    /// Creates an agent with fresh credentials, and without sockets.
    #[must_use]
    pub fn new(now: Instant, config: AgentConfig, mut random: Box<dyn RandomSource>) -> Self {
        let tie_breaker = u64::from_be_bytes(random.array());
        let credentials = Credentials::generate(&mut *random);
        let timeouts = config.timeouts.limited();
        Self {
            policy: config.policy,
            timeouts,
            tie_breaker,
            sockets: Vec::new(),
            gatherer: Gatherer::new(config.servers, config.policy),
            current: Checks::new(now, config.controlling, tie_breaker, credentials, timeouts),
            previous: None,
            names: Vec::new(),
            local_ended: false,
            state: IceState::New,
            pair: None,
            path: None,
            consent: None,
            search: None,
            closed: false,
            output: VecDeque::new(),
            bytes_sent: 0,
            bytes_received: 0,
            random,
        }
    }

    /// The credentials that the peer has to know.
    #[must_use]
    pub fn local_credentials(&self) -> &Credentials {
        self.current.local_credentials()
    }

    /// The credentials of the peer, if known since the last restart.
    #[must_use]
    pub fn remote_credentials(&self) -> Option<&Credentials> {
        self.current.remote_credentials()
    }

    /// Whether this side chooses the path. It changes if both sides had the same role.
    #[must_use]
    pub fn is_controlling(&self) -> bool {
        self.current.controlling()
    }

    /// Chooses the path from now on, as this side has to if the peer only answers checks (ICE lite). To be called
    /// before [`Agent::set_remote`].
    pub fn take_control(&mut self) {
        self.current.take_control();
    }

    /// Only answers checks from now on.
    #[cfg(test)]
    pub(crate) fn become_lite(&mut self) {
        self.current.become_lite();
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> IceState {
        self.state
    }

    /// Where packets for the peer go, if there is a path.
    #[must_use]
    pub fn path(&self) -> Option<Path> {
        self.path
    }

    /// Whether the peer knows the path, as far as this side can tell: whoever chooses it has to say so. The peer
    /// sends nothing before.
    #[must_use]
    pub fn peer_knows_path(&self) -> bool {
        let checks = self.previous.as_ref().unwrap_or(&self.current);
        self.path.is_some() && checks.peer_knows_pair()
    }

    /// Takes a UDP socket that is bound to the address of an interface. After [`Output::EndOfCandidates`]
    /// the peer is told of it with the next restart only; but checks are sent from it at once, as they
    /// may be the only way to a peer that was reached from an address that is gone.
    ///
    /// # Errors
    ///
    /// [`SocketError`] says why the socket cannot be used.
    pub fn add_socket(
        &mut self,
        now: Instant,
        id: SocketId,
        local: SocketAddr,
    ) -> Result<(), SocketError> {
        let address = normalise(local);
        if address.port() == 0
            || !is_usable(address.ip())
            || Candidate::host(address, "udp").is_err()
        {
            return Err(SocketError::Address);
        }
        if self.sockets.iter().any(|socket| socket.id == id || socket.address == address) {
            return Err(SocketError::Duplicate);
        }
        if self.sockets.len() == MAX_SOCKETS {
            return Err(SocketError::TooMany);
        }
        self.sockets.push(Socket { id, bound: local, address });
        if !self.closed {
            if self.gatherer.has_started() {
                self.add_host_candidate(now, address);
            }
            self.ask_again(now);
            self.update(now);
        }
        Ok(())
    }

    /// Asks servers in a way that was not possible, or not necessary, before the sockets changed.
    fn ask_again(&mut self, now: Instant) {
        self.gatherer.retry();
        self.gatherer.ask(now, &self.sockets, &mut *self.random, &mut self.output);
    }

    /// Forgets a socket that is closed, because its address is gone. A path through it is lost, and so are
    /// the connections to TURN servers from that address, which are opened anew from another one.
    pub fn remove_socket(&mut self, now: Instant, id: SocketId) {
        let Some(index) = self.sockets.iter().position(|socket| socket.id == id) else { return };
        let socket = self.sockets.remove(index);
        let lost = self.gatherer.remove_socket(&socket, &mut self.output);
        if let Some(candidate) = host_candidate(socket.address) {
            self.remove_candidate(now, &candidate);
        }
        self.take_gathered(now, lost);
        if !self.closed && !self.sockets.is_empty() {
            self.ask_again(now);
        }
        self.update(now);
    }

    /// Begins: from now on there are candidates for the peer, and [`Output::EndOfCandidates`] once all
    /// servers have answered (or have not, for about 8 seconds). All sockets that exist should have
    /// been added before.
    pub fn gather(&mut self, now: Instant) {
        if self.gatherer.has_started() || self.closed {
            return;
        }
        self.gather_again(now);
    }

    fn gather_again(&mut self, now: Instant) {
        for index in 0..self.sockets.len() {
            self.add_host_candidate(now, self.sockets[index].address);
        }
        // Addresses given by servers stay what they are; the STUN servers are asked again below.
        let gathered = self.gatherer.gathered(&self.sockets);
        self.take_gathered(now, gathered);
        self.gatherer.start(now, &self.sockets, &mut *self.random, &mut self.output);
        self.update(now);
    }

    fn add_host_candidate(&mut self, now: Instant, address: SocketAddr) {
        if self.policy == Policy::All {
            self.add_candidate(now, host_candidate(address));
        }
    }

    fn add_candidate(&mut self, now: Instant, candidate: Option<Candidate>) {
        let Some(candidate) = candidate else { return };
        if let Some(previous) = &mut self.previous {
            previous.add_local(now, candidate.clone());
        }
        if let Some(line) = self.current.add_local(now, candidate)
            && !self.local_ended
        {
            self.output.push_back(Output::Candidate(line));
        }
    }

    fn remove_candidate(&mut self, now: Instant, candidate: &Candidate) {
        self.current.remove_local(now, candidate);
        if let Some(previous) = &mut self.previous {
            previous.remove_local(now, candidate);
        }
        if self.pair.is_some_and(|(local, _)| local == candidate.addr()) {
            self.set_pair(None);
        }
    }

    fn take_gathered(&mut self, now: Instant, gathered: Vec<Gathered>) {
        for gathered in gathered {
            match gathered {
                Gathered::ServerReflexive { base, address } => {
                    if self.policy == Policy::All && is_usable(address.ip()) {
                        self.add_candidate(
                            now,
                            Candidate::server_reflexive(address, base, "udp").ok(),
                        );
                    }
                }
                Gathered::Relayed { local, address } => {
                    // A server that gives out an address of this host would take packets from it.
                    let own = self.sockets.iter().any(|socket| socket.address == address);
                    if !own && is_usable(address.ip()) {
                        self.add_candidate(now, relayed_candidate(address, local));
                    }
                }
                Gathered::RelayLost { local, address } => {
                    if let Some(candidate) = relayed_candidate(address, local) {
                        self.remove_candidate(now, &candidate);
                    }
                }
            }
        }
    }

    /// Takes the credentials of the peer. Those it has already are taken again.
    ///
    /// # Errors
    ///
    /// If others are known since the last restart.
    pub fn set_remote(&mut self, now: Instant, remote: Credentials) -> Result<(), RestartNeeded> {
        match self.current.remote_credentials() {
            Some(known) if *known == remote => return Ok(()),
            Some(_) => return Err(RestartNeeded),
            None => {}
        }
        if self.state == IceState::Failed {
            // The answer to a restart took very long.
            self.consent = None;
            self.set_state(IceState::Checking);
        }
        self.current.set_remote(now, remote);
        self.update(now);
        Ok(())
    }

    /// Takes a candidate of the peer: `candidate:…`, with or without `a=`. It may come before the
    /// credentials, and more than once. What cannot be used is ignored: another transport, component or
    /// generation (`ufrag`), a name that does not end in `.local`, and more than
    /// [`super::MAX_REMOTE_CANDIDATES`]. So is an empty one, the end of candidates: the agent goes on
    /// waiting for checks of the peer from elsewhere (RFC 8863).
    ///
    /// # Errors
    ///
    /// [`CandidateError`] says what is malformed. The agent goes on without it.
    pub fn add_remote_candidate(
        &mut self,
        now: Instant,
        candidate: &str,
    ) -> Result<(), CandidateError> {
        if candidate.is_empty() {
            return Ok(());
        }
        let Some(candidate) = RemoteCandidate::parse(candidate)? else { return Ok(()) };
        let known = self.current.remote_credentials().map(Credentials::ufrag);
        if let (Some(ufrag), Some(known)) = (&candidate.ufrag, known)
            && ufrag != known
        {
            return Ok(());
        }
        match candidate.host() {
            CandidateHost::Ip(ip) => self.current.add_remote(now, &candidate, *ip),
            // To ask the local network would show it this host, and what it asks for is up to the peer.
            CandidateHost::Mdns(_) if self.policy == Policy::RelayOnly => {}
            CandidateHost::Mdns(name) => {
                let name = name.clone();
                self.add_named_candidate(now, name, candidate);
            }
        }
        self.update(now);
        Ok(())
    }

    fn add_named_candidate(&mut self, now: Instant, name: String, candidate: RemoteCandidate) {
        if let Some(known) = self.names.iter_mut().find(|known| known.name == name) {
            match &known.ips {
                Some(ips) => {
                    for ip in ips {
                        self.current.add_remote(now, &candidate, *ip);
                    }
                }
                None if known.candidates.len() < MAX_NAMES => known.candidates.push(candidate),
                None => {}
            }
        } else if self.names.len() < MAX_NAMES {
            self.output.push_back(Output::Resolve { name: name.clone(), mdns: true });
            self.names.push(Name { name, ips: None, candidates: vec![candidate] });
        }
    }

    /// Takes the answer to [`Output::Resolve`]: the addresses of a host, none if it has none or the
    /// question was not answered.
    pub fn handle_resolved(&mut self, now: Instant, name: &str, ips: &[IpAddr]) {
        if self.closed {
            return;
        }
        self.gatherer.handle_resolved(
            now,
            name,
            ips,
            &self.sockets,
            &mut *self.random,
            &mut self.output,
        );
        if let Some(known) =
            self.names.iter_mut().find(|known| known.name == name && known.ips.is_none())
        {
            let ips = ips
                .iter()
                .map(IpAddr::to_canonical)
                .filter(|ip| is_usable(*ip))
                .take(MAX_ADDRESSES);
            let ips = ips.collect::<Vec<_>>();
            for candidate in std::mem::take(&mut known.candidates) {
                for ip in &ips {
                    self.current.add_remote(now, &candidate, *ip);
                }
            }
            known.ips = Some(ips);
        }
        self.update(now);
    }

    /// What to do next. `None`: nothing, for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    /// Starts anew, with new credentials and all candidates gathered again; the peer has to do the same.
    /// A path that there is stays in use until there is a new one. If the credentials of the peer are
    /// still not known since the last restart, it is the same one once more, with the same credentials:
    /// the peer may have them already.
    pub fn restart(&mut self, now: Instant) {
        if self.closed {
            return;
        }
        let credentials = match self.current.remote_credentials() {
            Some(_) => Credentials::generate(&mut *self.random),
            None => self.current.local_credentials().clone(),
        };
        let (controlling, tie_breaker) = (self.current.controlling(), self.tie_breaker);
        let checks = Checks::new(now, controlling, tie_breaker, credentials, self.timeouts);
        let replaced = std::mem::replace(&mut self.current, checks);
        if self.state == IceState::Failed {
            (self.previous, self.consent) = (None, None);
            self.set_pair(None);
            self.set_state(IceState::New);
        } else if replaced.nominated().is_some()
            || (self.consent.is_some() && self.previous.is_none())
        {
            // Also without a pair at the moment: if this side has moved and the peer restarts because of it, the
            // peer can still name a pair, and the answer to the restart may have no other way.
            self.previous = Some(replaced);
        }
        self.names.clear();
        self.local_ended = false;
        if self.gatherer.has_started() {
            self.gather_again(now);
        }
    }

    /// Ends: gives back what TURN servers have allocated. What is in the output has still to be done;
    /// nothing more follows.
    pub fn close(&mut self, now: Instant) {
        if self.closed {
            return;
        }
        self.closed = true;
        self.gatherer.close(now, &mut self.output);
        (self.pair, self.path, self.previous) = (None, None, None);
        self.search = None;
    }
}

impl Agent {
    /// The checks of the path in use.
    fn checks_in_use(&mut self) -> &mut Checks {
        self.previous.as_mut().unwrap_or(&mut self.current)
    }
}

fn host_candidate(address: SocketAddr) -> Option<Candidate> {
    Candidate::host(address, "udp").ok()
}

fn relayed_candidate(address: SocketAddr, local: SocketAddr) -> Option<Candidate> {
    Candidate::relayed(address, local, "udp").ok()
}
