//! Channels of the built-in WebRTC. A channel is a number, so nothing has to be freed.

use std::ffi::c_char;
use std::mem::size_of;
use std::time::Duration;

use super::config::host_address;
use crate::client::{ChannelError, ChannelOptions};
use crate::ffi::args::{self, bytes, handle, text_bytes, text_field};
use crate::ffi::client::saltyrtc_client;
use crate::ffi::declare::c_struct;
use crate::ffi::error::{CallError, Outcome, entry, saltyrtc_error};
use crate::ffi::event::saltyrtc_reliability;
use crate::ffi::growing;
use crate::ffi::status::saltyrtc_status;
use crate::task::Reliability;

c_struct! {
    /// The options of a new channel. Set all bytes to 0, then struct_size, and then the options that
    /// differ from the default, which is a reliable, ordered, secure channel.
    pub struct saltyrtc_channel_options {
        /// sizeof(saltyrtc_channel_options).
        pub struct_size: usize,
        /// The label, which the application chooses. NULL is an empty one.
        pub label: *const c_char,
        /// The size of the label in bytes. With 0, the label ends with a NUL.
        pub label_len: usize,
        /// The name of the subprotocol on the channel. NULL is an empty one.
        pub protocol: *const c_char,
        /// The size of the name in bytes. With 0, the name ends with a NUL.
        pub protocol_len: usize,
        /// One of saltyrtc_reliability.
        pub reliability: i32,
        /// With MAX_RETRANSMITS: how many times a message is retransmitted at most, up to 65535. With
        /// MAX_LIFETIME: for how many milliseconds. Otherwise 0.
        pub reliability_limit: u32,
        /// Whether messages may arrive in another order than they were sent in.
        pub unordered: bool,
        /// Whether messages are encrypted by WebRTC only, and not also with the keys of the two
        /// clients. The peer has to use the same setting. Messages then have the size limit of WebRTC.
        pub plain: bool,
        /// Whether both clients open the channel themselves, with the same `id`. Otherwise one client
        /// opens it, and the other is informed.
        pub negotiated: bool,
        /// With `negotiated`: the id, one of those of saltyrtc_rtc_config_set_negotiated_ids.
        pub id: u16,
    }
}

impl saltyrtc_channel_options {
    unsafe fn read(options: *const Self) -> Outcome<ChannelOptions> {
        let options = growing::read(options, "options")?;
        let label = text_field(options.label, options.label_len, "options.label")?;
        let protocol = text_field(options.protocol, options.protocol_len, "options.protocol")?;
        Ok(ChannelOptions {
            label: label.unwrap_or_default().into(),
            protocol: protocol.unwrap_or_default().into(),
            ordered: !options.unordered,
            reliability: reliability(options.reliability, options.reliability_limit)?,
            negotiated: options.negotiated.then_some(options.id),
            secure: !options.plain,
        })
    }
}

fn reliability(kind: i32, limit: u32) -> Outcome<Reliability> {
    let out_of_range = |why| Err(CallError::argument("options.reliability_limit", why));
    match args::enumeration(kind, "options.reliability")? {
        saltyrtc_reliability::Reliable if limit > 0 => {
            out_of_range(format!("must be 0 on a reliable channel, not {limit}"))
        }
        saltyrtc_reliability::Reliable => Ok(Reliability::Reliable),
        saltyrtc_reliability::MaxRetransmits => match limit.try_into() {
            Ok(limit) => Ok(Reliability::MaxRetransmits(limit)),
            Err(_) => out_of_range(format!("must be 65535 retransmissions at most, not {limit}")),
        },
        saltyrtc_reliability::MaxLifetime => {
            Ok(Reliability::MaxLifetime(Duration::from_millis(limit.into())))
        }
    }
}

impl From<ChannelError> for CallError {
    fn from(error: ChannelError) -> Self {
        let status = match error {
            ChannelError::NoEngine => saltyrtc_status::NoRtc,
            ChannelError::NoPeer => saltyrtc_status::NoPeer,
            ChannelError::NotOpen => saltyrtc_status::ChannelNotOpen,
            ChannelError::TooLarge { .. } => saltyrtc_status::TooLarge,
            ChannelError::QueueFull => saltyrtc_status::QueueFull,
            ChannelError::TooManyChannels => saltyrtc_status::TooManyChannels,
            ChannelError::Options(_) => saltyrtc_status::BadArgument,
            ChannelError::OtherRole => saltyrtc_status::OtherRole,
        };
        Self::new(status, error.to_string())
    }
}

