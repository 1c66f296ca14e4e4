//! Whether the server is still there: what a client expects to hear, and when it gives up.
//!
//! A network that silently swallows what is sent into it looks like one on which nobody has anything to say. So
//! a client that waits for something asks with a ping, and what counts is any sign of life. The operating
//! system's own limit (`TCP_USER_TIMEOUT`) would be of no use: it also ends connections whose other end is there and
//! does not read, as a server does while the peer is slow, and it ends at the first proxy.

use std::time::{Duration, Instant};

/// How long the server may take to answer a ping after the network has changed.
const AFTER_CHANGE: Duration = Duration::from_secs(5);

/// The same if the way to the server is another one now than that of the connection, which has likely gone with the
/// network before. On the new one it takes a moment to connect again, so little is lost.
const AFTER_MOVE: Duration = Duration::from_secs(1);

/// Watches over one connection. It does no I/O and knows no clock.
#[derive(Debug)]
pub(super) struct Liveness {
    /// How often the server was asked to send pings.
    interval: Option<Duration>,
    /// How long the server may leave open what it has to answer.
    patience: Duration,
    /// When the last sign of life came.
    heard: Instant,
    /// Nothing is read, so nothing can be heard.
    deaf: bool,
    /// Since when there is something that no ping follows yet.
    unasked: Option<Instant>,
    /// Since when there is something that waits for the answer to the last ping.
    asked: Option<Instant>,
    /// The number of the last ping, which is its content.
    pings: u64,
    /// A ping is to be sent.
    wanted: bool,
    /// The network has changed, and there was no answer since.
    changed: Option<Change>,
}

/// A change of the network.
#[derive(Debug, Clone, Copy)]
struct Change {
    /// How long the answer may take.
    patience: Duration,
    /// When the time for it began.
    asked: Option<Instant>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// [`Liveness::take_ping`] has one.
    Ping,
    /// The server is not there any more. The text says how that is known.
    GiveUp(String),
}

impl Liveness {
    /// A connection that was opened at `now`. The server was asked for a ping every `interval` seconds, or for none
    /// with 0.
    pub(super) fn new(now: Instant, interval: u32, patience: Duration) -> Self {
        Self {
            interval: (interval > 0).then(|| Duration::from_secs(interval.into())),
            patience,
            heard: now,
            deaf: false,
            unasked: None,
            asked: None,
            pings: 0,
            wanted: false,
            changed: None,
        }
    }

    /// A message was given to the connection. Says whether [`due`](Self::due) may be earlier now.
    pub(super) fn written(&mut self, now: Instant) -> bool {
        let first = self.unasked.is_none();
        self.unasked.get_or_insert(now);
        first
    }

    /// A sign of life: something came, or what had no room before was taken.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// A pong came, which is one only if it answers the last ping: another may have been under way for long.
    pub(super) fn pong(&mut self, now: Instant, content: &[u8]) {
        self.heard(now);
        if content == self.pings.to_be_bytes() {
            self.asked = None;
            // It says nothing about a change for which no ping has gone out yet.
            self.changed = self.changed.filter(|_| self.wanted);
        }
    }

    /// From now on nothing is read, and what the server says cannot be heard; or it is again.
    pub(super) fn set_deaf(&mut self, now: Instant, deaf: bool) {
        self.deaf = deaf;
        self.heard = now;
        self.changed = None;
    }

    /// The network has changed: the server has to answer at once. `moved`: the way to it is another one now.
    pub(super) fn network_changed(&mut self, now: Instant, moved: bool) {
        // A connection that has not moved may be one whose server reads nothing at the moment, so the time begins when
        // the ping has gone out.
        let (patience, asked) = if moved { (AFTER_MOVE, Some(now)) } else { (AFTER_CHANGE, None) };
        (self.wanted, self.changed) = (true, Some(Change { patience, asked }));
    }

