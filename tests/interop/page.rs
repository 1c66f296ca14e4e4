//! The page of `examples-web` in a headless Chromium, used like a person would, and what two such pages
//! do over our server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value as Json, json};

use super::ServerAddress;
use super::certificates::{Certificates, HOST};
use super::driver::{EVENT_LIMIT, Program};
use super::library::LibraryServer;

/// A browser with the page.
pub struct Page {
    program: Program,
    query: String,
    /// Events that nobody has waited for yet.
    pending: Vec<Json>,
}

impl Page {
    /// Starts the browser and waits until it takes commands.
    pub fn start(certificates: &Certificates) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for directory in ["tests/interop/js", "examples-web"] {
            assert!(
                root.join(directory).join("node_modules").is_dir(),
                "what {directory} needs is not installed: run scripts/test-interop.sh, or `npm ci` in it"
            );
        }
        let mut command = Command::new("node");
        command.arg(root.join("tests/interop/js/page.mjs")).arg(certificates.ca());
        let program = Program::start("The page", &mut command);
        let mut page = Self { program, query: String::new(), pending: Vec::new() };
        page.wait_for("ready");
        page
    }

    /// Lets the page talk by itself: from the moment at which the peers know each other until the signalling has
    /// been handed over for a while. Each line is a number, which counts from one, and `before`, `during`,
    /// `after` or, the last one, `the end`.
    pub fn talk(&mut self) {
        "talk".clone_into(&mut self.query);
    }

    /// Opens the page as somebody who invites over this server; returns the invitation.
    pub fn invite(&mut self, server: &ServerAddress) -> String {
        self.invite_over(&format!("wss://{HOST}:{}/?{}", server.port, server.public_key))
    }

    /// The same, with the address of the server as a person types it.
    pub fn invite_over(&mut self, server: &str) -> String {
        self.open(&format!("invite={server}"));
        text(&self.wait_for("invitation"), "uri")
    }

    /// Opens the page with an invitation, as by its link.
    pub fn open(&mut self, invitation: &str) {
        self.program
            .send(&json!({ "command": "open", "fragment": invitation, "query": self.query }));
    }

    /// Joins by typing the invitation into the page that is open.
    pub fn join(&mut self, invitation: &str) {
        self.program.send(&json!({ "command": "join", "invitation": invitation }));
    }

    /// Reloads the page, as with the button of the browser.
    pub fn reload(&mut self) {
        self.forget();
        self.program.send(&json!({ "command": "reload" }));
    }

    /// Leaves the peer. The page stays open, and what it has received stays in it until it meets another one.
    pub fn leave(&mut self) {
        self.program.send(&json!({ "command": "leave" }));
    }

    /// Clicks on what this CSS selector selects.
    pub fn click(&mut self, selector: &str) {
        self.program.send(&json!({ "command": "click", "selector": selector }));
    }

    /// Types into the field that this CSS selector selects.
    pub fn fill(&mut self, selector: &str, text: &str) {
        self.program.send(&json!({ "command": "fill", "selector": selector, "text": text }));
    }

    /// The texts of all that can be seen of what this CSS selector selects.
    pub fn read(&mut self, selector: &str) -> Vec<String> {
        self.program.send(&json!({ "command": "read", "selector": selector }));
        let event = self.wait_for("read");
        let texts = event["texts"].as_array().expect("texts");
        texts.iter().map(|text| text.as_str().expect("a string").to_owned()).collect()
    }

    /// What is in the clipboard.
    pub fn paste(&mut self) -> String {
        self.program.send(&json!({ "command": "paste" }));
        text(&self.wait_for("pasted"), "text")
    }

    /// The next invitation that the page shows: its URI, and the link to the page that carries it.
    pub fn wait_for_invitation(&mut self) -> (String, String) {
        let event = self.wait_for("invitation");
        (text(&event, "uri"), text(&event, "link"))
    }

    /// Waits until the page says so at its top; returns all of that.
    pub fn wait_for_status(&mut self, part: &str) -> String {
        let event = self.wait_until("status", |event| text(event, "text").contains(part));
        text(&event, "text")
    }

    /// Waits until this is said to those who do not see the page.
    pub fn wait_for_announcement(&mut self, part: &str) {
        self.wait_until("announcement", |event| text(event, "text").contains(part));
    }

    /// Waits until the page says what is wrong with what was typed.
    pub fn wait_for_problem(&mut self) -> String {
        text(&self.wait_for("problem"), "text")
    }

    /// The names of all files that came or went so far.
    pub fn file_names(&self) -> Vec<String> {
        self.program.seen("transfer").into_iter().map(|event| text(event, "name")).collect()
    }

    /// Looks at the page on screens of several widths, light and dark (`js/look.mjs`): nothing must be wrong with it.
    pub fn must_look_well(&mut self, name: &str) {
        self.program.send(&json!({ "command": "look", "name": name }));
        let event = self.wait_for("looked");
        let found = event["found"].as_array().expect("findings");
        assert!(found.is_empty(), "{found:#?}");
    }

    /// Waits until the peer has proved who it is; returns its permanent key in hexadecimal.
    pub fn wait_for_peer(&mut self) -> String {
        text(&self.wait_for("peer"), "peerKey")
    }

    /// Waits until the signalling has been handed over to the data channel.
    pub fn wait_for_handover(&mut self) {
        self.wait_for("handover");
    }

    /// Waits until the signalling has been handed over, and the page has left the server.
    pub fn wait_until_server_left(&mut self) {
        self.wait_for_handover();
        self.wait_for("server-left");
    }

    /// The session descriptions so far: whose they were (`local` or `remote`), and their type.
    pub fn descriptions(&self) -> Vec<(String, String)> {
        let seen = self.program.seen("description");
        seen.into_iter().map(|event| (text(event, "side"), text(event, "type"))).collect()
    }

    /// Waits until the session is over; returns the code of the peer's 'close', if that was the cause.
    pub fn wait_for_end(&mut self) -> Option<u64> {
        let event = self.wait_for("end");
        self.forget();
        event["code"].as_u64()
    }

    /// Types a line of chat and sends it.
    pub fn say(&mut self, line: &str) {
        self.program.send(&json!({ "command": "chat", "text": line }));
    }

    /// Lets the page have a chat over the secure data channel with this id, as `gstreamer_webrtc` has.
    pub fn chat_over_channel(&mut self, id: u16) {
        self.query = format!("chat-channel={id}");
    }

    /// Waits until that channel is open.
    pub fn wait_for_chat_channel(&mut self) {
        self.wait_for("chat-open");
    }

    /// Sends a line over that channel.
    pub fn say_over_channel(&mut self, line: &str) {
        self.program.send(&json!({ "command": "chat", "text": line, "channel": true }));
    }

    /// Waits for the next line of chat of the peer.
    pub fn hear(&mut self) -> String {
        text(&self.wait_for("chat"), "text")
    }

    /// Chooses a file to be sent.
    pub fn send_file(&mut self, path: &Path) {
        self.program.send(&json!({ "command": "send", "path": path }));
    }

    /// Waits until bytes flow; returns how many the receiver had already.
    pub fn wait_until_running(&mut self, direction: Direction, name: &str) -> u64 {
        let event = self.wait_for_transfer(direction, name, "running");
        event["bytes"].as_u64().expect("a number")
    }

    /// Waits until at least that many bytes of a file have come or gone.
    pub fn wait_for_bytes(&mut self, direction: Direction, name: &str, bytes: u64) {
        self.wait_until("progress", |event| {
            event["direction"] == direction.name()
                && event["name"] == name
                && event["bytes"].as_u64().expect("a number") >= bytes
        });
    }

    /// Waits until the page says that the whole file is there, or there at the peer, and verified.
    pub fn wait_until_done(&mut self, direction: Direction, name: &str) {
        self.wait_for_transfer(direction, name, "done");
    }

    /// Saves a received file, by the link of the page for it.
    pub fn save(&mut self, name: &str, path: &Path) {
        self.program.send(&json!({ "command": "save", "name": name, "path": path }));
        self.wait_for("saved");
    }

    fn wait_for_transfer(&mut self, direction: Direction, name: &str, state: &str) -> Json {
        self.wait_until("transfer", |event| {
            let is_it = event["direction"] == direction.name() && event["name"] == name;
            assert!(!is_it || event["state"] != "failed", "{event}");
            is_it && event["state"] == state
        })
    }

    fn wait_for(&mut self, name: &str) -> Json {
        self.wait_until(name, |_| true)
    }

    /// The first event of this name that is the one, and that nobody has waited for yet.
    fn wait_until(&mut self, name: &str, is_it: impl Fn(&Json) -> bool) -> Json {
        let is_it = |event: &Json| event["event"] == name && is_it(event);
        if let Some(at) = self.pending.iter().position(is_it) {
            return self.pending.remove(at);
        }
        let begun = Instant::now();
        loop {
            let event = self.program.next_event(name);
            assert_ne!(event["event"], "uncaught", "the page threw an exception");
            // By itself it would try again for ever, and is never silent.
            let in_vain = event["event"] == "end" && begun.elapsed() > EVENT_LIMIT;
            assert!(!in_vain, "the page tries again and again, awaited: {name}");
            if is_it(&event) {
                return event;
            }
            self.pending.push(event);
        }
    }

    /// What happened until now does not matter any more.
    fn forget(&mut self) {
        self.program.forget_events();
        self.pending.clear();
    }
}

