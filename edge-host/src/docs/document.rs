//! The OpenAPI document: that of `rank`, with the routes that the daemon answers itself, and with
//! the keys that operations need.

use hyper::Method;
use serde_json::{Map, Value, json};

use crate::{keys::needed, metrics, pack_answer::PATH as PACK};

/// The paths that the daemon answers itself, all of them for `GET`.
pub(super) const OWN: [&str; 4] = ["/metrics", "/openapi.json", "/docs", PACK];

/// Adds the daemon's own routes and keys to the description of the service.
pub(crate) fn document(mut service: Value) -> Value {
    let json = json!({"application/json": {"schema": {"type": "object"}}});
    let own = [
        ("Counters and times, for Prometheus", text(metrics::MEDIA_TYPE)),
        ("This document", json),
        ("A page that shows this document and sends requests", text("text/html; charset=utf-8")),
        (
            "The vectors of the items that the daemon keeps, as a vector pack",
            json!({"application/octet-stream": {}}),
        ),
    ];
    for (path, (summary, content)) in OWN.into_iter().zip(own) {
        service["paths"][path] = json!({"get": operation(path, summary, content)});
    }
    pack(&mut service["paths"][PACK]["get"]);
    for (path, methods) in service["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in methods.as_object_mut().into_iter().flatten() {
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap_or_default();
            secure(operation, &method, path);
        }
    }
    service["components"]["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    });
    service
}

/// What only the request for a pack has.
fn pack(operation: &mut Value) {
    operation["parameters"] = json!([{
        "name": "since", "in": "query", "schema": {"type": "integer", "minimum": 0},
        "description": "Asks for what changed since this sequence, the value of `x-lockstep-sequence`.",
    }]);
    operation["responses"]["304"] = json!({"description": "The client has this pack: `If-None-Match`."});
    for status in ["410", "422", "504"] {
        operation["responses"][status] = refusal(status);
    }
}

fn refusal(status: &str) -> Value {
    json!({"$ref": format!("#/components/responses/Refusal{status}")})
}

fn text(media_type: &str) -> Value {
    json!({ media_type: {"schema": {"type": "string"}} })
}

/// The description of a `GET` that the daemon answers itself.
fn operation(path: &str, summary: &str, content: Value) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    responses.insert("200".into(), json!({"description": "The answer.", "content": content}));
    for status in ["400", "401", "403", "424", "429", "503"] {
        responses.insert(status.into(), refusal(status));
    }
    let id: String = path.chars().filter(char::is_ascii_alphanumeric).collect();
    json!({
        "tags": ["Service"], "summary": summary, "operationId": format!("get_{id}"), "responses": responses,
    })
}

/// Names the scope that an operation needs. Keys are optional, because a daemon may have none.
fn secure(operation: &mut Value, method: &Method, path: &str) {
    if let Some(scope) = needed(method, path) {
        operation["security"] = json!([{}, {"bearer": []}, {"header": []}]);
        let description = format!("Where the daemon has keys, this needs one with the scope `{scope}`.");
        operation["description"] = description.into();
    }
}
