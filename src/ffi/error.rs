//! Errors, and what every exported function does first and last.

use std::any::Any;
use std::ffi::{CString, c_char};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use super::fork;
use super::log;
use super::status::saltyrtc_status;
use crate::client::{ConfigError, EndReason, OrtcSendFailure, SendFailure, WebRtcSendFailure};
use crate::crypto::KeyError;
use crate::protocol::message::PayloadError;
use crate::protocol::{ConnectError, InvitationError, ServerUrlError};

/// Why a call failed: a status, and a text that says what happened and what to do about it.
///
/// A function that takes a `saltyrtc_error **` stores an error there if it fails, unless it is NULL.
/// The caller frees it.
#[derive(Debug)]
pub struct saltyrtc_error {
    status: saltyrtc_status,
    message: CString,
}

/// The status that the failed function returned. `error` may be NULL: there is no error, and the status
/// is SALTYRTC_STATUS_OK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_error_status(error: *const saltyrtc_error) -> saltyrtc_status {
    error.as_ref().map_or(saltyrtc_status::Ok, |error| error.status)
}

/// What happened and what to do about it, in English. `error` may be NULL: the text is empty then. The
/// text is valid until the error is freed. It never contains secrets or application data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_error_message(error: *const saltyrtc_error) -> *const c_char {
    error.as_ref().map_or(c"".as_ptr(), |error| error.message.as_ptr())
}

/// Frees an error. Does nothing if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_error_free(error: *mut saltyrtc_error) {
    if !error.is_null() {
        drop(Box::from_raw(error));
    }
}

/// Why a call fails, on its way to the caller.
#[derive(Debug)]
pub(super) struct CallError {
    pub(super) status: saltyrtc_status,
    pub(super) text: String,
}

impl CallError {
    pub(super) fn new(status: saltyrtc_status, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// `name` is what the header calls the argument.
    pub(super) fn null(name: &str) -> Self {
        Self::new(saltyrtc_status::NullArgument, format!("{name} must not be NULL"))
    }

    pub(super) fn argument(name: &str, why: impl Display) -> Self {
        Self::new(saltyrtc_status::BadArgument, format!("{name}: {why}"))
    }

    pub(super) fn key(name: &str, why: KeyError) -> Self {
        Self::new(saltyrtc_status::BadKey, format!("{name}: {why}"))
    }
}

pub(super) type Outcome<T = ()> = Result<T, CallError>;

impl From<SendFailure> for CallError {
    fn from(failure: SendFailure) -> Self {
        let status = match &failure {
            SendFailure::NoPeer => saltyrtc_status::NoPeer,
            SendFailure::Closed => saltyrtc_status::Closed,
            SendFailure::TooLarge { .. } => saltyrtc_status::TooLarge,
            SendFailure::QueueFull => saltyrtc_status::QueueFull,
            SendFailure::OtherTask { .. } => saltyrtc_status::OtherTask,
            SendFailure::OtherRole => saltyrtc_status::OtherRole,
            SendFailure::NoHandover => saltyrtc_status::NoHandover,
            SendFailure::HandedOver => saltyrtc_status::HandedOver,
            SendFailure::ChannelTooNarrow { .. } => saltyrtc_status::ChannelTooNarrow,
        };
        Self::new(status, failure.to_string())
    }
}

impl From<WebRtcSendFailure> for CallError {
    fn from(failure: WebRtcSendFailure) -> Self {
        let status = match &failure {
            WebRtcSendFailure::Message(failure) => return failure.clone().into(),
            WebRtcSendFailure::OtherRole => saltyrtc_status::OtherRole,
            WebRtcSendFailure::OtherDescription(_) | WebRtcSendFailure::CandidateCount(_) => {
                saltyrtc_status::BadArgument
            }
        };
        Self::new(status, failure.to_string())
    }
}

impl From<OrtcSendFailure> for CallError {
    fn from(failure: OrtcSendFailure) -> Self {
        let status = match &failure {
            OrtcSendFailure::Message(failure) => return failure.clone().into(),
            OrtcSendFailure::ReservedLabel | OrtcSendFailure::Count(_) => {
                saltyrtc_status::BadArgument
            }
        };
        Self::new(status, failure.to_string())
    }
}

impl From<ConfigError> for CallError {
    fn from(error: ConfigError) -> Self {
        Self::new(saltyrtc_status::BadConfig, error.to_string())
    }
}

impl From<InvitationError> for CallError {
    fn from(error: InvitationError) -> Self {
        Self::new(saltyrtc_status::BadInvitation, error.to_string())
    }
}

impl From<ServerUrlError> for CallError {
    fn from(error: ServerUrlError) -> Self {
        // The header calls every URL of a server so.
        Self::new(saltyrtc_status::BadUrl, format!("server_url: {error}"))
    }
}

impl From<PayloadError> for CallError {
    fn from(error: PayloadError) -> Self {
        Self::new(saltyrtc_status::BadMsgpack, error.to_string())
    }
}

impl From<&EndReason> for saltyrtc_status {
    fn from(reason: &EndReason) -> Self {
        match reason {
            EndReason::Requested => Self::Ok,
            EndReason::PeerClosed(_) => Self::PeerClosed,
            EndReason::PeerLeft => Self::PeerLeft,
            EndReason::PeerUnreachable => Self::PeerUnreachable,
            EndReason::NoSharedTask => Self::NoSharedTask,
            EndReason::PeerProtocolError(_) => Self::PeerProtocolError,
            EndReason::ServerProtocolError(_) => Self::ServerProtocolError,
            EndReason::ServerKey(_) => Self::ServerKeyMismatch,
            EndReason::AccusedOfProtocolError => Self::AccusedOfProtocolError,
            EndReason::RemoteInternalError => Self::RemoteInternalError,
            EndReason::PathFull => Self::PathFull,
            EndReason::DroppedByInitiator => Self::DroppedByInitiator,
            EndReason::ReplacedByInitiator => Self::ReplacedByInitiator,
            EndReason::InitiatorCouldNotDecrypt => Self::InitiatorCouldNotDecrypt,
            EndReason::ServerHandshakeTimeout => Self::ServerHandshakeTimeout,
            EndReason::PeerHandshakeTimeout => Self::PeerHandshakeTimeout,
            EndReason::ServerTimeout => Self::ServerTimeout,
            EndReason::ServerGoingAway => Self::ServerGoingAway,
            EndReason::MessageTooBig => Self::MessageTooBig,
            EndReason::ReceivedTooBig => Self::ReceivedTooBig,
            EndReason::NoSubprotocol => Self::NoSubprotocol,
            EndReason::ServerClosed(_) => Self::ServerClosed,
            EndReason::ConnectionLost(_) => Self::ConnectionLost,
            EndReason::ConnectFailed(error) => error.into(),
            EndReason::HandshakeDisturbed(_) => Self::HandshakeDisturbed,
            EndReason::SequenceNumbersUsedUp => Self::SequenceNumbersUsedUp,
            EndReason::SignallingChannelLost => Self::SignallingChannelLost,
            EndReason::HandoverTimeout => Self::HandoverTimeout,
        }
    }
}

impl From<&ConnectError> for saltyrtc_status {
    fn from(error: &ConnectError) -> Self {
        match error {
            ConnectError::InvalidHost { .. } | ConnectError::InvalidProxy { .. } => Self::BadUrl,
            ConnectError::ProxyRefused { .. } => Self::ProxyRefused,
            ConnectError::Certificate { .. } | ConnectError::NoRoots { .. } => {
                Self::ServerCertificate
            }
            ConnectError::Tls { .. } => Self::TlsFailed,
            ConnectError::Status { .. } if error.is_busy() => Self::ServerBusy,
            ConnectError::Status { .. } | ConnectError::NotAWebSocket { .. } => {
                Self::NotASaltyrtcServer
            }
            ConnectError::NoSubprotocol { .. } => Self::NoSubprotocol,
            ConnectError::UnknownHost { .. }
            | ConnectError::Refused { .. }
            | ConnectError::Unreachable { .. }
            | ConnectError::Interrupted { .. }
            | ConnectError::TimedOut { .. } => Self::ConnectFailed,
        }
    }
}

/// A text for C: ends at the first NUL, if a peer or the system put one there.
pub(super) fn c_text(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).expect("there is no NUL before the first NUL")
}

