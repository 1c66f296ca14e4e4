//! When a client that closes may say good-bye to its peer over the built-in WebRTC, and how long it then
//! waits for the connection to end. The good-bye is the 'close' message of the protocol.
//!
//! A peer that gets 'close' ends at once and reads nothing more, so all other messages have to arrive
//! first. SCTP orders messages within a channel only, and 'close' is on a channel of its own: that is why
//! it is held back here until the peer has acknowledged everything else.

use std::time::{Duration, Instant};

use crate::client::shared::CLOSE_TIMEOUT;

/// How long a client that is closing waits while the peer takes nothing of what was sent before. After
/// that it says good-bye all the same, so that the peer learns of an orderly end and not of a lost
/// connection.
const DELIVERY_PAUSE: Duration = Duration::from_secs(3);
/// The longest that it waits for the peer to take all of it, however steadily the peer goes on.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest that it waits after the good-bye for the peer to close the signalling channel. Some WebRTC
/// stacks drop messages that arrive just before their channel is closed, the good-bye for example; so the
/// side that receives the good-bye closes the channel, and not the side that sends it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest that everything after the good-bye may take. Shorter than the time that the driver of the
/// WebSocket allows for closing, so that the driver sees this come to its end.
const END_TIMEOUT: Duration = CLOSE_TIMEOUT.saturating_sub(Duration::from_secs(1));

/// What was sent and the peer has not acknowledged yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Undelivered {
    /// Messages that wait to be handed to the association.
    pub(super) queued: usize,
    /// How many parts of messages the association has sent or is about to send; an estimate.
    pub(super) sent: usize,
}

impl Undelivered {
    pub(super) const fn is_nothing(self) -> bool {
        self.queued == 0 && self.sent == 0
    }
}

/// The state of a good-bye; the module says what it is about. All times are deadlines.
#[derive(Debug)]
pub(super) struct Goodbye {
    /// What was undelivered when this was last asked, to notice progress.
    left: Option<Undelivered>,
    /// When the peer must have taken something more. Moved on with each progress.
    more_until: Instant,
    /// When the peer must have taken everything.
    all_until: Instant,
    /// When everything has to be over. `None` until the good-bye may be said.
    end: Option<Instant>,
    /// Whether the peer is expected to close the signalling channel in answer to the good-bye.
    wants_answer: bool,
    /// When the peer must have answered. `None` until the good-bye was said, or without an answer to wait
    /// for.
    answer_until: Option<Instant>,
    /// The peer has closed the signalling channel.
    answered: bool,
}

impl Goodbye {
    /// This side closes. `wants_answer` says that the good-bye goes over the connection itself, so that
    /// the peer answers it by closing the signalling channel.
    pub(super) fn ours(now: Instant, wants_answer: bool) -> Self {
        Self {
            left: None,
            more_until: now + DELIVERY_PAUSE,
            all_until: now + DELIVERY_TIMEOUT,
            end: None,
            wants_answer,
            answer_until: None,
            answered: false,
        }
    }

    /// The peer has said good-bye. It takes nothing more, so there is nothing to deliver first.
    pub(super) fn of_peer(now: Instant) -> Self {
        Self { end: Some(now + END_TIMEOUT), ..Self::ours(now, false) }
    }

    /// Whether the good-bye may be said now that `left` is undelivered. Once the answer was yes it stays
    /// yes, because from then on what is undelivered is the good-bye itself.
    pub(super) fn may_be_said(&mut self, now: Instant, left: Undelivered) -> bool {
        if self.end.is_none() {
            if self.left != Some(left) && self.left.replace(left).is_some() {
                self.more_until = now + DELIVERY_PAUSE;
            }
            if left.is_nothing() || now >= self.more_until.min(self.all_until) {
                self.end = Some(now + END_TIMEOUT);
            }
        }
        self.end.is_some()
    }

    /// The good-bye was said.
    pub(super) fn said(&mut self, now: Instant) {
        if self.wants_answer {
            self.answer_until.get_or_insert(now + ANSWER_TIMEOUT);
        }
    }

    /// The peer has closed the signalling channel.
    pub(super) fn answered(&mut self) {
        self.answered = true;
    }

