//! The commands that are not a server.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use saltyrtc::crypto::{KeyPair, SecretKey};

use crate::support::{Directory, SAFETY_OFF, fail, run};

fn output(arguments: &[&str]) -> String {
    let output = run(arguments, &[]);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn version() {
    // The options in front were valid with the Python server too.
    let text = output(&["-v", "7", "-c", "version"]);
    assert_eq!(
        text,
        format!("Version: {}\nProtocols: v1.saltyrtc.org\n", env!("CARGO_PKG_VERSION"))
    );
}

/// The format is that of the Python server: 64 hexadecimal digits and nothing else.
#[test]
fn generate_writes_a_key_for_its_owner_only() {
    let directory = Directory::new();
    let public = directory.permanent_key("permanent.key");
    let content = std::fs::read_to_string(directory.path("permanent.key")).unwrap();
    assert_eq!(content.len(), 64, "{content:?}");
    let pair = KeyPair::from_secret(SecretKey::from_hex(&content).unwrap());
    assert_eq!(pair.public().to_hex(), public);
    let mode = std::fs::metadata(directory.path("permanent.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_ne!(directory.permanent_key("other.key"), public);
}

#[test]
fn generate_overwrites_nothing() {
    let directory = Directory::new();
    let file = directory.write("precious", "content");
    let (code, text) = fail(&["generate", &file], &[]);
    assert_eq!(code, 1);
    for part in ["KEY_FILE", file.as_str(), "not overwritten", "give another name"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "content");
    let (_, text) = fail(&["generate", &directory.name("")], &[]);
    assert!(text.contains("it is a directory") && !text.contains("destroy"), "{text}");
    let (_, text) = fail(&["generate", &directory.name("nowhere/key")], &[]);
    assert!(text.contains("nowhere/key") && text.contains("directory"), "{text}");
}

#[test]
fn what_is_no_command_is_said() {
    let (code, text) = fail(&["meow"], &[]);
    assert!(code == 2 && text.contains("meow") && text.contains("--help"), "{text}");
    let (code, text) = fail(&["-v", "8", "version"], &[]);
    assert!(code == 2 && text.contains("--verbosity") && text.contains("0..=7"), "{text}");
    let (code, text) = fail(&[], &[]);
    assert!(code == 2 && text.contains("serve") && text.contains("generate"), "{text}");
    let (code, text) = fail(&["serve", "--prot", "1"], &[]);
    assert!(code == 2 && text.contains("--prot") && text.contains("--port"), "{text}");
}

/// Names of all options of serve, from its help.
fn options() -> Vec<String> {
    let help = output(&["serve", "--help"]);
    let lines = help.lines().filter_map(|line| {
        let line = line.trim_start();
        let start = line.starts_with('-').then(|| line.find("--")).flatten()?;
        let end = line[start + 2..].find([' ', '[', '=']);
        Some(line[start + 2..][..end.unwrap_or(line.len() - start - 2)].to_owned())
    });
    lines.filter(|name| !["config", "help"].contains(&name.as_str())).collect()
}

#[test]
fn the_default_configuration_has_all_options_and_changes_nothing() {
    let text = output(&["default-config"]);
    let options = options();
    assert!(options.len() > 25, "{options:?}");
    for option in &options {
        let key = format!("{option} = ");
        let found = text.lines().filter(|line| {
            line.strip_prefix('#').is_some_and(|line| line.starts_with(&key))
                || line.starts_with(&format!("# No default. Example: {key}"))
        });
        assert_eq!(found.count(), 1, "{option}");
    }

    let directory = Directory::new();
    let check = |name: &str| {
        let file = directory.name(name);
        let output = run(&["check-config", "--config", &file], &[SAFETY_OFF]);
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout.starts_with(b"The configuration is right.\n"), "{output:?}");
    };
    directory.write("default.toml", &text);
    check("default.toml");
    // Every default as a value of its own.
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest,
        _ => line,
    });
    directory.write("explicit.toml", lines.collect::<Vec<_>>().join("\n"));
    check("explicit.toml");
}

#[test]
fn check_config_needs_what_serve_needs() {
    let directory = Directory::new();
    directory.certificate("tls");
    directory.permanent_key("permanent.key");
    let config = format!(
        "tlscert = '{}'\ntlskey = '{}'\nkey = ['{}']\nport = 1\n",
        directory.name("tls.pem"),
        directory.name("tls.key"),
        directory.name("permanent.key")
    );
    let file = directory.write("config.toml", config);
    // Nobody but root may listen on the port; nothing is listened on.
    let text = output(&["check-config", "--config", &file]);
    assert!(text.starts_with("The configuration is right.\n"), "{text}");
    std::fs::remove_file(directory.path("tls.key")).unwrap();
    let (code, text) = fail(&["check-config", "--config", &file], &[]);
    assert!(code == 1 && text.contains("tls.key") && text.contains("key 'tlskey'"), "{text}");
}

#[test]
fn completions_are_scripts() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = output(&["completions", shell]);
        for word in ["check-config", "tlscert", "max-connections-per-path"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    let script = output(&["completions", "bash"]);
    std::io::Write::write_all(&mut bash.stdin.take().unwrap(), script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn the_manual_page_has_all_commands_and_options() {
    let page = output(&["man"]);
    assert!(page.contains(".TH saltyrtc-server 1"), "{page}");
    let page = page.replace('\\', "");
    for option in options() {
        assert!(page.contains(&format!("--{option}")), "{option}");
    }
    for command in ["serve", "generate", "check-config", "default-config", "healthcheck"] {
        assert!(page.contains(&format!(".TP\nfB{command}fR")), "{command}: {page}");
    }
    assert!(page.contains("SALTYRTC_SERVER_SERVE_PORT"));
}
