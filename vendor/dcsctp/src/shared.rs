// Added by libsaltyrtc, see README.md of this directory.

use std::sync::Mutex;
use std::sync::MutexGuard;

/// In place of `RefCell`, so that a socket can move to another thread. Never contended: all of its
/// owners are parts of one socket.
pub(crate) struct Shared<T: ?Sized>(Mutex<T>);

impl<T> Shared<T> {
    pub fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub fn replace(&self, value: T) -> T {
        std::mem::replace(&mut self.borrow_mut(), value)
    }
}

impl<T: ?Sized> Shared<T> {
    pub fn borrow(&self) -> MutexGuard<'_, T> {
        self.borrow_mut()
    }

    pub fn borrow_mut(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
