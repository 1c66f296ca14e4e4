//! The end of a client that has a connection to its peer: what it waits for before its good-bye, the
//! 'close' of the protocol, and after it.
//!
//! A peer ends with the good-bye, whatever else is on its way to it. So all else is delivered first.

use std::time::{Duration, Instant};

use crate::client::shared::CLOSE_TIMEOUT;

/// How long a client that is closing waits for the peer to take more of what was sent before. Then it says
/// good-bye nevertheless: or the peer would take it for lost.
const DELIVERY_PAUSE: Duration = Duration::from_secs(3);
/// The longest that it waits for the peer to take all of it.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest that it waits after the good-bye for the peer to close the channel of the signalling. Some
/// stacks drop messages that arrive just before a channel is closed, so the one who gets the good-bye
/// closes the channel.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest that everything after the good-bye takes: the driver of the client is to see the end of it.
const END_TIMEOUT: Duration = CLOSE_TIMEOUT.saturating_sub(Duration::from_secs(1));

/// What the peer has not got yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Undelivered {
    /// Messages that wait to be handed to the association.
    pub(super) queued: usize,
    /// Roughly, the parts of messages that the association has.
    pub(super) sent: usize,
}

impl Undelivered {
    pub(super) const fn is_nothing(self) -> bool {
        self.queued == 0 && self.sent == 0
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Goodbye {
    left: Option<Undelivered>,
    /// Until then for the peer to take more of what is left, and until then to take all.
    more_until: Instant,
    all_until: Instant,
    /// The good-bye may be said; until then for everything else.
    end: Option<Instant>,
    /// The peer is to close the channel of the signalling.
    wants_answer: bool,
    /// The good-bye was said; until then for that.
    answer_until: Option<Instant>,
    answered: bool,
}

impl Goodbye {
    /// This side closes. `wants_answer`: over the connection itself.
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

    /// The peer has closed, and takes nothing any more.
    pub(super) fn of_peer(now: Instant) -> Self {
        Self { end: Some(now + END_TIMEOUT), ..Self::ours(now, false) }
    }

    /// Whether the good-bye may be said, with so much that the peer has not got. Once it may, it may.
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

    /// The peer has closed the channel of the signalling.
    pub(super) fn answered(&mut self) {
        self.answered = true;
    }

    /// Whether to wait for the peer to close the channel, once the good-bye was said.
    pub(super) fn is_patient(&self, now: Instant) -> bool {
        !self.answered && self.answer_until.is_some_and(|until| now < until)
    }

    /// Whether there is nothing more to wait for, with so much that the peer has not got.
    pub(super) fn is_over(&self, now: Instant, left: Undelivered) -> bool {
        // The peer, which ends too, may not be there any more to say that it has ended.
        let parted = self.answered && self.answer_until.is_some() && left.is_nothing();
        parted || self.end.is_some_and(|end| now >= end)
    }

    /// When there is something to be done.
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
