//! Watches over the selected pair, so that a peer that has moved is followed within about a second.
//!
//! The crate `is` keeps to the best pair that ever worked, until it has not heard of the peer on it for 15
//! seconds. But a peer whose address has changed sends checks from the new one at once, and after the
//! handover it has no other way to tell. And a network can die while its address stays. So while the selected pair is
//! in doubt all pairs are checked often, and the peer that notices it does the same. If only others answer, the selected
//! one is given up: [`Watch::replacement`] names another.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A local and a remote address.
pub(super) type Pair = (SocketAddr, SocketAddr);

/// How often all pairs are checked while the selected one is in doubt.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);

/// How long they are at most. After that it is not a peer that has moved, but a network that is down.
const PROBE_TIME: Duration = Duration::from_secs(3);

/// A check that is not answered for this long is a reason for doubt, and so is data.
const PATIENCE: Duration = Duration::from_millis(500);

/// The peer may wait for so long with its answer to data, as it collects answers (RFC 9260 section 6.2).
const DATA_ANSWER: Duration = Duration::from_millis(200);

/// A pair that has not answered for this long is silent, if it was asked [`SILENT_CHECKS`] times. The last of these checks is
/// sent after 750 ms, and can be answered, too.
const SILENCE: Duration = Duration::from_millis(900);
const SILENT_CHECKS: u32 = 3;

/// So many checks of the peer that follow each other quickly say that it is in doubt.
const DOUBTFUL_REQUESTS: u32 = 3;

/// A pair counts as working for this long after an answer.
const FRESH: Duration = Duration::from_secs(3);

/// Pairs that are remembered. With more than that, those without a recent answer are forgotten.
const MAX_PAIRS: usize = 256;

#[derive(Debug)]
pub(super) struct Watch {
    /// How often the consent of the peer is asked for while all is well.
    consent_interval: Duration,
    pairs: HashMap<Pair, PairActivity>,
    selected: Option<Pair>,
    /// The checks of the selected pair since its last answer: when the first was sent, and how many.
    unanswered: Option<(Instant, u32)>,
    /// From when on the selected pair is in doubt, if it does not answer before.
    doubt: Option<Instant>,
    /// That time has come.
    probing: bool,
    /// When something last came over the selected pair, of whatever kind.
    heard: Option<Instant>,
    /// Since when nothing has come, while data was sent.
    unheard: Option<Instant>,
}

#[derive(Debug, Default, Clone, Copy)]
struct PairActivity {
    answered: Option<Instant>,
    /// The last check of the peer, and how many follow each other quickly.
    requested: Option<(Instant, u32)>,
    /// The peer has asked to use this pair.
    nominated: bool,
}

impl PairActivity {
    fn answered_within(&self, now: Instant, time: Duration) -> bool {
        self.answered.is_some_and(|at| at + time > now)
    }
}

impl Watch {
    pub(super) fn new(consent_interval: Duration) -> Self {
        Self {
            consent_interval,
            pairs: HashMap::new(),
            selected: None,
            unanswered: None,
            doubt: None,
            probing: false,
            heard: None,
            unheard: None,
        }
    }

    /// Another pair is in use, or none.
    pub(super) fn select(&mut self, pair: Option<Pair>) {
        if self.selected != pair {
            self.selected = pair;
            self.heard = None;
            self.calm();
        }
    }

    /// The selected pair is gone: the others are checked often until there is another one.
    pub(super) fn lose(&mut self, now: Instant) {
        self.select(None);
        self.doubt = Some(now);
    }

    /// There is no doubt about the selected pair.
    fn calm(&mut self) {
        (self.unanswered, self.doubt, self.probing) = (None, None, false);
        self.unheard = None;
    }

    /// Data was sent over the selected pair.
    pub(super) fn note_data_sent(&mut self, now: Instant) {
        if self.selected.is_some() {
            self.unheard.get_or_insert(now);
        }
    }

