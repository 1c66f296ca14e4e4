//! Where options come from: command line, environment variables, file; and which one counts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory as _, Parser as _};
use toml::de::{DeTable, DeValue};

use crate::Environment;
use crate::args::AllOptions;
use crate::error::CommandError;

/// Options that may be given more than once: what separates them in an environment variable.
/// (For permanent keys, the colon is what the Python server uses.)
const SEPARATORS: [(&str, char); 2] = [("key", ':'), ("trusted_proxy", ',')];

/// What the variables of all options of `serve` begin with.
const SERVE_VARIABLES: &str = "SALTYRTC_SERVER_SERVE_";
const CONFIG_VARIABLE: &str = "SALTYRTC_SERVER_SERVE_CONFIG";

/// All sources of options. They can be read again later, when the file has changed.
pub(crate) struct Sources {
    command_line: BTreeMap<String, Vec<OsString>>,
    file: Option<(PathBuf, Origin)>,
    environment: Environment,
}

/// The options from all sources, and where each of them came from.
#[derive(Debug)]
pub(crate) struct LoadedOptions {
    pub(crate) options: AllOptions,
    origins: BTreeMap<String, Origin>,
    /// What the operator should know, without being an error.
    pub(crate) warnings: Vec<String>,
}

/// Where the value of an option came from, in the words of the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    CommandLine(String),
    Environment(String),
    File { key: String, file: PathBuf, line: usize },
    Default(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine(option) => write!(f, "option --{option}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File { key, file, line } => {
                write!(f, "key '{key}' in the file {}, line {line}", file.display())
            }
            Self::Default(option) => write!(f, "option --{option} (its default)"),
        }
    }
}

impl Sources {
    /// `options` are those of a command that has the options of `serve` or some of them.
    pub(crate) fn new(options: &ArgMatches, environment: Environment) -> Self {
        let mut command_line = BTreeMap::new();
        for id in options.ids().map(clap::Id::as_str) {
            // Groups have no source.
            if options.try_get_raw(id).is_ok()
                && options.value_source(id) == Some(ValueSource::CommandLine)
            {
                let values = options.get_raw(id).unwrap_or_default().map(OsString::from).collect();
                command_line.insert(id.to_owned(), values);
            }
        }
        let from_command_line = command_line
            .remove("config")
            .and_then(|mut values: Vec<OsString>| values.pop())
            .map(|path| (path, Origin::CommandLine("config".to_owned())));
        let name = CONFIG_VARIABLE;
        let from_environment = || {
            let path = environment.get(name).filter(|path| !path.is_empty())?;
            Some((path.clone(), Origin::Environment(name.to_owned())))
        };
        let file = from_command_line
            .or_else(from_environment)
            .map(|(path, origin)| (PathBuf::from(path), origin));
        Self { command_line, file, environment }
    }

    /// A variable that is set to something.
    pub(crate) fn variable(&self, name: &str) -> Option<OsString> {
        self.environment.get(name).filter(|value| !value.is_empty()).cloned()
    }

    pub(crate) const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Reads all sources.
    ///
    /// # Errors
    ///
    /// The first value that is wrong, with the place where it is written.
    pub(crate) fn load(&self) -> Result<LoadedOptions, CommandError> {
        let definition = AllOptions::command();
        let mut chosen: BTreeMap<String, (Vec<OsString>, Origin)> = BTreeMap::new();
        let mut warnings = Vec::new();
        if let Some((file, origin)) = &self.file {
            chosen.extend(from_file(&definition, file, origin)?);
        }
        for arg in definition.get_arguments() {
            let name = variable(arg);
            if let Some(value) = self.variable(&name) {
                let values = split(arg, value);
                let origin = Origin::Environment(name);
                // Each alone, although all are parsed together in the end: only so it is known where a
                // wrong value is written.
                check(arg, &values, &origin)?;
                chosen.insert(arg.get_id().to_string(), (values, origin));
            }
        }
        let known = |name: &String| {
            name == CONFIG_VARIABLE || definition.get_arguments().any(|arg| variable(arg) == *name)
        };
        let unknown = self.environment.keys().filter(|name| name.starts_with(SERVE_VARIABLES));
        for name in unknown.filter(|name| !known(name)) {
            warnings.push(format!(
                "environment variable {name} has no effect: there is no such option; see \
                 saltyrtc-server default-config"
            ));
        }
        for (id, values) in &self.command_line {
            let long = definition.get_arguments().find(|arg| arg.get_id() == id.as_str());
            if let Some(long) = long.and_then(Arg::get_long) {
                let origin = Origin::CommandLine(long.to_owned());
                chosen.insert(id.clone(), (values.clone(), origin));
            }
        }
        let mut arguments = Vec::new();
        let mut origins = BTreeMap::new();
        for arg in definition.get_arguments() {
            let id = arg.get_id().to_string();
            if let Some((values, origin)) = chosen.remove(&id) {
                arguments.extend(values.iter().map(|value| argument(arg, value)));
                // Only options with an old name are hidden.
                if arg.is_hide_set() {
                    let name = key(arg).replace("ssl", "tls");
                    warnings.push(format!("{origin}: this name is old; it is {name} now"));
                }
                origins.insert(id, origin);
            }
        }
        let options = AllOptions::try_parse_from(arguments)
            .map_err(|error| CommandError::new(text(&error)))?;
        Ok(LoadedOptions { options, origins, warnings })
    }
}

