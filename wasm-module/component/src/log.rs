//! A line for each request on standard error, which Spin writes to a file: the variable `log`.

use std::{io::Write, time::Duration};

use lockstep_rank::{Problem, Reply};

use crate::settings::text;

/// Which requests get a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    /// None.
    Nothing,
    /// Those that the component could not answer: status 424 and from 500 on.
    Failures,
    /// All.
    All,
}

impl Log {
    /// Reads the variable.
    ///
    /// # Errors
    ///
    /// A value that is none of the three.
    pub(crate) async fn read() -> Result<Self, Problem> {
        let value = text("log").await.map_err(Problem::Unhealthy)?;
        match value.as_deref().map(str::trim) {
            None | Some("failures") => Ok(Self::Failures),
            Some("none") => Ok(Self::Nothing),
            Some("all") => Ok(Self::All),
            Some(other) => {
                Err(Problem::Unhealthy(format!("log: expected none, failures or all, got {other:?}")))
            }
        }
    }

    /// Writes the line of a request. It names no user, and of texts only how many tokens ran.
    pub(crate) fn line(self, method: &str, path: &str, reply: &Reply, took: Duration, offload: Option<&str>) {
        let failed = reply.status == 424 || reply.status >= 500;
        if self == Self::Nothing || (self == Self::Failures && !failed) {
            return;
        }
        let (status, tokens, route) = (reply.status, reply.usage.tokens, route(path));
        let offload = offload.map(|offload| format!(", offload {offload}")).unwrap_or_default();
        // The body of a failure is its error.
        let error = if failed { format!(": {}", reply.body) } else { String::new() };
        // Not `eprintln!`: it ends the instance if nobody takes the line.
        let line =
            format!("lockstep: {method} {route} {status}, {tokens} tokens, {took:.1?}{offload}{error}\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// A path without the id of a user.
fn route(path: &str) -> String {
    let Some(rest) = path.strip_prefix("/v1/users/") else { return format!("{path:?}") };
    let resource = rest.split_once('/').map(|(_, resource)| format!("/{resource}")).unwrap_or_default();
    format!("{:?}", format!("/v1/users/{{id}}{resource}"))
}
