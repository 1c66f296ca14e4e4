//! A peer made of DTLS and SCTP alone, which can be told to send anything.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crc::{CRC_32_ISCSI, Crc};
use dimpl::{Config, Dtls, DtlsCertificate, Output};
use saltyrtc::rtc::association::{Association, AssociationEvent, DtlsRole, SctpConfig};
use saltyrtc::rtc::certificate::Certificate;
use saltyrtc::rtc::fingerprint::{Fingerprint, HashFunction};
use sctp_proto::{
    ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload, ReliabilityType,
    ServerConfig, StreamEvent, TransportConfig,
};

use super::link::Random;

/// Types of chunks: DATA, INIT, ABORT, the one that acknowledges and tells the window, and the one that resets
/// streams.
const DATA: u8 = 0;
const INIT: u8 = 1;
const SACK: u8 = 3;
const ABORT: u8 = 6;
const RECONFIG: u8 = 130;
/// The parameter of the latter that asks for it.
const RESET_REQUEST: u16 = 13;
/// What `sctp-proto` sends in place of a kind of message that it does not know.
const UNKNOWN_PPID: u32 = 58;
/// How many messages may wait to be sent on a stream: all are looked at again and again.
const SEND_BUFFER: usize = 2_000;

/// The version of DTLS that the raw peer speaks.
#[derive(Debug, Clone, Copy)]
pub enum Version {
    V12,
    V13,
}

/// An association (the server) and a raw peer, without a network between them.
pub struct RawPair {
    pub now: Instant,
    pub association: Association,
    pub events: Vec<AssociationEvent>,
    /// What the raw peer has received: stream, kind, data.
    pub received: Vec<(u16, u32, Vec<u8>)>,
    /// The streams that the association has closed.
    pub resets: Vec<u16>,
    pub sctp: RawSctp,
    /// Damages the raw peer's packets.
    pub tamper: Option<Random>,
    /// Changes each of the raw peer's packets: pairs of a place after the header, and what is different there.
    pub change: Vec<u8>,
    /// The raw peer sends as if the window were never closed.
    pub ignores_window: bool,
    /// Whether the owner of the association takes events.
    pub takes_events: bool,
    dtls: Dtls,
    connected: bool,
    closed: bool,
}

impl RawPair {
    pub fn connected() -> Self {
        let mut pair = Self::new(Version::V13, DtlsRole::Server, HashFunction::Sha256);
        pair.run();
        assert_eq!(pair.events, [AssociationEvent::Connected]);
        pair.events.clear();
        pair
    }

    /// `role` is that of the association; `hash` is for the fingerprint that it is given.
    pub fn new(version: Version, role: DtlsRole, hash: HashFunction) -> Self {
        let now = Instant::now();
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        let raw = params.self_signed(&key).expect("a certificate");
        let fingerprint = Fingerprint::of(hash, raw.der());
        let raw =
            DtlsCertificate { certificate: raw.der().to_vec(), private_key: key.serialize_der() };
        let config =
            Config::builder().max_queue_tx(10_000).max_queue_rx(10_000).build().expect("in range");
        let config = Arc::new(config);
        let mut dtls = match version {
            Version::V12 => Dtls::new_12(config, raw, now),
            Version::V13 => Dtls::new_13(config, raw, now),
        };
        dtls.set_active(role == DtlsRole::Server);
        let certificate = Certificate::generate().expect("a certificate");
        let other = Fingerprint::of(hash, b"another certificate");
        let fingerprints = vec![other, fingerprint];
        Self {
            now,
            association: Association::new(
                now,
                role,
                &certificate,
                fingerprints,
                &SctpConfig::default(),
            ),
            events: Vec::new(),
            received: Vec::new(),
            resets: Vec::new(),
            sctp: RawSctp::new(now, role == DtlsRole::Server),
            tamper: None,
            change: Vec::new(),
            ignores_window: false,
            takes_events: true,
            dtls,
            connected: false,
            closed: false,
        }
    }

    /// Sends a message of any kind on any stream, unless the association has closed the stream.
    pub fn send(&mut self, stream: u16, ppid: u32, payload: &[u8]) {
        let sent = self.sctp.send(stream, ppid, payload, false);
        assert!(sent || self.resets.contains(&stream), "room");
        self.run();
    }

    /// Sends anything in place of an SCTP packet.
    pub fn send_packet(&mut self, packet: &[u8]) {
        if !self.closed {
            self.dtls.send_application_data(packet).expect("an open connection");
        }
        self.run();
    }

    pub fn close_dtls(&mut self) {
        self.dtls.close().expect("an open connection");
        self.run();
    }

