//! Back-pressure: who sends more than its receiver takes has to wait, and nobody else.

use saltyrtc::protocol::server::{Cause, Event, PathConfig, RelayFailure};

use crate::Incoming::{Close, Ping, Pong};
use crate::relay::pair;
use crate::scripted_client::with_field;
use crate::*;

const MESSAGE: usize = 1000;
/// What each of these costs.
const COST: usize = MESSAGE + 24 + 64;
const STALL: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// A queue that takes so many messages.
fn room_for(messages: usize) -> Bench {
    Bench::with(PathConfig { max_queue: messages * COST, ..Default::default() })
}

/// Sends a message and gives it back.
fn send(bench: &mut Bench, from: &mut Member, to: u8) -> Incoming {
    let message = from.client.relay(to, &[7; MESSAGE]);
    bench.send(from, message.clone());
    Relayed(message.into())
}

fn send_many(bench: &mut Bench, from: &mut Member, to: u8, count: usize) -> Vec<Incoming> {
    (0..count).map(|_| send(bench, from, to)).collect()
}

/// 'send-error' for each of these.
fn errors(messages: &[Incoming]) -> Vec<Incoming> {
    let error = |message: &Incoming| match message {
        Relayed(message) => send_error(message),
        other => panic!("{other:?}"),
    };
    messages.iter().map(error).collect()
}

/// One message reaches the socket of its receiver.
fn take_one(bench: &mut Bench, receiver: &mut Member) -> Option<Incoming> {
    let taken = bench.next(receiver);
    bench.path.handle_written(bench.now, receiver.id);
    taken
}

fn ready(bench: &mut Bench) -> Vec<saltyrtc::protocol::server::ClientId> {
    std::iter::from_fn(|| bench.path.poll_ready()).collect()
}

/// Covers P-087.
#[test]
fn who_sends_more_than_fits_goes_on_when_half_of_it_was_taken() {
    let mut bench = room_for(8);
    let (mut initiator, mut slow) = pair(&mut bench);
    let mut sent = send_many(&mut bench, &mut initiator, 2, 8);
    assert!(!bench.path.is_paused(initiator.id));
    sent.push(send(&mut bench, &mut initiator, 2));
    assert!(bench.path.is_paused(initiator.id));
    let paused = Event::Paused { why: RelayFailure::QueueFull };
    assert_eq!(bench.events().last(), Some(&paused));
    // What the driver had read already.
    sent.extend(send_many(&mut bench, &mut initiator, 2, 2));
    let mut taken = Vec::new();
    ready(&mut bench);
    for _ in 0..3 {
        taken.extend(take_one(&mut bench, &mut slow));
        assert!(bench.path.is_paused(initiator.id), "not for each message");
    }
    assert_eq!(ready(&mut bench), []);
    taken.extend(take_one(&mut bench, &mut slow));
    assert!(!bench.path.is_paused(initiator.id));
    assert!(ready(&mut bench).contains(&initiator.id), "it is read from again");
    let resumed = |event: &&Event| **event == Event::Resumed;
    assert_eq!(bench.events().iter().filter(resumed).count(), 1);
    taken.extend(bench.incoming(&mut slow));
    assert_eq!(taken, sent);
    assert!(bench.incoming(&mut initiator).is_empty(), "and no 'send-error'");
}

