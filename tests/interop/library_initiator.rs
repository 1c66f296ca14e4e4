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
    assert_eq!((&end.reason, end.retryable()), (&EndReason::ReplacedByInitiator, false));
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

/// Covers P-018 P-019 P-020 P-031 P-033 P-034 P-045 P-090 P-091 P-121 P-122 P-123 P-126 P-142 P-158.
/// Covers P-159 P-160 P-181 P-217 P-219 P-229 P-247 P-248 P-250 P-252 P-254 P-256 P-257 P-259 P-260.
/// Covers P-262 P-265 P-274 P-275 P-276 P-278 P-280 P-281 P-283 P-284 R-001 R-002 R-003 R-004 R-006.
/// Covers R-009 R-010 R-012 R-013 R-015 R-016 R-018.
/// Covers P-002 P-041 P-043.
#[test]
fn node_in_conversation() {
    node(converse);
}

/// Covers P-029 P-048 P-049 P-077 P-079 R-008.
#[test]
fn node_with_many_messages() {
    node(exchange_much);
}

/// Covers P-162 P-166 P-203 P-204 P-205 P-206 P-232 P-233 P-234.
#[test]
fn node_trusted_and_joining_again() {
    node(meet_a_trusted_responder_twice);
}

/// Covers P-013 P-203 P-204 P-205 P-206 P-229 P-245.
#[test]
fn node_joining_again_with_a_new_token() {
    node(let_the_responder_in_again_with_a_new_token);
}

/// Covers P-186 P-187 P-198 P-235 P-238 P-243.
#[test]
fn node_with_wrong_tokens() {
    node(refuse_wrong_tokens);
}

/// Covers P-266 P-267 P-268.
#[test]
fn node_without_a_common_task() {
    node(have_no_task_in_common);
}

/// Covers P-285 P-288 P-294 R-005.
#[test]
fn node_is_told_that_we_leave() {
    node(leave_first);
}

/// Covers P-185 P-186 P-187 P-198.
#[test]
fn a_second_node_is_dropped() {
    node(drop_the_second_responder);
}

/// Covers P-145 P-172 P-299.
#[test]
fn node_as_another_initiator_replaces_us() {
    node(be_replaced);
}

/// Covers P-088 P-208 P-210 P-211 P-216.
#[test]
fn node_that_does_not_read() {
    node(lose_a_responder_that_does_not_read);
}

/// Covers P-018 P-019 P-020 P-031 P-033 P-034 P-045 P-090 P-121 P-122 P-123 P-126 P-142 P-158 P-159.
/// Covers P-160 P-203 P-205 P-206 P-217 P-219 P-232 P-234 P-235 P-243 P-245 P-248 P-250 P-252 P-254.
/// Covers P-257 P-260 P-262 P-266 P-274 P-275 P-276 P-278 P-280 P-281 P-283 P-284 P-285 R-001 R-002.
/// Covers R-003 R-004 R-006 R-009 R-010 R-012 R-013 R-015 R-016 R-018.
/// Covers P-002 P-041 P-043.
#[test]
fn chromium_in_all_of_this() {
    over_our_server(Runtime::Chromium, &ANYWHERE);
}
