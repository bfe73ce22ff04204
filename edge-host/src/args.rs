//! The command line.

use std::{
    ffi::OsString,
    io,
    net::IpAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{
    Args, CommandFactory, FromArgMatches, Parser, Subcommand, builder::TypedValueParser, error::ErrorKind,
};

use lockstep_accel_driver::CardAddress;
use lockstep_rank::cors::is_origin;

use crate::{
    collector::Collector,
    config::{Backend, Config, TlsFiles},
    packing::PackSource,
    settings::{self, Completed},
};

/// What the program shall do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Serve on an address.
    Serve {
        /// `host:port`
        listen: String,
        /// All other settings.
        config: Box<Config>,
    },
    /// Print these settings, each with the place that decided it, once the files are checked.
    Check {
        /// The settings, as a TOML file.
        shown: String,
        /// The settings.
        config: Box<Config>,
    },
    /// Print this table of all settings.
    Settings(String),
    /// Make a key.
    NewKey {
        /// The key's name.
        name: String,
    },
    /// Write the manual pages into this folder.
    Manual(PathBuf),
    /// Write a component with the model open in it.
    Open {
        /// The model folder.
        model: PathBuf,
        /// The component without a model.
        component: PathBuf,
        /// The file to write.
        out: PathBuf,
    },
    /// Write a vector pack.
    Pack {
        /// The model folder.
        model: PathBuf,
        /// The items.
        source: PackSource,
        /// The file to write.
        out: PathBuf,
    },
}

#[derive(Parser)]
#[command(name = "edge-host", version, about = "Ranks for a person over HTTP", flatten_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Chosen,
}

