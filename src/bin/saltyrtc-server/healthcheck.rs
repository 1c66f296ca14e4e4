//! `healthcheck`: asks a running server whether it is ready.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::error::CommandError;
use crate::sources::Sources;
use crate::values::Admin;

const TIMEOUT: Duration = Duration::from_secs(3);
const LONGEST_ANSWER: u64 = 16 << 10;

pub(crate) fn healthcheck(sources: &Sources) -> Result<(), CommandError> {
    let loaded = sources.load()?;
    let origin = loaded.origin("admin");
    let Admin::Listen(address) = loaded.options.server.admin.admin else {
        return Err(CommandError::new(format!(
            "{origin} is off, so that the server cannot be asked; give the address that it has"
        )));
    };
    let address = reachable(address);
    let answer = ask(address).map_err(|error| {
        CommandError::new(format!(
            "not healthy: the server cannot be asked at {address} ({origin}): {error}; is it running, \
             with the same setting?"
        ))
    })?;
    let status = answer.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) == Some("200") {
        return crate::print(b"ready\n");
    }
    let text = answer.split_once("\r\n\r\n").map_or(status, |(_, body)| body.trim());
    Err(CommandError::new(format!("not healthy: the server at {address} says: {text}")))
}

/// A server that listens on all addresses is asked at the one of the machine itself.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn ask(address: SocketAddr) -> io::Result<String> {
    let mut connection = TcpStream::connect_timeout(&address, TIMEOUT)?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    connection.set_write_timeout(Some(TIMEOUT))?;
    write!(connection, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}
