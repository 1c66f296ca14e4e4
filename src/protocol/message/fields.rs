//! Reading and writing the MessagePack maps that messages are.
//!
//! [`Fields`] takes a message apart into its fields without interpreting them; each message type
//! then asks for the fields it knows. Unknown fields are ignored, as every deployed peer does.
//! [`MapWriter`] is the other direction.

use std::fmt;
use std::ops::Range;

use rmp::Marker;
use rmp::encode as write;

/// What is wrong with the content of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageError {
    /// The data is not one MessagePack map with text keys.
    NotAMap,
    /// The map has more fields than any message.
    TooManyFields,
    /// The MessagePack data ends early, goes on after its end, or is malformed.
    Malformed,
    /// The same field is there twice. Of its name, this is the beginning.
    Repeated(String),
    /// There is no type field, or it is not text.
    NoType,
    /// The message type, of which this is the beginning, is not one that may come here.
    UnexpectedType(String),
    /// A field is missing, or has a value that it may not have.
    Field {
        /// The message type.
        message: &'static str,
        /// The name of the field.
        field: &'static str,
        /// What is wrong with it.
        problem: FieldProblem,
    },
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldProblem {
    /// The field is not there.
    Missing,
    /// The field belongs to the other role and may not be there.
    NotAllowed,
    /// The value is of another type than the one named here.
    NotA(&'static str),
    /// The value has the right type but not one of the allowed values.
    Invalid(&'static str),
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAMap => f.write_str("the message is not a MessagePack map with text keys"),
            Self::TooManyFields => f.write_str("the message has too many fields"),
            Self::Malformed => f.write_str("the message is not valid MessagePack"),
            Self::Repeated(field) => write!(f, "the message has the field {field:?} twice"),
            Self::NoType => f.write_str("the message has no type"),
            Self::UnexpectedType(kind) => write!(f, "unexpected message of type {kind:?}"),
            Self::Field { message, field, problem } => match problem {
                FieldProblem::Missing => write!(f, "{message:?} lacks the field {field:?}"),
                FieldProblem::NotAllowed => {
                    write!(f, "{message:?} may not have the field {field:?} here")
                }
                FieldProblem::NotA(what) => {
                    write!(f, "the field {field:?} of {message:?} is not {what}")
                }
                FieldProblem::Invalid(why) => {
                    write!(f, "the field {field:?} of {message:?} {why}")
                }
            },
        }
    }
}

impl std::error::Error for MessageError {}

/// How many fields a message may have, those included that nobody knows. None that is specified has a dozen.
const MAX_FIELDS: u32 = 256;
/// How many items an array in a message may have: the longest one that is specified is of all ids of data channels.
const MAX_ITEMS: u32 = 1 << 16;

