//! What a reload changes.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::config::{Reload, ServerConfig, ServerError, TlsIdentity};
use super::limits::ServerLimits;
use crate::crypto::KeyPair;
use crate::protocol::server::PathConfig;
use crate::transport;

/// What a reload changes. A connection keeps those that it began with.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) limits: ServerLimits,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) websocket: WebSocketConfig,
    pub(super) path: Arc<PathConfig>,
}

impl Settings {
    /// The settings that a server starts with. Bytes in queues are counted in `queued`.
    pub(super) fn new(
        config: &ServerConfig,
        queued: Arc<AtomicUsize>,
    ) -> Result<Self, ServerError> {
        config.limits.check()?;
        let path = PathConfig {
            accept_no_shared_task_as_drop_reason: config.accept_no_shared_task_as_drop_reason,
            queued,
            ..PathConfig::default()
        };
        Ok(Self {
            limits: config.limits.clone(),
            tls: config.tls.as_ref().map(acceptor).transpose()?,
            websocket: transport::websocket_config(config.limits.message_size),
            path: Arc::new(path_config(&path, &config.limits, config.permanent_keys.clone())),
        })
    }

    /// These settings with what a reload changes.
    pub(super) fn reloaded(&self, reload: Reload) -> Result<Self, ServerError> {
        let Reload { tls, permanent_keys, limits } = reload;
        let limits = limits.unwrap_or_else(|| self.limits.clone());
        limits.check()?;
        let tls = match tls {
            None => self.tls.clone(),
            Some(_) if self.tls.is_none() => return Err(ServerError::NotTls),
            Some(identity) => Some(acceptor(&identity)?),
        };
        let keys = permanent_keys.unwrap_or_else(|| self.path.permanent_keys.clone());
        let path = Arc::new(path_config(&self.path, &limits, keys));
        let websocket = transport::websocket_config(limits.message_size);
        Ok(Self { limits, tls, websocket, path })
    }
}

fn acceptor(identity: &TlsIdentity) -> Result<TlsAcceptor, ServerError> {
    let TlsIdentity { certificate_chain, private_key } = identity;
    Ok(transport::server_config(certificate_chain, private_key)?.into())
}

fn path_config(
    base: &PathConfig,
    limits: &ServerLimits,
    permanent_keys: Vec<KeyPair>,
) -> PathConfig {
    PathConfig {
        permanent_keys,
        handshake_timeout: limits.handshake_timeout,
        pong_timeout: limits.pong_timeout,
        idle_timeout: limits.idle_timeout,
        stall_timeout: limits.stall_timeout,
        max_queue: limits.queue_bytes,
        max_queued: limits.all_queues_bytes,
        ..base.clone()
    }
}
