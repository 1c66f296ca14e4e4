//! The association of two peers: DTLS (RFC 8261), SCTP (RFC 8831) and data channels (RFC 8832),
//! without ICE and without SDP.
//!
//! [`Association`] does no input and output. Its owner hands over the datagrams that arrive and the
//! time, sends the datagrams that come out, and takes the events.

mod channel;
mod config;
mod dcep;
mod dtls;
mod early;
mod events;
mod inbox;
mod sctp;

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::channel::{Channel, Channels};
pub use self::config::{
    AssociationEvent, ChannelConfig, ChannelId, DtlsRole, MessageKind, Reliability, SctpConfig,
    SendError,
};
use self::dtls::DtlsConnection;
use self::early::EarlyMessages;
use self::inbox::Inbox;
use self::sctp::Sctp;
use super::certificate::Certificate;
use super::fingerprint::Fingerprint;
use crate::task::{ChannelOpenError, ConnectionFailure};

/// Kinds of messages on a stream (RFC 8831 section 8).
mod ppid {
    pub(super) const DCEP: u32 = 50;
    pub(super) const TEXT: u32 = 51;
    pub(super) const BINARY: u32 = 53;
    pub(super) const EMPTY_TEXT: u32 = 56;
    pub(super) const EMPTY_BINARY: u32 = 57;
}

/// How long the peer has to take what is on its way when we shut down.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);
/// The limits of [`SctpConfig::mtu`].
const MTU: std::ops::RangeInclusive<usize> = LEAST_MTU..=65_000;
const LEAST_MTU: usize = 460;

/// An association with a peer.
///
/// After every call of a method that takes the time, and after the events were taken, the owner
/// should send what [`Self::poll_transmit`] returns until there is nothing more, take the events of
/// [`Self::poll_event`], and ask [`Self::poll_timeout`] when to call [`Self::handle_timeout`]. If events
/// are not taken, the peer has to pause once [`SctpConfig::receive_buffer`] is full.
///
/// Datagrams may get lost, be repeated, change their order or be anything else. An association never
/// gives up by itself once it is connected: whether the peer can still be reached is for ICE to say.
pub struct Association {
    now: Instant,
    state: State,
    /// When it has to be connected.
    connected_until: Instant,
    dtls: DtlsConnection,
    sctp: Sctp,
    channels: Channels,
    early: EarlyMessages,
    inbox: Inbox,
    /// The largest message that we take, in bytes.
    max_message_size: usize,
    /// The largest message that the peer takes, in bytes.
    remote_max_message_size: usize,
    /// How many bytes are waiting on a channel when it has room again, unless the owner says.
    default_low_water: usize,
    max_low_water: usize,
    /// See [`SctpConfig::send_buffer`].
    send_buffer: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The handshake of DTLS or of SCTP is going on.
    Connecting,
    Connected,
    /// SCTP ends in order, until the given time.
    ShuttingDown(Instant),
    /// The last event is in the inbox.
    Over,
}

impl Association {
    /// Makes an association and begins the handshake if `role` is the client.
    ///
    /// `remote_fingerprints` came over the signalling; the peer's certificate has to match one of
    /// them.
    pub fn new(
        now: Instant,
        role: DtlsRole,
        certificate: &Certificate,
        remote_fingerprints: Vec<Fingerprint>,
        config: &SctpConfig,
    ) -> Self {
        let mtu = config.mtu.clamp(*MTU.start(), *MTU.end());
        Self {
            now,
            state: State::Connecting,
            connected_until: now + config.setup_timeout,
            dtls: DtlsConnection::new(now, role, certificate, remote_fingerprints, mtu),
            sctp: Sctp::new(now, config, mtu, role == DtlsRole::Client),
            channels: Channels::new(role),
            early: EarlyMessages::default(),
            inbox: Inbox::default(),
            max_message_size: config.max_message_size,
            remote_max_message_size: match config.remote_max_message_size {
                0 => usize::MAX,
                limit => limit,
            },
            default_low_water: sctp::default_low_water(config),
            max_low_water: sctp::max_low_water(config),
            send_buffer: config.send_buffer,
        }
    }

