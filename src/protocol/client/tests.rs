//! What can only be tested from inside: the far end of the sequence numbers. Everything else is in
//! `tests/`.

use super::server_messages::AuthenticatedServer;
use super::stage::Stage;
use super::*;
use crate::crypto::{KeyPair, OsRandom, SecretKey, SharedKey};
use crate::protocol::message::Payload;
use crate::protocol::{
    Address, CloseCode, DropReason, NonceStreams, ResponderAddress, Role, Transmit,
};
use crate::task::{RelayedData, TaskEvent};

const LAST: u64 = (1 << 48) - 1;

/// A client in the task, without the handshakes.
fn in_task(role: Role) -> Client<TaskEvent> {
    let keys = |n| KeyPair::from_secret(SecretKey::from_bytes(&[n; 32]));
    let (own, peer) = (keys(1), keys(2));
    let (address, peer_address) = match role {
        Role::Initiator => (Address::INITIATOR, Address(2)),
        Role::Responder => (Address(2), Address::INITIATOR),
    };
    let role = match role {
        Role::Initiator => RoleConfig::Initiator { responder: PeerAuth::Trusted(*peer.public()) },
        Role::Responder => RoleConfig::Responder { initiator: *peer.public(), token: None },
    };
    let config =
        ClientConfig { tasks: vec![Box::new(RelayedData)], ..ClientConfig::new(role, own.clone()) };
    let mut client = Client::new(config, Box::new(OsRandom)).unwrap();
    let key = || SharedKey::new(peer.public(), own.secret());
    let nonces = || NonceStreams::new(&mut OsRandom);
    client.signalling.stage = Stage::OnPath;
    client.signalling.server = Some(AuthenticatedServer { nonces: nonces(), key: key(), address });
    client.signalling.begin_session(peer_address, nonces(), key(), *peer.public(), 0);
    client
}

#[track_caller]
fn expect_used_up(mut client: Client<TaskEvent>) {
    assert_eq!(client.state(), ClientState::Closed);
    assert_eq!(client.poll_transmit(), Some(Transmit::Close(CloseCode::ProtocolError)));
    assert_eq!(client.poll_transmit(), None);
    client.handle_socket_end(SocketEnd::CloseFrame(Some(3001)));
    let (by, reason) = (ClosedBy::Us, EndReason::SequenceNumbersUsedUp);
    let closed = Closed { by, code: Some(3001), reason };
    assert_eq!(client.poll_event(), Some(Event::Closed(closed)));
}

/// Covers P-024 P-049 P-051 P-052.
#[test]
fn no_more_numbers_for_the_peer() {
    for role in [Role::Initiator, Role::Responder] {
        let mut client = in_task(role);
        client.signalling.session.as_mut().unwrap().nonces.set_next_sequence(LAST);
        client.send_application(Payload::from_text("the last one")).unwrap();
        assert!(matches!(client.poll_transmit(), Some(Transmit::Message(_))));
        let failure = client.send_application(Payload::from_text("one too many"));
        assert_eq!(failure, Err(SendFailure::Closed));
        expect_used_up(client);

        // 'close' takes a number too; without one the WebSocket closes all the same.
        let mut client = in_task(role);
        client.signalling.session.as_mut().unwrap().nonces.set_next_sequence(LAST);
        client.send_application(Payload::from_text("the last one")).unwrap();
        client.poll_transmit();
        client.close();
        expect_used_up(client);
    }
}

/// Covers P-024 P-049 P-051 P-052.
#[test]
fn no_more_numbers_for_the_server() {
    let mut client = in_task(Role::Initiator);
    client.signalling.server.as_mut().unwrap().nonces.set_next_sequence(LAST);
    let somebody = ResponderAddress::new(7).unwrap();
    client.drop_responder(somebody, DropReason::DroppedByInitiator).unwrap();
    assert!(matches!(client.poll_transmit(), Some(Transmit::Message(_))));
    client.drop_responder(somebody, DropReason::DroppedByInitiator).unwrap();
    expect_used_up(client);
}

/// Large relayed data may be left to the other implementation of NaCl; signalling may not, and is opened
/// once more if it could have been relayed data.
#[test]
fn signalling_is_sealed_and_opened_by_the_audited_implementation() {
    use crate::crypto::{Content, Implementation, count};
    use crate::task::relayed_data;
    use std::time::Instant;

    let now = Instant::now();
    let payload = |size: usize| Payload::from_bytes(&vec![7; size]);
    let (mut from, mut to) = (in_task(Role::Initiator), in_task(Role::Responder));
    // Boxes that were made and opened, by the audited implementation and by the other one.
    let mut boxes = |send: &dyn Fn(&mut Client<TaskEvent>)| {
        let difference = |new: [usize; 2], old: [usize; 2]| [new[0] - old[0], new[1] - old[1]];
        let before = count::boxes();
        send(&mut from);
        let sealed = count::boxes();
        let Some(Transmit::Message(message)) = from.poll_transmit() else { panic!("no message") };
        to.handle_message(now, &message);
        let opened = difference(count::boxes(), sealed);
        (difference(sealed, before), opened, to.poll_event(), to.socket_closes())
    };
    // In a build without the vectorised implementation nothing is left to it.
    let large = match Content::RelayedData.implementation(usize::MAX) {
        Implementation::Vectorised => [0, 1],
        Implementation::Audited => [1, 0],
    };

    // With the map around it, this one has 4096 bytes.
    let small = 4096 - RelayedData::message(&payload(4000)).as_msgpack().len() + 4000;
    for (size, made) in [(1, [1, 0]), (small, [1, 0]), (small + 1, large), (60_000, large)] {
        let (sealed, opened, event, _) =
            boxes(&|client| relayed_data::send(client, &payload(size)).unwrap());
        assert_eq!((sealed, opened), (made, made), "{size} bytes");
        assert_eq!(event, Some(Event::Task(TaskEvent::Data(payload(size)))));
    }
    for (size, expected) in [(1, [1, 0]), (60_000, [1, large[1]])] {
        let (sealed, opened, event, _) =
            boxes(&|client| client.send_application(payload(size)).unwrap());
        assert_eq!((sealed, opened), ([1, 0], expected), "{size} bytes");
        assert_eq!(event, Some(Event::Application(payload(size))));
    }
    let (sealed, opened, _, closes) = boxes(&|client| client.close());
    assert_eq!((sealed, opened, closes), ([1, 0], [1, 0], true));
}

