//! One HTTP request to one answer.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Bytes, Incoming},
    header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use lockstep_rank::{Problem, Reply};
use tokio::{sync::oneshot, time::timeout};

use crate::{
    config::Config,
    cors,
    instance::InstanceError,
    pool::Pool,
    queue::{Outcome, Queued},
};

/// A body that is there as a whole.
pub(crate) type Answer = Response<Full<Bytes>>;

/// The answer that refuses a request.
fn refusal(problem: &Problem) -> Answer {
    let Reply { status, body, .. } = Reply::refusal(problem);
    let mut answer = json(status, body.into());
    // The host did not read the rest of the body, so the connection cannot carry another request.
    if matches!(problem, Problem::BodyTooSlow(_) | Problem::BodyTooLarge { .. } | Problem::BodyBroken(_)) {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// Answers one request; never fails.
pub(crate) async fn answer(request: Request<Incoming>, pool: &Pool, config: &Config) -> Answer {
    let arrived = Instant::now();
    let method_path = format!("{} {}", request.method(), request.uri().path());
    let allowed = &config.allow_origins;
    let origin = cors::allowed_origin(request.headers(), allowed);
    let mut answer = match &origin {
        Some(_) if cors::is_preflight(&request) => cors::preflight(),
        _ => match respond(request, &method_path, arrived, pool, config).await {
            Ok(answer) => answer,
            Err(problem) => refusal(&problem),
        },
    };
    cors::permit(answer.headers_mut(), origin, allowed);
    if config.log {
        let milliseconds = arrived.elapsed().as_secs_f64() * 1000.0;
        let header = |name: &str| {
            let value = answer.headers().get(name);
            value.and_then(|value| value.to_str().ok()).unwrap_or("-")
        };
        let (queued, ran) = (header("x-queue-time"), header("x-inference-time"));
        let tokens = header("x-compute-tokens");
        eprintln!(
            "edge-host: {method_path} {} {milliseconds:.3} ms, queue {queued}, inference {ran}, tokens {tokens}",
            answer.status().as_u16()
        );
    }
    answer
}

async fn respond(
    request: Request<Incoming>,
    method_path: &str,
    arrived: Instant,
    pool: &Pool,
    config: &Config,
) -> Result<Answer, Problem> {
    if [Method::GET, Method::HEAD].contains(request.method()) {
        match request.uri().path() {
            "/health" if pool.is_ready() => {
                return Ok(json(200, Bytes::from_static(b"{\"status\":\"ok\"}")));
            }
            "/health" => return Err(not_ready()),
            "/info" => {
                let info = pool.info().ok_or_else(not_ready)?;
                return Ok(json(200, Bytes::copy_from_slice(&info.body)));
            }
            _ => {}
        }
    }
    let info = pool.info().ok_or_else(not_ready)?;

    let body = read(request.into_body(), config).await?;
    let complete = Instant::now();
    let (reply, outcome) = oneshot::channel();
    let job =
        Queued { method_path: method_path.to_owned(), body, deadline: complete + config.deadline, reply };
    pool.push(job).map_err(|_| overloaded(config.queue))?;
    let Outcome { answer, taken, done } = match timeout(config.deadline, outcome).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => return Err(unserved(complete, config)),
        Err(_) => return Err(Problem::Deadline(config.deadline)),
    };
    let answer = answer.map_err(|error| match error {
        InstanceError::Deadline => Problem::Deadline(config.deadline),
        InstanceError::Stopped => shutting_down(),
        error => Problem::Backend(error.to_string()),
    })?;

    let mut response = json(answer.status, answer.body.into());
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

/// Why a worker let a request go without a word: it came too late, or the daemon is ending.
fn unserved(complete: Instant, config: &Config) -> Problem {
    if complete.elapsed() >= config.deadline { Problem::Deadline(config.deadline) } else { shutting_down() }
}

/// Reads a body of bounded size in bounded time. One that announces too much is refused unread.
async fn read(body: Incoming, config: &Config) -> Result<Vec<u8>, Problem> {
    let limit = config.max_body_bytes;
    let announced = body.size_hint().lower();
    if announced > limit as u64 {
        let sent = announced.to_string();
        return Err(Problem::BodyTooLarge { sent, limit });
    }
    match timeout(config.read_timeout, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let sent = format!("more than {limit}");
            Err(Problem::BodyTooLarge { sent, limit })
        }
        Ok(Err(error)) => Err(Problem::BodyBroken(error.to_string())),
        Err(_) => Err(Problem::BodyTooSlow(config.read_timeout)),
    }
}

fn not_ready() -> Problem {
    Problem::Unhealthy("no instance of the module is ready yet".into())
}

fn shutting_down() -> Problem {
    Problem::Unhealthy("the daemon is shutting down".into())
}

fn overloaded(waiting: usize) -> Problem {
    Problem::Overloaded(format!("{waiting} requests wait already; try again later"))
}

fn json(status: u16, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FAILED_DEPENDENCY);
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
