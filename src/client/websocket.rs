//! The driver: moves bytes between a WebSocket and the state machine.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{Notify, watch};
use tokio::task::JoinError;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::network;
use super::shared::{By, CLOSE_TIMEOUT, Shared};
use crate::crypto::PublicKey;
use crate::protocol::client::SocketEnd;
use crate::protocol::{MESSAGE_TOO_BIG, ServerUrl, Transmit};
use crate::task::Client as Machine;
use crate::transport::{self, ConnectError, Roots, TlsError, WebSocket, close_frame};

/// How many bytes are taken from the machine under one lock, unless a single message has more.
const BATCH_BYTES: usize = 64 * 1024;

/// How long the server may take to answer a ping after the network has changed.
const PONG_TIMEOUT: Duration = Duration::from_secs(5);

/// What to connect to, and how.
pub(super) struct Target {
    pub(super) server: ServerUrl,
    pub(super) path: PublicKey,
    pub(super) roots: Roots,
    pub(super) connect_timeout: Duration,
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
        let end = tokio::select! {
            result = connect(target) => match result {
                Ok(socket) => {
                    shared.with(By::Writer, |machine| machine.handle_connected(Instant::now()));
                    communicate(shared, socket, &mut self.network).await
                }
                Err(failure) => SocketEnd::ConnectFailed(failure.to_string()),
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
    /// The certificates that the configuration accepts cannot be used.
    Tls(TlsError),
    /// The runtime was stopped while they were read.
    Stopped(JoinError),
    Connect(ConnectError),
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => error.fmt(f),
            Self::Stopped(error) => error.fmt(f),
            Self::Connect(error) => error.fmt(f),
        }
    }
}

async fn connect(target: Target) -> Result<WebSocket, ConnectFailure> {
    let Target { server, path, roots, connect_timeout, max_message_size } = target;
    let tls = if server.is_tls() {
        // Reads files.
        let config = tokio::task::spawn_blocking(move || transport::client_config(&roots)).await;
        Some(config.map_err(ConnectFailure::Stopped)?.map_err(ConnectFailure::Tls)?)
    } else {
        None
    };
    let (host, port) = (server.host().to_owned(), server.port());
    // Spec: P-034 (Connecting To a Signalling Server)
    let target = transport::Target { host, port, tls, path: path.to_hex() };
    transport::connect(&target, max_message_size, connect_timeout)
        .await
        .map_err(ConnectFailure::Connect)
}

async fn communicate(
    shared: &Shared,
    socket: WebSocket,
    network: &mut watch::Receiver<u64>,
) -> SocketEnd {
    let (mut sink, mut stream) = socket.split();
    let probe = Probe::default();
    let too_late = async {
        shared.closing.notified().await;
        tokio::time::sleep(CLOSE_TIMEOUT).await;
    };
    let traffic = async {
        let mut reading = pin!(read(shared, &mut stream, &probe));
        let error = tokio::select! {
            end = &mut reading => return end,
            error = write(shared, &mut sink, network, &probe) => error,
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
        () = probe.failed() => {
            let text = "the network has changed, and it does not answer over this connection any more";
            return SocketEnd::Lost(text.into());
        }
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

/// Writes what the machine wants to have written, and keeps the machine's timers. Flushes once for all
/// that is ready. After a close there is nothing left to do but to wait for the server's answer.
async fn write(
    shared: &Shared,
    sink: &mut SplitSink<WebSocket, Message>,
    network: &mut watch::Receiver<u64>,
    probe: &Probe,
) -> Error {
    let mut batch = Vec::new();
    let mut pings = false;
    loop {
        let (deadline, all) = shared.with(By::Writer, |machine| {
            let deadline = keep_timers(machine);
            take_batch(machine, &mut batch);
            (deadline, !machine.has_transmits())
        });
        let result = async {
            for transmit in batch.drain(..) {
                let message = match transmit {
                    Transmit::Message(message) => Message::Binary(message),
                    Transmit::Close(code) => close_message(code.code()),
                    Transmit::Ping => continue,
                };
                sink.feed(message).await?;
            }
            if pings {
                sink.feed(Message::Ping(probe.ping().to_vec().into())).await?;
            }
            if all { sink.flush().await } else { Ok(()) }
        };
        // After our own close frame the WebSocket refuses to do more, which is no error here.
        match result.await {
            Ok(()) | Err(Error::ConnectionClosed) => {}
            Err(error) => return error,
        }
        // Behind what waited before: the server may not read now because the peer is slow, which is no reason
        // to give up.
        if std::mem::take(&mut pings) {
            probe.begin();
        }
        // What has come meanwhile has left a wake-up behind.
        if all {
            tokio::select! {
                () = wait(shared, deadline) => {}
                () = network::changed(network) => pings = true,
            }
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
async fn read(shared: &Shared, stream: &mut SplitStream<WebSocket>, probe: &Probe) -> SocketEnd {
    let wants_input = || shared.with(By::Reader, |machine| machine.wants_input());
    let mut wanted = wants_input();
    loop {
        while !wanted {
            // The answer cannot be seen.
            probe.end();
            shared.wake_reader.notified().await;
            wanted = wants_input();
        }
        let next = stream.next().await;
        if let Some(Ok(message)) = &next {
            probe.heard(message);
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

/// A look whether the server is still there.
#[derive(Default)]
struct Probe {
    /// How many pings were sent.
    sent: AtomicU64,
    /// Which of them was answered last.
    answered: AtomicU64,
    /// The last of them has no answer yet.
    waits: AtomicBool,
    /// The time for the answer begins anew.
    anew: Notify,
}

impl Probe {
    /// The next ping. An answer to an earlier one may be on its way, or in a buffer of this host.
    fn ping(&self) -> [u8; 8] {
        (self.sent.fetch_add(1, Ordering::Relaxed) + 1).to_be_bytes()
    }

    /// The ping was sent. It may have an answer already.
    fn begin(&self) {
        if self.answered.load(Ordering::Relaxed) != self.sent.load(Ordering::Relaxed) {
            self.waits.store(true, Ordering::Relaxed);
            self.anew.notify_one();
        }
    }

    /// Something came from the server. The answer may be behind much more.
    fn heard(&self, message: &Message) {
        let last = self.sent.load(Ordering::Relaxed);
        if matches!(message, Message::Pong(payload) if payload[..] == last.to_be_bytes()) {
            self.answered.store(last, Ordering::Relaxed);
            self.end();
        } else if self.waits.load(Ordering::Relaxed) {
            self.anew.notify_one();
        }
    }

    fn end(&self) {
        self.waits.store(false, Ordering::Relaxed);
    }

    /// Resolves when nothing came for too long after a ping.
    async fn failed(&self) {
        loop {
            self.anew.notified().await;
            while tokio::time::timeout(PONG_TIMEOUT, self.anew.notified()).await.is_ok() {}
            if self.waits.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

fn close_message(code: u16) -> Message {
    Message::Close(Some(close_frame(code)))
}
