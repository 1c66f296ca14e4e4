//! The life of one connection.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::time::Sleep;
use tokio_tungstenite::tungstenite::{self, Message, error::Error};
use tracing::debug;

use super::incoming::{Evicted, FREE, Incoming, STEP, Share, Turn, UNAUTHENTICATED};
use super::limits::ServerLimits;
use super::listener::Phase;
use super::metrics::{Metrics, ReachedLimit};
use super::registry::Member;
use crate::protocol::server::{ClientId, Path};
use crate::protocol::{CloseCode, MESSAGE_TOO_BIG, Transmit};
use crate::transport::{BATCH, WebSocket, close, close_frame, cut, finish};

/// How many messages of one client are taken before others have their turn, and how many bytes.
const MESSAGES_PER_TURN: usize = 32;
const BYTES_PER_TURN: usize = 128 << 10;
/// From how many bytes on a message is not copied into the buffer of a socket.
const LARGE: usize = 16 << 10;
/// The header of a ping or a pong of a client.
const CONTROL_HEADER: usize = 6;

/// How a connection ended.
enum ConnectionEnd {
    /// Both sides sent their closing frame, or the client sent one and the answer is on its way.
    Closed,
    /// The client broke the WebSocket protocol, and is told with this code.
    Refused(u16),
    /// What came in of a message had to be forgotten, and the client is told with this code if that can be done at once.
    Cut(u16),
    /// The connection is broken, or the client takes too long to end it.
    Gone,
}

/// Watches a connection that does not take everything at once.
struct Stall {
    /// How much it had taken when it was looked at last.
    written: u64,
    /// When it is looked at again.
    check: Instant,
}

impl Stall {
    fn new(now: Instant, written: u64, timeout: Duration) -> Self {
        Self { written, check: now + timeout }
    }

    /// Whether nothing was taken from one look to the next; or, if all memory is in use, what waits has waited `since` longer
    /// than that.
    fn has_stalled(
        &mut self,
        now: Instant,
        written: u64,
        timeout: Duration,
        since: Option<Instant>,
    ) -> bool {
        if now < self.check {
            return false;
        }
        let too_long = since.is_some_and(|since| now.saturating_duration_since(since) >= timeout);
        let stalled = written == self.written || too_long;
        *self = Self::new(now, written, timeout);
        stalled
    }
}

struct ClientConnection<'a> {
    socket: WebSocket,
    member: Member,
    limits: &'a ServerLimits,
    metrics: &'a Metrics,
    incoming: &'a Arc<Incoming>,
    phase: &'a watch::Receiver<Phase>,
    /// It has been, as far as is known.
    authenticated: bool,
    /// What a large message that is not complete has of what there is for all.
    share: Option<Share>,
    /// When the message has to be complete that comes in.
    message_due: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    /// What the timer is set to.
    due: Option<Instant>,
    /// When the connection is cut off; set once a close is queued.
    cut_off: Option<Instant>,
    stall: Option<Stall>,
    /// Its messages wait for room at their receivers: nothing more is read from it.
    paused: bool,
    /// Too much waits for all clients: nothing more is read of its large message until it is its turn.
    held_back: Option<Arc<Turn>>,
    /// The bytes of a large message that were given to the socket.
    given: Option<Given>,
    /// How the connection ended while it was paused. What it sent before has to get out first.
    ended: Option<ConnectionEnd>,
    /// How much it had taken when the path was told last.
    written: u64,
    /// Our closing frame was given to the socket.
    close_sent: bool,
    unflushed: bool,
    /// A ping came since the last flush.
    owes_pong: bool,
}

