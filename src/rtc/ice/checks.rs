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
use super::watch::{Pair, Watch};
use super::{LEAST_DATAGRAM, MAX_REMOTE_CANDIDATES, Timeouts};

/// Peer-reflexive candidates that are taken, of either side.
const MAX_REFLEXIVE: usize = 64;

/// Ta of RFC 8445 section 14: the time between two checks. The RFC suggests 50 ms and allows 5 ms.
const TIMING_ADVANCE: Duration = Duration::from_millis(20);

/// The same with many addresses of this side, so that the last pairs get their turn within seconds.
const SHORT_ADVANCE: Duration = Duration::from_millis(5);
const MANY_ADDRESSES: usize = 8;

/// After so many checks without an answer `is` gives a pair up, once there was a doubt: 9 as without one, and those of a
/// few seconds in which all pairs are checked often. One that has not worked yet may be about to.
const RETRANSMITS_IN_DOUBT: usize = 24;

/// The pairs that are checked at least (RFC 8445 section 6.1.2.5), and for each address of this side. `is` leaves out
/// those of relays first, which can be the only ones that work: so there is room for two hosts with as many addresses as
/// are used. The peer alone cannot have more of them checked.
const MIN_PAIRS: usize = 100;
const PAIRS_OF_ADDRESS: usize = 48;

/// How often a silent pair can be given up for another one between two restarts. Each time `is` may
/// remember an address of the peer once more.
const MAX_REPLACEMENTS: u16 = 64;

/// For this long after the first path, another path does not mean that the peer has moved: ICE goes from one
/// to a better one at first.
const SETTLE_TIME: Duration = Duration::from_secs(3);

/// `is` drops the selected pair when it has been silent for long. Then it is tried anew, after a moment
/// in which another one may be selected, and again and again.
const REVIVE_AFTER: Duration = Duration::from_secs(1);
const REVIVE_INTERVAL: Duration = Duration::from_secs(10);

