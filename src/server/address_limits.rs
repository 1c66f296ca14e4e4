//! The limits of one address: how many connections it has, and how fast it opens them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::limits::{AcceptRate, ServerLimits};
use super::metrics::ReachedLimit;
use super::network::around;
use crate::sync::lock;

/// With more addresses than this, those are forgotten that have no connection and could
/// open a whole burst again.
const FEW: usize = 1024;
/// With more addresses than this, all are forgotten that have no connection, however fast they opened
/// the last ones.
const MANY: usize = 1 << 16;

/// Counts the connections of each address, and refuses those beyond its limits.
///
/// Remembers the addresses that have connections, or that had some lately.
#[derive(Debug, Default)]
pub(super) struct AddressLimiter(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<IpAddr, Entry>,
    /// When to look next for what can be forgotten.
    clean_at: usize,
}

#[derive(Debug)]
struct Entry {
    connections: usize,
    /// When the address may open a whole burst again: each connection moves it one interval on.
    rested: Instant,
}

/// Counts as one connection of its address until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    limiter: Arc<AddressLimiter>,
    group: IpAddr,
}

impl AddressLimiter {
    /// Counts a connection that comes in `now`, if its address may have one more.
    pub(super) fn admit(
        self: &Arc<Self>,
        now: Instant,
        address: IpAddr,
        limits: &ServerLimits,
    ) -> Result<Option<Permit>, ReachedLimit> {
        if limits.connections_per_address.is_none() && limits.accept_rate.is_none() {
            return Ok(None);
        }
        let group = group(address);
        let mut table = lock(&self.0);
        table.clean(now);
        let entry = table.entries.entry(group).or_insert(Entry { connections: 0, rested: now });
        if limits.connections_per_address.is_some_and(|most| entry.connections >= most) {
            return Err(ReachedLimit::ConnectionsPerAddress);
        }
        if let Some(AcceptRate { per_second, burst }) = limits.accept_rate {
            let interval = Duration::from_secs(1) / per_second;
            let rested = entry.rested.max(now) + interval;
            if rested > now + interval.saturating_mul(burst) {
                return Err(ReachedLimit::AcceptRate);
            }
            entry.rested = rested;
        }
        entry.connections += 1;
        Ok(Some(Permit { limiter: self.clone(), group }))
    }
}

impl Table {
    fn clean(&mut self, now: Instant) {
        if self.entries.len() < self.clean_at.max(FEW) {
            return;
        }
        self.entries.retain(|_, entry| entry.connections > 0 || entry.rested > now);
        if self.entries.len() > MANY {
            self.entries.retain(|_, entry| entry.connections > 0);
        }
        // Twice as many as are left, so that on average looking costs no more than admitting did.
        self.clean_at = self.entries.len() * 2;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut table = lock(&self.limiter.0);
        if let Some(entry) = table.entries.get_mut(&self.group) {
            entry.connections -= 1;
        }
    }
}

/// What counts as one address.
pub(super) fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        v6 @ IpAddr::V6(_) => around(v6, 64).map_or(v6, |network| network.addr()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connections: Option<usize>, rate: Option<(u32, u32)>) -> ServerLimits {
        let accept_rate = rate.map(|(per_second, burst)| AcceptRate { per_second, burst });
        ServerLimits {
            connections_per_address: connections,
            accept_rate,
            ..ServerLimits::default()
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn connections_are_counted_for_each_address() {
        let (now, limiter) = (Instant::now(), Arc::new(AddressLimiter::default()));
        let limits = limits(Some(2), None);
        let one = limiter.admit(now, ip("192.0.2.1"), &limits).unwrap();
        let _two = limiter.admit(now, ip("::ffff:192.0.2.1"), &limits).unwrap();
        let full = limiter.admit(now, ip("192.0.2.1"), &limits).map(drop);
        assert!(matches!(full, Err(ReachedLimit::ConnectionsPerAddress)));
        assert!(limiter.admit(now, ip("192.0.2.2"), &limits).is_ok());
        drop(one);
        assert!(limiter.admit(now, ip("192.0.2.1"), &limits).is_ok());
    }

    #[test]
    fn the_first_64_bits_of_an_ipv6_address_count() {
        let (now, limiter) = (Instant::now(), Arc::new(AddressLimiter::default()));
        let limits = limits(Some(1), None);
        let _one = limiter.admit(now, ip("2001:db8::1"), &limits).unwrap();
        assert!(limiter.admit(now, ip("2001:db8::ffff:1:2:3"), &limits).is_err());
        assert!(limiter.admit(now, ip("2001:db8:0:1::1"), &limits).is_ok());
    }

    #[test]
    fn the_rate_is_a_burst_and_then_so_many_per_second() {
        let (start, limiter) = (Instant::now(), Arc::new(AddressLimiter::default()));
        let limits = limits(None, Some((10, 3)));
        let mut admit = |millis| {
            limiter.admit(start + Duration::from_millis(millis), ip("192.0.2.1"), &limits).is_ok()
        };
        assert_eq!([0, 0, 0, 0, 99].map(&mut admit), [true, true, true, false, false]);
        assert_eq!([100, 100, 250, 250].map(&mut admit), [true, false, true, false]);
        // A long rest gives no more than a burst.
        assert_eq!([9000; 4].map(&mut admit), [true, true, true, false]);
    }

    #[test]
    fn without_a_limit_nothing_is_kept() {
        let limiter = Arc::new(AddressLimiter::default());
        assert!(limiter.admit(Instant::now(), ip("::1"), &limits(None, None)).unwrap().is_none());
        assert!(lock(&limiter.0).entries.is_empty());
    }

    #[test]
    fn addresses_are_forgotten() {
        let (start, limiter) = (Instant::now(), Arc::new(AddressLimiter::default()));
        let limits = limits(Some(1), Some((1, 5)));
        let stays = limiter.admit(start, ip("192.0.2.1"), &limits).unwrap();
        for n in 0..50_000_u64 {
            // A thousand new addresses each second, and each is remembered for one second.
            let now = start + Duration::from_millis(n);
            let address = std::net::Ipv6Addr::from_bits(u128::from(n) << 64);
            limiter.admit(now, address.into(), &limits).unwrap();
            if n % 10_000 == 0 {
                assert!(lock(&limiter.0).entries.len() < 10 * FEW);
            }
        }
        let later = start + Duration::from_secs(1000);
        assert!(limiter.admit(later, ip("192.0.2.1"), &limits).is_err(), "still connected");
        drop(stays);
        assert!(limiter.admit(later, ip("192.0.2.1"), &limits).is_ok());
    }
}
