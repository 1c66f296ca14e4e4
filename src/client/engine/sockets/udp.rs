//! UDP sockets, many datagrams at a time.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::task::{Context, Poll};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::rtc::ice::SocketId;

/// How many buffers the operating system fills at a time. With segmentation offload each takes many
/// datagrams.
const BUFFERS: usize = 4;
const BUFFER_BYTES: usize = 64 * 1024;

/// What the operating system is asked to buffer, in bytes: as much as a peer may have on its way. It may give
/// less.
const SOCKET_BUFFER: usize = 4 << 20;

/// The most bytes handed to the system in one call: what fits into a single UDP datagram.
const MAX_BATCH_BYTES: usize = 65_000;

/// A UDP socket.
pub(super) struct Udp {
    pub(super) id: SocketId,
    /// The address it is bound to.
    pub(super) local: SocketAddr,
    socket: UdpSocket,
    state: UdpSocketState,
    /// Datagrams may be sent in fragments.
    fragments: bool,
}

/// Where datagrams are received into; shared by all sockets.
pub(super) struct Buffers {
    memory: Vec<u8>,
    meta: [RecvMeta; BUFFERS],
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self { memory: vec![0; BUFFERS * BUFFER_BYTES], meta: [RecvMeta::default(); BUFFERS] }
    }

    /// Calls `each` with the first `filled` buffers' datagrams and their senders.
    pub(super) fn datagrams(&self, filled: usize, mut each: impl FnMut(SocketAddr, &[u8])) {
        let buffers = self.memory.chunks_exact(BUFFER_BYTES);
        for (meta, buffer) in self.meta[..filled].iter().zip(buffers) {
            // A socket of both families gives IPv4 addresses as IPv6 ones (`::ffff:192.0.2.1`).
            let from = SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port());
            let received = &buffer[..meta.len.min(buffer.len())];
            received.chunks(meta.stride.max(1)).for_each(|datagram| each(from, datagram));
        }
    }
}

