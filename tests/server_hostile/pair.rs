//! The pair that behaves, and what is measured meanwhile.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard, oneshot};
use tokio::time::timeout;

use crate::socket_peer::{NEVER, Peer, keys, kind};
use crate::target::Target;

/// How many messages each of the two has to get during an attack.
const ROUND_TRIPS: usize = 100;

/// Attacks disturb each other's figures, so there is one at a time.
static TURN: Mutex<()> = Mutex::const_new(());

pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// Two clients that exchange messages, one at a time.
pub(crate) struct Pair {
    initiator: Peer,
    responder: Peer,
}

impl Pair {
    pub(crate) async fn join(target: &Target) -> Self {
        let path = keys();
        let mut initiator = target.join(&path, false).await;
        let responder = target.join(&path, true).await;
        assert_eq!(kind(&initiator.notification().await), "new-responder");
        Self { initiator, responder }
    }

    pub(crate) async fn round_trip(&mut self) -> Duration {
        let Self { initiator, responder } = self;
        let start = Instant::now();
        let there = initiator.client.relay(2, b"there");
        initiator.send(there.clone()).await;
        assert_eq!(responder.binary().await, there);
        let back = responder.client.relay(1, b"and back");
        responder.send(back.clone()).await;
        assert_eq!(initiator.binary().await, back);
        start.elapsed()
    }

    async fn round_trips(&mut self) -> Vec<Duration> {
        let mut latencies = Vec::new();
        for _ in 0..ROUND_TRIPS {
            latencies.push(self.round_trip().await);
        }
        latencies
    }
}

/// Runs an attack next to a pair that works. The attack is told when the pair has done its round trips,
/// and goes on until then. Gives back what the attack does, and the most bytes that were in queues.
pub(crate) async fn withstand<T: Send + 'static, F>(
    name: &str,
    target: &Target,
    attack: impl FnOnce(Started, Enough) -> F,
) -> (T, u64)
where
    F: Future<Output = T> + Send + 'static,
{
    let mut pair = Pair::join(target).await;
    let alone = pair.round_trips().await;
    let memory = resident();
    let (started, wait) = oneshot::channel();
    let (enough, stop) = Enough::new();
    let mut attack = tokio::spawn(attack(started.into(), stop));
    // The pair works while the attack is built up, and is measured once it is there.
    let mut wait = Box::pin(wait);
    let mut queued = 0;
    loop {
        tokio::select! {
            biased;
            done = &mut wait => {
                if done.is_err() {
                    // It failed: say with what.
                    attack.await.expect("the attack can begin");
                    unreachable!("an attack that never began");
                }
                break;
            }
            _ = pair.round_trip() => queued = target.metric("queued_bytes").await.max(queued),
        }
    }
    // The round trip that was interrupted may have left messages behind.
    let mut pair = Pair::join(target).await;
    let mut attacked = Vec::new();
    for _ in 0..ROUND_TRIPS {
        assert!(!attack.is_finished(), "the attack lasts as long as it is measured");
        attacked.push(pair.round_trip().await);
        queued = target.metric("queued_bytes").await.max(queued);
    }
    let grown = resident().saturating_sub(memory);
    enough.send_replace(true);
    let outcome = timeout(NEVER, &mut attack).await.expect("the attack ends").unwrap();
    pair.round_trips().await;
    println!("{name}: alone {}, attacked {}", figures(alone), figures(attacked));
    println!("{name}: at most {queued} bytes queued, memory grew by {} KiB", grown >> 10);
    // Server and attackers together, in a build that is not optimised: this only shows what is far off.
    assert!(grown < 256 << 20, "memory grew by {grown} bytes");
    (outcome, queued)
}

/// To be told when the attack is under way.
#[derive(Default)]
pub(crate) struct Started(Option<oneshot::Sender<()>>);

impl From<oneshot::Sender<()>> for Started {
    fn from(tell: oneshot::Sender<()>) -> Self {
        Self(Some(tell))
    }
}

impl Started {
    pub(crate) fn now(&mut self) {
        if let Some(started) = self.0.take() {
            let _ = started.send(());
        }
    }
}

/// Says when an attack can end.
#[derive(Clone)]
pub(crate) struct Enough(tokio::sync::watch::Receiver<bool>);

impl Enough {
    /// Not before this is told so.
    pub(crate) fn new() -> (tokio::sync::watch::Sender<bool>, Self) {
        let (tell, told) = tokio::sync::watch::channel(false);
        (tell, Self(told))
    }

    pub(crate) fn reached(&self) -> bool {
        *self.0.borrow()
    }

    pub(crate) async fn wait(&mut self) {
        let _ = self.0.wait_for(|enough| *enough).await;
    }
}

fn figures(mut latencies: Vec<Duration>) -> String {
    latencies.sort();
    let at = |percent| latencies[latencies.len() * percent / 100];
    format!("p50 {:?} p99 {:?}", at(50), at(99))
}

/// The memory of this process, server and clients. 0 where there is no /proc to ask.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}
