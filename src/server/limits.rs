//! The limits of a server.

use std::time::Duration;

use super::config::ServerError;
use crate::protocol::server::PathConfig;

/// The limits of a server: for everybody together, for one address, for one path and for one connection.
///
/// `None` always means that there is no such limit; 0 is never a way to say that, and is refused
/// where nothing would work with it. How often a limit was reached is counted in the metric
/// `saltyrtc_server_limit_hits_total`, with the name in parentheses as the label `limit`.
///
/// An address here is an IPv4 address, or the first 64 bits of an IPv6 address: what a single
/// customer usually has. Behind a proxy that is not in [`ServerConfig::proxy`] all clients have the
/// address of the proxy, and share what is allowed to one.
///
/// [`ServerConfig::proxy`]: super::ServerConfig::proxy
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerLimits {
    /// How many connections there may be at once (`connections`). One more is closed as soon as it
    /// was accepted, before TLS. Default: 16 384.
    pub connections: Option<usize>,
    /// How many of them may come from one address (`connections_per_address`). One more is closed as
    /// soon as it was accepted, or, if the address comes from `X-Forwarded-For`, answered with the
    /// HTTP status 429. Default: 4096, so that a proxy that the server was not told of does not stop
    /// everybody at once. 256 are plenty where clients connect directly.
    pub connections_per_address: Option<usize>,
    /// How many connections there may be on one path, authenticated or not (`connections_per_path`). One more takes
    /// the place of one that is not authenticated, which is closed with 3000: the oldest one from the address that has
    /// most of them. If all are authenticated, the newcomer is closed. Default: 1024.
    ///
    /// The protocol itself ends at one initiator and 254 responders. The smaller the number, the less time there is to
    /// authenticate while somebody floods the path with connections.
    pub connections_per_path: Option<usize>,
    /// How many of them may come from one address (`connections_per_path` too). One more takes the place of the oldest
    /// one of the same address that is not authenticated. Default: 512, so that a path whose clients are all behind
    /// one address can be full.
    pub connections_per_path_and_address: Option<usize>,
    /// How many connections an address may open in some time (`accept_rate`). Those beyond are
    /// refused like those beyond [`connections_per_address`](Self::connections_per_address). Default:
    /// 200 per second after a burst of 4096.
    pub accept_rate: Option<AcceptRate>,
    /// How long a client may take from TCP connection to authentication (`handshake_time`), with the
    /// header of a proxy, TLS and the WebSocket handshake. Then it is closed, with 3008 once there is
    /// a WebSocket. Default: 30 seconds. More than 0, a day at most, like all durations here.
    pub handshake_timeout: Duration,
    /// How long a client may be without any message from it, or from another client to it
    /// (`idle_time`); pings and pongs do not count. Then it is closed with 3008. Default: `None`.
    pub idle_timeout: Option<Duration>,
    /// How long a connection may take none of the bytes that wait for it (`stall_time`). Then it is
    /// cut off, and those whose messages waited get 'send-error'. A sender whose messages do not fit into
    /// its queue waits no longer than this either. Default: 60 seconds.
    pub stall_timeout: Option<Duration>,
    /// How long a client may take to answer a ping (`pong_time`). Then it is closed with 3008.
    /// Default: 30 seconds.
    pub pong_timeout: Duration,
    /// How long a message may take from its first byte to its last (`message_time`); the time does not count in which
    /// nothing is read from the client. Then it is closed with 3008. Default: 2 minutes.
    pub message_timeout: Duration,
    /// How long a connection may take to end after the closing frame was queued (`close_time`). Then
    /// it is cut off. 0 is allowed. Default: 5 seconds.
    pub close_timeout: Duration,
    /// How long a shutdown may take (`shutdown_time`). Until then each client gets what waits for it
    /// and then 1001; who is not gone by then is cut off. 0 is allowed. Default: 8 seconds, which is
    /// less than service managers wait.
    pub shutdown_timeout: Duration,
    /// How many bytes a message may have, nonce included (`message_size`). A connection that sends
    /// more is closed with 1009. 1024 at least. Default: 1 MiB.
    pub message_size: usize,
    /// How many bytes of messages that are not complete may be there for all connections together (`receiving`), so
    /// that those who never end a message cannot take all memory. The first 16 KiB of each do not count. One more makes
    /// the one that has been coming in for the longest time go: its client is closed with 3008. Clients that are not
    /// authenticated get 64 KiB for a message, and are closed with 1009. As much as
    /// [`message_size`](Self::message_size) and 64 KiB at least. Default: 256 MiB.
    pub receiving_bytes: Option<usize>,
    /// How many bytes of relayed messages may wait for one client (`queue`), each counted with 64
    /// bytes more than its length. Nothing more is read from the sender of a message that does not fit,
    /// until it does and half of what the sender may have there is free. An empty queue takes any message,
    /// so with 0 there is room for one. 1024 at least if it is not 0. Default: 4 MiB.
    ///
    /// The responders of a path have equal shares of the queue of their initiator, so that one of them
    /// cannot keep the others out.
    ///
    /// Beside this, a connection can need 256 KiB for buffers, small messages and those of the server itself.
    pub queue_bytes: usize,
    /// How many bytes of messages may wait for all clients together (`all_queues`), so that many slow
    /// receivers cannot take all memory: in queues, in front of them and on their way into a socket. Beyond it only empty
    /// queues take a message, and of messages above 16 KiB nothing more is read, so that they wait. Clients that keep up
    /// with smaller ones notice nothing. Meanwhile, messages may wait for a client no longer than
    /// [`stall_timeout`](Self::stall_timeout), whatever it takes; then it is cut off. Default: 512 MiB.
    pub all_queues_bytes: Option<usize>,
    /// After how long without any traffic the operating system probes whether the other end of a TCP
    /// connection is still there; without an answer it ends the connection a minute later. In whole
    /// seconds, 1 at least. `None` leaves a client that vanished without a word on its path until
    /// something that is sent to it stays unanswered for too long. Default: 5 minutes. Has no metric.
    pub tcp_keepalive: Option<Duration>,
}

