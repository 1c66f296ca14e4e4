//! The client driver and the server driver, over real sockets on the loopback interface.

#![cfg(all(feature = "client", feature = "server"))]

#[path = "support/client_events.rs"]
mod client_events;

use std::time::Duration;

use client_events::{wait_for, wait_for_end, wait_for_peer};
use futures_util::{SinkExt as _, StreamExt as _};
use saltyrtc::client::{Client, ClosedBy, Config, EndReason, Event, Roots};
use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::protocol::{DropReason, ResponderAddress, ServerUrl};
use saltyrtc::server::{Server, ServerConfig, TlsIdentity};
use saltyrtc::task::{RelayedData, TaskEvent};
use saltyrtc::transport::Certificates;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// Nothing here takes long; this is for the case that something never happens.
const NEVER: Duration = Duration::from_secs(60);

fn keys() -> KeyPair {
    KeyPair::generate(&mut OsRandom)
}

fn start_server() -> (Server, ServerUrl) {
    let server = Server::start(ServerConfig::new("127.0.0.1:0".parse().unwrap())).unwrap();
    let url = ServerUrl::parse(&format!("ws://{}", server.local_addr().unwrap())).unwrap();
    (server, url)
}

/// Waits for the first event that `pick` is happy with.
async fn wait_for_text(client: &Client) -> String {
    wait_for(client, |event| match event {
        Event::Task(TaskEvent::Data(payload)) => payload.as_text().map(str::to_owned),
        _ => None,
    })
    .await
}

async fn connected_pair(url: ServerUrl, roots: Roots) -> (Client, Client) {
    let mut config = Config::initiator(url, keys()).with_task(RelayedData);
    config.roots = roots.clone();
    let invitation = config.invitation().unwrap();
    let initiator = Client::connect(config).unwrap();
    let mut config = Config::responder(invitation, keys()).with_task(RelayedData);
    config.roots = roots;
    let responder = Client::connect(config).unwrap();
    wait_for_peer(&initiator).await;
    wait_for_peer(&responder).await;
    (initiator, responder)
}

/// Covers P-030 P-031 R-004 R-008 R-013.
#[tokio::test]
async fn a_message_each_way_and_a_clean_end() {
    let (server, url) = start_server();
    let (initiator, responder) = connected_pair(url, Roots::System).await;
    initiator.send_text("hello from the initiator").unwrap();
    responder.send_text("hello from the responder").unwrap();
    assert_eq!(wait_for_text(&responder).await, "hello from the initiator");
    assert_eq!(wait_for_text(&initiator).await, "hello from the responder");
    initiator.send_text("last words").unwrap();
    initiator.close();
    assert_eq!(wait_for_text(&responder).await, "last words");
    let end = wait_for_end(&responder).await;
    assert_eq!((end.by, end.code), (ClosedBy::Peer, Some(1001)));
    let end = wait_for_end(&initiator).await;
    assert_eq!((end.by, end.reason), (ClosedBy::Us, EndReason::Requested));
    assert!(initiator.next_event().await.is_none());
    server.shutdown().await;
}

#[tokio::test]
async fn the_same_over_tls_with_an_authority_of_our_own() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut config = ServerConfig::new("127.0.0.1:0".parse().unwrap());
    config.tls = Some(TlsIdentity {
        certificate_chain: made.cert.pem().into_bytes(),
        private_key: made.signing_key.serialize_pem().into_bytes(),
    });
    let server = Server::start(config).unwrap();
    let url = format!("wss://localhost:{}", server.local_addr().unwrap().port());
    let url = ServerUrl::parse(&url).unwrap();
    let roots = Roots::Only(Certificates::parse(made.cert.der()).unwrap());
    let (initiator, responder) = connected_pair(url, roots).await;
    responder.send_text("over TLS").unwrap();
    assert_eq!(wait_for_text(&initiator).await, "over TLS");
    drop((initiator, responder));
    server.shutdown().await;
}

