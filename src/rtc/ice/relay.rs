//! One allocation on a TURN server (RFC 8656), or the attempt to get one.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use turn_client_proto::api::{TurnClientApi, TurnConfig, TurnEvent, TurnPollRet, TurnRecvRet};
use turn_client_proto::client::TurnClient;
use turn_client_proto::prelude::DelayedTransmitBuild;
use turn_client_proto::stun::Instant as TurnInstant;
use turn_client_proto::stun::agent::Transmit;
use turn_client_proto::stun::types::attribute::{ErrorCode, XorMappedAddress};
use turn_client_proto::stun::types::message::{Message, MessageClass};
use turn_client_proto::tcp::TurnClientTcp;
use turn_client_proto::types::{AddressFamily, TransportType};
use turn_client_proto::udp::TurnClientUdp;

use super::lease::{Answer, Lease};
use super::net::{normalise, quiet};
use super::{RelayProtocol, Server, SocketId, StreamId};

/// Packets that wait for a permission, per allocation: one per address of the peer.
const MAX_WAITING: usize = 64;

/// The time to connect, and the time to get an address.
const PATIENCE: Duration = Duration::from_secs(15);

/// The TURN client is asked at least this often: having given up it may name no time.
const MAX_SLEEP: Duration = Duration::from_secs(5);

/// How packets get to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    Udp(SocketId),
    Stream(StreamId, RelayProtocol),
}

pub(super) struct Relay {
    pub(super) link: Carrier,
    /// The address of the server.
    pub(super) server: SocketAddr,
    /// Index of the server in the configuration.
    pub(super) server_index: usize,
    config: TurnConfig,
    /// How long the server keeps the address.
    lease: Lease,
    /// The server says that it does not know the address any more.
    gone: bool,
    /// `None` until the connection is open.
    client: Option<TurnClient>,
    local: SocketAddr,
    /// Bytes of a connection that are no whole message yet, behind `read` bytes that were taken.
    buffer: Vec<u8>,
    read: usize,
    relayed: Vec<SocketAddr>,
    /// Where the server sees our packets come from, which it says with an address. Only over UDP, as
    /// packets to the peer come from somewhere else otherwise.
    mapped: Option<SocketAddr>,
    waiting: Vec<(SocketAddr, Vec<u8>)>,
    /// What the time of the TURN client counts from.
    epoch: Instant,
    wake: Option<Instant>,
    state: RelayState,
    /// When to give up, while there is no address.
    deadline: Instant,
    /// The transaction of the last request for an address, and the error last answered to one.
    asked: Option<[u8; 12]>,
    last_error: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RelayState {
    /// The connection to the server is being opened.
    Connecting,
    /// The server has been asked.
    Allocating,
    Allocated,
    /// It never was, or is no more.
    Ended,
}

/// What came of driving a relay.
pub(super) enum RelayOutput {
    /// Send this to the server.
    Send(Vec<u8>),
    /// The server has given an address.
    Allocated(SocketAddr),
    /// The relay has ended. For people: why.
    Ended(String),
}

/// The bytes of a connection are not TURN messages.
pub(super) struct Malformed;

impl Relay {
    pub(super) fn udp(
        now: Instant,
        socket: SocketId,
        local: SocketAddr,
        server: SocketAddr,
        server_index: usize,
        config: &Server,
    ) -> Self {
        let mut relay = Self::new(now, Carrier::Udp(socket), server, server_index, config);
        relay.start(now, local);
        relay
    }

    pub(super) fn stream(
        now: Instant,
        stream: StreamId,
        protocol: RelayProtocol,
        server: SocketAddr,
        server_index: usize,
        config: &Server,
    ) -> Self {
        Self::new(now, Carrier::Stream(stream, protocol), server, server_index, config)
    }

    fn new(
        now: Instant,
        link: Carrier,
        server: SocketAddr,
        server_index: usize,
        config: &Server,
    ) -> Self {
        let lossy = matches!(link, Carrier::Udp(_));
        let lease = Lease::new(now, config.turn_credentials(), lossy);
        let mut config = TurnConfig::new(config.turn_credentials());
        if server.is_ipv6() {
            config.add_address_family(AddressFamily::IPV6);
        }
        // RFC 8489 section 6.2.1 with fewer repetitions: 7.5 seconds until it is given up.
        let (first, last) = (Duration::from_millis(500), Duration::from_secs(4));
        config.set_request_retransmits(first, Duration::from_secs(4), 4, last);
        Self {
            link,
            server,
            server_index,
            config,
            lease,
            gone: false,
            client: None,
            local: SocketAddr::from(([0; 4], 0)),
            buffer: Vec::new(),
            read: 0,
            relayed: Vec::new(),
            mapped: None,
            waiting: Vec::new(),
            epoch: now,
            wake: None,
            state: RelayState::Connecting,
            deadline: now + PATIENCE,
            asked: None,
            last_error: None,
        }
    }

