use super::*;
use crate::args;

/// The sources of a run: command line, environment, and the content of a file.
fn source(command_line: &[&str], environment: &[(&str, &str)], file: Option<&Path>) -> Sources {
    let mut arguments = vec![args::NAME, "serve"];
    arguments.extend(command_line);
    let file = file.map(|file| format!("--config={}", file.display()));
    arguments.extend(file.as_deref());
    let arguments = args::python_options(arguments.into_iter().map(OsString::from));
    let matches = args::command().try_get_matches_from(arguments).unwrap();
    let variables =
        environment.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
    let (_, options) = matches.subcommand().unwrap();
    Sources::new(options, variables)
}

/// A file that is removed with this.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("saltyrtc-{name}-{}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What is in use for an option, as text.
fn value(loaded: &LoadedOptions, id: &str) -> String {
    let options = format!("{:?}", loaded.options);
    let start = options.find(&format!(" {id}: ")).expect(id) + id.len() + 3;
    let mut depth = 0;
    let end = options[start..].find(|c| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        (c == ',' && depth == 0) || depth < 0
    });
    options[start..][..end.unwrap_or(options.len() - start)].trim().to_owned()
}

/// Three different values for an option, that differ from its default.
fn examples(id: &str) -> [&'static str; 3] {
    match id {
        "verbosity" => ["1", "2", "3"],
        "colored" | "accept_no_shared_task_drop" => ["true", "false", "true"],
        "log_format" => ["json", "text", "json"],
        "proxy_header" => ["proxy-protocol", "x-forwarded-for", "proxy-protocol"],
        "event_loop" => ["asyncio", "uvloop", "asyncio"],
        "admin" => ["127.0.0.1:1", "[::1]:2", "off"],
        "trusted_proxy" => ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"],
        name if name.ends_with("timeout") || name.ends_with("delay") => ["11s", "12m", "13h"],
        "tcp_keepalive" => ["11s", "12m", "13h"],
        "max_message_size" | "max_queue" | "max_all_queues" => ["11KiB", "12MiB", "13000"],
        _ => ["11", "12", "13"],
    }
}

#[test]
fn the_command_line_beats_the_environment_beats_the_file_beats_the_default() {
    let definition = AllOptions::command();
    let default = source(&[], &[], None).load().unwrap();
    for arg in definition.get_arguments() {
        let id = arg.get_id().as_str();
        let (option, variable) = (key(arg), variable(arg));
        let [first, second, third] = examples(id);
        let quote = if third.parse::<u32>().is_ok() { "" } else { "\"" };
        let file = TestFile::new(id, &format!("{option} = {quote}{third}{quote}\n"));
        let command_line = format!("--{option}={first}");
        let alone = source(&[&command_line], &[], None).load().unwrap();
        let environment = [(variable.as_str(), second)];

        let all = source(&[&command_line], &environment, Some(&file.0)).load().unwrap();
        assert_eq!(value(&all, id), value(&alone, id), "{option}");
        assert_eq!(all.origin(option), Origin::CommandLine(option.to_owned()));

        let two = source(&[], &environment, Some(&file.0)).load().unwrap();
        let alone = source(&[&format!("--{option}={second}")], &[], None).load().unwrap();
        assert_eq!(value(&two, id), value(&alone, id), "{option}");
        assert_eq!(two.origin(option), Origin::Environment(variable));

        let one = source(&[], &[], Some(&file.0)).load().unwrap();
        let alone = source(&[&format!("--{option}={third}")], &[], None).load().unwrap();
        assert_eq!(value(&one, id), value(&alone, id), "{option}");
        let origin = Origin::File { key: option.to_owned(), file: file.0.clone(), line: 1 };
        assert_eq!(one.origin(option), origin);

        assert_ne!(value(&default, id), value(&alone, id), "{option}: this shows nothing");
        assert!(!default.is_set(option) && one.is_set(option));
    }
}

#[test]
fn what_can_be_given_more_than_once_is_replaced_as_a_whole() {
    let file = TestFile::new("lists", "key = ['a', 'b']\ntrusted-proxy = '10.0.0.0/8'\n");
    let loaded = source(&[], &[], Some(&file.0)).load().unwrap();
    assert_eq!(loaded.options.server.keys.key, ["a", "b"]);
    assert_eq!(loaded.options.server.proxy.trusted_proxy.len(), 1);
    let variables = [
        ("SALTYRTC_SERVER_SERVE_KEY", "c:d"),
        ("SALTYRTC_SERVER_SERVE_TRUSTED_PROXY", "::1, 127.0.0.1"),
    ];
    let loaded = source(&[], &variables, Some(&file.0)).load().unwrap();
    assert_eq!(loaded.options.server.keys.key, ["c", "d"]);
    assert_eq!(loaded.options.server.proxy.trusted_proxy.len(), 2);
    let loaded = source(&["-k", "e", "-kf"], &variables, Some(&file.0)).load().unwrap();
    assert_eq!(loaded.options.server.keys.key, ["e", "f"]);
}

