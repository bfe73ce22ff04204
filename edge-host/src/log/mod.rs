//! The daemon's log: lines on standard error.
//!
//! `eprintln!` panics if standard error's disk is full or its reader is gone, and it blocks if the
//! reader stalls. Here a thread of its own writes, from a bounded buffer. Who logs never waits and
//! never fails; lines without room are counted, and the log mentions the count once it can.

mod lines;
mod writer;

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt, io, panic,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use self::{lines::Lines, writer::Writer};

/// Bytes of lines that may wait: about two thousand requests.
const ROOM: usize = 256 << 10;
/// How long [`flush`] waits.
const FLUSH: Duration = Duration::from_secs(2);

/// Whether lines are objects.
static JSON: AtomicBool = AtomicBool::new(false);
static LINES: Lines = Lines::new(ROOM);
/// Whether the thread that writes was started.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Makes each line of the log a JSON object, `{"time": …, "message": …}`, or plain text again.
pub fn as_json(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}

/// Writes a line: the text with the program's name in front of it, or an object with the text.
pub fn line(text: impl fmt::Display) {
    if JSON.load(Ordering::Relaxed) {
        object(json!({ "message": text.to_string() }));
    } else {
        add(&format!("edge-host: {text}\n"));
    }
}

/// Writes what happened: `text` as a line, or the fields of an object.
pub(crate) fn event(text: impl fmt::Display, fields: impl FnOnce() -> Value) {
    if JSON.load(Ordering::Relaxed) {
        object(fields());
    } else {
        line(text);
    }
}

/// Writes an object with the time, in seconds since 1970, as a line.
fn object(mut fields: Value) {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    fields["time"] = json!((time * 1000.0).round() / 1000.0);
    add(&format!("{fields}\n"));
}

fn add(text: &str) {
    LINES.add(text);
    // If there is no thread left, the next line tries again.
    if !STARTED.swap(true, Ordering::Relaxed)
        && thread::Builder::new().name("edge-log".into()).spawn(write).is_err()
    {
        STARTED.store(false, Ordering::Relaxed);
    }
}

/// Waits until all lines are written, but no longer than two seconds.
pub fn flush() {
    LINES.wait(FLUSH);
}

/// Lets the messages of panics go through the log: the standard library's own hook would wait for a
/// reader that stalls.
pub fn take_panics() {
    panic::set_hook(Box::new(|panic| {
        let thread = thread::current();
        let name = thread.name().unwrap_or("without a name");
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            line(format_args!("the thread {name} {panic}\n{backtrace}"));
        } else {
            line(format_args!("the thread {name} {panic}"));
        }
    }));
}

/// Writes lines for ever.
fn write() {
    // Not the standard library's locked handle: a write that waits would make others wait.
    let mut writer = Writer::new(io::stderr());
    loop {
        writer.write(&LINES.take());
        LINES.done();
    }
}
