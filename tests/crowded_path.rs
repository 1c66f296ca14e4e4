//! Strangers who know the path try all the time, and come back when they are dropped. The initiator looks at one of
//! those that wait each second, and the right responder is among them: what is its chance?

mod support;

use std::time::Duration;

use saltyrtc::protocol::Transmit;
use support::fake_peer::FakePeer;
use support::fake_server::{FakeServer, Sent};
use support::keys;

/// The address of the right responder.
const RIGHT: u8 = 2;
/// How many seconds it waits.
const PATIENCE: usize = 300;

fn knock(server: &mut FakeServer, address: u8) {
    let mut peer = FakePeer::responder(address);
    if address != RIGHT {
        peer.token = keys::wrong_token();
    }
    peer.send_token(server);
    peer.send_key(server);
}

/// How many seconds it takes until the right one is let in.
fn seconds(server: &mut FakeServer) -> usize {
    for second in 0.. {
        server.events();
        let mut is_in = false;
        while let Some(transmit) = server.client.poll_transmit() {
            let Transmit::Message(message) = transmit else { panic!("{transmit:?}") };
            let sent = Sent::parse(&message);
            if sent.nonce.destination.0 == RIGHT {
                is_in = true;
                continue;
            }
            let dropped = sent.open(&server.key()).field("id").as_u64().unwrap() as u8;
            server.new_responder(dropped);
            knock(server, dropped);
        }
        if is_in {
            return second;
        }
        server.wait(Duration::from_secs(1));
    }
    unreachable!()
}

/// The part of many tries that succeeds within the time, with so many strangers.
fn chance(strangers: u8, tries: usize) -> f64 {
    let addresses: Vec<u8> = (3..3 + u16::from(strangers)).map(|it| it as u8).collect();
    let mut server = FakeServer::with_initiator(&addresses);
    for address in addresses {
        knock(&mut server, address);
    }
    let mut met = 0;
    for _ in 0..tries {
        server.client.arm_token(keys::token()).unwrap();
        server.new_responder(RIGHT);
        knock(&mut server, RIGHT);
        met += usize::from(seconds(&mut server) < PATIENCE);
        server.disconnected(RIGHT);
    }
    met as f64 / tries as f64
}

/// Figures in ARCHITECTURE.md.
#[test]
fn strangers_do_not_keep_the_right_responder_out() {
    // 1 - (90/91)^300 = 96 %, 1 - (252/253)^300 = 70 %.
    let (some, full) = (chance(90, 60), chance(252, 24));
    println!("90 strangers: {some}, a full path: {full}");
    assert!(some > 0.85, "{some}");
    assert!(full > 0.5, "{full}");
}
