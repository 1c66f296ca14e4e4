//! What follows from what DTLS and SCTP report.

use bytes::Bytes;

use super::channel::{Channel, Closing};
use super::config::{AssociationEvent, ChannelId, MessageKind};
use super::dcep::{self, DcepMessage};
use super::dtls::DtlsEvent;
use super::sctp::{Arrival, SctpEvent};
use super::{Association, State, ppid};
use crate::task::{ChannelFailure, ChannelMessageError, ConnectionFailure};

impl Association {
    /// Deals with all that has happened, until nothing else does.
    pub(super) fn settle(&mut self) {
        while self.state != State::Over {
            let mut idle = true;
            while let Some(event) = self.dtls.poll_event() {
                idle = false;
                self.handle_dtls_event(event);
            }
            idle &= !self.handle_sctp_events();
            idle &= !self.take_messages();
            if idle {
                return;
            }
        }
    }

    /// Deals with what SCTP reports, besides messages. Returns whether there was anything.
    pub(super) fn handle_sctp_events(&mut self) -> bool {
        let mut any = false;
        while let Some(event) = self.sctp.poll_event() {
            any = true;
            self.handle_sctp_event(event);
        }
        any
    }

    fn handle_dtls_event(&mut self, event: DtlsEvent) {
        match event {
            DtlsEvent::Connected => self.sctp.connect(),
            DtlsEvent::BegunAnew => self.sctp.start_over(),
            DtlsEvent::Closed => {
                self.take_all_messages();
                self.end(None);
            }
            DtlsEvent::Failed(error) => {
                self.take_all_messages();
                self.end(Some(error));
            }
        }
    }

    fn handle_sctp_event(&mut self, event: SctpEvent) {
        if self.state == State::Over {
            return;
        }
        match event {
            SctpEvent::Connected => self.connected(),
            SctpEvent::Ended(error) => {
                self.take_all_messages();
                self.end(error.map(ConnectionFailure::Sctp));
            }
            SctpEvent::StreamClosed(stream) => self.our_direction_closed(stream),
            SctpEvent::ResetRefused(stream) => self.close_one_sided(stream),
            SctpEvent::Low(stream) => self.buffered_amount_low(stream),
            SctpEvent::TotalLow => {
                // Channels that were refused only because of what waits on others.
                for id in self.channels.ids() {
                    if let Some(channel) = self.channels.get(id)
                        && channel.starved
                        && self.sctp.buffered_amount(id)
                            <= channel.low_water.unwrap_or(self.default_low_water)
                    {
                        self.low_water(id);
                    }
                }
            }
        }
    }

    fn connected(&mut self) {
        if self.state != State::Connecting {
            return;
        }
        self.state = State::Connected;
        self.dtls.confirm();
        self.inbox.push(AssociationEvent::Connected);
        let streams = self.sctp.max_streams().unwrap_or(u16::MAX);
        for id in self.channels.ids() {
            if id >= streams {
                self.begin_close(id, Some(ChannelFailure::PeerAllowsFewer));
            } else if self.channels.get(id).is_some_and(|one| one.config.negotiated.is_some()) {
                self.announce(id);
            }
            self.reset_if_sent(id);
        }
    }

    /// Takes messages from SCTP as long as there is room for them. Returns whether there were any.
    fn take_messages(&mut self) -> bool {
        let mut any = false;
        while self.inbox.has_room() && self.take_message() {
            any = true;
        }
        if any {
            self.sctp.announce_window();
        }
        any
    }

    /// Takes what there is, because it could not be taken later.
    pub(super) fn take_all_messages(&mut self) {
        while self.take_message() {}
    }

