//! The ordered queue of what goes out to one client.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;

use super::client_id::ClientId;
use super::config::PathConfig;
use super::event::RelayFailure;
use super::notice::Notice;
use crate::protocol::{Address, CloseCode, Nonce, Transmit};

/// What a relayed message costs beside its bytes: its place in the queue and its allocation.
pub(super) const RELAY_OVERHEAD: usize = 64;
/// How many bytes of the server's own messages may wait. A server-auth with 254 responders has less than 1 KiB. Of
/// each address there are two notices at most, that somebody left it and that somebody else has it, as all that is
/// between cancels out. So a client that reads nothing is not filled up by others who come and go.
const MAX_OWN: usize = 1024 * Notice::COST;
/// From this many bytes of them on a client counts as one that does not keep up, and notices are merged.
const MERGE_FROM: usize = MAX_OWN / 8;
/// From this many waiting bytes on, small messages are copied so that they do not keep the larger
/// buffers alive that they were received in.
const COPY_FROM: usize = 64 << 10;
/// What counts as small for that purpose.
const COPY_BELOW: usize = 4 << 10;

/// Why a message does not fit into a queue yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Its sender has its share of the queue.
    Share,
    /// All have what there is, or others wait for it already.
    Queue,
    /// All queues together are full.
    AllQueues,
}

impl From<Full> for RelayFailure {
    fn from(full: Full) -> Self {
        match full {
            Full::Share | Full::Queue => Self::QueueFull,
            Full::AllQueues => Self::AllQueuesFull,
        }
    }
}

/// A client whose next message waits for room in a queue.
struct Waiting {
    sender: ClientId,
    source: Address,
    cost: usize,
    /// It waits for what others have in the queue, and not only for its own messages to get out.
    for_others: bool,
}

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
    Notice(Notice),
    Ping,
    Pong,
    Close(CloseCode),
}

/// What is to be done next with a WebSocket.
#[derive(Debug)]
pub(super) enum Next {
    Transmit(Transmit),
    /// To be sealed.
    Notice(Notice),
}

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noticed {
    Queued,
    /// It cancelled out with what waited, and perhaps took relayed messages with it.
    Merged,
    /// There is no room.
    Full,
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
    /// How many among the entries say that somebody joined.
    joined: usize,
    /// The sum of both, of all queues of a server, with what cannot go on.
    all: Arc<AtomicUsize>,
    /// Those who wait for room, in the order in which they get it.
    waiting: VecDeque<Waiting>,
    /// The one of them whose turn it is.
    admitted: Option<ClientId>,
    /// When the WebSocket took something last, or there was nothing for it to take.
    progress: Instant,
    /// A ping is among the entries.
    ping_waits: bool,
}

impl Outbox {
    /// An empty queue whose bytes are added to `all`.
    pub(super) fn new(now: Instant, all: Arc<AtomicUsize>) -> Self {
        Self {
            entries: VecDeque::new(),
            relayed: 0,
            shares: Vec::new(),
            own: 0,
            joined: 0,
            all,
            waiting: VecDeque::new(),
            admitted: None,
            progress: now,
            ping_waits: false,
        }
    }

    /// Queues a relayed message if there is room for it, or gives it back. The room is shared between as
    /// many `senders`: one of them cannot keep the others out.
    pub(super) fn relay(
        &mut self,
        now: Instant,
        mut relay: Relay,
        senders: usize,
        config: &PathConfig,
    ) -> Result<(), (Relay, Full)> {
        let cost = relay.cost();
        // Those who wait for room do not see it go to somebody who came later.
        let is_admitted = self.admitted.take() == Some(relay.sender);
        if !is_admitted && self.waiting.iter().any(|waiting| waiting.for_others) {
            return Err((relay, Full::Queue));
        }
        if let Err(full) = self.has_room(relay.source, cost, senders, config) {
            return Err((relay, full));
        }
        if self.relayed == 0 {
            self.progress = now;
        }
        if self.relayed >= COPY_FROM && relay.message.len() < COPY_BELOW {
            relay.message = Bytes::copy_from_slice(&relay.message);
        }
        match self.shares.iter_mut().find(|(address, _)| *address == relay.source) {
            Some((_, share)) => *share += cost,
            None => self.shares.push((relay.source, cost)),
        }
        self.relayed += cost;
        self.all.fetch_add(cost, Ordering::Relaxed);
        self.entries.push_back(Entry::Relay(relay));
        Ok(())
    }

