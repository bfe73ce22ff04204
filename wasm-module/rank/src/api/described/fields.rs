//! The schemas that several endpoints share.

use serde_json::{Map, Value, json};

use crate::{encoder::ModelKind, openapi::operation::Surroundings};

impl Surroundings<'_> {
    /// A text. Its limit counts bytes, so a text of as many characters may be too long already.
    pub(super) fn text(&self) -> Value {
        json!({"type": "string", "maxLength": self.limits.max_text_bytes})
    }

    /// A text that is not empty.
    pub(super) fn some_text(&self) -> Value {
        with(self.text(), "minLength", 1)
    }

    /// An array of one entry or more.
    pub(super) fn inputs(&self, entry: Value) -> Value {
        array(entry, 1, self.limits.max_inputs)
    }

    /// Texts, or token ids where no prompt stands before each input.
    pub(super) fn texts_or_ids(&self) -> Value {
        if !self.model.prompts.any().is_empty() {
            return json!({"anyOf": [self.some_text(), self.inputs(self.text())]});
        }
        let ids = self.ids();
        let either = json!({"anyOf": [self.text(), ids]});
        json!({
            "anyOf": [self.some_text(), ids, self.inputs(either)],
            "description": "One text, one array of token ids, or an array of these. \
                            Ids are the whole input: no special tokens are added.",
        })
    }

    /// Token ids.
    pub(super) fn ids(&self) -> Value {
        let id = json!({"type": "integer", "minimum": 0, "maximum": self.model.vocabulary.saturating_sub(1)});
        json!({"type": "array", "items": id, "minItems": 1})
    }

    /// An id of a candidate or an item.
    pub(super) fn id(&self) -> Value {
        json!({"type": "string", "minLength": 1, "maxLength": self.limits.max_id_bytes})
    }

    /// How many numbers of each vector to send.
    pub(super) fn dimensions(&self) -> Value {
        let mut schema = json!({"type": ["integer", "null"], "minimum": 1});
        if let ModelKind::Embedding { dimensions } = self.model.kind {
            schema["maximum"] = dimensions.into();
        }
        with(schema, "description", "The first numbers of each vector alone.")
    }

    /// What to do with a text that is too long.
    pub(super) fn truncation(&self) -> Value {
        let usual = self.limits.auto_truncate;
        let truncate = |description: &str| {
            json!({
                "anyOf": [
                    {"type": ["boolean", "null"]},
                    {"type": "string", "enum": ["END", "RIGHT", "NONE", "end", "right", "none"]},
                ],
                "default": usual,
                "description": description,
            })
        };
        json!({
            "truncate": truncate("Whether a text that is too long is cut; otherwise it is refused."),
            "truncation": truncate("As `truncate`, which counts more."),
            "truncation_direction": {
                "enum": ["right", "Right", "RIGHT", null], "default": "right",
                "description": "Texts are cut at their end alone.",
            },
        })
    }

    /// The prompt before each text.
    pub(super) fn prompt(&self) -> Value {
        let mut names: Vec<Value> = self.model.prompts.texts.keys().cloned().map(Value::from).collect();
        names.push(Value::Null);
        json!({
            "prompt_name": {"enum": names, "description": "A prompt of the model; it stands before each text."},
            "input_type": {
                "type": ["string", "null"],
                "description": "The role of the texts, which has its prompt: `query`, `document`, …",
            },
        })
    }
}

/// Fields of other servers that may only say what happens anyway.
pub(super) fn unchanged() -> Value {
    let only = |value: Value| json!({"enum": [value, null], "description": "Any other value would change vectors, and is refused."});
    json!({
        "add_special_tokens": only(json!(true)),
        "late_chunking": only(json!(false)),
        "embedding_type": only(json!("float")),
        "embedding_types": only(json!(["float"])),
        "output_dtype": only(json!("float")),
        "output_dimension": {"type": "null"},
        "truncate_dim": {"type": "null"},
        "prompt": only(json!("")),
        "instruction": only(json!("")),
    })
}

/// The object in which Hugging Face's clients send settings.
pub(super) fn parameters() -> Value {
    json!({"parameters": {
        "type": ["object", "null"],
        "description": "Settings, as Hugging Face's clients send them; a field outside counts more.",
    }})
}

/// True or false, or nothing.
pub(super) fn flag(usual: bool, description: &str) -> Value {
    json!({"type": ["boolean", "null"], "default": usual, "description": description})
}

/// How many of the best, or nothing for all of them.
pub(super) fn count(description: &str) -> Value {
    json!({"type": ["integer", "null"], "minimum": 1, "description": description})
}

pub(super) fn array(entry: Value, least: usize, most: usize) -> Value {
    json!({"type": "array", "items": entry, "minItems": least, "maxItems": most})
}

/// A list of any length.
pub(super) fn list(entry: Value) -> Value {
    json!({"type": "array", "items": entry})
}

/// A vector of floating-point numbers.
pub(super) fn vector() -> Value {
    list(json!({"type": "number", "format": "float"}))
}

/// A whole number, 0 or more.
pub(super) fn whole() -> Value {
    json!({"type": "integer", "minimum": 0})
}

/// An object of these fields, and of fields that are ignored.
pub(super) fn open<const N: usize>(required: &[&str], fields: [Value; N]) -> Value {
    let mut all = Map::new();
    for fields in fields {
        if let Value::Object(mut fields) = fields {
            all.append(&mut fields);
        }
    }
    json!({"type": "object", "required": required, "properties": all})
}

/// An object of these fields alone.
pub(super) fn closed(required: &[&str], fields: Value) -> Value {
    with(open(required, [fields]), "additionalProperties", false)
}

/// The schema with one more keyword.
pub(super) fn with(mut schema: Value, keyword: &str, value: impl Into<Value>) -> Value {
    schema[keyword] = value.into();
    schema
}