/// Serves a client until its connection has ended.
pub(super) async fn serve(
    socket: WebSocket,
    member: Member,
    limits: &ServerLimits,
    metrics: &Metrics,
    incoming: &Arc<Incoming>,
    phase: &watch::Receiver<Phase>,
) {
    let mut connection = ClientConnection {
        socket,
        member,
        limits,
        metrics,
        incoming,
        phase,
        authenticated: false,
        share: None,
        message_due: None,
        // There is no timer without a time; it is set before it is first looked at.
        timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
        due: None,
        cut_off: None,
        stall: None,
        paused: false,
        held_back: None,
        given: None,
        ended: None,
        written: 0,
        close_sent: false,
        unflushed: false,
        owes_pong: false,
    };
    connection.socket.get_mut().begin_message(FREE);
    let end = poll_fn(|cx| connection.poll(cx)).await;
    let ClientConnection { socket, member, share, .. } = connection;
    // The others hear of it now, and not when the socket is finally closed.
    drop(member);
    incoming.let_go_on(limits.all_queues_bytes);
    // In boxes, so that the task does not keep room for the end of the connection all its life.
    match end {
        ConnectionEnd::Gone => {}
        ConnectionEnd::Closed => Box::pin(finish_in_time(socket, limits, metrics)).await,
        ConnectionEnd::Refused(code) => {
            if code == MESSAGE_TOO_BIG {
                metrics.limit(ReachedLimit::MessageSize);
            }
            Box::pin(refuse(socket, code, limits, metrics)).await;
        }
        ConnectionEnd::Cut(code) => {
            metrics.close(code);
            let ended = Box::pin(cut(socket, code, limits.close_timeout));
            // From here on there is nothing of the message any more.
            drop(share);
            if !ended.await {
                metrics.limit(ReachedLimit::CloseTime);
            }
        }
    }
}

/// Closes a WebSocket that is not, or not any more, on a path.
pub(super) async fn refuse(socket: WebSocket, code: u16, limits: &ServerLimits, metrics: &Metrics) {
    metrics.close(code);
    if !close(socket, code, limits.close_timeout).await {
        metrics.limit(ReachedLimit::CloseTime);
    }
}

async fn finish_in_time(socket: WebSocket, limits: &ServerLimits, metrics: &Metrics) {
    if !finish(socket, limits.close_timeout).await {
        metrics.limit(ReachedLimit::CloseTime);
    }
}