/// However much is sent, and whatever the sizes: all of it arrives in order, and no more waits than may.
#[test]
fn everything_arrives_in_order_and_the_queue_stays_bounded() {
    for max_queue in [0, 1, 1024, 3000, 100_000] {
        let config = PathConfig { max_queue, ..Default::default() };
        let queued = config.queued.clone();
        let mut bench = Bench::with(config);
        let (mut initiator, mut slow) = pair(&mut bench);
        let (mut sent, mut taken) = (0_u64, 0);
        while taken < 2000 {
            while sent < 2000 && !bench.path.is_paused(initiator.id) {
                let length = usize::try_from(sent * 7919 % 5000).unwrap();
                let content = [&sent.to_be_bytes()[..], &vec![1; length]].concat();
                let message = initiator.client.relay(2, &content);
                bench.send(&initiator, message);
                sent += 1;
                let waiting = queued.load(std::sync::atomic::Ordering::Relaxed);
                // With the one that does not fit.
                assert!(waiting <= max_queue.max(5100) + 5100, "{waiting}");
            }
            let Some(Relayed(message)) = take_one(&mut bench, &mut slow) else {
                panic!("{taken} of {sent} came with {max_queue}")
            };
            assert_eq!(message[24..32], u64::to_be_bytes(taken));
            taken += 1;
        }
        assert!(bench.incoming(&mut initiator).is_empty());
    }
}

#[test]
fn nobody_is_paused_but_the_sender() {
    let mut bench = room_for(8);
    let (mut initiator, mut slow) = pair(&mut bench);
    let mut other = bench.join_responder();
    bench.incoming(&mut initiator);
    send_many(&mut bench, &mut initiator, 2, 9);
    assert!(bench.path.is_paused(initiator.id));
    // Whoever sends to it, the slow one included, does not notice.
    for member in [&mut slow, &mut other] {
        for _ in 0..20 {
            let message = send(&mut bench, member, 1);
            assert!(!bench.path.is_paused(member.id));
            assert_eq!(bench.incoming(&mut initiator), [message]);
        }
    }
    // Meanwhile it hears who comes and goes.
    let third = bench.join_responder();
    assert_eq!(bench.incoming(&mut initiator), [new_responder(4)]);
    bench.path.handle_closed(bench.now, other.id);
    bench.path.handle_closed(bench.now, third.id);
    assert_eq!(bench.incoming(&mut initiator), [disconnected(3), disconnected(4)]);
    assert!(bench.path.is_paused(initiator.id));
}

/// Covers P-088 P-208 P-216.
#[test]
fn a_receiver_that_stands_still_keeps_nobody_waiting_for_ever() {
    let mut bench = room_for(8);
    let (mut initiator, mut slow) = pair(&mut bench);
    let mut reader = bench.join_responder();
    bench.incoming(&mut initiator);
    let taken = send_many(&mut bench, &mut initiator, 2, 8);
    bench.advance(SECOND);
    let mut lost = send_many(&mut bench, &mut initiator, 2, 2);
    let for_reader = send(&mut bench, &mut initiator, 3);
    lost.extend(send_many(&mut bench, &mut initiator, 2, 1));
    bench.advance(STALL - SECOND - SECOND);
    assert_eq!(bench.incoming(&mut initiator), [Pong]);
    assert!(bench.path.is_paused(initiator.id));
    assert_eq!(bench.path.client_timeout(initiator.id), Some(bench.now + SECOND));
    bench.events();
    bench.advance(SECOND);
    assert!(!bench.path.is_paused(initiator.id));
    assert_eq!(bench.incoming(&mut initiator), errors(&lost));
    assert_eq!(bench.incoming(&mut reader), [for_reader], "what came behind is not lost");
    let failed = Event::RelayFailed { why: RelayFailure::QueueFull };
    assert_eq!(bench.events().iter().filter(|event| **event == failed).count(), 3);
    // From then on nobody waits for it.
    let another = send(&mut bench, &mut initiator, 2);
    assert_eq!(bench.incoming(&mut initiator), errors(&[another]));
    // It gets what was kept, and all is well again.
    assert_eq!(bench.incoming(&mut slow), taken);
    let again = send_many(&mut bench, &mut initiator, 2, 20);
    assert!(bench.path.is_paused(initiator.id));
    assert_eq!(bench.incoming(&mut slow), again);
    assert!(bench.incoming(&mut initiator).is_empty());
}

