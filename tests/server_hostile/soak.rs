//! The program for a long time, with clients that behave well and hostile ones: `make soak`.
//!
//! Rounds without hostile clients and with all attacks at once follow each other. After each of them only the same few
//! clients are there, and what the server has then is compared.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use saltyrtc::client::Roots;
use saltyrtc::crypto::PublicKey;
use saltyrtc::protocol::ServerUrl;
use saltyrtc::transport::Certificates;
use tokio::runtime::Runtime;
use tokio::sync::RwLock;
use tokio::task::JoinSet;

use crate::attackers::{Attackers, Spent};
use crate::attacks::ATTACKS;
use crate::judge::{Growth, LEAST_ROUNDS, Latency, Round, Sample};
use crate::pair::Enough;
use crate::process::{descriptors, go_first, memory};
use crate::support::{Directory, Program};
use crate::well_behaved::{Access, Pair, Seen, Together};
use crate::{crowd, flood, slow};

/// How long the whole takes, in seconds. Without it the test does nothing.
const VARIABLE: &str = "SALTYRTC_SOAK_SECONDS";
/// Pairs that stay together, and pairs that come and go.
const STAYING: usize = 8;
const COMING: usize = 3;
/// How long a round is without hostile clients, and with them.
const PHASE: Duration = Duration::from_secs(8);
/// The first rounds, after which every attack has happened and memory has been as much as it gets.
const WARM_UP: usize = 2;
/// How long the end may take.
const STOP: Duration = Duration::from_secs(20);
/// Attacks that hold connections and send nothing that is relayed.
const AT_THE_END: [&str; 3] =
    ["requests in pieces", "clients that never authenticate", "a path full of silent connections"];

/// A certificate authority that clients trust, and ever new certificates of it.
struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    root: Vec<u8>,
}

impl Authority {
    fn new() -> Self {
        let mut parameters = rcgen::CertificateParams::new([]).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let root = parameters.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: rcgen::Issuer::new(parameters, key), root }
    }

    fn issue(&self, directory: &Directory) {
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        directory.write("tls.pem", certificate.pem());
        directory.write("tls.key", key.serialize_pem());
    }
}

/// The server, and everybody around it.
pub(crate) struct Soak {
    pub(crate) program: Program,
    directory: Directory,
    authority: Authority,
    pub(crate) attackers: Attackers,
    /// What a client that behaves well had to complain about.
    complaints: Receiver<String>,
    pub(crate) seen: Arc<Seen>,
    spent: Spent,
    reloads: usize,
}

impl Soak {
    pub(crate) fn start() -> (Self, Arc<Access>, std::sync::mpsc::Sender<String>) {
        let directory = Directory::new();
        let authority = Authority::new();
        authority.issue(&directory);
        let key = PublicKey::from_hex(&directory.permanent_key("permanent.key")).unwrap();
        configure(&directory, 0);
        let program = Program::start(&["--config", &directory.name("config.toml")], &[]);
        let attackers = Attackers::start(program.address, program.admin.unwrap(), &authority.root);
        let url = format!("wss://localhost:{}", program.address.port());
        let access = Access {
            url: ServerUrl::parse(&url).unwrap(),
            roots: Roots::Only(Certificates::parse(&authority.root).unwrap()),
            key,
        };
        let (complain, complaints) = channel();
        let (seen, spent, reloads) = (Arc::default(), Spent::default(), 0);
        let soak =
            Self { program, directory, authority, attackers, complaints, seen, spent, reloads };
        (soak, Arc::new(access), complain)
    }

    /// Lets time pass, for as long as nobody complains and the health checks succeed.
    pub(crate) fn watch(&self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            for path in ["/healthz", "/readyz"] {
                assert_eq!(self.program.get(path).0, 200, "{path}");
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.complaints.recv_timeout(left.min(Duration::from_secs(1))) {
                Ok(complaint) => panic!("a client that behaves well: {complaint}"),
                Err(RecvTimeoutError::Timeout) if left > Duration::ZERO => {}
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => panic!("all clients have left"),
            }
        }
    }

