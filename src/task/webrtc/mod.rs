//! The WebRTC task: two peers set up an `RTCPeerConnection` by way of the signalling, and hand the
//! signalling over to one of its data channels (Task-WebRTC).
//!
//! This is the part that does not depend on which WebRTC implementation there is: it brings the offers, answers
//! and candidates of the connection to the peer ([`send_offer`], [`send_answer`], [`send_candidates`])
//! and those of the peer to the application ([`TaskEvent`]).

mod data;
mod message;
mod names;
mod send;
#[cfg(test)]
mod tests;

use std::fmt;

pub use message::{Candidate, Candidates, SdpType, SessionDescription, WebRtcMessage};
pub use names::{NAME, NAME_V0, SIGNALLING_LABEL};
pub use send::{WebRtcSendFailure, send_answer, send_candidates, send_offer};

pub use super::signalling_channel::Options;
use super::signalling_channel::{ChannelIdError, ExcludedIds, NoChannel};
use super::{ChannelFraming, SignallingChannel, Task, TaskEvent};
use crate::protocol::TaskError;
use crate::protocol::message::{TaskData, TaskMessage};
use crate::protocol::{BROWSER_MAX_MESSAGE_SIZE, Role, SUBPROTOCOL};
use data::WebRtcTaskData;

/// Why a WebRTC task cannot have these options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionsError {
    /// 65535, the one number of 16 bits that is not the id of a data channel, is excluded.
    ChannelId,
    /// A packet of this many bytes has no room for data behind the header of a chunk.
    PacketSize(u32),
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChannelId => ChannelIdError.fmt(f),
            Self::PacketSize(size) => write!(
                f,
                "a largest packet size of {size} bytes has no room for data: use at least {} \
                 bytes, or 0 for messages that are not chunked",
                WebRtc::MIN_PACKET_SIZE
            ),
        }
    }
}

impl std::error::Error for OptionsError {}

/// The WebRTC task.
///
/// Version 1 is the current one. Version 0 is for old peers: offer it after version 1, and it is chosen
/// only with a peer that does not know version 1. To the application they are alike, except that in version 0
/// `max_packet_size` limits the chunks of the signalling channel.
#[derive(Debug, Clone)]
pub struct WebRtc {
    own: WebRtcTaskData,
    negotiated: Option<Negotiated>,
}

/// What is known once the task was started.
#[derive(Debug, Clone, Copy)]
struct Negotiated {
    role: Role,
    channel: Result<SignallingChannel, NoChannel>,
}

impl WebRtc {
    /// The smallest packet size of version 0, in bytes: the header of a chunk and one byte of data.
    pub const MIN_PACKET_SIZE: u32 = 10;

    /// The most bytes in a chunk of the signalling channel, whatever the transport takes: what
    /// browsers and the JavaScript implementation can receive.
    const MAX_CHUNK_SIZE: usize = BROWSER_MAX_MESSAGE_SIZE;

    /// Version 1 of the task.
    ///
    /// # Errors
    ///
    /// If 65535 is excluded.
    pub fn v1(options: Options) -> Result<Self, OptionsError> {
        Self::new(options, None)
    }

    /// Version 0 of the task. `max_packet_size` is the most bytes that a chunk on the signalling channel
    /// may have: the smaller one of the two clients' counts. 0 is for no limit; if both clients say so,
    /// messages are not chunked.
    ///
    /// # Errors
    ///
    /// If 65535 is excluded, or `max_packet_size` is 1 to 9 bytes.
    pub fn v0(options: Options, max_packet_size: u32) -> Result<Self, OptionsError> {
        if !Self::is_packet_size(max_packet_size) {
            return Err(OptionsError::PacketSize(max_packet_size));
        }
        Self::new(options, Some(max_packet_size))
    }

    fn new(options: Options, max_packet_size: Option<u32>) -> Result<Self, OptionsError> {
        let Options { exclude, handover } = options;
        let exclude =
            ExcludedIds::new(exclude).map_err(|ChannelIdError| OptionsError::ChannelId)?;
        // Spec: W-009 (Task Data / Outgoing)
        Ok(Self { own: WebRtcTaskData { exclude, handover, max_packet_size }, negotiated: None })
    }

