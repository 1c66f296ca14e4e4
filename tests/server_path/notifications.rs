//! Who is told what when somebody comes, goes, or is made to go.

use saltyrtc::protocol::Role;
use saltyrtc::protocol::server::{Cause, Event};

use crate::Incoming::Close;
use crate::scripted_client::field;
use crate::*;

fn drop(bench: &mut Bench, initiator: &mut Member, address: u8, reason: Option<u16>) {
    let message = initiator.client.sealed(&ScriptedClient::drop_responder(address, reason));
    bench.send(initiator, message);
}

/// Covers P-155 P-156 P-172 P-173 P-176 P-177 P-178 P-179 P-184.
#[test]
fn newcomers_are_announced_before_they_can_send() {
    let mut bench = Bench::new();
    let mut first = bench.join_responder();
    let mut second = bench.join_responder();
    assert!(bench.incoming(&mut first).is_empty(), "responders do not hear of each other");

    let mut initiator = bench.new_initiator();
    let auth = bench.authenticate(&mut initiator);
    assert_eq!(field(&auth, "responders"), Some(&Value::Array(vec![2.into(), 3.into()])));
    let hello = initiator.client.relay(2, b"hello");
    bench.send(&initiator, hello.clone());
    assert_eq!(bench.incoming(&mut first), [new_initiator(), Relayed(hello.into())]);
    assert_eq!(bench.incoming(&mut second), [new_initiator()]);

    let mut third = bench.join_responder();
    let hello = third.client.relay(1, b"hello");
    bench.send(&third, hello.clone());
    assert_eq!(bench.incoming(&mut initiator), [new_responder(4), Relayed(hello.into())]);
    assert!(bench.incoming(&mut third).is_empty());
}

/// Covers P-172 P-177 P-199 P-200.
#[test]
fn those_who_are_not_authenticated_are_no_part_of_the_path() {
    let mut bench = Bench::new();
    let mut waiting = bench.new_responder();
    let mut initiator = bench.new_initiator();
    let auth = bench.authenticate(&mut initiator);
    assert_eq!(field(&auth, "responders"), Some(&Value::Array(vec![])));
    assert!(bench.incoming(&mut waiting).is_empty());
    let stranger = bench.new_initiator();
    for member in [&waiting, &stranger] {
        bench.path.handle_closed(bench.now, member.id);
    }
    assert!(bench.incoming(&mut initiator).is_empty());
    let responder = bench.join_responder();
    assert_eq!(responder.client.address, 2);
}

/// Covers P-199 P-200 P-207.
#[test]
fn leaving_is_announced_to_the_other_role() {
    let mut bench = Bench::new();
    let mut initiator = bench.join_initiator();
    let mut members = [bench.join_responder(), bench.join_responder()];
    bench.incoming(&mut initiator);
    bench.events();
    bench.path.handle_closed(bench.now, members[0].id);
    assert_eq!(bench.events(), [Event::Left { role: Some(Role::Responder) }]);
    assert_eq!(bench.incoming(&mut initiator), [disconnected(2)]);
    assert!(bench.incoming(&mut members[1]).is_empty());
    bench.path.handle_closed(bench.now, initiator.id);
    assert_eq!(bench.incoming(&mut members[1]), [disconnected(1)]);
    bench.path.handle_closed(bench.now, members[1].id);
    assert!(bench.path.is_empty());
}

