//! The listener for health checks and metrics: a few answers to GET, and nothing else of HTTP.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use saltyrtc::server::Probe;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::rarely::Rarely;

/// Connections at once. One more takes the place of the oldest one that has not said what it wants.
const MAX_CONNECTIONS: usize = 64;
/// How long each has its place to say so, whoever comes after it. Long enough for a probe on a busy machine, and short
/// enough for a probe that waits behind hundreds who say nothing.
const MOMENT: Duration = Duration::from_millis(50);
/// The longest request, with all headers.
const MAX_REQUEST: usize = 8 << 10;
/// The longest time for a request and its answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time that a server takes to respond which works. Less than probes wait.
const PROBE_LIMIT: Duration = Duration::from_secs(3);
/// How long to wait when the operating system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the listener tells about the server.
pub(crate) struct Health {
    /// New clients are welcome.
    pub(crate) ready: AtomicBool,
    pub(crate) reloads: AtomicU64,
    pub(crate) failed_reloads: AtomicU64,
    /// The metrics of the server itself, in the text format of Prometheus.
    server_metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// `None` in tests of this file.
    probe: Option<Probe>,
}

impl Health {
    pub(crate) fn new(
        server_metrics: Box<dyn Fn() -> String + Send + Sync>,
        probe: Option<Probe>,
    ) -> Arc<Self> {
        Arc::new(Self {
            ready: AtomicBool::new(false),
            reloads: AtomicU64::new(0),
            failed_reloads: AtomicU64::new(0),
            server_metrics,
            probe,
        })
    }

    /// Whether the server responds, asked where it serves its clients.
    pub(crate) async fn responds(&self, within: Duration) -> bool {
        match &self.probe {
            Some(probe) => timeout(within, probe.responds()).await.is_ok(),
            None => true,
        }
    }

    fn metrics(&self) -> String {
        let ready = u8::from(self.ready.load(Relaxed));
        let (done, failed) = (self.reloads.load(Relaxed), self.failed_reloads.load(Relaxed));
        let own = format!(
            "# HELP saltyrtc_server_ready Whether new clients are welcome, as in /readyz.\n\
             # TYPE saltyrtc_server_ready gauge\n\
             saltyrtc_server_ready {ready}\n\
             # HELP saltyrtc_server_reloads_total Reloads of the configuration (SIGHUP).\n\
             # TYPE saltyrtc_server_reloads_total counter\n\
             saltyrtc_server_reloads_total{{outcome=\"done\"}} {done}\n\
             saltyrtc_server_reloads_total{{outcome=\"refused\"}} {failed}\n"
        );
        (self.server_metrics)() + &own
    }
}

/// Opens the listener.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::from_std(crate::sockets::listen(address)?)
}

/// A connection, from the place of its own that it has.
struct Place {
    task: AbortHandle,
    since: Instant,
    /// Its request is there, and is being answered. That does not take long.
    asked: Arc<AtomicBool>,
}

