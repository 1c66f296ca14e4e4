//! The servers, each a process of its own, and what the operating system says about them.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The server has this core for itself.
const SERVER_CORE: &str = "0";
/// The load comes from this one.
const LOAD_CORE: &str = "1";
/// How long a server may take until it accepts connections.
const START_LIMIT: Duration = Duration::from_secs(20);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Program {
    /// The server of this library.
    Ours,
    /// A relay that does nothing else: the most that the same crates can do.
    Bare,
    /// `saltyrtc.server` for Python.
    Reference,
}

impl Program {
    pub(crate) const ALL: [Self; 3] = [Self::Ours, Self::Bare, Self::Reference];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "our server",
            Self::Bare => "bare relay",
            Self::Reference => "`saltyrtc.server`",
        }
    }

    /// The command line that serves `address` without TLS until it is killed.
    fn command(self, address: SocketAddr) -> io::Result<Command> {
        let (program, argument) = match self {
            Self::Ours => (std::env::current_exe()?, "serve-saltyrtc".into()),
            Self::Bare => (std::env::current_exe()?, "serve-bare".into()),
            Self::Reference => {
                (reference_python(), manifest_path("benches/server/reference.py").into_os_string())
            }
        };
        let mut command = if can_pin() {
            let mut command = Command::new("taskset");
            command.args(["-c", SERVER_CORE]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.arg(argument).arg(address.to_string());
        Ok(command)
    }
}

fn manifest_path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The Python that the interoperability tests installed the reference server for.
pub(crate) fn reference_python() -> PathBuf {
    manifest_path("tests/interop/python-server/.venv/bin/python")
}

/// Whether there is a core for the server and one for the load.
pub(crate) fn can_pin() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // After `pin_load` only one is left to this process.
    let pinned = fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.contains(&format!("Cpus_allowed_list:\t{LOAD_CORE}\n")));
    (cores > 1 || pinned) && quietly(Command::new("taskset").arg("--version"))
}

/// Keeps this process away from the core of the servers.
pub(crate) fn pin_load() {
    let id = std::process::id().to_string();
    quietly(Command::new("taskset").args(["-a", "-p", "-c", LOAD_CORE]).arg(id));
}

fn quietly(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A running server. Dropping it kills the process.
pub(crate) struct ServerProcess {
    child: Child,
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
}

impl ServerProcess {
    /// Starts the program and waits until it accepts connections.
    pub(crate) fn start(program: Program) -> io::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = program.command(address)?.stdin(Stdio::null()).spawn()?;
        let mut server = Self { child, program, address };
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(io::Error::other(format!("{} ended: {status}", program.name())));
            }
            if begin.elapsed() > START_LIMIT {
                return Err(io::Error::other(format!("{} does not listen", program.name())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// The processor time that the process has used so far; `None` where nobody says so.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        cpu_of(&self.child.id().to_string())
    }

    /// The bytes of memory that the process has resident; `None` where nobody says so.
    pub(crate) fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself, which was reported already by then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processor time that this process has used so far.
pub(crate) fn own_cpu() -> Option<Duration> {
    cpu_of("self")
}

fn cpu_of(process: &str) -> Option<Duration> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let nanoseconds = tasks
        .filter_map(|task| {
            let line = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            line.split(' ').next()?.parse::<u64>().ok()
        })
        .sum();
    Some(Duration::from_nanos(nanoseconds)).filter(|time| !time.is_zero())
}
