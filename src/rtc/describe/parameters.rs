//! A connection described by the parameters of its transports, as in the ORTC API: what each transport has to know
//! comes in a message of its own, in any order.

use std::fmt;

use super::{Parameters, Setup};
use crate::task::ortc::{
    DtlsFingerprint, DtlsParameters, DtlsRole, HANDOVER_LABEL, IceCandidate, IceCandidateType,
    IceParameters, IceProtocol, IceRole, Labelled, OrtcMessage, SctpCapabilities,
};

/// All implementations use this port: the ORTC API has no other by default, and no message names it.
const SCTP_PORT: u16 = 5000;

/// The least that a peer has to take in one message, in bytes, as in `sdp`.
const MIN_MAX_MESSAGE_SIZE: u16 = 512;

/// Why parameters of the peer cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParametersError {
    /// They are for a second transport, with another label.
    OtherTransport,
    /// The peer takes messages of this many bytes only.
    MaxMessageSize(u16),
}

impl fmt::Display for ParametersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherTransport => f.write_str(
                "the peer has a second transport, with another label, and there can be one only: \
                 have it use one transport for all channels",
            ),
            Self::MaxMessageSize(size) => write!(
                f,
                "the peer takes messages of {size} bytes only, and has to take \
                 {MIN_MAX_MESSAGE_SIZE} at least"
            ),
        }
    }
}

impl std::error::Error for ParametersError {}

/// What the peer has said so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collected {
    /// The label of the one transport, once it is known.
    label: Option<Option<String>>,
    ice: Option<IceParameters>,
    dtls: Option<DtlsParameters>,
    sctp: Option<SctpCapabilities>,
}

