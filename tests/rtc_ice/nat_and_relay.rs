//! NATs, STUN and TURN servers.

use std::time::Duration;

use saltyrtc::rtc::ice::{
    CandidateType, IceState, LargestDatagram, Path, Policy, RelayProtocol, Server, SocketId,
};

use crate::network::{Nat, NatKind, Network};
use crate::with_server;

const STUN: &str = "stun:203.0.113.10";
const TURN: &str = "turn:203.0.113.10";
const TURN_TCP: &str = "turn:203.0.113.10?transport=tcp";
const TURN_TLS: &str = "turns:turn.example.org";

/// Two hosts behind NATs, with one server each.
fn network(servers: [&str; 2], nats: [NatKind; 2], policy: Policy) -> Network {
    let mut network = Network::new();
    for (index, address) in ["192.168.1.2:5000", "192.168.2.2:6000"].into_iter().enumerate() {
        let nat = Nat::new(nats[index], ["198.51.100.1", "198.51.100.2"][index]);
        network.add(with_server(servers[index], index == 0, policy), address, Some(nat));
    }
    for host in &mut network.hosts {
        host.agent.gather(network.now);
    }
    network.exchange_credentials();
    network
}

/// Opens the connections that a host wants, once it has the address of the server.
fn connect(network: &mut Network, index: usize) {
    network.drain();
    if let Some((name, mdns)) = network.hosts[index].questions.pop() {
        assert_eq!((name.as_str(), mdns), ("turn.example.org", false));
        let ip = network.server.address.ip();
        network.hosts[index].agent.handle_resolved(network.now, &name, &[ip]);
        network.drain();
    }
    let (stream, to, _) = network.hosts[index].connects.pop().unwrap();
    assert_eq!(to.ip(), network.server.address.ip());
    network.accept(index, stream);
}

#[test]
fn port_restricted_nats_are_opened_with_server_reflexive_candidates() {
    let mut network = network([STUN; 2], [NatKind::PortRestricted; 2], Policy::All);
    network.run_until_connected();
    network.check_data();
    let host = &network.hosts[0];
    assert_eq!(host.candidates.len(), 2);
    assert!(host.candidates[1].contains(" 198.51.100.1 "), "{}", host.candidates[1]);
    assert!(host.candidates[1].contains(" typ srflx raddr 0.0.0.0 rport 0"));
    let path = host.agent.stats().path.unwrap();
    assert_eq!(path.local_type, CandidateType::ServerReflexive);
    assert_eq!(path.local_address.ip(), "198.51.100.1".parse::<std::net::IpAddr>().unwrap());
}

#[test]
fn without_any_server_nats_stay_shut() {
    let mut network = network(["stun:192.0.2.99"; 2], [NatKind::PortRestricted; 2], Policy::All);
    network.run(Duration::from_millis(7400));
    assert!(!network.hosts[0].ended);
    network.run(Duration::from_millis(200));
    assert!(network.hosts[0].ended);
    network.run(Duration::from_secs(30));
    assert_eq!((network.state(0), network.state(1)), (IceState::Failed, IceState::Failed));
}

#[test]
fn symmetric_nats_need_a_relay() {
    let mut network = network([TURN; 2], [NatKind::Symmetric; 2], Policy::All);
    network.run_until_connected();
    network.check_data();
    assert_eq!(network.server.allocations(), 2);
    let paths = network.hosts.iter().map(|host| host.agent.stats().path.unwrap());
    assert!(paths.clone().any(|path| path.relay_protocol == Some(RelayProtocol::Udp)));
    assert!(network.server.channel_packets > 0);

    // Allocations, permissions and channels last for ten minutes at most.
    network.run(Duration::from_secs(3600));
    assert!(network.server.refreshes > 5);
    assert!(network.hosts.iter().all(|host| host.states.len() == 2), "always connected");
    network.check_data();

    for host in &mut network.hosts {
        host.agent.close(network.now);
    }
    network.run(Duration::from_secs(1));
    assert_eq!((network.server.allocations(), network.server.deletions), (0, 2));
    assert!(network.hosts[0].agent.poll_timeout().is_none());
}

