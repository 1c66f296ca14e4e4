//! RTP capabilities: carried as they are, and looked at only to see whether they have the right form.

use std::fmt;

use super::read::{optional_boolean, optional_number, optional_text};
use crate::protocol::message::{FieldProblem, Fields, MessageError, Payload, is_nil, read_str};
use crate::task::list::list;

/// The type of the message that has them.
pub(super) const MESSAGE: &str = "rtp-capabilities";

/// What can be sent and received over RTP: an `RTCRtpCapabilities` of the ORTC API. It is kept as it is on the
/// wire, so that what this library does not know of is not lost. None of its fields has to be there.
#[derive(Clone, PartialEq, Eq)]
pub struct RtpCapabilities(Payload);

/// A codec: an `RTCRtpCodecCapability` of the ORTC API.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RtpCodec {
    /// The name, for example `opus`.
    pub name: Option<String>,
    /// `audio`, `video`, or another kind of media.
    pub kind: Option<String>,
    /// In Hertz.
    pub clock_rate: Option<u32>,
    /// The payload type that the sender would choose.
    pub preferred_payload_type: Option<u8>,
    /// The longest time that a packet may hold, in milliseconds.
    pub max_ptime: Option<u32>,
    /// The time that a packet should hold, in milliseconds.
    pub ptime: Option<u32>,
    /// How many channels of audio there are.
    pub num_channels: Option<u32>,
    /// The kinds of feedback: type and parameter.
    pub rtcp_feedback: Vec<(Option<String>, Option<String>)>,
    /// Parameters of the codec, a MessagePack map.
    pub parameters: Option<Payload>,
    /// Options of the codec, a MessagePack map.
    pub options: Option<Payload>,
    /// How many temporal layers there can be.
    pub max_temporal_layers: Option<u16>,
    /// How many spatial layers there can be.
    pub max_spatial_layers: Option<u16>,
    /// Whether layers can be in several streams.
    pub svc_multi_stream_support: Option<bool>,
}

/// An extension of the header of RTP: an `RTCRtpHeaderExtension` of the ORTC API.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RtpHeaderExtension {
    /// `audio`, `video`, or another kind of media.
    pub kind: Option<String>,
    /// What names it.
    pub uri: Option<String>,
    /// The id that the sender would choose.
    pub preferred_id: Option<u16>,
    /// Whether the sender would encrypt it.
    pub preferred_encrypt: Option<bool>,
}

impl RtpCapabilities {
    /// Capabilities that are serialised already: a MessagePack map with text keys.
    ///
    /// # Errors
    ///
    /// If it is not exactly that, or if a field of the ORTC API is of another type than there.
    pub fn from_msgpack(map: &[u8]) -> Result<Self, MessageError> {
        let payload = Payload::from_msgpack(map.to_vec()).map_err(|_| MessageError::Malformed)?;
        let capabilities = Self(payload);
        // Spec: O-102 ('rtp-capabilities' Message)
        capabilities.parse_codecs()?;
        capabilities.parse_header_extensions()?;
        capabilities.parse_fec_mechanisms()?;
        Ok(capabilities)
    }

    /// The MessagePack map.
    pub fn as_msgpack(&self) -> &[u8] {
        self.0.as_msgpack()
    }

    /// The field `codecs`.
    pub fn codecs(&self) -> Vec<RtpCodec> {
        self.parse_codecs().expect(CHECKED)
    }

    /// The field `headerExtensions`.
    pub fn header_extensions(&self) -> Vec<RtpHeaderExtension> {
        self.parse_header_extensions().expect(CHECKED)
    }

    /// The field `fecMechanisms`.
    pub fn fec_mechanisms(&self) -> Vec<String> {
        self.parse_fec_mechanisms().expect(CHECKED)
    }

    fn fields(&self) -> Result<Fields<'_>, MessageError> {
        Fields::of_map(self.as_msgpack(), MESSAGE)
    }

    fn parse_codecs(&self) -> Result<Vec<RtpCodec>, MessageError> {
        maps(&self.fields()?, "codecs", |codec| {
            let feedback = |map: Fields<'_>| {
                Ok((optional_text(&map, "type")?, optional_text(&map, "parameter")?))
            };
            Ok(RtpCodec {
                name: optional_text(&codec, "name")?,
                kind: optional_text(&codec, "kind")?,
                clock_rate: optional_number(&codec, "clockRate")?,
                preferred_payload_type: optional_number(&codec, "preferredPayloadType")?,
                max_ptime: optional_number(&codec, "maxptime")?,
                ptime: optional_number(&codec, "ptime")?,
                num_channels: optional_number(&codec, "numChannels")?,
                rtcp_feedback: maps(&codec, "rtcpFeedback", feedback)?,
                parameters: map(&codec, "parameters")?,
                options: map(&codec, "options")?,
                max_temporal_layers: optional_number(&codec, "maxTemporalLayers")?,
                max_spatial_layers: optional_number(&codec, "maxSpatialLayers")?,
                svc_multi_stream_support: optional_boolean(&codec, "svcMultiStreamSupport")?,
            })
        })
    }

    fn parse_header_extensions(&self) -> Result<Vec<RtpHeaderExtension>, MessageError> {
        maps(&self.fields()?, "headerExtensions", |extension| {
            Ok(RtpHeaderExtension {
                kind: optional_text(&extension, "kind")?,
                uri: optional_text(&extension, "uri")?,
                preferred_id: optional_number(&extension, "preferredId")?,
                preferred_encrypt: optional_boolean(&extension, "preferredEncrypt")?,
            })
        })
    }

    fn parse_fec_mechanisms(&self) -> Result<Vec<String>, MessageError> {
        let fields = self.fields()?;
        let not = || fields.error("fecMechanisms", FieldProblem::NotA("an array of texts"));
        let text = |item| read_str(item).map(str::to_owned).ok_or_else(not);
        items(&fields, "fecMechanisms")?.into_iter().map(text).collect()
    }
}

const CHECKED: &str = "it was checked when it was made";

/// The items of a list that may be missing.
fn items<'a>(fields: &Fields<'a>, name: &'static str) -> Result<Vec<&'a [u8]>, MessageError> {
    match fields.optional(name) {
        None => Ok(Vec::new()),
        Some(nil) if is_nil(nil) => Ok(Vec::new()),
        Some(_) => list(fields, name),
    }
}

/// What `read` makes of the maps of a list that may be missing.
fn maps<T>(
    fields: &Fields<'_>,
    name: &'static str,
    read: impl Fn(Fields<'_>) -> Result<T, MessageError>,
) -> Result<Vec<T>, MessageError> {
    items(fields, name)?.into_iter().map(|item| read(fields.entry(item, name)?)).collect()
}

/// A map that may be missing, as it is.
fn map(fields: &Fields<'_>, name: &'static str) -> Result<Option<Payload>, MessageError> {
    let value = fields.optional(name).filter(|value| !is_nil(value));
    let Some(value) = value else { return Ok(None) };
    fields.nested(name)?;
    Ok(Payload::from_msgpack(value.to_vec()).ok())
}

impl fmt::Debug for RtpCapabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RtpCapabilities({} bytes)", self.as_msgpack().len())
    }
}
