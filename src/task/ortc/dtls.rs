//! DTLS parameters.

use std::fmt;

use rmp::encode as write;

use super::read::{Named, named, names};
use crate::protocol::message::{Fields, MapWriter, MessageError};
use crate::task::list::filled_list;

names! {
    /// Who begins the handshake of DTLS: an `RTCDtlsRole` of the ORTC API.
    pub enum DtlsRole: "is not a DTLS role" {
        /// `auto`: what the ICE roles say. The controlling side is the server.
        Auto = "auto",
        /// `client`: the sender begins.
        Client = "client",
        /// `server`: the sender waits.
        Server = "server",
    }
}

/// The hash of a certificate: an `RTCDtlsFingerprint` of the ORTC API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DtlsFingerprint {
    /// The name of the hash function, for example `sha-256`. Not looked into.
    pub algorithm: String,
    /// The hash, in hexadecimal digits. Not looked into.
    pub value: String,
}

/// The DTLS parameters of a side: an `RTCDtlsParameters` of the ORTC API.
#[derive(Clone, PartialEq, Eq)]
pub struct DtlsParameters {
    /// The role of the sender.
    pub role: DtlsRole,
    /// The hashes of the certificates of the sender, at least one and at most 1024.
    pub fingerprints: Vec<DtlsFingerprint>,
}

impl DtlsParameters {
    pub(super) fn parse(message: &Fields<'_>) -> Result<Self, MessageError> {
        let fields = message.nested("parameters")?;
        let fingerprint = |item| {
            let map = fields.entry(item, "fingerprints")?;
            Ok(DtlsFingerprint {
                algorithm: map.text("algorithm")?.to_owned(),
                value: map.text("value")?.to_owned(),
            })
        };
        Ok(Self {
            // Spec: O-094 ('dtls-parameters' Message)
            role: named(&fields, "role")?,
            // Spec: O-095 ('dtls-parameters' Message)
            fingerprints: filled_list(&fields, "fingerprints")?
                .into_iter()
                .map(fingerprint)
                .collect::<Result<_, MessageError>>()?,
        })
    }

    pub(super) fn write(&self, message: MapWriter) -> MapWriter {
        let mut list = Vec::new();
        write::write_array_len(&mut list, self.fingerprints.len() as u32)
            .expect("memory can be written");
        for DtlsFingerprint { algorithm, value } in &self.fingerprints {
            let map = MapWriter::default().text("algorithm", algorithm).text("value", value);
            list.extend_from_slice(&map.finish());
        }
        let map = MapWriter::default()
            // Spec: O-091 ('dtls-parameters' Message)
            .text("role", self.role.name())
            // Spec: O-092 ('dtls-parameters' Message)
            .raw("fingerprints", &list);
        message.raw("parameters", &map.finish())
    }

    pub(super) fn size(&self) -> usize {
        let texts = self.fingerprints.iter().map(|f| f.algorithm.len() + f.value.len());
        texts.sum::<usize>() + std::mem::size_of_val(&self.fingerprints[..])
    }
}

impl fmt::Debug for DtlsParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.fingerprints.len();
        write!(f, "DtlsParameters({}, {count} fingerprints)", self.role.name())
    }
}
