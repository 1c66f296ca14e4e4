//! Peers whose address changes while nothing can be told to the other side: the signalling went over the
//! path that is gone.

use std::net::SocketAddr;
use std::time::Duration;

use saltyrtc::rtc::ice::{AgentConfig, CandidateType, IceState, Path, Policy, SocketId};

use crate::network::{Nat, NatKind, Network};
use crate::{controlling, with_server};

const TURN: &str = "turn:203.0.113.10";

/// How long it may take until both sides use the new path.
const SOON: Duration = Duration::from_secs(2);

/// Connected for long enough that the path is not expected to change any more.
fn connected(configs: [AgentConfig; 2], nats: [Option<Nat>; 2]) -> Network {
    let mut network = Network::new();
    let addresses = ["192.168.1.2:5000", "192.168.2.2:6000"];
    for ((config, nat), address) in configs.into_iter().zip(nats).zip(addresses) {
        network.add(config, address, nat);
    }
    for host in &mut network.hosts {
        host.agent.gather(network.now);
    }
    network.exchange_credentials();
    network.run_until_connected();
    network.run(Duration::from_millis(10_300));
    network.check_data();
    for host in &mut network.hosts {
        assert_eq!(host.restarts_advised, 0);
        host.paths.clear();
        host.states.clear();
    }
    network
}

fn direct() -> Network {
    connected([controlling(), AgentConfig::default()], [None, None])
}

/// Behind NATs, with a relay.
fn relayed(kind: NatKind, policy: Policy) -> Network {
    let nat = |outside| Some(Nat::new(kind, outside));
    let configs = [true, false].map(|controlling| with_server(TURN, controlling, policy));
    connected(configs, [nat("198.51.100.1"), nat("198.51.100.2")])
}

/// From one network to another: the old address is gone at once.
fn move_host(network: &mut Network, index: usize) -> SocketAddr {
    let host = &mut network.hosts[index];
    let id = SocketId(host.sockets[0].0.0 + 1);
    let new: SocketAddr = format!("192.168.{}.{}:7000", index + 11, 70 + id.0).parse().unwrap();
    host.agent.add_socket(network.now, id, new).unwrap();
    host.agent.remove_socket(network.now, SocketId(id.0 - 1));
    host.sockets = vec![(id, new)];
    new
}

/// Lets time pass without signalling until data goes both ways; says how long it took.
fn recovery(network: &mut Network) -> Duration {
    let start = network.now;
    loop {
        for (from, to) in [(0, 1), (1, 0)] {
            network.hosts[to].received.clear();
            let _ = network.hosts[from].agent.send(network.now, &[23, 1]);
        }
        network.run_without_trickling(Duration::from_millis(100));
        if network.hosts.iter().all(|host| !host.received.is_empty()) {
            return network.now - start;
        }
        assert!(network.now - start < Duration::from_secs(60), "data does not arrive");
    }
}

fn recovery_of_move(network: &mut Network, index: usize) -> Duration {
    move_host(network, index);
    recovery(network)
}

#[test]
fn a_peer_that_moves_is_followed() {
    for index in [0, 1] {
        let mut network = direct();
        let new = move_host(&mut network, index);
        let time = recovery(&mut network);
        assert!(time < SOON, "{time:?}");
        // The other side did not even count as disconnected, and knows that there is a reason to restart.
        let other = &network.hosts[1 - index];
        assert_eq!(other.states, []);
        assert_eq!(other.paths, [Some(Path::Direct { socket: SocketId(0), to: new })]);
        assert_eq!(other.restarts_advised, 1);
        network.run_without_trickling(Duration::from_secs(60));
        network.check_data();
        assert_eq!(network.hosts[1 - index].paths.len(), 1);
    }
}

#[test]
fn a_peer_that_moves_again_and_again_is_followed() {
    let mut network = direct();
    for round in 0..20 {
        let time = recovery_of_move(&mut network, round % 2);
        assert!(time < SOON, "{time:?} in round {round}");
        network.run_without_trickling(Duration::from_millis(700 * round as u64));
    }
}

