//! The component and the daemon, both with the tiny model.

use std::sync::LazyLock;

use lockstep_tests::{
    daemon::Daemon,
    http::request_with,
    places::{component, module, need, tiny_model},
};
use lockstep_tests_spin::{Component, Server, Settings};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

pub(crate) static DAEMON: LazyLock<Daemon> = LazyLock::new(|| {
    need(&module("relaxed"));
    need(&tiny_model());
    Daemon::start(&tiny_model(), &module("relaxed"))
});

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

static COMPONENT: LazyLock<Component> = LazyLock::new(|| {
    need(&component("tiny"));
    Component::from_file(&component("tiny")).unwrap()
});

/// A server of the component.
pub(crate) struct Edge {
    pub(crate) server: Server,
    pub(crate) settings: Settings,
}

impl Edge {
    pub(crate) fn start(settings: Settings) -> Self {
        Self::of(&COMPONENT, settings)
    }

    pub(crate) fn of(component: &Component, settings: Settings) -> Self {
        let server = RUNTIME.block_on(Server::start(component, settings.clone())).unwrap();
        Self { server, settings }
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(method, path, &[], body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (status, head, body) = request_with(self.server.address, method, path, headers, body.as_bytes());
        Answer { status, head, body }
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, &body.to_string())
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

pub(crate) fn good() -> Value {
    json!({
        "user": {"history": [{"text": "a red bicycle", "weight": 1.0}, {"text": "good bread", "weight": 0.5}]},
        "candidates": [{"id": "a", "text": "new bicycle lamps"}, {"id": "b", "text": "bread and butter"}, {"id": "c", "text": "a red bicycle"}],
        "top_n": 3, "diversity": 0.0, "explain": true
    })
}

/// An answer without the time it took, which differs between runtimes.
pub(crate) fn scores(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("took_ms");
    }
    answer
}
