//! The foreign implementations among themselves, without this library: when these tests fail, the others
//! say nothing.

use super::certificates::Certificates;
use super::javascript::{JavaScriptPeer, Job, Runtime};
use super::python::PythonServer;
use super::scenarios::{self, Setting};

#[test]
fn node_and_node_converse() {
    over_the_python_server(Runtime::Node, scenarios::converse);
}

#[test]
fn chromium_and_node_converse() {
    over_the_python_server(Runtime::Chromium, scenarios::converse);
}

#[test]
fn node_and_node_meet_everything_else() {
    for scenario in [
        scenarios::relay_in_order,
        scenarios::trust_each_other,
        scenarios::refuse_a_wrong_token,
        scenarios::have_no_task_in_common,
        scenarios::tell_who_has_left,
        scenarios::report_what_was_not_relayed,
        scenarios::replace_the_initiator,
        scenarios::drop_the_second_responder,
        scenarios::refuse_an_unknown_server_key,
        scenarios::send_pings,
    ] {
        over_the_python_server(Runtime::Node, scenario);
    }
}

fn over_the_python_server(initiator: Runtime, scenario: fn(&Setting)) {
    let certificates = Certificates::new();
    let Some(server) = PythonServer::start(&certificates) else { return };
    let server = &server.address;
    scenario(&Setting { certificates: &certificates, server, initiator, responder: Runtime::Node });
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
