//! Answers one HTTP request.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::{
    HeaderMap, Method, Request,
    body::Incoming,
    header::{CONTENT_ENCODING, HeaderName, HeaderValue},
    http::request::Parts,
};
use lockstep_rank::{Problem, Reply, decoded};
use tokio::{task::spawn_blocking, time::timeout};

use crate::{
    config::Config,
    core::{context::Context, route::Priority},
    cors,
    info::Info,
    log,
    pool::Pool,
    response::{Response, add, json, of_reply, refusal},
    upload::Upload,
};

/// Sets the priority of a request: `interactive` or `batch`.
const PRIORITY: &str = "x-lockstep-priority";
/// Sets the time for the answer in milliseconds, if it shall be shorter than the daemon's.
const DEADLINE: &str = "x-lockstep-deadline-ms";

/// Answers one request. Every failure becomes a refusal.
pub(crate) async fn answer(request: Request<Incoming>, pool: &Arc<Pool>, config: &Config) -> Response {
    let arrived = Instant::now();
    let (head, body) = request.into_parts();
    let mut upload = Upload::new(&head.headers, body);
    let (method, path) = (head.method.clone(), head.uri.path().to_owned());
    let permission = cors::permission(&head, &config.allow_origins);
    let mut response = if permission.preflight {
        cors::preflight()
    } else {
        respond(head, &mut upload, arrived, pool, config)
            .await
            .unwrap_or_else(|problem| refusal(&problem, &path))
    };
    upload.linger();
    add(&mut response, permission.headers);
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
    head: Parts,
    upload: &mut Upload,
    arrived: Instant,
    pool: &Arc<Pool>,
    config: &Config,
) -> Result<Response, Problem> {
    if let Some(response) = status(&head.method, head.uri.path(), pool) {
        return response;
    }
    let info = &pool.served().ok_or_else(not_ready)?.info;

    let limit = deadline(&head.headers, config.deadline)?;
    let priority = priority(&head.headers)?;
    let body = upload.read(config.max_body_bytes, config.read_timeout).await?;
    let complete = Instant::now();
    let permit = pool.permit().ok_or_else(|| Problem::Overloaded {
        detail: format!("{} requests wait already; try again later", config.queue),
        retry_after: Duration::from_secs(1),
    })?;
    let context = Arc::new(Context::new(complete, limit, priority));
    // The client may leave at any time, which drops this future.
    let _cancel = CancelOnDrop(Arc::clone(&context));
    let (shared, running, most) = (Arc::clone(pool), Arc::clone(&context), config.max_body_bytes);
    let task = spawn_blocking(move || {
        let served = shared.served().ok_or_else(not_ready)?;
        let coding =
            head.headers.get(CONTENT_ENCODING).map(|coding| String::from_utf8_lossy(coding.as_bytes()));
        let body = decoded(coding.as_deref(), body, most)?;
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

/// The answer to `GET /health`, its other names and `GET /info`, which the daemon gives without an
/// engine; `None` for every other request.
fn status(method: &Method, path: &str, pool: &Pool) -> Option<Result<Response, Problem>> {
    if ![Method::GET, Method::HEAD].contains(method) {
        return None;
    }
    match path {
        "/health" | "/ping" | "/" if pool.is_ready() => Some(Ok(json(200, r#"{"status":"ok"}"#))),
        "/health" | "/ping" | "/" => Some(Err(not_ready())),
        "/info" => Some(pool.served().map(|served| json(200, served.front.info())).ok_or_else(not_ready)),
        _ => None,
    }
}

/// The answer to a request that the core answered.
fn served(reply: Reply, info: &Info, arrived: Instant, complete: Instant, context: &Context) -> Response {
    let (status, tokens) = (reply.status, reply.usage.tokens);
    let mut response = of_reply(reply);
    if status == 200 {
        let named = info.headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.clone()));
        response.headers_mut().extend(named);
    }
    let milliseconds = |time: Duration| format!("{:.3}", time.as_secs_f64() * 1000.0);
    let timing = context.timing();
    let headers = [
        ("x-queue-time", milliseconds(timing.queued)),
        ("x-inference-time", milliseconds(timing.ran)),
        ("x-compute-time", milliseconds(complete.elapsed().saturating_sub(timing.queued))),
        ("x-total-time", milliseconds(arrived.elapsed())),
        ("x-compute-tokens", tokens.to_string()),
    ];
    add(&mut response, headers);
    if !timing.engines.is_empty() {
        add(&mut response, [("x-lockstep-engine", timing.engines.join(", "))]);
    }
    response
}

fn not_ready() -> Problem {
    Problem::Unhealthy("no instance of the module is ready yet".into())
}
