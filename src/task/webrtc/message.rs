//! The messages of the WebRTC task, and what is in them (WebRTC task, *Client-to-Client Messages*).

use std::fmt;

use rmp::encode as write;

use crate::protocol::message::{
    FieldProblem, Fields, MapWriter, MessageError, Payload, is_nil, read_str, read_uint,
};
use crate::task::list::{MAX_ITEMS, filled_list};

const NIL: [u8; 1] = [0xc0];

/// The type of a session description: an `RTCSdpType` of the WebRTC API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SdpType {
    /// `offer`
    Offer,
    /// `pranswer`: an answer that may be followed by another.
    PrAnswer,
    /// `answer`
    Answer,
    /// `rollback`: goes back to before the last offer.
    Rollback,
}

impl SdpType {
    const ALL: [Self; 4] = [Self::Offer, Self::PrAnswer, Self::Answer, Self::Rollback];

    /// The name in the WebRTC API and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::PrAnswer => "pranswer",
            Self::Answer => "answer",
            Self::Rollback => "rollback",
        }
    }

    /// The type with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for SdpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A session description: an `RTCSessionDescription` of the WebRTC API. Only one of the type
/// [`Rollback`](SdpType::Rollback) can be without SDP.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionDescription {
    kind: SdpType,
    sdp: Option<String>,
}

impl SessionDescription {
    /// A description with SDP, which is not looked into.
    pub fn new(kind: SdpType, sdp: impl Into<String>) -> Self {
        Self { kind, sdp: Some(sdp.into()) }
    }

    /// A rollback without SDP.
    pub const fn rollback() -> Self {
        Self { kind: SdpType::Rollback, sdp: None }
    }

    /// The type.
    pub const fn kind(&self) -> SdpType {
        self.kind
    }

    /// The SDP; `None` only if the type is [`Rollback`](SdpType::Rollback).
    pub fn sdp(&self) -> Option<&str> {
        self.sdp.as_deref()
    }

    /// The type and the SDP.
    pub fn into_parts(self) -> (SdpType, Option<String>) {
        (self.kind, self.sdp)
    }

    /// Bytes of memory that come from the peer.
    pub(crate) fn size(&self) -> usize {
        self.sdp.as_ref().map_or(0, String::len)
    }

    fn parse(message: &Fields<'_>, name: &'static str) -> Result<Self, MessageError> {
        // Spec: W-060 ('offer' Message)
        // Spec: W-068 ('answer' Message)
        let fields = message.nested(name)?;
        // Spec: W-061 ('offer' Message)
        // Spec: W-069 ('answer' Message)
        let kind = SdpType::from_name(fields.text("type")?).ok_or_else(|| {
            fields.error("type", FieldProblem::Invalid("is not a type of session descriptions"))
        })?;
        let absent = fields.optional("sdp").is_none_or(is_nil);
        // Spec: W-063 ('offer' Message)
        // Spec: W-071 ('answer' Message)
        if kind == SdpType::Rollback && absent {
            return Ok(Self::rollback());
        }
        // Spec: W-062 ('offer' Message)
        // Spec: W-070 ('answer' Message)
        Ok(Self::new(kind, fields.text("sdp")?))
    }

    fn serialise(&self, name: &'static str) -> Vec<u8> {
        let map = MapWriter::default().text("type", self.kind.name());
        // Peers written in JavaScript expect the field also where it may be left out.
        let map = map.optional_text("sdp", self.sdp());
        MapWriter::message(name).raw(name, &map.finish()).finish()
    }
}

impl fmt::Debug for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionDescription({}, {} bytes)", self.kind, self.size())
    }
}

/// An ICE candidate: an `RTCIceCandidateInit` of the WebRTC API.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Candidate {
    /// The `candidate-attribute` of SDP, or an empty text: there are no more of this ICE generation.
    /// Not looked into.
    pub candidate: String,
    /// The media stream identification of the media description that the candidate is for.
    pub sdp_mid: Option<String>,
    /// The index, from 0, of the media description that the candidate is for.
    pub sdp_m_line_index: Option<u16>,
    /// The ICE username fragment.
    pub username_fragment: Option<String>,
}

