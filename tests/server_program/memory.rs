//! The memory that a configuration can need.

use std::time::Instant;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;

use crate::clients::keys;
use crate::scripted_client::SUBPROTOCOL;
use crate::socket_peer::{Io, Peer, kind, path_of, upgrade};
use crate::support::{NEVER, Program, SAFETY_OFF, run};

/// Paths with two clients that send to each other as much as they can, and read nothing.
const PAIRS: usize = 24;
/// Clients that never end their message.
const UNENDING: usize = 16;
/// Most of it would be in messages that each client has somewhere between two sockets, if they did not count.
const MESSAGE: usize = 1 << 20;
const LIMITS: [&str; 4] = [
    // However long this takes.
    "--stall-timeout=1h",
    "--max-connections=64",
    "--max-receiving=8MiB",
    "--max-all-queues=16MiB",
];

/// What `check-config` says for these limits, in MiB.
fn needed(limits: &[&str]) -> u64 {
    let mut arguments = vec!["check-config"];
    arguments.extend(limits);
    let output = run(&arguments, &[SAFETY_OFF]);
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, number) = text.split_once("it can need ").unwrap_or_else(|| panic!("{text}"));
    number.split('M').next().unwrap().parse().unwrap()
}

/// The most memory that a process ever had, in MiB.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap() >> 10
}

/// A client that takes as little as the operating system lets it.
async fn join(program: &Program, path: &saltyrtc::crypto::KeyPair, responder: bool) -> Peer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream: Box<dyn Io> = Box::new(socket.connect(program.address).await.unwrap());
    let socket = upgrade(stream, &path_of(path), &[SUBPROTOCOL], &[]).await.unwrap();
    let own = if responder { keys() } else { path.clone() };
    let mut peer = Peer::greeted(socket, own).await;
    if responder {
        peer.hello().await;
    }
    peer.authenticate().await;
    peer
}

/// Waits until the server says so.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + NEVER;
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        tokio::task::yield_now().await;
    }
}

/// The worst that clients can do to memory, up to every limit that is in the formula.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worst_clients_need_no_more_memory_than_foreseen() {
    let program = Program::start_unsafe(&LIMITS);
    let header = [&[0x82, 0xff][..], &(MESSAGE as u64).to_be_bytes(), &[0; 4]].concat();
    let beginning = [header, vec![0; MESSAGE - 1]].concat();
    let mut unending = Vec::new();
    for _ in 0..UNENDING {
        let mut peer = join(&program, &keys(), false).await;
        peer.socket.get_mut().write_all(&beginning).await.unwrap();
        unending.push(peer);
    }
    let evicted = "saltyrtc_server_limit_hits_total{limit=\"receiving\"}";
    until("the messages do not all fit", || program.metric(evicted) > 0.0).await;
    let mut flooding = tokio::task::JoinSet::new();
    for _ in 0..PAIRS {
        let path = keys();
        let mut initiator = join(&program, &path, false).await;
        let mut responder = join(&program, &path, true).await;
        assert_eq!(kind(&initiator.notification().await), "new-responder");
        flooding.spawn(async move { initiator.flood(2, MESSAGE - 64).await });
        flooding.spawn(async move { responder.flood(1, MESSAGE - 64).await });
    }
    let paused = || program.metric("saltyrtc_server_paused_clients") as usize;
    until("all wait", || paused() == 2 * PAIRS).await;
    assert!(program.metric("saltyrtc_server_queued_bytes") >= 15.0 * f64::from(1 << 20));

    let (needed, peak) = (needed(&LIMITS), peak(program.id()));
    println!("needed {peak} MiB, foreseen {needed} MiB");
    assert!(peak <= needed, "{peak} MiB, and not {needed}");
    // Otherwise the formula would be of no use, or this test of none. The program itself needs less than its part of
    // the formula.
    assert!(peak >= (needed - 32) / 2, "{peak} MiB of {needed}");
}

/// The unit has the figure for the configuration that nobody has changed, and the page for operators too.
#[test]
fn the_unit_has_the_memory_that_its_configuration_can_need() {
    let unit = include_str!("../../dist/systemd/saltyrtc-server.service");
    let figure = unit.lines().find_map(|line| line.strip_prefix("MemoryMax=")?.strip_suffix('M'));
    let page = include_str!("../../docs/operating.md").replace('\n', " ");
    assert_eq!(figure.unwrap().parse(), Ok(needed(&[])));
    assert!(page.contains(&format!("the defaults give {} MiB", needed(&[]))));
    let address = "--max-connections=4096";
    assert!(page.contains(&format!(
        "4096 connections, all that one address may have, need {} MiB",
        needed(&[address])
    )));
    let off = run(&["check-config", "--max-all-queues=off"], &[SAFETY_OFF]);
    assert!(String::from_utf8(off.stdout).unwrap().contains("Nothing limits the memory"));
}
