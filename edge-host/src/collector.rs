//! The address of a collector of traces.

use std::{fmt, str::FromStr};

use hyper::Uri;

/// The port of collectors that take OTLP over HTTP.
const PORT: u16 = 4318;

/// A collector that takes OTLP over plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector {
    /// A name or an address, an IPv6 address in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The path of traces.
    pub(crate) path: String,
}

/// Reads `http://HOST[:PORT][/PATH]`; the port is 4318 by default, and traces go to
/// `/PATH/v1/traces`.
impl FromStr for Collector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "expected http://HOST:4318, with a path in front of /v1/traces if there is one";
        let uri: Uri = text.parse().map_err(|error| format!("{form}: {error}"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err("traces go to a collector over plain HTTP; run one on this machine, \
                            which speaks TLS to others"
                    .into());
            }
            _ => return Err(form.into()),
        }
        let Some(authority) = uri.authority().filter(|authority| !authority.as_str().contains('@')) else {
            return Err(form.into());
        };
        if uri.query().is_some() || authority.host().is_empty() {
            return Err(form.into());
        }
        let path = format!("{}/v1/traces", uri.path().trim_end_matches('/'));
        Ok(Self { host: authority.host().to_owned(), port: authority.port_u16().unwrap_or(PORT), path })
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "http://{}:{}{}", self.host, self.port, self.path)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, shown) in [
            ("http://localhost", "http://localhost:4318/v1/traces"),
            ("http://10.0.0.1:99/", "http://10.0.0.1:99/v1/traces"),
            ("http://[::1]:4318/otlp", "http://[::1]:4318/otlp/v1/traces"),
        ] {
            assert_eq!(text.parse::<Collector>().unwrap().to_string(), shown);
        }
        for (text, part) in [
            ("https://a:4318", "over plain HTTP"),
            ("a:4318", "expected http://HOST:4318"),
            ("grpc://a:4317", "expected http://HOST:4318"),
            ("http://me:secret@a", "expected http://HOST:4318"),
            ("http://a/?b", "expected http://HOST:4318"),
            ("", "expected http://HOST:4318"),
        ] {
            let error = text.parse::<Collector>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
