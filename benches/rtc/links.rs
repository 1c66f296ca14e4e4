//! What arrives over links that are slow, far, or bad.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use crate::network::{Link, Network};
use crate::pair::{Pair, Place, Program, Transfer};
use crate::report::{number, ratio};

/// What is compared: plain TCP, since it is what a link is made for.
const PROGRAMS: [Program; 3] = [Program::Ours, Program::Tcp, Program::LibDataChannel];

/// Bytes of a message.
const MESSAGE: usize = 16 << 10;

/// How long the link loses everything, and when that begins.
const OUTAGE: Duration = Duration::from_secs(3);
const OUTAGE_AFTER: Duration = Duration::from_secs(1);

/// What is measured in a row of the table.
#[derive(Debug, Clone, Copy)]
struct Case {
    link: Link,
    /// Whether there is an outage in the middle.
    outage: bool,
}

const fn case(rate: u32, round_trip: u32, loss: f64) -> Case {
    Case { link: Link { rate, round_trip, queue: 50, loss }, outage: false }
}

const fn with_outage(rate: u32, round_trip: u32) -> Case {
    Case { outage: true, ..case(rate, round_trip, 0.0) }
}

const FULL: &[Case] = &[
    case(100, 20, 0.0),
    case(100, 20, 0.1),
    case(100, 20, 1.0),
    case(100, 50, 0.0),
    case(100, 50, 0.1),
    case(100, 50, 1.0),
    case(100, 100, 0.0),
    case(100, 100, 0.1),
    case(100, 100, 1.0),
    case(10, 20, 0.0),
    case(10, 20, 0.1),
    case(10, 20, 1.0),
    case(10, 100, 0.0),
    case(10, 100, 0.1),
    case(10, 100, 1.0),
    with_outage(100, 20),
    with_outage(10, 100),
];

const QUICK: &[Case] = &[case(100, 100, 0.0), case(10, 20, 0.1), with_outage(10, 100)];

/// The longest that a transfer is watched.
const LIMIT: Duration = Duration::from_secs(20);
const QUICK_LIMIT: Duration = Duration::from_secs(10);

impl Case {
    /// In bytes: as many as take 3.2 seconds at the rate of the link, but 10 MB at least.
    fn size(&self) -> usize {
        (self.link.rate as usize * 400_000).max(10_000_000)
    }

    fn title(&self) -> String {
        let Link { rate, round_trip, loss, .. } = self.link;
        let outage =
            if self.outage { format!(", away for {} s", OUTAGE.as_secs()) } else { String::new() };
        format!("{rate} Mbit/s, {round_trip} ms, {loss} % lost{outage}")
    }

    /// The share of the link's rate, while there was a link.
    fn share(&self, transfer: Transfer) -> f64 {
        let outage = if self.outage { OUTAGE } else { Duration::ZERO };
        let seconds = transfer.time.saturating_sub(outage).as_secs_f64();
        transfer.bytes as f64 * 8.0 / 1e6 / f64::from(self.link.rate) / seconds
    }
}

/// Returns the table, or `None` if there can be no such links here. Lines without `only` in their title are
/// left out.
pub(crate) fn measure(quick: bool, only: &str) -> io::Result<Option<String>> {
    let (cases, limit) = if quick { (QUICK, QUICK_LIMIT) } else { (FULL, LIMIT) };
    let cases: Vec<&Case> = cases.iter().filter(|case| case.title().contains(only)).collect();
    let begin = Instant::now();
    let mut rows = String::new();
    for (index, case) in cases.iter().enumerate() {
        let shares = match case_of(case, limit) {
            Err(Problem::NoNetwork(error)) if index == 0 => {
                eprintln!("NOT MEASURED: links, because there can be none here: {error}");
                eprintln!(
                    "They need root, /dev/net/tun, and build/link of scripts/build-peers.sh."
                );
                return Ok(None);
            }
            Err(Problem::NoNetwork(error) | Problem::Other(error)) => return Err(error),
            Ok(shares) => shares,
        };
        let _ = write!(rows, "| {} |", case.title());
        for share in shares {
            let _ = write!(rows, " {} |", number(share.map(|share| share * 100.0)));
        }
        let [ours, others @ ..] = shares;
        for other in others {
            let _ = write!(rows, " {} |", ratio(ours.zip(other).map(|(ours, other)| ours / other)));
        }
        rows.push('\n');
        eprint!("\rlink {} of {}", index + 1, cases.len());
    }
    eprintln!(", {} s", begin.elapsed().as_secs());
    let mut text = format!(
        "One transfer each of 10 MB (10 Mbit/s) or 40 MB (100 Mbit/s), watched for {} s at most; all in {} s.\n\n\
         | share of the link, % |",
        limit.as_secs(),
        begin.elapsed().as_secs(),
    );
    let [ours, others @ ..] = PROGRAMS;
    for program in PROGRAMS {
        let _ = write!(text, " {} |", program.name());
    }
    for other in others {
        let _ = write!(text, " {} / {} |", ours.name(), other.name());
    }
    text.push_str("\n|---|---:|---:|---:|---:|---:|\n");
    Ok(Some(text + &rows))
}

enum Problem {
    /// There can be no network of this kind.
    NoNetwork(io::Error),
    Other(io::Error),
}

/// The shares of all programs, as far as they are there.
fn case_of(case: &Case, limit: Duration) -> Result<[Option<f64>; PROGRAMS.len()], Problem> {
    let mut shares = [None; PROGRAMS.len()];
    for (program, share) in PROGRAMS.into_iter().zip(&mut shares) {
        if !program.is_there() {
            continue;
        }
        // Another one for each, so that the same frames are lost.
        let mut network = Network::new(&case.link).map_err(Problem::NoNetwork)?;
        let transfer = transfer(case, program, &mut network, limit).map_err(|error| {
            let text = format!("{}, {}: {error}", program.name(), case.title());
            Problem::Other(io::Error::other(text))
        })?;
        *share = Some(case.share(transfer));
    }
    Ok(shares)
}

fn transfer(
    case: &Case,
    program: Program,
    network: &mut Network,
    limit: Duration,
) -> io::Result<Transfer> {
    let (pair, _) = Pair::connect(program, Place::Link(network))?;
    let outage = OUTAGE_AFTER..OUTAGE_AFTER + OUTAGE;
    let mut cut = false;
    pair.transfer(MESSAGE, case.size().div_ceil(MESSAGE), limit, |elapsed| {
        let now = case.outage && outage.contains(&elapsed);
        if now != cut {
            cut = now;
            network.cut(cut)?;
        }
        Ok(())
    })
}
