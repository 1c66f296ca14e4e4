//! The limits of the embedded server.

use std::time::Duration;

use crate::ffi::args::{self, handle_mut};
use crate::ffi::declare::c_enum;
use crate::ffi::error::{CallError, Outcome, entry, saltyrtc_error};
use crate::ffi::server::saltyrtc_server_config;
use crate::ffi::status::saltyrtc_status;
use crate::server::{AcceptRate, ServerLimits};

/// The value that switches an optional limit off.
pub const SALTYRTC_NO_LIMIT: u64 = u64::MAX;

c_enum! {
    /// A limit of the embedded server. Limits that are marked with (*) are optional: SALTYRTC_NO_LIMIT
    /// switches them off. Later versions may have more limits.
    pub enum saltyrtc_limit {
        /// (*) The number of connections. More are closed before TLS. Default: 16384.
        Connections = 0,
        /// (*) The number of connections from one IPv4 address or one IPv6 /64 network. Default: 4096.
        ConnectionsPerAddress = 1,
        /// (*) The number of connections on one path. More are closed with 3000. Default: 1024.
        ConnectionsPerPath = 2,
        /// (*) The number of new connections per second from one address, after a burst of 4096.
        /// Default: 200.
        AcceptRate = 3,
        /// The time, in milliseconds, from the TCP connection to the authentication of the client.
        /// Default: 30000.
        HandshakeTime = 4,
        /// (*) The time, in milliseconds, without a message from or to a client, after which it is
        /// closed with 3008. Default: no limit.
        IdleTime = 5,
        /// (*) The time, in milliseconds, in which a client has to receive at least some of the data
        /// that waits for it; otherwise its connection is dropped. Default: 60000.
        StallTime = 6,
        /// The time, in milliseconds, to answer a ping, after which the client is closed with 3008.
        /// Default: 30000.
        PongTime = 7,
        /// The time, in milliseconds, for closing a connection, after which it is dropped. Default:
        /// 5000.
        CloseTime = 8,
        /// The time, in milliseconds, for stopping the server, after which all connections are dropped.
        /// Default: 8000.
        ShutdownTime = 9,
        /// The size of a message in bytes, at least 1024. A client that sends more is closed with 1009.
        /// Default: 1 MiB.
        MessageSize = 10,
        /// How many bytes of relayed messages may wait for one client, at least 1024; or 0 for one
        /// message of any size. The sender of a message that does not fit gets a SEND_ERROR. Default: 4
        /// MiB.
        QueueBytes = 11,
        /// (*) The time, in milliseconds, without traffic after which TCP checks whether a client is
        /// still there; a multiple of 1000. Default: 300000.
        TcpKeepalive = 12,
        /// (*) How many bytes may wait for all clients together. Default: 512 MiB.
        AllQueuesBytes = 13,
    }
}

/// Sets a limit of a server. `limit` is one of saltyrtc_limit, which says what the unit of `value` is.
///
/// Fails with SALTYRTC_STATUS_BAD_ARGUMENT if there is no such limit, or the value is too large for it.
/// Values that are too small are found when the server starts (SALTYRTC_STATUS_BAD_CONFIG).
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
        None => Err(CallError::argument("value", "this limit cannot be switched off")),
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

fn too_large(value: u64) -> CallError {
    CallError::argument("value", format!("{value} is too large"))
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