#[test]
fn one_relay_is_enough() {
    for (first, second) in [(TURN, STUN), (STUN, TURN)] {
        let nats = [NatKind::Symmetric, NatKind::PortRestricted];
        let mut network = network([first, second], nats, Policy::All);
        network.run_until_connected();
        network.check_data();
    }
}

/// A TURN server says what a STUN server would, so that no other one is needed for a direct path.
#[test]
fn a_turn_server_gives_a_server_reflexive_candidate_too() {
    let mut network = network([TURN; 2], [NatKind::PortRestricted; 2], Policy::All);
    network.run_until_connected();
    network.run(Duration::from_secs(2));
    for (host, outside) in network.hosts.iter().zip(["198.51.100.1", "198.51.100.2"]) {
        let reflexive = host.candidates.iter().filter(|line| line.contains(" typ srflx "));
        let reflexive = reflexive.collect::<Vec<_>>();
        assert_eq!(reflexive.len(), 1, "{reflexive:?}");
        assert!(reflexive[0].contains(&format!(" {outside} ")), "{}", reflexive[0]);
        let path = host.agent.stats().path.unwrap();
        assert_eq!(path.local_type, CandidateType::ServerReflexive);
        assert!(matches!(host.agent.path(), Some(Path::Direct { .. })));
    }
    network.check_data();
    // What it is based on is a socket: candidates of one type with one base have one foundation.
    let foundation = |line: &String| line.split(' ').next().unwrap().to_owned();
    let [_, reflexive, relayed] = &network.hosts[0].candidates[..] else { panic!("three of them") };
    assert_ne!(foundation(reflexive), foundation(relayed));

    // A restart tells it again.
    for host in &mut network.hosts {
        (host.ended, _) = (false, host.candidates.clear());
        host.agent.restart(network.now);
    }
    network.drain();
    assert!(network.hosts[0].candidates.iter().any(|line| line.contains(" typ srflx ")));
}

#[test]
fn a_turn_server_over_tcp_gives_no_server_reflexive_candidate() {
    let mut network = network([TURN_TCP; 2], [NatKind::PortRestricted; 2], Policy::All);
    connect(&mut network, 0);
    connect(&mut network, 1);
    network.run_until_connected();
    let lines = network.hosts.iter().flat_map(|host| &host.candidates);
    assert_eq!(lines.filter(|line| line.contains(" typ srflx ")).count(), 0);
}

#[test]
fn relay_only_shows_no_address_of_the_host() {
    let mut network = network([TURN; 2], [NatKind::PortRestricted; 2], Policy::RelayOnly);
    network.run_until_connected();
    network.check_data();
    for host in &network.hosts {
        assert_eq!(host.agent.path(), Some(Path::Relayed));
        assert_eq!(host.candidates.len(), 1);
        assert!(
            host.candidates[0].contains(" typ relay raddr 0.0.0.0 rport 0"),
            "{}",
            host.candidates[0]
        );
        assert!(
            !host.candidates[0].contains("192.168.") && !host.candidates[0].contains("198.51.100.")
        );
    }
}

/// As a host has that runs many containers. The pairs with the relays are the last of all.
#[test]
fn useless_addresses_keep_nobody_from_the_relay() {
    let mut network = network([TURN; 2], [NatKind::Symmetric; 2], Policy::All);
    for index in 0..2 {
        for n in 1..16_u8 {
            let id = SocketId(n.into());
            let address = format!("172.2{index}.{n}.1:5000").parse().unwrap();
            network.hosts[index].agent.add_socket(network.now, id, address).unwrap();
            network.hosts[index].sockets.push((id, address));
            network.blocked.push(address);
        }
    }
    let duration = network.run_until_connected();
    assert!(duration < Duration::from_secs(5), "{duration:?}");
    network.run(Duration::from_secs(30));
    network.check_data();
    let problems: Vec<_> = network.hosts.iter().flat_map(|host| &host.problems).collect();
    assert!(problems.is_empty(), "{problems:?}");
}

