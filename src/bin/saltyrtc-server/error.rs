//! Why a command ends without having done its work.

use std::fmt;

/// An error for the person who runs the program: what happened, to what, and what to do.
#[derive(Debug)]
pub(crate) struct CommandError {
    text: String,
    exit_code: u8,
}

impl CommandError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit_code: 1 }
    }

    /// Neither a TLS certificate nor a permanent key, and nobody said that this is intended.
    /// Exit codes 2 and 4 are those of the Python server.
    pub(crate) fn unsafe_to_run(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit_code: 2 }
    }

    pub(crate) fn repeated_key(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit_code: 4 }
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
