//! Several servers behind HAProxy, with the configuration that is shipped.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};

use saltyrtc::client::{Client, Config, Event, PeerAuth, RoleConfig};
use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::protocol::ServerUrl;
use saltyrtc::task::RelayedData;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clients::keys;
use crate::support::{Directory, NEVER, Program, SAFETY_OFF, command};

const CONFIGURATION: &str = include_str!("../../dist/haproxy/haproxy.cfg");

/// Where HAProxy listens: no other test does there, so that nobody takes a port before it does.
const HAPROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 10);

/// Paths that both clients are on from the beginning.
const EARLY: usize = 400;
/// Paths whose responders come when there is one more server than when the initiators came.
const LATE: usize = 100;

/// How many paths the stick table has room for.
const TABLE: usize = 2 * (EARLY + LATE);
/// Requests for paths that nobody is on.
const RANDOM: usize = 10_000;

/// A socket for each client, and what else this process has.
const DESCRIPTORS: usize = 2 * (EARLY + LATE) + 500;

/// A server on an address of its own; the ports are the same for all.
fn server(number: u8, key: &str, ports: &Ports) -> Program {
    let address = Ipv4Addr::new(127, 0, 0, 10 + number).to_string();
    let (port, admin) = (ports.clients.to_string(), format!("{address}:{}", ports.admin));
    let options = [
        "--log-format=json",
        "serve",
        "-h",
        &address,
        "-p",
        &port,
        "--admin",
        &admin,
        "-k",
        key,
        "--trusted-proxy=127.0.0.0/8",
        "--drain-delay=3s",
    ];
    Program::spawn(command(&options, &[SAFETY_OFF]))
}

struct Ports {
    front: u16,
    clients: u16,
    admin: u16,
    peers: u16,
}

impl Ports {
    fn free() -> Self {
        // All at once, so that they differ.
        let any = |_| TcpListener::bind("0.0.0.0:0").unwrap();
        let held: [TcpListener; 4] = std::array::from_fn(any);
        let [front, clients, admin, peers] = held.map(|held| held.local_addr().unwrap().port());
        Self { front, clients, admin, peers }
    }
}

/// HAProxy with the shipped configuration, on the ports and addresses of this test.
struct HaProxy {
    child: Child,
    control: String,
    /// How many lines it has written. It writes one whenever it finds that a server comes or goes.
    lines: watch::Sender<usize>,
}

