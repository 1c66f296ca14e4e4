//! The reference server, `saltyrtc.server` for Python.

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use super::ServerAddress;
use super::certificates::Certificates;
use super::driver::Program;

/// The reference server on a free port of the loopback interface.
pub struct PythonServer {
    pub address: ServerAddress,
    program: Program,
}

impl PythonServer {
    /// Starts the server and waits until it listens. Returns `None`, and says so where no test runner hides
    /// it, if the tests were told that there is no Python that can run the server.
    pub fn start(certificates: &Certificates) -> Option<Self> {
        if env::var_os("SALTYRTC_INTEROP_PYTHON").is_some_and(|name| name == "none") {
            let test = thread::current().name().unwrap_or("a test").to_owned();
            let _ = writeln!(
                io::stderr(),
                "NOT RUN: {test}: no Python 3.7, 3.8 or 3.9 at hand, which the Python server needs"
            );
            return None;
        }
        let python = directory().join(".venv/bin/python");
        assert!(
            python.exists(),
            "saltyrtc.server is not installed: run scripts/test-interop.sh on a machine with Python 3.7, \
             3.8 or 3.9 (CPython or PyPy); it does not run with later versions"
        );
        let mut command = Command::new(python);
        command
            .arg(directory().join("server.py"))
            .arg(certificates.chain())
            .arg(certificates.key());
        let mut program = Program::start("The Python server", &mut command);
        let event = program.wait_for("listening");
        let address = ServerAddress {
            port: event["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port"),
            public_key: event["publicKey"].as_str().expect("a key").to_owned(),
        };
        Some(Self { address, program })
    }

    /// Waits until a client answers a ping.
    pub fn wait_for_pong(&mut self) {
        self.program.wait_for("pong");
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/python-server")
}
