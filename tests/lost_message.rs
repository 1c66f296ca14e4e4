//! A server that loses a message of a session, and says so to the sender alone: over real sockets, with clients that
//! connect again whenever they are told that it is worth it.

#![cfg(all(feature = "client", feature = "server"))]

#[path = "support/client_events.rs"]
mod client_events;
mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client_events::{wait_for, wait_for_end, wait_for_peer};
use futures_util::{SinkExt as _, StreamExt as _};
use saltyrtc::client::{Client, Config, Event};
use saltyrtc::crypto::{KeyPair, OsRandom, PublicKey, SharedKey};
use saltyrtc::protocol::ServerUrl;
use saltyrtc::protocol::client::PeerLeft;
use saltyrtc::task::{RelayedData, TaskEvent};
use support::fake_server::{Sender, Sent};
use support::keys;
use support::msg::{Msg, bin};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

const INITIATOR: u8 = 1;

/// "Together again within seconds": one for the server to say more, and as much again for a busy machine.
const SECONDS: Duration = Duration::from_secs(5);

/// A client on the path.
struct Seat {
    sender: Sender,
    key: SharedKey,
    out: mpsc::UnboundedSender<Message>,
}

impl Seat {
    fn send(&mut self, msg: &Msg) {
        let message = self.sender.sealed(&self.key, &msg.encode());
        let _ = self.out.send(Message::Binary(message.into()));
    }
}

/// The one path of the server.
#[derive(Default)]
struct Path {
    seats: BTreeMap<u8, Seat>,
    /// Addresses are never used twice.
    last: u8,
    /// Who is to lose its next message to the peer.
    loser: Option<u8>,
}

impl Path {
    fn join(&mut self, is_initiator: bool, mut seat: Seat, cookie: &[u8]) -> u8 {
        self.last += 1;
        let address = if is_initiator { INITIATOR } else { self.last.max(2) };
        self.last = self.last.max(address);
        let auth = Msg::new("server-auth").with("your_cookie", bin(cookie));
        seat.sender.destination = address;
        if is_initiator {
            let there: Vec<rmpv::Value> = self.seats.keys().map(|&id| id.into()).collect();
            seat.send(&auth.with("responders", rmpv::Value::Array(there)));
            self.tell_responders(&Msg::new("new-initiator"));
        } else {
            seat.send(&auth.with("initiator_connected", self.seats.contains_key(&INITIATOR)));
            self.tell(INITIATOR, &Msg::new("new-responder").with("id", address));
        }
        self.seats.insert(address, seat);
        address
    }

    fn leave(&mut self, address: u8) {
        self.seats.remove(&address);
        let gone = Msg::new("disconnected").with("id", address);
        match address {
            INITIATOR => self.tell_responders(&gone),
            _ => self.tell(INITIATOR, &gone),
        }
    }

    fn tell_responders(&mut self, msg: &Msg) {
        self.seats.values_mut().for_each(|seat| seat.send(msg));
    }

    fn tell(&mut self, address: u8, msg: &Msg) {
        if let Some(seat) = self.seats.get_mut(&address) {
            seat.send(msg);
        }
    }

    fn receive(&mut self, from: u8, message: Vec<u8>) {
        let sent = Sent::parse(&message);
        let to = sent.nonce.destination.0;
        let Some(seat) = self.seats.get_mut(&from) else { return };
        if to == 0 {
            let msg = sent.open(&seat.key);
            assert_eq!(msg.kind(), "drop-responder");
            let (id, reason) = (msg.field("id").as_u64(), msg.field("reason").as_u64());
            let code = u16::try_from(reason.unwrap()).unwrap();
            let close = CloseFrame { code: code.into(), reason: "".into() };
            if let Some(dropped) = self.seats.get(&u8::try_from(id.unwrap()).unwrap()) {
                let _ = dropped.out.send(Message::Close(Some(close)));
            }
        } else if self.loser.take_if(|loser| *loser == from).is_some() {
            seat.send(&Msg::new("send-error").with("id", bin(&sent.nonce.identity())));
        } else if let Some(receiver) = self.seats.get(&to) {
            let _ = receiver.out.send(Message::Binary(message.into()));
        }
    }
}

