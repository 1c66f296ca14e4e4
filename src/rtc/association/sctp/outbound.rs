//! What leaves: how much SCTP is given, and what becomes of its packets.

use std::time::Duration;

use bytes::Bytes;
use sctp_proto::{Payload, ReliabilityType};

use super::outbox::Outgoing;
use super::packet::{self, DATA_HEADER, HEADER, Sack, Writer, kind};
use super::{BURST, MAX_PACKETS, Phase, Reliability, Repeated, Sctp};

/// How long it takes until the next so many bytes may leave.
const BREAK: Duration = Duration::from_millis(1);
/// How long SCTP is not asked for packets after it was, for each chunk that is on its way beyond a few: it
/// looks at all of them.
const REST: Duration = Duration::from_micros(1);
const FEW: usize = 64;
/// When so many bytes were acknowledged meanwhile, it is worth it before.
const ENOUGH: usize = 48_000;
/// How many chunks SCTP may have waiting. While some do, it increases its congestion window.
const GIVEN_CHUNKS: usize = 128;
/// How many bytes of them: if it sends them at once, and if not. What comes later on other channels waits for
/// these.
const GIVEN_BYTES: [usize; 2] = [64 * 1024, 8 * 1024];
/// The most chunks that may be on their way. It is enough for 100 Mbit/s and 180 ms there and back.
const FLIGHT: usize = 2048;
/// How many it is at least. For each chunk, SCTP goes through all of them, and many small messages fit into a path.
const FLIGHT_AT_LEAST: usize = 512;
/// How many more for each millisecond of the shortest round trip: enough for 1 Gbit/s.
const FLIGHT_PER_MILLISECOND: usize = 100;
/// How many streams are reset with one request.
const RESETS: usize = 256;
/// A window of which this part is used up is told to the peer as soon as more of it is free again.
const USED_UP: usize = 8;
/// How many times the peer is told.
const UPDATES: u32 = 30;

impl Sctp {
    /// The next packet to send.
    pub(in super::super) fn poll_packet(&mut self) -> Option<Bytes> {
        if self.packets.is_empty() {
            self.pump();
        }
        self.packets.pop_front()
    }

    /// Whether nothing is left to send, or to be acknowledged.
    pub(super) fn is_idle(&self) -> bool {
        self.outbox.total() == 0
            && self.outbox.messages() == 0
            && self.flight.len() == 0
            && self.resets.is_empty()
    }

    /// Gives SCTP what it can send, and takes its packets.
    pub(super) fn pump(&mut self) {
        if self.phase == Phase::Over {
            return;
        }
        if self.now < self.rests && self.acknowledged < ENOUGH {
            self.continues = Some(self.rests);
            return;
        }
        self.unanswered = 0;
        if self.acknowledged > 0 || self.now >= self.allowed + BREAK {
            self.allowance = BURST.max(2 * self.acknowledged);
            self.acknowledged = 0;
            self.allowed = self.now;
        }
        loop {
            let mut given = false;
            if self.phase == Phase::Established {
                given = self.give_messages();
                self.give_resets();
                self.give_shutdown();
            }
            let its_now = self.its_now();
            // It has no more before something else happens.
            if let Some(association) = &mut self.association
                && let Some(transmit) = association.poll_transmit(its_now)
                && let Payload::RawEncode(packets) = transmit.payload
            {
                packets.iter().for_each(|packet| self.leaves(packet));
            }
            self.forget_abandoned();
            self.waits = self.outbox.given_to_sctp().1 > 0;
            self.drain();
            if !given {
                break;
            }
        }
        if let Some(many) = self.flight.len().checked_sub(FEW) {
            self.rests = self.now + REST * many as u32;
        }
    }

    /// Gives messages to SCTP as long as it can send them. Returns whether there were any.
    fn give_messages(&mut self) -> bool {
        let mut any = false;
        while let Some((stream, size)) = self.outbox.next() {
            let (chunks, bytes) = self.outbox.given_to_sctp();
            let on_the_way = self.flight.wire_bytes() + bytes + DATA_HEADER * chunks;
            if chunks >= GIVEN_CHUNKS
                || bytes >= GIVEN_BYTES[usize::from(self.waits)]
                || self.flight.len() + chunks >= self.most_in_flight()
                || on_the_way >= self.governor.limit()
            {
                break;
            }
            // First the owner hears that there is room, and can add to it.
            if self.outbox.is_low() {
                self.continues = Some(self.now);
                break;
            }
            if self.allowance == 0 {
                self.continues.get_or_insert(self.now + BREAK);
                break;
            }
            // A message that hardly fits would make SCTP probe the window, and take it for congestion.
            let needed = size.min(self.flight.largest_window() / 2).max(1);
            if self.flight.room() < bytes + needed {
                if self.flight.len() == 0 && bytes == 0 {
                    self.probe.get_or_insert(Repeated::new(self.now));
                }
                break;
            }
            if !self.can_write(stream) {
                self.outbox.block();
                continue;
            }
            if !self.may_abandon_more(stream) {
                break;
            }
            let chunks = size.div_ceil(self.payload()).max(1);
            if let Some((stream, message)) = self.outbox.take(chunks) {
                self.allowance = self.allowance.saturating_sub(size + DATA_HEADER * chunks);
                if !self.give(stream, message) {
                    self.outbox.sent(stream, size, chunks);
                }
                any = true;
            }
        }
        any
    }

