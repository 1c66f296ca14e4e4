//! What people see of the page of `examples-web`, and what they must not see: what is another peer's.

use super::ServerAddress;
use super::certificates::{Certificates, HOST};
use super::library::LibraryServer;
use super::page::{Direction, Files, Page};

/// A key of nobody who is connected.
const NOBODY: &str = "5e59d1ba6c9b1d5b8a3a5d3f4f0e8f8a4bb7c14d1d7f0bd9f0a5a4d5c1f0aa31";

fn url(server: &ServerAddress) -> String {
    format!("wss://{HOST}:{}/", server.port)
}

fn address(server: &ServerAddress) -> String {
    format!("{}?{}", url(server), server.public_key)
}

/// An invitation of somebody who is not there.
fn invitation_of_nobody(server: &ServerAddress) -> String {
    format!("{}{NOBODY}?{}#{NOBODY}", url(server), server.public_key)
}

#[test]
fn nothing_of_a_peer_outlives_it() {
    let certificates = Certificates::new();
    let server = LibraryServer::start(&certificates);
    let files = Files::new("outlives");
    let mut alice = Page::start(&certificates);
    let mut bob = Page::start(&certificates);
    let invitation = alice.invite(&server.address);
    bob.open(&invitation);
    alice.wait_for_handover();
    bob.wait_for_handover();
    bob.say("For Alice alone.");
    assert_eq!(alice.hear(), "For Alice alone.");
    alice.send_file(&files.make("from alice", 1000));
    bob.wait_until_done(Direction::In, "from alice");
    bob.fill("#text", "Half of a line for Al");
    bob.leave();

    // Another peer, who is not there yet: a file for that one, and nothing of Alice.
    bob.join(&invitation_of_nobody(&server.address));
    bob.wait_for_status("The peer is not there.");
    assert!(bob.read("#messages li").is_empty());
    assert!(bob.read("#transfers li").is_empty());
    bob.send_file(&files.make("not for alice", 1000));
    bob.say("Is nobody there?");
    assert_eq!(bob.read("#transfers .name"), ["not for alice"]);
    bob.leave();

    // Files go out in the order in which they were chosen.
    bob.join(&invitation);
    bob.send_file(&files.make("for alice", 1000));
    alice.wait_until_done(Direction::In, "for alice");
    assert!(!alice.file_names().contains(&"not for alice".to_owned()), "{:?}", alice.file_names());
    assert!(bob.read("#messages li").is_empty());
    assert_eq!(bob.read("#transfers .name"), ["for alice"]);
}

#[test]
fn the_page_says_whom_it_waits_for_and_why_in_vain() {
    let certificates = Certificates::new();
    let server = LibraryServer::start(&certificates);
    let mut alice = Page::start(&certificates);
    let mut bob = Page::start(&certificates);
    let invitation = alice.invite(&server.address);
    alice.wait_for_status("Waiting for somebody with your invitation");

    // The key of the server is another one: no use to try again.
    bob.open(&invitation.replace(&server.address.public_key, NOBODY));
    let said = bob.wait_for_status("another key");
    assert!(!said.contains("Trying again"), "{said}");
    assert_eq!(bob.read("#again"), ["Try again"]);
    bob.leave();

    bob.join(&invitation_of_nobody(&server.address));
    bob.wait_for_status("The peer is not there. Waiting for it… If it has met somebody");
    bob.leave();

    // What the page hands out is taken by the page.
    bob.join(&format!("http://localhost/page/#{}", invitation.replace('#', "%23")));
    alice.wait_for_handover();
    bob.wait_for_handover();
    alice.leave();
    bob.wait_for_status("The peer has left. Trying again");
    bob.wait_for_status("The peer has left. Waiting for it to come back");

    // Who invites over the same server again is told whom that is for, and can invite somebody else.
    alice.fill("#server", &address(&server.address));
    alice.click("#invite button");
    alice.wait_for_handover();
    bob.wait_for_handover();
    bob.leave();
    alice.wait_for_status("The peer has left. Waiting for it to come back");
    assert_eq!(alice.read("#known h2"), ["You have met a peer over this server"]);

    // Without its keys, the invitation that was used is of no use.
    assert_eq!(bob.read("#peer-list button"), ["Forget"]);
    bob.click("#peer-list button");
    bob.wait_for_announcement("The peer is forgotten.");
    assert!(bob.read("#peers").is_empty());
    bob.join(&invitation);
    bob.wait_for_status("The peer does not accept this invitation");
    bob.leave();

    alice.wait_for_invitation();
    alice.click("#other");
    alice.wait_for_status("Waiting for somebody with your invitation");
    let shown = alice.read("#link").concat();
    assert!(
        shown.contains('#') && !shown.starts_with(&invitation[..invitation.len() / 2]),
        "{shown}"
    );
    bob.join(&shown);
    alice.wait_for_handover();
    bob.wait_for_handover();
    alice.click("#forget");
    alice.wait_for_status("Not connected.");
    assert!(alice.read("#peers").is_empty());
}

#[test]
fn the_page_is_for_every_screen_and_for_those_who_listen() {
    let certificates = Certificates::new();
    let server = LibraryServer::start(&certificates);
    let files = Files::new("look");
    let mut alice = Page::start(&certificates);
    let mut bob = Page::start(&certificates);
    bob.open("");
    bob.must_look_well("start");
    for (form, field) in [("join", "invitation"), ("invite", "server")] {
        bob.fill(&format!("#{field}"), "wss://");
        bob.click(&format!("#{form} button"));
        let problem = bob.wait_for_problem();
        assert_eq!(
            bob.read(&format!("#{field}:focus[aria-invalid] + #{field}-problem")),
            [problem]
        );
        bob.must_look_well(&format!("problem-{field}"));
    }

    alice.invite(&server.address);
    alice.wait_for_announcement("Your invitation is on the page.");
    alice.must_look_well("inviting");
    alice.click("#copy");
    alice.wait_for_announcement("The link is copied.");
    assert_eq!(alice.read("#copy"), ["Copied"]);
    let link = alice.paste();
    assert!(link.starts_with("http://127.0.0.1:"), "{link}");

    bob.join(&link);
    alice.wait_for_handover();
    bob.wait_for_handover();
    let long = "a name that is as wide as a screen ".repeat(5);
    bob.send_file(&files.make(&long, 1000));
    bob.wait_for_announcement("Sent: ");
    alice.wait_for_announcement("Received: ");
    alice.say(&"Grüße! ".repeat(100));
    bob.hear();
    // Nobody is there to take it: the file waits.
    alice.leave();
    bob.wait_for_status("Waiting for it to come back");
    bob.send_file(&files.make("later", 1000));
    bob.must_look_well("meeting");
    alice.must_look_well("known-peers");
}
