//! Changing certificate, keys and limits while clients are connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmpv::Value;
use saltyrtc::server::{AcceptRate, Reload, ServerError, TlsIdentity};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, version};

use crate::scripted_client::{field, with_field};
use crate::socket_peer::{
    Peer, certificate, closed, config, hits, keys, kind, read_to_end, start, tls_client, until,
};

async fn accepts(address: std::net::SocketAddr, client: &Arc<ClientConfig>) -> bool {
    let tcp = TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(client.clone());
    connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.is_ok()
}

fn with_tls(identity: TlsIdentity) -> Reload {
    let mut reload = Reload::default();
    reload.tls = Some(identity);
    reload
}

#[tokio::test]
async fn a_new_certificate_is_for_new_connections_and_no_message_is_lost() {
    /// Before the certificate changes, and after that.
    const MESSAGES: u32 = 500;
    let (old_root, old) = certificate();
    let (new_root, new) = certificate();
    let mut config = config();
    config.tls = Some(old);
    let server = start(config);
    let address = server.local_addr().unwrap();
    let [old_client, new_client] =
        [&old_root, &new_root].map(|root| tls_client(root, &version::TLS13));

    let path = keys();
    let join = async |keys, responder| {
        let tls = Some(old_client.clone());
        let mut peer = Peer::connect_tls(&server, &path, keys, tls).await;
        if responder {
            peer.hello().await;
        }
        peer.authenticate().await;
        peer
    };
    let mut initiator = join(path.clone(), false).await;
    let mut responder = join(keys(), true).await;
    assert_eq!(kind(&initiator.notification().await), "new-responder");

    // The pair counts up, each one answering the other, and the certificate changes in the middle.
    let (middle, reached) = tokio::sync::oneshot::channel();
    let changed = Arc::new(AtomicBool::new(false));
    let has_changed = changed.clone();
    let pair = tokio::spawn(async move {
        let (mut middle, mut before) = (Some(middle), None);
        for n in 0_u32.. {
            let there = initiator.client.relay(2, &n.to_be_bytes());
            initiator.send(there.clone()).await;
            assert_eq!(responder.binary().await, there);
            let back = responder.client.relay(1, &n.to_be_bytes());
            responder.send(back.clone()).await;
            assert_eq!(initiator.binary().await, back);
            if n == MESSAGES {
                middle.take().unwrap().send(()).unwrap();
            }
            if has_changed.load(Ordering::Relaxed) && n - *before.get_or_insert(n) == MESSAGES {
                return;
            }
        }
    });
    reached.await.unwrap();
    assert!(accepts(address, &old_client).await && !accepts(address, &new_client).await);
    server.reload(with_tls(new)).unwrap();
    assert!(!accepts(address, &old_client).await && accepts(address, &new_client).await);
    changed.store(true, Ordering::Relaxed);
    pair.await.unwrap();
}

#[tokio::test]
async fn a_bad_certificate_changes_nothing() {
    let (root, identity) = certificate();
    let (_, other) = certificate();
    let mut config = config();
    config.tls = Some(identity.clone());
    let server = start(config);
    let client = tls_client(&root, &version::TLS13);
    let mismatch = TlsIdentity { private_key: other.private_key, ..identity.clone() };
    let empty = TlsIdentity { certificate_chain: Vec::new(), ..identity };
    for bad in [mismatch, empty] {
        let mut reload = with_tls(bad);
        let mut limits = server.limits();
        limits.message_size = 2000;
        reload.limits = Some(limits);
        let error = server.reload(reload).unwrap_err();
        assert!(matches!(error, ServerError::Tls(_)), "{error}");
    }
    let mut reload = Reload::default();
    let mut limits = server.limits();
    limits.message_size = 0;
    reload.limits = Some(limits);
    reload.permanent_keys = Some(vec![keys()]);
    assert!(matches!(server.reload(reload), Err(ServerError::Limit(_))));
    assert!(accepts(server.local_addr().unwrap(), &client).await);
    assert_eq!(server.limits().message_size, 1 << 20);
    let plain = start(crate::socket_peer::config());
    assert!(matches!(plain.reload(with_tls(other_identity())), Err(ServerError::NotTls)));
}

fn other_identity() -> TlsIdentity {
    certificate().1
}

/// Covers P-006 P-007 P-140 P-141.
#[tokio::test]
async fn new_permanent_keys_are_for_new_connections_of_old_paths_too() {
    let [old, new] = [keys(), keys()];
    let mut config = config();
    config.permanent_keys = vec![old.clone()];
    let server = start(config);
    let path = keys();
    let mut initiator = Peer::connect(&server, &path, path.clone()).await;
    let mut reload = Reload::default();
    reload.permanent_keys = Some(vec![new.clone()]);
    server.reload(reload).unwrap();
    // This one was there before, and may still ask for the key of that time.
    let wants_old = Value::from(old.public().as_bytes().to_vec());
    let auth = with_field(&initiator.client.client_auth(), "your_key", Some(wants_old.clone()));
    let message = initiator.client.sealed(&auth);
    initiator.send(message).await;
    let message = initiator.binary().await;
    let auth = initiator.client.open(&message);
    initiator.client.check_signed_keys(&message, &auth, old.public());

    let mut responder = Peer::connect(&server, &path, keys()).await;
    responder.hello().await;
    let auth = responder.client.client_auth();
    let message = responder.client.sealed(&auth);
    responder.send(message).await;
    let message = responder.binary().await;
    let auth = responder.client.open(&message);
    responder.client.check_signed_keys(&message, &auth, new.public());
    assert_eq!(field(&auth, "initiator_connected"), Some(&true.into()));

    let mut late = Peer::connect(&server, &path, keys()).await;
    late.hello().await;
    let auth = with_field(&late.client.client_auth(), "your_key", Some(wants_old));
    let message = late.client.sealed(&auth);
    late.send(message).await;
    assert_eq!(closed(&mut late.socket).await, 3007);
}

#[tokio::test]
async fn new_limits_are_for_new_connections() {
    let server = start(config());
    let path = keys();
    let mut old = Peer::join(&server, &path, false).await;
    let mut limits = server.limits();
    limits.message_size = 2000;
    limits.connections_per_address = Some(2);
    limits.accept_rate = Some(AcceptRate { per_second: 1000, burst: 1000 });
    let mut reload = Reload::default();
    reload.limits = Some(limits);
    server.reload(reload).unwrap();
    let mut new = Peer::join(&server, &path, true).await;
    assert_eq!(kind(&old.notification().await), "new-responder");
    let large = old.client.relay(2, &[0; 5000]);
    old.send(large.clone()).await;
    assert_eq!(new.binary().await, large);
    let large = new.client.relay(1, &[0; 5000]);
    new.send(large).await;
    assert_eq!(closed(&mut new.socket).await, 1009);
    drop(new);
    until(|| server.connections() == 1).await;
    // The address has two by now: the first one counts too.
    let _second = Peer::join(&server, &keys(), false).await;
    let mut third = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    assert_eq!(read_to_end(&mut third).await, b"");
    assert_eq!(hits(&server, "connections_per_address"), 1);
}
