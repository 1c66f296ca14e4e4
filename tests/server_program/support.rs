//! Runs the program in a directory of its own, and waits for what it says and does.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use saltyrtc::transport::Certificates;

/// Longer than anything takes: a test that waits so long has failed.
pub(crate) const NEVER: Duration = Duration::from_secs(60);

pub(crate) const SAFETY_OFF: (&str, &str) = ("SALTYRTC_SAFETY_OFF", "yes-and-i-know-what-im-doing");

/// A directory that is removed with this.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "saltyrtc-server-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).unwrap();
        // Many of them are keys, and what the umask is here is not what is tested.
        self.set_mode(name, 0o600);
        self.name(name)
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The path of a file in here, as an argument.
    pub(crate) fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A certificate for localhost and its key, in `{name}.pem` and `{name}.key`.
    pub(crate) fn certificate(&self, name: &str) -> Certificates {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        self.write(&format!("{name}.pem"), made.cert.pem());
        self.write(&format!("{name}.key"), made.signing_key.serialize_pem());
        Certificates::parse(made.cert.der()).unwrap()
    }

    /// A permanent key in a file, made by the program. Returns the public key.
    pub(crate) fn permanent_key(&self, name: &str) -> String {
        let output = run(&["generate", &self.name(name)], &[]);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim().rsplit(' ').next().unwrap().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program with exactly these variables of its own.
pub(crate) fn command(arguments: &[impl AsRef<OsStr>], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program());
    clean(&mut command).args(arguments).envs(variables.iter().copied());
    command
}

pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_saltyrtc-server"))
}

/// Takes away what the environment of the tests could tell the program.
pub(crate) fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["SALTYRTC", "LISTEN_", "NOTIFY_", "WATCHDOG_"].iter().any(|own| text.starts_with(own)) {
            command.env_remove(&name);
        }
    }
    command.stdin(Stdio::null())
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(arguments, variables).output().unwrap()
}

/// Runs a command that is to fail, and returns its exit code and what it says.
pub(crate) fn fail(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let output = run(arguments, variables);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{arguments:?} did not fail: {text}");
    (output.status.code().expect("not by a signal"), text)
}

/// A running server.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    /// All lines of the log that were looked at so far.
    pub(crate) log: Vec<String>,
    /// Where clients connect.
    pub(crate) address: SocketAddr,
    /// The admin listener, if there is one.
    pub(crate) admin: Option<SocketAddr>,
}

impl Program {
    /// Starts a server on a free port of the loopback interface, and waits until it is ready.
    pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut all = vec![
            "--log-format=json",
            "serve",
            "-h",
            "127.0.0.1",
            "-p",
            "0",
            "--admin",
            "127.0.0.1:0",
        ];
        all.extend(arguments);
        Self::spawn(command(&all, variables))
    }

    /// A server without TLS and without permanent key.
    pub(crate) fn start_unsafe(arguments: &[&str]) -> Self {
        Self::start(arguments, &[SAFETY_OFF])
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let unknown: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let mut program = Self { child, lines, log: Vec::new(), address: unknown, admin: None };
        let ready = program.wait_for_log("\"message\":\"ready\"");
        let address = field(&ready, "addresses").split(' ').next().unwrap().to_owned();
        // It stays unknown for a Unix socket.
        if !address.starts_with("unix:") {
            program.address = address.parse().unwrap();
        }
        let admin = program.log.iter().find(|line| line.contains("\"admin listener\""));
        program.admin = admin.map(|line| field(line, "address").parse().unwrap());
        program
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line of the log that was not looked at before.
    pub(crate) fn wait_for_log(&mut self, text: &str) -> String {
        let end = Instant::now() + NEVER;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.log.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(error) => panic!("no '{text}' in the log ({error}): {:#?}", self.log),
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for the end. Returns how it ended, and standard output.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        // The log ends with the program.
        let end = Instant::now() + NEVER;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.log.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {:#?}", self.log),
            }
        }
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        (self.child.wait().unwrap(), text)
    }

    /// SIGTERM, and a clean end.
    pub(crate) fn stop(mut self) -> Vec<String> {
        self.signal("TERM");
        let (status, _) = self.wait();
        assert_eq!(status.code(), Some(0), "{:#?}", self.log);
        std::mem::take(&mut self.log)
    }

    /// Asks the admin listener: the status and the body.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        get(self.admin.expect("an admin listener"), path)
    }

    /// The value of a metric.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let (status, text) = self.get("/metrics");
        assert_eq!(status, 200);
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no metric {name}: {text}")).parse().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(NEVER)).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut text = String::new();
    connection.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("an HTTP response");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A field of a line of the log in JSON.
pub(crate) fn field(line: &str, name: &str) -> String {
    let line: HashMap<String, serde_json::Value> = serde_json::from_str(line).unwrap();
    match &line[name] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
