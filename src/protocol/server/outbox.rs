//! The ordered queue of what goes out to one client.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;

use super::client_id::ClientId;
use super::config::PathConfig;
use super::event::RelayFailure;
use crate::protocol::{Address, CloseCode, Nonce, Transmit};

/// What a relayed message costs beside its bytes: its place in the queue and its allocation.
const RELAY_OVERHEAD: usize = 64;
/// How many bytes of the server's own messages may wait. A server-auth with 254 responders has
/// less than 1 KiB, notifications have less than 100 bytes.
const MAX_OWN: usize = 64 << 10;
/// From this many waiting bytes on, small messages are copied so that they do not keep the larger
/// buffers alive that they were received in.
const COPY_FROM: usize = 64 << 10;
/// What counts as small for that purpose.
const COPY_BELOW: usize = 4 << 10;

/// A message from another client.
pub(super) struct Relay {
    pub(super) message: Bytes,
    pub(super) sender: ClientId,
    pub(super) source: Address,
    pub(super) arrived: Instant,
}

impl Relay {
    /// How many bytes of the queue it takes.
    fn cost(&self) -> usize {
        self.message.len() + RELAY_OVERHEAD
    }
}

enum Entry {
    Relay(Relay),
    Own(Bytes),
    Ping,
    Close(CloseCode),
}

/// A relayed message that did not get out: who sent it, and what identifies it in 'send-error'.
pub(super) struct LostRelay {
    pub(super) sender: ClientId,
    pub(super) identity: [u8; 8],
}

/// The ordered queue of what goes out to one client.
pub(super) struct Outbox {
    entries: VecDeque<Entry>,
    relayed: usize,
    /// How much of that came from each address. Not from each connection, because a client that connects again
    /// to get another share usually gets the same address.
    shares: Vec<(Address, usize)>,
    own: usize,
    /// The sum of both, of all queues of a server.
    all: Arc<AtomicUsize>,
}

impl Outbox {
    /// An empty queue whose bytes are added to `all`.
    pub(super) fn new(all: Arc<AtomicUsize>) -> Self {
        Self { entries: VecDeque::new(), relayed: 0, shares: Vec::new(), own: 0, all }
    }

    /// Queues a relayed message if there is room for it. That is shared between as many `senders`: one
    /// of them cannot keep the others out.
    pub(super) fn relay(
        &mut self,
        mut relay: Relay,
        senders: usize,
        config: &PathConfig,
    ) -> Result<(), RelayFailure> {
        let cost = relay.cost();
        let place = self.shares.iter().position(|(address, _)| *address == relay.source);
        if self.relayed > 0 {
            if self.relayed.saturating_add(cost) > config.max_queue {
                return Err(RelayFailure::QueueFull);
            }
            let share = config.max_queue / senders.max(1);
            if place.is_some_and(|place| self.shares[place].1.saturating_add(cost) > share) {
                return Err(RelayFailure::QueueFull);
            }
            let all = self.all.load(Ordering::Relaxed).saturating_add(cost);
            if config.max_queued.is_some_and(|most| all > most) {
                return Err(RelayFailure::AllQueuesFull);
            }
        }
        if self.relayed >= COPY_FROM && relay.message.len() < COPY_BELOW {
            relay.message = Bytes::copy_from_slice(&relay.message);
        }
        match place {
            Some(place) => self.shares[place].1 += cost,
            None => self.shares.push((relay.source, cost)),
        }
        self.relayed += cost;
        self.all.fetch_add(cost, Ordering::Relaxed);
        self.entries.push_back(Entry::Relay(relay));
        Ok(())
    }

    /// Whether a message of the server has room; if not, the client has stopped reading.
    pub(super) fn has_room_for_own(&self, bytes: usize) -> bool {
        self.own + bytes <= MAX_OWN
    }

    /// Whether half of that room is free. Asked before messages that may be left out.
    pub(super) fn has_ample_room_for_own(&self) -> bool {
        self.own <= MAX_OWN / 2
    }

    /// Queues a message of the server.
    pub(super) fn own(&mut self, message: Vec<u8>) {
        self.own += message.len();
        self.all.fetch_add(message.len(), Ordering::Relaxed);
        self.entries.push_back(Entry::Own(message.into()));
    }

