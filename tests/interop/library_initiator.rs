//! Our client as the initiator, and a JavaScript client as the responder.

use saltyrtc::client::{ClosedBy, EndReason, Event, PeerLeft};
use saltyrtc::protocol::DropReason;

use super::hex;
use super::javascript::{Job, Lent, RELAYED_DATA, Runtime};
use super::library::{
    FIRST_RESPONDER, LibraryClient, Settings, keys_of, responder, responder_joined, wrong_token,
};
use super::meeting::{
    Meeting, UNKNOWN_TASK, exchange_every_type, exchange_greetings, exchange_many, over_our_server,
    we_leave,
};

/// The secret key of a responder that is trusted.
const RESPONDER_SECRET: [u8; 32] = [0x17; 32];

/// What works over any server, and in any place where JavaScript runs.
pub const ANYWHERE: [fn(&Meeting); 9] = [
    converse,
    exchange_much,
    meet_a_trusted_responder_twice,
    let_the_responder_in_again_with_a_new_token,
    refuse_wrong_tokens,
    have_no_task_in_common,
    leave_first,
    drop_the_second_responder,
    be_replaced,
];

fn initiator(meeting: &Meeting) -> Settings {
    Settings::initiator(meeting.server, meeting.certificates())
}

/// Peers that have authenticated each other with a token; and that token.
fn pair<'a>(meeting: &Meeting<'a>) -> (LibraryClient, Lent<'a>, String) {
    let settings = initiator(meeting);
    let (key, token) = settings.for_javascript();
    let mut ours = settings.connect();
    let mut javascript = meeting.javascript();
    javascript.connect(&Job::responder_with(meeting.server, &key, &token));
    javascript.wait_for_task();
    ours.wait_for_any_peer();
    (ours, javascript, token)
}

/// Token handshake, then data and application messages of every type.
fn converse(meeting: &Meeting) {
    let settings = initiator(meeting);
    let (key, token) = settings.for_javascript();
    let mut ours = settings.connect();
    let mut javascript = meeting.javascript();
    let job = Job::responder_with(meeting.server, &key, &token);
    let joined = javascript.connect(&job.with_tasks(&[UNKNOWN_TASK, RELAYED_DATA]));
    let before = [responder_joined(FIRST_RESPONDER), Event::TokenUsed];
    assert_eq!(ours.wait_for_peer(&before), (joined.public_key, RELAYED_DATA.to_owned()));
    assert_eq!(javascript.wait_for_task(), (key, RELAYED_DATA.to_owned()));
    exchange_every_type(&mut ours, &mut javascript);
}

fn exchange_much(meeting: &Meeting) {
    let (mut ours, mut javascript, _) = pair(meeting);
    exchange_many(&mut ours, &mut javascript);
}

/// The responder is there first and waits. It leaves, and joins again without our reconnecting.
fn meet_a_trusted_responder_twice(meeting: &Meeting) {
    let trusted = keys_of(RESPONDER_SECRET);
    let (server, certificates) = (meeting.server, meeting.certificates());
    let settings = Settings::trusting_initiator(server, certificates, trusted.public());
    assert!(settings.invitation.token.is_none());
    let key = settings.invitation.initiator_key.to_hex();
    let expected = (trusted.public().to_hex(), RELAYED_DATA.to_owned());

    let mut javascript = meeting.javascript();
    let job =
        Job::trusting_responder(server, &key).with_secret_key(&hex::encode(&RESPONDER_SECRET));
    javascript.connect(&job);
    javascript.wait_for_state("peer-handshake");
    let mut ours = settings.connect();
    for _ in 0..2 {
        let peer = ours.wait_for_peer(&[responder_joined(FIRST_RESPONDER)]);
        assert_eq!(peer, expected);
        assert_eq!(javascript.wait_for_task().0, key);
        exchange_greetings(&mut ours, &mut javascript);
        javascript.disconnect();
        ours.expect_peer_left(FIRST_RESPONDER, PeerLeft::Disconnected, true);
        javascript.connect(&job);
    }
}

/// A token is good for one handshake; the next one takes a new token, but no new connection.
fn let_the_responder_in_again_with_a_new_token(meeting: &Meeting) {
    let (mut ours, mut javascript, token) = pair(meeting);
    let key = ours.client.path().to_hex();
    javascript.disconnect();
    ours.expect_peer_left(FIRST_RESPONDER, PeerLeft::Disconnected, false);

    javascript.connect(&Job::responder_with(meeting.server, &key, &token));
    ours.expect(&responder_joined(FIRST_RESPONDER));
    expect_failed_responder(&mut ours, "used before");
    assert_eq!(javascript.wait_for_close(), 3005);

    let token = ours.client.issue_token().unwrap().to_hex();
    javascript.connect(&Job::responder_with(meeting.server, &key, &token));
    ours.wait_for_any_peer();
    javascript.wait_for_task();
    exchange_greetings(&mut ours, &mut javascript);
}

