//! The files of the TLS certificate and its key.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use saltyrtc::server::TlsIdentity;
use saltyrtc::transport::TlsError;

use crate::error::CommandError;
use crate::key_file;
use crate::sources::LoadedOptions;

/// Reads certificate and key, and makes sure that they can be used together. `None` without a
/// certificate.
pub(crate) fn load(
    loaded: &LoadedOptions,
    warnings: &mut Vec<String>,
) -> Result<Option<TlsIdentity>, CommandError> {
    let keys = &loaded.options.server.keys;
    let (certificate_option, certificate) = match (&keys.tlscert, &keys.sslcert) {
        (Some(file), _) => ("tlscert", file),
        (None, Some(file)) => ("sslcert", file),
        (None, None) => return no_certificate(loaded).map(|()| None),
    };
    let (key_option, key) = match (&keys.tlskey, &keys.sslkey) {
        (Some(file), _) => ("tlskey", file),
        (None, Some(file)) => ("sslkey", file),
        (None, None) => (certificate_option, certificate),
    };
    let identity = TlsIdentity {
        certificate_chain: contents(loaded, certificate_option, certificate, |file| {
            File::open(file)
        })?,
        private_key: contents(loaded, key_option, key, |file| key_file::open(file, warnings))?,
    };
    identity.check().map_err(|error| {
        let certificate_origin = loaded.origin(certificate_option);
        let mut files = format!("{} ({certificate_origin})", certificate.display());
        if key_option == certificate_option {
            files += ", which is read for both certificate and key because there is no tlskey,";
        } else {
            files += &format!(" and {} ({})", key.display(), loaded.origin(key_option));
        }
        let advice = match error {
            TlsError::KeyKind(_) => "have a certificate made for such a key",
            _ => "give a certificate and the key that it was issued for",
        };
        CommandError::new(format!(
            "TLS certificate and key in {files} cannot be used: {error}; {advice}"
        ))
    })?;
    Ok(Some(identity))
}

/// A key alone is a mistake, and not a server without TLS.
fn no_certificate(loaded: &LoadedOptions) -> Result<(), CommandError> {
    match ["tlskey", "sslkey"].into_iter().find(|option| loaded.is_set(option)) {
        None => Ok(()),
        Some(option) => Err(CommandError::new(format!(
            "{}: a key for TLS was given, but no certificate; give the certificate with --tlscert",
            loaded.origin(option)
        ))),
    }
}

fn contents(
    loaded: &LoadedOptions,
    option: &str,
    file: &Path,
    open: impl FnOnce(&Path) -> io::Result<File>,
) -> Result<Vec<u8>, CommandError> {
    let mut contents = Vec::new();
    let read = open(file).and_then(|mut opened| opened.read_to_end(&mut contents));
    read.map(|_| contents).map_err(|error| {
        CommandError::new(format!(
            "{}: the file {} cannot be read: {error}; check its name, and that the user of the server \
             may read it",
            loaded.origin(option),
            file.display()
        ))
    })
}
