//! What a request's head must be before the daemon looks at anything else.
//!
//! A daemon on a loopback address is for this machine. But any web page can send requests there:
//! by a name of its own that resolves to 127.0.0.1 (DNS rebinding), or across sites. So the daemon
//! looks at `Host` and `Origin`.

use hyper::{
    HeaderMap, Method, Version,
    header::{HOST, HeaderName, ORIGIN, TRANSFER_ENCODING},
    http::{request::Parts, uri::Authority},
};
use lockstep_rank::Problem;

/// What a browser tells of the page that sends the request.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a head that HTTP/1.1 forbids, a host that is not among `hosts` (empty for any), and a
/// request of a page of another site that changes or computes something. `permitted` tells that
/// CORS lets the page read the answer.
///
/// # Errors
/// [`Problem::Head`] and [`Problem::Forbidden`]; each names the value and the way out.
pub(crate) fn check(head: &Parts, hosts: &[String], permitted: bool) -> Result<(), Problem> {
    let host = host(head)?;
    transfer(&head.headers)?;
    if !hosts.is_empty() {
        let named = host.as_ref().is_some_and(|host| hosts.iter().any(|one| is_of(host, one)));
        if !named {
            let host = host.as_ref().map_or("no host", Authority::as_str);
            let detail = format!("this daemon does not answer for {host}; --allow-host lets it");
            return Err(Problem::Forbidden(detail));
        }
    }
    let harmless = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&head.method);
    if permitted || harmless || is_own_page(&head.headers, host.as_ref()) {
        return Ok(());
    }
    let origin = head.headers.get(ORIGIN).map_or(b"another site".as_slice(), |origin| origin.as_bytes());
    let origin = String::from_utf8_lossy(origin);
    let detail = format!("pages of {origin} may not ask this daemon; --allow-origin lets them");
    Err(Problem::Forbidden(detail))
}

/// Whether no page of another origin sends the request. Browsers tell so in `Sec-Fetch-Site`, which
/// stays true behind a proxy that gives the request another `Host`. A browser that does not know
/// the header, or asks over plain HTTP, has only `Origin`; other clients have neither.
fn is_own_page(headers: &HeaderMap, host: Option<&Authority>) -> bool {
    match (headers.get(SITE), headers.get(ORIGIN)) {
        (Some(site), _) => [b"same-origin".as_slice(), b"none"].contains(&site.as_bytes()),
        (None, Some(origin)) => same_site(&String::from_utf8_lossy(origin.as_bytes()), host),
        (None, None) => true,
    }
}

/// The one host of a request. HTTP/1.1 wants exactly one, HTTP/1.0 none or one.
fn host(head: &Parts) -> Result<Option<Authority>, Problem> {
    let wrong = |detail: String| Problem::Head { header: "host", detail };
    let mut hosts = head.headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else {
        if head.version == Version::HTTP_10 {
            return Ok(None);
        }
        return Err(wrong("HTTP/1.1 wants one, there is none".into()));
    };
    if hosts.next().is_some() {
        return Err(wrong("HTTP/1.1 wants one, there are more".into()));
    }
    let authority =
        Authority::try_from(host.as_bytes()).ok().filter(|authority| !authority.host().is_empty());
    let shown = || String::from_utf8_lossy(host.as_bytes()).into_owned();
    authority.map(Some).ok_or_else(|| wrong(format!("expected a name or an address, got {:?}", shown())))
}

/// Refuses a transfer coding other than `chunked`: the daemon would read coded bytes as plain ones.
fn transfer(headers: &HeaderMap) -> Result<(), Problem> {
    let name: HeaderName = TRANSFER_ENCODING;
    match headers.get_all(name).iter().find(|value| !value.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        None => Ok(()),
        Some(other) => {
            let detail = format!("expected chunked, got {:?}", String::from_utf8_lossy(other.as_bytes()));
            Err(Problem::Head { header: "transfer-encoding", detail })
        }
    }
}

/// Whether a host is the named one. A name with a port stands for this port alone, and `localhost`
/// also for the names below it.
fn is_of(host: &Authority, named: &str) -> bool {
    let bare = host.host();
    named.eq_ignore_ascii_case(bare)
        || named.eq_ignore_ascii_case(host.as_str())
        || (named == "localhost" && bare.to_ascii_lowercase().ends_with(".localhost"))
}

