//! Clients that lose their connections at any moment and come back: whatever happens, they find each
//! other again, and no message arrives twice or in the wrong order.

mod support;

use support::random::Seeded;
use support::severing::World;

const SEEDS: u64 = 150;
const ACTIONS: usize = 150;

/// Covers P-016 P-037 P-174 P-175 P-182 P-203 P-205 P-212.
#[test]
fn clients_find_each_other_again_and_messages_keep_their_order() {
    let mut delivered = 0;
    for seed in 0..SEEDS {
        let mut random = Seeded::new(seed);
        let mut world = World::new(format!("seed {seed}"), seed, move |limit| random.below(limit));
        for _ in 0..ACTIONS {
            world.act();
        }
        world.calm_down();
        world.exchange();
        delivered += world.delivered;
    }
    assert!(delivered > 10 * SEEDS as usize, "hardly anything was sent: {delivered}");
}
