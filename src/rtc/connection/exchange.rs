//! A connection that both sides describe by the parameters of its transports, as in ORTC: there are no offers and no
//! answers. Each side says at once what the other has to know, and the connection begins when all of it has come.
//! Later ICE parameters restart ICE.

use std::time::Instant;

use super::{Connection, DescriptionError};
use crate::rtc::association::DtlsRole;
use crate::rtc::describe::Setup;
use crate::rtc::describe::parameters;
use crate::task::ortc::{IceCandidate, Labelled, OrtcMessage};
use crate::task::webrtc::Candidate;

impl Connection {
    /// What to send to the peer first. Candidates follow.
    pub fn describe(&mut self, now: Instant) -> Vec<OrtcMessage> {
        self.offered = Some(now);
        let setup = match self.dtls_role {
            None => Setup::ActPass,
            Some(DtlsRole::Client) => Setup::Active,
            Some(DtlsRole::Server) => Setup::Passive,
        };
        let messages = parameters::all(&self.parameters(setup), self.offerer);
        self.agent.gather(now);
        self.drain(now);
        messages
    }

    /// Restarts ICE: the parameters to send to the peer. `None` if that is not possible now, or for the other side
    /// to do. If it is not possible, [`take_restart`](Self::take_restart) says later that it is time.
    pub fn restart_parameters(&mut self, now: Instant) -> Option<OrtcMessage> {
        if !self.offerer || self.state.is_end() {
            return None;
        }
        if self.offered.is_some() {
            // The peer will say something about the last one, as no message gets lost.
            self.restart_wanted = true;
            return None;
        }
        self.restart_wanted = false;
        self.restart(now);
        self.offered = Some(now);
        let message = self.ice_parameters();
        self.drain(now);
        Some(message)
    }

    fn ice_parameters(&self) -> OrtcMessage {
        parameters::ice(&self.parameters(Setup::ActPass), self.offerer)
    }

    /// Parameters or capabilities of the peer. Returns what to send to it because of them.
    ///
    /// # Errors
    ///
    /// Why they cannot be used. What they say is kept nevertheless, for [`take_over`](Self::take_over).
    pub fn handle_parameters(
        &mut self,
        now: Instant,
        message: &OrtcMessage,
    ) -> Result<Option<OrtcMessage>, DescriptionError> {
        self.collected.add(message).map_err(DescriptionError::Parameters)?;
        let Some(parameters) = self.collected.complete() else { return Ok(None) };
        // The controlling side of ICE is the server; and whoever has a peer with ICE lite controls.
        let controlling = self.agent.is_controlling() || parameters.ice_lite;
        let by_ice = if controlling { DtlsRole::Server } else { DtlsRole::Client };
        let role = match (parameters.setup, self.remote.as_ref().map(|remote| remote.role)) {
            (Setup::ActPass, known) => known.or(self.dtls_role).unwrap_or(by_ice),
            (Setup::Passive, _) => DtlsRole::Client,
            (Setup::Active, _) => DtlsRole::Server,
        };
        self.check_role(role)?;
        let remote = self.remote(&parameters, role)?;
        let known = self.remote.as_ref().map(|remote| &remote.ice);
        if known == Some(&remote.ice) {
            return Ok(None);
        }
        // Both sides have to have new credentials. If we have none that wait for those of the peer, it is the
        // peer that restarts.
        let restarts = known.is_some() && self.offered.is_none();
        self.offered = None;
        if restarts {
            self.restart(now);
        }
        let answer = restarts.then(|| self.ice_parameters());
        self.accept(now, &[], remote);
        Ok(answer)
    }

    /// Candidates of the peer.
    ///
    /// # Errors
    ///
    /// If some are for a second transport. The others are taken.
    pub fn handle_ice_candidates(
        &mut self,
        now: Instant,
        candidates: &[Labelled<Option<IceCandidate>>],
    ) -> Result<(), DescriptionError> {
        let mut result = Ok(());
        for Labelled { label, value } in candidates {
            if let Err(error) = self.collected.check(label.as_deref()) {
                result = Err(DescriptionError::Parameters(error));
                continue;
            }
            // The end of candidates is no reason to give up.
            let Some(candidate) = value else { continue };
            let candidate = Candidate {
                candidate: parameters::attribute(candidate),
                username_fragment: self.collected.username_fragment().map(str::to_owned),
                ..Candidate::default()
            };
            self.handle_candidate(now, Some(&candidate));
        }
        result
    }

    /// One of our own candidates as ORTC has it. `None` if ORTC has no such candidates.
    pub fn ice_candidate(candidate: &Candidate) -> Option<IceCandidate> {
        parameters::candidate(&candidate.candidate)
    }

    /// Begins with what the peer has said to another connection, which this one takes the place of.
    pub fn take_over(&mut self, from: &mut Self) {
        self.collected = std::mem::take(&mut from.collected);
    }
}
