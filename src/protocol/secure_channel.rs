//! Secure data channels: NaCl on top of whatever a WebRTC data channel does (Task-WebRTC, *Secure Data
//! Channel*). The ORTC task has the same thing, with the same messages, and calls it a *wrapped data channel*
//! (Task-ORTC, *Wrapped Data Channel*).

use std::fmt;

#[cfg(feature = "webrtc")]
use bytes::Bytes;

use super::combined_sequence_number::CombinedSequenceNumber;
use super::nonce::Cookie;
use super::nonce_streams::SequenceExhausted;
use crate::crypto::{BOX_OVERHEAD, Content, NONCE_BYTES, RandomSource, SharedKey};

/// Encrypts and decrypts the messages of one data channel, in both directions. It does not cut them into
/// chunks: a message that is too large for the data channel goes through a
/// [`Chunker`](crate::chunking::Chunker) after it was encrypted.
///
/// A message is a nonce of 24 bytes and the NaCl box of the content. The nonce has a cookie (16 bytes),
/// the id of the data channel (2), an overflow number (2) and a sequence number (4), all big-endian.
/// Messages may be lost, and may arrive in any order.
///
/// Each instance has a cookie and counters of its own, both ways: make a new one for each data channel,
/// also when a channel gets the id of one that was closed. The keys are those of the session with the
/// peer. The instance keeps them after the session has ended, and they are zeroised when the last one
/// that has them is dropped.
///
/// What it does not protect from: somebody who broke the encryption underneath can deliver a message
/// again later, or messages of an earlier channel with the same id as the first ones of this one.
///
/// It can be used on any thread, without the client that it came from.
///
/// # Examples
///
/// ```
/// use saltyrtc::crypto::{KeyPair, OsRandom, SharedKey};
/// use saltyrtc::protocol::SecureChannel;
///
/// let (a, b) = (KeyPair::generate(&mut OsRandom), KeyPair::generate(&mut OsRandom));
/// let at_a = SharedKey::new(b.public(), a.secret());
/// let at_b = SharedKey::new(a.public(), b.secret());
/// let mut at_a = SecureChannel::new(7, at_a, &mut OsRandom);
/// let mut at_b = SecureChannel::new(7, at_b, &mut OsRandom);
/// let sealed = at_a.encrypt(b"hello").unwrap();
/// assert_eq!(at_b.decrypt(&sealed).unwrap(), b"hello");
/// ```
#[derive(Debug)]
pub struct SecureChannel {
    id: u16,
    // Spec: W-097 O-131 ('close' Message)
    key: SharedKey,
    // Spec: W-020 (Secure Data Channel)
    // Spec: O-026 (Wrapped Data Channel)
    own_cookie: Cookie,
    // Spec: W-042 O-051 (Message Structure)
    next: Option<CombinedSequenceNumber>,
    /// Of the last message that could be decrypted.
    // Spec: W-051 (Receiving a Secure Data Channel Message)
    // Spec: O-057 (Receiving a Wrapped Data Channel Message)
    theirs: Option<(Cookie, CombinedSequenceNumber)>,
}

impl SecureChannel {
    /// Bytes that a message is longer than its content: the nonce and the tag of the box.
    pub const OVERHEAD: usize = NONCE_BYTES + BOX_OVERHEAD;

    /// For the data channel with the id `id`, with a cookie and a first sequence number from `random`.
    /// `key` is the one between the session keys of the two clients.
    pub fn new(id: u16, key: SharedKey, random: &mut dyn RandomSource) -> Self {
        Self::of(Content::ChannelMessage, id, &key, random)
    }

    /// Like [`new`](Self::new), for the data channel that the signalling is handed over to.
    pub(crate) fn for_signalling(id: u16, key: &SharedKey, random: &mut dyn RandomSource) -> Self {
        Self::of(Content::Signalling, id, key, random)
    }

    fn of(content: Content, id: u16, key: &SharedKey, random: &mut dyn RandomSource) -> Self {
        // Spec: W-021 (Secure Data Channel)
        // Spec: O-027 (Wrapped Data Channel)
        // Spec: W-040 O-049 (Message Structure)
        let own_cookie = Cookie::generate(random);
        let next = Some(CombinedSequenceNumber::first(random));
        Self { id, key: key.for_content(content), own_cookie, next, theirs: None }
    }

    /// The id of the data channel.
    pub const fn id(&self) -> u16 {
        self.id
    }

