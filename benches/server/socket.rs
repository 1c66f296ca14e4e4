//! As little WebSocket client as possible, so that the load costs less than what it measures.
//!
//! It masks with zeros, which saves work on this side only: a server has to unmask all the same.

use std::io;
use std::net::SocketAddr;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::net::TcpStream;

const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// A frame from a client.
pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    framed(BINARY, payload)
}

fn framed(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![opcode];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// How many bytes a server needs for a frame with this much payload.
pub(crate) const fn received_bytes(payload: usize) -> usize {
    payload
        + match payload {
            0..126 => 2,
            126..0x1_0000 => 4,
            _ => 10,
        }
}

/// Whether all frames that begin in `chunk` are binary, if every frame has `frame` bytes and
/// `before` bytes came before the chunk.
pub(crate) fn only_binary_frames(chunk: &[u8], before: u64, frame: usize) -> bool {
    let first = (frame - (before % frame as u64) as usize) % frame;
    chunk.iter().skip(first).step_by(frame).all(|byte| *byte == BINARY)
}

/// A WebSocket.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    buffer: BytesMut,
}

impl Socket {
    /// Opens a WebSocket for a path, which begins with a slash.
    pub(crate) async fn open(address: SocketAddr, path: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut socket = Self { stream, buffer: BytesMut::with_capacity(1024) };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: {}\r\n\r\n",
            saltyrtc::protocol::SUBPROTOCOL
        );
        socket.write(request.as_bytes()).await?;
        let end = loop {
            let end = socket.buffer.windows(4).position(|window| window == b"\r\n\r\n");
            match end {
                Some(end) => break end + 4,
                None => socket.fill().await?,
            }
        };
        if !socket.buffer.starts_with(b"HTTP/1.1 101 ") {
            return Err(broken("the server opens no WebSocket"));
        }
        socket.buffer.advance(end);
        Ok(socket)
    }

    /// Sends a message.
    pub(crate) async fn send(&self, payload: &[u8]) -> io::Result<()> {
        self.write(&frame(payload)).await
    }

    /// Ends the connection as a client should.
    pub(crate) async fn close(self) -> io::Result<()> {
        self.write(&framed(CLOSE, &1001_u16.to_be_bytes())).await
    }

    /// Receives a message.
    pub(crate) async fn message(&mut self) -> io::Result<Bytes> {
        loop {
            if let Some((header, payload)) = frame_lengths(&self.buffer)
                && self.buffer.len() >= header + payload
            {
                let opcode = self.buffer[0];
                self.buffer.advance(header);
                let payload = self.buffer.split_to(payload).freeze();
                match opcode {
                    BINARY => return Ok(payload),
                    CLOSE => return Err(broken("the server closes the connection")),
                    _ => {
                        return Err(broken("the server sends neither binary messages nor a close"));
                    }
                }
            }
            self.fill().await?;
        }
    }

    /// Whether nothing is left of what was read.
    pub(crate) fn is_drained(&self) -> bool {
        self.buffer.is_empty()
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.reserve(512);
        loop {
            self.stream.readable().await?;
            match self.stream.try_read_buf(&mut self.buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn write(&self, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            match self.stream.try_write(data) {
                Ok(written) => data = &data[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The bytes of the header and of the payload of the first frame, if its header is there.
fn frame_lengths(buffer: &[u8]) -> Option<(usize, usize)> {
    match *buffer {
        [_, 126, a, b, ..] => Some((4, usize::from(u16::from_be_bytes([a, b])))),
        [_, 127, a, b, c, d, e, f, g, h, ..] => {
            let payload = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            Some((10, usize::try_from(payload).ok()?))
        }
        [_, len @ ..126, ..] => Some((2, usize::from(len))),
        _ => None,
    }
}
