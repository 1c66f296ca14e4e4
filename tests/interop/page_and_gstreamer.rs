//! The page of `examples-web` in Chromium, and `examples-c/gstreamer_webrtc`, whose WebRTC is that of GStreamer:
//! this library carries its signalling only, and seals the lines of its chat.

use super::certificates::Certificates;
use super::example::Example;
use super::library::LibraryServer;
use super::page::Page;

/// The data channel of its chat.
const CHAT: u16 = 1;

fn chat(page: &mut Page, program: &mut Example) {
    program.remarks("connected, end-to-end encrypted");
    program.remarks("the signalling needs no server any more");
    page.wait_until_server_left();
    page.wait_for_chat_channel();
    for number in 0..20 {
        let line = format!("Grüße, {number}");
        page.say_over_channel(&line);
        assert_eq!(program.prints(""), line);
        program.say(&line);
        assert_eq!(page.hear(), line);
    }
    // No answer in between: they stay in order.
    let lines = || (0..200).map(|number| format!("{number} {}", "x".repeat(2000)));
    for line in lines() {
        program.say(&line);
    }
    for line in lines() {
        assert_eq!(page.hear(), line);
    }
}

fn new_page(certificates: &Certificates) -> Page {
    let mut page = Page::start(certificates);
    page.chat_over_channel(CHAT);
    page
}

#[test]
fn gstreamer_invites_and_the_page_joins() {
    let certificates = Certificates::new();
    let mut page = new_page(&certificates);
    let mut program = Example::start("gstreamer_webrtc", &["initiate"]);
    page.open(&program.prints("ws://"));
    chat(&mut page, &mut program);
    assert_eq!(page.descriptions(), [("remote", "offer"), ("local", "answer")].map(owned));
}

#[test]
fn the_page_invites_and_gstreamer_joins() {
    let certificates = Certificates::new();
    // The program has no way to trust our certificates.
    let server = LibraryServer::start_with(&certificates, |config| config.tls = None);
    let mut page = new_page(&certificates);
    let invitation = page.invite_over(&format!("ws://127.0.0.1:{}", server.address.port));
    let mut program = Example::start("gstreamer_webrtc", &["join", &invitation]);
    chat(&mut page, &mut program);
    assert_eq!(page.descriptions(), [("local", "offer"), ("remote", "answer")].map(owned));
}

fn owned((side, kind): (&str, &str)) -> (String, String) {
    (side.to_owned(), kind.to_owned())
}
