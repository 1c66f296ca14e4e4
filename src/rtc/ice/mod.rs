//! ICE (RFC 8445, with trickling: RFC 8838): finds a path to the peer through NATs and firewalls, and
//! keeps watch over it.
//!
//! [`Agent`] is a state machine without I/O, for one data stream with one component. It is given
//! sockets, packets, the time and the answers to its questions; what it wants done comes out of
//! [`Agent::poll_output`]. Connectivity checks and nomination are those of the crate `is`, the TURN
//! client is that of `turn-client-proto`. Their log lines name the addresses of peers, and some of
//! them passwords: both crates run with logging off.
//!
//! Time line of an established path, counted from the last answer of the peer to a consent check
//! (RFC 7675; one is sent every 2.5 s, and more often after a loss): [`IceState::Disconnected`] after
//! [`Timeouts::disconnected`], [`IceState::Failed`] after [`Timeouts::failed`]; with short timeouts checks are
//! sent more often. Without any path yet, or while a restart is under way: [`IceState::Failed`] when for
//! [`Timeouts::search`] there has been no new candidate of either side. [`Agent::restart`] leads out of every
//! state.
//!
//! A peer that has moved need not say so: it sends checks from its new address, and a path that has been
//! silent for a second gives way to one that is not. That works as long as one of the two stays where it
//! is, or has a relayed address that stays, and lets the checks in: a TURN server does if they come from an
//! IP address that packets were sent to before, which may be that of the peer's own TURN server.

mod agent;
mod candidate;
mod checks;
mod credentials;
mod gather;
mod lease;
mod mdns;
mod net;
mod path_mtu;
mod relay;
mod server;
mod server_reflexive;
mod watch;

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

pub use agent::{Agent, RestartNeeded, SocketError};
pub use candidate::{CandidateError, CandidateType};
pub use credentials::{Credentials, CredentialsError};
pub use mdns::{MdnsAnswer, mdns_answer, mdns_queries};
pub use server::{Server, ServerError, ServerTransport};

/// A datagram that gets through links with an MTU of 576 bytes (IPv4), also in an indication of a TURN server. That takes 36
/// bytes, and as many more if the server adds what it is and a fingerprint.
pub const LEAST_DATAGRAM: usize = 460;

/// The number of remote candidates an agent takes between two restarts; further ones are ignored.
pub const MAX_REMOTE_CANDIDATES: usize = 256;

/// The number of sockets an agent takes.
pub const MAX_SOCKETS: usize = 64;

/// The number of ICE servers an agent uses; further ones are ignored.
pub const MAX_SERVERS: usize = 16;

/// The name that the driver gave to one of its UDP sockets. Never used for another one later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SocketId(pub u32);

/// The name that the agent gave to one of its connections to TURN servers. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamId(pub u32);

/// Which candidates may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// All of them.
    #[default]
    All,
    /// Only those of TURN servers: the peer does not learn the addresses of this host.
    RelayOnly,
}

/// For how long a peer may be silent. [`Default`] is 7 and 30 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Without an answer of the peer for this long, a path counts as [`IceState::Disconnected`]. At least
    /// [`Timeouts::MIN`].
    pub disconnected: Duration,
    /// Without an answer of the peer for this long, the consent to send has expired (RFC 7675 section 5.1),
    /// and the agent has [`IceState::Failed`]. From [`Timeouts::MIN`] to [`Timeouts::MAX_FAILED`].
    pub failed: Duration,
}

impl Timeouts {
    /// Less would take a few lost packets for the end.
    pub const MIN: Duration = Duration::from_secs(1);

    /// Nobody may be sent to for longer without consent.
    pub const MAX_FAILED: Duration = Duration::from_secs(30);

    /// A path is looked for at least this long: relays and slow networks take their time.
    const MIN_SEARCH: Duration = Duration::from_secs(10);

    /// How long a path is looked for since there was news of candidates.
    #[must_use]
    pub fn search(&self) -> Duration {
        self.failed.max(Self::MIN_SEARCH)
    }

    /// These timeouts, within their limits.
    fn limited(self) -> Self {
        let Self { disconnected, failed } = self;
        Self {
            disconnected: disconnected.max(Self::MIN),
            failed: failed.clamp(Self::MIN, Self::MAX_FAILED),
        }
    }

    /// How often the peer is asked for its consent while all is well: about three times within the shorter timeout.
    fn consent_interval(&self) -> Duration {
        const LONGEST: Duration = Duration::from_millis(2500);
        LONGEST.min(self.disconnected.min(self.failed) * 5 / 14)
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { disconnected: Duration::from_secs(7), failed: Self::MAX_FAILED }
    }
}

/// What an agent needs to know from the start.
#[derive(Debug, Clone, Default)]
pub struct AgentConfig {
    /// STUN and TURN servers, at most [`MAX_SERVERS`].
    pub servers: Vec<Server>,
    /// Which candidates may be used.
    pub policy: Policy,
    /// Whether this side chooses the path. That is the side that made the first offer; if both sides
    /// believe so, the conflict is resolved (RFC 8445 section 7.3.1.1).
    pub controlling: bool,
    /// For how long the peer may be silent.
    pub timeouts: Timeouts,
}