/// Slow is not still: a large message can take long to get out.
#[test]
fn a_receiver_that_takes_a_byte_now_and_then_is_waited_for() {
    let mut bench = room_for(8);
    let (mut initiator, mut slow) = pair(&mut bench);
    let sent = send_many(&mut bench, &mut initiator, 2, 9);
    for _ in 0..10 {
        bench.advance(STALL - SECOND);
        bench.path.handle_written(bench.now, slow.id);
        assert!(bench.path.is_paused(initiator.id));
    }
    bench.advance(STALL - SECOND);
    assert_eq!(bench.incoming(&mut slow), sent);
    assert_eq!(bench.incoming(&mut initiator), [Pong]);
}

/// Covers P-088 P-208.
#[test]
fn what_waits_for_one_who_leaves_is_reported() {
    let mut bench = room_for(8);
    let (mut initiator, mut slow) = pair(&mut bench);
    let sent = send_many(&mut bench, &mut initiator, 2, 10);
    let mut expected = errors(&sent[..8]);
    expected.push(disconnected(2));
    expected.extend(errors(&sent[8..]));
    bench.path.handle_text(bench.now, slow.id);
    assert!(!bench.path.is_paused(initiator.id));
    assert_eq!(bench.incoming(&mut initiator), expected);
    assert_eq!(bench.incoming(&mut slow), [Close(3001)]);
}

/// Covers P-088 P-145 P-173.
#[test]
fn what_waits_for_a_replaced_initiator_does_not_get_to_the_new_one() {
    let mut bench = room_for(4);
    let (_slow, mut responder) = pair(&mut bench);
    let sent = send_many(&mut bench, &mut responder, 1, 6);
    assert!(bench.path.is_paused(responder.id));
    let mut newer = bench.join_initiator();
    let mut expected = errors(&sent);
    expected.push(new_initiator());
    assert_eq!(bench.incoming(&mut responder), expected);
    assert!(bench.incoming(&mut newer).is_empty());
    let message = send(&mut bench, &mut responder, 1);
    assert_eq!(bench.incoming(&mut newer), [message]);
}

/// An initiator drops one responder and has more to say to another.
#[test]
fn what_a_paused_client_said_to_the_server_is_heard_in_its_turn() {
    let mut bench = room_for(4);
    let (mut initiator, mut slow) = pair(&mut bench);
    let mut sent = send_many(&mut bench, &mut initiator, 2, 6);
    let drop = initiator.client.sealed(&ScriptedClient::drop_responder(2, None));
    bench.send(&initiator, drop);
    let mut taken = Vec::new();
    while bench.path.is_paused(initiator.id) {
        taken.extend(take_one(&mut bench, &mut slow));
    }
    taken.extend(bench.incoming(&mut slow));
    sent.truncate(6);
    assert_eq!(taken.pop(), Some(Close(3004)));
    assert_eq!(taken, sent, "what was sent before goes out before");
}

#[test]
fn a_paused_client_that_leaves_is_forgotten() {
    let mut bench = room_for(4);
    let (mut initiator, mut slow) = pair(&mut bench);
    let sent = send_many(&mut bench, &mut initiator, 2, 6);
    bench.events();
    bench.path.handle_closed(bench.now, initiator.id);
    assert!(bench.events().contains(&Event::Resumed), "so that they can be counted");
    assert_eq!(ready(&mut bench).last(), Some(&slow.id));
    let taken = bench.incoming(&mut slow);
    assert_eq!(taken[..4], sent[..4]);
    assert_eq!(taken[4..], [disconnected(1)]);
    // One that breaks the protocol has its close looked at, too.
    let mut initiator = bench.join_initiator();
    bench.incoming(&mut slow);
    send_many(&mut bench, &mut initiator, 2, 5);
    bench.path.handle_text(bench.now, initiator.id);
    assert!(!bench.path.is_paused(initiator.id), "so that its own close can be read");
    assert_eq!(bench.incoming(&mut initiator), [Close(3001)]);
}

