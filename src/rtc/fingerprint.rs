//! Fingerprints: how the peers name each other's certificates (RFC 8122 section 5).

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256, Sha384, Sha512};

/// The hash function of a [`Fingerprint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashFunction {
    /// SHA-256, what everyone uses.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashFunction {
    /// The name in SDP, as registered by RFC 8122.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// The length of a hash in bytes.
    fn len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// The hash of a certificate.
///
/// As text it is what follows `a=fingerprint:` in SDP: `sha-256 AB:CD:…`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    algorithm: HashFunction,
    hash: Vec<u8>,
}

/// Why a text is not a fingerprint that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FingerprintError {
    /// The hash function is none of SHA-256, SHA-384 and SHA-512. (The older ones, which may still
    /// come along, do not tell certificates apart reliably: ignore such a fingerprint.)
    UnknownHashFunction,
    /// The hash is not pairs of hexadecimal digits with colons between them, or has the wrong
    /// length.
    Hash,
}

impl fmt::Display for FingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownHashFunction => {
                "the certificate fingerprint is of a hash function other than sha-256, sha-384 \
                 and sha-512"
            }
            Self::Hash => "the certificate fingerprint is malformed",
        })
    }
}

impl std::error::Error for FingerprintError {}

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    pub fn of(algorithm: HashFunction, certificate: &[u8]) -> Self {
        let hash = match algorithm {
            HashFunction::Sha256 => Sha256::digest(certificate).to_vec(),
            HashFunction::Sha384 => Sha384::digest(certificate).to_vec(),
            HashFunction::Sha512 => Sha512::digest(certificate).to_vec(),
        };
        Self { algorithm, hash }
    }

    /// The hash function.
    pub fn algorithm(&self) -> HashFunction {
        self.algorithm
    }

    /// The hash: 32, 48 or 64 bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.hash
    }

    /// Whether this is the fingerprint of the certificate (in DER).
    pub fn matches(&self, certificate: &[u8]) -> bool {
        *self == Self::of(self.algorithm, certificate)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.algorithm.name())?;
        for (index, byte) in self.hash.iter().enumerate() {
            write!(f, "{}{byte:02X}", if index == 0 { ' ' } else { ':' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// The name of the hash function and the digits may be in either case.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let (name, digits) = text.trim().split_once(' ').ok_or(FingerprintError::Hash)?;
        let algorithm = [HashFunction::Sha256, HashFunction::Sha384, HashFunction::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
            .ok_or(FingerprintError::UnknownHashFunction)?;
        let hash = digits.trim().split(':').map(parse_byte).collect::<Option<Vec<u8>>>();
        match hash {
            Some(hash) if hash.len() == algorithm.len() => Ok(Self { algorithm, hash }),
            _ => Err(FingerprintError::Hash),
        }
    }
}

/// Exactly two hexadecimal digits (`from_str_radix` would take a sign, too).
fn parse_byte(digits: &str) -> Option<u8> {
    let valid = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    valid.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for algorithm in [HashFunction::Sha256, HashFunction::Sha384, HashFunction::Sha512] {
            let fingerprint = Fingerprint::of(algorithm, b"certificate");
            let text = fingerprint.to_string();
            assert_eq!(text.parse(), Ok(fingerprint.clone()));
            assert_eq!(text.to_lowercase().parse(), Ok(fingerprint.clone()));
            assert_eq!(text.to_uppercase().parse(), Ok(fingerprint.clone()));
            assert!(fingerprint.matches(b"certificate"));
            assert!(!fingerprint.matches(b"Certificate"));
        }
    }

    #[test]
    fn known_value() {
        let fingerprint = Fingerprint::of(HashFunction::Sha256, b"");
        assert_eq!(
            fingerprint.to_string(),
            "sha-256 E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:\
             99:1B:78:52:B8:55"
        );
    }

    #[test]
    fn malformed() {
        let good = Fingerprint::of(HashFunction::Sha256, b"").to_string();
        let parse = |text: &str| text.parse::<Fingerprint>();
        assert_eq!(parse(""), Err(FingerprintError::Hash));
        assert_eq!(parse("sha-256"), Err(FingerprintError::Hash));
        assert_eq!(parse("sha-256 "), Err(FingerprintError::Hash));
        assert_eq!(parse(&good[..good.len() - 1]), Err(FingerprintError::Hash));
        assert_eq!(parse(&good[..good.len() - 3]), Err(FingerprintError::Hash));
        assert_eq!(parse(&format!("{good}:00")), Err(FingerprintError::Hash));
        assert_eq!(parse(&good.replace("E3", "+3")), Err(FingerprintError::Hash));
        assert_eq!(parse(&good.replace("E3", "é")), Err(FingerprintError::Hash));
        assert_eq!(parse(&good.replace("256", "1")), Err(FingerprintError::UnknownHashFunction));
    }
}
