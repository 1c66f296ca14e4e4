//! The configuration file of the server program: any text is one, or is refused with the place of the mistake.
//!
//! `cargo +nightly fuzz run --features server server_config`

#![no_main]
#![allow(dead_code, reason = "the program uses all of it")]

#[path = "../../src/bin/saltyrtc-server/args.rs"]
mod args;
#[path = "../../src/bin/saltyrtc-server/error.rs"]
mod error;
#[path = "../../src/bin/saltyrtc-server/sources.rs"]
mod sources;
#[path = "../../src/bin/saltyrtc-server/values.rs"]
mod values;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::CommandFactory as _;
use libfuzzer_sys::fuzz_target;
use saltyrtc_fuzz::reached::Reached;

/// The environment variables.
type Environment = BTreeMap<String, OsString>;

static REACHED: Reached<5> =
    Reached::new(["taken", "an old name", "not TOML", "an unknown key", "a wrong value"]);

/// The program reads its configuration from a file.
static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("saltyrtc-fuzz-{}", std::process::id())));

fuzz_target!(|data: &[u8]| {
    REACHED.begin();
    std::fs::write(&*FILE, data).expect("a file in the directory for such files");
    let arguments = [args::NAME.into(), "serve".into(), "--config".into(), FILE.clone().into()];
    let arguments: [OsString; 4] = arguments;
    let matches = args::command().try_get_matches_from(arguments).expect("good arguments");
    let (_, options) = matches.subcommand().expect("there is one");
    let loaded = sources::Sources::new(options, Environment::new()).load();
    std::fs::remove_file(&*FILE).expect("the file that was written");
    match loaded {
        Ok(loaded) => {
            REACHED.mark(if loaded.warnings.is_empty() { "taken" } else { "an old name" });
            // Whatever was set has a place, and so does what is said about it later.
            for arg in args::AllOptions::command().get_arguments() {
                let origin = loaded.origin(sources::key(arg)).to_string();
                assert_eq!(
                    origin.contains(", line "),
                    loaded.is_set(sources::key(arg)),
                    "{origin}"
                );
            }
        }
        Err(error) => {
            let error = error.to_string();
            let unreadable = std::str::from_utf8(data).is_err();
            assert!(unreadable || error.contains(" line "), "{error}");
            assert!(error.contains(&*FILE.to_string_lossy()), "{error}");
            let kinds = [("is not TOML", "not TOML"), ("unknown key", "an unknown key")];
            let kind = kinds.iter().find(|(text, _)| error.contains(text));
            if !unreadable {
                REACHED.mark(kind.map_or("a wrong value", |(_, name)| name));
            }
        }
    }
});