    /// A new certificate and other limits, and a file that cannot work every other time.
    fn reload(&mut self) {
        self.reloads += 1;
        if self.reloads.is_multiple_of(2) {
            self.directory.write("config.toml", "meow = 1");
            self.program.signal("HUP");
            self.program.wait_for_log("nothing was reloaded");
        }
        self.authority.issue(&self.directory);
        configure(&self.directory, self.reloads);
        self.program.signal("HUP");
        self.program.wait_for_log("reload done");
    }

    /// Half of a round. Returns its number.
    fn phase(&mut self) -> usize {
        let phase = self.seen.begin_phase();
        self.watch(PHASE / 2);
        // In both halves, as it takes time, too.
        self.reload();
        self.watch(PHASE / 2);
        self.seen.begin_phase();
        phase
    }

    /// Returns the numbers of its halves.
    fn round(&mut self) -> [usize; 2] {
        let quiet = self.phase();
        let names: Vec<_> = ATTACKS.iter().map(|attack| attack.name).collect();
        self.attackers.begin(&names);
        let attacked = self.phase();
        let spent = self.attackers.end();
        self.spent.connections += spent.connections;
        self.spent.bytes += spent.bytes;
        self.spent.under_way.extend(spent.under_way);
        if !spent.cut_short.is_empty() {
            println!("attacks that came to nothing: {:?}", spent.cut_short);
        }
        [quiet, attacked]
    }

    /// What the server has when nobody but the staying pairs is there.
    fn sample(&self, runtime: &Runtime, gate: &RwLock<()>) -> Sample {
        let _shut = runtime.block_on(gate.write());
        let end = Instant::now() + crate::support::NEVER;
        while self.program.metric("saltyrtc_server_connections") as usize != 2 * STAYING {
            assert!(Instant::now() < end, "the attackers do not go away");
            self.watch(Duration::from_millis(50));
        }
        // Those of health checks come and go.
        let look = |_| {
            self.watch(Duration::from_millis(50));
            descriptors(self.program.id())
        };
        Sample {
            memory: memory(self.program.id()),
            descriptors: (0..10).map(look).min().expect("looks"),
            connections: self.program.metric("saltyrtc_server_connections_accepted_total") as u64,
        }
    }

    /// The server is stopped. What it has taken arrives, everybody is closed, and it ends in time.
    fn stop(&mut self, runtime: &Runtime, mut together: Vec<Together>) {
        self.attackers.begin(&AT_THE_END);
        let taken = "saltyrtc_server_relayed_messages_total";
        let before = self.program.metric(taken) as u64;
        let sent: u64 = together.iter_mut().map(Together::send_last_words).sum();
        let end = Instant::now() + crate::support::NEVER;
        while self.program.metric(taken) as u64 != before + sent {
            assert!(Instant::now() < end, "the server takes all of {sent} messages");
            std::thread::yield_now();
        }
        let began = Instant::now();
        self.program.signal("TERM");
        runtime.block_on(async {
            for pair in together {
                pair.hear_last_words().await;
            }
        });
        let (status, output) = self.program.wait();
        assert_eq!(status.code(), Some(0), "{:#?}", self.program.log);
        assert!(output.ends_with("Stopping\nStopped\n"), "{output}");
        assert!(began.elapsed() < STOP, "{:?}", began.elapsed());
        let errors = |line: &&String| line.contains("panicked");
        assert_eq!(self.program.log.iter().find(errors), None);
    }
}

/// Writes the configuration, which is not always the same.
fn configure(directory: &Directory, n: usize) {
    let [pem, key, permanent] =
        ["tls.pem", "tls.key", "permanent.key"].map(|name| directory.name(name));
    let content = format!(
        "tlscert = '{pem}'\ntlskey = '{key}'\nkey = ['{permanent}']\n\
         max-connections-per-path = {}\nmax-queue = {}\nmax-receiving = {}\n\
         handshake-timeout = '{}s'\nverbosity = {}\n",
        crowd::ROOM,
        flood::QUEUE,
        flood::RECEIVING,
        slow::HANDSHAKE.as_secs(),
        4 + n % 2,
    );
    directory.write("config.toml", content);
}

