//! Waiting for events of a real client.

#![allow(dead_code, reason = "no test needs all of it")]

use saltyrtc::client::{Client, Closed, Event};

/// What `pick` finds in the first event in which it finds something. The others are passed over.
pub(crate) async fn wait_for<T>(client: &Client, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
    let mut seen = Vec::new();
    while let Some(event) = client.next_event().await {
        if let Some(found) = pick(&event) {
            return found;
        }
        seen.push(event);
    }
    panic!("the client ended without the expected event: {seen:?}");
}

pub(crate) async fn wait_for_peer(client: &Client) {
    wait_for(client, |event| matches!(event, Event::PeerHandshakeDone { .. }).then_some(())).await;
}

pub(crate) async fn wait_for_end(client: &Client) -> Closed {
    wait_for(client, |event| match event {
        Event::Closed(closed) => Some(closed.clone()),
        _ => None,
    })
    .await
}
