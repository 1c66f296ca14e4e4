//! One direction between two parties: makes the nonces of the sender, and messages that are right or almost right.

use saltyrtc::crypto::{AuthToken, SharedKey};
use saltyrtc::protocol::{Address, CombinedSequenceNumber, Cookie, Nonce};

/// What a message is sealed with.
#[derive(Clone, Copy)]
pub enum Seal<'a> {
    Nothing,
    Key(&'a SharedKey),
    Token(&'a AuthToken),
}

/// What is wrong with a message: kind, place and difference. Nothing if it is empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flaw {
    kind: u8,
    place: u8,
    mask: u8,
}

impl Flaw {
    /// The flaw that the first bytes of `data` describe, and the rest of them.
    pub fn read(data: &[u8]) -> (Self, &[u8]) {
        match data {
            [kind, place, mask, rest @ ..] => {
                (Self { kind: *kind, place: *place, mask: *mask }, rest)
            }
            _ => (Self::default(), data),
        }
    }

    /// Whether it changes nothing.
    pub const fn is_none(self) -> bool {
        self.kind % 12 == 0
    }

    fn of_nonce(self, nonce: &mut Nonce) {
        let sequence = nonce.sequence.get();
        match self.kind % 12 {
            1 => nonce.cookie.0[usize::from(self.place & 15)] ^= self.mask,
            2 => nonce.source.0 ^= self.mask,
            3 => nonce.destination.0 ^= self.mask,
            // Once more, a step back, or a leap.
            4 => nonce.sequence = CombinedSequenceNumber::from_wire(sequence.wrapping_sub(1)),
            5 => nonce.sequence = CombinedSequenceNumber::from_wire(u64::from(self.mask)),
            6 => nonce.sequence = CombinedSequenceNumber::from_wire(u64::from(self.mask) << 40),
            _ => {}
        }
    }

    fn of_plain(self, plain: &mut Vec<u8>) {
        let place = usize::from(self.place) % plain.len().max(1);
        match self.kind % 12 {
            7 if !plain.is_empty() => plain[place] ^= self.mask,
            8 => plain.truncate(place),
            9 => plain.insert(place, self.mask),
            _ => {}
        }
    }

    fn of_wire(self, wire: &mut Vec<u8>) {
        let place = usize::from(self.place) % wire.len().max(1);
        match self.kind % 12 {
            10 if !wire.is_empty() => wire[place] ^= self.mask,
            11 => wire.truncate(place),
            _ => {}
        }
    }
}

/// One direction of one relation.
#[derive(Debug, Clone)]
pub struct Relation {
    pub cookie: u8,
    pub source: u8,
    pub destination: u8,
    pub sequence: u64,
}

impl Relation {
    /// One in which nothing was sent yet.
    pub const fn new(cookie: u8, source: u8, destination: u8) -> Self {
        Self { cookie, source, destination, sequence: 0 }
    }

    /// The next message, sealed, with its flaw.
    pub fn message(&mut self, seal: Seal<'_>, plain: &[u8], flaw: Flaw) -> Vec<u8> {
        self.sequence += 1;
        let mut nonce = Nonce {
            cookie: Cookie([self.cookie; 16]),
            source: Address(self.source),
            destination: Address(self.destination),
            sequence: CombinedSequenceNumber::from_wire(self.sequence),
        };
        flaw.of_nonce(&mut nonce);
        let mut plain = plain.to_vec();
        flaw.of_plain(&mut plain);
        let nonce = nonce.to_bytes();
        let mut message = nonce.to_vec();
        match seal {
            Seal::Nothing => message.extend(plain),
            Seal::Key(key) => key.seal_onto(&mut message, &nonce, &plain),
            Seal::Token(token) => token.seal_onto(&mut message, &nonce, &plain),
        }
        flaw.of_wire(&mut message);
        message
    }
}
