//! Hosts that reach each other.

use std::time::Duration;

use saltyrtc::rtc::ice::{
    AgentConfig, CandidateType, IceState, Path, SocketError, SocketId, Timeouts,
};

use crate::controlling;
use crate::network::Network;

const A: &str = "192.0.2.1:5000";
const B: &str = "198.51.100.2:6000";

/// Two hosts that have gathered and know each other's credentials, not their candidates.
fn network(a: &str, b: &str) -> Network {
    network_with(controlling(), a, b)
}

/// The same, with a first host that has this configuration.
fn network_with(config: AgentConfig, a: &str, b: &str) -> Network {
    let mut network = Network::new();
    network.add(config, a, None);
    network.add(AgentConfig::default(), b, None);
    for host in &mut network.hosts {
        host.agent.gather(network.now);
    }
    network.exchange_credentials();
    network
}

#[test]
fn two_hosts_connect_and_send() {
    let mut network = network(A, B);
    let time = network.run_until_connected();
    // A check has to go there and back twice; the rest is pacing.
    assert!(time < Duration::from_millis(150), "{time:?}");
    for (host, to) in [(0, B), (1, A)] {
        let host = &network.hosts[host];
        assert!(host.ended);
        assert_eq!(host.candidates.len(), 1);
        let states = host.states.iter().map(|(_, state)| *state);
        assert_eq!(states.collect::<Vec<_>>(), [IceState::Checking, IceState::Connected]);
        let path = Path::Direct { socket: SocketId(0), to: to.parse().unwrap() };
        assert_eq!(host.agent.path(), Some(path));
        assert_eq!(host.paths, [Some(path)]);
    }
    network.check_data();
    let stats = network.hosts[0].agent.stats();
    assert_eq!((stats.bytes_sent, stats.bytes_received), (45, 45));
    let path = stats.path.unwrap();
    assert_eq!((path.local_type, path.remote_type), (CandidateType::Host, CandidateType::Host));
    assert_eq!(path.round_trip_time, Some(Duration::from_millis(20)));
}

#[test]
fn ipv6_and_link_local_addresses_work() {
    for addresses in
        [["[2001:db8::1]:5000", "[2001:db8::2]:5000"], ["[fe80::1%3]:5000", "[fe80::2%9]:5000"]]
    {
        let mut network = network(addresses[0], addresses[1]);
        network.run_until_connected();
        network.check_data();
        // The link is nobody else's business.
        assert!(network.hosts.iter().all(|host| !host.candidates[0].contains('%')));
    }
    let mut network = network("[fe80::1%3]:5000", "[2001:db8::2]:5000");
    network.run(Duration::from_secs(31));
    assert_eq!((network.state(0), network.state(1)), (IceState::Failed, IceState::Failed));
    assert_eq!(network.datagrams, 0);
}

#[test]
fn candidates_may_come_in_any_order_and_before_the_credentials() {
    let mut network = Network::new();
    network.add(controlling(), A, None);
    network.add(AgentConfig::default(), B, None);
    for host in &mut network.hosts {
        host.agent.gather(network.now);
    }
    network.drain();
    // The end first, then the candidates, each twice, and the credentials last.
    for (from, to) in [(0, 1), (1, 0)] {
        let candidates = network.hosts[from].candidates.clone();
        let agent = &mut network.hosts[to].agent;
        agent.add_remote_candidate(network.now, "").unwrap();
        for candidate in candidates.iter().chain(&candidates) {
            agent.add_remote_candidate(network.now, candidate).unwrap();
        }
        network.hosts[from].unsent.clear();
    }
    network.run_without_trickling(Duration::from_secs(40));
    assert_eq!((network.state(0), network.state(1)), (IceState::New, IceState::New));
    assert!(network.hosts[0].unsent.iter().all(Option::is_none));
    network.exchange_credentials();
    network.run_until_connected();
}

#[test]
fn one_side_may_know_nothing_of_the_other_ones_candidates() {
    let mut network = network(A, B);
    network.drain();
    for candidate in network.hosts[1].candidates.clone() {
        network.hosts[0].agent.add_remote_candidate(network.now, &candidate).unwrap();
    }
    let connected =
        |network: &Network| network.hosts.iter().all(|host| host.agent.path().is_some());
    for _ in 0..20 {
        network.run_without_trickling(Duration::from_millis(50));
    }
    assert!(connected(&network));
    let path = network.hosts[1].agent.stats().path.unwrap();
    assert_eq!(path.remote_type, CandidateType::PeerReflexive);
}