/// Opens a channel to the peer, and sets `*channel` to its number, which does not have to be freed and
/// which this client uses for no other channel. The event CHANNEL_OPENED says that messages can be
/// sent, CHANNEL_CLOSED that the channel could not be opened. Can be called as soon as there is a peer,
/// before there is a connection to it.
///
/// Fails with SALTYRTC_STATUS_NO_RTC, SALTYRTC_STATUS_NO_PEER, and SALTYRTC_STATUS_TOO_MANY_CHANNELS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_open_channel(
    client: *mut saltyrtc_client,
    options: *const saltyrtc_channel_options,
    channel: *mut u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let channel = args::out(channel, 0);
    entry(error, || {
        let channel = channel.required("channel")?;
        let client = handle(client, "client")?.get()?;
        channel.set(client.open_channel(saltyrtc_channel_options::read(options)?)?);
        Ok(())
    })
}

/// Sends bytes on a channel. The peer gets an event CHANNEL_MESSAGE. For a secure channel, the calling
/// thread encrypts them.
///
/// If it fails, nothing is sent: with SALTYRTC_STATUS_CHANNEL_NOT_OPEN, with SALTYRTC_STATUS_TOO_LARGE,
/// and with SALTYRTC_STATUS_QUEUE_FULL, after which an event CHANNEL_LOW_WATER follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_channel_send_bytes(
    client: *mut saltyrtc_client,
    channel: u32,
    data: *const u8,
    data_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        Ok(client.channel_send_bytes(channel, bytes(data, data_len, "data")?)?)
    })
}

/// Sends text on a channel: `text_len` bytes of UTF-8, which may contain NULs. The peer gets them as
/// bytes if the channel is secure. Otherwise like saltyrtc_client_channel_send_bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_channel_send_text(
    client: *mut saltyrtc_client,
    channel: u32,
    text: *const c_char,
    text_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        Ok(client.channel_send_text(channel, text_bytes(text, text_len, "text")?)?)
    })
}

/// How many bytes wait to be sent on a channel, including what encryption adds. Fails with
/// SALTYRTC_STATUS_CHANNEL_NOT_OPEN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_channel_buffered_amount(
    client: *const saltyrtc_client,
    channel: u32,
    amount: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let amount = args::out(amount, 0);
    entry(error, || {
        let amount = amount.required("amount")?;
        amount.set(handle(client, "client")?.get()?.channel_buffered_amount(channel)?);
        Ok(())
    })
}

/// Sets the low-water mark of a channel in bytes. Whenever the number of bytes that wait to be sent
/// falls to the mark or below it, there is an event CHANNEL_LOW_WATER. Default: 0. Fails with
/// SALTYRTC_STATUS_CHANNEL_NOT_OPEN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_channel_set_low_water(
    client: *mut saltyrtc_client,
    channel: u32,
    bytes: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || Ok(handle(client, "client")?.get()?.channel_set_low_water(channel, bytes)?))
}

/// Closes a channel after everything that waits was sent. An event CHANNEL_CLOSED follows when the peer
/// has closed it too. Fails with SALTYRTC_STATUS_CHANNEL_NOT_OPEN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_channel_close(
    client: *mut saltyrtc_client,
    channel: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || Ok(handle(client, "client")?.get()?.channel_close(channel)?))
}

/// Initiator: restarts ICE, which looks for a new path to the peer with the addresses that both hosts
/// have now. The library does so by itself when the addresses of this host change. Fails with
/// SALTYRTC_STATUS_OTHER_ROLE for a responder, SALTYRTC_STATUS_NO_RTC, and SALTYRTC_STATUS_NO_PEER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_restart_ice(
    client: *mut saltyrtc_client,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || Ok(handle(client, "client")?.get()?.restart_ice()?))
}

/// Uses these addresses of this host for the connection to the peer and no others, in place of those of
/// saltyrtc_rtc_config_add_address or of an earlier call. For apps whose system tells them the addresses but
/// does not let the library list them.
///
/// `addresses` is a list with commas, for example "192.0.2.7,2001:db8::7"; an empty text stands for all
/// addresses of the host. Both roles can call it at any time, also before there is a peer. The client goes on
/// with the addresses that stay and tells the peer of the new ones; those that are not in the list any more
/// are given up. An address that this host does not have yet is tried again now and then, and at once after
/// saltyrtc_network_changed. Fails with SALTYRTC_STATUS_NO_RTC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_set_addresses(
    client: *mut saltyrtc_client,
    addresses: *const c_char,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let list = args::text(addresses, "addresses")?.trim();
        let addresses = match list {
            "" => Vec::new(),
            list => list
                .split(',')
                .map(|address| host_address(address.trim(), "addresses"))
                .collect::<Outcome<_>>()?,
        };
        Ok(client.set_addresses(addresses)?)
    })
}
