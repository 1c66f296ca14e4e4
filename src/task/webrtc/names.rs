//! Names of the WebRTC task.

/// The name of version 1 of the task.
// Spec: W-003 (Task Protocol Name)
pub const NAME: &str = "v1.webrtc.tasks.saltyrtc.org";
/// The name of version 0 of the task.
pub const NAME_V0: &str = "v0.webrtc.tasks.saltyrtc.org";
/// The label of the data channel that the signalling is handed over to.
pub const SIGNALLING_LABEL: &str = "saltyrtc-signaling";
