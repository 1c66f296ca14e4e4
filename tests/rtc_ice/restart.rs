//! ICE restart, and networks that change.

use std::time::Duration;

use saltyrtc::rtc::ice::{AgentConfig, CandidateType, IceState, Path, SocketId};

use crate::controlling;
use crate::network::Network;

fn connected() -> Network {
    let mut network = Network::new();
    network.add(controlling(), "192.0.2.1:5000", None);
    network.add(AgentConfig::default(), "198.51.100.2:6000", None);
    for host in &mut network.hosts {
        host.agent.gather(network.now);
    }
    network.exchange_credentials();
    network.run_until_connected();
    network.run(Duration::from_secs(1));
    network
}

/// Both restart, and exchange what is new.
fn restart(network: &mut Network) {
    for host in &mut network.hosts {
        host.ended = false;
        host.unsent.clear();
        host.agent.restart(network.now);
    }
    network.drain();
    network.exchange_credentials();
}

#[test]
fn data_goes_on_while_ice_restarts() {
    let mut network = connected();
    let old = network.hosts[0].agent.local_credentials().clone();
    let candidates = network.hosts[0].candidates.len();
    for host in &mut network.hosts {
        host.ended = false;
        host.agent.restart(network.now);
    }
    network.drain();
    assert_ne!(*network.hosts[0].agent.local_credentials(), old);
    assert_eq!(network.hosts[0].candidates.len(), candidates + 1);
    // For as long as the answer takes, the old path is used and kept alive.
    for host in &mut network.hosts {
        host.unsent.clear();
    }
    network.run(Duration::from_secs(60));
    assert_eq!((network.state(0), network.state(1)), (IceState::Connected, IceState::Connected));
    network.check_data();

    network.exchange_credentials();
    for (from, to) in [(0, 1), (1, 0)] {
        let candidate = network.hosts[from].candidates.last().unwrap().clone();
        network.hosts[to].agent.add_remote_candidate(network.now, &candidate).unwrap();
    }
    network.run(Duration::from_secs(60));
    network.check_data();
    // The path is the same one: nothing has changed for the driver.
    assert!(network.hosts.iter().all(|host| host.paths.len() == 1));
    assert!(network.hosts.iter().all(|host| host.states.len() == 2));
}

#[test]
fn a_new_address_is_used_after_a_restart() {
    let mut network = connected();
    let new = "203.0.113.77:7000".parse().unwrap();
    network.hosts[0].agent.remove_socket(network.now, SocketId(0));
    network.drain();
    assert_eq!(network.state(0), IceState::Disconnected);
    assert_eq!(network.hosts[0].agent.path(), None);
    network.hosts[0].sockets = vec![(SocketId(1), new)];
    network.hosts[0].agent.add_socket(network.now, SocketId(1), new).unwrap();
    network.run_without_trickling(Duration::from_millis(200));
    // It is tried at once, without the peer being told.
    assert_eq!(network.state(0), IceState::Connected);
    restart(&mut network);
    let path = Path::Direct { socket: SocketId(0), to: new };
    let time =
        network.run_until("the new path", |network| network.hosts[1].agent.path() == Some(path));
    // Without a restart it takes a second to give the old one up, and the new address is only known by the
    // checks that come from it.
    assert!(time < Duration::from_millis(500), "{time:?}");
    let path = network.hosts[1].agent.stats().path.unwrap();
    assert_eq!(path.remote_type, CandidateType::Host);
    network.check_data();
}

#[test]
fn a_restart_leads_out_of_failure() {
    let mut network = connected();
    network.hosts[0].connected = false;
    network.run(Duration::from_secs(40));
    assert_eq!((network.state(0), network.state(1)), (IceState::Failed, IceState::Failed));
    network.hosts[0].connected = true;
    for host in &mut network.hosts {
        host.ended = false;
        host.agent.restart(network.now);
    }
    network.drain();
    assert_eq!(network.state(0), IceState::New);
    // The other side may take its time.
    network.run(Duration::from_secs(100));
    network.exchange_credentials();
    network.run_until_connected();
    network.check_data();
}

#[test]
fn a_restart_that_finds_nothing_fails_with_the_old_path() {
    let mut network = connected();
    restart(&mut network);
    network.hosts[1].connected = false;
    network.run(Duration::from_secs(65));
    assert_eq!(network.state(0), IceState::Failed);
}

#[test]
fn what_belongs_to_the_time_before_the_restart_is_ignored() {
    let mut network = connected();
    let old = network.hosts[1].candidates[0].clone();
    let agent = &mut network.hosts[0].agent;
    let credentials = agent.remote_credentials().unwrap().clone();
    let other = agent.local_credentials().clone();
    assert!(agent.set_remote(network.now, credentials.clone()).is_ok());
    assert!(agent.set_remote(network.now, other).is_err());
    restart(&mut network);
    network.hosts[1].connected = false;
    network.hosts[1].unsent.clear();
    let agent = &mut network.hosts[0].agent;
    assert!(agent.set_remote(network.now, credentials).is_err());
    agent.add_remote_candidate(network.now, &old).unwrap();
    agent.add_remote_candidate(network.now, "").unwrap();
    // With no candidate left, only the old path is there, and it dies.
    network.run_until("failed", |network| network.state(0) == IceState::Failed);
}
