//! What was received of messages that are not complete: one budget for all connections. And who may not go on receiving
//! for as long as too much waits for all clients.
//!
//! Messages of a usual size take none of it. A larger one gets its room piece by piece. If there is none left, the
//! message goes that has been on its way for the longest time: those that only hold room are older than those that
//! come in.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::sync::{Arc, Mutex};

use futures_util::task::AtomicWaker;

use super::metrics::Metrics;
use crate::sync::lock;

/// What is read of a message without asking.
pub(super) const FREE: usize = 16 << 10;
/// What a message gets each time.
pub(super) const STEP: usize = 32 << 10;
/// How much a client may send as one message that is not authenticated.
pub(super) const UNAUTHENTICATED: usize = 64 << 10;

/// What all connections have of the budget.
#[derive(Debug)]
pub(super) struct Incoming {
    metrics: Arc<Metrics>,
    parts: Mutex<Parts>,
    /// Those who wait until less waits for all clients, in the order in which they go on.
    waiting: Mutex<VecDeque<Arc<Turn>>>,
    /// How many they are.
    waiters: AtomicUsize,
}

/// The place in line of a connection.
#[derive(Debug)]
pub(super) struct Turn {
    waker: Arc<AtomicWaker>,
    in_line: AtomicBool,
}

impl Turn {
    pub(super) fn new(waker: &Arc<AtomicWaker>) -> Arc<Self> {
        Arc::new(Self { waker: waker.clone(), in_line: AtomicBool::new(false) })
    }
}

#[derive(Debug, Default)]
struct Parts {
    bytes: usize,
    last: u64,
    /// Those that began first come first.
    by_age: BTreeMap<u64, Part>,
}

#[derive(Debug)]
struct Part {
    bytes: usize,
    evicted: Arc<AtomicBool>,
    waker: Arc<AtomicWaker>,
}

/// What one message has of the budget. Given back when this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    incoming: Arc<Incoming>,
    age: u64,
    evicted: Arc<AtomicBool>,
}

/// The message has to make room for others, or is itself too large for what there is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Evicted;

impl Incoming {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            parts: Mutex::default(),
            waiting: Mutex::default(),
            waiters: AtomicUsize::new(0),
        }
    }

    /// Whether more waits for all clients than the `most` that may.
    pub(super) fn is_full(&self, most: Option<usize>) -> bool {
        most.is_some_and(|most| self.metrics.queued.load(Relaxed) > most)
    }

    /// Wakes this one when that is so no more, which may be the case already. Whoever finds then that others were quicker
    /// has to wait again; who stands in line already stays where it is.
    pub(super) fn wait(&self, turn: &Arc<Turn>) {
        let mut waiting = lock(&self.waiting);
        if !turn.in_line.swap(true, Relaxed) {
            waiting.push_back(turn.clone());
        }
        self.waiters.store(waiting.len(), Relaxed);
        drop(waiting);
        // Either this one sees the room that somebody makes afterwards, or that one sees who waits.
        fence(SeqCst);
    }

    /// Wakes as many of those who wait as there is room for. To be called after there may have become some.
    pub(super) fn let_go_on(&self, most: Option<usize>) {
        fence(SeqCst);
        if self.waiters.load(Relaxed) == 0 {
            return;
        }
        let mut expected = self.metrics.queued.load(Relaxed);
        let mut waiting = lock(&self.waiting);
        while most.is_none_or(|most| expected <= most)
            && let Some(turn) = waiting.pop_front()
        {
            turn.in_line.store(false, Relaxed);
            turn.waker.wake();
            expected = expected.saturating_add(STEP);
        }
        self.waiters.store(waiting.len(), Relaxed);
    }

    /// Gives a message that has `share` so far a [`STEP`] more of `most` bytes.
    pub(super) fn grow(
        self: &Arc<Self>,
        share: &mut Option<Share>,
        most: Option<usize>,
        waker: &Arc<AtomicWaker>,
    ) -> Result<(), Evicted> {
        let mut parts = lock(&self.parts);
        let share = share.get_or_insert_with(|| {
            parts.last += 1;
            let evicted = Arc::<AtomicBool>::default();
            let part = Part { bytes: 0, evicted: evicted.clone(), waker: waker.clone() };
            let age = parts.last;
            parts.by_age.insert(age, part);
            Share { incoming: self.clone(), age, evicted }
        });
        let Some(part) = parts.by_age.get_mut(&share.age) else { return Err(Evicted) };
        part.bytes += STEP;
        parts.bytes += STEP;
        while most.is_some_and(|most| parts.bytes > most) {
            let Some((_, oldest)) = parts.by_age.pop_first() else { break };
            parts.bytes -= oldest.bytes;
            oldest.evicted.store(true, Relaxed);
            oldest.waker.wake();
        }
        self.metrics.receiving(parts.bytes);
        if share.is_evicted() { Err(Evicted) } else { Ok(()) }
    }
}

