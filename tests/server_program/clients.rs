//! Clients of the server: the library's own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use saltyrtc::client::{Client, Closed, Config, Event, Roots};
use saltyrtc::crypto::{KeyPair, OsRandom, PublicKey};
use saltyrtc::protocol::ServerUrl;
use saltyrtc::task::{RelayedData, TaskEvent};

use crate::support::{NEVER, Program};

pub(crate) fn keys() -> KeyPair {
    KeyPair::generate(&mut OsRandom)
}

impl Program {
    pub(crate) fn ws(&self) -> ServerUrl {
        ServerUrl::parse(&format!("ws://{}", self.address)).unwrap()
    }

    pub(crate) fn wss(&self) -> ServerUrl {
        ServerUrl::parse(&format!("wss://localhost:{}", self.address.port())).unwrap()
    }
}

/// Two clients that have found each other.
pub(crate) struct Pair {
    pub(crate) initiator: Client,
    pub(crate) responder: Client,
}

impl Pair {
    /// Fails with the reason if a client could not connect.
    pub(crate) async fn connect(
        url: &ServerUrl,
        roots: &Roots,
        server_key: Option<PublicKey>,
    ) -> Result<Self, Closed> {
        let mut config = Config::initiator(url.clone(), keys()).with_task(RelayedData);
        config.roots = roots.clone();
        config.protocol.server_key = server_key;
        let invitation = config.invitation().unwrap();
        let initiator = Client::connect(config).unwrap();
        let mut config = Config::responder(invitation, keys()).with_task(RelayedData);
        config.roots = roots.clone();
        let responder = Client::connect(config).unwrap();
        for client in [&initiator, &responder] {
            until(client, |event| matches!(event, Event::PeerHandshakeDone { .. }).then_some(()))
                .await?;
        }
        Ok(Self { initiator, responder })
    }

    pub(crate) async fn plain(program: &Program) -> Self {
        Self::connect(&program.ws(), &Roots::System, None).await.unwrap()
    }

    /// A message each way.
    pub(crate) async fn relay(&self) {
        self.initiator.send_text("ping").unwrap();
        assert_eq!(text(&self.responder).await.unwrap(), "ping");
        self.responder.send_text("pong").unwrap();
        assert_eq!(text(&self.initiator).await.unwrap(), "pong");
    }
}

/// The first event that `pick` is happy with, or how the client ended before.
pub(crate) async fn until<T>(
    client: &Client,
    mut pick: impl FnMut(&Event) -> Option<T>,
) -> Result<T, Closed> {
    loop {
        let event =
            tokio::time::timeout(NEVER, client.next_event()).await.expect("an event in time");
        match event.expect("the last event is that it was closed") {
            event if pick(&event).is_some() => return Ok(pick(&event).unwrap()),
            Event::Closed(closed) => return Err(closed),
            _ => {}
        }
    }
}

/// The next message from the peer.
pub(crate) async fn text(client: &Client) -> Result<String, Closed> {
    until(client, |event| match event {
        Event::Task(TaskEvent::Data(payload)) => payload.as_text().map(str::to_owned),
        _ => None,
    })
    .await
}

/// How the client ends.
pub(crate) async fn closed(client: &Client) -> Closed {
    let never = |_: &Event| None::<()>;
    until(client, never).await.unwrap_err()
}

/// A client that opens a WebSocket and then never answers anything.
pub(crate) struct Silent(TcpStream);

impl Silent {
    pub(crate) fn connect(program: &Program) -> Self {
        let mut socket = TcpStream::connect(program.address).unwrap();
        socket.set_read_timeout(Some(NEVER)).unwrap();
        write!(
            socket,
            "GET /{} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: v1.saltyrtc.org\r\n\r\n",
            keys().public().to_hex()
        )
        .unwrap();
        let mut silent = Self(socket);
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(silent.byte());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{answer:?}");
        // 'server-hello'
        let (kind, _) = silent.frame();
        assert_eq!(kind, 0x82);
        silent
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.0.read_exact(&mut byte).unwrap();
        byte[0]
    }

    /// The first byte of a frame, and its content. None of those here is long.
    fn frame(&mut self) -> (u8, Vec<u8>) {
        let kind = self.byte();
        let length = self.byte();
        assert!(length < 126, "{length}");
        let mut content = vec![0; length.into()];
        self.0.read_exact(&mut content).unwrap();
        (kind, content)
    }

    pub(crate) fn wait_for_close_frame(&mut self, code: u16) {
        let (kind, content) = self.frame();
        assert_eq!((kind, &content[..2]), (0x88, &code.to_be_bytes()[..]));
    }

    /// Waits until the server has ended the TCP connection.
    pub(crate) fn wait_for_end(&mut self) {
        match self.0.read(&mut [0]) {
            Ok(0) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            other => panic!("{other:?}"),
        }
    }
}
