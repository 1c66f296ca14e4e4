//! The configuration file with all keys and their defaults.

use clap::{Arg, CommandFactory as _};

use crate::args::AllOptions;
use crate::sources::{is_list, key, variable};

const HEAD: &str = "\
# Configuration of saltyrtc-server, for: saltyrtc-server serve --config FILE
#
# Each key is an option of the command line with the same name, and overrides what is the default.
# Environment variables and the command line override what is set here. Lines that begin with # and a
# key show its default. After a change, `saltyrtc-server check-config --config FILE` tells whether all is
# well, and SIGHUP makes a running server use what the text says a reload changes.
#
# Durations: 500ms, 30s, 5m, 1h. Sizes: bytes, or 64KiB, 4MiB.
";

/// What a reload changes, by section.
const RELOADED: [&str; 3] = ["Limits", "Certificate and keys", "Stopping"];

/// The text of the file.
pub(crate) fn text() -> String {
    let mut text = HEAD.to_owned();
    let command = AllOptions::command();
    let mut section = None;
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let heading = arg.get_help_heading().unwrap_or_default();
        if section != Some(heading) {
            section = Some(heading);
            let when = if RELOADED.contains(&heading) {
                "a reload changes these"
            } else if heading == "Logs" {
                "a reload changes the verbosity"
            } else {
                "a restart changes these"
            };
            text += &format!("\n\n# ---- {heading} ({when})\n");
        }
        text += &entry(arg);
    }
    text
}

fn entry(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut text = String::from("\n");
    for line in help.split('\n').filter(|line| !line.is_empty()) {
        for line in wrap(line.split(" [also").next().unwrap_or(line), 96) {
            text += &format!("# {line}\n");
        }
    }
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|_| arg.get_action().takes_values())
        .map(|value| value.get_name().to_owned())
        .collect();
    if !values.is_empty() && !values.iter().any(|value| value == "true") {
        text += &format!("# One of: {}.\n", values.join(", "));
    }
    text += &format!("# Environment variable: {}\n", variable(arg));
    let name = key(arg);
    let default = arg.get_default_values().first().map(|value| value.to_string_lossy());
    text += &match default {
        _ if is_list(arg) => format!("#{name} = []\n"),
        Some(value) if value.parse::<u32>().is_ok() || value == "true" || value == "false" => {
            format!("#{name} = {value}\n")
        }
        Some(value) => format!("#{name} = \"{value}\"\n"),
        None => format!("# No default. Example: {name} = \"{}\"\n", example(name)),
    };
    text
}

fn example(name: &str) -> &'static str {
    match name {
        "tlscert" => "/etc/saltyrtc-server/certificate.pem",
        "tlskey" => "/etc/saltyrtc-server/certificate.key",
        "host" => "192.0.2.1",
        "loop" => "asyncio",
        _ => "/etc/saltyrtc-server/file.pem",
    }
}

/// Breaks a text into lines of at most `width` characters, between words.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
