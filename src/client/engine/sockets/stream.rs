//! Connections to TURN servers over TCP and TLS, by way of a proxy if there is one.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use super::arrival::Arrival;
use crate::rtc::ice::StreamId;
use crate::transport::{self, TurnTarget};

/// The longest that connecting may take, with TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How many messages may wait to be written. If there are more, the connection is congested.
const QUEUE: usize = 128;

const READ_BUFFER: usize = 32 * 1024;

/// A connection, or the attempt to make one. Dropping it ends it.
pub(super) struct StreamHandle {
    outgoing: mpsc::Sender<Vec<u8>>,
    task: tokio::task::JoinHandle<()>,
}

impl StreamHandle {
    /// Connects in the background. What comes of it goes to `arrivals`.
    pub(super) fn connect(
        id: StreamId,
        target: TurnTarget,
        arrivals: mpsc::Sender<Arrival>,
    ) -> Self {
        let (outgoing, messages) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            let closed = match run(id, target, messages, &arrivals).await {
                Ok(()) => None,
                Err(error) => Some(error.to_string()),
            };
            let _ = arrivals.send(Arrival::StreamClosed(id, closed)).await;
        });
        Self { outgoing, task }
    }

    /// Writes a whole message. If the connection is congested the message is dropped, as a datagram could
    /// be.
    pub(super) fn send(&self, message: Vec<u8>) {
        let _ = self.outgoing.try_send(message);
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    id: StreamId,
    target: TurnTarget,
    messages: mpsc::Receiver<Vec<u8>>,
    arrivals: &mpsc::Sender<Arrival>,
) -> io::Result<()> {
    let connect = transport::connect_turn(target);
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time");
    let opened = tokio::time::timeout(CONNECT_TIMEOUT, connect).await.map_err(late)?;
    let (stream, local) = opened.map_err(io::Error::other)?;
    if arrivals.send(Arrival::StreamOpen(id, local)).await.is_err() {
        return Ok(());
    }
    let (reader, writer) = tokio::io::split(stream);
    tokio::select! {
        result = read(id, reader, arrivals) => result,
        result = write(writer, messages) => result,
    }
}

async fn read(
    id: StreamId,
    mut reader: impl AsyncRead + Unpin,
    arrivals: &mpsc::Sender<Arrival>,
) -> io::Result<()> {
    loop {
        let mut buffer = BytesMut::with_capacity(READ_BUFFER);
        if reader.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        if arrivals.send(Arrival::StreamData(id, buffer.freeze())).await.is_err() {
            return Ok(());
        }
    }
}

async fn write(
    mut writer: impl AsyncWrite + Unpin,
    mut messages: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    while let Some(message) = messages.recv().await {
        writer.write_all(&message).await?;
        while let Ok(message) = messages.try_recv() {
            writer.write_all(&message).await?;
        }
        writer.flush().await?;
    }
    Ok(())
}
