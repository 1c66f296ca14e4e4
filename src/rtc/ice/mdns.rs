//! Questions and answers of multicast DNS (RFC 6762), as far as `.local` names of candidates need them.
//!
//! One question is sent from an ordinary socket to port 5353 of the multicast groups ("one-shot",
//! section 5.1), and the answer comes back to that socket (section 6.7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;
/// In questions: the answer is welcome by unicast (section 5.4). In answers: others are outdated
/// (section 10.2). Neither matters for an answer.
const TOP_BIT: u16 = 0x8000;

/// Records of one answer that are looked at.
const MAX_RECORDS: usize = 64;

/// What an answer says of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MdnsAnswer {
    /// The name, in lower case, without a dot at the end.
    pub name: String,
    /// An address of the host.
    pub ip: IpAddr,
}

/// The packet that asks for the addresses of a host, to be sent to 224.0.0.251 and ff02::fb, port 5353.
/// `None`: this is no name (labels of 1 to 63 bytes, 253 bytes in all).
///
/// `id` comes back in the answers to a one-shot question.
#[must_use]
pub fn mdns_query(id: u16, name: &str) -> Option<Vec<u8>> {
    if !super::server::is_host_name(name) {
        return None;
    }
    let mut packet = Vec::with_capacity(64);
    for field in [id, 0, 2, 0, 0, 0] {
        packet.extend(field.to_be_bytes());
    }
    for kind in [TYPE_A, TYPE_AAAA] {
        for label in name.trim_end_matches('.').split('.') {
            packet.push(u8::try_from(label.len()).ok()?);
            packet.extend(label.as_bytes());
        }
        packet.push(0);
        packet.extend(kind.to_be_bytes());
        packet.extend((CLASS_IN | TOP_BIT).to_be_bytes());
    }
    Some(packet)
}

/// The addresses that a packet gives for names that end in `.local`; none if it is malformed, or not an
/// answer. Whether one of them was asked for is the caller's to see.
#[must_use]
pub fn mdns_answer(packet: &[u8]) -> Vec<MdnsAnswer> {
    parse_answer(packet).unwrap_or_default()
}

fn parse_answer(packet: &[u8]) -> Option<Vec<MdnsAnswer>> {
    let mut reader = Reader { packet, at: 0 };
    let _id = reader.u16()?;
    let flags = reader.u16()?;
    // A response, of the standard kind, without error.
    if flags & 0x8000 == 0 || flags & 0x7800 != 0 || flags & 0x000f != 0 {
        return None;
    }
    let questions = reader.u16()?;
    let answers = reader.u16()?;
    let authorities = reader.u16()?;
    let additionals = reader.u16()?;
    for _ in 0..questions {
        reader.name()?;
        reader.skip(4)?;
    }
    let mut found = Vec::new();
    let records = usize::from(answers) + usize::from(authorities) + usize::from(additionals);
    for _ in 0..records.min(MAX_RECORDS) {
        let name = reader.name()?;
        let kind = reader.u16()?;
        let class = reader.u16()? & !TOP_BIT;
        let lifetime = reader.u32()?;
        let length = usize::from(reader.u16()?);
        let data = reader.take(length)?;
        let ip = match (kind, class) {
            (TYPE_A, CLASS_IN) => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?)),
            (TYPE_AAAA, CLASS_IN) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?)),
            _ => continue,
        };
        // A lifetime of zero says goodbye (section 10.1).
        if let Some(name) = name
            && lifetime > 0
            && name.ends_with(".local")
        {
            found.push(MdnsAnswer { name, ip });
        }
    }
    Some(found)
}

struct Reader<'a> {
    packet: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let bytes = self.packet.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.take(length).map(|_| ())
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4).map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Reads a name. The inner `None`: it is well-formed, and none of a host. Pointers must go back, so
    /// that there is an end (RFC 1035 section 4.1.4).
    fn name(&mut self) -> Option<Option<String>> {
        let mut name = Some(String::new());
        let mut at = self.at;
        let mut limit = self.packet.len();
        let mut jumped = false;
        let mut length = 0;
        loop {
            let first = *self.packet.get(at)?;
            match first >> 6 {
                0 if first == 0 => {
                    if !jumped {
                        self.at = at + 1;
                    }
                    return Some(name.filter(|name| super::server::is_host_name(name)));
                }
                0 => {
                    let label = self.packet.get(at + 1..at + 1 + usize::from(first))?;
                    length += label.len() + 1;
                    if length > 255 {
                        return None;
                    }
                    name = match (name, std::str::from_utf8(label)) {
                        (Some(mut name), Ok(label)) => {
                            if !name.is_empty() {
                                name.push('.');
                            }
                            name.push_str(&label.to_ascii_lowercase());
                            Some(name)
                        }
                        _ => None,
                    };
                    at += 1 + label.len();
                }
                3 => {
                    let low = *self.packet.get(at + 1)?;
                    let target = usize::from(u16::from_be_bytes([first & 0x3f, low]));
                    if !jumped {
                        self.at = at + 2;
                        jumped = true;
                        limit = at;
                    }
                    if target >= limit {
                        return None;
                    }
                    (at, limit) = (target, target);
                }
                _ => return None,
            }
        }
    }
}
