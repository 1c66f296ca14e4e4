//! The driver: moves bytes between a WebSocket and the state machine.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{Notify, watch};
use tokio::task::JoinError;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::liveness::{Due, Liveness};
use super::network;
use super::shared::{By, CLOSE_TIMEOUT, Shared};
use crate::crypto::PublicKey;
use crate::protocol::client::SocketEnd;
use crate::protocol::{ConnectError, MESSAGE_TOO_BIG, ServerUrl, Transmit};
use crate::sync::lock;
use crate::task::Client as Machine;
use crate::transport::{self, Ends, Proxy, Roots, WebSocket, close_frame};

/// How many bytes are taken from the machine under one lock, unless a single message has more.
const BATCH_BYTES: usize = 64 * 1024;

/// What to connect to, and how.
pub(super) struct Target {
    pub(super) server: ServerUrl,
    pub(super) path: PublicKey,
    pub(super) roots: Roots,
    pub(super) proxy: Proxy,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
    pub(super) ping_interval: u32,
    pub(super) max_message_size: usize,
}

/// Makes sure that the machine learns of the end, also if the runtime is shut down or a thread of it
/// panics.
pub(super) struct Driver {
    shared: Arc<Shared>,
    /// Hears of changes of the network from the start: one while the client connects concerns it, too.
    network: watch::Receiver<u64>,
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, network: network::changes() }
    }

    /// Connects, and runs the connection until its end.
    pub(super) async fn run(mut self, target: Target) {
        let shared = &*self.shared.clone();
        let (ping_interval, patience) = (target.ping_interval, target.response_timeout);
        let end = tokio::select! {
            result = connect(target) => match result {
                Ok(socket) => {
                    let watch = Watch::new(&socket, ping_interval, patience);
                    shared.with(By::Writer, |machine| machine.handle_connected(Instant::now()));
                    communicate(shared, socket, &mut self.network, &watch).await
                }
                Err(ConnectFailure::Connect(error)) => SocketEnd::ConnectFailed(error),
                Err(ConnectFailure::Stopped(error)) => SocketEnd::Lost(error.to_string()),
            },
            // The client was closed before there was a WebSocket.
            () = shared.closing.notified() => SocketEnd::Lost(String::new()),
        };
        shared.with(By::Writer, |machine| machine.handle_socket_end(end));
        after_the_socket(shared).await;
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.abandon();
        crate::runtime::closed();
    }
}

/// Why there is no WebSocket.
#[derive(Debug)]
enum ConnectFailure {
    /// The runtime was stopped while certificates were read.
    Stopped(JoinError),
    Connect(ConnectError),
}

impl From<ConnectError> for ConnectFailure {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}

async fn connect(target: Target) -> Result<WebSocket, ConnectFailure> {
    let Target { server, path, roots, proxy, connect_timeout, max_message_size, .. } = target;
    let settings = move || {
        let config = transport::client_config(&roots);
        config.map_err(|error| ConnectError::NoRoots { why: error.to_string() })
    };
    let (host, port) = (server.host().to_owned(), server.port());
    let reads_files = server.is_tls() || !matches!(proxy, Proxy::None);
    let target = move || -> Result<_, ConnectError> {
        let tls = if server.is_tls() { Some(settings()?) } else { None };
        // Spec: P-034 (Connecting To a Signalling Server)
        let path = path.to_hex();
        let mut target = transport::Target { host, port, tls, path, proxy: None };
        target.find_proxy(&proxy, settings)?;
        Ok(target)
    };
    let target = if reads_files {
        tokio::task::spawn_blocking(target).await.map_err(ConnectFailure::Stopped)??
    } else {
        // No thread for nothing: a thousand clients that connect at once would get hundreds.
        target()?
    };
    Ok(transport::connect(&target, max_message_size, connect_timeout).await?)
}

async fn communicate(
    shared: &Shared,
    socket: WebSocket,
    network: &mut watch::Receiver<u64>,
    watch: &Watch,
) -> SocketEnd {
    let (mut sink, mut stream) = socket.split();
    let too_late = async {
        shared.closing.notified().await;
        tokio::time::sleep(CLOSE_TIMEOUT).await;
    };
    let traffic = async {
        let mut reading = pin!(read(shared, &mut stream, watch));
        let error = tokio::select! {
            end = &mut reading => return end,
            error = write(shared, &mut sink, watch) => error,
        };
        // What the server sent before it closed may still be unread, and its close frame says why it did.
        match tokio::time::timeout(CLOSE_TIMEOUT, reading).await {
            Ok(end @ SocketEnd::CloseFrame(_)) => end,
            _ => SocketEnd::Lost(error.to_string()),
        }
    };
    let end = tokio::select! {
        end = traffic => end,
        // There is no point in waiting any longer.
        () = too_late => return SocketEnd::Lost("it did not take what was sent to it".into()),
        text = watch.failed(shared) => return SocketEnd::Lost(text),
        never = watch.network_changes(shared, network) => match never {},
    };
    // Our part of the closing handshake if the server began it, and 1009 if it goes on too long.
    let finish = async {
        if end == SocketEnd::TooBig {
            let _ = sink.send(close_message(MESSAGE_TOO_BIG)).await;
        }
        if let Ok(socket) = sink.reunite(stream) {
            transport::finish(socket, CLOSE_TIMEOUT).await;
        }
    };
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, finish).await;
    end
}

