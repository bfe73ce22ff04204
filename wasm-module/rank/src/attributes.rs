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

/// Reads a filter: names of attributes, each with the values of which an item has one.
pub(crate) fn read_filter(field: At, limits: &Limits) -> Result<Vec<(String, Vec<String>)>, Problem> {
    let mut filter = Vec::new();
    for (name, value) in field.object("an object of attributes")?.each() {
        let path = value.path.clone();
        let values = if value.is_array() {
            let values = value.array(WANTED, limits.max_candidates)?;
            values.into_iter().map(|value| value.scalar(SCALAR)).collect::<Result<Vec<_>, _>>()?
        } else {
            vec![value.scalar(WANTED)?]
        };
        if values.is_empty() {
            return Err(Problem::empty(path, "no values, so no item passes; send at least one"));
        }
        filter.push((name, values.iter().map(Value::to_string).collect()));
    }
    Ok(filter)
}

/// An entry of an array.
const SCALAR: &str = "a string, a number, true or false";
