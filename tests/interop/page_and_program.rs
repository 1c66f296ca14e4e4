//! The page of `examples-web` in Chromium, which speaks with the JavaScript client and its WebRTC task, and
//! `examples-c/send_file`, which speaks with this library and its own WebRTC: everything that people do with
//! them, over our server, whoever invites.

use std::fs;

use super::certificates::{Certificates, HOST};
use super::example::Example;
use super::library::LibraryServer;
use super::page::{Direction, Files, Page};

const MIB: u64 = 1 << 20;

/// The size of a file that is interrupted, and how much of it has arrived by then at least: a checkpoint of the
/// program and more.
const LONG: u64 = 96 * MIB;
const STORED: u64 = 4 * MIB;

/// The code of a 'close' of somebody who just ends.
const GOING_AWAY: u64 = 1001;

/// What the program says once the peer has proved who it is.
const THERE: &str = "the other side is there";
const KNOWN: &str = "the other side is there, known from before";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inviter {
    Program,
    Page,
}

struct Meeting {
    inviter: Inviter,
    page: Page,
    program: Example,
    invitation: String,
    server: LibraryServer,
    files: Files,
    certificates: Certificates,
}

impl Meeting {
    /// One invites, the other one joins.
    fn begin(test: &str, inviter: Inviter) -> Self {
        Self::begin_with(test, inviter, |_| {})
    }

    fn begin_with(test: &str, inviter: Inviter, prepare: impl FnOnce(&mut Page)) -> Self {
        let certificates = Certificates::new();
        let server = LibraryServer::start(&certificates);
        let files = Files::new(&format!("{test}-{inviter:?}"));
        fs::create_dir(files.path("received")).unwrap();
        let mut page = Page::start(&certificates);
        prepare(&mut page);
        let mut invitation = String::new();
        if inviter == Inviter::Page {
            invitation = page.invite(&server.address);
        }
        let mut program = start_program(inviter, &invitation, &server, &files, &certificates);
        if inviter == Inviter::Program {
            invitation = program.prints("wss://");
            page.open(&invitation);
        }
        assert!(invitation.contains('#'), "an invitation has a token: {invitation}");
        Self { inviter, page, program, invitation, server, files, certificates }
    }

    /// Starts the program again, with the keys that it has stored, and no token.
    fn restart_program(&mut self) {
        let Self { inviter, server, files, certificates, .. } = self;
        let invitation = self.invitation.split('#').next().unwrap();
        self.program = start_program(*inviter, invitation, server, files, certificates);
        if self.inviter == Inviter::Program {
            let invitation = self.program.prints("wss://");
            assert!(self.invitation.starts_with(&invitation), "the same, without a token");
        }
    }

    /// Both are there, and can open channels.
    fn expect_connection(&mut self, there: &str) {
        self.program.remarks(there);
        self.program.remarks("connected, end-to-end encrypted: directly");
        self.page.wait_for_peer();
        self.page.wait_for_handover();
    }

    /// A line and a small file, each way.
    fn exchange(&mut self, what: &str) {
        let Self { page, program, .. } = self;
        page.say(&format!("{what}, says the page"));
        assert_eq!(program.prints("peer: "), format!("peer: {what}, says the page"));
        program.say(&format!("{what}, says the program"));
        assert_eq!(page.hear(), format!("{what}, says the program"));
        self.exchange_files(what, 300_000);
    }

    /// A file of this size each way, at the same time.
    fn exchange_files(&mut self, what: &str, size: u64) {
        let (up, down) = (format!("{what} up"), format!("{what} down"));
        self.page.send_file(&self.files.make(&up, size));
        self.program.say(&format!("/send {}", self.files.make(&down, size).display()));
        self.expect_files(&up, &down, size);
    }

    /// Waits until both files of this size have arrived, `up` at the program and `down` at the page.
    fn expect_files(&mut self, up: &str, down: &str, size: u64) {
        let Self { page, program, files, .. } = self;
        page.wait_until_done(Direction::In, down);
        page.wait_until_done(Direction::Out, up);
        program
            .prints_all(&[&format!("sent: {down}: {size} bytes"), &format!("/{up}: {size} bytes")]);
        page.save(down, &files.path("saved"));
        files.assert_equal("saved", down);
        files.assert_equal(&format!("received/{up}"), up);
    }
}

fn start_program(
    inviter: Inviter,
    invitation: &str,
    server: &LibraryServer,
    files: &Files,
    certificates: &Certificates,
) -> Example {
    let [received, keys] = [files.path("received"), files.path("keys")]
        .map(|path| path.to_str().expect("text").to_owned());
    let ca = certificates.ca();
    let ca = ca.to_str().expect("text");
    let url = format!("wss://{HOST}:{}", server.address.port);
    let invites =
        ["serve", &received, "--server", &url, "--server-key", &server.address.public_key];
    let joins = ["join", invitation, &received];
    let mut arguments = match inviter {
        Inviter::Program => invites.to_vec(),
        Inviter::Page => joins.to_vec(),
    };
    arguments.extend(["--ca", ca, "--keys", &keys]);
    Example::start("send_file", &arguments)
}