    /// How many chunks may be on their way: what the path needs, and no more.
    fn most_in_flight(&self) -> usize {
        let trip = self.governor.shortest().as_micros() as usize;
        (FLIGHT_AT_LEAST + trip * FLIGHT_PER_MILLISECOND / 1000).min(FLIGHT)
    }

    /// Whether SCTP takes messages on a stream: not while it is being reset.
    fn can_write(&mut self, stream: u16) -> bool {
        if self.unheard.contains_key(&stream) {
            return false;
        }
        let Some(association) = &mut self.association else { return false };
        match association.stream(stream) {
            Ok(stream) => stream.is_writable(),
            Err(_) => association.open_stream(stream, Default::default()).is_ok(),
        }
    }

    /// Whether a message that may get lost can be sent: a FORWARD TSN that gives up all of those that are on
    /// their way has to fit into a packet.
    fn may_abandon_more(&mut self, stream: u16) -> bool {
        let may_get_lost =
            self.outbox.first(stream).is_some_and(|it| it.reliability != Reliability::Reliable);
        if may_get_lost && !self.unreliable.contains(&stream) {
            if self.unreliable.len() >= (self.mtu - HEADER - 8) / 4 {
                return false;
            }
            self.unreliable.insert(stream);
        }
        true
    }

    /// Gives a message to SCTP. `false`: it was too late, or SCTP does not want it.
    fn give(&mut self, stream: u16, message: Outgoing) -> bool {
        let (kind, value) = match message.reliability {
            Reliability::Reliable => (ReliabilityType::Reliable, 0),
            Reliability::MaxRetransmits(times) => (ReliabilityType::Rexmit, times.into()),
            Reliability::MaxLifetime(time) => {
                let waited = self.now.saturating_duration_since(message.since);
                let Some(left) = time.checked_sub(waited) else { return false };
                (ReliabilityType::Timed, u32::try_from(left.as_millis()).unwrap_or(u32::MAX))
            }
        };
        let association = self.association.as_mut();
        let Some(mut stream) = association.and_then(|it| it.stream(stream).ok()) else {
            return false;
        };
        let written = stream
            .set_reliability_params(message.unordered, kind, value)
            .and_then(|()| stream.set_default_payload_type(message.ppid.into()))
            .and_then(|()| stream.write_chunks(&mut [message.payload]));
        if let Err(error) = &written {
            tracing::debug!(%error, "SCTP does not take a message");
        }
        written.is_ok()
    }

    /// SCTP throws messages away that are too old, without a word.
    fn forget_abandoned(&mut self) {
        let Some(association) = &mut self.association else { return };
        for stream in &self.unreliable {
            let given = self.outbox.given(*stream);
            if given > 0 {
                let held = association.stream(*stream).and_then(|it| it.buffered_amount());
                let gone = given.saturating_sub(held.unwrap_or(0));
                self.outbox.sent(*stream, gone, 0);
            }
        }
    }

    /// Lets SCTP reset streams, no more than fit into a packet.
    fn give_resets(&mut self) {
        self.open_streams();
        let limit = RESETS.min((self.mtu - HEADER - 20) / 2);
        while self.resetting.len() < limit
            && let Some(id) = self.resets.pop_first()
        {
            if self.opening.contains(&id) {
                // The last one who used the stream is not done.
                self.resets.insert(id);
                return;
            }
            let association = self.association.as_mut();
            // Otherwise the peer was first.
            if let Some(mut stream) = association.and_then(|it| it.stream(id).ok())
                && stream.is_readable()
            {
                if !stream.is_writable() {
                    if self.refused.contains(&id) {
                        continue;
                    }
                    // Neither here, where the peer has opened the stream again.
                    self.resets.insert(id);
                    return;
                }
                let _ = stream.finish();
                if stream.stop().is_ok() {
                    self.resetting.insert(id);
                }
            }
        }
    }

    /// Ends the association once nothing is left to be sent.
    fn give_shutdown(&mut self) {
        if !self.is_idle() {
            return;
        }
        if let Some(packet) = self.shutdown.take() {
            self.shutting_down = true;
            self.give_packet(packet);
        } else if self.shutting_down
            // SCTP asks for no reset any more once it shuts down, and some peers take nothing else for the end
            // of a channel.
            && self.resetting.is_empty()
            && !self.reset.is_unanswered()
            && let Some(association) = &mut self.association
        {
            // Does nothing the second time.
            let _ = association.shutdown();
        }
    }

