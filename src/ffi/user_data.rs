//! User data: the pointer that is passed to a callback.

use std::ffi::c_void;

/// Frees the user data of a callback. It is called exactly once, when the callback will not be called
/// any more.
pub type saltyrtc_user_data_free = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// User data that is freed, exactly once, when this is dropped.
#[derive(Debug)]
pub(super) struct UserData {
    pub(super) pointer: *mut c_void,
    free: saltyrtc_user_data_free,
}

// SAFETY: the header says that callbacks and their user data are used by threads of the library.
unsafe impl Send for UserData {}
unsafe impl Sync for UserData {}

impl UserData {
    pub(super) fn new(pointer: *mut c_void, free: saltyrtc_user_data_free) -> Self {
        Self { pointer, free }
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: the caller that gave us both vouches for it.
            unsafe { free(self.pointer) }
        }
    }
}
