//! Reads the fields that clients of other services send: those that several servers understand, and
//! those that no field of this service stands for.
//!
//! The endpoints of other services ignore fields that they do not know, as those services do. But a
//! field that changes results there is never ignored: it is obeyed, or refused by name.

use crate::{
    fields::{At, Fields},
    json::Json,
    limits::Limits,
    problem::{Problem, quote},
    prompts::Prompts,
};

/// Refuses the settings that change vectors on other servers, unless they ask for what this service
/// does anyway.
pub(crate) fn refuse_changes(fields: &mut Fields) -> Result<(), Problem> {
    let text = |text: &str| Json::String(text.into());
    let harmless = [
        // vLLM
        ("add_special_tokens", Json::Bool(true)),
        // Jina, Voyage, Cohere
        ("late_chunking", Json::Bool(false)),
        ("embedding_type", text("float")),
        ("embedding_types", Json::Array(vec![text("float")])),
        ("output_dtype", text("float")),
        ("output_dimension", Json::Null),
        // sentence-transformers
        ("truncate_dim", Json::Null),
        ("prompt", text("")),
        ("instruction", text("")),
    ];
    harmless.into_iter().try_for_each(|(name, value)| {
        fields.optional(name).map_or(Ok(()), |field| field.refuse_unless(&value))
    })
}

/// Reads `truncate`: whether the service cuts a text that is too long; by text-embeddings-inference
/// `true` or `false`, by NVIDIA and Cohere `END` or `NONE`; Voyage calls the field `truncation`.
/// The service can only cut the end, so `truncation_direction` must be `right`.
pub(crate) fn read_truncation(fields: &mut Fields, limits: &Limits) -> Result<bool, Problem> {
    if let Some(field) = fields.optional("truncation_direction") {
        let path = field.path.clone();
        let direction = field.string()?;
        if !direction.eq_ignore_ascii_case("right") {
            let detail = format!("expected \"right\", got {}", quote(&direction));
            return Err(Problem::invalid(path, detail));
        }
    }
    let read = |field: At| {
        if !field.is_string() {
            return field.bool();
        }
        let path = field.path.clone();
        let place = field.string()?;
        match place.to_ascii_uppercase().as_str() {
            "END" | "RIGHT" => Ok(true),
            "NONE" => Ok(false),
            _ => {
                let detail = format!("expected true, false, END or NONE, got {}", quote(&place));
                Err(Problem::invalid(path, detail))
            }
        }
    };
    let truncate = fields.optional("truncate").map(read).transpose()?;
    let truncation = fields.optional("truncation").map(read).transpose()?;
    Ok(truncate.or(truncation).unwrap_or(limits.auto_truncate))
}

/// Reads to how many tokens an input shall be cut: `truncate_prompt_tokens` of vLLM,
/// `max_tokens_per_doc` of Cohere. The service cuts at the model's longest input alone, so the
/// caller refuses an input of more tokens than this number. -1 stands for the longest input.
pub(crate) fn read_token_limit(fields: &mut Fields, name: &str) -> Result<Option<usize>, Problem> {
    let Some(field) = fields.optional(name) else { return Ok(None) };
    if field.is_number(-1.0) {
        return Ok(None);
    }
    field.whole(1..=usize::MAX, "-1 for the model's longest input").map(Some)
}

/// Reads `prompt_name`: the prompt of the model that stands before each text.
pub(crate) fn read_prompt<'a>(fields: &mut Fields, prompts: &'a Prompts) -> Result<&'a str, Problem> {
    let Some(field) = fields.optional("prompt_name") else { return read_role(fields, prompts) };
    let path = field.path.clone();
    let name = field.string()?;
    prompts.texts.get(&name).map(String::as_str).ok_or_else(|| {
        let known: Vec<&str> = prompts.texts.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Problem::invalid(path, format!("expected a prompt of the model ({known}), got {}", quote(&name)))
    })
}

/// Reads `input_type` of Cohere, NVIDIA and Voyage: the role of the texts, which has its prompt.
/// Other types, such as `clustering`, have the prompt of that name or the default one.
fn read_role<'a>(fields: &mut Fields, prompts: &'a Prompts) -> Result<&'a str, Problem> {
    let role = fields.optional("input_type").map(At::string).transpose()?.unwrap_or_default();
    Ok(match role.as_str() {
        "query" | "search_query" => prompts.query(),
        "passage" | "document" | "search_document" => prompts.document(),
        other => prompts.texts.get(other).map_or_else(|| prompts.any(), String::as_str),
    })
}
