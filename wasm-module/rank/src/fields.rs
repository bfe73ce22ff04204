//! Reads typed fields from a [`Json`] tree. Every error names the path and the value found there.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    json::{EXACT, Json},
    problem::{Problem, quote},
};

/// A value and its path in the request, for example `candidates[3].text`.
pub(crate) struct At {
    pub(crate) path: String,
    value: Json,
}

/// An object without unknown fields.
pub(crate) struct Fields {
    path: String,
    values: BTreeMap<String, Json>,
}

impl At {
    /// The whole request, an object of the `known` fields.
    pub(crate) fn body(value: Json, known: &[&str]) -> Result<Fields, Problem> {
        let body = Self { path: String::new(), value };
        body.fields(known)
    }

    /// The whole request, an object of any fields.
    pub(crate) fn open_body(value: Json) -> Result<Fields, Problem> {
        Self { path: String::new(), value }.object("an object")
    }

    fn wrong(&self, wanted: &str) -> Problem {
        let found = match &self.value {
            Json::Null => "null".to_owned(),
            Json::Bool(value) => value.to_string(),
            Json::Whole(value) => value.to_string(),
            Json::Number(value) => value.to_string(),
            Json::String(value) => format!("the string {}", quote(value)),
            Json::Array(values) => format!("an array of {}", values.len()),
            Json::Object(values) => match values.keys().next() {
                Some(key) => format!("an object with the field {}", quote(key)),
                None => "an empty object".to_owned(),
            },
        };
        let path = if self.path.is_empty() { "body" } else { &self.path };
        Problem::invalid(path, format!("expected {wanted}, got {found}"))
    }

    pub(crate) fn is_string(&self) -> bool {
        matches!(self.value, Json::String(_))
    }

    pub(crate) fn is_number(&self, number: f64) -> bool {
        matches!(&self.value, Json::Number(found) if *found == number)
    }

    /// Refuses every value but this one: the field is not supported.
    pub(crate) fn refuse_unless(self, harmless: &Json) -> Result<(), Problem> {
        let text = |value: &Json| match value {
            Json::String(text) if !text.is_empty() => Some(quote(text)),
            Json::Bool(value) => Some(value.to_string()),
            _ => None,
        };
        let wanted = match harmless {
            found if *found == self.value => return Ok(()),
            Json::Array(values) => {
                Some(format!("[{}]", values.iter().filter_map(text).collect::<Vec<_>>().join(", ")))
            }
            value => text(value),
        };
        Err(self.wrong(&match wanted {
            Some(value) => format!("{value}, because other values are not supported"),
            None => "no such field, because it is not supported".to_owned(),
        }))
    }

    pub(crate) fn is_array(&self) -> bool {
        matches!(self.value, Json::Array(_))
    }

    /// Whether this is an array that begins with a number.
    pub(crate) fn is_numbers(&self) -> bool {
        let Json::Array(values) = &self.value else { return false };
        matches!(values.first(), Some(Json::Whole(_) | Json::Number(_)))
    }

    /// An array of token ids of a model with so many.
    pub(crate) fn ids(self, vocabulary: usize) -> Result<Vec<u32>, Problem> {
        let Json::Array(values) = self.value else { return Err(self.wrong("an array of token ids")) };
        let id = |(index, value): (usize, Json)| {
            let id = match &value {
                Json::Whole(id) if *id < vocabulary as u64 => u32::try_from(*id).ok(),
                _ => None,
            };
            let wrong = |value| {
                let wanted = format!(
                    "a token id of this model, a whole number below {vocabulary} (a client that counts \
                     tokens for another model must send texts: in LangChain, \
                     check_embedding_ctx_length=False)"
                );
                Self { path: format!("{}[{index}]", self.path), value }.wrong(&wanted)
            };
            id.ok_or_else(|| wrong(value))
        };
        values.into_iter().enumerate().map(id).collect()
    }

    pub(crate) fn string(self) -> Result<String, Problem> {
        match self.value {
            Json::String(text) => Ok(text),
            _ => Err(self.wrong("a string")),
        }
    }

    pub(crate) fn bool(self) -> Result<bool, Problem> {
        match self.value {
            Json::Bool(value) => Ok(value),
            _ => Err(self.wrong("true or false")),
        }
    }

    pub(crate) fn number(self) -> Result<f64, Problem> {
        match self.value {
            Json::Whole(value) => Ok(value as f64),
            Json::Number(value) => Ok(value),
            _ => Err(self.wrong("a number")),
        }
    }

