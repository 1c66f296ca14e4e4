//! The JavaScript client as a peer, in Node or in Chromium.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use rmpv::Value;
use serde_json::{Value as Json, json};

use super::certificates::{Certificates, HOST};
use super::driver::Program;
use super::{ServerAddress, value};

/// The task both peers have in every test that is not about tasks.
pub const RELAYED_DATA: &str = "v0.relayed-data.tasks.saltyrtc.org";

/// Where the JavaScript client runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    Node,
    Chromium,
}

/// How the JavaScript client is to be set up. Keys and tokens are hexadecimal.
#[derive(Clone, Debug)]
pub struct Job(Json);

impl Job {
    /// An initiator that makes up its permanent key and the token.
    pub fn initiator(server: &ServerAddress) -> Self {
        Self::new("initiator", server)
    }

    /// A responder that got the initiator's public key and the token.
    pub fn responder(server: &ServerAddress, initiator: &Created) -> Self {
        let token =
            initiator.token.as_deref().expect("an initiator that trusts nobody has a token");
        Self::responder_with(server, &initiator.public_key, token)
    }

    /// The same with any key and token.
    pub fn responder_with(server: &ServerAddress, initiator_key: &str, token: &str) -> Self {
        Self::new("responder", server).with("initiatorKey", initiator_key).with("token", token)
    }

    /// A responder that trusts the initiator's key.
    pub fn trusting_responder(server: &ServerAddress, initiator_key: &str) -> Self {
        Self::new("responder", server).trusting(initiator_key)
    }

    fn new(role: &str, server: &ServerAddress) -> Self {
        Self(json!({
            "role": role,
            "host": HOST,
            "port": server.port,
            "serverKey": server.public_key,
            "tasks": [RELAYED_DATA],
        }))
    }

    /// Trusts the peer's public key; there is no token then.
    pub fn trusting(self, peer_key: &str) -> Self {
        self.with("trustedKey", peer_key)
    }

    /// Has this permanent secret key.
    pub fn with_secret_key(self, key: &str) -> Self {
        self.with("secretKey", key)
    }

    /// Expects this public key of the server.
    pub fn with_server_key(self, key: &str) -> Self {
        self.with("serverKey", key)
    }

    /// Asks the server for pings, in seconds.
    pub fn with_ping_interval(self, seconds: u32) -> Self {
        self.with("pingInterval", seconds)
    }

    /// Offers these tasks, in order of preference. All but the relayed data task only have a name.
    pub fn with_tasks(self, names: &[&str]) -> Self {
        self.with("tasks", names)
    }

    fn with(mut self, field: &str, value: impl Into<Json>) -> Self {
        self.0[field] = value.into();
        self
    }
}

/// What a session tells before it connects.
#[derive(Clone, Debug)]
pub struct Created {
    pub public_key: String,
    pub token: Option<String>,
}

/// The processes of a test. They all trust the same certificates; one that is not used any more is kept
/// for the next use, because starting a browser takes long.
pub struct Peers<'a> {
    pub certificates: &'a Certificates,
    idle: RefCell<Vec<JavaScriptPeer>>,
}

impl<'a> Peers<'a> {
    /// No process yet.
    pub const fn new(certificates: &'a Certificates) -> Self {
        Self { certificates, idle: RefCell::new(Vec::new()) }
    }

    /// A process that nobody uses. It has to make a session first: an earlier one may still be there.
    pub fn start(&self, runtime: Runtime) -> Lent<'_> {
        let mut idle = self.idle.borrow_mut();
        let peer = match idle.iter().position(|peer| peer.runtime == runtime) {
            Some(index) => idle.swap_remove(index),
            None => JavaScriptPeer::start(runtime, self.certificates),
        };
        Lent { peer: Some(peer), home: &self.idle }
    }
}

/// A process of [`Peers`], which goes back to them when it is dropped.
pub struct Lent<'a> {
    peer: Option<JavaScriptPeer>,
    home: &'a RefCell<Vec<JavaScriptPeer>>,
}

