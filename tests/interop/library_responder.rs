//! Our client as the responder, and a JavaScript client as the initiator.

use saltyrtc::client::{ClosedBy, EndReason, Event, PeerLeft};
use saltyrtc::crypto::AuthToken;
use saltyrtc::protocol::Address;
use saltyrtc::protocol::message::TaskData;
use saltyrtc::task::CustomTask;

use super::certificates::Certificates;
use super::hex;
use super::javascript::{Created, Job, Lent, Peers, RELAYED_DATA, Runtime};
use super::library::{LibraryClient, LibraryServer, Settings, new_keys, wrong_token};
use super::meeting::{
    Meeting, UNKNOWN_TASK, exchange_every_type, exchange_greetings, exchange_many, over_our_server,
    we_leave,
};

const INITIATOR: u8 = 1;

/// The secret key of an initiator that comes back, or in two places.
const INITIATOR_SECRET: [u8; 32] = [0x2b; 32];

/// What works over any server, and in any place where JavaScript runs.
pub const ANYWHERE: [fn(&Meeting); 11] = [
    converse,
    exchange_much,
    come_before_the_initiator,
    meet_a_trusted_initiator_twice,
    be_refused_because_of_the_token,
    have_no_task_in_common,
    leave_first,
    see_the_initiator_leave,
    be_the_second_responder,
    see_the_initiator_replaced,
    see_an_initiator_replaced_that_is_trusted,
];

fn responder(meeting: &Meeting, initiator: &Created) -> Settings {
    Settings::responder(meeting.server, meeting.certificates(), initiator, new_keys())
}

/// A JavaScript initiator that waits on its path, and what it told.
fn waiting_initiator<'a>(meeting: &Meeting<'a>, job: &Job) -> (Lent<'a>, Created) {
    let mut javascript = meeting.javascript();
    let created = javascript.connect(job);
    javascript.wait_for_state("peer-handshake");
    (javascript, created)
}

/// Peers that have authenticated each other with a token.
fn pair<'a>(meeting: &Meeting<'a>) -> (LibraryClient, Lent<'a>, Created) {
    pair_with(meeting, &Job::initiator(meeting.server))
}

fn pair_with<'a>(meeting: &Meeting<'a>, job: &Job) -> (LibraryClient, Lent<'a>, Created) {
    let (mut javascript, created) = waiting_initiator(meeting, job);
    let mut ours = responder(meeting, &created).connect();
    ours.wait_for_peer(&[]);
    javascript.wait_for_task();
    (ours, javascript, created)
}

/// Token handshake, then data and application messages of every type.
fn converse(meeting: &Meeting) {
    let job = Job::initiator(meeting.server).with_tasks(&[UNKNOWN_TASK, RELAYED_DATA]);
    let (mut javascript, created) = waiting_initiator(meeting, &job);
    let settings = responder(meeting, &created);
    let our_key = settings.config.protocol.permanent_key.public().to_hex();
    let mut ours = settings.connect();
    assert_eq!(ours.wait_for_peer(&[]), (created.public_key, RELAYED_DATA.to_owned()));
    assert_eq!(javascript.wait_for_task(), (our_key, RELAYED_DATA.to_owned()));
    exchange_every_type(&mut ours, &mut javascript);
}

fn exchange_much(meeting: &Meeting) {
    let (mut ours, mut javascript, _) = pair(meeting);
    exchange_many(&mut ours, &mut javascript);
}

fn come_before_the_initiator(meeting: &Meeting) {
    let mut javascript = meeting.javascript();
    let created = javascript.create(&Job::initiator(meeting.server));
    let mut ours = responder(meeting, &created).start();
    ours.expect(&Event::ServerHandshakeDone {
        address: Address(2),
        peer_present: false,
        server_verified: true,
    });
    javascript.connect_created();
    ours.wait_for_peer(&[Event::InitiatorJoined]);
    javascript.wait_for_task();
    exchange_greetings(&mut ours, &mut javascript);
}

/// The initiator leaves, and comes back without our reconnecting.
fn meet_a_trusted_initiator_twice(meeting: &Meeting) {
    let keys = new_keys();
    let our_key = keys.public().to_hex();
    let job = Job::initiator(meeting.server)
        .with_secret_key(&hex::encode(&INITIATOR_SECRET))
        .trusting(&our_key);
    let (mut javascript, created) = waiting_initiator(meeting, &job);
    assert_eq!(created.token, None);
    let settings = Settings::responder(meeting.server, meeting.certificates(), &created, keys);
    let mut ours = settings.connect();
    ours.wait_for_peer(&[]);
    assert_eq!(javascript.wait_for_task().0, our_key);
    exchange_greetings(&mut ours, &mut javascript);

    javascript.disconnect();
    ours.expect_peer_left(INITIATOR, PeerLeft::Disconnected, true);
    javascript.connect(&job);
    let peer = ours.wait_for_peer(&[Event::InitiatorJoined]);
    assert_eq!(peer, (created.public_key, RELAYED_DATA.to_owned()));
    javascript.wait_for_task();
    exchange_greetings(&mut ours, &mut javascript);
}

