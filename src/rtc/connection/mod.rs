//! One connection between two peers, without I/O: ICE finds the path, DTLS, SCTP and data channels run
//! on it, and session descriptions carry what both have to know (RFC 9429); or parameters do (`exchange`).
//!
//! The offerer makes the first offer, and all others: it alone restarts ICE. The certificate, and with
//! it the association, stay the same for as long as the connection lives.

mod error;
mod exchange;
mod progress;
mod remote;
mod stall;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

pub use self::error::DescriptionError;
use self::remote::Remote;
use self::stall::Stall;
use crate::crypto::{OsRandom, RandomSource};
use crate::rtc::association::{Association, AssociationEvent, DtlsRole, SctpConfig};
use crate::rtc::certificate::{Certificate, CertificateError};
use crate::rtc::describe::parameters::Collected;
pub use crate::rtc::describe::parameters::ParametersError;
pub use crate::rtc::describe::sdp::SdpError;
use crate::rtc::describe::sdp::{Description, Origin};
use crate::rtc::describe::{Parameters, Setup};
use crate::rtc::ice::{self, Agent, Output, Path, Received, SocketId, StreamId};
use crate::task::webrtc::Candidate;
use crate::task::{ConnectionProblem, ConnectionState};

/// Candidates of the peer that are held until its description is there.
const MAX_EARLY_CANDIDATES: usize = 64;
/// The most bytes that such a candidate may have; longer ones cannot be used.
const MAX_EARLY_CANDIDATE: usize = 2048;

/// An offer that was not answered for this long is made again if there is a reason to.
const OFFER_PATIENCE: Duration = Duration::from_secs(10);

/// The most texts about problems that wait to be taken. A message of the peer can cause very many.
const MAX_PROBLEMS: usize = 64;

/// What a connection is made with.
#[derive(Debug, Clone)]
pub struct ConnectionConfig {
    /// STUN and TURN servers.
    pub ice_servers: Vec<ice::Server>,
    /// Which ways to the peer may be used.
    pub ice_policy: ice::Policy,
    /// Whether this side makes the offers.
    pub offerer: bool,
    /// Which side of the DTLS handshake this is. `None` leaves it to the peer. An offer of SDP always does.
    pub dtls_role: Option<DtlsRole>,
    /// The most bytes that we take in one message of SCTP.
    pub max_message_size: usize,
    /// For how long the peer may be silent.
    pub ice_timeouts: ice::Timeouts,
    /// How long it may take until the connection can be used, from its beginning on.
    pub setup_timeout: Duration,
}

/// What has happened.
#[derive(Debug)]
pub enum ConnectionOutput {
    /// The connection has another state now.
    State(ConnectionState),
    /// A candidate to send to the peer. `None` says that there are no more.
    Candidate(Option<Candidate>),
    /// Something cannot be used, and the connection goes on without it.
    Problem(ConnectionProblem),
    /// What the driver is to do with sockets.
    Io(Output),
}

/// The state machine of a connection.
pub struct Connection {
    offerer: bool,
    /// The role that this side wants to have.
    dtls_role: Option<DtlsRole>,
    agent: Agent,
    certificate: Certificate,
    origin: Origin,
    max_message_size: usize,
    setup_timeout: Duration,
    set_up_until: Instant,
    /// The identification of our section, for candidates: `mid` and index.
    section: (Option<String>, u16),
    /// When the offer was made that waits for its answer.
    offered: Option<Instant>,
    /// How many answers may still come to offers that were replaced by another.
    surplus_answers: u32,
    /// Restart as soon as possible.
    restart_wanted: bool,
    remote: Option<Remote>,
    /// What the peer has said in parameters, if there is no SDP.
    collected: Collected,
    /// Candidates of the peer that came before its description.
    early_candidates: Vec<Candidate>,
    association: Option<Association>,
    /// The association has proved who the peer is.
    secured: bool,
    path: Option<Path>,
    /// How large datagrams may be on the path; `None` while that is not known.
    largest_datagram: Option<usize>,
    stall: Stall,
    state: ConnectionState,
    events: VecDeque<ConnectionOutput>,
}

