//! The queue: a line of clients that have events, which stay in the clients until they are taken.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::time::{Duration, Instant};

use super::basket::Basket;
use super::log::Log;
use super::member::Member;
#[cfg(unix)]
use super::signal::Signal;
use crate::ffi::error::{CallError, Outcome};
use crate::ffi::event::{Content, Posted};
use crate::ffi::status::saltyrtc_status;
use crate::sync::{lock, unpoisoned};

/// Takes turns between clients, and lets threads wait for events.
pub(in crate::ffi) struct Queue {
    /// Nothing is locked, waited for, called or logged while this lock is held, so that it can be taken under
    /// any other: clients come into the line under the lock of their machine.
    state: Mutex<State>,
    /// There is something for a thread that waits.
    woken: Condvar,
    /// Whether there is one to be woken.
    wake_taker: AtomicBool,
}

struct State {
    line: VecDeque<Turn>,
    /// What is not of a client, with its token. It is in the line as one.
    posted: VecDeque<(u64, Content)>,
    log: Log,
    /// All clients of the queue, by their addresses in memory.
    members: HashMap<usize, Weak<Member>>,
    /// Whether the queue is of one client only, and ends with it.
    of_one_client: bool,
    /// There will be no more events: the only client has ended, or the queue was freed.
    ended: bool,
    /// How often a call has to return without an event.
    wakes: usize,
    /// How many threads wait.
    waiting: usize,
    #[cfg(unix)]
    signal: Option<Signal>,
}

/// Whose turn it is.
enum Turn {
    Member(Arc<Member>),
    Posted,
}

impl Turn {
    fn is_of(&self, address: usize) -> bool {
        matches!(self, Self::Member(member) if Arc::as_ptr(member) as usize == address)
    }
}

impl State {
    fn enter(&mut self, turn: Turn, at_front: bool) {
        match at_front {
            true => self.line.push_front(turn),
            false => self.line.push_back(turn),
        }
        self.update_signal();
    }

    /// Whose turn it is. The only client of a queue stays in line meanwhile, as there is nobody to let in.
    fn next_turn(&mut self) -> Option<Turn> {
        if self.of_one_client
            && let Some(Turn::Member(member)) = self.line.front()
        {
            return Some(Turn::Member(member.clone()));
        }
        let turn = self.line.pop_front();
        if let Some(Turn::Member(member)) = &turn {
            member.place.in_line.store(false, Ordering::Relaxed);
        }
        turn
    }

    /// Puts what was posted into the basket: as much as fits, and as one turn may have.
    fn take_posted(&mut self, basket: &mut Basket) {
        while let Some((token, content)) = self.posted.front() {
            basket.go_on(*token);
            if !basket.wants_content(content) {
                return self.enter(Turn::Posted, basket.turn_was_for_nothing());
            }
            if let Some((_, content)) = self.posted.pop_front() {
                self.log.taken(&content);
                basket.add(content);
            }
        }
    }

    /// Whether a call would return at once.
    fn is_ready(&self) -> bool {
        self.wakes > 0 || !self.line.is_empty()
    }

    /// Takes a client out of the line, if it is there.
    fn leave_line(&mut self, member: &Member) -> Option<Turn> {
        let address = std::ptr::from_ref(member) as usize;
        let place = self.line.iter().position(|turn| turn.is_of(address));
        place.and_then(|place| self.line.remove(place))
    }

    /// To be called after every change, except that a call that takes events does it once, at its end.
    fn update_signal(&mut self) {
        #[cfg(unix)]
        {
            let ready = self.is_ready();
            if let Some(signal) = &mut self.signal {
                signal.update(ready);
            }
        }
    }
}

impl Queue {
    pub(in crate::ffi) fn new() -> Arc<Self> {
        Self::with(false)
    }

    pub(in crate::ffi) fn of_one_client() -> Arc<Self> {
        Self::with(true)
    }

