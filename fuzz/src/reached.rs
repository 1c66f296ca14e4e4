//! Which states a target has come to. An input that is thrown away at the first message tests nothing, and no oracle
//! says so: each target names the states that its committed inputs have to lead to, and `scripts/fuzz.sh` compares.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// The states of one target.
pub struct Reached<const N: usize> {
    names: [&'static str; N],
    seen: [AtomicBool; N],
    told: Once,
}

impl<const N: usize> Reached<N> {
    /// None of them was reached yet.
    pub const fn new(names: [&'static str; N]) -> Self {
        Self { names, seen: [const { AtomicBool::new(false) }; N], told: Once::new() }
    }

    /// Says what is to be reached, once. Every run of the target begins with it.
    pub fn begin(&self) {
        self.told.call_once(|| self.names.iter().for_each(|name| eprintln!("to reach: {name}")));
    }

    /// The state `name` was reached.
    pub fn mark(&self, name: &str) {
        let place = self.names.iter().position(|known| *known == name);
        let place = place.unwrap_or_else(|| panic!("{name:?} is not among the states to reach"));
        if !self.seen[place].swap(true, Ordering::Relaxed) {
            eprintln!("reached: {name}");
        }
    }
}
