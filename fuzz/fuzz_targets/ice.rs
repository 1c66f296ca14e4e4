//! An ICE agent, a peer and a TURN server. The two know all passwords, so that the agent finds paths, moves and
//! loses them; what they say may be wrong in any place, and there are strangers.
//!
//! A path leads only to who has answered a check, data comes only from who has shown to be there, one packet has only
//! a few for an answer, and an agent whose peer is gone gives up.
//!
//! `cargo +nightly fuzz run --features webrtc ice`

#![no_main]

use libfuzzer_sys::fuzz_target;
use saltyrtc_fuzz::ice::Scene;
use saltyrtc_fuzz::input::Input;
use saltyrtc_fuzz::reached::Reached;

static REACHED: Reached<13> = Reached::new([
    "connected",
    "direct path",
    "relayed path",
    "path lost",
    "data",
    "relayed data",
    "data over a connection",
    "disconnected",
    "failed",
    "restart",
    "restart while connected",
    "restart advised",
    "server failed",
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