/// Whether a page of `origin` asks the host from which it came.
fn same_site(origin: &str, host: Option<&Authority>) -> bool {
    let Some((_, authority)) = origin.split_once("://") else { return false };
    host.is_some_and(|host| host.as_str().eq_ignore_ascii_case(authority))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use hyper::Request;

    use super::*;

    fn refusal(method: &str, headers: &[(&str, &str)], hosts: &[&str], permitted: bool) -> Option<String> {
        let request = headers
            .iter()
            .fold(Request::builder().method(method), |request, (name, value)| request.header(*name, *value));
        let (head, ()) = request.body(()).unwrap().into_parts();
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        check(&head, &hosts, permitted).err().map(|problem| format!("{} {problem}", problem.status()))
    }

    #[test]
    fn there_is_one_host() {
        assert_eq!(refusal("GET", &[("host", "a.example:80")], &[], false), None);
        for (headers, part) in [
            (vec![], "400 host: HTTP/1.1 wants one, there is none"),
            (vec![("host", "a"), ("host", "b")], "there are more"),
            (vec![("host", "")], "got \"\""),
            (vec![("host", "a b")], "got \"a b\""),
        ] {
            let problem = refusal("GET", &headers, &[], false).unwrap();
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn hosts_that_are_not_named_are_refused() {
        let hosts = ["localhost", "127.0.0.1", "[::1]", "shop.example:8080"];
        for host in
            ["localhost", "LOCALHOST:8080", "app.localhost", "127.0.0.1:1", "[::1]:8080", "shop.example:8080"]
        {
            assert_eq!(refusal("POST", &[("host", host)], &hosts, false), None, "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "shop.example",
        ] {
            let problem = refusal("GET", &[("host", host)], &hosts, false).unwrap();
            assert!(
                problem.contains(&format!("403 this daemon does not answer for {host}; --allow-host")),
                "{problem}"
            );
        }
    }

    #[test]
    fn pages_of_other_sites_make_no_work() {
        let ask = |method: &str, origin: &str, permitted: bool| {
            refusal(method, &[("host", "a.example:8080"), ("origin", origin)], &[], permitted)
        };
        for origin in ["https://evil.example", "null", "http://a.example", "chrome-extension://x"] {
            let problem = ask("POST", origin, false).unwrap();
            assert!(problem.contains(&format!("403 pages of {origin} may not ask")), "{problem}");
            assert_eq!(ask("GET", origin, false), None, "the browser keeps the answer from the page");
            assert_eq!(ask("POST", origin, true), None);
        }
        for origin in ["http://a.example:8080", "https://a.example:8080"] {
            assert_eq!(ask("POST", origin, false), None);
        }
    }

    #[test]
    fn a_browser_tells_of_its_page_also_behind_a_proxy() {
        let ask = |site: &str, permitted: bool| {
            let page =
                [("host", "127.0.0.1:9"), ("origin", "https://shop.example"), ("sec-fetch-site", site)];
            refusal("POST", &page, &[], permitted)
        };
        assert_eq!((ask("same-origin", false), ask("none", false)), (None, None));
        for site in ["cross-site", "same-site", "new-word"] {
            assert!(ask(site, false).unwrap().contains("403 pages of https://shop.example"), "{site}");
            assert_eq!(ask(site, true), None);
        }
        let form = refusal("POST", &[("host", "a"), ("sec-fetch-site", "cross-site")], &[], false).unwrap();
        assert!(form.contains("pages of another site may not ask"), "{form}");
    }

    #[test]
    fn bodies_come_plain_or_in_chunks() {
        let with =
            |coding: &str| refusal("POST", &[("host", "a"), ("transfer-encoding", coding)], &[], false);
        assert_eq!((with("chunked"), with("Chunked")), (None, None));
        for coding in ["gzip, chunked", "identity", "chunked, chunked"] {
            let problem = with(coding).unwrap();
            assert!(problem.contains("400 transfer-encoding: expected chunked"), "{problem}");
        }
    }
}