impl ClientConnection<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionEnd> {
        let polled = self.poll_all(cx);
        // What was sent is not here any more.
        self.incoming.let_go_on(self.limits.all_queues_bytes);
        polled
    }

    /// One wake-up: take what came, send what there is, flush once, and do what is due. If that makes
    /// something to send, the path wakes this up again.
    fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionEnd> {
        // Before looking for something to send, so that nothing is missed in between.
        self.member.waker.register(cx.waker());
        // Reading the clock for each message would cost more than relaying it within the process.
        let now = Instant::now();
        if self.share.as_ref().is_some_and(Share::is_evicted) {
            return Poll::Ready(self.evicted());
        }
        if self.paused {
            self.paused = self.member.with(|path, id| path.is_paused(id));
        }
        if !self.paused && self.ended.is_none() {
            match self.poll_receive(cx, now) {
                Poll::Ready(end) => self.ended = Some(end),
                Poll::Pending => {}
            }
        }
        if self.ended.is_some() {
            if !self.paused
                && let Some(end) = self.ended.take()
            {
                return Poll::Ready(end);
            }
            // Nobody is there to take anything.
            self.unflushed = false;
        } else if let Err(error) = self.poll_send(cx) {
            return Poll::Ready(failed(&error));
        }
        self.poll_timer(cx, now)
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<ConnectionEnd> {
        let (mut messages, mut bytes) = (Vec::new(), 0);
        let is_full = self.incoming.is_full(self.limits.all_queues_bytes);
        let most = if is_full { FREE } else { BYTES_PER_TURN };
        let end = loop {
            if messages.len() == MESSAGES_PER_TURN || bytes > most {
                cx.waker().wake_by_ref();
                break Poll::Pending;
            }
            match self.socket.poll_next_unpin(cx) {
                Poll::Pending if self.socket.get_ref().is_full() => match self.read_more(now) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(end)) => break Poll::Ready(end),
                    Poll::Pending => break Poll::Pending,
                },
                Poll::Pending => break Poll::Pending,
                // The WebSocket library has queued the answer to a closing frame; `finish` flushes it.
                Poll::Ready(None | Some(Ok(Message::Close(_)))) => {
                    break Poll::Ready(ConnectionEnd::Closed);
                }
                // Only text has to be UTF-8, and a client may not send text: the path would answer the
                // same.
                Poll::Ready(Some(Err(Error::Utf8(_)))) => {
                    break Poll::Ready(ConnectionEnd::Refused(CloseCode::ProtocolError.code()));
                }
                Poll::Ready(Some(Err(error))) => break Poll::Ready(failed(&error)),
                Poll::Ready(Some(Ok(message))) => {
                    match message {
                        // Between the frames of a message, or on its own: its bytes, and its header.
                        Message::Ping(_) | Message::Pong(_) => {
                            self.socket.get_mut().do_not_count(CONTROL_HEADER + message.len());
                            if matches!(message, Message::Ping(_)) {
                                self.owes_pong = true;
                                self.unflushed = true;
                            }
                        }
                        _ => {
                            self.socket.get_mut().begin_message(FREE);
                            self.share = None;
                            self.message_due = None;
                        }
                    }
                    bytes += message.len();
                    messages.push(message);
                }
            }
        };
        if !messages.is_empty() {
            self.paused = self.member.with(|path, id| {
                for message in messages {
                    match message {
                        Message::Binary(data) => path.handle_message(now, id, data),
                        Message::Text(_) => path.handle_text(now, id),
                        Message::Pong(_) => path.handle_pong(now, id),
                        // The WebSocket library answers pings, and never gives out frames.
                        Message::Ping(_) | Message::Frame(_) | Message::Close(_) => {}
                    }
                }
                path.is_paused(id)
            });
        }
        // Whoever is paused is not to be blamed for what is not read.
        if self.paused || self.held_back.is_some() || self.socket.get_ref().part() == 0 {
            self.message_due = None;
        } else if self.message_due.is_none() {
            self.message_due = Some(now + self.limits.message_timeout);
        }
        end
    }

    /// A message is larger than what is read of each without asking. Pending: it has to wait, because nobody can say how
    /// long it would be here.
    fn read_more(&mut self, now: Instant) -> Poll<Result<(), ConnectionEnd>> {
        if !self.authenticated {
            self.authenticated = self.member.with(|path, id| path.is_authenticated(id));
        }
        if !self.authenticated && self.socket.get_ref().part() >= UNAUTHENTICATED {
            return Poll::Ready(Err(ConnectionEnd::Refused(MESSAGE_TOO_BIG)));
        }
        let Self { share, limits, member, incoming, .. } = self;
        if incoming.is_full(limits.all_queues_bytes) {
            let turn = self.held_back.get_or_insert_with(|| {
                member.with(|path, id| path.hold_back(now, id));
                Turn::new(&member.waker)
            });
            incoming.wait(turn);
            if incoming.is_full(limits.all_queues_bytes) {
                return Poll::Pending;
            }
        }
        if self.held_back.take().is_some() {
            member.with(|path, id| path.let_go_on(now, id));
        }
        match incoming.grow(share, limits.receiving_bytes, &member.waker) {
            Ok(()) => {
                self.socket.get_mut().allow(STEP);
                Poll::Ready(Ok(()))
            }
            Err(Evicted) => Poll::Ready(Err(self.evicted())),
        }
    }

    fn evicted(&self) -> ConnectionEnd {
        debug!("a message that did not come to its end had to make room for others");
        self.metrics.limit(ReachedLimit::Receiving);
        ConnectionEnd::Cut(CloseCode::Timeout.code())
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<ConnectionEnd> {
        loop {
            let written = self.socket.get_ref().written();
            let has_taken = written != std::mem::replace(&mut self.written, written);
            let (due, closing) = self.member.with(|path, id| {
                if has_taken {
                    path.handle_written(now, id);
                }
                (path.client_timeout(id), path.is_closing(id))
            });
            if closing && self.cut_off.is_none() && self.is_time_to_go() {
                self.cut_off = Some(Instant::now() + self.limits.close_timeout);
            }
            self.watch_stall();
            let stall = self.stall.as_ref().map(|stall| stall.check);
            let Some(due) =
                self.cut_off.or_else(|| due.into_iter().chain(stall).chain(self.message_due).min())
            else {
                return Poll::Pending;
            };
            if self.due != Some(due) {
                self.timer.as_mut().reset(due.into());
                self.due = Some(due);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.due = None;
            let now = Instant::now().max(due);
            if self.cut_off.is_some() {
                debug!("client did not end its connection in time");
                self.metrics.limit(ReachedLimit::CloseTime);
                return Poll::Ready(ConnectionEnd::Gone);
            }
            if self.has_stalled(now) {
                debug!("client took nothing for too long");
                self.metrics.limit(ReachedLimit::StallTime);
                return Poll::Ready(ConnectionEnd::Gone);
            }
            if self.message_due.is_some_and(|due| due <= now) {
                debug!("a message took too long to come in");
                self.metrics.limit(ReachedLimit::MessageTime);
                return Poll::Ready(ConnectionEnd::Cut(CloseCode::Timeout.code()));
            }
            self.member.with(|path, id| path.handle_client_timeout(now, id));
        }
    }

    /// Whether the time has begun within which a client has to end its connection. In a shutdown it
    /// begins only when the client has got what waited for it, for which there is the whole time of the
    /// shutdown.
    fn is_time_to_go(&self) -> bool {
        let stopping = *self.phase.borrow() == Phase::Stopping;
        !stopping || (self.close_sent && !self.unflushed)
    }

    fn watch_stall(&mut self) {
        if !self.unflushed {
            self.stall = None;
        } else if self.stall.is_none()
            && let Some(timeout) = self.limits.stall_timeout
        {
            let written = self.socket.get_ref().written();
            self.stall = Some(Stall::new(Instant::now(), written, timeout));
        }
    }

    fn has_stalled(&mut self, now: Instant) -> bool {
        let written = self.socket.get_ref().written();
        let is_full = self.incoming.is_full(self.limits.all_queues_bytes);
        // What was given to the socket came before what is still in the queue.
        let waits = || match &self.given {
            Some(given) => Some(given.arrived),
            None => self.member.with(|path, id| path.next_relayed(id)).map(|(arrived, _)| arrived),
        };
        let since = is_full.then(waits).flatten();
        let (Some(stall), Some(timeout)) = (&mut self.stall, self.limits.stall_timeout) else {
            return false;
        };
        stall.has_stalled(now, written, timeout, since)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), tungstenite::Error> {
        loop {
            match self.socket.get_mut().poll_sent(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(sent) => sent?,
            }
            self.given = None;
            if self.close_sent {
                break;
            }
            // Messages stay in the path's queue until the socket can take them.
            match self.socket.poll_ready_unpin(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(ready) => ready?,
            }
            let flushed = !self.unflushed;
            let batch = match self.member.with(|path, id| next_batch(path, id, flushed)) {
                Ok(batch) => batch,
                Err(LargeIsNext) => {
                    if self.poll_flush(cx)?.is_pending() {
                        return Ok(());
                    }
                    continue;
                }
            };
            if batch.is_empty() {
                break;
            }
            let now = Instant::now();
            // Messages that arrived in the same turn have the same time of arrival.
            for same in batch.chunk_by(|(one, _), (other, _)| one == other) {
                if let Some((Some(arrived), _)) = same.first() {
                    self.metrics.handed_over(now.saturating_duration_since(*arrived), same.len());
                }
            }
            self.unflushed = true;
            for (arrived, transmit) in batch {
                let message = match transmit {
                    Transmit::Message(data) if data.len() > LARGE => {
                        let arrived = arrived.unwrap_or(now);
                        self.given = Some(Given::new(&self.metrics.queued, data.len(), arrived));
                        self.socket.get_mut().send_binary(data);
                        continue;
                    }
                    Transmit::Message(data) => Message::Binary(data),
                    Transmit::Ping => Message::Ping(bytes::Bytes::new()),
                    Transmit::Pong => Message::Pong(bytes::Bytes::new()),
                    Transmit::Close(code) => {
                        self.close_sent = true;
                        Message::Close(Some(close_frame(code.code())))
                    }
                };
                // If the socket is full by now, its buffer has room for the rest of the batch.
                self.socket.start_send_unpin(message)?;
            }
        }
        let _ = self.poll_flush(cx)?;
        Ok(())
    }

    /// Ready when the operating system has taken everything.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, tungstenite::Error> {
        while self.unflushed {
            match self.socket.poll_flush_unpin(cx) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(flushed) => flushed?,
            }
            // The WebSocket library keeps a pong back for which its buffer has no room, also when that flush makes room:
            // another one takes it along.
            self.unflushed = std::mem::take(&mut self.owes_pong);
        }
        Ok(Poll::Ready(()))
    }
}

