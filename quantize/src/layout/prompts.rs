//! The settings of a whole sentence-transformers model: `config_sentence_transformers.json`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::checkpoint::{CheckpointError, Json};

/// What stands before the texts, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    /// The text of each prompt. Empty if all texts are empty.
    pub texts: BTreeMap<String, String>,
    /// The prompt of a request that names none.
    pub default: Option<String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl Prompts {
    /// Reads the file of a model folder. A folder without it has no prompts. A classifier must not
    /// have any.
    ///
    /// # Errors
    /// Names a kind of model that this program does not carry, or a prompt that is none.
    pub fn read(folder: &Path, classifier: bool) -> Result<Self, CheckpointError> {
        let path = folder.join("config_sentence_transformers.json");
        let Some(json) = Json::read_if_there(&path)? else { return Ok(Self::default()) };
        const KINDS: [&str; 2] = ["SentenceTransformer", "CrossEncoder"];
        if json.text("model_type")?.is_some_and(|kind| !KINDS.contains(&kind)) {
            return Err(json.refuse("model_type", "allowed: \"SentenceTransformer\", \"CrossEncoder\""));
        }
        let mut notes = Vec::new();
        if let Some(other) = json.text("similarity_fn_name")?.filter(|name| *name != "cosine") {
            notes.push(format!(
                "similarity_fn_name is \"{other}\"; this program compares vectors by their cosine"
            ));
        }
        let mut texts = BTreeMap::new();
        if let Some(prompts) = json.object("prompts")? {
            for (name, _) in prompts.entries() {
                texts.insert(name.to_owned(), prompts.text(name)?.unwrap_or_default().to_owned());
            }
        }
        let default = json.text("default_prompt_name")?.map(str::to_owned);
        if let Some(name) = default.as_ref().filter(|name| !texts.contains_key(*name)) {
            let known: Vec<&str> = texts.keys().map(String::as_str).collect();
            let advice = format!("and prompts has no {name}, only: {}", known.join(", "));
            return Err(json.refuse("default_prompt_name", &advice));
        }
        if texts.values().all(String::is_empty) {
            return Ok(Self { notes, ..Self::default() });
        }
        if classifier {
            let advice = "and the model is a classifier, for which no prompts are carried; remove the key";
            return Err(json.refuse("prompts", advice));
        }
        Ok(Self { texts, default, notes })
    }
}
