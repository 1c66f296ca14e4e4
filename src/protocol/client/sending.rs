//! Sending to the authenticated peer, and telling it of the end.

use std::time::Instant;

use super::bundle::{Bundle, FRAME};
use super::config::WhenPeerLeaves;
use super::end::{Closed, ClosedBy, EndReason};
use super::event::{Event, PeerLeft};
use super::fault::ProtocolFault;
use super::outgoing::{MESSAGE_OVERHEAD, Outgoing, Reservation, Sealed};
use super::send_failure::SendFailure;
use super::signalling::Signalling;
use crate::protocol::message::{Close, Payload};
use crate::protocol::{ChannelTransmit, CloseCode, SequenceExhausted, TaskOutput};

impl<E: TaskOutput> Signalling<E> {
    /// Whether `size` more bytes of content may be sent now. Asked before a sequence number is taken.
    pub(super) fn admit(&mut self, size: usize) -> Result<(), SendFailure> {
        let (size, limit) = (size + MESSAGE_OVERHEAD, self.max_message_size());
        if size > limit {
            return Err(SendFailure::TooLarge { size, limit });
        }
        let waiting = self.waiting();
        if waiting > 0 && waiting + size > self.settings.max_queue_size {
            self.sender_waits = true;
            return Err(SendFailure::QueueFull);
        }
        Ok(())
    }

    /// Whether a message with `size` bytes of content is not too large.
    pub(super) fn fits(&self, size: usize) -> bool {
        size + MESSAGE_OVERHEAD <= self.max_message_size()
    }

    /// Bytes that a message to the peer may have.
    fn max_message_size(&self) -> usize {
        let limit = self.settings.max_message_size;
        let handover = self.session.as_ref().and_then(|session| session.handover.as_ref());
        let channel = handover.filter(|handover| handover.sent);
        channel.map_or(limit, |handover| limit.min(handover.max_message_size()))
    }

    /// Gives a message that may be sent its place among the others, and its number. `None` if messages go
    /// over the data channel, with [`send_over_channel`](Self::send_over_channel).
    pub(super) fn place(&mut self, message: &Outgoing) -> Result<Option<Reservation>, SendFailure> {
        let handover = self.session.as_ref().and_then(|session| session.handover.as_ref());
        // Spec: W-030 O-040 (Signalling Channel Handover)
        // Spec: W-090 O-125 ('handover' Message)
        if handover.is_some_and(|handover| handover.sent) {
            return Ok(None);
        }
        let (Some(server), Some(session)) = (&self.server, &mut self.session) else {
            return Err(SendFailure::NoPeer);
        };
        // Spec: P-043 (Sending a Signalling Message)
        // Spec: W-037 O-047 (Message Structure)
        let nonce = match session.nonces.next_nonce(server.address, session.address) {
            Ok(nonce) => nonce,
            Err(SequenceExhausted) => {
                self.sequence_numbers_used_up();
                return Err(SendFailure::Closed);
            }
        };
        let key = session.key.for_content(message.content());
        let id = self.reserve(MESSAGE_OVERHEAD + message.plain().len());
        Ok(Some(Reservation { id, nonce, key }))
    }

    /// Puts a sealed message into its place.
    pub(super) fn fill_place(&mut self, sealed: Sealed) {
        self.fill(sealed.id, sealed.message);
    }

    /// Sends a message to the authenticated peer: over the WebSocket, or after our 'handover' over the data
    /// channel.
    pub(super) fn send_to_peer(&mut self, plain: &[u8]) -> Result<(), SendFailure> {
        let message = Outgoing::new(plain);
        match self.place(&message)? {
            Some(place) => {
                // Spec: P-284 ('application' Message)
                // Spec: P-294 ('close' Message)
                // Spec: W-066 ('offer' Message)
                // Spec: W-074 ('answer' Message)
                // Spec: W-086 ('candidates' Message)
                // Spec: O-072 ('ice-parameters' Message)
                // Spec: O-089 ('ice-candidates' Message)
                // Spec: O-096 ('dtls-parameters' Message)
                // Spec: O-103 ('rtp-capabilities' Message)
                // Spec: O-109 ('sctp-capabilities' Message)
                // Spec: O-120 ('dc-parameters' Message)
                // Spec: W-094 O-128 ('handover' Message)
                self.fill_place(place.seal(message));
                Ok(())
            }
            None => self.send_over_channel(plain),
        }
    }

