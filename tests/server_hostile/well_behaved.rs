//! Clients that do what clients are for: the library's own. Each message has to arrive, once, and in order.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use saltyrtc::client::{Client, ClosedBy, Config, Event, Roots};
use saltyrtc::crypto::{KeyPair, PublicKey};
use saltyrtc::protocol::ServerUrl;
use saltyrtc::task::RelayedData;
use tokio::sync::RwLock;
use tokio::time::MissedTickBehavior;

use crate::clients::{closed, text, until};
use crate::pair::Enough;
use crate::socket_peer::keys;

/// How often a pair has something to say.
const PACE: Duration = Duration::from_millis(25);
/// How long a message is, in turn.
const SIZES: [usize; 5] = [16, 200, 1_000, 4_000, 24_000];
/// How often a pair that meets again says something, each time.
const WORDS: u64 = 5;
/// How long such a pair is away.
const AWAY: Duration = Duration::from_millis(250);
/// How many messages are under way when the server is stopped.
const LAST_WORDS: u64 = 100;

/// The server, for those who mean well.
pub(crate) struct Access {
    pub(crate) url: ServerUrl,
    pub(crate) roots: Roots,
    pub(crate) key: PublicKey,
}

/// What the clients have seen.
pub(crate) struct Seen {
    /// Which phase it is, and how long each message took that began in it. Phase 0 is before the first one.
    phase: AtomicUsize,
    latencies: Mutex<Vec<Vec<Duration>>>,
    pub(crate) messages: AtomicU64,
    pub(crate) meetings: AtomicU64,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            phase: AtomicUsize::new(0),
            latencies: Mutex::new(vec![Vec::new()]),
            messages: AtomicU64::new(0),
            meetings: AtomicU64::new(0),
        }
    }
}

impl Seen {
    /// How often two clients have met.
    pub(crate) fn meetings(&self) -> u64 {
        self.meetings.load(Ordering::Relaxed)
    }

    /// A new phase begins.
    pub(crate) fn begin_phase(&self) -> usize {
        let mut latencies = self.latencies.lock().unwrap();
        latencies.push(Vec::new());
        self.phase.store(latencies.len() - 1, Ordering::Relaxed);
        latencies.len() - 1
    }

    /// What was measured in a phase, for once.
    pub(crate) fn take(&self, phase: usize) -> Vec<Duration> {
        std::mem::take(&mut self.latencies.lock().unwrap()[phase])
    }

    fn message(&self, phase: usize, latency: Duration) {
        self.latencies.lock().unwrap()[phase].push(latency);
    }
}

/// Two clients that trust each other.
pub(crate) struct Pair {
    access: Arc<Access>,
    initiator: KeyPair,
    responder: KeyPair,
    seen: Arc<Seen>,
    number: u64,
}

impl Pair {
    pub(crate) fn new(access: &Arc<Access>, seen: &Arc<Seen>) -> Self {
        let (access, seen) = (access.clone(), seen.clone());
        Self { access, initiator: keys(), responder: keys(), seen, number: 0 }
    }

    fn initiator_config(&self) -> Config {
        let (url, responder) = (self.access.url.clone(), *self.responder.public());
        let mut config = Config::trusting_initiator(url, self.initiator.clone(), responder);
        config.protocol.server_key = Some(self.access.key);
        self.prepared(config)
    }

    fn responder_config(&self) -> Config {
        let invitation = self.initiator_config().invitation().unwrap();
        self.prepared(Config::responder(invitation, self.responder.clone()))
    }

    fn prepared(&self, config: Config) -> Config {
        let mut config = config.with_task(RelayedData);
        config.roots = self.access.roots.clone();
        // The machine may be busy with attackers.
        config.connect_timeout = Duration::from_secs(60);
        config
    }

    /// Connects both.
    async fn meet(&self) -> (Client, Client) {
        let initiator = Client::connect(self.initiator_config()).unwrap();
        let responder = Client::connect(self.responder_config()).unwrap();
        self.met(&initiator, &responder).await;
        (initiator, responder)
    }

