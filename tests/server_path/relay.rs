//! Messages from client to client.

use saltyrtc::protocol::server::{Cause, Event, RelayFailure};

use crate::Incoming::Close;
use crate::*;

pub(crate) fn pair(bench: &mut Bench) -> (Member, Member) {
    let mut initiator = bench.join_initiator();
    let responder = bench.join_responder();
    bench.incoming(&mut initiator);
    bench.events();
    (initiator, responder)
}

/// Covers P-057 P-058 P-086 P-087 P-214 P-215.
#[test]
fn messages_are_relayed_unmodified_and_without_a_copy() {
    let mut bench = Bench::new();
    let (mut initiator, mut responder) = pair(&mut bench);
    let mut all = 0;
    for size in [1, 100, 70_000] {
        let message: Bytes = initiator.client.relay(2, &vec![0xc1; size]).into();
        bench.path.handle_message(bench.now, initiator.id, message.clone());
        let relayed = bench.incoming(&mut responder);
        let [Relayed(relayed)] = relayed.as_slice() else { panic!("{relayed:?}") };
        assert_eq!((relayed, relayed.as_ptr()), (&message, message.as_ptr()));
        let message = responder.client.relay(1, &vec![0; size]);
        bench.send(&responder, message.clone());
        all += 2 * message.len() as u64;
        assert_eq!(bench.incoming(&mut initiator), [Relayed(message.into())]);
    }
    assert_eq!(bench.events(), [Event::Relayed { messages: 6, bytes: all }]);
}

/// Cookies and sequence numbers between clients are the clients' business.
///
/// Covers P-077 P-078 P-087.
#[test]
fn nonces_of_relayed_messages_are_not_checked_but_for_the_addresses() {
    let mut bench = Bench::new();
    let (mut initiator, mut responder) = pair(&mut bench);
    for sequence in [1 << 40, 0, 0, 5] {
        let mut message = initiator.client.relay(2, b"x");
        message[..16].fill(sequence as u8);
        message[18..24].copy_from_slice(&u64::to_be_bytes(sequence)[2..]);
        bench.send(&initiator, message.clone());
        assert_eq!(bench.incoming(&mut responder), [Relayed(message.into())]);
    }
    let message = initiator.client.sealed(&ScriptedClient::drop_responder(2, None));
    bench.send(&initiator, message);
    assert_eq!(bench.incoming(&mut responder), [Close(3004)], "other counters, other cookie");
}

/// Covers P-057 P-065 P-083.
#[test]
fn relaying_needs_the_own_address_and_the_other_role() {
    // (sent by the initiator, source, destination)
    let table = [
        (true, 1, 1),
        (true, 2, 1),
        (true, 0, 2),
        (true, 3, 2),
        (false, 2, 2),
        (false, 2, 3),
        (false, 2, 255),
        (false, 3, 1),
        (false, 1, 2),
        (false, 0, 1),
    ];
    for (by_initiator, source, destination) in table {
        let mut bench = Bench::new();
        let (initiator, responder) = pair(&mut bench);
        let mut third = bench.join_responder();
        let (mut sender, mut other) =
            if by_initiator { (initiator, responder) } else { (responder, initiator) };
        bench.incoming(&mut other);
        bench.incoming(&mut sender);
        sender.client.address = source;
        let message = sender.client.relay(destination, b"hello");
        bench.send(&sender, message);
        assert_eq!(bench.incoming(&mut sender), [Close(3001)], "{source} to {destination}");
        let gone = if by_initiator { 1 } else { 2 };
        assert_eq!(bench.incoming(&mut other), [disconnected(gone)]);
        let third = bench.incoming(&mut third);
        assert_eq!(third.len(), usize::from(by_initiator), "{third:?}");
    }
}

/// Covers P-088 P-208 P-209 P-213 P-216.
#[test]
fn what_nobody_can_get_is_reported_to_the_sender() {
    let mut bench = Bench::new();
    let (mut initiator, mut responder) = pair(&mut bench);
    let mut waiting = bench.new_responder();
    for address in [3, 255] {
        let mut message = initiator.client.relay(address, b"hello");
        message[18..20].copy_from_slice(&[0xab, 0xcd]);
        bench.send(&initiator, message.clone());
        assert_eq!(bench.incoming(&mut initiator), [send_error(&message)]);
        assert_eq!(bench.events(), [Event::RelayFailed { why: RelayFailure::NobodyThere }]);
    }
    assert!(bench.incoming(&mut waiting).is_empty());
    bench.path.handle_closed(bench.now, initiator.id);
    let message = responder.client.relay(1, b"hello");
    bench.send(&responder, message.clone());
    assert_eq!(bench.incoming(&mut responder), [disconnected(1), send_error(&message)]);
}

