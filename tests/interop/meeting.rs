//! What our client and a JavaScript client do, whatever the roles.

use rmpv::Value;
use saltyrtc::client::{ClosedBy, EndReason};

use super::ServerAddress;
use super::certificates::Certificates;
use super::javascript::{JavaScriptPeer, Lent, Peers, Runtime};
use super::library::{LibraryClient, LibraryServer};
use super::value::{as_javascript_sees, as_javascript_sends, canonical, every_type};

/// A name that nobody has a task for.
pub const UNKNOWN_TASK: &str = "x.unknown.example.org";

/// A running server, and where the JavaScript client runs.
pub struct Meeting<'a> {
    pub peers: &'a Peers<'a>,
    pub server: &'a ServerAddress,
    pub runtime: Runtime,
}

impl<'a> Meeting<'a> {
    pub const fn certificates(&self) -> &'a Certificates {
        self.peers.certificates
    }

    /// A JavaScript peer without a session.
    pub fn javascript(&self) -> Lent<'a> {
        self.peers.start(self.runtime)
    }
}

/// Runs scenarios with a JavaScript client in `runtime` over our server.
pub fn over_our_server(runtime: Runtime, scenarios: &[fn(&Meeting)]) {
    let certificates = Certificates::new();
    let server = LibraryServer::start(&certificates);
    let peers = &Peers::new(&certificates);
    for scenario in scenarios {
        scenario(&Meeting { peers, server: &server.address, runtime });
    }
}

/// Data and application messages of every type in both directions.
pub fn exchange_every_type(ours: &mut LibraryClient, javascript: &mut JavaScriptPeer) {
    for value in every_type() {
        let seen = as_javascript_sees(&value);
        ours.send_data(&value);
        assert_eq!(javascript.receive_data(), seen);
        ours.send_application(&value);
        assert_eq!(javascript.receive_application(), seen);

        let sent = canonical(&as_javascript_sends(&value));
        javascript.send_data(&value);
        assert_eq!(ours.receive_data(), sent);
        javascript.send_application(&value);
        assert_eq!(ours.receive_application(), sent);
    }
}

/// Many messages at once in both directions arrive complete and in order.
pub fn exchange_many(ours: &mut LibraryClient, javascript: &mut JavaScriptPeer) {
    const COUNT: i32 = 500;
    for number in 0..COUNT {
        ours.send_data(&Value::from(number));
        javascript.send_data(&Value::from(-number));
    }
    for number in 0..COUNT {
        assert_eq!(javascript.receive_data(), Value::from(number));
        assert_eq!(ours.receive_data(), Value::from(-number));
    }
}

/// One message in each direction.
pub fn exchange_greetings(ours: &mut LibraryClient, javascript: &mut JavaScriptPeer) {
    ours.send_data(&Value::from("hello JavaScript"));
    assert_eq!(javascript.receive_data(), Value::from("hello JavaScript"));
    javascript.send_data(&Value::from("hello Rust"));
    assert_eq!(ours.receive_data(), Value::from("hello Rust"));
}

/// Our client closes. The JavaScript client gets our 'close' and closes its connection too.
pub fn we_leave(ours: &mut LibraryClient, javascript: &mut JavaScriptPeer) {
    ours.send_data(&Value::from("last words"));
    ours.client.close();
    let end = ours.wait_for_end();
    assert_eq!((end.by, end.code, end.reason), (ClosedBy::Us, Some(1001), EndReason::Requested));
    assert_eq!(javascript.receive_data(), Value::from("last words"));
    assert_eq!(javascript.wait_for("task-close")["reason"], 1001);
    // It maps all codes up to 3000 to this one.
    assert_eq!(javascript.wait_for_close(), 1000);
}
