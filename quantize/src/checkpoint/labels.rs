//! The labels of a classifier: `id2label` and `num_labels` of `config.json`.

use serde_json::Value;

use super::error::CheckpointError;
use super::json::Json;

/// The label of each index, as transformers names them: without names, or with a number of names
/// that `num_labels` contradicts, `LABEL_0` and so on; without either key, two.
pub(super) fn read(json: &Json) -> Result<Vec<String>, CheckpointError> {
    let names = json.object("id2label")?;
    let named = names.as_ref().map(|names| names.entries().count());
    let stated = json.count("num_labels")?;
    let count = stated.or(named).unwrap_or(2);
    if !(1..=4096).contains(&count) {
        return Err(json.error(format!("the number of labels is {count}, allowed: 1 to 4096")));
    }
    let Some(names) = names.filter(|_| named == Some(count)) else {
        return Ok((0..count).map(|i| format!("LABEL_{i}")).collect());
    };
    let name = |i: usize| match names.get(&i.to_string()) {
        Some(Value::String(name)) => Ok(name.clone()),
        Some(number @ (Value::Number(_) | Value::Bool(_))) => Ok(number.to_string()),
        Some(_) => Err(json.refuse("id2label", "allowed: a name or a number for each index")),
        None => Err(json.error(format!("id2label has no entry {i}"))),
    };
    (0..count).map(name).collect()
}
