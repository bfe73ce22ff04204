//! `GET /v1/items.pack`: the vectors of the items that the daemon keeps, as a vector pack.
//! `?since=SEQUENCE` asks for what changed.

use std::{sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue, IF_NONE_MATCH},
    http::request::Parts,
};
use lockstep_rank::Problem;
use tokio::{task::spawn_blocking, time::timeout};

use crate::{
    kept_packs::KeptPack,
    pool::Pool,
    response::{Response, add},
};

/// The path.
pub(crate) const PATH: &str = "/v1/items.pack";

/// Whether a request asks for a pack.
pub(crate) fn is_asked(head: &Parts) -> bool {
    [Method::GET, Method::HEAD].contains(&head.method) && head.uri.path() == PATH
}

/// The answer to a request for a pack, within `limit`. A pack that takes longer is made all the
/// same, and a later request gets it.
///
/// # Errors
/// The daemon keeps no items, a query that is wrong, or a store that fails.
pub(crate) async fn answer(head: &Parts, pool: &Arc<Pool>, limit: Duration) -> Result<Response, Problem> {
    let since = since(head.uri.query().unwrap_or_default())?;
    let known = head.headers.clone();
    let permit = pool.permit().ok_or_else(|| Problem::Overloaded {
        detail: "too many requests wait already; try again later".into(),
        retry_after: Duration::from_secs(1),
    })?;
    let pool = Arc::clone(pool);
    let task = spawn_blocking(move || {
        let packs = pool.served().and_then(|served| served.packs.as_ref()).ok_or_else(Problem::no_items)?;
        let pack = packs.get(since, |tag| knows(&known, tag));
        drop(permit);
        pack
    });
    match timeout(limit, task).await {
        Ok(Ok(pack)) => Ok(response(pack?)),
        Ok(Err(_)) => Err(Problem::stopping()),
        Err(_) => Err(Problem::Deadline(limit)),
    }
}

fn response(KeptPack { tag, sequence, file }: KeptPack) -> Response {
    let found = file.is_some();
    let mut response = Response::new(Full::new(file.unwrap_or_default()));
    if found {
        let kind = HeaderValue::from_static("application/octet-stream");
        response.headers_mut().insert(CONTENT_TYPE, kind);
    } else {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let sequence = sequence.to_string();
    let cache = "private, no-cache".to_owned();
    add(&mut response, [("etag", tag), ("x-lockstep-sequence", sequence), ("cache-control", cache)]);
    response
}

/// Whether the client has a content with this tag.
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|known| {
        // A cache on the way may have made the tag a weak one.
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    })
}

/// Reads the query.
fn since(query: &str) -> Result<Option<u64>, Problem> {
    let mut since = None;
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let invalid = |detail: String| Problem::Invalid { field: name.escape_debug().to_string(), detail };
        if name != "since" {
            return Err(invalid("unknown parameter; known is since".into()));
        }
        let number = value.parse().map_err(|_| {
            invalid(format!("expected a sequence, such as that of x-lockstep-sequence, got {value:?}"))
        })?;
        since = Some(number);
    }
    Ok(since)
}
