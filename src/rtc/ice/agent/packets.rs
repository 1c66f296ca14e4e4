//! What the agent does with packets of the peer and of servers, received and sent.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Instant;

use super::Agent;
use crate::rtc::ice::gather::transmit;
use crate::rtc::ice::net::normalise;
use crate::rtc::ice::relay::Carrier;
use crate::rtc::ice::{IceState, NotConnected, Output, Path, Received, SocketId, StreamId};

impl Agent {
    /// Takes a datagram that came to a socket. Only [`Received::Data`] is for the application.
    pub fn handle_packet(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        packet: &[u8],
    ) -> Received {
        let Some(socket) = self.sockets.iter().find(|known| known.id == socket).copied() else {
            return Received::Consumed;
        };
        let from = normalise(from);
        // RFC 7983 section 7.
        match packet.first() {
            Some(20..=63) => {
                return self.handle_data(now, socket.address, from, 0..packet.len());
            }
            Some(0..=3) if packet.len() >= 20 => {
                if let Some(gathered) = self.gatherer.handle_answer(now, &socket, from, packet) {
                    self.take_gathered(now, gathered.into_iter().collect());
                } else if let Some(relay) = self.gatherer.relay_of_socket(socket.id, from) {
                    let peer = relay.handle(now, packet);
                    return self.handle_relayed(now, Carrier::Udp(socket.id), from, peer, packet);
                } else {
                    self.handle_check(now, socket.address, from, packet);
                }
            }
            Some(64..=79) => {
                if let Some(relay) = self.gatherer.relay_of_socket(socket.id, from) {
                    let peer = relay.handle(now, packet);
                    return self.handle_relayed(now, Carrier::Udp(socket.id), from, peer, packet);
                }
            }
            _ => {}
        }
        self.update(now);
        Received::Consumed
    }

    fn handle_data(
        &mut self,
        now: Instant,
        local: SocketAddr,
        from: SocketAddr,
        range: Range<usize>,
    ) -> Received {
        let expected = self.pair == Some((local, from))
            || self.current.has_seen(from)
            || self.previous.as_ref().is_some_and(|previous| previous.has_seen(from));
        if !expected || self.closed {
            return Received::Consumed;
        }
        self.checks_in_use().note_data(now, (local, from));
        self.bytes_received += range.len() as u64;
        Received::Data(range)
    }

    fn handle_check(&mut self, now: Instant, local: SocketAddr, from: SocketAddr, packet: &[u8]) {
        if self.closed || self.state == IceState::Failed {
            return;
        }
        if packet.len() >= 20
            && let Some(search) = &mut self.search
            && search.handle(local, from, packet)
        {
            return;
        }
        if !self.current.handle(now, local, from, packet)
            && let Some(previous) = &mut self.previous
        {
            previous.handle(now, local, from, packet);
        }
    }

    /// A TURN server has sent something. `peer`: which part of it is a packet of whom, if any.
    fn handle_relayed(
        &mut self,
        now: Instant,
        link: Carrier,
        server: SocketAddr,
        peer: Option<(SocketAddr, Range<usize>)>,
        packet: &[u8],
    ) -> Received {
        if let Some((peer, range)) = peer {
            let relays = &self.gatherer.relays;
            let relay = relays.iter().find(|relay| (relay.link, relay.server) == (link, server));
            if let Some(local) = relay.and_then(|relay| relay.relayed_for(peer)) {
                match packet[range.clone()].first() {
                    // Nothing else has to be done: this is the way of bulk data.
                    Some(20..=63) => return self.handle_data(now, local, peer, range),
                    Some(0..=3) => self.handle_check(now, local, peer, &packet[range]),
                    _ => {}
                }
            }
        }
        self.update(now);
        Received::Consumed
    }

    /// A connection is open, from this local address.
    pub fn handle_connected(&mut self, now: Instant, stream: StreamId, local: SocketAddr) {
        if let Some(relay) = self.gatherer.relay_of_stream(stream) {
            relay.start(now, normalise(local));
        }
        self.update(now);
    }

    /// Takes bytes that came over a connection, in pieces as they came.
    pub fn handle_stream(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) {
        let Some(relay) = self.gatherer.relay_of_stream(stream) else { return };
        let (link, server) = (relay.link, relay.server);
        relay.push(bytes);
        loop {
            let Some(relay) = self.gatherer.relay_of_stream(stream) else { return };
            match relay.pop_frame() {
                Ok(None) => return self.update(now),
                Ok(Some(frame)) => {
                    let peer = relay.handle(now, &frame);
                    if let Received::Data(range) =
                        self.handle_relayed(now, link, server, peer, &frame)
                    {
                        self.output.push_back(Output::Data(frame[range].to_vec()));
                    }
                }
                Err(_) => {
                    self.output.push_back(Output::Disconnect { stream });
                    return self.handle_closed(now, stream, None);
                }
            }
        }
    }

    /// A connection is closed, or could not be opened; with the reason, for people, if it is known.
    pub fn handle_closed(&mut self, now: Instant, stream: StreamId, why: Option<&str>) {
        let lost = self.gatherer.handle_closed(now, stream, why, &mut self.output);
        self.take_gathered(now, lost);
        self.update(now);
    }

    /// Sends a packet to the peer: adds it to the output. With [`Path::Direct`] the driver can spare
    /// the copy.
    ///
    /// # Errors
    ///
    /// If there is no path.
    pub fn send(&mut self, now: Instant, data: &[u8]) -> Result<(), NotConnected> {
        match (self.path, self.pair) {
            (Some(Path::Direct { socket, to }), _) => {
                self.output.push_back(Output::Transmit { socket, to, data: data.to_vec() });
            }
            (Some(Path::Relayed), Some((local, to))) => {
                let Some(relay) = self.gatherer.relay_at(local) else { return Err(NotConnected) };
                if let Some(message) = relay.send(now, to, data) {
                    self.output.push_back(transmit(relay, message));
                }
            }
            _ => return Err(NotConnected),
        }
        self.count_sent(now, data.len() as u64);
        Ok(())
    }

    /// Counts bytes that the driver has sent by itself.
    pub fn count_sent(&mut self, now: Instant, bytes: u64) {
        self.bytes_sent += bytes;
        if bytes > 0 {
            self.checks_in_use().note_data_sent(now);
        }
    }
}
