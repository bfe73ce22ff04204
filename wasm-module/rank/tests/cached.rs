//! Vectors that are stored already.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use fake::{Fake, read, stopped};
use lockstep_arith::item::compact;
use lockstep_rank::{CachedEncoder, EncodeError, Known, Limits, Service, Text, TextEncoder};
use serde_json::json;

const BODY: &str = r#"{"user": {"history": [{"text": "red shoes"}]}, "explain": true, "candidates": [
    {"id": "x", "text": "wool socks"}, {"id": "y", "text": "green tea"}, {"id": "z", "text": "wool socks"}]}"#;

/// Ranks with stored records. Gives the answer, the new records, and how many texts the model ran
/// on.
fn rank(stored: &[(String, Vec<u8>)]) -> (String, Vec<(String, Vec<u8>)>, usize) {
    let mut service = Service::new(CachedEncoder::new(Fake::embedding()), Limits::default(), stopped);
    let job = service.read("POST", "/v1/rank", BODY.as_bytes()).ok().unwrap();
    for text in job.items().into_iter().map(str::to_owned).collect::<Vec<_>>() {
        let key = service.encoder().key(&text);
        let record = stored.iter().find(|(stored, _)| *stored == key).map(|(_, record)| record.as_slice());
        service.encoder_mut().look_up(&text, record);
    }
    let reply = service.run(&job);
    assert_eq!(reply.status, 200);
    let asked = service.encoder().encoder().calls.iter().sum();
    let mut learned = service.encoder_mut().learned();
    learned.sort();
    (reply.body, learned, asked)
}

#[test]
fn a_known_vector_answers_as_the_model_does() {
    let (first, learned, asked) = rank(&[]);
    assert_eq!((learned.len(), asked), (2, 4), "two different candidates are kept, and no history");
    let (second, nothing_new, asked) = rank(&learned);
    assert_eq!(second, first);
    assert_eq!((nothing_new.len(), asked), (0, 1), "the history alone is computed");
    let (third, one_new, asked) = rank(&learned[..1]);
    assert_eq!(third, first);
    assert_eq!((one_new.as_slice(), asked > 1), (&learned[1..], true));
}

#[test]
fn a_record_is_the_compact_vector() {
    let (_, learned, _) = rank(&[]);
    let key = CachedEncoder::new(Fake::embedding()).key("green tea");
    let (_, record) = learned.iter().find(|(stored, _)| *stored == key).unwrap();
    let encoded = &Fake::embedding().encode(&[Text::single("green tea")]).unwrap()[0];
    let numbers = compact(&encoded.vector).into_iter().flat_map(i16::to_le_bytes);
    let expected: Vec<u8> = [4, 0, 0, 0, 0].into_iter().chain(numbers).collect();
    assert_eq!(*record, expected);
}

/// Nobody may compare a compact vector with anything but compact vectors.
#[test]
fn only_compared_texts_are_stored() {
    let service = Service::new(Fake::embedding(), Limits::default(), stopped);
    for (path, body, stored) in [
        ("/v1/rank", BODY, 3),
        ("/rerank", r#"{"query": "a", "texts": ["a", "b"]}"#, 2),
        ("/embed", r#"{"inputs": ["a"]}"#, 0),
        ("/v1/embeddings", r#"{"input": ["a"]}"#, 0),
        ("/similarity", r#"{"inputs": {"source_sentence": "a", "sentences": ["b"]}}"#, 0),
        ("/lockstep/encode", r#"{"inputs": ["a"]}"#, 0),
        ("/", r#"{"inputs": "a"}"#, 0),
    ] {
        assert_eq!(service.read("POST", path, body.as_bytes()).ok().unwrap().items().len(), stored, "{path}");
    }
}

#[test]
fn records_of_something_else_are_no_records() {
    let (first, learned, _) = rank(&[]);
    for spoil in [
        |record: &mut Vec<u8>| record.truncate(record.len() - 1),
        |record: &mut Vec<u8>| record.extend([0; 4]),
        |record: &mut Vec<u8>| record[4] = 2,
        |record: &mut Vec<u8>| record.truncate(3),
        // The pooled integers themselves.
        |record: &mut Vec<u8>| record.resize(5 + 4 * fake::DIMENSIONS, 0),
    ] {
        let mut spoiled = learned.clone();
        spoiled.iter_mut().for_each(|(_, record)| spoil(record));
        assert_eq!(rank(&spoiled), (first.clone(), learned.clone(), 4));
    }
}

#[test]
fn keys_differ_with_the_text_and_the_model() {
    let key = |text: &str| CachedEncoder::new(Fake::embedding()).key(text);
    assert_eq!(key("a"), key("a"));
    assert_ne!(key("a"), key("b"));
    assert_eq!(key("a").len(), 64);
    assert_ne!(
        CachedEncoder::new(Fake::embedding()).key("a"),
        CachedEncoder::new(Fake::other_model()).key("a")
    );
}

#[test]
fn an_error_names_the_place_in_the_request() {
    let mut cached = CachedEncoder::new(Fake::embedding());
    let (_, learned, _) = rank(&[]);
    let key = cached.key("green tea");
    let record = &learned.iter().find(|(stored, _)| *stored == key).unwrap().1;
    cached.look_up("green tea", Some(record));
    assert!(cached.knows(Text::single("green tea")) && !cached.knows(Text::single("red shoes")));
    let mut service = Service::new(cached, Limits::default(), stopped);
    let sabotage = fake::Sabotage::Fail(EncodeError::Empty { index: 0 });
    service.encoder_mut().encoder_mut().sabotage = Some(sabotage);
    let reply = service.handle(
        "POST",
        "/embed",
        json!({"inputs": ["green tea", "red shoes"]}).to_string().as_bytes(),
    );
    assert!(read(&reply)["error"].as_str().unwrap().contains("inputs[1]"), "{}", reply.body);
}

#[test]
fn requests_in_turns_keep_their_own_vectors() {
    let mut cached = CachedEncoder::new(Fake::embedding());
    let (mut first, mut second) = (Known::default(), Known::default());
    cached.exchange(&mut first);
    cached.look_up("green tea", None);
    cached.expect(Text::single("red shoes"));
    let vectors = cached.encode(&[Text::single("green tea"), Text::single("red shoes")]).unwrap();
    cached.exchange(&mut first);

    cached.exchange(&mut second);
    assert!(!cached.knows(Text::single("green tea")));
    cached.exchange(&mut second);

    cached.exchange(&mut first);
    assert!(cached.knows(Text::single("green tea")) && cached.knows(Text::single("red shoes")));
    cached.expect(Text::single("green tea"));
    let again = cached.encode(&[Text::single("green tea"), Text::single("red shoes")]).unwrap();
    assert_eq!((again, cached.encoder().calls.iter().sum::<usize>()), (vectors, 2), "nothing ran twice");
    let learned: Vec<String> = cached.learned().into_iter().map(|(key, _)| key).collect();
    assert_eq!(learned, [cached.key("green tea")], "no store gets a text that it was not asked for");
}

#[test]
fn pairs_are_never_looked_up() {
    let mut cached = CachedEncoder::new(Fake::classifier(&["one"]));
    cached.look_up("red shoes", None);
    let pair = [Text::pair("red shoes", "blue shoes")];
    cached.encode(&pair).unwrap();
    assert_eq!(cached.learned(), []);
}
