//! Halves of surrogate pairs in JSON.
//!
//! JavaScript and Python cut texts between the two halves of a character, and write the half that
//! is left as an escape such as `\ud83d`. It stands for no character, so it becomes U+FFFD, as
//! `String.prototype.toWellFormed` makes it.

use std::borrow::Cow;

/// Replaces each escape of half a pair by `\ufffd`, which is as long: no place in the text moves.
#[must_use]
pub fn whole_characters(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let mut halves = Vec::new();
    let mut at = 0;
    // In valid JSON a backslash stands in strings alone, always before the character that it
    // escapes. What is not valid is refused later.
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == b'\\')) {
        let escape = at + found;
        at = match (unit(bytes, escape), unit(bytes, escape + ESCAPE)) {
            (Some(HIGH_FIRST..=HIGH_LAST), Some(LOW_FIRST..=LOW_LAST)) => escape + 2 * ESCAPE,
            (Some(HIGH_FIRST..=LOW_LAST), _) => {
                halves.push(escape);
                escape + ESCAPE
            }
            _ => escape + 2,
        };
    }
    if halves.is_empty() {
        return Cow::Borrowed(json);
    }
    let mut whole = json.to_owned();
    for escape in halves {
        whole.replace_range(escape..escape + ESCAPE, r"\ufffd");
    }
    Cow::Owned(whole)
}

/// Bytes of an escape, `\uXXXX`.
const ESCAPE: usize = 6;
const HIGH_FIRST: u16 = 0xd800;
const HIGH_LAST: u16 = 0xdbff;
const LOW_FIRST: u16 = 0xdc00;
const LOW_LAST: u16 = 0xdfff;

/// The UTF-16 unit of the escape at a place, if there is one.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + ESCAPE)?.strip_prefix(br"\u")?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)? as u16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_become_the_replacement_character() {
        for (json, whole) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\uD83D\uDE00""#, r#""\uD83D\uDE00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ud83d\n\ude00x""#, r#""\ufffd\n\ufffdx""#),
            // An escaped backslash before a `u` begins no escape.
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
            (r#""\u00e9\udfff\ue000""#, r#""\u00e9\ufffd\ue000""#),
            // What is no JSON stays as it is.
            (r"\", r"\"),
            (r"\u", r"\u"),
            (r"\ud8", r"\ud8"),
            (r"\ud83é", r"\ud83é"),
        ] {
            assert_eq!(whole_characters(json), whole);
        }
    }

    proptest! {
        /// Whatever UTF-16 a text has, the reader gets the text that `from_utf16_lossy` makes.
        #[test]
        fn any_utf16_can_be_read(units in prop::collection::vec(prop_oneof![any::<u16>(), 0xd7f0..0xe010u16], 0..9)) {
            let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let json = format!("\"{escaped}\"");
            let read: Result<String, _> = serde_json::from_str(&whole_characters(&json));
            prop_assert_eq!(read.ok(), Some(String::from_utf16_lossy(&units)));
        }

        #[test]
        fn no_text_panics(text in r#"[\\udDcC8f0é"]{0,20}"#) {
            prop_assert_eq!(whole_characters(&text).len(), text.len());
        }
    }
}