    /// A whole number in `range`. The error message describes the upper end as `upper`.
    pub(crate) fn whole(self, range: std::ops::RangeInclusive<usize>, upper: &str) -> Result<usize, Problem> {
        let found = match self.value {
            Json::Whole(value) => usize::try_from(value).ok(),
            _ => None,
        };
        match found {
            Some(value) if range.contains(&value) => Ok(value),
            _ => Err(self.wrong(&format!(
                "a whole number from {} to {} ({upper})",
                range.start(),
                range.end()
            ))),
        }
    }

    /// A whole number of at most `most`.
    pub(crate) fn at_most(self, most: u64, wanted: &str) -> Result<u64, Problem> {
        match self.value {
            Json::Whole(value) if value <= most => Ok(value),
            _ => Err(self.wrong(wanted)),
        }
    }

    /// A string, a number, true or false. Equal numbers give equal values: 1.0 is 1.
    pub(crate) fn scalar(self, wanted: &str) -> Result<Value, Problem> {
        match self.value {
            Json::String(text) => Ok(text.into()),
            Json::Bool(value) => Ok(value.into()),
            Json::Whole(value) => Ok(value.into()),
            Json::Number(value) if value.fract() == 0.0 && value.abs() <= EXACT => Ok((value as i64).into()),
            Json::Number(value) => Ok(value.into()),
            Json::Null | Json::Array(_) | Json::Object(_) => Err(self.wrong(wanted)),
        }
    }

    /// An array of at most `limit` entries.
    pub(crate) fn array(self, wanted: &str, limit: usize) -> Result<Vec<At>, Problem> {
        let Json::Array(values) = self.value else {
            return Err(self.wrong(wanted));
        };
        if values.len() > limit {
            return Err(Problem::TooLarge { field: self.path, amount: values.len(), unit: "entries", limit });
        }
        let entry = |(index, value)| Self { path: format!("{}[{index}]", self.path), value };
        Ok(values.into_iter().enumerate().map(entry).collect())
    }

    /// An object of any fields.
    pub(crate) fn object(self, wanted: &str) -> Result<Fields, Problem> {
        let Json::Object(values) = self.value else { return Err(self.wrong(wanted)) };
        Ok(Fields { path: self.path, values })
    }

    /// An object that has no fields but the `known` ones.
    pub(crate) fn fields(self, known: &[&str]) -> Result<Fields, Problem> {
        let list = known.join(", ");
        let Fields { path, values } = self.object(&format!("an object with {list}"))?;
        match values.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(Fields { path, values }),
            Some(key) => {
                let field = if path.is_empty() { "body".to_owned() } else { path };
                let detail = format!("unknown field {}; known are {list}", quote(key));
                Err(Problem::invalid(field, detail))
            }
        }
    }
}

/// How many characters of a name from the request a path repeats.
const NAME: usize = 40;

/// How many names of fields an error message lists.
const SHOWN: usize = 5;

impl Fields {
    /// The path of a field.
    pub(crate) fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The fields, with those of the object `parameters` in which Hugging Face's clients send
    /// settings. A field outside of it counts more.
    pub(crate) fn with_parameters(mut self) -> Result<Self, Problem> {
        if let Some(parameters) = self.optional("parameters") {
            for (name, value) in parameters.object("an object of settings")?.values {
                self.values.entry(name).or_insert(value);
            }
        }
        Ok(self)
    }

    /// All fields and their names.
    pub(crate) fn each(self) -> impl Iterator<Item = (String, At)> {
        let parent = self.path;
        self.values.into_iter().map(move |(name, value)| {
            let shown: String = name.chars().take(NAME).collect();
            let path = format!("{parent}.{shown}");
            (name, At { path, value })
        })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub(crate) fn is_string(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Json::String(_)))
    }

    pub(crate) fn is_object(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Json::Object(_)))
    }

    /// The field, unless it is absent or `null`.
    pub(crate) fn optional(&mut self, name: &str) -> Option<At> {
        match self.values.remove(name)? {
            Json::Null => None,
            value => Some(At { path: self.path(name), value }),
        }
    }

    pub(crate) fn required(&mut self, name: &str) -> Result<At, Problem> {
        match self.values.remove(name) {
            Some(value) => Ok(At { path: self.path(name), value }),
            None => {
                let found: Vec<String> = self.values.keys().take(SHOWN).map(|key| quote(key)).collect();
                let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
                Err(Problem::invalid(self.path(name), format!("this field is missing; there is {found}")))
            }
        }
    }

    pub(crate) fn bool(&mut self, name: &str, default: bool) -> Result<bool, Problem> {
        self.optional(name).map_or(Ok(default), At::bool)
    }
}
