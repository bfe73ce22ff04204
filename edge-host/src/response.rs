//! The bodies of the daemon's answers.

use std::time::Duration;

use http_body_util::Full;
use hyper::{
    StatusCode,
    body::Bytes,
    header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use lockstep_rank::{Problem, Reply};

/// An answer whose body is complete.
pub(crate) type Response = hyper::Response<Full<Bytes>>;

/// An answer in JSON. A status that HTTP does not know becomes 424.
pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FAILED_DEPENDENCY);
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// The answer that refuses a request.
pub(crate) fn refusal(problem: &Problem) -> Response {
    let Reply { status, body, retry_after: after, .. } = Reply::refusal(problem);
    let mut response = json(status, body);
    retry_after(&mut response, after);
    // The daemon did not read the rest of the body, so the connection cannot carry another request.
    if matches!(problem, Problem::BodyTooSlow(_) | Problem::BodyTooLarge { .. } | Problem::BodyBroken(_)) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Tells a refused client how many seconds to wait, rounded up.
pub(crate) fn retry_after(response: &mut Response, after: Option<Duration>) {
    if let Some(after) = after {
        let seconds = after.as_millis().div_ceil(1000).max(1) as u64;
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
}
