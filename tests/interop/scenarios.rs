//! What two JavaScript peers do over a server. The server is what these scenarios test.

use rmpv::Value;

use super::javascript::{JavaScriptPeer, Job, Lent, Peers, RELAYED_DATA, Runtime};
use super::value::{as_javascript_sees, as_javascript_sends, every_type};
use super::{ServerAddress, hex};

/// A running server and where its clients run.
pub struct Setting<'a> {
    pub peers: &'a Peers<'a>,
    pub server: &'a ServerAddress,
    pub initiator: Runtime,
    pub responder: Runtime,
}

impl<'a> Setting<'a> {
    fn start(&self) -> (Lent<'a>, Lent<'a>) {
        (self.start_initiator(), self.start_responder())
    }

    fn start_initiator(&self) -> Lent<'a> {
        self.peers.start(self.initiator)
    }

    fn start_responder(&self) -> Lent<'a> {
        self.peers.start(self.responder)
    }

    /// Two peers that have authenticated each other with a token.
    fn start_and_pair(&self) -> (Lent<'a>, Lent<'a>) {
        let (mut initiator, mut responder) = self.start();
        let invitation = initiator.connect(&Job::initiator(self.server));
        responder.connect(&Job::responder(self.server, &invitation));
        initiator.wait_for_task();
        responder.wait_for_task();
        (initiator, responder)
    }
}

/// All scenarios.
pub const ALL: [fn(&Setting); 11] = [
    converse,
    relay_in_order,
    trust_each_other,
    refuse_a_wrong_token,
    have_no_task_in_common,
    tell_who_has_left,
    report_what_was_not_relayed,
    replace_the_initiator,
    drop_the_second_responder,
    refuse_an_unknown_server_key,
    send_pings,
];

/// Token handshake, then data and application messages of every type in both directions.
pub fn converse(setting: &Setting) {
    let (mut initiator, mut responder) = setting.start();
    let invitation = initiator.connect(&Job::initiator(setting.server));
    let tasks = ["x.unknown.example.org", RELAYED_DATA];
    let joined = responder.connect(&Job::responder(setting.server, &invitation).with_tasks(&tasks));
    assert_eq!(initiator.wait_for_task(), (joined.public_key, RELAYED_DATA.to_owned()));
    assert_eq!(responder.wait_for_task(), (invitation.public_key, RELAYED_DATA.to_owned()));

    for value in every_type() {
        let expected = as_javascript_sees(&as_javascript_sends(&value));
        initiator.send_data(&value);
        assert_eq!(responder.receive_data(), expected);
        responder.send_application(&value);
        assert_eq!(initiator.receive_application(), expected);
    }
}

/// Many messages at once in both directions arrive complete and in order.
pub fn relay_in_order(setting: &Setting) {
    const COUNT: i32 = 500;
    let (mut initiator, mut responder) = setting.start_and_pair();
    for number in 0..COUNT {
        initiator.send_data(&Value::from(number));
        responder.send_data(&Value::from(-number));
    }
    for number in 0..COUNT {
        assert_eq!(responder.receive_data(), Value::from(number));
        assert_eq!(initiator.receive_data(), Value::from(-number));
    }
}

/// Peers that know each other's keys need no token. The responder connects first and waits.
pub fn trust_each_other(setting: &Setting) {
    let (mut initiator, mut responder) = setting.start();
    let responder_secret = hex::encode(&[0x17; 32]);
    let initiator_secret = hex::encode(&[0x2b; 32]);
    let key_of = |peer: &mut JavaScriptPeer, secret: &str| {
        peer.create(&Job::initiator(setting.server).with_secret_key(secret)).public_key
    };
    let initiator_key = key_of(&mut initiator, &initiator_secret);
    let responder_key = key_of(&mut responder, &responder_secret);

    let job =
        Job::trusting_responder(setting.server, &initiator_key).with_secret_key(&responder_secret);
    responder.connect(&job);
    responder.wait_for_state("peer-handshake");
    let job =
        Job::initiator(setting.server).with_secret_key(&initiator_secret).trusting(&responder_key);
    assert_eq!(initiator.connect(&job).token, None);
    assert_eq!(initiator.wait_for_task().0, responder_key);
    assert_eq!(responder.wait_for_task().0, initiator_key);
}

