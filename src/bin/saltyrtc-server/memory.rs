//! How much memory the limits of a configuration allow clients to take.

use crate::args::ServerOptions;
use crate::values::{Count, Size};

/// The program, its certificate and what all connections share.
const PROGRAM: u64 = 32 << 20;
/// Buffers of a connection, small messages that are let through, the server's own messages for it, and its task.
const CONNECTION: u64 = 256 << 10;

/// The most bytes that the server can need, as in the formula in `docs/operating.md`. `None` if a limit is off
/// that this depends on.
pub(crate) fn needed(options: &ServerOptions) -> Option<u64> {
    let limits = &options.limits;
    let bytes = |Size(bytes): Size| u64::try_from(bytes).unwrap_or(u64::MAX);
    let Count(connections) = limits.max_connections.0?;
    [
        PROGRAM,
        bytes(limits.max_all_queues.0?),
        bytes(limits.max_receiving.0?),
        CONNECTION.saturating_mul(connections.into()),
    ]
    .into_iter()
    .reduce(u64::saturating_add)
}

/// For whoever gives the server a limit.
pub(crate) fn explanation(options: &ServerOptions) -> String {
    match needed(options) {
        Some(bytes) => format!(
            "With these limits it can need {}M of memory (MemoryMax= in a unit of systemd).",
            bytes.div_ceil(1 << 20)
        ),
        None => "Nothing limits the memory that it can need: max-connections, max-receiving or max-all-queues is off."
            .to_owned(),
    }
}