    /// Whether a message that costs so much has room.
    fn has_room(
        &self,
        source: Address,
        cost: usize,
        senders: usize,
        config: &PathConfig,
    ) -> Result<(), Full> {
        // An empty queue takes any message.
        if self.relayed == 0 {
            return Ok(());
        }
        let share = self.share_of(source);
        if share > 0 && share.saturating_add(cost) > config.max_queue / senders.max(1) {
            return Err(Full::Share);
        }
        if self.relayed.saturating_add(cost) > config.max_queue {
            return Err(Full::Queue);
        }
        let all = self.all.load(Ordering::Relaxed).saturating_add(cost);
        if config.max_queued.is_some_and(|most| all > most) {
            return Err(Full::AllQueues);
        }
        Ok(())
    }

    fn share_of(&self, source: Address) -> usize {
        self.shares.iter().find(|(address, _)| *address == source).map_or(0, |(_, share)| *share)
    }

    /// The sender of a message that did not fit gets in line.
    pub(super) fn wait(&mut self, relay: &Relay, full: Full) {
        let for_others = full != Full::Share;
        let Relay { sender, source, .. } = *relay;
        self.waiting.push_back(Waiting { sender, source, cost: relay.cost(), for_others });
    }

    /// Names a sender whose message fits by now, and takes it out of the line. It comes next. One that waits for its own
    /// messages to get out waits until half of its share is free, so that it does not stop and go for
    /// each of them.
    pub(super) fn admit(&mut self, senders: usize, config: &PathConfig) -> Option<ClientId> {
        let enough = config.max_queue / senders.max(1) / 2;
        for place in 0..self.waiting.len() {
            let Waiting { source, cost, .. } = self.waiting[place];
            if self.share_of(source) > enough {
                continue;
            }
            match self.has_room(source, cost, senders, config) {
                Ok(()) => {
                    self.admitted = self.waiting.remove(place).map(|waiting| waiting.sender);
                    return self.admitted;
                }
                Err(Full::Share) => {}
                // It is the first one to get what becomes free.
                Err(Full::Queue | Full::AllQueues) => {
                    self.waiting[place].for_others = true;
                    return None;
                }
            }
        }
        None
    }

    /// A sender does not wait any more.
    pub(super) fn forget_waiting(&mut self, sender: ClientId) {
        self.waiting.retain(|waiting| waiting.sender != sender);
    }

    /// Takes all who wait out of the line, in order.
    pub(super) fn take_waiting(&mut self) -> impl Iterator<Item = ClientId> + use<> {
        std::mem::take(&mut self.waiting).into_iter().map(|waiting| waiting.sender)
    }

    /// The WebSocket took something.
    pub(super) fn note_progress(&mut self, now: Instant) {
        self.progress = now;
    }

    /// When its receiver will have stood still for too long, unless it takes something before.
    pub(super) fn stalls_at(&self, config: &PathConfig) -> Option<Instant> {
        self.progress.checked_add(config.stall_timeout?)
    }

    /// Whether relayed messages wait.
    pub(super) fn has_relays(&self) -> bool {
        self.relayed > 0
    }

    /// Whether anything waits at all.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a ping waits, so that nobody can have answered it.
    pub(super) fn has_ping(&self) -> bool {
        self.ping_waits
    }

    /// Queues a notice. If there is no room, the client has stopped reading.
    ///
    /// A client that does not keep up need not hear of somebody who joined and left again, or who was replaced, nor
    /// what that one had to say.
    pub(super) fn notice(&mut self, notice: Notice) -> Noticed {
        let (mut notice, mut noticed) = (notice, Noticed::Queued);
        match &mut notice {
            Notice::Joined { address, of_another } => {
                if let Some(over) = self.unsay_joined(*address) {
                    noticed = Noticed::Merged;
                    *of_another = over;
                }
            }
            Notice::Left(address) => match self.unsay_joined(*address) {
                // There was somebody else before, of whom the client knows.
                Some(true) => noticed = Noticed::Merged,
                Some(false) => return Noticed::Merged,
                None => {}
            },
            Notice::SendError(_) => {}
        }
        if self.own + Notice::COST > MAX_OWN {
            return Noticed::Full;
        }
        self.own += Notice::COST;
        self.all.fetch_add(Notice::COST, Ordering::Relaxed);
        self.joined += usize::from(matches!(notice, Notice::Joined { .. }));
        self.entries.push_back(Entry::Notice(notice));
        noticed
    }

