//! TLS 1.2 and 1.3. The crypto provider is always named, so that it does not matter which one the
//! rest of the process uses.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls;
#[cfg(feature = "client")]
use tokio_rustls::rustls::client::{WebPkiServerVerifier, danger::ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

#[cfg(feature = "client")]
use super::given::{Either, Given};

/// What WebSocket clients and servers speak inside of TLS.
const ALPN: &[u8] = b"http/1.1";

/// What is wrong with certificates or keys that were given for TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsError {
    /// The bytes hold no certificate in PEM, and are not one in DER either.
    NoCertificate,
    /// The PEM text is damaged. The text says how.
    Pem(String),
    /// There is no private key in the PEM text: no PKCS #8, PKCS #1 or SEC 1 section.
    NoPrivateKey,
    /// The private key is of a kind that cannot be used. The text says why.
    KeyKind(String),
    /// A certificate cannot be used as a trusted root. The text says why.
    Root(String),
    /// Certificate and key are refused, for example because they do not belong together. The text
    /// says why.
    Identity(String),
    /// The operating system has no trusted root certificates. The text says what was found instead.
    NoSystemRoots(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate => f.write_str(
                "no certificate found: give one or more in PEM (\"-----BEGIN CERTIFICATE-----\"), \
                 or one in DER",
            ),
            Self::Pem(why) => write!(f, "the PEM text of a certificate or key is damaged: {why}"),
            Self::NoPrivateKey => f.write_str(
                "no private key found: give one in PEM (\"-----BEGIN PRIVATE KEY-----\", \"RSA \
                 PRIVATE KEY\" or \"EC PRIVATE KEY\"), not encrypted",
            ),
            Self::KeyKind(why) => write!(
                f,
                "the private key is damaged, or of a kind that cannot be used ({why}): RSA with 2048 to 4096 \
                 bits, ECDSA with P-256 or P-384, and Ed25519 can be"
            ),
            Self::Root(why) => write!(f, "a certificate cannot be used as a trusted root: {why}"),
            Self::Identity(why) => {
                write!(f, "the TLS certificate and its private key cannot be used: {why}")
            }
            Self::NoSystemRoots(why) => write!(
                f,
                "the system has no trusted root certificates for the library ({why}); install them (often \
                 a package named ca-certificates) or give the certificates to trust"
            ),
        }
    }
}

impl std::error::Error for TlsError {}

/// One or more X.509 certificates.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificates(Vec<CertificateDer<'static>>);

impl Certificates {
    /// Reads certificates in PEM (any number of them, other sections are skipped) or one in DER.
    ///
    /// # Errors
    ///
    /// [`TlsError::NoCertificate`], [`TlsError::Pem`], and [`TlsError::Root`] for what is not a
    /// certificate inside.
    pub fn parse(bytes: &[u8]) -> Result<Self, TlsError> {
        let certificates = Self::read(bytes)?;
        let mut store = rustls::RootCertStore::empty();
        for certificate in &certificates.0 {
            store.add(certificate.clone()).map_err(|error| TlsError::Root(error.to_string()))?;
        }
        Ok(certificates)
    }

    fn read(bytes: &[u8]) -> Result<Self, TlsError> {
        let is_pem = bytes.windows(11).any(|window| window == b"-----BEGIN ");
        let certificates = if is_pem {
            CertificateDer::pem_slice_iter(bytes)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| TlsError::Pem(error.to_string()))?
        } else if bytes.first() == Some(&0x30) {
            // DER of a certificate is a sequence.
            vec![CertificateDer::from(bytes.to_vec())]
        } else {
            Vec::new()
        };
        if certificates.is_empty() { Err(TlsError::NoCertificate) } else { Ok(Self(certificates)) }
    }

    /// Adds more certificates.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificates({})", self.0.len())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The TLS settings of a server with this certificate chain (its own certificate first) and private
/// key, both in PEM.
#[cfg(feature = "server")]
pub(crate) fn server_config(
    chain: &[u8],
    private_key: &[u8],
) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;
    use tokio_rustls::rustls::pki_types::pem::Error as PemError;

    let identity = |error: rustls::Error| TlsError::Identity(error.to_string());
    let chain = Certificates::read(chain)?;
    let key = PrivateKeyDer::from_pem_slice(private_key).map_err(|error| match error {
        PemError::NoItemsFound => TlsError::NoPrivateKey,
        error => TlsError::Pem(error.to_string()),
    })?;
    let provider = provider();
    let kind = provider.key_provider.load_private_key(key.clone_key());
    kind.map_err(|error| TlsError::KeyKind(error.to_string()))?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(identity)?
        .with_no_client_auth()
        .with_single_cert(chain.0, key)
        .map_err(identity)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

