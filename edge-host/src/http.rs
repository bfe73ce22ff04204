//! Answers one HTTP request.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::{
    HeaderMap, Request,
    body::Incoming,
    header::{CONTENT_ENCODING, HeaderName, HeaderValue},
    http::request::Parts,
};
use lockstep_rank::{Problem, Reply, decoded, unpacked};
use tokio::{task::spawn_blocking, time::timeout};

use crate::{
    core::{
        context::Context,
        route::Priority,
        timing::{Stage, Timing},
    },
    cors, docs, head,
    info::Info,
    keys::{Pass, Scope, needed},
    live::Live,
    log, pack_answer,
    record::{Record, milliseconds},
    request_id,
    response::{Response, add, of_reply, refusal},
    shared::Shared,
    status::{self, not_ready},
    upload::Upload,
};

/// Sets the priority of a request: `interactive` or `batch`.
const PRIORITY: &str = "x-lockstep-priority";
/// The length of the JSON part of a body with binary tensors.
const TENSORS: &str = "inference-header-content-length";
/// Sets the time for the answer in milliseconds, if it shall be shorter than the daemon's.
const DEADLINE: &str = "x-lockstep-deadline-ms";

/// Answers one request. Every failure becomes a refusal.
pub(crate) async fn answer(request: Request<Incoming>, shared: &Shared) -> Response {
    let arrived = Instant::now();
    let (head, body) = request.into_parts();
    let mut upload = Upload::new(&head.headers, body);
    let (method, path) = (head.method.to_string(), head.uri.path().to_owned());
    let id = request_id::of(&head.headers);
    let mut record = Record { id, method, path, ..Record::default() };
    let tracer = shared.tracer.as_ref();
    let trace = tracer.and_then(|tracer| tracer.begin(&head.headers, arrived));
    record.trace = trace.as_ref().map(|trace| trace.id());
    let live = shared.live.now();
    let permission = cors::permission(&head, &live.allow_origins);
    let mut response = if permission.preflight {
        cors::preflight()
    } else {
        let checked = head::check(&head, &shared.config.allow_hosts, permission.allowed);
        let answered = match checked.and_then(|()| pass(&live, &head, arrived)) {
            Ok(pass) => {
                record.key = pass.as_ref().map(|pass| Arc::clone(&pass.name));
                respond(head, &mut upload, arrived, shared, &mut record).await
            }
            Err(problem) => Err(problem),
        };
        answered.unwrap_or_else(|problem| {
            record.error_type = Some(problem.error_type());
            refusal(&problem, &record.path)
        })
    };
    upload.linger();
    add(&mut response, permission.headers);
    add(&mut response, [(request_id::HEADER, record.id.clone())]);
    (record.status, record.took) = (response.status().as_u16(), arrived.elapsed());
    shared.metrics.count(&record);
    if let Some((tracer, trace)) = tracer.zip(trace) {
        tracer.finish(&trace, &record);
    }
    if live.log {
        log::event(&record, || record.json());
    }
    response
}

/// Looks at the request's key; `None` if it needs none.
fn pass(live: &Live, head: &Parts, now: Instant) -> Result<Option<Pass>, Problem> {
    match (&live.keys, needed(&head.method, head.uri.path())) {
        (Some(keys), Some(scope)) => keys.permit(&head.headers, scope, now).map(Some),
        _ => Ok(None),
    }
}

async fn respond(
    head: Parts,
    upload: &mut Upload,
    arrived: Instant,
    shared: &Shared,
    record: &mut Record,
) -> Result<Response, Problem> {
    let Shared { current, config, bodies, .. } = shared;
    if let Some(response) = status::answer(&head.method, head.uri.path(), shared) {
        return response;
    }
    let pool = current.now();
    if let Some(response) = docs::answer(&head.method, head.uri.path(), &pool) {
        return response;
    }
    let info = &pool.served().ok_or_else(not_ready)?.info;

    let limit = deadline(&head.headers, config.deadline)?;
    if pack_answer::is_asked(&head) {
        return pack_answer::answer(&head, &pool, limit).await;
    }
    let priority = priority(&head)?;
    let mut share = bodies.share();
    let body = upload.read(config.max_body_bytes, config.read_timeout, &mut share).await?;
    let complete = Instant::now();
    record.stages.push(Stage::new("read body", arrived, complete));
    let permit = pool.permit().ok_or_else(|| Problem::Overloaded {
        detail: format!("{} requests wait already; try again later", config.queue),
        retry_after: Duration::from_secs(1),
    })?;
    let context = Arc::new(Context::new(complete, limit, priority).traced(record.trace.is_some()));
    // The client may leave at any time, which drops this future.
    let _cancel = CancelOnDrop(Arc::clone(&context));
    let (shared, running, most) = (Arc::clone(&pool), Arc::clone(&context), config.max_body_bytes);
    let task = spawn_blocking(move || {
        let served = shared.served().ok_or_else(not_ready)?;
        let coding =
            head.headers.get(CONTENT_ENCODING).map(|coding| String::from_utf8_lossy(coding.as_bytes()));
        let body = decoded(coding.as_deref(), body, most)?;
        let tensors = head.headers.get(TENSORS).map(|length| String::from_utf8_lossy(length.as_bytes()));
        let body = unpacked(tensors.as_deref(), body)?;
        let reply = served.front.answer(head.method.as_str(), head.uri.path(), &body, &running);
        drop((permit, share));
        Ok(reply)
    });
    let done = timeout(limit, task).await;
    record.stages.extend(context.stages());
    match done {
        Ok(Ok(reply)) => {
            let reply = reply?;
            let began = record.stages.iter().map(|stage| stage.ended).max().unwrap_or(complete);
            record.stages.push(Stage::new("answer", began, Instant::now()));
            record.error_type = reply.error_type();
            record.tokens = reply.usage.tokens;
            let timing = record.timing.insert(context.timing());
            Ok(served(reply, info, arrived, complete, timing))
        }
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

/// The priority that a request asks for. Nobody waits for items that are put.
fn priority(head: &Parts) -> Result<Priority, Problem> {
    match head.headers.get(PRIORITY) {
        None if needed(&head.method, head.uri.path()) == Some(Scope::Write) => Ok(Priority::Batch),
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

/// The answer to a request that the core answered.
fn served(reply: Reply, info: &Info, arrived: Instant, complete: Instant, timing: &Timing) -> Response {
    let (status, tokens) = (reply.status, reply.usage.tokens);
    let mut response = of_reply(reply);
    if status == 200 {
        let named = info.headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.clone()));
        response.headers_mut().extend(named);
    }
    let milliseconds = |time: Duration| format!("{:.3}", milliseconds(time));
    let read = complete - arrived;
    let parts =
        [("read", read), ("tokenize", timing.tokenized), ("queue", timing.queued), ("engine", timing.ran)];
    let parts = parts.map(|(name, time)| format!("{name};dur={}", milliseconds(time)));
    let headers = [
        ("server-timing", parts.join(", ")),
        ("x-tokenization-time", milliseconds(timing.tokenized)),
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
