//! A peer of the client that knows its way through the handshake, and need not keep to it.

use std::time::{Duration, Instant};

use saltyrtc::chunking::{Chunker, Mode, Unchunker, UnchunkerLimits};
use saltyrtc::crypto::{AuthToken, KeyPair, SharedKey};
use saltyrtc::protocol::message::{InitiatorAuth, Key, ResponderAuth, Token};
use saltyrtc::protocol::{ChannelFraming, Cookie, Nonce, SecureChannel, SignallingChannel};

use super::content;
use crate::keys::{self, Counter};
use crate::relation::{Flaw, Relation, Seal};

/// One peer: a responder if the client is an initiator, and the other way round.
pub struct Peer {
    pub permanent: KeyPair,
    session: KeyPair,
    /// With which its first message is sealed, if it is a responder that has one.
    pub token: Option<AuthToken>,
    pub out: Relation,
    client: KeyPair,
    /// Said by the client: its cookie, and with its session key the key of the session.
    pub client_cookie: Option<Cookie>,
    pub session_key: Option<SharedKey>,
    /// How many of the messages of the handshake were sent.
    said: u8,
    /// What identifies the last message of the client to it.
    pub last: Option<[u8; 8]>,
    tasks: u8,
    channel: Option<Channel>,
}

/// Its end of the data channel for the signalling.
struct Channel {
    secure: SecureChannel,
    framing: ChannelFraming,
    chunker: Chunker,
    unchunker: Unchunker,
}

impl Peer {
    /// The initiator (1) or a responder, of the client with `client` as permanent key.
    pub fn new(address: u8, incarnation: u8, client: &KeyPair, tasks: u8) -> Self {
        // Every other responder is not the invited one.
        let permanent = match address {
            1 => keys::initiator(),
            even if even % 2 == 0 => keys::responder(),
            odd => keys::pair(odd),
        };
        let destination = if address == 1 { 2 } else { 1 };
        Self {
            permanent,
            session: keys::pair(incarnation.wrapping_add(100) | 0x40),
            token: None,
            out: Relation::new(incarnation.wrapping_add(10), address, destination),
            client: client.clone(),
            client_cookie: None,
            session_key: None,
            said: 0,
            last: None,
            tasks,
            channel: None,
        }
    }

    /// The key between the permanent keys.
    pub fn permanent_key(&self) -> SharedKey {
        keys::shared(&self.client, &self.permanent)
    }

    /// The client said this to it.
    pub fn hear(&mut self, message: &[u8]) {
        let Some((nonce, bytes, data)) = Nonce::split(message) else { return };
        self.last = Some(nonce.identity());
        if let Ok(plain) = self.permanent_key().open(bytes, data)
            && let Ok(key) = Key::parse(&plain, self.client.public())
        {
            self.client_cookie = Some(nonce.cookie);
            self.session_key = Some(SharedKey::new(&key.key, self.session.secret()));
            self.channel = None;
        }
    }

    /// The next message of its handshake, if it has one to say.
    pub fn next_message(&mut self, flaw: Flaw) -> Option<Vec<u8>> {
        let responder = self.out.source != 1;
        if !responder && self.session_key.is_none() {
            return None;
        }
        if responder && self.said == 0 {
            self.said = 1;
            if let Some(token) = &self.token {
                let plain = Token { key: *self.permanent.public() }.serialise();
                return Some(self.out.message(Seal::Token(token), &plain, flaw));
            }
        }
        if self.said <= 1 {
            self.said = 2;
            let plain = Key { key: *self.session.public() }.serialise();
            let key = self.permanent_key();
            return Some(self.out.message(Seal::Key(&key), &plain, flaw));
        }
        let (Some(your_cookie), Some(key)) = (self.client_cookie, &self.session_key) else {
            return None;
        };
        if self.said > 2 {
            return None;
        }
        self.said = 3;
        let mut tasks = content::tasks(self.tasks)
            .into_iter()
            .map(|task| (task.name().to_owned(), task.data()));
        let plain = if responder {
            ResponderAuth { your_cookie, tasks: tasks.collect() }.serialise()
        } else {
            let (task, data) = tasks.next()?;
            InitiatorAuth { your_cookie, task, data }.serialise()
        };
        Some(self.out.message(Seal::Key(key), &plain, flaw))
    }

    /// A message of the session.
    pub fn session_message(&mut self, plain: &[u8], flaw: Flaw) -> Option<Vec<u8>> {
        let key = self.session_key.as_ref()?;
        Some(self.out.message(Seal::Key(key), plain, flaw))
    }

    fn channel(&mut self, channel: SignallingChannel) -> Option<&mut Channel> {
        let key = self.session_key.as_ref()?;
        let mode = Mode::UnreliableUnordered;
        let limits = UnchunkerLimits {
            max_message_size: 1 << 20,
            max_total_size: 1 << 21,
            max_age: Duration::from_secs(1 << 20),
            remembered: 0,
        };
        Some(self.channel.get_or_insert_with(|| Channel {
            secure: SecureChannel::new(channel.id, key.clone(), &mut Counter(1 << 40)),
            framing: channel.framing,
            chunker: Chunker::new(mode),
            unchunker: Unchunker::new(mode, limits),
        }))
    }

    /// What the data channel carries for a message of the peer: one or more pieces.
    pub fn channel_message(&mut self, channel: SignallingChannel, plain: &[u8]) -> Vec<Vec<u8>> {
        let Some(channel) = self.channel(channel) else { return Vec::new() };
        let sealed = channel.secure.encrypt(plain).expect("a number for the message");
        match channel.framing {
            ChannelFraming::Chunks { max } => {
                channel.chunker.chunk(sealed, max.min(60)).expect("a message").collect()
            }
            ChannelFraming::Whole | ChannelFraming::AsTransportTakes { .. } => vec![sealed],
        }
    }

    /// The client sent this over the channel, `whole` or in chunks. Gives the message, if it is complete. `None`
    /// inside if it could not be read.
    pub fn hear_channel(
        &mut self,
        now: Instant,
        channel: SignallingChannel,
        whole: bool,
        piece: &[u8],
    ) -> Option<Option<Vec<u8>>> {
        let Some(channel) = self.channel(channel) else { return Some(None) };
        let sealed = if whole {
            piece.to_vec()
        } else {
            match channel.unchunker.add(now, piece) {
                Ok(message) => message?.to_vec(),
                Err(_) => return Some(None),
            }
        };
        Some(channel.secure.decrypt(&sealed).ok())
    }
}
