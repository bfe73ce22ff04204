//! Settings from three places: arguments, then environment variables, then a TOML file. The first
//! place that has a setting decides it.
//!
//! The list of settings is the command line's own: `--deadline-ms` is the variable
//! `EDGE_HOST_DEADLINE_MS` and the key `deadline-ms`. The program reads the variables and the file
//! into arguments, which clap then checks like any other.

use std::{collections::BTreeMap, ffi::OsString, fmt::Write, fs, path::Path};

use clap::{Arg, ArgAction, ArgMatches, Command, error::ErrorKind, parser::ValueSource};
use toml::{Table, Value};

/// The option that names the file.
const FILE: &str = "config";
/// The beginning of the names of variables.
const PREFIX: &str = "EDGE_HOST_";

/// Where a setting stands, for messages: `EDGE_HOST_QUEUE`, or `/etc/edge-host.toml: queue`.
type Place = String;

/// The arguments of a command, completed by variables and a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Completed {
    /// The program's name, the command, the settings of the file and the variables, and the user's
    /// own arguments.
    pub(crate) arguments: Vec<OsString>,
    /// The place of each setting that does not come from an argument, by its option.
    places: BTreeMap<String, Place>,
}

/// How often and with what an option may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Switch,
    Once,
    Repeated,
}

impl Completed {
    /// Arguments as they are.
    pub(crate) fn plain(arguments: Vec<OsString>) -> Self {
        Self { arguments, places: BTreeMap::new() }
    }

    /// Completes `arguments`: the program's name, the name of `command`, and options. `variable`
    /// reads the environment.
    ///
    /// # Errors
    /// A file that cannot be read, and a setting that is unknown or wrong; the message names the
    /// place and the value.
    pub(crate) fn of(
        arguments: Vec<OsString>,
        command: &Command,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, String> {
        let head = arguments.len().min(2);
        let own = &arguments[head..];
        let variable = |option: &str| {
            // An empty variable is as good as none: compose files leave such ones behind.
            Some((name(option), variable(&name(option)).filter(|value| !value.is_empty())?))
        };
        let mut all = Self::plain(arguments[..head].to_vec());
        let file = match argument(own, FILE) {
            Some(path) => Some((format!("--{FILE}"), path)),
            None => variable(FILE),
        };
        let table = file.map(|(place, path)| read(&place, Path::new(&path))).transpose()?;
        let (path, mut table) = table.unwrap_or_default();
        for option in options(command) {
            let kind = Kind::of(option);
            let Some(option) = option.get_long().filter(|option| *option != FILE) else { continue };
            let value = table.remove(option);
            if argument(own, option).is_some() {
                continue;
            }
            let (place, values) = match (variable(option), value) {
                (Some((place, value)), _) => {
                    let values = kind.of_variable(value).map_err(|problem| format!("{place}: {problem}"))?;
                    (place, values)
                }
                (None, Some(value)) => {
                    let place = format!("{path}: {option}");
                    let values = kind.of_toml(&value).map_err(|problem| format!("{place}: {problem}"))?;
                    (place, values)
                }
                (None, None) => continue,
            };
            let words: Vec<OsString> = values.into_iter().map(|value| word(option, value)).collect();
            check(command, &words).map_err(|problem| format!("{place}: {problem}"))?;
            all.arguments.extend(words);
            all.places.insert(option.to_owned(), place);
        }
        if let Some(key) = table.keys().next() {
            let known: Vec<&str> =
                options(command).filter_map(Arg::get_long).filter(|o| *o != FILE).collect();
            return Err(format!("{path}: there is no setting {key}; there are {}", known.join(", ")));
        }
        all.arguments.extend_from_slice(own);
        Ok(all)
    }

    /// All settings as a TOML file, each with the place that decided it. `matches` are those of the
    /// completed arguments.
    pub(crate) fn shown(&self, command: &Command, matches: &ArgMatches) -> String {
        let mut text = String::new();
        for option in options(command) {
            let (Some(long), id) = (option.get_long(), option.get_id().as_str()) else { continue };
            if long == FILE {
                continue;
            }
            let values: Vec<String> = matches
                .get_raw(id)
                .map(|values| values.map(|value| value.to_string_lossy().into_owned()).collect())
                .unwrap_or_default();
            let place = match matches.value_source(id) {
                Some(ValueSource::CommandLine) => {
                    self.places.get(long).cloned().unwrap_or_else(|| format!("--{long}"))
                }
                Some(_) => "default".to_owned(),
                None => "not set".to_owned(),
            };
            let value = match Kind::of(option) {
                Kind::Repeated => {
                    format!("[{}]", values.iter().map(|value| toml(value)).collect::<Vec<_>>().join(", "))
                }
                _ => values.first().map(|value| toml(value)).unwrap_or_default(),
            };
            // Writing to a string cannot fail.
            let _ = if values.is_empty() {
                writeln!(text, "# {long}: {place}")
            } else {
                writeln!(text, "{long} = {value}  # {place}")
            };
        }
        text
    }
}

/// A table in Markdown of all settings of a command.
pub(crate) fn table(command: &Command) -> String {
    let mut text = String::from("| option | key | variable | default | |\n|---|---|---|---|---|\n");
    for option in options(command) {
        let Some(long) = option.get_long() else { continue };
        let value = option.get_value_names().filter(|_| Kind::of(option) != Kind::Switch);
        let value = value.map(|names| format!(" {}", names.join(" "))).unwrap_or_default();
        let defaults: Vec<String> = option
            .get_default_values()
            .iter()
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect();
        let default = if Kind::of(option) == Kind::Switch { String::new() } else { defaults.join(", ") };
        let key = if long == FILE { String::new() } else { format!("`{long}`") };
        let help = option.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
        let name = name(long);
        let _ = writeln!(text, "| `--{long}{value}` | {key} | `{name}` | {default} | {help} |");
    }
    text
}

/// The options of a command but `--help` and `--version`.
fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|option| {
        let action = option.get_action();
        option.get_long().is_some() && !matches!(action, ArgAction::Help | ArgAction::Version)
    })
}

