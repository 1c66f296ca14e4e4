//! How many connections the operating system lets the server have.

/// For what is no connection of a client: the admin listener and its connections, files, and the library.
#[cfg(unix)]
const RESERVED: u64 = 128;

/// Raises the limit of open files as far as it may be raised, and says for how many connections it is enough. `None`
/// if there is no limit.
#[cfg(unix)]
pub(crate) fn for_connections() -> Option<usize> {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
        // Where that is not allowed it stays as it is.
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    let most = limit.current?.saturating_sub(RESERVED).max(1);
    Some(usize::try_from(most).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
pub(crate) fn for_connections() -> Option<usize> {
    None
}
