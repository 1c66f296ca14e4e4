//! From samples to the table in `benches/README.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use crate::measure::{LATENCY_BYTES, RELAYING_PAIRS, Sample};
use crate::process::{Program, reference_python};
use crate::report::{locked_version, machine, median, number, output, ratio, size};

/// How much of its core a server gets on a quiet machine while it relays.
const EXPECTED_SHARE: f64 = 0.8;

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    /// Pairs per second up to 'server-auth' on both sides.
    Pairs,
    /// Pairs per second up to the end of the client-to-client handshake.
    PairsToPeer,
    /// Relayed messages of this many bytes per second.
    Messages(usize),
    /// Microseconds.
    LatencyP50,
    /// Microseconds.
    LatencyP99,
    /// KiB per idle client.
    Memory,
}

impl Figure {
    /// Those that are so many per second.
    pub(crate) fn rates(sizes: &[usize]) -> Vec<Self> {
        let sizes = sizes.iter().map(|bytes| Self::Messages(*bytes));
        [Self::Pairs, Self::PairsToPeer].into_iter().chain(sizes).collect()
    }

    fn all(sizes: &[usize]) -> Vec<Self> {
        let others = [Self::LatencyP50, Self::LatencyP99, Self::Memory];
        Self::rates(sizes).into_iter().chain(others).collect()
    }

    pub(crate) fn title(self) -> String {
        match self {
            Self::Pairs => "handshakes of pairs/s, up to 'server-auth' on both sides".to_owned(),
            Self::PairsToPeer => {
                "handshakes of pairs/s, up to the end of the client-to-client handshake".to_owned()
            }
            Self::Messages(bytes) => format!("relayed messages/s of {}", size(bytes)),
            Self::LatencyP50 => format!("relay latency, {LATENCY_BYTES} B, p50, µs"),
            Self::LatencyP99 => format!("relay latency, {LATENCY_BYTES} B, p99, µs"),
            Self::Memory => "memory per idle client, KiB".to_owned(),
        }
    }

    fn unit(self) -> &'static str {
        if let Self::Messages(_) = self { "message" } else { "pair" }
    }
}

