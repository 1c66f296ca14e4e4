//! The server over real sockets: ws:// and wss://, with scripted clients.
#![cfg(feature = "server")]

#[path = "support/scripted_client.rs"]
mod scripted_client;
#[path = "support/socket_peer.rs"]
mod socket_peer;

use std::time::Duration;

use futures_util::SinkExt as _;
use saltyrtc::server::{AcceptRate, Server, ServerConfig, ServerError, TlsIdentity};
use scripted_client::{SUBPROTOCOL, ScriptedClient, field, map, with_field};
use socket_peer::{
    NEVER, Peer, certificate, closed, config, keys, kind, next, open, start, tls_client,
};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::version;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};

/// Covers P-018 P-020 P-030 P-054 P-087 P-109 P-155 P-156 P-177.
#[tokio::test]
async fn two_clients_meet_over_ws_and_wss() {
    let (root, identity) = certificate();
    for version in [None, Some(&version::TLS12), Some(&version::TLS13)] {
        let permanent = keys();
        let mut config = config();
        config.permanent_keys = vec![permanent.clone()];
        config.tls = version.is_some().then(|| identity.clone());
        let server = start(config);
        let tls = version.map(|version| tls_client(&root, version));
        let path = keys();

        let mut initiator = Peer::connect_tls(&server, &path, path.clone(), tls.clone()).await;
        let auth = initiator.client.client_auth();
        let message = initiator.client.sealed(&auth);
        initiator.send(message).await;
        let message = initiator.binary().await;
        let auth = initiator.client.open(&message);
        initiator.client.check_signed_keys(&message, &auth, permanent.public());

        let mut responder = Peer::connect_tls(&server, &path, keys(), tls).await;
        responder.hello().await;
        let auth = responder.authenticate().await;
        assert_eq!(field(&auth, "initiator_connected"), Some(&true.into()));
        let new_responder = map(vec![("type", "new-responder".into()), ("id", 2.into())]);
        assert_eq!(initiator.notification().await, new_responder);

        for size in [1, 5000, 300_000] {
            let there = responder.client.relay(1, &vec![1; size]);
            responder.send(there.clone()).await;
            assert_eq!(initiator.binary().await, there);
            let back = initiator.client.relay(2, &vec![2; size]);
            initiator.send(back.clone()).await;
            assert_eq!(responder.binary().await, back);
        }

        responder.socket.close(None).await.unwrap();
        assert_eq!(kind(&initiator.notification().await), "disconnected");
    }
}

/// Covers P-035.
#[tokio::test]
async fn a_bad_path_is_closed_with_3001_after_the_upgrade() {
    let server = start(config());
    let hex = keys().public().to_hex();
    let bad =
        ["/", "/hello", &format!("/{}", &hex[1..]), &format!("/{hex}0"), &format!("/{hex}?a")];
    for path in bad {
        let mut socket =
            open(server.local_addr().unwrap(), path, &[SUBPROTOCOL], None).await.unwrap();
        assert_eq!(closed(&mut socket).await, 3001, "{path}");
        assert_eq!(next(&mut socket).await, None);
    }
}

/// A path is a key, and not its spelling.
#[tokio::test]
async fn the_case_of_a_path_does_not_matter() {
    let server = start(config());
    let path = keys();
    let mut initiator = Peer::join(&server, &path, false).await;
    let upper = format!("/{}", path.public().to_hex().to_uppercase());
    let mut socket =
        open(server.local_addr().unwrap(), &upper, &[SUBPROTOCOL], None).await.unwrap();
    let mut client = ScriptedClient::generate();
    client.receive_hello(&next(&mut socket).await.unwrap().into_data());
    let mut responder = Peer { socket, client };
    responder.hello().await;
    responder.authenticate().await;
    assert_eq!(kind(&initiator.notification().await), "new-responder");
}

/// Covers P-020 P-021.
#[tokio::test]
async fn the_subprotocol_is_chosen_or_the_connection_closed_with_1002() {
    let server = start(config());
    let path = format!("/{}", keys().public().to_hex());
    let mut socket = open(server.local_addr().unwrap(), &path, &[], None).await.unwrap();
    assert_eq!(closed(&mut socket).await, 1002);
    // None of those that were offered is chosen, which the client's library does not put up with.
    let error = open(server.local_addr().unwrap(), &path, &["v9.example"], None).await.err();
    assert!(
        matches!(error, Some(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)))),
        "{error:?}"
    );
    // The library checks too that what is chosen was offered.
    let offer = ["v9.example", SUBPROTOCOL];
    let mut socket = open(server.local_addr().unwrap(), &path, &offer, None).await.unwrap();
    assert!(matches!(next(&mut socket).await, Some(Message::Binary(_))));
}

