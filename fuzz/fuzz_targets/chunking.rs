//! Any sequence of chunks, and of messages in chunks that arrive in any order, twice, or not at all.
//!
//! `cargo +nightly fuzz run chunking`

#![no_main]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use saltyrtc::chunking::{Chunker, Mode, Unchunker, UnchunkerLimits};

const LIMITS: UnchunkerLimits = UnchunkerLimits {
    max_message_size: 5_000,
    max_total_size: 20_000,
    max_age: Duration::from_secs(10),
    remembered: 1000,
};

/// The ids of our own messages start here, and those of the fuzzer's chunks end.
const OWN_IDS: u32 = 1 << 31;

struct World {
    now: Instant,
    mode: Mode,
    chunker: Chunker,
    unchunker: Unchunker,
    /// Our own messages, and when they arrived.
    messages: BTreeMap<u32, (Vec<u8>, Option<Instant>)>,
    /// Chunks on their way.
    flying: Vec<Vec<u8>>,
}

impl World {
    fn add(&mut self, chunk: &[u8]) {
        let before = self.unchunker.memory();
        let result = self.unchunker.add(self.now, chunk);
        assert!(self.unchunker.memory() <= LIMITS.max_total_size);
        let id = chunk.get(1..5).map(|id| u32::from_be_bytes(id.try_into().expect("4 bytes")));
        let own = id.and_then(|id| self.messages.get_mut(&id));
        match result {
            Ok(Some(message)) => {
                assert!(!message.is_empty() && message.len() <= LIMITS.max_message_size);
                if self.mode == Mode::UnreliableUnordered
                    && let Some((expected, arrived)) = own
                {
                    assert_eq!(message, expected[..]);
                    let known = arrived.replace(self.now);
                    assert!(known.is_none_or(|at| at + LIMITS.max_age <= self.now), "twice");
                }
            }
            Ok(None) => {}
            Err(error) => {
                assert!(!error.to_string().is_empty());
                if self.mode == Mode::UnreliableUnordered {
                    assert!(own.is_none() || error.is_limit(), "{error}");
                    assert!(error.is_limit() || self.unchunker.memory() <= before);
                }
            }
        }
        match self.unchunker.poll_timeout() {
            Some(at) => assert!(at > self.now),
            None => assert_eq!(self.unchunker.memory(), 0),
        }
    }

    fn act(&mut self, what: u8, number: u8, data: Vec<u8>) {
        match what % 6 {
            // A chunk of the fuzzer's.
            0 => {
                let mut chunk = data;
                if let (Mode::UnreliableUnordered, Some(first)) = (self.mode, chunk.get_mut(1)) {
                    *first &= 0x7f;
                }
                self.add(&chunk);
            }
            // A message of ours.
            1 => {
                let size = self.mode.header_size() + 1 + usize::from(number);
                let id = OWN_IDS + self.messages.len() as u32;
                if let Ok(chunks) = self.chunker.chunk(&data[..], size) {
                    self.flying.extend(chunks);
                    self.messages.insert(id, (data, None));
                } else {
                    assert!(data.is_empty());
                }
            }
            // Chunks arrive in order, out of order, twice, or get lost.
            2 => {
                for chunk in std::mem::take(&mut self.flying) {
                    self.add(&chunk);
                }
            }
            3 if !self.flying.is_empty() => {
                let chunk = self.flying.swap_remove(usize::from(number) % self.flying.len());
                self.add(&chunk);
                if what >= 128 {
                    self.flying.push(chunk);
                }
            }
            4 if !self.flying.is_empty() => {
                self.flying.swap_remove(usize::from(number) % self.flying.len());
            }
            5 => {
                self.now += Duration::from_millis(u64::from(number) * 10);
                self.unchunker.expire(self.now);
            }
            _ => {}
        }
    }
}

fuzz_target!(|input: (bool, Vec<(u8, u8, Vec<u8>)>)| {
    let (ordered, actions) = input;
    let mode = if ordered { Mode::ReliableOrdered } else { Mode::UnreliableUnordered };
    let mut world = World {
        now: Instant::now(),
        mode,
        chunker: Chunker::starting_with(mode, OWN_IDS),
        unchunker: Unchunker::new(mode, LIMITS),
        messages: BTreeMap::new(),
        flying: Vec::new(),
    };
    for (what, number, data) in actions.into_iter().take(900) {
        world.act(what, number, data);
    }
    world.unchunker.expire(world.now + LIMITS.max_age);
    assert_eq!(world.unchunker.memory(), 0);
});
