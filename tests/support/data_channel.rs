//! The other end of a data channel that carries the signalling, made by hand: encrypts, cuts into
//! chunks, and back, so that the library under test is not its own judge.

use std::collections::BTreeMap;

use saltyrtc::crypto::SharedKey;
use saltyrtc::protocol::ChannelTransmit;
use saltyrtc::task::Event;

use super::fake_peer::FakePeer;
use super::fake_server::FakeServer;
use super::msg::Msg;

/// The peer's end.
pub struct FakeChannel {
    pub id: u16,
    pub cookie: [u8; 16],
    /// The combined sequence number of the next message.
    pub sequence: u64,
    /// The number of the next message that is cut into chunks.
    pub message: u32,
    pub key: SharedKey,
    /// Everything that came over the channel, in order.
    pub received: Vec<ChannelTransmit>,
    /// How many of those were read.
    read: usize,
}

impl FakeChannel {
    pub fn new(peer: &FakePeer) -> Self {
        let (cookie, key) = ([0xdc; 16], peer.session_key());
        Self { id: 0, cookie, sequence: 7000, message: 0, key, received: Vec::new(), read: 0 }
    }

    /// The nonce, and what is sealed with it.
    pub fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; 24];
        nonce[..16].copy_from_slice(&self.cookie);
        nonce[16..].copy_from_slice(&self.sequence.to_be_bytes());
        nonce[16..18].copy_from_slice(&self.id.to_be_bytes());
        self.sequence += 1;
        [&nonce[..], &self.key.seal(&nonce, plain)].concat()
    }

    /// `message` in chunks with `size` bytes of data each.
    pub fn chunks(&mut self, message: &[u8], size: usize) -> Vec<Vec<u8>> {
        let count = message.len().div_ceil(size);
        let id = self.message;
        self.message += 1;
        let chunk = |(serial, data): (usize, &[u8])| {
            let end = u8::from(serial + 1 == count);
            let serial = (serial as u32).to_be_bytes();
            [&[end][..], &id.to_be_bytes(), &serial, data].concat()
        };
        message.chunks(size).enumerate().map(chunk).collect()
    }

    /// A message of the peer, in chunks.
    pub fn message(&mut self, msg: &Msg) -> Vec<Vec<u8>> {
        let sealed = self.seal(&msg.encode());
        self.chunks(&sealed, 50)
    }

    /// Sends a message of the peer to the client.
    pub fn send(&mut self, server: &mut FakeServer, msg: &Msg) {
        for chunk in self.message(msg) {
            server.client.handle_channel_message(server.now, &chunk);
        }
    }

    /// Takes the events of the client; keeps those that are for the channel, gives the others.
    pub fn take(&mut self, server: &mut FakeServer) -> Vec<Event> {
        let mut others = Vec::new();
        for event in server.events() {
            match event {
                Event::SignallingChannel(transmit) => self.received.push(transmit),
                event => others.push(event),
            }
        }
        others
    }

    /// The chunks that were not read yet, up to the next close.
    pub fn unread(&mut self) -> Vec<Vec<u8>> {
        let chunks = self.received[self.read..].iter().map_while(|transmit| match transmit {
            ChannelTransmit::Message(chunk) => Some(chunk.to_vec()),
            ChannelTransmit::Close => None,
        });
        let chunks: Vec<Vec<u8>> = chunks.collect();
        self.read += chunks.len();
        chunks
    }

    /// Puts together and decrypts everything that was not read yet: (nonce, message).
    pub fn read(&mut self) -> Vec<([u8; 24], Msg)> {
        let mut messages: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
        for chunk in self.unread() {
            assert!(chunk.len() > 9 && chunk[0] <= 1, "unreliable/unordered mode: {chunk:?}");
            messages.entry(number(&chunk[1..5])).or_default().extend_from_slice(&chunk[9..]);
        }
        let open = |sealed: Vec<u8>| {
            let (nonce, data) = sealed.split_first_chunk::<24>().unwrap();
            (*nonce, Msg::decode(&self.key.open(nonce, data).expect("sealed for us")))
        };
        messages.into_values().map(open).collect()
    }

    /// Whether the client closed the channel, which is the last that it does with it.
    pub fn closed(&self) -> bool {
        let closes = self.received.iter().filter(|t| matches!(t, ChannelTransmit::Close)).count();
        assert!(
            closes == 0 || closes == 1 && self.received.last() == Some(&ChannelTransmit::Close)
        );
        closes == 1
    }
}
