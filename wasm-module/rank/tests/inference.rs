//! The Open Inference Protocol: metadata, texts as tensors, in JSON and in binary form.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use fake::{Fake, read, refused, served, service};
use lockstep_rank::{Problem, Reply, route, unpacked};
use serde_json::{Value, json};

const TEXTS: [&str; 3] = ["red hat", "", "blue shoes"];
const INFER: &str = "/v2/models/words/infer";

fn ask(model: Fake, method: &str, path: &str, body: &Value) -> Reply {
    service(model).handle(method, path, body.to_string().as_bytes())
}

fn get(path: &str) -> Value {
    let reply = ask(Fake::embedding(), "GET", path, &json!(null));
    assert_eq!(reply.status, 200, "{}", reply.body);
    read(&reply)
}

fn tensor(name: &str, data: Value, shape: Value) -> Value {
    json!({"name": name, "datatype": "BYTES", "shape": shape, "data": data})
}

#[test]
fn the_service_and_the_model_describe_themselves() {
    assert_eq!(get("/v2")["name"], "lockstep");
    assert_eq!(get("/v2/health/live")["live"], true);
    assert_eq!(get("/v2/health/ready")["ready"], true);
    for path in ["/v2/models/words", "/v2/models/words/versions/1", "/v2/models/fake%2Fwords"] {
        let model = get(path);
        assert_eq!(model["name"], "words");
        assert_eq!(model["inputs"], json!([{"name": "text", "datatype": "BYTES", "shape": [-1]}]));
        assert_eq!(model["outputs"], json!([{"name": "embedding", "datatype": "FP32", "shape": [-1, 8]}]));
    }
    assert_eq!(get("/v2/models/words/ready"), json!({"name": "words", "ready": true}));
    let labels = ask(Fake::classifier(&["a", "b"]), "GET", "/v2/models/words", &json!(null));
    let outputs = json!([{"name": "scores", "datatype": "FP64", "shape": [-1, 2]}]);
    assert_eq!(read(&labels)["outputs"], outputs);
}

#[test]
fn vectors_are_those_of_embed() {
    let expected: Vec<Value> = served("/embed", &json!({"inputs": TEXTS})).as_array().unwrap().clone();
    let flat: Vec<&Value> = expected.iter().flat_map(|row| row.as_array().unwrap()).collect();
    for (name, data, shape) in [
        ("text", json!(TEXTS), json!([3])),
        ("text", json!(TEXTS), json!([3, 1])),
        ("text", json!(TEXTS.map(|text| [text])), json!([3, 1])),
        // A client of another server has its own name for the texts.
        ("INPUT0", json!(TEXTS), json!([3])),
    ] {
        for path in [INFER, "/v2/models/words/versions/1/infer", "/v2/models/fake%2fwords/infer"] {
            let body = json!({"id": "7", "inputs": [tensor(name, data.clone(), shape.clone())],
                              "outputs": [{"name": "embedding", "parameters": {"binary_data": false}}]});
            let answer = served(path, &body);
            assert_eq!(
                (&answer["model_name"], &answer["model_version"], &answer["id"]),
                (&json!("words"), &json!("1"), &json!("7"))
            );
            let output = &answer["outputs"][0];
            assert_eq!((&output["name"], &output["datatype"]), (&json!("embedding"), &json!("FP32")));
            assert_eq!((&output["shape"], &output["data"]), (&json!([3, 8]), &json!(flat)));
        }
    }
    let answer = served(INFER, &json!({"inputs": [tensor("text", json!(["a"]), json!([1]))]}));
    assert!(answer.get("id").is_none());
}

#[test]
fn scores_are_those_of_predict() {
    let model = || Fake::classifier(&["low", "high"]);
    let pairs = json!({"inputs": [tensor("text", json!(["a b", "c"]), json!([2])),
                                  tensor("text_pair", json!(["a", "d"]), json!([2]))]});
    let answer = read(&ask(model(), "POST", INFER, &pairs));
    let labels = ask(model(), "POST", "/predict", &json!({"inputs": [["a b", "a"], ["c", "d"]]}));
    let mut expected = Vec::new();
    for rows in read(&labels).as_array().unwrap() {
        for label in ["low", "high"] {
            let row = rows.as_array().unwrap().iter().find(|row| row["label"] == label).unwrap();
            expected.push(row["score"].clone());
        }
    }
    assert_eq!(
        answer["outputs"][0],
        json!({"name": "scores", "datatype": "FP64", "shape": [2, 2], "data": expected})
    );
}

