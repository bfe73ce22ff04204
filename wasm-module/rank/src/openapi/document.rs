//! The whole document.

use serde_json::{Map, Value, json};

use super::{
    operation::{Body, Operation, Part, Surroundings},
    refusals::{Shape, statuses},
};
use crate::{api::ENDPOINTS, encoder::ModelInfo, limits::Limits};

/// The description of all endpoints in OpenAPI 3.1, as JSON, with a model and limits in force.
#[must_use]
pub fn openapi(model: &ModelInfo, limits: &Limits) -> Value {
    let at = &Surroundings { model, limits };
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS {
        let route = (endpoint.route)();
        let mut operation = (endpoint.describe)(at);
        // An endpoint at several routes may have more parts at one of them.
        operation.parts.truncate(route.path.matches("{}").count());
        let path = named(route.path, &operation.parts);
        let methods = paths.entry(&path).or_insert_with(|| json!({}));
        methods[route.method.to_ascii_lowercase()] = written(operation, route.method, &path);
    }
    let (mut schemas, mut responses) = (Map::new(), Map::new());
    for shape in Shape::ALL {
        schemas.insert(shape.name().to_owned(), shape.schema());
        responses.append(&mut shape.responses());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lockstep",
            "version": at.model.version,
            "summary": "Ranks texts for a person, and gives vectors, scores and labels of texts.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": schemas, "responses": responses},
    })
}

/// The path with the names of its parts.
fn named(path: &str, parts: &[Part]) -> String {
    let mut names = parts.iter().map(|part| part.name);
    let part = |part: &str| match part {
        "{}" => format!("{{{}}}", names.next().unwrap_or("part")),
        part => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn written(operation: Operation, method: &str, path: &str) -> Value {
    let Operation { tag, summary, parts, request, answer } = operation;
    let shape = Shape::at(path);
    let mut responses = Map::new();
    if let Some(answer) = answer {
        responses.insert("200".into(), json!({"description": "The answer.", "content": content(answer)}));
    }
    for status in statuses(request.is_some(), !parts.is_empty()) {
        let name = format!("#/components/responses/{}", shape.response(status));
        responses.insert(status.to_string(), json!({"$ref": name}));
    }
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let id: Vec<&str> = std::iter::once(method).chain(words).collect();
    let mut written = json!({
        "tags": [tag],
        "summary": summary,
        "operationId": id.join("_").to_ascii_lowercase(),
        "responses": responses,
    });
    if !parts.is_empty() {
        let parameter = |part: Part| {
            json!({
                "name": part.name, "in": "path", "required": true,
                "schema": part.schema, "example": part.example,
            })
        };
        written["parameters"] = parts.into_iter().map(parameter).collect();
    }
    if let Some(body) = request {
        written["requestBody"] = json!({"required": true, "content": content(body)});
    }
    written
}

fn content(body: Body) -> Value {
    let examples = body.examples.into_iter().map(|(name, value)| (name.to_owned(), json!({"value": value})));
    let examples: Map<String, Value> = examples.collect();
    json!({ body.media_type: {"schema": body.schema, "examples": examples} })
}