/// All samples of a run.
pub(crate) struct Figures {
    pinned: bool,
    values: BTreeMap<(Figure, Program), Vec<f64>>,
    rates: BTreeMap<(Figure, Program), Vec<Sample>>,
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

impl Figures {
    pub(crate) const fn new(pinned: bool) -> Self {
        Self { pinned, values: BTreeMap::new(), rates: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, figure: Figure, program: Program, value: f64) {
        self.values.entry((figure, program)).or_default().push(value);
    }

    pub(crate) fn add_rate(&mut self, figure: Figure, program: Program, sample: Sample) {
        self.add(figure, program, sample.rate);
        self.rates.entry((figure, program)).or_default().push(sample);
    }

    fn values(&self, figure: Figure, program: Program) -> &[f64] {
        self.values.get(&(figure, program)).map_or(&[], Vec::as_slice)
    }

    fn value(&self, figure: Figure, program: Program) -> Option<f64> {
        median(self.values(figure, program).to_vec())
    }

    /// The median over the rounds of what was measured right after each other.
    fn ratio_to(&self, figure: Figure, other: Program) -> Option<f64> {
        let ours = self.values(figure, Program::Ours);
        let others = self.values(figure, other);
        median(ours.iter().zip(others).map(|(ours, other)| ours / other).collect())
    }

    fn rate(
        &self,
        figure: Figure,
        program: Program,
        of: impl Fn(&Sample) -> Option<f64>,
    ) -> Option<f64> {
        median(self.rates.get(&(figure, program))?.iter().filter_map(of).collect())
    }

    pub(crate) fn to_markdown(&self, sizes: &[usize], rounds: usize, time: Duration) -> String {
        use Program::{Bare, Ours, Reference};
        let mut text = self.circumstances(rounds, time);
        text.push_str(
            "\n\n| | our server | bare relay | saltyrtc.server | ours / bare | ours / saltyrtc.server |\n\
             |---|---:|---:|---:|---:|---:|\n",
        );
        for figure in Figure::all(sizes) {
            let [ours, bare, reference] = Program::ALL.map(|program| self.value(figure, program));
            let to_bare = ratio(self.ratio_to(figure, Bare));
            let to_reference = ratio(self.ratio_to(figure, Reference));
            let mut line = |title: String, scale: f64| {
                let [ours, bare, reference] =
                    [ours, bare, reference].map(|value| number(value.map(|value| value * scale)));
                let _ = writeln!(
                    text,
                    "| {title} | {ours} | {bare} | {reference} | {to_bare} | {to_reference} |"
                );
            };
            line(figure.title(), 1.0);
            if let Figure::Messages(bytes) = figure {
                line(format!("relayed MB/s in messages of {}", size(bytes)), bytes as f64 / 1e6);
            }
        }
        let busy = |figure| self.rate(figure, Ours, |sample| sample.server_busy);
        let least =
            sizes.iter().filter_map(|bytes| busy(Figure::Messages(*bytes))).reduce(f64::min);
        if let Some(share) = least.filter(|share| *share < EXPECTED_SHARE) {
            let _ = writeln!(
                text,
                "\nNOTE: the machine was busy with other programs, and our server had as little as {} of its \
                 core. Only the memory and the table below mean something.",
                percent(Some(share))
            );
        }
        text.push_str(
            "\nWhere the time went: processor time of the server per unit, and how busy the core of the server \
             and the core of the load were.\n\n\
             | | our server, µs | bare relay, µs | bare / ours | our server: server, load | bare relay: \
             server, load |\n|---|---:|---:|---:|---:|---:|\n",
        );
        for figure in Figure::rates(sizes) {
            let cpu = |program| self.rate(figure, program, |sample| sample.server_cpu);
            let busy = |program| {
                let server = self.rate(figure, program, |sample| sample.server_busy);
                let load = self.rate(figure, program, |sample| sample.load_busy);
                format!("{}, {}", percent(server), percent(load))
            };
            let (ours, bare) = (cpu(Ours), cpu(Bare));
            let part = ours.zip(bare).map(|(ours, bare)| bare / ours);
            let _ = writeln!(
                text,
                "| {}, per {} | {} | {} | {} | {} | {} |",
                figure.title().replace("/s", ""),
                figure.unit(),
                number(ours),
                number(bare),
                ratio(part),
                busy(Ours),
                busy(Bare),
            );
        }
        text
    }

    fn circumstances(&self, rounds: usize, time: Duration) -> String {
        let pinned = if self.pinned {
            "Server on core 0, load on core 1."
        } else {
            "Server and load share the cores, so the ratios mean little."
        };
        let reference = if self.values.keys().any(|(_, program)| *program == Program::Reference) {
            let about =
                "import platform as p; print(p.python_implementation(), p.python_version())";
            let python = output(Command::new(reference_python()).args(["-c", about]));
            format!("saltyrtc.server {} with {python}", reference_version())
        } else {
            "saltyrtc.server NOT MEASURED (no Python for it at hand)".to_owned()
        };
        format!(
            "{} {pinned}\n{}, saltyrtc {}, tokio-tungstenite {}, {reference}.\n\
             Medians of {rounds} rounds of {} ms each, {RELAYING_PAIRS} pairs relaying.",
            machine(),
            output(Command::new("rustc").arg("--version")),
            env!("CARGO_PKG_VERSION"),
            locked_version(include_str!("../../Cargo.lock"), "tokio-tungstenite"),
            time.as_millis(),
        )
    }
}

fn reference_version() -> &'static str {
    let requirements = include_str!("../../tests/interop/python-server/requirements.txt");
    requirements
        .lines()
        .find_map(|line| line.split_once("]=="))
        .map_or("unknown", |(_, version)| version)
}
