//! What happens in a handover; see the table in [`handover`](super::handover).

use std::time::Instant;

use super::end::{Closed, ClosedBy, EndReason};
use super::event::Event;
use super::fault::ProtocolFault;
use super::handover::{Arrival, HANDOVER, MIN_CHANNEL_MESSAGE};
use super::incoming::Opened;
use super::receiving::Received;
use super::send_failure::SendFailure;
use super::signalling::Signalling;
use crate::protocol::message::{Close, MapWriter};
use crate::protocol::{CloseCode, TaskOutput};

impl<E: TaskOutput> Signalling<E> {
    /// A message of the authenticated peer, over the WebSocket.
    pub(super) fn handle_session_message(&mut self, now: Instant, message: Opened) {
        match self.read_session_message(message) {
            Some(Ok(Received::Handover)) => self.peer_handed_over(now),
            Some(result) => self.handle_received(result),
            None => {}
        }
    }

    /// Our end of the channel is open: says 'handover' over the WebSocket, and sends everything that follows
    /// over the channel.
    pub(super) fn hand_over(
        &mut self,
        now: Instant,
        max_message_size: usize,
    ) -> Result<(), SendFailure> {
        // Spec: W-014 (Task Data / Incoming)
        let Some(handover) = self.handover() else { return Err(SendFailure::NoHandover) };
        // Spec: O-123 ('handover' Message)
        if handover.sent {
            return Err(SendFailure::HandedOver);
        }
        handover.adapt(max_message_size);
        let limit = handover.max_transmit;
        if limit < MIN_CHANNEL_MESSAGE {
            return Err(SendFailure::ChannelTooNarrow { limit });
        }
        self.flush_bundle();
        // Spec: W-029 O-039 (Signalling Channel Handover)
        // Spec: W-087 W-088 W-089 O-121 O-122 O-124 ('handover' Message)
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
        // Spec: W-033 O-043 (Signalling Channel Handover)
        self.take_arrivals();
    }

    fn advance_handover(&mut self, now: Instant) {
        let Some(handover) = self.handover() else { return };
        handover.advance(now);
        if handover.both() {
            tracing::debug!("the signalling was handed over to the data channel");
            self.server = None;
            // Spec: W-035 O-045 (Signalling Channel Handover)
            self.close_socket(CloseCode::Handover);
            self.event(Event::HandedOver);
        }
    }

    /// Something came over the channel.
    pub(super) fn handle_channel_message(&mut self, now: Instant, data: &[u8]) {
        let settings = self.settings;
        let Some(handover) = self.handover() else {
            tracing::debug!("ignoring a message of a data channel that is for nothing");
            return;
        };
        if handover.dead {
            return;
        }
        let max_waiting = settings.max_waiting();
        let result = handover.reassemble(now, data, settings.max_message_size).and_then(|()| {
            if handover.inbox_size <= max_waiting {
                return Ok(());
            }
            Err(ProtocolFault::ChannelFlooded {
                limit: max_waiting,
                handed_over: handover.received,
            })
        });
        match result {
            Ok(()) => self.take_arrivals(),
            Err(fault) => self.peer_broke_the_protocol(&fault),
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
            // Spec: W-036 O-046 (Signalling Channel Handover)
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

    /// Ends the connection, because the channel is gone and at least one of the clients has handed over to it.
    fn channel_lost(&mut self) {
        if self.handover().is_some_and(|handover| !handover.sent) {
            self.flush_bundle();
            let close = Close { reason: CloseCode::GoingAway }.serialise();
            let _ = self.send_to_peer(&close);
        }
        let reason = EndReason::SignallingChannelLost;
        let closed = Closed { by: ClosedBy::Network, code: None, reason };
        self.finish_as(closed, CloseCode::GoingAway);
    }

    /// Takes what came over the channel, once the peer has handed over and as far as there is room for the
    /// events that it leads to. Once the channel is gone, all of it: it is limited, and the end comes behind it.
    pub(super) fn take_arrivals(&mut self) {
        while self.running() && (self.has_room() || self.channel_is_dead()) {
            // Spec: W-031 O-041 (Signalling Channel Handover)
            let Some(handover) = self.handover().filter(|handover| handover.received) else {
                return;
            };
            match handover.take_arrival() {
                Some(Arrival::Message(message)) => match handover.secure.decrypt(&message) {
                    // Spec: O-025 (Wrapped Data Channel)
                    Ok(plain) => self.handle_channel_plain(plain),
                    Err(error) => self.peer_broke_the_protocol(&error.into()),
                },
                Some(Arrival::End) => self.channel_lost(),
                None => return,
            }
        }
    }

    fn channel_is_dead(&mut self) -> bool {
        self.handover().is_some_and(|handover| handover.dead)
    }

    /// Whether the channel should be read. See [`Settings`](super::signalling::Settings).
    pub(super) fn wants_channel_input(&self) -> bool {
        let handover = self.session.as_ref().and_then(|session| session.handover.as_ref());
        handover.is_none_or(|handover| handover.inbox_size <= self.settings.max_queue_size)
    }

    /// Whether something waits that came over the channel.
    pub(super) fn has_waiting_input(&self) -> bool {
        let handover = self.session.as_ref().and_then(|session| session.handover.as_ref());
        handover.is_some_and(|handover| handover.has_arrivals())
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