#[test]
fn both_may_believe_to_be_controlling_or_controlled() {
    for role in [true, false] {
        let mut network = Network::new();
        for address in [A, B] {
            network.add(AgentConfig { controlling: role, ..AgentConfig::default() }, address, None);
        }
        for host in &mut network.hosts {
            host.agent.gather(network.now);
        }
        network.exchange_credentials();
        network.run_until_connected();
        let roles = network.hosts.iter().filter(|host| host.agent.is_controlling());
        assert_eq!(roles.count(), 1);
    }
}

#[test]
fn heavy_loss_delays_and_does_not_disconnect() {
    let mut network = network(A, B);
    network.loss = 200;
    network.run_until_connected();
    network.run(Duration::from_secs(120));
    assert!(network.hosts.iter().all(|host| host.agent.state() != IceState::Failed));
    network.loss = 0;
    network.run_until_connected();
    network.check_data();
}

#[test]
fn silence_disconnects_then_fails_and_speech_in_between_reconnects() {
    let mut network = network(A, B);
    network.run_until_connected();
    network.run(Duration::from_secs(60));
    assert_eq!(network.state(0), IceState::Connected);

    network.hosts[1].connected = false;
    let time =
        network.run_until("disconnected", |network| network.state(0) == IceState::Disconnected);
    assert!(time > Duration::from_secs(4) && time <= Duration::from_secs(7), "{time:?}");
    assert!(network.hosts[0].agent.path().is_some());
    network.hosts[1].connected = true;
    let time = network.run_until_connected();
    assert!(time < Duration::from_secs(4), "{time:?}");

    network.hosts[1].connected = false;
    let time = network.run_until("failed", |network| network.state(0) == IceState::Failed);
    assert!(time > Duration::from_secs(27) && time <= Duration::from_secs(30), "{time:?}");
    assert_eq!(network.hosts[0].agent.path(), None);
    assert!(network.hosts[0].agent.send(network.now, b"x").is_err());
    // There is no way back without a restart, and no traffic.
    network.hosts[1].connected = true;
    network.run(Duration::from_secs(20));
    let sent = network.datagrams;
    network.run(Duration::from_secs(60));
    assert_eq!(network.state(0), IceState::Failed);
    assert_eq!(network.datagrams, sent);
}

/// The times are those that were set, and the checks come often enough for them.
#[test]
fn silence_is_noticed_in_the_time_that_was_set() {
    for (disconnected, failed) in [(1000, 1000), (1000, 2000), (2000, 10_000), (20_000, 3000)] {
        let [disconnected, failed] = [disconnected, failed].map(Duration::from_millis);
        let timeouts = Timeouts { disconnected, failed };
        let mut network = network_with(AgentConfig { timeouts, ..controlling() }, A, B);
        network.run_until_connected();
        // Single losses are no silence.
        network.loss = 50;
        network.run(Duration::from_secs(60));
        assert_eq!(network.state(0), IceState::Connected);
        network.loss = 0;
        network.run(Duration::from_secs(10));
        network.hosts[0].states.clear();
        network.hosts[1].connected = false;
        let cut = network.now;
        network.run_until("failed", |network| network.state(0) == IceState::Failed);
        let states: Vec<_> =
            network.hosts[0].states.iter().map(|(at, state)| (*state, *at - cut)).collect();
        let in_time = |time: Duration, limit: Duration| time <= limit && 2 * time > limit;
        match states[..] {
            [(IceState::Disconnected, first), (IceState::Failed, last)] => {
                assert!(disconnected < failed && in_time(first, disconnected), "{first:?}");
                assert!(in_time(last, failed), "{last:?}");
            }
            [(IceState::Failed, last)] => {
                assert!(disconnected >= failed && in_time(last, failed), "{last:?}");
            }
            _ => panic!("{states:?}"),
        }
        // The other side has not set anything.
        assert!(
            network.now - cut >= Duration::from_secs(7) || network.state(1) == IceState::Connected
        );
    }
}