/// A server that answers nobody is told of once, not for each address.
#[test]
fn a_server_that_answers_no_address_is_one_problem() {
    let mut network = Network::new();
    network.add(with_server("turn:192.0.2.99", true, Policy::All), "192.168.1.2:5000", None);
    for n in 1..16_u8 {
        let (id, now) = (SocketId(n.into()), network.now);
        let address = format!("172.20.{n}.1:5000").parse().unwrap();
        network.hosts[0].agent.add_socket(now, id, address).unwrap();
        network.hosts[0].sockets.push((id, address));
    }
    network.hosts[0].agent.gather(network.now);
    network.run_without_trickling(Duration::from_secs(30));
    assert!(network.hosts[0].ended);
    let problem = "the TURN server 192.0.2.99:3478 does not answer";
    assert_eq!(network.hosts[0].problems, [problem]);
}

/// The peer chooses names of its candidates, and who asks for them is seen in the local network.
#[test]
fn relay_only_asks_for_no_names_but_those_of_relays() {
    let mut config = with_server(TURN_TLS, true, Policy::RelayOnly);
    config.servers.push(Server::new("stun:stun.example.org", "", "").unwrap());
    let mut network = Network::new();
    network.add(config, "192.168.1.2:5000", None);
    network.add(with_server(TURN, false, Policy::All), "192.168.1.3:5000", None);
    network.hosts[0].agent.gather(network.now);
    network.exchange_credentials();
    let now = network.now;
    for (index, name) in ["1f5c4d1e.local", "printer.local"].into_iter().enumerate() {
        let line = format!("candidate:{index} 1 udp 2122252543 {name} 5000 typ host");
        network.hosts[0].agent.add_remote_candidate(now, &line).unwrap();
    }
    network.drain();
    assert_eq!(network.hosts[0].questions, [("turn.example.org".to_owned(), false)]);
}

#[test]
fn relays_are_reached_over_tcp_and_tls() {
    for (url, protocol) in [(TURN_TCP, RelayProtocol::Tcp), (TURN_TLS, RelayProtocol::Tls)] {
        let mut network = network([url; 2], [NatKind::Symmetric; 2], Policy::RelayOnly);
        connect(&mut network, 0);
        connect(&mut network, 1);
        network.run_until_connected();
        network.check_data();
        network.run(Duration::from_secs(1200));
        network.check_data();
        let path = network.hosts[0].agent.stats().path.unwrap();
        assert_eq!(path.relay_protocol, Some(protocol));
        assert_eq!(
            (path.local_type, path.remote_type),
            (CandidateType::Relayed, CandidateType::Relayed)
        );
        network.hosts[0].agent.close(network.now);
        network.run(Duration::from_secs(1));
        assert_eq!((network.server.deletions, network.hosts[0].disconnects.len()), (1, 1));
    }
}

#[test]
fn the_connection_for_tls_names_the_server() {
    let mut network = network([TURN_TLS, TURN_TCP], [NatKind::Symmetric; 2], Policy::All);
    network.drain();
    assert_eq!(network.hosts[1].connects[0].2, None);
    assert_eq!(network.hosts[0].questions.pop().unwrap(), ("turn.example.org".to_owned(), false));
    let ips = ["203.0.113.9", "2001:db8::9"].map(|ip| ip.parse().unwrap());
    let (now, agent) = (network.now, &mut network.hosts[0].agent);
    agent.handle_resolved(now, "turn.example.org", &ips);
    network.drain();
    let name = Some("turn.example.org".to_owned());
    let (stream, to, tls) = network.hosts[0].connects.pop().unwrap();
    assert_eq!((to, &tls), ("203.0.113.9:5349".parse().unwrap(), &name));

    // If it cannot be opened the next address is tried, and then there is one no more.
    network.hosts[0].agent.handle_closed(network.now, stream, None);
    network.drain();
    let (stream, to, tls) = network.hosts[0].connects.pop().unwrap();
    assert_eq!((to, tls), ("[2001:db8::9]:5349".parse().unwrap(), name));
    assert!(network.hosts[0].problems.is_empty());
    network.hosts[0].agent.handle_closed(network.now, stream, None);
    network.drain();
    assert!(network.hosts[0].connects.is_empty());
    assert_eq!(network.hosts[0].problems, ["no connection to the TURN server [2001:db8::9]:5349"]);
    assert!(network.hosts[0].ended);
}

