//! Watches over the selected pair, so that a peer that has moved is followed within about a second.
//!
//! The crate `is` keeps to the best pair that ever worked, until it has not heard of the peer on it for 15
//! seconds. But a peer whose address has changed sends checks from the new one at once, and after the
//! handover it has no other way to tell. So while the selected pair is in doubt all pairs are checked
//! often; if only others answer, the selected one is worth nothing, and [`Watch::replacement`] says so.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A local and a remote address.
pub(super) type Pair = (SocketAddr, SocketAddr);

/// How often the consent of the peer is asked for while all is well.
pub(super) const CONSENT_INTERVAL: Duration = Duration::from_millis(2500);

/// How often all pairs are checked while the selected one is in doubt.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);

/// How long they are at most. After that it is not a peer that has moved, but a network that is down.
const PROBE_TIME: Duration = Duration::from_secs(3);

/// A check that is not answered for this long is a reason for doubt.
const PATIENCE: Duration = Duration::from_millis(500);

/// A pair that has not answered for this long is silent, if it was asked [`SILENT_CHECKS`] times.
const SILENCE: Duration = Duration::from_secs(1);
const SILENT_CHECKS: u32 = 3;

/// A pair counts as working for this long after an answer.
const FRESH: Duration = Duration::from_secs(3);

/// Pairs that are remembered. With more than that, those without a recent answer are forgotten.
const MAX_PAIRS: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Watch {
    pairs: HashMap<Pair, News>,
    selected: Option<Pair>,
    /// The checks of the selected pair since its last answer: when the first was sent, and how many.
    unanswered: Option<(Instant, u32)>,
    /// Since when the selected pair is in doubt.
    doubt: Option<Instant>,
}

#[derive(Debug, Default, Clone, Copy)]
struct News {
    answered: Option<Instant>,
    /// The peer has asked to use this pair.
    nominated: bool,
}

impl News {
    fn answered_within(&self, now: Instant, time: Duration) -> bool {
        self.answered.is_some_and(|at| at + time > now)
    }
}

impl Watch {
    /// Another pair is in use, or none.
    pub(super) fn select(&mut self, pair: Option<Pair>) {
        if self.selected != pair {
            (self.selected, self.unanswered, self.doubt) = (pair, None, None);
        }
    }

    /// When this pair was last answered.
    pub(super) fn answered(&self, pair: Pair) -> Option<Instant> {
        self.pairs.get(&pair)?.answered
    }

    /// A check was sent.
    pub(super) fn note_sent(&mut self, now: Instant, pair: Pair) {
        if self.selected == Some(pair) {
            let (first, count) = self.unanswered.unwrap_or((now, 0));
            self.unanswered = Some((first, count.saturating_add(1)));
        }
    }

    /// The peer has answered a check.
    pub(super) fn note_answer(&mut self, now: Instant, pair: Pair) {
        let Some(news) = self.news(now, pair) else { return };
        let was_fresh = news.answered_within(now, FRESH);
        news.answered = Some(now);
        let Some(selected) = self.selected else { return };
        if pair == selected {
            (self.unanswered, self.doubt) = (None, None);
        } else if !was_fresh && self.doubt.is_none() {
            // A new address of the peer: perhaps the only one that is left.
            let heard = self.answered(selected).is_some_and(|at| at + PROBE_INTERVAL > now);
            self.doubt = (!heard).then_some(now);
        }
    }

    /// A check of the peer has come. `nominated`: it wants to use this pair.
    pub(super) fn note_request(&mut self, now: Instant, pair: Pair, nominated: bool) {
        if nominated && let Some(news) = self.news(now, pair) {
            news.nominated = true;
        }
    }

    fn news(&mut self, now: Instant, pair: Pair) -> Option<&mut News> {
        if self.pairs.len() >= MAX_PAIRS && !self.pairs.contains_key(&pair) {
            let selected = self.selected;
            self.pairs.retain(|pair, news| {
                selected == Some(*pair) || news.answered_within(now, 2 * CONSENT_INTERVAL)
            });
            if self.pairs.len() >= MAX_PAIRS {
                return None;
            }
        }
        Some(self.pairs.entry(pair).or_default())
    }

    /// When to call [`Watch::interval`] next, if nothing happens. `round_trip`: of the selected pair.
    pub(super) fn poll_timeout(&self, round_trip: Option<Duration>) -> Option<Instant> {
        let (first, _) = self.unanswered.filter(|_| self.doubt.is_none())?;
        Some(first + PATIENCE.max(2 * round_trip.unwrap_or_default()))
    }

    /// How often to check now.
    pub(super) fn interval(&mut self, now: Instant, round_trip: Option<Duration>) -> Duration {
        if self.poll_timeout(round_trip).is_some_and(|at| at <= now) {
            self.doubt = Some(now);
        }
        match self.doubt {
            Some(doubt) if now < doubt + PROBE_TIME => PROBE_INTERVAL,
            _ => CONSENT_INTERVAL,
        }
    }

    /// The pair to use in place of the selected one, which is silent. `controlling`: this side decides;
    /// otherwise it is one that the peer wants to use.
    pub(super) fn replacement(
        &self,
        now: Instant,
        controlling: bool,
        round_trip: Option<Duration>,
    ) -> Option<Pair> {
        let (first, count) = self.unanswered?;
        let silence = SILENCE.max(2 * round_trip.unwrap_or_default() + PROBE_INTERVAL);
        if count < SILENT_CHECKS || now < first + silence {
            return None;
        }
        let works = |news: &News| {
            news.answered > Some(first)
                && news.answered_within(now, FRESH)
                && (controlling || news.nominated)
        };
        let others =
            self.pairs.iter().filter(|(pair, news)| self.selected != Some(**pair) && works(news));
        others.max_by_key(|(_, news)| news.answered).map(|(pair, _)| *pair)
    }

    /// Addresses of the peer, and then of this side, that have worked and do not any more, in favour of
    /// `replacement`. What is known of pairs with them is forgotten.
    pub(super) fn give_up(
        &mut self,
        replacement: Pair,
    ) -> (HashSet<SocketAddr>, Option<SocketAddr>) {
        let (Some(selected), Some((first, _))) = (self.selected, self.unanswered) else {
            return Default::default();
        };
        let silent = |news: &News| news.answered <= Some(first);
        let silent_at = |at: &dyn Fn(&Pair) -> bool| {
            self.pairs.iter().filter(|(pair, _)| at(pair)).all(|(_, news)| silent(news))
        };
        let mut remote: HashSet<_> = self.pairs.keys().map(|pair| pair.1).collect();
        remote.retain(|address| silent_at(&|pair| pair.1 == *address));
        let mut local = None;
        if !remote.contains(&selected.1) {
            if silent_at(&|pair| pair.0 == selected.0) || selected.1 == replacement.1 {
                local = Some(selected.0);
            } else {
                remote.insert(selected.1);
            }
        }
        self.pairs.retain(|pair, _| !remote.contains(&pair.1) && local != Some(pair.0));
        (self.unanswered, self.doubt) = (None, None);
        (remote, local)
    }
}
