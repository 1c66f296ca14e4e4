//! What is due, and what the parts of a connection report: its state follows from that.

use std::time::Instant;

use super::stall::Advice;
use super::{Connection, ConnectionOutput};
use crate::rtc::association::{Association, SctpConfig};
use crate::rtc::ice::{IceState, LargestDatagram, Output};
use crate::task::webrtc::Candidate;
use crate::task::{ConnectionFailure, ConnectionProblem, ConnectionState};

impl Connection {
    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let association = self.association.as_ref().and_then(Association::poll_timeout);
        let setup = (!self.is_set_up()).then_some(self.set_up_until);
        [self.agent.poll_timeout(), association, setup].into_iter().flatten().min()
    }

    /// Whether it could be used, or it has ended: the time for setting it up does not count any more.
    fn is_set_up(&self) -> bool {
        self.state.is_end() || self.association.as_ref().is_some_and(|it| !it.is_connecting())
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now >= self.set_up_until && !self.is_set_up() {
            if let Some(association) = &mut self.association {
                association.fail(now, ConnectionFailure::NoAnswer);
            }
            return self.fail(now, ConnectionFailure::NoAnswer);
        }
        if self.agent.poll_timeout().is_some_and(|at| at <= now) {
            self.agent.handle_timeout(now);
        }
        if let Some(association) = &mut self.association
            && association.poll_timeout().is_some_and(|at| at <= now)
        {
            association.handle_timeout(now);
        }
        self.look_at_stall(now);
        self.drain(now);
    }

    /// There is no need to wait for the time for this: what does not arrive is sent again every few seconds.
    fn look_at_stall(&mut self, now: Instant) {
        let Some(association) = &mut self.association else { return };
        let answers = self.agent.state() == IceState::Connected;
        let oldest = association.oldest_unacknowledged().filter(|_| answers);
        let narrow = self.largest_datagram.is_some_and(|largest| largest < association.mtu());
        match self.stall.look(now, oldest, narrow) {
            Advice::Nothing => {}
            Advice::Measure => {
                tracing::debug!("nothing arrives: how much does the path carry?");
                self.largest_datagram = None;
                self.agent.measure(now);
            }
            Advice::GiveUp => association.fail(
                now,
                ConnectionFailure::Sctp(
                    "the path to the peer has become too narrow for what was sent".to_owned(),
                ),
            ),
        }
    }

    /// Ends the connection. The driver still has to do what is in the events that remain.
    pub fn close(&mut self, now: Instant) {
        self.agent.close(now);
        self.drain(now);
        self.ended(ConnectionState::Closed);
    }

    /// Gives up, because a description cannot be used. The driver still has to do what is in the events that remain.
    pub fn fail(&mut self, now: Instant, failure: ConnectionFailure) {
        self.agent.close(now);
        self.drain(now);
        self.ended(ConnectionState::Failed(failure));
    }

    pub(super) fn ended(&mut self, state: ConnectionState) {
        if !self.state.is_end() {
            self.state = state.clone();
            self.events.push_back(ConnectionOutput::State(state));
        }
    }

    /// Takes the output of the ICE agent.
    pub(super) fn drain(&mut self, now: Instant) {
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Data(data) => {
                    if let Some(association) = &mut self.association {
                        association.handle_datagram(now, &data);
                    }
                }
                Output::Candidate(candidate) => {
                    let (sdp_mid, index) = self.section.clone();
                    let ufrag = self.agent.local_credentials().ufrag().to_owned();
                    self.events.push_back(ConnectionOutput::Candidate(Some(Candidate {
                        candidate,
                        sdp_mid,
                        sdp_m_line_index: Some(index),
                        username_fragment: Some(ufrag),
                    })));
                }
                Output::EndOfCandidates => self.events.push_back(ConnectionOutput::Candidate(None)),
                Output::State(_) => {}
                Output::LargestDatagram(largest) => {
                    let bytes = match largest {
                        LargestDatagram::Known(bytes) => bytes,
                        LargestDatagram::Unknown => SctpConfig::default().mtu,
                    };
                    self.largest_datagram = Some(bytes);
                    if let Some(association) = &mut self.association {
                        association.set_mtu(now, bytes);
                    }
                }
                Output::RestartAdvised => self.want_restart(),
                Output::Path(path) => {
                    self.path = path;
                    if path.is_some() {
                        // It is measured now.
                        self.largest_datagram = None;
                        self.start_association(now);
                        if let Some(association) = &mut self.association {
                            association.path_changed(now);
                        }
                    }
                }
                Output::ServerFailed { url, problem } => {
                    self.problem(ConnectionProblem::IceServer { url: url.to_string(), problem });
                }
                output => self.events.push_back(ConnectionOutput::Io(output)),
            }
        }
        self.update_state();
    }

    pub(super) fn update_state(&mut self) {
        if self.state.is_end() {
            return;
        }
        let state = match self.agent.state() {
            IceState::New if self.remote.is_none() => ConnectionState::New,
            IceState::Failed => ConnectionState::Unreachable,
            IceState::Connected if self.secured => ConnectionState::Connected,
            IceState::Disconnected if self.secured => ConnectionState::Disconnected,
            IceState::New | IceState::Checking | IceState::Connected | IceState::Disconnected => {
                ConnectionState::Connecting
            }
        };
        if state != self.state {
            self.state = state.clone();
            self.events.push_back(ConnectionOutput::State(state));
        }
    }
}