/// Whose certificates a client accepts.
#[cfg(feature = "client")]
#[derive(Debug, Clone, Default)]
pub enum Roots {
    /// Those of the operating system.
    #[default]
    System,
    /// These only.
    Only(Certificates),
    /// Those of the operating system, and these.
    SystemAnd(Certificates),
}

/// The TLS settings of a client.
#[cfg(feature = "client")]
pub(crate) fn client_config(roots: &Roots) -> Result<Arc<rustls::ClientConfig>, TlsError> {
    let roots: Arc<dyn ServerCertVerifier> = match roots {
        Roots::Only(own) => trusting(own)?,
        Roots::System => trusting_system(None)?,
        Roots::SystemAnd(own) => Arc::new(Either::new(trusting_system(Some(own))?, trusting(own)?)),
    };
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Root(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

#[cfg(feature = "client")]
fn store_of(own: &Certificates) -> Result<rustls::RootCertStore, TlsError> {
    let mut store = rustls::RootCertStore::empty();
    for certificate in &own.0 {
        store.add(certificate.clone()).map_err(|error| TlsError::Root(error.to_string()))?;
    }
    Ok(store)
}

/// Accepts what these certificates have issued.
#[cfg(feature = "client")]
fn trusting_store(store: rustls::RootCertStore) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider()).build();
    verifier.map_err(|error| TlsError::Root(error.to_string()))
}

/// Accepts what these certificates have issued, and themselves.
#[cfg(feature = "client")]
fn trusting(own: &Certificates) -> Result<Arc<Given>, TlsError> {
    Ok(Arc::new(Given::new(trusting_store(store_of(own)?)?, own.0.clone())))
}

/// iOS and its kin list no roots for apps, but judge certificates, as the owner of the device wants it.
#[cfg(all(feature = "client", target_vendor = "apple"))]
fn trusting_system(own: Option<&Certificates>) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    use rustls_platform_verifier::Verifier;

    let own = own.map(|own| own.0.clone()).unwrap_or_default();
    let verifier = Verifier::new_with_extra_roots(own, provider())
        .map_err(|error| TlsError::NoSystemRoots(error.to_string()))?;
    Ok(Arc::new(verifier))
}

#[cfg(all(feature = "client", not(target_vendor = "apple")))]
fn trusting_system(own: Option<&Certificates>) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let mut store = own.map_or_else(|| Ok(rustls::RootCertStore::empty()), store_of)?;
    let found = system_roots();
    // Single certificates that cannot be read are no reason to give up; none at all is.
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        let why = if why.is_empty() { "none found".to_owned() } else { why.join("; ") };
        return Err(TlsError::NoSystemRoots(why));
    }
    Ok(trusting_store(store)?)
}

/// The root certificates of the system.
///
/// Android has them in folders that every app can read; the first one is where those of Android 14 and later
/// are. What the owner of a device added or switched off is not known there: an app that wants that too has
/// to ask Java, and gives the library what it gets.
#[cfg(all(feature = "client", not(target_vendor = "apple")))]
fn system_roots() -> rustls_native_certs::CertificateResult {
    if cfg!(target_os = "android") {
        const FOLDERS: [&str; 2] =
            ["/apex/com.android.conscrypt/cacerts", "/system/etc/security/cacerts"];
        return roots_in(&FOLDERS);
    }
    rustls_native_certs::load_native_certs()
}

/// The certificates in the first of these folders that has some.
#[cfg(all(feature = "client", not(target_vendor = "apple")))]
fn roots_in(folders: &[impl AsRef<std::path::Path>]) -> rustls_native_certs::CertificateResult {
    let mut found = rustls_native_certs::CertificateResult::default();
    for folder in folders {
        let here = rustls_native_certs::load_certs_from_paths(None, Some(folder.as_ref()));
        found.errors.extend(here.errors);
        if !here.certs.is_empty() {
            found.certs = here.certs;
            break;
        }
    }
    found
}

#[cfg(all(test, feature = "client", feature = "server"))]
mod tests {
    use super::*;

