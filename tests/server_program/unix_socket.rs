//! A Unix socket for a proxy on the same host: HAProxy, the service manager's, and what is in the way.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};

use saltyrtc::client::Roots;
use saltyrtc::protocol::ServerUrl;
use socket2::{Domain, Socket, Type};

use crate::clients::{Pair, keys};
use crate::service::activated;
use crate::support::{Directory, NEVER, Program, SAFETY_OFF, command, fail};

/// A server on a Unix socket.
fn serve(socket: &str, more: &[&str]) -> Program {
    let host = format!("unix:{socket}");
    let mut options = vec!["--log-format=json", "serve", "-h", &host, "--admin", "127.0.0.1:0"];
    options.extend(more);
    Program::spawn(command(&options, &[SAFETY_OFF]))
}

/// HAProxy in front of one or two servers, each with how it says who a client is.
struct HaProxy {
    child: Child,
    fronts: Vec<SocketAddr>,
}

impl HaProxy {
    fn start(directory: &Directory, backends: &[(&str, &str)]) -> Self {
        // They listen already when HAProxy starts: the first client waits there for it.
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let fronts = listeners.each_ref().map(|listener| listener.local_addr().unwrap()).to_vec();
        let mut text = "defaults\n mode http\n timeout connect 60s\n timeout client 60s\n timeout server 60s\n"
            .to_owned();
        for (index, (server, option)) in backends.iter().enumerate() {
            let descriptor = index + 3;
            text += &format!("listen front{index}\n bind fd@{descriptor}\n");
            text += &match *option {
                "forwardfor" => format!(" option forwardfor\n server one unix@{server}\n"),
                option => format!(" server one unix@{server} {option}\n"),
            };
        }
        let file = directory.write("haproxy.cfg", text);
        let [one, two] = listeners.map(OwnedFd::from);
        let child = Command::new("sh")
            .env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()))
            .args(["-c", "exec haproxy -db -f \"$0\" 3<&0 4<&1 </dev/null >/dev/null", &file])
            .stdin(Stdio::from(one))
            .stdout(Stdio::from(two))
            .spawn()
            .expect("haproxy runs (if it is not installed: make test-tools does it)");
        Self { child, fronts }
    }

    fn url(&self, front: usize) -> ServerUrl {
        ServerUrl::parse(&format!("ws://{}", self.fronts[front])).unwrap()
    }

    /// The status that a request for a WebSocket gets that comes from this address; and its connection.
    fn ask(&self, front: usize, from: &str) -> (String, Socket) {
        let mut socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_read_timeout(Some(NEVER)).unwrap();
        socket.bind(&format!("{from}:0").parse::<SocketAddr>().unwrap().into()).unwrap();
        socket.connect(&self.fronts[front].into()).unwrap();
        write!(
            socket,
            "GET /{} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: v1.saltyrtc.org\r\n\r\n",
            keys().public().to_hex()
        )
        .unwrap();
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).unwrap();
        (String::from_utf8(answer[9..].to_vec()).unwrap(), socket)
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Real clients, a real proxy, and both ways in which it can say who they are.
#[tokio::test]
async fn clients_meet_behind_a_proxy_over_a_unix_socket() {
    let directory = Directory::new();
    let (one, two) = (directory.name("one"), directory.name("two"));
    let few = "--max-connections-per-address=3";
    let mut servers = [serve(&one, &["--proxy-header=proxy-protocol", few]), serve(&two, &[few])];
    let haproxy = HaProxy::start(&directory, &[(&*one, "send-proxy-v2"), (&*two, "forwardfor")]);
    // HAProxy answers itself if the server ends the connection without a word.
    for (front, refused) in [(0, "502"), (1, "429")] {
        let pair = Pair::connect(&haproxy.url(front), &Roots::System, None).await.unwrap();
        pair.relay().await;
        // Limits count the clients, and not the proxy.
        let third = haproxy.ask(front, "127.0.0.1");
        assert_eq!(third.0, "101");
        assert_eq!(haproxy.ask(front, "127.0.0.1").0, refused);
        assert_eq!(haproxy.ask(front, "127.0.0.2").0, "101");
        let metric = "saltyrtc_server_limit_hits_total{limit=\"connections_per_address\"}";
        assert_eq!(servers[front].metric(metric), 1.0);

        // A reload keeps the socket, and who is connected.
        servers[front].signal("HUP");
        servers[front].wait_for_log("reload done");
        pair.relay().await;
        assert_eq!(haproxy.ask(front, "127.0.0.3").0, "101");
    }
    drop(haproxy);
    for server in servers {
        server.stop();
    }
    for socket in ["one", "two"] {
        assert!(!directory.path(socket).exists());
    }
}

#[test]
fn the_configuration_says_where_and_for_whom() {
    let directory = Directory::new();
    let socket = directory.name("socket");
    let content = format!("host = 'unix:{socket}'\nsocket-mode = '666'\nport = 1\nadmin = 'off'\n");
    let file = directory.write("config.toml", content);
    let program =
        Program::spawn(command(&["--log-format=json", "serve", "--config", &file], &[SAFETY_OFF]));
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
    assert!(
        program.log.iter().any(|line| line.contains("key 'port'") && line.contains("no effect"))
    );
    let log = program.stop();
    assert!(
        log.iter().any(|line| line.contains(&format!("\"addresses\":\"unix:{socket}\""))),
        "{log:?}"
    );
}

#[test]
fn a_server_that_was_killed_is_in_nobodys_way() {
    let directory = Directory::new();
    let socket = directory.name("socket");
    drop(serve(&socket, &[]));
    assert!(directory.path("socket").exists(), "killed");
    serve(&socket, &[]).stop();
    assert!(!directory.path("socket").exists());
}

#[test]
fn nothing_is_taken_from_others() {
    let directory = Directory::new();
    let socket = directory.name("socket");
    let host = format!("--host=unix:{socket}");
    let refused = || fail(&["serve", &host, "--admin=off"], &[SAFETY_OFF]);
    let program = serve(&socket, &[]);
    let (code, text) = refused();
    assert!(code == 1 && text.contains("--host") && text.contains("another path"), "{text}");
    std::os::unix::net::UnixStream::connect(&socket).unwrap();
    program.stop();
    directory.write("socket", "no socket");
    let (code, text) = refused();
    assert!(code == 1 && text.contains("no socket") && text.contains("remove the file"), "{text}");
    assert_eq!(std::fs::read_to_string(&socket).unwrap(), "no socket");
    let (code, text) = fail(&["check-config", "--host=unix:"], &[SAFETY_OFF]);
    assert!(code == 2 && text.contains("the path of a socket"), "{text}");
}

#[tokio::test]
async fn a_unix_socket_of_the_service_manager_is_used() {
    let directory = Directory::new();
    let socket = directory.name("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    // The one of the settings is not made.
    let options = format!("-h unix:{}", directory.name("other"));
    let program = Program::spawn(activated(listener, "LISTEN_FDS=1 LISTEN_PID=$$", &options));
    assert!(!directory.path("other").exists());
    let haproxy = HaProxy::start(&directory, &[(&*socket, "forwardfor")]);
    let pair = Pair::connect(&haproxy.url(0), &Roots::System, None).await.unwrap();
    pair.relay().await;
    drop(pair);
    program.stop();
    assert!(directory.path("socket").exists(), "it is the manager's");
}
