//! A STUN and TURN server (RFC 8489, RFC 8656) that can be told to misbehave. It knows one user.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use turn_client_proto::stun::types::attribute::{ErrorCode, Nonce, Realm, XorMappedAddress};
use turn_client_proto::stun::types::message::{
    BINDING, IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass,
    MessageIntegrityCredentials, MessageWriteVec,
};
use turn_client_proto::stun::types::prelude::{MessageWrite, MessageWriteExt};
use turn_client_proto::types::attribute::{
    ChannelNumber, Data, Lifetime, XorPeerAddress, XorRelayedAddress,
};
use turn_client_proto::types::message::{
    ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, DATA, REFRESH, SEND,
};

pub(crate) const USER: &str = "someone";
pub(crate) const PASSWORD: &str = "their password";
const REALM: &str = "example.org";

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// From this address, as the server sees it.
    Udp(SocketAddr),
    /// By the connection with this number.
    Stream(usize),
}

/// Where something that the server sends goes.
pub(crate) enum Sent {
    ToClient(Client, Vec<u8>),
    ToPeer { relayed: SocketAddr, to: SocketAddr, data: Vec<u8> },
}

struct Allocation {
    client: Client,
    relayed: SocketAddr,
    permissions: HashSet<IpAddr>,
    channels: Vec<(u16, SocketAddr)>,
    expires: Instant,
}

pub(crate) struct TurnServer {
    pub(crate) address: SocketAddr,
    /// Where the addresses are that it gives out.
    pub(crate) relay_ip: IpAddr,
    /// Refuses allocations with this error.
    pub(crate) refuse: Option<u16>,
    /// Refuses to extend allocations with this error.
    pub(crate) refuse_refresh: Option<u16>,
    /// The longest time that it gives, in seconds.
    pub(crate) max_lifetime: u32,
    pub(crate) now: Instant,
    /// Answers the next request with "stale nonce".
    pub(crate) stale_nonce: bool,
    /// Requests of each method that were granted.
    pub(crate) refreshes: usize,
    pub(crate) deletions: usize,
    pub(crate) channel_packets: usize,
    nonce: u32,
    next_port: u16,
    allocations: Vec<Allocation>,
}

impl TurnServer {
    pub(crate) fn new(address: &str) -> Self {
        let address: SocketAddr = address.parse().unwrap();
        Self {
            address,
            relay_ip: address.ip(),
            refuse: None,
            refuse_refresh: None,
            max_lifetime: 600,
            now: Instant::now(),
            stale_nonce: false,
            refreshes: 0,
            deletions: 0,
            channel_packets: 0,
            nonce: 1,
            next_port: 50_000,
            allocations: Vec::new(),
        }
    }

    pub(crate) fn allocations(&self) -> usize {
        self.allocations.len()
    }

    /// Loses all that it knows, as after a restart.
    pub(crate) fn forget(&mut self) {
        self.allocations.clear();
    }

    pub(crate) fn set_time(&mut self, now: Instant) {
        self.now = now;
        self.allocations.retain(|allocation| allocation.expires > now);
    }

    pub(crate) fn owns(&self, address: SocketAddr) -> bool {
        self.allocations.iter().any(|allocation| allocation.relayed == address)
    }

    /// A client has sent a whole message.
    pub(crate) fn handle_client(&mut self, client: Client, packet: &[u8]) -> Vec<Sent> {
        if packet[0] >= 64 {
            let number = u16::from_be_bytes([packet[0], packet[1]]);
            let length = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
            let Some(allocation) = self.allocations.iter().find(|known| known.client == client)
            else {
                return Vec::new();
            };
            let channel = allocation.channels.iter().find(|(known, _)| *known == number);
            let Some((_, to)) = channel else { return Vec::new() };
            self.channel_packets += 1;
            let data = packet[4..4 + length].to_vec();
            return vec![Sent::ToPeer { relayed: allocation.relayed, to: *to, data }];
        }
        let message = Message::from_bytes(packet).unwrap();
        if message.has_class(MessageClass::Indication) {
            return self.relay(client, &message);
        }
        if message.method() == BINDING {
            let Client::Udp(from) = client else { panic!("STUN over a connection") };
            let mut answer = Message::builder_success(&message, MessageWriteVec::new());
            answer.add_attribute(&XorMappedAddress::new(from, message.transaction_id())).unwrap();
            return vec![Sent::ToClient(client, answer.finish())];
        }
        let credentials: MessageIntegrityCredentials =
            LongTermKeyCredentials::new(USER.to_owned(), PASSWORD.to_owned(), REALM.to_owned())
                .into();
        let stale = std::mem::take(&mut self.stale_nonce);
        if stale {
            self.nonce += 1;
        }
        if stale || message.validate_integrity(&credentials).is_err() {
            let code = if stale { ErrorCode::STALE_NONCE } else { ErrorCode::UNAUTHORIZED };
            let mut answer = Message::builder_error(&message, MessageWriteVec::new());
            answer.add_attribute(&ErrorCode::builder(code).build().unwrap()).unwrap();
            answer.add_attribute(&Realm::new(REALM).unwrap()).unwrap();
            answer.add_attribute(&Nonce::new(&format!("nonce {}", self.nonce)).unwrap()).unwrap();
            return vec![Sent::ToClient(client, answer.finish())];
        }
        let mut answer = match self.grant(client, &message) {
            Ok(answer) => answer,
            Err(code) => {
                let mut answer = Message::builder_error(&message, MessageWriteVec::new());
                answer.add_attribute(&ErrorCode::builder(code).build().unwrap()).unwrap();
                answer
            }
        };
        answer.add_message_integrity(&credentials, IntegrityAlgorithm::Sha1).unwrap();
        vec![Sent::ToClient(client, answer.finish())]
    }