/// The application is told what is wrong and what to do. The initiator goes on waiting.
fn be_refused_because_of_the_token(meeting: &Meeting) {
    let (mut javascript, created) = waiting_initiator(meeting, &Job::initiator(meeting.server));
    let mut settings = responder(meeting, &created);
    settings.invitation.token = Some(AuthToken::from_hex(&wrong_token()).unwrap());
    let wrong = Settings::invited(settings.invitation, meeting.certificates(), new_keys());
    let mut ours = wrong.connect();
    let end = ours.wait_for_end();
    assert_eq!((end.by, end.code), (ClosedBy::Server, Some(3005)));
    assert_eq!((&end.reason, end.retryable()), (&EndReason::InitiatorCouldNotDecrypt, false));
    let text = end.to_string();
    assert!(text.contains("the token is wrong") && text.contains("new invitation"), "{text}");

    let mut ours = responder(meeting, &created).connect();
    ours.wait_for_peer(&[]);
    javascript.wait_for_task();
}

/// The JavaScript initiator drops us with a reason that does not exist in the protocol. The server
/// closes its connection, and nobody tells us why.
fn have_no_task_in_common(meeting: &Meeting) {
    let job = Job::initiator(meeting.server).with_tasks(&[UNKNOWN_TASK]);
    let (mut javascript, created) = waiting_initiator(meeting, &job);
    let mut ours = responder(meeting, &created).connect();
    assert_eq!(javascript.wait_for("no-shared-task")["offered"][0], RELAYED_DATA);
    assert_eq!(javascript.wait_for_close(), 3001);
    ours.expect_peer_left(INITIATOR, PeerLeft::Disconnected, true);
}

/// The same over a server that accepts this reason: the initiator stays, and we learn what is wrong.
fn have_no_task_in_common_over_a_lenient_server(meeting: &Meeting) {
    let job = Job::initiator(meeting.server).with_tasks(&[UNKNOWN_TASK]);
    let (mut javascript, created) = waiting_initiator(meeting, &job);
    let mut ours = responder(meeting, &created).connect();
    let end = ours.wait_for_end();
    assert_eq!((end.by, end.code), (ClosedBy::Server, Some(3006)));
    assert_eq!(end.reason, EndReason::NoSharedTask);
    assert!(end.to_string().contains("add a task"), "{end}");
    javascript.wait_for("no-shared-task");

    let mut settings = responder(meeting, &created);
    let task = CustomTask::new(UNKNOWN_TASK, TaskData::NIL).unwrap();
    settings.config = settings.config.with_task(task);
    let mut ours = settings.connect();
    assert_eq!(ours.wait_for_peer(&[]).1, UNKNOWN_TASK);
    assert_eq!(javascript.wait_for_task().1, UNKNOWN_TASK);
}

fn leave_first(meeting: &Meeting) {
    let (mut ours, mut javascript, _) = pair(meeting);
    we_leave(&mut ours, &mut javascript);
}

/// The JavaScript client sends no 'close'.
fn see_the_initiator_leave(meeting: &Meeting) {
    let (mut ours, mut javascript, _) = pair(meeting);
    javascript.disconnect();
    ours.expect_peer_left(INITIATOR, PeerLeft::Disconnected, false);
    assert_eq!(javascript.wait_for_close(), 1000);
}

fn be_the_second_responder(meeting: &Meeting) {
    let (mut ours, mut javascript, created) = pair(meeting);
    let mut second = responder(meeting, &created).connect();
    let end = second.wait_for_end();
    assert_eq!((end.by, end.code), (ClosedBy::Server, Some(3004)));
    assert_eq!((&end.reason, end.retryable()), (&EndReason::DroppedByInitiator, false));
    exchange_greetings(&mut ours, &mut javascript);
}

/// The new initiator does not know the token that we used, so there is nothing to do but to say so.
fn see_the_initiator_replaced(meeting: &Meeting) {
    let job = Job::initiator(meeting.server).with_secret_key(&hex::encode(&INITIATOR_SECRET));
    let (mut ours, mut javascript, _) = pair_with(meeting, &job);
    let mut second = meeting.javascript();
    second.connect(&job);
    ours.expect_peer_left(INITIATOR, PeerLeft::Replaced, false);
    ours.expect(&Event::InitiatorJoined);
    assert_eq!(javascript.wait_for_close(), 3004);
}

