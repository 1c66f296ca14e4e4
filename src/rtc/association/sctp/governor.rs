//! How much may be on its way: no more than a little beyond what the path carries.
//!
//! SCTP doubles its congestion window until packets get lost. Then many are lost at once, and it repairs one
//! packet per round trip. So what it is given is limited before: once the round trips take longer, packets
//! are queueing up somewhere (as in HyStart++, RFC 9406). From there the limit grows slowly, and falls
//! with each loss.

use std::time::{Duration, Instant};

use super::packet::before;

/// Packets queue up if round trips take longer by an eighth, within these limits.
const LONGER: [Duration; 2] = [Duration::from_millis(4), Duration::from_millis(16)];
/// So many round trips have to agree.
const SAMPLES: usize = 8;
/// The shortest round trip is asked anew after so long: the path may have changed.
const FORGETS: Duration = Duration::from_secs(30);
/// The limit is never lower than this.
const LEAST: usize = 16 * 1200;
/// How fast the limit grows in a round trip when nothing queues up: by this part. The more does, the slower.
const GROWTH: usize = 8;

/// See the module. Counts bytes on the wire.
#[derive(Default)]
pub(super) struct Governor {
    /// The shortest round trip, and that of the time before.
    shortest: Option<Duration>,
    before: Option<Duration>,
    remembered: Option<Instant>,
    /// The last round trips.
    last: [Duration; SAMPLES],
    samples: usize,
    /// The present round: its end, the sum of its round trips, and how many there were.
    round: Option<(Instant, Duration, u32)>,
    limit: Option<usize>,
    /// What was sent before this TSN was sent when the limit was higher.
    cut: Option<u32>,
}

impl Governor {
    /// The most that may be on its way.
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }

    /// The shortest round trip.
    pub(super) fn shortest(&self) -> Duration {
        self.shortest.into_iter().chain(self.before).min().unwrap_or_default()
    }

    /// A packet was acknowledged after so long, when so much was on its way. `packet`: the size of one.
    pub(super) fn sample(&mut self, now: Instant, trip: Duration, flight: usize, packet: usize) {
        if self.remembered.is_none_or(|at| now.saturating_duration_since(at) > FORGETS) {
            self.remembered = Some(now);
            self.before = self.shortest.take();
        }
        self.shortest = Some(self.shortest.map_or(trip, |shortest| shortest.min(trip)));
        self.last[self.samples % SAMPLES] = trip;
        self.samples += 1;
        let base = self.shortest.into_iter().chain(self.before).min().unwrap_or(trip);
        let much = (base / 8).clamp(LONGER[0], LONGER[1]);
        let Some(limit) = &mut self.limit else {
            if self.samples >= SAMPLES && self.last.iter().all(|trip| *trip >= base + much) {
                self.limit = Some(flight.max(LEAST));
            }
            return;
        };
        let (end, sum, count) = self.round.get_or_insert((now + trip, Duration::ZERO, 0));
        *sum += trip;
        *count += 1;
        if now >= *end {
            // A limit that is not used says nothing.
            if flight * 4 >= *limit * 3 {
                let queue = (*sum / *count).saturating_sub(base);
                let free = much.saturating_sub(queue).as_secs_f64() / much.as_secs_f64();
                *limit += packet.max((*limit as f64 * free) as usize / GROWTH);
            }
            self.round = None;
        }
    }

    /// Something was lost, when so much was on its way. `next`: the TSN of what will be sent next.
    pub(super) fn lost(&mut self, tsn: u32, next: u32, flight: usize) {
        if self.cut.is_none_or(|cut| !before(tsn, cut)) {
            self.limit = Some((flight.min(self.limit()) / 10 * 7).max(LEAST));
            self.cut = Some(next);
            self.round = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn a_queue_ends_the_start() {
        let mut governor = Governor::default();
        let mut now = Instant::now();
        for _ in 0..20 {
            governor.sample(now, milliseconds(100), 500_000, 1200);
            now += milliseconds(10);
        }
        assert_eq!(governor.limit(), usize::MAX);
        for _ in 0..40 {
            governor.sample(now, milliseconds(120), 1_500_000, 1200);
            now += milliseconds(10);
        }
        assert!((1_500_000..1_510_000).contains(&governor.limit()), "{}", governor.limit());
    }

    #[test]
    fn grows_while_it_is_used() {
        let mut governor = Governor::default();
        let mut now = Instant::now();
        governor.sample(now, milliseconds(10), 1000, 1200);
        governor.lost(10, 20, 1_000_000);
        assert_eq!(governor.limit(), 700_000);
        governor.lost(19, 30, 700_000);
        assert_eq!(governor.limit(), 700_000, "once for all that was on its way");
        for _ in 0..50 {
            governor.sample(now, milliseconds(10), 100_000, 1200);
            now += milliseconds(10);
        }
        assert_eq!(governor.limit(), 700_000);
        for _ in 0..50 {
            governor.sample(now, milliseconds(10), governor.limit(), 1200);
            now += milliseconds(10);
        }
        assert!(governor.limit() > 1_000_000 && governor.limit() < usize::MAX);
    }
}
