//! The channels as the application sees them. A message is encrypted and cut into chunks on the thread that
//! sends it, and put into the queue of its channel, from where the engine takes it.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::Notify;

use super::config::{RtcStats, is_of_a_host};
use crate::chunking::Chunker;
use crate::protocol::{Role, SecureChannel, SecureSender};
use crate::rtc::association::{Association, ChannelId, MessageKind};
use crate::sync::lock;
use crate::task::Reliability;

/// What a new channel is to be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelOptions {
    /// A name of the application's choice, up to 65,535 bytes.
    pub label: String,
    /// The name of the subprotocol that is spoken on the channel, up to 65,535 bytes. May be empty.
    pub protocol: String,
    /// Whether messages arrive in the order that they were sent in. Default: yes.
    pub ordered: bool,
    /// How long it is tried to deliver a message. Default: until it has arrived.
    pub reliability: Reliability,
    /// Default `None`: the channel is announced to the peer, and the id is chosen. `Some(id)`, 0 to
    /// 65,534: both sides open it with this id. It has to be among the excluded ids of the task
    /// ([`Options::exclude`](crate::task::webrtc::Options::exclude)), or it may be the one of the
    /// signalling.
    pub negotiated: Option<u16>,
    /// Whether this is a secure data channel: messages are encrypted with the keys of the two clients, inside
    /// the encryption of WebRTC. Then they can also have any size up to
    /// [`RtcConfig::max_message_size`](super::RtcConfig::max_message_size). The peer has to do the same.
    /// Default: yes.
    pub secure: bool,
}

impl Default for ChannelOptions {
    fn default() -> Self {
        Self {
            label: String::new(),
            protocol: String::new(),
            ordered: true,
            reliability: Reliability::Reliable,
            negotiated: None,
            secure: true,
        }
    }
}

impl ChannelOptions {
    /// A reliable, ordered, secure channel with this name.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }
}

/// Why something cannot be done with a channel, or with the connection to the peer. Nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelError {
    /// The client has no built-in WebRTC, or has ended.
    NoEngine,
    /// There is no peer, or the two clients agreed on another task.
    NoPeer,
    /// The channel is not open: not yet, not any more, or there never was one with this number.
    NotOpen,
    /// The message has `size` bytes, and `limit` is the most that is possible.
    TooLarge {
        /// Bytes of the message.
        size: usize,
        /// Bytes that it may have.
        limit: usize,
    },
    /// Too much is waiting to be sent. [`ChannelEvent::LowWater`](crate::task::ChannelEvent::LowWater)
    /// follows when there is room.
    QueueFull,
    /// There are as many channels as [`RtcConfig::max_channels`](super::RtcConfig::max_channels) allows.
    TooManyChannels,
    /// The options cannot be used. The text says why.
    Options(&'static str),
    /// Only the initiator can do this.
    OtherRole,
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoEngine => {
                "there is no built-in WebRTC: add it to the configuration of the client, or the \
                 client has ended"
            }
            Self::NoPeer => {
                "there is no peer that uses WebRTC: wait until its handshake is done, and have it \
                 offer the WebRTC task"
            }
            Self::NotOpen => "the channel is not open: wait for the event, or open another one",
            Self::TooLarge { size, limit } => {
                return write!(
                    f,
                    "the message has {size} bytes and the limit is {limit}: send the data in \
                     several messages"
                );
            }
            Self::QueueFull => {
                "too much is waiting to be sent on the channel: wait for the low-water event"
            }
            Self::TooManyChannels => "there are too many channels: close one first",
            Self::Options(why) => why,
            Self::OtherRole => "only the initiator can do this",
        })
    }
}

impl std::error::Error for ChannelError {}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channels(…)")
    }
}

/// All channels of a client, shared by the application and the engine.
pub(crate) struct Channels {
    limits: ChannelLimits,
    registry: Mutex<Registry>,
    stats: Mutex<RtcStats>,
    /// Wakes the engine.
    pub(super) wake: Notify,
}

