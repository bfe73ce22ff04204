//! The labels of a classifier: `id2label`, `num_labels` and `problem_type` of `config.json`.

use lockstep_folder::manifest::LabelScores;
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

/// The function that transformers' pipelines put behind the logits of a `problem_type`, if the
/// configuration states one.
pub(super) fn scores(json: &Json) -> Result<Option<LabelScores>, CheckpointError> {
    Ok(match json.text("problem_type")? {
        None => None,
        Some("single_label_classification") => Some(LabelScores::Softmax),
        Some("multi_label_classification") => Some(LabelScores::Sigmoid),
        Some("regression") => Some(LabelScores::Logits),
        Some(_) => {
            let allowed = "allowed: single_label_classification, multi_label_classification, regression";
            return Err(json.refuse("problem_type", allowed));
        }
    })
}