impl Udp {
    /// A socket on this address, with the first free port of `ports`, or any if that is `None`.
    pub(super) fn bind(
        id: SocketId,
        ip: IpAddr,
        ports: Option<RangeInclusive<u16>>,
    ) -> io::Result<Self> {
        let mut socket = Err(io::ErrorKind::AddrInUse.into());
        for port in ports.unwrap_or(0..=0) {
            socket = std::net::UdpSocket::bind(SocketAddr::new(ip, port));
            match &socket {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                _ => break,
            }
        }
        let socket = socket?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // The limits of the system hold; smaller buffers cost speed and nothing else.
        let _ = state.set_send_buffer_size(UdpSockRef::from(&socket), SOCKET_BUFFER);
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&socket), SOCKET_BUFFER);
        let local = socket.local_addr()?;
        Ok(Self { id, local, socket: UdpSocket::from_std(socket)?, state, fragments: false })
    }

    /// Ready when something can be received.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        // An error shows again when receiving.
        self.socket.poll_recv_ready(cx).map(|_| ())
    }

    /// Ready when something can be sent.
    pub(super) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.socket.poll_send_ready(cx).map(|_| ())
    }

    /// Fills buffers, and says how many. [`WouldBlock`](io::ErrorKind::WouldBlock) if there is nothing.
    pub(super) fn receive(&self, buffers: &mut Buffers) -> io::Result<usize> {
        let Buffers { memory, meta } = buffers;
        self.socket.try_io(Interest::READABLE, || {
            let mut chunks = memory.chunks_exact_mut(BUFFER_BYTES);
            let mut slices: [IoSliceMut<'_>; BUFFERS] =
                std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
            self.state.recv(UdpSockRef::from(&self.socket), &mut slices, meta)
        })
    }

    /// Whether the network may cut datagrams into fragments that are too large for it. Otherwise they are lost there,
    /// which is how `quinn-udp` makes sockets, and how it is found out how large they may be.
    pub(super) fn allow_fragments(&mut self, allowed: bool) {
        if std::mem::replace(&mut self.fragments, allowed) != allowed
            && let Err(error) = set_fragments(&self.socket, self.local.is_ipv4(), allowed)
        {
            tracing::debug!(%error, "fragments cannot be allowed");
        }
    }

    /// Sends one datagram.
    pub(super) fn send(&self, to: SocketAddr, contents: &[u8]) -> io::Result<()> {
        self.transmit(to, contents, None)
    }

    /// Sends datagrams that all have the same size, except that the last one may be smaller.
    pub(super) fn send_batch(&self, to: SocketAddr, batch: &Batch) -> io::Result<()> {
        self.transmit(to, &batch.bytes, Some(batch.segment))
    }

    fn transmit(&self, to: SocketAddr, contents: &[u8], segment: Option<usize>) -> io::Result<()> {
        let transmit = Transmit {
            destination: to,
            ecn: None,
            contents,
            segment_size: segment.filter(|size| *size < contents.len()),
            src_ip: None,
        };
        let send = || self.state.try_send(UdpSockRef::from(&self.socket), &transmit);
        match send() {
            // Asks again by way of tokio, which then knows to wait until the socket is writable. (It
            // does not know at first that a new socket is.)
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.socket.try_io(Interest::WRITABLE, send)
            }
            result => result,
        }
    }

    /// How many datagrams can be sent at once.
    pub(super) fn max_segments(&self) -> usize {
        // The system does not cut segments further.
        if self.fragments { 1 } else { self.state.max_gso_segments() }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn set_fragments(socket: &UdpSocket, ipv4: bool, allowed: bool) -> io::Result<()> {
    use rustix::net::sockopt::{
        Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
    };
    let done = match (ipv4, allowed) {
        (true, true) => set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::DONT),
        (true, false) => set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::PROBE),
        (false, true) => set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::DONT),
        (false, false) => set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::PROBE),
    };
    done.map_err(io::Error::from)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn set_fragments(_: &UdpSocket, _: bool, _: bool) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Datagrams for one sending.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// The size of the datagrams, except for the last one.
    segment: usize,
    count: usize,
    /// A smaller datagram was added, which has to be the last one.
    complete: bool,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.segment, self.count, self.complete) = (0, 0, false);
    }

    /// Adds a datagram, if it fits. `max_segments` is how many the socket can take.
    pub(super) fn add(&mut self, datagram: &[u8], max_segments: usize) -> bool {
        let first = self.count == 0;
        let fits = !self.complete
            && self.count < max_segments
            && datagram.len() <= self.segment
            && self.bytes.len() + datagram.len() <= MAX_BATCH_BYTES;
        if !first && !fits {
            return false;
        }
        if first {
            self.segment = datagram.len();
        }
        self.complete = datagram.len() < self.segment;
        self.bytes.extend_from_slice(datagram);
        self.count += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_takes_equal_datagrams_and_a_smaller_last_one() {
        let mut batch = Batch::default();
        assert!(batch.add(&[1; 1200], 10) && batch.add(&[2; 1200], 10) && batch.add(&[3; 7], 10));
        assert!(!batch.add(&[4; 7], 10), "nothing after a smaller one");
        assert_eq!((batch.bytes.len(), batch.segment), (2407, 1200));
        batch.clear();
        assert!(batch.is_empty() && batch.add(&[1; 7], 10));
        assert!(!batch.add(&[1; 1200], 10), "no larger one");
        batch.clear();
        assert!(batch.add(&[1; 9], 1) && !batch.add(&[1; 9], 1), "no more than the socket takes");
        batch.clear();
        let fit = (0..100).take_while(|_| batch.add(&[1; 1200], 1000)).count();
        assert_eq!(fit, MAX_BATCH_BYTES / 1200);
    }

    #[tokio::test]
    async fn batches_arrive_as_single_datagrams() {
        let ip = IpAddr::from([127, 0, 0, 1]);
        let a = Udp::bind(SocketId(0), ip, None).unwrap();
        let b = Udp::bind(SocketId(1), ip, None).unwrap();
        let mut batch = Batch::default();
        for i in 0..a.max_segments().min(5) {
            assert!(batch.add(&[i as u8; 100], a.max_segments()));
        }
        let sent = batch.count;
        a.send_batch(b.local, &batch).unwrap();
        a.send(b.local, b"alone").unwrap();
        let mut received = Vec::new();
        let mut buffers = Buffers::new();
        while received.len() < sent + 1 {
            std::future::poll_fn(|cx| b.poll_readable(cx)).await;
            let Ok(filled) = b.receive(&mut buffers) else { continue };
            buffers.datagrams(filled, |from, datagram| {
                assert_eq!(from, a.local);
                received.push(datagram.to_vec());
            });
        }
        let (last, others) = received.split_last().unwrap();
        assert_eq!(last, b"alone");
        assert!(others.iter().enumerate().all(|(i, datagram)| *datagram == [i as u8; 100]));
    }

    #[tokio::test]
    async fn ports_are_taken_from_the_range() {
        let ip = IpAddr::from([127, 0, 0, 1]);
        let taken = Udp::bind(SocketId(0), ip, None).unwrap().local.port();
        let keeper = std::net::UdpSocket::bind((ip, taken)).unwrap();
        let one = Udp::bind(SocketId(0), ip, Some(taken..=taken));
        assert!(one.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse));
        let next = Udp::bind(SocketId(0), ip, Some(taken..=taken.saturating_add(50))).unwrap();
        assert!(next.local.port() > taken);
        drop(keeper);
    }
}
