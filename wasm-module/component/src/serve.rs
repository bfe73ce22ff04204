//! Answers one HTTP request.

use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use lockstep_rank::{Limits, Problem, Reply, TextEncoder, Usage, UserRequest, cors::Permission, decoded};
use spin_sdk::{
    http::{FullBody, HeaderValue, Method, Request, Response},
    http_service,
    wit_bindgen::yield_async,
};

use crate::{
    access::Bearer,
    cors, histories,
    log::Log,
    model,
    offload::{self, Offload},
    packs,
    slots::Slots,
    turns::{Bounds, Turns},
};

/// An answer, and where it was computed.
struct Answer {
    reply: Reply,
    /// The kernels that scored.
    backend: Option<String>,
    /// `daemon` if the daemon answered, `failed: ` and the reason if it was asked in vain.
    offload: Option<String>,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self { reply, backend: None, offload: None }
    }
}

#[http_service]
async fn serve(request: Request) -> Response<FullBody<Bytes>> {
    let began = Instant::now();
    let head = *request.method() == Method::HEAD;
    let method = request.method().as_str().to_owned();
    let path = request.uri().path().to_owned();
    let (mut permission, mut log, mut failed) = (Permission::default(), Log::Failures, None);
    match cors::permission(&request).await {
        Ok(allowed) => permission = allowed,
        Err(problem) => failed = Some(problem),
    }
    match Log::read().await {
        Ok(wanted) => log = wanted,
        Err(problem) => failed = Some(problem),
    }
    let Answer { reply, backend, offload } = match failed {
        Some(problem) => Reply::from(problem).into(),
        None if permission.preflight => Reply::ok(String::new(), Usage::default()).into(),
        None => answer(request).await.unwrap_or_else(Answer::from),
    };
    let reply = reply.shaped_for(&path);
    log.line(&method, &path, &reply, began.elapsed(), offload.as_deref());
    // The daemon names its model in each good answer, too.
    let digest = model::with(|model| model.encoder().info().model_digest.clone()).ok();
    let status = if permission.preflight { 204 } else { reply.status };
    let tokens = reply.usage.tokens.to_string();
    let own = reply.headers();
    let body = if head { Bytes::new() } else { Bytes::from(reply.body) };
    // The length and the wait let the host send the head and the body in one piece. After a call
    // of the store, which has blocked its thread, the host would else send the head at once, from
    // another thread, and the body would wait for the client's acknowledgement, up to 40 ms.
    let length = body.len().to_string();
    yield_async().await;
    let mut response = Response::new(FullBody::new(body));
    if let Ok(status) = status.try_into() {
        *response.status_mut() = status;
    }
    let headers = [
        ("content-type", (!permission.preflight).then(|| "application/json".to_owned())),
        // An answer of status 204 has no length.
        ("content-length", (!permission.preflight).then_some(length)),
        ("x-compute-tokens", backend.is_some().then_some(tokens)),
        ("x-lockstep-backend", backend),
        ("x-lockstep-model-digest", digest.filter(|_| status == 200)),
        ("x-lockstep-offload", offload),
    ];
    let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (name, value) in headers.chain(own).chain(permission.headers) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn answer(request: Request) -> Result<Answer, Reply> {
    let method = request.method().as_str().to_owned();
    let path = request.uri().path().to_owned();
    let bearer = Bearer::of(&request);
    let limits = model::with(|model| *model.limits())?;
    let coding = request.headers().get("content-encoding");
    let coding = coding.map(|coding| String::from_utf8_lossy(coding.as_bytes()).into_owned());
    let body = read(request, &limits).await?;
    let body = decoded(coding.as_deref(), body, limits.max_body_bytes)?;

    if let Some(request) = UserRequest::read(&method, &path, &body, &limits) {
        bearer.check().await?;
        return histories::answer(&request?, &limits).await.map(Answer::from);
    }
    packs::load().await.map_err(Problem::Unhealthy)?;
    let mut job = model::with(|model| model.read(&method, &path, &body))??;
    let history = match job.user().map(str::to_owned) {
        None => None,
        Some(id) => {
            bearer.check().await?;
            let events = histories::events(&id)?;
            job.set_history(events.clone())?;
            Some(events)
        }
    };
    // Also /health reads the variables, so that a wrong one is noticed before the first score.
    let offload = Offload::settings().await.map_err(Problem::Unhealthy)?;
    let bounds = Bounds::read().await.map_err(Problem::Unhealthy)?;
    let slots = Slots::read().await.map_err(Problem::Unhealthy)?;
    if job.inputs().is_empty() {
        return Ok(model::with(|model| {
            model.limits_mut().max_batch_tokens = bounds.tokens;
            model.run(&job)
        })?
        .into());
    }

    let mut turns = Turns::new(&job, slots)?;
    let tokens = turns.tokens()?;
    let info = model::with(|model| model.encoder().info().clone())?;
    let mut failure = None;
    if let Some(daemon) = offload
        && tokens >= daemon.min_tokens
    {
        let body = match &history {
            Some(events) => offload::with_history(&body, events),
            None => body,
        };
        match daemon.ask(&path, body, &info).await {
            Ok((reply, backend)) => {
                return Ok(Answer { reply, backend: Some(backend), offload: Some("daemon".to_owned()) });
            }
            Err(reason) => failure = Some(format!("failed: {reason}")),
        }
    }
    turns.run(tokens, &bounds).await?;
    Ok(Answer { reply: turns.answer()?, backend: Some(info.backend), offload: failure })
}

/// Reads a body of bounded size.
async fn read(request: Request, limits: &Limits) -> Result<Vec<u8>, Problem> {
    let limit = limits.max_body_bytes;
    match Limited::new(request.into_body(), limit).collect().await {
        Ok(body) => Ok(body.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Problem::BodyTooLarge { sent: format!("more than {limit}"), limit })
        }
        Err(error) => Err(Problem::BodyBroken(error.to_string())),
    }
}