    /// The ping that is to be sent now, behind what was written before.
    pub(super) fn take_ping(&mut self, now: Instant) -> Option<[u8; 8]> {
        if !std::mem::take(&mut self.wanted) {
            return None;
        }
        self.pings += 1;
        self.asked = [self.asked, self.unasked.take()].into_iter().flatten().min().or(Some(now));
        Some(self.pings.to_be_bytes())
    }

    /// The ping has gone out, with all that was before it: while the server does not read because the peer is
    /// slow, a change of the network is no reason to give up.
    pub(super) fn ping_sent(&mut self, now: Instant) {
        if let (Some(_), Some(change)) = (self.asked, &mut self.changed) {
            change.asked.get_or_insert(now);
        }
    }

    /// Since when the server is silent that should have said something. May be in the future.
    fn silent_since(&self) -> Option<Instant> {
        // It should have sent a ping.
        let overdue = self.interval.and_then(|interval| self.heard.checked_add(interval));
        let waiting = [self.asked, self.unasked, overdue].into_iter().flatten().min()?;
        Some(waiting.max(self.heard))
    }

    fn ask_at(&self) -> Option<Instant> {
        let idle = !self.wanted && self.asked.is_none();
        self.silent_since().filter(|_| idle)?.checked_add(self.patience / 2)
    }

    fn give_up_at(&self) -> Option<Instant> {
        self.silent_since()?.checked_add(self.patience)
    }

