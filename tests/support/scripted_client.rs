//! A client that does exactly what a test tells it to: right or wrong, message by message.
//!
//! It has its own idea of the wire format, built from MessagePack values and not from the message
//! types of the library, so that a mistake in those does not cancel out. Everything that comes from
//! the server is checked on the way: nonces, encryption, and that no field is `nil`.

use rmpv::Value;
use saltyrtc::crypto::{KeyPair, OsRandom, PublicKey, RandomSource, SharedKey};

pub(crate) const SUBPROTOCOL: &str = "v1.saltyrtc.org";

/// Makes a message from its fields.
pub(crate) fn map(fields: Vec<(&str, Value)>) -> Value {
    Value::Map(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// Replaces, adds or (with `None`) removes a field.
pub(crate) fn with_field(message: &Value, name: &str, value: Option<Value>) -> Value {
    let mut fields = message.as_map().unwrap().clone();
    fields.retain(|(field, _)| field.as_str() != Some(name));
    fields.extend(value.map(|value| (name.into(), value)));
    Value::Map(fields)
}

/// The value of a field.
pub(crate) fn field<'a>(message: &'a Value, name: &str) -> Option<&'a Value> {
    message.as_map()?.iter().find(|(field, _)| field.as_str() == Some(name)).map(|(_, value)| value)
}

pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut data = Vec::new();
    rmpv::encode::write_value(&mut data, value).unwrap();
    data
}

fn decode(mut data: &[u8]) -> Value {
    let value = rmpv::decode::read_value(&mut data).unwrap();
    assert!(data.is_empty(), "nothing follows the message");
    for (name, value) in value.as_map().expect("messages are maps") {
        assert!(name.is_str() && !value.is_nil(), "{name} is {value}");
    }
    value
}

/// See the module.
pub(crate) struct ScriptedClient {
    pub(crate) keys: KeyPair,
    pub(crate) cookie: [u8; 16],
    /// The sequence number of the next message to the server.
    pub(crate) sequence: u64,
    /// What goes into the source address.
    pub(crate) address: u8,
    /// The server's session key and cookie, and the last sequence number that came.
    pub(crate) server: Option<(PublicKey, [u8; 16], u64)>,
}

impl ScriptedClient {
    pub(crate) fn new(keys: KeyPair) -> Self {
        let random: &mut dyn RandomSource = &mut OsRandom;
        Self {
            keys,
            cookie: random.array(),
            sequence: u32::from_be_bytes(random.array()).into(),
            address: 0,
            server: None,
        }
    }

    /// A client with a new key pair.
    pub(crate) fn generate() -> Self {
        Self::new(KeyPair::generate(&mut OsRandom))
    }

    /// A nonce to anybody. Numbers to the server are counted; others are not looked at by a server.
    pub(crate) fn nonce(&mut self, destination: u8) -> [u8; 24] {
        let mut nonce = [0; 24];
        nonce[..16].copy_from_slice(&self.cookie);
        nonce[16..].copy_from_slice(&self.sequence.to_be_bytes());
        (nonce[16], nonce[17]) = (self.address, destination);
        self.sequence += u64::from(destination == 0);
        nonce
    }

    fn shared(&self) -> SharedKey {
        SharedKey::new(&self.server.expect("server-hello came").0, self.keys.secret())
    }

    /// An unencrypted message to the server.
    pub(crate) fn plain(&mut self, message: &Value) -> Vec<u8> {
        [&self.nonce(0)[..], &encode(message)].concat()
    }

    /// An encrypted message to the server.
    pub(crate) fn sealed(&mut self, message: &Value) -> Vec<u8> {
        self.sealed_bytes(&encode(message))
    }

    /// Encrypted data for the server that need not be a message.
    pub(crate) fn sealed_bytes(&mut self, data: &[u8]) -> Vec<u8> {
        let nonce = self.nonce(0);
        [&nonce[..], &self.shared().seal(&nonce, data)].concat()
    }

    /// A message to another client; the server does not care what is in it.
    pub(crate) fn relay(&mut self, destination: u8, data: &[u8]) -> Vec<u8> {
        [&self.nonce(destination)[..], data].concat()
    }

    pub(crate) fn client_hello(&self) -> Value {
        let key = self.keys.public().as_bytes().to_vec();
        map(vec![("type", "client-hello".into()), ("key", key.into())])
    }

    pub(crate) fn client_auth(&self) -> Value {
        map(vec![
            ("type", "client-auth".into()),
            ("your_cookie", self.server.expect("server-hello came").1.to_vec().into()),
            ("subprotocols", Value::Array(vec![SUBPROTOCOL.into()])),
            ("ping_interval", 0.into()),
        ])
    }

    pub(crate) fn drop_responder(id: u8, reason: Option<u16>) -> Value {
        let message = map(vec![("type", "drop-responder".into()), ("id", id.into())]);
        with_field(&message, "reason", reason.map(Value::from))
    }

    /// Takes the nonce of a message of the server apart: (destination, data).
    fn check_nonce<'m>(&mut self, message: &'m [u8]) -> (u8, [u8; 24], &'m [u8]) {
        let (nonce, data) = message.split_first_chunk::<24>().expect("a nonce");
        assert!(!data.is_empty());
        assert_eq!(nonce[16], 0, "the server is the source");
        let number = nonce[18..].iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        match &mut self.server {
            None => assert_eq!(number >> 32, 0, "overflow number"),
            Some((_, cookie, last)) => {
                assert_eq!(nonce[..16], cookie[..], "the cookie of the server stays");
                assert_eq!(number, *last + 1, "sequence numbers count by one");
                *last = number;
            }
        }
        (nonce[17], *nonce, data)
    }

    /// Takes in 'server-hello'.
    pub(crate) fn receive_hello(&mut self, message: &[u8]) -> Value {
        let (destination, nonce, data) = self.check_nonce(message);
        assert_eq!(destination, 0);
        let hello = decode(data);
        assert_eq!(field(&hello, "type"), Some(&"server-hello".into()));
        let key = field(&hello, "key").and_then(Value::as_slice).expect("a binary key");
        let number = nonce[18..].iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        let cookie = nonce[..16].try_into().unwrap();
        self.server = Some((PublicKey::from_slice(key).unwrap(), cookie, number));
        hello
    }

    /// Opens any later message of the server. The first of them assigns the address.
    pub(crate) fn open(&mut self, message: &[u8]) -> Value {
        let (destination, nonce, data) = self.check_nonce(message);
        if self.address == 0 {
            self.address = destination;
        }
        assert_eq!(destination, self.address, "messages go to the assigned address");
        decode(&self.shared().open(&nonce, data).expect("boxed with session and permanent key"))
    }

    /// Opens `signed_keys` of a 'server-auth' message, and checks what is in it.
    pub(crate) fn check_signed_keys(&self, message: &[u8], auth: &Value, permanent: &PublicKey) {
        let signed = field(auth, "signed_keys").and_then(Value::as_slice).expect("signed keys");
        assert_eq!(signed.len(), 80);
        let nonce = message[..24].try_into().unwrap();
        let keys = SharedKey::new(permanent, self.keys.secret()).open(nonce, signed).unwrap();
        let session = self.server.unwrap().0;
        assert_eq!(keys, [*session.as_bytes(), *self.keys.public().as_bytes()].concat());
    }
}
