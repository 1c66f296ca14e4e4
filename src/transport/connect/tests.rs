//! Against a real server where it works, and against listeners that misbehave where it does not.

mod proxies;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio::net::TcpListener;

use super::*;
use crate::runtime;
use crate::server::{Server, ServerConfig, TlsIdentity};
use crate::transport::{Certificates, Roots, client_config};

const LIMIT: Duration = Duration::from_secs(120);

fn target(host: &str, port: u16) -> Target {
    Target { host: host.to_owned(), port, tls: None, path: "ab".repeat(32), proxy: None }
}

fn trusting(roots: &str) -> Option<Arc<rustls::ClientConfig>> {
    let roots = Certificates::parse(roots.as_bytes()).unwrap();
    Some(client_config(&Roots::Only(roots)).unwrap())
}

fn open(target: &Target) -> Result<(), ConnectError> {
    runtime::handle().block_on(connect(target, 1 << 20, LIMIT)).map(|_| ())
}

/// A server with a certificate for these names, and the certificate.
fn tls_server(names: &[&str]) -> (Server, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let mut config = ServerConfig::new(([127, 0, 0, 1], 0).into());
    config.tls = Some(TlsIdentity {
        certificate_chain: made.cert.pem().into_bytes(),
        private_key: made.signing_key.serialize_pem().into_bytes(),
    });
    (Server::start(config).unwrap(), made.cert.pem())
}

fn plain_server() -> Server {
    Server::start(ServerConfig::new(([127, 0, 0, 1], 0).into())).unwrap()
}

/// A listener that sends `answer` to the first who connects, whatever they say, and the port.
fn listener_that_answers(answer: &'static [u8]) -> u16 {
    let listener = runtime::handle().block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime::handle().spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        stream.readable().await.unwrap();
        let _ = stream.try_read(&mut request);
        assert_eq!(stream.try_write(answer).unwrap(), answer.len());
        // Open until the other side has gone, so that it is the answer that it stumbles over.
        while !matches!(stream.try_read(&mut request), Ok(0)) {
            if stream.readable().await.is_err() {
                break;
            }
        }
    });
    port
}

/// Covers P-018 P-019.
#[test]
fn names_and_addresses_with_tls_and_without() {
    let server = plain_server();
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(open(&target(host, server.local_addr().unwrap().port())), Ok(()), "{host}");
    }
    let (server, certificate) = tls_server(&["localhost", "127.0.0.1"]);
    for host in ["127.0.0.1", "localhost"] {
        let mut target = target(host, server.local_addr().unwrap().port());
        target.tls = trusting(&certificate);
        assert_eq!(open(&target), Ok(()), "{host}");
    }
}

#[test]
fn ipv6_with_brackets_and_without() {
    let Ok(server) = Server::start(ServerConfig::new("[::1]:0".parse().unwrap())) else {
        // Machines without IPv6 exist; the host is then refused before anything else.
        let error = open(&target("::1", 1)).unwrap_err();
        return assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    };
    for host in ["::1", "[::1]", "::1%1"] {
        assert_eq!(open(&target(host, server.local_addr().unwrap().port())), Ok(()), "{host}");
    }
}

#[test]
fn certificates_that_are_not_trusted() {
    let (server, certificate) = tls_server(&["other.example"]);
    let (_, other_certificate) = tls_server(&["localhost"]);
    // Another name, and another issuer.
    for roots in [certificate, other_certificate] {
        let mut target = target("localhost", server.local_addr().unwrap().port());
        target.tls = trusting(&roots);
        let error = open(&target).unwrap_err();
        assert!(matches!(error, ConnectError::Certificate { .. }), "{error}");
        assert!(error.to_string().contains("localhost"), "{error}");
    }
}

/// A server with such a certificate, and the certificate.
fn server_with(
    params: CertificateParams,
    issuer: Option<&CertifiedIssuer<'_, KeyPair>>,
) -> (Server, String) {
    let key = KeyPair::generate().unwrap();
    let made = match issuer {
        Some(issuer) => params.signed_by(&key, issuer),
        None => params.self_signed(&key),
    };
    let certificate = made.unwrap().pem();
    let mut config = ServerConfig::new(([127, 0, 0, 1], 0).into());
    config.tls = Some(TlsIdentity {
        certificate_chain: certificate.clone().into_bytes(),
        private_key: key.serialize_pem().into_bytes(),
    });
    (Server::start(config).unwrap(), certificate)
}

fn localhost() -> CertificateParams {
    CertificateParams::new(["localhost".to_owned()]).unwrap()
}