    fn grant(&mut self, client: Client, message: &Message<'_>) -> Result<MessageWriteVec, u16> {
        let id = message.transaction_id();
        let mut answer = Message::builder_success(message, MessageWriteVec::new());
        let peer = || message.attribute::<XorPeerAddress>().unwrap().addr(id);
        let known = self.allocations.iter().position(|known| known.client == client);
        let asked = message.attribute::<Lifetime>().map_or(600, |lifetime| lifetime.seconds());
        let lifetime = asked.min(self.max_lifetime);
        let expires = self.now + Duration::from_secs(lifetime.into());
        match (message.method(), known) {
            (ALLOCATE, None) => {
                if let Some(code) = self.refuse {
                    return Err(code);
                }
                let relayed = SocketAddr::new(self.relay_ip, self.next_port);
                self.next_port += 1;
                let (permissions, channels) = (HashSet::new(), Vec::new());
                let allocation = Allocation { client, relayed, permissions, channels, expires };
                self.allocations.push(allocation);
                answer.add_attribute(&XorRelayedAddress::new(relayed, id)).unwrap();
                // Over a connection it is worth nothing for other packets.
                let from = match client {
                    Client::Udp(from) => from,
                    Client::Stream(_) => "198.51.100.7:7".parse().unwrap(),
                };
                answer.add_attribute(&XorMappedAddress::new(from, id)).unwrap();
                answer.add_attribute(&Lifetime::new(lifetime)).unwrap();
            }
            (REFRESH, Some(index)) => {
                if asked == 0 {
                    self.allocations.remove(index);
                    self.deletions += 1;
                } else if let Some(code) = self.refuse_refresh {
                    return Err(code);
                } else {
                    self.refreshes += 1;
                    self.allocations[index].expires = expires;
                }
                answer.add_attribute(&Lifetime::new(lifetime)).unwrap();
            }
            (CREATE_PERMISSION, Some(index)) => {
                self.allocations[index].permissions.insert(peer().ip());
            }
            (CHANNEL_BIND, Some(index)) => {
                let number = message.attribute::<ChannelNumber>().unwrap().channel();
                let allocation = &mut self.allocations[index];
                allocation.permissions.insert(peer().ip());
                allocation.channels.retain(|(known, _)| *known != number);
                allocation.channels.push((number, peer()));
            }
            _ => return Err(ErrorCode::ALLOCATION_MISMATCH),
        }
        Ok(answer)
    }

    fn relay(&mut self, client: Client, message: &Message<'_>) -> Vec<Sent> {
        assert_eq!(message.method(), SEND);
        let Some(allocation) = self.allocations.iter().find(|known| known.client == client) else {
            return Vec::new();
        };
        let to = message.attribute::<XorPeerAddress>().unwrap().addr(message.transaction_id());
        if !allocation.permissions.contains(&to.ip()) {
            return Vec::new();
        }
        let data = message.attribute::<Data>().unwrap().data().to_vec();
        vec![Sent::ToPeer { relayed: allocation.relayed, to, data }]
    }

    /// A packet came to an address that was given to a client.
    pub(crate) fn handle_peer(
        &mut self,
        relayed: SocketAddr,
        from: SocketAddr,
        packet: &[u8],
    ) -> Option<Sent> {
        let allocation = self.allocations.iter().find(|known| known.relayed == relayed)?;
        if !allocation.permissions.contains(&from.ip()) {
            return None;
        }
        let channel = allocation.channels.iter().find(|(_, peer)| *peer == from);
        let message = if let Some((number, _)) = channel {
            let mut message = number.to_be_bytes().to_vec();
            message.extend(u16::try_from(packet.len()).unwrap().to_be_bytes());
            message.extend(packet);
            if let Client::Stream(_) = allocation.client {
                // RFC 8656 section 12.5.
                message.resize(message.len().next_multiple_of(4), 0xee);
            }
            message
        } else {
            let mut message = Message::builder_indication(DATA, MessageWriteVec::new());
            let id = message.transaction_id();
            message.add_attribute(&XorPeerAddress::new(from, id)).unwrap();
            message.add_attribute(&Data::new(packet)).unwrap();
            message.finish()
        };
        Some(Sent::ToClient(allocation.client, message))
    }
}

/// Cuts the first message off what came over a connection.
pub(crate) fn cut_message(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    if bytes.len() < 4 {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
    let whole = if bytes[0] < 64 { 20 + length } else { (4 + length).next_multiple_of(4) };
    (bytes.len() >= whole).then(|| bytes.drain(..whole).collect())
}
