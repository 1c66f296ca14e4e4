//! Sending what the application's ORTC objects have for those of the peer.

use std::fmt;
use std::time::Instant;

use super::message::{CANDIDATES, ICE_CANDIDATES, OrtcMessage};
use super::names::{HANDOVER_LABEL, NAME};
use crate::protocol::TaskOutput;
use crate::protocol::client::{Client, SendFailure};

/// Why something of ORTC could not be sent. Nothing was sent, and nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrtcSendFailure {
    /// Something that can be wrong with any message.
    Message(SendFailure),
    /// The label is reserved for what belongs to the handover.
    ReservedLabel,
    /// The list in the message has this many items, and may not have so few or so many.
    Count(usize),
}

impl fmt::Display for OrtcSendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(failure) => failure.fmt(f),
            Self::ReservedLabel => write!(
                f,
                "the label {HANDOVER_LABEL:?} is reserved for the transport of the signalling \
                 channel: use another one"
            ),
            Self::Count(count) => write!(
                f,
                "the list has {count} items: it needs at least one, but for RTP capabilities, and \
                 cannot have more than {}",
                OrtcMessage::MAX_ITEMS
            ),
        }
    }
}

impl std::error::Error for OrtcSendFailure {}

impl From<SendFailure> for OrtcSendFailure {
    fn from(failure: SendFailure) -> Self {
        Self::Message(failure)
    }
}

/// Sends a message to the peer. ICE candidates may wait up to 10 ms for more, with which they become one message,
/// but nothing that is sent later overtakes them.
///
/// # Errors
///
/// [`SendFailure::OtherTask`] if it is not the ORTC task that runs, [`OrtcSendFailure::ReservedLabel`] for the label
/// `handover`, [`OrtcSendFailure::Count`] for too few or too many items in a list, and those of every message: no
/// peer, closed, too large, queue full.
pub fn send(
    client: &mut Client<impl TaskOutput>,
    now: Instant,
    message: &OrtcMessage,
) -> Result<(), OrtcSendFailure> {
    // Spec: O-107 ('sctp-capabilities' Message)
    if message.labels().contains(&Some(HANDOVER_LABEL)) {
        return Err(OrtcSendFailure::ReservedLabel);
    }
    send_any(client, now, message)
}

/// Sends a message that is for a transport which the application makes for the signalling channel alone: with the
/// label `handover`, whatever label it has.
///
/// # Errors
///
/// As [`send`], and [`SendFailure::NoHandover`] if the two clients did not agree on a handover.
pub fn send_for_handover(
    client: &mut Client<impl TaskOutput>,
    now: Instant,
    mut message: OrtcMessage,
) -> Result<(), OrtcSendFailure> {
    need_ortc(client)?;
    // Spec: O-030 O-031 (Signalling Channel Handover)
    client.signalling_channel()?;
    // Spec: O-032 (Signalling Channel Handover)
    message.labels_mut().into_iter().for_each(|label| *label = Some(HANDOVER_LABEL.into()));
    send_any(client, now, &message)
}

fn send_any(
    client: &mut Client<impl TaskOutput>,
    now: Instant,
    message: &OrtcMessage,
) -> Result<(), OrtcSendFailure> {
    need_ortc(client)?;
    let (count, least) = match message {
        OrtcMessage::IceCandidates(candidates) => (candidates.len(), 1),
        OrtcMessage::DtlsParameters(parameters) => (parameters.value.fingerprints.len(), 1),
        OrtcMessage::RtpCapabilities(capabilities) => (capabilities.len(), 0),
        _ => (1, 1),
    };
    if !(least..=OrtcMessage::MAX_ITEMS).contains(&count) {
        return Err(OrtcSendFailure::Count(count));
    }
    match message.candidates() {
        // Spec: O-074 ('ice-candidates' Message)
        Some(items) => client.send_bundled(now, ICE_CANDIDATES, CANDIDATES, &items)?,
        None => client.send_signalling(&message.serialise())?,
    }
    Ok(())
}

/// Whether there is a peer at all is checked by the call that follows.
fn need_ortc(client: &Client<impl TaskOutput>) -> Result<(), SendFailure> {
    match client.task() {
        None | Some(NAME) => Ok(()),
        Some(running) => Err(SendFailure::OtherTask { running: running.to_owned() }),
    }
}
