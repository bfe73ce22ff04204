//! `POST /decode`, as text-embeddings-inference has it: the text of each list of token ids.

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    problem::Problem,
    reply::{Reply, Usage},
    texts::read_non_empty,
};

/// Token ids to make texts of.
pub(crate) struct Decode {
    /// Never empty, nor is one of them; each id is in the model's vocabulary.
    ids: Vec<Vec<u32>>,
    skip_special: bool,
}

impl Endpoint for Decode {
    fn route() -> Route {
        Route::post("/decode")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let mut fields = request.open_fields()?;
        let ids = fields.required("ids")?;
        let lists = if ids.is_numbers() {
            vec![ids]
        } else {
            let wanted = "an array of token ids, or an array of these";
            read_non_empty(ids, wanted, request.limits.max_inputs)?
        };
        let mut ids = Vec::new();
        for list in lists {
            let path = list.path.clone();
            let list = list.ids(request.model.vocabulary)?;
            if list.is_empty() {
                return Err(Problem::empty(path, "no token ids; send at least one"));
            }
            ids.push(list);
        }
        Ok(Self { ids, skip_special: fields.bool("skip_special_tokens", true)? })
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let texts: Vec<String> = self
            .ids
            .iter()
            .map(|ids| call.encoder.text_of(ids, self.skip_special))
            .collect::<Result<_, _>>()
            .map_err(|error| Problem::from_encoder(error, |_| "ids".to_owned()))?;
        Reply::answer(&texts, Usage::default())
    }
}
