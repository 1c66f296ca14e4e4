//! A relay on the same crates, with the same settings, that does nothing but pair the first two
//! clients of a path: what the server could reach if the protocol cost nothing.
//!
//! Who asks for [`HANDSHAKE`] gets messages as in a handshake with a server, made with the same
//! operations on keys, but nothing is looked at.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::hint::black_box;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use futures_util::{SinkExt as _, StreamExt as _};
use saltyrtc::crypto::{BOX_OVERHEAD, KeyPair, OsRandom, PublicKey, SharedKey};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

/// The same settings as in the server.
const READ_BUFFER: usize = 4 << 10;
const WRITE_BUFFER: usize = 16 << 10;
const MAX_MESSAGE: usize = 1 << 20;
const MESSAGES_PER_TURN: usize = 32;

/// The query of those who want a handshake.
pub(crate) const HANDSHAKE: &str = "handshake";
/// The bytes of 'server-hello' and of 'server-auth', nonces included.
const HELLO: usize = 81;
const AUTH: usize = 207;

/// What waits for one client.
#[derive(Default)]
struct Queue {
    messages: Mutex<VecDeque<Message>>,
    waker: AtomicWaker,
}

type Queues = Arc<[Queue; 2]>;
/// Paths with one client.
type Waiting = Arc<Mutex<HashMap<String, Queues>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Relays until the process is killed.
pub(crate) fn serve(address: SocketAddr) -> io::Result<()> {
    let cores = std::thread::available_parallelism()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.into())
        .enable_all()
        .build()?;
    let accepting = runtime.spawn(async move {
        let listener = TcpListener::bind(address).await?;
        let waiting = Waiting::default();
        loop {
            let (tcp, _) = listener.accept().await?;
            tokio::spawn(connection(tcp, waiting.clone()));
        }
    });
    runtime.block_on(accepting)?
}

async fn connection(tcp: TcpStream, waiting: Waiting) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(2 * MAX_MESSAGE)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let _ = tcp.set_nodelay(true);
    let (mut path, mut handshake) = (String::new(), false);
    #[allow(clippy::result_large_err, reason = "the callback's type is given")]
    let callback = |request: &Request, response: Response| -> Result<_, ErrorResponse> {
        path = request.uri().path().to_owned();
        handshake = request.uri().query() == Some(HANDSHAKE);
        Ok(response)
    };
    let Ok(mut socket) = accept_hdr_async_with_config(tcp, callback, Some(config)).await else {
        return;
    };
    if handshake && greet(&mut socket, &path).await.is_err() {
        return;
    }
    let (queues, own) = {
        let mut waiting = lock(&waiting);
        match waiting.remove(&path) {
            Some(queues) => (queues, 1),
            None => (waiting.entry(path).or_default().clone(), 0),
        }
    };
    let mut unflushed = false;
    poll_fn(|cx| match poll(cx, &mut socket, &queues, own, &mut unflushed) {
        Ok(()) => Poll::Pending,
        // The other one notices by itself that nobody is left.
        Err(_) => Poll::Ready(()),
    })
    .await;
}

/// The messages of a handshake, and the work on keys that they take.
async fn greet(socket: &mut WebSocketStream<TcpStream>, path: &str) -> Result<(), Error> {
    let session = KeyPair::generate(&mut OsRandom);
    let client = path.strip_prefix('/').and_then(|path| PublicKey::from_hex(path).ok());
    let client = client.ok_or(Error::ConnectionClosed)?;
    socket.send(Message::binary(vec![0; HELLO])).await?;
    let auth = socket.next().await.ok_or(Error::ConnectionClosed)??.into_data();
    let shared = SharedKey::new(&client, session.secret());
    // Takes as long as a message that can be opened, because it is the tag that is computed.
    let _ = black_box(shared.open(&[0; 24], &auth));
    // The permanent key of a server.
    let signing = SharedKey::new(&client, session.secret());
    black_box(signing.seal(&[0; 24], &[0; 64]));
    let plain = [0; AUTH - BOX_OVERHEAD];
    socket.send(Message::binary(shared.seal(&[0; 24], &plain))).await
}

/// One wake-up. An error is the end.
fn poll(
    cx: &mut Context<'_>,
    socket: &mut WebSocketStream<TcpStream>,
    queues: &[Queue; 2],
    own: usize,
    unflushed: &mut bool,
) -> Result<(), Error> {
    let (own, other) = (&queues[own], &queues[1 - own]);
    own.waker.register(cx.waker());
    let mut turn = 0;
    while let Poll::Ready(received) = socket.poll_next_unpin(cx) {
        let message = received.ok_or(Error::ConnectionClosed)??;
        if message.is_binary() {
            lock(&other.messages).push_back(message);
            other.waker.wake();
        } else if message.is_close() {
            return Err(Error::ConnectionClosed);
        }
        turn += 1;
        if turn == MESSAGES_PER_TURN {
            cx.waker().wake_by_ref();
            break;
        }
    }
    while let Poll::Ready(ready) = socket.poll_ready_unpin(cx) {
        ready?;
        let Some(message) = lock(&own.messages).pop_front() else { break };
        socket.start_send_unpin(message)?;
        *unflushed = true;
    }
    if *unflushed && let Poll::Ready(flushed) = socket.poll_flush_unpin(cx) {
        flushed?;
        *unflushed = false;
    }
    Ok(())
}
