//! The parent's side: the two processes of a connection.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use saltyrtc::protocol::ServerUrl;

use crate::network::{Network, Side};

/// The longest that a process may take to answer.
const LIMIT: Duration = Duration::from_secs(30);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Program {
    /// This library.
    Ours,
    /// This library, with what it does on top of WebRTC left out.
    Plain,
    /// libdatachannel, by way of its Rust bindings.
    LibDataChannel,
    /// `webrtc`, all in Rust.
    WebrtcRs,
    /// Plain TCP.
    Tcp,
}

impl Program {
    /// All WebRTC.
    pub(crate) const ALL: [Self; 4] =
        [Self::Ours, Self::Plain, Self::LibDataChannel, Self::WebrtcRs];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Plain => "ours, plain",
            Self::LibDataChannel => "libdatachannel",
            Self::WebrtcRs => "webrtc-rs",
            Self::Tcp => "TCP",
        }
    }

    /// Where `make bench-rtc` has built it; `None` for what this program does itself.
    fn path(self) -> Option<PathBuf> {
        let name = match self {
            Self::Ours | Self::Plain | Self::Tcp => return None,
            Self::LibDataChannel => "libdatachannel",
            Self::WebrtcRs => "webrtc-rs",
        };
        let directory = std::env::var_os("RTC_OTHERS").unwrap_or_else(|| {
            concat!(env!("CARGO_MANIFEST_DIR"), "/target/rtc-others/release").into()
        });
        Some(PathBuf::from(directory).join(name))
    }

    /// Whether it could be built on this machine.
    pub(crate) fn is_there(self) -> bool {
        self.path().is_none_or(|path| path.exists())
    }

    /// One end, with this address; with the server, if it is the one that begins.
    fn command(self, address: IpAddr, server: Option<&ServerUrl>) -> io::Result<Command> {
        let path = self.path().map_or_else(std::env::current_exe, Ok)?;
        let mut command = Command::new(path);
        match self {
            Self::Ours => _ = command.args(["end", "secure"]),
            Self::Plain => _ = command.args(["end", "plain"]),
            Self::Tcp => _ = command.args(["end", "tcp"]),
            Self::LibDataChannel | Self::WebrtcRs => {}
        }
        command.arg(address.to_string());
        if matches!(self, Self::Ours | Self::Plain) {
            command.args(server.map(ToString::to_string));
        }
        Ok(command)
    }
}

/// Where the two ends are.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// On the loopback interface, with this server.
    Loopback(&'a ServerUrl),
    /// At both ends of a link.
    Link(&'a Network),
}

impl Place<'_> {
    fn command(self, program: Program, side: Side) -> io::Result<Command> {
        let (address, server) = match self {
            Self::Loopback(server) => (Ipv4Addr::LOCALHOST.into(), Some(server)),
            Self::Link(network) => (Network::address(side), network.server()),
        };
        let command = program.command(address, server.filter(|_| side == Side::Offering))?;
        Ok(match self {
            Self::Loopback(_) => command,
            Self::Link(network) => network.enter(side, &command),
        })
    }
}

/// What a process says of itself: `mark` in `child.rs`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mark {
    pub(crate) wall: u64,
    pub(crate) cpu: u64,
    pub(crate) bytes: u64,
    pub(crate) messages: u64,
}

/// How much arrived in which time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transfer {
    pub(crate) bytes: u64,
    pub(crate) time: Duration,
}

/// One process. Dropping it kills the process.
struct End {
    name: &'static str,
    process: Child,
    stdin: Arc<Mutex<ChildStdin>>,
    lines: Receiver<(Instant, String)>,
}

fn write(stdin: &Mutex<ChildStdin>, line: &str) -> io::Result<()> {
    let mut stdin = stdin.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(stdin, "{line}").and_then(|()| stdin.flush())
}

impl End {
    fn say(&self, line: &str) -> io::Result<()> {
        write(&self.stdin, line)
    }

    /// Waits for a line that begins with this word. Returns the rest of it, and when it came.
    fn wait(&self, word: &str) -> io::Result<(Instant, String)> {
        loop {
            let (at, line) = self.lines.recv_timeout(LIMIT).map_err(|error| match error {
                RecvTimeoutError::Timeout => io::Error::other(format!(
                    "the {} hangs: no '{word}' came in {LIMIT:?}",
                    self.name
                )),
                RecvTimeoutError::Disconnected => {
                    io::Error::other(format!("the {} has ended", self.name))
                }
            })?;
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("error", text) => {
                    return Err(io::Error::other(format!("the {}: {text}", self.name)));
                }
                (it, rest) if it == word => return Ok((at, rest.to_owned())),
                _ => {}
            }
        }
    }

    fn numbers<const N: usize>(&self, word: &str) -> io::Result<[u64; N]> {
        let (_, text) = self.wait(word)?;
        let numbers: Result<Vec<u64>, _> = text.split(' ').map(u64::from_str).collect();
        let numbers = numbers.ok().and_then(|numbers| <[u64; N]>::try_from(numbers).ok());
        numbers.ok_or_else(|| io::Error::other(format!("'{word} {text}' was not understood")))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // It may have ended by itself, which was reported already by then.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Two connected processes. Messages go from the offering one to the other.
pub(crate) struct Pair {
    from: End,
    to: End,
}

/// How long it took until messages could be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    /// From the beginning to the open channel on both sides.
    pub(crate) all: Duration,
    /// From the end of the client-to-client handshake, if there was one.
    pub(crate) webrtc: Option<Duration>,
}

