//! A peer whose certificate has an RSA key, which is refused: OpenSSL on a socket of the loopback
//! interface.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use saltyrtc::rtc::association::{Association, AssociationEvent, DtlsRole, SctpConfig};
use saltyrtc::rtc::certificate::Certificate;
use saltyrtc::rtc::fingerprint::{Fingerprint, HashFunction};
use saltyrtc::task::ConnectionFailure;

/// OpenSSL with a new certificate.
struct Peer {
    fingerprint: Fingerprint,
    folder: PathBuf,
    process: Option<Child>,
}

fn openssl(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(arguments).stdin(Stdio::piped()).stderr(Stdio::null());
    command
}

impl Peer {
    /// `name` is for its folder, `key` what `openssl req -newkey` takes.
    fn new(name: &str, key: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let request = ["req", "-x509", "-nodes", "-keyout", "key.pem", "-out", "cert.pem"];
        let subject = ["-subj", "/CN=peer", "-days", "30", "-newkey"];
        let arguments = [&request[..], &subject, key].concat();
        let made = openssl(&folder, &arguments).status().expect("openssl is installed");
        assert!(made.success(), "openssl makes a certificate");
        let der = ["x509", "-in", "cert.pem", "-outform", "der"];
        let der = openssl(&folder, &der).output().expect("openssl is installed").stdout;
        let fingerprint = Fingerprint::of(HashFunction::Sha256, &der);
        Self { fingerprint, folder, process: None }
    }

    /// Lets the peer begin a handshake with that socket.
    fn connect(&mut self, to: SocketAddr) {
        let to = to.to_string();
        let arguments =
            ["s_client", "-dtls1_2", "-cert", "cert.pem", "-key", "key.pem", "-connect"];
        let mut command = openssl(&self.folder, &[&arguments[..], &[&to]].concat());
        self.process = Some(command.stdout(Stdio::null()).spawn().expect("openssl starts"));
    }

    /// Lets the peer wait for a handshake. Returns where.
    fn accept(&mut self) -> SocketAddr {
        let arguments = [
            "s_server",
            "-dtls1_2",
            "-cert",
            "cert.pem",
            "-key",
            "key.pem",
            "-Verify",
            "1",
            "-accept",
            "127.0.0.1:0",
        ];
        let mut command = openssl(&self.folder, &arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("openssl starts");
        let lines = BufReader::new(child.stdout.take().expect("its output"));
        self.process = Some(child);
        let mut lines = lines.lines().map(|line| line.expect("a line"));
        lines
            .find_map(|line| line.strip_prefix("ACCEPT ")?.trim().parse().ok())
            .expect("it says where it listens")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Makes a connection with OpenSSL, and returns what has become of DTLS: nothing else is spoken.
fn connect(name: &str, key: &[&str], role: DtlsRole) -> Option<AssociationEvent> {
    let mut peer = Peer::new(&format!("{name}-{role:?}"), key);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let certificate = Certificate::generate().expect("a certificate");
    let mut to = None;
    match role {
        DtlsRole::Client => to = Some(peer.accept()),
        DtlsRole::Server => peer.connect(socket.local_addr().expect("an address")),
    }
    let fingerprints = vec![peer.fingerprint.clone()];
    let config = SctpConfig::default();
    let mut association =
        Association::new(Instant::now(), role, &certificate, fingerprints, &config);
    let mut buffer = [0; 2048];
    loop {
        while let Some(datagram) = association.poll_transmit() {
            if let Some(to) = to {
                socket.send_to(&datagram, to).expect("sent");
            }
        }
        if let Some(event) = association.poll_event() {
            return Some(event);
        }
        if association.remote_certificate().is_some() {
            return None;
        }
        let now = Instant::now();
        // A server has no time of its own before the client has begun.
        let deadline = association.poll_timeout();
        let wait = deadline.map(|deadline| deadline.saturating_duration_since(now));
        let wait = wait.unwrap_or(Duration::from_secs(60)).max(Duration::from_millis(1));
        socket.set_read_timeout(Some(wait)).expect("a good time");
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) => {
                to = Some(from);
                association.handle_datagram(Instant::now(), &buffer[..length]);
            }
            Err(_) => assert!(deadline.is_some(), "the peer says nothing"),
        }
        association.handle_timeout(Instant::now());
    }
}

#[test]
fn an_rsa_certificate() {
    for role in [DtlsRole::Server, DtlsRole::Client] {
        let Some(AssociationEvent::Failed(failure)) = connect("rsa", &["rsa:2048"], role) else {
            panic!("not refused as {role:?}");
        };
        assert!(matches!(failure, ConnectionFailure::NoCommonCertificate(_)), "{failure:?}");
        let text = failure.to_string();
        assert!(text.contains("RSA") && text.contains("ECDSA"), "{role:?}: {text}");
    }
}

/// The same with the kind of certificate that is asked for.
#[test]
fn an_ecdsa_certificate() {
    for role in [DtlsRole::Client, DtlsRole::Server] {
        let event = connect("ecdsa", &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], role);
        assert_eq!(event, None, "{role:?}");
    }
}