/// The next message is a large one, which is not put behind others into a buffer.
struct LargeIsNext;

/// Takes what is to be sent next to a client, with the time of arrival of relayed messages. A large one comes alone, and
/// only if everything else was `flushed`.
fn next_batch(
    path: &mut Path,
    id: ClientId,
    flushed: bool,
) -> Result<Vec<(Option<Instant>, Transmit)>, LargeIsNext> {
    let mut batch = path.poll_transmits(id, BATCH, LARGE);
    if batch.is_empty()
        && let Some((arrived, _)) = path.next_relayed(id)
    {
        if !flushed {
            return Err(LargeIsNext);
        }
        batch.extend(path.poll_transmit(id).map(|transmit| (Some(arrived), transmit)));
    }
    Ok(batch)
}

/// Bytes that were given to a socket which has not taken them yet. They count among those that wait for all clients.
struct Given {
    queued: Arc<AtomicUsize>,
    bytes: usize,
    arrived: Instant,
}

impl Given {
    fn new(queued: &Arc<AtomicUsize>, bytes: usize, arrived: Instant) -> Self {
        queued.fetch_add(bytes, Relaxed);
        Self { queued: queued.clone(), bytes, arrived }
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        self.queued.fetch_sub(self.bytes, Relaxed);
    }
}

