//! The connectivity checks between two restarts: an agent of the crate `is`, with bounds on what the
//! peer can make it remember.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, Protocol};

use super::candidate::{CandidateType, RemoteCandidate};
use super::credentials::Credentials;
use super::net::{can_reach, quiet};
use super::{FAILED_AFTER, MAX_REMOTE_CANDIDATES};

/// Peer-reflexive candidates that are taken, of either side.
const MAX_REFLEXIVE: usize = 64;

/// Ta of RFC 8445 section 14: the time between two checks. The RFC suggests 50 ms and allows 5 ms.
const TIMING_ADVANCE: Duration = Duration::from_millis(20);

/// How often the consent of the peer is asked for while all is well.
const CONSENT_INTERVAL: Duration = Duration::from_millis(2500);

pub(super) struct Checks {
    agent: IceAgent,
    local: Credentials,
    remote: Option<Credentials>,
    /// Candidates of the peer that came before its credentials.
    held: Vec<RemoteAddress>,
    /// All candidates of the peer that were taken, to recognise repetitions.
    signalled: HashSet<RemoteAddress>,
    /// The addresses the peer may be at, and whether it has shown to be there.
    addresses: HashMap<SocketAddr, bool>,
    peer_reflexive: usize,
    /// How the peer sees the local address of a pair of (local, remote) address.
    mapped: HashMap<(SocketAddr, SocketAddr), SocketAddr>,
    /// All addresses that the peer has claimed to see: each is a candidate that stays.
    reflexive: HashSet<SocketAddr>,
    nominated: Option<(SocketAddr, SocketAddr)>,
    responses: u64,
    consent: Option<Instant>,
    last_news: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct RemoteAddress {
    candidate: Candidate,
}

/// A packet of the checks.
pub(super) struct CheckPacket {
    /// The address of the local candidate.
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) data: Vec<u8>,
}

impl Checks {
    pub(super) fn new(
        now: Instant,
        controlling: bool,
        tie_breaker: u64,
        local: Credentials,
    ) -> Self {
        let agent = quiet(|| {
            let mut agent = IceAgent::new(local.to_is());
            agent.set_controlling(controlling);
            agent.set_control_tie_breaker(tie_breaker);
            agent.set_timing_advance(TIMING_ADVANCE);
            agent.set_max_stun_rto(CONSENT_INTERVAL);
            agent
        });
        Self {
            agent,
            local,
            remote: None,
            held: Vec::new(),
            signalled: HashSet::new(),
            addresses: HashMap::new(),
            peer_reflexive: 0,
            mapped: HashMap::new(),
            reflexive: HashSet::new(),
            nominated: None,
            responses: 0,
            consent: None,
            last_news: now,
        }
    }

    pub(super) fn local_credentials(&self) -> &Credentials {
        &self.local
    }

    pub(super) fn remote_credentials(&self) -> Option<&Credentials> {
        self.remote.as_ref()
    }

    pub(super) fn controlling(&self) -> bool {
        self.agent.controlling()
    }

    pub(super) fn set_remote(&mut self, now: Instant, remote: Credentials) {
        quiet(|| self.agent.set_remote_credentials(remote.to_is()));
        self.remote = Some(remote);
        self.last_news = now;
        for held in std::mem::take(&mut self.held) {
            quiet(|| self.agent.add_remote_candidate(held.candidate));
        }
    }

    /// Takes a candidate of this side. Returns how to write it, unless it is none or redundant.
    pub(super) fn add_local(&mut self, now: Instant, candidate: Candidate) -> Option<String> {
        let line =
            quiet(|| self.agent.add_local_candidate(candidate).map(Candidate::to_sdp_string))?;
        self.last_news = now;
        Some(line)
    }

    pub(super) fn remove_local(&mut self, candidate: &Candidate) {
        quiet(|| self.agent.invalidate_candidate(candidate));
        if self.nominated.is_some_and(|(local, _)| local == candidate.addr()) {
            self.nominated = None;
        }
    }

    /// Takes a candidate of the peer, its name being resolved to `ip`.
    pub(super) fn add_remote(&mut self, now: Instant, candidate: &RemoteCandidate, ip: IpAddr) {
        let candidate = candidate.to_is(ip);
        let key = RemoteAddress { candidate: candidate.clone() };
        if self.signalled.len() >= MAX_REMOTE_CANDIDATES || !self.signalled.insert(key.clone()) {
            return;
        }
        self.addresses.entry(candidate.addr()).or_insert(false);
        self.last_news = now;
        if self.remote.is_some() {
            quiet(|| self.agent.add_remote_candidate(candidate));
        } else {
            self.held.push(key);
        }
    }

