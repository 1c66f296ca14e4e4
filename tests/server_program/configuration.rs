//! Options, variables and files; and what is said about those that are wrong.

use std::net::TcpListener;

use saltyrtc::client::Roots;
use saltyrtc::crypto::PublicKey;

use crate::clients::Pair;
use crate::support::{Directory, Program, SAFETY_OFF, command, fail, run};

/// What a server needs: certificate, key and permanent key.
fn complete() -> (Directory, Roots, PublicKey) {
    let directory = Directory::new();
    let certificate = directory.certificate("tls");
    let key = PublicKey::from_hex(&directory.permanent_key("permanent.key")).unwrap();
    (directory, Roots::Only(certificate), key)
}

/// Covers P-030.
#[tokio::test]
async fn the_options_of_the_python_server_work() {
    let (directory, roots, key) = complete();
    let (pem, tls_key) = (directory.name("tls.pem"), directory.name("tls.key"));
    let permanent = directory.name("permanent.key");
    let hex = std::fs::read_to_string(&permanent).unwrap();
    let lines = directory.write("lines.key", format!(" {hex} \nmore\n"));
    for options in [
        ["-tc", &pem, "-tk", &tls_key, "-k", &permanent],
        ["-sc", &pem, "-sk", &tls_key, "-k", &hex],
        ["--tlscert", &pem, "--tlskey", &tls_key, "--key", &lines],
        ["--sslcert", &pem, "--sslkey", &tls_key, "--key", &hex.to_uppercase()],
    ] {
        let program = Program::start(&options, &[]);
        let pair = Pair::connect(&program.wss(), &roots, Some(key)).await.unwrap();
        pair.relay().await;
    }
}

/// Covers P-030.
#[tokio::test]
async fn the_variables_of_the_python_server_work() {
    let (directory, roots, key) = complete();
    let second = directory.permanent_key("second.key");
    let keys = format!("{}:{}", directory.name("permanent.key"), directory.name("second.key"));
    // The key of TLS is in the file of the certificate.
    let (pem, tls_key) = (directory.path("tls.pem"), directory.path("tls.key"));
    let both = std::fs::read(pem).into_iter().chain(std::fs::read(tls_key)).flatten();
    let both = directory.write("both.pem", both.collect::<Vec<u8>>());
    let variables = [
        ("SALTYRTC_SERVER_VERBOSITY", "7"),
        ("SALTYRTC_SERVER_COLORED", "1"),
        ("SALTYRTC_SERVER_SERVE_HOST", "127.0.0.1"),
        ("SALTYRTC_SERVER_SERVE_PORT", "0"),
        ("SALTYRTC_SERVER_SERVE_TLSCERT", both.as_str()),
        ("SALTYRTC_SERVER_SERVE_DHPARAMS", both.as_str()),
        ("SALTYRTC_SERVER_SERVE_LOOP", "uvloop"),
        ("SALTYRTC_SERVER_SERVE_KEY", keys.as_str()),
    ];
    let mut program =
        Program::spawn(command(&["--log-format=json", "serve", "--admin=off"], &variables));
    assert!(program.log.iter().any(|line| line.contains("SERVE_DHPARAMS has no effect")));
    assert!(program.log.iter().any(|line| line.contains("SERVE_LOOP has no effect")));
    for server_key in [key, PublicKey::from_hex(&second).unwrap()] {
        Pair::connect(&program.wss(), &roots, Some(server_key)).await.unwrap().relay().await;
    }
    program.signal("INT");
    let (status, text) = program.wait();
    assert_eq!(status.code(), Some(0));
    let expected = format!(
        "Starting\nPrimary public permanent key: {}\nSecondary key #1: {second}\nStarted\nStopping\n\
         Stopped\n",
        key.to_hex()
    );
    assert_eq!(text, expected);
}

/// Exit code and rule are those of the Python server.
#[test]
fn without_certificate_or_key_safety_has_to_be_off() {
    let (directory, ..) = complete();
    let (pem, tls_key) = (directory.name("tls.pem"), directory.name("tls.key"));
    let permanent = directory.name("permanent.key");
    let cases: [&[&str]; 3] = [&[], &["-tc", &pem, "-tk", &tls_key], &["-k", &permanent]];
    for options in cases {
        for (command, value) in [("serve", ""), ("serve", "yes"), ("check-config", "Eh... yeah")] {
            let mut arguments = vec![command, "-p", "0"];
            arguments.extend(options);
            let (code, text) = fail(&arguments, &[("SALTYRTC_SAFETY_OFF", value)]);
            assert_eq!(code, 2, "{text}");
            for part in ["REQUIRED", "SALTYRTC_SAFETY_OFF", "yes-and-i-know-what-im-doing"] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert_eq!(text.contains("--tlscert"), !options.contains(&"-tc"), "{text}");
            assert_eq!(text.contains("--key"), !options.contains(&"-k"), "{text}");
        }
        let mut arguments = vec!["check-config"];
        arguments.extend(options);
        let output = run(&arguments, &[SAFETY_OFF]);
        assert!(output.status.success());
        assert!(String::from_utf8(output.stderr).unwrap().contains("RECOMMENDED"));
    }
}

