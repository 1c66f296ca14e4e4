//! How many log messages wait on a queue, and may.

use crate::ffi::event::{Content, Posted};

#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) capacity: usize,
    waiting: usize,
    /// How many were dropped since the last one that was not.
    dropped: u64,
}

impl Log {
    /// Whether something may be posted: log messages only if there is room for them. The first one after
    /// others were dropped says how many.
    pub(super) fn admits(&mut self, posted: &mut Posted) -> bool {
        let Posted::Log { dropped, .. } = posted else { return true };
        if self.waiting >= self.capacity {
            self.dropped += 1;
            return false;
        }
        self.waiting += 1;
        *dropped = std::mem::take(&mut self.dropped);
        true
    }

    /// Something was taken.
    pub(super) fn taken(&mut self, content: &Content) {
        match content {
            Content::Posted(Posted::Log { .. }) => self.waiting -= 1,
            Content::Posted(_) | Content::Client(_) => {}
        }
    }
}