/// Which way a file goes, as the page sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

impl Direction {
    const fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// Files for the page, in a directory of their own, which is removed on drop.
pub struct Files {
    directory: PathBuf,
}

const BLOCK_BYTES: u64 = 4096;

impl Files {
    /// No file yet.
    pub fn new(test: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("page-{}-{test}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        Self { directory }
    }

    /// The path of the file with this name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A file of this size whose blocks all differ, so that none can be lost, doubled or exchanged.
    pub fn make(&self, name: &str, size: u64) -> PathBuf {
        let path = self.path(name);
        let salt = name.bytes().fold(0_u64, |salt, byte| salt.wrapping_mul(31) ^ u64::from(byte));
        let mut block: Vec<u8> = (1..=BLOCK_BYTES / 8)
            .flat_map(|number| salt.wrapping_mul(number).to_be_bytes())
            .collect();
        let mut content = Vec::new();
        for number in 0..size.div_ceil(BLOCK_BYTES) {
            block[..8].copy_from_slice(&salt.wrapping_add(number).to_be_bytes());
            content.extend_from_slice(&block);
        }
        content.truncate(usize::try_from(size).unwrap());
        fs::write(&path, content).unwrap();
        path
    }

    /// Whether two files have the same content.
    pub fn assert_equal(&self, one: &str, other: &str) {
        let same = fs::read(self.path(one)).unwrap() == fs::read(self.path(other)).unwrap();
        assert!(same, "{one} and {other} differ");
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn text(event: &Json, field: &str) -> String {
    event[field].as_str().expect("a string").to_owned()
}

const MIB: u64 = 1 << 20;

/// Two pages among themselves: when this fails, the page is broken, and not our client.
#[test]
fn two_pages_chat_exchange_files_and_meet_again() {
    let certificates = Certificates::new();
    let server = LibraryServer::start(&certificates);
    let files = Files::new("two");
    let mut alice = Page::start(&certificates);
    let mut bob = Page::start(&certificates);

    let invitation = alice.invite(&server.address);
    bob.open(&invitation);
    let bob_key = alice.wait_for_peer();
    let alice_key = bob.wait_for_peer();
    alice.wait_for_handover();
    bob.wait_for_handover();
    alice.say("Grüße, <b>Bob</b>!");
    assert_eq!(bob.hear(), "Grüße, <b>Bob</b>!");
    bob.say("Hello, Alice!");
    assert_eq!(alice.hear(), "Hello, Alice!");

    // Both ways at once, and one of them is empty.
    alice.send_file(&files.make("from alice", 100 * MIB));
    bob.send_file(&files.make("nothing", 0));
    bob.send_file(&files.make("from bob", 100 * MIB));
    bob.wait_until_done(Direction::In, "from alice");
    alice.wait_until_done(Direction::In, "from bob");
    for (page, names) in [(&mut bob, &["from alice"][..]), (&mut alice, &["from bob", "nothing"])] {
        for name in names {
            page.save(name, &files.path("saved"));
            files.assert_equal("saved", name);
        }
    }

    // After a reload they know each other without the token, which is used up.
    bob.reload();
    assert_eq!(alice.wait_for_peer(), bob_key);
    assert_eq!(bob.wait_for_peer(), alice_key);
    alice.wait_for_handover();
    bob.wait_for_handover();
    bob.say("Me again.");
    assert_eq!(alice.hear(), "Me again.");
}

#[test]
fn a_page_resumes_a_file_where_it_stopped() {
    let certificates = Certificates::new();
    let server = LibraryServer::start(&certificates);
    let files = Files::new("resume");
    let mut alice = Page::start(&certificates);
    let mut bob = Page::start(&certificates);
    let invitation = alice.invite(&server.address);
    bob.open(&invitation);
    let path = files.make("long", 32 * MIB);
    bob.wait_for_handover();
    alice.send_file(&path);
    assert_eq!(bob.wait_until_running(Direction::In, "long"), 0);
    bob.wait_for_bytes(Direction::In, "long", MIB);
    bob.leave();
    bob.join(&invitation);
    assert!(bob.wait_until_running(Direction::In, "long") >= MIB);
    bob.wait_until_done(Direction::In, "long");
    alice.wait_until_done(Direction::Out, "long");
    bob.save("long", &files.path("saved"));
    files.assert_equal("saved", "long");
}