impl Deref for Lent<'_> {
    type Target = JavaScriptPeer;

    fn deref(&self) -> &JavaScriptPeer {
        self.peer.as_ref().expect("there until dropped")
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut JavaScriptPeer {
        self.peer.as_mut().expect("there until dropped")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.home.borrow_mut().extend(self.peer.take());
        }
    }
}

/// A process with one session of the JavaScript client at a time.
pub struct JavaScriptPeer {
    runtime: Runtime,
    program: Program,
}

impl JavaScriptPeer {
    /// Starts the process and waits until it takes commands.
    pub fn start(runtime: Runtime, certificates: &Certificates) -> Self {
        let directory = directory();
        assert!(
            directory.join("node_modules").is_dir(),
            "the JavaScript client is not installed: run scripts/test-interop.sh, or `npm ci` in {}",
            directory.display()
        );
        let name = match runtime {
            Runtime::Node => "node",
            Runtime::Chromium => "chromium",
        };
        let mut command = Command::new("node");
        command.arg(directory.join("peer.mjs")).arg(name).arg(certificates.ca());
        let program = Program::start(&format!("The peer in {name}"), &mut command);
        let mut peer = Self { runtime, program };
        peer.wait_for("ready");
        peer
    }

    /// Makes a session and connects.
    pub fn connect(&mut self, job: &Job) -> Created {
        let created = self.create(job);
        self.connect_created();
        created
    }

    /// Connects the session that was made.
    pub fn connect_created(&mut self) {
        self.command("connect");
    }

    /// Makes a session, in place of an earlier one, without connecting.
    pub fn create(&mut self, job: &Job) -> Created {
        self.program.send(&json!({ "command": "create", "job": job.0 }));
        let event = self.wait_for("created");
        self.program.forget_events();
        Created {
            public_key: event["publicKey"].as_str().expect("a key").to_owned(),
            token: event["token"].as_str().map(str::to_owned),
        }
    }

    /// Ends the session, like an application.
    pub fn disconnect(&mut self) {
        self.command("disconnect");
    }

    /// Stops to read from the network, so that the server cannot hand anything over. Only in Node.
    pub fn stop_reading(&mut self) {
        self.command("stop-reading");
        self.wait_for("stopped-reading");
    }

    /// Sends data through the relayed data task.
    pub fn send_data(&mut self, value: &Value) {
        self.program.send(&json!({ "command": "send-data", "value": value::to_json(value) }));
    }

    /// Sends an application message.
    pub fn send_application(&mut self, value: &Value) {
        self.program
            .send(&json!({ "command": "send-application", "value": value::to_json(value) }));
    }

    /// Waits for the next data of the relayed data task.
    pub fn receive_data(&mut self) -> Value {
        value::from_json(&self.wait_for("data")["value"])
    }

    /// Waits for the next application message.
    pub fn receive_application(&mut self) -> Value {
        value::from_json(&self.wait_for("application")["value"])
    }

    /// Waits until the peers have authenticated each other; returns the peer's public key and the task.
    pub fn wait_for_task(&mut self) -> (String, String) {
        let event = self.wait_for("task");
        let text = |field: &str| event[field].as_str().expect("a string").to_owned();
        (text("peerKey"), text("name"))
    }

    /// Waits until the client reports this state.
    pub fn wait_for_state(&mut self, state: &str) {
        while self.wait_for("state")["state"] != state {}
    }

    /// Waits until the WebSocket is closed, and returns its close code.
    pub fn wait_for_close(&mut self) -> u64 {
        self.wait_for("connection-closed")["code"].as_u64().expect("a close code")
    }

    /// Waits for an event with this name.
    pub fn wait_for(&mut self, event: &str) -> Json {
        self.program.wait_for(event)
    }

    /// What the process has reported so far.
    pub fn program(&self) -> &Program {
        &self.program
    }

    fn command(&mut self, name: &str) {
        self.program.send(&json!({ "command": name }));
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/js")
}