/// How much the application may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChannelLimits {
    pub(super) max_message_size: usize,
    pub(super) max_buffered: usize,
    pub(super) max_channels: usize,
}

#[derive(Default)]
struct Registry {
    /// The last number that was given to a channel.
    last: u32,
    channels: HashMap<u32, Arc<Channel>>,
    commands: Vec<Command>,
    /// The addresses of this host to use from now on, until the engine has taken them.
    addresses: Option<Vec<IpAddr>>,
    /// Our role, while there is a peer to have channels with.
    peer: Option<Role>,
    /// How many peers there were.
    epoch: u32,
    ended: bool,
}

/// What the application wants done.
#[derive(Debug)]
pub(super) enum Command {
    Open(u32, ChannelOptions),
    /// Something was put into the queue of the channel, which was empty, or it is to be closed.
    Flush(u32),
    RestartIce,
}

/// One channel.
pub(super) struct Channel {
    pub(super) number: u32,
    pub(super) secure: bool,
    /// Which of the peers that come and go the channel leads to.
    epoch: u32,
    /// Held by a sender while it seals, so that messages are queued in the order of their numbers. `None`
    /// while nothing can be sent.
    sealing: Mutex<Option<Sealing>>,
    queue: Mutex<Queue>,
}

/// How messages are put on the wire.
pub(super) struct Sealing {
    /// The most bytes in one message on the wire.
    pub(super) max_transmit: usize,
    /// `None` on a plain channel. Without a chunker messages are sent as they are.
    pub(super) secure: Option<(SecureSender, Option<Chunker>)>,
}

/// What waits to be sent.
#[derive(Default)]
struct Queue {
    messages: VecDeque<(MessageKind, Bytes)>,
    bytes: usize,
    /// Bytes of the channel that wait in the association.
    in_association: usize,
    /// The low-water mark, in bytes. `None` if the application has set none.
    low_water: Option<usize>,
    /// More bytes than that have waited since the last low-water event.
    above: bool,
    /// The engine knows that there is something to send.
    announced: bool,
    /// A message was refused for want of room, and a low-water event is due when there is room.
    sender_waits: bool,
    /// Close, once everything was sent.
    closing: bool,
}

impl Queue {
    fn total(&self) -> usize {
        self.bytes + self.in_association
    }

    /// Takes messages for the association, `bytes` of them and one more at most.
    fn take(&mut self, bytes: usize) -> Vec<(MessageKind, Bytes)> {
        let (mut taken, mut count) = (0, 0);
        while let Some((_, data)) = self.messages.get(count)
            && taken < bytes
            && count < BATCH
        {
            taken += data.len();
            count += 1;
        }
        self.bytes -= taken;
        self.in_association += taken;
        self.messages.drain(..count).collect()
    }

    fn set_low_water(&mut self, mark: usize) {
        self.low_water = Some(mark);
        self.above = self.total() > mark;
    }

    /// Takes note of how many bytes are left in the association, and says what follows from it.
    fn flushed(&mut self, in_association: usize, max_buffered: usize) -> Flushed {
        self.in_association = in_association;
        let total = self.total();
        let room = self.sender_waits && total <= max_buffered / 2;
        let fell = self.above && self.low_water.is_some_and(|mark| total <= mark);
        self.sender_waits &= !room;
        self.above &= !fell;
        // Not by bytes, as messages can be empty.
        let waits = !self.messages.is_empty();
        let more = waits || in_association > 0;
        self.announced &= more;
        Flushed { low_water: room || fell, more, in_association, close: self.closing && !more }
    }
}

/// How many messages are taken from a queue under one lock.
const BATCH: usize = 64;

impl Channels {
    pub(super) fn new(limits: ChannelLimits) -> Self {
        Self { limits, registry: Mutex::default(), stats: Mutex::default(), wake: Notify::new() }
    }

