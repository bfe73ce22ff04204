//! `POST /v2/rerank` and `/v1/rerank`, as Cohere, Jina and Voyage have them: documents in the order
//! of their relevance to a query.
//!
//! The three services share the paths and the fields `query`, `documents`, `return_documents`.
//!
//! | | Cohere, Jina | Voyage |
//! |---|---|---|
//! | how many documents | `top_n` | `top_k`, also as `null`; it marks the request as Voyage's |
//! | the documents of the answer | `results` | `data` |
//! | a repeated document | `{"text": "…"}` | `"…"` |
//!
//! `meta` is Cohere's, `usage` is Jina's and Voyage's. Cohere's `id` is empty: equal requests get
//! equal bytes.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    call::Call,
    comparison::{Comparison, best_first, read_top_n},
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::Text,
    fields::At,
    foreign::{read_token_limit, read_truncation, refuse_changes},
    json::Json,
    limits::Limits,
    problem::Problem,
    reply::{Reply, Usage},
    texts::read_text,
};

/// A query, and the documents to put in order.
pub(crate) struct CohereRerank {
    comparison: Comparison,
    /// Whether the request is Voyage's.
    voyage: bool,
    /// `1` or `2`, after the path.
    version: &'static str,
    /// Whether the answer repeats the documents.
    return_documents: bool,
    /// Whether a document that is too long is cut; otherwise it is refused.
    truncate: bool,
    /// CohereRerank of more tokens are refused, because they would have to be cut here.
    token_limit: Option<usize>,
    /// How many of the best documents the answer has.
    top_n: usize,
}

/// One document of the answer.
#[derive(Serialize)]
struct Line {
    index: usize,
    relevance_score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Value>,
}

/// The answer to Voyage's clients.
#[derive(Serialize)]
struct VoyageAnswer<'a> {
    object: &'static str,
    data: &'a [Line],
    model: &'a str,
    usage: Value,
}

/// The answer to all other clients.
#[derive(Serialize)]
struct Answer<'a> {
    id: &'static str,
    model: &'a str,
    results: &'a [Line],
    usage: Value,
    meta: Value,
}

impl Endpoint for CohereRerank {
    fn route() -> Route {
        Route::post("/v2/rerank")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let mut fields = request.open_fields()?;
        refuse_changes(&mut fields)?;
        if let Some(names) = fields.optional("rank_fields") {
            names.refuse_unless(&Json::Array(vec![Json::String("text".into())]))?;
        }
        let voyage = fields.has("top_k");
        let documents = ("documents", "an array of strings, or of objects with text");
        let (cohere, other) = (read_top_n(&mut fields, "top_n")?, read_top_n(&mut fields, "top_k")?);
        Ok(Self {
            comparison: Comparison::read(request, &mut fields, documents, read_document)?,
            voyage,
            version: if request.path.starts_with("/v1") { "1" } else { "2" },
            return_documents: fields.bool("return_documents", false)?,
            truncate: read_truncation(&mut fields, request.limits)?,
            token_limit: read_token_limit(&mut fields, "max_tokens_per_doc")?,
            top_n: cohere.min(other),
        })
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.comparison.inputs()
    }

    fn items(&self) -> Vec<&str> {
        self.comparison.items()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        if !self.truncate {
            self.comparison.refuse_long(call)?;
        }
        if let Some(limit) = self.token_limit {
            self.comparison.refuse_beyond(call, limit)?;
        }
        let (scores, tokens) = self.comparison.scores(call, false)?;
        let line = |index: usize| Line {
            index,
            relevance_score: scores[index],
            document: self.return_documents.then(|| self.document(index)),
        };
        let lines: Vec<Line> = best_first(&scores, self.top_n).map(line).collect();
        self.answer(&call.model().model_id, &lines, tokens)
    }
}

impl CohereRerank {
    fn document(&self, index: usize) -> Value {
        let text = self.comparison.text(index);
        if self.voyage { json!(text) } else { json!({ "text": text }) }
    }

    fn answer(&self, model: &str, lines: &[Line], tokens: Usage) -> Result<Reply, Problem> {
        let usage = json!({ "total_tokens": tokens.tokens });
        if self.voyage {
            return Reply::answer(&VoyageAnswer { object: "list", data: lines, model, usage }, tokens);
        }
        Reply::answer(
            &Answer { id: "", model, results: lines, usage, meta: meta(self.version, tokens) },
            tokens,
        )
    }
}

/// Cohere's `meta`: the version of the interface, and the tokens that the model read.
pub(super) fn meta(version: &str, usage: Usage) -> Value {
    json!({
        "api_version": { "version": version },
        "billed_units": { "input_tokens": usage.tokens },
        "tokens": { "input_tokens": usage.tokens },
    })
}

/// Reads a document: a string, or an object with `text`, whose other fields are the client's own.
fn read_document(entry: At, limits: &Limits) -> Result<String, Problem> {
    if entry.is_string() {
        return read_text(entry, limits);
    }
    read_text(entry.object("a string, or an object with text")?.required("text")?, limits)
}
