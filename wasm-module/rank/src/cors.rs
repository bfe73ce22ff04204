//! The server's part of CORS (the Fetch standard): which web pages may read the answers.
//!
//! If no origin is allowed, a host sends no CORS header, and browsers hide its answers from pages
//! of other origins.

/// Headers that a page may read, beside those that it may always read.
const EXPOSED: &str = "retry-after, x-compute-time, x-compute-tokens, x-inference-time, x-lockstep-backend, \
                       x-lockstep-engine, x-lockstep-model-digest, x-lockstep-offload, x-queue-time, x-request-id, \
                       x-total-time";
/// Headers that a page may always send. OpenAI's client adds some whose names begin with
/// `x-stainless-`; so a preflight is also given the names that it asks for.
const TAKEN: [&str; 6] = [
    "authorization",
    "content-type",
    "x-api-key",
    "x-lockstep-deadline-ms",
    "x-lockstep-priority",
    "x-request-id",
];
/// How many other names one preflight may ask for.
const MOST_NAMES: usize = 64;
/// For how many seconds a browser may reuse the answer to a preflight request.
const MAX_AGE: &str = "600";

/// The parts of a request that CORS looks at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a str,
    /// The header `origin`.
    pub origin: Option<&'a str>,
    /// The header `access-control-request-method`, which only a preflight has.
    pub request_method: Option<&'a str>,
    /// The header `access-control-request-headers`.
    pub request_headers: Option<&'a str>,
    /// The header `access-control-request-private-network`: a page of the internet asks for a
    /// server of a home or of the machine itself.
    pub private_network: Option<&'a str>,
}

/// What CORS adds to an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permission {
    /// Names and values of headers.
    pub headers: Vec<(&'static str, String)>,
    /// Whether the page that asks may read the answer.
    pub allowed: bool,
    /// Whether these headers are the whole answer, with status 204: the request is a preflight of
    /// an allowed origin.
    pub preflight: bool,
}

/// Whether `text` is `*`, or an origin as a browser sends it: scheme, host, and the port if it is
/// not the scheme's usual port; or `null`, the origin of files and of sandboxed frames. Pages of
/// extensions and of apps have schemes of their own, such as `chrome-extension` and `tauri`.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    if text == "*" || text == "null" {
        return true;
    }
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let usual_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "/",
    };
    let in_scheme = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    let plain = |c: char| c.is_ascii_graphic() && !c.is_ascii_uppercase() && !"/?#@\\*,".contains(c);
    scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.chars().all(in_scheme)
        && !host.is_empty()
        && host.chars().all(plain)
        && !host.ends_with(usual_port)
}

/// The headers for a request to a host that allows pages of some origins; `methods` are those of
/// the host.
#[must_use]
pub fn permit(allowed: &[String], methods: &str, asked: &Asked<'_>) -> Permission {
    let mut headers = Vec::new();
    if allowed.is_empty() {
        return Permission::default();
    }
    // A cache between host and browser must not give one page's answer to another page.
    headers.push(("vary", "origin".to_owned()));
    let named = |origin: &&str| allowed.iter().any(|allowed| allowed == "*" || allowed == origin);
    let Some(origin) = asked.origin.filter(named) else {
        return Permission { headers, ..Permission::default() };
    };
    headers.push(("access-control-allow-origin", origin.to_owned()));
    let preflight = asked.method == "OPTIONS" && asked.request_method.is_some();
    if preflight {
        headers.push(("access-control-allow-methods", methods.to_owned()));
        headers.push(("access-control-allow-headers", taken(asked.request_headers.unwrap_or_default())));
        headers.push(("access-control-max-age", MAX_AGE.to_owned()));
        if asked.private_network == Some("true") {
            headers.push(("access-control-allow-private-network", "true".to_owned()));
        }
    } else {
        headers.push(("access-control-expose-headers", EXPOSED.to_owned()));
    }
    Permission { headers, allowed: true, preflight }
}

/// The names of headers that a page may send: the usual ones, and those that it asks for.
fn taken(asked: &str) -> String {
    let token = |name: &&str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !name.is_empty()
            && name.chars().all(plain)
            && !TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(name))
    };
    let more = asked.split(',').map(str::trim).filter(token).take(MOST_NAMES);
    TAKEN.into_iter().chain(more).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_send() {
        for good in [
            "*",
            "null",
            "http://localhost:5173",
            "https://shop.example",
            "http://[::1]:8080",
            "https://shop.example:80",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "moz-extension://3c5d3f6b-1b7a-4f6e-8b7e-2f1d6f0c9a11",
            "capacitor://localhost",
            "tauri://localhost",
            "app://obsidian.md",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "shop.example",
            "https://",
            "://a",
            "1a://b",
            "https://shop.example/",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://Shop.example",
            "HTTPS://shop.example",
            "https://a@b",
            "https://*.example",
            "https://a,https://b",
            "https://a b",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }

    fn header<'a>(permission: &'a Permission, name: &str) -> Option<&'a str> {
        permission.headers.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
    }

    const PAGE: &str = "https://a.example";

    #[test]
    fn a_preflight_of_openais_client_is_allowed() {
        let asked = Asked {
            method: "OPTIONS",
            origin: Some(PAGE),
            request_method: Some("POST"),
            request_headers: Some(
                "authorization,Content-Type, x-stainless-arch,x-stainless-lang,b@d,,\u{e9}",
            ),
            private_network: Some("true"),
        };
        let answer = permit(&[PAGE.into()], "GET, POST", &asked);
        assert!(answer.preflight);
        assert_eq!(header(&answer, "access-control-allow-origin"), Some(PAGE));
        assert_eq!(header(&answer, "access-control-allow-methods"), Some("GET, POST"));
        let taken = "authorization, content-type, x-api-key, x-lockstep-deadline-ms, x-lockstep-priority, \
                     x-request-id, x-stainless-arch, \
                     x-stainless-lang";
        assert_eq!(header(&answer, "access-control-allow-headers"), Some(taken));
        assert_eq!(header(&answer, "access-control-allow-private-network"), Some("true"));
        assert_eq!(header(&answer, "vary"), Some("origin"));
        let public = permit(&["*".into()], "GET", &Asked { private_network: None, ..asked });
        assert_eq!(header(&public, "access-control-allow-private-network"), None);
        assert_eq!(header(&public, "access-control-allow-origin"), Some(PAGE));
    }

    #[test]
    fn other_pages_and_other_requests() {
        let allowed = [PAGE.to_owned(), "null".to_owned()];
        let from = |origin| Asked { method: "POST", origin, ..Asked::default() };
        let answer = permit(&allowed, "GET", &from(Some(PAGE)));
        assert!(!answer.preflight && header(&answer, "access-control-expose-headers").is_some());
        assert_eq!(
            header(&permit(&allowed, "GET", &from(Some("null"))), "access-control-allow-origin"),
            Some("null")
        );
        let refused = Permission { headers: vec![("vary", "origin".into())], ..Permission::default() };
        for origin in [None, Some("https://b.example"), Some("https://a.example.b")] {
            assert_eq!(permit(&allowed, "GET", &from(origin)), refused);
            let preflight = Asked { method: "OPTIONS", request_method: Some("POST"), ..from(origin) };
            assert_eq!(permit(&allowed, "GET", &preflight), refused);
        }
        assert_eq!(permit(&[], "GET", &from(Some(PAGE))), Permission::default());
        // Without a method that is asked for, it is no preflight.
        assert!(!permit(&allowed, "GET", &Asked { method: "OPTIONS", ..from(Some(PAGE)) }).preflight);
    }
}