/// The sources of the address of the admin listener, least important first.
#[test]
fn the_command_line_beats_the_environment_beats_the_file() {
    let directory = Directory::new();
    let file = directory.write("config.toml", "admin = '127.0.0.2:0'\n");
    let config = format!("--config={file}");
    let variable = ("SALTYRTC_SERVER_SERVE_ADMIN", "127.0.0.3:0");
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 4] = [
        (&[&config], &[], "127.0.0.2"),
        (&[&config], &[variable], "127.0.0.3"),
        (&[&config, "--admin=127.0.0.4:0"], &[variable], "127.0.0.4"),
        (&[&config, "--admin=off"], &[variable], ""),
    ];
    for (options, variables, expected) in cases {
        let mut arguments = vec!["--log-format=json", "serve", "-h", "127.0.0.1", "-p", "0"];
        arguments.extend(options);
        let mut variables = variables.to_vec();
        variables.push(SAFETY_OFF);
        let program = Program::spawn(command(&arguments, &variables));
        let admin = program.admin.map_or(String::new(), |address| address.ip().to_string());
        assert_eq!(admin, expected, "{arguments:?} {variables:?}");
    }
}

/// The port is taken: if it were opened before everything else was looked at, that would be the error.
#[test]
fn mistakes_name_option_file_and_cure_before_the_port_is_opened() {
    let (directory, ..) = complete();
    directory.certificate("other");
    let file = |name: &str| directory.name(name);
    let garbage = directory.write("garbage", "meow meow");
    let short = directory.write("short.key", "6d656f77");
    let hex = std::fs::read_to_string(file("permanent.key")).unwrap();
    let config = directory.write("config.toml", format!("tlscert = '{garbage}'\n"));
    let unknown = directory.write("unknown.toml", "max_connections = 5\n");
    let no_directory = file("nowhere/config.toml");
    let (pem, tls_key, key) = (&*file("tls.pem"), &*file("tls.key"), &*file("permanent.key"));
    let (other, missing) = (&*file("other.key"), &*file("missing"));
    let tls = ["-tc", pem, "-tk", tls_key];
    let with_tls =
        |more: &[&str]| [&tls[..], more].concat().iter().map(|s| (*s).to_owned()).collect();
    let owned = |all: &[&str]| all.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    type Case<'a> = (Vec<String>, Vec<(&'a str, &'a str)>, i32, Vec<&'a str>);
    let cases: Vec<Case<'_>> = vec![
        (
            owned(&["-tc", missing, "-tk", tls_key, "-k", key]),
            vec![],
            1,
            vec!["option --tlscert", missing, "cannot be read", "check its name"],
        ),
        (
            owned(&["-tc", pem, "-tk", missing, "-k", key]),
            vec![],
            1,
            vec!["option --tlskey", missing, "cannot be read", "check its name"],
        ),
        (
            owned(&["-tc", &garbage, "-tk", tls_key, "-k", key]),
            vec![],
            1,
            vec!["option --tlscert", &garbage, "no certificate found", "in PEM"],
        ),
        (
            owned(&["-tc", pem, "-tk", other, "-k", key]),
            vec![],
            1,
            vec![
                "option --tlscert",
                pem,
                "option --tlskey",
                other,
                "the key that it was issued for",
            ],
        ),
        (
            owned(&["-tc", pem, "-k", key]),
            vec![],
            1,
            vec!["option --tlscert", pem, "no tlskey", "no private key found"],
        ),
        (
            owned(&["-tk", tls_key, "-k", key]),
            vec![SAFETY_OFF],
            1,
            vec!["option --tlskey", "no certificate", "--tlscert"],
        ),
        (
            with_tls(&["-k", missing]),
            vec![],
            1,
            vec!["option --key", "number 1", missing, "saltyrtc-server generate"],
        ),
        (
            with_tls(&["-k", key, "-k", &short]),
            vec![],
            1,
            vec!["option --key", "number 2", &short, "64 digits, not 8"],
        ),
        (
            with_tls(&["-k", &hex[1..]]),
            vec![],
            1,
            vec!["option --key", "not shown", "64 digits, not 63"],
        ),
        (
            with_tls(&["-k", key, "-k", &hex]),
            vec![],
            4,
            vec!["option --key", "number 2", "supplied more than once", "remove"],
        ),
        (
            owned(&["-tk", tls_key, "-k", key, "--config", &config]),
            vec![],
            1,
            vec!["key 'tlscert' in the file", &config, &garbage],
        ),
        (
            owned(&["-k", key]),
            vec![("SALTYRTC_SERVER_SERVE_TLSCERT", missing)],
            1,
            vec!["environment variable SALTYRTC_SERVER_SERVE_TLSCERT", missing],
        ),
        (
            with_tls(&["-k", key, "--config", &unknown]),
            vec![],
            1,
            vec!["option --config", &unknown, "unknown key 'max_connections'", "default-config"],
        ),
        (
            with_tls(&["-k", key, "--config", &no_directory]),
            vec![],
            1,
            vec!["option --config", &no_directory, "check its name"],
        ),
        (
            with_tls(&["-k", key]),
            vec![("SALTYRTC_SERVER_SERVE_MAX_QUEUE", "1 elephant")],
            1,
            vec!["SALTYRTC_SERVER_SERVE_MAX_QUEUE", "1 elephant", "4MiB"],
        ),
        (
            with_tls(&["-k", key, "--admin", "localhost"]),
            vec![],
            2,
            vec!["--admin", "localhost", "127.0.0.1:8766", "or off"],
        ),
        (
            with_tls(&["-k", key, "--trusted-proxy", "10.0.0.0/33"]),
            vec![],
            2,
            vec!["--trusted-proxy", "10.0.0.0/33"],
        ),
        (
            with_tls(&["-k", key, "--loop", "meow"]),
            vec![],
            2,
            vec!["--loop", "meow", "asyncio, uvloop"],
        ),
    ];
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (options, variables, expected, parts) in cases {
        let mut arguments = vec!["serve", "-h", "127.0.0.1", "-p", &port];
        arguments.extend(options.iter().map(String::as_str));
        let (code, text) = fail(&arguments, &variables);
        assert_eq!(code, expected, "{options:?}: {text}");
        for part in parts {
            assert!(text.contains(part), "{options:?}: no '{part}' in: {text}");
        }
        assert!(!text.contains(&hex[1..]), "a secret is shown: {text}");
        assert!(!text.contains("listen on"), "{text}");
    }
}

