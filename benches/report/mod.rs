//! What the programs that measure have in common: numbers as text, where they were measured, and the
//! page that they are written to.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

const README: &str = "benches/README.md";

/// Leaves out what was divided by 0, because nothing at all got done on a busy machine.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|value| value.is_finite());
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[n / 2]),
        n => Some((values[n / 2 - 1] + values[n / 2]) / 2.0),
    }
}

/// Three significant digits, with spaces between thousands.
pub(crate) fn number(value: Option<f64>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    if value < 99.95 {
        return if value < 9.995 { format!("{value:.2}") } else { format!("{value:.1}") };
    }
    let unit = 10_f64.powi(value.log10().floor() as i32 - 2).max(1.0);
    let digits = format!("{:.0}", (value / unit).round() * unit);
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

pub(crate) fn ratio(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value < 10.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.0}"),
    }
}

/// The size of a message.
pub(crate) fn size(bytes: usize) -> String {
    if bytes < 1024 { format!("{bytes} B") } else { format!("{} KiB", bytes / 1024) }
}

/// When and on what this is measured: the first line of a report.
pub(crate) fn machine() -> String {
    format!(
        "{}: {} cores, {}, Linux {}.",
        output(Command::new("date").args(["-u", "+%Y-%m-%d"])),
        output(Command::new("nproc").arg("--all")),
        cpu_model(),
        output(Command::new("uname").arg("-r")),
    )
}

/// The output of a command, which is there for information only.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().ok().and_then(|output| String::from_utf8(output.stdout).ok());
    output.map_or("unknown".to_owned(), |text| text.trim().to_owned())
}

fn cpu_model() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("unknown processor".to_owned(), |(_, model)| model.to_owned())
}

/// The version of a package in a `Cargo.lock`.
pub(crate) fn locked_version<'a>(lock: &'a str, package: &str) -> &'a str {
    lock.split_once(&format!("name = \"{package}\"\nversion = \""))
        .and_then(|(_, rest)| rest.split('"').next())
        .unwrap_or("unknown")
}

/// Puts the figures that `target` of the Makefile measures into this section of the README, in place of those
/// that are there.
pub(crate) fn write(target: &str, section: &str, figures: &str) -> io::Result<()> {
    let begin = format!("<!-- {section}: begin (written by make {target}) -->");
    let end = format!("<!-- {section}: end -->");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(README);
    let text = fs::read_to_string(&path)?;
    let parts = text.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let Some((before, after)) = parts else {
        return Err(io::Error::other(format!("{README} has lost its lines {begin} and {end}")));
    };
    fs::write(path, format!("{before}{begin}\n{}\n{end}{after}", figures.trim_end()))
}
