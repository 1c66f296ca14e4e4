//! Two associations, from the handshake of DTLS to messages on channels, and a network between them that loses,
//! repeats, reorders and changes datagrams.
//!
//! What arrives is what was sent, in order where that was promised and once. If nobody disturbs the handshake and the
//! network is good in the end, all of it arrives, or the association says that it has failed.
//!
//! `cargo +nightly fuzz run --features webrtc association`

#![no_main]

use libfuzzer_sys::fuzz_target;
use saltyrtc_fuzz::association::Scene;
use saltyrtc_fuzz::input::Input;
use saltyrtc_fuzz::reached::Reached;

static REACHED: Reached<10> = Reached::new([
    "connected",
    "failed in the handshake",
    "ended",
    "channel opened by the peer",
    "channel closed",
    "message",
    "low water",
    "datagram lost",
    "datagram twice",
    "everything has arrived",
]);

fuzz_target!(|data: &[u8]| {
    REACHED.begin();
    let mut input = Input::new(data);
    let mut scene = Scene::new(&mut input, |state| REACHED.mark(state));
    for action in input {
        scene.act(action);
    }
    scene.end();
});