impl Connection {
    /// A connection with a new certificate.
    ///
    /// # Errors
    ///
    /// If the certificate cannot be made.
    pub fn with_new_certificate(
        now: Instant,
        config: ConnectionConfig,
    ) -> Result<Self, CertificateError> {
        Ok(Self::new(now, config, Certificate::generate()?, Box::new(OsRandom)))
    }

    /// A connection with this certificate.
    pub fn new(
        now: Instant,
        config: ConnectionConfig,
        certificate: Certificate,
        mut random: Box<dyn RandomSource>,
    ) -> Self {
        let origin = Origin::new(u64::from_be_bytes(random.array()));
        let ConnectionConfig { setup_timeout, ice_timeouts: timeouts, .. } = config;
        let agent = ice::AgentConfig {
            servers: config.ice_servers,
            policy: config.ice_policy,
            controlling: config.offerer,
            timeouts,
        };
        Self {
            offerer: config.offerer,
            dtls_role: config.dtls_role,
            agent: Agent::new(now, agent, random),
            certificate,
            origin,
            max_message_size: config.max_message_size,
            setup_timeout,
            set_up_until: now + setup_timeout,
            section: (Some("0".into()), 0),
            offered: None,
            surplus_answers: 0,
            restart_wanted: false,
            remote: None,
            collected: Collected::default(),
            early_candidates: Vec::new(),
            association: None,
            secured: false,
            path: None,
            largest_datagram: None,
            stall: Stall::default(),
            state: ConnectionState::New,
            events: VecDeque::new(),
        }
    }

    /// A socket is there. The first ones are to be added before there is a description.
    pub fn add_socket(&mut self, now: Instant, id: SocketId, local: SocketAddr) {
        if let Err(error) = self.agent.add_socket(now, id, local) {
            tracing::debug!(%error, "a socket cannot be used");
        }
        self.drain(now);
    }

    /// A socket is gone.
    pub fn remove_socket(&mut self, now: Instant, id: SocketId) {
        self.agent.remove_socket(now, id);
        self.drain(now);
    }

    /// An offer to send to the peer: the first one, or one that restarts ICE. `None` if none is
    /// possible now: another one waits for its answer (then [`take_restart`](Self::take_restart) says
    /// later that it is time), or the peer makes the offers. One that waits for very long is replaced by
    /// one with the same credentials, so that an answer to either is right for both.
    pub fn create_offer(&mut self, now: Instant) -> Option<String> {
        if !self.offerer || self.state.is_end() {
            return None;
        }
        if self.must_wait(now) {
            self.restart_wanted = true;
            return None;
        }
        self.restart_wanted = false;
        if self.offered.is_some() {
            self.surplus_answers = self.surplus_answers.saturating_add(1);
        }
        if self.remote.is_some() {
            self.restart(now);
        }
        self.offered = Some(now);
        let parameters = self.parameters(Setup::ActPass);
        let sdp = self.origin.offer(&parameters);
        self.agent.gather(now);
        self.drain(now);
        Some(sdp)
    }

    fn restart(&mut self, now: Instant) {
        tracing::info!("ICE restart: both sides look for the best path to each other again");
        self.agent.restart(now);
    }

    /// Restart when [`take_restart`](Self::take_restart) is asked next.
    pub fn want_restart(&mut self) {
        self.restart_wanted = self.offerer;
    }

    /// Whether another offer was wanted and is possible now.
    pub fn take_restart(&mut self, now: Instant) -> bool {
        !self.must_wait(now) && std::mem::take(&mut self.restart_wanted)
    }

    /// Whether there is an offer that may well be answered yet.
    fn must_wait(&self, now: Instant) -> bool {
        self.offered.is_some_and(|at| now < at + OFFER_PATIENCE)
    }

