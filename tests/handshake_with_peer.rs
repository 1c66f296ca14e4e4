//! Two clients meet.

mod support;

use saltyrtc::protocol::client::Event;
use support::pair::Pair;

#[test]
fn two_clients_meet_with_a_token() {
    let (pair, initiator, responder) = Pair::met_with_token();
    assert!(pair.events(initiator).contains(&Event::TokenUsed));
    println!("{} {responder}", pair.report());
}

#[test]
fn fakes_work() {
    use support::fake_peer::FakePeer;
    use support::fake_server::FakeServer;
    let mut server = FakeServer::with_initiator(&[2]);
    FakePeer::responder(2).authenticate(&mut server);
    let mut server = FakeServer::with_responder();
    FakePeer::initiator().authenticate(&mut server);
}
