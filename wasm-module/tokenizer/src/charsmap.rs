//! `Precompiled`: the replacements of characters that SentencePiece keeps in its models.
//!
//! The bytes are the size of a trie in bytes (u32, little-endian), the trie (a double array of u32,
//! as the library Darts makes it), and the replacements, each of which ends with a NUL.
//!
//! The trie is asked as `tokenizers` asks it: first for a whole grapheme of at most 5 bytes, then
//! for each character; and the *shortest* entry that the question begins with gives the
//! replacement, for all of it.

use unicode_segmentation::UnicodeSegmentation;

use crate::aligned::Output;

/// The longest grapheme that is looked up as a whole, in bytes.
const WHOLE: usize = 5;

/// The replacements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charsmap {
    trie: Vec<u32>,
    replacements: String,
}

impl Charsmap {
    /// Reads the bytes.
    ///
    /// # Errors
    /// Says how they contradict the format.
    pub(crate) fn read(bytes: &[u8]) -> Result<Charsmap, &'static str> {
        let (size, rest) = bytes.split_first_chunk().ok_or("it has no size")?;
        // As in `tokenizers`, a size that is no multiple of 4 is rounded down.
        let size = u32::from_le_bytes(*size) as usize & !3;
        let (trie, replacements) = rest.split_at_checked(size).ok_or("its trie ends early")?;
        if trie.is_empty() {
            return Err("its trie is empty");
        }
        let (units, _) = trie.as_chunks();
        let replacements = str::from_utf8(replacements).map_err(|_| "its replacements are not UTF-8")?;
        Ok(Charsmap {
            trie: units.iter().copied().map(u32::from_le_bytes).collect(),
            replacements: replacements.to_owned(),
        })
    }

    /// Appends `text` with all replacements to `out`.
    ///
    /// Two ASCII characters side by side never share a grapheme, but for CR and LF. So the text is
    /// cut between them, and graphemes are looked for in the remaining text alone.
    pub(crate) fn apply(&self, text: &str, out: &mut impl Output) {
        let bytes = text.as_bytes();
        let mut start = 0;
        for at in 1..bytes.len() {
            let (before, after) = (bytes[at - 1], bytes[at]);
            if before.is_ascii() && after.is_ascii() && (before, after) != (b'\r', b'\n') {
                self.replace(&text[start..at], out);
                start = at;
            }
        }
        self.replace(&text[start..], out);
    }

    fn replace(&self, text: &str, out: &mut impl Output) {
        if text.len() == 1 {
            return self.replace_char(text, out);
        }
        for grapheme in text.graphemes(true) {
            if grapheme.len() <= WHOLE
                && let Some(replacement) = self.find(grapheme)
            {
                out.replace(grapheme, replacement);
                continue;
            }
            for (at, c) in grapheme.char_indices() {
                self.replace_char(&grapheme[at..at + c.len_utf8()], out);
            }
        }
    }

    fn replace_char(&self, c: &str, out: &mut impl Output) {
        out.replace(c, self.find(c).unwrap_or(c));
    }

    /// The replacement of the shortest entry that `text` begins with.
    ///
    /// Where the trie leads out of its array, or to a place that begins no character, there is no
    /// entry; `tokenizers` panics.
    fn find(&self, text: &str) -> Option<&str> {
        let mut at = offset(*self.trie.first()?);
        for byte in text.bytes().take_while(|&byte| byte != 0) {
            at ^= u32::from(byte);
            let unit = *self.trie.get(at as usize)?;
            if unit & (1 << 31 | 0xFF) != u32::from(byte) {
                return None;
            }
            at ^= offset(unit);
            if unit >> 8 & 1 == 1 {
                let start = self.trie.get(at as usize)? & !(1 << 31);
                let rest = self.replacements.get(start as usize..)?;
                return rest.split('\0').next();
            }
        }
        None
    }
}

/// The place of a unit's children, as an exclusive or with its own place.
fn offset(unit: u32) -> u32 {
    (unit >> 10) << ((unit & 1 << 9) >> 6)
}
