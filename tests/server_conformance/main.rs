//! What the specification asks of a server, shown over real sockets: every test runs over ws:// and
//! over wss://, with scripted clients on this machine.
//!
//! What no client can see from the other end of a socket is left to the tests of the state machine
//! (`tests/server_path`, and those next to the code). [`NOT_VISIBLE`] is the list of it, and a test
//! holds it against `tests/conformance/requirements.csv` and the markers in this folder.
#![cfg(feature = "server")]

#[allow(dead_code, reason = "only the markers of this folder are wanted")]
#[path = "../conformance/scan.rs"]
mod scan;
#[path = "../support/scripted_client.rs"]
mod scripted_client;
#[path = "../support/socket_peer.rs"]
mod socket_peer;

mod fields;
mod handshake;
mod nonces;
mod notifications;
mod relay;
mod time;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use rmpv::Value;
use saltyrtc::crypto::KeyPair;
use saltyrtc::server::{Server, ServerConfig, TlsIdentity};
use scripted_client::{SUBPROTOCOL, ScriptedClient, map};
use socket_peer::{Peer, Socket, certificate, closed, config, keys, open, path_of, tls_client};
use tokio_rustls::rustls::{ClientConfig, version};

/// The requirements of a server that cannot be shown over a socket, in order, with the reason.
const NOT_VISIBLE: [(&str, &str); 9] = [
    ("P-004", "up to the operator: a server has the keys that it is given"),
    ("P-049", "counting by one is seen in every message, the wrap to 0 takes 2^48 of them"),
    ("P-050", "takes up to 2^32 messages of the server to one client"),
    ("P-051", "takes 2^48 messages of the server to one client"),
    ("P-052", "takes 2^48 messages of the server to one client"),
    ("P-091", "no message to or from a server is made with a secret key alone"),
    ("P-094", "no message to or from a server is made with a secret key alone"),
    ("P-130", "for servers that cannot repeat the selection; this one does (P-129)"),
    ("P-194", "allows a line in the log, which clients do not see"),
];

#[test]
fn what_is_not_shown_here_is_what_cannot_be_seen() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut scan = scan::Scan::default();
    scan.folder(&root.join("tests/server_conformance"), root).unwrap();
    assert_eq!(scan.errors, [""; 0]);
    let requirements = fs::read_to_string(root.join("tests/conformance/requirements.csv")).unwrap();
    let of_a_server = requirements.lines().skip(1).filter_map(|line| {
        // Commas and quotes are in the last column only.
        let columns: Vec<&str> = line.splitn(6, ',').collect();
        assert!(columns[..5].iter().all(|column| !column.contains('"')), "{line}");
        let server = columns[3].split('+').any(|role| role == "server");
        (server && columns[0].starts_with("P-")).then_some(columns[0])
    });
    let of_a_server: BTreeSet<&str> = of_a_server.collect();
    assert!(of_a_server.len() > 100, "the table is read");
    let shown: BTreeSet<&str> = scan.covered.keys().map(String::as_str).collect();
    let not_visible: BTreeSet<&str> = NOT_VISIBLE.iter().map(|(id, _)| *id).collect();
    let missing: BTreeSet<&str> = of_a_server.difference(&shown).copied().collect();
    assert_eq!(missing, not_visible);
    assert!(shown.is_subset(&of_a_server), "not of a server: {:?}", &shown - &of_a_server);
    assert!(NOT_VISIBLE.iter().all(|(_, reason)| !reason.is_empty()));
}

/// A server, and what its clients need to reach it.
pub(crate) struct Bench {
    pub(crate) server: Server,
    tls: Option<Arc<ClientConfig>>,
}

static TLS: LazyLock<(Arc<ClientConfig>, TlsIdentity)> = LazyLock::new(|| {
    let (root, identity) = certificate();
    (tls_client(&root, &version::TLS13), identity)
});

/// A server for ws://, and one for wss://.
pub(crate) fn benches() -> impl Iterator<Item = Bench> {
    benches_with(|_| ())
}