    /// As Android has them: one file for each, named after a hash.
    #[cfg(not(target_vendor = "apple"))]
    #[test]
    fn roots_are_read_from_the_first_folder_that_has_some() {
        let base = std::env::temp_dir().join(format!("saltyrtc-roots-{}", std::process::id()));
        let [missing, empty, full, late] =
            ["missing", "empty", "full", "late"].map(|name| base.join(name));
        for (folder, count) in [(&empty, 0), (&full, 2), (&late, 3)] {
            std::fs::create_dir_all(folder).unwrap();
            for n in 0..count {
                let (pem, ..) = identity();
                std::fs::write(folder.join(format!("0a1b2c{n:02}.0")), pem).unwrap();
            }
        }
        let found = roots_in(&[&missing, &empty, &full, &late]);
        assert_eq!(found.certs.len(), 2);
        let nothing = roots_in(&[&missing]);
        assert!(nothing.certs.is_empty() && !nothing.errors.is_empty(), "it is said why");
        std::fs::remove_dir_all(base).unwrap();
    }

    fn identity() -> (String, String, Vec<u8>) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem(), made.cert.der().to_vec())
    }

    #[test]
    fn certificates_are_read_in_pem_and_der() {
        let (pem, key, der) = identity();
        assert_eq!(Certificates::parse(&der).unwrap().0.len(), 1);
        assert_eq!(Certificates::parse(pem.as_bytes()), Certificates::parse(&der));
        let two = format!("# a comment\n{pem}{key}{pem}");
        assert_eq!(Certificates::parse(two.as_bytes()).unwrap().0.len(), 2);
        for nothing in [&b""[..], b"hello", key.as_bytes()] {
            assert_eq!(Certificates::parse(nothing), Err(TlsError::NoCertificate));
        }
        let damaged = pem.replace("-----END CERTIFICATE-----", "");
        assert!(matches!(Certificates::parse(damaged.as_bytes()), Err(TlsError::Pem(_))));
    }

    #[test]
    fn certificate_and_key_have_to_fit() {
        let (pem, key, _) = identity();
        let (_, other_key, _) = identity();
        assert!(server_config(pem.as_bytes(), key.as_bytes()).is_ok());
        assert!(matches!(
            server_config(pem.as_bytes(), other_key.as_bytes()),
            Err(TlsError::Identity(_))
        ));
        assert_eq!(
            server_config(pem.as_bytes(), pem.as_bytes()).unwrap_err(),
            TlsError::NoPrivateKey
        );
        assert_eq!(
            server_config(key.as_bytes(), key.as_bytes()).unwrap_err(),
            TlsError::NoCertificate
        );
    }

    /// What ring cannot do.
    #[test]
    fn a_key_that_cannot_be_used_is_told_with_those_that_can() {
        const P521: &str = "-----BEGIN PRIVATE KEY-----\n\
            MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIB0skwDeaQfeBmfDHw\n\
            EE95qZvcutPJkG7mFH7OtbrLpssrb0cn863OJNF0pYvsPJcLQq4XErRWzU0okj3O\n\
            Iq1+rtShgYkDgYYABAHh4Kvj8hjO4qS42moSh9nwBaLebGf3e0Ac2i5hEHPGU1tQ\n\
            BdqKcQRWarMIqNPxQXZVJWFgq4HYycLxgUlWGVMcHwFfhnYvknCYrcGNXpgoJxnH\n\
            RsmPSQEZwT29CnOkeqxjBxl7ExV6uvrfQYDWL3h50RX2M4kr9oqTWaNBweZFBAHt\n\
            Zw==\n\
            -----END PRIVATE KEY-----\n";
        let (pem, ..) = identity();
        let error = server_config(pem.as_bytes(), P521.as_bytes()).unwrap_err();
        assert!(matches!(error, TlsError::KeyKind(_)), "{error}");
        assert!(error.to_string().contains("P-256"), "{error}");
    }

    #[test]
    fn roots_have_to_be_certificates() {
        let (pem, ..) = identity();
        let own = Certificates::parse(pem.as_bytes()).unwrap();
        assert!(client_config(&Roots::Only(own.clone())).is_ok());
        assert!(client_config(&Roots::SystemAnd(own)).is_ok(), "even if the system has none");
        let sequence = Certificates::parse(&[0x30, 0x03, 1, 2, 3]);
        assert!(matches!(sequence, Err(TlsError::Root(_))));
    }
}
