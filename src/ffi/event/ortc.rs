//! The messages of the ORTC task as events, and the types of what they say, which are also those for sending it.

use std::ffi::c_char;

use super::owned::{Fields, Text, Texts};
use super::values::{saltyrtc_candidate_type, saltyrtc_payload};
use super::{saltyrtc_event, saltyrtc_event_kind};
use crate::ffi::declare::{CEnum, c_enum};
use crate::task::ortc::{
    DtlsFingerprint, DtlsRole, IceCandidate, IceCandidateType, IceProtocol, IceRole, IceTcpType,
    Labelled, OrtcMessage,
};

c_enum! {
    /// Which side of ICE decides about the path.
    pub enum saltyrtc_ice_role {
        /// The sender does not say.
        None = 0,
        /// "controlling".
        Controlling = 1,
        /// "controlled".
        Controlled = 2,
    }
}

c_enum! {
    /// How a candidate is reached, and with TCP, who opens the connection.
    pub enum saltyrtc_ice_protocol {
        /// "udp".
        Udp = 0,
        /// "tcp", "active".
        TcpActive = 1,
        /// "tcp", "passive".
        TcpPassive = 2,
        /// "tcp", "so": both at the same time.
        TcpSimultaneousOpen = 3,
    }
}

c_enum! {
    /// Who begins the handshake of DTLS.
    pub enum saltyrtc_dtls_role {
        /// "auto": what the roles of ICE say. The controlling side is the server.
        Auto = 0,
        /// "client": who says this begins.
        Client = 1,
        /// "server": who says this waits.
        Server = 2,
    }
}

/// An ICE candidate of the ORTC task: an RTCIceCandidate of the ORTC API. In an event, texts end with a NUL, and
/// what the peer wrote may contain others. To send one, set all bytes to 0, and then the fields that differ;
/// a text with the length 0 ends with a NUL.
#[repr(C)]
#[derive(Debug)]
pub struct saltyrtc_ice_candidate {
    /// Which of several transports it is of; NULL if there is one only.
    pub label: *const c_char,
    /// The size of the label in bytes, without the NUL at the end.
    pub label_len: usize,
    /// Candidates with the same foundation were found in the same way.
    pub foundation: *const c_char,
    /// The size of the foundation in bytes, likewise.
    pub foundation_len: usize,
    /// The IP address, or a name that stands for one.
    pub ip: *const c_char,
    /// The size of the address in bytes, likewise.
    pub ip_len: usize,
    /// The address that it was found from; NULL if it is not given.
    pub related_address: *const c_char,
    /// The size of that address in bytes, likewise.
    pub related_address_len: usize,
    /// The higher, the more wanted.
    pub priority: u32,
    /// How it was found. One of saltyrtc_candidate_type, but not NONE.
    pub candidate_type: i32,
    /// One of saltyrtc_ice_protocol.
    pub protocol: i32,
    /// The port.
    pub port: u16,
    /// The port that it was found from. It is sent with a related address only.
    pub related_port: u16,
    /// This is no candidate: there are no more. Only the label has a meaning then.
    pub complete: bool,
}

/// The hash of a certificate: an RTCDtlsFingerprint of the ORTC API. Texts as in saltyrtc_ice_candidate.
#[repr(C)]
#[derive(Debug)]
pub struct saltyrtc_dtls_fingerprint {
    /// The name of the hash function, for example "sha-256".
    pub algorithm: *const c_char,
    /// The size of the name in bytes, without the NUL at the end.
    pub algorithm_len: usize,
    /// The hash, in hexadecimal digits with colons between the bytes.
    pub value: *const c_char,
    /// The size of the hash in bytes of text, likewise.
    pub value_len: usize,
}

/// The values of C and Rust that are the same. With `or None`, C has that, too.
macro_rules! same {
    ($c:ident, $rust:ident { $($c_value:ident = [$($value:tt)+],)+ }) => {
        same!(one_way $c, $rust { $($c_value = [$($value)+],)+ });

        impl From<$c> for $rust {
            fn from(value: $c) -> Self {
                match value {
                    $($c::$c_value => $($value)+,)+
                }
            }
        }
    };
    ($c:ident, $rust:ident { $($c_value:ident = [$($value:tt)+],)+ } or None) => {
        same!(one_way $c, $rust { $($c_value = [$($value)+],)+ });

        impl From<$c> for Option<$rust> {
            fn from(value: $c) -> Self {
                match value {
                    $($c::$c_value => Some($($value)+),)+
                    $c::None => None,
                }
            }
        }
    };
    (one_way $c:ident, $rust:ident { $($c_value:ident = [$($value:tt)+],)+ }) => {
        impl From<$rust> for $c {
            fn from(value: $rust) -> Self {
                match value {
                    $($($value)+ => Self::$c_value,)+
                }
            }
        }
    };
}

