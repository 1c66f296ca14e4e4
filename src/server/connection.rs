//! The life of one connection.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::Sleep;
use tokio_tungstenite::tungstenite::{self, Message, error::Error};
use tracing::debug;

use super::registry::Member;
use crate::protocol::{CloseCode, MESSAGE_TOO_BIG, Transmit};
use crate::transport::{WebSocket, close_frame, finish};

/// How many messages of one client are taken before others have their turn.
const MESSAGES_PER_TURN: usize = 32;
/// How a connection ended.
enum End {
    /// Both sides sent their closing frame, or the client sent one and the answer is on its way.
    Closed,
    /// The client broke the WebSocket protocol, and is told with this code.
    Refused(u16),
    /// The connection is broken, or the client takes too long to end it.
    Gone,
}

struct Connection {
    socket: WebSocket,
    member: Member,
    timer: Pin<Box<Sleep>>,
    /// What the timer is set to.
    due: Option<Instant>,
    close_timeout: Duration,
    /// When the connection is cut off; set once a close is queued.
    cut_off: Option<Instant>,
    /// Our closing frame was given to the socket.
    close_sent: bool,
    unflushed: bool,
}

/// Serves a client until its connection has ended.
pub(super) async fn serve(socket: WebSocket, member: Member, close_timeout: Duration) {
    let mut connection = Connection {
        socket,
        member,
        timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
        due: None,
        close_timeout,
        cut_off: None,
        close_sent: false,
        unflushed: false,
    };
    let end = poll_fn(|cx| connection.poll(cx)).await;
    let Connection { mut socket, member, .. } = connection;
    // The others hear of it now, and not when the socket is finally closed.
    drop(member);
    // In boxes, so that the task does not keep room for the end of the connection all its life.
    match end {
        End::Gone => {}
        End::Closed => Box::pin(finish(socket, close_timeout)).await,
        End::Refused(code) => {
            if socket.feed(Message::Close(Some(close_frame(code)))).await.is_ok() {
                Box::pin(finish(socket, close_timeout)).await;
            }
        }
    }
}

/// Closes a WebSocket that never got onto a path.
pub(super) async fn refuse(mut socket: WebSocket, code: CloseCode, close_timeout: Duration) {
    if socket.feed(Message::Close(Some(close_frame(code.code())))).await.is_ok() {
        finish(socket, close_timeout).await;
    }
}

impl Connection {
    /// One wake-up: take what came, do what is due, send what there is, and flush once.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        // Before looking for something to send, so that nothing is missed in between.
        self.member.waker.register(cx.waker());
        // Reading the clock for each message would cost more than relaying it within the process.
        let now = Instant::now();
        if let Poll::Ready(end) = self.poll_receive(cx, now) {
            return Poll::Ready(end);
        }
        if let Poll::Ready(end) = self.poll_timer(cx, now) {
            return Poll::Ready(end);
        }
        match self.poll_send(cx) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(failed(&error)),
        }
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<End> {
        for _ in 0..MESSAGES_PER_TURN {
            let message = match self.socket.poll_next_unpin(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(End::Closed),
                Poll::Ready(Some(Err(Error::Utf8(_)))) => {
                    return Poll::Ready(End::Refused(CloseCode::ProtocolError.code()));
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(failed(&error)),
                Poll::Ready(Some(Ok(message))) => message,
            };
            match message {
                Message::Binary(data) => {
                    self.member.with(|path, id| path.handle_message(now, id, data));
                }
                Message::Text(_) => self.member.with(|path, id| path.handle_text(now, id)),
                Message::Pong(_) => self.member.with(|path, id| path.handle_pong(now, id)),
                Message::Close(_) => return Poll::Ready(End::Closed),
                // The WebSocket library answers pings, and never gives out frames.
                Message::Ping(_) | Message::Frame(_) => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<End> {
        loop {
            let (due, closing) =
                self.member.with(|path, id| (path.client_timeout(id), path.is_closing(id)));
            if closing && self.cut_off.is_none() {
                self.cut_off = Some(now + self.close_timeout);
            }
            let Some(due) = self.cut_off.or(due) else { return Poll::Pending };
            if self.due != Some(due) {
                self.timer.as_mut().reset(due.into());
                self.due = Some(due);
            }
            match self.timer.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) if self.cut_off.is_some() => {
                    debug!("client did not end its connection in time");
                    return Poll::Ready(End::Gone);
                }
                Poll::Ready(()) => {
                    self.due = None;
                    let now = Instant::now().max(due);
                    self.member.with(|path, id| path.handle_client_timeout(now, id));
                }
            }
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), tungstenite::Error> {
        while !self.close_sent {
            // A message stays in the path's queue until the socket can take it.
            match self.socket.poll_ready_unpin(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(ready) => ready?,
            }
            let Some(transmit) = self.member.with(|path, id| path.poll_transmit(id)) else { break };
            self.unflushed = true;
            let message = match transmit {
                Transmit::Message(data) => Message::Binary(data),
                Transmit::Ping => Message::Ping(bytes::Bytes::new()),
                Transmit::Close(code) => {
                    self.close_sent = true;
                    Message::Close(Some(close_frame(code.code())))
                }
            };
            self.socket.start_send_unpin(message)?;
        }
        if self.unflushed
            && let Poll::Ready(flushed) = self.socket.poll_flush_unpin(cx)
        {
            self.unflushed = false;
            flushed?;
        }
        Ok(())
    }
}

/// What an error of the WebSocket means.
fn failed(error: &tungstenite::Error) -> End {
    match error {
        Error::Capacity(_) => End::Refused(MESSAGE_TOO_BIG),
        Error::Protocol(
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake
            | tungstenite::error::ProtocolError::SendAfterClosing,
        ) => End::Gone,
        Error::Protocol(_) => End::Refused(CloseCode::WebSocketProtocolError.code()),
        _ => End::Gone,
    }
}
