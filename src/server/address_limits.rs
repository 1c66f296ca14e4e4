//! The limits of one address: how many connections it has, and how fast it opens them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::limits::{AcceptRate, ServerLimits};
use super::metrics::ReachedLimit;
use super::network::around;
use crate::sync::lock;

/// With more addresses than this, those are forgotten that have no connection, however fast they opened
/// the last ones.
const MANY: usize = 1 << 16;
/// At how many addresses each newcomer looks whether they can be forgotten. More than one, so that they are looked at
/// faster than new ones come; few, because everybody who comes or goes waits meanwhile.
const LOOKS: usize = 4;

/// Counts the connections of each address, and refuses those beyond its limits.
///
/// Remembers the addresses that have connections, or that had some lately.
#[derive(Debug, Default)]
pub(super) struct AddressLimiter(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    /// Not a hash map, which moves all of its entries whenever it grows, with the lock held.
    entries: BTreeMap<IpAddr, Entry>,
    /// The address that was looked at last.
    looked_at: Option<IpAddr>,
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
    /// Forgets some of those that have no connection, if they could open a whole burst again.
    fn clean(&mut self, now: Instant) {
        for _ in 0..LOOKS {
            let after = self.looked_at.map_or(Bound::Unbounded, Bound::Excluded);
            let next = self.entries.range((after, Bound::Unbounded)).next();
            self.looked_at = next.map(|(address, _)| *address);
            let many = self.entries.len() > MANY;
            if let Some((address, entry)) = next
                && entry.connections == 0
                && (entry.rested <= now || many)
            {
                let address = *address;
                self.entries.remove(&address);
            }
        }
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
        let mut most = 0;
        for n in 0..50_000_u64 {
            // A thousand new addresses each second, and each is remembered for one second.
            let now = start + Duration::from_millis(n);
            let address = std::net::Ipv6Addr::from_bits(u128::from(n) << 64);
            limiter.admit(now, address.into(), &limits).unwrap();
            most = most.max(lock(&limiter.0).entries.len());
        }
        // Each is found within so many newcomers as there are addresses to look at, and a thousand are remembered.
        assert!(most <= 2000, "{most}");
        let later = start + Duration::from_secs(1000);
        assert!(limiter.admit(later, ip("192.0.2.1"), &limits).is_err(), "still connected");
        drop(stays);
        assert!(limiter.admit(later, ip("192.0.2.1"), &limits).is_ok());
    }

    /// With the lock held that everybody needs to come and to go.
    #[test]
    fn forgetting_takes_no_longer_with_many_addresses() {
        let (start, limiter) = (Instant::now(), Arc::new(AddressLimiter::default()));
        let limits = limits(Some(1), Some((1, 5)));
        let admit = |now, n: u64| {
            let address = std::net::Ipv6Addr::from_bits(u128::from(n) << 64);
            limiter.admit(now, address.into(), &limits).map(drop).unwrap();
            lock(&limiter.0).entries.len()
        };
        let addresses = 20_000;
        let mut known = 0;
        (0..addresses).for_each(|n| known = admit(start, n));
        assert_eq!(known, 20_000);
        // All of them could be forgotten by now.
        let later = start + Duration::from_secs(10);
        for n in addresses..addresses + 8000 {
            let left = admit(later, n);
            assert!(left + LOOKS > known, "{} in one go", known - left);
            known = left;
        }
        // All that were to be forgotten are.
        assert!(known <= 8000 + 20_000 / LOOKS, "{known}");
    }
}