impl Collected {
    /// Takes what a message says. Messages of other kinds say nothing about the transports.
    pub(crate) fn add(&mut self, message: &OrtcMessage) -> Result<(), ParametersError> {
        match message {
            OrtcMessage::IceParameters(Labelled { label, value }) => {
                self.check(label.as_deref())?;
                self.ice = Some(value.clone());
            }
            OrtcMessage::DtlsParameters(Labelled { label, value }) => {
                self.check(label.as_deref())?;
                self.dtls = Some(value.clone());
            }
            OrtcMessage::SctpCapabilities(Labelled { label, value }) => {
                self.check(label.as_deref())?;
                if (1..MIN_MAX_MESSAGE_SIZE).contains(&value.max_message_size) {
                    return Err(ParametersError::MaxMessageSize(value.max_message_size));
                }
                self.sctp = Some(*value);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether something with this label is about our transport. One that the peer makes for the handover is
    /// the same one here.
    pub(crate) fn check(&mut self, label: Option<&str>) -> Result<(), ParametersError> {
        let known = self.label.as_ref().map(Option::as_deref);
        match (label, known) {
            (Some(HANDOVER_LABEL), _) => Ok(()),
            (label, Some(known)) if label == known => Ok(()),
            (label, None) => {
                self.label = Some(label.map(str::to_owned));
                Ok(())
            }
            _ => Err(ParametersError::OtherTransport),
        }
    }

    /// The user name fragment that the candidates which come now are for.
    pub(crate) fn username_fragment(&self) -> Option<&str> {
        self.ice.as_ref().map(|ice| ice.username_fragment.as_str())
    }

    /// All that has to be known of the peer, if it is.
    pub(crate) fn complete(&self) -> Option<Parameters> {
        let (ice, dtls, sctp) = (self.ice.as_ref()?, self.dtls.as_ref()?, self.sctp?);
        let fingerprint =
            |DtlsFingerprint { algorithm, value }: &DtlsFingerprint| format!("{algorithm} {value}");
        Some(Parameters {
            ice_ufrag: ice.username_fragment.clone(),
            ice_pwd: ice.password.clone(),
            ice_lite: ice.ice_lite,
            fingerprints: dtls.fingerprints.iter().map(fingerprint).collect(),
            setup: match dtls.role {
                DtlsRole::Auto => Setup::ActPass,
                DtlsRole::Client => Setup::Active,
                DtlsRole::Server => Setup::Passive,
            },
            sctp_port: SCTP_PORT,
            max_message_size: (sctp.max_message_size != 0).then(|| sctp.max_message_size.into()),
        })
    }
}

/// What the peer has to know of ICE.
pub(crate) fn ice(parameters: &Parameters, controlling: bool) -> OrtcMessage {
    let role = if controlling { IceRole::Controlling } else { IceRole::Controlled };
    OrtcMessage::IceParameters(Labelled::none(IceParameters {
        username_fragment: parameters.ice_ufrag.clone(),
        password: parameters.ice_pwd.clone(),
        ice_lite: parameters.ice_lite,
        role: Some(role),
    }))
}

/// What the peer has to know of all transports.
pub(crate) fn all(parameters: &Parameters, controlling: bool) -> Vec<OrtcMessage> {
    let fingerprint = |text: &String| {
        let (algorithm, value) = text.split_once(' ').unwrap_or((text, ""));
        DtlsFingerprint { algorithm: algorithm.into(), value: value.into() }
    };
    let dtls = DtlsParameters {
        role: match parameters.setup {
            Setup::ActPass => DtlsRole::Auto,
            Setup::Active => DtlsRole::Client,
            Setup::Passive => DtlsRole::Server,
        },
        fingerprints: parameters.fingerprints.iter().map(fingerprint).collect(),
    };
    let size = parameters.max_message_size.unwrap_or(0);
    let sctp = SctpCapabilities { max_message_size: size.try_into().unwrap_or(u16::MAX) };
    vec![
        ice(parameters, controlling),
        OrtcMessage::DtlsParameters(Labelled::none(dtls)),
        OrtcMessage::SctpCapabilities(Labelled::none(sctp)),
    ]
}

/// A candidate as the attribute that ICE writes and reads (RFC 8839 section 5.1).
pub(crate) fn attribute(candidate: &IceCandidate) -> String {
    let IceCandidate { foundation, priority, ip, protocol, port, kind, .. } = candidate;
    let (protocol, kind) = (protocol.name(), kind.name());
    format!("candidate:{foundation} 1 {protocol} {priority} {ip} {port} typ {kind}")
}

/// The candidate of such an attribute, which is our own. `None` if the ORTC API has no such candidates.
pub(crate) fn candidate(attribute: &str) -> Option<IceCandidate> {
    let mut words = attribute.strip_prefix("candidate:")?.split(' ');
    let foundation = words.next()?.to_owned();
    let (_component, protocol) = (words.next()?, words.next()?);
    let priority = words.next()?.parse().ok()?;
    let (ip, port) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
    let kind = words.nth(1)?;
    let kind = *IceCandidateType::ALL.iter().find(|known| known.name() == kind)?;
    let (mut related_address, mut related_port) = (None, None);
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        match name {
            "raddr" => related_address = Some(value.to_owned()),
            "rport" => related_port = value.parse().ok(),
            _ => {}
        }
    }
    protocol.eq_ignore_ascii_case("udp").then_some(IceCandidate {
        foundation,
        priority,
        ip,
        protocol: IceProtocol::Udp,
        port,
        kind,
        related_address,
        related_port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> Parameters {
        Parameters {
            ice_ufrag: "abcd".into(),
            ice_pwd: "0123456789012345678901".into(),
            ice_lite: false,
            fingerprints: vec!["sha-256 AA:BB".into(), "sha-512 CC".into()],
            setup: Setup::ActPass,
            sctp_port: SCTP_PORT,
            max_message_size: Some(65_535),
        }
    }

    #[test]
    fn parameters_come_in_any_order_and_say_the_same() {
        for setup in [Setup::ActPass, Setup::Active, Setup::Passive] {
            for max_message_size in [None, Some(1200), Some(65_535)] {
                let ice_lite = max_message_size.is_none();
                let own = Parameters { setup, max_message_size, ice_lite, ..parameters() };
                let messages = all(&own, true);
                for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
                    let mut collected = Collected::default();
                    for index in order {
                        assert_eq!(collected.complete(), None);
                        collected.add(&messages[index]).unwrap();
                    }
                    assert_eq!(collected.complete(), Some(own.clone()));
                }
            }
        }
        let large = Parameters { max_message_size: Some(262_144), ..parameters() };
        let expected = OrtcMessage::SctpCapabilities(Labelled::none(SctpCapabilities {
            max_message_size: 65_535,
        }));
        assert_eq!(all(&large, false)[2], expected);
    }

    #[test]
    fn there_is_one_transport() {
        let labelled = |label: Option<&str>| {
            OrtcMessage::SctpCapabilities(Labelled {
                label: label.map(Into::into),
                value: SctpCapabilities { max_message_size: 512 },
            })
        };
        for first in [None, Some("one")] {
            let mut collected = Collected::default();
            assert_eq!(collected.add(&labelled(Some("handover"))), Ok(()));
            assert_eq!(collected.add(&labelled(first)), Ok(()));
            assert_eq!(collected.add(&labelled(first)), Ok(()));
            let other = collected.add(&labelled(Some("two")));
            assert_eq!(other, Err(ParametersError::OtherTransport));
            assert!(other.unwrap_err().to_string().contains("one only"));
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let mut collected = Collected::default();
        for (size, expected) in
            [(0, Ok(())), (1, Err(ParametersError::MaxMessageSize(1))), (512, Ok(()))]
        {
            let value = SctpCapabilities { max_message_size: size };
            let message = OrtcMessage::SctpCapabilities(Labelled::none(value));
            assert_eq!(collected.add(&message), expected);
        }
    }

    #[test]
    fn candidates_are_the_same_in_both_ways() {
        for text in [
            "candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host",
            "candidate:2 1 udp 1694498815 192.0.2.2 4001 typ srflx raddr 10.0.0.1 rport 4000",
            "candidate:a+b 1 udp 1 2001:db8::1 1 typ relay raddr 192.0.2.2 rport 9 ufrag abcd",
            "candidate:3 1 udp 1 a.local 1 typ prflx generation 0",
        ] {
            let candidate = candidate(text).unwrap();
            let again = super::candidate(&attribute(&candidate)).unwrap();
            assert_eq!(
                again,
                IceCandidate { related_address: None, related_port: None, ..candidate.clone() }
            );
            assert_eq!(candidate.related_port.is_some(), text.contains("rport"));
            assert_eq!(candidate.related_address.is_some(), text.contains("raddr"));
        }
        assert_eq!(candidate("candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active"), None);
        for bad in ["", "candidate:", "candidate:1 1 udp 1 192.0.2.1 1 typ other", "x"] {
            assert_eq!(candidate(bad), None);
        }
    }
}
