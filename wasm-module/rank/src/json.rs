//! Reads a JSON body into a tree. It refuses a field given twice and more values than the limit,
//! and its errors name the path at which they happened.

use std::{cell::RefCell, collections::BTreeMap, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};

use crate::{
    limits::Limits,
    problem::{Problem, quote},
    surrogates::whole_characters,
};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// A whole number from 0 to 2^64 - 1. One with a point or an exponent, such as `1.0`, is whole
    /// up to 2^53.
    Whole(u64),
    /// Any other number; always finite.
    Number(f64),
    String(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

/// Up to here a number without a fraction is a whole one.
pub(crate) const EXACT: f64 = (1_u64 << 53) as f64;

/// Reads a request's body.
pub(crate) fn parse(body: &[u8], limits: &Limits) -> Result<Json, Problem> {
    if body.len() > limits.max_body_bytes {
        return Err(Problem::TooLarge {
            field: "body".into(),
            amount: body.len(),
            unit: "bytes",
            limit: limits.max_body_bytes,
        });
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        let byte = body.get(at).copied().unwrap_or_default();
        Problem::invalid(
            "body",
            format!("not UTF-8: byte {at} is 0x{byte:02x} where a character should start"),
        )
    })?;
    if text.trim_ascii().is_empty() {
        return Err(Problem::empty("body", format!("{} bytes without a JSON object", body.len())));
    }
    let text = &*whole_characters(text);

    let left = [limits.max_json_values, limits.max_json_numbers];
    let walk = RefCell::new(Walk { path: String::from("body"), left, excess: None });
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Value(&walk).deserialize(&mut reader).and_then(|value| {
        walk.borrow_mut().path.clear();
        walk.borrow_mut().path.push_str("body");
        reader.end().map(|()| value)
    });
    read.map_err(|error| {
        let walk = walk.borrow();
        let field = strip_root(&walk.path).to_owned();
        if let Some(kind) = walk.excess {
            let (unit, limit) = match kind {
                Kind::Value => ("JSON values up to here", limits.max_json_values),
                Kind::Number => ("numbers up to here", limits.max_json_numbers),
            };
            return Problem::TooLarge { field, amount: limit.saturating_add(1), unit, limit };
        }
        let near = quote(excerpt(text, error.line(), error.column()));
        Problem::invalid(field, format!("{error}, near {near}"))
    })
}

/// The text from 12 bytes before the position that the reader complains about.
fn excerpt(text: &str, line: usize, column: usize) -> &str {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut from = (start + column).saturating_sub(12).max(start);
    while !text.is_char_boundary(from) {
        from += 1;
        if from >= text.len() {
            return "";
        }
    }
    text.get(from..).unwrap_or_default()
}

/// Turns `body.user.history` into `user.history`. Only the body itself is called `body`.
fn strip_root(path: &str) -> &str {
    path.strip_prefix("body.").unwrap_or(path)
}

/// The kinds of values that are counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Value,
    Number,
}

/// The path of the value being read, and how many more values may follow.
struct Walk {
    path: String,
    /// For each [`Kind`].
    left: [usize; 2],
    /// The kind of which there are too many.
    excess: Option<Kind>,
}

/// Reads one value. Only a success shortens the path again, so after an error the path still names
/// the failing value.
struct Value<'a>(&'a RefCell<Walk>);

