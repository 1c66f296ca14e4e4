//! The programs of `examples-c`, used like a person would: lines typed, lines read.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use super::driver::EVENT_LIMIT;

/// A running program. Dropping it kills it.
pub struct Example {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    results: Lines,
    remarks: Lines,
}

/// What came on one of the outputs.
struct Lines {
    incoming: Receiver<String>,
    seen: Vec<String>,
}

impl Example {
    /// Starts a program that `scripts/test-interop.sh` has compiled.
    pub fn start(name: &'static str, arguments: &[&str]) -> Self {
        let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("build/interop").join(name);
        assert!(path.exists(), "{name} is not compiled: run scripts/test-interop.sh");
        let mut child = Command::new(&path)
            .args(arguments)
            // What they print is read as UTF-8.
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let results = Lines::read(child.stdout.take().expect("piped"));
        let remarks = Lines::read(child.stderr.take().expect("piped"));
        let input = child.stdin.take();
        Self { name, child, input, results, remarks }
    }

    /// Types a line.
    pub fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input has not ended");
        if let Err(error) = writeln!(input, "{line}").and_then(|()| input.flush()) {
            self.fail(&format!("takes no input: {error}"));
        }
    }

    /// Waits for a line of standard output that has this text in it.
    pub fn prints(&mut self, text: &str) -> String {
        let line = self.results.wait_for(text);
        line.unwrap_or_else(|why| self.fail(&why))
    }

    /// Waits for a line of standard error that has this text in it.
    pub fn remarks(&mut self, text: &str) -> String {
        let line = self.remarks.wait_for(text);
        line.unwrap_or_else(|why| self.fail(&why))
    }

    /// Waits for lines of standard output that have these texts in them, in any order.
    pub fn prints_all(&mut self, texts: &[&str]) {
        let mut missing = texts.to_vec();
        while !missing.is_empty() {
            let line = self.prints("");
            missing.retain(|text| !line.contains(text));
        }
    }

    /// Ends its input, as Ctrl-D does.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Asks it to end, as Ctrl-C does.
    pub fn interrupt(&mut self) {
        let status = Command::new("kill").arg("-INT").arg(self.child.id().to_string()).status();
        assert!(status.is_ok_and(|status| status.success()), "the signal cannot be sent");
    }

    /// Ends it without a chance to say goodbye.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended, with this exit status.
    pub fn ends(&mut self, status: i32) {
        // The output ends with the program.
        let ended = self.results.wait_for_end().and_then(|()| self.remarks.wait_for_end());
        if let Err(why) = ended {
            self.fail(why);
        }
        let found: ExitStatus = self.child.wait().unwrap();
        if found.code() != Some(status) {
            self.fail(&format!("ended with {found}, not with {status}"));
        }
    }

    fn fail(&self, what: &str) -> ! {
        panic!("{} {what}", self.name);
    }

    /// All that the program has said.
    fn report(&self) -> String {
        let mut report = format!("{}:\n", self.name);
        for (name, lines) in [("output", &self.results), ("error output", &self.remarks)] {
            let _ = writeln!(report, "its {name}:");
            let all = lines.seen.iter().cloned().chain(lines.incoming.try_iter());
            // Without the QR codes.
            for line in all.filter(|line| !line.starts_with(['█', '▀'])) {
                let _ = writeln!(report, "  {line}");
            }
        }
        report
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // What the other programs of the test say may be only half of the story.
        if thread::panicking() {
            eprintln!("{}", self.report());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lines {
    fn read(output: impl Read + Send + 'static) -> Self {
        let (sender, incoming) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { incoming, seen: Vec::new() }
    }

    fn wait_for_end(&mut self) -> Result<(), &'static str> {
        loop {
            match self.incoming.recv_timeout(EVENT_LIMIT) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => return Err("does not end"),
            }
        }
    }

    fn wait_for(&mut self, text: &str) -> Result<String, String> {
        loop {
            let line = match self.incoming.recv_timeout(EVENT_LIMIT) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("is silent, awaited: {text}"));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!("has ended, awaited: {text}"));
                }
            };
            self.seen.push(line.clone());
            if line.contains(text) {
                return Ok(line);
            }
        }
    }
}
