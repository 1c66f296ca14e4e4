//! Finds out how large datagrams may be on a path (RFC 8899), by connectivity checks that are padded: if one of them is
//! answered, a datagram of its size gets to the peer. Tunnels within tunnels carry less than others, and many networks drop
//! what is too large without a word.
//!
//! The answer says nothing about the way back: the peer has to find out for itself.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use turn_client_proto::stun::types::attribute::{AttributeType, RawAttribute, Username};
use turn_client_proto::stun::types::message::{
    BINDING, IntegrityAlgorithm, Message, MessageClass, MessageIntegrityCredentials, MessageType,
    MessageWriteVec, ShortTermCredentials, TransactionId,
};
use turn_client_proto::stun::types::prelude::{MessageWrite, MessageWriteExt};

use super::net::quiet;
use super::watch::Pair;
use super::{LEAST_DATAGRAM, LargestDatagram};
use crate::crypto::RandomSource;

/// The sizes that are tried, in bytes of UDP payload: what nearly every path carries, and then what links with an MTU
/// of 1000, 700 and 576 bytes do (IPv4), the last one with room for the header of an indication of TURN.
const SIZES: [usize; 4] = [1200, 960, 660, LEAST_DATAGRAM];
/// The largest one is tried so many times before a smaller one counts. Three in ten datagrams may get lost.
const ROUNDS: u32 = 6;
/// If nothing at all is answered it is asked less often after that, until the end: the peer may be slow.
const SLOWER: u32 = 4;
/// The time from one round to the next, unless a round trip takes longer.
const INTERVAL: Duration = Duration::from_millis(100);
/// It is over after this time, also if the path changes again and again.
const LIMIT: Duration = Duration::from_secs(3);

/// Attributes of connectivity checks (RFC 8445 section 7.1).
const PRIORITY: u16 = 0x0024;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802a;
/// An attribute that nobody knows, and everybody has to ignore.
const PADDING: u16 = 0xff5a;
/// As low as a priority may be: it is for peers that do not know the path yet.
const LOWEST: u32 = (110 << 24) | 255;

/// The search on one path.
#[derive(Debug)]
pub(super) struct Search {
    pair: Pair,
    round: u32,
    next: Instant,
    end: Instant,
    sent: Vec<([u8; 12], usize)>,
    /// The largest that has arrived.
    arrived: Option<usize>,
}

impl Search {
    pub(super) fn new(now: Instant, pair: Pair) -> Self {
        Self { pair, round: 0, next: now, end: now + LIMIT, sent: Vec::new(), arrived: None }
    }

    /// There is another path. It does not get more time.
    pub(super) fn follow(&mut self, now: Instant, pair: Pair) {
        if self.pair != pair {
            *self = Self { end: self.end, ..Self::new(now, pair) };
        }
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        self.next.min(self.end)
    }

    /// What to send now: transactions and sizes. `round_trip`: that of the path.
    pub(super) fn drive(
        &mut self,
        now: Instant,
        round_trip: Option<Duration>,
        random: &mut dyn RandomSource,
    ) -> Vec<([u8; 12], usize)> {
        if now < self.next || self.is_through() {
            return Vec::new();
        }
        // The smaller ones join when the largest seems to get lost.
        let sizes = if self.round == 0 { &SIZES[..1] } else { &SIZES };
        let wanted = sizes.iter().filter(|size| self.arrived.is_none_or(|it| it < **size));
        let new: Vec<_> = wanted.map(|size| (random.array(), *size)).collect();
        self.sent.extend(&new);
        self.round += 1;
        let interval = INTERVAL.max(round_trip.unwrap_or_default() * 3 / 2);
        self.next = now + if self.round < ROUNDS { interval } else { interval * SLOWER };
        new
    }

    /// Whether everything has been sent.
    fn is_through(&self) -> bool {
        self.round >= ROUNDS && self.arrived.is_some()
    }

    /// Whether a STUN packet, of at least 20 bytes, answers one of the checks. Also a refusal is an answer: it got there.
    pub(super) fn handle(&mut self, local: SocketAddr, from: SocketAddr, packet: &[u8]) -> bool {
        let is_response = packet[0] & 1 == 1;
        let asked = self.sent.iter().find(|(transaction, _)| packet[8..20] == *transaction);
        let Some((_, size)) = asked.filter(|_| is_response && self.pair == (local, from)) else {
            return false;
        };
        self.arrived = self.arrived.max(Some(*size));
        true
    }

    /// What has come of it, once it is over.
    pub(super) fn outcome(&self, now: Instant) -> Option<LargestDatagram> {
        let over = now >= self.end || (self.is_through() && now >= self.next);
        match self.arrived {
            Some(size) if over || size == SIZES[0] => Some(LargestDatagram::Known(size)),
            None if over => Some(LargestDatagram::Unknown),
            _ => None,
        }
    }
}

/// What a check says of this side.
pub(super) struct Check<'a> {
    pub(super) username: &'a str,
    /// Of the peer.
    pub(super) password: &'a str,
    pub(super) controlling: bool,
    pub(super) tie_breaker: u64,
}

