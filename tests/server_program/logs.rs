//! What is logged, and above all what is not.

use std::io::Write as _;
use std::net::TcpStream;

use saltyrtc::client::Roots;

use crate::clients::{Pair, closed, keys};
use crate::support::{Directory, Program, SAFETY_OFF, command, field};

/// Clients that come and go, two that fail, and a connection that is none.
async fn traffic(program: &Program) -> Vec<String> {
    let pair = Pair::plain(program).await;
    pair.relay().await;
    let other_key = *keys().public();
    let refused = Pair::connect(&program.ws(), &Roots::System, Some(other_key)).await;
    assert!(refused.is_err());
    let mut garbage = TcpStream::connect(program.address).unwrap();
    garbage.write_all(&[0xff; 100]).unwrap();
    let mut words = vec![pair.initiator.path().to_hex(), other_key.to_hex()];
    for client in [&pair.initiator, &pair.responder] {
        words.push(client.peer_key().unwrap().to_hex());
    }
    words.push(garbage.local_addr().unwrap().port().to_string());
    pair.initiator.close();
    closed(&pair.responder).await;
    words
}

/// Scans everything that a server says in its life, at the default level and at the highest one.
#[tokio::test]
async fn there_are_no_keys_no_paths_and_no_addresses() {
    let directory = Directory::new();
    directory.permanent_key("permanent.key");
    let key = directory.name("permanent.key");
    for options in [&["-k", &key][..], &["-k", &key, "-v7"]] {
        let mut program = Program::start(options, &[SAFETY_OFF]);
        let words = traffic(&program).await;
        program.signal("HUP");
        program.wait_for_log("reload done");
        let own = [program.address.to_string(), program.admin.unwrap().to_string()];
        let log = program.stop();
        assert!(log.iter().any(|line| line.contains("\"stopped\"")), "{log:#?}");
        for line in log {
            // Where the server itself listens is no secret of anybody; the time is a number.
            let line = own.iter().fold(line, |line, own| line.replace(own, ""));
            let line = line.replace(&field(&line, "timestamp"), "");
            for word in &words {
                // Nor their beginnings.
                assert!(!line.contains(&word[..word.len().min(8)]), "{line} has {word}");
            }
            assert!(!line.contains("127.0.0.1"), "an address in {line}");
            let digits = line.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max();
            assert!(digits < Some(16), "something like a key in {line}");
        }
    }
}

#[tokio::test]
async fn json_lines_are_objects() {
    let program = Program::start_unsafe(&["-v", "6"]);
    traffic(&program).await;
    let log = program.stop();
    assert!(log.iter().any(|line| field(line, "level") == "DEBUG"), "{log:#?}");
    for line in &log {
        for name in ["timestamp", "level", "target", "message"] {
            assert!(!field(line, name).is_empty(), "{line}");
        }
        assert!(field(line, "target").starts_with("saltyrtc"), "{line}");
    }
}

/// They end with an error, after they have logged a warning.
#[test]
fn text_is_for_people_and_coloured_on_request() {
    for (options, coloured) in [(&["serve"][..], false), (&["-c", "serve"], true)] {
        let mut arguments = options.to_vec();
        arguments.extend(["-h", "192.0.2.1", "-p", "0", "--admin=off", "-l", "asyncio"]);
        let output = command(&arguments, &[SAFETY_OFF]).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("WARN") && text.contains("has no effect"), "{text}");
        assert_eq!(text.contains("\x1b["), coloured, "{text:?}");
    }
}

/// What ends the program is said at any level.
#[test]
fn level_0_logs_nothing() {
    let options =
        ["-v", "0", "serve", "-h", "192.0.2.1", "-p", "0", "--admin=127.0.0.1:0", "-l", "asyncio"];
    let output = command(&options, &[SAFETY_OFF]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.starts_with("saltyrtc-server: option --host: cannot listen on 192.0.2.1:0"),
        "{text}"
    );
}
