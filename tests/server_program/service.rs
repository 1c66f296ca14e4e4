//! What the program and a service manager have to say to each other. (Abstract names: Linux only.)

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Command, Stdio};

use crate::clients::Pair;
use crate::support::{Directory, NEVER, Program, SAFETY_OFF, clean, command, program};

/// The service manager's end.
struct Manager(UnixDatagram);

impl Manager {
    fn new(socket: UnixDatagram) -> Self {
        socket.set_read_timeout(Some(NEVER)).unwrap();
        Self(socket)
    }

    fn next(&self) -> Vec<String> {
        let mut buffer = [0; 4096];
        let length = self.0.recv(&mut buffer).expect("the program says something");
        String::from_utf8(buffer[..length].to_vec()).unwrap().lines().map(str::to_owned).collect()
    }

    /// The next message that is not a sign of life.
    fn next_state(&self) -> Vec<String> {
        loop {
            let message = self.next();
            if message != ["WATCHDOG=1"] {
                return message;
            }
        }
    }
}

fn serve(variables: &[(&str, &str)]) -> Program {
    let options =
        ["--log-format=json", "serve", "-h", "127.0.0.1", "-p", "0", "--admin", "127.0.0.1:0"];
    let mut all = vec![SAFETY_OFF];
    all.extend(variables);
    Program::spawn(command(&options, &all))
}

fn monotonic_microseconds() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}

