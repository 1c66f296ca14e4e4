//! When to look at the addresses of this host.

use std::time::{Duration, Instant};

/// Not more often than this, however many reasons there are.
const MIN_INTERVAL: Duration = Duration::from_millis(200);

/// How long to wait after the system first tells of a change. A host that moves to another network loses one
/// address and gets another, and both should count as one change.
const SETTLE: Duration = Duration::from_millis(200);

/// Where the system does not tell of changes, the addresses are looked at after this time if the engine is
/// awake anyway. With a connection to the peer it is, every few seconds.
const ASK_ALONG: Duration = Duration::from_secs(2);
/// Where the system does not tell of changes, they are looked at after this time in any case.
const ASK: Duration = Duration::from_secs(10);

/// How long to wait before addresses are tried again that could not be used, for the first time and at
/// most. They may be about to be set up, or never be of use.
const RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(60);

/// When to look at the addresses of this host.
#[derive(Debug)]
pub(super) struct ScanSchedule {
    /// `None` before the first time.
    last: Option<Instant>,
    /// The system tells when addresses change.
    is_told: bool,
    /// When it told of a change first since then.
    told: Option<Instant>,
    /// There was another reason to look since then.
    hinted: bool,
    retry: Option<Duration>,
}

impl ScanSchedule {
    /// The first look is due at once.
    pub(super) fn new(is_told: bool) -> Self {
        Self { last: None, is_told, told: None, hinted: false, retry: None }
    }

    /// The system told of a change. `goes_on`: it will tell of others too.
    pub(super) fn told(&mut self, now: Instant, goes_on: bool) {
        self.told.get_or_insert(now);
        self.is_told = goes_on;
    }

    /// There is another reason to look: sending has failed, which can be because an address is gone, or
    /// the application wants a new path.
    pub(super) fn hint(&mut self) {
        self.hinted = true;
    }

    /// The addresses were looked at. `unusable` is whether some could not be used.
    pub(super) fn scanned(&mut self, now: Instant, unusable: bool) {
        self.last = Some(now);
        self.told = None;
        self.hinted = false;
        let longer = self.retry.map_or(RETRY, |retry| (retry * 2).min(MAX_RETRY));
        self.retry = unusable.then_some(longer);
    }

    /// Whether to look now, as the caller is awake.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let Some(last) = self.last else { return true };
        let along = (!self.is_told).then_some(last + ASK_ALONG);
        along.into_iter().chain(self.next(last)).any(|at| at <= now)
    }

    /// When to wake up for it. `None`: only when there is a reason.
    pub(super) fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        self.last.map_or(Some(now), |last| self.next(last))
    }

    fn next(&self, last: Instant) -> Option<Instant> {
        let told = self.told.map(|at| (at + SETTLE).max(last + MIN_INTERVAL));
        let hinted = self.hinted.then_some(last + MIN_INTERVAL);
        let ask = (!self.is_told).then_some(last + ASK);
        let retry = self.retry.map(|interval| last + interval);
        [told, hinted, ask, retry].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn who_is_told_of_changes_sleeps_until_then() {
        let start = Instant::now();
        let mut schedule = ScanSchedule::new(true);
        assert!(schedule.is_due(start));
        assert_eq!(schedule.poll_timeout(start), Some(start));
        schedule.scanned(start, false);
        assert_eq!(schedule.poll_timeout(start), None);
        let later = start + seconds(3600.0);
        assert!(!schedule.is_due(later));
        schedule.told(later, true);
        schedule.told(later + SETTLE / 2, true);
        assert_eq!(schedule.poll_timeout(later), Some(later + SETTLE));
        assert!(!schedule.is_due(later + SETTLE / 2));
        assert!(schedule.is_due(later + SETTLE));
        schedule.hint();
        assert!(schedule.is_due(later), "an address that is gone is no use");
    }

    #[test]
    fn many_reasons_are_one() {
        let start = Instant::now();
        let mut schedule = ScanSchedule::new(true);
        schedule.scanned(start, false);
        for _ in 0..100 {
            schedule.hint();
        }
        assert!(!schedule.is_due(start + seconds(0.1)));
        assert_eq!(schedule.poll_timeout(start), Some(start + MIN_INTERVAL));
        assert!(schedule.is_due(start + MIN_INTERVAL));
        schedule.scanned(start + MIN_INTERVAL, false);
        assert_eq!(schedule.poll_timeout(start), None);
    }

    #[test]
    fn who_is_not_told_asks_now_and_then_and_when_awake_anyway() {
        let start = Instant::now();
        let mut schedule = ScanSchedule::new(false);
        schedule.scanned(start, false);
        assert_eq!(schedule.poll_timeout(start), Some(start + ASK));
        assert!(!schedule.is_due(start + seconds(1.9)));
        assert!(schedule.is_due(start + ASK_ALONG));
        // The system can cease to tell.
        let mut schedule = ScanSchedule::new(true);
        schedule.scanned(start, false);
        schedule.told(start, false);
        schedule.scanned(start + SETTLE, false);
        assert_eq!(schedule.poll_timeout(start), Some(start + SETTLE + ASK));
    }

    #[test]
    fn addresses_that_cannot_be_used_are_tried_again_less_and_less_often() {
        let start = Instant::now();
        let mut schedule = ScanSchedule::new(true);
        for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
            schedule.scanned(start, true);
            assert_eq!(schedule.poll_timeout(start), Some(start + seconds(f64::from(wait))));
        }
        schedule.scanned(start, false);
        assert_eq!(schedule.poll_timeout(start), None);
        schedule.scanned(start, true);
        assert_eq!(schedule.poll_timeout(start), Some(start + RETRY), "from the beginning");
    }
}