/// The new initiator trusts us, and we go on with it.
fn see_an_initiator_replaced_that_is_trusted(meeting: &Meeting) {
    let secret = hex::encode(&INITIATOR_SECRET);
    let job = Job::initiator(meeting.server).with_secret_key(&secret);
    let (mut javascript, created) = waiting_initiator(meeting, &job);
    let settings = responder(meeting, &created);
    let our_key = settings.config.protocol.permanent_key.public().to_hex();
    let mut ours = settings.connect();
    ours.wait_for_peer(&[]);
    javascript.wait_for_task();
    ours.client.trust_peer().unwrap();

    let mut second = meeting.javascript();
    second.connect(&job.trusting(&our_key));
    ours.expect(&Event::PeerLeft {
        address: Address::INITIATOR,
        how: PeerLeft::Replaced,
        can_rejoin: true,
    });
    let peer = ours.wait_for_peer(&[Event::InitiatorJoined]);
    assert_eq!(peer, (created.public_key, RELAYED_DATA.to_owned()));
    second.wait_for_task();
    assert_eq!(javascript.wait_for_close(), 3004);
    exchange_greetings(&mut ours, &mut second);
}

/// An initiator that does not read any more: what we send comes back.
fn lose_an_initiator_that_does_not_read(meeting: &Meeting) {
    let (mut ours, mut javascript, _) = pair(meeting);
    javascript.stop_reading();
    ours.send_until_it_comes_back(INITIATOR);
    ours.expect_peer_left(INITIATOR, PeerLeft::Unreachable, false);
}

fn node(scenario: fn(&Meeting)) {
    over_our_server(Runtime::Node, &[scenario]);
}

/// Covers P-018 P-019 P-020 P-031 P-033 P-034 P-046 P-090 P-091 P-115 P-117 P-120 P-121 P-122 P-123.
/// Covers P-126 P-142 P-158 P-159 P-160 P-169 P-217 P-219 P-239 P-241 P-244 P-246 P-248 P-250 P-252.
/// Covers P-254 P-255 P-257 P-258 P-260 P-262 P-269 P-274 P-275 P-276 P-278 P-280 P-281 P-283 P-284.
/// Covers R-001 R-002 R-003 R-004 R-006 R-009 R-010 R-012 R-013 R-015 R-016 R-018.
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

/// Covers P-168 P-172 P-173 P-175 P-239.
#[test]
fn node_comes_later() {
    node(come_before_the_initiator);
}

/// Covers P-175 P-203 P-204 P-205 P-206 P-232 P-234 P-240.
#[test]
fn node_trusted_and_coming_back() {
    node(meet_a_trusted_initiator_twice);
}

/// Covers P-188 P-236 P-299.
#[test]
fn node_refuses_our_token() {
    node(be_refused_because_of_the_token);
}

/// Covers P-104 P-192 P-203 P-206.
#[test]
fn node_without_a_common_task() {
    node(have_no_task_in_common);
}

/// Covers P-188 P-299.
#[test]
fn node_without_a_common_task_over_a_lenient_server() {
    let certificates = Certificates::new();
    let server = LibraryServer::start_with(&certificates, |config| {
        config.accept_no_shared_task_as_drop_reason = true;
    });
    let (peers, server) = (&Peers::new(&certificates), &server.address);
    let meeting = Meeting { peers, server, runtime: Runtime::Node };
    have_no_task_in_common_over_a_lenient_server(&meeting);
}

/// Covers P-285 P-288 P-294 R-005.
#[test]
fn node_is_told_that_we_leave() {
    node(leave_first);
}

/// Covers P-199 P-203 P-204 P-206.
#[test]
fn node_leaves() {
    node(see_the_initiator_leave);
}

/// Covers P-188 P-299.
#[test]
fn node_drops_us_for_another() {
    node(be_the_second_responder);
}

/// Covers P-145 P-172 P-174.
#[test]
fn node_is_replaced() {
    node(see_the_initiator_replaced);
}

/// Covers P-145 P-172 P-174 P-175 P-231 P-272.
#[test]
fn node_is_replaced_by_one_that_trusts_us() {
    node(see_an_initiator_replaced_that_is_trusted);
}

/// Covers P-088 P-208 P-210 P-211 P-216.
#[test]
fn node_that_does_not_read() {
    node(lose_an_initiator_that_does_not_read);
}

/// Covers P-018 P-019 P-020 P-031 P-033 P-034 P-046 P-090 P-115 P-121 P-122 P-123 P-126 P-142 P-158.
/// Covers P-159 P-160 P-169 P-174 P-175 P-203 P-205 P-206 P-217 P-219 P-232 P-234 P-236 P-240 P-248.
/// Covers P-250 P-252 P-254 P-257 P-260 P-262 P-274 P-275 P-276 P-278 P-280 P-281 P-283 P-284 P-285.
/// Covers R-001 R-002 R-003 R-004 R-006 R-009 R-010 R-012 R-013 R-015 R-016 R-018.
/// Covers P-002 P-041 P-043.
#[test]
fn chromium_in_all_of_this() {
    over_our_server(Runtime::Chromium, &ANYWHERE);
}
