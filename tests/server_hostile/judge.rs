//! Decides what a soak has shown. How is explained in `docs/abuse.md`.

use std::fmt;
use std::time::Duration;

/// How much slower the well-behaved clients may be for the sake of hostile ones.
const SLOWER: f64 = 2.0;
/// How many rounds are needed for a judgement.
pub(crate) const LEAST_ROUNDS: usize = 4;
/// How many messages a phase needs for one in a hundred to say something.
const LEAST_MESSAGES: usize = 500;

/// The value that this share of all values does not exceed.
pub(crate) fn quantile<T: Copy + PartialOrd>(values: &[T], share: f64) -> T {
    assert!(!values.is_empty(), "no values");
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(|a, b| a.partial_cmp(b).expect("numbers"));
    sorted[((sorted.len() as f64 * share) as usize).min(sorted.len() - 1)]
}

fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// How long messages took in one round, without hostile clients and with them, right after each other.
pub(crate) struct Round {
    pub(crate) quiet: Vec<Duration>,
    pub(crate) attacked: Vec<Duration>,
}

impl Round {
    fn ratio(&self, share: f64) -> f64 {
        quantile(&self.attacked, share).as_secs_f64() / quantile(&self.quiet, share).as_secs_f64()
    }
}

/// What the rounds say about latency.
pub(crate) struct Latency {
    /// Of all quiet phases together: p50 and p99.
    pub(crate) quiet: [Duration; 2],
    /// The same of the others.
    pub(crate) attacked: [Duration; 2],
    /// The medians of the ratios of single rounds.
    pub(crate) ratios: [f64; 2],
}

impl Latency {
    /// Something else on the machine disturbs single phases, and what the server does to its clients disturbs them all. So
    /// it is the median of the rounds that decides, each compared within itself.
    ///
    /// # Errors
    ///
    /// If p99 is too much slower.
    pub(crate) fn judge(rounds: &[Round]) -> Result<Self, String> {
        let enough = |values: &Vec<_>| values.len() >= LEAST_MESSAGES;
        if rounds.len() < LEAST_ROUNDS
            || !rounds.iter().all(|round| enough(&round.quiet) && enough(&round.attacked))
        {
            let counts = rounds.iter().map(|round| (round.quiet.len(), round.attacked.len()));
            return Err(format!(
                "too few for a judgement: at least {LEAST_ROUNDS} rounds with {LEAST_MESSAGES} messages in each half \
                 are needed, and there were {:?}",
                counts.collect::<Vec<_>>()
            ));
        }
        let quiet: Vec<_> = rounds.iter().flat_map(|round| round.quiet.iter().copied()).collect();
        let attacked: Vec<_> =
            rounds.iter().flat_map(|round| round.attacked.iter().copied()).collect();
        let shares = [0.5, 0.99];
        let latency = Self {
            quiet: shares.map(|share| quantile(&quiet, share)),
            attacked: shares.map(|share| quantile(&attacked, share)),
            ratios: shares.map(|share| {
                median(&rounds.iter().map(|round| round.ratio(share)).collect::<Vec<_>>())
            }),
        };
        if latency.ratios[1] > SLOWER {
            return Err(format!(
                "hostile clients make the slowest messages of others {:.2} times as slow, and {SLOWER} is allowed\n\
                 {latency}",
                latency.ratios[1]
            ));
        }
        Ok(latency)
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, name) in ["p50", "p99"].into_iter().enumerate() {
            let [quiet, attacked] =
                [self.quiet[n], self.attacked[n]].map(|time| time.as_secs_f64() * 1e3);
            let ratio = self.ratios[n];
            writeln!(f, "{name:<12} {quiet:>10.2} ms {attacked:>10.2} ms {ratio:>8.2}")?;
        }
        Ok(())
    }
}

/// What a server had at one time, when nobody but the same few clients were on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) memory: u64,
    pub(crate) descriptors: u64,
    /// How many connections there were so far.
    pub(crate) connections: u64,
}

/// What memory may grow by from the first third of a run to the last. What an allocator keeps for later goes up and down
/// by half of that. In five minutes a hundred bytes for each hostile connection would be more.
const GROWTH: u64 = 8 << 20;

/// From after the warm-up to the end.
#[derive(Debug)]
pub(crate) struct Growth {
    pub(crate) from: Sample,
    pub(crate) to: Sample,
}

