//! The driver: moves bytes between a WebSocket and the state machine.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{CLOSE_TIMEOUT, Machine, Roots, Shared};
use crate::crypto::PublicKey;
use crate::protocol::client::SocketEnd;
use crate::protocol::{MESSAGE_TOO_BIG, ServerUrl, Transmit};
use crate::transport::{self, WebSocket, close_frame};

/// Where to connect to.
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
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Connects, and runs the connection until its end.
    pub(super) async fn run(self, target: Target) {
        let shared = &*self.shared;
        let end = tokio::select! {
            result = connect(target) => match result {
                Ok(socket) => {
                    shared.with(|machine| machine.handle_connected(Instant::now()));
                    communicate(shared, socket).await
                }
                Err(text) => SocketEnd::ConnectFailed(text),
            },
            // Closed before there was anything to close.
            () = shared.closing.notified() => SocketEnd::Lost(String::new()),
        };
        shared.with(|machine| machine.handle_socket_end(end));
        after_the_socket(shared).await;
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.abandon();
        crate::runtime::closed();
    }
}

async fn connect(target: Target) -> Result<WebSocket, String> {
    let Target { server, path, roots, connect_timeout, max_message_size } = target;
    let tls = if server.is_tls() {
        // Reads files.
        let config = tokio::task::spawn_blocking(move || transport::client_config(&roots)).await;
        Some(config.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?)
    } else {
        None
    };
    let (host, port) = (server.host().to_owned(), server.port());
    // Spec: P-034 (Connecting To a Signalling Server)
    let target = transport::Target { host, port, tls, path: path.to_hex() };
    transport::connect(&target, max_message_size, connect_timeout)
        .await
        .map_err(|error| error.to_string())
}

async fn communicate(shared: &Shared, socket: WebSocket) -> SocketEnd {
    let (mut sink, mut stream) = socket.split();
    let too_late = async {
        shared.closing.notified().await;
        tokio::time::sleep(CLOSE_TIMEOUT).await;
    };
    let traffic = async {
        let mut reading = pin!(read(shared, &mut stream));
        let error = tokio::select! {
            end = &mut reading => return end,
            error = write(shared, &mut sink) => error,
        };
        // What the server sent before it went may still be there, and its close frame says why.
        match tokio::time::timeout(CLOSE_TIMEOUT, reading).await {
            Ok(end @ SocketEnd::CloseFrame(_)) => end,
            _ => SocketEnd::Lost(error.to_string()),
        }
    };
    let end = tokio::select! {
        end = traffic => end,
        // There is no point in waiting any longer.
        () = too_late => return SocketEnd::Lost("it did not take what was sent to it".into()),
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

/// The WebSocket is gone. If that was the handover, keeps the machine's timers until the end of the
/// connection; and if somebody else still has a data channel to close then, waits for that.
async fn after_the_socket(shared: &Shared) {
    let too_late = async {
        // What came before was about the WebSocket.
        while !shared.lock().is_leaving() {
            shared.closing.notified().await;
        }
        tokio::time::sleep(CLOSE_TIMEOUT).await;
    };
    let timers = async {
        while !shared.lock().over() {
            wait_for_change(shared).await;
        }
    };
    tokio::select! {
        () = timers => {}
        () = too_late => shared.with(Machine::handle_channel_closed),
    }
}

/// Waits until there is something to look at. Runs the timer that is due first.
async fn wait_for_change(shared: &Shared) {
    let deadline = shared.lock().poll_timeout();
    tokio::select! {
        () = shared.wake_writer.notified() => {}
        () = until(deadline) => shared.with(|machine| machine.handle_timeout(Instant::now())),
    }
}

/// Writes what the machine wants to have written, and keeps the machine's timers. Flushes once for all
/// that is ready. After a close there is nothing left to do but to wait for the server's answer.
async fn write(shared: &Shared, sink: &mut SplitSink<WebSocket, Message>) -> Error {
    loop {
        let result = async {
            while let Some(transmit) = shared.poll_transmit() {
                let message = match transmit {
                    Transmit::Message(message) => Message::Binary(message),
                    Transmit::Close(code) => close_message(code.code()),
                    Transmit::Ping => continue,
                };
                sink.feed(message).await?;
            }
            sink.flush().await
        };
        // After our own close frame the WebSocket refuses to do more, which is no error here.
        match result.await {
            Ok(()) | Err(Error::ConnectionClosed) => {}
            Err(error) => return error,
        }
        wait_for_change(shared).await;
    }
}

/// Hands the machine what arrives, as long as the application keeps up. Pings are answered by the
/// WebSocket itself.
async fn read(shared: &Shared, stream: &mut SplitStream<WebSocket>) -> SocketEnd {
    loop {
        while !shared.lock().wants_input() {
            shared.wake_reader.notified().await;
        }
        match stream.next().await {
            Some(Ok(Message::Binary(message))) => {
                shared.with(|machine| machine.handle_message(Instant::now(), &message));
            }
            Some(Ok(Message::Text(_))) => shared.with(Machine::handle_text),
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

fn close_message(code: u16) -> Message {
    Message::Close(Some(close_frame(code)))
}

/// Resolves at `deadline`; never if there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
