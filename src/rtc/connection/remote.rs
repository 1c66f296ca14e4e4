//! What a description says of the peer.

use super::error::DescriptionError;
use crate::rtc::association::{DtlsRole, SctpConfig};
use crate::rtc::describe::Parameters;
use crate::rtc::fingerprint::Fingerprint;
use crate::rtc::ice::Credentials;

/// What is known of the peer.
pub(super) struct Remote {
    pub(super) fingerprints: Vec<Fingerprint>,
    pub(super) ice: Credentials,
    pub(super) ice_lite: bool,
    /// Ours, that is.
    pub(super) role: DtlsRole,
    pub(super) sctp: SctpConfig,
}

impl Remote {
    /// Reads what a description says. `role`: ours in DTLS. `known`: what was known before, which has to be the
    /// same in what belongs to the association. `max_message_size`: what we take.
    pub(super) fn read(
        parameters: &Parameters,
        role: DtlsRole,
        known: Option<&Self>,
        max_message_size: usize,
    ) -> Result<Self, DescriptionError> {
        let fingerprints = parameters.fingerprints.iter();
        let fingerprints: Vec<Fingerprint> = fingerprints.filter_map(|f| f.parse().ok()).collect();
        if fingerprints.is_empty() {
            return Err(DescriptionError::Fingerprint);
        }
        if let Some(known) = known {
            // More fingerprints, or fewer, of the same certificate would do no harm; but no implementation
            // changes them, so they are simply compared.
            if known.fingerprints != fingerprints || known.sctp.remote_port != parameters.sctp_port
            {
                return Err(DescriptionError::OtherAssociation);
            }
            if known.role != role {
                return Err(DescriptionError::Setup);
            }
        }
        let ice = Credentials::new(&parameters.ice_ufrag, &parameters.ice_pwd)
            .map_err(DescriptionError::Credentials)?;
        let sctp = SctpConfig {
            remote_port: parameters.sctp_port,
            max_message_size,
            remote_max_message_size: parameters.max_message_size.unwrap_or(0),
            ..SctpConfig::default()
        };
        Ok(Self { fingerprints, ice, ice_lite: parameters.ice_lite, role, sctp })
    }
}