/// The WebSocket is gone. After a handover the connection lives on without it: keeps the machine's timers
/// until its end, and then waits until the data channel is closed by whoever drives it.
async fn after_the_socket(shared: &Shared) {
    let too_late = async {
        // What came before was about the WebSocket.
        while !shared.with(By::Writer, |machine| machine.is_leaving()) {
            shared.closing.notified().await;
        }
        tokio::time::sleep(CLOSE_TIMEOUT).await;
    };
    let timers = async {
        loop {
            let (over, deadline) =
                shared.with(By::Writer, |machine| (machine.over(), keep_timers(machine)));
            if over {
                return;
            }
            wait(shared, deadline).await;
        }
    };
    tokio::select! {
        () = timers => {}
        () = too_late => shared.with(By::Writer, Machine::handle_channel_closed),
    }
}

/// Does what is due, and says when something is due next.
fn keep_timers(machine: &mut Machine) -> Option<Instant> {
    let now = Instant::now();
    if machine.poll_timeout().is_some_and(|due| due <= now) {
        machine.handle_timeout(now);
    }
    machine.poll_timeout()
}

/// Waits until there is something new to write, or to be done at `deadline`.
async fn wait(shared: &Shared, deadline: Option<Instant>) {
    let due = async {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = shared.wake_writer.notified() => {}
        () = due => {}
    }
}

/// Keeps the machine's timers, and does nothing else. `woken` says that a wake-up was used up, which may have been about
/// something to write.
async fn timers(shared: &Shared, woken: &mut bool) -> Infallible {
    loop {
        let deadline = shared.with(By::Writer, keep_timers);
        wait(shared, deadline).await;
        *woken = true;
    }
}

/// Writes what the machine wants to have written, and keeps the machine's timers. Flushes once for all
/// that is ready. After a close there is nothing left to do but to wait for the server's answer.
async fn write(shared: &Shared, sink: &mut SplitSink<WebSocket, Message>, watch: &Watch) -> Error {
    let mut batch = Vec::new();
    loop {
        let (deadline, all) = shared.with(By::Writer, |machine| {
            let deadline = keep_timers(machine);
            take_batch(machine, &mut batch);
            (deadline, !machine.has_transmits())
        });
        if !batch.is_empty() {
            watch.written();
        }
        let ping = watch.with(Liveness::take_ping);
        let work = async {
            for transmit in batch.drain(..) {
                let message = match transmit {
                    Transmit::Message(message) => Message::Binary(message),
                    Transmit::Close(code) => close_message(code.code()),
                    Transmit::Ping | Transmit::Pong => continue,
                };
                sink.feed(message).await?;
            }
            if let Some(ping) = ping {
                sink.feed(Message::Ping(ping.to_vec().into())).await?;
            }
            if all || ping.is_some() {
                sink.flush().await?;
                // The WebSocket library keeps a pong back for which its buffer has no room, also when that flush makes
                // room: another one takes it along.
                sink.flush().await
            } else {
                Ok(())
            }
        };
        // It can take long.
        let mut woken = false;
        let result = tokio::select! {
            biased;
            result = work => result,
            never = timers(shared, &mut woken) => match never {},
        };
        // After our own close frame the WebSocket refuses to do more, which is no error here.
        match result {
            Ok(()) | Err(Error::ConnectionClosed) => {}
            Err(error) => return error,
        }
        if ping.is_some() {
            watch.ping_sent();
        }
        // What has come meanwhile has left a wake-up behind.
        if all && !woken {
            wait(shared, deadline).await;
        }
    }
}

/// Takes what is to be written, as much as is written in one go. The rest stays in the machine, which
/// counts what waits there.
fn take_batch(machine: &mut Machine, batch: &mut Vec<Transmit>) {
    let mut bytes = 0;
    while bytes < BATCH_BYTES
        && let Some(transmit) = machine.poll_transmit()
    {
        if let Transmit::Message(message) = &transmit {
            bytes += message.len();
        }
        batch.push(transmit);
    }
}

