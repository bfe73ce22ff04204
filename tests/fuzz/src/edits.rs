//! Changes of valid bytes.

use crate::script::Script;

/// Inserts, overwrites and removes up to `most` pieces of a text. `pieces` are what the text's
/// language is made of.
pub(crate) fn splice(text: &mut Vec<u8>, script: &mut Script<'_>, pieces: &[&[u8]], most: usize) {
    for _ in 0..script.below(most + 1) {
        let at = script.below(text.len() + 1);
        let end = (at + script.below(12)).min(text.len());
        let piece = match script.byte() {
            byte @ 0..=199 => pieces[usize::from(byte) % pieces.len()],
            byte => script.bytes(usize::from(byte - 199) % 16),
        };
        text.splice(at..end, piece.iter().copied());
    }
}

/// The pieces of JSON: syntax, extreme numbers, unusual characters.
pub(crate) const JSON: [&[u8]; 34] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"null",
    b"true",
    b"false",
    b"0",
    b"1",
    b"-1",
    b"-0",
    b"0.1",
    b"1e999",
    b"-1e308",
    b"1e308",
    b"5e-324",
    b"1e-999",
    b"9007199254740993",
    b"18446744073709551615",
    b"18446744073709551616",
    b"4294967296",
    b"\\u0000",
    b"\\ud800",
    b"\\ud83d\\ude00",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"[[[[[[[[",
    b"\"\"",
];
