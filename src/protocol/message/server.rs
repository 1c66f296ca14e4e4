//! The messages between a client and the server (protocol, *Client-to-Server Messages*).

use std::collections::BTreeSet;

use super::fields::{FieldProblem, Fields, MapWriter, MessageError, read_uint};
use crate::crypto::{BOX_OVERHEAD, KEY_BYTES, PublicKey};
use crate::protocol::{Address, Cookie, DropReason, ResponderAddress, Role};

impl Fields<'_> {
    /// A public key that can be used.
    pub(super) fn public_key(&self, name: &'static str) -> Result<PublicKey, MessageError> {
        PublicKey::from_bytes(self.bytes(name)?)
            .map_err(|_| self.error(name, FieldProblem::Invalid("is not a usable public key")))
    }

    /// The address of a responder.
    fn responder(&self, name: &'static str) -> Result<ResponderAddress, MessageError> {
        responder_address(self.uint(name)?)
            .ok_or_else(|| self.error(name, FieldProblem::Invalid("is not a responder address")))
    }
}

fn responder_address(number: u64) -> Option<ResponderAddress> {
    u8::try_from(number).ok().and_then(ResponderAddress::new)
}

/// 'server-hello': the first message of the server, with its public session key. Not encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHello {
    /// The server's public session key for this connection.
    pub key: PublicKey,
}

impl ServerHello {
    /// Parses the message.
    pub fn parse(data: &[u8]) -> Result<Self, MessageError> {
        // Spec: P-112 ('server-hello' Message)
        let fields = Fields::parse(data)?.of_type("server-hello")?;
        Ok(Self { key: fields.public_key("key")? })
    }

    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        MapWriter::message("server-hello").binary("key", self.key.as_bytes()).finish()
    }
}

/// 'client-hello': a responder's public permanent key. Not encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// The responder's public permanent key.
    pub key: PublicKey,
}

impl ClientHello {
    /// Parses the message.
    pub fn parse(data: &[u8]) -> Result<Self, MessageError> {
        // Spec: P-118 ('client-hello' Message)
        let fields = Fields::parse(data)?.of_type("client-hello")?;
        Ok(Self { key: fields.public_key("key")? })
    }

    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        MapWriter::message("client-hello").binary("key", self.key.as_bytes()).finish()
    }
}

/// 'client-auth': a client authenticates itself and says what it wants from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAuth {
    /// The cookie of the server.
    pub your_cookie: Cookie,
    /// The subprotocols that were offered when the WebSocket was opened, in the same order.
    pub subprotocols: Vec<String>,
    /// Seconds between WebSocket pings of the server; 0 for none.
    pub ping_interval: u64,
    /// The permanent key of the server that the client wants to see used. As bytes, which need not be a valid key:
    /// one that is not a key of the server is answered in one way, whatever is wrong with it.
    pub your_key: Option<[u8; KEY_BYTES]>,
}

impl ClientAuth {
    /// Parses the message. A missing `ping_interval` counts as 0, as it does for the other servers.
    pub fn parse(data: &[u8]) -> Result<Self, MessageError> {
        let fields = Fields::parse(data)?.of_type("client-auth")?;
        Ok(Self {
            your_cookie: Cookie(fields.bytes("your_cookie")?),
            // Spec: P-128 ('client-auth' Message)
            subprotocols: fields.texts("subprotocols")?.into_iter().map(str::to_owned).collect(),
            // Spec: P-132 ('client-auth' Message)
            ping_interval: match fields.optional("ping_interval") {
                Some(_) => fields.uint("ping_interval")?,
                None => 0,
            },
            your_key: match fields.optional("your_key") {
                Some(_) => Some(fields.bytes("your_key")?),
                None => None,
            },
        })
    }

    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        let map = MapWriter::message("client-auth")
            .binary("your_cookie", &self.your_cookie.0)
            .texts("subprotocols", &self.subprotocols)
            .uint("ping_interval", self.ping_interval);
        match &self.your_key {
            Some(key) => map.binary("your_key", key),
            None => map,
        }
        .finish()
    }
}

/// 'server-auth': the server confirms, and says who else is on the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAuth {
    /// The cookie of the client.
    pub your_cookie: Cookie,
    /// The server's public session key and the client's public permanent key, boxed with the
    /// server's permanent key; only if the server has one.
    pub signed_keys: Option<[u8; Self::SIGNED_KEYS_BYTES]>,
    /// What depends on the role of the client.
    pub role: ServerAuthRole,
}

/// The part of 'server-auth' that depends on the role of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerAuthRole {
    /// The client is the initiator; these responders are on the path.
    Initiator {
        /// The authenticated responders.
        responders: BTreeSet<ResponderAddress>,
    },
    /// The client is a responder.
    Responder {
        /// Whether an authenticated initiator is on the path.
        initiator_connected: bool,
    },
}

impl ServerAuth {
    /// Bytes in `signed_keys`: two keys and the box around them.
    pub const SIGNED_KEYS_BYTES: usize = 2 * KEY_BYTES + BOX_OVERHEAD;

    /// Parses the message as a client of the role `role`.
    pub fn parse(data: &[u8], role: Role) -> Result<Self, MessageError> {
        let fields = Fields::parse(data)?.of_type("server-auth")?;
        Ok(Self {
            your_cookie: Cookie(fields.bytes("your_cookie")?),
            signed_keys: match fields.optional("signed_keys") {
                Some(_) => Some(fields.bytes("signed_keys")?),
                None => None,
            },
            role: match role {
                Role::Initiator => {
                    fields.absent("initiator_connected")?;
                    ServerAuthRole::Initiator { responders: Self::parse_responders(&fields)? }
                }
                Role::Responder => {
                    fields.absent("responders")?;
                    ServerAuthRole::Responder {
                        // Spec: P-168 ('server-auth' Message)
                        initiator_connected: fields.boolean("initiator_connected")?,
                    }
                }
            },
        })
    }