/// What an initiator in the task sends to the peer of [`in_task`], opened by a responder in the task.
fn deliver(to: &mut Client<TaskEvent>, transmit: Option<Transmit>) -> Option<Event<TaskEvent>> {
    let Some(Transmit::Message(message)) = transmit else { panic!("no message: {transmit:?}") };
    to.handle_message(std::time::Instant::now(), &message);
    to.poll_event()
}

/// However long each of them takes to be sealed.
#[test]
fn messages_are_sent_in_the_order_of_their_places() {
    let (mut from, mut to) = (in_task(Role::Initiator), in_task(Role::Responder));
    let texts = ["first", "second", "third"].map(Payload::from_text);
    let messages = texts.each_ref().map(RelayedData::outgoing);
    let [first, second, third] =
        messages.each_ref().map(|message| from.reserve(message).unwrap().unwrap());
    let [one, two, three] = messages;
    assert!(!from.has_transmits());
    from.fill(third.seal(three));
    from.fill(second.seal(two));
    // Closing does not overtake them either.
    from.close();
    assert_eq!((from.has_transmits(), from.poll_transmit()), (false, None));
    from.fill(first.seal(one));
    for text in texts {
        assert!(from.has_transmits());
        let event = deliver(&mut to, from.poll_transmit());
        assert_eq!(event, Some(Event::Task(TaskEvent::Data(text))));
    }
    assert!(matches!(from.poll_transmit(), Some(Transmit::Message(_))), "'close'");
    assert_eq!(from.poll_transmit(), Some(Transmit::Close(CloseCode::GoingAway)));
}

/// They count as long as they wait, sealed or not.
#[test]
fn places_take_their_part_of_the_queue() {
    let mut from = in_task(Role::Initiator);
    let half = RelayedData::outgoing_bytes(&vec![0; (1 << 20) - 100]);
    let places: Vec<_> = (0..4).map(|_| from.reserve(&half).unwrap().unwrap()).collect();
    assert_eq!(from.reserve(&half).unwrap_err(), SendFailure::QueueFull);
    for place in places {
        from.fill(place.seal(half.clone()));
    }
    assert_eq!(from.reserve(&half).unwrap_err(), SendFailure::QueueFull);
    while from.poll_transmit().is_some() {}
    assert_eq!(from.poll_event(), Some(Event::Writable));
    let place = from.reserve(&half).unwrap().unwrap();
    // The place is gone with the WebSocket.
    from.handle_socket_end(SocketEnd::TooBig);
    from.fill(place.seal(half));
    assert_eq!(from.poll_transmit(), None);
}

/// An initiator that has dropped its peer, and a message of that peer which was opened meanwhile.
fn opened_too_late() -> (Client<TaskEvent>, Opened) {
    let now = std::time::Instant::now();
    let (mut from, mut to) = (in_task(Role::Responder), in_task(Role::Initiator));
    from.send_application(Payload::from_text("too late")).unwrap();
    let Some(Transmit::Message(message)) = from.poll_transmit() else { panic!("no message") };
    let opened = to.look_at(now, &message).expect("it is the peer's").open(&message);
    to.drop_responder(ResponderAddress::new(2).unwrap(), DropReason::DroppedByInitiator).unwrap();
    assert!(matches!(to.poll_event(), Some(Event::PeerLeft { .. })));
    (to, opened)
}

/// It may have been opened while the application dropped the peer.
#[test]
fn a_message_that_is_opened_too_late_does_not_count() {
    let (mut to, opened) = opened_too_late();
    to.handle_opened(std::time::Instant::now(), opened);
    assert_eq!((to.poll_event(), to.state()), (None, ClientState::WaitingForPeer));
}

/// Nor for whoever is the peer by then.
#[test]
fn a_message_that_is_opened_too_late_does_not_count_for_the_next_peer() {
    let (mut to, opened) = opened_too_late();
    let session = in_task(Role::Initiator).signalling.session.unwrap();
    to.signalling.begin_session(session.address, session.nonces, session.key, session.peer_key, 0);
    to.handle_opened(std::time::Instant::now(), opened);
    assert_eq!(to.poll_event(), None);
    // Its numbers do not count either.
    let mut next = in_task(Role::Responder);
    next.send_application(Payload::from_text("in time")).unwrap();
    let event = deliver(&mut to, next.poll_transmit());
    assert_eq!(event, Some(Event::Application(Payload::from_text("in time"))));
}
