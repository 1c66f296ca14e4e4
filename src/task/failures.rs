//! Why a connection to the peer, or a channel on it, does not work any more.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::chunking::ChunkError;
use crate::protocol::SecureChannelError;

/// Why a connection to the peer failed. The texts are what the part below says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionFailure {
    /// This side has no certificate: none could be made.
    OwnCertificate(String),
    /// The connection could not be set up in time: the peer did not answer, or not to everything.
    NoAnswer,
    /// There is no kind of certificate that both sides can use. The peer's most likely has an RSA key.
    NoCommonCertificate(String),
    /// The peer has shown no certificate.
    NoPeerCertificate,
    /// The peer's certificate is not the one that was announced over the signalling.
    OtherPeerCertificate,
    /// DTLS failed, in the handshake or later.
    Dtls(String),
    /// SCTP failed.
    Sctp(String),
    /// A description of the peer cannot be used, or the peer cannot use ours.
    Description(String),
}

impl fmt::Display for ConnectionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnCertificate(error) | Self::Description(error) => f.write_str(error),
            Self::NoAnswer => f.write_str(
                "the connection to the peer could not be set up in time: the peer did not answer, or \
                 the network between the two loses too much",
            ),
            Self::NoCommonCertificate(error) => write!(
                f,
                "the encrypted connection to the peer (DTLS) could not be made, most likely because \
                 the peer's certificate has an RSA key: give the peer an ECDSA certificate (P-256) \
                 ({error})"
            ),
            Self::NoPeerCertificate => f.write_str("the peer has shown no certificate"),
            Self::OtherPeerCertificate => f.write_str(
                "the peer's certificate is not the one that was announced over the signalling: \
                 somebody else may have answered",
            ),
            Self::Dtls(error) => {
                write!(f, "the encrypted connection to the peer (DTLS) failed: {error}")
            }
            Self::Sctp(error) => {
                write!(f, "the association with the peer (SCTP) broke: {error}")
            }
        }
    }
}

impl std::error::Error for ConnectionFailure {}

/// What cannot be used while a connection goes on without it. The texts are for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionProblem {
    /// A STUN or TURN server.
    IceServer {
        /// The server.
        url: String,
        /// What is wrong with it, or with what it is told.
        problem: String,
    },
    /// A candidate of the peer.
    Candidate(String),
    /// An offer or an answer of the peer.
    Description(String),
    /// The signalling stays on the connection to the server, as it cannot be handed over.
    Handover(String),
    /// Another channel of the peer, which has opened as many as it may.
    TooManyChannels,
    /// An address of this host, because all UDP ports that may be used there are taken.
    PortsInUse {
        /// The address.
        address: IpAddr,
        /// The ports that may be used.
        ports: RangeInclusive<u16>,
    },
    /// This host has more addresses than are used.
    AddressesLeftOut {
        /// How many are used.
        used: usize,
        /// How many are not.
        left_out: usize,
    },
}

impl fmt::Display for ConnectionProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IceServer { url, problem } => {
                write!(f, "the ICE server {url} is of no use: {problem}")
            }
            Self::Candidate(error) => write!(f, "a candidate of the peer cannot be used: {error}"),
            Self::Description(error) => f.write_str(error),
            Self::Handover(error) => write!(f, "the signalling stays where it is: {error}"),
            Self::TooManyChannels => f.write_str("the peer opened more channels than are allowed"),
            Self::PortsInUse { address, ports } => write!(
                f,
                "the address {address} of this host cannot be used: all UDP ports from {} to {} that \
                 may be used are taken; allow more of them",
                ports.start(),
                ports.end()
            ),
            Self::AddressesLeftOut { used, left_out } => write!(
                f,
                "this host has more addresses than are used: {left_out} are left out besides the {used} that are most \
                 likely to be of use; if another one is needed, set those to use"
            ),
        }
    }
}

impl std::error::Error for ConnectionProblem {}

/// Why a channel was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelOpenError {
    /// The connection has failed or ended, or is being ended.
    Ended,
    /// The channel id is used by another channel, or still being closed.
    IdInUse,
    /// Channel ids go from 0 to 65,534, and no further than what the peer allows.
    IdOutOfRange,
    /// There are as many channels as there can be.
    TooManyChannels,
    /// Label or protocol are longer than 65,535 bytes.
    TextTooLong,
    /// Too much is waiting to be sent to ask the peer for another channel.
    QueueFull,
}

impl fmt::Display for ChannelOpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "no channel can be opened: the peer-to-peer connection has ended",
            Self::IdInUse => "the channel id is in use: choose another, or wait for its close",
            Self::IdOutOfRange => "the channel id is higher than the peer allows, or than 65534",
            Self::TooManyChannels => "no more channels can be opened: close one first",
            Self::TextTooLong => "label or protocol of the channel are longer than 65535 bytes",
            Self::QueueFull => {
                "too much is waiting to be sent to open another channel: try again later"
            }
        })
    }
}

impl std::error::Error for ChannelOpenError {}

/// What is wrong with a message of the peer on a channel. The channel is closed because of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelMessageError {
    /// It is larger than what the peer may send.
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The size of the largest message in bytes.
        limit: usize,
    },
    /// A chunk of it is not valid, or it is larger than what is taken.
    Chunk(ChunkError),
    /// It was not encrypted for this channel.
    Sealed(SecureChannelError),
    /// The peer began more messages than there is room for.
    TooManyIncomplete,
}

impl fmt::Display for ChannelMessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { size, limit } => write!(
                f,
                "the peer sent a message of {size} bytes, more than the {limit} that it may"
            ),
            Self::Chunk(error) => error.fmt(f),
            Self::Sealed(error) => error.fmt(f),
            Self::TooManyIncomplete => {
                f.write_str("the peer began more messages than there is room for")
            }
        }
    }
}

impl std::error::Error for ChannelMessageError {}

/// Why a channel is closed that neither side has closed as it may.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelFailure {
    /// It could not be opened.
    NotOpened(ChannelOpenError),
    /// The peer does not allow so many channels.
    PeerAllowsFewer,
    /// The peer did not accept it.
    Refused,
    /// The peer sent something wrong on it.
    Message(ChannelMessageError),
    /// The connection failed.
    Connection(ConnectionFailure),
    /// The connection has ended.
    ConnectionEnded,
    /// The connection was made anew, and the channels of the old one are gone.
    ConnectionReplaced,
    /// The peer left.
    PeerLeft,
}

impl fmt::Display for ChannelFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpened(error) => error.fmt(f),
            Self::PeerAllowsFewer => f.write_str("the peer does not allow so many channels"),
            Self::Refused => f.write_str("the peer did not accept the channel"),
            Self::Message(error) => error.fmt(f),
            Self::Connection(error) => error.fmt(f),
            Self::ConnectionEnded => f.write_str("the connection to the peer has ended"),
            Self::ConnectionReplaced => f.write_str("the connection to the peer was made anew"),
            Self::PeerLeft => f.write_str("the peer left"),
        }
    }
}

impl std::error::Error for ChannelFailure {}
