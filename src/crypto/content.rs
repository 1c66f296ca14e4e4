//! Who makes a box: decided here, by what is in it and how large it is, and nowhere else.

/// What is in a box.
///
/// Together with the size it decides which implementation of NaCl seals and opens the box. The bytes are
/// the same whoever makes it, so the two ends need not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// What the protocol and its tasks say to the server and to the peer, whatever carries it, and
    /// everything else that is not listed here.
    Signalling,
    /// The application's data in messages of the Relayed Data task.
    RelayedData,
    /// The application's data on a secure data channel.
    ChannelMessage,
}

/// An implementation of NaCl boxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Implementation {
    /// `crypto_box` and `crypto_secretbox` by RustCrypto.
    Audited,
    /// `dryoc`: several times as fast for bulk data, because it uses the vector units of the processor.
    Vectorised,
}

/// Whether [`Implementation::Vectorised`] is in this build. `audited-only` wins, so that a program can
/// insist on it whatever the other crates in its build ask for.
const VECTORISED: bool = cfg!(all(feature = "vectorised", not(feature = "audited-only")));

/// Up to this many bytes relayed data is left to the audited implementation: so few take less time than
/// the rest of what is done for a message.
const SMALL_RELAYED_DATA: usize = 4096;

impl Content {
    /// Who makes and opens the box of a content of `size` bytes.
    pub const fn implementation(self, size: usize) -> Implementation {
        let bulk = match self {
            Self::Signalling => false,
            Self::RelayedData => size > SMALL_RELAYED_DATA,
            Self::ChannelMessage => true,
        };
        if VECTORISED && bulk { Implementation::Vectorised } else { Implementation::Audited }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_size_decide_who_makes_a_box() {
        let bulk = if VECTORISED { Implementation::Vectorised } else { Implementation::Audited };
        for size in [0, 1, 4096, 4097, 65_536, 1 << 24, usize::MAX] {
            assert_eq!(Content::Signalling.implementation(size), Implementation::Audited);
            assert_eq!(Content::ChannelMessage.implementation(size), bulk);
            let relayed = if size > 4096 { bulk } else { Implementation::Audited };
            assert_eq!(Content::RelayedData.implementation(size), relayed);
        }
        let audited_only = cfg!(feature = "audited-only");
        assert_eq!(VECTORISED, cfg!(feature = "vectorised") && !audited_only);
    }
}
