//! Peers, servers and strangers that misbehave.

use std::time::Duration;

use saltyrtc::rtc::ice::{AgentConfig, IceState, Output, Received, SocketId};

use crate::controlling;
use crate::network::Network;

const A: &str = "192.0.2.1:5000";
const B: &str = "198.51.100.2:6000";

fn connected() -> Network {
    let mut network = Network::new();
    network.add(controlling(), A, None);
    network.add(AgentConfig::default(), B, None);
    for host in &mut network.hosts {
        host.agent.gather(network.now);
    }
    network.exchange_credentials();
    network.run_until_connected();
    network
}

/// Packets that an agent sends, until it has sent `count` of them.
fn packets(network: &mut Network, host: usize, count: usize) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while packets.len() < count {
        let at = network.hosts[host].agent.poll_timeout().unwrap();
        network.now = network.now.max(at);
        network.hosts[host].agent.handle_timeout(network.now);
        while let Some(output) = network.hosts[host].agent.poll_output() {
            if let Output::Transmit { data, .. } = output {
                packets.push(data);
            }
        }
    }
    packets
}

#[test]
fn garbage_is_ignored() {
    let mut network = connected();
    let from = B.parse().unwrap();
    let mut random = 1_u64;
    for length in 0..200 {
        for _ in 0..20 {
            let mut packet = Vec::new();
            for _ in 0..length {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                packet.push((random >> 56) as u8);
            }
            if let Some(first) = packet.first_mut() {
                *first %= 4;
            }
            if length >= 20 {
                packet[2..8].copy_from_slice(&[0, (length - 20) as u8, 0x21, 0x12, 0xa4, 0x42]);
            }
            let received =
                network.hosts[0].agent.handle_packet(network.now, SocketId(0), from, &packet);
            assert_eq!(received, Received::Consumed);
        }
    }
    for first in (0..20).chain(64..=255) {
        let received =
            network.hosts[0].agent.handle_packet(network.now, SocketId(0), from, &[first; 40]);
        assert_eq!(received, Received::Consumed);
    }
    network.run(Duration::from_secs(30));
    assert_eq!(network.state(0), IceState::Connected);
    network.check_data();
}

#[test]
fn a_check_that_was_changed_is_not_answered() {
    let mut network = connected();
    network.drain();
    let check = packets(&mut network, 1, 1).remove(0);
    let from = B.parse().unwrap();
    network.drain();
    let answers = |network: &mut Network, packet: &[u8], socket: SocketId| {
        let agent = &mut network.hosts[0].agent;
        agent.handle_packet(network.now, socket, from, packet);
        std::iter::from_fn(|| agent.poll_output())
            .filter(|output| matches!(output, Output::Transmit { data, .. } if data[0] == 1))
            .count()
    };
    assert_eq!(answers(&mut network, &check, SocketId(0)), 1);
    for index in 0..check.len() {
        let mut changed = check.clone();
        changed[index] ^= 1;
        // What follows the integrity is the fingerprint, which tells apart protocols and protects nothing.
        let expected = usize::from(index >= check.len() - 8);
        let answered = answers(&mut network, &changed, SocketId(0));
        assert!(answered <= expected, "byte {index}");
    }
    assert_eq!(answers(&mut network, &check[..check.len() - 8], SocketId(0)), 0);
    assert_eq!(answers(&mut network, &check, SocketId(7)), 0);
}

#[test]
fn strangers_cannot_send_data_or_learn_anything() {
    let mut network = connected();
    let stranger = "203.0.113.66:666".parse().unwrap();
    let agent = &mut network.hosts[0].agent;
    assert_eq!(
        agent.handle_packet(network.now, SocketId(0), stranger, &[22; 50]),
        Received::Consumed
    );
    let peer = B.parse().unwrap();
    assert_eq!(
        agent.handle_packet(network.now, SocketId(0), peer, &[22; 50]),
        Received::Data(0..50)
    );
    // A plain STUN request, to which a STUN server would answer.
    let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    request.extend([7; 12]);
    while agent.poll_output().is_some() {}
    assert_eq!(
        agent.handle_packet(network.now, SocketId(0), stranger, &request),
        Received::Consumed
    );
    assert_eq!(agent.poll_output(), None);
}

