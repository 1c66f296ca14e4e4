//! A file descriptor for event loops.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

/// A descriptor that is readable exactly while it is set: then there is one byte in it.
#[derive(Debug)]
pub(super) struct Signal {
    reader: UnixStream,
    writer: UnixStream,
    set: bool,
}

impl Signal {
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self { reader, writer, set: false })
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    pub(super) fn update(&mut self, set: bool) {
        // One byte always fits and is always there to be taken, so neither blocks or fails, unless the program
        // has tampered with the descriptor. (That cannot be logged, see `Queue`.)
        let done = match (self.set, set) {
            (false, true) => self.writer.write(&[0]),
            (true, false) => self.reader.read(&mut [0]),
            _ => return,
        };
        if done.is_ok() {
            self.set = set;
        }
    }
}
