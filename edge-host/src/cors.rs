//! Which pages may read the answers: the server's half of CORS, as the Fetch standard has it.
//!
//! Without an allowed origin the daemon says nothing of it, and a browser keeps the answers from pages of other origins.

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue,
        ORIGIN, VARY,
    },
};

use crate::http::Answer;

/// Headers of an answer that a page may read beside those that it always may.
const EXPOSED: &str = "x-compute-time, x-compute-tokens, x-inference-time, x-lockstep-backend, \
                       x-lockstep-model-digest, x-queue-time, x-total-time";
/// Seconds for which a browser need not ask again.
const MAX_AGE: &str = "600";

/// Whether `text` is `*` or what a browser sends as an origin: scheme, host, and a port where it is not the usual one.
pub(crate) fn is_origin(text: &str) -> bool {
    text == "*"
        || text.split_once("://").is_some_and(|(scheme, host)| {
            let plain = |c: char| c.is_ascii_graphic() && !c.is_ascii_uppercase() && !"/?#@\\*,".contains(c);
            ["http", "https"].contains(&scheme) && !host.is_empty() && host.chars().all(plain)
        })
}

/// Whether a browser asks what a page of another origin may send.
pub(crate) fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to that, where the origin is allowed.
pub(crate) fn preflight() -> Answer {
    let mut answer = Response::new(Default::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    answer
}

/// What every answer to a request of `origin` carries.
pub(crate) fn permit(answer: &mut HeaderMap, origin: Option<HeaderValue>, allowed: &[String]) {
    if allowed.is_empty() {
        return;
    }
    // A cache in between must not give one page what was said to another.
    answer.insert(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

/// The request's origin, where its pages may read the answer.
pub(crate) fn allowed_origin(request: &HeaderMap, allowed: &[String]) -> Option<HeaderValue> {
    let origin = request.get(ORIGIN)?;
    let names = |allowed: &String| allowed == "*" || allowed.as_bytes() == origin.as_bytes();
    allowed.iter().any(names).then(|| origin.clone())
}

#[cfg(test)]
mod tests {
    use super::is_origin;

    #[test]
    fn origins_are_what_browsers_send() {
        for good in ["*", "http://localhost:5173", "https://shop.example", "http://[::1]:8080"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://Shop.example",
            "https://a@b",
            "ftp://a",
            "https://*.example",
            "https://a,https://b",
            "https://a b",
            "null",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
