//! What the peer says of the connection: offers, answers and candidates, or the parameters of ORTC. It may begin anew
//! with them, and has to wait if it does so again and again.

use std::time::Instant;

use super::{Engine, Item, Peer};
use crate::client::engine::session::Signal;
use crate::rtc::connection::DescriptionError;
use crate::task::ConnectionProblem;
use crate::task::ortc::OrtcMessage;
use crate::task::webrtc::{SdpType, SessionDescription};

/// The most messages that wait for a peer to be allowed to begin anew.
const MAX_HELD: usize = 64;

impl Engine {
    /// Goes on with what had to wait, if the time has come.
    pub(super) fn take_held(&mut self, now: Instant) {
        let ready = |peer: &&mut Peer| !peer.held.is_empty() && peer.beginnings.wait(now).is_none();
        let Some(peer) = self.peer.as_mut().filter(ready) else { return };
        for item in std::mem::take(&mut peer.held) {
            self.handle_in_order(now, item);
        }
    }

    /// Does what the state machine of the client tells, or lets it wait behind what waits.
    pub(super) fn handle_in_order(&mut self, now: Instant, item: Item) {
        let waits = match &item {
            Item::Offer(_) | Item::Answer(_) | Item::Candidates(_) | Item::Ortc(_) => true,
            Item::Start { .. } | Item::Stop => false,
        };
        match &mut self.peer {
            Some(peer) if waits && !peer.held.is_empty() => self.hold(item),
            _ => self.handle(now, item),
        }
    }

    /// Whether the peer may begin anew. If not, what it sent is to be held.
    fn may_begin(&mut self, now: Instant) -> bool {
        let Some(peer) = &mut self.peer else { return false };
        let allowed = peer.session.is_none() || peer.beginnings.wait(now).is_none();
        if allowed && peer.session.is_some() {
            peer.beginnings.count(now);
        }
        allowed
    }

    pub(super) fn offer(&mut self, now: Instant, description: &SessionDescription) {
        let (SdpType::Offer, Some(sdp)) = (description.kind(), description.sdp()) else {
            return self.problem(ConnectionProblem::Description(
                "the peer took an offer back, which is not supported".into(),
            ));
        };
        if self.peer.as_ref().is_some_and(|peer| peer.session.is_none()) {
            self.begin(now);
        }
        let Some(peer) = &mut self.peer else { return };
        let Some(session) = &mut peer.session else { return };
        if let Err(error) = session.connection.check_offer(sdp) {
            return session.refuse_description(now, Some(SdpType::Offer), &error);
        }
        if session.connection.state().is_end() {
            if !self.may_begin(now) {
                return self.hold(Item::Offer(description.clone()));
            }
            self.begin(now);
        }
        match self.try_offer(now, sdp) {
            // The peer has begun anew, which it can as long as nothing depends on the connection.
            Some(DescriptionError::OtherAssociation) if self.can_be_replaced() => {
                if !self.may_begin(now) {
                    return self.hold(Item::Offer(description.clone()));
                }
                self.begin(now);
                if let Some(error) = self.try_offer(now, sdp) {
                    self.refuse(now, Some(SdpType::Offer), &error);
                }
            }
            Some(error) => self.refuse(now, Some(SdpType::Offer), &error),
            None => {}
        }
    }

    /// A message of the ORTC task.
    pub(super) fn parameters(&mut self, now: Instant, message: &OrtcMessage) {
        let session = self.peer.as_ref().and_then(|peer| peer.session.as_ref());
        let over = session.is_none_or(|session| session.connection.state().is_end());
        // The peer begins anew.
        if let (OrtcMessage::IceParameters(_), true) = (message, over) {
            if !self.may_begin(now) {
                return self.hold(Item::Ortc(message.clone()));
            }
            self.begin(now);
        }
        let error = match self.try_parameters(now, message) {
            // The peer has begun anew, which it can as long as nothing depends on the connection.
            Some(DescriptionError::OtherAssociation) if self.can_be_replaced() => {
                if !self.may_begin(now) {
                    return self.hold(Item::Ortc(message.clone()));
                }
                self.begin_knowing(now, true);
                self.try_parameters(now, message)
            }
            error => error,
        };
        if let Some(error) = error {
            self.refuse(now, None, &error);
        }
    }

    fn can_be_replaced(&self) -> bool {
        self.peer.as_ref().is_some_and(|peer| !peer.handed_over)
    }

    /// A description of the peer cannot be used.
    fn refuse(&mut self, now: Instant, kind: Option<SdpType>, error: &DescriptionError) {
        if let Some(session) = self.peer.as_mut().and_then(|peer| peer.session.as_mut()) {
            session.refuse_description(now, kind, error);
        }
    }

    /// Keeps what the peer sent until it may begin anew. The latest offer is the one that counts.
    fn hold(&mut self, item: Item) {
        let Some(peer) = &mut self.peer else { return };
        if let Item::Offer(_) = item {
            peer.held.clear();
        }
        if peer.held.len() < MAX_HELD {
            peer.held.push_back(item);
        }
    }

    fn try_parameters(&mut self, now: Instant, message: &OrtcMessage) -> Option<DescriptionError> {
        let session = self.peer.as_mut()?.session.as_mut()?;
        let answer = match message {
            OrtcMessage::IceCandidates(candidates) => {
                session.connection.handle_ice_candidates(now, candidates).map(|()| None)
            }
            message => session.connection.handle_parameters(now, message),
        };
        match answer {
            Ok(answer) => {
                session.signals.extend(answer.map(Signal::Ortc));
                None
            }
            Err(error) => Some(error),
        }
    }

    fn try_offer(&mut self, now: Instant, sdp: &str) -> Option<DescriptionError> {
        let session = self.peer.as_mut()?.session.as_mut()?;
        match session.connection.handle_offer(now, sdp) {
            Ok(answer) => {
                session.signals.push_back(Signal::Answer(answer));
                None
            }
            Err(error) => Some(error),
        }
    }

    pub(super) fn answer(&mut self, now: Instant, description: &SessionDescription) {
        let Some(session) = self.peer.as_mut().and_then(|peer| peer.session.as_mut()) else {
            return;
        };
        let (SdpType::Answer, Some(sdp)) = (description.kind(), description.sdp()) else {
            return session.problem(ConnectionProblem::Description(
                "the peer sent a provisional answer, which is not supported".into(),
            ));
        };
        if let Err(error) = session.connection.handle_answer(now, sdp) {
            session.refuse_description(now, Some(SdpType::Answer), &error);
        }
    }
}
