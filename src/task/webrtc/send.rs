//! Sending what the application's `RTCPeerConnection` has for that of the peer.

use std::time::Instant;

use super::{Candidate, Candidates, NAME, NAME_V0, SdpType, SessionDescription, WebRtcMessage};
use crate::protocol::Role;
use crate::protocol::client::{Client, SendFailure};

/// Sends an offer, made with `createOffer`, to the responder. `description` is of the type
/// [`Offer`](SdpType::Offer), or [`Rollback`](SdpType::Rollback) to take an offer back.
///
/// # Errors
///
/// [`SendFailure::OtherTask`] if it is not a WebRTC task that runs, [`SendFailure::OtherRole`] if
/// `client` is a responder, [`SendFailure::OtherDescription`] for another type, and those of every
/// message: no peer, closed, too large, queue full.
pub fn send_offer(
    client: &mut Client,
    description: &SessionDescription,
) -> Result<(), SendFailure> {
    need_webrtc(client)?;
    // Spec: W-058 ('offer' Message)
    if client.role() != Role::Initiator {
        return Err(SendFailure::OtherRole);
    }
    match description.kind() {
        // Spec: W-059 ('offer' Message)
        SdpType::Offer | SdpType::Rollback => {
            client.send(&WebRtcMessage::Offer(description.clone()).serialise())
        }
        other => Err(SendFailure::OtherDescription(other)),
    }
}

/// Sends an answer, made with `createAnswer`, to the initiator. `description` is of the type
/// [`Answer`](SdpType::Answer), [`PrAnswer`](SdpType::PrAnswer) or [`Rollback`](SdpType::Rollback).
///
/// # Errors
///
/// As [`send_offer`], with [`SendFailure::OtherRole`] if `client` is an initiator.
pub fn send_answer(
    client: &mut Client,
    description: &SessionDescription,
) -> Result<(), SendFailure> {
    need_webrtc(client)?;
    // Spec: W-067 ('answer' Message)
    if client.role() != Role::Responder {
        return Err(SendFailure::OtherRole);
    }
    match description.kind() {
        SdpType::Answer | SdpType::PrAnswer | SdpType::Rollback => {
            client.send(&WebRtcMessage::Answer(description.clone()).serialise())
        }
        other => Err(SendFailure::OtherDescription(other)),
    }
}

/// Sends ICE candidates to the peer. They may wait up to 10 ms for more, with which they become one
/// message, but nothing that is sent later overtakes them. `None` says that there are no more.
///
/// # Errors
///
/// [`SendFailure::OtherTask`] if it is not a WebRTC task that runs, [`SendFailure::CandidateCount`] for
/// none and for more than 1024 candidates, and those of every message: no peer, closed, too large,
/// queue full. None of the candidates is sent then.
// Spec: W-075 ('candidates' Message)
pub fn send_candidates(
    client: &mut Client,
    now: Instant,
    candidates: &[Option<Candidate>],
) -> Result<(), SendFailure> {
    need_webrtc(client)?;
    if !(1..=Candidates::MAX).contains(&candidates.len()) {
        return Err(SendFailure::CandidateCount(candidates.len()));
    }
    let items: Vec<_> = candidates.iter().map(Candidates::item).collect();
    // Spec: W-076 ('candidates' Message)
    client.send_bundled(now, Candidates::MESSAGE, Candidates::MESSAGE, &items)
}

/// That there is a session at all is for the call after this one to find out.
fn need_webrtc(client: &Client) -> Result<(), SendFailure> {
    match client.task() {
        None | Some(NAME | NAME_V0) => Ok(()),
        Some(running) => Err(SendFailure::OtherTask { running: running.to_owned() }),
    }
}