/// What an error of the WebSocket means.
fn failed(error: &tungstenite::Error) -> ConnectionEnd {
    match error {
        Error::Capacity(_) => ConnectionEnd::Refused(MESSAGE_TOO_BIG),
        Error::Protocol(
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake
            | tungstenite::error::ProtocolError::SendAfterClosing,
        ) => ConnectionEnd::Gone,
        Error::Protocol(_) => ConnectionEnd::Refused(CloseCode::WebSocketProtocolError.code()),
        _ => ConnectionEnd::Gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_a_byte_now_and_then_does_not_stall() {
        let (start, timeout) = (Instant::now(), Duration::from_secs(10));
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut stall = Stall::new(start, 100, timeout);
        assert!(!stall.has_stalled(at(9), 100, timeout, None), "not yet");
        assert!(!stall.has_stalled(at(10), 101, timeout, None));
        assert_eq!(stall.check, at(20));
        assert!(!stall.has_stalled(at(20), 102, timeout, None));
        assert!(!stall.has_stalled(at(29), 102, timeout, None), "not yet");
        assert!(stall.has_stalled(at(30), 102, timeout, None));
    }

    /// Others wait for the memory that it has.
    #[test]
    fn when_memory_is_short_a_byte_now_and_then_is_not_enough() {
        let (start, timeout) = (Instant::now(), Duration::from_secs(10));
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut stall = Stall::new(start, 100, timeout);
        assert!(!stall.has_stalled(at(10), 101, timeout, Some(at(1))), "it came later");
        assert!(!stall.has_stalled(at(19), 102, timeout, Some(at(1))), "not yet");
        assert!(stall.has_stalled(at(20), 103, timeout, Some(at(10))));
    }
}
