//! The messages of the ORTC task (ORTC task, *Client-to-Client Messages*).

use std::fmt;

use rmp::encode as write;

use super::dtls::DtlsParameters;
use super::ice::{IceCandidate, IceParameters};
use super::names::HANDOVER_LABEL;
use super::read::{optional_text, write_text};
use super::rtp::{self, RtpCapabilities};
use super::sctp::{DataChannelParameters, SctpCapabilities};
use crate::protocol::message::{Fields, MapWriter, MessageError, Payload};
use crate::task::list::{MAX_ITEMS, filled_list, list};

/// Something of one of several transports, senders or channels, which labels tell apart.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Labelled<T> {
    /// Which of them it is for. `None` if there is one only.
    pub label: Option<String>,
    /// What it is.
    pub value: T,
}

impl<T> Labelled<T> {
    /// Without a label.
    pub const fn none(value: T) -> Self {
        Self { label: None, value }
    }

    /// With a label.
    pub fn new(label: impl Into<String>, value: T) -> Self {
        Self { label: Some(label.into()), value }
    }

    fn parse(
        fields: &Fields<'_>,
        parse: impl FnOnce(&Fields<'_>) -> Result<T, MessageError>,
    ) -> Result<Self, MessageError> {
        Ok(Self { value: parse(fields)?, label: optional_text(fields, "label")? })
    }

    fn write(&self, write: impl FnOnce(&T) -> MapWriter) -> Vec<u8> {
        // Spec: O-069 ('ice-parameters' Message)
        // Spec: O-076 ('ice-candidates' Message)
        // Spec: O-093 ('dtls-parameters' Message)
        // Spec: O-100 ('rtp-capabilities' Message)
        // Spec: O-106 ('sctp-capabilities' Message)
        // Spec: O-112 ('dc-parameters' Message)
        write_text(write(&self.value), "label", self.label.as_deref()).finish()
    }

    fn size(&self, value: impl FnOnce(&T) -> usize) -> usize {
        std::mem::size_of_val(self)
            + self.label.as_ref().map_or(0, String::len)
            + value(&self.value)
    }
}

/// Leaves out the label, which the peer may have chosen, so that it gets into no log.
impl<T: fmt::Debug> fmt::Debug for Labelled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A message of the ORTC task; 'handover' is not among them, which says nothing but its name. Both sides may send
/// each of them at any time.
// Spec: O-064 ('ice-parameters' Message)
// Spec: O-073 ('ice-candidates' Message)
// Spec: O-090 ('dtls-parameters' Message)
// Spec: O-097 ('rtp-capabilities' Message)
// Spec: O-104 ('sctp-capabilities' Message)
// Spec: O-110 ('dc-parameters' Message)
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrtcMessage {
    /// 'ice-parameters'
    IceParameters(Labelled<IceParameters>),
    /// 'ice-candidates': at least one, and at most [`MAX_ITEMS`](Self::MAX_ITEMS). `None` says that there are no
    /// more.
    IceCandidates(Vec<Labelled<Option<IceCandidate>>>),
    /// 'dtls-parameters'
    DtlsParameters(Labelled<DtlsParameters>),
    /// 'rtp-capabilities', at most [`MAX_ITEMS`](Self::MAX_ITEMS).
    RtpCapabilities(Vec<Labelled<RtpCapabilities>>),
    /// 'sctp-capabilities'
    SctpCapabilities(Labelled<SctpCapabilities>),
    /// 'dc-parameters'
    DataChannelParameters(Labelled<DataChannelParameters>),
}

/// The type of the message with candidates.
pub(super) const ICE_CANDIDATES: &str = "ice-candidates";
/// The field that they are in.
pub(super) const CANDIDATES: &str = "candidates";
const CAPABILITIES: &str = "capabilities";

impl OrtcMessage {
    /// The most items in a list of a message. A bound of this library.
    pub const MAX_ITEMS: usize = MAX_ITEMS;

