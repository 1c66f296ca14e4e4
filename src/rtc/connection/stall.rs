//! Notices that nothing arrives of what was sent, although the peer answers checks: most likely the path leads over
//! other links by now, and what is too large for them gets lost without a word.
//!
//! Packets of SCTP that are on their way cannot be made smaller (RFC 9260 section 6.9), so from then on the network has to
//! cut them into fragments. Where it does not, this is the end.

use std::time::{Duration, Instant};

/// Nothing has arrived for this long: something is wrong with the path, and it is measured.
const DOUBT: Duration = Duration::from_secs(3);
/// The time from one measurement to the next.
const AGAIN: Duration = Duration::from_secs(10);
/// With a path that is known to be too narrow, nothing will arrive any more.
const GIVE_UP: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Stall {
    /// The oldest packet that has not arrived, and since when it is that.
    oldest: Option<(u32, Instant)>,
    measured: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    Nothing,
    /// Measure the path.
    Measure,
    GiveUp,
}

impl Stall {
    /// To be called again and again. `oldest`: the oldest packet that has not arrived, while the peer answers checks.
    /// `narrow`: packets are known to be too large for the path.
    pub(super) fn look(&mut self, now: Instant, oldest: Option<u32>, narrow: bool) -> Advice {
        let Some(oldest) = oldest else {
            *self = Self::default();
            return Advice::Nothing;
        };
        let since = match self.oldest {
            Some((known, since)) if known == oldest => since,
            _ => {
                *self = Self { oldest: Some((oldest, now)), measured: None };
                return Advice::Nothing;
            }
        };
        if narrow && now >= since + GIVE_UP {
            return Advice::GiveUp;
        }
        if now < since + DOUBT || self.measured.is_some_and(|at| now < at + AGAIN) {
            return Advice::Nothing;
        }
        self.measured = Some(now);
        Advice::Measure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_arrive_is_noticed() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut stall = Stall::default();
        let mut look = |seconds, oldest, narrow| stall.look(at(seconds), oldest, narrow);
        assert_eq!(look(0, Some(1), false), Advice::Nothing);
        assert_eq!(look(2, Some(1), false), Advice::Nothing);
        assert_eq!(look(3, Some(2), false), Advice::Nothing, "something has arrived");
        assert_eq!(look(5, Some(2), false), Advice::Nothing);
        assert_eq!(look(6, Some(2), false), Advice::Measure);
        assert_eq!(look(15, Some(2), false), Advice::Nothing);
        assert_eq!(look(16, Some(2), false), Advice::Measure);
        assert_eq!(look(17, None, false), Advice::Nothing);
        assert_eq!(look(18, Some(2), true), Advice::Nothing);
        assert_eq!(look(77, Some(2), true), Advice::Measure);
        assert_eq!(look(78, Some(2), true), Advice::GiveUp);
    }
}