#[derive(Subcommand)]
enum Chosen {
    /// Serve requests over HTTP
    Serve(Serve),
    /// Check the settings and the files that they name, and print the settings
    CheckConfig(Serve),
    /// Print all settings as a table in Markdown
    Settings,
    /// Make an API key: prints its entry for the file of keys, and the key itself on stderr
    NewKey {
        /// The key's name in logs and metrics
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// Write the manual pages into a folder, which must exist
    Man {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Write a Spin component with the model open in it
    Open(Open),
    /// Write a vector pack: the vectors of a catalogue as one file
    Pack(Pack),
}

#[derive(Args)]
struct Open {
    /// Folder with model.lockstep, tokenizer.json and lockstep.json
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// The component without a model
    #[arg(long, value_name = "FILE")]
    component: PathBuf,
    /// The component to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
struct Pack {
    /// Folder with model.lockstep, tokenizer.json and lockstep.json
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Folder of items that no daemon has open; their vectors are there
    #[arg(long, value_name = "DIR", required_unless_present = "lines", conflicts_with = "lines")]
    items: Option<PathBuf>,
    /// File with an item {"id", "text"} on each line; the model reads the texts
    #[arg(long, value_name = "FILE")]
    lines: Option<PathBuf>,
    /// The pack to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
struct Serve {
    /// Folder with model.lockstep, tokenizer.json and lockstep.json
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// The WebAssembly module
    #[arg(long, value_name = "FILE", required_if_eq("backend", "wasm"))]
    module: Option<PathBuf>,
    /// The engine [default: wasm with a --module, otherwise native]
    #[arg(long, value_name = "NAME")]
    backend: Option<Backend>,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Address and port of a listener for health, /info and metrics alone, without keys
    #[arg(long, value_name = "ADDR")]
    status_listen: Option<String>,
    /// Instances of the module, or cores of the native engine [default: all cores]
    #[arg(long, value_name = "N", value_parser = from(1), allow_negative_numbers = true)]
    instances: Option<usize>,
    /// Accelerator card: vfio:0000:04:00.0, or vfio-user:PATH of a device process; may be repeated
    #[arg(long, value_name = "CARD")]
    accel: Vec<CardAddress>,
    /// Give heavy work to the cards even where the CPU would be faster
    #[arg(long, requires = "accel")]
    prefer_cards: bool,
    /// Share of the cards' vectors, 0 to 1, that the CPU computes again to compare
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    #[arg(default_value_t = defaults().check_share)]
    check_share: f64,
    /// Mebibytes of known vectors to keep, 0 for none
    #[arg(long, value_name = "N", value_parser = from(0), allow_negative_numbers = true)]
    #[arg(default_value_t = (defaults().vector_bytes >> 20) as usize)]
    vector_mib: usize,
    /// Requests that may be under way beyond the number of instances
    #[arg(long, value_name = "N", value_parser = from(0), allow_negative_numbers = true)]
    #[arg(default_value_t = defaults().queue)]
    queue: usize,
    /// Milliseconds from a request to its answer
    #[arg(long, value_name = "N", value_parser = from(1), allow_negative_numbers = true)]
    #[arg(default_value_t = milliseconds(defaults().deadline))]
    deadline_ms: usize,
    /// Milliseconds for a client to send or to read
    #[arg(long, value_name = "N", value_parser = from(1), allow_negative_numbers = true)]
    #[arg(default_value_t = milliseconds(defaults().read_timeout))]
    read_timeout_ms: usize,
    /// Milliseconds that a shutdown waits for requests under way
    #[arg(long, value_name = "N", value_parser = from(1), allow_negative_numbers = true)]
    #[arg(default_value_t = milliseconds(defaults().drain))]
    drain_ms: usize,
    /// Largest body of a request
    #[arg(long, value_name = "N", value_parser = from(1), allow_negative_numbers = true)]
    #[arg(default_value_t = defaults().max_body_bytes)]
    max_body_bytes: usize,
    /// Largest memory of one instance
    #[arg(long, value_name = "N", value_parser = from(1), allow_negative_numbers = true)]
    #[arg(default_value_t = defaults().max_memory_bytes)]
    max_memory_bytes: usize,
    /// Connections at the same time; one more closes the one that is longest without a request
    #[arg(long, value_name = "N", value_parser = from(1), allow_negative_numbers = true)]
    #[arg(default_value_t = defaults().max_connections.get())]
    max_connections: usize,
    /// End the module at any point, not only between pieces of a batch; slower
    #[arg(long)]
    untrusted_module: bool,
    /// Keep the compiled module in this folder, which nobody else may be able to write
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Origin whose pages may read the answers, * for all; may be repeated
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    allow_origin: Vec<String>,
    /// Host that requests may name, * for all; may be repeated [default: this machine's names if it
    /// listens there, otherwise all]
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// Mebibytes that the bodies of all requests under way may take
    #[arg(long, value_name = "N", value_parser = from(1), allow_negative_numbers = true)]
    #[arg(default_value_t = defaults().max_bodies_bytes >> 20)]
    max_bodies_mib: usize,
    /// Write a line to stderr for each request
    #[arg(long)]
    log: bool,
    /// Make each line of the log a JSON object
    #[arg(long)]
    log_json: bool,
    /// File of the API keys that may ask; without it everybody who reaches the daemon may
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Folder of the items that the daemon keeps; without it the daemon keeps none
    #[arg(long, value_name = "DIR")]
    items: Option<PathBuf>,
    /// Certificate chain in PEM: the daemon speaks TLS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Collector of traces that takes OTLP over HTTP: http://HOST:4318
    #[arg(long, value_name = "URL")]
    otlp: Option<Collector>,
    /// Share of the requests, 0 to 1, that are traced if they belong to no trace
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    #[arg(default_value_t = defaults().otlp_share, requires = "otlp")]
    otlp_share: f64,
    /// TOML file with further settings; an option or an environment variable counts more
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Reads the arguments, the first of which is the program's name. `variable` reads the environment.
///
/// # Errors
///
/// Names the argument and the value, or the place of the setting. Help and version are errors too,
/// with exit code 0.
pub fn parse(
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Command, clap::Error> {
    let mut line = CommandLine::command();
    line.build();
    let mut all = Completed::plain(arguments.into_iter().map(Into::into).collect());
    let chosen = all.arguments.get(1).and_then(|name| line.find_subcommand(name)).cloned();
    let chosen = chosen.filter(|command| ["serve", "check-config"].contains(&command.get_name()));
    if let Some(command) = &chosen {
        all = Completed::of(all.arguments, command, variable)
            .map_err(|problem| line.error(ErrorKind::ValueValidation, problem))?;
    }
    let matches = line.try_get_matches_from_mut(&all.arguments)?;
    Ok(match CommandLine::from_arg_matches(&matches)?.command {
        Chosen::Serve(serve) => {
            let listen = serve.listen.clone();
            Command::Serve { listen, config: Box::new(serve.config()) }
        }
        Chosen::CheckConfig(serve) => {
            let shown = chosen.zip(matches.subcommand()).map(|(command, (_, own))| all.shown(&command, own));
            Command::Check { shown: shown.unwrap_or_default(), config: Box::new(serve.config()) }
        }
        Chosen::Man { folder } => Command::Manual(folder),
        Chosen::NewKey { name } => Command::NewKey { name },
        Chosen::Settings => {
            let table = line.find_subcommand("serve").map(settings::table);
            Command::Settings(table.unwrap_or_default())
        }
        Chosen::Open(Open { model, component, out }) => Command::Open { model, component, out },
        Chosen::Pack(Pack { model, items, lines, out }) => {
            let lines = || PackSource::Lines(lines.unwrap_or_default());
            Command::Pack { model, source: items.map_or_else(lines, PackSource::Folder), out }
        }
    })
}

/// Writes the manual pages: one for the program, and one for each of its commands.
///
/// # Errors
/// A file that cannot be written.
pub fn manual(folder: &Path) -> io::Result<()> {
    clap_mangen::generate_to(CommandLine::command().disable_help_subcommand(true), folder)
}

impl Serve {
    fn config(self) -> Config {
        let backend = self.backend.unwrap_or(match self.module {
            Some(_) => Backend::Wasm,
            None => Backend::Native,
        });
        let module = match backend {
            Backend::Wasm => self.module.unwrap_or_default(),
            Backend::Native => PathBuf::new(),
        };
        let time = |milliseconds: usize| Duration::from_millis(milliseconds as u64);
        Config {
            backend,
            untrusted_module: self.untrusted_module,
            cache_dir: self.cache_dir,
            instances: self.instances.map_or(defaults().instances, count),
            accels: self.accel,
            prefer_cards: self.prefer_cards,
            check_share: self.check_share,
            vector_bytes: (self.vector_mib as u64) << 20,
            queue: self.queue,
            max_body_bytes: self.max_body_bytes,
            deadline: time(self.deadline_ms),
            read_timeout: time(self.read_timeout_ms),
            drain: time(self.drain_ms),
            max_connections: count(self.max_connections),
            status_listen: self.status_listen,
            max_memory_bytes: self.max_memory_bytes,
            allow_origins: self.allow_origin,
            allow_hosts: hosts(self.allow_host, &self.listen),
            max_bodies_bytes: self.max_bodies_mib << 20,
            log: self.log,
            log_json: self.log_json,
            keys: self.keys,
            items: self.items,
            otlp: self.otlp,
            otlp_share: self.otlp_share,
            tls: self.tls_cert.zip(self.tls_key).map(|(cert, key)| TlsFiles { cert, key }),
            ..Config::new(self.model, module)
        }
    }
}

/// The hosts that requests may name. A daemon that listens for this machine alone takes the names
/// of this machine, so that no name of a web page leads to it.
fn hosts(asked: Vec<String>, listen: &str) -> Vec<String> {
    if asked.iter().any(|host| host == "*") {
        return Vec::new();
    }
    let name = listen.rsplit_once(':').map_or(listen, |(name, _)| name);
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let local = name == "localhost" || address.is_ok_and(|address| address.is_loopback());
    if asked.is_empty() && local {
        return ["localhost", "127.0.0.1", "[::1]", name].map(str::to_owned).into();
    }
    asked
}

fn defaults() -> Config {
    Config::new("", "")
}

fn milliseconds(time: Duration) -> usize {
    time.as_millis() as usize
}

/// Reads a whole number from `least` to 2^32 - 1, which is beyond every sensible setting.
fn from(least: i128) -> impl TypedValueParser<Value = usize> {
    let range = least..=i128::from(u32::MAX);
    move |value: &str| {
        let number: i128 = value.parse().map_err(|_| "not a whole number".to_owned())?;
        match usize::try_from(number) {
            Ok(size) if range.contains(&number) => Ok(size),
            _ => Err(format!("{number} is not in {range:?}")),
        }
    }
}

/// Reads a share from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(format!("{share} is not in 0..=1")) }
}

/// A number of threads or connections, at most 65,536.
fn count(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number.min(1 << 16)).unwrap_or(NonZeroUsize::MIN)
}

fn origin(value: &str) -> Result<String, String> {
    if is_origin(value) {
        return Ok(value.to_owned());
    }
    Err("expected *, null, or an origin as browsers send it: https://shop.example, without a path, \
         capital letters or the scheme's usual port"
        .into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(line: &str) -> Result<Command, clap::Error> {
        parse(std::iter::once("edge-host").chain(line.split_whitespace()), |_| None)
    }

    #[test]
    fn every_setting_arrives() {
        let line = "serve --model m --module=x.wasm --listen [::1]:0 --instances 3 --queue 0 \
                    --deadline-ms 5 --read-timeout-ms 6 --drain-ms 7 --max-body-bytes 8 \
                    --max-memory-bytes 9 --max-connections 10 --cache-dir c --allow-origin https://a.example \
                    --allow-origin * --untrusted-module --log --accel vfio:0000:04:00.0 \
                    --accel vfio-user:a/b --prefer-cards --check-share 0.25 --vector-mib 3 --keys k --items i \
                    --log-json --allow-host a.example --max-bodies-mib 4 --status-listen s:1 \
                    --tls-cert t --tls-key u --otlp http://[::1]/x --otlp-share 0.5";
        let config = Config {
            cache_dir: Some("c".into()),
            instances: NonZeroUsize::new(3).unwrap(),
            queue: 0,
            max_body_bytes: 8,
            deadline: Duration::from_millis(5),
            read_timeout: Duration::from_millis(6),
            drain: Duration::from_millis(7),
            max_connections: NonZeroUsize::new(10).unwrap(),
            status_listen: Some("s:1".into()),
            max_memory_bytes: 9,
            allow_origins: vec!["https://a.example".into(), "*".into()],
            untrusted_module: true,
            log: true,
            log_json: true,
            keys: Some("k".into()),
            items: Some("i".into()),
            otlp: Some("http://[::1]:4318/x".parse().unwrap()),
            otlp_share: 0.5,
            tls: Some(TlsFiles { cert: "t".into(), key: "u".into() }),
            allow_hosts: vec!["a.example".into()],
            max_bodies_bytes: 4 << 20,
            accels: vec![CardAddress::Vfio("0000:04:00.0".into()), CardAddress::VfioUser("a/b".into())],
            prefer_cards: true,
            check_share: 0.25,
            vector_bytes: 3 << 20,
            ..Config::new("m", "x.wasm")
        };
        let expected = Command::Serve { listen: "[::1]:0".into(), config: Box::new(config) };
        assert_eq!(read(line).unwrap(), expected);
    }

    #[test]
    fn the_rest_is_default() {
        let serve = |config: Config| {
            let allow_hosts = ["localhost", "127.0.0.1", "[::1]", "127.0.0.1"].map(str::to_owned).into();
            let config = Box::new(Config { allow_hosts, ..config });
            Command::Serve { listen: "127.0.0.1:8080".into(), config }
        };
        assert_eq!(read("serve --model m --module x").unwrap(), serve(Config::new("m", "x")));
        assert_eq!(read("serve --model m").unwrap(), serve(Config::native("m")));
        let native = read("serve --model m --module x --backend native").unwrap();
        assert_eq!(native, serve(Config::native("m")));
        let expected = Command::Open { model: "m".into(), component: "c".into(), out: "o".into() };
        assert_eq!(read("open --model m --component c --out o").unwrap(), expected);
        let sources = [PackSource::Folder("i".into()), PackSource::Lines("l".into())];
        for (source, option) in sources.into_iter().zip(["--items i", "--lines l"]) {
            let expected = Command::Pack { model: "m".into(), source, out: "o".into() };
            assert_eq!(read(&format!("pack --model m {option} --out o")).unwrap(), expected);
        }
    }

    #[test]
    fn a_daemon_for_this_machine_takes_its_names_alone() {
        let hosts = |line: &str| match read(line).unwrap() {
            Command::Serve { config, .. } => config.allow_hosts,
            other => panic!("{other:?}"),
        };
        for listen in ["127.0.0.1:8080", "[::1]:8080", "localhost:1", "127.9.9.9:0"] {
            let hosts = hosts(&format!("serve --model m --listen {listen}"));
            assert!(
                hosts.contains(&"localhost".to_owned()) && hosts.contains(&"[::1]".to_owned()),
                "{hosts:?}"
            );
            assert!(listen.starts_with(hosts[3].as_str()));
        }
        for listen in ["0.0.0.0:8080", "[::]:8080", "shop.example:80", "10.0.0.1:1"] {
            assert!(hosts(&format!("serve --model m --listen {listen}")).is_empty(), "{listen}");
        }
        assert!(hosts("serve --model m --allow-host *").is_empty());
        assert_eq!(hosts("serve --model m --allow-host a.example"), ["a.example"]);
    }

    #[test]
    fn help_and_version_are_no_mistakes() {
        for (line, kind) in [
            ("--help", ErrorKind::DisplayHelp),
            ("serve -h", ErrorKind::DisplayHelp),
            ("--version", ErrorKind::DisplayVersion),
            ("-V", ErrorKind::DisplayVersion),
        ] {
            let shown = read(line).unwrap_err();
            assert_eq!((shown.kind(), shown.exit_code()), (kind, 0), "{line}");
        }
        let help = read("serve -h").unwrap_err().to_string();
        for part in ["--model <DIR>", "[default: 127.0.0.1:8080]", "[default: 10000]", "native, wasm"] {
            assert!(help.contains(part), "{part}: {help}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            ("", "Usage: edge-host serve [OPTIONS] --model <DIR>"),
            ("server", "unrecognized subcommand 'server'"),
            ("--model m", "'--model'"),
            ("serve --module x", "not provided:\n  --model <DIR>"),
            ("serve --model m --backend wasm", "not provided:\n  --module <FILE>"),
            ("open --model m --out c", "not provided:\n  --component <FILE>"),
            ("open --model m --component c", "not provided:\n  --out <FILE>"),
            ("open --module x", "'--module'"),
            ("pack --model m --out o", "not provided:\n  --items <DIR>"),
            ("pack --model m --items i --lines l --out o", "cannot be used with"),
            ("serve --model m --backend gpu", "'gpu' for '--backend <NAME>'"),
            ("serve --model", "'--model <DIR>'"),
            ("serve --modle m", "'--modle'"),
            ("serve extra", "'extra'"),
            ("serve --instances 0", "'0' for '--instances <N>': 0 is not in 1..=4294967295"),
            ("serve --queue -1", "'-1' for '--queue <N>': -1 is not in 0..=4294967295"),
            ("serve --deadline-ms soon", "'soon' for '--deadline-ms <N>': not a whole number"),
            ("serve --max-body-bytes 4294967296", "4294967296 is not in 1..=4294967295"),
            ("serve --allow-origin https://a.example/", "'https://a.example/' for '--allow-origin"),
            ("serve --allow-origin https://a.example:443", "capital letters or the scheme's usual port"),
            ("serve --model m --accel 04:00.0", "write vfio:0000:04:00.0 or vfio-user:PATH"),
            ("serve --model m --prefer-cards", "--accel <CARD>"),
            ("serve --model m --otlp https://a", "'https://a' for '--otlp <URL>': traces go to"),
            ("serve --model m --otlp-share 0.5", "not provided:\n  --otlp <URL>"),
            ("serve --model m --tls-cert c", "not provided:\n  --tls-key <FILE>"),
            ("serve --model m --tls-key c", "not provided:\n  --tls-cert <FILE>"),
            ("serve --check-share 1.5", "'1.5' for '--check-share <SHARE>': 1.5 is not in 0..=1"),
            ("serve --check-share NaN", "NaN is not in 0..=1"),
            ("serve --log=yes", "'--log'"),
        ] {
            let error = read(line).unwrap_err();
            let message = error.to_string();
            assert!(message.contains(part), "{line}: {message}");
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