#[test]
fn mistakes_are_named() {
    let refuse = |path: &str, body: Value, status: u16, parts: &[&str]| {
        let kind = if parts[0].contains("no texts") { "Empty" } else { "Validation" };
        refused(&ask(Fake::embedding(), "POST", path, &body), status, kind, parts);
    };
    let good = || json!({"inputs": [tensor("text", json!(["a"]), json!([1]))]});
    refuse("/v2/models/other/infer", good(), 404, &["no such model: \"other\"; there is words"]);
    refuse("/v2/models/words/versions/2/infer", good(), 404, &["version \"2\"", "words, version 1"]);
    refuse("/v2/models//infer", good(), 404, &["no such path"]);
    refuse("/v2/models/%ff/infer", good(), 404, &["no such path"]);
    refuse("/v2/models/words/infer/x", good(), 404, &["no such path"]);
    let of = |inputs: Value| json!({ "inputs": inputs });
    refuse(INFER, json!({}), 422, &["inputs: this field is missing"]);
    refuse(INFER, of(json!([tensor("text", json!([]), json!([0]))])), 400, &["inputs[0].data: no texts"]);
    refuse(
        INFER,
        of(json!([tensor("text", json!(["a"]), json!([2]))])),
        422,
        &["inputs[0].shape: expected [1]", "got [2]"],
    );
    refuse(
        INFER,
        of(json!([tensor("text", json!(["a", "b"]), json!([1, 2]))])),
        422,
        &["inputs[0].shape", "got [1, 2]"],
    );
    refuse(INFER, of(json!([tensor("text", json!([1]), json!([1]))])), 422, &["inputs[0].data[0]", "got 1"]);
    let numbers = json!({"name": "text", "datatype": "INT64", "shape": [1], "data": [1]});
    refuse(INFER, of(json!([numbers])), 422, &["inputs[0].datatype: expected \"BYTES\", got \"INT64\""]);
    let twice = json!([tensor("a", json!(["a"]), json!([1])), tensor("b", json!(["b"]), json!([1]))]);
    refuse(INFER, of(twice), 422, &["inputs[1]: one tensor of texts is enough"]);
    let mut outputs = good();
    outputs["outputs"] = json!([{"name": "logits"}]);
    refuse(INFER, outputs, 422, &["outputs[0].name: expected \"embedding\", got \"logits\""]);
    refused(&ask(Fake::embedding(), "GET", INFER, &good()), 405, "Validation", &["takes POST"]);
    let uneven = json!({"inputs": [tensor("text", json!(["a"]), json!([1])), tensor("text_pair", json!(["a", "b"]), json!([2]))]});
    refused(
        &ask(Fake::classifier(&["x"]), "POST", INFER, &uneven),
        422,
        "Validation",
        &["inputs[1]: 2 texts for the 1"],
    );
    let alone = json!({"inputs": [tensor("text_pair", json!(["a"]), json!([1]))]});
    refused(
        &ask(Fake::classifier(&["x"]), "POST", INFER, &alone),
        422,
        "Validation",
        &["no tensor of texts"],
    );
}

/// A body as Triton's client sends it, and the value of its header.
fn binary(texts: &[&[u8]]) -> (String, Vec<u8>) {
    let elements: Vec<u8> = texts
        .iter()
        .flat_map(|text| [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text].concat())
        .collect();
    let head = json!({
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [texts.len()],
                    "parameters": {"binary_data_size": elements.len()}}],
        "parameters": {"binary_data_output": true},
    })
    .to_string();
    (head.len().to_string(), [head.as_bytes(), &elements].concat())
}

#[test]
fn binary_tensors_are_the_same_request() {
    let (length, body) = binary(&TEXTS.map(str::as_bytes));
    let plain: Value = serde_json::from_slice(&unpacked(Some(&length), body).unwrap()).unwrap();
    assert_eq!(plain["inputs"][0]["data"], json!(TEXTS));
    let json = json!({"inputs": [tensor("text", json!(TEXTS), json!([3]))]});
    assert_eq!(served(INFER, &plain), served(INFER, &json));
    // Without the header, or without binary tensors, nothing changes.
    let text = json.to_string().into_bytes();
    assert_eq!(unpacked(None, text.clone()).unwrap(), text);
    let same = unpacked(Some(&text.len().to_string()), text.clone()).unwrap();
    assert_eq!(served(INFER, &serde_json::from_slice(&same).unwrap()), served(INFER, &json));
    assert_eq!(unpacked(Some("2"), b"{x".to_vec()).unwrap(), b"{x");
}

#[test]
fn binary_tensors_that_do_not_fit_are_named() {
    let (length, body) = binary(&[b"a", b"bc"]);
    let refuse = |length: &str, body: &[u8], part: &str| {
        let problem = unpacked(Some(length), body.to_vec()).unwrap_err();
        assert!(
            matches!(problem, Problem::Invalid { .. }) && problem.to_string().contains(part),
            "{problem}"
        );
    };
    for wrong in ["", "x", "-1", "99999", "18446744073709551616"] {
        refuse(wrong, &body, "inference-header-content-length: expected at most");
    }
    refuse(
        &length,
        &body[..body.len() - 1],
        "binary_data_size: expected at most the 10 bytes that are left, got 11",
    );
    refuse(&length, &[&body[..], b"x"].concat(), "1 bytes of the body belong to no tensor");
    let mut long = body.clone();
    let first = body.len() - 11;
    long[first] = 200;
    refuse(&length, &long, "element 0 goes beyond the end of its tensor");
    let (length, body) = binary(&[b"a", b"\xff"]);
    refuse(&length, &body, "inputs[0].data[1]: not UTF-8 from byte 0 on");
}

#[test]
fn a_path_has_the_route_that_answers_it() {
    assert_eq!(route("/v2/models/any/infer"), Some("/v2/models/{}/infer"));
    assert_eq!((route("/embed"), route("/embed/")), (Some("/embed"), None));
}
