//! The certificate that a client proves itself with to its peer.

use std::fmt;

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, SerialNumber};
use zeroize::Zeroizing;

use super::fingerprint::{Fingerprint, HashFunction};
use crate::crypto::{OsRandom, RandomSource};

/// A self-signed ECDSA P-256 certificate and its private key.
///
/// Nobody has to trust it by itself: the peer learns its [fingerprint](Self::fingerprint) over the
/// signalling and compares. It says nothing about who made it. A certificate of its own for every
/// connection keeps the connections of one client unlinkable.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    private_key: Zeroizing<Vec<u8>>,
}

/// No certificate could be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateError(String);

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no certificate could be made for the peer-to-peer connection: {}", self.0)
    }
}

impl std::error::Error for CertificateError {}

impl Certificate {
    /// Makes a certificate with a fresh key.
    ///
    /// # Errors
    ///
    /// If the system gives no random numbers.
    pub fn generate() -> Result<Self, CertificateError> {
        let error = |error: rcgen::Error| CertificateError(error.to_string());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(error)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(error)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        // WebRTC, because what differs between implementations tells them apart.
        params.distinguished_name.push(DnType::CommonName, "WebRTC");
        // Firefox refuses a second certificate with the same issuer and serial number.
        let mut serial = [0; 16];
        OsRandom.fill(&mut serial);
        serial[0] &= 0x7f;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        let certificate = params.self_signed(&key).map_err(error)?;
        Ok(Self {
            der: certificate.der().to_vec(),
            private_key: Zeroizing::new(key.serialize_der()),
        })
    }

    /// The SHA-256 fingerprint, for the peer.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(HashFunction::Sha256, &self.der)
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The private key in DER (PKCS #8).
    pub(super) fn private_key(&self) -> &[u8] {
        &self.private_key
    }
}

/// Without the private key.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_certificate_is_its_own() {
        let first = Certificate::generate().expect("a certificate");
        let second = Certificate::generate().expect("a certificate");
        assert_ne!(first.fingerprint(), second.fingerprint());
        assert!(first.fingerprint().matches(first.der()));
    }

    #[test]
    fn debug_keeps_the_key() {
        let certificate = Certificate::generate().expect("a certificate");
        let key = format!("{:?}", certificate.private_key());
        assert!(!format!("{certificate:?}").contains(&key[1..20]));
    }
}
