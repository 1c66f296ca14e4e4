//! What a server answers to the first bytes of a connection, whole or in pieces.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use saltyrtc::server::{ProxyHeader, Server, ServerConfig, TrustedProxies};

/// This address has all the connections already that it may have. Others have fewer at a time, even if the server is
/// late to notice that some are gone.
const TAKEN: &str = "192.0.2.1";
const PER_ADDRESS: usize = 16;
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// Without a proxy, behind one with a PROXY header, and behind one with `X-Forwarded-For`.
static SERVERS: LazyLock<[Front; 3]> = LazyLock::new(|| {
    [None, Some(ProxyHeader::ProxyProtocol), Some(ProxyHeader::XForwardedFor)].map(Front::new)
});

/// A server, and connections that stay open.
struct Front {
    address: SocketAddr,
    _server: Server,
    _held: Vec<TcpStream>,
}

/// What a client gets to see until the server has said who it is, or has closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The answer to the request.
    pub head: Vec<u8>,
    /// How the first WebSocket frame begins: its type and its length.
    pub frame: Vec<u8>,
}

impl Outcome {
    /// The status of the answer, if there is one.
    pub fn status(&self) -> Option<u16> {
        let text = self.head.strip_prefix(b"HTTP/1.1 ")?;
        std::str::from_utf8(text.get(..3)?).ok()?.parse().ok()
    }
}

impl Front {
    fn new(header: Option<ProxyHeader>) -> Self {
        let networks = vec!["127.0.0.0/8".parse().expect("a network")];
        let mut config = ServerConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)));
        config.limits.connections_per_address = header.map(|_| PER_ADDRESS);
        config.limits.accept_rate = None;
        config.limits.handshake_timeout = LONG;
        config.proxy = header.map(|header| TrustedProxies { networks, header });
        let server = Server::start(config).expect("a free port");
        let address = server.local_addr().expect("the address of a port");
        let request = |more: &str| {
            format!(
                "GET /{} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Sec-WebSocket-Protocol: v1.saltyrtc.org\r\n{more}\r\n",
                "01".repeat(32)
            )
        };
        let first = match header {
            None => None,
            Some(ProxyHeader::ProxyProtocol) => {
                Some(format!("PROXY TCP4 {TAKEN} 127.0.0.1 1 2\r\n{}", request("")))
            }
            Some(ProxyHeader::XForwardedFor) => {
                Some(request(&format!("X-Forwarded-For: {TAKEN}\r\n")))
            }
        };
        let hold = |first: String| {
            let mut stream = TcpStream::connect(address).expect("a server");
            stream.write_all(first.as_bytes()).expect("a connection");
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).expect("an answer");
            assert_eq!(&answer, b"HTTP/1.1 101");
            stream
        };
        let held = first.into_iter().flat_map(|first| std::iter::repeat_n(first, PER_ADDRESS));
        let held = held.map(hold).collect();
        Self { address, _server: server, _held: held }
    }
}

/// What becomes of a connection that begins with these pieces and then sends nothing more. `None` if that is not to be
/// seen: the system has no port left, or a reset has overtaken the answer.
pub fn outcome<'a>(kind: u8, pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<Outcome> {
    let front = &SERVERS[usize::from(kind) % SERVERS.len()];
    let mut stream = TcpStream::connect(front.address).ok()?;
    stream.set_nodelay(true).ok()?;
    for piece in pieces {
        // The server may have closed already.
        if stream.write_all(piece).is_err() {
            break;
        }
        std::thread::yield_now();
    }
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let rest = answer.split_off(end.map_or(answer.len(), |end| end + 4));
    let frame =
        if answer.starts_with(b"HTTP/1.1 101") { &rest[..rest.len().min(2)] } else { &rest };
    Some(Outcome { frame: frame.to_vec(), head: answer })
}