    /// The message that carries `plain`, which may be empty.
    ///
    /// # Errors
    ///
    /// After 2^48 messages, less the random first sequence number (up to 2^32).
    pub fn encrypt(&mut self, plain: &[u8]) -> Result<Vec<u8>, SequenceExhausted> {
        let mut message = Vec::with_capacity(Self::OVERHEAD + plain.len());
        self.encrypt_onto(&mut message, plain)?;
        Ok(message)
    }

    /// Appends the message that carries `plain` to `out`, [`OVERHEAD`](Self::OVERHEAD) bytes longer
    /// than `plain`. A buffer that is used again saves the allocation.
    ///
    /// # Errors
    ///
    /// As [`encrypt`](Self::encrypt); nothing is appended then.
    // Spec: W-018 (Secure Data Channel)
    // Spec: O-019 (Wrapped Data Channel)
    // Spec: W-043 (Sending a Secure Data Channel Message)
    // Spec: O-052 (Sending a Wrapped Data Channel Message)
    pub fn encrypt_onto(
        &mut self,
        out: &mut Vec<u8>,
        plain: &[u8],
    ) -> Result<(), SequenceExhausted> {
        let sequence = self.next.ok_or(SequenceExhausted)?;
        self.next = sequence.next();
        // Spec: W-044 W-045 W-046 (Sending a Secure Data Channel Message)
        // Spec: O-053 O-054 O-055 (Sending a Wrapped Data Channel Message)
        let nonce = Header { cookie: self.own_cookie, id: self.id, sequence }.to_bytes();
        out.reserve(Self::OVERHEAD + plain.len());
        out.extend_from_slice(&nonce);
        // Spec: W-017 (Secure Data Channel)
        // Spec: O-018 (Wrapped Data Channel)
        self.key.seal_onto(out, &nonce, plain);
        Ok(())
    }

    /// The content of a message of the peer.
    ///
    /// # Errors
    ///
    /// If it is not one of this channel. Such a message changes nothing: the ones after it are judged
    /// as if it had not come.
    // Spec: W-019 (Secure Data Channel)
    // Spec: O-024 (Wrapped Data Channel)
    // Spec: W-050 (Receiving a Secure Data Channel Message)
    // Spec: O-056 (Receiving a Wrapped Data Channel Message)
    pub fn decrypt(&mut self, message: &[u8]) -> Result<Vec<u8>, SecureChannelError> {
        let (nonce, header, sealed) = self.check(message)?;
        let plain = self.key.open(nonce, sealed).map_err(|_| SecureChannelError::Decryption)?;
        self.theirs = Some((header.cookie, header.sequence));
        Ok(plain)
    }

    /// Whether `data` was encrypted for this channel by the peer. Changes nothing.
    pub(crate) fn is_message(&self, data: &[u8]) -> bool {
        let Some((nonce, sealed)) = data.split_first_chunk::<NONCE_BYTES>() else { return false };
        Header::from_bytes(nonce).id == self.id && self.key.open(nonce, sealed).is_ok()
    }

