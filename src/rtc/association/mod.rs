//! The association of two peers: DTLS, SCTP and data channels, without ICE and without SDP.

mod config;

pub use config::{
    AssociationEvent, ChannelConfig, ChannelId, DtlsRole, MessageKind, OpenError, Reliability,
    SctpConfig, SendError, UNANNOUNCED_MAX_MESSAGE_SIZE,
};
