//! Accepting connections, and ending them all at a shutdown.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout, timeout_at};
use tracing::{debug, info, warn};

use super::accept::{OpenError, Opened, open};
use super::address_limits::AddressLimiter;
use super::config::{Reload, ServerConfig, ServerError};
use super::connection::{refuse, serve};
use super::http::HttpAnswer;
use super::incoming::Incoming;
use super::listen::{Accepted, Accepting, Cleanup, ListenAddress, Listener};
use super::metrics::{GaugeGuard, HandshakeOutcome, Metrics, ReachedLimit};
use super::network::TrustedProxies;
use super::rarely::Rarely;
use super::registry::{JoinError, Newcomer, PathLimits, Registry};
use super::settings::Settings;
use super::turns::Turns;
use crate::protocol::CloseCode;
use crate::runtime;
use crate::sync::lock;
use crate::transport::{Stream, finish_stream};

/// How long to wait when the operating system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A running server.
///
/// It runs on threads of the library. Dropping it stops it at once and cuts off all connections;
/// [`shutdown`](Self::shutdown) ends them properly. All methods may be called from any thread, and
/// none of them but [`shutdown_blocking`](Self::shutdown_blocking) blocks.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<ListenAddress>,
    /// What is undone when the server listens no longer.
    cleanup: Mutex<Vec<Cleanup>>,
    service: Arc<Service>,
    phase: watch::Sender<Phase>,
    task: Option<JoinHandle<()>>,
}

/// How far a server is. It never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Serving,
    /// The listeners are closed; the connections stay.
    Draining,
    /// The connections are being closed.
    Stopping,
}

impl Server {
    /// Listens on the address and begins to serve.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on, or the configuration is wrong: see [`ServerError`].
    pub fn start(config: ServerConfig) -> Result<Self, ServerError> {
        // A mistake is found before a port is opened.
        let metrics = Arc::new(Metrics::default());
        let settings = Settings::new(&config, metrics.queued.clone())?;
        let listener = Listener::bind(&config.listen)
            .map_err(|error| ServerError::Listen { address: config.listen.clone(), error })?;
        Self::run(config, settings, metrics, vec![listener])
    }

    /// Begins to serve on sockets that listen already, such as those of socket activation.
    /// [`ServerConfig::listen`] is ignored.
    ///
    /// # Errors
    ///
    /// There is no listener, one of them is unusable, or the configuration is wrong: see
    /// [`ServerError`].
    pub fn start_on(
        config: ServerConfig,
        listeners: impl IntoIterator<Item: Into<Listener>>,
    ) -> Result<Self, ServerError> {
        let metrics = Arc::new(Metrics::default());
        let settings = Settings::new(&config, metrics.queued.clone())?;
        let listeners = listeners.into_iter().map(Into::into).collect();
        Self::run(config, settings, metrics, listeners)
    }

    fn run(
        config: ServerConfig,
        settings: Settings,
        metrics: Arc<Metrics>,
        listeners: Vec<Listener>,
    ) -> Result<Self, ServerError> {
        if listeners.is_empty() {
            return Err(ServerError::NoListener);
        }
        let runtime = runtime::handle();
        // Sockets register themselves with the runtime that is entered.
        let _guard = runtime.enter();
        let (mut addresses, mut sockets, mut cleanup) = (Vec::new(), Vec::new(), Vec::new());
        for listener in listeners {
            let address = listener.address();
            let named = address.as_ref().unwrap_or(&config.listen).clone();
            let usable = address.and_then(|_| listener.into_accepting());
            let (socket, undo) =
                usable.map_err(|error| ServerError::Listen { address: named.clone(), error })?;
            info!(address = %named, tls = settings.tls.is_some(), "server listening");
            addresses.push(named);
            sockets.push(socket);
            cleanup.push(undo);
        }
        let service = Arc::new(Service {
            registry: Arc::new(Registry::new(metrics.clone())),
            incoming: Arc::new(Incoming::new(metrics.clone())),
            metrics,
            limiter: Arc::default(),
            turns: Turns::default(),
            settings: Mutex::new(Arc::new(settings)),
            proxy: config.proxy,
        });
        let (phase, phases) = watch::channel(Phase::Serving);
        let task = runtime.spawn(run(sockets, service.clone(), phases));
        Ok(Self { addresses, cleanup: Mutex::new(cleanup), service, phase, task: Some(task) })
    }

