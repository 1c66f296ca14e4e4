//! What can be wrong with a session description of the peer.

use std::fmt;

use crate::rtc::describe::parameters::ParametersError;
use crate::rtc::describe::sdp::{REJECTED, SdpError};
use crate::rtc::ice;

/// Why a description of the peer cannot be used. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DescriptionError {
    /// It is not SDP as WebRTC has it.
    Sdp(SdpError),
    /// Parameters, in place of SDP, that cannot be used.
    Parameters(ParametersError),
    /// The credentials of ICE make no sense.
    Credentials(ice::CredentialsError),
    /// None of the fingerprints can be checked.
    Fingerprint,
    /// Both want to be the client of DTLS, or both the server.
    Setup,
    /// An answer without an offer.
    Unexpected,
    /// It has another certificate or SCTP port than before: the peer has begun a new association.
    OtherAssociation,
}

impl DescriptionError {
    /// Whether nothing can come of the description. The others are beside the point.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Unexpected | Self::Parameters(ParametersError::OtherTransport))
    }

    /// Whether the peer wants no connection, most often because it could not use our description.
    pub fn is_rejection(&self) -> bool {
        *self == Self::Sdp(REJECTED)
    }
}

impl fmt::Display for DescriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Sdp(error) => return error.fmt(f),
            Self::Parameters(error) => return error.fmt(f),
            Self::Credentials(error) => return error.fmt(f),
            Self::Fingerprint => "it has no fingerprint that can be checked (sha-256 at least)",
            Self::Setup => "its DTLS role contradicts ours",
            Self::Unexpected => "it is an answer to nothing",
            Self::OtherAssociation => "it is about another connection than the one that there is",
        };
        write!(f, "the session description of the peer cannot be used: {text}")
    }
}

impl std::error::Error for DescriptionError {}
