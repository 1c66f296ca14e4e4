//! The ORTC task, for applications that bring their own ORTC implementation.

mod send;

use crate::ffi::args::{self, handle, handle_mut};
use crate::ffi::client::config::{TaskChoice, saltyrtc_config};
use crate::ffi::client::saltyrtc_client;
use crate::ffi::error::{CallError, entry, saltyrtc_error};
use crate::ffi::status::saltyrtc_status;
use crate::ffi::webrtc::options;
use crate::task::ortc::{Ortc, OrtcMessage};

/// Adds the ORTC task (v0.ortc.tasks.saltyrtc.org) for an application that brings its own ORTC
/// implementation, after the tasks that were added before.
///
/// The library carries the parameters, capabilities and candidates of the application's objects. There are a
/// function and an event for each of them (saltyrtc_client_send_ice_parameters,
/// saltyrtc_client_send_ice_candidate, saltyrtc_client_send_dtls_parameters,
/// saltyrtc_client_send_sctp_capabilities, saltyrtc_client_send_data_channel_parameters), and one function for
/// all that the task knows (saltyrtc_client_send_ortc_message), RTP capabilities included. The application
/// establishes the connection. `exclude` are `exclude_len` ids of data channels (0 to 65534) that the application uses
/// itself, so that none of them is chosen for the signalling; NULL and 0 for none. `handover` says whether
/// the signalling may be handed over to a data channel (saltyrtc_client_hand_over).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_add_ortc_task(
    config: *mut saltyrtc_config,
    exclude: *const u16,
    exclude_len: usize,
    handover: bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        let task = Ortc::new(options(exclude, exclude_len, handover)?);
        let task = task.map_err(|error| CallError::argument("exclude", error))?;
        config.add_task(TaskChoice::Ortc(task));
        Ok(())
    })
}

/// Sends any message of the ORTC task to the peer, which gets the event that is there for it; for
/// 'rtp-capabilities', which is for stacks that have media, ORTC_MESSAGE.
///
/// `message` is a MessagePack map of `message_len` bytes, in the form of the specification of the task:
/// with the key "type", for example "ice-parameters", and the other fields of that message. It is
/// validated as the peer does it, fields that the task does not know are left out, and with a mistake
/// nothing is sent (SALTYRTC_STATUS_BAD_ARGUMENT). ICE candidates that follow each other within 10 ms are
/// sent as one message.
///
/// A message in which all that can have a label has the label "handover" is about a transport that the
/// application makes for the channel of the signalling alone; a label "handover" beside others is refused. Fails
/// like saltyrtc_client_send_bytes, and with that label with SALTYRTC_STATUS_NO_HANDOVER if the clients did not
/// agree on a handover.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_ortc_message(
    client: *mut saltyrtc_client,
    message: *const u8,
    message_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let message = OrtcMessage::parse(args::slice(message, message_len, "message")?);
        let message = message.map_err(|error| CallError::argument("message", error))?;
        let for_handover = message.is_for_handover();
        send::send(client, message, for_handover)
    })
}