/// How far the agent has come. The module says when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IceState {
    /// The credentials of the peer are not known yet.
    New,
    /// Looking for a path.
    Checking,
    /// There is a path, and the peer answers.
    Connected,
    /// The peer has not answered for a while. This may pass; a restart helps if the network changed.
    Disconnected,
    /// No path was found, or it was lost for long. Only [`Agent::restart`] helps.
    Failed,
}

/// Where packets for the peer go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// From this socket straight to this address: the driver may send there by itself, many datagrams
    /// at once, and then calls [`Agent::count_sent`].
    Direct {
        /// The socket to send from.
        socket: SocketId,
        /// The address of the peer.
        to: SocketAddr,
    },
    /// Through a TURN server: every packet has to go through [`Agent::send`].
    Relayed,
}

/// How large datagrams may be, in bytes of UDP payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LargestDatagram {
    /// So many bytes get to the peer, from [`LEAST_DATAGRAM`] to 1200. Whether more would, has not been tried.
    Known(usize),
    /// The peer answers no checks that say.
    Unknown,
}

/// What the agent wants done, or known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this datagram. If the socket cannot take it now, it may be dropped.
    Transmit {
        /// The socket to send from.
        socket: SocketId,
        /// The address to send to.
        to: SocketAddr,
        /// The datagram, at most 1,500 bytes unless the application's own data were larger.
        data: Vec<u8>,
    },
    /// Write these bytes to a connection. They are one whole message: if the connection is congested,
    /// all of them may be dropped.
    StreamTransmit {
        /// The connection, asked for by [`Output::Connect`].
        stream: StreamId,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Open a connection; then call [`Agent::handle_connected`], or [`Agent::handle_closed`].
    Connect {
        /// The name for it.
        stream: StreamId,
        /// The address of the server. It means nothing if a proxy looks the name up ([`Server::by_name`]).
        to: SocketAddr,
        /// The host of the server, as a proxy is to be asked for it: a name, or an IP address without brackets.
        host: String,
        /// With TLS, and then the name that the certificate has to be valid for (a DNS name, or an IP
        /// address). `None`: without TLS.
        tls_server_name: Option<String>,
    },
    /// Close a connection. Nothing more comes for it, and [`Agent::handle_closed`] need not be called.
    Disconnect {
        /// The connection.
        stream: StreamId,
    },
    /// Look up the addresses of a host, then call [`Agent::handle_resolved`]. Give up after about five
    /// seconds.
    Resolve {
        /// The name of the host.
        name: String,
        /// Whether to ask by multicast DNS ([`mdns_queries`]), not the resolver of the system: the name
        /// ends in `.local`, and comes from the peer.
        mdns: bool,
    },
    /// A packet from the peer that came over a connection to a TURN server. What comes over sockets is
    /// returned by [`Agent::handle_packet`].
    Data(Vec<u8>),
    /// A candidate for the peer: `candidate:…` with `ufrag`, without `a=`.
    Candidate(String),
    /// There will be no more candidates, until a restart.
    EndOfCandidates,
    /// The state has changed.
    State(IceState),
    /// The path to the peer has changed.
    Path(Option<Path>),
    /// How large datagrams to the peer may be. Comes a moment after [`Output::Path`], once for several paths that follow
    /// each other closely, and after [`Agent::measure`].
    LargestDatagram(LargestDatagram),
    /// The peer is somewhere else than before, so that there may be better paths now: a restart finds
    /// them.
    RestartAdvised,
    /// A server cannot be used. The agent goes on without it.
    ServerFailed {
        /// Its URL.
        url: String,
        /// What is wrong, for people.
        problem: String,
    },
}

/// What a packet was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// It was for the agent, or is to be ignored.
    Consumed,
    /// It is for the application: this range of its bytes (all of them, unless it came through a TURN
    /// server). It came from an address that the peer has proved to be at, and looks like DTLS (RFC 7983).
    Data(Range<usize>),
}

/// There is no path to the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotConnected;

impl std::fmt::Display for NotConnected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("there is no path to the peer")
    }
}

impl std::error::Error for NotConnected {}

/// How packets get to a TURN server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayProtocol {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
}

/// The path in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStats {
    /// The type of the candidate of this side.
    pub local_type: CandidateType,
    /// The address of this side, as seen by the peer as far as known.
    pub local_address: SocketAddr,
    /// How packets get to the TURN server, if the candidate of this side is a relayed one.
    pub relay_protocol: Option<RelayProtocol>,
    /// The type of the candidate of the peer.
    pub remote_type: CandidateType,
    /// The address of the peer.
    pub remote_address: SocketAddr,
    /// How long the last consent check took to be answered.
    pub round_trip_time: Option<Duration>,
}

/// Figures of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceStats {
    /// The state.
    pub state: IceState,
    /// The path in use, if there is one.
    pub path: Option<PathStats>,
    /// Bytes of the application sent, as UDP payload without ICE and TURN.
    pub bytes_sent: u64,
    /// Bytes of the application received, likewise.
    pub bytes_received: u64,
}