    /// Queues a message, if there was a number for it.
    pub(super) fn transmit_sealed(
        &mut self,
        sealed: Result<Vec<u8>, SequenceExhausted>,
    ) -> Result<(), SendFailure> {
        match sealed {
            Ok(message) => {
                self.transmit(message);
                Ok(())
            }
            Err(SequenceExhausted) => {
                self.sequence_numbers_used_up();
                Err(SendFailure::Closed)
            }
        }
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
        if !handover.chunked {
            self.transmit_channel(ChannelTransmit::Message(sealed.into()));
            return Ok(());
        }
        let chunks = handover.chunks(sealed);
        for chunk in chunks {
            self.transmit_channel(ChannelTransmit::Message(chunk.into()));
        }
        Ok(())
    }

    /// Sends all `items` in the array `field` of a message of the type `kind`, together with others that come
    /// within 10 ms, unless another message to the peer comes in between.
    pub(super) fn send_bundled(
        &mut self,
        now: Instant,
        kind: &'static str,
        field: &'static str,
        items: &[Payload],
    ) -> Result<(), SendFailure> {
        let size = FRAME + items.iter().map(|item| item.as_msgpack().len()).sum::<usize>();
        self.admit(size)?;
        if items.is_empty() {
            return Ok(());
        }
        let fits = |bundle: &Bundle| {
            bundle.takes(kind, field, items.len()) && self.fits(bundle.size() + size)
        };
        let Some(session) = &self.session else { return Err(SendFailure::NoPeer) };
        if session.bundle.as_ref().is_some_and(|bundle| !fits(bundle)) {
            self.flush_bundle();
        }
        let Some(session) = &mut self.session else { return Err(SendFailure::Closed) };
        let bundle = session.bundle.get_or_insert_with(|| Bundle::new(now, kind, field));
        bundle.add(items);
        if bundle.is_full() {
            self.flush_bundle();
        }
        Ok(())
    }

    /// Sends what waits for more. Done before every other message to the peer, so that the order stays.
    pub(super) fn flush_bundle(&mut self) {
        let bundle = self.session.as_mut().and_then(|session| session.bundle.take());
        if let Some(bundle) = bundle {
            // Cannot fail for want of room, which was asked for when the items came, nor of a session, which was
            // just seen.
            let _ = self.send_to_peer(&bundle.message());
        }
    }

    /// When to call [`flush_bundle`](Self::flush_bundle).
    pub(super) fn bundle_due(&self) -> Option<Instant> {
        self.session.as_ref()?.bundle.as_ref().map(|bundle| bundle.due)
    }

    /// The authenticated peer made a mistake: tell it, and end the connection.
    pub(super) fn peer_broke_the_protocol(&mut self, fault: &ProtocolFault) {
        // The text is for the application: it may quote the peer, which does not belong into a log.
        tracing::warn!("the peer broke the protocol");
        // Spec: P-227 P-228 (Client-to-Client Messages)
        self.close_session(
            EndReason::PeerProtocolError(fault.to_string()),
            CloseCode::ProtocolError,
        );
    }

    /// Sends 'close' with `code` to the peer if there is one, then ends the connection normally.
    pub(super) fn close_session(&mut self, reason: EndReason, code: CloseCode) {
        // Spec: P-286 ('close' Message)
        if self.session.is_some() {
            self.flush_bundle();
            // Spec: P-285 ('close' Message)
            // Fails only if the connection is over anyway.
            let _ = self.send_to_peer(&Close { reason: code }.serialise());
        }
        self.closed_by_us(reason, code);
    }

    /// Ends the connection normally, after the peer was told with `code` why.
    pub(super) fn closed_by_us(&mut self, reason: EndReason, code: CloseCode) {
        let closed = Closed { by: ClosedBy::Us, code: Some(code.code()), reason };
        // Spec: P-290 ('close' Message)
        self.finish_as(closed, CloseCode::GoingAway);
    }

    /// The authenticated peer is gone: forgets everything about it and tells the application.
    pub(super) fn lose_peer(&mut self, how: PeerLeft, can_rejoin: bool) {
        if self.settings.polls_channel() {
            // Its task tells the engine, which then has no use for what waits.
            self.channel_gone();
        } else {
            self.close_channel();
        }
        // Spec: P-203 ('disconnected' Message)
        let Some(session) = self.end_session() else { return };
        // Spec: P-206 ('disconnected' Message)
        self.event(Event::PeerLeft { address: session.address, how, can_rejoin });
        // Spec: P-204 ('disconnected' Message)
        // Spec: P-211 ('send-error' Message)
        if self.settings.when_peer_leaves == WhenPeerLeaves::Close {
            self.finish(EndReason::PeerLeft, CloseCode::GoingAway);
        }
    }
}
