//! What a client has to know to reach its server and its peer.

use std::time::Duration;

#[cfg(feature = "webrtc")]
use super::engine::{self, RtcConfig};
use crate::crypto::{AuthToken, KeyPair, OsRandom, PublicKey};
#[cfg(feature = "webrtc")]
use crate::protocol::client::ChannelDriver;
use crate::protocol::client::{ConfigError, PeerAuth, RoleConfig};
use crate::protocol::{Invitation, ServerUrl, Task};
use crate::task::{ClientConfig, TaskEvent};
#[cfg(feature = "webrtc")]
use crate::task::{ortc, webrtc};
use crate::transport::{Proxy, Roots};

/// The settings of a client: the server, and everything that [`ClientConfig`] holds.
#[derive(Debug)]
pub struct Config {
    /// The signalling server.
    pub server: ServerUrl,
    /// Whose certificates are accepted, for `wss` URLs. Default: those of the operating system.
    pub roots: Roots,
    /// The proxy on the way to the server, and to TURN servers over TCP and TLS. Default: none.
    pub proxy: Proxy,
    /// The longest that connecting may take: name, TCP, TLS and WebSocket. Default 10 s.
    pub connect_timeout: Duration,
    /// How long the server may show no sign of life when one is due: after something was sent to it, or when a ping is
    /// overdue that it was asked to send ([`ClientConfig::ping_interval`]). Then the connection counts as lost. Half of
    /// that time before, the client sends a ping itself. Default 30 s.
    ///
    /// With a ping interval a dead network is noticed within both times together, and without one only if something
    /// was sent. While the application takes no events nothing is noticed.
    pub response_timeout: Duration,
    /// The settings of the protocol.
    pub protocol: ClientConfig,
    /// The built-in WebRTC engine, if its task was added.
    #[cfg(feature = "webrtc")]
    pub(super) rtc: Option<engine::EngineParts>,
}

impl Config {
    /// An initiator that lets in the responder with the token of [`invitation`](Self::invitation),
    /// which is drawn here.
    pub fn initiator(server: ServerUrl, permanent_key: KeyPair) -> Self {
        let responder = PeerAuth::Token(AuthToken::generate(&mut OsRandom));
        Self::new(server, RoleConfig::Initiator { responder }, permanent_key)
    }

    /// An initiator that lets in the owner of a key it has stored, and nobody else.
    pub fn trusting_initiator(
        server: ServerUrl,
        permanent_key: KeyPair,
        responder: PublicKey,
    ) -> Self {
        // Spec: P-233 (Client Handshake)
        let responder = PeerAuth::Trusted(responder);
        Self::new(server, RoleConfig::Initiator { responder }, permanent_key)
    }

    /// A responder that accepts an invitation. If the invitation has no token, the initiator has to
    /// have stored the public key of `permanent_key`.
    pub fn responder(invitation: Invitation, permanent_key: KeyPair) -> Self {
        let Invitation { server, initiator_key, server_key, token } = invitation;
        let role = RoleConfig::Responder { initiator: initiator_key, token };
        let mut config = Self::new(server, role, permanent_key);
        config.protocol.server_key = server_key;
        config
    }

    /// A configuration with defaults for everything else. It has no task yet.
    pub fn new(server: ServerUrl, role: RoleConfig, permanent_key: KeyPair) -> Self {
        Self {
            server,
            roots: Roots::default(),
            proxy: Proxy::default(),
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(30),
            protocol: ClientConfig::new(role, permanent_key),
            #[cfg(feature = "webrtc")]
            rtc: None,
        }
    }

    /// Adds a task, after those that were added before. The order is the order of preference.
    #[must_use]
    pub fn with_task(mut self, task: impl Task<TaskEvent> + 'static) -> Self {
        self.protocol.tasks.push(Box::new(task));
        self
    }

    /// Adds the built-in engine with its task, or tasks ([`RtcConfig::tasks`]), after the tasks that were added
    /// before. With another WebRTC or ORTC task beside it, of whatever version,
    /// [`Client::connect`](super::Client::connect) refuses the configuration: the messages to one would
    /// go to the other.
    ///
    /// # Errors
    ///
    /// If [`RtcConfig::options`] make no sense.
    #[cfg(feature = "webrtc")]
    pub fn with_rtc(mut self, config: RtcConfig) -> Result<Self, webrtc::OptionsError> {
        let (tasks, parts) = engine::EngineParts::new(config)?;
        self.protocol.channel_driver = ChannelDriver::Polled;
        self.rtc = Some(parts);
        Ok(tasks.into_iter().fold(self, Self::with_task))
    }

    /// What [`ClientConfig`] cannot know.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        #[cfg(feature = "webrtc")]
        if let Some(rtc) = &self.rtc {
            let names = self.protocol.tasks.iter().map(|task| task.name());
            let known = [webrtc::NAME, webrtc::NAME_V0, ortc::NAME];
            let names: Vec<&str> = names.filter(|name| known.contains(name)).collect();
            if let (true, [first, .., last]) = (names.len() > rtc.tasks(), &names[..]) {
                return Err(ConfigError::TasksExclude((*first).into(), (*last).into()));
            }
        }
        Ok(())
    }

    /// Initiator: the invitation for the responder. Has the token, unless a key is trusted.
    pub fn invitation(&self) -> Option<Invitation> {
        let RoleConfig::Initiator { responder } = &self.protocol.role else { return None };
        let token = match responder {
            PeerAuth::Token(token) => Some(token.clone()),
            PeerAuth::Trusted(_) => None,
        };
        Some(self.invitation_with(token))
    }

    pub(super) fn invitation_with(&self, token: Option<AuthToken>) -> Invitation {
        Invitation {
            server: self.server.clone(),
            initiator_key: *self.protocol.path(),
            server_key: self.protocol.server_key,
            token,
        }
    }
}
