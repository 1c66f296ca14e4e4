//! Session descriptions of a peer, as offers and as answers, and answers of multicast DNS.
//!
//! `cargo +nightly fuzz run --features webrtc description`

#![no_main]

use libfuzzer_sys::fuzz_target;
use saltyrtc::rtc::fuzz_description;
use saltyrtc::rtc::ice::{mdns_answer, mdns_queries};

/// What most descriptions begin with; the first byte of the input says whether this one does.
const BEGINNING: &str = "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
    a=fingerprint:sha-256 00:11\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    match text.strip_prefix('+') {
        Some(rest) => fuzz_description(&format!("{BEGINNING}{rest}")),
        None => fuzz_description(&text),
    }
    for answer in mdns_answer(data) {
        assert!(answer.name.len() < 256);
    }
    if let Some(queries) = mdns_queries(&text) {
        assert!(queries.iter().all(|query| query.len() < 512));
    }
});
