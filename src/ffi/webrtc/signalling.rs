//! The WebRTC task with a WebRTC implementation of the application's own: offers, answers, candidates.

use std::ffi::c_char;

use crate::ffi::args::{self, handle, handle_mut, optional_text_bytes, text};
use crate::ffi::client::config::{TaskChoice, saltyrtc_config};
use crate::ffi::client::saltyrtc_client;
use crate::ffi::error::{CallError, Outcome, entry, saltyrtc_error};
use crate::ffi::status::saltyrtc_status;
use crate::task::webrtc::{Candidate, Options, SdpType, SessionDescription, WebRtc};

/// Adds the WebRTC task (v1.webrtc.tasks.saltyrtc.org) for an application that brings its own WebRTC
/// implementation, after the tasks that were added before.
///
/// The library carries offers, answers and candidates (saltyrtc_client_send_offer,
/// saltyrtc_client_send_answer, saltyrtc_client_send_candidate, and the events OFFER, ANSWER and
/// CANDIDATES); the application establishes the connection. `exclude` are `exclude_len` ids of data
/// channels (0 to 65534) that the application uses itself, so that none of them is chosen for the
/// signalling; NULL and 0 for none. `handover` says whether the signalling may be handed over to a data
/// channel (saltyrtc_client_hand_over).
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
        let task = task.map_err(|error| CallError::argument("exclude", error))?;
        config.add_task(TaskChoice::WebRtc(task));
        Ok(())
    })
}

/// Adds the first version of the WebRTC task (v0.webrtc.tasks.saltyrtc.org), for old peers that know no
/// other. Add it after saltyrtc_config_add_webrtc_task.
///
/// `max_packet_size` is the largest message on a data channel in bytes; with 0, messages are not
/// chunked. Of the values of the two clients, the lower one is used. Otherwise like
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
            task.map_err(|error| CallError::new(saltyrtc_status::BadArgument, error.to_string()))?;
        config.add_task(TaskChoice::WebRtc(task));
        Ok(())
    })
}

pub(in crate::ffi) unsafe fn options(
    exclude: *const u16,
    exclude_len: usize,
    handover: bool,
) -> Outcome<Options> {
    let exclude = args::slice(exclude, exclude_len, "exclude")?.to_vec();
    Ok(Options { exclude, handover })
}

/// Initiator: sends an offer to the responder, which gets an event OFFER.
///
/// `sdp_type` is the RTCSdpType: "offer", or "rollback" to withdraw an offer. `sdp` may be NULL with
/// "rollback" only; otherwise it is the session description, `sdp_len` bytes of UTF-8. Fails like
/// saltyrtc_client_send_bytes, and with SALTYRTC_STATUS_OTHER_ROLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_offer(
    client: *mut saltyrtc_client,
    sdp_type: *const c_char,
    sdp: *const c_char,
    sdp_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let description = description(sdp_type, sdp, sdp_len)?;
        Ok(handle(client, "client")?.get()?.send_offer(&description)?)
    })
}

/// Responder: sends an answer to the initiator, which gets an event ANSWER. `sdp_type` is "answer",
/// "pranswer" or "rollback". `sdp` may be NULL with "rollback" only. Otherwise like
/// saltyrtc_client_send_offer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_answer(
    client: *mut saltyrtc_client,
    sdp_type: *const c_char,
    sdp: *const c_char,
    sdp_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let description = description(sdp_type, sdp, sdp_len)?;
        Ok(handle(client, "client")?.get()?.send_answer(&description)?)
    })
}

unsafe fn description(
    sdp_type: *const c_char,
    sdp: *const c_char,
    sdp_len: usize,
) -> Outcome<SessionDescription> {
    let name = text(sdp_type, "sdp_type")?;
    let kind = SdpType::from_name(name).ok_or_else(|| {
        CallError::argument(
            "sdp_type",
            "must be \"offer\", \"pranswer\", \"answer\" or \"rollback\"",
        )
    })?;
    match optional_text_bytes(sdp, sdp_len, "sdp")? {
        Some(sdp) => Ok(SessionDescription::new(kind, sdp)),
        None if kind == SdpType::Rollback => Ok(SessionDescription::rollback()),
        None => Err(CallError::null("sdp")),
    }
}

/// Sends an ICE candidate to the peer, which gets it with an event CANDIDATES. Candidates that follow
/// each other within 10 ms are sent as one message.
///
/// The arguments are the fields of saltyrtc_candidate. `candidate` may be NULL or an empty text: there
/// are no more candidates then. `sdp_mid` and `username_fragment` may be NULL (with the length 0), and
/// `sdp_m_line_index` may be -1, if they are not given. Fails like saltyrtc_client_send_bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_candidate(
    client: *mut saltyrtc_client,
    candidate: *const c_char,
    candidate_len: usize,
    sdp_mid: *const c_char,
    sdp_mid_len: usize,
    sdp_m_line_index: i32,
    username_fragment: *const c_char,
    username_fragment_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let sdp_m_line_index = match sdp_m_line_index {
            -1 => None,
            index => Some(u16::try_from(index).map_err(|_| {
                let why = format!("must be -1 or 0 to 65535, not {index}");
                CallError::argument("sdp_m_line_index", why)
            })?),
        };
        let sdp_mid = optional_text_bytes(sdp_mid, sdp_mid_len, "sdp_mid")?;
        let username_fragment =
            optional_text_bytes(username_fragment, username_fragment_len, "username_fragment")?;
        let candidate = optional_text_bytes(candidate, candidate_len, "candidate")?;
        let candidate = candidate.map(|candidate| Candidate {
            candidate: candidate.to_owned(),
            sdp_mid: sdp_mid.map(str::to_owned),
            sdp_m_line_index,
            username_fragment: username_fragment.map(str::to_owned),
        });
        Ok(client.send_candidates(&[candidate])?)
    })
}