impl Candidate {
    fn parse(value: &[u8]) -> Result<Self, MessageError> {
        // Spec: W-084 ('candidates' Message)
        let fields = Fields::of_map(value, "candidates")?;
        // Peers written in Java leave it out.
        let username_fragment = match fields.optional("usernameFragment") {
            None => None,
            Some(_) => optional_text(&fields, "usernameFragment")?,
        };
        let index = fields.required("sdpMLineIndex")?;
        let sdp_m_line_index = if is_nil(index) {
            None
        } else {
            let number = read_uint(index).and_then(|number| u16::try_from(number).ok());
            let not =
                || fields.error("sdpMLineIndex", FieldProblem::NotA("a 16 bit number or nil"));
            Some(number.ok_or_else(not)?)
        };
        Ok(Self {
            candidate: fields.text("candidate")?.to_owned(),
            sdp_mid: optional_text(&fields, "sdpMid")?,
            sdp_m_line_index,
            username_fragment,
        })
    }

    fn serialise(&self) -> Vec<u8> {
        let map = MapWriter::default()
            // Spec: W-079 ('candidates' Message)
            .text("candidate", &self.candidate)
            // Spec: W-080 ('candidates' Message)
            .optional_text("sdpMid", self.sdp_mid.as_deref());
        // Spec: W-081 ('candidates' Message)
        let map = match self.sdp_m_line_index {
            Some(index) => map.uint("sdpMLineIndex", index.into()),
            None => map.raw("sdpMLineIndex", &NIL),
        };
        // Spec: W-082 ('candidates' Message)
        map.optional_text("usernameFragment", self.username_fragment.as_deref()).finish()
    }

    pub(crate) fn size(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.candidate.len() + length(&self.sdp_mid) + length(&self.username_fragment)
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({} bytes)", self.size())
    }
}

fn optional_text(fields: &Fields<'_>, name: &'static str) -> Result<Option<String>, MessageError> {
    let value = fields.required(name)?;
    if is_nil(value) {
        return Ok(None);
    }
    let text = read_str(value);
    let text = text.ok_or_else(|| fields.error(name, FieldProblem::NotA("text or nil")))?;
    Ok(Some(text.to_owned()))
}

/// What a 'candidates' message carries: 1 to [`MAX`](Self::MAX) candidates. `None` among them says
/// that there are no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates(Vec<Option<Candidate>>);

impl Candidates {
    /// The most candidates that a message may have. A bound of this library: a candidate takes many
    /// times the memory of the one byte that it can have in a message.
    pub const MAX: usize = MAX_ITEMS;

    /// Candidates for one message; `None` if there are none, or more than [`MAX`](Self::MAX).
    pub fn new(candidates: Vec<Option<Candidate>>) -> Option<Self> {
        (1..=Self::MAX).contains(&candidates.len()).then_some(Self(candidates))
    }

    /// The type of the message, and the name of the field in it.
    pub(crate) const MESSAGE: &'static str = "candidates";

    /// One item of the message.
    pub(crate) fn item(candidate: &Option<Candidate>) -> Payload {
        // Spec: W-078 ('candidates' Message)
        let item = candidate.as_ref().map_or(NIL.to_vec(), Candidate::serialise);
        Payload::from_msgpack(item).expect("a map or nil")
    }

    /// The candidates.
    pub fn into_inner(self) -> Vec<Option<Candidate>> {
        self.0
    }

