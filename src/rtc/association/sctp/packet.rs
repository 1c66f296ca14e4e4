//! SCTP packets (RFC 9260 section 3), as far as they are looked into and written here.

use bytes::Bytes;
use crc::{CRC_32_ISCSI, Crc, Table};

/// The types of chunks (RFC 9260 section 3.2; RECONFIG: RFC 6525 section 3.1; FORWARD TSN: RFC 3758
/// section 3.2).
pub(super) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const INIT: u8 = 1;
    pub(crate) const INIT_ACK: u8 = 2;
    pub(crate) const SACK: u8 = 3;
    pub(crate) const HEARTBEAT: u8 = 4;
    pub(crate) const ABORT: u8 = 6;
    pub(crate) const SHUTDOWN: u8 = 7;
    pub(crate) const SHUTDOWN_ACK: u8 = 8;
    pub(crate) const COOKIE_ECHO: u8 = 10;
    pub(crate) const COOKIE_ACK: u8 = 11;
    pub(crate) const SHUTDOWN_COMPLETE: u8 = 14;
    pub(crate) const RECONFIG: u8 = 130;
    pub(crate) const FORWARD_TSN: u8 = 192;
}

/// The common header: ports, verification tag, checksum.
pub(super) const HEADER: usize = 12;
/// The header of a DATA chunk.
pub(super) const DATA_HEADER: usize = 16;
/// The header of a SACK chunk.
const SACK_HEADER: usize = 16;
/// The cause of an ABORT that was wanted (RFC 9260 section 3.3.10.12).
const USER_INITIATED_ABORT: u16 = 12;
/// The parameter that asks for the reset of streams (RFC 6525 section 4.1).
const OUTGOING_RESET: u16 = 13;
/// The parameter that answers such a request (RFC 6525 section 4.4).
const RESET_RESPONSE: u16 = 16;
/// Such answers: there is nothing to do, it is done, and it will be done when what was sent before has arrived.
pub(super) const NOTHING_TO_DO: u32 = 0;
pub(super) const DONE: u32 = 1;
pub(super) const IN_PROGRESS: u32 = 6;

static CHECKSUM: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// A chunk of a packet.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// What follows the header of the chunk.
    pub(super) value: &'a [u8],
    /// The chunk with its header and padding.
    pub(super) whole: &'a [u8],
}

impl Chunk<'_> {
    /// The 16 bits at a place of the value; 0 if there are none.
    pub(super) fn u16(&self, at: usize) -> u16 {
        u16_at(self.value, at).unwrap_or(0)
    }

    /// The 32 bits at a place of the value; 0 if there are none.
    pub(super) fn u32(&self, at: usize) -> u32 {
        u32_at(self.value, at).unwrap_or(0)
    }

    /// The streams that a RECONFIG asks to reset.
    pub(super) fn reset_streams(&self) -> impl Iterator<Item = u16> + '_ {
        parameters(self.value)
            .filter(|(kind, _)| *kind == OUTGOING_RESET)
            .flat_map(|(_, value)| value.get(12..).unwrap_or(&[]).chunks_exact(2))
            .map(|id| u16::from_be_bytes([id[0], id[1]]))
    }

    /// The number of a RECONFIG that asks to reset streams, and that of the last one that it got.
    pub(super) fn reset_numbers(&self) -> Option<(u32, u32)> {
        let (_, value) = parameters(self.value).find(|(kind, _)| *kind == OUTGOING_RESET)?;
        Some((u32_at(value, 0)?, u32_at(value, 4)?))
    }

    /// The number of the request that a RECONFIG answers, and the answer.
    pub(super) fn reset_answer(&self) -> Option<(u32, u32)> {
        let (_, value) = parameters(self.value).find(|(kind, _)| *kind == RESET_RESPONSE)?;
        Some((u32_at(value, 0)?, u32_at(value, 4)?))
    }

    /// A RECONFIG with another number of the last one that it got.
    pub(super) fn with_last_number(&self, number: u32) -> Vec<u8> {
        let mut chunk = self.whole.to_vec();
        let mut at = 4;
        while let (Some(kind), Some(length)) = (u16_at(&chunk, at), u16_at(&chunk, at + 2)) {
            if kind == OUTGOING_RESET
                && let Some(last) = chunk.get_mut(at + 8..at + 12)
            {
                last.copy_from_slice(&number.to_be_bytes());
            }
            at += usize::from(length.max(4)).next_multiple_of(4);
        }
        chunk
    }

    /// The same RECONFIG for these streams only, and with another number of the last one that it got.
    pub(super) fn reset_only(&self, streams: &[u16], last: u32) -> Vec<u8> {
        let length = 16 + 2 * streams.len() as u16;
        let mut chunk = vec![kind::RECONFIG, 0];
        chunk.extend((4 + length).to_be_bytes());
        chunk.extend(OUTGOING_RESET.to_be_bytes());
        chunk.extend(length.to_be_bytes());
        chunk.extend(self.u32(4).to_be_bytes());
        chunk.extend(last.to_be_bytes());
        chunk.extend(self.u32(12).to_be_bytes());
        streams.iter().for_each(|stream| chunk.extend(stream.to_be_bytes()));
        chunk
    }

    /// Whether a RECONFIG is of one of the two kinds that are needed for data channels (RFC 8831 section
    /// 6.2).
    pub(super) fn is_known_reconfig(&self) -> bool {
        parameters(self.value).all(|(kind, _)| matches!(kind, OUTGOING_RESET | RESET_RESPONSE))
    }

    /// Why the peer has sent an ABORT; `None` if it wanted to end the association.
    pub(super) fn abort_reason(&self) -> Option<String> {
        let (cause, text) = parameters(self.value).next()?;
        if cause == USER_INITIATED_ABORT {
            let text = String::from_utf8_lossy(text);
            let on_purpose = text.is_empty() || text.starts_with("User-Initiated Abort");
            return (!on_purpose).then(|| text.into_owned());
        }
        Some(format!("cause {cause} {}", String::from_utf8_lossy(text)).trim_end().to_owned())
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The parameters of a chunk, which error causes look like, too: kind and value.
fn parameters(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (kind, length) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, value))
    })
}

