//! A client in any state, between a server and peers that send anything: good messages, almost good ones, and
//! others, in any order. They know all keys, so that the content of boxes is tested too.
//!
//! Whatever happens, the client ends once, says nothing afterwards, has no timer that is due for ever, and what it
//! sends can be read by whom it is for.
//!
//! `cargo +nightly fuzz run client_machine`

#![no_main]

use libfuzzer_sys::fuzz_target;
use saltyrtc_fuzz::client::Scene;
use saltyrtc_fuzz::input::Input;
use saltyrtc_fuzz::reached::Reached;

static REACHED: Reached<17> = Reached::new([
    "session",
    "message of the task",
    "lose_peer",
    "initiator_left",
    "initiator_left in session",
    "left: disconnected",
    "left: unreachable",
    "left: replaced",
    "left: dropped",
    "drop-responder",
    "responder failed",
    "handover",
    "message over the channel",
    "handover timeout",
    "signalling channel lost",
    "closed by the peer",
    "peer broke the protocol",
]);

fuzz_target!(|data: &[u8]| {
    REACHED.begin();
    let mut input = Input::new(data);
    let end = input.byte();
    let mut scene = Scene::new(&mut input, |state| REACHED.mark(state));
    for action in input {
        scene.act(action);
    }
    scene.end(end);
});