/// Covers P-088 P-208 P-209.
#[test]
fn messages_that_wait_when_the_receiver_leaves_are_reported() {
    for by_error in [false, true] {
        let mut bench = Bench::new();
        let (mut initiator, mut responder) = pair(&mut bench);
        let messages = [1, 2, 3].map(|n| initiator.client.relay(2, &[n]));
        for message in &messages {
            bench.send(&initiator, message.clone());
        }
        assert!(matches!(bench.path.poll_transmit(responder.id), Some(Transmit::Message(_))));
        if by_error {
            bench.path.handle_text(bench.now, responder.id);
            assert_eq!(bench.incoming(&mut responder), [Close(3001)]);
        } else {
            bench.path.handle_closed(bench.now, responder.id);
        }
        assert_eq!(
            bench.incoming(&mut initiator),
            [send_error(&messages[1]), send_error(&messages[2]), disconnected(2)],
            "not the one that was handed over"
        );
    }
}

/// Who had much on the way to a receiver that breaks down is told so, and not thrown out for it.
///
/// Covers P-088 P-208.
#[test]
fn thousands_of_waiting_messages_do_not_cost_their_sender_its_place() {
    let mut bench = Bench::new();
    let (mut initiator, responder) = pair(&mut bench);
    let first = initiator.client.relay(2, b"x");
    bench.send(&initiator, first.clone());
    for _ in 0..5000 {
        let message = initiator.client.relay(2, b"x");
        bench.send(&initiator, message);
    }
    bench.events();
    bench.path.handle_closed(bench.now, responder.id);
    let told = bench.incoming(&mut initiator);
    assert_eq!(told.first(), Some(&send_error(&first)));
    assert_eq!(told.last(), Some(&disconnected(2)), "and no close");
    let failed = Event::RelayFailed { why: RelayFailure::ReceiverLeft };
    assert_eq!(bench.events().iter().filter(|event| **event == failed).count(), 5001);
    // There is room for whatever comes next.
    bench.join_responder();
    assert_eq!(bench.incoming(&mut initiator), [new_responder(2)]);
}

/// Covers P-088 P-145 P-173.
#[test]
fn messages_for_a_replaced_initiator_are_reported_before_the_new_one_is_announced() {
    let mut bench = Bench::new();
    let (mut initiator, mut responder) = pair(&mut bench);
    let message = responder.client.relay(1, b"hello");
    bench.send(&responder, message.clone());
    let mut newer = bench.join_initiator();
    assert_eq!(bench.incoming(&mut responder), [send_error(&message), new_initiator()]);
    assert_eq!(bench.incoming(&mut initiator), [Close(3004)]);
    assert!(bench.incoming(&mut newer).is_empty());
}

/// Somebody who never reads is told off, and its peers hear that it is gone.
#[test]
fn a_client_that_lets_notifications_pile_up_is_closed() {
    let mut bench = Bench::new();
    let (mut initiator, mut responder) = pair(&mut bench);
    let mut sent = 0;
    while bench.events().iter().all(|event| !matches!(event, Event::Closing { .. })) {
        let message = initiator.client.relay(99, b"hello");
        bench.send(&initiator, message);
        sent += 1;
        assert!(sent < 5000, "unlimited");
    }
    assert!(sent > 300, "a burst is no problem");
    assert_eq!(bench.path.poll_transmit(initiator.id).map(close_code), Some(Some(3008)));
    assert_eq!(bench.path.poll_transmit(initiator.id), None, "the pile is gone");
    assert_eq!(bench.incoming(&mut responder), [disconnected(1)]);
}

#[test]
fn the_cause_of_such_a_close_is_named() {
    assert_eq!(Cause::TooSlow.close_code().code(), 3008);
    assert!(Cause::TooSlow.to_string().contains("does not read"));
}

fn close_code(transmit: Transmit) -> Option<u16> {
    match transmit {
        Transmit::Close(code) => Some(code.code()),
        _ => None,
    }
}