#[test]
fn thousands_of_candidates_are_bounded() {
    let mut network = Network::new();
    network.add(controlling(), A, None);
    network.add(AgentConfig::default(), B, None);
    for host in &mut network.hosts {
        host.agent.gather(network.now);
    }
    network.drain();
    let candidate = network.hosts[1].candidates[0].clone();
    network.hosts[0].agent.add_remote_candidate(network.now, &candidate).unwrap();
    for number in 0..5000_u32 {
        let ip = std::net::Ipv4Addr::from(0x0a00_0000 + number);
        let line = format!("candidate:{number} 1 udp {number}1 {ip} 9 typ host");
        network.hosts[0].agent.add_remote_candidate(network.now, &line).unwrap();
        let line = format!("candidate:{number} 1 udp 1 name-{number}.local 9 typ host");
        network.hosts[0].agent.add_remote_candidate(network.now, &line).unwrap();
    }
    network.drain();
    assert_eq!(network.hosts[0].questions.len(), 32);
    network.exchange_credentials();
    let sent = network.datagrams;
    network.run(Duration::from_secs(1));
    // No more than one check every 20 ms, and the peer's own.
    assert!(network.datagrams - sent < 200);
    network.run_until_connected();
    network.check_data();
}

#[test]
fn a_peer_that_comes_from_everywhere_is_bounded() {
    let mut network = connected();
    let check = packets(&mut network, 1, 1).remove(0);
    network.drain();
    let mut answered = 0;
    for port in 1..5000 {
        let from = std::net::SocketAddr::from(([203, 0, 113, 5], port));
        let agent = &mut network.hosts[0].agent;
        agent.handle_packet(network.now, SocketId(0), from, &check);
        answered += std::iter::from_fn(|| agent.poll_output())
            .filter(|output| matches!(output, Output::Transmit { data, .. } if data[0] == 1))
            .count();
    }
    assert_eq!(answered, 64);
    network.run(Duration::from_secs(30));
    assert_eq!(network.state(0), IceState::Connected);
}

#[test]
fn malformed_candidates_change_nothing() {
    let mut network = connected();
    for line in
        ["x", "candidate:", "candidate:1 1 udp 1 a b", "candidate:1 1 udp 1 1.2.3.4 70000 typ host"]
    {
        assert!(network.hosts[0].agent.add_remote_candidate(network.now, line).is_err(), "{line}");
    }
    network.check_data();
}