    fn command(&self, registry: &mut Registry, command: Command) {
        registry.commands.push(command);
        self.wake.notify_one();
    }

    /// Opens a channel. Its number comes at once, and the event when it can be used.
    pub(crate) fn open(&self, options: ChannelOptions) -> Result<u32, ChannelError> {
        if options.label.len() > 65_535 || options.protocol.len() > 65_535 {
            return Err(ChannelError::Options(
                "label and protocol of a channel have 65535 bytes at most",
            ));
        }
        if options.negotiated == Some(u16::MAX) {
            return Err(ChannelError::Options("the id of a channel is 65534 at most"));
        }
        let mut registry = lock(&self.registry);
        if registry.ended {
            return Err(ChannelError::NoEngine);
        }
        if registry.peer.is_none() {
            return Err(ChannelError::NoPeer);
        }
        let channel = registry.add(self.limits, options.secure)?;
        let number = channel.number;
        self.command(&mut registry, Command::Open(number, options));
        Ok(number)
    }

    fn get(&self, number: u32) -> Result<Arc<Channel>, ChannelError> {
        lock(&self.registry).channels.get(&number).cloned().ok_or(ChannelError::NotOpen)
    }

    /// Sends a message. It is encrypted here.
    pub(crate) fn send(&self, number: u32, text: bool, data: &[u8]) -> Result<(), ChannelError> {
        let channel = self.get(number)?;
        let mut sealing = lock(&channel.sealing);
        let sealing = sealing.as_mut().ok_or(ChannelError::NotOpen)?;
        sealing.check(data.len(), self.limits.max_message_size)?;
        {
            let mut queue = lock(&channel.queue);
            if queue.total() > 0 && queue.total() + data.len() > self.limits.max_buffered {
                queue.sender_waits = true;
                return Err(ChannelError::QueueFull);
            }
        }
        // `sealing` is held, so that other senders of this channel wait; the lock of the queue is not, so
        // that the engine does not.
        let announce = sealing.seal(text, data, &channel.queue)?;
        if announce {
            self.command(&mut lock(&self.registry), Command::Flush(number));
        }
        Ok(())
    }

    /// Bytes that wait to be sent, with all headers.
    pub(crate) fn buffered_amount(&self, number: u32) -> Result<usize, ChannelError> {
        Ok(lock(&self.get(number)?.queue).total())
    }

    /// Sets the low-water mark.
    pub(crate) fn set_low_water(&self, number: u32, bytes: usize) -> Result<(), ChannelError> {
        lock(&self.get(number)?.queue).set_low_water(bytes);
        Ok(())
    }

    /// Closes a channel, once everything that waits was sent.
    pub(crate) fn close(&self, number: u32) -> Result<(), ChannelError> {
        let channel = self.get(number)?;
        channel.close();
        self.command(&mut lock(&self.registry), Command::Flush(number));
        Ok(())
    }

    /// Restarts ICE, which looks for the best path.
    pub(crate) fn restart_ice(&self) -> Result<(), ChannelError> {
        let mut registry = lock(&self.registry);
        match (registry.ended, registry.peer) {
            (true, _) => Err(ChannelError::NoEngine),
            (false, None) => Err(ChannelError::NoPeer),
            (false, Some(Role::Responder)) => Err(ChannelError::OtherRole),
            (false, Some(Role::Initiator)) => {
                self.command(&mut registry, Command::RestartIce);
                Ok(())
            }
        }
    }

    /// Replaces the addresses of this host that are used.
    pub(crate) fn set_addresses(&self, addresses: Vec<IpAddr>) -> Result<(), ChannelError> {
        if !addresses.iter().all(|address| is_of_a_host(*address)) {
            return Err(ChannelError::Options("no host can have one of these addresses"));
        }
        let mut registry = lock(&self.registry);
        if registry.ended {
            return Err(ChannelError::NoEngine);
        }
        registry.addresses = Some(addresses);
        self.wake.notify_one();
        Ok(())
    }

