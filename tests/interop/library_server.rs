//! JavaScript clients over our server.

use super::certificates::Certificates;
use super::javascript::{Peers, Runtime};
use super::library::LibraryServer;
use super::scenarios::{self, Setting};

fn over_our_server(initiator: Runtime, responder: Runtime, scenarios: &[fn(&Setting)]) {
    let certificates = Certificates::new();
    let server = LibraryServer::start(&certificates);
    let peers = &Peers::new(&certificates);
    for scenario in scenarios {
        scenario(&Setting { peers, server: &server.address, initiator, responder });
    }
}

fn in_node(scenario: fn(&Setting)) {
    over_our_server(Runtime::Node, Runtime::Node, &[scenario]);
}

/// The clients check `your_cookie` and the signed keys.
///
/// Covers P-018 P-020 P-030 P-054 P-086 P-087 P-109 P-111 P-114 P-119 P-140 P-143 P-144 P-146 P-147.
/// Covers P-150 P-151 P-152 P-153 P-154 P-155 P-156 P-171 P-177 P-178 P-179 P-184 P-215.
#[test]
fn node_and_node_converse() {
    in_node(scenarios::converse);
}

/// Covers P-054 P-087 P-215.
#[test]
fn messages_stay_in_order() {
    in_node(scenarios::relay_in_order);
}

/// Covers P-156 P-172 P-173 P-176.
#[test]
fn the_responder_comes_first() {
    in_node(scenarios::trust_each_other);
}

/// Covers P-188 P-192 P-195.
#[test]
fn a_wrong_token_is_refused() {
    in_node(scenarios::refuse_a_wrong_token);
}

/// Covers P-104 P-192 P-199 P-298.
#[test]
fn no_task_in_common_costs_the_initiator_its_connection() {
    in_node(scenarios::have_no_task_in_common);
}

/// Covers P-199 P-200 P-207.
#[test]
fn who_has_left_is_told() {
    in_node(scenarios::tell_who_has_left);
}

/// Covers P-088 P-208 P-209 P-213 P-216.
#[test]
fn what_was_not_relayed_comes_back() {
    in_node(scenarios::report_what_was_not_relayed);
}

/// Covers P-145 P-146 P-172.
#[test]
fn an_initiator_is_replaced() {
    in_node(scenarios::replace_the_initiator);
}

/// Covers P-188 P-195 P-197.
#[test]
fn the_second_responder_is_dropped() {
    in_node(scenarios::drop_the_second_responder);
}

/// Covers P-137 P-139.
#[test]
fn a_client_that_expects_another_server_is_refused() {
    in_node(scenarios::refuse_an_unknown_server_key);
}

/// Covers P-134.
#[test]
fn a_client_that_asks_for_pings_gets_them() {
    in_node(scenarios::send_pings);
}

/// Covers P-018 P-020 P-030 P-143 P-144 P-145 P-172 P-188 P-199 P-200 P-208 P-215.
#[test]
fn chromium_as_initiator_meets_node() {
    over_our_server(Runtime::Chromium, Runtime::Node, &scenarios::ALL);
}

/// Covers P-018 P-020 P-030 P-143 P-144 P-145 P-172 P-188 P-199 P-200 P-208 P-215.
#[test]
fn chromium_as_responder_meets_node() {
    over_our_server(Runtime::Node, Runtime::Chromium, &scenarios::ALL);
}