    /// Something of the peer came over this pair.
    pub(super) fn note_heard(&mut self, now: Instant, pair: Pair) {
        if self.selected == Some(pair) {
            (self.heard, self.unheard) = (Some(now), None);
        }
    }

    /// When this pair was last answered.
    pub(super) fn answered(&self, pair: Pair) -> Option<Instant> {
        self.pairs.get(&pair)?.answered
    }

    /// Whether this pair was answered in the last seconds.
    pub(super) fn is_fresh(&self, now: Instant, pair: Pair) -> bool {
        self.pairs.get(&pair).is_some_and(|activity| activity.answered_within(now, FRESH))
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
        self.note_heard(now, pair);
        let Some(activity) = self.activity(now, pair) else { return };
        let was_fresh = activity.answered_within(now, FRESH);
        activity.answered = Some(now);
        let Some(selected) = self.selected else { return };
        if pair == selected {
            self.calm();
        } else if !was_fresh && self.doubt.is_none() {
            // A new address of the peer: perhaps the only one that is left.
            let heard = self.answered(selected).map(|at| at + PROBE_INTERVAL);
            self.doubt = heard.max(Some(now));
        }
    }

    /// A check of the peer has come. `nominated`: it wants to use this pair.
    pub(super) fn note_request(&mut self, now: Instant, pair: Pair, nominated: bool) {
        self.note_heard(now, pair);
        let often = self.consent_interval / 2;
        let Some(activity) = self.activity(now, pair) else { return };
        activity.nominated |= nominated;
        let count = match activity.requested {
            Some((last, count)) if now < last + often => count.saturating_add(1),
            _ => 1,
        };
        activity.requested = Some((now, count));
        // The selected pair may be silent in one direction only, so it is enough if the peer has noticed.
        let silent = self.heard.is_none_or(|heard| heard + PATIENCE <= now);
        if count >= DOUBTFUL_REQUESTS && silent && self.selected.is_some_and(|it| it != pair) {
            self.doubt.get_or_insert(now);
        }
    }

    fn activity(&mut self, now: Instant, pair: Pair) -> Option<&mut PairActivity> {
        if self.pairs.len() >= MAX_PAIRS && !self.pairs.contains_key(&pair) {
            let (selected, recent) = (self.selected, 2 * self.consent_interval);
            self.pairs.retain(|pair, activity| {
                selected == Some(*pair) || activity.answered_within(now, recent)
            });
            if self.pairs.len() >= MAX_PAIRS {
                return None;
            }
        }
        Some(self.pairs.entry(pair).or_default())
    }

    /// When to call [`Watch::interval`] next, if nothing happens. `round_trip`: of the selected pair.
    pub(super) fn poll_timeout(&self, round_trip: Option<Duration>) -> Option<Instant> {
        let round_trips = 2 * round_trip.unwrap_or_default();
        let first = self.unanswered.map(|(first, _)| first);
        let unanswered = first.map(|at| at + PATIENCE.max(round_trips));
        let unheard = self.unheard.map(|at| at + PATIENCE.max(round_trips + DATA_ANSWER));
        let all = [self.doubt, unanswered, unheard];
        all.into_iter().flatten().min().filter(|_| !self.probing)
    }

    /// How often to check now.
    pub(super) fn interval(&mut self, now: Instant, round_trip: Option<Duration>) -> Duration {
        if self.poll_timeout(round_trip).is_some_and(|at| at <= now) {
            (self.doubt, self.probing) = (Some(now), true);
        }
        if self.is_probing(now) { PROBE_INTERVAL } else { self.consent_interval }
    }

