//! The handover of the signalling from the WebSocket to a data channel (Task-WebRTC, *Signalling
//! Channel Handover*).
//!
//! Each client, when its end of the channel is open, says 'handover' over the WebSocket. It is the last
//! that it says to its peer there; what follows goes over the channel. So messages of the peer come
//! over the WebSocket until its 'handover', and over the channel from then on; what comes over the
//! channel before that waits. Once both have said it, the WebSocket is closed with 3003.
//!
//! What can happen when, with *own* for "we have said 'handover'" and *peer's* for "we have got it":
//!
//! | what happens | neither | own only | peer's only | both |
//! |---|---|---|---|---|
//! | we send | WebSocket | channel | WebSocket | channel |
//! | message over the WebSocket | taken | taken | protocol error | WebSocket is closed: ignored |
//! | 'handover' over the WebSocket | *peer's only* | *both* | ignored | ignored |
//! | message over the channel | waits | waits | taken | taken |
//! | 'handover' over the channel | waits | waits | ignored | ignored |
//! | message of the server | taken | taken | taken | ignored |
//! | the server says that the peer left, or has a successor | `PeerLeft` | `PeerLeft` | `PeerLeft` | ignored |
//! | end of the channel, where nothing came over it | nothing; a new one may be tried | `SignallingChannelLost` | `SignallingChannelLost` | `SignallingChannelLost` |
//! | end of the channel, where something came over it | waits, and is known with *peer's* | `SignallingChannelLost` | `SignallingChannelLost`, after what waits was taken | the same |
//! | end of the WebSocket | its reason | its reason | its reason | nothing |
//! | [`HANDOVER_TIMEOUT`] passes | – | `HandoverTimeout` | `HandoverTimeout` | – |
//! | too much waits | `PeerProtocolError` | the same | the same | the same |
//! | `close` | 'close' over the WebSocket | 'close' over the channel, which is closed then | 'close' over the WebSocket | as with *own only* |
//! | 'close' of the peer | `PeerClosed` | `PeerClosed`, and the channel is closed | `PeerClosed` | as with *own only* |
//!
//! `PeerLeft` is the event; the other names are those of [`EndReason`]. With any of them, and with
//! the end of the WebSocket if only one side handed over, messages that were sent before may be lost;
//! nothing is lost otherwise, whatever the order is in which things happen. While both clients speak of
//! the same channel a peer that has both 'handover' messages leaves the server; one that leaves it
//! earlier did not do so for the handover, so that is taken for what it is.
//!
//! All of this is part of the session, and is thrown away with it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::ClientConfig;
use super::core::Core;
use super::event::{Closed, ClosedBy, EndReason, Event, SendFailure};
use crate::chunking::{Chunker, Limits as ChunkLimits, Mode, Unchunker};
use crate::protocol::message::{Close, MapWriter};
use crate::protocol::{
    ChannelTransmit, CloseCode, SecureChannel, SequenceExhausted, SignallingChannel,
};

/// The longest that one of the two clients waits for the other, once it handed the signalling over to
/// the data channel or learnt that the other one did.
pub const HANDOVER_TIMEOUT: Duration = Duration::from_secs(60);

/// The type of the message.
pub(super) const HANDOVER: &str = "handover";

/// What every WebRTC implementation takes as one message, if nothing is said (RFC 8841, section 6).
const DEFAULT_MAX_MESSAGE_SIZE: usize = 65_536;

/// With less, most of a chunk would be its header.
const MIN_CHANNEL_MESSAGE: usize = 64;

/// Memory that a message that waits takes beside its bytes.
const BOOK_KEEPING: usize = 64;

/// The handover of one session.
#[derive(Debug)]
pub(super) struct Handover {
    pub(super) channel: SignallingChannel,
    secure: SecureChannel,
    chunker: Chunker,
    unchunker: Unchunker,
    /// The most bytes that the transport takes at once; what we were told with `hand_over`.
    max_transmit: usize,
    /// We have said 'handover'.
    pub(super) sent: bool,
    /// The peer has said it.
    pub(super) received: bool,
    /// The channel is gone; nothing will come over it or can be sent.
    dead: bool,
    /// When the other side has to have followed.
    deadline: Option<Instant>,
    /// What came over the channel and waits: for the peer's 'handover', or for the application to
    /// take events.
    inbox: VecDeque<Arrival>,
    inbox_size: usize,
}

/// What came over the channel.
#[derive(Debug)]
enum Arrival {
    /// A whole message, sealed.
    Message(Bytes),
    /// Its end.
    End,
}

impl Handover {
    pub(super) fn new(
        channel: SignallingChannel,
        secure: SecureChannel,
        max_message_size: usize,
    ) -> Self {
        let mode = Mode::UnreliableUnordered;
        // The channel is reliable: nothing is ever late or there twice, and no message may be given up.
        let limits = ChunkLimits {
            max_message_size,
            max_total_size: max_message_size.saturating_mul(2),
            max_age: ClientConfig::LONGEST_TIMEOUT,
            remembered: 0,
        };
        Self {
            channel,
            secure,
            chunker: Chunker::new(mode),
            unchunker: Unchunker::new(mode, limits),
            max_transmit: 0,
            sent: false,
            received: false,
            dead: false,
            deadline: None,
            inbox: VecDeque::new(),
            inbox_size: 0,
        }
    }

