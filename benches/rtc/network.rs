//! Two network namespaces with a link between them, and a signalling server.
//!
//! All of it hangs on processes that end with this one, whatever ends it: nothing is left behind.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use saltyrtc::protocol::ServerUrl;

/// What a link is like, each way: `tests/rtc_network/link.c` says how it works.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// Of Ethernet frames, in megabits per second.
    pub(crate) rate: u32,
    /// There and back, in milliseconds, as long as nothing has to wait.
    pub(crate) round_trip: u32,
    /// The longest that a frame can have to wait, in milliseconds.
    pub(crate) queue: u32,
    /// What is lost by chance, in percent.
    pub(crate) loss: f64,
}

/// The end that offers, and the one that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Offering,
    Answering,
}

impl Side {
    const BOTH: [Self; 2] = [Self::Offering, Self::Answering];

    const fn address(self) -> Ipv4Addr {
        Ipv4Addr::new(198, 51, 100, 1 + self as u8)
    }
}

pub(crate) struct Network {
    /// Each is in a namespace of its own.
    sides: [Helper; 2],
    link: Helper,
    server: Option<(Helper, ServerUrl)>,
}

impl Network {
    /// An error says why there can be none here.
    pub(crate) fn new(link: &Link) -> io::Result<Self> {
        let hold = || {
            let mut command = Command::new("unshare");
            command.args(["--net", "sh", "-c", "echo ready; exec cat"]);
            Helper::start(command).map(|(helper, _)| helper)
        };
        let sides = [hold()?, hold()?];
        let taps = [0, 1].map(|side| format!("sb{}x{side}", std::process::id()));
        let mut command = Command::new(link_program());
        command.args(&taps).args([
            format!("--rate={}", link.rate),
            format!("--delay={}", f64::from(link.round_trip) / 2.0),
            format!("--queue={}", link.queue),
            format!("--loss={}", link.loss),
        ]);
        let (link, _) = Helper::start(command)?;
        let mut network = Self { sides, link, server: None };
        for (side, tap) in Side::BOTH.into_iter().zip(&taps) {
            let namespace = network.sides[side as usize].child.id().to_string();
            run(Command::new("ip").args(["link", "set", tap, "netns", &namespace, "name", "link"]))?;
            let address = format!("{}/24", side.address());
            for arguments in [
                &["address", "add", &address, "dev", "link"][..],
                &["link", "set", "dev", "link", "up"],
                &["link", "set", "dev", "lo", "up"],
            ] {
                run(&mut network.enter(side, Command::new("ip").args(arguments)))?;
            }
        }
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("server").arg(Side::Offering.address().to_string());
        let (server, url) = Helper::start(network.enter(Side::Offering, &command))?;
        let url = ServerUrl::parse(url.trim()).map_err(io::Error::other)?;
        network.server = Some((server, url));
        Ok(network)
    }

    /// This command, run in the namespace of a side.
    pub(crate) fn enter(&self, side: Side, command: &Command) -> Command {
        let mut entering = Command::new("nsenter");
        entering.arg(format!("--net=/proc/{}/ns/net", self.sides[side as usize].child.id()));
        entering.arg("--").arg(command.get_program()).args(command.get_args());
        entering
    }

    pub(crate) fn address(side: Side) -> IpAddr {
        side.address().into()
    }

    pub(crate) fn server(&self) -> Option<&ServerUrl> {
        self.server.as_ref().map(|(_, url)| url)
    }

    /// From now on the link loses everything, or only what it is to lose.
    pub(crate) fn cut(&mut self, cut: bool) -> io::Result<()> {
        let command: &[u8] = if cut { b"down\n" } else { b"up\n" };
        self.link.stdin.write_all(command)
    }
}

/// A process that says a line when it is ready, and ends with its input. Dropping it kills it.
struct Helper {
    child: Child,
    stdin: ChildStdin,
}

impl Helper {
    fn start(mut command: Command) -> io::Result<(Self, String)> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| {
            io::Error::other(format!("{}: {error}", command.get_program().display()))
        })?;
        let taken = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) = taken.ok_or_else(|| io::Error::other("there are no pipes"))?;
        let helper = Self { child, stdin };
        let mut line = String::new();
        if BufReader::new(stdout).read_line(&mut line)? == 0 {
            let program = command.get_program().display();
            return Err(io::Error::other(format!("{program} did not start")));
        }
        Ok((helper, line))
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Built by `scripts/build-peers.sh link`.
fn link_program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("build/link")
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?}: {}", text.trim())))
}
