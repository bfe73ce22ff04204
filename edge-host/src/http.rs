//! Answers one HTTP request.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    Method, Request,
    body::{Body, Incoming},
    header::{HeaderName, HeaderValue},
};
use lockstep_rank::Problem;
use tokio::{sync::oneshot, time::timeout};

use crate::{
    config::Config,
    cors,
    engine::interface::EngineError,
    info::Info,
    log,
    pool::Pool,
    queue::{Outcome, Queued},
    response::{Response, json, refusal},
};

/// Answers one request. Every failure becomes a refusal.
pub(crate) async fn answer(request: Request<Incoming>, pool: &Pool, config: &Config) -> Response {
    let arrived = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let allowed = &config.allow_origins;
    let origin = cors::allowed_origin(request.headers(), allowed);
    let mut response = match &origin {
        Some(_) if cors::is_preflight(&request) => cors::preflight(),
        _ => match respond(request, arrived, pool, config).await {
            Ok(response) => response,
            Err(problem) => refusal(&problem),
        },
    };
    cors::permit(response.headers_mut(), origin, allowed);
    if config.log {
        let milliseconds = arrived.elapsed().as_secs_f64() * 1000.0;
        let header = |name: &str| {
            let value = response.headers().get(name);
            value.and_then(|value| value.to_str().ok()).unwrap_or("-")
        };
        let (queued, ran) = (header("x-queue-time"), header("x-inference-time"));
        let tokens = header("x-compute-tokens");
        log::line(format_args!(
            "{method} {path} {} {milliseconds:.3} ms, queue {queued}, inference {ran}, tokens {tokens}",
            response.status().as_u16()
        ));
    }
    response
}

async fn respond(
    request: Request<Incoming>,
    arrived: Instant,
    pool: &Pool,
    config: &Config,
) -> Result<Response, Problem> {
    if let Some(response) = status(request.method(), request.uri().path(), pool) {
        return response;
    }
    let info = pool.info().ok_or_else(not_ready)?;

    let (head, body) = request.into_parts();
    let body = read(body, config).await?;
    let complete = Instant::now();
    let (reply, outcome) = oneshot::channel();
    let queued = Queued {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        body,
        deadline: complete + config.deadline,
        reply,
    };
    pool.push(queued).map_err(|_| {
        Problem::Overloaded(format!("{} requests wait already; try again later", config.queue))
    })?;
    match timeout(config.deadline, outcome).await {
        Ok(Ok(outcome)) => served(outcome, info, arrived, complete, config),
        // The worker dropped the request: it came too late, or the daemon is shutting down.
        Ok(Err(_)) if complete.elapsed() < config.deadline => Err(shutting_down()),
        Ok(Err(_)) | Err(_) => Err(Problem::Deadline(config.deadline)),
    }
}

/// The answer to `GET /health` and `GET /info`, which the daemon gives without an engine; `None`
/// for every other request.
fn status(method: &Method, path: &str, pool: &Pool) -> Option<Result<Response, Problem>> {
    if ![Method::GET, Method::HEAD].contains(method) {
        return None;
    }
    match path {
        "/health" if pool.is_ready() => Some(Ok(json(200, r#"{"status":"ok"}"#))),
        "/health" => Some(Err(not_ready())),
        "/info" => Some(pool.info().map(|info| json(200, info.body.clone())).ok_or_else(not_ready)),
        _ => None,
    }
}

/// The answer to a request that an engine took.
fn served(
    outcome: Outcome,
    info: &Info,
    arrived: Instant,
    complete: Instant,
    config: &Config,
) -> Result<Response, Problem> {
    let Outcome { answer, taken, done } = outcome;
    let answer = answer.map_err(|error| match error {
        EngineError::Deadline => Problem::Deadline(config.deadline),
        EngineError::Stopped => shutting_down(),
        error => Problem::Backend(error.to_string()),
    })?;
    let mut response = json(answer.status, answer.body);
    if answer.status == 200 {
        let named = info.headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.clone()));
        response.headers_mut().extend(named);
    }
    let mut header = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    };
    let milliseconds = |time: Duration| format!("{:.3}", time.as_secs_f64() * 1000.0);
    header("x-queue-time", milliseconds(taken.duration_since(complete)));
    header("x-inference-time", milliseconds(done.duration_since(taken)));
    header("x-compute-time", milliseconds(done.duration_since(taken)));
    header("x-total-time", milliseconds(arrived.elapsed()));
    if let Some(tokens) = answer.tokens {
        header("x-compute-tokens", tokens.to_string());
    }
    Ok(response)
}

fn not_ready() -> Problem {
    Problem::Unhealthy("no instance of the module is ready yet".into())
}

fn shutting_down() -> Problem {
    Problem::Unhealthy("the daemon is shutting down".into())
}

/// Reads a body of bounded size in bounded time. A body whose announced length is too large is
/// refused before it is read.
async fn read(body: Incoming, config: &Config) -> Result<Vec<u8>, Problem> {
    let limit = config.max_body_bytes;
    let announced = body.size_hint().lower();
    if announced > limit as u64 {
        return Err(Problem::BodyTooLarge { sent: announced.to_string(), limit });
    }
    match timeout(config.read_timeout, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Problem::BodyTooLarge { sent: format!("more than {limit}"), limit })
        }
        Ok(Err(error)) => Err(Problem::BodyBroken(error.to_string())),
        Err(_) => Err(Problem::BodyTooSlow(config.read_timeout)),
    }
}
