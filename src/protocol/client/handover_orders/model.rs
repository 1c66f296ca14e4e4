//! A client as the table in `handover.rs` has it.

use std::collections::VecDeque;

use crate::protocol::CloseCode;
use crate::protocol::client::EndReason;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Tag {
    Application(u8),
    Handover,
    Close(CloseCode),
}

/// A client as the table has it.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) own: bool,
    pub(super) peers: bool,
    /// What came over the channel and waits; `None` is its end.
    pub(super) early: VecDeque<Option<Tag>>,
    pub(super) channel_gone: bool,
    pub(super) got: u8,
    pub(super) left: bool,
    pub(super) end: Option<EndReason>,
}

impl Model {
    pub(super) fn session(&self) -> bool {
        !self.left && self.end.is_none()
    }

    pub(super) fn both(&self) -> bool {
        self.own && self.peers
    }

    pub(super) fn ends(&mut self, reason: EndReason) {
        self.end.get_or_insert(reason);
    }

    pub(super) fn message(&mut self, tag: Tag) {
        match tag {
            _ if !self.session() => {}
            Tag::Application(number) => {
                assert_eq!(number, self.got, "messages come in order");
                self.got += 1;
            }
            Tag::Handover => {
                assert!(!self.peers, "the library says it once");
                self.peers = true;
                self.arrivals();
            }
            Tag::Close(code) => self.ends(EndReason::PeerClosed(code)),
        }
    }

    pub(super) fn arrivals(&mut self) {
        while self.peers && self.session() {
            match self.early.pop_front() {
                Some(Some(tag)) => self.message(tag),
                Some(None) => self.ends(EndReason::SignallingChannelLost),
                None => return,
            }
        }
    }

    pub(super) fn channel_message(&mut self, tag: Tag) {
        if self.session() && !self.channel_gone {
            self.early.push_back(Some(tag));
            self.arrivals();
        }
    }

    pub(super) fn channel_end(&mut self) {
        if !self.session() || self.channel_gone {
            return;
        }
        match (self.own, self.peers) {
            (false, false) if self.early.is_empty() => {}
            (true, false) => self.ends(EndReason::SignallingChannelLost),
            _ => {
                self.channel_gone = true;
                self.early.push_back(None);
                self.arrivals();
            }
        }
    }

    pub(super) fn disconnected(&mut self) {
        if self.session() && !self.both() {
            self.left = true;
        }
    }

    pub(super) fn socket_end(&mut self, reason: EndReason) {
        if !self.both() || !self.session() {
            self.ends(reason);
        }
    }
}
