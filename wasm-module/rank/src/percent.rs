//! Percent-encoding, as parts of a path have it.

/// Decodes one part of a path: `%41` is `A`.
///
/// # Errors
/// The reason in words: an escape that is none, or bytes that are not UTF-8.
pub(crate) fn decode(part: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
            _ => return Err("a percent sign without two hexadecimal digits"),
        }
    }
    String::from_utf8(bytes).map_err(|_| "no UTF-8")
}
