//! Compares the server with a bare relay on the same crates and with the Python server, in one run.
//!
//! `make bench-server` runs it; `benches/README.md` says how to read what comes out. The program also
//! serves: `serve-saltyrtc ADDRESS` and `serve-bare ADDRESS` are the processes that it measures.

mod bare_relay;
mod figures;
mod measure;
mod pair;
mod process;
#[path = "../report/mod.rs"]
mod report;
mod socket;

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use figures::{Figure, Figures};
use measure::{PingPong, RELAYING_PAIRS, connect, handshake_keys, handshakes, memory, relay};
use process::{Program, ServerProcess, can_pin, pin_load, reference_python};
use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::server::{Server, ServerConfig};

/// The sizes of relayed messages in bytes, nonces included.
const SIZES: [usize; 4] = [64, 1 << 10, 16 << 10, 64 << 10];

/// How much is done.
struct Plan {
    rounds: usize,
    /// The Python server takes part in the first of them only.
    reference_rounds: usize,
    /// How long each measurement of a round counts.
    time: Duration,
    idle_pairs: usize,
    idle_reference_pairs: usize,
}

const FULL: Plan = Plan {
    rounds: 9,
    reference_rounds: 3,
    time: Duration::from_millis(600),
    idle_pairs: 1000,
    idle_reference_pairs: 200,
};

const QUICK: Plan = Plan {
    rounds: 3,
    reference_rounds: 1,
    time: Duration::from_millis(200),
    idle_pairs: 250,
    idle_reference_pairs: 50,
};

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` adds an option of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve-saltyrtc", address] => serve(address.parse()?),
        ["serve-bare", address] => Ok(bare_relay::serve(address.parse()?)?),
        [] => compare(&FULL, None, true),
        ["--quick"] => compare(&QUICK, None, false),
        ["--only", text] => compare(&FULL, Some(text), false),
        _ => {
            Err("usage: [--quick | --only TEXT] | serve-saltyrtc ADDRESS | serve-bare ADDRESS"
                .into())
        }
    }
}

/// Our server, until the process is killed.
fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut config = ServerConfig::new(address);
    // All clients come from one address, and as fast as they can.
    config.limits.connections_per_address = None;
    config.limits.accept_rate = None;
    config.permanent_keys = vec![KeyPair::generate(&mut OsRandom)];
    let _server = Server::start(config)?;
    loop {
        std::thread::park();
    }
}

/// A server and those who are connected to it all the time.
struct Bed {
    server: ServerProcess,
    pairs: Vec<pair::Pair>,
    ping_pong: PingPong,
}

/// Measures everything, or `only` the lines of the table that have this text in their title.
fn compare(plan: &Plan, only: Option<&str>, write: bool) -> Result<(), Box<dyn Error>> {
    let wanted = |figure: Figure| only.is_none_or(|text| figure.title().contains(text));
    let begin = Instant::now();
    let pinned = can_pin();
    if pinned {
        pin_load();
    } else {
        eprintln!(
            "NOT PINNED: there is no taskset here, or one core only. Do not trust the ratios."
        );
    }
    let mut programs = Program::ALL.to_vec();
    if !reference_python().exists() {
        eprintln!(
            "NOT MEASURED: saltyrtc.server. It is not installed in tests/interop/python-server, and \
             needs Python 3.7, 3.8 or 3.9."
        );
        programs.retain(|program| *program != Program::Reference);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut figures = Figures::new(pinned);
    for &program in programs.iter().filter(|_| wanted(Figure::Memory)) {
        let pairs = match program {
            Program::Reference => plan.idle_reference_pairs,
            _ => plan.idle_pairs,
        };
        if let Some(bytes) = runtime.block_on(memory(program, pairs))? {
            figures.add(Figure::Memory, program, bytes / 1024.0);
        }
    }
    let mut beds = Vec::new();
    for &program in &programs {
        let server = ServerProcess::start(program)?;
        let pairs = runtime.block_on(connect(&server, RELAYING_PAIRS))?;
        let pair = runtime.block_on(connect(&server, 1))?.pop().ok_or("one was asked for")?;
        // In the runtime, because the sockets are taken out of it.
        let ping_pong = runtime.block_on(async { PingPong::new(pair) })?;
        beds.push(Bed { server, pairs, ping_pong });
    }
    let keys = handshake_keys();
    // The round before the first is not counted: caches, allocators and the Python's compiler.
    for round in 0..=plan.rounds {
        for figure in Figure::rates(&SIZES).into_iter().filter(|figure| wanted(*figure)) {
            for bed in &mut beds {
                if bed.server.program == Program::Reference && round > plan.reference_rounds {
                    continue;
                }
                let sample = runtime.block_on(async {
                    if let Figure::Messages(bytes) = figure {
                        let pairs = std::mem::take(&mut bed.pairs);
                        let (pairs, sample) = relay(&bed.server, pairs, bytes, plan.time).await?;
                        bed.pairs = pairs;
                        Ok(sample)
                    } else {
                        let with_peer = figure == Figure::PairsToPeer;
                        handshakes(&bed.server, &keys, with_peer, plan.time).await
                    }
                });
                let name = bed.server.program.name();
                let sample = sample.map_err(|error| format!("{name}, {figure:?}: {error}"))?;
                if round > 0 {
                    figures.add_rate(figure, bed.server.program, sample);
                }
            }
        }
        for bed in beds.iter_mut().filter(|_| wanted(Figure::LatencyP50)) {
            if bed.server.program == Program::Reference && round > plan.reference_rounds {
                continue;
            }
            let (p50, p99) = bed.ping_pong.latency(plan.time)?;
            if round > 0 {
                figures.add(Figure::LatencyP50, bed.server.program, p50.as_secs_f64() * 1e6);
                figures.add(Figure::LatencyP99, bed.server.program, p99.as_secs_f64() * 1e6);
            }
        }
        eprint!("\rround {round} of {}", plan.rounds);
    }
    eprintln!(", {} s", begin.elapsed().as_secs());
    let text = figures.to_markdown(&SIZES, plan.rounds, plan.time);
    println!("{text}");
    if write {
        report::write("bench-server", "bench-server", &text)?;
    }
    Ok(())
}