impl Value<'_> {
    /// Reads a child value with `name` on the path.
    fn child<T, E>(&self, name: &str, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let length = self.0.borrow().path.len();
        self.0.borrow_mut().path.push_str(name);
        let value = read()?;
        self.0.borrow_mut().path.truncate(length);
        Ok(value)
    }

    /// Counts a value.
    fn count<E: serde::de::Error>(&self, kind: Kind) -> Result<(), E> {
        let mut walk = self.0.borrow_mut();
        match walk.left[kind as usize].checked_sub(1) {
            Some(left) => walk.left[kind as usize] = left,
            None => {
                walk.excess = Some(kind);
                return Err(E::custom("too many JSON values"));
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Json, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Json, E> {
        self.count(Kind::Value)?;
        Ok(Json::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Json, E> {
        self.count(Kind::Value)?;
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Json, E> {
        self.count(Kind::Number)?;
        Ok(Json::Whole(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Json, E> {
        self.count(Kind::Number)?;
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        self.count(Kind::Number)?;
        let is_whole = value.fract() == 0.0 && (0.0..=EXACT).contains(&value);
        Ok(if is_whole { Json::Whole(value as u64) } else { Json::Number(value) })
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Json, E> {
        self.count(Kind::Value)?;
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Json, E> {
        self.count(Kind::Value)?;
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Json, A::Error> {
        self.count(Kind::Value)?;
        let mut values = Vec::new();
        loop {
            let name = format!("[{}]", values.len());
            match self.child(&name, || array.next_element_seed(Value(self.0)))? {
                Some(value) => values.push(value),
                None => return Ok(Json::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        self.count(Kind::Value)?;
        let mut values = BTreeMap::new();
        while let Some(key) = object.next_key::<String>()? {
            if values.contains_key(&key) {
                return Err(A::Error::custom(format!("field {} twice", quote(&key))));
            }
            let name: String = key.chars().take(NAME).collect();
            let value = self.child(&format!(".{name}"), || object.next_value_seed(Value(self.0)))?;
            values.insert(key, value);
        }
        Ok(Json::Object(values))
    }
}

/// How many characters of a field's name a path repeats.
const NAME: usize = 40;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refusal(body: &str) -> String {
        parse(body.as_bytes(), &Limits::default()).unwrap_err().to_string()
    }

    #[test]
    fn numbers_keep_their_kind() {
        let read = parse(b"[1, 1.0, -1, 18446744073709551615, 1e2]", &Limits::default()).unwrap();
        let expected =
            [Json::Whole(1), Json::Whole(1), Json::Number(-1.0), Json::Whole(u64::MAX), Json::Whole(100)];
        assert_eq!(read, Json::Array(expected.to_vec()));
    }

    #[test]
    fn an_error_names_the_path_and_the_place() {
        let text = refusal(r#"{"user": {"history": [{"weight": 1}, {"weight": 1e999}]}}"#);
        assert!(text.starts_with("user.history[1].weight: number out of range"), "{text}");
        assert!(text.contains("1e999"), "{text}");
    }

    #[test]
    fn a_field_given_twice_is_named() {
        let text = refusal(r#"{"a": {"b": 1, "b": 2}}"#);
        assert!(text.starts_with(r#"a: field "b" twice"#), "{text}");
    }

    #[test]
    fn what_follows_the_object_is_an_error_of_the_body() {
        let text = refusal(r#"{"a": [1]} x"#);
        assert!(text.starts_with("body: trailing characters"), "{text}");
    }

    #[test]
    fn values_and_numbers_are_counted() {
        let limits = Limits { max_json_values: 2, max_json_numbers: 3, ..Limits::default() };
        assert!(parse(b"[1,2,3]", &limits).is_ok());
        assert!(parse(b"[1,[],2.5,-3]", &limits).is_ok());
        for (body, text) in [
            ("[1,2,3,4]", "body[3]: 4 numbers up to here, the limit is 3"),
            ("[[1,[2]]]", "body[0][1]: 3 JSON values up to here, the limit is 2"),
            ("[null,true]", "body[1]: 3 JSON values up to here, the limit is 2"),
            (r#"{"a":"b","c":{}}"#, "c: 3 JSON values up to here, the limit is 2"),
        ] {
            let problem = parse(body.as_bytes(), &limits).unwrap_err();
            assert_eq!((problem.status(), problem.to_string()), (413, text.to_owned()));
        }
    }

    #[test]
    fn the_excerpt_respects_characters() {
        // The position 12 bytes before column 20 is the second byte of a character.
        let text = "aéééééééééééé";
        assert_eq!(excerpt(text, 1, 20), &text[9..]);
        assert_eq!(excerpt("ab\ncd", 2, 1), "cd");
        assert_eq!(excerpt("é", 7, 7), "");
        for body in ["é", "[\"éééééééééééééééé", "{\"éééééé\n\":é", "\n\n\né"] {
            parse(body.as_bytes(), &Limits::default()).unwrap_err();
        }
    }
}
