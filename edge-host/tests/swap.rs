//! Another model takes the place of the one that answers.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::{fs, path::Path, time::Duration};

use lockstep_edge_host::Config;
use serde_json::{Value, json};
use stand_in::{Daemon, Folder, encode, vector};
use tokio::time::{sleep, timeout};

/// Only a hang takes this long.
const HANG: Duration = Duration::from_secs(60);

/// Writes a stand-in that reads other lengths of texts, so that it is another model.
fn furnish_other(folder: &Folder, length: u32) {
    folder.furnish("model");
    let manifest = folder.0.join("lockstep.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let other = text.replace("\"max_input_length\":64", &format!("\"max_input_length\":{length}"));
    assert_ne!(text, other);
    fs::write(manifest, other).unwrap();
}

fn of_model(daemon: &Daemon, model: &Path) -> Config {
    Config { model: model.to_owned(), ..daemon.config.clone() }
}

/// The longest text of the model that answers.
async fn length(daemon: &Daemon) -> u64 {
    let info: Value = serde_json::from_str(&daemon.ask("GET", "/info", "").await.body).unwrap();
    info["max_input_length"].as_u64().unwrap()
}

async fn until_length(daemon: &Daemon, expected: u64) {
    let swapped = async {
        while length(daemon).await != expected {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(HANG, swapped).await.unwrap();
}

#[tokio::test]
async fn requests_go_on_while_models_change() {
    let other = Folder::new();
    furnish_other(&other, 32);
    let daemon = Daemon::ready(|_| {}).await;
    let mut busy = daemon.client().await;
    for round in 0..6 {
        let (model, expected) = match round % 2 {
            0 => (other.0.clone(), 32),
            _ => (daemon.config.model.clone(), 64),
        };
        // This request runs while the other model takes the place.
        busy.send(encode("W3")).await;
        daemon.updates.send(of_model(&daemon, &model)).unwrap();
        let others = async {
            loop {
                assert_eq!(daemon.encode("hi").await.vectors()[0][..3], vector("hi"));
            }
        };
        tokio::select! {
            () = others => {}
            () = until_length(&daemon, expected) => {}
        }
        assert_eq!(busy.answer(true).await.vectors()[0][..3], vector("W3"));
        let answer = daemon.encode("hi").await;
        let info: Value = serde_json::from_str(&daemon.ask("GET", "/info", "").await.body).unwrap();
        assert_eq!(answer.header("x-lockstep-model-digest"), info["model_digest"].as_str());
    }
    daemon.stop().await.unwrap();
}

/// A request keeps its model, also if its body comes after the change.
#[tokio::test]
async fn a_body_that_comes_late_is_answered() {
    let other = Folder::new();
    furnish_other(&other, 32);
    let daemon = Daemon::ready(|_| {}).await;
    let digest = daemon.encode("hi").await.header("x-lockstep-model-digest").unwrap().to_owned();
    let mut late = daemon.client().await;
    let whole = encode("later");
    let (begin, end) = whole.split_at(whole.len() - 3);
    late.send(begin).await;
    daemon.updates.send(of_model(&daemon, &other.0)).unwrap();
    until_length(&daemon, 32).await;
    assert_ne!(daemon.encode("hi").await.header("x-lockstep-model-digest"), Some(&*digest));
    late.send(end).await;
    let answer = late.answer(true).await;
    assert_eq!(answer.vectors()[0][..3], vector("later"));
    assert_eq!(answer.header("x-lockstep-model-digest"), Some(&*digest));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_model_that_does_not_open_changes_nothing() {
    let daemon = Daemon::ready(|_| {}).await;
    let wrong = Folder::new();
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 4] = [
        ("no manifest", |folder| fs::remove_file(folder.join("lockstep.json")).unwrap()),
        ("no JSON", |folder| fs::write(folder.join("lockstep.json"), "{").unwrap()),
        ("no tokenizer", |folder| fs::remove_file(folder.join("tokenizer.json")).unwrap()),
        // The stand-in refuses this model.
        ("refused", |folder| fs::write(folder.join("model.lockstep"), "Refused").unwrap()),
    ];
    for (what, damage) in damages {
        furnish_other(&wrong, 32);
        damage(&wrong.0);
        daemon.updates.send(of_model(&daemon, &wrong.0)).unwrap();
        for _ in 0..20 {
            assert_eq!(daemon.encode("hi").await.vectors()[0][..3], vector("hi"), "{what}");
            assert_eq!(length(&daemon).await, 64, "{what}");
        }
    }
    // The daemon takes the next good one.
    furnish_other(&wrong, 16);
    daemon.updates.send(of_model(&daemon, &wrong.0)).unwrap();
    until_length(&daemon, 16).await;
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn the_last_of_several_changes_counts() {
    let folders = [32, 16, 8].map(|length| {
        let folder = Folder::new();
        furnish_other(&folder, length);
        folder
    });
    let daemon = Daemon::ready(|_| {}).await;
    for folder in &folders {
        daemon.updates.send(of_model(&daemon, &folder.0)).unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    until_length(&daemon, 8).await;
    for _ in 0..20 {
        assert_eq!(length(&daemon).await, 8);
        sleep(Duration::from_millis(5)).await;
    }
    daemon.stop().await.unwrap();
}

/// The items have their vectors of the new model before it answers.
#[tokio::test]
async fn no_recommendation_misses_an_item() {
    let (other, kept) = (Folder::new(), Folder::new());
    furnish_other(&other, 32);
    let daemon = Daemon::ready(|config| config.items = Some(kept.0.join("items"))).await;
    let put = async |numbers: std::ops::Range<usize>| {
        let items: Vec<Value> =
            numbers.map(|n| json!({"id": n.to_string(), "text": format!("word {n}")})).collect();
        assert_eq!(daemon.ask("PUT", "/v1/items", &json!({ "items": items }).to_string()).await.status, 200);
    };
    put(0..60).await;
    let asked = json!({"user": {"history": [{"text": "word"}]}, "top_n": 1000}).to_string();
    let found = async || {
        let answer = daemon.ask("POST", "/v1/recommend", &asked).await;
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        answer["items"].as_array().unwrap().len()
    };
    assert_eq!(found().await, 60);
    daemon.updates.send(of_model(&daemon, &other.0)).unwrap();
    let swapped = async {
        while length(&daemon).await != 32 {
            assert_eq!(found().await, 60);
        }
    };
    timeout(HANG, swapped).await.unwrap();
    assert_eq!(found().await, 60);
    put(60..70).await;
    assert_eq!(found().await, 70);
    daemon.stop().await.unwrap();
}
