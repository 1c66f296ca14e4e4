//! An association, and what a peer may send inside DTLS.
//!
//! `cargo +nightly fuzz run --features webrtc association_sctp`

#![no_main]
#![allow(dead_code)]

#[path = "../../tests/rtc_association/link.rs"]
mod link;
#[path = "../../tests/rtc_association/raw_peer.rs"]
mod raw_peer;

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use saltyrtc::rtc::association::{ChannelConfig, MessageKind};

use raw_peer::RawPair;

/// Kinds of messages: one that opens channels, and one of bytes.
const PPID: [u32; 2] = [50, 53];
/// A message that opens a channel.
const OPEN: [u8; 12] = [3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fuzz_target!(|data: &[u8]| {
    let mut pair = RawPair::connected();
    let ours = pair.association.open(pair.now, ChannelConfig::default()).expect("a channel");
    pair.send(0, PPID[0], &OPEN);
    let mut rest = data;
    while let [what, length, next @ ..] = rest {
        let (input, next) = next.split_at(usize::from(*length).min(next.len()));
        rest = next;
        match what & 7 {
            // Any chunks, with a header that is let in.
            0 | 1 => {
                let packet = pair.sctp.packet(input);
                pair.send_packet(&packet);
            }
            // What leaves from now on is changed.
            2 => pair.change = input.to_vec(),
            3 => {
                let size = usize::from(*length) * [1, 100][usize::from(what >> 4 & 1)];
                let stream = u16::from(what >> 7);
                pair.sctp.send(
                    stream,
                    PPID[usize::from(what >> 5 & 1)],
                    &vec![3; size],
                    what & 8 != 0,
                );
            }
            4 => {
                let message = vec![0; usize::from(*length) * 100].into();
                let _ = pair.association.send(pair.now, ours, MessageKind::Binary, message);
            }
            5 => pair.run_for(Duration::from_millis(u64::from(*length) * 10)),
            6 => pair.takes_events = length & 1 != 0,
            _ => pair.sctp.reset(&[u16::from(*length & 1)]),
        }
        pair.run();
    }
});