    /// Like [`decrypt`](Self::decrypt), without allocating: the content takes the place of the box in
    /// `message`, and is returned.
    ///
    /// # Errors
    ///
    /// As [`decrypt`](Self::decrypt); what `message` contains then is unspecified.
    pub fn decrypt_in_place<'a>(
        &mut self,
        message: &'a mut [u8],
    ) -> Result<&'a mut [u8], SecureChannelError> {
        let (&nonce, header, _) = self.check(message)?;
        let sealed = &mut message[NONCE_BYTES..];
        let plain = self.key.open_in_place(&nonce, sealed);
        let plain = plain.map_err(|_| SecureChannelError::Decryption)?;
        self.theirs = Some((header.cookie, header.sequence));
        Ok(plain)
    }

    /// The two directions, to be used on different threads at the same time.
    #[cfg(feature = "webrtc")]
    pub(crate) fn split(self) -> (SecureSender, SecureReceiver) {
        let Self { id, own_cookie, theirs, .. } = self;
        let receiver = Self { id, key: self.key.clone(), own_cookie, next: None, theirs };
        (SecureSender(self), SecureReceiver(receiver))
    }

    /// Everything that can be said about a message before it is decrypted.
    fn check<'a>(
        &self,
        message: &'a [u8],
    ) -> Result<(&'a [u8; NONCE_BYTES], Header, &'a [u8]), SecureChannelError> {
        let (nonce, sealed) = match message.split_first_chunk::<NONCE_BYTES>() {
            Some((nonce, sealed)) if sealed.len() >= BOX_OVERHEAD => (nonce, sealed),
            _ => return Err(SecureChannelError::TooShort(message.len())),
        };
        // Spec: W-052 (Receiving a Secure Data Channel Message)
        // Spec: O-058 (Receiving a Wrapped Data Channel Message)
        let header = Header::from_bytes(nonce);
        // Spec: W-055 (Receiving a Secure Data Channel Message)
        // Spec: O-061 (Receiving a Wrapped Data Channel Message)
        if header.id != self.id {
            return Err(SecureChannelError::OtherChannel {
                expected: self.id,
                received: header.id,
            });
        }
        if header.cookie == self.own_cookie {
            return Err(SecureChannelError::CookieIsOurs);
        }
        if let Some((cookie, last)) = self.theirs {
            if header.cookie != cookie {
                return Err(SecureChannelError::CookieChanged);
            }
            // Spec: W-053 W-054 (Receiving a Secure Data Channel Message)
            // Spec: O-059 O-060 (Receiving a Wrapped Data Channel Message)
            if header.sequence == last {
                return Err(SecureChannelError::Repeated(last.get()));
            }
        }
        Ok((nonce, header, sealed))
    }
}

/// The sending direction of a [`SecureChannel`].
#[cfg(feature = "webrtc")]
#[derive(Debug)]
pub(crate) struct SecureSender(SecureChannel);

#[cfg(feature = "webrtc")]
impl SecureSender {
    /// See [`SecureChannel::encrypt_onto`].
    pub(crate) fn encrypt_onto(
        &mut self,
        out: &mut Vec<u8>,
        plain: &[u8],
    ) -> Result<(), SequenceExhausted> {
        self.0.encrypt_onto(out, plain)
    }
}

/// The receiving direction of a [`SecureChannel`].
#[cfg(feature = "webrtc")]
#[derive(Debug)]
pub(crate) struct SecureReceiver(SecureChannel);

#[cfg(feature = "webrtc")]
impl SecureReceiver {
    /// See [`SecureChannel::is_message`].
    pub(crate) fn is_message(&self, data: &[u8]) -> bool {
        self.0.is_message(data)
    }

    /// See [`SecureChannel::decrypt`]. The memory of `sealed` is used again if nobody else has it.
    pub(crate) fn decrypt(&mut self, sealed: Bytes) -> Result<Bytes, SecureChannelError> {
        match sealed.try_into_mut() {
            Ok(mut sealed) => {
                self.0.decrypt_in_place(&mut sealed)?;
                Ok(sealed.split_off(SecureChannel::OVERHEAD).freeze())
            }
            Err(sealed) => self.0.decrypt(&sealed).map(Bytes::from),
        }
    }
}

/// The nonce of a message, which is its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    cookie: Cookie,
    id: u16,
    sequence: CombinedSequenceNumber,
}

impl Header {
    fn to_bytes(self) -> [u8; NONCE_BYTES] {
        let mut bytes = [0; NONCE_BYTES];
        // Spec: W-038 O-048 (Message Structure)
        bytes[..16].copy_from_slice(&self.cookie.0);
        // Spec: W-041 O-050 (Message Structure)
        // The upper 16 bits of the combined sequence number are 0.
        bytes[16..].copy_from_slice(&self.sequence.get().to_be_bytes());
        // Spec: W-039 (Message Structure)
        bytes[16..18].copy_from_slice(&self.id.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; NONCE_BYTES]) -> Self {
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        let (cookie, rest) = bytes.split_at(Cookie::BYTES);
        Self {
            cookie: Cookie(cookie.try_into().expect("split at the length of a cookie")),
            id: u16::from_be_bytes([rest[0], rest[1]]),
            sequence: CombinedSequenceNumber::from_wire(number(&rest[2..])),
        }
    }
}

/// Why a message of a secure data channel is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecureChannelError {
    /// With this many bytes it has no room for the nonce and the tag.
    TooShort(usize),
    /// It was sent on another data channel.
    OtherChannel {
        /// The id of this channel.
        expected: u16,
        /// The id in the message.
        received: u16,
    },
    /// It is one of our own, or its sender took our cookie.
    CookieIsOurs,
    /// Its cookie is not the one of the messages before it.
    CookieChanged,
    /// It has the same number as the message before it.
    Repeated(u64),
    /// It was made with other keys, or was changed on the way.
    Decryption,
}

