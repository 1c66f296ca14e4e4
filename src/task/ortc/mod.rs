//! The ORTC task: two peers set up ICE, DTLS and SCTP transports by way of the signalling, and hand the signalling
//! over to a data channel (Task-ORTC). `docs/ortc.md` says how ambiguous places of it are understood.
//!
//! This is the part that does not depend on which ORTC implementation there is: it brings the parameters,
//! capabilities and candidates of the application's objects to the peer ([`send`]) and those of the peer to the
//! application ([`TaskEvent::Ortc`]).

mod data;
mod dtls;
mod ice;
mod message;
mod names;
mod read;
mod rtp;
mod sctp;
mod send;
#[cfg(test)]
mod tests;

pub use dtls::{DtlsFingerprint, DtlsParameters, DtlsRole};
pub use ice::{IceCandidate, IceCandidateType, IceParameters, IceProtocol, IceRole, IceTcpType};
pub use message::{Labelled, OrtcMessage};
pub use names::{HANDOVER_LABEL, NAME};
pub use rtp::{RtpCapabilities, RtpCodec, RtpHeaderExtension};
pub use sctp::{DataChannelParameters, SctpCapabilities};
pub use send::{OrtcSendFailure, send, send_for_handover};

pub use super::signalling_channel::{ChannelIdError, Options};
use super::signalling_channel::{ExcludedIds, NoChannel};
use super::{ChannelFraming, SignallingChannel, Task, TaskEvent};
use crate::protocol::message::{TaskData, TaskMessage};
use crate::protocol::{BROWSER_MAX_MESSAGE_SIZE, Role, SUBPROTOCOL, TaskError};
use data::OrtcTaskData;

/// The ORTC task.
#[derive(Debug, Clone)]
pub struct Ortc {
    own: OrtcTaskData,
    /// The signalling channel, once the task was started.
    channel: Option<Result<SignallingChannel, NoChannel>>,
}

impl Ortc {
    /// The task, with these options. Without [`Options::handover`] it tells the peer of no transport that the
    /// signalling could go over.
    ///
    /// # Errors
    ///
    /// If 65535 is excluded.
    pub fn new(options: Options) -> Result<Self, ChannelIdError> {
        let Options { exclude, handover } = options;
        let own = OrtcTaskData { exclude: ExcludedIds::new(exclude)?, sctp: handover };
        Ok(Self { own, channel: None })
    }

    fn negotiate(&self, theirs: &OrtcTaskData) -> Result<SignallingChannel, NoChannel> {
        // Spec: O-015 O-016 (Task Data / Incoming)
        let id = self.own.exclude.agree(&theirs.exclude, self.own.sctp && theirs.sctp)?;
        let framing = ChannelFraming::AsTransportTakes { max: BROWSER_MAX_MESSAGE_SIZE };
        // Spec: O-033 O-035 (Signalling Channel Handover)
        Ok(SignallingChannel { id, label: SUBPROTOCOL, protocol: SUBPROTOCOL, framing })
    }
}

/// Reads what the peer's task said in 'auth'.
fn read(peer_data: &TaskData) -> Result<OrtcTaskData, TaskError> {
    // Spec: O-004 (Task Data)
    OrtcTaskData::parse(peer_data).map_err(|error| {
        TaskError::new(format_args!("the data of its ORTC task is wrong: {error}"))
    })
}

impl Task<TaskEvent> for Ortc {
    fn name(&self) -> &str {
        NAME
    }

    fn data(&self) -> TaskData {
        self.own.to_data()
    }

    fn check(&self, peer_data: &TaskData) -> Result<(), TaskError> {
        read(peer_data).map(drop)
    }

    fn start(&mut self, _role: Role, peer_data: &TaskData) -> Result<(), TaskError> {
        self.channel = None;
        let theirs = read(peer_data)?;
        self.channel = Some(self.negotiate(&theirs));
        Ok(())
    }

    fn has_free_messages(&self) -> bool {
        false
    }

    fn handle_message(&mut self, message: TaskMessage) -> Result<Option<TaskEvent>, TaskError> {
        let Some(channel) = &self.channel else {
            return Err(TaskError::new("a message came before the ORTC task was started"));
        };
        if let ("handover", Err(reason)) = (message.kind(), channel) {
            return Err(reason.handover_is_wrong());
        }
        let message = OrtcMessage::from_fields(message.fields()).map_err(TaskError::new)?;
        Ok(Some(TaskEvent::Ortc(message)))
    }

    fn signalling_channel(&self) -> Option<SignallingChannel> {
        self.channel?.ok()
    }

    fn stop(&mut self) {
        self.channel = None;
    }
}