/// Hands what arrives to the machine, as long as the application takes its events. The WebSocket library
/// answers pings by itself.
async fn read(shared: &Shared, stream: &mut SplitStream<WebSocket>, watch: &Watch) -> SocketEnd {
    let wants_input = || shared.with(By::Reader, |machine| machine.wants_input());
    let mut wanted = wants_input();
    loop {
        if !wanted {
            watch.with(|liveness, now| liveness.set_deaf(now, true));
            while !wanted {
                shared.wake_reader.notified().await;
                wanted = wants_input();
            }
            watch.with(|liveness, now| liveness.set_deaf(now, false));
            watch.earlier.notify_one();
        }
        let next = stream.next().await;
        if let Some(Ok(message)) = &next {
            watch.heard(message);
        }
        match next {
            Some(Ok(Message::Binary(message))) => {
                let now = Instant::now();
                let look =
                    |machine: &mut Machine| (machine.look_at(now, &message), machine.wants_input());
                let (unopened, still_wanted) = shared.with(By::Reader, look);
                wanted = still_wanted;
                // Opened here, while others use the machine.
                if let Some(opened) = unopened.map(|unopened| unopened.open(&message)) {
                    wanted = shared.with(By::Reader, |machine| {
                        machine.handle_opened(now, opened);
                        machine.wants_input()
                    });
                }
            }
            Some(Ok(Message::Text(_))) => shared.with(By::Reader, Machine::handle_text),
            // The answer to a ping is queued; it goes out with the next flush.
            Some(Ok(Message::Ping(_))) => shared.wake_writer.notify_one(),
            Some(Ok(Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(frame))) => {
                return SocketEnd::CloseFrame(frame.map(|frame| frame.code.into()));
            }
            Some(Err(Error::Capacity(_))) => return SocketEnd::TooBig,
            Some(Err(error)) => return SocketEnd::Lost(error.to_string()),
            None => return SocketEnd::Lost("the server ended it without a close frame".into()),
        }
    }
}

/// A [`Liveness`] for both halves of the driver.
struct Watch {
    liveness: Mutex<Liveness>,
    /// Counts what is a sign of life below the WebSocket, as a large message that comes in slowly is.
    signs: Arc<AtomicU64>,
    /// How many of them are known.
    seen: AtomicU64,
    /// Something is due earlier than it was.
    earlier: Notify,
    /// Where the connection goes.
    ends: Option<Ends>,
}

impl Watch {
    fn new(socket: &WebSocket, ping_interval: u32, patience: Duration) -> Self {
        let liveness = Mutex::new(Liveness::new(Instant::now(), ping_interval, patience));
        Self {
            liveness,
            signs: socket.get_ref().signs(),
            seen: AtomicU64::new(0),
            earlier: Notify::new(),
            ends: socket.get_ref().ends(),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Liveness, Instant) -> T) -> T {
        work(&mut lock(&self.liveness), Instant::now())
    }

    /// Messages are about to be written.
    fn written(&self) {
        if self.with(|liveness, now| liveness.written(now)) {
            self.earlier.notify_one();
        }
    }

    /// Whether there are signs that were not known.
    fn new_signs(&self) -> bool {
        let signs = self.signs.load(Ordering::Relaxed);
        self.seen.swap(signs, Ordering::Relaxed) != signs
    }

    /// Something came from the server.
    fn heard(&self, message: &Message) {
        self.new_signs();
        self.with(|liveness, now| match message {
            Message::Pong(content) => liveness.pong(now, content),
            _ => liveness.heard(now),
        });
    }

    fn ping_sent(&self) {
        self.with(|liveness, now| liveness.ping_sent(now));
        self.earlier.notify_one();
    }

    /// Takes note of changes of the network, and does nothing else.
    async fn network_changes(
        &self,
        shared: &Shared,
        network: &mut watch::Receiver<u64>,
    ) -> Infallible {
        loop {
            network::changed(network).await;
            let moved = self.ends.is_some_and(|ends| ends.have_moved());
            self.with(|liveness, now| liveness.network_changed(now, moved));
            shared.wake_writer.notify_one();
            self.earlier.notify_one();
        }
    }

    /// Lets the writing half send pings when it is time for one. Resolves, with a text that says why, when the server
    /// is not there any more.
    async fn failed(&self, shared: &Shared) -> String {
        loop {
            if let Some(due) = self.with(|liveness, _| liveness.due()) {
                tokio::select! {
                    () = tokio::time::sleep_until(due.into()) => {}
                    () = self.earlier.notified() => continue,
                }
            } else {
                self.earlier.notified().await;
                continue;
            }
            let due = self.with(|liveness, now| {
                if self.new_signs() {
                    liveness.heard(now);
                }
                liveness.handle_timeout(now)
            });
            match due {
                Due::Nothing => {}
                Due::Ping => shared.wake_writer.notify_one(),
                Due::GiveUp(text) => return text,
            }
        }
    }
}

fn close_message(code: u16) -> Message {
    Message::Close(Some(close_frame(code)))
}