#[tokio::test]
async fn a_message_that_is_too_large_is_closed_with_1009() {
    let server = start(config());
    let path = keys();
    let mut initiator = Peer::join(&server, &path, false).await;
    let mut responder = Peer::join(&server, &path, true).await;
    initiator.notification().await;
    let largest = responder.client.relay(1, &vec![0; (1 << 20) - 24]);
    responder.send(largest.clone()).await;
    assert_eq!(initiator.binary().await, largest);
    let too_large = responder.client.relay(1, &vec![0; (1 << 20) - 23]);
    responder.send(too_large).await;
    assert_eq!(closed(&mut responder.socket).await, 1009);
    assert_eq!(kind(&initiator.notification().await), "disconnected");
}

/// Covers P-023.
#[tokio::test]
async fn text_is_closed_with_3001() {
    let server = start(config());
    let mut peer = Peer::join(&server, &keys(), false).await;
    peer.socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(closed(&mut peer.socket).await, 3001);
    assert_eq!(next(&mut peer.socket).await, None, "the server ends the TCP connection");
}

#[tokio::test]
async fn pings_of_clients_are_answered_at_any_time() {
    let server = start(config());
    let mut peer = Peer::connect(&server, &keys(), keys()).await;
    for authenticated in [false, true] {
        if authenticated {
            peer.hello().await;
            peer.authenticate().await;
        }
        peer.socket.send(Message::Ping(b"abc".as_slice().into())).await.unwrap();
        assert_eq!(next(&mut peer.socket).await, Some(Message::Pong(b"abc".as_slice().into())));
    }
}

/// A server owes an answer to the most recent ping only. If it kept all of them for a client that
/// does not read, its memory would be the client's to fill.
#[tokio::test]
async fn answers_to_pings_are_not_piled_up() {
    let server = start(config());
    let mut peer = Peer::join(&server, &keys(), false).await;
    let pings = 200_000_u32;
    for n in 0..pings {
        let mut payload = [0; 125];
        payload[..4].copy_from_slice(&n.to_be_bytes());
        peer.socket.feed(Message::Ping(payload.to_vec().into())).await.unwrap();
    }
    peer.socket.flush().await.unwrap();
    let (mut answers, mut last) = (0, 0);
    while last != pings - 1 {
        let Some(Message::Pong(payload)) = next(&mut peer.socket).await else { panic!("no pong") };
        answers += 1;
        last = u32::from_be_bytes(payload[..4].try_into().unwrap());
    }
    assert!(answers < pings, "26 MB do not fit into the sockets");
    let message = peer.client.relay(99, b"still there?");
    peer.send(message).await;
    assert_eq!(kind(&peer.notification().await), "send-error");
}

/// The second ping comes only because the first one was answered.
///
/// Covers P-134.
#[tokio::test]
async fn pings_come_when_a_client_wants_them() {
    let server = start(config());
    let mut peer = Peer::connect(&server, &keys(), keys()).await;
    peer.hello().await;
    let auth = with_field(&peer.client.client_auth(), "ping_interval", Some(1.into()));
    peer.authenticate_with(&auth).await;
    for _ in 0..2 {
        assert!(matches!(next(&mut peer.socket).await, Some(Message::Ping(_))));
        // The library answers with the next thing that is written.
        peer.socket.flush().await.unwrap();
    }
}

/// Covers P-088 P-208 P-209 P-216.
#[tokio::test]
async fn messages_to_nobody_come_back_as_send_error() {
    let server = start(config());
    let mut initiator = Peer::join(&server, &keys(), false).await;
    let message = initiator.client.relay(200, b"hello");
    initiator.send(message.clone()).await;
    let error = initiator.notification().await;
    assert_eq!(kind(&error), "send-error");
    assert_eq!(field(&error, "id"), Some(&message[16..24].to_vec().into()));
}