/// The variable of an option.
fn name(option: &str) -> String {
    format!("{PREFIX}{}", option.to_ascii_uppercase().replace('-', "_"))
}

/// The value of an option among arguments, which is empty for a switch.
fn argument(arguments: &[OsString], option: &str) -> Option<OsString> {
    let (alone, prefix) = (format!("--{option}"), format!("--{option}="));
    arguments.iter().enumerate().find_map(|(place, argument)| {
        if *argument == *alone {
            return Some(arguments.get(place + 1).cloned().unwrap_or_default());
        }
        // An option's name is ASCII, so its end is a boundary within any argument.
        argument.to_str()?.strip_prefix(&prefix).map(OsString::from)
    })
}

/// An option with its value as one argument; a switch has no value.
fn word(option: &str, value: Option<OsString>) -> OsString {
    let mut word = OsString::from(format!("--{option}"));
    if let Some(value) = value {
        word.push("=");
        word.push(value);
    }
    word
}

/// The file's path, and the table in it.
fn read(place: &str, path: &Path) -> Result<(String, Table), String> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| format!("{place} {shown}: {error}"))?;
    let table = text.parse::<Table>().map_err(|error| format!("{shown}: {error}"))?;
    Ok((shown, table))
}

/// Lets clap look at the value of one setting.
fn check(command: &Command, words: &[OsString]) -> Result<(), String> {
    let name = OsString::from(command.get_name());
    let alone = command.clone().try_get_matches_from(std::iter::once(&name).chain(words));
    match alone {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) => {
            let message = error.render().to_string();
            let message = message.trim_start_matches("error: ");
            Err(message.split("\n\nFor more").next().unwrap_or_default().trim_end().to_owned())
        }
        // Other settings, which this one needs, are not there.
        _ => Ok(()),
    }
}

/// A value as TOML writes it.
fn toml(value: &str) -> String {
    match value {
        "true" | "false" => value.to_owned(),
        _ if value.parse::<f64>().is_ok_and(f64::is_finite) && !value.starts_with('+') => value.to_owned(),
        // A string in JSON is one in TOML.
        _ => serde_json::Value::from(value).to_string(),
    }
}

impl Kind {
    fn of(option: &Arg) -> Self {
        match option.get_action() {
            ArgAction::SetTrue => Self::Switch,
            ArgAction::Append => Self::Repeated,
            _ => Self::Once,
        }
    }

    /// The values in a variable. Those of an option that may be repeated are separated by commas.
    fn of_variable(self, value: OsString) -> Result<Vec<Option<OsString>>, String> {
        match self {
            Self::Once => Ok(vec![Some(value)]),
            Self::Switch => match value.to_str() {
                Some("true" | "1") => Ok(vec![None]),
                Some("false" | "0") => Ok(Vec::new()),
                _ => Err(format!("expected true or false, got {value:?}")),
            },
            Self::Repeated => {
                let Some(text) = value.to_str() else { return Err(format!("{value:?} is not UTF-8")) };
                Ok(text.split(',').map(|one| Some(one.trim().into())).collect())
            }
        }
    }

    /// The values in a file.
    fn of_toml(self, value: &Value) -> Result<Vec<Option<OsString>>, String> {
        match (self, value) {
            (Self::Switch, Value::Boolean(true)) => Ok(vec![None]),
            (Self::Switch, Value::Boolean(false)) => Ok(Vec::new()),
            (Self::Once, value) => scalar(value).map(|value| vec![Some(value)]),
            (Self::Repeated, Value::Array(values)) => {
                values.iter().map(|value| scalar(value).map(Some)).collect()
            }
            (Self::Switch, value) => Err(format!("expected true or false, got {}", kind(value))),
            (Self::Repeated, value) => Err(format!("expected an array, got {}", kind(value))),
        }
    }
}

fn scalar(value: &Value) -> Result<OsString, String> {
    match value {
        Value::String(text) => Ok(text.into()),
        Value::Integer(number) => Ok(number.to_string().into()),
        Value::Float(number) => Ok(number.to_string().into()),
        other => Err(format!("expected a string or a number, got {}", kind(other))),
    }
}

/// A value's kind, and the value where it is short.
fn kind(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the string {text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(value) => value.to_string(),
        Value::Datetime(_) => "a time".to_owned(),
        Value::Array(values) => format!("an array of {}", values.len()),
        Value::Table(_) => "a table".to_owned(),
    }
}

#[cfg(test)]
mod tests;