/// As `openssl req -x509` makes them: they call themselves authorities.
fn authority() -> CertificateParams {
    let mut params = localhost();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

#[test]
fn a_certificate_that_was_given_itself_is_accepted() {
    let issuer = CertifiedIssuer::self_signed(authority(), KeyPair::generate().unwrap()).unwrap();
    for (server, certificate) in
        [server_with(authority(), None), server_with(localhost(), Some(&issuer))]
    {
        let (_, other) = server_with(authority(), None);
        let port = server.local_addr().unwrap().port();
        let tls = trusting(&(other.clone() + &certificate));
        let both = Roots::SystemAnd(Certificates::parse(certificate.as_bytes()).unwrap());
        for tls in [tls.clone(), client_config(&both).ok()] {
            assert_eq!(open(&Target { tls, ..target("localhost", port) }), Ok(()));
        }
        // Only under its names, and only that one.
        for target in [
            Target { tls, ..target("127.0.0.1", port) },
            Target { tls: trusting(&other), ..target("localhost", port) },
        ] {
            let error = open(&target).unwrap_err();
            assert!(matches!(error, ConnectError::Certificate { .. }), "{error}");
        }
    }
}

#[test]
fn a_certificate_that_was_given_itself_has_dates() {
    for is_ca in [authority().is_ca, IsCa::NoCa] {
        for (from, to) in [(2000, 2001), (2200, 2201)] {
            let mut params = localhost();
            params.is_ca = is_ca;
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
            let (server, certificate) = server_with(params, None);
            let mut target = target("localhost", server.local_addr().unwrap().port());
            target.tls = trusting(&certificate);
            let error = open(&target).unwrap_err();
            assert!(matches!(error, ConnectError::Certificate { .. }), "{error}");
        }
    }
}

#[test]
fn tls_on_one_side_only() {
    let (_, certificate) = tls_server(&["localhost"]);
    let mut to_plain = target("localhost", listener_that_answers(b"HTTP/1.1 400 Bad\r\n\r\n"));
    to_plain.tls = trusting(&certificate);
    assert!(matches!(open(&to_plain), Err(ConnectError::Tls { .. })));
    let (server, _) = tls_server(&["localhost"]);
    let error = open(&target("localhost", server.local_addr().unwrap().port())).unwrap_err();
    assert!(matches!(error, ConnectError::NotAWebSocket { .. }), "{error}");
}

#[test]
fn nobody_there() {
    // Bound, so that nobody else gets the port, but not listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    assert_eq!(
        open(&target("127.0.0.1", port)),
        Err(ConnectError::Refused { server: format!("127.0.0.1:{port}") })
    );
    assert!(matches!(
        open(&target("no-such-host.invalid", 1)),
        Err(ConnectError::UnknownHost { .. })
    ));
    assert!(matches!(open(&target("", 1)), Err(ConnectError::InvalidHost { .. })));
}

/// Covers P-020 P-021.
#[test]
fn servers_that_are_something_else() {
    let port = listener_that_answers(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let error = open(&target("127.0.0.1", port)).unwrap_err();
    assert!(matches!(error, ConnectError::Status { status: 404, .. }), "{error}");
    let port = listener_that_answers(b"SSH-2.0-Example\r\n");
    let error = open(&target("127.0.0.1", port)).unwrap_err();
    assert!(matches!(error, ConnectError::NotAWebSocket { .. }), "{error}");
}

/// What our own server says, and proxies in front of it.
#[test]
fn servers_that_are_busy() {
    for (line, word) in [
        (&b"HTTP/1.1 429 Too Many Requests\r\n\r\n"[..], "too many connections from this address"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "try again later"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n", "proxy"),
    ] {
        let error = open(&target("127.0.0.1", listener_that_answers(line))).unwrap_err();
        assert!(error.is_busy() && error.to_string().contains(word), "{error}");
    }
}

/// As servers end connections that are too many.
#[test]
fn servers_that_end_the_connection() {
    for tls in [None, trusting(&tls_server(&["localhost"]).1)] {
        let listener = runtime::handle().block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime::handle().spawn(async move { drop(listener.accept().await) });
        let error = open(&Target { tls, ..target("127.0.0.1", port) }).unwrap_err();
        assert!(matches!(error, ConnectError::Interrupted { .. }), "{error}");
    }
}

/// The accept key has to fit the request, so this one is an honest WebSocket server.
///
/// Covers P-020 P-021.
#[test]
fn websocket_servers_that_do_not_choose_the_subprotocol() {
    let listener = runtime::handle().block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime::handle().spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let _ = tokio_tungstenite::accept_async(stream).await;
    });
    assert_eq!(
        open(&target("127.0.0.1", port)),
        Err(ConnectError::NoSubprotocol { server: format!("127.0.0.1:{port}") })
    );
}

#[test]
fn a_server_that_says_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let limit = Duration::from_millis(100);
    let error =
        runtime::handle().block_on(connect(&target("127.0.0.1", port), 1024, limit)).unwrap_err();
    let server = format!("127.0.0.1:{port}");
    assert_eq!(error, ConnectError::TimedOut { server, after: limit });
    assert!(error.to_string().contains("0.1 seconds"), "{error}");
}

#[test]
fn address_families_take_turns() {
    let addresses = |text: &[&str]| -> Vec<SocketAddr> {
        text.iter().map(|address| address.parse().unwrap()).collect()
    };
    let mixed = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]);
    let turns = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
    assert_eq!(interleave(mixed), turns);
    let only = addresses(&["1.1.1.1:1", "2.2.2.2:1"]);
    assert_eq!(interleave(only.clone()), only);
    assert!(interleave(Vec::new()).is_empty());
}
