//! What the application knows of the network, which the system does not tell everywhere.

use std::sync::LazyLock;

use tokio::sync::watch;

/// How often the network has changed.
static CHANGES: LazyLock<watch::Sender<u64>> = LazyLock::new(|| watch::Sender::new(0));

/// The network of this host has changed: call this when the system tells the application so, for example
/// when a phone moves from WLAN to mobile data.
///
/// All clients look after their connections at once: the built-in WebRTC looks at the addresses of the
/// host, and the connection to the server is given up if the server does not answer a ping within 5 seconds, or
/// within one if the system would send to it from another address now. Without it they would find out too, but
/// later.
pub fn network_changed() {
    CHANGES.send_modify(|count| *count += 1);
}

/// Hears of changes from now on.
pub(super) fn changes() -> watch::Receiver<u64> {
    CHANGES.subscribe()
}

/// Waits for the next change.
pub(super) async fn changed(changes: &mut watch::Receiver<u64>) {
    if changes.changed().await.is_err() {
        // The sender is never dropped.
        std::future::pending().await
    }
}
