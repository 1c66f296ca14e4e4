//! What a driver and an application do with the data channel that the signalling is handed over to.

use std::time::Instant;

use super::machine::Client;
use super::send_failure::SendFailure;
use crate::protocol::{ChannelTransmit, SecureChannel, SignallingChannel, TaskOutput};

impl<E: TaskOutput> Client<E> {
    /// The data channel to hand the signalling over to. It is the same at both ends: each client makes
    /// it as soon as there is a peer connection.
    ///
    /// # Errors
    ///
    /// [`SendFailure::NoHandover`] if the two clients did not agree on a handover, or the task has no
    /// such thing.
    pub fn signalling_channel(&self) -> Result<SignallingChannel, SendFailure> {
        let handover = self.need_session()?.handover.as_ref();
        handover.map(|handover| handover.channel).ok_or(SendFailure::NoHandover)
    }

    /// What to do next with the data channel that the signalling was handed over to. Only with
    /// [`ChannelDriver::Polled`](super::ChannelDriver::Polled); otherwise events tell it. After
    /// [`ChannelTransmit::Close`] the driver tells of the end with
    /// [`handle_channel_closed`](Self::handle_channel_closed).
    pub fn poll_channel_transmit(&mut self) -> Option<ChannelTransmit> {
        self.signalling.poll_channel_transmit()
    }

    /// Whether [`poll_channel_transmit`](Self::poll_channel_transmit) has something.
    pub fn has_channel_transmits(&self) -> bool {
        self.signalling.has_channel_transmits()
    }

    /// Whether the client is closing because of the peer's 'close', and the channel is still to be closed.
    pub fn is_closed_by_peer(&self) -> bool {
        self.signalling.closing_by_peer()
    }

    /// Our end of the data channel [`signalling_channel`](Self::signalling_channel) is open: hands the
    /// signalling over to it. From now on everything to the peer goes over the channel; with the peer's
    /// 'handover' comes [`Event::HandedOver`](super::Event::HandedOver), and the WebSocket is closed. What
    /// can go wrong until then, and what comes of it, is in a table in `src/protocol/client/handover.rs`.
    ///
    /// `max_message_size` is how many bytes the peer takes as one message of a data channel
    /// (`RTCSctpTransport.maxMessageSize`); 0 if it does not say, which counts as 64 KiB. Messages are cut
    /// into chunks of that size, but at most 256 KiB. With the ORTC task it is the `maxMessageSize` of the peer's
    /// SCTP capabilities, and with 0 messages are not cut.
    ///
    /// # Errors
    ///
    /// [`SendFailure::NoHandover`] if there was no agreement on it, [`SendFailure::HandedOver`] if it
    /// was done before, [`SendFailure::ChannelTooNarrow`] below 64 bytes; and if there is no peer.
    // Spec: W-056 O-062 (Client-to-Client Messages)
    // Spec: O-029 (Signalling Channel Handover)
    pub fn hand_over(&mut self, now: Instant, max_message_size: usize) -> Result<(), SendFailure> {
        self.need_session()?;
        self.signalling.hand_over(now, max_message_size)
    }

    /// A binary message came over the data channel for the signalling. May come before
    /// [`hand_over`](Self::hand_over): the peer's end may be open first.
    pub fn handle_channel_message(&mut self, now: Instant, message: &[u8]) {
        self.signalling.handle_channel_message(now, message);
    }

    /// The data channel for the signalling was closed, was lost, or could not be opened. As long as neither
    /// side has handed over to it, that does no harm.
    pub fn handle_channel_closed(&mut self) {
        self.signalling.handle_channel_closed();
    }

    /// Whether there is room for what comes over the data channel. A driver that can make the peer wait
    /// stops reading while there is none; one that goes on reading may get more than is kept, which ends
    /// the connection.
    pub fn wants_channel_input(&self) -> bool {
        self.signalling.wants_channel_input()
    }

    /// Whether something came over the data channel that waits for room, or for the peer's 'handover'.
    pub fn has_waiting_input(&self) -> bool {
        self.signalling.has_waiting_input()
    }

    /// Whether both clients have handed the signalling over.
    pub fn handed_over(&self) -> bool {
        self.signalling.handed_over()
    }

    /// Encryption for a data channel of the application's own with the id `id`, with the keys of the
    /// session. It outlives the session.
    // Spec: W-001 (Secure Data Channel (Terminology))
    // Spec: O-001 (Wrapped Data Channel (Terminology))
    // Spec: W-016 (Secure Data Channel)
    // Spec: O-017 (Wrapped Data Channel)
    pub fn secure_channel(&mut self, id: u16) -> Result<SecureChannel, SendFailure> {
        let key = self.need_session()?.key.clone();
        Ok(SecureChannel::new(id, key, &mut *self.signalling.random.0))
    }
}
