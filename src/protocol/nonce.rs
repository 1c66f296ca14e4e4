//! The nonce: 24 bytes in front of every message, which are also its header (protocol, *Message Structure*).

use std::fmt;

use super::address::Address;
use super::combined_sequence_number::CombinedSequenceNumber;
use crate::crypto::{NONCE_BYTES, RandomSource};

/// 16 random bytes that a sender uses in all messages to one receiver. The receiver repeats them once, which
/// proves that it can read what it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cookie(pub [u8; Cookie::BYTES]);

impl Cookie {
    /// Bytes in a cookie.
    pub const BYTES: usize = 16;

    /// A new cookie, drawn from `random`.
    pub fn generate(random: &mut dyn RandomSource) -> Self {
        // Spec: P-025 (Message Structure)
        Self(random.array())
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookie(…)")
    }
}

/// The header of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce {
    /// The sender's cookie for this peer relation.
    pub cookie: Cookie,
    /// Who sent the message.
    pub source: Address,
    /// Whom the message is for.
    pub destination: Address,
    /// The combined sequence number.
    pub sequence: CombinedSequenceNumber,
}

impl Nonce {
    /// Bytes in a nonce.
    pub const BYTES: usize = NONCE_BYTES;

    /// The 24 bytes: cookie, source, destination, overflow number and sequence number, big-endian.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..16].copy_from_slice(&self.cookie.0);
        bytes[16..].copy_from_slice(&self.identity());
        bytes
    }

    /// The last 8 bytes: source, destination and combined sequence number. They identify a message
    /// in 'send-error'.
    // Spec: P-209 ('send-error' Message)
    pub fn identity(&self) -> [u8; 8] {
        // Spec: P-022 (Message Structure)
        let mut bytes = self.sequence.get().to_be_bytes();
        bytes[0] = self.source.0;
        bytes[1] = self.destination.0;
        bytes
    }

    /// Splits a message into its nonce and its data section. `None` if there are no more than 24
    /// bytes, which no message can have (protocol, *Receiving a Signalling Message*).
    // Spec: P-023 (Message Structure)
    pub fn split(message: &[u8]) -> Option<(Self, &[u8; Self::BYTES], &[u8])> {
        let (bytes, data) = message.split_first_chunk::<{ Self::BYTES }>()?;
        // Spec: P-055 (Receiving a Signalling Message)
        if data.is_empty() {
            return None;
        }
        Some((Self::from_bytes(bytes), bytes, data))
    }

    /// Reads the 24 bytes of a nonce; every value is a nonce.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (cookie, rest) = bytes.split_at(Cookie::BYTES);
        let sequence = rest[2..].iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Self {
            cookie: Cookie(cookie.try_into().expect("split at the length of a cookie")),
            source: Address(rest[0]),
            destination: Address(rest[1]),
            sequence: CombinedSequenceNumber::from_wire(sequence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers P-022 P-023 P-028 P-055.
    #[test]
    fn nonces_are_24_bytes_big_endian_in_front_of_data() {
        let mut message: Vec<u8> = (0..16).collect();
        message.extend([0x01, 0xff, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc]);
        assert!(Nonce::split(&message).is_none(), "24 bytes are no message");
        assert!(Nonce::split(&message[..23]).is_none());
        assert!(Nonce::split(&[]).is_none());
        message.push(0x80);
        let (nonce, bytes, data) = Nonce::split(&message).unwrap();
        assert_eq!(nonce.source, Address(1));
        assert_eq!(nonce.destination, Address(0xff));
        assert_eq!(nonce.sequence.get(), 0x1234_5678_9abc);
        assert_eq!(nonce.sequence.overflow_number(), 0x1234);
        assert_eq!(nonce.cookie.0.to_vec(), (0..16).collect::<Vec<u8>>());
        assert_eq!(nonce.to_bytes(), *bytes);
        assert_eq!(nonce.identity(), message[16..24]);
        assert_eq!(data, [0x80]);
    }
}
