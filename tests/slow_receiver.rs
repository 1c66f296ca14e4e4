//! A receiver that is slower than its sender, with the default limits of everything: the sender is slowed
//! down, and nothing is lost.

#![cfg(all(feature = "client", feature = "server"))]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use client_events::wait_for_peer;
use saltyrtc::client::{Client, Config, Event, SendFailure};
use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::protocol::ServerUrl;
use saltyrtc::server::{Server, ServerConfig};
use saltyrtc::task::{RelayedData, TaskEvent};
use tokio::sync::{Notify, watch};

#[path = "support/client_events.rs"]
mod client_events;
#[allow(dead_code, reason = "not all of it is needed here")]
#[path = "support/scripted_client.rs"]
mod scripted_client;
#[path = "support/socket_peer.rs"]
mod socket_peer;

use socket_peer::{hits, metric, until};

const COUNT: u64 = 100_000;
const MESSAGE: usize = 1024;
/// How many messages are taken slowly, and how many at once.
const SLOWLY: u64 = 30_000;
const AT_ONCE: u64 = 100;

/// How far a sender is.
#[derive(Clone, Copy, Default)]
struct Progress {
    sent: u64,
    /// It waits until there is room.
    waits: bool,
}

fn keys() -> KeyPair {
    KeyPair::generate(&mut OsRandom)
}

async fn send_all(client: Arc<Client>, room: Arc<Notify>, progress: watch::Sender<Progress>) {
    let mut message = [7; MESSAGE];
    for sent in 0..COUNT {
        message[..8].copy_from_slice(&sent.to_be_bytes());
        while let Err(failure) = client.send_bytes(&message) {
            assert_eq!(failure, SendFailure::QueueFull);
            progress.send_replace(Progress { sent, waits: true });
            room.notified().await;
        }
        progress.send_replace(Progress { sent: sent + 1, waits: false });
    }
}

/// Takes all messages, and what else there is; the first `slowly` of them one portion at a time, whenever the
/// other side cannot send anything more and `is_full` says so, too.
async fn take_all(
    client: Arc<Client>,
    room: Arc<Notify>,
    mut own: watch::Receiver<Progress>,
    other: watch::Receiver<Progress>,
    slowly: u64,
    is_full: impl Fn() -> bool,
) {
    let mut taken = 0;
    loop {
        if taken < slowly && taken % AT_ONCE == 0 {
            until(|| {
                let other = *other.borrow();
                other.sent == COUNT || (other.waits && is_full())
            })
            .await;
        }
        let event = tokio::select! {
            event = client.next_event() => event,
            // Its own sender had to hear of room until now.
            _ = own.wait_for(|own| own.sent == COUNT), if taken == COUNT => return,
        };
        match event {
            Some(Event::Task(TaskEvent::Data(data))) => {
                let data = data.as_bytes().unwrap();
                assert_eq!((data.len(), &data[..8]), (MESSAGE, &taken.to_be_bytes()[..]));
                taken += 1;
            }
            Some(Event::Writable) => room.notify_one(),
            other => panic!("after {taken} messages: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_receiver_slows_its_sender_down() {
    let server = Server::start(ServerConfig::new("127.0.0.1:0".parse().unwrap())).unwrap();
    let url = ServerUrl::parse(&format!("ws://{}", server.local_addr().unwrap())).unwrap();
    let config = Config::initiator(url, keys()).with_task(RelayedData);
    let invitation = config.invitation().unwrap();
    let initiator = Client::connect(config).unwrap();
    let config = Config::responder(invitation, keys()).with_task(RelayedData);
    let responder = Client::connect(config).unwrap();
    wait_for_peer(&initiator).await;
    wait_for_peer(&responder).await;

    let server = Arc::new(server);
    let most = Arc::new(AtomicU64::new(0));
    let [initiator, responder] = [initiator, responder].map(Arc::new);
    // Neither is closed before the other has got everything.
    let _open = [initiator.clone(), responder.clone()];
    let (from_initiator, to_responder) = watch::channel(Progress::default());
    let (from_responder, to_initiator) = watch::channel(Progress::default());
    let [initiator_room, responder_room] = [(); 2].map(|()| Arc::new(Notify::new()));
    let is_full = {
        let (server, most) = (server.clone(), most.clone());
        move || {
            most.fetch_max(metric(&server, "queued_bytes"), Relaxed);
            metric(&server, "paused_clients") > 0
        }
    };
    let own = to_initiator.clone();
    let all = [
        tokio::spawn(send_all(initiator.clone(), initiator_room.clone(), from_initiator)),
        tokio::spawn(send_all(responder.clone(), responder_room.clone(), from_responder)),
        tokio::spawn(take_all(
            initiator,
            initiator_room,
            to_responder.clone(),
            to_initiator,
            0,
            || true,
        )),
        tokio::spawn(take_all(responder, responder_room, own, to_responder, SLOWLY, is_full)),
    ];
    for task in all {
        task.await.unwrap();
    }
    assert!(hits(&server, "queue") > 0, "the server had to wait, too");
    // Two queues, and the server's own messages.
    let (most, limit) = (most.load(Relaxed), 2 * server.limits().queue_bytes as u64 + (64 << 10));
    assert!(most > limit / 4 && most <= limit, "{most}");
    for reason in ["queue_full", "all_queues_full", "nobody_there", "receiver_left"] {
        let failures = format!("relay_failures_total{{reason=\"{reason}\"}}");
        assert_eq!(metric(&server, &failures), 0, "{reason}");
    }
}