/// Counts what is logged, by whom.
struct Log(std::sync::Mutex<Vec<&'static str>>);

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        self.0.lock().unwrap().push(span.metadata().target());
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        self.0.lock().unwrap().push(event.metadata().target());
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// The crates below log passwords and the addresses of peers.
#[test]
fn nothing_of_the_peer_or_the_servers_is_logged() {
    let log = std::sync::Arc::new(Log(std::sync::Mutex::default()));
    let logged = || log.0.lock().unwrap().clone();
    tracing::subscriber::with_default(log.clone(), || {
        tracing::info!("heard");
        assert_eq!(logged().len(), 1);
        let mut network = Network::new();
        for (index, address) in [A, B].into_iter().enumerate() {
            let policy = saltyrtc::rtc::ice::Policy::RelayOnly;
            network.add(crate::with_server("turn:203.0.113.10", index == 0, policy), address, None);
            network.hosts[index].agent.gather(network.now);
        }
        network.exchange_credentials();
        network.run_until_connected();
        network.hosts[0].agent.restart(network.now);
        network.hosts[0].agent.close(network.now);
    });
    let foreign = logged().into_iter().filter(|target| {
        ["is", "str0m", "turn", "stun"].iter().any(|name| target.starts_with(name))
    });
    assert_eq!(foreign.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn an_agent_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<saltyrtc::rtc::ice::Agent>();
}

/// A peer that signs whatever it likes, and claims to see this side at ever new addresses.
#[test]
fn addresses_that_the_peer_makes_up_are_bounded() {
    use is::stun::StunMessage;
    use is::{DefaultSha1HmacProvider, Sha1HmacProvider};

    let mut network = connected();
    // After those checks that are about the size of datagrams.
    network.run(Duration::from_secs(1));
    let check = packets(&mut network, 0, 1).remove(0);
    let request = StunMessage::parse(&check).unwrap();
    assert!(request.is_binding_request());
    let password = network.hosts[1].agent.local_credentials().password().to_owned();
    let mut newest = None;
    for port in 1..1000 {
        let seen = std::net::SocketAddr::from(([203, 0, 113, 5], port));
        let answer = StunMessage::binding_reply(request.trans_id(), seen);
        let mut packet = vec![0; 200];
        let hmac = |key: &[u8], parts: &[&[u8]]| DefaultSha1HmacProvider.sha1_hmac(key, parts);
        let length = answer.to_bytes(Some(password.as_bytes()), &mut packet, hmac).unwrap();
        packet.truncate(length);
        let agent = &mut network.hosts[0].agent;
        agent.handle_packet(network.now, SocketId(0), B.parse().unwrap(), &packet);
        newest = Some(agent.stats().path.unwrap().local_address.port());
    }
    assert_eq!(newest, Some(64));
}

#[test]
fn a_relay_that_sends_garbage_does_no_harm() {
    let policy = saltyrtc::rtc::ice::Policy::RelayOnly;
    let mut network = Network::new();
    network.add(crate::with_server("turn:203.0.113.10", true, policy), A, None);
    let stream = "turn:203.0.113.10?transport=tcp";
    network.add(crate::with_server(stream, false, policy), B, None);
    for host in &mut network.hosts {
        host.agent.gather(network.now);
    }
    network.exchange_credentials();
    network.drain();
    let (stream, ..) = network.hosts[1].connects.pop().unwrap();
    network.accept(1, stream);
    network.run_until_connected();
    let server = network.server.address;
    for first in 0..=255 {
        for length in [1, 4, 19, 20, 21, 40] {
            let packet = vec![first; length];
            let agent = &mut network.hosts[0].agent;
            let received = agent.handle_packet(network.now, SocketId(0), server, &packet);
            assert_eq!(received, Received::Consumed, "{first} {length}");
        }
    }
    network.run(Duration::from_secs(1));
    network.check_data();
    // A connection that has lost its place cannot find it again.
    network.hosts[1].agent.handle_stream(network.now, stream, &[0xff; 8]);
    network.drain();
    assert_eq!(network.hosts[1].disconnects, [stream]);
    assert_eq!(network.hosts[1].problems.len(), 1);
    assert_eq!(network.hosts[1].agent.path(), None);
}

/// Answers of TURN servers are trusted as far as TURN goes, and no further: nothing panics.
#[test]
fn answers_of_a_relay_that_were_changed_do_no_harm() {
    let policy = saltyrtc::rtc::ice::Policy::RelayOnly;
    for packet in 0..8 {
        for byte in (packet % 3..100).step_by(3) {
            let mut network = Network::new();
            network.corrupt = Some((packet, byte));
            for (index, address) in [A, B].into_iter().enumerate() {
                let config = crate::with_server("turn:203.0.113.10", index == 0, policy);
                network.add(config, address, None);
                network.hosts[index].agent.gather(network.now);
            }
            network.exchange_credentials();
            network.run(Duration::from_millis(500));
            network.run_until("an end", |network| {
                network.hosts.iter().all(|host| {
                    matches!(host.agent.state(), IceState::Connected | IceState::Failed)
                })
            });
        }
    }
}
