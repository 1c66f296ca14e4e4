//! Paths that die while the addresses stay: nobody is told, and there is another one.

use std::time::Duration;

use saltyrtc::rtc::ice::{AgentConfig, IceState, SocketId};

use crate::controlling;
use crate::network::Network;

/// Two hosts with two addresses each that have just found a path.
fn connected() -> Network {
    let mut network = Network::new();
    for (config, net) in [(controlling(), 1), (AgentConfig::default(), 2)] {
        let index = network.add(config, &format!("192.168.{net}.2:5000"), None);
        let second = (SocketId(1), format!("10.0.{net}.2:5001").parse().unwrap());
        let host = &mut network.hosts[index];
        host.agent.add_socket(network.now, second.0, second.1).unwrap();
        host.sockets.push(second);
        host.agent.gather(network.now);
    }
    network.exchange_credentials();
    network.run_until_connected();
    network
}

/// The address of this side of the path stops to work.
fn kill_path(network: &mut Network, index: usize) {
    let address = network.hosts[index].agent.stats().path.unwrap().local_address;
    network.blocked.push(address);
}

/// One side sends, and gets answers, as with SCTP. Returns how long it gets none.
fn gap(network: &mut Network, sender: usize) -> Duration {
    let start = network.now;
    loop {
        for (from, to) in [(1 - sender, sender), (sender, 1 - sender)] {
            let answers = from != sender && network.hosts[from].received.is_empty();
            network.hosts[from].received.clear();
            if !answers {
                let _ = network.hosts[from].agent.send(network.now, &[23, 1]);
            }
            network.run_without_trickling(Duration::from_millis(20));
            if to == sender && !network.hosts[to].received.is_empty() {
                return network.now - start;
            }
        }
        assert!(network.now - start < Duration::from_secs(60), "data does not arrive");
    }
}

fn dies(sender: usize, dying: usize, after: Duration) {
    let mut network = connected();
    network.run(after);
    gap(&mut network, sender);
    kill_path(&mut network, dying);
    let time = gap(&mut network, sender);
    assert!(time < Duration::from_secs(2), "{sender} {dying} {after:?}: {time:?}");
    for host in &network.hosts {
        assert!(host.states.iter().all(|(_, state)| *state != IceState::Disconnected));
    }
}

#[test]
fn a_path_that_dies_while_data_is_sent_is_left_within_two_seconds() {
    for (sender, dying) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        // While the best path is being looked for, and later, at any time between two checks.
        for ms in (0..3000).step_by(300).chain((20_000..22_500).step_by(250)) {
            dies(sender, dying, Duration::from_millis(ms));
        }
    }
}

/// Data that is answered is no reason to ask more often.
#[test]
fn a_path_that_works_makes_no_doubt() {
    let mut network = connected();
    network.run(Duration::from_secs(20));
    let before = network.checks;
    network.run(Duration::from_secs(60));
    let idle = network.checks - before;
    for sender in [0, 1] {
        let (before, start) = (network.checks, network.now);
        while network.now < start + Duration::from_secs(60) {
            gap(&mut network, sender);
        }
        let busy = network.checks - before;
        assert!(busy < idle + idle / 10, "{busy} checks with data, {idle} without");
    }
}
