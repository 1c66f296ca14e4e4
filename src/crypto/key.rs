//! Public keys, secret keys, key pairs and authentication tokens.

use std::fmt;

use zeroize::Zeroizing;

use super::backend::rustcrypto;
use super::secret::{Secret, without_traces};
use super::{KEY_BYTES, RandomSource};

/// Why bytes or text are not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// A key has 32 bytes; this many were given.
    Bytes(usize),
    /// The hexadecimal form of a key has 64 digits; this many characters were given.
    HexLength(usize),
    /// A character is not a hexadecimal digit.
    HexDigit,
    /// A public key that makes every shared key the same, whoever uses it.
    LowOrder,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(n) => write!(f, "a key has {KEY_BYTES} bytes, not {n}"),
            Self::HexLength(n) => {
                write!(f, "a key in hexadecimal has {} digits, not {n}", KEY_BYTES * 2)
            }
            Self::HexDigit => f.write_str("a key in hexadecimal has the digits 0-9 and a-f only"),
            Self::LowOrder => f.write_str("not a usable public key: nobody can have made it"),
        }
    }
}

impl std::error::Error for KeyError {}

fn from_hex(text: &str, bytes: &mut [u8; KEY_BYTES]) -> Result<(), KeyError> {
    if text.chars().count() != KEY_BYTES * 2 {
        return Err(KeyError::HexLength(text.chars().count()));
    }
    let digit = |c: u8| (c as char).to_digit(16).ok_or(KeyError::HexDigit);
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let &[high, low] = pair else { return Err(KeyError::HexDigit) };
        *byte = (digit(high)? * 16 + digit(low)?) as u8;
    }
    Ok(())
}

fn secret_from_hex(text: &str) -> Result<Secret, KeyError> {
    let mut result = Ok(());
    let secret = Secret::filled(|bytes| result = from_hex(text, bytes));
    result.map(|()| secret)
}

fn to_hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The points of Curve25519 whose order divides 8, in every encoding below 2^255.
const LOW_ORDER: [[u8; KEY_BYTES]; 7] = {
    const fn filled(first: u8, middle: u8, last: u8) -> [u8; KEY_BYTES] {
        let mut point = [middle; KEY_BYTES];
        point[0] = first;
        point[KEY_BYTES - 1] = last;
        point
    }
    [
        filled(0x00, 0x00, 0x00),
        filled(0x01, 0x00, 0x00),
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f,
            0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16,
            0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83,
            0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd,
            0xd0, 0x9f, 0x11, 0x57,
        ],
        filled(0xec, 0xff, 0x7f),
        filled(0xed, 0xff, 0x7f),
        filled(0xee, 0xff, 0x7f),
    ]
};

/// The public half of a NaCl key pair.
///
/// The initiator's public permanent key is also the signalling path (in lowercase hexadecimal), so
/// anybody who knows a path knows this key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; KEY_BYTES]);

impl PublicKey {
    /// The key with these bytes. Keys of low order are refused: a box made with one can be opened by
    /// anybody.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Result<Self, KeyError> {
        // X25519 ignores the highest bit.
        let mut point = bytes;
        point[KEY_BYTES - 1] &= 0x7f;
        if LOW_ORDER.contains(&point) { Err(KeyError::LowOrder) } else { Ok(Self(bytes)) }
    }

    /// The key in `bytes`, which must be 32.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::from_bytes(bytes.try_into().map_err(|_| KeyError::Bytes(bytes.len()))?)
    }

    /// Parses 64 hexadecimal digits of either case.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let mut bytes = [0; KEY_BYTES];
        from_hex(text, &mut bytes)?;
        Self::from_bytes(bytes)
    }

    /// The bytes of the key.
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// 64 lowercase hexadecimal digits: the form of a signalling path.
    pub fn to_hex(&self) -> String {
        to_hex(&self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}…)", &self.to_hex()[..8])
    }
}

/// The secret half of a NaCl key pair. Zeroised when dropped, never printed.
#[derive(Clone)]
pub struct SecretKey(Secret);

impl SecretKey {
    /// The key with these bytes, which are copied.
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(Secret::copied(bytes))
    }

    /// Parses 64 hexadecimal digits of either case.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        secret_from_hex(text).map(Self)
    }

    /// The bytes of the key. They are secret: do not print or log them.
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.bytes()
    }

    /// 64 lowercase hexadecimal digits: the form in a file.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(to_hex(self.as_bytes()))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// A NaCl key pair for public-key authenticated encryption.
