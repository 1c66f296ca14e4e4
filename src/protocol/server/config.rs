//! What all paths of a server have in common.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::crypto::KeyPair;
use crate::protocol::SUBPROTOCOL;

/// What all paths of a server have in common.
#[derive(Debug, Clone)]
pub struct PathConfig {
    /// The server's permanent key pairs. The first one is the primary key; the others are there for
    /// clients that still ask for them. Without any, clients cannot verify who the server is.
    // Spec: P-006 (Server's Permanent Key)
    pub permanent_keys: Vec<KeyPair>,
    /// The WebSocket subprotocols that the server speaks, most wanted first.
    pub subprotocols: Vec<String>,
    /// How long a client may take from the beginning of its connection until it is authenticated.
    pub handshake_timeout: Duration,
    /// How long a client may take to answer a ping.
    pub pong_timeout: Duration,
    /// How long a client may be without any message from it, or from another client to it. Pings do
    /// not count. `None`: for ever.
    pub idle_timeout: Option<Duration>,
    /// How long a client may take nothing of what waits for it before those who wait for room in its queue
    /// get 'send-error'. `None`: they wait for as long as it is there.
    pub stall_timeout: Option<Duration>,
    /// How many bytes of relayed messages may wait for one client. Each message counts 64 bytes more
    /// than its length. A message for an empty queue is always taken. Nothing more is read from the sender
    /// of one that does not fit, until it does and half of what the sender may have there is free. Responders share the queue of
    /// their initiator equally: one that has something in it may not have more than `max_queue` divided by the
    /// number of responders.
    pub max_queue: usize,
    /// How many bytes may wait for all clients together, of all paths that were given (a clone of)
    /// this; `None`: as many as may wait for each. A message for an empty queue is always taken.
    pub max_queued: Option<usize>,
    /// Accept 3006 (no shared task) as the reason in 'drop-responder'.
    ///
    /// The protocol does not list it, so this is off by default and such a message costs the
    /// initiator its connection (3001). The JavaScript and Java clients send it where they should
    /// send 'close'; with this option their responders get to see 3006.
    pub accept_no_shared_task_as_drop_reason: bool,
    /// How many bytes wait for the clients of all paths that were given (a clone of) this, counted
    /// as for [`max_queue`](Self::max_queue), with the server's own messages and those of paused clients. Paths add and
    /// subtract; and the driver does for what it has taken from them and not given to the operating system.
    pub queued: Arc<AtomicUsize>,
}

impl Default for PathConfig {
    fn default() -> Self {
        Self {
            permanent_keys: Vec::new(),
            subprotocols: vec![SUBPROTOCOL.to_owned()],
            handshake_timeout: Duration::from_secs(30),
            // Spec: P-136 ('client-auth' Message)
            pong_timeout: Duration::from_secs(30),
            idle_timeout: None,
            stall_timeout: Some(Duration::from_secs(60)),
            max_queue: 4 << 20,
            max_queued: None,
            accept_no_shared_task_as_drop_reason: false,
            queued: Arc::default(),
        }
    }
}

impl PathConfig {
    /// The subprotocol to use with a client: the first one of the server that the client `offered`.
    ///
    /// The WebSocket handshake and the check of 'client-auth' both go through this function.
    // Spec: P-020 (Subprotocol)
    pub fn select_subprotocol<T: AsRef<str>>(&self, offered: &[T]) -> Option<&str> {
        let offers = |own: &&String| offered.iter().any(|name| name.as_ref() == own.as_str());
        self.subprotocols.iter().find(offers).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers P-129.
    #[test]
    fn the_first_subprotocol_of_the_server_that_was_offered_is_selected() {
        let config = PathConfig {
            subprotocols: vec!["b".to_owned(), "a".to_owned()],
            ..PathConfig::default()
        };
        assert_eq!(config.select_subprotocol(&["a", "b"]), Some("b"));
        assert_eq!(config.select_subprotocol(&["x", "a"]), Some("a"));
        assert_eq!(config.select_subprotocol(&["x"]), None);
        assert_eq!(config.select_subprotocol::<&str>(&[]), None);
        assert_eq!(PathConfig::default().select_subprotocol(&["V1.saltyrtc.org"]), None);
    }
}
