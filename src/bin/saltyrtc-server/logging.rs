//! Logs to standard error.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, reload};

use crate::args::LogOptions;
use crate::values::LogFormat;

/// Changes how much is logged.
pub(crate) struct Logging {
    handle: reload::Handle<Targets, Registry>,
}

/// Starts to log.
pub(crate) fn start(options: &LogOptions) -> Logging {
    let (filter, handle) = reload::Layer::new(filter(options.verbosity));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer().with_writer(std::io::stderr);
    match options.log_format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_ansi(false)).init(),
        LogFormat::Text => {
            // Who asks for colours gets them in files too, but on Windows only a terminal shows them.
            let colored = options.colored && (std::io::stderr().is_terminal() || !cfg!(windows));
            registry.with(lines.with_ansi(colored)).init();
        }
    }
    Logging { handle }
}

impl Logging {
    pub(crate) fn set(&self, verbosity: u8) {
        // The only error is that nobody logs any more.
        let _ = self.handle.reload(filter(verbosity));
    }
}

/// The levels of the Python server. It has seven, of which two pairs mean the same here.
const fn level(verbosity: u8) -> LevelFilter {
    match verbosity {
        0 => LevelFilter::OFF,
        1 | 2 => LevelFilter::ERROR,
        3 => LevelFilter::WARN,
        4 | 5 => LevelFilter::INFO,
        6 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

/// Of other crates only warnings and errors are logged: below that they tell about peers and their data.
fn filter(verbosity: u8) -> Targets {
    let level = level(verbosity);
    // A target stands for all that begin like it: this one for the library and for the program.
    Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("saltyrtc", level)
}
