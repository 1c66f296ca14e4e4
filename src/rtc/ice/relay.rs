//! One allocation on a TURN server (RFC 8656), or the attempt to get one.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use turn_client_proto::api::{TurnClientApi, TurnConfig, TurnEvent, TurnPollRet, TurnRecvRet};
use turn_client_proto::client::TurnClient;
use turn_client_proto::prelude::DelayedTransmitBuild;
use turn_client_proto::stun::Instant as TurnInstant;
use turn_client_proto::stun::agent::Transmit;
use turn_client_proto::stun::types::attribute::ErrorCode;
use turn_client_proto::stun::types::message::{Message, MessageClass};
use turn_client_proto::tcp::TurnClientTcp;
use turn_client_proto::types::{AddressFamily, TransportType};
use turn_client_proto::udp::TurnClientUdp;

use super::net::{normalise, quiet};
use super::{RelayProtocol, Server, SocketId, StreamId};

/// Packets that wait for a permission, per allocation: one per address of the peer.
const MAX_WAITING: usize = 64;

/// How packets get to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Udp(SocketId),
    Stream(StreamId, RelayProtocol),
}

pub(super) struct Relay {
    pub(super) link: Link,
    /// The address of the server.
    pub(super) server: SocketAddr,
    /// Index of the server in the configuration.
    pub(super) server_index: usize,
    config: TurnConfig,
    /// `None` until the connection is open.
    client: Option<TurnClient>,
    local: SocketAddr,
    /// Bytes of a connection that are no whole message yet.
    buffer: Vec<u8>,
    relayed: Vec<SocketAddr>,
    waiting: Vec<(SocketAddr, Vec<u8>)>,
    /// What the time of the TURN client counts from.
    epoch: Instant,
    wake: Option<Instant>,
    state: RelayState,
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
    /// The relay has ended. For people: why, if it is not that it was asked to.
    Ended(Option<String>),
}

