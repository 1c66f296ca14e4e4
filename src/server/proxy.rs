//! Who a client is, as its proxy says: the PROXY protocol and `X-Forwarded-For`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::header::HeaderMap;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::network::{IpNetwork, TrustedProxies};

impl TrustedProxies {
    /// Whether this is the address of a trusted proxy.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network: &IpNetwork| network.contains(address))
    }

    /// The address of a client whose request came from the trusted proxy `peer` with these headers.
    pub(super) fn forwarded_for(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut last = peer;
        for value in headers.get_all("x-forwarded-for").iter().rev() {
            let Ok(value) = value.to_str() else { return last };
            for entry in value.rsplit(',') {
                // A trusted proxy wrote this, but it is no address. Whatever is to the left of it is not
                // trusted.
                let Some(address) = forwarded_address(entry.trim()) else { return last };
                last = address;
                if !self.trusts(address) {
                    return address;
                }
            }
        }
        last
    }
}

/// An address as proxies write it: some add a port, and then brackets around an IPv6 address.
fn forwarded_address(entry: &str) -> Option<IpAddr> {
    if let Ok(address) = entry.parse() {
        return Some(address);
    }
    if let Ok(with_port) = entry.parse::<std::net::SocketAddr>() {
        return Some(with_port.ip());
    }
    let inner = entry.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// What a PROXY header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proxied {
    /// The connection is for the client with this address.
    Client(IpAddr),
    /// The proxy connects for itself, or does not know for whom.
    Itself,
}

/// What came in place of a PROXY header is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// What both versions have at least: the whole of the shortest header of version 1, and all but one
/// byte of the fixed part of version 2.
const LEAST: usize = 15;
/// The longest header of version 1, with its line end.
const MAX_V1: usize = 107;
const SIGNATURE_V2: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const FIXED_V2: usize = 16;
/// What may follow in version 2. Some proxies add a client certificate, which takes a few KiB.
const MAX_REST_V2: usize = 8 << 10;

/// Reads a PROXY header of either version, and nothing after it.
pub(super) async fn read_header(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<Result<Proxied, Malformed>> {
    let mut header = vec![0; LEAST];
    stream.read_exact(&mut header).await?;
    if header.starts_with(&SIGNATURE_V2) {
        header.push(stream.read_u8().await?);
        let rest = usize::from(u16::from_be_bytes([header[14], header[15]]));
        if rest > MAX_REST_V2 {
            return Ok(Err(Malformed));
        }
        header.resize(FIXED_V2 + rest, 0);
        stream.read_exact(&mut header[FIXED_V2..]).await?;
        return Ok(parse_v2(&header));
    }
    // Byte by byte, so that nothing behind the line is taken. There are a few dozens.
    while header.starts_with(b"PROXY") && !header.ends_with(b"\n") && header.len() < MAX_V1 {
        header.push(stream.read_u8().await?);
    }
    Ok(parse_v1(&header))
}

/// Parses a header of version 1 with its line end.
fn parse_v1(header: &[u8]) -> Result<Proxied, Malformed> {
    let line = std::str::from_utf8(header).ok().and_then(|text| text.strip_suffix("\r\n"));
    let fields = line.and_then(|line| line.strip_prefix("PROXY ")).ok_or(Malformed)?;
    if fields.contains(['\r', '\n']) || header.len() > MAX_V1 {
        return Err(Malformed);
    }
    // What follows UNKNOWN is to be ignored.
    if fields == "UNKNOWN" || fields.starts_with("UNKNOWN ") {
        return Ok(Proxied::Itself);
    }
    let mut fields = fields.split(' ');
    let mut next = || fields.next().ok_or(Malformed);
    let family = next()?;
    let (source, destination) = (next()?, next()?);
    let source: IpAddr = source.parse().map_err(|_| Malformed)?;
    let destination: IpAddr = destination.parse().map_err(|_| Malformed)?;
    let ports = [next()?, next()?];
    let fits = match family {
        "TCP4" => source.is_ipv4() && destination.is_ipv4(),
        "TCP6" => source.is_ipv6() && destination.is_ipv6(),
        _ => false,
    };
    if !fits || fields.next().is_some() || !ports.into_iter().all(is_port) {
        return Err(Malformed);
    }
    Ok(Proxied::Client(source))
}

/// A number up to 65535, without a sign and without zeros in front.
fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port.to_string() == text)
}

