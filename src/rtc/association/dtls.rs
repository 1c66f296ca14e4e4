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
/// The largest datagram of a handshake. All of what one side says at once fits into one of them (some 700 bytes); a
/// ClientHello is filled up to that size.
const HANDSHAKE_MTU: usize = 900;
/// The same where the path carries less: within the indications of a TURN server, on links with an MTU of 576 bytes. Then it is
/// DTLS 1.2: with version 1.3, `dimpl` waits for ever after some losses if it has several datagrams to send.
const NARROW_MTU: usize = 460;

/// A client that is not through after so long makes another attempt; the time doubles with each. Something that was garbled
/// may be noticed by neither side before the end, or by one only.
const FIRST_ATTEMPT: Duration = Duration::from_secs(15);
/// The same after an error: somebody else may have caused it, and the peer may have a better answer soon.
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// For so long after the first one errors are taken for somebody else's.
const ERRORS_TOLERATED: Duration = Duration::from_secs(30);
/// The same for those that only the peer is likely to cause. If it happens again, it was the peer.
const LIKELY_TOLERATED: Duration = Duration::from_secs(3);
/// A server listens to no other client for so long, so that one with the right answers gets through among many.
const MIN_ATTEMPT: Duration = Duration::from_secs(1);
/// The same after an error.
const MIN_FAILED_ATTEMPT: Duration = Duration::from_millis(50);

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
    /// It begins anew: nothing that was sent or received until now counts.
    BegunAnew,
    /// The peer closed the connection.
    Closed,
    /// The connection is unusable.
    Failed(ConnectionFailure),
}