/// Nothing is read from it, so it would get no answer to a ping of its own.
#[test]
fn a_paused_client_hears_that_its_server_is_alive() {
    const SIGN: Duration = Duration::from_secs(10);
    let mut bench = room_for(8);
    let (mut initiator, mut slow) = pair(&mut bench);
    let mut sent = send_many(&mut bench, &mut initiator, 2, 9);
    assert!(bench.incoming(&mut initiator).is_empty(), "not at once");
    ready(&mut bench);
    for _ in 0..10 {
        assert_eq!(bench.path.client_timeout(initiator.id), Some(bench.now + SIGN));
        bench.advance(SIGN);
        assert_eq!(ready(&mut bench), [initiator.id]);
        assert_eq!(bench.incoming(&mut initiator), [Pong]);
        bench.path.handle_written(bench.now, slow.id);
        ready(&mut bench);
    }
    // One is enough for who takes nothing.
    bench.advance(SIGN);
    bench.advance(SIGN);
    assert_eq!(bench.incoming(&mut initiator), [Pong]);
    // What was read before waits behind the next message that does not fit: for the client nothing has changed.
    sent.extend(send_many(&mut bench, &mut initiator, 2, 16));
    bench.advance(SIGN / 2);
    for _ in 0..8 {
        take_one(&mut bench, &mut slow);
    }
    assert!(bench.path.is_paused(initiator.id));
    bench.advance(SIGN / 2);
    assert_eq!(bench.incoming(&mut initiator), [Pong]);
    assert_eq!(bench.incoming(&mut slow), sent[8..]);
    assert!(!bench.path.is_paused(initiator.id));
    bench.advance(SIGN);
    assert!(bench.incoming(&mut initiator).is_empty());
}

/// Covers P-134 P-135.
#[test]
fn a_paused_client_counts_as_alive() {
    let config = PathConfig {
        max_queue: 4 * COST,
        idle_timeout: Some(100 * SECOND),
        stall_timeout: None,
        ..Default::default()
    };
    let mut bench = Bench::with(config);
    let mut initiator = bench.new_initiator();
    let auth = with_field(&initiator.client.client_auth(), "ping_interval", Some(20.into()));
    bench.authenticate_with(&mut initiator, &auth);
    let mut slow = bench.join_responder();
    bench.incoming(&mut initiator);
    let mut sent = send_many(&mut bench, &mut initiator, 2, 6);
    bench.advance(20 * SECOND);
    assert_eq!(bench.incoming(&mut initiator), [Pong, Ping]);
    for _ in 0..40 {
        bench.advance(10 * SECOND);
        assert_eq!(bench.incoming(&mut initiator), [Pong], "one ping at a time, and no close");
    }
    assert_eq!(bench.incoming(&mut slow), sent.split_off(0));
    // Its pong is the next thing that is read of it, for which there is time.
    bench.advance(29 * SECOND);
    assert!(bench.incoming(&mut initiator).is_empty());
    bench.advance(SECOND);
    assert_eq!(bench.incoming(&mut initiator), [Close(3008)]);
}

/// Who reads slowly gets to the ping late.
///
/// Covers P-134 P-135.
#[test]
fn a_slow_receiver_counts_as_alive_while_it_takes_something() {
    let mut bench = room_for(8);
    let mut slow = bench.new_responder();
    let auth = with_field(&slow.client.client_auth(), "ping_interval", Some(20.into()));
    bench.authenticate_with(&mut slow, &auth);
    let mut initiator = bench.join_initiator();
    bench.incoming(&mut slow);
    send_many(&mut bench, &mut initiator, 2, 8);
    bench.advance(20 * SECOND);
    for _ in 0..7 {
        bench.advance(29 * SECOND);
        assert!(matches!(take_one(&mut bench, &mut slow), Some(Relayed(_))));
    }
    // Now the ping is the next but one.
    assert!(matches!(take_one(&mut bench, &mut slow), Some(Relayed(_))));
    assert_eq!(take_one(&mut bench, &mut slow), Some(Ping));
    bench.advance(29 * SECOND);
    assert_eq!(bench.incoming(&mut slow), []);
    bench.advance(SECOND);
    assert_eq!(bench.incoming(&mut slow), [Close(3008)], "it has taken the ping");
}

