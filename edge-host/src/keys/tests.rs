#![allow(clippy::unwrap_used)]
use std::time::{Duration, Instant};

use hyper::{
    HeaderMap, Method,
    header::{HeaderName, HeaderValue},
};
use lockstep_rank::Problem;
use sha2::{Digest, Sha256};

use super::{Pass, file::keys, make, needed, scope::Scope};

fn hash(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn entry(name: &str, key: &str, more: &str) -> String {
    format!("[[key]]\nname = \"{name}\"\nsha256 = \"{}\"\n{more}\n", hash(key))
}

fn with(name: &'static str, value: &str) -> HeaderMap {
    [(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())].into_iter().collect()
}

fn refused(result: Result<Pass, Problem>, status: u16, part: &str) -> Problem {
    let problem = result.unwrap_err();
    assert_eq!(problem.status(), status, "{problem}");
    assert!(problem.to_string().contains(part), "{problem}");
    problem
}

#[test]
fn a_key_opens_its_scopes() {
    let text = entry("shop", "one", "scopes = [\"score\"]")
        + &entry("ops", "two", "scopes = [\"metrics\", \"write\"]");
    let keys = keys(&text).unwrap();
    let ask = |headers: &HeaderMap, scope| keys.permit(headers, scope, Instant::now());
    for headers in
        [with("authorization", "Bearer one"), with("authorization", "bearer  one "), with("x-api-key", "one")]
    {
        assert_eq!(&*ask(&headers, Scope::Score).unwrap().name, "shop");
        refused(
            ask(&headers, Scope::Metrics),
            403,
            "the key shop may not do this; it needs the scope `metrics`",
        );
    }
    let two = with("x-api-key", "two");
    assert!(ask(&two, Scope::Metrics).is_ok() && ask(&two, Scope::Write).is_ok());
    refused(ask(&two, Scope::Score), 403, "`score`");
    for (headers, part) in [
        (HeaderMap::new(), "wants a key"),
        (with("authorization", "Basic b25l"), "wants a key"),
        (with("authorization", "Bearer"), "wants a key"),
        (with("authorization", "Bearer three"), "not known"),
        (with("x-api-key", ""), "not known"),
        // The hash is no key.
        (with("x-api-key", &hash("one")), "not known"),
    ] {
        refused(ask(&headers, Scope::Score), 401, part);
    }
}

#[test]
fn limits_of_a_key_are_its_own() {
    let text = entry("a", "a", "scopes = [\"score\"]\nrequests-per-minute = 2")
        + &entry("b", "b", "scopes = [\"score\"]\nconcurrent = 1");
    let keys = keys(&text).unwrap();
    let now = Instant::now();
    let (a, b) = (with("x-api-key", "a"), with("x-api-key", "b"));
    assert!(keys.permit(&a, Scope::Score, now).is_ok() && keys.permit(&a, Scope::Score, now).is_ok());
    let problem =
        refused(keys.permit(&a, Scope::Score, now), 429, "the key a has made its requests for this minute");
    assert!(
        matches!(problem, Problem::Overloaded { retry_after, .. } if retry_after <= Duration::from_secs(30))
    );
    let later = now + Duration::from_secs(31);
    assert!(keys.permit(&a, Scope::Score, later).is_ok());

    let pass = keys.permit(&b, Scope::Score, now).unwrap();
    refused(keys.permit(&b, Scope::Score, now), 429, "the key b has its number of requests at the same time");
    drop(pass);
    assert!(keys.permit(&b, Scope::Score, now).is_ok());
}

#[test]
fn a_new_key_opens_the_daemon() {
    let new = make("shop").unwrap();
    let keys = keys(&new.entry).unwrap();
    assert!(keys.permit(&with("x-api-key", &new.key), Scope::Score, Instant::now()).is_ok());
    assert!(!new.entry.contains(&new.key));
    assert_ne!(new.key, make("shop").unwrap().key);
}

#[test]
fn mistakes_in_the_file_are_named() {
    let good = entry("a", "a", "scopes = [\"score\"]");
    for (text, part) in [
        (good.clone() + &entry("a", "b", "scopes = [\"score\"]"), "two keys have the name a"),
        (good.clone() + &entry("b", "a", "scopes = [\"score\"]"), "the keys a and b have one sha256"),
        (entry("a b", "a", "scopes = [\"score\"]"), "name \"a b\": expected 1 to 64"),
        (entry("", "a", "scopes = [\"score\"]"), "name \"\""),
        (entry("a", "a", "scopes = []"), "key a: scopes: expected at least one"),
        (entry("a", "a", "scopes = [\"all\"]"), "unknown variant `all`"),
        (entry("a", "a", ""), "missing field `scopes`"),
        (entry("a", "a", "scopes = [\"score\"]\nlimit = 3"), "unknown field `limit`"),
        (entry("a", "a", "scopes = [\"score\"]\nconcurrent = 0"), "concurrent = 0"),
        (good.replace(&hash("a"), "abc"), "key a: sha256: expected 64 hexadecimal digits, got \"abc\""),
        (good.replace(&hash("a"), &"g".repeat(64)), "key a: sha256"),
        ("keys = []".to_owned(), "unknown field `keys`"),
        (String::new(), "missing field `key`"),
    ] {
        let detail = keys(&text).unwrap_err();
        assert!(detail.contains(part), "{text}: {detail}");
    }
}

#[test]
fn health_is_open_and_the_rest_needs_a_scope() {
    for path in ["/health", "/ping", "/"] {
        assert_eq!(needed(&Method::GET, path), None);
    }
    assert_eq!(needed(&Method::POST, "/"), Some(Scope::Score));
    assert_eq!(needed(&Method::GET, "/info"), Some(Scope::Score));
    assert_eq!(needed(&Method::GET, "/metrics"), Some(Scope::Metrics));
    assert_eq!(needed(&Method::PUT, "/v1/items"), Some(Scope::Write));
    assert_eq!(needed(&Method::POST, "/v1/items/bulk"), Some(Scope::Write));
}
