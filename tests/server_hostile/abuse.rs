//! What each attack costs, on the page for operators (`docs/abuse.md`).
//!
//! Each attack is made against a program of its own, next to pairs that behave well. Every run measures and holds the
//! page against that, by a wide margin; with `SALTYRTC_BLESS=1` it writes the page.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::attacks::{ATTACKS, Attack};
use crate::judge::quantile;
use crate::pair::Enough;
use crate::process::{descriptors, memory_from_now, peak, processor_time};
use crate::soak::{Soak, watched};
use crate::well_behaved::Pair;

const BEGIN: &str = "<!-- abuse: begin (written by SALTYRTC_BLESS=1 make test-soak) -->\n";
const END: &str = "<!-- abuse: end -->";
/// How long the pairs are alone, and how long each attack lasts.
const ALONE: Duration = Duration::from_secs(1);
const ATTACK: Duration = Duration::from_secs(2);
const PAIRS: usize = 4;

/// What an attack of some seconds comes to.
struct Figures {
    name: String,
    connections: u64,
    sent_kib: u64,
    /// Of the processor, in per cent of a core.
    attacker: u64,
    server: u64,
    memory_mib: u64,
    descriptors: u64,
    /// Milliseconds there and back, alone and attacked.
    p99: [f64; 2],
}

impl Figures {
    fn row(&self) -> String {
        let Self { name, connections, sent_kib, attacker, server, memory_mib, descriptors, p99 } =
            self;
        format!(
            "| {name} | {connections} | {sent_kib} | {attacker} % | {server} % | {memory_mib} | {descriptors} | \
             {:.1} | {:.1} |",
            p99[0], p99[1]
        )
    }

    fn parse(row: &str) -> Self {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, numbers @ ..] = &cells[..] else { panic!("{row}") };
        let number = |n: usize| numbers[n].trim_end_matches(" %").parse::<f64>().expect(row);
        Self {
            name: (*name).to_owned(),
            connections: number(0) as u64,
            sent_kib: number(1) as u64,
            attacker: number(2) as u64,
            server: number(3) as u64,
            memory_mib: number(4) as u64,
            descriptors: number(5) as u64,
            p99: [number(6), number(7)],
        }
    }

    /// What is far beyond what the page says. How much a machine gets done in some seconds differs; what each
    /// connection and each byte costs the server does not differ that much.
    fn beyond(&self, page: &Self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |what: &str, measured: f64, stated: f64, margin: f64| {
            if measured > 3.0 * stated + margin {
                faults.push(format!(
                    "{}: {what} {measured:.2}, and the page says {stated:.2}",
                    self.name
                ));
            }
        };
        check("MiB of memory", self.memory_mib as f64, page.memory_mib as f64, 16.0);
        check("descriptors", self.descriptors as f64, page.descriptors as f64, 64.0);
        let ratio =
            |figures: &Self| (figures.server as f64 + 1.0) / (figures.attacker as f64 + 1.0);
        check("server's processor time for that of the attacker", ratio(self), ratio(page), 3.0);
        faults
    }
}

fn measure(runtime: &Runtime, attack: &Attack) -> Figures {
    let (mut soak, access, complain) = Soak::start();
    let (tell, enough) = Enough::new();
    let mut pairs = JoinSet::new();
    for _ in 0..PAIRS {
        let pair = Pair::new(&access, &soak.seen);
        pairs.spawn_on(pair.stay(enough.clone()), runtime.handle());
    }
    let pairs = runtime.spawn(watched(pairs, complain));
    let (server, attackers) = (soak.program.id(), soak.attackers.id());
    while soak.seen.meetings() < PAIRS as u64 {
        soak.watch(Duration::from_millis(10));
    }
    let alone = soak.seen.begin_phase();
    soak.watch(ALONE);
    let usual = descriptors(server);
    let memory = memory_from_now(server);
    let before = (processor_time(server), processor_time(attackers), Instant::now());
    let attacked = soak.seen.begin_phase();
    soak.attackers.begin(&[attack.name]);
    let mut most = usual;
    while before.2.elapsed() < ATTACK {
        soak.watch(ATTACK / 10);
        most = most.max(descriptors(server));
    }
    // Hundredths of seconds in a second are per cent.
    let per_cent = |now: u64, before: u64, seconds: f64| ((now - before) as f64 / seconds) as u64;
    let seconds = before.2.elapsed().as_secs_f64();
    let server_time = per_cent(processor_time(server), before.0, seconds);
    let attacker_time = per_cent(processor_time(attackers), before.1, seconds);
    let spent = soak.attackers.end();
    tell.send_replace(true);
    // All messages arrive: otherwise somebody complains.
    assert_eq!(
        runtime.block_on(pairs).unwrap().len(),
        PAIRS,
        "{}: a message was lost",
        attack.name
    );
    let p99 = [alone, attacked].map(|phase| quantile(&soak.seen.take(phase), 0.99));
    Figures {
        name: attack.name.to_owned(),
        connections: spent.connections,
        sent_kib: spent.bytes >> 10,
        attacker: attacker_time,
        server: server_time,
        memory_mib: peak(server).saturating_sub(memory) >> 20,
        descriptors: most - usual,
        p99: p99.map(|time| time.as_secs_f64() * 1e3),
    }
}

/// See the module.
#[test]
#[ignore = "measures: make soak"]
fn abuse() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/abuse.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("where the figures begin");
    let (table, after) = rest.split_once(END).expect("where they end");
    let stated: Vec<_> =
        table.lines().filter(|line| line.starts_with("| ")).skip(1).map(Figures::parse).collect();
    let names: Vec<_> = ATTACKS.iter().map(|attack| attack.name).collect();
    let bless = std::env::var_os("SALTYRTC_BLESS").is_some();
    if !bless {
        let on_page: Vec<_> = stated.iter().map(|figures| &*figures.name).collect();
        assert_eq!(on_page, names, "the page has other attacks: run it with SALTYRTC_BLESS=1");
    }
    let runtime = Runtime::new().unwrap();
    let measured: Vec<_> = ATTACKS.iter().map(|attack| measure(&runtime, attack)).collect();
    let mut table = String::from(
        "| attack | connections | sent, KiB | attacker | server | memory, MiB | descriptors | alone, ms | attacked, ms |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for figures in &measured {
        writeln!(table, "{}", figures.row()).unwrap();
    }
    println!("{table}");
    if bless {
        std::fs::write(path, format!("{before}{BEGIN}\n{table}{END}{after}")).unwrap();
        return;
    }
    let faults: Vec<_> =
        measured.iter().zip(&stated).flat_map(|(figures, page)| figures.beyond(page)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_page_is_held_against_what_is_measured() {
    let row = "| garbage | 100 | 5000 | 40 % | 60 % | 8 | 200 | 2.5 | 3.0 |";
    let page = Figures::parse(row);
    assert_eq!(page.row(), row);
    assert!(Figures::parse(row).beyond(&page).is_empty());
    for (worse, what) in [
        (Figures { memory_mib: 41, ..Figures::parse(row) }, "memory"),
        (Figures { descriptors: 665, ..Figures::parse(row) }, "descriptors"),
        (Figures { attacker: 1, server: 90, ..Figures::parse(row) }, "processor time"),
    ] {
        let faults = worse.beyond(&page);
        assert!(faults.len() == 1 && faults[0].contains(what), "{faults:?}");
    }
}
