//! Where tokens are in a text.

/// A token of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// The bytes of the text that it stands for, from and to; `None` for a special token that the
    /// template adds. As in `tokenizers`, the ends may lie within a character.
    pub place: Option<(usize, usize)>,
}