impl Pair {
    /// Starts the processes and connects them.
    pub(crate) fn connect(program: Program, place: Place<'_>) -> io::Result<(Self, Opening)> {
        let spawn = |side| {
            let mut command = place.command(program, side)?;
            let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            let taken = process.stdin.take().zip(process.stdout.take());
            let (stdin, stdout) = taken.ok_or_else(|| io::Error::other("there are no pipes"))?;
            io::Result::Ok((process, Arc::new(Mutex::new(stdin)), stdout))
        };
        let (from, from_stdin, from_stdout) = spawn(Side::Offering)?;
        let (to, to_stdin, to_stdout) = spawn(Side::Answering)?;
        let end = |name, process, stdin, stdout, other: Arc<Mutex<ChildStdin>>| {
            let (sender, lines) = channel();
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let at = Instant::now();
                    let done = if line.starts_with("signal ") {
                        write(&other, &line).is_ok()
                    } else {
                        sender.send((at, line)).is_ok()
                    };
                    if !done {
                        break;
                    }
                }
            });
            End { name, process, stdin, lines }
        };
        let from = end("sender", from, from_stdin.clone(), from_stdout, to_stdin.clone());
        let to = end("receiver", to, to_stdin, to_stdout, from_stdin);
        from.wait("ready")?;
        to.wait("ready")?;
        let begin = Instant::now();
        from.say("connect")?;
        let staged = matches!(program, Program::Ours | Program::Plain);
        let stage = |end: &End| staged.then(|| end.wait("stage")).transpose();
        let stages = (stage(&from)?, stage(&to)?);
        let opened = from.wait("open")?.0.max(to.wait("open")?.0);
        let webrtc = match stages {
            (Some((a, _)), Some((b, _))) => Some(opened - a.max(b)),
            _ => None,
        };
        Ok((Self { from, to }, Opening { all: opened - begin, webrtc }))
    }

    fn marks(&self) -> io::Result<[Mark; 2]> {
        self.from.say("mark")?;
        self.to.say("mark")?;
        let read = |end: &End| {
            let [wall, cpu, bytes, messages] = end.numbers("mark")?;
            io::Result::Ok(Mark { wall, cpu, bytes, messages })
        };
        Ok([read(&self.from)?, read(&self.to)?])
    }

    /// Sends messages of this size for the warm-up and for `time`. Returns what each side did in `time`:
    /// the sender first.
    pub(crate) fn flood(
        &self,
        size: usize,
        warm_up: Duration,
        time: Duration,
    ) -> io::Result<[Mark; 2]> {
        self.from.say(&format!("send {size}"))?;
        std::thread::sleep(warm_up);
        let before = self.marks()?;
        std::thread::sleep(time);
        let after = self.marks()?;
        self.from.say("stop")?;
        let [sent] = self.from.numbers("sent")?;
        let begin = Instant::now();
        loop {
            let [_, Mark { messages, .. }] = self.marks()?;
            if messages == sent {
                break;
            }
            if messages > sent || begin.elapsed() > LIMIT {
                let text =
                    format!("{sent} messages were sent, and {messages} arrived within {LIMIT:?}");
                return Err(io::Error::other(text));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let difference = |index: usize| {
            let (before, after) = (before[index], after[index]);
            Mark {
                wall: after.wall - before.wall,
                cpu: after.cpu - before.cpu,
                bytes: after.bytes - before.bytes,
                messages: after.messages - before.messages,
            }
        };
        Ok([difference(0), difference(1)])
    }

    /// Sends so many messages of this size. Returns what arrived: all, or what did within `limit`. Now and
    /// then `meanwhile` is told how much time has passed.
    pub(crate) fn transfer(
        &self,
        size: usize,
        count: usize,
        limit: Duration,
        mut meanwhile: impl FnMut(Duration) -> io::Result<()>,
    ) -> io::Result<Transfer> {
        let begin = Instant::now();
        self.from.say(&format!("send {size} {count}"))?;
        loop {
            std::thread::sleep(Duration::from_millis(5));
            self.to.say("mark")?;
            let [_, _, bytes, messages] = self.to.numbers("mark")?;
            let time = begin.elapsed();
            if messages >= count as u64 || time > limit {
                return Ok(Transfer { bytes, time });
            }
            meanwhile(time)?;
        }
    }

    /// The time that a message takes there and back: median and 99th percentile.
    pub(crate) fn round_trip(
        &self,
        warm_up: Duration,
        time: Duration,
    ) -> io::Result<[Duration; 2]> {
        let mut result = [Duration::ZERO; 2];
        for time in [warm_up, time] {
            self.from.say(&format!("ping {}", time.as_millis()))?;
            let [p50, p99, _] = self.from.numbers("rtt")?;
            result = [p50, p99].map(Duration::from_nanos);
        }
        Ok(result)
    }
}