/// A RECONFIG that answers a request to reset streams: it is done.
pub(super) fn reset_done(number: u32) -> Vec<u8> {
    let mut chunk = vec![kind::RECONFIG, 0, 0, 16, 0, 16, 0, 12];
    chunk.extend(number.to_be_bytes());
    chunk.extend(DONE.to_be_bytes());
    chunk
}

/// The verification tag.
pub(super) fn tag(packet: &[u8]) -> u32 {
    u32_at(packet, 4).unwrap_or(0)
}

/// The chunks of a packet. `None` if it is none.
pub(super) fn chunks(packet: &[u8]) -> Option<impl Iterator<Item = Chunk<'_>> + Clone> {
    let chunks = Chunks(packet.get(HEADER..)?);
    let length: usize = chunks.clone().map(|chunk| chunk.whole.len()).sum();
    (length > 0 && length == packet.len() - HEADER).then_some(chunks)
}

#[derive(Clone)]
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let length = usize::from(u16_at(self.0, 2)?);
        let value = self.0.get(4..length)?;
        // The padding of the last chunk may be missing.
        let (whole, rest) = self.0.split_at(length.next_multiple_of(4).min(self.0.len()));
        let chunk = Chunk { kind: self.0[0], flags: self.0[1], value, whole };
        self.0 = rest;
        Some(chunk)
    }
}

/// A packet that is being written.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// `like`: a packet with the same ports and verification tag, or what there is of it.
    pub(super) fn new(like: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(1280);
        bytes.extend_from_slice(&like[..8]);
        bytes.extend([0; 4]);
        Self(bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no chunk yet.
    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == HEADER
    }

    /// Adds a chunk that has its header.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.0.extend_from_slice(chunk);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    /// Adds the checksum.
    pub(super) fn finish(mut self) -> Bytes {
        seal(&mut self.0);
        self.0.into()
    }
}

/// Writes the checksum (RFC 9260 section 6.8).
pub(super) fn seal(packet: &mut [u8]) {
    packet[8..HEADER].fill(0);
    let checksum = CHECKSUM.checksum(packet);
    packet[8..HEADER].copy_from_slice(&checksum.to_le_bytes());
}

/// What a SACK says, without duplicates.
#[derive(Clone, Default)]
pub(super) struct Sack {
    pub(super) cumulative: u32,
    pub(super) window: u32,
    /// The gap ack blocks, as they are in the chunk.
    pub(super) gaps: Vec<u8>,
}

impl Sack {
    pub(super) fn parse(chunk: &Chunk<'_>) -> Self {
        let gaps = SACK_HEADER - 4;
        let end = gaps + 4 * usize::from(chunk.u16(8));
        Self {
            cumulative: chunk.u32(0),
            window: chunk.u32(4),
            gaps: chunk.value.get(gaps..end).unwrap_or(&[]).to_vec(),
        }
    }

