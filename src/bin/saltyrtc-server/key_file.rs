//! Who else can get at the files of keys.

use std::fs::File;
use std::io;

/// What is wrong with the rights of a key file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exposed {
    /// Others can put another key there.
    ToWriters,
    /// Others can read the key.
    ToReaders,
}

/// Looks at the rights of an open file, so that it cannot be another one that is read.
#[cfg(unix)]
pub(crate) fn exposed(file: &File) -> io::Result<Option<Exposed>> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = file.metadata()?;
    // Pipes and devices have no rights that say anything.
    if !metadata.is_file() {
        return Ok(None);
    }
    // A group may read: that is how servers that are not root are given keys.
    Ok(match metadata.mode() {
        mode if mode & 0o022 != 0 => Some(Exposed::ToWriters),
        mode if mode & 0o004 != 0 => Some(Exposed::ToReaders),
        _ => None,
    })
}

#[cfg(not(unix))]
pub(crate) fn exposed(_: &File) -> io::Result<Option<Exposed>> {
    Ok(None)
}

/// Opens a key file, unless others than its owner can write to it. Adds a warning if everybody can read it.
///
/// # Errors
///
/// What is to be said after the name of the file.
pub(crate) fn open(name: &std::path::Path, warnings: &mut Vec<String>) -> io::Result<File> {
    let file = File::open(name)?;
    match exposed(&file)? {
        Some(Exposed::ToWriters) => {
            return Err(io::Error::other(
                "others than its owner can write to it, so that the key may be anybody's: take that right away \
                 (chmod go-w), and make a new key if somebody may have used it",
            ));
        }
        Some(Exposed::ToReaders) => warnings.push(format!(
            "everybody on this machine can read the key in {}: take that right away (chmod o-r)",
            name.display()
        )),
        None => {}
    }
    Ok(file)
}
