//! The parts of a request that CORS looks at, and the answer to a preflight. The rules are
//! `lockstep_rank::cors`.

use hyper::{
    StatusCode,
    header::{ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN},
    http::request::Parts,
};
use lockstep_rank::cors::{Asked, Permission, permit};

use crate::response::Response;

/// The methods of the daemon.
const METHODS: &str = "GET, POST, PUT, DELETE";
const PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");

/// What CORS adds to the answer to a request.
pub(crate) fn permission(head: &Parts, allowed: &[String]) -> Permission {
    let header = |name: HeaderName| head.headers.get(name)?.to_str().ok();
    let asked = Asked {
        method: head.method.as_str(),
        origin: header(ORIGIN),
        request_method: header(ACCESS_CONTROL_REQUEST_METHOD),
        request_headers: header(ACCESS_CONTROL_REQUEST_HEADERS),
        private_network: header(PRIVATE_NETWORK),
    };
    permit(allowed, METHODS, &asked)
}

/// The answer to a preflight of an allowed origin, without headers.
pub(crate) fn preflight() -> Response {
    let mut answer = Response::new(Default::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}
