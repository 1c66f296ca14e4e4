//! The documents for operators name everything that there is.

use crate::support::{Program, fail, run};

const OPERATING: &str = include_str!("../../docs/operating.md");

/// The text of a label of all series of a metric.
fn labels<'a>(metrics: &'a str, start: &str) -> Vec<&'a str> {
    let values: Vec<_> =
        metrics.lines().filter_map(|line| line.strip_prefix(start)?.split('"').next()).collect();
    assert!(!values.is_empty(), "{start}");
    values
}

#[test]
fn every_metric_and_every_label_is_explained() {
    let program = Program::start_unsafe(&[]);
    let (_, metrics) = program.get("/metrics");
    let families = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE saltyrtc_server_"));
    let families: Vec<_> = families.filter_map(|line| line.split(' ').next()).collect();
    assert!(families.len() > 15, "{families:?}");
    let explained = |name: &str| {
        OPERATING.contains(&format!("`{name}`")) || OPERATING.contains(&format!("`{name}{{"))
    };
    for family in families {
        assert!(explained(family), "{family}");
    }
    for start in [
        "saltyrtc_server_handshakes_total{outcome=\"",
        "saltyrtc_server_limit_hits_total{limit=\"",
        "saltyrtc_server_relay_failures_total{reason=\"",
        "saltyrtc_server_reloads_total{outcome=\"",
    ] {
        for label in labels(&metrics, start) {
            assert!(explained(label), "{start}{label}");
        }
    }
}

/// Those of the section about limits, with their defaults.
#[test]
fn every_limit_is_explained() {
    let file = String::from_utf8(run(&["default-config"], &[]).stdout).unwrap();
    let (_, section) = file.split_once("---- Limits").unwrap();
    let (section, _) = section.split_once("# ----").unwrap();
    let keys: Vec<_> = section
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once(" = "))
        .filter(|(key, _)| !key.contains(' '))
        .collect();
    assert!(keys.len() > 10, "{keys:?}");
    for (key, default) in keys {
        let row = OPERATING
            .lines()
            .find(|line| line.starts_with('|') && line.contains(&format!("`{key}`")));
        let row = row.unwrap_or_else(|| panic!("{key}"));
        let default = default.trim_matches('"');
        // One is written as minutes.
        assert!(row.contains(default) || (key, default) == ("tcp-keepalive", "300s"), "{row}");
    }
}

/// What the shipped unit starts is a command line that the program takes.
#[test]
fn the_unit_starts_what_there_is() {
    let unit = include_str!("../../dist/systemd/saltyrtc-server.service");
    for line in ["ExecStartPre=", "ExecStart="] {
        let command = unit.lines().find_map(|found| found.strip_prefix(line)).unwrap();
        let mut words = command.split(' ');
        assert_eq!(words.next(), Some("@BINDIR@/saltyrtc-server"));
        let mut arguments: Vec<_> = words.collect();
        // What is not there cannot start a server here.
        assert_eq!(arguments.pop(), Some("/etc/saltyrtc-server/config.toml"));
        arguments.push("/nowhere/config.toml");
        let (code, text) = fail(&arguments, &[]);
        assert!(code == 1 && text.contains("/nowhere/config.toml"), "{text}");
        assert!(text.contains("cannot be read"), "{text}");
    }
}