/// Covers P-088.
#[tokio::test]
async fn a_receiver_that_does_not_read_stops_nobody_else() {
    let mut config = config();
    config.limits.queue_bytes = 100_000;
    let server = start(config);
    let path = keys();
    let mut initiator = Peer::join(&server, &path, false).await;
    let mut slow = Peer::join(&server, &path, true).await;
    let mut reader = Peer::join(&server, &path, true).await;
    for _ in 0..2 {
        assert_eq!(kind(&initiator.notification().await), "new-responder");
    }
    // First the sockets fill up, then the queue, and then nothing more is read.
    let sent = initiator.send_until_paused(&server, 2, 50_000).await;
    for peer in [&mut reader, &mut slow] {
        let message = peer.client.relay(1, b"hello");
        peer.send(message.clone()).await;
        assert_eq!(initiator.binary().await, message);
    }
    // Everything arrives once it reads.
    let read = async {
        for _ in 0..sent.len() {
            assert_eq!(slow.binary().await.len(), 50_024);
        }
    };
    let (flushed, ()) = tokio::join!(initiator.socket.flush(), read);
    flushed.unwrap();
    let message = initiator.client.relay(3, b"hello");
    initiator.send(message.clone()).await;
    assert_eq!(reader.binary().await, message);
}

/// What a client sent before it closed its WebSocket arrives, also if the receiver takes it later.
#[tokio::test]
async fn what_was_sent_before_a_close_arrives() {
    let mut config = config();
    config.limits.queue_bytes = 100_000;
    let server = start(config);
    let path = keys();
    let mut initiator = Peer::join(&server, &path, false).await;
    let mut slow = Peer::join(&server, &path, true).await;
    assert_eq!(kind(&initiator.notification().await), "new-responder");
    let mut sent = initiator.send_until_paused(&server, 2, 50_000).await;
    for n in 0..10 {
        let message = initiator.client.relay(2, &[n]);
        initiator.socket.feed(Message::Binary(message.clone().into())).await.unwrap();
        sent.push(message);
    }
    initiator.socket.feed(Message::Close(None)).await.unwrap();
    let read = async {
        for message in &sent {
            assert!(slow.binary().await == *message);
        }
        assert_eq!(kind(&slow.notification().await), "disconnected");
    };
    let ((), _) = tokio::join!(read, initiator.socket.flush());
    assert!(matches!(next(&mut initiator.socket).await, Some(Message::Close(_))));
}

#[tokio::test]
async fn a_client_that_vanishes_is_gone() {
    let server = start(config());
    let path = keys();
    let mut initiator = Peer::join(&server, &path, false).await;
    let responder = Peer::join(&server, &path, true).await;
    initiator.notification().await;
    drop(responder);
    let gone = map(vec![("type", "disconnected".into()), ("id", 2.into())]);
    assert_eq!(initiator.notification().await, gone);
}

/// Covers P-145 P-188.
#[tokio::test]
async fn replaced_and_dropped_clients_get_their_codes() {
    let server = start(config());
    let path = keys();
    let mut old = Peer::join(&server, &path, false).await;
    let mut initiator = Peer::join(&server, &path, false).await;
    assert_eq!(closed(&mut old.socket).await, 3004);
    let mut responder = Peer::join(&server, &path, true).await;
    initiator.notification().await;
    let message = initiator.client.sealed(&ScriptedClient::drop_responder(2, Some(3005)));
    initiator.send(message).await;
    assert_eq!(closed(&mut responder.socket).await, 3005);
}

#[tokio::test]
async fn a_handshake_has_to_be_over_in_time() {
    let mut config = config();
    config.limits.handshake_timeout = Duration::from_secs(3);
    let server = start(config);
    let tcp = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    let mut peer = Peer::connect(&server, &keys(), keys()).await;
    assert_eq!(closed(&mut peer.socket).await, 3008);
    // No WebSocket at all: there is no way to give a code, and the connection just ends.
    timeout(NEVER, tcp.readable()).await.expect("the server hangs up").unwrap();
    assert_eq!(tcp.try_read(&mut [0; 10]).unwrap(), 0);
}

