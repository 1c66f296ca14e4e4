//! Our client over the Python server: with itself, and with a JavaScript client.

use rmpv::Value;
use saltyrtc::client::{ClosedBy, EndReason, Event};

use super::certificates::Certificates;
use super::javascript::{Peers, RELAYED_DATA, Runtime};
use super::library::{
    FIRST_RESPONDER, LibraryClient, Settings, encode, new_keys, responder_joined,
};
use super::meeting::Meeting;
use super::python::PythonServer;
use super::value::{canonical, every_type};
use super::{library_initiator, library_responder};

/// Runs a test with the server, if there is one.
fn with_python_server(test: impl FnOnce(&mut PythonServer, &Certificates)) {
    let certificates = Certificates::new();
    if let Some(mut server) = PythonServer::start(&certificates) {
        test(&mut server, &certificates);
    }
}

fn with_node(scenarios: &[fn(&Meeting)]) {
    with_python_server(|server, certificates| {
        let (peers, server) = (&Peers::new(certificates), &server.address);
        for scenario in scenarios {
            scenario(&Meeting { peers, server, runtime: Runtime::Node });
        }
    });
}

fn pair(server: &PythonServer, certificates: &Certificates) -> (LibraryClient, LibraryClient) {
    let settings = Settings::initiator(&server.address, certificates);
    let invitation = settings.invitation.clone();
    let mut initiator = settings.connect();
    let keys = new_keys();
    let key = keys.public().to_hex();
    let mut responder = Settings::invited(invitation, certificates, keys).connect();
    let before = [responder_joined(FIRST_RESPONDER), Event::TokenUsed];
    assert_eq!(initiator.wait_for_peer(&before), (key, RELAYED_DATA.to_owned()));
    assert_eq!(responder.wait_for_peer(&[]).0, initiator.client.path().to_hex());
    (initiator, responder)
}

/// Sends a value both ways that an application has.
fn pass_on(from: &mut LibraryClient, to: &mut LibraryClient, value: &Value) {
    from.send_data(value);
    assert_eq!(to.receive_data(), canonical(value));
    from.send_application(value);
    assert_eq!(to.receive_application(), canonical(value));
}

/// Covers P-018 P-019 P-020 P-031 P-033 P-034 P-045 P-046 P-090 P-121 P-122 P-123 P-126 P-142 P-158.
/// Covers P-159 P-160 P-217 P-219 P-248 P-250 P-252 P-254 P-257 P-260 P-262 P-274 P-275 P-276 P-278.
/// Covers P-280 P-281 P-283 P-284 P-285 P-288 P-293 P-294 R-001 R-002 R-003 R-004 R-005 R-006 R-009.
/// Covers R-010 R-012 R-013 R-015 R-016 R-017 R-018.
/// Covers P-002 P-041 P-043.
#[test]
fn both_roles_converse_and_part() {
    with_python_server(|server, certificates| {
        let (mut initiator, mut responder) = pair(server, certificates);
        let mut values = every_type();
        values.push(Value::F32(f32::MIN_POSITIVE));
        values.push(Value::Ext(-1, vec![7; 4]));
        for value in &values {
            pass_on(&mut initiator, &mut responder, value);
            pass_on(&mut responder, &mut initiator, value);
        }
        let (mut initiator, mut responder) = pair(server, certificates);
        responder.send_data(&Value::from("last words"));
        responder.client.close();
        let end = responder.wait_for_end();
        assert_eq!((end.by, end.reason), (ClosedBy::Us, EndReason::Requested));
        assert_eq!(initiator.receive_data(), Value::from("last words"));
        let end = initiator.wait_for_end();
        assert_eq!((end.by, end.code), (ClosedBy::Peer, Some(1001)));
    });
}

/// Covers P-162 P-175 P-232 P-233 P-234 P-240.
#[test]
fn both_roles_trust_each_other() {
    with_python_server(|server, certificates| {
        let keys = new_keys();
        let settings = Settings::trusting_initiator(&server.address, certificates, keys.public());
        let invitation = settings.invitation.clone();
        let mut responder = Settings::invited(invitation, certificates, keys).connect();
        let mut initiator = settings.connect();
        initiator.wait_for_peer(&[responder_joined(FIRST_RESPONDER)]);
        responder.wait_for_peer(&[Event::InitiatorJoined]);
        responder.client.send_data(&encode(&Value::from(true))).unwrap();
        assert_eq!(initiator.receive_data(), Value::from(true));
    });
}

/// Covers P-124.
#[test]
fn pings_are_asked_for_and_answered() {
    with_python_server(|server, certificates| {
        let mut settings = Settings::initiator(&server.address, certificates);
        settings.config.protocol.ping_interval = 1;
        let invitation = settings.invitation.clone();
        let initiator = settings.connect();
        server.wait_for_pong();
        server.wait_for_pong();
        drop(initiator);

        let mut settings = Settings::invited(invitation, certificates, new_keys());
        settings.config.protocol.ping_interval = 1;
        let _responder = settings.connect();
        server.wait_for_pong();
        server.wait_for_pong();
    });
}

/// Covers P-126 P-299.
#[test]
fn another_server_key_is_expected() {
    with_python_server(|server, certificates| {
        let mut settings = Settings::initiator(&server.address, certificates);
        settings.config.protocol.server_key = Some(*new_keys().public());
        let end = settings.start().wait_for_end();
        assert_eq!((end.by, end.code), (ClosedBy::Server, Some(3007)));
        assert!(matches!(end.reason, EndReason::ServerKey(_)), "{end}");
    });
}

/// Covers P-018 P-019 P-020 P-031 P-033 P-034 P-045 P-090 P-121 P-122 P-123 P-126 P-142 P-158 P-159.
/// Covers P-160 P-186 P-187 P-198 P-203 P-205 P-206 P-217 P-219 P-232 P-234 P-235 P-243 P-245 P-248.
/// Covers P-250 P-252 P-254 P-257 P-260 P-262 P-266 P-274 P-275 P-276 P-278 P-280 P-281 P-283 P-284.
/// Covers P-285 R-001 R-002 R-003 R-004 R-006 R-009 R-010 R-012 R-013 R-015 R-016 R-018.
/// Covers P-002 P-041 P-043.
#[test]
fn we_as_initiator_and_node() {
    with_node(&library_initiator::ANYWHERE);
}

/// Covers P-018 P-019 P-020 P-031 P-033 P-034 P-046 P-090 P-115 P-120 P-121 P-122 P-123 P-126 P-142.
/// Covers P-158 P-159 P-160 P-169 P-174 P-175 P-203 P-205 P-206 P-217 P-219 P-232 P-234 P-236 P-240.
/// Covers P-248 P-250 P-252 P-254 P-257 P-260 P-262 P-274 P-275 P-276 P-278 P-280 P-281 P-283 P-284.
/// Covers P-285 R-001 R-002 R-003 R-004 R-006 R-009 R-010 R-012 R-013 R-015 R-016 R-018.
/// Covers P-002 P-041 P-043.
#[test]
fn we_as_responder_and_node() {
    with_node(&library_responder::ANYWHERE);
}
