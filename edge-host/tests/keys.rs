//! A daemon with keys, and settings that change while it runs.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use lockstep_edge_host::keys::make;
use stand_in::{Answer, Daemon, ENCODE, Folder, exchange, request, texts};

async fn ask(daemon: &Daemon, method: &str, path: &str, header: &str) -> Answer {
    let mut client = daemon.client().await;
    let text = request(method, path, &texts(&["a"]));
    client.send(text.replacen("host: localhost", &format!("host: localhost\r\n{header}"), 1)).await;
    client.answer(true).await
}

#[tokio::test]
async fn requests_need_a_key_that_may_do_it() {
    let folder = Folder::new();
    let file = folder.0.join("keys.toml");
    let [shop, ops] = ["shop", "ops"].map(|name| make(name).unwrap());
    fs::write(&file, shop.entry + &ops.entry.replace("score", "metrics")).unwrap();
    let daemon = Daemon::ready(|config| config.keys = Some(file.clone())).await;

    for path in ["/health", "/ping", "/"] {
        assert_eq!(daemon.ask("GET", path, "").await.status, 200, "{path}");
    }
    let refused = daemon.ask("POST", ENCODE, &texts(&["a"])).await;
    refused.refuses(401, "Unauthorized", "send Authorization: Bearer KEY");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    ask(&daemon, "POST", ENCODE, "authorization: Bearer nonsense").await.refuses(
        401,
        "Unauthorized",
        "not known",
    );

    let (shop, ops) = (format!("authorization: Bearer {}", shop.key), format!("x-api-key: {}", ops.key));
    assert_eq!(ask(&daemon, "POST", ENCODE, &shop).await.status, 200);
    ask(&daemon, "GET", "/metrics", &shop).await.refuses(403, "Forbidden", "the scope `metrics`");
    ask(&daemon, "POST", ENCODE, &ops).await.refuses(403, "Forbidden", "the key ops may not do this");
    let metrics = ask(&daemon, "GET", "/metrics", &ops).await;
    assert!(
        metrics.body.contains("lockstep_key_answers_total{key=\"shop\",status=\"200\"} 1"),
        "{metrics:?}"
    );
    assert!(metrics.body.contains("te_request_failure{err=\"Unauthorized\"} 2"), "{metrics:?}");
    // OpenAI's clients read another shape.
    let refused = daemon.ask("POST", "/v1/embeddings", "{}").await;
    assert_eq!(refused.status, 401);
    assert!(refused.body.contains("authentication_error"), "{refused:?}");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_file_of_keys_that_is_wrong_ends_the_start() {
    let folder = Folder::new();
    let file = folder.0.join("keys.toml");
    let daemon = Daemon::start("model", |config| config.keys = Some(file.clone())).await;
    let error = daemon.ended().await.unwrap_err().to_string();
    assert!(error.starts_with("--keys ") && error.contains("keys.toml: No such file"), "{error}");
    fs::write(&file, "[[key]]\nname = \"a\"\n").unwrap();
    let daemon = Daemon::start("model", |config| config.keys = Some(file.clone())).await;
    let error = daemon.ended().await.unwrap_err().to_string();
    assert!(error.contains("missing field `sha256`"), "{error}");
}

#[test]
fn a_hangup_reads_the_settings_anew() {
    let folder = Folder::new();
    let config = folder.furnish("model");
    let (keys, settings) = (folder.0.join("keys.toml"), folder.0.join("edge-host.toml"));
    let [old, new] = ["old", "new"].map(|name| make(name).unwrap());
    fs::write(&keys, &old.entry).unwrap();
    let written = format!("keys = {keys:?}\ninstances = 1\nlisten = \"127.0.0.1:0\"\n");
    fs::write(&settings, &written).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_edge-host"))
        .args([OsStr::new("serve"), OsStr::new("--config"), settings.as_os_str(), OsStr::new("--model")])
        .args([config.model.as_os_str(), OsStr::new("--module"), config.module.as_os_str()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = |part: &str| loop {
        let line = lines.next().unwrap().unwrap();
        if line.contains(part) {
            return line;
        }
    };
    let address = said("http://").rsplit_once("http://").unwrap().1.to_owned();
    let status = |key: &str, path: &str| {
        let more = format!("x-api-key: {key}\r\norigin: https://a.example\r\n");
        let answer = exchange(&address, &request("GET", path, ""), &more);
        (answer[9..12].to_owned(), answer.contains("access-control-allow-origin"))
    };
    while status("", "/health").0 != "200" {
        thread::sleep(Duration::from_millis(10));
    }
    let found = [&old.key, &new.key].map(|key| status(key, "/info"));
    assert_eq!(found, [("200".into(), false), ("401".into(), false)]);

    let hangup = format!("kill -HUP {}", child.id());
    let hang_up = || assert!(Command::new("sh").arg("-c").arg(&hangup).status().unwrap().success());
    fs::write(&keys, &new.entry).unwrap();
    fs::write(&settings, written.clone() + "allow-origin = [\"https://a.example\"]\nqueue = 5\n").unwrap();
    hang_up();
    said("the settings allow-origin, log and keys are read anew");
    said("other settings have changed too; they count after the next start");
    let found = [&old.key, &new.key].map(|key| status(key, "/info"));
    assert_eq!(found, [("401".into(), true), ("200".into(), true)]);

    // A file that is wrong changes nothing.
    for (file, text) in [(&keys, "[[key]]"), (&settings, "queue = true")] {
        let good = fs::read_to_string(file).unwrap();
        fs::write(file, text).unwrap();
        hang_up();
        said("the settings stay as they are");
        assert_eq!(status(&new.key, "/info").0, "200");
        fs::write(file, good).unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
