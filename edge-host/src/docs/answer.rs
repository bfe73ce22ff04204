//! Answers the requests for the description, and those whose method the daemon's own paths do not
//! take.

use hyper::Method;
use lockstep_rank::Problem;

use super::{
    document::{OWN, document},
    page::page,
};
use crate::{
    pool::Pool,
    response::{Response, json},
    status::not_ready,
};

/// The answer to a request for the description; `None` for every other request.
pub(crate) fn answer(method: &Method, path: &str, pool: &Pool) -> Option<Result<Response, Problem>> {
    let page = page(path);
    if ![Method::GET, Method::HEAD].contains(method) {
        let own = page.is_some() || OWN.contains(&path);
        return own.then(|| Err(Problem::method(path, method.as_str(), "GET")));
    }
    if path == "/openapi.json" {
        let served = pool.served().ok_or_else(not_ready);
        return Some(served.map(|served| json(200, served.front.openapi(document))));
    }
    page.map(Ok)
}
