//! Which web pages may read the answers: the variable `allow_origins`. The rules are
//! `lockstep_rank::cors`.

use lockstep_rank::{
    Problem,
    cors::{Asked, Permission, is_origin, permit},
};
use spin_sdk::http::Request;

use crate::settings::text;

/// The methods of the component.
const METHODS: &str = "GET, POST, DELETE";

/// What CORS adds to the answer to a request.
///
/// # Errors
///
/// The variable names something that is no origin.
pub(crate) async fn permission(request: &Request) -> Result<Permission, Problem> {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let asked = Asked {
        method: request.method().as_str(),
        origin: header("origin"),
        request_method: header("access-control-request-method"),
        request_headers: header("access-control-request-headers"),
        private_network: header("access-control-request-private-network"),
    };
    Ok(permit(&allowed().await.map_err(Problem::Unhealthy)?, METHODS, &asked))
}

/// The origins of the variable.
async fn allowed() -> Result<Vec<String>, String> {
    let value = text("allow_origins").await?.unwrap_or_default();
    let split = |c: char| c == ',' || c.is_whitespace();
    let origins: Vec<String> =
        value.split(split).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    match origins.iter().find(|origin| !is_origin(origin)) {
        None => Ok(origins),
        Some(wrong) => Err(format!(
            "allow_origins: expected *, null, or origins like https://shop.example, got {wrong:?}"
        )),
    }
}
