//! `deploy/grafana.json` asks for metrics and labels that the daemon has.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use lockstep_folder::manifest::sha256;
use serde_json::Value;
use stand_in::{Client, Daemon, encode, request, secure::Pair};

const KEY: &str = "ls_of_this_test";
/// Prometheus adds these to each sample.
const OF_PROMETHEUS: [&str; 1] = ["instance"];

/// What a query reads: metrics, and labels with the values that it wants to be equal.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    metrics: Vec<(String, BTreeMap<String, Option<String>>)>,
    /// Labels that the result has.
    grouped: BTreeSet<String>,
}

/// Reads a query of PromQL as far as these dashboards use it.
fn read(query: &str) -> Read {
    let mut found = Read::default();
    let mut rest = query;
    let mut groups = false;
    while let Some(first) = rest.chars().next() {
        if first == '[' {
            rest = rest.split_once(']').unwrap().1;
        } else if first.is_ascii_alphabetic() {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            rest = behind.trim_start();
            if word == "by" {
                groups = true;
            } else if groups {
                found.grouped.insert(word.to_owned());
            } else if !rest.starts_with('(') && rest != "by" && !rest.starts_with("by ") {
                let mut labels = BTreeMap::new();
                if let Some(inner) = rest.strip_prefix('{') {
                    let (matchers, behind) = inner.split_once('}').unwrap();
                    rest = behind;
                    for matcher in matchers.split(", ") {
                        let (label, value) = matcher.split_once('=').unwrap();
                        let equal = value.strip_prefix('"').map(|value| value.trim_matches('"').to_owned());
                        labels.insert(label.to_owned(), equal);
                    }
                }
                found.metrics.push((word.to_owned(), labels));
            }
        } else {
            groups &= first != ')';
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

#[test]
fn queries_are_read() {
    let found = read("sum by (le, path) (rate(a_total{x=~\"$x\", y=\"z\"}[5m])) / 2 - time() + min(b)");
    let labels = [("x".to_owned(), None), ("y".to_owned(), Some("z".to_owned()))].into();
    assert_eq!(found.metrics, [("a_total".to_owned(), labels), ("b".to_owned(), BTreeMap::new())]);
    assert_eq!(found.grouped, ["le".to_owned(), "path".to_owned()].into());
}

/// The samples of `/metrics`: each metric with the values of each of its labels.
fn samples(text: &str) -> BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> {
    let mut all: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let metric = all.entry(name).or_default();
        for label in labels.trim_end_matches('}').split("\",").filter(|label| !label.is_empty()) {
            let (label, value) = label.split_once("=\"").unwrap();
            metric.entry(label).or_default().insert(value.trim_end_matches('"'));
        }
    }
    all
}

/// The metrics of a daemon that has everything: TLS, keys, traces, answers and refusals.
async fn metrics() -> String {
    let pair = Pair::new();
    let daemon = Daemon::start("model", |config| {
        let keys = config.model.join("keys.toml");
        let hash = sha256(KEY.as_bytes());
        let entry =
            format!("[[key]]\nname = \"k\"\nsha256 = \"{hash}\"\nscopes = [\"score\", \"metrics\"]\n");
        fs::write(&keys, entry).unwrap();
        (config.keys, config.tls) = (Some(keys), Some(pair.write(&config.model)));
        config.vector_bytes = 1 << 20;
        config.otlp = Some("http://127.0.0.1:9".parse().unwrap());
    })
    .await;
    let mut client: Client<_> = pair.connect(daemon.address).await.unwrap();
    let key = format!("host: localhost\r\nx-api-key: {KEY}\r\n");
    while {
        client.send(request("GET", "/health", "")).await;
        client.answer(true).await.status != 200
    } {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    for (request, status) in [(encode("a"), 200), (request("POST", stand_in::ENCODE, "{}"), 422)] {
        client.send(request.replace("host: localhost\r\n", &key)).await;
        assert_eq!(client.answer(true).await.status, status);
    }
    client.send(request("GET", "/metrics", "").replace("host: localhost\r\n", &key)).await;
    let answer = client.answer(true).await;
    assert_eq!(answer.status, 200);
    daemon.stop().await.unwrap();
    answer.body
}

/// Panels with queries.
fn panels(board: &Value) -> Vec<&Value> {
    let panels = board["panels"].as_array().unwrap().iter();
    panels.filter(|panel| panel["type"] != "row").collect()
}

#[tokio::test]
async fn each_metric_and_label_of_the_dashboard_is_there() {
    let board: Value = serde_json::from_str(include_str!("../deploy/grafana.json")).unwrap();
    let text = metrics().await;
    let samples = samples(&text);
    let mut used = BTreeSet::new();
    for panel in panels(&board) {
        for target in panel["targets"].as_array().unwrap() {
            let (title, query) = (&panel["title"], target["expr"].as_str().unwrap());
            let Read { metrics, grouped } = read(query);
            assert!(!metrics.is_empty(), "{title}: {query}");
            for (metric, labels) in &metrics {
                let Some(has) = samples.get(metric.as_str()) else { panic!("{title}: no {metric}\n{text}") };
                let known = |label: &str| OF_PROMETHEUS.contains(&label) || has.contains_key(label);
                for label in labels.keys().chain(&grouped) {
                    assert!(known(label), "{title}: {metric} has no label {label}");
                }
                for (label, value) in labels {
                    // This daemon has no card.
                    let Some(value) = value.as_deref().filter(|value| *value != "card") else { continue };
                    assert!(has[label.as_str()].contains(value), "{title}: {metric} has no {label}={value}");
                }
                let legend = target["legendFormat"].as_str().unwrap();
                for label in legend.split("{{").skip(1).map(|part| part.split_once("}}").unwrap().0) {
                    let aggregated = !grouped.is_empty();
                    assert!(
                        if aggregated { grouped.contains(label) } else { known(label) },
                        "{title}: {legend}"
                    );
                }
                used.insert(metric.clone());
            }
        }
    }
    // Each counter of the daemon's own has a panel, in one of its forms.
    for metric in samples.keys().filter(|metric| metric.starts_with("lockstep_")) {
        let stem = ["_bucket", "_sum", "_count"].iter().find_map(|end| metric.strip_suffix(end));
        let stem = stem.unwrap_or(metric);
        assert!(used.iter().any(|used| used.starts_with(stem)), "no panel shows {metric}");
    }
}

#[test]
fn panels_have_places_and_numbers_of_their_own() {
    let board: Value = serde_json::from_str(include_str!("../deploy/grafana.json")).unwrap();
    let all = board["panels"].as_array().unwrap();
    let ids: BTreeSet<i64> = all.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), all.len());
    let mut cells = BTreeSet::new();
    for panel in all {
        let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(side("x") + side("w") <= 24, "{}", panel["title"]);
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(cells.insert((x, y)), "{} lies on another panel", panel["title"]);
            }
        }
    }
    let variables: Vec<&str> = board["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(variables, ["datasource", "instance"]);
    for panel in panels(&board) {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        for target in panel["targets"].as_array().unwrap() {
            assert!(
                target["expr"].as_str().unwrap().contains("instance=~\"$instance\""),
                "{}",
                panel["title"]
            );
        }
    }
}