impl HaProxy {
    fn start(directory: &Directory, ports: &Ports) -> Self {
        let control = directory.name("admin.sock");
        let mut text = CONFIGURATION.to_owned();
        for (shipped, ours) in [
            (
                "bind :443 ssl crt /etc/haproxy/certs/ alpn http/1.1",
                format!("bind {HAPROXY}:{}", ports.front),
            ),
            ("stats socket /run/haproxy/admin.sock", "stats socket fd@3".to_owned()),
            ("127.0.0.1:10000", format!("{HAPROXY}:{}", ports.peers)),
            // As slow as this machine may be.
            ("timeout check 5s", "timeout check 20s".to_owned()),
            ("maxconn 100000", "maxconn 4000".to_owned()),
            // So small that what does not belong into it would push out what does.
            ("size 1m", format!("size {TABLE}")),
            (
                "default-server check port 8766",
                format!("default-server check port {}", ports.admin),
            ),
            ("10.0.0.11:8765", format!("127.0.0.11:{}", ports.clients)),
            ("10.0.0.12:8765", format!("127.0.0.12:{}", ports.clients)),
            ("10.0.0.13:8765", format!("127.0.0.13:{}", ports.clients)),
        ] {
            assert!(text.contains(shipped), "no '{shipped}' in the configuration");
            text = text.replace(shipped, &ours);
        }
        let file = directory.write("haproxy.cfg", text);
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        // It listens already when HAProxy starts: the first command waits there for HAProxy.
        let listener = OwnedFd::from(UnixListener::bind(&control).unwrap());
        let mut child = Command::new("sh")
            .env("PATH", path)
            .args(["-c", "exec haproxy -db -f \"$0\" 3<&0 </dev/null", &file])
            .stdin(listener)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = watch::Sender::new(0);
        let (output, count) = (child.stderr.take().unwrap(), lines.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                eprintln!("{line}");
                count.send_modify(|count| *count += 1);
            }
        });
        Self { child, control, lines }
    }

    /// The answer to a command.
    fn control(&self, command: &str) -> String {
        let mut socket = UnixStream::connect(&self.control)
            .expect("haproxy runs (if it is not installed: make test-tools does it)");
        writeln!(socket, "{command}").unwrap();
        socket.set_read_timeout(Some(NEVER)).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("haproxy answers");
        answer
    }

    /// How many paths are in the stick table.
    fn table(&self) -> usize {
        let answer = self.control("show table signalling");
        let used = answer.lines().find_map(|line| line.split("used:").nth(1));
        used.unwrap_or_else(|| panic!("{answer}")).trim().parse().unwrap()
    }

    /// The servers that get clients. (`UP 1/2`: one more good check, and it takes two bad ones to be down.)
    fn servers_up(&self) -> Vec<String> {
        self.control("show stat")
            .lines()
            .map(|line| line.split(',').collect::<Vec<_>>())
            .filter(|row| row[0] == "signalling" && row[1] != "BACKEND")
            .filter(|row| row.get(17).is_some_and(|status| status.starts_with("UP")))
            .map(|row| row[1].to_owned())
            .collect()
    }

    /// Waits until the servers that are up are these.
    async fn wait_for_servers(&self, expected: &[&str]) {
        let mut lines = self.lines.subscribe();
        while self.servers_up() != expected {
            let change = tokio::time::timeout(NEVER, lines.changed()).await;
            assert!(change.is_ok(), "{expected:?}: {:?}", self.servers_up());
        }
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What has become of the clients so far.
struct Progress {
    /// Clients that are on their path.
    connected: watch::Sender<usize>,
    /// Clients that have met their peer.
    met: watch::Sender<usize>,
    /// Connections that have ended, in all.
    ended: watch::Sender<usize>,
}

impl Progress {
    /// Waits until a count is at least this.
    async fn wait(counter: &watch::Sender<usize>, expected: usize, what: &str) {
        let mut changes = counter.subscribe();
        let reached = changes.wait_for(|count| *count >= expected);
        let result = tokio::time::timeout(NEVER, reached).await.map(|_| ());
        let count = *counter.borrow();
        assert!(result.is_ok(), "{what}: {count}, and not {expected}");
    }

    /// Waits until so many connections more have ended, and then until all have met (again).
    async fn wait_for_all(&self, before: usize, ended: usize, what: &str) {
        Self::wait(&self.ended, before + ended, what).await;
        Self::wait(&self.met, 2 * (EARLY + LATE), what).await;
    }
}

/// A client that connects again whenever its connection has ended.
///
/// `balancer` changes when the balancer has found that a server comes or goes.
async fn stay_connected(
    config: impl Fn() -> Config,
    progress: &'static Progress,
    mut balancer: watch::Receiver<usize>,
) {
    loop {
        balancer.mark_unchanged();
        let client = Client::connect(config()).unwrap();
        let (mut connected, mut met) = (false, false);
        while let Some(event) = client.next_event().await {
            match event {
                Event::ServerHandshakeDone { .. } => connected = up(&progress.connected, connected),
                Event::PeerHandshakeDone { .. } => met = up(&progress.met, met),
                Event::PeerLeft { .. } => met = down(&progress.met, met),
                _ => {}
            }
        }
        down(&progress.met, met);
        down(&progress.connected, connected);
        up(&progress.ended, false);
        // A server that is gone, which the balancer has not noticed: it is of no use to ask again before
        // it has. (Where clients do not see that, they wait for a while.)
        if !connected && balancer.changed().await.is_err() {
            return;
        }
    }
}

fn up(counter: &watch::Sender<usize>, counted: bool) -> bool {
    counter.send_modify(|count| *count += usize::from(!counted));
    true
}

fn down(counter: &watch::Sender<usize>, counted: bool) -> bool {
    counter.send_modify(|count| *count -= usize::from(counted));
    false
}

fn config(url: &ServerUrl, role: RoleConfig, key: &KeyPair) -> Config {
    let mut config = Config::new(url.clone(), role, key.clone()).with_task(RelayedData);
    config.connect_timeout = NEVER;
    config
}

/// Asks for paths that nobody is on: some are none, some are never joined because it is no WebSocket that is
/// asked for.
fn ask_for_random_paths(front: SocketAddr) {
    let mut random = OsRandom;
    let mut connection: Option<BufReader<TcpStream>> = None;
    for index in 0..RANDOM {
        let path = *KeyPair::generate(&mut random).public();
        let path =
            if index % 2 == 0 { path.to_hex() } else { format!("{}/{index}", path.to_hex()) };
        let reader = connection.get_or_insert_with(|| {
            let connection = TcpStream::connect(front).unwrap();
            connection.set_read_timeout(Some(NEVER)).unwrap();
            BufReader::new(connection)
        });
        // In one piece: the rest would wait for an acknowledgement.
        let request = format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        reader.get_mut().write_all(request.as_bytes()).unwrap();
        if !read_answer(reader) {
            connection = None;
        }
    }
}

/// Reads an answer that is no WebSocket. Says whether there can be one more on this connection.
fn read_answer(reader: &mut BufReader<TcpStream>) -> bool {
    let (mut line, mut length, mut open) = (String::new(), 0, true);
    let mut first = true;
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let text = line.trim_end().to_ascii_lowercase();
        if std::mem::take(&mut first) {
            assert!(text.starts_with("http/1.1 4"), "{text}");
        }
        match text.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("connection", value)) => open = value != "close",
            _ if text.is_empty() => break,
            _ => {}
        }
    }
    std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).unwrap();
    open
}

