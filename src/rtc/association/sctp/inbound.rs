//! What the peer sends, before SCTP gets it.
//!
//! `sctp-proto` ends an association for much that is harmless: a late INIT, an ERROR, chunks that it does
//! not know. And it takes whatever comes, as long as the bytes fit.

use std::time::Duration;

use bytes::Bytes;
use sctp_proto::DatagramEvent;

use super::packet::{self, Chunk, Sack, Writer, before, kind};
use super::{MAX_WAITING, Peer, Phase, SOMEWHERE, Sctp, SctpEvent};

/// How many SACKs are all sent. In slow start the peer sends faster with each one that it gets (RFC 9260
/// section 7.2.1).
const EAGER: u32 = 2048;
/// After that, one is sent for so many packets at the least. Of many that arrive at once, SCTP would
/// acknowledge every second; each SACK is a datagram that both sides have to encrypt or decrypt.
const ANSWERED: usize = 16;
/// How far TSNs may be ahead. Stream sequence numbers have 16 bits, and SCTP takes one for another when they
/// are further apart than half of that.
const MAX_AHEAD: u32 = 16_384;
/// How many packets are sent again when a SACK tells that they got lost, and twice of what it acknowledges.
const REPAIRED: usize = 3;
/// How much later than others something can arrive without being lost, at least; otherwise a quarter of a round
/// trip.
const REORDERED: Duration = Duration::from_millis(1);
/// The flags of a DATA chunk that begins and ends a message.
const WHOLE: u8 = 3;

/// What to do with a chunk.
enum Fate {
    Take,
    /// This is taken in place of it.
    Replace(Vec<u8>),
    Drop,
    /// SCTP gets it when there is nothing left to send.
    Hold,
    /// The association is over.
    End(Option<String>),
}

impl Sctp {
    /// Takes a packet.
    pub(in super::super) fn handle_packet(&mut self, packet: &[u8]) {
        if let Some(waiting) = &mut self.waiting {
            if waiting.packets.len() < MAX_WAITING {
                waiting.packets.push(Bytes::copy_from_slice(packet));
            }
            return;
        }
        let Some(chunks) = packet::chunks(packet) else { return };
        if self.phase == Phase::Over || !self.is_for_us(packet, chunks.clone()) {
            return;
        }
        let mut end = None;
        let mut answer = false;
        let mut taken = 0;
        // What is taken, if not all is.
        let mut rest: Option<Writer> = None;
        for (index, chunk) in chunks.clone().enumerate() {
            let fate = match chunk.kind {
                kind::DATA => self.look_at_data(&chunk, taken, &mut answer),
                _ => self.look_at(packet, &chunk),
            };
            if matches!(fate, Fate::Take) {
                taken += 1;
                if let Some(rest) = &mut rest {
                    rest.push(chunk.whole);
                }
                continue;
            }
            rest.get_or_insert_with(|| {
                let mut rest = Writer::new(packet);
                chunks.clone().take(index).for_each(|chunk| rest.push(chunk.whole));
                rest
            });
            match fate {
                Fate::Replace(other) => {
                    taken += 1;
                    if let Some(rest) = &mut rest {
                        rest.push(&other);
                    }
                }
                Fate::Hold => {
                    let mut held = Writer::new(packet);
                    held.push(chunk.whole);
                    self.shutdown = Some(held.finish());
                }
                Fate::End(reason) => {
                    end = Some(reason);
                    break;
                }
                Fate::Take | Fate::Drop => {}
            }
        }
        if taken > 0 {
            self.give_packet(match rest {
                Some(rest) => rest.finish(),
                None => Bytes::copy_from_slice(packet),
            });
            self.unanswered += 1;
        }
        if let Some(reason) = end {
            self.ended(reason);
        } else if answer {
            self.send_sack();
        }
        if self.sacks < EAGER || self.unanswered >= ANSWERED {
            self.pump();
        }
    }

    /// Gives a packet to SCTP.
    pub(super) fn give_packet(&mut self, packet: Bytes) {
        let its_now = self.its_now();
        match self.endpoint.handle(its_now, SOMEWHERE, None, None, packet) {
            Some((_, DatagramEvent::NewAssociation(association))) => {
                self.phase = Phase::Connecting;
                self.association = Some(association);
            }
            Some((_, DatagramEvent::AssociationEvent(event))) => {
                if let Some(association) = &mut self.association {
                    association.handle_event(event);
                }
            }
            None => {}
        }
        self.drain();
    }

