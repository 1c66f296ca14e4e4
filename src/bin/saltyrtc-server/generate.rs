//! `generate`: a new permanent key pair.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use saltyrtc::crypto::{KeyPair, OsRandom};

use crate::error::CommandError;

/// Writes a new secret key to a new file, and prints the public key.
pub(crate) fn generate(file: &Path) -> Result<(), CommandError> {
    let key = KeyPair::generate(&mut OsRandom);
    let fail = |error: io::Error| {
        let advice = match error.kind() {
            _ if file.is_dir() => "it is a directory: give the name of a file in it",
            io::ErrorKind::AlreadyExists => {
                "it exists and is not overwritten, because that would destroy its key: give another \
                 name, or remove it first"
            }
            _ => "check its name, and that you may write to its directory",
        };
        CommandError::new(format!(
            "KEY_FILE {}: no key was written: {error}; {advice}",
            file.display()
        ))
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file).map_err(fail)?;
    let written =
        opened.write_all(key.secret().to_hex().as_bytes()).and_then(|()| opened.sync_all());
    if let Err(error) = written {
        // Half a key would only stand in the way.
        let _ = std::fs::remove_file(file);
        return Err(fail(error));
    }
    crate::print(format!("Public permanent key: {}\n", key.public().to_hex()).as_bytes())
}
