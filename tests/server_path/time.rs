//! Handshake timeout and pings.

use saltyrtc::protocol::server::{Cause, Event, PathConfig};

use crate::Incoming::{Close, Ping};
use crate::scripted_client::with_field;
use crate::*;

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn initiator_with_pings(bench: &mut Bench, interval: u64) -> Member {
    let mut member = bench.new_initiator();
    let interval = Some(interval.into());
    let auth = with_field(&member.client.client_auth(), "ping_interval", interval);
    bench.authenticate_with(&mut member, &auth);
    member
}

#[test]
fn a_client_has_to_be_authenticated_in_time() {
    let config = PathConfig { handshake_timeout: seconds(10), ..Default::default() };
    let stages: [fn(&mut Bench) -> Member; 2] = [Bench::new_initiator, Bench::new_responder];
    for stage in stages {
        let mut bench = Bench::with(config.clone());
        let start = bench.now;
        let mut member = stage(&mut bench);
        assert_eq!(bench.path.poll_timeout(), Some(start + seconds(10)));
        assert_eq!(bench.path.client_timeout(member.id), Some(start + seconds(10)));
        bench.advance(seconds(9));
        assert!(bench.incoming(&mut member).is_empty());
        bench.advance(seconds(1));
        assert_eq!(bench.incoming(&mut member), [Close(3008)]);
        assert_eq!(bench.events(), [Event::Closing { role: None, cause: Cause::HandshakeTimeout }]);
        assert_eq!(bench.path.poll_timeout(), None);
    }
    let mut bench = Bench::with(config);
    let mut member = bench.new_initiator();
    bench.advance(seconds(9));
    bench.authenticate(&mut member);
    assert_eq!(bench.path.poll_timeout(), None);
    bench.advance(seconds(1000));
    assert!(bench.incoming(&mut member).is_empty());
}

/// Covers P-133.
#[test]
fn without_an_interval_there_are_no_pings() {
    let mut bench = Bench::new();
    let mut member = initiator_with_pings(&mut bench, 0);
    assert_eq!(bench.path.poll_timeout(), None);
    bench.advance(seconds(1_000_000));
    assert!(bench.incoming(&mut member).is_empty());
}

/// Covers P-134.
#[test]
fn pings_come_at_the_interval_while_they_are_answered() {
    let mut bench = Bench::new();
    let mut member = initiator_with_pings(&mut bench, 20);
    // The interval counts from ping to ping, so a late answer does not delay the next ping.
    let mut waited = 0;
    for answered_after in [0, 1, 19, 0] {
        bench.advance(seconds(19 - waited));
        assert!(bench.incoming(&mut member).is_empty(), "too early");
        bench.advance(seconds(1));
        assert_eq!(bench.incoming(&mut member), [Ping]);
        bench.advance(seconds(answered_after));
        bench.path.handle_pong(bench.now, member.id);
        assert!(bench.incoming(&mut member).is_empty());
        waited = answered_after;
    }
}

/// Covers P-135 P-136.
#[test]
fn an_unanswered_ping_closes_with_3008_after_30_seconds() {
    let mut bench = Bench::new();
    let mut responder = bench.join_responder();
    let mut member = initiator_with_pings(&mut bench, 5);
    bench.incoming(&mut responder);
    bench.events();
    bench.path.handle_pong(bench.now, member.id);
    bench.advance(seconds(5));
    assert_eq!(bench.incoming(&mut member), [Ping], "a pong without a ping means nothing");
    bench.advance(seconds(29));
    let message = member.client.relay(2, b"busy");
    bench.send(&member, message);
    assert!(bench.incoming(&mut member).is_empty(), "one ping at a time");
    bench.advance(seconds(1));
    assert_eq!(bench.incoming(&mut member), [Close(3008)], "only a pong is a pong");
    assert_eq!(bench.incoming(&mut responder).last(), Some(&disconnected(1)));
    assert!(
        bench
            .events()
            .iter()
            .any(|event| matches!(event, Event::Closing { cause: Cause::PongTimeout, .. }))
    );
}

#[test]
fn only_the_client_whose_time_has_come_is_concerned() {
    let mut bench = Bench::new();
    let mut member = initiator_with_pings(&mut bench, 5);
    let mut waiting = bench.new_responder();
    bench.now += seconds(6);
    bench.path.handle_client_timeout(bench.now, waiting.id);
    assert!(bench.incoming(&mut member).is_empty() && bench.incoming(&mut waiting).is_empty());
    bench.path.handle_client_timeout(bench.now, member.id);
    assert_eq!(bench.incoming(&mut member), [Ping]);
}

#[test]
fn an_interval_beyond_the_end_of_time_is_no_interval() {
    let mut bench = Bench::new();
    initiator_with_pings(&mut bench, u64::MAX);
    assert_eq!(bench.path.poll_timeout(), None);
}

