//! What happens again and again, and is said now and then.

use std::time::{Duration, Instant};

/// How long something is not said again.
const PAUSE: Duration = Duration::from_secs(60);

/// Something that is said once a minute, however often it happens.
#[derive(Debug, Default)]
pub(crate) struct Rarely {
    said: Option<Instant>,
}

impl Rarely {
    /// It happens. Whether it is to be said.
    pub(crate) fn happens(&mut self, now: Instant) -> bool {
        let due = self.said.is_none_or(|said| now.saturating_duration_since(said) >= PAUSE);
        if due {
            self.said = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_all_the_time_is_said_once_a_minute() {
        let start = Instant::now();
        let mut rarely = Rarely::default();
        let every = Duration::from_millis(100);
        let said: Vec<_> =
            (0..3000).map(|n| every * n).filter(|at| rarely.happens(start + *at)).collect();
        assert_eq!(said, [0, 60, 120, 180, 240].map(Duration::from_secs));
        // It has stopped, and begins again.
        assert!(rarely.happens(start + Duration::from_secs(3600)));
        assert!(!rarely.happens(start + Duration::from_secs(3659)));
        assert!(rarely.happens(start + Duration::from_secs(3660)));
    }
}
