//! Two honest clients on a path of the server, whose connections break whenever the input says so, among strangers.
//!
//! Messages arrive in order, once, and in their session; who ends may come back; and once the connections hold, the
//! two find each other again.
//!
//! `cargo +nightly fuzz run pair`

#![no_main]

use libfuzzer_sys::fuzz_target;
use saltyrtc_fuzz::pair::World;
use saltyrtc_fuzz::reached::Reached;

/// Things that happen in one run, at most.
const ACTIONS: usize = 300;

static REACHED: Reached<2> = Reached::new(["messages", "many messages"]);

fuzz_target!(|data: &[u8]| {
    REACHED.begin();
    let left = std::rc::Rc::new(std::cell::Cell::new(data.len()));
    let bytes = data.to_vec();
    let choose = {
        let left = left.clone();
        move |limit: usize| {
            let at = bytes.len() - left.get();
            left.set(left.get().saturating_sub(1));
            // Spread over all that there is to choose from.
            bytes.get(at).map_or(0, |byte| usize::from(*byte) * limit / 256)
        }
    };
    let mut world = World::new("the input".into(), 1, choose);
    for _ in 0..ACTIONS {
        if left.get() == 0 {
            break;
        }
        world.act();
    }
    world.calm_down();
    world.exchange();
    REACHED.mark("messages");
    if world.delivered > 30 {
        REACHED.mark("many messages");
    }
});
