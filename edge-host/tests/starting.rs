//! The start: readiness, models that do not open, the cache, and the program itself.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
    time::Duration,
};

use lockstep_edge_host::{Config, HostError};
use serde_json::{Value, json};
use stand_in::{Daemon, ENCODE, Folder, exchange, request, texts, vector};

#[tokio::test]
async fn nothing_is_ready_until_the_model_is_open() {
    let daemon = Daemon::start("Endless", |_| {}).await;
    for (method, path) in [("GET", "/health"), ("GET", "/info"), ("POST", "/v1/rank")] {
        let answer = daemon.ask(method, path, "a").await;
        answer.refuses(503, "Unhealthy", "no instance of the module is ready yet");
    }
    assert_eq!(daemon.ask("HEAD", "/health", "").await.status, 503);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_model_that_does_not_open_ends_the_daemon() {
    let short = Duration::from_millis(100);
    for (model, part) in [
        ("Bad", "the stand-in does not like this model (code 3)"),
        ("Trap", "the module trapped: wasm trap: wasm `unreachable`"),
        ("Endless", "the call was interrupted at the deadline"),
    ] {
        let daemon = Daemon::start(model, |config| config.open_deadline = short).await;
        let error = daemon.ended().await.unwrap_err();
        assert!(matches!(error, HostError::Open(_)), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn modules_that_do_not_fit_are_named() {
    let with = |wat: &'static str| async move {
        let daemon = Daemon::start("model", |config| {
            fs::write(&config.module, wat::parse_str(wat).unwrap()).unwrap();
        })
        .await;
        daemon.ended().await.unwrap_err().to_string()
    };
    let error = with("(module)").await;
    assert!(error.contains("it exports no `memory`"), "{error}");
    let error = with("(module (memory (export \"memory\") 1))").await;
    assert!(error.contains("lockstep_open"), "{error}");
    let error = with("(module (import \"wasi\" \"exit\" (func)))").await;
    assert!(error.contains("wasi"), "{error}");
    let daemon = Daemon::start("model", |config| {
        let wat = "(module (func $f (loop (br 0))) (start $f))";
        fs::write(&config.module, wat::parse_str(wat).unwrap()).unwrap();
        config.open_deadline = Duration::from_millis(50);
    })
    .await;
    let error = daemon.ended().await.unwrap_err().to_string();
    assert!(error.contains("interrupted at the deadline"), "{error}");
    let daemon = Daemon::start("model", |config| fs::write(&config.module, "(").unwrap()).await;
    let error = daemon.ended().await.unwrap_err();
    assert!(matches!(error, HostError::Module { .. }), "{error}");
    assert!(error.to_string().contains("module.wasm: not a usable"), "{error}");
}

#[tokio::test]
async fn relaxed_simd_compiles() {
    let text = include_str!("stand_in/module.wat");
    let function = r#"(func (export "relaxed") (param v128 v128 v128) (result v128)
        (i32x4.relaxed_dot_i8x16_i7x16_add_s (local.get 0) (local.get 1) (local.get 2))))"#;
    let end = text.rfind(')').unwrap();
    let wasm = wat::parse_str(format!("{} {function}", &text[..end])).unwrap();
    let daemon = Daemon::ready(|config| fs::write(&config.module, wasm).unwrap()).await;
    assert_eq!(daemon.encode("a").await.vectors()[0][..3], vector("a"));
    daemon.stop().await.unwrap();
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-host"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The program with one instance of the stand-in, on a free port.
fn serving(config: &Config, more: &[&str]) -> Command {
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--instances", "1"]).args(more);
    command.arg("--model").arg(&config.model).arg("--module").arg(&config.module);
    command
}

#[test]
fn the_program_names_what_is_wrong_and_exits_with_2() {
    let folder = Folder::new();
    folder.furnish("model");
    let module = folder.0.join("module.wasm");
    let run = |arguments: &[&str]| {
        let output = program().args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, message) = run(&["serve", "--modle"]);
    assert_eq!(code, Some(2));
    assert!(message.contains("'--modle'"), "{message}");

    let module = module.to_str().unwrap();
    let model = folder.0.to_str().unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--model", model, "--module", module];
    fs::remove_file(folder.0.join("tokenizer.json")).unwrap();
    let (code, message) = run(&serve);
    assert_eq!(code, Some(2));
    assert!(message.contains(&format!("{model}/tokenizer.json: ")), "{message}");

    folder.furnish("model");
    fs::remove_file(module).unwrap();
    let (code, message) = run(&serve);
    assert_eq!(code, Some(2));
    assert!(message.contains(&format!("{module}: ")), "{message}");

    let (code, message) = run(&["serve", "--model", "m", "--module", "x", "--listen", "nowhere"]);
    assert_eq!(code, Some(1));
    assert!(message.contains("--listen nowhere: "), "{message}");

    let help = program().arg("--help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8(help.stdout).unwrap().contains("--cache-dir <DIR>"));
}

/// `edge-host/SETTINGS.md` is written by the program: `edge-host settings` gives its table.
#[test]
fn the_document_has_the_table_of_all_settings() {
    let output = program().arg("settings").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let table = String::from_utf8(output.stdout).unwrap();
    let document = include_str!("../SETTINGS.md");
    assert!(document.contains(&table), "put the output of `edge-host settings` into SETTINGS.md:\n{table}");
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let folder = Folder::new();
    let write = |to: &std::path::Path| program().arg("man").arg(to).output().unwrap();
    assert_eq!(write(&folder.0).status.code(), Some(0));
    let page = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
    assert!(page("edge-host.1").contains("edge\\-host\\-serve(1)"), "{}", page("edge-host.1"));
    assert!(page("edge-host-serve.1").contains("\\-\\-tls\\-cert"), "{}", page("edge-host-serve.1"));
    let output = write(&folder.0.join("missing"));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("missing: No such file"));
}

#[test]
fn settings_are_checked_with_the_files_that_they_name() {
    let folder = Folder::new();
    folder.furnish("model");
    let file = folder.0.join("edge-host.toml");
    let model = folder.0.to_str().unwrap();
    fs::write(&file, format!("model = {model:?}\nqueue = 5\n")).unwrap();
    let run = |variables: &[(&str, &str)]| {
        let mut command = program();
        let output = command.arg("check-config").envs(variables.iter().copied()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    // The stand-in's model opens in its module alone.
    let path = file.to_str().unwrap();
    let (code, _, message) = run(&[("EDGE_HOST_CONFIG", path)]);
    assert_eq!(code, Some(2));
    assert!(message.contains("the model does not open"), "{message}");
    let (code, _, message) = run(&[("EDGE_HOST_CONFIG", path), ("EDGE_HOST_QUEUE", "x")]);
    assert_eq!(code, Some(2));
    assert!(message.contains("EDGE_HOST_QUEUE: invalid value 'x'"), "{message}");
    fs::write(&file, "deadline = 5\n").unwrap();
    let (code, _, message) = run(&[("EDGE_HOST_CONFIG", path)]);
    assert_eq!(code, Some(2));
    assert!(message.contains("there is no setting deadline; there are model, module"), "{message}");
}

#[test]
fn the_program_serves_logs_and_ends_on_sigterm() {
    let folder = Folder::new();
    let config = folder.furnish("model");
    let manager = folder.0.join("notify");
    let socket = UnixDatagram::bind(&manager).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let told = || {
        let mut state = [0; 64];
        let length = socket.recv(&mut state).unwrap();
        String::from_utf8(state[..length].to_vec()).unwrap()
    };
    let mut child = serving(&config, &["--log"]).env("NOTIFY_SOCKET", &manager).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let address = line.rsplit_once("http://").unwrap().1.to_owned();
    let ask = |method: &str, path: &str| exchange(&address, &request(method, path, &texts(&["hello"])), "");
    assert_eq!(told(), "READY=1");
    assert!(ask("GET", "/health").starts_with("HTTP/1.1 200"));
    assert!(ask("POST", ENCODE).contains("[[104,5,1044,1]]"));

    let killed = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", child.id())).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(told(), "STOPPING=1");
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let logged = |part: &str| rest.iter().any(|line| line.contains(part));
    assert!(logged("POST /lockstep/encode 200 "), "{rest:?}");
    assert!(logged("tokens 5, id "), "{rest:?}");
    assert!(logged("shutting down"), "{rest:?}");
}

#[test]
fn a_log_in_json_has_the_requests_by_their_ids() {
    let folder = Folder::new();
    let config = folder.furnish("model");
    let mut child = serving(&config, &["--log", "--log-json"]).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut objects = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let message = objects.next().unwrap();
    assert!(message["time"].as_f64().unwrap() > 1.7e9, "{message}");
    let address = message["message"].as_str().unwrap().rsplit_once("http://").unwrap().1.to_owned();
    let ask = |method: &str, path: &str| {
        let request = request(method, path, &texts(&["hello"]));
        let answer = exchange(&address, &request, "x-request-id: mine\r\n");
        assert!(answer.contains("x-request-id: mine\r\n"), "{answer}");
        answer
    };
    while !ask("GET", "/health").starts_with("HTTP/1.1 200") {
        std::thread::sleep(Duration::from_millis(10));
    }
    ask("POST", ENCODE);
    ask("POST", "/nowhere");
    let line = objects.find(|line| line["path"] == ENCODE).unwrap();
    assert_eq!((&line["id"], &line["status"], &line["tokens"]), (&json!("mine"), &json!(200), &json!(5)));
    assert_eq!((&line["engines"], &line["method"]), (&json!(["wasm-0"]), &json!("POST")));
    assert!(line["took_ms"].as_f64().unwrap() >= line["inference_ms"].as_f64().unwrap(), "{line}");
    let line = objects.find(|line| line["path"] == "/nowhere").unwrap();
    assert_eq!((&line["status"], &line["error_type"]), (&json!(404), &json!("Validation")));
    child.kill().unwrap();
    child.wait().unwrap();
}
