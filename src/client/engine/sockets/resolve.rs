//! Names to addresses: the resolver of the system, and [multicast DNS](super::mdns) for the names that
//! browsers put into candidates in place of addresses.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::mdns;

/// How long an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The addresses of a host; none if there is no answer.
pub(super) async fn resolve(name: &str, mdns: bool) -> Vec<IpAddr> {
    let lookup = async {
        if mdns {
            return mdns::resolve(name).await;
        }
        let addresses = tokio::net::lookup_host((name, 0)).await?;
        Ok(addresses.map(|address| address.ip()).collect())
    };
    let result = tokio::time::timeout(TIMEOUT, lookup).await;
    result.map_or_else(|_| Vec::new(), |result: io::Result<_>| result.unwrap_or_default())
}
