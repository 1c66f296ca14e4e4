//! Several listeners, and the end of listening and of serving.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{SinkExt as _, StreamExt as _};
use saltyrtc::server::{ListenAddress, Server, ServerError};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::scripted_client::SUBPROTOCOL;
use crate::socket_peer::{
    NEVER, Peer, closed, config, keys, kind, metric, metric_in, open, path_of, read_to_end, start,
    until,
};

async fn is_refused(address: std::net::SocketAddr) -> bool {
    match TcpStream::connect(address).await {
        Ok(_) => false,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
    }
}

#[tokio::test]
async fn a_server_serves_all_the_listeners_that_it_is_given() {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let addresses = listeners.each_ref().map(|listener| listener.local_addr().unwrap());
    let server = Server::start_on(config(), listeners).unwrap();
    assert_eq!(server.addresses(), addresses.map(ListenAddress::Tcp));
    assert_eq!(server.local_addr(), Some(addresses[0]));
    let path = keys();
    let mut initiator = Peer::join(&server, &path, false).await;
    for address in addresses {
        let socket = open(address, &path_of(&path), &[SUBPROTOCOL], None).await.unwrap();
        let mut responder = Peer::greeted(socket, keys()).await;
        responder.hello().await;
        responder.authenticate().await;
        assert_eq!(kind(&initiator.notification().await), "new-responder");
        drop(responder);
        assert_eq!(kind(&initiator.notification().await), "disconnected");
    }
    drop(initiator);
    server.shutdown().await;
    for address in addresses {
        assert!(is_refused(address).await);
    }
    assert!(matches!(
        Server::start_on(config(), [] as [TcpListener; 0]),
        Err(ServerError::NoListener)
    ));
}

#[tokio::test]
async fn a_server_that_accepts_nobody_serves_those_who_are_there() {
    let server = start(config());
    let path = keys();
    let mut initiator = Peer::join(&server, &path, false).await;
    let mut responder = Peer::join(&server, &path, true).await;
    assert_eq!(kind(&initiator.notification().await), "new-responder");
    // In the middle of its handshake, and may go on.
    let waiting = Peer::connect(&server, &path, keys()).await;
    let address = server.local_addr().unwrap();
    server.stop_accepting();
    server.stop_accepting();
    while !is_refused(address).await {}
    let message = responder.client.relay(1, b"hello");
    responder.send(message.clone()).await;
    assert_eq!(initiator.binary().await, message);
    let mut waiting = waiting;
    waiting.hello().await;
    waiting.authenticate().await;
    assert_eq!(kind(&initiator.notification().await), "new-responder");
    drop((responder, waiting));
    for _ in 0..2 {
        assert_eq!(kind(&initiator.notification().await), "disconnected");
    }
    let ended = tokio::spawn(server.shutdown());
    assert_eq!(closed(&mut initiator.socket).await, 1001);
    drop(initiator);
    timeout(NEVER, ended).await.expect("a shutdown after a drain ends").unwrap();
}

/// Everything that the server took before it was told to stop reaches its receiver, and then everybody
/// gets 1001.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_under_load_loses_nothing() {
    const PAIRS: usize = 10;
    let server = start(config());
    let metrics = server.metrics();
    let received = Arc::new(AtomicU64::new(0));
    let mut clients = Vec::new();
    for _ in 0..PAIRS {
        let path = keys();
        let mut initiator = Peer::join(&server, &path, false).await;
        let responder = Peer::join(&server, &path, true).await;
        assert_eq!(kind(&initiator.notification().await), "new-responder");
        for (peer, other) in [(initiator, 2), (responder, 1)] {
            let received = received.clone();
            clients.push(tokio::spawn(async move {
                let Peer { socket, mut client } = peer;
                let (mut sending, mut receiving) = socket.split();
                // Both send this many more than they got, so that there is always something on the way.
                let ahead = Semaphore::new(100);
                let flood = async {
                    loop {
                        ahead.acquire().await.unwrap().forget();
                        let message = client.relay(other, &[7; 1000]);
                        if sending.send(Message::Binary(message.into())).await.is_err() {
                            return std::future::pending::<()>().await;
                        }
                    }
                };
                let receive = async {
                    loop {
                        match receiving.next().await {
                            // Whatever is not from the server: that says 'send-error' if a queue is full.
                            Some(Ok(Message::Binary(message))) if message[16] != 0 => {
                                received.fetch_add(1, Ordering::Relaxed);
                                ahead.add_permits(1);
                            }
                            Some(Ok(Message::Close(frame))) => return frame.unwrap().code.into(),
                            Some(Ok(_)) => {}
                            other => panic!("no closing frame: {other:?}"),
                        }
                    }
                };
                tokio::select! {
                    code = receive => code,
                    () = flood => unreachable!(),
                }
            }));
        }
    }
    until(|| received.load(Ordering::Relaxed) > 3000).await;
    let ended = tokio::spawn(server.shutdown());
    for client in clients {
        let code: u16 = timeout(NEVER, client).await.expect("a closing frame comes").unwrap();
        assert_eq!(code, 1001);
    }
    timeout(NEVER, ended).await.expect("the shutdown ends").unwrap();
    let text = metrics.prometheus();
    assert_eq!(received.load(Ordering::Relaxed), metric_in(&text, "relayed_messages_total"));
    assert_eq!(metric_in(&text, "closes_total{code=\"1001\"}"), 2 * PAIRS as u64);
    assert_eq!(metric_in(&text, "limit_hits_total{limit=\"shutdown_time\"}"), 0);
    assert_eq!(metric_in(&text, "relay_seconds_count"), metric_in(&text, "relayed_messages_total"));
}

#[tokio::test]
async fn what_is_no_websocket_is_answered() {
    use tokio::io::AsyncWriteExt as _;

    let server = start(config());
    for (request, has_body) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], true),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", false),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc", true),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", true),
    ] {
        let mut tcp = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
        tcp.write_all(request).await.unwrap();
        let answer = String::from_utf8(read_to_end(&mut tcp).await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(body.contains("WebSocket"), has_body, "{answer}");
    }
    assert_eq!(metric(&server, "handshakes_total{outcome=\"not_websocket\"}"), 4);
}
