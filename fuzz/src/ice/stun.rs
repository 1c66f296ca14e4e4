//! Connectivity checks and their answers, as the peer of an agent makes them (RFC 8445 section 7, RFC 8489).

use std::net::SocketAddr;

use saltyrtc::rtc::ice::Credentials;
use turn_client_proto::stun::types::attribute::{
    AttributeType, ErrorCode, RawAttribute, Username, XorMappedAddress,
};
use turn_client_proto::stun::types::message::{
    BINDING, IntegrityAlgorithm, Message, MessageClass, MessageType, MessageWriteVec,
    ShortTermCredentials,
};
use turn_client_proto::stun::types::prelude::{MessageWrite, MessageWriteExt};

const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802a;
/// The error of somebody whose role is ours.
const ROLE_CONFLICT: u16 = 487;

/// A check of the peer.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    pub controlling: bool,
    pub nominates: bool,
    pub tie_breaker: u8,
    /// It is the transaction.
    pub number: u64,
}

impl Check {
    /// The packet, from `theirs` to `ours`.
    pub fn packet(self, ours: &Credentials, theirs: &Credentials) -> Vec<u8> {
        let request = MessageType::from_class_method(MessageClass::Request, BINDING);
        let id = u128::from(self.number).into();
        let mut message = Message::builder(request, id, MessageWriteVec::new());
        let user = Username::new(&format!("{}:{}", ours.ufrag(), theirs.ufrag()));
        message.add_attribute(&user.expect("short enough")).expect("the first one");
        let role = if self.controlling { ICE_CONTROLLING } else { ICE_CONTROLLED };
        let tie_breaker = [self.tie_breaker; 8];
        raw(&mut message, PRIORITY, &1000_u32.to_be_bytes());
        raw(&mut message, role, &tie_breaker);
        if self.nominates {
            raw(&mut message, USE_CANDIDATE, &[]);
        }
        finish(message, ours)
    }
}

fn raw(message: &mut MessageWriteVec, kind: u16, data: &[u8]) {
    let attribute = RawAttribute::new(AttributeType::new(kind), data);
    message.add_attribute(&attribute).expect("not there yet");
}

fn finish(mut message: MessageWriteVec, credentials: &Credentials) -> Vec<u8> {
    let credentials = ShortTermCredentials::new(credentials.password().to_owned()).into();
    message.add_message_integrity(&credentials, IntegrityAlgorithm::Sha1).expect("once");
    message.add_fingerprint().expect("at the end");
    message.finish()
}

/// Whether a packet is a check, and not an answer.
pub fn is_check(packet: &[u8]) -> bool {
    Message::from_bytes(packet).is_ok_and(|message| message.has_class(MessageClass::Request))
}

/// The answer to a check that came from `from`, as it looks from outside; `theirs` are the credentials of the peer.
pub fn answer(check: &[u8], from: SocketAddr, theirs: &Credentials, conflict: bool) -> Vec<u8> {
    let check = Message::from_bytes(check).expect("an agent sends good ones");
    let message = if conflict {
        let mut message = Message::builder_error(&check, MessageWriteVec::new());
        let error = ErrorCode::builder(ROLE_CONFLICT).build().expect("an error");
        message.add_attribute(&error).expect("the first one");
        message
    } else {
        let mut message = Message::builder_success(&check, MessageWriteVec::new());
        let address = XorMappedAddress::new(from, check.transaction_id());
        message.add_attribute(&address).expect("the first one");
        message
    };
    finish(message, theirs)
}
