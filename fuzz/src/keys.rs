//! Keys that everybody knows.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, OnceLock};

use saltyrtc::crypto::{AuthToken, KeyPair, PublicKey, RandomSource, SecretKey, SharedKey};

/// The key pair number `n`. Made once: most of the time of a run would go into it.
pub fn pair(n: u8) -> KeyPair {
    static PAIRS: [OnceLock<KeyPair>; 256] = [const { OnceLock::new() }; 256];
    let pair = PAIRS[usize::from(n)].get_or_init(|| {
        let secret = SecretKey::from_bytes(&[n; 32]);
        KeyPair::from_secret(secret)
    });
    pair.clone()
}

/// The key that the owners of two of these pairs share. Made once, too.
pub fn shared(one: &KeyPair, other: &KeyPair) -> SharedKey {
    type Keys = HashMap<[PublicKey; 2], SharedKey>;
    static KEYS: LazyLock<Mutex<Keys>> = LazyLock::new(Mutex::default);
    let mut keys = KEYS.lock().expect("nobody panics with it");
    let key = keys.entry([*one.public(), *other.public()]);
    key.or_insert_with(|| SharedKey::new(one.public(), other.secret())).clone()
}

/// The permanent key pair of the initiator: its public half is the path.
pub fn initiator() -> KeyPair {
    pair(1)
}

/// The permanent key pair of the responder that is invited.
pub fn responder() -> KeyPair {
    pair(2)
}

/// The token number `n`; 0 is the one of the invitation.
pub fn token(n: u8) -> AuthToken {
    AuthToken::from_bytes(&[0x80 | n; 32])
}

/// Not random at all, and therefore good for fuzzing: the same in every run, and never twice the same.
pub struct Counter(pub u64);

impl RandomSource for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            self.0 += 1;
            let spread = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&spread.to_le_bytes()[..chunk.len()]);
        }
    }
}