    /// Queues a WebSocket ping.
    pub(super) fn ping(&mut self) {
        self.entries.push_back(Entry::Ping);
    }

    /// Queues the end of the connection.
    pub(super) fn close(&mut self, code: CloseCode) {
        self.entries.push_back(Entry::Close(code));
    }

    /// When the message arrived that is to be sent next; `None` if that is not a relayed one.
    pub(super) fn next_arrived(&self) -> Option<Instant> {
        match self.entries.front()? {
            Entry::Relay(relay) => Some(relay.arrived),
            _ => None,
        }
    }

    /// Takes the next thing to do.
    pub(super) fn pop(&mut self) -> Option<Transmit> {
        Some(match self.entries.pop_front()? {
            Entry::Relay(relay) => {
                let cost = relay.cost();
                self.relayed -= cost;
                self.all.fetch_sub(cost, Ordering::Relaxed);
                let of_sender = |(address, _): &(Address, usize)| *address == relay.source;
                if let Some(place) = self.shares.iter().position(of_sender) {
                    self.shares[place].1 -= cost;
                    if self.shares[place].1 == 0 {
                        self.shares.swap_remove(place);
                    }
                }
                Transmit::Message(relay.message)
            }
            Entry::Own(message) => {
                self.own -= message.len();
                self.all.fetch_sub(message.len(), Ordering::Relaxed);
                Transmit::Message(message)
            }
            Entry::Ping => Transmit::Ping,
            Entry::Close(code) => Transmit::Close(code),
        })
    }

    /// Takes all relayed messages out, in order.
    pub(super) fn take_relays(&mut self) -> Vec<LostRelay> {
        let mut lost = Vec::new();
        self.entries.retain(|entry| match entry {
            Entry::Relay(relay) => {
                if let Some((nonce, ..)) = Nonce::split(&relay.message) {
                    lost.push(LostRelay { sender: relay.sender, identity: nonce.identity() });
                }
                false
            }
            _ => true,
        });
        self.all.fetch_sub(self.relayed, Ordering::Relaxed);
        self.relayed = 0;
        self.shares.clear();
        lost
    }