/// A stranger who got onto the path fills its share, and then waits.
#[test]
fn a_responder_cannot_fill_the_queue_of_the_initiator_for_the_others() {
    let mut bench = room_for(10);
    let (mut initiator, mut honest) = pair(&mut bench);
    let mut stranger = bench.join_responder();
    bench.incoming(&mut initiator);
    let sent = send_many(&mut bench, &mut stranger, 1, 6);
    assert!(bench.path.is_paused(stranger.id), "five are half of it");
    // Coming again gives no other share.
    bench.path.handle_closed(bench.now, stranger.id);
    let mut stranger = bench.join_responder();
    let again = send(&mut bench, &mut stranger, 1);
    assert!(bench.path.is_paused(stranger.id));
    let honestly = send_many(&mut bench, &mut honest, 1, 5);
    assert!(!bench.path.is_paused(honest.id));
    let relayed = |incoming: &Incoming| matches!(incoming, Relayed(_));
    let taken: Vec<_> = bench.incoming(&mut initiator).into_iter().filter(relayed).collect();
    assert_eq!(taken, [&sent[..5], &honestly, &[again]].concat());
    assert!(!bench.path.is_paused(stranger.id));
    // Alone, it may have all of it.
    bench.path.handle_closed(bench.now, honest.id);
    send_many(&mut bench, &mut stranger, 1, 10);
    assert!(!bench.path.is_paused(stranger.id));
}

/// Somebody filled the queue when it was alone. What becomes free goes to those who wait, and the small
/// messages of others do not go past a large one for ever.
#[test]
fn who_waits_for_others_gets_its_turn() {
    let mut bench = room_for(10);
    let (mut initiator, mut first) = pair(&mut bench);
    send_many(&mut bench, &mut first, 1, 10);
    let mut second = bench.join_responder();
    let mut third = bench.join_responder();
    let large = second.client.relay(1, &[7; 5 * COST]);
    bench.send(&second, large.clone());
    let small = send(&mut bench, &mut third, 1);
    assert!(bench.path.is_paused(second.id) && bench.path.is_paused(third.id));
    let mut taken = Vec::new();
    while bench.path.is_paused(second.id) {
        assert!(bench.path.is_paused(third.id), "in order");
        taken.extend(take_one(&mut bench, &mut initiator));
    }
    taken.extend(bench.incoming(&mut initiator));
    assert!(!bench.path.is_paused(third.id));
    assert_eq!(taken[taken.len() - 2..], [Relayed(large.into()), small]);
}

#[test]
fn a_message_larger_than_the_queue_waits_for_an_empty_one() {
    let mut bench = Bench::with(PathConfig { max_queue: 100, ..Default::default() });
    let (mut initiator, mut responder) = pair(&mut bench);
    let sent = send_many(&mut bench, &mut initiator, 2, 2);
    assert!(bench.path.is_paused(initiator.id));
    assert_eq!(take_one(&mut bench, &mut responder).as_ref(), Some(&sent[0]));
    assert!(!bench.path.is_paused(initiator.id));
    assert_eq!(bench.incoming(&mut responder), sent[1..]);
}

/// Slow receivers together have no room left: those who send to them wait until theirs takes something.
#[test]
fn when_all_queues_are_full_the_receiver_decides_when_it_goes_on() {
    let config = PathConfig { max_queued: Some(10 * COST), ..Default::default() };
    let paths = [Bench::with(config.clone()), Bench::with(config)];
    let [mut one, mut two] = paths;
    let (mut initiator, _slow) = pair(&mut one);
    send_many(&mut one, &mut initiator, 2, 9);
    let (mut initiator, mut reader) = pair(&mut two);
    let sent = send_many(&mut two, &mut initiator, 2, 3);
    assert!(two.path.is_paused(initiator.id));
    assert!(two.events().contains(&Event::Paused { why: RelayFailure::AllQueuesFull }));
    assert_eq!(two.incoming(&mut reader), sent, "an empty queue takes any message");
    assert!(!two.path.is_paused(initiator.id) && two.incoming(&mut initiator).is_empty());
}

