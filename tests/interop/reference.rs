//! The foreign implementations among themselves, without this library: when these tests fail, the others
//! say nothing.

use super::certificates::Certificates;
use super::javascript::{JavaScriptPeer, Job, Peers, Runtime};
use super::python::PythonServer;
use super::scenarios::{self, Setting};

#[test]
fn node_and_node_meet_in_every_way() {
    over_the_python_server(Runtime::Node, &scenarios::ALL);
}

#[test]
fn chromium_and_node_converse() {
    over_the_python_server(Runtime::Chromium, &[scenarios::converse]);
}

fn over_the_python_server(initiator: Runtime, scenarios: &[fn(&Setting)]) {
    let certificates = Certificates::new();
    let Some(server) = PythonServer::start(&certificates) else { return };
    let peers = &Peers::new(&certificates);
    for scenario in scenarios {
        let server = &server.address;
        scenario(&Setting { peers, server, initiator, responder: Runtime::Node });
    }
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
    let foreign = Certificates::new();
    let Some(server) = PythonServer::start(&foreign) else { return };
    let mut peer = JavaScriptPeer::start(runtime, &Certificates::new());
    peer.connect(&Job::initiator(&server.address));
    peer.wait_for("connection-error");
    assert_eq!(peer.wait_for_close(), 1006);
}
