//! The text of each id. A vocabulary of 250,000 pieces is one text and two numbers for each id.

/// The tokens of a tokenizer by id: its vocabulary, and the added tokens. Some ids may have none.
#[derive(Default)]
pub(crate) struct Tokens {
    /// All tokens, one after the other. Shorter than 4 GiB, as the file is.
    text: String,
    /// Begin and end of each id's token, or `HOLE`.
    spans: Vec<(u32, u32)>,
}

const HOLE: (u32, u32) = (u32::MAX, u32::MAX);

impl Tokens {
    /// Gives `token` to `id`, unless the id has a token already.
    pub(crate) fn set(&mut self, id: u32, token: &str) {
        let id = id as usize;
        if id >= self.spans.len() {
            self.spans.resize(id + 1, HOLE);
        }
        if self.spans[id] == HOLE {
            let start = self.text.len() as u32;
            self.text.push_str(token);
            self.spans[id] = (start, self.text.len() as u32);
        }
    }

    /// One more than the greatest id.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The token of an id.
    pub(crate) fn get(&self, id: u32) -> Option<&str> {
        self.slice(*self.spans.get(id as usize)?)
    }

    /// The tokens and their ids, in the order of the ids.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, u32)> {
        let spans = self.spans.iter().enumerate();
        spans.filter_map(|(id, &span)| Some((self.slice(span)?, id as u32)))
    }

    fn slice(&self, (start, end): (u32, u32)) -> Option<&str> {
        self.text.get(start as usize..end as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_token_of_an_id_stays() {
        let mut tokens = Tokens::default();
        for (id, token) in [(2, "é"), (0, ""), (2, "x"), (3, "b")] {
            tokens.set(id, token);
        }
        assert_eq!(tokens.iter().collect::<Vec<_>>(), [("", 0), ("é", 2), ("b", 3)]);
        assert_eq!((tokens.len(), tokens.get(1), tokens.get(2), tokens.get(4)), (4, None, Some("é"), None));
    }
}
