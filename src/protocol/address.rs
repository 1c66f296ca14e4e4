//! Addresses on a signalling path (protocol, *Address*).

use std::fmt;

/// Which of the two clients somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The client whose public permanent key is the signalling path.
    Initiator,
    /// The client that was invited.
    Responder,
}

impl Role {
    /// The role of the client at the other end.
    pub const fn peer(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initiator => "initiator",
            Self::Responder => "responder",
        })
    }
}

/// One byte that names somebody on a path: the server `0x00`, the initiator `0x01`, or a responder.
// Spec: P-015 (Address)
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(pub u8);

impl Address {
    /// The server, and every client that has no address yet.
    pub const SERVER: Self = Self(0x00);
    /// The initiator of the path.
    pub const INITIATOR: Self = Self(0x01);

    /// The role that goes with the address; `None` for the server.
    pub const fn role(self) -> Option<Role> {
        match self.0 {
            0x00 => None,
            0x01 => Some(Role::Initiator),
            _ => Some(Role::Responder),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}", self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The address of a responder: `0x02` to `0xff`, assigned by the server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResponderAddress(u8);

impl ResponderAddress {
    /// How many responders can be on one path.
    pub const COUNT: usize = 254;

    /// The address `byte`, if it is one of a responder.
    pub const fn new(byte: u8) -> Option<Self> {
        if byte >= 0x02 { Some(Self(byte)) } else { None }
    }

    /// All responder addresses, smallest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0x02..=0xff).map(Self)
    }

    /// The byte of the address.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl From<ResponderAddress> for Address {
    fn from(address: ResponderAddress) -> Self {
        Self(address.0)
    }
}

impl TryFrom<Address> for ResponderAddress {
    type Error = Address;

    fn try_from(address: Address) -> Result<Self, Address> {
        Self::new(address.0).ok_or(address)
    }
}

impl fmt::Debug for ResponderAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}", self.0)
    }
}

impl fmt::Display for ResponderAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers P-015.
    #[test]
    fn the_address_space_is_server_initiator_and_254_responders() {
        assert_eq!(Address(0).role(), None);
        assert_eq!(Address(1).role(), Some(Role::Initiator));
        for byte in 0..=255 {
            let responder = ResponderAddress::new(byte);
            assert_eq!(responder.is_some(), byte >= 2);
            assert_eq!(responder.is_some(), Address(byte).role() == Some(Role::Responder));
        }
        assert_eq!(ResponderAddress::all().count(), ResponderAddress::COUNT);
    }
}
