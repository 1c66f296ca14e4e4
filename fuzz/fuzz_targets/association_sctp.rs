//! Two SCTP sockets as an association has them, and what a peer may send inside DTLS.
//!
//! `cargo +nightly fuzz run --features webrtc association_sctp`

#![no_main]

use std::time::Duration;

use dcsctp::api::{
    DcSctpSocket, Message, Options, PpId, SendOptions, SocketEvent, SocketTime, StreamId,
    ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
};
use libfuzzer_sys::fuzz_target;

type Socket = Box<dyn DcSctpSocket + Send>;

/// What a socket has to say.
fn packets(socket: &mut Socket) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| socket.poll_event())
        .filter_map(|event| match event {
            SocketEvent::SendPacket(packet) => Some(packet),
            _ => None,
        })
        .collect()
}

fuzz_target!(|data: &[u8]| {
    let options = Options {
        max_receiver_window_buffer_size: 20_000,
        receive_chunk_overhead: 128,
        max_retransmissions: None,
        // Packets are changed here.
        zero_checksum_alternate_error_detection_method:
            ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
        disable_checksum_verification: true,
        ..Options::default()
    };
    let mut ends = [dcsctp::new_socket("", &options), dcsctp::new_socket("", &options)];
    let mut now = SocketTime::zero();
    let mut wire: [Vec<Vec<u8>>; 2] = [Vec::new(), Vec::new()];
    ends[0].connect();
    for _ in 0..3 {
        for to in 0..2 {
            for packet in packets(&mut ends[1 - to]) {
                ends[to].handle_input(&packet);
            }
        }
    }
    // The header of a packet that is let in.
    let mut headers = [vec![0; 12], vec![0; 12]];
    for end in 0..2 {
        ends[end].send(Message::new(StreamId(0), PpId(53), vec![0]), &SendOptions::default()).ok();
        wire[end] = packets(&mut ends[end]);
        if let Some(packet) = wire[end].first() {
            headers[end] = packet[..12].to_vec();
        }
    }
    let mut rest = data;
    while let [what, length, next @ ..] = rest {
        let (input, next) = next.split_at(usize::from(*length).min(next.len()));
        rest = next;
        let from = usize::from(what & 1);
        match what >> 1 & 7 {
            // Any chunks.
            0 => {
                let mut packet = headers[from].clone();
                packet.extend(input);
                ends[1 - from].handle_input(&packet);
            }
            // What is on its way arrives, with some of it changed.
            1 | 2 => {
                for mut packet in std::mem::take(&mut wire[from]) {
                    for change in input.chunks_exact(2) {
                        let index = 12 + usize::from(change[0]) % (packet.len() - 12).max(1);
                        if let Some(byte) = packet.get_mut(index) {
                            *byte ^= change[1];
                        }
                    }
                    ends[1 - from].handle_input(&packet);
                }
            }
            3 => wire[from].clear(),
            4 => {
                let size = usize::from(*length) * [1, 100][usize::from(what >> 4 & 1)];
                let options = SendOptions {
                    unordered: what & 0x20 != 0,
                    max_retransmissions: (what & 0x40 != 0).then_some(1),
                    ..SendOptions::default()
                };
                let message = Message::new(StreamId(u16::from(what >> 7)), PpId(53), vec![0; size]);
                ends[from].send(message, &options).ok();
            }
            5 => {
                now = now + Duration::from_millis(u64::from(*length) * 20);
                ends.iter_mut().for_each(|end| end.advance_time(now));
            }
            6 => {
                while ends[from].get_next_message().is_some() {}
                ends[from].announce_window();
            }
            _ => {
                ends[from].reset_streams(&[StreamId(u16::from(*length & 1))]).ok();
            }
        }
        for end in 0..2 {
            let more = packets(&mut ends[end]);
            wire[end].extend(more);
        }
    }
});