    fn with(of_one_client: bool) -> Arc<Self> {
        let state = State {
            line: VecDeque::new(),
            posted: VecDeque::new(),
            log: Log::default(),
            members: HashMap::new(),
            of_one_client,
            ended: false,
            wakes: 0,
            waiting: 0,
            #[cfg(unix)]
            signal: None,
        };
        let state = Mutex::new(state);
        Arc::new(Self { state, woken: Condvar::new(), wake_taker: AtomicBool::new(false) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn add(&self, member: &Arc<Member>) {
        let address = Arc::as_ptr(member) as usize;
        let outdated = self.lock().members.insert(address, Arc::downgrade(member));
        drop(outdated);
    }

    pub(super) fn remove(&self, member: &Member) {
        let address = std::ptr::from_ref(member) as usize;
        let mut state = self.lock();
        member.place.gone.store(true, Ordering::Relaxed);
        let removed = (state.leave_line(member), state.members.remove(&address));
        state.update_signal();
        drop(state);
        // What is dropped may take locks.
        drop(removed);
    }

    /// Puts a client into the line, at its end or at its front, or takes it out. Called with the lock of its
    /// machine held.
    pub(super) fn place(&self, member: &Arc<Member>, in_line: bool, at_front: bool) {
        let mut state = self.lock();
        let stays = member.place.gone.load(Ordering::Relaxed) || state.ended;
        if stays || member.place.in_line.swap(in_line, Ordering::Relaxed) == in_line {
            return;
        }
        if in_line {
            state.enter(Turn::Member(member.clone()), at_front);
            if state.waiting > 0 {
                self.wake_taker.store(true, Ordering::Relaxed);
            }
        } else {
            let turn = state.leave_line(member);
            state.update_signal();
            drop(state);
            drop(turn);
        }
    }

    /// Adds an event that is of no client. Can be called with any lock held. Whoever posts sees to it that not
    /// too many wait; of log messages, the queue drops what are too many.
    pub(in crate::ffi) fn post(&self, token: u64, mut posted: Posted) {
        let mut state = self.lock();
        if state.ended || !state.log.admits(&mut posted) {
            return;
        }
        state.posted.push_back((token, Content::Posted(posted)));
        if state.posted.len() == 1 {
            state.enter(Turn::Posted, false);
        }
        if state.waiting > 0 {
            self.woken.notify_one();
        }
    }

    /// How many log messages may wait.
    pub(in crate::ffi) fn set_log_capacity(&self, capacity: usize) {
        self.lock().log.capacity = capacity;
    }

    /// Wakes a thread if one waits for what came into the line. Not under the lock of a machine, which the
    /// thread would have to wait for next.
    pub(super) fn wake_taker(&self) {
        if self.wake_taker.swap(false, Ordering::Relaxed) {
            self.woken.notify_one();
        }
    }

    /// The last event of a client was taken.
    pub(super) fn member_ended(&self) {
        let mut state = self.lock();
        if state.of_one_client {
            state.ended = true;
            self.woken.notify_all();
        }
    }

    /// Makes one call return, now or the next one.
    pub(in crate::ffi) fn wake(&self) {
        let mut state = self.lock();
        state.wakes += 1;
        state.update_signal();
        self.woken.notify_one();
    }

    /// No events are taken any more, and threads that wait return. Closes the clients that are left.
    pub(in crate::ffi) fn free(&self) {
        let mut state = self.lock();
        state.ended = true;
        let (line, members) = (std::mem::take(&mut state.line), std::mem::take(&mut state.members));
        let posted = std::mem::take(&mut state.posted);
        // At once, and not only when the last waiting thread has left.
        #[cfg(unix)]
        drop(state.signal.take());
        self.woken.notify_all();
        drop(state);
        drop((line, posted));
        members.values().filter_map(Weak::upgrade).for_each(|member| member.close());
    }

    /// Fills the basket. Waits at most `timeout` for the first event; for ever without one. The basket stays
    /// empty if the call was woken, or if the first event does not fit.
    pub(in crate::ffi) fn take(&self, basket: &mut Basket, timeout: Option<Duration>) -> Outcome {
        // A time-out beyond what the clock can express has no end.
        let deadline = timeout.map(|timeout| Instant::now().checked_add(timeout));
        let deadline = deadline.flatten();
        let mut state = self.lock();
        let outcome = loop {
            if state.ended {
                break Err(CallError::new(
                    saltyrtc_status::NoMoreEvents,
                    match state.of_one_client {
                        true => "the connection has ended and its last event was taken",
                        false => "the queue was freed",
                    },
                ));
            }
            if state.wakes > 0 {
                state.wakes -= 1;
                break Ok(());
            }
            while !basket.is_full()
                && let Some(turn) = state.next_turn()
            {
                match turn {
                    Turn::Posted => {
                        basket.begin_turn(0);
                        state.take_posted(basket);
                    }
                    Turn::Member(member) => {
                        // Then the line has not changed, or the client has left it and seen to the rest.
                        let is_all = state.of_one_client && state.waiting == 0;
                        drop(state);
                        member.take_turn(basket);
                        drop(member);
                        if is_all && basket.is_full() {
                            return Ok(());
                        }
                        state = self.lock();
                    }
                }
            }
            if basket.is_full() || !basket.is_empty() {
                break Ok(());
            }
            // For those who poll while this thread waits.
            state.update_signal();
            let left = match deadline {
                None => None,
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    None | Some(Duration::ZERO) => {
                        let text = "no event in the time given";
                        break Err(CallError::new(saltyrtc_status::Timeout, text));
                    }
                    left => left,
                },
            };
            state.waiting += 1;
            state = match left {
                None => unpoisoned(self.woken.wait(state)),
                Some(left) => unpoisoned(self.woken.wait_timeout(state, left)).0,
            };
            state.waiting -= 1;
        };
        state.update_signal();
        let another = state.waiting > 0 && state.is_ready();
        drop(state);
        if another {
            // One wake-up may have been for several clients.
            self.woken.notify_one();
        }
        outcome
    }

    /// The descriptor, which is made when it is first asked for.
    #[cfg(unix)]
    pub(in crate::ffi) fn descriptor(&self) -> Outcome<std::os::fd::RawFd> {
        let mut state = self.lock();
        if state.signal.is_none() {
            let signal = Signal::new().map_err(|error| {
                let text =
                    format!("the operating system gives no file descriptor for events: {error}");
                CallError::new(saltyrtc_status::OutOfResources, text)
            })?;
            state.signal = Some(signal);
        }
        state.update_signal();
        Ok(state.signal.as_ref().map_or(-1, Signal::descriptor))
    }
}
