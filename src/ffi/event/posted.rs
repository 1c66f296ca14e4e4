//! Events that are of no client: what else can be posted onto a queue.

use super::saltyrtc_event_kind;
use super::values::saltyrtc_log_level;
use crate::ffi::status::saltyrtc_status;

/// What an event on a queue is about, if it is not about a client.
#[derive(Debug)]
pub(in crate::ffi) enum Posted {
    /// A log message.
    Log {
        level: saltyrtc_log_level,
        /// The part of the library that logs.
        target: &'static str,
        text: String,
        /// How many before it were dropped, because too many waited.
        dropped: u64,
    },
    /// A server that was asked to stop.
    #[cfg_attr(not(feature = "server"), allow(dead_code, reason = "there are none"))]
    ServerStopped {
        /// Whether it has, in time.
        status: saltyrtc_status,
    },
}

impl super::owned::Fields {
    pub(super) fn set_posted(&mut self, posted: &Posted) {
        let Self { flat, texts, .. } = self;
        flat.kind = match posted {
            Posted::Log { level, target, text, dropped } => {
                flat.log_level = *level;
                (flat.log_target, _) = texts.add(target);
                (flat.text, flat.text_len) = texts.add(text);
                flat.dropped = *dropped;
                saltyrtc_event_kind::Log
            }
            Posted::ServerStopped { status } => {
                flat.status = *status;
                saltyrtc_event_kind::ServerStopped
            }
        };
    }
}