impl LoadedOptions {
    /// Where the value of the option with this long name is written.
    pub(crate) fn origin(&self, option: &str) -> Origin {
        let id = if option == "loop" { "event_loop".to_owned() } else { option.replace('-', "_") };
        self.origins.get(&id).cloned().unwrap_or_else(|| Origin::Default(option.to_owned()))
    }

    /// Whether somebody has set the option, in whatever way.
    pub(crate) fn is_set(&self, option: &str) -> bool {
        !matches!(self.origin(option), Origin::Default(_))
    }
}

/// The key of an option in the file.
pub(crate) fn key(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_default()
}

/// The environment variable of an option.
pub(crate) fn variable(arg: &Arg) -> String {
    let command = if arg.is_global_set() { "" } else { "SERVE_" };
    format!("SALTYRTC_SERVER_{command}{}", key(arg).replace('-', "_").to_uppercase())
}

/// Whether an option can be given more than once.
pub(crate) fn is_list(arg: &Arg) -> bool {
    SEPARATORS.iter().any(|(id, _)| arg.get_id() == id)
}

fn split(arg: &Arg, value: OsString) -> Vec<OsString> {
    let separator = SEPARATORS.iter().find(|(id, _)| arg.get_id() == id);
    match (separator, value.to_str()) {
        (Some((_, separator)), Some(text)) => {
            text.split(*separator).map(str::trim).map(OsString::from).collect()
        }
        _ => vec![value],
    }
}

/// In one argument, so that a value that begins with a dash is not taken for an option.
fn argument(arg: &Arg, value: &OsString) -> OsString {
    let mut argument = OsString::from(format!("--{}=", key(arg)));
    argument.push(value);
    argument
}

/// Whether the values are such that the option takes them.
fn check(arg: &Arg, values: &[OsString], origin: &Origin) -> Result<(), CommandError> {
    let arguments = values.iter().map(|value| argument(arg, value));
    match AllOptions::try_parse_from(arguments) {
        Ok(_) => Ok(()),
        Err(error) => Err(CommandError::new(format!("{origin}: {}", text(&error)))),
    }
}

/// What clap says, without what only makes sense on a command line.
fn text(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let end = text.find("\n\nUsage").or_else(|| text.find("\n\nFor more"));
    text[..end.unwrap_or(text.len())].trim_end().to_owned()
}

type Values = Vec<(String, (Vec<OsString>, Origin))>;

fn from_file(
    definition: &clap::Command,
    file: &Path,
    origin: &Origin,
) -> Result<Values, CommandError> {
    let fail =
        |what: String| CommandError::new(format!("the file {} ({origin}) {what}", file.display()));
    let content = std::fs::read_to_string(file).map_err(|error| {
        fail(format!("cannot be read: {error}; check its name and permissions"))
    })?;
    let table = DeTable::parse(&content).map_err(|error| {
        let line = error
            .span()
            .map_or(String::new(), |span| format!(" in line {}", line(&content, span.start)));
        fail(format!("is not TOML{line}: {}; see saltyrtc-server default-config", error.message()))
    })?;
    let mut found = Vec::new();
    for (name, value) in table.get_ref() {
        let line = line(&content, name.span().start);
        let name = name.get_ref().as_ref();
        let arg = definition.get_arguments().find(|arg| key(arg) == name).ok_or_else(|| {
            fail(format!(
                "has the unknown key '{name}' in line {line}; see saltyrtc-server default-config for those there are"
            ))
        })?;
        let origin = Origin::File { key: name.to_owned(), file: file.to_owned(), line };
        let values = match value.get_ref() {
            DeValue::Array(list) if is_list(arg) => {
                list.iter().map(|value| scalar(value.get_ref())).collect()
            }
            single => scalar(single).map(|value| vec![value]),
        };
        let values: Vec<OsString> = values.ok_or_else(|| {
            let kind = value.get_ref().type_str();
            CommandError::new(format!(
                "{origin}: a value of this type ({kind}) is not expected here"
            ))
        })?;
        check(arg, &values, &origin)?;
        found.push((arg.get_id().to_string(), (values, origin)));
    }
    Ok(found)
}

fn scalar(value: &DeValue<'_>) -> Option<OsString> {
    match value {
        DeValue::String(text) => Some(text.as_ref().into()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().into()),
        DeValue::Boolean(flag) => Some(flag.to_string().into()),
        _ => None,
    }
}

fn line(content: &str, offset: usize) -> usize {
    let before = content.get(..offset).unwrap_or_default();
    before.matches('\n').count() + 1
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