    /// Whether the good-bye was said and there is still time for the peer to close the channel.
    pub(super) fn is_patient(&self, now: Instant) -> bool {
        !self.answered && self.answer_until.is_some_and(|until| now < until)
    }

    /// Whether there is nothing more to wait for now that `left` is undelivered.
    pub(super) fn is_over(&self, now: Instant, left: Undelivered) -> bool {
        // Without waiting for the end of the association: the peer ends as well, and may be gone before
        // it confirms that.
        let parted = self.answered && self.answer_until.is_some() && left.is_nothing();
        parted || self.end.is_some_and(|end| now >= end)
    }

    /// When to look again if nothing else happens.
    pub(super) fn next(&self, now: Instant) -> Instant {
        match (self.end, self.answer_until) {
            (None, _) => self.more_until.min(self.all_until),
            (Some(_), Some(until)) if until > now => until,
            (Some(end), _) => end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Undelivered = Undelivered { queued: 0, sent: 0 };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn left(queued: usize, sent: usize) -> Undelivered {
        Undelivered { queued, sent }
    }

    #[test]
    fn with_nothing_to_deliver_it_is_said_at_once() {
        let now = Instant::now();
        assert!(Goodbye::ours(now, true).may_be_said(now, NOTHING));
        // To a peer that takes nothing any more there is nothing to deliver.
        assert!(Goodbye::of_peer(now).may_be_said(now, left(5, 5)));
    }

    #[test]
    fn it_waits_as_long_as_the_peer_takes_more() {
        let mut now = Instant::now();
        let mut goodbye = Goodbye::ours(now, true);
        // First the queue gets shorter, then what is in the association.
        for state in [left(2, 9), left(1, 9), left(0, 9), left(0, 5), left(0, 1)] {
            assert!(!goodbye.may_be_said(now, state));
            now += seconds(2);
            assert!(!goodbye.may_be_said(now, state));
            assert!(goodbye.next(now) > now);
        }
        assert!(goodbye.may_be_said(now, NOTHING));
        assert!(goodbye.may_be_said(now, left(0, 1)), "that is the good-bye itself");
    }

    #[test]
    fn it_is_said_to_a_peer_that_takes_no_more() {
        let mut now = Instant::now();
        let mut goodbye = Goodbye::ours(now, true);
        assert!(!goodbye.may_be_said(now, left(1, 2)));
        now += seconds(1);
        assert!(!goodbye.may_be_said(now, left(1, 1)));
        now = goodbye.next(now);
        assert!(goodbye.may_be_said(now, left(1, 1)));
        assert!(!goodbye.is_over(now, left(1, 2)), "there is time to deliver it");
        now = goodbye.next(now);
        assert!(goodbye.is_over(now, left(1, 2)));
    }

    #[test]
    fn it_is_said_after_a_minute_to_a_peer_that_takes_little() {
        let start = Instant::now();
        let mut goodbye = Goodbye::ours(start, true);
        for second in 0..60 {
            let now = start + seconds(second);
            assert!(!goodbye.may_be_said(now, left(1000 - second as usize, 1)));
        }
        assert!(goodbye.may_be_said(start + seconds(60), left(940, 1)));
    }

    /// However long it took to deliver the rest.
    #[test]
    fn the_peer_has_a_second_to_close_the_channel() {
        for (wait, answer) in [(0, true), (30, true), (0, false)] {
            let start = Instant::now();
            let mut goodbye = Goodbye::ours(start, true);
            goodbye.may_be_said(start, left(1, 1));
            let now = start + seconds(wait);
            assert!(goodbye.may_be_said(now, NOTHING));
            goodbye.said(now);
            assert!(goodbye.is_patient(now) && !goodbye.is_over(now, left(0, 1)));
            assert_eq!(goodbye.next(now), now + ANSWER_TIMEOUT);
            if answer {
                goodbye.answered();
                assert!(!goodbye.is_patient(now));
                assert!(!goodbye.is_over(now, left(0, 1)), "it has not got the good-bye");
                assert!(goodbye.is_over(now, NOTHING));
            } else {
                let now = now + ANSWER_TIMEOUT;
                goodbye.said(now);
                assert!(!goodbye.is_patient(now));
                assert!(!goodbye.is_over(now, NOTHING), "the association is to end properly");
                assert!(goodbye.is_over(goodbye.next(now), NOTHING));
            }
        }
    }
}
