//! What a client has to know before it starts.

use std::fmt;
use std::time::Duration;

use crate::crypto::{AuthToken, KeyPair, PublicKey};
use crate::protocol::{Role, Task};

/// The shortest that [`ClientConfig::max_message_size`] may be, in bytes: room for any handshake message of
/// the protocol itself.
const MIN_MESSAGE_SIZE: usize = 4096;

/// Times beyond this could not be added to the present any more.
pub(super) const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What the two clients know about each other before they meet.
#[derive(Debug, Clone)]
pub enum PeerAuth {
    /// The responder will introduce itself with this token, once.
    Token(AuthToken),
    /// The clients have met before and stored each other's public permanent key. This is the key of
    /// the peer. Both have to be in this mode, or the initiator cannot decrypt the first message.
    // Spec: P-232 (Client Handshake)
    Trusted(PublicKey),
}

/// The role of a client, and what it knows about its peer.
#[derive(Debug, Clone)]
pub enum RoleConfig {
    /// The client whose key is the path.
    Initiator {
        /// How to recognise the responder.
        responder: PeerAuth,
    },
    /// The client that was invited.
    Responder {
        /// The public permanent key of the initiator: the signalling path.
        initiator: PublicKey,
        /// The token of the invitation; `None` if the initiator trusts our permanent key.
        token: Option<AuthToken>,
    },
}

impl RoleConfig {
    /// The role alone.
    pub const fn role(&self) -> Role {
        match self {
            Self::Initiator { .. } => Role::Initiator,
            Self::Responder { .. } => Role::Responder,
        }
    }
}

/// What to do when the authenticated peer leaves the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenPeerLeaves {
    /// Stay on the path, so that the peer can join again.
    #[default]
    Wait,
    /// End the connection.
    Close,
}

/// Who drives the data channel that the signalling is handed over to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelDriver {
    /// The application: [`Event::SignallingChannel`](super::Event::SignallingChannel) says what to do with
    /// the channel, in order with all other events.
    #[default]
    Application,
    /// The driver of the state machine, which asks with
    /// [`Client::poll_channel_transmit`](super::Client::poll_channel_transmit). After
    /// [`Client::close`](super::Client::close) it also has to call
    /// [`Client::release_goodbye`](super::Client::release_goodbye).
    Polled,
}

/// The settings of a client state machine. `E` is what its tasks tell the application.
#[derive(Debug)]
pub struct ClientConfig<E> {
    /// The role, and what is known about the peer.
    pub role: RoleConfig,
    /// Our permanent key pair.
    // Spec: P-002 (Client's Permanent Key)
    pub permanent_key: KeyPair,
    /// The server's public permanent key. If it is given, a server that does not prove to have it is
    /// refused; without it, somebody in the middle can take the server's place (and see who talks to
    /// whom, but not what).
    pub server_key: Option<PublicKey>,
    /// Seconds between WebSocket pings that the server is asked to send; 0 for none.
    pub ping_interval: u32,
    /// The tasks, most wanted first. At least one, no name twice.
    // Spec: P-295 (Tasks)
    pub tasks: Vec<Box<dyn Task<E>>>,
    /// The most bytes that a message may have on the wire, nonce included. Default 1 MiB, which is
    /// what the other servers accept.
    pub max_message_size: usize,
    /// The most bytes that may wait to be sent. Beyond it sending fails until there is room, except
    /// that one message is always taken. As many bytes of received data may wait for the application;
    /// beyond it nothing more is read. Default 4 MiB.
    pub max_queue_size: usize,
    /// The longest that the handshake with the server may take. Default 30 s; more than a year counts
    /// as a year.
    pub server_handshake_timeout: Duration,
    /// The longest that the handshake with a peer may take, from its first message. A responder waits five
    /// times as long for that one, as an initiator looks at others first. Default 60 s; more than a year counts
    /// as a year.
    pub peer_handshake_timeout: Duration,
    /// What to do when the peer leaves. Default: wait for it to come back.
    pub when_peer_leaves: WhenPeerLeaves,
    /// Who is told what to do with the data channel that the signalling was handed over to. Default: the
    /// application.
    pub channel_driver: ChannelDriver,
}

impl<E> ClientConfig<E> {
    /// The shortest that [`max_message_size`](Self::max_message_size) may be, in bytes: room for any
    /// handshake message of the protocol itself.
    pub const MIN_MESSAGE_SIZE: usize = MIN_MESSAGE_SIZE;

    /// A configuration with default limits and no tasks yet.
    pub fn new(role: RoleConfig, permanent_key: KeyPair) -> Self {
        Self {
            role,
            permanent_key,
            server_key: None,
            ping_interval: 0,
            tasks: Vec::new(),
            max_message_size: 1 << 20,
            max_queue_size: 4 << 20,
            server_handshake_timeout: Duration::from_secs(30),
            peer_handshake_timeout: Duration::from_secs(60),
            when_peer_leaves: WhenPeerLeaves::Wait,
            channel_driver: ChannelDriver::Application,
        }
    }

    /// The signalling path: the initiator's public permanent key.
    pub const fn path(&self) -> &PublicKey {
        match &self.role {
            RoleConfig::Initiator { .. } => self.permanent_key.public(),
            RoleConfig::Responder { initiator, .. } => initiator,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        // Spec: P-296 (Tasks)
        if self.tasks.is_empty() {
            return Err(ConfigError::NoTask);
        }
        for (i, task) in self.tasks.iter().enumerate() {
            if self.tasks[..i].iter().any(|other| other.name() == task.name()) {
                return Err(ConfigError::TaskTwice(task.name().to_owned()));
            }
        }
        if self.max_message_size < Self::MIN_MESSAGE_SIZE {
            return Err(ConfigError::MessageSize(self.max_message_size));
        }
        let peer = match &self.role {
            RoleConfig::Initiator { responder: PeerAuth::Trusted(peer) } => Some(peer),
            RoleConfig::Initiator { .. } => None,
            RoleConfig::Responder { initiator, .. } => Some(initiator),
        };
        if peer == Some(self.permanent_key.public()) {
            return Err(ConfigError::PeerIsSelf);
        }
        Ok(())
    }
}

/// Why a client cannot be made with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// No task was given.
    NoTask,
    /// Two tasks have this name.
    TaskTwice(String),
    /// The message size limit is this many bytes.
    MessageSize(usize),
    /// The peer's key is our own.
    PeerIsSelf,
    /// The tasks with these two names cannot be offered by one client: the messages to one would go to
    /// the other.
    TasksExclude(String, String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTask => f.write_str("no task was added: the two clients need at least one"),
            Self::TaskTwice(name) => write!(f, "the task {name:?} was added twice"),
            Self::MessageSize(size) => write!(
                f,
                "the message size limit of {size} bytes is too small: at least {} are needed",
                MIN_MESSAGE_SIZE
            ),
            Self::PeerIsSelf => f.write_str(
                "the peer's key is this client's own key: initiator and responder need different \
                 key pairs",
            ),
            Self::TasksExclude(first, second) => write!(
                f,
                "the tasks {first:?} and {second:?} do not go together, as the messages to one would go to \
                 the other: add only one of them"
            ),
        }
    }
}

impl std::error::Error for ConfigError {}
