//! Compares the built-in WebRTC with the libraries that somebody would use in its place, in one run.
//!
//! `make bench-rtc` runs it; `benches/README.md` says how to read what comes out. The program also is what
//! it measures: `end secure|plain|tcp ADDRESS [SERVER]` is one end of a connection, and `child.rs` says what it
//! does; `server ADDRESS` is the signalling server at one end of a link.

mod child;
mod figures;
mod links;
mod network;
mod ours;
mod pair;
#[path = "../report/mod.rs"]
mod report;
mod tcp;

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use figures::Figures;
use pair::{Pair, Place, Program};
use saltyrtc::protocol::ServerUrl;
use saltyrtc::server::{Server, ServerConfig};

/// The sizes of messages in bytes.
const SIZES: [usize; 3] = [16 << 10, 64 << 10, 64];

/// How much is done.
struct Plan {
    rounds: usize,
    /// How long each measurement of a round counts.
    time: Duration,
    /// What goes before it and does not count.
    warm_up: Duration,
}

const FULL: Plan =
    Plan { rounds: 7, time: Duration::from_millis(1500), warm_up: Duration::from_millis(700) };

const QUICK: Plan =
    Plan { rounds: 2, time: Duration::from_millis(500), warm_up: Duration::from_millis(500) };

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` adds an option of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["end", layer @ ("secure" | "plain"), address, ref server @ ..] => {
            let server = server.first().map(|url| ServerUrl::parse(url)).transpose()?;
            ours::serve(address.parse()?, server, layer == "secure");
            Ok(())
        }
        ["end", "tcp", address] => {
            tcp::serve(address.parse()?);
            Ok(())
        }
        ["server", address] => serve(address.parse()?),
        // The page is about the default features.
        [] => {
            compare(&FULL, &Program::ALL, !cfg!(feature = "audited-only"))?;
            compare_over_links(false, "", !cfg!(feature = "audited-only"))
        }
        ["--quick"] => {
            compare(&QUICK, &Program::ALL, false)?;
            compare_over_links(true, "", false)
        }
        ["--links"] => compare_over_links(false, "", !cfg!(feature = "audited-only")),
        ["--links", "--only", title] => compare_over_links(false, title, false),
        ["--links", "--quick"] => compare_over_links(true, "", false),
        ["--only", name] => {
            let program = Program::ALL.into_iter().find(|program| program.name() == name);
            compare(&FULL, &[program.ok_or("there is no such program")?], false)
        }
        _ => Err("usage: [--quick | --only NAME] | --links [--quick | --only TITLE]".into()),
    }
}

/// The signalling server, until the input ends.
fn serve(address: IpAddr) -> Result<(), Box<dyn Error>> {
    let server = Server::start(ServerConfig::new(SocketAddr::new(address, 0)))?;
    println!("ws://{}", server.local_addr().unwrap());
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn compare_over_links(quick: bool, only: &str, write: bool) -> Result<(), Box<dyn Error>> {
    if let Some(text) = links::measure(quick, only)? {
        let text = format!("{}\n{text}", report::machine());
        println!("{text}");
        if write {
            report::write("bench-rtc", "bench-rtc, links", &text)?;
        }
    }
    Ok(())
}

fn compare(plan: &Plan, programs: &[Program], write: bool) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let mut programs = programs.to_vec();
    programs.retain(|program| {
        let there = program.is_there();
        if !there {
            eprintln!("NOT MEASURED: {}, which was not built.", program.name());
        }
        there
    });
    let server = Server::start(ServerConfig::new("127.0.0.1:0".parse()?))?;
    let url = ServerUrl::parse(&format!("ws://{}", server.local_addr().unwrap()))?;
    let mut figures = Figures::default();
    for round in 1..=plan.rounds {
        for &program in &programs {
            let name = program.name();
            let about = |what: String| {
                move |error: io::Error| format!("{name}, {what}, in round {round}: {error}")
            };
            // New processes in each round: how a connection turns out is partly chance.
            let (pair, opening) = Pair::connect(program, Place::Loopback(&url))
                .map_err(about("connecting".into()))?;
            figures.add_opening(program, opening);
            for size in SIZES {
                let marks = pair.flood(size, plan.warm_up, plan.time);
                let marks = marks.map_err(about(format!("messages of {}", report::size(size))))?;
                figures.add_flood(program, size, marks);
            }
            let times = pair.round_trip(plan.warm_up, plan.time);
            let times = times.map_err(about("there and back".into()))?;
            figures.add_round_trip(program, times);
        }
        eprint!("\rround {round} of {}", plan.rounds);
    }
    eprintln!(", {} s", begin.elapsed().as_secs());
    let text = figures.to_markdown(plan.rounds, plan.time);
    println!("{text}");
    if write {
        report::write("bench-rtc", "bench-rtc", &text)?;
    }
    Ok(())
}
