//! Everything that an ICE agent is given by somebody else: candidates, packets of all kinds from all
//! kinds of addresses, answers of the DNS, and bytes of a connection to a TURN server.
//!
//! `cargo +nightly fuzz run --features webrtc ice`

#![no_main]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use saltyrtc::crypto::RandomSource;
use saltyrtc::rtc::ice::{Agent, AgentConfig, Credentials, Output, Server, SocketId, StreamId};

struct Counter(u8);

impl RandomSource for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_add(7);
            *byte = self.0;
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut now = Instant::now();
    let server = |url| Server::new(url, "user", "password");
    let servers = ["turn:192.0.2.9", "turn:turn.example.org?transport=tcp"];
    let servers = servers.into_iter().filter_map(|url| server(url).ok()).collect();
    let config =
        AgentConfig { servers, controlling: data.len() % 2 == 0, ..AgentConfig::default() };
    let mut agent = Agent::new(now, config, Box::new(Counter(0)));
    let local = SocketAddr::from(([192, 0, 2, 1], 1000));
    agent.add_socket(now, SocketId(0), local).expect("a good address");
    agent.gather(now);
    let remote = Credentials::new("abcd", "abcdefghijklmnopqrstuvwx").expect("good credentials");
    let _ = agent.set_remote(now, remote);

    let mut rest = data;
    while let [what, length, next @ ..] = rest {
        let (input, next) = next.split_at(usize::from(*length).min(next.len()));
        rest = next;
        // Some addresses are those of servers and candidates.
        let from = SocketAddr::from(([192, 0, 2, what >> 4], 3478));
        match what & 7 {
            0 | 1 => _ = agent.handle_packet(now, SocketId(0), from, input),
            2 => {
                // A header of STUN that fits.
                let mut packet = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
                packet.extend([3; 12]);
                packet.extend(&input[..input.len() & !3]);
                let length = (packet.len() - 20) as u16;
                packet[2..4].copy_from_slice(&length.to_be_bytes());
                packet[0] = what >> 7;
                let _ = agent.handle_packet(now, SocketId(0), from, &packet);
            }
            3 => {
                let text = String::from_utf8_lossy(input);
                let _ = agent.add_remote_candidate(now, &text);
                let _ = agent.add_remote_candidate(now, &format!("candidate:1 1 udp {text}"));
            }
            4 => {
                let ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, what >> 4));
                agent.handle_resolved(now, &String::from_utf8_lossy(input), &[ip]);
                agent.handle_resolved(now, "turn.example.org", &[ip]);
            }
            5 => {
                agent.handle_connected(now, StreamId(0), local);
                agent.handle_stream(now, StreamId(0), input);
            }
            6 => agent.restart(now),
            _ => {
                now += Duration::from_millis(u64::from(*length) * 20);
                agent.handle_timeout(now);
            }
        }
        while let Some(output) = agent.poll_output() {
            if let Output::Transmit { data, .. } = output {
                assert!(data.len() <= 1500);
            }
        }
        let _ = agent.poll_timeout();
    }
});
