//! The messages that open a channel (RFC 8832 section 5).

use std::time::Duration;

use super::config::{ChannelConfig, Reliability};

const OPEN: u8 = 0x03;
const ACK: u8 = 0x02;

const RELIABLE: u8 = 0x00;
const MAX_RETRANSMITS: u8 = 0x01;
const MAX_LIFETIME: u8 = 0x02;
const UNORDERED: u8 = 0x80;

/// Size of an OPEN message without its texts.
const OPEN_HEADER: usize = 12;
/// The priority "normal" (RFC 8831 section 6.4). There is no way to ask for another.
const PRIORITY: u16 = 256;

/// A message of the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DcepMessage {
    /// Asks for a channel.
    Open(ChannelConfig),
    /// Confirms a channel.
    Ack,
}

impl DcepMessage {
    /// `None` if it is malformed or unknown.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [ACK] => Some(Self::Ack),
            [OPEN, ..] => parse_open(bytes).map(Self::Open),
            _ => None,
        }
    }
}

fn parse_open(bytes: &[u8]) -> Option<ChannelConfig> {
    let (header, texts) = bytes.split_first_chunk::<OPEN_HEADER>()?;
    let parameter = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    let reliability = match header[1] & !UNORDERED {
        RELIABLE => Reliability::Reliable,
        // Trying more often than this makes no difference.
        MAX_RETRANSMITS => Reliability::MaxRetransmits(parameter.try_into().unwrap_or(u16::MAX)),
        MAX_LIFETIME => Reliability::MaxLifetime(Duration::from_millis(parameter.into())),
        _ => return None,
    };
    let label_length = usize::from(u16::from_be_bytes([header[8], header[9]]));
    let protocol_length = usize::from(u16::from_be_bytes([header[10], header[11]]));
    if texts.len() != label_length + protocol_length {
        return None;
    }
    let (label, protocol) = texts.split_at(label_length);
    Some(ChannelConfig {
        label: String::from_utf8(label.to_vec()).ok()?,
        protocol: String::from_utf8(protocol.to_vec()).ok()?,
        ordered: header[1] & UNORDERED == 0,
        reliability,
        negotiated: None,
    })
}

/// The message that asks for a channel. `None` if a text is longer than 65,535 bytes.
pub(super) fn open(config: &ChannelConfig) -> Option<Vec<u8>> {
    let label_length = u16::try_from(config.label.len()).ok()?;
    let protocol_length = u16::try_from(config.protocol.len()).ok()?;
    let (kind, parameter) = match config.reliability {
        Reliability::Reliable => (RELIABLE, 0),
        Reliability::MaxRetransmits(times) => (MAX_RETRANSMITS, times.into()),
        Reliability::MaxLifetime(time) => {
            (MAX_LIFETIME, u32::try_from(time.as_millis()).unwrap_or(u32::MAX))
        }
    };
    let kind = if config.ordered { kind } else { kind | UNORDERED };
    let mut message = Vec::with_capacity(OPEN_HEADER + config.label.len() + config.protocol.len());
    message.extend([OPEN, kind]);
    message.extend(PRIORITY.to_be_bytes());
    message.extend(u32::to_be_bytes(parameter));
    message.extend(label_length.to_be_bytes());
    message.extend(protocol_length.to_be_bytes());
    message.extend(config.label.as_bytes());
    message.extend(config.protocol.as_bytes());
    Some(message)
}

/// The message that confirms a channel.
pub(super) fn ack() -> Vec<u8> {
    vec![ACK]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> ChannelConfig {
        ChannelConfig {
            label: "läbel".to_owned(),
            protocol: "proto".to_owned(),
            ordered: false,
            reliability: Reliability::MaxRetransmits(3),
            negotiated: None,
        }
    }

    #[test]
    fn open_as_specified() {
        let message = open(&config()).expect("short texts");
        assert_eq!(message, b"\x03\x81\x01\x00\x00\x00\x00\x03\x00\x06\x00\x05l\xc3\xa4belproto");
    }

    #[test]
    fn open_and_back() {
        for reliability in [
            Reliability::Reliable,
            Reliability::MaxRetransmits(0),
            Reliability::MaxRetransmits(u16::MAX),
            Reliability::MaxLifetime(Duration::from_millis(u32::MAX.into())),
        ] {
            for ordered in [true, false] {
                let config = ChannelConfig { ordered, reliability, ..config() };
                let message = open(&config).expect("short texts");
                assert_eq!(DcepMessage::parse(&message), Some(DcepMessage::Open(config)));
            }
        }
        assert_eq!(DcepMessage::parse(&ack()), Some(DcepMessage::Ack));
    }

    #[test]
    fn too_long_texts() {
        let long = ChannelConfig { label: "x".repeat(65_536), ..ChannelConfig::default() };
        assert_eq!(open(&long), None);
        let longest = ChannelConfig { protocol: "x".repeat(65_535), ..ChannelConfig::default() };
        assert_eq!(open(&longest).map(|message| message.len()), Some(12 + 65_535));
    }

    #[test]
    fn more_retransmissions_than_we_count() {
        let mut message = open(&config()).expect("short texts");
        message[4] = 1;
        let Some(DcepMessage::Open(parsed)) = DcepMessage::parse(&message) else {
            panic!("an OPEN message");
        };
        assert_eq!(parsed.reliability, Reliability::MaxRetransmits(u16::MAX));
    }

    #[test]
    fn malformed() {
        let message = open(&config()).expect("short texts");
        for length in 0..message.len() {
            assert_eq!(DcepMessage::parse(&message[..length]), None, "{length} bytes");
        }
        let mut longer = message.clone();
        longer.push(0);
        assert_eq!(DcepMessage::parse(&longer), None);
        let mut unknown_kind = message.clone();
        unknown_kind[1] = 0x03;
        assert_eq!(DcepMessage::parse(&unknown_kind), None);
        let mut not_text = message.clone();
        not_text[13] = 0xff;
        assert_eq!(DcepMessage::parse(&not_text), None);
        assert_eq!(DcepMessage::parse(&[ACK, 0]), None);
        assert_eq!(DcepMessage::parse(&[0x01]), None);
    }
}
