//! From samples to the table in `benches/README.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use saltyrtc::crypto::{Content, Implementation};

use crate::pair::{Mark, Opening, Program};
use crate::report::{locked_version, machine, median, number, output, ratio, size};

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    /// Megabytes per second in messages of this size.
    Throughput(usize),
    /// Messages of this size per second.
    Messages(usize),
    /// Microseconds there and back.
    RoundTripP50,
    /// Microseconds there and back.
    RoundTripP99,
    /// Milliseconds from the beginning to the open channel.
    Open,
    /// Milliseconds of it after the client-to-client handshake.
    OpenWebRtc,
    /// Processor seconds per gigabyte, at this size.
    SenderCpu(usize),
    /// Processor seconds per gigabyte, at this size.
    ReceiverCpu(usize),
    /// Processor microseconds per message of this size.
    SenderCpuMessage(usize),
    /// Processor microseconds per message of this size.
    ReceiverCpuMessage(usize),
}

impl Figure {
    fn title(self) -> String {
        match self {
            Self::Throughput(bytes) => format!("MB/s in messages of {}", size(bytes)),
            Self::Messages(bytes) => format!("messages/s of {}", size(bytes)),
            Self::RoundTripP50 => "there and back, 64 B, p50, µs ↓".into(),
            Self::RoundTripP99 => "there and back, 64 B, p99, µs ↓".into(),
            Self::Open => "until the channel is open, ms ↓".into(),
            Self::OpenWebRtc => "of it after the client-to-client handshake, ms ↓".into(),
            Self::SenderCpu(bytes) => format!("sender, {}: CPU s/GB ↓", size(bytes)),
            Self::ReceiverCpu(bytes) => format!("receiver, {}: CPU s/GB ↓", size(bytes)),
            Self::SenderCpuMessage(bytes) => format!("sender, {}: CPU µs/message ↓", size(bytes)),
            Self::ReceiverCpuMessage(bytes) => {
                format!("receiver, {}: CPU µs/message ↓", size(bytes))
            }
        }
    }
}

/// All samples of a run.
#[derive(Default)]
pub(crate) struct Figures {
    values: BTreeMap<(Figure, Program), Vec<f64>>,
}

impl Figures {
    fn add(&mut self, figure: Figure, program: Program, value: f64) {
        self.values.entry((figure, program)).or_default().push(value);
    }

    pub(crate) fn add_opening(&mut self, program: Program, opening: Opening) {
        self.add(Figure::Open, program, opening.all.as_secs_f64() * 1e3);
        if let Some(webrtc) = opening.webrtc {
            self.add(Figure::OpenWebRtc, program, webrtc.as_secs_f64() * 1e3);
        }
    }

    pub(crate) fn add_round_trip(&mut self, program: Program, [p50, p99]: [Duration; 2]) {
        self.add(Figure::RoundTripP50, program, p50.as_secs_f64() * 1e6);
        self.add(Figure::RoundTripP99, program, p99.as_secs_f64() * 1e6);
    }

    /// What sender and receiver did with messages of this size.
    pub(crate) fn add_flood(
        &mut self,
        program: Program,
        bytes: usize,
        [sender, receiver]: [Mark; 2],
    ) {
        let seconds = receiver.wall as f64 / 1e9;
        let (sent, arrived) = (receiver.bytes as f64, receiver.messages as f64);
        if bytes < 1024 {
            self.add(Figure::Messages(bytes), program, arrived / seconds);
            let cpu = |mark: Mark| mark.cpu as f64 / 1e3 / arrived;
            self.add(Figure::SenderCpuMessage(bytes), program, cpu(sender));
            self.add(Figure::ReceiverCpuMessage(bytes), program, cpu(receiver));
        } else {
            self.add(Figure::Throughput(bytes), program, sent / 1e6 / seconds);
            // Nanoseconds per byte are seconds per gigabyte.
            let cpu = |mark: Mark| mark.cpu as f64 / sent;
            self.add(Figure::SenderCpu(bytes), program, cpu(sender));
            self.add(Figure::ReceiverCpu(bytes), program, cpu(receiver));
        }
    }

    fn values(&self, figure: Figure, program: Program) -> &[f64] {
        self.values.get(&(figure, program)).map_or(&[], Vec::as_slice)
    }

    /// The median over the rounds of what was measured in the same round.
    fn ratio_to(&self, figure: Figure, other: Program) -> Option<f64> {
        let ours = self.values(figure, Program::Ours).iter();
        median(ours.zip(self.values(figure, other)).map(|(ours, other)| ours / other).collect())
    }

    pub(crate) fn to_markdown(&self, rounds: usize, time: Duration) -> String {
        const OTHERS: [Program; 2] = [Program::LibDataChannel, Program::WebrtcRs];
        let mut text = circumstances(rounds, time);
        text.push_str("\n\n| |");
        for program in Program::ALL {
            let _ = write!(text, " {} |", program.name());
        }
        for other in OTHERS {
            let _ = write!(text, " ours / {} |", other.name());
        }
        text.push_str("\n|---|---:|---:|---:|---:|---:|---:|\n");
        let mut figures: Vec<Figure> = self.values.keys().map(|(figure, _)| *figure).collect();
        figures.dedup();
        for figure in figures {
            let _ = write!(text, "| {} |", figure.title());
            for program in Program::ALL {
                let value = median(self.values(figure, program).to_vec());
                let _ = write!(text, " {} |", number(value));
            }
            for other in OTHERS {
                let _ = write!(text, " {} |", ratio(self.ratio_to(figure, other)));
            }
            text.push('\n');
        }
        text
    }
}

fn circumstances(rounds: usize, time: Duration) -> String {
    let others = include_str!("../rtc-others/Cargo.lock");
    let name = |program: Program, text: String| {
        if program.is_there() { text } else { format!("{} NOT MEASURED", program.name()) }
    };
    let audited = Content::ChannelMessage.implementation(usize::MAX) == Implementation::Audited;
    let crypto = if audited { "crypto_box" } else { "dryoc" };
    // As in the version of the bindings: 0.23.0+0.23.2.
    let bindings = locked_version(others, "datachannel-sys");
    let version = bindings.split_once('+').map_or(bindings, |(_, version)| version);
    format!(
        "{}\n{}, saltyrtc {} with NaCl by {crypto}, {}, {}.\n\
         Medians of {rounds} rounds of {} ms each. Two processes, not tied to cores.",
        machine(),
        output(Command::new("rustc").arg("--version")),
        env!("CARGO_PKG_VERSION"),
        name(Program::LibDataChannel, format!("libdatachannel {version}")),
        name(Program::WebrtcRs, format!("webrtc-rs {}", locked_version(others, "webrtc"))),
        time.as_millis(),
    )
}