    /// Forgets everything that waits.
    pub(super) fn clear(&mut self) {
        self.all.fetch_sub(self.relayed + self.own, Ordering::Relaxed);
        (self.relayed, self.own) = (0, 0);
        self.shares.clear();
        self.entries.clear();
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(max_queue: usize) -> PathConfig {
        PathConfig { max_queue, ..PathConfig::default() }
    }

    fn message(bytes: usize) -> Bytes {
        Bytes::from(vec![7; bytes])
    }

    fn from(source: u8, message: &Bytes) -> Relay {
        Relay {
            message: message.clone(),
            sender: ClientId(1),
            source: Address(source),
            arrived: Instant::now(),
        }
    }

    /// Queues a message of the only one who may send.
    fn relay(
        outbox: &mut Outbox,
        message: &Bytes,
        config: &PathConfig,
    ) -> Result<(), RelayFailure> {
        outbox.relay(from(1, message), 1, config)
    }

    #[test]
    fn room_for_relayed_messages_is_bounded_and_comes_back() {
        let mut outbox = Outbox::new(Arc::default());
        let max = 2 * (100 + RELAY_OVERHEAD);
        assert_eq!(relay(&mut outbox, &message(100), &room(max)), Ok(()));
        assert_eq!(relay(&mut outbox, &message(100), &room(max)), Ok(()));
        assert_eq!(relay(&mut outbox, &message(25), &room(max)), Err(RelayFailure::QueueFull));
        assert!(outbox.has_room_for_own(100), "messages of the server have room of their own");
        outbox.own(vec![1; 100]);
        assert!(matches!(outbox.pop(), Some(Transmit::Message(_))));
        assert_eq!(relay(&mut outbox, &message(100), &room(max)), Ok(()));
        assert_eq!(outbox.take_relays().len(), 2);
        assert_eq!(
            relay(&mut outbox, &message(10_000), &room(max)),
            Ok(()),
            "an empty queue takes any"
        );
    }

    #[test]
    fn relayed_messages_are_not_copied_unless_the_receiver_is_slow() {
        let mut outbox = Outbox::new(Arc::default());
        let (small, large) = (message(100), message(COPY_FROM));
        let pop = |outbox: &mut Outbox| match outbox.pop() {
            Some(Transmit::Message(message)) => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(relay(&mut outbox, &small, &room(1 << 20)), Ok(()));
        assert_eq!(relay(&mut outbox, &large, &room(1 << 20)), Ok(()));
        assert_eq!(relay(&mut outbox, &small, &room(1 << 20)), Ok(()));
        assert_eq!(pop(&mut outbox).as_ptr(), small.as_ptr());
        assert_eq!(pop(&mut outbox).as_ptr(), large.as_ptr());
        let copy = pop(&mut outbox);
        assert_ne!(copy.as_ptr(), small.as_ptr());
        assert_eq!(copy, small);
    }

    #[test]
    fn messages_of_the_server_are_bounded_too() {
        let mut outbox = Outbox::new(Arc::default());
        for _ in 0..MAX_OWN / 1024 {
            assert!(outbox.has_room_for_own(1024));
            outbox.own(vec![0; 1024]);
        }
        assert!(!outbox.has_room_for_own(1));
        outbox.pop();
        assert!(outbox.has_room_for_own(1024));
    }

    #[test]
    fn what_waits_in_all_queues_is_counted() {
        let (begin, all) = (Instant::now(), Arc::<AtomicUsize>::default());
        let mut outboxes = [Outbox::new(all.clone()), Outbox::new(all.clone())];
        for outbox in &mut outboxes {
            outbox.own(vec![0; 100]);
            outbox.ping();
            assert_eq!(relay(outbox, &message(1000), &room(1 << 20)), Ok(()));
            assert_eq!(outbox.next_arrived(), None, "the server's own message is the next one");
        }
        let count = || all.load(Ordering::Relaxed);
        let each = 1100 + RELAY_OVERHEAD;
        assert_eq!(count(), 2 * each);
        let [mut first, second] = outboxes;
        first.pop();
        first.pop();
        assert!(first.next_arrived() >= Some(begin));
        assert_eq!(count(), 2 * each - 100);
        assert_eq!(first.take_relays().len(), 1);
        assert_eq!(count(), each);
        drop(second);
        assert_eq!(count(), 0);
        assert_eq!(relay(&mut first, &message(1), &room(0)), Ok(()));
        first.clear();
        drop(first);
        assert_eq!(count(), 0);
    }

    #[test]
    fn room_in_all_queues_together_is_bounded() {
        let all = Arc::<AtomicUsize>::default();
        let config = PathConfig { max_queued: Some(2000), ..PathConfig::default() };
        let [mut one, mut two] = [Outbox::new(all.clone()), Outbox::new(all)];
        assert_eq!(relay(&mut one, &message(1900), &config), Ok(()));
        let full = Err(RelayFailure::AllQueuesFull);
        assert_eq!(relay(&mut one, &message(1), &config), full);
        assert_eq!(relay(&mut two, &message(100), &config), Ok(()), "an empty queue");
        assert_eq!(relay(&mut two, &message(1), &config), full);
        one.pop();
        assert_eq!(relay(&mut two, &message(1), &config), Ok(()));
    }

    #[test]
    fn senders_share_the_room() {
        let mut outbox = Outbox::new(Arc::default());
        let (message, full) = (message(100 - RELAY_OVERHEAD), Err(RelayFailure::QueueFull));
        let config = room(1000);
        let mut relay = |source, senders| outbox.relay(from(source, &message), senders, &config);
        for _ in 0..3 {
            assert_eq!(relay(2, 3), Ok(()));
        }
        assert_eq!(relay(2, 3), full, "a third of it");
        assert_eq!(relay(3, 100), Ok(()), "one message, however small the share");
        assert_eq!(relay(3, 100), full);
        while relay(4, 1).is_ok() {}
        assert_eq!(relay(5, 3), full, "there is no more room than for all");
        for _ in 0..4 {
            assert!(outbox.pop().is_some());
        }
        assert_eq!(outbox.shares, [(Address(4), 600)]);
        assert_eq!(outbox.take_relays().len(), 6);
        assert!(outbox.shares.is_empty());
    }
}
