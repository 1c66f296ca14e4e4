//! Locks that outlive a panic: the one place that says what a poisoned lock means here.
//!
//! A panic while a lock is held is a bug, and is reported where it happens: by the runtime, or at the
//! border of the C ABI as a status. What the lock protects stays usable all the same, because the
//! state machines uphold their invariants between any two lines of theirs that can panic. If everybody
//! else panicked as well, one bug in one connection would take all connections with it. (The standard
//! library has mutexes without poisoning, but not in stable Rust yet.)

use std::sync::{LockResult, Mutex, MutexGuard, PoisonError};

/// Locks a mutex, poisoned or not.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    unpoisoned(mutex.lock())
}

/// The guard that any other way of locking or waiting gives: that of a `Condvar` or an `RwLock`.
pub(crate) fn unpoisoned<G>(result: LockResult<G>) -> G {
    result.unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_leaves_the_lock_usable() {
        let mutex = Mutex::new(1);
        let panicked = std::thread::scope(|scope| {
            let panics = scope.spawn(|| {
                *lock(&mutex) = 2;
                let _guard = lock(&mutex);
                panic!("with the lock held");
            });
            panics.join().is_err()
        });
        assert!(panicked && mutex.is_poisoned());
        assert_eq!(*lock(&mutex), 2);
    }
}
