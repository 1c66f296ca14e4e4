//! TLS certificates made for one test: an authority, and a server certificate for the loopback interface.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// The name that the server certificate is for.
pub const HOST: &str = "localhost";

/// PEM files in a directory of their own, which is removed on drop.
pub struct Certificates {
    directory: PathBuf,
}

impl Certificates {
    /// Makes new keys and certificates.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("interop-{}-{count}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();

        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "Authority of one test");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();

        let key = KeyPair::generate().unwrap();
        let mut server = CertificateParams::new([HOST.to_owned(), "127.0.0.1".to_owned()]).unwrap();
        server.distinguished_name.push(DnType::CommonName, HOST);
        let server_pem = server.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap().pem();

        let files = Self { directory };
        fs::write(files.ca(), &ca_pem).unwrap();
        // With the authority's certificate: a browser told to accept that one looks for it in the chain.
        fs::write(files.chain(), server_pem + &ca_pem).unwrap();
        fs::write(files.key(), key.serialize_pem()).unwrap();
        files
    }

    /// The certificate that clients have to trust.
    pub fn ca(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// What the server presents.
    pub fn chain(&self) -> PathBuf {
        self.directory.join("chain.pem")
    }

    /// The private key of the server certificate.
    pub fn key(&self) -> PathBuf {
        self.directory.join("key.pem")
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