#[test]
fn a_service_manager_hears_of_start_reload_and_stop() {
    let directory = Directory::new();
    let path = directory.name("notify");
    let on_disk = UnixDatagram::bind(&path).unwrap();
    let name = format!("saltyrtc-server-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let hidden = UnixDatagram::bind_addr(&address).unwrap();
    for (socket, name) in [(on_disk, path), (hidden, format!("@{name}"))] {
        let manager = Manager::new(socket);
        let mut program = serve(&[("NOTIFY_SOCKET", &name)]);
        assert_eq!(manager.next(), ["READY=1", "STATUS=Ready"]);
        let before = monotonic_microseconds();
        program.signal("HUP");
        let message = manager.next();
        assert_eq!(message[0], "RELOADING=1");
        let time: u64 = message[1].strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
        assert!(before <= time && time <= monotonic_microseconds(), "{before} {time}");
        assert_eq!(manager.next(), ["READY=1", "STATUS=Ready"]);
        program.signal("TERM");
        assert_eq!(manager.next()[0], "STOPPING=1");
        assert_eq!(program.wait().0.code(), Some(0));
    }
}

#[test]
fn a_watchdog_is_fed_until_the_end() {
    let directory = Directory::new();
    let path = directory.name("notify");
    let manager = Manager::new(UnixDatagram::bind(&path).unwrap());
    let mut program = serve(&[("NOTIFY_SOCKET", &path), ("WATCHDOG_USEC", "100000")]);
    assert_eq!(manager.next_state()[0], "READY=1");
    for _ in 0..3 {
        assert_eq!(manager.next(), ["WATCHDOG=1"]);
    }
    program.signal("TERM");
    assert_eq!(manager.next_state()[0], "STOPPING=1");
    assert_eq!(program.wait().0.code(), Some(0));
}

/// Holds all threads that serve clients of a process, until it is told to let them go. The other ones, which answer
/// health checks, go on.
const FREEZE: &str = r#"
import ctypes, os, sys
pid = int(sys.argv[1])
ptrace = ctypes.CDLL(None, use_errno=True).ptrace
ptrace.argtypes = [ctypes.c_long] * 4
threads = [int(t) for t in os.listdir(f"/proc/{pid}/task")
           if open(f"/proc/{pid}/task/{t}/comm").read().strip() == "saltyrtc"]
assert threads, "no thread of the server"
for thread in threads:
    for request in (0x4206, 0x4207):  # PTRACE_SEIZE, PTRACE_INTERRUPT
        assert ptrace(request, thread, 0, 0) == 0, os.strerror(ctypes.get_errno())
for thread in threads:
    os.waitpid(thread, 0x40000000)  # __WALL
print("frozen", flush=True)
sys.stdin.read()
"#;

/// A server whose threads hang is dead, although the program can still say otherwise.
#[test]
fn a_server_that_hangs_is_noticed() {
    let directory = Directory::new();
    let path = directory.name("notify");
    let manager = Manager::new(UnixDatagram::bind(&path).unwrap());
    let program = serve(&[("NOTIFY_SOCKET", &path), ("WATCHDOG_USEC", "100000")]);
    assert_eq!(manager.next_state()[0], "READY=1");
    assert_eq!(program.get("/healthz").0, 200);
    let mut freezer = Command::new("python3")
        .args(["-c", FREEZE, &program.id().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut frozen = String::new();
    BufReader::new(freezer.stdout.take().unwrap()).read_line(&mut frozen).unwrap();
    assert_eq!(frozen, "frozen\n", "the threads can be held");
    // What was said before.
    manager.0.set_nonblocking(true).unwrap();
    while manager.0.recv(&mut [0; 4096]).is_ok() {}
    // Takes as long as dozens of signs of life.
    let (status, text) = program.get("/healthz");
    assert_eq!((status, text.contains("does not respond")), (503, true), "{text}");
    assert_eq!(program.get("/readyz").0, 503);
    assert_eq!(program.get("/metrics").0, 200);
    let mut late = 0;
    while manager.0.recv(&mut [0; 4096]).is_ok() {
        late += 1;
    }
    assert!(late <= 1, "one was on its way, not {late}");
    drop(freezer.stdin.take());
    freezer.wait().unwrap();
    manager.0.set_nonblocking(false).unwrap();
    assert_eq!(manager.next(), ["WATCHDOG=1"]);
    assert_eq!(program.get("/healthz").0, 200);
}

/// A variable that another process was meant to see.
#[test]
fn a_watchdog_of_somebody_else_is_not_fed() {
    let directory = Directory::new();
    let path = directory.name("notify");
    let manager = Manager::new(UnixDatagram::bind(&path).unwrap());
    let variables = [("NOTIFY_SOCKET", &*path), ("WATCHDOG_USEC", "1000"), ("WATCHDOG_PID", "1")];
    let mut program = serve(&variables);
    program.signal("TERM");
    assert_eq!(program.wait().0.code(), Some(0));
    let kinds = [manager.next()[0].clone(), manager.next()[0].clone()];
    assert_eq!(kinds, ["READY=1", "STOPPING=1"]);
}

#[test]
fn a_service_manager_that_is_not_there_is_no_reason_to_stop() {
    for name in ["/nowhere/notify", "notify", "vsock:1:2"] {
        let program = serve(&[("NOTIFY_SOCKET", name)]);
        assert!(program.log.iter().any(|line| line.contains("NOTIFY_SOCKET")), "{name}");
        program.stop();
    }
}

/// Hands a socket over as systemd does: as descriptor 3 of the process that LISTEN_PID names.
pub(crate) fn activated(listener: impl Into<OwnedFd>, variables: &str, options: &str) -> Command {
    let script = format!(
        "exec 3<&0 </dev/null; {variables} exec \"$0\" --log-format=json serve --admin=off {options}"
    );
    let mut command = Command::new("sh");
    clean(&mut command).arg("-c").arg(script).arg(program()).env(SAFETY_OFF.0, SAFETY_OFF.1);
    command.stdin(listener.into());
    command
}

#[tokio::test]
async fn a_socket_of_the_service_manager_is_used() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // The port of the settings is not opened: it is taken.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = format!("-h 127.0.0.1 -p {}", taken.local_addr().unwrap().port());
    let program = Program::spawn(activated(listener, "LISTEN_FDS=1 LISTEN_PID=$$", &options));
    assert_eq!(program.address, address);
    let pair = Pair::plain(&program).await;
    pair.relay().await;
    drop(pair);
    program.stop();
}

/// The variables were for another process.
#[test]
fn a_socket_of_somebody_else_is_left_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let variables = "LISTEN_FDS=1 LISTEN_PID=1";
    let program = Program::spawn(activated(listener, variables, "-h 127.0.0.1 -p 0"));
    assert_ne!(program.address, address);
}

#[test]
fn what_is_handed_over_has_to_be_a_socket_that_listens() {
    let mut command = Command::new("sh");
    let script = "exec 3</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" serve --admin=off";
    clean(&mut command).arg("-c").arg(script).arg(program()).env(SAFETY_OFF.0, SAFETY_OFF.1);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    for part in ["LISTEN_FDS", "number 1", "ListenStream="] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
