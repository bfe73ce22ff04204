#![allow(clippy::unwrap_used)]
use std::path::PathBuf;

use clap::Parser;

use super::*;

#[derive(Parser)]
#[command(name = "serve")]
struct Serve {
    /// The folder
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Waiting requests
    #[arg(long, value_name = "N", default_value_t = 64)]
    queue: u32,
    /// A share
    #[arg(long, default_value_t = 0.0)]
    share: f64,
    /// An origin | of pages
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Lines
    #[arg(long)]
    log: bool,
    /// A folder
    #[arg(long, value_name = "DIR", requires = "log")]
    cache_dir: Option<PathBuf>,
    /// The file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn command() -> Command {
    <Serve as clap::CommandFactory>::command()
}

/// A file that is deleted at the end.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("edge-host-settings-{}-{number}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn complete(arguments: &str, variables: &[(&str, &str)]) -> Result<Completed, String> {
    let arguments = "edge-host serve ".to_owned() + arguments;
    let variable = |name: &str| {
        variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| OsString::from(value))
    };
    Completed::of(arguments.split_whitespace().map(OsString::from).collect(), &command(), variable)
}

fn parsed(completed: &Completed) -> Serve {
    Serve::parse_from(&completed.arguments[1..])
}

#[test]
fn the_first_place_decides() {
    let file = File::new(
        "model = \"f\"\nqueue = 1\nshare = 0.25\nallow-origin = [\"https://f\", \"*\"]\nlog = true\n",
    );
    let path = file.0.to_str().unwrap();

    let all = complete(&format!("--config {path}"), &[]).unwrap();
    let serve = parsed(&all);
    assert_eq!((serve.model, serve.queue, serve.share, serve.log), ("f".into(), 1, 0.25, true));
    assert_eq!(serve.allow_origin, ["https://f", "*"]);

    let variables = [
        ("EDGE_HOST_CONFIG", path),
        ("EDGE_HOST_QUEUE", "2"),
        ("EDGE_HOST_ALLOW_ORIGIN", "https://a, https://b"),
        ("EDGE_HOST_LOG", "false"),
        ("EDGE_HOST_MODEL", ""),
    ];
    let all = complete("", &variables).unwrap();
    let serve = parsed(&all);
    assert_eq!((serve.model, serve.queue, serve.log), ("f".into(), 2, false));
    assert_eq!(serve.allow_origin, ["https://a", "https://b"]);

    for own in
        ["--queue 3 --allow-origin https://o --model=m", "--queue=3 --allow-origin=https://o --model m"]
    {
        let serve = parsed(&complete(own, &variables).unwrap());
        assert_eq!((serve.model, serve.queue, serve.share), ("m".into(), 3, 0.25));
        assert_eq!(serve.allow_origin, ["https://o"], "no origin of another place is added");
    }
}

#[test]
fn without_variables_and_file_nothing_changes() {
    let all = complete("--model m --log", &[]).unwrap();
    assert_eq!(all.arguments, ["edge-host", "serve", "--model", "m", "--log"]);
    assert_eq!(complete("--nonsense", &[]).unwrap().arguments, ["edge-host", "serve", "--nonsense"]);
}

#[test]
fn mistakes_are_named() {
    for (text, part) in [
        ("queu = 1", "there is no setting queu; there are model, queue, share, allow-origin, log, cache-dir"),
        ("config = \"x\"", "there is no setting config"),
        ("queue = \"many\"", ": queue: invalid value 'many' for '--queue <N>'"),
        ("queue = true", ": queue: expected a string or a number, got true"),
        ("log = 1", ": log: expected true or false, got 1"),
        ("log = \"yes\"", ": log: expected true or false, got the string \"yes\""),
        ("allow-origin = \"*\"", ": allow-origin: expected an array, got the string \"*\""),
        ("allow-origin = [[1]]", ": allow-origin: expected a string or a number, got an array of 1"),
        ("[queue]\na = 1", ": queue: expected a string or a number, got a table"),
        ("queue = 1\nqueue = 2", "duplicate key"),
        ("queue: 1", "TOML parse error at line 1"),
    ] {
        let file = File::new(text);
        let problem = complete(&format!("--model m --config={}", file.0.display()), &[]).unwrap_err();
        assert!(problem.contains(part) && problem.contains(".toml: "), "{text}: {problem}");
    }
    for (variable, value, part) in [
        ("EDGE_HOST_QUEUE", "-1", "EDGE_HOST_QUEUE: invalid value '-1' for '--queue <N>'"),
        ("EDGE_HOST_LOG", "yes", "EDGE_HOST_LOG: expected true or false, got \"yes\""),
        ("EDGE_HOST_CONFIG", "/nowhere/x.toml", "EDGE_HOST_CONFIG /nowhere/x.toml: No such file"),
    ] {
        let problem = complete("--model m", &[(variable, value)]).unwrap_err();
        assert!(problem.contains(part), "{problem}");
    }
    // A setting that needs another one is judged with all others.
    let all = complete("--model m", &[("EDGE_HOST_CACHE_DIR", "c")]).unwrap();
    assert!(Serve::try_parse_from(&all.arguments[1..]).is_err());
    let all = complete("--model m --log", &[("EDGE_HOST_CACHE_DIR", "c")]).unwrap();
    assert_eq!(parsed(&all).cache_dir, Some("c".into()));
}

#[test]
fn the_settings_are_shown_with_their_places() {
    let file = File::new("share = 0.5\n");
    let path = file.0.to_str().unwrap();
    let variables = [("EDGE_HOST_ALLOW_ORIGIN", "*")];
    let all = complete(&format!("--model a\"b --log --config {path}"), &variables).unwrap();
    let matches = command().get_matches_from(&all.arguments[1..]);
    let shown = all.shown(&command(), &matches);
    let expected = format!(
        "model = \"a\\\"b\"  # --model\nqueue = 64  # default\nshare = 0.5  # {path}: share\n\
         allow-origin = [\"*\"]  # EDGE_HOST_ALLOW_ORIGIN\nlog = true  # --log\n# cache-dir: not set\n"
    );
    assert_eq!(shown, expected);
    // It is a file that gives the same settings.
    let again = File::new(&shown);
    let same = parsed(&complete(&format!("--config {}", again.0.display()), &[]).unwrap());
    assert_eq!((same.model, same.share, same.log), ("a\"b".into(), 0.5, true));
}

#[test]
fn the_table_has_every_setting() {
    let table = table(&command());
    assert!(
        table.contains("| `--queue N` | `queue` | `EDGE_HOST_QUEUE` | `64` | Waiting requests |\n"),
        "{table}"
    );
    assert!(table.contains("| `--log` | `log` | `EDGE_HOST_LOG` |  | Lines |\n"), "{table}");
    assert!(table.contains("| `--config FILE` |  | `EDGE_HOST_CONFIG` |  | The file |\n"), "{table}");
    assert!(table.contains("An origin \\| of pages"), "{table}");
}