impl Check<'_> {
    /// A check of so many bytes. `None` if it would be larger anyway.
    pub(super) fn padded(&self, transaction: [u8; 12], size: usize) -> Option<Vec<u8>> {
        let short = self.packet(transaction, None)?;
        let padding = size.checked_sub(short.len() + 4)? & !3;
        self.packet(transaction, Some(padding))
    }

    fn packet(&self, transaction: [u8; 12], padding: Option<usize>) -> Option<Vec<u8>> {
        let padding = padding.map(|length| vec![0; length]);
        let role = if self.controlling { ICE_CONTROLLING } else { ICE_CONTROLLED };
        let (priority, tie_breaker) = (LOWEST.to_be_bytes(), self.tie_breaker.to_be_bytes());
        let credentials: MessageIntegrityCredentials =
            ShortTermCredentials::new(self.password.to_owned()).into();
        let mut id = [0; 16];
        id[4..].copy_from_slice(&transaction);
        let id = TransactionId::from(u128::from_be_bytes(id));
        quiet(|| {
            let kind = MessageType::from_class_method(MessageClass::Request, BINDING);
            let mut check = Message::builder(kind, id, MessageWriteVec::new());
            check.add_attribute(&Username::new(self.username).ok()?).ok()?;
            let raw = |kind, value| RawAttribute::new(AttributeType::new(kind), value);
            check.add_attribute(&raw(PRIORITY, &priority)).ok()?;
            check.add_attribute(&raw(role, &tie_breaker)).ok()?;
            if let Some(padding) = &padding {
                check.add_attribute(&raw(PADDING, padding)).ok()?;
            }
            check.add_message_integrity(&credentials, IntegrityAlgorithm::Sha1).ok()?;
            check.add_fingerprint().ok()?;
            Some(check.finish())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::OsRandom;

    const PAIR: fn() -> Pair =
        || ("192.0.2.1:1".parse().expect("an address"), "192.0.2.2:2".parse().expect("an address"));

    /// Searches on a path that carries so much. `answers`: whether the peer takes padded checks at all.
    fn search(carries: usize, lost_rounds: u32, answers: bool) -> (LargestDatagram, Duration) {
        let start = Instant::now();
        let (mut now, mut search) = (start, Search::new(start, PAIR()));
        let mut round = 0;
        loop {
            for (transaction, size) in search.drive(now, None, &mut OsRandom) {
                if size <= carries && round >= lost_rounds && answers {
                    let mut answer = [0; 20];
                    answer[..2].copy_from_slice(&[1, 1]);
                    answer[8..].copy_from_slice(&transaction);
                    assert!(search.handle(PAIR().0, PAIR().1, &answer));
                    assert!(!search.handle(PAIR().0, PAIR().0, &answer), "from elsewhere");
                    answer[0] = 0;
                    assert!(!search.handle(PAIR().0, PAIR().1, &answer), "a request");
                }
            }
            if let Some(outcome) = search.outcome(now) {
                return (outcome, now - start);
            }
            round += 1;
            now = search.poll_timeout();
        }
    }

    #[test]
    fn the_largest_that_arrives_is_found() {
        assert_eq!(search(1472, 0, true), (LargestDatagram::Known(1200), Duration::ZERO));
        let late = 3 * INTERVAL;
        assert_eq!(search(1472, 3, true), (LargestDatagram::Known(1200), late));
        for (carries, found) in [(1199, 960), (972, 960), (672, 660), (548, 460)] {
            let outcome = LargestDatagram::Known(found);
            assert_eq!(search(carries, 0, true), (outcome, (ROUNDS - 1 + SLOWER) * INTERVAL));
        }
        assert_eq!(search(1472, 0, false), (LargestDatagram::Unknown, LIMIT));
        // Late is better than never.
        let (outcome, _) = search(548, ROUNDS, true);
        assert_eq!(outcome, LargestDatagram::Known(460));
    }

    #[test]
    fn a_path_that_changes_gets_no_more_time() {
        let start = Instant::now();
        let mut search = Search::new(start, PAIR());
        let other = (PAIR().1, PAIR().0);
        let mut now = start;
        while search.outcome(now).is_none() {
            search.follow(now, if search.pair == other { PAIR() } else { other });
            assert!(!search.drive(now, None, &mut OsRandom).is_empty());
            now += Duration::from_millis(50);
        }
        assert_eq!(now - start, LIMIT);
    }

    #[test]
    fn checks_have_the_size_that_is_wanted() {
        let check =
            Check { username: "them:us7", password: "secret", controlling: true, tie_breaker: 7 };
        for size in SIZES {
            let packet = check.padded([9; 12], size).expect("there is room");
            assert_eq!(packet.len(), size);
            let message = is::stun::StunMessage::parse(&packet).expect("a check");
            assert!(message.is_binding_request() && !message.use_candidate());
            assert_eq!(message.split_username(), Some(("them", "us7")));
            assert_eq!(message.ice_controlling(), Some(7));
        }
        assert_eq!(check.padded([9; 12], 60), None);
    }
}