    /// The peer's answer to our offer.
    pub fn handle_answer(&mut self, now: Instant, sdp: &str) -> Result<(), DescriptionError> {
        if self.offered.is_none() && self.surplus_answers == 0 {
            return Err(DescriptionError::Unexpected);
        }
        let answer = Description::parse(sdp).map_err(DescriptionError::Sdp)?;
        let role = match answer.parameters.setup {
            Setup::Active => DtlsRole::Server,
            Setup::Passive => DtlsRole::Client,
            Setup::ActPass => return Err(DescriptionError::Setup),
        };
        let remote = self.remote(&answer.parameters, role)?;
        let again = self.remote.as_ref().is_some_and(|known| known.ice == remote.ice);
        if again && self.surplus_answers > 0 {
            self.surplus_answers -= 1;
            return Ok(());
        }
        if self.state.is_end() || self.offered.take().is_none() {
            return Err(DescriptionError::Unexpected);
        }
        self.accept(now, &answer.candidates, remote);
        Ok(())
    }

    /// What is wrong with an offer of the peer in itself, whatever connection it is about.
    pub fn check_offer(&self, sdp: &str) -> Result<(), DescriptionError> {
        let offer = Description::parse(sdp).map_err(DescriptionError::Sdp)?;
        Remote::read(&offer.parameters, DtlsRole::Client, None, self.max_message_size).map(|_| ())
    }

    /// The peer's offer. Returns our answer.
    pub fn handle_offer(&mut self, now: Instant, sdp: &str) -> Result<String, DescriptionError> {
        let offer = Description::parse(sdp).map_err(DescriptionError::Sdp)?;
        // The roles of an association cannot change any more.
        let role = match (offer.parameters.setup, self.remote.as_ref().map(|remote| remote.role)) {
            (Setup::ActPass, known) => known.or(self.dtls_role).unwrap_or(DtlsRole::Client),
            (Setup::Active, _) => DtlsRole::Server,
            (Setup::Passive, _) => DtlsRole::Client,
        };
        self.check_role(role)?;
        let remote = self.remote(&offer.parameters, role)?;
        let setup = match role {
            DtlsRole::Client => Setup::Active,
            DtlsRole::Server => Setup::Passive,
        };
        if self.remote.as_ref().is_some_and(|known| known.ice != remote.ice) {
            self.restart(now);
        }
        let index = u16::try_from(offer.index()).unwrap_or_default();
        self.section = (offer.mid().map(str::to_owned), index);
        let parameters = self.parameters(setup);
        let answer = self.origin.answer(&offer, &parameters);
        self.accept(now, &offer.candidates, remote);
        Ok(answer)
    }

    /// Reads what a description says of the peer.
    fn remote(&self, parameters: &Parameters, role: DtlsRole) -> Result<Remote, DescriptionError> {
        Remote::read(parameters, role, self.remote.as_ref(), self.max_message_size)
    }

    /// Whether the peer leaves us the role in DTLS that we want to have.
    fn check_role(&self, role: DtlsRole) -> Result<(), DescriptionError> {
        match self.dtls_role {
            Some(wanted) if wanted != role => Err(DescriptionError::Setup),
            _ => Ok(()),
        }
    }

    fn accept(&mut self, now: Instant, candidates: &[String], remote: Remote) {
        if remote.ice_lite {
            self.agent.take_control();
        }
        if let Err(error) = self.agent.set_remote(now, remote.ice.clone()) {
            // Answers have to have new credentials if their offer had.
            self.problem(ConnectionProblem::Description(error.to_string()));
        }
        let first = self.remote.is_none();
        self.remote = Some(remote);
        self.agent.gather(now);
        for candidate in candidates {
            self.add_candidate_text(now, candidate);
        }
        for candidate in std::mem::take(&mut self.early_candidates) {
            self.add_candidate(now, &candidate);
        }
        if first {
            self.start_server(now);
        }
        self.drain(now);
    }

