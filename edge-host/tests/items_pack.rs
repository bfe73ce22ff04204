//! The items that a daemon keeps, as vector packs over HTTP.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::fs;

use lockstep_arith::item::compact;
use lockstep_pack::{Pack, Packs};
use serde_json::json;
use stand_in::{Answer, Daemon, Folder, keyed, request};

const PACK: &str = "/v1/items.pack";

async fn keeps(folder: &Folder) -> Daemon {
    Daemon::ready(|config| config.items = Some(folder.0.join("items"))).await
}

async fn put(daemon: &Daemon, items: &[(&str, &str)]) {
    let items: Vec<_> = items.iter().map(|(id, text)| json!({"id": id, "text": text})).collect();
    assert_eq!(daemon.ask("PUT", "/v1/items", &json!({ "items": items }).to_string()).await.status, 200);
}

/// Asks with more lines in the head.
async fn ask(daemon: &Daemon, method: &str, path: &str, more: &str) -> (Answer, Vec<u8>) {
    let mut client = daemon.client().await;
    let head = format!("host: localhost\r\n{more}");
    client.send(request(method, path, "").replacen("host: localhost\r\n", &head, 1)).await;
    client.answer_in_bytes(method != "HEAD").await
}

async fn pack(daemon: &Daemon, path: &str) -> Pack<Vec<u8>> {
    let (answer, file) = ask(daemon, "GET", path, "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/octet-stream")));
    let pack = Pack::open(file).unwrap();
    assert_eq!(answer.header("x-lockstep-sequence"), Some(&*pack.head().sequence.to_string()));
    pack
}

#[tokio::test]
async fn a_pack_has_the_vectors_that_the_model_gives() {
    let folder = Folder::new();
    let daemon = keeps(&folder).await;
    let items = [("a/ü", "red hat"), ("🚲", "bicycle"), ("b", "red hat")];
    put(&daemon, &items).await;
    let pack = pack(&daemon, PACK).await;
    assert_eq!(pack.head().items, 3);
    for (id, text) in items {
        // The last number of the stand-in counts its calls, so the vector is that of the first one.
        let vector: Vec<i16> = pack.vector(pack.find(id).unwrap()).numbers().collect();
        let mut pooled: Vec<i32> =
            daemon.encode(text).await.vectors()[0].iter().map(|&number| number as i32).collect();
        let found = (0..100).any(|count| {
            pooled[3] = count;
            compact(&pooled) == vector
        });
        assert!(found, "{id}: {vector:?} {pooled:?}");
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_has_the_pack_gets_no_other() {
    let folder = Folder::new();
    let daemon = keeps(&folder).await;
    put(&daemon, &[("a", "x")]).await;
    let (first, file) = ask(&daemon, "GET", PACK, "").await;
    let tag = first.header("etag").unwrap().to_owned();
    let (second, same) = ask(&daemon, "GET", PACK, "if-none-match: \"other\"\r\n").await;
    assert_eq!((second.status, second.header("etag"), same), (200, Some(&*tag), file.clone()));
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let mut client = daemon.client().await;
        let head = format!("host: localhost\r\nif-none-match: {known}\r\n");
        client.send(request("GET", PACK, "").replacen("host: localhost\r\n", &head, 1)).await;
        let answer = client.answer(false).await;
        assert_eq!((answer.status, answer.header("etag")), (304, Some(&*tag)), "{known}");
    }
    let (head, _) = ask(&daemon, "HEAD", PACK, "").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some(&*file.len().to_string())));

    put(&daemon, &[("b", "y")]).await;
    let (changed, other) = ask(&daemon, "GET", PACK, &format!("if-none-match: {tag}\r\n")).await;
    assert_eq!((changed.status, Pack::open(other).unwrap().head().items), (200, 2));
    assert_ne!(changed.header("etag"), Some(&*tag));
    assert!(
        fs::read_dir(folder.0.join("items")).unwrap().all(|file| !file
            .unwrap()
            .file_name()
            .to_string_lossy()
            .ends_with(".new"))
    );
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_delta_has_what_changed_since() {
    let folder = Folder::new();
    let daemon = keeps(&folder).await;
    put(&daemon, &[("a", "x"), ("b", "y")]).await;
    let full = pack(&daemon, PACK).await;
    let base = full.head().sequence;
    put(&daemon, &[("b", "z"), ("c", "w")]).await;
    assert_eq!(daemon.ask("DELETE", "/v1/items/a", "").await.status, 200);
    let delta = pack(&daemon, &format!("{PACK}?since={base}")).await;
    assert_eq!((delta.head().base, delta.head().items, delta.head().removed), (base, 2, 1));
    let mut packs = Packs::default();
    packs.load(full).unwrap();
    packs.load(delta).unwrap();
    assert_eq!(["a", "b", "c"].map(|id| packs.of_id(id).is_some()), [false, true, true]);

    let late = format!("{PACK}?since={}", base + 1000);
    daemon.ask("GET", &late, "").await.refuses(410, "Validation", "take a full pack");
    daemon.stop().await.unwrap();
    let again = keeps(&folder).await;
    let old = format!("{PACK}?since={base}");
    again.ask("GET", &old, "").await.refuses(410, "Validation", "no changes since");
    for (query, part) in [("since=x", "got \"x\""), ("since=", "got \"\""), ("from=1", "unknown parameter")] {
        again.ask("GET", &format!("{PACK}?{query}"), "").await.refuses(422, "Validation", part);
    }
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_pack_needs_items_and_a_key_that_may_read() {
    let none = Daemon::ready(|_| {}).await;
    none.ask("GET", PACK, "").await.refuses(424, "Backend", "--items");
    none.ask("POST", PACK, "").await.refuses(405, "Validation", "takes GET");
    none.stop().await.unwrap();

    let folder = Folder::new();
    let (daemon, [shop, filler]) = keyed(&folder).await;
    for (key, status) in [(&shop, 200), (&filler, 403)] {
        let (answer, _) = ask(&daemon, "GET", PACK, &format!("x-api-key: {key}\r\n")).await;
        assert_eq!(answer.status, status);
    }
    assert_eq!(ask(&daemon, "GET", PACK, "").await.0.status, 401);
    daemon.stop().await.unwrap();
}
