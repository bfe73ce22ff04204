//! `GET` and `DELETE /v1/items/{id}`. The id is percent-encoded UTF-8.

use serde::Serialize;
use serde_json::{Value, json};

use super::super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    problem::{Problem, quote},
    reply::{Reply, Usage},
    texts::check_id,
};

/// Asks for the item with an id.
pub(crate) struct Get(String);

/// Deletes the item with an id.
pub(crate) struct Delete(String);

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    text: &'a str,
    attributes: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

impl Endpoint for Get {
    fn route() -> Route {
        Route::get("/v1/items/{}")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        read_id(request).map(Self)
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let item = call.items()?.get(&self.0)?.ok_or_else(|| Problem::NoItem(quote(&self.0)))?;
        let attributes = item.attributes()?;
        let answer = Answer { id: &item.id, text: &item.text, attributes, expires: item.expires };
        Reply::answer(&answer, Usage::default())
    }
}

impl Endpoint for Delete {
    fn route() -> Route {
        Route::delete("/v1/items/{}")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        read_id(request).map(Self)
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        if !call.items()?.delete(&self.0)? {
            return Err(Problem::NoItem(quote(&self.0)));
        }
        Reply::answer(&json!({ "id": self.0, "deleted": true }), Usage::default())
    }
}

fn read_id(request: &Request<'_>) -> Result<String, Problem> {
    request.need_items()?;
    let id = request.parts.first().cloned().unwrap_or_default();
    check_id("id", &id, request.limits)?;
    Ok(id)
}