/// Somebody who breaks the protocol is off the path at once, not when its socket is closed at last.
///
/// Covers P-199 P-200.
#[test]
fn a_client_that_is_closed_for_an_error_counts_as_gone() {
    let mut bench = Bench::new();
    let mut initiator = bench.join_initiator();
    let mut responder = bench.join_responder();
    bench.incoming(&mut initiator);
    bench.path.handle_text(bench.now, responder.id);
    assert_eq!(bench.incoming(&mut responder), [Close(3001)]);
    assert_eq!(bench.incoming(&mut initiator), [disconnected(2)]);
    let again = bench.join_responder();
    assert_eq!(again.client.address, 2, "the address is free");
    assert_eq!(bench.incoming(&mut initiator), [new_responder(2)]);
    bench.path.handle_closed(bench.now, responder.id);
    assert!(bench.incoming(&mut initiator).is_empty(), "the old socket does not matter any more");
    let message = initiator.client.relay(2, b"hello");
    bench.send(&initiator, message);
    assert!(bench.incoming(&mut initiator).is_empty(), "relayed to the new one");
}

/// An initiator whose application takes no events for a while is not to be closed for what strangers do.
///
/// Covers P-177 P-199.
#[test]
fn strangers_who_come_and_go_do_not_fill_the_queue_of_an_initiator_that_reads_nothing() {
    let mut bench = Bench::new();
    let mut initiator = bench.join_initiator();
    let known = bench.join_responder();
    assert_eq!(bench.incoming(&mut initiator), [new_responder(2)]);
    bench.path.handle_closed(bench.now, known.id);
    for _ in 0..700 {
        let mut stranger = bench.join_responder();
        let message = stranger.client.relay(1, b"hello");
        bench.send(&stranger, message);
        bench.path.handle_closed(bench.now, stranger.id);
    }
    let mut last = bench.join_responder();
    let message = last.client.relay(1, b"hello");
    bench.send(&last, message.clone());
    let incoming = bench.incoming(&mut initiator);
    let expected = [disconnected(2), new_responder(2), Relayed(message.into())];
    assert!(incoming.ends_with(&expected), "{incoming:?}");
    // It hears of the first of them, until it counts as one that does not keep up.
    assert!((100..300).contains(&incoming.len()), "{}", incoming.len());
}

/// A responder that reads nothing hears of the last one of many initiators, and that the one left of which it knew.
///
/// Covers P-172 P-199.
#[test]
fn initiators_who_come_and_go_do_not_fill_the_queue_of_a_responder_that_reads_nothing() {
    let mut bench = Bench::new();
    let mut first = bench.join_initiator();
    let mut responder = bench.join_responder();
    let mut last = bench.join_initiator();
    for _ in 0..700 {
        last = bench.join_initiator();
        let message = last.client.relay(2, b"hello");
        bench.send(&last, message);
    }
    assert!(bench.incoming(&mut first).ends_with(&[Close(3004)]));
    bench.path.handle_closed(bench.now, last.id);
    let incoming = bench.incoming(&mut responder);
    assert!(incoming.ends_with(&[disconnected(1)]), "{incoming:?}");
    assert!(incoming.len() < 300, "{}", incoming.len());
}

/// Covers P-145 P-146 P-172.
#[test]
fn a_newer_initiator_replaces_the_previous_one() {
    let mut bench = Bench::new();
    let mut responder = bench.join_responder();
    let mut old = bench.join_initiator();
    bench.incoming(&mut responder);
    bench.events();
    let new = bench.join_initiator();
    assert_eq!(bench.incoming(&mut old), [Close(3004)]);
    assert_eq!(bench.incoming(&mut responder), [new_initiator()], "and no 'disconnected'");
    assert_eq!(
        bench.events(),
        [
            Event::Closing { role: Some(Role::Initiator), cause: Cause::Replaced },
            Event::Authenticated { role: Role::Initiator },
        ]
    );
    // What the old one still sends, and the end of its socket, concern nobody.
    drop(&mut bench, &mut old, 2, None);
    let message = old.client.relay(2, b"late");
    bench.send(&old, message);
    bench.path.handle_closed(bench.now, old.id);
    assert!(bench.incoming(&mut responder).is_empty());
    bench.path.handle_closed(bench.now, new.id);
    assert_eq!(bench.incoming(&mut responder), [disconnected(1)]);
}

