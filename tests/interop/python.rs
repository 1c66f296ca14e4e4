//! The reference server, `saltyrtc.server` for Python.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::ServerAddress;
use super::certificates::Certificates;
use super::driver::Program;

/// The reference server on a free port of the loopback interface.
pub struct PythonServer {
    pub address: ServerAddress,
    _program: Program,
}

impl PythonServer {
    /// Starts the server and waits until it listens.
    pub fn start(certificates: &Certificates) -> Self {
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
        Self { address, _program: program }
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/python-server")
}