    /// The address that the server listens on, the first one of several, with the port that the
    /// operating system picked if the configuration had port 0. `None` if there are Unix sockets only.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.addresses.iter().find_map(|address| match address {
            ListenAddress::Tcp(address) => Some(*address),
            ListenAddress::Unix(_) => None,
        })
    }

    /// Where all listeners listen, in the order in which they were given.
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// How many TCP connections are open, those included that are in the middle of a handshake.
    pub fn connections(&self) -> usize {
        self.service.connections()
    }

    /// Something to ask the server whether it responds, which stays usable when the server is gone.
    pub fn probe(&self) -> Probe {
        Probe { service: self.service.clone() }
    }

    /// What the server counts. Stays valid after the server is gone.
    pub fn metrics(&self) -> Arc<Metrics> {
        self.service.metrics.clone()
    }

    /// The limits for new connections.
    pub fn limits(&self) -> super::ServerLimits {
        self.service.settings().limits.clone()
    }

    /// Changes certificate, permanent keys and limits for connections that come in from now on.
    /// Connections that are open go on with what they began with; but
    /// [`ServerLimits::shutdown_timeout`](super::ServerLimits::shutdown_timeout) applies to them too,
    /// and they count towards the new numbers of connections.
    ///
    /// # Errors
    ///
    /// Something in it is wrong: see [`ServerError`]. Then nothing at all has changed.
    pub fn reload(&self, reload: Reload) -> Result<(), ServerError> {
        let mut settings = lock(&self.service.settings);
        *settings = Arc::new(settings.reloaded(reload)?);
        info!("server configuration reloaded");
        Ok(())
    }

    /// Closes the listeners and leaves the connections alone. They can go on, and new ones are
    /// refused by the operating system as soon as the listeners are closed; where somebody else
    /// holds the same socket (as with socket activation) they wait for that one.
    pub fn stop_accepting(&self) {
        self.enter(Phase::Draining);
    }

    /// Stops listening, closes all connections with 1001 after what waits for them, and resolves when
    /// they are gone, or were cut off after
    /// [`ServerLimits::shutdown_timeout`](super::ServerLimits::shutdown_timeout). Works on any executor.
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
        self.enter(Phase::Stopping);
        let (done, ended) = oneshot::channel();
        if let Some(task) = self.task.take() {
            runtime::handle().spawn(async move {
                let _ = task.await;
                let _ = done.send(());
            });
        }
        ended
    }

    fn enter(&self, next: Phase) {
        lock(&self.cleanup).clear();
        self.phase.send_if_modified(|phase| {
            let later = *phase < next;
            if later {
                *phase = next;
            }
            later
        });
    }
}

/// Finds out whether a server responds. Made by [`Server::probe`].
#[derive(Debug, Clone)]
pub struct Probe {
    service: Arc<Service>,
}

impl Probe {
    /// Resolves when a thread of the server has taken, and given back, the locks that all connections
    /// share. If the server hangs it never resolves, so this is what a watchdog should wait for, with a limit of its
    /// own. Works on any executor.
    pub async fn responds(&self) {
        let (done, answered) = oneshot::channel();
        let service = self.service.clone();
        runtime::handle().spawn(async move {
            drop(service.settings());
            service.registry.visit();
            let _ = done.send(());
        });
        // An error means that the runtime was stopped meanwhile, which is not hanging.
        let _ = answered.await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        lock(&self.cleanup).clear();
        if let Some(task) = &self.task {
            // The connections belong to this task and end with it.
            task.abort();
        }
    }
}