/// As of a peer with very many bridges, all of which it prefers to its relay.
#[test]
fn very_many_candidates_do_not_crowd_out_the_relay() {
    for after in [0, 300, 600] {
        let mut network = network([TURN; 2], [NatKind::Symmetric; 2], Policy::All);
        network.run(Duration::from_millis(after));
        for host in &mut network.hosts {
            for n in 0..240 {
                let line = format!("candidate:{n} 1 udp 2130706431 172.20.{n}.1 5000 typ host");
                host.agent.add_remote_candidate(network.now, &line).unwrap();
            }
        }
        let time = network.run_until_connected();
        assert!(time < Duration::from_secs(5), "{time:?}");
        network.check_data();
    }
}

/// The driver connects through a proxy.
#[test]
fn a_name_that_a_proxy_looks_up_is_not_asked_for() {
    let mut network = Network::new();
    let mut config = with_server(TURN_TLS, true, Policy::All);
    config.servers = config.servers.into_iter().map(Server::by_name).collect();
    network.add(config, "192.168.1.2:5000", None);
    network.hosts[0].agent.gather(network.now);
    network.drain();
    assert!(network.hosts[0].questions.is_empty());
    let (stream, to, tls) = network.hosts[0].connects.pop().unwrap();
    assert_eq!((to.port(), tls.as_deref()), (5349, Some("turn.example.org")));
    network.hosts[0].agent.handle_closed(network.now, stream, Some("it has said no"));
    network.drain();
    let problem = "no connection to the TURN server turn.example.org:5349: it has said no";
    assert_eq!(network.hosts[0].problems, [problem]);
    assert!(network.hosts[0].ended);
}

#[test]
fn a_lost_connection_to_the_relay_loses_the_path() {
    let mut network = network([TURN_TCP; 2], [NatKind::Symmetric; 2], Policy::RelayOnly);
    network.drain();
    let stream = network.hosts[0].connects[0].0;
    connect(&mut network, 0);
    connect(&mut network, 1);
    network.run_until_connected();
    network.run(Duration::from_secs(1));
    network.hosts[0].agent.handle_closed(network.now, stream, None);
    network.drain();
    assert_eq!(network.hosts[0].agent.path(), None);
    assert_eq!(network.state(0), IceState::Disconnected);
    // A restart asks for a new one.
    for host in &mut network.hosts {
        (host.ended, _) = (false, host.unsent.clear());
        host.agent.restart(network.now);
    }
    network.exchange_credentials();
    connect(&mut network, 0);
    network.run_until_connected();
    // The other side sends to the old address until it is told of the new one.
    network.run(Duration::from_secs(1));
    network.check_data();
}

#[test]
fn a_connection_to_the_relay_goes_with_the_address_and_is_opened_from_the_next_one() {
    for policy in [Policy::All, Policy::RelayOnly] {
        let mut network = network([TURN_TCP; 2], [NatKind::Symmetric; 2], policy);
        connect(&mut network, 0);
        connect(&mut network, 1);
        network.run_until_connected();
        let before = network.hosts[0].agent.stats().path.unwrap().local_address;
        let now = network.now;
        // Nobody says that the connection is of no use any more. And for a while there is no network.
        network.hosts[0].agent.remove_socket(now, SocketId(0));
        network.drain();
        assert_eq!(network.state(0), IceState::Disconnected);
        assert_eq!(network.hosts[0].disconnects.len(), 1);
        let new = "192.168.7.2:5000".parse().unwrap();
        network.hosts[0].sockets = vec![(SocketId(1), new)];
        network.hosts[0].agent.add_socket(now, SocketId(1), new).unwrap();
        connect(&mut network, 0);
        // The peer is not told: there may be no way to.
        network.run_until("the new path", |network| network.state(0) == IceState::Connected);
        assert_ne!(network.hosts[0].agent.stats().path.unwrap().local_address, before);
        network.run_until("the peer's new path", |network| network.state(1) == IceState::Connected);
        network.run(Duration::from_secs(1));
        network.check_data();
    }
}

