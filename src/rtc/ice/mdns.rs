//! Questions and answers of multicast DNS (RFC 6762), as far as `.local` names of candidates need them.
//!
//! The socket has to be bound to port 5353, shared with others, and be a member of the multicast groups:
//! browsers always answer to the group, even those who ask from another port (which section 6.7 says
//! should be answered directly). They also look at the first question of a packet only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;
/// In answers: other ones are outdated (section 10.2), which does not matter here.
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

/// The packets that ask for the IPv4 and the IPv6 addresses of a host, to be sent to 224.0.0.251 and
/// ff02::fb, port 5353, and sent again after a second (section 5.2). `None`: this is no name (labels of
/// 1 to 63 letters, digits, `-` and `_`; 253 bytes in all).
#[must_use]
pub fn mdns_queries(name: &str) -> Option<[Vec<u8>; 2]> {
    if !super::server::is_host_name(name) {
        return None;
    }
    Some([TYPE_A, TYPE_AAAA].map(|kind| {
        // One question, and the identifier is zero (section 18.1).
        let mut packet = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.trim_end_matches('.').split('.') {
            // At most 63: it is a host name.
            packet.push(label.len() as u8);
            packet.extend(label.as_bytes());
        }
        packet.push(0);
        packet.extend(kind.to_be_bytes());
        packet.extend(CLASS_IN.to_be_bytes());
        packet
    }))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Two records for `a-b.local`, the second with a pointer to the name of the first.
    fn answer() -> Vec<u8> {
        let mut packet = vec![0, 7, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0];
        packet.extend(b"\x03A-b\x05local\x00");
        packet.extend([0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4, 192, 0, 2, 1]);
        packet.extend([0xc0, 12]);
        packet.extend([0, 28, 0, 1, 0, 0, 0, 120, 0, 16]);
        packet.extend("2001:db8::1".parse::<Ipv6Addr>().unwrap().octets());
        packet
    }

    #[test]
    fn the_questions_ask_for_both_kinds_of_addresses() {
        let [a, aaaa] = mdns_queries("a.local").unwrap();
        let header = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(a, [&header[..], b"\x01a\x05local\x00\x00\x01\x00\x01"].concat());
        assert_eq!(aaaa, [&header[..], b"\x01a\x05local\x00\x00\x1c\x00\x01"].concat());
        for name in
            ["", "a..local", "a b.local", &format!("{}.local", "x".repeat(64)), &"ab.".repeat(100)]
        {
            assert_eq!(mdns_queries(name), None, "{name}");
        }
    }

    #[test]
    fn an_answer_is_parsed() {
        let ips = mdns_answer(&answer()).into_iter().map(|answer| {
            assert_eq!(answer.name, "a-b.local");
            answer.ip.to_string()
        });
        assert_eq!(ips.collect::<Vec<_>>(), ["192.0.2.1", "2001:db8::1"]);
        // One to an old-fashioned question repeats the question.
        let [mut packet, _] = mdns_queries("a-b.local").unwrap();
        let records = answer().split_off(12);
        packet[2..4].copy_from_slice(&[0x84, 0]);
        packet[7] = 1;
        packet.extend(&records[..records.len() - 28]);
        assert_eq!(mdns_answer(&packet).len(), 1);
    }

    #[test]
    fn what_is_no_answer_gives_nothing() {
        assert_eq!(mdns_answer(&mdns_queries("a-b.local").unwrap()[0]), []);
        for (index, value) in [(2, 0x04), (2, 0x8c), (3, 3)] {
            let mut packet = answer();
            packet[index] = value;
            assert_eq!(mdns_answer(&packet), [], "byte {index}");
        }
        // Goodbye, another class, another name.
        for (range, bytes) in [(27..31, &[0; 4][..]), (25..27, &[0, 3]), (17..22, b"other")] {
            let mut packet = answer();
            packet[range].copy_from_slice(bytes);
            let found = mdns_answer(&packet);
            assert!(found.iter().all(|answer| answer.ip.is_ipv6()), "{found:?}");
        }
    }

    #[test]
    fn hostile_packets_end() {
        let packet = answer();
        for length in 0..packet.len() {
            assert_eq!(mdns_answer(&packet[..length]), [], "{length}");
        }
        for index in 0..packet.len() {
            for value in 0..=255 {
                let mut packet = packet.clone();
                packet[index] = value;
                assert!(mdns_answer(&packet).len() <= 2);
            }
        }
        // Pointers to themselves, to each other, forward.
        for (first, second) in [(12, 12), (14, 12), (14, 14), (40, 12)] {
            let mut packet = vec![0, 7, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xc0, first, 0xc0, second];
            packet.extend([0, 1, 0, 1, 0, 0, 0, 120, 0, 4, 192, 0, 2, 1]);
            assert_eq!(mdns_answer(&packet), [], "{first} {second}");
        }
        // A name that grows by labels and pointers is cut off.
        let mut packet = vec![0, 7, 0x84, 0, 0, 0, 0, 255, 0, 0, 0, 0];
        for _ in 0..300 {
            packet.extend(b"\x3f");
            packet.extend([b'a'; 63]);
        }
        assert_eq!(mdns_answer(&packet), []);
    }
}
