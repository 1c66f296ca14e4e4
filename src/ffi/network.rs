//! What the application knows of the network.

use super::error::{entry, saltyrtc_error};
use super::status::saltyrtc_status;

/// Tells the library that the network of this host has changed: for applications that the operating system
/// tells so, as Android and iOS do when a phone moves from WLAN to mobile data.
///
/// It is for all clients, of both roles, and returns at once. The built-in WebRTC looks at the addresses of
/// the host; and each client that is connected to a server sends it a ping, and is closed with
/// SALTYRTC_STATUS_CONNECTION_LOST if nothing comes from there within 5 seconds, or within 1 second if the system
/// would send to it from another address now. Without this call they find out too, but later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_network_changed(
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        crate::client::network_changed();
        Ok(())
    })
}