/// Splits the first MessagePack value off `data`: (value, rest). Iterative, so that nested data
/// cannot exhaust the stack.
pub(crate) fn split_value(data: &[u8]) -> Result<(&[u8], &[u8]), MessageError> {
    fn take(rest: &mut &[u8], count: usize) -> Result<(), MessageError> {
        *rest = rest.get(count..).ok_or(MessageError::Malformed)?;
        Ok(())
    }
    fn length(rest: &mut &[u8], bytes: usize) -> Result<usize, MessageError> {
        let (number, after) = rest.split_at_checked(bytes).ok_or(MessageError::Malformed)?;
        *rest = after;
        Ok(number.iter().fold(0, |n, byte| n << 8 | usize::from(*byte)))
    }

    let mut rest = data;
    let mut open: u64 = 1;
    while open > 0 {
        open -= 1;
        let (&first, after) = rest.split_first().ok_or(MessageError::Malformed)?;
        rest = after;
        match Marker::from_u8(first) {
            Marker::FixPos(_) | Marker::FixNeg(_) => {}
            Marker::Null | Marker::True | Marker::False => {}
            Marker::U8 | Marker::I8 => take(&mut rest, 1)?,
            Marker::U16 | Marker::I16 => take(&mut rest, 2)?,
            Marker::U32 | Marker::I32 | Marker::F32 => take(&mut rest, 4)?,
            Marker::U64 | Marker::I64 | Marker::F64 => take(&mut rest, 8)?,
            Marker::FixStr(n) => take(&mut rest, n.into())?,
            Marker::Str8 | Marker::Bin8 => {
                let n = length(&mut rest, 1)?;
                take(&mut rest, n)?;
            }
            Marker::Str16 | Marker::Bin16 => {
                let n = length(&mut rest, 2)?;
                take(&mut rest, n)?;
            }
            Marker::Str32 | Marker::Bin32 => {
                let n = length(&mut rest, 4)?;
                take(&mut rest, n)?;
            }
            Marker::FixArray(n) => open += u64::from(n),
            Marker::Array16 => open += length(&mut rest, 2)? as u64,
            Marker::Array32 => open += length(&mut rest, 4)? as u64,
            Marker::FixMap(n) => open += 2 * u64::from(n),
            Marker::Map16 => open += 2 * length(&mut rest, 2)? as u64,
            Marker::Map32 => open += 2 * length(&mut rest, 4)? as u64,
            Marker::FixExt1 => take(&mut rest, 2)?,
            Marker::FixExt2 => take(&mut rest, 3)?,
            Marker::FixExt4 => take(&mut rest, 5)?,
            Marker::FixExt8 => take(&mut rest, 9)?,
            Marker::FixExt16 => take(&mut rest, 17)?,
            Marker::Ext8 => {
                let n = length(&mut rest, 1)?;
                take(&mut rest, n.checked_add(1).ok_or(MessageError::Malformed)?)?;
            }
            Marker::Ext16 => {
                let n = length(&mut rest, 2)?;
                take(&mut rest, n.checked_add(1).ok_or(MessageError::Malformed)?)?;
            }
            Marker::Ext32 => {
                let n = length(&mut rest, 4)?;
                take(&mut rest, n.checked_add(1).ok_or(MessageError::Malformed)?)?;
            }
            Marker::Reserved => return Err(MessageError::Malformed),
        }
        // Each open value needs a byte at least: a lying length is found here, not at the end of a
        // loop over four thousand million values.
        if open > rest.len() as u64 {
            return Err(MessageError::Malformed);
        }
    }
    Ok(data.split_at(data.len() - rest.len()))
}

/// Reads a text value.
pub(crate) fn read_str(value: &[u8]) -> Option<&str> {
    // Spec: P-099 (Client-to-Server Messages)
    // Spec: P-219 (Client-to-Client Messages)
    match rmp::decode::read_str_from_slice(value) {
        Ok((text, [])) => Some(text),
        _ => None,
    }
}

/// Reads a binary value.
pub(crate) fn read_bin(mut value: &[u8]) -> Option<&[u8]> {
    let length = rmp::decode::read_bin_len(&mut value).ok()?;
    (value.len() == length as usize).then_some(value)
}

/// Reads an unsigned integer of any width.
pub(crate) fn read_uint(mut value: &[u8]) -> Option<u64> {
    let number = rmp::decode::read_int(&mut value).ok()?;
    value.is_empty().then_some(number)
}

/// Iterates over the values of an array.
pub(crate) fn read_array(mut value: &[u8]) -> Option<Vec<&[u8]>> {
    let length = rmp::decode::read_array_len(&mut value).ok()?;
    if length > MAX_ITEMS {
        return None;
    }
    let mut items = Vec::new();
    for _ in 0..length {
        let (item, rest) = split_value(value).ok()?;
        items.push(item);
        value = rest;
    }
    value.is_empty().then_some(items)
}

/// Iterates over the entries of a map with text keys.
pub(crate) fn read_map(mut value: &[u8]) -> Result<Vec<(&str, &[u8])>, MessageError> {
    let length = rmp::decode::read_map_len(&mut value).map_err(|_| MessageError::NotAMap)?;
    let mut entries: Vec<(&str, &[u8])> = Vec::new();
    for _ in 0..length {
        let (key, rest) = split_value(value)?;
        let (item, rest) = split_value(rest)?;
        entries.push((read_str(key).ok_or(MessageError::NotAMap)?, item));
        value = rest;
    }
    if !value.is_empty() {
        return Err(MessageError::Malformed);
    }
    let mut names: Vec<&str> = entries.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(MessageError::Repeated(beginning(pair[0])));
    }
    Ok(entries)
}

