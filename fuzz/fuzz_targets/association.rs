//! Datagrams to an association that waits for the handshake of DTLS, or is in the midst of it.
//!
//! `cargo +nightly fuzz run --features webrtc association`

#![no_main]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use saltyrtc::rtc::association::{Association, AssociationEvent, DtlsRole, SctpConfig};
use saltyrtc::rtc::certificate::Certificate;

/// Making one takes long.
static CERTIFICATE: OnceLock<Certificate> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let certificate = CERTIFICATE.get_or_init(|| Certificate::generate().expect("a certificate"));
    let mut now = Instant::now();
    let new = |role| {
        let fingerprints = vec![certificate.fingerprint().clone()];
        Association::new(now, role, certificate, fingerprints, &SctpConfig::default())
    };
    let mut ends = [new(DtlsRole::Server), new(DtlsRole::Client)];
    let mut rest = data;
    while let [what, length, next @ ..] = rest {
        let (input, next) = next.split_at(usize::from(*length).min(next.len()));
        rest = next;
        let to = usize::from(what & 1);
        match what >> 1 & 3 {
            0 => ends[to].handle_datagram(now, input),
            1 => {
                // A record of a handshake, whose lengths are right.
                let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, what >> 3];
                record.extend((input.len() as u16).to_be_bytes());
                record.extend(input);
                ends[to].handle_datagram(now, &record);
            }
            2 => {
                // What the other one really says, with some of it changed.
                if let Some(mut datagram) = ends[1 - to].poll_transmit() {
                    for change in input.chunks_exact(2) {
                        let index = usize::from(change[0]) % datagram.len();
                        datagram[index] ^= change[1];
                    }
                    ends[to].handle_datagram(now, &datagram);
                }
            }
            _ => {
                now += Duration::from_millis(u64::from(*length) * 50);
                ends[to].handle_timeout(now);
            }
        }
        for end in &mut ends {
            while let Some(event) = end.poll_event() {
                assert!(!matches!(event, AssociationEvent::Message { .. }), "nobody sent any");
            }
        }
    }
});