    async fn met(&self, initiator: &Client, responder: &Client) {
        let met = |event: &Event| matches!(event, Event::PeerHandshakeDone { .. }).then_some(());
        // Both at once: if one of them is refused, the other one waits for ever.
        tokio::try_join!(until(initiator, met), until(responder, met)).expect("they meet");
        self.seen.meetings.fetch_add(1, Ordering::Relaxed);
    }

    /// What is said next, with its number.
    fn word(&mut self) -> String {
        self.number += 1;
        format!("{:0width$}", self.number, width = SIZES[self.number as usize % SIZES.len()])
    }

    /// A message there and one back.
    async fn talk(&mut self, initiator: &Client, responder: &Client) {
        for (from, to) in [(initiator, responder), (responder, initiator)] {
            let word = self.word();
            if let Err(error) = from.send_text(&word) {
                panic!("{error:?}: {:?}", closed(from).await);
            }
            let heard = text(to).await.expect("a message");
            assert!(heard == word, "{} arrived and not {}", start(&heard), start(&word));
            self.seen.messages.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Stays together until it is enough. Messages are timed.
    pub(crate) async fn stay(mut self, enough: Enough) -> Together {
        let (initiator, responder) = self.meet().await;
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut last = Instant::now();
        while !enough.reached() {
            let due = pace.tick().await.into_std();
            let phase = self.seen.phase.load(Ordering::Relaxed);
            // Had the one before not taken so long, this one would have been on its way since then.
            let began = if due < last { due } else { Instant::now() };
            self.talk(&initiator, &responder).await;
            last = Instant::now();
            self.seen.message(phase, last - began);
        }
        Together { pair: self, initiator, responder }
    }

    /// Meets, comes back on a new connection while the server has the old one, and leaves, until it is enough. Nobody is
    /// there while `gate` is shut.
    pub(crate) async fn come_and_go(mut self, gate: Arc<RwLock<()>>, enough: Enough) {
        let mut pace = tokio::time::interval(AWAY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !enough.reached() {
            pace.tick().await;
            let _open = gate.read().await;
            let (initiator, responder) = self.meet().await;
            self.talk_a_while(&initiator, &responder).await;
            let returned = Client::connect(self.responder_config()).unwrap();
            self.met(&initiator, &returned).await;
            assert_eq!(closed(&responder).await.by, ClosedBy::Server, "somebody has its place");
            let responder = returned;
            self.talk_a_while(&initiator, &responder).await;
            let returned = Client::connect(self.initiator_config()).unwrap();
            self.met(&returned, &responder).await;
            assert_eq!(closed(&initiator).await.by, ClosedBy::Server, "somebody has its place");
            self.talk_a_while(&returned, &responder).await;
            returned.close();
            assert_eq!(closed(&returned).await.by, ClosedBy::Us);
            assert_eq!(closed(&responder).await.by, ClosedBy::Peer);
        }
    }

    async fn talk_a_while(&mut self, initiator: &Client, responder: &Client) {
        for _ in 0..WORDS {
            self.talk(initiator, responder).await;
        }
    }
}

/// The beginning of a message, which is its number and can be long.
fn start(word: &str) -> String {
    let number = word.trim_start_matches('0');
    format!("{} ({} bytes)", &number[..number.len().min(20)], word.len())
}

/// A pair that has stayed together.
pub(crate) struct Together {
    pair: Pair,
    initiator: Client,
    responder: Client,
}

impl Together {
    /// Sends more than anybody has taken yet. Returns how many messages that is.
    pub(crate) fn send_last_words(&mut self) -> u64 {
        for _ in 0..LAST_WORDS {
            let word = self.pair.word();
            self.initiator.send_text(&word).unwrap();
        }
        LAST_WORDS
    }

    /// The server was stopped: what it had taken arrives, and then it closes.
    pub(crate) async fn hear_last_words(mut self) {
        self.pair.number -= LAST_WORDS;
        for _ in 0..LAST_WORDS {
            let word = self.pair.word();
            let heard = text(&self.responder).await.expect("what the server had taken");
            assert!(heard == word, "{} arrived and not {}", start(&heard), start(&word));
            self.pair.seen.messages.fetch_add(1, Ordering::Relaxed);
        }
        for client in [&self.initiator, &self.responder] {
            let end = closed(client).await;
            assert_eq!((end.by, end.code), (ClosedBy::Server, Some(1001)), "{end:?}");
        }
    }
}