/// Parses a header of version 2 that is as long as it says.
fn parse_v2(header: &[u8]) -> Result<Proxied, Malformed> {
    let (fixed, rest) = header.split_first_chunk::<FIXED_V2>().ok_or(Malformed)?;
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if fixed[..12] != SIGNATURE_V2 || rest.len() != length {
        return Err(Malformed);
    }
    match fixed[12] {
        // LOCAL: the rest is to be ignored.
        0x20 => return Ok(Proxied::Itself),
        0x21 => {}
        _ => return Err(Malformed),
    }
    let (proxied, extensions) = match fixed[13] {
        0x00 => (Proxied::Itself, &[][..]),
        0x11 => {
            let (addresses, extensions) = rest.split_first_chunk::<12>().ok_or(Malformed)?;
            let [a, b, c, d, ..] = *addresses;
            (Proxied::Client(Ipv4Addr::new(a, b, c, d).into()), extensions)
        }
        0x21 => {
            let (addresses, extensions) = rest.split_first_chunk::<36>().ok_or(Malformed)?;
            let source = addresses.first_chunk::<16>().ok_or(Malformed)?;
            (Proxied::Client(Ipv6Addr::from(*source).into()), extensions)
        }
        // Datagrams do not get here, nor clients of the proxy with a Unix socket.
        _ => return Err(Malformed),
    };
    check_extensions(extensions)?;
    Ok(proxied)
}