    pub(super) const fn both(&self) -> bool {
        self.sent && self.received
    }

    /// The channel carries what we send, and is there to be closed.
    pub(super) const fn open(&self) -> bool {
        self.sent && !self.dead
    }

    /// The largest message that the channel can carry.
    pub(super) const fn max_message_size(&self) -> usize {
        match self.channel.max_chunk_size {
            Some(_) => usize::MAX,
            None => self.max_transmit,
        }
    }

    /// One more side has said 'handover'.
    fn advance(&mut self, now: Instant) {
        self.deadline = if self.both() { None } else { Some(now + HANDOVER_TIMEOUT) };
    }

    /// Takes what the transport carried. The message, if it is whole now.
    fn reassemble(&mut self, now: Instant, data: &[u8], limit: usize) -> Result<(), String> {
        let message = match self.channel.max_chunk_size {
            // Spec: W-049 (Receiving a Secure Data Channel Message)
            Some(_) => self.unchunker.add(now, data).map_err(|error| error.to_string())?,
            None if data.len() > limit => {
                return Err(format!("a message has {} bytes, and {limit} are allowed", data.len()));
            }
            None => Some(Bytes::copy_from_slice(data)),
        };
        if self.unchunker.given_up() > 0 {
            return Err("it began more messages than there is room for".into());
        }
        if let Some(message) = message {
            self.inbox_size += message.len() + BOOK_KEEPING;
            self.inbox.push_back(Arrival::Message(message));
        }
        Ok(())
    }

    /// Something came over the channel, so the peer has handed over, whether we know it or not.
    fn used(&self) -> bool {
        !self.inbox.is_empty() || self.unchunker.memory() > 0
    }

    fn die(&mut self) {
        self.dead = true;
        self.inbox.push_back(Arrival::End);
    }

    fn take_arrival(&mut self) -> Option<Arrival> {
        let arrival = self.inbox.pop_front()?;
        if let Arrival::Message(message) = &arrival {
            self.inbox_size -= message.len() + BOOK_KEEPING;
        }
        Some(arrival)
    }
}

impl Core {
    fn handover(&mut self) -> Option<&mut Handover> {
        self.session.as_mut()?.handover.as_mut()
    }

    /// Both clients have handed over, so that the channel is all that counts.
    pub(super) fn handed_over(&self) -> bool {
        let handover = self.session.as_ref().and_then(|session| session.handover.as_ref());
        handover.is_some_and(Handover::both)
    }

    /// Our end of the channel is open: says 'handover', and sends everything else over the channel.
    pub(super) fn hand_over(
        &mut self,
        now: Instant,
        max_message_size: usize,
    ) -> Result<(), SendFailure> {
        // Spec: W-014 (Task Data / Incoming)
        let Some(handover) = self.handover() else { return Err(SendFailure::NoHandover) };
        if handover.sent {
            return Err(SendFailure::HandedOver);
        }
        let max = if max_message_size == 0 { DEFAULT_MAX_MESSAGE_SIZE } else { max_message_size };
        // Spec: W-048 (Sending a Secure Data Channel Message)
        let limit = handover.channel.max_chunk_size.map_or(max, |size| size.min(max));
        if limit < MIN_CHANNEL_MESSAGE {
            return Err(SendFailure::ChannelTooNarrow { limit });
        }
        handover.max_transmit = limit;
        self.flush_bundle();
        // Spec: W-029 (Signalling Channel Handover)
        // Spec: W-087 W-088 W-089 ('handover' Message)
        self.send_to_peer(&MapWriter::message(HANDOVER).finish())?;
        if let Some(handover) = self.handover() {
            handover.sent = true;
        }
        self.advance_handover(now);
        Ok(())
    }

    /// The peer said 'handover' over the WebSocket.
    pub(super) fn peer_handed_over(&mut self, now: Instant) {
        let Some(handover) = self.handover() else { return };
        if handover.received {
            tracing::debug!("the peer said 'handover' once more");
            return;
        }
        handover.received = true;
        self.advance_handover(now);
        // Spec: W-033 (Signalling Channel Handover)
        self.take_arrivals();
    }

    fn advance_handover(&mut self, now: Instant) {
        let Some(handover) = self.handover() else { return };
        handover.advance(now);
        if handover.both() {
            tracing::debug!("the signalling was handed over to the data channel");
            self.server = None;
            // Spec: W-035 (Signalling Channel Handover)
            self.close_socket(CloseCode::Handover);
            self.event(Event::HandedOver);
        }
    }

