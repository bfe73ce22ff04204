//! Answers one HTTP request.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Method, Request,
    body::{Body, Incoming},
    header::{HeaderName, HeaderValue},
};
use lockstep_rank::{Problem, Reply};
use tokio::{task::spawn_blocking, time::timeout};

use crate::{
    config::Config,
    core::{context::Context, route::Priority},
    cors,
    info::Info,
    log,
    pool::Pool,
    response::{Response, json, refusal, retry_after},
};

/// Sets the priority of a request: `interactive` or `batch`.
const PRIORITY: &str = "x-lockstep-priority";
/// Sets the time for the answer in milliseconds, if it shall be shorter than the daemon's.
const DEADLINE: &str = "x-lockstep-deadline-ms";

/// Answers one request. Every failure becomes a refusal.
pub(crate) async fn answer(request: Request<Incoming>, pool: &Arc<Pool>, config: &Config) -> Response {
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
    pool: &Arc<Pool>,
    config: &Config,
) -> Result<Response, Problem> {
    if let Some(response) = status(request.method(), request.uri().path(), pool) {
        return response;
    }
    let info = &pool.served().ok_or_else(not_ready)?.info;

    let (head, body) = request.into_parts();
    let limit = deadline(&head.headers, config.deadline)?;
    let priority = priority(&head.headers)?;
    let body = read(body, config).await?;
    let complete = Instant::now();
    let permit = pool.permit().ok_or_else(|| Problem::Overloaded {
        detail: format!("{} requests wait already; try again later", config.queue),
        retry_after: Duration::from_secs(1),
    })?;
    let context = Arc::new(Context::new(complete, limit, priority));
    // The client may leave at any time, which drops this future.
    let _cancel = CancelOnDrop(Arc::clone(&context));
    let (shared, running) = (Arc::clone(pool), Arc::clone(&context));
    let task = spawn_blocking(move || {
        let served = shared.served().ok_or_else(not_ready)?;
        let reply = served.front.answer(head.method.as_str(), head.uri.path(), &body, &running);
        drop(permit);
        Ok(reply)
    });
    match timeout(limit, task).await {
        Ok(Ok(reply)) => Ok(served(reply?, info, arrived, complete, &context)),
        Ok(Err(_)) => Err(Problem::stopping()),
        Err(_) => Err(Problem::Deadline(limit)),
    }
}

/// Ends a request when its future is dropped.
struct CancelOnDrop(Arc<Context>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The time that a request asks for, or the daemon's.
fn deadline(headers: &HeaderMap, most: Duration) -> Result<Duration, Problem> {
    let Some(value) = headers.get(DEADLINE) else { return Ok(most) };
    let milliseconds = value.to_str().ok().and_then(|value| value.parse().ok());
    let asked = milliseconds.map(Duration::from_millis);
    asked.filter(|asked| !asked.is_zero() && *asked <= most).ok_or_else(|| {
        let most = most.as_millis();
        invalid(DEADLINE, value, &format!("a whole number of milliseconds from 1 to {most}"))
    })
}

fn priority(headers: &HeaderMap) -> Result<Priority, Problem> {
    match headers.get(PRIORITY) {
        None => Ok(Priority::default()),
        Some(value) => match value.as_bytes() {
            b"interactive" => Ok(Priority::Interactive),
            b"batch" => Ok(Priority::Batch),
            _ => Err(invalid(PRIORITY, value, "`interactive` or `batch`")),
        },
    }
}

fn invalid(header: &str, value: &HeaderValue, expected: &str) -> Problem {
    let value = String::from_utf8_lossy(value.as_bytes());
    Problem::Invalid { field: header.into(), detail: format!("expected {expected}, got {value:?}") }
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
        "/info" => Some(pool.served().map(|served| json(200, served.front.info())).ok_or_else(not_ready)),
        _ => None,
    }
}

/// The answer to a request that the core answered.
fn served(reply: Reply, info: &Info, arrived: Instant, complete: Instant, context: &Context) -> Response {
    let mut response = json(reply.status, reply.body);
    retry_after(&mut response, reply.retry_after);
    if reply.status == 200 {
        let named = info.headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.clone()));
        response.headers_mut().extend(named);
    }
    let mut header = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    };
    let milliseconds = |time: Duration| format!("{:.3}", time.as_secs_f64() * 1000.0);
    let timing = context.timing();
    header("x-queue-time", milliseconds(timing.queued));
    header("x-inference-time", milliseconds(timing.ran));
    header("x-compute-time", milliseconds(complete.elapsed().saturating_sub(timing.queued)));
    header("x-total-time", milliseconds(arrived.elapsed()));
    header("x-compute-tokens", reply.usage.tokens.to_string());
    if !timing.engines.is_empty() {
        header("x-lockstep-engine", timing.engines.join(", "));
    }
    response
}

fn not_ready() -> Problem {
    Problem::Unhealthy("no instance of the module is ready yet".into())
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
