//! What a server counts.
//!
//! Counters are atomic and nobody waits for anybody to count. No label holds anything that a client
//! chose: no address, no path, no key.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use crate::protocol::server::{Cause, Event, RelayFailure};
use crate::protocol::{CloseCode, MESSAGE_TOO_BIG, Role};

/// What a server counted since it was started.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(super) connections: Counter,
    pub(super) accepted: Counter,
    pub(super) accept_errors: Counter,
    pub(super) tls_failures: Counter,
    pub(super) proxy_header_failures: Counter,
    pub(super) paths: Counter,
    clients: [Counter; ClientRole::ALL.len()],
    handshakes: [Counter; HandshakeOutcome::ALL.len()],
    limit_hits: [Counter; ReachedLimit::ALL.len()],
    closes: [Counter; ClosedWith::ALL.len()],
    paused: Counter,
    relayed_messages: Counter,
    relayed_bytes: Counter,
    relay_failures: [Counter; FailureReason::ALL.len()],
    relay_latency: Histogram,
    pub(super) queued: Arc<AtomicUsize>,
    receiving: AtomicUsize,
}

/// A number that goes up, and for things that come and go also down.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn up(&self) {
        self.add(1);
    }

    pub(super) fn down(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    fn add(&self, number: u64) {
        self.0.fetch_add(number, Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Counts something that exists until this is dropped.
pub(super) struct GaugeGuard {
    metrics: Arc<Metrics>,
    which: fn(&Metrics) -> &Counter,
}

impl GaugeGuard {
    pub(super) fn new(metrics: &Arc<Metrics>, which: fn(&Metrics) -> &Counter) -> Self {
        which(metrics).up();
        Self { metrics: metrics.clone(), which }
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        (self.which)(&self.metrics).down();
    }
}

/// An enumeration whose values are the values of a label. There is one list of them, so that each has its text and
/// its counter, and no counter can be missing when a value is added.
macro_rules! label {
    ($(#[$meta:meta])* enum $name:ident { $($value:ident => $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum $name {
            $($value,)*
        }

        impl $name {
            const ALL: &'static [Self] = &[$(Self::$value,)*];

            const fn text(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)*
                }
            }
        }
    };
}

label! {
    /// What an authenticated client is.
    enum ClientRole {
        Initiator => "initiator",
        Responder => "responder",
    }
}

impl From<Role> for ClientRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Initiator => Self::Initiator,
            Role::Responder => Self::Responder,
        }
    }
}

label! {
    /// How a handshake came out: what became of a connection that was not refused by a limit.
    enum HandshakeOutcome {
        Initiator => "initiator",
        Responder => "responder",
        ProxyHeader => "bad_proxy_header",
        Tls => "tls_failure",
        NotWebSocket => "not_websocket",
        Path => "bad_path",
        Subprotocol => "bad_subprotocol",
        ProtocolError => "protocol_error",
        ServerKey => "unknown_server_key",
        PathFull => "path_full",
        Timeout => "timeout",
        Left => "left",
        Shutdown => "shutdown",
    }
}

label! {
    /// A limit that was reached.
    enum ReachedLimit {
        Connections => "connections",
        ConnectionsPerAddress => "connections_per_address",
        ConnectionsPerPath => "connections_per_path",
        AcceptRate => "accept_rate",
        HandshakeTime => "handshake_time",
        IdleTime => "idle_time",
        StallTime => "stall_time",
        PongTime => "pong_time",
        CloseTime => "close_time",
        ShutdownTime => "shutdown_time",
        MessageSize => "message_size",
        MessageTime => "message_time",
        Receiving => "receiving",
        Queue => "queue",
        AllQueues => "all_queues",
        Notifications => "notifications",
    }
}

label! {
    /// Why a message was answered with 'send-error'.
    enum FailureReason {
        NobodyThere => "nobody_there",
        QueueFull => "queue_full",
        AllQueuesFull => "all_queues_full",
        ReceiverLeft => "receiver_left",
    }
}

impl From<RelayFailure> for FailureReason {
    fn from(why: RelayFailure) -> Self {
        match why {
            RelayFailure::NobodyThere => Self::NobodyThere,
            RelayFailure::QueueFull => Self::QueueFull,
            RelayFailure::AllQueuesFull => Self::AllQueuesFull,
            RelayFailure::ReceiverLeft => Self::ReceiverLeft,
        }
    }
}

label! {
    /// A close code that this server sends.
    enum ClosedWith {
        GoingAway => "1001",
        WebSocketProtocolError => "1002",
        MessageTooBig => "1009",
        PathFull => "3000",
        ProtocolError => "3001",
        InternalError => "3002",
        DroppedByInitiator => "3004",
        InitiatorCouldNotDecrypt => "3005",
        NoSharedTask => "3006",
        InvalidKey => "3007",
        Timeout => "3008",
    }
}