    /// The way to the server is open.
    pub(super) fn start(&mut self, now: Instant, local: SocketAddr) {
        self.local = local;
        let config = self.config.clone();
        self.client = Some(quiet(|| match self.link {
            Carrier::Udp(_) => TurnClientUdp::allocate(local, self.server, config).into(),
            Carrier::Stream(..) => TurnClientTcp::allocate(local, self.server, config).into(),
        }));
        self.state = RelayState::Allocating;
        (self.wake, self.deadline) = (Some(now), now + PATIENCE);
    }

    pub(super) fn state(&self) -> RelayState {
        self.state
    }

    /// The local address of the way to the server.
    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// The addresses that the server has given.
    pub(super) fn relayed(&self) -> &[SocketAddr] {
        &self.relayed
    }

    /// The address of this host as the server sees it, if packets to others come from there, too.
    pub(super) fn mapped(&self) -> Option<SocketAddr> {
        self.mapped
    }

    /// The address given for packets to and from `peer`.
    pub(super) fn relayed_for(&self, peer: SocketAddr) -> Option<SocketAddr> {
        self.relayed.iter().copied().find(|address| address.is_ipv4() == peer.is_ipv4())
    }

    pub(super) fn protocol(&self) -> RelayProtocol {
        match self.link {
            Carrier::Udp(_) => RelayProtocol::Udp,
            Carrier::Stream(_, protocol) => protocol,
        }
    }

    fn time(&self, now: Instant) -> TurnInstant {
        let nanos = now.saturating_duration_since(self.epoch).as_nanos();
        TurnInstant::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            RelayState::Connecting => Some(self.deadline),
            RelayState::Allocating => self.wake.map(|at| at.min(self.deadline)),
            RelayState::Allocated => self.wake.map(|at| at.min(self.lease.poll_timeout())),
            RelayState::Ended => None,
        }
    }