    /// The type of the message.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::IceParameters(_) => "ice-parameters",
            Self::IceCandidates(_) => ICE_CANDIDATES,
            Self::DtlsParameters(_) => "dtls-parameters",
            Self::RtpCapabilities(_) => rtp::MESSAGE,
            Self::SctpCapabilities(_) => "sctp-capabilities",
            Self::DataChannelParameters(_) => "dc-parameters",
        }
    }

    /// Parses a serialised MessagePack map.
    ///
    /// # Errors
    ///
    /// What is wrong with it, if it is not a valid message of one of these types.
    pub fn parse(data: &[u8]) -> Result<Self, MessageError> {
        Self::from_fields(Fields::parse(data)?)
    }

    /// Parses a message that was taken apart already.
    pub(super) fn from_fields(fields: Fields<'_>) -> Result<Self, MessageError> {
        Ok(match fields.kind() {
            "ice-parameters" => {
                let fields = fields.of_type("ice-parameters")?;
                Self::IceParameters(Labelled::parse(&fields, IceParameters::parse)?)
            }
            ICE_CANDIDATES => {
                let fields = fields.of_type(ICE_CANDIDATES)?;
                let entry =
                    |item| Labelled::parse(&fields.entry(item, CANDIDATES)?, IceCandidate::parse);
                // Spec: O-087 ('ice-candidates' Message)
                let items = filled_list(&fields, CANDIDATES)?.into_iter();
                Self::IceCandidates(items.map(entry).collect::<Result<_, _>>()?)
            }
            "dtls-parameters" => {
                let fields = fields.of_type("dtls-parameters")?;
                Self::DtlsParameters(Labelled::parse(&fields, DtlsParameters::parse)?)
            }
            rtp::MESSAGE => {
                let fields = fields.of_type(rtp::MESSAGE)?;
                let entry = |item| {
                    Labelled::parse(&fields.entry(item, CAPABILITIES)?, |entry| {
                        entry.nested(CAPABILITIES)?;
                        RtpCapabilities::from_msgpack(entry.required(CAPABILITIES)?)
                    })
                };
                // Spec: O-101 ('rtp-capabilities' Message)
                let items = list(&fields, CAPABILITIES)?.into_iter();
                Self::RtpCapabilities(items.map(entry).collect::<Result<_, _>>()?)
            }
            "sctp-capabilities" => {
                let fields = fields.of_type("sctp-capabilities")?;
                Self::SctpCapabilities(Labelled::parse(&fields, SctpCapabilities::parse)?)
            }
            "dc-parameters" => {
                let fields = fields.of_type("dc-parameters")?;
                Self::DataChannelParameters(Labelled::parse(&fields, DataChannelParameters::parse)?)
            }
            _ => return Err(fields.unexpected()),
        })
    }

    /// Serialises the message. What has no value is left out.
    pub fn serialise(&self) -> Vec<u8> {
        let message = || MapWriter::message(self.kind());
        match self {
            Self::IceParameters(parameters) => parameters.write(|value| value.write(message())),
            // Spec: O-075 ('ice-candidates' Message)
            Self::IceCandidates(candidates) => {
                message().raw(CANDIDATES, &array(candidates, Self::candidate)).finish()
            }
            Self::DtlsParameters(parameters) => parameters.write(|value| value.write(message())),
            // Spec: O-098 ('rtp-capabilities' Message)
            Self::RtpCapabilities(capabilities) => {
                let entry = |entry: &Labelled<RtpCapabilities>| {
                    // Spec: O-099 ('rtp-capabilities' Message)
                    entry.write(|map| MapWriter::default().raw(CAPABILITIES, map.as_msgpack()))
                };
                message().raw(CAPABILITIES, &array(capabilities, entry)).finish()
            }
            Self::SctpCapabilities(capabilities) => {
                capabilities.write(|value| value.write(message()))
            }
            Self::DataChannelParameters(parameters) => {
                parameters.write(|value| value.write(message()))
            }
        }
    }

    /// One item of 'ice-candidates'.
    pub(super) fn candidate(candidate: &Labelled<Option<IceCandidate>>) -> Vec<u8> {
        candidate.write(|candidate| {
            MapWriter::default().raw("candidate", &IceCandidate::serialise(candidate.as_ref()))
        })
    }

    /// The items of 'ice-candidates', if it is that.
    pub(super) fn candidates(&self) -> Option<Vec<Payload>> {
        let Self::IceCandidates(candidates) = self else { return None };
        let item = |candidate| {
            Payload::from_msgpack(Self::candidate(candidate)).expect("a map is one value")
        };
        Some(candidates.iter().map(item).collect())
    }

    /// Whether all in the message has the label `handover`: it is about a transport that is for the signalling
    /// channel alone.
    #[must_use]
    pub fn is_for_handover(&self) -> bool {
        let labels = self.labels();
        !labels.is_empty() && labels.into_iter().all(|label| label == Some(HANDOVER_LABEL))
    }

    pub(super) fn labels(&self) -> Vec<Option<&str>> {
        match self {
            Self::IceParameters(Labelled { label, .. })
            | Self::DtlsParameters(Labelled { label, .. })
            | Self::SctpCapabilities(Labelled { label, .. })
            | Self::DataChannelParameters(Labelled { label, .. }) => vec![label.as_deref()],
            Self::IceCandidates(items) => items.iter().map(|item| item.label.as_deref()).collect(),
            Self::RtpCapabilities(items) => {
                items.iter().map(|item| item.label.as_deref()).collect()
            }
        }
    }

    pub(super) fn labels_mut(&mut self) -> Vec<&mut Option<String>> {
        match self {
            Self::IceParameters(Labelled { label, .. })
            | Self::DtlsParameters(Labelled { label, .. })
            | Self::SctpCapabilities(Labelled { label, .. })
            | Self::DataChannelParameters(Labelled { label, .. }) => vec![label],
            Self::IceCandidates(items) => items.iter_mut().map(|item| &mut item.label).collect(),
            Self::RtpCapabilities(items) => items.iter_mut().map(|item| &mut item.label).collect(),
        }
    }

    /// Bytes of memory that come from the peer.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::IceParameters(parameters) => parameters.size(IceParameters::size),
            Self::IceCandidates(candidates) => {
                let size = |candidate: &Option<IceCandidate>| {
                    candidate.as_ref().map_or(0, IceCandidate::size)
                };
                candidates.iter().map(|item| item.size(size)).sum()
            }
            Self::DtlsParameters(parameters) => parameters.size(DtlsParameters::size),
            Self::RtpCapabilities(items) => {
                items.iter().map(|item| item.size(|map| map.as_msgpack().len())).sum()
            }
            Self::SctpCapabilities(capabilities) => capabilities.size(|_| 0),
            Self::DataChannelParameters(parameters) => parameters.size(DataChannelParameters::size),
        }
    }
}

/// An array of what `write` makes of `items`.
fn array<T>(items: &[T], write: impl Fn(&T) -> Vec<u8>) -> Vec<u8> {
    let mut array = Vec::new();
    write::write_array_len(&mut array, items.len() as u32).expect("memory can be written");
    items.iter().for_each(|item| array.extend_from_slice(&write(item)));
    array
}
