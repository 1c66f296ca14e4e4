//! What the log says about peers. A file of its own: which log calls are switched on is decided for
//! all threads of a program.

mod support;

use support::fake_peer::FakePeer;
use support::fake_server::FakeServer;
use support::log::warnings;
use support::msg::Msg;

/// Applications get to know what was wrong with a message. The log does not, as that quotes the peer.
#[test]
fn what_a_peer_wrote_does_not_get_into_the_log() {
    let pairs = || {
        [
            (FakeServer::with_initiator(&[2]), FakePeer::responder(2)),
            (FakeServer::with_responder(), FakePeer::initiator()),
        ]
    };
    let bad = Msg::new("my-secret");
    let logged = warnings(|| {
        for (mut server, mut peer) in pairs() {
            peer.authenticate(&mut server);
            peer.send(&mut server, &bad);
        }
        let [(mut initiator, mut responder), _] = pairs();
        responder.send_with_token(&mut initiator, &bad.encode());
        let [_, (mut responder, mut initiator)] = pairs();
        initiator.send_with_permanent(&mut responder, &bad.encode());
    });
    assert_eq!(logged.len(), 4, "{logged:?}");
    assert!(!logged.concat().contains("secret"), "{logged:?}");
}