/// Waits until there is room for one more. Those who say nothing keep nobody out.
async fn make_room(places: &mut VecDeque<Place>, answering: &mut JoinSet<()>) {
    loop {
        places.retain(|place| !place.task.is_finished());
        if places.len() < MAX_CONNECTIONS {
            return;
        }
        let silent = places.iter().position(|place| !place.asked.load(Relaxed));
        let until = silent.map(|n| (n, places[n].since + MOMENT));
        let moment_is_over = async {
            match until {
                Some((n, until)) => {
                    sleep(until.saturating_duration_since(Instant::now())).await;
                    n
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(_) = answering.join_next() => {}
            n = moment_is_over => {
                if let Some(place) = places.remove(n) {
                    place.task.abort();
                }
            }
        }
    }
}

/// Answers until the program ends. Who takes longer than `limit` is hung up on.
pub(crate) async fn serve(listener: TcpListener, health: Arc<Health>, limit: Duration) {
    let mut answering = JoinSet::new();
    let mut places = VecDeque::new();
    let mut failures = Rarely::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = answering.join_next() => continue,
        };
        match accepted {
            Ok((connection, _)) => {
                make_room(&mut places, &mut answering).await;
                let (health, asked) = (health.clone(), Arc::new(AtomicBool::new(false)));
                let for_task = asked.clone();
                let task = answering.spawn(async move {
                    // Who is too slow, or has gone, gets no answer.
                    let _ = timeout(limit, answer(connection, &health, &for_task)).await;
                });
                places.push_back(Place { task, since: Instant::now(), asked });
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if failures.happens(Instant::now()) {
                    tracing::warn!(%error, "the admin listener cannot accept connections; trying again");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    health: &Health,
    asked: &AtomicBool,
) -> io::Result<()> {
    let request = read_request(&mut connection).await?;
    asked.store(true, Relaxed);
    let answer = match request {
        Some(request) => respond(&request, health).await,
        None => {
            HttpAnswer::new(431, "Request Header Fields Too Large", "the request is too large\n")
        }
    };
    connection.write_all(&answer.bytes()).await?;
    connection.shutdown().await
}

/// Reads until the empty line after the headers. `None` if it does not come in time.
async fn read_request(connection: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        if request.len() > MAX_REQUEST {
            return Ok(None);
        }
        match connection.read(&mut buffer).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => request.extend_from_slice(&buffer[..n]),
        }
    }
    Ok(Some(request))
}

struct HttpAnswer {
    status: u16,
    reason: &'static str,
    content_type: &'static str,
    body: String,
    with_body: bool,
}

impl HttpAnswer {
    fn new(status: u16, reason: &'static str, body: impl Into<String>) -> Self {
        let content_type = "text/plain; charset=utf-8";
        Self { status, reason, content_type, body: body.into(), with_body: true }
    }

    fn bytes(&self) -> Vec<u8> {
        let Self { status, reason, content_type, body, with_body } = self;
        let allow = if *status == 405 { "Allow: GET, HEAD\r\n" } else { "" };
        let mut bytes = format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
             {allow}Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
            body.len()
        )
        .into_bytes();
        if *with_body {
            bytes.extend_from_slice(body.as_bytes());
        }
        bytes
    }
}

async fn respond(request: &[u8], health: &Health) -> HttpAnswer {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let parts: Vec<&str> = std::str::from_utf8(line).unwrap_or_default().split(' ').collect();
    let (method, path) = match parts[..] {
        [method, target, "HTTP/1.0" | "HTTP/1.1"] if target.starts_with('/') => {
            (method, target.split('?').next().unwrap_or(target))
        }
        _ => return HttpAnswer::new(400, "Bad Request", "this is not a request of HTTP/1.1\n"),
    };
    if method != "GET" && method != "HEAD" {
        return HttpAnswer::new(405, "Method Not Allowed", "only GET and HEAD are answered here\n");
    }
    let mut answer = match path {
        "/healthz" | "/readyz" if !health.responds(PROBE_LIMIT).await => HttpAnswer::new(
            503,
            "Service Unavailable",
            "the server does not respond: it hangs, and has to be started again\n",
        ),
        "/healthz" => HttpAnswer::new(200, "OK", "alive\n"),
        "/readyz" if health.ready.load(Relaxed) => HttpAnswer::new(200, "OK", "ready\n"),
        "/readyz" => {
            HttpAnswer::new(503, "Service Unavailable", "not ready: the server is stopping\n")
        }
        "/metrics" => HttpAnswer {
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            ..HttpAnswer::new(200, "OK", health.metrics())
        },
        _ => HttpAnswer::new(404, "Not Found", "there are /healthz, /readyz and /metrics\n"),
    };
    answer.with_body = method == "GET";
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Arc<Health> {
        Health::new(Box::new(|| "some_metric 1\n".to_owned()), None)
    }

    async fn ask(request: &[u8], health: &Health) -> String {
        let (mut client, server) = tokio::io::duplex(64 << 10);
        client.write_all(request).await.unwrap();
        client.shutdown().await.unwrap();
        let mut text = String::new();
        let asked = AtomicBool::new(false);
        let (answered, read) =
            tokio::join!(answer(server, health, &asked), client.read_to_string(&mut text));
        read.unwrap();
        match answered {
            Ok(()) => text,
            Err(error) => format!("{:?}", error.kind()),
        }
    }

    #[tokio::test]
    async fn answers() {
        let health = health();
        for (request, status, body) in [
            ("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "alive\n"),
            ("GET /healthz?probe=1 HTTP/1.0\r\n\r\n", "200 OK", "alive\n"),
            ("HEAD /healthz HTTP/1.1\r\n\r\n", "200 OK", ""),
            (
                "GET /readyz HTTP/1.1\r\n\r\n",
                "503 Service Unavailable",
                "not ready: the server is stopping\n",
            ),
            (
                "GET / HTTP/1.1\r\n\r\n",
                "404 Not Found",
                "there are /healthz, /readyz and /metrics\n",
            ),
            (
                "POST /healthz HTTP/1.1\r\n\r\n",
                "405 Method Not Allowed",
                "only GET and HEAD are answered here\n",
            ),
            ("GET /healthz\r\n\r\n", "400 Bad Request", "this is not a request of HTTP/1.1\n"),
            (
                "GET healthz HTTP/1.1\r\n\r\n",
                "400 Bad Request",
                "this is not a request of HTTP/1.1\n",
            ),
            (
                "GET  /healthz HTTP/1.1\r\n\r\n",
                "400 Bad Request",
                "this is not a request of HTTP/1.1\n",
            ),
            (
                "GET /healthz HTTP/2.0\r\n\r\n",
                "400 Bad Request",
                "this is not a request of HTTP/1.1\n",
            ),
            ("\r\n\r\n", "400 Bad Request", "this is not a request of HTTP/1.1\n"),
        ] {
            let answer = ask(request.as_bytes(), &health).await;
            let (head, found) = answer.split_once("\r\n\r\n").unwrap();
            assert_eq!(
                head.lines().next(),
                Some(format!("HTTP/1.1 {status}").as_str()),
                "{request}"
            );
            assert_eq!(found, body, "{request}");
        }
    }

    #[tokio::test]
    async fn readiness_and_metrics_follow_the_server() {
        let health = health();
        health.ready.store(true, Relaxed);
        health.failed_reloads.store(3, Relaxed);
        let answer = ask(b"GET /readyz HTTP/1.1\r\n\r\n", &health).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let answer = ask(b"GET /metrics HTTP/1.1\r\n\r\n", &health).await;
        assert!(answer.contains("Content-Type: text/plain; version=0.0.4"), "{answer}");
        for line in [
            "some_metric 1",
            "saltyrtc_server_ready 1",
            "saltyrtc_server_reloads_total{outcome=\"refused\"} 3",
        ] {
            assert!(answer.lines().any(|found| found == line), "{line}: {answer}");
        }
    }

    #[tokio::test]
    async fn requests_are_bounded_and_complete() {
        let health = health();
        let mut long = b"GET /healthz HTTP/1.1\r\n".to_vec();
        long.resize(MAX_REQUEST + 1024, b'a');
        assert!(ask(&long, &health).await.starts_with("HTTP/1.1 431 "));
        assert_eq!(ask(b"GET /healthz HTTP/1.1\r\n", &health).await, "UnexpectedEof");
    }

    #[tokio::test]
    async fn who_says_nothing_is_hung_up_on() {
        use tokio::net::TcpStream;
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(serve(listener, health(), Duration::from_millis(50)));
        let mut silent = TcpStream::connect(address).await.unwrap();
        assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
        task.abort();
    }
}