    fn is_packet_size(size: u32) -> bool {
        size == 0 || size >= Self::MIN_PACKET_SIZE
    }

    fn is_v0(&self) -> bool {
        self.own.max_packet_size.is_some()
    }

    /// Reads what the peer's task said in 'auth'.
    fn read(&self, peer_data: &TaskData) -> Result<WebRtcTaskData, TaskError> {
        // Spec: W-004 (Task Data)
        let theirs = WebRtcTaskData::parse(peer_data, self.is_v0()).map_err(|error| {
            TaskError::new(format_args!("the data of its WebRTC task is wrong: {error}"))
        })?;
        match theirs.max_packet_size {
            Some(size) if !Self::is_packet_size(size) => Err(TaskError::new(format_args!(
                "its WebRTC task wants packets of at most {size} bytes"
            ))),
            _ => Ok(theirs),
        }
    }

    fn negotiate(&self, theirs: &WebRtcTaskData) -> Result<SignallingChannel, NoChannel> {
        // Spec: W-013 (Task Data / Incoming)
        let both = self.own.handover && theirs.handover;
        let id = self.own.exclude.agree(&theirs.exclude, both)?;
        let framing = match (self.is_v0(), self.own.packet_size(theirs)) {
            (false, _) => ChannelFraming::Chunks { max: Self::MAX_CHUNK_SIZE },
            (true, 0) => ChannelFraming::Whole,
            (true, size) => {
                ChannelFraming::Chunks { max: (size as usize).min(Self::MAX_CHUNK_SIZE) }
            }
        };
        // Spec: W-025 (Signalling Channel Handover)
        Ok(SignallingChannel { id, label: SIGNALLING_LABEL, protocol: SUBPROTOCOL, framing })
    }
}

impl Task<TaskEvent> for WebRtc {
    fn name(&self) -> &str {
        if self.is_v0() { NAME_V0 } else { NAME }
    }

    fn data(&self) -> TaskData {
        self.own.to_data()
    }

    fn check(&self, peer_data: &TaskData) -> Result<(), TaskError> {
        self.read(peer_data).map(drop)
    }

    fn start(&mut self, role: Role, peer_data: &TaskData) -> Result<(), TaskError> {
        self.negotiated = None;
        let theirs = self.read(peer_data)?;
        self.negotiated = Some(Negotiated { role, channel: self.negotiate(&theirs) });
        Ok(())
    }

    fn has_free_messages(&self) -> bool {
        false
    }

    fn handle_message(&mut self, message: TaskMessage) -> Result<Option<TaskEvent>, TaskError> {
        let Some(negotiated) = &self.negotiated else {
            return Err(TaskError::new("a message came before the WebRTC task was started"));
        };
        match (message.kind(), negotiated.role, negotiated.channel) {
            ("offer", Role::Initiator, _) => {
                return Err(TaskError::new("a responder may not send an offer"));
            }
            ("answer", Role::Responder, _) => {
                return Err(TaskError::new("an initiator may not send an answer"));
            }
            // Spec: W-091 ('handover' Message)
            ("handover", _, Err(reason)) => return Err(reason.handover_is_wrong()),
            _ => {}
        }
        let message = WebRtcMessage::from_fields(message.fields());
        Ok(Some(match message.map_err(TaskError::new)? {
            // Spec: W-065 ('offer' Message)
            WebRtcMessage::Offer(description) => TaskEvent::Offer(description),
            // Spec: W-073 ('answer' Message)
            WebRtcMessage::Answer(description) => TaskEvent::Answer(description),
            // Spec: W-085 ('candidates' Message)
            WebRtcMessage::Candidates(candidates) => TaskEvent::Candidates(candidates.into_inner()),
        }))
    }

    fn signalling_channel(&self) -> Option<SignallingChannel> {
        self.negotiated.as_ref()?.channel.ok()
    }

    fn stop(&mut self) {
        self.negotiated = None;
    }
}