impl ClosedWith {
    /// `None` for what servers do not send.
    fn code(code: u16) -> Option<Self> {
        if code == MESSAGE_TOO_BIG {
            return Some(Self::MessageTooBig);
        }
        Some(match CloseCode::from_code(code.into())? {
            CloseCode::GoingAway => Self::GoingAway,
            CloseCode::WebSocketProtocolError => Self::WebSocketProtocolError,
            CloseCode::PathFull => Self::PathFull,
            CloseCode::ProtocolError => Self::ProtocolError,
            CloseCode::InternalError => Self::InternalError,
            CloseCode::DroppedByInitiator => Self::DroppedByInitiator,
            CloseCode::InitiatorCouldNotDecrypt => Self::InitiatorCouldNotDecrypt,
            CloseCode::NoSharedTask => Self::NoSharedTask,
            CloseCode::InvalidKey => Self::InvalidKey,
            CloseCode::Timeout => Self::Timeout,
            CloseCode::Normal | CloseCode::Handover => return None,
        })
    }
}

/// Upper bounds of the histogram, in microseconds and as they are written in seconds.
const BUCKETS: [(u64, &str); 14] = [
    (25, "0.000025"),
    (50, "0.00005"),
    (100, "0.0001"),
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (50_000, "0.05"),
    (250_000, "0.25"),
    (1_000_000, "1"),
    (5_000_000, "5"),
    (30_000_000, "30"),
];

#[derive(Debug, Default)]
struct Histogram {
    /// Each without those of the smaller ones; the last one is for all that is larger.
    buckets: [Counter; BUCKETS.len() + 1],
    nanoseconds: Counter,
}

impl Histogram {
    fn observe(&self, duration: Duration, times: u64) {
        let micros = u64::try_from(duration.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX);
        self.buckets[BUCKETS.partition_point(|(bound, _)| *bound < micros)].add(times);
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.add(nanoseconds.saturating_mul(times));
    }
}

impl Metrics {
    pub(super) fn handshake(&self, outcome: HandshakeOutcome) {
        self.handshakes[outcome as usize].up();
    }

    pub(super) fn limit(&self, limit: ReachedLimit) {
        self.limit_hits[limit as usize].up();
    }

    /// A close frame was queued.
    pub(super) fn close(&self, code: u16) {
        if let Some(code) = ClosedWith::code(code) {
            self.closes[code as usize].up();
        }
    }

    /// So many bytes were received of large messages that are not complete.
    pub(super) fn receiving(&self, bytes: usize) {
        self.receiving.store(bytes, Relaxed);
    }

    fn client(&self, role: Role) -> &Counter {
        &self.clients[ClientRole::from(role) as usize]
    }

    /// Messages were handed over to the socket of their receiver, this long after they had arrived.
    pub(super) fn handed_over(&self, after: Duration, messages: usize) {
        self.relay_latency.observe(after, u64::try_from(messages).unwrap_or(u64::MAX));
    }

    /// Counts what happened on a path.
    pub(super) fn event(&self, event: &Event) {
        match event {
            Event::Authenticated { role } => {
                self.client(*role).up();
                self.handshake(match role {
                    Role::Initiator => HandshakeOutcome::Initiator,
                    Role::Responder => HandshakeOutcome::Responder,
                });
            }
            Event::Closing { role, cause } => {
                self.close(cause.close_code().code());
                if let Some(limit) = limit_of(cause) {
                    self.limit(limit);
                }
                match role {
                    Some(role) => self.client(*role).down(),
                    None => self.handshake(outcome_of(cause)),
                }
            }
            Event::Left { role: Some(role) } => self.client(*role).down(),
            Event::Left { role: None } => self.handshake(HandshakeOutcome::Left),
            Event::Relayed { messages, bytes } => {
                self.relayed_messages.add(*messages);
                self.relayed_bytes.add(*bytes);
            }
            Event::Paused { why } => {
                self.paused.up();
                match why {
                    RelayFailure::QueueFull => self.limit(ReachedLimit::Queue),
                    RelayFailure::AllQueuesFull => self.limit(ReachedLimit::AllQueues),
                    RelayFailure::NobodyThere | RelayFailure::ReceiverLeft => {}
                }
            }
            Event::Resumed => self.paused.down(),
            Event::RelayFailed { why } => {
                self.relay_failures[FailureReason::from(*why) as usize].up()
            }
        }
    }