same!(saltyrtc_ice_role, IceRole {
    Controlling = [IceRole::Controlling],
    Controlled = [IceRole::Controlled],
} or None);
same!(saltyrtc_dtls_role, DtlsRole {
    Auto = [DtlsRole::Auto],
    Client = [DtlsRole::Client],
    Server = [DtlsRole::Server],
});
same!(saltyrtc_ice_protocol, IceProtocol {
    Udp = [IceProtocol::Udp],
    TcpActive = [IceProtocol::Tcp(IceTcpType::Active)],
    TcpPassive = [IceProtocol::Tcp(IceTcpType::Passive)],
    TcpSimultaneousOpen = [IceProtocol::Tcp(IceTcpType::SimultaneousOpen)],
});
same!(saltyrtc_candidate_type, IceCandidateType {
    Host = [IceCandidateType::Host],
    ServerReflexive = [IceCandidateType::ServerReflexive],
    PeerReflexive = [IceCandidateType::PeerReflexive],
    Relayed = [IceCandidateType::Relay],
} or None);

impl Fields {
    pub(super) fn set_ortc(&mut self, message: &OrtcMessage) {
        let Self { flat, texts, ice_candidates, fingerprints, .. } = self;
        flat.set_data(saltyrtc_payload::Msgpack, texts.add_bytes(&message.serialise()));
        flat.kind = match message {
            OrtcMessage::IceParameters(Labelled { label, value }) => {
                flat.set_message_label(label.as_deref(), texts);
                (flat.username_fragment, flat.username_fragment_len) =
                    texts.add(&value.username_fragment);
                (flat.password, flat.password_len) = texts.add(&value.password);
                flat.ice_lite = value.ice_lite;
                flat.ice_role = value.role.map_or(saltyrtc_ice_role::None, Into::into);
                saltyrtc_event_kind::IceParameters
            }
            OrtcMessage::IceCandidates(list) => {
                ice_candidates.extend(list.iter().map(|it| candidate(it, texts)));
                flat.ice_candidates = ice_candidates.as_ptr();
                flat.ice_candidates_len = ice_candidates.len();
                saltyrtc_event_kind::IceCandidates
            }
            OrtcMessage::DtlsParameters(Labelled { label, value }) => {
                flat.set_message_label(label.as_deref(), texts);
                flat.dtls_role = value.role.into();
                fingerprints.extend(value.fingerprints.iter().map(|it| fingerprint(it, texts)));
                flat.fingerprints = fingerprints.as_ptr();
                flat.fingerprints_len = fingerprints.len();
                saltyrtc_event_kind::DtlsParameters
            }
            OrtcMessage::SctpCapabilities(Labelled { label, value }) => {
                flat.set_message_label(label.as_deref(), texts);
                flat.max_message_size = value.max_message_size.into();
                saltyrtc_event_kind::SctpCapabilities
            }
            OrtcMessage::DataChannelParameters(Labelled { label, value }) => {
                flat.set_message_label(label.as_deref(), texts);
                flat.channel_id = value.id;
                let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
                (flat.label, flat.label_len) = texts.add(&or_empty(&value.label));
                (flat.channel_protocol, flat.channel_protocol_len) =
                    texts.add(&or_empty(&value.protocol));
                flat.unordered = value.ordered == Some(false);
                flat.max_packet_lifetime = value.max_packet_lifetime.unwrap_or(0);
                flat.has_max_packet_lifetime = value.max_packet_lifetime.is_some();
                flat.max_retransmits = value.max_retransmits.unwrap_or(0);
                flat.has_max_retransmits = value.max_retransmits.is_some();
                saltyrtc_event_kind::DataChannelParameters
            }
            OrtcMessage::RtpCapabilities(_) => saltyrtc_event_kind::OrtcMessage,
        };
    }
}

impl saltyrtc_event {
    fn set_message_label(&mut self, label: Option<&str>, texts: &mut Texts) {
        (self.message_label, self.message_label_len) = texts.add_optional(label);
    }
}

