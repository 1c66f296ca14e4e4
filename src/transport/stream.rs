//! What carries the bytes of a WebSocket: TCP or a Unix socket, with TLS or without.

use std::io;
#[cfg(feature = "client")]
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

#[cfg(feature = "server")]
use bytes::{Buf as _, Bytes, buf::Chain};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(all(unix, feature = "server"))]
use tokio::net::UnixStream;
use tokio_rustls::TlsStream;

/// A connection that counts the bytes that are written to it, and signs of life.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Raw,
    written: u64,
    /// Something came from the other side, or it took what had no room before.
    signs: Arc<AtomicU64>,
    /// There was no room.
    full: bool,
}

impl Socket {
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        Self::of(Raw::Tcp(stream))
    }

    #[cfg(all(unix, feature = "server"))]
    pub(crate) fn unix(stream: UnixStream) -> Self {
        Self::of(Raw::Unix(stream))
    }

    /// A connection that goes on behind a proxy.
    #[cfg(feature = "client")]
    pub(crate) fn proxied(tls: TlsStream<Self>) -> Self {
        Self::of(Raw::Proxied(Box::new(tls)))
    }

    fn of(stream: Raw) -> Self {
        Self { stream, written: 0, signs: Arc::default(), full: false }
    }
}

/// How much of a large frame goes with its header: as much as TLS seals at once.
#[cfg(feature = "server")]
const FIRST_WRITE: usize = 16 << 10;

/// What carries the bytes.
#[derive(Debug)]
enum Raw {
    Tcp(TcpStream),
    #[cfg(all(unix, feature = "server"))]
    Unix(UnixStream),
    /// A proxy carries them, over TLS.
    #[cfg(feature = "client")]
    Proxied(Box<TlsStream<Socket>>),
}

#[cfg(feature = "client")]
impl Socket {
    /// The two ends of the connection of this host, which may end at a proxy.
    fn ends(&self) -> io::Result<Ends> {
        match &self.stream {
            Raw::Tcp(stream) => {
                Ok(Ends { local: stream.local_addr()?, remote: stream.peer_addr()? })
            }
            // Of the server.
            #[cfg(all(unix, feature = "server"))]
            Raw::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
            Raw::Proxied(tls) => tls.get_ref().0.ends(),
        }
    }
}

/// The two ends of a connection.
#[cfg(feature = "client")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    local: SocketAddr,
    remote: SocketAddr,
}

#[cfg(feature = "client")]
impl Ends {
    /// Whether the system would send to the other end from another address now. The connection can still work, but
    /// most often the network that it goes over is about to go, or gone.
    pub(crate) fn have_moved(&self) -> bool {
        let any = if self.remote.is_ipv4() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        } else {
            IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        };
        // Connecting such a socket sends nothing: it only chooses the address to send from.
        let source = UdpSocket::bind((any, 0)).and_then(|socket| {
            socket.connect(self.remote)?;
            socket.local_addr()
        });
        // If there is no way at all, the same one may come back.
        source.is_ok_and(|source| source.ip() != self.local.ip())
    }
}

/// A connection, with TLS or without.
#[derive(Debug)]
pub(crate) struct Stream {
    layer: Layer,
    /// How many bytes were read of a message that is not complete.
    part: usize,
    /// From how many on nothing more is read.
    most: usize,
    /// A frame that is written as a whole before anything else.
    #[cfg(feature = "server")]
    frame: Option<Box<Chain<Bytes, Bytes>>>,
}

#[derive(Debug)]
enum Layer {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Stream {
    pub(crate) fn plain(socket: Socket) -> Self {
        Self::of(Layer::Plain(socket))
    }

    pub(crate) fn tls(tls: TlsStream<Socket>) -> Self {
        Self::of(Layer::Tls(Box::new(tls)))
    }

    fn of(layer: Layer) -> Self {
        Self {
            layer,
            part: 0,
            most: usize::MAX,
            #[cfg(feature = "server")]
            frame: None,
        }
    }

    fn poll_write_layer(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.layer {
            Layer::Plain(stream) => Pin::new(stream).poll_write(cx, data),
            Layer::Tls(stream) => Pin::new(stream).poll_write(cx, data),
        }
    }
}

#[cfg(feature = "client")]
impl Stream {
    fn socket(&self) -> &Socket {
        match &self.layer {
            Layer::Plain(socket) => socket,
            Layer::Tls(tls) => tls.get_ref().0,
        }
    }

    /// Grows with each sign of life of the other side: bytes of it, or room for ours where there was none.
    pub(crate) fn signs(&self) -> Arc<AtomicU64> {
        self.socket().signs.clone()
    }

