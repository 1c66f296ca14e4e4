//! A message of the authenticated peer on its way in: its nonce is checked, then it is opened and taken
//! apart, then it counts.
//!
//! The second step takes most of the time and needs nothing of the client, so a driver can do it without
//! holding a lock on the client.

use bytes::Bytes;

use super::fault::ProtocolFault;
use crate::crypto::{Content, Implementation, OpenError, SharedKey};
use crate::protocol::message::TaskMessage;
use crate::protocol::{CheckedNonce, Nonce};

/// A message whose nonce was found to be right. There can be one at a time.
#[derive(Debug)]
#[must_use]
pub struct Unopened {
    /// Of which session.
    pub(super) session: u64,
    pub(super) checked: CheckedNonce,
    pub(super) key: SharedKey,
    /// Messages of this type are bulk data.
    pub(super) data_type: Option<&'static str>,
}

/// A message that was opened, or the reason why it could not be.
#[derive(Debug)]
#[must_use]
pub struct Opened {
    pub(super) session: u64,
    pub(super) checked: CheckedNonce,
    pub(super) content: Result<TaskMessage, ProtocolFault>,
}

impl Unopened {
    /// Opens the message, which is the one that was looked at, and takes it apart.
    pub fn open(self, message: &[u8]) -> Opened {
        let content = match Nonce::split(message) {
            Some((_, nonce, sealed)) => self.content(nonce, sealed),
            None => Err(OpenError.into()),
        };
        Opened { session: self.session, checked: self.checked, content }
    }

    /// Only the content of a box says what kind of message it is. So a message that may carry bulk data is
    /// opened as such, perhaps by the implementation of NaCl that is not audited; and again by the audited one
    /// if it turns out to be signalling, so that nothing the protocol acts on depends on the other alone.
    fn content(
        &self,
        nonce: &[u8; Nonce::BYTES],
        sealed: &[u8],
    ) -> Result<TaskMessage, ProtocolFault> {
        let audited = || parse(self.key.open(nonce, sealed)?);
        let Some(data_type) = self.data_type else { return audited() };
        let plain = self.key.for_content(Content::RelayedData).open(nonce, sealed)?;
        let implementation = Content::RelayedData.implementation(plain.len());
        match (implementation, parse(plain)) {
            (Implementation::Vectorised, Ok(message)) if message.kind() == data_type => Ok(message),
            (Implementation::Vectorised, _) => audited(),
            (Implementation::Audited, message) => message,
        }
    }
}

/// The content of a message of the peer.
pub(super) fn parse(plain: Vec<u8>) -> Result<TaskMessage, ProtocolFault> {
    Ok(TaskMessage::parse(Bytes::from(plain))?)
}