/// A DTLS 1.2 or 1.3 connection; whichever the peer prefers.
///
/// Anybody may send datagrams that look like those of a handshake, and lead to an error or to an end that only one side sees.
/// So a handshake that does not get through is tried again by the client, whose next ClientHello tells the server, until
/// something that was encrypted shows that both sides are through ([`DtlsConnection::confirm`]).
pub(super) struct DtlsConnection {
    dtls: Dtls,
    role: DtlsRole,
    /// To begin anew with.
    certificate: DtlsCertificate,
    /// The path carries only small datagrams.
    narrow: bool,
    attempt: Attempt,
    /// Until when errors are tolerated, and what it is when the time is over.
    doubt: Option<(Instant, ConnectionFailure)>,
    confirmed: bool,
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

/// One of the attempts at a handshake.
struct Attempt {
    began: Instant,
    /// How long it may take, if this is a client.
    patience: Duration,
    /// When a client makes the next one.
    next: Instant,
    /// What the client has sent as its random value, if this is the server: another value is another attempt.
    hello: Option<[u8; 32]>,
    /// The path was found to be narrow after it had begun, or it has met an error.
    failed: bool,
}

impl Attempt {
    fn new(now: Instant, patience: Duration) -> Self {
        Self { began: now, patience, next: now + patience, hello: None, failed: false }
    }
}

impl DtlsConnection {
    pub(super) fn new(
        now: Instant,
        role: DtlsRole,
        certificate: &Certificate,
        remote_fingerprints: Vec<Fingerprint>,
        mtu: usize,
    ) -> Self {
        let narrow = mtu < HANDSHAKE_MTU;
        let certificate = DtlsCertificate {
            certificate: certificate.der().to_vec(),
            private_key: certificate.private_key().to_vec(),
        };
        let mut connection = Self {
            dtls: dtls(now, role, &certificate, narrow),
            role,
            certificate,
            narrow,
            attempt: Attempt::new(now, FIRST_ATTEMPT),
            doubt: None,
            confirmed: false,
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

    /// Begins anew: with the attempt so far nothing can become of it any more, as far as can be told.
    fn begin(&mut self, now: Instant, patience: Duration) {
        self.dtls = dtls(now, self.role, &self.certificate, self.narrow);
        self.attempt = Attempt::new(now, patience);
        self.remote_certificate = None;
        self.datagrams.clear();
        if std::mem::take(&mut self.connected) {
            self.events.push_back(DtlsEvent::BegunAnew);
        }
    }

    /// The path carries datagrams of so many bytes.
    pub(super) fn set_mtu(&mut self, now: Instant, mtu: usize) {
        if mtu >= HANDSHAKE_MTU || self.narrow || self.connected || self.over {
            return;
        }
        self.narrow = true;
        if self.role == DtlsRole::Client || self.attempt.hello.is_none() {
            // What was sent has not got through.
            self.begin(now, self.attempt.patience);
            self.handle_timeout(now);
        } else {
            // The client tells by a repetition whether it has.
            self.attempt.failed = true;
        }
    }

    /// The peer has proved by what it has sent that it is through, too.
    pub(super) fn confirm(&mut self) {
        self.confirmed = true;
        self.doubt = None;
    }

    /// Whether a server is to ignore a datagram, because it belongs to another attempt of a client than the present
    /// one, and the time for another one has not come. Begins anew if it has.
    fn is_outdated(&mut self, now: Instant, datagram: &[u8]) -> bool {
        if self.confirmed || self.role == DtlsRole::Client {
            return false;
        }
        let Some(hello) = client_random(datagram) else { return false };
        if let Some(known) = self.attempt.hello {
            let failed = self.attempt.failed;
            // One that is repeated has not been answered. With a path that is narrow there will be no answer.
            let again = known == hello && failed && self.narrow && !self.connected;
            let pause = if failed { MIN_FAILED_ATTEMPT } else { MIN_ATTEMPT };
            if known != hello || again {
                if now < self.attempt.began + pause {
                    return known != hello;
                }
                self.begin(now, FIRST_ATTEMPT);
            }
        }
        self.attempt.hello = Some(hello);
        false
    }

    /// Takes a datagram. `receive` gets what the peer has sent in it.
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &[u8],
        receive: &mut dyn FnMut(&[u8]),
    ) {
        if self.over || self.is_outdated(now, datagram) {
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
            Err(error) => {
                self.doubt(now, handshake_error(&error));
                let waiting = self.datagrams.len();
                self.drain(now, receive);
                // An alert, which would end the handshake for the peer, although it may be somebody else's fault.
                self.datagrams.truncate(waiting);
                return;
            }
            Ok(()) => {}
        }
        self.drain(now, receive);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.over {
            return;
        }
        if !self.confirmed
            && let Some((until, failure)) = &self.doubt
            && *until <= now
        {
            return self.fail(failure.clone());
        }
        if self.is_attempt_over(now) {
            // Without an error it is most likely the path, whether that is known or not.
            self.narrow |= !self.attempt.failed;
            self.begin(now, self.attempt.patience * 2);
        }
        if let Err(error) = self.dtls.handle_timeout(now) {
            self.doubt(now, handshake_error(&error));
        }
        self.drain(now, &mut |_| {});
    }

    fn is_attempt_over(&self, now: Instant) -> bool {
        // Once it is through, the server is, too, or gets there with what is sent again.
        self.role == DtlsRole::Client && !self.connected && self.attempt.next <= now
    }

    /// The handshake has met an error. Anybody can send a datagram that leads to one, so it goes on for a while.
    fn doubt(&mut self, now: Instant, failure: ConnectionFailure) {
        if self.confirmed {
            return self.fail(failure);
        }
        let likely = !matches!(failure, ConnectionFailure::Dtls(_));
        match &self.doubt {
            // The peer again.
            Some((_, before)) if likely && *before == failure && !self.attempt.failed => {
                return self.fail(failure);
            }
            Some((until, ConnectionFailure::Dtls(_))) if likely => {
                self.doubt = Some(((*until).min(now + LIKELY_TOLERATED), failure));
            }
            Some(_) => {}
            None => {
                let tolerated = if likely { LIKELY_TOLERATED } else { ERRORS_TOLERATED };
                self.doubt = Some((now + tolerated, failure));
            }
        }
        self.attempt.failed = true;
        self.attempt.next = self.attempt.next.min(now + AFTER_ERROR);
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let attempt =
            (self.role == DtlsRole::Client && !self.connected).then_some(self.attempt.next);
        let doubt = self.doubt.as_ref().map(|(until, _)| *until);
        let handshake = [attempt, doubt].into_iter().flatten().filter(|_| !self.confirmed);
        self.deadline.into_iter().chain(handshake).min().filter(|_| !self.over)
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
                        self.doubt(now, ConnectionFailure::OtherPeerCertificate);
                    }
                }
                Output::Connected if self.remote_certificate.is_none() => {
                    self.doubt(now, ConnectionFailure::NoPeerCertificate);
                }
                Output::Connected if !self.connected && !self.over => {
                    self.connected = true;
                    self.events.push_back(DtlsEvent::Connected);
                }
                Output::ApplicationData(data) if self.connected && !self.over => receive(data),
                // Before that it can be anybody's.
                Output::CloseNotify if self.connected && !self.over => {
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

fn dtls(now: Instant, role: DtlsRole, certificate: &DtlsCertificate, narrow: bool) -> Dtls {
    let config = Config::builder()
        .mtu(if narrow { NARROW_MTU } else { HANDSHAKE_MTU })
        // ICE has made sure that the peer is where it claims to be.
        .use_server_cookie(false)
        .flight_start_rto(FIRST_RETRANSMISSION)
        // Time is what limits the handshake. (Repeated messages of the peer count here, too.)
        .flight_retries(64)
        // It is the association that gives up.
        .handshake_timeout(NO_DEADLINE)
        .build()
        .expect("the settings are in range");
    let (config, certificate) = (Arc::new(config), certificate.clone());
    let mut dtls = match narrow {
        true => Dtls::new_12(config, certificate, now),
        false => Dtls::new_auto(config, certificate, now),
    };
    dtls.set_active(role == DtlsRole::Client);
    dtls
}

/// The random value in a ClientHello that begins a datagram (RFC 6347 section 4.3, RFC 9147 section 5.3), if it is one
/// and not encrypted. A client keeps it for as long as an attempt lasts.
fn client_random(datagram: &[u8]) -> Option<[u8; 32]> {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    let is_hello = datagram.first() == Some(&HANDSHAKE)
        && datagram.get(3..5)? == [0; 2]
        && datagram.get(13) == Some(&CLIENT_HELLO)
        // The first fragment.
        && datagram.get(19..22)? == [0; 3];
    if !is_hello {
        return None;
    }
    datagram.get(27..59)?.try_into().ok()
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
