//! The attributes of items.

use serde_json::{Map, Value};

use crate::{fields::At, limits::Limits, problem::Problem, texts::check_bytes};

/// The values of an attribute, as an error message describes them.
const WANTED: &str = "a string, a number, true or false, or an array of these";

/// Reads the attributes of an item, and gives them as JSON of at most [`Limits::max_text_bytes`].
pub(crate) fn read_attributes(field: At, limits: &Limits) -> Result<String, Problem> {
    let path = field.path.clone();
    let mut attributes = Map::new();
    for (name, value) in field.object("an object of attributes")?.each() {
        let value = if value.is_array() {
            let values = value.array(WANTED, limits.max_json_values)?;
            Value::Array(values.into_iter().map(|value| value.scalar(SCALAR)).collect::<Result<_, _>>()?)
        } else {
            value.scalar(WANTED)?
        };
        attributes.insert(name, value);
    }
    let attributes = Value::Object(attributes).to_string();
    check_bytes(&path, &attributes, limits.max_text_bytes)?;
    Ok(attributes)
}

/// An entry of an array.
const SCALAR: &str = "a string, a number, true or false";
