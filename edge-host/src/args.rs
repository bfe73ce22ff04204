//! The command line.

use std::{ffi::OsString, num::NonZeroUsize, path::PathBuf, time::Duration};

use lexopt::prelude::*;

use crate::{
    config::{Backend, Config},
    cors::is_origin,
};

/// What `--help` prints.
pub const HELP: &str = "\
edge-host: ranks for a person over HTTP

  edge-host serve --model DIR [--module FILE.wasm] [options]
  edge-host open --model DIR --component FILE.wasm --out FILE.wasm

serve: the daemon
  --model DIR            folder with model.lockstep, tokenizer.json and lockstep.json
  --module FILE          the WebAssembly module, to score in
  --backend NAME         native or wasm: where to score (wasm where there is a --module)
  --listen ADDR          address and port (127.0.0.1:8080)
  --instances N          instances of the module, or cores to use natively (all)
  --queue N              requests that may wait (64)
  --deadline-ms N        from a request to its answer (10000)
  --read-timeout-ms N    for a client to send or to read (20000)
  --drain-ms N           for requests under way at shutdown (15000)
  --max-body-bytes N     of a request (4194304)
  --max-memory-bytes N   of one instance (2147483648)
  --max-connections N    at one time (512)
  --untrusted-module     end the module at any point, not only between pieces of a batch; slower
  --cache-dir DIR        keep the compiled module here
  --allow-origin ORIGIN  whose pages may read the answers, * for all; may be repeated (none)
  --log                  a line on stderr for each request

open: a Spin component with the model open in it

  --model DIR            as above
  --component FILE       the component, without a model
  --out FILE             the component to write
";

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Serve on an address.
    Serve {
        /// `host:port`
        listen: String,
        /// The rest.
        config: Box<Config>,
    },
    /// Write a component with the model open in it.
    Open {
        /// The model folder.
        model: PathBuf,
        /// The component without a model.
        component: PathBuf,
        /// Where to write.
        out: PathBuf,
    },
    /// Print [`HELP`].
    Help,
    /// Print the version.
    Version,
}

/// A command line that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} (see edge-host --help)")]
pub struct UsageError(String);

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