#[derive(Debug, Clone)]
pub struct KeyPair {
    public: PublicKey,
    secret: SecretKey,
}

impl KeyPair {
    /// A new key pair, drawn from `random`.
    pub fn generate(random: &mut dyn RandomSource) -> Self {
        // Spec: P-001 (NaCl Key Pairs)
        Self::from_secret(SecretKey(Secret::filled(|bytes| random.fill(bytes))))
    }

    /// The key pair that `secret` belongs to.
    pub fn from_secret(secret: SecretKey) -> Self {
        let public = without_traces(|| PublicKey(rustcrypto::public_key(secret.as_bytes())));
        Self { public, secret }
    }

    /// The public key.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The secret key.
    pub const fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

/// An authentication token: the secret key that lets one responder introduce itself to an initiator
/// (protocol, *Authentication Token*). It is good for a single message and has to reach the responder
/// over a channel that nobody else can read. Zeroised when dropped, never printed.
// Spec: P-013 (Authentication Token)
#[derive(Clone)]
pub struct AuthToken(Secret);

impl AuthToken {
    /// A new token, drawn from `random`.
    pub fn generate(random: &mut dyn RandomSource) -> Self {
        // Spec: P-229 (Client Handshake)
        Self(Secret::filled(|bytes| random.fill(bytes)))
    }

    /// The token with these bytes, which are copied.
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(Secret::copied(bytes))
    }

    /// Parses 64 hexadecimal digits of either case.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        secret_from_hex(text).map(Self)
    }

    /// The bytes of the token. They are secret: hand them to the responder and to nobody else.
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.bytes()
    }

    /// 64 lowercase hexadecimal digits: the form in an invitation.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(to_hex(self.as_bytes()))
    }
}

impl fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::OsRandom;

    #[test]
    fn hexadecimal_round_trip_and_both_cases() {
        let key = *KeyPair::generate(&mut OsRandom).public();
        assert_eq!(PublicKey::from_hex(&key.to_hex()), Ok(key));
        assert_eq!(PublicKey::from_hex(&key.to_hex().to_uppercase()), Ok(key));
    }

    #[test]
    fn hexadecimal_of_wrong_length_or_alphabet_is_refused() {
        let good = "ab".repeat(32);
        assert_eq!(PublicKey::from_hex(&good[1..]), Err(KeyError::HexLength(63)));
        assert_eq!(PublicKey::from_hex(&format!("{good}0")), Err(KeyError::HexLength(65)));
        assert_eq!(PublicKey::from_hex(&good.replace('b', "g")), Err(KeyError::HexDigit));
        // 64 characters, but more bytes: must not be cut in the middle of a character.
        assert_eq!(PublicKey::from_hex(&"é".repeat(64)), Err(KeyError::HexDigit));
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let pair = KeyPair::from_secret(SecretKey::from_bytes(&[0xab; 32]));
        let token = AuthToken::from_bytes(&[0xab; 32]);
        let text = format!("{pair:?} {token:?}");
        assert!(!text.contains("abab") && !text.contains("171"), "{text}");
    }

    /// With a key of low order it does not matter who seals and who opens.
    #[test]
    fn keys_of_low_order_are_refused() {
        for mut point in LOW_ORDER {
            assert_eq!(rustcrypto::agree(&point, &[1; 32]), rustcrypto::agree(&point, &[2; 32]));
            assert_eq!(PublicKey::from_bytes(point), Err(KeyError::LowOrder));
            point[31] |= 0x80;
            assert_eq!(PublicKey::from_slice(&point), Err(KeyError::LowOrder));
        }
    }

    /// The key pair that the live test suites of the official clients share.
    #[test]
    fn public_key_of_the_official_test_server_key() {
        let secret = "0919b266ce1855419e4066fc076b39855e728768e3afa773105edd2e37037c20";
        let pair = KeyPair::from_secret(SecretKey::from_hex(secret).unwrap());
        assert_eq!(
            pair.public().to_hex(),
            "09a59a5fa6b45cb07638a3a6e347ce563a948b756fd22f9527465f7c79c2a864"
        );
    }
}
