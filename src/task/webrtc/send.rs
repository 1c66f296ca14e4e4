//! Sending what the application's `RTCPeerConnection` has for that of the peer.

use std::fmt;
use std::time::Instant;

use super::message::{Candidate, Candidates, SdpType, SessionDescription, WebRtcMessage};
use super::names::{NAME, NAME_V0};
use crate::protocol::client::{Client, SendFailure};
use crate::protocol::{Role, TaskOutput};

/// Why something of WebRTC could not be sent. Nothing was sent, and nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebRtcSendFailure {
    /// Something that can be wrong with any message.
    Message(SendFailure),
    /// The call is for the other role.
    OtherRole,
    /// A session description of this type belongs into another message.
    OtherDescription(SdpType),
    /// A message cannot have this many candidates.
    CandidateCount(usize),
}

impl fmt::Display for WebRtcSendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(failure) => failure.fmt(f),
            Self::OtherRole => f.write_str(
                "this is for the other role: only an initiator sends offers, and only a responder \
                 sends answers",
            ),
            Self::OtherDescription(kind) => write!(
                f,
                "a session description of the type {kind:?} cannot be sent with this call: offers \
                 are sent as offers, answers as answers",
                kind = kind.name()
            ),
            Self::CandidateCount(count) => write!(
                f,
                "{count} candidates cannot be sent together: send 1 to {} at a time",
                Candidates::MAX
            ),
        }
    }
}

impl std::error::Error for WebRtcSendFailure {}

impl From<SendFailure> for WebRtcSendFailure {
    fn from(failure: SendFailure) -> Self {
        Self::Message(failure)
    }
}

/// Sends an offer, made with `createOffer`, to the responder. `description` is of the type
/// [`Offer`](SdpType::Offer), or [`Rollback`](SdpType::Rollback) to take an offer back.
///
/// # Errors
///
/// [`SendFailure::OtherTask`] if it is not a WebRTC task that runs, [`WebRtcSendFailure::OtherRole`] if
/// `client` is a responder, [`WebRtcSendFailure::OtherDescription`] for another type, and those of every
/// message: no peer, closed, too large, queue full.
pub fn send_offer(
    client: &mut Client<impl TaskOutput>,
    description: &SessionDescription,
) -> Result<(), WebRtcSendFailure> {
    need_webrtc(client)?;
    // Spec: W-058 ('offer' Message)
    if client.role() != Role::Initiator {
        return Err(WebRtcSendFailure::OtherRole);
    }
    match description.kind() {
        // Spec: W-059 ('offer' Message)
        SdpType::Offer | SdpType::Rollback => {
            Ok(client.send_signalling(&WebRtcMessage::Offer(description.clone()).serialise())?)
        }
        other => Err(WebRtcSendFailure::OtherDescription(other)),
    }
}

/// Sends an answer, made with `createAnswer`, to the initiator. `description` is of the type
/// [`Answer`](SdpType::Answer), [`PrAnswer`](SdpType::PrAnswer) or [`Rollback`](SdpType::Rollback).
///
/// # Errors
///
/// As [`send_offer`], with [`WebRtcSendFailure::OtherRole`] if `client` is an initiator.
pub fn send_answer(
    client: &mut Client<impl TaskOutput>,
    description: &SessionDescription,
) -> Result<(), WebRtcSendFailure> {
    need_webrtc(client)?;
    // Spec: W-067 ('answer' Message)
    if client.role() != Role::Responder {
        return Err(WebRtcSendFailure::OtherRole);
    }
    match description.kind() {
        SdpType::Answer | SdpType::PrAnswer | SdpType::Rollback => {
            Ok(client.send_signalling(&WebRtcMessage::Answer(description.clone()).serialise())?)
        }
        other => Err(WebRtcSendFailure::OtherDescription(other)),
    }
}

/// Sends ICE candidates to the peer. They may wait up to 10 ms for more, with which they become one
/// message, but nothing that is sent later overtakes them. `None` says that there are no more.
///
/// # Errors
///
/// [`SendFailure::OtherTask`] if it is not a WebRTC task that runs, [`WebRtcSendFailure::CandidateCount`] for
/// none and for more than 1024 candidates, and those of every message: no peer, closed, too large,
/// queue full. None of the candidates is sent then.
// Spec: W-075 ('candidates' Message)
pub fn send_candidates(
    client: &mut Client<impl TaskOutput>,
    now: Instant,
    candidates: &[Option<Candidate>],
) -> Result<(), WebRtcSendFailure> {
    need_webrtc(client)?;
    if !(1..=Candidates::MAX).contains(&candidates.len()) {
        return Err(WebRtcSendFailure::CandidateCount(candidates.len()));
    }
    let items: Vec<_> = candidates.iter().map(Candidates::item).collect();
    // Spec: W-076 ('candidates' Message)
    Ok(client.send_bundled(now, Candidates::MESSAGE, Candidates::MESSAGE, &items)?)
}

/// Whether there is a peer at all is checked by the call that follows.
fn need_webrtc(client: &Client<impl TaskOutput>) -> Result<(), SendFailure> {
    match client.task() {
        None | Some(NAME | NAME_V0) => Ok(()),
        Some(running) => Err(SendFailure::OtherTask { running: running.to_owned() }),
    }
}
