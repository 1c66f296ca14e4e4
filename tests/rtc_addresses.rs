//! The addresses that the built-in WebRTC uses, where the application gives them and the system does not.

#![cfg(all(feature = "webrtc", feature = "server", target_os = "linux"))]

#[path = "rtc_client/peer.rs"]
mod peer;

use std::net::IpAddr;

use peer::*;

use saltyrtc::client::{ChannelError, ChannelOptions, Event, RtcConfig};
use saltyrtc::task::{ConnectionEvent, ConnectionProblem, TaskEvent};

/// Of the addresses for loopback, all of which every host has that runs Linux.
fn loopback(last: u8) -> IpAddr {
    [127, 0, 0, last].into()
}

fn local_address(peer: &Peer) -> Option<IpAddr> {
    peer.client.rtc_stats().unwrap().path.map(|path| path.local_address.ip())
}

/// Talks until one of the two does so from the address that is wanted.
async fn talk_until([(a, at_a), (b, at_b)]: &mut [(Peer, u32); 2], wanted: [IpAddr; 2]) {
    in_time(async {
        loop {
            a.client.channel_send_bytes(*at_a, b"where?").unwrap();
            assert_eq!(b.message(*at_b).await, b"where?");
            b.client.channel_send_bytes(*at_b, b"here").unwrap();
            assert_eq!(a.message(*at_a).await, b"here");
            if [&a, &b].map(|peer| local_address(peer)) == wanted.map(Some) {
                return;
            }
        }
    })
    .await;
}

/// Two clients with a channel, which were told to use these addresses, or all of the host, before they met.
async fn told([first, second]: [Option<IpAddr>; 2], configured: &[IpAddr]) -> [(Peer, u32); 2] {
    let (server, url) = start_server();
    let config = || RtcConfig { addresses: configured.to_vec(), ..RtcConfig::default() };
    let (mut a, mut b) = pair_with(url, config(), config());
    a.client.set_addresses(Vec::from_iter(first)).unwrap();
    b.client.set_addresses(Vec::from_iter(second)).unwrap();
    a.handed_over().await;
    b.handed_over().await;
    let at_a = a.client.open_channel(ChannelOptions::new("moving")).unwrap();
    a.opened("moving").await;
    let at_b = b.opened("moving").await;
    // Nobody can be told over it of a new address.
    server.shutdown().await;
    [(a, at_a), (b, at_b)]
}

#[tokio::test]
async fn either_client_moves_to_the_addresses_that_it_is_told() {
    let mut pair = told([2, 3].map(loopback).map(Some), &[loopback(9)]).await;
    talk_until(&mut pair, [loopback(2), loopback(3)]).await;
    // The responder, which makes no offers.
    pair[1].0.client.set_addresses(vec![loopback(4)]).unwrap();
    talk_until(&mut pair, [loopback(2), loopback(4)]).await;
    pair[0].0.client.set_addresses(vec![loopback(5)]).unwrap();
    talk_until(&mut pair, [loopback(5), loopback(4)]).await;
    // One after the other comes and goes, and those that cannot be used are no harm.
    let unusable: IpAddr = "2001:db8::7".parse().unwrap();
    pair[0].0.client.set_addresses(vec![unusable, loopback(5), loopback(5)]).unwrap();
    pair[0].0.client.set_addresses(vec![loopback(6), unusable]).unwrap();
    talk_until(&mut pair, [loopback(6), loopback(4)]).await;
}

#[tokio::test]
async fn without_any_the_system_is_asked_again() {
    let [(a, _), (b, _)] = told([None, None], &[loopback(2)]).await;
    for peer in [a, b] {
        let address = local_address(&peer).expect("they are connected");
        assert_ne!(address, loopback(2));
    }
}

#[tokio::test]
async fn an_address_that_no_host_can_have_changes_nothing() {
    let mut pair = told([2, 3].map(loopback).map(Some), &[]).await;
    for address in ["0.0.0.0", "::", "224.0.0.251", "ff02::fb"] {
        let refused = pair[0].0.client.set_addresses(vec![loopback(4), address.parse().unwrap()]);
        assert!(matches!(refused, Err(ChannelError::Options(_))), "{address}");
    }
    talk_until(&mut pair, [loopback(2), loopback(3)]).await;
    pair[0].0.client.close();
    pair[0].0.end().await;
    assert_eq!(pair[0].0.client.set_addresses(Vec::new()), Err(ChannelError::NoEngine));
}

#[tokio::test]
async fn ports_that_are_all_taken_are_a_problem_that_names_them() {
    let (_server, url) = start_server();
    let taken = std::net::UdpSocket::bind((loopback(2), 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let addresses = vec![loopback(2)];
    let config = RtcConfig { addresses, ports: Some(port..=port), ..RtcConfig::default() };
    let (mut a, _b) = pair_with(url, config, RtcConfig::default());
    let problem = a
        .wait_for(|event| match event {
            Event::Task(TaskEvent::Connection(ConnectionEvent::Problem(problem))) => {
                Some(problem.clone())
            }
            _ => None,
        })
        .await;
    let ports = port..=port;
    assert_eq!(problem, ConnectionProblem::PortsInUse { address: loopback(2), ports });
    let text = problem.to_string();
    assert!(text.contains(&format!("from {port} to {port}")), "{text}");
}
