//! Compares values with JSON schemas. A keyword that is not known here is an error, not ignored.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

/// Why a value does not fit a schema; `None` if it fits. `root` is the document of references.
pub(crate) fn misfit(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let keywords = schema.as_object().unwrap_or_else(|| panic!("no schema: {schema}"));
    keywords.iter().find_map(|(keyword, wanted)| {
        let fits = fits(root, schema, (keyword, wanted), value);
        fits.err().map(|inner| if inner.is_empty() { format!("{keyword} {wanted}: {value}") } else { inner })
    })
}

fn all<'a>(found: impl IntoIterator<Item = Option<String>> + 'a) -> Result<(), String> {
    found.into_iter().flatten().next().map_or(Ok(()), Err)
}

fn fits(
    root: &Value,
    schema: &Value,
    (keyword, wanted): (&str, &Value),
    value: &Value,
) -> Result<(), String> {
    let is = |fits: bool| if fits { Ok(()) } else { Err(String::new()) };
    let number = || wanted.as_f64().unwrap();
    let below = |length: usize| length as f64 <= number();
    let above = |length: usize| length as f64 >= number();
    let (text, list, object) = (value.as_str(), value.as_array(), value.as_object());
    match keyword {
        "description" | "default" | "format" | "contentEncoding" => Ok(()),
        "type" => is(wanted.as_str().map_or_else(
            || wanted.as_array().unwrap().iter().any(|one| is_of(one.as_str().unwrap(), value)),
            |one| is_of(one, value),
        )),
        "const" => is(value == wanted),
        "enum" => is(wanted.as_array().unwrap().contains(value)),
        "anyOf" => is(wanted.as_array().unwrap().iter().any(|one| misfit(root, one, value).is_none())),
        "$ref" => {
            let path = wanted.as_str().unwrap().strip_prefix('#').unwrap();
            let there = root.pointer(path).unwrap_or_else(|| panic!("{path} is not there"));
            misfit(root, there, value).map_or(Ok(()), Err)
        }
        "minLength" => is(text.is_none_or(|text| above(text.chars().count()))),
        "maxLength" => is(text.is_none_or(|text| below(text.chars().count()))),
        "minimum" => is(value.as_f64().is_none_or(|value| value >= number())),
        "maximum" => is(value.as_f64().is_none_or(|value| value <= number())),
        "minItems" => is(list.is_none_or(|list| above(list.len()))),
        "maxItems" => is(list.is_none_or(|list| below(list.len()))),
        "items" => all(list.into_iter().flatten().map(|one| misfit(root, wanted, one))),
        "minProperties" => is(object.is_none_or(|object| above(object.len()))),
        "maxProperties" => is(object.is_none_or(|object| below(object.len()))),
        "propertyNames" => {
            all(object.into_iter().flatten().map(|(name, _)| misfit(root, wanted, &name.as_str().into())))
        }
        "required" => is(object.is_none_or(|object| {
            wanted.as_array().unwrap().iter().all(|name| object.contains_key(name.as_str().unwrap()))
        })),
        "properties" => all(object.into_iter().flatten().map(|(name, value)| {
            let inner = misfit(root, wanted.get(name)?, value)?;
            Some(format!("{name}: {inner}"))
        })),
        "additionalProperties" => all(object.into_iter().flatten().map(|(name, value)| {
            let known = schema.get("properties").is_some_and(|known| known.get(name).is_some());
            match wanted {
                _ if known => None,
                Value::Bool(false) => Some(format!("{name} is not described")),
                wanted => misfit(root, wanted, value),
            }
        })),
        other => panic!("the keyword {other} is not known here"),
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other} is not known here"),
    }
}
