//! How TCP connections are set up, at both ends.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// The time from one unanswered probe to the next.
#[cfg(not(target_os = "openbsd"))]
const PROBE_INTERVAL: Duration = Duration::from_secs(15);
/// After this many unanswered probes the connection is given up.
#[cfg(not(target_os = "openbsd"))]
const PROBES: u32 = 4;

/// Sets up a TCP connection: what is written is sent at once, and that the other end has vanished is
/// noticed a minute after `idle` without traffic. If the operating system refuses one of these, the
/// connection goes on without it.
///
/// `unanswered` is how long what was sent may stay without an acknowledgement, or without room at the other end, where
/// the operating system has such a limit.
pub(crate) fn prepare(tcp: &TcpStream, idle: Option<Duration>, unanswered: Option<Duration>) {
    // Messages are written as a whole, so there is nothing to wait for.
    let _ = tcp.set_nodelay(true);
    if let Some(idle) = idle {
        let keepalive = TcpKeepalive::new().with_time(idle);
        #[cfg(not(target_os = "openbsd"))]
        let keepalive = keepalive.with_interval(PROBE_INTERVAL).with_retries(PROBES);
        let _ = SockRef::from(tcp).set_tcp_keepalive(&keepalive);
    }
    #[cfg(any(target_os = "android", target_os = "linux"))]
    if unanswered.is_some() {
        let _ = SockRef::from(tcp).set_tcp_user_timeout(unanswered);
    }
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = unanswered;
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
            prepare(&tcp, idle, idle);
            let socket = SockRef::from(&tcp);
            assert_eq!(socket.keepalive().unwrap(), idle.is_some());
            #[cfg(not(windows))]
            if let Some(time) = idle {
                assert_eq!(socket.tcp_keepalive_time().unwrap(), time);
            }
            #[cfg(any(target_os = "android", target_os = "linux"))]
            assert_eq!(socket.tcp_user_timeout().unwrap(), idle);
            assert!(tcp.nodelay().unwrap());
        }
    }
}