    /// Takes out that somebody joined, and what came from there since, if that waits. Says whether the address was
    /// somebody else's before.
    fn unsay_joined(&mut self, joined: Address) -> Option<bool> {
        if self.joined == 0 || self.own < MERGE_FROM {
            return None;
        }
        let says = |entry: &Entry| match entry {
            Entry::Notice(Notice::Joined { address, of_another }) if *address == joined => {
                Some(*of_another)
            }
            _ => None,
        };
        let mut places = self.entries.iter().enumerate().rev();
        let (place, of_another) = places.find_map(|(place, entry)| Some((place, says(entry)?)))?;
        let mut since = self.entries.split_off(place);
        since.pop_front();
        self.joined -= 1;
        self.own -= Notice::COST;
        self.all.fetch_sub(Notice::COST, Ordering::Relaxed);
        for entry in since {
            match entry {
                Entry::Relay(relay) if relay.source == joined => self.uncount(&relay),
                entry => self.entries.push_back(entry),
            }
        }
        Some(of_another)
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
        self.ping_waits = true;
        self.entries.push_back(Entry::Ping);
    }

    /// Queues a sign of life, unless what waits ends with one.
    pub(super) fn sign(&mut self) {
        if !matches!(self.entries.back(), Some(Entry::Pong)) {
            self.entries.push_back(Entry::Pong);
        }
    }

    /// Queues the end of the connection.
    pub(super) fn close(&mut self, code: CloseCode) {
        self.entries.push_back(Entry::Close(code));
    }

    /// When the message arrived that is to be sent next, and how many bytes it has; `None` if that is not a relayed one.
    pub(super) fn next_relayed(&self) -> Option<(Instant, usize)> {
        match self.entries.front()? {
            Entry::Relay(relay) => Some((relay.arrived, relay.message.len())),
            _ => None,
        }
    }

    /// Takes the relayed messages that are next, with the times of their arrival, up to a total of about `most` bytes, and
    /// for as long as none has more than `longest`. Returns their total length. Cheaper than one by one.
    pub(super) fn pop_relays(
        &mut self,
        most: usize,
        longest: usize,
        taken: &mut Vec<(Option<Instant>, Transmit)>,
    ) -> usize {
        let (mut bytes, mut cost) = (0, 0);
        while bytes < most
            && let Some(Entry::Relay(relay)) = self.entries.front()
            && relay.message.len() <= longest
            && let Some(Entry::Relay(relay)) = self.entries.pop_front()
        {
            bytes += relay.message.len();
            cost += relay.cost();
            self.uncount_share(&relay);
            taken.push((Some(relay.arrived), Transmit::Message(relay.message)));
        }
        self.relayed -= cost;
        self.all.fetch_sub(cost, Ordering::Relaxed);
        bytes
    }

    /// Takes the next thing to do.
    pub(super) fn pop(&mut self) -> Option<Next> {
        Some(Next::Transmit(match self.entries.pop_front()? {
            Entry::Notice(notice) => {
                self.own -= Notice::COST;
                self.all.fetch_sub(Notice::COST, Ordering::Relaxed);
                self.joined -= usize::from(matches!(notice, Notice::Joined { .. }));
                return Some(Next::Notice(notice));
            }
            Entry::Relay(relay) => {
                self.uncount(&relay);
                Transmit::Message(relay.message)
            }
            Entry::Own(message) => {
                self.own -= message.len();
                self.all.fetch_sub(message.len(), Ordering::Relaxed);
                Transmit::Message(message)
            }
            Entry::Ping => {
                self.ping_waits = false;
                Transmit::Ping
            }
            Entry::Pong => Transmit::Pong,
            Entry::Close(code) => Transmit::Close(code),
        }))
    }

    /// A relayed message is not in the queue any more.
    fn uncount(&mut self, relay: &Relay) {
        let cost = relay.cost();
        self.relayed -= cost;
        self.all.fetch_sub(cost, Ordering::Relaxed);
        self.uncount_share(relay);
    }

    fn uncount_share(&mut self, relay: &Relay) {
        let of_sender = |(address, _): &(Address, usize)| *address == relay.source;
        if let Some(place) = self.shares.iter().position(of_sender) {
            self.shares[place].1 -= relay.cost();
            if self.shares[place].1 == 0 {
                self.shares.swap_remove(place);
            }
        }
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
        (self.relayed, self.own, self.joined) = (0, 0, 0);
        self.shares.clear();
        self.entries.clear();
        self.ping_waits = false;
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests;