    /// The figures, as of the last time that something happened.
    pub(crate) fn stats(&self) -> RtcStats {
        lock(&self.stats).clone()
    }

    pub(super) fn set_stats(&self, stats: RtcStats) {
        *lock(&self.stats) = stats;
    }

    /// There is a new peer, and we have this role. Returns the epoch: which one of all peers it is.
    pub(super) fn start(&self, role: Role) -> u32 {
        let mut registry = lock(&self.registry);
        registry.peer = Some(role);
        registry.epoch += 1;
        registry.epoch
    }

    /// Whether no peer came after this one.
    pub(super) fn is_latest(&self, epoch: u32) -> bool {
        lock(&self.registry).epoch == epoch
    }

    /// The peer is gone, and its channels are about to be.
    pub(super) fn stop(&self) {
        lock(&self.registry).peer = None;
    }

    /// A channel that the peer opened.
    pub(super) fn add(&self, secure: bool) -> Result<Arc<Channel>, ChannelError> {
        lock(&self.registry).add(self.limits, secure)
    }

    /// A channel is gone.
    pub(super) fn remove(&self, number: u32) {
        let channel = lock(&self.registry).channels.remove(&number);
        if let Some(channel) = channel {
            channel.shut();
        }
    }

    /// All channels of this peer and those before are gone. Returns their numbers.
    pub(super) fn remove_all(&self, epoch: u32) -> Vec<u32> {
        let mut channels = Vec::new();
        lock(&self.registry).channels.retain(|_, channel| {
            let keep = channel.epoch > epoch;
            if !keep {
                channels.push(channel.clone());
            }
            keep
        });
        channels.iter().for_each(|channel| channel.shut());
        let mut numbers: Vec<u32> = channels.iter().map(|channel| channel.number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The client has ended, or is closing: from now on every call fails.
    pub(super) fn end(&self) {
        lock(&self.registry).ended = true;
        self.remove_all(u32::MAX);
    }

    pub(super) fn take_commands(&self) -> Vec<Command> {
        std::mem::take(&mut lock(&self.registry).commands)
    }

    /// The addresses of this host to use from now on, if they were replaced.
    pub(super) fn take_addresses(&self) -> Option<Vec<IpAddr>> {
        lock(&self.registry).addresses.take()
    }

    pub(super) fn channel(&self, number: u32) -> Option<Arc<Channel>> {
        self.get(number).ok()
    }

    pub(super) const fn limits(&self) -> &ChannelLimits {
        &self.limits
    }
}

impl Registry {
    fn add(&mut self, limits: ChannelLimits, secure: bool) -> Result<Arc<Channel>, ChannelError> {
        if self.channels.len() >= limits.max_channels {
            return Err(ChannelError::TooManyChannels);
        }
        self.last = self.last.checked_add(1).ok_or(ChannelError::TooManyChannels)?;
        let channel = Arc::new(Channel {
            number: self.last,
            secure,
            epoch: self.epoch,
            sealing: Mutex::new(None),
            queue: Mutex::default(),
        });
        self.channels.insert(self.last, channel.clone());
        Ok(channel)
    }
}

impl Sealing {
    fn check(&self, size: usize, max_message_size: usize) -> Result<(), ChannelError> {
        let limit = if self.secure.is_some() { max_message_size } else { self.max_transmit };
        if size > limit { Err(ChannelError::TooLarge { size, limit }) } else { Ok(()) }
    }

    /// Puts a message into the queue as it goes on the wire. Returns whether the engine has to be told.
    fn seal(
        &mut self,
        text: bool,
        data: &[u8],
        queue: &Mutex<Queue>,
    ) -> Result<bool, ChannelError> {
        let Some((secure, chunker)) = &mut self.secure else {
            let kind = if text { MessageKind::Text } else { MessageKind::Binary };
            return Ok(lock(queue).push([(kind, Bytes::copy_from_slice(data))]));
        };
        let sealed_size = data.len() + SecureChannel::OVERHEAD;
        // Happens after 2^48 messages.
        let used_up = |_| ChannelError::NotOpen;
        let Some(chunker) = chunker else {
            let mut message = Vec::with_capacity(sealed_size);
            secure.encrypt_onto(&mut message, data).map_err(used_up)?;
            return Ok(lock(queue).push([(MessageKind::Binary, message.into())]));
        };
        let header = chunker.mode().header_size();
        if header + sealed_size <= self.max_transmit {
            let mut message = Vec::with_capacity(header + sealed_size);
            chunker.begin_single_chunk(&mut message);
            secure.encrypt_onto(&mut message, data).map_err(used_up)?;
            return Ok(lock(queue).push([(MessageKind::Binary, message.into())]));
        }
        let mut sealed = Vec::with_capacity(sealed_size);
        secure.encrypt_onto(&mut sealed, data).map_err(used_up)?;
        let chunks = chunker.chunk(sealed, self.max_transmit).map_err(|_| ChannelError::NotOpen)?;
        let chunks: Vec<_> =
            chunks.map(|chunk| (MessageKind::Binary, Bytes::from(chunk))).collect();
        Ok(lock(queue).push(chunks))
    }
}

impl Queue {
    fn push(&mut self, messages: impl IntoIterator<Item = (MessageKind, Bytes)>) -> bool {
        for message in messages {
            self.bytes += message.1.len();
            self.messages.push_back(message);
        }
        let total = self.total();
        self.above |= self.low_water.is_some_and(|mark| total > mark);
        !std::mem::replace(&mut self.announced, true)
    }
}

/// How far the engine got with a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flushed {
    /// The application is to be told that there is room.
    pub(super) low_water: bool,
    /// There is more to do later.
    pub(super) more: bool,
    /// Bytes that wait within the association.
    pub(super) in_association: usize,
    /// Everything was sent, and the channel is to be closed.
    pub(super) close: bool,
}

impl Channel {
    /// Messages can be sent from now on.
    pub(super) fn open(&self, sealing: Sealing) {
        let mut current = lock(&self.sealing);
        if !lock(&self.queue).closing {
            *current = Some(sealing);
        }
    }