    fn give_up_changed_at(&self) -> Option<Instant> {
        let Change { patience, asked } = self.changed?;
        Some(asked?.max(self.heard) + patience)
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(super) fn due(&self) -> Option<Instant> {
        let times = [self.ask_at(), self.give_up_at(), self.give_up_changed_at()];
        times.into_iter().flatten().min().filter(|_| !self.deaf)
    }

    /// Says what is due at `now`.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Due {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if self.deaf {
            Due::Nothing
        } else if is_due(self.give_up_changed_at()) {
            Due::GiveUp(
                "the network has changed, and it does not answer over this connection any more"
                    .into(),
            )
        } else if is_due(self.give_up_at()) {
            Due::GiveUp(format!(
                "it has not answered for {} seconds, so the network lost it or is gone",
                self.patience.as_secs_f32()
            ))
        } else if is_due(self.ask_at()) {
            self.wanted = true;
            Due::Ping
        } else {
            Due::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    struct Bench {
        start: Instant,
        liveness: Liveness,
    }

    impl Bench {
        fn new(interval: u32) -> Self {
            let start = Instant::now();
            Self { start, liveness: Liveness::new(start, interval, PATIENCE) }
        }

        fn at(&self, seconds: u64) -> Instant {
            self.start + Duration::from_secs(seconds)
        }

        /// When something is due next, and what.
        fn next(&mut self) -> Option<(u64, Due)> {
            let due = self.liveness.due()?;
            Some(((due - self.start).as_secs(), self.liveness.handle_timeout(due)))
        }

        fn next_gives_up(&mut self) -> Option<u64> {
            self.next().filter(|(_, due)| matches!(due, Due::GiveUp(_))).map(|(at, _)| at)
        }

        /// The ping that is due goes out.
        fn ping(&mut self, seconds: u64) -> [u8; 8] {
            let ping = self.liveness.take_ping(self.at(seconds)).expect("a ping");
            self.liveness.ping_sent(self.at(seconds));
            ping
        }
    }

    #[test]
    fn an_idle_client_expects_nothing() {
        assert_eq!(Bench::new(0).next(), None);
    }

    #[test]
    fn the_pings_of_the_server_are_expected() {
        let mut bench = Bench::new(5);
        for heard in [0, 5, 11] {
            bench.liveness.heard(bench.at(heard));
        }
        // It may not keep to what it was asked for, so it is asked itself first.
        assert_eq!(bench.next(), Some((31, Due::Ping)));
        let ping = bench.ping(31);
        assert_eq!(bench.liveness.due(), Some(bench.at(46)));
        bench.liveness.pong(bench.at(32), &ping);
        assert_eq!(bench.next(), Some((52, Due::Ping)));
        bench.ping(52);
        assert_eq!(bench.next_gives_up(), Some(67), "5 + 30 seconds after the last sign");
    }

    #[test]
    fn what_was_sent_needs_an_answer() {
        let mut bench = Bench::new(0);
        assert!(bench.liveness.written(bench.at(100)));
        assert!(!bench.liveness.written(bench.at(101)));
        assert_eq!(bench.next(), Some((115, Due::Ping)));
        let ping = bench.ping(115);
        bench.liveness.written(bench.at(116));
        bench.liveness.pong(bench.at(117), &ping);
        assert_eq!(bench.next(), Some((132, Due::Ping)), "for what came behind the ping");
        let ping = bench.ping(132);
        bench.liveness.pong(bench.at(133), &ping);
        assert_eq!(bench.next(), None);
        bench.liveness.written(bench.at(200));
        // What came just then says nothing about what was sent before.
        bench.liveness.heard(bench.at(201));
        assert_eq!(bench.next(), Some((216, Due::Ping)));
        bench.ping(216);
        assert_eq!(bench.next_gives_up(), Some(231));
    }

    /// The ping waits behind what the connection does not take.
    #[test]
    fn a_connection_that_takes_nothing_is_given_up() {
        let mut bench = Bench::new(0);
        bench.liveness.written(bench.start);
        assert_eq!(bench.next(), Some((15, Due::Ping)));
        bench.liveness.heard(bench.at(20));
        assert_eq!(bench.next_gives_up(), Some(50));
    }

    #[test]
    fn any_sign_of_life_counts() {
        let mut bench = Bench::new(0);
        bench.liveness.written(bench.start);
        for seconds in 1..1000 {
            bench.liveness.heard(bench.at(seconds));
            if bench.liveness.handle_timeout(bench.at(seconds)) == Due::Ping {
                bench.ping(seconds);
            }
        }
        assert_eq!(bench.next(), Some((1014, Due::Ping)));
    }

    #[test]
    fn who_does_not_listen_does_not_judge() {
        let mut bench = Bench::new(5);
        bench.liveness.written(bench.start);
        bench.liveness.network_changed(bench.start, true);
        bench.ping(1);
        bench.liveness.set_deaf(bench.at(2), true);
        assert_eq!(bench.liveness.due(), None);
        assert_eq!(bench.liveness.handle_timeout(bench.at(5000)), Due::Nothing);
        bench.liveness.set_deaf(bench.at(5000), false);
        assert_eq!(bench.next_gives_up(), Some(5030));
    }

    #[test]
    fn after_a_change_of_the_network_the_answer_has_to_come_at_once() {
        let mut bench = Bench::new(0);
        bench.liveness.network_changed(bench.start, false);
        let old = bench.ping(1);
        bench.liveness.network_changed(bench.at(1), false);
        let ping = bench.ping(2);
        bench.liveness.network_changed(bench.at(2), false);
        bench.liveness.pong(bench.at(2), &ping);
        let ping = bench.ping(2);
        // The answer to an earlier one proves nothing, but that more may come.
        bench.liveness.pong(bench.at(3), &old);
        assert_eq!(bench.liveness.due(), Some(bench.at(8)));
        bench.liveness.pong(bench.at(4), &ping);
        assert_eq!(bench.next(), None);
        bench.liveness.network_changed(bench.at(9), false);
        bench.ping(10);
        assert_eq!(bench.next_gives_up(), Some(15));
        // Another way to the server is worth more than this one, which may not even take the ping.
        bench.liveness.network_changed(bench.at(20), true);
        assert_eq!(bench.next_gives_up(), Some(21));
    }

    #[test]
    fn the_longest_patience_does_no_harm() {
        let now = Instant::now();
        let mut liveness = Liveness::new(now, u32::MAX, Duration::MAX);
        liveness.written(now);
        assert_eq!(liveness.due(), None);
    }
}