/// The server closes while the application is not reading, then cuts the connection; so that writing
/// fails while the close frame still waits to be read.
#[tokio::test]
async fn why_the_server_closed_is_known_even_if_writing_fails_first() {
    let mut config = ServerConfig::new("127.0.0.1:0".parse().unwrap());
    config.limits.close_timeout = Duration::from_millis(50);
    let server = Server::start(config).unwrap();
    let url = ServerUrl::parse(&format!("ws://{}", server.local_addr().unwrap())).unwrap();
    let config = Config::initiator(url, keys()).with_task(RelayedData);
    let invitation = config.invitation().unwrap();
    let initiator = Client::connect(config).unwrap();
    let mut config = Config::responder(invitation, keys()).with_task(RelayedData);
    config.protocol.max_queue_size = 1;
    let responder = Client::connect(config).unwrap();
    let address = wait_for(&initiator, |event| match event {
        Event::PeerHandshakeDone { address, .. } => Some(*address),
        _ => None,
    });
    let address = ResponderAddress::try_from(address.await).unwrap();
    wait_for_peer(&responder).await;
    // One event is as much as may wait.
    initiator.send_text("nobody reads this yet").unwrap();
    tokio::time::timeout(NEVER, async {
        while !responder.has_events() {
            tokio::task::yield_now().await;
        }
        initiator.drop_responder(address, DropReason::DroppedByInitiator).unwrap();
        while server.connections() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the server cuts the connection");
    // The first answer to this is that there is nobody any more.
    for _ in 0..10_000 {
        let _ = responder.send_text("nobody will ever read this");
        tokio::task::yield_now().await;
    }
    let end = wait_for_end(&responder).await;
    assert_eq!((end.by, end.code), (ClosedBy::Server, Some(3004)), "{end}");
    drop(initiator);
    server.shutdown().await;
}

/// Reads the frames that a client sends until one is a ping.
async fn until_ping(socket: &mut tokio_tungstenite::WebSocketStream<tokio::net::TcpStream>) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Ping(_))) => return,
            Some(Ok(_)) => {}
            other => panic!("no ping: {other:?}"),
        }
    }
}

/// A server that is not reachable any more, which nothing but the missing answer tells.
#[tokio::test]
async fn when_the_network_has_changed_a_server_that_does_not_answer_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = ServerUrl::parse(&format!("ws://{}", listener.local_addr().unwrap())).unwrap();
    let mut config = Config::initiator(url, keys()).with_task(RelayedData);
    config.protocol.server_handshake_timeout = Duration::from_secs(3600);
    let client = Client::connect(config).unwrap();
    let (tcp, _) = listener.accept().await.unwrap();
    #[allow(clippy::result_large_err, reason = "the type is that of the crate")]
    let accept = |_: &Request, mut response: Response| {
        let name = HeaderValue::from_static("v1.saltyrtc.org");
        response.headers_mut().insert("Sec-WebSocket-Protocol", name);
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(tcp, accept).await.unwrap();
    // A ping that is answered is no reason to end; each of these comes at once.
    for _ in 0..3 {
        saltyrtc::client::network_changed();
        until_ping(&mut socket).await;
        socket.flush().await.unwrap();
    }
    saltyrtc::client::network_changed();
    let end = tokio::select! {
        end = wait_for_end(&client) => end,
        // Nothing is flushed, so this has no answer.
        () = async { until_ping(&mut socket).await; std::future::pending().await } => unreachable!(),
    };
    assert_eq!(end.by, ClosedBy::Network, "{end}");
    assert!(end.to_string().contains("network has changed"), "{end}");
}

#[tokio::test]
async fn when_the_network_has_changed_a_server_that_answers_stays() {
    let (server, url) = start_server();
    let (initiator, responder) = connected_pair(url, Roots::System).await;
    saltyrtc::client::network_changed();
    for n in 0..10 {
        initiator.send_text(&format!("still there {n}")).unwrap();
        assert_eq!(wait_for_text(&responder).await, format!("still there {n}"));
    }
    drop((initiator, responder));
    server.shutdown().await;
}
