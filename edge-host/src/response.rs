//! The bodies of the daemon's answers.

use http_body_util::Full;
use hyper::{
    StatusCode,
    body::Bytes,
    header::{CONNECTION, CONTENT_TYPE, HeaderValue},
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
    let Reply { status, body, .. } = Reply::refusal(problem);
    let mut response = json(status, body);
    // The daemon did not read the rest of the body, so the connection cannot carry another request.
    if matches!(problem, Problem::BodyTooSlow(_) | Problem::BodyTooLarge { .. } | Problem::BodyBroken(_)) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