/// What may follow the addresses: any number of types with a length and so many bytes.
fn check_extensions(mut extensions: &[u8]) -> Result<(), Malformed> {
    while let Some(([_, high, low], rest)) = extensions.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        extensions = rest.get(length..).ok_or(Malformed)?;
    }
    if extensions.is_empty() { Ok(()) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::super::network::ProxyHeader;
    use super::*;

    fn client(address: &str) -> Result<Proxied, Malformed> {
        Ok(Proxied::Client(address.parse().unwrap()))
    }

    #[test]
    fn version_1_is_one_line_of_an_exact_form() {
        for (header, expected) in [
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 65535\r\n", client("192.0.2.1")),
            (
                "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
                client("255.255.255.255"),
            ),
            ("PROXY TCP6 2001:db8::1 ::1 0 443\r\n", client("2001:db8::1")),
            ("PROXY UNKNOWN\r\n", Ok(Proxied::Itself)),
            ("PROXY UNKNOWN what ever\r\n", Ok(Proxied::Itself)),
            ("", Err(Malformed)),
            ("PROXY\r\n", Err(Malformed)),
            ("PROXY \r\n", Err(Malformed)),
            ("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", Err(Malformed)),
            ("PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", Err(Malformed)),
            ("PROXY UNKNOWNS\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2", Err(Malformed)),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", Err(Malformed)),
            ("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 +2\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n", Err(Malformed)),
            ("PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n", Err(Malformed)),
            ("PROXY TCP6 192.0.2.1 ::1 1 2\r\n", Err(Malformed)),
            ("PROXY TCP6 ::1 192.0.2.1 1 2\r\n", Err(Malformed)),
            ("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", Err(Malformed)),
        ] {
            assert_eq!(parse_v1(header.as_bytes()), expected, "{header:?}");
        }
        assert_eq!(parse_v1(b"PROXY UNKNOWN \xff\r\n"), Err(Malformed));
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(MAX_V1 - 16));
        assert_eq!(parse_v1(long.as_bytes()), Ok(Proxied::Itself));
        assert_eq!(parse_v1(long.replace(" x", " xx").as_bytes()), Err(Malformed));
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE_V2[..], &[command, family], &length, rest].concat()
    }

    #[test]
    fn version_2_has_addresses_and_extensions_that_fit() {
        let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0, 1, 0, 2];
        let mut v6 = [0; 36];
        v6[..16].copy_from_slice(&"2001:db8::1".parse::<Ipv6Addr>().unwrap().octets());
        let with = |extension: &[u8]| [&v4[..], extension].concat();
        for (what, header, expected) in [
            ("IPv4", v2(0x21, 0x11, &v4), client("192.0.2.1")),
            ("IPv6", v2(0x21, 0x21, &v6), client("2001:db8::1")),
            ("an extension", v2(0x21, 0x11, &with(&[4, 0, 2, 9, 9])), client("192.0.2.1")),
            ("two", v2(0x21, 0x11, &with(&[4, 0, 0, 5, 0, 1, 9])), client("192.0.2.1")),
            ("LOCAL", v2(0x20, 0x00, &[]), Ok(Proxied::Itself)),
            ("LOCAL, more", v2(0x20, 0x11, &[1, 2, 3]), Ok(Proxied::Itself)),
            ("unspecified", v2(0x21, 0x00, &[1, 2, 3]), Ok(Proxied::Itself)),
            ("version 1", v2(0x11, 0x11, &v4), Err(Malformed)),
            ("version 3", v2(0x31, 0x11, &v4), Err(Malformed)),
            ("unknown command", v2(0x22, 0x11, &v4), Err(Malformed)),
            ("UDP", v2(0x21, 0x12, &v4), Err(Malformed)),
            ("a Unix socket", v2(0x21, 0x31, &[0; 216]), Err(Malformed)),
            ("unknown family", v2(0x21, 0x41, &v4), Err(Malformed)),
            ("IPv4, too short", v2(0x21, 0x11, &v4[1..]), Err(Malformed)),
            ("IPv6, too short", v2(0x21, 0x21, &v4), Err(Malformed)),
            ("half an extension", v2(0x21, 0x11, &with(&[4, 0])), Err(Malformed)),
            ("extension too long", v2(0x21, 0x11, &with(&[4, 0, 3, 9, 9])), Err(Malformed)),
            ("less than it says", v2(0x21, 0x11, &v4)[..20].to_vec(), Err(Malformed)),
            ("more than it says", [v2(0x21, 0x11, &v4), vec![0]].concat(), Err(Malformed)),
            ("only the signature", SIGNATURE_V2.to_vec(), Err(Malformed)),
        ] {
            assert_eq!(parse_v2(&header), expected, "{what}");
        }
        let mut wrong = v2(0x21, 0x11, &v4);
        wrong[11] = b'\r';
        assert_eq!(parse_v2(&wrong), Err(Malformed));
    }

    #[tokio::test]
    async fn a_header_is_read_whole_and_nothing_after_it() {
        use tokio::io::AsyncWriteExt as _;
        use tokio::net::TcpStream;

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let v2 = v2(0x21, 0x11, &[192, 0, 2, 1, 192, 0, 2, 2, 0, 1, 0, 2]);
        for header in [&b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"[..], &v2] {
            // As a whole, and in the smallest pieces.
            for size in [header.len(), 1] {
                let mut there = TcpStream::connect(address).await.unwrap();
                there.set_nodelay(true).unwrap();
                let (mut here, _) = listener.accept().await.unwrap();
                let write = async {
                    for piece in header.chunks(size) {
                        there.write_all(piece).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                    there.write_all(b"GET").await.unwrap();
                };
                let (proxied, ()) = tokio::join!(read_header(&mut here), write);
                assert_eq!(proxied.unwrap(), client("192.0.2.1"));
                let mut rest = [0; 3];
                here.read_exact(&mut rest).await.unwrap();
                assert_eq!(&rest, b"GET");
            }
        }
        let no_end = [b'x'; 200];
        let endless = [&b"PROXY UNKNOWN "[..], &no_end].concat();
        let too_long = [&SIGNATURE_V2[..], &[0x21, 0x11, 0xff, 0xff]].concat();
        for bad in [&b"GET / HTTP/1.1\r\n\r\n"[..], &endless, &too_long] {
            let mut there = TcpStream::connect(address).await.unwrap();
            let (mut here, _) = listener.accept().await.unwrap();
            there.write_all(bad).await.unwrap();
            assert_eq!(read_header(&mut here).await.unwrap(), Err(Malformed));
        }
        for cut in [&b""[..], b"PROXY", b"PROXY TCP4 192.0.2.1", &v2[..20]] {
            let mut there = TcpStream::connect(address).await.unwrap();
            let (mut here, _) = listener.accept().await.unwrap();
            there.write_all(cut).await.unwrap();
            drop(there);
            assert!(read_header(&mut here).await.is_err(), "{cut:?}");
        }
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_counts() {
        let proxies = TrustedProxies {
            networks: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            header: ProxyHeader::XForwardedFor,
        };
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        for (values, expected) in [
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["198.51.100.1, 192.0.2.1"], "192.0.2.1"),
            (&["198.51.100.1,192.0.2.1,10.0.0.2 , fd00::1"], "192.0.2.1"),
            (&["198.51.100.1", "192.0.2.1", "10.0.0.2"], "192.0.2.1"),
            (&["192.0.2.1:8080"], "192.0.2.1"),
            (&["[2001:db8::1]:443"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["::ffff:10.0.0.7, 10.0.0.2"], "::ffff:10.0.0.7"),
            (&[], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["192.0.2.1, unknown"], "10.0.0.1"),
            (&["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
            (&["192.0.2.1, , 10.0.0.2"], "10.0.0.2"),
            (&["192.0.2.1; 10.0.0.2"], "10.0.0.1"),
            (&["192.0.2.1:99999"], "10.0.0.1"),
            (&["[192.0.2.1]"], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("X-Forwarded-For", HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(proxies.forwarded_for(peer, &headers).to_string(), expected, "{values:?}");
        }
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_bytes(b"192.0.2.1, \xff").unwrap());
        assert_eq!(proxies.forwarded_for(peer, &headers), peer);
    }
}