/// Compose files often set variables to nothing.
#[test]
fn an_empty_variable_is_not_set() {
    let names = ["SERVE_PORT", "SERVE_KEY", "SERVE_CONFIG", "VERBOSITY"];
    let variables = names.map(|name| format!("SALTYRTC_SERVER_{name}"));
    let variables: Vec<_> = variables.iter().map(|name| (name.as_str(), "")).collect();
    let loaded = source(&[], &variables, None).load().unwrap();
    assert_eq!(loaded.options.server.listen.port, 443);
    assert!(loaded.options.server.keys.key.is_empty());
}

#[test]
fn the_file_can_be_named_by_a_variable() {
    let file = TestFile::new("named", "port = 1\n");
    let other = TestFile::new("other", "port = 2\n");
    let variables = [("SALTYRTC_SERVER_SERVE_CONFIG", file.0.to_str().unwrap())];
    let port = |sources: Sources| sources.load().unwrap().options.server.listen.port;
    assert_eq!(port(source(&[], &variables, None)), 1);
    assert_eq!(port(source(&[], &variables, Some(&other.0))), 2, "the command line counts more");
}

#[test]
fn mistakes_are_said_with_the_place_where_they_are() {
    type Case<'a> = (&'a str, &'a [&'a str]);
    let cases: [Case<'_>; 10] = [
        ("port = 'meow'", &["key 'port' in the file", ", line 1:", "meow", "0 to 65535"]),
        ("\n\nport = 70000", &["key 'port'", ", line 3:", "70000", "0 to 65535"]),
        ("\nprot = 1", &["unknown key 'prot' in line 2", "default-config"]),
        ("config = 'x'", &["unknown key 'config'"]),
        ("port = 1\nport = 2", &["is not TOML in line 2", "duplicate key"]),
        ("port 1", &["is not TOML in line 1"]),
        ("port = [1]", &["key 'port'", "line 1", "array"]),
        ("[limits]\nport = 1", &["unknown key 'limits'"]),
        ("max-queue = 1.5", &["key 'max-queue'", "float"]),
        ("handshake-timeout = 0", &["key 'handshake-timeout'", "may not be 0"]),
    ];
    for (index, (content, expected)) in cases.into_iter().enumerate() {
        let file = TestFile::new(&format!("mistake-{index}"), content);
        let error = source(&[], &[], Some(&file.0)).load().unwrap_err().to_string();
        assert!(error.contains(file.0.to_str().unwrap()), "{error}");
        for text in expected {
            assert!(error.contains(text), "{text}: {error}");
        }
    }
    let variables = [("SALTYRTC_SERVER_SERVE_PORT", "meow")];
    let error = source(&[], &variables, None).load().unwrap_err().to_string();
    assert!(error.contains("environment variable SALTYRTC_SERVER_SERVE_PORT"), "{error}");
    // What is overridden has to be right too: it would be a trap for later.
    let error = source(&["-p", "1"], &variables, None).load().unwrap_err().to_string();
    assert!(error.contains("SALTYRTC_SERVER_SERVE_PORT"), "{error}");
    let missing = Path::new("/nowhere/config.toml");
    let error = source(&[], &[], Some(missing)).load().unwrap_err().to_string();
    for text in ["/nowhere/config.toml", "option --config", "permissions"] {
        assert!(error.contains(text), "{text}: {error}");
    }
}

#[test]
fn old_names_still_work_and_are_told() {
    let loaded = source(&["-sc", "a", "-sk", "b"], &[], None).load().unwrap();
    assert_eq!(loaded.options.server.keys.sslcert, Some("a".into()));
    assert_eq!(loaded.options.server.keys.sslkey, Some("b".into()));
    assert_eq!(loaded.warnings.len(), 2);
    assert!(loaded.warnings[0].contains("tlscert"), "{:?}", loaded.warnings);
}

/// An error would be too much: other things on a machine may make variables with such names.
#[test]
fn a_variable_without_an_option_is_told() {
    let variables = [
        ("SALTYRTC_SERVER_SERVE_PROT", "1"),
        ("SALTYRTC_SERVER_SERVE_CONFIG", ""),
        ("SALTYRTC_SERVER_SERVE_PORT", "1"),
        ("SALTYRTC_SERVER_PORT", "tcp://10.0.0.1:443"),
        ("SALTYRTC_SERVER_SERVICE_HOST", "10.0.0.1"),
    ];
    let loaded = source(&[], &variables, None).load().unwrap();
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].contains("SALTYRTC_SERVER_SERVE_PROT has no effect"));
}