    fn take_message(&mut self) -> bool {
        let (stream, ppid, payload) = match self.sctp.next_arrival() {
            None => return false,
            Some(Arrival::Reset(stream)) => {
                self.closed_by_peer(stream);
                return true;
            }
            Some(Arrival::Message(stream, ppid, payload)) => (stream, ppid, payload),
        };
        match ppid {
            ppid::DCEP => self.handle_dcep(stream, &payload),
            ppid::TEXT => self.deliver(stream, MessageKind::Text, payload),
            ppid::BINARY => self.deliver(stream, MessageKind::Binary, payload),
            ppid::EMPTY_TEXT => self.deliver(stream, MessageKind::Text, Vec::new()),
            ppid::EMPTY_BINARY => self.deliver(stream, MessageKind::Binary, Vec::new()),
            _ => tracing::debug!(stream, "message of unknown kind ignored"),
        }
        true
    }

    fn handle_dcep(&mut self, stream: u16, payload: &[u8]) {
        let message = DcepMessage::parse(payload);
        if matches!(message, Some(DcepMessage::Open(_)))
            && self.channels.get(stream).is_some_and(Channel::is_closed_by_peer)
        {
            // The peer uses the stream again: it knows that ours is closed before we know that it
            // knows.
            self.our_direction_closed(stream);
        }
        match message {
            Some(DcepMessage::Ack) => self.announce(stream),
            Some(DcepMessage::Open(_)) if self.channels.get(stream).is_some() => {
                tracing::debug!(stream, "the peer opened a channel that is open; ignored");
            }
            Some(DcepMessage::Open(config)) if self.channels.peer_may_open(stream, &config) => {
                if self.early.is_broken(stream) {
                    return;
                }
                self.channels.insert(stream, Channel::new(config, true));
                // Also if it is closed before there is room for anything else.
                self.sctp.send_at_once(stream, ppid::DCEP, dcep::ack().into());
                self.announce(stream);
            }
            Some(DcepMessage::Open(_)) => {
                tracing::debug!(stream, "channel of the peer refused");
                self.refuse(stream);
            }
            None => {
                tracing::debug!(stream, "malformed channel message of the peer");
                if self.channels.get(stream).is_none() {
                    self.refuse(stream);
                }
            }
        }
    }

    /// Resets our direction of a stream on which the peer wants a channel that it cannot have.
    fn refuse(&mut self, stream: u16) {
        self.sctp.reset(stream);
    }

