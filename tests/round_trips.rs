//! Neither side ever waits longer than the protocol makes it wait.
//!
//! The minimum follows from who needs what before it can say something (protocol, *Message Flow
//! Example*). Let I and R be the one-way delays between server and initiator, and server and
//! responder. The server speaks first, at time 0 of each connection:
//!
//! * 'server-hello' down, 'client-auth' up: the server knows a client after two delays of it, and
//!   'server-auth' takes one more.
//! * The responder cannot send 'token' and 'key' before it knows of an initiator, from 'server-auth'
//!   or 'new-initiator'. Both leave it together.
//! * 'key' of the initiator answers them, 'auth' of the responder answers that, 'auth' of the initiator
//!   answers that: each takes I + R. So the initiator is done 3 (I + R) after the responder began, and
//!   the responder 4 (I + R) after it began.
//! * Whoever is done may send at once. The first byte of the initiator arrives together with its 'auth',
//!   after 4 (I + R); the first byte of the responder after 5 (I + R).
//!
//! When the responder begins depends on who came last: a responder that finds an initiator begins at
//! 3 R of its own connection; a responder that waits for one begins when 'new-initiator' arrives, at
//! 2 I of the initiator's connection, plus R.

mod support;

use std::time::Duration;

use saltyrtc::protocol::Transmit;
use saltyrtc::protocol::message::Payload;
use saltyrtc::task::{ClientConfig, Event, TaskEvent, relayed_data};
use support::keys;
use support::pair::{Id, Pair};
use support::random::Seeded;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// (I, R): equal, and either of them slower.
fn delays() -> [(Duration, Duration); 4] {
    [(ms(10), ms(10)), (ms(10), ms(70)), (ms(70), ms(10)), (ms(1), ms(300))]
}

type Config = fn() -> ClientConfig;

fn configs() -> [(Config, Config); 2] {
    [
        (keys::initiator_with_token, keys::responder_with_token),
        (keys::initiator_with_trust, keys::responder_with_trust),
    ]
}

fn connect(pair: &mut Pair, config: ClientConfig, delay: Duration) -> Id {
    let seed = pair.nodes.len() as u64;
    pair.connect_with(config, Box::new(Seeded::new(seed)), delay)
}

/// Both send something as soon as they can. `began` is when the responder could begin.
fn check(mut pair: Pair, initiator: Id, responder: Id, began: Duration) {
    let both = pair.nodes[initiator].delay + pair.nodes[responder].delay;
    let mut sent = [false; 2];
    for _ in 0..1000 {
        for (id, sent) in [initiator, responder].into_iter().zip(&mut sent) {
            if !*sent && pair.in_task(id) {
                let first = Payload::from_text("first");
                pair.act(id, |client, _| relayed_data::send(client, &first)).unwrap();
                *sent = true;
            }
        }
        if sent == [true, true] {
            break;
        }
        pair.step();
    }
    pair.settle();
    let done = |event: &Event| matches!(event, Event::PeerHandshakeDone { .. });
    let data = |event: &Event| matches!(event, Event::Task(TaskEvent::Data(_)));
    assert_eq!(pair.time_of(initiator, done), began + 3 * both, "{}", pair.report());
    assert_eq!(pair.time_of(responder, done), began + 4 * both);
    assert_eq!(pair.time_of(responder, data), began + 4 * both);
    assert_eq!(pair.time_of(initiator, data), began + 5 * both);
}

#[test]
fn a_responder_that_finds_its_initiator() {
    for (i, r) in delays() {
        for (initiator, responder) in configs() {
            let mut pair = Pair::new();
            let initiator = connect(&mut pair, initiator(), i);
            pair.settle();
            let start = pair.time();
            let responder = connect(&mut pair, responder(), r);
            check(pair, initiator, responder, start + 3 * r);
        }
    }
}

#[test]
fn a_responder_that_waits_for_its_initiator() {
    for (i, r) in delays() {
        for (initiator, responder) in configs() {
            let mut pair = Pair::new();
            let responder = connect(&mut pair, responder(), r);
            pair.settle();
            let start = pair.time();
            let initiator = connect(&mut pair, initiator(), i);
            check(pair, initiator, responder, start + 2 * i + r);
        }
    }
}

#[test]
fn both_come_at_once() {
    for (i, r) in delays() {
        for (initiator, responder) in configs() {
            for responder_first in [true, false] {
                let mut pair = Pair::new();
                let ids = if responder_first {
                    let responder = connect(&mut pair, responder(), r);
                    (connect(&mut pair, initiator(), i), responder)
                } else {
                    let initiator = connect(&mut pair, initiator(), i);
                    (initiator, connect(&mut pair, responder(), r))
                };
                // Whoever the server knows last makes the responder begin.
                check(pair, ids.0, ids.1, (2 * i).max(2 * r) + r);
            }
        }
    }
}

#[test]
fn a_peer_that_comes_back() {
    for (i, r) in delays() {
        for initiator_comes_back in [false, true] {
            let mut pair = Pair::new();
            let mut initiator = connect(&mut pair, keys::initiator_with_trust(), i);
            let mut responder = connect(&mut pair, keys::responder_with_trust(), r);
            pair.settle();
            pair.sever(if initiator_comes_back { initiator } else { responder });
            pair.settle();
            let start = pair.time();
            let began = if initiator_comes_back {
                initiator = connect(&mut pair, keys::initiator_with_trust(), i);
                start + 2 * i + r
            } else {
                responder = connect(&mut pair, keys::responder_with_trust(), r);
                start + 3 * r
            };
            for id in [initiator, responder] {
                pair.take_events(id);
            }
            check(pair, initiator, responder, began);
        }
    }
}

/// Covers P-116 P-121 P-234 P-246.
#[test]
fn no_message_is_sent_that_is_not_needed() {
    for ((initiator, responder), messages) in configs().into_iter().zip([[3, 5], [3, 4]]) {
        // Initiator: 'client-auth', 'key', 'auth'. Responder: 'client-hello', 'client-auth', 'token'
        // if there is one, 'key', 'auth'.
        let (pair, initiator, responder) = Pair::met(initiator(), responder());
        for (id, messages) in [initiator, responder].into_iter().zip(messages) {
            let sent = &pair.nodes[id].sent;
            assert!(sent.iter().all(|transmit| matches!(transmit, Transmit::Message(_))));
            assert_eq!(sent.len(), messages);
        }
    }
}

/// Covers R-004 R-008.
#[test]
fn each_message_arrives_after_the_delay_of_the_two_connections() {
    let (i, r) = (ms(30), ms(50));
    let mut pair = Pair::new();
    let initiator = connect(&mut pair, keys::initiator_with_trust(), i);
    let responder = connect(&mut pair, keys::responder_with_trust(), r);
    pair.settle();
    for (from, to) in [(initiator, responder), (responder, initiator)] {
        pair.take_events(to);
        let start = pair.time();
        for n in 0..100 {
            let payload = Payload::from_bytes(&[n]);
            pair.act(from, |client, _| relayed_data::send(client, &payload)).unwrap();
        }
        pair.settle();
        let events = &pair.nodes[to].events;
        assert_eq!(events.len(), 100);
        assert!(
            events.iter().all(|(time, _)| *time == start + i + r),
            "nothing waits for an answer"
        );
    }
}