    /// A candidate of the peer.
    pub fn handle_candidate(&mut self, now: Instant, candidate: Option<&Candidate>) {
        // The end of candidates is no reason to give up: checks of the peer may come from other addresses.
        let Some(candidate) = candidate else { return };
        if self.remote.is_some() {
            self.add_candidate(now, candidate);
            self.drain(now);
        } else if self.early_candidates.len() < MAX_EARLY_CANDIDATES
            && candidate.size() <= MAX_EARLY_CANDIDATE
        {
            // Before the description it is not known which section they are for.
            self.early_candidates.push(candidate.clone());
        }
    }

    fn add_candidate(&mut self, now: Instant, candidate: &Candidate) {
        let (mid, index) = &self.section;
        let ours = match (&candidate.sdp_mid, mid, candidate.sdp_m_line_index) {
            (Some(theirs), Some(mid), _) => theirs == mid,
            (_, _, Some(theirs)) => theirs == *index,
            _ => true,
        };
        if !ours {
            return;
        }
        let text = &candidate.candidate;
        match &candidate.username_fragment {
            // It says which generation a candidate is of, as it does within the text.
            Some(fragment) if !text.is_empty() && !text.contains(" ufrag ") => {
                self.add_candidate_text(now, &format!("{text} ufrag {fragment}"));
            }
            _ => self.add_candidate_text(now, text),
        }
    }

    fn add_candidate_text(&mut self, now: Instant, candidate: &str) {
        if let Err(error) = self.agent.add_remote_candidate(now, candidate) {
            self.problem(ConnectionProblem::Candidate(error.to_string()));
        }
    }

    fn problem(&mut self, problem: ConnectionProblem) {
        let waiting =
            self.events.iter().filter(|event| matches!(event, ConnectionOutput::Problem(_)));
        if waiting.count() < MAX_PROBLEMS {
            self.events.push_back(ConnectionOutput::Problem(problem));
        }
    }

    fn parameters(&self, setup: Setup) -> Parameters {
        let credentials = self.agent.local_credentials();
        Parameters {
            ice_ufrag: credentials.ufrag().to_owned(),
            ice_pwd: credentials.password().to_owned(),
            ice_lite: false,
            fingerprints: vec![self.certificate.fingerprint().to_string()],
            setup,
            sctp_port: SctpConfig::default().port,
            max_message_size: Some(self.max_message_size),
        }
    }

    /// Begins the DTLS handshake if we are its server, which only waits, so that there need not be a path yet.
    /// The client begins when there is one: what it sent before would be lost, and a repetition comes late.
    fn start_server(&mut self, now: Instant) {
        if self.remote.as_ref().is_some_and(|remote| remote.role == DtlsRole::Server) {
            self.start_association(now);
        }
    }

    fn start_association(&mut self, now: Instant) {
        if self.association.is_some() {
            return;
        }
        let Some(remote) = &self.remote else { return };
        // The time of the whole connection has begun before.
        let sctp = SctpConfig { setup_timeout: self.setup_timeout, ..remote.sctp.clone() };
        self.association = Some(Association::new(
            now,
            remote.role,
            &self.certificate,
            remote.fingerprints.clone(),
            &sctp,
        ));
        match (self.largest_datagram, &mut self.association) {
            (None, Some(association)) => association.await_mtu(),
            (Some(bytes), Some(association)) => association.set_mtu(now, bytes),
            (_, None) => {}
        }
    }

    /// DTLS, SCTP and the data channels, once there is a path.
    pub fn association(&mut self) -> Option<&mut Association> {
        self.association.as_mut()
    }

    /// The largest message that the peer takes, in bytes; 0 if it set no limit.
    pub fn remote_max_message_size(&self) -> usize {
        self.remote.as_ref().map_or(0, |remote| remote.sctp.remote_max_message_size)
    }

    /// How the connection is doing.
    pub fn state(&self) -> &ConnectionState {
        &self.state
    }

