//! Programs that speak JSON lines: commands on their standard input, events on their standard output.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// How long to wait for an event before the test fails. Nothing that works takes a tenth of it.
pub const EVENT_LIMIT: Duration = Duration::from_secs(120);

/// How long a program may take to end after its input has ended, before it is killed.
const EXIT_LIMIT: Duration = Duration::from_secs(20);

/// A running program. Dropping it ends its input, which ends the program.
pub struct Program {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    events: Vec<Value>,
    errors: Arc<Mutex<String>>,
}

impl Program {
    /// Starts `command`; `name` stands for the program in the messages of failing tests.
    pub fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name} ({command:?}): {error}"));

        let (sender, output) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });

        let errors = Arc::new(Mutex::new(String::new()));
        let mut stderr = child.stderr.take().expect("piped");
        let collected = Arc::clone(&errors);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut buffer) {
                collected.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });

        let input = child.stdin.take();
        Self { name: name.to_owned(), child, input, output, events: Vec::new(), errors }
    }

    /// Sends a command.
    pub fn send(&mut self, command: &Value) {
        let input = self.input.as_mut().expect("open until dropped");
        if let Err(error) = writeln!(input, "{command}").and_then(|()| input.flush()) {
            self.fail(&format!("cannot take the command {}: {error}", command["command"]));
        }
    }

    /// Waits for an event with this name. Other events before it are only remembered, but an event that
    /// reports the failure of a command fails the test.
    pub fn wait_for(&mut self, name: &str) -> Value {
        loop {
            let event = self.next_event(name);
            if event["event"] == name {
                return event;
            }
        }
    }

    /// Waits for any event, in the hope that it is the one with this name.
    pub fn next_event(&mut self, awaited: &str) -> Value {
        let event = self.read_event(awaited);
        if event["event"] == "failed" && awaited != "failed" {
            self.fail(&format!("reports a failure while the test waits for '{awaited}'"));
        }
        event
    }

    /// Whether an event with this name was among the events so far.
    pub fn has_seen(&self, name: &str) -> bool {
        self.events.iter().any(|event| event["event"] == name)
    }

    /// The events so far with this name.
    pub fn seen(&self, name: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["event"] == name).collect()
    }

    /// Forgets the events so far: a new session has begun.
    pub fn forget_events(&mut self) {
        self.events.clear();
    }

    fn read_event(&mut self, awaited: &str) -> Value {
        let line = match self.output.recv_timeout(EVENT_LIMIT) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => self.fail(&format!("is silent, awaited: {awaited}")),
            Err(RecvTimeoutError::Disconnected) => {
                self.fail(&format!("has ended, awaited: {awaited}"))
            }
        };
        match serde_json::from_str::<Value>(&line) {
            Ok(event) => {
                self.events.push(event.clone());
                event
            }
            Err(error) => self.fail(&format!("printed no JSON ({error}): {line}")),
        }
    }

    fn fail(&self, what: &str) -> ! {
        panic!("{} {what}", self.name);
    }

    /// Everything that is known about the program.
    fn report(&self) -> String {
        let mut report = format!("{}: its events:\n", self.name);
        for (event, next) in
            self.events.iter().zip(self.events.iter().skip(1).chain([&Value::Null]))
        {
            // Of many in a row, the last one says enough.
            if event["event"] != "progress" || next["event"] != "progress" {
                let _ = writeln!(report, "  {event}");
            }
        }
        for line in self.output.try_iter() {
            let _ = writeln!(report, "  not awaited: {line}");
        }
        let errors = self.errors.lock().unwrap();
        let _ = write!(report, "its error output:\n{errors}");
        report
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The one that fails is often not the one that is to blame: all programs of the test are shown.
        if thread::panicking() {
            eprintln!("{}", self.report());
        }
        self.input = None;
        let ended = loop {
            match self.output.recv_timeout(EXIT_LIMIT) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break true,
                Err(RecvTimeoutError::Timeout) => break false,
            }
        };
        if !ended {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
