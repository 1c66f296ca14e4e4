//! Hostile clients in a process of their own. They may have what the others leave of the processor, as if they had machines
//! of their own, so that what others notice of them is the work that they make for the server.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::version::TLS13;

use crate::attacks::ATTACKS;
use crate::pair::{Enough, Started};
use crate::socket_peer::tls_client;
use crate::target::Target;

/// What tells the process what to attack: the address, that of the admin listener, and the root certificate in
/// hexadecimal digits.
const VARIABLE: &str = "SALTYRTC_SOAK_TARGET";
/// Before what the process has to say, as the test harness writes to the same place.
const MARK: &str = "attackers: ";

/// How long attacks may take to begin and to end. They have the least of the processor.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where attacks came to nothing, and how often.
static CUT_SHORT: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// The process.
pub(crate) struct Attackers {
    child: Child,
    input: ChildStdin,
    said: Receiver<String>,
}

/// What attacks cost whoever makes them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent {
    pub(crate) connections: u64,
    pub(crate) bytes: u64,
    /// The attacks that were as they are meant to be, before they ended.
    pub(crate) under_way: BTreeSet<String>,
    /// Where attacks came to nothing, and how often. Those who are too slow are cut off.
    pub(crate) cut_short: String,
}

impl Attackers {
    pub(crate) fn start(server: SocketAddr, admin: SocketAddr, root: &[u8]) -> Self {
        let root: String = root.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut child = Command::new("chrt")
            .args(["--idle", "0"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "attackers::process", "--ignored", "--nocapture"])
            .env(VARIABLE, format!("{server} {admin} {root}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, said) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((_, said)) = line.split_once(MARK) {
                    let _ = sender.send(said.to_owned());
                }
            }
        });
        let mut attackers = Self { child, input, said };
        assert_eq!(attackers.answer(), "ready");
        attackers
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn answer(&mut self) -> String {
        match self.said.recv_timeout(PATIENCE) {
            Ok(said) => said,
            Err(RecvTimeoutError::Timeout) => panic!("the attackers say nothing"),
            Err(RecvTimeoutError::Disconnected) => panic!("the attackers failed, see above"),
        }
    }

    fn tell(&mut self, text: &str) {
        writeln!(self.input, "{text}").expect("the attackers listen");
    }

    /// Begins attacks.
    pub(crate) fn begin(&mut self, names: &[&str]) {
        self.tell(&names.join(","));
    }

    /// Ends all attacks.
    pub(crate) fn end(&mut self) -> Spent {
        self.tell("enough");
        let mut under_way = BTreeSet::new();
        let spent = loop {
            let said = self.answer();
            match said.split_once(' ') {
                Some(("under-way", name)) => _ = under_way.insert(name.to_owned()),
                Some(("spent", spent)) => break spent.to_owned(),
                _ => panic!("{said}"),
            }
        };
        let [connections, bytes, cut_short] = spent.splitn(3, ' ').collect::<Vec<_>>()[..] else {
            panic!("{spent}")
        };
        let [connections, bytes] = [connections, bytes].map(|number| number.parse().unwrap());
        Spent { connections, bytes, under_way, cut_short: cut_short.to_owned() }
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say(text: &str) {
    // The harness may have begun a line.
    println!("\n{MARK}{text}");
}

/// The inside of the process. Alone it does nothing.
#[test]
#[ignore = "is started by others"]
fn process() {
    let Ok(told) = std::env::var(VARIABLE) else { return };
    let [server, admin, root] = told.split(' ').collect::<Vec<_>>()[..] else { panic!("{told}") };
    let root = (0..root.len()).step_by(2).map(|n| u8::from_str_radix(&root[n..n + 2], 16).unwrap());
    let tls = tls_client(&CertificateDer::from(root.collect::<Vec<_>>()), &TLS13);
    let target = Target::program(server.parse().unwrap(), admin.parse().unwrap(), Some(tls));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // An attack can come to nothing: whoever is slow is cut off. It begins again, and how often is told.
    let main = std::thread::current().id();
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == main {
            report(panic);
        } else if let Some(place) = panic.location() {
            *CUT_SHORT.lock().unwrap().entry(place.to_string()).or_default() += 1;
        }
    }));
    say("ready");
    let mut running = None;
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        match (line.as_str(), &mut running) {
            ("enough", running) => {
                let attacks: Running = running.take().expect("attacks");
                say(&format!("spent {}", runtime.block_on(attacks.end())));
            }
            (names, running) => *running = Some(Running::begin(names, &target, &runtime)),
        }
    }
}

struct Running {
    tell: tokio::sync::watch::Sender<bool>,
    attacks: JoinSet<()>,
    targets: Vec<Target>,
}

impl Running {
    fn begin(names: &str, target: &Target, runtime: &tokio::runtime::Runtime) -> Self {
        let _in = runtime.enter();
        let (tell, enough) = Enough::new();
        let (mut attacks, mut targets) = (JoinSet::new(), Vec::new());
        for name in names.split(',') {
            let n = ATTACKS.iter().position(|attack| attack.name == name);
            let n = n.unwrap_or_else(|| panic!("no attack '{name}'"));
            // Each has an address of its own.
            let target = target.seen_from(Ipv4Addr::new(127, 0, 1, n as u8 + 1));
            targets.push(target.clone());
            let (again, mut enough) = (enough.clone(), enough.clone());
            let attack = async move {
                let under_way = Arc::new(AtomicBool::new(false));
                while !again.reached() {
                    let started = tell_under_way(ATTACKS[n].name, under_way.clone());
                    let attack = (ATTACKS[n].run)(target.clone(), started, again.clone());
                    _ = AssertUnwindSafe(attack).catch_unwind().await;
                }
            };
            attacks.spawn(async move {
                tokio::select! {
                    () = attack => {}
                    // They vanish in the middle of what they do.
                    () = enough.wait() => {}
                }
            });
        }
        Self { tell, attacks, targets }
    }

    async fn end(mut self) -> String {
        self.tell.send_replace(true);
        while let Some(ended) = self.attacks.join_next().await {
            ended.expect("attacks go on until it is enough");
        }
        // And whatever tasks they had.
        while Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
        let sum = |count: fn(&Target) -> u64| self.targets.iter().map(count).sum::<u64>();
        let connections = sum(|target| target.cost().connections.load(Ordering::Relaxed));
        let bytes = sum(|target| target.cost().bytes.load(Ordering::Relaxed));
        let cut_short = std::mem::take(&mut *CUT_SHORT.lock().unwrap());
        let cut_short: Vec<_> =
            cut_short.iter().map(|(place, times)| format!("{place} {times} times")).collect();
        format!("{connections} {bytes} {}", cut_short.join(", "))
    }
}

/// Says so once.
fn tell_under_way(name: &'static str, said: Arc<AtomicBool>) -> Started {
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        if told.await.is_ok() && !said.swap(true, Ordering::Relaxed) {
            say(&format!("under-way {name}"));
        }
    });
    tell.into()
}
