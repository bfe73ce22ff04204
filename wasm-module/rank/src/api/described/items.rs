//! The items that a host keeps.

use serde_json::{Value, json};

use super::{
    super::items::{Bulk, Delete, Get, Put},
    fields::{array, closed, list, whole},
};
use crate::openapi::operation::{Body, Described, Operation, Part, Surroundings};

const TAG: &str = "Items";

/// The last second of the year 9999.
const LATEST: u64 = 253_402_300_799;

impl Described for Put {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let fields = json!({
            "id": at.id(),
            "text": at.text(),
            "attributes": {"type": ["object", "null"], "additionalProperties": attribute()},
            "expires": {
                "type": ["integer", "null"], "minimum": 0, "maximum": LATEST,
                "description": "The second since 1970 from which on the item is gone.",
            },
        });
        let items = array(closed(&["id", "text"], fields), 1, at.limits.max_candidates);
        let request = closed(&["items"], json!({"items": items}));
        let example = json!({"items": [
            {"id": "a", "text": "Helmets compared", "attributes": {"category": "bicycles", "price": 12}},
            {"id": "b", "text": "Sourdough"},
        ]});
        let answer = json!({
            "items": whole(),
            "encoded": whole(),
            "truncated": list(whole()),
            "usage": tokens(),
            "took_ms": {"type": "number"},
        });
        let answer = closed(&["items", "encoded", "usage", "took_ms"], answer);
        let told = json!({"items": 2, "encoded": 2, "usage": {"tokens": 9}, "took_ms": 3.5});
        Operation::with_body(
            TAG,
            "Puts items, each in the place of the one with its id",
            Body::json(request, vec![("two items", example)]),
            Body::json(answer, vec![("two items", told)]),
        )
    }
}

/// The value of an attribute.
fn attribute() -> Value {
    let one = json!({"type": ["string", "number", "boolean"]});
    json!({"anyOf": [one, list(one.clone())]})
}

/// How many tokens the model ran on.
pub(super) fn tokens() -> Value {
    closed(&["tokens"], json!({"tokens": whole()}))
}

impl Described for Bulk {
    fn describe(_: &Surroundings<'_>) -> Operation {
        let lines =
            "{\"id\": \"a\", \"text\": \"Helmets compared\"}\n{\"id\": \"b\", \"text\": \"Sourdough\"}\n";
        let text = |description: &str| json!({"type": "string", "description": description});
        let told = "{\"id\":\"a\",\"line\":1,\"status\":200,\"truncated\":false}\n\
                    {\"id\":\"b\",\"line\":2,\"status\":200,\"truncated\":false}\n";
        Operation::with_body(
            TAG,
            "Puts the item of each line; a line that is wrong spoils no other",
            Body::lines(text("On each line an item in JSON."), vec![("two items", json!(lines))]),
            Body::lines(text("A line for each line that is not blank."), vec![("two items", json!(told))]),
        )
    }
}

fn of_id(at: &Surroundings<'_>) -> Vec<Part> {
    vec![Part { name: "id", schema: at.id(), example: "a".into() }]
}

impl Described for Get {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let fields = json!({
            "id": {"type": "string"},
            "text": {"type": "string"},
            "attributes": {"type": "object"},
            "expires": {"type": "integer"},
        });
        let example = json!({"id": "a", "text": "Helmets compared", "attributes": {"category": "bicycles"}});
        let answer = Body::json(closed(&["id", "text", "attributes"], fields), vec![("an item", example)]);
        Operation::without_body(TAG, "An item", answer).of_parts(of_id(at))
    }
}

impl Described for Delete {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let fields = json!({"id": {"type": "string"}, "deleted": {"const": true}});
        let answer = Body::json(
            closed(&["id", "deleted"], fields),
            vec![("deleted", json!({"id": "a", "deleted": true}))],
        );
        Operation::without_body(TAG, "Deletes an item", answer).of_parts(of_id(at))
    }
}
