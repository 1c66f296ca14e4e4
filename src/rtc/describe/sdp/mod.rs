//! Session descriptions of a connection that has data channels and nothing else (RFC 8866, RFC 8839,
//! RFC 8841, RFC 8842; offers and answers as in RFC 9429).
//!
//! Only what such a connection needs is read, everything else is skipped; and a description is bounded
//! in size, lines and lists, because it comes from the peer.

mod fuzz;
mod write;

use std::fmt;

#[doc(hidden)]
pub use fuzz::fuzz_description;
pub(crate) use write::Origin;

use super::{Parameters, Setup};
use crate::protocol::UNANNOUNCED_MAX_MESSAGE_SIZE;

impl Setup {
    const fn name(self) -> &'static str {
        match self {
            Self::ActPass => "actpass",
            Self::Active => "active",
            Self::Passive => "passive",
        }
    }
}

/// A session description of the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) parameters: Parameters,
    /// The candidates within the description, as attribute values (`candidate:…`).
    pub(crate) candidates: Vec<String>,
    /// All sections in their order, as an answer has to repeat them.
    sections: Vec<Section>,
    /// Which of the sections is ours.
    index: usize,
    /// It is written as it was before RFC 8841, with `a=sctpmap`.
    old_form: bool,
}

/// The identity of a section of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    media: String,
    protocol: String,
    formats: String,
    mid: Option<String>,
}

/// What is wrong with a session description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SdpError(&'static str);

impl fmt::Display for SdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the session description of the peer cannot be used: {}", self.0)
    }
}

impl std::error::Error for SdpError {}

/// The most bytes that a description may have. Those of browsers with audio, video and all their
/// candidates stay below a quarter of it.
const MAX_BYTES: usize = 64 * 1024;
const MAX_SECTIONS: usize = 32;
const MAX_CANDIDATES: usize = 256;
const MAX_FINGERPRINTS: usize = 16;
/// RFC 8839, section 5.4.
const MAX_ICE_CREDENTIAL: usize = 256;
const MAX_MID: usize = 64;
/// The least that a peer has to take in one message, in bytes. All implementations take thousands. With very
/// small chunks the headers would need many times the memory and bandwidth of the content.
const MIN_MAX_MESSAGE_SIZE: usize = 512;
/// RFC 8832 names no default; all implementations use this one.
pub(crate) const SCTP_PORT: u16 = 5000;

/// The peer wants no data channels, most often because our description was of no use to it.
pub(crate) const REJECTED: SdpError =
    SdpError("it rejects the data channels (m=application with port 0)");

/// The attributes of the session or of one section.
#[derive(Default)]
struct Attributes<'a> {
    ufrag: Option<&'a str>,
    pwd: Option<&'a str>,
    fingerprints: Vec<String>,
    setup: Option<&'a str>,
    mid: Option<&'a str>,
    sctp_port: Option<&'a str>,
    sctpmap: Option<&'a str>,
    max_message_size: Option<&'a str>,
    candidates: Vec<String>,
    bundle_only: bool,
    ice_lite: bool,
}

impl<'a> Attributes<'a> {
    fn add(&mut self, attribute: &'a str) -> Result<(), SdpError> {
        let attribute = attribute.trim();
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        let value = value.trim();
        // If an attribute is repeated the first one counts, as no RFC says what a second one means.
        match name {
            "ice-ufrag" => _ = self.ufrag.get_or_insert(value),
            "ice-pwd" => _ = self.pwd.get_or_insert(value),
            "setup" => _ = self.setup.get_or_insert(value),
            "mid" => _ = self.mid.get_or_insert(value),
            "sctpmap" => _ = self.sctpmap.get_or_insert(value),
            "sctp-port" => _ = self.sctp_port.get_or_insert(value),
            "max-message-size" => _ = self.max_message_size.get_or_insert(value),
            "bundle-only" => self.bundle_only = true,
            "ice-lite" => self.ice_lite = true,
            "fingerprint" if self.fingerprints.len() == MAX_FINGERPRINTS => {
                return Err(SdpError("it has too many fingerprints"));
            }
            "fingerprint" => self.fingerprints.push(value.to_owned()),
            // More of them may come later, too, and are left out without further ado.
            "candidate" if self.candidates.len() == MAX_CANDIDATES => {}
            "candidate" => self.candidates.push(attribute.to_owned()),
            _ => {}
        }
        Ok(())
    }
}

/// One `m=` line and what belongs to it.
struct Media<'a> {
    section: Section,
    port: &'a str,
    attributes: Attributes<'a>,
}

impl<'a> Media<'a> {
    /// Whether this is a section for data channels that the peer wants.
    fn is_data(&self) -> bool {
        self.is_for_data() && (self.port != "0" || self.attributes.bundle_only)
    }

    /// Whether this is a section for data channels.
    fn is_for_data(&self) -> bool {
        self.section.media == "application"
            && matches!(&*self.section.protocol, "UDP/DTLS/SCTP" | "TCP/DTLS/SCTP" | "DTLS/SCTP")
            && (self.section.formats.split(' ').any(|format| format == "webrtc-datachannel")
                || self.old_port().is_some())
    }

    /// The port of SCTP, if this is written as it was before RFC 8841: with the port in place of the format, and
    /// `a=sctpmap` to say what it is for.
    fn old_port(&self) -> Option<&'a str> {
        let mut map = self.attributes.sctpmap?.split_ascii_whitespace();
        let port = map.next().filter(|port| *port == self.section.formats)?;
        (map.next() == Some("webrtc-datachannel")).then_some(port)
    }
}

