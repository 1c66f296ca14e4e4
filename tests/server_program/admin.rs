//! Health checks and metrics.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::clients::Pair;
use crate::support::{NEVER, Program, SAFETY_OFF, command, fail, run};

#[tokio::test]
async fn health_readiness_and_metrics() {
    let program = Program::start_unsafe(&[]);
    assert_eq!(program.get("/healthz"), (200, "alive\n".to_owned()));
    assert_eq!(program.get("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(program.get("/").0, 404);
    assert_eq!(program.metric("saltyrtc_server_connections"), 0.0);
    let before = program.metric("saltyrtc_server_relayed_messages_total");
    let pair = Pair::plain(&program).await;
    pair.relay().await;
    assert_eq!(program.metric("saltyrtc_server_connections"), 2.0);
    assert_eq!(program.metric("saltyrtc_server_paths"), 1.0);
    assert_eq!(program.metric("saltyrtc_server_handshakes_total{outcome=\"initiator\"}"), 1.0);
    assert_eq!(program.metric("saltyrtc_server_handshakes_total{outcome=\"responder\"}"), 1.0);
    assert!(program.metric("saltyrtc_server_relayed_messages_total") > before + 1.0);
    assert_eq!(program.metric("saltyrtc_server_ready"), 1.0);
}

/// The container's health check: same image, same environment, no options.
#[test]
fn the_health_check_finds_the_server_as_the_server_was_told() {
    let program = Program::start_unsafe(&[]);
    let address = program.admin.unwrap();
    let (by_option, text) = (address.to_string(), format!("0.0.0.0:{}", address.port()));
    for (options, variables) in [
        (vec!["healthcheck", "--admin", &by_option], vec![]),
        (vec!["healthcheck"], vec![("SALTYRTC_SERVER_SERVE_ADMIN", by_option.as_str())]),
        // All addresses, of which the loopback one is one.
        (vec!["healthcheck"], vec![("SALTYRTC_SERVER_SERVE_ADMIN", text.as_str())]),
    ] {
        let output = run(&options, &variables);
        assert!(output.status.success() && output.stdout == b"ready\n", "{output:?}");
    }
    program.stop();
    let (code, text) = fail(&["healthcheck", "--admin", &by_option], &[]);
    assert_eq!(code, 1);
    for part in ["not healthy", &by_option, "option --admin", "is it running"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (_, text) = fail(&["healthcheck", "--admin", "off"], &[]);
    assert!(text.contains("option --admin is off"), "{text}");
}

/// As many as there is room for, and more. Each of them could stay for ten seconds.
#[test]
fn connections_that_say_nothing_keep_no_probe_out() {
    let program = Program::start_unsafe(&[]);
    let admin = program.admin.unwrap();
    let silent: Vec<_> = (0..100).map(|_| std::net::TcpStream::connect(admin).unwrap()).collect();
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(program.get(path).0, 200);
    }
    // The oldest ones had to go.
    let mut oldest = &silent[0];
    oldest.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    assert_eq!(std::io::Read::read(&mut oldest, &mut [0]).unwrap(), 0);
}

/// More of them than there is room for, which come again when they are hung up on, and others that do not wait for that.
#[test]
fn connections_that_come_again_keep_no_probe_out() {
    use std::sync::atomic::{AtomicBool, Ordering};
    const THREADS: usize = 8;
    const EACH: usize = 16;
    let program = Program::start_unsafe(&[]);
    let admin = program.admin.unwrap();
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for n in 0..THREADS {
            let enough = &enough;
            scope.spawn(move || {
                let mut silent = std::collections::VecDeque::new();
                while !enough.load(Ordering::Relaxed) {
                    silent.push_back(std::net::TcpStream::connect(admin).unwrap());
                    if silent.len() > EACH {
                        let mut oldest = silent.pop_front().unwrap();
                        if n % 2 == 0 {
                            let _ = std::io::Read::read(&mut oldest, &mut [0]);
                        }
                    }
                }
            });
        }
        let probes = std::panic::catch_unwind(|| {
            for _ in 0..20 {
                assert_eq!(program.get("/healthz").0, 200);
            }
        });
        enough.store(true, Ordering::Relaxed);
        probes.unwrap();
    });
}

