//! The model and the clock, as an endpoint uses them to answer a request.

use crate::{
    clock::{Clock, elapsed_ms},
    encoder::{Encoded, ModelInfo, ModelKind, Text, TextEncoder},
    items::ItemStore,
    limits::Limits,
    problem::Problem,
    reply::Usage,
};

/// One run of an endpoint.
pub(crate) struct Call<'a> {
    pub(crate) encoder: &'a mut dyn TextEncoder,
    pub(crate) limits: &'a Limits,
    pub(crate) clock: Clock,
    /// The items that the host keeps.
    pub(crate) items: Option<&'a dyn ItemStore>,
    /// The clock when the request was read.
    pub(crate) started: f64,
}

impl<'a> Call<'a> {
    /// The items that the host keeps.
    pub(crate) fn items(&self) -> Result<&'a dyn ItemStore, Problem> {
        self.items.ok_or_else(Problem::no_items)
    }

    /// The model's description.
    pub(crate) fn model(&self) -> &ModelInfo {
        self.encoder.info()
    }

    /// Milliseconds since the request was read.
    pub(crate) fn took_ms(&self) -> f64 {
        elapsed_ms(self.started, (self.clock)())
    }

    /// Refuses the first text that is longer than the model's input. `field(index)` names the
    /// request's field of text `index`.
    pub(crate) fn refuse_long(
        &mut self,
        texts: &[Text<'_>],
        field: impl Fn(usize) -> String,
    ) -> Result<(), Problem> {
        let limit = self.model().max_input_length;
        for (index, text) in texts.iter().enumerate() {
            let counted = self.encoder.count_tokens(*text);
            let tokens = counted.map_err(|error| Problem::from_encoder(error, |_| field(index)))?;
            if tokens > limit {
                let detail = format!(
                    "{tokens} tokens, the model takes {limit}; send \"truncate\": true to cut the text"
                );
                return Err(Problem::invalid(field(index), detail));
            }
        }
        Ok(())
    }

    /// Refuses the first text of more than `limit` tokens that the model would read beyond them.
    pub(crate) fn refuse_beyond(
        &mut self,
        limit: usize,
        texts: &[Text<'_>],
        field: impl Fn(usize) -> String,
    ) -> Result<(), Problem> {
        let longest = self.model().max_input_length;
        for (index, text) in texts.iter().enumerate().filter(|_| limit < longest) {
            let counted = self.encoder.count_tokens(*text);
            let tokens = counted.map_err(|error| Problem::from_encoder(error, |_| field(index)))?;
            if tokens > limit {
                let detail =
                    format!("{tokens} tokens; texts are cut at {longest} tokens alone, not at {limit}");
                return Err(Problem::invalid(field(index), detail));
            }
        }
        Ok(())
    }

    /// Runs the model on the texts, and checks the number and the length of the vectors that it
    /// gives. `field(index)` names the request's field of text `index`.
    pub(crate) fn encode(
        &mut self,
        texts: &[Text<'_>],
        field: impl Fn(usize) -> String,
    ) -> Result<(Vec<Encoded>, Usage), Problem> {
        let encoded = self.encoder.encode(texts).map_err(|error| Problem::from_encoder(error, field))?;
        let length = match &self.model().kind {
            ModelKind::Embedding { dimensions } => *dimensions,
            ModelKind::Classifier { labels, .. } => labels.len(),
        };
        if encoded.len() != texts.len() {
            let (found, wanted) = (encoded.len(), texts.len());
            let text = format!("the model failed: {found} vectors for {wanted} texts");
            return Err(Problem::Backend(text));
        }
        if let Some(one) = encoded.iter().find(|one| one.vector.len() != length) {
            let found = one.vector.len();
            let text = format!("the model failed: a vector of {found} integers instead of {length}");
            return Err(Problem::Backend(text));
        }
        let usage = Usage {
            tokens: encoded.iter().map(|one| one.tokens).sum(),
            truncated: encoded.iter().filter(|one| one.truncated).count(),
        };
        Ok((encoded, usage))
    }
}