#[test]
fn a_peer_that_moves_while_packets_are_lost_is_followed() {
    for index in [0, 1] {
        let mut network = direct();
        network.loss = 100;
        network.run_without_trickling(Duration::from_secs(20));
        let time = recovery_of_move(&mut network, index);
        assert!(time < 2 * SOON, "{time:?}");
    }
}

/// A NAT that gives out another port has moved its host just as well, and the host does not know.
#[test]
fn a_nat_that_forgets_is_noticed() {
    for index in [0, 1] {
        let mut nats = [None, None];
        nats[index] = Some(Nat::new(NatKind::PortRestricted, "198.51.100.1"));
        let mut network = connected([controlling(), AgentConfig::default()], nats);
        network.hosts[index].nat.as_mut().unwrap().forget();
        let time = recovery(&mut network);
        assert!(time < SOON + Duration::from_millis(2500), "{time:?}");
        let path = network.hosts[1 - index].agent.stats().path.unwrap();
        assert_eq!(path.remote_type, CandidateType::PeerReflexive);
    }
}

#[test]
fn a_peer_that_moves_behind_nats_is_followed_over_the_relay() {
    for (kind, policy) in [
        (NatKind::Symmetric, Policy::All),
        (NatKind::PortRestricted, Policy::All),
        (NatKind::Symmetric, Policy::RelayOnly),
    ] {
        for index in [0, 1] {
            let mut network = relayed(kind, policy);
            let time = recovery_of_move(&mut network, index);
            assert!(time < SOON, "{time:?} for {kind:?}, {policy:?}, host {index}");
            if policy == Policy::RelayOnly {
                for host in &network.hosts {
                    assert_eq!(host.agent.path(), Some(Path::Relayed));
                }
            }
            // Also when permissions and channels have been renewed.
            network.run_without_trickling(Duration::from_secs(1200));
            network.check_data();
        }
    }
}

/// With two paths the one that works is used, whatever side the trouble is on.
#[test]
fn the_second_best_path_replaces_one_that_falls_silent() {
    for index in [0, 1] {
        let mut network = direct();
        let second = "192.168.50.2:5000".parse().unwrap();
        let (now, host) = (network.now, &mut network.hosts[index]);
        host.agent.add_socket(now, SocketId(9), second).unwrap();
        host.sockets.push((SocketId(9), second));
        network.run_without_trickling(Duration::from_secs(5));
        let first = network.hosts[index].sockets[0].1;
        network.hosts[1 - index].paths.clear();
        network.blocked.push(first);
        let time = recovery(&mut network);
        assert!(time < SOON + Duration::from_millis(2500), "{time:?}");
        for host in &network.hosts {
            assert_eq!(host.agent.state(), IceState::Connected);
        }
        // The first one is better, and used again when it is back.
        network.blocked.clear();
        network.blocked.push(second);
        network.run_without_trickling(Duration::from_secs(1));
        let time = recovery(&mut network);
        assert!(time < SOON + Duration::from_millis(2500), "{time:?}");
    }
}

#[test]
fn loss_alone_does_not_change_the_path() {
    let mut network = direct();
    let second = "192.168.50.2:5000".parse().unwrap();
    let (now, host) = (network.now, &mut network.hosts[0]);
    host.agent.add_socket(now, SocketId(9), second).unwrap();
    host.sockets.push((SocketId(9), second));
    network.run_without_trickling(Duration::from_secs(10));
    let paths =
        |network: &Network| network.hosts.iter().map(|host| host.paths.len()).sum::<usize>();
    let before = paths(&network);
    network.loss = 20;
    network.run_without_trickling(Duration::from_secs(600));
    assert_eq!(paths(&network), before);
}

