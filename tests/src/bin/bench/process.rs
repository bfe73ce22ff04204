//! Engines that run in another process, which is asked by lines of JSON.
//!
//! The answer to `{"engine", "case", "seconds"}` is `{"ms": [..], "integers": [[..]]}`,
//! `{"ms": [..], "floats": [[..]]}` or `{"error"}`.

use std::{
    cell::RefCell,
    io::Write,
    process::{Child, ChildStdin, Command, Stdio},
    rc::Rc,
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    cases::Case,
    contestant::{Contestant, Turn, Vectors},
    error::Fallible,
};

/// Longest wait for an answer: a browser starts, loads a model and runs a slice.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running process. It is killed when it is dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Process {
    pub(crate) fn start(name: &str, command: &mut Command) -> Fallible<Rc<RefCell<Self>>> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{name}: no pipes").into());
        };
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in std::io::BufRead::lines(std::io::BufReader::new(output)).map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Rc::new(RefCell::new(Self { name: name.to_owned(), child, input, lines })))
    }

    fn ask(&mut self, question: &Value) -> Fallible<Value> {
        writeln!(self.input, "{question}").map_err(|error| format!("{}: {error}", self.name))?;
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.map_err(|error| format!("{}: no answer: {error}", self.name))?;
        let answer: Value =
            serde_json::from_str(&line).map_err(|error| format!("{}: {error}: {line}", self.name))?;
        match answer["error"].as_str() {
            Some(error) => Err(format!("{}: {error}", self.name).into()),
            None => Ok(answer),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One engine of a process.
pub(crate) struct Remote {
    pub(crate) process: Rc<RefCell<Process>>,
    pub(crate) engine: &'static str,
}

impl Contestant for Remote {
    fn turn(&mut self, index: usize, _: &Case, slice: Duration) -> Fallible<Turn> {
        let question = json!({ "engine": self.engine, "case": index, "seconds": slice.as_secs_f64() });
        let mut answer = self.process.borrow_mut().ask(&question)?;
        let vectors = if answer["integers"].is_array() {
            Vectors::Integers(serde_json::from_value(answer["integers"].take())?)
        } else {
            Vectors::Floats(serde_json::from_value(answer["floats"].take())?)
        };
        Ok(Turn { ms: serde_json::from_value(answer["ms"].take())?, vectors })
    }
}
