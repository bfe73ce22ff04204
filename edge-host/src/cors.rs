//! The server's part of CORS (the Fetch standard): which web pages may read the answers.
//!
//! If no origin is allowed, the daemon sends no CORS header, and browsers hide its answers from
//! pages of other origins.

use hyper::{
    HeaderMap, Method, Request, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue,
        ORIGIN, VARY,
    },
};

use crate::response::Response;

/// Headers that a page may read, beside those that it may always read.
const EXPOSED: &str = "x-compute-time, x-compute-tokens, x-inference-time, x-lockstep-backend, \
                       x-lockstep-engine, x-lockstep-model-digest, x-queue-time, x-total-time";
/// Headers that a page may send, beside those that it may always send.
const ASKED: &str = "content-type, x-lockstep-deadline-ms, x-lockstep-priority";
/// For how many seconds a browser may reuse the answer to a preflight request.
const MAX_AGE: &str = "600";

/// Whether `text` is `*`, or an origin as a browser sends it: scheme, host, and the port if it is
/// not the scheme's usual port.
pub(crate) fn is_origin(text: &str) -> bool {
    text == "*"
        || text.split_once("://").is_some_and(|(scheme, host)| {
            let plain = |c: char| c.is_ascii_graphic() && !c.is_ascii_uppercase() && !"/?#@\\*,".contains(c);
            ["http", "https"].contains(&scheme) && !host.is_empty() && host.chars().all(plain)
        })
}

/// Whether the request is a preflight: a browser asks what a page of another origin may send.
pub(crate) fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight request of an allowed origin.
pub(crate) fn preflight() -> Response {
    let mut answer = Response::new(Default::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ASKED));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    answer
}

/// Adds the CORS headers to an answer. `origin` is the request's origin, if it is allowed.
pub(crate) fn permit(answer: &mut HeaderMap, origin: Option<HeaderValue>, allowed: &[String]) {
    if allowed.is_empty() {
        return;
    }
    // A cache between daemon and browser must not give one page's answer to another page.
    answer.insert(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

/// The request's origin, if its pages may read the answer.
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
