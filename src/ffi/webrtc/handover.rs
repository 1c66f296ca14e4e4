//! Handing the signalling over to a data channel of the application's.

use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::ptr;

use crate::ffi::args::{self, bytes, handle};
use crate::ffi::client::saltyrtc_client;
use crate::ffi::declare::{c_str, nul_terminated};
use crate::ffi::error::{Failure, entry, saltyrtc_error};
use crate::ffi::status::saltyrtc_status;
use crate::ffi::user_data::{UserData, saltyrtc_user_data_free};
use crate::protocol::{ChannelTransmit, SUBPROTOCOL};
use crate::task::webrtc::SIGNALLING_LABEL;

const LABEL: &CStr = c_str(&nul_terminated::<{ SIGNALLING_LABEL.len() + 1 }>(SIGNALLING_LABEL));
const PROTOCOL: &CStr = c_str(&nul_terminated::<{ SUBPROTOCOL.len() + 1 }>(SUBPROTOCOL));

/// The data channel to hand the signalling over to. Both clients make it when they make their peer
/// connections, before the offer: with this `id`, `label` and `protocol`, with `negotiated` and
/// `ordered` true, and with nothing else set.
///
/// `label` and `protocol` become texts that stay valid for ever; each may be NULL. Fails with
/// SALTYRTC_STATUS_NO_PEER, and with SALTYRTC_STATUS_NO_HANDOVER if the two clients did not agree on a
/// handover.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_signalling_channel(
    client: *const saltyrtc_client,
    id: *mut u16,
    label: *mut *const c_char,
    protocol: *mut *const c_char,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let id = args::out(id, 0);
    let (label, protocol) = (args::out(label, ptr::null()), args::out(protocol, ptr::null()));
    entry(error, || {
        let id = id.required("id")?;
        id.set(handle(client, "client")?.get()?.signalling_channel()?.id);
        label.set(LABEL.as_ptr());
        protocol.set(PROTOCOL.as_ptr());
        Ok(())
    })
}

/// Sends one binary message on the data channel of the signalling. The data is valid until the function
/// returns. If it cannot be sent, call saltyrtc_client_transport_closed.
pub type saltyrtc_transport_send = Option<
    unsafe extern "C" fn(
        client: *mut saltyrtc_client,
        data: *const u8,
        data_len: usize,
        user_data: *mut c_void,
    ),
>;

/// Closes the data channel of the signalling, after what was sent was delivered.
pub type saltyrtc_transport_close =
    Option<unsafe extern "C" fn(client: *mut saltyrtc_client, user_data: *mut c_void)>;

/// The functions of a transport, for the event thread.
#[derive(Clone, Copy)]
pub(in crate::ffi) struct Transport {
    send: unsafe extern "C" fn(*mut saltyrtc_client, *const u8, usize, *mut c_void),
    close: unsafe extern "C" fn(*mut saltyrtc_client, *mut c_void),
    user_data: *mut c_void,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport(…)")
    }
}

// SAFETY: the header says that callbacks and their user data are used by threads of the library.
unsafe impl Send for Transport {}

impl Transport {
    /// Calls the function of the program that does what is to be done.
    pub(in crate::ffi) unsafe fn transmit(
        self,
        client: *mut saltyrtc_client,
        transmit: &ChannelTransmit,
    ) {
        match transmit {
            ChannelTransmit::Message(message) => {
                (self.send)(client, message.as_ptr(), message.len(), self.user_data);
            }
            ChannelTransmit::Close => (self.close)(client, self.user_data),
        }
    }
}

/// Hands the signalling over to a data channel. Call it when the channel of
/// saltyrtc_client_signalling_channel is open; the peer does the same. When both have done so there is a
/// HANDED_OVER event, the connection to the server ends, and everything goes over the data channel,
/// encrypted as before.
///
/// `max_message_size` is the most bytes that a message of the peer connection may have (maxMessageSize
/// of its SCTP transport); 0 if it has no limit. `send` and `close` do what is to be done with the
/// channel; they are called like the callback of the client, by the same thread. Without them (both
/// NULL; always so with a client that has no callback) there are TRANSPORT_SEND and TRANSPORT_CLOSE
/// events. `user_data` is for the functions; `user_data_free` (may be NULL) is called with it exactly
/// once: when the client is freed, when the signalling with another peer is handed over, or before this
/// function returns if it fails.
///
/// Give the library what arrives on the channel with saltyrtc_client_transport_receive, also before this
/// call, and say with saltyrtc_client_transport_closed when the channel is gone.
///
/// Fails with SALTYRTC_STATUS_NO_PEER, SALTYRTC_STATUS_CLOSED, SALTYRTC_STATUS_NO_HANDOVER if the two
/// clients did not agree on it, and SALTYRTC_STATUS_HANDED_OVER the second time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_hand_over(
    client: *mut saltyrtc_client,
    max_message_size: usize,
    send: saltyrtc_transport_send,
    close: saltyrtc_transport_close,
    user_data: *mut c_void,
    user_data_free: saltyrtc_user_data_free,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let user_data = UserData::new(user_data, user_data_free);
    entry(error, || {
        let client = handle(client, "client")?;
        let transport = match (send, close) {
            (None, None) => None,
            (Some(_), Some(_)) if !client.has_callback() => {
                return Err(Failure::argument(
                    "send",
                    "a client without a callback has events for this: pass NULL for send and close",
                ));
            }
            (Some(send), Some(close)) => {
                Some(Transport { send, close, user_data: user_data.pointer })
            }
            _ => return Err(Failure::argument("send", "pass both send and close, or neither")),
        };
        client.hand_over(max_message_size, transport, user_data)
    })
}

/// A message arrived on the data channel of the signalling. Order and boundaries of the messages have
/// to be kept. Messages that arrive before the peer's handover, or before this client's, wait.
///
/// What comes of it, also of a wrong message, is told by events, as with messages that come over the
/// server. Does nothing if there is no peer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_transport_receive(
    client: *mut saltyrtc_client,
    data: *const u8,
    data_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        // Whoever calls this takes the events too, or has a thread of ours that does.
        client.channel_receive(bytes(data, data_len, "data")?);
        Ok(())
    })
}

/// The data channel of the signalling is closed, could not be opened, or is of no use any more.
///
/// Before either client has handed over, nothing is lost: the signalling goes on over the server, and
/// another channel can be tried. Afterwards the connection ends with a CLOSED event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_transport_closed(
    client: *mut saltyrtc_client,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle(client, "client")?.get()?.channel_closed();
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers W-025.
    #[test]
    fn the_signalling_channel_is_called_as_in_rust() {
        assert_eq!(LABEL.to_str(), Ok(SIGNALLING_LABEL));
        assert_eq!(PROTOCOL.to_str(), Ok(SUBPROTOCOL));
    }
}