    /// Whether the peer has shown to be at this address.
    pub(super) fn has_seen(&self, address: SocketAddr) -> bool {
        self.addresses.get(&address).copied().unwrap_or(false)
    }

    /// Takes a STUN packet that came to the local candidate with the address `local`. Returns whether
    /// it was one of these checks.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        local: SocketAddr,
        from: SocketAddr,
        packet: &[u8],
    ) -> bool {
        let Ok(message) = quiet(|| StunMessage::parse(packet)) else { return false };
        if self.remote.is_none() && !message.is_binding_request() {
            return false;
        }
        let known = self.addresses.contains_key(&from);
        // What follows is remembered until the next restart, and the peer decides how much it is.
        if !known && (!message.is_binding_request() || self.peer_reflexive >= MAX_REFLEXIVE) {
            return false;
        }
        let mapped =
            message.is_successful_binding_response().then(|| message.mapped_address()).flatten();
        if let Some(mapped) = mapped
            && mapped != local
            && self.reflexive.len() >= MAX_REFLEXIVE
            && !self.reflexive.contains(&mapped)
        {
            return false;
        }
        let packet = StunPacket { proto: Protocol::Udp, source: from, destination: local, message };
        if !quiet(|| self.agent.handle_packet(now, packet)) {
            return false;
        }
        if !known {
            self.peer_reflexive += 1;
        }
        self.addresses.insert(from, true);
        if let Some(mapped) = mapped {
            self.mapped.insert((local, from), mapped);
            if mapped != local {
                self.reflexive.insert(mapped);
            }
        }
        let responses = self.agent.nominated_pair_responses_received().unwrap_or(0);
        if responses > self.responses {
            self.consent = Some(now);
        }
        self.responses = responses;
        true
    }

    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        // `is` names no time before it was called once, and then tells the time of its idle calls too.
        self.remote.as_ref()?;
        Some(quiet(|| self.agent.poll_timeout()).unwrap_or(self.last_news))
    }

    /// Does what is due. Returns whether another pair was nominated.
    pub(super) fn drive(&mut self, now: Instant) -> bool {
        // Calls before the time would send checks faster than they are paced.
        if self.poll_timeout().is_some_and(|at| at <= now) {
            quiet(|| self.agent.handle_timeout(now));
        }
        let before = self.nominated;
        while let Some(event) = quiet(|| self.agent.poll_event()) {
            if let IceAgentEvent::NominatedSend { source, destination, .. } = event {
                self.nominated = Some((source, destination));
                // It is nominated because it has been answered.
                self.responses = self.agent.nominated_pair_responses_received().unwrap_or(0);
                self.consent = Some(now);
            }
        }
        self.nominated.is_some() && self.nominated != before
    }

    pub(super) fn poll_transmit(&mut self) -> Option<CheckPacket> {
        loop {
            let transmit = quiet(|| self.agent.poll_transmit())?;
            if can_reach(transmit.source.ip(), transmit.destination.ip()) {
                let data = transmit.contents.to_vec();
                return Some(CheckPacket { from: transmit.source, to: transmit.destination, data });
            }
        }
    }

    /// The local and the remote address to use.
    pub(super) fn nominated(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.nominated
    }

    /// When the peer last agreed to be sent to.
    pub(super) fn consent(&self) -> Option<Instant> {
        self.consent
    }

    /// When to give up if nothing is nominated until then. Not before, even if there is no candidate
    /// left: the checks of the peer may still come through (RFC 8863).
    pub(super) fn give_up_at(&self) -> Option<Instant> {
        self.remote.as_ref().map(|_| self.last_news + FAILED_AFTER)
    }

    pub(super) fn round_trip_time(&self) -> Option<Duration> {
        self.agent.nominated_pair_rtt()
    }

    /// How the peer sees the local address of a pair.
    pub(super) fn mapped(&self, pair: (SocketAddr, SocketAddr)) -> Option<SocketAddr> {
        self.mapped.get(&pair).copied()
    }

    pub(super) fn remote_type(&self, address: SocketAddr) -> CandidateType {
        let candidates =
            self.agent.remote_candidates().filter(|candidate| candidate.addr() == address);
        let best = candidates.max_by_key(Candidate::prio);
        best.map_or(CandidateType::PeerReflexive, |candidate| candidate.kind().into())
    }
}
