//! Adds an endpoint as a new file would: the trait and a line in a list, nothing else.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::{Call, Endpoint, Entry, Request, endpoint::Route, health::Health};
use crate::{
    EncodeError, Encoded, Limits, ModelInfo, ModelKind, Problem, Reply, Service, Text, TextEncoder,
    texts::read_texts,
};

/// `POST /toy/count`: the tokens of each text.
struct Count {
    inputs: Vec<String>,
}

impl Endpoint for Count {
    fn route() -> Route {
        Route::post("/toy/count")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let mut fields = request.fields(&["inputs"])?;
        Ok(Self { inputs: read_texts(fields.required("inputs")?, "an array of strings", request.limits)? })
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.inputs.iter().map(|text| Text::single(text)).collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let (encoded, usage) = call.encode(&self.inputs(), |index| format!("inputs[{index}]"))?;
        let tokens: Vec<usize> = encoded.iter().map(|one| one.tokens).collect();
        Reply::answer(&json!({ "tokens": tokens }), usage)
    }
}

/// `GET /toy/count`: the same path with another method.
struct Help;

impl Endpoint for Help {
    fn route() -> Route {
        Route::get("/toy/count")
    }

    fn read(_: &Request<'_>) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn run(&self, _: &mut Call<'_>) -> Result<Reply, Problem> {
        Reply::answer(&"send inputs", crate::Usage::default())
    }
}

#[cfg(feature = "openapi")]
mod described {
    use super::{Count, Help};
    use crate::openapi::operation::{Body, Described, Operation, Surroundings};
    use serde_json::json;

    impl Described for Count {
        fn describe(_: &Surroundings<'_>) -> Operation {
            let body = || Body::json(json!({"type": "object"}), Vec::new());
            Operation::with_body("toys", "counts tokens", body(), body())
        }
    }

    impl Described for Help {
        fn describe(_: &Surroundings<'_>) -> Operation {
            Operation::without_body("toys", "helps", Body::json(json!({"type": "string"}), Vec::new()))
        }
    }
}

const WITH_TOYS: &[Entry] = &[Entry::of::<Health>(), Entry::of::<Count>(), Entry::of::<Help>()];

/// A model that counts words.
struct Words(ModelInfo);

impl TextEncoder for Words {
    fn info(&self) -> &ModelInfo {
        &self.0
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        let tokens = |input: &Text<'_>| words(*input);
        let encoded = |input| Encoded { vector: vec![1], tokens: tokens(input), truncated: false };
        Ok(inputs.iter().map(encoded).collect())
    }

    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError> {
        Ok(words(input))
    }
}

fn words(input: Text<'_>) -> usize {
    input.alone().unwrap().split_whitespace().count()
}

fn service() -> Service<Words> {
    let info = ModelInfo {
        model_id: "words".into(),
        model_digest: String::new(),
        model_dtype: String::new(),
        kind: ModelKind::Embedding { dimensions: 1 },
        pooling: String::new(),
        max_input_length: 8,
        vocabulary: 1,
        prompts: Default::default(),
        vector_scale: 1.0,
        backend: String::new(),
        version: String::new(),
    };
    Service::with_endpoints(Words(info), Limits::default(), || 0.0, WITH_TOYS)
}

fn ask(method: &str, path: &str, body: &str) -> (u16, Value) {
    let reply = service().handle(method, path, body.as_bytes());
    (reply.status, serde_json::from_str(&reply.body).unwrap())
}

#[test]
fn an_endpoint_is_one_file_and_one_line() {
    let (status, answer) = ask("POST", "/toy/count", r#"{"inputs": ["a b", "c"]}"#);
    assert_eq!((status, answer), (200, json!({ "tokens": [2, 1] })));
    let job = service().read("POST", "/toy/count?x=1", br#"{"inputs": ["a b", "c"]}"#).ok().unwrap();
    let inputs = ["a b", "c"].map(Text::single);
    assert_eq!((&*job.inputs(), job.items().len(), job.user()), (&inputs[..], 0, None));

    let (status, answer) = ask("POST", "/toy/count", r#"{"inputs": [1]}"#);
    assert_eq!((status, &answer["error_type"]), (422, &json!("Validation")));
}

#[test]
fn a_path_may_have_several_methods() {
    assert_eq!(ask("GET", "/toy/count", ""), (200, json!("send inputs")));
    assert_eq!(ask("HEAD", "/toy/count", "").0, 200);
    let (status, answer) = ask("PUT", "/toy/count", "");
    assert_eq!((status, &answer["error"]), (405, &json!("/toy/count takes POST or GET, not \"PUT\"")));
    let (status, answer) = ask("GET", "/toy", "");
    let error = json!("no such path: \"/toy\"; there are /health, /toy/count");
    assert_eq!((status, &answer["error"]), (404, &error));
}

#[test]
fn no_two_endpoints_have_the_same_route() {
    let routes: Vec<Route> = super::ENDPOINTS.iter().map(|endpoint| (endpoint.route)()).collect();
    for (at, route) in routes.iter().enumerate() {
        assert!(!routes[..at].contains(route), "{route:?} is listed twice");
    }
}
