//! The file of a Unix socket, from its making to its removal.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{self, Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// The file of a socket that this server listens on. Dropping it removes the file, if it is still the same one.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: Identity,
}

/// What tells a file from another one that came in its place. File systems give the numbers away again.
type Identity = (u64, u64, i64, i64);

fn identity(file: &Metadata) -> Identity {
    (file.dev(), file.ino(), file.mtime(), file.mtime_nsec())
}

impl SocketFile {
    /// Makes the file, in place of one that a dead server left, and listens.
    pub(super) fn listen(
        path: &Path,
        mode: u32,
        backlog: i32,
    ) -> io::Result<(UnixListener, SocketFile)> {
        let address = SockAddr::unix(path)?;
        let path = path::absolute(path)?;
        // One server at a time: a socket that does not listen yet looks as one that is left over. Where the directory
        // cannot be locked, only that is lost.
        let directory = path.parent().and_then(|directory| File::open(directory).ok());
        let _locked = directory.as_ref().map(File::lock);
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        match socket.bind(&address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                remove_left_over(&path, &address)?;
                socket.bind(&address)?;
            }
            bound => bound?,
        }
        let identity = identity(&fs::symlink_metadata(&path)?);
        let file = Self { path, identity };
        // Nobody can connect before it listens, so that nobody can who is not to.
        fs::set_permissions(&file.path, Permissions::from_mode(mode))?;
        socket.listen(backlog)?;
        Ok((socket.into(), file))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let same = |file: Metadata| identity(&file) == self.identity;
        if fs::symlink_metadata(&self.path).is_ok_and(same) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the socket of a server that is gone, and nothing else.
fn remove_left_over(path: &Path, address: &SockAddr) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        let text = "there is a file already that is no socket";
        return Err(io::Error::new(ErrorKind::AlreadyExists, text));
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // If nobody accepts connections there at the moment, this does not wait.
    probe.set_nonblocking(true)?;
    match probe.connect(address) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        // Whoever may not connect cannot find out whether somebody listens.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(error),
        _ => Err(io::Error::new(ErrorKind::AddrInUse, "another program listens there")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    /// A directory that is removed with this.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let name = format!("saltyrtc-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn listen(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
        SocketFile::listen(path, 0o640, 16)
    }

    fn refused(path: &Path) -> ErrorKind {
        listen(path).unwrap_err().kind()
    }

    #[test]
    fn the_file_is_there_as_long_as_the_server_listens() {
        let directory = Directory::new("socket-file");
        let path = directory.0.join("socket");
        let (listener, file) = listen(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
        let _waits = UnixStream::connect(&path).unwrap();
        listener.accept().unwrap();
        drop(file);
        assert!(!path.exists());
        drop(listener);
        assert_eq!(refused(&directory.0.join("nowhere/socket")), ErrorKind::NotFound);
        assert_eq!(refused(&directory.0.join("x".repeat(200))), ErrorKind::InvalidInput);
    }

    #[test]
    fn what_a_dead_server_left_is_replaced() {
        let directory = Directory::new("socket-left");
        let path = directory.0.join("socket");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "as after a kill");
        let (_listener, _file) = listen(&path).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn nothing_else_is_touched() {
        let directory = Directory::new("socket-other");
        let path = directory.0.join("socket");
        fs::write(&path, "precious").unwrap();
        assert_eq!(refused(&path), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        let link = directory.0.join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(refused(&link), ErrorKind::AlreadyExists);
        assert_eq!(refused(&directory.0), ErrorKind::AlreadyExists, "a directory");

        let other = directory.0.join("other");
        let living = UnixListener::bind(&other).unwrap();
        assert_eq!(refused(&other), ErrorKind::AddrInUse);
        drop(living);
        fs::remove_file(&other).unwrap();
        let _living = UnixDatagram::bind(&other).unwrap();
        assert_eq!(refused(&other), ErrorKind::AddrInUse, "of another kind");
    }

    /// As many wait as can, and nobody accepts: it lives all the same, and nobody waits to find that out.
    #[test]
    fn a_busy_server_is_a_living_one() {
        let directory = Directory::new("socket-busy");
        let path = directory.0.join("socket");
        let (_listener, _file) = SocketFile::listen(&path, 0o600, 0).unwrap();
        let address = SockAddr::unix(&path).unwrap();
        let mut waiting = Vec::new();
        loop {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let connected = socket.connect(&address);
            waiting.push(socket);
            if connected.is_err() {
                break;
            }
        }
        assert_eq!(refused(&path), ErrorKind::AddrInUse);
    }

    /// Somebody removed it, and another server has the place.
    #[test]
    fn the_file_of_a_successor_stays() {
        let directory = Directory::new("socket-successor");
        let path = directory.0.join("socket");
        let (_old, old_file) = listen(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let (_new, _new_file) = listen(&path).unwrap();
        drop(old_file);
        UnixStream::connect(&path).unwrap();
    }

    /// Whoever is first has it, and nobody takes it away from somebody who is about to listen.
    #[test]
    fn of_many_that_start_at_once_one_gets_the_place() {
        let directory = Directory::new("socket-race");
        let path = directory.0.join("socket");
        for _ in 0..20 {
            drop(UnixListener::bind(&path).unwrap());
            let started: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| listen(&path))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(started.iter().filter(|started| started.is_ok()).count(), 1);
            UnixStream::connect(&path).unwrap();
            drop(started);
            assert!(!path.exists());
        }
    }
}