    /// Takes bytes of the connection.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        // Once for all messages that were taken, so that each byte is moved once or twice at most.
        self.buffer.drain(..std::mem::take(&mut self.read));
        self.buffer.extend_from_slice(bytes);
    }

    /// Takes the next whole message off the connection (RFC 8656 section 12.5: lengths in front, and
    /// channel data is padded).
    pub(super) fn pop_frame(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        let unread = &self.buffer[self.read..];
        let Some(&[first, _, high, low]) = unread.first_chunk() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (whole, padded) = match first >> 6 {
            0 => (20 + length, 20 + length),
            1 => (4 + length, (4 + length).next_multiple_of(4)),
            _ => return Err(Malformed),
        };
        if unread.len() < padded {
            return Ok(None);
        }
        let frame = unread[..whole].to_vec();
        self.read += padded;
        Ok(Some(frame))
    }

    /// Takes one message of the server. Returns which part of it is a packet of whom, if it is one.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        packet: &[u8],
    ) -> Option<(SocketAddr, Range<usize>)> {
        let (mut error, mut mapped, mut granted) = (None, None, None);
        match self.state {
            RelayState::Allocating if self.is_answer(packet) => {
                (error, mapped) = (self.note_error(packet), self.read_mapped(packet));
                granted = self.lease.begin(now, packet);
            }
            RelayState::Allocated => match self.lease.handle(now, packet) {
                Answer::NotOurs => {}
                answer => {
                    self.gone |= answer == Answer::Gone;
                    self.wake = Some(now);
                    return None;
                }
            },
            _ => {}
        }
        let time = self.time(now);
        let client = self.client.as_mut()?;
        let shown = granted.as_deref().unwrap_or(packet);
        let transmit = Transmit::new(shown, client.transport(), self.server, self.local);
        let data = match quiet(|| client.recv(transmit, time)) {
            // Nothing follows for the client from a packet of the peer.
            TurnRecvRet::PeerData(data) => data,
            other => {
                if !matches!(other, TurnRecvRet::Ignored(_)) {
                    // The client has checked who it is from.
                    self.mapped = mapped.or(self.mapped);
                } else if error == Some(401) {
                    // It would repeat the request with the same credentials until it gives up.
                    self.deadline = now;
                }
                self.wake = Some(now);
                return None;
            }
        };
        let part = data.data();
        let start = (part.as_ptr() as usize).checked_sub(packet.as_ptr() as usize)?;
        let range = start..start + part.len();
        (range.end <= packet.len()).then(|| (normalise(data.peer), range))
    }

    /// Whether this is for the last request for an address.
    fn is_answer(&self, packet: &[u8]) -> bool {
        self.asked.is_some_and(|asked| packet.get(8..20) == Some(&asked))
    }

    /// Returns the error, if this answer is one, and remembers it.
    fn note_error(&mut self, packet: &[u8]) -> Option<u16> {
        let error = quiet(|| {
            let message = Message::from_bytes(packet).ok()?;
            let error = message.has_class(MessageClass::Error);
            error.then(|| message.attribute::<ErrorCode>().ok()).flatten()
        })?;
        self.last_error = Some(error.code());
        self.last_error
    }

    /// Returns where the server saw the last request for an address come from, if this answer says it.
    fn read_mapped(&self, packet: &[u8]) -> Option<SocketAddr> {
        if !matches!(self.link, Carrier::Udp(_)) {
            return None;
        }
        quiet(|| {
            let message = Message::from_bytes(packet).ok()?;
            let success = message.has_class(MessageClass::Success);
            let mapped = success.then(|| message.attribute::<XorMappedAddress>().ok()).flatten()?;
            Some(normalise(mapped.addr(message.transaction_id())))
        })
    }

    /// A packet for the peer, as the server wants it. `None`: it has to wait, or cannot be sent.
    pub(super) fn send(&mut self, now: Instant, to: SocketAddr, data: &[u8]) -> Option<Vec<u8>> {
        let time = self.time(now);
        let client = self.client.as_mut()?;
        let sent = quiet(|| client.send_to(TransportType::Udp, to, data, time));
        if let Ok(Some(message)) = sent {
            let mut message = quiet(|| message.data.build());
            if matches!(self.link, Carrier::Stream(..)) {
                message.resize(message.len().next_multiple_of(4), 0);
            }
            return Some(message);
        }
        // Fails if it has been asked for already, which is as good.
        let _ = quiet(|| client.create_permission(TransportType::Udp, to.ip(), time));
        self.wake = Some(now);
        self.waiting.retain(|(waiting, _)| *waiting != to);
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push((to, data.to_vec()));
        }
        None
    }

    /// Packets to this address, and from it, shall have the small header.
    pub(super) fn bind_channel(&mut self, now: Instant, to: SocketAddr) {
        let time = self.time(now);
        if let Some(client) = self.client.as_mut() {
            // Fails if it exists already, which is as good.
            let _ = quiet(|| client.bind_channel(TransportType::Udp, to, time));
            self.wake = Some(now);
        }
    }

    /// Gives the allocation back.
    pub(super) fn delete(&mut self, now: Instant) {
        self.lease.release();
        let time = self.time(now);
        if let Some(client) = self.client.as_mut() {
            // Fails if there is none, which is as good.
            let _ = quiet(|| client.delete(time));
            self.wake = Some(now);
        }
    }

    /// The connection has been lost, or could not be opened.
    pub(super) fn end(&mut self) {
        self.client = None;
        self.state = RelayState::Ended;
        self.wake = None;
        self.relayed.clear();
        self.mapped = None;
        self.waiting.clear();
        (self.buffer, self.read) = (Vec::new(), 0);
    }

    /// Does what is due.
    pub(super) fn drive(&mut self, now: Instant, output: &mut Vec<RelayOutput>) {
        if self.poll_timeout().is_none_or(|at| at > now) {
            return;
        }
        if self.state != RelayState::Allocated && self.deadline <= now {
            output.push(self.give_up());
            return;
        }
        if self.state == RelayState::Allocated {
            if self.gone || self.lease.has_expired(now) {
                output.push(self.give_up());
                return;
            }
            output.extend(self.lease.drive(now).map(RelayOutput::Send));
        }
        let time = self.time(now);
        // Each round sends, tells or waits: a server cannot make it turn for ever.
        for _ in 0..256 {
            let Some(client) = self.client.as_mut() else { return };
            let mut idle = true;
            while let Some(transmit) = quiet(|| client.poll_transmit(time)) {
                let data = transmit.data.as_ref().to_vec();
                if self.state == RelayState::Allocating {
                    self.asked = data.get(8..20).and_then(|id| id.try_into().ok());
                }
                output.push(RelayOutput::Send(data));
                idle = false;
            }
            let event = quiet(|| client.poll_event());
            if let Some(event) = event {
                self.handle_event(now, event, output);
                continue;
            }
            let Some(client) = self.client.as_mut() else { return };
            match quiet(|| client.poll(time)) {
                TurnPollRet::WaitUntil(at) if idle || at > time => {
                    let nanos = u64::try_from(at.as_nanos()).unwrap_or(0);
                    let at = self.epoch + Duration::from_nanos(nanos);
                    self.wake = Some(at.clamp(now + Duration::from_millis(1), now + MAX_SLEEP));
                    return;
                }
                TurnPollRet::Closed => {
                    output.push(self.give_up());
                    return;
                }
                // The others are for TCP allocations, of which there are none.
                _ => {}
            }
        }
        self.wake = Some(now + Duration::from_millis(1));
    }

    fn handle_event(&mut self, now: Instant, event: TurnEvent, output: &mut Vec<RelayOutput>) {
        match event {
            TurnEvent::AllocationCreated(_, address) => {
                self.state = RelayState::Allocated;
                self.relayed.push(normalise(address));
                output.push(RelayOutput::Allocated(normalise(address)));
            }
            TurnEvent::PermissionCreated(_, ip) => {
                let waiting = std::mem::take(&mut self.waiting);
                let (ready, waiting) = waiting.into_iter().partition(|(to, _)| to.ip() == ip);
                self.waiting = waiting;
                let ready: Vec<_> = ready;
                for (to, data) in ready {
                    output.extend(self.send(now, to, &data).map(RelayOutput::Send));
                }
            }
            TurnEvent::PermissionCreateFailed(_, ip) => {
                self.waiting.retain(|(to, _)| to.ip() != ip)
            }
            // Without a channel packets take the large header. The end of all is told by `Closed`.
            _ => {}
        }
    }

    fn give_up(&mut self) -> RelayOutput {
        let problem = self.problem();
        self.end();
        RelayOutput::Ended(problem)
    }

    /// Why the relay cannot be used, for people to read.
    fn problem(&self) -> String {
        let server = self.server;
        match (self.state, self.last_error) {
            (RelayState::Connecting, _) => format!("no connection to the TURN server {server}"),
            (RelayState::Allocated, _) if self.gone => format!(
                "the TURN server {server} does not know the address any more that it gave (error 437)"
            ),
            (RelayState::Allocated, _) => match self.lease.refused() {
                Some(code) => format!(
                    "the TURN server {server} did not extend the time of the address that it gave \
                     (error {code})"
                ),
                None => format!("the TURN server {server} does not answer any more"),
            },
            (_, Some(401 | 441)) => {
                format!("the TURN server {server} does not accept the user name or the password")
            }
            (_, Some(403)) => format!("the TURN server {server} forbids its use (error 403)"),
            (_, Some(437)) => format!(
                "the TURN server {server} still has an address for an earlier use of the same port, \
                 which ends by itself within some minutes (error 437)"
            ),
            (_, Some(442)) => format!("the TURN server {server} relays no UDP (error 442)"),
            (_, Some(486)) => {
                format!("the quota of this user at the TURN server {server} is used up (error 486)")
            }
            (_, Some(508)) => format!("the TURN server {server} has no capacity left (error 508)"),
            (_, Some(code)) => format!("the TURN server {server} refused with error {code}"),
            (_, None) => format!("the TURN server {server} does not answer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relay() -> Relay {
        let config = Server::new("turn:192.0.2.1?transport=tcp", "user", "password").unwrap();
        let server = "192.0.2.1:3478".parse().unwrap();
        Relay::stream(Instant::now(), StreamId(0), RelayProtocol::Tcp, server, 0, &config)
    }

    fn frames(relay: &mut Relay) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| relay.pop_frame().ok().flatten()).collect()
    }

    #[test]
    fn messages_are_cut_off_a_connection() {
        // Channel data of five bytes, padded to eight; a STUN message of 24 bytes.
        let mut stream = vec![0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0];
        let message = [&[0, 1, 0, 4][..], &[9; 20]].concat();
        stream.extend(&message);
        stream.extend([0x4f, 1, 0, 0]);
        let expected = vec![stream[..9].to_vec(), message, vec![0x4f, 1, 0, 0]];

        let mut whole = relay();
        whole.push(&stream);
        assert_eq!(frames(&mut whole), expected);
        let mut pieces = relay();
        let found = stream.iter().flat_map(|byte| {
            pieces.push(&[*byte]);
            frames(&mut pieces)
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    /// If what follows were moved for each message, this would go on for an hour.
    #[test]
    fn many_small_messages_at_once_take_a_time_that_grows_with_their_number() {
        let mut relay = relay();
        relay.push(&[0x40, 0, 0, 0].repeat(1 << 20));
        let mut count = 0;
        while let Ok(Some(frame)) = relay.pop_frame() {
            assert_eq!(frame, [0x40, 0, 0, 0]);
            count += 1;
        }
        assert_eq!(count, 1 << 20);
        relay.push(&[0x40]);
        assert_eq!(relay.buffer.len(), 1, "what was taken is not kept");
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for first in [0x80, 0xc0, 0xff] {
            let mut relay = relay();
            relay.push(&[first, 0, 0]);
            assert!(matches!(relay.pop_frame(), Ok(None)));
            relay.push(&[0]);
            assert!(relay.pop_frame().is_err());
        }
    }
}
