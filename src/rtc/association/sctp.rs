//! The SCTP socket, with a clock of ours and its packets apart from its events.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use dcsctp::api::{
    DcSctpSocket, Message, Options, SendOptions, SocketEvent, SocketTime, StreamId,
    ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
};

use super::config::SctpConfig;
use super::sacks::Sacks;

/// The most that DTLS adds to a packet: 13 bytes of header, 8 of nonce, 16 of authentication tag, and
/// 3 to keep the packet size a multiple of four.
const DTLS_OVERHEAD: usize = 40;
/// How long a retransmission is put off at most, so that data flows soon after an interruption.
const MAX_BACKOFF: Duration = Duration::from_secs(3);
/// What a received message takes besides its bytes, or a part of one that is not complete: the window of
/// the peer gets smaller by this, too. So a peer that keeps to the window never has to send anything
/// twice, and one that does not gets no further than a few megabytes, however small its messages are.
const RECEIVE_OVERHEAD: usize = 128;
/// How many packets may leave at once.
const MAX_BURST: i32 = 32;
/// How many packets may wait to be sent. They are lost if there are more, like on any way.
const MAX_PACKETS: usize = 8192;

/// An SCTP association (RFC 8831 section 5).
pub(super) struct Sctp {
    socket: Box<dyn DcSctpSocket + Send>,
    /// The socket counts time from here.
    start: Instant,
    packets: VecDeque<Vec<u8>>,
    /// There are messages that SCTP was not yet told to send.
    unsent: bool,
    sacks: Sacks,
}

impl Sctp {
    pub(super) fn new(now: Instant, config: &SctpConfig, mtu: usize) -> Self {
        let channel_limit = channel_send_limit(config);
        let options = Options {
            local_port: config.port,
            remote_port: config.remote_port,
            mtu: (mtu - DTLS_OVERHEAD) & !3,
            // Checked by the association, which knows what is a channel's message.
            max_message_size: usize::MAX,
            max_receiver_window_buffer_size: config
                .receive_buffer
                .max(config.max_message_size.saturating_mul(2))
                .min(u32::MAX as usize),
            receive_chunk_overhead: RECEIVE_OVERHEAD,
            max_send_buffer_size: config.send_buffer.max(2),
            per_stream_send_queue_limit: channel_limit,
            total_buffered_amount_low_threshold: config.send_buffer / 4 * 3,
            default_stream_buffered_amount_low_threshold: default_low_water(config),
            max_timer_backoff_duration: Some(MAX_BACKOFF),
            max_burst: MAX_BURST,
            // It is for ICE to find out that the peer cannot be reached any more.
            max_retransmissions: None,
            max_init_retransmits: None,
            // DTLS has made sure that nothing was changed on the way (RFC 9653).
            zero_checksum_alternate_error_detection_method:
                ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
            ..Options::default()
        };
        Self {
            socket: dcsctp::new_socket("", &options),
            start: now,
            packets: VecDeque::new(),
            unsent: false,
            sacks: Sacks::default(),
        }
    }

    /// Runs the timers and lets what follows happen now.
    pub(super) fn advance(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.start);
        self.socket.advance_time(SocketTime::zero() + since);
    }

    /// There is another way to the peer.
    pub(super) fn path_changed(&mut self) {
        self.socket.path_changed();
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let timeout = self.socket.poll_timeout();
        (timeout != SocketTime::infinite_future())
            .then(|| self.start.checked_add(timeout - SocketTime::zero()))
            .flatten()
    }

    /// The next event that is not a packet.
    pub(super) fn poll_event(&mut self) -> Option<SocketEvent> {
        while let Some(event) = self.socket.poll_event() {
            match event {
                SocketEvent::SendPacket(packet) => {
                    if self.packets.len() < MAX_PACKETS {
                        self.sacks.push(&mut self.packets, packet);
                    }
                }
                event => return Some(event),
            }
        }
        None
    }

    /// The next packet to send; only after [`Self::poll_event`] has returned `None`.
    pub(super) fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.packets.pop_front()
    }

    pub(super) fn connect(&mut self) {
        self.socket.connect();
    }

    pub(super) fn handle_packet(&mut self, packet: &[u8]) {
        self.socket.handle_input(packet);
    }

    /// How many messages have been received and not been taken.
    pub(super) fn ready(&self) -> usize {
        self.socket.messages_ready_count()
    }

    pub(super) fn next_message(&mut self) -> Option<(u16, u32, Vec<u8>)> {
        let message = self.socket.get_next_message()?;
        Some((message.stream_id.0, message.ppid.0, message.payload))
    }

    /// To be called when messages were taken: the peer may be waiting for that.
    pub(super) fn announce_window(&mut self) {
        self.socket.announce_window();
    }

    /// Queues a message, for [`Self::flush`] to be sent.
    pub(super) fn send(
        &mut self,
        stream: u16,
        ppid: u32,
        payload: Vec<u8>,
        options: &SendOptions,
    ) -> Result<(), dcsctp::api::SendError> {
        let message = Message::new(StreamId(stream), dcsctp::api::PpId(ppid), payload);
        self.socket.enqueue(message, options)?;
        self.unsent = true;
        Ok(())
    }

    /// Sends what was given to [`Self::send`]: small messages share packets. Returns whether anything may
    /// have happened.
    pub(super) fn flush(&mut self) -> bool {
        let unsent = std::mem::take(&mut self.unsent);
        if unsent {
            self.socket.flush();
        }
        unsent
    }

    /// Ends our direction of a stream.
    pub(super) fn reset(&mut self, stream: u16) -> Result<(), dcsctp::api::ResetStreamsError> {
        self.socket.reset_streams(&[StreamId(stream)])
    }

    pub(super) fn buffered_amount(&self, stream: u16) -> usize {
        self.socket.buffered_amount(StreamId(stream))
    }

    pub(super) fn set_low_water(&mut self, stream: u16, bytes: usize) {
        self.socket.set_buffered_amount_low_threshold(StreamId(stream), bytes);
    }

    /// How many streams the peer lets us use; `None` before there is an association.
    pub(super) fn max_streams(&self) -> Option<u16> {
        self.socket.get_metrics().map(|metrics| metrics.negotiated_maximum_outgoing_streams)
    }

    /// How many packets the peer has not acknowledged, or would be needed for what waits.
    pub(super) fn unacknowledged(&self) -> usize {
        self.socket.get_metrics().map_or(0, |metrics| metrics.unack_data_count)
    }

    /// Ends the association once everything has been delivered.
    pub(super) fn shutdown(&mut self) {
        self.flush();
        self.socket.shutdown();
    }

    /// Ends the association at once.
    pub(super) fn abort(&mut self) {
        self.socket.close();
    }
}

/// How many bytes are left on a channel when it has room again, unless its owner says.
pub(super) fn default_low_water(config: &SctpConfig) -> usize {
    channel_send_limit(config) / 2
}

/// The highest low-water mark: what waits falls to this whenever a channel was full.
pub(super) fn max_low_water(config: &SctpConfig) -> usize {
    channel_send_limit(config) - 1
}

/// Whether a packet ends the association, in order or not: its first chunk is ABORT, SHUTDOWN,
/// SHUTDOWN ACK or SHUTDOWN COMPLETE.
pub(super) fn ends_association(packet: &[u8]) -> bool {
    matches!(packet.get(12), Some(6 | 7 | 8 | 14))
}

/// How many bytes one channel may have waiting: half of all, so that another one has room.
fn channel_send_limit(config: &SctpConfig) -> usize {
    (config.send_buffer / 2).max(1)
}
