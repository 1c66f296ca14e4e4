//! Statistics of the connection to the peer.

use std::mem::size_of;

use crate::client::RtcStats;
use crate::ffi::args::handle;
use crate::ffi::client::saltyrtc_client;
use crate::ffi::declare::{c_enum, c_struct};
use crate::ffi::error::{entry, saltyrtc_error};
use crate::ffi::event::{saltyrtc_candidate_type, saltyrtc_connection_state};
use crate::ffi::growing;
use crate::ffi::status::saltyrtc_status;
use crate::rtc::ice::{CandidateType, RelayProtocol};

c_enum! {
    /// How packets get to the TURN server of this client.
    pub enum saltyrtc_relay_protocol {
        /// This client uses none.
        None = 0,
        /// UDP.
        Udp = 1,
        /// TCP.
        Tcp = 2,
        /// TLS over TCP.
        Tls = 3,
    }
}

c_struct! {
    /// Statistics of the connection to the peer. Set struct_size before the call.
    pub struct saltyrtc_rtc_stats {
        /// sizeof(saltyrtc_rtc_stats).
        pub struct_size: usize,
        /// The state of the connection.
        pub state: saltyrtc_connection_state,
        /// The type of this client's address on the path in use.
        pub local_type: saltyrtc_candidate_type,
        /// The type of the peer's address.
        pub remote_type: saltyrtc_candidate_type,
        /// How packets get to the TURN server of this client.
        pub relay_protocol: saltyrtc_relay_protocol,
        /// Address and port of this client, for example "192.0.2.1:5000" or "[2001:db8::1]:5000".
        /// NUL-terminated; empty if there is no path.
        pub local_address: [std::ffi::c_char; 64],
        /// Address and port of the peer, in the same form.
        pub remote_address: [std::ffi::c_char; 64],
        /// The round-trip time of the last check of the path in microseconds; 0 if it is not known.
        pub round_trip_time_us: u64,
        /// How many bytes of UDP payload were sent to the peer, including encryption, headers, and
        /// retransmissions.
        pub bytes_sent: u64,
        /// How many bytes of UDP payload were received from the peer, likewise.
        pub bytes_received: u64,
        /// The number of open channels, without that of the signalling.
        pub channels: usize,
    }
}

impl saltyrtc_rtc_stats {
    fn new(stats: RtcStats) -> Self {
        let path = stats.path.as_ref();
        Self {
            struct_size: size_of::<Self>(),
            state: (&stats.state).into(),
            local_type: path.map(|path| path.local_type).into(),
            remote_type: path.map(|path| path.remote_type).into(),
            relay_protocol: match path.and_then(|path| path.relay_protocol) {
                None => saltyrtc_relay_protocol::None,
                Some(RelayProtocol::Udp) => saltyrtc_relay_protocol::Udp,
                Some(RelayProtocol::Tcp) => saltyrtc_relay_protocol::Tcp,
                Some(RelayProtocol::Tls) => saltyrtc_relay_protocol::Tls,
            },
            local_address: address(path.map(|path| path.local_address)),
            remote_address: address(path.map(|path| path.remote_address)),
            round_trip_time_us: path
                .and_then(|path| path.round_trip_time)
                .map_or(0, |time| time.as_micros().try_into().unwrap_or(u64::MAX)),
            bytes_sent: stats.bytes_sent,
            bytes_received: stats.bytes_received,
            channels: stats.channels,
        }
    }
}

impl From<Option<CandidateType>> for saltyrtc_candidate_type {
    fn from(kind: Option<CandidateType>) -> Self {
        match kind {
            None => Self::None,
            Some(CandidateType::Host) => Self::Host,
            Some(CandidateType::ServerReflexive) => Self::ServerReflexive,
            Some(CandidateType::PeerReflexive) => Self::PeerReflexive,
            Some(CandidateType::Relayed) => Self::Relayed,
        }
    }
}

/// The longest text is that of an IPv6 address with a scope.
fn address(address: Option<std::net::SocketAddr>) -> [std::ffi::c_char; 64] {
    let mut text = [0; 64];
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    for (to, from) in text[..63].iter_mut().zip(address.bytes()) {
        *to = from as std::ffi::c_char;
    }
    text
}

/// Gets statistics of the connection to the peer. Set `stats->struct_size` before the call. Fails with
/// SALTYRTC_STATUS_NO_RTC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_rtc_stats(
    client: *const saltyrtc_client,
    stats: *mut saltyrtc_rtc_stats,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let stats = growing::output(stats, "stats")?;
        let figures = handle(client, "client")?.get()?.rtc_stats()?;
        stats.fill(&saltyrtc_rtc_stats::new(figures));
        Ok(())
    })
}
