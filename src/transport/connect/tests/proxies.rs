//! Proxies of the tests, which do what they are told. The real ones are in `tests/rtc_network`.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::transport::ProxyUrl;

/// Starts a proxy that knows `user:secret`. CONNECT goes to who asks for HTTP, and is refused with `status` if there
/// is one; with SOCKS that is the number of the reply. Gives its port.
fn proxy(tls: Option<TlsIdentity>, status: Option<u16>) -> u16 {
    let listener = runtime::handle().block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = tls.map(|identity| {
        let TlsIdentity { certificate_chain, private_key } = identity;
        let config = crate::transport::server_config(&certificate_chain, &private_key);
        TlsAcceptor::from(config.unwrap())
    });
    runtime::handle().spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                match acceptor {
                    // The client may not trust it.
                    Some(acceptor) => {
                        let Ok(tls) = acceptor.accept(tcp).await else { return };
                        serve(tls, status).await
                    }
                    None => serve(tcp, status).await,
                };
            });
        }
    });
    port
}

async fn serve(mut client: impl AsyncRead + AsyncWrite + Unpin, status: Option<u16>) -> Option<()> {
    let first = client.read_u8().await.ok()?;
    let place = if first == b'C' {
        http(&mut client, status).await?
    } else {
        assert_eq!(first, 5);
        socks(&mut client, status).await?
    };
    let mut server = TcpStream::connect(place).await.ok()?;
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    Some(())
}

async fn http(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    status: Option<u16>,
) -> Option<String> {
    let mut head = vec![b'C'];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let request: Vec<&str> = lines.next()?.split(' ').collect();
    assert_eq!((request[0], request[2]), ("CONNECT", "HTTP/1.1"));
    assert!(lines.any(|line| line == format!("Host: {}", request[1])));
    // user:secret
    let knows = head.contains("\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n");
    let status = if knows { status.unwrap_or(200) } else { 407 };
    // As tinyproxy says it.
    let answer = format!("HTTP/1.0 {status} Whatever\r\nProxy-agent: test/1\r\n\r\n");
    client.write_all(answer.as_bytes()).await.ok()?;
    (status == 200).then(|| request[1].to_owned())
}

async fn socks(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    status: Option<u16>,
) -> Option<String> {
    let mut methods = vec![0; usize::from(client.read_u8().await.ok()?)];
    client.read_exact(&mut methods).await.ok()?;
    if !methods.contains(&2) {
        client.write_all(&[5, 0xff]).await.ok()?;
        return None;
    }
    client.write_all(&[5, 2]).await.ok()?;
    let mut user = [0; 13];
    client.read_exact(&mut user).await.ok()?;
    let wrong = u8::from(&user != b"\x01\x04user\x06secret");
    client.write_all(&[1, wrong]).await.ok()?;
    let mut request = [0; 4];
    client.read_exact(&mut request).await.ok()?;
    assert_eq!(request[..3], [5, 1, 0]);
    let host = match request[3] {
        1 => std::net::Ipv4Addr::from(client.read_u32().await.ok()?).to_string(),
        3 => {
            let mut name = vec![0; usize::from(client.read_u8().await.ok()?)];
            client.read_exact(&mut name).await.ok()?;
            String::from_utf8(name).unwrap()
        }
        other => panic!("{other}"),
    };
    let port = client.read_u16().await.ok()?;
    let status = status.unwrap_or(0) as u8;
    client.write_all(&[5, status, 0, 3, 4, b'h', b'o', b's', b't', 0, 1]).await.ok()?;
    (status == 0).then(|| format!("{host}:{port}"))
}

fn by(url: String, target: Target) -> Target {
    let proxy = ProxyUrl::parse(&url).unwrap();
    Target { proxy: Some((proxy, None)), ..target }
}

#[test]
fn http_and_socks_with_tls_to_the_server_and_without() {
    let port = proxy(None, None);
    let (server, certificate) = tls_server(&["localhost", "127.0.0.1"]);
    let plain = plain_server();
    for scheme in ["http", "socks5"] {
        for host in ["localhost", "127.0.0.1"] {
            let url = || format!("{scheme}://user:secret@127.0.0.1:{port}");
            let plain = target(host, plain.local_addr().unwrap().port());
            assert_eq!(open(&by(url(), plain)), Ok(()), "{scheme} {host}");
            let tls = trusting(&certificate);
            let tls = Target { tls, ..target(host, server.local_addr().unwrap().port()) };
            assert_eq!(open(&by(url(), tls)), Ok(()), "{scheme} {host}");
        }
    }
}

#[test]
fn tls_to_the_proxy() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let identity = TlsIdentity {
        certificate_chain: made.cert.pem().into_bytes(),
        private_key: made.signing_key.serialize_pem().into_bytes(),
    };
    let port = proxy(Some(identity), None);
    let (server, certificate) = tls_server(&["localhost"]);
    let url = ProxyUrl::parse(&format!("https://user:secret@localhost:{port}")).unwrap();
    let to_server = Target {
        tls: trusting(&certificate),
        proxy: Some((url, trusting(&made.cert.pem()))),
        ..target("localhost", server.local_addr().unwrap().port())
    };
    assert_eq!(open(&to_server), Ok(()));
    let (url, _) = to_server.proxy.clone().unwrap();
    let untrusted = Target { proxy: Some((url, trusting(&certificate))), ..to_server };
    let error = open(&untrusted).unwrap_err();
    assert!(matches!(&error, ConnectError::Certificate { server, .. } if server.contains("proxy")));
}

/// The status is in the text.
#[test]
fn what_a_proxy_refuses() {
    let server = plain_server();
    let target = || target("localhost", server.local_addr().unwrap().port());
    for (scheme, user, status, refused, word) in [
        ("http", "", None, true, "407"),
        ("http", "user:wrong@", None, true, "407"),
        ("http", "user:secret@", Some(403), true, "403"),
        ("http", "user:secret@", Some(502), false, "502"),
        ("socks5", "", None, true, "status 255"),
        ("socks5", "user:wrongs@", None, true, "status 1"),
        ("socks5", "user:secret@", Some(2), true, "SOCKS status 2"),
        ("socks5", "user:secret@", Some(4), false, "SOCKS status 4"),
    ] {
        let port = proxy(None, status);
        let error = open(&by(format!("{scheme}://{user}127.0.0.1:{port}"), target())).unwrap_err();
        assert_eq!(matches!(error, ConnectError::ProxyRefused { .. }), refused, "{error}");
        assert_eq!(matches!(error, ConnectError::Unreachable { .. }), !refused, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn something_else_than_a_proxy() {
    for scheme in ["http", "socks5"] {
        let port = listener_that_answers(b"SSH-2.0-Example\r\n\r\n");
        let url = format!("{scheme}://127.0.0.1:{port}");
        let error = open(&by(url, target("localhost", 1))).unwrap_err();
        assert!(matches!(error, ConnectError::ProxyRefused { .. }), "{error}");
    }
}
