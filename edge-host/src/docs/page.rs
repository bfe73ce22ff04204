//! The page at `/docs`.

use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};

use crate::response::{Response, plain};

/// The page may load its own script and style, and send requests to its own daemon; nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'";

/// The answer to `GET` of one of the page's files; `None` for another path.
pub(crate) fn page(path: &str) -> Option<Response> {
    let (kind, text) = match path {
        "/docs" => ("text/html; charset=utf-8", include_str!("page.html")),
        "/docs/page.js" => ("text/javascript; charset=utf-8", include_str!("page.js")),
        "/docs/page.css" => ("text/css; charset=utf-8", include_str!("page.css")),
        _ => return None,
    };
    let mut response = plain(kind, text.to_owned());
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A daemon of another version has another page.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Some(response)
}
