//! The built-in WebRTC engine, for programs.

use std::net::IpAddr;

use super::engine::{ChannelError, ChannelOptions, Channels, RtcStats};
use super::handle::Client;

/// What can be done once the handshake with the peer is done, if
/// [`Config::with_rtc`](super::Config::with_rtc) added the engine and the peer has the WebRTC task.
impl Client {
    fn channels(&self) -> Result<&Channels, ChannelError> {
        self.handle.channels.as_deref().ok_or(ChannelError::NoEngine)
    }

    /// Opens a channel to the peer. Returns its number, which is never used again; when
    /// [`ChannelEvent::Opened`](crate::task::ChannelEvent::Opened) comes for it, messages can be
    /// sent. Can be called before there is a connection.
    ///
    /// # Errors
    ///
    /// [`ChannelError`]. Whatever goes wrong later comes as
    /// [`ChannelEvent::Closed`](crate::task::ChannelEvent::Closed).
    pub fn open_channel(&self, options: ChannelOptions) -> Result<u32, ChannelError> {
        self.channels()?.open(options)
    }

    /// Sends bytes on a channel. On a secure one they are encrypted here, on the thread of the caller.
    ///
    /// # Errors
    ///
    /// [`ChannelError::NotOpen`], [`ChannelError::TooLarge`], [`ChannelError::QueueFull`].
    pub fn channel_send_bytes(&self, channel: u32, data: &[u8]) -> Result<(), ChannelError> {
        self.channels()?.send(channel, false, data)
    }

    /// Sends text on a channel. On a secure channel the peer gets it as bytes.
    ///
    /// # Errors
    ///
    /// As [`channel_send_bytes`](Self::channel_send_bytes).
    pub fn channel_send_text(&self, channel: u32, text: &str) -> Result<(), ChannelError> {
        self.channels()?.send(channel, true, text.as_bytes())
    }

    /// Bytes that wait to be sent on a channel, including those that encryption and chunking add. What was
    /// sent and the peer has not acknowledged yet does not count.
    ///
    /// # Errors
    ///
    /// [`ChannelError::NotOpen`].
    pub fn channel_buffered_amount(&self, channel: u32) -> Result<usize, ChannelError> {
        self.channels()?.buffered_amount(channel)
    }

    /// Sets the low-water mark of a channel, in bytes; there is none at first. Whenever the
    /// [buffered amount](Self::channel_buffered_amount) falls from above to it,
    /// [`ChannelEvent::LowWater`](crate::task::ChannelEvent::LowWater) comes.
    ///
    /// # Errors
    ///
    /// [`ChannelError::NotOpen`].
    pub fn channel_set_low_water(&self, channel: u32, bytes: usize) -> Result<(), ChannelError> {
        self.channels()?.set_low_water(channel, bytes)
    }

    /// Closes a channel, once everything was sent that waits.
    /// [`ChannelEvent::Closed`](crate::task::ChannelEvent::Closed) follows when the peer has closed
    /// it too.
    ///
    /// # Errors
    ///
    /// [`ChannelError::NotOpen`].
    pub fn channel_close(&self, channel: u32) -> Result<(), ChannelError> {
        self.channels()?.close(channel)
    }

    /// Initiator: looks for a path to the peer again, with all addresses that both sides have now. The
    /// library does so by itself when the addresses of this host change. If the connection has failed
    /// before the signalling was handed over, a new one is made.
    ///
    /// # Errors
    ///
    /// [`ChannelError::OtherRole`] for a responder, [`ChannelError::NoPeer`].
    pub fn restart_ice(&self) -> Result<(), ChannelError> {
        self.channels()?.restart_ice()
    }

    /// Uses these addresses of this host for connections to the peer and no others, in place of those of
    /// [`RtcConfig::addresses`](super::RtcConfig::addresses) or of an earlier call. Empty: all that the host has.
    /// For hosts whose system tells them to the application only.
    ///
    /// Both roles can call it at any time, also before there is a peer. The client goes on with the addresses
    /// that stay and tells the peer of the new ones; those that are not in the list any more are given up. An
    /// address that this host does not have yet is tried again now and then.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Options`] for an address that no host can have, as `0.0.0.0`, [`ChannelError::NoEngine`].
    pub fn set_addresses(&self, addresses: Vec<IpAddr>) -> Result<(), ChannelError> {
        self.channels()?.set_addresses(addresses)
    }

    /// Figures of the connection to the peer.
    ///
    /// # Errors
    ///
    /// [`ChannelError::NoEngine`].
    pub fn rtc_stats(&self) -> Result<RtcStats, ChannelError> {
        Ok(self.channels()?.stats())
    }
}
