//! The answer to a request for recommendations.

use serde::Serialize;
use serde_json::Value;

use super::super::rank::{Because, Tokens};
use super::request::With;
use crate::{items::Best, problem::Problem};

#[derive(Serialize)]
pub(super) struct Answer<'a> {
    pub(super) model: &'a str,
    pub(super) model_digest: &'a str,
    pub(super) backend: &'a str,
    pub(super) items: Vec<Shown<'a>>,
    /// Why the items have no scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cold_start: Option<&'static str>,
    /// Texts whose end was cut off.
    #[serde(skip_serializing_if = "Skipped::is_empty")]
    pub(super) truncated: Skipped,
    /// Items that are not kept any more, so that they do not count.
    #[serde(skip_serializing_if = "Unknown::is_empty")]
    pub(super) unknown: Unknown,
    pub(super) usage: Tokens,
    pub(super) took_ms: f64,
}

/// Positions of entries.
#[derive(Serialize)]
pub(super) struct Skipped {
    pub(super) history: Vec<usize>,
}

impl Skipped {
    fn is_empty(&self) -> bool {
        self.history.is_empty()
    }
}

/// Positions of ids.
#[derive(Serialize)]
pub(super) struct Unknown {
    pub(super) history: Vec<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) pinned: Vec<usize>,
}

impl Unknown {
    fn is_empty(&self) -> bool {
        self.history.is_empty() && self.pinned.is_empty()
    }
}

/// One item.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    id: &'a str,
    score: f64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pinned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<Vec<Because>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

impl<'a> Shown<'a> {
    pub(super) fn of(
        best: &'a Best,
        pinned: bool,
        because: Option<Vec<Because>>,
        with: &With,
    ) -> Result<Self, Problem> {
        let Best { item, scored, .. } = best;
        Ok(Self {
            id: &item.id,
            score: scored.score,
            pinned,
            because,
            text: with.text.then_some(&item.text),
            attributes: with.attributes.then(|| item.attributes()).transpose()?,
            expires: item.expires.filter(|_| with.expires),
        })
    }
}
