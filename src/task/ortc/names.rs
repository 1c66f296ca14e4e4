//! Names of the ORTC task.

/// The name of the task.
// Spec: O-003 (Task Protocol Name)
pub const NAME: &str = "v0.ortc.tasks.saltyrtc.org";
/// The label of messages that are for the transport of the signalling channel. Applications cannot use it for
/// theirs.
pub const HANDOVER_LABEL: &str = "handover";