/// How a request for a binding begins (RFC 8489 section 5).
const BINDING_REQUEST: [u8; 2] = [0, 1];

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
    /// How the peer sees the local address of a pair.
    mapped: HashMap<Pair, SocketAddr>,
    /// All addresses that the peer has claimed to see: each is a candidate that stays.
    reflexive: HashSet<SocketAddr>,
    nominated: Option<Pair>,
    timeouts: Timeouts,
    watch: Watch,
    /// The time between two checks while there is no hurry.
    advance: Duration,
    replacements: u16,
    /// From when on another pair may mean that the peer has moved.
    settled_at: Option<Instant>,
    /// The peer is somewhere else than before, and nobody has asked yet.
    moved: bool,
    /// `is` has dropped the selected pair: when to try anew.
    revive_at: Option<Instant>,
    responses: u64,
    /// The nominated pair was answered since it was nominated, with a check that said so.
    told: bool,
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
        timeouts: Timeouts,
    ) -> Self {
        let agent = quiet(|| {
            let mut agent = IceAgent::new(local.to_is());
            agent.set_controlling(controlling);
            agent.set_control_tie_breaker(tie_breaker);
            agent.set_timing_advance(TIMING_ADVANCE);
            agent.set_max_stun_rto(timeouts.consent_interval());
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
            timeouts,
            watch: Watch::new(timeouts.consent_interval()),
            advance: TIMING_ADVANCE,
            replacements: 0,
            settled_at: None,
            moved: false,
            revive_at: None,
            responses: 0,
            told: false,
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

    pub(super) fn take_control(&mut self) {
        self.agent.set_controlling(true);
    }

    /// Only answers checks from now on, as peers with ICE lite do.
    #[cfg(test)]
    pub(super) fn become_lite(&mut self) {
        self.agent.set_controlling(false);
        self.agent.set_ice_lite(true);
    }

    pub(super) fn set_remote(&mut self, now: Instant, remote: Credentials) {
        quiet(|| self.agent.set_remote_credentials(remote.to_is()));
        self.remote = Some(remote);
        self.last_news = now;
        for held in std::mem::take(&mut self.held) {
            quiet(|| self.agent.add_remote_candidate(held.candidate));
        }
    }

    /// Fits the number of checks to that of the addresses of this side.
    fn pace(&mut self) {
        let addresses = self.agent.local_candidates().count();
        self.advance = if addresses > MANY_ADDRESSES { SHORT_ADVANCE } else { TIMING_ADVANCE };
        self.agent.set_timing_advance(self.advance);
        self.agent.set_max_candidate_pairs(MIN_PAIRS.max(addresses * PAIRS_OF_ADDRESS));
    }

    /// Takes a candidate of this side. Returns how to write it, unless it is none or redundant.
    pub(super) fn add_local(&mut self, now: Instant, candidate: Candidate) -> Option<String> {
        let line =
            quiet(|| self.agent.add_local_candidate(candidate).map(Candidate::to_sdp_string))?;
        self.last_news = now;
        self.pace();
        Some(line)
    }

    pub(super) fn remove_local(&mut self, now: Instant, candidate: &Candidate) {
        quiet(|| self.agent.invalidate_candidate(candidate));
        if self.nominated.is_some_and(|(local, _)| local == candidate.addr()) {
            self.nominated = None;
            self.watch.lose(now);
        }
    }

    /// Data was sent over the nominated pair.
    pub(super) fn note_data_sent(&mut self, now: Instant) {
        self.watch.note_data_sent(now);
    }

    /// Data came over this pair.
    pub(super) fn note_data(&mut self, now: Instant, pair: Pair) {
        self.watch.note_heard(now, pair);
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
        // `is` remembers what follows until the next restart, so the peer may not choose how much it is.
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
        let (answer, nominated) =
            (message.is_successful_binding_response(), message.use_candidate());
        let request = message.is_binding_request();
        let measures = packet.len() >= LEAST_DATAGRAM;
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
        if answer {
            self.watch.note_answer(now, (local, from));
        } else if request && !measures {
            // Those that measure the path follow each other quickly, which means no doubt about it.
            self.watch.note_request(now, (local, from), nominated);
        }
        self.take_events(now);
        let responses = self.agent.nominated_pair_responses_received().unwrap_or(0);
        if responses > self.responses
            && let Some(pair) = self.nominated
        {
            self.consent = Some(now);
            self.told = true;
            self.watch.note_answer(now, pair);
        }
        self.responses = responses;
        true
    }

    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        // `is` names no time before it was called once, and then tells the time of its idle calls too.
        self.remote.as_ref()?;
        let checks = quiet(|| self.agent.poll_timeout()).unwrap_or(self.last_news);
        let doubt = self.watch.poll_timeout(self.agent.nominated_pair_rtt());
        [Some(checks), doubt, self.revive_at].into_iter().flatten().min()
    }

    /// Does what is due at `now`.
    pub(super) fn drive(&mut self, now: Instant) {
        if self.remote.is_none() {
            return;
        }
        let interval = self.watch.interval(now, self.agent.nominated_pair_rtt());
        quiet(|| self.agent.set_max_stun_rto(interval));
        // There is no time to lose, and only a moment of it.
        let hurry = self.watch.is_probing(now);
        self.agent.set_timing_advance(if hurry { SHORT_ADVANCE } else { self.advance });
        if hurry {
            self.agent.set_max_stun_retransmits(RETRANSMITS_IN_DOUBT);
        }
        // Calls before the time would send checks faster than they are paced.
        if quiet(|| self.agent.poll_timeout()).unwrap_or(self.last_news) <= now {
            quiet(|| self.agent.handle_timeout(now));
        }
        self.take_events(now);
        self.replace(now);
        self.revive(now);
    }

    fn take_events(&mut self, now: Instant) {
        while let Some(event) = quiet(|| self.agent.poll_event()) {
            if let IceAgentEvent::NominatedSend { source, destination, .. } = event {
                let pair = (source, destination);
                let before = self.nominated.replace(pair);
                let settled = *self.settled_at.get_or_insert(now + SETTLE_TIME);
                // If the old one still works it is just that a better one was found.
                self.moved |= now >= settled
                    && before.is_some_and(|before| {
                        before.1 != pair.1 && !self.watch.is_fresh(now, before)
                    });
                self.watch.select(self.nominated);
                // Has `is` forget when it was to check which pair: the one that is nominated now comes
                // first, so that the peer knows.
                let another = self.timeouts.consent_interval() + Duration::from_millis(1);
                self.agent.set_max_stun_rto(another);
                self.responses = self.agent.nominated_pair_responses_received().unwrap_or(0);
                self.told = false;
                // It is nominated because it has been answered, but that can be long ago.
                self.consent = self.consent.max(self.watch.answered(pair).or(Some(now)));
            }
        }
    }

    /// Gives the selected pair up if it is silent and another one is not.
    fn replace(&mut self, now: Instant) {
        let round_trip = self.agent.nominated_pair_rtt();
        let Some(pair) = self.watch.replacement(now, self.agent.controlling(), round_trip) else {
            return;
        };
        if self.replacements == MAX_REPLACEMENTS {
            return;
        }
        self.replacements += 1;
        self.settled_at = Some(now);
        let (remote, local) = self.watch.give_up(pair);
        for address in remote {
            self.forget_remote(address);
        }
        if let Some(address) = local {
            self.forget_local(address);
        }
    }

    /// Forgets that the peer ever answered at an address. It is checked anew, as a new candidate.
    fn forget_remote(&mut self, address: SocketAddr) {
        if self.agent.local_candidates().any(|candidate| candidate.addr() == address) {
            return;
        }
        let known: Vec<_> =
            self.agent.remote_candidates().filter(|known| known.addr() == address).collect();
        for candidate in known {
            // `is` finds only the first of equal candidates. So this one has to differ from it, in the one
            // thing that does not matter.
            let distinct = SocketAddr::from(([0; 4], self.replacements));
            let again = Candidate::from_parts(
                "again".to_owned(),
                1,
                Protocol::Udp,
                candidate.prio(),
                address,
                candidate.kind(),
                Some(distinct),
                None,
                None,
            );
            quiet(|| {
                if self.agent.invalidate_candidate(&candidate) {
                    self.agent.add_remote_candidate(again);
                }
            });
        }
    }

    /// Forgets that there ever was an answer at one of our addresses, and checks it anew.
    fn forget_local(&mut self, address: SocketAddr) {
        let known: Vec<_> =
            self.agent.local_candidates().filter(|known| known.addr() == address).collect();
        for candidate in known {
            quiet(|| {
                if self.agent.invalidate_candidate(&candidate) {
                    self.agent.add_local_candidate(candidate);
                }
            });
        }
    }

    /// Tries to find the peer again when `is` has stopped to, so that it is found also when the network
    /// was down for a while on both sides.
    fn revive(&mut self, now: Instant) {
        let dropped =
            self.nominated.is_some() && self.agent.nominated_pair_responses_received().is_none();
        if !dropped {
            self.revive_at = None;
        } else if *self.revive_at.get_or_insert(now + REVIVE_AFTER) <= now {
            quiet(|| self.agent.recreate_candidate_pairs());
            self.revive_at = Some(now + REVIVE_INTERVAL);
        }
    }

    /// Whether the peer has gone elsewhere since this was asked last.
    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<CheckPacket> {
        loop {
            let transmit = quiet(|| self.agent.poll_transmit())?;
            if can_reach(transmit.source.ip(), transmit.destination.ip()) {
                let data = transmit.contents.to_vec();
                if data.starts_with(&BINDING_REQUEST) {
                    self.watch.note_sent(now, (transmit.source, transmit.destination));
                }
                return Some(CheckPacket { from: transmit.source, to: transmit.destination, data });
            }
        }
    }

    /// The local and the remote address to use.
    pub(super) fn nominated(&self) -> Option<Pair> {
        self.nominated
    }

    /// Whether the peer knows the nominated pair: it nominated it, or has answered since this side did.
    pub(super) fn peer_knows_pair(&self) -> bool {
        self.nominated.is_some() && (self.told || !self.controlling())
    }

    /// When the peer last agreed to be sent to.
    pub(super) fn consent(&self) -> Option<Instant> {
        self.consent
    }

    /// When to give up if nothing is nominated until then. Not before, even if there is no candidate
    /// left: the checks of the peer may still come through (RFC 8863).
    pub(super) fn give_up_at(&self) -> Option<Instant> {
        self.remote.as_ref().map(|_| self.hope_until())
    }

    /// Like [`give_up_at`](Self::give_up_at), but also while the credentials of the peer are not known.
    pub(super) fn hope_until(&self) -> Instant {
        self.last_news + self.timeouts.search()
    }

    pub(super) fn round_trip_time(&self) -> Option<Duration> {
        self.agent.nominated_pair_rtt()
    }

    /// How the peer sees the local address of a pair.
    pub(super) fn mapped(&self, pair: Pair) -> Option<SocketAddr> {
        self.mapped.get(&pair).copied()
    }

    pub(super) fn remote_type(&self, address: SocketAddr) -> CandidateType {
        let candidates =
            self.agent.remote_candidates().filter(|candidate| candidate.addr() == address);
        let best = candidates.max_by_key(Candidate::prio);
        best.map_or(CandidateType::PeerReflexive, |candidate| candidate.kind().into())
    }
}
