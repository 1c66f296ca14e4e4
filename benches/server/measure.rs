//! The measurements. Each one runs for a given time against one server.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use saltyrtc::protocol::Role;
use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep;

use crate::pair::{Keys, Pair};
use crate::process::{Program, ServerProcess, own_cpu};
use crate::socket::{frame, only_binary_frames, received_bytes};

/// How long the load runs before it counts.
const WARM_UP: Duration = Duration::from_millis(100);
/// How many pairs relay at once.
pub(crate) const RELAYING_PAIRS: usize = 8;
/// What may be on its way per pair. Below the queue of the server, which would refuse messages.
const BYTES_IN_FLIGHT: usize = 256 << 10;
/// How many handshakes of pairs go on at once.
const HANDSHAKES_AT_ONCE: usize = 16;
/// Each of them takes these pairs of keys in turn, so that a path is forgotten before it comes again.
const KEYS_IN_TURN: usize = 8;
/// The size of the messages that the latency is measured with.
pub(crate) const LATENCY_BYTES: usize = 64;
/// What one read may take.
const READ_BYTES: usize = 256 << 10;

/// What came out of one measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Units per second.
    pub(crate) rate: f64,
    /// Microseconds of processor time that the server spent per unit.
    pub(crate) server_cpu: Option<f64>,
    /// The share of the time that the core of the server was busy with the server.
    pub(crate) server_busy: Option<f64>,
    /// The same for the core of the load.
    pub(crate) load_busy: Option<f64>,
}

/// What the load has done so far, and whether it shall go on.
#[derive(Default)]
struct Work {
    done: AtomicU64,
    stop: AtomicBool,
}

impl Work {
    fn add(&self, units: u64) {
        self.done.fetch_add(units, Ordering::Relaxed);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Lets the load run for the warm-up and for `time`, then tells it to stop.
    async fn run(&self, server: &ServerProcess, time: Duration) -> Sample {
        sleep(WARM_UP).await;
        let now = || (Instant::now(), self.done.load(Ordering::Relaxed), server.cpu(), own_cpu());
        let (begin, done_before, server_before, load_before) = now();
        sleep(time).await;
        let (end, done, server, load) = now();
        self.stop.store(true, Ordering::Relaxed);
        let seconds = (end - begin).as_secs_f64();
        let units = (done - done_before) as f64;
        let spent = |before: Option<Duration>, after: Option<Duration>| {
            Some(after?.saturating_sub(before?).as_secs_f64())
        };
        let server = spent(server_before, server);
        Sample {
            rate: units / seconds,
            server_cpu: server.map(|spent| spent * 1e6 / units),
            server_busy: server.map(|spent| spent / seconds),
            load_busy: spent(load_before, load).map(|spent| spent / seconds),
        }
    }
}

/// Collects what the tasks give back.
async fn all<T: 'static>(mut tasks: JoinSet<io::Result<T>>) -> io::Result<Vec<T>> {
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        results.push(result.map_err(io::Error::other)??);
    }
    Ok(results)
}

/// Connects pairs that stay.
pub(crate) async fn connect(server: &ServerProcess, count: usize) -> io::Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    while pairs.len() < count {
        let mut tasks = JoinSet::new();
        for _ in pairs.len()..count.min(pairs.len() + HANDSHAKES_AT_ONCE) {
            let (program, address) = (server.program, server.address);
            tasks.spawn(async move {
                let mut pair = Pair::connect(program, address, &Keys::generate()).await?;
                pair.settle(program).await?;
                Ok(pair)
            });
        }
        pairs.extend(all(tasks).await?);
    }
    Ok(pairs)
}

/// The keys for [`handshakes`].
pub(crate) fn handshake_keys() -> Vec<Arc<[Keys]>> {
    let some = |_| (0..KEYS_IN_TURN).map(|_| Keys::generate()).collect();
    (0..HANDSHAKES_AT_ONCE).map(some).collect()
}

/// Pairs per second that get as far as 'server-auth' on both sides, or on to the end of the
/// client-to-client handshake.
pub(crate) async fn handshakes(
    server: &ServerProcess,
    keys: &[Arc<[Keys]>],
    with_peer: bool,
    time: Duration,
) -> io::Result<Sample> {
    let work = Arc::new(Work::default());
    let mut tasks = JoinSet::new();
    for keys in keys {
        let (program, address) = (server.program, server.address);
        let (keys, work) = (keys.clone(), work.clone());
        tasks.spawn(async move {
            for keys in keys.iter().cycle() {
                if work.stopped() {
                    break;
                }
                let mut pair = Pair::connect(program, address, keys).await?;
                if with_peer {
                    pair.peer_handshake().await?;
                }
                work.add(1);
                pair.close().await?;
            }
            Ok(())
        });
    }
    let sample = work.run(server, time).await;
    all(tasks).await?;
    Ok(sample)
}