/// Covers P-188 P-195 P-197.
#[test]
fn dropping_a_responder_is_not_announced() {
    let mut bench = Bench::new();
    let mut initiator = bench.join_initiator();
    let mut responder = bench.join_responder();
    let mut other = bench.join_responder();
    bench.incoming(&mut initiator);
    bench.events();
    let last_words = initiator.client.relay(2, b"bye");
    bench.send(&initiator, last_words.clone());
    drop(&mut bench, &mut initiator, 2, Some(3005));
    assert_eq!(
        bench.incoming(&mut responder),
        [Relayed(last_words.clone().into()), Close(3005)],
        "what came before the drop goes out before"
    );
    bench.path.handle_closed(bench.now, responder.id);
    assert!(bench.incoming(&mut initiator).is_empty());
    assert!(bench.incoming(&mut other).is_empty());
    let events = bench.events();
    assert_eq!(events[0], Event::Relayed { messages: 1, bytes: last_words.len() as u64 });
    assert!(matches!(events[1], Event::Closing { cause: Cause::Dropped(_), .. }));
    assert_eq!(events.len(), 2);
}

/// The address may belong to somebody else by the time the socket breaks.
///
/// Covers P-197.
#[test]
fn messages_that_a_dropped_responder_did_not_read_are_not_reported() {
    let mut bench = Bench::new();
    let mut initiator = bench.join_initiator();
    let responder = bench.join_responder();
    assert_eq!(bench.incoming(&mut initiator), [new_responder(2)]);
    let message = initiator.client.relay(2, b"bye");
    bench.send(&initiator, message);
    drop(&mut bench, &mut initiator, 2, None);
    bench.join_responder();
    bench.path.handle_closed(bench.now, responder.id);
    assert_eq!(bench.incoming(&mut initiator), [new_responder(2)]);
}

/// Covers P-193 P-194.
#[test]
fn dropping_nobody_is_ignored() {
    let mut bench = Bench::new();
    let mut initiator = bench.join_initiator();
    let mut waiting = bench.new_responder();
    for address in [2, 3, 255] {
        drop(&mut bench, &mut initiator, address, None);
    }
    assert!(bench.incoming(&mut initiator).is_empty());
    assert!(bench.incoming(&mut waiting).is_empty());
}

/// Covers P-190.
#[test]
fn responders_cannot_drop_anybody() {
    let mut bench = Bench::new();
    let mut initiator = bench.join_initiator();
    let mut victim = bench.join_responder();
    let mut attacker = bench.join_responder();
    bench.incoming(&mut initiator);
    drop(&mut bench, &mut attacker, 2, None);
    assert_eq!(bench.incoming(&mut attacker), [Close(3001)]);
    assert!(bench.incoming(&mut victim).is_empty());
    assert_eq!(bench.incoming(&mut initiator), [disconnected(3)]);
}

/// Covers P-015 P-147 P-036.
#[test]
fn a_responder_gets_the_smallest_free_address() {
    let mut bench = Bench::new();
    let mut initiator = bench.join_initiator();
    let members: Vec<Member> = (0..4).map(|_| bench.join_responder()).collect();
    let addresses: Vec<u8> = members.iter().map(|member| member.client.address).collect();
    assert_eq!(addresses, [2, 3, 4, 5]);
    bench.path.handle_closed(bench.now, members[2].id);
    bench.path.handle_closed(bench.now, members[0].id);
    bench.incoming(&mut initiator);
    let next = [bench.join_responder(), bench.join_responder(), bench.join_responder()];
    assert_eq!(next.each_ref().map(|member| member.client.address), [2, 4, 6]);
    assert_ne!(
        next[0].client.server.unwrap().1,
        members[0].client.server.unwrap().1,
        "another cookie for another client"
    );
    // The one with the next address is still itself, and not the newcomer.
    let message = initiator.client.relay(3, b"hello");
    bench.send(&initiator, message.clone());
    let mut members = members;
    assert_eq!(bench.incoming(&mut members[1]), [Relayed(message.into())]);
}

