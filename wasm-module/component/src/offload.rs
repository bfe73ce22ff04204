//! Sends large requests to the daemon.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use lockstep_rank::{Event, ModelInfo, Reply, Usage, whole_characters};
use serde_json::json;
use spin_sdk::http::{FullBody, Request, Uri, send};

use crate::{
    deadline::within,
    settings::{number, text},
};

/// Bytes of the longest answer: enough for 1,000 vectors of 1,024 numbers.
const ANSWER: usize = 64 << 20;

/// The daemon, and which requests go to it.
pub(crate) struct Offload {
    url: String,
    pub(crate) min_tokens: usize,
    timeout: Duration,
}

impl Offload {
    /// Reads the variables. Gives `None` if no request shall go to a daemon.
    ///
    /// # Errors
    ///
    /// A variable with a bad value; names the variable and the value.
    pub(crate) async fn settings() -> Result<Option<Self>, String> {
        let min_tokens = number("offload_min_tokens", 0, 0, u32::MAX as usize).await?;
        if min_tokens == 0 {
            return Ok(None);
        }
        let url = text("offload_url").await?.unwrap_or_default();
        let url = base(url.trim())?;
        let timeout = number("offload_timeout_ms", 2_000, 1, 600_000).await?;
        Ok(Some(Self { url, min_tokens, timeout: Duration::from_millis(timeout as u64) }))
    }

    /// The daemon's answer and the name of its kernels, or the reason why there is no answer.
    pub(crate) async fn ask(
        &self,
        path: &str,
        body: Vec<u8>,
        model: &ModelInfo,
    ) -> Result<(Reply, String), String> {
        let request = Request::post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(FullBody::new(Bytes::from(body)))
            .map_err(|error| format!("offload_url: {error}"))?;
        let asked = async {
            let response = send(request).await.map_err(|error| reason(&error.to_string()))?;
            let (head, body) = response.into_parts();
            let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
            if head.status.as_u16() != 200 {
                return Err(format!("status {}", head.status.as_u16()));
            }
            match header("x-lockstep-model-digest") {
                Some(digest) if digest == model.model_digest => {}
                digest => return Err(format!("its model is {}", digest.unwrap_or("not named"))),
            }
            let backend = header("x-lockstep-backend").unwrap_or("daemon").to_owned();
            let tokens =
                header("x-compute-tokens").and_then(|tokens| tokens.parse().ok()).unwrap_or_default();
            let body =
                Limited::new(body, ANSWER).collect().await.map_err(|error| error.to_string())?.to_bytes();
            let body = String::from_utf8(body.into()).map_err(|_| "an answer that is no UTF-8".to_owned())?;
            Ok((Reply::ok(body, Usage { tokens, truncated: 0 }), backend))
        };
        let late = || Err(format!("no answer within {:?}", self.timeout));
        within(self.timeout, asked).await.unwrap_or_else(late)
    }
}

/// The address before the paths of the daemon. It may have a path of its own, behind a proxy.
fn base(url: &str) -> Result<String, String> {
    let wrong = |why: &str| format!("offload_url: expected http:// or https://, {why}got {url:?}");
    let uri: Uri = url.parse().map_err(|_| wrong(""))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong(""));
    }
    if uri.query().is_some() || url.contains('#') {
        return Err(wrong("without a query, "));
    }
    if uri.authority().is_none_or(|authority| authority.host().is_empty() || authority.as_str().contains('@'))
    {
        return Err(wrong("a host, no user name, "));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// Why a request failed, with the way out where the application forbids it.
fn reason(error: &str) -> String {
    if error.to_lowercase().contains("denied") {
        return format!("{error}: does allowed_outbound_hosts in spin.toml name the host?");
    }
    error.to_owned()
}

/// The body of a request, with the user's history in place of the user's id. The daemon stores no
/// histories.
pub(crate) fn with_history(body: &[u8], events: &[Event]) -> Vec<u8> {
    // The service has read this body before, so it is UTF-8, and an object.
    let body = String::from_utf8_lossy(body);
    let mut body: serde_json::Value = serde_json::from_str(&whole_characters(&body)).unwrap_or_default();
    body["user"] = json!({ "history": events });
    body.to_string().into_bytes()
}
