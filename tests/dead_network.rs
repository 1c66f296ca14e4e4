//! A network that swallows what is sent into it, without a word: a relay between client and server that goes on taking
//! bytes and passes none of them on.

#![cfg(all(feature = "client", feature = "server"))]

#[path = "support/client_events.rs"]
mod client_events;

use std::time::Duration;

use client_events::{wait_for, wait_for_end, wait_for_peer};
use saltyrtc::client::{Client, Closed, ClosedBy, Config, EndReason, Event};
use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::protocol::ServerUrl;
use saltyrtc::server::{Server, ServerConfig};
use saltyrtc::task::RelayedData;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the clients under test grant their server.
const PATIENCE: Duration = Duration::from_millis(300);

fn keys() -> KeyPair {
    KeyPair::generate(&mut OsRandom)
}

/// What the relay does with what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    Alive,
    /// What comes is lost.
    Dead,
    /// Nothing more is taken.
    Full,
}

/// A way to the server.
struct Relay {
    url: ServerUrl,
    network: watch::Sender<Network>,
    /// Counts what clients sent.
    sent: watch::Sender<usize>,
}

impl Relay {
    async fn new(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (network, state) = watch::channel(Network::Alive);
        let sent = watch::Sender::new(0);
        let (counter, nobody) = (sent.clone(), watch::Sender::new(0));
        let server = server.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.unwrap();
                let (client_in, client_out) = client.into_split();
                let (server_in, server_out) = server.into_split();
                tokio::spawn(pass_on(client_in, server_out, state.clone(), counter.clone()));
                tokio::spawn(pass_on(server_in, client_out, state.clone(), nobody.clone()));
            }
        });
        Self { url: ServerUrl::parse(&format!("ws://{address}")).unwrap(), network, sent }
    }
}

async fn pass_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut network: watch::Receiver<Network>,
    counter: watch::Sender<usize>,
) {
    let mut buffer = [0; 4096];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer), if *network.borrow() != Network::Full => read,
            Ok(()) = network.changed() => continue,
            else => return,
        };
        let Ok(read @ 1..) = read else { return };
        counter.send_modify(|count| *count += 1);
        let alive = *network.borrow() == Network::Alive;
        if alive && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// An initiator behind the relay, and its responder, which is not.
async fn pair(server: &Server, relay: &Relay, ping_interval: u32) -> (Client, Client) {
    let mut config = Config::initiator(relay.url.clone(), keys()).with_task(RelayedData);
    config.response_timeout = PATIENCE;
    config.protocol.ping_interval = ping_interval;
    let mut invitation = config.invitation().unwrap();
    invitation.server =
        ServerUrl::parse(&format!("ws://{}", server.local_addr().unwrap())).unwrap();
    let initiator = Client::connect(config).unwrap();
    let config = Config::responder(invitation, keys()).with_task(RelayedData);
    let responder = Client::connect(config).unwrap();
    tokio::join!(wait_for_peer(&initiator), wait_for_peer(&responder));
    (initiator, responder)
}

fn server() -> Server {
    Server::start(ServerConfig::new(([127, 0, 0, 1], 0).into())).unwrap()
}

fn assert_lost(closed: &Closed) {
    assert_eq!((closed.by, closed.code, closed.retryable()), (ClosedBy::Network, None, true));
    assert!(matches!(closed.reason, EndReason::ConnectionLost(_)), "{closed:?}");
    assert!(closed.to_string().contains("not answered for 0.3 seconds"), "{closed}");
}

/// The pings of the server are missing.
#[tokio::test]
async fn an_idle_client_with_a_ping_interval_notices() {
    let server = server();
    let relay = Relay::new(&server).await;
    let (initiator, _responder) = pair(&server, &relay, 1).await;
    relay.network.send_replace(Network::Dead);
    assert_lost(&wait_for_end(&initiator).await);
}

/// One text, which the kernel of the other side may even have acknowledged.
#[tokio::test]
async fn a_client_that_has_sent_something_notices() {
    let server = server();
    let relay = Relay::new(&server).await;
    let (initiator, _responder) = pair(&server, &relay, 0).await;
    relay.network.send_replace(Network::Dead);
    initiator.send_text("is anybody there?").unwrap();
    assert_lost(&wait_for_end(&initiator).await);
}

/// The timers run while a write is blocked.
#[tokio::test]
async fn a_client_whose_connection_takes_nothing_more_notices() {
    let server = server();
    let relay = Relay::new(&server).await;
    let (initiator, _responder) = pair(&server, &relay, 0).await;
    relay.network.send_replace(Network::Full);
    // More than all buffers on the way hold.
    while initiator.send_bytes(&[0; 1 << 18]).is_ok() {}
    assert_lost(&wait_for_end(&initiator).await);
}

/// The server answers the pings of a client, so that a silent peer is no dead network.
#[tokio::test]
async fn a_client_whose_server_answers_stays() {
    let server = server();
    let relay = Relay::new(&server).await;
    let (initiator, responder) = pair(&server, &relay, 0).await;
    let mut sent = relay.sent.subscribe();
    for _ in 0..5 {
        initiator.send_text("nothing comes back").unwrap();
        wait_for(&responder, |event| matches!(event, Event::Task(_)).then_some(())).await;
        // Whatever comes next is a ping.
        sent.borrow_and_update();
        sent.changed().await.unwrap();
    }
    responder.send_text("here I am").unwrap();
    wait_for(&initiator, |event| matches!(event, Event::Task(_)).then_some(())).await;
}
