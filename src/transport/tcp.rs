//! How TCP connections are set up, at both ends.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// The time between two probes that are not answered.
#[cfg(not(target_os = "openbsd"))]
const PROBE_INTERVAL: Duration = Duration::from_secs(15);
/// How many probes may stay unanswered.
#[cfg(not(target_os = "openbsd"))]
const PROBES: u32 = 4;

/// Sends messages at once, and notices after `idle` without traffic, and a minute, that the other end has
/// vanished. What the operating system refuses is done without.
pub(crate) fn prepare(tcp: &TcpStream, idle: Option<Duration>) {
    // Messages are written as a whole and wait for an answer.
    let _ = tcp.set_nodelay(true);
    if let Some(idle) = idle {
        let keepalive = TcpKeepalive::new().with_time(idle);
        #[cfg(not(target_os = "openbsd"))]
        let keepalive = keepalive.with_interval(PROBE_INTERVAL).with_retries(PROBES);
        let _ = SockRef::from(tcp).set_tcp_keepalive(&keepalive);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever vanished without a word is noticed by the operating system.
    #[tokio::test]
    async fn the_operating_system_probes_silent_connections() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        for idle in [Some(Duration::from_secs(77)), None] {
            let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            prepare(&tcp, idle);
            let socket = SockRef::from(&tcp);
            assert_eq!(socket.keepalive().unwrap(), idle.is_some());
            #[cfg(not(windows))]
            if let Some(time) = idle {
                assert_eq!(socket.tcp_keepalive_time().unwrap(), time);
            }
            assert!(tcp.nodelay().unwrap());
        }
    }
}