/// Covers P-148.
#[test]
fn a_full_path_refuses_the_255th_responder_until_one_leaves() {
    let mut bench = Bench::new();
    let mut initiator = bench.join_initiator();
    let members: Vec<Member> = (0..254).map(|_| bench.join_responder()).collect();
    assert_eq!(members.last().unwrap().client.address, 255);
    assert_eq!(bench.incoming(&mut initiator).len(), 254);
    let refused = |bench: &mut Bench| {
        let mut member = bench.new_responder();
        let auth = member.client.client_auth();
        let message = member.client.sealed(&auth);
        bench.send(&member, message);
        assert_eq!(bench.incoming(&mut member), [Close(3000)]);
        bench.path.handle_closed(bench.now, member.id);
    };
    refused(&mut bench);
    assert!(bench.incoming(&mut initiator).is_empty(), "nobody hears of it");
    let mut again = bench.join_initiator();
    assert_eq!(bench.incoming(&mut initiator), [Close(3004)], "an initiator always fits");
    drop(&mut bench, &mut again, 77, None);
    let newcomer = bench.join_responder();
    assert_eq!(newcomer.client.address, 77);
    refused(&mut bench);
}

/// Covers P-032.
#[test]
fn paths_do_not_hear_of_each_other() {
    let (mut one, mut two) = (Bench::new(), Bench::new());
    let mut initiators = [one.join_initiator(), two.join_initiator()];
    let mut responder = one.join_responder();
    let message = responder.client.relay(1, b"hello");
    one.send(&responder, message);
    assert_eq!(one.incoming(&mut initiators[0]).len(), 2);
    assert!(two.incoming(&mut initiators[1]).is_empty());
    one.path.handle_closed(one.now, responder.id);
    assert!(two.incoming(&mut initiators[1]).is_empty());
    let mut stranger = two.connect(one.initiator_keys.clone());
    let auth = stranger.client.client_auth();
    let message = stranger.client.sealed(&auth);
    two.send(&stranger, message);
    assert_eq!(two.incoming(&mut stranger), [Close(3001)], "the key of another path is no use");
}

#[test]
fn shutdown_closes_everybody_with_1001_after_what_waits() {
    let mut bench = Bench::new();
    let mut initiator = bench.join_initiator();
    let mut responder = bench.join_responder();
    let mut waiting = bench.new_responder();
    let message = initiator.client.relay(2, b"hello");
    bench.send(&initiator, message.clone());
    bench.path.shutdown(bench.now);
    assert_eq!(bench.incoming(&mut initiator), [new_responder(2), Close(1001)]);
    assert_eq!(bench.incoming(&mut responder), [Relayed(message.into()), Close(1001)]);
    assert_eq!(bench.incoming(&mut waiting), [Close(1001)]);
    for member in [&initiator, &responder, &waiting] {
        assert!(!bench.path.is_empty());
        bench.path.handle_closed(bench.now, member.id);
    }
    assert!(bench.path.is_empty());
}

/// A driver with one task for each client has to know which of the others to wake.
#[test]
fn clients_with_something_new_are_named_once() {
    let mut bench = Bench::new();
    let responder = bench.join_responder();
    let initiator = bench.join_initiator();
    let ready = |bench: &mut Bench| {
        let mut all: Vec<_> = std::iter::from_fn(|| bench.path.poll_ready()).collect();
        all.sort();
        all
    };
    assert_eq!(ready(&mut bench), [responder.id, initiator.id]);
    assert!(ready(&mut bench).is_empty());
    let mut initiator = initiator;
    for _ in 0..3 {
        let message = initiator.client.relay(2, b"hello");
        bench.send(&initiator, message);
    }
    assert_eq!(ready(&mut bench), [responder.id]);
    bench.path.handle_closed(bench.now, initiator.id);
    assert_eq!(ready(&mut bench), [responder.id]);
}