    /// All metrics in the text format of Prometheus (version 0.0.4). Serve it as
    /// `text/plain; version=0.0.4`.
    ///
    /// Counters end in `_total` and start at 0 with the server. The values are read one after another,
    /// so that two of them may differ by what happened in between.
    pub fn prometheus(&self) -> String {
        let mut text = PrometheusText(String::with_capacity(8 << 10));
        text.family("build_info", "gauge", "Always 1; the label names the version.");
        text.line("build_info", &[("version", env!("CARGO_PKG_VERSION"))], "1");
        text.one("connections", "gauge", "Open connections.", &self.connections);
        text.one(
            "connections_accepted_total",
            "counter",
            "Connections that came in, refused ones too.",
            &self.accepted,
        );
        text.one(
            "accept_errors_total",
            "counter",
            "Failures to accept a connection, mostly for want of file descriptors.",
            &self.accept_errors,
        );
        text.one("tls_failures_total", "counter", "Failed TLS handshakes.", &self.tls_failures);
        text.one(
            "proxy_header_failures_total",
            "counter",
            "Connections of a trusted proxy without a valid PROXY header.",
            &self.proxy_header_failures,
        );
        text.one("paths", "gauge", "Paths with at least one connection.", &self.paths);
        let help = "Authenticated clients.";
        text.many(
            "clients",
            "gauge",
            help,
            "role",
            ClientRole::ALL.iter().map(|role| role.text()),
            &self.clients,
        );
        let help = "Handshakes by outcome. The outcomes 'initiator' and 'responder' are successes.";
        text.many(
            "handshakes_total",
            "counter",
            help,
            "outcome",
            HandshakeOutcome::ALL.iter().map(|outcome| outcome.text()),
            &self.handshakes,
        );
        let help = "How often a limit was reached.";
        text.many(
            "limit_hits_total",
            "counter",
            help,
            "limit",
            ReachedLimit::ALL.iter().map(|limit| limit.text()),
            &self.limit_hits,
        );
        let help = "Connections closed by the server, by close code.";
        text.many(
            "closes_total",
            "counter",
            help,
            "code",
            ClosedWith::ALL.iter().map(|code| code.text()),
            &self.closes,
        );
        let help =
            "Clients that nothing is read from until the receivers of their messages take more.";
        text.one("paused_clients", "gauge", help, &self.paused);
        let help = "Messages taken for relaying.";
        text.one("relayed_messages_total", "counter", help, &self.relayed_messages);
        let help = "Bytes of messages taken for relaying, nonces included.";
        text.one("relayed_bytes_total", "counter", help, &self.relayed_bytes);
        let help = "Messages that were answered with 'send-error'.";
        let failures = &self.relay_failures;
        text.many(
            "relay_failures_total",
            "counter",
            help,
            "reason",
            FailureReason::ALL.iter().map(|reason| reason.text()),
            failures,
        );
        text.family("queued_bytes", "gauge", "Bytes that wait for clients, in queues or before.");
        text.line("queued_bytes", &[], &self.queued.load(Relaxed).to_string());
        let help = "Bytes of large messages that are not complete.";
        text.family("receiving_bytes", "gauge", help);
        text.line("receiving_bytes", &[], &self.receiving.load(Relaxed).to_string());
        text.histogram(
            "relay_seconds",
            "Time from the arrival of a relayed message to its hand-over to the socket.",
            &self.relay_latency,
        );
        text.0
    }
}

/// The limit that is the reason of a close, if one is.
fn limit_of(cause: &Cause) -> Option<ReachedLimit> {
    Some(match cause {
        Cause::HandshakeTimeout => ReachedLimit::HandshakeTime,
        Cause::PongTimeout => ReachedLimit::PongTime,
        Cause::Idle => ReachedLimit::IdleTime,
        Cause::TooSlow => ReachedLimit::Notifications,
        Cause::Displaced => ReachedLimit::ConnectionsPerPath,
        _ => return None,
    })
}

/// The outcome of a handshake that the server ended.
fn outcome_of(cause: &Cause) -> HandshakeOutcome {
    match cause {
        Cause::PathFull | Cause::Displaced => HandshakeOutcome::PathFull,
        Cause::UnknownServerKey => HandshakeOutcome::ServerKey,
        Cause::HandshakeTimeout | Cause::Idle | Cause::PongTimeout => HandshakeOutcome::Timeout,
        Cause::Shutdown => HandshakeOutcome::Shutdown,
        // Nobody replaces or drops a client that is not authenticated.
        Cause::Violation(_)
        | Cause::SequenceExhausted
        | Cause::Replaced
        | Cause::Dropped(_)
        | Cause::TooSlow => HandshakeOutcome::ProtocolError,
    }
}

/// The text format of Prometheus.
struct PrometheusText(String);