/// `value` is `nil`.
pub(crate) fn is_nil(value: &[u8]) -> bool {
    value == [Marker::Null.to_u8()]
}

/// As much of a text from somewhere else as belongs into an error.
fn beginning(text: &str) -> String {
    text.chars().take(64).collect()
}

/// A message taken apart into its type and its fields.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    kind: &'a str,
    message: &'static str,
    entries: Vec<(&'a str, &'a [u8])>,
}

/// Where the type and the fields of a message are within it.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    kind: Range<usize>,
    entries: Vec<(Range<usize>, Range<usize>)>,
}

impl Layout {
    /// The message that this is the layout of, taken apart.
    pub(crate) fn fields<'a>(&self, message: &'a [u8]) -> Fields<'a> {
        let text = |range: &Range<usize>| {
            std::str::from_utf8(&message[range.clone()]).expect("it was read as a text before")
        };
        let entry =
            |(name, value): &(Range<usize>, Range<usize>)| (text(name), &message[value.clone()]);
        Fields {
            kind: text(&self.kind),
            message: "",
            entries: self.entries.iter().map(entry).collect(),
        }
    }

    /// The type of the message.
    pub(crate) fn kind<'a>(&self, message: &'a [u8]) -> &'a str {
        std::str::from_utf8(&message[self.kind.clone()]).expect("it was read as a text before")
    }
}

impl<'a> Fields<'a> {
    /// Where everything is in `message`, which was taken apart to this.
    pub(crate) fn layout(&self, message: &'a [u8]) -> Layout {
        let range = |part: &[u8]| {
            let start = part.as_ptr().addr() - message.as_ptr().addr();
            start..start + part.len()
        };
        let entry = |(name, value): &(&str, &[u8])| (range(name.as_bytes()), range(value));
        Layout {
            kind: range(self.kind.as_bytes()),
            entries: self.entries.iter().map(entry).collect(),
        }
    }

    /// Takes a serialised message apart.
    pub(crate) fn parse(data: &'a [u8]) -> Result<Self, MessageError> {
        // Strangers send messages too. What they can make us do is bounded before anything is done.
        if rmp::decode::read_map_len(&mut &data[..]).is_ok_and(|fields| fields > MAX_FIELDS) {
            return Err(MessageError::TooManyFields);
        }
        let entries = read_map(data)?;
        // Spec: P-101 (Client-to-Server Messages)
        // Spec: P-221 (Client-to-Client Messages)
        let kind = entries.iter().find(|(name, _)| *name == "type");
        let kind = kind.and_then(|(_, value)| read_str(value)).ok_or(MessageError::NoType)?;
        Ok(Self { kind, message: "", entries })
    }

    /// Takes a serialised map apart that is no message of its own, but belongs to `message`.
    pub(crate) fn of_map(data: &'a [u8], message: &'static str) -> Result<Self, MessageError> {
        Ok(Self { kind: "", message, entries: read_map(data)? })
    }

