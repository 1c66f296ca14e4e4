//! What is due, which path is used, and what state that makes.

use std::net::SocketAddr;
use std::time::Instant;

use super::Agent;
use crate::rtc::ice::candidate::CandidateType;
use crate::rtc::ice::checks::{CheckPacket, Checks};
use crate::rtc::ice::gather::transmit;
use crate::rtc::ice::net::with_scope;
use crate::rtc::ice::path_mtu::{Check, Search};
use crate::rtc::ice::relay::Relay;
use crate::rtc::ice::{IceState, IceStats, Output, Path, PathStats};

impl Agent {
    /// When to call [`Agent::handle_timeout`]. It changes with everything that is put in.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let mut next = self.gatherer.poll_timeout(self.state == IceState::Connected);
        let mut add = |at: Option<Instant>| {
            next = match (next, at) {
                (Some(next), Some(at)) => Some(next.min(at)),
                (next, at) => next.or(at),
            };
        };
        if self.state != IceState::Failed {
            add(self.current.poll_timeout());
            add(self.previous.as_mut().and_then(Checks::poll_timeout));
            add(self.next_state_change());
            add(self.search.as_ref().filter(|_| self.pair.is_some()).map(Search::poll_timeout));
        }
        next
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.update(now);
    }

    /// Does what is due, and what follows from what was put in.
    pub(super) fn update(&mut self, now: Instant) {
        if self.closed {
            return;
        }
        let connected = self.state == IceState::Connected;
        let gathered = self.gatherer.drive(now, connected, &self.sockets, &mut self.output);
        self.take_gathered(now, gathered);
        if self.gatherer.has_started() && !self.local_ended && !self.gatherer.is_pending() {
            self.local_ended = true;
            self.output.push_back(Output::EndOfCandidates);
        }
        if self.state != IceState::Failed {
            self.drive_checks(now);
            self.evaluate(now);
            self.drive_search(now);
        }
    }

    fn drive_checks(&mut self, now: Instant) {
        self.current.drive(now);
        if let Some(previous) = &mut self.previous {
            previous.drive(now);
        }
        let mut packets = Vec::new();
        for checks in [Some(&mut self.current), self.previous.as_mut()].into_iter().flatten() {
            packets.extend(std::iter::from_fn(|| checks.poll_transmit(now)));
        }
        for packet in packets {
            self.transmit_check(now, packet);
        }
    }

    /// Finds out again how large datagrams may be on the path: it may lead over other links now. What comes of it is an
    /// [`Output::LargestDatagram`].
    pub fn measure(&mut self, now: Instant) {
        if let (None, Some(pair)) = (&self.search, self.pair) {
            self.search = Some(Search::new(now, pair));
            self.update(now);
        }
    }

    fn drive_search(&mut self, now: Instant) {
        let (Some(search), Some((local, to))) = (&mut self.search, self.pair) else { return };
        if let Some(largest) = search.outcome(now) {
            self.search = None;
            return self.output.push_back(Output::LargestDatagram(largest));
        }
        let checks = self.previous.as_ref().unwrap_or(&self.current);
        let Some(remote) = checks.remote_credentials() else { return };
        let username = format!("{}:{}", remote.ufrag(), checks.local_credentials().ufrag());
        let check = Check {
            username: &username,
            password: remote.password(),
            controlling: checks.controlling(),
            tie_breaker: self.tie_breaker,
        };
        let due = search.drive(now, checks.round_trip_time(), &mut *self.random);
        let packets = due.into_iter().filter_map(|(id, size)| check.padded(id, size));
        for data in packets.collect::<Vec<_>>() {
            self.transmit_check(now, CheckPacket { from: local, to, data });
        }
    }

    fn transmit_check(&mut self, now: Instant, packet: CheckPacket) {
        if let Some(socket) = self.sockets.iter().find(|socket| socket.address == packet.from) {
            let to = with_scope(packet.to, socket.bound);
            self.output.push_back(Output::Transmit { socket: socket.id, to, data: packet.data });
        } else if let Some(relay) = self.gatherer.relay_at(packet.from)
            && let Some(message) = relay.send(now, packet.to, &packet.data)
        {
            self.output.push_back(transmit(relay, message));
        }
    }

    /// Finds the path and the state.
    fn evaluate(&mut self, now: Instant) {
        if self.current.nominated().is_some() {
            self.previous = None;
        }
        if self.current.take_moved() {
            self.output.push_back(Output::RestartAdvised);
        }
        let checks = self.previous.as_ref().unwrap_or(&self.current);
        if let Some(consent) = checks.consent() {
            self.consent = Some(consent);
        }
        if let Some(pair) = checks.nominated()
            && self.pair != Some(pair)
        {
            if let Some(relay) = self.gatherer.relay_at(pair.0) {
                relay.bind_channel(now, pair.1);
            }
            self.set_pair(Some(pair));
            match &mut self.search {
                Some(search) => search.follow(now, pair),
                None => self.search = Some(Search::new(now, pair)),
            }
        }

        let expired = self.next_state_change().is_some_and(|at| at <= now);
        let state = match self.consent {
            Some(consent) if now >= consent + self.timeouts.failed => {
                self.previous = None;
                self.set_pair(None);
                if self.may_still_connect(now) { IceState::Disconnected } else { IceState::Failed }
            }
            Some(consent) if self.pair.is_none() || now >= consent + self.timeouts.disconnected => {
                IceState::Disconnected
            }
            Some(_) => IceState::Connected,
            None if self.current.remote_credentials().is_none() => IceState::New,
            None if expired => IceState::Failed,
            None => IceState::Checking,
        };
        self.set_state(state);
    }

    /// Whether a restart is under way that may find a path yet.
    fn may_still_connect(&self, now: Instant) -> bool {
        if self.current.nominated().is_some() {
            return false;
        }
        // A peer that never answers the offer of a restart is as lost as one that cannot be reached.
        self.current.hope_until() > now
    }

    /// When the state changes if nothing else happens.
    fn next_state_change(&self) -> Option<Instant> {
        match (self.consent, self.state) {
            (Some(consent), IceState::Connected) => {
                Some(consent + self.timeouts.disconnected.min(self.timeouts.failed))
            }
            (Some(consent), _) => {
                let failed = consent + self.timeouts.failed;
                if self.pair.is_some() || self.current.nominated().is_some() {
                    Some(failed)
                } else {
                    Some(self.current.hope_until().max(failed))
                }
            }
            (None, _) => self.current.give_up_at(),
        }
    }

    pub(super) fn set_state(&mut self, state: IceState) {
        if self.state != state {
            self.state = state;
            self.output.push_back(Output::State(state));
        }
    }

    pub(super) fn set_pair(&mut self, pair: Option<(SocketAddr, SocketAddr)>) {
        self.pair = pair;
        if pair.is_none() {
            self.search = None;
        }
        let path = pair.and_then(|(local, to)| {
            match self.sockets.iter().find(|socket| socket.address == local) {
                Some(socket) => {
                    Some(Path::Direct { socket: socket.id, to: with_scope(to, socket.bound) })
                }
                None => self.gatherer.relay_at(local).map(|_| Path::Relayed),
            }
        });
        if path != self.path {
            self.path = path;
            self.output.push_back(Output::Path(path));
        }
    }

    /// Figures.
    #[must_use]
    pub fn stats(&self) -> IceStats {
        let checks = self.previous.as_ref().unwrap_or(&self.current);
        let path = self.path.and(self.pair).map(|pair| {
            let relays = &self.gatherer.relays;
            let relay = relays.iter().find(|relay| relay.relayed().contains(&pair.0));
            let mapped = checks.mapped(pair).unwrap_or(pair.0);
            let gathered = self.gatherer.gathered(&self.sockets);
            let local_type = if relay.is_some() {
                CandidateType::Relayed
            } else if mapped == pair.0 {
                CandidateType::Host
            } else if gathered.iter().any(|gathered| gathered.is_reflexive(mapped)) {
                CandidateType::ServerReflexive
            } else {
                CandidateType::PeerReflexive
            };
            PathStats {
                local_type,
                local_address: mapped,
                relay_protocol: relay.map(Relay::protocol),
                remote_type: checks.remote_type(pair.1),
                remote_address: pair.1,
                round_trip_time: checks.round_trip_time(),
            }
        });
        let (bytes_sent, bytes_received) = (self.bytes_sent, self.bytes_received);
        IceStats { state: self.state, path, bytes_sent, bytes_received }
    }
}