/// Nobody knows where the other one is, and nobody can be asked: that has to have an end.
#[test]
fn if_both_move_at_once_that_is_told_in_time() {
    let mut network = relayed(NatKind::Symmetric, Policy::RelayOnly);
    for index in [0, 1] {
        move_host(&mut network, index);
    }
    network.run_without_trickling(Duration::from_secs(29));
    assert_eq!(
        (network.state(0), network.state(1)),
        (IceState::Disconnected, IceState::Disconnected)
    );
    network.run_without_trickling(Duration::from_secs(9));
    assert_eq!((network.state(0), network.state(1)), (IceState::Failed, IceState::Failed));
}

/// A relay lets in what comes from IP addresses that were sent to before. If that of the other relay is a
/// new one nothing gets through, and that has an end, too.
#[test]
fn a_relay_that_comes_from_elsewhere_is_not_found() {
    for index in [0, 1] {
        let mut network = relayed(NatKind::Symmetric, Policy::RelayOnly);
        network.server.relay_ip = "203.0.113.11".parse().unwrap();
        move_host(&mut network, index);
        network.run_without_trickling(Duration::from_secs(38));
        assert_eq!((network.state(0), network.state(1)), (IceState::Failed, IceState::Failed));
    }
}

/// The peer was killed, and never answers the offer of a restart.
#[test]
fn a_peer_that_dies_during_a_restart_is_noticed() {
    let mut network = direct();
    network.hosts[0].ended = false;
    network.hosts[0].agent.restart(network.now);
    network.hosts[1].connected = false;
    let time = network.run_until("failed", |network| network.state(0) == IceState::Failed);
    assert!(time <= Duration::from_secs(31), "{time:?}");
}

/// Several paths that had worked end with the peer, not one after the other.
#[test]
fn a_peer_that_dies_with_several_paths_is_noticed() {
    for index in [0, 1] {
        let mut network = direct();
        for (number, host) in [index, 1 - index].into_iter().enumerate() {
            for second in 1..4_u32 {
                let address = format!("192.168.{}.{second}:1", 60 + number).parse().unwrap();
                let (now, host) = (network.now, &mut network.hosts[host]);
                host.agent.add_socket(now, SocketId(second), address).unwrap();
                host.sockets.push((SocketId(second), address));
            }
        }
        network.run_without_trickling(Duration::from_secs(20));
        network.hosts[index].states.clear();
        network.hosts[1 - index].connected = false;
        let time = network.run_until("failed", |network| network.state(index) == IceState::Failed);
        assert!(time <= Duration::from_secs(30), "{time:?}");
        let states = network.hosts[index].states.iter().map(|(_, state)| *state);
        assert_eq!(states.collect::<Vec<_>>(), [IceState::Disconnected, IceState::Failed]);
    }
}

/// The network of both may be down for a while.
#[test]
fn a_long_silence_is_survived() {
    for seconds in [3, 10, 17, 21, 24] {
        let mut network = direct();
        for host in &mut network.hosts {
            host.connected = false;
        }
        network.run_without_trickling(Duration::from_secs(seconds));
        for host in &mut network.hosts {
            host.connected = true;
        }
        let time = network.run_until_connected();
        assert!(time <= Duration::from_secs(30 - seconds), "{time:?} after {seconds} s");
        network.check_data();
    }
}

/// An answer that comes when hope was lost is still good.
#[test]
fn a_late_answer_to_a_restart_is_good() {
    let mut network = direct();
    network.hosts[0].ended = false;
    network.hosts[0].agent.restart(network.now);
    let credentials = network.hosts[0].agent.local_credentials().clone();
    network.hosts[1].connected = false;
    network.run_until("failed", |network| network.state(0) == IceState::Failed);
    // The same once more, for a peer that did not listen.
    network.hosts[0].ended = false;
    network.hosts[0].agent.restart(network.now);
    assert_eq!(*network.hosts[0].agent.local_credentials(), credentials);
    network.run_without_trickling(Duration::from_secs(100));
    network.hosts[1].connected = true;
    network.hosts[1].ended = false;
    network.hosts[1].agent.restart(network.now);
    network.exchange_credentials();
    network.run_until_connected();
    network.check_data();
}
