//! The adapter to the server of the library: settings in its terms.

use std::net::TcpListener;

use saltyrtc::server::{Server, ServerConfig};

use crate::check::Checked;
use crate::failure::Failure;

/// The running server.
pub(crate) struct Running {
    server: Server,
}

impl Running {
    pub(crate) fn start(
        checked: &Checked,
        mut listeners: Vec<TcpListener>,
    ) -> Result<Self, Failure> {
        let address = listeners.remove(0).local_addr().unwrap();
        drop(listeners);
        let mut config = ServerConfig::new(address);
        config.tls = checked.tls.clone();
        config.permanent_keys = checked.permanent_keys.clone();
        let server = Server::start(config).map_err(|e| Failure::new(e.to_string()))?;
        Ok(Self { server })
    }

    pub(crate) fn metrics(&self) -> Box<dyn Fn() -> String + Send + Sync> {
        Box::new(String::new)
    }

    pub(crate) fn reload(&self, _: &Checked) -> Result<(), Failure> {
        Ok(())
    }

    pub(crate) fn connections(&self) -> usize {
        0
    }

    pub(crate) fn stop_accepting(&self) {}

    pub(crate) async fn shutdown(self) {
        self.server.shutdown().await;
    }
}
