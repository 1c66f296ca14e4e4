//! What comes before the WebSocket on the server: a PROXY header of either version, the request, `X-Forwarded-For`.
//! Cut anywhere, it leads to the same.
//!
//! `cargo +nightly fuzz run --features server server_opening`

#![no_main]

use libfuzzer_sys::fuzz_target;
use saltyrtc_fuzz::input::Input;
use saltyrtc_fuzz::opening::outcome;
use saltyrtc_fuzz::reached::Reached;

static REACHED: Reached<7> = Reached::new([
    "a WebSocket",
    "a WebSocket behind PROXY v1",
    "a WebSocket behind PROXY v2",
    "a WebSocket for X-Forwarded-For",
    "closed without a word",
    "400",
    "429",
]);

fuzz_target!(|data: &[u8]| {
    REACHED.begin();
    let mut input = Input::new(data);
    let (kind, cuts) = (input.byte(), [input.byte(), input.byte()]);
    let bytes = data.get(3..).unwrap_or_default();
    let Some(whole) = outcome(kind, [bytes]) else { return };
    // Behind each other, so that both ends of a long input are within reach.
    let first = usize::from(cuts[0]) % (bytes.len() + 1);
    let second = (first + usize::from(cuts[1])).min(bytes.len());
    let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
    if let Some(cut) = outcome(kind, pieces) {
        assert_eq!(whole.head, cut.head, "cut at {first} and {second}");
        // The server may hear that the client has left before it has said anything over the WebSocket.
        if !whole.frame.is_empty() && !cut.frame.is_empty() {
            assert_eq!(whole.frame, cut.frame, "cut at {first} and {second}");
        }
    }
    match whole.status() {
        None => {
            assert!(whole.head.is_empty(), "no answer of HTTP");
            REACHED.mark("closed without a word");
        }
        Some(101) => REACHED.mark(match (kind % 3, bytes.first()) {
            (1, Some(b'P')) => "a WebSocket behind PROXY v1",
            (1, _) => "a WebSocket behind PROXY v2",
            (2, _) => "a WebSocket for X-Forwarded-For",
            _ => "a WebSocket",
        }),
        Some(400) => REACHED.mark("400"),
        Some(429) => REACHED.mark("429"),
        Some(_) => {}
    }
});