    /// The state of ICE, the path and bytes.
    pub fn ice_stats(&self) -> ice::IceStats {
        self.agent.stats()
    }

    /// A datagram arrived.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        match self.agent.handle_packet(now, socket, from, datagram) {
            Received::Consumed => self.drain(now),
            Received::Data(range) => {
                if let Some(association) = &mut self.association {
                    association.handle_datagram(now, &datagram[range]);
                }
            }
        }
    }

    /// A connection to a TURN server is open.
    pub fn handle_stream_open(&mut self, now: Instant, id: StreamId, local: SocketAddr) {
        self.agent.handle_connected(now, id, local);
        self.drain(now);
    }

    /// Bytes arrived on a connection to a TURN server.
    pub fn handle_stream_data(&mut self, now: Instant, id: StreamId, data: &[u8]) {
        self.agent.handle_stream(now, id, data);
        self.drain(now);
    }

    /// A connection to a TURN server is gone; with the reason if that is an error.
    pub fn handle_stream_closed(&mut self, now: Instant, id: StreamId, why: Option<&str>) {
        self.agent.handle_closed(now, id, why);
        self.drain(now);
    }

    /// The addresses of a host that the agent asked for.
    pub fn handle_resolved(&mut self, now: Instant, name: &str, addresses: &[IpAddr]) {
        self.agent.handle_resolved(now, name, addresses);
        self.drain(now);
    }

    /// What has happened.
    pub fn poll_event(&mut self) -> Option<ConnectionOutput> {
        self.events.pop_front()
    }

    /// The next event of the association. Events that are not taken slow the peer down.
    pub fn poll_association(&mut self) -> Option<AssociationEvent> {
        let event = self.association.as_mut()?.poll_event()?;
        match &event {
            AssociationEvent::Connected => self.secured = true,
            AssociationEvent::Failed(why) => self.ended(ConnectionState::Failed(why.clone())),
            AssociationEvent::Ended => self.ended(ConnectionState::Closed),
            _ => {}
        }
        self.update_state();
        Some(event)
    }

    /// Where the datagrams of [`poll_datagram`](Self::poll_datagram) go, if they go straight to the
    /// peer.
    pub fn direct_path(&self) -> Option<(SocketId, SocketAddr)> {
        match self.path {
            Some(Path::Direct { socket, to }) => Some((socket, to)),
            Some(Path::Relayed) | None => None,
        }
    }

    /// Whether datagrams may be cut into fragments by the network: some have become too large for the path.
    pub fn may_fragment(&self) -> bool {
        let mtu = self.association.as_ref().map(Association::mtu);
        matches!((self.largest_datagram, mtu), (Some(largest), Some(mtu)) if largest < mtu)
    }

    /// Whether there is a path and the peer knows it, so that it can answer.
    pub fn peer_knows_path(&self) -> bool {
        self.agent.peer_knows_path()
    }

    /// A datagram for the peer.
    pub fn poll_datagram(&mut self) -> Option<Vec<u8>> {
        self.association.as_mut()?.poll_transmit()
    }

    /// So many bytes of datagrams were sent on the direct path.
    pub fn count_sent(&mut self, now: Instant, bytes: usize) {
        self.agent.count_sent(now, bytes as u64);
    }

    /// Sends the datagrams by way of the relay; without a path they are lost, as on any network.
    pub fn send_relayed(&mut self, now: Instant) {
        let mut any = false;
        while let Some(datagram) = self.poll_datagram() {
            let _ = self.agent.send(now, &datagram);
            any = true;
        }
        if any {
            self.drain(now);
        }
    }

    /// Whether the peer has said what this side needs to know, and it can be used.
    pub fn is_described(&self) -> bool {
        self.remote.is_some()
    }

    /// An offer, or an answer, which tells the peer that there will be no connection.
    pub fn rejection(&mut self) -> String {
        self.origin.rejection()
    }
}
