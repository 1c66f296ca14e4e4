//! Reload and stop, with clients on the server.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use saltyrtc::client::{Client, ClosedBy, Config, Event, Roots};
use saltyrtc::crypto::PublicKey;
use saltyrtc::task::RelayedData;
use tokio::task::JoinSet;

use crate::clients::{Pair, closed, keys, text, until};
use crate::support::{Directory, NEVER, Program, get};

/// A server with TLS and a configuration file, whose content can be changed.
struct Server {
    directory: Directory,
    program: Program,
    roots: Roots,
    key: PublicKey,
}

impl Server {
    fn start(more: &str) -> Self {
        let directory = Directory::new();
        let roots = Roots::Only(directory.certificate("tls"));
        let key = PublicKey::from_hex(&directory.permanent_key("permanent.key")).unwrap();
        Self::configure(&directory, more);
        let config = directory.name("config.toml");
        let program = Program::start(&["--config", &config], &[]);
        Self { directory, program, roots, key }
    }

    fn configure(directory: &Directory, more: &str) {
        let [pem, key, permanent] =
            ["tls.pem", "tls.key", "permanent.key"].map(|name| directory.name(name));
        let content =
            format!("tlscert = '{pem}'\ntlskey = '{key}'\nkey = ['{permanent}']\n{more}\n");
        directory.write("config.toml", content);
    }

    async fn pair(&self) -> Pair {
        Pair::connect(&self.program.wss(), &self.roots, Some(self.key)).await.unwrap()
    }
}

const MESSAGES: usize = 1000;
const LAST: &str = "the last one";

/// What a message with a number says. Not all of them fit into the buffers of the sockets.
fn message(number: usize) -> String {
    format!("{number:02000}")
}

/// Sends messages with numbers until told to stop, and says how many there were. Not so many at once
/// that the server could run out of room for them.
async fn send_until(client: Client, stop: Arc<AtomicBool>, received: Arc<AtomicUsize>) -> usize {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let under_way = number - received.load(Ordering::Relaxed);
        if under_way < 1000 && client.send_text(&number.to_string()).is_ok() {
            number += 1;
        }
        tokio::task::yield_now().await;
    }
    while client.send_text(LAST).is_err() {
        tokio::task::yield_now().await;
    }
    number
}

