//! The foreign implementations among themselves, without this library: when these tests fail, the others
//! say nothing.

use super::certificates::Certificates;
use super::javascript::{JavaScriptPeer, Job, RELAYED_DATA, Runtime};
use super::python::PythonServer;
use super::value::{as_javascript_sees, as_javascript_sends, every_type};

#[test]
fn javascript_in_node_over_the_python_server() {
    converse(Runtime::Node, Runtime::Node);
}

#[test]
fn javascript_in_chromium_over_the_python_server() {
    converse(Runtime::Chromium, Runtime::Node);
}

fn converse(initiator: Runtime, responder: Runtime) {
    let certificates = Certificates::new();
    let Some(server) = PythonServer::start(&certificates) else { return };
    let mut initiator = JavaScriptPeer::start(initiator, &certificates);
    let mut responder = JavaScriptPeer::start(responder, &certificates);

    let invitation = initiator.connect(&Job::initiator(&server.address));
    let tasks = ["x.unknown.example.org", RELAYED_DATA];
    let joined =
        responder.connect(&Job::responder(&server.address, &invitation).with_tasks(&tasks));
    assert_eq!(initiator.wait_for_task(), (joined.public_key, RELAYED_DATA.to_owned()));
    assert_eq!(responder.wait_for_task(), (invitation.public_key, RELAYED_DATA.to_owned()));

    for value in every_type() {
        let expected = as_javascript_sees(&as_javascript_sends(&value));
        initiator.send_data(&value);
        assert_eq!(responder.receive_data(), expected);
        responder.send_application(&value);
        assert_eq!(initiator.receive_application(), expected);
    }

    responder.disconnect();
    assert_eq!(initiator.wait_for("peer-disconnected")["id"], 2);
    initiator.disconnect();
    assert_eq!(initiator.wait_for_close(), 1000);
}

#[test]
fn javascript_in_node_refuses_a_foreign_certificate() {
    refuse_foreign_certificate(Runtime::Node);
}

#[test]
fn javascript_in_chromium_refuses_a_foreign_certificate() {
    refuse_foreign_certificate(Runtime::Chromium);
}

/// The peers check certificates at all, so that the other tests also say something about TLS.
fn refuse_foreign_certificate(runtime: Runtime) {
    let Some(server) = PythonServer::start(&Certificates::new()) else { return };
    let mut peer = JavaScriptPeer::start(runtime, &Certificates::new());
    peer.connect(&Job::initiator(&server.address));
    peer.wait_for("connection-error");
    assert_eq!(peer.wait_for_close(), 1006);
}
