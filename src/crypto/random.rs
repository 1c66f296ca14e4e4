//! Randomness as an input, so that the state machines can be run deterministically in tests.

/// A cryptographically secure source of random bytes.
///
/// Everything that the protocol wants unpredictable (keys, tokens, cookies, first sequence numbers)
/// is drawn from the source that a state machine was created with. Programs use [`OsRandom`]; a
/// deterministic source is for tests only.
pub trait RandomSource: Send {
    /// Overwrites `bytes` with random bytes.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl dyn RandomSource + '_ {
    /// Returns `N` random bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// The random number generator of the operating system.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsRandom;

impl RandomSource for OsRandom {
    /// # Panics
    ///
    /// If the operating system has no random numbers to give; going on would mean predictable keys.
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system provides random numbers");
    }
}