    /// Bytes of memory that come from the peer.
    pub(crate) fn size_of(candidates: &[Option<Candidate>]) -> usize {
        let texts = candidates.iter().flatten().map(Candidate::size);
        std::mem::size_of_val(candidates) + texts.sum::<usize>()
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, MessageError> {
        let invalid = |why| fields.error("candidates", FieldProblem::Invalid(why));
        let item = |item| match item {
            nil if is_nil(nil) => Ok(None),
            map => Candidate::parse(map).map(Some),
        };
        // Spec: W-083 ('candidates' Message)
        let items = filled_list(fields, "candidates")?.into_iter();
        let candidates =
            items.map(item).collect::<Result<_, _>>().map_err(|error| match error {
                MessageError::Field { .. } => error,
                _ => invalid("has an item that is neither a map with text keys nor nil"),
            })?;
        Ok(Self(candidates))
    }

    fn serialise(&self) -> Vec<u8> {
        let mut array = Vec::new();
        // Spec: W-077 ('candidates' Message)
        write::write_array_len(&mut array, self.0.len() as u32).expect("memory can be written");
        for candidate in &self.0 {
            array.extend_from_slice(Self::item(candidate).as_msgpack());
        }
        MapWriter::message(Self::MESSAGE).raw(Self::MESSAGE, &array).finish()
    }
}

/// A message of the WebRTC task; 'handover' is not among them, which says nothing but its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebRtcMessage {
    /// 'offer', which only initiators send.
    Offer(SessionDescription),
    /// 'answer', which only responders send.
    Answer(SessionDescription),
    /// 'candidates'
    Candidates(Candidates),
}