    /// The two ends of the connection of this host. `None` if the system does not know them (any more).
    pub(crate) fn ends(&self) -> Option<Ends> {
        self.socket().ends().ok()
    }

    /// The address of this host.
    #[cfg(feature = "webrtc")]
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.socket().ends()?.local)
    }
}

#[cfg(feature = "server")]
impl Stream {
    /// How many bytes the operating system took so far, those of TLS included.
    pub(crate) fn written(&self) -> u64 {
        match &self.layer {
            Layer::Plain(socket) => socket.written,
            Layer::Tls(tls) => tls.get_ref().0.written,
        }
    }

    /// A message is complete. So many bytes of the next one are read. Of what comes in one go with it, one buffer at
    /// most, some may belong to the next one already.
    pub(crate) fn begin_message(&mut self, most: usize) {
        (self.part, self.most) = (0, most);
    }

    /// So many of the bytes were of something in between, and not of the message.
    pub(crate) fn do_not_count(&mut self, bytes: usize) {
        self.part = self.part.saturating_sub(bytes);
    }

    /// So many more bytes of the message are read.
    pub(crate) fn allow(&mut self, more: usize) {
        self.most = self.most.saturating_add(more);
    }

    /// How many bytes of a message were read that is not complete.
    pub(crate) fn part(&self) -> usize {
        self.part
    }

    /// Sends a binary message, as the server's end of a WebSocket does, from where it is in memory. All that was to be
    /// sent before has to be flushed. The WebSocket library would copy it into a buffer that never becomes smaller.
    pub(crate) fn send_binary(&mut self, message: Bytes) {
        let mut first = Vec::with_capacity(FIRST_WRITE);
        first.push(0x82);
        match (u8::try_from(message.len()), u16::try_from(message.len())) {
            (Ok(length @ ..126), _) => first.push(length),
            (_, Ok(length)) => {
                first.push(126);
                first.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                first.push(127);
                first.extend_from_slice(&(message.len() as u64).to_be_bytes());
            }
        }
        // The header does not go alone.
        let more = message.len().min(FIRST_WRITE - first.len());
        first.extend_from_slice(&message[..more]);
        self.frame = Some(Box::new(Bytes::from(first).chain(message.slice(more..))));
    }

    /// Ready when the operating system has taken what [`send_binary`](Self::send_binary) was given.
    pub(crate) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(mut frame) = self.frame.take() {
            let taken = match self.poll_write_layer(cx, frame.chunk()) {
                Poll::Pending => {
                    self.frame = Some(frame);
                    return Poll::Pending;
                }
                Poll::Ready(taken) => taken?,
            };
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            frame.advance(taken);
            if frame.has_remaining() {
                self.frame = Some(frame);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Nothing more is read, and nobody is woken, until there is more that may be.
    pub(crate) fn is_full(&self) -> bool {
        self.part >= self.most
    }
}

/// `$call` on what carries the bytes.
macro_rules! raw {
    ($raw:expr, $stream:ident => $call:expr) => {
        match $raw {
            Raw::Tcp(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            #[cfg(all(unix, feature = "server"))]
            Raw::Unix(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            #[cfg(feature = "client")]
            Raw::Proxied(stream) => {
                let $stream = Pin::new(&mut **stream);
                $call
            }
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = raw!(&mut this.stream, stream => stream.poll_read(cx, buffer));
        if read.is_ready() {
            this.signs.fetch_add(1, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Socket {
    // Vectored writing is left out on purpose: the standard library does it with writev, which raises
    // SIGPIPE if the other side is gone, and that ends a program that is not written in Rust.
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = raw!(&mut this.stream, stream => stream.poll_write(cx, data));
        if std::mem::replace(&mut this.full, result.is_pending()) && result.is_ready() {
            this.signs.fetch_add(1, Ordering::Relaxed);
        }
        let taken = ready!(result)?;
        this.written += taken as u64;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        raw!(&mut self.get_mut().stream, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        raw!(&mut self.get_mut().stream, stream => stream.poll_shutdown(cx))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.part >= this.most {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = match &mut this.layer {
            Layer::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Layer::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        };
        this.part = this.part.saturating_add(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        #[cfg(feature = "server")]
        ready!(this.poll_sent(cx))?;
        this.poll_write_layer(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        #[cfg(feature = "server")]
        ready!(this.poll_sent(cx))?;
        match &mut this.layer {
            Layer::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Layer::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().layer {
            Layer::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Layer::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
