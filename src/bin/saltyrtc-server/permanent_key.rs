//! The permanent keys of the server: in files, or given directly.

use std::fs::File;
use std::io::{self, Read as _};

use saltyrtc::crypto::{KeyPair, SecretKey};
use zeroize::Zeroizing;

use crate::error::CommandError;
use crate::key_file;
use crate::sources::LoadedOptions;

/// No line with a key is longer.
const LONGEST_LINE: usize = 4096;

/// Loads the permanent keys, the primary one first.
///
/// # Errors
///
/// A key cannot be read, is no key, or is there twice. No text contains what could be a key.
pub(crate) fn load(
    loaded: &LoadedOptions,
    warnings: &mut Vec<String>,
) -> Result<Vec<KeyPair>, CommandError> {
    let origin = loaded.origin("key");
    let mut keys: Vec<KeyPair> = Vec::new();
    for (index, value) in loaded.options.server.keys.key.iter().enumerate() {
        let key = KeyPair::from_secret(secret_key(value, warnings).map_err(|what| {
            CommandError::new(format!("{origin}, permanent key number {}: {what}", index + 1))
        })?);
        if keys.iter().any(|other| other.public() == key.public()) {
            return Err(CommandError::repeated_key(format!(
                "{origin}, permanent key number {}: this key has been supplied more than once; remove one",
                index + 1
            )));
        }
        keys.push(key);
    }
    Ok(keys)
}

/// A file is looked for first, so that the name of a file may look like a key.
fn secret_key(value: &str, warnings: &mut Vec<String>) -> Result<SecretKey, String> {
    let could_be_key = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    match key_file::open(value.as_ref(), warnings).and_then(first_line) {
        Ok(line) => SecretKey::from_hex(&line).map_err(|error| {
            format!(
                "the first line of the file {value} is not a permanent key: {error}; make one with \
                 saltyrtc-server generate"
            )
        }),
        Err(error) if could_be_key && error.kind() == io::ErrorKind::NotFound => SecretKey::from_hex(value).map_err(|error| {
            format!(
                "what was given (not shown, because it may be secret) is neither a file that can be \
                 read nor a key: {error}"
            )
        }),
        Err(error) => Err(format!(
            "the file {value} cannot be read: {error}; check its name and that the user of the server \
             may read it, or make a key with saltyrtc-server generate"
        )),
    }
}

fn first_line(file: File) -> io::Result<Zeroizing<String>> {
    // Never grown, so that no copy of a key stays behind in freed memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * LONGEST_LINE));
    file.take(LONGEST_LINE as u64).read_to_end(&mut bytes)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(line)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(Zeroizing::new(line.trim().to_owned()))
}