/// Receives them, in order and each of them once, and says how many there were.
async fn receive_until_last(client: Client, received: Arc<AtomicUsize>) -> usize {
    let mut number = 0;
    loop {
        match text(&client).await.unwrap() {
            last if last == LAST => return number,
            other => assert_eq!(other, number.to_string()),
        }
        number += 1;
        received.store(number, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_changes_certificate_and_keys_without_losing_anything() {
    let mut server = Server::start("");
    let pair = server.pair().await;
    let new_roots = Roots::Only(server.directory.certificate("tls"));
    let new_key = PublicKey::from_hex(&server.directory.permanent_key("new.key")).unwrap();
    std::fs::rename(server.directory.path("new.key"), server.directory.path("permanent.key"))
        .unwrap();
    // Messages go in both directions all the time.
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    let mut ways = Vec::new();
    for (from, to) in [(&pair.initiator, &pair.responder), (&pair.responder, &pair.initiator)] {
        let received = Arc::new(AtomicUsize::new(0));
        tasks.spawn(send_until(from.clone(), stop.clone(), received.clone()));
        tasks.spawn(receive_until_last(to.clone(), received.clone()));
        ways.push(received);
    }
    let end = Instant::now() + NEVER;
    while ways.iter().any(|received| received.load(Ordering::Relaxed) == 0) {
        assert!(Instant::now() < end, "no messages arrive");
        tokio::task::yield_now().await;
    }
    server.program.signal("HUP");
    server.program.wait_for_log("reload done");
    stop.store(true, Ordering::Relaxed);
    let mut counts = tasks.join_all().await;
    counts.sort_unstable();
    assert!(counts[0] > 0 && counts[0] == counts[1] && counts[2] == counts[3], "{counts:?}");
    // New connections see the new certificate and the new key, and only those.
    let url = server.program.wss();
    Pair::connect(&url, &new_roots, Some(new_key)).await.unwrap().relay().await;
    assert!(
        Pair::connect(&url, &server.roots, None).await.is_err(),
        "the old certificate is in use"
    );
    assert!(
        Pair::connect(&url, &new_roots, Some(server.key)).await.is_err(),
        "the old key is in use"
    );
    // The old connections go on.
    pair.relay().await;
    assert_eq!(server.program.metric("saltyrtc_server_reloads_total{outcome=\"done\"}"), 1.0);
}

#[tokio::test]
async fn a_reload_that_cannot_work_changes_nothing() {
    let mut server = Server::start("max-connections-per-path = 10");
    let pair = server.pair().await;
    let good = std::fs::read(server.directory.path("tls.key")).unwrap();
    server.directory.certificate("other");
    let other = std::fs::read(server.directory.path("other.key")).unwrap();
    let mistakes: [(&str, &[u8], &str); 4] = [
        ("tls.key", &other, "issued for"),
        ("tls.key", b"", "no private key found"),
        ("permanent.key", b"meow", "permanent key number 1"),
        ("config.toml", b"meow = 1", "unknown key 'meow'"),
    ];
    for (number, (file, content, expected)) in mistakes.into_iter().enumerate() {
        let before = std::fs::read(server.directory.path(file)).unwrap();
        server.directory.write(file, content);
        server.program.signal("HUP");
        let line = server.program.wait_for_log("nothing was reloaded");
        assert!(line.contains(expected) && line.contains("ERROR"), "{line}");
        let refused = server.program.metric("saltyrtc_server_reloads_total{outcome=\"refused\"}");
        assert_eq!(refused as usize, number + 1);
        pair.relay().await;
        server.pair().await.relay().await;
        server.directory.write(file, before);
    }
    assert_eq!(std::fs::read(server.directory.path("tls.key")).unwrap(), good);
    server.program.signal("HUP");
    server.program.wait_for_log("reload done");
    server.pair().await.relay().await;
}

#[tokio::test]
async fn a_reload_changes_limits_and_the_log_level() {
    let mut server = Server::start("");
    let pair = server.pair().await;
    assert!(!server.program.log.iter().any(|line| line.contains("DEBUG")));
    let more = "max-connections-per-path = 1\nverbosity = 6\naccept-no-shared-task-drop = true\n\
                port = 1";
    Server::configure(&server.directory, more);
    server.program.signal("HUP");
    let line = server.program.wait_for_log("after a restart only");
    assert!(line.contains("key 'accept-no-shared-task-drop' in the file"), "{line}");
    server.program.wait_for_log("reload done");
    let restart = |line: &&String| line.contains("after a restart only");
    // The command line overrides the port, so that nothing has changed there.
    assert_eq!(server.program.log.iter().filter(restart).count(), 1);
    // The second one on a path is one too many now.
    let mut config = Config::initiator(server.program.wss(), keys()).with_task(RelayedData);
    config.roots.clone_from(&server.roots);
    let invitation = config.invitation().unwrap();
    let first = Client::connect(config).unwrap();
    let joined = |event: &Event| matches!(event, Event::ServerHandshakeDone { .. }).then_some(());
    until(&first, joined).await.unwrap();
    let mut config = Config::responder(invitation, keys()).with_task(RelayedData);
    config.roots.clone_from(&server.roots);
    let refused = closed(&Client::connect(config).unwrap()).await;
    assert_eq!(refused.code, Some(3000), "{refused:?}");
    server.program.wait_for_log("DEBUG");
    pair.relay().await;
    // The same back again.
    Server::configure(&server.directory, "");
    server.program.signal("HUP");
    server.program.wait_for_log("reload done");
    server.pair().await.relay().await;
    let log = server.program.stop();
    let after = log.iter().rposition(|line| line.contains("reload done")).unwrap();
    assert!(!log[after..].iter().any(|line| line.contains("DEBUG")), "{log:#?}");
}

#[tokio::test]
async fn a_stop_delivers_what_was_taken_and_closes_everybody_with_1001() {
    // As slow as this machine may be.
    let server = Server::start("shutdown-timeout = '1h'\nclose-timeout = '1h'");
    let mut pairs = Vec::new();
    for _ in 0..5 {
        pairs.push(server.pair().await);
    }
    let mut program = server.program;
    let metric = "saltyrtc_server_relayed_messages_total";
    let before = program.metric(metric) as usize;
    for pair in &pairs {
        for number in 0..MESSAGES {
            while pair.initiator.send_text(&message(number)).is_err() {
                tokio::task::yield_now().await;
            }
        }
    }
    // The server has taken all of them. No responder has looked at any.
    let end = Instant::now() + NEVER;
    while program.metric(metric) as usize != before + pairs.len() * MESSAGES {
        assert!(Instant::now() < end, "the server does not take the messages");
    }
    program.signal("TERM");
    for pair in &pairs {
        for number in 0..MESSAGES {
            assert_eq!(text(&pair.responder).await.unwrap(), message(number));
        }
        for client in [&pair.initiator, &pair.responder] {
            let end = closed(client).await;
            assert_eq!((end.by, end.code), (ClosedBy::Server, Some(1001)), "{end:?}");
        }
    }
    let (status, output) = program.wait();
    assert_eq!(status.code(), Some(0));
    assert!(output.ends_with("Stopping\nStopped\n"), "{output}");
}

#[tokio::test]
async fn while_it_stops_a_server_is_alive_but_not_ready() {
    let mut program = Program::start_unsafe(&["--drain-delay", "1h"]);
    let pair = Pair::plain(&program).await;
    program.signal("TERM");
    program.wait_for_log("\"stopping\"");
    assert_eq!(program.get("/healthz").0, 200);
    assert_eq!(program.get("/readyz"), (503, "not ready: the server is stopping\n".to_owned()));
    assert_eq!(program.metric("saltyrtc_server_ready"), 0.0);
    // Until load balancers have noticed, everything goes on, also for those who still come.
    pair.relay().await;
    Pair::plain(&program).await.relay().await;
    // A reload is not what is waited for now.
    program.signal("HUP");
    assert_eq!(program.get("/readyz").0, 503);
    program.signal("TERM");
    assert_eq!(program.wait().0.code(), Some(0));
    assert!(program.log.iter().any(|line| line.contains("second signal")), "{:#?}", program.log);
}

/// A client that does not answer, so that the stop is not over.
#[tokio::test]
async fn a_stopping_server_accepts_nobody_and_ends_in_time() {
    let mut program =
        Program::start_unsafe(&["--close-timeout", "1h", "--shutdown-timeout", "15s"]);
    let mut silent = crate::clients::Silent::connect(&program);
    program.signal("TERM");
    silent.wait_for_close_frame(1001);
    assert_eq!(program.get("/readyz").0, 503);
    assert!(TcpStream::connect(program.address).is_err(), "it still listens");
    let admin = program.admin.unwrap();
    assert_eq!(get(admin, "/healthz").0, 200);
    assert_eq!(program.wait().0.code(), Some(0));
    silent.wait_for_end();
}