/// Lines that are said before, during and after the handover, by both at the same time: all arrive, once, in order.
fn talk_and_exchange_files(inviter: Inviter) {
    let mut meeting = Meeting::begin_with("talk", inviter, Page::talk);
    let Meeting { page, program, .. } = &mut meeting;
    program.remarks(THERE);
    let mut said = 0;
    let mut say = |program: &mut Example| {
        said += 1;
        program.say(&format!("line {said}"));
    };
    for _ in 0..10 {
        say(program);
    }
    let mut phases = Vec::new();
    while phases.last().is_none_or(|phase| phase != "the end") {
        let line = program.prints("peer: ");
        let (number, phase) = line["peer: ".len()..].split_once(' ').expect("number and phase");
        assert_eq!(number, (phases.len() + 1).to_string(), "after {phases:?}");
        phases.push(phase.to_owned());
        say(program);
    }
    for number in 1..=said {
        assert_eq!(page.hear(), format!("line {number}"));
    }
    let lines_in = |phase: &str| phases.iter().filter(|other| *other == phase).count();
    assert!(lines_in("before") > 0 && lines_in("after") > 0, "{phases:?}");

    // Only the initiator offers, once.
    let expected = match inviter {
        Inviter::Program => [("remote", "offer"), ("local", "answer")],
        Inviter::Page => [("local", "offer"), ("remote", "answer")],
    };
    let expected = expected.map(|(side, kind)| (side.to_owned(), kind.to_owned()));
    assert_eq!(page.descriptions(), expected);

    page.wait_until_server_left();
    meeting.exchange_files("large", 100 * MIB);
    meeting.exchange("Without a server");
}

/// Whoever left, however, the two meet again with the keys that they know, without a token.
fn come_back(inviter: Inviter) {
    let mut meeting = Meeting::begin("back", inviter);
    meeting.expect_connection(THERE);
    meeting.exchange("For the first time");

    meeting.page.reload();
    meeting.expect_connection(KNOWN);
    meeting.exchange("Reloaded");

    meeting.program.interrupt();
    assert_eq!(meeting.page.wait_for_end(), Some(GOING_AWAY));
    meeting.program.ends(1);
    meeting.restart_program();
    meeting.expect_connection(KNOWN);
    meeting.exchange("Restarted");

    meeting.page.leave();
    meeting.program.remarks("the peer closed the connection; trying again");
    let invitation = meeting.invitation.split('#').next().unwrap().to_owned();
    match inviter {
        Inviter::Program => meeting.page.join(&invitation),
        Inviter::Page => {
            meeting.page.invite(&meeting.server.address);
        }
    }
    meeting.expect_connection(KNOWN);
    meeting.exchange("Here again");

    meeting.program.end_input();
    meeting.program.ends(0);
    assert_eq!(meeting.page.wait_for_end(), Some(GOING_AWAY));
}

/// Begins a file each way, and waits until both sides have stored some of what they have received, and neither has
/// all. The file of the page comes first: with one to receive, the page hardly gets to sending.
fn begin_files(meeting: &mut Meeting) {
    let Meeting { page, program, files, .. } = meeting;
    // Made before anything is under way: that takes time too.
    let [down, up] = ["down", "up"].map(|name| files.make(name, LONG));
    page.send_file(&up);
    program.remarks("up: 20%");
    program.say(&format!("/send {}", down.display()));
    page.wait_for_bytes(Direction::In, "down", STORED);
}

/// What is at the program already, of the file that the page sends.
fn expect_resumption(program: &mut Example) {
    let line = program.remarks("are here already");
    let (_, number) = line.rsplit_once("of which ").expect("a number");
    let number: u64 = number.split(' ').next().unwrap().parse().unwrap();
    assert!((STORED..LONG).contains(&number), "{line}");
}

/// The page is reloaded, which forgets what it has received and which files it was to send. The program knows both.
fn resume_after_a_reload(inviter: Inviter) {
    let mut meeting = Meeting::begin("reload", inviter);
    meeting.expect_connection(THERE);
    begin_files(&mut meeting);
    meeting.page.reload();
    meeting.expect_connection(KNOWN);
    meeting.page.send_file(&meeting.files.path("up"));
    expect_resumption(&mut meeting.program);
    meeting.expect_files("up", "down", LONG);
}

/// The program is killed, and told to send the same file again. The page knows what it has, and what is missing.
fn resume_after_a_kill(inviter: Inviter) {
    let mut meeting = Meeting::begin("kill", inviter);
    meeting.expect_connection(THERE);
    begin_files(&mut meeting);
    meeting.program.kill();
    meeting.restart_program();
    meeting.program.say(&format!("/send {}", meeting.files.path("down").display()));
    assert_eq!(meeting.page.wait_for_end(), None);
    meeting.expect_connection(KNOWN);
    assert!(meeting.page.wait_until_running(Direction::In, "down") >= STORED);
    expect_resumption(&mut meeting.program);
    meeting.expect_files("up", "down", LONG);
}

/// Covers W-002 W-022 W-029 W-030 W-033 W-034 W-035 W-047 W-049 W-057 W-058 W-065 W-067.
#[test]
fn the_program_invites_and_both_talk_and_exchange_files() {
    talk_and_exchange_files(Inviter::Program);
}

/// Covers W-002 W-022 W-029 W-030 W-033 W-034 W-035 W-047 W-049 W-057 W-058 W-065 W-067.
#[test]
fn the_page_invites_and_both_talk_and_exchange_files() {
    talk_and_exchange_files(Inviter::Page);
}

#[test]
fn the_program_invites_and_both_come_back() {
    come_back(Inviter::Program);
}

#[test]
fn the_page_invites_and_both_come_back() {
    come_back(Inviter::Page);
}

#[test]
fn the_program_invites_and_files_go_on_after_a_reload() {
    resume_after_a_reload(Inviter::Program);
}

#[test]
fn the_page_invites_and_files_go_on_after_a_reload() {
    resume_after_a_reload(Inviter::Page);
}

#[test]
fn the_program_invites_and_files_go_on_after_a_kill() {
    resume_after_a_kill(Inviter::Program);
}

#[test]
fn the_page_invites_and_files_go_on_after_a_kill() {
    resume_after_a_kill(Inviter::Page);
}
