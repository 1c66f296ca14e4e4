//! The sockets of a connection: UDP on all addresses of the host, TCP and TLS to TURN servers, names.
//! Everything here moves bytes; what they mean is for [`Connection`](crate::rtc::connection::Connection).

mod arrival;
mod interfaces;
mod mdns;
mod resolve;
mod schedule;
mod stream;
mod udp;
mod watch;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::rtc::ice::{Output, SocketId, StreamId};
use crate::transport::{Proxy, Roots, TurnTarget};
pub(in crate::client::engine) use arrival::Arrival;
use schedule::ScanSchedule;
use stream::StreamHandle;
use udp::{Batch, Buffers, Udp};
use watch::Watch;

/// After how many errors in a row a socket is left alone until the next turn.
const READ_ERRORS: usize = 8;

/// How many arrivals may wait.
const ARRIVALS: usize = 64;

/// After this many bytes, what came is dealt with before a socket is read again. It is less than what the
/// association holds, so that it does not fill up with a peer that is as fast as the application.
const READ_BYTES: usize = 128 * 1024;

/// What has changed about the sockets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) added: Vec<(SocketId, SocketAddr)>,
    pub(super) removed: Vec<SocketId>,
    /// The first address where all ports that may be used are taken, if that is new.
    pub(super) full: Option<IpAddr>,
    /// How many addresses are used, and how many the host has besides, if that was not told before.
    pub(super) left_out: Option<(usize, usize)>,
}

/// Which sockets to have.
#[derive(Debug, Clone, Default)]
pub(super) struct IoConfig {
    /// Only these addresses. Empty: all that the host has.
    pub(super) addresses: Vec<IpAddr>,
    /// Only these UDP ports.
    pub(super) ports: Option<RangeInclusive<u16>>,
    /// Whose certificates TURN servers may have.
    pub(super) roots: Roots,
    /// The proxy on the way to TURN servers over TCP and TLS.
    pub(super) proxy: Proxy,
}

/// The sockets of one connection.
pub(super) struct Io {
    config: IoConfig,
    sockets: Vec<Udp>,
    next_socket: u32,
    streams: HashMap<StreamId, StreamHandle>,
    lookups: JoinSet<()>,
    sender: mpsc::Sender<Arrival>,
    receiver: mpsc::Receiver<Arrival>,
    arrived: VecDeque<Arrival>,
    buffers: Buffers,
    batch: Batch,
    /// Where the batch goes, once the socket is writable.
    waiting: Option<(SocketId, SocketAddr)>,
    watch: Watch,
    schedule: ScanSchedule,
    /// The last scan has found an address where all ports that may be used are taken.
    full: bool,
    /// It was told that the host has more addresses than are used.
    told_left_out: bool,
}

impl Io {
    /// Without any socket yet; the first [`scan`](Self::scan) makes them. To be used within tokio.
    pub(super) fn new(config: IoConfig) -> Self {
        let (sender, receiver) = mpsc::channel(ARRIVALS);
        // Before the addresses are looked at for the first time, so that no change is missed in between.
        let watch = Watch::new();
        let schedule = ScanSchedule::new(watch.is_told());
        Self {
            config,
            sockets: Vec::new(),
            next_socket: 0,
            streams: HashMap::new(),
            lookups: JoinSet::new(),
            sender,
            receiver,
            arrived: VecDeque::new(),
            buffers: Buffers::new(),
            batch: Batch::default(),
            waiting: None,
            watch,
            schedule,
            full: false,
            told_left_out: false,
        }
    }

    /// Whether the network may cut datagrams into fragments.
    pub(super) fn allow_fragments(&mut self, allowed: bool) {
        self.sockets.iter_mut().for_each(|udp| udp.allow_fragments(allowed));
    }

    /// The UDP ports that may be used, unless all may.
    pub(super) fn ports(&self) -> Option<RangeInclusive<u16>> {
        self.config.ports.clone()
    }

    /// Whether to call [`scan`](Self::scan) now, as the caller is awake.
    pub(super) fn is_scan_due(&self, now: Instant) -> bool {
        self.schedule.is_due(now)
    }

    /// When to wake up to call [`scan`](Self::scan), if nothing else happens.
    pub(super) fn next_scan(&self, now: Instant) -> Option<Instant> {
        self.schedule.poll_timeout(now)
    }

    /// Compares the sockets with the addresses that the host has now.
    pub(super) fn scan(&mut self, now: Instant) -> Changes {
        let mut changes = Changes::default();
        let addresses = match &self.config.addresses[..] {
            [] => {
                let interfaces::Addresses { ips, left_out } = interfaces::addresses();
                if left_out > 0 && !std::mem::replace(&mut self.told_left_out, true) {
                    changes.left_out = Some((ips.len(), left_out));
                }
                ips
            }
            given => given.to_vec(),
        };
        self.sockets.retain(|socket| {
            let keep = addresses.contains(&socket.local.ip());
            if !keep {
                changes.removed.push(socket.id);
            }
            keep
        });
        let mut unusable = false;
        for ip in addresses {
            if self.sockets.iter().any(|socket| socket.local.ip() == ip) {
                continue;
            }
            let id = SocketId(self.next_socket);
            match Udp::bind(id, ip, self.config.ports.clone()) {
                Ok(socket) => {
                    self.next_socket += 1;
                    changes.added.push((id, socket.local));
                    self.sockets.push(socket);
                }
                // Addresses that are being set up or removed cannot be bound. The next look may show.
                Err(error) => {
                    tracing::debug!(kind = ?error.kind(), "cannot use an address");
                    unusable = true;
                    if error.kind() == io::ErrorKind::AddrInUse && self.config.ports.is_some() {
                        changes.full.get_or_insert(ip);
                    }
                }
            }
        }
        self.schedule.scanned(now, unusable);
        if std::mem::replace(&mut self.full, changes.full.is_some()) {
            // It was told.
            changes.full = None;
        }
        changes
    }