    /// Tells the owner that a channel is open, unless it knows.
    pub(super) fn announce(&mut self, id: u16) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        if channel.announced || channel.closing.is_some() {
            return;
        }
        channel.announced = true;
        let (config, by_peer) = (channel.config.clone(), channel.by_peer);
        self.inbox.push(AssociationEvent::ChannelOpened { id: ChannelId(id), config, by_peer });
        for (kind, data) in self.early.take(id) {
            self.deliver(id, kind, data);
        }
    }

    fn deliver(&mut self, stream: u16, kind: MessageKind, data: Vec<u8>) {
        if data.len() > self.max_message_size {
            let (size, limit) = (data.len(), self.max_message_size);
            let error = ChannelMessageError::TooLarge { size, limit };
            self.begin_close(stream, Some(ChannelFailure::Message(error)));
            return;
        }
        match self.channels.get(stream).filter(|channel| !channel.is_closed_by_peer()) {
            None => {
                if !self.early.add(stream, kind, data) {
                    tracing::debug!(stream, "too much on channels that nobody opens");
                    self.refuse(stream);
                }
            }
            Some(channel) if channel.closing.is_some() => {}
            Some(_) => {
                // A message says as much as the confirmation, which may come later.
                self.announce(stream);
                let data = Bytes::from(data);
                self.inbox.push(AssociationEvent::Message { id: ChannelId(stream), kind, data });
            }
        }
    }

    fn buffered_amount_low(&mut self, id: u16) {
        self.reset_if_sent(id);
        let wanted = self
            .channels
            .get(id)
            .is_some_and(|channel| channel.starved || channel.low_water.is_some());
        if wanted {
            self.low_water(id);
        }
    }

    fn low_water(&mut self, id: u16) {
        if let Some(channel) = self.channels.get_mut(id)
            && channel.closing.is_none()
        {
            channel.starved = false;
            if !std::mem::replace(&mut channel.low_water_waits, true) {
                self.inbox.push(AssociationEvent::LowWater { id: ChannelId(id) });
            }
        }
    }

    /// Starts to close a channel from our side.
    pub(super) fn begin_close(&mut self, id: u16, error: Option<ChannelFailure>) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        if channel.closing.is_some() || self.state == State::Over {
            return;
        }
        channel.closing = Some(Closing { error, ..Closing::default() });
        self.sctp.set_low_water(id, 0);
        self.reset_if_sent(id);
    }

    /// Closes our direction of a closing channel, if nothing waits there.
    fn reset_if_sent(&mut self, id: u16) {
        if self.sctp.buffered_amount(id) == 0 {
            self.reset(id);
        }
    }

    fn reset(&mut self, id: u16) {
        let Some(closing) = self.channels.get_mut(id).and_then(|one| one.closing.as_mut()) else {
            return;
        };
        if closing.reset_sent {
            return;
        }
        closing.reset_sent = true;
        self.sctp.reset(id);
    }

    /// The peer has closed its direction of a stream, and all that it had sent was taken.
    fn closed_by_peer(&mut self, id: u16) {
        self.early.forget(id);
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        let refused = !channel.announced && channel.config.negotiated.is_none();
        let closing = channel.closing.get_or_insert_with(|| Closing {
            error: refused.then_some(ChannelFailure::Refused),
            ..Closing::default()
        });
        closing.theirs_done = true;
        // Nobody is there to read what still waits.
        closing.reset_sent = true;
        closing.ours_done |= self.sctp.closed_by_peer(id);
        self.announce_closed(id);
        self.remove_if_closed(id);
    }

    fn our_direction_closed(&mut self, id: u16) {
        if let Some(closing) = self.channels.get_mut(id).and_then(|one| one.closing.as_mut()) {
            closing.ours_done = true;
            self.remove_if_closed(id);
        }
    }

    /// Closes a channel for our side alone, because the peer cannot close it or does not want to.
    fn close_one_sided(&mut self, id: u16) {
        if let Some(closing) = self.channels.get_mut(id).and_then(|one| one.closing.as_mut()) {
            closing.ours_done = true;
            closing.theirs_done = true;
            self.channels.retire(id);
            self.remove_if_closed(id);
        }
    }

    fn remove_if_closed(&mut self, id: u16) {
        let closing = self.channels.get(id).and_then(|one| one.closing.as_ref());
        if closing.is_some_and(|closing| closing.ours_done && closing.theirs_done) {
            self.announce_closed(id);
            self.channels.remove(id);
        }
    }

    fn announce_closed(&mut self, id: u16) {
        let Some(closing) = self.channels.get_mut(id).and_then(|one| one.closing.as_mut()) else {
            return;
        };
        if !std::mem::replace(&mut closing.announced, true) {
            let error = closing.error.take();
            self.inbox.push(AssociationEvent::ChannelClosed { id: ChannelId(id), error });
            self.channels.closed(id);
        }
    }

    /// The end, because of an error or on purpose.
    pub(super) fn end(&mut self, error: Option<ConnectionFailure>) {
        if self.state == State::Over {
            return;
        }
        for id in self.channels.ids() {
            if let Some(channel) = self.channels.get_mut(id) {
                let error = error.clone().map(ChannelFailure::Connection);
                let reason = || Closing { error, ..Closing::default() };
                channel.closing.get_or_insert_with(reason);
            }
            self.announce_closed(id);
            self.channels.remove(id);
        }
        self.inbox.push(match error {
            Some(error) => AssociationEvent::Failed(error),
            None => AssociationEvent::Ended,
        });
        self.state = State::Over;
        // The last packets go before the good-bye.
        while let Some(packet) = self.sctp.poll_packet() {
            self.dtls.send(self.now, &packet);
        }
        self.dtls.close(self.now);
    }
}