impl Description {
    /// Reads an offer or an answer.
    pub(crate) fn parse(sdp: &str) -> Result<Self, SdpError> {
        if sdp.len() > MAX_BYTES {
            return Err(SdpError("it is longer than 64 KiB"));
        }
        let (session, mut media) = split(sdp)?;
        let index = media.iter().position(Media::is_data);
        let Some(index) = index else {
            return Err(match media.iter().any(Media::is_for_data) {
                true => REJECTED,
                false => SdpError("it has no section for data channels (m=application)"),
            });
        };
        let old_port = media[index].old_port();
        let old_form = old_port.is_some();
        let data = &mut media[index].attributes;
        data.sctp_port = data.sctp_port.or(old_port);
        let parameters = Parameters::read(&session, data)?;
        let candidates = std::mem::take(&mut data.candidates);
        let sections = media.into_iter().map(|media| media.section).collect();
        Ok(Self { parameters, candidates, sections, index, old_form })
    }

    /// The identification of the section for data channels. Candidates name it.
    pub(crate) fn mid(&self) -> Option<&str> {
        self.sections[self.index].mid.as_deref()
    }

    /// The position of the section for data channels, from 0. Candidates can name this instead.
    pub(crate) const fn index(&self) -> usize {
        self.index
    }
}

impl Parameters {
    fn read(session: &Attributes<'_>, media: &Attributes<'_>) -> Result<Self, SdpError> {
        let ufrag = media.ufrag.or(session.ufrag).ok_or(SdpError("it lacks ice-ufrag"))?;
        let pwd = media.pwd.or(session.pwd).ok_or(SdpError("it lacks ice-pwd"))?;
        let fingerprints = match &media.fingerprints[..] {
            [] => session.fingerprints.clone(),
            fingerprints => fingerprints.to_vec(),
        };
        if fingerprints.is_empty() {
            return Err(SdpError("it lacks a fingerprint"));
        }
        let setup = match media.setup.or(session.setup) {
            // RFC 8842, section 5.1, has no default; RFC 4145 says active.
            None | Some("active") => Setup::Active,
            Some("passive") => Setup::Passive,
            Some("actpass") => Setup::ActPass,
            Some(_) => return Err(SdpError("it has an unknown setup attribute")),
        };
        let sctp_port = match media.sctp_port {
            None => SCTP_PORT,
            Some(port) => number(port)
                .filter(|port| *port != 0)
                .ok_or(SdpError("its sctp-port is not a port"))?,
        };
        let max_message_size = match media.max_message_size {
            None => Some(UNANNOUNCED_MAX_MESSAGE_SIZE),
            Some(size) => {
                let size =
                    number::<u64>(size).ok_or(SdpError("its max-message-size is no number"))?;
                (size != 0).then(|| usize::try_from(size).unwrap_or(usize::MAX))
            }
        };
        if max_message_size.is_some_and(|size| size < MIN_MAX_MESSAGE_SIZE) {
            return Err(SdpError("its max-message-size is less than 512 bytes"));
        }
        Ok(Self {
            ice_ufrag: credential(ufrag, 4).ok_or(SdpError("its ice-ufrag is malformed"))?,
            ice_lite: session.ice_lite,
            ice_pwd: credential(pwd, 22).ok_or(SdpError("its ice-pwd is malformed"))?,
            fingerprints,
            setup,
            sctp_port,
            max_message_size,
        })
    }
}

fn split(sdp: &str) -> Result<(Attributes<'_>, Vec<Media<'_>>), SdpError> {
    let mut session = Attributes::default();
    let mut media: Vec<Media<'_>> = Vec::new();
    let mut lines = sdp.lines();
    if lines.next() != Some("v=0") {
        return Err(SdpError("it does not begin with \"v=0\""));
    }
    for line in lines.filter(|line| !line.is_empty()) {
        let (kind, value) = line.split_once('=').ok_or(SdpError("a line has no \"=\""))?;
        match kind {
            "m" if media.len() == MAX_SECTIONS => {
                return Err(SdpError("it has too many sections"));
            }
            "m" => media.push(section(value)?),
            "a" => {
                let attributes = media.last_mut().map_or(&mut session, |m| &mut m.attributes);
                attributes.add(value)?;
            }
            _ => {}
        }
    }
    for media in &mut media {
        media.section.mid = match media.attributes.mid {
            Some(mid) if mid.is_empty() || mid.len() > MAX_MID || !mid.bytes().all(is_token) => {
                return Err(SdpError("a mid is malformed"));
            }
            mid => mid.map(str::to_owned),
        };
    }
    Ok((session, media))
}

/// The value of an `m=` line.
fn section(value: &str) -> Result<Media<'_>, SdpError> {
    let mut words = value.trim_end().splitn(4, ' ');
    let mut word = || words.next().filter(|word| !word.is_empty());
    let (Some(media), Some(port), Some(protocol), Some(formats)) = (word(), word(), word(), word())
    else {
        return Err(SdpError("an m= line lacks a part"));
    };
    let section = Section {
        media: media.to_owned(),
        protocol: protocol.to_owned(),
        formats: formats.to_owned(),
        mid: None,
    };
    Ok(Media { section, port, attributes: Attributes::default() })
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    // `parse` would take a sign.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `ice-ufrag` and `ice-pwd` (RFC 8839, section 5.4), with the other characters of Base64 that some use.
fn credential(text: &str, min: usize) -> Option<String> {
    let valid = (min..=MAX_ICE_CREDENTIAL).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte));
    valid.then(|| text.to_owned())
}

/// RFC 8866, section 9.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests;