impl fmt::Display for SecureChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(length) => write!(
                f,
                "a message of {length} bytes is too short for a secure data channel: is the channel \
                 of the peer secure too?"
            ),
            Self::OtherChannel { expected, received } => {
                write!(f, "the message is for the data channel {received} instead of {expected}")
            }
            Self::CookieIsOurs => f.write_str("the sender uses our own cookie"),
            Self::CookieChanged => f.write_str(
                "the sender changed the cookie: a new data channel needs a new secure channel at \
                 both ends",
            ),
            Self::Repeated(number) => {
                write!(f, "the sequence number {number} is that of the message before it")
            }
            Self::Decryption => f.write_str("the message could not be decrypted"),
        }
    }
}

impl std::error::Error for SecureChannelError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyPair, OsRandom};

    fn keys() -> (SharedKey, SharedKey) {
        let (a, b) = (KeyPair::generate(&mut OsRandom), KeyPair::generate(&mut OsRandom));
        (SharedKey::new(b.public(), a.secret()), SharedKey::new(a.public(), b.secret()))
    }

    fn pair(id: u16) -> (SecureChannel, SecureChannel) {
        let (a, b) = keys();
        (SecureChannel::new(id, a, &mut OsRandom), SecureChannel::new(id, b, &mut OsRandom))
    }

    /// A message with the header of the caller's choice, genuinely sealed by `channel`.
    fn forge(channel: &SecureChannel, cookie: Cookie, id: u16, sequence: u64) -> Vec<u8> {
        let sequence = CombinedSequenceNumber::from_wire(sequence);
        let nonce = Header { cookie, id, sequence }.to_bytes();
        let mut message = nonce.to_vec();
        channel.key.seal_onto(&mut message, &nonce, b"forged");
        message
    }

    #[cfg(feature = "webrtc")]
    #[test]
    fn the_two_directions_can_be_separated() {
        let (a, mut b) = pair(3);
        let (mut sender, mut receiver) = a.split();
        let mut own = Vec::new();
        sender.encrypt_onto(&mut own, b"to b").unwrap();
        assert_eq!(b.decrypt(&own).unwrap(), b"to b");
        assert_eq!(receiver.decrypt(own.into()), Err(SecureChannelError::CookieIsOurs));
        let sealed = Bytes::from(b.encrypt(b"to a").unwrap());
        assert_eq!(receiver.decrypt(sealed).unwrap(), &b"to a"[..]);
        let sealed = Bytes::from(b.encrypt(b"shared").unwrap());
        assert_eq!(receiver.decrypt(sealed.clone()).unwrap(), &b"shared"[..]);
        assert!(matches!(receiver.decrypt(sealed), Err(SecureChannelError::Repeated(_))));
    }

    /// Covers W-038 W-039 W-045 W-046.
    /// Covers O-048 O-054 O-055.
    #[test]
    fn the_nonce_is_cookie_id_overflow_and_sequence_number() {
        let (mut a, _) = pair(0x0102);
        a.own_cookie = Cookie(std::array::from_fn(|i| i as u8));
        a.next = Some(CombinedSequenceNumber::from_wire(0x1122_3344_5566));
        let message = a.encrypt(b"x").unwrap();
        assert_eq!(message[..16], std::array::from_fn::<u8, 16, _>(|i| i as u8));
        assert_eq!(message[16..24], [0x01, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66]);
        assert_eq!(message.len(), 1 + SecureChannel::OVERHEAD);
        let header = Header::from_bytes(message.first_chunk().unwrap());
        assert_eq!(header, Header { cookie: a.own_cookie, id: 0x0102, sequence: header.sequence });
        assert_eq!(header.sequence.get(), 0x1122_3344_5566);
    }

    /// A box of this channel is what any NaCl `crypto_box` opens with the nonce in front of it.
    ///
    /// Covers W-017 W-018 W-043.
    /// Covers O-018 O-019 O-052.
    #[test]
    fn the_rest_is_a_nacl_box() {
        let (mut a, b) = pair(3);
        let message = a.encrypt(b"content").unwrap();
        let (nonce, sealed) = message.split_first_chunk().unwrap();
        assert_eq!(b.key.open(nonce, sealed).unwrap(), b"content");
        assert_eq!(sealed.len(), b"content".len() + BOX_OVERHEAD);
    }

    /// What decides whether a message came in one piece, or is a chunk of one.
    #[test]
    fn a_message_of_this_channel_is_told_from_everything_else() {
        let (mut a, mut b) = pair(3);
        let message = a.encrypt(b"content").unwrap();
        assert!(b.is_message(&message));
        assert!(!b.is_message(&message[..NONCE_BYTES - 1]), "too short for a nonce");
        assert!(!b.is_message(&message[..message.len() - 1]), "another box");
        assert!(!b.is_message(&forge(&a, a.own_cookie, 4, 1)), "sealed for another channel");
        assert!(!pair(3).1.is_message(&message), "sealed with another key");
        assert_eq!(b.decrypt(&message).unwrap(), b"content", "it was only looked at");
    }

    /// Covers W-001 W-016 W-019 W-050 W-052.
    /// Covers O-001 O-017 O-024 O-056 O-058.
    #[test]
    fn messages_of_any_size_go_both_ways() {
        let (mut a, mut b) = pair(0);
        for size in [0, 1, 31, 32, 33, 1000, 70_000] {
            let plain: Vec<u8> = (0..size).map(|i| i as u8).collect();
            let message = a.encrypt(&plain).unwrap();
            assert_eq!(b.decrypt(&message).unwrap(), plain);
            let mut message = vec![1, 2, 3];
            b.encrypt_onto(&mut message, &plain).unwrap();
            assert_eq!(message[..3], [1, 2, 3], "what was there stays");
            assert_eq!(a.decrypt_in_place(&mut message[3..]).unwrap(), plain);
        }
    }

    /// Covers W-020 W-021 W-040 W-042 W-044 W-051.
    /// Covers O-026 O-027 O-049 O-051 O-053 O-057.
    #[test]
    fn each_instance_is_a_nonce_domain_of_its_own() {
        let (key, _) = keys();
        let make = || SecureChannel::new(5, key.clone(), &mut OsRandom);
        let (one, two, three) = (make(), make(), make());
        assert_ne!(one.own_cookie, two.own_cookie);
        // Two equal numbers of 32 random bits are possible, three are not.
        assert!(one.next != two.next || two.next != three.next);
        assert!([&one, &two, &three].iter().all(|c| c.next.unwrap().overflow_number() == 0));

        let (mut old_a, mut old_b) = pair(5);
        old_b.decrypt(&old_a.encrypt(b"1").unwrap()).unwrap();
        // The next channel with the same id.
        let mut new_a = SecureChannel::new(5, old_a.key.clone(), &mut OsRandom);
        let mut new_b = SecureChannel::new(5, old_b.key.clone(), &mut OsRandom);
        let message = new_a.encrypt(b"2").unwrap();
        assert_eq!(old_b.decrypt(&message), Err(SecureChannelError::CookieChanged));
        assert_eq!(new_b.decrypt(&message).unwrap(), b"2");
    }

    /// Covers W-041 W-042 W-044.
    /// Covers O-050 O-051 O-053.
    #[test]
    fn outgoing_numbers_count_up_and_end_at_2_to_48() {
        let (mut a, mut b) = pair(1);
        let number = |message: &[u8]| {
            let header = Header::from_bytes(message.first_chunk().unwrap());
            (header.sequence.overflow_number(), header.sequence.get())
        };
        a.next = Some(CombinedSequenceNumber::from_wire(0xffff_ffff));
        assert_eq!(number(&a.encrypt(b"").unwrap()), (0, 0xffff_ffff));
        let message = a.encrypt(b"after the overflow").unwrap();
        assert_eq!(number(&message), (1, 1 << 32));
        assert_eq!(b.decrypt(&message).unwrap(), b"after the overflow");

        a.next = Some(CombinedSequenceNumber::from_wire((1 << 48) - 1));
        assert_eq!(number(&a.encrypt(b"").unwrap()), (0xffff, (1 << 48) - 1));
        assert_eq!(a.encrypt(b""), Err(SequenceExhausted));
        let mut out = vec![1];
        assert_eq!(a.encrypt_onto(&mut out, b"x"), Err(SequenceExhausted));
        assert_eq!(out, [1]);
    }

    /// Covers W-053.
    /// Covers O-059.
    #[test]
    fn messages_may_be_lost_and_come_in_any_order() {
        let (mut a, mut b) = pair(1);
        let messages: Vec<_> = (0..10_u8).map(|i| a.encrypt(&[i]).unwrap()).collect();
        // The first one that arrives may be any, also one with an overflow number.
        for i in [9, 0, 8, 1, 5, 4, 3] {
            assert_eq!(b.decrypt(&messages[i]).unwrap(), [i as u8]);
        }
        let (a, mut b) = pair(1);
        let cookie = a.own_cookie;
        for number in [7 << 32, 3, (1 << 48) - 1, 0] {
            assert_eq!(b.decrypt(&forge(&a, cookie, 1, number)).unwrap(), b"forged");
        }
    }

    /// Covers W-054.
    /// Covers O-060.
    #[test]
    fn a_number_may_not_come_twice_in_a_row() {
        let (mut a, mut b) = pair(1);
        let (one, two) = (a.encrypt(b"1").unwrap(), a.encrypt(b"2").unwrap());
        b.decrypt(&one).unwrap();
        assert!(matches!(b.decrypt(&one), Err(SecureChannelError::Repeated(_))));
        b.decrypt(&two).unwrap();
        assert!(b.decrypt(&one).is_ok(), "only consecutive ones are looked at");
    }

    /// Covers W-055.
    /// Covers O-061.
    #[test]
    fn the_id_has_to_be_that_of_the_channel() {
        let (a, mut b) = pair(0x0102);
        for id in [0, 0x0201, 0x0103, 0x0002, 0xffff] {
            assert_eq!(
                b.decrypt(&forge(&a, a.own_cookie, id, 1)),
                Err(SecureChannelError::OtherChannel { expected: 0x0102, received: id })
            );
        }
        assert!(b.decrypt(&forge(&a, a.own_cookie, 0x0102, 1)).is_ok());
    }

    /// Covers W-041 W-050 W-051.
    /// Covers O-050 O-056 O-057.
    #[test]
    fn the_peer_has_one_cookie_that_is_not_ours() {
        let (mut a, mut b) = pair(1);
        let reflected = b.encrypt(b"to a").unwrap();
        assert_eq!(b.decrypt(&reflected), Err(SecureChannelError::CookieIsOurs));
        b.decrypt(&a.encrypt(b"1").unwrap()).unwrap();
        assert_eq!(
            b.decrypt(&forge(&a, Cookie([9; 16]), 1, 1)),
            Err(SecureChannelError::CookieChanged)
        );
        assert_eq!(b.decrypt(&a.encrypt(b"2").unwrap()).unwrap(), b"2");
    }

    /// Covers W-019 W-050.
    /// Covers O-024 O-056.
    #[test]
    fn what_cannot_be_decrypted_changes_nothing() {
        let (mut a, mut b) = pair(1);
        let (first, second) = (a.encrypt(b"1").unwrap(), a.encrypt(b"2").unwrap());
        for i in 0..first.len() {
            let mut wrong = first.clone();
            wrong[i] ^= 0x80;
            assert!(b.decrypt(&wrong).is_err(), "byte {i}");
            assert!(b.decrypt_in_place(&mut wrong).is_err(), "byte {i}");
            assert_eq!(b.theirs, None, "byte {i}");
        }
        assert_eq!(b.decrypt(&first).unwrap(), b"1");
        // Neither may a forged message use up the number of a genuine one.
        let mut wrong = second.clone();
        *wrong.last_mut().unwrap() ^= 1;
        assert_eq!(b.decrypt(&wrong), Err(SecureChannelError::Decryption));
        assert_eq!(b.decrypt_in_place(&mut wrong), Err(SecureChannelError::Decryption));
        assert_eq!(b.decrypt(&second).unwrap(), b"2");
        for length in 0..SecureChannel::OVERHEAD {
            let short = SecureChannelError::TooShort(length);
            assert_eq!(b.decrypt(&second[..length]), Err(short));
        }
    }

    #[test]
    fn a_channel_can_be_used_on_any_thread() {
        fn check<T: Send + Sync + 'static>(_: &T) {}
        let (a, mut b) = pair(1);
        check(&a);
        let message = std::thread::spawn(move || {
            let mut a = a;
            a.encrypt(b"x").unwrap()
        });
        assert_eq!(b.decrypt(&message.join().unwrap()).unwrap(), b"x");
        assert!(!format!("{b:?}").contains('['), "no bytes of keys or cookies: {b:?}");
    }
}