    /// Replaces the addresses to use, which the next [`scan`](Self::scan) does something about.
    pub(super) fn set_addresses(&mut self, addresses: Vec<IpAddr>) {
        self.config.addresses = addresses;
        self.look_again();
    }

    /// Has the addresses looked at again, whether or not the system has told of a change.
    pub(super) fn look_again(&mut self) {
        self.schedule.hint();
    }

    fn socket(&self, id: SocketId) -> Option<&Udp> {
        self.sockets.iter().find(|socket| socket.id == id)
    }

    /// Does what the ICE agent wants done with sockets.
    pub(super) fn perform(&mut self, output: Output) {
        match output {
            Output::Transmit { socket, to, data } => {
                let result = self.socket(socket).map(|socket| socket.send(to, &data));
                self.note(result.unwrap_or(Ok(())));
            }
            Output::StreamTransmit { stream, data } => {
                if let Some(stream) = self.streams.get(&stream) {
                    stream.send(data);
                }
            }
            Output::Connect { stream, to, host, tls_server_name } => {
                let IoConfig { roots, proxy, .. } = self.config.clone();
                let tls = tls_server_name.is_some();
                let target = TurnTarget { address: to, host, tls, roots, proxy };
                let handle = StreamHandle::connect(stream, target, self.sender.clone());
                self.streams.insert(stream, handle);
            }
            Output::Disconnect { stream } => _ = self.streams.remove(&stream),
            Output::Resolve { name, mdns } => {
                let sender = self.sender.clone();
                while self.lookups.try_join_next().is_some() {}
                self.lookups.spawn(async move {
                    let addresses = resolve::resolve(&name, mdns).await;
                    let _ = sender.send(Arrival::Resolved { name, addresses }).await;
                });
            }
            // The others have nothing to do with sockets.
            _ => {}
        }
    }

    /// Takes note of whether a datagram could be sent. An error is no harm, as datagrams can get lost; but it
    /// may be the first sign that an address is gone.
    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result
            && error.kind() != io::ErrorKind::WouldBlock
            && !quinn_udp::is_msg_size_err(&error)
        {
            self.schedule.hint();
        }
    }

    /// Sends datagrams from `socket` straight to the peer, as many as the socket takes, and says how
    /// many bytes that were.
    pub(super) fn send(
        &mut self,
        socket: SocketId,
        to: SocketAddr,
        mut next: impl FnMut() -> Option<Vec<u8>>,
    ) -> usize {
        let mut sent = 0;
        if !self.flush() {
            return sent;
        }
        let max = self.socket(socket).map_or(1, Udp::max_segments);
        while let Some(datagram) = next() {
            sent += datagram.len();
            if self.batch.add(&datagram, max) {
                continue;
            }
            self.waiting = Some((socket, to));
            // While a batch waits for the socket, the datagram that comes next is dropped, as a network would.
            if !self.flush() {
                return sent - datagram.len();
            }
            self.batch.add(&datagram, max);
        }
        if !self.batch.is_empty() {
            self.waiting = Some((socket, to));
            self.flush();
        }
        sent
    }

    /// Sends the batch that waits. `false` if it still has to wait.
    pub(super) fn flush(&mut self) -> bool {
        let Some((socket, to)) = self.waiting else { return true };
        let result =
            self.socket(socket).map_or(Ok(()), |socket| socket.send_batch(to, &self.batch));
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            return false;
        }
        self.note(result);
        self.waiting = None;
        self.batch.clear();
        true
    }

    /// Whether the socket of the path to the peer is full.
    pub(super) fn congested(&self) -> bool {
        self.waiting.is_some()
    }

    /// Hands out the datagrams that arrived, with the socket and the sender. `true` if there may be
    /// more.
    pub(super) fn receive(&mut self, mut each: impl FnMut(SocketId, SocketAddr, &[u8])) -> bool {
        let mut more = false;
        for socket in &self.sockets {
            let (mut bytes, mut errors) = (0, 0);
            loop {
                match socket.receive(&mut self.buffers) {
                    Ok(filled) => {
                        self.buffers.datagrams(filled, |from, datagram| {
                            bytes += datagram.len();
                            each(socket.id, from, datagram);
                        });
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // For example, that a datagram sent earlier could not be delivered.
                    Err(_) => errors += 1,
                }
                if bytes >= READ_BYTES || errors == READ_ERRORS {
                    more = true;
                    break;
                }
            }
        }
        more
    }

    /// What arrived from connections and from the resolver.
    pub(super) fn next_arrival(&mut self) -> Option<Arrival> {
        let arrival = self.arrived.pop_front().or_else(|| self.receiver.try_recv().ok())?;
        if let Arrival::StreamClosed(id, _) = &arrival {
            self.streams.remove(id);
        }
        Some(arrival)
    }

    /// Ready when something arrived, when there is room again after [`congested`](Self::congested), or
    /// when the addresses of the host may have changed.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut ready = !self.arrived.is_empty();
        // All are asked, so that each of them wakes.
        for socket in &self.sockets {
            ready |= socket.poll_readable(cx).is_ready();
            if self.waiting.is_some_and(|(id, _)| id == socket.id) {
                ready |= socket.poll_writable(cx).is_ready();
            }
        }
        if let Poll::Ready(Some(arrival)) = self.receiver.poll_recv(cx) {
            self.arrived.push_back(arrival);
            ready = true;
        }
        if self.watch.poll_changed(cx).is_ready() {
            self.schedule.told(Instant::now(), self.watch.is_told());
            ready = true;
        }
        if ready { Poll::Ready(()) } else { Poll::Pending }
    }
}
