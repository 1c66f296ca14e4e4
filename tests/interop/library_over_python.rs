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

#[test]
fn we_as_initiator_and_node() {
    with_node(&library_initiator::ANYWHERE);
}

#[test]
fn we_as_responder_and_node() {
    with_node(&library_responder::ANYWHERE);
}