/// What all connections of a server share.
struct Service {
    registry: Arc<Registry>,
    metrics: Arc<Metrics>,
    limiter: Arc<AddressLimiter>,
    turns: Turns,
    incoming: Arc<Incoming>,
    settings: Mutex<Arc<Settings>>,
    proxy: Option<TrustedProxies>,
}

impl Service {
    fn settings(&self) -> Arc<Settings> {
        lock(&self.settings).clone()
    }

    fn connections(&self) -> usize {
        usize::try_from(self.metrics.connections.get()).unwrap_or(usize::MAX)
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

/// Resolves when the server is in this phase or a later one.
async fn reached(phases: &mut watch::Receiver<Phase>, phase: Phase) {
    // An error means that nobody is left who could say so.
    let _ = phases.wait_for(|now| *now >= phase).await;
}

/// The next connection of any listener. The one to ask first is another one each time.
async fn accept_any(listeners: &mut [Accepting]) -> io::Result<Accepted> {
    listeners.rotate_left(1);
    poll_fn(|cx| {
        for listener in &*listeners {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    })
    .await
}

async fn run(
    mut listeners: Vec<Accepting>,
    service: Arc<Service>,
    mut phases: watch::Receiver<Phase>,
) {
    let mut connections = JoinSet::new();
    let metrics = service.metrics.clone();
    let for_connections = phases.clone();
    let mut failures = Rarely::default();
    loop {
        tokio::select! {
            () = reached(&mut phases, Phase::Draining) => break,
            // Takes away what is left of tasks that have ended. Panics were reported where they happened.
            Some(_) = connections.join_next() => {}
            accepted = accept_any(&mut listeners) => match accepted {
                Ok(accepted) => {
                    metrics.accepted.up();
                    // All that have ended, so that a flood of short connections does not pile up here.
                    while connections.try_join_next().is_some() {}
                    let settings = service.settings();
                    // Not the number of tasks: one whose connection has ended is there a moment longer.
                    let already = service.connections();
                    // Only this task adds to it, so that two connections cannot take the last place.
                    if settings.limits.connections.is_some_and(|most| already >= most) {
                        metrics.limit(ReachedLimit::Connections);
                        debug!("connection refused: there are too many");
                        continue;
                    }
                    let open = GaugeGuard::new(&metrics, |metrics| &metrics.connections);
                    let (service, phases) = (service.clone(), for_connections.clone());
                    connections.spawn(async move {
                        connection(accepted, &service, &settings, phases).await;
                        drop(open);
                    });
                }
                // Either this one connection broke already, or sockets have run out.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    metrics.accept_errors.up();
                    // It fails many times a second until some connections have ended.
                    if failures.happens(Instant::now()) {
                        warn!(%error, "cannot accept connections; trying again");
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    drop(listeners);
    info!(connections = connections.len(), "server no longer listening");
    loop {
        tokio::select! {
            () = reached(&mut phases, Phase::Stopping) => break,
            Some(_) = connections.join_next() => {}
        }
    }
    info!(connections = connections.len(), "server shutting down");
    service.registry.shutdown();
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(service.settings().limits.shutdown_timeout, all).await.is_err() {
        warn!(connections = connections.len(), "connections cut off at shutdown");
        (0..connections.len()).for_each(|_| metrics.limit(ReachedLimit::ShutdownTime));
    }
    connections.shutdown().await;
}

async fn connection(
    accepted: Accepted,
    service: &Service,
    settings: &Settings,
    mut phases: watch::Receiver<Phase>,
) {
    let since = Instant::now();
    let Service { registry, metrics, limiter, turns, incoming, proxy, .. } = service;
    let limits = &settings.limits;
    // In a box, so that the task does not keep room for what is over.
    let opening = open(accepted, settings, proxy.as_ref(), limiter, metrics);
    // Without TLS no step takes long.
    let mut opening = Box::pin(async {
        if settings.tls.is_some() { turns.work(opening).await } else { opening.await }
    });
    let opened = tokio::select! {
        () = reached(&mut phases, Phase::Stopping) => return metrics.handshake(HandshakeOutcome::Shutdown),
        opened = timeout_at((since + limits.handshake_timeout).into(), &mut opening) => opened,
    };
    if opened.is_err() {
        metrics.limit(ReachedLimit::HandshakeTime);
        metrics.handshake(HandshakeOutcome::Timeout);
        debug!("no WebSocket was opened in time");
    }
    // Only now, so that whoever sees that the connection was cut off finds the reason counted.
    drop(opening);
    let Opened { socket, asked, address, permit } = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(failure)) => return failed(failure, settings, metrics).await,
        Err(_) => return,
    };
    let (key, subprotocol) = match asked.outcome() {
        Ok(asked) => asked,
        Err(code) => {
            debug!(%code, "closing a connection with a wrong path or subprotocol");
            metrics.handshake(match code {
                CloseCode::WebSocketProtocolError => HandshakeOutcome::Subprotocol,
                _ => HandshakeOutcome::Path,
            });
            return refuse(socket, code.code(), limits, metrics).await;
        }
    };
    let newcomer = Newcomer { key, address, since, subprotocol: &subprotocol };
    let on_path = PathLimits {
        all: limits.connections_per_path,
        per_address: limits.connections_per_path_and_address,
    };
    match registry.join(&newcomer, &settings.path, on_path) {
        Ok(member) => serve(socket, member, limits, metrics, incoming, &phases).await,
        Err(JoinError::Stopping) => {
            metrics.handshake(HandshakeOutcome::Shutdown);
            refuse(socket, CloseCode::GoingAway.code(), limits, metrics).await;
        }
        Err(JoinError::PathFull) => {
            debug!("connection refused: there are too many on its path");
            metrics.limit(ReachedLimit::ConnectionsPerPath);
            refuse(socket, CloseCode::PathFull.code(), limits, metrics).await;
        }
    }
    drop(permit);
}

/// The end of a connection that has no WebSocket.
async fn failed(failure: OpenError, settings: &Settings, metrics: &Metrics) {
    match failure {
        OpenError::Limit(answer) => {
            debug!("connection refused: its address has or opens too many");
            if let Some((stream, answer)) = answer {
                give(answer, stream, settings).await;
            }
        }
        OpenError::ProxyHeader => {
            debug!("connection of a proxy refused: no valid PROXY header");
        }
        OpenError::Tls(error) => {
            metrics.tls_failures.up();
            metrics.handshake(HandshakeOutcome::Tls);
            debug!(%error, "no TLS");
        }
        OpenError::NotWebSocket(stream, answer) => {
            metrics.handshake(HandshakeOutcome::NotWebSocket);
            debug!("a request that is not for a WebSocket");
            give(answer, stream, settings).await;
        }
        OpenError::Gone(error) => {
            metrics.handshake(HandshakeOutcome::Left);
            debug!(%error, "no WebSocket was opened");
        }
    }
}

async fn give(answer: HttpAnswer, mut stream: Stream, settings: &Settings) {
    let limit = settings.limits.close_timeout;
    if let Ok(Ok(())) = timeout(limit, answer.send(&mut stream)).await {
        finish_stream(stream, limit).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::thread;

    use super::*;

    /// So that a watchdog that waits for it notices.
    #[test]
    fn a_server_whose_locks_are_not_given_back_does_not_respond() {
        let server = Server::start(ServerConfig::new(([127, 0, 0, 1], 0).into())).unwrap();
        runtime::handle().block_on(server.probe().responds());
        let released = AtomicBool::new(false);
        let responded_late = thread::scope(|scope| {
            let held = lock(&server.service.settings);
            let waits = scope.spawn(|| {
                runtime::handle().block_on(server.probe().responds());
                released.load(SeqCst)
            });
            // Long enough for an answer that does not wait for the lock.
            (0..100).for_each(|_| scope.spawn(|| {}).join().unwrap());
            released.store(true, SeqCst);
            drop(held);
            waits.join().unwrap()
        });
        assert!(responded_late);
    }
}
