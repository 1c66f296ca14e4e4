//! How WebSockets are set up and taken down.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

#[cfg(feature = "server")]
use futures_util::FutureExt as _;
use futures_util::SinkExt as _;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
#[cfg(feature = "server")]
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::Utf8Bytes;
#[cfg(feature = "server")]
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};

use super::Stream;

/// A WebSocket of either end.
pub(crate) type WebSocket = WebSocketStream<Stream>;

/// Messages of a handshake have a few hundred bytes, and most connections are idle.
const READ_BUFFER: usize = 4 << 10;
/// Up to this many bytes wait for the flush at the end of a wake-up.
const WRITE_BUFFER: usize = 16 << 10;
/// A server hands about this many bytes to a WebSocket, a message more at most, before it asks again
/// whether there is room.
pub(crate) const BATCH: usize = 16 << 10;
/// Room for the pongs that a connection may owe when it cannot be written to, and for the headers of
/// the messages of a batch.
const PONGS: usize = 64 << 10;

/// The settings of a WebSocket whose incoming messages may have up to `max_message_size` bytes, and
/// its outgoing ones too.
pub(crate) fn websocket_config(max_message_size: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        // A peer that sends pings and reads nothing must not make this grow without end.
        .max_write_buffer_size((WRITE_BUFFER + BATCH + PONGS).saturating_add(max_message_size))
        .max_message_size(Some(max_message_size))
        .max_frame_size(Some(max_message_size))
}

/// The server's end of a WebSocket after the HTTP part. `rest` is what came after the request.
#[cfg(feature = "server")]
pub(crate) async fn accepted(
    stream: Stream,
    mut rest: Vec<u8>,
    config: WebSocketConfig,
) -> WebSocket {
    // All later read buffers get the capacity of this one. Without any, each of them has room for one
    // message only, and every small message costs a system call.
    rest.reserve_exact(config.read_buffer_size);
    WebSocket::from_partially_read(stream, rest, Role::Server, Some(config)).await
}

/// A close frame with a code and no text.
pub(crate) fn close_frame(code: u16) -> CloseFrame {
    CloseFrame { code: code.into(), reason: Utf8Bytes::default() }
}

/// Ends the connection below a WebSocket whose closing frame was sent, within `limit`. Says whether
/// that was enough; if not, the connection is cut off.
pub(crate) async fn finish(socket: WebSocket, limit: Duration) -> bool {
    in_time(timeout(limit, flush_and_end(socket)).await)
}

/// Like [`finish`], for a WebSocket whose closing frame is still to be sent. It goes out behind what was
/// given to the socket before, for which there is no time of its own.
#[cfg(feature = "server")]
pub(crate) async fn close(mut socket: WebSocket, code: u16, limit: Duration) -> bool {
    let ended = timeout(limit, async {
        if socket.feed(Message::Close(Some(close_frame(code)))).await.is_ok() {
            flush_and_end(socket).await;
        }
    });
    in_time(ended.await)
}

/// Ends a connection of which nothing may stay in memory: the closing frame is sent if that can be done at once, and
/// half a message that came in is forgotten. Says whether `limit` was enough.
#[cfg(feature = "server")]
pub(crate) async fn cut(mut socket: WebSocket, code: u16, limit: Duration) -> bool {
    let sent = socket.send(Message::Close(Some(close_frame(code)))).now_or_never();
    if !matches!(sent, Some(Ok(()))) {
        return true;
    }
    in_time(timeout(limit, end(&mut socket.into_inner())).await)
}

async fn flush_and_end(mut socket: WebSocket) {
    // An error means that the other side is gone, which is what is wanted.
    let _ = socket.flush().await;
    // Without the WebSocket, so that half a message does not stay in memory meanwhile.
    end(&mut socket.into_inner()).await;
}

/// Like [`finish`], for a connection that never became a WebSocket.
#[cfg(feature = "server")]
pub(crate) async fn finish_stream(mut stream: Stream, limit: Duration) -> bool {
    in_time(timeout(limit, end(&mut stream)).await)
}

fn in_time<T>(ended: Result<T, tokio::time::error::Elapsed>) -> bool {
    if ended.is_err() {
        tracing::debug!("the other side did not end its connection; it is cut off");
    }
    ended.is_ok()
}

/// Ends our half of the connection and waits for the end of the other.
///
/// What the other side still sends is read and thrown away. If it were left unread, the operating
/// system would reset the connection, and what was sent last could be lost on the way.
async fn end(stream: &mut Stream) {
    #[cfg(feature = "server")]
    stream.begin_message(usize::MAX);
    let _ = poll_fn(|cx| Pin::new(&mut *stream).poll_shutdown(cx)).await;
    poll_fn(|cx| {
        // Bounded by the time limit, and yields now and then.
        for _ in 0..64 {
            let mut space = [0; 4096];
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use futures_util::StreamExt as _;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::transport::Socket;

    /// Messages that came together are next to each other in one buffer, also after the first one.
    #[tokio::test]
    async fn one_read_takes_many_small_messages() {
        const PAYLOAD: usize = 64;
        const FRAME: usize = 6 + PAYLOAD;
        const MESSAGES: usize = 1000;
        let frame = [&[0x82, 0x80 | PAYLOAD as u8, 0, 0, 0, 0][..], &[7; PAYLOAD]].concat();
        for rest in [vec![], frame.clone(), frame[..10].to_vec()] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (server, _) = listener.accept().await.unwrap();
            client.write_all(&frame.repeat(MESSAGES)[rest.len()..]).await.unwrap();
            let stream = Stream::plain(Socket::tcp(server));
            let mut socket = accepted(stream, rest, websocket_config(1 << 20)).await;
            let mut messages = Vec::new();
            for _ in 0..MESSAGES {
                let message = socket.next().await.unwrap().unwrap().into_data();
                assert_eq!(message, [7; PAYLOAD][..]);
                // All are kept, as in a queue, so that no buffer can be used again.
                messages.push(message);
            }
            let adjacent = |pair: &&[bytes::Bytes]| {
                pair[0].as_ptr() as usize + FRAME == pair[1].as_ptr() as usize
            };
            let adjacent = messages.windows(2).filter(adjacent).count();
            // A buffer has room for 58 of them.
            assert!(adjacent > MESSAGES * 9 / 10, "{adjacent}");
        }
    }
}
