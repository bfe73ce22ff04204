//! The settings of a `Transformer` module: `sentence_bert_config.json`.

use std::path::Path;

use crate::checkpoint::{CheckpointError, Json};

/// The file, and its names in old versions of sentence-transformers; the first one counts.
const FILES: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];
/// Settings of the library's arguments that change no vector.
const HARMLESS: [&str; 9] = [
    "add_pooling_layer",
    "attn_implementation",
    "cache_dir",
    "device_map",
    "dtype",
    "local_files_only",
    "revision",
    "torch_dtype",
    "use_fast",
];
/// Sets of arguments, under their old and new names.
const ARGUMENTS: [&str; 6] =
    ["model_args", "model_kwargs", "tokenizer_args", "processor_kwargs", "config_args", "config_kwargs"];

/// What the file says about the reading of texts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Most tokens of a text, special tokens included.
    pub limit: Option<usize>,
    /// Whether texts become lower case before everything else.
    pub lowercase: bool,
}

impl Settings {
    /// Reads the file in the folder of the transformer. A folder without it states nothing.
    ///
    /// # Errors
    /// Names the key and the value that this program does not carry.
    pub fn read(transformer: &Path) -> Result<Self, CheckpointError> {
        let path = FILES.iter().map(|name| transformer.join(name)).find(|path| path.is_file());
        let Some(path) = path else { return Ok(Self::default()) };
        let json = Json::read(&path)?;
        refuse_others(&json)?;
        let mut limit = json.count("max_seq_length")?;
        for key in ARGUMENTS {
            let Some(arguments) = json.object(key)? else { continue };
            for (name, _) in arguments.entries() {
                match name {
                    "model_max_length" => limit = arguments.count(name)?.or(limit),
                    // The library ignores it in files.
                    "trust_remote_code" => {}
                    _ if HARMLESS.contains(&name) => {}
                    _ => return Err(json.refuse(key, &format!("and {name} is not carried; remove it"))),
                }
            }
        }
        Ok(Self { limit, lowercase: json.flag("do_lower_case")?.unwrap_or(false) })
    }
}

fn refuse_others(json: &Json) -> Result<(), CheckpointError> {
    const TASKS: [&str; 2] = ["feature-extraction", "sequence-classification"];
    if json.text("transformer_task")?.is_some_and(|task| !TASKS.contains(&task)) {
        return Err(
            json.refuse("transformer_task", "allowed: \"feature-extraction\", \"sequence-classification\"")
        );
    }
    const OUTPUTS: [&str; 2] = ["token_embeddings", "scores"];
    if json.text("module_output_name")?.is_some_and(|name| !OUTPUTS.contains(&name)) {
        return Err(json.refuse("module_output_name", "allowed: \"token_embeddings\", \"scores\""));
    }
    let text = match json.object("modality_config")? {
        Some(modalities) => modalities.object("text")?,
        None => None,
    };
    if let Some(text) = text {
        const STATES: [&str; 2] = ["last_hidden_state", "logits"];
        if text.text("method_output_name")?.is_some_and(|name| !STATES.contains(&name)) {
            return Err(text.refuse("method_output_name", "allowed: \"last_hidden_state\", \"logits\""));
        }
    }
    for key in ["processing_kwargs", "query_length", "document_length", "query_expansion"] {
        let empty =
            json.get(key).is_none_or(|value| value.as_object().is_some_and(serde_json::Map::is_empty));
        if !empty {
            return Err(json.refuse(key, "which this program does not carry; remove it"));
        }
    }
    Ok(())
}
