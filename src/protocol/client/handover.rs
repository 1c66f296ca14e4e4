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
//! `PeerLeft` is the event; the other names are those of [`EndReason`](super::EndReason). With any of them, and with
//! the end of the WebSocket if only one side handed over, messages that were sent before may be lost;
//! nothing is lost otherwise, whatever the order is in which things happen. A peer leaves the server because of
//! the handover only once both 'handover' messages were exchanged. So if the server says that it left
//! while one of them is still missing here, it has really left.
//!
//! All of this is part of the session with the peer, and is thrown away with it.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::config::LONGEST_TIMEOUT;
use super::end::HANDOVER_TIMEOUT;
use super::fault::ProtocolFault;
use crate::chunking::{Chunker, Chunks, Mode, Unchunker, UnchunkerLimits};
use crate::protocol::{
    ChannelFraming, SecureChannel, SignallingChannel, UNANNOUNCED_MAX_MESSAGE_SIZE,
};

/// The type of the message.
pub(super) const HANDOVER: &str = "handover";

/// With less, most of a chunk would be its header.
pub(super) const MIN_CHANNEL_MESSAGE: usize = 64;

/// Memory that a message that waits takes beside its bytes.
const BOOK_KEEPING: usize = 64;

/// The handover of one session.
#[derive(Debug)]
pub(super) struct Handover {
    pub(super) channel: SignallingChannel,
    pub(super) secure: SecureChannel,
    chunker: Chunker,
    unchunker: Unchunker,
    /// The most bytes that are sent at once. Set by `hand_over`, like the next.
    pub(super) max_transmit: usize,
    /// Whether messages are cut into chunks of that size.
    pub(super) chunked: bool,
    /// We have said 'handover'.
    pub(super) sent: bool,
    /// The peer has said it.
    pub(super) received: bool,
    /// The channel is gone; nothing will come over it or can be sent.
    pub(super) dead: bool,
    /// When the other side has to have followed.
    pub(super) deadline: Option<Instant>,
    /// What came over the channel and waits: for the peer's 'handover', or for the application to
    /// take events.
    inbox: VecDeque<Arrival>,
    pub(super) inbox_size: usize,
}

/// What came over the channel.
#[derive(Debug)]
pub(super) enum Arrival {
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
        let limits = UnchunkerLimits {
            max_message_size,
            max_total_size: max_message_size.saturating_mul(2),
            max_age: LONGEST_TIMEOUT,
            remembered: 0,
        };
        Self {
            channel,
            secure,
            chunker: Chunker::new(mode),
            unchunker: Unchunker::new(mode, limits),
            max_transmit: 0,
            chunked: true,
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
        if self.chunked { usize::MAX } else { self.max_transmit }
    }

    /// A sealed message in the chunks that the channel takes.
    pub(super) fn chunks(&mut self, sealed: Vec<u8>) -> Chunks<Vec<u8>> {
        // Spec: W-047 (Sending a Secure Data Channel Message)
        let chunks = self.chunker.chunk(sealed, self.max_transmit);
        chunks.expect("no message is empty, and the size of the chunks was looked at")
    }

    /// Decides how messages are sent, by what the transport takes at once: 0 if it does not say.
    pub(super) fn adapt(&mut self, max_message_size: usize) {
        let known =
            if max_message_size == 0 { UNANNOUNCED_MAX_MESSAGE_SIZE } else { max_message_size };
        (self.chunked, self.max_transmit) = match self.channel.framing {
            // Spec: O-022 (Wrapped Data Channel)
            ChannelFraming::AsTransportTakes { .. } if max_message_size == 0 => (false, usize::MAX),
            // Spec: W-048 (Sending a Secure Data Channel Message)
            // Spec: O-021 (Wrapped Data Channel)
            ChannelFraming::Chunks { max } | ChannelFraming::AsTransportTakes { max } => {
                (true, known.min(max))
            }
            ChannelFraming::Whole => (false, known),
        };
    }

    /// Something waits that came over the channel.
    pub(super) fn has_arrivals(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// One of the two sides has just said 'handover': begins or ends the wait for the other one.
    pub(super) fn advance(&mut self, now: Instant) {
        self.deadline = if self.both() { None } else { Some(now + HANDOVER_TIMEOUT) };
    }

    /// Takes what the transport carried. The message, if it is whole now.
    pub(super) fn reassemble(
        &mut self,
        now: Instant,
        data: &[u8],
        limit: usize,
    ) -> Result<(), ProtocolFault> {
        let whole = match self.channel.framing {
            ChannelFraming::Chunks { .. } => false,
            ChannelFraming::Whole => true,
            ChannelFraming::AsTransportTakes { .. } => self.secure.is_message(data),
        };
        let message = match whole {
            // Spec: W-049 (Receiving a Secure Data Channel Message)
            // Spec: O-023 (Wrapped Data Channel)
            false => self.unchunker.add(now, data)?,
            true if data.len() > limit => {
                return Err(ProtocolFault::ChannelMessageTooLarge { size: data.len(), limit });
            }
            true => Some(Bytes::copy_from_slice(data)),
        };
        if self.unchunker.given_up() > 0 {
            return Err(ProtocolFault::TooManyIncomplete);
        }
        if let Some(message) = message {
            self.inbox_size += message.len() + BOOK_KEEPING;
            self.inbox.push_back(Arrival::Message(message));
        }
        Ok(())
    }

    /// Something came over the channel, so the peer has handed over, whether we know it or not.
    pub(super) fn used(&self) -> bool {
        !self.inbox.is_empty() || self.unchunker.memory() > 0
    }

    pub(super) fn die(&mut self) {
        self.dead = true;
        self.inbox.push_back(Arrival::End);
    }

    pub(super) fn take_arrival(&mut self) -> Option<Arrival> {
        let arrival = self.inbox.pop_front()?;
        if let Arrival::Message(message) = &arrival {
            self.inbox_size -= message.len() + BOOK_KEEPING;
        }
        Some(arrival)
    }
}
