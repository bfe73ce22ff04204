//! The JSON files of a checkpoint folder, as Python's libraries take them: a byte order mark may
//! stand in front, and `null` is the same as an absent key.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::error::{CheckpointError, read_file};

/// Longest value that an error shows whole, in bytes.
const SHOWN: usize = 80;

/// A JSON file whose value is an object.
#[derive(Clone, Debug)]
pub struct Json {
    path: PathBuf,
    fields: Map<String, Value>,
}

/// Reads any JSON value.
///
/// # Errors
/// Names the file, and what is wrong with its bytes.
pub fn read_json(path: &Path) -> Result<Value, CheckpointError> {
    let bytes = read_file(path)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    serde_json::from_slice(bytes)
        .map_err(|e| CheckpointError::Config { path: path.into(), reason: format!("not JSON: {e}") })
}

impl Json {
    /// Reads a file.
    ///
    /// # Errors
    /// Names the file, if it cannot be read or is no JSON object.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let value = read_json(path)?;
        Self::of(path, &value).ok_or_else(|| CheckpointError::Config {
            path: path.into(),
            reason: format!("{} is no JSON object", shown(&value)),
        })
    }

    /// Reads a file, if there is one.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_if_there(path: &Path) -> Result<Option<Self>, CheckpointError> {
        path.is_file().then(|| Self::read(path)).transpose()
    }

    fn of(path: &Path, value: &Value) -> Option<Self> {
        value.as_object().map(|fields| Self { path: path.into(), fields: fields.clone() })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys whose values are not `null`, sorted, with their values.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields.iter().filter(|(_, v)| !v.is_null()).map(|(key, value)| (key.as_str(), value))
    }

    /// A value, if it is there and not `null`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    /// An object inside this one.
    ///
    /// # Errors
    /// The value is no object.
    pub fn object(&self, key: &str) -> Result<Option<Self>, CheckpointError> {
        self.typed(key, "an object", |value| Self::of(&self.path, value))
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// The value is another one.
    pub fn count(&self, key: &str) -> Result<Option<usize>, CheckpointError> {
        self.typed(key, "a whole number", |value| value.as_u64().and_then(|n| usize::try_from(n).ok()))
    }

    /// A number.
    ///
    /// # Errors
    /// The value is no number.
    pub fn number(&self, key: &str) -> Result<Option<f64>, CheckpointError> {
        self.typed(key, "a number", Value::as_f64)
    }

    /// A text.
    ///
    /// # Errors
    /// The value is no text.
    pub fn text(&self, key: &str) -> Result<Option<&str>, CheckpointError> {
        self.typed(key, "a text", Value::as_str)
    }

    /// A truth value. As in Python, a number is true unless it is 0.
    ///
    /// # Errors
    /// The value is neither.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, CheckpointError> {
        self.typed(key, "true or false", |value| value.as_bool().or_else(|| Some(value.as_f64()? != 0.0)))
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        allowed: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, CheckpointError> {
        self.get(key)
            .map(|value| read(value).ok_or_else(|| self.refuse(key, &format!("allowed: {allowed}"))))
            .transpose()
    }

    /// The refusal of a value, with the way out.
    #[must_use]
    pub fn refuse(&self, key: &str, advice: &str) -> CheckpointError {
        let value = self.fields.get(key).map_or_else(|| "missing".to_owned(), shown);
        self.error(format!("{key} is {value}, {advice}"))
    }

    /// A refusal of this file.
    #[must_use]
    pub fn error(&self, reason: String) -> CheckpointError {
        CheckpointError::Config { path: self.path.clone(), reason }
    }
}

/// A value as an error shows it.
#[must_use]
pub fn shown(value: &Value) -> String {
    let mut text = value.to_string();
    if text.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_as_python_takes_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.json");
        std::fs::write(&path, "\u{feff}{\"a\": null, \"b\": 1, \"c\": 1e30, \"d\": {\"e\": 0}}")
            .expect("a file");
        let json = Json::read(&path).expect("an object");
        assert_eq!(json.count("a").ok(), Some(None));
        assert_eq!((json.count("b").ok(), json.flag("b").ok()), (Some(Some(1)), Some(Some(true))));
        assert_eq!(json.number("c").ok(), Some(Some(1e30)));
        assert_eq!(json.entries().map(|(key, _)| key).collect::<Vec<_>>(), ["b", "c", "d"]);
        let inner = json.object("d").expect("an object").expect("there");
        assert_eq!(inner.flag("e").ok(), Some(Some(false)));
        let message = json.text("b").expect_err("no text").to_string();
        assert!(message.ends_with("a.json: b is 1, allowed: a text"), "{message}");
        for (text, part) in [("[1]", "[1] is no JSON object"), ("{", "not JSON")] {
            std::fs::write(&path, text).expect("a file");
            let message = Json::read(&path).expect_err("refused").to_string();
            assert!(message.contains("a.json: ") && message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let text = shown(&Value::String("é".repeat(100)));
        assert!(text.len() < SHOWN + 4 && text.ends_with('…'), "{text}");
    }
}
