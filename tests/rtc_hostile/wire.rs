//! The hostile peer's end of the peer-to-peer connection: parts of the library, put together so that
//! each can be made to misbehave.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use saltyrtc::crypto::OsRandom;
use saltyrtc::rtc::association::{Association, AssociationEvent, DtlsRole, SctpConfig};
use saltyrtc::rtc::certificate::Certificate;
use saltyrtc::rtc::fingerprint::Fingerprint;
use saltyrtc::rtc::ice::{self, Agent, Credentials, Output, Path, Received, SocketId};
use tokio::net::UdpSocket;

/// See the module.
pub struct Wire {
    pub socket: UdpSocket,
    pub agent: Agent,
    pub certificate: Certificate,
    /// `a=setup` in our descriptions.
    pub setup: &'static str,
    /// `a=max-message-size` in our descriptions.
    pub max_message_size: String,
    pub sctp: SctpConfig,
    pub association: Option<Association>,
    pub events: VecDeque<AssociationEvent>,
    /// Whether what SCTP delivers is taken.
    pub reads: bool,
    /// Datagrams of DTLS that are still sent; the others are not.
    pub allowance: usize,
    /// Whether nothing at all is sent any more.
    pub mute: bool,
    /// How many times each is sent.
    pub copies: usize,
    /// All that were sent, if they are to be kept.
    pub history: Option<Vec<Vec<u8>>>,
    /// For the other side.
    pub candidates: Vec<String>,
    /// Where the other side is.
    pub path: Option<SocketAddr>,
    fingerprints: Vec<Fingerprint>,
}

/// The value of an attribute.
pub fn attribute<'a>(sdp: &'a str, name: &str) -> &'a str {
    let value = sdp.lines().find_map(|line| line.strip_prefix("a=")?.strip_prefix(name));
    value.and_then(|value| value.strip_prefix(':')).expect("the attribute")
}

impl Wire {
    pub async fn new(controlling: bool, setup: &'static str, sctp: SctpConfig) -> Self {
        let now = Instant::now();
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let config = ice::AgentConfig { controlling, ..ice::AgentConfig::default() };
        let mut agent = Agent::new(now, config, Box::new(OsRandom));
        let local = socket.local_addr().expect("an address");
        agent.add_socket(now, SocketId(0), local).expect("a good socket");
        agent.gather(now);
        Self {
            socket,
            agent,
            certificate: Certificate::generate().expect("a certificate"),
            setup,
            max_message_size: "262144".into(),
            sctp,
            association: None,
            events: VecDeque::new(),
            reads: true,
            allowance: usize::MAX,
            mute: false,
            copies: 1,
            history: None,
            candidates: Vec::new(),
            path: None,
            fingerprints: Vec::new(),
        }
    }

    /// An offer or an answer that there is nothing wrong with.
    pub fn description(&self) -> String {
        let credentials = self.agent.local_credentials();
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
             a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:{}\r\na=setup:{}\r\na=sctp-port:5000\r\n\
             a=max-message-size:{}\r\n",
            credentials.ufrag(),
            credentials.password(),
            self.certificate.fingerprint(),
            self.setup,
            self.max_message_size,
        )
    }

    pub fn handle_description(&mut self, sdp: &str) {
        let credentials = Credentials::new(attribute(sdp, "ice-ufrag"), attribute(sdp, "ice-pwd"));
        let _ = self.agent.set_remote(Instant::now(), credentials.expect("good credentials"));
        self.fingerprints = vec![attribute(sdp, "fingerprint").parse().expect("a fingerprint")];
    }

    pub fn handle_candidate(&mut self, candidate: &str) {
        self.agent.add_remote_candidate(Instant::now(), candidate).expect("a good candidate");
    }

    /// Takes all that has arrived.
    pub fn receive(&mut self) {
        let mut buffer = [0; 2048];
        loop {
            match self.socket.try_recv_from(&mut buffer) {
                Ok((length, from)) => self.handle_datagram(from, &buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {}
            }
        }
    }

    fn handle_datagram(&mut self, from: SocketAddr, datagram: &[u8]) {
        let now = Instant::now();
        if let Received::Data(range) = self.agent.handle_packet(now, SocketId(0), from, datagram)
            && let Some(association) = &mut self.association
        {
            association.handle_datagram(now, &datagram[range]);
        }
    }

    /// Does what is due, and sends what there is.
    pub fn drive(&mut self) {
        let now = Instant::now();
        if self.agent.poll_timeout().is_some_and(|at| at <= now) {
            self.agent.handle_timeout(now);
        }
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Transmit { to, data, .. } if !self.mute => {
                    _ = self.socket.try_send_to(&data, to);
                }
                Output::Candidate(line) => self.candidates.push(line),
                Output::Path(Some(Path::Direct { to, .. })) => {
                    self.path = Some(to);
                    self.start();
                }
                _ => {}
            }
        }
        let Some(association) = &mut self.association else { return };
        if association.poll_timeout().is_some_and(|at| at <= now) {
            association.handle_timeout(now);
        }
        if self.reads {
            self.events.extend(std::iter::from_fn(|| association.poll_event()));
        }
        while let Some(datagram) = association.poll_transmit() {
            if self.allowance == 0 || self.mute {
                continue;
            }
            self.allowance -= 1;
            if let Some(history) = &mut self.history {
                history.push(datagram.clone());
            }
            for _ in 0..self.copies {
                if let Some(to) = self.path {
                    let _ = self.socket.try_send_to(&datagram, to);
                }
            }
        }
    }

    fn start(&mut self) {
        let role = if self.setup == "active" { DtlsRole::Client } else { DtlsRole::Server };
        if self.association.is_none() {
            self.association = Some(Association::new(
                Instant::now(),
                role,
                &self.certificate,
                self.fingerprints.clone(),
                &self.sctp,
            ));
        }
    }

    pub fn deadline(&mut self) -> Option<Instant> {
        let association = self.association.as_ref().and_then(Association::poll_timeout);
        [self.agent.poll_timeout(), association].into_iter().flatten().min()
    }

    /// Sends a datagram from our address, which is not from the association.
    pub fn send_raw(&self, datagram: &[u8]) {
        let _ = self.socket.try_send_to(datagram, self.path.expect("a path"));
    }

    pub fn connected(&self) -> bool {
        self.events.contains(&AssociationEvent::Connected)
    }
}