    /// Changes, after the header, some bytes of some packets.
    fn damage(&mut self, packet: &mut [u8]) {
        for change in self.change.chunks_exact(2) {
            let place = 12 + usize::from(change[0]) % (packet.len() - 12);
            packet[place] ^= change[1];
        }
        seal(packet);
        if let Some(random) = &mut self.tamper
            && random.below(2) == 0
        {
            for _ in 0..=random.below(4) {
                // Mostly where the chunk headers are.
                let places =
                    [packet.len() - 12, 20][random.below(2) as usize].min(packet.len() - 12);
                let place = 12 + random.below(places as u64) as usize;
                packet[place] = random.next() as u8;
            }
            seal(packet);
        }
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.run();
            self.now += Duration::from_millis(10);
        }
        self.run();
    }

    /// Lets the two talk until they have nothing more to say.
    pub fn run(&mut self) {
        self.association.handle_timeout(self.now);
        self.dtls.handle_timeout(self.now).expect("no error");
        self.sctp.advance(self.now);
        let mut buffer = vec![0; 20_000];
        loop {
            let mut idle = true;
            for mut packet in self.sctp.packets() {
                if !self.closed {
                    self.damage(&mut packet);
                    self.dtls.send_application_data(&packet).expect("an open connection");
                }
            }
            self.received.append(&mut self.sctp.received);
            self.resets.append(&mut self.sctp.resets);
            loop {
                match self.dtls.poll_output(&mut buffer) {
                    Output::Packet(datagram) => {
                        idle = false;
                        self.association.handle_datagram(self.now, datagram);
                    }
                    Output::ApplicationData(packet) => {
                        idle = false;
                        let mut packet = packet.to_vec();
                        if self.ignores_window && packet.get(12) == Some(&SACK) {
                            packet[20..24].copy_from_slice(&(100_u32 << 20).to_be_bytes());
                            seal(&mut packet);
                        }
                        self.sctp.handle_packet(packet);
                    }
                    Output::Connected if !self.connected => {
                        self.connected = true;
                        self.sctp.connect();
                        idle = false;
                    }
                    Output::CloseNotify => self.closed = true,
                    Output::Timeout(_) => break,
                    _ => {}
                }
            }
            while self.takes_events
                && let Some(event) = self.association.poll_event()
            {
                self.events.push(event);
            }
            self.association.handle_timeout(self.now);
            while let Some(datagram) = self.association.poll_transmit() {
                idle = false;
                self.dtls.handle_packet(&datagram).expect("no error");
            }
            if idle {
                return;
            }
        }
    }
}

/// Writes the checksum.
fn seal(packet: &mut [u8]) {
    packet[8..12].fill(0);
    let checksum = Crc::<u32>::new(&CRC_32_ISCSI).checksum(packet);
    packet[8..12].copy_from_slice(&checksum.to_le_bytes());
}

/// The SCTP of the raw peer.
pub struct RawSctp {
    endpoint: Endpoint,
    association: Option<sctp_proto::Association>,
    now: Instant,
    begins: bool,
    /// What the owner sends as a kind of message that `sctp-proto` does not know.
    unknown_ppid: u32,
    /// The streams that are to be reset. By itself `sctp-proto` resets all that the other side does.
    to_reset: Vec<u16>,
    received: Vec<(u16, u32, Vec<u8>)>,
    resets: Vec<u16>,
    /// Ports and verification tag.
    header: [u8; 8],
    /// The INIT, if there was one.
    pub init: Vec<u8>,
    /// Packets of our own that wait to be sent.
    last: Vec<Vec<u8>>,
}

impl RawSctp {
    fn new(now: Instant, begins: bool) -> Self {
        let mut server = ServerConfig::new();
        server.transport = Arc::new(transport());
        let endpoint = Endpoint::new(Arc::new(EndpointConfig::new()), Some(Arc::new(server)));
        Self {
            endpoint,
            association: None,
            now,
            begins,
            unknown_ppid: 0,
            to_reset: Vec::new(),
            received: Vec::new(),
            resets: Vec::new(),
            header: [0; 8],
            init: Vec::new(),
            last: Vec::new(),
        }
    }

    fn connect(&mut self) {
        if self.begins {
            let mut config = ClientConfig::new();
            config.transport = Arc::new(transport());
            let address = "127.0.0.1:5000".parse().expect("an address");
            let (_, association) = self.endpoint.connect(config, address).expect("good settings");
            self.association = Some(association);
        }
    }

    fn advance(&mut self, now: Instant) {
        self.now = now;
        if let Some(association) = &mut self.association {
            association.handle_timeout(now);
        }
        self.drain();
    }

    fn handle_packet(&mut self, packet: Vec<u8>) {
        let address = "127.0.0.1:5000".parse().expect("an address");
        match self.endpoint.handle(self.now, address, None, None, packet.into()) {
            Some((_, DatagramEvent::NewAssociation(association))) => {
                self.association = Some(association);
            }
            Some((_, DatagramEvent::AssociationEvent(event))) => {
                self.association.as_mut().expect("an association").handle_event(event);
            }
            None => {}
        }
        self.drain();
    }

