//! The bodies of the daemon's answers.

use http_body_util::Full;
use hyper::{
    StatusCode,
    body::Bytes,
    header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue},
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

/// An answer of plain text.
pub(crate) fn plain(media_type: &'static str, text: String) -> Response {
    let mut response = Response::new(Full::new(text.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// A reply of the service, with the headers that belong to it.
pub(crate) fn of_reply(reply: Reply) -> Response {
    let (headers, kind) = (reply.headers(), reply.media_type());
    let mut response = json(reply.status, reply.body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    add(&mut response, headers);
    response
}

/// The answer that refuses a request to a path.
pub(crate) fn refusal(problem: &Problem, path: &str) -> Response {
    let mut response = of_reply(Reply::refusal(problem).shaped_for(path));
    // The daemon did not read the rest of the body, so the connection cannot carry another request.
    if matches!(problem, Problem::BodyTooSlow(_) | Problem::BodyTooLarge { .. } | Problem::BodyBroken(_)) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Adds headers. One whose value HTTP does not allow is left out.
pub(crate) fn add(response: &mut Response, headers: impl IntoIterator<Item = (&'static str, String)>) {
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}