/// A responder with a wrong token is told so, and the initiator then accepts one with the right token.
pub fn refuse_a_wrong_token(setting: &Setting) {
    let (mut initiator, mut responder) = setting.start();
    let invitation = initiator.connect(&Job::initiator(setting.server));
    let wrong = hex::encode(&[0x66; 32]);
    responder.connect(&Job::responder_with(setting.server, &invitation.public_key, &wrong));
    assert_eq!(responder.wait_for_close(), 3005);

    responder.connect(&Job::responder(setting.server, &invitation));
    initiator.wait_for_task();
    responder.wait_for_task();
}

/// Peers without a common task. The JavaScript initiator drops the responder with code 3006, which is
/// not among the reasons of the specification, so that the server closes the *initiator* with 3001.
pub fn have_no_task_in_common(setting: &Setting) {
    let (mut initiator, mut responder) = setting.start();
    let invitation = initiator.connect(&Job::initiator(setting.server));
    responder.connect(
        &Job::responder(setting.server, &invitation).with_tasks(&["x.unknown.example.org"]),
    );
    let event = initiator.wait_for("no-shared-task");
    assert_eq!(event["offered"][0], "x.unknown.example.org");
    assert_eq!(initiator.wait_for_close(), 3001);
    assert_eq!(responder.wait_for("peer-disconnected")["id"], 1);
}

/// The JavaScript client sends no `close`; the server says who has gone.
pub fn tell_who_has_left(setting: &Setting) {
    let (mut initiator, mut responder) = setting.start_and_pair();
    responder.disconnect();
    assert_eq!(initiator.wait_for("peer-disconnected")["id"], 2);
    assert_eq!(responder.wait_for_close(), 1000);

    drop((initiator, responder));
    let (mut initiator, mut responder) = setting.start_and_pair();
    initiator.disconnect();
    assert_eq!(responder.wait_for("peer-disconnected")["id"], 1);
    assert_eq!(initiator.wait_for_close(), 1000);
}

/// What is sent to a peer that has gone comes back as a `send-error`.
pub fn report_what_was_not_relayed(setting: &Setting) {
    let (mut initiator, mut responder) = setting.start_and_pair();
    responder.disconnect();
    initiator.wait_for("peer-disconnected");
    initiator.send_data(&Value::from("too late"));
    assert_eq!(initiator.wait_for("send-error")["id"], 2);
}

/// The second initiator of a path replaces the first one, and the responders are told.
pub fn replace_the_initiator(setting: &Setting) {
    let (mut initiator, mut responder) = setting.start();
    let secret = hex::encode(&[0x3c; 32]);
    let job = Job::initiator(setting.server).with_secret_key(&secret);
    let invitation = initiator.connect(&job);
    responder.connect(&Job::responder(setting.server, &invitation));
    initiator.wait_for_task();
    responder.wait_for_task();

    let mut second = setting.start_initiator();
    second.connect(&job);
    assert_eq!(initiator.wait_for_close(), 3004);
    // Told of a new initiator, this client gives up.
    responder.wait_for_state("new");
}

/// Of two responders, the initiator keeps the first and drops the second.
pub fn drop_the_second_responder(setting: &Setting) {
    let (mut initiator, mut responder) = setting.start();
    let invitation = initiator.connect(&Job::initiator(setting.server));
    let job = Job::responder(setting.server, &invitation);
    responder.connect(&job);
    initiator.wait_for_task();

    let mut second = setting.start_responder();
    second.connect(&job);
    assert_eq!(second.wait_for_close(), 3004);
    initiator.send_data(&Value::from("still here"));
    assert_eq!(responder.receive_data(), Value::from("still here"));
    assert!(
        !initiator.program().has_seen("peer-disconnected"),
        "dropped clients are not announced"
    );
}

/// A client that expects another key of the server is closed.
pub fn refuse_an_unknown_server_key(setting: &Setting) {
    let mut initiator = setting.start_initiator();
    initiator.connect(&Job::initiator(setting.server).with_server_key(&hex::encode(&[0x44; 32])));
    assert_eq!(initiator.wait_for_close(), 3007);
}

/// A client that asks for pings gets them. Only Node can tell.
pub fn send_pings(setting: &Setting) {
    let mut initiator = setting.peers.start(Runtime::Node);
    initiator.connect(&Job::initiator(setting.server).with_ping_interval(1));
    initiator.wait_for("ping");
    // More than once, at that interval.
    initiator.wait_for("ping");
}