/// Reads the arguments that follow the program's name.
///
/// # Errors
///
/// [`UsageError`] names the argument and the value.
pub fn parse(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Command, UsageError> {
    let mut parser = lexopt::Parser::from_args(arguments);
    match parser.next()? {
        Some(Value(command)) if command == "serve" => serve(&mut parser),
        Some(Value(command)) if command == "open" => open(&mut parser),
        Some(Value(command)) => {
            let command = command.to_string_lossy();
            Err(UsageError(format!("no such command: {command}; there are serve and open")))
        }
        Some(Long("help") | Short('h')) => Ok(Command::Help),
        Some(Long("version") | Short('V')) => Ok(Command::Version),
        Some(other) => Err(other.unexpected().into()),
        None => Err(UsageError("a command is missing: serve or open".into())),
    }
}

fn missing(name: &str) -> UsageError {
    UsageError(format!("{name} is missing"))
}

fn open(parser: &mut lexopt::Parser) -> Result<Command, UsageError> {
    let (mut model, mut component, mut out) = (None, None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("model") => model = Some(PathBuf::from(parser.value()?)),
            Long("component") => component = Some(PathBuf::from(parser.value()?)),
            Long("out") => out = Some(PathBuf::from(parser.value()?)),
            Long("help") | Short('h') => return Ok(Command::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Open {
        model: model.ok_or_else(|| missing("--model DIR"))?,
        component: component.ok_or_else(|| missing("--component FILE"))?,
        out: out.ok_or_else(|| missing("--out FILE"))?,
    })
}

fn serve(parser: &mut lexopt::Parser) -> Result<Command, UsageError> {
    let (mut model, mut module, mut backend) = (None, None, None);
    let mut listen = "127.0.0.1:8080".to_owned();
    let mut config = Config::new("", "");
    while let Some(argument) = parser.next()? {
        match argument {
            Long("model") => model = Some(PathBuf::from(parser.value()?)),
            Long("module") => module = Some(PathBuf::from(parser.value()?)),
            Long("backend") => backend = Some(named(parser)?),
            Long("listen") => listen = parser.value()?.string()?,
            Long("instances") => config.instances = count(parser, "--instances")?,
            Long("queue") => config.queue = whole(parser, "--queue", 0)?,
            Long("deadline-ms") => config.deadline = time(parser, "--deadline-ms")?,
            Long("read-timeout-ms") => config.read_timeout = time(parser, "--read-timeout-ms")?,
            Long("drain-ms") => config.drain = time(parser, "--drain-ms")?,
            Long("max-body-bytes") => {
                config.max_body_bytes = whole(parser, "--max-body-bytes", 1)?;
            }
            Long("max-memory-bytes") => {
                config.max_memory_bytes = whole(parser, "--max-memory-bytes", 1)?;
            }
            Long("max-connections") => {
                config.max_connections = count(parser, "--max-connections")?;
            }
            Long("untrusted-module") => config.untrusted_module = true,
            Long("cache-dir") => config.cache_dir = Some(parser.value()?.into()),
            Long("allow-origin") => config.allow_origins.push(origin(parser)?),
            Long("log") => config.log = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    config.model = model.ok_or_else(|| missing("--model DIR"))?;
    // A module that is given is to be used; without one there is one backend.
    config.backend = backend.unwrap_or(if module.is_some() { Backend::Wasm } else { Backend::Native });
    config.module = match config.backend {
        Backend::Wasm => module.ok_or_else(|| missing("--module FILE"))?,
        Backend::Native => PathBuf::new(),
    };
    Ok(Command::Serve { listen, config: Box::new(config) })
}

fn named(parser: &mut lexopt::Parser) -> Result<Backend, UsageError> {
    let value = parser.value()?.string()?;
    match value.as_str() {
        "native" => Ok(Backend::Native),
        "wasm" => Ok(Backend::Wasm),
        _ => Err(UsageError(format!("--backend: expected native or wasm, got {value:?}"))),
    }
}

fn origin(parser: &mut lexopt::Parser) -> Result<String, UsageError> {
    let value = parser.value()?.string()?;
    if is_origin(&value) {
        return Ok(value);
    }
    Err(UsageError(format!(
        "--allow-origin: expected * or an origin like https://shop.example, got {value:?}"
    )))
}

/// A whole number from `least` to 2^32 - 1, which is beyond every sensible setting.
fn whole(parser: &mut lexopt::Parser, name: &str, least: usize) -> Result<usize, UsageError> {
    let value = parser.value()?.string()?;
    let number = value.parse::<u32>().ok().map(|number| number as usize);
    number.filter(|&number| number >= least).ok_or_else(|| {
        let most = u32::MAX;
        UsageError(format!("{name}: expected a whole number from {least} to {most}, got {value:?}"))
    })
}

fn count(parser: &mut lexopt::Parser, name: &str) -> Result<NonZeroUsize, UsageError> {
    let number = whole(parser, name, 1)?;
    Ok(NonZeroUsize::new(number.min(1 << 16)).unwrap_or(NonZeroUsize::MIN))
}

fn time(parser: &mut lexopt::Parser, name: &str) -> Result<Duration, UsageError> {
    Ok(Duration::from_millis(whole(parser, name, 1)? as u64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_setting_arrives() {
        let line = "serve --model m --module=x.wasm --listen [::1]:0 --instances 3 --queue 0 \
                    --deadline-ms 5 --read-timeout-ms 6 --drain-ms 7 --max-body-bytes 8 \
                    --max-memory-bytes 9 --max-connections 10 --cache-dir c --allow-origin https://a.example \
                    --allow-origin * --log";
        let config = Config {
            cache_dir: Some("c".into()),
            instances: NonZeroUsize::new(3).unwrap(),
            queue: 0,
            max_body_bytes: 8,
            deadline: Duration::from_millis(5),
            read_timeout: Duration::from_millis(6),
            drain: Duration::from_millis(7),
            max_connections: NonZeroUsize::new(10).unwrap(),
            max_memory_bytes: 9,
            allow_origins: vec!["https://a.example".into(), "*".into()],
            log: true,
            ..Config::new("m", "x.wasm")
        };
        let expected = Command::Serve { listen: "[::1]:0".into(), config: Box::new(config) };
        assert_eq!(read(line), Ok(expected));
    }

    #[test]
    fn the_rest_is_default() {
        let expected =
            Command::Serve { listen: "127.0.0.1:8080".into(), config: Box::new(Config::new("m", "x")) };
        assert_eq!(read("serve --model m --module x"), Ok(expected));
        let expected =
            Command::Serve { listen: "127.0.0.1:8080".into(), config: Box::new(Config::native("m")) };
        assert_eq!(read("serve --model m"), Ok(expected.clone()));
        assert_eq!(read("serve --model m --module x --backend native"), Ok(expected));
        let expected = Command::Open { model: "m".into(), component: "c".into(), out: "o".into() };
        assert_eq!(read("open --model m --component c --out o"), Ok(expected));
        assert_eq!(read("--help"), Ok(Command::Help));
        assert_eq!(read("serve -h"), Ok(Command::Help));
        assert_eq!(read("--version"), Ok(Command::Version));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            ("", "a command is missing"),
            ("server", "no such command: server"),
            ("--model m", "'--model'"),
            ("serve --module x", "--model DIR is missing"),
            ("serve --model m --backend wasm", "--module FILE is missing"),
            ("open --model m --out c", "--component FILE is missing"),
            ("open --model m --component c", "--out FILE is missing"),
            ("open --module x", "'--module'"),
            ("serve --model m --backend gpu", "--backend: expected native or wasm, got \"gpu\""),
            ("serve --model", "'--model'"),
            ("serve --modle m", "'--modle'"),
            ("serve extra", "\"extra\""),
            ("serve --instances 0", "--instances: expected a whole number from 1"),
            ("serve --queue -1", "got \"-1\""),
            ("serve --deadline-ms soon", "got \"soon\""),
            ("serve --max-body-bytes 4294967296", "got \"4294967296\""),
            ("serve --allow-origin https://a.example/", "got \"https://a.example/\""),
            ("serve --log=yes", "'--log'"),
        ] {
            let message = read(line).unwrap_err();
            assert!(message.contains(part), "{line}: {message}");
        }
    }
}