/// How many connections an address may open in some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptRate {
    /// How many per second in the long run. 1 at least.
    pub per_second: u32,
    /// How many at once, after a time without any. 1 at least.
    pub burst: u32,
}

impl Default for ServerLimits {
    fn default() -> Self {
        let path = PathConfig::default();
        Self {
            connections: Some(1 << 14),
            connections_per_address: Some(4096),
            connections_per_path: Some(1024),
            connections_per_path_and_address: Some(512),
            accept_rate: Some(AcceptRate { per_second: 200, burst: 4096 }),
            handshake_timeout: path.handshake_timeout,
            idle_timeout: path.idle_timeout,
            stall_timeout: path.stall_timeout,
            pong_timeout: path.pong_timeout,
            message_timeout: Duration::from_secs(120),
            close_timeout: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(8),
            message_size: 1 << 20,
            receiving_bytes: Some(256 << 20),
            queue_bytes: path.max_queue,
            all_queues_bytes: Some(512 << 20),
            tcp_keepalive: Some(Duration::from_secs(300)),
        }
    }
}

impl ServerLimits {
    /// Limits with which no client could ever get through, or that limit nothing, are mistakes.
    pub(super) fn check(&self) -> Result<(), ServerError> {
        /// 'client-auth' with a few subprotocols and with room for more.
        const LEAST_MESSAGE: usize = 1024;
        /// A few messages of a handshake between clients.
        const LEAST_QUEUE: usize = 1024;
        /// Messages get their room in pieces.
        const MORE_THAN_MESSAGE: usize = 64 << 10;
        const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

        let counts = [
            ("connections has to be 1 at least", self.connections),
            ("connections_per_address has to be 1 at least", self.connections_per_address),
            ("connections_per_path has to be 1 at least", self.connections_per_path),
            (
                "connections_per_path_and_address has to be 1 at least",
                self.connections_per_path_and_address,
            ),
        ];
        for (mistake, count) in counts {
            if count == Some(0) {
                return Err(ServerError::Limit(mistake));
            }
        }
        if self.accept_rate.is_some_and(|rate| rate.per_second == 0 || rate.burst == 0) {
            return Err(ServerError::Limit(
                "per_second and burst of accept_rate have to be 1 at least",
            ));
        }
        let durations = [
            ("handshake_timeout may not be 0", Some(self.handshake_timeout)),
            ("pong_timeout may not be 0", Some(self.pong_timeout)),
            ("message_timeout may not be 0", Some(self.message_timeout)),
            ("idle_timeout may not be 0", self.idle_timeout),
            ("stall_timeout may not be 0", self.stall_timeout),
            ("tcp_keepalive has to be 1 second at least", self.tcp_keepalive.map(whole_seconds)),
        ];
        for (mistake, duration) in durations {
            if duration == Some(Duration::ZERO) {
                return Err(ServerError::Limit(mistake));
            }
        }
        let with_zero = [self.close_timeout, self.shutdown_timeout];
        let longest = durations.iter().filter_map(|(_, duration)| *duration).chain(with_zero).max();
        if longest > Some(LONGEST) {
            return Err(ServerError::Limit("no timeout may be longer than a day"));
        }
        if self.message_size < LEAST_MESSAGE {
            return Err(ServerError::Limit("message_size has to be 1024 bytes at least"));
        }
        let least = self.message_size.saturating_add(MORE_THAN_MESSAGE);
        if self.receiving_bytes.is_some_and(|most| most < least) {
            return Err(ServerError::Limit(
                "receiving_bytes has to be 64 KiB more than message_size at least",
            ));
        }
        if (1..LEAST_QUEUE).contains(&self.queue_bytes) {
            return Err(ServerError::Limit(
                "queue_bytes has to be 1024 at least, or 0 to keep one message of any size",
            ));
        }
        Ok(())
    }
}

fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}