/// What a paused client has sent is in memory, too.
#[test]
fn what_is_held_counts_among_all_that_waits() {
    let config = PathConfig { max_queue: 4 * COST, ..Default::default() };
    let queued = config.queued.clone();
    let waits = || queued.load(std::sync::atomic::Ordering::Relaxed);
    let mut bench = Bench::with(config);
    let (mut initiator, mut slow) = pair(&mut bench);
    let mut sent = send_many(&mut bench, &mut initiator, 2, 7);
    assert!(bench.path.is_paused(initiator.id));
    assert_eq!(waits(), 7 * COST);
    for left in (4..7).rev() {
        assert_eq!(take_one(&mut bench, &mut slow), Some(sent.remove(0)));
        assert_eq!(waits(), left * COST);
    }
    assert_eq!(bench.incoming(&mut slow), sent);
    assert_eq!(waits(), 0);
    // Those of a client that leaves fail with it.
    send_many(&mut bench, &mut initiator, 2, 6);
    bench.path.handle_closed(bench.now, slow.id);
    bench.path.handle_closed(bench.now, initiator.id);
    assert_eq!(waits(), 0);
}

/// The driver does not read from it for want of memory. The client can do nothing about that.
///
/// Covers P-134 P-135.
#[test]
fn who_is_held_back_counts_as_alive() {
    let mut bench = Bench::new();
    let mut initiator = bench.new_initiator();
    let auth = with_field(&initiator.client.client_auth(), "ping_interval", Some(20.into()));
    bench.authenticate_with(&mut initiator, &auth);
    bench.events();
    bench.path.hold_back(bench.now, initiator.id);
    bench.path.hold_back(bench.now, initiator.id);
    assert_eq!(bench.events(), [Event::Paused { why: RelayFailure::AllQueuesFull }]);
    bench.advance(20 * SECOND);
    assert_eq!(bench.incoming(&mut initiator), [Pong, Ping]);
    for _ in 0..40 {
        bench.advance(10 * SECOND);
        assert_eq!(bench.incoming(&mut initiator), [Pong], "one ping at a time, and no close");
    }
    bench.path.let_go_on(bench.now, initiator.id);
    assert_eq!(bench.events(), [Event::Resumed]);
    bench.advance(29 * SECOND);
    assert!(bench.incoming(&mut initiator).is_empty());
    bench.advance(SECOND);
    assert_eq!(bench.incoming(&mut initiator), [Close(3008)], "it has not answered");
    bench.path.hold_back(bench.now, initiator.id);
    assert!(!bench.events().contains(&Event::Resumed), "it is as good as gone");
}

#[test]
fn a_shutdown_waits_for_nobody_who_is_paused() {
    let mut bench = room_for(4);
    let (mut initiator, mut slow) = pair(&mut bench);
    let sent = send_many(&mut bench, &mut initiator, 2, 6);
    bench.path.shutdown(bench.now);
    assert!(!bench.path.is_paused(initiator.id));
    assert_eq!(bench.incoming(&mut initiator), [Close(1001)]);
    let taken = bench.incoming(&mut slow);
    assert_eq!(taken[..4], sent[..4], "what was taken for it");
    assert_eq!(taken[4..], [Close(1001)]);
    let cause = Cause::Shutdown;
    let closing = |event: &&Event| matches!(event, Event::Closing { cause: c, .. } if *c == cause);
    assert_eq!(bench.events().iter().filter(closing).count(), 2);
}