async fn serve(tcp: TcpStream, path: Arc<Mutex<Path>>) {
    let mut name = String::new();
    #[allow(clippy::result_large_err, reason = "the type is that of the crate")]
    let accept = |request: &Request, mut response: Response| {
        name = request.uri().path()[1..].to_owned();
        let subprotocol = HeaderValue::from_static("v1.saltyrtc.org");
        response.headers_mut().insert("Sec-WebSocket-Protocol", subprotocol);
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(tcp, accept).await.unwrap();
    let session = KeyPair::generate(&mut OsRandom);
    let mut sender = Sender::new(0x55, 0, 0);
    let hello = Msg::new("server-hello").with("key", bin(session.public().as_bytes()));
    let hello = sender.clear(&hello.encode());
    socket.send(Message::Binary(hello.into())).await.unwrap();
    // Of a responder, 'client-hello' comes first, which is not encrypted; then, of both, 'client-auth'.
    let first = binary(socket.next().await);
    let is_responder = first[24..].windows(12).any(|part| part == b"client-hello");
    let (key, auth) = if is_responder {
        let hello = Sent::parse(&first).clear();
        let key: [u8; 32] = hello.field("key").as_slice().unwrap().try_into().unwrap();
        (PublicKey::from_bytes(key).unwrap(), binary(socket.next().await))
    } else {
        (PublicKey::from_hex(&name).unwrap(), first)
    };
    let key = SharedKey::new(&key, session.secret());
    let auth = Sent::parse(&auth);
    assert_eq!(auth.open(&key).kind(), "client-auth");
    let (out, mut outgoing) = mpsc::unbounded_channel();
    let seat = Seat { sender, key, out };
    let address = path.lock().unwrap().join(!is_responder, seat, &auth.nonce.cookie.0);
    loop {
        tokio::select! {
            Some(message) = outgoing.recv() => drop(socket.send(message).await),
            next = socket.next() => match next {
                Some(Ok(Message::Binary(message))) => {
                    path.lock().unwrap().receive(address, message.to_vec());
                }
                // Pings are answered with the next message.
                Some(Ok(Message::Ping(_))) => socket.flush().await.unwrap(),
                Some(Ok(Message::Close(_))) | Some(Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    let _ = socket.close(None).await;
    path.lock().unwrap().leave(address);
}

fn binary<E: std::fmt::Debug>(message: Option<Result<Message, E>>) -> Vec<u8> {
    match message {
        Some(Ok(Message::Binary(message))) => message.to_vec(),
        other => panic!("{other:?} in place of a message"),
    }
}

async fn start() -> (ServerUrl, Arc<Mutex<Path>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = ServerUrl::parse(&format!("ws://{}", listener.local_addr().unwrap())).unwrap();
    let path = Arc::new(Mutex::new(Path::default()));
    let shared = path.clone();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(serve(tcp, shared.clone()));
        }
    });
    (url, path)
}

fn connect(url: &ServerUrl, is_initiator: bool) -> Client {
    let protocol =
        if is_initiator { keys::initiator_with_trust() } else { keys::responder_with_trust() };
    let mut config =
        Config::new(url.clone(), protocol.role, protocol.permanent_key).with_task(RelayedData);
    config.protocol.when_peer_leaves = protocol.when_peer_leaves;
    Client::connect(config).unwrap()
}

async fn expect_talk(from: &Client, to: &Client) {
    from.send_text("are you there?").unwrap();
    wait_for(to, |event| matches!(event, Event::Task(TaskEvent::Data(_))).then_some(())).await;
}

async fn meet_again(loser: u8) {
    let (url, path) = start().await;
    let (initiator, responder) = (connect(&url, true), connect(&url, false));
    tokio::join!(wait_for_peer(&initiator), wait_for_peer(&responder));
    expect_talk(&initiator, &responder).await;
    expect_talk(&responder, &initiator).await;

    path.lock().unwrap().loser = Some(loser);
    let sender = if loser == INITIATOR { &initiator } else { &responder };
    sender.send_text("lost").unwrap();
    let unreachable = |event: &Event| match event {
        Event::PeerLeft { how, .. } => Some(*how),
        _ => None,
    };
    assert_eq!(wait_for(sender, unreachable).await, PeerLeft::Unreachable);
    let again = async {
        // The other side learns it, too, whoever forgot first; and the responder comes back.
        let closed = wait_for_end(&responder).await;
        assert!(closed.retryable(), "{closed}");
        let responder = connect(&url, false);
        tokio::join!(wait_for_peer(&initiator), wait_for_peer(&responder));
        expect_talk(&initiator, &responder).await;
        expect_talk(&responder, &initiator).await;
    };
    timeout(SECONDS, again).await.expect("together again within seconds");
}

#[tokio::test]
async fn the_pair_is_together_again_after_the_initiator_lost_a_message() {
    meet_again(INITIATOR).await;
}

#[tokio::test]
async fn the_pair_is_together_again_after_the_responder_lost_a_message() {
    meet_again(2).await;
}