    fn parse_responders(fields: &Fields<'_>) -> Result<BTreeSet<ResponderAddress>, MessageError> {
        let invalid = |why| fields.error("responders", FieldProblem::Invalid(why));
        let mut responders = BTreeSet::new();
        // Spec: P-162 P-164 P-165 ('server-auth' Message)
        for item in fields.array("responders")? {
            // Spec: P-163 ('server-auth' Message)
            let address = read_uint(item)
                .and_then(responder_address)
                .ok_or_else(|| invalid("has an item that is not a responder address"))?;
            if !responders.insert(address) {
                return Err(invalid("names a responder twice"));
            }
        }
        Ok(responders)
    }

    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        let map = MapWriter::message("server-auth").binary("your_cookie", &self.your_cookie.0);
        let map = match &self.signed_keys {
            Some(keys) => map.binary("signed_keys", keys),
            None => map,
        };
        match &self.role {
            ServerAuthRole::Initiator { responders } => {
                map.uints("responders", responders.iter().map(|address| address.get().into()))
            }
            ServerAuthRole::Responder { initiator_connected } => {
                map.boolean("initiator_connected", *initiator_connected)
            }
        }
        .finish()
    }
}

/// 'new-initiator': a new initiator is on the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInitiator;

impl NewInitiator {
    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        MapWriter::message("new-initiator").finish()
    }
}

/// 'new-responder': a new responder is on the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewResponder {
    /// The address of the responder.
    pub id: ResponderAddress,
}

impl NewResponder {
    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        MapWriter::message("new-responder").uint("id", self.id.get().into()).finish()
    }
}

/// 'drop-responder': the initiator asks the server to close the connection of a responder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropResponder {
    /// The address of the responder.
    pub id: ResponderAddress,
    /// Why; the server takes [`DropReason::DroppedByInitiator`] if this is absent.
    pub reason: Option<DropReason>,
}

impl DropResponder {
    /// Parses the message.
    pub fn parse(data: &[u8]) -> Result<Self, MessageError> {
        let fields = Fields::parse(data)?.of_type("drop-responder")?;
        Ok(Self {
            // Spec: P-191 ('drop-responder' Message)
            id: fields.responder("id")?,
            // Spec: P-192 ('drop-responder' Message)
            reason: match fields.optional("reason") {
                Some(_) => {
                    Some(DropReason::from_code(fields.uint("reason")?).ok_or_else(|| {
                        let problem = FieldProblem::Invalid("is not a close code for dropping");
                        fields.error("reason", problem)
                    })?)
                }
                None => None,
            },
        })
    }

    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        // Spec: P-186 ('drop-responder' Message)
        let map = MapWriter::message("drop-responder").uint("id", self.id.get().into());
        // Spec: P-187 ('drop-responder' Message)
        match self.reason {
            Some(reason) => map.uint("reason", reason.close_code().code().into()),
            None => map,
        }
        .finish()
    }
}

/// 'disconnected': a client left the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnected {
    /// The address that the client had.
    pub id: Address,
}

impl Disconnected {
    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        MapWriter::message("disconnected").uint("id", self.id.0.into()).finish()
    }
}

/// 'send-error': a message could not be relayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendError {
    /// Source, destination and combined sequence number of the message, as
    /// [`Nonce::identity`](crate::protocol::Nonce::identity) gives them.
    pub id: [u8; 8],
}

impl SendError {
    /// Who sent the message that was lost.
    pub const fn source(&self) -> Address {
        Address(self.id[0])
    }

    /// Whom the lost message was for.
    pub const fn destination(&self) -> Address {
        Address(self.id[1])
    }

    /// The combined sequence number of the lost message.
    pub fn sequence(&self) -> u64 {
        self.id[2..].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        MapWriter::message("send-error").binary("id", &self.id).finish()
    }
}

/// What the server tells an authenticated client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// To responders: a new initiator is on the path.
    NewInitiator,
    /// To the initiator: a new responder is on the path.
    NewResponder(ResponderAddress),
    /// The initiator (to responders) or a responder (to the initiator) left.
    Disconnected(Address),
    /// A message could not be relayed.
    SendError(SendError),
}

impl Notification {
    /// Parses a message from the server to an authenticated client of the role `role`.
    pub fn parse(data: &[u8], role: Role) -> Result<Self, MessageError> {
        let fields = Fields::parse(data)?;
        match (fields.kind(), role) {
            ("new-initiator", Role::Responder) => Ok(Self::NewInitiator),
            ("new-responder", Role::Initiator) => {
                let fields = fields.of_type("new-responder")?;
                // Spec: P-180 ('new-responder' Message)
                Ok(Self::NewResponder(fields.responder("id")?))
            }
            ("disconnected", role) => {
                let fields = fields.of_type("disconnected")?;
                let id = u8::try_from(fields.uint("id")?).map(Address);
                match id {
                    // Spec: P-201 P-202 ('disconnected' Message)
                    Ok(id) if id.role() == Some(role.peer()) => Ok(Self::Disconnected(id)),
                    _ => {
                        Err(fields
                            .error("id", FieldProblem::Invalid("is not the address of a peer")))
                    }
                }
            }
            ("send-error", _) => {
                let fields = fields.of_type("send-error")?;
                Ok(Self::SendError(SendError { id: fields.bytes("id")? }))
            }
            _ => Err(fields.unexpected()),
        }
    }
}
