//! Settings and figures of the built-in WebRTC engine.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::rtc::association::DtlsRole;
use crate::rtc::ice;
use crate::task::ConnectionState;
use crate::task::webrtc::Options;

/// The settings of the built-in WebRTC engine.
#[derive(Debug, Clone)]
pub struct RtcConfig {
    /// STUN and TURN servers, which find paths through NATs and firewalls. Default: none, which is
    /// enough within one network.
    pub ice_servers: Vec<ice::Server>,
    /// Which ways to the peer may be used. Default: all.
    pub ice_policy: ice::Policy,
    /// What the WebRTC task negotiates: the ids that the application wants for its own negotiated
    /// channels, and whether the signalling is handed over.
    pub options: Options,
    /// The tasks to add: WebRTC, ORTC, or both. Default: WebRTC, which is what other implementations of SaltyRTC
    /// have. Apart from the name of the task they are alike for the application.
    pub tasks: RtcTasks,
    /// Which side of the DTLS handshake this client is. Default: `None`, which is right for all peers but those that
    /// can be one of the two only, and have said that they can be either. With the WebRTC task the initiator
    /// always leaves it to the responder, as WebRTC prescribes.
    pub dtls_role: Option<DtlsRole>,
    /// The most bytes that a message on a secure channel may have, sent or received. Default 16 MiB.
    /// Plain channels take what WebRTC takes: 256 KiB to us, what the peer says to it.
    pub max_message_size: usize,
    /// The most bytes that may wait to be sent on a channel. Beyond it sending fails until there is
    /// room, except that one message is always taken. Default 4 MiB.
    pub max_buffered: usize,
    /// The most channels that may be there at a time, those of the peer and our own. Those that the peer
    /// opens beyond it are closed. Default 256.
    pub max_channels: usize,
    /// The labels of channels that are not secure, if the peer opens them. Default: none, so that all
    /// are secure.
    pub plain_labels: Vec<String>,
    /// The addresses of this host to use. Default: none, which means all that it has.
    /// [`Client::set_addresses`](crate::client::Client::set_addresses) replaces them later.
    pub addresses: Vec<IpAddr>,
    /// The UDP ports to use, one for each address. Default: `None`, which means any.
    pub ports: Option<RangeInclusive<u16>>,
    /// Without a sign of life of the peer for this long, the connection is
    /// [`Disconnected`](ConnectionState::Disconnected), which may pass. At least a second. Default: 7 seconds.
    pub disconnected_timeout: Duration,
    /// Without a sign of life of the peer for this long, the peer is
    /// [`Unreachable`](ConnectionState::Unreachable). From a second to 30 seconds, as nobody may be sent to for
    /// longer without its consent (RFC 7675). The first path, and another one after a restart of ICE, is looked
    /// for until nothing has been heard of new addresses for this long, but for ten seconds at least. Default: 30
    /// seconds.
    ///
    /// The shorter of the two times decides how often the peer is asked: about three times within it, every 2.5
    /// seconds by default. The sooner the end of a peer is noticed, the more a phone is kept awake, and the more
    /// connections are lost that would have come back. After the handover an unreachable peer is the end of the
    /// client.
    pub unreachable_timeout: Duration,
    /// How long it may take until channels can be used, from the peer's handshake (or its first offer) on. After
    /// that the connection is [`Failed`](ConnectionState::Failed). Default: two minutes, in which a handshake
    /// gets through bad networks.
    pub setup_timeout: Duration,
}

/// Whether a host can have this address, so that others can send something there.
pub(crate) fn is_of_a_host(address: IpAddr) -> bool {
    !address.is_unspecified() && !address.is_multicast()
}

impl Default for RtcConfig {
    fn default() -> Self {
        let timeouts = ice::Timeouts::default();
        Self {
            ice_servers: Vec::new(),
            ice_policy: ice::Policy::All,
            options: Options::default(),
            tasks: RtcTasks::default(),
            dtls_role: None,
            max_message_size: 16 << 20,
            max_buffered: 4 << 20,
            max_channels: 256,
            plain_labels: Vec::new(),
            addresses: Vec::new(),
            ports: None,
            disconnected_timeout: timeouts.disconnected,
            unreachable_timeout: timeouts.failed,
            setup_timeout: Duration::from_secs(120),
        }
    }
}

/// The tasks that the engine is added with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RtcTasks {
    /// WebRTC: the two sides describe the connection in SDP.
    #[default]
    WebRtc,
    /// ORTC: they describe it by the parameters of its transports.
    Ortc,
    /// Both; WebRTC is preferred.
    WebRtcThenOrtc,
    /// Both; ORTC is preferred.
    OrtcThenWebRtc,
}

/// Figures of the connection to the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtcStats {
    /// How the connection is doing.
    pub state: ConnectionState,
    /// The path in use, if there is one, with its round-trip time.
    pub path: Option<ice::PathStats>,
    /// Bytes sent to the peer, as UDP payload: encryption, headers and what was sent again included,
    /// looking for paths and TURN not.
    pub bytes_sent: u64,
    /// Bytes received from the peer, likewise.
    pub bytes_received: u64,
    /// How many channels of the application are open.
    pub channels: usize,
}

impl Default for RtcStats {
    fn default() -> Self {
        Self {
            state: ConnectionState::New,
            path: None,
            bytes_sent: 0,
            bytes_received: 0,
            channels: 0,
        }
    }
}