impl PrometheusText {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP saltyrtc_server_{name} {help}");
        let _ = writeln!(self.0, "# TYPE saltyrtc_server_{name} {kind}");
    }

    /// The values of labels are our own, and need no escaping.
    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        let _ = write!(self.0, "saltyrtc_server_{name}");
        for (at, (label, text)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"{text}\"", if at == 0 { '{' } else { ',' });
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, counter: &Counter) {
        self.family(name, kind, help);
        self.line(name, &[], &counter.get().to_string());
    }

    fn many(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        values: impl Iterator<Item = &'static str>,
        counters: &[Counter],
    ) {
        self.family(name, kind, help);
        for (value, counter) in values.zip(counters) {
            self.line(name, &[(label, value)], &counter.get().to_string());
        }
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.family(name, "histogram", help);
        let bounds = BUCKETS.iter().map(|(_, seconds)| *seconds).chain(["+Inf"]);
        let bucket = format!("{name}_bucket");
        let mut count = 0;
        for (bound, counter) in bounds.zip(&histogram.buckets) {
            count += counter.get();
            self.line(&bucket, &[("le", bound)], &count.to_string());
        }
        let sum = Duration::from_nanos(histogram.nanoseconds.get());
        self.line(&format!("{name}_sum"), &[], &sum.as_secs_f64().to_string());
        self.line(&format!("{name}_count"), &[], &count.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(metrics: &Metrics, series: &str) -> String {
        let text = metrics.prometheus();
        let start = format!("saltyrtc_server_{series} ");
        text.lines().find_map(|line| line.strip_prefix(&start)).expect(series).to_owned()
    }

    /// Values of a label are indices of counters: the compiler sees that there is one for each, and this that
    /// they are in the order in which they are printed.
    #[test]
    fn every_value_of_a_label_has_its_counter() {
        for (at, limit) in ReachedLimit::ALL.iter().enumerate() {
            let metrics = Metrics::default();
            assert_eq!(*limit as usize, at);
            metrics.limit(*limit);
            assert_eq!(
                value(&metrics, &format!("limit_hits_total{{limit=\"{}\"}}", limit.text())),
                "1"
            );
        }
        let metrics = Metrics::default();
        for role in [Role::Initiator, Role::Responder] {
            metrics.event(&Event::Authenticated { role });
            assert_eq!(value(&metrics, &format!("clients{{role=\"{role}\"}}")), "1");
        }
        for code in CloseCode::ALL {
            if let Some(closed) = ClosedWith::code(code.code()) {
                assert_eq!(closed.text(), code.code().to_string());
            }
        }
    }

    #[test]
    fn a_histogram_counts_each_value_in_all_buckets_from_its_own_on() {
        let metrics = Metrics::default();
        for micros in [25, 26, 1_000_000, 31_000_000] {
            metrics.handed_over(Duration::from_micros(micros), 1);
        }
        for (bound, count) in [("0.000025", "1"), ("0.00005", "2"), ("0.25", "2"), ("1", "3")] {
            assert_eq!(value(&metrics, &format!("relay_seconds_bucket{{le=\"{bound}\"}}")), count);
        }
        assert_eq!(value(&metrics, "relay_seconds_bucket{le=\"+Inf\"}"), "4");
        assert_eq!(value(&metrics, "relay_seconds_count"), "4");
        assert_eq!(value(&metrics, "relay_seconds_sum"), "32.000051");
        metrics.handed_over(Duration::from_millis(10), 3);
        assert_eq!(value(&metrics, "relay_seconds_bucket{le=\"0.005\"}"), "2");
        assert_eq!(value(&metrics, "relay_seconds_bucket{le=\"0.01\"}"), "5");
        assert_eq!(value(&metrics, "relay_seconds_sum"), "32.030051");
    }

    /// Every series belongs to the family that was announced last, and is there once.
    #[test]
    fn the_text_is_well_formed() {
        let text = Metrics::default().prometheus();
        let (mut family, mut kind, mut seen) = (String::new(), String::new(), Vec::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                rest.split_once(' ').expect("a text").0.clone_into(&mut family);
                assert!(!seen.contains(&family), "{family} twice");
                seen.push(family.clone());
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, named) = rest.split_once(' ').expect("a kind");
                assert_eq!(name, family);
                named.clone_into(&mut kind);
                assert_eq!(kind == "counter", family.ends_with("_total"), "{family}");
            } else {
                let (series, number) = line.split_once(' ').expect("a value");
                assert!(number.parse::<f64>().is_ok(), "{line}");
                let name = series.split('{').next().unwrap();
                let suffixes: &[&str] =
                    if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                assert!(suffixes.iter().any(|end| name == format!("{family}{end}")), "{line}");
                assert!(!seen.contains(&series.to_owned()) || series == family, "{series} twice");
                seen.push(series.to_owned());
            }
        }
        assert!(text.ends_with('\n') && seen.len() > 60, "{}", seen.len());
    }
}