fn candidate(
    Labelled { label, value }: &Labelled<Option<IceCandidate>>,
    texts: &mut Texts,
) -> saltyrtc_ice_candidate {
    let given = value.as_ref();
    let mut add = |text: Option<&str>| -> Text { texts.add_optional(text) };
    let (label, label_len) = add(label.as_deref());
    let (foundation, foundation_len) = add(given.map(|it| it.foundation.as_str()));
    let (ip, ip_len) = add(given.map(|it| it.ip.as_str()));
    let (related_address, related_address_len) =
        add(given.and_then(|it| it.related_address.as_deref()));
    let kind = given.map_or(saltyrtc_candidate_type::None, |it| it.kind.into());
    let protocol = given.map_or(saltyrtc_ice_protocol::Udp, |it| it.protocol.into());
    saltyrtc_ice_candidate {
        label,
        label_len,
        foundation,
        foundation_len,
        ip,
        ip_len,
        related_address,
        related_address_len,
        priority: given.map_or(0, |it| it.priority),
        candidate_type: kind.number(),
        protocol: protocol.number(),
        port: given.map_or(0, |it| it.port),
        related_port: given.and_then(|it| it.related_port).unwrap_or(0),
        complete: given.is_none(),
    }
}

fn fingerprint(fingerprint: &DtlsFingerprint, texts: &mut Texts) -> saltyrtc_dtls_fingerprint {
    let (algorithm, algorithm_len) = texts.add(&fingerprint.algorithm);
    let (value, value_len) = texts.add(&fingerprint.value);
    saltyrtc_dtls_fingerprint { algorithm, algorithm_len, value, value_len }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::task::ortc::{
        DataChannelParameters, DtlsParameters, IceParameters, RtpCapabilities, SctpCapabilities,
    };

    fn candidate(protocol: IceProtocol, related: bool) -> IceCandidate {
        IceCandidate {
            foundation: "1".into(),
            priority: u32::MAX,
            ip: "192.0.2.1".into(),
            protocol,
            port: 1,
            kind: IceCandidateType::ServerReflexive,
            related_address: related.then(|| "10.0.0.1".into()),
            related_port: related.then_some(2),
        }
    }

    /// Messages of every kind, with as many fields as there can be, and with as few.
    pub(in crate::ffi::event) fn messages() -> impl Iterator<Item = OrtcMessage> {
        let hash = |algorithm: &str, value: &str| DtlsFingerprint {
            algorithm: algorithm.into(),
            value: value.into(),
        };
        [
            OrtcMessage::IceParameters(Labelled::none(IceParameters {
                username_fragment: String::new(),
                password: String::new(),
                ice_lite: false,
                role: None,
            })),
            OrtcMessage::IceParameters(Labelled::new(
                "one",
                IceParameters {
                    username_fragment: "abcd".into(),
                    password: "0123456789".into(),
                    ice_lite: true,
                    role: Some(IceRole::Controlled),
                },
            )),
            OrtcMessage::IceCandidates(vec![Labelled::none(None)]),
            OrtcMessage::IceCandidates(vec![
                Labelled::none(Some(candidate(IceProtocol::Udp, false))),
                Labelled::new("two", Some(candidate(IceProtocol::Tcp(IceTcpType::Passive), true))),
                Labelled::new("two", None),
            ]),
            OrtcMessage::DtlsParameters(Labelled::none(DtlsParameters {
                role: DtlsRole::Auto,
                fingerprints: vec![hash("", "")],
            })),
            OrtcMessage::DtlsParameters(Labelled::new(
                "three",
                DtlsParameters {
                    role: DtlsRole::Server,
                    fingerprints: vec![hash("sha-256", "AA:BB"), hash("sha-512", "CC")],
                },
            )),
            OrtcMessage::SctpCapabilities(Labelled::none(SctpCapabilities { max_message_size: 0 })),
            OrtcMessage::SctpCapabilities(Labelled::new(
                "four",
                SctpCapabilities { max_message_size: u16::MAX },
            )),
            OrtcMessage::DataChannelParameters(Labelled::none(DataChannelParameters::default())),
            OrtcMessage::DataChannelParameters(Labelled::new(
                "five",
                DataChannelParameters {
                    id: u16::MAX,
                    label: Some("channel".into()),
                    ordered: Some(false),
                    max_packet_lifetime: Some(0),
                    max_retransmits: Some(u32::MAX),
                    protocol: Some("protocol".into()),
                },
            )),
            OrtcMessage::RtpCapabilities(vec![Labelled::none(
                RtpCapabilities::from_msgpack(&[0x80]).unwrap(),
            )]),
        ]
        .into_iter()
    }
}