#[tokio::test]
async fn shutdown_closes_everybody_with_1001() {
    let server = start(config());
    let address = server.local_addr().unwrap();
    let path = keys();
    let peers = [
        Peer::join(&server, &path, false).await,
        Peer::connect(&server, &path, keys()).await,
        Peer::join(&server, &keys(), true).await,
    ];
    let half_open = TcpStream::connect(address).await.unwrap();
    let closing = tokio::spawn(server.shutdown());
    for mut peer in peers {
        assert_eq!(closed(&mut peer.socket).await, 1001);
    }
    timeout(NEVER, closing).await.expect("shutdown ends").unwrap();
    drop(half_open);
    let error = TcpStream::connect(address).await.expect_err("nobody listens any more");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

/// Clients that do not answer the close cannot keep a server from ending.
#[test]
fn a_blocking_shutdown_cuts_off_those_who_do_not_go() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut config = config();
    config.limits.shutdown_timeout = Duration::from_millis(100);
    let server = start(config);
    let mut peer = runtime.block_on(Peer::join(&server, &keys(), false));
    server.shutdown_blocking();
    runtime.block_on(async {
        assert_eq!(closed(&mut peer.socket).await, 1001);
    });
}

#[tokio::test]
async fn dropping_a_server_ends_its_connections() {
    let server = start(config());
    let mut peer = Peer::join(&server, &keys(), false).await;
    drop(server);
    assert_eq!(next(&mut peer.socket).await, None);
}

#[tokio::test]
async fn what_is_not_a_websocket_does_no_harm() {
    let server = start(config());
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        &[0xff; 4000],
        &[b'a'; 100_000],
    ] {
        let tcp = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
        tcp.writable().await.unwrap();
        // The rest may not be wanted any more.
        let _ = tcp.try_write(garbage);
        drop(tcp);
    }
    // Frames that no client may send: unmasked, with reserved bits, an unfinished ping.
    for frame in [[0x82, 0x01, 0x00], [0xf2, 0x80, 0x00], [0x09, 0x80, 0x00]] {
        let path = format!("/{}", keys().public().to_hex());
        let mut socket =
            open(server.local_addr().unwrap(), &path, &[SUBPROTOCOL], None).await.unwrap();
        next(&mut socket).await.unwrap();
        let stream = socket.get_mut();
        stream.write_all(&[frame[0], frame[1], 0, 0, 0, 0, 0]).await.unwrap();
        assert_eq!(closed(&mut socket).await, 1002, "{frame:?}");
    }
    Peer::join(&server, &keys(), false).await;
}

#[test]
fn what_keeps_a_server_from_starting_is_said() {
    let server = start(config());
    let mut taken = config();
    taken.listen = server.addresses()[0].clone();
    let error = Server::start(taken).unwrap_err();
    assert!(matches!(error, ServerError::Listen { .. }), "{error}");
    assert!(error.to_string().contains(&server.local_addr().unwrap().to_string()), "{error}");
    let mut no_key = config();
    no_key.tls = Some(TlsIdentity { certificate_chain: Vec::new(), private_key: Vec::new() });
    assert!(matches!(Server::start(no_key), Err(ServerError::Tls(_))));
    type Mistake = (&'static str, fn(&mut ServerConfig));
    let mistakes: [Mistake; 13] = [
        ("message_size", |config| config.limits.message_size = 100),
        ("queue_bytes", |config| config.limits.queue_bytes = 1),
        ("queue_bytes", |config| config.limits.queue_bytes = 1023),
        ("pong_timeout", |config| config.limits.pong_timeout = Duration::ZERO),
        ("idle_timeout", |config| config.limits.idle_timeout = Some(Duration::ZERO)),
        ("stall_timeout", |config| config.limits.stall_timeout = Some(Duration::ZERO)),
        ("tcp_keepalive", |config| config.limits.tcp_keepalive = Some(Duration::from_millis(1))),
        ("timeout", |config| config.limits.close_timeout = Duration::MAX),
        ("timeout", |config| config.limits.idle_timeout = Some(Duration::MAX)),
        ("connections ", |config| config.limits.connections = Some(0)),
        ("per_address", |config| config.limits.connections_per_address = Some(0)),
        ("per_path", |config| config.limits.connections_per_path = Some(0)),
        ("accept_rate", |config| {
            config.limits.accept_rate = Some(AcceptRate { per_second: 1, burst: 0 });
        }),
    ];
    for (what, mistake) in mistakes {
        let mut wrong = config();
        mistake(&mut wrong);
        let error = Server::start(wrong).unwrap_err();
        assert!(matches!(error, ServerError::Limit(_)), "{error}");
        assert!(error.to_string().contains(what), "{error}");
    }
}