/// The bytes of a connection are no TURN.
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
        let mut relay = Self::new(now, Link::Udp(socket), server, server_index, config);
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
        Self::new(now, Link::Stream(stream, protocol), server, server_index, config)
    }

    fn new(
        now: Instant,
        link: Link,
        server: SocketAddr,
        server_index: usize,
        config: &Server,
    ) -> Self {
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
            client: None,
            local: SocketAddr::from(([0; 4], 0)),
            buffer: Vec::new(),
            relayed: Vec::new(),
            waiting: Vec::new(),
            epoch: now,
            wake: None,
            state: RelayState::Connecting,
            last_error: None,
        }
    }

    /// The way to the server is open.
    pub(super) fn start(&mut self, now: Instant, local: SocketAddr) {
        self.local = local;
        let config = self.config.clone();
        self.client = Some(quiet(|| match self.link {
            Link::Udp(_) => TurnClientUdp::allocate(local, self.server, config).into(),
            Link::Stream(..) => TurnClientTcp::allocate(local, self.server, config).into(),
        }));
        self.state = RelayState::Allocating;
        self.wake = Some(now);
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

    /// The address given for packets to and from `peer`.
    pub(super) fn relayed_for(&self, peer: SocketAddr) -> Option<SocketAddr> {
        self.relayed.iter().copied().find(|address| address.is_ipv4() == peer.is_ipv4())
    }

    pub(super) fn protocol(&self) -> RelayProtocol {
        match self.link {
            Link::Udp(_) => RelayProtocol::Udp,
            Link::Stream(_, protocol) => protocol,
        }
    }

    fn time(&self, now: Instant) -> TurnInstant {
        let nanos = now.saturating_duration_since(self.epoch).as_nanos();
        TurnInstant::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.wake
    }

    /// Takes bytes of the connection.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Takes the next whole message off the connection (RFC 8656 section 12.5: lengths in front, and
    /// channel data is padded).
    pub(super) fn pop_frame(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        let Some(&[first, _, high, low]) = self.buffer.first_chunk() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (whole, padded) = match first >> 6 {
            0 => (20 + length, 20 + length),
            1 => (4 + length, (4 + length).next_multiple_of(4)),
            _ => return Err(Malformed),
        };
        if self.buffer.len() < padded {
            return Ok(None);
        }
        let rest = self.buffer.split_off(padded);
        let mut frame = std::mem::replace(&mut self.buffer, rest);
        frame.truncate(whole);
        Ok(Some(frame))
    }

    /// Takes one message of the server. Returns which part of it is a packet of whom, if it is one.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        packet: &[u8],
    ) -> Option<(SocketAddr, Range<usize>)> {
        if self.state == RelayState::Allocating {
            self.note_error(packet);
        }
        let time = self.time(now);
        let client = self.client.as_mut()?;
        let transmit = Transmit::new(packet, client.transport(), self.server, self.local);
        let received = quiet(|| client.recv(transmit, time));
        self.wake = Some(now);
        let TurnRecvRet::PeerData(data) = received else { return None };
        let part = data.data();
        let start = (part.as_ptr() as usize).checked_sub(packet.as_ptr() as usize)?;
        let range = start..start + part.len();
        (range.end <= packet.len()).then(|| (normalise(data.peer), range))
    }

    /// Remembers why the server refuses.
    fn note_error(&mut self, packet: &[u8]) {
        if let Ok(message) = quiet(|| Message::from_bytes(packet))
            && message.has_class(MessageClass::Error)
            && let Ok(error) = message.attribute::<ErrorCode>()
        {
            self.last_error = Some(error.code());
        }
    }

    /// A packet for the peer, as the server wants it. `None`: it has to wait, or cannot be sent.
    pub(super) fn send(&mut self, now: Instant, to: SocketAddr, data: &[u8]) -> Option<Vec<u8>> {
        let time = self.time(now);
        let client = self.client.as_mut()?;
        let sent = quiet(|| client.send_to(TransportType::Udp, to, data, time));
        if let Ok(Some(message)) = sent {
            let mut message = message.data.build();
            if matches!(self.link, Link::Stream(..)) {
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
        self.waiting.clear();
        self.buffer = Vec::new();
    }

    /// Does what is due.
    pub(super) fn drive(&mut self, now: Instant, output: &mut Vec<RelayOutput>) {
        if self.wake.is_none_or(|at| at > now) {
            return;
        }
        let time = self.time(now);
        // Each round sends, tells or waits: a server cannot make it turn for ever.
        for _ in 0..256 {
            let Some(client) = self.client.as_mut() else { return };
            let mut idle = true;
            while let Some(transmit) = quiet(|| client.poll_transmit(time)) {
                output.push(RelayOutput::Send(transmit.data.as_ref().to_vec()));
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
                    self.wake = Some(at.max(now + Duration::from_millis(1)));
                    return;
                }
                TurnPollRet::Closed => {
                    let problem = self.problem();
                    self.end();
                    output.push(RelayOutput::Ended(problem));
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

    /// Why the relay ended, if it was not asked to.
    fn problem(&self) -> Option<String> {
        let server = self.server;
        match (self.state, self.last_error) {
            (RelayState::Allocated, _) => None,
            (_, Some(401 | 441)) => Some(format!(
                "the TURN server {server} does not accept the user name or the password"
            )),
            (_, Some(403)) => Some(format!("the TURN server {server} forbids its use (error 403)")),
            (_, Some(486)) => Some(format!(
                "the quota of this user at the TURN server {server} is used up (error 486)"
            )),
            (_, Some(508)) => {
                Some(format!("the TURN server {server} has no capacity left (error 508)"))
            }
            (_, Some(code)) => Some(format!("the TURN server {server} refused with error {code}")),
            (_, None) => Some(format!("the TURN server {server} does not answer")),
        }
    }
}