/// Messages of `bytes` bytes (nonce included) per second, over all pairs together. One half of the
/// pairs sends from initiator to responder, the other half the other way.
pub(crate) async fn relay(
    server: &ServerProcess,
    pairs: Vec<Pair>,
    bytes: usize,
    time: Duration,
) -> io::Result<(Vec<Pair>, Sample)> {
    let work = Arc::new(Work::default());
    let mut tasks = JoinSet::new();
    for (index, pair) in pairs.into_iter().enumerate() {
        let sender = if index % 2 == 0 { Role::Initiator } else { Role::Responder };
        tasks.spawn(pump(pair, sender, bytes, work.clone()));
    }
    let sample = work.run(server, time).await;
    Ok((all(tasks).await?, sample))
}

/// Keeps one direction of a pair full, and waits for the rest at the end.
async fn pump(pair: Pair, sender: Role, bytes: usize, work: Arc<Work>) -> io::Result<Pair> {
    let window = (BYTES_IN_FLIGHT / bytes).clamp(4, 256);
    let frame = frame(&pair.message(sender, bytes));
    let (sent_frame, received_frame) = (frame.len(), received_bytes(bytes));
    let frames = frame.repeat(window);
    let (from, to) = match sender {
        Role::Initiator => (&pair.initiator, &pair.responder),
        Role::Responder => (&pair.responder, &pair.initiator),
    };
    let (from, to) = (&from.socket.stream, &to.socket.stream);
    let mut space = vec![0; READ_BYTES];
    let (mut sent, mut received) = (0_u64, 0_u64);
    loop {
        // Up to the end of the last frame that may be on its way; a frame that was begun is
        // finished even when it is time to stop.
        let arrived = received / received_frame as u64;
        let limit = if work.stopped() {
            sent.next_multiple_of(sent_frame as u64)
        } else {
            (arrived + window as u64) * sent_frame as u64
        };
        if work.stopped() && sent == limit && arrived == sent / sent_frame as u64 {
            return Ok(pair);
        }
        let mut progress = false;
        if sent < limit {
            let start = (sent % frames.len() as u64) as usize;
            let end = frames.len().min(start + (limit - sent) as usize);
            match from.try_write(&frames[start..end]) {
                Ok(written) => {
                    sent += written as u64;
                    progress = true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        match to.try_read(&mut space) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                if !only_binary_frames(&space[..read], received, received_frame) {
                    let what = "something other than the relayed messages came";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
                received += read as u64;
                work.add(received / received_frame as u64 - arrived);
                progress = true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if progress {
            yield_now().await;
        } else if sent < limit {
            tokio::select! {
                ready = from.writable() => ready?,
                ready = to.readable() => ready?,
            }
        } else {
            to.readable().await?;
        }
    }
}

/// A pair with one message on its way at a time.
pub(crate) struct PingPong {
    from: TcpStream,
    to: TcpStream,
    frame: Vec<u8>,
}

impl PingPong {
    pub(crate) fn new(pair: Pair) -> io::Result<Self> {
        let frame = frame(&pair.message(Role::Initiator, LATENCY_BYTES));
        let blocking = |stream: tokio::net::TcpStream| {
            let stream = stream.into_std()?;
            stream.set_nonblocking(false)?;
            io::Result::Ok(stream)
        };
        let Pair { initiator, responder } = pair;
        let (from, to) = (blocking(initiator.socket.stream)?, blocking(responder.socket.stream)?);
        Ok(Self { from, to, frame })
    }

    /// From the initiator through the server to the responder: median and 99th percentile.
    pub(crate) fn latency(&mut self, time: Duration) -> io::Result<(Duration, Duration)> {
        let mut answer = [0; received_bytes(LATENCY_BYTES)];
        let mut latencies = Vec::new();
        let begin = Instant::now();
        loop {
            let sent = Instant::now();
            self.from.write_all(&self.frame)?;
            self.to.read_exact(&mut answer)?;
            let latency = sent.elapsed();
            match begin.elapsed().checked_sub(WARM_UP) {
                None => {}
                Some(measured) if measured < time => latencies.push(latency),
                Some(_) => break,
            }
        }
        if latencies.is_empty() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "no message came in time"));
        }
        latencies.sort_unstable();
        let quantile = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
        Ok((quantile(50), quantile(99)))
    }
}

/// The bytes of resident memory that each of `pairs` pairs costs per client while it does nothing.
pub(crate) async fn memory(program: Program, pairs: usize) -> io::Result<Option<f64>> {
    // A new process, so that no memory of earlier load is used again.
    let server = ServerProcess::start(program)?;
    // What is needed once is not counted.
    let first = connect(&server, (pairs / 10).max(8)).await?;
    let before = server.memory();
    let rest = connect(&server, pairs).await?;
    let after = server.memory();
    drop((first, rest));
    let (Some(before), Some(after)) = (before, after) else { return Ok(None) };
    Ok(Some((after as f64 - before as f64) / (2 * pairs) as f64))
}
