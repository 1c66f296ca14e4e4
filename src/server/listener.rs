//! Listening, and the end of it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tracing::{debug, info, warn};

use super::accept::accept;
use super::config::{ServerConfig, ServerError};
use super::connection::{refuse, serve};
use super::registry::Registry;
use crate::protocol::CloseCode;
use crate::runtime;
use crate::transport;

/// How long to wait when the operating system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What a shutdown may take beyond the close timeout of its connections.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// A running server.
///
/// It runs on threads of the library. Dropping it stops it at once and cuts off all connections;
/// [`shutdown`](Self::shutdown) ends them properly.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds the address and begins to serve. May be called from any thread.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on, or the configuration is wrong: see [`ServerError`].
    pub fn start(config: ServerConfig) -> Result<Self, ServerError> {
        config.check()?;
        let tls = match &config.tls {
            None => None,
            Some(identity) => {
                let chain = &identity.certificate_chain;
                let tls = transport::server_config(chain, &identity.private_key)?;
                Some(TlsAcceptor::from(tls))
            }
        };
        let listen = |error| ServerError::Listen { address: config.listen, error };
        let listener = bind(config.listen).map_err(listen)?;
        let local_addr = listener.local_addr().map_err(listen)?;
        let service = Arc::new(Service {
            registry: Arc::new(Registry::new(config.path_config())),
            tls,
            websocket: transport::websocket_config(config.max_message_size),
            config,
        });
        let (stop, stopping) = watch::channel(false);
        info!(address = %local_addr, tls = service.tls.is_some(), "server listening");
        let task = runtime::handle().spawn(run(listener, service, stopping));
        Ok(Self { local_addr, stop, task: Some(task) })
    }

    /// The address that the server listens on, with the port that the operating system picked if the
    /// configuration had port 0.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Stops listening, closes all connections with 1001 after what waits for them, and resolves when
    /// they are gone: after [`ServerConfig::close_timeout`] and a second at most. Works on any
    /// executor.
    pub async fn shutdown(self) {
        // The sender is only dropped with the runtime; there is nothing to wait for then.
        let _ = self.begin_shutdown().await;
    }

    /// Like [`shutdown`](Self::shutdown), and blocks the thread meanwhile.
    pub fn shutdown_blocking(self) {
        let (done, wait) = std::sync::mpsc::channel();
        let ended = self.begin_shutdown();
        runtime::handle().spawn(async move {
            let _ = ended.await;
            let _ = done.send(());
        });
        let _ = wait.recv();
    }

    fn begin_shutdown(mut self) -> oneshot::Receiver<()> {
        self.stop.send_replace(true);
        let (done, ended) = oneshot::channel();
        if let Some(task) = self.task.take() {
            runtime::handle().spawn(async move {
                let _ = task.await;
                let _ = done.send(());
            });
        }
        ended
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            // The connections belong to this task and end with it.
            task.abort();
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let _guard = runtime::handle().enter();
    TcpListener::from_std(listener)
}

/// What all connections of a server share.
struct Service {
    registry: Arc<Registry>,
    tls: Option<TlsAcceptor>,
    websocket: WebSocketConfig,
    config: ServerConfig,
}

/// Resolves when the server is to stop.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could say so.
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn run(listener: TcpListener, service: Arc<Service>, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let for_connections = stopping.clone();
    loop {
        tokio::select! {
            () = stopped(&mut stopping) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < service.config.max_connections => {
                match accepted {
                    Ok((tcp, _)) => {
                        connections.spawn(connection(tcp, service.clone(), for_connections.clone()));
                    }
                    // Either this one connection broke already, or sockets have run out.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => {
                        warn!(%error, "cannot accept connections; trying again");
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }
    drop(listener);
    info!(connections = connections.len(), "server shutting down");
    service.registry.shutdown();
    let limit = service.config.close_timeout.saturating_add(SHUTDOWN_GRACE);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(limit, all).await.is_err() {
        warn!(connections = connections.len(), "connections cut off at shutdown");
    }
    connections.shutdown().await;
}

async fn connection(tcp: TcpStream, service: Arc<Service>, mut stopping: watch::Receiver<bool>) {
    let since = Instant::now();
    let Service { registry, tls, websocket, config } = &*service;
    let end = since + config.handshake_timeout;
    // In boxes, so that the task does not keep room for what is over or will never be.
    let opening = Box::pin(accept(tcp, tls.clone(), *websocket, registry.config()));
    let opened = tokio::select! {
        () = stopped(&mut stopping) => return,
        opened = timeout_at(end.into(), opening) => opened,
    };
    let (socket, asked) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return debug!(%error, "no WebSocket was opened"),
        Err(_) => return debug!("no WebSocket was opened in time"),
    };
    let (key, subprotocol) = match asked.outcome() {
        Ok(asked) => asked,
        Err(code) => {
            debug!(%code, "closing a connection with a wrong path or subprotocol");
            return Box::pin(refuse(socket, code, config.close_timeout)).await;
        }
    };
    match registry.join(key, since, &subprotocol) {
        Some(member) => serve(socket, member, config.close_timeout).await,
        None => Box::pin(refuse(socket, CloseCode::GoingAway, config.close_timeout)).await,
    }
}