    /// A packet of SCTP leaves.
    fn leaves(&mut self, packet: &Bytes) {
        let Some(mut chunks) = packet::chunks(packet) else { return };
        let Some(first) = chunks.next() else { return };
        match first.kind {
            kind::INIT | kind::INIT_ACK => {
                self.tag = Some(first.u32(0));
                let mut packet = packet.to_vec();
                // What it is told to hold is more.
                packet[20..24].copy_from_slice(&(self.receive_buffer as u32).to_be_bytes());
                packet::seal(&mut packet);
                return self.push(packet.into());
            }
            kind::SACK => {
                let sack = Sack::parse(&first);
                let limit = self.receive_buffer + super::UNWANTED;
                self.incomplete = limit.saturating_sub(sack.window as usize);
                if self.incomplete == 0 {
                    self.pieces = 0;
                }
                self.cumulative = sack.cumulative;
                self.sack = Some(sack);
                return self.send_sack();
            }
            kind::RECONFIG => {
                let other = self.reset.leaves(packet, &first, &self.resetting);
                for stream in first.reset_streams() {
                    self.resetting.remove(&stream);
                }
                if let Some(other) = other {
                    return self.push(other);
                }
            }
            kind::FORWARD_TSN => self.flight.skips(self.now, first.u32(0)),
            kind::SHUTDOWN_COMPLETE => {
                self.push(packet.clone());
                return self.ended(None);
            }
            _ => {}
        }
        self.like.copy_from_slice(&packet[..8]);
        if first.kind == kind::DATA {
            return self.data_leaves(packet);
        }
        self.push(packet.clone());
    }

    /// SCTP puts too many small chunks into a packet: these go in two.
    fn data_leaves(&mut self, packet: &Bytes) {
        if packet.len() <= self.mtu {
            return self.part_leaves(packet.clone());
        }
        let Some(chunks) = packet::chunks(packet) else { return };
        let mut part = Writer::new(packet);
        for chunk in chunks {
            if part.len() + chunk.whole.len() > self.mtu && !part.is_empty() {
                let full = std::mem::replace(&mut part, Writer::new(packet));
                self.part_leaves(full.finish());
            }
            part.push(chunk.whole);
        }
        self.part_leaves(part.finish());
    }

    /// Counts what leaves.
    fn part_leaves(&mut self, packet: Bytes) {
        let Some(chunks) = packet::chunks(&packet) else { return };
        let chunks = chunks.filter(|chunk| chunk.kind == kind::DATA);
        let may_get_lost = chunks.clone().any(|chunk| self.unreliable.contains(&chunk.u16(4)));
        for chunk in chunks {
            let (tsn, stream, bytes) = (chunk.u32(0), chunk.u16(4), chunk.value.len() - 12);
            if self.flight.sent(self.now, tsn, bytes, &packet, may_get_lost) {
                self.reset.used(stream);
                self.outbox.sent(stream, bytes, 1);
            } else {
                self.governor.lost(tsn, self.flight.next(), self.flight.wire_bytes());
            }
        }
        self.last_data = Some(packet.clone());
        self.push(packet);
    }

    pub(super) fn push(&mut self, packet: Bytes) {
        if self.packets.len() < MAX_PACKETS {
            self.packets.push_back(packet);
        }
    }

    /// Sends the last SACK again, with the window as it is now.
    pub(super) fn send_sack(&mut self) {
        let window = self.arrivals.window(self.incomplete);
        // A window for less than a packet makes for small ones.
        let window = if window < self.mtu { 0 } else { window };
        if let Some(sack) = &mut self.sack {
            sack.window = window as u32;
            let packet = sack.packet(&self.like, self.mtu);
            self.sacks = self.sacks.saturating_add(1);
            self.push(packet);
        }
    }

    /// To be called when messages were taken: the peer may be waiting for that.
    pub(in super::super) fn announce_window(&mut self) {
        let Some(sack) = &self.sack else { return };
        let known = sack.window as usize;
        let window = self.arrivals.window(self.incomplete);
        if self.phase == Phase::Established
            && known < self.receive_buffer / USED_UP
            && window >= self.receive_buffer / USED_UP * 2
        {
            self.send_sack();
            self.update = Some(Repeated::new(self.now));
        }
    }

    /// Sends again what may have got lost: that there is room, and the question whether there is.
    pub(super) fn repeat(&mut self) {
        if let Some(update) = self.update.filter(|update| update.at <= self.now) {
            self.send_sack();
            self.update = (update.count < UPDATES).then(|| update.again(self.now));
        }
        if let Some(probe) = self.probe.filter(|probe| probe.at <= self.now) {
            self.probe_now();
            self.probe = Some(probe.again(self.now));
        }
    }

    /// Asks the peer whether its window is open: it answers what it has got already.
    pub(super) fn probe_now(&mut self) {
        if self.probe.is_some()
            && let Some(packet) = self.last_data.clone()
        {
            self.push(packet);
        }
    }
}
