//! The header of a chunk (chunking, *Chunk Header*).

use super::error::ChunkError;
use super::mode::Mode;

/// The end-of-message bit.
const END: u8 = 0b0000_0001;
const MODE_BITS: u8 = 0b0000_0110;
const RESERVED_BITS: u8 = 0b1111_1000;

/// A header. Message id and serial number are 0 in reliable/ordered mode, which has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// This is the last chunk of the message.
    pub(super) end: bool,
    pub(super) message: u32,
    pub(super) serial: u32,
}

impl Header {
    pub(super) fn write(self, mode: Mode, out: &mut Vec<u8>) {
        // Spec: C-010 C-011 (Short Header)
        out.push(mode.bits() | if self.end { END } else { 0 });
        // Spec: C-012 C-013 C-016 (Long Header)
        if mode == Mode::UnreliableUnordered {
            // Spec: C-007 (Chunk Header)
            out.extend_from_slice(&self.message.to_be_bytes());
            out.extend_from_slice(&self.serial.to_be_bytes());
        }
    }

    /// Splits a chunk into header and data, of which there is at least 1 byte.
    pub(super) fn split(mode: Mode, chunk: &[u8]) -> Result<(Self, &[u8]), ChunkError> {
        let too_short = ChunkError::TooShort { len: chunk.len(), header_size: mode.header_size() };
        let Some((&options, rest)) = chunk.split_first() else { return Err(too_short) };
        // Spec: C-008 (Short Header)
        if options & RESERVED_BITS != 0 {
            return Err(ChunkError::ReservedBits { options });
        }
        if options & MODE_BITS != mode.bits() {
            return Err(ChunkError::WrongMode { options, expected: mode });
        }
        let end = options & END != 0;
        let (header, data) = match mode {
            Mode::ReliableOrdered => (Self { end, message: 0, serial: 0 }, rest),
            Mode::UnreliableUnordered => {
                let (message, rest) = rest.split_first_chunk().ok_or(too_short)?;
                let (serial, data) = rest.split_first_chunk().ok_or(too_short)?;
                let message = u32::from_be_bytes(*message);
                (Self { end, message, serial: u32::from_be_bytes(*serial) }, data)
            }
        };
        if data.is_empty() { Err(too_short) } else { Ok((header, data)) }
    }

    /// Whether `chunk` says in reliable/ordered mode that a message ends, with or without data.
    pub(super) fn ends_ordered(chunk: &[u8]) -> bool {
        chunk.first() == Some(&(Mode::ReliableOrdered.bits() | END))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Mode::{ReliableOrdered, UnreliableUnordered};

    fn written(mode: Mode, header: Header) -> Vec<u8> {
        let mut out = Vec::new();
        header.write(mode, &mut out);
        out
    }

    /// Covers C-006 C-007 C-008 C-009 C-012 C-013 C-016.
    #[test]
    fn headers_are_written_as_specified() {
        for (end, message, serial, long) in [
            (false, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0, 0]),
            (true, 0x0102_0304, 0x0506_0708, [1, 1, 2, 3, 4, 5, 6, 7, 8]),
            (false, u32::MAX, 1, [0, 255, 255, 255, 255, 0, 0, 0, 1]),
            (true, 256, u32::MAX, [1, 0, 0, 1, 0, 255, 255, 255, 255]),
        ] {
            let header = Header { end, message, serial };
            assert_eq!(written(UnreliableUnordered, header), long);
            assert_eq!(written(ReliableOrdered, header), [0b110 | u8::from(end)]);
            let chunk = [&long[..], b"data"].concat();
            assert_eq!(Header::split(UnreliableUnordered, &chunk), Ok((header, &b"data"[..])));
            let short = [0b110 | u8::from(end), 9];
            let header = Header { end, message: 0, serial: 0 };
            assert_eq!(Header::split(ReliableOrdered, &short), Ok((header, &[9][..])));
        }
    }

    /// Covers C-008 C-009.
    #[test]
    fn any_other_options_are_refused() {
        for options in 0..=u8::MAX {
            let chunk = [options, 0, 0, 0, 0, 0, 0, 0, 0, 1];
            for mode in [ReliableOrdered, UnreliableUnordered] {
                let result = Header::split(mode, &chunk);
                if options >= 0b1000 {
                    assert_eq!(result, Err(ChunkError::ReservedBits { options }));
                } else if options & !END != mode.bits() {
                    assert_eq!(result, Err(ChunkError::WrongMode { options, expected: mode }));
                } else {
                    assert_eq!(result.map(|(header, _)| header.end), Ok(options & 1 == 1));
                }
            }
        }
    }

    /// Covers C-006 C-020.
    #[test]
    fn a_chunk_without_data_is_refused() {
        let chunk = [0, 0, 0, 0, 1, 0, 0, 0, 0, 7];
        for len in 0..10 {
            let expected = ChunkError::TooShort { len, header_size: 9 };
            assert_eq!(Header::split(UnreliableUnordered, &chunk[..len]), Err(expected));
        }
        assert!(Header::split(UnreliableUnordered, &chunk).is_ok());
        for chunk in [&[][..], &[0b110], &[0b111]] {
            let expected = ChunkError::TooShort { len: chunk.len(), header_size: 1 };
            assert_eq!(Header::split(ReliableOrdered, chunk), Err(expected));
        }
    }
}
