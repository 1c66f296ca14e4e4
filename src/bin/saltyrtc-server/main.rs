//! `saltyrtc-server`: the signalling server as a program for operators.
//!
//! What it does is in `docs/operating.md`. This crate root only starts the commands; the server itself
//! is [`saltyrtc::server`].

mod admin;
mod args;
mod check;
mod default_config;
mod descriptors;
mod error;
mod generate;
mod healthcheck;
mod key_file;
mod library;
mod logging;
mod man;
mod memory;
mod notify;
mod permanent_key;
// The same as in the server of the library, which does not show it.
#[path = "../../server/rarely.rs"]
mod rarely;
mod serve;
mod signals;
mod sockets;
mod sources;
mod tls;
mod values;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory as _};

use crate::args::{Cli, Command};
use crate::error::CommandError;
use crate::sources::Sources;

fn main() -> ExitCode {
    let command = args::command();
    let matches = match command.try_get_matches_from(args::python_options(std::env::args_os())) {
        Ok(matches) => matches,
        // Help and version are "errors" of this kind too, with exit code 0.
        Err(error) => error.exit(),
    };
    match run(matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "saltyrtc-server: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(matches: ArgMatches) -> Result<(), CommandError> {
    let Some((_, options)) = matches.subcommand() else {
        return Err(CommandError::new("no command was given; see saltyrtc-server --help"));
    };
    // Without variables whose names are not UTF-8: the program has none.
    let environment: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .collect();
    match Command::of(&matches)? {
        Command::Serve(_) => serve::serve(Sources::new(options, environment)),
        Command::CheckConfig(_) => check::check(&Sources::new(options, environment)),
        Command::Healthcheck(_) => healthcheck::healthcheck(&Sources::new(options, environment)),
        Command::Generate { key_file } => generate::generate(&key_file),
        Command::DefaultConfig => print(default_config::text().as_bytes()),
        Command::Version => print(
            format!(
                "Version: {}\nProtocols: {}\n",
                env!("CARGO_PKG_VERSION"),
                saltyrtc::protocol::SUBPROTOCOL
            )
            .as_bytes(),
        ),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), args::NAME, &mut script);
            print(&script)
        }
        Command::Man => {
            let mut page = Vec::new();
            man::page(&mut page).map_err(|error| {
                CommandError::new(format!("the manual page was not made: {error}"))
            })?;
            print(&page)
        }
    }
}

/// Writes the output of a command. A reader that has seen enough (`| head`) is no error.
fn print(text: &[u8]) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CommandError::new(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// The environment variables.
type Environment = BTreeMap<String, OsString>;
