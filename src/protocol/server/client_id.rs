//! What tells the clients of a path apart.

/// One connection of a client. Never used again on the same path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(super) u64);