    fn drain(&mut self) {
        let Some(association) = &mut self.association else { return };
        while let Some(event) = association.poll() {
            if let Event::Stream(StreamEvent::Finished { id }) = event {
                self.resets.push(id);
            }
            for id in association.stream_ids() {
                while let Ok(Some(message)) =
                    association.stream(id).and_then(|mut stream| stream.read())
                {
                    let mut data = vec![0; message.len()];
                    message.read(&mut data).expect("large enough");
                    self.received.push((id, message.ppi as u32, data));
                }
            }
        }
    }

    /// Sends a message. `false` if there is no room.
    pub fn send(&mut self, stream: u16, ppid: u32, payload: &[u8], unordered: bool) -> bool {
        let Some(association) = &mut self.association else { return false };
        if association.stream(stream).is_err()
            && association.open_stream(stream, Default::default()).is_err()
        {
            return false;
        }
        let mut stream = association.stream(stream).expect("a stream");
        if stream.buffered_amount().expect("an open stream") >= SEND_BUFFER * payload.len() {
            return false;
        }
        self.unknown_ppid = ppid;
        stream
            .set_reliability_params(unordered, ReliabilityType::Reliable, 0)
            .and_then(|()| stream.write_with_ppi(payload, ppid.into()))
            .is_ok()
    }

    /// Closes our direction of streams.
    pub fn reset(&mut self, streams: &[u16]) {
        self.to_reset.extend(streams);
        let Some(association) = &mut self.association else { return };
        for id in streams {
            if association.stream(*id).is_err() {
                let _ = association.open_stream(*id, Default::default());
            }
            if let Ok(mut stream) = association.stream(*id) {
                let _ = stream.close();
            }
        }
    }

    /// Ends the association, with reason "User-Initiated Abort" (12).
    pub fn abort(&mut self) {
        self.last.push(self.packet(&[ABORT, 0, 0, 8, 0, 12, 0, 4]));
        self.association = None;
    }

    /// Sends parts of a message on stream 0 that has neither beginning nor end, with TSNs so far after those of
    /// the first message.
    pub fn send_pieces(&mut self, first: u32, count: u32) {
        let initial = u32::from_be_bytes(*self.init[28..].first_chunk().expect("an INIT"));
        let mut chunks = Vec::new();
        for number in first..first + count {
            chunks.extend([DATA, 0, 0, 17]);
            chunks.extend(initial.wrapping_add(1 + number).to_be_bytes());
            chunks.extend([0, 0, 0, 1, 0, 0, 0, 53, 0, 0, 0, 0]);
        }
        self.last.push(self.packet(&chunks));
    }

    /// A packet with these chunks.
    pub fn packet(&self, chunks: &[u8]) -> Vec<u8> {
        let mut packet = [&self.header[..], &[0; 4], chunks].concat();
        seal(&mut packet);
        packet
    }

    fn packets(&mut self) -> Vec<Vec<u8>> {
        let mut packets = std::mem::take(&mut self.last);
        while let Some(association) = &mut self.association
            && let Some(transmit) = association.poll_transmit(self.now)
        {
            if let Payload::RawEncode(all) = transmit.payload {
                packets.extend(all.iter().map(|packet| packet.to_vec()));
            }
        }
        packets.retain_mut(|packet| {
            if packet[4..8] != [0; 4] {
                self.header.copy_from_slice(&packet[..8]);
            }
            match packet[12] {
                DATA => self.name_unknown(packet),
                RECONFIG => return self.may_reset(packet),
                INIT => self.init.clone_from(packet),
                _ => {}
            }
            true
        });
        packets
    }

    /// Writes the kinds of message that were meant.
    fn name_unknown(&self, packet: &mut [u8]) {
        let mut at = 12;
        while at < packet.len() {
            let length = usize::from(u16::from_be_bytes([packet[at + 2], packet[at + 3]]));
            let ppid = at + 12..at + 16;
            if packet[ppid.clone()] == UNKNOWN_PPID.to_be_bytes() {
                packet[ppid].copy_from_slice(&self.unknown_ppid.to_be_bytes());
            }
            at += length.next_multiple_of(4);
        }
        seal(packet);
    }

    fn may_reset(&self, packet: &[u8]) -> bool {
        let length = usize::from(u16::from_be_bytes([packet[18], packet[19]]));
        let mut streams = packet[32.min(packet.len())..(16 + length).min(packet.len())]
            .chunks_exact(2)
            .map(|id| u16::from_be_bytes([id[0], id[1]]));
        packet[16..18] != RESET_REQUEST.to_be_bytes()
            || streams.all(|id| self.to_reset.contains(&id))
    }
}

fn transport() -> TransportConfig {
    TransportConfig::default()
        .with_max_send_message_size(u32::MAX)
        .with_max_receive_message_size(u32::MAX)
        .with_rto_initial_ms(500)
        .with_rto_min_ms(400)
        .with_rto_max_ms(3000)
}