    /// Whether all pairs are checked often.
    pub(super) fn is_probing(&self, now: Instant) -> bool {
        self.probing && self.doubt.is_some_and(|doubt| now < doubt + PROBE_TIME)
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
        let works = |activity: &PairActivity| {
            activity.answered > Some(first)
                && activity.answered_within(now, FRESH)
                && (controlling || activity.nominated)
        };
        let others = self
            .pairs
            .iter()
            .filter(|(pair, activity)| self.selected != Some(**pair) && works(activity));
        others.max_by_key(|(_, activity)| activity.answered).map(|(pair, _)| *pair)
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
        let silent = |activity: &PairActivity| activity.answered <= Some(first);
        let silent_at = |at: &dyn Fn(&Pair) -> bool| {
            self.pairs.iter().filter(|(pair, _)| at(pair)).all(|(_, activity)| silent(activity))
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
        self.calm();
        (remote, local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSENT_INTERVAL: Duration = Duration::from_millis(2500);

    fn pair(remote: u16) -> Pair {
        (SocketAddr::from(([192, 0, 2, 1], 1)), SocketAddr::from(([192, 0, 2, 2], remote)))
    }

    fn at(start: Instant, milliseconds: u64) -> Instant {
        start + Duration::from_millis(milliseconds)
    }

    /// The first pair is selected and was answered at the start; at 2.5 s it is asked again.
    fn watch(start: Instant) -> Watch {
        let mut watch = Watch::new(CONSENT_INTERVAL);
        watch.select(Some(pair(1)));
        watch.note_answer(start, pair(1));
        watch.note_sent(at(start, 2500), pair(1));
        watch
    }

    #[test]
    fn a_check_that_is_not_answered_makes_others_follow_faster_for_a_while() {
        let start = Instant::now();
        let mut watch = watch(start);
        assert_eq!(watch.poll_timeout(None), Some(at(start, 3000)));
        // Where the way is longer the answer takes its time.
        let round_trip = Some(Duration::from_secs(1));
        assert_eq!(watch.poll_timeout(round_trip), Some(at(start, 4500)));
        assert_eq!(watch.interval(at(start, 2999), None), CONSENT_INTERVAL);
        assert_eq!(watch.interval(at(start, 3000), None), PROBE_INTERVAL);
        assert_eq!(watch.interval(at(start, 5999), None), PROBE_INTERVAL);
        assert_eq!(watch.interval(at(start, 6000), None), CONSENT_INTERVAL);
        assert_eq!(watch.poll_timeout(None), None);
        watch.note_answer(at(start, 6100), pair(1));
        watch.note_sent(at(start, 8600), pair(1));
        assert_eq!(watch.poll_timeout(None), Some(at(start, 9100)));
    }

    #[test]
    fn a_new_pair_makes_doubt_about_a_selected_one_that_has_not_just_answered() {
        let start = Instant::now();
        for (time, doubt) in [(100, 250), (300, 300)] {
            let mut watch = Watch::new(CONSENT_INTERVAL);
            watch.select(Some(pair(1)));
            watch.note_answer(start, pair(1));
            watch.note_answer(at(start, time), pair(2));
            assert_eq!(watch.poll_timeout(None), Some(at(start, doubt)));
            assert_eq!(watch.interval(at(start, doubt - 1), None), CONSENT_INTERVAL);
            assert_eq!(watch.interval(at(start, doubt), None), PROBE_INTERVAL);
            assert_eq!(watch.poll_timeout(None), None);
            watch.note_answer(at(start, doubt + 20), pair(1));
            assert_eq!(watch.interval(at(start, doubt + 20), None), CONSENT_INTERVAL);
            // The other one is not new any more.
            watch.note_answer(at(start, doubt + 30), pair(2));
            assert_eq!(watch.poll_timeout(None), None);
        }
    }

    #[test]
    fn only_a_pair_that_works_replaces_one_that_does_not() {
        let start = Instant::now();
        let mut watch = watch(start);
        watch.note_answer(at(start, 2400), pair(2));
        watch.note_sent(at(start, 3000), pair(1));
        let now = at(start, 3400);
        watch.note_answer(now, pair(3));
        assert_eq!(watch.replacement(now, true, None), None, "two checks can be lost");
        watch.note_sent(at(start, 3250), pair(1));
        assert_eq!(watch.replacement(at(start, 3250), true, None), None, "it is just sent");
        assert_eq!(watch.replacement(at(start, 3399), true, None), None, "too early");
        let round_trip = Some(Duration::from_millis(500));
        assert_eq!(watch.replacement(now, true, round_trip), None, "too early");
        assert_eq!(watch.replacement(now, true, None), Some(pair(3)));
        assert_eq!(watch.replacement(at(start, 6600), true, None), None, "long ago");
        assert_eq!(watch.replacement(now, false, None), None, "the peer does not want it");
        watch.note_request(now, pair(3), true);
        assert_eq!(watch.replacement(now, false, None), Some(pair(3)));
        let (remote, local) = watch.give_up(pair(3));
        assert_eq!((remote, local), (HashSet::from([pair(1).1, pair(2).1]), None));
        assert_eq!(watch.replacement(now, true, None), None);
    }

    #[test]
    fn data_without_any_answer_makes_doubt() {
        let start = Instant::now();
        let mut watch = Watch::new(CONSENT_INTERVAL);
        watch.select(Some(pair(1)));
        watch.note_answer(start, pair(1));
        watch.note_data_sent(at(start, 10));
        watch.note_data_sent(at(start, 300));
        assert_eq!(watch.poll_timeout(None), Some(at(start, 510)));
        let round_trip = Some(Duration::from_millis(400));
        assert_eq!(watch.poll_timeout(round_trip), Some(at(start, 1010)));
        watch.note_heard(at(start, 400), pair(2));
        assert_eq!(watch.poll_timeout(None), Some(at(start, 510)), "that was elsewhere");
        watch.note_heard(at(start, 400), pair(1));
        assert_eq!(watch.poll_timeout(None), None);
        watch.note_data_sent(at(start, 600));
        assert_eq!(watch.interval(at(start, 1099), None), CONSENT_INTERVAL);
        assert_eq!(watch.interval(at(start, 1100), None), PROBE_INTERVAL);
    }

    #[test]
    fn the_doubt_of_the_peer_makes_doubt_unless_its_checks_come_over_the_selected_pair_too() {
        for alive in [false, true] {
            let start = Instant::now();
            let mut watch = Watch::new(CONSENT_INTERVAL);
            watch.select(Some(pair(1)));
            watch.note_answer(start, pair(1));
            // As often as always.
            for n in 0..10 {
                watch.note_request(at(start, n * 2500), pair(2), false);
                assert_eq!(watch.poll_timeout(None), None);
            }
            for n in 1..=4 {
                let now = at(start, 22_500 + n * 250);
                if alive {
                    watch.note_request(now, pair(1), false);
                }
                watch.note_request(now, pair(2), false);
                assert_eq!(watch.poll_timeout(None).is_some(), !alive && n >= 2);
            }
        }
    }

    #[test]
    fn a_pair_that_is_gone_makes_doubt_until_there_is_another() {
        let start = Instant::now();
        let mut watch = watch(start);
        watch.lose(at(start, 2600));
        assert_eq!(watch.interval(at(start, 2600), None), PROBE_INTERVAL);
        watch.select(Some(pair(2)));
        assert_eq!(watch.interval(at(start, 2700), None), CONSENT_INTERVAL);
    }

    #[test]
    fn what_the_peer_can_make_it_remember_is_bounded() {
        let start = Instant::now();
        let mut watch = watch(start);
        for remote in 2..2000 {
            watch.note_request(start, pair(remote), true);
            watch.note_answer(start, pair(remote));
        }
        assert_eq!(watch.pairs.len(), MAX_PAIRS);
        // The selected one stays, however old it is, and there is room again for others.
        watch.note_answer(at(start, 60_000), pair(2000));
        assert_eq!(watch.pairs.len(), 2);
        assert!(watch.answered(pair(1)).is_some());
    }
}