#[test]
fn who_is_idle_for_too_long_has_to_go() {
    let config = PathConfig { idle_timeout: Some(seconds(100)), ..Default::default() };
    let mut bench = Bench::with(config);
    let mut initiator = bench.join_initiator();
    bench.advance(seconds(40));
    let mut responder = bench.join_responder();
    bench.incoming(&mut initiator);
    bench.events();

    // Each message counts for both ends, and nothing has to be done for it at that time.
    bench.advance(seconds(50));
    let message = responder.client.relay(1, b"hello");
    bench.send(&responder, message.clone());
    assert_eq!(bench.incoming(&mut initiator), [Incoming::Relayed(message.into())]);
    bench.advance(seconds(99));
    assert!(bench.incoming(&mut initiator).is_empty() && bench.incoming(&mut responder).is_empty());

    // A message to the server counts for its sender only, a pong for nobody.
    let message = initiator.client.relay(77, b"is anybody there?");
    bench.send(&initiator, message.clone());
    assert_eq!(bench.incoming(&mut initiator), [send_error(&message)]);
    bench.path.handle_pong(bench.now, responder.id);
    bench.advance(seconds(1));
    assert_eq!(bench.incoming(&mut responder), [Close(3008)]);
    assert_eq!(bench.incoming(&mut initiator), [disconnected(2)]);
    bench.path.handle_closed(bench.now, responder.id);
    bench.events();
    bench.advance(seconds(98));
    assert!(bench.incoming(&mut initiator).is_empty());
    bench.advance(seconds(1));
    assert_eq!(bench.incoming(&mut initiator), [Close(3008)]);
    let role = Some(saltyrtc::protocol::Role::Initiator);
    assert_eq!(bench.events(), [Event::Closing { role, cause: Cause::Idle }]);
    assert_eq!(bench.path.poll_timeout(), None);
}

#[test]
fn clients_keep_the_configuration_that_they_came_under() {
    let times = |handshake, pong| PathConfig {
        handshake_timeout: seconds(handshake),
        pong_timeout: seconds(pong),
        ..Default::default()
    };
    let mut bench = Bench::with(times(10, 20));
    let mut old = initiator_with_pings(&mut bench, 1);
    let waiting = bench.new_responder();
    bench.path.set_config(std::sync::Arc::new(times(1000, 2000)));
    let new = bench.new_responder();
    let now = bench.now;
    assert_eq!(bench.path.client_timeout(waiting.id), Some(now + seconds(10)));
    assert_eq!(bench.path.client_timeout(new.id), Some(now + seconds(1000)));
    bench.advance(seconds(1));
    assert_eq!(bench.incoming(&mut old), [Ping]);
    assert_eq!(bench.path.client_timeout(old.id), Some(bench.now + seconds(20)));
}

#[test]
fn it_is_known_when_a_relayed_message_arrived() {
    let mut bench = Bench::new();
    let initiator = bench.join_initiator();
    let mut responder = bench.join_responder();
    bench.advance(seconds(1));
    let arrived = bench.now;
    let message = responder.client.relay(1, b"hello");
    bench.send(&responder, message);
    bench.advance(seconds(1));
    assert_eq!(bench.path.next_relayed(initiator.id), None, "'new-responder' is before it");
    bench.path.poll_transmit(initiator.id);
    assert_eq!(bench.path.next_relayed(initiator.id).map(|(at, _)| at), Some(arrived));
    bench.path.poll_transmit(initiator.id);
    assert_eq!(bench.path.next_relayed(initiator.id), None);
}

/// Everything in order: what is small at once, and what is large on its own.
#[test]
fn several_messages_are_taken_at_once() {
    const SMALL: usize = 1000;
    let mut bench = Bench::new();
    let initiator = bench.join_initiator();
    let mut responder = bench.join_responder();
    bench.advance(seconds(1));
    let arrived = Some(bench.now);
    let sizes = [100, 200, 300, 2000, 100];
    let messages = sizes.map(|size| Bytes::from(responder.client.relay(1, &vec![7; size])));
    for message in &messages {
        bench.send(&responder, message.to_vec());
    }
    bench.path.handle_closed(bench.now, responder.id);
    let mut take = |most| bench.path.poll_transmits(initiator.id, most, SMALL);
    let relayed = |message: &Bytes| (arrived, Transmit::Message(message.clone()));

    let first = take(300);
    let [(None, Transmit::Message(_)), one, two] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!(
        [one, two],
        [&relayed(&messages[0]), &relayed(&messages[1])],
        "as much as is enough"
    );
    assert_eq!(take(usize::MAX), [relayed(&messages[2])], "up to the large one");
    assert_eq!(take(usize::MAX), []);
    let large = messages[3].clone();
    assert_eq!(bench.path.poll_transmit(initiator.id), Some(Transmit::Message(large)));
    let last = bench.path.poll_transmits(initiator.id, usize::MAX, SMALL);
    let [small, (None, Transmit::Message(_))] = last.as_slice() else { panic!("{last:?}") };
    assert_eq!(small, &relayed(&messages[4]), "and then that the responder has left");
    let unknown = responder.id;
    assert_eq!(bench.path.poll_transmits(unknown, usize::MAX, SMALL), []);
}