#[test]
fn problems_with_servers_are_told() {
    let config = |password: &str, url: &str| saltyrtc::rtc::ice::AgentConfig {
        servers: vec![Server::new(url, crate::turn_server::USER, password).unwrap()],
        ..Default::default()
    };
    let right = crate::turn_server::PASSWORD;
    for (password, refuse, url, problem) in [
        (
            "wrong",
            None,
            TURN,
            "the TURN server 203.0.113.10:3478 does not accept the user name or the password",
        ),
        (
            right,
            Some(486),
            TURN,
            "the quota of this user at the TURN server 203.0.113.10:3478 is used up (error 486)",
        ),
        (right, Some(403), TURN, "the TURN server 203.0.113.10:3478 forbids its use (error 403)"),
        (
            right,
            Some(508),
            TURN,
            "the TURN server 203.0.113.10:3478 has no capacity left (error 508)",
        ),
        (
            right,
            Some(437),
            TURN,
            "the TURN server 203.0.113.10:3478 still has an address for an earlier use of the same port, \
             which ends by itself within some minutes (error 437)",
        ),
        (
            right,
            Some(441),
            TURN,
            "the TURN server 203.0.113.10:3478 does not accept the user name or the password",
        ),
        (right, Some(442), TURN, "the TURN server 203.0.113.10:3478 relays no UDP (error 442)"),
        (right, Some(443), TURN, "the TURN server 203.0.113.10:3478 refused with error 443"),
        (right, None, "turn:192.0.2.99", "the TURN server 192.0.2.99:3478 does not answer"),
    ] {
        let mut network = Network::new();
        network.server.refuse = refuse;
        network.add(config(password, url), "192.0.2.1:5000", None);
        network.hosts[0].agent.gather(network.now);
        network.run_without_trickling(Duration::from_secs(40));
        assert_eq!(network.hosts[0].problems, [problem]);
        assert!(network.hosts[0].ended);
    }
    let mut network = Network::new();
    network.add(config(right, TURN_TLS), "192.0.2.1:5000", None);
    network.hosts[0].agent.gather(network.now);
    network.hosts[0].agent.handle_resolved(network.now, "turn.example.org", &[]);
    network.drain();
    let problem = "the name turn.example.org of the ICE server has no address";
    assert_eq!(network.hosts[0].problems, [problem]);
}

#[test]
fn a_stale_nonce_is_no_problem() {
    let mut network = network([TURN; 2], [NatKind::Symmetric; 2], Policy::RelayOnly);
    for _ in 0..10 {
        network.server.stale_nonce = true;
        network.run(Duration::from_millis(30));
    }
    network.run_until_connected();
    for _ in 0..100 {
        network.server.stale_nonce = true;
        network.run(Duration::from_secs(60));
    }
    network.check_data();
}

#[test]
fn an_address_that_a_server_gives_for_seconds_is_kept() {
    for (url, lifetime) in [(TURN, 24), (TURN_TCP, 24), (TURN, 1), (TURN, 599), (TURN, 3600)] {
        let mut network = network([url; 2], [NatKind::Symmetric; 2], Policy::RelayOnly);
        network.server.max_lifetime = lifetime;
        if url == TURN_TCP {
            connect(&mut network, 0);
            connect(&mut network, 1);
        }
        if lifetime == 1 {
            // There is no use in such a server; but it must not make us storm it.
            network.run(Duration::from_secs(20));
            assert!(network.datagrams < 200, "{}", network.datagrams);
            continue;
        }
        network.run_until_connected();
        network.run(Duration::from_secs(3000));
        network.check_data();
        let problems = network.hosts.iter().flat_map(|host| &host.problems);
        assert_eq!(problems.count(), 0, "{lifetime} s");
        // Both ask for more after half of the time, or a minute before its end.
        let pause = lifetime.min(1800) - (lifetime / 2).min(60);
        let expected = 2 * 3000 / pause as usize;
        let refreshes = network.server.refreshes;
        assert!(refreshes.abs_diff(expected) <= expected / 5 + 2, "{refreshes} in {lifetime} s");
    }
}