    /// Whether the verification tag is right (RFC 9260 section 8.5).
    fn is_for_us<'a>(&self, packet: &[u8], mut chunks: impl Iterator<Item = Chunk<'a>>) -> bool {
        let tag = packet::tag(packet);
        let Some(first) = chunks.next() else { return false };
        match first.kind {
            kind::INIT => tag == 0 && chunks.next().is_none() && first.value.len() >= 16,
            kind::ABORT | kind::SHUTDOWN_COMPLETE if first.flags & 1 != 0 => {
                self.peer.is_some_and(|peer| peer.tag == tag)
            }
            _ => self.tag == Some(tag),
        }
    }

    /// Decides about a chunk that is not DATA.
    fn look_at(&mut self, packet: &[u8], chunk: &Chunk<'_>) -> Fate {
        match chunk.kind {
            kind::INIT => self.look_at_init(chunk),
            kind::INIT_ACK => {
                if self.phase == Phase::Connecting && self.peer.is_none() {
                    self.meet(chunk);
                }
                Fate::Take
            }
            kind::SACK => {
                let sack = Sack::parse(chunk);
                self.acknowledged(&sack);
                // It has to know of gaps to give up what may get lost. All others would only make it slow.
                if sack.gaps.is_empty() || self.flight.may_have_lost() {
                    Fate::Take
                } else {
                    Fate::Replace(sack.without_gaps())
                }
            }
            kind::ABORT => Fate::End(
                chunk
                    .abort_reason()
                    .map(|reason| format!("the peer ended it: {}", reason.escape_debug())),
            ),
            kind::SHUTDOWN if self.is_idle() => {
                self.shutting_down = true;
                Fate::Take
            }
            kind::SHUTDOWN => Fate::Hold,
            kind::RECONFIG if chunk.is_known_reconfig() => {
                let (other, closed) = self.reset.arrives(chunk);
                // SCTP does not tell of all that it is done with.
                self.outbox.unblock();
                self.events.extend(closed.into_iter().map(SctpEvent::StreamClosed));
                if let (None, Some((_, last))) = (&other, chunk.reset_numbers())
                    && !self.opening.is_empty()
                {
                    // A request is an answer, too. Given the answer first, SCTP is done with streams that are
                    // used again, and that the request can be about.
                    let mut answer = Writer::new(packet);
                    answer.push(&packet::reset_done(last));
                    self.give_packet(answer.finish());
                    self.open_streams();
                    if chunk.reset_streams().any(|stream| self.opening.contains(&stream)) {
                        // It would take the request for one about what was there before. The peer repeats it.
                        return Fate::Drop;
                    }
                }
                other.map_or(Fate::Take, Fate::Replace)
            }
            kind::HEARTBEAT
            | kind::COOKIE_ECHO
            | kind::COOKIE_ACK
            | kind::SHUTDOWN_ACK
            | kind::SHUTDOWN_COMPLETE
            | kind::FORWARD_TSN => Fate::Take,
            kind => {
                tracing::debug!(kind, bytes = packet.len(), "chunk of the peer ignored");
                Fate::Drop
            }
        }
    }

    fn look_at_init(&mut self, init: &Chunk<'_>) -> Fate {
        let same = self.peer.is_some_and(|peer| peer.tag == init.u32(0));
        match self.phase {
            // It was late, or sent again because the answer was.
            Phase::Established if same => Fate::Drop,
            Phase::Established => {
                Fate::End(Some("the peer has begun a new association by surprise".to_owned()))
            }
            // Both begin: ours is the one.
            Phase::Idle | Phase::Connecting if self.initiator => Fate::Drop,
            Phase::Idle | Phase::Over => Fate::Drop,
            Phase::Connecting if same => Fate::Take,
            Phase::Waiting(_) | Phase::Connecting => {
                self.begin_anew();
                self.meet(init);
                Fate::Take
            }
        }
    }

    /// Keeps what the peer says of itself in its INIT or INIT ACK.
    fn meet(&mut self, init: &Chunk<'_>) {
        self.peer = Some(Peer { tag: init.u32(0), streams: init.u16(10) });
        self.flight.set_window(init.u32(4) as usize);
        self.cumulative = init.u32(12).wrapping_sub(1);
        self.highest = self.cumulative;
    }

    fn acknowledged(&mut self, sack: &Sack) {
        let before = self.flight.wire_bytes();
        let trip = self.flight.acknowledged(self.now, sack.cumulative, sack.window as usize);
        // What had to wait for something that was lost says nothing about the path.
        let waited = std::mem::replace(&mut self.gaps, !sack.gaps.is_empty());
        if let Some(trip) = trip.filter(|_| !waited) {
            self.governor.sample(self.now, trip, before, self.mtu);
        }
        let shortest = self.governor.shortest();
        self.flight.has_gaps(self.now, sack.cumulative, &sack.gaps, shortest);
        let acknowledged = before - self.flight.wire_bytes();
        self.acknowledged += acknowledged;
        if self.flight.len() == 0 {
            // What is left of a message that SCTP has begun to send may still get lost.
            self.unreliable.retain(|stream| self.outbox.given(*stream) > 0);
        }
        if sack.window > 0 {
            self.probe = None;
        }
        self.repair(acknowledged, shortest);
    }

    /// Sends again what got lost, when so much was acknowledged.
    fn repair(&mut self, acknowledged: usize, shortest: Duration) {
        let most = REPAIRED + 2 * acknowledged / self.mtu;
        let reordered = (shortest / 4).max(REORDERED);
        for (tsn, packet) in self.flight.lost(self.now, reordered, most) {
            self.governor.lost(tsn, self.flight.next(), self.flight.wire_bytes());
            self.push(packet);
        }
    }

    /// Decides about a DATA chunk that comes after so many others. Sets `answer` if the peer has to be told how
    /// things are.
    fn look_at_data(&mut self, data: &Chunk<'_>, others: usize, answer: &mut bool) -> Fate {
        let tsn = data.u32(0);
        let known = !before(self.highest, tsn);
        if self.sack.is_some() && !before(self.cumulative, tsn) {
            // It probes the window, or our SACK was lost.
            *answer = true;
            return Fate::Drop;
        }
        if !known && self.arrivals.is_full(others) {
            *answer = true;
            return Fate::Drop;
        }
        if before(self.cumulative.wrapping_add(MAX_AHEAD), tsn) {
            return Fate::Drop;
        }
        if !known {
            self.highest = tsn;
            self.update = None;
            if data.flags & WHOLE != WHOLE {
                self.pieces += 1;
            }
        }
        if self.pieces > MAX_AHEAD as usize + self.receive_buffer / 256 {
            return Fate::End(Some("the peer sent messages in too many pieces".to_owned()));
        }
        Fate::Take
    }
}