#[test]
fn no_path_fails_after_thirty_seconds() {
    // Of another family, unreachable, and none at all.
    for remote in ["[2001:db8::2]:6000", "203.0.113.250:1", ""] {
        let mut network = network(A, B);
        network.hosts[1].connected = false;
        network.run_without_trickling(Duration::from_secs(5));
        if let Ok(remote) = remote.parse::<std::net::SocketAddr>() {
            let line = format!("candidate:1 1 udp 1 {} {} typ host", remote.ip(), remote.port());
            network.hosts[0].agent.add_remote_candidate(network.now, &line).unwrap();
        } else {
            network.hosts[0].agent.restart(network.now);
            network.hosts[0].ended = false;
            let credentials = network.hosts[1].agent.local_credentials().clone();
            network.hosts[0].agent.set_remote(network.now, credentials).unwrap();
        }
        network.hosts[0].agent.add_remote_candidate(network.now, "").unwrap();
        network.run_without_trickling(Duration::from_millis(29_900));
        assert_eq!(network.state(0), IceState::Checking);
        network.run_without_trickling(Duration::from_millis(200));
        assert_eq!(network.state(0), IceState::Failed);
    }
}

#[test]
fn sockets_that_are_of_no_use_are_refused() {
    let mut network = Network::new();
    network.add(controlling(), A, None);
    let (agent, now) = (&mut network.hosts[0].agent, network.now);
    let mut add = |id, address: &str| agent.add_socket(now, SocketId(id), address.parse().unwrap());
    assert_eq!(add(0, "192.0.2.9:1"), Err(SocketError::Duplicate));
    assert_eq!(add(1, A), Err(SocketError::Duplicate));
    for address in ["0.0.0.0:1", "[::]:1", "192.0.2.9:0", "224.0.0.1:1", "169.254.1.1:1"] {
        assert_eq!(add(1, address), Err(SocketError::Address), "{address}");
    }
    for id in 1..64 {
        add(id, &format!("192.0.2.{}:1", id + 10)).unwrap();
    }
    assert_eq!(add(64, "192.0.2.250:1"), Err(SocketError::TooMany));
}

#[test]
fn a_name_for_multicast_dns_is_asked_for() {
    let mut network = Network::new();
    network.add(controlling(), A, None);
    network.add(AgentConfig::default(), B, None);
    for host in &mut network.hosts {
        host.agent.gather(network.now);
    }
    network.exchange_credentials();
    network.drain();
    let candidate = network.hosts[1].candidates[0].replace("198.51.100.2", "Host-1.local");
    let (now, agent) = (network.now, &mut network.hosts[0].agent);
    agent.add_remote_candidate(now, &candidate).unwrap();
    agent.add_remote_candidate(now, &candidate.replace("6000", "6001")).unwrap();
    agent.add_remote_candidate(now, "").unwrap();
    network.drain();
    assert_eq!(network.hosts[0].questions, [("host-1.local".to_owned(), true)]);
    network.run_without_trickling(Duration::from_secs(5));
    assert_eq!(network.state(0), IceState::Checking);
    let ips = ["198.51.100.2".parse().unwrap(), "2001:db8::7".parse().unwrap()];
    network.hosts[0].agent.handle_resolved(network.now, "host-1.local", &ips);
    for _ in 0..20 {
        network.run_without_trickling(Duration::from_millis(50));
    }
    assert_eq!((network.state(0), network.state(1)), (IceState::Connected, IceState::Connected));
}

#[test]
fn a_name_without_an_address_leads_nowhere() {
    let mut network = network(A, B);
    network.drain();
    let candidate = network.hosts[1].candidates[0].replace("198.51.100.2", "gone.local");
    let (now, agent) = (network.now, &mut network.hosts[0].agent);
    agent.add_remote_candidate(now, &candidate).unwrap();
    agent.add_remote_candidate(now, "").unwrap();
    agent.handle_resolved(now, "gone.local", &[]);
    // Once more, and not asked again.
    agent.add_remote_candidate(now, &candidate).unwrap();
    network.run_without_trickling(Duration::from_secs(29));
    assert_eq!(network.hosts[0].questions.len(), 1);
    assert_eq!(network.state(0), IceState::Checking);
    network.run_without_trickling(Duration::from_secs(2));
    assert_eq!(network.state(0), IceState::Failed);
}