#[test]
fn an_address_for_seconds_is_kept_with_new_nonces_and_loss() {
    let mut network = network([TURN; 2], [NatKind::Symmetric; 2], Policy::RelayOnly);
    network.server.max_lifetime = 24;
    network.run_until_connected();
    for _ in 0..50 {
        network.server.stale_nonce = true;
        network.run(Duration::from_secs(20));
    }
    network.loss = 100;
    network.run(Duration::from_secs(600));
    network.loss = 0;
    network.run_until_connected();
    network.check_data();
}

#[test]
fn a_server_that_does_not_know_an_address_any_more_is_believed() {
    let mut network = network([TURN; 2], [NatKind::Symmetric; 2], Policy::RelayOnly);
    network.run_until_connected();
    network.run(Duration::from_secs(5));
    network.server.forget();
    // Both notice at the latest when they want the permission for each other to last.
    network.run(Duration::from_secs(250));
    let problem = "the TURN server 203.0.113.10:3478 does not know the address any more that it gave \
                   (error 437)";
    for index in 0..2 {
        assert_eq!(network.hosts[index].problems, [problem]);
        assert_eq!(network.hosts[index].agent.path(), None);
    }
    for host in &mut network.hosts {
        (host.ended, _) = (false, host.unsent.clear());
        host.agent.restart(network.now);
    }
    network.exchange_credentials();
    network.run_until_connected();
    network.run(Duration::from_secs(1));
    network.check_data();
}

#[test]
fn a_refused_refresh_takes_nothing_away_before_the_time_is_over() {
    for code in [403, 441, 442, 486, 508] {
        let mut network = network([TURN; 2], [NatKind::Symmetric; 2], Policy::RelayOnly);
        network.server.max_lifetime = 120;
        network.run_until_connected();
        network.server.refuse_refresh = Some(code);
        network.run(Duration::from_secs(100));
        network.check_data();
        // It may pass.
        network.server.refuse_refresh = None;
        network.run(Duration::from_secs(200));
        network.check_data();
        network.server.refuse_refresh = Some(code);
        network.run(Duration::from_secs(130));
        let problem = format!(
            "the TURN server 203.0.113.10:3478 did not extend the time of the address that it gave \
             (error {code})"
        );
        for host in &network.hosts {
            assert_eq!(host.problems, [problem.as_str()]);
        }
    }
}

/// On either side of the relay: the messages that packets are in count, too.
#[test]
fn the_largest_datagram_to_a_relay_is_found() {
    for (carries, largest) in [(1472, 1200), (972, 960), (672, 660), (548, 460)] {
        let mut network = network([STUN, TURN], [NatKind::Symmetric; 2], Policy::All);
        network.largest = carries;
        network.run_until_connected();
        network.run(Duration::from_secs(2));
        for host in &network.hosts {
            assert_eq!(host.largest, [LargestDatagram::Known(largest)], "{carries}");
        }
    }
}

#[test]
fn relays_cope_with_loss() {
    let mut network = network([TURN; 2], [NatKind::Symmetric; 2], Policy::RelayOnly);
    network.loss = 100;
    network.run_until_connected();
    network.run(Duration::from_secs(1800));
    network.loss = 0;
    network.run_until_connected();
    network.check_data();
}

#[test]
fn a_server_that_is_named_twice_is_asked_once() {
    let mut config = with_server(TURN, true, Policy::All);
    config.servers.push(Server::new("turn:203.0.113.10:3478", "another", "one").unwrap());
    let mut network = Network::new();
    network.add(config, "192.0.2.1:5000", None);
    network.hosts[0].agent.gather(network.now);
    network.run_without_trickling(Duration::from_secs(1));
    assert!(network.hosts[0].ended && network.hosts[0].problems.is_empty());
    assert_eq!(network.server.allocations(), 1);
}
