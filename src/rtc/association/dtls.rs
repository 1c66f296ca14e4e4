//! The DTLS connection: handshake, check of the peer's certificate, encryption.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{
    CertificateError, Config, CryptoError, Dtls, DtlsCertificate, Error, Output, SecurityError,
    UnexpectedMessageError,
};

use super::config::DtlsRole;
use crate::rtc::certificate::Certificate;
use crate::rtc::fingerprint::Fingerprint;
use crate::task::ConnectionFailure;

/// When a flight of the handshake is sent again for the first time; doubled each time.
const FIRST_RETRANSMISSION: Duration = Duration::from_millis(250);
/// A deadline further away than this means none.
const NO_DEADLINE: Duration = Duration::from_secs(365 * 24 * 3600);
/// The least time until the next timeout, so that a driver that sleeps until the deadline never spins.
const LEAST_TIMEOUT: Duration = Duration::from_millis(1);

/// The alert `handshake_failure` (RFC 5246 section 7.2.2): the peer finds nothing that both sides support. Here
/// that is most likely due to its certificate.
const HANDSHAKE_FAILURE: u8 = 40;

/// How many datagrams may wait to be sent. There is room for everything that the end of an association sends
/// at once. Any more are dropped, as a network could do.
const MAX_DATAGRAMS: usize = 16_384;

/// What has happened to a [`DtlsConnection`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DtlsEvent {
    /// The handshake is done and the peer is the right one.
    Connected,
    /// The peer closed the connection.
    Closed,
    /// The connection is unusable.
    Failed(ConnectionFailure),
}

/// A DTLS 1.2 or 1.3 connection; whichever the peer prefers.
pub(super) struct DtlsConnection {
    dtls: Dtls,
    /// The peer's certificate has to match one of these.
    remote_fingerprints: Vec<Fingerprint>,
    /// The peer's certificate, if it has one of the fingerprints. That the peer also owns the key is
    /// what the handshake proves.
    remote_certificate: Option<Vec<u8>>,
    connected: bool,
    /// Failed or closed, by either side.
    over: bool,
    deadline: Option<Instant>,
    events: VecDeque<DtlsEvent>,
    datagrams: VecDeque<Vec<u8>>,
    /// What `dimpl` writes to: large enough for a datagram.
    buffer: Vec<u8>,
}

impl DtlsConnection {
    pub(super) fn new(
        now: Instant,
        role: DtlsRole,
        certificate: &Certificate,
        remote_fingerprints: Vec<Fingerprint>,
        mtu: usize,
    ) -> Self {
        let config = Config::builder()
            .mtu(mtu)
            // ICE has made sure that the peer is where it claims to be.
            .use_server_cookie(false)
            .flight_start_rto(FIRST_RETRANSMISSION)
            // Time is what limits the handshake. (Repeated messages of the peer count here, too.)
            .flight_retries(64)
            // It is the association that gives up.
            .handshake_timeout(NO_DEADLINE)
            .build()
            .expect("the settings are in range");
        let certificate = DtlsCertificate {
            certificate: certificate.der().to_vec(),
            private_key: certificate.private_key().to_vec(),
        };
        let mut dtls = Dtls::new_auto(Arc::new(config), certificate, now);
        if role == DtlsRole::Client {
            dtls.set_active(true);
        }
        let mut connection = Self {
            dtls,
            remote_fingerprints,
            remote_certificate: None,
            connected: false,
            over: false,
            deadline: None,
            events: VecDeque::new(),
            datagrams: VecDeque::new(),
            buffer: vec![0; 2048],
        };
        connection.handle_timeout(now);
        connection
    }