/// See the module.
#[test]
#[ignore = "takes as long as it is told: make soak"]
fn soak() {
    let Ok(seconds) = std::env::var(VARIABLE) else { return };
    let time = Duration::from_secs(seconds.parse().expect("a number of seconds"));
    let end = Instant::now() + time;
    let runtime = Runtime::new().unwrap();
    let (mut soak, access, complain) = Soak::start();
    let (tell, enough) = Enough::new();
    let gate = Arc::new(RwLock::new(()));
    let (mut staying, mut coming) = (JoinSet::new(), JoinSet::new());
    for _ in 0..STAYING {
        let pair = Pair::new(&access, &soak.seen);
        staying.spawn_on(pair.stay(enough.clone()), runtime.handle());
    }
    for _ in 0..COMING {
        let pair = Pair::new(&access, &soak.seen).come_and_go(gate.clone(), enough.clone());
        coming.spawn_on(pair, runtime.handle());
    }
    let staying = runtime.spawn(watched(staying, complain.clone()));
    let coming = runtime.spawn(watched(coming, complain));

    // All threads are there that clients need.
    while soak.seen.meetings() < (STAYING + COMING) as u64 {
        soak.watch(Duration::from_millis(50));
    }
    go_first();

    let (mut rounds, mut samples, mut longest) = (Vec::new(), Vec::new(), Duration::ZERO);
    loop {
        let began = Instant::now();
        let round = soak.round();
        let sample = soak.sample(&runtime, &gate);
        println!("round {}: {sample:?}", samples.len() + 1);
        rounds.push(round);
        samples.push(sample);
        longest = longest.max(began.elapsed());
        // The end takes some time, too.
        if samples.len() >= WARM_UP + LEAST_ROUNDS && Instant::now() + longest + STOP > end {
            break;
        }
    }
    tell.send_replace(true);
    runtime.block_on(coming).unwrap();
    let together = runtime.block_on(staying).unwrap();
    soak.stop(&runtime, together);
    // All messages have arrived, however long they took.
    let rounds: Vec<_> = rounds
        .into_iter()
        .map(|halves: [usize; 2]| halves.map(|phase| soak.seen.take(phase)))
        .map(|[quiet, attacked]| Round { quiet, attacked })
        .collect();
    let latency = Latency::judge(&rounds[WARM_UP.min(rounds.len())..]);
    let growth = Growth::judge(&samples[WARM_UP.min(samples.len())..]);
    print!("{}", report(&soak, &rounds, &latency, &growth));
    let mut faults: Vec<_> = latency.err().into_iter().collect();
    faults.extend(growth.err());
    for attack in ATTACKS {
        if !soak.spent.under_way.contains(attack.name) {
            faults.push(format!("'{}' was never under way: this machine is too slow", attack.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What the tasks give back when all have ended. The first that fails is told.
pub(crate) async fn watched<T: Send + 'static>(
    mut tasks: JoinSet<T>,
    complain: std::sync::mpsc::Sender<String>,
) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(value) => all.push(value),
            Err(failed) => {
                let _ = complain.send(failed.to_string());
            }
        }
    }
    all
}

fn report(
    soak: &Soak,
    rounds: &[Round],
    latency: &Result<Latency, String>,
    growth: &Result<Growth, String>,
) -> String {
    let seen = &soak.seen;
    let mut text = format!(
        "{} rounds, {} messages between {} well-behaved pairs, {} meetings, {} reloads, {} hostile connections\n",
        rounds.len(),
        seen.messages.load(Ordering::Relaxed),
        STAYING + COMING,
        seen.meetings.load(Ordering::Relaxed),
        soak.reloads,
        soak.spent.connections,
    );
    if let Ok(latency) = latency {
        text += &format!(
            "{:<12} {:>13} {:>13} {:>8}\n",
            "there and back", "alone", "attacked", "ratio"
        );
        text += &latency.to_string();
    }
    if let Ok(Growth { from, to, .. }) = growth {
        let kib = |sample: &Sample| format!("{} KiB", sample.memory >> 10);
        text += &format!("{:<12} {:>13} {:>13}\n", "", "after warm-up", "at the end");
        text += &format!("{:<12} {:>13} {:>13}\n", "memory", kib(from), kib(to));
        text += &format!("{:<12} {:>13} {:>13}\n", "descriptors", from.descriptors, to.descriptors);
    }
    text
}
