//! A peer made of DTLS and SCTP alone, which can be told to send anything.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dcsctp::api::{
    DcSctpSocket, Message, Options, PpId, SendOptions, SocketEvent, SocketTime, StreamId,
    ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
};
use dimpl::{Config, Dtls, DtlsCertificate, Output};
use saltyrtc::rtc::association::{Association, AssociationEvent, DtlsRole, SctpConfig};
use saltyrtc::rtc::certificate::Certificate;
use saltyrtc::rtc::fingerprint::{Fingerprint, HashFunction};

use super::link::Random;

/// The type of the chunk that acknowledges, and tells the window.
const SACK: u8 = 3;

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
    pub sctp: Box<dyn DcSctpSocket + Send>,
    /// Damages the raw peer's packets.
    pub tamper: Option<Random>,
    /// The raw peer sends as if the window were never closed.
    pub ignores_window: bool,
    /// Whether the owner of the association takes events.
    pub takes_events: bool,
    start: Instant,
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
            sctp: dcsctp::new_socket(
                "",
                &Options {
                    max_burst: 100,
                    // No checksum tells when a packet is damaged.
                    zero_checksum_alternate_error_detection_method:
                        ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
                    ..Options::default()
                },
            ),
            tamper: None,
            ignores_window: false,
            takes_events: true,
            start: now,
            dtls,
            connected: false,
            closed: false,
        }
    }

    /// Sends a message of any kind on any stream.
    pub fn send(&mut self, stream: u16, ppid: u32, payload: &[u8]) {
        let message = Message::new(StreamId(stream), PpId(ppid), payload.to_vec());
        self.sctp.send(message, &SendOptions::default()).expect("room");
        self.run();
    }

    /// Sends anything in place of an SCTP packet.
    pub fn send_packet(&mut self, packet: &[u8]) {
        self.dtls.send_application_data(packet).expect("an open connection");
        self.run();
    }

    pub fn close_dtls(&mut self) {
        self.dtls.close().expect("an open connection");
        self.run();
    }

    /// Changes, after the header, some bytes of some packets.
    fn damage(&mut self, packet: &mut [u8]) {
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
        self.sctp.advance_time(SocketTime::zero() + (self.now - self.start));
        let mut buffer = vec![0; 20_000];
        loop {
            let mut idle = true;
            while let Some(event) = self.sctp.poll_event() {
                match event {
                    SocketEvent::SendPacket(mut packet) if !self.closed => {
                        self.damage(&mut packet);
                        self.dtls.send_application_data(&packet).expect("an open connection");
                    }
                    SocketEvent::OnIncomingStreamReset(streams) => {
                        self.resets.extend(streams.iter().map(|stream| stream.0));
                    }
                    _ => {}
                }
            }
            while let Some(message) = self.sctp.get_next_message() {
                self.received.push((message.stream_id.0, message.ppid.0, message.payload));
            }
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
                        }
                        self.sctp.handle_input(&packet);
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