    /// Something came over the channel.
    pub(super) fn handle_channel_message(&mut self, now: Instant, data: &[u8]) {
        let limits = self.limits;
        let Some(handover) = self.handover() else {
            tracing::debug!("ignoring a message of a data channel that is for nothing");
            return;
        };
        if handover.dead {
            return;
        }
        let max_waiting = limits.max_waiting();
        let result = handover.reassemble(now, data, limits.max_message_size).and_then(|()| {
            if handover.inbox_size <= max_waiting {
                return Ok(());
            }
            let when = if handover.received {
                "than this application takes; have it take its events faster, or set a higher limit"
            } else {
                "before its 'handover' than is kept"
            };
            Err(format!("it sent more over the data channel {when} ({max_waiting} bytes)"))
        });
        match result {
            Ok(()) => self.take_arrivals(),
            Err(text) => self.peer_broke_the_protocol(text),
        }
    }

    /// The channel is gone, or never came to be.
    pub(super) fn handle_channel_closed(&mut self) {
        self.channel_gone();
        let Some(handover) = self.handover() else { return };
        if handover.dead {
            return;
        }
        match (handover.sent, handover.received) {
            // Spec: W-036 (Signalling Channel Handover)
            (false, false) => {
                if handover.used() {
                    handover.die();
                }
            }
            (true, false) => {
                handover.dead = true;
                self.channel_lost();
            }
            (_, true) => {
                handover.die();
                self.take_arrivals();
            }
        }
    }

    /// Ends the connection because the channel is gone that one of the clients counts on.
    fn channel_lost(&mut self) {
        if self.handover().is_some_and(|handover| !handover.sent) {
            self.flush_bundle();
            let close = Close { reason: CloseCode::GoingAway }.serialise();
            let _ = self.send_to_peer(&close);
        }
        let reason = EndReason::SignallingChannelLost;
        let closed = Closed { by: ClosedBy::Network, code: None, reason, retryable: true };
        self.finish_as(closed, CloseCode::GoingAway);
    }

    /// Looks at what came over the channel, if it is time, and as far as there is room for what comes
    /// of it.
    pub(super) fn take_arrivals(&mut self) {
        while self.running() && self.has_room() {
            // Spec: W-031 (Signalling Channel Handover)
            let Some(handover) = self.handover().filter(|handover| handover.received) else {
                return;
            };
            match handover.take_arrival() {
                Some(Arrival::Message(message)) => match handover.secure.decrypt(&message) {
                    Ok(plain) => self.handle_channel_plain(plain),
                    Err(error) => self.peer_broke_the_protocol(error.to_string()),
                },
                Some(Arrival::End) => self.channel_lost(),
                None => return,
            }
        }
    }

    /// Whether the channel should be read. See [`Limits`](super::core::Limits).
    pub(super) fn wants_channel_input(&self) -> bool {
        let handover = self.session.as_ref().and_then(|session| session.handover.as_ref());
        handover.is_none_or(|handover| handover.inbox_size <= self.limits.max_queue_size)
    }

    /// Whether something waits that came over the channel.
    pub(super) fn has_waiting_input(&self) -> bool {
        let handover = self.session.as_ref().and_then(|session| session.handover.as_ref());
        handover.is_some_and(|handover| !handover.inbox.is_empty())
    }

    /// Sends a message over the channel.
    pub(super) fn send_over_channel(&mut self, plain: &[u8]) -> Result<(), SendFailure> {
        let Some(handover) = self.handover().filter(|handover| handover.open()) else {
            return Err(SendFailure::Closed);
        };
        let sealed = match handover.secure.encrypt(plain) {
            Ok(sealed) => sealed,
            Err(SequenceExhausted) => {
                self.sequence_numbers_used_up();
                return Err(SendFailure::Closed);
            }
        };
        if handover.channel.max_chunk_size.is_none() {
            self.transmit_channel(ChannelTransmit::Message(sealed.into()));
            return Ok(());
        }
        // Spec: W-047 (Sending a Secure Data Channel Message)
        let chunks = handover.chunker.chunk(sealed, handover.max_transmit);
        let chunks = chunks.expect("no message is empty, and the size of the chunks was looked at");
        for chunk in chunks {
            self.transmit_channel(ChannelTransmit::Message(chunk.into()));
        }
        Ok(())
    }

    /// Closes the channel, after everything that was sent before, if it was handed to us.
    pub(super) fn close_channel(&mut self) {
        if self.handover().is_some_and(|handover| std::mem::replace(&mut handover.dead, true)) {
            return;
        }
        if self.handover().is_some_and(|handover| handover.sent) {
            self.transmit_channel(ChannelTransmit::Close);
        }
    }

    /// When one side waited too long for the other.
    pub(super) fn handover_deadline(&self) -> Option<Instant> {
        self.session.as_ref()?.handover.as_ref()?.deadline
    }

    /// The other side did not follow.
    pub(super) fn handover_timed_out(&mut self) {
        self.close_session(EndReason::HandoverTimeout, CloseCode::Timeout);
    }
}
