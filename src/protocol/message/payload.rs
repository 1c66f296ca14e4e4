//! What applications send: any MessagePack value, kept as its bytes.

use std::fmt;

use bytes::Bytes;
use rmp::encode as write;

use super::fields::{read_bin, read_str, split_value};

/// Bytes that were to be sent as MessagePack are not exactly one MessagePack value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadError;

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the data is not exactly one MessagePack value")
    }
}

impl std::error::Error for PayloadError {}

/// How many bytes beside its own a value may keep alive.
const SHARED_WASTE: usize = 256;

/// One MessagePack value. Binary data and text are unwrapped for those who need nothing else; the
/// library does not look inside other values.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Bytes);

impl Payload {
    /// A value of the MessagePack type `Bin`.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut data = Vec::with_capacity(bytes.len() + 5);
        write::write_bin(&mut data, bytes).expect("memory can be written");
        Self(data.into())
    }

    /// A value of the MessagePack type `Str`.
    pub fn from_text(text: &str) -> Self {
        let mut data = Vec::with_capacity(text.len() + 5);
        write::write_str(&mut data, text).expect("memory can be written");
        Self(data.into())
    }

    /// Any value, already serialised. It has to be exactly one value.
    // Spec: P-281 ('application' Message)
    pub fn from_msgpack(data: impl Into<Bytes>) -> Result<Self, PayloadError> {
        let data = data.into();
        // Spec: R-014 (Sending a Message)
        match split_value(&data) {
            Ok((_, [])) => Ok(Self(data)),
            _ => Err(PayloadError),
        }
    }

    /// A value that was split off a message. It shares the memory of the message if it is most of it;
    /// otherwise it is copied, so that a small value does not keep a large message alive.
    pub(crate) fn from_value(message: &Bytes, value: &[u8]) -> Self {
        if value.len() + SHARED_WASTE < message.len() {
            Self(Bytes::copy_from_slice(value))
        } else {
            Self(message.slice_ref(value))
        }
    }

    /// The serialised value.
    pub fn as_msgpack(&self) -> &[u8] {
        &self.0
    }

    /// The content, if the value is of the type `Bin`.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        read_bin(&self.0)
    }

    /// The content, if the value is of the type `Str` and valid UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        read_str(&self.0)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_text_are_wrapped_and_unwrapped() {
        for size in [0, 1, 31, 32, 255, 256, 70_000] {
            let payload = Payload::from_bytes(&vec![7; size]);
            assert_eq!(payload.as_bytes().unwrap(), vec![7; size]);
            assert_eq!(payload.as_text(), None);
            let payload = Payload::from_text(&"x".repeat(size));
            assert_eq!(payload.as_text().unwrap(), "x".repeat(size));
            assert_eq!(payload.as_bytes(), None);
        }
    }

    #[test]
    fn msgpack_has_to_be_exactly_one_value() {
        assert!(Payload::from_msgpack(vec![0xc0]).is_ok());
        assert_eq!(Payload::from_msgpack(vec![]), Err(PayloadError));
        assert_eq!(Payload::from_msgpack(vec![0xc0, 0xc0]), Err(PayloadError));
        assert_eq!(Payload::from_msgpack(vec![0x92, 0xc0]), Err(PayloadError));
        let not_utf8 = Payload::from_msgpack(vec![0xa1, 0xff]).unwrap();
        assert_eq!(not_utf8.as_text(), None, "passed on as it is, but not as text");
    }

    #[test]
    fn a_value_does_not_keep_a_much_larger_message_alive() {
        let message = Bytes::from(vec![0; 10_000]);
        for (length, shared) in [(1, false), (5000, false), (9800, true), (10_000, true)] {
            let value = Payload::from_value(&message, &message[..length]);
            assert_eq!(value.as_msgpack(), &message[..length]);
            assert_eq!(value.as_msgpack().as_ptr() == message.as_ptr(), shared, "{length}");
        }
    }

    #[test]
    fn content_does_not_show_in_debug_output() {
        assert!(!format!("{:?}", Payload::from_text("secret")).contains("secret"));
    }
}