impl Share {
    pub(super) fn is_evicted(&self) -> bool {
        self.evicted.load(Relaxed)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut parts = lock(&self.incoming.parts);
        if let Some(part) = parts.by_age.remove(&self.age) {
            parts.bytes -= part.bytes;
            self.incoming.metrics.receiving(parts.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_go_on_as_there_is_room_for() {
        use std::task::{Wake, Waker};

        struct Count(AtomicUsize);
        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Relaxed);
            }
        }

        let metrics = Arc::<Metrics>::default();
        let incoming = Incoming::new(metrics.clone());
        let woken = Arc::new(Count(AtomicUsize::new(0)));
        let most = Some(10 * STEP);
        let wait = || {
            let waker = Arc::<AtomicWaker>::default();
            waker.register(&Waker::from(woken.clone()));
            let turn = Turn::new(&waker);
            incoming.wait(&turn);
            incoming.wait(&turn);
            turn
        };
        metrics.queued.store(10 * STEP + 1, Relaxed);
        assert!(incoming.is_full(most) && !incoming.is_full(None));
        let turns: Vec<_> = (0..5).map(|_| wait()).collect();
        incoming.let_go_on(most);
        assert_eq!(woken.0.load(Relaxed), 0);
        metrics.queued.store(9 * STEP, Relaxed);
        incoming.let_go_on(most);
        assert_eq!(woken.0.load(Relaxed), 2);
        // The first one comes too late, and is the last one now.
        turns[0].waker.register(&Waker::from(woken.clone()));
        incoming.wait(&turns[0]);
        incoming.let_go_on(None);
        assert_eq!(woken.0.load(Relaxed), 2 + 4);
        incoming.let_go_on(None);
        assert_eq!(woken.0.load(Relaxed), 6, "nobody is left");
    }

    #[test]
    fn the_oldest_message_makes_room() {
        let metrics = Arc::<Metrics>::default();
        let incoming = Arc::new(Incoming::new(metrics.clone()));
        let waker = Arc::<AtomicWaker>::default();
        let most = Some(4 * STEP);
        let [mut one, mut two, mut three] = [None, None, None];
        let grow = |share: &mut Option<Share>| incoming.grow(share, most, &waker);
        for _ in 0..2 {
            assert_eq!(grow(&mut one), Ok(()));
            assert_eq!(grow(&mut two), Ok(()));
        }
        assert_eq!(grow(&mut three), Ok(()));
        assert!(one.as_ref().unwrap().is_evicted() && !two.as_ref().unwrap().is_evicted());
        assert_eq!(grow(&mut one), Err(Evicted), "for good");
        drop(one);
        assert_eq!(lock(&incoming.parts).bytes, 3 * STEP);
        drop(two);
        for _ in 0..3 {
            assert_eq!(grow(&mut three), Ok(()));
        }
        assert_eq!(grow(&mut three), Err(Evicted), "larger than all that there is");
        drop(three);
        assert_eq!(lock(&incoming.parts).bytes, 0);
    }
}
