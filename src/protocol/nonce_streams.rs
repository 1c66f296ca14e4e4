//! The nonces between us and one other participant, in both directions: cookies and combined sequence
//! numbers (CSN).
//!
//! Everything that the protocol says about them is here, for clients and server alike. The object is thrown
//! away as a whole when the other participant is gone, so that nothing of it can leak into what comes next.

use std::fmt;

use super::address::Address;
use super::combined_sequence_number::CombinedSequenceNumber;
use super::nonce::{Cookie, Nonce};
use crate::crypto::RandomSource;

/// Why the nonce of a received message is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonceError {
    /// The first message has an overflow number other than 0.
    OverflowNumber(u16),
    /// The sender uses the cookie that we use towards them.
    CookieIsOurs,
    /// The sender changed the cookie.
    CookieChanged,
    /// The combined sequence number is not the previous one plus 1.
    Sequence {
        /// The number that had to follow; `None` if the counter was at its end.
        expected: Option<u64>,
        /// The number that came.
        received: u64,
    },
}

impl fmt::Display for NonceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OverflowNumber(number) => {
                write!(f, "the first message has the overflow number {number} instead of 0")
            }
            Self::CookieIsOurs => f.write_str("the sender uses our own cookie"),
            Self::CookieChanged => f.write_str("the sender changed the cookie"),
            Self::Sequence { expected: Some(expected), received } => {
                write!(f, "the sequence number is {received} instead of {expected}")
            }
            Self::Sequence { expected: None, .. } => {
                f.write_str("the sequence numbers of the sender are used up")
            }
        }
    }
}

/// The sequence numbers towards somebody are used up (2^48 messages).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceExhausted;

impl fmt::Display for SequenceExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sequence numbers are used up (2^48 messages)")
    }
}

impl std::error::Error for SequenceExhausted {}

/// A nonce that passed [`NonceStreams::check`] and can be committed once the message proved genuine.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct CheckedNonce {
    cookie: Cookie,
    sequence: CombinedSequenceNumber,
}

/// The state of the nonces between us and one other participant.
#[derive(Debug)]
pub struct NonceStreams {
    // Spec: P-038 (Sending a Signalling Message)
    own_cookie: Cookie,
    /// The number of our first message.
    first: CombinedSequenceNumber,
    // Spec: P-048 (Sending a Signalling Message)
    next: Option<CombinedSequenceNumber>,
    // Spec: P-077 (Receiving a Signalling Message)
    theirs: Option<(Cookie, CombinedSequenceNumber)>,
}

impl NonceStreams {
    /// New streams with a random cookie and a random first sequence number.
    pub fn new(random: &mut dyn RandomSource) -> Self {
        // Spec: P-026 P-027 (Message Structure)
        let own_cookie = Cookie::generate(random);
        let first = CombinedSequenceNumber::first(random);
        Self { own_cookie, first, next: Some(first), theirs: None }
    }

    /// The cookie that we use.
    pub const fn own_cookie(&self) -> Cookie {
        self.own_cookie
    }

    /// The nonce of the next message, with its sequence number used up.
    pub fn next_nonce(
        &mut self,
        source: Address,
        destination: Address,
    ) -> Result<Nonce, SequenceExhausted> {
        let sequence = self.next.ok_or(SequenceExhausted)?;
        // Spec: P-024 (Message Structure)
        self.next = sequence.next();
        // Spec: P-039 (Sending a Signalling Message)
        Ok(Nonce { cookie: self.own_cookie, source, destination, sequence })
    }

    /// Whether a message with this combined sequence number was sent.
    pub fn has_sent(&self, number: u64) -> bool {
        self.first.get() <= number && self.next.is_none_or(|next| number < next.get())
    }

    /// Checks cookie and sequence number of a received message. Nothing changes until
    /// [`commit`](Self::commit), so that a message that cannot be decrypted does no harm.
    pub fn check(&self, nonce: &Nonce) -> Result<CheckedNonce, NonceError> {
        match self.theirs {
            None => {
                // Spec: P-074 (Receiving a Signalling Message)
                if nonce.sequence.overflow_number() != 0 {
                    return Err(NonceError::OverflowNumber(nonce.sequence.overflow_number()));
                }
                // Spec: P-075 (Receiving a Signalling Message)
                let sent = self.next != Some(self.first);
                if sent && nonce.cookie == self.own_cookie {
                    return Err(NonceError::CookieIsOurs);
                }
            }
            Some((cookie, previous)) => {
                // Spec: P-078 (Receiving a Signalling Message)
                if nonce.cookie != cookie {
                    return Err(NonceError::CookieChanged);
                }
                // Spec: P-079 P-080 P-081 P-082 (Receiving a Signalling Message)
                if previous.next() != Some(nonce.sequence) {
                    return Err(NonceError::Sequence {
                        expected: previous.next().map(CombinedSequenceNumber::get),
                        received: nonce.sequence.get(),
                    });
                }
            }
        }
        Ok(CheckedNonce { cookie: nonce.cookie, sequence: nonce.sequence })
    }

    /// Makes a checked nonce the previous one.
    pub fn commit(&mut self, nonce: CheckedNonce) {
        // Spec: P-076 (Receiving a Signalling Message)
        self.theirs = Some((nonce.cookie, nonce.sequence));
    }

    /// Sets the next outgoing sequence number, to bring a test near the end of the counter.
    #[cfg(test)]
    pub(crate) fn set_next_sequence(&mut self, number: u64) {
        self.first = CombinedSequenceNumber::from_wire(self.first.get().min(number));
        self.next = Some(CombinedSequenceNumber::from_wire(number));
    }