    /// The application wants it closed, once everything was sent that is in the queue now.
    fn close(&self) {
        // Taken first, to wait for a thread that is sealing: its message still has to go into the queue, and
        // the engine closes a channel whose queue is empty.
        let mut sealing = lock(&self.sealing);
        *sealing = None;
        lock(&self.queue).closing = true;
    }

    /// From now on nothing can be sent.
    fn shut(&self) {
        *lock(&self.sealing) = None;
    }

    /// Whether the application wants it closed.
    pub(super) fn closing(&self) -> bool {
        lock(&self.queue).closing
    }

    /// How many messages wait to be handed to the association.
    pub(super) fn queued(&self) -> usize {
        lock(&self.queue).messages.len()
    }

    /// Hands messages to the association, until `high` bytes of the channel wait there.
    pub(super) fn flush(
        &self,
        limits: &ChannelLimits,
        high: usize,
        association: &mut Association,
        now: Instant,
        id: ChannelId,
    ) -> Flushed {
        let mut in_association = association.buffered_amount(id);
        while in_association < high {
            let messages = lock(&self.queue).take(high - in_association);
            if messages.is_empty() {
                break;
            }
            for (kind, data) in messages {
                // Fails only if the channel is closed, which comes as an event: there is room for less
                // than `high` bytes and one message.
                if let Err(error) = association.send(now, id, kind, data) {
                    tracing::debug!(%error, "a message was not sent");
                }
            }
            in_association = association.buffered_amount(id);
        }
        lock(&self.queue).flushed(in_association, limits.max_buffered)
    }
}

#[cfg(test)]
mod tests;
