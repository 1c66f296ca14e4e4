//! ICE parameters and candidates.

use std::fmt;

use super::read::{
    Named, if_there, named, names, number, optional_number, optional_text, write_number, write_text,
};
use crate::protocol::message::{FieldProblem, Fields, MapWriter, MessageError};

names! {
    /// Which side decides about the path: an `RTCIceRole` of the ORTC API.
    pub enum IceRole: "is not an ICE role" {
        /// `controlling`
        Controlling = "controlling",
        /// `controlled`
        Controlled = "controlled",
    }
}

names! {
    /// How a candidate was found: an `RTCIceCandidateType` of the ORTC API.
    pub enum IceCandidateType: "is not a type of ICE candidates" {
        /// `host`: an address of the host itself.
        Host = "host",
        /// `srflx`: an address that a STUN server saw.
        ServerReflexive = "srflx",
        /// `prflx`: an address that the peer saw.
        PeerReflexive = "prflx",
        /// `relay`: an address of a TURN server.
        Relay = "relay",
    }
}

names! {
    /// Who opens a TCP connection: an `RTCIceTcpCandidateType` of the ORTC API.
    pub enum IceTcpType: "is not a type of TCP candidates" {
        /// `active`
        Active = "active",
        /// `passive`
        Passive = "passive",
        /// `so`: both at the same time.
        SimultaneousOpen = "so",
    }
}

/// How a candidate is reached: an `RTCIceProtocol` of the ORTC API, and for TCP who opens the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IceProtocol {
    /// `udp`
    Udp,
    /// `tcp`
    Tcp(IceTcpType),
}

impl IceProtocol {
    /// The name in the ORTC API and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp(_) => "tcp",
        }
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, MessageError> {
        match fields.text("protocol")? {
            // Spec: O-084 ('ice-candidates' Message)
            "tcp" => named(fields, "tcpType").map(Self::Tcp),
            "udp" => {
                let none = if_there(fields, "tcpType", |fields| {
                    Err::<(), _>(fields.error("tcpType", FieldProblem::NotAllowed))
                });
                none.map(|_| Self::Udp)
            }
            _ => Err(fields.error("protocol", FieldProblem::Invalid("is not an ICE protocol"))),
        }
    }
}

/// The ICE parameters of a side: an `RTCIceParameters` of the ORTC API, and the role.
#[derive(Clone, PartialEq, Eq)]
pub struct IceParameters {
    /// The username fragment.
    pub username_fragment: String,
    /// The password.
    pub password: String,
    /// Whether the sender only answers checks (ICE lite).
    pub ice_lite: bool,
    /// The role of the sender. `None` if it does not say.
    pub role: Option<IceRole>,
}

impl IceParameters {
    pub(super) fn parse(message: &Fields<'_>) -> Result<Self, MessageError> {
        // Spec: O-070 ('ice-parameters' Message)
        let fields = message.nested("parameters")?;
        Ok(Self {
            username_fragment: fields.text("usernameFragment")?.to_owned(),
            password: fields.text("password")?.to_owned(),
            ice_lite: fields.boolean("iceLite")?,
            // Spec: O-071 ('ice-parameters' Message)
            role: if_there(message, "role", |message| named(message, "role"))?,
        })
    }

    pub(super) fn write(&self, message: MapWriter) -> MapWriter {
        let map = MapWriter::default()
            // Spec: O-065 ('ice-parameters' Message)
            .text("usernameFragment", &self.username_fragment)
            // Spec: O-066 ('ice-parameters' Message)
            .text("password", &self.password)
            // Spec: O-067 ('ice-parameters' Message)
            .boolean("iceLite", self.ice_lite);
        let message = message.raw("parameters", &map.finish());
        // Spec: O-068 ('ice-parameters' Message)
        write_text(message, "role", self.role.map(IceRole::name))
    }

    pub(super) fn size(&self) -> usize {
        self.username_fragment.len() + self.password.len()
    }
}

impl fmt::Debug for IceParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceParameters").field("role", &self.role).finish_non_exhaustive()
    }
}

/// An ICE candidate: an `RTCIceCandidate` of the ORTC API.
#[derive(Clone, PartialEq, Eq)]
pub struct IceCandidate {
    /// Candidates with the same foundation were found in the same way.
    pub foundation: String,
    /// The higher, the more wanted.
    pub priority: u32,
    /// The IP address, or a name that stands for one. Not looked into.
    pub ip: String,
    /// UDP or TCP.
    pub protocol: IceProtocol,
    /// The port.
    pub port: u16,
    /// How it was found.
    pub kind: IceCandidateType,
    /// The address that it was found from, if any.
    pub related_address: Option<String>,
    /// The port that it was found from, if any.
    pub related_port: Option<u16>,
}

impl IceCandidate {
    /// `None`: there are no more candidates.
    pub(super) fn parse(entry: &Fields<'_>) -> Result<Option<Self>, MessageError> {
        // Spec: O-088 ('ice-candidates' Message)
        let fields = entry.nested("candidate")?;
        let complete =
            if_there(&fields, "complete", |fields| match fields.boolean("complete")? {
                true => Ok(()),
                false => Err(fields.error("complete", FieldProblem::Invalid("is not true"))),
            })?;
        if complete.is_some() {
            return Ok(None);
        }
        Ok(Some(Self {
            foundation: fields.text("foundation")?.to_owned(),
            priority: number(&fields, "priority")?,
            ip: fields.text("ip")?.to_owned(),
            protocol: IceProtocol::parse(&fields)?,
            port: number(&fields, "port")?,
            kind: named(&fields, "type")?,
            related_address: optional_text(&fields, "relatedAddress")?,
            related_port: optional_number(&fields, "relatedPort")?,
        }))
    }

    /// The map of a candidate, or the one that says that there are no more.
    pub(super) fn serialise(candidate: Option<&Self>) -> Vec<u8> {
        let map = MapWriter::default();
        let Some(candidate) = candidate else {
            // Spec: O-077 ('ice-candidates' Message)
            return map.boolean("complete", true).finish();
        };
        let map = map
            // Spec: O-078 ('ice-candidates' Message)
            .text("foundation", &candidate.foundation)
            // Spec: O-079 ('ice-candidates' Message)
            .uint("priority", candidate.priority.into())
            // Spec: O-080 ('ice-candidates' Message)
            .text("ip", &candidate.ip)
            // Spec: O-081 ('ice-candidates' Message)
            .text("protocol", candidate.protocol.name())
            // Spec: O-082 ('ice-candidates' Message)
            .uint("port", candidate.port.into())
            // Spec: O-083 ('ice-candidates' Message)
            .text("type", candidate.kind.name());
        let map = match candidate.protocol {
            IceProtocol::Tcp(kind) => map.text("tcpType", kind.name()),
            IceProtocol::Udp => map,
        };
        // Spec: O-085 ('ice-candidates' Message)
        let map = write_text(map, "relatedAddress", candidate.related_address.as_deref());
        // Spec: O-086 ('ice-candidates' Message)
        write_number(map, "relatedPort", candidate.related_port).finish()
    }

    pub(super) fn size(&self) -> usize {
        let related = self.related_address.as_ref().map_or(0, String::len);
        self.foundation.len() + self.ip.len() + related
    }
}

impl fmt::Debug for IceCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, protocol) = (self.kind.name(), self.protocol.name());
        write!(f, "IceCandidate({kind}, {protocol})")
    }
}
