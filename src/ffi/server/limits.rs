//! The limits of the embedded server.

use std::time::Duration;

use crate::ffi::args::{self, handle_mut};
use crate::ffi::declare::c_enum;
use crate::ffi::error::{Failure, Outcome, entry, saltyrtc_error};
use crate::ffi::server::saltyrtc_server_config;
use crate::ffi::status::saltyrtc_status;
use crate::server::{AcceptRate, ServerLimits};

/// For limits that may be switched off: no limit.
pub const SALTYRTC_NO_LIMIT: u64 = u64::MAX;

c_enum! {
    /// What a server puts up with. Those marked with (*) can be switched off with SALTYRTC_NO_LIMIT. New
    /// limits may appear.
    pub enum saltyrtc_limit {
        /// (*) Connections at once; more are closed before TLS. Default: 65536.
        Connections = 0,
        /// (*) Connections at once from one IPv4 address or IPv6 /64 network. Default: 4096.
        ConnectionsPerAddress = 1,
        /// (*) Connections at once on one path; more are closed with 3000. Default: 1024.
        ConnectionsPerPath = 2,
        /// (*) Connections per second from one address, after a burst of 4096. Default: 200.
        AcceptRate = 3,
        /// Milliseconds from TCP connection to authentication. Default: 30000.
        HandshakeTime = 4,
        /// (*) Milliseconds without a message from or to a client; then it is closed with 3008. Default: no
        /// limit.
        IdleTime = 5,
        /// (*) Milliseconds that a connection may take none of the data that waits for it; then it is cut.
        /// Default: 60000.
        StallTime = 6,
        /// Milliseconds that a client may take to answer a ping; then it is closed with 3008. Default: 30000.
        PongTime = 7,
        /// Milliseconds that a connection may take to close; then it is cut. Default: 5000.
        CloseTime = 8,
        /// Milliseconds that a shutdown may take; then all connections are cut. Default: 8000.
        ShutdownTime = 9,
        /// Bytes of a message, at least 1024; clients that send more are closed with 1009. Default: 1 MiB.
        MessageSize = 10,
        /// Bytes of relayed messages that may wait for one client, at least 1024 (or 0 for one message of
        /// any size); the sender of one that does not fit is told that it was not sent. Default: 4 MiB.
        QueueBytes = 11,
        /// (*) Milliseconds without traffic after which it is checked whether a client is still there; full
        /// seconds. Default: 300000.
        TcpKeepalive = 12,
        /// (*) Bytes that may wait for all clients together. Default: 512 MiB.
        AllQueuesBytes = 13,
    }
}

/// Sets a limit (one of saltyrtc_limit) of a server. Units are in the description of the limit.
///
/// Fails with SALTYRTC_STATUS_BAD_ARGUMENT if there is no such limit or the value is too large for it.
/// Values with which nothing would work show when the server starts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_config_set_limit(
    config: *mut saltyrtc_server_config,
    limit: i32,
    value: u64,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || set(&mut handle_mut(config, "config")?.0.limits, limit, value))
}

fn set(limits: &mut ServerLimits, limit: i32, value: u64) -> Outcome<()> {
    let optional = (value != SALTYRTC_NO_LIMIT).then_some(value);
    let number = || usize::try_from(value).map_err(|_| too_large(value));
    let required = || match optional {
        Some(value) => Ok(Duration::from_millis(value)),
        None => Err(Failure::argument("value", "this limit cannot be switched off")),
    };
    let count = || match optional {
        Some(_) => number().map(Some),
        None => Ok(None),
    };
    let time = optional.map(Duration::from_millis);
    use saltyrtc_limit as L;
    match args::enumeration(limit, "limit")? {
        L::Connections => limits.connections = count()?,
        L::ConnectionsPerAddress => limits.connections_per_address = count()?,
        L::ConnectionsPerPath => limits.connections_per_path = count()?,
        L::AcceptRate => {
            let burst = ServerLimits::default().accept_rate.map_or(1, |rate| rate.burst);
            limits.accept_rate = match optional {
                Some(value) => {
                    let per_second = u32::try_from(value).map_err(|_| too_large(value))?;
                    Some(AcceptRate { per_second, burst: burst.max(per_second) })
                }
                None => None,
            };
        }
        L::HandshakeTime => limits.handshake_timeout = required()?,
        L::IdleTime => limits.idle_timeout = time,
        L::StallTime => limits.stall_timeout = time,
        L::PongTime => limits.pong_timeout = required()?,
        L::CloseTime => limits.close_timeout = required()?,
        L::ShutdownTime => limits.shutdown_timeout = required()?,
        L::MessageSize => {
            required()?;
            limits.message_size = number()?;
        }
        L::QueueBytes => {
            required()?;
            limits.queue_bytes = number()?;
        }
        L::TcpKeepalive => limits.tcp_keepalive = time,
        L::AllQueuesBytes => limits.all_queues_bytes = count()?,
    }
    Ok(())
}

fn too_large(value: u64) -> Failure {
    Failure::argument("value", format!("{value} is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_set_and_nothing_else() {
        let mut seen = Vec::new();
        for limit in 0..14 {
            let mut limits = ServerLimits::default();
            set(&mut limits, limit, 7_000).unwrap_or_else(|_| panic!("limit {limit}"));
            assert_ne!(limits, ServerLimits::default(), "limit {limit}");
            assert!(!seen.contains(&limits), "limit {limit} sets what another one sets");
            seen.push(limits);
        }
        for limit in [-1, 14, i32::MAX] {
            assert!(set(&mut ServerLimits::default(), limit, 1).is_err());
        }
    }

    #[test]
    fn only_optional_limits_can_be_switched_off() {
        let optional = [0, 1, 2, 3, 5, 6, 12, 13];
        for limit in 0..14 {
            let mut limits = ServerLimits::default();
            let result = set(&mut limits, limit, SALTYRTC_NO_LIMIT);
            assert_eq!(result.is_ok(), optional.contains(&limit), "limit {limit}");
        }
    }
}
