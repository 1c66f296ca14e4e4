//! What a process does that is measured: one end of a connection, driven by lines on its standard
//! input. All libraries are measured by this same code, also those in `benches/rtc-others`.
//!
//! | line to the process | what it does | line from it, and when |
//! |---|---|---|
//! | | | `ready`, at the start |
//! | `connect` | begins to connect (the offering side only) | `stage TEXT`, on the way; `open`, when messages can be sent |
//! | `signal TEXT` | takes what the other side says | `signal TEXT`, for the other side |
//! | `send SIZE [COUNT]` | sends messages of this many bytes, without end if there is no number of them | |
//! | `stop` | stops that | `sent COUNT`, with all of them since the start |
//! | `mark` | | `mark WALL CPU BYTES MESSAGES`: nanoseconds, and what arrived |
//! | `ping MILLISECONDS` | sends a message and waits for it to come back, again and again | `rtt P50 P99 COUNT`, in nanoseconds |
//!
//! Whatever cannot be done is told by `error TEXT`, which is the last line. The end of the standard input
//! is the end of the process.

use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Bytes that may wait to be sent, for all libraries alike.
pub(crate) const MAX_BUFFERED: usize = 4 << 20;

/// Bytes of a message that comes back.
const PING_BYTES: usize = 64;

// The first byte of a message says what it is for.
const BULK: u8 = 0;
const PING: u8 = 1;
const PONG: u8 = 2;

/// The sending half of an open channel.
pub(crate) trait Sender: Send + Sync {
    /// Sends a message. Waits while [`MAX_BUFFERED`] bytes wait to be sent.
    fn send(&self, message: &[u8]) -> Result<(), String>;
}

/// A library that is measured.
pub(crate) trait Peer {
    /// Begins to connect.
    fn connect(&mut self) -> Result<(), String>;
    /// Takes what the other side said.
    fn signal(&mut self, text: &str) -> Result<(), String>;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the parent something. If it is gone, there is nobody to do anything for.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Tells the parent that it is over.
pub(crate) fn fail(text: &str) -> ! {
    say(&format!("error {}", text.replace('\n', " ")));
    std::process::exit(1);
}

/// What there is to know about the channel of this process.
#[derive(Default)]
pub(crate) struct Meter {
    sender: OnceLock<Arc<dyn Sender>>,
    bytes: AtomicU64,
    messages: AtomicU64,
    pings: Mutex<Option<Pings>>,
}

/// Messages that go there and back.
struct Pings {
    sent: Instant,
    until: Instant,
    times: Vec<Duration>,
}

impl Meter {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The channel is open.
    pub(crate) fn opened(&self, sender: Arc<dyn Sender>) {
        if self.sender.set(sender).is_ok() {
            say("open");
        }
    }

    /// A message arrived. Returns what is to be sent at once.
    pub(crate) fn received(&self, message: &[u8]) -> Option<[u8; PING_BYTES]> {
        match message.first() {
            Some(&BULK) => {
                self.bytes.fetch_add(message.len() as u64, Ordering::Relaxed);
                self.messages.fetch_add(1, Ordering::Relaxed);
                None
            }
            Some(&PING) => Some([PONG; PING_BYTES]),
            Some(&PONG) => {
                let now = Instant::now();
                let mut pings = lock(&self.pings);
                let Pings { sent, until, times } = pings.as_mut()?;
                times.push(now - *sent);
                if now < *until {
                    *sent = Instant::now();
                    return Some([PING; PING_BYTES]);
                }
                times.sort_unstable();
                let quantile = |percent: usize| times[(times.len() - 1) * percent / 100].as_nanos();
                say(&format!("rtt {} {} {}", quantile(50), quantile(99), times.len()));
                *pings = None;
                None
            }
            _ => fail("a message came that nobody sent"),
        }
    }

    fn mark(&self, begin: Instant) {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = cpu.tv_sec * 1_000_000_000 + cpu.tv_nsec;
        let bytes = self.bytes.load(Ordering::Relaxed);
        let messages = self.messages.load(Ordering::Relaxed);
        say(&format!("mark {} {cpu} {bytes} {messages}", begin.elapsed().as_nanos()));
    }

    fn ping(&self, time: Duration) -> Result<(), String> {
        let sender = self.sender.get().ok_or("the channel is not open")?;
        let now = Instant::now();
        *lock(&self.pings) = Some(Pings { sent: now, until: now + time, times: Vec::new() });
        sender.send(&[PING; PING_BYTES])
    }
}

/// Sends so many messages, or until it is told to stop, on a thread of its own. Returns how many that were.
fn flood(
    sender: Arc<dyn Sender>,
    [size, count]: [usize; 2],
    stop: Arc<AtomicBool>,
) -> JoinHandle<u64> {
    let message = vec![BULK; size.max(1)];
    std::thread::spawn(move || {
        let mut sent = 0;
        while sent < count as u64 && !stop.load(Ordering::Relaxed) {
            sender.send(&message).unwrap_or_else(|error| fail(&error));
            sent += 1;
        }
        sent
    })
}

/// Does what the parent wants, until it has nothing more to say.
pub(crate) fn run(meter: &Meter, peer: &mut impl Peer) {
    say("ready");
    let begin = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let (mut flooding, mut sent) = (None, 0);
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let result = match command {
            "connect" => peer.connect(),
            "signal" => peer.signal(rest),
            "send" => {
                let (size, count) =
                    rest.split_once(' ').map_or((rest, None), |(a, b)| (a, Some(b)));
                let count = count.map_or(Ok(usize::MAX), str::parse);
                match (meter.sender.get(), size.parse(), count) {
                    (Some(sender), Ok(size), Ok(count)) => {
                        stop.store(false, Ordering::Relaxed);
                        flooding = Some(flood(sender.clone(), [size, count], stop.clone()));
                        Ok(())
                    }
                    _ => Err("the channel is not open, or these are no numbers".into()),
                }
            }
            "stop" => {
                stop.store(true, Ordering::Relaxed);
                let count = flooding.take().map_or(Ok(0), JoinHandle::join);
                sent += count.unwrap_or_else(|_| fail("the sending thread panicked"));
                say(&format!("sent {sent}"));
                Ok(())
            }
            "mark" => {
                meter.mark(begin);
                Ok(())
            }
            "ping" => meter.ping(Duration::from_millis(rest.parse().unwrap_or(1))),
            _ => Err(format!("there is no command {command}")),
        };
        if let Err(error) = result {
            fail(&error);
        }
    }
}