/// Does what an exported function is there for, and turns what comes of it into a status and an error.
///
/// A log callback must not come back into the library, which may hold locks while it logs.
pub(super) unsafe fn entry(
    error: *mut *mut saltyrtc_error,
    act: impl FnOnce() -> Outcome,
) -> saltyrtc_status {
    if !error.is_null() {
        *error = ptr::null_mut();
    }
    let outcome = if log::in_callback() {
        Err(CallError::new(
            saltyrtc_status::WouldDeadlock,
            "a log callback must not call the library",
        ))
    } else {
        let checked = move || fork::check().and_then(|()| act());
        catch_unwind(AssertUnwindSafe(checked)).unwrap_or_else(|panic| Err(panicked(&*panic)))
    };
    let Err(failure) = outcome else { return saltyrtc_status::Ok };
    if !error.is_null() {
        let message = c_text(&failure.text);
        *error = Box::into_raw(Box::new(saltyrtc_error { status: failure.status, message }));
    }
    failure.status
}

/// For functions that cannot say that they failed.
pub(super) fn silent_entry(act: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(act)) {
        panicked(&*panic);
    }
}

/// For functions that free what has threads or sockets. In a child these are the parent's, so it stays.
pub(super) fn owner_entry(act: impl FnOnce()) {
    if !fork::forked() {
        silent_entry(act);
    }
}

/// Logs a panic and makes an error of it.
fn panicked(panic: &(dyn Any + Send)) -> CallError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text");
    tracing::error!(text, "a bug in the library");
    CallError::new(
        saltyrtc_status::Panic,
        format!("a bug in the library, please report it: {text}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn a_panic_becomes_a_status_with_its_text() {
        let mut error = ptr::null_mut();
        let status = unsafe { entry(&mut error, || panic!("number {}", 17)) };
        assert_eq!(status, saltyrtc_status::Panic);
        let text = unsafe { CStr::from_ptr(saltyrtc_error_message(error)) }.to_str().unwrap();
        assert!(text.contains("number 17"), "{text}");
        assert_eq!(unsafe { saltyrtc_error_status(error) }, saltyrtc_status::Panic);
        unsafe { saltyrtc_error_free(error) };
        // Without anywhere to put the text, and without anything to say.
        assert_eq!(
            unsafe { entry(ptr::null_mut(), || std::panic::panic_any(1)) },
            saltyrtc_status::Panic
        );
        silent_entry(|| panic!("nobody learns of this"));
    }

    #[test]
    fn success_resets_the_error() {
        let mut error = ptr::NonNull::dangling().as_ptr();
        assert_eq!(unsafe { entry(&mut error, || Ok(())) }, saltyrtc_status::Ok);
        assert!(error.is_null());
        assert_eq!(unsafe { saltyrtc_error_status(error) }, saltyrtc_status::Ok);
    }

    #[test]
    fn a_text_ends_at_the_first_nul() {
        assert_eq!(c_text("a\0b").as_bytes(), b"a");
    }
}
