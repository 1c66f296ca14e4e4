//! How often a peer may begin anew: each time costs connections to TURN servers, which the peer does not pay.

use std::time::{Duration, Instant};

/// The pause after the second beginning in a row. It doubles with each.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);
/// After so much time without a new beginning, the next one is the first.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// The new beginnings of a peer.
#[derive(Debug, Default)]
pub(super) struct Beginnings {
    /// The last one, and how many there were in a row.
    last: Option<(Instant, u32)>,
}

impl Beginnings {
    /// When the next one is allowed. `None`: now.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        let (last, count) = self.last?;
        let pause = match count {
            // A peer that has just got another network, say, need not wait.
            0 | 1 => Duration::ZERO,
            _ => FIRST.saturating_mul(1 << (count - 2).min(10)).min(LONGEST),
        };
        Some(last + pause).filter(|at| *at > now)
    }

    /// One more.
    pub(super) fn count(&mut self, now: Instant) {
        let before = match self.last {
            Some((last, count)) if now < last + FORGOTTEN => count,
            _ => 0,
        };
        self.last = Some((now, before.saturating_add(1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_between_beginnings_grows() {
        let start = Instant::now();
        let mut beginnings = Beginnings::default();
        let mut now = start;
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let at = beginnings.wait(now).unwrap_or(now);
            pauses.push((at - now).as_secs());
            now = at;
            beginnings.count(now);
        }
        assert_eq!(pauses, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        assert_eq!(beginnings.wait(now + LONGEST), None);
        beginnings.count(now + FORGOTTEN);
        assert_eq!(beginnings.wait(now + FORGOTTEN), None, "it is forgotten");
    }
}