    /// Takes a datagram. `receive` gets what the peer has sent in it.
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &[u8],
        receive: &mut dyn FnMut(&[u8]),
    ) {
        if self.over {
            return;
        }
        let result = self.dtls.handle_timeout(now).and_then(|()| self.dtls.handle_packet(datagram));
        match result {
            // What comes first can be anything: a datagram that was overtaken, or not meant for us.
            Err(Error::UnexpectedMessage(
                UnexpectedMessageError::UnrecognizedAutoServerResponse,
            )) => {}
            // The datagram is dropped. The peer sends it again.
            Err(Error::ReceiveQueueFull) => {}
            Err(error) => self.fail(handshake_error(&error)),
            Ok(()) => {}
        }
        self.drain(now, receive);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.over {
            return;
        }
        if let Err(error) = self.dtls.handle_timeout(now) {
            self.fail(handshake_error(&error));
        }
        self.drain(now, &mut |_| {});
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline.filter(|_| !self.over)
    }

    /// The peer's certificate (DER) once the peer has proven to own it.
    pub(super) fn remote_certificate(&self) -> Option<&[u8]> {
        self.remote_certificate.as_deref().filter(|_| self.connected)
    }

    pub(super) fn poll_event(&mut self) -> Option<DtlsEvent> {
        self.events.pop_front()
    }

    pub(super) fn has_datagrams(&self) -> bool {
        !self.datagrams.is_empty()
    }

    pub(super) fn poll_datagram(&mut self) -> Option<Vec<u8>> {
        self.datagrams.pop_front()
    }

    /// Encrypts. The datagram comes out of [`Self::poll_datagram`].
    pub(super) fn send(&mut self, now: Instant, data: &[u8]) {
        if self.over || !self.connected {
            return;
        }
        if let Err(error) = self.dtls.send_application_data(data) {
            self.fail(ConnectionFailure::Dtls(error.to_string()));
        }
        self.drain(now, &mut |_| {});
    }

    /// Tells the peer that this is the end. Nothing can be sent afterwards.
    pub(super) fn close(&mut self, now: Instant) {
        if self.over {
            return;
        }
        // Fails only before the handshake is done, when there is no connection to close.
        let _ = self.dtls.close();
        self.drain(now, &mut |_| {});
        self.over = true;
    }

    fn drain(&mut self, now: Instant, receive: &mut dyn FnMut(&[u8])) {
        loop {
            match self.dtls.poll_output(&mut self.buffer) {
                Output::Packet(datagram) if self.datagrams.len() < MAX_DATAGRAMS => {
                    self.datagrams.push_back(datagram.to_vec());
                }
                Output::BufferTooSmall { needed } => self.buffer.resize(needed, 0),
                Output::PeerCert(certificate) => {
                    if self.remote_fingerprints.iter().any(|one| one.matches(certificate)) {
                        self.remote_certificate = Some(certificate.to_vec());
                    } else {
                        self.remote_certificate = None;
                        self.fail(ConnectionFailure::OtherPeerCertificate);
                    }
                }
                Output::Connected if self.remote_certificate.is_none() => {
                    self.fail(ConnectionFailure::NoPeerCertificate);
                }
                Output::Connected if !self.connected && !self.over => {
                    self.connected = true;
                    self.events.push_back(DtlsEvent::Connected);
                }
                Output::ApplicationData(data) if self.connected && !self.over => receive(data),
                Output::CloseNotify if !self.over => {
                    self.over = true;
                    self.events.push_back(DtlsEvent::Closed);
                }
                Output::Timeout(deadline) => {
                    let wait = deadline.saturating_duration_since(now);
                    self.deadline = (wait < NO_DEADLINE).then(|| now + wait.max(LEAST_TIMEOUT));
                    return;
                }
                _ => {}
            }
        }
    }

    fn fail(&mut self, failure: ConnectionFailure) {
        if !self.over {
            self.over = true;
            self.events.push_back(DtlsEvent::Failed(failure));
        }
    }
}

fn handshake_error(error: &Error) -> ConnectionFailure {
    match error {
        Error::Timeout(_) => ConnectionFailure::NoAnswer,
        _ if no_common_certificate(error) => {
            ConnectionFailure::NoCommonCertificate(error.to_string())
        }
        _ => ConnectionFailure::Dtls(error.to_string()),
    }
}

/// Whether an error is what a peer without an ECDSA certificate leads to. OpenSSL does not send an RSA
/// certificate when it was not asked for one; others send it, or sign with it.
fn no_common_certificate(error: &Error) -> bool {
    matches!(
        error,
        Error::SecurityError(
            SecurityError::FatalAlert { description: HANDSHAKE_FAILURE }
                | SecurityError::SignatureSchemeNotOffered(_)
                | SecurityError::SignatureAlgorithmMismatch { .. }
                | SecurityError::UnsupportedSignatureScheme(_)
        ) | Error::CertificateError(
            CertificateError::NoClientCertificateReceived
                | CertificateError::NoServerCertificateReceived
        ) | Error::CryptoError(
            CryptoError::UnsupportedPublicKeyAlgorithm
                | CryptoError::SignatureAlgorithmMismatch { .. }
        )
    )
}
