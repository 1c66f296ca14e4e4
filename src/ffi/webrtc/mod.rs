//! The WebRTC task with a WebRTC implementation of the application's own: signalling, and the handover
//! of the signalling to a data channel.

#[cfg(feature = "webrtc")]
mod channel;
#[cfg(feature = "webrtc")]
mod config;
mod secure_channel;
#[cfg(feature = "webrtc")]
mod stats;

use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::ptr;

use crate::ffi::args::{self, bytes, handle, handle_mut, optional_text, text};
use crate::ffi::client::config::{TaskChoice, saltyrtc_config};
use crate::ffi::client::saltyrtc_client;
use crate::ffi::error::{Failure, Outcome, entry, saltyrtc_error};
use crate::ffi::status::saltyrtc_status;
use crate::ffi::user_data::{UserData, saltyrtc_user_data_free};
use crate::protocol::ChannelTransmit;
use crate::task::webrtc::{Candidate, Options, SdpType, SessionDescription, WebRtc};

/// What the data channel of the signalling is called: SIGNALLING_LABEL and SUBPROTOCOL for C.
const LABEL: &CStr = c"saltyrtc-signaling";
const PROTOCOL: &CStr = c"v1.saltyrtc.org";

/// Adds the WebRTC task (v1.webrtc.tasks.saltyrtc.org) for an application with a WebRTC implementation
/// of its own, after the tasks that were added before.
///
/// The library carries offers, answers and candidates (saltyrtc_client_send_offer and the functions
/// after it; events OFFER, ANSWER, CANDIDATES); the application makes the connection. `exclude` are
/// `exclude_len` ids of data channels (0 to 65534) that the application uses itself and that must not be
/// used for the signalling; NULL and 0 for none. `handover` is whether the signalling may be handed over
/// to a data channel (saltyrtc_client_hand_over).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_add_webrtc_task(
    config: *mut saltyrtc_config,
    exclude: *const u16,
    exclude_len: usize,
    handover: bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        let task = WebRtc::v1(options(exclude, exclude_len, handover)?);
        let task = task.map_err(|error| Failure::argument("exclude", error))?;
        config.add_task(TaskChoice::WebRtc(task));
        Ok(())
    })
}

/// Adds the first version of the WebRTC task (v0.webrtc.tasks.saltyrtc.org), which some old peers
/// speak and nothing else. Add it after saltyrtc_config_add_webrtc_task.
///
/// `max_packet_size` is the most bytes that a message on a data channel may have; 0 if messages are not
/// to be chunked. The lower one of the two clients counts. Otherwise like
/// saltyrtc_config_add_webrtc_task.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_add_webrtc_v0_task(
    config: *mut saltyrtc_config,
    exclude: *const u16,
    exclude_len: usize,
    handover: bool,
    max_packet_size: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        let task = WebRtc::v0(options(exclude, exclude_len, handover)?, max_packet_size);
        let task =
            task.map_err(|error| Failure::new(saltyrtc_status::BadArgument, error.to_string()))?;
        config.add_task(TaskChoice::WebRtc(task));
        Ok(())
    })
}

pub(super) unsafe fn options(
    exclude: *const u16,
    exclude_len: usize,
    handover: bool,
) -> Outcome<Options> {
    let exclude = args::slice(exclude, exclude_len, "exclude")?.to_vec();
    Ok(Options { exclude, handover })
}

/// Sends an offer to the responder, which gets an OFFER event. Initiator only.
///
/// `sdp_type` is the RTCSdpType: "offer", or "rollback" to take an offer back. `sdp` is the session
/// description; NULL is allowed with "rollback" only. Fails like saltyrtc_client_send_bytes, and with
/// SALTYRTC_STATUS_OTHER_ROLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_offer(
    client: *mut saltyrtc_client,
    sdp_type: *const c_char,
    sdp: *const c_char,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let description = description(sdp_type, sdp)?;
        Ok(handle(client, "client")?.get()?.send_offer(&description)?)
    })
}

/// Sends an answer to the initiator, which gets an ANSWER event. Responder only. `sdp_type` is "answer",
/// "pranswer" or "rollback"; otherwise like saltyrtc_client_send_offer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_answer(
    client: *mut saltyrtc_client,
    sdp_type: *const c_char,
    sdp: *const c_char,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let description = description(sdp_type, sdp)?;
        Ok(handle(client, "client")?.get()?.send_answer(&description)?)
    })
}

unsafe fn description(sdp_type: *const c_char, sdp: *const c_char) -> Outcome<SessionDescription> {
    let name = text(sdp_type, "sdp_type")?;
    let kind = SdpType::from_name(name).ok_or_else(|| {
        Failure::argument("sdp_type", "must be \"offer\", \"pranswer\", \"answer\" or \"rollback\"")
    })?;
    match optional_text(sdp, "sdp")? {
        Some(sdp) => Ok(SessionDescription::new(kind, sdp)),
        None if kind == SdpType::Rollback => Ok(SessionDescription::rollback()),
        None => Err(Failure::null("sdp")),
    }
}

/// An ICE candidate of the peer.
#[repr(C)]
#[derive(Debug)]
pub struct saltyrtc_candidate {
    /// The candidate-attribute, for example "candidate:1 1 udp …"; an empty text if the candidates of
    /// a generation have ended; NULL if the candidates have ended altogether.
    pub candidate: *const c_char,
    /// The identification of the media description; NULL if there is none.
    pub sdp_mid: *const c_char,
    /// The ICE user name fragment; NULL if there is none.
    pub username_fragment: *const c_char,
    /// The index of the media description, 0 to 65535; -1 if there is none.
    pub sdp_m_line_index: i32,
}

/// Sends an ICE candidate to the peer, which gets it in a CANDIDATES event. Candidates that are sent in
/// quick succession (10 ms) become one message.
///
/// `candidate` is NULL, or an empty text, when there are no more; then the other arguments can be NULL
/// and -1. `sdp_mid` and `username_fragment` can be NULL, `sdp_m_line_index` -1 (none) to 65535. Fails
/// like saltyrtc_client_send_bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_candidate(
    client: *mut saltyrtc_client,
    candidate: *const c_char,
    sdp_mid: *const c_char,
    sdp_m_line_index: i32,
    username_fragment: *const c_char,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let sdp_m_line_index = match sdp_m_line_index {
            -1 => None,
            index => Some(u16::try_from(index).map_err(|_| {
                let why = format!("must be -1 or 0 to 65535, not {index}");
                Failure::argument("sdp_m_line_index", why)
            })?),
        };
        let sdp_mid = optional_text(sdp_mid, "sdp_mid")?.map(str::to_owned);
        let username_fragment =
            optional_text(username_fragment, "username_fragment")?.map(str::to_owned);
        let candidate = optional_text(candidate, "candidate")?.map(|candidate| Candidate {
            candidate: candidate.to_owned(),
            sdp_mid,
            sdp_m_line_index,
            username_fragment,
        });
        Ok(client.send_candidates(&[candidate])?)
    })
}

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
pub(super) struct Transport {
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
    pub(super) unsafe fn transmit(self, client: *mut saltyrtc_client, transmit: &ChannelTransmit) {
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
    use crate::protocol::SUBPROTOCOL;
    use crate::task::webrtc::SIGNALLING_LABEL;

    /// Covers W-025.
    #[test]
    fn the_signalling_channel_is_called_as_in_rust() {
        assert_eq!(LABEL.to_str(), Ok(SIGNALLING_LABEL));
        assert_eq!(PROTOCOL.to_str(), Ok(SUBPROTOCOL));
    }
}