    /// The type of the message.
    pub(crate) fn kind(&self) -> &'a str {
        self.kind
    }

    /// The message is not one that may come here.
    pub(crate) fn unexpected(&self) -> MessageError {
        MessageError::UnexpectedType(beginning(self.kind))
    }

    /// Goes on only if the message is of type `kind`.
    pub(crate) fn of_type(mut self, kind: &'static str) -> Result<Self, MessageError> {
        // Spec: P-103 (Client-to-Server Messages)
        // Spec: P-223 (Client-to-Client Messages)
        if self.kind != kind {
            return Err(self.unexpected());
        }
        self.message = kind;
        Ok(self)
    }

    /// The MessagePack of a field, if the field is there.
    // Spec: P-100 (Client-to-Server Messages)
    // Spec: P-220 (Client-to-Client Messages)
    // A field that is `nil` is there, and none of the types below takes it.
    pub(crate) fn optional(&self, name: &str) -> Option<&'a [u8]> {
        self.entries.iter().find(|(field, _)| *field == name).map(|(_, value)| *value)
    }

    /// The MessagePack of a field that has to be there.
    pub(crate) fn required(&self, name: &'static str) -> Result<&'a [u8], MessageError> {
        // Spec: P-102 (Client-to-Server Messages)
        // Spec: P-222 (Client-to-Client Messages)
        self.optional(name).ok_or_else(|| self.error(name, FieldProblem::Missing))
    }

    /// An error about a field of this message.
    pub(crate) fn error(&self, field: &'static str, problem: FieldProblem) -> MessageError {
        MessageError::Field { message: self.message, field, problem }
    }

    /// Fails if a field is there.
    pub(crate) fn absent(&self, name: &'static str) -> Result<(), MessageError> {
        match self.optional(name) {
            None => Ok(()),
            Some(_) => Err(self.error(name, FieldProblem::NotAllowed)),
        }
    }

    /// Binary data of exactly `N` bytes.
    pub(crate) fn bytes<const N: usize>(
        &self,
        name: &'static str,
    ) -> Result<[u8; N], MessageError> {
        let value = self.binary(name)?;
        value
            .try_into()
            .map_err(|_| self.error(name, FieldProblem::Invalid("does not have the right length")))
    }

    /// Binary data of any length.
    pub(crate) fn binary(&self, name: &'static str) -> Result<&'a [u8], MessageError> {
        read_bin(self.required(name)?)
            .ok_or_else(|| self.error(name, FieldProblem::NotA("binary data")))
    }

    /// A non-negative integer.
    pub(crate) fn uint(&self, name: &'static str) -> Result<u64, MessageError> {
        read_uint(self.required(name)?)
            .ok_or_else(|| self.error(name, FieldProblem::NotA("a non-negative integer")))
    }

    /// Text.
    pub(crate) fn text(&self, name: &'static str) -> Result<&'a str, MessageError> {
        read_str(self.required(name)?).ok_or_else(|| self.error(name, FieldProblem::NotA("text")))
    }

    /// A boolean.
    pub(crate) fn boolean(&self, name: &'static str) -> Result<bool, MessageError> {
        match self.required(name)? {
            [0xc2] => Ok(false),
            [0xc3] => Ok(true),
            _ => Err(self.error(name, FieldProblem::NotA("a boolean"))),
        }
    }

    /// An array, as the MessagePack of its items.
    pub(crate) fn array(&self, name: &'static str) -> Result<Vec<&'a [u8]>, MessageError> {
        read_array(self.required(name)?)
            .ok_or_else(|| self.error(name, FieldProblem::NotA("an array")))
    }

    /// An array of texts.
    pub(crate) fn texts(&self, name: &'static str) -> Result<Vec<&'a str>, MessageError> {
        self.array(name)?
            .into_iter()
            .map(|item| {
                read_str(item)
                    .ok_or_else(|| self.error(name, FieldProblem::NotA("an array of texts")))
            })
            .collect()
    }

    /// A map with text keys, as the MessagePack of its values.
    pub(crate) fn map(&self, name: &'static str) -> Result<Vec<(&'a str, &'a [u8])>, MessageError> {
        self.nested(name).map(|fields| fields.entries)
    }

    /// A map with text keys, as its fields.
    pub(crate) fn nested(&self, name: &'static str) -> Result<Self, MessageError> {
        Self::of_map(self.required(name)?, self.message)
            .map_err(|_| self.error(name, FieldProblem::NotA("a map with text keys")))
    }
}

impl Fields<'_> {
    /// A map with text keys that is an item of the array `name`, as its fields.
    pub(crate) fn entry<'a>(
        &self,
        item: &'a [u8],
        name: &'static str,
    ) -> Result<Fields<'a>, MessageError> {
        Fields::of_map(item, self.message).map_err(|_| {
            self.error(name, FieldProblem::Invalid("has an item that is not a map with text keys"))
        })
    }
}

/// Writes one MessagePack map. Integers take as few bytes as they can.
pub(crate) struct MapWriter {
    fields: u32,
    /// Where the map begins: with a byte for the number of fields, which is known at the end.
    start: usize,
    data: Vec<u8>,
}

// Writing to a `Vec` cannot fail.
const INFALLIBLE: &str = "memory can be written";

impl MapWriter {
    /// A map behind what is in `buffer`.
    fn behind(mut buffer: Vec<u8>) -> Self {
        let start = buffer.len();
        buffer.push(0);
        Self { fields: 0, start, data: buffer }
    }

    /// A message of type `kind`.
    pub(crate) fn message(kind: &str) -> Self {
        Self::default().text("type", kind)
    }

    /// A message of type `kind`, behind what is in `buffer`.
    pub(crate) fn message_in(buffer: Vec<u8>, kind: &str) -> Self {
        Self::behind(buffer).text("type", kind)
    }

    fn key(mut self, name: &str) -> Self {
        self.fields += 1;
        write::write_str(&mut self.data, name).expect(INFALLIBLE);
        self
    }

    pub(crate) fn raw(self, name: &str, value: &[u8]) -> Self {
        let mut map = self.key(name);
        map.data.extend_from_slice(value);
        map
    }

    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        let mut map = self.key(name);
        write::write_str(&mut map.data, value).expect(INFALLIBLE);
        map
    }

    /// Text, or `nil`.
    pub(crate) fn optional_text(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, &[Marker::Null.to_u8()]),
        }
    }

    pub(crate) fn binary(self, name: &str, value: &[u8]) -> Self {
        let mut map = self.key(name);
        // Spec: P-097 P-098 (Client-to-Server Messages)
        // Spec: P-217 P-218 (Client-to-Client Messages)
        write::write_bin(&mut map.data, value).expect(INFALLIBLE);
        map
    }

    pub(crate) fn uint(self, name: &str, value: u64) -> Self {
        let mut map = self.key(name);
        write::write_uint(&mut map.data, value).expect(INFALLIBLE);
        map
    }

    pub(crate) fn boolean(self, name: &str, value: bool) -> Self {
        let mut map = self.key(name);
        write::write_bool(&mut map.data, value).expect(INFALLIBLE);
        map
    }

    pub(crate) fn texts<T: AsRef<str>>(self, name: &str, values: &[T]) -> Self {
        let mut map = self.key(name);
        write::write_array_len(&mut map.data, values.len() as u32).expect(INFALLIBLE);
        for value in values {
            write::write_str(&mut map.data, value.as_ref()).expect(INFALLIBLE);
        }
        map
    }

    pub(crate) fn uints(self, name: &str, values: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut map = self.key(name);
        write::write_array_len(&mut map.data, values.len() as u32).expect(INFALLIBLE);
        for value in values {
            write::write_uint(&mut map.data, value).expect(INFALLIBLE);
        }
        map
    }

    // Spec: P-053 (Sending a Signalling Message)
    pub(crate) fn finish(mut self) -> Vec<u8> {
        match u8::try_from(self.fields) {
            Ok(fields @ 0..=15) => self.data[self.start] = Marker::FixMap(fields).to_u8(),
            _ => {
                let mut header = Vec::new();
                write::write_map_len(&mut header, self.fields).expect(INFALLIBLE);
                self.data.splice(self.start..=self.start, header);
            }
        }
        self.data
    }
}

