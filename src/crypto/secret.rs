//! Secret bytes in memory: where they are, and that they are nowhere else.

use std::hint::black_box;

use zeroize::Zeroize;

use super::KEY_BYTES;

/// The bytes of a secret key or token, in an allocation of their own: who moves the secret copies a pointer, and
/// leaves no bytes of it behind on the stack. Zeroised when dropped.
pub(super) struct Secret(Box<[u8; KEY_BYTES]>);

impl Secret {
    /// What `fill` writes over zeros.
    pub(super) fn filled(fill: impl FnOnce(&mut [u8; KEY_BYTES])) -> Self {
        let mut secret = Self(Box::new([0; KEY_BYTES]));
        fill(&mut secret.0);
        secret
    }

    /// A copy of `bytes`.
    pub(super) fn copied(bytes: &[u8; KEY_BYTES]) -> Self {
        Self::filled(|to| to.copy_from_slice(bytes))
    }

    pub(super) const fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl Clone for Secret {
    fn clone(&self) -> Self {
        Self::copied(&self.0)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// More than any computation with a secret needs, also without optimisation.
const STACK_BYTES: usize = 24 * 1024;

/// Does `work`, and then overwrites what it has left below on the stack: the crates that compute with secrets
/// zeroise what they know of, but not where the compiler has put copies. What `work` returns must not be secret
/// itself, unless it is behind a pointer.
pub(super) fn without_traces<T>(work: impl FnOnce() -> T) -> T {
    // Neither may become part of this function: they use the same stack one after the other.
    #[inline(never)]
    fn apart<T>(work: impl FnOnce() -> T) -> T {
        work()
    }
    #[inline(never)]
    fn overwrite() {
        let mut stack = [0_u8; STACK_BYTES];
        black_box(&mut stack);
    }
    let result = apart(work);
    overwrite();
    result
}