impl WebRtcMessage {
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
        match fields.kind() {
            // Spec: W-064 ('offer' Message)
            "offer" => {
                SessionDescription::parse(&fields.of_type("offer")?, "offer").map(Self::Offer)
            }
            // Spec: W-072 ('answer' Message)
            "answer" => {
                SessionDescription::parse(&fields.of_type("answer")?, "answer").map(Self::Answer)
            }
            "candidates" => Candidates::parse(&fields.of_type("candidates")?).map(Self::Candidates),
            _ => Err(fields.unexpected()),
        }
    }

    /// Serialises the message. Every field is written, as `nil` if it has no value.
    pub fn serialise(&self) -> Vec<u8> {
        match self {
            Self::Offer(description) => description.serialise("offer"),
            Self::Answer(description) => description.serialise("answer"),
            Self::Candidates(candidates) => candidates.serialise(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmpv::Value;

    fn text(text: &str) -> Value {
        text.into()
    }

    fn map(entries: Vec<(&str, Value)>) -> Value {
        Value::Map(entries.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    fn encode(value: &Value) -> Vec<u8> {
        let mut data = Vec::new();
        rmpv::encode::write_value(&mut data, value).unwrap();
        data
    }

    fn decode(data: &[u8]) -> Value {
        rmpv::decode::read_value(&mut &data[..]).unwrap()
    }

    fn parse(value: &Value) -> Result<WebRtcMessage, String> {
        WebRtcMessage::parse(&encode(value)).map_err(|error| error.to_string())
    }

    fn described(kind: &'static str, content: Value) -> Value {
        map(vec![("type", text(kind)), (kind, content)])
    }

    fn candidate() -> Vec<(&'static str, Value)> {
        vec![
            ("candidate", text("candidate:1 1 udp 1 192.0.2.1 1 typ host")),
            ("sdpMid", text("data")),
            ("sdpMLineIndex", 0.into()),
            ("usernameFragment", text("abcdefgh")),
        ]
    }

    fn with(name: &'static str, value: Option<Value>) -> Value {
        let mut entries = candidate();
        entries.retain(|(field, _)| *field != name);
        entries.extend(value.map(|value| (name, value)));
        described("candidates", Value::Array(vec![map(entries)]))
    }

    /// Covers W-060 W-061 W-062 W-068 W-069 W-070.
    #[test]
    fn descriptions_look_like_the_examples_of_the_specification() {
        let offer = SessionDescription::new(SdpType::Offer, "...");
        let expected = map(vec![("type", text("offer")), ("sdp", text("..."))]);
        let data = WebRtcMessage::Offer(offer).serialise();
        assert_eq!(decode(&data), described("offer", expected));

        let answer = SessionDescription::new(SdpType::Answer, "...");
        let expected = map(vec![("type", text("answer")), ("sdp", text("..."))]);
        let data = WebRtcMessage::Answer(answer).serialise();
        assert_eq!(decode(&data), described("answer", expected));
    }

    /// Covers W-061 W-063 W-064 W-069 W-071 W-072.
    #[test]
    fn every_type_of_description_comes_in_offers_and_answers() {
        for kind in SdpType::ALL {
            let content =
                map(vec![("type", text(kind.name())), ("sdp", text("v=0")), ("more", Value::Nil)]);
            let expected = SessionDescription::new(kind, "v=0");
            assert_eq!(
                parse(&described("offer", content.clone())),
                Ok(WebRtcMessage::Offer(expected.clone()))
            );
            assert_eq!(
                parse(&described("answer", content)),
                Ok(WebRtcMessage::Answer(expected.clone()))
            );
        }
        let rollback = SessionDescription::rollback();
        for sdp in [vec![], vec![("sdp", Value::Nil)]] {
            let content = map([vec![("type", text("rollback"))], sdp].concat());
            assert_eq!(
                parse(&described("offer", content.clone())),
                Ok(WebRtcMessage::Offer(rollback.clone()))
            );
            assert_eq!(
                parse(&described("answer", content)),
                Ok(WebRtcMessage::Answer(rollback.clone()))
            );
        }
        let data = decode(&WebRtcMessage::Offer(rollback).serialise());
        let content = map(vec![("type", text("rollback")), ("sdp", Value::Nil)]);
        assert_eq!(data, described("offer", content), "the field is there, for JavaScript");
    }

    /// Covers W-064 W-072.
    #[test]
    fn malformed_descriptions_are_refused() {
        let cases = [
            (Value::Nil, "is not a map"),
            (text("v=0"), "is not a map"),
            (Value::Array(vec![]), "is not a map"),
            (Value::Map(vec![(1.into(), Value::Nil)]), "is not a map with text keys"),
            (map(vec![]), "lacks the field \"type\""),
            (map(vec![("sdp", text("v=0"))]), "lacks the field \"type\""),
            (map(vec![("type", 1.into()), ("sdp", text(""))]), "\"type\""),
            (map(vec![("type", text("Offer")), ("sdp", text(""))]), "\"type\""),
            (map(vec![("type", text("")), ("sdp", text(""))]), "\"type\""),
            (map(vec![("type", text("offer"))]), "lacks the field \"sdp\""),
            (map(vec![("type", text("offer")), ("sdp", Value::Nil)]), "\"sdp\""),
            (map(vec![("type", text("pranswer")), ("sdp", Value::Nil)]), "\"sdp\""),
            (map(vec![("type", text("answer")), ("sdp", 1.into())]), "\"sdp\""),
            (map(vec![("type", text("rollback")), ("sdp", 1.into())]), "\"sdp\""),
            (map(vec![("type", text("offer")), ("sdp", Value::Binary(vec![]))]), "\"sdp\""),
        ];
        for (content, expected) in cases {
            for kind in ["offer", "answer"] {
                let error = parse(&described(kind, content.clone())).unwrap_err();
                assert!(error.contains(expected), "{content}: {error}");
                assert!(error.contains(&format!("{kind:?}")), "{content}: {error}");
            }
        }
        for kind in ["offer", "answer", "candidates"] {
            let error = parse(&map(vec![("type", text(kind))])).unwrap_err();
            assert_eq!(error, format!("{kind:?} lacks the field {kind:?}"));
        }
        assert!(parse(&map(vec![("type", text("handover"))])).unwrap_err().contains("unexpected"));
    }

    /// Covers W-077 W-078 W-079 W-080 W-081 W-082.
    #[test]
    fn candidates_look_like_the_example_of_the_specification() {
        let full = Candidate {
            candidate: "...".into(),
            sdp_mid: Some("data".into()),
            sdp_m_line_index: Some(0),
            username_fragment: Some("abcdefgh".into()),
        };
        let bare = Candidate { candidate: "".into(), ..Candidate::default() };
        let list = vec![Some(full), Some(bare), None];
        let message = WebRtcMessage::Candidates(Candidates::new(list).unwrap());
        let expected = Value::Array(vec![
            map(vec![
                ("candidate", text("...")),
                ("sdpMid", text("data")),
                ("sdpMLineIndex", 0.into()),
                ("usernameFragment", text("abcdefgh")),
            ]),
            map(vec![
                ("candidate", text("")),
                ("sdpMid", Value::Nil),
                ("sdpMLineIndex", Value::Nil),
                ("usernameFragment", Value::Nil),
            ]),
            Value::Nil,
        ]);
        assert_eq!(decode(&message.serialise()), described("candidates", expected));
        assert_eq!(WebRtcMessage::parse(&message.serialise()), Ok(message));
    }

    /// Covers W-084.
    #[test]
    fn fields_of_candidates_have_their_types_and_extremes() {
        let good = [
            ("candidate", Some(text(""))),
            ("sdpMid", Some(Value::Nil)),
            ("sdpMLineIndex", Some(Value::Nil)),
            ("sdpMLineIndex", Some(65_535.into())),
            ("usernameFragment", Some(Value::Nil)),
            ("usernameFragment", None),
            ("unknown", Some(Value::Nil)),
        ];
        for (name, value) in good {
            assert!(parse(&with(name, value.clone())).is_ok(), "{name}: {value:?}");
        }
        let bad = [
            ("candidate", None),
            ("candidate", Some(Value::Nil)),
            ("candidate", Some(Value::Binary(vec![]))),
            ("sdpMid", None),
            ("sdpMid", Some(0.into())),
            ("sdpMLineIndex", None),
            ("sdpMLineIndex", Some(65_536.into())),
            ("sdpMLineIndex", Some((-1).into())),
            ("sdpMLineIndex", Some(0.5.into())),
            ("sdpMLineIndex", Some(text("0"))),
            ("usernameFragment", Some(0.into())),
            ("usernameFragment", Some(false.into())),
        ];
        for (name, value) in bad {
            let error = parse(&with(name, value.clone())).unwrap_err();
            assert!(error.contains(&format!("{name:?}")), "{name}: {value:?}: {error}");
            assert!(error.contains("\"candidates\""), "{name}: {value:?}: {error}");
        }
    }

    /// Covers W-083 W-084.
    #[test]
    fn malformed_lists_of_candidates_are_refused() {
        let many = |count| Value::Array(vec![Value::Nil; count]);
        let cases = [
            (many(0), "is empty"),
            (many(1025), "has more than 1024 items"),
            (many(100_000), "has more than 1024 items"),
            (Value::Nil, "is not an array"),
            (map(candidate()), "is not an array"),
            (Value::Array(vec![text("candidate:1")]), "neither a map with text keys nor nil"),
            (Value::Array(vec![Value::Nil, Value::Array(vec![])]), "neither a map"),
            (Value::Array(vec![Value::Map(vec![(1.into(), 1.into())])]), "neither a map"),
            (Value::Array(vec![map(vec![])]), "lacks the field"),
        ];
        for (content, expected) in cases {
            let error = parse(&described("candidates", content)).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(parse(&described("candidates", many(1024))).is_ok());
        assert_eq!(Candidates::new(vec![]), None);
        assert_eq!(Candidates::new(vec![None; 1025]), None);
        let mut twice = candidate();
        twice.push(("sdpMid", text("other")));
        assert!(parse(&described("candidates", Value::Array(vec![map(twice)]))).is_err());
    }

    #[test]
    fn content_does_not_show_in_debug_output() {
        let secret = "a=ice-pwd:secret";
        let description = SessionDescription::new(SdpType::Offer, secret);
        assert_eq!(format!("{description:?}"), "SessionDescription(offer, 16 bytes)");
        let candidate = Candidate { candidate: secret.into(), ..Candidate::default() };
        assert_eq!(format!("{candidate:?}"), "Candidate(16 bytes)");
    }
}