impl Default for MapWriter {
    fn default() -> Self {
        Self::behind(Vec::with_capacity(128))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value_bytes(value: &rmpv::Value) -> Vec<u8> {
        let mut data = Vec::new();
        rmpv::encode::write_value(&mut data, value).unwrap();
        data
    }

    #[test]
    fn values_of_every_kind_and_size_are_split_off_exactly() {
        use rmpv::Value;
        let sizes = [0usize, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536];
        let mut values = vec![Value::Nil, true.into(), 1.5f32.into(), 1.5f64.into()];
        values.extend(
            [0i64, -1, -32, -33, 127, 128, -129, 70_000, -70_000, i64::MIN, i64::MAX]
                .map(Value::from),
        );
        values.push(u64::MAX.into());
        for n in sizes {
            values.push(vec![7u8; n].into());
            values.push("x".repeat(n).into());
            values.push(Value::Array(vec![1.into(); n]));
            values.push(Value::Map((0..n).map(|i| ((i as u64).into(), Value::Nil)).collect()));
            values.push(Value::Ext(5, vec![0; n]));
        }
        for value in values {
            let mut data = value_bytes(&value);
            let length = data.len();
            for cut in [0, 1, length / 2, length - 1] {
                if cut < length {
                    assert_eq!(split_value(&data[..cut]), Err(MessageError::Malformed));
                }
            }
            data.extend([0xc0, 0xc1]);
            let (first, rest) = split_value(&data).unwrap();
            assert_eq!((first.len(), rest), (length, &[0xc0, 0xc1][..]));
        }
        assert_eq!(split_value(&[0xc1]), Err(MessageError::Malformed));
    }

    #[test]
    fn deep_nesting_and_lying_lengths_end_quickly() {
        let deep = [vec![0x91; 1 << 20], vec![0xc0]].concat();
        assert_eq!(split_value(&deep).unwrap().0.len(), deep.len());
        assert_eq!(
            split_value(&[0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0]),
            Err(MessageError::Malformed)
        );
        assert_eq!(
            split_value(&[0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0]),
            Err(MessageError::Malformed)
        );
        assert_eq!(split_value(&[0xc6, 0xff, 0xff, 0xff, 0xff]), Err(MessageError::Malformed));
        assert_eq!(split_value(&[0xc9, 0xff, 0xff, 0xff, 0xff]), Err(MessageError::Malformed));
    }

    /// Covers P-097 P-101 P-217 P-221.
    #[test]
    fn messages_are_maps_with_text_keys_and_a_type() {
        let error = |data: &[u8]| Fields::parse(data).unwrap_err();
        assert_eq!(error(&[]), MessageError::NotAMap);
        assert_eq!(error(&[0x90]), MessageError::NotAMap);
        assert_eq!(error(&[0x80]), MessageError::NoType);
        assert_eq!(error(&[0x81, 0x01, 0x01]), MessageError::NotAMap);
        let nil_type = MapWriter::default().raw("type", &[0xc0]).finish();
        assert_eq!(error(&nil_type), MessageError::NoType);
        let twice = MapWriter::message("x").text("type", "y").finish();
        assert_eq!(error(&twice), MessageError::Repeated("type".into()));
        let name = "é".repeat(100_000);
        let long = MapWriter::message("x").text(&name, "").text(&name, "").finish();
        assert_eq!(error(&long), MessageError::Repeated("é".repeat(64)));
        let mut trailing = MapWriter::message("x").finish();
        trailing.push(0xc0);
        assert_eq!(error(&trailing), MessageError::Malformed);
        assert_eq!(Fields::parse(&MapWriter::message("x").finish()).unwrap().kind(), "x");
    }

    /// The rest is not looked at: it is not even there.
    #[test]
    fn too_many_fields_are_refused_by_their_number_alone() {
        let map = |fields: u32| [&[0xdf][..], &fields.to_be_bytes()].concat();
        assert_eq!(Fields::parse(&map(MAX_FIELDS)).unwrap_err(), MessageError::Malformed);
        for fields in [MAX_FIELDS + 1, 170_000, u32::MAX] {
            assert_eq!(Fields::parse(&map(fields)).unwrap_err(), MessageError::TooManyFields);
        }
        let array = |items: u32| {
            let nils = vec![0xc0; items as usize];
            [&[0xdd][..], &items.to_be_bytes(), &nils].concat()
        };
        assert_eq!(read_array(&array(MAX_ITEMS)).unwrap().len(), MAX_ITEMS as usize);
        assert_eq!(read_array(&array(MAX_ITEMS + 1)), None);
    }

    /// Covers P-099 P-219.
    #[test]
    fn text_has_to_be_utf_8() {
        let data = MapWriter::default().raw("type", &[0xa2, 0xff, 0xfe]).finish();
        assert_eq!(Fields::parse(&data).unwrap_err(), MessageError::NoType);
    }

    /// Up to 15 fields their number takes one byte, and then three.
    #[test]
    fn a_map_can_have_any_number_of_fields_and_stand_behind_something_else() {
        for count in [0, 1, 15, 16, 70_000_u32] {
            let names: Vec<String> = (0..count).map(|n| n.to_string()).collect();
            let write =
                |map: MapWriter| names.iter().fold(map, |map, name| map.uint(name, 7)).finish();
            let map = write(MapWriter::default());
            let entries = read_map(&map).unwrap();
            assert!(entries.iter().map(|(name, _)| *name).eq(names.iter()));
            let behind = write(MapWriter::behind(vec![1, 2, 3]));
            assert_eq!(behind, [&[1, 2, 3], &map[..]].concat());
        }
    }
}