#[test]
fn keys_are_not_taken_from_files_that_others_can_write() {
    let (directory, ..) = complete();
    let (pem, tls_key) = (directory.name("tls.pem"), directory.name("tls.key"));
    let permanent = directory.name("permanent.key");
    let arguments = ["check-config", "-tc", &pem, "-tk", &tls_key, "-k", &permanent];
    for name in ["tls.key", "permanent.key"] {
        for mode in [0o660, 0o622, 0o606] {
            directory.set_mode(name, mode);
            let (code, text) = fail(&arguments, &[]);
            assert_eq!(code, 1);
            for part in [&*directory.name(name), "others than its owner can write", "chmod go-w"] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
        for (mode, warns) in [(0o604, true), (0o644, true), (0o640, false), (0o400, false)] {
            directory.set_mode(name, mode);
            let output = run(&arguments, &[]);
            assert!(output.status.success(), "{output:?}");
            let text = String::from_utf8(output.stderr).unwrap();
            assert_eq!(text.contains(&directory.name(name)), warns, "{mode:o}: {text}");
            assert_eq!(text.contains("everybody on this machine can read"), warns, "{text}");
        }
    }
    // A certificate is no secret.
    directory.set_mode("tls.pem", 0o644);
    assert!(run(&arguments, &[]).stderr.is_empty());
}

#[test]
fn a_port_that_cannot_be_had_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = taken.local_addr().unwrap().port().to_string();
    let on = |options: &[&str]| {
        let mut arguments = vec!["serve", "-h", "127.0.0.1", "-p", "0", "--admin=off"];
        if options.contains(&"--admin") {
            arguments.pop();
        }
        if options.contains(&"-h") {
            arguments.drain(1..3);
        }
        if options.contains(&"-p") {
            let at = arguments.iter().position(|argument| *argument == "-p").unwrap();
            arguments.drain(at..at + 2);
        }
        arguments.extend(options);
        fail(&arguments, &[SAFETY_OFF]).1
    };
    let text = on(&["-p", &port]);
    for part in ["option --port", &address, "another program uses it", "use another port"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = on(&["--admin", &address]);
    for part in ["option --admin", &address, "give another address, or off"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = on(&["-h", "meow.invalid"]);
    for part in ["option --host", "meow.invalid", "give an address or a name"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // An address for documentation, which no machine has.
    let text = on(&["-h", "192.0.2.1"]);
    assert!(text.contains("option --host") && text.contains("of this machine"), "{text}");
}

#[test]
fn without_host_all_addresses_are_listened_on() {
    for host in [&[][..], &["-h", "::"], &["-h", "[::]"]] {
        let options = ["--log-format=json", "serve", "-p", "0", "--admin=off"];
        let program = Program::spawn(command(&[&options, host].concat(), &[SAFETY_OFF]));
        let port = program.address.port();
        assert!(program.address.ip().is_unspecified());
        for address in ["127.0.0.1", "127.0.0.2", "::1"] {
            let address = std::net::SocketAddr::new(address.parse().unwrap(), port);
            // Whether this machine has IPv6 is not what is tested.
            if TcpListener::bind((address.ip(), 0)).is_ok() {
                std::net::TcpStream::connect(address).unwrap_or_else(|e| panic!("{address}: {e}"));
            }
        }
    }
}