    /// Sets the last accepted sequence number of the other side, for the same purpose.
    #[cfg(test)]
    pub(crate) fn set_their_sequence(&mut self, number: u64) {
        if let Some((_, sequence)) = &mut self.theirs {
            *sequence = CombinedSequenceNumber::from_wire(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::OsRandom;

    const A: Address = Address(1);
    const B: Address = Address(2);

    fn nonce(cookie: u8, sequence: u64) -> Nonce {
        Nonce {
            cookie: Cookie([cookie; 16]),
            source: B,
            destination: A,
            sequence: CombinedSequenceNumber::from_wire(sequence),
        }
    }

    fn streams_after(first: u64) -> NonceStreams {
        let mut streams = NonceStreams::new(&mut OsRandom);
        let checked = streams.check(&nonce(7, 5)).unwrap();
        streams.commit(checked);
        streams.set_their_sequence(first);
        streams
    }

    /// Covers P-029 P-039 P-047 P-048 P-049.
    #[test]
    fn outgoing_numbers_are_consecutive_from_a_random_start() {
        let (mut one, mut two) =
            (NonceStreams::new(&mut OsRandom), NonceStreams::new(&mut OsRandom));
        let first = one.next_nonce(A, B).unwrap();
        assert_eq!(first.sequence.overflow_number(), 0);
        for i in 1..100 {
            let next = one.next_nonce(A, B).unwrap();
            assert_eq!(next.sequence.get(), first.sequence.get() + i);
            assert_eq!(next.cookie, first.cookie);
        }
        assert_ne!(two.next_nonce(A, B).unwrap().cookie, first.cookie);
    }

    #[test]
    fn what_was_sent_is_known() {
        let mut streams = NonceStreams::new(&mut OsRandom);
        let first = streams.next.unwrap().get();
        assert!(!streams.has_sent(first));
        for _ in 0..3 {
            streams.next_nonce(A, B).unwrap();
        }
        let sent: Vec<u64> =
            (first.saturating_sub(2)..first + 5).filter(|n| streams.has_sent(*n)).collect();
        assert_eq!(sent, [first, first + 1, first + 2]);
    }

    /// Covers P-024 P-050 P-051 P-052.
    #[test]
    fn outgoing_numbers_cross_2_to_32_and_stop_at_2_to_48() {
        let mut streams = NonceStreams::new(&mut OsRandom);
        streams.set_next_sequence(0xffff_ffff);
        assert_eq!(streams.next_nonce(A, B).unwrap().sequence.get(), 0xffff_ffff);
        assert_eq!(streams.next_nonce(A, B).unwrap().sequence.get(), 0x1_0000_0000);
        streams.set_next_sequence((1 << 48) - 1);
        assert_eq!(streams.next_nonce(A, B).unwrap().sequence.get(), (1 << 48) - 1);
        assert_eq!(streams.next_nonce(A, B), Err(SequenceExhausted));
        assert_eq!(streams.next_nonce(A, B), Err(SequenceExhausted));
    }

    /// Covers P-074 P-075.
    #[test]
    fn first_message_needs_overflow_0_and_a_cookie_of_its_own() {
        let mut streams = NonceStreams::new(&mut OsRandom);
        assert_eq!(streams.check(&nonce(7, 1 << 32)).unwrap_err(), NonceError::OverflowNumber(1));
        let own = Nonce { cookie: streams.own_cookie(), ..nonce(0, 1) };
        assert!(
            streams.check(&own).is_ok(),
            "nothing was sent yet, so the cookie cannot be a mirror"
        );
        streams.next_nonce(A, B).unwrap();
        assert_eq!(streams.check(&own).unwrap_err(), NonceError::CookieIsOurs);
        assert!(streams.check(&nonce(7, 0)).is_ok());
        assert!(streams.check(&nonce(7, 0xffff_ffff)).is_ok());
    }

    /// Covers P-076 P-078 P-079 P-080 P-081 P-082.
    #[test]
    fn later_messages_keep_the_cookie_and_count_by_one() {
        let streams = streams_after(9);
        assert!(streams.check(&nonce(7, 10)).is_ok());
        assert_eq!(streams.check(&nonce(8, 10)).unwrap_err(), NonceError::CookieChanged);
        for wrong in [0, 8, 9, 11, 10 + (1 << 32)] {
            assert_eq!(
                streams.check(&nonce(7, wrong)).unwrap_err(),
                NonceError::Sequence { expected: Some(10), received: wrong }
            );
        }
        let streams = streams_after(0xffff_ffff);
        assert!(streams.check(&nonce(7, 1 << 32)).is_ok());
        assert!(streams.check(&nonce(7, 0)).is_err(), "the overflow number has to go up");
        let streams = streams_after((1 << 48) - 1);
        assert!(streams.check(&nonce(7, 0)).is_err(), "the combined number does not wrap");
    }

    #[test]
    fn a_checked_nonce_changes_nothing_until_it_is_committed() {
        let mut streams = streams_after(9);
        for _ in 0..3 {
            assert!(streams.check(&nonce(7, 10)).is_ok());
        }
        let checked = streams.check(&nonce(7, 10)).unwrap();
        streams.commit(checked);
        assert!(streams.check(&nonce(7, 10)).is_err());
        assert!(streams.check(&nonce(7, 11)).is_ok());
    }
}
