//! Combined sequence numbers, CSN for short (protocol, *Sending a Signalling Message*).

use crate::crypto::RandomSource;

/// A combined sequence number (CSN): 16 bits overflow number, then 32 bits sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CombinedSequenceNumber(u64);

impl CombinedSequenceNumber {
    const MAX: u64 = (1 << 48) - 1;

    /// The first number of a direction: overflow number 0, the rest random.
    pub fn first(random: &mut dyn RandomSource) -> Self {
        // Spec: P-028 P-029 (Message Structure)
        // Spec: P-047 (Sending a Signalling Message)
        Self(u32::from_be_bytes(random.array()).into())
    }

    /// The number with these lower 48 bits.
    pub const fn from_wire(number: u64) -> Self {
        Self(number & Self::MAX)
    }

    /// The number that has to follow this one; `None` after 2^48 - 1, where the counter may not wrap.
    pub const fn next(self) -> Option<Self> {
        // Spec: P-049 P-050 P-051 (Sending a Signalling Message)
        if self.0 == Self::MAX { None } else { Some(Self(self.0 + 1)) }
    }

    /// The 48 bits of the number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The upper 16 bits, which have to be 0 in the first message.
    pub const fn overflow_number(self) -> u16 {
        (self.0 >> 32) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::OsRandom;

    /// Covers P-028 P-047 P-049 P-050 P-051.
    #[test]
    fn numbers_carry_across_2_to_32_and_end_before_2_to_48() {
        let before = CombinedSequenceNumber::from_wire(0xffff_ffff);
        let after = before.next().unwrap();
        assert_eq!((after.overflow_number(), after.get()), (1, 1 << 32));
        assert_eq!(CombinedSequenceNumber::from_wire((1 << 48) - 1).next(), None);
        let last = CombinedSequenceNumber::from_wire((1 << 48) - 2).next().unwrap();
        assert_eq!(last.overflow_number(), 0xffff);
        for _ in 0..100 {
            assert_eq!(CombinedSequenceNumber::first(&mut OsRandom).overflow_number(), 0);
        }
    }
}
