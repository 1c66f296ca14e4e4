//! Handing the signalling over to a data channel of the application.

use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::ptr;

use crate::ffi::args::{self, bytes, handle};
use crate::ffi::client::saltyrtc_client;
use crate::ffi::declare::{c_str, nul_terminated};
use crate::ffi::error::{CallError, entry, saltyrtc_error};
use crate::ffi::status::saltyrtc_status;
use crate::ffi::user_data::{UserData, saltyrtc_user_data_free};
use crate::protocol::{ChannelTransmit, SUBPROTOCOL};
use crate::task::webrtc::SIGNALLING_LABEL;

const LABEL: &CStr = c_str(&nul_terminated::<{ SIGNALLING_LABEL.len() + 1 }>(SIGNALLING_LABEL));
const PROTOCOL: &CStr = c_str(&nul_terminated::<{ SUBPROTOCOL.len() + 1 }>(SUBPROTOCOL));

/// How to create the data channel that the signalling is handed over to. Both clients create it
/// together with their peer connections, before the offer: with this `id`, `label` and `protocol`, with
/// `negotiated` and `ordered` true, and with no other options.
///
/// `*label` and `*protocol` are set to static texts. `label` and `protocol` may be NULL. Fails with
/// SALTYRTC_STATUS_NO_PEER, and with SALTYRTC_STATUS_NO_HANDOVER if the two clients have not agreed on
/// a handover.
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
        let channel = handle(client, "client")?.get()?.signalling_channel()?;
        id.set(channel.id);
        // That of the ORTC task is called like the subprotocol.
        let name = if channel.label == SIGNALLING_LABEL { LABEL } else { PROTOCOL };
        label.set(name.as_ptr());
        protocol.set(PROTOCOL.as_ptr());
        Ok(())
    })
}

/// Has to send one binary message on the data channel of the signalling. The data is valid until the
/// function returns. If it cannot be sent, call saltyrtc_client_transport_closed.
pub type saltyrtc_transport_send = Option<
    unsafe extern "C" fn(
        client: *mut saltyrtc_client,
        data: *const u8,
        data_len: usize,
        user_data: *mut c_void,
    ),
>;

/// Has to close the data channel of the signalling, once everything that was sent on it is delivered.
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

/// Hands the signalling over to a data channel. Call it when the channel that
/// saltyrtc_client_signalling_channel describes is open; the peer does the same. When both have done
/// so, there is an event HANDED_OVER, the connection to the server is closed, and the signalling goes
/// over the data channel, encrypted as before.
///
/// `max_message_size` is the largest message of the peer connection in bytes (maxMessageSize of its
/// SCTP transport); 0 if there is no limit. `send` and `close` are called on the same thread and under
/// the same conditions as the callback of the client. If both are NULL, there are events TRANSPORT_SEND
/// and TRANSPORT_CLOSE instead; for a client without a callback, both have to be NULL. `user_data` (may
/// be NULL) is passed to the two functions. `user_data_free` (may be NULL) is called with it exactly
/// once: when the client is freed, when the signalling is handed over again with another peer, or
/// before this function returns if it fails.
///
/// Pass everything that arrives on the channel to saltyrtc_client_transport_receive, also before this
/// call, and call saltyrtc_client_transport_closed when the channel is closed.
///
/// Fails with SALTYRTC_STATUS_NO_PEER; with SALTYRTC_STATUS_CLOSED; with SALTYRTC_STATUS_NO_HANDOVER if
/// the two clients have not agreed on a handover; with SALTYRTC_STATUS_CHANNEL_TOO_NARROW; and with
/// SALTYRTC_STATUS_HANDED_OVER if it was called before.
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
                return Err(CallError::argument(
                    "send",
                    "a client without a callback has events instead: pass NULL for send and close",
                ));
            }
            (Some(send), Some(close)) => {
                Some(Transport { send, close, user_data: user_data.pointer })
            }
            _ => return Err(CallError::argument("send", "pass both send and close, or neither")),
        };
        client.hand_over(max_message_size, transport, user_data)
    })
}

/// Passes a message that arrived on the data channel of the signalling to the library: every message,
/// as a whole, and in the order of arrival. Messages that arrive before both clients have handed over
/// wait.
///
/// The result is reported by events, as for messages that arrive over the server; this includes what is
/// wrong with a message. Does nothing if there is no peer.
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

/// Informs the library that the data channel of the signalling is closed, could not be opened, or
/// cannot be used any more.
///
/// Before either client has handed over, nothing is lost: the signalling continues over the server, and
/// the application can try another channel. After that, the connection ends with an event CLOSED.
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