fn expect_failed_responder(ours: &mut LibraryClient, explanation: &str) {
    match ours.next_event() {
        Event::ResponderFailed { address, reason, text } => {
            assert_eq!(address, responder(FIRST_RESPONDER));
            assert_eq!(reason, DropReason::InitiatorCouldNotDecrypt);
            assert!(text.contains(explanation), "{text}");
        }
        event => panic!("{event:?}"),
    }
}

/// Responders that cannot prove to be invited are told so, and do no harm.
fn refuse_wrong_tokens(meeting: &Meeting) {
    let settings = initiator(meeting);
    let (key, token) = settings.for_javascript();
    let mut ours = settings.connect();
    let mut javascript = meeting.javascript();
    for job in [
        Job::responder_with(meeting.server, &key, &wrong_token()),
        // Believes to be trusted.
        Job::trusting_responder(meeting.server, &key),
    ] {
        javascript.connect(&job);
        ours.expect(&responder_joined(FIRST_RESPONDER));
        expect_failed_responder(&mut ours, "its token is wrong, or it counts on a stored key");
        assert_eq!(javascript.wait_for_close(), 3005);
    }
    javascript.connect(&Job::responder_with(meeting.server, &key, &token));
    javascript.wait_for_task();
    ours.wait_for_any_peer();
}

/// Our 'close' with 3006 is a protocol error for the JavaScript client, which waits for 'auth'.
fn have_no_task_in_common(meeting: &Meeting) {
    let settings = initiator(meeting);
    let (key, token) = settings.for_javascript();
    let mut ours = settings.connect();
    let mut javascript = meeting.javascript();
    let job = Job::responder_with(meeting.server, &key, &token);
    javascript.connect(&job.with_tasks(&[UNKNOWN_TASK]));
    ours.expect(&responder_joined(FIRST_RESPONDER));
    ours.expect(&Event::TokenUsed);
    let end = ours.wait_for_end();
    assert_eq!((end.by, end.code, end.reason), (ClosedBy::Us, Some(3006), EndReason::NoSharedTask));
    assert_eq!(javascript.wait_for_close(), 3001);
}

fn leave_first(meeting: &Meeting) {
    let (mut ours, mut javascript, _) = pair(meeting);
    we_leave(&mut ours, &mut javascript);
}

fn drop_the_second_responder(meeting: &Meeting) {
    let (mut ours, mut javascript, token) = pair(meeting);
    let key = ours.client.path().to_hex();
    let mut second = meeting.javascript();
    second.connect(&Job::responder_with(meeting.server, &key, &token));
    assert_eq!(second.wait_for_close(), 3004);
    exchange_greetings(&mut ours, &mut javascript);
}

/// Another initiator takes the path. The responder is told by the server, and gives up.
fn be_replaced(meeting: &Meeting) {
    let settings = initiator(meeting);
    let (key, token) = settings.for_javascript();
    let secret = hex::encode(settings.config.protocol.permanent_key.secret().as_bytes());
    let mut ours = settings.connect();
    let mut javascript = meeting.javascript();
    javascript.connect(&Job::responder_with(meeting.server, &key, &token));
    ours.wait_for_any_peer();
    javascript.wait_for_task();

    let mut second = meeting.javascript();
    second.connect(&Job::initiator(meeting.server).with_secret_key(&secret));
    let end = ours.wait_for_end();
    assert_eq!((end.by, end.code), (ClosedBy::Server, Some(3004)));
    assert_eq!((end.reason, end.retryable), (EndReason::ReplacedByInitiator, false));
    javascript.wait_for_state("new");
}

/// A responder that does not read any more: what we send comes back.
fn lose_a_responder_that_does_not_read(meeting: &Meeting) {
    let (mut ours, mut javascript, _) = pair(meeting);
    javascript.stop_reading();
    ours.send_until_it_comes_back(FIRST_RESPONDER);
    ours.expect_peer_left(FIRST_RESPONDER, PeerLeft::Unreachable, false);
}

fn node(scenario: fn(&Meeting)) {
    over_our_server(Runtime::Node, &[scenario]);
}

#[test]
fn node_in_conversation() {
    node(converse);
}

#[test]
fn node_with_many_messages() {
    node(exchange_much);
}

#[test]
fn node_trusted_and_joining_again() {
    node(meet_a_trusted_responder_twice);
}

#[test]
fn node_joining_again_with_a_new_token() {
    node(let_the_responder_in_again_with_a_new_token);
}

#[test]
fn node_with_wrong_tokens() {
    node(refuse_wrong_tokens);
}

#[test]
fn node_without_a_common_task() {
    node(have_no_task_in_common);
}

#[test]
fn node_is_told_that_we_leave() {
    node(leave_first);
}

#[test]
fn a_second_node_is_dropped() {
    node(drop_the_second_responder);
}

#[test]
fn node_as_another_initiator_replaces_us() {
    node(be_replaced);
}

#[test]
fn node_that_does_not_read() {
    node(lose_a_responder_that_does_not_read);
}

#[test]
fn chromium_in_all_of_this() {
    over_our_server(Runtime::Chromium, &ANYWHERE);
}
