//! Requests to the daemon, with texts of people.

/// The part of an answer that says how the candidates rank; the rest is about the daemon.
#[must_use]
pub fn ranking(body: &str) -> Option<&str> {
    let (_, items) = body.split_once("\"items\":")?;
    Some(items.split_once(",\"usage\":")?.0)
}

/// A request: its path and its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The path.
    pub path: &'static str,
    /// The body.
    pub body: String,
}

/// Texts of some ten words.
const TEXTS: [&str; 16] = [
    "a lamp that helps you see a dark road before other people are on it",
    "how to bake bread at home with water, flour, salt and a little time",
    "the bank sends a new card when the old card is lost or does not work",
    "which bicycle is good for a child who will ride to school every day",
    "our train was late again, so we went home by car and saw the night",
    "a story about a cat and a dog that live in one house and do not fight",
    "the team played well in the first half and lost the game in the last minute",
    "clean water is hard to find in the country when there is no rain for weeks",
    "a teacher shows her students how to test a program before they run it",
    "keep your passport and your money close when you walk through a big city",
    "the doctor said that a short walk every morning is better than a long one",
    "small ships take food and letters to people who live on the islands",
    "how do I close my account and get the rest of my money back today",
    "fish, birds and horses: a book for children with a picture on each page",
    "the machine at the station gave me a ticket for yesterday and no change",
    "music for a long evening, played slow and soft on an old wooden piano",
];

/// Ranks the first `candidates` texts for a person who read the last one.
#[must_use]
pub fn rank(candidates: usize) -> Request {
    let [.., history] = TEXTS;
    let items: Vec<String> = TEXTS
        .iter()
        .take(candidates)
        .enumerate()
        .map(|(id, text)| format!(r#"{{"id":"{id}","text":"{text}"}}"#))
        .collect();
    let items = items.join(",");
    let body =
        format!(r#"{{"user":{{"history":[{{"text":"{history}"}}]}},"candidates":[{items}],"explain":true}}"#);
    Request { path: "/v1/rank", body }
}

/// Encodes `count` texts, each with a number of its own, so that none is like another.
#[must_use]
pub fn encode(count: usize) -> Request {
    let texts: Vec<String> =
        (0..count).map(|number| format!(r#""{number}: {}""#, TEXTS[number % TEXTS.len()])).collect();
    Request { path: "/lockstep/encode", body: format!(r#"{{"inputs":[{}]}}"#, texts.join(",")) }
}