impl Growth {
    /// The samples of all rounds, after a warm-up. What an allocator keeps for later goes up and down, so the medians of the
    /// first and the last third are compared. Descriptors are not kept for later, so each sample has to have as many.
    ///
    /// # Errors
    ///
    /// If something grows.
    pub(crate) fn judge(samples: &[Sample]) -> Result<Self, String> {
        if samples.len() < LEAST_ROUNDS {
            return Err(format!("too few rounds for a judgement: {}", samples.len()));
        }
        let third = samples.len().div_ceil(3);
        let middle = |part: &[Sample]| {
            let mut part = part.to_vec();
            part.sort_unstable_by_key(|sample| sample.memory);
            part[part.len() / 2]
        };
        let first = middle(&samples[..third]);
        let last = middle(&samples[samples.len() - third..]);
        if last.memory > first.memory + GROWTH {
            return Err(format!(
                "memory grew by {} KiB in {} connections, and {} KiB are allowed: {samples:#?}",
                (last.memory - first.memory) >> 10,
                last.connections - first.connections,
                GROWTH >> 10
            ));
        }
        if samples.iter().any(|sample| sample.descriptors != samples[0].descriptors) {
            return Err(format!("the number of descriptors does not stay: {samples:#?}"));
        }
        Ok(Self { from: first, to: last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A phase in which every hundredth message takes `slow` milliseconds and the others 2.
    fn phase(slow: u64) -> Vec<Duration> {
        (1..=1000).map(|n| Duration::from_millis(if n % 50 == 0 { slow } else { 2 })).collect()
    }

    fn rounds(phases: &[(u64, u64)]) -> Vec<Round> {
        let round = |&(quiet, attacked)| Round { quiet: phase(quiet), attacked: phase(attacked) };
        phases.iter().map(round).collect()
    }

    #[test]
    fn quantiles() {
        let values: Vec<u32> = (0..1000).rev().collect();
        assert_eq!(quantile(&values, 0.5), 500);
        assert_eq!(quantile(&values, 0.99), 990);
        assert_eq!(quantile(&values, 1.0), 999);
        assert_eq!(quantile(&[7], 0.99), 7);
    }

    #[test]
    fn what_every_round_shows_counts() {
        let latency = Latency::judge(&rounds(&[(10, 19); 5])).map_err(|_| ()).unwrap();
        assert!((latency.ratios[1] - 1.9).abs() < 0.01 && (latency.ratios[0] - 1.0).abs() < 0.01);
        let Err(reason) = Latency::judge(&rounds(&[(10, 21); 5])) else { panic!("twice as slow") };
        assert!(reason.contains("2.10 times as slow"), "{reason}");
        // The machine was busy all the time, and the server was twice as slow beside that.
        assert!(Latency::judge(&rounds(&[(100, 210), (10, 21), (500, 1100), (20, 50)])).is_err());
    }

    #[test]
    fn what_disturbs_single_phases_does_not_count() {
        let busy = [(10, 12), (10, 500), (300, 12), (10, 11), (10, 900), (12, 13), (11, 11)];
        assert!(Latency::judge(&rounds(&busy)).is_ok());
    }

    #[test]
    fn too_little_is_no_proof() {
        assert!(Latency::judge(&rounds(&[(10, 10); LEAST_ROUNDS - 1])).is_err());
        let mut few = rounds(&[(10, 10); 5]);
        few[3].attacked.truncate(LEAST_MESSAGES - 1);
        assert!(Latency::judge(&few).is_err());
        assert!(Growth::judge(&samples(&[40, 40, 40])).is_err());
    }

    /// Of so many MiB.
    fn samples(memory: &[u64]) -> Vec<Sample> {
        let sample = |(n, mib): (usize, &u64)| Sample {
            memory: mib << 20,
            descriptors: 33,
            connections: 7000 * n as u64,
        };
        memory.iter().enumerate().map(sample).collect()
    }

    #[test]
    fn memory_may_go_up_and_down_but_not_up_for_ever() {
        let steady = [40, 44, 41, 46, 39, 47, 42, 43, 47];
        let growth = Growth::judge(&samples(&steady)).unwrap();
        assert_eq!((growth.from.memory >> 20, growth.to.memory >> 20), (41, 43));
        // One that is high is not the end of it.
        assert!(Growth::judge(&samples(&[40, 40, 40, 40, 40, 40, 40, 40, 90])).is_ok());
        let Err(reason) = Growth::judge(&samples(&[40, 42, 44, 46, 48, 50, 52, 54, 56])) else {
            panic!("it grows")
        };
        assert!(reason.contains("memory grew by 12288 KiB in 42000 connections"), "{reason}");
    }

    #[test]
    fn every_descriptor_counts() {
        let mut samples = samples(&[40; 6]);
        samples[5].descriptors += 1;
        assert!(Growth::judge(&samples).unwrap_err().contains("descriptors"));
    }
}