    /// The chunk without gaps.
    pub(super) fn without_gaps(&self) -> Vec<u8> {
        let mut chunk = vec![kind::SACK, 0, 0, SACK_HEADER as u8];
        chunk.extend(self.cumulative.to_be_bytes());
        chunk.extend(self.window.to_be_bytes());
        chunk.extend([0; 4]);
        chunk
    }

    /// `like`: see [`Writer::new`]. What does not fit into `size` is left out: the peer hears of it when there
    /// are fewer gaps before.
    pub(super) fn packet(&self, like: &[u8], size: usize) -> Bytes {
        let room = (size - HEADER - SACK_HEADER) / 4 * 4;
        let gaps = &self.gaps[..self.gaps.len().min(room)];
        let mut chunk = Vec::with_capacity(SACK_HEADER + gaps.len());
        chunk.extend([kind::SACK, 0]);
        chunk.extend(((SACK_HEADER + gaps.len()) as u16).to_be_bytes());
        chunk.extend(self.cumulative.to_be_bytes());
        chunk.extend(self.window.to_be_bytes());
        chunk.extend(((gaps.len() / 4) as u16).to_be_bytes());
        chunk.extend([0; 2]);
        chunk.extend_from_slice(gaps);
        let mut packet = Writer::new(like);
        packet.push(&chunk);
        packet.finish()
    }
}

/// A packet that ends an association on purpose.
pub(super) fn abort(like: &[u8]) -> Bytes {
    let mut packet = Writer::new(like);
    packet.push(&[kind::ABORT, 0, 0, 8, 0, USER_INITIATED_ABORT as u8, 0, 4]);
    packet.finish()
}

/// Whether `a` is before `b` (RFC 1982).
pub(super) fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ports 5000 and 5000, tag 7.
    const LIKE: [u8; 8] = [0x13, 0x88, 0x13, 0x88, 0, 0, 0, 7];

    fn kinds(packet: &[u8]) -> Option<Vec<(u8, usize)>> {
        Some(chunks(packet)?.map(|chunk| (chunk.kind, chunk.value.len())).collect())
    }

    #[test]
    fn there_and_back() {
        let mut packet = Writer::new(&LIKE);
        assert!(packet.is_empty());
        packet.push(&[kind::DATA, 3, 0, 5, 1]);
        packet.push(&[9, 0, 0, 4]);
        assert_eq!(packet.len(), HEADER + 8 + 4);
        let packet = packet.finish();
        assert_eq!(tag(&packet), 7);
        assert_eq!(kinds(&packet), Some(vec![(kind::DATA, 1), (9, 0)]));
    }

    #[test]
    fn the_checksum_of_rfc_3720() {
        // 32 bytes of zeroes (appendix B.4).
        assert_eq!(CHECKSUM.checksum(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn malformed() {
        let mut packet = LIKE.to_vec();
        packet.extend([0; 4]);
        assert_eq!(kinds(&packet), None, "no chunk");
        for bad in [&[0, 0, 0][..], &[0, 0, 0, 3], &[0, 0, 0, 9, 1, 2, 3, 4]] {
            let packet = [&packet[..], bad].concat();
            assert_eq!(kinds(&packet), None, "{bad:?}");
        }
        assert_eq!(kinds(&packet[..11]), None);
    }

    #[test]
    fn a_sack_has_no_more_gaps_than_fit() {
        let sack = Sack { cumulative: 9, window: 1000, gaps: vec![1; 4000] };
        let packet = sack.packet(&LIKE, 1163);
        assert_eq!(packet.len(), 1160);
        let chunk = chunks(&packet).and_then(|mut chunks| chunks.next()).expect("a chunk");
        let again = Sack::parse(&chunk);
        assert_eq!((again.cumulative, again.window, again.gaps.len()), (9, 1000, 1132));
    }

    #[test]
    fn reasons() {
        let reason = |causes: &[u8]| {
            let header = [kind::ABORT, 0, 0, 4 + causes.len() as u8];
            let mut packet = Writer::new(&LIKE);
            packet.push(&[&header[..], causes].concat());
            let packet = packet.finish();
            let chunk = chunks(&packet).and_then(|mut chunks| chunks.next());
            chunk.expect("a chunk").abort_reason()
        };
        assert_eq!(reason(&[]), None);
        assert_eq!(reason(&[0, 12, 0, 4]), None);
        assert_eq!(reason(&[0, 12, 0, 7, b'b', b'y', b'e']), Some("bye".to_owned()));
        assert_eq!(reason(&[0, 13, 0, 6, b'n', b'o']), Some("cause 13 no".to_owned()));
    }

    #[test]
    fn order() {
        assert!(before(u32::MAX, 0) && before(1, 2) && !before(2, 2) && !before(3, 2));
    }
}