    /// Takes a datagram that came from the peer. Anything that is not DTLS (RFC 7983) is ignored.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        if self.state == State::Over || !matches!(datagram.first(), Some(20..=63)) {
            return;
        }
        self.advance(now);
        let sctp = &mut self.sctp;
        self.dtls.handle_datagram(self.now, datagram, &mut |packet| sctp.handle_packet(packet));
        self.settle();
    }

    /// To be called at the time that [`Self::poll_timeout`] returns; earlier or later does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.state == State::Over {
            return;
        }
        self.advance(now);
        self.dtls.handle_timeout(self.now);
        self.settle();
        if self.state == State::Connecting && self.now >= self.connected_until {
            self.end(Some(ConnectionFailure::NoAnswer));
        }
        if matches!(self.state, State::ShuttingDown(until) if self.now >= until) {
            self.sctp.abort();
            self.end(None);
        }
    }

    /// The path has changed. What was lost on the old one is sent again at once, without waiting for a
    /// timeout.
    pub fn path_changed(&mut self, now: Instant) {
        if self.state != State::Over {
            self.advance(now);
            self.sctp.path_changed();
            self.settle();
        }
    }

    /// From now on SCTP waits for [`Self::set_mtu`] before it begins, as the size of its packets cannot change later.
    pub fn await_mtu(&mut self) {
        self.sctp.await_mtu();
    }

    /// How large datagrams may be on the path, in bytes of UDP payload. Without effect once SCTP has begun, and above
    /// [`SctpConfig::mtu`].
    pub fn set_mtu(&mut self, now: Instant, mtu: usize) {
        if self.state != State::Over {
            self.advance(now);
            self.dtls.set_mtu(self.now, mtu);
            self.sctp.set_mtu(mtu.max(LEAST_MTU));
            self.settle();
        }
    }

    /// The largest datagram that is sent, in bytes of UDP payload.
    pub fn mtu(&self) -> usize {
        self.sctp.largest_datagram()
    }

    /// When [`Self::handle_timeout`] is to be called at the latest. It can change with every other
    /// call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let until = match self.state {
            State::Over => return None,
            State::ShuttingDown(until) => Some(until),
            State::Connecting => Some(self.connected_until),
            State::Connected => None,
        };
        let more = (self.sctp.ready() > 0 && self.inbox.has_room()).then_some(self.now);
        [self.dtls.deadline(), self.sctp.deadline(), until, more].into_iter().flatten().min()
    }

    /// The next datagram to send to the peer, not larger than [`SctpConfig::mtu`]. While there is a
    /// lot to send they are of equal size. There may be new events afterwards.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(datagram) = self.dtls.poll_datagram() {
                return Some(datagram);
            }
            let packet = self.sctp.poll_packet();
            self.handle_sctp_events();
            if let Some(packet) = packet {
                self.dtls.send(self.now, &packet);
            } else if !self.dtls.has_datagrams() {
                return None;
            }
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<AssociationEvent> {
        let event = self.inbox.pop()?;
        match &event {
            AssociationEvent::ChannelClosed { id, .. } => self.channels.heard(id.0),
            AssociationEvent::LowWater { id } => {
                if let Some(channel) = self.channels.get_mut(id.0) {
                    channel.low_water_waits = false;
                }
            }
            _ => {}
        }
        Some(event)
    }

    /// Opens a channel. It need not wait for the association to be connected, and neither need
    /// sending on the channel.
    ///
    /// Open the negotiated channels first: the id of the others is the lowest one that is free, even
    /// for the DTLS client and odd for the server.
    ///
    /// # Errors
    ///
    /// See [`ChannelOpenError`].
    pub fn open(
        &mut self,
        now: Instant,
        config: ChannelConfig,
    ) -> Result<ChannelId, ChannelOpenError> {
        if !matches!(self.state, State::Connecting | State::Connected) {
            return Err(ChannelOpenError::Ended);
        }
        let request = dcep::open(&config).ok_or(ChannelOpenError::TextTooLong)?;
        let streams = self.sctp.max_streams().unwrap_or(u16::MAX);
        let id = self.channels.choose_id(&config, streams)?;
        if self.early.is_broken(id) {
            return Err(ChannelOpenError::IdInUse);
        }
        self.advance(now);
        let negotiated = config.negotiated.is_some();
        if !negotiated {
            let request = request.into();
            if !self.sctp.send(id, ppid::DCEP, request, false, Reliability::Reliable) {
                return Err(ChannelOpenError::QueueFull);
            }
        }
        self.sctp.open(id);
        self.channels.insert(id, Channel::new(config, false));
        if negotiated && self.state == State::Connected {
            self.announce(id);
        }
        self.settle();
        Ok(ChannelId(id))
    }

    /// Sends a message. Messages that were sent before the
    /// next [`Self::poll_transmit`] share datagrams.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub fn send(
        &mut self,
        now: Instant,
        id: ChannelId,
        kind: MessageKind,
        data: Bytes,
    ) -> Result<(), SendError> {
        let channel = self.channels.get(id.0).filter(|channel| channel.closing.is_none());
        // The owner means the one before, and does not know yet that it is closed.
        let channel = channel.filter(|_| !self.channels.is_unheard(id.0));
        let channel = channel.ok_or(SendError::NotOpen)?;
        if !matches!(self.state, State::Connecting | State::Connected) {
            return Err(SendError::NotOpen);
        }
        if data.len() > self.remote_max_message_size {
            return Err(SendError::TooLarge { limit: self.remote_max_message_size });
        }
        let (unordered, reliability) = (channel.is_unordered(), channel.config.reliability);
        let (ppid, payload) = match (kind, data.is_empty()) {
            (MessageKind::Text, false) => (ppid::TEXT, data),
            (MessageKind::Binary, false) => (ppid::BINARY, data),
            // SCTP has no empty messages; the byte is ignored.
            (MessageKind::Text, true) => (ppid::EMPTY_TEXT, Bytes::from_static(&[0])),
            (MessageKind::Binary, true) => (ppid::EMPTY_BINARY, Bytes::from_static(&[0])),
        };
        self.advance(now);
        if self.sctp.send(id.0, ppid, payload, unordered, reliability) {
            return Ok(());
        }
        if let Some(channel) = self.channels.get_mut(id.0) {
            channel.starved = true;
        }
        Err(SendError::QueueFull)
    }

    /// How many bytes of messages wait to be sent on a channel; those on their way do not count.
    /// 0 if there is no such channel.
    pub fn buffered_amount(&self, id: ChannelId) -> usize {
        self.sctp.buffered_amount(id.0)
    }

    /// Whether the peer has not proved yet who it is, or cannot be talked to yet for another reason.
    pub fn is_connecting(&self) -> bool {
        self.state == State::Connecting
    }

    /// It is over, as the owner knows: [`AssociationEvent::Failed`] is the last event.
    pub(super) fn fail(&mut self, now: Instant, failure: ConnectionFailure) {
        self.advance(now);
        self.end(Some(failure));
    }

    /// The number of the oldest packet that is on its way and has not arrived, as far as is known.
    pub(super) fn oldest_unacknowledged(&self) -> Option<u32> {
        self.sctp.oldest_unacknowledged()
    }

    /// Whether it has ended: what has come from the peer waits among the events, and nothing follows.
    pub fn has_ended(&self) -> bool {
        self.state == State::Over
    }

    /// Whether all channels together leave room for another message.
    pub fn has_room(&self) -> bool {
        self.sctp.total_buffered_amount() < self.send_buffer
    }

    /// From now on [`AssociationEvent::LowWater`] comes each time that [`Self::buffered_amount`]
    /// falls from above to this many bytes or less. Without, it comes only after
    /// [`SendError::QueueFull`], when a quarter of [`SctpConfig::send_buffer`] is left. As a channel is
    /// full with half of that, a mark cannot be higher.
    pub fn set_low_water(&mut self, now: Instant, id: ChannelId, bytes: usize) {
        if let Some(channel) = self.channels.get_mut(id.0)
            && channel.closing.is_none()
        {
            let bytes = bytes.min(self.max_low_water);
            channel.low_water = Some(bytes);
            self.advance(now);
            self.sctp.set_low_water(id.0, bytes);
            self.settle();
        }
    }

    /// Closes a channel once what waits there was sent. What still comes from the peer is dropped.
    /// [`AssociationEvent::ChannelClosed`] follows when the peer has closed it, too. Does nothing if
    /// there is no such channel or it is closing already.
    pub fn close(&mut self, now: Instant, id: ChannelId) {
        self.advance(now);
        if !self.channels.is_unheard(id.0) {
            self.begin_close(id.0, None);
        }
        self.settle();
    }

    /// Ends the association, once the peer has got everything or after 3 seconds.
    /// [`AssociationEvent::Ended`] is the last event; what [`Self::poll_transmit`] returns after it
    /// is the good-bye.
    pub fn shutdown(&mut self, now: Instant) {
        self.advance(now);
        match self.state {
            State::Connecting => self.end(None),
            State::Connected => {
                self.state = State::ShuttingDown(self.now + SHUTDOWN_TIMEOUT);
                self.sctp.shutdown();
                self.settle();
            }
            State::ShuttingDown(_) | State::Over => {}
        }
    }

    /// How many parts of messages the peer has not acknowledged; an estimate for those that were not sent
    /// yet. 0: it has got everything.
    pub fn unacknowledged(&self) -> usize {
        self.sctp.unacknowledged()
    }

    /// Ends the association at once, whatever was not delivered yet. [`AssociationEvent::Ended`] is the last
    /// event; what [`Self::poll_transmit`] returns after it is the good-bye.
    pub fn abort(&mut self, now: Instant) {
        self.advance(now);
        self.sctp.abort();
        self.end(None);
    }

    /// The largest message that the peer takes, in bytes; `usize::MAX` if it set no limit.
    pub fn remote_max_message_size(&self) -> usize {
        self.remote_max_message_size
    }

    /// The certificate that the peer has proven to own, in DER. `None` before that.
    pub fn remote_certificate(&self) -> Option<&[u8]> {
        self.dtls.remote_certificate()
    }

    /// Keeps the latest time, in case a caller passes an earlier one: time must not go back for DTLS and SCTP.
    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if self.state != State::Over {
            self.sctp.advance(self.now);
        }
    }
}

impl fmt::Debug for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Association").field("state", &self.state).finish_non_exhaustive()
    }
}
