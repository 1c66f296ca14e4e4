//! The parser of invitations. What was parsed has to survive being written and parsed again.
//!
//! `cargo +nightly fuzz run invitation`

#![no_main]

use libfuzzer_sys::fuzz_target;
use saltyrtc::protocol::{Invitation, ServerUrl};

fuzz_target!(|text: &str| {
    let _ = ServerUrl::parse(text);
    if let Ok(invitation) = Invitation::parse(text) {
        let uri = invitation.to_uri();
        let again = Invitation::parse(&uri).expect("what we write can be read");
        assert_eq!(again.to_uri(), uri);
        // The token may never get into what is sent to the server.
        assert!(!invitation.websocket_url().contains(['?', '#']));
    }
});