/// With more connections than there are descriptors, so that a probe does not kill a server that is only full.
#[test]
fn connections_leave_descriptors_for_probes() {
    const ROOM: usize = 100;
    let mut command = std::process::Command::new("sh");
    let script = "ulimit -n 228 && exec \"$0\" --log-format=json serve -h 127.0.0.1 -p 0 --admin 127.0.0.1:0";
    crate::support::clean(&mut command);
    command.args(["-c", script]).arg(crate::support::program()).env(SAFETY_OFF.0, SAFETY_OFF.1);
    let program = Program::spawn(command);
    let warning = program.log.iter().find(|line| line.contains("max-connections")).unwrap();
    for part in ["16384", "no more than 100", "LimitNOFILE"] {
        assert!(warning.contains(part), "{part}: {warning}");
    }
    let connect = |_| std::net::TcpStream::connect(program.address).unwrap();
    let _all: Vec<_> = (0..2 * ROOM).map(connect).collect();
    while program.metric("saltyrtc_server_connections_accepted_total") < (2 * ROOM) as f64 {}
    assert_eq!(program.metric("saltyrtc_server_connections"), ROOM as f64);
    assert_eq!(program.metric("saltyrtc_server_accept_errors_total"), 0.0);
    assert_eq!(program.get("/healthz").0, 200);
}

/// Each listener says once a minute that it cannot accept anybody, and goes on when it can.
#[test]
fn a_listener_without_descriptors_says_so_once() {
    let program = Program::start_unsafe(&[]);
    let limit = |soft: &str| {
        let arguments = [format!("--pid={}", program.id()), format!("--nofile={soft}:")];
        assert!(std::process::Command::new("prlimit").args(arguments).status().unwrap().success());
    };
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.id())).unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let before = files.split_whitespace().next().unwrap();
    while program.metric("saltyrtc_server_accept_errors_total") < 3.0 {
        limit("3");
        let mut waiting = Vec::new();
        for address in [program.address, program.admin.unwrap()] {
            let mut connection = std::net::TcpStream::connect(address).unwrap();
            connection.set_read_timeout(Some(NEVER)).unwrap();
            connection.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            waiting.push(connection);
        }
        limit(before);
        for mut connection in waiting {
            let mut answer = String::new();
            connection.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
        }
    }
    let log = program.stop();
    let said = |text: &str| log.iter().filter(|line| line.contains(text)).count();
    assert_eq!(said("\"cannot accept connections; trying again\""), 1, "{log:#?}");
    assert!(said("the admin listener cannot accept connections") <= 1, "{log:#?}");
}

#[test]
fn the_admin_listener_can_be_off() {
    let options = ["--log-format=json", "serve", "-h", "127.0.0.1", "-p", "0", "--admin=off"];
    let program = Program::spawn(command(&options, &[SAFETY_OFF]));
    assert_eq!(program.admin, None);
    program.stop();
}

/// Two servers on one machine, which need no option for it with the Python server.
#[test]
fn a_second_server_starts_without_the_default_admin_listener() {
    // Whoever has it: this test, or something else on the machine.
    let _taken = TcpListener::bind("127.0.0.1:8766");
    let options = ["--log-format=json", "serve", "-h", "127.0.0.1", "-p", "0"];
    let program = Program::spawn(command(&options, &[SAFETY_OFF]));
    assert_eq!(program.admin, None);
    let warning = program.log.iter().find(|line| line.contains("no health checks")).unwrap();
    assert!(warning.contains("127.0.0.1:8766") && warning.contains("--admin"), "{warning}");
}
