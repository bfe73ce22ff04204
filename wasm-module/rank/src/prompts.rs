//! Prompts: words that the authors of a model put before each text, such as `query: `.
//!
//! The names are those of sentence-transformers. A request that names none gets the prompt of its
//! text's role, or else the model's default one, as `encode_query` and `encode_document` do there.

use std::collections::BTreeMap;

/// The names of the prompts of a text that is searched, the best first.
const DOCUMENT: [&str; 3] = ["document", "passage", "corpus"];
/// The name of the prompt of a text that searches.
const QUERY: [&str; 1] = ["query"];

/// The prompts of a model. Most models have none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompts {
    /// What stands before a text, by name.
    pub texts: BTreeMap<String, String>,
    /// The prompt of a text without name and role: a key of `texts`.
    pub default: Option<String>,
}

impl Prompts {
    /// The prompt of a text without name and role.
    #[must_use]
    pub fn any(&self) -> &str {
        self.first(&[])
    }

    /// The prompt of a query, or of a text that a person has read.
    #[must_use]
    pub fn query(&self) -> &str {
        self.first(&QUERY)
    }

    /// The prompt of a text that is searched or ranked.
    #[must_use]
    pub fn document(&self) -> &str {
        self.first(&DOCUMENT)
    }

    /// The first prompt of these names that there is, or the default one.
    fn first(&self, names: &[&str]) -> &str {
        let names = names.iter().copied().chain(self.default.as_deref());
        names.filter_map(|name| self.texts.get(name)).map(String::as_str).next().unwrap_or_default()
    }
}

/// A text behind its prompt.
pub(crate) fn behind(prompt: &str, mut text: String) -> String {
    text.insert_str(0, prompt);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(texts: &[(&str, &str)], default: Option<&str>) -> Prompts {
        let texts = texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Prompts { texts, default: default.map(str::to_owned) }
    }

    #[test]
    fn a_role_has_its_prompt_or_the_default_one() {
        let e5 = prompts(&[("query", "query: "), ("passage", "passage: ")], None);
        assert_eq!((e5.any(), e5.query(), e5.document()), ("", "query: ", "passage: "));
        // An empty prompt is a prompt: the default one does not come instead.
        let six = prompts(&[("query", ""), ("document", "d: "), ("passage", "p: "), ("x", "x: ")], Some("x"));
        assert_eq!((six.any(), six.query(), six.document()), ("x: ", "", "d: "));
        let other = prompts(&[("corpus", "c: "), ("x", "x: ")], Some("x"));
        assert_eq!((other.any(), other.query(), other.document()), ("x: ", "x: ", "c: "));
        let none = Prompts::default();
        assert_eq!((none.any(), none.query(), none.document()), ("", "", ""));
    }
}