pub(crate) fn benches_with(change: impl Fn(&mut ServerConfig)) -> impl Iterator<Item = Bench> {
    [None, Some(&*TLS)].into_iter().map(move |tls| {
        // Seen if the test fails.
        println!("over {}", if tls.is_some() { "wss://" } else { "ws://" });
        let mut config = config();
        config.tls = tls.map(|(_, identity)| identity.clone());
        change(&mut config);
        let server = socket_peer::start(config);
        Bench { server, tls: tls.map(|(client, _)| client.clone()) }
    })
}

impl Bench {
    /// A path that nobody is on.
    pub(crate) fn room(&self) -> Room<'_> {
        Room { bench: self, keys: keys() }
    }

    /// A WebSocket with whatever path and subprotocols.
    pub(crate) async fn open(
        &self,
        path: &str,
        subprotocols: &[&str],
    ) -> Result<Socket, tokio_tungstenite::tungstenite::Error> {
        open(self.server.local_addr().unwrap(), path, subprotocols, self.tls.clone()).await
    }
}

/// A path with the key pair of its initiator.
pub(crate) struct Room<'b> {
    bench: &'b Bench,
    pub(crate) keys: KeyPair,
}

impl Room<'_> {
    /// A WebSocket on which nothing was read yet.
    pub(crate) async fn open(&self) -> Socket {
        self.bench.open(&path_of(&self.keys), &[SUBPROTOCOL]).await.expect("a WebSocket")
    }

    /// Connects and takes in 'server-hello'.
    pub(crate) async fn connect(&self, own: KeyPair) -> Peer {
        Peer::greeted(self.open().await, own).await
    }

    /// An initiator that has said nothing yet.
    pub(crate) async fn initiator(&self) -> Peer {
        self.connect(self.keys.clone()).await
    }

    /// A responder that has sent 'client-hello' only.
    pub(crate) async fn responder(&self) -> Peer {
        let mut peer = self.connect(keys()).await;
        peer.hello().await;
        peer
    }

    pub(crate) async fn join_initiator(&self) -> Peer {
        let mut peer = self.initiator().await;
        peer.authenticate().await;
        assert_eq!(peer.client.address, 1);
        peer
    }

    pub(crate) async fn join_responder(&self) -> Peer {
        let mut peer = self.responder().await;
        peer.authenticate().await;
        peer
    }

    /// An initiator and a responder that know of each other.
    pub(crate) async fn pair(&self) -> (Peer, Peer) {
        let mut initiator = self.join_initiator().await;
        let responder = self.join_responder().await;
        assert_eq!(initiator.notification().await, notice("new-responder", Some(2)));
        (initiator, responder)
    }
}

/// A notification, with `id` if it has one.
pub(crate) fn notice(kind: &str, id: Option<u8>) -> Value {
    scripted_client::with_field(&map(vec![("type", kind.into())]), "id", id.map(Value::from))
}

/// 'send-error' for a message.
pub(crate) fn send_error(message: &[u8]) -> Value {
    map(vec![("type", "send-error".into()), ("id", message[16..24].to_vec().into())])
}

/// Sends a message and gives the code that the connection is closed with for it.
pub(crate) async fn refused(peer: &mut Peer, message: Vec<u8>) -> u16 {
    peer.send(message).await;
    closed(&mut peer.socket).await
}

/// Each gets a message of the other, and nothing that waited before it.
pub(crate) async fn exchange(one: &mut Peer, other: &mut Peer) {
    let (mut from, mut to) = (one, other);
    for _ in 0..2 {
        let message = from.client.relay(to.client.address, b"hello");
        from.send(message.clone()).await;
        assert_eq!(to.binary().await, message);
        (from, to) = (to, from);
    }
}

/// An authenticated client is still there, and nothing waited for it. For an initiator if nobody has
/// address 250, and for a responder if there is no initiator.
pub(crate) async fn nothing_new(peer: &mut Peer) {
    let nobody = if peer.client.address == 1 { 250 } else { 1 };
    let message = peer.client.relay(nobody, b"is anybody there?");
    peer.send(message.clone()).await;
    assert_eq!(peer.notification().await, send_error(&message));
}

/// Has the initiator drop a responder.
pub(crate) async fn drop_responder(initiator: &mut Peer, address: u8, reason: Option<u16>) {
    let message = initiator.client.sealed(&ScriptedClient::drop_responder(address, reason));
    initiator.send(message).await;
}