/// How many files and sockets the programs of a shell may have open.
fn descriptors() -> usize {
    let output = Command::new("sh").args(["-c", "ulimit -n"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // It may also be 'unlimited'.
    text.trim().parse().unwrap_or(usize::MAX)
}

/// The number of paths that the servers have together: one more for each path that is on two of them.
fn paths(servers: &[&Program]) -> usize {
    servers.iter().map(|server| server.metric("saltyrtc_server_paths") as usize).sum()
}

/// Two clients of a path always meet. The figures that matter are both 0: paths that are on two servers
/// (which would be counted twice), and clients that do not meet their peer again.
///
/// They meet at the beginning, when a server is added, stopped, or killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_one_path_always_meet() {
    let found = descriptors();
    assert!(
        found >= DESCRIPTORS,
        "this test opens up to {DESCRIPTORS} files and sockets and may open {found}: \
         'ulimit -n {DESCRIPTORS}' allows it, and 'make test-rust' does that"
    );
    let directory = Directory::new();
    directory.permanent_key("permanent.key");
    let key = directory.name("permanent.key");
    let ports = Ports::free();
    let mut one = server(1, &key, &ports);
    let (two, three) = (server(2, &key, &ports), server(3, &key, &ports));
    let haproxy = HaProxy::start(&directory, &ports);
    haproxy.wait_for_servers(&["server1", "server2", "server3"]).await;

    let front = SocketAddr::from((HAPROXY, ports.front));
    let url = ServerUrl::parse(&format!("ws://{front}")).unwrap();
    let progress: &'static Progress = Box::leak(Box::new(Progress {
        connected: watch::Sender::new(0),
        met: watch::Sender::new(0),
        ended: watch::Sender::new(0),
    }));
    let balancer = || haproxy.lines.subscribe();
    let mut clients = JoinSet::new();
    let mut responders = Vec::new();
    for _ in 0..EARLY + LATE {
        let (initiator, responder) = (keys(), keys());
        let (path, peer) = (*initiator.public(), *responder.public());
        let address = url.clone();
        let role = move || RoleConfig::Initiator { responder: PeerAuth::Trusted(peer) };
        let config_of = move || config(&address, role(), &initiator);
        clients.spawn(stay_connected(config_of, progress, balancer()));
        let address = url.clone();
        let role = move || RoleConfig::Responder { initiator: path, token: None };
        let config_of = move || config(&address, role(), &responder);
        responders.push(stay_connected(config_of, progress, balancer()));
    }
    let late = responders.split_off(EARLY);
    for responder in responders {
        clients.spawn(responder);
    }
    Progress::wait(&progress.met, 2 * EARLY, "at the beginning").await;
    Progress::wait(&progress.connected, 2 * EARLY + LATE, "at the beginning").await;
    assert_eq!(paths(&[&one, &two, &three]), EARLY + LATE);
    for server in [&one, &two, &three] {
        assert!(paths(&[server]) > 50, "the paths are not spread");
    }

    // Who asks for any path at all does not push out those that clients are on.
    tokio::task::spawn_blocking(move || ask_for_random_paths(front)).await.unwrap();
    assert_eq!(haproxy.table(), EARLY + LATE, "paths in the stick table");

    // A server more: those who come now find those who were there before, whatever the hash says.
    let four = server(4, &key, &ports);
    let check = format!("check port {} inter 500ms fall 2 rise 2", ports.admin);
    for command in [
        format!("add server signalling/server4 127.0.0.14:{} {check}", ports.clients),
        "enable health signalling/server4".to_owned(),
        "enable server signalling/server4".to_owned(),
    ] {
        let answer = haproxy.control(&command);
        assert!(answer.trim().is_empty() || answer.contains("New server registered"), "{answer}");
    }
    haproxy.wait_for_servers(&["server1", "server2", "server3", "server4"]).await;
    for responder in late {
        clients.spawn(responder);
    }
    progress.wait_for_all(0, 0, "a server was added").await;
    assert_eq!(paths(&[&one, &two, &three, &four]), EARLY + LATE);
    assert_eq!(*progress.ended.borrow(), 0, "nobody was disturbed");

    // A server is stopped.
    let leaving = 2 * paths(&[&one]);
    one.signal("TERM");
    assert_eq!(one.wait().0.code(), Some(0));
    progress.wait_for_all(0, leaving, "a server was stopped").await;
    assert_eq!(paths(&[&two, &three, &four]), EARLY + LATE);
    assert!(paths(&[&four]) > 0, "the new server is used");

    // A server is killed.
    let (before, leaving) = (*progress.ended.borrow(), 2 * paths(&[&two]));
    drop(two);
    progress.wait_for_all(before, leaving, "a server was killed").await;
    assert_eq!(paths(&[&three, &four]), EARLY + LATE);
    clients.shutdown().await;
}
